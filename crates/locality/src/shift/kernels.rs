//! Kernels and bandwidths in force.

use super::bandwidth::estimate_under;
use crate::{
    Atom, Bandwidth, Columns, Error, Float, Kernel, Metric, Profile, Result, Rows, Takes, Watch,
};

/// The bandwidth that is given, or else the kernel's own.
pub(super) fn known_bandwidth(kernel: &Kernel, given: Option<f64>) -> Result<Option<f64>> {
    if let Some(h) = given {
        return positive("bandwidth", h).map(Some);
    }
    let own = kernel
        .atoms()
        .into_iter()
        .find_map(|a| match a.bandwidth_rule() {
            Bandwidth::Fixed(h) => Some(*h),
            _ => None,
        });
    own.map(|h| positive("the kernel's h", h)).transpose()
}

/// The same, or else the estimate under a metric.
pub(super) fn bandwidth_in_force<T: Float>(
    (kernel, metric): (&Kernel, &Metric),
    given: Option<f64>,
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    watch: &Watch<'_>,
) -> Result<f64> {
    if let Some(h) = known_bandwidth(kernel, given)? {
        return Ok(h);
    }
    let h = estimate_under(metric, samples, weights, 0.3, &watch.quiet())?;
    if h > 0.0 {
        return Ok(h);
    }
    let n = samples.rows();
    let (what, s) = if n == 1 {
        ("1 sample", "")
    } else {
        ("these samples", "s")
    };
    Err(Error::parameter(format!(
        "the estimated bandwidth of {what} is 0, since most of the {n} sample{s} have their nearest third at \
         distance 0; give bandwidth a positive number"
    )))
}

/// A bandwidth so small that only samples at one place are together: 64 roundings of the largest number.
pub(super) fn place_bandwidth<T: Float>(samples: Rows<'_, T>) -> f64 {
    let numbers = samples.iter().flatten().map(|x| x.to_f64().abs());
    let largest = numbers.fold(0.0, f64::max);
    if largest > 0.0 {
        largest * 64.0 * T::EPSILON.to_f64()
    } else {
        1.0
    }
}

/// The kernel with this bandwidth where an atom has none of its own.
pub(super) fn scaled(kernel: &Kernel, h: f64) -> Result<Kernel> {
    let kernel = kernel.try_map(&mut |atom| {
        Ok(match atom.bandwidth_rule() {
            Bandwidth::Default if atom.profile().info().takes == Takes::Distance => {
                atom.clone().bandwidth(h)
            }
            _ => atom.clone(),
        })
    })?;
    kernel.check()?;
    Ok(kernel)
}

/// The kernel with this metric where an atom of distances has none of its own.
pub(super) fn under(kernel: &Kernel, metric: &Metric) -> Result<Kernel> {
    if *metric == Metric::Euclidean || !metric.is_distance() {
        return Ok(kernel.clone());
    }
    kernel.try_map(&mut |atom| {
        let plain = Atom::new(*atom.profile()).bandwidth(atom.bandwidth_rule().clone());
        let plain = match atom.column_choice() {
            Columns::Indices(list) => plain.columns(list.clone()),
            _ => plain,
        };
        let open = plain == *atom && atom.profile().info().takes == Takes::Distance;
        Ok(if open {
            plain.metric(metric.clone())
        } else {
            atom.clone()
        })
    })
}

/// The kernel with a bandwidth, if it is one of distances of any kind; one of scores weighs far samples most.
pub(super) fn of_distance(kernel: &Kernel, h: f64) -> Result<Kernel> {
    for atom in kernel.atoms() {
        if atom.profile().info().takes != Takes::Distance || !atom.metric_in_force().is_distance() {
            return Err(Error::unsupported(format!(
                "kernel: {atom} is no function of a distance, so that far samples may weigh most and no sample is in their middle; choose \
                 flat, gaussian, epanechnikov or another profile of distances"
            )));
        }
    }
    scaled(kernel, h)
}

/// The same for a kernel whose local mean is a shift towards a mode.
pub(super) fn shifting(kernel: &Kernel, h: f64) -> Result<Kernel> {
    let kernel = kernel.try_map(&mut |atom| {
        let scaled = match atom.bandwidth_rule() {
            Bandwidth::Default => atom.clone().bandwidth(h),
            _ => atom.clone(),
        };
        let info = atom.profile().info();
        if info.takes != Takes::Distance || scaled.metric_in_force() != Metric::Euclidean {
            return Err(Error::unsupported(format!(
                "kernel: {atom} is no function of a Euclidean distance, so its local mean is no shift towards a mode; \
                 choose flat, gaussian, epanechnikov or another radial profile"
            )));
        }
        Ok(scaled)
    })?;
    kernel.check()?;
    Ok(kernel)
}

/// The radius, if the kernel is flat on all columns.
pub(super) fn flat_radius(kernel: &Kernel) -> Option<f64> {
    let Kernel::Atom(atom) = kernel else {
        return None;
    };
    let (Profile::Uniform(_), Bandwidth::Fixed(h)) = (atom.profile(), atom.bandwidth_rule()) else {
        return None;
    };
    let plain = Atom::new(*atom.profile()).bandwidth(*h);
    (*atom == plain || *atom == plain.metric(Metric::Euclidean)).then_some(*h)
}

pub(super) fn flat() -> Kernel {
    radial("uniform")
}

/// A kernel of one profile, its bandwidth left open.
pub(super) fn radial(name: &str) -> Kernel {
    let profile = Profile::from_name(name, &[]).expect("the list of profiles has it");
    Kernel::Atom(Atom::new(profile))
}

pub(super) fn positive(name: &str, h: f64) -> Result<f64> {
    if h.is_finite() && h > 0.0 {
        Ok(h)
    } else {
        Err(Error::parameter(format!(
            "{name}={h} must be a positive finite number"
        )))
    }
}

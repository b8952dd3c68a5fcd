//! The scale at which a kernel sees the dimension of the samples.

use crate::named::Named;
use crate::{Atom, Bandwidth, Error, Kernel, Metric, Nearest, Profile, Result, Rows, Watch};

/// At most so many distances are looked at.
const MOST: usize = 1 << 20;
/// Bandwidths that are tried: so many to each factor of two, so many factors of two below and above the median reach.
const STEPS: i32 = 8;
const BELOW: i32 = 12;
const ABOVE: i32 = 6;

/// The bandwidth at which the sum of a kernel's weights between samples `[n, d]` grows fastest, both on logarithmic scales: below it samples are
/// alone, above it all see one another, and there the sum grows as the bandwidth to the power of the samples' dimension.
///
/// `profile` is a function of the Euclidean distance. Weights are those of the `k` nearest of each sample, itself counted, or of all.
///
/// Sources: R. Coifman, Y. Shkolnisky, F. Sigworth, A. Singer, *Graph Laplacian tomography from unknown random projections*, IEEE Trans. Image
/// Processing 17 (2008); T. Berry, J. Harlim, *Variable bandwidth diffusion kernels*, Applied and Computational Harmonic Analysis 40 (2016).
///
/// ```
/// use locality::{Profile, Rows, Watch, embed::kernel_scale};
/// let x: Vec<f64> = (0..200).map(|i| 0.1 * f64::from(i)).collect();
/// let gaussian = Profile::from_name("gaussian", &[])?;
/// let h = kernel_scale(Rows::column(&x), &gaussian, None, &Watch::default())?;
/// // About their distance: there they begin to see one another.
/// assert!(h > 0.05 && h < 0.2);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// Numbers that are not finite, `k` out of range, samples that are all alike, an interruption.
pub fn kernel_scale(
    samples: Rows<'_, f64>,
    profile: &Profile,
    k: Option<usize>,
    watch: &Watch<'_>,
) -> Result<f64> {
    let n = samples.rows();
    let k = k.unwrap_or(n);
    let search = Nearest::fit(samples, &Metric::Euclidean).named("X")?;
    let step = n.div_ceil((MOST / k.max(1)).max(64));
    let some: Vec<f64> = (0..n)
        .step_by(step)
        .flat_map(|i| samples.row(i).to_vec())
        .collect();
    let some = Rows::new(&some, n.div_ceil(step), samples.columns())?;
    let distances = search.k_nearest(some, k, watch).named("X")?.distances;
    let mut reach: Vec<f64> = distances.chunks_exact(k).map(|row| row[k - 1]).collect();
    reach.sort_unstable_by(f64::total_cmp);
    // Where half of the samples have so many duplicates, the others say how far apart samples are.
    let far = reach[reach.partition_point(|r| *r == 0.0)..].to_vec();
    if far.is_empty() {
        return Err(Error::parameter(
            "bandwidth 'auto' finds all neighbours at distance 0; raise n_neighbors, or give a bandwidth",
        ));
    }
    let unit = far[far.len() / 2];
    let at = |i: i32| unit * (f64::from(i) / f64::from(STEPS)).exp2();
    let mut best = (f64::NEG_INFINITY, unit);
    let mut before: Option<f64> = None;
    for i in -STEPS * BELOW..=STEPS * ABOVE {
        watch.check()?;
        let h = at(i);
        let sum: f64 = distances.iter().map(|d| profile.weight(d / h)).sum();
        let log = sum.ln();
        if let Some(before) = before
            && log - before > best.0
        {
            best = (log - before, (h * at(i - 1)).sqrt());
        }
        before = log.is_finite().then_some(log);
    }
    Ok(best.1)
}

/// The neighbour that a sample should see under a bandwidth of nobody's choice (Zelnik-Manor and Perona 2004).
const SEEN: usize = 7;

/// By [`kernel_scale`], but for half of the samples at least as far as their [`SEEN`]th neighbour: the sum of all weights may grow fastest
/// where samples only begin to see one another, and those that stand a little apart would be alone.
fn automatic(
    samples: Rows<'_, f64>,
    profile: &Profile,
    k: Option<usize>,
    watch: &Watch<'_>,
) -> Result<f64> {
    let steepest = kernel_scale(samples, profile, k, watch)?;
    let n = samples.rows();
    let search = Nearest::fit(samples, &Metric::Euclidean).named("X")?;
    let own = (SEEN + 1).min(n);
    let found = search.k_nearest(samples, own, watch).named("X")?.distances;
    let mut reach: Vec<f64> = found.chunks_exact(own).map(|row| row[own - 1]).collect();
    reach.sort_unstable_by(f64::total_cmp);
    Ok(steepest.max(reach[n / 2]))
}

/// The kernel with a bandwidth for each distance that has none: the given one, or the automatic one.
pub(super) fn scaled(
    kernel: &Kernel,
    bandwidth: Option<f64>,
    samples: Rows<'_, f64>,
    k: Option<usize>,
    watch: &Watch<'_>,
) -> Result<Kernel> {
    let bare = |atom: &Atom| {
        *atom.bandwidth_rule() == Bandwidth::Default && atom.metric_in_force().is_distance()
    };
    if !kernel.atoms().iter().any(|atom| bare(atom)) {
        return match bandwidth {
            None => Ok(kernel.clone()),
            Some(h) => Err(Error::parameter(format!(
                "bandwidth={h} has no distance to go to, since kernel {kernel} has its own; leave out one of the two"
            ))),
        };
    }
    let h = match (bandwidth, kernel) {
        (Some(h), _) => h,
        (None, Kernel::Atom(atom)) => automatic(samples, atom.profile(), k, watch)?,
        (None, _) => automatic(samples, &Profile::from_name("gaussian", &[])?, k, watch)?,
    };
    let scaled = kernel.try_map(&mut |atom| {
        Ok(if bare(atom) {
            atom.clone().bandwidth(h)
        } else {
            atom.clone()
        })
    })?;
    scaled.check()?;
    Ok(scaled)
}

//! The parameters of kernel density estimation.

use super::bandwidth::{Aim, BandwidthChoice, Data, open_gaussian, resolve};
use super::fit::KernelDensityFit;
use super::likelihood::Places;
use crate::widths::abramson;
use crate::{
    Bandwidth, Error, Float, Kernel, LinearMap, LocalMean, Metric, OnEmpty, Result, Rows, Watch,
};

/// The parameters of kernel density estimation: `f(x) = sum_i c_i K(x, x_i) / sum_i c_i` with kernels of mass 1.
///
/// ```
/// use locality::{Rows, Watch, density::KernelDensity};
/// let x = [-1.2, -0.7, -0.4, 0.0, 0.1, 0.5, 0.9, 1.3];
/// let fit = KernelDensity::new().bandwidth(0.5).fit(Rows::column(&x), &Watch::default())?;
/// let log = fit.log_density(Rows::column(&[0.0, 9.0]), &Watch::default())?;
/// assert!((f64::exp(log[0]) - 0.3966).abs() < 1e-3 && log[1] < -100.0);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KernelDensity {
    pub(crate) kernel: Kernel,
    pub(crate) bandwidth: BandwidthChoice,
    pub(crate) rtol: f64,
    pub(crate) atol: f64,
    pub(crate) sensitivity: f64,
}

impl Default for KernelDensity {
    fn default() -> Self {
        Self::new()
    }
}

impl KernelDensity {
    /// A Gaussian, the bandwidth [chosen](BandwidthChoice::Auto), exact to rounding.
    pub fn new() -> Self {
        Self {
            kernel: open_gaussian(),
            bandwidth: BandwidthChoice::Auto,
            rtol: 0.0,
            atol: 0.0,
            sensitivity: 0.0,
        }
    }

    /// The kernel: any profile of a Euclidean, Manhattan, Chebyshev, Mahalanobis or great-circle distance that has a finite integral;
    /// products of such on separate columns; sums of such on the same columns; powers. Atoms without a bandwidth take the model's,
    /// others keep their own: `h`, one per column, `site_h` or `site_knn`. On the sphere a density is per steradian (`haversine`) or
    /// per square kilometre (`haversine_km`).
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The bandwidth of what has none in the kernel: a number, one per column, or a rule.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<BandwidthChoice>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// What a density may be off by, relative, with proof; 0 (the default) is exact to rounding.
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }

    /// What a density may be off by beside that, absolute; 0 by default. No density is above that of all samples at one place, and
    /// the relative share of that which `atol` is may be left out anywhere.
    #[must_use]
    pub fn atol(mut self, atol: f64) -> Self {
        self.atol = atol;
        self
    }

    /// Sample-point adaptive bandwidths (Abramson 1982): sample `i` has the bandwidth `h (f(x_i) / g)^-a`, where `f` is the density
    /// at the common bandwidth, `g` its geometric mean over the samples and `a` this sensitivity, 0 to 1. 0 (the default) is the
    /// common bandwidth, 0.5 is Abramson's. For a kernel of one profile.
    #[must_use]
    pub fn adaptive(mut self, sensitivity: f64) -> Self {
        self.sensitivity = sensitivity;
        self
    }

    /// Takes samples `[n, d]`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers; parameters out of range; a kernel without a known finite integral; columns that do not
    /// vary, where the bandwidth is to be chosen; an interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<KernelDensityFit<T>> {
        self.fit_weighted(samples, None, watch)
    }

    /// The same with sample weights `[n]`, or without: a sample of weight 2 counts as two at the same place.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<KernelDensityFit<T>> {
        self.check()?;
        check_samples(samples, sample_weights)?;
        let data = Data {
            samples,
            weights: sample_weights,
        };
        let mut places = None;
        let common = resolve(
            &self.kernel,
            &self.bandwidth,
            data,
            Aim::Density,
            watch,
            |kernel| {
                if places.is_none() {
                    places = Some(Places::new(samples, sample_weights)?);
                }
                match &places {
                    Some(places) => places.log_likelihood(kernel, watch),
                    None => Ok(f64::NAN),
                }
            },
        )?;
        let fit = |kernel: &Kernel| {
            KernelDensityFit::new(self.clone(), kernel.clone(), samples, sample_weights, watch)
        };
        let fixed = fit(&common)?;
        if self.sensitivity == 0.0 {
            return Ok(fixed);
        }
        let log = fixed.log_density(samples, &watch.quiet())?;
        let own = own_bandwidths(&common, self.sensitivity, &log, sample_weights)?;
        fit(&own)
    }

    /// The fit at a kernel that was found before.
    pub(crate) fn fit_found<T: Float>(
        &self,
        kernel: Kernel,
        samples: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<KernelDensityFit<T>> {
        self.check()?;
        check_samples(samples, sample_weights)?;
        KernelDensityFit::new(self.clone(), kernel, samples, sample_weights, watch)
    }

    /// The tolerances.
    pub(super) fn tolerances(&self) -> (f64, f64) {
        (self.rtol, self.atol)
    }

    fn check(&self) -> Result<()> {
        for (name, x) in [("rtol", self.rtol), ("atol", self.atol)] {
            if !(x.is_finite() && x >= 0.0) {
                return Err(Error::parameter(format!(
                    "{name}={x} must be a finite number that is not negative"
                )));
            }
        }
        if self.rtol >= 1.0 {
            return Err(Error::parameter(format!(
                "rtol={} must be below 1",
                self.rtol
            )));
        }
        if !(0.0..=1.0).contains(&self.sensitivity) {
            return Err(Error::parameter(format!(
                "adaptive={} must be between 0 (one bandwidth for all) and 1; Abramson's is 0.5",
                self.sensitivity
            )));
        }
        Ok(())
    }
}

/// Samples and weights as the local mean takes them, before any bandwidth is derived from them.
pub(super) fn check_samples<T: Float>(samples: Rows<'_, T>, weights: Option<&[T]>) -> Result<()> {
    samples.require_finite("samples")?;
    let one = Kernel::gaussian(1.0);
    let few = LocalMean::new(one).on_empty(OnEmpty::Nan);
    match weights {
        // All checks of weights, on a column of nothing but zeros.
        Some(weights) => {
            let zeros = vec![T::ZERO; samples.rows()];
            few.fit_weighted(
                Rows::column(&zeros),
                Rows::new(&[], samples.rows(), 0)?,
                weights,
            )
            .map(|_| ())
        }
        None => Ok(()),
    }
}

/// A kernel of one profile with a bandwidth for each sample, by the density there.
fn own_bandwidths<T: Float>(
    kernel: &Kernel,
    sensitivity: f64,
    log: &[T],
    weights: Option<&[T]>,
) -> Result<Kernel> {
    let factors = abramson(log, sensitivity, weights);
    let refuse = |what: &str| {
        Err(Error::unsupported(format!(
            "adaptive bandwidths need a kernel of one profile with one bandwidth, or one per column of a Euclidean distance; {what}"
        )))
    };
    let Kernel::Atom(atom) = kernel else {
        return refuse(&format!("{kernel} has several parts"));
    };
    let own = |h: f64| Bandwidth::PerSite(factors.iter().map(|f| h * f).collect());
    Ok(Kernel::Atom(
        match (atom.bandwidth_rule(), atom.metric_in_force()) {
            (Bandwidth::Fixed(h), _) => atom.clone().bandwidth(own(*h)),
            (Bandwidth::PerFeature(h), Metric::Euclidean) => {
                // One bandwidth per column is a linear map, which leaves room for one per sample.
                let row = |i: usize| {
                    (0..h.len())
                        .map(|j| if i == j { 1.0 / h[i] } else { 0.0 })
                        .collect()
                };
                let map = LinearMap::new((0..h.len()).map(row).collect())?;
                atom.clone()
                    .metric(Metric::Mahalanobis(map))
                    .bandwidth(own(1.0))
            }
            _ => return refuse(&format!("{atom} is none")),
        },
    ))
}

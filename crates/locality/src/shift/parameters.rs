//! The parameters of mean shift, and what they mean for given data.

use crate::{Atom, Bandwidth, Error, Float, Kernel, Metric, Profile, Result, Rows, Takes, Watch};

use super::bandwidth::estimate_bandwidth;
use super::fit::MeanShiftFit;

/// Early merging of kernels other than the flat one, in bandwidths, where nothing else is asked for.
const MERGE_WITHIN: f64 = 1e-2;

/// The parameters of mean shift clustering. Names, meaning and defaults are those of scikit-learn's estimator of the same
/// name; `kernel`, sample weights, `blurring`, `stop`, `merge_within` and `tolerance` go beyond it.
///
/// ```
/// use locality::{Rows, Watch, shift::MeanShift};
/// let x = [0.0, 0.1, 0.2, 5.0, 5.1, 9.9];
/// let fit = MeanShift::new()
///     .kernel("gaussian".parse()?)
///     .bandwidth(0.5)
///     .fit(Rows::column(&x), &Watch::default())?;
/// assert_eq!(fit.n_clusters(), 3);
/// assert_eq!(fit.labels(), [0, 0, 0, 1, 1, 2]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MeanShift {
    bandwidth: Option<f64>,
    kernel: Kernel,
    seeds: Option<Seeds>,
    pub(super) bin_seeding: bool,
    pub(super) min_bin_freq: usize,
    pub(super) cluster_all: bool,
    pub(super) max_iter: usize,
    pub(super) blurring: bool,
    stop: f64,
    merge_within: Option<f64>,
    pub(super) tolerance: f64,
}

/// Seeds as given, in double precision whatever the data's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seeds {
    pub(super) data: Vec<f64>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Default for MeanShift {
    fn default() -> Self {
        Self::new()
    }
}

impl MeanShift {
    /// The defaults: flat kernel, estimated bandwidth, every sample a seed, every sample in a cluster, at most 300 iterations.
    pub fn new() -> Self {
        Self {
            bandwidth: None,
            kernel: flat(),
            seeds: None,
            bin_seeding: false,
            min_bin_freq: 1,
            cluster_all: true,
            max_iter: 300,
            blurring: false,
            stop: 1e-3,
            merge_within: None,
            tolerance: 0.0,
        }
    }

    /// The bandwidth: the radius of the flat kernel, `h` of any other. `None` (the default) takes the kernel's own `h` where
    /// it has one, else [`estimate_bandwidth`] at quantile 0.3 of all samples, in quadratic time. It is the unit of the stop
    /// rule, the width of the seeding bins, the distance below which modes are one cluster and beyond which a sample is
    /// an orphan, too.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// The kernel of the step: any profile of a Euclidean distance, or products, sums and powers of such. Atoms without a
    /// bandwidth take the model's: `"gaussian".parse()?`. Others keep their own: `gaussian(h=[0.3, 2])`, `gaussian(knn=20)`,
    /// `gaussian(h=1, cols=[0, 1]) * epanechnikov(h=20, cols=[2, 3, 4])`. The default is flat.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Start from these points `[s, d]` instead of from the samples.
    #[must_use]
    pub fn seeds<T: Float>(mut self, seeds: Rows<'_, T>) -> Self {
        self.seeds = Some(Seeds {
            data: seeds.iter().flatten().map(|x| x.to_f64()).collect(),
            rows: seeds.rows(),
            columns: seeds.columns(),
        });
        self
    }

    /// Start from the centres of the occupied bins of a grid of the bandwidth's width: fewer seeds, and possibly fewer modes.
    /// Without effect where seeds are given.
    #[must_use]
    pub fn bin_seeding(mut self, bin_seeding: bool) -> Self {
        self.bin_seeding = bin_seeding;
        self
    }

    /// With `bin_seeding`: only bins with at least so many samples.
    #[must_use]
    pub fn min_bin_freq(mut self, min_bin_freq: usize) -> Self {
        self.min_bin_freq = min_bin_freq;
        self
    }

    /// Whether a sample farther than one bandwidth from every centre joins the nearest cluster all the same (the default),
    /// or is an orphan of label -1.
    #[must_use]
    pub fn cluster_all(mut self, cluster_all: bool) -> Self {
        self.cluster_all = cluster_all;
        self
    }

    /// A point that still moves after so many iterations stays where one more step takes it; 0 takes one step.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Blurring mean shift (Fukunaga and Hostetler 1975; Cheng 1995): the samples themselves move, all at once, and each step
    /// averages the moved samples. Faster to collapse, and not the modes of one density. Takes neither seeds nor bins.
    #[must_use]
    pub fn blurring(mut self, blurring: bool) -> Self {
        self.blurring = blurring;
        self
    }

    /// A point rests once a step is at most this share of the bandwidth; 0.001 by default.
    #[must_use]
    pub fn stop(mut self, stop: f64) -> Self {
        self.stop = stop;
        self
    }

    /// Early merging: a point that comes within this share of the bandwidth of another point's path (in the same cell of a
    /// grid so fine) follows it to its end. 0 merges only points that meet bit for bit, which changes no result.
    /// `None` (the default) is 0 for the flat kernel, whose points do meet, and 0.01 for every other.
    #[must_use]
    pub fn merge_within(mut self, share: impl Into<Option<f64>>) -> Self {
        self.merge_within = share.into();
        self
    }

    /// For kernels other than the flat one: the share of the weight that a step may leave out, with proof, as in
    /// [`LocalMean::tolerance`](crate::LocalMean::tolerance). 0 (the default) is exact to rounding; 1e-6 is several times
    /// faster for tens of thousands of samples, and still far finer than the stop rule.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Clusters samples `[n, d]`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers, by row and column; parameters out of range; a kernel that is not of a Euclidean
    /// distance; an estimated bandwidth of 0 (duplicates, or very few samples); seeds with another number of columns, or none of
    /// them near a sample; an interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<MeanShiftFit<T>> {
        super::fit::fit(self, samples, None, watch)
    }

    /// The same with sample weights `[n]`: a sample of weight 2 counts as two at the same place.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        sample_weights: &[T],
        watch: &Watch<'_>,
    ) -> Result<MeanShiftFit<T>> {
        super::fit::fit(self, samples, Some(sample_weights), watch)
    }

    pub(super) fn given_seeds(&self) -> Option<&Seeds> {
        self.seeds.as_ref()
    }

    /// Checks everything that needs no bandwidth.
    pub(super) fn check<T: Float>(&self, samples: Rows<'_, T>) -> Result<()> {
        samples.require_finite("samples")?;
        if let Some(h) = self.bandwidth {
            positive("bandwidth", h)?;
        }
        if !(self.stop.is_finite() && self.stop >= 0.0) {
            return Err(Error::parameter(format!(
                "stop={} must be a finite number that is not negative, in bandwidths",
                self.stop
            )));
        }
        if let Some(share) = self.merge_within
            && !(share.is_finite() && (0.0..=0.5).contains(&share))
        {
            return Err(Error::parameter(format!(
                "merge_within={share} must be between 0 and 0.5, in bandwidths"
            )));
        }
        if self.min_bin_freq == 0 {
            return Err(Error::parameter(
                "min_bin_freq=0 must be at least 1: a bin without samples is no seed",
            ));
        }
        if self.blurring && (self.bin_seeding || self.seeds.is_some()) {
            return Err(Error::parameter(
                "blurring moves the samples themselves, so it takes neither seeds nor bin_seeding; leave them out",
            ));
        }
        let Some(seeds) = &self.seeds else {
            return Ok(());
        };
        if seeds.columns != samples.columns() {
            return Err(Error::shape(format!(
                "seeds has {} columns, but samples has {}; they must be the same columns",
                seeds.columns,
                samples.columns()
            )));
        }
        Rows::new(&seeds.data, seeds.rows, seeds.columns)?.require_finite("seeds")
    }

    /// The kernel and the bandwidth in force for these samples.
    pub(super) fn resolve<T: Float>(
        &self,
        samples: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<(Kernel, f64)> {
        let h = bandwidth_in_force(&self.kernel, self.bandwidth, samples, watch)?;
        Ok((shifting(&self.kernel, h)?, h))
    }

    /// How small a step means rest.
    pub(super) fn rest(&self, bandwidth: f64) -> f64 {
        self.stop * bandwidth
    }

    /// Width of the cells of early merging; 0 for merging bit for bit.
    pub(super) fn cell(&self, bandwidth: f64, flat: bool) -> f64 {
        let share = match self.merge_within {
            Some(share) => share,
            None if flat => 0.0,
            None => MERGE_WITHIN,
        };
        share * bandwidth
    }
}

/// The bandwidth that is given, or else the kernel's own, or else the estimate.
pub(super) fn bandwidth_in_force<T: Float>(
    kernel: &Kernel,
    given: Option<f64>,
    samples: Rows<'_, T>,
    watch: &Watch<'_>,
) -> Result<f64> {
    if let Some(h) = given {
        return positive("bandwidth", h);
    }
    let own = kernel
        .atoms()
        .into_iter()
        .find_map(|a| match a.bandwidth_rule() {
            Bandwidth::Fixed(h) => Some(*h),
            _ => None,
        });
    if let Some(h) = own {
        return positive("the kernel's h", h);
    }
    let h = estimate_bandwidth(samples, 0.3, None, 0, &watch.quiet())?;
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

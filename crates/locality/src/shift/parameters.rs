//! The parameters of mean shift.

use super::adaptive::Adaptive;
use super::bins::BinnedSites;
use super::fit::MeanShiftFit;
use super::kernels::flat;
use super::modes::Merging;
use super::stable::StableBandwidth;
use crate::{Float, Kernel, Metric, Result, Rows, Watch};

/// The parameters of mean shift clustering. Names, meaning and defaults are those of scikit-learn's estimator of the same
/// name; sample weights, and all that it does not know, such as `kernel`, `adaptive` and `merging`, go beyond it.
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
    pub(super) bandwidth: Option<f64>,
    pub(super) kernel: Kernel,
    pub(super) seeds: Option<Seeds>,
    pub(super) bin_seeding: bool,
    pub(super) min_bin_freq: usize,
    pub(super) cluster_all: bool,
    pub(super) max_iter: usize,
    pub(super) blurring: bool,
    pub(super) stop: f64,
    pub(super) settle: f64,
    pub(super) merge_within: Option<f64>,
    pub(super) tolerance: f64,
    pub(super) stable: Option<StableBandwidth>,
    pub(super) adaptive: Adaptive,
    pub(super) relaxation: f64,
    pub(super) metric: Metric,
    pub(super) merging: Merging,
    pub(super) n_neighbors: usize,
    pub(super) compression: Option<f64>,
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
            settle: 1e-9,
            merge_within: None,
            tolerance: 0.0,
            stable: None,
            adaptive: Adaptive::Never,
            relaxation: 1.0,
            metric: Metric::Euclidean,
            merging: Merging::Never,
            n_neighbors: 10,
            compression: None,
        }
    }

    /// The bandwidth: the radius of the flat kernel, `h` of any other. `None` (the default) takes the kernel's own `h` where
    /// it has one, else [`estimate_bandwidth`](super::estimate_bandwidth) at quantile 0.3 of all samples, as their
    /// weights count them, in quadratic time (where that is 0 and the kernel flat, samples at one place are a cluster). It is the unit of the stop
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
    /// averages the moved samples, until each has met all that are within a bandwidth: from there on only clusters as a whole would move into
    /// one another (Carreira-Perpinan 2006). Faster to collapse, and not the modes of one density. Takes neither seeds nor bins.
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

    /// Under kernels other than the flat one the few places where points came to rest go on, beyond `max_iter`, until a step is at most
    /// this share of the bandwidth; 1e-9 by default. Where the density is nearly flat, steps are short far from any mode, and places that
    /// are none would be told as modes. 0, or as much as [`stop`](Self::stop), leaves them where they are.
    #[must_use]
    pub fn settle(mut self, share: f64) -> Self {
        self.settle = share;
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

    /// Where neither `bandwidth` nor the kernel says it: search for a bandwidth whose clusters do not depend on which samples were
    /// drawn, instead of the estimate. `None` is the default.
    #[must_use]
    pub fn stable_bandwidth(mut self, search: impl Into<Option<StableBandwidth>>) -> Self {
        self.stable = search.into();
        self
    }

    /// Bandwidths that vary from sample to sample; one for all by default.
    #[must_use]
    pub fn adaptive(mut self, adaptive: Adaptive) -> Self {
        self.adaptive = adaptive;
        self
    }

    /// Over-relaxation: a point that moves on goes so many times the way to its mean, from 1 (the default) to below 2. Each step is the
    /// maximum of a parabola that lies below the density of the [shadow](super::shadow) and touches it at the point, and up to twice the
    /// way to its maximum a parabola is above where it began: no step lowers the density, whatever the number, for every kernel that
    /// falls with distance. Where the rounds are many, it takes about `1 / factor` of them. The way to a mode may jump across a low saddle,
    /// and ways under the flat kernel no longer meet bit for bit, so that labels near borders may differ from those of 1.
    #[must_use]
    pub fn over_relaxation(mut self, factor: f64) -> Self {
        self.relaxation = factor;
        self
    }

    /// `Euclidean` (the default), or `Cosine` for directions: samples and seeds are divided by their lengths, and each mean is put back
    /// on the unit sphere. Distances are then chords, `|x - y|^2 = 2 (1 - cos(x, y))`, so that a Gaussian of bandwidth `h` is the von
    /// Mises-Fisher kernel of concentration `1 / h^2` (Kobayashi and Otsu 2010, *Von Mises-Fisher mean shift for clustering on a
    /// hypersphere*, ICPR). Centres are directions.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Which clusters join a denser one across their saddle; none by default. The densities are the shadow's at the modes and the samples
    /// (the kernel's own where the shadow is not known), a sample is in the basin of the mode that it flows to, and saddles are sought on
    /// the way from each sample to its [`n_neighbors`](Self::n_neighbors) nearest at other places. Samples that were no seeds are followed,
    /// too, which takes as long as if they were; one that flows to a mode that no seed found counts to the nearest that one did.
    #[must_use]
    pub fn merging(mut self, merging: Merging) -> Self {
        self.merging = merging;
        self
    }

    /// For `merging`: saddles are sought between each sample and so many nearest others; 10 by default.
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.n_neighbors = n_neighbors;
        self
    }

    /// Compress the samples to one weighted site in each occupied cell of a grid of this width, in bandwidths, as [`BinnedSites`] does;
    /// without seeds the sites are the seeds. Labels are still those of all samples. `None` (the default) keeps every sample.
    #[must_use]
    pub fn compression(mut self, width: impl Into<Option<f64>>) -> Self {
        self.compression = width.into();
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

    /// Clusters the sites of a table that was read in parts; labels are the sites'. The bandwidth should be given: an estimate from sites
    /// counts each of them once.
    ///
    /// ```
    /// use locality::{Rows, Watch, shift::{BinnedSites, MeanShift}};
    /// let mut bins = BinnedSites::new(1, 0.05)?;
    /// for part in [[0.0, 0.1, 5.1], [0.2, 5.0, 9.9]] {
    ///     bins.add(Rows::column(&part), None)?;
    /// }
    /// let fit = MeanShift::new().bandwidth(0.5).fit_binned(&bins, &Watch::default())?;
    /// assert_eq!(fit.n_clusters(), 3);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit); no sample of positive weight.
    pub fn fit_binned<T: Float>(
        &self,
        bins: &BinnedSites<T>,
        watch: &Watch<'_>,
    ) -> Result<MeanShiftFit<T>> {
        let sites = bins.sites();
        let rows = Rows::new(&sites, bins.len(), bins.columns())?;
        super::fit::fit(self, rows, Some(&bins.weights()), watch)
    }

    /// The same, without what makes no sense for a part of the samples.
    pub(super) fn plain(&self) -> Self {
        Self {
            seeds: None,
            bin_seeding: false,
            stable: None,
            compression: None,
            ..self.clone()
        }
    }

    pub(super) fn sphere(&self) -> bool {
        self.metric == Metric::Cosine
    }

    /// The width of the cells of a compression.
    pub(super) fn cell_width(&self, bandwidth: f64) -> Option<f64> {
        self.compression.map(|share| share * bandwidth)
    }
}

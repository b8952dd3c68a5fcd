//! Quick shift: each sample is linked to the nearest one of higher density.

use super::links::{NONE, nearest_before, neighbor_graph, ranked, roots};
use super::modes::{Merging, ModeTree, check_neighbors};
use super::parameters::{bandwidth_in_force, radial, scaled};
use super::sites::{SampleClusters, log_density};
use crate::{Error, Float, Kernel, Metric, Result, Rows, Watch};

/// The parameters of quick shift (Vedaldi and Soatto 2008, *Quick shift and kernel methods for mode seeking*, ECCV): the density at
/// each sample is the sum of the kernel's weights there, each sample is linked to the nearest sample of higher density, and links
/// longer than `max_dist` are cut.
///
/// ```
/// use locality::{Rows, Watch, shift::QuickShift};
/// let x = [0.0, 0.1, 0.2, 5.0, 5.1, 9.9];
/// let fit = QuickShift::new().bandwidth(0.5).fit(Rows::column(&x), &Watch::default())?;
/// assert_eq!(fit.clusters().labels(), [0, 0, 0, 1, 1, 2]);
/// // The tree is kept: cut elsewhere, it costs nothing.
/// assert_eq!(fit.cut(4.85)?.n_clusters(), 1);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuickShift {
    kernel: Kernel,
    bandwidth: Option<f64>,
    max_dist: Option<f64>,
    metric: Metric,
    merging: Merging,
    n_neighbors: usize,
    tolerance: f64,
}

impl Default for QuickShift {
    fn default() -> Self {
        Self::new()
    }
}

impl QuickShift {
    /// The defaults: the Epanechnikov kernel, whose density is the one that flat mean shift climbs; estimated bandwidth; links of
    /// up to one bandwidth; no merging.
    pub fn new() -> Self {
        Self {
            kernel: radial("epanechnikov"),
            bandwidth: None,
            max_dist: None,
            metric: Metric::Euclidean,
            merging: Merging::Never,
            n_neighbors: 10,
            tolerance: 0.0,
        }
    }

    /// The kernel of the density: any. Without `h` it takes the bandwidth.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The bandwidth; `None` (the default) takes the kernel's own `h` where it has one, else
    /// [`estimate_bandwidth`](super::estimate_bandwidth) at quantile 0.3 of all samples, in quadratic time.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// The longest link that is kept (tau); `None` (the default) is one bandwidth. Infinite: one cluster.
    #[must_use]
    pub fn max_dist(mut self, max_dist: impl Into<Option<f64>>) -> Self {
        self.max_dist = max_dist.into();
        self
    }

    /// How far apart samples are, for the links; Euclidean by default.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Which clusters are merged into a denser one across their saddle; none by default.
    #[must_use]
    pub fn merging(mut self, merging: Merging) -> Self {
        self.merging = merging;
        self
    }

    /// Saddles are sought between each sample and so many nearest others; 10 by default.
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.n_neighbors = n_neighbors;
        self
    }

    /// The share of each density that may be left out, with proof, as in [`LocalMean::tolerance`](crate::LocalMean::tolerance).
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Links samples `[n, d]` and cuts the tree.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers, by row and column; parameters out of range; an estimated bandwidth of 0; an
    /// interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<QuickShiftFit<T>> {
        self.run(samples, None, watch)
    }

    /// The same with sample weights `[n]`, which count in the density.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        sample_weights: &[T],
        watch: &Watch<'_>,
    ) -> Result<QuickShiftFit<T>> {
        self.run(samples, Some(sample_weights), watch)
    }

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<QuickShiftFit<T>> {
        samples.require_finite("samples")?;
        check_neighbors(self.n_neighbors)?;
        if let Some(max_dist) = self.max_dist {
            check_max_dist(max_dist)?;
        }
        let bandwidth = bandwidth_in_force(&self.kernel, self.bandwidth, samples, watch)?;
        let kernel = scaled(&self.kernel, bandwidth)?;
        let density = log_density(&kernel, samples, weights, self.tolerance, watch)?;
        let (order, rank) = ranked(&density);
        let links = nearest_before(samples, &self.metric, &order, &rank, watch)?;
        let longest = self.max_dist.unwrap_or(bandwidth);
        let cut = roots(&links, &order, longest);
        let graph = match self.merging {
            Merging::Never => Vec::new(),
            _ => neighbor_graph(samples, &self.metric, self.n_neighbors, &watch.quiet())?,
        };
        let tree = ModeTree::new(&density, &cut, (&order, &rank), &graph);
        let (labels, modes) = tree.cut(self.merging)?;
        Ok(QuickShiftFit {
            clusters: SampleClusters::new(samples, &self.metric, labels, modes)?,
            parents: (0..)
                .zip(&links.to)
                .map(|(i, &to)| if to == NONE { i } else { to as usize })
                .collect(),
            order,
            rank,
            links,
            density,
            tree,
            bandwidth,
            longest,
        })
    }
}

fn check_max_dist(max_dist: f64) -> Result<()> {
    if max_dist.is_nan() || max_dist < 0.0 {
        return Err(Error::parameter(format!(
            "max_dist={max_dist} must be at least 0, in the samples' units"
        )));
    }
    Ok(())
}

/// Samples linked by [`QuickShift`], and their clusters.
#[derive(Clone, Debug)]
pub struct QuickShiftFit<T> {
    clusters: SampleClusters<T>,
    parents: Vec<usize>,
    order: Vec<u32>,
    rank: Vec<u32>,
    links: super::links::Links,
    density: Vec<f64>,
    tree: ModeTree,
    bandwidth: f64,
    longest: f64,
}

impl<T: Float> QuickShiftFit<T> {
    /// The clusters.
    pub fn clusters(&self) -> &SampleClusters<T> {
        &self.clusters
    }

    /// The sample that each is linked to, `[n]`, before any cut; the densest sample of all is linked to itself.
    pub fn parents(&self) -> &[usize] {
        &self.parents
    }

    /// The length of each link, `[n]`; infinite for the densest sample.
    pub fn link_lengths(&self) -> &[f64] {
        &self.links.length
    }

    /// The logarithm of the sum of the kernel's weights at each sample, `[n]`.
    pub fn log_density(&self) -> &[f64] {
        &self.density
    }

    /// The modes under `max_dist`, before merging. Saddles are known where [`merging`](QuickShift::merging) was asked for.
    pub fn tree(&self) -> &ModeTree {
        &self.tree
    }

    /// The bandwidth in force.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The longest link that was kept.
    pub fn max_dist(&self) -> f64 {
        self.longest
    }

    /// The clusters under another longest link, without merging.
    ///
    /// # Errors
    /// A length that is negative or NaN.
    pub fn cut(&self, max_dist: f64) -> Result<SampleClusters<T>> {
        check_max_dist(max_dist)?;
        let cut = roots(&self.links, &self.order, max_dist);
        let tree = ModeTree::new(&self.density, &cut, (&self.order, &self.rank), &[]);
        let (labels, modes) = tree.cut(Merging::Never)?;
        self.clusters.with(labels, modes)
    }
}

//! `ToMATo`: clusters of a density's modes by persistence on a neighbour graph.

use super::bandwidth::neighbor_bandwidth;
use super::modes::{Merging, ModeTree, mode_tree};
use super::parameters::{bandwidth_in_force, radial, scaled};
use super::sites::{SampleClusters, log_density};
use crate::{Bandwidth, Error, Float, Kernel, Metric, Result, Rows, Watch};

/// The parameters of `ToMATo` (Chazal, Guibas, Oudot and Skraba 2013): on the graph of nearest neighbours each sample climbs to the
/// densest of its neighbours, and modes that rise little above a saddle are merged. Unlike quick shift it has no length: samples
/// join along dense ground however far it goes.
///
/// ```
/// use locality::{Rows, Watch, shift::Tomato};
/// let x = [0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2, 5.3];
/// let fit = Tomato::new().bandwidth(0.5).n_neighbors(3).fit(Rows::column(&x), &Watch::default())?;
/// assert_eq!(fit.clusters().labels(), [0, 0, 0, 0, 1, 1, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tomato {
    kernel: Kernel,
    bandwidth: Option<f64>,
    metric: Metric,
    merging: Merging,
    n_neighbors: usize,
    tolerance: f64,
}

impl Default for Tomato {
    fn default() -> Self {
        Self::new()
    }
}

impl Tomato {
    /// The defaults: a Gaussian density, its bandwidth from the data; 10 neighbours; merging by the largest gap between
    /// persistences.
    pub fn new() -> Self {
        Self {
            kernel: radial("gaussian"),
            bandwidth: None,
            metric: Metric::Euclidean,
            merging: Merging::Auto,
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
    /// [`neighbor_bandwidth`](super::neighbor_bandwidth) at the square root of the number of samples.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// How far apart samples are, for the graph; Euclidean by default.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Which modes are merged.
    #[must_use]
    pub fn merging(mut self, merging: Merging) -> Self {
        self.merging = merging;
        self
    }

    /// How many nearest others each sample is a neighbour of, and they of it.
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.n_neighbors = n_neighbors;
        self
    }

    /// The share of each density that may be left out, with proof.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Clusters samples `[n, d]`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers, by row and column; parameters out of range; an estimated bandwidth of 0; an
    /// interruption.
    pub fn fit<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<TomatoFit<T>> {
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
    ) -> Result<TomatoFit<T>> {
        self.run(samples, Some(sample_weights), watch)
    }

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<TomatoFit<T>> {
        samples.require_finite("samples")?;
        let bandwidth = self.bandwidth_in_force(samples, watch)?;
        let kernel = scaled(&self.kernel, bandwidth)?;
        let density = log_density(&kernel, samples, weights, self.tolerance, watch)?;
        let tree = mode_tree(
            samples,
            &density,
            self.n_neighbors,
            &self.metric,
            &watch.quiet(),
        )?;
        let (labels, modes) = tree.cut(self.merging)?;
        Ok(TomatoFit {
            clusters: SampleClusters::new(samples, &self.metric, labels, modes)?,
            min_persistence: tree.threshold(self.merging)?,
            density,
            tree,
            bandwidth,
        })
    }

    fn bandwidth_in_force<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
        let atoms = self.kernel.atoms();
        let mut rules = atoms.iter().map(|a| a.bandwidth_rule());
        if self.bandwidth.is_some() || rules.any(|r| matches!(r, Bandwidth::Fixed(_))) {
            return bandwidth_in_force(&self.kernel, self.bandwidth, samples, watch);
        }
        let n = samples.rows();
        let k = ((n as f64).sqrt().ceil() as usize).clamp(1, (n - 1).max(1));
        let h = neighbor_bandwidth(samples, k, 1000, 0, &watch.quiet())?;
        if h > 0.0 {
            return Ok(h);
        }
        Err(Error::parameter(format!(
            "the estimated bandwidth of {n} samples is 0, since most have their {k} nearest at distance 0; give bandwidth a \
             positive number"
        )))
    }
}

/// Clusters found by [`Tomato`].
#[derive(Clone, Debug)]
pub struct TomatoFit<T> {
    clusters: SampleClusters<T>,
    density: Vec<f64>,
    tree: ModeTree,
    bandwidth: f64,
    min_persistence: f64,
}

impl<T: Float> TomatoFit<T> {
    /// The clusters.
    pub fn clusters(&self) -> &SampleClusters<T> {
        &self.clusters
    }

    /// The logarithm of the sum of the kernel's weights at each sample, `[n]`.
    pub fn log_density(&self) -> &[f64] {
        &self.density
    }

    /// The modes before merging, with their lifetimes.
    pub fn tree(&self) -> &ModeTree {
        &self.tree
    }

    /// The bandwidth in force.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The persistence below which modes were merged; infinite where the largest gap leaves one mode in each connected part.
    pub fn min_persistence(&self) -> f64 {
        self.min_persistence
    }

    /// The clusters under another rule.
    ///
    /// # Errors
    /// As [`ModeTree::threshold`].
    pub fn cut(&self, merging: Merging) -> Result<SampleClusters<T>> {
        let (labels, modes) = self.tree.cut(merging)?;
        self.clusters.with(labels, modes)
    }
}

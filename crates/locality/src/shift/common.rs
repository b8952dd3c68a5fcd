//! What quick shift, medoid shift and `ToMATo` have in common: parameters, and what a fit knows.

use super::graph::Graph;
use super::ground::Way;
use super::modes::{Merging, ModeTree};
use super::sites::SampleClusters;
use crate::{Float, Kernel, Metric, Result, Rows, Watch};

/// Parameters of all of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Common {
    pub(super) kernel: Kernel,
    pub(super) bandwidth: Option<f64>,
    pub(super) metric: Metric,
    pub(super) merging: Merging,
    pub(super) n_neighbors: usize,
    pub(super) tolerance: f64,
}

impl Common {
    /// Where clusters may merge, the edges of the samples' graph and those that join its parts; else none.
    pub(super) fn edges<T: Float>(
        &self,
        way: Way,
        samples: Rows<'_, T>,
        rank: &[u32],
        watch: &Watch<'_>,
    ) -> Result<Vec<(u32, u32)>> {
        if self.merging == Merging::Never {
            return Ok(Vec::new());
        }
        let graph = Graph::new(samples, &self.metric, self.n_neighbors, rank, watch)?;
        way.joined(&graph, samples, &self.metric, rank, watch)
    }

    pub(super) fn new(kernel: Kernel, merging: Merging) -> Self {
        Self {
            kernel,
            bandwidth: None,
            metric: Metric::Euclidean,
            merging,
            n_neighbors: 10,
            tolerance: 0.0,
        }
    }
}

/// What all of them find.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) clusters: SampleClusters<T>,
    pub(super) density: Vec<f64>,
    pub(super) tree: ModeTree,
    pub(super) bandwidth: f64,
}

/// Their setters, and fitting by their own `run`; the texts say what differs.
macro_rules! common_parameters {
    ($fit:ident, $kernel:literal, $bandwidth:literal, $neighbors:literal) => {
        #[doc = $kernel]
        #[must_use]
        pub fn kernel(mut self, kernel: Kernel) -> Self {
            self.common.kernel = kernel;
            self
        }

        #[doc = $bandwidth]
        #[must_use]
        pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
            self.common.bandwidth = bandwidth.into();
            self
        }

        /// Which clusters are merged into a denser one across their saddle.
        #[must_use]
        pub fn merging(mut self, merging: Merging) -> Self {
            self.common.merging = merging;
            self
        }

        #[doc = $neighbors]
        #[must_use]
        pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
            self.common.n_neighbors = n_neighbors;
            self
        }

        /// The share of each sum of weights that may be left out, with proof, as in
        /// [`LocalMean::tolerance`](crate::LocalMean::tolerance).
        #[must_use]
        pub fn tolerance(mut self, tolerance: f64) -> Self {
            self.common.tolerance = tolerance;
            self
        }

        /// Clusters samples `[n, d]`.
        ///
        /// # Errors
        /// No samples; NaN or infinite numbers, by row and column; parameters out of range; a kernel that the method cannot use; an
        /// estimated bandwidth of 0; an interruption.
        pub fn fit<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<$fit<T>> {
            self.run(samples, None, watch)
        }

        /// The same with sample weights `[n]`: a sample of weight 2 counts in the density as two at the same place. One of weight 0 adds
        /// nothing to it, but is still a place that others may go to.
        ///
        /// # Errors
        /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
        pub fn fit_weighted<T: Float>(
            &self,
            samples: Rows<'_, T>,
            sample_weights: &[T],
            watch: &Watch<'_>,
        ) -> Result<$fit<T>> {
            $crate::shift::sites::check_some_weight(sample_weights, samples.rows())?;
            self.run(samples, Some(sample_weights), watch)
        }
    };
}
pub(super) use common_parameters;

/// The setter of those that take any metric.
macro_rules! common_metric {
    () => {
        /// How far apart samples are, for links, neighbours and the estimated bandwidth; Euclidean by default. A kernel without a metric of its own
        /// follows it.
        #[must_use]
        pub fn metric(mut self, metric: Metric) -> Self {
            self.common.metric = metric;
            self
        }
    };
}
pub(super) use common_metric;

/// What a fit tells of them.
macro_rules! common_answers {
    ($tree:literal) => {
        /// The clusters.
        pub fn clusters(&self) -> &SampleClusters<T> {
            &self.found.clusters
        }

        /// The logarithm of the sum of the kernel's weights at each sample, `[n]`.
        pub fn log_density(&self) -> &[f64] {
            &self.found.density
        }

        #[doc = $tree]
        pub fn tree(&self) -> &ModeTree {
            &self.found.tree
        }

        /// The bandwidth in force.
        pub fn bandwidth(&self) -> f64 {
            self.found.bandwidth
        }
    };
}
pub(super) use common_answers;

//! `ToMATo`: clusters of a density's modes by persistence on a neighbour graph.

use super::bandwidth::neighbor_bandwidth;
use super::common::{Common, Found, common_answers, common_metric, common_parameters};
use super::kernels::{known_bandwidth, radial, scaled};
use super::links::{gather, massless, weighty};
use super::modes::{Merging, ModeTree, mode_tree};
use super::sites::{SampleClusters, log_density};
use crate::{Error, Float, Kernel, Metric, Result, Rows, Watch};

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
    common: Common,
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
            common: Common::new(radial("gaussian"), Merging::Auto),
        }
    }

    common_parameters!(
        TomatoFit,
        "The kernel of the density: any. Without `h` it takes the bandwidth.",
        "The bandwidth; `None` (the default) takes the kernel's own `h` where it has one, else
        [`neighbor_bandwidth`](super::neighbor_bandwidth) at the square root of the number of samples.",
        "How many nearest others each sample is a neighbour of, and they of it; 10 by default."
    );
    common_metric!();

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<TomatoFit<T>> {
        samples.require_finite("samples")?;
        let common = &self.common;
        let kept = weighty(&massless(weights, samples.rows()));
        let rows = gather(samples, &kept);
        let rows = Rows::new(&rows, kept.len(), samples.columns())?;
        let bandwidth = self.bandwidth_in_force(rows, watch)?;
        let kernel = scaled(&common.kernel, bandwidth)?;
        let density = log_density(&kernel, samples, weights, common.tolerance, watch)?;
        let tree = mode_tree(
            samples,
            &density,
            common.n_neighbors,
            &common.metric,
            &watch.quiet(),
        )?;
        let (labels, modes) = tree.cut(common.merging)?;
        Ok(TomatoFit {
            min_persistence: tree.threshold(common.merging)?,
            found: Found {
                clusters: SampleClusters::new(samples, &common.metric, labels, modes)?,
                density,
                tree,
                bandwidth,
            },
        })
    }

    fn bandwidth_in_force<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
        if let Some(h) = known_bandwidth(&self.common.kernel, self.common.bandwidth)? {
            return Ok(h);
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
    found: Found<T>,
    min_persistence: f64,
}

impl<T: Float> TomatoFit<T> {
    common_answers!("The modes before merging, with their lifetimes.");

    /// The persistence below which modes were merged; infinite where the largest gap leaves one mode in each connected part.
    pub fn min_persistence(&self) -> f64 {
        self.min_persistence
    }

    /// The clusters under another rule.
    ///
    /// # Errors
    /// As [`ModeTree::threshold`].
    pub fn cut(&self, merging: Merging) -> Result<SampleClusters<T>> {
        let (labels, modes) = self.found.tree.cut(merging)?;
        self.found.clusters.with(labels, modes)
    }
}

//! Medoid shift: mean shift whose every step ends at a sample.

use super::common::{Common, Found, common_answers, common_parameters};
use super::kernels::{bandwidth_in_force, flat, shifting};
use super::links::{neighbor_graph, ranked};
use super::modes::{Merging, ModeTree, check_neighbors};
use super::sites::SampleClusters;
use super::step::Stepper;
use crate::{Float, Kernel, Metric, Nearest, Result, Rows, Watch};

/// The parameters of medoid shift (Sheikh, Khan and Kanade 2007, *Mode-seeking by medoidshifts*, ICCV): each sample goes to the sample
/// with the least sum of squared distances to all, weighted by the kernel around it, and so on until it stays. The sum is least at
/// the sample nearest to the local mean, so that a step is a local mean and a search for one neighbour: nothing grows with the
/// square of `n` under a kernel of bounded reach.
///
/// Every step climbs the density of the kernel's shadow, as in [`MeanShift`](super::MeanShift), but it stops at samples between which
/// mean shift would pass, so that there are more clusters; [`merging`](Self::merging) joins those without a saddle of their own.
///
/// ```
/// use locality::{Rows, Watch, shift::MedoidShift};
/// let x = [0.0, 0.1, 0.2, 5.0, 5.1, 5.2];
/// let fit = MedoidShift::new().bandwidth(0.5).fit(Rows::column(&x), &Watch::default())?;
/// assert_eq!(fit.clusters().center_indices(), [1, 4]);
/// assert_eq!(fit.clusters().labels(), [0, 0, 0, 1, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MedoidShift {
    common: Common,
}

impl Default for MedoidShift {
    fn default() -> Self {
        Self::new()
    }
}

impl MedoidShift {
    /// The defaults: flat kernel, estimated bandwidth, no merging.
    pub fn new() -> Self {
        Self {
            common: Common::new(flat(), Merging::Never),
        }
    }

    common_parameters!(
        MedoidShiftFit,
        "The kernel of the step, radial and of a Euclidean distance as for mean shift. Without `h` it takes the bandwidth.",
        "The bandwidth; `None` (the default) takes the kernel's own `h` where it has one, else
        [`estimate_bandwidth`](super::estimate_bandwidth) at quantile 0.3 of all samples, in quadratic time.",
        "Saddles are sought between each sample and so many nearest others; 10 by default."
    );

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<MedoidShiftFit<T>> {
        samples.require_finite("samples")?;
        let common = &self.common;
        check_neighbors(common.n_neighbors)?;
        let bandwidth =
            bandwidth_in_force(&common.kernel, common.bandwidth, samples, weights, watch)?;
        let kernel = shifting(&common.kernel, bandwidth)?;
        let stepper = Stepper::new(&kernel, samples, weights, common.tolerance, false)?;
        let steps = stepper.step(samples, watch)?;
        let levels: Vec<f64> = steps.levels.iter().map(|&l| stepper.log(l)).collect();
        let (order, rank) = ranked(&levels);
        let next = medoids(samples, &steps.means, &levels, watch)?;
        let (roots, n_iter) = ends(&next, &rank);
        let graph = match common.merging {
            Merging::Never => Vec::new(),
            _ => neighbor_graph(samples, &common.metric, common.n_neighbors, &watch.quiet())?,
        };
        let tree = ModeTree::new(&levels, &roots, (&order, &rank), &graph);
        let (labels, modes) = tree.cut(common.merging)?;
        Ok(MedoidShiftFit {
            found: Found {
                clusters: SampleClusters::new(samples, &common.metric, labels, modes)?,
                density: levels,
                tree,
                bandwidth,
            },
            parents: next,
            n_iter,
        })
    }
}

/// The sample nearest to each mean; itself where it is as near as any, or where no sample is near.
fn medoids<T: Float>(
    samples: Rows<'_, T>,
    means: &[T],
    levels: &[f64],
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let (n, d) = (samples.rows(), samples.columns());
    let mut next: Vec<usize> = (0..n).collect();
    let moving: Vec<usize> = (0..n).filter(|&i| levels[i] > f64::NEG_INFINITY).collect();
    let queries: Vec<T> = moving
        .iter()
        .flat_map(|&i| &means[i * d..][..d])
        .copied()
        .collect();
    let nearest = Nearest::fit(samples, &Metric::Euclidean)?;
    let found = nearest.k_nearest(Rows::new(&queries, moving.len(), d)?, 1, &watch.quiet())?;
    for (q, &i) in moving.iter().enumerate() {
        let mean = &queries[q * d..][..d];
        let to = found.indices[q];
        let distance = |j: usize| super::paths::squared_distance(samples.row(j), mean);
        if distance(to) < distance(i) {
            next[i] = to;
        }
    }
    Ok(next)
}

/// Where each sample's way ends, and the most steps of any. A way that comes back on itself, as rounding may have it, ends at the
/// densest sample of the ring.
fn ends(next: &[usize], rank: &[u32]) -> (Vec<u32>, usize) {
    const UNKNOWN: u32 = u32::MAX;
    let n = next.len();
    let mut root = vec![UNKNOWN; n];
    let mut steps = vec![0_usize; n];
    let mut seen = vec![usize::MAX; n];
    for start in 0..n {
        let mut way = Vec::new();
        let mut at = start;
        while root[at] == UNKNOWN && seen[at] != start {
            seen[at] = start;
            way.push(at);
            at = next[at];
        }
        if root[at] == UNKNOWN {
            let first = way.iter().position(|&i| i == at).unwrap_or(0);
            let ring = way.split_off(first);
            let best = ring.iter().copied().min_by_key(|&i| rank[i]).unwrap_or(at);
            for i in ring {
                root[i] = best as u32;
            }
        }
        for &i in way.iter().rev() {
            root[i] = root[next[i]];
            steps[i] = steps[next[i]] + 1;
        }
    }
    (root, steps.iter().copied().max().unwrap_or(0))
}

/// Clusters found by [`MedoidShift`].
#[derive(Clone, Debug)]
pub struct MedoidShiftFit<T> {
    found: Found<T>,
    parents: Vec<usize>,
    n_iter: usize,
}

impl<T: Float> MedoidShiftFit<T> {
    common_answers!(
        "The medoids, before merging. Saddles are known where [`merging`](MedoidShift::merging) was asked for."
    );

    /// The sample that each one goes to, `[n]`; a medoid goes to itself.
    pub fn parents(&self) -> &[usize] {
        &self.parents
    }

    /// Most steps of any sample.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }
}

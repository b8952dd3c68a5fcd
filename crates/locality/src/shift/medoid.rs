//! Medoid shift: mean shift whose every step ends at a sample.

use super::common::{Common, Found, common_answers, common_parameters};
use super::ground::{Between, Way, least_width};
use super::kernels::{bandwidth_in_force, flat, of_distance, under};
use super::links::{heard, massless, ranked};
use super::medoid_steps::{medoids, together};
use super::modes::{Merging, ModeTree, check_neighbors};
use super::sites::SampleClusters;
use super::step::Stepper;
use crate::{Error, Float, Kernel, Metric, Result, Rows, Watch};

/// The parameters of medoid shift (Sheikh, Khan and Kanade 2007, *Mode-seeking by medoidshifts*, ICCV): each sample goes to the sample
/// with the least sum of squared distances to all, weighted by the kernel around it, and so on until it stays. The sum is least at
/// the sample nearest to the local mean, so that a step is a local mean and a search for one neighbour: nothing grows with the
/// square of `n` under a kernel of bounded reach.
///
/// Where the metric is Euclidean and the kernel a radial one of such distances, every step climbs the density of the kernel's shadow, as in [`MeanShift`](super::MeanShift), but it stops at samples between which
/// mean shift would pass, so that there are more clusters; [`merging`](Self::merging) joins those without a saddle of their own.
///
/// A sum over samples needs no mean, so that any distance will do: see [`metric`](Self::metric).
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
        "The kernel of the step: any of distances, under any metric. Without `h` it takes the bandwidth. Where the metric is Euclidean and the kernel
        a radial one of such distances, steps climb the density of the shadow, as those of mean shift; elsewhere a way may come back on itself, and then
        ends at its densest sample.",
        "The bandwidth; `None` (the default) takes the kernel's own `h` where it has one, else
        [`estimate_bandwidth`](super::estimate_bandwidth) at quantile 0.3 of all samples, in quadratic time.",
        "Saddles are sought between each sample and so many nearest others; 10 by default."
    );

    /// How far apart samples are: whose squares are summed, and among whom saddles are sought; Euclidean by default. A kernel without a
    /// metric of its own, as `gaussian(h=1, metric=manhattan)` has, follows it.
    ///
    /// Under the Euclidean and Mahalanobis distances the medoid is the sample nearest to a mean, and under `Cosine` the one nearest to
    /// the mean direction: there the sum is of `1 - cos`, half the squares of the chords. Under Manhattan, Chebyshev, Hamming and
    /// great-circle distances the sums themselves are compared, of the samples that the triangle inequality does not rule out: time grows with
    /// the square of the number of samples that the kernel reaches from one, so that it should end.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.common.metric = metric;
        self
    }

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<MedoidShiftFit<T>> {
        samples.require_finite("samples")?;
        let common = &self.common;
        check_neighbors(common.n_neighbors)?;
        if !common.metric.is_distance() {
            return Err(Error::unsupported(format!(
                "metric={} is no distance, so that no sample is in the middle of others; choose euclidean or another distance",
                common.metric.info().name
            )));
        }
        let kernel = under(&common.kernel, &common.metric)?;
        let how = (&kernel, &common.metric);
        let bandwidth = bandwidth_in_force(how, common.bandwidth, samples, weights, watch)?;
        let kernel = of_distance(&kernel, bandwidth)?;
        let stepper = Stepper::new(&kernel, samples, weights, common.tolerance, false)?;
        let steps = stepper.step(samples, watch)?;
        let levels: Vec<f64> = steps.levels.iter().map(|&l| stepper.log(l)).collect();
        let massless = massless(weights, samples.rows());
        let heard = heard(&levels, &massless);
        let (order, rank) = ranked(&heard);
        let mut next = medoids(
            (&kernel, &common.metric),
            samples,
            weights,
            &steps.means,
            (&levels, &massless),
            watch,
        )?;
        together(samples, &massless, &mut next);
        let (roots, n_iter) = ends(&next, &rank);
        let quiet = watch.quiet();
        let way = Way::of(&common.metric, &kernel);
        let edges = common.edges(way, samples, &rank, &quiet)?;
        let ground = Between {
            samples,
            density: &heard,
            width: least_width(&kernel),
            way,
            at: &|points| {
                let levels = stepper.step(points, &quiet)?.levels;
                // A count of nothing is negative infinity already.
                let log = |l: f64| {
                    if l > 0.0 || l.is_finite() {
                        stepper.log(l)
                    } else {
                        l
                    }
                };
                Ok(levels.into_iter().map(log).collect())
            },
            watch: &quiet,
        };
        let tree = ModeTree::new(&heard, &roots, (&order, &rank), &edges, &ground)?;
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

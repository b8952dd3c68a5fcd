//! `ToMATo`: clusters of a density's modes by persistence on a neighbour graph.

use super::bandwidth::{apart, draw, reaches};
use super::common::{Common, Found, common_answers, common_metric, common_parameters};
use super::graph::Graph;
use super::ground::{Between, Ends, Ground, Way, least_width};
use super::kernels::{known_bandwidth, radial, scaled, under};
use super::links::{gather, massless, ranked, weighty};
use super::modes::{Merging, ModeTree, check_neighbors, climb};
use super::sites::{Density, SampleClusters};
use crate::{Error, Float, Kernel, Metric, Result, Rows, Watch};

/// The parameters of `ToMATo` (Chazal, Guibas, Oudot and Skraba 2013): on the graph of nearest neighbours each sample climbs to the
/// densest of its neighbours, and modes that rise little above a saddle are merged. Unlike quick shift it has no length: samples
/// join along dense ground however far it goes. Where the density along an edge of the graph falls to less than a twentieth of that at its lower
/// end, nothing climbs across; copies of a sample are one place of the graph.
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
        [`neighbor_bandwidth`](super::neighbor_bandwidth) at the square root of the number of samples under the metric, but at least the mean
        distance from a place to the nearest other.",
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
        check_neighbors(common.n_neighbors)?;
        let bandwidth = self.bandwidth_in_force(rows, watch)?;
        let kernel = scaled(&under(&common.kernel, &common.metric)?, bandwidth)?;
        let all = Density::new(&kernel, samples, weights, common.tolerance, watch)?;
        let density = all.at(samples, watch)?;
        let quiet = watch.quiet();
        let way = Way::of(&common.metric, &kernel);
        let ground = Between {
            samples,
            density: &density,
            width: least_width(&kernel),
            way,
            at: &|points| all.at(points, &quiet),
            watch: &quiet,
        };
        let (order, rank) = ranked(&density);
        let graph = Graph::new(samples, &common.metric, common.n_neighbors, &rank, &quiet)?;
        let firm = firm(&graph.edges, &ground)?;
        let roots = climb(&graph.speaker, &firm, &order, &rank);
        let edges = way.joined(&graph, samples, &common.metric, &rank, &quiet)?;
        let tree = ModeTree::new(&density, &roots, (&order, &rank), &edges, &ground)?;
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
        let mean = |x: Vec<f64>| x.iter().sum::<f64>() / x.len() as f64;
        let quiet = watch.quiet();
        let metric = &self.common.metric;
        let table = apart(samples);
        let places = Rows::new(&table, table.len() / samples.columns(), samples.columns())?;
        if places.rows() > 1 {
            let h = mean(reaches(metric, samples, &draw(n, 1000, 0), k, &quiet)?);
            // Among many copies the neighbours are at distance 0: a density of single places has a mode at each.
            let queries = draw(places.rows(), 1000, 0);
            let h = h.max(mean(reaches(metric, places, &queries, 1, &quiet)?));
            if h > 0.0 {
                return Ok(h);
            }
        }
        Err(Error::parameter(format!(
            "the estimated bandwidth of {n} samples is 0, since most have their {k} nearest at distance 0; give bandwidth a \
             positive number"
        )))
    }
}

/// Edges that samples climb along: all but those across ground where there is less than a twentieth of the density at their lower end. Far
/// samples have neighbours, too, but nothing leads to them.
fn firm<T: Float>(edges: &[(u32, u32)], ground: &Between<'_, T>) -> Result<Vec<(u32, u32)>> {
    const FALL: f64 = 3.0;
    // Between samples within two bandwidths of one another there is no such fall.
    let short = |e: &(u32, u32)| ground.length(*e).is_some_and(|length| length <= 2.0);
    let (mut firm, long): (Vec<_>, Vec<_>) = edges.iter().copied().partition(short);
    let least = ground.least(&long)?;
    // Samples without weight may lie where there is nothing, and still climb.
    let leads = |(edge, least): &((u32, u32), f64)| {
        let end = Ends(ground.density).guess(*edge);
        end == f64::NEG_INFINITY || end - least <= FALL
    };
    let kept = long.into_iter().zip(least).filter(leads);
    firm.extend(kept.map(|(edge, _)| edge));
    Ok(firm)
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

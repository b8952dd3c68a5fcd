//! Quick shift: each sample is linked to the nearest one of higher density.

use super::common::{Common, Found, common_answers, common_metric, common_parameters};
use super::ground::{Between, Ends, Way, least_width};
use super::kernels::{bandwidth_in_force, radial, scaled, under};
use super::links::{NONE, heard, massless, nearest_before, ranked, roots};
use super::modes::{Merging, ModeTree, check_neighbors};
use super::sites::{Density, SampleClusters};
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
    common: Common,
    max_dist: Option<f64>,
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
            common: Common::new(radial("epanechnikov"), Merging::Never),
            max_dist: None,
        }
    }

    common_parameters!(
        QuickShiftFit,
        "The kernel of the density: any. Without `h` it takes the bandwidth.",
        "The bandwidth; `None` (the default) takes the kernel's own `h` where it has one, else
        [`estimate_bandwidth`](super::estimate_bandwidth) at quantile 0.3 of all samples, in quadratic time.",
        "Saddles are sought between each sample and so many nearest others; 10 by default."
    );
    common_metric!();

    /// The longest link that is kept (tau); `None` (the default) is one bandwidth. Infinite: one cluster.
    #[must_use]
    pub fn max_dist(mut self, max_dist: impl Into<Option<f64>>) -> Self {
        self.max_dist = max_dist.into();
        self
    }

    fn run<T: Float>(
        &self,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<QuickShiftFit<T>> {
        samples.require_finite("samples")?;
        let common = &self.common;
        check_neighbors(common.n_neighbors)?;
        if let Some(max_dist) = self.max_dist {
            check_max_dist(max_dist)?;
        }
        let kernel = under(&common.kernel, &common.metric)?;
        let how = (&kernel, &common.metric);
        let bandwidth = bandwidth_in_force(how, common.bandwidth, samples, weights, watch)?;
        let kernel = scaled(&kernel, bandwidth)?;
        let all = Density::new(&kernel, samples, weights, common.tolerance, watch)?;
        let density = all.at(samples, watch)?;
        let massless = massless(weights, samples.rows());
        let heard = heard(&density, &massless);
        let (order, rank) = ranked(&heard);
        let links = nearest_before(samples, &common.metric, &order, &rank, watch)?;
        let longest = self.max_dist.unwrap_or(bandwidth);
        let cut = roots(&links, &order, longest, &massless);
        let quiet = watch.quiet();
        let way = Way::of(&common.metric, &kernel);
        let edges = common.edges(way, samples, &rank, &quiet)?;
        let ground = Between {
            samples,
            density: &heard,
            width: least_width(&kernel),
            way,
            at: &|points| all.at(points, &quiet),
            watch: &quiet,
        };
        let tree = ModeTree::new(&heard, &cut, (&order, &rank), &edges, &ground)?;
        let (labels, modes) = tree.cut(common.merging)?;
        Ok(QuickShiftFit {
            found: Found {
                clusters: SampleClusters::new(samples, &common.metric, labels, modes)?,
                density,
                tree,
                bandwidth,
            },
            parents: (0..)
                .zip(&links.to)
                .map(|(i, &to)| if to == NONE { i } else { to as usize })
                .collect(),
            order,
            rank,
            links,
            massless,
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
    found: Found<T>,
    parents: Vec<usize>,
    order: Vec<u32>,
    rank: Vec<u32>,
    links: super::links::Links,
    massless: Vec<bool>,
    longest: f64,
}

impl<T: Float> QuickShiftFit<T> {
    common_answers!(
        "The modes under `max_dist`, before merging. Saddles are known where [`merging`](QuickShift::merging) was asked for."
    );

    /// The sample that each is linked to, `[n]`, before any cut; the densest sample of all is linked to itself.
    pub fn parents(&self) -> &[usize] {
        &self.parents
    }

    /// The length of each link, `[n]`; infinite for the densest sample.
    pub fn link_lengths(&self) -> &[f64] {
        &self.links.length
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
        let cut = roots(&self.links, &self.order, max_dist, &self.massless);
        let heard = heard(&self.found.density, &self.massless);
        let order = (self.order.as_slice(), self.rank.as_slice());
        let tree = ModeTree::new(&heard, &cut, order, &[], &Ends(&heard))?;
        let (labels, modes) = tree.cut(Merging::Never)?;
        self.found.clusters.with(labels, modes)
    }
}

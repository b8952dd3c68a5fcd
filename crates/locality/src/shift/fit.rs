//! Fitting, and what a fit knows.

use super::adaptive::Motion;
use super::bins::BinnedSites;
use super::blur::{Blur, blur};
use super::clusters::{Centers, ORPHAN};
use super::ground::{Between, Ground, Way, least_width};
use super::kernels::flat_radius;
use super::links::{gather, massless, weighty};
use super::merge::Joined;
use super::modes::{Lifetime, Merging, ModeTree};
use super::parameters::MeanShift;
use super::paths::{Ends, Limits, follow};
use super::seeds::bin_seeds_weighted;
use super::shadow::shadow;
use super::sites::{Density, check_some_weight};
use super::sphere::directions;
use super::step::Stepper;
use crate::{Error, Float, Kernel, LocalMeans, Metric, Result, Rows, Watch};

/// Longest step of ends that go on to their modes, in bandwidths: too short to leave a basin.
const STRIDE: f64 = 0.05;

/// Clusters found by [`MeanShift`].
#[derive(Clone, Debug)]
pub struct MeanShiftFit<T> {
    parameters: MeanShift,
    bandwidth: f64,
    limits: Limits,
    stepper: Stepper<T>,
    centers: Centers<T>,
    clusters: Clusters<T>,
    cluster_of: Vec<i64>,
    tree: Option<ModeTree>,
    lifetimes: Option<Vec<Lifetime>>,
    labels: Vec<i64>,
    flows: Vec<i64>,
    basins: Vec<i64>,
    n_iter: usize,
    columns: usize,
}

pub(super) fn fit<T: Float>(
    parameters: &MeanShift,
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    watch: &Watch<'_>,
) -> Result<MeanShiftFit<T>> {
    parameters.check(samples)?;
    if let Some(weights) = weights {
        check_some_weight(weights, samples.rows())?;
    }
    let own;
    let samples = if parameters.sphere() {
        own = directions(samples, "samples")?;
        Rows::new(&own, samples.rows(), samples.columns())?
    } else {
        samples
    };
    match weights {
        // What has no weight is no sample, but has a label.
        Some(weights) if !parameters.blurring && weights.contains(&T::ZERO) => {
            let kept = weighty(&massless(Some(weights), samples.rows()));
            let weights: Vec<T> = kept.iter().map(|&i| weights[i as usize]).collect();
            let rows = gather(samples, &kept);
            let sites = Rows::new(&rows, kept.len(), samples.columns())?;
            fit_checked(parameters, sites, Some(&weights), samples, watch)
        }
        _ => fit_checked(parameters, samples, weights, samples, watch),
    }
}

/// Modes of sites; labels of samples.
fn fit_checked<T: Float>(
    parameters: &MeanShift,
    sites: Rows<'_, T>,
    weights: Option<&[T]>,
    samples: Rows<'_, T>,
    watch: &Watch<'_>,
) -> Result<MeanShiftFit<T>> {
    let (kernel, bandwidth) = parameters.resolve(sites, weights, watch)?;
    if flat_radius(&kernel).is_none() {
        check_spread(sites)?;
    }
    let Some(width) = parameters.cell_width(bandwidth) else {
        return Fitting::new(parameters, kernel, bandwidth, sites, weights, watch)?
            .finish(samples, watch);
    };
    let mut bins = BinnedSites::new(sites.columns(), width)?.directions(parameters.sphere());
    bins.add(sites, weights)?;
    let (few, total) = (bins.sites(), bins.weights());
    let rows = Rows::new(&few, bins.len(), sites.columns())?;
    Fitting::new(parameters, kernel, bandwidth, rows, Some(&total), watch)?.finish(samples, watch)
}

/// Sites, and what moves points among them.
struct Fitting<'a, T> {
    parameters: &'a MeanShift,
    bandwidth: f64,
    sites: Rows<'a, T>,
    motion: Motion<T>,
    stepper: Stepper<T>,
    limits: Limits,
    /// Seeds that are no sites.
    seeds: Option<Vec<T>>,
}

impl<'a, T: Float> Fitting<'a, T> {
    fn new(
        parameters: &'a MeanShift,
        kernel: Kernel,
        bandwidth: f64,
        sites: Rows<'a, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let cell = parameters.cell(bandwidth, flat_radius(&kernel).is_some());
        let motion = parameters.motion(kernel, sites, weights, watch)?;
        let limits = Limits {
            rest: parameters.rest(bandwidth),
            max_iter: parameters.max_iter,
            cell,
            relaxation: parameters.relaxation,
            fine: parameters.fine(&motion.kernel, bandwidth),
            stride: STRIDE * bandwidth,
        };
        let stepper = Stepper::new(
            &motion.kernel,
            sites,
            motion.weights.as_deref(),
            parameters.tolerance,
            parameters.sphere(),
        )?;
        Ok(Self {
            seeds: seeds(parameters, sites, weights, bandwidth)?,
            parameters,
            bandwidth,
            sites,
            motion,
            stepper,
            limits,
        })
    }

    fn finish(self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<MeanShiftFit<T>> {
        let (parameters, d) = (self.parameters, samples.columns());
        let seeds = match &self.seeds {
            Some(seeds) => Rows::new(seeds, seeds.len() / d, d)?,
            None => self.sites,
        };
        let ends = if parameters.blurring {
            let how = Blur {
                tolerance: parameters.tolerance,
                sphere: parameters.sphere(),
                bandwidth: self.bandwidth,
                limits: self.limits,
            };
            blur(&self.motion, self.sites, how, watch)?
        } else {
            follow(&self.stepper, seeds, self.limits, watch)?
        };
        let Some(centers) = Centers::new(&ends, d, self.bandwidth)? else {
            return Err(Error::empty_region(format!(
                "No point was within bandwidth={} of any of the {} seeds; choose other seeds or widen the bandwidth",
                self.bandwidth,
                seeds.rows()
            )));
        };
        let joined = self.joined(&centers, &ends, watch)?;
        let reach = (!parameters.cluster_all).then_some(self.bandwidth);
        let named = |modes: Vec<i64>| clusters_of(&joined.cluster_of, modes);
        let flows = centers.label_ends(&ends, seeds, reach, watch)?;
        let basins = named(flows.clone());
        let labels = if parameters.blurring {
            basins.clone()
        } else {
            named(centers.label(samples, reach, watch)?)
        };
        Ok(MeanShiftFit {
            parameters: parameters.clone(),
            bandwidth: self.bandwidth,
            limits: self.limits,
            clusters: Clusters::new(&centers, &joined.cluster_of, &self.stepper),
            cluster_of: joined.cluster_of,
            tree: joined.tree,
            lifetimes: joined.lifetimes,
            stepper: self.stepper,
            centers,
            labels,
            flows,
            basins,
            n_iter: ends.n_iter,
            columns: d,
        })
    }

    /// Which modes are one cluster, from where the seeds ended.
    fn joined(&self, centers: &Centers<T>, ends: &Ends<T>, watch: &Watch<'_>) -> Result<Joined> {
        let (parameters, sites) = (self.parameters, self.sites);
        if parameters.merging == Merging::Never {
            return Ok(Joined::not(centers.len()));
        }
        let kernel = shadow(&self.motion.kernel);
        let kernel = kernel.as_ref().unwrap_or(&self.motion.kernel);
        let weights = self.motion.density.as_deref();
        let tolerance = parameters.tolerance;
        let quiet = watch.quiet();
        let all = Density::new(kernel, sites, weights, tolerance, &quiet)?;
        let density = all.at(sites, &quiet)?;
        let way = if parameters.sphere() {
            Way::Sphere
        } else {
            Way::of(&Metric::Euclidean, kernel)
        };
        let ground = Between {
            samples: sites,
            density: &density,
            width: least_width(kernel),
            way,
            at: &|points| all.at(points, &quiet),
            watch: &quiet,
        };
        // Basins are where sites flow to: the nearest mode of a site may lie beyond a saddle, on the slope of a wider mode.
        let basins = if self.seeds.is_none() {
            centers.label_ends(ends, sites, None, watch)?
        } else {
            let ends = follow(&self.stepper, sites, self.limits, &quiet)?;
            centers.label_ends(&ends, sites, None, watch)?
        };
        let how = (parameters.merging, parameters.n_neighbors);
        let peaks = all.at(centers.rows(), &quiet)?;
        let levels = (density.as_slice(), &ground as &dyn Ground, way);
        Joined::new(how, sites, (&basins, &peaks), levels, watch)
    }
}

/// Seeds as given, or by bins; none where the sites are the seeds.
fn seeds<T: Float>(
    parameters: &MeanShift,
    sites: Rows<'_, T>,
    weights: Option<&[T]>,
    bandwidth: f64,
) -> Result<Option<Vec<T>>> {
    let found = match &parameters.seeds {
        Some(seeds) => {
            let own: Vec<T> = seeds.data.iter().map(|&x| T::from_f64(x)).collect();
            if parameters.sphere() {
                directions(Rows::new(&own, seeds.rows, seeds.columns)?, "seeds")?
            } else {
                own
            }
        }
        None if parameters.bin_seeding => {
            bin_seeds_weighted(sites, weights, bandwidth, parameters.min_bin_freq)?
        }
        None => return Ok(None),
    };
    if found.is_empty() {
        return Err(Error::parameter(format!(
            "no bin of width {bandwidth} holds min_bin_freq={} samples; lower min_bin_freq or widen the bandwidth",
            parameters.min_bin_freq
        )));
    }
    Ok(Some(found))
}

/// The cluster of each mode that is one.
fn clusters_of(cluster_of: &[i64], modes: Vec<i64>) -> Vec<i64> {
    let of = |m: i64| usize::try_from(m).map_or(ORPHAN, |m| cluster_of[m]);
    modes.into_iter().map(of).collect()
}

/// The densest mode of each cluster.
#[derive(Clone, Debug)]
struct Clusters<T> {
    centers: Vec<T>,
    intensities: Vec<f64>,
}

impl<T: Float> Clusters<T> {
    fn new(modes: &Centers<T>, cluster_of: &[i64], stepper: &Stepper<T>) -> Self {
        let mut out = Self {
            centers: Vec::new(),
            intensities: Vec::new(),
        };
        // Clusters are numbered as their first modes come, and those are the densest.
        let each = modes.rows().iter().zip(&modes.levels).zip(cluster_of);
        for ((place, &level), &cluster) in each {
            if cluster == out.intensities.len() as i64 {
                out.centers.extend_from_slice(place);
                out.intensities.push(stepper.intensity(level));
            }
        }
        out
    }
}

impl<T: Float> MeanShiftFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &MeanShift {
        &self.parameters
    }

    /// The bandwidth in force: the one given, or the one estimated.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// Number of clusters, `k`.
    pub fn n_clusters(&self) -> usize {
        self.clusters.intensities.len()
    }

    /// Cluster centres `[k, d]`, densest first: of merged modes the densest.
    pub fn cluster_centers(&self) -> Rows<'_, T> {
        let centers = &self.clusters.centers;
        Rows::new(centers, self.n_clusters(), self.columns)
            .unwrap_or_else(|_| unreachable!("a centre for each cluster"))
    }

    /// All modes `[m, d]`, densest first: the centres, where none were merged.
    pub fn modes(&self) -> Rows<'_, T> {
        self.centers.rows()
    }

    /// The cluster of each mode, `[m]`.
    pub fn mode_clusters(&self) -> &[i64] {
        &self.cluster_of
    }

    /// The modes with their lifetimes, where [`merging`](MeanShift::merging) was asked for: of each mode's basin it has the densest
    /// site, in the order of the modes' densities.
    pub fn tree(&self) -> Option<&ModeTree> {
        self.tree.as_ref()
    }

    /// The lifetime of each of the [`modes`](Self::modes), `[m]`, where [`merging`](MeanShift::merging) was asked for: the log density at
    /// the mode, and at the highest saddle to a denser one. A mode that no sample flows to has no saddle.
    pub fn lifetimes(&self) -> Option<&[Lifetime]> {
        self.lifetimes.as_deref()
    }

    /// How dense it is at each centre, `[k]`: the sum of the weights in the region of the last step there. For the flat kernel
    /// without sample weights this is the number of samples within the bandwidth.
    pub fn intensities(&self) -> &[f64] {
        &self.clusters.intensities
    }

    /// The cluster of each sample, `[n]`: its nearest centre, or -1 for an orphan. (Under blurring: the centre nearest to
    /// where the sample has moved.)
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The cluster in whose basin each seed lies, `[s]`, which is where its way ended; without seeds or bins the seeds are the
    /// samples. -1 for orphans. Near the border of two clusters this may differ from the nearest centre.
    pub fn basins(&self) -> &[i64] {
        &self.basins
    }

    /// The mode that each seed flows to, `[s]`: as [`basins`](Self::basins), before modes are merged into clusters. -1 for orphans.
    pub fn flows(&self) -> &[i64] {
        &self.flows
    }

    /// Most iterations that any seed took. Seeds that merged early into another one count as far as they went themselves
    /// (this happens for kernels other than the flat one, unless `merge_within` is 0).
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// The nearest centre of each row `[m, d]`; never an orphan. As scikit-learn's `predict`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, an interruption.
    pub fn predict(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<i64>> {
        let own = self.read(rows)?;
        let modes = self
            .centers
            .label(table(own.as_ref(), rows)?, None, watch)?;
        Ok(clusters_of(&self.cluster_of, modes))
    }

    /// The basin of attraction of each row `[m, d]`: each is moved by mean shift among the samples until it rests, and gets the
    /// cluster nearest to its end. A row that no sample is near, or whose end is more than a bandwidth from every centre,
    /// goes to the nearest centre, or without `cluster_all` is an orphan, -1.
    ///
    /// ```
    /// use locality::{Rows, Watch, shift::MeanShift};
    /// let x = [0.0, 0.2, 0.4, 0.6, 0.8, 4.0];
    /// let fit = MeanShift::new().bandwidth(0.5).fit(Rows::column(&x), &Watch::default())?;
    /// assert_eq!(fit.assign(Rows::column(&[1.2, 3.6]), &Watch::default())?, [0, 1]);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn assign(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<i64>> {
        Ok(clusters_of(&self.cluster_of, self.flow(rows, watch)?))
    }

    /// The mode that each row `[m, d]` flows to: as [`assign`](Self::assign), before modes are merged into clusters.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn flow(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<i64>> {
        let own = self.read(rows)?;
        let rows = table(own.as_ref(), rows)?;
        let ends = follow(&self.stepper, rows, self.limits, watch)?;
        let reach = (!self.parameters.cluster_all).then_some(self.bandwidth);
        self.centers.label_ends(&ends, rows, reach, watch)
    }

    /// One step from each row `[m, d]`: the local mean of the samples there, and the log normaliser. NaN and negative infinity
    /// where no sample is near. On the sphere rows are read as directions, and means are such.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn step(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<LocalMeans<T>> {
        let own = self.read(rows)?;
        self.stepper.means(table(own.as_ref(), rows)?, watch)
    }

    /// Rows as they are moved: directions on the sphere, nothing of their own elsewhere.
    fn read(&self, rows: Rows<'_, T>) -> Result<Option<Vec<T>>> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "rows has {} columns, but samples has {}; they must be the same columns",
                rows.columns(),
                self.columns
            )));
        }
        if rows.rows() > 0 {
            rows.require_finite("rows")?;
        }
        if self.parameters.sphere() {
            directions(rows, "rows").map(Some)
        } else {
            Ok(None)
        }
    }
}

fn table<'a, T>(own: Option<&'a Vec<T>>, rows: Rows<'a, T>) -> Result<Rows<'a, T>> {
    match own {
        Some(own) => Rows::new(own, rows.rows(), rows.columns()),
        None => Ok(rows),
    }
}

/// Refuses samples whose squared distances leave the number type: the weights of a kernel that never ends would be lost.
fn check_spread<T: Float>(samples: Rows<'_, T>) -> Result<()> {
    let widest = T::MAX.to_f64().sqrt() / (2.0 * samples.columns() as f64);
    for c in 0..samples.columns() {
        let column = || samples.iter().map(|row| row[c].to_f64());
        let low = column().fold(f64::INFINITY, f64::min);
        let high = column().fold(f64::NEG_INFINITY, f64::max);
        if high / 2.0 - low / 2.0 > widest / 2.0 {
            return Err(Error::not_finite(format!(
                "column {c} (counted from 0) goes from {low:e} to {high:e}, beyond what {} can square; scale it down, or use a flat kernel",
                T::NAME
            )));
        }
    }
    Ok(())
}

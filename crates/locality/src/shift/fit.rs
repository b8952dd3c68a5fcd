//! Fitting, and what a fit knows.

use super::blur::blur;
use super::clusters::Centers;
use super::parameters::{MeanShift, flat_radius};
use super::paths::{Limits, follow};
use super::seeds::bin_seeds;
use super::step::Stepper;
use crate::{Error, Float, LocalMeans, Result, Rows, Watch};

/// Clusters found by [`MeanShift`].
#[derive(Clone, Debug)]
pub struct MeanShiftFit<T> {
    parameters: MeanShift,
    bandwidth: f64,
    limits: Limits,
    stepper: Stepper<T>,
    centers: Centers<T>,
    intensities: Vec<f64>,
    labels: Vec<i64>,
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
    let (kernel, bandwidth) = parameters.resolve(samples, watch)?;
    if flat_radius(&kernel).is_none() {
        check_spread(samples)?;
    }
    let limits = Limits {
        rest: parameters.rest(bandwidth),
        max_iter: parameters.max_iter,
        cell: parameters.cell(bandwidth, flat_radius(&kernel).is_some()),
    };
    let stepper = Stepper::new(&kernel, samples, weights, parameters.tolerance)?;
    let d = samples.columns();
    let given: Option<Vec<T>> = match parameters.given_seeds() {
        Some(seeds) => Some(seeds.data.iter().map(|&x| T::from_f64(x)).collect()),
        None if parameters.bin_seeding => {
            Some(bin_seeds(samples, bandwidth, parameters.min_bin_freq)?)
        }
        None => None,
    };
    let seeds = match &given {
        Some(seeds) if seeds.is_empty() => {
            return Err(Error::parameter(format!(
                "no bin of width {bandwidth} holds min_bin_freq={} samples; lower min_bin_freq or widen the bandwidth",
                parameters.min_bin_freq
            )));
        }
        Some(seeds) => Rows::new(seeds, seeds.len() / d, d)?,
        None => samples,
    };
    let ends = if parameters.blurring {
        blur(
            &kernel,
            samples,
            weights,
            parameters.tolerance,
            limits,
            watch,
        )?
    } else {
        follow(&stepper, seeds, limits, watch)?
    };
    let Some(centers) = Centers::new(&ends, d, bandwidth)? else {
        return Err(Error::empty_region(format!(
            "no sample is within reach of any of the {} seeds at bandwidth {bandwidth}; choose other seeds or widen the bandwidth",
            seeds.rows()
        )));
    };
    let reach = (!parameters.cluster_all).then_some(bandwidth);
    let basins = centers.label_ends(&ends, seeds, reach, watch)?;
    let labels = if parameters.blurring {
        basins.clone()
    } else {
        centers.label(samples, reach, watch)?
    };
    Ok(MeanShiftFit {
        parameters: parameters.clone(),
        bandwidth,
        limits,
        intensities: centers
            .levels
            .iter()
            .map(|&l| stepper.intensity(l))
            .collect(),
        stepper,
        centers,
        labels,
        basins,
        n_iter: ends.n_iter,
        columns: d,
    })
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
        self.centers.len()
    }

    /// Cluster centres `[k, d]`, densest first.
    pub fn cluster_centers(&self) -> Rows<'_, T> {
        self.centers.rows()
    }

    /// How dense it is at each centre, `[k]`: the sum of the weights in the region of the last step there. For the flat kernel
    /// without sample weights this is the number of samples within the bandwidth.
    pub fn intensities(&self) -> &[f64] {
        &self.intensities
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
        self.check(rows)?;
        self.centers.label(rows, None, watch)
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
        self.check(rows)?;
        let ends = follow(&self.stepper, rows, self.limits, watch)?;
        let reach = (!self.parameters.cluster_all).then_some(self.bandwidth);
        self.centers.label_ends(&ends, rows, reach, watch)
    }

    /// One step from each row `[m, d]`: the local mean of the samples there, and the log normaliser. NaN and negative infinity
    /// where no sample is near.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn step(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<LocalMeans<T>> {
        self.check(rows)?;
        self.stepper.local_means().at(rows, watch)
    }

    fn check(&self, rows: Rows<'_, T>) -> Result<()> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "rows has {} columns, but samples has {}; they must be the same columns",
                rows.columns(),
                self.columns
            )));
        }
        if rows.rows() == 0 {
            return Ok(());
        }
        rows.require_finite("rows")
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

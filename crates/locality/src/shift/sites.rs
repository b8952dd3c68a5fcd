//! Clusters whose centres are samples.

use crate::{
    Error, Float, Kernel, LocalMean, LocalMeanFit, Metric, Nearest, OnEmpty, Result, Rows, Watch,
};

/// Refuses weights that are no weights, before anything reads them.
pub(super) fn check_weights<T: Float>(weights: &[T], n: usize) -> Result<()> {
    if weights.len() != n {
        return Err(Error::shape(format!(
            "sample_weights has {} entries, but there are {n} samples; give one each",
            weights.len()
        )));
    }
    let wrong = |w: &T| !(w.is_finite() && w.to_f64() >= 0.0);
    match weights.iter().position(wrong) {
        Some(i) => Err(Error::parameter(format!(
            "sample_weights[{i}]={} must be a finite number that is not negative",
            weights[i]
        ))),
        None => Ok(()),
    }
}

/// The same, and weights of which none is above 0.
pub(super) fn check_some_weight<T: Float>(weights: &[T], n: usize) -> Result<()> {
    check_weights(weights, n)?;
    if n > 0 && weights.iter().all(|w| *w == T::ZERO) {
        return Err(Error::parameter(
            "sample_weights are all 0, which leaves no sample; give some of them a positive number",
        ));
    }
    Ok(())
}

/// The logarithm of the sum of a kernel's weights at each sample.
pub(super) fn log_density<T: Float>(
    kernel: &Kernel,
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    tolerance: f64,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    Density::new(kernel, samples, weights, tolerance, watch)?.at(samples, watch)
}

/// The sum of a kernel's weights, anywhere.
pub(super) struct Density<T> {
    fit: LocalMeanFit<T>,
}

impl<T: Float> Density<T> {
    pub(super) fn new(
        kernel: &Kernel,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        tolerance: f64,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let nothing = Rows::with_stride(&[], samples.rows(), 0, 0)?;
        let fit = LocalMean::new(kernel.clone())
            .tolerance(tolerance)
            .on_empty(OnEmpty::Nan)
            .fit_watched(samples, nothing, weights, watch)
            .map_err(|e| e.context("density"))?;
        Ok(Self { fit })
    }

    /// Its logarithm at points `[m, d]`.
    pub(super) fn at(&self, points: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let out = self.fit.at(points, watch)?;
        Ok(out.log_normalizer.iter().map(|l| l.to_f64()).collect())
    }
}

/// Clusters of samples `[n, d]`, each around the sample at its mode; densest mode first.
#[derive(Clone, Debug)]
pub struct SampleClusters<T> {
    labels: Vec<i64>,
    modes: Vec<usize>,
    centers: Vec<T>,
    samples: Vec<T>,
    columns: usize,
    nearest: Nearest<T>,
}

impl<T: Float> SampleClusters<T> {
    pub(super) fn new(
        samples: Rows<'_, T>,
        metric: &Metric,
        labels: Vec<i64>,
        modes: Vec<usize>,
    ) -> Result<Self> {
        Ok(Self {
            centers: centers(samples, &modes),
            labels,
            modes,
            samples: samples.to_vec(),
            columns: samples.columns(),
            nearest: Nearest::fit(samples, metric)?,
        })
    }

    /// The same samples in other clusters.
    pub(super) fn with(&self, labels: Vec<i64>, modes: Vec<usize>) -> Result<Self> {
        let samples = Rows::new(&self.samples, self.labels.len(), self.columns)?;
        Ok(Self {
            centers: centers(samples, &modes),
            labels,
            modes,
            ..self.clone()
        })
    }

    /// The cluster of each sample, `[n]`.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// Number of clusters, `k`.
    pub fn n_clusters(&self) -> usize {
        self.modes.len()
    }

    /// Which sample is at the mode of each cluster, `[k]`.
    pub fn center_indices(&self) -> &[usize] {
        &self.modes
    }

    /// These samples, `[k, d]`.
    pub fn cluster_centers(&self) -> Rows<'_, T> {
        table(&self.centers, self.modes.len(), self.columns)
    }

    /// The cluster of the nearest sample of each row `[m, d]`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, an interruption.
    pub fn predict(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<i64>> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "rows has {} columns, but samples has {}; they must be the same columns",
                rows.columns(),
                self.columns
            )));
        }
        let found = self.nearest.k_nearest(rows, 1, watch)?;
        Ok(found.indices.iter().map(|&i| self.labels[i]).collect())
    }
}

fn centers<T: Float>(samples: Rows<'_, T>, modes: &[usize]) -> Vec<T> {
    modes
        .iter()
        .flat_map(|&m| samples.row(m))
        .copied()
        .collect()
}

fn table<T>(data: &[T], rows: usize, columns: usize) -> Rows<'_, T> {
    Rows::new(data, rows, columns).expect("a row of columns for each")
}

//! Outliers by the density around a sample against that around its neighbours.
//!
//! Source: M. Breunig, H.-P. Kriegel, R. Ng, J. Sander, *LOF: identifying density-based local outliers*, SIGMOD (2000).

use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// Keeps the density finite among duplicates.
const LEAST: f64 = 1e-10;

/// The local outlier factor: the mean density of a sample's neighbours over its own. About 1 inside, large outside.
///
/// ```
/// use locality::{Rows, Watch, outlier::LocalOutlierFactor};
/// let x = [-1.1, 0.2, 101.1, 0.3];
/// let fit = LocalOutlierFactor::new(2).fit(Rows::column(&x), &Watch::default())?;
/// assert!((fit.factors()[2] - 73.3697).abs() < 1e-4);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LocalOutlierFactor {
    neighbors: usize,
    metric: Metric,
}

/// A fitted local outlier factor.
#[derive(Clone, Debug)]
pub struct LocalOutlierFactorFit {
    neighbors: usize,
    search: Nearest<f64>,
    /// Distance of each sample's last neighbour.
    reach: Vec<f64>,
    density: Vec<f64>,
    factors: Vec<f64>,
}

impl LocalOutlierFactor {
    /// With so many neighbours (scikit-learn's default is 20), by Euclidean distance.
    pub fn new(n_neighbors: usize) -> Self {
        Self {
            neighbors: n_neighbors,
            metric: Metric::Euclidean,
        }
    }

    /// How distance is measured (Euclidean).
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Learns the density around samples `[n, d]`.
    ///
    /// # Errors
    /// Fewer samples than neighbours and one, numbers that are not finite, a metric without distances, an interruption.
    pub fn fit(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LocalOutlierFactorFit> {
        let (n, k) = (samples.rows(), self.neighbors);
        samples.require_finite("X")?;
        if k == 0 || k >= n {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be at least 1 and less than n_samples = {n}; each sample needs that many others"
            )));
        }
        if self.metric == Metric::Dot {
            return Err(Error::unsupported(
                "metric=dot is no distance, so that there is no density; choose euclidean or another distance",
            ));
        }
        let search = Nearest::fit(samples, &self.metric)?;
        let found = search.k_nearest(samples, k + 1, watch)?;
        let (mut near, mut far) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
        for i in 0..n {
            let row = i * (k + 1)..(i + 1) * (k + 1);
            let pairs = found.indices[row.clone()].iter().zip(&found.distances[row]);
            for (&j, &d) in pairs.filter(|(j, _)| **j != i).take(k) {
                near.push(j);
                far.push(d);
            }
        }
        let reach: Vec<f64> = far.chunks_exact(k).map(|row| row[k - 1]).collect();
        let density = densities(k, &near, &far, &reach);
        let factors = factors(k, &near, &density, &density);
        Ok(LocalOutlierFactorFit {
            neighbors: k,
            search,
            reach,
            density,
            factors,
        })
    }
}

impl LocalOutlierFactorFit {
    /// The factor of each sample, `[n]`.
    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// The factors of new places `[m, d]`, all samples being possible neighbours.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn at(&self, queries: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let k = self.neighbors;
        let found = self.search.k_nearest(queries, k, watch)?;
        let own = densities(k, &found.indices, &found.distances, &self.reach);
        Ok(factors(k, &found.indices, &self.density, &own))
    }
}

/// One over the mean distance to the neighbours, none counted as nearer than its own last neighbour is to it.
fn densities(k: usize, near: &[usize], far: &[f64], reach: &[f64]) -> Vec<f64> {
    let one = |(near, far): (&[usize], &[f64])| {
        let sum: f64 = near.iter().zip(far).map(|(&j, d)| d.max(reach[j])).sum();
        (sum / k as f64 + LEAST).recip()
    };
    near.chunks_exact(k)
        .zip(far.chunks_exact(k))
        .map(one)
        .collect()
}

fn factors(k: usize, near: &[usize], density: &[f64], own: &[f64]) -> Vec<f64> {
    let one = |(near, own): (&[usize], &f64)| {
        near.iter().map(|&j| density[j] / own).sum::<f64>() / k as f64
    };
    near.chunks_exact(k).zip(own).map(one).collect()
}

//! Outliers by the density around a sample against that around its neighbours.
//!
//! Source: M. Breunig, H.-P. Kriegel, R. Ng, J. Sander, *LOF: identifying density-based local outliers*, SIGMOD (2000).

use crate::named::Named;
use crate::par::map_blocks;
use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// Keeps the density finite among duplicates.
const LEAST: f64 = 1e-10;

/// Rows of distances that one task looks through.
const BLOCK: usize = 64;

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
    /// None where distances were given.
    search: Option<Nearest<f64>>,
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
        self.check(n)?;
        if self.metric == Metric::Dot {
            return Err(Error::unsupported(
                "metric=dot is no distance, so that there is no density; choose euclidean or another distance",
            ));
        }
        let search = Nearest::fit(samples, &self.metric).named("X")?;
        let found = search.k_nearest(samples, k + 1, watch).named("X")?;
        let (mut near, mut far) = (Vec::with_capacity(n * k), Vec::with_capacity(n * k));
        for i in 0..n {
            let row = i * (k + 1)..(i + 1) * (k + 1);
            let pairs = found.indices[row.clone()].iter().zip(&found.distances[row]);
            for (&j, &d) in pairs.filter(|(j, _)| **j != i).take(k) {
                near.push(j);
                far.push(d);
            }
        }
        Ok(self.of_neighbors(Some(search), &near, &far))
    }

    /// Learns the density around samples from the distances between them, `[n, n]`, each row those from one sample; the metric is not
    /// looked at. Of neighbours that are equally far the first count, as in a search.
    ///
    /// ```
    /// use locality::{Rows, Watch, outlier::LocalOutlierFactor};
    /// let x = [-1.1_f64, 0.2, 101.1, 0.3];
    /// let between: Vec<f64> = x.iter().flat_map(|a| x.map(|b| (a - b).abs())).collect();
    /// let fit = LocalOutlierFactor::new(2).fit_distances(Rows::new(&between, 4, 4)?, &Watch::default())?;
    /// assert!((fit.factors()[2] - 73.3697).abs() < 1e-4);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// Not as many columns as rows; fewer samples than neighbours and one; numbers that are negative or not finite; an interruption.
    pub fn fit_distances(
        &self,
        distances: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<LocalOutlierFactorFit> {
        let (n, m) = (distances.rows(), distances.columns());
        if n != m {
            return Err(Error::shape(format!(
                "X holds distances, metric='precomputed', but has {n} rows of {m} columns; give one of each for every sample"
            )));
        }
        check_distances(distances)?;
        self.check(n)?;
        let (near, far) = nearest_by(distances, self.neighbors, true, watch)?;
        Ok(self.of_neighbors(None, &near, &far))
    }

    fn check(&self, n: usize) -> Result<()> {
        let k = self.neighbors;
        if k == 0 || k >= n {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be at least 1 and less than n_samples = {n}; each sample needs that many others"
            )));
        }
        Ok(())
    }

    /// From the neighbours of each sample and their distances, `[n, k]`.
    fn of_neighbors(
        &self,
        search: Option<Nearest<f64>>,
        near: &[usize],
        far: &[f64],
    ) -> LocalOutlierFactorFit {
        let k = self.neighbors;
        let reach: Vec<f64> = far.chunks_exact(k).map(|row| row[k - 1]).collect();
        let density = densities(k, near, far, &reach);
        let factors = factors(k, near, &density, &density);
        LocalOutlierFactorFit {
            neighbors: k,
            search,
            reach,
            density,
            factors,
        }
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
    /// Another number of columns, numbers that are not finite, an interruption; a fit from [distances](LocalOutlierFactor::fit_distances).
    pub fn at(&self, queries: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let Some(search) = &self.search else {
            return Err(Error::unsupported(
                "the factors were learned from distances, which say nothing about new rows; give the distances from these to the samples (at_distances)",
            ));
        };
        let found = search.k_nearest(queries, self.neighbors, watch)?;
        Ok(self.of_new(&found.indices, &found.distances))
    }

    /// The factors of new places by their distances to all samples, `[m, n]`.
    ///
    /// # Errors
    /// Not a column for each sample, numbers that are negative or not finite, an interruption.
    pub fn at_distances(&self, distances: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        if distances.columns() != self.reach.len() {
            return Err(Error::shape(format!(
                "X holds distances, metric='precomputed', but has {} columns, and there are {} samples; give the distance to each of them",
                distances.columns(),
                self.reach.len()
            )));
        }
        check_distances(distances)?;
        let (near, far) = nearest_by(distances, self.neighbors, false, watch)?;
        Ok(self.of_new(&near, &far))
    }

    fn of_new(&self, near: &[usize], far: &[f64]) -> Vec<f64> {
        let own = densities(self.neighbors, near, far, &self.reach);
        factors(self.neighbors, near, &self.density, &own)
    }
}

fn check_distances(distances: Rows<'_, f64>) -> Result<()> {
    distances.require_finite("X")?;
    match distances.iter().flatten().find(|x| **x < 0.0) {
        Some(x) => Err(Error::parameter(format!(
            "X has the distance {x}, which is negative; give distances of at least 0"
        ))),
        None => Ok(()),
    }
}

/// The `k` nearest by each row of distances, and how far they are, `[rows, k]`; `others` leaves out the one of the row's own number.
fn nearest_by(
    distances: Rows<'_, f64>,
    k: usize,
    others: bool,
    watch: &Watch<'_>,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let blocks = map_blocks(watch, distances.rows(), BLOCK, |range| {
        let mut found = Vec::with_capacity(range.len() * k);
        let mut order: Vec<(f64, usize)> = Vec::with_capacity(distances.columns());
        for i in range {
            order.clear();
            let pairs = distances.row(i).iter().copied().zip(0..);
            order.extend(pairs.filter(|(_, j)| !(others && *j == i)));
            let by = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            if k < order.len() {
                order.select_nth_unstable_by(k, by);
                order.truncate(k);
            }
            order.sort_unstable_by(by);
            found.extend_from_slice(&order);
        }
        Ok(found)
    })?;
    Ok(blocks.into_iter().flatten().map(|(d, j)| (j, d)).unzip())
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

//! Missing cells, recalled from rows whose known cells agree.

use crate::random::Random;
use crate::{
    Atom, Error, Float, Kernel, LocalMean, LocalMeanFit, OnEmpty, Profile, Result, Rows, Watch,
};

/// The parameters of filling missing cells by recall.
///
/// Columns are standardized, or, where they are of one unit (pixels), divided by one number. A row recalls the local mean of the stored rows under a Gaussian kernel of the distance over its known cells; where
/// a stored row misses one of these cells, the squared difference there is the expected one, with the column's mean and variance. Each
/// missing cell is filled with the mean over the stored rows that know it. So that one bandwidth serves rows that know much and rows that know
/// little, the squared distance over `c` known cells of `d` is scaled by `d / c` to all columns, as is customary of distances with missing cells
/// (Dixon 1979; scikit-learn's `nan_euclidean`). Since `-(q - k)^2 / (2 h^2) = (2 q k - k^2 - q^2) / (2 h^2)`, all this is one softmax memory of
/// the columns `k` and `k^2`.
///
/// # References
/// J. K. Dixon, *Pattern recognition with partly missing data*, IEEE Transactions on Systems, Man, and Cybernetics 9 (1979).
///
/// ```
/// use locality::{Rows, Watch, hopfield::HopfieldImputer};
/// let nan = f64::NAN;
/// let x = [0.0, 1.0, 0.1, 1.1, 5.0, 9.0, 5.1, nan];
/// let fit = HopfieldImputer::new().bandwidth(0.1).fit(Rows::new(&x, 4, 2)?, &Watch::default())?;
/// let filled = fit.transform(Rows::new(&x, 4, 2)?, &Watch::default())?;
/// assert!((filled[7] - 9.0).abs() < 1e-6);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HopfieldImputer {
    bandwidth: Option<f64>,
    max_iter: usize,
    seed: u64,
    standardize: bool,
}

/// The rows that a [`HopfieldImputer`] recalls from.
#[derive(Clone, Debug)]
pub struct HopfieldImputerFit {
    parameters: HopfieldImputer,
    bandwidth: f64,
    means: Vec<f64>,
    scales: Vec<f64>,
    memory: LocalMeanFit<f64>,
}

/// Bandwidths that are tried, over the square root of the number of columns.
const TRIED: [f64; 10] = [0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0];
/// One cell out of so many is hidden to choose the bandwidth, in so many rows at most.
const HIDDEN: f64 = 0.1;
const JUDGED: usize = 512;

impl Default for HopfieldImputer {
    fn default() -> Self {
        Self::new()
    }
}

impl HopfieldImputer {
    /// A bandwidth chosen from the data, one step, seed 0.
    pub fn new() -> Self {
        Self {
            bandwidth: None,
            max_iter: 1,
            seed: 0,
            standardize: true,
        }
    }

    /// Whether each column is divided by its own standard deviation (the default), or all by the root of their mean variance: for columns
    /// of one unit, of which those that hardly vary should count little.
    #[must_use]
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.standardize = standardize;
        self
    }

    /// The bandwidth of the Gaussian of the distance over all columns, in standard deviations (of a column, or of all). `None` (the default) hides a tenth of the known cells and takes the
    /// one of ten that fills them with the least squared error.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// Number of steps, at least 1 (the default). Steps after the first weigh by the filled cells, too, so that a row goes on to one pattern.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Which cells are hidden to choose the bandwidth.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Stores rows `[n, d]`, where NaN is a missing cell. A column without any known cell is filled with 0.
    ///
    /// # Errors
    /// No rows; infinite numbers, by row and column; a bandwidth that is not positive; no steps; an interruption.
    pub fn fit<T: Float>(
        &self,
        rows: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<HopfieldImputerFit> {
        if let Some(h) = self.bandwidth
            && !(h.is_finite() && h > 0.0)
        {
            return Err(Error::parameter(format!(
                "bandwidth={h} must be a positive finite number"
            )));
        }
        if self.max_iter == 0 {
            return Err(Error::parameter(
                "max_iter=0 must be at least 1: without a step nothing is filled",
            ));
        }
        let table = numbers(rows)?;
        if table.is_empty() {
            return Err(Error::empty(format!(
                "X has {} rows and {} columns; at least one of each is needed",
                rows.rows(),
                rows.columns()
            )));
        }
        let h = match self.bandwidth {
            Some(h) => h,
            None => self.choose(&table, rows.columns(), watch)?,
        };
        HopfieldImputerFit::new(self, &table, rows.columns(), h, watch)
    }

    /// The bandwidth that fills hidden cells best.
    fn choose(&self, table: &[f64], d: usize, watch: &Watch<'_>) -> Result<f64> {
        let mut random = Random::new(self.seed, 0);
        let mut masked = table.to_vec();
        let mut hidden = Vec::new();
        for (at, x) in masked.iter_mut().enumerate() {
            let draw = random.uniform();
            if draw < HIDDEN && !x.is_nan() {
                *x = f64::NAN;
                hidden.push(at);
            }
        }
        // Rows with hidden cells, and of these evenly spread ones.
        let mut judged: Vec<usize> = hidden.iter().map(|at| at / d).collect();
        judged.dedup();
        let step = judged.len().div_ceil(JUDGED).max(1);
        let judged: Vec<usize> = judged.into_iter().step_by(step).collect();
        let asked: Vec<f64> = judged
            .iter()
            .flat_map(|&i| &masked[i * d..][..d])
            .copied()
            .collect();
        let mut best = (f64::INFINITY, TRIED[5] * (d as f64).sqrt());
        for share in TRIED {
            let h = share * (d as f64).sqrt();
            let fit = HopfieldImputerFit::new(self, &masked, d, h, &watch.quiet())?;
            let filled = fit.fill(&asked, &watch.quiet())?;
            let mut error = 0.0;
            for (row, &i) in filled.chunks_exact(d).zip(&judged) {
                for (j, x) in row.iter().enumerate() {
                    let (true_one, seen) = (table[i * d + j], masked[i * d + j]);
                    if seen.is_nan() && !true_one.is_nan() {
                        error += ((x - true_one) / fit.scales[j]).powi(2);
                    }
                }
            }
            if error < best.0 {
                best = (error, h);
            }
        }
        Ok(best.1)
    }
}

impl HopfieldImputerFit {
    fn new(
        parameters: &HopfieldImputer,
        table: &[f64],
        d: usize,
        h: f64,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let Moments {
            means,
            spreads,
            mut scales,
        } = moments(table, d);
        if !parameters.standardize {
            scales.fill(pooled(&spreads));
        }
        // What a missing cell's square is expected to be: nothing in a column that does not vary.
        let squares = spreads.iter().zip(&scales);
        let squares: Vec<f64> = squares.map(|(own, by)| (own / by).powi(2)).collect();
        let n = table.len() / d;
        let (mut keys, mut values) = (Vec::with_capacity(2 * n * d), Vec::with_capacity(2 * n * d));
        for row in table.chunks_exact(d) {
            let z = row.iter().zip(&means).zip(&scales);
            let z: Vec<f64> = z.map(|((x, m), s)| (x - m) / s).collect();
            // A missing cell has the column's mean, which is 0, and mean square.
            keys.extend(z.iter().map(|z| if z.is_nan() { 0.0 } else { *z }));
            let both = z.iter().zip(&squares);
            keys.extend(both.map(|(z, own)| if z.is_nan() { *own } else { z * z }));
            values.extend(z.iter().map(|z| if z.is_nan() { 0.0 } else { *z }));
            values.extend(z.iter().map(|z| f64::from(!z.is_nan())));
        }
        let softmax = Profile::from_name("softmax", &[("beta", 0.5 / (h * h))])?;
        let memory = LocalMean::new(Kernel::Atom(Atom::new(softmax))).on_empty(OnEmpty::Nan);
        Ok(Self {
            parameters: parameters.clone(),
            bandwidth: h,
            means,
            scales,
            memory: memory.fit_watched(
                Rows::new(&keys, n, 2 * d)?,
                Rows::new(&values, n, 2 * d)?,
                None,
                watch,
            )?,
        })
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &HopfieldImputer {
        &self.parameters
    }

    /// The bandwidth in force, in standard deviations of a column.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The means of the known cells of each column, `[d]`.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Rows `[m, d]` with their missing cells (NaN) filled; known cells as they are. A row without known cells gets the columns' means.
    ///
    /// # Errors
    /// Another number of columns, infinite numbers, an interruption.
    pub fn transform<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        if rows.columns() != self.means.len() {
            return Err(Error::shape(format!(
                "X has {} columns, but the imputer was fitted with {}; they must be the same columns",
                rows.columns(),
                self.means.len()
            )));
        }
        let filled = self.fill(&numbers(rows)?, watch)?;
        let given = rows.iter().flatten();
        let cells = given.zip(filled).map(|(&x, filled)| {
            if x.to_f64().is_nan() {
                T::from_f64(filled)
            } else {
                x
            }
        });
        Ok(cells.collect())
    }

    fn fill(&self, table: &[f64], watch: &Watch<'_>) -> Result<Vec<f64>> {
        let d = self.means.len();
        let (m, missing) = (table.len() / d, table.iter().map(|x| x.is_nan()));
        let missing: Vec<bool> = missing.collect();
        let column = |at: usize| at % d;
        let mut z: Vec<f64> = table
            .iter()
            .enumerate()
            .map(|(at, x)| (x - self.means[column(at)]) / self.scales[column(at)])
            .collect();
        for _ in 0..self.parameters.max_iter {
            let mut queries = Vec::with_capacity(2 * m * d);
            for row in z.chunks_exact(d) {
                // The distance over the known cells, scaled to all columns.
                let known = row.iter().filter(|z| !z.is_nan()).count().max(1);
                let scale = d as f64 / known as f64;
                let cell = |z: &f64, by: f64| if z.is_nan() { 0.0 } else { by * scale };
                queries.extend(row.iter().map(|z| cell(z, 2.0 * z)));
                queries.extend(row.iter().map(|z| cell(z, -1.0)));
            }
            let means = self.memory.at(Rows::new(&queries, m, 2 * d)?, watch)?.means;
            for (i, row) in means.chunks_exact(2 * d).enumerate() {
                for j in (0..d).filter(|j| missing[i * d + j]) {
                    // Where no row of any weight knows the cell, the column's mean.
                    let (sum, weight) = (row[j], row[d + j]);
                    z[i * d + j] = if weight > 0.0 { sum / weight } else { 0.0 };
                }
            }
        }
        let cells = z.iter().enumerate();
        Ok(cells
            .map(|(at, z)| self.means[column(at)] + self.scales[column(at)] * z)
            .collect())
    }
}

/// The rows as double precision, where NaN may be.
fn numbers<T: Float>(rows: Rows<'_, T>) -> Result<Vec<f64>> {
    let mut out = Vec::with_capacity(rows.rows() * rows.columns());
    for (i, row) in rows.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            let x = x.to_f64();
            if x.is_infinite() {
                return Err(Error::not_finite(format!(
                    "X has {x} in row {i}, column {j} (counted from 0); only NaN is a missing cell: replace infinite numbers first"
                )));
            }
            out.push(x);
        }
    }
    Ok(out)
}

/// What is known of the columns, `[d]` each.
struct Moments {
    /// Means of the known cells; 0 without any.
    means: Vec<f64>,
    /// Their standard deviations; 0 where they are below rounding, or without any cells.
    spreads: Vec<f64>,
    /// What a column is divided by on its own: its deviation, or what stands in for one.
    scales: Vec<f64>,
}

/// The root of the mean variance; 1 where no column varies.
fn pooled(spreads: &[f64]) -> f64 {
    let largest = spreads.iter().fold(0.0, |a: f64, s| a.max(*s));
    if largest == 0.0 {
        return 1.0;
    }
    // Squares of numbers near the end of the range would overflow.
    let squares = spreads.iter().map(|s| (s / largest).powi(2));
    largest * (squares.sum::<f64>() / spreads.len() as f64).sqrt()
}

fn moments(table: &[f64], d: usize) -> Moments {
    let (mut means, mut spreads, mut scales) = (vec![0.0; d], vec![0.0; d], vec![1.0; d]);
    for j in 0..d {
        let known = || table.iter().skip(j).step_by(d).filter(|x| !x.is_nan());
        let count = known().count() as f64;
        if count == 0.0 {
            continue;
        }
        // Numbers near the end of the range would overflow as they are.
        let largest = known().fold(0.0, |a: f64, x| a.max(x.abs()));
        if largest == 0.0 {
            continue;
        }
        let mean = known().map(|x| x / largest).sum::<f64>() / count;
        let square = known().map(|x| (x / largest - mean).powi(2)).sum::<f64>() / count;
        means[j] = mean * largest;
        if square.sqrt() > 1e-12 {
            spreads[j] = square.sqrt() * largest;
            scales[j] = spreads[j];
        } else {
            scales[j] = largest;
            // The mean of equal numbers may be off by a rounding, which is much beside what other columns vary by.
            let first = known().next().copied().unwrap_or(0.0);
            if known().all(|x| *x == first) {
                means[j] = first;
            }
        }
    }
    Moments {
        means,
        spreads,
        scales,
    }
}

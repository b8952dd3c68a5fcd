//! Fuzzy c-means.

use crate::random::Random;
use crate::{Error, Float, Result, Rows, Watch, par};

/// Rows of a block.
const BLOCK: usize = 1024;

/// The parameters of fuzzy c-means: centres, and a membership of each sample in each cluster, that minimise
/// `sum_ij u_ij^m |x_i - c_j|^2` with memberships that sum to one.
///
/// ```
/// use locality::{Rows, Watch, fuzzy::FuzzyCMeans};
/// let x = [0.0, 0.1, 0.2, 9.8, 9.9, 10.0];
/// let fit = FuzzyCMeans::new(2).fit(Rows::column(&x), &Watch::default())?;
/// let mut centers = fit.centers().to_vec();
/// centers.sort_by(f64::total_cmp);
/// assert!((centers[0] - 0.1).abs() < 0.01 && (centers[1] - 9.9).abs() < 0.01);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Source: J. C. Bezdek, *Pattern Recognition with Fuzzy Objective Function Algorithms* (1981).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FuzzyCMeans {
    clusters: usize,
    fuzziness: f64,
    max_iter: usize,
    tol: f64,
    seed: u64,
}

/// Fitted fuzzy c-means.
#[derive(Clone, Debug, PartialEq)]
pub struct FuzzyCMeansFit {
    centers: Vec<f64>,
    columns: usize,
    fuzziness: f64,
    memberships: Vec<f64>,
    objective: f64,
    iterations: usize,
    converged: bool,
}

/// Sums of a block: of `u^m x` and `u^m` for each cluster, and the objective.
struct Sums {
    tops: Vec<f64>,
    weights: Vec<f64>,
    objective: f64,
}

impl FuzzyCMeans {
    /// So many clusters; fuzziness 2, at most 300 iterations, tolerance 1e-6, seed 0.
    pub fn new(clusters: usize) -> Self {
        Self {
            clusters,
            fuzziness: 2.0,
            max_iter: 300,
            tol: 1e-6,
            seed: 0,
        }
    }

    /// The exponent `m`, above 1: the larger, the softer.
    #[must_use]
    pub fn fuzziness(mut self, m: f64) -> Self {
        self.fuzziness = m;
        self
    }

    /// Most iterations.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// It ends once no centre moves further than this share of the samples' spread.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Seed of the first centres, which are drawn as those of k-means++.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Fits to samples `[n, d]`.
    ///
    /// # Errors
    /// No samples, NaN or infinite numbers, no clusters or more than samples, `m` not above 1, a negative tolerance, or an interruption.
    pub fn fit<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<FuzzyCMeansFit> {
        self.fit_weighted(samples, None, watch)
    }

    /// The same under sample weights `[n]`: a weight of 2 counts as the row twice.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); weights of another number, that are negative or not finite, or all 0.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<FuzzyCMeansFit> {
        samples.require_finite("samples")?;
        let weights = weights_of(sample_weights, samples.rows())?;
        if self.clusters == 0 || self.clusters > samples.rows() {
            return Err(Error::parameter(format!(
                "n_clusters={} must lie between 1 and the number of samples, n_samples = {}",
                self.clusters,
                samples.rows()
            )));
        }
        check_fuzziness(self.fuzziness)?;
        if self.tol < 0.0 || self.tol.is_nan() {
            return Err(Error::parameter(format!(
                "tol={} must not be negative",
                self.tol
            )));
        }
        let data: Vec<f64> = samples.iter().flatten().map(|x| x.to_f64()).collect();
        let rows = Rows::new(&data, samples.rows(), samples.columns())?;
        let mut fit = FuzzyCMeansFit {
            centers: self.start(rows, &weights),
            columns: rows.columns(),
            fuzziness: self.fuzziness,
            memberships: Vec::new(),
            objective: f64::INFINITY,
            iterations: 0,
            converged: false,
        };
        self.iterate(rows, &weights, &mut fit, watch)?;
        fit.memberships = fit.at(rows, watch)?;
        Ok(fit)
    }

    fn iterate(
        &self,
        rows: Rows<'_, f64>,
        weights: &[f64],
        fit: &mut FuzzyCMeansFit,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let (n, d) = (rows.rows(), rows.columns());
        let total: f64 = weights.iter().sum();
        let spread = (0..d).map(|j| {
            let each = || rows.iter().zip(weights);
            let mean = each().map(|(r, w)| w * r[j]).sum::<f64>() / total;
            let squares = each().map(|(r, w)| w * (r[j] - mean) * (r[j] - mean));
            squares.sum::<f64>() / total
        });
        let limit = self.tol * spread.sum::<f64>().sqrt();
        while fit.iterations < self.max_iter && !fit.converged {
            let blocks = par::map_blocks(&watch.quiet(), n, BLOCK, |range| {
                Ok(fit.sums(rows.slice(range.clone()), &weights[range]))
            })?;
            watch.report(fit.iterations, self.max_iter);
            let mut moved = 0.0_f64;
            fit.objective = blocks.iter().map(|b| b.objective).sum();
            for c in 0..self.clusters {
                let weight: f64 = blocks.iter().map(|b| b.weights[c]).sum();
                if weight <= 0.0 {
                    continue;
                }
                for j in 0..d {
                    let top: f64 = blocks.iter().map(|b| b.tops[c * d + j]).sum();
                    let old = std::mem::replace(&mut fit.centers[c * d + j], top / weight);
                    moved = moved.max((fit.centers[c * d + j] - old).abs());
                }
            }
            fit.iterations += 1;
            fit.converged = moved <= limit;
        }
        Ok(())
    }

    /// First centres: samples, each drawn by its weight and its squared distance from those before.
    fn start(&self, rows: Rows<'_, f64>, weights: &[f64]) -> Vec<f64> {
        let mut random = Random::new(self.seed, 0);
        let mut draw = |heights: &[f64]| {
            let mut left = random.uniform() * heights.iter().sum::<f64>();
            heights.iter().position(|height| {
                left -= height;
                left < 0.0
            })
        };
        let last = rows.rows() - 1;
        let mut centers = rows.row(draw(weights).unwrap_or(last)).to_vec();
        let mut near = vec![f64::INFINITY; rows.rows()];
        while centers.len() < self.clusters * rows.columns() {
            let newest = &centers[centers.len() - rows.columns()..];
            for (near, row) in near.iter_mut().zip(rows.iter()) {
                *near = near.min(square(row, newest));
            }
            let far: Vec<f64> = near.iter().zip(weights).map(|(d, w)| d * w).collect();
            let pick = draw(&far).or_else(|| draw(weights)).unwrap_or(last);
            centers.extend_from_slice(rows.row(pick));
        }
        centers
    }
}

fn check_fuzziness(m: f64) -> Result<()> {
    if m > 1.0 && m.is_finite() {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "m={m} must be a finite number above 1; 2 is usual"
    )))
}

/// Weights `[n]` in double precision; ones where there are none.
pub(super) fn weights_of<T: Float>(weights: Option<&[T]>, n: usize) -> Result<Vec<f64>> {
    let Some(weights) = weights else {
        return Ok(vec![1.0; n]);
    };
    if weights.len() != n {
        return Err(Error::shape(format!(
            "there are {} sample weights for {n} samples; give one for each",
            weights.len()
        )));
    }
    let weights: Vec<f64> = weights.iter().map(|w| w.to_f64()).collect();
    let wrong = |w: &f64| !(*w >= 0.0 && w.is_finite());
    if let Some(row) = weights.iter().position(wrong) {
        return Err(Error::parameter(format!(
            "sample_weights has {} in row {row}; weights are finite and not negative",
            weights[row]
        )));
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        return Err(Error::parameter(
            "sample_weights are all 0; give some rows a weight above 0",
        ));
    }
    Ok(weights)
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

impl FuzzyCMeansFit {
    /// Clusters around centres `[clusters, d]` that are known already, with fuzziness `m`.
    ///
    /// # Errors
    /// No centres, NaN or infinite numbers, or `m` not above 1.
    pub fn of_centers(centers: Rows<'_, f64>, m: f64) -> Result<Self> {
        centers.require_finite("centers")?;
        check_fuzziness(m)?;
        Ok(Self {
            centers: centers.to_vec(),
            columns: centers.columns(),
            fuzziness: m,
            memberships: Vec::new(),
            objective: f64::NAN,
            iterations: 0,
            converged: true,
        })
    }

    /// Centres, `[clusters, d]`.
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.centers.len() / self.columns
    }

    /// Memberships of the samples, `[n, clusters]`; each row sums to one.
    pub fn memberships(&self) -> &[f64] {
        &self.memberships
    }

    /// The objective at the last centres but one.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// Iterations done.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Whether the centres came to rest.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Bezdek's partition coefficient, the mean of `sum_j u_ij^2`: 1 for hard clusters, one over their number for none at all.
    pub fn partition_coefficient(&self) -> f64 {
        let n = self.memberships.len() / self.n_clusters();
        self.memberships.iter().map(|u| u * u).sum::<f64>() / n as f64
    }

    /// Memberships of new rows `[m, d]`, `[m, clusters]`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, or an interruption.
    pub fn at<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "the rows have {} columns, but the clusters {}; give the same columns",
                rows.columns(),
                self.columns
            )));
        }
        rows.require_finite("rows")?;
        let c = self.n_clusters();
        let blocks = par::map_blocks(watch, rows.rows(), BLOCK, |range| {
            let mut out = vec![0.0; range.len() * c];
            let mut row = vec![0.0; self.columns];
            for (to, from) in out.chunks_exact_mut(c).zip(rows.slice(range).iter()) {
                for (x, from) in row.iter_mut().zip(from) {
                    *x = from.to_f64();
                }
                self.row(&row, to);
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }

    /// Memberships of a row; its objective.
    fn row(&self, row: &[f64], out: &mut [f64]) -> f64 {
        for (u, center) in out.iter_mut().zip(self.centers.chunks_exact(self.columns)) {
            *u = square(row, center);
        }
        let least = out.iter().fold(f64::INFINITY, |a, b| a.min(*b));
        if least == 0.0 {
            let all = out.iter().filter(|u| **u == 0.0).count() as f64;
            for u in out.iter_mut() {
                *u = if *u == 0.0 { 1.0 / all } else { 0.0 };
            }
            return 0.0;
        }
        // Relative to the nearest, so that powers neither overflow nor vanish.
        let power = 1.0 / (self.fuzziness - 1.0);
        let relative = |u: f64| {
            if power == 1.0 {
                least / u
            } else {
                (least / u).powf(power)
            }
        };
        let sum: f64 = out.iter().map(|u| relative(*u)).sum();
        let mut objective = 0.0;
        for u in out.iter_mut() {
            let share = relative(*u) / sum;
            objective += share.powf(self.fuzziness) * *u;
            *u = share;
        }
        objective
    }

    fn sums(&self, rows: Rows<'_, f64>, weights: &[f64]) -> Sums {
        let (c, d) = (self.n_clusters(), self.columns);
        let mut out = Sums {
            tops: vec![0.0; c * d],
            weights: vec![0.0; c],
            objective: 0.0,
        };
        let mut u = vec![0.0; c];
        for (row, weight) in rows.iter().zip(weights) {
            out.objective += weight * self.row(row, &mut u);
            for (k, u) in u.iter().enumerate() {
                let w = weight
                    * if self.fuzziness == 2.0 {
                        u * u
                    } else {
                        u.powf(self.fuzziness)
                    };
                out.weights[k] += w;
                for (top, x) in out.tops[k * d..][..d].iter_mut().zip(row) {
                    *top += w * x;
                }
            }
        }
        out
    }
}

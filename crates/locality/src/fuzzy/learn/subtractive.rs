//! Subtractive clustering: the densest samples become centres, one after the other.

use super::cmeans::weights_of;
use crate::{Error, Float, Kernel, LocalMean, Result, Rows, Watch};

/// The parameters of subtractive clustering. Columns count as they are: scale them to `[0, 1]` first where units differ.
///
/// ```
/// use locality::{Rows, Watch, fuzzy::SubtractiveClustering};
/// let x = [0.0, 0.05, 0.1, 0.9, 0.95, 1.0];
/// let centers = SubtractiveClustering::new(0.5).fit(Rows::column(&x), &Watch::default())?;
/// assert_eq!(centers, [1, 4]);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Source: S. L. Chiu, *Fuzzy model identification based on cluster estimation*, Journal of Intelligent and Fuzzy Systems 2 (1994).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubtractiveClustering {
    radius: f64,
    squash: f64,
    accept: f64,
    reject: f64,
}

/// A cluster takes away from its surroundings; more centres than this are no rules.
const MOST: usize = 1000;

impl SubtractiveClustering {
    /// With a radius of influence, a squash factor of 1.25, and centres accepted from half of the first one's potential on, rejected
    /// below 0.15 of it.
    pub fn new(radius: f64) -> Self {
        Self {
            radius,
            squash: 1.25,
            accept: 0.5,
            reject: 0.15,
        }
    }

    /// How far beyond the radius a centre takes away potential; 1.25 by default.
    #[must_use]
    pub fn squash(mut self, squash: f64) -> Self {
        self.squash = squash;
        self
    }

    /// Shares of the first potential from which a centre is accepted, and below which the search ends; between them it must also lie
    /// far enough from the others.
    #[must_use]
    pub fn thresholds(mut self, accept: f64, reject: f64) -> Self {
        (self.accept, self.reject) = (accept, reject);
        self
    }

    /// The samples `[n, d]` that are centres, by number, the densest first.
    ///
    /// # Errors
    /// No samples, NaN or infinite numbers, a radius or squash factor that is not positive, thresholds outside `0 <= reject <= accept <= 1`,
    /// or an interruption.
    pub fn fit<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<usize>> {
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
    ) -> Result<Vec<usize>> {
        let weights = weights_of(sample_weights, samples.rows())?;
        samples.require_finite("samples")?;
        for (name, x) in [("radius", self.radius), ("squash", self.squash)] {
            if !(x > 0.0 && x.is_finite()) {
                return Err(Error::parameter(format!(
                    "{name}={x} must be a positive finite number"
                )));
            }
        }
        if !(0.0 <= self.reject && self.reject <= self.accept && self.accept <= 1.0) {
            return Err(Error::parameter(format!(
                "reject={} and accept={} must rise within [0, 1]",
                self.reject, self.accept
            )));
        }
        let data: Vec<f64> = samples.iter().flatten().map(|x| x.to_f64()).collect();
        let rows = Rows::new(&data, samples.rows(), samples.columns())?;
        self.search(rows, &weights, watch)
    }

    fn search(
        &self,
        rows: Rows<'_, f64>,
        weights: &[f64],
        watch: &Watch<'_>,
    ) -> Result<Vec<usize>> {
        // exp(-4 d^2 / r^2) is a Gaussian of this bandwidth, and the potential the normaliser of its local mean.
        let kernel = Kernel::gaussian(self.radius / 8.0_f64.sqrt());
        let values = Rows::column(weights);
        let fit = LocalMean::new(kernel).fit_watched(rows, values, Some(weights), watch)?;
        let mut potential = fit.at(rows, watch)?.log_normalizer;
        for p in &mut potential {
            *p = p.exp();
        }
        let beyond = self.radius * self.squash;
        let first = potential.iter().fold(0.0, |a: f64, b| a.max(*b));
        let mut centers: Vec<usize> = Vec::new();
        let square = |i: usize, j: usize| -> f64 {
            let pairs = rows.row(i).iter().zip(rows.row(j));
            pairs.map(|(a, b)| (a - b) * (a - b)).sum()
        };
        while centers.len() < MOST {
            watch.check()?;
            // The first of the highest, so that the order of samples decides ties.
            let best = (1..potential.len())
                .fold(0, |b, i| if potential[i] > potential[b] { i } else { b });
            let share = potential[best] / first;
            if share <= self.reject {
                break;
            }
            let nearest = centers
                .iter()
                .map(|&c| square(best, c))
                .fold(f64::INFINITY, f64::min);
            let far = nearest.sqrt() / self.radius;
            if share <= self.accept && far + share < 1.0 {
                potential[best] = 0.0;
                continue;
            }
            let height = potential[best];
            for (i, p) in potential.iter_mut().enumerate() {
                *p -= height * (-4.0 * square(i, best) / (beyond * beyond)).exp();
            }
            centers.push(best);
        }
        Ok(centers)
    }
}

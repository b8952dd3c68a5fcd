//! The samples behind a prediction.

use super::regression::LocalRegressionFit;
use crate::{LocalMeanFit, Result, Rows, Watch};

/// The samples that weigh most at `m` targets.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Their indices, heaviest first, `[m, k]`; none where fewer weigh anything.
    pub samples: Vec<Option<usize>>,
    /// Their shares of all weight at the target, `[m, k]`.
    pub weights: Vec<f64>,
}

impl LocalRegressionFit {
    /// The `k` samples that weigh most at each of targets `[m, d]`, ties in index order.
    ///
    /// # Errors
    /// As [`at`](Self::at), but an empty region is no error.
    pub fn explain(
        &self,
        targets: Rows<'_, f64>,
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Explanation> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        Explanation::of(self.polynomial().local_means(), rows, k, watch)
    }
}

impl Explanation {
    /// The `k` keys of a local mean that weigh most at each of queries `[m, d]`, ties in index order.
    ///
    /// ```
    /// use locality::{LocalMean, Rows, Watch, local::Explanation};
    /// let keys = [0.0, 1.0, 3.0];
    /// let fit = LocalMean::new("triangular(h=2)".parse()?).fit(Rows::column(&keys), Rows::column(&keys))?;
    /// let behind = Explanation::of(&fit, Rows::column(&[1.0]), 3, &Watch::default())?;
    /// assert_eq!(behind.samples, [Some(1), Some(0), None]);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// Queries with another number of columns or with NaN or infinite numbers, or an interruption.
    pub fn of(
        means: &LocalMeanFit<f64>,
        rows: Rows<'_, f64>,
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let order = means.order();
        let each = means.local_samples(rows, watch, |_, sample| {
            let mut found: Vec<(usize, f64)> = Vec::new();
            for (run, weights) in sample.iter() {
                let keys = &order[run.start.min(order.len())..];
                let some = keys.iter().zip(weights).filter(|(_, w)| **w > 0.0);
                found.extend(some.map(|(&key, &w)| (key as usize, w)));
            }
            let total: f64 = found.iter().map(|f| f.1).sum();
            let before =
                |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
            if found.len() > k && k > 0 {
                found.select_nth_unstable_by(k - 1, before);
            }
            found.truncate(k);
            found.sort_by(before);
            for (_, w) in &mut found {
                *w /= total;
            }
            Ok(found)
        })?;
        let mut out = Self {
            samples: Vec::with_capacity(rows.rows() * k),
            weights: Vec::with_capacity(rows.rows() * k),
        };
        for found in each {
            let missing = k - found.len();
            out.samples.extend(found.iter().map(|f| Some(f.0)));
            out.weights.extend(found.iter().map(|f| f.1));
            out.samples.extend(std::iter::repeat_n(None, missing));
            out.weights.extend(std::iter::repeat_n(0.0, missing));
        }
        Ok(out)
    }
}

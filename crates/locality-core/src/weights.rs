//! The weights themselves, for those who want to see which keys made a mean.

use crate::engine::reference::log_weights;
use crate::{Bias, Error, Float, LocalMeanFit, Result, Rows, Watch, par};

impl<T: Float> LocalMeanFit<T> {
    /// The weights of all keys at some queries `[m, d]`: `[m, n]`, each row summing up to one (to what the
    /// [`null_weight`](crate::LocalMean::null_weight) leaves, if there is one), so that their product with the values is the mean: an
    /// attention map, or the samples behind a prediction. A row of zeros is an empty region. Under neighbourhoods that count queries
    /// (causal, window, hollow) row `i` is query `i`.
    ///
    /// One row of `n` numbers for each query, by plain loops: meant for chosen queries.
    ///
    /// ```
    /// use locality_core::{Kernel, LocalMean, Rows, Watch};
    /// let (keys, values) = ([0.0, 1.0, 3.0], [0.0, 1.0, 9.0]);
    /// let fit = LocalMean::new("triangular(h=2)".parse()?).fit(Rows::column(&keys), Rows::column(&values))?;
    /// let weights = fit.weights(Rows::column(&[1.0]), &Watch::default())?;
    /// // 1/2 and 1 at distances of 1 and 0, and nothing at 2.
    /// let expected = [1.0 / 3.0, 2.0 / 3.0, 0.0];
    /// assert!(weights.iter().zip(expected).all(|(a, b): (&f64, _)| (a - b).abs() < 1e-12));
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`at`](Self::at), but an empty region is no error; more weights than fit into memory.
    pub fn weights(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.weights_with(queries, None, watch)
    }

    /// The same with or without biases.
    pub(crate) fn weights_with(
        &self,
        queries: Rows<'_, T>,
        bias: Option<Bias<'_, T>>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        self.check(queries)?;
        let (m, n) = (queries.rows(), self.prepared.sites.rows);
        if let Some(bias) = bias {
            bias.check(m, n, watch)?;
        }
        let mut out: Vec<T> = Vec::new();
        let room = m.checked_mul(n).map(|all| out.try_reserve_exact(all));
        if !matches!(room, Some(Ok(()))) {
            return Err(Error::unsupported(format!(
                "{m} queries and {n} keys have more weights than fit into memory; ask for fewer queries at a time"
            )));
        }
        let rows = par::map_blocks(watch, m, 1, |range| {
            let index = range.start;
            let logs = log_weights(&self.prepared, queries.slice(range), index, bias);
            let null = self.parameters.null().ln();
            let top = logs.iter().fold(null, |a, &b| a.max(b));
            if top == f64::NEG_INFINITY {
                return Ok(vec![T::ZERO; n]);
            }
            let parts: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
            let total = parts.iter().sum::<f64>() + (null - top).exp();
            Ok(parts.iter().map(|w| T::from_f64(w / total)).collect())
        })?;
        for row in rows {
            out.extend(row);
        }
        Ok(out)
    }
}

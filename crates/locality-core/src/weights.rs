//! The weights themselves, for those who want to see which keys made a mean.

use std::sync::{Mutex, PoisonError};

use crate::engine::reference::log_weights;
use crate::{Bias, Error, Float, LocalMeanFit, Result, Rows, Watch, par};

impl<T: Float> LocalMeanFit<T> {
    /// The weights of all keys at some queries `[m, d]`: `[m, n]`, each row summing up to one (to what the
    /// [`null_weight`](crate::LocalMean::null_weight) leaves, if there is one), so that their product with the values is the mean: an
    /// attention map, or the samples behind a prediction. A row of zeros is an empty region. Under neighbourhoods that count queries
    /// (causal, window, hollow) row `i` is query `i`.
    ///
    /// One row of `n` numbers for each query: meant for chosen queries. Keys whose weights are together below 1e-16 of the largest may
    /// have none.
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
        if bias.is_none() {
            out.resize(m * n, T::ZERO);
            self.scatter(queries, &mut out, watch)?;
            return Ok(out);
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
    /// Draws the samples of the queries and writes their weights where their keys are.
    fn scatter(&self, queries: Rows<'_, T>, out: &mut [T], watch: &Watch<'_>) -> Result<()> {
        let (n, order) = (self.prepared.sites.rows, self.order());
        let null = self.parameters.null();
        let rows: Vec<Mutex<&mut [T]>> = out.chunks_exact_mut(n).map(Mutex::new).collect();
        self.local_samples(queries, watch, |i, sample| {
            let sum: f64 = sample.weights().iter().map(|w| w.to_f64()).sum();
            let beside = if null > 0.0 {
                null * (-sample.log_scale()).exp()
            } else {
                0.0
            };
            if sum > 0.0 {
                let mut row = rows[i].lock().unwrap_or_else(PoisonError::into_inner);
                for (run, weights) in sample.iter() {
                    for (slot, w) in run.zip(weights).filter(|(_, w)| **w > T::ZERO) {
                        row[order[slot] as usize] = T::from_f64(w.to_f64() / (sum + beside));
                    }
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

//! Derivatives of the local mean, for those who learn through it.

use crate::engine::gradient::{self, Flows, PulledBack};
use crate::{Bias, Error, Float, LocalMeanFit, LocalMeans, OnEmpty, Result, Rows, Watch};

/// Derivatives of a number `L` by everything that a local mean is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<T> {
    /// By the queries, `[m, d]`.
    pub queries: Vec<T>,
    /// By the keys, `[n, d]`.
    pub keys: Vec<T>,
    /// By the values, `[n, p]`.
    pub values: Vec<T>,
    /// By the sample weights, `[n]`. Infinite (or NaN, where several cancel) at keys of hardly any weight beside which all that count lie so far
    /// away that the derivative is beyond the number type.
    pub sample_weights: Vec<T>,
    /// By the kernel's numbers, in the order of [`Kernel::parameters`](crate::Kernel::parameters).
    pub kernel: Vec<f64>,
    /// By the [biases](crate::Bias), in their shape: `[m, n]`, `[m + n - 1]` or `[n]`, and `[m + n - 1 + n]` for those by relative position
    /// and of the keys; empty without any, and where they are [constant](crate::Biased::constant).
    pub bias: Vec<T>,
    /// By the [`null_weight`](crate::LocalMean::null_weight); 0 where there is none.
    pub null_weight: f64,
}

impl<T: Float> LocalMeanFit<T> {
    /// Pulls derivatives of a number `L` by the means `[m, p]` and, where it depends on them, by the log normalisers `[m]` back to
    /// queries, keys, values, sample weights and the kernel's numbers: the vector-Jacobian product of the local mean. `keys` are
    /// those of the fit and `at` is what [`at`](Self::at) returned for `queries`. Weights are computed anew, so that
    /// memory is linear in the data. The same bits for any number of threads.
    ///
    /// Which keys a neighbourhood lets a query see is taken as fixed. A bandwidth by neighbours (`knn=`) is not: it is the
    /// distance to a key. Where a derivative does not exist (an edge, a kink, a distance of 0) it is 0. Under a
    /// [`tolerance`](crate::LocalMean::tolerance) keys that together hold less than that share of the weight are left out.
    ///
    /// ```
    /// use locality_core::{Kernel, LocalMean, Rows, Watch};
    /// let (keys, values, watch) = ([0.0, 1.0], [0.0, 1.0], Watch::default());
    /// let fit = LocalMean::new(Kernel::gaussian(1.0)).fit(Rows::column(&keys), Rows::column(&values))?;
    /// let queries = Rows::column(&[0.5]);
    /// let at = fit.at(queries, &watch)?;
    /// let back = fit.pull_back(queries, Rows::column(&keys), &at, Rows::column(&[1.0]), None, &watch)?;
    /// // The mean is a logistic curve in the query, of slope 1/4 in the middle.
    /// assert!((back.queries[0] - 0.25_f64).abs() < 1e-12);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Shapes that do not fit, NaN or infinite numbers, derivatives beyond the number type's range but for those by sample weights, an
    /// interruption.
    pub fn pull_back(
        &self,
        queries: Rows<'_, T>,
        keys: Rows<'_, T>,
        at: &LocalMeans<T>,
        means: Rows<'_, T>,
        log_normalizer: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Gradients<T>> {
        let none = (None, false);
        self.pull_back_with(queries, keys, none, at, means, log_normalizer, watch)
    }

    /// The same with or without biases, to which derivatives are pulled back where they are `learned`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn pull_back_with(
        &self,
        queries: Rows<'_, T>,
        keys: Rows<'_, T>,
        (bias, learned): (Option<Bias<'_, T>>, bool),
        at: &LocalMeans<T>,
        means: Rows<'_, T>,
        log_normalizer: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Gradients<T>> {
        self.check(queries)?;
        if let Some(bias) = bias {
            bias.check(queries.rows(), self.prepared.sites.rows, watch)?;
        }
        let (m, n, p) = (
            queries.rows(),
            self.prepared.sites.rows,
            self.prepared.sites.values,
        );
        let shape = |what: &str, rows: usize, columns: usize, need: (usize, usize)| {
            if (rows, columns) == need {
                return Ok(());
            }
            Err(Error::shape(format!(
                "{what} has shape [{rows}, {columns}], but must have [{}, {}]",
                need.0, need.1
            )))
        };
        shape("keys", keys.rows(), keys.columns(), (n, self.columns()))?;
        shape("means", means.rows(), means.columns(), (m, p))?;
        shape("at.means", at.means.len(), 1, (m * p, 1))?;
        shape("at.log_normalizer", at.log_normalizer.len(), 1, (m, 1))?;
        if m > 0 && p > 0 {
            means.require_finite("means")?;
        }
        if let Some(log) = log_normalizer {
            shape("log_normalizer", log.len(), 1, (m, 1))?;
            if m > 0 {
                Rows::column(log).require_finite("log_normalizer")?;
            }
        }
        let flows = Flows {
            means,
            logs: log_normalizer,
            at: (&at.means, &at.log_normalizer),
            null_weight: self.parameters.null(),
        };
        let kernel = self.parameters.kernel();
        let p = &self.prepared;
        let mut back =
            gradient::pull_back(p, kernel, queries, keys, (bias, learned), &flows, watch)?;
        self.pull_empty(queries, bias, at, means, &mut back);
        // One by one, and every one: a loop that stops early is no vector code.
        let mut finite = back.kernel.iter().all(|x| T::from_f64(*x).is_finite());
        let mut narrow = |x: &[f64]| -> Vec<T> {
            let x: Vec<T> = x.iter().map(|&x| T::from_f64(x)).collect();
            finite &= x.iter().fold(true, |all, x| all & x.is_finite());
            x
        };
        let (queries, keys) = (narrow(&back.queries), narrow(&back.keys));
        let values = narrow(&back.values);
        let by_weight = back.sample_weights.iter();
        let sample_weights = by_weight.map(|x| T::from_f64(*x)).collect();
        finite &= back.bias.iter().fold(true, |all, x| all & x.is_finite());
        let null_weight = flows.by_null_weight();
        finite &= null_weight.is_finite();
        if !finite {
            return Err(Error::not_finite(format!(
                "a derivative is beyond the range of {}; scale the derivatives by the means down",
                T::NAME
            )));
        }
        Ok(Gradients {
            queries,
            keys,
            values,
            sample_weights,
            kernel: back.kernel,
            bias: back.bias,
            null_weight,
        })
    }

    /// Adds what means of empty regions pass back.
    fn pull_empty(
        &self,
        queries: Rows<'_, T>,
        bias: Option<Bias<'_, T>>,
        at: &LocalMeans<T>,
        means: Rows<'_, T>,
        back: &mut PulledBack<T>,
    ) {
        let sites = &self.prepared.sites;
        let p = sites.values;
        let empty = |i: &usize| at.log_normalizer[*i] == T::NEG_INFINITY;
        let empty: Vec<usize> = (0..queries.rows()).filter(empty).collect();
        if empty.is_empty() {
            return;
        }
        match self.parameters.policy() {
            OnEmpty::Nearest => {
                for &i in &empty {
                    let Some(key) = self.nearest_to(i, queries.row(i), bias) else {
                        continue;
                    };
                    let own = &mut back.values[key * p..][..p];
                    own.iter_mut()
                        .zip(means.row(i))
                        .for_each(|(o, g)| *o += g.to_f64());
                }
            }
            OnEmpty::Global => {
                let mut sum = vec![0.0; p];
                for &i in &empty {
                    sum.iter_mut()
                        .zip(means.row(i))
                        .for_each(|(s, g)| *s += g.to_f64());
                }
                let weight = |slot: usize| sites.weights.as_ref().map_or(1.0, |w| w[slot].to_f64());
                let total: f64 = (0..sites.rows).map(weight).sum();
                for (slot, &key) in sites.index.iter().enumerate() {
                    let key = key as usize;
                    let own = &mut back.values[key * p..][..p];
                    for (o, g) in own.iter_mut().zip(&sum) {
                        *o += g * weight(slot) / total;
                    }
                    let lean = sites.values_at(slot).zip(&self.global).zip(&sum);
                    let lean: f64 = lean.map(|((v, m), g)| (v.to_f64() - m) * g).sum();
                    back.sample_weights[key] += lean / total;
                }
            }
            OnEmpty::Error | OnEmpty::Nan => {}
        }
    }
}

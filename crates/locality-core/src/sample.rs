//! Local samples: the keys that weigh at a query, for models that are fitted to them.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::engine::prepared::Indices;
use crate::engine::sample::{Draw, Space};
use crate::{Error, Float, LocalMeanFit, Result, Rows, Watch, par};

/// Queries whose samples are drawn at once.
const BLOCK: usize = 8;

/// The keys that weigh at one query.
///
/// Keys are laid out in an order of their own, [`LocalMeanFit::order`]; places in that order are *slots*.
#[derive(Clone, Copy, Debug)]
pub struct LocalSample<'a, T> {
    runs: &'a [Range<usize>],
    weights: &'a [T],
    log_scale: f64,
}

impl<'a, T: Float> LocalSample<'a, T> {
    /// Runs of slots; past the last key there may be empty ones, of weight 0.
    pub fn runs(&self) -> &'a [Range<usize>] {
        self.runs
    }

    /// For each slot of the runs, one after the other, sample weight times kernel, in units of [`log_scale`](Self::log_scale); 0 for
    /// keys that the query does not see.
    pub fn weights(&self) -> &'a [T] {
        self.weights
    }

    /// Logarithm of the unit of the weights: the largest logarithm, or 0 for kernels that have none.
    pub fn log_scale(&self) -> f64 {
        self.log_scale
    }

    /// Each run of slots with its weights.
    pub fn iter(&self) -> impl Iterator<Item = (Range<usize>, &'a [T])> + use<'a, T> {
        let mut rest = self.weights;
        self.runs.iter().map(move |run| {
            let (weights, after) = rest.split_at(run.len());
            rest = after;
            (run.clone(), weights)
        })
    }
}

impl<T: Float> LocalMeanFit<T> {
    /// The key at each slot, `[n]`.
    pub fn order(&self) -> &[u32] {
        &self.prepared.sites.index
    }

    /// The slot of each key, `[n]`.
    pub fn slots(&self) -> &[u32] {
        &self.prepared.sites.slot
    }

    /// Calls `visit` with the number and the local sample of each query `[m, d]`, on the watched threads, and returns what it returns, in
    /// the order of the queries. Keys whose weights are together below 1e-16 of the largest weight may be missing. Memory is
    /// linear in the keys for each thread.
    ///
    /// ```
    /// use locality_core::{LocalMean, Rows, Watch};
    /// let keys = [0.0, 1.0, 3.0];
    /// let fit = LocalMean::new("triangular(h=2)".parse()?).fit(Rows::column(&keys), Rows::column(&keys))?;
    /// let sums: Vec<f64> = fit.local_samples(Rows::column(&[1.0]), &Watch::default(), |_, sample| {
    ///     Ok(sample.weights().iter().sum())
    /// })?;
    /// assert_eq!(sums, [1.5]);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Queries with another number of columns or with NaN or infinite numbers, weights beyond the number type's range, the first error of
    /// `visit`, or an interruption.
    pub fn local_samples<R: Send>(
        &self,
        queries: Rows<'_, T>,
        watch: &Watch<'_>,
        visit: impl Fn(usize, LocalSample<'_, T>) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.check(queries)?;
        let spaces = Mutex::new(Vec::new());
        let blocks = par::map_blocks(watch, queries.rows(), BLOCK, |range| {
            let first = range.start;
            let spare = spaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut space = spare.unwrap_or_else(|| Space::new(&self.prepared));
            let draw = Draw {
                p: &self.prepared,
                queries: queries.slice(range),
                indices: Indices::From(first),
                space: &mut space,
            };
            draw.run();
            let samples = space.samples().iter().enumerate();
            let results = samples.map(|(i, sample)| {
                if !sample.log_scale.is_finite() {
                    return Err(Error::not_finite(format!(
                        "query {} (counted from 0): the kernel's logarithm {} is beyond the number type; widen the bandwidth",
                        first + i,
                        sample.log_scale
                    )));
                }
                let local = LocalSample {
                    runs: &sample.runs,
                    weights: &sample.weights,
                    log_scale: sample.log_scale,
                };
                visit(first + i, local)
            });
            let results = results.collect::<Result<Vec<R>>>();
            let mut spaces = spaces.lock().unwrap_or_else(PoisonError::into_inner);
            spaces.push(space);
            results
        })?;
        Ok(blocks.into_iter().flatten().collect())
    }
}

//! What flows back into each query.

use crate::{Float, Rows};

/// What flows back into one query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a, T> {
    /// By the means, `[p]`.
    pub(crate) means: &'a [T],
    /// By the log normaliser, less what the mean itself passes on.
    pub(crate) level: T,
    /// The log normaliser.
    pub(crate) log_normalizer: T,
    /// Shares are multiplied by this, so that they sum up to one.
    pub(crate) correction: T,
}

/// What flows back into all queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flows<'a, T> {
    /// By the means, `[m, p]`.
    pub(crate) means: Rows<'a, T>,
    /// By the log normalisers, `[m]`.
    pub(crate) logs: Option<&'a [T]>,
    /// The means themselves, `[m, p]`, and the log normalisers, `[m]`.
    pub(crate) at: (&'a [T], &'a [T]),
    /// The weight beside the keys.
    pub(crate) null_weight: f64,
}

impl<'a, T: Float> Flows<'a, T> {
    /// What the keys' shares of a query sum up to: all but the share of the weight beside them.
    pub(crate) fn share_of_keys(&self, query: usize) -> f64 {
        if self.null_weight <= 0.0 {
            return 1.0;
        }
        -(self.null_weight.ln() - self.at.1[query].to_f64()).exp_m1()
    }

    /// What a query's shares are to be multiplied by where they sum up to `sum`.
    pub(crate) fn correction(&self, query: usize, sum: f64) -> f64 {
        if sum > 0.0 {
            self.share_of_keys(query) / sum
        } else {
            0.0
        }
    }

    /// The derivative by the weight beside the keys.
    pub(crate) fn by_null_weight(&self) -> f64 {
        if self.null_weight <= 0.0 {
            return 0.0;
        }
        let queries = (0..self.at.1.len()).filter_map(|i| self.of(i, T::ONE));
        // Its value is zero, so its lean is the level alone.
        let shares = queries.map(|f| f.level.to_f64() * (-f.log_normalizer.to_f64()).exp());
        shares.sum()
    }

    /// What flows back into a query, nothing for an empty region.
    pub(crate) fn of(&self, query: usize, correction: T) -> Option<Flow<'a, T>> {
        let log_normalizer = self.at.1[query];
        if log_normalizer == T::NEG_INFINITY {
            return None;
        }
        let means = self.means.row(query);
        let own = &self.at.0[query * means.len()..][..means.len()];
        let through = means.iter().zip(own).map(|(g, m)| g.to_f64() * m.to_f64());
        let log = self.logs.map_or(0.0, |l| l[query].to_f64());
        let level = T::from_f64(log - through.sum::<f64>());
        let idle = level == T::ZERO && means.iter().all(|g| *g == T::ZERO);
        (!idle).then_some(Flow {
            means,
            level,
            log_normalizer,
            correction,
        })
    }
}

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
}

impl<'a, T: Float> Flows<'a, T> {
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

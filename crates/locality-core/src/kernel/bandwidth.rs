//! Bandwidths: the scale at which a profile is read.

use std::sync::Arc;

use crate::{Error, Metric, Result};

/// The scale of an atom: its distances are divided by it.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Bandwidth {
    /// None given: 1 (for `uniform`: equality of the columns).
    #[default]
    Default,
    /// One positive number, in the metric's unit.
    Fixed(f64),
    /// One positive number per column (automatic relevance determination).
    PerFeature(Vec<f64>),
    /// One positive number per key (sample-point adaptive), in key order.
    PerSite(Arc<[f64]>),
    /// Per key: its distance to its k-th nearest other key.
    SiteNearest(usize),
    /// Per query: its distance to the k-th nearest key (balloon; `knn=` in the text).
    QueryNearest(usize),
}

impl From<f64> for Bandwidth {
    fn from(h: f64) -> Self {
        Self::Fixed(h)
    }
}

impl From<Vec<f64>> for Bandwidth {
    fn from(h: Vec<f64>) -> Self {
        Self::PerFeature(h)
    }
}

impl Bandwidth {
    /// Checks the numbers that can be checked before any data is seen.
    pub(crate) fn check(&self, profile: &str, metric: &Metric) -> Result<()> {
        let positive = |h: &f64, what: &str| {
            if h.is_finite() && *h > 0.0 {
                Ok(())
            } else {
                Err(Error::parameter(format!(
                    "{profile}: bandwidth {what}={h} must be a positive finite number"
                )))
            }
        };
        match self {
            Self::Default => Ok(()),
            Self::Fixed(h) => positive(h, "h"),
            Self::PerFeature(h) => {
                if !matches!(
                    metric,
                    Metric::Euclidean | Metric::Manhattan | Metric::Chebyshev | Metric::Hamming
                ) {
                    return Err(Error::parameter(format!(
                        "{profile}: one bandwidth per column has no meaning for metric={}; give one number",
                        metric.info().name
                    )));
                }
                h.iter().try_for_each(|h| positive(h, "h"))
            }
            Self::PerSite(h) => h.iter().try_for_each(|h| positive(h, "site_h")),
            Self::SiteNearest(k) | Self::QueryNearest(k) => {
                if *k == 0 {
                    return Err(Error::parameter(format!(
                        "{profile}: the number of neighbours must be at least 1, not 0"
                    )));
                }
                Ok(())
            }
        }
    }
}

//! The conditions on the indices of query and key.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::Region;
use crate::{Error, Result};

/// A user's own rule: whether query `i` may see key `j`.
#[derive(Clone)]
pub struct Mask(Arc<dyn Fn(usize, usize) -> bool + Send + Sync>);

impl Mask {
    /// A rule as a function of query index and key index. It must not depend on when or how often it is asked.
    pub fn new(rule: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// A rule as a table: `queries x keys` truth values, row after row.
    ///
    /// # Errors
    /// Where the table has another size.
    pub fn table(allowed: Vec<bool>, queries: usize, keys: usize) -> Result<Self> {
        if queries.checked_mul(keys) != Some(allowed.len()) {
            return Err(Error::shape(format!(
                "a mask of {queries} queries and {keys} keys needs {} entries, but has {}",
                queries.saturating_mul(keys),
                allowed.len()
            )));
        }
        Ok(Self::new(move |i, j| {
            i < queries && j < keys && allowed[i * keys + j]
        }))
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(..)")
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Conditions on the indices of query and key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(super) regions: Vec<Region>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Whether keys must stay in their own order, so that ranges of indices are ranges in memory.
    pub(crate) fn is_sequential(&self) -> bool {
        let mut regions = self.regions.iter();
        regions.any(|r| matches!(r, Region::Causal { .. } | Region::Window { .. }))
    }

    /// Whether it refers to a query's own site.
    pub(crate) fn is_hollow(&self) -> bool {
        self.regions.contains(&Region::Hollow)
    }

    /// Whether keys must be asked one by one.
    pub(crate) fn has_rule(&self) -> bool {
        self.regions.iter().any(|r| matches!(r, Region::Mask(_)))
    }

    /// The range of key indices that query `i` may see at the most.
    pub(crate) fn range(&self, i: usize, keys: usize) -> Range<usize> {
        let mut range = 0..keys;
        for region in &self.regions {
            match region {
                Region::Causal { offset } => {
                    let end = (i as i64).saturating_add(*offset).saturating_add(1);
                    range.end = range.end.min(end.max(0) as usize);
                }
                Region::Window { before, after } => {
                    range.start = range.start.max(i.saturating_sub(*before));
                    let end = i.saturating_add(*after).saturating_add(1);
                    range.end = range.end.min(end);
                }
                _ => {}
            }
        }
        range.start = range.start.min(range.end);
        range
    }

    /// Whether query `i` may see key `j`.
    pub(crate) fn allows(&self, i: usize, j: usize) -> bool {
        self.regions.iter().all(|r| match r {
            Region::Causal { offset } => j as i64 <= (i as i64).saturating_add(*offset),
            Region::Window { before, after } => {
                j.saturating_add(*before) >= i && j <= i.saturating_add(*after)
            }
            Region::Hollow => i != j,
            Region::Mask(mask) => (mask.0)(i, j),
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Neighborhood;

    #[test]
    fn ranges_agree_with_the_rule_itself() {
        for text in [
            "causal",
            "causal(offset=-2)",
            "causal(offset=3)",
            "window(before=2, after=1)",
            "window(before=4, after=9) & causal",
        ] {
            let f = text.parse::<Neighborhood>().unwrap().filter();
            for i in 0..12 {
                for j in 0..9 {
                    assert_eq!(f.range(i, 9).contains(&j), f.allows(i, j), "{text} {i} {j}");
                }
            }
        }
    }
}

//! Score biases: numbers added to the logarithms of the weights, one for each pair of query and key.

use std::ops::Range;

use crate::{Error, Float, Result, Rows, Watch, par};

/// Numbers added to the logarithms of the weights, or to the scores of attention: a position bias, a learned bias, an additive
/// mask. A pair with a bias of minus infinity is left out.
///
/// A bias that is a function of the data needs no numbers: it is a further factor of the kernel, which costs no memory.
/// `ALiBi` (Press et al. 2022) of one head over d columns and, before them, the position is
/// `softmax(beta=1/sqrt(d), cols=[1, .., d]) * laplace(h=1/slope, metric=manhattan, cols=0)`.
#[derive(Clone, Copy, Debug)]
pub enum Bias<'a, T> {
    /// Any number for any pair, `[m, n]`.
    Pairs(Rows<'a, T>),
    /// By relative position (Shaw et al. 2018; Raffel et al. 2020), `[m + n - 1]`: entry `j - i + m - 1` is for key `j` at query `i`,
    /// so that the first is for the last query and the first key.
    Relative(&'a [T]),
    /// One for each key, the same for all queries, `[n]`: a padding mask.
    Keys(&'a [T]),
    /// Those of both, added up: a position bias beside a padding mask.
    RelativeAndKeys {
        /// `[m + n - 1]`, as [`Relative`](Self::Relative).
        relative: &'a [T],
        /// `[n]`, as [`Keys`](Self::Keys).
        keys: &'a [T],
    },
}

/// The biases of one query with all keys, in their own order: a row, or the sum of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowBias<'a, T> {
    row: &'a [T],
    more: Option<&'a [T]>,
}

impl<'a, T: Float> RowBias<'a, T> {
    /// What is added up.
    #[inline(always)]
    pub(crate) fn rows(self) -> impl Iterator<Item = &'a [T]> {
        std::iter::once(self.row).chain(self.more)
    }

    /// The bias with a key.
    #[inline(always)]
    pub(crate) fn at(self, key: usize) -> T {
        self.more
            .map_or(self.row[key], |more| with_bias(more[key], self.row[key]))
    }

    /// Whether any of a run of keys may be let in: that of a mask is often none, and the run need not be looked at.
    #[inline(always)]
    pub(crate) fn lets_in(self, run: &Range<usize>) -> bool {
        let lets_in = |row: &[T]| row[run.clone()].iter().any(|b| *b > T::NEG_INFINITY);
        lets_in(self.row) && self.more.is_none_or(lets_in)
    }
}

/// Rows that are checked at a time.
const CHECKED: usize = 64;

impl<'a, T: Float> Bias<'a, T> {
    /// The biases of query `i` with all `n` keys.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize, n: usize) -> RowBias<'a, T> {
        let relative = |table: &'a [T]| &table[table.len() - n - i..][..n];
        let (row, more) = match *self {
            Self::Pairs(rows) => (rows.row(i), None),
            Self::Relative(table) => (relative(table), None),
            Self::Keys(row) => (row, None),
            Self::RelativeAndKeys {
                relative: table,
                keys,
            } => (relative(table), Some(keys)),
        };
        RowBias { row, more }
    }

    /// Requires the shape for `m` queries and `n` keys, and no NaN and no positive infinity.
    pub(crate) fn check(&self, m: usize, n: usize, watch: &Watch<'_>) -> Result<()> {
        match self {
            Self::Pairs(rows) => {
                if (rows.rows(), rows.columns()) != (m, n) {
                    return Err(Error::shape(format!(
                        "bias has shape [{}, {}], but {m} queries and {n} keys need [{m}, {n}]",
                        rows.rows(),
                        rows.columns()
                    )));
                }
                par::map_blocks(watch, m, CHECKED, |range| {
                    for i in range {
                        if let Some(j) = first_bad(rows.row(i)) {
                            let place = format!("row {i}, column {j}");
                            return Err(bad("bias", rows.row(i)[j], &place));
                        }
                    }
                    Ok(())
                })?;
            }
            Self::Relative(table) => {
                let need = (m + n).saturating_sub(1);
                if table.len() != need {
                    return Err(Error::shape(format!(
                        "relative bias has {} entries, but {m} queries and {n} keys need {need}: one for each offset of a key \
                         from a query",
                        table.len()
                    )));
                }
                if let Some(i) = first_bad(table) {
                    return Err(bad("relative bias", table[i], &format!("entry {i}")));
                }
            }
            Self::Keys(row) => {
                if row.len() != n {
                    return Err(Error::shape(format!(
                        "bias has {} entries, but {n} keys need {n}: one for each",
                        row.len()
                    )));
                }
                if let Some(j) = first_bad(row) {
                    return Err(bad("bias", row[j], &format!("entry {j}")));
                }
            }
            Self::RelativeAndKeys { relative, keys } => {
                Self::Relative(relative).check(m, n, watch)?;
                Self::Keys(keys).check(m, n, watch)?;
                let largest = |row: &[T]| row.iter().copied().fold(T::NEG_INFINITY, T::max);
                let sum = largest(relative) + largest(keys);
                if sum == T::INFINITY {
                    return Err(Error::not_finite(format!(
                        "the biases by relative position and of the keys add up to more than {} holds; make them smaller",
                        T::NAME
                    )));
                }
            }
        }
        Ok(())
    }
}

/// A logarithm with a bias: a pair that is left out stays so beside a score that has overflowed.
#[inline(always)]
pub(crate) fn with_bias<T: Float>(log: T, bias: T) -> T {
    if bias == T::NEG_INFINITY {
        bias
    } else {
        log + bias
    }
}

/// The first number that is NaN or positive infinity. All are looked at before any: a loop that stops early is no vector code.
fn first_bad<T: Float>(row: &[T]) -> Option<usize> {
    let good = row.iter().filter(|b| **b < T::INFINITY).count() == row.len();
    let is_bad = |b: &T| {
        b.partial_cmp(&T::INFINITY)
            .is_none_or(std::cmp::Ordering::is_ge)
    };
    if good {
        None
    } else {
        row.iter().position(is_bad)
    }
}

fn bad<T: Float>(name: &str, b: T, place: &str) -> Error {
    Error::not_finite(format!(
        "{name} has {b} in {place} (counted from 0); biases must be numbers, or minus infinity for a pair that is left out"
    ))
}

//! Score biases: numbers added to the logarithms of the weights, one for each pair of query and key.

use crate::{Error, Float, Result, Rows, Watch, par};

/// Numbers added to the logarithms of the weights, or to the scores of attention: a position bias, a learned bias, an additive
/// mask. A pair with a bias of minus infinity is left out.
///
/// A bias that is a function of the data needs no numbers: it is a further factor of the kernel, which costs no memory.
/// `ALiBi` (Press et al. 2022) is `softmax * laplace(h=1/slope, metric=manhattan, cols=0)` with the position in column 0.
#[derive(Clone, Copy, Debug)]
pub enum Bias<'a, T> {
    /// Any number for any pair, `[m, n]`.
    Pairs(Rows<'a, T>),
    /// By relative position (Shaw et al. 2018; Raffel et al. 2020), `[m + n - 1]`: entry `j - i + m - 1` is for key `j` at query `i`,
    /// so that the first is for the last query and the first key.
    Relative(&'a [T]),
    /// One for each key, the same for all queries, `[n]`: a padding mask.
    Keys(&'a [T]),
}

/// Rows that are checked at a time.
const CHECKED: usize = 64;

impl<'a, T: Float> Bias<'a, T> {
    /// The biases of query `i` with all `n` keys, in their own order.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize, n: usize) -> &'a [T] {
        match self {
            Self::Pairs(rows) => rows.row(i),
            Self::Relative(table) => &table[table.len() - n - i..][..n],
            Self::Keys(row) => row,
        }
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
                            return Err(bad(rows.row(i)[j], &format!("row {i}, column {j}")));
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
                    return Err(bad(table[i], &format!("entry {i}")));
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
                    return Err(bad(row[j], &format!("entry {j}")));
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

/// Whether any of a run's biases leaves its pair in: that of a mask is often none, and the run need not be looked at.
#[inline(always)]
pub(crate) fn lets_in<T: Float>(run: &[T]) -> bool {
    run.iter().any(|b| *b > T::NEG_INFINITY)
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

fn bad<T: Float>(b: T, place: &str) -> Error {
    Error::not_finite(format!(
        "bias has {b} in {place} (counted from 0); biases must be numbers, or minus infinity for a pair that is left out"
    ))
}

//! What goes with the numbers through every layer: how rows form sets, and the dropout in force.

use std::ops::Range;

use locality_core::{Error, Result};
use rayon::prelude::*;

use crate::Number;
use crate::number::ROWS;
use crate::random::Stream;

/// How the rows of a batch form sets (sequences, series, sets of points): one after another, of any lengths, without padding.
///
/// ```
/// use locality_learn::Sets;
/// let sets = Sets::of(&[2, 3])?;
/// assert_eq!((sets.rows(), sets.range(1)), (5, 2..5));
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sets {
    ends: Vec<usize>,
}

impl Sets {
    /// `count` sets of `length` rows.
    ///
    /// # Errors
    /// None of either, or more rows than can be counted.
    pub fn equal(count: usize, length: usize) -> Result<Self> {
        if count.checked_mul(length).is_none_or(|n| n == 0) {
            return Err(Error::empty(format!(
                "a batch of {count} sets of {length} rows is empty or beyond counting; give at least one of one"
            )));
        }
        let mut ends = Vec::new();
        ends.try_reserve_exact(count).map_err(|_| {
            Error::unsupported(format!(
                "a batch of {count} sets does not fit into memory; give fewer"
            ))
        })?;
        ends.extend((1..=count).map(|i| i * length));
        Ok(Self { ends })
    }

    /// Sets of these lengths.
    ///
    /// # Errors
    /// No sets, or an empty one.
    pub fn of(lengths: &[usize]) -> Result<Self> {
        if let Some(i) = lengths.iter().position(|&n| n == 0) {
            return Err(Error::empty(format!(
                "set {i} (counted from 0) has no rows; leave it out"
            )));
        }
        if lengths.is_empty() {
            return Err(Error::empty("a batch of no sets; give at least one"));
        }
        let mut end = 0;
        let ends = lengths.iter().map(|n| {
            end += n;
            end
        });
        Ok(Self {
            ends: ends.collect(),
        })
    }

    /// How many sets there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The rows of a set.
    ///
    /// # Panics
    /// Where there are not so many sets.
    pub fn range(&self, set: usize) -> Range<usize> {
        let start = set.checked_sub(1).map_or(0, |i| self.ends[i]);
        start..self.ends[set]
    }

    /// The rows of every set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        (0..self.count()).map(|set| self.range(set))
    }

    /// The rows of the longest set.
    pub fn longest(&self) -> usize {
        self.iter().map(|r| r.len()).max().unwrap_or(0)
    }
}

/// One pass through a model. Layers work on the threads of the pool that they are called in
/// ([`locality_core::par::install`] chooses one), and their results are the same bits for any number of them.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// How rows form sets.
    pub sets: &'a Sets,
    /// The chances in force; none outside training.
    pub chance: Option<Chance>,
}

/// Where the random numbers of one pass come from: the same seed and step drop the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    stream: Stream,
}

impl Chance {
    /// The chances of a step.
    pub fn new(seed: u64, step: u64) -> Self {
        Self {
            stream: Stream::new(seed, 2).fork(step),
        }
    }

    pub(crate) fn stream(self, layer: u64) -> Stream {
        self.stream.fork(layer)
    }
}

impl<'a> Pass<'a> {
    /// A pass without chance: prediction, evaluation.
    pub fn new(sets: &'a Sets) -> Self {
        Self { sets, chance: None }
    }

    /// A pass of training.
    pub fn training(sets: &'a Sets, chance: Chance) -> Self {
        Self {
            sets,
            chance: Some(chance),
        }
    }

    /// Requires rows of so many columns, as many as the sets have.
    pub(crate) fn check<T>(&self, name: &str, x: &[T], columns: usize) -> Result<()> {
        let rows = self.sets.rows();
        if rows.checked_mul(columns) == Some(x.len()) {
            return Ok(());
        }
        Err(Error::shape(format!(
            "{name} has {} numbers, but {rows} rows of {columns} columns need {}",
            x.len(),
            rows.saturating_mul(columns)
        )))
    }
}

/// Fills rows of zeros up to a whole tile, and makes one set of all. Products of fewer rows are summed up in another order: without this
/// a row's result would depend, in its last digits, on how many are asked for at once.
pub(crate) fn padded<T: Number>(input: &mut Vec<T>, columns: usize) -> Result<Sets> {
    let rows = (input.len() / columns.max(1)).max(ROWS);
    input.resize(rows * columns, T::ZERO);
    Sets::equal(1, rows)
}

/// Rows of a block: the grain of everything that is shared among threads.
pub(crate) const BLOCK: usize = 64;

/// Fills rows of `columns` numbers block by block; `work` gets the first row of its block.
pub(crate) fn fill<T: Send>(
    out: &mut [T],
    columns: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let blocks = out.par_chunks_mut(BLOCK * columns.max(1)).enumerate();
    blocks
        .with_max_len(1)
        .for_each(|(b, block)| work(b * BLOCK, block));
}

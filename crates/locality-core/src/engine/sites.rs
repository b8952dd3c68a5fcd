//! Keys laid out for vector code: column after column, in the order of the tree's leaves.

use super::bound::Bound;
use super::tree::Tree;
use crate::{Error, Float, Result, Rows};

/// Rows of a leaf. All ranges that the engine works on start and end at multiples of it.
pub(crate) const LEAF: usize = 64;

/// The keys, their values and sample weights, stored by column and padded to whole leaves.
#[derive(Clone, Debug)]
pub(crate) struct Sites<T> {
    /// Number of keys.
    pub(crate) rows: usize,
    /// Number of slots: `rows`, rounded up to whole leaves.
    pub(crate) padded: usize,
    /// Columns of values.
    pub(crate) values: usize,
    feature_columns: Vec<T>,
    value_columns: Vec<T>,
    /// Sample weights by slot, where they are not all 1.
    pub(crate) weights: Option<Vec<T>>,
    /// Key at each slot.
    pub(crate) index: Vec<u32>,
    /// Slot of each key.
    pub(crate) slot: Vec<u32>,
}

impl<T: Float> Sites<T> {
    /// Lays out keys `[n, d]` with values `[n, p]`; `spatial` sorts them into the leaves of a k-d tree, else they keep their order.
    pub(crate) fn new(
        bound: &Bound<T>,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        weights: Option<&[T]>,
        spatial: bool,
    ) -> Result<Self> {
        let n = keys.rows();
        if u32::try_from(n).is_err() {
            return Err(Error::unsupported(format!(
                "{n} keys are more than the {} that one fit can hold; split them and merge summaries",
                u32::MAX
            )));
        }
        let f = bound.features;
        let mut features = vec![T::ZERO; n * f];
        for (row, out) in keys.iter().zip(features.chunks_exact_mut(f)) {
            bound.map(row, out);
        }
        let mut index: Vec<u32> = (0..n as u32).collect();
        if spatial {
            Tree::sort(bound, &features, &mut index);
        }
        let mut slot = vec![0; n];
        for (s, &i) in index.iter().enumerate() {
            slot[i as usize] = s as u32;
        }
        let padded = n.div_ceil(LEAF) * LEAF;
        // Padding repeats the last key, so that no box grows; its weight is masked out.
        let source = |s: usize| index[s.min(n - 1)] as usize;
        let column = |get: &dyn Fn(usize) -> T| (0..padded).map(|s| get(source(s))).collect();
        let gather = |width: usize, get: &dyn Fn(usize, usize) -> T| -> Vec<T> {
            let mut out = Vec::with_capacity(width * padded);
            for c in 0..width {
                out.extend((0..padded).map(|s| get(source(s), c)));
            }
            out
        };
        Ok(Self {
            rows: n,
            padded,
            values: values.columns(),
            feature_columns: gather(f, &|i, c| features[i * f + c]),
            value_columns: gather(values.columns(), &|i, c| values.row(i)[c]),
            weights: weights.map(|w| column(&|i| w[i])),
            index,
            slot,
        })
    }

    /// An empty layout of the same shape, for lists of keys.
    pub(crate) fn scratch(&self, features: usize, rows: usize) -> Self {
        let padded = rows.div_ceil(LEAF) * LEAF;
        Self {
            rows,
            padded,
            values: self.values,
            feature_columns: vec![T::ZERO; features * padded],
            value_columns: vec![T::ZERO; self.values * padded],
            weights: self.weights.as_ref().map(|_| vec![T::ZERO; padded]),
            index: Vec::new(),
            slot: Vec::new(),
        }
    }

    /// Copies the keys at `slots` of `from` into this scratch layout.
    pub(crate) fn gather(&mut self, from: &Self, slots: &[u32]) {
        let last = slots[slots.len() - 1];
        let all = || slots.iter().copied().chain(std::iter::repeat(last));
        let fill = |to: &mut [T], from: &[T]| {
            for (t, s) in to.iter_mut().zip(all()) {
                *t = from[s as usize];
            }
        };
        self.rows = slots.len();
        let source = from.padded;
        for (c, to) in self
            .feature_columns
            .chunks_exact_mut(self.padded)
            .enumerate()
        {
            fill(to, &from.feature_columns[c * source..][..source]);
        }
        for (c, to) in self.value_columns.chunks_exact_mut(self.padded).enumerate() {
            fill(to, &from.value_columns[c * source..][..source]);
        }
        if let (Some(to), Some(from)) = (&mut self.weights, &from.weights) {
            fill(to, from);
        }
    }

    /// A feature's column, by slot.
    #[inline(always)]
    pub(crate) fn feature(&self, f: usize) -> &[T] {
        &self.feature_columns[f * self.padded..][..self.padded]
    }

    /// A value's column, by slot.
    #[inline(always)]
    pub(crate) fn value(&self, c: usize) -> &[T] {
        &self.value_columns[c * self.padded..][..self.padded]
    }
}

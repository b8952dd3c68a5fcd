//! Keys laid out for vector code, in the order of the tree's leaves: within a panel, feature after feature.

use std::ops::Range;

use super::bound::Bound;
use super::tree::Tree;
use crate::aligned::Aligned;
use crate::bias::with_bias;
use crate::lanes::{PANEL, ROW};
use crate::par::fill_chunks;
use crate::{Error, Float, Result, Rows};

/// Rows of a leaf. All ranges that the engine works on start and end at multiples of it.
pub(crate) const LEAF: usize = 64;

/// From so many columns on, values are stored by row: a weight then meets whole vectors of them.
const WIDE: usize = 8;
/// Rows of more columns are stored in strips of so many: what a pass over a run reads lies together.
const STRIP: usize = 4 * ROW;

/// The values of the keys, by slot.
#[derive(Clone, Debug)]
pub(crate) enum Values<T> {
    /// Column after column, padded to whole leaves.
    Columns(Aligned<T>),
    /// Strip after strip of [`STRIP`] columns, each row after row; `columns` in all, those beyond the values' own zero.
    Strips { data: Aligned<T>, columns: usize },
}

impl<T: Float> Values<T> {
    /// Zeros.
    fn new(columns: usize, padded: usize) -> Self {
        if columns < WIDE {
            return Self::Columns(Aligned::zeros(columns * padded));
        }
        let columns = columns.next_multiple_of(ROW);
        Self::Strips {
            data: Aligned::zeros(padded * columns),
            columns,
        }
    }
}

/// The strips of `data`, `columns` in all: the columns of each and its rows at `slots`.
#[inline(always)]
pub(crate) fn strips<T>(
    data: &[T],
    columns: usize,
    slots: Range<usize>,
) -> impl Iterator<Item = (Range<usize>, &[T])> {
    let padded = data.len() / columns;
    (0..columns).step_by(STRIP).map(move |first| {
        let width = STRIP.min(columns - first);
        let start = first * padded;
        let rows = start + slots.start * width..start + slots.end * width;
        (first..first + width, &data[rows])
    })
}

/// Where the first of these columns of slot `slot` is, and the columns, for each strip.
fn places(
    padded: usize,
    columns: usize,
    slot: usize,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    (0..columns).step_by(STRIP).map(move |first| {
        let width = STRIP.min(columns - first);
        (first * padded + slot * width, first..first + width)
    })
}

/// The keys, their values and sample weights, stored by column and padded to whole leaves.
#[derive(Clone, Debug)]
pub(crate) struct Sites<T> {
    /// Number of keys.
    pub(crate) rows: usize,
    /// Number of slots: `rows`, rounded up to whole leaves.
    pub(crate) padded: usize,
    /// Columns of values.
    pub(crate) values: usize,
    /// Features of a site.
    features: usize,
    /// For each panel, for each feature, [`PANEL`] numbers: what is read together lies together.
    panels: Aligned<T>,
    pub(crate) value: Values<T>,
    /// Sample weights by slot, where they are not all 1.
    pub(crate) weights: Option<Vec<T>>,
    /// Whether keys are in their own order.
    ordered: bool,
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
        // Where features are columns as they are, there is no need for a copy.
        let as_they_are = bound.is_direct() && !spatial;
        let mut features = Vec::new();
        if !as_they_are {
            features = vec![T::ZERO; n * f];
            for (row, out) in keys.iter().zip(features.chunks_exact_mut(f)) {
                bound.map(row, out);
            }
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
        let mut panels = Aligned::zeros(f * padded);
        fill_chunks(&mut panels, f * PANEL, |s, panel| {
            for i in 0..PANEL {
                let key = source(s * PANEL + i);
                let row = if as_they_are {
                    &keys.row(key)[..f]
                } else {
                    &features[key * f..][..f]
                };
                for (c, x) in row.iter().enumerate() {
                    panel[c * PANEL + i] = *x;
                }
            }
        });
        let mut value = Values::new(values.columns(), padded);
        match &mut value {
            Values::Columns(data) => {
                for (c, column) in data.chunks_exact_mut(padded).enumerate() {
                    for (s, v) in column.iter_mut().enumerate() {
                        *v = values.row(source(s))[c];
                    }
                }
            }
            Values::Strips { data, columns } => {
                for s in 0..padded {
                    let row = values.row(source(s));
                    for (to, own) in places(padded, *columns, s) {
                        let own = &row[own.start..own.end.min(row.len())];
                        data[to..to + own.len()].copy_from_slice(own);
                    }
                }
            }
        }
        Ok(Self {
            rows: n,
            padded,
            values: values.columns(),
            features: f,
            panels,
            value,
            weights: weights.map(|w| column(&|i| w[i])),
            ordered: !spatial,
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
            features,
            panels: Aligned::zeros(features * padded),
            value: Values::new(self.values, padded),
            weights: self.weights.as_ref().map(|_| vec![T::ZERO; padded]),
            ordered: false,
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
        self.index.clear();
        self.index
            .extend(slots.iter().map(|&s| from.index[s as usize]));
        for (i, slot) in all().take(self.padded).enumerate() {
            for c in 0..self.features {
                let to = self.place(i, c);
                self.panels[to] = from.panels[from.place(slot as usize, c)];
            }
        }
        let source = from.padded;
        match (&mut self.value, &from.value) {
            (Values::Columns(to), Values::Columns(from)) => {
                let columns = to.chunks_exact_mut(self.padded);
                for (to, from) in columns.zip(from.chunks_exact(source)) {
                    fill(to, from);
                }
            }
            (Values::Strips { data: to, columns }, Values::Strips { data: from, .. }) => {
                for (t, s) in (0..self.padded).zip(all()) {
                    let there = places(source, *columns, s as usize);
                    for ((to_at, own), (at, _)) in places(self.padded, *columns, t).zip(there) {
                        let (to, from) = (&mut to[to_at..], &from[at..]);
                        to[..own.len()].copy_from_slice(&from[..own.len()]);
                    }
                }
            }
            _ => {}
        }
        if let (Some(to), Some(from)) = (&mut self.weights, &from.weights) {
            fill(to, from);
        }
    }

    /// Adds to each number, one for each slot of a run, the one of its key: minus infinity stays so, whatever it is added to. Padding has
    /// none.
    #[inline(always)]
    pub(crate) fn add_by_key(&self, slots: Range<usize>, by_key: &[T], to: &mut [T]) {
        let real = slots.start..slots.end.min(self.rows);
        if self.ordered {
            for (t, b) in to.iter_mut().zip(&by_key[real]) {
                *t = with_bias(*t, *b);
            }
            return;
        }
        for (t, &key) in to.iter_mut().zip(&self.index[real]) {
            *t = with_bias(*t, by_key[key as usize]);
        }
    }

    /// Whether slots are keys in their own order.
    #[inline(always)]
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Puts each number, one for each slot of a run, to the place of its key.
    pub(crate) fn put_by_key(&self, slots: Range<usize>, from: &[T], to: &mut [T]) {
        let real = slots.start..slots.end.min(self.rows);
        for (x, &key) in from.iter().zip(&self.index[real]) {
            to[key as usize] = *x;
        }
    }

    #[inline(always)]
    fn place(&self, slot: usize, feature: usize) -> usize {
        (slot / PANEL * self.features + feature) * PANEL + slot % PANEL
    }

    /// A feature of `len` keys from a slot on, all in one panel.
    #[inline(always)]
    pub(crate) fn feature(&self, feature: usize, slot: usize, len: usize) -> &[T] {
        &self.panels[self.place(slot, feature)..][..len]
    }

    /// From a key's first feature on, each a [`PANEL`] after the one before it.
    #[inline(always)]
    pub(crate) fn row(&self, slot: usize) -> &[T] {
        &self.panels[self.place(slot, 0)..]
    }

    /// The mean of the keys, for some features.
    pub(crate) fn center(&self, features: &[usize]) -> Vec<f64> {
        let mut sums = vec![0.0; features.len()];
        for slot in (0..self.rows).step_by(PANEL) {
            let len = (self.rows - slot).min(PANEL);
            for (sum, &f) in sums.iter_mut().zip(features) {
                let run = self.feature(f, slot, len);
                *sum += run.iter().map(|x| x.to_f64()).sum::<f64>();
            }
        }
        sums.iter().map(|sum| sum / self.rows as f64).collect()
    }

    /// Whole panels from a slot on, and how many numbers each has.
    #[inline(always)]
    pub(crate) fn panels_from(&self, slot: usize) -> (&[T], usize) {
        (&self.panels[slot * self.features..], self.features * PANEL)
    }

    /// The values at a slot.
    pub(crate) fn values_at(&self, slot: usize) -> impl Iterator<Item = T> + '_ {
        let padded = self.padded;
        (0..self.values).map(move |c| match &self.value {
            Values::Columns(data) => data[slot + c * padded],
            Values::Strips { data, columns } => {
                let first = c / STRIP * STRIP;
                data[first * padded + slot * STRIP.min(columns - first) + c - first]
            }
        })
    }
}

//! One query, and what it may see.

use std::ops::Range;

use super::bound::Scale;
use super::expanded::Around;
use super::prepared::Prepared;
use super::sites::LEAF;
use super::units::UNIT;
use crate::Float;
use crate::bias::RowBias;

/// The indices of the queries of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Indices<'a> {
    /// One after the other from this one on.
    From(usize),
    /// These.
    Each(&'a [u32]),
}

impl Indices<'_> {
    pub(crate) fn at(self, i: usize) -> usize {
        match self {
            Self::From(first) => first + i,
            Self::Each(all) => all[i] as usize,
        }
    }
}

/// One query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a, T> {
    pub(crate) index: usize,
    pub(crate) features: &'a [T],
    /// For each atom, the scale that belongs to this query.
    pub(crate) scales: &'a [Option<Scale<T>>],
    /// Where its squared distances are made of products.
    pub(crate) around: Option<Around<'a, T>>,
    /// The numbers of its tile that are folded, side by side: of products if all of the tile take these, else its features.
    pub(crate) packed: Option<&'a [T]>,
    pub(crate) bias: Option<RowBias<'a, T>>,
}

impl<T: Float> Query<'_, T> {
    /// Whether the query may see this key at all.
    pub(crate) fn sees(&self, p: &Prepared<T>, key: usize) -> bool {
        p.filter.allows(self.index, key)
    }

    /// The bias with a key.
    pub(crate) fn bias_with(&self, key: usize) -> f64 {
        self.bias.map_or(0.0, |bias| bias.at(key).to_f64())
    }

    /// Whether all these slots are outside the query's range of indices, or left out by its biases.
    #[inline(always)]
    pub(crate) fn outside(&self, p: &Prepared<T>, slots: Range<usize>) -> bool {
        if let (Some(bias), true) = (self.bias, p.sites.is_ordered()) {
            let real = slots.start..slots.end.min(p.sites.rows);
            if !bias.lets_in(&real) {
                return true;
            }
        }
        if !p.filter.is_sequential() {
            return false;
        }
        let range = p.filter.range(self.index, p.sites.rows);
        range.end <= slots.start || slots.end <= range.start
    }

    /// The end of the slots that it may see, in whole leaves.
    #[inline(always)]
    pub(crate) fn end(&self, p: &Prepared<T>) -> usize {
        if !p.filter.is_sequential() {
            return p.sites.padded;
        }
        let end = p.filter.range(self.index, p.sites.rows).end;
        end.next_multiple_of(LEAF)
    }

    /// The unit of the key that this query may not see for being its own.
    #[inline(always)]
    pub(crate) fn own_unit(&self, p: &Prepared<T>) -> Option<usize> {
        let own = p.filter.is_hollow() && self.index < p.sites.rows;
        own.then(|| p.sites.slot[self.index] as usize / (UNIT * LEAF))
    }

    /// Calls `drop` with the positions, counted from the start of `slots`, of keys that the query may not see.
    #[inline(always)]
    pub(crate) fn mask(&self, p: &Prepared<T>, slots: Range<usize>, drop: &mut dyn FnMut(usize)) {
        if p.filter.is_empty() {
            return;
        }
        let real = slots.start..slots.end.min(p.sites.rows);
        if p.filter.has_rule() {
            for (i, &key) in p.sites.index[real].iter().enumerate() {
                if !self.sees(p, key as usize) {
                    drop(i);
                }
            }
            return;
        }
        if p.filter.is_sequential() {
            // Keys are in their own order: all but a range is dropped.
            let range = p.filter.range(self.index, p.sites.rows);
            let before = real.start..range.start.clamp(real.start, real.end);
            let after = range.end.clamp(real.start, real.end)..real.end;
            before.chain(after).for_each(|s| drop(s - slots.start));
        }
        if p.filter.is_hollow() && self.index < p.sites.rows {
            let own = p.sites.slot[self.index] as usize;
            if real.contains(&own) {
                drop(own - slots.start);
            }
        }
    }
}

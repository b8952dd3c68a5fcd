//! The tiled engine: every key for every query, in runs that stay in the cache while a block of queries passes over them.

use super::absorb::absorb;
use super::level::{RUN, Scratch};
use super::prepared::{Prepared, Query};
use crate::isa::Isa;
use crate::lanes::TILE;
use crate::{Float, Summary};

/// Sums up all keys for a block of queries, a few queries side by side. The order of the runs is fixed, so results are the
/// same bits for any block.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    queries: &[Query<'_, T>],
    scratch: &mut Scratch<T>,
    out: &mut [Summary],
) {
    out.iter_mut().for_each(Summary::clear);
    let all: Vec<usize> = (0..queries.len()).collect();
    let mut start = 0;
    while start < p.sites.padded {
        let slots = start..(start + RUN).min(p.sites.padded);
        for tile in all.chunks(TILE) {
            let seen = |&i: &usize| !queries[i].outside(p, slots.clone());
            if !tile.iter().any(seen) {
                continue;
            }
            let end = tile.iter().map(|&i| queries[i].end(p)).max().unwrap_or(0);
            let slots = slots.start..slots.end.min(end);
            let mask =
                |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, slots.clone(), drop);
            let keys = p.keys(slots.clone());
            absorb(isa, keys, queries, tile, scratch, mask, out);
        }
        start = slots.end;
    }
}

//! The tiled engine: every key for every query, in runs that stay in the cache while a block of queries passes over them.

use std::ops::Range;

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
    let (tiles, rest) = queries.as_chunks::<TILE>();
    let (tiles_out, rest_out) = out.as_chunks_mut::<TILE>();
    let mut start = 0;
    while start < p.sites.padded {
        let slots = start..(start + RUN).min(p.sites.padded);
        let until = |end: usize| slots.start..slots.end.min(end);
        for (tile, out) in tiles.iter().zip(tiles_out.iter_mut()) {
            if tile.iter().all(|q| q.outside(p, slots.clone())) {
                continue;
            }
            let end = tile.iter().map(|q| q.end(p)).max().unwrap_or(0);
            run(isa, p, tile.each_ref(), until(end), scratch, out.each_mut());
        }
        for (query, out) in rest.iter().zip(rest_out.iter_mut()) {
            run(isa, p, [query], until(query.end(p)), scratch, [out]);
        }
        start = slots.end;
    }
}

#[inline(always)]
fn run<T: Float, I: Isa, const G: usize>(
    isa: I,
    p: &Prepared<T>,
    queries: [&Query<'_, T>; G],
    slots: Range<usize>,
    scratch: &mut Scratch<T>,
    out: [&mut Summary; G],
) {
    if G == 1 && (slots.is_empty() || queries[0].outside(p, slots.clone())) {
        return;
    }
    let masked = slots.clone();
    let mask = |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, masked.clone(), drop);
    absorb(isa, &p.bound, &p.sites, queries, slots, scratch, mask, out);
}

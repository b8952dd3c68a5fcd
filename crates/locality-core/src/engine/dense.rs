//! The tiled engine: every key for every query, in runs that stay in the cache while a block of queries passes over them.

use super::absorb::absorb;
use super::level::{RUN, Scratch};
use super::prepared::{Prepared, Query};
use super::sites::LEAF;
use crate::isa::Isa;
use crate::lanes::TILE;
use crate::{Float, Summary};

/// The keys of a run take at most so many bytes, where that leaves [`SHORTEST`]: they stay in the second-level cache.
const RUN_BYTES: usize = 1 << 18;
/// Shorter runs cost more by what is done once for each.
const SHORTEST: usize = 2 * LEAF;
/// What a block of queries needs takes at most so many bytes.
const BLOCK_BYTES: usize = 1 << 22;
/// Queries of a block: with fewer, keys are fetched again and again; with more, nothing is gained.
const FEWEST: usize = 3 * TILE;
const MOST: usize = 22 * TILE;
/// Blocks of each thread: as it ends by itself, so the last one to end waits for little.
const PER_THREAD: usize = 2;

/// Numbers of a key: its features and its values.
fn numbers<T: Float>(p: &Prepared<T>) -> usize {
    p.bound.features + p.sites.values
}

/// Keys of a run, whole leaves. It depends on the columns alone.
fn run<T: Float>(p: &Prepared<T>) -> usize {
    let length = RUN_BYTES / (size_of::<T>() * numbers(p)).max(1);
    (length / LEAF * LEAF).clamp(SHORTEST, RUN)
}

/// Queries of a block, of `m` for so many threads; results do not depend on it.
pub(crate) fn block<T: Float>(p: &Prepared<T>, m: usize, threads: usize) -> usize {
    let most = BLOCK_BYTES / (size_of::<f64>() * numbers(p)).max(1);
    let most = most.clamp(FEWEST, MOST) / TILE * TILE;
    let own = m
        .div_ceil(PER_THREAD * threads.max(1))
        .next_multiple_of(TILE);
    own.clamp(FEWEST, most)
}

/// Sums up all keys for a block of queries, a few queries side by side. The order of the runs is fixed, so results are the
/// same bits for any block. Returns the number of pairs of a query and a key that were weighed: runs that no query of a tile sees are not.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    queries: &[Query<'_, T>],
    scratch: &mut Scratch<T>,
    out: &mut [Summary],
) -> usize {
    out.iter_mut().for_each(Summary::clear);
    let all: Vec<usize> = (0..queries.len()).collect();
    let run = run(p);
    let (mut start, mut visited) = (0, 0);
    while start < p.sites.padded {
        let slots = start..(start + run).min(p.sites.padded);
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
            visited += tile.len() * slots.end.min(p.sites.rows).saturating_sub(slots.start);
            absorb(isa, keys, queries, tile, scratch, mask, out);
        }
        start = slots.end;
    }
    visited
}

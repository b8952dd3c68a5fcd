//! Raw numbers, the metric's sums over features, of queries and runs of keys.

use super::bound::BoundAtom;
use super::sites::Sites;
use crate::Float;
use crate::isa::Isa;
use crate::lanes::{Fold, HALF, PANEL, Side, TILE};
use crate::metric::Combine;

/// Raw numbers of some queries and a run of keys. Those of one query do not depend on the others.
#[inline(always)]
pub(crate) fn raws<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    queries: &[&[T]],
    start: usize,
    out: &mut [&mut [T]],
) {
    let (tiles, queries) = queries.as_chunks::<TILE>();
    let (tiles_out, out) = out.as_chunks_mut::<TILE>();
    for (queries, out) in tiles.iter().zip(tiles_out) {
        let out = out.each_mut().map(|o| &mut **o);
        tile(isa, atom, sites, Side::Rows(*queries), start, out);
    }
    let (halves, queries) = queries.as_chunks::<HALF>();
    let (halves_out, out) = out.as_chunks_mut::<HALF>();
    for (queries, out) in halves.iter().zip(halves_out) {
        let out = out.each_mut().map(|o| &mut **o);
        tile(isa, atom, sites, Side::Rows(*queries), start, out);
    }
    for (query, out) in queries.iter().zip(out) {
        tile(isa, atom, sites, Side::Rows([*query]), start, [*out]);
    }
}

/// The same for as many queries as share registers.
#[inline(always)]
pub(crate) fn tile<T: Float, I: Isa, const G: usize>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    queries: Side<'_, T, G>,
    start: usize,
    out: [&mut [T]; G],
) {
    let Some(fold) = fold_of(atom.combine) else {
        for (g, out) in out.into_iter().enumerate() {
            rare(atom, sites, |c, f| queries.at(g, c, f), start, out);
        }
        return;
    };
    let (keys, stride) = sites.panels_from(start);
    let factors = atom.feature_scale.as_deref();
    isa.tile(fold, queries, &atom.features, factors, keys, stride, out);
}

/// The fold that makes raw numbers; nothing for the rare ones.
#[inline(always)]
pub(super) fn fold_of(combine: Combine) -> Option<Fold> {
    match combine {
        Combine::SquaredDifference => Some(Fold::Squared),
        Combine::AbsoluteDifference => Some(Fold::Absolute),
        Combine::LargestDifference => Some(Fold::Largest),
        Combine::Product => Some(Fold::Product),
        Combine::Mismatch | Combine::Difference => None,
    }
}

/// The raw number of a query and one key, by differences: the same bits as [`tile`] has.
#[inline(always)]
pub(super) fn one<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    slot: usize,
) -> T {
    let keys = sites.row(slot);
    let mut raw = T::ZERO;
    for (c, &f) in atom.features.iter().enumerate() {
        let factor = atom.feature_scale.as_ref().map_or(T::ONE, |w| w[c]);
        let d = (query[f] - keys[f * PANEL]) * factor;
        raw = match atom.combine {
            Combine::SquaredDifference => isa.fma(d, d, raw),
            Combine::LargestDifference => raw.max(d.abs()),
            _ => raw + d.abs(),
        };
    }
    raw
}

/// Counts of columns that differ, and signed differences.
#[inline(always)]
fn rare<T: Float>(
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: impl Fn(usize, usize) -> T,
    start: usize,
    out: &mut [T],
) {
    out.fill(T::ZERO);
    for (n, out) in out.chunks_exact_mut(PANEL).enumerate() {
        for (c, &f) in atom.features.iter().enumerate() {
            let q = query(c, f);
            let factor = atom.feature_scale.as_ref().map_or(T::ONE, |w| w[c]);
            let keys = sites.feature(f, start + n * PANEL, PANEL);
            for (o, &k) in out.iter_mut().zip(keys) {
                *o += match atom.combine {
                    Combine::Mismatch if q == k => T::ZERO,
                    Combine::Mismatch => factor,
                    _ => q - k,
                };
            }
        }
    }
}

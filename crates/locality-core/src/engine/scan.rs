//! Exact nearest neighbours by looking at all keys, for several queries at once.
//!
//! Over many columns squared distances come from inner products, one operation for each column instead of two. They are off by a known
//! number of roundings; panels that may hold a nearer key are looked at again, by differences, so that results are those of
//! the plain loop.

use std::ops::Range;

use super::bound::BoundAtom;
use super::level::RUN;
use super::raw::tile;
use super::search::{Found, MOST_SORTED, Searcher};
use super::sites::Sites;
use crate::Float;
use crate::isa::Isa;
use crate::lanes::{Fold, PANEL, Side, TILE, pack};
use crate::metric::{Combine, Link};
use crate::par::fill_chunks;

/// Fewer features than this are not worth a second look.
const FEWEST_FEATURES: usize = 24;
/// The keys of a run take at most so many bytes: they stay in the second-level cache, beside the queries, while these pass.
const RUN_BYTES: usize = 1 << 18;

/// The nearest keys so far, nearest first, ties by index.
#[derive(Clone, Debug)]
pub(crate) struct Best<T> {
    pub(super) k: usize,
    pub(crate) found: Vec<Found<T>>,
    /// The raw number that a further key must not exceed.
    pub(super) worst: T,
}

impl<T: Float> Best<T> {
    pub(crate) fn new(k: usize) -> Self {
        Self {
            k,
            found: Vec::with_capacity(k.min(MOST_SORTED)),
            worst: T::INFINITY,
        }
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, new: Found<T>) {
        if new.raw > self.worst {
            return;
        }
        if self.found.len() < self.k {
            self.found.push(new);
        } else if self.found.last().is_none_or(|last| !new.before(last)) {
            return;
        }
        // Few stand behind it: a search for its place would cost more than these.
        let found = &mut self.found[..];
        let mut at = found.len() - 1;
        while at > 0 && new.before(&found[at - 1]) {
            found[at] = found[at - 1];
            at -= 1;
        }
        found[at] = new;
        if found.len() == self.k {
            self.worst = found[self.k - 1].raw;
        }
    }
}

/// What a scan by products needs: the squared norm of the key at each slot.
#[derive(Clone, Debug)]
pub(crate) struct Products<T> {
    norms: Vec<T>,
    largest: f64,
}

impl<T: Float> Products<T> {
    /// Nothing where differences are as good: other metrics, few features, or keys far from the origin, whose norms would drown
    /// their distances.
    pub(crate) fn new(atom: &BoundAtom<T>, sites: &Sites<T>) -> Option<Self> {
        let f = atom.features.len();
        if atom.combine != Combine::SquaredDifference || f < FEWEST_FEATURES {
            return None;
        }
        let mut norms = vec![0.0; sites.padded];
        fill_chunks(&mut norms, PANEL, |p, norms| {
            for &f in &atom.features {
                for (norm, x) in norms.iter_mut().zip(sites.feature(f, p * PANEL, PANEL)) {
                    *norm += x.to_f64() * x.to_f64();
                }
            }
        });
        let center = sites.center(&atom.features);
        let middle = center.iter().map(|x| x * x).sum::<f64>();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        let largest = norms.iter().fold(0.0, |a: f64, b| a.max(*b));
        let fits = largest < T::MAX.to_f64() / 16.0 && middle <= 0.9 * mean;
        fits.then(|| Self {
            norms: norms.iter().map(|n| T::from_f64(*n)).collect(),
            largest,
        })
    }
}

/// Some queries of a scan.
struct Few<'a, T, const G: usize> {
    rows: [&'a [T]; G],
    side: Side<'a, T, G>,
    /// Their squared norms.
    norms: [f64; G],
}

impl<T: Float> Searcher<T> {
    /// Whether all keys are looked at for each query.
    pub(crate) fn scans(&self, k: usize) -> bool {
        self.tree.is_none() && k <= MOST_SORTED
    }

    /// Takes keys into the nearest so far of each of some queries, given as features one after the other; as
    /// [`improve`](Self::improve), for a few queries at a time.
    #[inline(always)]
    pub(crate) fn scan<I: Isa>(
        &self,
        isa: I,
        queries: &[T],
        best: &mut [Best<T>],
        name: &impl Fn(u32) -> Option<u32>,
    ) {
        let f = self.bound.features;
        let norm = |row: &[T]| row.iter().map(|x| x.to_f64() * x.to_f64()).sum();
        let norms: Vec<f64> = queries.chunks_exact(f).map(norm).collect();
        let mut buffers: [Vec<T>; TILE] = std::array::from_fn(|_| vec![T::ZERO; RUN]);
        // In pairs of panels: as many vectors of keys as registers take.
        let length = RUN_BYTES / (f * size_of::<T>()) / (2 * PANEL) * (2 * PANEL);
        let length = length.clamp(PANEL, RUN);
        let row = |i: usize| &queries[i * f..][..f];
        let features = &self.bound.atoms[0].features;
        let mut packed = Vec::new();
        pack(queries.chunks_exact(f), features, &mut packed);
        let packed_tiles = packed.chunks_exact(features.len() * TILE);
        let mut start = 0;
        while start < self.sites.padded {
            let slots = start..(start + length).min(self.sites.padded);
            let (tiles, rest) = best.as_chunks_mut::<TILE>();
            let first = tiles.len() * TILE;
            for (t, (best, packed)) in tiles.iter_mut().zip(packed_tiles.clone()).enumerate() {
                let few = Few {
                    rows: std::array::from_fn(|g| row(t * TILE + g)),
                    side: Side::Packed(packed.as_chunks().0),
                    norms: std::array::from_fn(|g| norms[t * TILE + g]),
                };
                self.see(isa, &few, &slots, &mut buffers, best.each_mut(), name);
            }
            for (i, best) in (first..).zip(rest) {
                let few = Few {
                    rows: [row(i)],
                    side: Side::Rows([row(i)]),
                    norms: [norms[i]],
                };
                if let Some(buffers) = buffers.first_chunk_mut::<1>() {
                    self.see(isa, &few, &slots, buffers, [best], name);
                }
            }
            start = slots.end;
        }
    }

    #[inline(always)]
    fn see<I: Isa, const G: usize>(
        &self,
        isa: I,
        few: &Few<'_, T, G>,
        slots: &Range<usize>,
        buffers: &mut [Vec<T>; G],
        best: [&mut Best<T>; G],
        name: &impl Fn(u32) -> Option<u32>,
    ) {
        let atom = &self.bound.atoms[0];
        let mut out = buffers.each_mut().map(|b| &mut b[..slots.len()]);
        if let Some(products) = &self.products {
            let (keys, stride) = self.sites.panels_from(slots.start);
            let each = out.each_mut().map(|o| &mut **o);
            let features = &atom.features;
            isa.tile(Fold::Product, few.side, features, None, keys, stride, each);
            for (g, (run, best)) in out.into_iter().zip(best).enumerate() {
                let query = (few.rows[g], few.norms[g]);
                self.look_again(isa, products, query, slots, run, best, name);
            }
            return;
        }
        let each = out.each_mut().map(|o| &mut **o);
        tile(isa, atom, &self.sites, few.side, slots.start, each);
        for (run, best) in out.into_iter().zip(best) {
            if atom.link == Link::Score {
                for x in run.iter_mut() {
                    *x = -*x;
                }
            }
            for (n, run) in run.chunks_exact(PANEL).enumerate() {
                if isa.smallest(run) <= best.worst {
                    self.offer(run, slots.start + n * PANEL, best, name);
                }
            }
        }
    }

    /// Offers the keys of a panel.
    #[inline(always)]
    fn offer(
        &self,
        run: &[T],
        start: usize,
        best: &mut Best<T>,
        name: &impl Fn(u32) -> Option<u32>,
    ) {
        let real = start.min(self.sites.rows)..(start + PANEL).min(self.sites.rows);
        for (&raw, &index) in run.iter().zip(&self.sites.index[real]) {
            if raw <= best.worst
                && let Some(index) = name(index)
            {
                best.offer(Found { raw, index });
            }
        }
    }

    /// Offers the keys of those panels in which a product leaves room for a nearer one.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn look_again<I: Isa>(
        &self,
        isa: I,
        products: &Products<T>,
        query: (&[T], f64),
        slots: &Range<usize>,
        run: &mut [T],
        best: &mut Best<T>,
        name: &impl Fn(u32) -> Option<u32>,
    ) {
        let (row, norm) = query;
        let atom = &self.bound.atoms[0];
        // By half an epsilon and feature: one rounding in the product, two in the difference's square and sum, of at most twice the
        // sum of the norms.
        let roundings = 1.5 * atom.features.len() as f64 + 8.0;
        let slack = roundings * T::EPSILON.to_f64() * (norm + products.largest);
        let two = T::from_f64(2.0);
        let norms = &products.norms[slots.clone()];
        let panels = run.chunks_exact_mut(PANEL).zip(norms.chunks_exact(PANEL));
        for (n, (run, norms)) in panels.enumerate() {
            for (x, norm) in run.iter_mut().zip(norms) {
                *x = *norm - two * *x;
            }
            let limit = best.worst.to_f64() - norm + slack;
            // A limit that is no number, of norms beyond the number type, leaves room for all.
            let least = isa.smallest(run).to_f64();
            if least.partial_cmp(&limit) != Some(std::cmp::Ordering::Greater) {
                let start = slots.start + n * PANEL;
                let side = Side::Rows([row]);
                tile(isa, atom, &self.sites, side, start, [&mut *run]);
                self.offer(run, start, best, name);
            }
        }
    }
}

//! Squared distances from inner products, `|q|^2 + |k|^2 - 2 <q, k>`: one operation for each column instead of two.
//!
//! What is added up may be much larger than what is left. So panels with a key that is near for the query's norm are looked at
//! again, by differences: the others lose two to three bits at the most, and none where distances are as norms are.

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use super::level::RUN;
use super::sites::Sites;
use crate::aligned::Aligned;
use crate::isa::Isa;
use crate::lanes::{HALF, PANEL, Side, TILE};
use crate::metric::Combine;
use crate::par::fill_chunks;
use crate::{Float, Rows};

const _: () = assert!(RUN / PANEL <= u32::BITS as usize);

/// Fewer features are as fast by differences.
const FEWEST_FEATURES: usize = 8;
/// Largest squared distance of a query from the keys' mean, in squared bandwidths. Beyond it kernels are so narrow that only near
/// keys weigh anything, and these take differences anyhow.
const FARTHEST: f64 = 32.0;
/// Keys are near where their squared distance is below this share of what the query's squared norm is more than [`HARMLESS`].
const NEAR: f64 = 0.5;
/// Squared norm, in squared bandwidths, whose rounding moves a log-weight no more than the exponential's own rounding does.
const HARMLESS: f64 = 4.0;
/// Squared norm, in squared bandwidths, up to which hardly a weight is so small that a tree would leave it out.
const DENSE: f64 = 16.0;
/// Keys that are looked at to learn how far they spread.
const SAMPLE: usize = 1024;

/// Keys around their mean, for one atom.
#[derive(Clone, Debug)]
pub(crate) struct Expanded<T> {
    /// For each panel of keys, for each feature of the atom, [`PANEL`] numbers.
    panels: Aligned<T>,
    /// Squared norms, by slot.
    norms: Aligned<T>,
    center: Vec<f64>,
    /// The atom's features are numbered anew.
    features: Vec<usize>,
}

/// A query of a product: twice its features around the keys' mean, and their squared norm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a, T> {
    pub(crate) double: &'a [T],
    pub(crate) norm: T,
    /// Keys at a smaller squared distance are near.
    pub(crate) near: T,
}

impl<T: Float> Expanded<T> {
    /// Nothing where differences are as good, or where most queries would take them.
    pub(crate) fn new(bound: &Bound<T>, sites: &Sites<T>) -> Option<Self> {
        let (atom, scale) = suited(bound)?;
        let d = atom.features.len();
        let n = sites.rows;
        let center = sites.center(&atom.features);
        let shift: Vec<_> = (0..d).map(|c| (center[c], atom.factor(c))).collect();
        let mut panels = Aligned::zeros(d * sites.padded);
        fill_chunks(&mut panels, d * PANEL, |p, panel| {
            let columns = panel.chunks_exact_mut(PANEL).zip(&shift);
            for ((to, (center, factor)), &f) in columns.zip(&atom.features) {
                for (to, x) in to.iter_mut().zip(sites.feature(f, p * PANEL, PANEL)) {
                    *to = T::from_f64((x.to_f64() - center) * factor);
                }
            }
        });
        let mut norms = Aligned::zeros(sites.padded);
        fill_chunks(&mut norms, PANEL, |p, to| {
            let mut norms = [0.0; PANEL];
            for column in panels[p * d * PANEL..][..d * PANEL].chunks_exact(PANEL) {
                for (norm, x) in norms.iter_mut().zip(column) {
                    *norm += x.to_f64() * x.to_f64();
                }
            }
            for (to, norm) in to.iter_mut().zip(norms) {
                *to = T::from_f64(norm);
            }
        });
        let mean = norms[..n].iter().map(|x| x.to_f64()).sum::<f64>() / n as f64;
        if mean * scale.inverse.to_f64() > FARTHEST {
            return None;
        }
        Some(Self {
            panels,
            norms,
            center,
            features: (0..d).collect(),
        })
    }

    /// Whether keys spread so little, as far as some of them show, that they will take products and a tree would be of no use.
    pub(crate) fn will_serve(bound: &Bound<T>, keys: Rows<'_, T>) -> bool {
        let Some((atom, scale)) = suited(bound) else {
            return false;
        };
        let step = keys.rows().div_ceil(SAMPLE).max(1);
        let mut row = vec![T::ZERO; bound.features];
        let d = atom.features.len();
        let (mut sums, mut squares) = (vec![0.0; d], 0.0);
        let mut count = 0.0;
        for i in (0..keys.rows()).step_by(step) {
            bound.map(keys.row(i), &mut row);
            for (c, &f) in atom.features.iter().enumerate() {
                let x = row[f].to_f64() * atom.factor(c);
                sums[c] += x;
                squares += x * x;
            }
            count += 1.0;
        }
        let middle = sums.iter().map(|x| (x / count).powi(2)).sum::<f64>();
        (squares / count - middle) * scale.inverse.to_f64() <= DENSE
    }

    /// Numbers of a query.
    pub(crate) fn columns(&self) -> usize {
        self.features.len()
    }

    /// The numbers of these.
    pub(crate) fn features(&self) -> &[usize] {
        &self.features
    }

    /// Writes twice a query's features around the keys' mean, and returns their squared norm and the squared distance of near keys; none
    /// for a query that takes differences.
    pub(crate) fn place(&self, atom: &BoundAtom<T>, query: &[T], out: &mut [T]) -> Option<[T; 2]> {
        let Width::Fixed(scale) = atom.width else {
            return None;
        };
        let inverse = scale.inverse.to_f64();
        let mut norm = 0.0;
        for (c, (out, &f)) in out.iter_mut().zip(&atom.features).enumerate() {
            let x = T::from_f64((query[f].to_f64() - self.center[c]) * atom.factor(c));
            norm += x.to_f64() * x.to_f64();
            *out = x + x;
        }
        let near = NEAR * (norm - HARMLESS / inverse);
        (norm * inverse <= FARTHEST).then(|| [norm, near].map(T::from_f64))
    }

    /// Squared distances of some queries and a run of keys. Those of one query do not depend on the others.
    #[inline(always)]
    pub(crate) fn raws<I: Isa>(
        &self,
        isa: I,
        queries: &[Around<'_, T>],
        start: usize,
        out: &mut [&mut [T]],
    ) {
        let (tiles, queries) = queries.as_chunks::<TILE>();
        let (tiles_out, out) = out.as_chunks_mut::<TILE>();
        for (queries, out) in tiles.iter().zip(tiles_out) {
            self.rows(isa, queries, start, out.each_mut().map(|o| &mut **o));
        }
        let (halves, queries) = queries.as_chunks::<HALF>();
        let (halves_out, out) = out.as_chunks_mut::<HALF>();
        for (queries, out) in halves.iter().zip(halves_out) {
            self.rows(isa, queries, start, out.each_mut().map(|o| &mut **o));
        }
        for (query, out) in queries.iter().zip(out) {
            self.rows(isa, &[*query], start, [*out]);
        }
    }

    #[inline(always)]
    fn rows<I: Isa, const G: usize>(
        &self,
        isa: I,
        queries: &[Around<'_, T>; G],
        start: usize,
        out: [&mut [T]; G],
    ) {
        let side = Side::Rows(queries.map(|q| q.double));
        self.tile(isa, side, queries.map(|q| q.norm), start, out);
    }

    /// The same for twice the features of as many queries as share registers, and their squared norms.
    #[inline(always)]
    pub(crate) fn tile<I: Isa, const G: usize>(
        &self,
        isa: I,
        doubles: Side<'_, T, G>,
        own: [T; G],
        start: usize,
        out: [&mut [T]; G],
    ) {
        let d = self.features.len();
        let norms = (own, &self.norms[start..]);
        let keys = &self.panels[start * d..];
        isa.expand(doubles, norms, &self.features, keys, d * PANEL, out);
    }
}

/// The only atom of a kernel whose squared distances may come from products, and its scale.
fn suited<T: Float>(bound: &Bound<T>) -> Option<(&BoundAtom<T>, Scale<T>)> {
    let ([Op::Atom(0)], [atom]) = (&bound.program[..], &bound.atoms[..]) else {
        return None;
    };
    let Width::Fixed(scale) = atom.width else {
        return None;
    };
    let suits = atom.combine == Combine::SquaredDifference
        && atom.features.len() >= FEWEST_FEATURES
        && atom.profile.is_smooth();
    suits.then_some((atom, scale))
}

/// The panels of a run of squared distances with a key nearer than this limit.
#[inline(always)]
pub(crate) fn near<T: Float, I: Isa>(
    isa: I,
    limit: T,
    run: &[T],
) -> Option<impl Iterator<Item = usize> + use<T, I>> {
    let is_near = |run: &[T]| isa.smallest(run) < limit;
    if !is_near(run) {
        return None;
    }
    let mut panels = 0_u32;
    for (n, run) in run.chunks_exact(PANEL).enumerate() {
        panels |= u32::from(is_near(run)) << n;
    }
    Some((0..u32::BITS as usize).filter(move |n| panels >> n & 1 == 1))
}

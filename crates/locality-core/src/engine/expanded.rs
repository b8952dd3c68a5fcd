//! Squared distances from inner products, `|q|^2 + |k|^2 - 2 <q, k>`: one operation for each column instead of two.
//!
//! What is added up may be much larger than what is left. So panels with a key that is near for the query's norm are looked at
//! again, by differences: the others lose two to three bits at the most, and none where distances are as norms are.

use super::bound::{Bound, BoundAtom, Op, Width};
use super::level::RUN;
use super::sites::Sites;
use crate::Float;
use crate::aligned::Aligned;
use crate::isa::Isa;
use crate::lanes::{HALF, PANEL, Side, TILE};
use crate::metric::Combine;

const _: () = assert!(RUN / PANEL <= u32::BITS as usize);

/// Fewer features are as fast by differences.
const FEWEST_FEATURES: usize = 8;
/// Largest squared distance of a query from the keys' mean, in squared bandwidths. Beyond it kernels are so narrow that only near
/// keys weigh anything, and these take differences anyhow.
const FARTHEST: f64 = 32.0;
/// Keys are near where their squared distance is below this share of the query's squared norm.
const NEAR: f64 = 0.5;

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
}

impl<T: Float> Expanded<T> {
    /// Nothing where differences are as good, or where most queries would take them.
    pub(crate) fn new(bound: &Bound<T>, sites: &Sites<T>) -> Option<Self> {
        let ([Op::Atom(0)], [atom]) = (&bound.program[..], &bound.atoms[..]) else {
            return None;
        };
        let d = atom.features.len();
        let Width::Fixed(scale) = atom.width else {
            return None;
        };
        if atom.combine != Combine::SquaredDifference
            || d < FEWEST_FEATURES
            || !atom.profile.is_smooth()
        {
            return None;
        }
        let n = sites.rows;
        let mut norms = vec![0.0; sites.padded];
        let mut center = Vec::with_capacity(d);
        let mut panels = Aligned::zeros(d * sites.padded);
        for (c, &f) in atom.features.iter().enumerate() {
            let runs = || {
                (0..sites.padded)
                    .step_by(PANEL)
                    .map(|s| (s, sites.feature(f, s, PANEL)))
            };
            let real = runs().flat_map(|(s, run)| &run[..n.saturating_sub(s).min(PANEL)]);
            let mean = real.map(|x| x.to_f64()).sum::<f64>() / n as f64;
            let factor = atom.factor(c);
            for (slot, run) in runs() {
                let to = &mut panels[slot * d + c * PANEL..][..PANEL];
                for ((to, x), norm) in to.iter_mut().zip(run).zip(&mut norms[slot..]) {
                    *to = T::from_f64((x.to_f64() - mean) * factor);
                    // Of the rounded number: that is what products are made of.
                    *norm += to.to_f64() * to.to_f64();
                }
            }
            center.push(mean);
        }
        let mean = norms[..n].iter().sum::<f64>() / n as f64;
        if mean * scale.inverse.to_f64() > FARTHEST {
            return None;
        }
        let mut rounded = Aligned::zeros(norms.len());
        for (to, x) in rounded.iter_mut().zip(&norms) {
            *to = T::from_f64(*x);
        }
        Some(Self {
            panels,
            norms: rounded,
            center,
            features: (0..d).collect(),
        })
    }

    /// Numbers of a query.
    pub(crate) fn columns(&self) -> usize {
        self.features.len()
    }

    /// The numbers of these.
    pub(crate) fn features(&self) -> &[usize] {
        &self.features
    }

    /// Writes twice a query's features around the keys' mean, and returns their squared norm; none for a query that takes
    /// differences.
    pub(crate) fn place(&self, atom: &BoundAtom<T>, query: &[T], out: &mut [T]) -> Option<T> {
        let Width::Fixed(scale) = atom.width else {
            return None;
        };
        let mut norm = 0.0;
        for (c, (out, &f)) in out.iter_mut().zip(&atom.features).enumerate() {
            let x = T::from_f64((query[f].to_f64() - self.center[c]) * atom.factor(c));
            norm += x.to_f64() * x.to_f64();
            *out = x + x;
        }
        (norm * scale.inverse.to_f64() <= FARTHEST).then(|| T::from_f64(norm))
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

/// The panels of a run of squared distances with a key that is near for a query of this squared norm.
#[inline(always)]
pub(crate) fn near<T: Float, I: Isa>(
    isa: I,
    norm: T,
    run: &[T],
) -> Option<impl Iterator<Item = usize> + use<T, I>> {
    let limit = norm * T::from_f64(NEAR);
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

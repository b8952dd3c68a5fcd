//! Raw numbers, the metric's sums over features, of queries and runs of keys.

use super::bound::BoundAtom;
use super::sites::Sites;
use crate::Float;
use crate::isa::Isa;
use crate::lanes::PANEL;
use crate::metric::Combine;

/// So many features are unrolled.
const FEW: usize = 4;

/// Raw numbers of a few queries and a run of keys. Those of one query do not depend on the others.
#[inline(always)]
pub(crate) fn raws<T: Float, I: Isa, const G: usize>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    queries: [&[T]; G],
    start: usize,
    out: &mut [&mut [T]; G],
) {
    let squared = atom.combine == Combine::SquaredDifference && atom.feature_scale.is_none();
    if squared && atom.features.len() > FEW || atom.combine == Combine::Product {
        let (keys, stride) = sites.panels_from(start);
        let out = out.each_mut().map(|o| &mut **o);
        isa.tile(squared, queries, &atom.features, keys, stride, out);
        return;
    }
    for (query, out) in queries.into_iter().zip(out) {
        raws_of(isa, atom, sites, query, start, out);
    }
}

#[inline(always)]
fn raws_of<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    let scale = atom.feature_scale.as_deref();
    let w = |c: usize| scale.map_or(T::ONE, |s| s[c]);
    match (atom.combine, scale.is_some()) {
        (Combine::SquaredDifference, false) => {
            squared(isa, atom, sites, query, start, out);
        }
        (Combine::SquaredDifference, true) => fold(atom, sites, query, start, out, |c, a, q, k| {
            let d = (q - k) * w(c);
            isa.fma(d, d, a)
        }),
        (Combine::AbsoluteDifference, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a + ((q - k) * w(c)).abs()
        }),
        (Combine::LargestDifference, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a.max(((q - k) * w(c)).abs())
        }),
        (Combine::Mismatch, _) => fold(atom, sites, query, start, out, |c, a, q, k| {
            a + if q == k { T::ZERO } else { w(c) }
        }),
        (Combine::Product, _) => {
            fold(atom, sites, query, start, out, |_, a, q, k| {
                isa.fma(q, k, a)
            });
        }
        (Combine::Difference, _) => fold(atom, sites, query, start, out, |_, a, q, k| a + (q - k)),
    }
}

/// Squared Euclidean distances, unrolled for few features.
#[inline(always)]
fn squared<T: Float, I: Isa>(
    isa: I,
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    match atom.features[..] {
        [a] => squared_few(isa, [a], sites, query, start, out),
        [a, b] => squared_few(isa, [a, b], sites, query, start, out),
        [a, b, c] => squared_few(isa, [a, b, c], sites, query, start, out),
        [a, b, c, d] => squared_few(isa, [a, b, c, d], sites, query, start, out),
        _ => fold(atom, sites, query, start, out, |_, a, q, k| {
            let d = q - k;
            isa.fma(d, d, a)
        }),
    }
}

#[inline(always)]
fn squared_few<T: Float, I: Isa, const D: usize>(
    isa: I,
    features: [usize; D],
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
) {
    let q: [T; D] = features.map(|f| query[f]);
    for (n, chunk) in out.chunks_exact_mut(PANEL).enumerate() {
        let at = start + n * PANEL;
        let mut sum = [T::ZERO; PANEL];
        for c in 0..D {
            let k = sites.feature(features[c], at, PANEL);
            for i in 0..PANEL {
                let d = q[c] - k[i];
                sum[i] = isa.fma(d, d, sum[i]);
            }
        }
        chunk.copy_from_slice(&sum);
    }
}

/// Folds feature after feature into chunks of sums kept in registers.
#[inline(always)]
fn fold<T: Float>(
    atom: &BoundAtom<T>,
    sites: &Sites<T>,
    query: &[T],
    start: usize,
    out: &mut [T],
    step: impl Fn(usize, T, T, T) -> T,
) {
    for (n, chunk) in out.chunks_exact_mut(PANEL).enumerate() {
        let at = start + n * PANEL;
        let mut sum = [T::ZERO; PANEL];
        for (c, &f) in atom.features.iter().enumerate() {
            let q = query[f];
            let k = sites.feature(f, at, PANEL);
            for i in 0..PANEL {
                sum[i] = step(c, sum[i], q, k[i]);
            }
        }
        chunk.copy_from_slice(&sum);
    }
}

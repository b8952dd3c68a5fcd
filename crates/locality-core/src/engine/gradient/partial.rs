//! Derivatives of raw numbers by features.

use std::ops::Range;

use super::trace::AtomTrace;
use crate::Float;
use crate::engine::bound::BoundAtom;
use crate::engine::level::RUN;
use crate::engine::sites::Sites;
use crate::lanes::PANEL;
use crate::metric::Combine;

/// Buffers: for a run of keys, derivatives by one feature.
pub(crate) struct Partial<T> {
    pub(crate) by: Vec<T>,
    /// For the largest difference: keys whose largest is still to come.
    open: Vec<bool>,
}

impl<T: Float> Partial<T> {
    pub(crate) fn new() -> Self {
        Self {
            by: vec![T::ZERO; RUN],
            open: vec![true; RUN],
        }
    }

    /// To be called before the features of an atom.
    pub(crate) fn start(&mut self) {
        self.open.fill(true);
    }

    /// Fills in the derivative of each key's raw number by the query's feature `c` of the atom (for keys: its negative; for
    /// products, by the key's own feature, the query's number).
    #[inline(always)]
    pub(crate) fn fill(
        &mut self,
        atom: &BoundAtom<T>,
        trace: &AtomTrace<T>,
        sites: &Sites<T>,
        query: &[T],
        c: usize,
        slots: &Range<usize>,
    ) {
        let f = atom.features[c];
        let q = query[f];
        let w = atom.feature_scale.as_ref().map_or(T::ONE, |w| w[c]);
        let twice = w * w * T::from_f64(2.0);
        let by = self.by[..slots.len()].chunks_exact_mut(PANEL);
        for (n, by) in by.enumerate() {
            let keys = sites.feature(f, slots.start + n * PANEL, PANEL);
            match atom.combine {
                Combine::SquaredDifference => {
                    for (b, k) in by.iter_mut().zip(keys) {
                        *b = (q - *k) * twice;
                    }
                }
                Combine::AbsoluteDifference => {
                    for (b, k) in by.iter_mut().zip(keys) {
                        *b = sign(q - *k) * w;
                    }
                }
                Combine::LargestDifference => {
                    let raw = &trace.raw[n * PANEL..];
                    let open = &mut self.open[n * PANEL..];
                    for (i, (b, k)) in by.iter_mut().zip(keys).enumerate() {
                        let d = q - *k;
                        let here = open[i] && (d * w).abs() == raw[i];
                        open[i] &= !here;
                        *b = if here { sign(d) * w } else { T::ZERO };
                    }
                }
                Combine::Product => by.copy_from_slice(keys),
                Combine::Difference => by.fill(T::ONE),
                Combine::Mismatch => by.fill(T::ZERO),
            }
        }
    }

    /// Turns the derivative by the query's feature into `-h` times the one by the feature's own bandwidth `h`.
    #[inline(always)]
    pub(crate) fn by_width(
        &mut self,
        atom: &BoundAtom<T>,
        sites: &Sites<T>,
        query: &[T],
        c: usize,
        slots: &Range<usize>,
    ) {
        let f = atom.features[c];
        let q = query[f];
        let w = atom.feature_scale.as_ref().map_or(T::ONE, |w| w[c]);
        let by = self.by[..slots.len()].chunks_exact_mut(PANEL);
        for (n, by) in by.enumerate() {
            let keys = sites.feature(f, slots.start + n * PANEL, PANEL);
            for (b, k) in by.iter_mut().zip(keys) {
                *b = match atom.combine {
                    Combine::Mismatch if q == *k => T::ZERO,
                    Combine::Mismatch => w,
                    _ => *b * (q - *k),
                };
            }
        }
    }
}

#[inline(always)]
fn sign<T: Float>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

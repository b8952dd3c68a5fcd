//! The innermost loops over rows, a few numbers at a time: differences of colours, sums over patches, weights. Whole runs of numbers are
//! read and written, so that rows have room for one more.

use locality_core::isa::Isa;

use super::padded::{LANES, Padded};
use super::shifts::Rule;
use crate::Float;

/// A place in padded rows: a line and a column.
pub(super) type Place = (usize, usize);

/// The squared differences of a few pixels from those at another place, less what noise alone would make.
#[inline(always)]
pub(super) fn difference<T: Float, I: Isa, const C: usize>(
    isa: I,
    noise: T,
    guide: &Padded<T>,
    (a, b): (Place, Place),
) -> [T; LANES] {
    let mut sums = [-noise; LANES];
    // As many channels as the picture has for 0.
    for k in 0..if C == 0 { guide.channels } else { C } {
        let (a, b) = (guide.some(a.0, k, a.1), guide.some(b.0, k, b.1));
        for ((s, a), b) in sums.iter_mut().zip(&a).zip(&b) {
            let d = *a - *b;
            *s = isa.fma(d, d, *s);
        }
    }
    sums
}

/// Weighted sums of runs of as many numbers as there are weights, or of `places` where all are 1.
#[inline(always)]
pub(super) fn along<T: Float, I: Isa>(
    isa: I,
    (weights, places): (&[T], usize),
    from: &[T],
    out: &mut [[T; LANES]],
) {
    for (c, out) in out.iter_mut().enumerate() {
        let runs = from[c * LANES..].windows(LANES);
        let mut sums = [T::ZERO; LANES];
        if weights.is_empty() {
            for run in runs.take(places) {
                for (s, x) in sums.iter_mut().zip(run) {
                    *s += *x;
                }
            }
        } else {
            for (run, g) in runs.zip(weights) {
                for (s, x) in sums.iter_mut().zip(run) {
                    *s = isa.fma(*g, *x, *s);
                }
            }
        }
        *out = sums;
    }
}

/// The weights of patches from the sums over their rows, the first of them in the ring's slot `start`.
#[inline(always)]
pub(super) fn across<T: Float, I: Isa>(
    isa: I,
    rule: &Rule<T>,
    (ring, start): (&[Vec<[T; LANES]>], usize),
    out: &mut [[T; LANES]],
) {
    let (later, first) = ring.split_at(start);
    let plain = rule.along.is_empty();
    let unit = if plain { rule.scale } else { T::ONE };
    for (c, out) in out.iter_mut().enumerate() {
        let mut sums = [T::ZERO; LANES];
        // The largest sum before the last row.
        let mut before = [T::NEG_INFINITY; LANES];
        for (q, row) in first.iter().chain(later).enumerate() {
            if plain {
                for (s, x) in sums.iter_mut().zip(&row[c]) {
                    *s += *x;
                }
                continue;
            }
            if q > 0 {
                for (b, s) in before.iter_mut().zip(&sums) {
                    *b = b.max(*s);
                }
            }
            let g = rule.along[q] * rule.scale;
            for (s, x) in sums.iter_mut().zip(&row[c]) {
                *s = isa.fma(g, *x, *s);
            }
        }
        for ((o, s), b) in out.iter_mut().zip(&sums).zip(&before) {
            let distance = *s * unit;
            let judged = if plain { distance } else { *b };
            let weight = isa.exp_below_one(-distance.max(T::ZERO));
            *o = if judged > rule.most { T::ZERO } else { weight };
        }
    }
}

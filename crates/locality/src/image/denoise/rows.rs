//! The innermost loops over rows: differences of colours, sums over patches, weights.

use locality_core::isa::Isa;

use super::shifts::{Difference, Rule};
use crate::Float;

/// The differences of two rows of colours, less what noise alone would make.
#[inline(always)]
pub(super) fn difference_of<'a, T: Float, I: Isa>(
    isa: I,
    rule: &Rule<T>,
    channels: usize,
    rows: impl Fn(usize) -> (&'a [T], &'a [T]),
    out: &mut [T],
) {
    let noise = -rule.noise;
    match (rule.difference, channels) {
        (Difference::Squares, 3) => {
            let ((a, b), (c, d), (e, f)) = (rows(0), rows(1), rows(2));
            let n = out.len();
            let (a, b, c, d, e, f) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n], &f[..n]);
            for (i, o) in out.iter_mut().enumerate() {
                let (x, y, z) = (a[i] - b[i], c[i] - d[i], e[i] - f[i]);
                *o = isa.fma(z, z, isa.fma(y, y, isa.fma(x, x, noise)));
            }
        }
        (Difference::Squares, _) => {
            out.fill(noise);
            for k in 0..channels {
                let (a, b) = rows(k);
                for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                    let d = *a - *b;
                    *o = isa.fma(d, d, *o);
                }
            }
        }
        (Difference::SquaredSum, _) => {
            out.fill(T::ZERO);
            for k in 0..channels {
                let (a, b) = rows(k);
                for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                    *o += (*a - *b).abs();
                }
            }
            for o in out.iter_mut() {
                *o = isa.fma(*o, *o, noise);
            }
        }
    }
}

/// Weighted sums of runs of `M` numbers; of as many as there are weights for 0.
#[inline(always)]
pub(super) fn along<T: Float, I: Isa, const M: usize>(
    isa: I,
    weights: &[T],
    from: &[T],
    out: &mut [T],
) {
    if M == 0 {
        out.fill(T::ZERO);
        for (q, g) in weights.iter().enumerate() {
            for (o, x) in out.iter_mut().zip(&from[q..]) {
                *o = isa.fma(*g, *x, *o);
            }
        }
        return;
    }
    let n = out.len();
    let from: [&[T]; M] = std::array::from_fn(|q| &from[q..][..n]);
    if weights.is_empty() {
        for (i, o) in out.iter_mut().enumerate() {
            let mut sum = from[0][i];
            for row in &from[1..] {
                sum += row[i];
            }
            *o = sum;
        }
        return;
    }
    let weights: [T; M] = std::array::from_fn(|q| weights[q]);
    for (i, o) in out.iter_mut().enumerate() {
        let mut sum = weights[0] * from[0][i];
        for (g, row) in weights.iter().zip(&from).skip(1) {
            sum = isa.fma(*g, row[i], sum);
        }
        *o = sum;
    }
}

/// The weight of a distance.
#[inline(always)]
fn weight_of<T: Float, I: Isa>(isa: I, distance: T, gone: bool, factor: T) -> T {
    let weight = factor * isa.exp_below_one(-distance.max(T::ZERO));
    if gone { T::ZERO } else { weight }
}

/// The weights of patches from the sums over their `M` rows.
#[inline(always)]
pub(super) fn across<T: Float, I: Isa, const M: usize>(
    isa: I,
    rule: &Rule<T>,
    factor: T,
    (ring, start): (&[Vec<T>], usize),
    out: &mut [T],
) {
    let n = out.len();
    let rows: [&[T]; M] = std::array::from_fn(|q| &ring[(start + q) % M][..n]);
    let (scale, most) = (rule.scale, rule.most);
    if !rule.early && rule.along.is_empty() {
        for (i, o) in out.iter_mut().enumerate() {
            let mut sum = rows[0][i];
            for row in &rows[1..] {
                sum += row[i];
            }
            let d = sum * scale;
            *o = weight_of(isa, d, d > most, factor);
        }
        return;
    }
    let g: [T; M] = std::array::from_fn(|q| rule.g(q) * scale);
    for (i, o) in out.iter_mut().enumerate() {
        let mut sum = g[0] * rows[0][i];
        let mut gone = false;
        for (g, row) in g.iter().zip(&rows).skip(1) {
            gone |= rule.early && sum > most;
            sum = isa.fma(*g, row[i], sum);
        }
        *o = weight_of(isa, sum, gone || (!rule.early && sum > most), factor);
    }
}

/// The same for any number of rows.
#[inline(always)]
pub(super) fn across_any<T: Float, I: Isa>(
    isa: I,
    rule: &Rule<T>,
    factor: T,
    (ring, start): (&[Vec<T>], usize),
    out: &mut [T],
) {
    let n = out.len();
    let mut gone = vec![false; if rule.early { n } else { 0 }];
    out.fill(T::ZERO);
    for q in 0..ring.len() {
        let row = &ring[(start + q) % ring.len()][..n];
        for (gone, o) in gone.iter_mut().zip(out.iter()) {
            *gone |= *o > rule.most;
        }
        let g = rule.g(q) * rule.scale;
        for (o, x) in out.iter_mut().zip(row) {
            *o = isa.fma(g, *x, *o);
        }
    }
    for (i, o) in out.iter_mut().enumerate() {
        let gone = if rule.early { gone[i] } else { *o > rule.most };
        *o = weight_of(isa, *o, gone, factor);
    }
}

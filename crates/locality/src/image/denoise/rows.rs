//! The innermost loops over rows: differences of colours, sums over patches, weights.

use locality_core::isa::Isa;

use super::shifts::Rule;
use crate::Float;

/// The squared differences of two rows of colours, less what noise alone would make.
#[inline(always)]
pub(super) fn difference<'a, T: Float, I: Isa>(
    isa: I,
    noise: T,
    channels: usize,
    rows: impl Fn(usize) -> (&'a [T], &'a [T]),
    out: &mut [T],
) {
    if channels == 3 {
        let ((a, b), (c, d), (e, f)) = (rows(0), rows(1), rows(2));
        let n = out.len();
        let (a, b, c, d, e, f) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n], &f[..n]);
        for (i, o) in out.iter_mut().enumerate() {
            let (x, y, z) = (a[i] - b[i], c[i] - d[i], e[i] - f[i]);
            *o = isa.fma(z, z, isa.fma(y, y, isa.fma(x, x, -noise)));
        }
        return;
    }
    for k in 0..channels {
        let (a, b) = rows(k);
        for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
            let d = *a - *b;
            *o = isa.fma(d, d, if k == 0 { -noise } else { *o });
        }
    }
}

/// Sums of `count` rows, four at a time.
#[inline(always)]
fn sums<'a, T: Float>(count: usize, row: impl Fn(usize) -> &'a [T], out: &mut [T]) {
    let n = out.len();
    let cut = |q: usize| &row(q)[..n];
    let mut done = count % 4;
    match done {
        1 => out.copy_from_slice(cut(0)),
        2 => {
            for ((o, a), b) in out.iter_mut().zip(cut(0)).zip(cut(1)) {
                *o = *a + *b;
            }
        }
        3 => {
            let (a, b, c) = (cut(0), cut(1), cut(2));
            for (i, o) in out.iter_mut().enumerate() {
                *o = a[i] + b[i] + c[i];
            }
        }
        _ => {}
    }
    while done < count {
        let (a, b, c, d) = (cut(done), cut(done + 1), cut(done + 2), cut(done + 3));
        if done == 0 {
            for (i, o) in out.iter_mut().enumerate() {
                *o = a[i] + b[i] + c[i] + d[i];
            }
        } else {
            for (i, o) in out.iter_mut().enumerate() {
                *o = *o + a[i] + b[i] + c[i] + d[i];
            }
        }
        done += 4;
    }
}

/// Weighted sums of runs of as many numbers as there are weights, or of `places` where all are 1.
#[inline(always)]
pub(super) fn along<T: Float, I: Isa>(
    isa: I,
    (weights, places): (&[T], usize),
    from: &[T],
    out: &mut [T],
) {
    if weights.is_empty() {
        sums(places, |q| &from[q..], out);
        return;
    }
    for (q, g) in weights.iter().enumerate() {
        for (o, x) in out.iter_mut().zip(&from[q..]) {
            *o = isa.fma(*g, *x, if q == 0 { T::ZERO } else { *o });
        }
    }
}

/// The weights of patches from the sums over their rows, the first of them in the ring's slot `start`. `before` is memory for as many
/// numbers.
#[inline(always)]
pub(super) fn across<T: Float, I: Isa>(
    isa: I,
    rule: &Rule<T>,
    (ring, start): (&[Vec<T>], usize),
    before: &mut [T],
    out: &mut [T],
) {
    let slot = |q: usize| &ring[(start + q) % ring.len()][..];
    let most = rule.most;
    if rule.along.is_empty() {
        sums(ring.len(), slot, out);
        for o in out.iter_mut() {
            let distance = *o * rule.scale;
            let weight = isa.exp_below_one(-distance.max(T::ZERO));
            *o = if distance > most { T::ZERO } else { weight };
        }
        return;
    }
    // The largest sum before the last row.
    before.fill(T::NEG_INFINITY);
    out.fill(T::ZERO);
    for (q, g) in rule.along.iter().enumerate() {
        let g = *g * rule.scale;
        if q > 0 {
            for (b, o) in before.iter_mut().zip(out.iter()) {
                *b = b.max(*o);
            }
        }
        for (o, x) in out.iter_mut().zip(slot(q)) {
            *o = isa.fma(g, *x, *o);
        }
    }
    for (o, before) in out.iter_mut().zip(before) {
        let weight = isa.exp_below_one(-o.max(T::ZERO));
        *o = if *before > most { T::ZERO } else { weight };
    }
}

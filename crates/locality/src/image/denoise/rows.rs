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

/// Sums of `count` rows, some at a time, from the first to the last; `finish` makes numbers of the whole sums.
#[inline(always)]
fn sums<'a, T: Float>(
    count: usize,
    row: impl Fn(usize) -> &'a [T],
    out: &mut [T],
    finish: impl Fn(T) -> T,
) {
    let n = out.len();
    let cut = |q: usize| &row(q)[..n];
    // The first pass takes what the others, of four rows each, leave: up to seven, so that usual patches need one.
    let mut done = if count < 8 { count } else { 4 + count % 4 };
    let first = cut(0);
    if done == count {
        pass(done - 1, |q| cut(q + 1), out, |i, _| first[i], &finish);
        return;
    }
    pass(done - 1, |q| cut(q + 1), out, |i, _| first[i], |sum| sum);
    while done + 4 < count {
        pass(4, |q| cut(done + q), out, |_, sum| sum, |sum| sum);
        done += 4;
    }
    pass(4, |q| cut(done + q), out, |_, sum| sum, &finish);
}

/// One pass over at most six rows, which are added to what `start` makes of a place and its sum so far.
#[inline(always)]
fn pass<'a, T: Float>(
    count: usize,
    row: impl Fn(usize) -> &'a [T],
    out: &mut [T],
    start: impl Fn(usize, T) -> T,
    finish: impl Fn(T) -> T,
) {
    #[inline(always)]
    fn of<'a, T: Float, const N: usize>(
        row: impl Fn(usize) -> &'a [T],
        out: &mut [T],
        start: impl Fn(usize, T) -> T,
        finish: impl Fn(T) -> T,
    ) {
        let n = out.len();
        let rows: [&[T]; N] = std::array::from_fn(|q| &row(q)[..n]);
        for (i, o) in out.iter_mut().enumerate() {
            let mut sum = start(i, *o);
            for row in rows {
                sum += row[i];
            }
            *o = finish(sum);
        }
    }
    match count {
        0 => of::<T, 0>(row, out, start, finish),
        1 => of::<T, 1>(row, out, start, finish),
        2 => of::<T, 2>(row, out, start, finish),
        3 => of::<T, 3>(row, out, start, finish),
        4 => of::<T, 4>(row, out, start, finish),
        5 => of::<T, 5>(row, out, start, finish),
        _ => of::<T, 6>(row, out, start, finish),
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
        sums(places, |q| &from[q..], out, |sum| sum);
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
        sums(ring.len(), slot, out, |sum| {
            let distance = sum * rule.scale;
            let weight = isa.exp_below_one(-distance.max(T::ZERO));
            if distance > most { T::ZERO } else { weight }
        });
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

/// Adds to the sums of weighted colours and, last, of weights.
#[inline(always)]
pub(super) fn weighted<'a, T: Float, I: Isa>(
    isa: I,
    weights: &[T],
    channels: usize,
    color: impl Fn(usize) -> &'a [T],
    sums: &mut [T],
    (line, left): (usize, usize),
) {
    let n = weights.len();
    let (colors, total) = sums.split_at_mut(channels * line);
    let total = &mut total[left..][..n];
    // The last color goes along with the weights themselves.
    for (k, sums) in colors.chunks_exact_mut(line).enumerate() {
        let (sums, color) = (&mut sums[left..][..n], &color(k)[..n]);
        if k + 1 < channels {
            for ((s, w), v) in sums.iter_mut().zip(weights).zip(color) {
                *s = isa.fma(*w, *v, *s);
            }
            continue;
        }
        for (((s, t), w), v) in sums.iter_mut().zip(&mut *total).zip(weights).zip(color) {
            *s = isa.fma(*w, *v, *s);
            *t += *w;
        }
    }
}

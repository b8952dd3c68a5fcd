//! Products and inverses of small matrices, many thousands a picture: rows padded to whole vectors, sums in registers.

use locality_core::isa::Isa;

/// Numbers a row is padded to.
pub(super) const LANES: usize = 16;
/// Rows at once.
const ROWS: usize = 4;

/// `d` rounded up to whole vectors.
pub(super) fn padded(d: usize) -> usize {
    d.next_multiple_of(LANES)
}

/// One tile of a product: `sum_k left(k, r) right[k][column..]` for four rows `r`.
#[inline(always)]
fn tile<'a, I: Isa>(
    isa: I,
    steps: usize,
    left: impl Fn(usize) -> [f32; ROWS],
    right: impl Fn(usize) -> &'a [f32],
) -> [[f32; LANES]; ROWS] {
    let mut sums = [[0.0; LANES]; ROWS];
    for k in 0..steps {
        let Some(row) = right(k).first_chunk::<LANES>() else {
            continue;
        };
        let left = left(k);
        for (sums, l) in sums.iter_mut().zip(left) {
            for (s, v) in sums.iter_mut().zip(row) {
                *s = isa.fma(l, *v, *s);
            }
        }
    }
    sums
}

/// `out[a][b] = sum_i x[i][a] x[i][b]`, `[d, padded(d)]`, of `x`, `[n, padded(d)]`.
#[inline(always)]
pub(super) fn gram<I: Isa>(isa: I, x: &[f32], d: usize, out: &mut [f32]) {
    let stride = padded(d);
    let n = x.len() / stride;
    for a in (0..d).step_by(ROWS) {
        // Blocks that lie below the diagonal are mirrored.
        for b in (a / LANES * LANES..stride).step_by(LANES) {
            let left = |i: usize| {
                let row = &x[i * stride + a..][..ROWS];
                [row[0], row[1], row[2], row[3]]
            };
            let sums = tile(isa, n, left, |i| &x[i * stride + b..]);
            for (r, sums) in sums.iter().enumerate().take(d - a) {
                out[(a + r) * stride + b..][..LANES].copy_from_slice(sums);
            }
        }
    }
    for a in 0..d {
        for b in 0..a / LANES * LANES {
            out[a * stride + b] = out[b * stride + a];
        }
    }
}

/// `out = x m`: `x` and `out` `[n, padded(d)]`, `m` `[d, padded(d)]`; `n` is a multiple of 4.
#[inline(always)]
pub(super) fn times<I: Isa>(isa: I, x: &[f32], m: &[f32], d: usize, out: &mut [f32]) {
    let stride = padded(d);
    let rows = x.chunks_exact(ROWS * stride);
    for (x, out) in rows.zip(out.chunks_exact_mut(ROWS * stride)) {
        for b in (0..stride).step_by(LANES) {
            let left = |k: usize| [x[k], x[stride + k], x[2 * stride + k], x[3 * stride + k]];
            let sums = tile(isa, d, left, |k| &m[k * stride + b..]);
            for (r, sums) in sums.iter().enumerate() {
                out[r * stride + b..][..LANES].copy_from_slice(sums);
            }
        }
    }
}

/// The inverse of a symmetric positive definite matrix `[d, padded(d)]` in its place, by Gauss and Jordan; whether all pivots were
/// positive. `row` is memory for one row.
#[inline(always)]
pub(super) fn invert<I: Isa>(isa: I, a: &mut [f32], d: usize, row: &mut [f32]) -> bool {
    let stride = padded(d);
    let row = &mut row[..stride];
    for p in 0..d {
        let pivot = a[p * stride + p];
        if pivot.is_nan() || pivot <= f32::MIN_POSITIVE {
            return false;
        }
        let inverse = 1.0 / pivot;
        row.copy_from_slice(&a[p * stride..][..stride]);
        for r in row.iter_mut() {
            *r *= inverse;
        }
        row[p] = inverse;
        for (i, line) in a.chunks_exact_mut(stride).enumerate().take(d) {
            if i == p {
                line.copy_from_slice(row);
                continue;
            }
            let factor = -line[p];
            line[p] = 0.0;
            for (l, r) in line.iter_mut().zip(row.iter()) {
                *l = isa.fma(factor, *r, *l);
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use locality_core::isa::{Task, dispatch};

    use super::*;
    use crate::random::Random;

    struct Check;

    impl Task for Check {
        type Out = ();
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) {
            for d in [1, 3, 9, 16, 25, 27, 75] {
                let (stride, n) = (padded(d), 2 * d.next_multiple_of(4));
                let mut random = Random::new(7, d as u64);
                let mut x = vec![0.0; n * stride];
                for row in x.chunks_exact_mut(stride) {
                    row[..d].fill_with(|| random.normal() as f32);
                }
                let mut c = vec![0.0; d * stride];
                gram(isa, &x, d, &mut c);
                for a in 0..d {
                    for b in 0..d {
                        let sum: f32 = (0..n).map(|i| x[i * stride + a] * x[i * stride + b]).sum();
                        assert!((c[a * stride + b] - sum).abs() < 1e-3, "{d}: {a}, {b}");
                    }
                }
                let mut inverse = c.clone();
                assert!(invert(isa, &mut inverse, d, &mut vec![0.0; stride]));
                // Rows of c, padded to a whole number of tiles.
                c.resize(d.next_multiple_of(4) * stride, 0.0);
                let mut one = vec![0.0; c.len()];
                times(isa, &c, &inverse, d, &mut one);
                for a in 0..d {
                    for b in 0..d {
                        let unit = f32::from(u8::from(a == b));
                        assert!((one[a * stride + b] - unit).abs() < 2e-2, "{d}: {a}, {b}");
                    }
                }
            }
            assert!(!invert(isa, &mut [0.0; 16], 1, &mut [0.0; 16]));
        }
    }

    #[test]
    fn products_and_inverses_are_those_of_plain_loops() {
        dispatch(Check);
    }
}

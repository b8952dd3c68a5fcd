//! Loops over vectors, written out: reductions and small tiles, which the compiler does not find by itself.

use pulp::{Simd, bytemuck};

/// Queries that share what is loaded of the keys.
pub(crate) const TILE: usize = 4;
/// Keys whose features lie together, and which loops work on at once with their sums in registers.
pub(crate) const PANEL: usize = 32;
/// Rows of values lie this many numbers apart, or a multiple: a whole number of any machine's vectors.
pub(crate) const ROW: usize = 16;
/// Features of a few queries that are packed side by side at a time.
const BATCH: usize = 128;
/// Vectors of a row of values that are summed up at once.
const WIDE: usize = 4;
/// Weighted rows are widened after so many.
const NARROW: usize = 256;
/// The widest register holds so many numbers.
const WIDEST: usize = 16;

/// How the features of two sites are folded into one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Sum of squared differences.
    Squared,
    /// Sum of products.
    Product,
    /// Sum of absolute differences.
    Absolute,
    /// Largest absolute difference.
    Largest,
}

/// Vector loops for one number type. Sums start in the number's own precision and are widened after a short run.
pub trait Lanes: Copy + Sized {
    /// Sum of a short run.
    fn sum_vector<S: Simd>(simd: S, x: &[Self]) -> f64;
    /// Sum of products of two equally long short runs.
    fn dot_vector<S: Simd>(simd: S, x: &[Self], y: &[Self]) -> f64;
    /// Largest; negative infinity for none.
    #[must_use]
    fn largest_vector<S: Simd>(simd: S, x: &[Self]) -> Self;
    /// Smallest; infinity for none.
    #[must_use]
    fn smallest_vector<S: Simd>(simd: S, x: &[Self]) -> Self;
    /// For each query, the fold over `features` of a run of keys: whole panels, `stride` numbers each, in which feature `f` of
    /// all keys of the panel is at `f * PANEL`. A difference is multiplied by the factor of its feature.
    #[allow(clippy::too_many_arguments)]
    fn tile_vector<S: Simd, const G: usize>(
        simd: S,
        fold: Fold,
        queries: [&[Self]; G],
        features: &[usize],
        factors: Option<&[Self]>,
        keys: &[Self],
        stride: usize,
        out: [&mut [Self]; G],
    );
    /// Adds to `out`, `[p]` for each query, the sum of weights x rows of values, `[len, stride]`; the stride is a multiple of
    /// [`ROW`].
    fn weigh_rows_vector<S: Simd, const G: usize>(
        simd: S,
        weights: [&[Self]; G],
        rows: &[Self],
        stride: usize,
        out: [&mut [f64]; G],
    );
    /// The same where the weight of row `i` for target `g` is at `i * step + g`.
    fn weigh_columns_vector<S: Simd, const G: usize>(
        simd: S,
        weights: &[Self],
        step: usize,
        rows: &[Self],
        stride: usize,
        out: [&mut [f64]; G],
    );
}

macro_rules! lanes {
    ($t:ident, $vector:ident, $split:ident, $split_mut:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $max:ident, $min:ident) => {
        impl Lanes for $t {
            #[inline(always)]
            fn sum_vector<S: Simd>(simd: S, x: &[Self]) -> f64 {
                let (head, tail) = S::$split(x);
                let mut sums = [simd.$splat(0.0); 2];
                let (pairs, rest) = pulp::as_arrays::<2, _>(head);
                for [a, b] in pairs {
                    sums = [simd.$add(sums[0], *a), simd.$add(sums[1], *b)];
                }
                for a in rest {
                    sums[0] = simd.$add(sums[0], *a);
                }
                let lanes = simd.$add(sums[0], sums[1]);
                let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
                let tail: f64 = tail.iter().map(|x| f64::from(*x)).sum();
                lanes_sum(lanes.iter().map(|x| f64::from(*x))) + tail
            }

            #[inline(always)]
            fn dot_vector<S: Simd>(simd: S, x: &[Self], y: &[Self]) -> f64 {
                let (x, x_tail) = S::$split(x);
                let (y, y_tail) = S::$split(y);
                let mut sums = [simd.$splat(0.0); 2];
                let (x_pairs, x_rest) = pulp::as_arrays::<2, _>(x);
                let (y_pairs, y_rest) = pulp::as_arrays::<2, _>(y);
                for ([a, b], [c, d]) in x_pairs.iter().zip(y_pairs) {
                    sums = [simd.$fma(*a, *c, sums[0]), simd.$fma(*b, *d, sums[1])];
                }
                for (a, c) in x_rest.iter().zip(y_rest) {
                    sums[0] = simd.$fma(*a, *c, sums[0]);
                }
                let lanes = simd.$add(sums[0], sums[1]);
                let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
                let tail = x_tail.iter().zip(y_tail);
                let tail: f64 = tail.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                lanes_sum(lanes.iter().map(|x| f64::from(*x))) + tail
            }

            #[inline(always)]
            fn largest_vector<S: Simd>(simd: S, x: &[Self]) -> Self {
                let (head, tail) = S::$split(x);
                let mut top = simd.$splat($t::NEG_INFINITY);
                for a in head {
                    top = simd.$max(top, *a);
                }
                let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&top));
                let all = lanes.iter().chain(tail);
                all.fold($t::NEG_INFINITY, |a, b| if *b > a { *b } else { a })
            }

            #[inline(always)]
            fn smallest_vector<S: Simd>(simd: S, x: &[Self]) -> Self {
                let (head, tail) = S::$split(x);
                let mut least = simd.$splat($t::INFINITY);
                for a in head {
                    least = simd.$min(least, *a);
                }
                let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&least));
                let all = lanes.iter().chain(tail);
                all.fold($t::INFINITY, |a, b| if *b < a { *b } else { a })
            }

            #[inline(always)]
            fn tile_vector<S: Simd, const G: usize>(
                simd: S,
                fold: Fold,
                queries: [&[Self]; G],
                features: &[usize],
                factors: Option<&[Self]>,
                keys: &[Self],
                stride: usize,
                out: [&mut [Self]; G],
            ) {
                #[inline(always)]
                fn each<S: Simd, const G: usize>(
                    simd: S,
                    queries: [&[$t]; G],
                    features: &[usize],
                    keys: (&[$t], usize),
                    out: [&mut [$t]; G],
                    step: impl Fn(usize, S::$vector, S::$vector, S::$vector) -> S::$vector + Copy,
                ) {
                    let mut out = out.map(|o| S::$split_mut(o).0);
                    let mut packed = [[0.0; G]; BATCH];
                    for (batch, features) in features.chunks(BATCH).enumerate() {
                        let first = batch * BATCH;
                        let from = features[0];
                        if features.iter().enumerate().all(|(i, &f)| f == from + i) {
                            let queries = queries.map(|q| &q[from..from + features.len()]);
                            for (i, p) in packed[..features.len()].iter_mut().enumerate() {
                                for g in 0..G {
                                    p[g] = queries[g][i];
                                }
                            }
                        } else {
                            for (p, &f) in packed.iter_mut().zip(features) {
                                *p = queries.map(|q| q[f]);
                            }
                        }
                        let queries = &packed[..features.len()];
                        let step = |c, a, q, k| step(first + c, a, q, k);
                        let mut v = 0;
                        while v + 4 <= out[0].len() {
                            few::<S, G, 4>(
                                simd,
                                queries,
                                features,
                                keys,
                                first > 0,
                                v,
                                &mut out,
                                step,
                            );
                            v += 4;
                        }
                        while v + 2 <= out[0].len() {
                            few::<S, G, 2>(
                                simd,
                                queries,
                                features,
                                keys,
                                first > 0,
                                v,
                                &mut out,
                                step,
                            );
                            v += 2;
                        }
                    }
                }
                /// `V` vectors of keys from vector `v` on, with all sums in registers.
                #[inline(always)]
                #[allow(clippy::too_many_arguments)]
                fn few<S: Simd, const G: usize, const V: usize>(
                    simd: S,
                    queries: &[[$t; G]],
                    features: &[usize],
                    (keys, stride): (&[$t], usize),
                    resume: bool,
                    v: usize,
                    out: &mut [&mut [S::$vector]; G],
                    step: impl Fn(usize, S::$vector, S::$vector, S::$vector) -> S::$vector,
                ) {
                    let width = size_of::<S::$vector>() / size_of::<$t>();
                    // Two vectors always lie in one panel.
                    let panel = PANEL / width;
                    let two: [_; V] = std::array::from_fn(|j| {
                        let v = v + j / 2 * 2;
                        keys[v / panel * stride..][..stride].as_chunks::<PANEL>().0
                    });
                    let start: [_; V] = std::array::from_fn(|j| (v + j / 2 * 2) % panel * width);
                    let mut sums = [[simd.$splat(0.0); V]; G];
                    if resume {
                        for g in 0..G {
                            sums[g].copy_from_slice(&out[g][v..v + V]);
                        }
                    }
                    for (c, (queries, &f)) in queries.iter().zip(features).enumerate() {
                        let mut k = [simd.$splat(0.0); V];
                        for j in (0..V).step_by(2) {
                            let (two, _) = S::$split(&two[j][f][start[j]..start[j] + 2 * width]);
                            (k[j], k[j + 1]) = (two[0], two[1]);
                        }
                        for g in 0..G {
                            let q = simd.$splat(queries[g]);
                            for j in 0..V {
                                sums[g][j] = step(c, sums[g][j], q, k[j]);
                            }
                        }
                    }
                    for g in 0..G {
                        out[g][v..v + V].copy_from_slice(&sums[g]);
                    }
                }
                let keys = (keys, stride);
                let factor = |c: usize| simd.$splat(factors.map_or(1.0, |f| f[c]));
                // Twice the difference: `abs` of pulp is a call for each vector.
                let apart =
                    |c, q, k| simd.$mul(simd.$max(simd.$sub(q, k), simd.$sub(k, q)), factor(c));
                match (fold, factors.is_some()) {
                    (Fold::Squared, false) => {
                        each(simd, queries, features, keys, out, |_, a, q, k| {
                            let d = simd.$sub(q, k);
                            simd.$fma(d, d, a)
                        })
                    }
                    (Fold::Squared, true) => {
                        each(simd, queries, features, keys, out, |c, a, q, k| {
                            let d = simd.$mul(simd.$sub(q, k), factor(c));
                            simd.$fma(d, d, a)
                        })
                    }
                    (Fold::Product, _) => each(simd, queries, features, keys, out, |_, a, q, k| {
                        simd.$fma(q, k, a)
                    }),
                    (Fold::Absolute, _) => {
                        each(simd, queries, features, keys, out, |c, a, q, k| {
                            simd.$add(a, apart(c, q, k))
                        })
                    }
                    (Fold::Largest, _) => each(simd, queries, features, keys, out, |c, a, q, k| {
                        simd.$max(a, apart(c, q, k))
                    }),
                }
            }

            #[inline(always)]
            fn weigh_rows_vector<S: Simd, const G: usize>(
                simd: S,
                weights: [&[Self]; G],
                rows: &[Self],
                stride: usize,
                mut out: [&mut [f64]; G],
            ) {
                let width = size_of::<S::$vector>() / size_of::<$t>();
                let columns = out[0].len();
                let len = weights[0].len();
                let mut start = 0;
                while start < len {
                    let end = (start + NARROW).min(len);
                    let weights = weights.map(|w| &w[start..end]);
                    let rows = &rows[start * stride..end * stride];
                    let mut column = 0;
                    while column < columns {
                        let left = stride - column;
                        if left >= WIDE * width {
                            let mut sums = [[simd.$splat(0.0); WIDE]; G];
                            for (i, row) in rows.chunks_exact(stride).enumerate() {
                                let (v, _) = S::$split(&row[column..column + WIDE * width]);
                                for g in 0..G {
                                    let w = simd.$splat(weights[g][i]);
                                    for j in 0..WIDE {
                                        sums[g][j] = simd.$fma(w, v[j], sums[g][j]);
                                    }
                                }
                            }
                            for (out, sums) in out.iter_mut().zip(&sums) {
                                let sums: &[$t] = bytemuck::cast_slice(sums);
                                for (o, s) in out[column..].iter_mut().zip(sums) {
                                    *o += f64::from(*s);
                                }
                            }
                            column += WIDE * width;
                        } else {
                            let mut sums = [simd.$splat(0.0); G];
                            for (i, row) in rows.chunks_exact(stride).enumerate() {
                                let (v, _) = S::$split(&row[column..column + width]);
                                for g in 0..G {
                                    let w = simd.$splat(weights[g][i]);
                                    sums[g] = simd.$fma(w, v[0], sums[g]);
                                }
                            }
                            for (out, sums) in out.iter_mut().zip(&sums) {
                                let sums: &[$t] = bytemuck::cast_slice(std::slice::from_ref(sums));
                                for (o, s) in out[column..].iter_mut().zip(sums) {
                                    *o += f64::from(*s);
                                }
                            }
                            column += width;
                        }
                    }
                    start = end;
                }
            }

            #[inline(always)]
            fn weigh_columns_vector<S: Simd, const G: usize>(
                simd: S,
                weights: &[Self],
                step: usize,
                rows: &[Self],
                stride: usize,
                mut out: [&mut [f64]; G],
            ) {
                /// `V` vectors from a column on.
                #[inline(always)]
                fn some<S: Simd, const G: usize, const V: usize>(
                    simd: S,
                    (weights, step): (&[$t], usize),
                    (rows, stride): (&[$t], usize),
                    column: usize,
                    out: &mut [&mut [f64]; G],
                ) {
                    let width = size_of::<S::$vector>() / size_of::<$t>();
                    let mut sums = [[simd.$splat(0.0); V]; G];
                    for (row, weights) in rows.chunks_exact(stride).zip(weights.chunks(step)) {
                        let (Some(weights), (v, _)) = (
                            weights.first_chunk::<G>(),
                            S::$split(&row[column..column + V * width]),
                        ) else {
                            return;
                        };
                        for g in 0..G {
                            let w = simd.$splat(weights[g]);
                            for j in 0..V {
                                sums[g][j] = simd.$fma(w, v[j], sums[g][j]);
                            }
                        }
                    }
                    for (out, sums) in out.iter_mut().zip(&sums) {
                        let sums: &[$t] = bytemuck::cast_slice(sums);
                        for (o, s) in out[column..].iter_mut().zip(sums) {
                            *o += f64::from(*s);
                        }
                    }
                }
                let width = size_of::<S::$vector>() / size_of::<$t>();
                let columns = out[0].len();
                let runs = rows.chunks(NARROW * stride);
                for (rows, weights) in runs.zip(weights.chunks(NARROW * step)) {
                    let (rows, weights) = ((rows, stride), (weights, step));
                    let mut column = 0;
                    while column < columns {
                        if stride - column >= WIDE * width {
                            some::<S, G, WIDE>(simd, weights, rows, column, &mut out);
                            column += WIDE * width;
                        } else {
                            some::<S, G, 1>(simd, weights, rows, column, &mut out);
                            column += width;
                        }
                    }
                }
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_f32s,
    max_f32s,
    min_f32s
);
lanes!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_f64s,
    max_f64s,
    min_f64s
);

/// Sum of the lanes of a register, by halves: a fixed order and a short chain.
#[inline(always)]
fn lanes_sum(lanes: impl Iterator<Item = f64>) -> f64 {
    let mut wide = [0.0; WIDEST];
    for (w, l) in wide.iter_mut().zip(lanes) {
        *w = l;
    }
    let mut half = WIDEST / 2;
    while half > 0 {
        for i in 0..half {
            wide[i] += wide[i + half];
        }
        half /= 2;
    }
    wide[0]
}

#[cfg(test)]
mod tests;

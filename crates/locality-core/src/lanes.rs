//! Loops over vectors, written out: reductions and small tiles, which the compiler does not find by itself.

pub(crate) mod gram;

use gram::Gram;
use pulp::{Simd, bytemuck};

/// Queries that share what is loaded of the keys.
pub(crate) const TILE: usize = 12;
/// Fewer of them, where less than a whole tile is left and where registers are few.
pub(crate) const HALF: usize = TILE / 2;
/// Keys whose features lie together, and which loops work on at once with their sums in registers.
pub(crate) const PANEL: usize = 32;
/// Rows of values lie this many numbers apart, or a multiple: a whole number of any machine's vectors.
pub(crate) const ROW: usize = 16;
/// Features that are folded at a time: those of a tile of queries stay in the first-level cache while the keys pass.
const BATCH: usize = 256;
/// Weighted rows are widened after so many.
const NARROW: usize = 256;
/// Reductions keep so many vectors, since each operation waits for the one before it.
const CHAINS: usize = 4;
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

/// Some queries side by side.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a, T, const G: usize> {
    /// A row of features each.
    Rows([&'a [T]; G]),
    /// For each feature that is folded, in their order, the numbers of all of them.
    Packed(&'a [[T; G]]),
}

impl<'a, T: Copy, const G: usize> Side<'a, T, G> {
    /// Of what [`pack`] made, if it is of as many queries.
    #[inline(always)]
    pub(crate) fn packed(tile: &'a [T]) -> Option<Self> {
        (G == TILE).then_some(Self::Packed(tile.as_chunks().0))
    }

    /// The number of query `g` at feature `f`, the `c`-th of those that are folded.
    #[inline(always)]
    pub(crate) fn at(&self, g: usize, c: usize, f: usize) -> T {
        match self {
            Self::Rows(rows) => rows[g][f],
            Self::Packed(packed) => packed[c][g],
        }
    }
}

/// For each whole tile of rows, the numbers of its rows at each of the features side by side: what tiles read again and again.
pub(crate) fn pack<'a, T: Copy + 'a>(
    rows: impl Iterator<Item = &'a [T]>,
    features: &[usize],
    out: &mut Vec<T>,
) {
    let rows: Vec<&[T]> = rows.collect();
    for tile in rows.as_chunks::<TILE>().0 {
        for &f in features {
            out.extend(tile.map(|row| row[f]));
        }
    }
}

/// Vector loops for one number type. Sums start in the number's own precision and are widened after a short run.
pub trait Lanes: Copy + Sized {
    /// Sum of a short run.
    fn sum_vector<S: Simd>(simd: S, x: &[Self]) -> f64;
    /// Sum of products of two equally long short runs.
    fn dot_vector<S: Simd>(simd: S, x: &[Self], y: &[Self]) -> f64;
    /// Adds the sums of a [`Gram`] over a short run to `out`.
    fn gram_vector<S: Simd>(simd: S, gram: Gram<'_, Self>, out: &mut [f64]);
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
        queries: Side<'_, Self, G>,
        features: &[usize],
        factors: Option<&[Self]>,
        keys: &[Self],
        stride: usize,
        out: [&mut [Self]; G],
    );
    /// For each query, `max(0, own + norm - product)` for a run of keys that are laid out likewise, given a number for each query
    /// and one for each key.
    #[allow(clippy::too_many_arguments)]
    fn expand_vector<S: Simd, const G: usize>(
        simd: S,
        queries: Side<'_, Self, G>,
        norms: ([Self; G], &[Self]),
        features: &[usize],
        keys: &[Self],
        stride: usize,
        out: [&mut [Self]; G],
    );
    /// Adds to `out`, `[p]` for each target, the sum of weights x rows of values, `[len, stride]`; the stride is a multiple of
    /// [`ROW`]. `weight` is given a row and a target.
    fn weigh_vector<S: Simd, const G: usize>(
        simd: S,
        weight: impl Fn(usize, usize) -> Self + Copy,
        rows: &[Self],
        stride: usize,
        out: [&mut [f64]; G],
    );
}

macro_rules! lanes {
    ($t:ident, $vector:ident, $split:ident, $split_mut:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $max:ident, $min:ident, $reduce_max:ident, $reduce_min:ident) => {
        const _: () = {
            /// Folds the features of some queries and a run of keys with `step`, which is given the number of the feature; `finish` is given
            /// the query and the vector of keys.
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn each<S: Simd, const G: usize>(
                simd: S,
                queries: Side<'_, $t, G>,
                features: &[usize],
                keys: (&[$t], usize),
                out: [&mut [$t]; G],
                finish: impl Fn(usize, usize, S::$vector) -> S::$vector + Copy,
                step: impl Fn(usize, S::$vector, S::$vector, S::$vector) -> S::$vector + Copy,
            ) {
                let mut out = out.map(|o| S::$split_mut(o).0);
                let count = features.len();
                // Batches of one size: a short one would hardly pay for its beginning and end.
                let batches = count.div_ceil(BATCH).max(1);
                let size = count.div_ceil(batches).max(1);
                for (batch, features) in features.chunks(size).enumerate() {
                    let first = batch * size;
                    let last = first + features.len() == count;
                    let mut packed;
                    let queries = match queries {
                        Side::Packed(all) => &all[first..first + features.len()],
                        Side::Rows(rows) => {
                            packed = [[0.0; G]; BATCH];
                            let from = features[0];
                            if features.iter().enumerate().all(|(i, &f)| f == from + i) {
                                let rows = rows.map(|q| &q[from..from + features.len()]);
                                for (i, p) in packed[..features.len()].iter_mut().enumerate() {
                                    for g in 0..G {
                                        p[g] = rows[g][i];
                                    }
                                }
                            } else {
                                for (p, &f) in packed.iter_mut().zip(features) {
                                    *p = rows.map(|q| q[f]);
                                }
                            }
                            &packed[..features.len()]
                        }
                    };
                    let step = |c, a, q, k| step(first + c, a, q, k);
                    let finish = |g, v, a| if last { finish(g, v, a) } else { a };
                    let mut v = 0;
                    while v < out[0].len() {
                        // Sums, the keys' vectors and the query's number have a register each; two vectors always remain.
                        let keys = (keys, first > 0, v);
                        if G > HALF && S::REGISTER_COUNT < 32 {
                            few::<S, G, HALF, 2>(
                                simd,
                                (queries, 0),
                                features,
                                keys,
                                &mut out,
                                finish,
                                step,
                            );
                            let at = (queries, HALF);
                            few::<S, G, HALF, 2>(simd, at, features, keys, &mut out, finish, step);
                            v += 2;
                        } else if 4 * G + 5 <= S::REGISTER_COUNT && v + 4 <= out[0].len() {
                            few::<S, G, G, 4>(
                                simd,
                                (queries, 0),
                                features,
                                keys,
                                &mut out,
                                finish,
                                step,
                            );
                            v += 4;
                        } else {
                            few::<S, G, G, 2>(
                                simd,
                                (queries, 0),
                                features,
                                keys,
                                &mut out,
                                finish,
                                step,
                            );
                            v += 2;
                        }
                    }
                }
            }
            /// `H` of the queries from `at` on and `V` vectors of keys from vector `v` on, with all sums in registers.
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn few<S: Simd, const G: usize, const H: usize, const V: usize>(
                simd: S,
                (queries, at): (&[[$t; G]], usize),
                features: &[usize],
                ((keys, stride), resume, v): ((&[$t], usize), bool, usize),
                out: &mut [&mut [S::$vector]; G],
                finish: impl Fn(usize, usize, S::$vector) -> S::$vector,
                step: impl Fn(usize, S::$vector, S::$vector, S::$vector) -> S::$vector,
            ) {
                let width = size_of::<S::$vector>() / size_of::<$t>();
                // Two vectors always lie in one panel.
                let panel = PANEL / width;
                let two: [_; V] = std::array::from_fn(|j| {
                    let v = v + j / 2 * 2;
                    keys[v / panel * stride..][..stride].as_chunks::<PANEL>().0
                });
                let start: [_; V] = std::array::from_fn(|j| (v + j / 2 * 2) % panel);
                debug_assert!(features.iter().all(|f| *f < stride / PANEL));
                let mut sums = [[simd.$splat(0.0); V]; H];
                if resume {
                    for h in 0..H {
                        sums[h].copy_from_slice(&out[at + h][v..v + V]);
                    }
                }
                for (c, (queries, &f)) in queries.iter().zip(features).enumerate() {
                    let mut k = [simd.$splat(0.0); V];
                    for j in (0..V).step_by(2) {
                        // No way out of the loop but its end: for another, sums would be kept in memory.
                        let two = S::$split(two[j].get(f).unwrap_or(&[0.0; PANEL])).0;
                        (k[j], k[j + 1]) = (two[start[j] % panel], two[(start[j] + 1) % panel]);
                    }
                    for h in 0..H {
                        let q = simd.$splat(queries[at + h]);
                        for j in 0..V {
                            sums[h][j] = step(c, sums[h][j], q, k[j]);
                        }
                    }
                }
                // A copy may be indexed by a loop that is not unrolled; the sums themselves would be kept in memory for that.
                let sums = sums;
                for h in 0..H {
                    for j in 0..V {
                        out[at + h][v + j] = finish(at + h, v + j, sums[h][j]);
                    }
                }
            }

            impl Lanes for $t {
                #[inline(always)]
                fn sum_vector<S: Simd>(simd: S, x: &[Self]) -> f64 {
                    let (head, tail) = S::$split(x);
                    let mut sums = [simd.$splat(0.0); CHAINS];
                    let (fours, rest) = pulp::as_arrays::<CHAINS, _>(head);
                    for four in fours {
                        for c in 0..CHAINS {
                            sums[c] = simd.$add(sums[c], four[c]);
                        }
                    }
                    for (sum, a) in sums.iter_mut().zip(rest) {
                        *sum = simd.$add(*sum, *a);
                    }
                    let tail: f64 = tail.iter().map(|x| f64::from(*x)).sum();
                    let lanes = simd.$add(simd.$add(sums[0], sums[1]), simd.$add(sums[2], sums[3]));
                    let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
                    lanes_sum(lanes.iter().map(|x| f64::from(*x))) + tail
                }

                #[inline(always)]
                fn dot_vector<S: Simd>(simd: S, x: &[Self], y: &[Self]) -> f64 {
                    let (x, x_tail) = S::$split(x);
                    let (y, y_tail) = S::$split(y);
                    let mut sums = [simd.$splat(0.0); CHAINS];
                    let (x_fours, x_rest) = pulp::as_arrays::<CHAINS, _>(x);
                    let (y_fours, y_rest) = pulp::as_arrays::<CHAINS, _>(y);
                    for (x, y) in x_fours.iter().zip(y_fours) {
                        for c in 0..CHAINS {
                            sums[c] = simd.$fma(x[c], y[c], sums[c]);
                        }
                    }
                    for ((sum, a), b) in sums.iter_mut().zip(x_rest).zip(y_rest) {
                        *sum = simd.$fma(*a, *b, *sum);
                    }
                    let tail = x_tail.iter().zip(y_tail);
                    let tail: f64 = tail.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    let lanes = simd.$add(simd.$add(sums[0], sums[1]), simd.$add(sums[2], sums[3]));
                    let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
                    lanes_sum(lanes.iter().map(|x| f64::from(*x))) + tail
                }

                #[inline(always)]
                fn gram_vector<S: Simd>(simd: S, gram: Gram<'_, Self>, out: &mut [f64]) {
                    gram.vectors(simd, out);
                }

                #[inline(always)]
                fn largest_vector<S: Simd>(simd: S, x: &[Self]) -> Self {
                    let (head, tail) = S::$split(x);
                    let mut tops = [simd.$splat($t::NEG_INFINITY); CHAINS];
                    let (fours, rest) = pulp::as_arrays::<CHAINS, _>(head);
                    for four in fours {
                        for c in 0..CHAINS {
                            tops[c] = simd.$max(tops[c], four[c]);
                        }
                    }
                    for (top, a) in tops.iter_mut().zip(rest) {
                        *top = simd.$max(*top, *a);
                    }
                    let top = simd.$max(simd.$max(tops[0], tops[1]), simd.$max(tops[2], tops[3]));
                    let top = simd.$reduce_max(top);
                    tail.iter().fold(top, |a, b| if *b > a { *b } else { a })
                }

                #[inline(always)]
                fn smallest_vector<S: Simd>(simd: S, x: &[Self]) -> Self {
                    let (head, tail) = S::$split(x);
                    let mut leasts = [simd.$splat($t::INFINITY); CHAINS];
                    let (fours, rest) = pulp::as_arrays::<CHAINS, _>(head);
                    for four in fours {
                        for c in 0..CHAINS {
                            leasts[c] = simd.$min(leasts[c], four[c]);
                        }
                    }
                    for (least, a) in leasts.iter_mut().zip(rest) {
                        *least = simd.$min(*least, *a);
                    }
                    let [a, b, c, d] = leasts;
                    let least = simd.$min(simd.$min(a, b), simd.$min(c, d));
                    let least = simd.$reduce_min(least);
                    tail.iter().fold(least, |a, b| if *b < a { *b } else { a })
                }

                #[inline(always)]
                fn tile_vector<S: Simd, const G: usize>(
                    simd: S,
                    fold: Fold,
                    queries: Side<'_, Self, G>,
                    features: &[usize],
                    factors: Option<&[Self]>,
                    keys: &[Self],
                    stride: usize,
                    out: [&mut [Self]; G],
                ) {
                    let keys = (keys, stride);
                    let as_is = |_, _, sum| sum;
                    let factor = |c: usize| simd.$splat(factors.map_or(1.0, |f| f[c]));
                    // Twice the difference: `abs` of pulp is a call for each vector.
                    let apart =
                        |c, q, k| simd.$mul(simd.$max(simd.$sub(q, k), simd.$sub(k, q)), factor(c));
                    match (fold, factors.is_some()) {
                        (Fold::Squared, false) => {
                            each(simd, queries, features, keys, out, as_is, |_, a, q, k| {
                                let d = simd.$sub(q, k);
                                simd.$fma(d, d, a)
                            })
                        }
                        (Fold::Squared, true) => {
                            each(simd, queries, features, keys, out, as_is, |c, a, q, k| {
                                let d = simd.$mul(simd.$sub(q, k), factor(c));
                                simd.$fma(d, d, a)
                            })
                        }
                        (Fold::Product, _) => {
                            each(simd, queries, features, keys, out, as_is, |_, a, q, k| {
                                simd.$fma(q, k, a)
                            })
                        }
                        (Fold::Absolute, _) => {
                            each(simd, queries, features, keys, out, as_is, |c, a, q, k| {
                                simd.$add(a, apart(c, q, k))
                            })
                        }
                        (Fold::Largest, _) => {
                            each(simd, queries, features, keys, out, as_is, |c, a, q, k| {
                                simd.$max(a, apart(c, q, k))
                            })
                        }
                    }
                }

                #[inline(always)]
                fn expand_vector<S: Simd, const G: usize>(
                    simd: S,
                    queries: Side<'_, Self, G>,
                    (own, norms): ([Self; G], &[Self]),
                    features: &[usize],
                    keys: &[Self],
                    stride: usize,
                    out: [&mut [Self]; G],
                ) {
                    let norms = S::$split(&norms[..out[0].len()]).0;
                    let finish = |g: usize, v: usize, product| {
                        let both = simd.$add(simd.$splat(own[g]), norms[v]);
                        simd.$max(simd.$sub(both, product), simd.$splat(0.0))
                    };
                    let keys = (keys, stride);
                    each(simd, queries, features, keys, out, finish, |_, a, q, k| {
                        simd.$fma(q, k, a)
                    });
                }

                #[inline(always)]
                fn weigh_vector<S: Simd, const G: usize>(
                    simd: S,
                    weight: impl Fn(usize, usize) -> Self + Copy,
                    rows: &[Self],
                    stride: usize,
                    mut out: [&mut [f64]; G],
                ) {
                    /// `H` of the targets from `at` on and `V` vectors of rows from `column` on.
                    #[inline(always)]
                    fn some<S: Simd, const G: usize, const H: usize, const V: usize>(
                        simd: S,
                        weight: impl Fn(usize, usize) -> $t,
                        (rows, stride): (&[$t], usize),
                        at: usize,
                        column: usize,
                        out: &mut [&mut [f64]; G],
                    ) {
                        let width = size_of::<S::$vector>() / size_of::<$t>();
                        let mut sums = [[simd.$splat(0.0); V]; H];
                        for (i, row) in rows.chunks_exact(stride).enumerate() {
                            let (v, _) = S::$split(&row[column..column + V * width]);
                            for h in 0..H {
                                let w = simd.$splat(weight(i, at + h));
                                for j in 0..V {
                                    sums[h][j] = simd.$fma(w, v[j], sums[h][j]);
                                }
                            }
                        }
                        // As for tiles: of a copy.
                        let sums = sums;
                        for (h, sums) in sums.iter().enumerate() {
                            let sums: &[$t] = bytemuck::cast_slice(sums);
                            for (o, s) in out[at + h][column..].iter_mut().zip(sums) {
                                *o += f64::from(*s);
                            }
                        }
                    }
                    let width = size_of::<S::$vector>() / size_of::<$t>();
                    let columns = out[0].len();
                    for (run, rows) in rows.chunks(NARROW * stride).enumerate() {
                        let weight = |i, g| weight(run * NARROW + i, g);
                        let rows = (rows, stride);
                        let mut column = 0;
                        while column < columns {
                            // As for tiles: no more sums than there are registers.
                            let few = G > HALF && S::REGISTER_COUNT < 32;
                            let left = (stride - column) / width;
                            if few && left >= 2 {
                                some::<S, G, HALF, 2>(simd, weight, rows, 0, column, &mut out);
                                some::<S, G, HALF, 2>(simd, weight, rows, HALF, column, &mut out);
                                column += 2 * width;
                            } else if 4 * G + 5 <= S::REGISTER_COUNT && left >= 4 {
                                some::<S, G, G, 4>(simd, weight, rows, 0, column, &mut out);
                                column += 4 * width;
                            } else if left >= 2 {
                                some::<S, G, G, 2>(simd, weight, rows, 0, column, &mut out);
                                column += 2 * width;
                            } else {
                                some::<S, G, G, 1>(simd, weight, rows, 0, column, &mut out);
                                column += width;
                            }
                        }
                    }
                }
            }
        };
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
    min_f32s,
    reduce_max_f32s,
    reduce_min_f32s
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
    min_f64s,
    reduce_max_f64s,
    reduce_min_f64s
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

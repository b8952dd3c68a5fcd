//! Sums of weighted products of columns: what local regressions are made of.

use pulp::{Simd, bytemuck};

use super::lanes_sum;
use crate::Float;

/// Columns that share what is loaded of one another.
const GROUP: usize = 4;

/// Where row `i` and column `j <= i` of a lower triangle are, row after row.
#[inline(always)]
fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// How many sums [`Gram`] has for so many square columns and columns in all.
pub const fn gram_len(square: usize, columns: usize) -> usize {
    (square + 1) * (square + 2) / 2 + (columns - square) * (square + 1)
}

/// Sums over a short run of `w a b` for all pairs of columns, each less its shift; the constant 1 is a column, too, the first. Sums are
/// formed in the numbers' own precision, and added to what is wider.
///
/// The sums of the constant and the `square` columns that follow are a lower triangle, row after row; the columns after these have a row
/// each with the constant and the square ones.
#[derive(Clone, Copy, Debug)]
pub struct Gram<'a, T = f64> {
    /// Weights, `[len]`.
    pub weights: &'a [T],
    /// Columns, at least `[len]` each.
    pub columns: &'a [&'a [T]],
    /// What is taken off each column; nothing where it is empty.
    pub shifts: &'a [T],
    /// How many of them are paired with one another.
    pub square: usize,
}

impl<T: Float> Gram<'_, T> {
    /// Where the sum of columns `i >= j`, counted from the constant, is; `None` for a pair that is not asked for.
    #[inline(always)]
    fn place(&self, i: usize, j: usize) -> Option<usize> {
        if i <= self.square {
            Some(at(i, j))
        } else if j <= self.square {
            let rows = i - self.square - 1;
            Some(at(self.square, self.square) + 1 + rows * (self.square + 1) + j)
        } else {
            None
        }
    }

    #[inline(always)]
    fn shift(&self, column: usize) -> T {
        self.shifts.get(column).copied().unwrap_or(T::ZERO)
    }

    /// A number of a column less its shift.
    #[inline(always)]
    fn shifted(&self, column: usize, i: usize) -> f64 {
        (self.columns[column][i] - self.shift(column)).to_f64()
    }

    /// Adds the sums to `out` by plain loops.
    #[inline(always)]
    pub(crate) fn plain(&self, out: &mut [f64]) {
        let column = |c: usize, i: usize| match c {
            0 => 1.0,
            c => self.shifted(c - 1, i),
        };
        for a in 0..=self.columns.len() {
            for b in 0..=a {
                if let Some(place) = self.place(a, b) {
                    let terms = self.weights.iter().enumerate();
                    let terms = terms.map(|(i, w)| w.to_f64() * column(a, i) * column(b, i));
                    out[place] += terms.sum::<f64>();
                }
            }
        }
    }
}

macro_rules! grams {
    ($t:ident, $vector:ident, $split:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident) => {
        impl Gram<'_, $t> {
            /// Adds the sums to `out`, all of a group of columns in registers.
            #[inline(always)]
            pub(crate) fn vectors<S: Simd>(&self, simd: S, out: &mut [f64]) {
                if self.shifts.is_empty() {
                    self.groups::<S, false>(simd, out);
                } else {
                    self.groups::<S, true>(simd, out);
                }
            }

            #[inline(always)]
            fn groups<S: Simd, const SHIFTED: bool>(&self, simd: S, out: &mut [f64]) {
                let count = self.columns.len();
                if S::REGISTER_COUNT >= 32 && count == 5 {
                    self.triangle::<S, 5, SHIFTED>(simd, 0, true, out);
                    return;
                }
                let mut first = 0;
                loop {
                    let with_one = first == 0;
                    match (count - first).min(GROUP) {
                        0 => self.triangle::<S, 0, SHIFTED>(simd, first, with_one, out),
                        1 => self.triangle::<S, 1, SHIFTED>(simd, first, with_one, out),
                        2 => self.triangle::<S, 2, SHIFTED>(simd, first, with_one, out),
                        3 => self.triangle::<S, 3, SHIFTED>(simd, first, with_one, out),
                        _ => self.triangle::<S, 4, SHIFTED>(simd, first, with_one, out),
                    }
                    let mut before = 0;
                    while before < first.min(self.square) {
                        self.rectangle::<S, SHIFTED>(simd, first, before, out);
                        before += GROUP;
                    }
                    first += GROUP;
                    if first >= count {
                        return;
                    }
                }
            }

            /// A group of `N` columns from `first` on with itself and the constant.
            #[inline(always)]
            fn triangle<S: Simd, const N: usize, const SHIFTED: bool>(
                &self,
                simd: S,
                first: usize,
                with_one: bool,
                out: &mut [f64],
            ) {
                let len = self.weights.len();
                let (w, w_tail) = S::$split(self.weights);
                let columns: [_; N] =
                    std::array::from_fn(|c| S::$split(&self.columns[first + c][..len]).0);
                let shifts: [_; N] = std::array::from_fn(|c| simd.$splat(self.shift(first + c)));
                let mut one = simd.$splat(0.0);
                let mut sums = [simd.$splat(0.0); N];
                let mut pairs = [[simd.$splat(0.0); N]; N];
                for (v, &w) in w.iter().enumerate() {
                    // Loops, since closures for arrays are not always compiled into their place.
                    let mut x = shifts;
                    for c in 0..N {
                        x[c] = if SHIFTED {
                            simd.$sub(columns[c][v], x[c])
                        } else {
                            columns[c][v]
                        };
                    }
                    one = simd.$add(one, w);
                    for a in 0..N {
                        let weighted = simd.$mul(w, x[a]);
                        sums[a] = simd.$add(sums[a], weighted);
                        for b in 0..=a {
                            pairs[a][b] = simd.$fma(weighted, x[b], pairs[a][b]);
                        }
                    }
                }
                let from = len - w_tail.len();
                let tail = |c: usize, i: usize| self.shifted(first + c, from + i);
                if with_one {
                    out[0] +=
                        Self::total::<S>(one) + w_tail.iter().map(|w| f64::from(*w)).sum::<f64>();
                }
                for a in 0..N {
                    let weighted = |(i, w): (usize, &$t)| f64::from(*w) * tail(a, i);
                    if let Some(place) = self.place(first + a + 1, 0) {
                        let tail = w_tail.iter().enumerate().map(weighted);
                        out[place] += Self::total::<S>(sums[a]) + tail.sum::<f64>();
                    }
                    for (b, &pair) in pairs[a][..=a].iter().enumerate() {
                        if let Some(place) = self.place(first + a + 1, first + b + 1) {
                            let each = w_tail.iter().enumerate();
                            let tail = each.map(|(i, w)| weighted((i, w)) * tail(b, i));
                            out[place] += Self::total::<S>(pair) + tail.sum::<f64>();
                        }
                    }
                }
            }

            /// A group of columns with a whole one before it.
            #[inline(always)]
            fn rectangle<S: Simd, const SHIFTED: bool>(
                &self,
                simd: S,
                first: usize,
                before: usize,
                out: &mut [f64],
            ) {
                // As many sums as there are registers for.
                let most = if S::REGISTER_COUNT < 32 { 2 } else { GROUP };
                let last = (first + GROUP).min(self.columns.len());
                let mut row = first;
                while row < last {
                    let rows = (last - row).min(most);
                    match rows {
                        1 => self.rows::<S, 1, SHIFTED>(simd, row, before, out),
                        2 => self.rows::<S, 2, SHIFTED>(simd, row, before, out),
                        3 => self.rows::<S, 3, SHIFTED>(simd, row, before, out),
                        _ => self.rows::<S, 4, SHIFTED>(simd, row, before, out),
                    }
                    row += rows;
                }
            }

            #[inline(always)]
            fn rows<S: Simd, const N: usize, const SHIFTED: bool>(
                &self,
                simd: S,
                row: usize,
                before: usize,
                out: &mut [f64],
            ) {
                let len = self.weights.len();
                let (w, w_tail) = S::$split(self.weights);
                let rows: [_; N] =
                    std::array::from_fn(|c| S::$split(&self.columns[row + c][..len]).0);
                let columns: [_; GROUP] =
                    std::array::from_fn(|c| S::$split(&self.columns[before + c][..len]).0);
                let row_shifts: [_; N] = std::array::from_fn(|c| simd.$splat(self.shift(row + c)));
                let shifts: [_; GROUP] =
                    std::array::from_fn(|c| simd.$splat(self.shift(before + c)));
                let mut pairs = [[simd.$splat(0.0); GROUP]; N];
                for (v, &w) in w.iter().enumerate() {
                    let mut weighted = row_shifts;
                    for a in 0..N {
                        let x = if SHIFTED {
                            simd.$sub(rows[a][v], weighted[a])
                        } else {
                            rows[a][v]
                        };
                        weighted[a] = simd.$mul(w, x);
                    }
                    for b in 0..GROUP {
                        let x = if SHIFTED {
                            simd.$sub(columns[b][v], shifts[b])
                        } else {
                            columns[b][v]
                        };
                        for a in 0..N {
                            pairs[a][b] = simd.$fma(weighted[a], x, pairs[a][b]);
                        }
                    }
                }
                let from = len - w_tail.len();
                let tail = |c: usize, i: usize| self.shifted(c, from + i);
                for (a, pairs) in pairs.iter().enumerate() {
                    for (b, &pair) in pairs.iter().enumerate() {
                        if let Some(place) = self.place(row + a + 1, before + b + 1) {
                            let each = w_tail.iter().enumerate();
                            let tail = each.map(|(i, w)| {
                                f64::from(*w) * tail(row + a, i) * tail(before + b, i)
                            });
                            out[place] += Self::total::<S>(pair) + tail.sum::<f64>();
                        }
                    }
                }
            }

            /// Sum of the lanes of a register.
            #[inline(always)]
            fn total<S: Simd>(lanes: S::$vector) -> f64 {
                let lanes: &[$t] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
                lanes_sum(lanes.iter().map(|x| f64::from(*x)))
            }
        }
    };
}

grams!(
    f32,
    f32s,
    as_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_f32s
);
grams!(
    f64,
    f64s,
    as_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_f64s
);

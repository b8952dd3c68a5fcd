//! Sums of weighted products of columns: what local regressions are made of.

use pulp::{Simd, bytemuck};

use super::lanes_sum;

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

/// Sums over a short run of `w a b` for all pairs of columns, each less its shift; the constant 1 is a column, too, the first.
///
/// The sums of the constant and the `square` columns that follow are a lower triangle, row after row; the columns after these have a row
/// each with the constant and the square ones.
#[derive(Clone, Copy, Debug)]
pub struct Gram<'a> {
    /// Weights, `[len]`.
    pub weights: &'a [f64],
    /// Columns, at least `[len]` each, and what is taken off each.
    pub columns: &'a [&'a [f64]],
    /// What is taken off each column.
    pub shifts: &'a [f64],
    /// How many of them are paired with one another.
    pub square: usize,
}

impl Gram<'_> {
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

    /// Adds the sums to `out` by plain loops.
    #[inline(always)]
    pub(crate) fn plain(&self, out: &mut [f64]) {
        let column = |c: usize, i: usize| match c {
            0 => 1.0,
            c => self.columns[c - 1][i] - self.shifts[c - 1],
        };
        for a in 0..=self.columns.len() {
            for b in 0..=a {
                if let Some(place) = self.place(a, b) {
                    let terms = self.weights.iter().enumerate();
                    let terms = terms.map(|(i, w)| w * column(a, i) * column(b, i));
                    out[place] += terms.sum::<f64>();
                }
            }
        }
    }

    /// Adds the sums to `out`, all of a group of columns in registers.
    #[inline(always)]
    pub(crate) fn vectors<S: Simd>(&self, simd: S, out: &mut [f64]) {
        let count = self.columns.len();
        if S::REGISTER_COUNT >= 32 && count == 5 {
            self.triangle::<S, 5>(simd, 0, true, out);
            return;
        }
        let mut first = 0;
        loop {
            let with_one = first == 0;
            match (count - first).min(GROUP) {
                0 => self.triangle::<S, 0>(simd, first, with_one, out),
                1 => self.triangle::<S, 1>(simd, first, with_one, out),
                2 => self.triangle::<S, 2>(simd, first, with_one, out),
                3 => self.triangle::<S, 3>(simd, first, with_one, out),
                _ => self.triangle::<S, 4>(simd, first, with_one, out),
            }
            let mut before = 0;
            while before < first.min(self.square) {
                self.rectangle(simd, first, before, out);
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
    fn triangle<S: Simd, const N: usize>(
        &self,
        simd: S,
        first: usize,
        with_one: bool,
        out: &mut [f64],
    ) {
        let len = self.weights.len();
        let (w, w_tail) = S::as_simd_f64s(self.weights);
        let columns: [_; N] =
            std::array::from_fn(|c| S::as_simd_f64s(&self.columns[first + c][..len]).0);
        let shifts: [_; N] = std::array::from_fn(|c| simd.splat_f64s(self.shifts[first + c]));
        let mut one = simd.splat_f64s(0.0);
        let mut sums = [simd.splat_f64s(0.0); N];
        let mut pairs = [[simd.splat_f64s(0.0); N]; N];
        for (v, &w) in w.iter().enumerate() {
            // Loops, since closures for arrays are not always compiled into their place.
            let mut x = shifts;
            for c in 0..N {
                x[c] = simd.sub_f64s(columns[c][v], x[c]);
            }
            one = simd.add_f64s(one, w);
            for a in 0..N {
                let weighted = simd.mul_f64s(w, x[a]);
                sums[a] = simd.add_f64s(sums[a], weighted);
                for b in 0..=a {
                    pairs[a][b] = simd.mul_add_f64s(weighted, x[b], pairs[a][b]);
                }
            }
        }
        let from = len - w_tail.len();
        let tail = |c: usize, i: usize| self.columns[first + c][from + i] - self.shifts[first + c];
        if with_one {
            out[0] += total::<S>(one) + w_tail.iter().sum::<f64>();
        }
        for a in 0..N {
            let weighted = |(i, w): (usize, &f64)| w * tail(a, i);
            if let Some(place) = self.place(first + a + 1, 0) {
                let tail = w_tail.iter().enumerate().map(weighted);
                out[place] += total::<S>(sums[a]) + tail.sum::<f64>();
            }
            for (b, &pair) in pairs[a][..=a].iter().enumerate() {
                if let Some(place) = self.place(first + a + 1, first + b + 1) {
                    let each = w_tail.iter().enumerate();
                    let tail = each.map(|(i, w)| weighted((i, w)) * tail(b, i));
                    out[place] += total::<S>(pair) + tail.sum::<f64>();
                }
            }
        }
    }

    /// A group of columns with a whole one before it.
    #[inline(always)]
    fn rectangle<S: Simd>(&self, simd: S, first: usize, before: usize, out: &mut [f64]) {
        // As many sums as there are registers for.
        let most = if S::REGISTER_COUNT < 32 { 2 } else { GROUP };
        let last = (first + GROUP).min(self.columns.len());
        let mut row = first;
        while row < last {
            let rows = (last - row).min(most);
            match rows {
                1 => self.rows::<S, 1>(simd, row, before, out),
                2 => self.rows::<S, 2>(simd, row, before, out),
                3 => self.rows::<S, 3>(simd, row, before, out),
                _ => self.rows::<S, 4>(simd, row, before, out),
            }
            row += rows;
        }
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, row: usize, before: usize, out: &mut [f64]) {
        let len = self.weights.len();
        let (w, w_tail) = S::as_simd_f64s(self.weights);
        let rows: [_; N] =
            std::array::from_fn(|c| S::as_simd_f64s(&self.columns[row + c][..len]).0);
        let columns: [_; GROUP] =
            std::array::from_fn(|c| S::as_simd_f64s(&self.columns[before + c][..len]).0);
        let row_shifts: [_; N] = std::array::from_fn(|c| simd.splat_f64s(self.shifts[row + c]));
        let shifts: [_; GROUP] = std::array::from_fn(|c| simd.splat_f64s(self.shifts[before + c]));
        let mut pairs = [[simd.splat_f64s(0.0); GROUP]; N];
        for (v, &w) in w.iter().enumerate() {
            let mut weighted = row_shifts;
            for a in 0..N {
                weighted[a] = simd.mul_f64s(w, simd.sub_f64s(rows[a][v], weighted[a]));
            }
            for b in 0..GROUP {
                let x = simd.sub_f64s(columns[b][v], shifts[b]);
                for a in 0..N {
                    pairs[a][b] = simd.mul_add_f64s(weighted[a], x, pairs[a][b]);
                }
            }
        }
        let from = len - w_tail.len();
        let tail = |c: usize, i: usize| self.columns[c][from + i] - self.shifts[c];
        for (a, pairs) in pairs.iter().enumerate() {
            for (b, &pair) in pairs.iter().enumerate() {
                if let Some(place) = self.place(row + a + 1, before + b + 1) {
                    let each = w_tail.iter().enumerate();
                    let tail = each.map(|(i, w)| w * tail(row + a, i) * tail(before + b, i));
                    out[place] += total::<S>(pair) + tail.sum::<f64>();
                }
            }
        }
    }
}

/// Sum of the lanes of a register.
#[inline(always)]
fn total<S: Simd>(lanes: S::f64s) -> f64 {
    let lanes: &[f64] = bytemuck::cast_slice(std::slice::from_ref(&lanes));
    lanes_sum(lanes.iter().copied())
}

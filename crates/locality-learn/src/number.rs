//! The two number types, with their matrix product.

use locality_core::Float;
use locality_core::isa::{Isa, Task, dispatch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// `f32`, which models are trained in, or `f64`, in which derivatives are checked.
pub trait Number: Float {
    /// Products of a tile of rows and a panel of columns; use [`multiply`].
    #[doc(hidden)]
    fn tile(left: &[[Self; ROWS]], right: &[[Self; PANEL]], out: &mut Tile<Self>);
}

/// Rows that share what is loaded of a panel: with two vectors of columns their sums fill twelve registers.
#[doc(hidden)]
pub const ROWS: usize = 6;
/// Columns whose numbers lie side by side for each term of the sums.
#[doc(hidden)]
pub const PANEL: usize = 32;
/// Sums of a tile.
#[doc(hidden)]
pub type Tile<T> = [[T; PANEL]; ROWS];

/// Terms that are added in registers; the panel of so many stays in the first-level cache.
const DEPTH: usize = 256;
/// The rows of an output are cut into about so many pieces of work, of at most [`LONGEST`] tiles.
const PIECES: usize = 8;
const LONGEST: usize = 8;

/// A matrix in a slice, row after row, or the transpose of one.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    stride: usize,
    transposed: bool,
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// `rows` rows of `columns` numbers, one after another.
    ///
    /// # Panics
    /// Where the slice is shorter.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self {
            data: &data[..rows * columns],
            rows,
            columns,
            stride: columns,
            transposed: false,
        }
    }

    /// The same with rows that begin `stride` numbers apart.
    pub(crate) fn with_stride(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            stride,
            transposed: false,
        }
    }

    /// The transpose, without moving a number.
    #[must_use]
    pub fn transposed(mut self) -> Self {
        self.transposed = !self.transposed;
        (self.rows, self.columns) = (self.columns, self.rows);
        self
    }

    /// Copies `N` columns from `column` on, side by side for the rows from `row` on; what is beyond the matrix stays.
    #[inline(always)]
    fn pack_columns<const N: usize>(&self, row: usize, column: usize, out: &mut [[T; N]]) {
        let n = N.min(self.columns - column);
        if self.transposed {
            for j in 0..n {
                let from = &self.data[(column + j) * self.stride + row..][..out.len()];
                for (to, from) in out.iter_mut().zip(from) {
                    to[j] = *from;
                }
            }
        } else {
            for (i, to) in out.iter_mut().enumerate() {
                let from = &self.data[(row + i) * self.stride + column..][..n];
                // Whole ones are copied without a call.
                match from.first_chunk::<N>() {
                    Some(all) => *to = *all,
                    None => to[..n].copy_from_slice(from),
                }
            }
        }
    }
}

/// `out = left right`, or `out += left right` where `add`, on the threads of the pool that it is called in. Each number is summed up by
/// itself in the order of its terms, so that no bit depends on how the work is cut.
///
/// # Panics
/// Where the shapes do not fit, which is an error of the layer that calls.
pub fn multiply<T: Number>(out: &mut [T], add: bool, left: Matrix<'_, T>, right: Matrix<'_, T>) {
    let (rows, depth, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(depth, right.rows, "a product of matrices that do not fit");
    assert_eq!(out.len(), rows * columns, "a product that does not fit");
    if rows < ROWS && right.transposed && !left.transposed && depth > 0 {
        return few(out, add, left, right);
    }
    if !add {
        out.fill(T::ZERO);
    }
    if out.is_empty() || depth == 0 {
        return;
    }
    // Panels of all columns, once for all rows; those of a run of terms lie together.
    let panels = columns.div_ceil(PANEL);
    let mut packed = vec![[T::ZERO; PANEL]; panels * depth];
    let each = packed.par_chunks_mut(depth).enumerate();
    each.with_max_len(1).for_each(|(p, panel)| {
        right.pack_columns(0, p * PANEL, panel);
    });
    let tiles = rows.div_ceil(ROWS);
    let piece = tiles.div_ceil(PIECES).min(LONGEST) * ROWS;
    let pieces = out.par_chunks_mut(piece * columns).enumerate();
    // A row of the left matrix is a column of its transpose.
    let turned = left.transposed();
    pieces.with_max_len(1).for_each(|(p, out)| {
        let tiles = (out.len() / columns).div_ceil(ROWS);
        let mut own = vec![[T::ZERO; ROWS]; tiles * DEPTH.min(depth)];
        let mut sums = [[T::ZERO; PANEL]; ROWS];
        for start in (0..depth).step_by(DEPTH) {
            let terms = DEPTH.min(depth - start);
            for (t, tile) in own.chunks_exact_mut(terms).take(tiles).enumerate() {
                turned.pack_columns(start, p * piece + t * ROWS, tile);
            }
            for (j, panel) in packed.chunks_exact(depth).enumerate() {
                let panel = &panel[start..start + terms];
                let width = PANEL.min(columns - j * PANEL);
                for (tile, out) in own.chunks_exact(terms).zip(out.chunks_mut(ROWS * columns)) {
                    T::tile(tile, panel, &mut sums);
                    for (row, sums) in out.chunks_exact_mut(columns).zip(&sums) {
                        let row = &mut row[j * PANEL..][..width];
                        row.iter_mut().zip(sums).for_each(|(o, s)| *o += *s);
                    }
                }
            }
        }
    });
}

/// Buffers of [`multiply_here`].
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    panels: Vec<[T; PANEL]>,
    tile: Vec<[T; ROWS]>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self {
            panels: Vec::new(),
            tile: Vec::new(),
        }
    }
}

/// `out = left right` on this thread alone, for small matrices; rows of `out` begin `stride` numbers apart.
pub(crate) fn multiply_here<T: Number>(
    out: &mut [T],
    stride: usize,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    scratch: &mut Scratch<T>,
) {
    let (rows, depth, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(depth, right.rows, "a product of matrices that do not fit");
    let panels = columns.div_ceil(PANEL);
    scratch.panels.resize(panels * depth, [T::ZERO; PANEL]);
    scratch.tile.resize(depth, [T::ZERO; ROWS]);
    for (p, panel) in scratch.panels.chunks_exact_mut(depth).enumerate() {
        right.pack_columns(0, p * PANEL, panel);
    }
    let turned = left.transposed();
    let mut sums = [[T::ZERO; PANEL]; ROWS];
    for first in (0..rows).step_by(ROWS) {
        turned.pack_columns(0, first, &mut scratch.tile);
        for (p, panel) in scratch.panels.chunks_exact(depth).enumerate() {
            T::tile(&scratch.tile, panel, &mut sums);
            let width = PANEL.min(columns - p * PANEL);
            for (r, sums) in sums.iter().enumerate().take(rows - first) {
                let to = &mut out[(first + r) * stride + p * PANEL..][..width];
                to.copy_from_slice(&sums[..width]);
            }
        }
    }
}

/// Products of a few rows, which are not worth packing.
fn few<T: Number>(out: &mut [T], add: bool, left: Matrix<'_, T>, right: Matrix<'_, T>) {
    for (out, row) in out
        .chunks_exact_mut(right.columns)
        .zip(left.data.chunks_exact(left.stride))
    {
        dispatch(Dots {
            add,
            row,
            others: right.data,
            out,
        });
    }
}

struct Dots<'a, T> {
    add: bool,
    row: &'a [T],
    others: &'a [T],
    out: &'a mut [T],
}

impl<T: Number> Task for Dots<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let others = self.others.chunks_exact(self.row.len());
        for (o, other) in self.out.iter_mut().zip(others) {
            let before = if self.add { *o } else { T::ZERO };
            *o = before + T::from_f64(isa.dot(self.row, other));
        }
    }
}

struct OneTile<'a, T> {
    left: &'a [[T; ROWS]],
    right: &'a [[T; PANEL]],
    out: &'a mut Tile<T>,
}

macro_rules! number {
    ($t:ty, $vector:ident, $split:ident, $split_mut:ident, $splat:ident, $fma:ident) => {
        impl WithSimd for OneTile<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let width = size_of::<S::$vector>() / size_of::<$t>();
                for at in (0..PANEL).step_by(2 * width) {
                    let mut sums = [[simd.$splat(0.0); 2]; ROWS];
                    for (left, right) in self.left.iter().zip(self.right) {
                        let (pair, _) = S::$split(&right[at..at + 2 * width]);
                        for r in 0..ROWS {
                            let x = simd.$splat(left[r]);
                            sums[r][0] = simd.$fma(x, pair[0], sums[r][0]);
                            sums[r][1] = simd.$fma(x, pair[1], sums[r][1]);
                        }
                    }
                    for r in 0..ROWS {
                        let (to, _) = S::$split_mut(&mut self.out[r][at..at + 2 * width]);
                        to[0] = sums[r][0];
                        to[1] = sums[r][1];
                    }
                }
            }
        }

        impl Number for $t {
            #[inline]
            fn tile(left: &[[Self; ROWS]], right: &[[Self; PANEL]], out: &mut Tile<Self>) {
                pulp::Arch::new().dispatch(OneTile { left, right, out });
            }
        }
    };
}
number!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    mul_add_f32s
);
number!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    mul_add_f64s
);

#[cfg(test)]
mod tests {
    use super::{Matrix, multiply};

    fn numbers(seed: usize, n: usize) -> Vec<f64> {
        let mix = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f64 / 1009.0 - 0.5;
        (0..n).map(mix).collect()
    }

    #[test]
    fn products_are_those_of_the_plain_loop() {
        // Around tiles, panels and runs of terms.
        let sizes = [
            (1, 1, 1),
            (2, 3, 5),
            (5, 33, 300),
            (6, 32, 256),
            (7, 31, 257),
            (13, 65, 40),
            (100, 70, 520),
        ];
        for (m, n, k) in sizes {
            let (a, b) = (numbers(1, m * k), numbers(2, k * n));
            for (turn_a, turn_b, add) in [
                (false, false, false),
                (false, true, true),
                (true, false, true),
                (true, true, false),
            ] {
                let left = if turn_a {
                    Matrix::new(&a, k, m).transposed()
                } else {
                    Matrix::new(&a, m, k)
                };
                let right = if turn_b {
                    Matrix::new(&b, n, k).transposed()
                } else {
                    Matrix::new(&b, k, n)
                };
                let before = numbers(3, m * n);
                let mut out = before.clone();
                multiply(&mut out, add, left, right);
                for i in 0..m {
                    for j in 0..n {
                        let at = |p: usize| {
                            let x = if turn_a { a[p * m + i] } else { a[i * k + p] };
                            let y = if turn_b { b[j * k + p] } else { b[p * n + j] };
                            x * y
                        };
                        let sum =
                            (0..k).map(at).sum::<f64>() + if add { before[i * n + j] } else { 0.0 };
                        assert!((out[i * n + j] - sum).abs() < 1e-12, "{m} {n} {k}: {i} {j}");
                    }
                }
            }
        }
    }
}

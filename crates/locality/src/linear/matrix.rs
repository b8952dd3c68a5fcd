//! Dense matrices and what is solved with them.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, Auto, MatMut, MatRef, Par, Side};

use rayon::prelude::*;

use crate::{Error, Result, Watch, par};

/// Columns of a block, which is one thread's work.
const COLUMNS: usize = 64;
/// Columns that are factored at once.
const PANEL: usize = 128;

/// A matrix, column after column.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    data: Vec<f64>,
    rows: usize,
    columns: usize,
}

/// Runs work whose inner products may use the watched threads.
pub(crate) fn on_threads<R: Send>(watch: &Watch<'_>, work: impl FnOnce(Par) -> R + Send) -> R {
    match watch.thread_count() {
        1 => work(Par::Seq),
        n => par::install(n, || work(Par::rayon(0))),
    }
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Result<Self> {
        let mut data = Vec::new();
        let room = rows
            .checked_mul(columns)
            .map(|n| (n, data.try_reserve_exact(n)));
        let Some((n, Ok(()))) = room else {
            return Err(Error::unsupported(format!(
                "a matrix of {rows} rows and {columns} columns does not fit into memory; give fewer rows, or set n_landmarks"
            )));
        };
        data.resize(n, 0.0);
        Ok(Self {
            data,
            rows,
            columns,
        })
    }

    /// From columns, one after the other.
    pub(crate) fn new(data: Vec<f64>, rows: usize, columns: usize) -> Self {
        debug_assert_eq!(data.len(), rows * columns);
        Self {
            data,
            rows,
            columns,
        }
    }

    /// The transpose of some rows, `[d, n]`: it lies in memory as they do.
    pub(crate) fn of_rows(rows: crate::Rows<'_, f64>) -> Self {
        Self::new(rows.to_vec(), rows.columns(), rows.rows())
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn data(&self) -> &[f64] {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut [f64] {
        &mut self.data
    }

    pub(crate) fn into_data(self) -> Vec<f64> {
        self.data
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.data[j * self.rows + i]
    }

    pub(crate) fn set(&mut self, i: usize, j: usize, x: f64) {
        self.data[j * self.rows + i] = x;
    }

    pub(crate) fn column(&self, j: usize) -> &[f64] {
        &self.data[j * self.rows..][..self.rows]
    }

    pub(crate) fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.data[j * self.rows..][..self.rows]
    }

    pub(crate) fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.data, self.rows, self.columns)
    }

    pub(crate) fn transposed(&self) -> Self {
        let mut out = Self::new(vec![0.0; self.data.len()], self.columns, self.rows);
        for j in 0..self.columns {
            for i in 0..self.rows {
                out.data[i * self.columns + j] = self.data[j * self.rows + i];
            }
        }
        out
    }

    pub(crate) fn diagonal(&self) -> Vec<f64> {
        (0..self.rows.min(self.columns))
            .map(|i| self.at(i, i))
            .collect()
    }

    /// Adds to the diagonal.
    pub(crate) fn add_diagonal(&mut self, x: impl Fn(usize) -> f64) {
        let step = self.rows + 1;
        let diagonal = self.data.iter_mut().step_by(step).take(self.columns);
        diagonal.enumerate().for_each(|(i, d)| *d += x(i));
    }

    pub(crate) fn scale(&mut self, by: f64) {
        self.data.iter_mut().for_each(|x| *x *= by);
    }

    /// Copies the lower triangle to the upper one, in tiles, and sets the diagonal.
    pub(crate) fn mirror(&mut self, diagonal: &[f64]) {
        const TILE: usize = 64;
        let n = self.rows;
        for c in (0..n).step_by(TILE) {
            for r in (c..n).step_by(TILE) {
                for j in c..(c + TILE).min(n) {
                    for i in r.max(j + 1)..(r + TILE).min(n) {
                        self.data[i * n + j] = self.data[j * n + i];
                    }
                }
            }
        }
        for (i, d) in diagonal.iter().enumerate() {
            self.data[i * (n + 1)] = *d;
        }
    }

    /// Calls `work` with the first column and the numbers of each block of columns. Blocks are the same for any number of threads, and each
    /// is one thread's work, so that results are the same bits.
    fn in_blocks(&mut self, par: Par, work: impl Fn(usize, MatMut<'_, f64>) + Sync) {
        let rows = self.rows;
        if self.data.is_empty() {
            return;
        }
        let one = |(b, data): (usize, &mut [f64])| {
            let columns = data.len() / rows;
            let view = MatMut::from_column_major_slice_mut(data, rows, columns);
            work(b * COLUMNS, view);
        };
        match par {
            Par::Seq => self
                .data
                .chunks_mut(rows * COLUMNS)
                .enumerate()
                .for_each(one),
            Par::Rayon(_) => {
                let blocks = self.data.par_chunks_mut(rows * COLUMNS).enumerate();
                blocks.for_each(one);
            }
        }
    }

    /// `self^T other`, by one thread.
    pub(crate) fn transposed_times(&self, other: &Self) -> Self {
        self.transposed_times_on(other, Par::Seq)
    }

    /// `self^T other`, block by block of the columns of `other`.
    pub(crate) fn transposed_times_on(&self, other: &Self, par: Par) -> Self {
        let mut out = Self::new(
            vec![0.0; self.columns * other.columns],
            self.columns,
            other.columns,
        );
        let (a, b) = (self.view().transpose(), other.view());
        out.in_blocks(par, |first, to| {
            let b = b.subcols(first, to.ncols());
            matmul(to, Accum::Replace, a, b, 1.0, Par::Seq);
        });
        out
    }

    /// `self other`, block by block of the columns of `other`.
    pub(crate) fn times(&self, other: &Self, par: Par) -> Self {
        let mut out = Self::new(
            vec![0.0; self.rows * other.columns],
            self.rows,
            other.columns,
        );
        let (a, b) = (self.view(), other.view());
        out.in_blocks(par, |first, to| {
            let b = b.subcols(first, to.ncols());
            matmul(to, Accum::Replace, a, b, 1.0, Par::Seq);
        });
        out
    }

    /// `self other` for a symmetric matrix and few columns, block by block of the rows.
    pub(crate) fn symmetric_times(&self, other: &Self, par: Par) -> Self {
        other.transposed_times_on(self, par).transposed()
    }

    /// Adds `a a^T` to the lower triangle.
    pub(crate) fn add_square(&mut self, a: &Self, par: Par) {
        let (a, rows) = (a.view(), self.rows);
        self.in_blocks(par, |first, to| {
            let columns = to.ncols();
            let to = to.subrows_mut(first, rows - first);
            let (left, right) = (a.subrows(first, rows - first), a.subrows(first, columns));
            matmul(to, Accum::Add, left, right.transpose(), 1.0, Par::Seq);
        });
    }
}

/// A Cholesky factor `L` with `L L^T = A`.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    lower: Matrix,
    /// What was added to the diagonal for rounding's sake.
    pub(crate) jitter: f64,
}

/// Shares of the mean of the diagonal that are tried where a matrix is not positive definite to rounding.
const JITTERS: [f64; 5] = [0.0, 1e-14, 1e-12, 1e-10, 1e-8];

impl Factor {
    /// Factors the symmetric matrix that `make` makes, of which the lower triangle counts. Where rounding has made it indefinite, at most
    /// 1e-8 of the mean of its diagonal is added to that; the matrix is then made anew, since factoring destroys it.
    pub(crate) fn new(
        make: impl Fn() -> Result<Matrix>,
        what: &dyn std::fmt::Display,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        for share in JITTERS {
            watch.check()?;
            let mut a = make()?;
            let mean = a.diagonal().iter().sum::<f64>() / a.rows().max(1) as f64;
            let jitter = share * mean;
            if share > 0.0 {
                a.add_diagonal(|_| jitter);
            }
            if factor(&mut a, watch) {
                return Ok(Self { lower: a, jitter });
            }
        }
        Err(Error::parameter(format!(
            "{what} is not positive definite on these samples; choose a kernel that is (gaussian, laplace, matern32, matern52, \
             cauchy, rational_quadratic, student_t, softmax, polynomial with c of at least 0, sums and products of these), or raise alpha"
        )))
    }

    pub(crate) fn size(&self) -> usize {
        self.lower.rows()
    }

    /// `B <- L^-1 B`.
    pub(crate) fn solve_lower(&self, b: &mut Matrix, par: Par) {
        let l = self.lower.view();
        b.in_blocks(par, |_, b| solve_lower_triangular_in_place(l, b, Par::Seq));
    }

    /// `B <- L^-T B`.
    pub(crate) fn solve_upper(&self, b: &mut Matrix, par: Par) {
        let l = self.lower.view().transpose();
        b.in_blocks(par, |_, b| solve_upper_triangular_in_place(l, b, Par::Seq));
    }

    /// `B <- A^-1 B`.
    pub(crate) fn solve(&self, b: &mut Matrix, par: Par) {
        self.solve_lower(b, par);
        self.solve_upper(b, par);
    }

    /// `log det A`.
    pub(crate) fn log_determinant(&self) -> f64 {
        2.0 * self.lower.diagonal().iter().map(|x| x.ln()).sum::<f64>()
    }

    /// `L B`.
    pub(crate) fn lower_times(&self, b: &Matrix, par: Par) -> Matrix {
        let mut out = Matrix::new(vec![0.0; b.data.len()], b.rows, b.columns);
        let (l, b) = (self.lower.view(), b.view());
        out.in_blocks(par, |first, to| {
            let b = b.subcols(first, to.ncols());
            triangular_matmul(
                to,
                BlockStructure::Rectangular,
                Accum::Replace,
                l,
                BlockStructure::TriangularLower,
                b,
                BlockStructure::Rectangular,
                1.0,
                Par::Seq,
            );
        });
        out
    }

    fn inverse_lower(&self, par: Par) -> Result<Matrix> {
        let n = self.size();
        let mut out = Matrix::zeros(n, n)?;
        let l = self.lower.view();
        out.in_blocks(par, |first, to| {
            let left = n - first;
            let mut to = to.subrows_mut(first, left);
            for j in 0..to.ncols() {
                to[(j, j)] = 1.0;
            }
            let l = l.submatrix(first, first, left, left);
            solve_lower_triangular_in_place(l, to, Par::Seq);
        });
        Ok(out)
    }

    /// The diagonal of `A^-1`.
    pub(crate) fn inverse_diagonal(&self, par: Par) -> Result<Vec<f64>> {
        let inverse = self.inverse_lower(par)?;
        let square = |j: usize| inverse.column(j)[j..].iter().map(|x| x * x).sum();
        Ok((0..self.size()).map(square).collect())
    }

    /// `A^-1`, both triangles.
    pub(crate) fn inverse(&self, par: Par) -> Result<Matrix> {
        let n = self.size();
        let inverse = self.inverse_lower(par)?;
        let mut out = Matrix::zeros(n, n)?;
        let view = inverse.view();
        out.in_blocks(par, |first, to| {
            let (left, columns) = (n - first, to.ncols());
            let to = to.subrows_mut(first, left);
            let square = view.submatrix(first, first, left, left).transpose();
            let some = view.submatrix(first, first, left, columns);
            matmul(to, Accum::Replace, square, some, 1.0, Par::Seq);
        });
        let diagonal = out.diagonal();
        out.mirror(&diagonal);
        Ok(out)
    }
}

/// Factors in the lower triangle, block by block of columns; whether all pivots were positive.
///
/// Each block of the trailing columns is one thread's work, so that results are the same bits for any number of threads.
fn factor(a: &mut Matrix, watch: &Watch<'_>) -> bool {
    let n = a.rows();
    on_threads(watch, |par| {
        let params = <LltParams as Auto<f64>>::auto();
        let scratch = cholesky_in_place_scratch::<f64>(PANEL, Par::Seq, params.into());
        let mut memory = MemBuffer::new(scratch);
        for first in (0..n).step_by(PANEL) {
            let last = (first + PANEL).min(n);
            let (left, right) = a.data.split_at_mut(last * n);
            let panel = &mut left[first * n..];
            let panel = MatMut::from_column_major_slice_mut(panel, n, last - first);
            let (mut own, below) = panel
                .subrows_mut(first, n - first)
                .split_at_row_mut(last - first);
            let stack = MemStack::new(&mut memory);
            let none = LltRegularization::default();
            let done = cholesky_in_place(own.rb_mut(), none, Par::Seq, stack, params.into());
            let positive = (0..last - first).all(|i| own[(i, i)] > 0.0 && own[(i, i)].is_finite());
            if done.is_err() || !positive {
                return false;
            }
            let mut below = below;
            solve_lower_triangular_in_place(own.rb(), below.rb_mut().transpose_mut(), Par::Seq);
            let below = below.rb();
            trailing(right, n, last, below, par);
        }
        true
    })
}

/// Takes `b b^T` from the columns from `last` on, of which `b` has the rows.
fn trailing(columns: &mut [f64], n: usize, last: usize, b: MatRef<'_, f64>, par: Par) {
    let one = |(k, data): (usize, &mut [f64])| {
        let count = data.len() / n;
        let to = MatMut::from_column_major_slice_mut(data, n, count);
        let (first, start) = (k * COLUMNS, last + k * COLUMNS);
        let to = to.subrows_mut(start, n - start);
        let (all, some) = (b.subrows(first, n - start), b.subrows(first, count));
        matmul(to, Accum::Add, all, some.transpose(), -1.0, Par::Seq);
    };
    let size = n * COLUMNS;
    match par {
        Par::Seq => columns.chunks_mut(size).enumerate().for_each(one),
        Par::Rayon(_) => columns.par_chunks_mut(size).enumerate().for_each(one),
    }
}

/// Eigenvalues, rising, and eigenvectors, a column each, of a symmetric matrix.
pub(crate) fn eigen(a: &Matrix, watch: &Watch<'_>) -> Result<(Vec<f64>, Matrix)> {
    let n = a.rows();
    watch.check()?;
    // On one thread: with more, the last bits would depend on how many.
    let found = par::install(1, || a.view().self_adjoint_eigen(Side::Lower));
    let found = found.map_err(|_| {
        Error::not_finite(
            "the kernel matrix has no eigenvalues to rounding; scale the columns or raise alpha",
        )
    })?;
    let values = found.S().column_vector().iter().copied().collect();
    let u = found.U();
    let data = (0..n)
        .flat_map(|j| (0..n).map(move |i| u[(i, j)]))
        .collect();
    Ok((values, Matrix::new(data, n, n)))
}

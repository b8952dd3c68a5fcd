//! Sparse symmetric matrices and the eigenvectors of their smallest eigenvalues, by factors of the matrix plus a small multiple of the
//! identity.

#![allow(clippy::default_trait_access)] // The paths of faer's settings are long and say nothing.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, LltRef, SymbolicCholesky, SymmetricOrdering,
    factorize_symbolic_cholesky,
};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMatRef};
use faer::{Conj, MatMut, Par, Side};

use super::krylov::{dominant, random};
use super::matrix::{Matrix, eigen, on_threads};
use crate::{Error, Result, Watch, par};

/// Up to this size, all eigenvalues are computed.
const SMALL: usize = 200;
/// The multiples of the mean of the diagonal that are added before factoring, until one makes it positive definite.
const SHIFTS: [f64; 4] = [1e-13, 1e-11, 1e-9, 1e-7];
/// A factor of more numbers than this is not made: 1.2 GB.
const MOST: usize = 150_000_000;
/// Columns beyond those that are asked for: they make the others converge in a few steps.
const SPARE: usize = 4;
/// A matrix of more than one entry in so many is crowded.
const CROWDED: usize = 12;
/// Rows whose product is one thread's work.
const ROWS: usize = 4096;

/// A sparse symmetric matrix, both triangles, row after row.
#[derive(Clone, Debug)]
pub(crate) struct Sparse {
    starts: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
}

/// The smallest eigenvalues, rising, and their vectors, a unit column each.
#[derive(Clone, Debug)]
pub(crate) struct Bottom {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Matrix,
}

/// How eigenvectors are sought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    /// An eigenvector of length one that is known, and left out.
    pub(crate) known: &'a [f64],
    pub(crate) count: usize,
    /// Residual of the inverse's eigenvectors over its largest eigenvalue.
    pub(crate) tolerance: f64,
    /// Whether all eigenvalues are computed whatever the size.
    pub(crate) dense: bool,
}

impl Sparse {
    /// From rows of columns, which rise, and values.
    pub(crate) fn new(rows: Vec<(Vec<usize>, Vec<f64>)>) -> Self {
        let mut out = Self {
            starts: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
        };
        for (columns, values) in rows {
            out.columns.extend(columns);
            out.values.extend(values);
            out.starts.push(out.columns.len());
        }
        out
    }

    /// Half the sum of a square matrix of such rows and its transpose.
    pub(crate) fn averaged(rows: &[(Vec<usize>, Vec<f64>)]) -> Self {
        let mut across = vec![(Vec::new(), Vec::new()); rows.len()];
        for (i, (columns, values)) in rows.iter().enumerate() {
            for (&j, &v) in columns.iter().zip(values) {
                let (c, w): &mut (Vec<usize>, Vec<f64>) = &mut across[j];
                c.push(i);
                w.push(v);
            }
        }
        let both = rows.iter().zip(&across);
        Self::new(both.map(|(a, b)| half_sum(a, b)).collect())
    }

    /// Entries changed by row, column and value.
    #[must_use]
    pub(crate) fn map(mut self, change: impl Fn(usize, usize, f64) -> f64) -> Self {
        for i in 0..self.rows() {
            for at in self.starts[i]..self.starts[i + 1] {
                self.values[at] = change(i, self.columns[at], self.values[at]);
            }
        }
        self
    }

    /// The sum of each row, `[n]`.
    pub(crate) fn row_sums(&self) -> Vec<f64> {
        (0..self.rows())
            .map(|i| self.row(i).1.iter().sum())
            .collect()
    }

    pub(crate) fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where rows start, columns and values.
    pub(crate) fn parts(&self) -> (&[usize], &[usize], &[f64]) {
        (&self.starts, &self.columns, &self.values)
    }

    /// Whether so many entries are there that a factor is as good as full.
    fn is_crowded(&self) -> bool {
        self.rows() > SMALL && self.values.len() > self.rows() * self.rows() / CROWDED
    }

    /// Columns and values of a row.
    pub(crate) fn row(&self, i: usize) -> (&[usize], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    pub(crate) fn diagonal(&self) -> Vec<f64> {
        let at = |i: usize| {
            let (columns, values) = self.row(i);
            columns.binary_search(&i).map_or(0.0, |at| values[at])
        };
        (0..self.rows()).map(at).collect()
    }

    /// The rows and columns of some indices, which rise.
    pub(crate) fn part(&self, some: &[usize]) -> Self {
        let mut new = vec![usize::MAX; self.rows()];
        for (to, &from) in some.iter().enumerate() {
            new[from] = to;
        }
        let row = |&i: &usize| {
            let (columns, values) = self.row(i);
            let kept = columns.iter().zip(values);
            kept.filter(|(c, _)| new[**c] != usize::MAX)
                .map(|(&c, &v)| (new[c], v))
                .unzip()
        };
        Self::new(some.iter().map(row).collect())
    }

    /// `self x`, column by column.
    pub(crate) fn times(&self, x: &Matrix, watch: &Watch<'_>) -> Result<Matrix> {
        let (n, columns) = (self.rows(), x.columns());
        let blocks = par::map_blocks(&watch.quiet(), n, ROWS, |range| {
            let mut out = Vec::with_capacity(range.len() * columns);
            for j in 0..columns {
                let x = x.column(j);
                out.extend(range.clone().map(|i| {
                    let (at, values) = self.row(i);
                    at.iter().zip(values).map(|(&c, v)| v * x[c]).sum::<f64>()
                }));
            }
            Ok(out)
        })?;
        let mut out = Matrix::new(vec![0.0; n * columns], n, columns);
        for (b, block) in blocks.iter().enumerate() {
            let count = block.len() / columns.max(1);
            for (j, part) in block.chunks_exact(count.max(1)).enumerate() {
                out.column_mut(j)[b * ROWS..][..count].copy_from_slice(part);
            }
        }
        Ok(out)
    }

    fn to_dense(&self) -> Result<Matrix> {
        let n = self.rows();
        let mut out = Matrix::zeros(n, n)?;
        for i in 0..n {
            let (columns, values) = self.row(i);
            columns
                .iter()
                .zip(values)
                .for_each(|(&c, &v)| out.set(i, c, v));
        }
        Ok(out)
    }

    /// The smallest eigenvalues but that of the known vector, for a matrix without negative ones.
    ///
    /// Their vectors are the dominant ones of the inverse of the matrix plus a small multiple of the identity (shift and invert). Where the
    /// factor would be too large, they come from products alone, preconditioned by the diagonal.
    pub(crate) fn bottom(&self, search: Search<'_>, watch: &Watch<'_>) -> Result<Bottom> {
        let n = self.rows();
        let count = search.count.min(n.saturating_sub(1));
        let search = Search { count, ..search };
        if count == 0 {
            return Ok(Bottom {
                values: Vec::new(),
                vectors: Matrix::new(Vec::new(), n, 0),
            });
        }
        if !search.dense
            && n > SMALL
            && 6 * (count + SPARE) < n
            && let Some(found) = self.inverted(search, watch)?
        {
            return Ok(found);
        }
        self.directly(search, watch)
    }

    /// The same for a matrix without eigenvalues above `top`, and few below that are near one another: where the matrix is crowded, from
    /// products alone.
    pub(crate) fn bottom_below(
        &self,
        top: f64,
        search: Search<'_>,
        watch: &Watch<'_>,
    ) -> Result<Bottom> {
        let n = self.rows();
        if search.dense || !self.is_crowded() || 6 * (search.count + SPARE) >= n {
            return self.bottom(search, watch);
        }
        let mut start = random(n, search.count + SPARE);
        without(search.known, &mut start);
        let inner = watch.quiet();
        let found = on_threads(watch, |threads| {
            let times = |x: &Matrix| {
                let mut x = x.clone();
                without(search.known, &mut x);
                let mut out = self.times(&x, &inner)?;
                let pairs = out.data_mut().iter_mut().zip(x.data());
                pairs.for_each(|(o, x)| *o = top * x - *o);
                without(search.known, &mut out);
                Ok(out)
            };
            let (most, tolerance) = (n / 3, search.tolerance);
            dominant(&start, search.count, most, tolerance, threads, watch, times)
        })?;
        match found {
            Some((values, vectors)) => Ok(Bottom {
                values: values.iter().map(|v| (top - v).max(0.0)).collect(),
                vectors,
            }),
            None => self.bottom(search, watch),
        }
    }

    /// From all eigenvalues, with the known vector's put on top.
    fn directly(&self, search: Search<'_>, watch: &Watch<'_>) -> Result<Bottom> {
        let n = self.rows();
        if n > super::values::MOST {
            return Err(Error::unsupported(format!(
                "the eigenvectors of {n} samples were not found to the tolerance, and there are too many to compute all; raise tol"
            )));
        }
        let mut a = self.to_dense()?;
        let top = 1.0 + self.values.iter().map(|v| v.abs()).sum::<f64>();
        for j in 0..n {
            for i in 0..n {
                let x = a.at(i, j) + top * search.known[i] * search.known[j];
                a.set(i, j, x);
            }
        }
        let (values, u) = eigen(&a, watch)?;
        let vectors = Matrix::new(u.data()[..n * search.count].to_vec(), n, search.count);
        Ok(Bottom {
            values: values[..search.count].iter().map(|v| v.max(0.0)).collect(),
            vectors,
        })
    }

    fn inverted(&self, search: Search<'_>, watch: &Watch<'_>) -> Result<Option<Bottom>> {
        let n = self.rows();
        let Some(factor) = SparseFactor::new(self, watch)? else {
            return super::lobpcg::bottom(self, search, watch);
        };
        let most = (n / 3).min(60 * (search.count + SPARE));
        let mut start = random(n, search.count + SPARE);
        without(search.known, &mut start);
        let found = on_threads(watch, |threads| {
            let times = |x: &Matrix| {
                let mut x = x.clone();
                without(search.known, &mut x);
                factor.solve(&mut x);
                without(search.known, &mut x);
                Ok(x)
            };
            dominant(
                &start,
                search.count,
                most,
                search.tolerance,
                threads,
                watch,
                times,
            )
        })?;
        Ok(found.map(|(values, vectors)| Bottom {
            values: values
                .iter()
                .map(|v| (v.recip() - factor.shift).max(0.0))
                .collect(),
            vectors,
        }))
    }
}

/// Half the sum of two rows of a sparse matrix, the columns of each rising.
fn half_sum(a: &(Vec<usize>, Vec<f64>), b: &(Vec<usize>, Vec<f64>)) -> (Vec<usize>, Vec<f64>) {
    let (mut i, mut j) = (0, 0);
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    while i < a.0.len() || j < b.0.len() {
        let left = a.0.get(i).copied().unwrap_or(usize::MAX);
        let right = b.0.get(j).copied().unwrap_or(usize::MAX);
        let mut sum = 0.0;
        if left <= right {
            sum += 0.5 * a.1[i];
            i += 1;
        }
        if right <= left {
            sum += 0.5 * b.1[j];
            j += 1;
        }
        columns.push(left.min(right));
        values.push(sum);
    }
    (columns, values)
}

/// Takes the part along a unit vector out of each column.
pub(crate) fn without(unit: &[f64], x: &mut Matrix) {
    for j in 0..x.columns() {
        let column = x.column_mut(j);
        let along: f64 = column.iter().zip(unit).map(|(x, u)| x * u).sum();
        column
            .iter_mut()
            .zip(unit)
            .for_each(|(x, u)| *x -= along * u);
    }
}

/// A Cholesky factor of a sparse matrix plus `shift` times the identity.
struct SparseFactor {
    symbolic: SymbolicCholesky<usize>,
    values: Vec<f64>,
    shift: f64,
}

impl SparseFactor {
    /// Nothing where the factor would be too large, or no shift makes the matrix positive definite.
    fn new(a: &Sparse, watch: &Watch<'_>) -> Result<Option<Self>> {
        let n = a.rows();
        // A symmetric matrix's rows are its columns.
        let pattern = SymbolicSparseColMatRef::new_checked(n, n, &a.starts, None, &a.columns);
        let ordering = SymmetricOrdering::Amd;
        let params = CholeskySymbolicParams::default();
        let symbolic = factorize_symbolic_cholesky(pattern, Side::Lower, ordering, params);
        let Ok(symbolic) = symbolic else {
            return Ok(None);
        };
        if symbolic.len_val() > MOST {
            return Ok(None);
        }
        let mean = a.diagonal().iter().sum::<f64>() / n as f64;
        // One thread's work: with more, the last bits would depend on how many.
        let scratch = symbolic.factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default());
        let mut memory = MemBuffer::new(scratch);
        for share in SHIFTS {
            watch.check()?;
            let shift = share * mean;
            let shifted = a.shifted(shift);
            let view = SparseColMatRef::new(pattern, &shifted);
            let mut values = vec![0.0; symbolic.len_val()];
            let done = symbolic.factorize_numeric_llt(
                &mut values,
                view,
                Side::Lower,
                Default::default(),
                Par::Seq,
                MemStack::new(&mut memory),
                Default::default(),
            );
            if done.is_ok() && values.iter().all(|v| v.is_finite()) {
                return Ok(Some(Self {
                    symbolic,
                    values,
                    shift,
                }));
            }
        }
        Ok(None)
    }

    fn solve(&self, x: &mut Matrix) {
        let (rows, columns) = (x.rows(), x.columns());
        let scratch = self
            .symbolic
            .solve_in_place_scratch::<f64>(columns, Par::Seq);
        let mut memory = MemBuffer::new(scratch);
        let view = MatMut::from_column_major_slice_mut(x.data_mut(), rows, columns);
        let factor = LltRef::new(&self.symbolic, &self.values);
        factor.solve_in_place_with_conj(Conj::No, view, Par::Seq, MemStack::new(&mut memory));
    }
}

impl Sparse {
    /// The values with `shift` added to the diagonal.
    fn shifted(&self, shift: f64) -> Vec<f64> {
        let mut values = self.values.clone();
        for i in 0..self.rows() {
            let (columns, _) = self.row(i);
            if let Ok(at) = columns.binary_search(&i) {
                values[self.starts[i] + at] += shift;
            }
        }
        values
    }
}

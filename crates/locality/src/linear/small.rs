//! The small systems of one neighbourhood.

#![allow(clippy::default_trait_access)] // The paths of faer's settings are long and say nothing.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{Mat, MatRef, Par};

use crate::{Error, Result};

/// A pivot below this share of the largest number of its matrix is rounding.
const PIVOT: f64 = 1e-15;

/// `x <- A^-1 x` for a symmetric positive definite matrix, row after row, of which the lower triangle counts and is destroyed; whether all
/// pivots were positive. Pivots that are only rounding are lifted, so that dependent rows share what they have.
pub(crate) fn cholesky_solve(a: &mut [f64], x: &mut [f64]) -> bool {
    let n = x.len();
    let scale = (0..n).fold(0.0, |m: f64, i| m.max(a[i * n + i]));
    if scale.is_nan() || scale <= 0.0 {
        return false;
    }
    for j in 0..n {
        let dot =
            |a: &[f64], i: usize| -> f64 { (0..j).map(|c| a[i * n + c] * a[j * n + c]).sum() };
        let pivot = (a[j * n + j] - dot(a, j)).max(PIVOT * scale).sqrt();
        a[j * n + j] = pivot;
        for i in j + 1..n {
            a[i * n + j] = (a[i * n + j] - dot(a, i)) / pivot;
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|c| a[i * n + c] * x[c]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|c| a[c * n + i] * x[c]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    x.iter().all(|x| x.is_finite())
}

/// Eigenvectors of symmetric matrices, for many of one size.
pub(crate) struct Symmetric {
    matrix: Mat<f64>,
    found: Diag<f64>,
    vectors: Mat<f64>,
    memory: MemBuffer,
}

impl Symmetric {
    pub(crate) fn new(n: usize) -> Self {
        let yes = ComputeEigenvectors::Yes;
        let scratch = evd::self_adjoint_evd_scratch::<f64>(n, yes, Par::Seq, Default::default());
        Self {
            matrix: Mat::zeros(n, n),
            found: Diag::zeros(n),
            vectors: Mat::zeros(n, n),
            memory: MemBuffer::new(scratch),
        }
    }

    /// Decomposes the matrix of such entries in its lower triangle.
    pub(crate) fn decompose(&mut self, entry: impl Fn(usize, usize) -> f64) -> Result<()> {
        let n = self.matrix.nrows();
        for i in 0..n {
            for j in 0..=i {
                self.matrix[(i, j)] = entry(i, j);
            }
        }
        evd::self_adjoint_evd(
            self.matrix.as_ref(),
            self.found.as_mut(),
            Some(self.vectors.as_mut()),
            Par::Seq,
            MemStack::new(&mut self.memory),
            Default::default(),
        )
        .map_err(|_| too_wide())
    }

    /// The eigenvalue of rank `r`, the largest first; those of rounding below 0 are 0.
    pub(crate) fn value(&self, r: usize) -> f64 {
        self.found[self.matrix.nrows() - 1 - r].max(0.0)
    }

    /// Its vector.
    pub(crate) fn vector(&self, r: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        let n = self.matrix.nrows();
        (0..n).map(move |i| self.vectors[(i, n - 1 - r)])
    }
}

fn too_wide() -> Error {
    Error::not_finite("a neighbourhood is too wide for its numbers; scale the columns")
}

/// Left singular vectors of neighbours' offsets, for many neighbourhoods of one size.
pub(crate) struct Singular {
    k: usize,
    d: usize,
    way: Way,
    /// Squares of the singular values, falling, `[min(k, d)]`.
    pub(crate) squares: Vec<f64>,
}

enum Way {
    /// More neighbours than columns.
    Offsets {
        values: Diag<f64>,
        vectors: Mat<f64>,
        memory: MemBuffer,
    },
    /// Fewer: the inner products of the offsets.
    Products(Symmetric),
}

impl Singular {
    /// For `k` offsets of `d` columns.
    pub(crate) fn new(k: usize, d: usize) -> Self {
        let few = k.min(d);
        let way = if d < k {
            let (u, v) = (ComputeSvdVectors::No, ComputeSvdVectors::Thin);
            let scratch = svd::svd_scratch::<f64>(d, k, u, v, Par::Seq, Default::default());
            Way::Offsets {
                values: Diag::zeros(few),
                vectors: Mat::zeros(k, few),
                memory: MemBuffer::new(scratch),
            }
        } else {
            Way::Products(Symmetric::new(k))
        };
        Self {
            k,
            d,
            way,
            squares: vec![0.0; few],
        }
    }

    /// Decomposes offsets `[k, d]`, row after row.
    pub(crate) fn decompose(&mut self, offsets: &[f64]) -> Result<()> {
        let (k, d) = (self.k, self.d);
        match &mut self.way {
            Way::Offsets {
                values,
                vectors,
                memory,
            } => {
                let transposed = MatRef::from_column_major_slice(offsets, d, k);
                svd::svd(
                    transposed,
                    values.as_mut(),
                    None,
                    Some(vectors.as_mut()),
                    Par::Seq,
                    MemStack::new(memory),
                    Default::default(),
                )
                .map_err(|_| too_wide())?;
                for (i, s) in self.squares.iter_mut().enumerate() {
                    *s = values[i] * values[i];
                }
            }
            Way::Products(products) => {
                products.decompose(|i, j| {
                    let (a, b) = (&offsets[i * d..][..d], &offsets[j * d..][..d]);
                    a.iter().zip(b).map(|(x, y)| x * y).sum()
                })?;
                for (r, s) in self.squares.iter_mut().enumerate() {
                    *s = products.value(r);
                }
            }
        }
        Ok(())
    }

    /// The left singular vector of rank `r`, `[k]`.
    pub(crate) fn vector(&self, r: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        (0..self.k).map(move |i| match &self.way {
            Way::Offsets { vectors, .. } => vectors[(i, r)],
            Way::Products(products) => products.vectors[(i, self.k - 1 - r)],
        })
    }
}

/// Makes columns of length `k` orthonormal, each to those before it; what is nothing but rounding becomes 0.
pub(crate) fn orthonormal(columns: &mut [f64], k: usize) {
    for j in 0..columns.len() / k {
        let (before, rest) = columns.split_at_mut(j * k);
        let column = &mut rest[..k];
        let whole = column.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Twice is enough (Kahan and Parlett).
        for _ in 0..2 {
            for other in before.chunks_exact(k) {
                let along: f64 = column.iter().zip(other).map(|(x, o)| x * o).sum();
                column
                    .iter_mut()
                    .zip(other)
                    .for_each(|(x, o)| *x -= along * o);
            }
        }
        let left = column.iter().map(|x| x * x).sum::<f64>().sqrt();
        let scale = if left > 1e-12 * whole {
            left.recip()
        } else {
            0.0
        };
        for x in column.iter_mut() {
            *x *= scale;
        }
    }
}

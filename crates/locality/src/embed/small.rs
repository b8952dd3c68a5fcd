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
pub(super) fn cholesky_solve(a: &mut [f64], x: &mut [f64]) -> bool {
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

/// Left singular vectors of neighbours' offsets, for many neighbourhoods of one size.
pub(super) struct Singular {
    k: usize,
    d: usize,
    gram: Mat<f64>,
    values: Diag<f64>,
    vectors: Mat<f64>,
    memory: MemBuffer,
    /// Squares of the singular values, falling, `[min(k, d)]`.
    pub(super) squares: Vec<f64>,
}

impl Singular {
    /// For `k` offsets of `d` columns.
    pub(super) fn new(k: usize, d: usize) -> Self {
        let few = k.min(d);
        let scratch = if d < k {
            let (u, v) = (ComputeSvdVectors::No, ComputeSvdVectors::Thin);
            svd::svd_scratch::<f64>(d, k, u, v, Par::Seq, Default::default())
        } else {
            evd::self_adjoint_evd_scratch::<f64>(
                k,
                ComputeEigenvectors::Yes,
                Par::Seq,
                Default::default(),
            )
        };
        Self {
            k,
            d,
            gram: Mat::zeros(if d < k { 0 } else { k }, if d < k { 0 } else { k }),
            values: Diag::zeros(few),
            vectors: Mat::zeros(k, few),
            memory: MemBuffer::new(scratch),
            squares: vec![0.0; few],
        }
    }

    /// Decomposes offsets `[k, d]`, row after row.
    pub(super) fn decompose(&mut self, offsets: &[f64]) -> Result<()> {
        let failed =
            || Error::not_finite("a neighbourhood is too wide for its numbers; scale the columns");
        let (k, d) = (self.k, self.d);
        let stack = MemStack::new(&mut self.memory);
        if d < k {
            let transposed = MatRef::from_column_major_slice(offsets, d, k);
            svd::svd(
                transposed,
                self.values.as_mut(),
                None,
                Some(self.vectors.as_mut()),
                Par::Seq,
                stack,
                Default::default(),
            )
            .map_err(|_| failed())?;
            for (i, s) in self.squares.iter_mut().enumerate() {
                *s = self.values[i] * self.values[i];
            }
            return Ok(());
        }
        for i in 0..k {
            let a = &offsets[i * d..][..d];
            for j in 0..=i {
                let b = &offsets[j * d..][..d];
                self.gram[(i, j)] = a.iter().zip(b).map(|(x, y)| x * y).sum();
            }
        }
        evd::self_adjoint_evd(
            self.gram.as_ref(),
            self.values.as_mut(),
            Some(self.vectors.as_mut()),
            Par::Seq,
            stack,
            Default::default(),
        )
        .map_err(|_| failed())?;
        for (i, s) in self.squares.iter_mut().enumerate() {
            *s = self.values[k - 1 - i].max(0.0);
        }
        Ok(())
    }

    /// The left singular vector of rank `r`, `[k]`.
    pub(super) fn vector(&self, r: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        let column = if self.d < self.k { r } else { self.k - 1 - r };
        (0..self.k).map(move |i| self.vectors[(i, column)])
    }
}

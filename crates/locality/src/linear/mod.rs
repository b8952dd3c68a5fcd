//! Linear algebra that the methods share: dense matrices, kernel matrices, and eigenvectors of large ones, dense or sparse.

mod krylov;
mod lobpcg;
mod matrix;
mod small;
mod sparse;
mod values;

pub(crate) use krylov::{falling, largest, point};
pub(crate) use matrix::{Factor, Matrix, eigen, on_threads};
pub(crate) use small::{Singular, Symmetric, cholesky_solve, orthonormal};
pub(crate) use sparse::{Bottom, Search, Sparse};
pub(crate) use values::Values;

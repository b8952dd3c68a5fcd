//! Kernel methods that solve dense systems: ridge and logistic regression, principal components, Gaussian processes, Nystrom features.
//!
//! They take any kernel of the kernel language that is symmetric and positive definite. Here are those that are:
//!
//! | positive definite | where |
//! |---|---|
//! | `gaussian`, `cauchy`, `rational_quadratic`, `student_t`, `matern32`, `matern52`, `laplace` | Euclidean and Mahalanobis distances, any number of columns |
//! | `laplace` | also `metric=manhattan` and `metric=haversine` |
//! | `triangular` | one column; with more columns, a product of one part each |
//! | `uniform` without `h` | equality of columns |
//! | `softmax` | inner products, cosines |
//! | `polynomial` | a whole `degree` and `c >= 0`; it may be negative here, unlike in local means |
//! | sums, products and whole powers of these | |
//!
//! Others (`epanechnikov`, `biweight`, `tricube`, `uniform` with `h`, `cosine`, `sigmoid`, ..) are not in general: their matrices are solved
//! where a penalty outweighs what is negative in them, and refused with a clear error where none does. Kernels whose width differs from site
//! to site (`knn=`, `site_knn=`, `site_h=`) and signed differences are not symmetric, and are refused.
//!
//! Where rounding alone makes a matrix indefinite, at most 1e-8 of the mean of its diagonal is added to that; fits say how much, as their
//! `jitter`.
//!
//! A kernel matrix has at most 20,000 rows. With [`Landmarks`] there is none: memory is linear in the samples. Predictions stream, too.

mod ascent;
mod components;
mod expansion;
mod landmarks;
mod likelihood;
mod logistic;
mod parts;
mod predictive;
mod process;
mod ridge;
mod softmax;
mod sparse;

pub use components::{KernelPca, KernelPcaFit};
pub use expansion::Expansion;
pub use landmarks::{Landmarks, Nystroem, NystroemFit};
pub use logistic::{KernelLogistic, KernelLogisticFit};
pub use parts::scaled;
pub use predictive::GaussianProcessFit;
pub use process::{Approximation, GaussianProcess};
pub use ridge::{KernelRidge, KernelRidgeFit};

//! LOWESS: robust locally weighted regression of one response on one predictor.
//!
//! At a target `x0` the `k` nearest rows get the tricube weights `w_i = (1 - |u_i|^3)^3`, `u_i = (x_i - x0) / h`, where `h` is the
//! distance of the farthest of them, and a polynomial (a line unless told otherwise) is fitted by weighted least squares; its value at
//! `x0` is the answer. Robust iterations then multiply the weights by the bisquare of the residuals and fit again (Cleveland 1979).
//!
//! ```
//! use locality::{Watch, local::lowess::Lowess};
//! let x: Vec<f64> = (0..50).map(|i| f64::from(i) / 10.0).collect();
//! let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
//! let fit = Lowess::new().frac(0.2).fit(&x, &y, &Watch::default())?;
//! assert!((fit.fitted()[20] - 2.0_f64.sin()).abs() < 0.05);
//! assert!((fit.predict(&[3.05], &Watch::default())?[0] - 3.05_f64.sin()).abs() < 0.05);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Time
//!
//! Between two data values the tricube is a polynomial of degree 9 on each side of the target, so a window's sums follow from the moments
//! of its rows. A binary tree holds the moments of blocks of rows, each about its own centre and in its own unit; neighbouring targets
//! share what lies deep inside all their windows as two sets of moments, shift these to themselves, and add only the rows near the window's
//! ends and near themselves one by one. Every shift is of a set of rows that lies on one side of the target and inside the window, where
//! the binomial sums stay below 1 in units of the window: the errors are those of ordinary summation. A bound on them is worked out for
//! every target, and where it exceeds `5e-11` of the answer (or of the median size of the responses, if that is more) the window is
//! summed row by row. One pass costs a number of operations that grows as `n log k`, not as `n k`.
//!
//! # Rules at the edge
//!
//! `k = floor(frac n + 1e-10)`, at least 2 and at most `n`. Fewer than two weights above `1e-12`: the answer at a row is the (weighted)
//! mean response of the rows at the same `x`, and at a new point NaN. A window whose rows all lie at the target (`h = 0`): their mean.
//! Rows of the same `x` share one fit. A weighted variance of the `u_i` below `1e-12` counts as that much. The rules are those of
//! statsmodels 0.15, with two departures: the variance's floor is in units of the window, so that the answer does not depend on
//! the unit of `x`; and the mean stands where statsmodels takes one of several tied responses, whichever its sort left first.
//!
//! # Sources
//! - W. S. Cleveland, *Robust locally weighted regression and smoothing scatterplots*, JASA 74 (1979), 829-836.
//! - W. S. Cleveland, S. J. Devlin, *Locally weighted regression*, JASA 83 (1988), 596-610: variance, equivalent degrees of freedom.

mod data;
mod direct;
mod errors;
mod fit;
mod grouped;
mod moments;
mod parameters;
mod plan;

pub use fit::LowessFit;
pub use parameters::{Lowess, Missing};

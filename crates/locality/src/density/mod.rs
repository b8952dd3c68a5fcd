//! Kernel density estimation, and classification by it.
//!
//! The log normaliser of the [local mean](crate::LocalMean) is the log density up to a constant: the mass of the kernel. This module
//! knows that mass for every profile that has one, in any dimension and under several metrics, and with it gives normalised densities,
//! their gradients, draws from them, leave-one-out likelihoods and bandwidths from the data. [`KernelClassifier`] is the local mean of
//! the classes.
//!
//! ```
//! use locality::{Rows, Watch, density::{BandwidthChoice, KernelDensity}};
//! let x = [1.0, 1.5, 2.1, 2.2, 3.0, 3.3, 7.8, 8.0, 8.1, 8.9];
//! let fit = KernelDensity::new()
//!     .kernel("epanechnikov".parse()?)
//!     .bandwidth(BandwidthChoice::ImprovedSheatherJones)
//!     .fit(Rows::column(&x), &Watch::default())?;
//! let at = fit.log_density(Rows::column(&[2.0, 5.5, 8.0]), &Watch::default())?;
//! assert!(at[0] > at[1] && at[2] > at[1], "two humps");
//! assert_eq!(fit.sample(5, 0, &Watch::default())?.len(), 5);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Sources
//! - M. Rosenblatt (1956) and E. Parzen (1962): the estimator. B. W. Silverman, *Density Estimation for Statistics and Data Analysis*
//!   (1986), D. W. Scott, *Multivariate Density Estimation* (1992): rules of thumb.
//! - R. P. W. Duin, *On the choice of smoothing parameters for Parzen estimators of probability density functions* (1976):
//!   leave-one-out likelihood.
//! - J. S. Marron, D. Nolan, *Canonical kernels for density estimation* (1988): bandwidths of one kernel for another.
//! - I. S. Abramson, *On bandwidth variation in kernel estimates: a square root law* (1982): a bandwidth for each sample.
//! - Z. I. Botev, J. F. Grotowski, D. P. Kroese, *Kernel density estimation via diffusion* (2010): the plug-in bandwidth.

mod bandwidth;
mod classifier;
mod fit;
mod isj;
mod law;
mod likelihood;
mod parameters;
mod radial;
mod search;
mod spread;

pub use bandwidth::BandwidthChoice;
pub use classifier::{KernelClassifier, KernelClassifierFit, Priors};
pub use fit::KernelDensityFit;
pub use parameters::KernelDensity;

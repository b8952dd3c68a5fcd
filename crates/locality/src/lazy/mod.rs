//! Lazy learning: the samples are kept, and a model is made of a query's neighbours when it is asked for.
//!
//! Prediction at a query is a local mean over its `k` nearest samples, or over all within a radius: of their targets (regression),
//! or of their classes written as zeros and ones (classification). How much each neighbour counts is a matter of
//! [`Weights`]: all alike, by inverse distance, or by any [`Profile`](crate::Profile) of the distance.
//!
//! | | |
//! |---|---|
//! | samples that can be searched, added and forgotten | [`NeighborIndex`] |
//! | the same with targets | [`Memory`] |
//! | regression | [`NeighborsRegressor`] |
//! | classification | [`NeighborsClassifier`] |
//! | one centre for each class | [`NearestCentroid`] |
//!
//! Search is exact. Neighbours come nearest first, those at the same distance in the order in which they were added; among classes with
//! the same weight the smallest label wins.
//!
//! ```
//! use locality::{Rows, Watch, lazy::{NeighborsRegressor, Reach, Weights}};
//! let x = [0.0, 1.0, 2.0, 3.0];
//! let y = [0.0, 1.0, 4.0, 9.0];
//! let watch = Watch::default();
//! let model = NeighborsRegressor::new(Reach::Nearest(2)).weights(Weights::Distance);
//! let mut fit = model.fit(Rows::column(&x), Rows::column(&y))?;
//! assert_eq!(fit.predict(Rows::column(&[1.5, 2.0]), &watch)?.values, [2.5, 4.0]);
//! // Learning goes on, and so does forgetting: what is left is as if it had been fitted alone.
//! let ids = fit.partial_fit(Rows::column(&[2.5]), Rows::column(&[6.25]))?;
//! assert_eq!(ids, 4..5);
//! fit.forget(&[1, 3])?;
//! assert_eq!(fit.memory().ids(), [0, 2, 4]);
//! # Ok::<(), locality::Error>(())
//! ```
//!
//! # Sources
//! - E. Fix, J. L. Hodges, *Discriminatory analysis. Nonparametric discrimination: consistency properties*, USAF report 4 (1951).
//! - T. Cover, P. Hart, *Nearest neighbor pattern classification*, IEEE Trans. Information Theory 13 (1967).
//! - S. A. Dudani, *The distance-weighted k-nearest-neighbor rule*, IEEE Trans. Systems, Man and Cybernetics 6 (1976).
//! - K. Hechenbichler, K. Schliep, *Weighted k-nearest-neighbor techniques and ordinal classification*, SFB 386 paper 399 (2004):
//!   kernels of the distance over that of the neighbour of rank `k + 1`.
//! - J. L. Bentley, J. B. Saxe, *Decomposable searching problems I: static-to-dynamic transformation*, J. Algorithms 1 (1980): parts
//!   of geometrically growing sizes.

mod centroid;
mod classifier;
mod index;
mod memory;
mod regressor;
mod weights;

pub use centroid::{NearestCentroid, NearestCentroidFit, Priors};
pub use classifier::{NeighborsClassifier, NeighborsClassifierFit, Outlier};
pub use index::{Asking, NeighborIndex, Reach};
pub use memory::{Means, Memory, Shares};
pub use regressor::{NeighborsRegressor, NeighborsRegressorFit, OnNone};
pub use weights::{Scale, Weights};

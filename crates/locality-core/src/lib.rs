//! The local mean: one primitive under any localization kernel, in mergeable form.
//!
//! Keys `k_i` have values `v_i` and sample weights `c_i`. A *kernel* `K` says how much a key counts at a query `q`, and the local
//! mean there is `sum_i c_i K(q, k_i) v_i / sum_i c_i K(q, k_i)`. The logarithm of the denominator, the log normaliser, comes with
//! it: it is the log density.
//!
//! # In one call
//!
//! ```
//! use locality_core::{Kernel, Rows, local_mean};
//! let keys = [0.0, 1.0, 2.0, 3.0];
//! let values = [0.0, 1.0, 4.0, 9.0];
//! let kernel: Kernel = "gaussian(h=0.5)".parse()?;
//! let out = local_mean(&kernel, Rows::column(&[1.5]), Rows::column(&keys), Rows::column(&values))?;
//! assert!((out.means[0] - 2.54_f64).abs() < 0.01);
//! # Ok::<(), locality_core::Error>(())
//! ```
//!
//! # Step by step
//!
//! [`LocalMean`] holds the parameters, [`LocalMean::fit`] lays out keys and values once, and [`LocalMeanFit::at`] answers queries.
//! A [`Watch`] says on how many threads, and may stop the work or hear of its progress. Results are the same bits for any
//! number of threads.
//!
//! ```
//! use locality_core::{LocalMean, OnEmpty, Rows, Watch};
//! // Two columns: a place and a group.
//! let keys = [0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 0.5, 2.0];
//! let values = [1.0, 2.0, 3.0, 70.0];
//! let kernel = "gaussian(h=0.5, cols=place) * uniform(cols=group)".parse::<locality_core::Kernel>()?;
//! let fit = LocalMean::new(kernel.with_columns(&["place", "group"])?)
//!     .neighborhood("nearest(k=3)".parse()?)
//!     .tolerance(1e-6)
//!     .on_empty(OnEmpty::Nan)
//!     .fit(Rows::new(&keys, 4, 2)?, Rows::column(&values))?;
//! let out = fit.at(Rows::new(&[1.0, 1.0, 1.0, 5.0], 2, 2)?, &Watch::default().threads(2))?;
//! assert!((out.means[0] - 2.0_f64).abs() < 0.5, "no key of group 1 is as large as 70");
//! assert!(out.means[1].is_nan(), "there is no group 5");
//! # Ok::<(), locality_core::Error>(())
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | kernels, as values and as text | [`Kernel`], [`Atom`], [`Profile`], [`Metric`], [`Bandwidth`]; the lists [`profiles`], [`metrics`] |
//! | which keys a query may see | [`Neighborhood`], the list [`neighborhoods`] |
//! | tables without a matrix library | [`Rows`]; conversions from `ndarray` with the feature of that name |
//! | nearest neighbours | [`Nearest`] |
//! | sums that merge, across batches or machines | [`Summary`] |
//! | what went wrong | [`Error`], [`ErrorKind`] |
//!
//! The crate `locality` builds the methods on this one and exports all of it.

mod aligned;
mod bias;
mod biased;
mod engine;
mod error;
mod float;
mod heads;
pub mod isa;
mod kernel;
mod lanes;
mod local_mean;
mod metric;
#[doc(hidden)]
pub mod names;
mod nearest;
mod neighborhood;
pub mod par;
mod profile;
mod pull_back;
mod rows;
mod sample;
mod summary;
mod text;
mod weights;

pub use bias::Bias;
pub use biased::Biased;
pub use error::{Error, ErrorKind, Result};
pub use float::Float;
pub use heads::{Head, HeadFlow};
pub use kernel::{Atom, Bandwidth, Columns, Kernel};
pub use local_mean::{LocalMean, LocalMeanFit, LocalMeans, OnEmpty, local_mean};
pub use metric::{LinearMap, METRICS, Metric, MetricInfo, metrics};
pub use nearest::{Nearest, Neighbors, WithinRadius};
pub use neighborhood::{
    Mask, NEIGHBORHOODS, Neighborhood, NeighborhoodInfo, Region, neighborhoods,
};
pub use par::Watch;
pub use profile::{PROFILES, ParameterInfo, Profile, ProfileInfo, Takes, profiles};
pub use pull_back::Gradients;
pub use rows::Rows;
pub use sample::LocalSample;
pub use summary::Summary;

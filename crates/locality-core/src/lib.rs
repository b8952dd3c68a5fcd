//! The local mean: one primitive under any localization kernel, in mergeable form.

mod engine;
mod error;
mod float;
pub mod isa;
mod kernel;
mod local_mean;
mod metric;
mod names;
mod nearest;
mod neighborhood;
pub mod par;
mod profile;
mod rows;
mod summary;
mod text;

pub use error::{Error, ErrorKind, Result};
pub use float::Float;
pub use kernel::{Atom, Bandwidth, Columns, Kernel};
pub use local_mean::{LocalMean, LocalMeanFit, LocalMeans, OnEmpty, local_mean};
pub use metric::{LinearMap, METRICS, Metric, MetricInfo, metrics};
pub use nearest::{Nearest, Neighbors, WithinRadius};
pub use neighborhood::{
    Mask, NEIGHBORHOODS, Neighborhood, NeighborhoodInfo, Region, neighborhoods,
};
pub use par::Watch;
pub use profile::{PROFILES, ParameterInfo, Profile, ProfileInfo, Takes, profiles};
pub use rows::Rows;
pub use summary::Summary;

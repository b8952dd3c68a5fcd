//! The local mean: one primitive under any localization kernel, in mergeable form.

mod error;
mod float;
pub mod isa;
mod kernel;
mod metric;
mod names;
pub mod par;
mod profile;
mod rows;
mod text;

pub use error::{Error, ErrorKind, Result};
pub use float::Float;
pub use kernel::{Atom, Bandwidth, Columns, Kernel};
pub use metric::{LinearMap, METRICS, Metric, MetricInfo, metrics};
pub use par::Watch;
pub use profile::{PROFILES, ParameterInfo, Profile, ProfileInfo, Takes, profiles};
pub use rows::Rows;

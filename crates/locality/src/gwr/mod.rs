//! Geographically weighted regression: (generalized) linear models whose coefficients differ from place to place.
//!
//! [`Gwr`] fits at each place a model to the rows around it; one bandwidth says how far around. [`Mgwr`] gives each column a
//! bandwidth of its own. Families, kernels, bandwidth rules and figures are those of the package mgwr, and both predict at new
//! places under every family.
//!
//! Time for each place grows with the rows that weigh there, memory with the rows of the table.

mod collinearity;
mod family;
mod hat;
mod mgwr;
mod model;
mod multiscale;
mod normal;
mod place;
mod predict;
mod search;
mod smooth;
mod space;
mod stationarity;
mod summary;
mod table;

pub use collinearity::Collinearity;
pub use family::Response;
pub use mgwr::Mgwr;
pub(crate) use mgwr::{Limits, Past};
pub(crate) use model::Given;
pub use model::{Gwr, GwrFit};
pub use multiscale::MgwrFit;
pub use predict::GwrAt;
pub use search::Search;
pub use space::{Distance, profile_named};
pub use summary::{Criterion, Summary};

//! How the double loop is run. Private: users name kernels, never engines.

mod absorb;
mod aggregate;
pub(crate) mod bound;
mod budget;
mod dense;
mod expanded;
mod gather;
pub(crate) mod gradient;
mod level;
mod listed;
mod narrow;
pub(crate) mod pair;
mod plan;
pub(crate) mod prepared;
mod query;
mod raw;
pub(crate) mod reference;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod search;
pub(crate) mod sites;
mod split;
pub(crate) mod together;
pub(crate) mod tree;
mod units;
mod walk;

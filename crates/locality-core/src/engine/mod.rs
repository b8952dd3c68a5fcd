//! How the double loop is run. Private: users name kernels, never engines.

pub(crate) mod bound;
mod dense;
mod level;
mod listed;
pub(crate) mod pair;
pub(crate) mod prepared;
pub(crate) mod reference;
pub(crate) mod search;
pub(crate) mod sites;
pub(crate) mod tree;
mod walk;

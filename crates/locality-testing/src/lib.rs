//! Seeded data, plain reference loops and comparators for the tests of locality.

mod data;
pub mod formula;
mod reference;

pub use data::{Rng, blobs, line_and_outliers, normal, table};
pub use reference::{close, plain_mean};

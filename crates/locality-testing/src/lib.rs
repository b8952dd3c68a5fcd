//! Seeded data, plain reference loops and comparators for the tests of locality.

mod data;

pub use data::{Rng, blobs, line_and_outliers, normal, table};

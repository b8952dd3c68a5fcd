//! Models whose kernel compares contexts, not places: windows of a series, columns of a table, and the current output itself.
//!
//! Pictures have their own: [`image::NonLocalMeans`](crate::image::NonLocalMeans) and what is beside it.

mod contexts;
mod selflocal;
mod series;
mod strength;

pub use selflocal::{SelfLocalRegression, SelfLocalRegressionFit};
pub use series::{SeriesSmoother, SmoothedSeries};

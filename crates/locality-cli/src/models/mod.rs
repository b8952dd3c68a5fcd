//! Models of tables: which there are, how they are fitted, and what they predict.

#[cfg(feature = "learn")]
mod adaptive;
mod columns;
mod fitted;
mod missing;
mod recipe;
mod target;

pub(crate) use columns::Columns;
pub(crate) use fitted::{Fitted, Predictions};
pub(crate) use missing::Missing;
pub(crate) use recipe::{Bandwidth, Model, Recipe};
pub(crate) use target::{Target, Task, class_column};

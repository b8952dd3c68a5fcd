//! The local mean: one primitive under any localization kernel, in mergeable form.

mod error;
mod float;
pub mod isa;
pub mod par;
mod rows;

pub use error::{Error, ErrorKind, Result};
pub use float::Float;
pub use par::Watch;
pub use rows::Rows;

//! How parameters follow their derivatives.

mod adamw;
mod clip;
mod lbfgs;
mod schedule;

pub use adamw::{AdamW, AdamWState};
pub use clip::clip;
pub(crate) use lbfgs::{Minimum, lbfgs};
pub use schedule::Schedule;

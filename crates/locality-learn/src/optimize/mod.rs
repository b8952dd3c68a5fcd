//! How parameters follow their derivatives.

mod adamw;
mod clip;
mod schedule;

pub use adamw::{AdamW, AdamWState};
pub use clip::clip;
pub use schedule::Schedule;

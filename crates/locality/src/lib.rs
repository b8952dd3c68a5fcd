//! Localization methods: any statistical model made local, on one fast primitive.

pub use locality_core as core;
pub use locality_core::*;

pub mod image;
pub mod shift;

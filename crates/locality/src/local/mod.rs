//! Models made local: a fit of their own at every target.

pub mod lowess;

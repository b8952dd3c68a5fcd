//! The tool as it is used: the binary, run in temporary folders.

#[cfg(feature = "learn")]
mod adaptive;
mod advice;
#[cfg(feature = "learn")]
mod autoencode;
mod bad_pictures;
mod bad_tables;
mod cluster;
mod denoise;
#[cfg(feature = "embed")]
mod embed;
#[cfg(feature = "learn")]
mod encode;
mod fuzzy;
mod gwr;
mod label;
#[cfg(feature = "learn")]
mod lm;
mod mean;
mod missing;
mod models;
mod outputs;
mod pictures;
mod recall;
mod regions;
mod run;
mod talk;

//! Denoising: means over alike patches, local Gaussian models of patches, bilateral filters, the level of noise, and how near two
//! pictures are.

mod auto;
mod bayes;
mod bilateral;
mod channels;
mod clipped;
mod ending;
mod group;
mod levels;
mod matrices;
mod means;
mod noise;
mod padded;
mod quality;
mod quiet;
mod region;
mod rows;
mod shifts;
mod units;
mod window;

pub use auto::{DenoiseMethod, Denoised, Denoiser};
pub use bayes::NonLocalBayes;
pub use bilateral::{Bilateral, BilateralBorder};
pub use means::{NonLocalMeans, PatchWeights};
pub use noise::{NoiseLevel, estimate_noise};
pub use quality::{psnr, ssim};
pub use quiet::estimate_noise_robust;

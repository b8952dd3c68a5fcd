//! Denoising: means over alike patches, local Gaussian models of patches, bilateral filters, the level of noise, and how near two
//! pictures are.

mod auto;
mod bayes;
mod bilateral;
mod clipped;
mod group;
mod levels;
mod matrices;
mod means;
mod noise;
mod padded;
mod quality;
mod region;
mod rows;
mod shifts;

use super::view::{ImageView, Sample};
use crate::Float;

pub use auto::{DenoiseMethod, Denoised, Denoiser};
pub use bayes::NonLocalBayes;
pub use bilateral::{Bilateral, BilateralBorder};
pub use means::{NonLocalMeans, PatchWeights};
pub use noise::{NoiseLevel, estimate_noise};
pub use quality::{psnr, ssim};

/// Samples from means `[pixels, colours]` on the common scale: opacity is carried through, and pixels that cannot be seen, or for
/// which there is no mean, keep their samples.
fn finish<S: Sample, T: Float>(image: &ImageView<'_, S>, means: &[T]) -> Vec<S> {
    let colors = image.colors();
    if colors == image.channels() && !(0..image.pixels()).any(|i| image.is_transparent(i)) {
        let sample = |(mean, own): (&T, &S)| {
            if mean.is_nan() {
                *own
            } else {
                S::nearest(mean.to_f64() / S::SCALE)
            }
        };
        return means.iter().zip(image.samples()).map(sample).collect();
    }
    let mut out = image.samples().to_vec();
    let pixels = out.chunks_exact_mut(image.channels());
    for (i, (pixel, mean)) in pixels.zip(means.chunks_exact(colors)).enumerate() {
        if image.is_transparent(i) {
            continue;
        }
        for (sample, mean) in pixel.iter_mut().zip(mean) {
            if !mean.is_nan() {
                *sample = S::nearest(mean.to_f64() / S::SCALE);
            }
        }
    }
    out
}

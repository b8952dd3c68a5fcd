//! From means to samples.

use super::clipped::Clipped;
use crate::image::view::{ImageView, Sample};
use crate::par::map_blocks;
use crate::{Float, Result, Watch};

/// Pixels that are turned into samples at once.
const PIXELS: usize = 1 << 14;

/// How means on the common scale become samples of a picture.
pub(super) struct Ending<'a, S> {
    image: &'a ImageView<'a, S>,
    clipped: Option<Clipped>,
}

impl<'a, S: Sample> Ending<'a, S> {
    /// Means as they are.
    pub(super) fn new(image: &'a ImageView<'a, S>) -> Self {
        Self {
            image,
            clipped: None,
        }
    }

    /// What noise of a standard deviation lost at black and white, `full`, is given back.
    pub(super) fn of_noise(image: &'a ImageView<'a, S>, sigma: f64, full: f64) -> Self {
        Self {
            image,
            clipped: Clipped::new(sigma, full),
        }
    }

    /// Samples from means `[pixels, colours]` of all pixels.
    pub(super) fn all<T: Float>(&self, means: &[T], watch: &Watch<'_>) -> Result<Vec<S>> {
        let colors = self.image.colors();
        let blocks = map_blocks(&watch.quiet(), self.image.pixels(), PIXELS, |pixels| {
            let means = means[pixels.start * colors..pixels.end * colors].to_vec();
            Ok(self.samples(pixels.start, means))
        })?;
        Ok(blocks.concat())
    }

    /// The same of some, from a pixel on: opacity is carried through, and pixels that cannot be seen, or for which there is no mean,
    /// keep their samples.
    pub(super) fn samples<T: Float>(&self, first: usize, mut means: Vec<T>) -> Vec<S> {
        let image = self.image;
        if let Some(clipped) = &self.clipped {
            clipped.undo(&mut means);
        }
        let (colors, channels) = (image.colors(), image.channels());
        let pixels = first..first + means.len() / colors;
        let own = &image.samples()[pixels.start * channels..pixels.end * channels];
        let sample = |mean: T, own: S| {
            if mean.is_nan() {
                own
            } else {
                S::nearest(mean.to_f64() / S::SCALE)
            }
        };
        if colors == channels && !pixels.clone().any(|i| image.is_transparent(i)) {
            let both = means.iter().zip(own);
            return both.map(|(mean, own)| sample(*mean, *own)).collect();
        }
        let mut out = own.to_vec();
        let means = means.chunks_exact(colors);
        for ((i, pixel), mean) in pixels.zip(out.chunks_exact_mut(channels)).zip(means) {
            if image.is_transparent(i) {
                continue;
            }
            for (s, mean) in pixel.iter_mut().zip(mean) {
                *s = sample(*mean, *s);
            }
        }
        out
    }
}

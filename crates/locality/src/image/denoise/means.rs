//! Non-local means.

use super::channels::each;
use super::ending::Ending;
use super::padded::{Border, Padded};
use super::shifts::Rule;
use crate::image::view::{ImageView, Sample, check_bandwidth};
use crate::{Error, Float, Result, Watch};

/// How much the pixels of a patch count when two patches are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PatchWeights {
    /// All alike, and the picture goes on as its mirror image: scikit-image's `fast_mode=True`. Of a patch of `s` pixels a side, the
    /// last `s - 1` rows and columns count, as there.
    #[default]
    Flat,
    /// As a Gaussian of standard deviation `(s - 1) / 4` pixels about the centre, and only pixels of the picture are averaged:
    /// scikit-image's `fast_mode=False`.
    Gaussian,
}

/// Largest distance of patches that have weight: `exp(-5)` is 0.7 %.
const MOST: f64 = 5.0;
/// Largest patch and window, so that a mistaken number does not take all memory.
const LARGEST: usize = 1000;

/// Non-local means (Buades, Coll and Morel, *A non-local algorithm for image denoising*, CVPR 2005): every pixel becomes the mean of the
/// pixels around it, weighted by how alike the patches about them are.
///
/// The weight of the pixel at a step `t` is `exp(-max(0, d_t))` with
/// `d_t = sum_q g_q (|u(p + q) - u(p + t + q)|^2 - 2 c sigma^2) / (c h^2)`
/// over the places `q` of a patch, whose weights `g_q` ([`PatchWeights`]) sum to 1, for pictures of `c` channels; distances above 5 have
/// none. In a [stack](ImageView::stack), patches and windows reach over frames as well. Sums over patches are shared between neighbours
/// (Darbon, Cunha, Chan, Osher and Jensen 2008), so that time hardly grows with the patch.
///
/// Patches of one pixel make this a filter by colour alone (Yaroslavsky's).
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, NonLocalMeans};
/// let grey: [u8; 24] = [
///     10, 14, 12, 11, 90, 94, 91, 93, 12, 13, 10, 14, 92, 90, 95, 91, 11, 12, 14, 10, 93, 92, 90, 94,
/// ];
/// let picture = ImageView::new(&grey, 3, 8, 1)?;
/// let means = NonLocalMeans::new(10.0).patch_size(3).patch_distance(3);
/// let out = means.filter(&picture, &Watch::default())?;
/// assert!(out[..3].iter().all(|x| (11..=13).contains(x)));
/// assert!(out[5..8].iter().all(|x| (91..=93).contains(x)));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonLocalMeans {
    patch_size: usize,
    patch_distance: usize,
    h: f64,
    sigma: f64,
    weights: PatchWeights,
    per_channel: bool,
}

impl NonLocalMeans {
    /// With the bandwidth `h` in units of samples on the scale of 8 bits (floats: their own): patches of 7 pixels a side, steps of at
    /// most 11 pixels by row and column, no noise taken off distances.
    pub fn new(h: f64) -> Self {
        Self {
            patch_size: 7,
            patch_distance: 11,
            h,
            sigma: 0.0,
            weights: PatchWeights::default(),
            per_channel: false,
        }
    }

    /// The settings for noise of a standard deviation: patches of 5 pixels, steps of up to 6, and the best `h` over photographs,
    /// `0.6 sigma`, with distances corrected for the noise.
    pub fn for_noise(sigma: f64) -> Self {
        Self::new(0.6 * sigma)
            .sigma(sigma)
            .patch_size(5)
            .patch_distance(6)
    }

    /// Patches of this many pixels a side; an even number counts as the next odd one.
    #[must_use]
    pub fn patch_size(mut self, patch_size: usize) -> Self {
        self.patch_size = patch_size;
        self
    }

    /// Steps of at most this many pixels by row and column, and frames of a stack.
    #[must_use]
    pub fn patch_distance(mut self, patch_distance: usize) -> Self {
        self.patch_distance = patch_distance;
        self
    }

    /// The standard deviation of noise in each channel, whose part in the distances is taken off (Buades, Coll and Morel 2011).
    #[must_use]
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }

    /// How patches are compared.
    #[must_use]
    pub fn weights(mut self, weights: PatchWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Each colour channel by itself, with distances and weights of its own; by default all together.
    #[must_use]
    pub fn per_channel(mut self, per_channel: bool) -> Self {
        self.per_channel = per_channel;
        self
    }

    /// The filtered samples, laid out as the picture's. Opacity is carried through; pixels that cannot be seen keep their samples
    /// and take no part. Computed in `f32`, for samples of `f64` in `f64`.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) where `h` is no positive number, `sigma` is negative, or a patch or window is empty or
    /// above 1000 pixels; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn filter<T: Sample>(&self, image: &ImageView<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        if self.per_channel && image.colors() > 1 {
            self.check()?;
            return each(image, watch, |plane, watch| self.filter(plane, watch));
        }
        self.ended(image, &Ending::new(image), watch)
    }

    /// The same with another ending, all channels together.
    pub(super) fn ended<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        ending: &Ending<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        let end = |first: usize, means: Vec<T::Work>| ending.samples(first, means);
        self.run(image, end, watch)
    }

    /// The means before they become samples, `[pixels, colours]`.
    pub(super) fn means<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T::Work>> {
        self.run(image, |_, means| means, watch)
    }

    fn run<T: Sample, O: Copy + Send>(
        &self,
        image: &ImageView<'_, T>,
        end: impl Fn(usize, Vec<T::Work>) -> Vec<O> + Sync,
        watch: &Watch<'_>,
    ) -> Result<Vec<O>> {
        self.check()?;
        let rule = self.rule::<T::Work>(image.colors(), image.frames());
        rule.means(&Padded::new(image, rule.pad(), Border::Mirror), end, watch)
    }

    fn check(&self) -> Result<()> {
        check_bandwidth("h", self.h, "units of samples")?;
        check_sigma(self.sigma)?;
        if self.patch_size == 0 || self.patch_size > LARGEST {
            return Err(Error::parameter(format!(
                "patch_size is {}; give 1 to {LARGEST} pixels",
                self.patch_size
            )));
        }
        if self.patch_distance > LARGEST {
            return Err(Error::parameter(format!(
                "patch_distance is {}; give at most {LARGEST} pixels",
                self.patch_distance
            )));
        }
        Ok(())
    }

    fn rule<T: Float>(&self, channels: usize, frames: usize) -> Rule<T> {
        let flat = self.weights == PatchWeights::Flat;
        let radius = (self.patch_size / 2).cast_signed();
        let side = 2 * radius + 1;
        let axes = if frames > 1 { 3 } else { 2 };
        let low = if flat { (1 - radius).min(0) } else { -radius };
        let along: Vec<f64> = if flat { Vec::new() } else { gaussian(radius) };
        let area = if flat {
            (side as f64).powi(axes)
        } else {
            along.iter().sum::<f64>().powi(axes)
        };
        let reach = self.patch_distance.cast_signed();
        let depth = if frames > 1 { reach } else { 0 };
        Rule {
            patch: (low, radius),
            frames: if frames > 1 { (low, radius) } else { (0, 0) },
            along: along.into_iter().map(T::from_f64).collect(),
            scale: T::from_f64(1.0 / (channels as f64 * self.h * self.h * area)),
            noise: T::from_f64(2.0 * channels as f64 * self.sigma * self.sigma),
            most: T::from_f64(MOST),
            shifts: Rule::<T>::window([depth, reach, reach]),
        }
    }
}

/// A standard deviation of noise: a finite number, not negative.
pub(super) fn check_sigma(sigma: f64) -> Result<()> {
    if (0.0..=1e15).contains(&sigma) {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "sigma is {sigma}; give the standard deviation of the noise, a number from 0 to 1e15"
    )))
}

/// One axis of the weights of patches, not normalised.
fn gaussian(radius: isize) -> Vec<f64> {
    // A quarter of the side without its centre.
    let deviation = radius as f64 / 2.0;
    let weight = |q: isize| match q {
        0 => 1.0,
        _ => (-0.5 * (q as f64 / deviation).powi(2)).exp(),
    };
    (-radius..=radius).map(weight).collect()
}

//! One denoiser for all methods.

use std::fmt;
use std::str::FromStr;

use super::bayes::{NonLocalBayes, STRONGEST};
use super::bilateral::Bilateral;
use super::channels::each;
use super::ending::Ending;
use super::means::{NonLocalMeans, check_sigma};
use super::quality::check_range;
use super::quiet::{estimate_noise_robust, full_of, shown_of};
use super::units::leveled;
use crate::image::view::{ImageView, Sample};
use crate::names;
use crate::{Error, Result, Watch};

/// How a picture is freed from noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenoiseMethod {
    /// The best of them: local Gaussian models of patches.
    #[default]
    Auto,
    /// [`NonLocalMeans`]: local constants over alike patches.
    NonLocalMeans,
    /// [`NonLocalBayes::linear`]: local linear models over alike patches.
    NonLocalLinear,
    /// [`NonLocalBayes`]: local Gaussian models of patches, in two steps.
    NonLocalBayes,
    /// [`Bilateral`]: local constants over near pixels of like colour.
    Bilateral,
}

const NAMES: [(&str, DenoiseMethod); 5] = [
    ("auto", DenoiseMethod::Auto),
    ("nlm", DenoiseMethod::NonLocalMeans),
    ("nlm-linear", DenoiseMethod::NonLocalLinear),
    ("nl-bayes", DenoiseMethod::NonLocalBayes),
    ("bilateral", DenoiseMethod::Bilateral),
];

impl fmt::Display for DenoiseMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, method)| method == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for DenoiseMethod {
    type Err = Error;

    /// `auto`, `nlm`, `nlm-linear`, `nl-bayes`, `bilateral`; underscores count as hyphens.
    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_ascii_lowercase().replace('_', "-");
        let found = NAMES.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, method)| *method).ok_or_else(|| {
            let known = NAMES.iter().map(|(name, _)| *name);
            Error::parse(names::unknown("denoising method", text, known))
        })
    }
}

/// Frees pictures from white noise: a method, and the noise's standard deviation or its estimate.
///
/// In pictures of integers, and in floats of a [range](Self::range), noise was cut off at black and white, so that the mean of noisy values
/// is too light near black and too dark near white; this is undone (Foi, *Clipped noisy images*, Signal Processing 89(12), 2009), as far as
/// the picture shows so much noise as was given. Floats may be in any units.
///
/// ```
/// use locality::Watch;
/// use locality::image::{Denoiser, ImageView};
/// let noisy: Vec<u8> = (0..64 * 64_u32).map(|i| 100 + (i.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
/// let picture = ImageView::new(&noisy, 64, 64, 1)?;
/// let out = Denoiser::new().denoise(&picture, &Watch::default())?;
/// assert!(out.sigma() > 3.0);
/// let spread = |s: &[u8]| i32::from(*s.iter().max().unwrap()) - i32::from(*s.iter().min().unwrap());
/// assert!(spread(out.samples()) < spread(&noisy) / 2);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Denoiser {
    method: DenoiseMethod,
    sigma: Option<f64>,
    range: Option<f64>,
    per_channel: bool,
}

impl Denoiser {
    /// [`Auto`](DenoiseMethod::Auto), with the noise estimated from the picture.
    pub fn new() -> Self {
        Self::default()
    }

    /// By this method.
    #[must_use]
    pub fn method(mut self, method: DenoiseMethod) -> Self {
        self.method = method;
        self
    }

    /// With this standard deviation of the noise, in units of samples on the scale of 8 bits (floats: their own); without it, the
    /// [estimate](estimate_noise_robust) from the picture, averaged over its channels.
    #[must_use]
    pub fn sigma(mut self, sigma: impl Into<Option<f64>>) -> Self {
        self.sigma = sigma.into();
        self
    }

    /// Noise was cut off at 0 and at this sample: 1 for floats between 0 and 1, 4095 for 12 bits in `u16`. Without it, at the ends of an
    /// integer type, and in floats not at all.
    #[must_use]
    pub fn range(mut self, range: impl Into<Option<f64>>) -> Self {
        self.range = range.into();
        self
    }

    /// Each colour channel by itself, with a noise of its own where it is estimated; by default all together.
    #[must_use]
    pub fn per_channel(mut self, per_channel: bool) -> Self {
        self.per_channel = per_channel;
        self
    }

    /// Denoises a picture or a stack.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a standard deviation that is negative or not a number, or a range that is not
    /// positive; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn denoise<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Denoised<T>> {
        if let Some(sigma) = self.sigma {
            check_sigma(sigma)?;
        }
        if let Some(range) = self.range {
            check_range(range)?;
        }
        let method = match self.method {
            DenoiseMethod::Auto => DenoiseMethod::NonLocalBayes,
            chosen => chosen,
        };
        let (samples, found) = if self.per_channel && image.colors() > 1 {
            let mut sum = 0.0;
            let samples = each(image, watch, |plane, watch| {
                let (samples, sigma) = self.together(method, plane, watch)?;
                sum += sigma;
                Ok(samples)
            })?;
            (samples, sum / image.colors() as f64)
        } else {
            self.together(method, image, watch)?
        };
        Ok(Denoised {
            samples,
            sigma: self.sigma.unwrap_or(found),
            method,
        })
    }

    /// The samples, and the noise that was found.
    fn together<T: Sample>(
        &self,
        method: DenoiseMethod,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<T>, f64)> {
        leveled(image, |image, factor| {
            let range = self.range.map(|range| range * factor);
            let sigma = match self.sigma {
                Some(sigma) => sigma * factor,
                None => estimate_noise_robust(image, range, &watch.quiet())?.joint(),
            };
            // Below this there is nothing that a filter could take away.
            let nothing = if T::LEVELS > 0 {
                1e-6 * T::FULL * T::SCALE
            } else {
                1e-12
            };
            let samples = if sigma <= nothing {
                image.samples().to_vec()
            } else {
                self.run(method, sigma.min(STRONGEST), image, range, watch)?
            };
            Ok((samples, sigma / factor))
        })
    }

    /// The samples of a method's result, noise that was cut off at black and white considered.
    fn run<T: Sample>(
        &self,
        method: DenoiseMethod,
        sigma: f64,
        image: &ImageView<'_, T>,
        range: Option<f64>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        let ending = match full_of::<T>(range) {
            None => Ending::new(image),
            Some(full) => {
                // Where less noise was cut off than somebody says, giving it back would shift colours.
                let shown = if self.sigma.is_some() {
                    shown_of(image, sigma, full, &watch.quiet())?
                } else {
                    sigma
                };
                Ending::of_noise(image, shown, full)
            }
        };
        let bayes = match method {
            DenoiseMethod::NonLocalMeans => {
                return NonLocalMeans::for_noise(sigma).ended(image, &ending, watch);
            }
            DenoiseMethod::Bilateral => {
                return Bilateral::for_noise(sigma).ended(image, &ending, watch);
            }
            DenoiseMethod::NonLocalLinear => NonLocalBayes::linear(sigma),
            DenoiseMethod::Auto | DenoiseMethod::NonLocalBayes => NonLocalBayes::new(sigma),
        };
        ending.all(&bayes.range(range).means(image, watch)?, watch)
    }
}

/// A picture without its noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Denoised<T> {
    samples: Vec<T>,
    sigma: f64,
    method: DenoiseMethod,
}

impl<T: Sample> Denoised<T> {
    /// The picture, laid out as the input.
    pub fn samples(&self) -> &[T] {
        &self.samples
    }

    /// The picture, taken out.
    pub fn into_samples(self) -> Vec<T> {
        self.samples
    }

    /// The standard deviation of the noise that was given or estimated.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The method that was used, never [`Auto`](DenoiseMethod::Auto).
    pub fn method(&self) -> DenoiseMethod {
        self.method
    }
}

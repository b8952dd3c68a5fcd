//! One denoiser for all methods.

use std::fmt;
use std::str::FromStr;

use super::bayes::NonLocalBayes;
use super::bilateral::Bilateral;
use super::ending::Ending;
use super::means::{NonLocalMeans, check_sigma};
use super::noise::estimate_noise;
use crate::image::view::{ImageView, Sample};
use crate::names;
use crate::{Error, Result, Watch};

/// How a picture is freed from noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenoiseMethod {
    /// Local Gaussian models of patches for pictures, non-local means for stacks.
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
/// In pictures of integers noise was cut off at black and white, so that the mean of noisy values is too light near black and too dark near
/// white; this is undone (Foi, *Clipped noisy images*, Signal Processing 89(12), 2009).
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
    /// [estimate](estimate_noise) from the picture.
    #[must_use]
    pub fn sigma(mut self, sigma: impl Into<Option<f64>>) -> Self {
        self.sigma = sigma.into();
        self
    }

    /// Denoises a picture or a stack.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a standard deviation that is negative or not a number;
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn denoise<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Denoised<T>> {
        let sigma = match self.sigma {
            Some(sigma) => sigma,
            None => estimate_noise(image, &watch.quiet())?.joint(),
        };
        check_sigma(sigma)?;
        let method = match self.method {
            DenoiseMethod::Auto if image.frames() > 1 => DenoiseMethod::NonLocalMeans,
            DenoiseMethod::Auto => DenoiseMethod::NonLocalBayes,
            chosen => chosen,
        };
        // Below this there is nothing that a filter could take away.
        let nothing = sigma <= 1e-6 * T::FULL * T::SCALE;
        let samples = if nothing {
            image.samples().to_vec()
        } else {
            run(method, sigma, image, watch)?
        };
        Ok(Denoised {
            samples,
            sigma,
            method,
        })
    }
}

/// The samples of a method's result, noise that was cut off at black and white considered.
fn run<T: Sample>(
    method: DenoiseMethod,
    sigma: f64,
    image: &ImageView<'_, T>,
    watch: &Watch<'_>,
) -> Result<Vec<T>> {
    let ending = Ending::of_noise(image, sigma);
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
    ending.all(&bayes.means(image, watch)?, watch)
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

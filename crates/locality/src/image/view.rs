//! Borrowed images, their samples, and what is checked before anything is computed.

use super::regions::Grid;
use crate::{Error, Float, Result};

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A sample of an image: `u8`, `u16`, `f32` or `f64`. Sealed.
///
/// Inside, samples are numbers on one scale: `u8` as they are (0 to 255), `u16` divided by 257 (so that a
/// range bandwidth means the same for 8 and 16 bits), `f32` and `f64` as they are.
pub trait Sample:
    sealed::Sealed + Copy + PartialEq + std::fmt::Debug + Default + Send + Sync + 'static
{
    /// The numbers that means of these samples are taken in, where a method does not say otherwise.
    type Work: Float;
    /// The type's name.
    const NAME: &'static str;
    /// Full intensity in the sample's own units: 255, 65535 or 1.
    const FULL: f64;
    /// Factor from the sample's own units to the common scale.
    const SCALE: f64;
    /// Number of levels of an integer type, 0 for floats.
    const LEVELS: usize;

    /// The sample in its own units.
    fn to_f64(self) -> f64;
    /// The nearest sample to a number in the sample's own units, clamped to the type's range.
    fn nearest(x: f64) -> Self;
    /// The sample as an index below [`LEVELS`](Self::LEVELS); 0 for floats.
    fn level(self) -> usize;
}

macro_rules! integer_sample {
    ($t:ident, $scale:expr) => {
        impl Sample for $t {
            type Work = f32;
            const NAME: &'static str = stringify!($t);
            const FULL: f64 = $t::MAX as f64;
            const SCALE: f64 = $scale;
            const LEVELS: usize = $t::MAX as usize + 1;

            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn nearest(x: f64) -> Self {
                // `as` cuts off decimals, saturates, and takes NaN to 0.
                (x + 0.5) as $t
            }
            #[inline]
            fn level(self) -> usize {
                usize::from(self)
            }
        }
    };
}

integer_sample!(u8, 1.0);
integer_sample!(u16, 1.0 / 257.0);

macro_rules! float_sample {
    ($t:ident) => {
        impl Sample for $t {
            type Work = $t;
            const NAME: &'static str = stringify!($t);
            const FULL: f64 = 1.0;
            const SCALE: f64 = 1.0;
            const LEVELS: usize = 0;

            #[inline]
            fn to_f64(self) -> f64 {
                self.into()
            }
            #[inline]
            fn nearest(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn level(self) -> usize {
                0
            }
        }
    };
}

float_sample!(f32);
float_sample!(f64);

/// Largest size of a sample of floats, so that squared differences stay finite.
const LARGEST: f64 = 1e15;

/// Not a number, infinite, or beyond [`LARGEST`].
fn too_large(sample: f64) -> bool {
    sample.is_nan() || sample.abs() > LARGEST
}

/// A borrowed image: `height` rows of `width` pixels of `channels` interleaved samples, row by row
/// (`samples[(y * width + x) * channels + channel]`).
///
/// ```
/// use locality::image::ImageView;
/// let rgb = [0_u8; 4 * 3 * 3];
/// let image = ImageView::new(&rgb, 4, 3, 3)?;
/// assert_eq!((image.height(), image.width(), image.channels()), (4, 3, 3));
/// assert!(ImageView::new(&rgb, 4, 4, 3).is_err());
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a, T> {
    samples: &'a [T],
    height: usize,
    width: usize,
    channels: usize,
    alpha: bool,
    frames: usize,
}

impl<'a, T: Sample> ImageView<'a, T> {
    /// A view of `height * width * channels` samples.
    ///
    /// # Errors
    /// [`Empty`](crate::ErrorKind::Empty) where a size is 0, [`Shape`](crate::ErrorKind::Shape) where the number of
    /// samples is not the product of the sizes or the image has more than 2^31 pixels,
    /// [`NotFinite`](crate::ErrorKind::NotFinite) where a sample is NaN, infinite or beyond 1e15.
    pub fn new(samples: &'a [T], height: usize, width: usize, channels: usize) -> Result<Self> {
        if height == 0 || width == 0 || channels == 0 {
            return Err(Error::empty(format!(
                "the image has {height} rows, {width} columns and {channels} channels; each must be at least 1"
            )));
        }
        let pixels = height.checked_mul(width).filter(|&n| n <= 1 << 31);
        let Some(expected) = pixels.and_then(|n| n.checked_mul(channels)) else {
            return Err(Error::shape(format!(
                "the image has {height} x {width} pixels of {channels} channels; at most 2^31 pixels are possible"
            )));
        };
        if samples.len() != expected {
            return Err(Error::shape(format!(
                "the image has {} samples, but {height} rows of {width} pixels of {channels} channels take {expected}; \
                 pass the sizes that the samples were written with",
                samples.len()
            )));
        }
        if T::LEVELS == 0
            && let Some(i) = samples.iter().position(|s| too_large(s.to_f64()))
        {
            let pixel = i / channels;
            return Err(Error::not_finite(format!(
                "the image holds {:?} at row {}, column {}, channel {}; samples must be numbers of at most {LARGEST:e} \
                 in size, so replace or rescale it first",
                samples[i],
                pixel / width,
                pixel % width,
                i % channels
            )));
        }
        Ok(Self {
            samples,
            height,
            width,
            channels,
            alpha: false,
            frames: 1,
        })
    }

    /// A stack of `frames` pictures of one size, one after the other: the frames of a video or the slices of a volume, as an array
    /// `[frames, height, width, channels]`. [Frames](Self::frames) are a third axis of position.
    ///
    /// ```
    /// use locality::image::ImageView;
    /// let video = [0_u8; 5 * 4 * 3 * 3];
    /// let stack = ImageView::stack(&video, 5, 4, 3, 3)?;
    /// assert_eq!((stack.frames(), stack.height(), stack.pixels()), (5, 4, 60));
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new); an error's row is counted through all frames.
    pub fn stack(
        samples: &'a [T],
        frames: usize,
        height: usize,
        width: usize,
        channels: usize,
    ) -> Result<Self> {
        let Some(rows) = frames.checked_mul(height) else {
            return Err(Error::shape(format!(
                "the stack has {frames} frames of {height} rows; at most 2^31 pixels are possible"
            )));
        };
        Ok(Self {
            height: height.max(1),
            frames,
            ..Self::new(samples, rows, width, channels)?
        })
    }

    /// Declares the last channel to be opacity (grey + alpha, RGBA). It is carried through unchanged and is no part
    /// of the colour; pixels of opacity 0 have no colour: they keep their samples and influence no other pixel.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where the image has one channel only.
    pub fn with_alpha(mut self) -> Result<Self> {
        if self.channels < 2 {
            return Err(Error::shape(
                "the image has 1 channel, so its last cannot be alpha; pass at least one colour channel before it",
            ));
        }
        self.alpha = true;
        Ok(self)
    }

    /// Number of frames of a stack; 1 for a picture.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Number of rows of each frame.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of samples a pixel, alpha included.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples a pixel that are colour: all but alpha.
    pub fn colors(&self) -> usize {
        self.channels - usize::from(self.alpha)
    }

    /// Whether the last channel is opacity.
    pub fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// Number of pixels, of all frames.
    pub fn pixels(&self) -> usize {
        self.frames * self.height * self.width
    }

    pub(crate) fn grid(&self) -> Grid {
        Grid {
            frames: self.frames,
            height: self.height,
            width: self.width,
        }
    }

    /// All samples, row by row.
    pub fn samples(&self) -> &'a [T] {
        self.samples
    }

    /// The samples of pixel `i` (counted row by row).
    #[inline]
    pub(crate) fn pixel(&self, i: usize) -> &'a [T] {
        &self.samples[i * self.channels..(i + 1) * self.channels]
    }

    /// Whether pixel `i` has opacity 0.
    #[inline]
    pub(crate) fn is_transparent(&self, i: usize) -> bool {
        self.alpha && self.samples[(i + 1) * self.channels - 1].to_f64() <= 0.0
    }
}

/// A positive finite bandwidth whose square is an ordinary `f32`.
pub(crate) fn check_bandwidth(name: &str, value: f64, unit: &str) -> Result<()> {
    if value.is_finite() && (1e-15..=1e15).contains(&value) {
        Ok(())
    } else {
        let value = if (1e-6..1e16).contains(&value.abs()) || value == 0.0 {
            value.to_string()
        } else {
            format!("{value:e}")
        };
        Err(Error::parameter(format!(
            "{name} is {value}; give a positive number of {unit} (1e-15 to 1e15)"
        )))
    }
}

//! How strong the noise of a picture is.

use crate::image::smooth::mirrored;
use crate::image::view::{ImageView, Sample};
use crate::{Result, Watch, par::map_blocks};

/// The high-pass filter of Daubechies' wavelet of two vanishing moments.
pub(super) const HIGH: [f64; 4] = [
    -0.482_962_913_144_690_25,
    0.836_516_303_737_469,
    -0.224_143_868_041_857_35,
    -0.129_409_522_550_921_45,
];
/// The third quartile of the standard normal distribution.
pub(super) const QUARTILE: f64 = 0.674_489_750_196_081_7;

/// Standard deviations of the noise of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseLevel {
    channels: Vec<f64>,
}

impl NoiseLevel {
    pub(super) fn new(channels: Vec<f64>) -> Self {
        Self { channels }
    }

    /// For each colour channel, in units of samples on the scale of 8 bits (floats: their own).
    pub fn channels(&self) -> &[f64] {
        &self.channels
    }

    /// Their mean.
    pub fn joint(&self) -> f64 {
        self.channels.iter().sum::<f64>() / self.channels.len() as f64
    }
}

/// Estimates the standard deviation of white Gaussian noise, channel by channel: the median of the sizes of the finest diagonal
/// coefficients of the db2 wavelet over the normal distribution's third quartile (Donoho and Johnstone, *Ideal spatial adaptation by
/// wavelet shrinkage*, Biometrika 81, 1994, section 4.2), as scikit-image's `estimate_sigma`.
///
/// Coefficients of exactly 0 are left aside, as are those that reach pixels of opacity 0; the frames of a stack are taken together.
/// Noise that was cut off at black and white is estimated too low, and texture counts as noise: see
/// [`estimate_noise_robust`](super::super::estimate_noise_robust). 0 where nothing is left.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, estimate_noise};
/// let checks: Vec<u8> = (0..64 * 64).map(|i| 100 + 10 * u8::from(i % 2 == i / 64 % 2)).collect();
/// let picture = ImageView::new(&checks, 64, 64, 1)?;
/// assert!(estimate_noise(&picture, &Watch::default())?.joint() > 5.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// [`Interrupted`](crate::ErrorKind::Interrupted).
pub fn estimate_noise<T: Sample>(
    image: &ImageView<'_, T>,
    watch: &Watch<'_>,
) -> Result<NoiseLevel> {
    let colors = image.colors();
    let channels = map_blocks(watch, colors, 1, |k| {
        let mut sizes = Vec::new();
        for frame in 0..image.frames() {
            watch.check()?;
            diagonal(image, frame, k.start, &mut sizes);
        }
        Ok(median(&mut sizes) / QUARTILE)
    })?;
    Ok(NoiseLevel { channels })
}

/// Appends the sizes of a frame's finest diagonal coefficients.
fn diagonal<T: Sample>(image: &ImageView<'_, T>, frame: usize, channel: usize, out: &mut Vec<f64>) {
    let (height, width) = (image.height(), image.width());
    let half = |n: usize| (n + HIGH.len() - 1) / 2;
    let place =
        |at: usize, tap: usize, n: usize| mirrored(2 * at.cast_signed() + 1 - tap.cast_signed(), n);
    let mut line = vec![0.0; width];
    for y in 0..half(height) {
        line.fill(0.0);
        for (tap, h) in HIGH.iter().enumerate() {
            let row = (frame * height + place(y, tap, height)) * width;
            for (x, l) in line.iter_mut().enumerate() {
                let i = row + x;
                let seen = if image.is_transparent(i) {
                    f64::NAN
                } else {
                    *h
                };
                *l += seen * image.pixel(i)[channel].to_f64() * T::SCALE;
            }
        }
        for x in 0..half(width) {
            let taps = HIGH.iter().enumerate();
            let sum: f64 = taps.map(|(tap, h)| h * line[place(x, tap, width)]).sum();
            if sum.is_finite() && sum != 0.0 {
                out.push(sum.abs());
            }
        }
    }
}

/// The middle of some numbers; 0 for none.
pub(super) fn median(numbers: &mut [f64]) -> f64 {
    if numbers.is_empty() {
        return 0.0;
    }
    let middle = numbers.len() / 2;
    let even = numbers.len().is_multiple_of(2);
    let (below, high, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    let high = *high;
    if even {
        let low = below.iter().copied().fold(0.0, f64::max);
        return f64::midpoint(low, high);
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wavelet_sees_no_slope_and_keeps_energy() {
        assert!(HIGH.iter().sum::<f64>().abs() < 1e-15);
        let slope: f64 = HIGH.iter().enumerate().map(|(i, h)| i as f64 * h).sum();
        assert!(slope.abs() < 1e-12);
        assert!((HIGH.iter().map(|h| h * h).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn pixels_that_cannot_be_seen_say_nothing() {
        let mut random = crate::random::Random::new(1, 0);
        let mut samples: Vec<f64> = Vec::new();
        for i in 0..80 * 80 {
            let hidden = i % 80 >= 40;
            let value = if hidden {
                1e6 * (i % 3) as f64
            } else {
                random.normal()
            };
            samples.extend([value, f64::from(u8::from(!hidden))]);
        }
        let image = ImageView::new(&samples, 80, 80, 2).unwrap();
        let image = image.with_alpha().unwrap();
        let found = estimate_noise(&image, &Watch::default()).unwrap();
        assert!((found.joint() - 1.0).abs() < 0.1, "{found:?}");
    }
}

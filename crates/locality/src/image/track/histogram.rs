//! Colours as numbers of bins, and histograms under a kernel.

use std::fmt;
use std::str::FromStr;

use crate::image::color::{ColorSpace, PIXELS_A_BLOCK, encode};
use crate::image::{ImageView, Sample};
use crate::names;
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// The colours of which a tracker keeps a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HistogramColor {
    /// The hue of pixels that are neither too grey nor too dark (Bradski 1998): one axis. Takes 3 colour channels.
    #[default]
    Hue,
    /// The samples: an axis for each channel. Floats are cut to 0 to 1.
    Raw,
    /// L\*u\*v\*, three axes.
    Luv,
    /// L\*a\*b\*, three axes.
    Lab,
}

impl HistogramColor {
    const NAMES: [(Self, &'static str); 4] = [
        (Self::Hue, "hue"),
        (Self::Raw, "raw"),
        (Self::Luv, "luv"),
        (Self::Lab, "lab"),
    ];
}

impl fmt::Display for HistogramColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMES.iter().find(|known| known.0 == *self);
        f.write_str(known.map_or("hue", |known| known.1))
    }
}

impl FromStr for HistogramColor {
    type Err = Error;

    /// `hue`, `raw` (or `rgb`), `luv`, `lab`.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim().to_ascii_lowercase();
        let name = if name == "rgb" { "raw" } else { &name };
        let known = Self::NAMES.iter().find(|known| known.1 == name);
        known.map(|known| known.0).ok_or_else(|| {
            let known = Self::NAMES.iter().map(|known| known.1);
            Error::parse(names::unknown("histogram colour", text, known))
        })
    }
}

/// The bin of a pixel without a colour.
pub(super) const NONE: u32 = u32::MAX;

/// How colours become bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Binning {
    pub(super) color: HistogramColor,
    /// Bins of an axis.
    pub(super) bins: usize,
    pub(super) min_saturation: f64,
    pub(super) min_value: f64,
}

impl Binning {
    /// Number of bins of all axes together.
    pub(super) fn total(&self, channels: usize) -> Result<usize> {
        let axes = match self.color {
            HistogramColor::Hue => 1,
            _ => channels,
        };
        let total = u32::try_from(axes).ok();
        let total = total.and_then(|axes| self.bins.checked_pow(axes));
        match total {
            Some(total) if (2..=1 << 22).contains(&total) => Ok(total),
            _ => Err(Error::parameter(format!(
                "bins is {} on {axes} axes of colour; give from 2 bins up to 4194304 in all",
                self.bins
            ))),
        }
    }

    /// The bin of each pixel.
    pub(super) fn of<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<u32>> {
        let watch = &watch.quiet();
        let (space, low, high) = match self.color {
            HistogramColor::Hue => return self.hues(image, watch),
            HistogramColor::Raw => {
                let full = (T::FULL * T::SCALE) as f32;
                (ColorSpace::Raw, [0.0; 3], [full; 3])
            }
            // What sRGB colours reach.
            HistogramColor::Luv => (ColorSpace::Luv, [0.0, -84.0, -135.0], [100.0, 176.0, 108.0]),
            HistogramColor::Lab => (ColorSpace::Lab, [0.0, -87.0, -108.0], [100.0, 99.0, 95.0]),
        };
        let colors = encode(image, space.resolve(image)?, watch)?;
        let bin = |(k, &c): (usize, &f32)| {
            let share = (c - low[k.min(2)]) / (high[k.min(2)] - low[k.min(2)]);
            // Saturating: what is below is 0.
            ((share * self.bins as f32) as usize).min(self.bins - 1)
        };
        let one = |color: &[f32]| {
            if color[0].is_infinite() {
                return NONE;
            }
            let bins = color.iter().enumerate().map(bin);
            bins.fold(0, |all, bin| all * self.bins + bin) as u32
        };
        let channels = image.colors();
        Ok(colors.chunks_exact(channels).map(one).collect())
    }

    fn hues<T: Sample>(&self, image: &ImageView<'_, T>, watch: &Watch<'_>) -> Result<Vec<u32>> {
        if image.colors() != 3 {
            return Err(Error::shape(format!(
                "color = hue needs 3 colour channels, but the image has {}; use color = raw",
                image.colors()
            )));
        }
        let blocks = map_blocks(watch, image.pixels(), PIXELS_A_BLOCK, |range| {
            let bins = range.map(|i| {
                let pixel = image.pixel(i);
                let level = |k: usize| (pixel[k].to_f64() / T::FULL).clamp(0.0, 1.0);
                if image.is_transparent(i) {
                    NONE
                } else {
                    self.hue([level(0), level(1), level(2)])
                }
            });
            Ok(bins.collect::<Vec<u32>>())
        })?;
        Ok(blocks.concat())
    }

    /// The bin of the hue of a colour from 0 to 1 a channel.
    fn hue(&self, [r, g, b]: [f64; 3]) -> u32 {
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let chroma = high - low;
        if high < self.min_value || chroma <= 0.0 || chroma < self.min_saturation * high {
            return NONE;
        }
        let sixth = if r >= high {
            (g - b) / chroma
        } else if g >= high {
            2.0 + (b - r) / chroma
        } else {
            4.0 + (r - g) / chroma
        };
        let turn = sixth.rem_euclid(6.0) / 6.0;
        ((turn * self.bins as f64) as usize).min(self.bins - 1) as u32
    }
}

/// An upright ellipse: centre and half axes in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ellipse {
    pub(super) center: [f64; 2],
    pub(super) half: [f64; 2],
}

impl Ellipse {
    /// Calls `visit(pixel, x, y, r2)` for the pixels whose squared distance from the centre, in half axes, is below 1.
    pub(super) fn pixels(
        &self,
        (width, height): (i32, i32),
        mut visit: impl FnMut(usize, f64, f64, f64),
    ) {
        let span = |center: f64, half: f64, size: i32| {
            let first = (center - half).ceil().max(0.0) as i32;
            let last = ((center + half).floor()).min(f64::from(size - 1)) as i32;
            first..=last
        };
        for y in span(self.center[1], self.half[1], height) {
            let dy = (f64::from(y) - self.center[1]) / self.half[1];
            for x in span(self.center[0], self.half[0], width) {
                let dx = (f64::from(x) - self.center[0]) / self.half[0];
                let r2 = dx * dx + dy * dy;
                if r2 < 1.0 {
                    let i = y as usize * width as usize + x as usize;
                    visit(i, f64::from(x), f64::from(y), r2);
                }
            }
        }
    }

    /// The histogram of the bins in it under the Epanechnikov kernel `1 - r2`, times `factors`, with sum 1; zeros where there is no
    /// colour.
    pub(super) fn histogram(&self, bins: &[u32], sides: (i32, i32), factors: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; factors.len()];
        let mut total = 0.0;
        self.pixels(sides, |i, _, _, r2| {
            if let Some(factor) = factors.get(bins[i] as usize) {
                out[bins[i] as usize] += (1.0 - r2) * factor;
                total += (1.0 - r2) * factor;
            }
        });
        if total > 0.0 {
            for p in &mut out {
                *p /= total;
            }
        }
        out
    }
}

/// The Bhattacharyya coefficient of two histograms, 1 where they are equal.
pub(super) fn likeness(p: &[f64], q: &[f64]) -> f64 {
    let sum: f64 = p.iter().zip(q).map(|(p, q)| (p * q).sqrt()).sum();
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_of_pure_colours() {
        let binning = Binning {
            color: HistogramColor::Hue,
            bins: 6,
            min_saturation: 0.2,
            min_value: 0.1,
        };
        let colors = [
            [1.0, 0.1, 0.05],
            [1.0, 1.0, 0.1],
            [0.1, 1.0, 0.2],
            [0.0, 0.9, 1.0],
            [0.1, 0.0, 0.9],
            [1.0, 0.0, 0.9],
            [0.5, 0.5, 0.5],
            [0.05, 0.0, 0.0],
            [1.0, 0.9, 0.9],
        ];
        let found = colors.map(|c| binning.hue(c));
        assert_eq!(found, [0, 1, 2, 3, 4, 5, NONE, NONE, NONE]);
    }

    #[test]
    fn a_histogram_sums_to_one_and_weighs_the_middle_most() {
        let bins: Vec<u32> = (0..81).map(|i| u32::from(i % 9 < 4)).collect();
        let ellipse = Ellipse {
            center: [5.0, 4.0],
            half: [4.0, 3.0],
        };
        let found = ellipse.histogram(&bins, (9, 9), &[1.0, 1.0]);
        assert!((found[0] + found[1] - 1.0).abs() < 1e-12);
        // The sum of 1 - ((x - 5) / 4)^2 - ((y - 4) / 3)^2, where it is positive, over columns 4 to 8 and over all.
        assert!(
            (found[0] - 0.798_423_423_423_423_5).abs() < 1e-12,
            "{found:?}"
        );
        assert!((likeness(&found, &found) - 1.0).abs() < 1e-12);
    }
}

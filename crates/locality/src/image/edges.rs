//! Edges: gradient and confidence maps, and the weights of pixels made from them.

use super::regions::Grid;
use super::view::{ImageView, Sample};
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// Gradients of a lower rank are no edge at all.
const LEAST_RANK: f32 = 0.02;

/// Weights of pixels by how strongly they lie on an edge (Christoudias, Georgescu and Meer, *Synergism in low level vision*, ICPR
/// 2002, as in their program EDISON).
///
/// Around each pixel a window of `2 r + 1` rows and columns of grey levels gives two numbers from 0 to 1 (Meer and Georgescu,
/// *Edge detection with embedded confidence*, IEEE TPAMI 23(12), 2001): `rho`, the rank of the gradient's size in the picture (the
/// share of pixels with a smaller one), the gradient taken by binomial smoothing and differentiation; and `eta`, the confidence:
/// the correlation of the window with an ideal step edge of the gradient's direction. The edge strength is
/// `mixture * rho + (1 - mixture) * eta`, and 0 where `rho <= 0.02` and within `r` pixels of the border. A pixel counts
/// with 1 minus its edge strength in every mean.
///
/// Grey levels are luma (0.299, 0.587, 0.114) for three colour channels, else the mean of the channels.
///
/// ```
/// use locality::Watch;
/// use locality::image::{EdgeWeights, ImageView};
/// let step: Vec<u8> = (0..63).map(|i| if i % 9 < 4 { 20 } else { 200 }).collect();
/// let maps = EdgeWeights::default().maps(&ImageView::new(&step, 7, 9, 1)?, &Watch::default())?;
/// let row = &maps.weight()[3 * 9..4 * 9];
/// assert!(row[3] > 0.7 && row[4] > 0.7 && row[0] == 0.0 && row[8] == 0.0);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdgeWeights {
    radius: usize,
    mixture: f64,
    threshold: f64,
}

impl Default for EdgeWeights {
    fn default() -> Self {
        Self {
            radius: 2,
            mixture: 0.3,
            threshold: 0.3,
        }
    }
}

impl EdgeWeights {
    /// EDISON's gradient window radius: windows have `2 radius + 1` rows and columns; 2 by default.
    #[must_use]
    pub fn gradient_window_radius(mut self, radius: usize) -> Self {
        self.radius = radius;
        self
    }

    /// EDISON's mixture parameter (`a_ij`): the gradient's share of the edge strength; the rest is the confidence's. 0.3 by default.
    #[must_use]
    pub fn mixture(mut self, mixture: f64) -> Self {
        self.mixture = mixture;
        self
    }

    /// EDISON's edge strength threshold: regions whose common boundary has a mean edge strength of at least this are not fused. 0.3
    /// by default.
    #[must_use]
    pub fn edge_strength_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    pub(crate) fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The maps of an image; of a stack, frame by frame, with ranks over all frames.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a radius that is not from 1 to 64, or a mixture or threshold that is not from 0
    /// to 1; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn maps<T: Sample>(&self, image: &ImageView<'_, T>, watch: &Watch<'_>) -> Result<EdgeMaps> {
        self.check()?;
        let grid = image.grid();
        let grey = luma(image);
        let filters = Filters::new(self.radius);
        let rows = map_blocks(&watch.quiet(), grid.frames * grid.height, 8, |rows| {
            watch.check()?;
            let mut found = Vec::with_capacity(rows.len() * grid.width);
            for row in rows {
                found.extend((0..grid.width).map(|x| filters.edge(&grey, grid, row, x)));
            }
            Ok(found)
        })?;
        let found: Vec<Option<(f32, f32)>> = rows.concat();
        let mut sizes: Vec<f32> = found.iter().flatten().map(|e| e.0).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        let rank = |size: f32| {
            let smaller = sizes.partition_point(|&s| s < size);
            smaller as f32 / sizes.len() as f32
        };
        let gradient: Vec<f32> = found.iter().map(|e| e.map_or(0.0, |e| rank(e.0))).collect();
        let confidence: Vec<f32> = found.iter().map(|e| e.map_or(0.0, |e| e.1)).collect();
        let mixture = self.mixture as f32;
        let strength = |(&rho, &eta): (&f32, &f32)| {
            if rho > LEAST_RANK {
                mixture * rho + (1.0 - mixture) * eta
            } else {
                0.0
            }
        };
        let weight = gradient.iter().zip(&confidence).map(strength).collect();
        Ok(EdgeMaps {
            gradient,
            confidence,
            weight,
        })
    }

    fn check(&self) -> Result<()> {
        if !(1..=64).contains(&self.radius) {
            return Err(Error::parameter(format!(
                "gradient_window_radius is {}; give a number of pixels from 1 to 64",
                self.radius
            )));
        }
        let shares = [
            ("mixture", self.mixture),
            ("edge_strength_threshold", self.threshold),
        ];
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::parameter(format!(
                    "{name} is {value}; give a number from 0 to 1"
                )));
            }
        }
        Ok(())
    }
}

/// What [`EdgeWeights`] found at each pixel, row by row; all from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeMaps {
    gradient: Vec<f32>,
    confidence: Vec<f32>,
    weight: Vec<f32>,
}

impl EdgeMaps {
    /// The rank of the gradient's size.
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// The likeness to an ideal step edge.
    pub fn confidence(&self) -> &[f32] {
        &self.confidence
    }

    /// The edge strength: EDISON's weight map. It is the weight of the edge, not of the pixel, which counts with 1 minus it.
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// How much each pixel counts.
    pub(crate) fn counts(&self) -> Vec<f32> {
        self.weight.iter().map(|w| (1.0 - w).max(0.0)).collect()
    }
}

/// Grey levels; the opacity of pixels does not count, as their colour is all that is seen of an edge.
fn luma<T: Sample>(image: &ImageView<'_, T>) -> Vec<f64> {
    let colors = image.colors();
    (0..image.pixels())
        .map(|i| {
            let pixel = &image.pixel(i)[..colors];
            match pixel {
                [r, g, b] => 0.299 * r.to_f64() + 0.587 * g.to_f64() + 0.114 * b.to_f64(),
                _ => pixel.iter().map(|s| s.to_f64()).sum::<f64>() / colors as f64,
            }
        })
        .collect()
}

/// Binomial smoothing and its differentiation.
struct Filters {
    radius: usize,
    smooth: Vec<f64>,
    slope: Vec<f64>,
}

impl Filters {
    fn new(radius: usize) -> Self {
        let mut smooth = vec![1.0];
        for _ in 0..2 * radius {
            let mut next = vec![0.0; smooth.len() + 1];
            for (i, s) in smooth.iter().enumerate() {
                next[i] += 0.5 * s;
                next[i + 1] += 0.5 * s;
            }
            smooth = next;
        }
        let slope = smooth
            .iter()
            .enumerate()
            .map(|(i, s)| 2.0 * (i as f64 - radius as f64) * s / radius as f64)
            .collect();
        Self {
            radius,
            smooth,
            slope,
        }
    }

    /// The gradient's size and the confidence at a pixel; none near the border.
    fn edge(&self, grey: &[f64], grid: Grid, row: usize, x: usize) -> Option<(f32, f32)> {
        let (r, y) = (self.radius, row % grid.height);
        if x < r || y < r || x + r >= grid.width || y + r >= grid.height {
            return None;
        }
        let line = |j: usize| &grey[(row + j - r) * grid.width + x - r..][..=2 * r];
        let (mut gx, mut gy, mut sum, mut squares) = (0.0, 0.0, 0.0, 0.0);
        let center = grey[row * grid.width + x];
        for (j, (smooth, slope)) in self.smooth.iter().zip(&self.slope).enumerate() {
            for (i, &level) in line(j).iter().enumerate() {
                let level = level - center;
                gx += smooth * self.slope[i] * level;
                gy += slope * self.smooth[i] * level;
                sum += level;
                squares += level * level;
            }
        }
        let size = gx.hypot(gy);
        let count = ((2 * r + 1) * (2 * r + 1)) as f64;
        let variation = squares - sum * sum / count;
        if size <= 0.0 || variation <= 0.0 {
            return Some((size as f32, 0.0));
        }
        // An ideal step through the window's middle, blurred over a pixel's width in its direction.
        let (cos, sin) = (gx / size, gy / size);
        let blur = 2.0 / (cos.abs() + sin.abs());
        let (mut product, mut norm) = (0.0, 0.0);
        for j in 0..=2 * r {
            let dy = j as f64 - r as f64;
            for (i, &level) in line(j).iter().enumerate() {
                let across = (i as f64 - r as f64) * cos + dy * sin;
                let step = (across * blur).clamp(-1.0, 1.0);
                product += step * (level - center);
                norm += step * step;
            }
        }
        let likeness = (product / (norm * variation).sqrt()).abs().min(1.0);
        Some((size as f32, likeness as f32))
    }
}

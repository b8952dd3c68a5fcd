//! Local Gaussian models of patches.

use std::ops::Range;

use locality_core::isa::dispatch;

use super::ending::Ending;
use super::group::{Frame, Search};
use super::levels::{Levels, smoothed};
use super::means::{NonLocalMeans, check_sigma};
use super::quality::check_range;
use super::quiet::full_of;
use super::region::{Model, Region, Sums};
use super::units::leveled;
use crate::image::view::{ImageView, Sample};
use crate::par::map_blocks;
use crate::{Error, Float, Result, Watch};

/// Non-local Bayes (Lebrun, Buades and Morel, *A nonlocal Bayesian image denoising algorithm*, SIAM J. Imaging Sciences 6(3), 2013; *Implementation
/// of the non-local Bayes image denoising algorithm*, IPOL 3, 2013): where non-local means takes the mean of alike patches, this takes
/// their mean and covariance, a local Gaussian model, and the patch that is most probable under it.
///
/// In the first step the patch `y` of a group of mean `m` and covariance `C` becomes `m + (C - sigma^2) C^-1 (y - m)`, each channel by
/// itself; in the second the groups are found, and `m` and `C` taken, in the picture of the first: `m + C (C + sigma^2)^-1 (y - m)`, all
/// channels together; for colours once more in the picture of the second. Groups of the first step that vary no more than noise does become
/// their mean, and 0.2 times the noise's variance is added to the covariance that is inverted there, so that small samples do no harm. A
/// pixel becomes the mean of all its patches, those counting more that keep less noise. Patches that were in two groups of the same 32 rows get none of
/// their own.
/// Colour pictures are turned into `(R + G + B) / sqrt(3)` and two colour differences for it, and alike patches of the first step found in
/// the former. In pictures of integers noise was cut off at black and white, and counts as weaker there. Alike patches are looked for in frames around, too (Arias and
/// Morel, *Video denoising via empirical Bayesian estimation of space-time patches*, J. Math. Imaging and Vision 60, 2018, with patches of one frame). Computed in `f32`.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, NonLocalBayes};
/// let noisy: Vec<f32> = (0..32 * 32_u32)
///     .map(|i| f32::from(u8::from(i % 32 > 15)) + (i.wrapping_mul(2_654_435_761) >> 8) as f32 * 1e-8)
///     .collect();
/// let picture = ImageView::new(&noisy, 32, 32, 1)?;
/// let out = NonLocalBayes::new(0.05).filter(&picture, &Watch::default())?;
/// let clean = |i: usize| f32::from(u8::from(i % 32 > 15)) + 0.0838;
/// let off = |x: &[f32]| x.iter().enumerate().map(|(i, x)| (x - clean(i)).powi(2)).sum::<f32>();
/// assert!(off(&out) < 0.8 * off(&noisy));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonLocalBayes {
    sigma: f64,
    sizes: Option<[usize; 2]>,
    similar: Option<[usize; 2]>,
    reach: Option<usize>,
    frames: usize,
    spacing: usize,
    linear: bool,
    range: Option<f64>,
}

/// The most rows of a covariance: beyond it channels are modelled one by one.
const WIDEST: usize = 128;
/// Rows of reference patches that are worked on at once, in pixels.
const BAND: usize = 32;
/// Bands whose sums are in memory at once.
const TURN: usize = 16;
/// The largest patch and window.
const LARGEST: usize = 100;
/// How far alike patches are looked for in grey pictures.
const WIDE_REACH: usize = 20;
/// Frames before and after in which alike patches are looked for.
const FRAMES: usize = 2;
/// What is added to the covariance of noisy patches, in variances of the noise.
const RIDGE: f32 = 0.2;
/// Side of the squares whose means tell a picture's contrast.
const SQUARE: usize = 8;
/// Strongest noise of floats, which are below 256.
pub(super) const STRONGEST: f64 = 1e12;
/// What stands for pixels that cannot be seen: no patch is like it.
pub(super) const FAR: f32 = 1e17;

impl NonLocalBayes {
    /// For noise of this standard deviation, in units of samples on the scale of 8 bits (floats: their own). Sizes of patches, groups
    /// and windows follow from how strong the noise is.
    pub fn new(sigma: f64) -> Self {
        Self {
            sigma,
            sizes: None,
            similar: None,
            reach: None,
            frames: FRAMES,
            spacing: 2,
            linear: false,
            range: None,
        }
    }

    /// Non-local linear models: one step only, in which a pixel's patches are those around it. Local regression of a patch on itself, with the
    /// noise of the regressors taken off: patches are compared, and the covariance is taken, in the picture of [`NonLocalMeans`], so that
    /// the line does not follow noise. The most alike patches count the same; where that picture is flat, the line is the mean.
    pub fn linear(sigma: f64) -> Self {
        Self {
            linear: true,
            ..Self::new(sigma)
        }
    }

    /// Patches of these many pixels a side, in the first and in the second step.
    #[must_use]
    pub fn patch_sizes(mut self, first: usize, second: usize) -> Self {
        self.sizes = Some([first, second]);
        self
    }

    /// Groups of these many patches, in the first and in the second step.
    #[must_use]
    pub fn similar(mut self, first: usize, second: usize) -> Self {
        self.similar = Some([first, second]);
        self
    }

    /// Alike patches are looked for this many rows and columns away.
    #[must_use]
    pub fn reach(mut self, reach: usize) -> Self {
        self.reach = Some(reach);
        self
    }

    /// Alike patches are looked for in this many frames before and after, by default 2; 0: every frame is a picture of its own.
    #[must_use]
    pub fn frames(mut self, frames: usize) -> Self {
        self.frames = frames;
        self
    }

    /// A group for the patches of every so many rows and columns: more take less time and are less smooth.
    #[must_use]
    pub fn spacing(mut self, spacing: usize) -> Self {
        self.spacing = spacing;
        self
    }

    /// Noise was cut off at 0 and at this sample, and is weaker there. Without it, at the ends of an integer type, and in floats not at
    /// all.
    #[must_use]
    pub fn range(mut self, range: impl Into<Option<f64>>) -> Self {
        self.range = range.into();
        self
    }

    /// The filtered samples, laid out as the picture's. Opacity is carried through; pixels that cannot be seen keep their samples and
    /// take no part. Floats may be in any units.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) where sigma is negative or no number, or a size or the range is out of bounds;
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn filter<T: Sample>(&self, image: &ImageView<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check()?;
        if self.sigma == 0.0 {
            return Ok(image.samples().to_vec());
        }
        let filtered = leveled(image, |image, factor| {
            let own = Self {
                sigma: (self.sigma * factor).min(STRONGEST),
                range: self.range.map(|range| range * factor),
                ..*self
            };
            let means = own.means(image, watch)?;
            Ok((Ending::new(image).all(&means, watch)?, ()))
        })?;
        Ok(filtered.0)
    }

    /// The means before they become samples, `[pixels, colours]`.
    pub(super) fn means<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f32>> {
        self.check()?;
        // Strength of the noise in pictures from 0 to 255.
        let relative = 255.0 * self.sigma / contrast(image).max(self.sigma);
        let levels = full_of::<T>(self.range).map(|full| Levels::new(self.sigma, full));
        let colors = image.colors();
        let pixels = image.height() * image.width();
        let pilot = if self.linear {
            Some(NonLocalMeans::for_noise(self.sigma).means(image, &watch.quiet())?)
        } else {
            None
        };
        let noisy: Vec<Frame> = (0..image.frames())
            .map(|frame| rotated(image, frame * pixels))
            .collect();
        let pilot = pilot.map(|means| {
            let of = |(frame, noisy): (usize, &Frame)| {
                let means = &means[frame * pixels * colors..][..pixels * colors];
                let value = |i: usize, k: usize| means[i * colors + k].to_f64() as f32;
                Frame::new((image.height(), image.width(), colors), |i, k| {
                    if image.is_transparent(frame * pixels + i) {
                        FAR
                    } else {
                        rotation(colors, k, |k| value(i, k))
                    }
                })
                .or(noisy)
            };
            noisy.iter().enumerate().map(of).collect()
        });
        let frames = self.steps(&noisy, pilot, (relative, levels.as_ref()), watch)?;
        let mut means = Vec::with_capacity(image.pixels() * colors);
        for frame in &frames {
            append(frame, &mut means);
        }
        Ok(means)
    }

    fn check(&self) -> Result<()> {
        check_sigma(self.sigma)?;
        if let Some(range) = self.range {
            check_range(range)?;
        }
        let (sizes, similar) = (self.sizes.unwrap_or([3; 2]), self.similar.unwrap_or([3; 2]));
        let one = |size: usize| [size; 2];
        let limits = [
            ("patch_sizes", sizes, 1, 15),
            ("similar", similar, 2, 10_000),
            ("reach", one(self.reach.unwrap_or(1)), 1, LARGEST),
            ("frames", one(self.frames), 0, LARGEST),
            ("spacing", one(self.spacing), 1, LARGEST),
        ];
        for (name, given, low, high) in limits {
            if let Some(bad) = given.iter().find(|size| !(low..=high).contains(*size)) {
                return Err(Error::parameter(format!(
                    "{name} is {bad}; give {low} to {high}"
                )));
            }
        }
        Ok(())
    }

    /// All steps; `NaN` for pixels without a patch.
    fn steps(
        &self,
        noisy: &[Frame],
        pilot: Option<Vec<Frame>>,
        (relative, levels): (f64, Option<&Levels>),
        watch: &Watch<'_>,
    ) -> Result<Vec<Frame>> {
        let channels = noisy[0].channels;
        // Colours tell patches apart so well that the second step gains from its own result.
        let steps = match (self.linear, channels) {
            (true, _) => 1,
            (_, 3) => 3,
            _ => 2,
        };
        let mut basic = pilot;
        let mut out = Vec::new();
        for step in 0..steps {
            if step > 0 {
                basic = Some(
                    out.into_iter()
                        .zip(noisy)
                        .map(|(o, n): (Frame, _)| o.or(n))
                        .collect(),
                );
            }
            let model = self.model(usize::from(basic.is_some()), channels, relative);
            let report = |done: usize, all: usize| {
                watch.report(step * 1000 + done * 1000 / all.max(1), steps * 1000);
            };
            let watch = watch.progress(&report);
            out = self.step(&model, noisy, basic.as_deref(), levels, &watch)?;
        }
        Ok(out)
    }

    /// One step on all frames.
    fn step(
        &self,
        model: &Model,
        noisy: &[Frame],
        basic: Option<&[Frame]>,
        levels: Option<&Levels>,
        watch: &Watch<'_>,
    ) -> Result<Vec<Frame>> {
        let one = |own: usize| {
            // Itself, and others from the nearest on.
            let mut around: Vec<usize> =
                (own.saturating_sub(self.frames)..noisy.len().min(own + self.frames + 1)).collect();
            around.sort_by_key(|t| t.abs_diff(own));
            let near: Vec<&Frame> = around.iter().map(|&t| &noisy[t]).collect();
            let near_basic: Option<Vec<&Frame>> =
                basic.map(|basic| around.iter().map(|&t| &basic[t]).collect());
            let level = levels.map(|levels| match basic {
                Some(basic) => levels.map(&basic[own]),
                None => levels.map(&smoothed(&noisy[own])),
            });
            let report = |done: usize, all: usize| {
                watch.report(own * 1000 + done * 1000 / all.max(1), noisy.len() * 1000);
            };
            run(
                model,
                &near,
                near_basic.as_deref(),
                level.as_ref(),
                &watch.progress(&report),
            )
        };
        (0..noisy.len()).map(one).collect()
    }

    /// What a step does.
    fn model(&self, step: usize, channels: usize, relative: f64) -> Model {
        let color = channels == 3;
        // Up to which strength of the noise patches have 3 and 5 pixels a side; beyond it, 7.
        let (small, middle) = match (step, color) {
            (0, true) => (20.0, 50.0),
            (0, false) => (0.0, 30.0),
            (_, true) => (50.0, f64::INFINITY),
            (_, false) => (0.0, if self.linear { 50.0 } else { 0.0 }),
        };
        // Grey patches of the second step are larger than the noise asks for: one channel tells little.
        let weak = !color && !self.linear && relative < 40.0;
        let wide = weak && step == 1 && self.sizes.is_none();
        let own = if self.linear { 0 } else { step };
        let size = if relative < small {
            3
        } else if relative < middle {
            5
        } else {
            7
        };
        let size = self.sizes.map_or(size, |sizes| sizes[own]);
        let together = step == 1 && channels * size * size <= WIDEST;
        let similar = match size {
            0..=3 => 30,
            4..=5 => 60,
            _ if wide => 50,
            _ => 90,
        };
        let similar = self.similar.map_or(similar, |similar| similar[own]);
        Model {
            size,
            similar,
            reach: self.reach.unwrap_or(if weak && self.similar.is_none() {
                WIDE_REACH
            } else {
                similar / 4
            }),
            spacing: self.spacing,
            variance: (self.sigma * self.sigma) as f32,
            flat: match (step, color) {
                (0, true) => 1.0,
                // Grey has less to tell texture from noise by.
                (0, false) => 0.85,
                _ => 0.0,
            },
            together,
            compared: if step == 0 && color { 1 } else { channels },
            alone: self.linear,
            ridge: if step == 0 { RIDGE } else { 1.0 },
            trust: if step == 0 { 0.5 } else { 1.0 },
        }
    }
}

/// The distance of the darkest from the lightest of the means over squares, of which noise is nearly gone.
fn contrast<T: Sample>(image: &ImageView<'_, T>) -> f64 {
    let (height, width) = (image.height(), image.width());
    let side = SQUARE.min(height).min(width);
    let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
    for frame in 0..image.frames() {
        for top in (0..=height - side).step_by(side) {
            for left in (0..=width - side).step_by(side) {
                let first = (frame * height + top) * width + left;
                for k in 0..image.colors() {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for i in (0..side).flat_map(|y| first + y * width..first + y * width + side) {
                        if !image.is_transparent(i) {
                            sum += image.pixel(i)[k].to_f64() * T::SCALE;
                            count += 1.0;
                        }
                    }
                    if count > 0.0 {
                        ends = (ends.0.min(sum / count), ends.1.max(sum / count));
                    }
                }
            }
        }
    }
    (ends.1 - ends.0).max(0.0)
}

const THIRD: f32 = 0.577_350_26;
const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
const SIXTH: f32 = 0.408_248_3;
/// Orthonormal: the noise of all channels stays what it is.
pub(super) const ROTATION: [[f32; 3]; 3] = [
    [THIRD, THIRD, THIRD],
    [HALF, 0.0, -HALF],
    [SIXTH, -2.0 * SIXTH, SIXTH],
];

/// A frame, its colours rotated if there are 3.
fn rotated<T: Sample>(image: &ImageView<'_, T>, first: usize) -> Frame {
    let size = (image.height(), image.width(), image.colors());
    Frame::new(size, |i, k| {
        if image.is_transparent(first + i) {
            return FAR;
        }
        let pixel = image.pixel(first + i);
        let value = |k: usize| (pixel[k].to_f64() * T::SCALE) as f32;
        rotation(size.2, k, value)
    })
}

/// A channel after the rotation, if there are 3.
fn rotation(channels: usize, k: usize, value: impl Fn(usize) -> f32) -> f32 {
    if channels == 3 {
        let row = ROTATION[k];
        row[0] * value(0) + row[1] * value(1) + row[2] * value(2)
    } else {
        value(k)
    }
}

/// Appends a frame's colours, turned back, pixel by pixel.
fn append(frame: &Frame, out: &mut Vec<f32>) {
    for y in 0..frame.height {
        for x in 0..frame.width {
            let value = |k: usize| frame.from(k, y, x)[0];
            if frame.channels == 3 {
                let c = [value(0), value(1), value(2)];
                out.extend((0..3).map(|k| (0..3).map(|r| ROTATION[r][k] * c[r]).sum::<f32>()));
            } else {
                out.extend((0..frame.channels).map(value));
            }
        }
    }
}

/// The first places of patches along an axis, the last one included.
fn places(size: usize, patch: usize, spacing: usize) -> Vec<usize> {
    let last = size - patch;
    let mut places: Vec<usize> = (0..=last).step_by(spacing).collect();
    if places.last() != Some(&last) {
        places.push(last);
    }
    places
}

/// One step over the first of some frames.
fn run(
    model: &Model,
    noisy: &[&Frame],
    basic: Option<&[&Frame]>,
    noise: Option<&Frame>,
    watch: &Watch<'_>,
) -> Result<Frame> {
    let (height, width, channels) = (noisy[0].height, noisy[0].width, noisy[0].channels);
    let size = (model.size.min(height), model.size.min(width));
    let rows = places(height, size.0, model.spacing);
    let columns = places(width, size.1, model.spacing);
    let search = Search {
        size,
        channels: model.compared,
        reach: model.reach,
        count: model.similar,
    };
    let lines = (BAND / model.spacing).max(1);
    let bands: Vec<Range<usize>> = (0..rows.len())
        .step_by(lines)
        .map(|start| start..(start + lines).min(rows.len()))
        .collect();
    let mut total = Sums::new(0, height, width, channels);
    for (turn, some) in bands.chunks(TURN).enumerate() {
        let report = |done: usize, _: usize| watch.report(turn * TURN + done, bands.len());
        let parts = map_blocks(&watch.progress(&report), some.len(), 1, |item| {
            Ok(dispatch(Region {
                model,
                search,
                noisy,
                basic,
                noise,
                rows: &rows[some[item.start].clone()],
                columns: &columns,
                limit: FAR * FAR / 1e6,
            }))
        })?;
        // In their order: sums do not depend on which was done first.
        for part in &parts {
            total.add(part);
        }
    }
    Ok(total.means())
}

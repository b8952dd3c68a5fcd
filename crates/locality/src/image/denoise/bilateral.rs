//! Bilateral filters.

use super::ending::Ending;
use super::padded::{Border, Padded};
use super::window::{Difference, Step, Window};
use crate::image::view::{ImageView, Sample, check_bandwidth};
use crate::{Error, Float, Result, Watch};

/// What a bilateral filter averages where its window reaches beyond the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BilateralBorder {
    /// Nothing: pixels of the picture alone are averaged.
    #[default]
    Inside,
    /// The picture's mirror image, the border's pixels once (OpenCV's default).
    Mirror,
    /// The picture's mirror image, the border's pixels twice.
    Symmetric,
    /// The picture again and again.
    Wrap,
    /// The border's pixels again and again.
    Edge,
    /// Zeros (scikit-image's default).
    Zero,
}

/// The bilateral filter (Tomasi and Manduchi, *Bilateral filtering for gray and color images*, ICCV 1998): every pixel becomes the mean of
/// those around it, weighted by position and by colour.
///
/// The weight of a pixel at the offset `t` and the distance `dc` in colour is `exp(-|t|^2 / 2 spatial^2 - dc^2 / 2 range^2)`. This is one
/// step of the [mean-shift filter](super::super::MeanShiftFilter) with a Gaussian kernel that leaves the position where it is. With a
/// [guide](Self::filter_by), the colours that are compared are those of another picture (joint bilateral filtering).
///
/// ```
/// use locality::Watch;
/// use locality::image::{Bilateral, ImageView};
/// let grey: [u8; 16] = [10, 14, 12, 11, 90, 94, 91, 93, 12, 13, 10, 14, 92, 90, 95, 91];
/// let picture = ImageView::new(&grey, 2, 8, 1)?;
/// let out = Bilateral::new(2.0, 10.0).filter(&picture, &Watch::default())?;
/// assert!(out[..4].iter().all(|x| (11..=13).contains(x)));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bilateral {
    spatial: f64,
    range: f64,
    radius: Option<usize>,
    round: bool,
    difference: Difference,
    border: BilateralBorder,
}

/// The farthest row or column that is averaged.
const LARGEST: usize = 1000;

impl Bilateral {
    /// With standard deviations in pixels and in colour: units of samples on the scale of 8 bits (floats: their own). The window is the
    /// square of `3 spatial`, rounded up, pixels on each side; only pixels of the picture are averaged.
    pub fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            range,
            radius: None,
            round: false,
            difference: Difference::Squares,
            border: BilateralBorder::default(),
        }
    }

    /// The settings for noise of a standard deviation, good over photographs.
    pub fn for_noise(sigma: f64) -> Self {
        Self::new(1.8, 4.0 * sigma)
    }

    /// With a window of this many pixels on each side of its centre.
    #[must_use]
    pub fn radius(mut self, radius: usize) -> Self {
        self.radius = Some(radius);
        self
    }

    /// With this beyond the picture.
    #[must_use]
    pub fn border(mut self, border: BilateralBorder) -> Self {
        self.border = border;
        self
    }

    /// OpenCV's `bilateralFilter` with the diameter `d`: a round window, colours compared by the sum of their channels' differences, the
    /// mirror image beyond the border; the radius is `d / 2`, and for `d = 0` 1.5 standard deviations.
    #[must_use]
    pub fn like_opencv(mut self, d: usize) -> Self {
        let radius = if d == 0 {
            // As its `cvRound`.
            (1.5 * self.spatial).round_ties_even() as usize
        } else {
            d / 2
        };
        self.radius = Some(radius.max(1));
        self.round = true;
        self.difference = Difference::SquaredSum;
        self.border = BilateralBorder::Mirror;
        self
    }

    /// The filtered samples, laid out as the picture's. Opacity is carried through; pixels that cannot be seen keep their samples and
    /// take no part. In a [stack](ImageView::stack), frames are a third axis of position.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for standard deviations that are no positive numbers, or a radius above 1000;
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn filter<T: Sample>(&self, image: &ImageView<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.ended(image, &Ending::new(image), watch)
    }

    /// The same with another ending: the picture is its own guide, whose planes are made once.
    pub(super) fn ended<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        ending: &Ending<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        let window = self.window::<T::Work>(image.frames())?;
        let planes = Padded::new(image, window.pad(), self.beyond());
        let end = |first: usize, means: Vec<T::Work>| ending.samples(first, means);
        window.means(&planes, &planes, end, watch)
    }

    /// The same with the colours of `guide` compared: a picture of the same size with any number of channels.
    ///
    /// # Errors
    /// As [`filter`](Self::filter), and [`Shape`](crate::ErrorKind::Shape) for a guide of another size.
    pub fn filter_by<T: Sample, G: Sample>(
        &self,
        image: &ImageView<'_, T>,
        guide: &ImageView<'_, G>,
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        let window = self.window::<T::Work>(image.frames())?;
        if image.grid() != guide.grid() {
            return Err(Error::shape(format!(
                "the guide has {} x {} x {} pixels and the picture {} x {} x {}; give a guide of the picture's size",
                guide.frames(),
                guide.height(),
                guide.width(),
                image.frames(),
                image.height(),
                image.width()
            )));
        }
        let border = self.beyond();
        let values = Padded::new(image, window.pad(), border);
        let colors = Padded::new(guide, window.pad(), border);
        let ending = Ending::new(image);
        let end = |first: usize, means: Vec<T::Work>| ending.samples(first, means);
        window.means(&colors, &values, end, watch)
    }

    fn beyond(&self) -> Border {
        match self.border {
            BilateralBorder::Inside | BilateralBorder::Mirror => Border::Mirror,
            BilateralBorder::Symmetric => Border::Symmetric,
            BilateralBorder::Wrap => Border::Wrap,
            BilateralBorder::Edge => Border::Edge,
            BilateralBorder::Zero => Border::Zero,
        }
    }

    /// The radius in force.
    fn check(&self) -> Result<usize> {
        check_bandwidth("spatial", self.spatial, "pixels")?;
        check_bandwidth("range", self.range, "units of samples")?;
        let radius = self.radius.unwrap_or((3.0 * self.spatial).ceil() as usize);
        if radius > LARGEST {
            return Err(Error::parameter(format!(
                "the window reaches {radius} pixels on each side; give a radius, or a spatial bandwidth whose triple is, at most {LARGEST}"
            )));
        }
        Ok(radius)
    }

    fn window<T: Float>(&self, frames: usize) -> Result<Window<T>> {
        let reach = self.check()?.cast_signed();
        let depth = if frames > 1 { reach } else { 0 };
        let mut steps = Vec::new();
        for t in -depth..=depth {
            for y in -reach..=reach {
                for x in -reach..=reach {
                    let by = [t, y, x];
                    let r2: f64 = by.iter().map(|s| (*s as f64).powi(2)).sum();
                    if !self.round || r2.sqrt() <= reach as f64 {
                        let log_weight = T::from_f64(-0.5 * r2 / (self.spatial * self.spatial));
                        steps.push(Step { by, log_weight });
                    }
                }
            }
        }
        Ok(Window {
            scale: T::from_f64(0.5 / (self.range * self.range)),
            difference: self.difference,
            inside: self.border == BilateralBorder::Inside,
            steps,
        })
    }
}

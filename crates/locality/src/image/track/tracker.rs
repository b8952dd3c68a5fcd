//! An object followed from picture to picture.

use std::fmt;
use std::str::FromStr;

use super::histogram::{Binning, Ellipse, HistogramColor, likeness};
use super::kernel_tracker::Model;
use super::window::{Criteria, RotatedBox, Window, cam_shift, sides};
use crate::image::{ImageView, Sample};
use crate::names;
use crate::{Error, Result, Watch};

/// How a window is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrackMethod {
    /// [`cam_shift`] over the probability of each pixel's colour; size and angle follow the moments.
    #[default]
    CamShift,
    /// Kernel-based tracking (Comaniciu, Ramesh and Meer, *Kernel-based object tracking*, IEEE TPAMI 25(5), 2003): mean shift to the
    /// place whose histogram is most like the object's; the size follows the likeness, the angle stays 0.
    MeanShift,
}

impl fmt::Display for TrackMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CamShift => "camshift",
            Self::MeanShift => "mean-shift",
        })
    }
}

impl FromStr for TrackMethod {
    type Err = Error;

    /// `camshift`, `mean-shift`.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().replace('_', "-").as_str() {
            "camshift" | "cam-shift" => Ok(Self::CamShift),
            "mean-shift" | "meanshift" => Ok(Self::MeanShift),
            _ => {
                let known = ["camshift", "mean-shift"].into_iter();
                Err(Error::parse(names::unknown("tracking method", text, known)))
            }
        }
    }
}

/// The parameters of a tracker.
///
/// The object's colours are a histogram under the Epanechnikov kernel over the ellipse in its box. With a
/// [background](Self::background) (the default) each colour counts with its share `q / (q + o)` among object and surroundings,
/// where `o` is its share in the ring around the box that has three times the box's area, as in Collins, Liu and Leordeanu
/// (2005): so a colour that is common around the object does not lead astray.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, track::{Tracker, Window}};
/// // A red square on grey, a few pixels further to the right in the second picture.
/// let frame = |left: usize| -> Vec<u8> {
///     let inside = |i: usize| (left..left + 10).contains(&(i % 60)) && (12..22).contains(&(i / 60));
///     (0..60 * 40).flat_map(|i| if inside(i) { [220, 30, 20] } else { [90, 100, 95] }).collect()
/// };
/// let (first, second) = (frame(14), frame(19));
/// let image = ImageView::new(&first, 40, 60, 3)?;
/// let mut tracking = Tracker::new().start(&image, Window::new(14, 12, 10, 10), &Watch::default())?;
/// let found = tracking.update(&ImageView::new(&second, 40, 60, 3)?, &Watch::default())?;
/// // Four standard deviations of the square, 11.5, and two pixels: the size that CamShift gives it.
/// assert_eq!(found.window, Window::new(18, 10, 13, 13));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracker {
    method: TrackMethod,
    binning: Binning,
    background: bool,
    criteria: Criteria,
    scale_rate: f64,
}

impl Default for Tracker {
    fn default() -> Self {
        Self::new()
    }
}

impl Tracker {
    /// CamShift by hue in 16 bins, with a background; pixels of a saturation below 0.12 or a value below 0.04 have no hue; at most
    /// 20 steps, until one is shorter than 1 pixel.
    pub fn new() -> Self {
        Self {
            method: TrackMethod::default(),
            binning: Binning {
                color: HistogramColor::Hue,
                bins: 16,
                min_saturation: 0.12,
                min_value: 0.04,
            },
            background: true,
            criteria: Criteria {
                max_iter: 20,
                epsilon: 1.0,
            },
            scale_rate: 0.5,
        }
    }

    /// With this method.
    #[must_use]
    pub fn method(mut self, method: TrackMethod) -> Self {
        self.method = method;
        self
    }

    /// With a histogram of these colours, with so many bins on each axis.
    #[must_use]
    pub fn histogram(mut self, color: HistogramColor, bins: usize) -> Self {
        self.binning.color = color;
        self.binning.bins = bins;
        self
    }

    /// The least saturation and value, from 0 to 1, of pixels that have a hue.
    #[must_use]
    pub fn min_color(mut self, saturation: f64, value: f64) -> Self {
        self.binning.min_saturation = saturation;
        self.binning.min_value = value;
        self
    }

    /// Whether colours that are common around the object count less.
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// When a window rests within one picture.
    #[must_use]
    pub fn criteria(mut self, criteria: Criteria) -> Self {
        self.criteria = criteria;
        self
    }

    /// What part of a change of size by a tenth is followed in each picture ([mean shift](TrackMethod::MeanShift) only); 0 keeps
    /// the size. 0.5 by default. Where colours around the object were not looked at ([`background`](Self::background)), the size of the
    /// greatest likeness is followed, and for an object of one colour any part is as like as the whole.
    #[must_use]
    pub fn scale_rate(mut self, rate: f64) -> Self {
        self.scale_rate = rate;
        self
    }

    /// Learns the object in a box of the first picture.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for numbers out of range, an empty box or one outside the picture, or a box without
    /// any pixel that has a colour; [`Shape`](crate::ErrorKind::Shape) for a stack of frames, or where the colours need 3
    /// channels; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn start<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        window: Window,
        watch: &Watch<'_>,
    ) -> Result<Tracking> {
        self.check()?;
        window.check(image)?;
        let sides = sides(image)?;
        let total = self.binning.total(image.colors())?;
        let bins = self.binning.of(image, watch)?;
        let place = ellipse(window);
        let ones = vec![1.0; total];
        let object = place.histogram(&bins, sides, &ones);
        if object.iter().all(|q| *q <= 0.0) {
            return Err(Error::parameter(format!(
                "no pixel in the box x={}, y={}, width={}, height={} has a {}; lower min_saturation and min_value or use other colours",
                window.x, window.y, window.width, window.height, self.binning.color
            )));
        }
        let (factors, level) = if self.background {
            let around = ring(window, &bins, sides, total);
            let share = |(q, o): (&f64, &f64)| if *q > 0.0 { q / (q + o) } else { 0.0 };
            let factors: Vec<f64> = object.iter().zip(&around).map(share).collect();
            let mean = |shares: &[f64]| -> f64 {
                let counts = shares.iter().zip(&factors).map(|(s, f)| s * f);
                counts.sum()
            };
            let (within, without) = (mean(&object), mean(&around));
            (factors, Some(0.5 * (within + without)))
        } else {
            (ones, None)
        };
        // Without a background a colour is as probable as it is frequent in the object.
        let frequent = object.iter().copied().fold(0.0, f64::max);
        let probability = if self.background {
            factors.iter().map(|v| *v as f32).collect()
        } else {
            object.iter().map(|q| (q / frequent) as f32).collect()
        };
        Ok(Tracking {
            tracker: *self,
            object: place.histogram(&bins, sides, &factors),
            factors,
            level,
            probability,
            sides,
            channels: image.colors(),
            place,
            window,
        })
    }

    fn check(&self) -> Result<()> {
        self.criteria.check()?;
        let shares = [
            ("min_saturation", self.binning.min_saturation),
            ("min_value", self.binning.min_value),
            ("scale_rate", self.scale_rate),
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

/// The ellipse in a box.
fn ellipse(window: Window) -> Ellipse {
    let half = [window.width, window.height].map(|n| 0.5 * f64::from(n.max(1)));
    Ellipse {
        center: [
            f64::from(window.x) + half[0] - 0.5,
            f64::from(window.y) + half[1] - 0.5,
        ],
        half,
    }
}

/// The shares of colours in the ring around a box that has three times its area.
fn ring(window: Window, bins: &[u32], (width, height): (i32, i32), total: usize) -> Vec<f64> {
    let outer = Window::new(
        window.x - window.width / 2,
        window.y - window.height / 2,
        window.width.saturating_mul(2),
        window.height.saturating_mul(2),
    );
    let outer = outer.within(width, height);
    let inside = |at: i32, from: i32, n: i32| at >= from && at - from < n;
    let mut out = vec![0.0; total];
    let mut sum = 0.0;
    for y in outer.y..outer.y + outer.height {
        for x in outer.x..outer.x + outer.width {
            if inside(x, window.x, window.width) && inside(y, window.y, window.height) {
                continue;
            }
            let bin = bins[y as usize * width as usize + x as usize];
            // Pixels without a colour are part of the ring, too.
            sum += 1.0;
            if let Some(o) = out.get_mut(bin as usize) {
                *o += 1.0;
            }
        }
    }
    if sum > 0.0 {
        for o in &mut out {
            *o /= sum;
        }
    }
    out
}

/// Where the object is in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tracked {
    /// The upright box.
    pub window: Window,
    /// The box along the object's axes.
    pub rotated: RotatedBox,
    /// The Bhattacharyya coefficient of the colours there and the object's, from 0 to 1; 0 where the object was lost and the window
    /// stayed.
    pub confidence: f64,
}

/// An object that is being followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracking {
    tracker: Tracker,
    object: Vec<f64>,
    factors: Vec<f64>,
    level: Option<f64>,
    probability: Vec<f32>,
    sides: (i32, i32),
    channels: usize,
    place: Ellipse,
    window: Window,
}

impl Tracking {
    /// The window in the last picture.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Goes on from this window.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for an empty window or one outside the pictures.
    pub fn move_to(&mut self, window: Window) -> Result<()> {
        if window.within(self.sides.0, self.sides.1).width == 0 {
            return Err(Error::parameter(format!(
                "box is x={}, y={}, width={}, height={}; give one of positive size that overlaps the {} x {} pictures",
                window.x, window.y, window.width, window.height, self.sides.0, self.sides.1
            )));
        }
        self.window = window;
        self.place = ellipse(window);
        Ok(())
    }

    /// Finds the object in the next picture.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) for a picture of another size; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn update<T: Sample>(
        &mut self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Tracked> {
        self.check_size(image)?;
        let bins = self.tracker.binning.of(image, watch)?;
        match self.tracker.method {
            TrackMethod::CamShift => self.cam_shift(&bins),
            TrackMethod::MeanShift => Ok(self.mean_shift(&bins)),
        }
    }

    /// How probable it is that each pixel is part of the object, from 0 to 1, row by row: the back-projection of its histogram.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn back_projection<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f32>> {
        self.check_size(image)?;
        Ok(self.project(&self.tracker.binning.of(image, watch)?))
    }

    fn project(&self, bins: &[u32]) -> Vec<f32> {
        let of = |bin: &u32| self.probability.get(*bin as usize).copied().unwrap_or(0.0);
        bins.iter().map(of).collect()
    }

    fn cam_shift(&mut self, bins: &[u32]) -> Result<Tracked> {
        let probabilities = self.project(bins);
        let (width, height) = self.sides;
        let view = ImageView::new(&probabilities, height as usize, width as usize, 1)?;
        let start = self.window.within(width, height);
        let (window, rotated) = cam_shift(&view, start, self.tracker.criteria)?;
        let Some(rotated) = rotated.filter(|_| window.width > 0 && window.height > 0) else {
            return Ok(self.found(0.0));
        };
        self.window = window;
        self.place = ellipse(window);
        let colors = self.place.histogram(bins, self.sides, &self.factors);
        Ok(Tracked {
            rotated,
            ..self.found(likeness(&colors, &self.object))
        })
    }

    fn mean_shift(&mut self, bins: &[u32]) -> Tracked {
        let model = Model {
            object: &self.object,
            factors: &self.factors,
            level: self.level,
        };
        let (criteria, rate) = (self.tracker.criteria, self.tracker.scale_rate);
        let (place, like) = model.climb_scales(bins, self.sides, self.place, criteria, rate);
        if like > 0.0 {
            self.place = place;
            let size = place.half.map(|h| ((2.0 * h).round() as i32).max(1));
            let edge = |k: usize| (place.center[k] + 0.5 - 0.5 * f64::from(size[k])).round() as i32;
            self.window = Window::new(edge(0), edge(1), size[0], size[1]);
        }
        self.found(like)
    }

    /// The present place, upright.
    fn found(&self, confidence: f64) -> Tracked {
        let Ellipse { center, half } = self.place;
        Tracked {
            window: self.window,
            rotated: RotatedBox {
                center: center.map(|c| c + 0.5),
                size: half.map(|h| 2.0 * h),
                angle: 0.0,
            },
            confidence,
        }
    }

    fn check_size<T: Sample>(&self, image: &ImageView<'_, T>) -> Result<()> {
        let now = sides(image)?;
        if now != self.sides || image.colors() != self.channels {
            return Err(Error::shape(format!(
                "the picture has {} x {} pixels of {} colour channels, but tracking started on {} x {} of {}; give pictures of one size",
                image.height(),
                image.width(),
                image.colors(),
                self.sides.1,
                self.sides.0,
                self.channels
            )));
        }
        Ok(())
    }
}

//! Mean shift of a window over a picture of probabilities, and its continuous adaptation.

use crate::image::{ImageView, Sample};
use crate::isa::{Isa, Task, dispatch};
use crate::{Error, Result};

/// A rectangle of pixels: its left and upper edge, width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Column of the left edge.
    pub x: i32,
    /// Row of the upper edge.
    pub y: i32,
    /// Number of columns.
    pub width: i32,
    /// Number of rows.
    pub height: i32,
}

impl Window {
    /// A rectangle.
    pub fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// The common area of two rectangles by that of their union (the Jaccard index), from 0 to 1.
    pub fn overlap(&self, other: &Self) -> f64 {
        let side = |a: i32, n: i32, b: i32, m: i32| {
            let low = i64::from(a.max(b));
            let high = (i64::from(a) + i64::from(n)).min(i64::from(b) + i64::from(m));
            (high - low).max(0) as f64
        };
        let common = side(self.x, self.width, other.x, other.width)
            * side(self.y, self.height, other.y, other.height);
        let area = |w: &Self| f64::from(w.width.max(0)) * f64::from(w.height.max(0));
        let all = area(self) + area(other) - common;
        if all > 0.0 { common / all } else { 0.0 }
    }

    /// The part inside a picture; empty at (0, 0) where there is none.
    pub(super) fn within(self, width: i32, height: i32) -> Self {
        let (left, top) = (self.x.max(0), self.y.max(0));
        let right = self.x.saturating_add(self.width).min(width);
        let bottom = self.y.saturating_add(self.height).min(height);
        if right > left && bottom > top {
            Self::new(left, top, right - left, bottom - top)
        } else {
            Self::new(0, 0, 0, 0)
        }
    }

    /// Refuses an empty rectangle, or one that misses the picture.
    pub(super) fn check<T: Sample>(self, image: &ImageView<'_, T>) -> Result<()> {
        let (width, height) = sides(image)?;
        if self.width <= 0 || self.height <= 0 || self.within(width, height).width == 0 {
            return Err(Error::parameter(format!(
                "box is x={}, y={}, width={}, height={}; give one of positive size that overlaps the {width} x {height} picture",
                self.x, self.y, self.width, self.height
            )));
        }
        Ok(())
    }
}

/// Width and height as signed numbers.
pub(super) fn sides<T: Sample>(image: &ImageView<'_, T>) -> Result<(i32, i32)> {
    if image.frames() > 1 {
        return Err(Error::shape(format!(
            "the image is a stack of {} frames; give one frame at a time",
            image.frames()
        )));
    }
    let most = |n: usize| i32::try_from(n).ok().filter(|n| *n <= 1 << 28);
    match (most(image.width()), most(image.height())) {
        (Some(width), Some(height)) => Ok((width, height)),
        _ => Err(Error::shape(format!(
            "the image has {} x {} pixels; a window can be tracked in at most 2^28 rows and columns",
            image.height(),
            image.width()
        ))),
    }
}

/// A rectangle at an angle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RotatedBox {
    /// Column and row of the centre.
    pub center: [f64; 2],
    /// Width and height; from [`cam_shift`] the height is the longer side.
    pub size: [f64; 2],
    /// Clockwise turn in degrees, from 0 to 180.
    pub angle: f64,
}

impl RotatedBox {
    /// Column and row of the corners, in turn.
    pub fn corners(&self) -> [[f64; 2]; 4] {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let [w, h] = self.size.map(|s| 0.5 * s);
        [(-w, -h), (w, -h), (w, h), (-w, h)].map(|(x, y)| {
            [
                self.center[0] + x * cos - y * sin,
                self.center[1] + x * sin + y * cos,
            ]
        })
    }
}

/// When the window rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criteria {
    /// Most steps, at least 1.
    pub max_iter: usize,
    /// A step of fewer pixels is the last one.
    pub epsilon: f64,
}

impl Default for Criteria {
    /// 10 steps, 1 pixel: what OpenCV's examples use.
    fn default() -> Self {
        Self {
            max_iter: 10,
            epsilon: 1.0,
        }
    }
}

impl Criteria {
    pub(super) fn check(&self) -> Result<()> {
        if self.max_iter == 0 {
            return Err(Error::parameter("max_iter is 0; allow at least 1 step"));
        }
        if !(self.epsilon >= 0.0 && self.epsilon <= 1e4) {
            return Err(Error::parameter(format!(
                "epsilon is {}; give a number of pixels from 0 to 10000",
                self.epsilon
            )));
        }
        Ok(())
    }
}

/// Moments of the probabilities in a window, positions relative to its upper left pixel.
struct Moments {
    mean: [f64; 2],
    /// Variances by column and row, and the covariance, per unit of mass.
    xx: f64,
    yy: f64,
    xy: f64,
}

/// The mean place of the probabilities in a window; None without mass.
fn mean_of<T: Sample>(image: &ImageView<'_, T>, window: Window) -> Option<[f64; 2]> {
    let [m, mx, my, ..] = sums(image, window, false);
    (m.abs() >= f64::EPSILON).then(|| [mx / m, my / m])
}

impl Moments {
    /// None without mass.
    fn of<T: Sample>(image: &ImageView<'_, T>, window: Window) -> Option<Self> {
        let [m, mx, my, mxx, mxy, myy] = sums(image, window, true);
        if m.abs() < f64::EPSILON {
            return None;
        }
        let (cx, cy) = (mx / m, my / m);
        Some(Self {
            mean: [cx, cy],
            xx: mxx / m - cx * cx,
            yy: myy / m - cy * cy,
            xy: mxy / m - cx * cy,
        })
    }
}

/// Sums over a window of the probabilities, times column, row, and products of these: `[1, x, y, xx, xy, yy]`; without `all` only the
/// first three are asked for.
fn sums<T: Sample>(image: &ImageView<'_, T>, window: Window, all: bool) -> [f64; 6] {
    let most = WholeSums::<T>::MOST;
    if T::LEVELS > 0 && window.width <= most && window.height <= most {
        dispatch(WholeSums { image, window, all })
    } else {
        dispatch(Sums { image, window })
    }
}

/// The same of integers: a column's, and a row's, sum fits 32 bits, and most of the rest is work on these few.
struct WholeSums<'a, T> {
    image: &'a ImageView<'a, T>,
    window: Window,
    all: bool,
}

impl<T> WholeSums<'_, T> {
    /// The longest side whose sums of 16 bits fit 32.
    const MOST: i32 = 1 << 16;
    /// So many columns, numbered from the first of them, times 16 bits fit 32.
    const PART: usize = 256;
}

impl<T: Sample> Task for WholeSums<'_, T> {
    type Out = [f64; 6];

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> [f64; 6] {
        let (left, columns) = (self.window.x as usize, self.window.width as usize);
        let mut by_column = vec![0_u32; columns];
        let [mut m, mut mx, mut my, mut mxx, mut mxy, mut myy] = [0.0; 6];
        for row in 0..self.window.height as usize {
            let start = (self.window.y as usize + row) * self.image.width() + left;
            let samples = &self.image.samples()[start..start + columns];
            let mut s = 0;
            for (c, p) in by_column.iter_mut().zip(samples) {
                let p = p.level() as u32;
                *c += p;
                s += p;
            }
            let (y, s) = (row as f64, f64::from(s));
            m += s;
            my += y * s;
            myy += y * y * s;
            if self.all {
                let mut sx = 0_u64;
                for (from, part) in (0_u64..).zip(samples.chunks(Self::PART)) {
                    let (mut own, mut times) = (0_u32, 0_u32);
                    for (x, p) in (0_u32..).zip(part) {
                        let p = p.level() as u32;
                        own += p;
                        times += p * x;
                    }
                    sx += u64::from(times) + from * Self::PART as u64 * u64::from(own);
                }
                mxy += y * sx as f64;
            }
        }
        for (x, c) in (0..).map(f64::from).zip(by_column) {
            let cx = f64::from(c) * x;
            mx += cx;
            mxx += cx * x;
        }
        [m, mx, my, mxx, mxy, myy]
    }
}

/// Columns that are added up side by side.
const LANES: usize = 16;

/// The sums of any numbers.
struct Sums<'a, T> {
    image: &'a ImageView<'a, T>,
    window: Window,
}

impl<T: Sample> Task for Sums<'_, T> {
    type Out = [f64; 6];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> [f64; 6] {
        let (left, columns) = (self.window.x as usize, self.window.width as usize);
        let lanes: [f64; LANES] = std::array::from_fn(|l| l as f64);
        let mut all = [0.0; 6];
        for row in 0..self.window.height as usize {
            let start = (self.window.y as usize + row) * self.image.width() + left;
            let samples = &self.image.samples()[start..start + columns];
            let (mut s, mut sx, mut sxx) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
            let chunks = samples.chunks_exact(LANES);
            let rest = chunks.remainder();
            let mut from = 0.0;
            for chunk in chunks {
                for l in 0..LANES {
                    let (p, x) = (chunk[l].to_f64(), from + lanes[l]);
                    let px = p * x;
                    s[l] += p;
                    sx[l] += px;
                    sxx[l] = isa.fma(px, x, sxx[l]);
                }
                from += LANES as f64;
            }
            for (l, p) in rest.iter().enumerate() {
                let (p, x) = (p.to_f64(), from + lanes[l]);
                s[l] += p;
                sx[l] += p * x;
                sxx[l] += p * x * x;
            }
            let [s, sx, sxx] = [s, sx, sxx].map(|lanes| lanes.iter().sum::<f64>());
            let y = row as f64;
            for (sum, part) in all.iter_mut().zip([s, sx, y * s, sxx, y * sx, y * y * s]) {
                *sum += part;
            }
        }
        all
    }
}

fn round(x: f64) -> i32 {
    x.round_ties_even() as i32
}

fn check_probabilities<T: Sample>(image: &ImageView<'_, T>) -> Result<()> {
    if image.channels() != 1 {
        return Err(Error::shape(format!(
            "the picture of probabilities has {} channels; give one of 1 channel",
            image.channels()
        )));
    }
    Ok(())
}

/// Mean shift of a window: it moves by whole pixels to the mean place of the probabilities in it until it rests. Returns the window
/// and the number of steps before the last. Windows, steps and counts are those of `cv2.meanShift`.
///
/// ```
/// use locality::image::{ImageView, track::{Criteria, Window, mean_shift}};
/// let mut p = [0_u8; 20 * 30];
/// for (x, y) in (12..16).flat_map(|x| (8..12).map(move |y| (x, y))) {
///     p[y * 30 + x] = 200;
/// }
/// let image = ImageView::new(&p, 20, 30, 1)?;
/// let (window, _) = mean_shift(&image, Window::new(6, 4, 10, 8), Criteria::default())?;
/// assert_eq!(window, Window::new(8, 6, 10, 8));
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// [`Shape`](crate::ErrorKind::Shape) for a picture of more than one channel or frame, [`Parameter`](crate::ErrorKind::Parameter)
/// for an empty window, one outside the picture, or bad criteria.
pub fn mean_shift<T: Sample>(
    probabilities: &ImageView<'_, T>,
    window: Window,
    criteria: Criteria,
) -> Result<(Window, usize)> {
    check_probabilities(probabilities)?;
    criteria.check()?;
    window.check(probabilities)?;
    let (width, height) = sides(probabilities)?;
    let mut at = window.within(width, height);
    let least = f64::from(round(criteria.epsilon * criteria.epsilon));
    for step in 0..criteria.max_iter {
        let Some(mean) = mean_of(probabilities, at) else {
            return Ok((at, step));
        };
        let dx = round(mean[0] - 0.5 * f64::from(at.width));
        let dy = round(mean[1] - 0.5 * f64::from(at.height));
        let x = (at.x + dx).min(width - at.width).max(0);
        let y = (at.y + dy).min(height - at.height).max(0);
        let (dx, dy) = (f64::from(x - at.x), f64::from(y - at.y));
        (at.x, at.y) = (x, y);
        if dx * dx + dy * dy < least {
            return Ok((at, step));
        }
    }
    Ok((at, criteria.max_iter))
}

/// By how much the window may grow on each side from one picture to the next.
const MARGIN: i32 = 10;

/// Continuously adaptive mean shift (Bradski 1998, *Computer vision face tracking for use in a perceptual user interface*): after
/// [`mean_shift`] the moments of the probabilities in and around the window give its new size, and a box with the lengths and the
/// direction of the axes of the ellipse with these moments. Both are those of `cv2.CamShift`. Without any probability in the window
/// there is no box.
///
/// # Errors
/// As [`mean_shift`].
pub fn cam_shift<T: Sample>(
    probabilities: &ImageView<'_, T>,
    window: Window,
    criteria: Criteria,
) -> Result<(Window, Option<RotatedBox>)> {
    let (window, _) = mean_shift(probabilities, window, criteria)?;
    let (width, height) = sides(probabilities)?;
    let (left, top) = ((window.x - MARGIN).max(0), (window.y - MARGIN).max(0));
    let around = Window::new(
        left,
        top,
        (window.width + 2 * MARGIN).min(width - left),
        (window.height + 2 * MARGIN).min(height - top),
    );
    let Some(found) = Moments::of(probabilities, around) else {
        return Ok((around, None));
    };
    Ok(adapted(&found, around, (width, height)))
}

/// The window and the box by the ellipse of the same moments.
fn adapted(
    found: &Moments,
    around: Window,
    (width, height): (i32, i32),
) -> (Window, Option<RotatedBox>) {
    let x = round(found.mean[0] + f64::from(around.x));
    let y = round(found.mean[1] + f64::from(around.y));
    let difference = found.xx - found.yy;
    let spread = (4.0 * found.xy * found.xy + difference * difference).sqrt();
    let mut theta = (2.0 * found.xy).atan2(difference + spread);
    let (mut sin, mut cos) = (theta.sin(), theta.cos());
    let crossed = 2.0 * cos * sin * found.xy;
    let along = cos * cos * found.xx + crossed + sin * sin * found.yy;
    let aside = sin * sin * found.xx - crossed + cos * cos * found.yy;
    let mut long = 4.0 * along.max(0.0).sqrt();
    let mut short = 4.0 * aside.max(0.0).sqrt();
    if long < short {
        std::mem::swap(&mut long, &mut short);
        std::mem::swap(&mut sin, &mut cos);
        theta = std::f64::consts::FRAC_PI_2 - theta;
    }
    let side = |a: f64, b: f64, room: i32| (round(a.abs()).max(round(b.abs())) + 2).min(room);
    let wide = side(long * cos, short * sin, (width - x) * 2);
    let high = side(long * sin, short * cos, (height - y) * 2);
    let (left, top) = ((x - wide / 2).max(0), (y - high / 2).max(0));
    let window = Window::new(left, top, wide.min(width - left), high.min(height - top));
    let center = [
        f64::from(window.x) + 0.5 * f64::from(window.width),
        f64::from(window.y) + 0.5 * f64::from(window.height),
    ];
    let rotated = RotatedBox {
        center,
        size: [short, long],
        angle: (90.0 + theta.to_degrees()).rem_euclid(180.0),
    };
    (window, Some(rotated))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEIGHT: usize = 40;
    const WIDTH: usize = 700;

    fn of<T: Sample>(samples: &[T], all: bool) -> Vec<[f64; 6]> {
        let image = ImageView::new(samples, HEIGHT, WIDTH, 1).unwrap();
        let windows = [
            Window::new(0, 0, 700, 40),
            Window::new(3, 5, 1, 1),
            Window::new(17, 2, 256, 30),
            Window::new(100, 0, 257, 40),
            Window::new(5, 39, 600, 1),
        ];
        windows.map(|w| sums(&image, w, all)).to_vec()
    }

    /// Sums of integers are those of the same numbers as floats, bit for bit while both are exact.
    #[test]
    fn integers_have_the_sums_of_floats() {
        let mut random = crate::random::Random::new(5, 0);
        let eight: Vec<u8> = (0..WIDTH * HEIGHT)
            .map(|_| random.below(256) as u8)
            .collect();
        let mut sixteen: Vec<u16> = eight.iter().map(|&p| 257 * u16::from(p)).collect();
        sixteen[..20 * WIDTH].fill(u16::MAX);
        let floats: Vec<f64> = eight.iter().map(|&p| p.into()).collect();
        let found = of(&eight, true);
        assert_eq!(found, of(&floats, true));
        for (few, all) in of(&eight, false).iter().zip(&found) {
            assert_eq!(few[..3], all[..3]);
        }
        let floats: Vec<f64> = sixteen.iter().map(|&p| p.into()).collect();
        assert_eq!(of(&sixteen, true), of(&floats, true));
    }
}

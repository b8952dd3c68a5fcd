//! Superpixels by quick shift.

use super::color::{ColorSpace, encode};
use super::partition::Partition;
use super::smooth::{along, gaussian};
use super::view::{ImageView, Sample};
use crate::isa::{Isa, Task, dispatch};
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// Superpixels by quick shift in position and colour (Vedaldi and Soatto 2008, *Quick shift and kernel methods for mode seeking*,
/// ECCV), with scikit-image's parameters and its labels.
///
/// 1. The density at each pixel is the sum over the pixels within `ceil(3 kernel_size)` rows and columns of
///    `exp(-d^2 / 2 kernel_size^2)`, where `d^2` is the squared distance in the image plus `ratio^2` times that in colour.
/// 2. Each pixel is linked to the nearest pixel, by `d`, of higher density in the same window.
/// 3. Links longer than `max_dist` are cut; each tree that is left is a superpixel.
///
/// Where densities are equal, the pixel that comes first in scan order counts as the denser one, and of equally near pixels it is
/// the one linked to. scikit-image breaks ties of the density by random noise instead.
///
/// Videos and volumes are divided in whole: frames [`depth`](Self::depth) pixels apart are one more direction of distances, windows and links.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ColorSpace, ImageView, Superpixels};
/// let grey: [u8; 8] = [10, 12, 90, 91, 12, 11, 92, 90];
/// let image = ImageView::new(&grey, 2, 4, 1)?;
/// let found = Superpixels::new(2.0, 6.0).color(ColorSpace::Raw).segment(&image, &Watch::default())?;
/// assert_eq!(found.labels(), [1, 1, 0, 0, 1, 1, 0, 0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Superpixels {
    kernel_size: f64,
    max_dist: f64,
    ratio: f64,
    sigma: f64,
    depth: f64,
    color: Option<ColorSpace>,
}

impl Superpixels {
    /// Superpixels by the standard deviation of the density's kernel (scikit-image's default is 5) and the longest link that is
    /// kept (10), both in pixels; colours in [`ColorSpace::Lab`] for three colour channels, raw for others.
    pub fn new(kernel_size: f64, max_dist: f64) -> Self {
        Self {
            kernel_size,
            max_dist,
            ratio: 1.0,
            sigma: 0.0,
            depth: 1.0,
            color: None,
        }
    }

    /// How many pixels a unit of colour is worth; 1 by default. Greater: superpixels follow colours more closely.
    #[must_use]
    pub fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// The standard deviation, in pixels, of a Gaussian that smooths the colours first; 0 (none) by default. Cut off at four
    /// standard deviations; beyond its border a picture goes on as its mirror image.
    #[must_use]
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }

    /// How many pixels apart the frames of a stack are, from each to the next; 1 by default. Pictures leave it aside.
    #[must_use]
    pub fn depth(mut self, depth: f64) -> Self {
        self.depth = depth;
        self
    }

    /// With colours compared in this space. [`Raw`](ColorSpace::Raw) samples of integers are numbers up to 255, where scikit-image
    /// (`convert2lab=False`) takes them up to 1: divide its `ratio` by 255.
    #[must_use]
    pub fn color(mut self, color: ColorSpace) -> Self {
        self.color = Some(color);
        self
    }

    /// Finds the superpixels of an image or a stack of them. They are numbered by the scan order of their densest pixels; a superpixel's pixels are
    /// near, not always connected.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a number out of range, [`Shape`](crate::ErrorKind::Shape) for Luv or Lab of an
    /// image whose colour channels are not 3;
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn segment<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Partition<T>> {
        self.check()?;
        let space = match self.color {
            Some(color) => color.resolve(image)?,
            None if image.colors() == 3 => ColorSpace::Lab,
            None => ColorSpace::Raw,
        };
        let colors = encode(image, space, watch)?;
        let field = Field::new(self, &colors, image, watch)?;
        let density = field.densities(watch)?;
        let parents = field.parents(&density, self.max_dist, watch)?;
        let (labels, regions) = roots(parents);
        Ok(Partition::of(labels, regions, image, space, &colors))
    }

    fn check(&self) -> Result<()> {
        let positive = |x: f64, most: f64| x > 0.0 && x <= most;
        if !positive(self.kernel_size, 1e4) {
            return Err(Error::parameter(format!(
                "kernel_size is {}; give a positive number of pixels, at most 10000",
                self.kernel_size
            )));
        }
        for (name, value) in [("max_dist", self.max_dist), ("sigma", self.sigma)] {
            if value.is_nan() || value < 0.0 || (name == "sigma" && value > 1e4) {
                return Err(Error::parameter(format!(
                    "{name} is {value}; give a number of pixels, at least 0{}",
                    if name == "sigma" {
                        " and at most 10000"
                    } else {
                        ""
                    }
                )));
            }
        }
        if !positive(self.ratio, 1e6) {
            return Err(Error::parameter(format!(
                "ratio is {}; give a positive number of pixels for a unit of colour, at most 1e6",
                self.ratio
            )));
        }
        if !positive(self.depth, 1e6) {
            return Err(Error::parameter(format!(
                "depth is {}; give a positive number of pixels from frame to frame, at most 1e6",
                self.depth
            )));
        }
        if self.sigma / self.depth > 1e4 {
            return Err(Error::parameter(format!(
                "sigma={} is {} frames at depth={}; give a sigma of at most 10000 frames",
                self.sigma,
                self.sigma / self.depth,
                self.depth
            )));
        }
        Ok(())
    }
}

/// Pixels done at once.
const LANES: usize = 16;
/// The colour of what has none: so far from all others that no weight is left, and squares of it stay finite.
const FAR: f64 = 1e30;

/// Scaled colours, one padded row a channel: row `y` of channel `k` starts at `(y * channels + k) * stride`, its first pixel
/// `reach` numbers later. Rows count through the frames.
struct Field {
    data: Vec<f64>,
    frames: usize,
    height: usize,
    width: usize,
    channels: usize,
    stride: usize,
    reach: usize,
    /// How many frames the window reaches both ways.
    before: usize,
    depth: f64,
    scale: f64,
}

impl Field {
    fn new<T: Sample>(
        parameters: &Superpixels,
        colors: &[f32],
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let (frames, height) = (image.frames(), image.height());
        let (width, channels) = (image.width(), image.colors());
        let mut scaled: Vec<f64> = colors.iter().map(|&c| f64::from(c)).collect();
        if parameters.sigma > 0.0 {
            let sigmas = (parameters.sigma, parameters.sigma / parameters.depth);
            scaled = smoothed(&scaled, [frames, height, width, channels], sigmas, watch)?;
        }
        let longest = height.max(width);
        let reach = ((3.0 * parameters.kernel_size).ceil() as usize).min(longest);
        let stride = width + 2 * reach + LANES;
        let before = (3.0 * parameters.kernel_size / parameters.depth).ceil() as usize;
        let mut data = vec![FAR; frames * height * channels * stride];
        for (y, row) in scaled.chunks_exact(width * channels).enumerate() {
            for k in 0..channels {
                let plane = &mut data[(y * channels + k) * stride + reach..];
                for (to, pixel) in plane.iter_mut().zip(row.chunks_exact(channels)) {
                    let c = pixel[k] * parameters.ratio;
                    *to = if c.is_finite() { c } else { FAR };
                }
            }
        }
        Ok(Self {
            data,
            frames,
            height,
            width,
            channels,
            stride,
            reach,
            before: before.min(frames),
            depth: parameters.depth,
            scale: -0.5 / (parameters.kernel_size * parameters.kernel_size),
        })
    }

    /// The numbers of channel `k` in row `y`, from `dx` columns beside `x` on, `x + dx >= -reach`.
    #[inline(always)]
    fn lanes(&self, k: usize, y: usize, x: usize, dx: isize) -> &[f64] {
        let start = (y * self.channels + k) * self.stride + self.reach + x;
        &self.data[start.wrapping_add_signed(dx)..][..LANES]
    }

    fn frames_around(&self, frame: usize) -> std::ops::RangeInclusive<usize> {
        frame.saturating_sub(self.before)..=(frame + self.before).min(self.frames - 1)
    }

    fn rows_around(&self, y: usize) -> std::ops::RangeInclusive<usize> {
        y.saturating_sub(self.reach)..=(y + self.reach).min(self.height - 1)
    }

    /// The square of the distance of so many frames.
    #[inline(always)]
    fn across(&self, frames: usize) -> f64 {
        let apart = frames as f64 * self.depth;
        apart * apart
    }

    /// The density at each pixel. Each sum is taken in scan order of its window.
    fn densities(&self, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let rows = map_blocks(watch, self.frames * self.height, 1, |rows| {
            let mut out = Vec::with_capacity(self.width);
            for y in rows {
                for x in (0..self.width).step_by(LANES) {
                    watch.check()?;
                    let sums = dispatch(Densities { field: self, x, y });
                    out.extend_from_slice(&sums[..LANES.min(self.width - x)]);
                }
            }
            Ok(out)
        })?;
        Ok(rows.concat())
    }

    /// Squared distance of two pixels: one of a row, and one of another row and `dx` columns beside it.
    fn distance2(&self, (x, row): (usize, usize), (dx, other): (isize, usize)) -> f64 {
        let color: f64 = (0..self.channels)
            .map(|k| self.lanes(k, row, x, 0)[0] - self.lanes(k, other, x, dx)[0])
            .map(|d| d * d)
            .sum();
        let dt2 = self.across((row / self.height).abs_diff(other / self.height));
        let dy = (row % self.height).abs_diff(other % self.height);
        color + dt2 + (dy * dy) as f64 + (dx * dx) as f64
    }

    /// The pixel that each is linked to, itself where there is none within `max_dist`. Rings of pixels are looked at from near to
    /// far, until even the distance in the image is too long.
    fn parents(&self, density: &[f64], max_dist: f64, watch: &Watch<'_>) -> Result<Vec<u32>> {
        let limit = max_dist * max_dist;
        let reach = self.reach.min(max_dist.floor() as usize).cast_signed();
        let before = self.before.min((max_dist / self.depth).floor() as usize);
        let before = before.min(self.frames - 1).cast_signed();
        let mut steps = Vec::new();
        for dt in -before..=before {
            for dy in -reach..=reach {
                for dx in -reach..=reach {
                    let near = self.across(dt.unsigned_abs()) + (dx * dx + dy * dy) as f64;
                    if (dt, dy, dx) != (0, 0, 0) && near <= limit {
                        steps.push(Step { near, dt, dy, dx });
                    }
                }
            }
        }
        steps.sort_by(|a, b| {
            let place = |s: &Step| (s.dt, s.dy, s.dx);
            a.near
                .total_cmp(&b.near)
                .then_with(|| place(a).cmp(&place(b)))
        });
        let rows = map_blocks(&watch.quiet(), self.frames * self.height, 1, |rows| {
            let row = rows.start;
            let line = (0..self.width).map(|x| self.parent((x, row), density, &steps, limit));
            Ok(line.collect::<Vec<u32>>())
        })?;
        Ok(rows.concat())
    }

    fn parent(&self, (x, row): (usize, usize), density: &[f64], steps: &[Step], limit: f64) -> u32 {
        let own = row * self.width + x;
        let (frame, y) = (row / self.height, row % self.height);
        let (mut best, mut found) = (limit, own);
        for &Step { near, dt, dy, dx } in steps {
            if near > best {
                break;
            }
            let (to_x, to_y) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
            let to = frame.wrapping_add_signed(dt);
            if to_x >= self.width || to_y >= self.height || to >= self.frames {
                continue;
            }
            let to_row = to * self.height + to_y;
            let other = to_row * self.width + to_x;
            let denser =
                density[other] > density[own] || (density[other] >= density[own] && other < own);
            if !denser {
                continue;
            }
            let d2 = self.distance2((x, row), (dx, to_row));
            if d2 < best || (d2 <= best && (found == own || other < found)) {
                (best, found) = (d2, other);
            }
        }
        found as u32
    }
}

/// A way from pixel to pixel, and its squared length in the stack.
struct Step {
    near: f64,
    dt: isize,
    dy: isize,
    dx: isize,
}

/// Colours smoothed among the pixels that have one; the others stay without.
fn smoothed(
    colors: &[f64],
    [frames, height, width, channels]: [usize; 4],
    sigmas: (f64, f64),
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let smooth = |data: &[f64], channels: usize| {
        let mut out = Vec::with_capacity(data.len());
        for frame in data.chunks_exact(height * width * channels) {
            out.extend(gaussian(frame, (height, width, channels), sigmas.0, watch)?);
        }
        if frames > 1 {
            out = along(&out, (frames, height * width * channels), sigmas.1, watch)?;
        }
        Ok(out)
    };
    if colors.iter().all(|c| c.is_finite()) {
        return smooth(colors, channels);
    }
    let finite = |&c: &f64| if c.is_finite() { c } else { 0.0 };
    let sums: Vec<f64> = colors.iter().map(finite).collect();
    let mut sums = smooth(&sums, channels)?;
    let known: Vec<f64> = colors
        .chunks_exact(channels)
        .map(|pixel| if pixel[0].is_finite() { 1.0 } else { 0.0 })
        .collect();
    let total = smooth(&known, 1)?;
    for ((pixel, known), total) in sums.chunks_exact_mut(channels).zip(&known).zip(&total) {
        let share = if *known > 0.0 { *total } else { 0.0 };
        for c in pixel.iter_mut() {
            *c /= share;
        }
        if share <= 0.0 {
            pixel.fill(f64::INFINITY);
        }
    }
    Ok(sums)
}

/// The densities of a run of pixels; those beyond the row's end mean nothing.
struct Densities<'a> {
    field: &'a Field,
    x: usize,
    y: usize,
}

impl Task for Densities<'_> {
    type Out = [f64; LANES];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> [f64; LANES] {
        let Self { field, x, y } = self;
        let reach = field.reach.cast_signed();
        let mut sums = [0.0; LANES];
        let (frame, line) = (y / field.height, y % field.height);
        for t in field.frames_around(frame) {
            let dt2 = field.across(t.abs_diff(frame));
            for to in field.rows_around(line) {
                let other = t * field.height + to;
                let dy2 = dt2 + (to.abs_diff(line) * to.abs_diff(line)) as f64;
                for dx in -reach..=reach {
                    let mut d2 = [0.0; LANES];
                    for k in 0..field.channels {
                        let (a, b) = (field.lanes(k, y, x, 0), field.lanes(k, other, x, dx));
                        for ((sum, a), b) in d2.iter_mut().zip(a).zip(b) {
                            *sum += (a - b) * (a - b);
                        }
                    }
                    let dx2 = (dx * dx) as f64;
                    for (sum, d2) in sums.iter_mut().zip(d2) {
                        *sum += isa.exp_below_one((d2 + dy2 + dx2) * field.scale);
                    }
                }
            }
        }
        sums
    }
}

/// Follows the links to their ends and numbers these in scan order.
fn roots(mut parents: Vec<u32>) -> (Vec<u32>, usize) {
    for i in 0..parents.len() {
        let mut root = parents[i] as usize;
        while parents[root] as usize != root {
            root = parents[root] as usize;
        }
        // Short ways for all that come after.
        let mut at = i;
        while at != root {
            let next = parents[at] as usize;
            parents[at] = root as u32;
            at = next;
        }
    }
    let mut number = vec![0_u32; parents.len()];
    let mut regions = 0;
    for (i, &parent) in parents.iter().enumerate() {
        if parent as usize == i {
            number[i] = regions as u32;
            regions += 1;
        }
    }
    let labels = parents.iter().map(|&p| number[p as usize]).collect();
    (labels, regions)
}

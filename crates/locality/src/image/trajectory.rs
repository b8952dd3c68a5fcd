//! From a pixel to its mode: the steps of one trajectory, and blocks of trajectories compiled for the machine's
//! instructions.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::falloff::Falloff;
use super::planes::Planes;
use super::window::{self, Point, Sums};
use crate::{Result, Watch};

/// When a trajectory ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stop {
    /// When a step, in bandwidths, is at most this long.
    Settled(f64),
    /// As OpenCV: each mean is rounded to whole pixels and whole levels; the end is where the position stays or
    /// `|dx| + |dy| + |dc|^2` is at most this.
    Rounded(f64),
}

/// The rules of the walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) spatial: f64,
    /// The bandwidth across frames.
    pub(crate) depth: f64,
    pub(crate) range: f64,
    pub(crate) max_iter: usize,
    pub(crate) stop: Stop,
}

/// The modes of a block of pixels.
#[derive(Debug, Default)]
pub(crate) struct Modes {
    /// Column and row.
    pub(crate) positions: Vec<[f32; 2]>,
    /// Frame; none for a single picture.
    pub(crate) frames: Vec<f32>,
    /// `[pixels, channels]`
    pub(crate) colors: Vec<f32>,
    /// Steps of all trajectories together.
    pub(crate) steps: u64,
    /// Trajectories that were still moving at the last step allowed.
    pub(crate) unsettled: usize,
}

/// The trajectories of a range of pixels. `C` is the number of channels, 0 for any number.
pub(crate) struct Block<'a, F, const C: usize> {
    pub(crate) falloff: F,
    pub(crate) planes: &'a Planes,
    pub(crate) pixels: Range<usize>,
    pub(crate) walk: Walk,
    pub(crate) watch: &'a Watch<'a>,
}

impl<F: Falloff, const C: usize> WithSimd for Block<'_, F, C> {
    type Output = Result<Modes>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Result<Modes> {
        let channels = self.planes.channels;
        let mut modes = Modes {
            positions: Vec::with_capacity(self.pixels.len()),
            colors: Vec::with_capacity(self.pixels.len() * channels),
            ..Modes::default()
        };
        if C == 0 {
            let mut color = vec![0.0; channels];
            let mut sums = vec![0.0; channels];
            let mut lanes = vec![simd.splat_f32s(0.0); channels];
            self.each(&mut modes, &mut color, |at, color, walk| {
                sums.fill(0.0);
                let (f, mut all) = (self.falloff, Sums::default());
                for frame in self.frames(*at) {
                    let (point, step) = self.point(at, color, frame);
                    let own =
                        window::sums_of_many(simd, f, self.planes, point, &mut lanes, &mut sums);
                    all.add(&own, step);
                }
                walk.step(&all, &sums, at, color)
            })?;
        } else {
            self.each(&mut modes, &mut [0.0; C], |at, color, walk| {
                let mut sums = [0.0; C];
                let (f, mut all) = (self.falloff, Sums::default());
                // A loop, not a closure: what is called from several places is not compiled into vector code.
                for frame in self.frames(*at) {
                    let (point, step) = self.point(at, color, frame);
                    let own = window::sums::<S, F, C>(simd, f, self.planes, point, &mut sums);
                    all.add(&own, step);
                }
                walk.step(&all, &sums, at, color)
            })?;
        }
        Ok(modes)
    }
}

/// Where a trajectory is.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    frame: f64,
}

impl<F: Falloff, const C: usize> Block<'_, F, C> {
    /// The frames around a place whose windows are summed.
    #[inline(always)]
    fn frames(&self, at: Place) -> Range<usize> {
        let all = self.planes.grid.frames;
        if all == 1 {
            return 0..1;
        }
        let reach = self.falloff.reach() / self.walk.spatial * self.walk.depth;
        window::span(at.frame, reach, all).map_or(0..0, |(first, last)| first..last + 1)
    }

    /// A place as seen in a frame, whose distance counts as a row's does; and how many frames on that is.
    #[inline(always)]
    fn point<'c>(&self, at: &Place, color: &'c [f32], frame: usize) -> (Point<'c>, f64) {
        let step = frame as f64 - at.frame;
        let point = Point {
            x: at.x,
            y: at.y,
            color,
            frame,
            lift: (step / self.walk.depth * self.walk.spatial) as f32,
        };
        (point, step)
    }

    /// Walks from each pixel by `step`, which says whether it has arrived.
    #[inline(always)]
    fn each(
        &self,
        modes: &mut Modes,
        color: &mut [f32],
        mut step: impl FnMut(&mut Place, &mut [f32], &Walk) -> bool,
    ) -> Result<()> {
        for i in self.pixels.clone() {
            self.watch.check()?;
            let (col, row) = (i % self.planes.width, i / self.planes.width);
            let (frame, row) = (row / self.planes.height, row % self.planes.height);
            let mut at = Place {
                x: col as f64,
                y: row as f64,
                frame: frame as f64,
            };
            self.planes.color(col, row, frame, color);
            let mut settled = color[0] >= Planes::FAR;
            if settled {
                color.fill(f32::INFINITY);
            }
            let mut steps = 0;
            while !settled && steps < self.walk.max_iter {
                steps += 1;
                settled = step(&mut at, color, &self.walk);
            }
            modes.steps += steps as u64;
            modes.unsettled += usize::from(!settled);
            modes.positions.push([at.x as f32, at.y as f32]);
            if self.planes.grid.frames > 1 {
                modes.frames.push(at.frame as f32);
            }
            modes.colors.extend_from_slice(color);
        }
        Ok(())
    }
}

impl Walk {
    /// Moves to the mean of a window; whether that ends the walk.
    #[inline(always)]
    fn step(&self, sum: &Sums, colors: &[f64], at: &mut Place, color: &mut [f32]) -> bool {
        if sum.weight <= 0.0 {
            return true;
        }
        let inverse = 1.0 / sum.weight;
        let rounded = matches!(self.stop, Stop::Rounded(_));
        let total = |base: f64, sum_of: f64| base * sum.weight + sum_of;
        let (sum_x, sum_y) = (total(at.x.floor(), sum.x), total(at.y.floor(), sum.y));
        let (new_x, new_y) = if rounded {
            // The product with the reciprocal decides ties as OpenCV does.
            (
                (sum_x * inverse).round_ties_even(),
                (sum_y * inverse).round_ties_even(),
            )
        } else {
            // Exact where the mean is a whole number, which decides what is in the next window.
            (sum_x / sum.weight, sum_y / sum.weight)
        };
        let mut color2 = 0.0;
        for (c, &sum_of) in color.iter_mut().zip(colors) {
            let old = f64::from(*c);
            let mut new = total(old, sum_of) * inverse;
            if rounded {
                new = new.round_ties_even();
            }
            color2 += (new - old) * (new - old);
            *c = new as f32;
        }
        let (dx, dy) = (new_x - at.x, new_y - at.y);
        let mut dt = sum.frame * inverse;
        if rounded {
            dt = (at.frame + dt).round_ties_even() - at.frame;
        }
        *at = Place {
            x: new_x,
            y: new_y,
            frame: at.frame + dt,
        };
        match self.stop {
            Stop::Settled(tol) => {
                let space = (dx * dx + dy * dy) / (self.spatial * self.spatial)
                    + dt * dt / (self.depth * self.depth);
                space + color2 / (self.range * self.range) <= tol * tol
            }
            Stop::Rounded(eps) => {
                let still = dx == 0.0 && dy == 0.0 && dt == 0.0;
                still || dx.abs() + dy.abs() + dt.abs() + color2 <= eps
            }
        }
    }
}

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
    pub(crate) range: f64,
    pub(crate) max_iter: usize,
    pub(crate) stop: Stop,
}

/// The modes of a block of pixels.
#[derive(Debug, Default)]
pub(crate) struct Modes {
    /// Column and row.
    pub(crate) positions: Vec<[f32; 2]>,
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
        let mut color = vec![0.0_f32; channels];
        let mut sums = vec![0.0_f64; channels];
        let mut lanes = vec![simd.splat_f32s(0.0); if C == 0 { channels } else { 0 }];
        for i in self.pixels {
            self.watch.check()?;
            let (col, row) = (i % self.planes.width, i / self.planes.width);
            let (mut x, mut y) = (col as f64, row as f64);
            self.planes.color(col, row, &mut color);
            let mut settled = color[0].is_infinite();
            let mut step = 0;
            while !settled && step < self.walk.max_iter {
                step += 1;
                sums.fill(0.0);
                let at = Point {
                    x,
                    y,
                    color: &color,
                };
                let sum = if C == 0 {
                    window::sums_of_many(simd, self.falloff, self.planes, at, &mut lanes, &mut sums)
                } else {
                    window::sums::<S, F, C>(simd, self.falloff, self.planes, at, &mut sums)
                };
                settled = self.walk.step(&sum, &sums, &mut x, &mut y, &mut color);
            }
            modes.steps += step as u64;
            modes.unsettled += usize::from(!settled);
            modes.positions.push([x as f32, y as f32]);
            modes.colors.extend_from_slice(&color);
        }
        Ok(modes)
    }
}

impl Walk {
    /// Moves to the mean of a window; whether that ends the walk.
    #[inline(always)]
    fn step(
        &self,
        sum: &Sums,
        colors: &[f64],
        x: &mut f64,
        y: &mut f64,
        color: &mut [f32],
    ) -> bool {
        if sum.weight <= 0.0 {
            return true;
        }
        let inverse = 1.0 / sum.weight;
        let mean = |base: f64, sum_of: f64| (base * sum.weight + sum_of) * inverse;
        let (mut new_x, mut new_y) = (mean(x.floor(), sum.x), mean(y.floor(), sum.y));
        let rounded = matches!(self.stop, Stop::Rounded(_));
        if rounded {
            (new_x, new_y) = (new_x.round_ties_even(), new_y.round_ties_even());
        }
        let mut color2 = 0.0;
        for (c, &sum_of) in color.iter_mut().zip(colors) {
            let old = f64::from(*c);
            let mut new = mean(old, sum_of);
            if rounded {
                new = new.round_ties_even();
            }
            color2 += (new - old) * (new - old);
            *c = new as f32;
        }
        let (dx, dy) = (new_x - *x, new_y - *y);
        (*x, *y) = (new_x, new_y);
        match self.stop {
            Stop::Settled(tol) => {
                let space = (dx * dx + dy * dy) / (self.spatial * self.spatial);
                space + color2 / (self.range * self.range) <= tol * tol
            }
            Stop::Rounded(eps) => (dx == 0.0 && dy == 0.0) || dx.abs() + dy.abs() + color2 <= eps,
        }
    }
}

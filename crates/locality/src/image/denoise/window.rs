//! The inner loops of filters that weigh a pixel by position and colour alone: a few pixels at a time, their sums in registers.

use std::ops::Range;

use locality_core::isa::{Compiled, Isa, Task, dispatch};

use super::padded::{LANES, Padded};
use crate::par::map_blocks;
use crate::{Float, Result, Watch};

/// Rows that are averaged at once.
const BAND: usize = 8;

/// How the difference of two colours enters a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The sum of the squares of the channels' differences.
    Squares,
    /// The square of the sum of their sizes.
    SquaredSum,
}

/// A step from a pixel to another in frames, rows and columns, and the logarithm of its weight by that alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<T> {
    pub(super) by: [isize; 3],
    pub(super) log_weight: T,
}

/// The weight of a pixel at a step is `exp(log_weight - scale * difference)`.
#[derive(Clone, Debug)]
pub(super) struct Window<T> {
    pub(super) scale: T,
    pub(super) difference: Difference,
    /// Whether only pixels of the picture itself are averaged, not those beyond its border.
    pub(super) inside: bool,
    pub(super) steps: Vec<Step<T>>,
}

impl<T: Float> Window<T> {
    /// Columns that the loops read beyond the picture on each side.
    pub(super) fn pad(&self) -> usize {
        let far = self.steps.iter().map(|s| s.by[2].unsigned_abs()).max();
        far.unwrap_or(0)
    }

    /// Weighted means at all pixels: weights by `guide`, means of `values`. Those of some rows, `[pixels, channels]`, go to `end` with
    /// the number of their first pixel. Pixels without any weight get `NaN`.
    pub(super) fn means<O: Copy + Send>(
        &self,
        guide: &Padded<T>,
        values: &Padded<T>,
        end: impl Fn(usize, Vec<T>) -> Vec<O> + Sync,
        watch: &Watch<'_>,
    ) -> Result<Vec<O>> {
        let grid = values.grid;
        let bands = grid.height.div_ceil(BAND);
        let blocks = map_blocks(watch, grid.frames * bands, 1, |item| {
            let (frame, first) = (item.start / bands, item.start % bands * BAND);
            let band = Band {
                window: self,
                guide,
                values,
                frame,
                rows: first..(first + BAND).min(grid.height),
                watch,
            };
            let means = T::run_compiled::<Weighted<'_>>(band)?;
            Ok(end((frame * grid.height + first) * grid.width, means))
        })?;
        Ok(blocks.concat())
    }
}

/// Some rows of a frame.
struct Band<'a, T> {
    window: &'a Window<T>,
    guide: &'a Padded<T>,
    values: &'a Padded<T>,
    frame: usize,
    rows: Range<usize>,
    watch: &'a Watch<'a>,
}

struct Weighted<'a>(std::marker::PhantomData<&'a ()>);

impl<'a> Compiled for Weighted<'a> {
    type In<T: Float> = Band<'a, T>;
    type Out<T: Float> = Result<Vec<T>>;

    #[inline(never)]
    fn single(task: Band<'a, f32>) -> Result<Vec<f32>> {
        dispatch(task)
    }

    #[inline(never)]
    fn double(task: Band<'a, f64>) -> Result<Vec<f64>> {
        dispatch(task)
    }
}

/// A step from the row that is averaged.
#[derive(Clone, Copy)]
struct Tap<T> {
    log_weight: T,
    line: usize,
    /// Where the step leads from column 0, in padded rows.
    column: usize,
}

/// A few pixels of a row.
#[derive(Clone, Copy)]
struct Place<'a, T> {
    line: usize,
    column: usize,
    taps: &'a [Tap<T>],
}

impl<T: Float> Task for Band<'_, T> {
    type Out = Result<Vec<T>>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Result<Vec<T>> {
        let (width, channels) = (self.values.grid.width, self.values.channels);
        let own = std::ptr::eq(self.guide, self.values);
        let hidden = self.values.is_masked() || self.guide.is_masked();
        let reach = if self.window.inside {
            self.window.pad()
        } else {
            0
        };
        let mut out = vec![T::ZERO; self.rows.len() * width * channels];
        let mut taps = Vec::with_capacity(self.window.steps.len());
        let mut sums = vec![[T::ZERO; LANES]; channels + 1];
        for (y, out) in self
            .rows
            .clone()
            .zip(out.chunks_exact_mut(width * channels))
        {
            self.watch.check()?;
            self.taps(y, &mut taps);
            for x in (0..width).step_by(LANES) {
                let place = Place {
                    line: self.frame * self.values.grid.height + y,
                    column: self.values.pad + x,
                    taps: &taps,
                };
                // Steps from here may lead out of the picture.
                let rim = x < reach || x + LANES + reach > width;
                let squares = self.window.difference == Difference::Squares;
                match (own && !hidden && !(self.window.inside && rim), channels) {
                    (true, 1) if squares => self.own::<I, 1, true>(isa, place, &mut sums),
                    (true, 1) => self.own::<I, 1, false>(isa, place, &mut sums),
                    (true, 3) if squares => self.own::<I, 3, true>(isa, place, &mut sums),
                    (true, 3) => self.own::<I, 3, false>(isa, place, &mut sums),
                    _ => self.any(isa, place, &mut sums),
                }
                let (colors, total) = sums.split_at(channels);
                let pixels = out[x * channels..].chunks_exact_mut(channels);
                for (l, pixel) in pixels.take(LANES).enumerate() {
                    for (o, color) in pixel.iter_mut().zip(colors) {
                        *o = color[l] / total[0][l];
                    }
                }
            }
        }
        Ok(out)
    }
}

impl<T: Float> Band<'_, T> {
    /// The steps from row `y` that count.
    fn taps(&self, y: usize, taps: &mut Vec<Tap<T>>) {
        let grid = self.values.grid;
        taps.clear();
        for step in &self.window.steps {
            let frame = self.frame.cast_signed() + step.by[0];
            let row = y.cast_signed() + step.by[1];
            let within = (0..grid.frames.cast_signed()).contains(&frame)
                && (0..grid.height.cast_signed()).contains(&row);
            if within || !self.window.inside {
                taps.push(Tap {
                    log_weight: step.log_weight,
                    line: self.values.line(frame, row),
                    column: self.values.pad.wrapping_add_signed(step.by[2]),
                });
            }
        }
    }

    /// The sums where the picture is its own guide and all pixels count: those of the `C` channels, and of the weights.
    #[inline(always)]
    fn own<I: Isa, const C: usize, const SQUARES: bool>(
        &self,
        isa: I,
        place: Place<'_, T>,
        out: &mut [[T; LANES]],
    ) {
        let scale = self.window.scale;
        let here: [[T; LANES]; C] =
            std::array::from_fn(|k| self.values.some(place.line, k, place.column));
        let x = place.column - self.values.pad;
        let mut sums = [[T::ZERO; LANES]; C];
        let mut total = [T::ZERO; LANES];
        for tap in place.taps {
            let there: [[T; LANES]; C] =
                std::array::from_fn(|k| self.values.some(tap.line, k, tap.column + x));
            let mut weights = [T::ZERO; LANES];
            for (l, w) in weights.iter_mut().enumerate() {
                let mut d = T::ZERO;
                for (there, here) in there.iter().zip(&here) {
                    let e = there[l] - here[l];
                    d = if SQUARES {
                        isa.fma(e, e, d)
                    } else {
                        d + e.abs()
                    };
                }
                let d = if SQUARES { d } else { d * d };
                *w = isa.exp_below_one(isa.fma(-scale, d, tap.log_weight));
            }
            for (t, w) in total.iter_mut().zip(&weights) {
                *t += *w;
            }
            for (sums, there) in sums.iter_mut().zip(&there) {
                for ((s, w), v) in sums.iter_mut().zip(&weights).zip(there) {
                    *s = isa.fma(*w, *v, *s);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(sums.iter().chain([&total])) {
            *out = *sums;
        }
    }

    /// The same for any guide, any number of channels, and pixels that do not count.
    #[inline(always)]
    fn any<I: Isa>(&self, isa: I, place: Place<'_, T>, out: &mut [[T; LANES]]) {
        let (guide, values) = (self.guide, self.values);
        let scale = self.window.scale;
        let x = place.column - values.pad;
        out.fill([T::ZERO; LANES]);
        let Some((total, sums)) = out.split_last_mut() else {
            return;
        };
        for tap in place.taps {
            let mut d = [T::ZERO; LANES];
            for k in 0..guide.channels {
                let here = guide.some(place.line, k, place.column);
                let there = guide.some(tap.line, k, tap.column + x);
                for ((d, a), b) in d.iter_mut().zip(&here).zip(&there) {
                    let e = *b - *a;
                    *d = match self.window.difference {
                        Difference::Squares => isa.fma(e, e, *d),
                        Difference::SquaredSum => *d + e.abs(),
                    };
                }
            }
            if self.window.difference == Difference::SquaredSum {
                for d in &mut d {
                    *d *= *d;
                }
            }
            // Where the guide is hidden, colours are not compared.
            let masks = guide.some_mask(place.line, place.column);
            if let Some((a, b)) = masks.zip(guide.some_mask(tap.line, tap.column + x)) {
                for ((d, a), b) in d.iter_mut().zip(&a).zip(&b) {
                    *d *= *a * *b;
                }
            }
            let mut weights = d;
            for w in &mut weights {
                *w = isa.exp_below_one(isa.fma(-scale, *w, tap.log_weight));
            }
            if let Some(seen) = values.some_mask(tap.line, tap.column + x) {
                for (w, seen) in weights.iter_mut().zip(&seen) {
                    *w *= *seen;
                }
            }
            if self.window.inside {
                let columns = values.pad..values.pad + values.grid.width;
                for (l, w) in weights.iter_mut().enumerate() {
                    if !columns.contains(&(tap.column + x + l)) {
                        *w = T::ZERO;
                    }
                }
            }
            for (t, w) in total.iter_mut().zip(&weights) {
                *t += *w;
            }
            for (k, sums) in sums.iter_mut().enumerate() {
                let there = values.some(tap.line, k, tap.column + x);
                for ((s, w), v) in sums.iter_mut().zip(&weights).zip(&there) {
                    *s = isa.fma(*w, *v, *s);
                }
            }
        }
    }
}

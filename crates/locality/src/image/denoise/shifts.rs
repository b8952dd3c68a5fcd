//! The inner loops of filters that weigh a pixel by how alike the surroundings of two pixels are: a picture is compared with itself
//! shifted, one shift after the other, so that the sums over patches are sums of rows.

use std::marker::PhantomData;
use std::ops::Range;

use locality_core::isa::{Compiled, Isa, Task, dispatch};

use super::padded::Padded;
use super::rows::{across, across_any, along, difference_of};
use crate::par::map_blocks;
use crate::{Float, Result, Watch};

/// Rows that are averaged at once.
const BAND: usize = 32;

/// How the difference of two colours enters a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The sum of the squares of the channels' differences.
    Squares,
    /// The square of the sum of their sizes.
    SquaredSum,
}

/// A step from a pixel to another, and its weight by that alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift<T> {
    /// Frames, rows and columns.
    pub(super) step: [isize; 3],
    pub(super) weight: T,
}

/// How two pixels are compared and weighed: `exp(-d)` for the distance
/// `d = scale * sum_q g_q (difference(p + q, p + t + q) - noise)`, not below 0, over the places `q` of a patch.
#[derive(Clone, Debug)]
pub(super) struct Rule<T> {
    /// First and last row and column of a patch, from its centre.
    pub(super) patch: (isize, isize),
    /// The factors of `g_q` for a patch's rows and columns, one by one; empty: all are 1.
    pub(super) along: Vec<T>,
    /// Frames of a patch likewise; one where the picture has one.
    pub(super) frames: (isize, isize),
    pub(super) scale: T,
    pub(super) noise: T,
    /// No weight for distances above this.
    pub(super) most: T,
    /// Whether this also counts for the sum over each of a patch's first rows.
    pub(super) early: bool,
    /// Whether only pixels of the picture itself are averaged, not those beyond its border.
    pub(super) inside: bool,
    pub(super) difference: Difference,
    /// One of each two opposite steps within a frame, and both of those between frames.
    pub(super) shifts: Vec<Shift<T>>,
}

impl<T: Float> Rule<T> {
    /// The steps of a window of `reach` frames, rows and columns, with the weight that `weight` gives each, if any.
    pub(super) fn window(
        [frames, rows, columns]: [isize; 3],
        weight: impl Fn([isize; 3]) -> Option<f64>,
    ) -> Vec<Shift<T>> {
        let mut shifts = Vec::new();
        for t in -frames..=frames {
            for y in -rows..=rows {
                for x in -columns..=columns {
                    // The opposite of a step within a frame comes with it.
                    let twin = t == 0 && (y < 0 || (y == 0 && x < 0));
                    let step = [t, y, x];
                    if !twin && let Some(weight) = weight(step) {
                        let weight = T::from_f64(weight);
                        shifts.push(Shift { step, weight });
                    }
                }
            }
        }
        shifts
    }

    /// Columns that the loops read beyond the picture on each side.
    pub(super) fn pad(&self) -> usize {
        let far = self.shifts.iter().map(|s| s.step[2].abs()).max();
        let patch = self.patch.0.abs().max(self.patch.1);
        (far.unwrap_or(0) + patch).cast_unsigned()
    }

    /// A factor of the weights of a patch's places.
    #[inline(always)]
    pub(super) fn g(&self, at: usize) -> T {
        self.along.get(at).copied().unwrap_or(T::ONE)
    }
}

/// Weighted means at all pixels, `[pixels, channels]`: weights by `guide` (which may be the picture itself), means of `values`.
/// Pixels without any weight get `NaN`.
pub(super) fn means<T: Float>(
    rule: &Rule<T>,
    guide: &Padded<T>,
    values: &Padded<T>,
    watch: &Watch<'_>,
) -> Result<Vec<T>> {
    let grid = values.grid;
    let bands = grid.height.div_ceil(BAND);
    let blocks = map_blocks(watch, grid.frames * bands, 1, |item| {
        let first = item.start % bands * BAND;
        let band = Band {
            rule,
            guide,
            values,
            frame: (item.start / bands).cast_signed(),
            rows: first..(first + BAND).min(grid.height),
        };
        band.means(watch)
    })?;
    Ok(blocks.concat())
}

/// Some rows of a frame.
struct Band<'a, T> {
    rule: &'a Rule<T>,
    guide: &'a Padded<T>,
    values: &'a Padded<T>,
    frame: isize,
    rows: Range<usize>,
}

/// Memory of the loops.
struct Scratch<T> {
    difference: Vec<T>,
    /// Sums over the rows of a patch, for the last rows of patches.
    ring: Vec<Vec<T>>,
    weights: Vec<T>,
}

impl<T: Float> Band<'_, T> {
    fn means(&self, watch: &Watch<'_>) -> Result<Vec<T>> {
        let (width, channels) = (self.values.grid.width, self.values.channels);
        let mut sums = vec![T::ZERO; self.rows.len() * (channels + 1) * width];
        let places = (self.rule.patch.1 - self.rule.patch.0 + 1).cast_unsigned();
        let most = width + 2 * self.guide.pad;
        let mut scratch = Scratch {
            difference: vec![T::ZERO; most],
            ring: vec![vec![T::ZERO; most]; places],
            weights: vec![T::ZERO; most],
        };
        for &shift in &self.rule.shifts {
            watch.check()?;
            T::run_compiled::<Shifted<'_>>(Pairs {
                band: self,
                shift,
                sums: &mut sums,
                scratch: &mut scratch,
            });
        }
        let mut out = vec![T::ZERO; self.rows.len() * width * channels];
        let rows = out.chunks_exact_mut(width * channels);
        for (line, sums) in rows.zip(sums.chunks_exact((channels + 1) * width)) {
            let (colors, weights) = sums.split_at(channels * width);
            for (x, (pixel, weight)) in line.chunks_exact_mut(channels).zip(weights).enumerate() {
                for (k, o) in pixel.iter_mut().enumerate() {
                    *o = colors[k * width + x] / *weight;
                }
            }
        }
        Ok(out)
    }
}

struct Shifted<'a>(PhantomData<&'a ()>);

impl<'a> Compiled for Shifted<'a> {
    type In<T: Float> = Pairs<'a, T>;
    type Out<T: Float> = ();

    #[inline(never)]
    fn single(task: Pairs<'a, f32>) {
        dispatch(task);
    }

    #[inline(never)]
    fn double(task: Pairs<'a, f64>) {
        dispatch(task);
    }
}

/// All pairs of pixels that are one shift apart and have a pixel in the band.
struct Pairs<'a, T> {
    band: &'a Band<'a, T>,
    shift: Shift<T>,
    /// `[rows, channels + 1, width]`, the weights last.
    sums: &'a mut [T],
    scratch: &'a mut Scratch<T>,
}

impl<T: Float> Task for Pairs<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let (rule, rows) = (self.band.rule, self.band.rows.clone());
        let [dt, dy, dx] = self.shift.step;
        let grid = self.band.values.grid;
        let (width, height) = (grid.width.cast_signed(), grid.height.cast_signed());
        // Within a frame a pair is used both ways, so that its first pixel may lie outside.
        let both = dt == 0;
        let (mut first, mut last) = if both {
            ((-dx).min(0), width + (-dx).max(0))
        } else {
            (0, width)
        };
        let mut top = rows.start.cast_signed() - if both { dy } else { 0 };
        let mut bottom = rows.end.cast_signed();
        if rule.inside {
            (first, last) = (0.max(-dx), width.min(width - dx));
            (top, bottom) = (top.max(0).max(-dy), bottom.min(height).min(height - dy));
            if !(0..grid.frames.cast_signed()).contains(&(self.band.frame + dt)) {
                return;
            }
        }
        if first >= last || top >= bottom {
            return;
        }
        let span = first..last;
        let places = (rule.patch.1 - rule.patch.0).cast_unsigned();
        for (i, y) in (top + rule.patch.0..top + rule.patch.1).enumerate() {
            self.compare(isa, y, &span, i);
        }
        for (i, y) in (top..bottom).enumerate() {
            let slots = places + 1;
            self.compare(isa, y + rule.patch.1, &span, (places + i) % slots);
            // A row above the band counts for its partner alone.
            let own = y >= rows.start.cast_signed();
            let partner = both && self.shift.step != [0; 3] && y + dy < rows.end.cast_signed();
            if own || partner {
                self.weigh(isa, (last - first).cast_unsigned(), i % slots);
            }
            if own {
                self.add(isa, (y, y + dy), dt, &span, dx);
            }
            if partner {
                self.add(isa, (y + dy, y), 0, &(first + dx..last + dx), -dx);
            }
        }
    }
}

impl<T: Float> Pairs<'_, T> {
    /// The differences of row `y` from its partner, summed over the columns (and frames) of patches, into a slot of the ring.
    #[inline(always)]
    fn compare<I: Isa>(&mut self, isa: I, y: isize, span: &Range<isize>, slot: usize) {
        let (rule, guide, frame) = (self.band.rule, self.band.guide, self.band.frame);
        let [dt, dy, dx] = self.shift.step;
        let places = (rule.patch.1 - rule.patch.0 + 1).cast_unsigned();
        let n = (span.end - span.start).cast_unsigned();
        let wide = n + places - 1;
        let from = (guide.pad.cast_signed() + span.start + rule.patch.0).cast_unsigned();
        let to = from.wrapping_add_signed(dx);
        let direct = places == 1;
        let Scratch {
            difference, ring, ..
        } = &mut *self.scratch;
        let out = if direct { &mut ring[slot] } else { difference };
        let out = &mut out[..wide];
        for (at, q) in (rule.frames.0..=rule.frames.1).enumerate() {
            let (here, there) = (frame + q, frame + dt + q);
            let masks = guide.mask(here, y).zip(guide.mask(there, y + dy));
            let rows = |k: usize| {
                (
                    &guide.row(here, y, k)[from..][..wide],
                    &guide.row(there, y + dy, k)[to..][..wide],
                )
            };
            let single = rule.frames == (0, 0) && masks.is_none();
            if single {
                difference_of(isa, rule, guide.channels, rows, out);
                continue;
            }
            let mut part = vec![T::ZERO; wide];
            difference_of(isa, rule, guide.channels, rows, &mut part);
            if let Some((a, b)) = masks {
                let (a, b) = (&a[from..][..wide], &b[to..][..wide]);
                for ((p, a), b) in part.iter_mut().zip(a).zip(b) {
                    *p *= *a * *b;
                }
            }
            let g = if rule.frames == (0, 0) {
                T::ONE
            } else {
                rule.g(at)
            };
            for (o, p) in out.iter_mut().zip(&part) {
                *o = if at == 0 { g * *p } else { isa.fma(g, *p, *o) };
            }
        }
        if direct {
            return;
        }
        let (difference, out) = (
            &self.scratch.difference[..wide],
            &mut self.scratch.ring[slot][..n],
        );
        match (places, rule.along.is_empty()) {
            (2, true) => along::<T, I, 2>(isa, &[], difference, out),
            (4, true) => along::<T, I, 4>(isa, &[], difference, out),
            (6, true) => along::<T, I, 6>(isa, &[], difference, out),
            (8, true) => along::<T, I, 8>(isa, &[], difference, out),
            (_, true) => along::<T, I, 0>(isa, &vec![T::ONE; places], difference, out),
            (3, _) => along::<T, I, 3>(isa, &rule.along, difference, out),
            (5, _) => along::<T, I, 5>(isa, &rule.along, difference, out),
            (7, _) => along::<T, I, 7>(isa, &rule.along, difference, out),
            _ => along::<T, I, 0>(isa, &rule.along, difference, out),
        }
    }

    /// The weights of the pairs of a row, from the ring that starts at a slot.
    #[inline(always)]
    fn weigh<I: Isa>(&mut self, isa: I, n: usize, start: usize) {
        let Scratch { ring, weights, .. } = &mut *self.scratch;
        let (rule, factor) = (self.band.rule, self.shift.weight);
        let out = &mut weights[..n];
        match (ring.len(), rule.along.is_empty()) {
            (1, _) => across::<T, I, 1>(isa, rule, factor, (ring, start), out),
            (2, true) => across::<T, I, 2>(isa, rule, factor, (ring, start), out),
            (4, true) => across::<T, I, 4>(isa, rule, factor, (ring, start), out),
            (6, true) => across::<T, I, 6>(isa, rule, factor, (ring, start), out),
            (8, true) => across::<T, I, 8>(isa, rule, factor, (ring, start), out),
            (3, false) => across::<T, I, 3>(isa, rule, factor, (ring, start), out),
            (5, false) => across::<T, I, 5>(isa, rule, factor, (ring, start), out),
            (7, false) => across::<T, I, 7>(isa, rule, factor, (ring, start), out),
            _ => across_any(isa, rule, factor, (ring, start), out),
        }
    }

    /// Adds the weighted colours of a row to those sums of another for whose columns there are weights.
    #[inline(always)]
    fn add<I: Isa>(
        &mut self,
        isa: I,
        (to, from): (isize, isize),
        frames: isize,
        span: &Range<isize>,
        columns: isize,
    ) {
        let values = self.band.values;
        let (width, channels) = (values.grid.width, values.channels);
        let left = span.start.max(0);
        let right = span.end.min(width.cast_signed());
        if left >= right {
            return;
        }
        let n = (right - left).cast_unsigned();
        let weights = &mut self.scratch.weights[(left - span.start).cast_unsigned()..][..n];
        let source = (values.pad.cast_signed() + left + columns).cast_unsigned();
        let frame = self.band.frame + frames;
        let line = to.cast_unsigned() - self.band.rows.start;
        let sums = &mut self.sums[line * (channels + 1) * width..][..(channels + 1) * width];
        let left = left.cast_unsigned();
        let seen = values.mask(frame, from).map(|mask| &mask[source..][..n]);
        let masked: Vec<T>;
        let weights: &[T] = if let Some(seen) = seen {
            masked = weights.iter().zip(seen).map(|(w, s)| *w * *s).collect();
            &masked
        } else {
            weights
        };
        for (k, sums) in sums.chunks_exact_mut(width).enumerate() {
            let sums = &mut sums[left..][..n];
            if k == channels {
                for (s, w) in sums.iter_mut().zip(weights) {
                    *s += *w;
                }
                continue;
            }
            let row = &values.row(frame, from, k)[source..][..n];
            for ((s, w), v) in sums.iter_mut().zip(weights).zip(row) {
                *s = isa.fma(*w, *v, *s);
            }
        }
    }
}

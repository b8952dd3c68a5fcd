//! The inner loops of filters that weigh a pixel by how alike the surroundings of two pixels are: a picture is compared with itself
//! shifted, one shift after the other, so that the sums over patches are sums of rows.

use std::marker::PhantomData;
use std::ops::Range;

use locality_core::isa::{Compiled, Isa, Task, dispatch};

use super::padded::Padded;
use super::rows::{across, along, difference, weighted};
use crate::par::map_blocks;
use crate::{Float, Result, Watch};

/// Rows and columns that are averaged at once: their sums stay near the processor while the picture is shifted.
const BAND: usize = 32;
const TILE: usize = 512;

/// How two pixels are compared and weighed: `exp(-d)` for the distance
/// `d = scale * sum_q g_q (difference(p + q, p + t + q) - noise)`, not below 0, over the places `q` of a patch.
#[derive(Clone, Debug)]
pub(super) struct Rule<T> {
    /// First and last row and column of a patch, from its centre.
    pub(super) patch: (isize, isize),
    /// The factors of `g_q` for a patch's rows and columns, one by one; empty: all are 1. Where there are some, the sum over each of a
    /// patch's first rows, and not that over all, must not be above `most`, and only pixels of the picture itself are averaged, not those
    /// beyond its border.
    pub(super) along: Vec<T>,
    /// Frames of a patch likewise; one where the picture has one.
    pub(super) frames: (isize, isize),
    pub(super) scale: T,
    pub(super) noise: T,
    /// No weight for distances above this.
    pub(super) most: T,
    /// One of each two opposite steps within a frame, and both of those between frames.
    pub(super) shifts: Vec<[isize; 3]>,
}

impl<T: Float> Rule<T> {
    /// The shifts of a window of `reach` frames, rows and columns.
    pub(super) fn window([frames, rows, columns]: [isize; 3]) -> Vec<[isize; 3]> {
        let mut shifts = Vec::new();
        for t in -frames..=frames {
            for y in -rows..=rows {
                for x in -columns..=columns {
                    // The opposite of a step within a frame comes with it.
                    let twin = t == 0 && (y < 0 || (y == 0 && x < 0));
                    if !twin {
                        shifts.push([t, y, x]);
                    }
                }
            }
        }
        shifts
    }

    /// Columns that the loops read beyond the picture on each side.
    pub(super) fn pad(&self) -> usize {
        let far = self.shifts.iter().map(|s| s[2].abs()).max();
        let patch = self.patch.0.abs().max(self.patch.1);
        (far.unwrap_or(0) + patch).cast_unsigned()
    }

    /// A factor of the weights of a patch's places.
    #[inline(always)]
    fn g(&self, at: usize) -> T {
        self.along.get(at).copied().unwrap_or(T::ONE)
    }

    fn places(&self) -> usize {
        (self.patch.1 - self.patch.0 + 1).cast_unsigned()
    }

    /// Means at all pixels, weighted by how alike patches are. Those of some rows, `[pixels, channels]`, go to `end` with the number of
    /// their first pixel. Pixels without any weight get `NaN`.
    pub(super) fn means<O: Copy + Send>(
        &self,
        picture: &Padded<T>,
        end: impl Fn(usize, Vec<T>) -> Vec<O> + Sync,
        watch: &Watch<'_>,
    ) -> Result<Vec<O>> {
        let grid = picture.grid;
        let bands = grid.height.div_ceil(BAND);
        let blocks = map_blocks(watch, grid.frames * bands, 1, |item| {
            let (frame, first) = (item.start / bands, item.start % bands * BAND);
            let rows = first..(first + BAND).min(grid.height);
            let mut scratch = Scratch::new(self, picture);
            let mut out = vec![T::ZERO; rows.len() * grid.width * picture.channels];
            for left in (0..grid.width).step_by(TILE) {
                let tile = Tile {
                    rule: self,
                    picture,
                    frame: frame.cast_signed(),
                    rows: rows.clone(),
                    columns: left..(left + TILE).min(grid.width),
                };
                tile.means(&mut scratch, &mut out, watch)?;
            }
            Ok(end((frame * grid.height + first) * grid.width, out))
        })?;
        Ok(blocks.concat())
    }
}

/// Some rows and columns of a frame.
struct Tile<'a, T> {
    rule: &'a Rule<T>,
    picture: &'a Padded<T>,
    frame: isize,
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Memory of the loops.
struct Scratch<T> {
    /// `[rows, channels + 1, TILE]`, the sums of the weights last.
    sums: Vec<T>,
    difference: Vec<T>,
    /// Of one frame of several.
    part: Vec<T>,
    /// Sums over the columns of a patch, for its rows.
    ring: Vec<Vec<T>>,
    before: Vec<T>,
    weights: Vec<T>,
}

impl<T: Float> Scratch<T> {
    fn new(rule: &Rule<T>, picture: &Padded<T>) -> Self {
        let some = vec![T::ZERO; TILE.min(picture.grid.width) + 2 * picture.pad];
        Self {
            sums: Vec::new(),
            difference: some.clone(),
            part: some.clone(),
            ring: vec![some.clone(); rule.places()],
            before: some.clone(),
            weights: some,
        }
    }
}

impl<T: Float> Tile<'_, T> {
    /// Writes the means to the rows of which the tile is a part.
    fn means(&self, scratch: &mut Scratch<T>, out: &mut [T], watch: &Watch<'_>) -> Result<()> {
        let (width, channels) = (self.picture.grid.width, self.picture.channels);
        scratch.sums.clear();
        let line = (channels + 1) * TILE;
        scratch.sums.resize(self.rows.len() * line, T::ZERO);
        for &shift in &self.rule.shifts {
            watch.check()?;
            T::run_compiled::<Shifted<'_>>(Pairs {
                tile: self,
                shift,
                scratch,
            });
        }
        let rows = out.chunks_exact_mut(width * channels);
        for (row, sums) in rows.zip(scratch.sums.chunks_exact(line)) {
            let row = &mut row[self.columns.start * channels..self.columns.end * channels];
            let (colors, weights) = sums.split_at(channels * TILE);
            for (x, (pixel, weight)) in row.chunks_exact_mut(channels).zip(weights).enumerate() {
                for (k, o) in pixel.iter_mut().enumerate() {
                    *o = colors[k * TILE + x] / *weight;
                }
            }
        }
        Ok(())
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

/// All pairs of pixels that are one shift apart and have a pixel in the tile.
struct Pairs<'a, T> {
    tile: &'a Tile<'a, T>,
    shift: [isize; 3],
    scratch: &'a mut Scratch<T>,
}

impl<T: Float> Task for Pairs<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let (rule, rows, columns) = (
            self.tile.rule,
            self.tile.rows.clone(),
            self.tile.columns.clone(),
        );
        let [dt, dy, dx] = self.shift;
        let grid = self.tile.picture.grid;
        let (width, height) = (grid.width.cast_signed(), grid.height.cast_signed());
        let (left, right) = (columns.start.cast_signed(), columns.end.cast_signed());
        // Within a frame a pair is used both ways, so that its first pixel may lie outside.
        let both = dt == 0;
        let back = if both { dx } else { 0 };
        let (mut first, mut last) = (left.min(left - back), right.max(right - back));
        let mut top = rows.start.cast_signed() - if both { dy } else { 0 };
        let mut bottom = rows.end.cast_signed();
        if !rule.along.is_empty() {
            (first, last) = (first.max(0).max(-dx), last.min(width).min(width - dx));
            (top, bottom) = (top.max(0).max(-dy), bottom.min(height).min(height - dy));
            if !(0..grid.frames.cast_signed()).contains(&(self.tile.frame + dt)) {
                return;
            }
        }
        if first >= last || top >= bottom {
            return;
        }
        let span = first..last;
        let slots = rule.places();
        for (i, y) in (top + rule.patch.0..top + rule.patch.1).enumerate() {
            self.compare(isa, y, &span, i);
        }
        for (i, y) in (top..bottom).enumerate() {
            self.compare(isa, y + rule.patch.1, &span, (slots - 1 + i) % slots);
            // A row above the tile counts for its partner alone.
            let own = y >= rows.start.cast_signed();
            let partner = both && self.shift != [0; 3] && y + dy < rows.end.cast_signed();
            if own || partner {
                let n = (last - first).cast_unsigned();
                let Scratch {
                    ring,
                    before,
                    weights,
                    ..
                } = &mut *self.scratch;
                let ring = (&ring[..], i % slots);
                across(isa, rule, ring, &mut before[..n], &mut weights[..n]);
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
        let (rule, guide, frame) = (self.tile.rule, self.tile.picture, self.tile.frame);
        let [dt, dy, dx] = self.shift;
        let places = rule.places();
        let n = (span.end - span.start).cast_unsigned();
        let from = (guide.pad.cast_signed() + span.start + rule.patch.0).cast_unsigned();
        let to = from.wrapping_add_signed(dx);
        let wide = n + places - 1;
        let Scratch {
            difference: all,
            part,
            ring,
            ..
        } = &mut *self.scratch;
        // Patches of one pixel have no columns to be summed over.
        let out = if places == 1 { &mut ring[slot] } else { all };
        let out = &mut out[..wide];
        let part = &mut part[..wide];
        for (at, q) in (rule.frames.0..=rule.frames.1).enumerate() {
            let (here, there) = (frame + q, frame + dt + q);
            let rows = |k: usize| {
                (
                    &guide.row(here, y, k)[from..][..wide],
                    &guide.row(there, y + dy, k)[to..][..wide],
                )
            };
            let flat = rule.frames == (0, 0);
            let own = if flat { &mut *out } else { &mut *part };
            difference(isa, rule.noise, guide.channels, rows, own);
            if let Some((a, b)) = guide.mask(here, y).zip(guide.mask(there, y + dy)) {
                for ((d, a), b) in own.iter_mut().zip(&a[from..]).zip(&b[to..]) {
                    *d *= *a * *b;
                }
            }
            if !flat {
                let g = rule.g(at);
                for (o, p) in out.iter_mut().zip(&*part) {
                    *o = isa.fma(g, *p, if at == 0 { T::ZERO } else { *o });
                }
            }
        }
        if places > 1 {
            let (from, out) = (
                &self.scratch.difference[..wide],
                &mut self.scratch.ring[slot],
            );
            along(isa, (&rule.along, places), from, &mut out[..n]);
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
        let (values, tile) = (self.tile.picture, self.tile);
        let channels = values.channels;
        let left = span.start.max(tile.columns.start.cast_signed());
        let right = span.end.min(tile.columns.end.cast_signed());
        if left >= right {
            return;
        }
        let n = (right - left).cast_unsigned();
        let Scratch { weights, sums, .. } = &mut *self.scratch;
        let weights = &mut weights[(left - span.start).cast_unsigned()..][..n];
        let source = (values.pad.cast_signed() + left + columns).cast_unsigned();
        let frame = tile.frame + frames;
        let line = to.cast_unsigned() - tile.rows.start;
        let sums = &mut sums[line * (channels + 1) * TILE..][..(channels + 1) * TILE];
        let left = left.cast_unsigned() - tile.columns.start;
        let masked: Vec<T>;
        let weights: &[T] = if let Some(seen) = values.mask(frame, from) {
            let seen = &seen[source..][..n];
            masked = weights.iter().zip(seen).map(|(w, s)| *w * *s).collect();
            &masked
        } else {
            weights
        };
        let color = |k: usize| &values.row(frame, from, k)[source..];
        weighted(isa, weights, channels, color, sums, (TILE, left));
    }
}

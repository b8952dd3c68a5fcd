//! The groups of the reference patches of some rows.

use locality_core::isa::{Isa, Task};

use super::group::{Found, Frame, Search};
use super::matrices::{gram, invert, padded, times};

/// A patch that was in so many groups of a region gets none of its own (once, in the paper).
const GROUPS: u8 = 2;

/// What is done with a group of alike patches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    /// Side of a patch.
    pub(super) size: usize,
    /// Patches in a group.
    pub(super) similar: usize,
    pub(super) reach: usize,
    pub(super) spacing: usize,
    /// Of the noise.
    pub(super) variance: f32,
    /// A group whose variance is at most so many times that of the noise becomes its mean; 0: none.
    pub(super) flat: f32,
    /// Whether all channels have one model.
    pub(super) together: bool,
    /// How many channels are compared.
    pub(super) compared: usize,
    /// Whether the model is read for the reference patch alone.
    pub(super) alone: bool,
    /// What is added to the covariance that is inverted, in variances of the noise.
    pub(super) ridge: f32,
    /// Patches count by their share of noise to the power of minus this.
    pub(super) trust: f32,
}

/// Weighted sums of patches over some rows of a frame.
#[derive(Debug)]
pub(super) struct Sums {
    top: usize,
    height: usize,
    width: usize,
    channels: usize,
    /// `[channels, height, width]`
    colors: Vec<f32>,
    /// `[channels, height, width]`
    counts: Vec<f32>,
}

impl Sums {
    pub(super) fn new(top: usize, height: usize, width: usize, channels: usize) -> Self {
        Self {
            top,
            height,
            width,
            channels,
            colors: vec![0.0; channels * height * width],
            counts: vec![0.0; channels * height * width],
        }
    }

    /// Adds those of a part of the rows.
    pub(super) fn add(&mut self, part: &Self) {
        let from = (part.top - self.top) * self.width;
        let (own, size) = (self.height * self.width, part.height * part.width);
        let add = |to: &mut [f32], from: &[f32]| {
            for (t, f) in to.iter_mut().zip(from) {
                *t += *f;
            }
        };
        for k in 0..self.channels {
            add(
                &mut self.counts[k * own + from..][..size],
                &part.counts[k * size..][..size],
            );
            add(
                &mut self.colors[k * own + from..][..size],
                &part.colors[k * size..][..size],
            );
        }
    }

    /// The means; `NaN` for pixels without a patch.
    pub(super) fn means(&self) -> Frame {
        let pixels = self.height * self.width;
        Frame::new((self.height, self.width, self.channels), |i, k| {
            self.colors[k * pixels + i] / self.counts[k * pixels + i]
        })
    }
}

/// Reference patches of some rows, and where they are taken from.
pub(super) struct Region<'a> {
    pub(super) model: &'a Model,
    pub(super) search: Search,
    /// The frame itself, and others in which alike patches are looked for.
    pub(super) noisy: &'a [&'a Frame],
    /// The same of the first step, in the second.
    pub(super) basic: Option<&'a [&'a Frame]>,
    pub(super) rows: &'a [usize],
    pub(super) columns: &'a [usize],
    /// Variances of the noise, where they are not the same everywhere.
    pub(super) noise: Option<&'a Frame>,
    /// Patches at this distance or more hold pixels that cannot be seen.
    pub(super) limit: f32,
}

/// Memory of a region.
#[derive(Default)]
struct Scratch {
    keys: Vec<u64>,
    found: Vec<Found>,
    /// Patches as rows.
    noisy: Vec<f32>,
    guide: Vec<f32>,
    mean: Vec<f32>,
    matrix: Vec<f32>,
    row: Vec<f32>,
    out: Vec<f32>,
    /// Variances of the noise at a patch's numbers.
    level: Vec<f32>,
    /// Patches that have been in a group, `[rows, width]` of the sums.
    done: Vec<u8>,
}

impl Task for Region<'_> {
    type Out = Sums;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Sums {
        let frame = self.noisy[0];
        let (first, last) = (self.rows[0], self.rows[self.rows.len() - 1]);
        let reach = if self.model.alone {
            0
        } else {
            self.search.reach
        };
        let top = first.saturating_sub(reach);
        let bottom = (last + reach + self.search.size.0).min(frame.height);
        let mut sums = Sums::new(top, bottom - top, frame.width, frame.channels);
        let mut scratch = Scratch {
            done: vec![0; (bottom - top) * frame.width],
            ..Scratch::default()
        };
        for &y in self.rows {
            for &x in self.columns {
                self.group(isa, (y, x), &mut scratch, &mut sums);
            }
        }
        sums
    }
}

impl Region<'_> {
    #[inline(always)]
    fn group<I: Isa>(&self, isa: I, at: (usize, usize), s: &mut Scratch, sums: &mut Sums) {
        let guide = self.basic.unwrap_or(self.noisy);
        if s.done[(at.0 - sums.top) * sums.width + at.1] >= GROUPS || self.hidden(guide[0], at) {
            return;
        }
        self.search
            .nearest(isa, guide, at, &mut s.keys, &mut s.found);
        s.found.retain(|f| f.distance < self.limit);
        if !self.model.alone {
            for f in s.found.iter().filter(|f| f.frame == 0) {
                let done = &mut s.done[(f.row - sums.top) * sums.width + f.column];
                *done = done.saturating_add(1);
            }
        }
        let channels = self.noisy[0].channels;
        if self.model.together {
            self.filter(isa, 0..channels, s, sums);
        } else {
            for k in 0..channels {
                self.filter(isa, k..k + 1, s, sums);
            }
        }
    }

    /// Whether a patch holds a pixel that cannot be seen.
    #[inline(always)]
    fn hidden(&self, frame: &Frame, (row, column): (usize, usize)) -> bool {
        let (high, wide) = self.search.size;
        let far = self.limit.sqrt();
        (0..high).any(|i| {
            frame.from(0, row + i, column)[..wide]
                .iter()
                .any(|v| *v > far)
        })
    }

    /// The patches of a group that get its model's values, and these: others' are their own frame's.
    #[inline(always)]
    fn read<'s>(
        &self,
        s: &'s Scratch,
        stride: usize,
    ) -> impl Iterator<Item = (&'s Found, &'s [f32])> {
        let count = if self.model.alone { 1 } else { s.found.len() };
        let rows = s.found[..count].iter().zip(s.out.chunks_exact(stride));
        rows.filter(|(f, _)| f.frame == 0)
    }

    /// Adds the model's patches of some channels to the sums.
    #[inline(always)]
    fn filter<I: Isa>(
        &self,
        isa: I,
        channels: std::ops::Range<usize>,
        s: &mut Scratch,
        sums: &mut Sums,
    ) {
        let (high, wide) = self.search.size;
        let d = channels.len() * high * wide;
        let stride = padded(d);
        let n = s.found.len();
        let lines = n.next_multiple_of(4);
        gather(
            self.noisy,
            &s.found,
            self.search.size,
            channels.clone(),
            &mut s.noisy,
        );
        self.level(channels.clone(), s);
        if let Some(basic) = self.basic {
            gather(
                basic,
                &s.found,
                self.search.size,
                channels.clone(),
                &mut s.guide,
            );
        }
        let guide = if self.basic.is_some() {
            &s.guide
        } else {
            &s.noisy
        };
        s.mean.clear();
        s.mean.resize(stride, 0.0);
        let share = 1.0 / n as f32;
        for row in guide.chunks_exact(stride).take(n) {
            for (m, v) in s.mean.iter_mut().zip(row) {
                *m = isa.fma(share, *v, *m);
            }
        }
        let flat = self.model.flat > 0.0 && self.is_flat(s, d, channels.len());
        if flat {
            let area = high * wide;
            for part in s.mean[..d].chunks_exact_mut(area) {
                let mean = part.iter().sum::<f32>() / area as f32;
                part.fill(mean);
            }
        }
        s.out.clear();
        s.out.resize(lines * stride, 0.0);
        let mut left = share;
        if !flat {
            left += self.shrink(isa, d, lines, s);
        }
        let trust = left.powf(-self.model.trust);
        for row in s.out.chunks_exact_mut(stride) {
            for (o, m) in row.iter_mut().zip(&s.mean) {
                *o += *m;
            }
        }
        let size = sums.height * sums.width;
        for (f, row) in self.read(s, stride) {
            for (k, patch) in channels.clone().zip(row.chunks_exact(high * wide)) {
                for (i, line) in patch.chunks_exact(wide).enumerate() {
                    let to = k * size + (f.row + i - sums.top) * sums.width + f.column;
                    for (t, v) in sums.colors[to..][..wide].iter_mut().zip(line) {
                        *t += trust * *v;
                    }
                }
            }
        }
        for (f, _) in self.read(s, stride) {
            for k in channels.clone() {
                for i in 0..high {
                    let row = k * size + (f.row + i - sums.top) * sums.width + f.column;
                    for c in &mut sums.counts[row..][..wide] {
                        *c += trust;
                    }
                }
            }
        }
    }

    /// Whether the noisy patches vary no more than noise does, over channels on average.
    #[inline(always)]
    fn is_flat(&self, s: &Scratch, d: usize, channels: usize) -> bool {
        let stride = padded(d);
        let area = d / channels;
        let mut sum = 0.0;
        for k in 0..channels {
            let (mut mean, mut square) = (0.0_f64, 0.0_f64);
            for row in s.noisy.chunks_exact(stride).take(s.found.len()) {
                let (mut a, mut b) = (0.0_f32, 0.0_f32);
                // About the first patch's first pixel, so that little is lost.
                let shift = s.noisy[k * area];
                for v in &row[k * area..][..area] {
                    let v = *v - shift;
                    a += v;
                    b += v * v;
                }
                mean += f64::from(a);
                square += f64::from(b);
            }
            let n = (s.found.len() * area) as f64;
            let (mean, square) = (mean / n, square / n);
            sum += square - mean * mean;
        }
        let n = s.found.len() * area;
        let unbiased = sum / channels as f64 * n as f64 / (n.max(2) - 1) as f64;
        let level: f32 = s.level[..d].iter().sum::<f32>() / d as f32;
        unbiased <= f64::from(self.model.flat * level)
    }

    /// Deviations from the mean, shrunk by the covariance, to `out`; the share of the noise's variance that is left.
    #[inline(always)]
    fn shrink<I: Isa>(&self, isa: I, d: usize, lines: usize, s: &mut Scratch) -> f32 {
        let stride = padded(d);
        let center = |rows: &mut [f32], mean: &[f32], n: usize| {
            for row in rows.chunks_exact_mut(stride).take(n) {
                for (v, m) in row.iter_mut().zip(mean) {
                    *v -= *m;
                }
            }
        };
        let n = s.found.len();
        center(&mut s.noisy, &s.mean, n);
        let second = self.basic.is_some();
        if second {
            center(&mut s.guide, &s.mean, n);
        }
        let rows = if second { &s.guide } else { &s.noisy };
        s.matrix.clear();
        s.matrix.resize(d * stride, 0.0);
        gram(isa, rows, d, &mut s.matrix);
        // The mean has cost one patch.
        let unbiased = if n > 1 { 1.0 / (n - 1) as f32 } else { 0.0 };
        for m in &mut s.matrix {
            *m *= unbiased;
        }
        for (i, level) in s.level[..d].iter().enumerate() {
            s.matrix[i * stride + i] += self.model.ridge * level;
        }
        s.row.resize(stride, 0.0);
        if !invert(isa, &mut s.matrix, d, &mut s.row) {
            s.out.copy_from_slice(&s.noisy);
            return 1.0;
        }
        for row in s.matrix.chunks_exact_mut(stride) {
            for (v, level) in row.iter_mut().zip(&s.level) {
                *v *= -level;
            }
        }
        for i in 0..d {
            s.matrix[i * stride + i] += 1.0;
        }
        let trace: f32 = (0..d).map(|i| s.matrix[i * stride + i] * s.level[i]).sum();
        times(isa, &s.noisy[..lines * stride], &s.matrix, d, &mut s.out);
        trace.max(0.0) / (d as f32 * self.model.variance)
    }

    /// The variances of the noise at the numbers of the reference patch.
    #[inline(always)]
    fn level(&self, channels: std::ops::Range<usize>, s: &mut Scratch) {
        let (high, wide) = self.search.size;
        let stride = padded(channels.len() * high * wide);
        if let Some(noise) = self.noise {
            let own = &s.found[..s.found.len().min(1)];
            gather(&[noise], own, self.search.size, channels, &mut s.level);
            s.level.resize(stride, self.model.variance);
        } else {
            s.level.clear();
            s.level.resize(stride, self.model.variance);
        }
    }
}

/// Patches as rows, padded to whole vectors and to a multiple of 4 rows with zeros.
#[inline(always)]
fn gather(
    frames: &[&Frame],
    found: &[Found],
    (high, wide): (usize, usize),
    channels: std::ops::Range<usize>,
    out: &mut Vec<f32>,
) {
    let stride = padded(channels.len() * high * wide);
    out.clear();
    out.resize(found.len().next_multiple_of(4) * stride, 0.0);
    for (f, row) in found.iter().zip(out.chunks_exact_mut(stride)) {
        let frame = frames[f.frame];
        match wide {
            3 => copy::<3>(frame, f, high, channels.clone(), row),
            5 => copy::<5>(frame, f, high, channels.clone(), row),
            7 => copy::<7>(frame, f, high, channels.clone(), row),
            _ => {
                let mut lines = row.chunks_exact_mut(wide);
                for k in channels.clone() {
                    for (i, line) in (0..high).zip(&mut lines) {
                        line.copy_from_slice(&frame.from(k, f.row + i, f.column)[..wide]);
                    }
                }
            }
        }
    }
}

/// The rows of a patch of `W` columns: so few numbers are not worth a call.
#[inline(always)]
fn copy<const W: usize>(
    frame: &Frame,
    at: &Found,
    high: usize,
    channels: std::ops::Range<usize>,
    out: &mut [f32],
) {
    let mut lines = out.as_chunks_mut::<W>().0.iter_mut();
    for k in channels {
        for (i, line) in (0..high).zip(&mut lines) {
            if let Some(run) = frame.from(k, at.row + i, at.column).first_chunk::<W>() {
                *line = *run;
            }
        }
    }
}

//! The patches of a picture, and of frames around it, that are most alike one of them.

use locality_core::isa::Isa;

use super::matrices::LANES;

/// One frame as planes of `f32`, `[channels, height * width]`, with a vector's length to spare at the end.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    data: Vec<f32>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Frame {
    /// From the numbers `value(pixel, channel)`.
    pub(super) fn new(
        (height, width, channels): (usize, usize, usize),
        value: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let pixels = height * width;
        let mut data = Vec::with_capacity(channels * pixels + LANES);
        for k in 0..channels {
            data.extend((0..pixels).map(|i| value(i, k)));
        }
        data.extend([0.0; LANES]);
        Self {
            data,
            height,
            width,
            channels,
        }
    }

    /// The same with another's numbers where there are none.
    pub(super) fn or(mut self, other: &Self) -> Self {
        for (own, other) in self.data.iter_mut().zip(&other.data) {
            if own.is_nan() {
                *own = *other;
            }
        }
        self
    }

    /// A channel from a pixel on.
    #[inline(always)]
    pub(super) fn from(&self, channel: usize, row: usize, column: usize) -> &[f32] {
        &self.data[(channel * self.height + row) * self.width + column..]
    }
}

/// Where and how alike patches are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// Rows and columns of a patch.
    pub(super) size: (usize, usize),
    /// How many of the channels are compared.
    pub(super) channels: usize,
    /// Farthest row and column.
    pub(super) reach: usize,
    pub(super) count: usize,
}

/// A patch that was found: its mean squared distance by pixel and channel, and its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) distance: f32,
    /// Of those that were looked through.
    pub(super) frame: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Search {
    /// The `count` patches nearest to the one at a place of the first frame, itself first, at most as many as the windows of all frames have.
    /// Ties go to the earlier in scan order, frame by frame.
    #[inline(always)]
    pub(super) fn nearest<I: Isa>(
        &self,
        isa: I,
        frames: &[&Frame],
        (row, column): (usize, usize),
        keys: &mut Vec<u64>,
        out: &mut Vec<Found>,
    ) {
        let (high, wide) = self.size;
        let window = |at: usize, size: usize, patch: usize| {
            let last = (at + self.reach).min(size - patch);
            (at.saturating_sub(self.reach), last)
        };
        let (height, width) = (frames[0].height, frames[0].width);
        let (top, bottom) = window(row, height, high);
        let (left, right) = window(column, width, wide);
        let line = right + 1 - left;
        let area = (bottom + 1 - top) * line;
        let own = (row - top) * line + column - left;
        // The patch itself comes before its equals: it has the first one's number.
        let numbered = |place: usize| match place {
            0 => own,
            p if p == own => 0,
            p => p,
        };
        keys.clear();
        for (t, frame) in frames.iter().enumerate() {
            for y in top..=bottom {
                for x in (left..=right).step_by(LANES) {
                    let sums = self.distances(isa, (frames[0], row, column), (frame, y, x));
                    for (l, s) in sums.iter().enumerate().take(right + 1 - x) {
                        let place = numbered(t * area + (y - top) * line + x - left + l);
                        // Bits of numbers that are not negative are ordered as they are.
                        keys.push(u64::from(s.to_bits()) << 32 | place as u64);
                    }
                }
            }
        }
        if keys.len() > self.count {
            keys.select_nth_unstable(self.count - 1);
            keys.truncate(self.count);
        }
        keys.sort_unstable();
        let numbers = (high * wide * self.channels) as f32;
        out.clear();
        for key in keys.iter() {
            let place = numbered((key & 0xffff_ffff) as usize);
            out.push(Found {
                distance: f32::from_bits((key >> 32) as u32) / numbers,
                frame: place / area,
                row: top + place % area / line,
                column: left + place % line,
            });
        }
    }

    /// Sums of squared differences of a patch from those that start at a place and right of it.
    #[inline(always)]
    fn distances<I: Isa>(
        &self,
        isa: I,
        (own, row, column): (&Frame, usize, usize),
        (frame, y, x): (&Frame, usize, usize),
    ) -> [f32; LANES] {
        let (high, wide) = self.size;
        let mut sums = [0.0; LANES];
        for k in 0..self.channels {
            for i in 0..high {
                let own = &own.from(k, row + i, column)[..wide];
                let there = &frame.from(k, y + i, x)[..wide + LANES - 1];
                for (j, own) in own.iter().enumerate() {
                    let Some(there) = there[j..].first_chunk::<LANES>() else {
                        continue;
                    };
                    for (s, t) in sums.iter_mut().zip(there) {
                        let d = *t - *own;
                        *s = isa.fma(d, d, *s);
                    }
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use locality_core::isa::{Task, dispatch};

    use super::*;
    use crate::random::Random;

    struct Nearest<'a>(Search, &'a [&'a Frame], (usize, usize));

    impl Task for Nearest<'_> {
        type Out = Vec<Found>;
        #[inline(always)]
        fn run<I: Isa>(self, isa: I) -> Vec<Found> {
            let (mut keys, mut out) = (Vec::new(), Vec::new());
            self.0.nearest(isa, self.1, self.2, &mut keys, &mut out);
            out
        }
    }

    #[test]
    fn the_nearest_patches_are_those_of_plain_loops() {
        let mut random = Random::new(1, 0);
        let (h, w) = (21, 37);
        let values: Vec<Vec<f32>> = (0..2)
            .map(|_| (0..2 * h * w).map(|_| random.uniform() as f32).collect())
            .collect();
        let frames = values
            .iter()
            .map(|v| Frame::new((h, w, 2), |i, k| v[2 * i + k]));
        let frames: Vec<Frame> = frames.collect();
        let frames: Vec<&Frame> = frames.iter().collect();
        let search = Search {
            size: (3, 4),
            channels: 2,
            reach: 9,
            count: 12,
        };
        for (count, at) in [(1, (0, 0)), (1, (18, 33)), (2, (7, 20)), (2, (18, 0))] {
            let found = dispatch(Nearest(search, &frames[..count], at));
            let mut all: Vec<(f32, usize, usize, usize)> = Vec::new();
            for (t, there) in values[..count].iter().enumerate() {
                for y in (0..=h - 3).filter(|y| y.abs_diff(at.0) <= 9) {
                    for x in (0..=w - 4).filter(|x| x.abs_diff(at.1) <= 9) {
                        let mut sum = 0.0;
                        for (k, i, j) in (0..24).map(|q| (q / 12, q / 4 % 3, q % 4)) {
                            let a = there[2 * ((y + i) * w + x + j) + k];
                            let b = values[0][2 * ((at.0 + i) * w + at.1 + j) + k];
                            sum += (a - b).powi(2);
                        }
                        all.push((sum / 24.0, t, y, x));
                    }
                }
            }
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(found.len(), 12);
            for (f, a) in found.iter().zip(&all) {
                assert_eq!((f.frame, f.row, f.column), (a.1, a.2, a.3));
                assert!((f.distance - a.0).abs() < 1e-6);
            }
            assert_eq!(
                (found[0].frame, found[0].row, found[0].column),
                (0, at.0, at.1)
            );
        }
    }

    #[test]
    fn a_patch_comes_before_its_equals() {
        let frame = Frame::new((12, 40, 1), |_, _| 255.0);
        let search = Search {
            size: (3, 3),
            channels: 1,
            reach: 5,
            count: 4,
        };
        let found = dispatch(Nearest(search, &[&frame, &frame], (6, 20)));
        let places: Vec<_> = found.iter().map(|f| (f.frame, f.row, f.column)).collect();
        assert_eq!(places, [(0, 6, 20), (0, 1, 16), (0, 1, 17), (0, 1, 18)]);
    }
}

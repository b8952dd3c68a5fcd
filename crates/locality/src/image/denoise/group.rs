//! The patches of a picture that are most alike one of them.

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
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Search {
    /// The `count` patches nearest to the one at a place, the nearest first, at most as many as the window has. Ties go to the
    /// earlier in scan order.
    #[inline(always)]
    pub(super) fn nearest<I: Isa>(
        &self,
        isa: I,
        frame: &Frame,
        (row, column): (usize, usize),
        keys: &mut Vec<u64>,
        out: &mut Vec<Found>,
    ) {
        let (high, wide) = self.size;
        let window = |at: usize, size: usize, patch: usize| {
            let last = (at + self.reach).min(size - patch);
            (at.saturating_sub(self.reach), last)
        };
        let (top, bottom) = window(row, frame.height, high);
        let (left, right) = window(column, frame.width, wide);
        keys.clear();
        for y in top..=bottom {
            for x in (left..=right).step_by(LANES) {
                let mut sums = [0.0; LANES];
                for k in 0..self.channels {
                    for i in 0..high {
                        let own = &frame.from(k, row + i, column)[..wide];
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
                for (l, s) in sums.iter().enumerate().take(right + 1 - x) {
                    // Bits of numbers that are not negative are ordered as they are.
                    let place = (y - top) * (right + 1 - left) + x - left + l;
                    keys.push(u64::from(s.to_bits()) << 32 | place as u64);
                }
            }
        }
        if keys.len() > self.count {
            keys.select_nth_unstable(self.count - 1);
            keys.truncate(self.count);
        }
        keys.sort_unstable();
        let area = (high * wide * self.channels) as f32;
        out.clear();
        for key in keys.iter() {
            let place = (key & 0xffff_ffff) as usize;
            out.push(Found {
                distance: f32::from_bits((key >> 32) as u32) / area,
                row: top + place / (right + 1 - left),
                column: left + place % (right + 1 - left),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use locality_core::isa::{Task, dispatch};

    use super::*;
    use crate::random::Random;

    struct Nearest<'a>(Search, &'a Frame, (usize, usize));

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
        let values: Vec<f32> = (0..2 * h * w).map(|_| random.uniform() as f32).collect();
        let frame = Frame::new((h, w, 2), |i, k| values[2 * i + k]);
        let search = Search {
            size: (3, 4),
            channels: 2,
            reach: 9,
            count: 12,
        };
        for at in [(0, 0), (18, 33), (7, 20), (18, 0)] {
            let found = dispatch(Nearest(search, &frame, at));
            let mut all: Vec<(f32, usize, usize)> = Vec::new();
            for y in 0..=h - 3 {
                for x in 0..=w - 4 {
                    if y.abs_diff(at.0) > 9 || x.abs_diff(at.1) > 9 {
                        continue;
                    }
                    let mut sum = 0.0;
                    for k in 0..2 {
                        for i in 0..3 {
                            for j in 0..4 {
                                let a = values[2 * ((y + i) * w + x + j) + k];
                                let b = values[2 * ((at.0 + i) * w + at.1 + j) + k];
                                sum += (a - b).powi(2);
                            }
                        }
                    }
                    all.push((sum / 24.0, y, x));
                }
            }
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(found.len(), 12);
            for (f, a) in found.iter().zip(&all) {
                assert_eq!((f.row, f.column), (a.1, a.2));
                assert!((f.distance - a.0).abs() < 1e-6);
            }
            assert_eq!((found[0].row, found[0].column), at);
        }
    }
}

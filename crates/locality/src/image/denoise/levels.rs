//! How strong noise is where it was cut off at black and white.

use super::bayes::{FAR, ROTATION};
use super::group::Frame;

/// Steps of the table.
const STEPS: usize = 512;
/// Steps of the normal law, and how many standard deviations they reach.
const NORMAL: usize = 400;
const REACH: f64 = 6.0;
/// Half the side of the squares whose means tell a pixel's brightness before there is a better picture.
const RADIUS: usize = 2;

/// The variance of `clip(x + sigma Z)` between 0 and `full` by its mean: next to nothing at black and white, `sigma^2` far from
/// both (Foi, *Clipped noisy images*, Signal Processing 89(12), 2009).
pub(super) struct Levels {
    full: f64,
    /// At `STEPS + 1` means from 0 to `full`.
    variances: Vec<f32>,
}

/// No variance is below this share of the noise's, so that there is always something to divide by.
const LEAST: f64 = 0.05;

impl Levels {
    pub(super) fn new(sigma: f64, full: f64) -> Self {
        let law: Vec<(f64, f64)> = (0..=NORMAL)
            .map(|i| {
                let z = REACH * (2.0 * i as f64 / NORMAL as f64 - 1.0);
                (z, (-0.5 * z * z).exp())
            })
            .collect();
        let total: f64 = law.iter().map(|(_, p)| p).sum();
        // Means and variances for true values, beyond black and white as well.
        let moments = |x: f64| {
            let (mut mean, mut square) = (0.0, 0.0);
            for (z, p) in &law {
                let v = (x + sigma * z).clamp(0.0, full);
                mean += p * v;
                square += p * v * v;
            }
            (mean / total, square / total - (mean / total).powi(2))
        };
        let spread = REACH * sigma;
        let known: Vec<(f64, f64)> = (0..=STEPS)
            .map(|i| moments(-spread + (full + 2.0 * spread) * i as f64 / STEPS as f64))
            .collect();
        let least = LEAST * sigma * sigma;
        let variances = (0..=STEPS)
            .map(|i| {
                let mean = full * i as f64 / STEPS as f64;
                let above = known.partition_point(|(m, _)| *m <= mean).clamp(1, STEPS);
                let ((a, u), (b, v)) = (known[above - 1], known[above]);
                let share = if b > a {
                    ((mean - a) / (b - a)).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                (u + share * (v - u)).max(least) as f32
            })
            .collect();
        Self { full, variances }
    }

    /// The variance at a mean.
    pub(super) fn at(&self, mean: f32) -> f32 {
        let place = (f64::from(mean) / self.full * STEPS as f64).round();
        self.variances[place.clamp(0.0, STEPS as f64) as usize]
    }

    /// The variances of all numbers of a picture, its colours rotated if there are 3.
    pub(super) fn map(&self, picture: &Frame) -> Frame {
        let size = (picture.height, picture.width, picture.channels);
        let value = |i: usize, k: usize| picture.from(k, i / size.1, i % size.1)[0];
        if size.2 != 3 {
            return Frame::new(size, |i, k| self.at(value(i, k)));
        }
        let colors = Frame::new(size, |i, k| {
            self.at((0..3).map(|r| ROTATION[r][k] * value(i, r)).sum())
        });
        Frame::new(size, |i, k| {
            let color = |c: usize| colors.from(c, i / size.1, i % size.1)[0];
            (0..3).map(|c| ROTATION[k][c].powi(2) * color(c)).sum()
        })
    }
}

/// Means over small squares, those that cannot be seen left out.
pub(super) fn smoothed(picture: &Frame) -> Frame {
    let (height, width) = (picture.height, picture.width);
    let span = |at: usize, size: usize| at.saturating_sub(RADIUS)..(at + RADIUS + 1).min(size);
    // Columns first, then rows: sums and counts.
    let sums = |radius_rows: bool, of: &Frame, counts: &Frame| {
        let size = (height, width, of.channels);
        let sum = |i: usize, k: usize, of: &Frame, hide: bool| {
            let (y, x) = (i / width, i % width);
            let keep = |v: f32| if hide && v >= FAR / 10.0 { 0.0 } else { v };
            if radius_rows {
                span(y, height)
                    .map(|y| keep(of.from(k, y, x)[0]))
                    .sum::<f32>()
            } else {
                of.from(k, y, 0)[span(x, width)]
                    .iter()
                    .map(|v| keep(*v))
                    .sum()
            }
        };
        (
            Frame::new(size, |i, k| sum(i, k, of, true)),
            Frame::new((height, width, 1), |i, _| sum(i, 0, counts, false)),
        )
    };
    let shown = Frame::new((height, width, 1), |i, _| {
        f32::from(u8::from(
            picture.from(0, i / width, i % width)[0] < FAR / 10.0,
        ))
    });
    let (across, counts) = sums(false, picture, &shown);
    let (means, counts) = sums(true, &across, &counts);
    Frame::new((height, width, picture.channels), |i, k| {
        let (y, x) = (i / width, i % width);
        means.from(k, y, x)[0] / counts.from(0, y, x)[0].max(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn variances_are_those_of_clipped_noise() {
        let (sigma, full) = (25.0, 255.0);
        let levels = Levels::new(sigma, full);
        for x in [0.0, 10.0, 40.0, 128.0, 250.0] {
            let mut random = Random::new(3, x as u64);
            let values: Vec<f64> = (0..200_000)
                .map(|_| (x + sigma * random.normal()).clamp(0.0, full))
                .collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let found = f64::from(levels.at(mean as f32));
            assert!(
                (found / variance - 1.0).abs() < 0.03,
                "{x}: {found} {variance}"
            );
        }
    }

    #[test]
    fn means_leave_out_what_cannot_be_seen() {
        let picture = Frame::new((9, 11, 2), |i, k| match i {
            40 => FAR,
            _ => 5.0 + k as f32,
        });
        let means = smoothed(&picture);
        for i in 0..99 {
            for k in 0..2 {
                let mean = means.from(k, i / 11, i % 11)[0];
                assert!((mean - 5.0 - k as f32).abs() < 1e-4, "{i}: {mean}");
            }
        }
    }
}

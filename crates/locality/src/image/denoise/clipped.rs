//! Noise that was cut off at black and white.

use crate::Float;

/// Steps of the tables.
const STEPS: usize = 4096;
/// Standard deviations that the tables of the normal law reach.
const FAR: f64 = 8.0;

/// The true value of a pixel from the mean of its noisy ones, where noisy values below black became black and those above white, white:
/// their mean is `E clip(x + sigma Z)`, which is above `x` near black and below it near white (Foi, *Clipped noisy images: heteroskedastic
/// modeling and practical denoising*, Signal Processing 89(12), 2009).
pub(super) struct Clipped {
    full: f64,
    /// The means at `STEPS + 1` true values from black to white.
    means: Vec<f64>,
    /// How fast the true value grows with the mean after each of them.
    slopes: Vec<f64>,
    /// For every step of the mean, how many of those are not above it.
    below: Vec<usize>,
}

impl Clipped {
    /// For samples that were cut off at 0 and `full`; `None` without noise.
    pub(super) fn new(sigma: f64, full: f64) -> Option<Self> {
        if sigma <= 0.0 {
            return None;
        }
        let excess = Excess::new();
        let mean = |i: usize| {
            let x = full * i as f64 / STEPS as f64;
            sigma * (excess.at(x / sigma) - excess.at((x - full) / sigma))
        };
        let means: Vec<f64> = (0..=STEPS).map(mean).collect();
        let below = (0..=STEPS)
            .map(|i| full * i as f64 / STEPS as f64)
            .map(|x| means.partition_point(|m| *m <= x))
            .collect();
        let slope = |m: &[f64]| {
            let rise = m[1] - m[0];
            if rise > 0.0 {
                full / STEPS as f64 / rise
            } else {
                0.0
            }
        };
        Some(Self {
            full,
            slopes: means.windows(2).map(slope).collect(),
            means,
            below,
        })
    }

    /// True values in the place of means.
    pub(super) fn undo<T: Float>(&self, means: &mut [T]) {
        for mean in means {
            *mean = T::from_f64(self.true_value(mean.to_f64()));
        }
    }

    fn true_value(&self, mean: f64) -> f64 {
        if mean.is_nan() {
            return mean;
        }
        // Steps of the mean lie further apart than means, by at most two or so.
        let place = (mean * (STEPS as f64 / self.full)) as usize;
        let mut above = self.below[place.saturating_sub(1).min(STEPS)];
        while self.means.get(above).is_some_and(|m| *m <= mean) {
            above += 1;
        }
        if above == 0 {
            return 0.0;
        }
        let Some(slope) = self.slopes.get(above - 1) else {
            return self.full;
        };
        let start = self.full / STEPS as f64 * (above - 1) as f64;
        start + slope * (mean - self.means[above - 1])
    }
}

/// The expected excess of a standard normal variable, `E max(0, t + Z) = t P(t) + p(t)`.
struct Excess(Vec<f64>);

impl Excess {
    fn new() -> Self {
        let step = 2.0 * FAR / STEPS as f64;
        let density = |t: f64| (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
        // The distribution function by Simpson's rule.
        let mut below = 0.0;
        let mut table = Vec::with_capacity(STEPS + 1);
        for i in 0..=STEPS {
            let t = -FAR + step * i as f64;
            if i > 0 {
                let (a, b) = (t - step, t - step / 2.0);
                below += step / 6.0 * (density(a) + 4.0 * density(b) + density(t));
            }
            table.push((t * below + density(t)).max(0.0));
        }
        Self(table)
    }

    fn at(&self, t: f64) -> f64 {
        if t <= -FAR {
            return 0.0;
        }
        if t >= FAR {
            return t;
        }
        let place = (t + FAR) / (2.0 * FAR) * STEPS as f64;
        let low = (place as usize).min(STEPS - 1);
        let share = place - low as f64;
        self.0[low] + share * (self.0[low + 1] - self.0[low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn means_of_clipped_noise_lead_back() {
        for sigma in [5.0, 25.0, 60.0] {
            let clipped = Clipped::new(sigma, 255.0).unwrap();
            for x in [0.0, 3.0, 20.0, 128.0, 250.0, 255.0] {
                let mut random = Random::new(1, x as u64);
                let n = 400_000;
                let sum: f64 = (0..n)
                    .map(|_| (x + sigma * random.normal()).clamp(0.0, 255.0))
                    .sum();
                let found = clipped.true_value(sum / f64::from(n));
                assert!((found - x).abs() < 0.02 * sigma, "{sigma} {x}: {found}");
            }
        }
        assert!(Clipped::new(0.0, 255.0).is_none());
        let clipped = Clipped::new(2.0, 255.0).unwrap();
        assert!(clipped.true_value(f64::NAN).is_nan());
    }
}

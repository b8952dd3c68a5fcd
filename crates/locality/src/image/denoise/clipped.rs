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
    /// True values at `STEPS + 1` means from black to white; beyond black and white where the mean says so, at most a standard deviation.
    true_values: Vec<f64>,
}

impl Clipped {
    /// For samples that were cut off at 0 and `full`; `None` without noise.
    pub(super) fn new(sigma: f64, full: f64) -> Option<Self> {
        if sigma <= 0.0 {
            return None;
        }
        let excess = Excess::new();
        let value = |i: usize| (full + 2.0 * sigma) * i as f64 / STEPS as f64 - sigma;
        let mean = |x: f64| sigma * (excess.at(x / sigma) - excess.at((x - full) / sigma));
        let means: Vec<f64> = (0..=STEPS).map(|i| mean(value(i))).collect();
        let mut above = 0;
        let true_value = |i: usize| {
            let wanted = full * i as f64 / STEPS as f64;
            while means.get(above).is_some_and(|m| *m <= wanted) {
                above += 1;
            }
            if above == 0 || above > STEPS {
                return value(above.min(STEPS));
            }
            let (low, high) = (means[above - 1], means[above]);
            let share = (wanted - low) / (high - low);
            value(above - 1) + share * (value(above) - value(above - 1))
        };
        Some(Self {
            full,
            true_values: (0..=STEPS).map(true_value).collect(),
        })
    }

    /// True values in the place of means.
    pub(super) fn undo<T: Float>(&self, means: &mut [T]) {
        for mean in means {
            *mean = T::from_f64(self.true_value(mean.to_f64()));
        }
    }

    /// `NaN` stays what it is.
    fn true_value(&self, mean: f64) -> f64 {
        let place = (mean * (STEPS as f64 / self.full)).clamp(0.0, STEPS as f64);
        let cell = (place as usize).min(STEPS - 1);
        let (low, high) = (self.true_values[cell], self.true_values[cell + 1]);
        (low + (high - low) * (place - cell as f64)).clamp(0.0, self.full)
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
        // Means of the normal law itself lead back as well as the table's lines can.
        let excess = Excess::new();
        for sigma in [1.0, 25.0, 400.0] {
            let clipped = Clipped::new(sigma, 255.0).unwrap();
            for x in [0.0, 0.5, 20.0, 128.0, 254.9, 255.0] {
                let mean = sigma * (excess.at(x / sigma) - excess.at((x - 255.0) / sigma));
                let found = clipped.true_value(mean);
                assert!((found - x).abs() < 1e-3, "{sigma} {x}: {found}");
            }
            assert!(clipped.true_value(0.0).abs() < 1e-12 && clipped.true_value(1e9) == 255.0);
        }
        let clipped = Clipped::new(2.0, 255.0).unwrap();
        assert!(clipped.true_value(f64::NAN).is_nan());
    }
}

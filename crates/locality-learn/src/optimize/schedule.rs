//! Learning rates over time.

use locality_core::{Error, Result};

/// A linear warm-up, then half a cosine down to a last rate (Loshchilov and Hutter 2017), which stays.
///
/// ```
/// use locality_learn::Schedule;
/// let s = Schedule::cosine(1e-3, 1e-4, 100, 2000)?;
/// assert_eq!(s.at(2000), 1e-4);
/// assert!((s.at(99) - 1e-3 * 100.0 / 101.0).abs() < 1e-9);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    first: f64,
    last: f64,
    warmup: u64,
    steps: u64,
}

impl Schedule {
    /// The same rate at all times.
    ///
    /// # Errors
    /// A rate that is negative or not finite.
    pub fn constant(rate: f64) -> Result<Self> {
        Self::cosine(rate, rate, 0, 0)
    }

    /// From 0 to `first` in `warmup` steps, and to `last` at step `steps`.
    ///
    /// # Errors
    /// Rates that are negative or not finite.
    pub fn cosine(first: f64, last: f64, warmup: u64, steps: u64) -> Result<Self> {
        for rate in [first, last] {
            if !(rate.is_finite() && rate >= 0.0) {
                return Err(Error::parameter(format!(
                    "the learning rate {rate} must be a finite number of at least 0"
                )));
            }
        }
        Ok(Self {
            first,
            last,
            warmup,
            steps,
        })
    }

    /// The step from which on the last rate holds.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// First and last rate, steps of warm-up, and steps.
    pub fn numbers(&self) -> (f64, f64, u64, u64) {
        (self.first, self.last, self.warmup, self.steps)
    }

    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.first * (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        if step >= self.steps {
            return self.last;
        }
        let part = (step - self.warmup) as f64 / (self.steps - self.warmup) as f64;
        let wave = 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        self.last + wave * (self.first - self.last)
    }
}

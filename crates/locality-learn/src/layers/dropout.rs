//! Dropout.

use locality_core::{Error, Result};

use crate::pass::fill;
use crate::{Number, Pass};

/// Sets numbers to zero by chance in training, and scales the others so that the mean stays (Srivastava et al. 2014). Which ones
/// depends on seed, step, layer and place alone: not on threads, and not on what a forward pass kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    probability: f64,
    layer: u64,
}

impl Dropout {
    /// Drops with this probability; `layer` tells the dropouts of a model apart.
    ///
    /// # Errors
    /// A probability that is not in `[0, 1)`.
    pub fn new(probability: f64, layer: u64) -> Result<Self> {
        if !(0.0..1.0).contains(&probability) {
            return Err(Error::parameter(format!(
                "dropout={probability} must be at least 0 and below 1"
            )));
        }
        Ok(Self { probability, layer })
    }

    /// Drops numbers of `x`; the same for an output and for the flow back to it.
    pub fn apply<T: Number>(&self, x: &mut [T], pass: &Pass<'_>) {
        const RUN: usize = 64;
        let Some(chance) = pass.chance.filter(|_| self.probability > 0.0) else {
            return;
        };
        let stream = chance.stream(self.layer);
        // A number stays where its bits are at or above this.
        let bound = (self.probability * (1_u64 << 32) as f64) as u64;
        let scale = T::from_f64(1.0 / (1.0 - self.probability));
        fill(x, RUN, |first, block| {
            for (i, x) in block.iter_mut().enumerate() {
                let bits = stream.bits((first * RUN + i) as u64) >> 32;
                *x = if bits >= bound { *x * scale } else { T::ZERO };
            }
        });
    }
}

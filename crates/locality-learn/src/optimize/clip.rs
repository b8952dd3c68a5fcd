//! Clipping of derivatives.

use locality_core::{Error, Result};
use rayon::prelude::*;

use crate::Number;

/// Numbers that are summed by themselves.
const BLOCK: usize = 1 << 14;

/// Scales all derivatives down to a norm of `largest` where theirs is above (Pascanu et al. 2013); returns what it was.
///
/// ```
/// let mut g = [3.0_f32, 4.0];
/// assert_eq!(locality_learn::clip(&mut g, 1.0)?, 5.0);
/// assert!((g[0] - 0.6).abs() < 1e-6);
/// # Ok::<(), locality_core::Error>(())
/// ```
///
/// # Errors
/// A bound that is not positive, derivatives that are not finite.
pub fn clip<T: Number>(gradients: &mut [T], largest: f64) -> Result<f64> {
    if largest.is_nan() || largest <= 0.0 {
        return Err(Error::parameter(format!(
            "clip={largest} must be positive; leave clipping out instead"
        )));
    }
    let blocks = gradients.par_chunks(BLOCK);
    let sums: Vec<f64> = blocks
        .map(|block| {
            // Eight sums side by side, in a fixed order.
            let mut lanes = [0.0; 8];
            for run in block.chunks(8) {
                for (l, x) in lanes.iter_mut().zip(run) {
                    let x = x.to_f64();
                    *l += x * x;
                }
            }
            lanes.iter().sum()
        })
        .collect();
    let norm = sums.iter().sum::<f64>().sqrt();
    if !norm.is_finite() {
        return Err(Error::not_finite(format!(
            "the norm of the derivatives is {norm}; lower the learning rate"
        )));
    }
    if norm > largest {
        let scale = T::from_f64(largest / norm);
        let blocks = gradients.par_chunks_mut(BLOCK);
        blocks.for_each(|block| block.iter_mut().for_each(|g| *g *= scale));
    }
    Ok(norm)
}

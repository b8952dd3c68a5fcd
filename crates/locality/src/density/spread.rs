//! How far samples spread, column by column.

use crate::{Error, Float, Result, Rows};

/// Weights that sum up to one; all the same by default.
pub(super) fn shares<T: Float>(n: usize, weights: Option<&[T]>) -> Vec<f64> {
    match weights {
        None => vec![1.0 / n as f64; n],
        Some(weights) => {
            let total: f64 = weights.iter().map(|w| w.to_f64()).sum();
            weights.iter().map(|w| w.to_f64() / total).collect()
        }
    }
}

/// So many samples of equal weight are worth as much (Kish): `1 / sum w_i^2` for shares `w_i`.
pub(super) fn effective_count(shares: &[f64]) -> f64 {
    1.0 / shares.iter().map(|w| w * w).sum::<f64>()
}

/// One column in double precision.
pub(super) fn column<T: Float>(samples: Rows<'_, T>, c: usize) -> Vec<f64> {
    samples.iter().map(|row| row[c].to_f64()).collect()
}

/// Standard deviation of a column, unbiased as in SciPy's `gaussian_kde`.
pub(super) fn deviation(x: &[f64], shares: &[f64], c: usize) -> Result<f64> {
    let mean: f64 = x.iter().zip(shares).map(|(x, w)| w * x).sum();
    let square: f64 = x
        .iter()
        .zip(shares)
        .map(|(x, w)| w * (x - mean).powi(2))
        .sum();
    let rest = 1.0 - shares.iter().map(|w| w * w).sum::<f64>();
    let deviation = (square / rest).sqrt();
    // Equal numbers may leave a rounding error.
    let size = x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    if rest > 1e-12 && deviation.is_finite() && deviation > 1e-14 * size {
        return Ok(deviation);
    }
    Err(Error::parameter(format!(
        "bandwidth: column {c} (counted from 0) does not vary over {} sample{}, so that no rule finds its bandwidth; give bandwidth a \
         number, or drop the column",
        x.len(),
        if x.len() == 1 { "" } else { "s" }
    )))
}

/// The smaller of the standard deviation and the interquartile range in units of a normal's, which outliers do not move. A sample of
/// weight 2 counts as two.
pub(super) fn robust_deviation(x: &[f64], shares: &[f64], c: usize) -> Result<f64> {
    let rest = 1.0 - shares.iter().map(|w| w * w).sum::<f64>();
    let deviation = deviation(x, shares, c)? * rest.sqrt();
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_unstable_by(|&a, &b| x[a].total_cmp(&x[b]));
    let quantile = |p: f64| {
        let mut below = 0.0;
        for &i in &order {
            below += shares[i];
            // Repetitions add up to the same, but for rounding.
            if below >= p - 1e-9 {
                return x[i];
            }
        }
        x[order[order.len() - 1]]
    };
    let range = (quantile(0.75) - quantile(0.25)) / 1.349;
    Ok(if range > 1e-3 * deviation {
        range.min(deviation)
    } else {
        deviation
    })
}

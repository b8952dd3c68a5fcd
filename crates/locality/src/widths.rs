//! Bandwidths that follow the density.

use crate::Float;

/// Factors `(f(x_i) / g)^-a` of a common bandwidth (Abramson 1982), from log densities at the samples; `g` is the geometric mean of the
/// densities under the sample weights, `a` the sensitivity. 1 where there is no density.
pub(crate) fn abramson<T: Float>(log: &[T], sensitivity: f64, weights: Option<&[T]>) -> Vec<f64> {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i].to_f64());
    // What has no weight may be anywhere, outside all kernels, too.
    let counted = |i: &usize| weight(*i) > 0.0;
    let all: f64 = (0..log.len()).map(weight).sum();
    let logs = (0..log.len())
        .filter(counted)
        .map(|i| weight(i) * log[i].to_f64());
    let mean = logs.sum::<f64>() / all;
    let factor = |l: &T| {
        let l = l.to_f64();
        if l.is_finite() {
            (-sensitivity * (l - mean)).exp()
        } else {
            1.0
        }
    };
    log.iter().map(factor).collect()
}

#[cfg(test)]
mod tests {
    use super::abramson;

    #[test]
    fn factors_fall_with_density_around_the_weighted_geometric_mean() {
        let log = [0.0, 4.0, f64::NEG_INFINITY];
        let factors = abramson(&log, 0.5, Some(&[3.0, 1.0, 0.0]));
        // The mean is 1.
        assert_eq!(factors, [0.5_f64.exp(), (-1.5_f64).exp(), 1.0]);
    }
}

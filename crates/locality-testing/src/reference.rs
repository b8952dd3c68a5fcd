//! The local mean as its definition reads: a plain double loop over log-weights.

/// Mean, `[p]`, and log normaliser of keys with these log-weights (sample weights included) and values, `[n, p]`; `None` where no
/// key has weight.
pub fn plain_mean(log_weights: &[f64], values: &[f64], p: usize) -> Option<(Vec<f64>, f64)> {
    let top = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return None;
    }
    let mut total = 0.0;
    let mut mean = vec![0.0; p];
    for (i, l) in log_weights.iter().enumerate() {
        let w = (l - top).exp();
        total += w;
        for (m, v) in mean.iter_mut().zip(&values[i * p..]) {
            *m += w * v;
        }
    }
    for m in &mut mean {
        *m /= total;
    }
    Some((mean, top + total.ln()))
}

/// Whether two numbers agree to `tolerance`, relative to the larger of 1 and their size; infinities and NaN agree with themselves.
pub fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * b.abs().max(1.0)
}

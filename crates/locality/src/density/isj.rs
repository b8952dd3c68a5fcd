//! The plug-in bandwidth of Botev, Grotowski and Kroese, *Kernel density estimation via diffusion*, Annals of Statistics 38 (2010):
//! Sheather and Jones's idea without a normal reference, improved to a fixed point (their algorithm 1).

use std::f64::consts::{PI, TAU};

/// Cells of the histogram, a power of two.
const CELLS: usize = 1 << 14;
/// Order of the derivative that the fixed point starts from.
const STAGES: i32 = 7;
/// Squared bandwidths, in squared widths of the grid, among which the fixed point is looked for.
const LEAST: f64 = 1e-9;
const MOST: f64 = 0.1;

/// The bandwidth of a Gaussian for values with weights (equal by default), as `effective` equally weighted ones; `None` where there is
/// no fixed point, as for a handful of values.
pub(super) fn improved_sheather_jones(
    values: &[f64],
    weights: Option<&[f64]>,
    effective: f64,
) -> Option<f64> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = high - low;
    if !(spread > 0.0 && spread.is_finite()) {
        return None;
    }
    let (start, width) = (low - 0.5 * spread, 2.0 * spread);
    let mut cells = vec![0.0; CELLS];
    let mut total = 0.0;
    for (i, x) in values.iter().enumerate() {
        let c = weights.map_or(1.0, |w| w[i]);
        let cell = ((x - start) / width * CELLS as f64) as usize;
        cells[cell.min(CELLS - 1)] += c;
        total += c;
    }
    // Values that are rounded to few places are no more than their places.
    let occupied = distinct(values);
    let count = effective.min(occupied as f64);
    let spectrum = cosines(&cells);
    let squares: Vec<f64> = spectrum[1..].iter().map(|a| (a / total).powi(2)).collect();
    let gap = |log_t: f64| {
        let t = log_t.exp();
        t - estimate(t, count, &squares)
    };
    // The first crossing from below.
    let steps = 64;
    let (from, to) = (LEAST.ln(), MOST.ln());
    let at = |i: usize| from + (to - from) * i as f64 / steps as f64;
    let crossing = (1..=steps).find(|&i| gap(at(i)) >= 0.0)?;
    let (mut low, mut high) = (at(crossing - 1), at(crossing));
    for _ in 0..45 {
        let middle = 0.5 * (low + high);
        if gap(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some((0.25 * (low + high)).exp() * width)
}

/// Number of different values.
fn distinct(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.dedup();
    sorted.len()
}

/// The squared bandwidth that the next stages derive from a squared bandwidth for the first.
fn estimate(t: f64, count: f64, squares: &[f64]) -> f64 {
    let mut f = roughness(STAGES, t, squares);
    for s in (2..STAGES).rev() {
        let odd: f64 = (1..=s).map(|k| f64::from(2 * k - 1)).product();
        let k0 = odd / TAU.sqrt();
        let constant = (1.0 + 0.5_f64.powf(f64::from(s) + 0.5)) / 3.0;
        let time = (2.0 * constant * k0 / (count * f)).powf(2.0 / (3.0 + 2.0 * f64::from(s)));
        f = roughness(s, time, squares);
    }
    (2.0 * count * PI.sqrt() * f).powf(-0.4)
}

/// The squared norm of the `s`-th derivative of the density smoothed for a time `t`, from the squared cosine coefficients.
fn roughness(s: i32, t: f64, squares: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (k, a) in squares.iter().enumerate() {
        let order = ((k + 1) as f64).powi(2);
        let decay = order * PI * PI * t;
        if decay > 700.0 {
            break;
        }
        sum += order.powi(s) * a * (-decay).exp();
    }
    2.0 * PI.powi(2 * s) * sum
}

/// `sum_j x_j cos(pi k (2 j + 1) / (2 n))` for every `k < n`, by one Fourier transform (Makhoul 1980).
fn cosines(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    let mut z = vec![(0.0, 0.0); n];
    for j in 0..n / 2 {
        z[j].0 = x[2 * j];
        z[n - 1 - j].0 = x[2 * j + 1];
    }
    fourier(&mut z);
    z.iter()
        .enumerate()
        .map(|(k, (re, im))| {
            let (sine, cosine) = (PI * k as f64 / (2 * n) as f64).sin_cos();
            re * cosine + im * sine
        })
        .collect()
}

/// The discrete Fourier transform of a power of two of numbers, in place.
fn fourier(z: &mut [(f64, f64)]) {
    let n = z.len();
    let shift = usize::BITS - n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> shift;
        if i < j {
            z.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        for k in 0..half {
            let (sine, cosine) = (-PI * k as f64 / half as f64).sin_cos();
            for start in (k..n).step_by(2 * half) {
                let (a, b) = (z[start], z[start + half]);
                let t = (b.0 * cosine - b.1 * sine, b.0 * sine + b.1 * cosine);
                z[start] = (a.0 + t.0, a.1 + t.1);
                z[start + half] = (a.0 - t.0, a.1 - t.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::{cosines, improved_sheather_jones};
    use std::f64::consts::PI;

    #[test]
    fn cosines_are_their_sums() {
        let x: Vec<f64> = (0..32).map(|i| f64::from(i * i % 7) - 2.5).collect();
        for (k, found) in cosines(&x).into_iter().enumerate() {
            let angle = |j: usize| (PI * (k * (2 * j + 1)) as f64 / 64.0).cos();
            let expected: f64 = x.iter().enumerate().map(|(j, x)| x * angle(j)).sum();
            assert!((found - expected).abs() < 1e-12, "{k}: {found} {expected}");
        }
    }

    #[test]
    fn constant_values_have_none() {
        assert_eq!(improved_sheather_jones(&[2.0; 9], None, 9.0), None);
    }
}

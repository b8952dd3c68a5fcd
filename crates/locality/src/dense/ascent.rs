//! A maximum inside a box by quasi-Newton steps (BFGS), for the few numbers of a kernel.

use crate::Result;

/// Steps before an ascent ends anyhow.
const STEPS: usize = 100;

/// Climbs from `start`. `value` returns the value and its gradient, or nothing where there is none.
pub(super) fn climb(
    start: &[f64],
    bounds: &[(f64, f64)],
    mut value: impl FnMut(&[f64]) -> Result<Option<(f64, Vec<f64>)>>,
) -> Result<Option<(Vec<f64>, f64)>> {
    let k = start.len();
    let clamp = |x: &[f64]| -> Vec<f64> {
        let each = x.iter().zip(bounds);
        each.map(|(x, (a, b))| x.clamp(*a, *b)).collect()
    };
    let mut x = clamp(start);
    let Some((mut f, mut g)) = value(&x)? else {
        return Ok(None);
    };
    let mut inverse = identity(k);
    for _ in 0..STEPS {
        // A number at its bound that would leave it stays.
        let free: Vec<bool> = (0..k)
            .map(|i| !(x[i] <= bounds[i].0 && g[i] < 0.0 || x[i] >= bounds[i].1 && g[i] > 0.0))
            .collect();
        let slope = |i: usize| if free[i] { g[i] } else { 0.0 };
        if (0..k).all(|i| slope(i).abs() <= 1e-5 * (1.0 + 1e-4 * f.abs())) {
            break;
        }
        let mut step: Vec<f64> = (0..k)
            .map(|i| {
                let turned: f64 = (0..k).map(|j| inverse[i * k + j] * slope(j)).sum();
                if free[i] { turned } else { 0.0 }
            })
            .collect();
        let mut gain: f64 = (0..k).map(|i| step[i] * slope(i)).sum();
        if gain <= 0.0 {
            inverse = identity(k);
            step = (0..k).map(slope).collect();
            gain = step.iter().map(|s| s * s).sum();
        }
        // No number changes by more than a factor of e^2 at once.
        let longest = step.iter().fold(0.0, |a: f64, s| a.max(s.abs()));
        let mut length = (2.0 / longest).min(1.0);
        let found = loop {
            let to: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x + length * s).collect();
            let to = clamp(&to);
            match value(&to)? {
                Some((h, next)) if h >= f + 1e-4 * length * gain => break Some((to, h, next)),
                _ if length < 1e-8 => break None,
                _ => length *= 0.3,
            }
        };
        let Some((to, h, next)) = found else { break };
        let s: Vec<f64> = to.iter().zip(&x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = g.iter().zip(&next).map(|(a, b)| a - b).collect();
        update(&mut inverse, &s, &y);
        let small = h - f <= 1e-10 * (1.0 + f.abs());
        (x, f, g) = (to, h, next);
        if small {
            break;
        }
    }
    Ok(Some((x, f)))
}

fn identity(k: usize) -> Vec<f64> {
    (0..k * k)
        .map(|i| if i % (k + 1) == 0 { 1.0 } else { 0.0 })
        .collect()
}

/// The update of the inverse by a step and the change of the gradient of what is minimised.
fn update(inverse: &mut [f64], s: &[f64], y: &[f64]) {
    let k = s.len();
    let sy: f64 = s.iter().zip(y).map(|(a, b)| a * b).sum();
    if sy <= 1e-12 {
        return;
    }
    let hy: Vec<f64> = (0..k)
        .map(|i| (0..k).map(|j| inverse[i * k + j] * y[j]).sum())
        .collect();
    let yhy: f64 = y.iter().zip(&hy).map(|(a, b)| a * b).sum();
    for i in 0..k {
        for j in 0..k {
            inverse[i * k + j] +=
                (1.0 + yhy / sy) * s[i] * s[j] / sy - (hy[i] * s[j] + s[i] * hy[j]) / sy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::climb;

    #[test]
    fn peaks_inside_and_at_bounds_are_found() {
        let value = |x: &[f64]| {
            let (a, b) = (x[0] - 1.0, x[1] + 0.5 * x[0] - 3.0);
            Ok(Some((
                -a * a - 10.0 * b * b,
                vec![-2.0 * a - 10.0 * b, -20.0 * b],
            )))
        };
        let (x, _) = climb(&[0.0, 0.0], &[(-9.0, 9.0); 2], value)
            .unwrap()
            .unwrap();
        assert!(
            (x[0] - 1.0).abs() < 1e-4 && (x[1] - 2.5).abs() < 1e-4,
            "{x:?}"
        );
        let (x, _) = climb(&[0.0, 0.0], &[(-9.0, 9.0), (-9.0, 2.0)], value)
            .unwrap()
            .unwrap();
        // On the edge b = 2 the best a is (1 + 10 * 0.5) / (1 + 10 * 0.25).
        assert!((x[0] - 6.0 / 3.5).abs() < 1e-4 && x[1] == 2.0, "{x:?}");
    }
}

//! The smallest value of a function of one positive number.

use super::regression::{has_part, with_bandwidth, with_width};
use crate::{Bandwidth, Kernel, Result};

/// Places of the first look.
const GRID: usize = 9;
/// Most steps of the second.
const STEPS: usize = 24;

/// A candidate and how well it predicts.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Degree of the polynomial.
    pub degree: usize,
    /// The kernel, its bandwidth included.
    pub kernel: Kernel,
    /// Mean squared leave-one-out residual.
    pub score: f64,
}

/// The place and the value of a minimum in a range: the best of a logarithmic grid, then golden sections between its neighbours until
/// these are closer than a relative tolerance.
pub(super) fn minimize(
    (low, high): (f64, f64),
    tolerance: f64,
    value: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<(f64, f64)> {
    let (low, high) = (low.ln(), high.ln());
    let step = (high - low) / (GRID - 1) as f64;
    let mut seen = Vec::with_capacity(GRID);
    for i in 0..GRID {
        seen.push(value((low + step * i as f64).exp())?);
    }
    let best = (0..GRID).fold(0, |a, i| if seen[i] < seen[a] { i } else { a });
    let mut found = (low + step * best as f64, seen[best]);
    let mut a = (found.0 - step).max(low);
    let mut b = (found.0 + step).min(high);
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let mut left = b - golden * (b - a);
    let mut right = a + golden * (b - a);
    let (mut at_left, mut at_right) = (value(left.exp())?, value(right.exp())?);
    for _ in 0..STEPS {
        for (x, y) in [(left, at_left), (right, at_right)] {
            if y < found.1 {
                found = (x, y);
            }
        }
        if b - a <= tolerance {
            break;
        }
        if at_left <= at_right {
            b = right;
            (right, at_right) = (left, at_left);
            left = b - golden * (b - a);
            at_left = value(left.exp())?;
        } else {
            a = left;
            (left, at_left) = (right, at_right);
            right = a + golden * (b - a);
            at_right = value(right.exp())?;
        }
    }
    Ok((found.0.exp(), found.1))
}

/// Widths of the parts that count how many categories differ, from where one of them is as good as a wall to where it hardly matters.
const COUNTED: (f64, f64) = (0.1, 10.0);

/// The best kernel by the width of its parts with a distance, and by that of those that count categories where there are both: each in turn,
/// the former twice. Returns it with its score.
pub(super) fn best_widths(
    shape: &Kernel,
    range: (f64, f64),
    tolerance: f64,
    bandwidth: &dyn Fn(f64) -> Bandwidth,
    score: &mut dyn FnMut(&Kernel) -> Result<f64>,
) -> Result<(Kernel, f64)> {
    let both = has_part(shape, true) && has_part(shape, false);
    let mut best = by_width(shape, range, tolerance, bandwidth, score)?;
    if !both {
        return Ok(best);
    }
    let fixed = |h: f64| with_width(shape, &Bandwidth::Fixed(h), true);
    let mut start = best.0.clone();
    for _ in 0..2 {
        let kernel = |h: f64| -> Result<Kernel> {
            Ok(with_width(&start, &Bandwidth::Fixed(h), true)?.unwrap_or_else(|| start.clone()))
        };
        let (h, found) = minimize(COUNTED, tolerance, &mut |h| score(&kernel(h)?))?;
        if found < best.1 {
            best = (kernel(h)?, found);
        }
        let shape = fixed(h)?.unwrap_or_else(|| shape.clone());
        let again = by_width(&shape, range, tolerance, bandwidth, score)?;
        if again.1 < best.1 {
            best = again;
        }
        start = best.0.clone();
    }
    Ok(best)
}

/// The best kernel by one width.
fn by_width(
    shape: &Kernel,
    range: (f64, f64),
    tolerance: f64,
    bandwidth: &dyn Fn(f64) -> Bandwidth,
    score: &mut dyn FnMut(&Kernel) -> Result<f64>,
) -> Result<(Kernel, f64)> {
    let counted = !has_part(shape, false) && has_part(shape, true);
    let kernel = |h: f64| {
        let width = if counted {
            Bandwidth::Fixed(h)
        } else {
            bandwidth(h)
        };
        with_bandwidth(shape, width)
    };
    let range = if counted { COUNTED } else { range };
    let (h, found) = minimize(range, tolerance, &mut |h| score(&kernel(h)?))?;
    Ok((kernel(h)?, found))
}

#[cfg(test)]
mod tests {
    use super::minimize;

    #[test]
    fn minima_inside_and_at_the_edges_are_found() {
        for (at, wanted) in [(0.37, 0.37), (12.0, 12.0), (1e-9, 1e-3), (1e9, 1e3)] {
            let mut f = |x: f64| Ok((x.ln() - f64::ln(at)).powi(2));
            let (x, _) = minimize((1e-3, 1e3), 1e-6, &mut f).unwrap();
            assert!((x / wanted - 1.0).abs() < 1e-3, "{x} for {wanted}");
        }
    }

    #[test]
    fn infinite_values_are_walked_around() {
        let mut f = |x: f64| Ok(if x < 5.0 { f64::INFINITY } else { x });
        let (x, y) = minimize((1e-3, 1e3), 1e-4, &mut f).unwrap();
        assert!((5.0..5.1).contains(&x) && y == x, "{x}");
    }
}

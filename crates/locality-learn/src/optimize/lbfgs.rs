//! The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno: for few parameters and whole batches.

use std::collections::VecDeque;

use locality_core::Result;

/// Differences that are remembered.
const MEMORY: usize = 10;
/// Halvings of a step before the search is given up.
const HALVINGS: usize = 30;
/// What a step must promise, as a share of the loss, to be more than rounding.
const ROUNDING: f64 = 1e-9;
/// Share of the slope's promise that a step must keep (Armijo).
const PROMISE: f64 = 1e-4;

/// Where a search ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Minimum {
    pub(crate) x: Vec<f64>,
    /// The loss at the start and after each round.
    pub(crate) losses: Vec<f64>,
    /// Whether the derivatives became small, rather than the rounds ran out.
    pub(crate) settled: bool,
}

/// Follows `f`, which returns the loss and its derivatives, down from `x` (Nocedal and Wright 2006, algorithm 7.5): until no derivative is
/// above `tolerance` or no step goes down any more, at most `rounds` times. The loss never rises. `after` is told where the search is, at the
/// start and after each step down, and says whether it goes on.
///
/// # Errors
/// Those of `after`, and of `f`; but a step to where it is not finite is shortened.
pub(crate) fn lbfgs(
    mut x: Vec<f64>,
    rounds: usize,
    tolerance: f64,
    mut f: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>)>,
    mut after: impl FnMut(usize, &[f64]) -> Result<bool>,
) -> Result<Minimum> {
    let (mut loss, mut slope) = f(&x)?;
    let mut losses = vec![loss];
    let mut past: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    let small = |slope: &[f64]| slope.iter().all(|g| g.abs() <= tolerance);
    let mut settled = small(&slope);
    let mut goes_on = after(0, &x)?;
    for _ in 0..rounds {
        if settled || !goes_on {
            break;
        }
        let mut step = direction(&slope, &past);
        let mut fall = dot(&step, &slope);
        if fall >= 0.0 {
            // What is remembered misleads: begin anew, straight down.
            past.clear();
            step = direction(&slope, &past);
            fall = dot(&step, &slope);
        }
        let mut length = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS {
            let at: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x + length * s).collect();
            match f(&at) {
                Ok((l, g)) if l.is_finite() && l <= loss + PROMISE * length * fall => {
                    found = Some((at, l, g));
                    break;
                }
                Err(e) if e.kind() != locality_core::ErrorKind::NotFinite => return Err(e),
                _ => length *= 0.5,
            }
        }
        let Some((at, l, g)) = found else {
            // Where straight down promises no more than rounding, the search is at rest; else it has failed.
            if past.is_empty() {
                settled = fall.abs() <= ROUNDING * loss.abs();
                break;
            }
            past.clear();
            continue;
        };
        let moved: Vec<f64> = at.iter().zip(&x).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = g.iter().zip(&slope).map(|(a, b)| a - b).collect();
        let bend = dot(&moved, &turned);
        if bend > 1e-12 * dot(&turned, &turned) {
            past.push_back((moved, turned, bend));
            if past.len() > MEMORY {
                past.pop_front();
            }
        }
        (x, loss, slope) = (at, l, g);
        losses.push(loss);
        settled = small(&slope);
        goes_on = after(losses.len() - 1, &x)?;
    }
    Ok(Minimum { x, losses, settled })
}

/// The quasi-Newton direction; straight down, at a length of one at most, where nothing is remembered.
fn direction(slope: &[f64], past: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut d: Vec<f64> = slope.iter().map(|g| -g).collect();
    let Some((_, turned, bend)) = past.back() else {
        let norm = dot(slope, slope).sqrt().max(1.0);
        for d in &mut d {
            *d /= norm;
        }
        return d;
    };
    let mut shares = Vec::with_capacity(past.len());
    for (moved, turned, bend) in past.iter().rev() {
        let share = dot(moved, &d) / bend;
        d.iter_mut().zip(turned).for_each(|(d, t)| *d -= share * t);
        shares.push(share);
    }
    let scale = bend / dot(turned, turned);
    for d in &mut d {
        *d *= scale;
    }
    for ((moved, turned, bend), share) in past.iter().zip(shares.into_iter().rev()) {
        let back = dot(turned, &d) / bend;
        d.iter_mut()
            .zip(moved)
            .for_each(|(d, m)| *d += (share - back) * m);
    }
    d
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::lbfgs;

    /// Rosenbrock's valley.
    #[test]
    fn it_finds_the_end_of_a_bent_valley_and_never_climbs() {
        let f = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let slope = vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
            Ok((a * a + 100.0 * b * b, slope))
        };
        let found = lbfgs(vec![-1.2, 1.0], 200, 1e-9, f, |_, _| Ok(true)).unwrap();
        assert!(found.settled);
        assert!((found.x[0] - 1.0).abs() < 1e-8 && (found.x[1] - 1.0).abs() < 1e-8);
        assert!(found.losses.windows(2).all(|w| w[1] <= w[0]));
        let short = lbfgs(vec![-1.2, 1.0], 3, 1e-9, f, |_, _| Ok(true)).unwrap();
        assert!(!short.settled && short.losses.len() == 4);
        let stopped = lbfgs(vec![-1.2, 1.0], 9, 1e-9, f, |round, _| Ok(round < 2)).unwrap();
        assert!(!stopped.settled && stopped.losses == short.losses[..3]);
    }
}

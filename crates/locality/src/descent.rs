//! Minimisation of a smooth function by its gradient.

use std::collections::VecDeque;

use crate::Result;

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 8;
/// Most halvings of a step.
const HALVINGS: usize = 20;

/// When a search ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    /// After so many steps.
    pub(crate) steps: usize,
    /// Where a step lowers the value by less than this share of it.
    pub(crate) tolerance: f64,
    /// No number moves further than this in one step.
    pub(crate) longest: f64,
}

/// A value and its gradient.
pub(crate) type Slope = (f64, Vec<f64>);

/// Descends from `start` by the limited-memory method of Broyden, Fletcher, Goldfarb and Shanno with steps that are halved until they
/// lower the value, and returns the place and its value. `f` returns a value and a gradient; infinite values are walked around.
///
/// Source: J. Nocedal, *Updating quasi-Newton matrices with limited storage*, Mathematics of Computation 35 (1980).
pub(crate) fn descend(
    start: Vec<f64>,
    until: Until,
    f: &mut dyn FnMut(&[f64]) -> Result<Slope>,
) -> Result<(Vec<f64>, f64)> {
    let mut at = start;
    let (mut value, mut gradient) = f(&at)?;
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..until.steps {
        let mut step = direction(&gradient, &memory);
        let mut slope = dot(&step, &gradient);
        if slope >= 0.0 {
            memory.clear();
            step = gradient.iter().map(|g| -g).collect();
            slope = dot(&step, &gradient);
        }
        let reach = step.iter().fold(0.0, |a: f64, s| a.max(s.abs()));
        if !(value.is_finite() && reach > 0.0 && reach.is_finite()) {
            break;
        }
        // Without any memory only the direction is known.
        let first = if memory.is_empty() { 0.5 } else { 1.0 };
        let mut share = (until.longest * first / reach).min(if memory.is_empty() {
            f64::INFINITY
        } else {
            1.0
        });
        let mut found = None;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a + share * s).collect();
            let (there, slopes) = f(&next)?;
            if there <= value + 1e-4 * share * slope {
                found = Some((next, there, slopes));
                break;
            }
            share *= 0.5;
        }
        let Some((next, there, slopes)) = found else {
            break;
        };
        let moved: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = slopes.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&moved, &change) > 1e-12 * dot(&change, &change) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((moved, change));
        }
        let gain = value - there;
        (at, value, gradient) = (next, there, slopes);
        if gain <= until.tolerance * value.abs() {
            break;
        }
    }
    Ok((at, value))
}

/// The gradient turned by the curvature that the memory knows of, downwards.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut out: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, change) in memory.iter().rev() {
        let share = dot(moved, &out) / dot(moved, change);
        add(&mut out, -share, change);
        shares.push(share);
    }
    if let Some((moved, change)) = memory.back() {
        let scale = dot(moved, change) / dot(change, change);
        for o in &mut out {
            *o *= scale;
        }
    }
    for ((moved, change), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &out) / dot(moved, change);
        add(&mut out, share - back, moved);
    }
    out
}

fn add(to: &mut [f64], share: f64, x: &[f64]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to += share * x;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::{Until, descend};

    #[test]
    fn the_bottom_of_a_bent_valley_is_found() {
        // The function of Rosenbrock.
        let mut asked = 0;
        let mut f = |x: &[f64]| {
            asked += 1;
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            Ok((
                a * a + 100.0 * b * b,
                vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b],
            ))
        };
        let until = Until {
            steps: 200,
            tolerance: 1e-14,
            longest: 1.0,
        };
        let found = descend(vec![-1.2, 1.0], until, &mut f).unwrap();
        let (at, value) = found;
        assert!(value < 1e-12, "{value}");
        assert!((at[0] - 1.0).abs() < 1e-5 && (at[1] - 1.0).abs() < 1e-5);
        assert!(asked < 100, "{asked}");
    }

    #[test]
    fn places_without_a_value_are_walked_around() {
        let mut f = |x: &[f64]| {
            Ok(if x[0] <= 0.0 {
                (f64::INFINITY, vec![0.0])
            } else {
                (x[0] - x[0].ln(), vec![1.0 - 1.0 / x[0]])
            })
        };
        let until = Until {
            steps: 100,
            tolerance: 0.0,
            longest: 100.0,
        };
        let found = descend(vec![3.0], until, &mut f).unwrap();
        assert!((found.0[0] - 1.0).abs() < 1e-6, "{:?}", found.0);
    }
}

//! Several classes: quasi-Newton steps (L-BFGS) from a bound on all Hessians, which is factored once.

use std::collections::VecDeque;

use super::logistic::{Task, curvature};
use crate::linear::{Factor, Matrix, on_threads};
use crate::{Result, Watch};

/// Steps that are remembered.
const MEMORY: usize = 20;

/// Exponentials over their sum; returns the logarithm of that sum.
pub(super) fn normalize(f: &mut [f64]) -> f64 {
    let top = f.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    for f in f.iter_mut() {
        *f = (*f - top).exp();
    }
    let sum: f64 = f.iter().sum();
    for f in f.iter_mut() {
        *f /= sum;
    }
    top + sum.ln()
}

/// Coefficients `[features, classes]`, the steps it took and whether the minimum was found.
pub(super) fn minimize(
    task: &Task<'_>,
    z: &Matrix,
    watch: &Watch<'_>,
) -> Result<(Matrix, usize, bool)> {
    let (m, k) = (z.rows(), task.classes);
    // The Hessian of a softmax is at most half of the identity, class by class.
    let half: Vec<f64> = task.scales.iter().map(|s| 0.5 * s).collect();
    let bound = curvature(z, &half, watch)?;
    let bound = Factor::new(|| Ok(bound.clone()), &"the bound on curvatures", watch)?;
    let precondition = |x: &[f64]| {
        let mut x = Matrix::new(x.to_vec(), m, k);
        on_threads(watch, |par| bound.solve(&mut x, par));
        x.into_data()
    };
    let value = |theta: &[f64]| -> (f64, Vec<f64>) {
        let theta = Matrix::new(theta.to_vec(), m, k);
        let f = on_threads(watch, |par| z.transposed_times_on(&theta, par));
        let (mut loss, mut rows) = (0.0, f.transposed());
        for (i, (label, scale)) in task.labels.iter().zip(&task.scales).enumerate() {
            let row = rows.column_mut(i);
            let own = row[*label];
            loss += scale * (normalize(row) - own);
            row[*label] -= 1.0;
            for p in row.iter_mut() {
                *p *= scale;
            }
        }
        let pull = rows.transposed();
        let mut g = on_threads(watch, |par| z.times(&pull, par));
        for c in 0..k {
            for i in 0..m - 1 {
                let t = theta.at(i, c);
                loss += 0.5 * t * t;
                let at = g.at(i, c) + t;
                g.set(i, c, at);
            }
        }
        (loss, g.into_data())
    };
    let mut theta = vec![0.0; m * k];
    let (mut now, mut g) = value(&theta);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for step in 0..task.most {
        watch.check()?;
        if g.iter().all(|g| g.abs() <= task.small()) {
            return Ok((Matrix::new(theta, m, k), step, true));
        }
        let mut direction = two_loops(&memory, &g, &precondition);
        let mut slope = -dot(&direction, &g);
        if slope >= 0.0 {
            memory.clear();
            direction = precondition(&g);
            slope = -dot(&direction, &g);
        }
        let mut share = 1.0;
        let (next, after, next_g) = loop {
            let moved = theta.iter().zip(&direction);
            let next: Vec<f64> = moved.map(|(t, d)| t - share * d).collect();
            let (after, next_g) = value(&next);
            let rounding = 1e-14 * now.abs();
            if after <= now + 1e-4 * share * slope + rounding || share < 1e-8 {
                break (next, after, next_g);
            }
            share *= 0.5;
        };
        let s: Vec<f64> = next.iter().zip(&theta).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_g.iter().zip(&g).map(|(a, b)| a - b).collect();
        let sy = dot(&s, &y);
        if sy > 0.0 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((s, y, sy));
        }
        (theta, now, g) = (next, after, next_g);
    }
    Ok((Matrix::new(theta, m, k), task.most, false))
}

fn two_loops(
    memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    g: &[f64],
    precondition: &dyn Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut q = g.to_vec();
    let mut shares = Vec::with_capacity(memory.len());
    for (s, y, sy) in memory.iter().rev() {
        let share = dot(s, &q) / sy;
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= share * y);
        shares.push(share);
    }
    let mut x = precondition(&q);
    for ((s, y, sy), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(y, &x) / sy;
        x.iter_mut()
            .zip(s)
            .for_each(|(x, s)| *x += (share - back) * s);
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

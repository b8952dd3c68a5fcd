//! Newton's method for one local generalized linear model.

use std::ops::Range;

use locality_core::isa::{Isa, Task};

use super::design::{CHUNK, Design};
use super::family::Family;
use super::moments::pairs;

/// Most steps.
const STEPS: usize = 50;
/// Most halvings of a step.
const HALVINGS: usize = 20;
/// Largest linear predictor: no mean overflows.
const LARGEST: f64 = 500.0;

/// Which coefficients minimise `sum_i w_i l(y_i, b_0 + x_i b) + penalty / 2 |b|^2`.
pub(super) struct Newton<'a> {
    pub(super) design: &'a Design,
    pub(super) family: Family,
    pub(super) penalty: f64,
    /// Runs of slots, and a weight for each slot of them.
    pub(super) runs: &'a [Range<usize>],
    pub(super) weights: &'a [f64],
    /// The weights' unit.
    pub(super) unit: f64,
    /// Where to start, `[1 + d]`.
    pub(super) start: &'a [f64],
    /// Squared decrement, over the sum of the weights, at which it is done.
    pub(super) tolerance: f64,
}

/// Coefficients, `[1 + d]`.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) coefficients: Vec<f64>,
    pub(super) converged: bool,
    /// Sum of the weights, and effective number of samples.
    pub(super) weight: f64,
    pub(super) effective: f64,
}

/// The risk at some coefficients, and its derivatives.
struct Risk {
    value: f64,
    slope: Vec<f64>,
    /// Lower triangle, row after row.
    curvature: Vec<f64>,
}

/// Buffers of a chunk.
struct Buffers {
    eta: [f64; CHUNK],
    losses: [f64; CHUNK],
    slopes: [f64; CHUNK],
    curvatures: [f64; CHUNK],
    weighted: Vec<[f64; CHUNK]>,
    /// Of the curvature, without the constant: sums of features and of pairs.
    sums: Vec<f64>,
    pairs: Vec<f64>,
}

impl Task for Newton<'_> {
    type Out = Found;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Found {
        let d = self.design.linear();
        let mut buffers = Buffers {
            eta: [0.0; CHUNK],
            losses: [0.0; CHUNK],
            slopes: [0.0; CHUNK],
            curvatures: [0.0; CHUNK],
            weighted: vec![[0.0; CHUNK]; d],
            sums: vec![0.0; d],
            pairs: vec![0.0; d * (d + 1) / 2],
        };
        let (mut weight, mut squares) = (0.0, 0.0);
        for w in self.weights.chunks(CHUNK) {
            weight += isa.sum(w);
            squares += isa.dot(w, w);
        }
        let effective = if squares > 0.0 {
            weight * weight / squares
        } else {
            0.0
        };
        weight *= self.unit;
        let mut at = self.start.to_vec();
        let found = |coefficients: Vec<f64>, converged| Found {
            coefficients,
            converged,
            weight,
            effective,
        };
        if weight <= 0.0 {
            return found(at, false);
        }
        let mut risk = self.risk(isa, &at, &mut buffers);
        for _ in 0..STEPS {
            let step = solve(&risk.curvature, &risk.slope);
            let decrement: f64 = step.iter().zip(&risk.slope).map(|(a, b)| a * b).sum();
            if decrement <= self.tolerance * weight {
                return found(at, true);
            }
            let mut share = 1.0;
            let mut halvings = 0;
            loop {
                let next: Vec<f64> = at.iter().zip(&step).map(|(b, s)| b - share * s).collect();
                let there = self.risk(isa, &next, &mut buffers);
                // A decrease that can be seen beside rounding, or no increase where none can be.
                let slack = 1e-14 * risk.value.abs();
                if there.value <= risk.value - 1e-4 * share * decrement + slack {
                    (at, risk) = (next, there);
                    break;
                }
                halvings += 1;
                share *= 0.5;
                if halvings > HALVINGS {
                    return found(at, false);
                }
            }
        }
        found(at, false)
    }
}

impl Newton<'_> {
    #[inline(always)]
    fn risk<I: Isa>(&self, isa: I, at: &[f64], buffers: &mut Buffers) -> Risk {
        let d = self.design.linear();
        let mut out = Risk {
            value: 0.0,
            slope: vec![0.0; d + 1],
            curvature: vec![0.0; (d + 1) * (d + 2) / 2],
        };
        buffers.sums.fill(0.0);
        buffers.pairs.fill(0.0);
        let mut rest = self.weights;
        for run in self.runs {
            let (weights, after) = rest.split_at(run.len());
            rest = after;
            let mut start = run.start;
            for w in weights.chunks(CHUNK) {
                let slots = start..start + w.len();
                start = slots.end;
                if w.iter().any(|w| *w > 0.0) {
                    self.chunk(isa, at, w, slots, buffers, &mut out);
                }
            }
        }
        let unit = self.unit;
        out.value *= unit;
        out.curvature[0] *= unit;
        for s in &mut out.slope {
            *s *= unit;
        }
        for i in 0..d {
            let row = (i + 1) * (i + 2) / 2;
            out.curvature[row] = unit * buffers.sums[i];
            for j in 0..=i {
                out.curvature[row + 1 + j] = unit * buffers.pairs[i * (i + 1) / 2 + j];
            }
            out.curvature[row + 1 + i] += self.penalty;
            out.slope[i + 1] += self.penalty * at[i + 1];
            out.value += 0.5 * self.penalty * at[i + 1] * at[i + 1];
        }
        if !out.value.is_finite() {
            out.value = f64::INFINITY;
        }
        out
    }

    #[inline(always)]
    fn chunk<I: Isa>(
        &self,
        isa: I,
        at: &[f64],
        w: &[f64],
        slots: Range<usize>,
        buffers: &mut Buffers,
        out: &mut Risk,
    ) {
        let d = self.design.linear();
        let len = w.len();
        let columns: Vec<&[f64]> = (0..d)
            .map(|c| self.design.column(c, slots.clone()))
            .collect();
        let eta = &mut buffers.eta[..len];
        eta.fill(at[0]);
        for (x, b) in columns.iter().zip(&at[1..]) {
            for (eta, x) in eta.iter_mut().zip(*x) {
                *eta = isa.fma(*b, *x, *eta);
            }
        }
        for eta in eta.iter_mut() {
            *eta = eta.clamp(-LARGEST, LARGEST);
        }
        let y = self.design.response(0, slots);
        let losses = &mut buffers.losses[..len];
        let slopes = &mut buffers.slopes[..len];
        let curvatures = &mut buffers.curvatures[..len];
        self.family
            .terms(isa, eta, y, [&mut *losses, &mut *slopes, &mut *curvatures]);
        out.value += isa.dot(losses, w);
        for ((s, c), w) in slopes.iter_mut().zip(&mut *curvatures).zip(w) {
            *s *= w;
            *c *= w;
        }
        out.slope[0] += isa.sum(slopes);
        for (to, x) in out.slope[1..].iter_mut().zip(&columns) {
            *to += isa.dot(slopes, x);
        }
        out.curvature[0] += isa.sum(curvatures);
        let sums = (&mut buffers.sums[..], &mut buffers.pairs[..]);
        pairs(isa, curvatures, &columns, &mut buffers.weighted, sums);
    }
}

/// `A^-1 b` for a lower triangle, row after row; directions without any curvature are left alone.
fn solve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    let n = b.len();
    let mut l = a.to_vec();
    for j in 0..n {
        let own = a[at(j, j)];
        for k in 0..j {
            l[at(j, j)] -= l[at(j, k)] * l[at(j, k)] * l[at(k, k)];
        }
        let pivot = l[at(j, j)];
        let sound = pivot > 1e-13 * own;
        l[at(j, j)] = if sound { pivot } else { 0.0 };
        for i in j + 1..n {
            let mut x = l[at(i, j)];
            for k in 0..j {
                x -= l[at(i, k)] * l[at(j, k)] * l[at(k, k)];
            }
            l[at(i, j)] = if sound { x / pivot } else { 0.0 };
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        for j in 0..i {
            x[i] -= l[at(i, j)] * x[j];
        }
    }
    for i in (0..n).rev() {
        let pivot = l[at(i, i)];
        x[i] = if pivot > 0.0 { x[i] / pivot } else { 0.0 };
        for j in i + 1..n {
            x[i] -= l[at(j, i)] * x[j];
        }
    }
    x
}

//! One local generalized linear model whose predictors must be positive: under the identity and the inverse, means are as the predictors are.
//!
//! Where responses are 0 the best line often has a mean of 0 at some sample, and steps of Newton's method that are halved until means are
//! positive end at the first border that they meet. So a barrier keeps predictors positive while it fades: `-tau ln eta` of every sample
//! that weighs, from the local mean, which always is inside.
//!
//! Source: S. Boyd, L. Vandenberghe, *Convex optimization* (2004), 11.3.

use super::chunks::Chunk;
use super::link::Linked;
use super::moments::at as place;
use super::newton::{Factor, moved};

/// The barrier's weight at first and at last, as a share of the curvature of the loss at the local mean, all samples together.
const FIRST: f64 = 0.1;
const LAST: f64 = 1e-11;
/// What it fades by.
const FADING: f64 = 0.1;
/// Most steps under one weight, and most halvings of a step.
const STEPS: usize = 100;
const HALVINGS: usize = 40;
/// A step ends at this share of the way to the border at the most.
const INSIDE: f64 = 0.99;
/// The decrement at which a barrier's minimum is near enough for the next one, as a share of its weight.
const NEAR: f64 = 0.1;

/// Coefficients of columns on a scale of their own that minimise the weighted losses.
pub(super) struct Positive {
    family: Linked,
    /// Of the local mean.
    mean: f64,
    weight: f64,
    weights: Vec<f64>,
    responses: Vec<f64>,
    /// The constant and the columns about their means over their deviations, `[m, 1 + d]`.
    z: Vec<f64>,
    middles: Vec<f64>,
    deviations: Vec<f64>,
    /// Of the coefficients, `[1 + d]`.
    penalties: Vec<f64>,
}

struct Risk {
    value: f64,
    slope: Vec<f64>,
    /// Lower triangles, row after row: of the losses, and of their convex parts.
    curvature: Vec<f64>,
    convex: Vec<f64>,
}

impl Positive {
    /// Of the columns and the response in chunks, under weights in some unit.
    pub(super) fn new(
        family: Linked,
        chunks: &[Chunk<'_, f64>],
        unit: f64,
        penalties: &[f64],
    ) -> Self {
        let d = penalties.len() - 1;
        let (mut weights, mut responses, mut z) = (Vec::new(), Vec::new(), Vec::new());
        for chunk in chunks {
            for (i, w) in chunk.weights.iter().enumerate() {
                if *w > 0.0 && w * unit > 0.0 {
                    weights.push(w * unit);
                    responses.push(chunk.columns[d][i]);
                    z.push(1.0);
                    z.extend(chunk.columns[..d].iter().map(|c| c[i]));
                }
            }
        }
        let weight: f64 = weights.iter().sum();
        let average = |of: &dyn Fn(usize) -> f64| {
            let sum: f64 = weights.iter().enumerate().map(|(i, w)| w * of(i)).sum();
            sum / weight
        };
        let mean = average(&|i| responses[i]);
        let middles: Vec<f64> = (1..=d).map(|c| average(&|i| z[i * (d + 1) + c])).collect();
        let deviation = |(c, middle): (usize, &f64)| {
            let s = average(&|i| (z[i * (d + 1) + c + 1] - middle).powi(2)).sqrt();
            if s > 0.0 { s } else { 1.0 }
        };
        let deviations: Vec<f64> = middles.iter().enumerate().map(deviation).collect();
        for row in z.chunks_exact_mut(d + 1) {
            for (z, (middle, s)) in row[1..].iter_mut().zip(middles.iter().zip(&deviations)) {
                *z = (*z - middle) / s;
            }
        }
        let mut penalties = penalties.to_vec();
        for (p, s) in penalties[1..].iter_mut().zip(&deviations) {
            *p /= s * s;
        }
        Self {
            family,
            mean,
            weight,
            weights,
            responses,
            z,
            middles,
            deviations,
            penalties,
        }
    }

    /// The coefficients, `[1 + d]`, and whether the minimum was found.
    pub(super) fn find(&self) -> (Vec<f64>, bool) {
        let mut at = vec![0.0; self.penalties.len()];
        // Nothing was counted: the mean is 0 everywhere.
        if self.mean <= 0.0 {
            return (at, true);
        }
        at[0] = self.family.link(self.mean);
        let unit = self.weight * self.family.family.curvature(self.mean);
        let each = unit / self.weights.len() as f64;
        let mut share = FIRST;
        loop {
            let last = share <= LAST;
            let tau = each * share;
            let enough = if last { 1e-12 * unit } else { NEAR * tau };
            let near = self.descend(&mut at, tau, enough);
            if last || !near {
                return (self.turned_back(&at), near);
            }
            share = (share * FADING).max(LAST);
        }
    }

    /// Newton's steps under a barrier's weight until the decrement is small enough; whether it is.
    fn descend(&self, at: &mut Vec<f64>, tau: f64, enough: f64) -> bool {
        let mut risk = self.risk(at, tau);
        for _ in 0..STEPS {
            let mut factor = Factor::new(&risk.curvature, at.len());
            if factor.least <= 0.0 {
                factor = Factor::new(&risk.convex, at.len());
            }
            let step = factor.solve(&risk.slope);
            let decrement: f64 = step.iter().zip(&risk.slope).map(|(a, b)| a * b).sum();
            if decrement <= enough {
                return true;
            }
            let mut share = self.room(at, &step);
            let slack = 1e-14 * risk.value.abs();
            let mut halvings = 0;
            loop {
                let next = moved(at, &step, share);
                let there = self.risk(&next, tau);
                if there.value <= risk.value - 1e-4 * share * decrement + slack {
                    (*at, risk) = (next, there);
                    break;
                }
                halvings += 1;
                share *= 0.5;
                if halvings > HALVINGS {
                    return false;
                }
            }
        }
        false
    }

    /// The share of a step that leaves all predictors positive, 1 at the most.
    fn room(&self, at: &[f64], step: &[f64]) -> f64 {
        self.z.chunks_exact(at.len()).fold(1.0, |room: f64, z| {
            let (eta, down) = (dot(z, at), dot(z, step));
            if down > 0.0 {
                room.min(INSIDE * eta / down)
            } else {
                room
            }
        })
    }

    fn risk(&self, at: &[f64], tau: f64) -> Risk {
        let q = at.len();
        let size = q * (q + 1) / 2;
        let mut out = Risk {
            value: 0.0,
            slope: vec![0.0; q],
            curvature: vec![0.0; size],
            convex: vec![0.0; size],
        };
        let samples = self.z.chunks_exact(q).zip(&self.weights);
        for ((z, w), y) in samples.zip(&self.responses) {
            let eta = dot(z, at);
            if eta <= 0.0 {
                out.value = f64::INFINITY;
                return out;
            }
            let (term, curved) = self.family.positive_term(eta, *y);
            out.value += w * term.loss - tau * eta.ln();
            let slope = w * term.slope - tau / eta;
            let wall = tau / (eta * eta);
            let (convex, curvature) = (w * term.curvature + wall, w * curved + wall);
            for i in 0..q {
                out.slope[i] += slope * z[i];
                for j in 0..=i {
                    let product = z[i] * z[j];
                    out.convex[place(i, j)] += convex * product;
                    out.curvature[place(i, j)] += curvature * product;
                }
            }
        }
        for (i, (b, penalty)) in at.iter().zip(&self.penalties).enumerate() {
            out.value += 0.5 * penalty * b * b;
            out.slope[i] += penalty * b;
            out.convex[place(i, i)] += penalty;
            out.curvature[place(i, i)] += penalty;
        }
        if !out.value.is_finite() {
            out.value = f64::INFINITY;
        }
        out
    }

    /// By the columns as they are.
    fn turned_back(&self, at: &[f64]) -> Vec<f64> {
        let mut out = at.to_vec();
        let scales = self.middles.iter().zip(&self.deviations);
        for (i, (middle, s)) in scales.enumerate() {
            out[i + 1] /= s;
            out[0] -= out[i + 1] * middle;
        }
        out
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

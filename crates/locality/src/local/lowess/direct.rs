//! One window, row by row: the plain way, and what the fast way falls back to.

use crate::isa::{Isa, Task, dispatch};

use super::data::Data;
use super::plan::Target;

/// A weight below this is none, as the rule for too few rows counts them.
pub(super) const LEAST_WEIGHT: f64 = 1e-12;
/// Least variance (in units of the window's radius, squared) of a column of the local polynomial beyond the lower ones.
const LEAST_VARIANCE: f64 = 1e-12;

/// A local fit at its target: `value = sum_i p_i y_i` with `p_i = v_i w_i g(u_i)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) value: f64,
    /// Coefficients of the polynomial `g`. Times its own weight, `g(0)` is what a row at the target counts in its own fit.
    pub(super) g: [f64; 3],
    /// `sum_i p_i^2 / v_i`, the variance of the value in units of that of a row of weight 1.
    pub(super) norm: f64,
    /// Radius of the window; 0 where only rows at the target count.
    pub(super) radius: f64,
}

impl Local {
    /// What a row of weight `v` at a distance `d` counts.
    pub(super) fn share(&self, v: f64, d: f64) -> f64 {
        if d == 0.0 {
            return v * self.g[0];
        }
        let u = d / self.radius;
        if u.abs() < 1.0 {
            v * tricube(u.abs()) * (self.g[0] + u * (self.g[1] + u * self.g[2]))
        } else {
            0.0
        }
    }
}

/// The window of `k` rows at a target, with a polynomial of this degree. A target with too few rows gets the mean response of the rows that
/// lie there, if it is a row itself (or the window has no width), else NaN.
pub(super) fn local(data: &Data, k: usize, degree: usize, target: &Target, at_row: bool) -> Local {
    if target.radius > 0.0 {
        let found = dispatch(Window {
            data,
            k,
            degree,
            target,
        });
        if let Some(found) = found {
            return found;
        }
    }
    if at_row || target.radius == 0.0 {
        return tied(data, target.x);
    }
    Local {
        value: f64::NAN,
        g: [f64::NAN; 3],
        norm: f64::NAN,
        radius: target.radius,
    }
}

/// The mean response of the rows at `x`, by the weights in force, or by the sample weights where none of these is positive.
fn tied(data: &Data, x: f64) -> Local {
    let rows = data.ties(x);
    let mean = |weights: &[f64]| {
        let weights = &weights[rows.clone()];
        let sum: f64 = weights.iter().sum();
        let products = weights.iter().zip(&data.y[rows.clone()]);
        (sum, products.map(|(w, y)| w * y).sum::<f64>() / sum)
    };
    let (sum, value) = mean(&data.weight);
    if sum > 0.0 {
        return Local {
            value,
            g: [1.0 / sum, 0.0, 0.0],
            norm: 1.0 / sum,
            radius: 0.0,
        };
    }
    let (sum, value) = mean(&data.sample);
    Local {
        value: if sum > 0.0 { value } else { f64::NAN },
        g: [0.0; 3],
        norm: f64::NAN,
        radius: 0.0,
    }
}

struct Window<'a> {
    data: &'a Data,
    k: usize,
    degree: usize,
    target: &'a Target,
}

impl Task for Window<'_> {
    type Out = Option<Local>;

    /// Polynomials orthogonal under the weights, one degree after the other; nothing is subtracted from a larger sum.
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Option<Local> {
        let rows = self.target.from..self.target.from + self.k;
        let (y, v) = (&self.data.y[rows.clone()], &self.data.weight[rows.clone()]);
        let (x0, radius) = (self.target.x, self.target.radius);
        let u: Vec<f64> = self.data.x[rows.clone()]
            .iter()
            .map(|x| (x - x0) / radius)
            .collect();
        let kernel: Vec<f64> = u.iter().map(|u| tricube(u.abs())).collect();
        let w = product(&kernel, v);
        let least = w.iter().zip(&self.data.sample[rows]);
        if least.filter(|(w, c)| **w > LEAST_WEIGHT * **c).count() < 2 {
            return None;
        }
        let total = isa.sum(&w);
        let center = isa.dot(&w, &u) / total;
        let mut value = isa.dot(&w, y) / total;
        // The coefficients of g, and g at the rows.
        let mut g = [1.0 / total, 0.0, 0.0];
        let mut at_rows = vec![1.0 / total; u.len()];
        if self.degree >= 1 {
            let one: Vec<f64> = u.iter().map(|u| u - center).collect();
            let weighted = product(&w, &one);
            let variance = isa.dot(&weighted, &one) / total;
            let floored = variance.max(LEAST_VARIANCE);
            value -= center * (isa.dot(&weighted, y) / total) / floored;
            let slope = -center / floored / total;
            g = [g[0] - slope * center, slope, 0.0];
            add(&mut at_rows, slope, &one);
            if self.degree == 2 && variance > LEAST_VARIANCE {
                let lag = isa.dot(&product(&weighted, &one), &u) / total / variance;
                let two = u.iter().zip(&one);
                let two: Vec<f64> = two.map(|(u, one)| (u - lag) * one - variance).collect();
                let weighted = product(&w, &two);
                let spread = isa.dot(&weighted, &two) / total;
                if spread > LEAST_VARIANCE {
                    let here = lag * center - variance;
                    value += here * (isa.dot(&weighted, y) / total) / spread;
                    let bend = here / spread / total;
                    g = [g[0] + bend * here, g[1] - bend * (lag + center), bend];
                    add(&mut at_rows, bend, &two);
                }
            }
        }
        let each = product(&product(&w, &kernel), &at_rows);
        Some(Local {
            value,
            g,
            norm: isa.dot(&each, &at_rows),
            radius,
        })
    }
}

#[inline(always)]
fn tricube(t: f64) -> f64 {
    let g = 1.0 - t * t * t;
    g * g * g
}

#[inline(always)]
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

#[inline(always)]
fn add(sum: &mut [f64], factor: f64, x: &[f64]) {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += factor * x;
    }
}

//! The polynomial through the quantiles around one target.

use locality_core::isa::{Gram, Isa, Task, dispatch, gram_len};

use super::design::{Design, Product};
use super::evidence::{Evidence, Spread};
use super::newton::solve;
use super::simplex::CheckLoss;
use crate::LocalSample;

/// Steps towards a polynomial, to where a few vertices are left on the way to the minimum.
const STEPS: usize = 24;
/// Residuals are told from 0 down to this share of their mean size.
const SHARP: f64 = 1e-6;

/// The samples that weigh at a target.
pub(super) struct Local {
    /// About the target, `[q][s]`, those of a column alone first.
    features: Vec<Vec<f64>>,
    linear: usize,
    y: Vec<f64>,
    weights: Vec<f64>,
}

impl Local {
    /// The polynomials' values at the target for each level, with the quantiles of degree 0, and whether evidence is too thin for them.
    pub(super) fn polynomials(
        &self,
        levels: &[f64],
        constants: &[f64],
        guard: bool,
    ) -> (Vec<f64>, bool) {
        let q = self.features.len();
        let full = |(level, start): (&f64, &f64)| self.polynomial(q, *level, *start);
        let evidence = if guard { self.evidence() } else { None };
        let Some(evidence) = evidence else {
            return (levels.iter().zip(constants).map(full).collect(), false);
        };
        let (line, more) = evidence.shares(q);
        let spread = self.spread();
        let mut thin = evidence.is_thin(&vec![0.0; self.linear]) || more < 1.0;
        let held = |(level, start): (&f64, &f64)| {
            let mut value = *start;
            if line > more && line > 1e-6 {
                value += (line - more) * (self.polynomial(self.linear, *level, *start) - start);
            }
            if more > 1e-6 {
                value += more * (full((level, start)) - start);
            }
            let (lower, upper) = spread.bounds_about(*start);
            let inside = value.max(lower).min(upper);
            thin |= (inside - value).abs() > 1e-9 * (upper - lower);
            inside
        };
        let values = levels.iter().zip(constants).map(held).collect();
        (values, thin)
    }

    fn evidence(&self) -> Option<Evidence> {
        let row = |i: usize| self.features[..self.linear].iter().map(move |f| f[i]);
        let rows: Vec<Vec<f64>> = (0..self.y.len()).map(|i| row(i).collect()).collect();
        Evidence::of_rows(self.linear, rows.iter().map(|r| &r[..]), &self.weights)
    }

    fn spread(&self) -> Spread {
        let total: f64 = self.weights.iter().sum();
        let sum = |of: &dyn Fn(f64) -> f64| {
            let each = self.y.iter().zip(&self.weights);
            each.map(|(y, w)| w / total * of(*y)).sum::<f64>()
        };
        let mean = sum(&|y| y);
        Spread {
            mean,
            variance: sum(&|y| (y - mean) * (y - mean)),
            low: self.y.iter().copied().fold(f64::INFINITY, f64::min),
            high: self.y.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// The value at the target of a polynomial in the first `q` features, from a start.
    fn polynomial(&self, q: usize, level: f64, start: f64) -> f64 {
        let (value, residuals) = dispatch(Descent {
            local: self,
            q,
            level,
            start,
        });
        let (rows, at) = self.rows(q);
        let loss = CheckLoss {
            rows: &rows,
            q: at.len(),
            y: &self.y,
            weights: &self.weights,
            level,
        };
        loss.value(&at, &residuals).unwrap_or(value)
    }

    /// A constant and the first `q` features about their means in units of their deviations, without those that are combinations of others:
    /// of the samples, row after row, and of the target.
    fn rows(&self, q: usize) -> (Vec<f64>, Vec<f64>) {
        let total: f64 = self.weights.iter().sum();
        let mut columns: Vec<Vec<f64>> = vec![vec![1.0; self.y.len()]];
        let mut at = vec![1.0];
        for feature in &self.features[..q] {
            let mut column = feature.clone();
            // What the columns before leave of it, twice for the digits.
            let mut here = 0.0;
            let before = self.length(&column, total);
            for _ in 0..2 {
                for (other, place) in columns.iter().zip(&at) {
                    let pairs = column.iter().zip(other).zip(&self.weights);
                    let by: f64 = pairs.map(|((a, b), w)| w / total * a * b).sum();
                    column.iter_mut().zip(other).for_each(|(x, o)| *x -= by * o);
                    here -= by * place;
                }
            }
            let length = self.length(&column, total);
            if length > 1e-7 * before {
                for x in &mut column {
                    *x /= length;
                }
                columns.push(column);
                at.push(here / length);
            }
        }
        let rows = (0..self.y.len()).flat_map(|i| columns.iter().map(move |c| c[i]));
        (rows.collect(), at)
    }

    fn length(&self, column: &[f64], total: f64) -> f64 {
        let squares = column.iter().zip(&self.weights);
        squares.map(|(x, w)| w / total * x * x).sum::<f64>().sqrt()
    }
}

/// The polynomial of one level at one target, nearly.
struct Descent<'a> {
    local: &'a Local,
    /// Number of features.
    q: usize,
    level: f64,
    start: f64,
}

impl Task for Descent<'_> {
    /// The value at the target, and the residuals.
    type Out = (f64, Vec<f64>);

    /// Majorisation: the check loss lies below the parabola `u^2 / (4 a) + (level - 1/2) u + a / 4` that touches it at `|u| = a`, the last
    /// residual's size.
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> (f64, Vec<f64>) {
        let q = self.q;
        let (y, weights) = (&self.local.y, &self.local.weights);
        let features = &self.local.features[..q];
        let columns: Vec<&[f64]> = features.iter().map(|f| &f[..]).chain([&y[..]]).collect();
        let shifts = vec![0.0; q + 1];
        let sums = |weights: &[f64]| {
            let mut out = vec![0.0; gram_len(q, q + 1)];
            let gram = Gram {
                weights,
                columns: &columns,
                shifts: &shifts,
                square: q,
            };
            isa.gram(gram, &mut out);
            out
        };
        let plain = sums(weights);
        let total = plain[0];
        let mut at = vec![0.0; q + 1];
        at[0] = self.start;
        let mut residuals = y.clone();
        let mut last = f64::INFINITY;
        for step in 0..STEPS {
            for (i, r) in residuals.iter_mut().enumerate() {
                let mut fitted = at[0];
                for (f, b) in features.iter().zip(&at[1..]) {
                    fitted += f[i] * b;
                }
                *r = y[i] - fitted;
            }
            let (mut loss, mut size) = (0.0, 0.0);
            for (r, w) in residuals.iter().zip(weights) {
                loss += w * r * (self.level - f64::from(*r < 0.0));
                size += w * r.abs();
            }
            // Sharper and sharper, so that the first steps are not caught at single samples.
            let floor = SHARP.max(0.5_f64.powi(step as i32)) * size / total;
            if floor <= f64::MIN_POSITIVE || (step > 20 && last - loss <= 1e-10 * loss) {
                break;
            }
            last = loss;
            let parabola: Vec<f64> = residuals
                .iter()
                .zip(weights)
                .map(|(r, w)| w / (r.abs() + floor))
                .collect();
            let curved = sums(&parabola);
            let (square, cross) = curved.split_at((q + 1) * (q + 2) / 2);
            let right: Vec<f64> = (0..=q)
                .map(|j| cross[j] + (2.0 * self.level - 1.0) * plain[j * (j + 1) / 2])
                .collect();
            at = solve(square, &right);
        }
        (at[0], residuals)
    }
}

impl Local {
    pub(super) fn new(design: &Design, sample: LocalSample<'_, f64>, target: &[f64]) -> Self {
        let mut out = Self {
            features: vec![Vec::new(); design.features()],
            linear: design.linear(),
            y: Vec::new(),
            weights: Vec::new(),
        };
        for (run, w) in sample.iter() {
            for (slot, w) in run.zip(w) {
                if *w <= 0.0 {
                    continue;
                }
                let s = out.y.len();
                for (f, product) in design.products().iter().enumerate() {
                    let x = match *product {
                        Product::Column(c) => design.column(c, slot..slot + 1)[0] - target[c],
                        Product::Of(a, b) => out.features[a][s] * out.features[b][s],
                    };
                    out.features[f].push(x);
                }
                out.y.push(design.response(0, slot..slot + 1)[0]);
                out.weights.push(*w);
            }
        }
        out
    }
}

//! The model at one place.

use super::family::Response;
use super::normal::{Factor, Normal};
use super::space::Around;
use super::table::Table;

/// Most Newton steps.
const STEPS: usize = 60;
/// Steps end where the next one promises less than this share of the weights.
const PROMISE: f64 = 1e-20;
/// Where the variance of a mean is this small on the average, classes are told apart without end.
const CERTAIN: f64 = 1e-6;

/// Coefficients at a place, of the columns as kept.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) beta: Vec<f64>,
    factor: Factor,
    /// `X^T W^2 V X`, where wanted.
    squares: Normal,
    /// Whether a column was left out or Newton's method found no minimum.
    pub(super) thin: bool,
}

/// Working numbers, kept from place to place.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) around: Around,
    pairs: Vec<(f64, f64)>,
    normal: Normal,
}

impl Work {
    pub(super) fn new(q: usize) -> Self {
        Self {
            around: Around::default(),
            pairs: Vec::new(),
            normal: Normal::new(q),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Local {
    /// The fit to what is around; `start` serves families with steps.
    pub(super) fn new(table: &Table, work: &mut Work, start: &[f64], errors: bool) -> Self {
        let Work {
            around,
            pairs,
            normal,
        } = work;
        let (beta, factor, sound) = if table.family == Response::Gaussian {
            pairs.clear();
            let each = around.index.iter().zip(&around.weight);
            pairs.extend(each.map(|(&i, &w)| (w, w * table.y[i as usize])));
            normal.sum(&table.x, &around.index, pairs);
            let factor = Factor::new(normal);
            (factor.solve(&normal.right), factor, true)
        } else {
            newton(table, around, pairs, normal, start)
        };
        let mut squares = Normal::new(table.q);
        if errors {
            if table.family == Response::Gaussian {
                for p in pairs.iter_mut() {
                    p.0 *= p.0;
                }
            } else {
                pairs
                    .iter_mut()
                    .zip(&around.weight)
                    .for_each(|(p, w)| p.0 *= w);
            }
            squares.sum(&table.x, &around.index, pairs);
        }
        Self {
            beta,
            thin: !sound || !factor.whole(),
            factor,
            squares,
        }
    }

    /// The linear predictor of a kept row, without its exposure.
    pub(super) fn eta(&self, row: &[f64]) -> f64 {
        dot(&self.beta, row)
    }

    /// What a row's own response adds to its linear predictor, over the variance of its mean, for a weight of the row.
    pub(super) fn own(&self, row: &[f64], weight: f64) -> f64 {
        weight * dot(row, &self.factor.solve(row))
    }

    /// Variance of a combination of coefficients, in units of the response's.
    pub(super) fn variance(&self, combination: &[f64]) -> f64 {
        self.squares.form(&self.factor.solve(combination))
    }

    /// Coefficient `j` of the columns as given.
    pub(super) fn coefficient(&self, table: &Table, j: usize) -> f64 {
        dot(&self.beta, &table.given(j))
    }

    /// The same, and its variance; NaN where the column was left out.
    pub(super) fn given(&self, table: &Table, j: usize) -> (f64, f64) {
        let combination = table.given(j);
        let variance = if self.factor.has(j) {
            self.variance(&combination)
        } else {
            f64::NAN
        };
        (dot(&self.beta, &combination), variance)
    }
}

impl Around {
    /// The weight of a row.
    pub(super) fn weight_of(&self, i: usize) -> f64 {
        let found = self.index.binary_search(&(i as u32));
        found.map_or(0.0, |at| self.weight[at])
    }
}

/// Newton's method, which is iteratively reweighted least squares for canonical links; steps that climb are halved. The pairs
/// are left as they are at the solution.
fn newton(
    table: &Table,
    around: &Around,
    pairs: &mut Vec<(f64, f64)>,
    normal: &mut Normal,
    start: &[f64],
) -> (Vec<f64>, Factor, bool) {
    let total: f64 = around.weight.iter().sum();
    let mut beta = start.to_vec();
    let mut last = (f64::INFINITY, beta.clone());
    let mut factor = None;
    for _ in 0..STEPS {
        let (loss, spread) = weigh(table, around, pairs, &beta);
        let climbs = loss.is_nan() || loss > last.0 + 1e-12 * last.0.abs();
        if climbs && factor.is_some() {
            beta.iter_mut()
                .zip(&last.1)
                .for_each(|(b, l)| *b = 0.5 * (*b + l));
            continue;
        }
        normal.sum(&table.x, &around.index, pairs);
        let now = Factor::new(normal);
        if factor.is_none() && (0..table.q).any(|j| !now.has(j) && beta[j] != 0.0) {
            // What the start says of columns that have no part here is not known here.
            (0..table.q)
                .filter(|j| !now.has(*j))
                .for_each(|j| beta[j] = 0.0);
            continue;
        }
        let step = now.solve(&normal.right);
        let promise = dot(&step, &normal.right);
        if promise <= PROMISE * total || spread <= CERTAIN * total {
            return (beta, now, spread > CERTAIN * total);
        }
        factor = Some(now);
        last = (loss, beta.clone());
        beta.iter_mut().zip(&step).for_each(|(b, s)| *b += s);
    }
    weigh(table, around, pairs, &last.1);
    let factor = factor.unwrap_or_else(|| Factor::new(normal));
    (last.1, factor, false)
}

/// Weights of the next step; the loss and the sum of weighted variances.
fn weigh(table: &Table, around: &Around, pairs: &mut Vec<(f64, f64)>, beta: &[f64]) -> (f64, f64) {
    let family = table.family;
    let (mut loss, mut spread) = (0.0, 0.0);
    pairs.clear();
    for (&i, &w) in around.index.iter().zip(&around.weight) {
        let i = i as usize;
        let eta = dot(beta, table.kept(i)) + table.offset(i);
        let (y, mean) = (table.y[i], family.mean(eta));
        let variance = family.variance(mean);
        let partition = match family {
            Response::Poisson => mean,
            // Of the smaller side, which does not overflow.
            _ => eta.max(0.0) + (-eta.abs()).exp().ln_1p(),
        };
        loss += w * (partition - y * eta);
        spread += w * variance;
        pairs.push((w * variance, w * (y - mean)));
    }
    (loss, spread)
}

/// The model of all rows alike, from which places start.
pub(super) fn global(table: &Table) -> Local {
    let n = table.len();
    let mut work = Work::new(table.q);
    work.around.index = (0..n as u32).collect();
    work.around.weight = vec![1.0; n];
    let mut start = vec![0.0; table.q];
    if table.family == Response::Poisson {
        // The kept constant is the first column, where there is one.
        let exposure: f64 = (0..n).map(|i| table.offset(i).exp()).sum();
        let mean = table.y.iter().sum::<f64>() / exposure;
        start[0] = if table.kept(0)[0] == 1.0 {
            table.family.link(mean)
        } else {
            0.0
        };
    }
    Local::new(table, &mut work, &start, true)
}

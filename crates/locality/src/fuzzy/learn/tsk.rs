//! A Takagi-Sugeno-Kang model with a Gaussian for each rule and column, over columns scaled to `[0, 1]`.

use crate::local::least_squares;
use crate::{Result, Watch, par};

/// Rows of a block.
const BLOCK: usize = 512;
/// Rows tell what a rule concludes where they share in it by this part of the most that the rules' centres have of it.
const KNOWN: f64 = 0.3;
/// And its slope along an input that varies among them by this part of what it does in the whole table.
const VARIED: f64 = 0.01;

/// Columns of a table.
#[derive(Clone, Debug)]
pub(super) struct Data {
    /// Inputs, `[d][n]`, scaled.
    pub(super) x: Vec<Vec<f64>>,
    /// Targets, `[p][n]`.
    pub(super) y: Vec<Vec<f64>>,
    /// Weights of the rows, `[n]`, above 0.
    pub(super) w: Vec<f64>,
}

impl Data {
    pub(super) fn rows(&self) -> usize {
        self.w.len()
    }

    /// The sum of the weights.
    pub(super) fn weight(&self) -> f64 {
        self.w.iter().sum()
    }

    pub(super) fn subset(&self, rows: &[usize]) -> Self {
        let pick = |all: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let one = |c: &Vec<f64>| rows.iter().map(|&i| c[i]).collect();
            all.iter().map(one).collect()
        };
        Self {
            x: pick(&self.x),
            y: pick(&self.y),
            w: rows.iter().map(|&i| self.w[i]).collect(),
        }
    }
}

/// How conclusions are fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solve {
    /// 0 or 1.
    pub(super) order: usize,
    pub(super) ridge: f64,
    /// Each rule by itself, under its own firing.
    pub(super) local: bool,
}

/// A constant, and slopes where the order is 1.
pub(super) type Line = (f64, Vec<f64>);

#[derive(Clone, Debug)]
pub(super) struct Tsk {
    /// Number of columns.
    pub(super) d: usize,
    /// What log-firing is divided by.
    pub(super) divisor: f64,
    /// `[rules, d]`.
    pub(super) centers: Vec<f64>,
    /// `[rules, d]`; infinity where a rule does not ask for a column.
    pub(super) sigmas: Vec<f64>,
    /// Of each target and rule.
    pub(super) lines: Vec<Vec<Line>>,
}

impl Tsk {
    pub(super) fn rules(&self) -> usize {
        self.centers.len() / self.d
    }

    /// Firing of the rules relative to their sum, `[rules][n]`.
    pub(super) fn shares(&self, data: &Data, watch: &Watch<'_>) -> Result<Vec<Vec<f64>>> {
        let rules = self.rules();
        let blocks = par::map_blocks(&watch.quiet(), data.rows(), BLOCK, |range| {
            let count = range.len();
            let mut logs = vec![0.0; rules * count];
            for (r, to) in logs.chunks_exact_mut(count).enumerate() {
                for (j, column) in data.x.iter().enumerate() {
                    let (c, s) = (self.centers[r * self.d + j], self.sigmas[r * self.d + j]);
                    let by = -0.5 / (s * s * self.divisor);
                    if by == 0.0 {
                        continue;
                    }
                    for (to, x) in to.iter_mut().zip(&column[range.clone()]) {
                        *to += (x - c) * (x - c) * by;
                    }
                }
            }
            for b in 0..count {
                let run = || (0..rules).map(|r| r * count + b);
                let most = run().fold(f64::NEG_INFINITY, |m, at| m.max(logs[at]));
                let mut sum = 0.0;
                for at in run() {
                    logs[at] = (logs[at] - most).exp();
                    sum += logs[at];
                }
                run().for_each(|at| logs[at] /= sum);
            }
            Ok(logs)
        })?;
        let mut out = vec![Vec::with_capacity(data.rows()); rules];
        for block in &blocks {
            let count = block.len() / rules;
            for (r, to) in out.iter_mut().enumerate() {
                to.extend_from_slice(&block[r * count..][..count]);
            }
        }
        Ok(out)
    }

    /// Whether rows of a weight above 0 tell what each rule concludes. What a rule says where it rules, but none of them is near, is made up.
    pub(super) fn known(
        &self,
        shares: &[Vec<f64>],
        weights: &[f64],
        watch: &Watch<'_>,
    ) -> Result<Vec<bool>> {
        let of = |j: usize| (0..self.rules()).map(move |r| self.centers[r * self.d + j]);
        let centers = Data {
            x: (0..self.d).map(|j| of(j).collect()).collect(),
            y: Vec::new(),
            w: vec![1.0; self.rules()],
        };
        let there = self.shares(&centers, watch)?;
        let told = shares.iter().zip(&there).map(|(share, there)| {
            let here = share.iter().zip(weights).filter(|(_, w)| **w > 0.0);
            most(here.map(|(s, _)| *s)) >= KNOWN * most(there.iter().copied())
        });
        let told: Vec<bool> = told.collect();
        // Somebody has to say something.
        let none = !told.contains(&true);
        Ok(told.into_iter().map(|t| t || none).collect())
    }

    /// Drops the rules about which the rows tell nothing.
    pub(super) fn forget(&mut self, data: &Data, watch: &Watch<'_>) -> Result<()> {
        loop {
            let known = self.known(&self.shares(data, watch)?, &data.w, watch)?;
            let Some(unknown) = known.iter().position(|k| !k) else {
                return Ok(());
            };
            *self = self.without(unknown);
        }
    }

    /// Fits the conclusions to the rows under these weights.
    pub(super) fn conclude(
        &mut self,
        shares: &[Vec<f64>],
        data: &Data,
        weights: &[f64],
        how: Solve,
        watch: &Watch<'_>,
    ) -> Result<()> {
        if how.local {
            return self.conclude_each(shares, data, weights, how, watch);
        }
        let known = self.known(shares, weights, watch)?;
        let told = || shares.iter().enumerate().filter(|(r, _)| known[*r]);
        let mut columns: Vec<Vec<f64>> = told().map(|(_, share)| share.clone()).collect();
        let mut floors = vec![0.0; columns.len()];
        // Rule and input of the columns that follow.
        let mut places = Vec::new();
        let all: Vec<f64> = data.x.iter().map(|x| variance(weights, x).0).collect();
        let weight: f64 = weights.iter().sum();
        for (r, share) in told().filter(|_| how.order == 1) {
            let strength = weights.iter().zip(share).map(|(w, s)| w * s * s);
            let strength: Vec<f64> = strength.collect();
            for (j, x) in data.x.iter().enumerate() {
                let (own, total) = variance(&strength, x);
                if own > VARIED * VARIED * all[j] {
                    columns.push(share.iter().zip(x).map(|(w, x)| w * x).collect());
                    floors.push(all[j] * total / weight);
                    places.push((r, j));
                }
            }
        }
        let penalty = (how.ridge, false);
        let found = least_squares(weights, &columns, &data.y, &floors, penalty, watch)?;
        let slopes = if how.order == 1 { self.d } else { 0 };
        let lines = found.unwrap_or_default().into_iter().map(|(constant, of)| {
            let mut lines = vec![(constant, vec![0.0; slopes]); self.rules()];
            let (constants, of) = of.split_at(of.len() - places.len());
            for ((r, _), own) in told().zip(constants) {
                lines[r].0 += own;
            }
            for ((r, j), slope) in places.iter().zip(of) {
                lines[*r].1[*j] = *slope;
            }
            lines
        });
        self.lines = lines.collect();
        Ok(())
    }

    /// Fits each rule's conclusion to the rows under its firing: local models at the rules.
    fn conclude_each(
        &mut self,
        shares: &[Vec<f64>],
        data: &Data,
        weights: &[f64],
        how: Solve,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let none = Vec::new();
        let columns = if how.order == 1 { &data.x } else { &none };
        self.lines = vec![Vec::new(); data.y.len()];
        for share in shares {
            let mut own: Vec<f64> = share.iter().zip(weights).map(|(a, b)| a * b).collect();
            // Squares of weights that are all tiny would be none.
            let most = own.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
            for w in &mut own {
                *w /= most;
            }
            let penalty = (how.ridge, true);
            let found = least_squares(&own, columns, &data.y, &[], penalty, watch)?;
            let nothing = vec![(0.0, vec![0.0; columns.len()]); data.y.len()];
            let found = found.unwrap_or(nothing);
            for (lines, line) in self.lines.iter_mut().zip(found) {
                lines.push(line);
            }
        }
        Ok(())
    }

    /// What rule `r` says about target `o` at row `i`.
    pub(super) fn says(&self, o: usize, r: usize, data: &Data, i: usize) -> f64 {
        let (constant, slopes) = &self.lines[o][r];
        let parts = slopes.iter().zip(&data.x).map(|(s, x)| s * x[i]);
        constant + parts.sum::<f64>()
    }

    /// Predictions, `[p][n]`.
    pub(super) fn predict(&self, shares: &[Vec<f64>], data: &Data) -> Vec<Vec<f64>> {
        let mut out = vec![vec![0.0; data.rows()]; data.y.len()];
        for (o, out) in out.iter_mut().enumerate() {
            for (r, share) in shares.iter().enumerate() {
                for (i, (out, w)) in out.iter_mut().zip(share).enumerate() {
                    *out += w * self.says(o, r, data, i);
                }
            }
        }
        out
    }

    /// Weighted sum of the squared errors of the rows that `counts` lets through, over all targets.
    pub(super) fn error(
        &self,
        shares: &[Vec<f64>],
        data: &Data,
        counts: impl Fn(usize) -> bool,
    ) -> f64 {
        let predicted = self.predict(shares, data);
        let mut sum = 0.0;
        for (y, p) in data.y.iter().zip(&predicted) {
            let rows = y.iter().zip(p).enumerate().filter(|(i, _)| counts(*i));
            let squares = rows.map(|(i, (y, p))| data.w[i] * (y - p) * (y - p));
            sum += squares.sum::<f64>();
        }
        sum
    }

    /// The same without one rule.
    pub(super) fn without(&self, rule: usize) -> Self {
        let mut out = self.clone();
        let range = rule * self.d..(rule + 1) * self.d;
        out.centers.drain(range.clone());
        out.sigmas.drain(range);
        for lines in &mut out.lines {
            lines.remove(rule);
        }
        out
    }

    /// Drops conditions that hold to `degree` or more all over `[0, 1]`; a rule keeps its narrowest.
    pub(super) fn simplify(&mut self, degree: f64) -> usize {
        let mut dropped = 0;
        let d = self.d;
        for r in 0..self.rules() {
            let sigmas = &mut self.sigmas[r * d..][..d];
            let centers = &self.centers[r * d..][..d];
            let narrowest = (1..d).fold(0, |b, j| if sigmas[j] < sigmas[b] { j } else { b });
            for j in (0..d).filter(|j| *j != narrowest) {
                let reach = centers[j].abs().max((1.0 - centers[j]).abs());
                let lowest = (-0.5 * (reach / sigmas[j]).powi(2) / self.divisor).exp();
                if sigmas[j].is_finite() && lowest >= degree {
                    sigmas[j] = f64::INFINITY;
                    dropped += 1;
                }
            }
        }
        dropped
    }

    /// Makes terms of a column one whose degrees differ by no more than `apart` on `[0, 1]`: the first of them stands for all. Returns how many are gone.
    pub(super) fn merge(&mut self, apart: f64) -> usize {
        let (d, mut gone) = (self.d, 0);
        for j in 0..d {
            let mut own: Vec<[f64; 2]> = Vec::new();
            for r in 0..self.rules() {
                let at = r * d + j;
                let term = [self.centers[at], self.sigmas[at]];
                if !term[1].is_finite() {
                    continue;
                }
                match own.iter().find(|known| difference(**known, term) <= apart) {
                    Some(known) => {
                        [self.centers[at], self.sigmas[at]] = *known;
                        gone += 1;
                    }
                    None => own.push(term),
                }
            }
        }
        gone
    }
}

fn most(x: impl Iterator<Item = f64>) -> f64 {
    x.fold(0.0, f64::max)
}

/// The variance of a column under weights, and their sum; 0 where that is.
pub(super) fn variance(weights: &[f64], x: &[f64]) -> (f64, f64) {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return (0.0, 0.0);
    }
    let mean = weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() / total;
    let squares = weights.iter().zip(x).map(|(w, x)| w * (x - mean).powi(2));
    (squares.sum::<f64>() / total, total)
}

/// The largest difference on `[0, 1]` of the degrees of two Gaussians, each a centre and a width.
fn difference(a: [f64; 2], b: [f64; 2]) -> f64 {
    let degree = |x: f64, [c, s]: [f64; 2]| (-0.5 * ((x - c) / s).powi(2)).exp();
    let places = (0..=200).map(|i| f64::from(i) / 200.0);
    let off = places.map(|x| (degree(x, a) - degree(x, b)).abs());
    off.fold(0.0, f64::max)
}

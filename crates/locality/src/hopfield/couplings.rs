//! Networks with a coupling for each pair of units.

use super::network::{Dynamics, Rule};
use crate::{Error, Result, Watch, par};

/// Rows of the matrix that are one thread's work.
const ROWS: usize = 16;
/// What is left of a pattern of length one after its projection on the others, squared, is rounding up to this.
const DEPENDENT: f64 = 1e-12;

/// A symmetric matrix of couplings `[d, d]` and the rule that learns it. The diagonal is kept only where the rule needs it.
#[derive(Clone, Debug)]
pub(super) struct Couplings {
    rule: Rule,
    units: usize,
    matrix: Vec<f64>,
    /// What rounding may do to a field, relative to the largest sum of the sizes of a unit's couplings.
    rounding: f64,
}

impl Couplings {
    pub(super) fn new(rule: Rule, units: usize) -> Result<Self> {
        let mut matrix: Vec<f64> = Vec::new();
        let size = units.checked_mul(units);
        let room = size.map(|size| matrix.try_reserve_exact(size));
        let (Some(size), Some(Ok(()))) = (size, room) else {
            return Err(Error::unsupported(format!(
                "the couplings of {units} units do not fit into memory; take rule polynomial or exponential, which have none"
            )));
        };
        matrix.resize(size, 0.0);
        Ok(Self {
            rule,
            units,
            matrix,
            rounding: 0.0,
        })
    }

    /// The couplings with a zero diagonal.
    pub(super) fn matrix(&self) -> Vec<f64> {
        let mut out = self.matrix.clone();
        out.iter_mut()
            .step_by(self.units + 1)
            .for_each(|x| *x = 0.0);
        out
    }

    /// Learns patterns `[n, d]`.
    pub(super) fn learn(&mut self, patterns: &[f64], watch: &Watch<'_>) -> Result<()> {
        let d = self.units;
        match self.rule {
            Rule::Hebbian => self.add_products(patterns, patterns, 1.0 / d as f64, watch)?,
            Rule::Storkey => {
                for pattern in patterns.chunks_exact(d) {
                    self.storkey(pattern, watch)?;
                }
            }
            _ => {
                for pattern in patterns.chunks_exact(d) {
                    self.project(pattern, watch)?;
                }
            }
        }
        self.settle();
        Ok(())
    }

    /// Forgets patterns `[n, d]` of those learnt, of which `kept` `[m, d]` are left in this order. Only Hebb's rule can take a pattern away;
    /// the others learn anew.
    pub(super) fn forget(
        &mut self,
        patterns: &[f64],
        kept: &[f64],
        watch: &Watch<'_>,
    ) -> Result<()> {
        if self.rule == Rule::Hebbian {
            self.add_products(patterns, patterns, -1.0 / self.units as f64, watch)?;
            self.settle();
            return Ok(());
        }
        let mut anew = Self::new(self.rule, self.units)?;
        anew.learn(kept, watch)?;
        *self = anew;
        Ok(())
    }

    /// What follows from the matrix. Those of Hebb's rule are whole numbers over `d`: without what rounding left, so that a pattern that
    /// is forgotten leaves nothing behind.
    fn settle(&mut self) {
        let d = self.units;
        if self.rule == Rule::Hebbian {
            let whole = d as f64;
            self.matrix
                .iter_mut()
                .for_each(|w| *w = (*w * whole).round() / whole);
        }
        let sums = (0..d).map(|i| self.row(i).iter().map(|w| w.abs()).sum::<f64>());
        self.rounding = 1e-13 * sums.fold(0.0, f64::max);
    }

    /// The signs of what units that are not known, 0 in `heard`, feel of the others; 1 where that is nothing.
    pub(super) fn fill(&self, state: &mut [f64], heard: &[f64], bias: &[f64]) {
        for i in (0..self.units).filter(|&i| heard[i] == 0.0) {
            let field = dot(self.row(i), heard) + bias[i];
            let rounding = self.rounding + 1e-13 * bias[i].abs();
            state[i] = if field < -rounding { -1.0 } else { 1.0 };
        }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.matrix[i * self.units..][..self.units]
    }

    /// `W x`.
    fn times(&self, x: &[f64], watch: &Watch<'_>) -> Result<Vec<f64>> {
        let blocks = par::map_blocks(&watch.quiet(), self.units, ROWS, |range| {
            Ok(range.map(|i| dot(self.row(i), x)).collect::<Vec<f64>>())
        })?;
        Ok(blocks.concat())
    }

    /// Adds `scale sum_k a_k b_k^T` for rows `a_k`, `b_k` of two tables.
    fn add_products(&mut self, a: &[f64], b: &[f64], scale: f64, watch: &Watch<'_>) -> Result<()> {
        let d = self.units;
        let blocks = par::map_blocks(watch, d, ROWS, |range| {
            let mut rows = self.matrix[range.start * d..range.end * d].to_vec();
            for (a, b) in a.chunks_exact(d).zip(b.chunks_exact(d)) {
                for (i, row) in range.clone().zip(rows.chunks_exact_mut(d)) {
                    let w = scale * a[i];
                    row.iter_mut().zip(b).for_each(|(x, b)| *x += w * b);
                }
            }
            Ok(rows)
        })?;
        self.matrix = blocks.concat();
        Ok(())
    }

    /// Storkey (1997): `dW_ij = (x_i x_j - x_i h_ji - h_ij x_j) / d` with the field `h_ij = sum_(k not i, j) W_ik x_k`.
    fn storkey(&mut self, x: &[f64], watch: &Watch<'_>) -> Result<()> {
        let d = self.units;
        let field = self.times(x, watch)?;
        let scale = 1.0 / d as f64;
        let blocks = par::map_blocks(&watch.quiet(), d, ROWS, |range| {
            let mut rows = self.matrix[range.start * d..range.end * d].to_vec();
            for (i, row) in range.zip(rows.chunks_exact_mut(d)) {
                for (j, w) in row.iter_mut().enumerate().filter(|(j, _)| *j != i) {
                    let own = *w;
                    let (h_ij, h_ji) = (field[i] - own * x[j], field[j] - own * x[i]);
                    *w += scale * (x[i] * x[j] - x[i] * h_ji - h_ij * x[j]);
                }
            }
            Ok(rows)
        })?;
        self.matrix = blocks.concat();
        Ok(())
    }

    /// The projection on the span of the patterns grows by what of this one lies outside.
    fn project(&mut self, x: &[f64], watch: &Watch<'_>) -> Result<()> {
        let mut rest = x.to_vec();
        // A second time takes out what rounding left of the first.
        for _ in 0..2 {
            let inside = self.times(&rest, watch)?;
            rest.iter_mut().zip(&inside).for_each(|(r, p)| *r -= p);
        }
        let square = dot(&rest, &rest);
        if square <= DEPENDENT * self.units as f64 {
            return Ok(());
        }
        self.add_products(&rest, &rest, square.recip(), &watch.quiet())
    }

    /// A state with the fields of its units.
    pub(super) fn start<'a>(&'a self, state: &[f64], bias: &'a [f64]) -> Fields<'a> {
        let field = (0..self.units).map(|i| {
            let row = self.row(i);
            dot(row, state) - row[i] * state[i] + bias[i]
        });
        Fields {
            field: field.collect(),
            state: state.to_vec(),
            couplings: self,
            bias,
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A state and what each unit feels, bias included.
pub(super) struct Fields<'a> {
    couplings: &'a Couplings,
    bias: &'a [f64],
    state: Vec<f64>,
    field: Vec<f64>,
}

impl Dynamics for Fields<'_> {
    fn state(&self) -> &[f64] {
        &self.state
    }

    fn gain(&self, unit: usize) -> f64 {
        let field = self.field[unit];
        if field.abs() <= self.couplings.rounding + 1e-13 * self.bias[unit].abs() {
            return 0.0;
        }
        -2.0 * self.state[unit] * field
    }

    fn flip(&mut self, unit: usize) {
        let change = -2.0 * self.state[unit];
        self.state[unit] = -self.state[unit];
        let row = self.couplings.row(unit);
        let own = self.field[unit];
        self.field
            .iter_mut()
            .zip(row)
            .for_each(|(h, w)| *h += change * w);
        self.field[unit] = own;
    }

    fn energy(&self) -> f64 {
        let units = self.state.iter().zip(&self.field).zip(self.bias);
        units.map(|((s, h), b)| -0.5 * s * (h + b)).sum()
    }
}

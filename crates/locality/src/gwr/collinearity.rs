//! How nearly columns are combinations of one another around each place.

use super::model::GwrFit;
use super::multiscale::MgwrFit;
use super::normal::{Factor, Normal, at};
use super::space::{Around, BLOCK};
use crate::symmetric::eigen;
use crate::{Result, Watch, par};

/// Diagnostics of the weighted columns at `n` places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collinearity {
    /// Condition number of the weighted columns, each of length 1, that of the constant among them, `[n]`; above 30 coefficients are hard to
    /// tell apart.
    pub condition: Vec<f64>,
    /// Variance inflation factors of the columns, `[n, d]`, without the constant; infinite for a combination of the others, NaN for a
    /// column that is constant around the place.
    pub inflation: Vec<f64>,
    /// Shares of each coefficient's variance that the combination of columns with the smallest singular value makes, `[n, q]`: two that are
    /// large where the condition number is are hard to tell apart. NaN where that is infinite.
    pub proportions: Vec<f64>,
}

impl GwrFit {
    /// Diagnostics of collinearity around each place.
    ///
    /// Source: D. Wheeler, M. Tiefelsdorf, *Multicollinearity and correlation among local regression coefficients in geographically
    /// weighted regression*, J. Geographical Systems 7 (2005).
    ///
    /// # Errors
    /// An interruption.
    pub fn collinearity(&self, watch: &Watch<'_>) -> Result<Collinearity> {
        let table = &self.laid.table;
        let q = table.q;
        let given: Vec<f64> = (0..table.len()).flat_map(|i| table.given_row(i)).collect();
        let first = usize::from(self.parameters.intercept);
        let found = self.laid.each(self.bandwidth, watch, |_, work| {
            let around = &work.around;
            let squared: Vec<(f64, f64)> = around.weight.iter().map(|w| (w * w, 0.0)).collect();
            let mut normal = Normal::new(q);
            normal.sum(&given, &around.index, &squared);
            let (condition, proportions) = condition(&normal);
            let plain: Vec<(f64, f64)> = around.weight.iter().map(|w| (*w, *w)).collect();
            // Kept columns lose fewer digits to their means.
            normal.sum(&table.x, &around.index, &plain);
            let total: f64 = around.weight.iter().sum();
            Ok((condition, inflation(&normal, total, first), proportions))
        })?;
        let mut out = Collinearity::default();
        for (condition, inflation, proportions) in found {
            out.condition.push(condition);
            out.inflation.extend(inflation);
            out.proportions.extend(proportions);
        }
        Ok(out)
    }
}

impl MgwrFit {
    /// Diagnostics of collinearity around each place, each column under the weights of its own bandwidth; without inflation factors, which
    /// are of one bandwidth.
    ///
    /// Source: as [`GwrFit::collinearity`], and A. S. Fotheringham, T. M. Oshan, *Geographically weighted regression and multicollinearity:
    /// dispelling the myth*, J. Geographical Systems 18 (2016).
    ///
    /// # Errors
    /// An interruption.
    pub fn collinearity(&self, watch: &Watch<'_>) -> Result<Collinearity> {
        let (table, space) = (&self.laid.table, &self.laid.space);
        let (n, q) = (table.len(), table.q);
        let given: Vec<f64> = (0..n).flat_map(|i| table.given_row(i)).collect();
        let blocks = par::map_blocks(watch, n, BLOCK, |range| {
            let mut around = Around::default();
            let mut weighted = vec![0.0; n * q];
            let one = |i: usize| {
                weighted.fill(0.0);
                for (j, b) in self.bandwidths().iter().enumerate() {
                    space.around(space.point(i), *b, &mut around)?;
                    for (&k, w) in around.index.iter().zip(&around.weight) {
                        let at = k as usize * q + j;
                        weighted[at] = w * given[at];
                    }
                }
                let mut normal = Normal::new(q);
                let all: Vec<(f64, f64)> = vec![(1.0, 0.0); n];
                let index: Vec<u32> = (0..n as u32).collect();
                normal.sum(&weighted, &index, &all);
                Ok(condition(&normal))
            };
            range.map(one).collect::<Result<Vec<_>>>()
        })?;
        let mut out = Collinearity::default();
        for (condition, proportions) in blocks.into_iter().flatten() {
            out.condition.push(condition);
            out.proportions.extend(proportions);
        }
        Ok(out)
    }
}

/// Root of the ratio of the largest to the smallest eigenvalue of a matrix brought to unit diagonal, and what the latter's share is of each
/// diagonal number of the inverse.
fn condition(m: &Normal) -> (f64, Vec<f64>) {
    let q = m.q;
    let unit = |i: usize| m.pairs[at(i, i)].sqrt().recip();
    let mut a = vec![0.0; q * q];
    for i in 0..q {
        for j in 0..=i {
            a[i * q + j] = m.pairs[at(i, j)] * unit(i) * unit(j);
            a[j * q + i] = a[i * q + j];
        }
    }
    let none = (f64::INFINITY, vec![f64::NAN; q]);
    if a.iter().any(|x| !x.is_finite()) {
        return none;
    }
    let (values, vectors) = eigen(a, q);
    let (mut low, mut high, mut last) = (f64::INFINITY, 0.0_f64, 0);
    for (k, value) in values.iter().enumerate() {
        high = high.max(*value);
        if *value < low {
            (low, last) = (*value, k);
        }
    }
    if low <= 0.0 {
        return none;
    }
    let part = |k: usize, j: usize| vectors[k * q + j].powi(2) / values[k];
    let share = |j: usize| part(last, j) / (0..q).map(|k| part(k, j)).sum::<f64>();
    ((high / low).sqrt(), (0..q).map(share).collect())
}

/// Diagonal of the inverse of the weighted correlation matrix of the columns from `first`.
fn inflation(m: &Normal, total: f64, first: usize) -> Vec<f64> {
    let d = m.q - first;
    let mean = |j: usize| m.right[first + j] / total;
    let mut covariance = Normal::new(d);
    for i in 0..d {
        for j in 0..=i {
            let raw = m.pairs[at(first + i, first + j)] / total;
            covariance.pairs[at(i, j)] = raw - mean(i) * mean(j);
        }
        // What is left of a difference of nearly equal numbers is rounding.
        let own = &mut covariance.pairs[at(i, i)];
        if *own <= 1e-14 * m.pairs[at(first + i, first + i)] / total {
            *own = 0.0;
        }
    }
    let factor = Factor::new(&covariance);
    let one = |j: usize| {
        let own = covariance.pairs[at(j, j)];
        if own == 0.0 {
            return f64::NAN;
        }
        let mut unit = vec![0.0; d];
        unit[j] = 1.0;
        if factor.has(j) {
            factor.solve(&unit)[j] * own
        } else {
            f64::INFINITY
        }
    };
    (0..d).map(one).collect()
}

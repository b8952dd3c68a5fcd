//! How nearly columns are combinations of one another around each place.

use super::model::GwrFit;
use super::normal::{Factor, Normal, at};
use crate::symmetric::eigen;
use crate::{Result, Watch};

/// Diagnostics of the weighted columns at `n` places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collinearity {
    /// Condition number of the weighted columns, each of length 1, that of the constant among them, `[n]`; above 30 coefficients are hard to
    /// tell apart.
    pub condition: Vec<f64>,
    /// Variance inflation factors of the columns, `[n, d]`, without the constant; infinite for a combination of the others, NaN for a
    /// column that is constant around the place.
    pub inflation: Vec<f64>,
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
            let condition = condition(&normal);
            let plain: Vec<(f64, f64)> = around.weight.iter().map(|w| (*w, *w)).collect();
            // Kept columns lose fewer digits to their means.
            normal.sum(&table.x, &around.index, &plain);
            let total: f64 = around.weight.iter().sum();
            Ok((condition, inflation(&normal, total, first)))
        })?;
        let (condition, inflation): (Vec<f64>, Vec<Vec<f64>>) = found.into_iter().unzip();
        Ok(Collinearity {
            condition,
            inflation: inflation.concat(),
        })
    }
}

/// Root of the ratio of the largest to the smallest eigenvalue of a matrix brought to unit diagonal.
fn condition(m: &Normal) -> f64 {
    let q = m.q;
    let unit = |i: usize| m.pairs[at(i, i)].sqrt().recip();
    let mut a = vec![0.0; q * q];
    for i in 0..q {
        for j in 0..=i {
            a[i * q + j] = m.pairs[at(i, j)] * unit(i) * unit(j);
            a[j * q + i] = a[i * q + j];
        }
    }
    if a.iter().any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    let (values, _) = eigen(a, q);
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |r, v| (r.0.min(*v), r.1.max(*v)));
    if low > 0.0 {
        (high / low).sqrt()
    } else {
        f64::INFINITY
    }
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

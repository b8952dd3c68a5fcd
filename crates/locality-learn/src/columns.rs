//! Columns in units of their own deviations, which networks are made for.

use locality_core::{Error, Result, Rows};

use crate::Number;

/// Mean and standard deviation of each column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    pub(crate) means: Vec<f64>,
    /// 1 where a column does not vary but for rounding.
    pub(crate) deviations: Vec<f64>,
}

impl Columns {
    /// Those of a table.
    ///
    /// # Errors
    /// No rows or no columns; NaN or infinite numbers, or such large ones that their differences are.
    pub(crate) fn of(name: &str, rows: Rows<'_, f64>) -> Result<Self> {
        let (n, d) = (rows.rows(), rows.columns());
        if n == 0 || d == 0 {
            return Err(Error::empty(format!(
                "{name} has shape [{n}, {d}]; give at least one row of one column"
            )));
        }
        let count = n as f64;
        let mut means = vec![0.0; d];
        for x in rows.iter() {
            means.iter_mut().zip(x).for_each(|(m, x)| *m += x / count);
        }
        // Tiny or huge columns are squared in units of their farthest entry, where squares neither vanish nor overflow.
        let mut farthest = vec![0.0_f64; d];
        for x in rows.iter() {
            for ((far, x), m) in farthest.iter_mut().zip(x).zip(&means) {
                let off = (x - m).abs();
                *far = if far.is_nan() || off.is_nan() {
                    f64::NAN
                } else {
                    off.max(*far)
                };
            }
        }
        if let Some(j) = farthest.iter().position(|far| !far.is_finite()) {
            return Err(Error::not_finite(format!(
                "{name}: column {j} (counted from 0) has NaN or infinite numbers, or such large ones that their differences are; leave out \
                 these rows, or change the unit"
            )));
        }
        let units = farthest.into_iter();
        let units = units.map(|far| {
            if far == 0.0 || (1e-100..1e100).contains(&far) {
                1.0
            } else {
                far
            }
        });
        let units: Vec<f64> = units.collect();
        let mut squares = vec![0.0; d];
        for x in rows.iter() {
            for ((s, x), (m, unit)) in squares.iter_mut().zip(x).zip(means.iter().zip(&units)) {
                *s += ((x - m) / unit).powi(2) / count;
            }
        }
        // What is left of a constant by rounding is no deviation, nor is what has no inverse.
        let deviation = |((s, unit), m): ((f64, f64), &f64)| {
            let deviation = unit * s.sqrt();
            if deviation > 1e-12 * m.abs() && (1.0 / deviation).is_finite() {
                deviation
            } else {
                1.0
            }
        };
        let spreads = squares.into_iter().zip(units).zip(&means);
        let deviations = spreads.map(deviation).collect();
        Ok(Self { means, deviations })
    }

    /// From means and deviations that were found before.
    ///
    /// # Errors
    /// None, different counts, numbers that are not finite or deviations that are not positive.
    pub(crate) fn from_numbers(means: &[f64], deviations: &[f64]) -> Result<Self> {
        if means.is_empty() || means.len() != deviations.len() {
            return Err(Error::shape(format!(
                "means has {} numbers and deviations {}; give one of each for every column",
                means.len(),
                deviations.len()
            )));
        }
        let finite = means.iter().chain(deviations).all(|x| x.is_finite());
        if !finite || deviations.iter().any(|s| *s <= 0.0) {
            return Err(Error::not_finite(
                "means and deviations must be finite, and deviations positive; the model is damaged",
            ));
        }
        Ok(Self {
            means: means.to_vec(),
            deviations: deviations.to_vec(),
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.means.len()
    }

    /// Rows in these units.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite.
    pub(crate) fn scale<T: Number>(&self, name: &str, rows: Rows<'_, f64>) -> Result<Vec<T>> {
        if rows.columns() != self.len() {
            return Err(Error::shape(format!(
                "{name} has {} columns, but the model was fitted to {}",
                rows.columns(),
                self.len()
            )));
        }
        let mut out = Vec::with_capacity(rows.rows() * self.len());
        for (i, row) in rows.iter().enumerate() {
            for ((x, m), s) in row.iter().zip(&self.means).zip(&self.deviations) {
                let z = T::from_f64((x - m) / s);
                if !z.is_finite() {
                    return Err(Error::not_finite(format!(
                        "{name}: row {i} (counted from 0) has {x}, which is no number that the model can take; leave the row out"
                    )));
                }
                out.push(z);
            }
        }
        Ok(out)
    }

    /// Back to the units of the table.
    pub(crate) fn unscale<T: Number>(&self, rows: &[T]) -> Vec<f64> {
        let units = self.means.iter().zip(&self.deviations).cycle();
        let back = rows.iter().zip(units);
        back.map(|(z, (m, s))| z.to_f64() * s + m).collect()
    }
}

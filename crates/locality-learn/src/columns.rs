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
    /// No rows or no columns; NaN or infinite numbers, or such large ones that their squares are.
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
        let mut squares = vec![0.0; d];
        for x in rows.iter() {
            for ((s, x), m) in squares.iter_mut().zip(x).zip(&means) {
                *s += (x - m).powi(2) / count;
            }
        }
        if let Some(j) = squares.iter().position(|s| !s.is_finite()) {
            return Err(Error::not_finite(format!(
                "{name}: column {j} (counted from 0) has NaN or infinite numbers, or such large ones that their squares are; leave out \
                 these rows, or change the unit"
            )));
        }
        // What is left of a constant by rounding is no deviation.
        let deviation = |(s, m): (f64, &f64)| {
            let deviation = s.sqrt();
            if deviation > 1e-12 * m.abs() {
                deviation
            } else {
                1.0
            }
        };
        let deviations = squares.into_iter().zip(&means).map(deviation).collect();
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

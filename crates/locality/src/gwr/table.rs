//! The table a model is fitted to.

use super::family::Response;
use crate::{Error, Result, Rows};

/// Columns, with a constant where there is an intercept, and responses.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) q: usize,
    pub(super) family: Response,
    /// `[n, q]`; beside an intercept, columns are counted from their means, which tells them better from the constant.
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Logarithms of exposures, or nothing.
    offset: Vec<f64>,
    center: Vec<f64>,
    intercept: bool,
}

impl Table {
    pub(super) fn new(
        x: Rows<'_, f64>,
        y: &[f64],
        exposure: Option<&[f64]>,
        (family, intercept, centered): (Response, bool, bool),
    ) -> Result<Self> {
        x.require_finite("X")?;
        let n = x.rows();
        if y.len() != n {
            return Err(Error::shape(format!(
                "y has {} numbers, but X has {n} rows; give one for each",
                y.len()
            )));
        }
        family.check(y)?;
        let mut out = Self {
            q: x.columns() + usize::from(intercept),
            family,
            x: Vec::new(),
            y: y.to_vec(),
            offset: exposures(exposure, n, family)?,
            center: vec![0.0; x.columns()],
            intercept,
        };
        if intercept && centered {
            for row in x.iter() {
                out.center
                    .iter_mut()
                    .zip(row)
                    .for_each(|(c, x)| *c += x / n as f64);
            }
        }
        out.x = x.iter().flat_map(|row| out.row(row)).collect();
        Ok(out)
    }

    pub(super) fn len(&self) -> usize {
        self.y.len()
    }

    /// A row as it is kept.
    pub(super) fn row(&self, row: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.q);
        if self.intercept {
            out.push(1.0);
        }
        out.extend(row.iter().zip(&self.center).map(|(x, c)| x - c));
        out
    }

    /// Row `i` as it is kept.
    pub(super) fn kept(&self, i: usize) -> &[f64] {
        &self.x[i * self.q..][..self.q]
    }

    /// Row `i` with the columns as given.
    pub(super) fn given_row(&self, i: usize) -> Vec<f64> {
        let mut out = self.kept(i).to_vec();
        let columns = &mut out[usize::from(self.intercept)..];
        columns
            .iter_mut()
            .zip(&self.center)
            .for_each(|(x, c)| *x += c);
        out
    }

    /// The logarithm of an exposure.
    pub(super) fn offset(&self, i: usize) -> f64 {
        self.offset.get(i).copied().unwrap_or(0.0)
    }

    /// What turns kept coefficients into coefficient `j` of the columns as given.
    pub(super) fn given(&self, j: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.q];
        out[j] = 1.0;
        if self.intercept && j == 0 {
            out[1..]
                .iter_mut()
                .zip(&self.center)
                .for_each(|(o, c)| *o = -c);
        }
        out
    }

    /// Rows and exposures at which to predict.
    pub(super) fn check(
        &self,
        x: Rows<'_, f64>,
        places: usize,
        exposure: Option<&[f64]>,
    ) -> Result<Vec<f64>> {
        if x.columns() != self.center.len() {
            return Err(Error::shape(format!(
                "X has {} columns, but the model was fitted with {}",
                x.columns(),
                self.center.len()
            )));
        }
        if x.rows() != places {
            return Err(Error::shape(format!(
                "coords has {places} rows, but X has {}; give one for each",
                x.rows()
            )));
        }
        if x.rows() > 0 {
            x.require_finite("X")?;
        }
        exposures(exposure, x.rows(), self.family)
    }

    /// Deviance of the model of one mean.
    pub(super) fn null_deviance(&self) -> f64 {
        let exposure = |i: usize| self.offset(i).exp();
        let total: f64 = (0..self.len()).map(exposure).sum();
        let mean = self.y.iter().sum::<f64>() / total;
        let one = |(i, y): (usize, &f64)| self.family.deviance(*y, mean * exposure(i));
        self.y.iter().enumerate().map(one).sum()
    }
}

/// Logarithms of exposures.
fn exposures(exposure: Option<&[f64]>, n: usize, family: Response) -> Result<Vec<f64>> {
    let Some(exposure) = exposure else {
        return Ok(Vec::new());
    };
    if family != Response::Poisson {
        return Err(Error::parameter(
            "exposure belongs to counts; leave it out, or choose the family poisson",
        ));
    }
    if exposure.len() != n {
        return Err(Error::shape(format!(
            "exposure has {} numbers, but X has {n} rows; give one for each",
            exposure.len()
        )));
    }
    if let Some(i) = exposure.iter().position(|e| !(*e > 0.0 && e.is_finite())) {
        return Err(Error::parameter(format!(
            "exposure has {} in row {i} (counted from 0); it must be positive and finite",
            exposure[i]
        )));
    }
    Ok(exposure.iter().map(|e| e.ln()).collect())
}

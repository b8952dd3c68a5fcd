//! Predictions of geographically weighted regression at new places.

use super::model::GwrFit;
use super::place::{Local, Work};
use super::space::BLOCK;
use crate::{Result, Rows, Watch, par};

/// A model at `m` new places, with `q` coefficients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GwrAt {
    /// Predicted means, `[m]`.
    pub values: Vec<f64>,
    /// Linear predictors, `[m]`.
    pub linear: Vec<f64>,
    /// Standard errors of the linear predictors, `[m]`.
    pub linear_errors: Vec<f64>,
    /// Coefficients, `[m, q]`.
    pub coefficients: Vec<f64>,
    /// Their standard errors, `[m, q]`; NaN for columns that were left out.
    pub standard_errors: Vec<f64>,
    /// Places where a column was left out, or classes are told apart without end, `[m]`.
    pub thin: Vec<bool>,
}

impl GwrFit {
    /// The model at new places: columns `[m, d]`, coordinates and, for counts, exposures `[m]`. Of the rows that were fitted the result
    /// is the fit itself.
    ///
    /// # Errors
    /// Shapes that do not fit the model, NaN or infinite numbers, or an interruption.
    pub fn at(
        &self,
        x: Rows<'_, f64>,
        coords: Rows<'_, f64>,
        exposure: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<GwrAt> {
        let (table, space) = (&self.laid.table, &self.laid.space);
        let offset = table.check(x, coords.rows(), exposure)?;
        let points = space.others(coords, self.given.dims)?;
        let blocks = par::map_blocks(watch, x.rows(), BLOCK, |range| {
            let mut work = Work::new(table.q);
            let one = |i: usize| {
                let point = &points[i * space.dims()..][..space.dims()];
                space.around(point, self.bandwidth, &mut work.around)?;
                let local = Local::new(table, &mut work, &self.laid.start, true);
                let row = table.row(x.row(i));
                let given: Vec<(f64, f64)> = (0..table.q).map(|j| local.given(table, j)).collect();
                let variance = local.variance(&row);
                Ok((local.eta(&row), variance, given, local.thin))
            };
            range.map(one).collect::<Result<Vec<_>>>()
        })?;
        let scale = self.summary().scale;
        let mut out = GwrAt::default();
        for (i, (eta, variance, given, thin)) in blocks.into_iter().flatten().enumerate() {
            let linear = eta + offset.get(i).copied().unwrap_or(0.0);
            out.values.push(table.family.mean(linear));
            out.linear.push(linear);
            out.linear_errors.push((variance * scale).sqrt());
            out.coefficients.extend(given.iter().map(|g| g.0));
            out.standard_errors
                .extend(given.iter().map(|g| (g.1 * scale).sqrt()));
            out.thin.push(thin);
        }
        Ok(out)
    }
}

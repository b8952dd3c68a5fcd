//! Multiscale geographically weighted regression: what was fitted.

use super::hat::{self, Elsewhere, Hat};
use super::mgwr::{Mgwr, Solved};
use super::model::{Given, Laid};
use super::search::Tried;
use super::smooth::Column;
use super::summary::Summary;
use crate::{Error, Result, Rows, Watch};

/// A model of several bandwidths at every place; made by [`Mgwr::fit`]. With `q` coefficients, that of the constant first.
#[derive(Clone, Debug)]
pub struct MgwrFit {
    pub(crate) parameters: Mgwr,
    pub(super) laid: Laid,
    first: f64,
    pub(crate) given: Given,
    targets: Vec<Vec<f64>>,
    weight: Vec<f64>,
    bandwidths: Vec<f64>,
    tried: Vec<Tried>,
    history: Vec<Vec<f64>>,
    scores: Vec<f64>,
    converged: bool,
    coefficients: Vec<f64>,
    pub(super) errors: Vec<f64>,
    fitted: Vec<f64>,
    hat: Hat,
    summary: Summary,
}

impl MgwrFit {
    pub(super) fn new(
        parameters: Mgwr,
        laid: Laid,
        first: f64,
        solved: Solved,
        (history, scores, converged): (Vec<Vec<f64>>, Vec<f64>, bool),
        hat: Hat,
        given: Given,
    ) -> Self {
        let table = &laid.table;
        let (n, q) = (table.len(), table.q);
        let mean = |i: usize| {
            let eta: f64 = solved.parts.iter().map(|p| p[i]).sum();
            table.family.mean(eta + table.offset(i))
        };
        let fitted: Vec<f64> = (0..n).map(mean).collect();
        let summary = Summary::new(table, &fitted, &hat.own, f64::NAN);
        let errors = hat.variances.iter().map(|v| (v * summary.scale).sqrt());
        Self {
            coefficients: (0..n * q).map(|k| solved.betas[k % q][k / q]).collect(),
            errors: errors.collect(),
            parameters,
            first,
            given,
            targets: solved.targets,
            weight: solved.weight,
            bandwidths: solved.bandwidths,
            tried: solved.tried,
            history,
            scores,
            converged,
            fitted,
            hat,
            summary,
            laid,
        }
    }

    /// The same with names for the columns `[d]`, which stand in files; `x0`, `x1`, .. by default.
    ///
    /// # Errors
    /// Another number of names.
    pub fn named(mut self, names: &[String]) -> Result<Self> {
        self.given.name(names)?;
        Ok(self)
    }

    /// The names of the columns, `[d]`.
    pub fn names(&self) -> &[String] {
        &self.given.names
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &Mgwr {
        &self.parameters
    }

    /// The bandwidth of each coefficient, `[q]`.
    pub fn bandwidths(&self) -> &[f64] {
        &self.bandwidths
    }

    /// The last search of each coefficient's bandwidth, `[q]`, with the criterion of every bandwidth that was tried; of a model from a file, or
    /// with bandwidths given, there is none.
    pub fn tried(&self) -> &[Vec<(f64, f64)>] {
        &self.tried
    }

    /// The one bandwidth of the model from which it started.
    pub fn first_bandwidth(&self) -> f64 {
        self.first
    }

    /// Bandwidths after each round, `[rounds][q]`.
    pub fn history(&self) -> &[Vec<f64>] {
        &self.history
    }

    /// By what share each round changed the fit, `[rounds]`.
    pub fn changes(&self) -> &[f64] {
        &self.scores
    }

    /// Whether the last round changed less than the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Coefficients at each place, `[n, q]`; 0 where the column is 0 all around.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Their standard errors, `[n, q]`; NaN without inference.
    pub fn standard_errors(&self) -> &[f64] {
        &self.errors
    }

    /// Fitted means, `[n]`.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// Diagonal of the hat matrix, `[n]`; NaN without inference.
    pub fn leverage(&self) -> &[f64] {
        &self.hat.own
    }

    /// Effective number of parameters of each coefficient's surface, `[q]`; NaN without inference.
    pub fn parameters_by_column(&self) -> &[f64] {
        &self.hat.traces
    }

    /// Figures of the whole; those that need the hat matrix are NaN without inference.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Coefficients `[m, q]` and means `[m]` at new places: columns `[m, d]`, coordinates and, for counts, exposures `[m]`. Each column is fitted
    /// around the place to what it was last fitted to, so that of the rows that were fitted the result is the fit itself.
    ///
    /// # Errors
    /// Shapes that do not fit the model, NaN or infinite numbers, or an interruption.
    pub fn at(
        &self,
        x: Rows<'_, f64>,
        coords: Rows<'_, f64>,
        exposure: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (table, space) = (&self.laid.table, &self.laid.space);
        let offset = table.check(x, coords.rows(), exposure)?;
        let points = space.others(coords, self.given.dims)?;
        let mut betas = vec![0.0; x.rows() * table.q];
        for j in 0..table.q {
            let kept: Vec<f64> = (0..table.len()).map(|i| table.kept(i)[j]).collect();
            let column = Column {
                x: &kept,
                target: &self.targets[j],
                weight: &self.weight,
            };
            let found = hat::at_points(
                space,
                &points,
                self.bandwidths[j],
                &watch.quiet(),
                |_, around| column.at(around).value,
            )?;
            for (i, beta) in found.into_iter().enumerate() {
                betas[i * table.q + j] = beta;
            }
        }
        let mean = |i: usize| {
            let row = table.row(x.row(i));
            let eta: f64 = row
                .iter()
                .zip(&betas[i * table.q..])
                .map(|(x, b)| x * b)
                .sum();
            table
                .family
                .mean(eta + offset.get(i).copied().unwrap_or(0.0))
        };
        let means = (0..x.rows()).map(mean).collect();
        Ok((betas, means))
    }

    /// Standard errors at new places: of coefficients `[m, q]`, and of linear predictors `[m]` of the columns `[m, d]`. Of the rows that were
    /// fitted they are the fit's own.
    ///
    /// # Errors
    /// As [`MgwrFit::variances_at`]; a model that was fitted without inference.
    pub fn errors_at(
        &self,
        x: Rows<'_, f64>,
        coords: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let scale = self.summary.scale;
        if scale.is_nan() || self.hat.traces.iter().any(|t| t.is_nan()) {
            return Err(Error::parameter(
                "the model was fitted without inference, so that its noise is not known; fit it with inference",
            ));
        }
        let error = |v: Vec<f64>| v.iter().map(|v| (v * scale).sqrt()).collect();
        let (coefficients, linear) = self.variances_at(x, coords, watch)?;
        Ok((error(coefficients), error(linear)))
    }

    /// Variances at new places, in units of the noise's ([`Summary::scale`]): of coefficients `[m, q]`, and of linear predictors `[m]` of the
    /// columns `[m, d]`.
    ///
    /// A coefficient is a linear function of the (working) responses: the smooth of what back-fitting leaves to its column. That is followed
    /// through all rounds as inference follows it, which takes the time of inference again, whatever the number of places, in memory that is
    /// bounded. The bandwidths and, but for Gaussian responses, the weights of the last round count as given.
    ///
    /// # Errors
    /// Shapes that do not fit the model, NaN or infinite numbers, or an interruption.
    pub fn variances_at(
        &self,
        x: Rows<'_, f64>,
        coords: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (table, space) = (&self.laid.table, &self.laid.space);
        let (m, q) = (x.rows(), table.q);
        let exposure = self.given.exposure.as_ref().map(|_| vec![1.0; m]);
        table.check(x, coords.rows(), exposure.as_deref())?;
        let mut there = Elsewhere {
            points: space.others(coords, self.given.dims)?,
            x: x.iter().flat_map(|row| table.row(row)).collect(),
            variances: vec![0.0; m * q],
            linear: vec![0.0; m],
        };
        hat::trace(
            &self.laid,
            self.first,
            &self.history,
            &self.weight,
            Some(&mut there),
            watch,
        )?;
        Ok((there.variances, there.linear))
    }
}

//! Local quantiles: of the responses around a target, or of a line or polynomial through them.

use super::design::{Design, count};
use super::model::{check_hollow, model_columns};
use super::quantile_line::Local;
use crate::{
    Error, Kernel, LocalMean, LocalMeanFit, LocalSample, Neighborhood, OnEmpty, Result, Rows, Watch,
};

/// The parameters of local quantile regression: at each target the constant `b_0` of the polynomial that minimises
/// `sum_i c_i K(x*, x_i) r(y_i - P(x_i - x*))` with the check loss `r(u) = u (level - [u < 0])`.
///
/// Degree 0, the default, is the weighted quantile of the responses itself, exact; half way between two where both are.
/// Polynomials are found by majorisation, and then exactly, from vertex to vertex of the linear program that they are the solution of.
///
/// They are guarded unless [`guard`](Self::guard) says otherwise: where a target has fewer effective samples than twice the number of
/// coefficients, or is far outside its samples, the prediction goes smoothly from the polynomial to the line and from there to the quantile of
/// degree 0; and it is never further from the latter than four standard deviations of the responses around the target, nor further outside
/// them than half their range. [`thin`](LocalQuantileFit::thin) says where.
///
/// ```
/// use locality::local::LocalQuantile;
/// use locality::{Rows, Watch};
/// let (x, y) = ([0.0, 0.0, 0.0, 5.0], [1.0, 2.0, 100.0, 7.0]);
/// let (watch, model) = (Watch::default(), LocalQuantile::new("boxcar(h=1)".parse()?));
/// let fit = model.levels([0.5, 0.9]).fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// assert_eq!(fit.at(Rows::column(&[0.0, 5.0]), &watch)?, [2.0, 100.0, 7.0, 7.0]);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: R. Koenker, G. Bassett, *Regression quantiles* (1978); J. Fan, T.-C. Hu, Y. K. Truong, *Robust non-parametric function estimation*
/// (1994); D. R. Hunter, K. Lange, *Quantile regression via an MM algorithm* (2000).
#[derive(Clone, Debug)]
pub struct LocalQuantile {
    kernel: Kernel,
    levels: Vec<f64>,
    degree: usize,
    neighborhood: Neighborhood,
    columns: Option<Vec<usize>>,
    guard: bool,
}

impl LocalQuantile {
    /// The local median under a kernel.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            levels: vec![0.5],
            degree: 0,
            neighborhood: Neighborhood::default(),
            columns: None,
            guard: true,
        }
    }

    /// Whether polynomials are shrunk where evidence is thin; they are by default.
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// The levels, above 0 and below 1; 0.5 by default.
    #[must_use]
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Self {
        self.levels = levels.into();
        self
    }

    /// The degree of the polynomial; 0 by default.
    #[must_use]
    pub fn degree(mut self, degree: usize) -> Self {
        self.degree = degree;
        self
    }

    /// The columns of the polynomial, counted from 0; all by default. The kernel names its own.
    #[must_use]
    pub fn on(mut self, columns: impl Into<Vec<usize>>) -> Self {
        self.columns = Some(columns.into());
        self
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// Lays out samples `[n, d]` with responses `[n, 1]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalMean::fit`]; no level or one outside 0 to 1, a column that is not there, more than one response.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalQuantileFit> {
        let columns = model_columns(self.columns.as_deref(), samples.columns())?;
        if self.levels.is_empty() {
            return Err(Error::parameter(
                "levels is empty; name at least one, such as 0.5",
            ));
        }
        if let Some(level) = self.levels.iter().find(|l| !(**l > 0.0 && **l < 1.0)) {
            return Err(Error::parameter(format!(
                "level={level} must be above 0 and below 1"
            )));
        }
        if responses.columns() != 1 {
            return Err(Error::shape(format!(
                "responses has {} columns; quantiles are of one",
                responses.columns()
            )));
        }
        if count(columns.len(), self.degree).is_none_or(|q| q > 100) {
            return Err(Error::parameter(format!(
                "degree={} in {} columns has more than 100 coefficients; lower the degree or choose fewer columns",
                self.degree,
                columns.len()
            )));
        }
        let means = LocalMean::new(self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .on_empty(OnEmpty::Nearest)
            .fit_watched(samples, responses, weights, watch)?;
        let column = |i: usize, c: usize| samples.row(i)[columns[c]];
        let response = |i: usize, _| responses.row(i)[0];
        let shape = (columns.len(), 1);
        let design = Design::new(means.order(), shape, self.degree, column, response, weights);
        let y: Vec<f64> = means
            .order()
            .iter()
            .map(|&i| response(i as usize, 0))
            .collect();
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by(|&a, &b| y[a].total_cmp(&y[b]));
        let mut rank = vec![0; y.len()];
        for (r, &slot) in order.iter().enumerate() {
            rank[slot] = r;
        }
        Ok(LocalQuantileFit {
            sorted: order.iter().map(|&slot| y[slot]).collect(),
            rank,
            parameters: self.clone(),
            columns,
            means,
            design,
        })
    }
}

/// Samples laid out for quantiles; made by [`LocalQuantile::fit`].
#[derive(Clone, Debug)]
pub struct LocalQuantileFit {
    parameters: LocalQuantile,
    columns: Vec<usize>,
    means: LocalMeanFit<f64>,
    design: Design,
    /// Responses by size, and the place of each slot's among them.
    sorted: Vec<f64>,
    rank: Vec<usize>,
}

impl LocalQuantileFit {
    /// Quantiles at targets `[m, d]`: `[m, levels]`. Where no sample weighs, the nearest one's response.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, or an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        Ok(self.at_guarded(targets, watch)?.0)
    }

    /// Whether evidence was too thin for all of the polynomial at targets `[m, d]`, `[m]`.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn thin(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<bool>> {
        Ok(self.at_guarded(targets, watch)?.1)
    }

    /// Both: quantiles `[m, levels]`, and whether evidence was too thin `[m]`.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_guarded(
        &self,
        targets: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<bool>)> {
        let n = self.means.order().len();
        check_hollow(&self.parameters.neighborhood, targets.rows(), n)?;
        let levels = &self.parameters.levels;
        let found = self.means.local_samples(targets, watch, |i, sample| {
            let constants = self.constants(sample);
            let empty = constants.iter().any(|q| q.is_nan());
            if self.parameters.degree == 0 || empty {
                return Ok((constants, empty));
            }
            let row = targets.row(i);
            let target: Vec<f64> = self.columns.iter().map(|&c| row[c]).collect();
            let local = Local::new(&self.design, sample, &target);
            Ok(local.polynomials(levels, &constants, self.parameters.guard))
        })?;
        let (found, thin): (Vec<_>, Vec<bool>) = found.into_iter().unzip();
        let mut out = found.concat();
        if out.iter().any(|q| q.is_nan()) {
            let nearest = self.means.at(targets, &watch.quiet())?.means;
            let rows = out.chunks_exact_mut(levels.len());
            for (row, nearest) in rows.zip(nearest) {
                let empty = row.iter().any(|q| q.is_nan());
                row.iter_mut().filter(|_| empty).for_each(|q| *q = nearest);
            }
        }
        Ok((out, thin))
    }

    /// The weighted quantiles of the responses; NaN where none weighs.
    fn constants(&self, sample: LocalSample<'_, f64>) -> Vec<f64> {
        let mut by_size = vec![0.0; self.sorted.len()];
        let mut total = 0.0;
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                if *w > 0.0 {
                    by_size[self.rank[slot]] = *w;
                    total += w;
                }
            }
        }
        let quantile = |level: &f64| {
            let wanted = level * total;
            let slack = 1e-12 * total;
            let mut below = 0.0;
            let mut lower = None;
            for (y, w) in self.sorted.iter().zip(&by_size) {
                if *w == 0.0 {
                    continue;
                }
                if let Some(lower) = lower {
                    return 0.5 * (lower + y);
                }
                below += w;
                if below > wanted + slack {
                    return *y;
                }
                if below >= wanted - slack {
                    lower = Some(*y);
                }
            }
            lower.unwrap_or(f64::NAN)
        };
        self.parameters.levels.iter().map(quantile).collect()
    }
}

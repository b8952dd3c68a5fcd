//! Local generalized linear models: logistic, Poisson, gamma and negative-binomial regression around each target.

use std::ops::Range;

use locality_core::isa::dispatch;

use super::approach::Singles;
use super::design::Design;
use super::family::Family;
use super::link::{Link, Linked};
use super::model::check_hollow;
use super::newton::{Found, Newton};
use crate::{Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch};

/// What is left beside samples that were not seen, as a share of the largest of these: what weighs less than 1e-16 is not drawn.
const ALONE: f64 = 1e-12;

/// The parameters of a local generalized linear model: at each target, coefficients minimise
/// `sum_i c_i K(x*, x_i) l(y_i, b_0 + b . x_i) + penalty / 2 |b|^2`, and the prediction is the mean at the target.
///
/// The penalty keeps separable classes apart without end, and shrinks slopes where few samples weigh, so that the prediction turns
/// into the local mean.
///
/// Fits are guarded unless [`guard`](Self::guard) says otherwise, as those of [`LocalPolynomial`](super::LocalPolynomial) are: where a
/// target has fewer effective samples than twice the number of coefficients, or is far outside its samples, slopes are shrunk, so that the
/// prediction turns smoothly into the local mean; and no mean is further from the local mean than four standard deviations of the
/// responses around the target, nor further outside them than half their range. [`GlmFits::thin`] says where.
///
/// ```
/// use locality::local::{Family, LocalGlm};
/// use locality::{Kernel, Rows, Watch};
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 10.0).collect();
/// // The class changes twice: no global line tells it.
/// let y: Vec<f64> = x.iter().map(|x| if (2.0..4.0).contains(x) { 1.0 } else { 0.0 }).collect();
/// let watch = Watch::default();
/// let model = LocalGlm::new(Kernel::gaussian(0.3), Family::Binomial).penalty(0.1);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// let at = fit.at(Rows::column(&[1.0, 3.0, 5.0]), &watch)?;
/// assert!(at.means()[0] < 0.1 && at.means()[1] > 0.9 && at.means()[2] < 0.1);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: J. Fan, N. E. Heckman, M. P. Wand, *Local polynomial kernel regression for generalized linear models and quasi-likelihood
/// functions*, JASA 90 (1995).
#[derive(Clone, Debug)]
pub struct LocalGlm {
    kernel: Kernel,
    family: Family,
    link: Option<Link>,
    neighborhood: Neighborhood,
    penalty: f64,
    columns: Option<Vec<usize>>,
    tolerance: f64,
    guard: bool,
}

impl LocalGlm {
    /// A family under a kernel.
    pub fn new(kernel: Kernel, family: Family) -> Self {
        Self {
            kernel,
            family,
            link: None,
            neighborhood: Neighborhood::default(),
            penalty: 1.0,
            columns: None,
            tolerance: 1e-12,
            guard: true,
        }
    }

    /// The penalty on squared slopes, beside a sum of losses in which a sample at the target counts 1; 1 by default, the inverse of the
    /// `C` of scikit-learn's logistic regression.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.penalty = penalty;
        self
    }

    /// What of the mean is linear in the columns; the family's [usual link](Family::usual_link) by default.
    #[must_use]
    pub fn link(mut self, link: impl Into<Option<Link>>) -> Self {
        self.link = link.into();
        self
    }

    /// Whether slopes are shrunk where evidence is thin; they are by default.
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// The columns of the model, counted from 0; all by default. The kernel names its own.
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

    /// Lays out samples `[n, d]` with responses `[n, 1]` and, optionally, sample weights `[n]`, and fits the global model from which local
    /// ones start.
    ///
    /// # Errors
    /// As [`LocalMean::fit`]; responses outside the family, a link that the family has not, a penalty that is negative or not finite, a column that is not there.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalGlmFit> {
        let d = samples.columns();
        let columns = match &self.columns {
            None => (0..d).collect(),
            Some(columns) => columns.clone(),
        };
        if let Some(c) = columns.iter().find(|c| **c >= d) {
            return Err(Error::parameter(format!(
                "columns has {c}, but samples have the columns 0 to {}",
                d.saturating_sub(1)
            )));
        }
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            return Err(Error::parameter(format!(
                "penalty={} must be finite and not negative",
                self.penalty
            )));
        }
        if responses.columns() != 1 {
            return Err(Error::shape(format!(
                "responses has {} columns; a generalized linear model has one",
                responses.columns()
            )));
        }
        let means = |kernel: Kernel| {
            LocalMean::new(kernel)
                .neighborhood(self.neighborhood.clone())
                .on_empty(OnEmpty::Nearest)
        };
        let local = means(self.kernel.clone()).fit_watched(samples, responses, weights, watch)?;
        self.family.check(responses)?;
        let linked = Linked::new(self.family, self.link)?;
        // Around their middle columns are better told apart from the constant.
        let n = samples.rows() as f64;
        let middle = |c: usize| samples.iter().map(|r| r[c]).sum::<f64>() / n;
        let center: Vec<f64> = columns.iter().map(|&c| middle(c)).collect();
        let column = |i: usize, c: usize| samples.row(i)[columns[c]] - center[c];
        let shape = (columns.len(), 1);
        let response = |i: usize, _| responses.row(i)[0];
        let design = Design::new(local.order(), shape, 1, column, response, weights);
        let mut fit = LocalGlmFit {
            parameters: self.clone(),
            columns,
            linked,
            center,
            means: local,
            design,
            global: Vec::new(),
            singles: None,
        };
        fit.global = fit.global(samples, responses, weights);
        if fit.linked.is_logistic() {
            fit.singles = Some(Singles::new(&fit.design, samples.rows(), &fit.global));
        }
        Ok(fit)
    }
}

/// Samples laid out for targets; made by [`LocalGlm::fit`].
#[derive(Clone, Debug)]
pub struct LocalGlmFit {
    parameters: LocalGlm,
    columns: Vec<usize>,
    linked: Linked,
    center: Vec<f64>,
    means: LocalMeanFit<f64>,
    design: Design,
    /// Coefficients of the global model.
    global: Vec<f64>,
    /// The design in single precision, for a logistic model.
    pub(super) singles: Option<Singles>,
}

/// Local generalized linear models at `m` targets.
#[derive(Clone, Debug, Default)]
pub struct GlmFits {
    linear: Vec<f64>,
    means: Vec<f64>,
    slopes: Vec<f64>,
    effective: Vec<f64>,
    converged: Vec<bool>,
    thin: Vec<bool>,
    alone: Vec<bool>,
}

impl GlmFits {
    /// Whether hardly anything is left where some samples were not seen.
    pub(super) fn alone(&self) -> &[bool] {
        &self.alone
    }

    /// Linear predictors, `[m]`.
    pub fn linear_predictors(&self) -> &[f64] {
        &self.linear
    }

    /// Means: probabilities of class 1, expected counts or numbers, `[m]`.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Slopes of the linear predictor by the model's columns, `[m, d]`.
    pub fn slopes(&self) -> &[f64] {
        &self.slopes
    }

    /// Effective numbers of samples, `[m]`; 0 in an empty region, where the nearest sample's response answers.
    pub fn effective_samples(&self) -> &[f64] {
        &self.effective
    }

    /// Whether evidence was too thin for all of the slopes, `[m]`; without a guard only in an empty region.
    pub fn thin(&self) -> &[bool] {
        &self.thin
    }

    /// Slopes by columns in other units.
    pub(super) fn rescale(&mut self, scales: &[f64]) {
        for slopes in self.slopes.chunks_exact_mut(scales.len().max(1)) {
            for (slope, scale) in slopes.iter_mut().zip(scales) {
                *slope /= scale;
            }
        }
    }

    /// Whether the minimum was found, `[m]`.
    pub fn converged(&self) -> &[bool] {
        &self.converged
    }
}

impl LocalGlmFit {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &LocalGlm {
        &self.parameters
    }

    /// The columns of the model, counted from 0.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The local means under the same kernel.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        &self.means
    }

    /// Predictions at targets `[m, d]`.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, or that are not as many as the samples where the
    /// neighbourhood is hollow; an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<GlmFits> {
        let n = self.means.order().len();
        check_hollow(&self.parameters.neighborhood, targets.rows(), n)?;
        self.at_without(targets, None, watch)
    }

    /// The same where target `i` does not see the samples `without[i]`. Where these outweigh what is left by so much that most of it may not have been drawn,
    /// the target counts as [`alone`](GlmFits::alone), and its mean says nothing.
    pub(super) fn at_without(
        &self,
        targets: Rows<'_, f64>,
        without: Option<&[Vec<usize>]>,
        watch: &Watch<'_>,
    ) -> Result<GlmFits> {
        let found = self.means.local_samples(targets, watch, |i, sample| {
            let unit = sample.log_scale().exp();
            let row = targets.row(i);
            let place = self.columns.iter().zip(&self.center);
            let place: Vec<f64> = place.map(|(&c, center)| row[c] - center).collect();
            let Some(without) = without else {
                let sample = (sample.runs(), sample.weights());
                return Ok(self.newton(sample, unit, &self.global, &place));
            };
            let slots: Vec<usize> = without[i]
                .iter()
                .map(|&i| self.means.slots()[i] as usize)
                .collect();
            let mut weights = sample.weights().to_vec();
            let mut first = 0;
            for run in sample.runs() {
                for slot in slots.iter().filter(|slot| run.contains(slot)) {
                    weights[first + slot - run.start] = 0.0;
                }
                first += run.len();
            }
            let largest = sample.weights().iter().fold(0.0, |a: f64, w| a.max(*w));
            if weights.iter().sum::<f64>() <= ALONE * largest {
                weights.fill(0.0);
            }
            Ok(self.newton((sample.runs(), &weights), unit, &self.global, &place))
        })?;
        let mut out = GlmFits::default();
        let mut nearest = None;
        for (i, found) in found.into_iter().enumerate() {
            let row = targets.row(i);
            let mut linear = found.coefficients[0];
            for (b, (&c, center)) in found.coefficients[1..]
                .iter()
                .zip(self.columns.iter().zip(&self.center))
            {
                linear += b * (row[c] - center);
            }
            let mut mean = self.linked.mean(linear);
            out.alone.push(without.is_some() && found.weight <= 0.0);
            if found.weight <= 0.0 && without.is_none() {
                let means = match &mut nearest {
                    Some(means) => means,
                    none => none.insert(self.means.at(targets, &watch.quiet())?.means),
                };
                mean = means[i];
                linear = self.linked.link(mean);
            }
            out.linear.push(linear);
            out.means.push(mean);
            out.slopes.extend(&found.coefficients[1..]);
            out.effective.push(found.effective);
            out.converged.push(found.converged);
            out.thin.push(found.thin || found.weight <= 0.0);
        }
        Ok(out)
    }

    fn newton(
        &self,
        sample: (&[Range<usize>], &[f64]),
        unit: f64,
        start: &[f64],
        target: &[f64],
    ) -> Found {
        dispatch(Newton {
            design: &self.design,
            family: self.linked,
            penalty: self.parameters.penalty,
            runs: sample.0,
            weights: sample.1,
            unit,
            start,
            singles: self.singles.as_ref(),
            tolerance: self.parameters.tolerance,
            guard: self.parameters.guard.then_some(target),
        })
    }

    /// Coefficients of the model under the sample weights alone.
    fn global(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
    ) -> Vec<f64> {
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let total: f64 = (0..samples.rows()).map(weight).sum();
        let sum: f64 = responses
            .iter()
            .enumerate()
            .map(|(i, r)| weight(i) * r[0])
            .sum();
        let mut start = vec![0.0; self.columns.len() + 1];
        start[0] = self.linked.link(sum / total);
        let by_slot: Vec<f64> = self
            .means
            .order()
            .iter()
            .map(|&i| weight(i as usize))
            .collect();
        let all = 0..by_slot.len();
        let runs = std::slice::from_ref(&all);
        let found = self.newton((runs, &by_slot), 1.0, &start, &vec![0.0; self.center.len()]);
        found.coefficients
    }
}

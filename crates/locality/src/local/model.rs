//! Models of one's own, made local.

use std::borrow::Cow;

use super::evidence::Evidence;
use super::solve::THIN;
use crate::{
    Error, Kernel, LocalMean, LocalMeanFit, LocalSample, Neighborhood, Region, Result, Rows, Watch,
};

/// A smaller share of a fit is none.
const NONE: f64 = 1e-6;

/// A statistical model that is fitted to samples with weights.
///
/// ```
/// use locality::local::{Localized, WeightedModel, WeightedSample};
/// use locality::{Kernel, Result, Rows, Watch};
///
/// /// The law `y = b x` of one column, by least squares.
/// struct Proportional;
///
/// impl WeightedModel for Proportional {
///     type Fit = f64;
///     fn outputs(&self, _columns: usize, _responses: usize) -> usize {
///         1
///     }
///     fn fit(&self, sample: &WeightedSample<'_>, _start: Option<&f64>) -> Result<f64> {
///         let (mut xy, mut xx) = (0.0, 0.0);
///         for ((x, y), w) in sample.x.iter().zip(sample.y.iter()).zip(sample.weights) {
///             xy += w * x[0] * y[0];
///             xx += w * x[0] * x[0];
///         }
///         Ok(xy / xx)
///     }
///     fn predict(&self, fit: &f64, target: &[f64], out: &mut [f64]) {
///         out[0] = fit * target[0];
///     }
/// }
///
/// let x: Vec<f64> = (1..=50).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x * x).collect();
/// let watch = Watch::default();
/// let model = Localized::new(Proportional, Kernel::gaussian(0.1));
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// let at = fit.at(Rows::column(&[3.0]), &watch)?;
/// assert!((at.values()[0] - 9.0).abs() < 0.05);
/// # Ok::<(), locality::Error>(())
/// ```
pub trait WeightedModel: Sync {
    /// What a fit consists of.
    type Fit: Send + Sync;
    /// Number of predictions at a target, for samples of so many columns and responses.
    fn outputs(&self, columns: usize, responses: usize) -> usize;
    /// Fits to a sample. `start` is the fit to all samples under their own weights, to begin an iteration with; `None` where that is what is
    /// asked for.
    ///
    /// # Errors
    /// Whatever keeps the model from being fitted.
    fn fit(&self, sample: &WeightedSample<'_>, start: Option<&Self::Fit>) -> Result<Self::Fit>;
    /// Predicts at a target.
    fn predict(&self, fit: &Self::Fit, target: &[f64], out: &mut [f64]);
    /// Whether the model was shrunk at a target since evidence is too thin there; never by default.
    fn is_thin(&self, _fit: &Self::Fit, _target: &[f64]) -> bool {
        false
    }
    /// Number of coefficients behind each prediction, by which [`Localized`] tells where evidence is thin; by default that of a line through so
    /// many columns. 0 for a model that judges its evidence itself, or needs no more of it than a mean does: it is believed wherever it is fitted.
    fn coefficients(&self, columns: usize) -> usize {
        columns + 1
    }
    /// Writes what predictions are shrunk towards where evidence is thin, and says whether there is such: by default the mean of the responses, if
    /// there are as many as predictions.
    fn mean(&self, sample: &WeightedSample<'_>, out: &mut [f64]) -> bool {
        if out.len() != sample.y.columns() {
            return false;
        }
        out.fill(0.0);
        let total: f64 = sample.weights.iter().sum();
        for (y, w) in sample.y.iter().zip(sample.weights) {
            out.iter_mut().zip(y).for_each(|(m, y)| *m += w / total * y);
        }
        true
    }
}

/// The samples that weigh at a target.
#[derive(Clone, Copy, Debug)]
pub struct WeightedSample<'a> {
    /// The model's columns, `[s, d]`.
    pub x: Rows<'a, f64>,
    /// Responses, `[s, p]`.
    pub y: Rows<'a, f64>,
    /// Sample weights times kernel, `[s]`, all positive.
    pub weights: &'a [f64],
}

/// Makes a model local: the localization trick.
///
/// At each target a [`WeightedModel`] is fitted anew to the samples around it, or a [`LocalModel`](super::LocalModel) is read out of their local mean
/// ([`fit_lifted`](Self::fit_lifted)).
///
/// Predictions of a weighted model are guarded: where evidence is thin, by the rules of [`LocalPolynomial`](super::LocalPolynomial) for a line
/// through the model's columns, they turn smoothly into their [mean](WeightedModel::mean).
#[derive(Clone, Debug)]
pub struct Localized<M> {
    pub(super) model: M,
    kernel: Kernel,
    neighborhood: Neighborhood,
    columns: Option<Vec<usize>>,
    least_samples: f64,
    guard: bool,
}

impl<M> Localized<M> {
    /// A model under a kernel.
    pub fn new(model: M, kernel: Kernel) -> Self {
        Self {
            model,
            kernel,
            neighborhood: Neighborhood::default(),
            columns: None,
            least_samples: 2.0,
            guard: true,
        }
    }

    /// The columns that the model sees, counted from 0; all by default. The kernel names its own.
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

    /// Effective number of samples, `(sum w)^2 / sum w^2`, below which nothing is fitted; 2 by default. Their mean answers then if fits are
    /// guarded and there is one, else the model of all samples.
    #[must_use]
    pub fn least_samples(mut self, least: f64) -> Self {
        self.least_samples = least;
        self
    }

    /// Whether predictions are shrunk towards the local mean where evidence is thin; they are by default.
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// The columns of the model.
    pub(super) fn model_columns(&self, d: usize) -> Result<Vec<usize>> {
        model_columns(self.columns.as_deref(), d)
    }

    pub(super) fn means(&self) -> LocalMean {
        LocalMean::new(self.kernel.clone()).neighborhood(self.neighborhood.clone())
    }
}

/// The columns of a model: those that were asked for, if they are there.
pub(super) fn model_columns(asked: Option<&[usize]>, d: usize) -> Result<Vec<usize>> {
    let Some(columns) = asked else {
        return Ok((0..d).collect());
    };
    match columns.iter().find(|c| **c >= d) {
        None => Ok(columns.to_vec()),
        Some(c) => Err(Error::parameter(format!(
            "columns has {c}, but samples have the columns 0 to {}",
            d.saturating_sub(1)
        ))),
    }
}

/// Refuses targets that are not the samples where each is to be without its own.
pub(super) fn check_hollow(rule: &Neighborhood, targets: usize, samples: usize) -> Result<()> {
    let hollow = rule.regions().iter().any(|r| matches!(r, Region::Hollow));
    if hollow && targets != samples {
        return Err(Error::shape(format!(
            "hollow leaves out sample i at target i, so targets must be the {samples} samples, but there are {targets}; leave hollow out of \
             the neighbourhood to predict elsewhere"
        )));
    }
    Ok(())
}

/// The rows with some of their columns.
pub(super) fn chosen(rows: Rows<'_, f64>, columns: &[usize]) -> Vec<f64> {
    let pick = |row: &[f64]| columns.iter().map(|&c| row[c]).collect::<Vec<f64>>();
    rows.iter().flat_map(pick).collect()
}

impl<M: WeightedModel> Localized<M> {
    /// Keeps samples `[n, d]` with responses `[n, p]` and, optionally, sample weights `[n]`, and fits the model to all of them.
    ///
    /// # Errors
    /// As [`LocalMean::fit`]; a column that is not there; what the model reports of the fit to all samples.
    pub fn fit(
        self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalizedFit<M>> {
        let columns = self.model_columns(samples.columns())?;
        let means = self.means();
        let means = means.fit_watched(samples, responses, weights, watch)?;
        let x = chosen(samples, &columns);
        let weights = weights.map_or(Cow::Owned(vec![1.0; samples.rows()]), Cow::Borrowed);
        let some: Vec<usize> = (0..samples.rows()).filter(|&i| weights[i] > 0.0).collect();
        let mut kept = Kept {
            d: columns.len(),
            p: responses.columns(),
            ..Kept::default()
        };
        let x = Rows::new(&x, samples.rows(), columns.len())?;
        for i in some {
            kept.push(x.row(i), responses.row(i), weights[i]);
        }
        let global = self.model.fit(&kept.sample()?, None)?;
        Ok(LocalizedFit {
            x: x.to_vec(),
            y: responses.to_vec(),
            p: responses.columns(),
            outputs: self.model.outputs(columns.len(), responses.columns()),
            parameters: self,
            columns,
            means,
            global,
        })
    }
}

/// Predictions at `m` targets.
#[derive(Clone, Debug, Default)]
pub struct LocalizedValues {
    outputs: usize,
    values: Vec<f64>,
    effective: Vec<f64>,
    thin: Vec<bool>,
}

impl LocalizedValues {
    /// Predictions, `[m, outputs]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of predictions at a target.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Effective numbers of samples, `[m]`.
    pub fn effective_samples(&self) -> &[f64] {
        &self.effective
    }

    /// Whether more than a tenth of what the model differs in from the mean was taken, there were too few samples for a fit, or the model
    /// [says](WeightedModel::is_thin) that it was shrunk, `[m]`.
    pub fn thin(&self) -> &[bool] {
        &self.thin
    }
}

/// A model over samples, fitted anew at each target.
#[derive(Clone, Debug)]
pub struct LocalizedFit<M: WeightedModel> {
    parameters: Localized<M>,
    columns: Vec<usize>,
    means: LocalMeanFit<f64>,
    /// `[n, d]` of the model's columns, and `[n, p]`.
    x: Vec<f64>,
    y: Vec<f64>,
    p: usize,
    outputs: usize,
    global: M::Fit,
}

/// Weights as shares of the heaviest.
fn heaviest(weights: &[f64]) -> Vec<f64> {
    let most = weights.iter().copied().fold(0.0, f64::max);
    weights.iter().map(|w| w / most).collect()
}

/// What there is around a target.
struct One<'a, F> {
    sample: WeightedSample<'a>,
    effective: f64,
    /// `None` where there are too few samples.
    fit: Option<F>,
}

/// Rows that weigh.
#[derive(Default)]
struct Kept {
    d: usize,
    p: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
}

impl Kept {
    fn push(&mut self, x: &[f64], y: &[f64], weight: f64) {
        self.x.extend_from_slice(x);
        self.y.extend_from_slice(y);
        self.weights.push(weight);
    }

    fn sample(&self) -> Result<WeightedSample<'_>> {
        let n = self.weights.len();
        Ok(WeightedSample {
            x: Rows::new(&self.x, n, self.d)?,
            y: Rows::new(&self.y, n, self.p)?,
            weights: &self.weights,
        })
    }
}

impl<M: WeightedModel> LocalizedFit<M> {
    /// The local means of the responses under the same kernel.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        &self.means
    }

    /// The fit to all samples.
    pub fn global(&self) -> &M::Fit {
        &self.global
    }

    /// Fits around targets `[m, d]`, and predicts there.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, what the model reports, an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LocalizedValues> {
        let found = self.each(targets, watch, |model, one, i| {
            let target: Vec<f64> = self.columns.iter().map(|&c| targets.row(i)[c]).collect();
            let mut out = vec![f64::NAN; self.outputs];
            let mut mean = vec![f64::NAN; self.outputs];
            let guarded = self.parameters.guard && model.coefficients(self.columns.len()) > 0;
            let has_mean = guarded && one.effective > 0.0 && model.mean(&one.sample, &mut mean);
            let share = match &one.fit {
                Some(_) if has_mean => self.share(model, &one.sample, &target),
                Some(_) => 1.0,
                None => 0.0,
            };
            match &one.fit {
                None if has_mean => out.copy_from_slice(&mean),
                fit => model.predict(fit.as_ref().unwrap_or(&self.global), &target, &mut out),
            }
            if share < 1.0 && has_mean {
                let both = out.iter_mut().zip(&mean);
                both.for_each(|(out, mean)| {
                    *out = if share < NONE {
                        *mean
                    } else {
                        mean + share * (*out - mean)
                    }
                });
            }
            let thin = 1.0 - share > THIN
                || one
                    .fit
                    .as_ref()
                    .is_some_and(|fit| model.is_thin(fit, &target));
            (out, one.effective, thin)
        })?;
        let mut all = LocalizedValues {
            outputs: self.outputs,
            ..LocalizedValues::default()
        };
        for (values, effective, thin) in found {
            all.values.extend(values);
            all.effective.push(effective);
            all.thin.push(thin);
        }
        Ok(all)
    }

    /// The fits around targets `[m, d]`; `None` where too few samples weigh.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn fits(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<Option<M::Fit>>> {
        self.each(targets, watch, |_, one, _| one.fit)
    }

    /// Share of a fit to a sample that is believed at a target.
    fn share(&self, model: &M, sample: &WeightedSample<'_>, target: &[f64]) -> f64 {
        let d = self.columns.len();
        if d == 0 {
            return 1.0;
        }
        let offsets: Vec<f64> = (sample.x.iter())
            .flat_map(|row| row.iter().zip(target).map(|(x, t)| x - t))
            .collect();
        let weights = heaviest(sample.weights);
        let evidence = Evidence::of_rows(d, offsets.chunks_exact(d), &weights);
        evidence.map_or(0.0, |evidence| evidence.share(model.coefficients(d)))
    }

    fn each<R: Send>(
        &self,
        targets: Rows<'_, f64>,
        watch: &Watch<'_>,
        use_fit: impl Fn(&M, One<'_, M::Fit>, usize) -> R + Sync,
    ) -> Result<Vec<R>> {
        let (model, n) = (&self.parameters.model, self.means.order().len());
        check_hollow(&self.parameters.neighborhood, targets.rows(), n)?;
        self.means.local_samples(targets, watch, |i, sample| {
            let kept = self.kept(sample);
            // As shares of the heaviest: squares of the smallest would be zeros.
            let shares = heaviest(&kept.weights);
            let total: f64 = shares.iter().sum();
            let squares: f64 = shares.iter().map(|w| w * w).sum();
            let effective = if squares > 0.0 {
                total * total / squares
            } else {
                0.0
            };
            let enough = effective > 0.0 && effective >= self.parameters.least_samples;
            let sample = kept.sample()?;
            let fit = enough
                .then(|| model.fit(&sample, Some(&self.global)))
                .transpose()?;
            let one = One {
                sample,
                effective,
                fit,
            };
            Ok(use_fit(model, one, i))
        })
    }

    /// The samples that weigh, in the units of the kernel.
    fn kept(&self, sample: LocalSample<'_, f64>) -> Kept {
        let (d, p) = (self.columns.len(), self.p);
        let mut out = Kept {
            d,
            p,
            ..Kept::default()
        };
        // Below the smallest number a unit is as good as any: only shares count then.
        let unit = sample.log_scale().max(-600.0).exp();
        let order = self.means.order();
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                if *w > 0.0 {
                    let i = order[slot] as usize;
                    out.push(&self.x[i * d..][..d], &self.y[i * p..][..p], w * unit);
                }
            }
        }
        out
    }
}

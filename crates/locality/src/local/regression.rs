//! Local regression that chooses its own bandwidth: columns brought to one scale, candidates compared by cross-validation.

use super::candidates::{Table, divide, divided, first_scales};
use super::diagnostics::Criterion;
use super::interval::Conformity;
use super::polynomial::LocalPolynomialFit;
use super::predict::{LocalFits, Wanted};
use super::relevance::Part;
use super::robust::Robust;
use super::search::Tried;
use std::sync::OnceLock;

use crate::{Atom, Bandwidth, Error, Kernel, Metric, Neighborhood, OnEmpty, Result, Rows, Watch};

/// How a bandwidth is found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Search {
    /// The kernel's own.
    Given,
    /// One width everywhere, in units of the columns' deviations.
    Fixed,
    /// The distance to the k-th nearest sample of each target.
    Nearest,
    /// A width for each column, by the gradient of the leave-one-out error of the local mean, then the better of the two over columns in
    /// units of these widths.
    PerColumn,
    /// The kernel's own if it has one, else the best of the others; without k-th distances where sample weights differ or more than a quarter of
    /// the rows repeat others, since these count rows.
    #[default]
    Auto,
}

impl Search {
    /// The search that takes place.
    pub(super) fn in_force(self, kernel: &Kernel) -> Self {
        let own = |a: &&Atom| *a.bandwidth_rule() != Bandwidth::Default;
        match self {
            Self::Auto if kernel.atoms().iter().any(own) => Self::Given,
            search => search,
        }
    }
}

impl std::str::FromStr for Search {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "given" => Ok(Self::Given),
            "fixed" => Ok(Self::Fixed),
            "nearest" => Ok(Self::Nearest),
            "per-column" => Ok(Self::PerColumn),
            "auto" => Ok(Self::Auto),
            other => Err(Error::parameter(format!(
                "search '{other}' is none of given, fixed, nearest, per-column, auto"
            ))),
        }
    }
}

/// The parameters of local regression with a bandwidth, and if wanted a degree, chosen by leave-one-out cross-validation.
///
/// ```
/// use locality::local::LocalRegression;
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
/// let watch = Watch::default();
/// let fit = LocalRegression::new("gaussian".parse()?).fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// let at = fit.at(Rows::column(&[4.56]), &watch)?;
/// assert!((at.values()[0] - 4.56_f64.sin()).abs() < 0.01);
/// assert!((at.slopes()[0] - 4.56_f64.cos()).abs() < 0.05);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalRegression {
    pub(crate) kernel: Kernel,
    /// Other shapes to choose from.
    pub(crate) others: Vec<Kernel>,
    pub(crate) criterion: Criterion,
    pub(crate) robust: Option<Robust>,
    pub(crate) search: Search,
    pub(crate) degrees: Vec<usize>,
    pub(crate) standardize: Option<bool>,
    pub(crate) scales: Option<Vec<f64>>,
    pub(crate) ridge: f64,
    pub(crate) guard: bool,
    pub(crate) neighborhood: Neighborhood,
    pub(crate) on_empty: OnEmpty,
    pub(crate) columns: Option<Vec<usize>>,
}

/// What a search finds.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// What each column is divided by.
    pub(crate) scales: Vec<f64>,
    pub(crate) kernel: Kernel,
    pub(crate) degree: usize,
    pub(crate) tried: Vec<Tried>,
}

impl LocalRegression {
    /// Local linear regression with a kernel of this shape.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            others: Vec::new(),
            criterion: Criterion::default(),
            robust: None,
            search: Search::Auto,
            degrees: vec![1],
            standardize: None,
            scales: None,
            ridge: 0.0,
            guard: true,
            neighborhood: Neighborhood::default(),
            on_empty: OnEmpty::Nearest,
            columns: None,
        }
    }

    /// The columns of the polynomial, counted from 0; all by default. The kernel names its own.
    #[must_use]
    pub fn on(mut self, columns: impl Into<Vec<usize>>) -> Self {
        self.columns = Some(columns.into());
        self
    }

    /// How the bandwidth is found; [`Search::Auto`] by default.
    #[must_use]
    pub fn search(mut self, search: Search) -> Self {
        self.search = search;
        self
    }

    /// What kernels, bandwidths and degrees are compared by; leave-one-out errors by default.
    #[must_use]
    pub fn criterion(mut self, criterion: Criterion) -> Self {
        self.criterion = criterion;
        self
    }

    /// Other kernels to choose from, each with the best of its bandwidths.
    #[must_use]
    pub fn or_kernels(mut self, others: impl Into<Vec<Kernel>>) -> Self {
        self.others = others.into();
        self
    }

    /// Responses far from what is fitted are given less weight; see [`Robust`].
    #[must_use]
    pub fn robust(mut self, robust: impl Into<Option<Robust>>) -> Self {
        self.robust = robust.into();
        self
    }

    /// A bandwidth for all parts of the kernel that have a distance; none is searched then.
    ///
    /// # Errors
    /// A kernel without any distance, a bandwidth that is not positive and finite.
    pub fn bandwidth(mut self, h: f64) -> Result<Self> {
        self.kernel = with_bandwidth(&self.kernel, h)?;
        for other in &mut self.others {
            *other = with_bandwidth(other, h)?;
        }
        self.search = Search::Given;
        Ok(self)
    }

    /// The degrees to choose from; 1 by default.
    #[must_use]
    pub fn degrees(mut self, degrees: impl Into<Vec<usize>>) -> Self {
        self.degrees = degrees.into();
        self
    }

    /// Whether columns are divided by their standard deviations first, which are then the units of bandwidths. By default they are where the
    /// bandwidth is searched.
    #[must_use]
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.standardize = Some(standardize);
        self
    }

    /// What each column is divided by, `[d]`, instead of its deviation: what an earlier fit has [found](LocalRegressionFit::scales).
    #[must_use]
    pub fn scales(mut self, scales: impl Into<Vec<f64>>) -> Self {
        self.scales = Some(scales.into());
        self
    }

    /// See [`LocalPolynomial::ridge`].
    #[must_use]
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.ridge = ridge;
        self
    }

    /// See [`LocalPolynomial::guard`].
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// What to answer where no sample weighs; the nearest sample's response by default.
    #[must_use]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.on_empty = on_empty;
        self
    }

    /// Fits to samples `[n, d]` with responses `[n, p]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalPolynomial::fit`]; no degree to choose from; a kernel without any distance where a bandwidth is to be found.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalRegressionFit> {
        let choice = self.choose(samples, responses, weights, weights, watch)?;
        match self.robust {
            None => self.fit_chosen(choice, samples, responses, weights, watch),
            Some(robust) => self.fit_robust(robust, choice, (samples, responses, weights), watch),
        }
    }

    /// The fit at what was found before.
    pub(crate) fn fit_chosen(
        &self,
        choice: Choice,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalRegressionFit> {
        let scaled = divide(samples, &choice.scales);
        let rows = Rows::new(&scaled, samples.rows(), samples.columns())?;
        let inner = self.polynomial(&choice.kernel, choice.degree);
        Ok(LocalRegressionFit {
            inner: inner.fit(rows, responses, weights, watch)?,
            parameters: self.clone(),
            samples: samples.to_vec(),
            scales: choice.scales,
            tried: choice.tried,
            degree: choice.degree,
            given: None,
            conformity: OnceLock::new(),
        })
    }

    /// Scales, kernel and degree. Weights as given say whether rows may be counted.
    pub(super) fn choose(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        given: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Choice> {
        if samples.rows() == 0 {
            return Err(Error::empty("samples has no rows; give at least one"));
        }
        samples.require_finite("samples")?;
        if let Some(w) = weights
            && w.len() != samples.rows()
        {
            return Err(Error::shape(format!(
                "sample_weight has {} numbers, but there are {} samples; give one for each",
                w.len(),
                samples.rows()
            )));
        }
        if self.degrees.is_empty() {
            return Err(Error::parameter("degrees is empty; name at least one"));
        }
        let search = self.search.in_force(&self.kernel);
        let standardize = self.standardize.unwrap_or(search != Search::Given);
        let scales = first_scales(self.scales.as_deref(), samples, weights, standardize)?;
        let table = Table {
            samples,
            responses,
            weights,
            given,
        };
        let mut best = self.candidates(&table, scales, search, Part::All, watch)?;
        let learn = samples.columns() > 1
            && match search {
                Search::PerColumn => true,
                Search::Auto => self.learning_pays(&table, &best, watch)?,
                _ => false,
            };
        if learn {
            let scales = self.learned(&table, &best.scales, Part::All, watch)?;
            let mut tried = best.tried;
            best = self.candidates(&table, scales, Search::Auto, Part::All, watch)?;
            tried.append(&mut best.tried);
            best.tried = tried;
        }
        Ok(best)
    }
}

/// The kernel with another bandwidth in all its parts that have a distance; those that count how many categories differ keep theirs, since
/// a number of columns is no distance in their units, unless there is no other part.
///
/// # Errors
/// A kernel without any distance, a bandwidth that is not positive and finite.
pub fn with_bandwidth(kernel: &Kernel, bandwidth: impl Into<Bandwidth>) -> Result<Kernel> {
    let bandwidth = bandwidth.into();
    let counted = !has_part(kernel, false);
    let kernel = with_width(kernel, &bandwidth, counted)?.ok_or_else(|| {
        Error::parameter(format!(
            "kernel {kernel} has no distance whose bandwidth could be set; leave it as it is, with search given"
        ))
    })?;
    kernel.check()?;
    Ok(kernel)
}

/// Whether some part of a kernel has a distance in the columns' units, or counts how many categories differ.
pub(super) fn has_part(kernel: &Kernel, counted: bool) -> bool {
    kernel.atoms().iter().any(|atom| is_part(atom, counted))
}

fn is_part(atom: &Atom, counted: bool) -> bool {
    let metric = atom.metric_in_force();
    if metric == Metric::Hamming {
        // Equality is no width: under one it would be another kernel.
        return counted && atom.clone().bandwidth(1.0).metric_in_force() == metric;
    }
    metric.is_distance() && !counted
}

/// The kernel with another bandwidth in its parts of one of the two kinds; `None` where it has no such part.
pub(super) fn with_width(
    kernel: &Kernel,
    bandwidth: &Bandwidth,
    counted: bool,
) -> Result<Option<Kernel>> {
    let mut changed = false;
    let kernel = kernel.try_map(&mut |atom| {
        if is_part(atom, counted) {
            changed = true;
            Ok(atom.clone().bandwidth(bandwidth.clone()))
        } else {
            Ok(atom.clone())
        }
    })?;
    Ok(changed.then_some(kernel))
}

/// A fitted local regression.
#[derive(Clone, Debug)]
pub struct LocalRegressionFit {
    pub(crate) parameters: LocalRegression,
    /// As given, `[n, d]`.
    pub(crate) samples: Vec<f64>,
    scales: Vec<f64>,
    inner: LocalPolynomialFit,
    tried: Vec<Tried>,
    degree: usize,
    /// Sample weights as given, where those of the fit are times what residuals count for.
    pub(crate) given: Option<Vec<f64>>,
    /// Made when first asked for.
    pub(super) conformity: OnceLock<Conformity>,
}

impl LocalRegressionFit {
    /// The kernel that was chosen, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        self.inner.parameters().kernel()
    }

    /// The degree that was chosen.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// What each column was divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    /// The best of each family of kernels that was tried.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// Sample weights as given, `[n]`, which intervals count by; other than those of the [`polynomial`](Self::polynomial) under a robust fit.
    pub fn given_weights(&self) -> Option<&[f64]> {
        self.given.as_deref().or(self.inner.weights())
    }

    /// The same fit whose weights are those that a robust one ended with, with the sample weights as they were given.
    ///
    /// # Errors
    /// Another number of weights than samples, weights that are negative or not finite.
    pub fn with_given_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        let n = self.inner.local_means().order().len();
        if weights.len() != n || !weights.iter().all(|w| *w >= 0.0 && w.is_finite()) {
            return Err(Error::parameter(format!(
                "given_weights must be {n} finite numbers that are not negative, one for each sample"
            )));
        }
        self.given = Some(weights);
        self.conformity = OnceLock::new();
        Ok(self)
    }

    /// The local polynomial over the divided columns.
    pub fn polynomial(&self) -> &LocalPolynomialFit {
        &self.inner
    }

    /// Targets `[m, d]` in the units of [`polynomial`](Self::polynomial).
    ///
    /// # Errors
    /// Another number of columns.
    pub fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        divided(targets, &self.scales)
    }

    /// Predictions and slopes at targets `[m, d]`, in the units of the columns as given.
    ///
    /// # Errors
    /// As [`LocalPolynomialFit::at`].
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LocalFits> {
        self.at_with(targets, Wanted::default(), watch)
    }

    /// Rows of the hat matrix, `[m, n]`; see [`LocalPolynomialFit::hat_rows`].
    ///
    /// # Errors
    /// As [`LocalPolynomialFit::at`].
    pub fn hat_rows(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let divided = self.divide(targets)?;
        let targets = Rows::new(&divided, targets.rows(), targets.columns())?;
        self.inner.hat_rows(targets, watch)
    }

    /// The same with what else is wanted.
    ///
    /// # Errors
    /// As [`LocalPolynomialFit::at`].
    pub fn at_with(
        &self,
        targets: Rows<'_, f64>,
        wanted: Wanted,
        watch: &Watch<'_>,
    ) -> Result<LocalFits> {
        let divided = self.divide(targets)?;
        let targets = Rows::new(&divided, targets.rows(), targets.columns())?;
        let mut fits = self.inner.at_with(targets, wanted, watch)?;
        let of = |c: &usize| self.scales[*c];
        let scales: Vec<f64> = self.inner.columns.iter().map(of).collect();
        fits.rescale(&self.inner.design.units(&scales));
        Ok(fits)
    }
}

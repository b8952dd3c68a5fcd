//! Local regression that chooses its own bandwidth: columns brought to one scale, candidates compared by cross-validation.

use super::interval::Conformity;
use super::polynomial::{LocalPolynomial, LocalPolynomialFit};
use super::predict::{LocalFits, Wanted};
use super::search::{Tried, minimize};
use std::sync::OnceLock;

use crate::{Atom, Bandwidth, Error, Kernel, Metric, Neighborhood, OnEmpty, Result, Rows, Watch};

/// Places at which candidates are compared, where there are more: drawn evenly from the table, so that repeated runs agree.
const TRIALS: usize = 1000;

/// How a bandwidth is found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Search {
    /// The kernel's own.
    Given,
    /// One width everywhere, in units of the columns' deviations.
    Fixed,
    /// The distance to the k-th nearest sample of each target.
    Nearest,
    /// The kernel's own if it has one, else the better of the two; a fixed one where samples share their columns or have weights, since
    /// a k-th distance counts rows.
    #[default]
    Auto,
}

impl std::str::FromStr for Search {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "given" => Ok(Self::Given),
            "fixed" => Ok(Self::Fixed),
            "nearest" => Ok(Self::Nearest),
            "auto" => Ok(Self::Auto),
            other => Err(Error::parameter(format!(
                "search '{other}' is none of given, fixed, nearest, auto"
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
    pub(crate) search: Search,
    pub(crate) degrees: Vec<usize>,
    pub(crate) standardize: Option<bool>,
    pub(crate) ridge: f64,
    pub(crate) guard: bool,
    pub(crate) neighborhood: Neighborhood,
    pub(crate) on_empty: OnEmpty,
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
            search: Search::Auto,
            degrees: vec![1],
            standardize: None,
            ridge: 0.0,
            guard: true,
            neighborhood: Neighborhood::default(),
            on_empty: OnEmpty::Nearest,
        }
    }

    /// How the bandwidth is found; [`Search::Auto`] by default.
    #[must_use]
    pub fn search(mut self, search: Search) -> Self {
        self.search = search;
        self
    }

    /// A bandwidth for all parts of the kernel that have a distance; none is searched then.
    ///
    /// # Errors
    /// A kernel without any distance, a bandwidth that is not positive and finite.
    pub fn bandwidth(mut self, h: f64) -> Result<Self> {
        self.kernel = with_bandwidth(&self.kernel, h)?;
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

    /// The search that takes place.
    fn search_in_force(&self) -> Search {
        let own = |a: &&Atom| *a.bandwidth_rule() != Bandwidth::Default;
        match self.search {
            Search::Auto if self.kernel.atoms().iter().any(own) => Search::Given,
            search => search,
        }
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
        let choice = self.choose(samples, responses, weights, watch)?;
        self.fit_chosen(choice, samples, responses, weights, watch)
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
            conformity: OnceLock::new(),
        })
    }

    /// Scales, kernel and degree.
    pub(super) fn choose(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
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
        let search = self.search_in_force();
        let scales = if self.standardize.unwrap_or(search != Search::Given) {
            deviations(samples, weights)
        } else {
            vec![1.0; samples.columns()]
        };
        let scaled = divide(samples, &scales);
        let data = Data {
            samples: Rows::new(&scaled, samples.rows(), samples.columns())?,
            responses,
            weights,
        };
        let places = places(data.samples, weights);
        let rows_are_samples = weights.is_none() && places.len() == samples.rows();
        let trials = Trials {
            data,
            places: thinned(places),
        };
        if self.degrees.is_empty() {
            return Err(Error::parameter("degrees is empty; name at least one"));
        }
        let mut tried: Vec<Tried> = Vec::new();
        for &degree in &self.degrees {
            match search {
                Search::Given if self.degrees.len() == 1 => {}
                Search::Given => {
                    let score = self.score(&self.kernel, degree, &trials, watch)?;
                    tried.push(Tried {
                        degree,
                        kernel: self.kernel.clone(),
                        score,
                    });
                }
                Search::Fixed => tried.push(self.fixed(degree, &trials, watch)?),
                Search::Nearest => tried.push(self.nearest(degree, &trials, watch)?),
                Search::Auto => {
                    tried.push(self.fixed(degree, &trials, watch)?);
                    if rows_are_samples {
                        tried.push(self.nearest(degree, &trials, watch)?);
                    }
                }
            }
        }
        let best = tried.iter().min_by(|a, b| a.score.total_cmp(&b.score));
        let (kernel, degree) = match best {
            Some(best) => (best.kernel.clone(), best.degree),
            None => (self.kernel.clone(), self.degrees[0]),
        };
        Ok(Choice {
            scales,
            kernel,
            degree,
            tried,
        })
    }

    fn polynomial(&self, kernel: &Kernel, degree: usize) -> LocalPolynomial {
        LocalPolynomial::new(kernel.clone())
            .degree(degree)
            .ridge(self.ridge)
            .guard(self.guard)
            .neighborhood(self.neighborhood.clone())
            .on_empty(self.on_empty)
    }

    fn score(
        &self,
        kernel: &Kernel,
        degree: usize,
        trials: &Trials<'_>,
        watch: &Watch<'_>,
    ) -> Result<f64> {
        let (watch, data) = (watch.quiet(), trials.data);
        let fit = self.polynomial(kernel, degree);
        let fit = fit.fit(data.samples, data.responses, data.weights, &watch)?;
        fit.loo_error(&trials.places, &watch)
    }

    /// The best of the kernels with one width everywhere.
    fn fixed(&self, degree: usize, trials: &Trials<'_>, watch: &Watch<'_>) -> Result<Tried> {
        let d = trials.data.samples.columns() as f64;
        // From a few samples to nearly all of them, whatever the number of columns.
        let range = (0.03 * d.sqrt(), 8.0 * d.sqrt());
        let kernel = |h: f64| with_bandwidth(&self.kernel, h);
        let mut score = |h: f64| self.score(&kernel(h)?, degree, trials, watch);
        let (h, score) = minimize(range, 1e-2, &mut score)?;
        Ok(Tried {
            degree,
            kernel: kernel(h)?,
            score,
        })
    }

    /// The best of the kernels whose width is a k-th distance.
    fn nearest(&self, degree: usize, trials: &Trials<'_>, watch: &Watch<'_>) -> Result<Tried> {
        let n = trials.data.samples.rows();
        let range = ((3 + degree).min(n) as f64, n as f64);
        let of = |k: f64| Bandwidth::QueryNearest((k.round() as usize).clamp(1, n));
        let kernel = |k: f64| with_bandwidth(&self.kernel, of(k));
        let mut score = |k: f64| self.score(&kernel(k)?, degree, trials, watch);
        let (k, score) = minimize(range, 2e-2, &mut score)?;
        Ok(Tried {
            degree,
            kernel: kernel(k)?,
            score,
        })
    }
}

/// A table as it is searched.
#[derive(Clone, Copy)]
struct Data<'a> {
    samples: Rows<'a, f64>,
    responses: Rows<'a, f64>,
    weights: Option<&'a [f64]>,
}

/// The kernel with another bandwidth in all its parts that have a distance.
///
/// # Errors
/// A kernel without any distance, a bandwidth that is not positive and finite.
pub fn with_bandwidth(kernel: &Kernel, bandwidth: impl Into<Bandwidth>) -> Result<Kernel> {
    let bandwidth = bandwidth.into();
    let mut changed = 0;
    let kernel = kernel.try_map(&mut |atom| {
        let metric = atom.metric_in_force();
        if metric.is_distance() && metric != Metric::Hamming {
            changed += 1;
            Ok(atom.clone().bandwidth(bandwidth.clone()))
        } else {
            Ok(atom.clone())
        }
    })?;
    if changed == 0 {
        return Err(Error::parameter(format!(
            "kernel {kernel} has no distance whose bandwidth could be set; leave it as it is, with search given"
        )));
    }
    kernel.check()?;
    Ok(kernel)
}

/// A table, and the places at which candidates are compared.
struct Trials<'a> {
    data: Data<'a>,
    places: Vec<Vec<usize>>,
}

/// Samples that share all their columns, in the order of the first of each; without those of weight 0.
fn places(samples: Rows<'_, f64>, weights: Option<&[f64]>) -> Vec<Vec<usize>> {
    let weighs = |i: &usize| weights.is_none_or(|w| w[*i] > 0.0);
    let mut order: Vec<usize> = (0..samples.rows()).filter(weighs).collect();
    let compare = |a: usize, b: usize| {
        let columns = samples.row(a).iter().zip(samples.row(b));
        let mut each = columns.map(|(x, y)| x.total_cmp(y));
        each.find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    order.sort_by(|&a, &b| compare(a, b));
    let same = order.chunk_by(|&a, &b| compare(a, b).is_eq());
    let mut places: Vec<Vec<usize>> = same.map(<[usize]>::to_vec).collect();
    places.sort_by_key(|place| place[0]);
    places
}

/// At most [`TRIALS`] of them.
fn thinned(places: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let n = places.len();
    let count = n.min(TRIALS);
    let keep = |i: usize| (i * count) % n < count;
    let some = places.into_iter().enumerate().filter(|(i, _)| keep(*i));
    some.map(|(_, place)| place).collect()
}

/// Standard deviations of the columns under the sample weights; 1 for a constant.
fn deviations(rows: Rows<'_, f64>, weights: Option<&[f64]>) -> Vec<f64> {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let total: f64 = (0..rows.rows()).map(weight).sum();
    let column = |c: usize| {
        let over = |f: &dyn Fn(f64) -> f64| {
            let each = rows.iter().enumerate().map(|(i, r)| weight(i) * f(r[c]));
            each.sum::<f64>() / total
        };
        let mean = over(&|x| x);
        let variance = over(&|x| (x - mean).powi(2));
        let large = rows.iter().fold(0.0, |a: f64, r| a.max(r[c].abs()));
        let varies = variance.is_finite() && variance.sqrt() > 1e-12 * large;
        if varies { variance.sqrt() } else { 1.0 }
    };
    (0..rows.columns()).map(column).collect()
}

pub(super) fn divide(rows: Rows<'_, f64>, scales: &[f64]) -> Vec<f64> {
    let row = |r: &[f64]| -> Vec<f64> { r.iter().zip(scales).map(|(x, s)| x / s).collect() };
    rows.iter().flat_map(row).collect()
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

    /// The local polynomial over the divided columns.
    pub fn polynomial(&self) -> &LocalPolynomialFit {
        &self.inner
    }

    /// Targets `[m, d]` in the units of [`polynomial`](Self::polynomial).
    ///
    /// # Errors
    /// Another number of columns.
    pub fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        if targets.columns() != self.scales.len() {
            return Err(Error::shape(format!(
                "targets has {} columns, but samples had {}; they must be the same columns",
                targets.columns(),
                self.scales.len()
            )));
        }
        Ok(divide(targets, &self.scales))
    }

    /// Predictions and slopes at targets `[m, d]`, in the units of the columns as given.
    ///
    /// # Errors
    /// As [`LocalPolynomialFit::at`].
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LocalFits> {
        self.at_with(targets, Wanted::default(), watch)
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
        fits.rescale(&self.inner.design.units(&self.scales));
        Ok(fits)
    }
}

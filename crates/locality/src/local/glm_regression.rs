//! Local generalized linear models that choose their own bandwidth, and local logistic regression of several classes.

use super::candidates::{Data, LEAST, Table, Trials, WORTH, divide, first_scales, places};
use super::family::Family;
use super::glm::{LocalGlm, LocalGlmFit};
use super::regression::{Search, with_bandwidth};
use super::relevance::{Part, relevance};
use super::search::{Tried, minimize};
use crate::{Bandwidth, Error, Kernel, Neighborhood, Result, Rows, Watch};

/// Places at which candidates are compared, where there are more.
const TRIALS: usize = 300;
/// Bandwidths closer than this, relative, are as good as each other.
const CLOSE: f64 = 0.1;

/// The parameters of local generalized linear models with a bandwidth chosen by leave-one-out likelihood: each sample is predicted by a
/// model fitted around it to the others.
///
/// There may be several responses, each with a model of its own under the same kernel. Those of the binomial family are classes then, one
/// against the rest: their probabilities are divided by their sum.
///
/// ```
/// use locality::local::{Family, LocalGlmRegression};
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..90).map(|i| f64::from(i) / 10.0).collect();
/// let class = |x: f64| (x / 3.0) as usize;
/// let one_hot: Vec<f64> = x.iter().flat_map(|x| (0..3).map(move |k| f64::from(k == class(*x) as i32))).collect();
/// let (watch, model) = (Watch::default(), LocalGlmRegression::new("gaussian".parse()?, Family::Binomial));
/// let fit = model.fit(Rows::column(&x), Rows::new(&one_hot, 90, 3)?, None, &watch)?;
/// let shares = fit.means(Rows::column(&[1.0, 8.0]), &watch)?;
/// assert!(shares[0] > 0.9 && shares[5] > 0.9);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalGlmRegression {
    kernel: Kernel,
    family: Family,
    search: Search,
    standardize: Option<bool>,
    scales: Option<Vec<f64>>,
    penalty: f64,
    neighborhood: Neighborhood,
}

impl LocalGlmRegression {
    /// A family, with a kernel of this shape.
    pub fn new(kernel: Kernel, family: Family) -> Self {
        Self {
            kernel,
            family,
            search: Search::Auto,
            standardize: None,
            scales: None,
            penalty: 1.0,
            neighborhood: Neighborhood::default(),
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

    /// Whether columns are divided by their standard deviations first, which are then the units of bandwidths. By default they are where the
    /// bandwidth is searched.
    #[must_use]
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.standardize = Some(standardize);
        self
    }

    /// What each column is divided by, `[d]`, instead of its deviation.
    #[must_use]
    pub fn scales(mut self, scales: impl Into<Vec<f64>>) -> Self {
        self.scales = Some(scales.into());
        self
    }

    /// See [`LocalGlm::penalty`]; slopes are by columns divided by their scales.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.penalty = penalty;
        self
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// Fits to samples `[n, d]` with responses `[n, p]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalGlm::fit`]; a kernel without any distance where a bandwidth is to be found.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalGlmRegressionFit> {
        check(samples, responses, weights)?;
        self.family.check(responses)?;
        let search = self.search.in_force(&self.kernel);
        let standardize = self.standardize.unwrap_or(search != Search::Given);
        let scales = first_scales(self.scales.as_deref(), samples, weights, standardize)?;
        let table = Table {
            samples,
            responses,
            weights,
        };
        let mut best = self.candidates(&table, scales, search, Part::All, watch)?;
        let learn = samples.columns() > 1
            && match search {
                Search::PerColumn => true,
                Search::Auto => self.learning_pays(&table, &best, watch)?,
                _ => false,
            };
        if learn {
            let scales = self.learned(&table, &best, Part::All, watch)?;
            let mut tried = best.tried;
            best = self.candidates(&table, scales, Search::Auto, Part::All, watch)?;
            tried.append(&mut best.tried);
            best.tried = tried;
        }
        let divided = divide(samples, &best.scales);
        let divided = Rows::new(&divided, samples.rows(), samples.columns())?;
        let models = self.models(&best.kernel, divided, responses, weights, watch)?;
        Ok(LocalGlmRegressionFit {
            kernel: best.kernel,
            exclusive: exclusive(self.family, responses.columns()),
            scales: best.scales,
            tried: best.tried,
            models,
        })
    }

    /// A model for each response.
    fn models(
        &self,
        kernel: &Kernel,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalGlmFit>> {
        let model = LocalGlm::new(kernel.clone(), self.family)
            .penalty(self.penalty)
            .neighborhood(self.neighborhood.clone());
        // The shares of two classes are each other's complement.
        let p = responses.columns();
        let count = if exclusive(self.family, p) && p == 2 {
            1
        } else {
            p
        };
        let one = |c: usize| {
            let y: Vec<f64> = responses.iter().map(|r| r[c]).collect();
            model.fit(samples, Rows::column(&y), weights, watch)
        };
        (p - count..p).map(one).collect()
    }

    /// Whether scales that one half of the samples has found predict the other half better.
    fn learning_pays(&self, table: &Table<'_>, best: &Found, watch: &Watch<'_>) -> Result<bool> {
        if places(table.samples, table.weights).len() < LEAST {
            return Ok(false);
        }
        let divided = divide(table.samples, &best.scales);
        let trials = table.trials_at(&divided, Part::Odd, TRIALS)?;
        let now = self.score(&best.kernel, &trials, watch)?;
        let scales = self.learned(table, best, Part::Even, watch)?;
        let other = self.candidates(table, scales, Search::Auto, Part::Odd, watch)?;
        Ok(other.score < WORTH * now)
    }

    /// Columns so scaled that the local mean predicts best.
    fn learned(
        &self,
        table: &Table<'_>,
        best: &Found,
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let divided = divide(table.samples, &best.scales);
        let (n, d) = (table.samples.rows(), table.samples.columns());
        let divided = Rows::new(&divided, n, d)?;
        // The width of a local mean is smaller than that of a local line: half of it is a start.
        let start = with_bandwidth(&self.kernel, 0.5 * (d as f64).sqrt())?;
        let data = Data {
            samples: divided,
            responses: table.responses,
            weights: table.weights,
        };
        let factors = relevance(&start, &self.neighborhood, data, part, watch)?;
        Ok(best
            .scales
            .iter()
            .zip(factors)
            .map(|(s, f)| s / f)
            .collect())
    }

    /// The best kernel over columns divided by these scales.
    fn candidates(
        &self,
        table: &Table<'_>,
        scales: Vec<f64>,
        search: Search,
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Found> {
        let divided = divide(table.samples, &scales);
        let trials = table.trials_at(&divided, part, TRIALS)?;
        let (n, d) = (table.samples.rows(), table.samples.columns() as f64);
        let mut tried = Vec::new();
        let mut push = |found: (f64, f64), kernel: Kernel| {
            tried.push(Tried {
                degree: 1,
                kernel,
                score: found.1,
            });
        };
        if matches!(search, Search::Fixed | Search::Auto | Search::PerColumn) {
            let kernel = |h: f64| with_bandwidth(&self.kernel, h);
            let mut score = |h: f64| self.score(&kernel(h)?, &trials, watch);
            let found = minimize((0.1 * d.sqrt(), 8.0 * d.sqrt()), CLOSE, &mut score)?;
            push(found, kernel(found.0)?);
        }
        let nearest = search == Search::Nearest
            || matches!(search, Search::Auto | Search::PerColumn) && trials.rows_are_samples;
        if nearest {
            let of = |k: f64| Bandwidth::QueryNearest((k.round() as usize).clamp(1, n));
            let kernel = |k: f64| with_bandwidth(&self.kernel, of(k));
            let mut score = |k: f64| self.score(&kernel(k)?, &trials, watch);
            let found = minimize((4.0_f64.min(n as f64), n as f64), CLOSE, &mut score)?;
            push(found, kernel(found.0)?);
        }
        let best = tried.iter().min_by(|a, b| a.score.total_cmp(&b.score));
        Ok(Found {
            kernel: best.map_or_else(|| self.kernel.clone(), |b| b.kernel.clone()),
            score: best.map_or(f64::INFINITY, |b| b.score),
            scales,
            tried,
        })
    }

    /// Mean loss of the samples at some places, each predicted without the place.
    fn score(&self, kernel: &Kernel, trials: &Trials<'_>, watch: &Watch<'_>) -> Result<f64> {
        let watch = watch.quiet();
        let (data, places) = (trials.data, &trials.places);
        let models = self.models(kernel, data.samples, data.responses, data.weights, &watch)?;
        let first = |place: &Vec<usize>| data.samples.row(place[0]);
        let some: Vec<f64> = places.iter().flat_map(first).copied().collect();
        let targets = Rows::new(&some, places.len(), data.samples.columns())?;
        let mut each = Vec::new();
        for model in &models {
            let fits = model.at_without(targets, Some(places), &watch)?;
            each.push(fits.means().to_vec());
        }
        let p = data.responses.columns();
        let means = together(&each, places.len(), exclusive(self.family, p));
        let (mut sum, mut total) = (0.0, 0.0);
        for (place, means) in places.iter().zip(means.chunks_exact(p)) {
            for &i in place {
                let w = data.weights.map_or(1.0, |w| w[i]);
                let y = data.responses.row(i);
                let losses = means.iter().zip(y).map(|(m, y)| {
                    if exclusive(self.family, p) {
                        -y * m.max(1e-12).ln()
                    } else {
                        self.family.loss(*m, *y)
                    }
                });
                sum += w * losses.sum::<f64>();
                total += w;
            }
        }
        Ok(if sum.is_nan() {
            f64::INFINITY
        } else {
            sum / total
        })
    }
}

/// The best of some candidates.
struct Found {
    kernel: Kernel,
    scales: Vec<f64>,
    score: f64,
    tried: Vec<Tried>,
}

/// Whether responses are classes, one of which is true.
fn exclusive(family: Family, p: usize) -> bool {
    family == Family::Binomial && p > 1
}

fn check(samples: Rows<'_, f64>, responses: Rows<'_, f64>, weights: Option<&[f64]>) -> Result<()> {
    let n = samples.rows();
    if n == 0 {
        return Err(Error::empty("samples has no rows; give at least one"));
    }
    samples.require_finite("samples")?;
    if responses.rows() != n || responses.columns() == 0 {
        return Err(Error::shape(format!(
            "responses has shape [{}, {}], but there are {n} samples; give a row for each, of at least one column",
            responses.rows(),
            responses.columns()
        )));
    }
    if let Some(w) = weights
        && w.len() != n
    {
        return Err(Error::shape(format!(
            "sample_weight has {} numbers, but there are {n} samples; give one for each",
            w.len()
        )));
    }
    Ok(())
}

/// Means of all models side by side, `[m, p]`; of classes their shares.
fn together(each: &[Vec<f64>], m: usize, exclusive: bool) -> Vec<f64> {
    let mut out = Vec::with_capacity(m * each.len());
    for i in 0..m {
        let from = out.len();
        if exclusive && each.len() == 1 {
            out.push(1.0 - each[0][i]);
        }
        out.extend(each.iter().map(|means| means[i]));
        if exclusive && each.len() > 1 {
            let row = &mut out[from..];
            let total: f64 = row.iter().sum();
            let even = 1.0 / row.len() as f64;
            row.iter_mut()
                .for_each(|s| *s = if total > 0.0 { *s / total } else { even });
        }
    }
    out
}

/// Fitted local generalized linear models.
#[derive(Clone, Debug)]
pub struct LocalGlmRegressionFit {
    kernel: Kernel,
    scales: Vec<f64>,
    tried: Vec<Tried>,
    models: Vec<LocalGlmFit>,
    exclusive: bool,
}

impl LocalGlmRegressionFit {
    /// The kernel that was chosen, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// What each column was divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    /// The best of each family of kernels that was tried, with their leave-one-out losses.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// The models, over columns divided by their scales: one for each response, for two classes one of the second.
    pub fn models(&self) -> &[LocalGlmFit] {
        &self.models
    }

    /// Means at targets `[m, d]`: `[m, p]`; of several classes their probabilities.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn means(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let divided = self.divide(targets)?;
        let divided = Rows::new(&divided, targets.rows(), targets.columns())?;
        let mut each = Vec::new();
        for model in &self.models {
            each.push(model.at(divided, watch)?.means().to_vec());
        }
        Ok(together(&each, targets.rows(), self.exclusive))
    }

    /// Slopes of the first model's linear predictor by the columns, `[m, d]`.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn slopes(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let divided = self.divide(targets)?;
        let divided = Rows::new(&divided, targets.rows(), targets.columns())?;
        let mut slopes = self.models[0].at(divided, watch)?.slopes().to_vec();
        for row in slopes.chunks_exact_mut(self.scales.len().max(1)) {
            row.iter_mut().zip(&self.scales).for_each(|(b, s)| *b /= s);
        }
        Ok(slopes)
    }

    fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        if targets.columns() == self.scales.len() {
            return Ok(divide(targets, &self.scales));
        }
        Err(Error::shape(format!(
            "targets has {} columns, but samples had {}; they must be the same columns",
            targets.columns(),
            self.scales.len()
        )))
    }
}

//! Local generalized linear models that choose their own bandwidth: columns brought to one scale, the kernel searched.

use super::glm::{GlmFits, LocalGlm, LocalGlmFit};
use super::regression::{LocalRegression, Search, divide};
use super::{Choice, Family};
use crate::{Error, Kernel, LocalMeanFit, Neighborhood, Result, Rows, Watch};

/// What both models share: a kernel whose bandwidth is that under which a local line predicts the responses best without each sample.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) kernel: Kernel,
    pub(crate) search: Search,
    pub(crate) standardize: Option<bool>,
    pub(crate) penalty: f64,
    pub(crate) neighborhood: Neighborhood,
}

impl Chosen {
    fn new(kernel: Kernel, penalty: f64) -> Self {
        Self {
            kernel,
            search: Search::Auto,
            standardize: None,
            penalty,
            neighborhood: Neighborhood::default(),
        }
    }

    fn choose(&self, data: Data<'_>, watch: &Watch<'_>) -> Result<Choice> {
        let mut line = LocalRegression::new(self.kernel.clone())
            .search(self.search)
            .neighborhood(self.neighborhood.clone());
        if let Some(standardize) = self.standardize {
            line = line.standardize(standardize);
        }
        line.choose(data.samples, data.responses, data.weights, watch)
    }

    /// One model for each column of responses.
    fn fit(
        &self,
        family: Family,
        choice: &Choice,
        data: Data<'_>,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalGlmFit>> {
        let scaled = divide(data.samples, &choice.scales);
        let rows = Rows::new(&scaled, data.samples.rows(), data.samples.columns())?;
        let model = LocalGlm::new(choice.kernel.clone(), family)
            .penalty(self.penalty)
            .neighborhood(self.neighborhood.clone());
        let one = |c: usize| {
            let own: Vec<f64> = data.responses.iter().map(|r| r[c]).collect();
            model.fit(rows, Rows::column(&own), data.weights, watch)
        };
        (0..data.responses.columns()).map(one).collect()
    }
}

#[derive(Clone, Copy)]
struct Data<'a> {
    samples: Rows<'a, f64>,
    responses: Rows<'a, f64>,
    weights: Option<&'a [f64]>,
}

macro_rules! parameters {
    () => {
        /// How the bandwidth is found; [`Search::Auto`] by default: that under which a local line predicts the responses best
        /// without each sample, which is as smooth as the model is.
        #[must_use]
        pub fn search(mut self, search: Search) -> Self {
            self.chosen.search = search;
            self
        }

        /// A bandwidth for all parts of the kernel that have a distance; none is searched then.
        ///
        /// # Errors
        /// A kernel without any distance, a bandwidth that is not positive and finite.
        pub fn bandwidth(mut self, h: f64) -> Result<Self> {
            self.chosen.kernel = super::with_bandwidth(&self.chosen.kernel, h)?;
            self.chosen.search = Search::Given;
            Ok(self)
        }

        /// Whether columns are divided by their standard deviations first, which are then the units of bandwidths. By default they
        /// are where the bandwidth is searched.
        #[must_use]
        pub fn standardize(mut self, standardize: bool) -> Self {
            self.chosen.standardize = Some(standardize);
            self
        }

        /// See [`LocalGlm::penalty`]; columns are on their common scale.
        #[must_use]
        pub fn penalty(mut self, penalty: f64) -> Self {
            self.chosen.penalty = penalty;
            self
        }

        /// Which samples a target may see at all; every one by default.
        #[must_use]
        pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
            self.chosen.neighborhood = neighborhood;
            self
        }
    };
}

/// The parameters of a [`LocalGlm`] whose bandwidth is searched, over columns on one scale.
///
/// ```
/// use locality::local::{Family, LocalGlmRegression};
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..61).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.sin().exp()).collect();
/// let watch = Watch::default();
/// let model = LocalGlmRegression::new("gaussian".parse()?, Family::Poisson);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// assert!((fit.at(Rows::column(&[1.05]), &watch)?.means()[0] - 1.05_f64.sin().exp()).abs() < 0.02);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Source: as [`LocalGlm`].
#[derive(Clone, Debug)]
pub struct LocalGlmRegression {
    pub(crate) chosen: Chosen,
    pub(crate) family: Family,
}

impl LocalGlmRegression {
    /// A family under a kernel of this shape, with a penalty of 1e-3.
    pub fn new(kernel: Kernel, family: Family) -> Self {
        Self {
            chosen: Chosen::new(kernel, 1e-3),
            family,
        }
    }

    parameters!();

    /// Fits to samples `[n, d]` with responses `[n, 1]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalGlm::fit`] and [`LocalRegression::fit`].
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalGlmRegressionFit> {
        if responses.columns() != 1 {
            return Err(Error::shape(format!(
                "responses has {} columns; a generalized linear model has one",
                responses.columns()
            )));
        }
        self.family.check(responses)?;
        let data = Data {
            samples,
            responses,
            weights,
        };
        let choice = self.chosen.choose(data, watch)?;
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
    ) -> Result<LocalGlmRegressionFit> {
        let data = Data {
            samples,
            responses,
            weights,
        };
        let mut models = self.chosen.fit(self.family, &choice, data, watch)?;
        let model = models.pop().filter(|_| models.is_empty());
        Ok(LocalGlmRegressionFit {
            model: model.ok_or_else(|| Error::shape("responses must have one column"))?,
            parameters: self.clone(),
            samples: samples.to_vec(),
            responses: responses.to_vec(),
            weights: weights.map(<[f64]>::to_vec),
            choice,
        })
    }
}

/// A fitted local generalized linear model; made by [`LocalGlmRegression::fit`].
#[derive(Clone, Debug)]
pub struct LocalGlmRegressionFit {
    pub(crate) parameters: LocalGlmRegression,
    pub(crate) choice: Choice,
    pub(crate) samples: Vec<f64>,
    pub(crate) responses: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
    model: LocalGlmFit,
}

impl LocalGlmRegressionFit {
    /// The kernel in force, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        &self.choice.kernel
    }

    /// What each column is divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.choice.scales
    }

    /// The distribution of the responses.
    pub fn family(&self) -> Family {
        self.parameters.family
    }

    /// The local means under the same kernel, over the divided columns.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        self.model.local_means()
    }

    /// Targets `[m, d]` over the divided columns.
    ///
    /// # Errors
    /// Another number of columns.
    pub fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        divided(targets, &self.choice.scales)
    }

    /// Predictions at targets `[m, d]`; slopes are by the columns as given.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<GlmFits> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        let mut fits = self.model.at(rows, watch)?;
        fits.rescale(&self.choice.scales);
        Ok(fits)
    }
}

/// The parameters of local logistic regression for any number of classes: one against the rest where there are more than two, the
/// probabilities divided by their sum.
///
/// ```
/// use locality::local::LocalLogistic;
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..90).map(|i| f64::from(i) / 10.0).collect();
/// let classes: Vec<usize> = (0..90).map(|i| [0, 2, 1][i / 30]).collect();
/// let watch = Watch::default();
/// let fit = LocalLogistic::new("gaussian".parse()?).fit(Rows::column(&x), &classes, 3, None, &watch)?;
/// assert_eq!(fit.predict(Rows::column(&[1.0, 4.5, 8.0]), &watch)?, [0, 2, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Source: as [`LocalGlm`].
#[derive(Clone, Debug)]
pub struct LocalLogistic {
    pub(crate) chosen: Chosen,
}

impl LocalLogistic {
    /// A kernel of this shape, with a penalty of 1.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            chosen: Chosen::new(kernel, 1.0),
        }
    }

    parameters!();

    /// Fits to samples `[n, d]` with classes `[n]` numbered from 0 to `n_classes - 1` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalGlm::fit`] and [`LocalRegression::fit`]; fewer than two classes, a class that is not below `n_classes`.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        classes: &[usize],
        n_classes: usize,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalLogisticFit> {
        let all = indicators(classes, n_classes, 0)?;
        let data = Data {
            samples,
            responses: Rows::new(&all, classes.len(), n_classes)?,
            weights,
        };
        let choice = self.chosen.choose(data, watch)?;
        self.fit_chosen(choice, samples, classes, n_classes, weights, watch)
    }

    /// The fit at what was found before.
    pub(crate) fn fit_chosen(
        &self,
        choice: Choice,
        samples: Rows<'_, f64>,
        classes: &[usize],
        n_classes: usize,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalLogisticFit> {
        // Of two classes the second says all.
        let first = usize::from(n_classes == 2);
        let some = indicators(classes, n_classes, first)?;
        let data = Data {
            samples,
            responses: Rows::new(&some, classes.len(), n_classes - first)?,
            weights,
        };
        Ok(LocalLogisticFit {
            models: self.chosen.fit(Family::Binomial, &choice, data, watch)?,
            parameters: self.clone(),
            samples: samples.to_vec(),
            classes: classes.to_vec(),
            n_classes,
            weights: weights.map(<[f64]>::to_vec),
            choice,
        })
    }
}

/// Zeros and ones, `[n, n_classes - first]`.
fn indicators(classes: &[usize], n_classes: usize, first: usize) -> Result<Vec<f64>> {
    if n_classes < 2 {
        return Err(Error::parameter(format!(
            "n_classes={n_classes} must be at least 2; a classifier tells classes apart"
        )));
    }
    if let Some(i) = classes.iter().position(|c| *c >= n_classes) {
        return Err(Error::parameter(format!(
            "classes has {} at position {i} (counted from 0), but n_classes={n_classes}; number the classes from 0",
            classes[i]
        )));
    }
    let row = |&c: &usize| (first..n_classes).map(move |k| f64::from(u8::from(k == c)));
    Ok(classes.iter().flat_map(row).collect())
}

/// Fitted local logistic regression; made by [`LocalLogistic::fit`].
#[derive(Clone, Debug)]
pub struct LocalLogisticFit {
    pub(crate) parameters: LocalLogistic,
    pub(crate) choice: Choice,
    pub(crate) samples: Vec<f64>,
    pub(crate) classes: Vec<usize>,
    n_classes: usize,
    pub(crate) weights: Option<Vec<f64>>,
    models: Vec<LocalGlmFit>,
}

impl LocalLogisticFit {
    /// The kernel in force, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        &self.choice.kernel
    }

    /// What each column is divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.choice.scales
    }

    /// Number of classes, `k`.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The local means under the same kernel, over the divided columns.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        self.models[0].local_means()
    }

    /// Targets `[m, d]` over the divided columns.
    ///
    /// # Errors
    /// Another number of columns.
    pub fn divide(&self, targets: Rows<'_, f64>) -> Result<Vec<f64>> {
        divided(targets, &self.choice.scales)
    }

    /// Probabilities of the classes at targets `[m, d]`, `[m, k]`; each row sums up to 1.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn predict_proba(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        let mut ones = Vec::with_capacity(self.models.len());
        for model in &self.models {
            ones.push(model.at(rows, watch)?.means().to_vec());
        }
        let mut out = Vec::with_capacity(rows.rows() * self.n_classes);
        for i in 0..rows.rows() {
            if let [second] = &ones[..] {
                out.extend([1.0 - second[i], second[i]]);
                continue;
            }
            let total: f64 = ones.iter().map(|one| one[i]).sum();
            let share = |p: f64| {
                if total > 0.0 {
                    p / total
                } else {
                    1.0 / ones.len() as f64
                }
            };
            out.extend(ones.iter().map(|one| share(one[i])));
        }
        Ok(out)
    }

    /// The likeliest class at each of targets `[m, d]`, `[m]`; of equals the first.
    ///
    /// # Errors
    /// As [`predict_proba`](Self::predict_proba).
    pub fn predict(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<usize>> {
        let all = self.predict_proba(targets, watch)?;
        let best = |p: &[f64]| (1..p.len()).fold(0, |b, k| if p[k] > p[b] { k } else { b });
        Ok(all.chunks_exact(self.n_classes).map(best).collect())
    }
}

fn divided(targets: Rows<'_, f64>, scales: &[f64]) -> Result<Vec<f64>> {
    if targets.columns() != scales.len() {
        return Err(Error::shape(format!(
            "targets has {} columns, but samples had {}; they must be the same columns",
            targets.columns(),
            scales.len()
        )));
    }
    Ok(divide(targets, scales))
}

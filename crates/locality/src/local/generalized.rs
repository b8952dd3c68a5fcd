//! Local generalized linear models that choose their own bandwidth: columns brought to one scale, the kernel searched.

use super::candidates::{Data, Table, divide, divided};
use super::family::Family;
use super::glm::{GlmFits, LocalGlmFit};
use super::glm_search::Likelihood;
use super::link::{Link, Linked};
use super::model::{Localized, LocalizedFit};
use super::multinomial::Multinomial;
use super::regression::{Choice, Search};
use super::search::Tried;
use crate::{Error, Kernel, LocalMeanFit, Neighborhood, Result, Rows, Watch};

/// What both models share: a kernel whose bandwidth is that under which each sample is likeliest by a model of the others.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) kernel: Kernel,
    pub(crate) search: Search,
    pub(crate) standardize: Option<bool>,
    pub(crate) scales: Option<Vec<f64>>,
    pub(crate) penalty: f64,
    pub(crate) neighborhood: Neighborhood,
    pub(crate) guard: bool,
    pub(crate) columns: Option<Vec<usize>>,
    pub(crate) link: Option<Link>,
}

impl Chosen {
    fn new(kernel: Kernel, penalty: f64) -> Self {
        Self {
            kernel,
            search: Search::Auto,
            standardize: None,
            scales: None,
            penalty,
            neighborhood: Neighborhood::default(),
            guard: true,
            columns: None,
            link: None,
        }
    }

    fn choose(&self, family: Family, table: &Table<'_>, watch: &Watch<'_>) -> Result<Choice> {
        let chosen = self;
        Linked::new(family, self.link)?;
        Likelihood { chosen, family }.choose(table, watch)
    }

    /// One model for each column of responses; of two classes one, of the second.
    fn fit(
        &self,
        family: Family,
        choice: &Choice,
        table: &Table<'_>,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalGlmFit>> {
        let scaled = divide(table.samples, &choice.scales);
        let data = Data {
            samples: Rows::new(&scaled, table.samples.rows(), table.samples.columns())?,
            responses: table.responses,
            weights: table.weights,
        };
        let chosen = self;
        Likelihood { chosen, family }.models(&choice.kernel, data, watch)
    }
}

/// Means of some models side by side, `[m, p]`; of several classes their shares, of two from the second's alone.
pub(super) fn together(each: &[Vec<f64>], p: usize) -> Vec<f64> {
    let m = each.first().map_or(0, Vec::len);
    let mut out = Vec::with_capacity(m * p);
    for i in 0..m {
        match each {
            [one] if p == 2 => out.extend([1.0 - one[i], one[i]]),
            [one] => out.push(one[i]),
            all => {
                let total: f64 = all.iter().map(|one| one[i]).sum();
                let share = |one: &Vec<f64>| {
                    if total > 0.0 {
                        one[i] / total
                    } else {
                        1.0 / p as f64
                    }
                };
                out.extend(all.iter().map(share));
            }
        }
    }
    out
}

macro_rules! parameters {
    () => {
        /// How the bandwidth is found; [`Search::Auto`] by default: that under which each sample is likeliest by a model fitted around it to
        /// the others.
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

        /// What each column is divided by, `[d]`, instead of its deviation: what an earlier fit has found.
        #[must_use]
        pub fn scales(mut self, scales: impl Into<Vec<f64>>) -> Self {
            self.chosen.scales = Some(scales.into());
            self
        }

        /// See [`LocalGlm::penalty`](super::LocalGlm::penalty); columns are on their common scale.
        #[must_use]
        pub fn penalty(mut self, penalty: f64) -> Self {
            self.chosen.penalty = penalty;
            self
        }

        /// Whether slopes are shrunk where evidence is thin; see [`LocalGlm::guard`](super::LocalGlm::guard). They are by default.
        #[must_use]
        pub fn guard(mut self, guard: bool) -> Self {
            self.chosen.guard = guard;
            self
        }

        /// What of the mean is linear in the columns; see [`LocalGlm::link`](super::LocalGlm::link).
        #[must_use]
        pub fn link(mut self, link: impl Into<Option<Link>>) -> Self {
            self.chosen.link = link.into();
            self
        }

        /// The columns of the model, counted from 0; all by default. The kernel names its own.
        #[must_use]
        pub fn on(mut self, columns: impl Into<Vec<usize>>) -> Self {
            self.chosen.columns = Some(columns.into());
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
/// Source: as [`LocalGlm`](super::LocalGlm).
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
    /// As [`LocalGlm::fit`](super::LocalGlm::fit) and [`LocalRegression::fit`](super::LocalRegression::fit).
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
        let table = Table {
            samples,
            responses,
            weights,
            given: weights,
        };
        let choice = self.chosen.choose(self.family, &table, watch)?;
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
        let table = Table {
            samples,
            responses,
            weights,
            given: weights,
        };
        let mut models = self.chosen.fit(self.family, &choice, &table, watch)?;
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

    /// The best of each family of kernels that was tried, with their leave-one-out losses.
    pub fn tried(&self) -> &[Tried] {
        &self.choice.tried
    }

    /// What each column is divided by, `[d]`.
    pub fn scales(&self) -> &[f64] {
        &self.choice.scales
    }

    /// The link in force.
    pub fn link(&self) -> Link {
        let usual = self.parameters.family.usual_link();
        self.parameters.chosen.link.unwrap_or(usual)
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
        let of = |c: &usize| self.choice.scales[*c];
        let scales: Vec<f64> = self.model.columns().iter().map(of).collect();
        fits.rescale(&scales);
        Ok(fits)
    }
}

/// The parameters of local logistic regression for any number of classes: one against the rest where there are more than two, the
/// probabilities divided by their sum, or [all in one model](Self::multinomial).
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
/// Source: as [`LocalGlm`](super::LocalGlm).
#[derive(Clone, Debug)]
pub struct LocalLogistic {
    pub(crate) chosen: Chosen,
    pub(crate) multinomial: bool,
}

impl LocalLogistic {
    /// A kernel of this shape, with a penalty of 1.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            chosen: Chosen::new(kernel, 1.0),
            multinomial: false,
        }
    }

    parameters!();

    /// Whether more than two classes are told apart by one [`Multinomial`] model instead of one against the rest each, which is faster and
    /// what bandwidths are compared by either way. Off by default.
    #[must_use]
    pub fn multinomial(mut self, multinomial: bool) -> Self {
        self.multinomial = multinomial;
        self
    }

    /// Fits to samples `[n, d]` with classes `[n]` numbered from 0 to `n_classes - 1` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalGlm::fit`](super::LocalGlm::fit) and [`LocalRegression::fit`](super::LocalRegression::fit); fewer than two classes, a class that is not below `n_classes`.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        classes: &[usize],
        n_classes: usize,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalLogisticFit> {
        let all = indicators(classes, n_classes)?;
        let table = Table {
            samples,
            responses: Rows::new(&all, classes.len(), n_classes)?,
            weights,
            given: weights,
        };
        let choice = self.chosen.choose(Family::Binomial, &table, watch)?;
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
        let all = indicators(classes, n_classes)?;
        let table = Table {
            samples,
            responses: Rows::new(&all, classes.len(), n_classes)?,
            weights,
            given: weights,
        };
        let joint = if self.multinomial && n_classes > 2 {
            let scaled = divide(samples, &choice.scales);
            let rows = Rows::new(&scaled, samples.rows(), samples.columns())?;
            let model = Multinomial::new(self.chosen.penalty)?.guard(self.chosen.guard);
            let mut local = Localized::new(model, choice.kernel.clone())
                .neighborhood(self.chosen.neighborhood.clone());
            if let Some(columns) = &self.chosen.columns {
                local = local.on(columns.clone());
            }
            Some(local.fit(rows, table.responses, weights, watch)?)
        } else {
            None
        };
        Ok(LocalLogisticFit {
            models: match joint {
                Some(_) => Vec::new(),
                None => self.chosen.fit(Family::Binomial, &choice, &table, watch)?,
            },
            joint,
            parameters: self.clone(),
            samples: samples.to_vec(),
            classes: classes.to_vec(),
            n_classes,
            weights: weights.map(<[f64]>::to_vec),
            choice,
        })
    }
}

/// Zeros and ones, `[n, n_classes]`.
fn indicators(classes: &[usize], n_classes: usize) -> Result<Vec<f64>> {
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
    let row = |&c: &usize| (0..n_classes).map(move |k| f64::from(u8::from(k == c)));
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
    /// One against the rest; none beside a joint model.
    models: Vec<LocalGlmFit>,
    joint: Option<LocalizedFit<Multinomial>>,
}

impl LocalLogisticFit {
    /// The kernel in force, over columns divided by [`scales`](Self::scales).
    pub fn kernel(&self) -> &Kernel {
        &self.choice.kernel
    }

    /// The best of each family of kernels that was tried, with their leave-one-out losses.
    pub fn tried(&self) -> &[Tried] {
        &self.choice.tried
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
        match &self.joint {
            Some(joint) => joint.local_means(),
            None => self.models[0].local_means(),
        }
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
        Ok(self.predict_guarded(targets, watch)?.0)
    }

    /// The same, and whether evidence was too thin for all of the slopes of any class at each target, `[m]`.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn predict_guarded(
        &self,
        targets: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<bool>)> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        if let Some(joint) = &self.joint {
            let found = joint.at(rows, watch)?;
            return Ok((found.values().to_vec(), found.thin().to_vec()));
        }
        let mut ones = Vec::with_capacity(self.models.len());
        let mut thin = vec![false; targets.rows()];
        for model in &self.models {
            let found = model.at(rows, watch)?;
            thin.iter_mut().zip(found.thin()).for_each(|(a, b)| *a |= b);
            ones.push(found.means().to_vec());
        }
        Ok((together(&ones, self.n_classes), thin))
    }

    /// Slopes of the linear predictors by the model's columns as given at targets `[m, d]`: of two classes those of the second's log-odds,
    /// `[m, columns]`, else `[m, k, columns]`.
    ///
    /// # Errors
    /// As [`LocalGlmFit::at`].
    pub fn slopes(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        let d = targets.columns();
        let columns = match &self.parameters.chosen.columns {
            Some(columns) => columns.clone(),
            None => (0..d).collect(),
        };
        let scales: Vec<f64> = columns.iter().map(|&c| self.choice.scales[c]).collect();
        let q = scales.len();
        let mut out = Vec::new();
        if let Some(joint) = &self.joint {
            for fit in joint.fits(rows, watch)? {
                let fit = fit.as_ref().unwrap_or(joint.global());
                for own in fit.coefficients.chunks_exact(q + 1) {
                    out.extend(own[1..].iter().zip(&scales).map(|(b, s)| b / s));
                }
            }
            return Ok(out);
        }
        let fits = self.models.iter().map(|model| model.at(rows, watch));
        let mut fits = fits.collect::<Result<Vec<_>>>()?;
        for fit in &mut fits {
            fit.rescale(&scales);
        }
        for i in 0..targets.rows() {
            for fit in &fits {
                out.extend_from_slice(&fit.slopes()[i * q..][..q]);
            }
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

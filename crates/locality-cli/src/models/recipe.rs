//! How a model is to be made.

use locality::density::KernelClassifier;
use locality::lazy::{NeighborsClassifier, NeighborsRegressor, Reach};
use locality::local::{
    Family, LocalGlmRegression, LocalLogistic, LocalRegression, Search, with_bandwidth,
};
use locality::{Kernel, LinearMap, Metric, Rows, Watch};

use super::Fitted;
use super::target::{Target, Task};
use crate::error::{Error, Result};
use crate::scores::Score;

/// Up to so many columns parabolas are tried.
const MOST_FOR_QUADRATIC: usize = 8;
/// Numbers of neighbours that are tried.
const NEIGHBORS: [usize; 14] = [1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160];

/// What a pair of rows costs for each number of a local model, with all bandwidths that are tried, on a core of 2025.
const SECONDS_OF_A_TERM: f64 = 1e-7;
/// From so many seconds on there is advice.
const LONG: f64 = 40.0;

/// A model by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Model {
    /// Local mean, line or parabola, whichever predicts best without each row; for classes local logistic regression
    Auto,
    /// Local mean (Nadaraya-Watson); for classes the kernel classifier (Parzen)
    Mean,
    /// A line around each row
    LocalLinear,
    /// A parabola around each row
    LocalQuadratic,
    /// Logistic regression around each row, for classes
    Logistic,
    /// Poisson regression around each row, for counts
    Poisson,
    /// Gamma regression around each row, for positive numbers
    Gamma,
    /// The nearest rows, all alike
    Knn,
    /// Local mean or line, for classes the kernel classifier, under a metric that is learned: columns that say nothing stop counting
    #[cfg(feature = "learn")]
    Adaptive,
}

impl Model {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mean => "mean",
            Self::LocalLinear => "local-linear",
            Self::LocalQuadratic => "local-quadratic",
            Self::Logistic => "logistic",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Knn => "knn",
            #[cfg(feature = "learn")]
            Self::Adaptive => "adaptive",
        }
    }

    /// The only task that it is for, if it is not for both.
    pub(crate) fn task(self) -> Option<Task> {
        match self {
            Self::Auto | Self::Mean | Self::Knn => None,
            #[cfg(feature = "learn")]
            Self::Adaptive => None,
            Self::Logistic => Some(Task::Classification),
            _ => Some(Task::Regression),
        }
    }

    /// Whether it predicts such a target.
    pub(crate) fn fits(self, task: Task) -> bool {
        self.task().is_none_or(|own| own == task)
    }
}

/// How near is near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bandwidth {
    /// Searched by leave-one-out cross-validation.
    Auto,
    /// The same everywhere.
    Number(f64),
    /// The distance to the nearest row of this rank.
    Nearest(usize),
}

impl std::str::FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is none of auto, a positive number such as 0.5, or knn=K such as knn=30"
            )
        };
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(k) = text.strip_prefix("knn=") {
            let k = k.parse().map_err(|_| wrong())?;
            return if k > 0 {
                Ok(Self::Nearest(k))
            } else {
                Err(wrong())
            };
        }
        match text.parse::<f64>() {
            Ok(h) if h.is_finite() && h > 0.0 => Ok(Self::Number(h)),
            _ => Err(wrong()),
        }
    }
}

/// Everything that is chosen before data are seen.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) model: Model,
    /// Its columns by number.
    pub(crate) kernel: Option<Kernel>,
    pub(crate) bandwidth: Bandwidth,
    pub(crate) standardize: bool,
}

impl Recipe {
    /// A model with nothing but defaults.
    pub(crate) fn of(model: Model) -> Self {
        Self {
            model,
            kernel: None,
            bandwidth: Bandwidth::Auto,
            standardize: true,
        }
    }

    /// Refuses, before any work, what does not go together.
    pub(crate) fn check(&self, task: Task, weighted: bool) -> Result<()> {
        let name = self.model.name();
        if !self.model.fits(task) {
            let other = match task {
                Task::Regression => {
                    "auto, mean, local-linear, local-quadratic, poisson, gamma or knn"
                }
                Task::Classification => "auto, logistic, mean or knn",
            };
            return Err(Error::usage(format!(
                "--model {name} is not for {}; choose {other}, or force the other task with --task",
                task.name()
            )));
        }
        if self.model == Model::Knn && self.kernel.is_some() {
            return Err(Error::usage(
                "--kernel does not go with --model knn, whose rows count alike; choose --model mean with --bandwidth knn=K",
            ));
        }
        // Parts that count how many categories differ keep theirs beside a bandwidth of numbers.
        let own = |kernel: &&Kernel| {
            kernel.atoms().iter().any(|atom| {
                *atom.bandwidth_rule() != locality::Bandwidth::Default
                    && atom.metric_in_force() != locality::Metric::Hamming
            })
        };
        if let Some(kernel) = self.kernel.as_ref().filter(own)
            && self.bandwidth != Bandwidth::Auto
        {
            return Err(Error::usage(format!(
                "--kernel {kernel} has a bandwidth of its own, and --bandwidth names another; give one of the two"
            )));
        }
        if self.model == Model::Knn && weighted {
            return Err(Error::usage(
                "--weights does not go with --model knn; choose another model",
            ));
        }
        #[cfg(feature = "learn")]
        if self.model == Model::Adaptive {
            let given = [
                ("--weights", weighted),
                ("--kernel", self.kernel.is_some()),
                ("--bandwidth", self.bandwidth != Bandwidth::Auto),
                ("--no-standardize", !self.standardize),
            ];
            if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
                let why = match *flag {
                    "--weights" => "every row counts alike where it learns",
                    _ => "it learns the kernel, and units of columns do not matter",
                };
                return Err(Error::usage(format!(
                    "{flag} does not go with --model adaptive: {why}; leave it out, or choose another model"
                )));
            }
        }
        Ok(())
    }

    /// What is faster, where the search of a bandwidth takes long.
    pub(crate) fn advice(&self, x: Rows<'_, f64>, target: &Target) -> Option<String> {
        let d = x.columns();
        let parabola = (d + 1) * (d + 2) / 2;
        let (terms, models, what, faster) = match (self.model, target) {
            (Model::Auto | Model::Logistic, Target::Classes(_, classes)) => {
                let models = if classes.len() == 2 { 1 } else { classes.len() };
                let what = format!("local logistic regressions of {} classes", classes.len());
                (d + 1, models, what, "knn or --model mean")
            }
            (Model::Auto, Target::Numbers(_)) if d <= MOST_FOR_QUADRATIC => {
                let what = "local parabolas".to_owned();
                (parabola, 1, what, "local-linear or --model knn")
            }
            (Model::LocalQuadratic, Target::Numbers(_)) => {
                let what = "local parabolas".to_owned();
                (parabola, 1, what, "local-linear or --model knn")
            }
            (Model::Auto | Model::LocalLinear, Target::Numbers(_)) => {
                (d + 1, 1, "local lines".to_owned(), "mean or --model knn")
            }
            (Model::Poisson | Model::Gamma, _) => {
                let what = format!("local {} regressions", self.model.name());
                (d + 1, 1, what, "mean or --model knn")
            }
            _ => return None,
        };
        let pairs = (x.rows() as f64).powi(2);
        let seconds = SECONDS_OF_A_TERM * pairs * terms as f64 * models as f64;
        let long = self.bandwidth == Bandwidth::Auto && seconds >= LONG;
        long.then(|| {
            format!(
                "searching the bandwidth of {what} over {} rows and {d} columns takes about {} of one core; --model {faster} is faster, \
                 or give a --bandwidth",
                x.rows(),
                if seconds < 120.0 {
                    "a minute".to_owned()
                } else {
                    format!("{:.0} minutes", seconds / 60.0)
                }
            )
        })
    }

    /// Fits the model.
    pub(crate) fn fit(
        &self,
        x: Rows<'_, f64>,
        target: &Target,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> locality::Result<Fitted> {
        match (self.model, target) {
            (Model::Knn, _) => self.neighbors(x, target, watch),
            #[cfg(feature = "learn")]
            (Model::Adaptive, _) => super::adaptive::fit(x, target, watch),
            (Model::Mean, Target::Classes(codes, classes)) => {
                let model = self.kernel_classifier(x)?;
                let fit = model.fit_weighted(x, codes, classes.len(), weights, watch)?;
                Ok(Fitted::KernelClassifier(fit))
            }
            (_, Target::Classes(codes, classes)) => {
                let (kernel, search) = self.kernel()?;
                let mut model = LocalLogistic::new(kernel).search(search);
                model = model.standardize(self.standardize);
                let fit = model.fit(x, codes, classes.len(), weights, watch)?;
                Ok(Fitted::Logistic(fit))
            }
            (Model::Poisson | Model::Gamma, Target::Numbers(y)) => {
                let family = if self.model == Model::Gamma {
                    Family::Gamma
                } else {
                    Family::Poisson
                };
                let (kernel, search) = self.kernel()?;
                let mut model = LocalGlmRegression::new(kernel, family).search(search);
                model = model.standardize(self.standardize);
                Ok(Fitted::Glm(model.fit(
                    x,
                    Rows::column(y),
                    weights,
                    watch,
                )?))
            }
            (_, Target::Numbers(y)) => {
                let (kernel, search) = self.kernel()?;
                let degrees = match self.model {
                    Model::Mean => vec![0],
                    Model::LocalLinear => vec![1],
                    Model::LocalQuadratic => vec![2],
                    _ if x.columns() <= MOST_FOR_QUADRATIC => vec![0, 1, 2],
                    _ => vec![0, 1],
                };
                let model = LocalRegression::new(kernel).search(search).degrees(degrees);
                let model = model.standardize(self.standardize);
                let fit = model.fit(x, Rows::column(y), weights, watch)?;
                Ok(Fitted::Regression(Box::new(fit)))
            }
        }
    }

    /// The kernel, and how its bandwidth is found.
    fn kernel(&self) -> locality::Result<(Kernel, Search)> {
        let kernel = match &self.kernel {
            Some(kernel) => kernel.clone(),
            None => "gaussian".parse()?,
        };
        Ok(match self.bandwidth {
            Bandwidth::Auto => (kernel, Search::Auto),
            Bandwidth::Number(h) => (with_bandwidth(&kernel, h)?, Search::Given),
            Bandwidth::Nearest(k) => {
                let nearest = locality::Bandwidth::QueryNearest(k);
                (with_bandwidth(&kernel, nearest)?, Search::Given)
            }
        })
    }

    fn kernel_classifier(&self, x: Rows<'_, f64>) -> locality::Result<KernelClassifier> {
        let mut model = KernelClassifier::new();
        if let Some(kernel) = &self.kernel {
            model = model.kernel(kernel.clone());
        }
        Ok(match self.bandwidth {
            // It goes by the columns' spreads itself.
            Bandwidth::Auto => model,
            Bandwidth::Number(h) if self.standardize && self.kernel.is_none() => {
                let each: Vec<f64> = deviations(x).iter().map(|s| s * h).collect();
                model.bandwidth(each)
            }
            Bandwidth::Number(h) => model.bandwidth(h),
            Bandwidth::Nearest(_) => {
                let mut kernel = self.kernel()?.0;
                if let Some(metric) = self.metric(x)? {
                    kernel = kernel.try_map(&mut |atom| Ok(atom.clone().metric(metric.clone())))?;
                }
                model.kernel(kernel)
            }
        })
    }

    /// Euclidean distance of the columns over their deviations.
    fn metric(&self, x: Rows<'_, f64>) -> locality::Result<Option<Metric>> {
        if !self.standardize {
            return Ok(None);
        }
        let scales = deviations(x);
        let d = scales.len();
        let row = |i: usize| {
            (0..d)
                .map(|j| if i == j { 1.0 / scales[i] } else { 0.0 })
                .collect()
        };
        let map = LinearMap::new((0..d).map(row).collect())?;
        Ok(Some(Metric::Mahalanobis(map)))
    }

    fn neighbors(
        &self,
        x: Rows<'_, f64>,
        target: &Target,
        watch: &Watch<'_>,
    ) -> locality::Result<Fitted> {
        let metric = self.metric(x)?.unwrap_or(Metric::Euclidean);
        let labels: Vec<i64> = match target {
            Target::Classes(codes, _) => codes.iter().map(|c| *c as i64).collect(),
            Target::Numbers(_) => Vec::new(),
        };
        let fit = |reach: Reach| -> locality::Result<Fitted> {
            Ok(match target {
                Target::Numbers(y) => {
                    let model = NeighborsRegressor::new(reach).metric(metric.clone());
                    Fitted::Neighbors(model.fit(x, Rows::column(y))?)
                }
                Target::Classes(..) => {
                    let model = NeighborsClassifier::new(reach).metric(metric.clone());
                    Fitted::NeighborClasses(model.fit(x, Rows::column(&labels))?)
                }
            })
        };
        let reach = match self.bandwidth {
            Bandwidth::Number(radius) => return fit(Reach::Within(radius)),
            Bandwidth::Nearest(k) => return fit(Reach::Nearest(k)),
            Bandwidth::Auto => NEIGHBORS.iter().filter(|k| **k < x.rows()),
        };
        let mut best: Option<(f64, Fitted)> = None;
        for &k in reach {
            let candidate = fit(Reach::Nearest(k))?;
            let error = candidate.leave_one_out(x, target, None, &watch.quiet())?;
            let error = error.and_then(|e| e.score(target));
            let error = error.map_or(f64::INFINITY, Score::loss);
            if best.as_ref().is_none_or(|b| error < b.0) {
                best = Some((error, candidate));
            }
        }
        match best {
            Some((_, fitted)) => Ok(fitted),
            None => fit(Reach::Nearest(1)),
        }
    }
}

/// Standard deviations of the columns; 1 for a constant.
pub(crate) fn deviations(x: Rows<'_, f64>) -> Vec<f64> {
    let n = x.rows() as f64;
    let column = |c: usize| {
        let mean = x.iter().map(|r| r[c] / n).sum::<f64>();
        let variance = x.iter().map(|r| (r[c] - mean).powi(2) / n).sum::<f64>();
        let large = x.iter().fold(0.0, |a: f64, r| a.max(r[c].abs()));
        let varies = variance.is_finite() && variance.sqrt() > 1e-12 * large;
        if varies { variance.sqrt() } else { 1.0 }
    };
    (0..x.columns()).map(column).collect()
}

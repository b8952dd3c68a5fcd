//! Fitted models of every kind, alike.

use locality::density::KernelClassifierFit;
use locality::lazy::{Asking, NeighborsClassifierFit, NeighborsRegressorFit, Reach};
use locality::local::{
    Explanation, LocalGlm, LocalGlmRegressionFit, LocalLogistic, LocalLogisticFit,
    LocalRegressionFit, Search,
};
use locality::model::{LocalMeanModelFit, ModelFile, Persist, ScaledModel};
use locality::{Kernel, LocalMeanFit, Neighborhood, Rows, Watch};

use super::target::{Target, Task};
use crate::error::{Error, Result};
use crate::scores::{Score, score_classes, score_numbers};

/// More rows than these would take too long to be left out one by one.
const MOST_LEFT_OUT: usize = 5000;

/// A model that predicts.
#[derive(Clone, Debug)]
pub(crate) enum Fitted {
    Regression(Box<LocalRegressionFit>),
    Glm(LocalGlmRegressionFit),
    Logistic(LocalLogisticFit),
    KernelClassifier(KernelClassifierFit<f64>),
    Neighbors(NeighborsRegressorFit<f64>),
    NeighborClasses(NeighborsClassifierFit<f64>),
    Mean(LocalMeanModelFit<f64>),
    /// What Python's estimators keep as it is.
    Scaled(ScaledModel),
}

/// What a model says at some rows.
#[derive(Clone, Debug)]
pub(crate) enum Predictions {
    /// Numbers `[m]`.
    Numbers(Vec<f64>),
    /// Numbers of several responses `[m, p]`, of which there are none in a table's one target.
    Several(Vec<f64>, usize),
    /// Probabilities `[m, k]`.
    Shares(Vec<f64>, usize),
}

impl Predictions {
    /// Numbers `[m, p]`.
    fn numbers(values: Vec<f64>, p: usize) -> Self {
        match p {
            1 => Self::Numbers(values),
            _ => Self::Several(values, p),
        }
    }

    /// How good they are.
    pub(crate) fn score(&self, target: &Target) -> Option<Score> {
        match (self, target) {
            (Self::Numbers(found), Target::Numbers(y)) => Some(score_numbers(y, found)),
            (Self::Shares(shares, k), Target::Classes(codes, _)) => {
                Some(score_classes(codes, shares, *k))
            }
            _ => None,
        }
    }

    /// The likeliest class of each row; of equals the first.
    pub(crate) fn codes(&self) -> Vec<usize> {
        let Self::Shares(shares, k) = self else {
            return Vec::new();
        };
        let best = |p: &[f64]| (1..p.len()).fold(0, |b, k| if p[k] > p[b] { k } else { b });
        shares.chunks_exact(*k).map(best).collect()
    }
}

/// The rows behind predictions, `[m, k]` each.
pub(crate) struct Behind {
    /// Rows of the training table, counted from 0; -1 for none.
    pub(crate) rows: Vec<i64>,
    pub(crate) weights: Vec<f64>,
}

impl Fitted {
    /// The model of a file.
    pub(crate) fn unpack(file: &ModelFile, watch: &Watch<'_>) -> locality::Result<Self> {
        Ok(match file.kind() {
            LocalRegressionFit::KIND => Self::Regression(Box::new(Persist::unpack(file, watch)?)),
            LocalGlmRegressionFit::KIND => Self::Glm(Persist::unpack(file, watch)?),
            LocalLogisticFit::KIND => Self::Logistic(Persist::unpack(file, watch)?),
            KernelClassifierFit::<f64>::KIND => {
                Self::KernelClassifier(Persist::unpack(file, watch)?)
            }
            NeighborsRegressorFit::<f64>::KIND => Self::Neighbors(Persist::unpack(file, watch)?),
            NeighborsClassifierFit::<f64>::KIND => {
                let fit: NeighborsClassifierFit<f64> = Persist::unpack(file, watch)?;
                if fit.classes().len() != 1 {
                    return Err(locality::Error::unsupported(format!(
                        "the model tells the classes of {} responses, and tables have one; load it in Rust or Python",
                        fit.classes().len()
                    )));
                }
                Self::NeighborClasses(fit)
            }
            LocalMeanModelFit::<f64>::KIND => Self::Mean(Persist::unpack(file, watch)?),
            kind if ScaledModel::KINDS.contains(&kind) => {
                Self::Scaled(ScaledModel::unpack(file, watch)?)
            }
            other => {
                return Err(locality::Error::unsupported(format!(
                    "a model of the kind {other} does not predict columns of a table here; load it where it was made, in Python or Rust (`locality predict --help` says which kinds do)"
                )));
            }
        })
    }

    pub(crate) fn pack(&self) -> locality::Result<ModelFile> {
        match self {
            Self::Regression(fit) => fit.pack(),
            Self::Glm(fit) => fit.pack(),
            Self::Logistic(fit) => fit.pack(),
            Self::KernelClassifier(fit) => fit.pack(),
            Self::Neighbors(fit) => fit.pack(),
            Self::NeighborClasses(fit) => fit.pack(),
            Self::Mean(fit) => fit.pack(),
            // `fit` makes none.
            Self::Scaled(fit) => Err(locality::Error::unsupported(format!(
                "{} are written from Python",
                fit.title()
            ))),
        }
    }

    pub(crate) fn task(&self) -> Task {
        match self {
            Self::Regression(_) | Self::Glm(_) | Self::Neighbors(_) | Self::Mean(_) => {
                Task::Regression
            }
            Self::Scaled(fit) if fit.n_classes() == 0 => Task::Regression,
            _ => Task::Classification,
        }
    }

    /// What it is, in words.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Regression(fit) => match fit.degree() {
                0 => "local mean".to_owned(),
                1 => "local line".to_owned(),
                2 => "local parabola".to_owned(),
                q => format!("local polynomial of degree {q}"),
            },
            Self::Glm(fit) => {
                format!("local {} regression", fit.family().name().replace('_', " "))
            }
            Self::Logistic(_) => "local logistic regression".to_owned(),
            Self::KernelClassifier(_) => "kernel classifier".to_owned(),
            Self::Neighbors(_) | Self::NeighborClasses(_) => "nearest neighbours".to_owned(),
            Self::Mean(_) => "local mean".to_owned(),
            Self::Scaled(fit) => fit.title().to_owned(),
        }
    }

    /// The kernel in force.
    pub(crate) fn kernel(&self) -> Option<&Kernel> {
        match self {
            Self::Regression(fit) => Some(fit.kernel()),
            Self::Glm(fit) => Some(fit.kernel()),
            Self::Logistic(fit) => Some(fit.kernel()),
            Self::KernelClassifier(fit) => Some(fit.kernel()),
            Self::Mean(fit) => Some(fit.means().parameters().kernel()),
            Self::Scaled(fit) => Some(fit.kernel()),
            Self::Neighbors(_) | Self::NeighborClasses(_) => None,
        }
    }

    /// What near is, in words.
    pub(crate) fn nearness(&self) -> String {
        let reach = match self {
            Self::Neighbors(fit) => fit.parameters().reach(),
            Self::NeighborClasses(fit) => fit.parameters().reach(),
            _ => return self.kernel().map(Kernel::to_string).unwrap_or_default(),
        };
        match reach {
            Reach::Nearest(k) => format!("the {k} nearest"),
            Reach::Within(radius) => format!("all within {radius}"),
        }
    }

    /// What each column is divided by.
    pub(crate) fn scales(&self) -> Option<&[f64]> {
        match self {
            Self::Regression(fit) => Some(fit.scales()),
            Self::Glm(fit) => Some(fit.scales()),
            Self::Logistic(fit) => Some(fit.scales()),
            Self::Scaled(fit) => Some(fit.scales()),
            _ => None,
        }
    }

    /// Predictions at rows `[m, d]`.
    pub(crate) fn predict(
        &self,
        x: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> locality::Result<Predictions> {
        Ok(self.predict_with_evidence(x, watch)?.0)
    }

    /// The same, and at how many of the rows a local line or curve has too little evidence to be believed.
    pub(crate) fn predict_with_evidence(
        &self,
        x: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> locality::Result<(Predictions, usize)> {
        let few = |thin: &[bool]| thin.iter().filter(|t| **t).count();
        Ok(match self {
            Self::Regression(fit) => {
                let found = fit.at(x, watch)?;
                let values = found.values().to_vec();
                let thin = few(found.thin());
                (Predictions::numbers(values, found.responses()), thin)
            }
            Self::Glm(fit) => {
                let found = fit.at(x, watch)?;
                let thin = few(found.thin());
                (Predictions::Numbers(found.means().to_vec()), thin)
            }
            Self::Neighbors(fit) => {
                let p = fit.memory().width();
                (Predictions::numbers(fit.predict(x, watch)?.values, p), 0)
            }
            Self::Mean(fit) => {
                let found = fit.means().at(x, watch)?;
                let p = found.means.len() / x.rows().max(1);
                (Predictions::numbers(found.means, p), 0)
            }
            Self::Scaled(fit) => {
                let found = fit.at(x, watch)?;
                let values = if found.is_shares {
                    Predictions::Shares(found.values, found.columns)
                } else {
                    Predictions::numbers(found.values, found.columns)
                };
                (values, found.thin)
            }
            Self::Logistic(fit) => {
                let shares = fit.predict_proba(x, watch)?;
                (Predictions::Shares(shares, fit.n_classes()), 0)
            }
            Self::KernelClassifier(fit) => {
                let shares = fit.predict_proba(x, watch)?;
                (Predictions::Shares(shares, fit.n_classes()), 0)
            }
            Self::NeighborClasses(fit) => {
                let k = fit.classes().first().map_or(0, Vec::len);
                (
                    Predictions::Shares(fit.predict_proba(x, watch)?.values, k),
                    0,
                )
            }
        })
    }

    /// The `k` rows that weigh most at each of rows `[m, d]`.
    pub(crate) fn explain(&self, x: Rows<'_, f64>, k: usize, watch: &Watch<'_>) -> Result<Behind> {
        let of = |means: &LocalMeanFit<f64>, divided: &[f64]| {
            Explanation::of(means, Rows::new(divided, x.rows(), x.columns())?, k, watch)
        };
        let found = match self {
            Self::Regression(fit) => fit.explain(x, k, watch)?,
            Self::Glm(fit) => of(fit.local_means(), &fit.divide(x)?)?,
            Self::Logistic(fit) => of(fit.local_means(), &fit.divide(x)?)?,
            Self::KernelClassifier(fit) => of(fit.local_means(), &x.to_vec())?,
            Self::Mean(fit) => of(fit.means(), &x.to_vec())?,
            Self::Scaled(fit) => of(&fit.local_means(watch)?, &fit.divide(x)?)?,
            Self::Neighbors(fit) => {
                let (memory, own) = (fit.memory(), fit.parameters());
                let asking = Asking::Queries(x);
                let found = memory.neighbors(asking, own.reach(), watch)?;
                return alike(own.counts_alike(), &found, k);
            }
            Self::NeighborClasses(fit) => {
                let (memory, own) = (fit.memory(), fit.parameters());
                let asking = Asking::Queries(x);
                let found = memory.neighbors(asking, own.reach(), watch)?;
                return alike(own.counts_alike(), &found, k);
            }
        };
        Ok(Behind {
            rows: found
                .samples
                .iter()
                .map(|i| i.map_or(-1, |i| i as i64))
                .collect(),
            weights: found.weights,
        })
    }

    /// What it predicts at each of its own rows without it; none where this would take too long or cannot be told.
    pub(crate) fn leave_one_out(
        &self,
        x: Rows<'_, f64>,
        target: &Target,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> locality::Result<Option<Predictions>> {
        if x.rows() > MOST_LEFT_OUT || x.rows() < 3 {
            return Ok(None);
        }
        let hollow = Neighborhood::hollow();
        Ok(match (self, target) {
            (Self::Regression(fit), Target::Numbers(y)) => {
                let residuals = fit.polynomial().diagnostics(watch)?.loo_residuals;
                let mut found: Vec<f64> = y.iter().zip(&residuals).map(|(y, r)| y - r).collect();
                if found.iter().any(|f| !f.is_finite()) {
                    // A row that makes its own value alone is predicted by the others.
                    let divided = fit.divide(x)?;
                    let rows = Rows::new(&divided, x.rows(), x.columns())?;
                    let model = fit.polynomial().parameters().clone().neighborhood(hollow);
                    let without = model.fit(rows, Rows::column(y), weights, watch)?;
                    let without = without.at(rows, watch)?;
                    let each = found.iter_mut().zip(without.values());
                    each.filter(|(f, _)| !f.is_finite())
                        .for_each(|(f, w)| *f = *w);
                }
                Some(Predictions::Numbers(found))
            }
            (Self::Glm(fit), Target::Numbers(y)) => {
                let divided = fit.divide(x)?;
                let rows = Rows::new(&divided, x.rows(), x.columns())?;
                let model = LocalGlm::new(fit.kernel().clone(), fit.family()).penalty(1e-3);
                let hollow = model.neighborhood(hollow);
                let without = hollow.fit(rows, Rows::column(y), weights, watch)?;
                Some(Predictions::Numbers(
                    without.at(rows, watch)?.means().to_vec(),
                ))
            }
            (Self::Neighbors(fit), Target::Numbers(_)) => {
                let found = fit.predict_samples(watch)?;
                found
                    .empty
                    .is_empty()
                    .then_some(Predictions::Numbers(found.values))
            }
            (Self::Logistic(fit), Target::Classes(codes, _)) => {
                let divided = fit.divide(x)?;
                let rows = Rows::new(&divided, x.rows(), x.columns())?;
                let model = LocalLogistic::new(fit.kernel().clone()).search(Search::Given);
                let model = model.standardize(false).neighborhood(hollow);
                let without = model.fit(rows, codes, fit.n_classes(), weights, watch)?;
                let shares = without.predict_proba(rows, watch)?;
                Some(Predictions::Shares(shares, fit.n_classes()))
            }
            (Self::KernelClassifier(fit), Target::Classes(codes, _)) => {
                let k = fit.n_classes();
                let model = locality::density::KernelClassifier::new()
                    .kernel(fit.kernel().clone())
                    .on_empty(locality::OnEmpty::Global)
                    .neighborhood(hollow);
                let without = model.fit_weighted(x, codes, k, weights, watch)?;
                Some(Predictions::Shares(without.predict_proba(x, watch)?, k))
            }
            (Self::NeighborClasses(fit), Target::Classes(..)) => {
                let own = fit.parameters();
                let k = [fit.classes().first().map_or(0, Vec::len)];
                let weights = locality::lazy::Weights::Uniform;
                let shares =
                    fit.memory()
                        .shares(Asking::Samples, own.reach(), &weights, &k, watch)?;
                let found = Predictions::Shares(shares.values, k[0]);
                shares.empty.is_empty().then_some(found)
            }
            _ => None,
        })
    }
}

/// Neighbours that count alike.
fn alike(alike: bool, found: &locality::WithinRadius<f64>, k: usize) -> Result<Behind> {
    if !alike {
        return Err(Error::usage(
            "--explain knows the weights of nearest neighbours only where they count alike; leave it out",
        ));
    }
    let mut out = Behind {
        rows: Vec::new(),
        weights: Vec::new(),
    };
    for pair in found.starts.windows(2) {
        let ids = &found.indices[pair[0]..pair[1]];
        for place in 0..k {
            out.rows.push(ids.get(place).map_or(-1, |i| *i as i64));
            let weight = if place < ids.len() {
                1.0 / ids.len() as f64
            } else {
                0.0
            };
            out.weights.push(weight);
        }
    }
    Ok(out)
}

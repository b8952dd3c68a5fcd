//! Regression by neighbours.

use std::ops::Range;

use super::index::{Asking, Reach};
use super::memory::{Means, Memory};
use super::weights::Weights;
use crate::{Error, Float, Metric, Result, Rows, Watch};

/// What to predict where there is no neighbour of any weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnNone {
    /// NaN, and the query among [`Means::empty`].
    #[default]
    Nan,
    /// An error.
    Error,
}

/// The parameters of regression by neighbours: the prediction is the weighted mean of the targets of the `k` nearest samples, or of
/// all within a radius.
///
/// ```
/// use locality::{Profile, Rows, Watch, lazy::{NeighborsRegressor, Reach, Scale, Weights}};
/// let tricube = Weights::Profile(Profile::from_name("tricube", &[])?, Scale::Next);
/// let x: Vec<f64> = (0..40).map(|i| 0.1 * f64::from(i)).collect();
/// let y: Vec<f64> = x.iter().map(|x| x * x).collect();
/// let model = NeighborsRegressor::new(Reach::Nearest(4)).weights(tricube);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y))?;
/// let found = fit.predict(Rows::column(&[2.05]), &Watch::default())?;
/// assert!((found.values[0] - 2.05 * 2.05).abs() < 0.01);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NeighborsRegressor {
    pub(crate) reach: Reach,
    pub(crate) weights: Weights,
    pub(crate) metric: Metric,
    pub(crate) on_none: OnNone,
}

/// Samples and targets that predict.
#[derive(Clone, Debug)]
pub struct NeighborsRegressorFit<T> {
    parameters: NeighborsRegressor,
    memory: Memory<T>,
}

impl NeighborsRegressor {
    /// Which samples are neighbours.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether all neighbours of a query count alike.
    pub fn counts_alike(&self) -> bool {
        self.weights == Weights::Uniform
    }

    /// Neighbours that all count alike, by Euclidean distance; NaN where there is none.
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            weights: Weights::default(),
            metric: Metric::default(),
            on_none: OnNone::default(),
        }
    }

    /// How much each neighbour counts.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// What is near; a distance.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// What to predict where there is no neighbour of any weight.
    #[must_use]
    pub fn on_none(mut self, on_none: OnNone) -> Self {
        self.on_none = on_none;
        self
    }

    /// Keeps samples `[n, d]` with targets `[n, p]`.
    ///
    /// # Errors
    /// As [`Memory::fit`]; weights that do not fit distances; no targets.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        targets: Rows<'_, f64>,
    ) -> Result<NeighborsRegressorFit<T>> {
        self.weights.check()?;
        if targets.columns() == 0 {
            return Err(Error::empty(
                "targets has no columns; at least one is needed",
            ));
        }
        Ok(NeighborsRegressorFit {
            parameters: self.clone(),
            memory: Memory::fit(samples, targets, &self.metric)?,
        })
    }
}

impl<T: Float> NeighborsRegressorFit<T> {
    /// What was kept elsewhere.
    pub(crate) fn restore(parameters: NeighborsRegressor, memory: Memory<T>) -> Result<Self> {
        parameters.weights.check()?;
        if memory.width() == 0 {
            return Err(Error::empty(
                "targets has no columns; at least one is needed",
            ));
        }
        Ok(Self { parameters, memory })
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &NeighborsRegressor {
        &self.parameters
    }

    /// The samples and targets.
    pub fn memory(&self) -> &Memory<T> {
        &self.memory
    }

    /// Adds samples `[m, d]` with targets `[m, p]` and tells their ids.
    ///
    /// # Errors
    /// As [`Memory::insert`].
    pub fn partial_fit(
        &mut self,
        samples: Rows<'_, T>,
        targets: Rows<'_, f64>,
    ) -> Result<Range<usize>> {
        self.memory.insert(samples, targets)
    }

    /// Forgets samples, by id.
    ///
    /// # Errors
    /// As [`Memory::forget`].
    pub fn forget(&mut self, ids: &[usize]) -> Result<()> {
        self.memory.forget(ids)
    }

    /// The predictions `[m, p]` at queries `[m, d]`.
    ///
    /// # Errors
    /// As [`Memory::means`]; a query without neighbours, where that is to be one.
    pub fn predict(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<Means> {
        self.ask(Asking::Queries(queries), watch)
    }

    /// The predictions `[n, p]` at the samples, each from the others alone: leave-one-out.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_samples(&self, watch: &Watch<'_>) -> Result<Means> {
        self.ask(Asking::Samples, watch)
    }

    fn ask(&self, asking: Asking<'_, T>, watch: &Watch<'_>) -> Result<Means> {
        let p = &self.parameters;
        let means = self.memory.means(asking, p.reach, &p.weights, watch)?;
        match (p.on_none, means.empty.first()) {
            (OnNone::Error, Some(first)) => Err(none(*first, means.empty.len())),
            _ => Ok(means),
        }
    }
}

/// What is said where a query has no neighbours.
pub(super) fn none(first: usize, count: usize) -> Error {
    let more = if count > 1 {
        format!(" (and {} more)", count - 1)
    } else {
        String::new()
    };
    Error::empty_region(format!(
        "query {first}{more} has no neighbour of any weight; widen the radius or bandwidth, or say what to predict there"
    ))
}

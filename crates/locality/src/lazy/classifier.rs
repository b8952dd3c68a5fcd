//! Classification by neighbours.

use std::ops::Range;

use super::index::{Asking, Reach};
use super::memory::{Memory, Shares};
use super::regressor::none;
use super::weights::Weights;
use crate::{Error, Float, Metric, Result, Rows, Watch};

/// What to predict where there is no neighbour of any weight.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Outlier {
    /// An error.
    #[default]
    Error,
    /// The most frequent label of each output among the samples; of several, the smallest.
    MostFrequent,
    /// This label for each output. One that no sample has is predicted all the same, and has no share.
    Labels(Vec<i64>),
}

/// The parameters of classification by neighbours: each of the `k` nearest samples, or of all within a radius, votes for its
/// class with its weight. Among classes with the same weight the smallest label wins.
///
/// ```
/// use locality::{Rows, Watch, lazy::{NeighborsClassifier, Outlier, Reach}};
/// let x = [0.0, 1.0, 2.0, 3.0];
/// let model = NeighborsClassifier::new(Reach::Within(1.5)).outlier(Outlier::Labels(vec![-1]));
/// let fit = model.fit(Rows::column(&x), Rows::column(&[7, 7, 8, 8]))?;
/// let watch = Watch::default();
/// assert_eq!(fit.predict(Rows::column(&[0.9, 3.1, 99.0]), &watch)?, [7, 8, -1]);
/// let shares = fit.predict_proba(Rows::column(&[1.25]), &watch)?;
/// assert_eq!(shares.values, [2.0 / 3.0, 1.0 / 3.0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NeighborsClassifier {
    pub(crate) reach: Reach,
    pub(crate) weights: Weights,
    pub(crate) metric: Metric,
    pub(crate) outlier: Outlier,
}

/// Samples and labels that predict.
#[derive(Clone, Debug)]
pub struct NeighborsClassifierFit<T> {
    parameters: NeighborsClassifier,
    /// Targets are positions in `classes`.
    memory: Memory<T>,
    classes: Vec<Vec<i64>>,
}

impl NeighborsClassifier {
    /// Which samples are neighbours.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether all neighbours of a query count alike.
    pub fn counts_alike(&self) -> bool {
        self.weights == Weights::Uniform
    }

    /// Neighbours that all count alike, by Euclidean distance; an error where there is none.
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            weights: Weights::default(),
            metric: Metric::default(),
            outlier: Outlier::default(),
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
    pub fn outlier(mut self, outlier: Outlier) -> Self {
        self.outlier = outlier;
        self
    }

    /// Keeps samples `[n, d]` with labels `[n, p]`, one column for each output.
    ///
    /// # Errors
    /// As [`Memory::fit`]; weights that do not fit distances; no labels; labels for outliers that are not one for each output.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: Rows<'_, i64>,
    ) -> Result<NeighborsClassifierFit<T>> {
        self.weights.check()?;
        let p = labels.columns();
        if p == 0 {
            return Err(Error::empty(
                "labels has no columns; at least one is needed",
            ));
        }
        if let Outlier::Labels(given) = &self.outlier
            && given.len() != p
        {
            return Err(Error::shape(format!(
                "there are {} labels for outliers, but {p} columns of labels; give one for each",
                given.len()
            )));
        }
        let classes: Vec<Vec<i64>> = (0..p).map(|j| known(&[], labels, j)).collect();
        let codes = codes(&classes, labels);
        let targets = Rows::new(&codes, labels.rows(), p)?;
        Ok(NeighborsClassifierFit {
            parameters: self.clone(),
            memory: Memory::fit(samples, targets, &self.metric)?,
            classes,
        })
    }
}

impl<T: Float> NeighborsClassifierFit<T> {
    /// What was kept elsewhere.
    pub(crate) fn restore(
        parameters: NeighborsClassifier,
        memory: Memory<T>,
        classes: Vec<Vec<i64>>,
    ) -> Result<Self> {
        parameters.weights.check()?;
        let p = memory.width();
        let labels = match &parameters.outlier {
            Outlier::Labels(labels) => labels.len(),
            _ => p,
        };
        let ascend = classes
            .iter()
            .all(|c| !c.is_empty() && c.is_sorted_by(|a, b| a < b));
        if p == 0 || classes.len() != p || labels != p || !ascend {
            return Err(Error::shape(format!(
                "there are {} lists of classes and {labels} labels for outliers, but {p} columns of labels; give ascending classes for \
                 each",
                classes.len()
            )));
        }
        let targets = memory.targets();
        let known = |(i, t): (usize, &f64)| {
            *t >= 0.0 && t.fract() == 0.0 && *t < classes[i % p].len() as f64
        };
        if !targets.iter().enumerate().all(known) {
            return Err(Error::parameter(
                "a target is no place in the classes; number them from 0",
            ));
        }
        Ok(Self {
            parameters,
            memory,
            classes,
        })
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &NeighborsClassifier {
        &self.parameters
    }

    /// The samples; their targets are positions in [`classes`](Self::classes).
    pub fn memory(&self) -> &Memory<T> {
        &self.memory
    }

    /// The labels of each output, ascending: all that ever came in, those of forgotten samples among them.
    pub fn classes(&self) -> &[Vec<i64>] {
        &self.classes
    }

    /// Adds samples `[m, d]` with labels `[m, p]`, known ones or new ones, and tells their ids.
    ///
    /// # Errors
    /// As [`Memory::insert`]. Nothing is added then.
    pub fn partial_fit(
        &mut self,
        samples: Rows<'_, T>,
        labels: Rows<'_, i64>,
    ) -> Result<Range<usize>> {
        if labels.columns() != self.classes.len() {
            return Err(Error::shape(format!(
                "labels has {} columns, but those so far have {}; they must be the same columns",
                labels.columns(),
                self.classes.len()
            )));
        }
        let old = self.classes.iter().enumerate();
        let classes: Vec<Vec<i64>> = old.map(|(j, old)| known(old, labels, j)).collect();
        let codes = codes(&classes, labels);
        let targets = Rows::new(&codes, labels.rows(), classes.len())?;
        let ids = self.memory.insert(samples, targets)?;
        if classes != self.classes {
            // Those before are renumbered.
            let moved: Vec<Vec<f64>> = classes
                .iter()
                .zip(&self.classes)
                .map(|(new, old)| old.iter().map(|label| code(new, *label)).collect())
                .collect();
            self.memory
                .map_targets(labels.rows(), |j, t| moved[j][t as usize]);
            self.classes = classes;
        }
        Ok(ids)
    }

    /// Forgets samples, by id.
    ///
    /// # Errors
    /// As [`Memory::forget`].
    pub fn forget(&mut self, ids: &[usize]) -> Result<()> {
        self.memory.forget(ids)
    }

    /// The labels `[m, p]` at queries `[m, d]`.
    ///
    /// # Errors
    /// As [`Memory::shares`]; a query without neighbours, where that is to be one.
    pub fn predict(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<i64>> {
        Ok(self.labels(&self.ask(Asking::Queries(queries), watch)?))
    }

    /// The labels `[n, p]` at the samples, each from the others alone: leave-one-out.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_samples(&self, watch: &Watch<'_>) -> Result<Vec<i64>> {
        Ok(self.labels(&self.ask(Asking::Samples, watch)?))
    }

    /// The share of each class at queries `[m, d]`, output after output. Where there is no neighbour, the label for outliers has share 1 if
    /// it is one of the classes.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_proba(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<Shares> {
        let mut shares = self.ask(Asking::Queries(queries), watch)?;
        if shares.empty.is_empty() {
            return Ok(shares);
        }
        let labels = self.outlier_labels();
        let width: usize = self.classes.iter().map(Vec::len).sum();
        for &i in &shares.empty {
            let mut row = &mut shares.values[i * width..][..width];
            for (classes, label) in self.classes.iter().zip(&labels) {
                let (own, others) = row.split_at_mut(classes.len());
                if let Ok(at) = classes.binary_search(label) {
                    own[at] = 1.0;
                }
                row = others;
            }
        }
        Ok(shares)
    }

    fn ask(&self, asking: Asking<'_, T>, watch: &Watch<'_>) -> Result<Shares> {
        let p = &self.parameters;
        let counts: Vec<usize> = self.classes.iter().map(Vec::len).collect();
        let shares = self
            .memory
            .shares(asking, p.reach, &p.weights, &counts, watch)?;
        match (&p.outlier, shares.empty.first()) {
            (Outlier::Error, Some(first)) => Err(none(*first, shares.empty.len())),
            _ => Ok(shares),
        }
    }

    fn labels(&self, shares: &Shares) -> Vec<i64> {
        let width: usize = self.classes.iter().map(Vec::len).sum();
        let p = self.classes.len();
        let mut out = Vec::with_capacity(shares.values.len() / width * p);
        for mut row in shares.values.chunks_exact(width) {
            for classes in &self.classes {
                let (own, others) = row.split_at(classes.len());
                out.push(classes[largest(own)]);
                row = others;
            }
        }
        if !shares.empty.is_empty() {
            let labels = self.outlier_labels();
            for i in &shares.empty {
                out[i * p..][..p].copy_from_slice(&labels);
            }
        }
        out
    }

    /// The label of each output where there is no neighbour.
    fn outlier_labels(&self) -> Vec<i64> {
        if let Outlier::Labels(labels) = &self.parameters.outlier {
            return labels.clone();
        }
        let p = self.classes.len();
        let targets = self.memory.targets();
        let most = self.classes.iter().enumerate().map(|(j, classes)| {
            let mut counts = vec![0.0; classes.len()];
            for t in targets.iter().skip(j).step_by(p) {
                counts[*t as usize] += 1.0;
            }
            classes[largest(&counts)]
        });
        most.collect()
    }
}

/// The first of the largest.
fn largest(x: &[f64]) -> usize {
    let mut at = 0;
    for (i, v) in x.iter().enumerate() {
        if *v > x[at] {
            at = i;
        }
    }
    at
}

/// The labels of column `j` together with those known before, ascending.
fn known(before: &[i64], labels: Rows<'_, i64>, j: usize) -> Vec<i64> {
    let mut all: Vec<i64> = labels.iter().map(|row| row[j]).collect();
    all.extend_from_slice(before);
    all.sort_unstable();
    all.dedup();
    all
}

fn code(classes: &[i64], label: i64) -> f64 {
    classes.partition_point(|c| *c < label) as f64
}

fn codes(classes: &[Vec<i64>], labels: Rows<'_, i64>) -> Vec<f64> {
    let rows = labels.iter();
    let each = rows.flat_map(|row| row.iter().zip(classes).map(|(l, c)| code(c, *l)));
    each.collect()
}

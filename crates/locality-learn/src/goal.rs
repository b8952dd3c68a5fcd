//! What learned kernels are judged by.

use locality_core::{Error, Result, Rows};

use crate::Number;

/// What is to be told from the samples around.
#[derive(Clone, Copy, Debug)]
pub enum Goal<'a> {
    /// Responses, `[n, p]`: the squared errors of each sample's local mean of the others, as a share of the responses' variance (metric
    /// learning for kernel regression, Weinberger and Tesauro 2007, equation 2).
    Responses(Rows<'a, f64>),
    /// Classes, `[n]`, numbered from 0, and how many there are: one minus the mean probability of the right class among the others
    /// (neighbourhood components analysis, Goldberger, Roweis, Hinton and Salakhutdinov 2004, equation 4).
    Classes(&'a [usize], usize),
}

impl Goal<'_> {
    /// Requires something to tell of each of `n` samples.
    pub(crate) fn check(&self, n: usize) -> Result<()> {
        let (name, rows) = match self {
            Self::Responses(y) => ("responses", y.rows()),
            Self::Classes(labels, _) => ("classes", labels.len()),
        };
        if rows != n {
            return Err(Error::shape(format!(
                "{name} has {rows} entries, but there are {n} samples; give one for each"
            )));
        }
        match self {
            Self::Responses(y) if y.columns() == 0 => Err(Error::empty(
                "responses have no columns, so that there is nothing to tell; give at least one",
            )),
            Self::Classes(labels, count) => match labels.iter().position(|c| c >= count) {
                Some(i) => Err(Error::parameter(format!(
                    "classes has {} at position {i} (counted from 0), but there are {count}, numbered from 0",
                    labels[i]
                ))),
                None => Ok(()),
            },
            Self::Responses(_) => Ok(()),
        }
    }
}

/// A row for each label, `[n, count]`, with 1 at its class.
pub(crate) fn ones<T: Number>(labels: &[usize], count: usize) -> Result<Vec<T>> {
    let size = labels.len().saturating_mul(count);
    let mut all = Vec::new();
    all.try_reserve_exact(size).map_err(|_| {
        Error::unsupported(format!(
            "{count} classes of {} samples do not fit into memory; number the classes from 0 without gaps",
            labels.len()
        ))
    })?;
    all.resize(size, T::ZERO);
    for (row, &c) in all.chunks_exact_mut(count.max(1)).zip(labels) {
        row[c] = T::ONE;
    }
    Ok(all)
}

/// What is to be told of some samples.
pub(crate) struct Values<'a> {
    /// Responses, or 1 at each sample's class, `[n, columns]`.
    pub(crate) all: Vec<f64>,
    pub(crate) columns: usize,
    /// The classes, where there are any.
    pub(crate) classes: Option<&'a [usize]>,
    /// How much each sample counts, where they do not all count the same.
    pub(crate) weights: Option<&'a [f64]>,
    /// What the loss is a share of.
    whole: f64,
}

impl<'a> Values<'a> {
    /// Samples of these weights, or of the same for all.
    ///
    /// # Errors
    /// Counts that differ, numbers that are not finite or whose squares are not, weights that are negative or all zero.
    pub(crate) fn of(goal: Goal<'a>, n: usize, weights: Option<&'a [f64]>) -> Result<Self> {
        goal.check(n)?;
        let total = weights.map_or(Ok(n as f64), |weights| weighed(weights, n))?;
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        match goal {
            Goal::Responses(y) => {
                let p = y.columns();
                let mut whole = 0.0;
                for c in 0..p {
                    let column = || y.iter().enumerate().map(|(i, y)| (weight(i), y[c]));
                    let mean = column().map(|(w, y)| w * y).sum::<f64>() / total;
                    whole += column().map(|(w, y)| w * (y - mean).powi(2)).sum::<f64>();
                }
                if !whole.is_finite() {
                    let most = y.iter().flatten().fold(0.0, |a, b| f64::max(a, b.abs()));
                    return Err(if y.iter().flatten().all(|y| y.is_finite()) {
                        Error::not_finite(format!(
                            "responses are as large as {most:e}, and the squares of such numbers are infinite; divide them by their standard \
                             deviation"
                        ))
                    } else {
                        Error::not_finite(
                            "responses have NaN or infinite numbers; leave out these rows",
                        )
                    });
                }
                Ok(Self {
                    all: y.to_vec(),
                    columns: p,
                    classes: None,
                    weights,
                    whole: if whole > 0.0 { whole } else { 1.0 },
                })
            }
            Goal::Classes(labels, count) => {
                let all = ones(labels, count)?;
                Ok(Self {
                    all,
                    columns: count,
                    classes: Some(labels),
                    weights,
                    whole: total,
                })
            }
        }
    }

    /// The loss of means `[n, columns]`, and its derivatives by them.
    pub(crate) fn loss(&self, means: &[f64]) -> (f64, Vec<f64>) {
        let mut flow = vec![0.0; means.len()];
        let mut loss = 0.0;
        let weight = |i: usize| self.weights.map_or(1.0, |w| w[i]);
        if let Some(classes) = self.classes {
            for (i, &c) in classes.iter().enumerate() {
                let (at, w) = (i * self.columns + c, weight(i));
                loss += w * (1.0 - means[at]) / self.whole;
                flow[at] = -w / self.whole;
            }
        } else {
            for (i, ((f, m), y)) in flow.iter_mut().zip(means).zip(&self.all).enumerate() {
                let w = weight(i / self.columns);
                loss += w * (m - y).powi(2) / self.whole;
                *f = 2.0 * w * (m - y) / self.whole;
            }
        }
        (loss, flow)
    }
}

/// The sum of weights, one for each of `n` samples.
fn weighed(weights: &[f64], n: usize) -> Result<f64> {
    if weights.len() != n {
        return Err(Error::shape(format!(
            "sample_weight has {} entries, but there are {n} samples; give one for each",
            weights.len()
        )));
    }
    if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(Error::parameter(format!(
            "sample_weight has {} at position {i} (counted from 0); weights are finite and at least 0",
            weights[i]
        )));
    }
    let total = weights.iter().sum::<f64>();
    if total > 0.0 && total.is_finite() {
        return Ok(total);
    }
    Err(Error::parameter(format!(
        "sample_weight sums up to {total}; some sample must have a positive weight, and their sum must be finite"
    )))
}

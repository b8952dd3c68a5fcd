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
    /// What the loss is a share of.
    whole: f64,
}

impl<'a> Values<'a> {
    pub(crate) fn of(goal: Goal<'a>, n: usize) -> Result<Self> {
        goal.check(n)?;
        match goal {
            Goal::Responses(y) => {
                let p = y.columns();
                let mut whole = 0.0;
                for c in 0..p {
                    let mean = y.iter().map(|y| y[c]).sum::<f64>() / n as f64;
                    whole += y.iter().map(|y| (y[c] - mean).powi(2)).sum::<f64>();
                }
                if !whole.is_finite() {
                    return Err(Error::not_finite(
                        "responses have NaN or infinite numbers; leave out these rows",
                    ));
                }
                Ok(Self {
                    all: y.to_vec(),
                    columns: p,
                    classes: None,
                    whole: if whole > 0.0 { whole } else { 1.0 },
                })
            }
            Goal::Classes(labels, count) => {
                let all = ones(labels, count)?;
                Ok(Self {
                    all,
                    columns: count,
                    classes: Some(labels),
                    whole: n as f64,
                })
            }
        }
    }

    /// The loss of means `[n, columns]`, and its derivatives by them.
    pub(crate) fn loss(&self, means: &[f64]) -> (f64, Vec<f64>) {
        let mut flow = vec![0.0; means.len()];
        let mut loss = 0.0;
        if let Some(classes) = self.classes {
            for (i, &c) in classes.iter().enumerate() {
                let at = i * self.columns + c;
                loss += (1.0 - means[at]) / self.whole;
                flow[at] = -1.0 / self.whole;
            }
        } else {
            for ((f, m), y) in flow.iter_mut().zip(means).zip(&self.all) {
                loss += (m - y).powi(2) / self.whole;
                *f = 2.0 * (m - y) / self.whole;
            }
        }
        (loss, flow)
    }
}

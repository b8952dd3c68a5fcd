//! What is to be told of samples, and how badly means tell it.

use locality_core::{Error, Result};

use crate::Goal;
use crate::goal::ones;

/// What is to be told of some samples.
pub(crate) struct Values<'a> {
    /// Responses, or 1 at each sample's class, `[n, columns]`.
    pub(crate) all: Vec<f64>,
    pub(crate) columns: usize,
    /// The classes, where there are any.
    pub(super) classes: Option<&'a [usize]>,
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

//! What features are learned by: predictions of a batch from rows outside it.

use locality_core::{Kernel, LocalMean, OnEmpty, Result, Rows, Watch};

use super::Features;
use crate::fit::Batch;
use crate::goal::ones;
use crate::random::Stream;
use crate::{Goal, Layer, Number, Pass, Sets};

/// Share of a probability that goes to all classes alike, so that no logarithm is infinite.
const EVEN: f64 = 0.01;

/// What rows carry: responses in units of their deviation, or 1 at the class.
#[derive(Clone, Debug)]
pub(super) struct Values<T> {
    numbers: Vec<T>,
    columns: usize,
    classes: Option<Vec<usize>>,
}

impl<T: Number> Values<T> {
    pub(super) fn new(goal: Goal<'_>, n: usize) -> Result<Self> {
        goal.check(n)?;
        match goal {
            Goal::Responses(y) => {
                let units = crate::columns::Columns::of("responses", y)?;
                Ok(Self {
                    numbers: units.scale("responses", y)?,
                    columns: y.columns(),
                    classes: None,
                })
            }
            Goal::Classes(labels, count) => {
                let numbers = ones(labels, count)?;
                Ok(Self {
                    numbers,
                    columns: count,
                    classes: Some(labels.to_vec()),
                })
            }
        }
    }

    fn row(&self, i: usize) -> &[T] {
        &self.numbers[i * self.columns..][..self.columns]
    }
}

/// The loss of some features.
pub(super) struct Objective<'a, T> {
    pub(super) features: &'a Features,
    pub(super) data: &'a [T],
    pub(super) columns: usize,
    pub(super) values: Values<T>,
    pub(super) training: &'a [usize],
    pub(super) candidates: usize,
    pub(super) seed: u64,
    pub(super) watch: Watch<'a>,
}

impl<T: Number> Objective<'_, T> {
    /// The rows that a batch is predicted from: training rows that are not in it, by chance where there are too many.
    fn candidates(&self, batch: Batch<'_>) -> Vec<usize> {
        let mut own = vec![false; self.data.len() / self.columns];
        batch.rows.iter().for_each(|&i| own[i] = true);
        let others = self.training.iter().copied().filter(|&i| !own[i]);
        let mut others: Vec<usize> = others.collect();
        let stream = Stream::new(self.seed, 9).fork(batch.round);
        let count = others.len();
        if count > self.candidates {
            for i in 0..self.candidates {
                others.swap(i, i + stream.below(i as u64, count - i));
            }
            others.truncate(self.candidates);
        }
        others
    }

    /// The loss of a batch: the mean squared error of standardised responses, or the mean cross entropy. Derivatives are added to `gradients`.
    pub(super) fn at(
        &self,
        parameters: &[T],
        batch: Batch<'_>,
        gradients: Option<&mut [T]>,
    ) -> Result<f64> {
        let (b, p) = (batch.rows.len(), self.values.columns);
        let others = self.candidates(batch);
        let all = || batch.rows.iter().chain(&others);
        let input: Vec<T> = all()
            .flat_map(|&i| {
                self.data[i * self.columns..][..self.columns]
                    .iter()
                    .copied()
            })
            .collect();
        let sets = Sets::equal(1, b + others.len())?;
        let pass = Pass::new(&sets);
        let (z, kept) = self.features.forward(parameters, &input, &pass)?;
        let width = Layer::<T>::outputs(self.features);
        let (queries, keys) = z.split_at(b * width);
        let queries = Rows::new(queries, b, width)?;
        let keys = Rows::new(keys, others.len(), width)?;
        let values: Vec<T> = others
            .iter()
            .flat_map(|&i| self.values.row(i).iter().copied())
            .collect();
        let mean = LocalMean::new(Kernel::gaussian(1.0)).on_empty(OnEmpty::Nearest);
        let values = Rows::new(&values, others.len(), p)?;
        let fitted = mean.fit_watched(keys, values, None, &self.watch)?;
        let found = fitted.at(queries, &self.watch)?;
        let (loss, flow) = self.judge(batch.rows, &found.means);
        let Some(gradients) = gradients else {
            return Ok(loss);
        };
        let flow = Rows::new(&flow, b, p)?;
        let back = fitted.pull_back(queries, keys, &found, flow, None, &self.watch)?;
        let mut flow = back.queries;
        flow.extend(back.keys);
        self.features
            .pull_back(parameters, &input, &kept, &flow, gradients, &pass)?;
        Ok(loss)
    }

    /// The loss of predictions for some rows, and its derivatives by them.
    fn judge(&self, rows: &[usize], found: &[T]) -> (f64, Vec<T>) {
        let p = self.values.columns;
        let mut flow = vec![T::ZERO; found.len()];
        let mut loss = 0.0;
        if let Some(classes) = &self.values.classes {
            let share = 1.0 / rows.len() as f64;
            for (b, &i) in rows.iter().enumerate() {
                let at = b * p + classes[i];
                let probability = (1.0 - EVEN) * found[at].to_f64() + EVEN / p as f64;
                loss -= share * probability.ln();
                flow[at] = T::from_f64(-share * (1.0 - EVEN) / probability);
            }
            return (loss, flow);
        }
        let share = 1.0 / found.len() as f64;
        let wanted = rows.iter().flat_map(|&i| self.values.row(i));
        for ((f, m), y) in flow.iter_mut().zip(found).zip(wanted) {
            let off = m.to_f64() - y.to_f64();
            loss += share * off * off;
            *f = T::from_f64(2.0 * share * off);
        }
        (loss, flow)
    }
}

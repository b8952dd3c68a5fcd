//! Training by small batches of rows, with some rows held out to say when to stop.

use std::ops::Range;

use locality_core::{Error, Result, Watch};

use crate::optimize::{AdamW, Schedule, clip};
use crate::random::Stream;
use crate::{Layout, Number};

/// How a model of rows is trained.
///
/// Some rows are held out: after each epoch the loss is measured on them, and the parameters that did best there are the result. Without
/// held-out rows it is the mean loss of the epoch's batches that decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitConfig {
    /// Most passes over the rows.
    pub epochs: usize,
    /// Rows of a batch; the last of an epoch may have fewer.
    pub batch: usize,
    /// Learning rate at the start; it falls by half a cosine to a hundredth.
    pub rate: f64,
    /// The optimiser.
    pub optimizer: AdamW,
    /// The largest norm of the derivatives; none does not clip.
    pub clip: Option<f64>,
    /// Share of the rows that is held out, 0 for none.
    pub validation: f64,
    /// Training ends after so many epochs without a better loss; none goes on to the end.
    pub patience: Option<usize>,
    /// Where the first parameters, the order of rows, held-out rows and corruption come from.
    pub seed: u64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            epochs: 200,
            batch: 128,
            rate: 2e-3,
            optimizer: AdamW {
                beta2: 0.999,
                decay: 1e-4,
                ..AdamW::default()
            },
            clip: Some(1.0),
            validation: 0.1,
            patience: Some(20),
            seed: 0,
        }
    }
}

/// Losses of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Mean loss of the batches of each epoch.
    pub training: Vec<f64>,
    /// Loss of the held-out rows before training and after each epoch; empty where none are held out.
    pub validation: Vec<f64>,
    /// Epochs after which the parameters that were kept had been reached; 0 is the start.
    pub best: usize,
}

impl FitConfig {
    /// Requires numbers in their range.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, n) in [("epochs", self.epochs), ("batch", self.batch)] {
            if n == 0 {
                return Err(Error::parameter(format!("{name}=0 must be at least 1")));
            }
        }
        if !(0.0..1.0).contains(&self.validation) {
            return Err(Error::parameter(format!(
                "validation={} is a share of the rows; it must be at least 0 and below 1",
                self.validation
            )));
        }
        if self.patience == Some(0) {
            return Err(Error::parameter(
                "patience=0 would end training before it begins; leave it out, or give at least 1",
            ));
        }
        Ok(())
    }
}

/// What is asked of an objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch<'a> {
    /// Which rows.
    pub(crate) rows: &'a [usize],
    /// What tells this batch's chances from those of others; held-out rows always have the same.
    pub(crate) round: u64,
}

/// Rows that train, and rows that are held out: a function of the seed.
pub(crate) fn split(n: usize, share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, Stream::new(seed, 5));
    let out = ((share * n as f64).round() as usize).min(n.saturating_sub(1));
    let train = order.split_off(out);
    (train, order)
}

/// An order by chance (Fisher and Yates).
fn shuffle(order: &mut [usize], stream: Stream) {
    for i in (1..order.len()).rev() {
        order.swap(i, stream.below(i as u64, i + 1));
    }
}

/// Minimises `objective`, the mean loss of a batch, whose derivatives it adds to a buffer where it is given one, over the parameters in
/// `part` of the buffer. The parameters end as those that did best.
///
/// # Errors
/// Numbers out of their range, those of the objective, derivatives that are not finite, an interruption.
pub(crate) fn fit<T: Number>(
    layout: &Layout,
    part: &Range<usize>,
    parameters: &mut [T],
    (training, held_out): (&[usize], &[usize]),
    config: &FitConfig,
    watch: &Watch<'_>,
    mut objective: impl FnMut(&[T], Batch<'_>, Option<&mut [T]>) -> Result<f64>,
) -> Result<History> {
    const HELD_OUT: u64 = u64::MAX;
    config.check()?;
    let layout = layout.only(part);
    let mut state = config.optimizer.start::<T>(&layout)?;
    let batches = training.len().div_ceil(config.batch);
    let steps = (config.epochs * batches) as u64;
    let schedule = Schedule::cosine(config.rate, 0.01 * config.rate, batches as u64, steps)?;
    let mut order = training.to_vec();
    let mut gradients = vec![T::ZERO; layout.len()];
    let mut history = History::default();
    let all_held_out = Batch {
        rows: held_out,
        round: HELD_OUT,
    };
    let mut best = (f64::INFINITY, parameters.to_vec());
    if !held_out.is_empty() {
        best.0 = objective(parameters, all_held_out, None)?;
        history.validation.push(best.0);
    }
    for epoch in 0..config.epochs {
        shuffle(&mut order, Stream::new(config.seed, 6).fork(epoch as u64));
        let mut sum = 0.0;
        for rows in order.chunks(config.batch) {
            watch.check()?;
            gradients.fill(T::ZERO);
            let batch = Batch {
                rows,
                round: state.step,
            };
            sum += objective(parameters, batch, Some(&mut gradients))? * rows.len() as f64;
            // A bound that nothing exceeds still sees derivatives that are not finite.
            let largest = config.clip.unwrap_or(f64::INFINITY);
            clip(&mut gradients[part.clone()], largest)?;
            let rate = schedule.at(state.step);
            config
                .optimizer
                .step(&layout, &mut state, parameters, &gradients, rate)?;
        }
        let mut loss = sum / training.len() as f64;
        history.training.push(loss);
        if !held_out.is_empty() {
            loss = objective(parameters, all_held_out, None)?;
            history.validation.push(loss);
        }
        watch.report(epoch + 1, config.epochs);
        if loss < best.0 {
            best = (loss, parameters.to_vec());
            history.best = epoch + 1;
        } else if config
            .patience
            .is_some_and(|p| epoch + 1 - history.best >= p)
        {
            break;
        }
    }
    parameters.copy_from_slice(&best.1);
    Ok(history)
}

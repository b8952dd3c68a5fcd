//! Training of language models.

use locality_core::{Error, Result};

use crate::optimize::{AdamW, AdamWState, Schedule, clip};
use crate::random::Stream;
use crate::{Chance, Number, Sets, Transformer};

/// How a language model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainConfig {
    /// Sequences of a batch.
    pub batch: usize,
    /// Batches whose derivatives are added up before a step.
    pub accumulate: usize,
    /// Learning rates.
    pub schedule: Schedule,
    /// The optimiser.
    pub optimizer: AdamW,
    /// The largest norm of the derivatives; none does not clip.
    pub clip: Option<f64>,
    /// Where batches and dropout come from.
    pub seed: u64,
}

/// Steps, and batches of a step, beyond which nothing is trained.
const MOST_STEPS: u64 = 1 << 31;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Mean cross entropy of its batches, before the step.
    pub loss: f64,
    /// Norm of the derivatives before clipping.
    pub norm: f64,
    /// The learning rate.
    pub rate: f64,
}

/// A language model in training. Everything random is a function of seed and step, so that a [checkpoint](crate::Checkpoint) resumes with
/// the same bits.
///
/// ```
/// use locality_learn::{AdamW, Schedule, TrainConfig, Trainer, TransformerConfig};
/// let model = TransformerConfig::decoder(2, 8).layers(1).heads(2).width(8).build::<f32>(1)?;
/// let config = TrainConfig {
///     batch: 4,
///     accumulate: 1,
///     schedule: Schedule::constant(1e-2)?,
///     optimizer: AdamW::default(),
///     clip: Some(1.0),
///     seed: 1,
/// };
/// let mut trainer = Trainer::new(model, config)?;
/// let data: Vec<u32> = (0..100).map(|i| i % 2).collect();
/// let first = trainer.step(&data)?.loss;
/// for _ in 0..30 {
///     trainer.step(&data)?;
/// }
/// assert!(trainer.evaluate(&data, 4)? < 0.5 * first);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer<T> {
    pub(crate) model: Transformer<T>,
    pub(crate) config: TrainConfig,
    pub(crate) state: AdamWState<T>,
    gradients: Vec<T>,
}

impl<T: Number> Trainer<T> {
    /// Begins training.
    ///
    /// # Errors
    /// Numbers out of their range; a model that is not causal.
    pub fn new(model: Transformer<T>, config: TrainConfig) -> Result<Self> {
        // The derivatives, and what the optimiser remembers.
        model.layout().reserve::<T>(3)?;
        let state = config.optimizer.start(model.layout())?;
        Self::with_state(model, config, state)
    }

    pub(crate) fn with_state(
        model: Transformer<T>,
        config: TrainConfig,
        state: AdamWState<T>,
    ) -> Result<Self> {
        for (name, n) in [("batch", config.batch), ("accumulate", config.accumulate)] {
            if n == 0 {
                return Err(Error::parameter(format!("{name}=0 must be at least 1")));
            }
        }
        let (_, _, warmup, steps) = config.schedule.numbers();
        // Beyond these numbers counters would overflow; no training gets there.
        let counts = [
            ("step", state.step),
            ("warmup", warmup),
            ("steps", steps),
            ("accumulate", config.accumulate as u64),
        ];
        if let Some((name, n)) = counts.into_iter().find(|(_, n)| *n > MOST_STEPS) {
            return Err(Error::parameter(format!(
                "{name}={n} must be at most {MOST_STEPS}"
            )));
        }
        if state.squares.iter().any(|s| *s < T::ZERO) {
            return Err(Error::parameter(
                "the optimiser's means of squares have negative numbers; the state is damaged",
            ));
        }
        if !model.config().causal {
            return Err(Error::unsupported(
                "a model that sees later codes learns nothing by predicting them; build it with TransformerConfig::decoder",
            ));
        }
        let gradients = vec![T::ZERO; model.layout().len()];
        Ok(Self {
            model,
            config,
            state,
            gradients,
        })
    }

    /// The model as it is.
    pub fn model(&self) -> &Transformer<T> {
        &self.model
    }

    /// The model, training being over.
    pub fn into_model(self) -> Transformer<T> {
        self.model
    }

    /// How it is trained.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// One step on sequences drawn from `data`.
    ///
    /// # Errors
    /// Data no longer than the context, codes beyond the table, a loss or derivatives that are not finite.
    pub fn step(&mut self, data: &[u32]) -> Result<Step> {
        let (batch, context) = (self.config.batch, self.model.config().context());
        if data.len() <= context {
            return Err(Error::empty(format!(
                "the data have {} codes, but a sequence takes {} with the code after it; give more, or shorten the context",
                data.len(),
                context + 1
            )));
        }
        let sets = Sets::equal(batch, context)?;
        self.gradients.fill(T::ZERO);
        let mut loss = 0.0;
        let many = self.config.accumulate as u64;
        for part in 0..many {
            let round = self.state.step * many + part;
            let stream = Stream::new(self.config.seed, 3).fork(round);
            let starts = (0..batch as u64).map(|i| stream.below(i, data.len() - context));
            let starts: Vec<usize> = starts.collect();
            let gather = |shift: usize| -> Vec<u32> {
                let cuts = starts.iter().map(|s| &data[s + shift..][..context]);
                cuts.collect::<Vec<_>>().concat()
            };
            let chance = Some(Chance::new(self.config.seed, round));
            let (codes, targets) = (gather(0), gather(1));
            let gradients = &mut self.gradients;
            loss += self
                .model
                .pull_back(&codes, &targets, &sets, chance, gradients)?;
        }
        if many > 1 {
            let share = T::from_f64(1.0 / many as f64);
            self.gradients.iter_mut().for_each(|g| *g *= share);
        }
        // A bound that nothing exceeds still sees derivatives that are not finite.
        let norm = clip(
            &mut self.gradients,
            self.config.clip.unwrap_or(f64::INFINITY),
        )?;
        let rate = self.config.schedule.at(self.state.step);
        let (layout, parameters) = self.model.layout_and_parameters();
        self.config
            .optimizer
            .step(layout, &mut self.state, parameters, &self.gradients, rate)?;
        Ok(Step {
            loss: loss / many as f64,
            norm,
            rate,
        })
    }

    /// The mean cross entropy over all whole sequences that follow one another in `data`, `batch` at a time.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn evaluate(&self, data: &[u32], batch: usize) -> Result<f64> {
        let context = self.model.config().context();
        let all = data.len().saturating_sub(1) / context;
        if all == 0 || batch == 0 {
            return Err(Error::empty(format!(
                "batch={batch} and {} codes make no sequence of {} with the code after it; give more",
                data.len(),
                context + 1
            )));
        }
        let mut sum = 0.0;
        for first in (0..all).step_by(batch) {
            let count = batch.min(all - first);
            let cut = first * context..(first + count) * context;
            let targets = &data[cut.start + 1..=cut.end];
            let sets = Sets::equal(count, context)?;
            sum += self.model.loss(&data[cut], targets, &sets)? * count as f64;
        }
        Ok(sum / all as f64)
    }
}

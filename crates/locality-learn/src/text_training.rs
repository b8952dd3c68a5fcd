//! The training of a language model on one text: what is held out, the losses as they went, and how to go on later.

use locality_core::{Error, Result, Watch};
use serde_json::json;

use crate::train::Step;
use crate::{Checkpoint, Tokenizer, Trainer, Transformer};

/// Losses at a step of training, in nats a code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Steps taken.
    pub step: u64,
    /// Mean of the training's losses since the look before; not a number where there was no step since.
    pub training: f64,
    /// Mean loss on the held-out codes.
    pub validation: f64,
}

/// A language model in training on a text, of which the last tenth is held out. A [`Checkpoint`] of it says which text it was, and how the losses
/// went, so that training goes on from there as if it had never stopped.
///
/// ```
/// use locality_core::Watch;
/// use locality_learn::{AdamW, Schedule, TextTraining, Tokenizer, TrainConfig, Trainer, TransformerConfig};
/// let text = "to be or not to be, ".repeat(20);
/// let tokenizer = Tokenizer::chars(&text)?;
/// let model = TransformerConfig::decoder(tokenizer.code_count(), 8).layers(1).heads(1).width(8).build::<f32>(1)?;
/// let config = TrainConfig {
///     batch: 4,
///     accumulate: 1,
///     schedule: Schedule::cosine(1e-2, 1e-3, 2, 10)?,
///     optimizer: AdamW::default(),
///     clip: Some(1.0),
///     seed: 1,
/// };
/// let mut training = TextTraining::new(Trainer::new(model, config)?, tokenizer, text.as_bytes())?;
/// while !training.is_done() {
///     training.step()?;
/// }
/// training.look(&Watch::default())?;
/// assert_eq!(training.history().len(), 1);
/// assert!(TextTraining::resume(training.checkpoint(), text.as_bytes())?.is_done());
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TextTraining {
    trainer: Trainer<f32>,
    tokenizer: Tokenizer,
    codes: Vec<u32>,
    text: String,
    history: Vec<Look>,
    /// Of the training's losses since the last look: their sum, and how many there are.
    since: (f64, u64),
}

/// Most held-out codes that are looked at.
const LOOK: usize = 1 << 18;

impl TextTraining {
    /// Begins on the bytes of a text.
    ///
    /// # Errors
    /// A text that the tokenizer has no codes for, that is no UTF-8 where characters are needed, or too short for its last tenth to hold a sequence; codes
    /// beyond the model's.
    pub fn new(trainer: Trainer<f32>, tokenizer: Tokenizer, text: &[u8]) -> Result<Self> {
        let codes = tokenizer.encode_bytes(text)?;
        let (all, most) = (
            tokenizer.code_count(),
            trainer.model().config().code_count(),
        );
        if all > most {
            return Err(Error::parameter(format!(
                "the tokenizer has {all} codes, but the model only {most}; build the model with as many"
            )));
        }
        let context = trainer.model().config().context();
        if codes.len() / 10 <= context {
            return Err(Error::empty(format!(
                "the text has {} tokens, of which the last tenth is held out, but a sequence takes {}; give more text, or a shorter context",
                codes.len(),
                context + 1
            )));
        }
        Ok(Self {
            trainer,
            tokenizer,
            codes,
            text: fingerprint(text),
            history: Vec::new(),
            since: (0.0, 0),
        })
    }

    /// Goes on from a checkpoint, on the same text.
    ///
    /// # Errors
    /// Another text, a checkpoint without the state of training or with notes of others, and as [`new`](Self::new).
    pub fn resume(checkpoint: Checkpoint, text: &[u8]) -> Result<Self> {
        if checkpoint.notes.get("text") != Some(&json!(fingerprint(text))) {
            return Err(Error::parameter(
                "the model was trained on another text than this one; resume with the same text, or train anew",
            ));
        }
        let damaged =
            || Error::parse("the model holds no usable history of its losses; train it anew");
        let history = Self::history_of(&checkpoint).ok_or_else(damaged)?;
        let since = checkpoint.notes.get("since").cloned();
        let since = since.and_then(|s| serde_json::from_value(s).ok());
        let since = since.ok_or_else(damaged)?;
        let tokenizer = checkpoint.tokenizer.clone();
        let training = Self::new(checkpoint.resume()?, tokenizer, text)?;
        Ok(Self {
            history,
            since,
            ..training
        })
    }

    /// The losses as a checkpoint has noted them; none where it has no such notes.
    pub fn history_of(checkpoint: &Checkpoint) -> Option<Vec<Look>> {
        let noted = checkpoint.notes.get("history")?.clone();
        let history: Vec<(f64, Option<f64>, f64)> = serde_json::from_value(noted).ok()?;
        let look = |(step, training, validation): (f64, Option<f64>, f64)| Look {
            step: step as u64,
            training: training.unwrap_or(f64::NAN),
            validation,
        };
        Some(history.into_iter().map(look).collect())
    }

    /// The state as it is, to be kept in a file.
    pub fn checkpoint(&self) -> Checkpoint {
        let looks = self.history.iter();
        let history: Vec<_> = looks
            .map(|h| (h.step as f64, h.training, h.validation))
            .collect();
        let notes = json!({"text": self.text, "history": history, "since": self.since});
        Checkpoint::of(&self.trainer, &self.tokenizer, notes)
    }

    /// The model and what trains it.
    pub fn trainer(&self) -> &Trainer<f32> {
        &self.trainer
    }

    /// The model as it is.
    pub fn model(&self) -> &Transformer<f32> {
        self.trainer.model()
    }

    /// How text becomes its codes.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How many codes the text has.
    pub fn code_count(&self) -> usize {
        self.codes.len()
    }

    /// The losses at the looks so far.
    pub fn history(&self) -> &[Look] {
        &self.history
    }

    /// Steps that are to be taken in all.
    pub fn goal(&self) -> u64 {
        self.trainer.config().schedule.steps()
    }

    /// Whether they have been taken.
    pub fn is_done(&self) -> bool {
        self.trainer.steps() >= self.goal()
    }

    /// One step on what is not held out.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn step(&mut self) -> Result<Step> {
        let train = self.codes.len() - self.codes.len() / 10;
        let step = self.trainer.step(&self.codes[..train])?;
        self.since.0 += step.loss;
        self.since.1 += 1;
        Ok(step)
    }

    /// Takes the loss on what is held out (on its first 262,144 codes), unless that was done at this step, and adds it to the history.
    ///
    /// # Errors
    /// An interruption, after which nothing has changed.
    pub fn look(&mut self, watch: &Watch<'_>) -> Result<Look> {
        let step = self.trainer.steps();
        if let Some(last) = self.history.last().filter(|h| h.step == step) {
            return Ok(*last);
        }
        let look = Look {
            step,
            training: self.since.0 / self.since.1 as f64,
            validation: self.validation(watch)?,
        };
        self.history.push(look);
        self.since = (0.0, 0);
        Ok(look)
    }

    /// Piece by piece, so that an interruption is seen between two.
    fn validation(&self, watch: &Watch<'_>) -> Result<f64> {
        let (batch, context) = (self.trainer.config().batch, self.model().config().context());
        let held_out = &self.codes[self.codes.len() - self.codes.len() / 10..];
        let held_out = &held_out[..held_out.len().min(LOOK.max(2 * context))];
        let all = (held_out.len() - 1) / context;
        let mut sum = 0.0;
        for first in (0..all).step_by(batch) {
            watch.check()?;
            let count = batch.min(all - first);
            let piece = &held_out[first * context..=(first + count) * context];
            sum += self.trainer.evaluate(piece, batch)? * count as f64;
        }
        Ok(sum / all as f64)
    }
}

/// A number that tells texts apart (FNV-1a), with their length.
fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{} bytes, {hash:016x}", bytes.len())
}

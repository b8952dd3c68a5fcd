//! The flags that a training begins with.

use std::path::Path;

use locality_learn::{
    Activation, AdamW, Bpe, NormKind, Positions, Schedule, Tokenizer, TrainConfig, Trainer,
    TransformerConfig,
};

use crate::error::{Error, Result};

/// Sizes, rates and all else that `--resume` takes from the file.
#[derive(clap::Args, Debug)]
// Each is a choice by itself.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Begin {
    /// What a token is; bpe learns merges of bytes from the first nine tenths of the text, number takes whole numbers with blanks between
    #[arg(
        long,
        value_name = "char|byte|bpe|number",
        default_value = "char",
        conflicts_with = "resume"
    )]
    tokenizer: String,

    /// Most tokens that --tokenizer bpe learns, the 256 bytes included [default: 1024]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    vocab: Option<usize>,

    /// Number of layers
    #[arg(long, value_name = "N", default_value_t = 4, conflicts_with = "resume")]
    layers: usize,

    /// Number of heads, which must divide the width
    #[arg(long, value_name = "N", default_value_t = 4, conflicts_with = "resume")]
    heads: usize,

    /// Number of heads of keys and values, which must divide --heads: groups of heads share them [default: as many]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    kv_heads: Option<usize>,

    /// Numbers of a token's vector
    #[arg(
        long,
        value_name = "N",
        default_value_t = 128,
        conflicts_with = "resume"
    )]
    width: usize,

    /// Numbers inside the map of each token [default: 4 times the width]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    hidden: Option<usize>,

    /// Tokens that the model sees at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 64,
        conflicts_with = "resume"
    )]
    context: usize,

    /// How tokens weigh one another: softmax, a Transformer; gaussian, epanechnikov, .. or any kernel's text
    #[arg(
        long,
        value_name = "KERNEL",
        default_value = "softmax",
        conflicts_with = "resume"
    )]
    kernel: String,

    /// How many tokens back a token sees, itself included [default: all]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    window: Option<usize>,

    /// How the model knows positions
    #[arg(
        long,
        value_name = "learned|sinusoidal|rotary|alibi|unknown",
        default_value = "rotary",
        conflicts_with = "resume"
    )]
    positions: Positions,

    /// The curve inside the map of each token; swiglu is a gate
    #[arg(
        long,
        value_name = "gelu|gelu_erf|silu|relu|swiglu",
        default_value = "gelu",
        conflicts_with = "resume"
    )]
    activation: String,

    /// What norms divide by: the deviation from the mean, or the root of the mean square
    #[arg(
        long,
        value_name = "layer|rms",
        default_value = "layer",
        conflicts_with = "resume"
    )]
    norm: NormKind,

    /// Norms after each half of a layer, not before it
    #[arg(long, conflicts_with = "resume")]
    post_norm: bool,

    /// Linear maps and norms have biases and shifts
    #[arg(long, conflicts_with = "resume")]
    bias: bool,

    /// Scores by a table of their own, not by the tokens' vectors
    #[arg(long, conflicts_with = "resume")]
    untied: bool,

    /// Share of numbers that are dropped by chance in training
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        allow_negative_numbers = true,
        conflicts_with = "resume"
    )]
    dropout: f64,

    /// Pieces of text that go through the model at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 12,
        conflicts_with = "resume"
    )]
    batch: usize,

    /// Batches whose derivatives are added up for a step
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "resume")]
    accumulate: usize,

    /// Number of steps
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2000,
        conflicts_with = "resume"
    )]
    steps: u64,

    /// The learning rate after the warm-up
    #[arg(
        long,
        value_name = "R",
        default_value_t = 2e-3,
        allow_negative_numbers = true,
        conflicts_with = "resume"
    )]
    lr: f64,

    /// How the rate goes on from there: half a cosine down to --last-lr, or as it is
    #[arg(long, value_name = "cosine|constant", default_value = "cosine", value_parser = ["cosine", "constant"], conflicts_with = "resume")]
    schedule: String,

    /// The rate that the cosine ends at [default: a tenth of --lr]
    #[arg(
        long,
        value_name = "R",
        allow_negative_numbers = true,
        conflicts_with = "resume"
    )]
    last_lr: Option<f64>,

    /// Steps in which the rate rises from 0 [default: 100, a tenth of short trainings]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    warmup: Option<u64>,

    /// Share of a weight that goes with each step, times the rate
    #[arg(
        long,
        value_name = "D",
        default_value_t = 0.1,
        allow_negative_numbers = true,
        conflicts_with = "resume"
    )]
    weight_decay: f64,

    /// Largest norm of the derivatives; 0 does not clip
    #[arg(
        long,
        value_name = "C",
        default_value_t = 1.0,
        allow_negative_numbers = true,
        conflicts_with = "resume"
    )]
    clip: f64,

    /// Where chance begins; the same seed gives the same model
    #[arg(long, value_name = "S", default_value_t = 1, conflicts_with = "resume")]
    seed: u64,
}

/// The library's names of what is given by flags.
const FLAGS: [(&str, &str); 15] = [
    ("codes=", "--vocab "),
    ("the learning rate", "--lr"),
    ("layers=", "--layers "),
    ("heads=", "--heads "),
    ("groups=", "--kv-heads "),
    ("width=", "--width "),
    ("hidden=", "--hidden "),
    ("context=", "--context "),
    ("window=", "--window "),
    ("batch=", "--batch "),
    ("accumulate=", "--accumulate "),
    ("dropout=", "--dropout "),
    ("decay=", "--weight-decay "),
    ("clip=", "--clip "),
    ("no activation '", "no --activation '"),
];

impl Begin {
    /// The model at its start, and how it makes codes of the text.
    pub(super) fn begin(&self, bytes: &[u8], path: &Path) -> Result<(Trainer<f32>, Tokenizer)> {
        self.made(bytes, path).map_err(|e| e.in_flags(&FLAGS))
    }

    fn made(&self, bytes: &[u8], path: &Path) -> Result<(Trainer<f32>, Tokenizer)> {
        if self.steps == 0 {
            return Err(Error::usage("--steps 0 must be at least 1"));
        }
        let tokenizer = self.tokenizer(bytes, path)?;
        let activation = match self.activation.as_str() {
            "swiglu" => None,
            name => Some(name.parse::<Activation>()?),
        };
        let mut model = TransformerConfig::decoder(tokenizer.code_count(), self.context)
            .layers(self.layers)
            .heads(self.heads)
            .width(self.width)
            .kernel(&self.kernel)
            .window(self.window)
            .positions(self.positions)
            .activation(activation)
            .norm(self.norm)
            .norm_first(!self.post_norm)
            .bias(self.bias)
            .tied(!self.untied)
            .dropout(self.dropout);
        if let Some(groups) = self.kv_heads {
            model = model.groups(groups);
        }
        if let Some(hidden) = self.hidden {
            model = model.hidden(hidden);
        }
        let config = TrainConfig {
            batch: self.batch,
            accumulate: self.accumulate,
            schedule: self.rates()?,
            optimizer: AdamW {
                decay: self.weight_decay,
                ..AdamW::default()
            },
            clip: (self.clip != 0.0).then_some(self.clip),
            seed: self.seed,
        };
        Ok((Trainer::new(model.build(self.seed)?, config)?, tokenizer))
    }

    fn rates(&self) -> Result<Schedule> {
        let warmup = self.warmup.unwrap_or(100.min(self.steps / 10));
        if warmup >= self.steps {
            return Err(Error::usage(format!(
                "--warmup {warmup} must be below --steps {}",
                self.steps
            )));
        }
        let last = match (self.schedule.as_str(), self.last_lr) {
            ("constant", Some(last)) => {
                return Err(Error::usage(format!(
                    "--last-lr {last} is where the cosine ends; leave it out with --schedule constant"
                )));
            }
            ("constant", None) => self.lr,
            (_, last) => last.unwrap_or(self.lr / 10.0),
        };
        Ok(Schedule::cosine(self.lr, last, warmup, self.steps)?)
    }

    fn tokenizer(&self, bytes: &[u8], path: &Path) -> Result<Tokenizer> {
        if self.vocab.is_some() && self.tokenizer != "bpe" {
            return Err(Error::usage(format!(
                "--vocab is how many tokens --tokenizer bpe learns; leave it out with --tokenizer {}",
                self.tokenizer
            )));
        }
        if bytes.is_empty() {
            return Err(Error::data(format!("{} is empty", path.display())));
        }
        let text = || {
            std::str::from_utf8(bytes).map_err(|e| {
                Error::data(format!(
                    "{} is not UTF-8 at byte {}; convert it, or train on --tokenizer byte",
                    path.display(),
                    e.valid_up_to()
                ))
            })
        };
        match self.tokenizer.as_str() {
            "byte" => Ok(Tokenizer::Bytes),
            "char" => Ok(Tokenizer::chars(text()?)?),
            "bpe" => {
                let text = text()?;
                // What is held out teaches nothing; of a text of one character there is no such part.
                let most = text.ceil_char_boundary(text.len() - text.len() / 10);
                let codes = self.vocab.unwrap_or(1024);
                Ok(Tokenizer::Bpe(Bpe::learn(&text[..most], codes)?))
            }
            "number" => {
                let made = Tokenizer::numbers(text()?);
                made.map_err(|e| Error::data(format!("{}: {e}", path.display())))
            }
            other => Err(Error::usage(format!(
                "--tokenizer {other} must be char, byte, bpe or number"
            ))),
        }
    }
}

//! `locality lm train`.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use locality_learn::{
    AdamW, Bpe, Checkpoint, Positions, Schedule, Tokenizer, TrainConfig, Trainer, TransformerConfig,
};
use serde_json::{Value, json};

use super::load;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::plot;

/// Flags of `locality lm train`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality lm train play.txt -o play.safetensors
  locality lm train play.txt -o play.safetensors --resume
  locality lm train play.txt -o gauss.safetensors --kernel gaussian --steps 500 --plot loss.png
  locality lm train play.txt -o words.safetensors --tokenizer bpe --vocab 512

The last tenth of the text is held out: the loss on it (on its first 262,144 tokens) is the validation loss, in nats a token. The model is written every --save-every steps, at \
the end, and at Ctrl-C; --resume then goes on as if it had never stopped.")]
pub(crate) struct Args {
    /// The text, in UTF-8, or - for standard input
    text: PathBuf,

    /// Where to write the model
    #[arg(short, long, value_name = "M.safetensors")]
    output: PathBuf,

    /// Go on with the training that the output holds; its sizes, rates and number of steps are kept
    #[arg(long, conflicts_with_all = ["tokenizer", "vocab", "layers", "heads", "width", "context", "batch", "steps", "lr", "kernel", "positions", "dropout", "seed"])]
    resume: bool,

    /// What a token is; bpe learns merges of bytes from the first nine tenths of the text
    #[arg(long, value_name = "char|byte|bpe", default_value = "char")]
    tokenizer: String,

    /// Most tokens that --tokenizer bpe learns, the 256 bytes included [default: 1024]
    #[arg(long, value_name = "N")]
    vocab: Option<usize>,

    /// Number of layers
    #[arg(long, value_name = "N", default_value_t = 4)]
    layers: usize,

    /// Number of heads, which must divide the width
    #[arg(long, value_name = "N", default_value_t = 4)]
    heads: usize,

    /// Numbers of a token's vector
    #[arg(long, value_name = "N", default_value_t = 128)]
    width: usize,

    /// Tokens that the model sees at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    context: usize,

    /// Pieces of text of each step
    #[arg(long, value_name = "N", default_value_t = 12)]
    batch: usize,

    /// Number of steps
    #[arg(long, value_name = "N", default_value_t = 2000)]
    steps: u64,

    /// The learning rate after 100 steps of warm-up (a tenth of short trainings); it falls to a tenth of itself
    #[arg(
        long,
        value_name = "R",
        default_value_t = 2e-3,
        allow_negative_numbers = true
    )]
    lr: f64,

    /// How tokens weigh one another: softmax, a Transformer; gaussian, epanechnikov, .. or any kernel's text
    #[arg(long, value_name = "KERNEL", default_value = "softmax")]
    kernel: String,

    /// How the model knows positions
    #[arg(
        long,
        value_name = "learned|sinusoidal|rotary|alibi",
        default_value = "rotary"
    )]
    positions: Positions,

    /// Share of numbers that are dropped by chance in training
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    dropout: f64,

    /// Where chance begins; the same seed gives the same model
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Write the model each time after so many steps, and look at the validation loss
    #[arg(long, value_name = "N", default_value_t = 250)]
    save_every: u64,

    /// Draw the losses into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,
}

/// The library's names of what is given by flags.
const FLAGS: [(&str, &str); 8] = [
    ("codes=", "--vocab "),
    ("the learning rate", "--lr"),
    ("layers=", "--layers "),
    ("heads=", "--heads "),
    ("width=", "--width "),
    ("context=", "--context "),
    ("batch=", "--batch "),
    ("dropout=", "--dropout "),
];

/// How long a step and a file may take after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most held-out tokens that are looked at.
const LOOK: usize = 1 << 18;

/// Losses as they went.
#[derive(Debug, Default)]
struct Log {
    /// Steps, the mean of the training's losses since the entry before, the validation's loss.
    history: Vec<[f64; 3]>,
    /// Of the losses since: their sum, and how many there are.
    sum: f64,
    count: u64,
}

impl Log {
    /// Adds an entry.
    fn look(&mut self, step: u64, validation: f64) {
        let mean = self.sum / self.count as f64;
        self.history.push([step as f64, mean, validation]);
        (self.sum, self.count) = (0.0, 0);
    }
}

/// The mean loss on held-out tokens, piece by piece, so that Ctrl-C is seen between two; none where it came.
fn evaluate(trainer: &Trainer<f32>, held_out: &[u32]) -> Result<Option<f64>> {
    let (batch, context) = (trainer.config().batch, trainer.model().config().context());
    let held_out = &held_out[..held_out.len().min(LOOK.max(2 * context))];
    let all = (held_out.len() - 1) / context;
    let mut sum = 0.0;
    for first in (0..all).step_by(batch) {
        if Context::interrupted(PATIENCE) {
            return Ok(None);
        }
        let count = batch.min(all - first);
        let piece = &held_out[first * context..=(first + count) * context];
        sum += trainer.evaluate(piece, batch)? * count as f64;
    }
    Ok(Some(sum / all as f64))
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.plot.iter().map(PathBuf::as_path));
    if outputs.iter().any(|path| is_standard(path)) {
        return Err(Error::usage(
            "a model and a picture go into files; name them instead of -",
        ));
    }
    output::check(&outputs)?;
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
    }
    for (flag, n) in [("--save-every", args.save_every), ("--steps", args.steps)] {
        if n == 0 {
            return Err(Error::usage(format!("{flag} 0 must be at least 1")));
        }
    }
    let bytes = read(&args.text)?;
    let (mut trainer, tokenizer, mut log) = if args.resume {
        resume(args, &bytes)?
    } else {
        let (trainer, tokenizer) = begin(args, &bytes).map_err(|e| e.in_flags(&FLAGS))?;
        (trainer, tokenizer, Log::default())
    };
    let codes = encode(&tokenizer, &bytes)?;
    let (train, held_out) = codes.split_at(codes.len() - codes.len() / 10);
    let (config, at_once) = (*trainer.config(), trainer.model().config().context());
    if held_out.len() <= at_once {
        return Err(Error::data(format!(
            "{} has {} tokens, of which the last tenth is held out, but a sequence takes {}; give more text, or a shorter --context",
            args.text.display(),
            codes.len(),
            at_once + 1
        )));
    }
    let steps = config.schedule.steps();
    let print = fingerprint(&bytes);
    let save = |trainer: &Trainer<f32>, log: &Log| -> Result<()> {
        let notes = json!({"text": print, "history": log.history, "since": [log.sum, log.count]});
        let checkpoint = Checkpoint::of(trainer, &tokenizer, notes);
        output::keep(&args.output, &checkpoint.to_bytes()?)
    };
    let bar = context.bar(steps);
    let (start, first) = (Instant::now(), trainer.steps());
    let (mut stopped, mut last, mut spent) = (false, f64::NAN, 0.0);
    loop {
        let done = trainer.steps();
        let due = done > 0 && (done.is_multiple_of(args.save_every) || done == steps);
        if due && log.history.last().is_none_or(|h| h[0] != done as f64) {
            let Some(loss) = evaluate(&trainer, held_out)? else {
                stopped = true;
                break;
            };
            log.look(done, loss);
            if done < steps {
                save(&trainer, &log)?;
            }
        }
        if done >= steps {
            break;
        }
        if Context::interrupted(PATIENCE) {
            stopped = true;
            break;
        }
        let begun = Instant::now();
        last = trainer.step(train)?.loss;
        spent += begun.elapsed().as_secs_f64();
        (log.sum, log.count) = (log.sum + last, log.count + 1);
        if let Some(bar) = &bar {
            let tokens = (done + 1 - first) as f64 * (config.batch * at_once) as f64;
            bar.set_message(format!("loss {last:.3}, {:.0} tokens/s", tokens / spent));
            bar.set_position(done + 1);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    save(&trainer, &log)?;
    let history = &log.history;
    if let (Some(path), false) = (&args.plot, stopped) {
        draw(history, trainer.model().config().kernel_text(), path)?;
    }
    let done = trainer.steps();
    let tokens = (done - first) as f64 * (config.batch * at_once) as f64;
    let validation = history.last().map(|h| h[2]);
    let bytes_per_token = bytes.len() as f64 / codes.len() as f64;
    let object = json!({
        "command": "lm train",
        "text": args.text.display().to_string(),
        "output": args.output.display().to_string(),
        "tokens": codes.len(),
        "codes": tokenizer.code_count(),
        "bytes_per_token": bytes_per_token,
        "parameters": trainer.model().layout().len(),
        "kernel": trainer.model().config().kernel_text(),
        "steps": done,
        "stopped": stopped,
        "loss": if last.is_nan() { Value::Null } else { json!(last) },
        "validation_loss": validation,
        "tokens_per_second": tokens / spent,
        "seconds": seconds,
    });
    let mut words = format!(
        "{} parameters, {} codes, {}: step {done} of {steps} in {seconds:.1} s ({:.0} tokens/s)\n",
        trainer.model().layout().len(),
        tokenizer.code_count(),
        trainer.model().config().kernel_text(),
        tokens / spent
    );
    if let Some(loss) = validation {
        let _ = write!(words, "validation loss {loss:.4} nats a token");
        if matches!(tokenizer, Tokenizer::Bpe(_)) {
            // What compares with other tokenizers.
            let _ = write!(words, ", {:.4} a byte", loss / bytes_per_token);
        }
        words.push('\n');
    }
    if stopped {
        let _ = writeln!(
            words,
            "stopped by Ctrl-C; {} is saved, go on with --resume",
            args.output.display()
        );
    }
    context.summary(&words, &object, false)
}

fn begin(args: &Args, bytes: &[u8]) -> Result<(Trainer<f32>, Tokenizer)> {
    if args.vocab.is_some() && args.tokenizer != "bpe" {
        return Err(Error::usage(format!(
            "--vocab is how many tokens --tokenizer bpe learns; leave it out with --tokenizer {}",
            args.tokenizer
        )));
    }
    let empty = || Error::data(format!("{} is empty", args.text.display()));
    let tokenizer = match args.tokenizer.as_str() {
        "byte" => Tokenizer::Bytes,
        "char" => {
            let text = text(bytes, &args.text)?;
            Tokenizer::chars(text).map_err(|_| empty())?
        }
        "bpe" => {
            let text = text(bytes, &args.text)?;
            if text.is_empty() {
                return Err(empty());
            }
            // What is held out teaches nothing; of a text of one character there is no such part.
            let most = text.ceil_char_boundary(text.len() - text.len() / 10);
            Tokenizer::Bpe(Bpe::learn(&text[..most], args.vocab.unwrap_or(1024))?)
        }
        other => {
            return Err(Error::usage(format!(
                "--tokenizer {other} must be char, byte or bpe"
            )));
        }
    };
    let model = TransformerConfig::decoder(tokenizer.code_count(), args.context)
        .layers(args.layers)
        .heads(args.heads)
        .width(args.width)
        .kernel(&args.kernel)
        .positions(args.positions)
        .dropout(args.dropout)
        .build(args.seed)?;
    let warmup = 100.min(args.steps / 10);
    let config = TrainConfig {
        batch: args.batch,
        accumulate: 1,
        schedule: Schedule::cosine(args.lr, args.lr / 10.0, warmup, args.steps)?,
        optimizer: AdamW::default(),
        clip: Some(1.0),
        seed: args.seed,
    };
    Ok((Trainer::new(model, config)?, tokenizer))
}

fn resume(args: &Args, bytes: &[u8]) -> Result<(Trainer<f32>, Tokenizer, Log)> {
    let checkpoint = load(&args.output)?;
    let tokenizer = checkpoint.tokenizer.clone();
    if checkpoint.notes.get("text") != Some(&json!(fingerprint(bytes))) {
        return Err(Error::data(format!(
            "{} was trained on another text than {}; resume with the same text, or leave out --resume",
            args.output.display(),
            args.text.display()
        )));
    }
    let damaged = || {
        Error::data(format!(
            "{} holds no usable history of its losses; train it anew, without --resume",
            args.output.display()
        ))
    };
    let noted = |name: &str| checkpoint.notes.get(name).cloned().unwrap_or(Value::Null);
    let history = serde_json::from_value(noted("history")).map_err(|_| damaged())?;
    let (sum, count) = serde_json::from_value(noted("since")).map_err(|_| damaged())?;
    let trainer = checkpoint
        .resume()
        .map_err(|e| Error::data(format!("{}: {e}", args.output.display())))?;
    let log = Log {
        history,
        sum,
        count,
    };
    Ok((trainer, tokenizer, log))
}

fn encode(tokenizer: &Tokenizer, bytes: &[u8]) -> Result<Vec<u32>> {
    if *tokenizer == Tokenizer::Bytes {
        return Ok(bytes.iter().map(|b| u32::from(*b)).collect());
    }
    Ok(tokenizer.encode(text(bytes, Path::new("the text"))?)?)
}

fn text<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|e| {
        Error::data(format!(
            "{} is not UTF-8 at byte {}; convert it, or train on --tokenizer byte",
            path.display(),
            e.valid_up_to()
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = if is_standard(path) {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else if path.is_dir() {
        return Err(Error::data(format!(
            "cannot read {}: it is a directory; name a text",
            path.display()
        )));
    } else {
        std::fs::read(path).map(|b| bytes = b)
    };
    result.map_err(|e| Error::unreadable(&path.display(), &e))?;
    Ok(bytes)
}

/// A number that tells texts apart (FNV-1a), with their length.
fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{} bytes, {hash:016x}", bytes.len())
}

fn draw(history: &[[f64; 3]], kernel: &str, path: &Path) -> Result<()> {
    let curve = |name: &str, column: usize| plot::Curve {
        name: name.to_owned(),
        points: history.iter().map(|h| [h[0], h[column]]).collect(),
    };
    let curves = [curve("training", 1), curve("held out", 2)];
    let title = format!("loss of a {kernel} model, nats a token");
    let scene = plot::draw_lines(&title, ["step", "loss"], &[], &curves)?;
    output::write(path, &plot::encode(&scene, path)?)
}

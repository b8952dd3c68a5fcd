//! `locality lm train`.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use locality_learn::{
    AdamW, Checkpoint, Positions, Schedule, Tokenizer, TrainConfig, Trainer, TransformerConfig,
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

The last tenth of the text is held out: the loss on it is the validation loss, in nats a token. The model is written every --save-every steps, at \
the end, and at Ctrl-C; --resume then goes on as if it had never stopped.")]
pub(crate) struct Args {
    /// The text, in UTF-8, or - for standard input
    text: PathBuf,

    /// Where to write the model
    #[arg(short, long, value_name = "M.safetensors")]
    output: PathBuf,

    /// Go on with the training that the output holds; its sizes and rates are kept
    #[arg(long, conflicts_with_all = ["tokenizer", "layers", "heads", "width", "context", "batch", "steps", "lr", "kernel", "positions", "dropout", "seed"])]
    resume: bool,

    /// What a token is
    #[arg(long, value_name = "char|byte", default_value = "char")]
    tokenizer: String,

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
        default_value_t = 1e-3,
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
        default_value = "learned"
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

/// How long a step and a file may take after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(20);

/// Losses as they went: steps, the mean of the training's since the last, the validation's.
type History = Vec<[f64; 3]>;

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
    if args.save_every == 0 {
        return Err(Error::usage("--save-every 0 must be at least 1"));
    }
    let bytes = read(&args.text)?;
    let (mut trainer, tokenizer, mut history) = if args.resume {
        resume(args, &bytes)?
    } else {
        let (trainer, tokenizer) = begin(args, &bytes)?;
        (trainer, tokenizer, History::new())
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
    let save = |trainer: &Trainer<f32>, history: &History| -> Result<()> {
        let notes = json!({"text": print, "history": history});
        Ok(Checkpoint::of(trainer, &tokenizer, notes).save(&args.output)?)
    };
    let bar = context.bar(steps);
    let (start, first) = (Instant::now(), trainer.steps());
    let (mut sum, mut count, mut stopped, mut last) = (0.0, 0_u64, false, f64::NAN);
    while trainer.steps() < steps {
        if Context::interrupted(PATIENCE) {
            stopped = true;
            break;
        }
        last = trainer.step(train)?.loss;
        (sum, count) = (sum + last, count + 1);
        let done = trainer.steps();
        if let Some(bar) = &bar {
            let tokens = (done - first) as f64 * (config.batch * at_once) as f64;
            let rate = tokens / start.elapsed().as_secs_f64();
            bar.set_message(format!("loss {last:.3}, {rate:.0} tokens/s"));
            bar.set_position(done);
        }
        if done.is_multiple_of(args.save_every) || done == steps {
            let loss = trainer.evaluate(held_out, config.batch)?;
            history.push([done as f64, sum / count as f64, loss]);
            (sum, count) = (0.0, 0);
            if done < steps {
                save(&trainer, &history)?;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    save(&trainer, &history)?;
    if let (Some(path), false) = (&args.plot, stopped) {
        draw(&history, trainer.model().config().kernel_text(), path)?;
    }
    let done = trainer.steps();
    let tokens = (done - first) as f64 * (config.batch * at_once) as f64;
    let validation = history.last().map(|h| h[2]);
    let object = json!({
        "command": "lm train",
        "text": args.text.display().to_string(),
        "output": args.output.display().to_string(),
        "tokens": codes.len(),
        "codes": tokenizer.code_count(),
        "parameters": trainer.model().layout().len(),
        "kernel": trainer.model().config().kernel_text(),
        "steps": done,
        "stopped": stopped,
        "loss": if last.is_nan() { Value::Null } else { json!(last) },
        "validation_loss": validation,
        "tokens_per_second": tokens / seconds,
        "seconds": seconds,
    });
    let mut words = format!(
        "{} parameters, {} codes, {}: step {done} of {steps} in {seconds:.1} s ({:.0} tokens/s)\n",
        trainer.model().layout().len(),
        tokenizer.code_count(),
        trainer.model().config().kernel_text(),
        tokens / seconds
    );
    if let Some(loss) = validation {
        let _ = writeln!(words, "validation loss {loss:.4} nats a token");
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
    let tokenizer = match args.tokenizer.as_str() {
        "byte" => Tokenizer::Bytes,
        "char" => {
            let text = text(bytes, &args.text)?;
            Tokenizer::chars(text)
                .map_err(|_| Error::data(format!("{} is empty", args.text.display())))?
        }
        other => {
            return Err(Error::usage(format!(
                "--tokenizer {other} must be char or byte"
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

fn resume(args: &Args, bytes: &[u8]) -> Result<(Trainer<f32>, Tokenizer, History)> {
    let checkpoint = load(&args.output)?;
    let tokenizer = checkpoint.tokenizer.clone();
    if checkpoint.notes.get("text") != Some(&json!(fingerprint(bytes))) {
        return Err(Error::data(format!(
            "{} was trained on another text than {}; resume with the same text, or leave out --resume",
            args.output.display(),
            args.text.display()
        )));
    }
    let history = checkpoint.notes.get("history").cloned();
    let history = history.and_then(|h| serde_json::from_value(h).ok());
    let trainer = checkpoint
        .resume()
        .map_err(|e| Error::data(format!("{}: {e}", args.output.display())))?;
    Ok((trainer, tokenizer, history.unwrap_or_default()))
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

fn draw(history: &History, kernel: &str, path: &Path) -> Result<()> {
    let curve = |name: &str, column: usize| plot::Curve {
        name: name.to_owned(),
        points: history.iter().map(|h| [h[0], h[column]]).collect(),
    };
    let curves = [curve("training", 1), curve("held out", 2)];
    let title = format!("loss of a {kernel} model, nats a token");
    let scene = plot::draw_lines(&title, ["step", "loss"], &[], &curves)?;
    output::write(path, &plot::encode(&scene, path)?)
}

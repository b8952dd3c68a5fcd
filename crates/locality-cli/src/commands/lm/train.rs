//! `locality lm train`.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use locality_learn::{Look, TextTraining, Tokenizer};
use serde_json::{Value, json};

use super::{begin, load};
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
  locality lm train play.txt -o llama.safetensors --kv-heads 2 --norm rms --activation swiglu --dropout 0.1 --accumulate 4

The last tenth of the text is held out: the loss on it (on its first 262,144 tokens) is the validation loss, in nats a token. The model is written every --save-every steps, at \
the end, and at Ctrl-C; --resume then goes on as if it had never stopped.")]
pub(crate) struct Args {
    /// The text, in UTF-8, or - for standard input
    text: PathBuf,

    /// Where to write the model
    #[arg(short, long, value_name = "M.safetensors")]
    output: PathBuf,

    /// Go on with the training that the output holds; its sizes, rates and number of steps are kept
    #[arg(long)]
    resume: bool,

    #[command(flatten)]
    begin: begin::Begin,

    /// Write the model each time after so many steps, and look at the validation loss
    #[arg(long, value_name = "N", default_value_t = 250)]
    save_every: u64,

    /// Draw the losses into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,
}

/// How long a step and a file may take after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let mut training = if args.resume {
        let made = TextTraining::resume(load(&args.output)?, &bytes);
        made.map_err(|e| Error::data(format!("{}: {e}", args.output.display())))?
    } else {
        let (trainer, tokenizer) = args.begin.begin(&bytes, &args.text)?;
        // What is wrong from here on lies in the text.
        TextTraining::new(trainer, tokenizer, &bytes).map_err(|e| {
            let e = Error::data(format!("{}: {e}", args.text.display()));
            e.in_flags(&[("shorter context", "shorter --context")])
        })?
    };
    let save = |training: &TextTraining| -> Result<()> {
        output::keep(&args.output, &training.checkpoint().to_bytes()?)
    };
    let config = *training.trainer().config();
    let a_step = config.batch * config.accumulate * training.model().config().context();
    let (steps, first) = (training.goal(), training.trainer().steps());
    let bar = context.bar(steps);
    let start = Instant::now();
    let (mut stopped, mut last, mut spent) = (false, f64::NAN, 0.0);
    loop {
        let done = training.trainer().steps();
        if done > 0 && (done.is_multiple_of(args.save_every) || done >= steps) {
            let seen = training.history().len();
            Context::interrupted(PATIENCE);
            match Context::quietly(|watch| training.look(watch)).map_err(Error::from) {
                Ok(_) => {}
                Err(Error::Interrupted) => {
                    stopped = true;
                    break;
                }
                Err(e) => return Err(e),
            }
            if done < steps && training.history().len() > seen {
                save(&training)?;
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
        last = training.step()?.loss;
        spent += begun.elapsed().as_secs_f64();
        if let Some(bar) = &bar {
            let tokens = (done + 1 - first) as f64 * a_step as f64;
            bar.set_message(format!("loss {last:.3}, {:.0} tokens/s", tokens / spent));
            bar.set_position(done + 1);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    save(&training)?;
    let model = training.model();
    if let (Some(path), false) = (&args.plot, stopped) {
        draw(training.history(), model.config().kernel_text(), path)?;
    }
    let done = training.trainer().steps();
    let speed = (done - first) as f64 * a_step as f64 / spent;
    let validation = training.history().last().map(|h| h.validation);
    let bytes_per_token = bytes.len() as f64 / training.code_count() as f64;
    let tokenizer = training.tokenizer();
    let object = json!({
        "command": "lm train",
        "text": args.text.display().to_string(),
        "output": args.output.display().to_string(),
        "tokens": training.code_count(),
        "codes": tokenizer.code_count(),
        "bytes_per_token": bytes_per_token,
        "parameters": model.layout().len(),
        "kernel": model.config().kernel_text(),
        "steps": done,
        "stopped": stopped,
        "loss": if last.is_nan() { Value::Null } else { json!(last) },
        "validation_loss": validation,
        "tokens_per_second": speed,
        "seconds": seconds,
    });
    // A training that was done already has no speed.
    let pace = if done > first {
        format!("{speed:.0} tokens/s")
    } else {
        "no step was taken".to_owned()
    };
    let mut words = format!(
        "{} parameters, {} codes, {}: step {done} of {steps} in {seconds:.1} s ({pace})\n",
        model.layout().len(),
        tokenizer.code_count(),
        model.config().kernel_text(),
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

fn draw(history: &[Look], kernel: &str, path: &Path) -> Result<()> {
    let curve = |name: &str, loss: &dyn Fn(&Look) -> f64| plot::Curve {
        name: name.to_owned(),
        points: history.iter().map(|h| [h.step as f64, loss(h)]).collect(),
    };
    let curves = [
        curve("training", &|h| h.training),
        curve("held out", &|h| h.validation),
    ];
    let title = format!("loss of a {kernel} model, nats a token");
    let scene = plot::draw_lines(&title, ["step", "loss"], &[], &curves)?;
    output::write(path, &plot::encode(&scene, path)?)
}

//! `locality lm generate`.

use std::path::PathBuf;
use std::time::Instant;

use locality_learn::Sampler;
use serde_json::json;

use super::load;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output;

/// Flags of `locality lm generate`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality lm generate play.safetensors --prompt \"ROMEO:\" --temperature 0.8
  locality lm generate play.safetensors --prompt \"To be\" --tokens 80 --temperature 0
  locality lm generate gpt2 --prompt \"A local mean is\" --tokens 40 --top-k 50 --stop \"<|endoftext|>\"

A folder has config.json and model.safetensors (or model.onnx) of a model of the GPT-2 kind, with its tokenizer.json, or vocab.json and merges.txt.")]
pub(crate) struct Args {
    /// The model, as `locality lm train` wrote it, or the folder of a published one
    model: PathBuf,

    /// What the text begins with
    #[arg(long, value_name = "TEXT", default_value = "\n")]
    prompt: String,

    /// How many tokens (characters, bytes or merges of these) to write after it
    #[arg(long, value_name = "N", default_value_t = 300)]
    tokens: usize,

    /// Below 1 likely tokens get likelier; 0 takes the likeliest each time
    #[arg(
        long,
        value_name = "T",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    temperature: f64,

    /// Only the K likeliest tokens
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,

    /// Only the likeliest tokens that have this probability together
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    top_p: Option<f64>,

    /// Write no more once this text has been written; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,

    /// Where chance begins; the same seed writes the same text
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let sampler = Sampler {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        seed: args.seed,
    };
    sampler.check().map_err(|e| flags(&e))?;
    if args.prompt.is_empty() {
        return Err(Error::usage(
            "--prompt is empty; give the text at least one character to begin with",
        ));
    }
    let checkpoint = load(&args.model)?;
    let known = checkpoint.tokenizer.encode(&args.prompt);
    known.map_err(|e| Error::from(e).context("--prompt"))?;
    let start = Instant::now();
    let written = context.watched("writing", |watch| {
        let (model, tokenizer) = (&checkpoint.model, &checkpoint.tokenizer);
        model.write(
            tokenizer,
            &args.prompt,
            args.tokens,
            sampler,
            &args.stop,
            watch,
        )
    });
    let written = written.map_err(|e| Error::from(e).in_flags(&[("stop has", "--stop has")]))?;
    let seconds = start.elapsed().as_secs_f64();
    if context.json {
        let object = json!({
            "command": "lm generate",
            "model": args.model.display().to_string(),
            "text": written.text,
            "tokens": written.codes.len(),
            "stopped": written.stopped,
            "seconds": seconds,
        });
        return context.summary("", &object, false);
    }
    output::say(&format!("{}\n", written.text))
}

/// The library's parameters under the tool's names.
fn flags(error: &locality_learn::Error) -> Error {
    let text = error.to_string();
    Error::usage(
        text.replace("temperature=", "--temperature ")
            .replace("top_k=", "--top-k ")
            .replace("top_p=", "--top-p "),
    )
}

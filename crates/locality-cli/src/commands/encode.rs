//! `locality encode`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality_learn::pretrained::{Encoder, Pooling};
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Table};

/// Flags of `locality encode`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality encode all-MiniLM-L6-v2 sentences.txt -o vectors.npy
  locality encode all-MiniLM-L6-v2 sentences.txt -o tokens.csv --pooling none

The folder has config.json, model.safetensors (or model.onnx) and tokenizer.json of a model of the BERT kind. What sentence-transformers noted beside them \
(modules.json, sentence_bert_config.json) says how tokens become one vector and how many are read; without, it is their mean, of unit length.")]
pub(crate) struct Args {
    /// The folder of the model
    model: PathBuf,

    /// The text, a sentence a line, or - for standard input
    text: PathBuf,

    /// Where to write a row of numbers for each line: .npy, .csv or .tsv; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The mean of a line's tokens, its first one, or a row for each token with the number of its line before it [default: the model's]
    #[arg(long, value_name = "mean|cls|none", value_parser = ["mean", "cls", "none"])]
    pooling: Option<String>,

    /// Most tokens of a line, its special ones included; what follows is left out [default: the model's]
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,

    /// Leave vectors as long as they are
    #[arg(long)]
    raw: bool,
}

/// Lines between two looks at Ctrl-C.
const AT_ONCE: usize = 64;

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, None)?;
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let text = read(&args.text)?;
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return Err(Error::data(format!(
            "{} has no lines; give a sentence a line",
            args.text.display()
        )));
    }
    // Whatever is wrong with the files lies in them, not in the command line.
    let encoder = Encoder::<f32>::load(&args.model).map_err(|e| Error::data(e.to_string()))?;
    let encoder = with_flags(encoder, args)?;

    let start = Instant::now();
    let bar = context.bar(lines.len() as u64);
    let (mut vectors, mut owners) = (Vec::new(), Vec::new());
    for (at, some) in lines.chunks(AT_ONCE).enumerate() {
        Context::check()?;
        if args.pooling.as_deref() == Some("none") {
            let (rows, sets) = encoder.tokens(some)?;
            vectors.extend(rows);
            for (line, range) in sets.iter().enumerate() {
                let line = (at * AT_ONCE + line) as i64;
                owners.extend(std::iter::repeat_n(line, range.len()));
            }
        } else {
            vectors.extend(encoder.encode(some)?);
        }
        if let Some(bar) = &bar {
            bar.inc(some.len() as u64);
        }
    }
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let seconds = start.elapsed().as_secs_f64();

    let (width, longest) = (encoder.width(), encoder.longest());
    let rows = vectors.len() / width;
    let mut columns = Vec::with_capacity(width + 1);
    if !owners.is_empty() {
        columns.push(("line".to_owned(), Column::Integer(owners)));
    }
    columns.extend((0..width).map(|j| {
        let column = vectors.iter().skip(j).step_by(width).copied();
        (format!("v{j}"), Column::Single(column.collect()))
    }));
    let table = Table::of_columns(columns, rows)?;
    output::write(&args.output, &table.encode(&[], format)?)?;

    let object = json!({
        "command": "encode",
        "model": args.model.display().to_string(),
        "output": args.output.display().to_string(),
        "lines": lines.len(),
        "rows": rows,
        "width": width,
        "max_length": longest,
        "seconds": seconds,
    });
    let words = format!(
        "{} as {} of {width} numbers in {seconds:.2} s, {:.0} lines/s\n",
        count(lines.len(), "line"),
        count(rows, "row"),
        lines.len() as f64 / seconds
    );
    context.summary(&words, &object, stdout_taken)
}

fn with_flags(mut encoder: Encoder<f32>, args: &Args) -> Result<Encoder<f32>> {
    encoder = match args.pooling.as_deref() {
        Some("mean") => encoder.pooling(Pooling::Mean),
        Some("cls") => encoder.pooling(Pooling::Cls),
        _ => encoder,
    };
    if args.raw {
        encoder = encoder.normalize(false);
    }
    match args.max_length {
        None => Ok(encoder),
        Some(longest) => encoder
            .max_length(longest)
            .map_err(|e| Error::from(e).in_flags(&[("max_length=", "--max-length ")])),
    }
}

/// The text of a file, or of standard input.
fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let result = if is_standard(path) {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|b| bytes = b)
    };
    result.map_err(|e| Error::unreadable(&path.display(), &e))?;
    String::from_utf8(bytes).map_err(|e| {
        Error::data(format!(
            "{} is no UTF-8 text from byte {} on; convert it first",
            path.display(),
            e.utf8_error().valid_up_to()
        ))
    })
}

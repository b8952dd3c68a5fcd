//! `locality lm attention`.

use std::path::{Path, PathBuf};

use locality_learn::pretrained::Encoder;
use serde_json::json;

use super::load;
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output;
use crate::plot::{self, Panel};
use crate::table::{Column, Format, Table};

/// Flags of `locality lm attention`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality lm attention play.safetensors --prompt \"ROMEO: What light\" -o heads.png
  locality lm attention gpt2 --prompt \"The cat sat on the mat\" --layers 5 --heads 1-4 -o cat.svg
  locality lm attention all-MiniLM-L6-v2 --prompt \"The cat sat\" --layers 1,6 -o cat.png --table cat.csv

A row of panels is a layer, a panel a head; in a panel row i is what token i sees. A folder is that of a published model of the GPT-2 or BERT kind.")]
pub(crate) struct Args {
    /// The model, as `locality lm train` wrote it, or the folder of a published one
    model: PathBuf,

    /// The text whose tokens look at each other
    #[arg(long, value_name = "TEXT")]
    prompt: String,

    /// Where to draw it
    #[arg(short, long, value_name = "P.png|P.svg")]
    output: PathBuf,

    /// Which layers, counted from 1, such as 1,3-5 [default: all]
    #[arg(long, value_name = "LIST")]
    layers: Option<String>,

    /// Which heads of each, counted from 1 [default: all]
    #[arg(long, value_name = "LIST")]
    heads: Option<String>,

    /// Write the weights as a table of layer, head, query, key and weight: .csv, .tsv or .npy
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
}

/// Cells beyond which a picture shows nothing.
const MOST: usize = 4_000_000;

/// What is drawn of a model.
struct Maps {
    tokens: Vec<String>,
    weights: Vec<f32>,
    layers: Vec<usize>,
    heads: Vec<usize>,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    plot::check("-o", &args.output)?;
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.table.as_deref());
    output::check(&outputs)?;
    let format = match &args.table {
        Some(path) => Some(Format::of(path, None)?),
        None => None,
    };
    let stdout_taken = outputs.iter().any(|path| output::is_standard(path));
    context.json_needs_stdout(stdout_taken)?;
    let maps = maps(args)?;
    let n = maps.tokens.len();
    let each = maps.layers.iter().flat_map(|layer| {
        let heads = maps.heads.iter();
        heads.map(move |head| (*layer, *head))
    });
    let panels: Vec<Panel> = each
        .clone()
        .zip(maps.weights.chunks_exact(n * n))
        .map(|((layer, head), weights)| Panel {
            name: format!("layer {}, head {}", layer + 1, head + 1),
            weights: weights.iter().map(|w| f64::from(*w)).collect(),
        })
        .collect();
    let name = args.model.file_name().unwrap_or(args.model.as_os_str());
    let title = format!(
        "Attention of {} between {}",
        name.display(),
        count(n, "token")
    );
    let scene = plot::draw_attention(&title, &maps.tokens, &panels, maps.heads.len());
    let mut files = output::Outputs::default();
    files.add(&args.output, &plot::encode(&scene, &args.output)?)?;
    if let (Some(path), Some(format)) = (&args.table, format) {
        files.add(
            path,
            &table(&maps, &each.collect::<Vec<_>>())?.encode(&[], format)?,
        )?;
    }
    files.commit()?;
    let one = |all: &[usize]| all.iter().map(|i| i + 1).collect::<Vec<_>>();
    let object = json!({
        "command": "lm attention",
        "model": args.model.display().to_string(),
        "output": args.output.display().to_string(),
        "tokens": maps.tokens,
        "layers": one(&maps.layers),
        "heads": one(&maps.heads),
    });
    let words = format!(
        "{} of {} between {}\n",
        count(panels.len(), "map"),
        count(maps.layers.len(), "layer"),
        count(n, "token")
    );
    context.summary(&words, &object, stdout_taken)
}

fn maps(args: &Args) -> Result<Maps> {
    if args.prompt.is_empty() {
        return Err(Error::usage(
            "--prompt is empty; give a text whose tokens look at each other",
        ));
    }
    let chosen = |(layers, heads): (usize, usize), n: usize| {
        let layers = picked("--layers", args.layers.as_deref(), layers)?;
        let heads = picked("--heads", args.heads.as_deref(), heads)?;
        let cells = (layers.len() * heads.len()).saturating_mul(n * n);
        if cells > MOST {
            return Err(Error::usage(format!(
                "{n} tokens in {} heads of {} layers are {cells} cells, more than {MOST}; give a shorter --prompt, or fewer --layers and --heads",
                heads.len(),
                layers.len()
            )));
        }
        Ok((layers, heads))
    };
    if is_encoder(&args.model) {
        let encoder = Encoder::<f32>::load(&args.model).map_err(|e| Error::data(e.to_string()))?;
        let codes = encoder.tokenizer().encode(&args.prompt, encoder.longest());
        let (layers, heads) = chosen(encoder.sizes(), codes.len())?;
        let (weights, codes) = encoder.attention(&args.prompt, &layers, &heads)?;
        let token = |code: &u32| encoder.tokenizer().token(*code).unwrap_or("?").to_owned();
        return Ok(Maps {
            tokens: codes.iter().map(token).collect(),
            weights,
            layers,
            heads,
        });
    }
    let checkpoint = load(&args.model)?;
    let codes = checkpoint.tokenizer.encode(&args.prompt);
    let codes = codes.map_err(|e| Error::from(e).context("--prompt"))?;
    let (layers, heads, _) = checkpoint.model.config().sizes();
    let (layers, heads) = chosen((layers, heads), codes.len())?;
    let weights = checkpoint.model.attention_maps(&codes, &layers, &heads);
    let weights = weights.map_err(|e| Error::from(e).context("--prompt"))?;
    let token = |code: &u32| {
        let text = checkpoint.tokenizer.decode(&[*code])?;
        // A blank alone would be nothing to see.
        let text = text.replace('\n', "\\n").replace('\t', "\\t");
        Ok(text.replace(' ', "\u{b7}"))
    };
    let tokens = codes.iter().map(token).collect::<Result<_>>()?;
    Ok(Maps {
        tokens,
        weights,
        layers,
        heads,
    })
}

/// Whether a folder says that its model is of the BERT kind.
fn is_encoder(path: &Path) -> bool {
    let config = std::fs::read(path.join("config.json")).ok();
    let config: Option<serde_json::Value> =
        config.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    config.is_some_and(|c| c.get("model_type").and_then(|kind| kind.as_str()) == Some("bert"))
}

/// The numbers of a list such as `1,3-5`, counted from 0 then.
fn picked(flag: &str, list: Option<&str>, most: usize) -> Result<Vec<usize>> {
    let Some(list) = list else {
        return Ok((0..most).collect());
    };
    let wrong = || {
        Error::usage(format!(
            "{flag} {list} must be numbers from 1 to {most}, such as 1,3-5"
        ))
    };
    let mut out = Vec::new();
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
        let (from, to) = (number(from)?, number(to)?);
        if from == 0 || to < from || to > most {
            return Err(wrong());
        }
        out.extend(from - 1..to);
    }
    Ok(out)
}

/// A row for each pair of tokens in each head.
fn table(maps: &Maps, each: &[(usize, usize)]) -> Result<Table> {
    let n = maps.tokens.len();
    let cells = maps.weights.len();
    let of = |number: &dyn Fn(usize) -> usize| {
        Column::Integer((0..cells).map(|i| number(i) as i64).collect())
    };
    let columns = [
        ("layer", of(&|i| each[i / (n * n)].0 + 1)),
        ("head", of(&|i| each[i / (n * n)].1 + 1)),
        ("query", of(&|i| i / n % n)),
        ("key", of(&|i| i % n)),
        ("weight", Column::Single(maps.weights.clone())),
    ];
    let columns = columns.map(|(name, column)| (name.to_owned(), column));
    Table::of_columns(columns.into(), cells)
}

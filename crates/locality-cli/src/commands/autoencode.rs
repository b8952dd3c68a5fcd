//! `locality autoencode`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::Rows;
use locality_learn::{Activation, Autoencoder, AutoencoderModel, Corruption, Excess, FitConfig};
use serde_json::json;

use super::cluster::round;
use super::{count, pick, refuse_taken};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::plot;
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality autoencode`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality autoencode digits.csv -o codes.csv --code 2 --hidden 128 --plot digits.png --color digit
  locality autoencode wine.csv -o clean.csv --code 5 --noise 0.5 --reconstruct
  locality autoencode digits.csv -o codes.csv --code 2,8,32 --losses loss.svg

A network learns to undo noise through a code of few numbers; several codes go from coarse to fine. Errors are squares in units of each column's \
variance, so that 1 is what the columns' means reach.")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with its new columns; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns to learn from, names or numbers counted from 0 [default: every column of numbers but --color]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Numbers of the code; of several codes, from coarse to fine
    #[arg(long, value_name = "K,..", value_delimiter = ',', default_values_t = [2])]
    code: Vec<usize>,

    /// Sizes of the layers between columns and code; 0 for none, a linear map
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = [64])]
    hidden: Vec<usize>,

    /// The curve between layers
    #[arg(long, value_name = "gelu|silu|relu", default_value = "gelu")]
    activation: Activation,

    /// What rows are corrupted by in training
    #[arg(
        long,
        value_name = "gaussian|masking|salt-and-pepper|none",
        default_value = "gaussian"
    )]
    corruption: String,

    /// Standard deviation of the noise, in deviations of each column, or the share of numbers that are replaced
    #[arg(
        long,
        value_name = "S",
        default_value_t = 0.2,
        allow_negative_numbers = true
    )]
    noise: f64,

    /// Most passes over the rows
    #[arg(long, value_name = "N", default_value_t = 200)]
    epochs: usize,

    /// Rows of a step
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch: usize,

    /// The learning rate at the start
    #[arg(
        long,
        value_name = "R",
        default_value_t = 2e-3,
        allow_negative_numbers = true
    )]
    lr: f64,

    /// Share of the rows that is held out to say when to stop
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.1,
        allow_negative_numbers = true
    )]
    validation: f64,

    /// Where chance begins; the same seed gives the same codes
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Add what comes out for each row, <column>_out, beside the code
    #[arg(long)]
    reconstruct: bool,

    /// Draw the first two numbers of the codes into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,

    /// For --plot: colour the rows by this column
    #[arg(long, value_name = "COLUMN")]
    color: Option<String>,

    /// Draw the losses into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    losses: Option<PathBuf>,

    #[command(flatten)]
    options: Options,
}

/// The library's words under the tool's names.
const FLAGS: &[(&str, &str)] = &[
    ("the learning rate", "--lr"),
    ("sigma=", "--noise "),
    ("the probability ", "--noise "),
    ("epochs=", "--epochs "),
    ("batch=", "--batch "),
    ("validation=", "--validation "),
    ("corruption '", "--corruption '"),
];

/// Most rows for which the best denoiser is asked for comparison, and its draws.
const COMPARED: (usize, usize) = (5000, 4);

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.plot.iter().chain(&args.losses).map(PathBuf::as_path));
    output::check(&outputs)?;
    for (flag, path) in [("--plot", &args.plot), ("--losses", &args.losses)] {
        if let Some(path) = path {
            plot::check(flag, path)?;
        }
    }
    let width: usize = args.code.iter().sum();
    if args.plot.is_some() && width < 2 {
        return Err(Error::usage(
            "--plot draws two numbers of the code; give --code 2 or more",
        ));
    }
    let stdout_taken = outputs.iter().any(|path| is_standard(path));
    context.json_needs_stdout(stdout_taken)?;
    let config = config(args)?;

    let table = Table::read(&args.table, &args.options)?;
    let color = match &args.color {
        Some(name) => Some(table.find(std::slice::from_ref(name), "--color")?[0]),
        None => None,
    };
    let columns = if let Some(wanted) = &args.columns {
        table.find(wanted, "--columns")?
    } else {
        let all = table.numeric_columns()?;
        all.into_iter().filter(|c| Some(*c) != color).collect()
    };
    let raw = table.numbers(&columns, "--columns")?;
    let rows = Rows::new(&raw, table.rows(), columns.len())?;

    let start = Instant::now();
    let model: AutoencoderModel<f32> = context
        .watched("learning", |watch| config.fit(rows, watch))
        .map_err(|e| Error::from(e).in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();
    let codes = model.encode(rows)?;
    let added = new_columns(args, &table, &columns, &model, rows, &codes)?;
    refuse_taken(&table, &added)?;
    let error = model.error(rows)?;
    let held_out = model.histories().last();
    let held_out = held_out.and_then(|h| h.validation.get(h.best).copied());
    let excess = if args.corruption == "gaussian" && table.rows() <= COMPARED.0 {
        let ask =
            |watch: &locality::Watch<'_>| model.excess_risk(rows, COMPARED.1, args.seed, watch);
        Some(context.watched("comparing", ask)?)
    } else {
        None
    };

    let mut files = Outputs::default();
    files.add(&args.output, &table.encode(&added, format)?)?;
    if let Some(path) = &args.plot {
        let points: Vec<[f64; 2]> = codes.chunks(width).map(|c| [c[0], c[1]]).collect();
        let cells = color.map(|c| super::cells(&table, c));
        let colors = cells.as_ref().zip(color);
        let colors = colors.map(|(cells, c)| (table.names()[c].as_str(), cells.as_slice()));
        let title = format!("codes of {}", count(table.rows(), "row"));
        let scene = plot::draw_cloud(&title, ["code_0", "code_1"], &points, colors)?;
        files.add(path, &plot::encode(&scene, path)?)?;
    }
    if let Some(path) = &args.losses {
        files.add(path, &plot::encode(&losses(&model)?, path)?)?;
    }
    files.commit()?;

    let object = json!({
        "command": "autoencode",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "columns": columns.iter().map(|&c| &table.names()[c]).collect::<Vec<_>>(),
        "codes": args.code,
        "parameters": model.layout().len(),
        "epochs": model.histories().iter().map(|h| h.training.len()).sum::<usize>(),
        "error": error,
        "held_out": held_out,
        "denoising": excess.map(|e| json!({"model": e.model, "optimum": e.optimum})),
        "seconds": seconds,
    });
    let words = words(args, &table, &model, (error, held_out, excess), seconds);
    context.summary(&words, &object, stdout_taken)
}

fn config(args: &Args) -> Result<Autoencoder> {
    let corruption = Corruption::named(&args.corruption, args.noise)
        .map_err(|e| Error::from(e).in_flags(FLAGS))?;
    let hidden: &[usize] = if args.hidden == [0] {
        &[]
    } else {
        &args.hidden
    };
    Ok(Autoencoder::new(&args.code)
        .hidden(hidden)
        .activation(args.activation)
        .corruption(corruption)
        .fit_config(FitConfig {
            epochs: args.epochs,
            batch: args.batch,
            rate: args.lr,
            validation: args.validation,
            seed: args.seed,
            ..FitConfig::default()
        }))
}

/// Codes and, where wanted, what comes out for each row.
fn new_columns(
    args: &Args,
    table: &Table,
    columns: &[usize],
    model: &AutoencoderModel<f32>,
    rows: Rows<'_, f64>,
    codes: &[f64],
) -> Result<Vec<(String, Column)>> {
    let real = |data: &[f64], width: usize, j: usize| Column::Real(pick(data, width, j));
    let width: usize = args.code.iter().sum();
    let code = (0..width).map(|j| (format!("code_{j}"), real(codes, width, j)));
    let mut added: Vec<(String, Column)> = code.collect();
    if args.reconstruct {
        let out = model.reconstruct(rows)?;
        for (j, &c) in columns.iter().enumerate() {
            let name = format!("{}_out", table.names()[c]);
            added.push((name, real(&out, columns.len(), j)));
        }
    }
    Ok(added)
}

/// The losses of all stages, one after another.
fn losses(model: &AutoencoderModel<f32>) -> Result<plot::Scene> {
    let curve = |name: &str, pick: &dyn Fn(&locality_learn::History) -> Vec<f64>| {
        let all = model.histories().iter().flat_map(pick);
        plot::Curve {
            name: name.to_owned(),
            points: all.enumerate().map(|(i, y)| [(i + 1) as f64, y]).collect(),
        }
    };
    let mut curves = vec![curve("training", &|h| h.training.clone())];
    if model.histories().iter().all(|h| !h.validation.is_empty()) {
        curves.push(curve("held out", &|h| h.validation[1..].to_vec()));
    }
    let title = "mean squared error under noise, in variances of the columns";
    plot::draw_lines(title, ["epoch", "loss"], &[], &curves)
}

fn words(
    args: &Args,
    table: &Table,
    model: &AutoencoderModel<f32>,
    (error, held_out, excess): (f64, Option<f64>, Option<Excess>),
    seconds: f64,
) -> String {
    let epochs: usize = model.histories().iter().map(|h| h.training.len()).sum();
    let code: Vec<String> = args.code.iter().map(usize::to_string).collect();
    let mut words = format!(
        "{} of {}: a code of {} by {} parameters, {} in {seconds:.2} s\n",
        count(table.rows(), "row"),
        table.origin(),
        code.join(" + "),
        model.layout().len(),
        count(epochs, "epoch"),
    );
    let _ = writeln!(
        words,
        "reconstruction: mean squared error {} of the columns' variance",
        round(error)
    );
    if let Some(loss) = held_out {
        let _ = writeln!(words, "held-out rows under noise: {}", round(loss));
    }
    if let Some(excess) = excess {
        let _ = writeln!(
            words,
            "as a denoiser of these rows: {}, the best there is (their Gaussian local mean): {}",
            round(excess.model),
            round(excess.optimum)
        );
    }
    words
}

//! `locality sample`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use locality::Rows;
use locality::denoise::{Sampler, SamplerMethod};
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality sample`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality sample iris.csv -n 1000 -o more.csv
  locality sample measured.csv -n 500 -o new.csv --columns length,width --smoothing 0.5 --seed 7
  locality sample large.csv -n 100000 -o new.csv --method draw

Noise is turned into rows by the exact scores of the table's density, which has a Gaussian about each row of the shape of the --manifold rows
nearest to it. Means and covariances are the table's. --smoothing is how far new rows may lie from the table's, in standard deviations of
the rows nearby (with --manifold none, of the table); 0 gives rows of the table.")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Number of rows to draw
    #[arg(short, long = "count", value_name = "ROWS")]
    n: usize,

    /// Where to write the rows; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns to draw, names or numbers counted from 0 [default: every column of numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// flow (the probability-flow equation), langevin (annealed Langevin dynamics), or draw (a row by chance and a point of its Gaussian:
    /// the law that the others flow to, at once)
    #[arg(long, value_name = "METHOD", default_value = "flow")]
    method: SamplerMethod,

    /// Bandwidth in standard deviations of the rows nearby, or of the table [default: 1; with --manifold none, Silverman's rule]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    smoothing: Option<f64>,

    /// The noise about a row has the shape of so many rows nearest to it; none: that of the whole table
    #[arg(long, value_name = "K|none", default_value = "15")]
    manifold: Manifold,

    /// Number of levels of noise [default: 40, and more where --noise ends below 0.002]
    #[arg(long, value_name = "N")]
    levels: Option<usize>,

    /// Steps of langevin at each level
    #[arg(long, value_name = "N", default_value_t = 10)]
    steps: usize,

    /// First and last level of noise, in standard deviations of the table [default: 20,0.002, and less than that where most rows lie closer]
    #[arg(
        long,
        value_name = "MOST,LEAST",
        value_delimiter = ',',
        num_args = 1,
        allow_negative_numbers = true
    )]
    noise: Option<Vec<f64>>,

    /// For speed: of the rows beyond the K nearest, only those count in a step that weigh more than 0.01 of the largest together
    #[arg(long, value_name = "K")]
    nearest: Option<usize>,

    /// What the sums of the weights may be off by, relative, for speed; 0 is exact to rounding
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    tolerance: f64,

    /// Another seed gives other rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    options: Options,
}

/// A number of rows, or none.
#[derive(Clone, Copy, Debug)]
struct Manifold(Option<usize>);

impl FromStr for Manifold {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        match text.parse() {
            Ok(k) if k > 0 => Ok(Self(Some(k))),
            _ => Err("give a number of rows, at least 1, or none".to_owned()),
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    let noise = match args.noise.as_deref() {
        None => None,
        Some(&[most, least]) => Some((most, least)),
        Some(other) => {
            return Err(Error::usage(format!(
                "--noise has {}; give the first and the last level, as in --noise 20,0.002",
                count(other.len(), "number")
            )));
        }
    };
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let table = Table::read(&args.table, &args.options)?;
    let columns = match &args.columns {
        Some(wanted) => table.find(wanted, "--columns")?,
        None => table.numeric_columns()?,
    };
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let numbers = table.numbers(&columns, "--columns")?;
    let d = columns.len();
    let rows = Rows::new(&numbers, table.rows(), d)?;
    let mut sampler = Sampler::new()
        .method(args.method)
        .smoothing(args.smoothing)
        .manifold(args.manifold.0)
        .levels(args.levels)
        .steps(args.steps)
        .nearest(args.nearest)
        .tolerance(args.tolerance)
        .seed(args.seed);
    if let Some((most, least)) = noise {
        sampler = sampler.noise(most, least);
    }
    let start = Instant::now();
    let out = context.watched("sampling", |watch| sampler.sample(rows, args.n, watch))?;
    let seconds = start.elapsed().as_secs_f64();
    let (distance, copies) = context.watched("judging", |watch| {
        let copies = if table.rows() > 1 {
            Some(out.copies(rows, watch)?)
        } else {
            None
        };
        Ok::<_, locality::Error>((out.energy_distance(rows, watch)?, copies))
    })?;
    let column = |c: usize| out.samples().iter().skip(c).step_by(d).copied().collect();
    let written: Vec<(String, Column)> = names
        .iter()
        .enumerate()
        .map(|(c, name)| (name.clone(), Column::Real(column(c))))
        .collect();
    let written = Table::of_columns(written, args.n)?;
    output::write(&args.output, &written.encode(&[], format)?)?;
    let object = json!({
        "command": "sample",
        "table": table.rows(),
        "rows": args.n,
        "columns": names,
        "method": args.method.to_string(),
        "smoothing": out.smoothing(),
        "manifold": out.manifold(),
        "energy_distance": distance,
        "copies": copies,
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let near = copies.map_or(String::new(), |c| {
        format!(", {:.1} % of them copies", 100.0 * c)
    });
    let words = format!(
        "{} of {} from {} by {}: {seconds:.3} s\nsmoothing {:.3}, energy distance from the table {distance:.4}{near}\n",
        count(args.n, "row"),
        names.join(", "),
        count(table.rows(), "row"),
        args.method,
        out.smoothing(),
    );
    context.summary(&words, &object, stdout_taken)
}

//! `locality denoise`.

use std::path::PathBuf;
use std::time::Instant;

use locality::Rows;
use locality::denoise::OptimalDenoiser;
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality denoise`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality denoise measured.csv -o clean.csv --clean known.csv --sigma 0.2
  locality denoise track.csv -o smooth.csv --sigma 0.5 --columns lat,lon --hollow

Every row becomes what is expected of the clean row behind it, if clean rows are those of --clean and the noise has the given strength: the
mean of the clean rows, weighted by a Gaussian of that standard deviation. Without --clean, the table's own rows are taken; --hollow
leaves out each row's own. The output has the table's columns, and one more for each that is denoised, called NAME_clean.")]
pub(crate) struct Args {
    /// The table of noisy rows: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with the clean columns; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Standard deviation of the noise in each column
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    sigma: f64,

    /// A table of clean rows with the same columns
    #[arg(long, value_name = "TABLE", conflicts_with = "hollow")]
    clean: Option<PathBuf>,

    /// Columns to denoise, names or numbers counted from 0 [default: every column of numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Leave out a row's own values where the table is its own clean table
    #[arg(long)]
    hollow: bool,

    /// Only the K nearest clean rows count
    #[arg(long, value_name = "K")]
    nearest: Option<usize>,

    /// What the sum of the weights may be off by, relative and with proof, for speed; 0 is exact to rounding
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    tolerance: f64,

    /// Add one more column for each: the standard deviation that is left of it
    #[arg(long)]
    spread: bool,

    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    if args.clean.as_ref().is_some_and(|c| is_standard(c)) && is_standard(&args.table) {
        return Err(Error::usage(
            "TABLE and --clean are both -, but there is one standard input; name a file for one of them",
        ));
    }
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;

    let table = Table::read(&args.table, &args.options)?;
    let columns = match &args.columns {
        Some(wanted) => table.find(wanted, "--columns")?,
        None => table.numeric_columns()?,
    };
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let (d, m) = (columns.len(), table.rows());
    let noisy = table.numbers(&columns, "--columns")?;
    let clean = match &args.clean {
        Some(path) => {
            let clean = Table::read(path, &args.options)?;
            let places = clean.find(&names, "--clean")?;
            clean.numbers(&places, "--clean")?
        }
        None => noisy.clone(),
    };
    let extra =
        |suffix: &str| -> Vec<String> { names.iter().map(|n| format!("{n}_{suffix}")).collect() };
    let mut added = extra("clean");
    if args.spread {
        added.extend(extra("spread"));
    }
    if let Some(name) = added.iter().find(|n| table.names().contains(*n)) {
        return Err(Error::data(format!(
            "{} already has a column '{name}', which would be written; rename it",
            table.origin()
        )));
    }

    let start = Instant::now();
    let parameters = OptimalDenoiser::new(args.sigma)
        .tolerance(args.tolerance)
        .nearest(args.nearest)
        .hollow(args.hollow);
    let out = context.watched("denoising", |watch| {
        let rows = Rows::new(&clean, clean.len() / d, d)?;
        let noisy = Rows::new(&noisy, m, d)?;
        let fit = parameters.fit(rows, watch)?;
        let mut out = vec![fit.denoise(noisy, watch)?];
        if args.spread {
            let variance = fit.variance(noisy, watch)?;
            out.push(variance.into_iter().map(f64::sqrt).collect());
        }
        Ok::<_, locality::Error>(out)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let values = out.into_iter().flat_map(|rows| {
        let column = move |c: usize| rows.iter().skip(c).step_by(d).copied().collect();
        (0..d).map(column).collect::<Vec<Vec<f64>>>()
    });
    let written: Vec<(String, Column)> = added.into_iter().zip(values.map(Column::Real)).collect();
    output::write(&args.output, &table.encode(&written, format)?)?;

    let object = json!({
        "command": "denoise",
        "rows": m,
        "clean": clean.len() / d,
        "columns": names,
        "sigma": args.sigma,
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let words = format!(
        "{} of {} from {}, sigma {}: {seconds:.3} s\n",
        names.join(", "),
        count(m, "row"),
        count(clean.len() / d, "clean row"),
        args.sigma
    );
    context.summary(&words, &object, stdout_taken)
}

//! `locality smooth`.

use std::path::PathBuf;
use std::time::Instant;

use locality::nonlocal::SeriesSmoother;
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality smooth`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality smooth heart.csv -o smooth.csv --value ecg --window 12
  locality smooth meter.csv -o full.csv --value load --gaps-only

Every value becomes the mean of all values of the series, weighted by how alike the windows about the two are; rows are in the order of time,
equally spaced. Empty cells, NaN, NA and the like are gaps, which are filled likewise. The output has the table's columns and one more for each value,
called NAME_smooth.")]
pub(crate) struct Args {
    /// The table, in the order of time: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with the smooth columns; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns to smooth, names or numbers counted from 0 [default: every column of numbers]
    #[arg(long, value_name = "Y,Z", value_delimiter = ',')]
    value: Option<Vec<String>>,

    /// Rows on each side that are compared
    #[arg(long, value_name = "ROWS", default_value_t = 6)]
    window: usize,

    /// Only rows at most so far away count [default: all]
    #[arg(long, value_name = "ROWS")]
    reach: Option<usize>,

    /// Standard deviation of the noise [default: estimated for each column]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    sigma: Option<f64>,

    /// Bandwidth of the windows' difference [default: 0.8 standard deviations of the noise]
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    h: Option<f64>,

    /// Fill gaps, and leave known values as they are
    #[arg(long)]
    gaps_only: bool,

    #[command(flatten)]
    options: Options,
}

/// The library's names of what is given by flags.
const FLAGS: [(&str, &str); 4] = [
    ("radius is", "--window is"),
    ("reach is", "--reach is"),
    ("h is", "--h is"),
    ("sigma is", "--sigma is"),
];

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let table = Table::read(&args.table, &args.options)?;
    let columns = match &args.value {
        Some(wanted) => table.find(wanted, "--value")?,
        None => table.numeric_columns()?,
    };
    let smoother = SeriesSmoother::new(args.window)
        .reach(args.reach)
        .sigma(args.sigma)
        .h(args.h)
        .gaps_only(args.gaps_only);
    let start = Instant::now();
    let mut written = Vec::new();
    let mut facts = Vec::new();
    let mut gaps = 0;
    for &column in &columns {
        let name = &table.names()[column];
        let added = format!("{name}_smooth");
        if table.names().contains(&added) {
            return Err(Error::data(format!(
                "{} already has a column '{added}', which would be written; rename it",
                table.origin()
            )));
        }
        let series = table.numbers_with_gaps(&[column], "--value")?;
        let out = context
            .watched("smoothing", |watch| smoother.smooth(&series, watch))
            .map_err(|e| {
                let e = Error::from(e).in_flags(&FLAGS);
                match e {
                    Error::Usage(_) => e,
                    e => e.context(format!("column '{name}'")),
                }
            })?;
        gaps += out.filled().len();
        facts.push(json!({"column": name, "sigma": out.sigma(), "h": out.h(), "filled": out.filled().len()}));
        written.push((added, Column::Real(out.values().to_vec())));
    }
    let seconds = start.elapsed().as_secs_f64();
    output::write(&args.output, &table.encode(&written, format)?)?;
    let object = json!({
        "command": "smooth",
        "rows": table.rows(),
        "columns": facts,
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let words = format!(
        "{} of {}, {} filled: {seconds:.3} s\n",
        count(columns.len(), "series").replace("seriess", "series"),
        count(table.rows(), "row"),
        count(gaps, "gap"),
    );
    context.summary(&words, &object, stdout_taken)
}

//! The commands, one file each.

#[cfg(feature = "learn")]
mod autoencode;
mod cluster;
mod clusterer;
mod completions;
mod demo;
mod denoise;
#[cfg(feature = "embed")]
mod embed;
#[cfg(feature = "learn")]
mod encode;
mod evaluate;
mod fit;
mod fuzzy;
mod gwr;
mod image;
mod inspect;
mod kernels;
mod label;
#[cfg(feature = "learn")]
mod lm;
mod mean;
mod predict;
mod recall;
mod sample;
mod smooth;
pub(crate) mod track;

use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::table::{Column, Table};

#[cfg(feature = "parquet")]
macro_rules! tables {
    () => {
        "CSV, TSV, NPY or Parquet"
    };
}
#[cfg(not(feature = "parquet"))]
macro_rules! tables {
    () => {
        "CSV, TSV or NPY (Parquet where built with --features parquet)"
    };
}

const AFTER_HELP: &str = concat!(
    "Start with:  locality demo\nTables are ",
    tables!(),
    " by their ending, `-` is standard input or output; pictures are PNG, JPEG, TIFF or WebP. In a column of numbers an empty cell, NaN, \
     NA, N/A, NULL or None is a missing value. An output that is \
     there already is replaced, once the new one is complete.\nExit codes: 0 done, 1 data or files, 2 usage, 130 interrupted."
);

/// Local means, mean shift and other localized models, for tables and pictures.
#[derive(Debug, Parser)]
#[command(
    name = "locality",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = AFTER_HELP
)]
pub(crate) struct Cli {
    /// Threads to use; 0 takes every core. Results do not depend on it
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 0,
        display_order = 900
    )]
    threads: usize,

    /// No summary and no progress bar
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,

    /// The summary as one JSON object on standard output
    #[arg(long, global = true, display_order = 902)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Denoise a picture, filter or segment it by mean shift in position and colour, divide it into superpixels, or clean its labels
    #[command(subcommand)]
    Image(image::Command),
    /// Follow an object from picture to picture
    Track(track::Args),
    /// Cluster the rows of a table by mean shift, quick shift or persistence; the number of clusters is found, not given
    Cluster(cluster::Args),
    /// Embed the rows of a table in few coordinates that keep neighbourhoods
    #[cfg(feature = "embed")]
    Embed(embed::Args),
    /// Predict columns at new rows as a weighted mean of nearby rows (kernel regression)
    Mean(mean::Args),
    /// Give rows without a label one, from the labelled rows around them
    Label(label::Args),
    /// Take noise of a known strength away from the rows of a table
    Denoise(denoise::Args),
    /// Smooth a series, and fill its gaps, by what happened in like contexts
    Smooth(smooth::Args),
    /// Learn a code of few numbers for the rows of a table, by a network that undoes noise
    #[cfg(feature = "learn")]
    Autoencode(autoencode::Args),
    /// Draw new rows from the law that a table came from
    Sample(sample::Args),
    /// Fit a local model to a table and keep it in a file
    Fit(fit::Args),
    /// Predict at the rows of a table with a model from a file
    Predict(predict::Args),
    /// Compare local models with each other, with a global model and with the simplest guess, by cross-validation
    Evaluate(evaluate::Args),
    /// Complete rows, or read what goes with them, from a memory of stored rows (a modern Hopfield network)
    Recall(recall::Args),
    /// Fuzzy rules in words: evaluate them, learn them from a table, draw them
    #[command(subcommand)]
    Fuzzy(fuzzy::Command),
    /// Say what a model file holds
    Inspect(inspect::Args),
    /// Regress a column on others at every place, by the rows around it, and draw a map
    Gwr(gwr::Args),
    /// Turn sentences into vectors by a pretrained encoder
    #[cfg(feature = "learn")]
    Encode(encode::Args),
    /// Train a language model of local layers on a text, and let it write
    #[cfg(feature = "learn")]
    #[command(subcommand)]
    Lm(lm::Command),
    /// List every kernel, metric and neighbourhood, with formulas and parameters
    Kernels(kernels::Args),
    /// Show every method at work on a real photo and real tables
    Demo(demo::Args),
    /// Print the completions of a shell
    Completions(completions::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    // What takes threads without asking the watch takes these, too.
    locality::par::limit(cli.threads);
    let context = Context {
        threads: cli.threads,
        quiet: cli.quiet,
        json: cli.json,
    };
    match &cli.command {
        Command::Image(command) => image::run(command, &context),
        Command::Track(args) => track::run(args, &context),
        Command::Cluster(args) => cluster::run(args, &context),
        #[cfg(feature = "embed")]
        Command::Embed(args) => embed::run(args, &context),
        Command::Mean(args) => mean::run(args, &context),
        Command::Label(args) => label::run(args, &context),
        Command::Denoise(args) => denoise::run(args, &context),
        Command::Smooth(args) => smooth::run(args, &context),
        #[cfg(feature = "learn")]
        Command::Autoencode(args) => autoencode::run(args, &context),
        Command::Sample(args) => sample::run(args, &context),
        Command::Fit(args) => fit::run(args, &context),
        Command::Predict(args) => predict::run(args, &context),
        Command::Evaluate(args) => evaluate::run(args, &context),
        Command::Recall(args) => recall::run(args, &context),
        Command::Fuzzy(command) => fuzzy::run(command, &context),
        Command::Inspect(args) => inspect::run(args, &context),
        Command::Gwr(args) => gwr::run(args, &context),
        #[cfg(feature = "learn")]
        Command::Encode(args) => encode::run(args, &context),
        #[cfg(feature = "learn")]
        Command::Lm(command) => lm::run(command, &context),
        Command::Kernels(args) => kernels::run(args, &context),
        Command::Demo(args) => demo::run(args, &context),
        Command::Completions(args) => completions::run(args),
    }
}

/// Refuses new columns whose names the table has.
fn refuse_taken(table: &Table, columns: &[(String, Column)]) -> Result<()> {
    match columns.iter().find(|(n, _)| table.names().contains(n)) {
        None => Ok(()),
        Some((taken, _)) => Err(Error::usage(format!(
            "{} already has a column '{taken}'; rename or leave it out",
            table.origin()
        ))),
    }
}

/// Every `q`-th number from the `j`-th on.
fn pick(data: &[f64], q: usize, j: usize) -> Vec<f64> {
    data.iter().skip(j).step_by(q).copied().collect()
}

/// The texts of a column.
#[cfg(any(feature = "embed", feature = "learn"))]
fn cells(table: &Table, column: usize) -> Vec<String> {
    let text = |row: usize| {
        let cell = table.cell(row, column);
        String::from_utf8_lossy(cell.trim_ascii()).into_owned()
    };
    (0..table.rows()).map(text).collect()
}

/// `1 row`, `2 rows`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

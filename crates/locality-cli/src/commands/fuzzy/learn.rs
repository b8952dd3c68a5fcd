//! `locality fuzzy learn`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::Rows;
use locality::fuzzy::{RuleCount, RuleLearner};
use serde_json::json;

use super::super::cluster::round;
use super::super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::table::{Options, Table};

/// Flags of `locality fuzzy learn`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality fuzzy learn diabetes.csv --target target -o rules.toml
  locality fuzzy learn fuel.csv --target mpg --rules 4 --order 0 -o rules.toml
  locality fuzzy learn fuel.csv --target mpg --bandwidth 0.15 -o rules.toml")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// The column of numbers that the rules shall tell
    #[arg(long, value_name = "COLUMN")]
    target: String,

    /// Where to write the rules (TOML); - is standard output
    #[arg(short, long, value_name = "RULES.toml")]
    output: PathBuf,

    /// Columns to tell it from, names or numbers counted from 0 [default: every other column of numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// How many rules, before those not needed are left out [default: as cross-validation says]
    #[arg(long, value_name = "N", conflicts_with_all = ["radius", "bandwidth"])]
    rules: Option<usize>,

    /// Rules at the centres of subtractive clustering with this radius, in parts of each column's range
    #[arg(long, value_name = "R", conflicts_with = "bandwidth")]
    radius: Option<f64>,

    /// Rules at the modes that mean shift finds under a Gaussian of this bandwidth, in parts of each column's range
    #[arg(long, value_name = "H")]
    bandwidth: Option<f64>,

    /// What rules conclude: 0, a number; 1, a sum over the columns
    #[arg(long, value_name = "0|1", default_value_t = 1)]
    order: usize,

    /// Fit each rule's conclusion by itself, so that it can be read alone
    #[arg(long)]
    local: bool,

    /// Most moves of the terms by gradient; 0 leaves them where the clusters are
    #[arg(long, value_name = "N", default_value_t = 20)]
    epochs: usize,

    /// Seed of clusters and of what is held out
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let outputs: Vec<&Path> = vec![&args.output];
    output::check(&outputs)?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    if !stdout_taken && args.output.extension().is_none_or(|e| e != "toml") {
        return Err(Error::usage(format!(
            "--output {} must end in .toml",
            args.output.display()
        )));
    }
    let table = Table::read(&args.table, &args.options)?;
    let target = table.find(std::slice::from_ref(&args.target), "--target")?[0];
    let columns = if let Some(wanted) = &args.columns {
        table.find(wanted, "--columns")?
    } else {
        let all = table.numeric_columns()?;
        all.into_iter().filter(|c| *c != target).collect()
    };
    if columns.contains(&target) {
        return Err(Error::usage(format!(
            "--columns holds the target '{}'; leave it out",
            args.target
        )));
    }
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let name = [table.names()[target].clone()];
    let x = table.numbers(&columns, "--columns")?;
    let y = table.numbers(&[target], "--target")?;
    let rows = Rows::new(&x, table.rows(), columns.len())?;
    let rules = match (args.rules, args.radius, args.bandwidth) {
        (Some(n), ..) => RuleCount::CMeans(n),
        (None, Some(radius), _) => RuleCount::Subtractive(radius),
        (None, None, Some(bandwidth)) => RuleCount::MeanShift(bandwidth),
        (None, None, None) => RuleCount::Auto,
    };
    let model = RuleLearner::new()
        .rules(rules)
        .order(args.order)
        .local(args.local)
        .epochs(args.epochs, 3)
        .seed(args.seed);
    let start = Instant::now();
    let learned = context.watched("learning", |watch| {
        model.fit(rows, Rows::column(&y), &names, &name, watch)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let system = learned.system();
    let mut files = Outputs::default();
    files.add(&args.output, system.to_toml().as_bytes())?;
    files.commit()?;
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let spread = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / y.len() as f64;
    let share = 1.0 - learned.error() * learned.error() / spread;
    let object = json!({
        "command": "fuzzy learn",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "columns": names,
        "target": name[0],
        "rules": system.rules().len(),
        "pruned": learned.pruned(),
        "ridge": learned.ridge(),
        "rmse": learned.error(),
        "r2": share,
        "history": learned.history(),
        "seconds": seconds,
    });
    let words = format!(
        "{} for '{}' from {} in {} ({} left out) in {seconds:.3} s\n\
         error on these rows {}, R2 {}\n{system}",
        count(system.rules().len(), "rule"),
        name[0],
        count(table.rows(), "row"),
        table.origin(),
        learned.pruned(),
        round(learned.error()),
        round(share),
    );
    context.summary(&words, &object, stdout_taken)
}

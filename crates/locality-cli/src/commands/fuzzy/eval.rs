//! `locality fuzzy eval`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::fuzzy::FuzzySystem;
use locality::{Rows, Watch};
use serde_json::json;

use super::super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality fuzzy eval`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality fuzzy eval tip.toml visits.csv -o tips.csv
  locality fuzzy eval cooling.fcl log.csv -o speeds.csv --rules
  locality fuzzy eval tip.fis visits.csv -o tips.csv --explain 3")]
pub(crate) struct Args {
    /// The rules: .toml, .fcl (IEC 61131-7) or .fis (MATLAB)
    rules: PathBuf,

    /// The table, with a column for each input of the rules: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with a column for each output, with _predicted behind its name where the table has such a column; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns that are the inputs, names or numbers counted from 0, in the rules' order [default: those called as the inputs are]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Add a column for each rule: how much it fires
    #[arg(long = "rules")]
    firing: bool,

    /// Say why this row, counted from 0, gives what it gives
    #[arg(long, value_name = "ROW")]
    explain: Option<usize>,

    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    let outputs: Vec<&Path> = vec![&args.output];
    output::check(&outputs)?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let system = super::read(&args.rules)?;
    let table = Table::read(&args.table, &args.options)?;
    let raw = numbers(args, &system, &table)?;
    let rows = Rows::new(&raw, table.rows(), system.inputs().len())?;
    let start = Instant::now();
    let values = context.watched("evaluating", |watch| system.evaluate(rows, watch))?;
    let seconds = start.elapsed().as_secs_f64();
    // A table that has the output already, as the one that rules were learned from has, gets it beside what it knows.
    let written: Vec<String> = system
        .outputs()
        .iter()
        .map(|o| {
            if table.names().contains(&o.name) {
                format!("{}_predicted", o.name)
            } else {
                o.name.clone()
            }
        })
        .collect();
    let mut added = columns(written.iter().cloned(), &values, system.outputs().len());
    if args.firing {
        let firing = context.watched("firing", |watch| system.firing(rows, watch))?;
        let names = (1..=system.rules().len()).map(|r| format!("rule_{r}"));
        added.extend(columns(names, &firing, system.rules().len()));
    }
    if let Some((name, _)) = added.iter().find(|(name, _)| table.names().contains(name)) {
        return Err(Error::usage(format!(
            "{} already has a column '{name}'; rename it there or in the rules",
            table.origin()
        )));
    }
    let why = match args.explain {
        Some(row) if row < table.rows() => Some(system.explain(rows.row(row))?.to_string()),
        Some(row) => {
            return Err(Error::usage(format!(
                "--explain {row} is none of the {} rows, counted from 0",
                table.rows()
            )));
        }
        None => None,
    };
    let mut files = Outputs::default();
    files.add(&args.output, &table.encode(&added, format)?)?;
    files.commit()?;
    let silent = values.iter().filter(|v| v.is_nan()).count();
    let fired = context.watched("firing", |watch| fired(&system, rows, &values, watch))?;
    let object = json!({
        "command": "fuzzy eval",
        "rules": args.rules.display().to_string(),
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "outputs": system.outputs().iter().map(|o| &o.name).collect::<Vec<_>>(),
        "written": written,
        "without_value": silent,
        "without_value_though_fired": fired,
        "explanation": why,
        "seconds": seconds,
    });
    let mut words = format!(
        "{} in {} by {}: {} in {seconds:.3} s\n",
        count(table.rows(), "row"),
        table.origin(),
        count(system.rules().len(), "rule"),
        count(system.outputs().len(), "output"),
    );
    let have = |n: usize| if n == 1 { "has" } else { "have" };
    if silent > fired {
        let _ = writeln!(
            words,
            "note: {} {} no value, since no rule fires; add rules, or default = .. to the output",
            count(silent - fired, "cell"),
            have(silent - fired)
        );
    }
    if fired > 0 {
        let _ = writeln!(
            words,
            "note: {} {} no value although a rule fires: what it concludes is 0 on all of the output's range; change the term, or widen the range",
            count(fired, "cell"),
            have(fired)
        );
    }
    if let Some(why) = why {
        words.push_str(&why);
    }
    context.summary(&words, &object, stdout_taken)
}

/// How many cells have no value although a rule fires that speaks of their output.
fn fired(
    system: &FuzzySystem,
    rows: Rows<'_, f64>,
    values: &[f64],
    watch: &Watch<'_>,
) -> locality::Result<usize> {
    let outputs = system.outputs().len();
    let mut found = 0;
    for (row, values) in rows.iter().zip(values.chunks_exact(outputs)) {
        if !values.iter().any(|v| v.is_nan()) {
            continue;
        }
        let firing = system.firing(Rows::new(row, 1, row.len())?, watch)?;
        let speaks = |o: usize| {
            let mut rules = system
                .rules()
                .iter()
                .zip(&firing)
                .filter(|(_, f)| **f > 0.0);
            rules.any(|(rule, _)| rule.consequents.iter().any(|c| c.output == o))
        };
        found += (0..outputs)
            .filter(|&o| values[o].is_nan() && speaks(o))
            .count();
    }
    Ok(found)
}

/// The inputs of the rows.
fn numbers(args: &Args, system: &FuzzySystem, table: &Table) -> Result<Vec<f64>> {
    if let Some(wanted) = &args.columns {
        let found = table.find(wanted, "--columns")?;
        if found.len() != system.inputs().len() {
            return Err(Error::usage(format!(
                "--columns names {}, but the rules have {}",
                count(found.len(), "column"),
                count(system.inputs().len(), "input")
            )));
        }
        return table.numbers(&found, "--columns");
    }
    let names: Vec<String> = system.inputs().iter().map(|i| i.name.clone()).collect();
    let found = table
        .find(&names, "the rules")
        .map_err(|e| e.remedy("name the columns with --columns"))?;
    table.numbers(&found, "the rules")
}

fn columns(
    names: impl Iterator<Item = String>,
    values: &[f64],
    width: usize,
) -> Vec<(String, Column)> {
    let one = |(j, name): (usize, String)| {
        let cells = values.iter().skip(j).step_by(width).copied();
        (name, Column::Real(cells.collect()))
    };
    names.enumerate().map(one).collect()
}

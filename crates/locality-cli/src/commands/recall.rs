//! `locality recall`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use locality::hopfield::{HopfieldMemory, Recall};
use locality::{Kernel, Rows};
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality recall`.
#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("weights").required(true).args(["beta", "kernel"])))]
#[command(after_help = "Examples:
  locality recall digits.csv --query half.csv -o filled.csv --kernel \"gaussian(h=5)\" --steps 1
  locality recall patterns.csv --query noisy.csv -o clean.csv --beta 8
  locality recall words.csv --value meaning --query asked.csv -o read.csv --beta 4 --steps 1

Of QUERY only the cells that are known count: columns that it does not have, and cells that are empty or NaN, are filled in. The output has the \
query's columns and one more for each column of the patterns, called NAME_recalled; with --value one for each of these instead.")]
pub(crate) struct Args {
    /// The table of patterns to be remembered, one a row: .csv, .tsv or .npy, or - for CSV on standard input
    patterns: PathBuf,

    /// The table of rows to recall
    #[arg(long, value_name = "TABLE")]
    query: PathBuf,

    /// Where to write what is recalled; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// How sharply the pattern of the largest inner product is picked, softmax(beta=B): for patterns of about one length, such as those of -1 and
    /// 1, since of others the longest win; else take --kernel
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    beta: Option<f64>,

    /// Instead of --beta: any other kernel. Under one of the distance, such as "gaussian(h=5)", the nearest patterns count, whatever their
    /// lengths; see `locality kernels`
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,

    /// Columns of the patterns [default: every column of numbers that is no --value]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Read these columns of the patterns instead of completing the others (hetero-association); known rows only
    #[arg(long, value_name = "Y,Z", value_delimiter = ',')]
    value: Option<Vec<String>>,

    /// Most steps; one is an attention read, many end in a pattern or a mean of some
    #[arg(long, value_name = "N")]
    steps: Option<usize>,

    /// A state rests once no cell moves by more than this share of the largest absolute number stored
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    tol: Option<f64>,

    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    if is_standard(&args.patterns) && is_standard(&args.query) {
        return Err(Error::usage(
            "PATTERNS and --query are both -, but there is one standard input; name a file for one of them",
        ));
    }
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let table = Table::read(&args.patterns, &args.options)?;
    let queries = Table::read(&args.query, &args.options)?;
    let values = match &args.value {
        Some(wanted) => table.find(wanted, "--value")?,
        None => Vec::new(),
    };
    let columns = columns(args, &table, &values)?;
    let names: Vec<&str> = columns.iter().map(|&c| table.names()[c].as_str()).collect();
    let asked = Asked::read(&queries, &names)?;
    let read = if values.is_empty() { &columns } else { &values };
    let new: Vec<String> = read
        .iter()
        .map(|&c| format!("{}_recalled", table.names()[c]))
        .collect();
    if let Some(taken) = new.iter().find(|name| queries.names().contains(name)) {
        return Err(Error::data(format!(
            "{} already has a column '{taken}', which would be written; rename it",
            queries.origin()
        )));
    }
    let memory = memory(args, &names)?;
    let stored = table.numbers(&columns, "--columns")?;
    let read = table.numbers(&values, "--value")?;
    let patterns = Rows::new(&stored, table.rows(), names.len())?;
    let start = Instant::now();
    let (found, outscored) = context
        .watched("recall", |watch| {
            let memory = if values.is_empty() {
                memory.store(patterns)?
            } else {
                memory.store_pairs(patterns, Rows::new(&read, table.rows(), values.len())?)?
            };
            let states = Rows::new(&asked.states, queries.rows(), names.len())?;
            let found = if asked.known.contains(&false) {
                memory.complete(states, &asked.known, watch)
            } else {
                memory.recall(states, watch)
            };
            Ok((found?, memory.outscored()))
        })
        .map_err(|e: locality::Error| Error::from(e).in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();
    refuse_lost(&found, &queries)?;
    let (cells, p) = match values.len() {
        0 => (&found.states, names.len()),
        p => (&found.values, p),
    };
    let extra: Vec<(String, Column)> = new
        .iter()
        .enumerate()
        .map(|(c, name)| {
            let column = cells.iter().skip(c).step_by(p).copied().collect();
            (name.clone(), Column::Real(column))
        })
        .collect();
    output::write(&args.output, &queries.encode(&extra, format)?)?;
    let moving = found.settled.iter().filter(|settled| !**settled).count();
    let object = json!({
        "command": "recall",
        "patterns": table.rows(),
        "queries": queries.rows(),
        "columns": names,
        "values": args.value,
        "kernel": memory.kernel().to_string(),
        "cells_filled": asked.known.iter().filter(|known| !**known).count(),
        "steps": found.steps.iter().max(),
        "not_settled": moving,
        "outscored": outscored,
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let mut words = format!(
        "{} recalled from {} by {}: {seconds:.3} s\nkernel {}, at most {}\n",
        count(queries.rows(), "row"),
        count(table.rows(), "pattern"),
        names.join(", "),
        memory.kernel(),
        count(found.steps.iter().max().copied().unwrap_or(0), "step"),
    );
    if moving > 0 && args.steps != Some(1) {
        let _ = writeln!(
            words,
            "note: {} would have moved on; raise --steps to let them rest",
            count(moving, "row")
        );
    }
    // One read of values is attention, whose keys may have any lengths.
    if outscored > MANY && !(args.steps == Some(1) && args.value.is_some()) {
        let _ = writeln!(
            words,
            "note: at {:.0} % of the patterns a longer one has the larger inner product, so that they cannot be recalled; patterns of so different \
             lengths need a kernel of the distance, such as --kernel \"gaussian(h=..)\" with an h below the distance between neighbours",
            100.0 * outscored
        );
    }
    context.summary(&words, &object, stdout_taken)
}

/// The share of patterns that cannot be recalled from which on that is told.
const MANY: f64 = 0.1;

/// Names of parameters, and the flags they are given by.
const FLAGS: &[(&str, &str)] = &[("max_iter=", "--steps "), ("tol=", "--tol ")];

fn columns(args: &Args, table: &Table, values: &[usize]) -> Result<Vec<usize>> {
    let columns = if let Some(wanted) = &args.columns {
        table.find(wanted, "--columns")?
    } else {
        let all = table.numeric_columns()?;
        all.into_iter().filter(|c| !values.contains(c)).collect()
    };
    if let Some(c) = columns.iter().find(|c| values.contains(c)) {
        return Err(Error::usage(format!(
            "--columns and --value both name '{}'; read a column by others",
            table.names()[*c]
        )));
    }
    if columns.is_empty() {
        return Err(Error::data(format!(
            "{} has no column of numbers left to recall by; name some with --columns",
            table.origin()
        )));
    }
    Ok(columns)
}

fn memory(args: &Args, names: &[&str]) -> Result<HopfieldMemory> {
    let kernel = match (&args.kernel, args.beta) {
        (Some(kernel), _) => kernel.with_columns(names),
        (None, beta) => format!("softmax(beta={})", beta.unwrap_or(1.0)).parse(),
    };
    let flag = if args.kernel.is_some() {
        "--kernel"
    } else {
        "--beta"
    };
    let mut memory = HopfieldMemory::new(kernel.map_err(|e| Error::from(e).context(flag))?);
    if let Some(steps) = args.steps {
        memory = memory.max_iter(steps);
    }
    if let Some(tol) = args.tol {
        memory = memory.tol(tol);
    }
    Ok(memory)
}

/// What is known of the rows that are asked for, in the patterns' columns; 0 where nothing is.
struct Asked {
    states: Vec<f64>,
    known: Vec<bool>,
}

impl Asked {
    fn read(queries: &Table, names: &[&str]) -> Result<Self> {
        let place = |name: &&str| queries.names().iter().position(|n| n == name);
        // Tables without names go by the order of their columns.
        let places: Vec<Option<usize>> = if queries.is_named() {
            names.iter().map(place).collect()
        } else {
            (0..names.len())
                .map(|c| (c < queries.names().len()).then_some(c))
                .collect()
        };
        let there: Vec<usize> = places.iter().flatten().copied().collect();
        if there.is_empty() {
            return Err(Error::data(format!(
                "{} has none of the patterns' columns {}; give it at least one of them",
                queries.origin(),
                names.join(", ")
            )));
        }
        let cells = queries.numbers_with_gaps(&there, "--columns")?;
        let mut out = Self {
            states: Vec::with_capacity(queries.rows() * names.len()),
            known: Vec::with_capacity(queries.rows() * names.len()),
        };
        for (row, cells) in cells.chunks(there.len()).enumerate() {
            if cells.iter().all(|x| x.is_nan()) {
                return Err(Error::data(format!(
                    "{}: no cell of the patterns' columns is known; fill one in, or remove the row",
                    queries.place(row)
                )));
            }
            let mut cells = cells.iter();
            for place in &places {
                let cell = place.and_then(|_| cells.next().copied());
                let cell = cell.filter(|x| !x.is_nan());
                out.states.push(cell.unwrap_or(0.0));
                out.known.push(cell.is_some());
            }
        }
        Ok(out)
    }
}

/// Rows that no pattern has a weight at cannot be recalled.
fn refuse_lost(found: &Recall<f64>, queries: &Table) -> Result<()> {
    match found.lost.first() {
        None => Ok(()),
        Some(&row) => Err(Error::data(format!(
            "{}: no pattern has a weight there; widen the kernel, or choose one without an edge",
            queries.place(row)
        ))),
    }
}

//! `locality label`.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use locality::labeling::{Affinity, Graph, LabelPropagation, RelaxationLabeling, Step};
use locality::{Kernel, Rows, Watch};
use serde_json::json;

use super::cluster::Scaling;
use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality label`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality label flowers.csv --label species -o labelled.csv --standardize
  locality label digits.csv --label digit -o labelled.csv --method propagation --neighbors 10
  locality label points.csv --label kind -o labelled.csv --kernel \"gaussian(h=0.2)\" --alpha 0.8

Rows whose label is empty get one from the rows around them. The output has two more columns, NAME_label and NAME_confidence.")]
pub(crate) struct Args {
    /// The table: .csv or .tsv, or - for CSV on standard input
    table: PathBuf,

    /// The column of labels, words or numbers; empty where the label is unknown
    #[arg(long, value_name = "COLUMN")]
    label: String,

    /// Where to write the table with its new columns; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns by which rows are near, names or numbers counted from 0 [default: every column of numbers but the label]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// How labels spread: spreading, known labels give way where all around disagree; propagation, known labels are held fast;
    /// relaxation, each row's labels grow by the support of its neighbours
    #[arg(long, value_enum, default_value = "spreading")]
    method: Method,

    /// How many rows a row hears: the nearest, itself being one of them, as scikit-learn counts
    #[arg(long, value_name = "K", default_value_t = 7)]
    neighbors: usize,

    /// Hear all rows under this kernel instead, such as 'gaussian(h=0.2)'; not for relaxation
    #[arg(long, value_name = "KERNEL", conflicts_with = "neighbors")]
    kernel: Option<Kernel>,

    /// For spreading: the share of a label that comes from the neighbours, above 0 and below 1 [default: 0.2]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    alpha: Option<f64>,

    /// Most rounds
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_iter: usize,

    /// Measure distance by (x - mean) / standard deviation of each column
    #[arg(long)]
    standardize: bool,

    #[command(flatten)]
    options: Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    Spreading,
    Propagation,
    Relaxation,
}

/// The library's parameters under the tool's names.
const FLAGS: &[(&str, &str)] = &[
    ("n_neighbors=", "--neighbors "),
    ("the number of samples, n_samples=", "the number of rows, "),
    ("alpha=", "--alpha "),
    ("max_iter=", "--max-iter "),
];

/// A distribution for each row.
struct Found {
    distributions: Vec<f64>,
    rounds: usize,
    settled: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    if args.alpha.is_some() && args.method != Method::Spreading {
        return Err(Error::usage(
            "--alpha is for --method spreading; propagation and relaxation hold known labels fast; leave it out",
        ));
    }
    let table = Table::read(&args.table, &args.options)?;
    let label = table.find(std::slice::from_ref(&args.label), "--label")?[0];
    let (known, classes) = labels(&table, label)?;
    let columns = columns(args, &table, label)?;
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let raw = table.numbers(&columns, "--columns")?;
    let scaled = Scaling::of(&raw, &names, args.standardize)?.apply(&raw);
    let rows = Rows::new(&scaled, table.rows(), columns.len())?;
    let start = Instant::now();
    let found = context
        .watched("spreading labels", |watch| {
            spread(args, rows, &known, classes.len(), watch)
        })
        .map_err(|e| e.in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();

    let (words, confidence) = likeliest(&found.distributions, &classes);
    let unreached = confidence.iter().filter(|c| **c == 0.0).count();
    let name = &table.names()[label];
    let added = vec![
        (format!("{name}_label"), Column::Words(words)),
        (format!("{name}_confidence"), Column::Real(confidence)),
    ];
    if let Some((name, _)) = added.iter().find(|(name, _)| table.names().contains(name)) {
        return Err(Error::usage(format!(
            "{} already has a column '{name}'; rename it there",
            table.origin()
        )));
    }
    output::write(&args.output, &table.encode(&added, format)?)?;
    let given = known.iter().flatten().count();
    let object = json!({
        "command": "label",
        "input": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "known": given,
        "classes": classes,
        "columns": names,
        "method": format!("{:?}", args.method).to_lowercase(),
        "rounds": found.rounds,
        "settled": found.settled,
        "unreached": unreached,
        "seconds": seconds,
    });
    let mut text = format!(
        "{} of {} by {} known, {}: {} in {seconds:.3} s\n",
        count(table.rows(), "row"),
        table.origin(),
        given,
        count(classes.len(), "class").replace("classs", "classes"),
        count(found.rounds, "round"),
    );
    if !found.settled {
        let _ = writeln!(text, "note: not at rest yet; raise --max-iter");
    }
    if unreached > 0 {
        let _ = writeln!(
            text,
            "note: no label reached {}, whose label stays empty; raise --neighbors",
            count(unreached, "row")
        );
    }
    context.summary(&text, &object, stdout_taken)
}

/// The label of each row by number, none where it is empty, and the labels.
fn labels(table: &Table, column: usize) -> Result<(Vec<Option<usize>>, Vec<String>)> {
    let numeric = table.is_numeric(column);
    let word = |row: usize| {
        if table.is_gap(row, column, numeric) {
            return String::new();
        }
        let cell = table.cell(row, column);
        String::from_utf8_lossy(cell.trim_ascii()).into_owned()
    };
    let words: Vec<String> = (0..table.rows()).map(word).collect();
    let mut classes: Vec<String> = words.iter().filter(|w| !w.is_empty()).cloned().collect();
    classes.sort_unstable();
    classes.dedup();
    if classes.len() < 2 {
        return Err(Error::data(format!(
            "{}: column '{}' has {}; at least two different ones are needed, and rows without one",
            table.origin(),
            table.names()[column],
            count(classes.len(), "label")
        )));
    }
    let number = |w: &String| {
        let at = classes.partition_point(|c| c < w);
        (!w.is_empty()).then_some(at)
    };
    Ok((words.iter().map(number).collect(), classes))
}

fn columns(args: &Args, table: &Table, label: usize) -> Result<Vec<usize>> {
    let columns = if let Some(wanted) = &args.columns {
        table.find(wanted, "--columns")?
    } else {
        let mut numeric = table.numeric_columns()?;
        numeric.retain(|c| *c != label);
        numeric
    };
    if columns.is_empty() {
        return Err(Error::data(format!(
            "{} has no column of numbers besides the label; rows are near by numbers",
            table.origin()
        )));
    }
    Ok(columns)
}

fn spread(
    args: &Args,
    rows: Rows<'_, f64>,
    known: &[Option<usize>],
    k: usize,
    watch: &Watch<'_>,
) -> Result<Found> {
    if args.method == Method::Relaxation {
        return relax(args, rows, known, k, watch);
    }
    let affinity = match &args.kernel {
        Some(kernel) => Affinity::Kernel(kernel.clone()),
        None => Affinity::Nearest { k: args.neighbors },
    };
    let method = if args.method == Method::Spreading {
        LabelPropagation::spreading(affinity, args.alpha.unwrap_or(0.2))
    } else {
        LabelPropagation::propagation(affinity)
    };
    let fit = method.max_iter(args.max_iter).fit(rows, known, k, watch)?;
    Ok(Found {
        distributions: fit.distributions().to_vec(),
        rounds: fit.n_iter(),
        settled: fit.converged(),
    })
}

/// Known labels are held fast; rows that none of them reaches stay without one.
fn relax(
    args: &Args,
    rows: Rows<'_, f64>,
    known: &[Option<usize>],
    k: usize,
    watch: &Watch<'_>,
) -> Result<Found> {
    if args.kernel.is_some() {
        return Err(Error::usage(
            "--kernel is for spreading and propagation; relaxation hears --neighbors",
        ));
    }
    let same: Vec<f64> = (0..k * k)
        .map(|i| f64::from(u8::from(i / k == i % k)))
        .collect();
    // The graph does not count the row itself, which the other methods do.
    if args.neighbors < 2 || args.neighbors > rows.rows() {
        return Err(Error::usage(format!(
            "--neighbors {} must lie between 2 and the number of rows, {}: a row hears itself and at least one other",
            args.neighbors,
            rows.rows()
        )));
    }
    let graph = Graph::nearest(rows, args.neighbors - 1, None, watch)?.symmetric();
    let found = RelaxationLabeling::new(Step::Product)
        .max_iter(args.max_iter)
        .tol(1e-3)
        .run_known(&graph, &same, known, k, f64::INFINITY, watch)?;
    let mut distributions = found.distributions;
    let given: Vec<bool> = known.iter().map(Option::is_some).collect();
    for (row, reached) in distributions
        .chunks_exact_mut(k)
        .zip(graph.reached(&given)?)
    {
        if !reached {
            row.fill(0.0);
        }
    }
    Ok(Found {
        rounds: found.consistency.len() - 1,
        settled: found.settled,
        distributions,
    })
}

/// The likeliest label of each row and its probability; empty and 0 where no label arrived.
fn likeliest(distributions: &[f64], classes: &[String]) -> (Vec<String>, Vec<f64>) {
    let rows = distributions.chunks_exact(classes.len());
    let best = |row: &[f64]| {
        let at = (1..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best });
        if row[at] > 0.0 {
            (classes[at].clone(), row[at])
        } else {
            (String::new(), 0.0)
        }
    };
    rows.map(best).unzip()
}

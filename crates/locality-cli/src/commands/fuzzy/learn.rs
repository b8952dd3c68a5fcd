//! `locality fuzzy learn`.

use std::fmt::Write;
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
  locality fuzzy learn fuel.csv --target mpg --bandwidth 0.15 -o rules.toml
  locality fuzzy learn iris.csv --target species -o rules.toml

A target of words is told by an output for each word, called TARGET_WORD: near 1 for rows of that word, near 0 for others.")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// The column that the rules shall tell: numbers, or at most 50 different words
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
    if table.rows() < 2 {
        return Err(Error::data(format!(
            "{} has {}; rules are learned from at least 2",
            table.origin(),
            count(table.rows(), "row")
        )));
    }
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
    let told = Told::read(&table, target)?;
    if let Some(&c) = columns.iter().find(|c| !table.is_numeric(**c)) {
        return Err(Error::data(format!(
            "{}: column '{}' holds words, which rules do not compare; leave it out, or put a column of 0 and 1 for each word in its place",
            table.origin(),
            table.names()[c]
        )));
    }
    let x = table.numbers(&columns, "--columns")?;
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
    let learned = context
        .watched("learning", |watch| {
            let targets = Rows::new(&told.values, table.rows(), told.names.len())?;
            model.fit(rows, targets, &names, &told.names, watch)
        })
        .map_err(|e: locality::Error| Error::from(e).in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();
    let system = learned.system();
    let mut files = Outputs::default();
    files.add(&args.output, system.to_toml().as_bytes())?;
    files.commit()?;
    let values = context.watched("evaluating", |watch| system.evaluate(rows, watch))?;
    let right = told.right(&values);
    let share = told.explained(&values);
    let object = json!({
        "command": "fuzzy learn",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "columns": names,
        "target": table.names()[target],
        "classes": told.classes,
        "rules": system.rules().len(),
        "pruned": learned.pruned(),
        "clusters_beyond": learned.beyond(),
        "ridge": learned.ridge(),
        "rmse": learned.error(),
        "r2": share,
        "accuracy": right,
        "history": learned.history(),
        "seconds": seconds,
    });
    let good = match right {
        Some(right) => format!("{:.1} % of these rows are told right", 100.0 * right),
        None => format!(
            "error on these rows {}, R2 {}",
            round(learned.error()),
            round(share)
        ),
    };
    let mut words = format!(
        "{} for '{}' from {} in {} ({} left out) in {seconds:.3} s\n{good}\n",
        count(system.rules().len(), "rule"),
        table.names()[target],
        count(table.rows(), "row"),
        table.origin(),
        learned.pruned(),
    );
    for rule in system.rules() {
        let _ = writeln!(words, "{}", rule.told(system));
    }
    if learned.beyond() > 0 {
        let flag = args.radius.map_or("--bandwidth", |_| "--radius");
        let _ = writeln!(
            words,
            "note: there were {} more than {} can tell rules, and the greatest became rules; raise {flag}",
            count(learned.beyond(), "cluster"),
            count(table.rows(), "row"),
        );
    }
    context.summary(&words, &object, stdout_taken)
}

/// Names of parameters, and the flags they are given by.
const FLAGS: &[(&str, &str)] = &[
    ("rules=", "--rules "),
    ("radius=", "--radius "),
    ("bandwidth=", "--bandwidth "),
    ("order=", "--order "),
    ("samples, n_samples =", "rows,"),
];

/// More words than rules can tell apart by an output for each.
const MOST_WORDS: usize = 50;

/// What the rules shall tell.
struct Told {
    /// Names of the outputs.
    names: Vec<String>,
    /// The words of a target of words.
    classes: Option<Vec<String>>,
    /// `[rows, outputs]`
    values: Vec<f64>,
}

impl Told {
    fn read(table: &Table, target: usize) -> Result<Self> {
        let name = &table.names()[target];
        if table.is_numeric(target) {
            return Ok(Self {
                names: vec![name.clone()],
                classes: None,
                values: table.numbers(&[target], "--target")?,
            });
        }
        let mut words = Vec::with_capacity(table.rows());
        for row in 0..table.rows() {
            if table.is_gap(row, target, false) {
                return Err(Error::data(format!(
                    "{}: the cell of '{name}' is empty; remove the row, or fill the word in",
                    table.place(row)
                )));
            }
            let cell = table.cell(row, target);
            words.push(String::from_utf8_lossy(cell.trim_ascii()).into_owned());
        }
        let mut classes = words.clone();
        classes.sort_unstable();
        classes.dedup();
        if !(2..=MOST_WORDS).contains(&classes.len()) {
            return Err(Error::data(format!(
                "{}: column '{name}' holds {}; --target needs numbers, or from 2 to {MOST_WORDS} different words",
                table.origin(),
                count(classes.len(), "different word"),
            )));
        }
        let cells = words.iter().flat_map(|w| {
            let each = classes.iter();
            each.map(move |c| f64::from(u8::from(c == w)))
        });
        Ok(Self {
            values: cells.collect(),
            names: classes.iter().map(|c| format!("{name}_{c}")).collect(),
            classes: Some(classes),
        })
    }

    /// The share of rows whose word has the highest output; nothing for numbers.
    fn right(&self, values: &[f64]) -> Option<f64> {
        let k = self.classes.as_ref()?.len();
        let rows = values.chunks_exact(k).zip(self.values.chunks_exact(k));
        let best =
            |row: &[f64]| (1..k).fold(0, |best, j| if row[j] > row[best] { j } else { best });
        let right = rows.filter(|(found, own)| best(found) == best(own)).count();
        Some(right as f64 / (values.len() / k) as f64)
    }

    /// The share of the squares that the rules explain, over all outputs.
    fn explained(&self, values: &[f64]) -> f64 {
        let k = self.names.len();
        let (mut left, mut all) = (0.0, 0.0);
        for o in 0..k {
            let own: Vec<f64> = self.values.iter().skip(o).step_by(k).copied().collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            let found = values.iter().skip(o).step_by(k);
            left += own
                .iter()
                .zip(found)
                .map(|(y, f)| (y - f).powi(2))
                .sum::<f64>();
            all += own.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
        }
        1.0 - left / all
    }
}

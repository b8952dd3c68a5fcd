//! `locality fit`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::model::About;
use locality::{Kernel, Rows, Watch};
use serde_json::json;

use super::cluster::round;
use super::{count, mean};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::models::{
    Bandwidth, Columns, Fitted, Missing, Model, Predictions, Recipe, Target, Task,
};
use crate::output::{self, is_standard};
use crate::plot;
use crate::scores::Score;
use crate::table::{Options, Table};

/// What is to be learned from a table.
#[derive(clap::Args, Debug)]
pub(super) struct Problem {
    /// The table of known rows: .csv, .tsv or .npy, or - for CSV on standard input
    pub(super) table: PathBuf,

    /// The column to predict, a name or a number counted from 0
    #[arg(long, value_name = "Y")]
    pub(super) target: String,

    /// Columns to predict by [default: all others]. A column of words becomes a column of zeros and ones for each word
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(super) features: Option<Vec<String>>,

    /// Regression or classification [default: classification for words, and for a few whole numbers that come again and again unless the
    /// model is for regression]
    #[arg(long, value_name = "TASK", hide_possible_values = true)]
    pub(super) task: Option<Task>,

    /// Column of sample weights, which must not be negative
    #[arg(long, value_name = "W")]
    pub(super) weights: Option<String>,

    /// What becomes of rows with empty cells: error; mean, the column's mean, of words the share of each; indicator, the same
    /// and a column that tells it; drop, the row is left out. Predictions fill in likewise
    #[arg(
        long,
        value_name = "error|mean|indicator|drop",
        default_value = "error",
        hide_possible_values = true
    )]
    pub(super) missing: Missing,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Flags of `locality fit`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality fit houses.csv --target price -o price.loc
  locality fit iris.csv --target target -o iris.loc
  locality fit visits.csv --target count --model poisson --features age,dose --bandwidth 0.5 -o visits.loc
  locality fit cars.csv --target speed --features dist -o speed.loc --plot speed.png
  locality fit houses.csv --target price --missing mean -o price.loc

Bandwidths are in standard deviations of the columns, unless --no-standardize is given. --plot draws the fit with its band over one
column, probabilities over one column for classes, else leave-one-out residuals, or how often classes are right at the
probabilities given for them.")]
pub(crate) struct Args {
    #[command(flatten)]
    problem: Problem,

    /// The model
    #[arg(long, value_name = "MODEL", default_value = "auto")]
    model: Model,

    /// How near counts how much, such as gaussian or tricube; see `locality kernels` [default: gaussian]
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,

    /// How wide the kernel is: auto, by leave-one-out; a number; or knn=K, the distance to the K-th nearest row
    #[arg(long, value_name = "auto|H|knn=K", default_value = "auto")]
    bandwidth: Bandwidth,

    /// Do not divide columns by their standard deviations
    #[arg(long)]
    no_standardize: bool,

    /// Where to write the model; its name usually ends in .loc
    #[arg(short, long, value_name = "M.loc")]
    output: PathBuf,

    /// Draw the fit into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,
}

/// A table as numbers.
pub(super) struct Known {
    pub(super) columns: Columns,
    pub(super) numbers: Vec<f64>,
    pub(super) target: Target,
    pub(super) target_name: String,
    /// Why the target was taken as it was.
    pub(super) why: String,
    pub(super) weights: Option<Vec<f64>>,
    /// How many rows were left out, since something is missing there.
    pub(super) dropped: usize,
}

impl Known {
    /// As a model needs it.
    pub(super) fn read(problem: &Problem, model: Model) -> Result<Self> {
        let mut table = Table::read(&problem.table, &problem.options)?;
        let one = |name: &String, flag: &str| {
            let found = table.find(std::slice::from_ref(name), flag)?;
            Ok::<usize, Error>(found[0])
        };
        let y = one(&problem.target, "--target")?;
        let w = problem
            .weights
            .as_ref()
            .map(|w| one(w, "--weights"))
            .transpose()?;
        let places = match &problem.features {
            Some(names) => table.find(names, "--features")?,
            None => (0..table.names().len())
                .filter(|c| *c != y && Some(*c) != w)
                .collect(),
        };
        if places.contains(&y) {
            return Err(Error::usage(format!(
                "--features and --target both name '{}'; predict a column from others",
                table.names()[y]
            )));
        }
        if places.is_empty() {
            return Err(Error::data(format!(
                "{} has no column besides the target '{}' to predict by",
                table.origin(),
                table.names()[y]
            )));
        }
        let all: Vec<usize> = places.iter().copied().chain([y]).chain(w).collect();
        let before = table.rows();
        if problem.missing == Missing::Drop {
            table.drop_gaps(&all)?;
        }
        let helped = |e: Error| match problem.missing {
            // What is not known of the target cannot be filled in.
            _ if table.has_gaps(&[y]) => e.remedy("or choose --missing drop"),
            Missing::Error if table.has_gaps(&all) => {
                e.remedy("or choose --missing mean, indicator or drop")
            }
            _ => e,
        };
        let (target, why) = Target::read(&table, y, problem.task, model).map_err(helped)?;
        let columns = Columns::of(&table, &places, problem.missing).map_err(helped)?;
        Ok(Self {
            numbers: columns.encode(&table, &places).map_err(helped)?,
            columns,
            dropped: before - table.rows(),
            target,
            target_name: table.names()[y].clone(),
            why,
            weights: w
                .map(|w| mean::weights(&table, &[w], "--weights"))
                .transpose()?,
        })
    }

    pub(super) fn rows(&self) -> Result<Rows<'_, f64>> {
        let d = self.columns.expanded().len();
        Ok(Rows::new(&self.numbers, self.numbers.len() / d, d)?)
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.plot.as_deref());
    output::check(&outputs)?;
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
    }
    let taken = outputs.iter().any(|p| is_standard(p));
    context.json_needs_stdout(taken)?;
    let known = Known::read(&args.problem, args.model)?;
    let task = known.target.task();
    let names = known.columns.expanded();
    let kernel = args.kernel.as_ref().map(|k| k.with_columns(&names));
    let recipe = Recipe {
        model: args.model,
        kernel: kernel
            .transpose()
            .map_err(|e| Error::from(e).context("--kernel"))?,
        bandwidth: args.bandwidth,
        standardize: !args.no_standardize,
    };
    recipe.check(task, known.weights.is_some())?;
    let x = known.rows()?;
    let weights = known.weights.as_deref();
    if let Some(advice) = recipe.advice(x, &known.target)
        && !context.quiet
    {
        let _ = writeln!(std::io::stderr(), "note: {advice}");
    }
    let start = Instant::now();
    let work = |watch: &Watch<'_>| {
        let fitted = recipe.fit(x, &known.target, weights, watch)?;
        let left_out = fitted.leave_one_out(x, &known.target, weights, watch)?;
        Ok((fitted, left_out))
    };
    let (fitted, left_out) = context.watched("fit", work).map_err(named)?;
    let seconds = start.elapsed().as_secs_f64();
    let score = left_out.as_ref().and_then(|l| l.score(&known.target));
    let figures = score.map_or_else(Vec::new, Score::figures);
    let about = About {
        features: known.columns.described(),
        target: Some(known.target_name.clone()),
        classes: known.target.names().to_vec(),
        scores: figures
            .iter()
            .map(|(k, v)| (format!("loo_{k}"), *v))
            .collect(),
        ..About::default()
    };
    let file = known.columns.keep(fitted.pack()?.with_about(about))?;
    let bytes = file.to_bytes()?;
    let mut files = output::Outputs::default();
    files.add(&args.output, &bytes)?;
    if let Some(path) = &args.plot {
        let scene = context.watched("plot", |watch| {
            draw(&known, &fitted, left_out.as_ref(), watch)
        })?;
        files.add(path, &plot::encode(&scene, path)?)?;
    }
    files.commit()?;
    let shown: Vec<String> = figures
        .iter()
        .map(|(k, v)| format!("{k} {}", round(*v)))
        .collect();
    let shown = if shown.is_empty() {
        "not measured".to_owned()
    } else {
        shown.join(", ")
    };
    let words = format!(
        "{} of {} ({}) from {}: {}{} by {}\nfitted in {seconds:.3} s: {}, {}\nleave-one-out: {shown}\n",
        task.name(),
        known.target_name,
        known.why,
        args.problem.table.display(),
        count(x.rows(), "row"),
        without_gaps(known.dropped),
        count(x.columns(), "column"),
        fitted.title(),
        fitted.nearness(),
    );
    let scores: serde_json::Map<String, serde_json::Value> = figures
        .iter()
        .map(|(k, v)| ((*k).to_owned(), json!(v)))
        .collect();
    let object = json!({
        "command": "fit",
        "rows": x.rows(),
        "dropped": known.dropped,
        "columns": names,
        "target": known.target_name,
        "task": task.name(),
        "inferred": known.why,
        "model": fitted.title(),
        "kernel": fitted.kernel().map(ToString::to_string),
        "nearness": fitted.nearness(),
        "leave_one_out": scores,
        "output": args.output.display().to_string(),
        "bytes": bytes.len(),
        "seconds": seconds,
    });
    context.summary(&words, &object, taken)
}

/// How many rows say too little, in words.
pub(super) fn without_gaps(dropped: usize) -> String {
    match dropped {
        0 => String::new(),
        n => format!(" ({n} with missing values left out)"),
    }
}

/// The library's arguments by the names of the flags.
pub(super) fn named(error: locality::Error) -> Error {
    let text = error.to_string();
    for (own, flag) in [
        ("responses has", "the target has"),
        ("samples has no rows", "the table has no rows"),
        ("bandwidth:", "--bandwidth:"),
    ] {
        if text.starts_with(own) {
            return Error::data(text.replacen(own, flag, 1));
        }
    }
    error.into()
}

fn draw(
    known: &Known,
    fitted: &Fitted,
    left_out: Option<&Predictions>,
    watch: &Watch<'_>,
) -> Result<plot::Scene> {
    let x = known.rows()?;
    let names = known.columns.expanded();
    let target = &known.target_name;
    let single = match (&names[..], known.columns.features()) {
        ([name], [feature]) if feature.levels.is_none() => Some(name),
        _ => None,
    };
    if let Some(name) = single {
        let (low, high) = known
            .numbers
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
                (a.min(*x), b.max(*x))
            });
        let grid: Vec<f64> = (0..=240)
            .map(|i| low + (high - low) * f64::from(i) / 240.0)
            .collect();
        let found = fitted.predict(Rows::column(&grid), watch)?;
        return match (&known.target, &found) {
            (Target::Numbers(y), Predictions::Numbers(line)) => {
                let band = match fitted {
                    Fitted::Regression(fit) => {
                        let found = fit.intervals(Rows::column(&grid), 0.9, watch)?;
                        let ends = found.lower.into_iter().zip(found.upper);
                        grid.iter()
                            .zip(ends)
                            .map(|(x, (l, u))| [*x, l, u])
                            .collect()
                    }
                    _ => Vec::new(),
                };
                let points: Vec<[f64; 2]> =
                    known.numbers.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
                let line: Vec<[f64; 2]> = grid.iter().zip(line).map(|(x, y)| [*x, *y]).collect();
                plot::draw_band(
                    &format!("{target} by {name}"),
                    [name, target],
                    &points,
                    (&band, "holds 90 % of new observations"),
                    &line,
                    &fitted.title(),
                )
            }
            (Target::Classes(codes, classes), Predictions::Shares(shares, k)) => {
                let curve = |c: usize| plot::Curve {
                    name: classes[c].to_string(),
                    points: grid
                        .iter()
                        .zip(shares.iter().skip(c).step_by(*k))
                        .map(|(x, p)| [*x, *p])
                        .collect(),
                };
                let right =
                    |(x, c): (&f64, &usize)| [*x, if *k == 2 && *c == 0 { 0.0 } else { 1.0 }];
                let points: Vec<[f64; 2]> = known.numbers.iter().zip(codes).map(right).collect();
                let curves: Vec<plot::Curve> = (usize::from(*k == 2)..*k).map(curve).collect();
                plot::draw_lines(
                    &format!("Probability of each {target} by {name}"),
                    [name, "probability"],
                    if *k == 2 { &points } else { &[] },
                    &curves,
                )
            }
            _ => Err(Error::data("the model does not fit its own target")),
        };
    }
    let own;
    let (found, how) = if let Some(found) = left_out {
        (found, "leave-one-out")
    } else {
        own = fitted.predict(x, watch)?;
        (&own, "fitted")
    };
    quality(&known.target, target, found, how)
}

/// Residuals of numbers, calibration of classes.
pub(super) fn quality(
    target: &Target,
    name: &str,
    found: &Predictions,
    how: &str,
) -> Result<plot::Scene> {
    match (target, found) {
        (Target::Numbers(y), Predictions::Numbers(found)) => {
            let pairs: Vec<[f64; 2]> = found.iter().zip(y).map(|(f, y)| [*f, y - f]).collect();
            plot::draw_residuals(
                &format!("Residuals of {name}, {how}"),
                [&format!("predicted {name}"), "residual"],
                &pairs,
            )
        }
        (Target::Classes(codes, classes), Predictions::Shares(shares, k)) => {
            let names: Vec<String> = classes.iter().map(ToString::to_string).collect();
            Ok(plot::draw_calibration(
                &format!("Calibration of {name}, {how}"),
                &names,
                codes,
                shares,
                *k,
            ))
        }
        _ => Err(Error::data("the model does not fit its target")),
    }
}

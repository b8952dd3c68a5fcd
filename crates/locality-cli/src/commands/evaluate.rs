//! `locality evaluate`.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use locality::{Kernel, Rows, Watch};
use serde_json::{Value, json};

use super::cluster::round;
use super::count;
use super::fit::{Known, Problem, named, quality, without_gaps};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::models::{Bandwidth, Model, Predictions, Recipe, Target, Task};
use crate::output;
use crate::plot;

/// A kernel so wide, in standard deviations, that every row counts alike: the local model is the global one.
const GLOBAL: f64 = 1e6;

/// Flags of `locality evaluate`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality evaluate houses.csv --target price
  locality evaluate iris.csv --target target --cv 10 --seed 1 --plot calibration.png
  locality evaluate houses.csv --target price --kernel \"tricube(knn=40)\"

Each row is predicted once, by models made of the other folds; bandwidths are searched anew in each. Figures are means over the folds, with
their standard errors; the best model is marked. What --missing fills in comes from all rows. --plot draws the residuals of the best model, or how often classes are right
at the probabilities given for them.")]
pub(crate) struct Args {
    #[command(flatten)]
    problem: Problem,

    /// How many folds
    #[arg(long, value_name = "FOLDS", default_value_t = 5)]
    cv: usize,

    /// Of the random folds
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// How near counts how much in the local models, as of `locality fit`; a bandwidth that it names is kept in all folds [default: gaussian]
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,

    /// Draw how good the best model is into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,
}

/// One who predicts.
enum Contestant {
    Baseline,
    Recipe(Recipe),
}

/// Figures of one contestant: of each fold, and the predictions of all rows.
struct Outcome {
    name: &'static str,
    /// `[folds][figures]`
    folds: Vec<Vec<(&'static str, f64)>>,
    found: Predictions,
    loss: f64,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
        output::check(&[path.as_path()])?;
        if output::is_standard(path) {
            return Err(Error::usage(
                "--plot - would mix a picture into the table on standard output; name a file",
            ));
        }
    }
    if args.cv < 2 {
        return Err(Error::usage(format!(
            "--cv {} must be at least 2; rows are predicted by those of other folds",
            args.cv
        )));
    }
    let known = Known::read(&args.problem, Model::Auto)?;
    let x = known.rows()?;
    let n = x.rows();
    if n < 2 * args.cv {
        return Err(Error::data(format!(
            "{} has {}, too few for --cv {}; give at least two for each fold",
            args.problem.table.display(),
            count(n, "row"),
            args.cv
        )));
    }
    let folds = folds(&known.target, n, args.cv, args.seed);
    let task = known.target.task();
    let kernel = args
        .kernel
        .as_ref()
        .map(|k| k.with_columns(&known.columns.expanded()));
    let kernel = kernel
        .transpose()
        .map_err(|e| Error::from(e).context("--kernel"))?;
    let start = Instant::now();
    let mut results = Vec::new();
    for (name, contestant) in contestants(task, known.weights.is_some(), kernel.as_ref()) {
        Context::check()?;
        let result = context
            .watched(name, |watch| {
                compete(name, &contestant, &known, x, &folds, watch)
            })
            .map_err(named)?;
        results.push(result);
    }
    let seconds = start.elapsed().as_secs_f64();
    let best = (0..results.len()).fold(0, |b, i| {
        if results[i].loss < results[b].loss {
            i
        } else {
            b
        }
    });
    if let Some(path) = &args.plot {
        let how = format!("{}, by cross-validation", results[best].name);
        let scene = quality(
            &known.target,
            &known.target_name,
            &results[best].found,
            &how,
        )?;
        output::write(path, &plot::encode(&scene, path)?)?;
    }
    let head = format!(
        "{} of {} ({}) by {}, {}{} in {} folds\n\n",
        task.name(),
        known.target_name,
        known.why,
        count(x.columns(), "column"),
        count(n, "row"),
        without_gaps(known.dropped),
        args.cv,
    );
    let words = format!(
        "{head}{}\nbest: {}; {seconds:.1} s\n",
        aligned(&results, best),
        results[best].name
    );
    let object = json!({
        "command": "evaluate",
        "task": task.name(),
        "target": known.target_name,
        "inferred": known.why,
        "rows": n,
        "folds": args.cv,
        "seed": args.seed,
        "best": results[best].name,
        "models": results.iter().map(object).collect::<Vec<Value>>(),
        "seconds": seconds,
    });
    context.summary(&words, &object, false)
}

fn contestants(
    task: Task,
    weighted: bool,
    kernel: Option<&Kernel>,
) -> Vec<(&'static str, Contestant)> {
    let recipe = |model| {
        // Rows that count alike, and a kernel that is learned, are none of those that are named.
        let named = match model {
            Model::Knn => None,
            #[cfg(feature = "learn")]
            Model::Adaptive => None,
            _ => kernel.cloned(),
        };
        Contestant::Recipe(Recipe {
            kernel: named,
            ..Recipe::of(model)
        })
    };
    let global = |model| -> Contestant {
        Contestant::Recipe(Recipe {
            kernel: Some(Kernel::gaussian(GLOBAL)),
            bandwidth: Bandwidth::Auto,
            ..Recipe::of(model)
        })
    };
    let mut all = match task {
        Task::Regression => vec![
            ("mean of all rows", Contestant::Baseline),
            ("global linear", global(Model::LocalLinear)),
            ("local mean", recipe(Model::Mean)),
            ("local linear", recipe(Model::LocalLinear)),
            ("local quadratic", recipe(Model::LocalQuadratic)),
            ("auto", recipe(Model::Auto)),
        ],
        Task::Classification => vec![
            ("most frequent class", Contestant::Baseline),
            ("global logistic", global(Model::Logistic)),
            ("kernel classifier (Parzen)", recipe(Model::Mean)),
            ("local logistic", recipe(Model::Logistic)),
        ],
    };
    if !weighted {
        all.push(("k nearest", recipe(Model::Knn)));
        #[cfg(feature = "learn")]
        all.push(("adaptive kernel", recipe(Model::Adaptive)));
    }
    all
}

/// The fold of each row; classes are spread evenly.
fn folds(target: &Target, n: usize, k: usize, seed: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut next = || {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let keys: Vec<u64> = (0..n).map(|_| next()).collect();
    let class = |i: usize| match target {
        Target::Numbers(_) => 0,
        Target::Classes(codes, _) => codes[i],
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (class(i), keys[i], i));
    let mut out = vec![0; n];
    for (place, i) in order.into_iter().enumerate() {
        out[i] = place % k;
    }
    out
}

fn compete(
    name: &'static str,
    contestant: &Contestant,
    known: &Known,
    x: Rows<'_, f64>,
    folds: &[usize],
    watch: &Watch<'_>,
) -> locality::Result<Outcome> {
    let (n, d) = (x.rows(), x.columns());
    let k = known.target.names().len().max(1);
    let mut all = vec![0.0; n * k];
    let mut figures = Vec::new();
    let mut losses = Vec::new();
    let count = folds.iter().max().map_or(0, |m| m + 1);
    let gather = |rows: &[usize]| {
        rows.iter()
            .flat_map(|&i| x.row(i).iter().copied())
            .collect::<Vec<f64>>()
    };
    for fold in 0..count {
        watch.check()?;
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| folds[*i] == fold);
        let (train, test) = (gather(&outside), gather(&inside));
        let (train, test) = (
            Rows::new(&train, outside.len(), d)?,
            Rows::new(&test, inside.len(), d)?,
        );
        let weights: Option<Vec<f64>> = known
            .weights
            .as_ref()
            .map(|w| outside.iter().map(|&i| w[i]).collect());
        let target = known.target.some(&outside);
        let found = match contestant {
            Contestant::Baseline => baseline(&target, weights.as_deref(), inside.len()),
            Contestant::Recipe(recipe) => recipe
                .fit(train, &target, weights.as_deref(), &watch.quiet())?
                .predict(test, &watch.quiet())?,
        };
        let found = widened(found, &target, k);
        let numbers = match &found {
            Predictions::Numbers(y) | Predictions::Several(y, _) => y,
            Predictions::Shares(shares, _) => shares,
        };
        for (row, own) in inside.iter().zip(numbers.chunks_exact(k)) {
            all[row * k..][..k].copy_from_slice(own);
        }
        if let Some(score) = found.score(&known.target.some(&inside)) {
            figures.push(score.figures());
            losses.push(score.loss());
        }
        watch.report(fold + 1, count);
    }
    Ok(Outcome {
        name,
        folds: figures,
        found: match known.target {
            Target::Numbers(_) => Predictions::Numbers(all),
            Target::Classes(..) => Predictions::Shares(all, k),
        },
        loss: losses.iter().sum::<f64>() / losses.len() as f64,
    })
}

/// Shares of all classes, where a model knows only those that it was shown.
fn widened(found: Predictions, shown: &Target, k: usize) -> Predictions {
    let (Predictions::Shares(shares, few), Target::Classes(codes, _)) = (&found, shown) else {
        return found;
    };
    if *few == k {
        return found;
    }
    let mut known = codes.clone();
    known.sort_unstable();
    known.dedup();
    let mut all = vec![0.0; shares.len() / few * k];
    for (own, wide) in shares.chunks_exact(*few).zip(all.chunks_exact_mut(k)) {
        for (p, c) in own.iter().zip(&known) {
            wide[*c] = *p;
        }
    }
    Predictions::Shares(all, k)
}

/// The mean, or the shares of the classes.
fn baseline(target: &Target, weights: Option<&[f64]>, m: usize) -> Predictions {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    match target {
        Target::Numbers(y) => {
            let total: f64 = (0..y.len()).map(weight).sum();
            let mean = y
                .iter()
                .enumerate()
                .map(|(i, y)| weight(i) * y / total)
                .sum();
            Predictions::Numbers(vec![mean; m])
        }
        Target::Classes(codes, classes) => {
            let total: f64 = (0..codes.len()).map(weight).sum();
            let mut shares = vec![0.0; classes.len()];
            for (i, c) in codes.iter().enumerate() {
                shares[*c] += weight(i) / total;
            }
            Predictions::Shares(shares.repeat(m), classes.len())
        }
    }
}

/// Mean and standard error of a figure over the folds.
fn over_folds(result: &Outcome, figure: usize) -> (f64, f64) {
    let each: Vec<f64> = result.folds.iter().map(|f| f[figure].1).collect();
    let n = each.len() as f64;
    let mean = each.iter().sum::<f64>() / n;
    let variance = each.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn object(result: &Outcome) -> Value {
    let mut out = serde_json::Map::new();
    out.insert("name".to_owned(), json!(result.name));
    for (i, (name, _)) in result.folds[0].iter().enumerate() {
        let (mean, error) = over_folds(result, i);
        out.insert((*name).to_owned(), json!(mean));
        out.insert(format!("{name}_se"), json!(error));
    }
    Value::Object(out)
}

/// The figures in columns.
fn aligned(results: &[Outcome], best: usize) -> String {
    let mut rows = vec![vec!["model".to_owned()]];
    for (name, _) in &results[0].folds[0] {
        rows[0].push((*name).to_owned());
        rows[0].push("+-".to_owned());
    }
    for (i, result) in results.iter().enumerate() {
        let mark = if i == best { " *" } else { "" };
        let mut row = vec![format!("{}{mark}", result.name)];
        for figure in 0..result.folds[0].len() {
            let (mean, error) = over_folds(result, figure);
            row.push(round(mean));
            row.push(round(error));
        }
        rows.push(row);
    }
    let wide: Vec<usize> = (0..rows[0].len())
        .map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = format!("{:w$}", row[0], w = wide[0]);
        for (cell, wide) in row[1..].iter().zip(&wide[1..]) {
            let _ = write!(line, "  {cell:>wide$}");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

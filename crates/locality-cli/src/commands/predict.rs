//! `locality predict`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::model::{Class, ModelFile};
use locality::{Rows, Watch};
use serde_json::json;

use super::{count, gwr};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::models::{Columns, Fitted, Predictions, class_column};
use crate::output::{self, is_standard};
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality predict`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality predict price.loc new.csv -o predicted.csv
  locality predict price.loc new.csv -o predicted.csv --interval 0.9
  locality predict iris.loc new.csv -o - --explain 5

The output has the table's columns and NAME_predicted, where NAME is the target; for classes a probability of each, too. A model of several
responses has a column for each, predicted_1, .. --interval
adds NAME_lower and NAME_upper, --explain the rows of the training table that weigh most (sample_1, .., counted from 0, -1 for
none) and their shares of the weight (weight_1, ..). A geographic model adds its coefficients at each row's place, and their standard
errors where it has one bandwidth.

Models that predict here are those of `locality fit` and `locality gwr`, and of Python's estimators LocalMeanRegressor,
LocalPolynomialRegressor, LocalGLMRegressor, LocalLogisticRegression, LocalQuantileRegressor (a column for each level),
LocalModeRegressor, LocalGaussianRegressor (means), LocalDiscriminantAnalysis, KernelClassifier, the KNeighbors and RadiusNeighbors
regressors and classifiers, GWR and MGWR. All others (kernel ridge and logistic regression, Gaussian processes, nearest centroids,
learned kernels) predict in Python alone. Words that training did not have are as far from each of its words, with a note.")]
pub(crate) struct Args {
    /// The model, made by `locality fit` or `locality gwr`, or saved in Rust or Python
    pub(super) model: PathBuf,

    /// The table of rows to predict at, with the columns that the model was made of
    pub(super) table: PathBuf,

    /// Where to write the table with the predictions; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,

    /// Add an interval that holds a new observation with this probability
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true)]
    pub(super) interval: Option<f64>,

    /// For a geographic model that does not name them: the columns that say where a row is
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    pub(super) at: Vec<String>,

    /// For such a model of counts: the column of exposures
    #[arg(long, value_name = "COLUMN")]
    pub(super) exposure: Option<String>,

    /// Add this many rows of the training table that made each prediction, with their weights
    #[arg(long, value_name = "K")]
    pub(super) explain: Option<usize>,

    #[command(flatten)]
    pub(super) options: Options,
}

/// The parts of a file.
pub(super) fn read(path: &Path) -> Result<ModelFile> {
    let bytes = std::fs::read(path).map_err(|e| Error::unreadable(&path.display(), &e))?;
    ModelFile::from_bytes(&bytes).map_err(|e| failed(path, e))
}

/// An error of the library, with the file's name.
pub(super) fn failed(path: &Path, e: locality::Error) -> Error {
    match Error::from(e) {
        Error::Usage(text) | Error::Data(text) => {
            Error::data(format!("{}: {text}", path.display()))
        }
        other => other,
    }
}

/// The model of a file.
pub(super) fn load(path: &Path, file: &ModelFile, watch: &Watch<'_>) -> Result<Fitted> {
    let name = path.display();
    let fitted = Fitted::unpack(file, watch).map_err(|e| failed(path, e))?;
    let classes = match &fitted {
        Fitted::Logistic(fit) => fit.n_classes(),
        Fitted::KernelClassifier(fit) => fit.n_classes(),
        Fitted::NeighborClasses(fit) => fit.classes()[0].len(),
        Fitted::Scaled(fit) => fit.n_classes(),
        _ => 0,
    };
    let known = file.about().classes.len();
    if known > 0 && known != classes {
        return Err(Error::data(format!(
            "{name}: the file names {known} classes for a model of {classes}; it is damaged, or of another program"
        )));
    }
    Ok(fitted)
}

/// A column for each of several responses, `[m, p]`.
fn each_response<'a>(
    name: &'a str,
    values: &'a [f64],
    p: usize,
) -> impl Iterator<Item = (String, Column)> + 'a {
    (0..p).map(move |c| {
        let own = values.iter().skip(c).step_by(p).copied().collect();
        (format!("{name}_{}", c + 1), Column::Real(own))
    })
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    output::check(&[&args.output])?;
    let taken = is_standard(&args.output);
    context.json_needs_stdout(taken)?;
    if let Some(level) = args.interval
        && !(level > 0.0 && level < 1.0)
    {
        return Err(Error::usage(format!(
            "--interval {level} must be between 0 and 1, such as 0.9"
        )));
    }
    if args.explain == Some(0) {
        return Err(Error::usage(
            "--explain 0 explains nothing; write a positive number",
        ));
    }
    let is_model = |path: &Path| path.extension().is_some_and(|e| e == "loc");
    if is_model(&args.table) && !is_model(&args.model) {
        return Err(Error::usage(format!(
            "{} is a model, and {} a table: name the model first, as in locality predict {} {}",
            args.table.display(),
            args.model.display(),
            args.table.display(),
            args.model.display()
        )));
    }
    let start = Instant::now();
    let file = read(&args.model)?;
    if gwr::is_kept(&file) {
        return gwr::predict(args, &file, context);
    }
    for (flag, given) in [
        ("--at", !args.at.is_empty()),
        ("--exposure", args.exposure.is_some()),
    ] {
        if given {
            return Err(Error::usage(format!(
                "{flag} is for geographic models, which {} is not; leave it out",
                args.model.display()
            )));
        }
    }
    let fitted = context.watched("load", |watch| load(&args.model, &file, watch))?;
    let about = file.about();
    let width = file.arrays().get("samples").map_or(0, |a| a.shape()[1]);
    let columns = Columns::known(&file, width).map_err(|e| e.context(args.model.display()))?;
    let table = Table::read(&args.table, &args.options)?;
    let places = columns.find(&table)?;
    let numbers = columns.encode(&table, &places).map_err(|e| {
        if columns.filling().policy().fills() || !table.has_gaps(&places) {
            e
        } else {
            e.remedy("or fit the model with --missing mean or indicator")
        }
    })?;
    let strange = columns.unknown(&table, &places);
    let d = columns.expanded().len();
    if d != width {
        return Err(Error::data(format!(
            "{}: the file names {d} columns for a model of {width}; it is damaged, or of another program",
            args.model.display()
        )));
    }
    let x = Rows::new(&numbers, table.rows(), d)?;
    let name = about.target.clone();
    let name = |what: &str| match &name {
        Some(name) => format!("{name}_{what}"),
        None => what.to_owned(),
    };
    let mut extra: Vec<(String, Column)> = Vec::new();
    let (found, thin) =
        context.watched("predict", |watch| fitted.predict_with_evidence(x, watch))?;
    match &found {
        Predictions::Numbers(y) => extra.push((name("predicted"), Column::Real(y.clone()))),
        Predictions::Several(y, p) => extra.extend(each_response(&name("predicted"), y, *p)),
        Predictions::Shares(shares, k) => {
            let numbered = || (0..*k as i64).map(Class::Integer).collect::<Vec<Class>>();
            let classes = if about.classes.is_empty() {
                numbered()
            } else {
                about.classes.clone()
            };
            let column = class_column(&classes, &found.codes());
            if format == Format::Npy && matches!(column, Column::Words(_)) {
                return Err(Error::usage(
                    "the classes are words, which a .npy file cannot hold; write a .csv file",
                ));
            }
            extra.push((name("predicted"), column));
            for (c, class) in classes.iter().enumerate() {
                let own = shares.iter().skip(c).step_by(*k).copied().collect();
                extra.push((format!("probability_{class}"), Column::Real(own)));
            }
        }
    }
    if let Some(level) = args.interval {
        let Fitted::Regression(fit) = &fitted else {
            return Err(Error::usage(format!(
                "--interval is for local means, lines and parabolas, not for {}; leave it out",
                fitted.title()
            )));
        };
        let found = context.watched("intervals", |watch| fit.intervals(x, level, watch))?;
        let p = fit.polynomial().n_responses();
        if p == 1 {
            extra.push((name("lower"), Column::Real(found.lower)));
            extra.push((name("upper"), Column::Real(found.upper)));
        } else {
            extra.extend(each_response(&name("lower"), &found.lower, p));
            extra.extend(each_response(&name("upper"), &found.upper, p));
        }
    }
    if let Some(k) = args.explain {
        let behind = context.watched("explain", |watch| fitted.explain(x, k, watch))?;
        for place in 0..k {
            let rows = behind.rows.iter().skip(place).step_by(k).copied().collect();
            let weights = behind
                .weights
                .iter()
                .skip(place)
                .step_by(k)
                .copied()
                .collect();
            extra.push((format!("sample_{}", place + 1), Column::Integer(rows)));
            extra.push((format!("weight_{}", place + 1), Column::Real(weights)));
        }
    }
    if let Some((name, _)) = extra.iter().find(|(name, _)| table.names().contains(name)) {
        return Err(Error::data(format!(
            "{} already has a column '{name}', which would be written; rename it",
            table.origin()
        )));
    }
    output::write(&args.output, &table.encode(&extra, format)?)?;
    let seconds = start.elapsed().as_secs_f64();
    let written: Vec<&String> = extra.iter().map(|(name, _)| name).collect();
    let object = json!({
        "command": "predict",
        "model": fitted.title(),
        "rows": table.rows(),
        "written": written,
        "thin": thin,
        "unknown_words": strange.len(),
        "output": args.output.display().to_string(),
        "seconds": seconds,
    });
    let mut words = format!(
        "{} at {} by {}: {seconds:.3} s\n",
        extra[0].0,
        count(table.rows(), "row"),
        fitted.title(),
    );
    if thin > 0 {
        let _ = writeln!(
            words,
            "note: {thin} of {} have too little evidence for all of the model, which is shrunk towards the local mean there",
            count(table.rows(), "row"),
        );
    }
    if let Some((row, column, word)) = strange.first() {
        let _ = writeln!(
            words,
            "note: {} not in training, which count as far from each of its own, such as '{word}' in {}, column '{column}'",
            count(strange.len(), "word"),
            table.place(*row),
        );
    }
    context.summary(&words, &object, taken)
}

//! `locality gwr`.

mod elsewhere;
mod kept;
mod picture;

pub(super) use kept::{is_kept, lines, predict};

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::gwr::{
    Criterion, Distance, Gwr, GwrFit, Mgwr, MgwrFit, Response, Summary, profile_named,
};
use locality::{Rows, Watch};
use serde_json::json;

use super::cluster::round;
use super::{count, pick, refuse_taken};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::plot;
use crate::table::{Column, Format, Options, Table};

/// Coefficients beyond so many standard errors are told from 0.
const TOLD: f64 = 1.96;

/// Flags of `locality gwr`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality gwr georgia.csv -o local.csv --target PctBach --features PctFB,PctRural,PctPov --at X,Y --plot map.png
  locality gwr homes.csv -o local.csv --target price --at lon,lat --metric haversine --kernel gaussian --bandwidth 60
  locality gwr georgia.csv -o local.csv --target PctBach --features PctFB,PctPov --at X,Y --multiscale
  locality gwr sold.csv -o local.csv --target price --at lon,lat --predict offered.csv --predictions priced.csv
  locality gwr sold.csv -o price.loc --target price --at lon,lat
  locality predict price.loc offered.csv -o priced.csv

A name that ends in .loc keeps the model, for `locality predict`, Rust and Python. Any other output is the table with, for each row's place, every coefficient, its standard error and t-value, the local R2, the fitted value
and the residual. --plot maps one coefficient over the plane: large dots are rows where it is more than 1.96 standard errors from 0.")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with its new columns, or the model (.loc); - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The column to explain, a name or a number counted from 0
    #[arg(long, value_name = "Y")]
    target: String,

    /// The two columns that say where a row is; longitude, then latitude for haversine
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    at: Vec<String>,

    /// Columns to explain it by [default: every other column of numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    features: Option<Vec<String>>,

    /// Distribution of the target
    #[arg(
        long,
        value_name = "gaussian|binomial|poisson",
        default_value = "gaussian"
    )]
    family: Response,

    /// For poisson: the column of exposures, such as populations
    #[arg(long, value_name = "COLUMN")]
    exposure: Option<String>,

    /// How weights fall with the distance over the bandwidth; see `locality kernels`
    #[arg(long, value_name = "KERNEL", default_value = "bisquare")]
    kernel: String,

    /// A number of nearest rows, or with --fixed a distance; auto searches the best
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    bandwidth: String,

    /// The bandwidth is a distance, the same everywhere
    #[arg(long)]
    fixed: bool,

    /// Straight lines, or great circles in kilometres
    #[arg(long, value_name = "euclidean|haversine", default_value = "euclidean")]
    metric: Distance,

    /// What the bandwidth is chosen by
    #[arg(long, value_name = "aicc|aic|bic|cv", default_value = "aicc")]
    criterion: Criterion,

    /// Each coefficient has a bandwidth of its own (MGWR)
    #[arg(long)]
    multiscale: bool,

    /// Explain by (x - mean) / standard deviation of each column, and for gaussian the target likewise
    #[arg(long)]
    standardize: bool,

    /// A table of other places, with the same columns but the target
    #[arg(long, value_name = "TABLE", requires = "predictions")]
    predict: Option<PathBuf>,

    /// For --predict: where to write that table with its coefficients and predictions, in the units of `fitted`
    #[arg(long, value_name = "FILE", requires = "predict")]
    predictions: Option<PathBuf>,

    /// Draw a map of a coefficient into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,

    /// For --plot: the coefficient's column, or constant [default: the first feature]
    #[arg(long, value_name = "COLUMN")]
    of: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// A fitted model of one bandwidth, or of several.
enum Fit {
    One(Box<GwrFit>),
    Each(Box<MgwrFit>),
}

/// The table as numbers.
struct Given {
    x: Vec<f64>,
    y: Vec<f64>,
    coords: Vec<f64>,
    exposure: Option<Vec<f64>>,
    /// Of the coefficients, the constant first.
    names: Vec<String>,
    /// Mean and standard deviation of each column to explain by, if these were standardized.
    scales: Option<Vec<(f64, f64)>>,
}

impl Given {
    fn read(table: &Table, args: &Args) -> Result<Self> {
        let one = |name: &String, flag: &str| -> Result<usize> {
            Ok(table.find(std::slice::from_ref(name), flag)?[0])
        };
        let y = one(&args.target, "--target")?;
        let at = table.find(&args.at, "--at")?;
        if at.len() != 2 {
            return Err(Error::usage(format!(
                "--at names {}; a place has two, such as --at lon,lat",
                count(at.len(), "column")
            )));
        }
        let exposure = args
            .exposure
            .as_ref()
            .map(|e| one(e, "--exposure"))
            .transpose()?;
        let features = if let Some(names) = &args.features {
            table.find(names, "--features")?
        } else {
            let taken = |c: &usize| *c == y || at.contains(c) || Some(*c) == exposure;
            let numbers = (0..table.names().len()).filter(|c| table.is_numeric(*c));
            numbers.filter(|c| !taken(c)).collect()
        };
        if features.contains(&y) {
            return Err(Error::usage(format!(
                "--features and --target both name '{}'; explain a column by others",
                table.names()[y]
            )));
        }
        let mut x = table.numbers(&features, "--features")?;
        let mut response = table.numbers(&[y], "--target")?;
        let mut scales = None;
        if args.standardize {
            scales = Some(scales_of(&x, features.len()));
            standardize(&mut x, scales.as_deref().unwrap_or_default());
            if args.family == Response::Gaussian {
                let own = scales_of(&response, 1);
                standardize(&mut response, &own);
            }
        }
        let named = features.iter().map(|c| table.names()[*c].clone());
        Ok(Self {
            names: std::iter::once("constant".to_owned())
                .chain(named)
                .collect(),
            x,
            y: response,
            coords: table.numbers(&at, "--at")?,
            exposure: match exposure {
                Some(e) => Some(table.numbers(&[e], "--exposure")?),
                None => None,
            },
            scales,
        })
    }

    fn features(&self) -> usize {
        self.names.len() - 1
    }

    /// Which coefficient a map shows.
    fn shown(&self, of: Option<&str>) -> Result<usize> {
        match of {
            None => Ok(usize::from(self.features() > 0)),
            Some(name) => self.names.iter().position(|n| n == name).ok_or_else(|| {
                Error::usage(format!(
                    "--of {name} is no coefficient; it is one of {}",
                    self.names.join(", ")
                ))
            }),
        }
    }
}

/// Mean and standard deviation of each column; 1 for a column that is constant.
fn scales_of(data: &[f64], columns: usize) -> Vec<(f64, f64)> {
    let rows = data.len() as f64 / columns.max(1) as f64;
    let scale = |c: usize| {
        let each = || data.iter().skip(c).step_by(columns);
        let mean = each().sum::<f64>() / rows;
        let variance = each().map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
        (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
    };
    (0..columns).map(scale).collect()
}

fn standardize(data: &mut [f64], scales: &[(f64, f64)]) {
    for (x, (mean, scale)) in data.iter_mut().zip(scales.iter().cycle()) {
        *x = (*x - mean) / scale;
    }
}

fn model(args: &Args) -> Result<Gwr> {
    let bandwidth = match args.bandwidth.as_str() {
        "auto" => None,
        text => Some(text.parse::<f64>().map_err(|_| {
            Error::usage(format!(
                "--bandwidth {text} is neither auto nor a number; give a number of rows, or with --fixed a distance"
            ))
        })?),
    };
    Ok(Gwr::new()
        .family(args.family)
        .profile(profile_named(&args.kernel)?)
        .adaptive(!args.fixed)
        .distance(args.metric)
        .bandwidth(bandwidth)
        .criterion(args.criterion))
}

impl Fit {
    fn new(args: &Args, given: &Given, watch: &Watch<'_>) -> Result<Self> {
        let n = given.y.len();
        let x = Rows::new(&given.x, n, given.features())?;
        let coords = Rows::new(&given.coords, n, 2)?;
        let (base, exposure) = (model(args)?, given.exposure.as_deref());
        let names = &given.names[1..];
        Ok(if args.multiscale {
            let fit = Mgwr::new(base).fit(x, &given.y, coords, exposure, watch)?;
            Self::Each(Box::new(fit.named(names)?))
        } else {
            let fit = base.fit(x, &given.y, coords, exposure, watch)?;
            Self::One(Box::new(fit.named(names)?))
        })
    }

    fn coefficients(&self) -> &[f64] {
        match self {
            Self::One(fit) => fit.coefficients(),
            Self::Each(fit) => fit.coefficients(),
        }
    }

    fn errors(&self) -> &[f64] {
        match self {
            Self::One(fit) => fit.standard_errors(),
            Self::Each(fit) => fit.standard_errors(),
        }
    }

    fn fitted(&self) -> &[f64] {
        match self {
            Self::One(fit) => fit.fitted(),
            Self::Each(fit) => fit.fitted(),
        }
    }

    fn summary(&self) -> &Summary {
        match self {
            Self::One(fit) => fit.summary(),
            Self::Each(fit) => fit.summary(),
        }
    }

    fn bandwidths(&self) -> Vec<f64> {
        match self {
            Self::One(fit) => vec![fit.bandwidth()],
            Self::Each(fit) => fit.bandwidths().to_vec(),
        }
    }

    /// Coefficients at other places.
    fn at(&self, coords: &[f64], features: usize, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let m = coords.len() / 2;
        let none = vec![0.0; m * features];
        let (x, places) = (Rows::new(&none, m, features)?, Rows::new(coords, m, 2)?);
        Ok(match self {
            Self::One(fit) => fit.at(x, places, None, watch)?.coefficients,
            Self::Each(fit) => fit.at(x, places, None, watch)?.0,
        })
    }

    /// The new columns.
    fn columns(&self, given: &Given) -> Vec<(String, Column)> {
        let q = given.names.len();
        let mut out = Vec::new();
        let mut put = |name: String, column: Vec<f64>| out.push((name, Column::Real(column)));
        for (j, name) in given.names.iter().enumerate() {
            put(format!("beta_{name}"), pick(self.coefficients(), q, j));
        }
        for (j, name) in given.names.iter().enumerate() {
            put(format!("se_{name}"), pick(self.errors(), q, j));
        }
        for (j, name) in given.names.iter().enumerate() {
            let pairs = pick(self.coefficients(), q, j).into_iter();
            let t = pairs.zip(pick(self.errors(), q, j)).map(|(b, e)| b / e);
            put(format!("t_{name}"), t.collect());
        }
        if let Self::One(fit) = self {
            put("local_r2".to_owned(), fit.local_r2().to_vec());
        }
        let residuals = given.y.iter().zip(self.fitted()).map(|(y, m)| y - m);
        put("residual".to_owned(), residuals.collect());
        put("fitted".to_owned(), self.fitted().to_vec());
        out
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format_of = |path: &Path| Format::of(path, args.options.delimiter());
    let keep = kept::is_model(&args.output);
    if keep && args.standardize {
        return Err(Error::usage(
            "--standardize explains by other columns than a table's own, which a model in a file (-o ... .loc) predicts by; leave it out, \
             or standardize the tables first",
        ));
    }
    if !keep {
        format_of(&args.output)?;
    }
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(
        args.plot
            .iter()
            .chain(&args.predictions)
            .map(PathBuf::as_path),
    );
    output::check(&outputs)?;
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
    }
    let stdout_taken = outputs.iter().any(|path| is_standard(path));
    context.json_needs_stdout(stdout_taken)?;
    let table = Table::read(&args.table, &args.options)?;
    let given = Given::read(&table, args)?;
    let of = given.shown(args.of.as_deref())?;
    let elsewhere = match (&args.predict, &args.predictions) {
        (Some(from), Some(to)) => Some((
            elsewhere::Places::read(from, args, &given)?,
            format_of(to)?,
            to,
        )),
        _ => None,
    };

    let start = Instant::now();
    let fit = context
        .watched("weighing places", |watch| Fit::new(args, &given, watch))
        .map_err(|e| e.in_flags(&[("coords", "--at"), ("bandwidth=", "--bandwidth ")]))?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = if keep {
        kept::bytes(args, &given, &fit)?
    } else {
        let columns = fit.columns(&given);
        refuse_taken(&table, &columns)?;
        table.encode(&columns, format_of(&args.output)?)?
    };
    let mut files = Outputs::default();
    files.add(&args.output, &bytes)?;
    if let Some((places, format, path)) = &elsewhere {
        let columns = context.watched("predicting", |watch| {
            places.columns(&given.names, &fit, watch)
        })?;
        files.add(path, &places.table.encode(&columns, *format)?)?;
    }
    if let Some(path) = &args.plot {
        let scene = context.watched("drawing", |watch| {
            picture::map(args, &given, &fit, of, watch)
        })?;
        files.add(path, &plot::encode(&scene, path)?)?;
    }
    files.commit()?;

    let summary = fit.summary();
    let bandwidths = fit.bandwidths();
    let object = json!({
        "command": "gwr",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "predicted": elsewhere.as_ref().map(|e| e.0.table.rows()),
        "coefficients": given.names,
        "bandwidths": bandwidths,
        "adaptive": !args.fixed,
        "aicc": summary.aicc,
        "r2": summary.r2,
        "adjusted_r2": summary.adj_r2,
        "effective_parameters": summary.tr_s,
        "seconds": seconds,
    });
    context.summary(
        &words(args, &table, &given, &fit, seconds),
        &object,
        stdout_taken,
    )
}

/// What is said of the fit.
fn words(args: &Args, table: &Table, given: &Given, fit: &Fit, seconds: f64) -> String {
    let summary = fit.summary();
    let mut words = format!(
        "{} of {}: '{}' by {} in {seconds:.3} s\n",
        count(table.rows(), "row"),
        table.origin(),
        args.target,
        given.names[1..].join(", "),
    );
    let unit = if args.fixed {
        "distance"
    } else {
        "nearest rows"
    };
    let bandwidths = fit.bandwidths();
    if let [one] = bandwidths[..]
        && !args.multiscale
    {
        let _ = writeln!(words, "bandwidth: {} ({unit})", round(one));
    }
    let _ = writeln!(
        words,
        "AICc {}, R2 {} (adjusted {}), {} effective parameters",
        round(summary.aicc),
        round(summary.r2),
        round(summary.adj_r2),
        round(summary.tr_s)
    );
    let q = given.names.len();
    let width = given
        .names
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max(11);
    let _ = write!(
        words,
        "{:width$}  smallest    median   largest  told from 0",
        "coefficient"
    );
    words.push_str(if args.multiscale {
        "  bandwidth\n"
    } else {
        "\n"
    });
    for (j, name) in given.names.iter().enumerate() {
        let (mut b, e) = (pick(fit.coefficients(), q, j), pick(fit.errors(), q, j));
        let told = b
            .iter()
            .zip(&e)
            .filter(|(b, e)| b.abs() > TOLD * **e)
            .count();
        b.sort_by(f64::total_cmp);
        let _ = write!(
            words,
            "{name:width$}  {:>8}  {:>8}  {:>8}  {:>9} %",
            round(b[0]),
            round(b[b.len() / 2]),
            round(b[b.len() - 1]),
            round((1000.0 * told as f64 / b.len() as f64).round() / 10.0),
        );
        if args.multiscale {
            let _ = write!(words, "  {:>9}", round(bandwidths[j]));
        }
        words.push('\n');
    }
    words
}

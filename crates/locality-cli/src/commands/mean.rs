//! `locality mean`.

use std::path::PathBuf;
use std::time::Instant;

use locality::{
    ErrorKind, Float, Kernel, LocalMean, LocalMeans, Neighborhood, OnEmpty, Rows, Watch,
};
use serde_json::json;

use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::table::{Codes, Column, Format, Options, Table};

/// Flags of `locality mean`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality mean train.csv --value price --query new.csv -o predicted.csv --kernel \"gaussian(h=0.3)\"
  locality mean sites.csv --value rain,wind --query grid.csv -o grid-rain.csv \\
      --kernel \"gaussian(knn=20, metric=haversine_km, cols=[lat, lon])\"
  locality mean iris.csv --value petal_width --query iris.csv -o loo.csv \\
      --columns petal_length --kernel \"gaussian(h=0.2)\" --neighborhood hollow

The output has the query's columns and one more for each value, called NAME_mean.")]
pub(crate) struct Args {
    /// The table of known rows: .csv, .tsv or .npy, or - for CSV on standard input
    keys: PathBuf,

    /// Columns to predict, names or numbers counted from 0
    #[arg(long, value_name = "Y,Z", value_delimiter = ',', required = true)]
    value: Vec<String>,

    /// The table of rows to predict at, with the same key columns
    #[arg(long, value_name = "TABLE")]
    query: PathBuf,

    /// Where to write the query table with the predictions; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// How near counts how much, such as "gaussian(h=0.3)" or "tricube(knn=30)"; see `locality kernels`
    #[arg(long, value_name = "KERNEL")]
    kernel: Kernel,

    /// Key columns, by which near is measured [default: the columns that the kernel names, where every part of it has cols=;
    /// else every column of numbers besides values and weight, and those that it names]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Which rows may count at all, such as "nearest(k=10)", "radius(r=2)" or hollow (leave-one-out)
    #[arg(long, value_name = "RULE", default_value = "all")]
    neighborhood: Neighborhood,

    /// Column of sample weights, which must not be negative
    #[arg(long, value_name = "W")]
    weight: Option<String>,

    /// What the sum of the weights may be off by, relative and with proof, for speed; 0 is exact to rounding
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    tolerance: f64,

    /// What to do at a query without any weight near it: error, nan, nearest or global
    #[arg(long, value_name = "POLICY", default_value = "error")]
    on_empty: OnEmpty,

    /// Add one more column, the logarithm of the sum of the weights at each query
    #[arg(long)]
    log_normalizer: bool,

    /// Compute in single precision: faster, seven digits
    #[arg(long)]
    f32: bool,

    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    if is_standard(&args.keys) && is_standard(&args.query) {
        return Err(Error::usage(
            "KEYS and --query are both -, but there is one standard input; name a file for one of them",
        ));
    }
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;

    let table = Table::read(&args.keys, &args.options)?;
    let queries = Table::read(&args.query, &args.options)?;
    let values = table.find(&args.value, "--value")?;
    let weight = args
        .weight
        .as_ref()
        .map(|w| table.find(std::slice::from_ref(w), "--weight"))
        .transpose()?;
    let columns = key_columns(&table, &values, weight.as_deref(), args)?;
    let names: Vec<&str> = columns.iter().map(|&c| table.names()[c].as_str()).collect();
    let (keys, at) = encode(&table, &queries, &columns, args)?;
    let problem = Problem {
        mean: LocalMean::new(with_names("--kernel", args.kernel.with_columns(&names))?)
            .neighborhood(with_names(
                "--neighborhood",
                args.neighborhood.with_columns(&names),
            )?)
            .tolerance(args.tolerance)
            .on_empty(args.on_empty),
        d: columns.len(),
        p: values.len(),
        values: table.numbers(&values, "--value")?,
        weights: match &weight {
            Some(column) => Some(weights(&table, column, "--weight")?),
            None => None,
        },
        keys,
        queries: at,
    };
    let predicted: Vec<String> = values
        .iter()
        .map(|&c| format!("{}_mean", table.names()[c]))
        .collect();
    refuse_clash(&queries, &predicted, args.log_normalizer)?;

    let start = Instant::now();
    let (means, logs, visited) = context
        .watched("local mean", |watch| {
            if args.f32 {
                let out = problem.solve::<f32>(watch)?;
                Ok((
                    split(&out.means, problem.p).map(Column::Single).collect(),
                    Column::Single(out.log_normalizer),
                    out.visited,
                ))
            } else {
                let out = problem.solve::<f64>(watch)?;
                Ok((
                    split(&out.means, problem.p).map(Column::Real).collect(),
                    Column::Real(out.log_normalizer),
                    out.visited,
                ))
            }
        })
        .map_err(|e| explain(&e, &queries))?;
    let seconds = start.elapsed().as_secs_f64();

    let means: Vec<Column> = means;
    let mut extra: Vec<(String, Column)> = predicted.iter().cloned().zip(means).collect();
    if args.log_normalizer {
        extra.push(("log_normalizer".to_owned(), logs));
    }
    output::write(&args.output, &queries.encode(&extra, format)?)?;

    let object = json!({
        "command": "mean",
        "keys": table.rows(),
        "queries": queries.rows(),
        "columns": names,
        "predicted": predicted,
        "kernel": args.kernel.to_string(),
        "neighborhood": args.neighborhood.to_string(),
        "output": args.output.display().to_string(),
        "pairs_weighed": visited,
        "seconds": seconds,
    });
    let words = format!(
        "{} at {} from {} by {}: {seconds:.3} s\nkernel {}, {visited} of {} pairs weighed\n",
        predicted.join(", "),
        count(queries.rows(), "query row"),
        count(table.rows(), "row"),
        names.join(", "),
        args.kernel,
        queries.rows() as u64 * table.rows() as u64,
    );
    context.summary(&words, &object, stdout_taken)
}

/// An error of the flag's text, such as a column that is not there.
fn with_names<T>(flag: &str, resolved: locality::Result<T>) -> Result<T> {
    resolved.map_err(|e| Error::from(e).context(flag))
}

/// Everything as numbers.
struct Problem {
    mean: LocalMean,
    keys: Vec<f64>,
    queries: Vec<f64>,
    d: usize,
    values: Vec<f64>,
    p: usize,
    weights: Option<Vec<f64>>,
}

impl Problem {
    fn solve<T: Float>(&self, watch: &Watch<'_>) -> locality::Result<LocalMeans<T>> {
        let cast = |x: &[f64]| x.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
        let (keys, values, queries) = (cast(&self.keys), cast(&self.values), cast(&self.queries));
        let keys = Rows::new(&keys, self.keys.len() / self.d, self.d)?;
        let values = Rows::new(&values, keys.rows(), self.p)?;
        let weights = self.weights.as_deref().map(cast);
        let fit = self
            .mean
            .fit_watched(keys, values, weights.as_deref(), watch)?;
        let queries = Rows::new(&queries, self.queries.len() / self.d, self.d)?;
        fit.at(queries, watch)
    }
}

/// The columns by which near is measured.
fn key_columns(
    table: &Table,
    values: &[usize],
    weight: Option<&[usize]>,
    args: &Args,
) -> Result<Vec<usize>> {
    if let Some(wanted) = &args.columns {
        let columns = table.find(wanted, "--columns")?;
        if let Some(c) = columns.iter().find(|c| values.contains(c)) {
            return Err(Error::usage(format!(
                "--columns and --value both name '{}'; predict a column from others",
                table.names()[*c]
            )));
        }
        return Ok(columns);
    }
    if let (Some(named), Some(seen)) =
        (args.kernel.column_names(), args.neighborhood.column_names())
        && !named.is_empty()
    {
        let mut wanted: Vec<String> = Vec::new();
        for name in named.into_iter().chain(seen) {
            if !wanted.iter().any(|w| w == name) {
                wanted.push(name.to_owned());
            }
        }
        return table.find(&wanted, "--kernel");
    }
    let taken = |c: &usize| values.contains(c) || weight.is_some_and(|w| w.contains(c));
    let columns: Vec<usize> = (0..table.names().len())
        .filter(|c| !taken(c) && (table.is_numeric(*c) || is_named(table, *c, args)))
        .collect();
    if columns.is_empty() {
        return Err(Error::data(format!(
            "{} has no column of numbers left to measure nearness by; name some with --columns",
            table.origin()
        )));
    }
    Ok(columns)
}

/// Whether the kernel or the neighbourhood names a column: without it, they cannot be resolved.
fn is_named(table: &Table, column: usize, args: &Args) -> bool {
    let all = table.names();
    let mut without = all.to_vec();
    without.retain(|name| *name != all[column]);
    let kernel =
        args.kernel.with_columns(all).is_ok() && args.kernel.with_columns(&without).is_err();
    let rule = &args.neighborhood;
    kernel || rule.with_columns(all).is_ok() && rule.with_columns(&without).is_err()
}

/// Keys and queries as numbers; columns of words become codes that the two tables share.
fn encode(
    table: &Table,
    queries: &Table,
    columns: &[usize],
    args: &Args,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let places = if table.is_named() && queries.is_named() {
        let found = queries.find(&names, "--query");
        found.map_err(|e| {
            let has = names.iter().filter(|n| queries.names().contains(n));
            let shared: Vec<&str> = has.map(String::as_str).collect();
            match (&args.columns, shared.is_empty()) {
                (None, false) => e.remedy(&format!(
                    "choose the key columns with --columns, as in --columns {}",
                    shared.join(",")
                )),
                _ => e,
            }
        })?
    } else if queries.names().len() == columns.len() {
        (0..columns.len()).collect()
    } else {
        return Err(Error::data(format!(
            "{} has {} and no names to go by, but there are {} to measure nearness by ({}); give it the same columns",
            queries.origin(),
            count(queries.names().len(), "column"),
            count(columns.len(), "key column"),
            names.join(", ")
        )));
    };
    Codes::new(table, columns).encode(table, columns, queries, &places)
}

/// The sample weights, with the line of a negative one.
pub(super) fn weights(table: &Table, column: &[usize], flag: &str) -> Result<Vec<f64>> {
    let weights = table.numbers(column, flag)?;
    if let Some(row) = weights.iter().position(|w| *w < 0.0) {
        return Err(Error::data(format!(
            "{}, column '{}': the weight {} is negative; weights must be at least 0",
            table.place(row),
            table.names()[column[0]],
            weights[row]
        )));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(Error::data(format!(
            "{}, column '{}': every weight is 0; at least one must be positive",
            table.origin(),
            table.names()[column[0]]
        )));
    }
    Ok(weights)
}

/// Refuses to write two columns of one name.
fn refuse_clash(queries: &Table, predicted: &[String], log_normalizer: bool) -> Result<()> {
    let log = log_normalizer.then(|| "log_normalizer".to_owned());
    match predicted
        .iter()
        .chain(&log)
        .find(|name| queries.names().contains(*name))
    {
        Some(name) => Err(Error::data(format!(
            "{} already has a column '{name}', which would be written; rename it",
            queries.origin()
        ))),
        None => Ok(()),
    }
}

/// Interleaved columns one by one.
fn split<T: Copy>(rows: &[T], columns: usize) -> impl Iterator<Item = Vec<T>> {
    (0..columns).map(move |c| rows.iter().skip(c).step_by(columns).copied().collect())
}

/// The core's sentence, with the flag's name where it is the remedy.
fn explain(error: &locality::Error, queries: &Table) -> Error {
    if error.kind() == ErrorKind::EmptyRegion {
        let sentence = error.to_string().replace("on_empty", "--on-empty");
        return Error::data(format!("{}: {sentence}", queries.origin()));
    }
    error.clone().into()
}

//! `locality cluster`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::shift::{Adaptive, MeanShift, Merging, StableBandwidth, estimate_bandwidth};
use locality::{Bandwidth, Kernel, Metric, Rows};
use serde_json::json;

use super::clusterer::{self, Asked, FLAGS, Found, Method};
use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::plot;
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality cluster`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality cluster iris.csv -o clustered.csv
  locality cluster wine.csv -o clustered.csv --columns alcohol,hue --standardize --plot wine.png
  locality cluster iris.csv -o clustered.csv --bandwidth 0.8 --kernel gaussian --centers centers.csv
  locality cluster iris.csv -o clustered.csv --method tomato")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with its new column; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// How rows find their cluster
    #[arg(long, value_enum, default_value_t)]
    method: Method,

    /// Columns to cluster by, names or numbers counted from 0 [default: every column of numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// Radius of the window, in the columns' units; quantile estimates it from the data by --quantile (for tomato by the nearest rows), and
    /// for mean-shift and blurring auto searches for one whose clusters do not depend on which rows were drawn. For a kernel with an h of its own:
    /// only how near modes are one cluster, beyond which distance a row is in none, and the unit of the stop rule [default
    /// then: that h]
    #[arg(
        long,
        value_name = "quantile|auto|H",
        default_value = "quantile",
        allow_negative_numbers = true
    )]
    bandwidth: String,

    /// For --bandwidth quantile: the share of the rows that are taken to be near; a smaller one finds more clusters
    #[arg(
        long,
        value_name = "Q",
        default_value_t = 0.3,
        allow_negative_numbers = true
    )]
    quantile: f64,

    /// For --bandwidth quantile: estimate from this many random rows, for large tables [default: all rows]
    #[arg(long, value_name = "N")]
    bandwidth_rows: Option<usize>,

    /// Weights within the window, such as flat, gaussian or epanechnikov; see `locality kernels` [default: flat; epanechnikov for
    /// quick-shift, gaussian for tomato]
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,

    /// For quick-shift: the longest link that is kept [default: one bandwidth]
    #[arg(long, value_name = "D", allow_negative_numbers = true)]
    max_dist: Option<f64>,

    /// Column of sample weights, which must not be negative; it is no column to cluster by
    #[arg(long, value_name = "NAME")]
    weights: Option<String>,

    /// Euclidean, or cosine for directions, whose lengths say nothing; the bandwidth is then one of mean-shift's chords,
    /// or for quick-shift, medoid and tomato of 1 less the cosine
    #[arg(long, value_enum, default_value_t)]
    metric: Distance,

    /// For mean-shift: bandwidths that follow the density, with this sensitivity from 0 to 1 (0.5 is usual) [default: one for all]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    adaptive: Option<f64>,

    /// For mean-shift: go so many times the way to the mean, from 1 to below 2; no step lowers the density
    #[arg(
        long,
        value_name = "W",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    over_relaxation: f64,

    /// For mean-shift: one weighted site in each occupied cell of a grid of so many bandwidths stands for its rows, for large tables
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    compression: Option<f64>,

    /// For all but blurring: modes that rise less than this above the saddle to a denser one are merged into it, in
    /// units of log density (0.69: a peak of twice the saddle); auto takes the largest gap [default: none; auto for tomato]
    #[arg(long, value_name = "P|auto|none", allow_negative_numbers = true, value_parser = clusterer::merging)]
    min_persistence: Option<Merging>,

    /// For the same: saddles are sought between each row and so many nearest others
    #[arg(long, value_name = "K", default_value_t = 10)]
    neighbors: usize,

    /// Cluster by (x - mean) / standard deviation of each column; a bandwidth that is given is then in standard deviations
    #[arg(long)]
    standardize: bool,

    /// Start from the occupied cells of a grid instead of from every row: faster, slightly different
    #[arg(long)]
    bin_seeding: bool,

    /// For --bin-seeding: how many rows make a cell a start
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_bin_freq: usize,

    /// Rows within no window stay out, as cluster -1, instead of joining the nearest cluster
    #[arg(long)]
    no_cluster_all: bool,

    /// Most steps of a start
    #[arg(long, value_name = "N", default_value_t = 300)]
    max_iter: usize,

    /// Write the clusters' centres and sizes to this table too
    #[arg(long, value_name = "FILE")]
    centers: Option<PathBuf>,

    /// Draw the clusters into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,

    /// Name of the new column
    #[arg(long, value_name = "NAME", default_value = "cluster")]
    label_column: String,

    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let delimiter = args.options.delimiter();
    let format = Format::of(&args.output, delimiter)?;
    let centers_format = match &args.centers {
        Some(path) => Some((path, Format::of(path, delimiter)?)),
        None => None,
    };
    let stable = args.bandwidth == "auto";
    let bandwidth = if stable {
        None
    } else {
        read_bandwidth(&args.bandwidth)?
    };
    check_method(args)?;
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.centers.iter().chain(&args.plot).map(PathBuf::as_path));
    output::check(&outputs)?;
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
    }
    let stdout_taken = outputs.iter().any(|path| is_standard(path));
    context.json_needs_stdout(stdout_taken)?;

    let table = Table::read(&args.table, &args.options)?;
    let weights = weights_of(&table, args)?;
    let columns = feature_columns(&table, args)?;
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let raw = table.numbers(&columns, "--columns")?;
    let d = columns.len();
    let scaling = Scaling::of(&raw, &names, args.standardize)?;
    let scaled = scaling.apply(&raw);
    let rows = Rows::new(&scaled, table.rows(), d)?;

    let start = Instant::now();
    let kernel = match &args.kernel {
        Some(kernel) => kernel.clone(),
        None => args.method.kernel().parse()?,
    };
    // Directions have a bandwidth of their own, as ToMATo has.
    let own = args.method == Method::Tomato || args.metric == Distance::Cosine;
    let estimated = !stable && !own_bandwidth(&kernel) && !own;
    let bandwidth = match bandwidth {
        None if estimated => Some(estimate(rows, args, context)?),
        given => given,
    };
    let asked = Asked {
        method: args.method,
        shift: shift_of(args, stable),
        weights,
        kernel: kernel.with_columns(&names)?,
        bandwidth,
        max_dist: args.max_dist,
        merging: args.min_persistence,
        neighbors: args.neighbors,
        metric: args.metric.metric(),
    };
    let found = clusterer::find(&asked, rows, context).map_err(|e| e.in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();

    let k = found.clusters;
    let centers = scaling.undo(&found.centers);
    let sizes = sizes(&found);
    let orphans = found.labels.iter().filter(|l| **l < 0).count();

    let mut files = Outputs::default();
    let labels = vec![(
        args.label_column.clone(),
        Column::Integer(found.labels.clone()),
    )];
    files.add(&args.output, &table.encode(&labels, format)?)?;
    if let Some((path, format)) = centers_format {
        let table = centers_table(&centers, &names, &sizes, &args.label_column)?;
        files.add(path, &table.encode(&[], format)?)?;
    }
    if let Some(path) = &args.plot {
        let raw = Rows::new(&raw, table.rows(), d)?;
        let centers = Rows::new(&centers, k, d)?;
        files.add(
            path,
            &plot::clusters(&names, raw, &found.labels, Some(centers), path)?,
        )?;
    }
    files.commit()?;

    let object = json!({
        "command": "cluster",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "columns": names,
        "standardized": args.standardize,
        "method": args.method.name(),
        "kernel": kernel.to_string(),
        "bandwidth": found.bandwidth,
        "clusters": k,
        "sizes": sizes,
        "orphans": orphans,
        "centers": centers.chunks(d).collect::<Vec<_>>(),
        "iterations": found.iterations,
        "seconds": seconds,
    });
    let units = if args.standardize {
        " standard deviations"
    } else {
        ""
    };
    let mut words = format!(
        "{} in {} by {}: {} in {seconds:.3} s\nbandwidth {}{units}, kernel {}\n",
        count(table.rows(), "row"),
        table.origin(),
        names.join(", "),
        count(k, "cluster"),
        round(found.bandwidth),
        // Without its bandwidth, which has just been named.
        kernel.to_string().replace("()", ""),
    );
    for (i, (center, size)) in centers.chunks(d).zip(&sizes).take(20).enumerate() {
        let center: Vec<String> = center.iter().map(|x| round(*x)).collect();
        let _ = writeln!(
            words,
            "  cluster {i}: {} around ({})",
            count(*size, "row"),
            center.join(", ")
        );
    }
    if k > 20 {
        let _ = writeln!(words, "  .. and {} smaller ones", k - 20);
    }
    if orphans > 0 {
        let _ = writeln!(words, "  no cluster (-1): {}", count(orphans, "row"));
    }
    context.summary(&words, &object, stdout_taken)
}

/// How rows relate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Distance {
    /// Straight lines
    #[default]
    Euclidean,
    /// Directions
    Cosine,
}

impl Distance {
    fn metric(self) -> Metric {
        match self {
            Self::Euclidean => Metric::Euclidean,
            Self::Cosine => Metric::Cosine,
        }
    }
}

fn shift_of(args: &Args, stable: bool) -> MeanShift {
    MeanShift::new()
        .bin_seeding(args.bin_seeding)
        .min_bin_freq(args.min_bin_freq)
        .cluster_all(!args.no_cluster_all)
        .max_iter(args.max_iter)
        .stable_bandwidth(stable.then(StableBandwidth::new))
        .adaptive(args.adaptive.map_or(Adaptive::Never, Adaptive::Pilot))
        .over_relaxation(args.over_relaxation)
        .metric(args.metric.metric())
        .compression(args.compression)
}

/// The column of weights.
fn weights_of(table: &Table, args: &Args) -> Result<Option<Vec<f64>>> {
    let Some(name) = &args.weights else {
        return Ok(None);
    };
    let column = table.find(std::slice::from_ref(name), "--weights")?;
    table.numbers(&column, "--weights").map(Some)
}

/// Refuses flags that the method does not read.
fn check_method(args: &Args) -> Result<()> {
    use Method::{Blurring, MeanShift, Medoid, QuickShift, Tomato};
    let method = args.method;
    let stable = args.bandwidth == "auto";
    method.needs("--bandwidth auto", stable, &[MeanShift, Blurring])?;
    for (flag, asked) in [
        ("--adaptive", args.adaptive.is_some()),
        ("--over-relaxation", args.over_relaxation > 1.0),
        ("--compression", args.compression.is_some()),
    ] {
        method.needs(flag, asked, &[MeanShift])?;
    }
    if args.metric == Distance::Cosine && (args.bandwidth_rows.is_some() || args.quantile != 0.3) {
        return Err(Error::usage(
            "--quantile and --bandwidth-rows are for --metric euclidean; leave them out, or give --bandwidth a number",
        ));
    }
    method.needs("--max-dist", args.max_dist.is_some(), &[QuickShift])?;
    let merged = args.min_persistence.is_some();
    let merging = [MeanShift, QuickShift, Medoid, Tomato];
    method.needs("--min-persistence", merged, &merging)?;
    method.needs("--bin-seeding", args.bin_seeding, &[MeanShift])?;
    let out = args.no_cluster_all;
    method.needs("--no-cluster-all", out, &[MeanShift, Blurring])
}

fn read_bandwidth(text: &str) -> Result<Option<f64>> {
    if text == "quantile" {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(h) if h.is_finite() && h > 0.0 => Ok(Some(h)),
        Ok(_) => Err(Error::usage(format!(
            "--bandwidth {text} must be a positive finite number, quantile or auto"
        ))),
        Err(_) => Err(Error::usage(format!(
            "--bandwidth '{text}' is neither a number nor quantile or auto"
        ))),
    }
}

/// The columns to cluster by.
fn feature_columns(table: &Table, args: &Args) -> Result<Vec<usize>> {
    if table.names().contains(&args.label_column) {
        return Err(Error::usage(format!(
            "{} already has a column '{}'; name the new one with --label-column",
            table.origin(),
            args.label_column
        )));
    }
    if let Some(wanted) = &args.columns {
        return table.find(wanted, "--columns");
    }
    let mut columns = table.numeric_columns()?;
    if let Some(name) = &args.weights {
        let weights = table.find(std::slice::from_ref(name), "--weights")?;
        columns.retain(|c| !weights.contains(c));
    }
    Ok(columns)
}

/// Whether the kernel's text says how wide it is.
fn own_bandwidth(kernel: &Kernel) -> bool {
    let atoms = kernel.atoms();
    let mut rules = atoms.iter().map(|atom| atom.bandwidth_rule());
    rules.any(|rule| *rule != Bandwidth::Default)
}

fn estimate(rows: Rows<'_, f64>, args: &Args, context: &Context) -> Result<f64> {
    if args.bandwidth_rows == Some(0) {
        return Err(Error::usage(
            "--bandwidth-rows 0 leaves no row to estimate from; give 1 or more",
        ));
    }
    let h = context.watched("bandwidth", |watch| {
        estimate_bandwidth(rows, args.quantile, args.bandwidth_rows, 0, watch)
    });
    let h = h.map_err(|e| Error::from(e).in_flags(FLAGS))?;
    if h > 0.0 {
        return Ok(h);
    }
    let alike = (1..rows.rows()).all(|i| rows.row(i) == rows.row(0));
    let why = match rows.rows() {
        1 => "1 row; give one with --bandwidth".to_owned(),
        n if alike => format!("{n} rows that are all alike; give one with --bandwidth"),
        n => format!(
            "{n} rows, whose nearest share of {} lies at distance 0; give one with --bandwidth, or a larger --quantile",
            args.quantile
        ),
    };
    Err(Error::data(format!(
        "the bandwidth cannot be estimated from {why}"
    )))
}

/// Rows of each cluster.
fn sizes(found: &Found) -> Vec<usize> {
    let mut sizes = vec![0; found.clusters];
    for &label in &found.labels {
        if let Ok(label) = usize::try_from(label) {
            sizes[label] += 1;
        }
    }
    sizes
}

fn centers_table(
    centers: &[f64],
    names: &[String],
    sizes: &[usize],
    label_column: &str,
) -> Result<Table> {
    let (k, d) = (sizes.len(), names.len());
    let mut columns = vec![(
        label_column.to_owned(),
        Column::Integer((0..k as i64).collect()),
    )];
    for (c, name) in names.iter().enumerate() {
        let column = (0..k).map(|i| centers[i * d + c]).collect();
        columns.push((name.clone(), Column::Real(column)));
    }
    let sizes = sizes.iter().map(|&s| s as i64).collect();
    columns.push(("size".to_owned(), Column::Integer(sizes)));
    Table::of_columns(columns, k)
}

/// Mean and scale of each column: 0 and 1 where nothing is to be standardized.
pub(super) struct Scaling {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    pub(super) fn of(numbers: &[f64], names: &[String], standardize: bool) -> Result<Self> {
        let d = names.len();
        let (mut mean, mut scale) = (vec![0.0; d], vec![1.0; d]);
        if !standardize {
            return Ok(Self { mean, scale });
        }
        for c in 0..d {
            let column = || numbers.iter().skip(c).step_by(d);
            let n = column().count() as f64;
            let first = numbers[c];
            // From the first value on, so that a constant column has exactly its constant as mean.
            let m = first + column().map(|x| (x - first) / n).sum::<f64>();
            let variance = column().map(|x| (x - m) * (x - m) / n).sum::<f64>();
            if !variance.is_finite() {
                return Err(Error::data(format!(
                    "column '{}' spreads too far to be standardized; give its numbers in a larger unit",
                    names[c]
                )));
            }
            mean[c] = m;
            // A constant column says nothing, and becomes 0.
            if variance > 0.0 {
                scale[c] = variance.sqrt();
            }
        }
        Ok(Self { mean, scale })
    }

    pub(super) fn apply(&self, numbers: &[f64]) -> Vec<f64> {
        let d = self.mean.len();
        let at = |(i, x): (usize, &f64)| (x - self.mean[i % d]) / self.scale[i % d];
        numbers.iter().enumerate().map(at).collect()
    }

    fn undo(&self, numbers: &[f64]) -> Vec<f64> {
        let d = self.mean.len();
        let at = |(i, x): (usize, &f64)| x * self.scale[i % d] + self.mean[i % d];
        numbers.iter().enumerate().map(at).collect()
    }
}

/// A number to four digits, for the eye.
pub(super) fn round(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let before = x.abs().log10().floor() as i32;
    if !(-4..9).contains(&before) {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.*}", usize::try_from(3 - before).unwrap_or(0));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

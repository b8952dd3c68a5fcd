//! `locality embed`.

mod mapping;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::embed::{Pieces, trustworthiness};
use locality::{Kernel, Rows};
use serde_json::{Value, json};

use self::mapping::Mapping;
use super::cluster::{Scaling, round};
use super::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::plot;
use crate::table::{Column, Format, Options, Table};

/// Flags of `locality embed`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality embed wine.csv -o map.csv --columns alcohol,hue,flavanoids,proline --standardize
  locality embed iris.csv -o map.csv --method ltsa --neighbors 30 --plot iris.png --color target
  locality embed points.npy -o unrolled.csv --method mlle --dims 2
  locality embed points.npy -o map.csv --method diffusion --neighbors 63 --kernel gaussian

Where neighbours do not connect all rows, a column NAME_piece says which piece a row is in, and --plot gives each a
colour where --color names no column.")]
pub(crate) struct Args {
    /// The table: .csv, .tsv or .npy, or - for CSV on standard input
    table: PathBuf,

    /// Where to write the table with its new columns; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Columns to embed, names or numbers counted from 0 [default: every column of numbers but --color]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// What must stay as it was in every neighbourhood: lle, the mixture that gives a row from its neighbours; mlle, several such
    /// mixtures; hlle, flatness along the tangent plane; ltsa, the coordinates of the tangent plane. Or what the whole graph of neighbours
    /// says: laplacian, that neighbours stay near; diffusion, where random walks go
    #[arg(
        long,
        value_name = "lle|mlle|hlle|ltsa|laplacian|diffusion",
        default_value = "lle"
    )]
    method: String,

    /// How many neighbours a neighbourhood has
    #[arg(long, value_name = "K", default_value_t = 12)]
    neighbors: usize,

    /// How many new columns
    #[arg(long, value_name = "C", default_value_t = 2)]
    dims: usize,

    /// Penalty on the weights of mixtures of neighbours, over their squared distances: for lle of all rows, for mlle, hlle and ltsa of rows
    /// that are nobody's neighbour, which are placed by such a mixture [default: 0.001]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    reg: Option<f64>,

    /// For lle, laplacian and diffusion: how much neighbours count, such as 'gaussian(h=2)' [default: alike; for diffusion a Gaussian whose
    /// bandwidth is found]
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<Kernel>,

    /// How rows that neighbours do not connect are laid: each piece by itself, around 0, or by coordinates that tell the pieces apart, the
    /// largest first [default: apart for laplacian and diffusion, else centred]
    #[arg(long, value_name = "centred|apart")]
    pieces: Option<Pieces>,

    /// For diffusion: how far the density of the rows is taken out, any number of at least 0; usual are 0, not at all; 0.5, the walk of
    /// Fokker and Planck; and 1, wholly [default: 1]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    alpha: Option<f64>,

    /// For diffusion: number of steps of the walk, any number of at least 0 [default: 1]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    time: Option<f64>,

    /// Embed (x - mean) / standard deviation of each column
    #[arg(long)]
    standardize: bool,

    /// Draw the first two new columns into this picture
    #[arg(long, value_name = "P.png|P.svg")]
    plot: Option<PathBuf>,

    /// For --plot: colour the rows by this column [default: by their piece, where there are several]
    #[arg(long, value_name = "COLUMN")]
    color: Option<String>,

    /// What the new columns are called, before their numbers
    #[arg(long, value_name = "NAME", default_value = "embedding")]
    prefix: String,

    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = Format::of(&args.output, args.options.delimiter())?;
    let mapping = Mapping::of(args)?;
    let mut outputs: Vec<&Path> = vec![&args.output];
    outputs.extend(args.plot.iter().map(PathBuf::as_path));
    output::check(&outputs)?;
    if let Some(path) = &args.plot {
        plot::check("--plot", path)?;
        if args.dims < 2 {
            return Err(Error::usage(
                "--plot draws two columns; give --dims 2 or more",
            ));
        }
    }
    let stdout_taken = outputs.iter().any(|path| is_standard(path));
    context.json_needs_stdout(stdout_taken)?;

    let table = Table::read(&args.table, &args.options)?;
    let color = match &args.color {
        Some(name) => Some(table.find(std::slice::from_ref(name), "--color")?[0]),
        None => None,
    };
    let columns = if let Some(wanted) = &args.columns {
        table.find(wanted, "--columns")?
    } else {
        let all = table.numeric_columns()?;
        all.into_iter().filter(|c| Some(*c) != color).collect()
    };
    let names: Vec<String> = columns.iter().map(|&c| table.names()[c].clone()).collect();
    let piece = format!("{}_piece", args.prefix);
    let new: Vec<String> = (0..args.dims)
        .map(|j| format!("{}_{j}", args.prefix))
        .collect();
    if let Some(taken) = new
        .iter()
        .chain([&piece])
        .find(|name| table.names().contains(name))
    {
        return Err(Error::usage(format!(
            "{} already has a column '{taken}'; name the new ones with --prefix",
            table.origin()
        )));
    }
    let mapping = mapping.with_columns(&names)?;
    let raw = table.numbers(&columns, "--columns")?;
    let scaled = Scaling::of(&raw, &names, args.standardize)?.apply(&raw);
    let rows = Rows::new(&scaled, table.rows(), columns.len())?;

    let start = Instant::now();
    let fit = context
        .watched("embedding", |watch| mapping.embed(args, rows, watch))
        .map_err(|e| Error::from(e).in_flags(FLAGS))?;
    let seconds = start.elapsed().as_secs_f64();
    let kept = args.neighbors.min((table.rows() - 1) / 2);
    let trust = if kept > 0 {
        let score = |watch: &locality::Watch<'_>| trustworthiness(rows, fit.rows()?, kept, watch);
        Some(context.watched("scoring", score)?)
    } else {
        None
    };

    let embedding = fit.rows()?;
    let mut added: Vec<(String, Column)> = (0..args.dims)
        .map(|j| {
            let column = embedding.iter().map(|row| row[j]).collect();
            (new[j].clone(), Column::Real(column))
        })
        .collect();
    if fit.count() > 1 {
        let pieces = fit.pieces.iter().map(|p| *p as i64).collect();
        added.push((piece.clone(), Column::Integer(pieces)));
    }
    let mut files = Outputs::default();
    files.add(&args.output, &table.encode(&added, format)?)?;
    if let Some(path) = &args.plot {
        let points: Vec<[f64; 2]> = embedding.iter().map(|row| [row[0], row[1]]).collect();
        let cells = color.map(|c| super::cells(&table, c));
        let colors = cells.as_ref().zip(color);
        let colors = colors.map(|(cells, c)| (table.names()[c].as_str(), cells.as_slice()));
        // Pieces lie on top of each other, as each has coordinates of its own.
        let pieces: Vec<String> = fit.pieces.iter().map(ToString::to_string).collect();
        let colors = colors.or((fit.count() > 1).then_some((piece.as_str(), &pieces)));
        let title = format!("{} of {}", args.method, count(table.rows(), "row"));
        let scene = plot::draw_cloud(&title, [&new[0], &new[1]], &points, colors)?;
        files.add(path, &plot::encode(&scene, path)?)?;
    }
    files.commit()?;

    let mut object = json!({
        "command": "embed",
        "table": table.origin(),
        "output": args.output.display().to_string(),
        "rows": table.rows(),
        "columns": names,
        "standardized": args.standardize,
        "method": args.method,
        "neighbors": args.neighbors,
        "dims": args.dims,
        "trustworthiness": trust,
        "pieces": fit.count(),
        "warning": fit.warning,
        "seconds": seconds,
    });
    if let Value::Object(fields) = &mut object {
        fields.extend(fit.found.clone());
    }
    let mut words = format!(
        "{} in {} by {}: {} in {seconds:.3} s\n",
        count(table.rows(), "row"),
        table.origin(),
        names.join(", "),
        count(args.dims, "coordinate"),
    );
    if let Some(trust) = trust {
        let _ = writeln!(
            words,
            "trustworthiness of {}: {} (1 where all neighbours are old ones)",
            count(kept, "neighbour"),
            round(trust)
        );
    }
    if let Some(warning) = &fit.warning {
        let warning = warning
            .replace("n_neighbors", "--neighbors")
            .replace("pieces=", "--pieces ");
        let _ = writeln!(words, "note: {warning}");
    }
    if fit.count() > 1 {
        let _ = writeln!(
            words,
            "column {piece} says which piece a row is in; how far pieces are from one another says nothing"
        );
    }
    context.summary(&words, &object, stdout_taken)
}

/// The library's parameters under the tool's names.
const FLAGS: &[(&str, &str)] = &[
    ("n_neighbors", "--neighbors"),
    ("n_components", "--dims"),
    ("n_samples", "rows"),
    ("columns of X", "columns"),
    ("each sample needs", "each row needs"),
    ("method Hessian", "--method hlle"),
    ("method Ltsa", "--method ltsa"),
    ("method Modified", "--method mlle"),
    ("reg=", "--reg="),
    ("alpha=", "--alpha="),
    ("time=", "--time="),
];

//! `locality kernels`: the one list of the core, as a table.

use std::fmt::Write;
use std::path::PathBuf;

use locality::{ProfileInfo, Takes, metrics, neighborhoods, profiles};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Result;
use crate::{output, plot};

/// Flags of `locality kernels`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality kernels
  locality kernels --plot kernels
  locality kernels --json")]
pub(crate) struct Args {
    /// Draw every kernel into this folder, which is created if need be
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let files = match &args.plot {
        Some(folder) => plot::kernels(folder)?,
        None => Vec::new(),
    };
    if context.json {
        let mut object = object();
        if args.plot.is_some() {
            object["files"] = files.iter().map(|f| f.display().to_string()).collect();
        }
        return output::say(&format!("{object}\n"));
    }
    if args.plot.is_some() {
        if context.quiet {
            return Ok(());
        }
        let mut list = String::new();
        for file in &files {
            let _ = writeln!(list, "{}", file.display());
        }
        return output::say(&list);
    }
    output::say(&text())
}

fn text() -> String {
    let mut out = String::from(
        "Kernels: weight as a function of the distance u, in bandwidths, or of a score s\n\n",
    );
    let rows = profiles().iter().map(|p| {
        [
            p.name.to_owned(),
            p.formula.to_owned(),
            parameters(p),
            support(p).to_owned(),
            aliases(p.aliases),
        ]
    });
    let head = ["name", "weight", "parameters", "support", "also called"];
    table(&mut out, head, &rows.collect::<Vec<_>>());
    out.push_str("\nMetrics: gaussian(h=2, metric=manhattan)\n\n");
    let rows = metrics().iter().map(|m| {
        [
            m.name.to_owned(),
            m.formula.to_owned(),
            aliases(m.aliases),
            m.summary.to_owned(),
        ]
    });
    let head = ["name", "formula", "also called", "use"];
    table(&mut out, head, &rows.collect::<Vec<_>>());
    out.push_str("\nNeighbourhoods: --neighborhood \"nearest(k=10)\", joined with &\n\n");
    let rows = neighborhoods()
        .iter()
        .map(|n| [n.form.to_owned(), n.summary.to_owned()]);
    table(&mut out, ["form", "use"], &rows.collect::<Vec<_>>());
    out.push_str(
        "
Bandwidth: h=0.3 for every direction, h=[0.3, 1.5] for each column, knn=30 for the distance to the 30th neighbour of the query, site_knn=30 for that of each key to its
30th other key, site_h=[..] for each key.
Columns: cols=x or cols=[lat, lon]; without cols, a kernel looks at every column that no other kernel of the text names.
Groups: uniform(cols=group), without h, asks for equal values, which may be words.
Algebra: gaussian(h=0.3) * uniform(cols=group), 0.5 * gaussian(h=1) + 0.5 * laplace(h=2), cauchy(h=1)^2.
",
    );
    out
}

/// Columns as wide as their widest cell, the last one free.
fn table<const N: usize>(out: &mut String, head: [&str; N], rows: &[[String; N]]) {
    let head = head.map(str::to_owned);
    let mut widths = [0; N];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "  {cell:width$}");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn parameters(profile: &ProfileInfo) -> String {
    let own = profile.parameters.iter();
    let mut list: Vec<String> = own.map(|p| format!("{}={}", p.name, p.default)).collect();
    if profile.takes == Takes::Distance {
        list.insert(0, "h=1".to_owned());
    }
    list.join(", ")
}

fn support(profile: &ProfileInfo) -> &'static str {
    match (profile.takes, profile.bounded) {
        (Takes::Score, _) => "all s",
        (Takes::Distance, true) => "u <= 1",
        (Takes::Distance, false) => "all u",
    }
}

fn aliases(names: &[&str]) -> String {
    names.join(", ")
}

fn object() -> Value {
    let profiles: Vec<Value> = profiles()
        .iter()
        .map(|p| {
            let parameters: Vec<Value> = p
                .parameters
                .iter()
                .map(|p| {
                    json!({
                        "name": p.name,
                        "default": p.default,
                        "min": if p.min.is_finite() { json!(p.min) } else { Value::Null },
                        "min_allowed": !p.open,
                        "summary": p.summary,
                    })
                })
                .collect();
            json!({
                "name": p.name,
                "aliases": p.aliases,
                "formula": p.formula,
                "takes": if p.takes == Takes::Distance { "distance" } else { "score" },
                "bounded": p.bounded,
                "support": support(p),
                "parameters": parameters,
                "summary": p.summary,
            })
        })
        .collect();
    let metrics: Vec<Value> = metrics()
        .iter()
        .map(|m| json!({"name": m.name, "aliases": m.aliases, "formula": m.formula, "summary": m.summary}))
        .collect();
    let neighborhoods: Vec<Value> = neighborhoods()
        .iter()
        .map(|n| json!({"name": n.name, "form": n.form, "summary": n.summary}))
        .collect();
    json!({"kernels": profiles, "metrics": metrics, "neighborhoods": neighborhoods})
}

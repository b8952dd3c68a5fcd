//! `locality inspect`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use locality::model::{Feature, ModelFile};
use serde_json::{Map, Value, json};

use super::cluster::round;
use super::gwr;
use super::predict::{load, read};
use crate::context::Context;
use crate::error::Result;
use crate::models::{Columns, Fitted, Missing};

/// Flags of `locality inspect`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality inspect price.loc
  locality inspect iris.loc --json")]
pub(crate) struct Args {
    /// The model file
    model: PathBuf,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let file = read(&args.model)?;
    let size = std::fs::metadata(&args.model).map_or(0, |m| m.len());
    let lines = if gwr::is_kept(&file) {
        let own = gwr::lines(&args.model, &file, context)?.into_iter();
        let own = own.map(|(k, v)| (k.to_owned(), v));
        own.chain(of_file(&file, size)).collect()
    } else {
        let fitted = context.watched("load", |watch| load(&args.model, &file, watch))?;
        lines(&args.model, &file, &fitted, size)?
    };
    let wide = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut words = String::new();
    for (name, value) in &lines {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Array(list) => {
                let each = list.iter().map(|v| match v {
                    Value::String(text) => text.clone(),
                    v => v.as_f64().map_or_else(|| v.to_string(), round),
                });
                each.collect::<Vec<String>>().join(", ")
            }
            Value::Number(n) => n
                .as_f64()
                .filter(|_| n.is_f64())
                .map_or_else(|| n.to_string(), round),
            other => other.to_string(),
        };
        let _ = writeln!(words, "{:wide$}  {value}", name.replace('_', " "));
    }
    let object: Map<String, Value> = lines.into_iter().collect();
    context.summary(&words, &Value::Object(object), false)
}

fn lines(
    path: &Path,
    file: &ModelFile,
    fitted: &Fitted,
    size: u64,
) -> Result<Vec<(String, Value)>> {
    let about = file.about();
    let samples = file
        .arrays()
        .get("samples")
        .map_or((0, 0), |a| (a.shape()[0], a.shape()[1]));
    let known = Columns::known(file, samples.1).map_err(|e| e.context(path.display()))?;
    let column = |f: &Feature| match &f.levels {
        None => quoted(&f.name),
        Some(levels) => {
            let levels: Vec<String> = levels.iter().map(|l| quoted(l)).collect();
            format!("{} ({})", quoted(&f.name), levels.join(", "))
        }
    };
    let columns: Vec<String> = known.features().iter().map(column).collect();
    let mut out = vec![
        ("kind", json!(file.kind())),
        ("model", json!(fitted.title())),
        ("task", json!(fitted.task().name())),
    ];
    if let Some(target) = &about.target {
        out.push(("target", json!(target)));
    }
    if !about.classes.is_empty() {
        let names = about.classes.iter().map(|c| quoted(&c.to_string()));
        let names: Vec<String> = names.collect();
        out.push(("classes", json!(names)));
    }
    out.push(("rows", json!(samples.0)));
    out.push(("columns", json!(columns)));
    if known.filling().policy() != Missing::Error {
        out.push(("missing", json!(known.filling().policy().name())));
    }
    out.push(("nearness", json!(fitted.nearness())));
    if let Some(scales) = fitted.scales()
        && scales.iter().any(|s| *s != 1.0)
    {
        let each: Vec<String> = scales.iter().map(|s| round(*s)).collect();
        out.push(("columns_divided_by", json!(each)));
    }
    let mut out: Vec<(String, Value)> = out.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    for (name, score) in &about.scores {
        let name = name.replacen("loo_", "leave_one_out_", 1);
        out.push((name, json!(score)));
    }
    out.extend(of_file(file, size));
    Ok(out)
}

/// A word as it is, in quotes where it could be taken for two, or for none.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-+./:=%".contains(c);
    let inside = word.trim() == word && word.chars().all(|c| plain(c) || c == ' ');
    if inside && !word.is_empty() {
        return word.to_owned();
    }
    format!("{word:?}")
}

/// What is said of every file.
fn of_file(file: &ModelFile, size: u64) -> [(String, Value); 3] {
    [
        ("library".to_owned(), json!(file.library())),
        ("format".to_owned(), json!(locality::model::FORMAT)),
        ("bytes".to_owned(), json!(size)),
    ]
}

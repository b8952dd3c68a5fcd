//! `locality fuzzy plot`.

use std::path::{Path, PathBuf};

use locality::fuzzy::FuzzySystem;
use serde_json::json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::plot::{self, Surface};

/// Points along each input of the control surface.
const POINTS: usize = 81;

/// Flags of `locality fuzzy plot`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality fuzzy plot tip.toml -o tip.png
  locality fuzzy plot cooling.fcl -o cooling.svg --of heat,damp --output-name speed")]
pub(crate) struct Args {
    /// The rules: .toml, .fcl (IEC 61131-7) or .fis (MATLAB)
    rules: PathBuf,

    /// The picture
    #[arg(short, long, value_name = "P.png|P.svg")]
    output: PathBuf,

    /// Two inputs to draw an output over [default: the first two]
    #[arg(long, value_name = "INPUT1,INPUT2", value_delimiter = ',')]
    of: Option<Vec<String>>,

    /// Which output, whose terms alone are drawn beside those of the inputs [default: the first, and the terms of all]
    #[arg(long, value_name = "OUTPUT")]
    output_name: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    plot::check("--output", &args.output)?;
    let outputs: Vec<&Path> = vec![&args.output];
    output::check(&outputs)?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let system = super::read(&args.rules)?;
    let over = over(args, &system)?;
    let names: Vec<&str> = system.outputs().iter().map(|o| &*o.name).collect();
    let only = match &args.output_name {
        Some(name) => Some(find(name, &names, "--output-name")?),
        None => None,
    };
    let output = only.unwrap_or(0);
    let surface = match over {
        Some(over) => Some(Surface {
            over,
            output,
            points: POINTS,
            values: context.watched("evaluating", |watch| {
                system.surface(over, output, POINTS, None, watch)
            })?,
        }),
        None => None,
    };
    let scene = plot::draw_fuzzy(&system, only, surface.as_ref())?;
    let mut files = Outputs::default();
    files.add(&args.output, &plot::encode(&scene, &args.output)?)?;
    files.commit()?;
    let object = json!({
        "command": "fuzzy plot",
        "rules": args.rules.display().to_string(),
        "output": args.output.display().to_string(),
        "inputs": system.inputs().iter().map(|i| &i.name).collect::<Vec<_>>(),
        "surface_of": over.map(|over| over.map(|j| &system.inputs()[j].name)),
    });
    let words = format!("{}\n", args.output.display());
    context.summary(&words, &object, stdout_taken)
}

fn over(args: &Args, system: &FuzzySystem) -> Result<Option<[usize; 2]>> {
    let names: Vec<&str> = system.inputs().iter().map(|i| &*i.name).collect();
    match args.of.as_deref() {
        Some([a, b]) => {
            let found = [find(a, &names, "--of")?, find(b, &names, "--of")?];
            if found[0] == found[1] {
                return Err(Error::usage(format!(
                    "--of names '{a}' twice; give two inputs"
                )));
            }
            Ok(Some(found))
        }
        Some(other) => Err(Error::usage(format!(
            "--of needs two inputs, not {}; give INPUT1,INPUT2",
            other.len()
        ))),
        None if names.len() > 1 => Ok(Some([0, 1])),
        None => Ok(None),
    }
}

fn find(name: &str, known: &[&str], flag: &str) -> Result<usize> {
    known.iter().position(|k| *k == name).ok_or_else(|| {
        Error::usage(format!(
            "{flag}: {}",
            locality::names::unknown("name", name, known.iter().copied())
        ))
    })
}

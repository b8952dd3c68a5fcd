//! `locality lm curves`.

use std::path::{Path, PathBuf};

use locality_learn::TextTraining;
use serde_json::json;

use super::load;
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output;
use crate::plot::{self, Curve};

/// Flags of `locality lm curves`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality lm curves softmax.safetensors gauss.safetensors -o kernels.png

A curve is the loss on the held-out tenth, in nats a token, at each look of the training.")]
pub(crate) struct Args {
    /// Models, as `locality lm train` wrote them
    #[arg(required = true, value_name = "M")]
    models: Vec<PathBuf>,

    /// Where to draw them
    #[arg(short, long, value_name = "P.png|P.svg")]
    output: PathBuf,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    plot::check("-o", &args.output)?;
    output::check(&[&args.output])?;
    let stdout_taken = output::is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let curves = args.models.iter().map(|path| curve(path));
    let curves = curves.collect::<Result<Vec<_>>>()?;
    let title = "loss on the held-out text, nats a token";
    let scene = plot::draw_lines(title, ["step", "loss"], &[], &curves)?;
    output::write(&args.output, &plot::encode(&scene, &args.output)?)?;
    let last = |c: &Curve| c.points.last().map(|p| p[1]);
    let object = json!({
        "command": "lm curves",
        "output": args.output.display().to_string(),
        "models": curves.iter().zip(&args.models).map(|(c, path)| {
            json!({"model": path.display().to_string(), "name": c.name, "loss": last(c), "curve": c.points})
        }).collect::<Vec<_>>(),
    });
    let words = format!("{}\n", count(curves.len(), "curve"));
    context.summary(&words, &object, stdout_taken)
}

/// The curve of a model, under the name of its file and its kernel.
fn curve(path: &Path) -> Result<Curve> {
    let checkpoint = load(path)?;
    let history = TextTraining::history_of(&checkpoint).unwrap_or_default();
    if history.is_empty() {
        return Err(Error::data(format!(
            "{} has no losses; name models of `locality lm train` that have been looked at (see --save-every)",
            path.display()
        )));
    }
    let name = path.file_stem().unwrap_or_default().display().to_string();
    let kernel = checkpoint.model.config().kernel_text();
    Ok(Curve {
        name: if name.contains(kernel) {
            name
        } else {
            format!("{name}: {kernel}")
        },
        points: history
            .iter()
            .map(|h| [h.step as f64, h.validation])
            .collect(),
    })
}

//! `locality image filter`.

use std::fmt::Write;
use std::time::Instant;

use locality::image::{MeanShiftFilter, Sample};
use serde_json::json;

use super::{Common, FLAGS, Facts, view};
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::picture::{self, Picture, Samples};

/// Flags of `locality image filter`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image filter photo.png -o smooth.png
  locality image filter photo.jpg -o flat.jpg --spatial 20 --range 30
  locality image filter photo.jpg -o smooth.jpg --spatial 4 --range 12 --kernel gaussian --tol 0.1

Time grows with the square of --spatial. The Gaussian window reaches three bandwidths, nine times the area of a flat one, and its
paths take many more steps; a greater --tol ends them sooner.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,

    /// Radius of the window in colour
    #[arg(
        long,
        value_name = "COLOUR",
        default_value_t = 20.0,
        allow_negative_numbers = true,
        display_order = 1
    )]
    range: f64,

    /// OpenCV's stop rule and rounding; with --color raw the result is that of pyrMeanShiftFiltering (maxLevel 0) bit for bit
    #[arg(long, conflicts_with_all = ["max_iter", "tol"])]
    like_opencv: bool,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let common = &args.common;
    let format = picture::format_of(&common.output)?;
    output::check(&[&common.output])?;
    let stdout_taken = is_standard(&common.output);
    context.json_needs_stdout(stdout_taken)?;
    let picture = common.read()?;
    picture.check(format, &common.output)?;

    let mut parameters = common.parameters(args.range);
    if args.like_opencv {
        parameters = parameters.like_opencv();
    }
    let start = Instant::now();
    let (samples, facts) = match &picture.samples {
        Samples::Eight(samples) => {
            let out = apply(&parameters, &picture, samples, context)?;
            (Samples::Eight(out.0), out.1)
        }
        Samples::Sixteen(samples) => {
            let out = apply(&parameters, &picture, samples, context)?;
            (Samples::Sixteen(out.0), out.1)
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let result = picture.with_samples(samples);
    output::write(&common.output, &result.encode(format, &common.output)?)?;

    let pixels = picture.width * picture.height;
    let object = json!({
        "command": "image filter",
        "input": common.input_name(),
        "output": common.output.display().to_string(),
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "bits": picture.bits(),
        "color": facts.color,
        "kernel": common.kernel.to_string(),
        "spatial": common.spatial,
        "range": args.range,
        "steps": facts.steps,
        "unsettled": facts.unsettled,
        "seconds": seconds,
    });
    let mut words = format!(
        "{} x {} pixels in {}: {seconds:.3} s, {:.1} steps a pixel\n",
        picture.width,
        picture.height,
        facts.color,
        facts.steps as f64 / pixels as f64,
    );
    if facts.unsettled > 0 && !args.like_opencv {
        let _ = writeln!(
            words,
            "{} had not come to rest after {} steps; raise --max-iter or --tol",
            count(facts.unsettled, "pixel"),
            common.max_iter
        );
    }
    context.summary(&words, &object, stdout_taken)
}

fn apply<T: Sample>(
    parameters: &MeanShiftFilter,
    picture: &Picture,
    samples: &[T],
    context: &Context,
) -> Result<(Vec<T>, Facts)> {
    let view = view(picture, samples)?;
    let filtered = context.watched("filtering", |watch| parameters.filter(&view, watch));
    let filtered = filtered.map_err(|e| Error::from(e).in_flags(FLAGS))?;
    let facts = Facts::of(&filtered);
    Ok((filtered.into_samples(), facts))
}

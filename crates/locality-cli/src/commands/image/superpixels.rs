//! `locality image superpixels`.

use std::path::PathBuf;
use std::time::Instant;

use locality::image::{ColorSpace, Connectivity, Sample, Superpixels};
use serde_json::json;

use super::regions::{Drawn, Paths, RegionFlags};
use super::{FLAGS, view};
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::is_standard;
use crate::picture::{MAX_PIXELS, Picture, Samples};

/// Flags of `locality image superpixels`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image superpixels photo.png -o mosaic.png
  locality image superpixels photo.jpg -o mosaic.png --kernel-size 3 --max-dist 6 --boundaries lines.png --labels labels.npy
  locality image superpixels photo.jpg -o parts.png --regions 50

OUT shows each superpixel in its mean colour. Numbers mean what they mean in scikit-image's quickshift.")]
pub(crate) struct Args {
    /// The picture: PNG, JPEG, TIFF or WebP, 8 or 16 bit; - is standard input
    input: PathBuf,

    /// Where to write the picture: .png, .jpg, .tiff or .webp; - is PNG on standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Standard deviation of the density's kernel, in pixels; greater: fewer superpixels
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 5.0,
        allow_negative_numbers = true,
        display_order = 0
    )]
    kernel_size: f64,

    /// Longest link, in pixels; greater: fewer superpixels
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 10.0,
        allow_negative_numbers = true,
        display_order = 1
    )]
    max_dist: f64,

    /// How many pixels a unit of colour is worth
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    ratio: f64,

    /// Smooth the colours by a Gaussian of this standard deviation first
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    sigma: f64,

    /// Where colours are compared: luv, lab, or raw samples of 0 to 255; lab for colour, raw for grey unless given
    #[arg(long, value_name = "SPACE")]
    color: Option<ColorSpace>,

    #[command(flatten)]
    regions: RegionFlags,

    /// Refuse larger pictures before decoding them
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let paths = args.regions.paths(&args.output)?;
    let stdout_taken = paths.take_stdout();
    context.json_needs_stdout(stdout_taken)?;
    let picture = Picture::read(&args.input, args.max_pixels)?;
    paths.check(&picture)?;
    let (drawn, facts) = match &picture.samples {
        Samples::Eight(samples) => {
            let done = divide(args, &picture, samples, &paths, context)?;
            (done.0.map(Samples::Eight), done.1)
        }
        Samples::Sixteen(samples) => {
            let done = divide(args, &picture, samples, &paths, context)?;
            (done.0.map(Samples::Sixteen), done.1)
        }
    };
    paths.write(&picture, drawn)?;
    let input = if is_standard(&args.input) {
        "standard input".to_owned()
    } else {
        args.input.display().to_string()
    };
    let object = json!({
        "command": "image superpixels",
        "input": input,
        "output": args.output.display().to_string(),
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "bits": picture.bits(),
        "color": facts.color,
        "kernel_size": args.kernel_size,
        "max_dist": args.max_dist,
        "ratio": args.ratio,
        "sigma": args.sigma,
        "superpixels": facts.superpixels,
        "regions": facts.sizes.len(),
        "sizes": facts.sizes,
        "seconds": facts.seconds,
    });
    let merged = if facts.sizes.len() < facts.superpixels {
        format!(", merged into {}", count(facts.sizes.len(), "region"))
    } else {
        String::new()
    };
    let words = format!(
        "{}{merged} in {:.3} s ({} x {} pixels, {})\n",
        count(facts.superpixels, "superpixel"),
        facts.seconds,
        picture.width,
        picture.height,
        facts.color,
    );
    context.summary(&words, &object, stdout_taken)
}

/// What the summary says.
struct Facts {
    color: String,
    superpixels: usize,
    sizes: Vec<usize>,
    seconds: f64,
}

fn divide<T: Sample>(
    args: &Args,
    picture: &Picture,
    samples: &[T],
    paths: &Paths<'_>,
    context: &Context,
) -> Result<(Drawn<Vec<T>>, Facts)> {
    let view = view(picture, samples)?;
    let mut parameters = Superpixels::new(args.kernel_size, args.max_dist)
        .ratio(args.ratio)
        .sigma(args.sigma);
    if let Some(color) = args.color {
        parameters = parameters.color(color);
    }
    let start = Instant::now();
    let (superpixels, found) = context.watched("finding superpixels", |watch| {
        let found = parameters.segment(&view, watch);
        let found = found.map_err(|e| Error::from(e).in_flags(FLAGS))?;
        let superpixels = found.n_regions();
        let merged = args
            .regions
            .merge(found, &view, Connectivity::Eight, watch)?;
        Ok::<_, Error>((superpixels, merged))
    })?;
    let facts = Facts {
        color: found.color_space().to_string(),
        superpixels,
        sizes: found.sizes().to_vec(),
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((Drawn::new(&found, &view, paths.with_lines())?, facts))
}

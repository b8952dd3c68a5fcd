//! `locality image segment`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::image::{Connectivity, MeanShiftSegmenter, Sample, Segmentation};
use serde_json::json;

use super::labels::LabelFormat;
use super::{Common, Facts, view};
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, Outputs, is_standard};
use crate::picture::{self, Picture, Samples};

/// Flags of `locality image segment`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image segment photo.png -o regions.png
  locality image segment photo.jpg -o regions.png --range 8 --min-region 300 --boundaries lines.png
  locality image segment scan.tiff -o regions.tiff --labels labels.npy

OUT shows each region in its mean colour.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,

    /// Radius of the window in colour
    #[arg(
        long,
        value_name = "COLOUR",
        default_value_t = 10.0,
        allow_negative_numbers = true,
        display_order = 1
    )]
    range: f64,

    /// Smaller regions, in pixels, join their nearest neighbour
    #[arg(long, value_name = "PIXELS", default_value_t = 100)]
    min_region: usize,

    /// Write the number of each pixel's region: L.npy (32 bit), or L.png (8 or 16 bit grey, as needed)
    #[arg(long, value_name = "L.npy|L.png")]
    labels: Option<PathBuf>,

    /// Write the picture with the regions' boundaries drawn in
    #[arg(long, value_name = "B.png")]
    boundaries: Option<PathBuf>,

    /// Neighbouring pixels are of one region when their modes lie within this many bandwidths
    #[arg(
        long,
        value_name = "BANDWIDTHS",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    fusion: f64,

    /// Neighbours of a pixel: 4 or 8
    #[arg(long, value_name = "4|8", default_value = "8", value_parser = connectivity)]
    connectivity: Connectivity,
}

fn connectivity(text: &str) -> Result<Connectivity, String> {
    match text {
        "4" => Ok(Connectivity::Four),
        "8" => Ok(Connectivity::Eight),
        _ => Err("give 4 or 8".to_owned()),
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let common = &args.common;
    let format = picture::format_of(&common.output)?;
    let boundaries = args.boundaries.as_deref();
    let boundaries = boundaries
        .map(|path| Ok::<_, Error>((path, picture::format_of(path)?)))
        .transpose()?;
    let labels = args.labels.as_deref();
    let labels = labels.map(|path| Ok::<_, Error>((path, LabelFormat::of(path)?)));
    let labels = labels.transpose()?;
    let mut outputs: Vec<&Path> = vec![&common.output];
    outputs.extend(boundaries.iter().map(|b| b.0));
    outputs.extend(labels.iter().map(|l| l.0));
    output::check(&outputs)?;
    let stdout_taken = outputs.iter().any(|path| is_standard(path));
    context.json_needs_stdout(stdout_taken)?;
    let picture = common.read()?;
    picture.check(format, &common.output)?;
    if let Some((path, format)) = boundaries {
        picture.check(format, path)?;
    }

    let parameters = MeanShiftSegmenter::with_filter(common.parameters(args.range))
        .min_region(args.min_region)
        .fusion(args.fusion)
        .connectivity(args.connectivity);
    let lines = boundaries.is_some();
    let done = match &picture.samples {
        Samples::Eight(samples) => {
            divide(&parameters, &picture, samples, lines, context)?.map(Samples::Eight)
        }
        Samples::Sixteen(samples) => {
            divide(&parameters, &picture, samples, lines, context)?.map(Samples::Sixteen)
        }
    };

    let mut files = Outputs::default();
    let mean = picture.with_samples(done.mean);
    files.add(&common.output, &mean.encode(format, &common.output)?)?;
    if let (Some((path, format)), Some(lines)) = (boundaries, done.lines) {
        let lines = picture.with_samples(lines);
        files.add(path, &lines.encode(format, path)?)?;
    }
    if let Some((path, format)) = labels {
        files.add(path, &format.encode(&done.labels, &picture, path)?)?;
    }
    files.commit()?;

    let (smallest, largest) = (done.sizes.iter().min(), done.sizes.iter().max());
    let regions = done.sizes.len();
    let object = json!({
        "command": "image segment",
        "input": common.input_name(),
        "output": common.output.display().to_string(),
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "bits": picture.bits(),
        "color": done.facts.color,
        "kernel": common.kernel.to_string(),
        "spatial": common.spatial,
        "range": args.range,
        "min_region": args.min_region,
        "regions": regions,
        "sizes": done.sizes,
        "steps": done.facts.steps,
        "unsettled": done.facts.unsettled,
        "seconds": done.seconds,
    });
    let words = format!(
        "{} in {:.3} s ({} x {} pixels, {}; the smallest region has {}, the largest {})\n",
        count(regions, "region"),
        done.seconds,
        picture.width,
        picture.height,
        done.facts.color,
        count(smallest.copied().unwrap_or(0), "pixel"),
        largest.unwrap_or(&0),
    );
    context.summary(&words, &object, stdout_taken)
}

/// A segmentation in the pieces that are written; `S` holds samples.
struct Divided<S> {
    mean: S,
    lines: Option<S>,
    labels: Vec<u32>,
    sizes: Vec<usize>,
    facts: Facts,
    seconds: f64,
}

impl<T> Divided<Vec<T>> {
    fn map(self, wrap: impl Fn(Vec<T>) -> Samples) -> Divided<Samples> {
        Divided {
            mean: wrap(self.mean),
            lines: self.lines.map(wrap),
            labels: self.labels,
            sizes: self.sizes,
            facts: self.facts,
            seconds: self.seconds,
        }
    }
}

fn divide<T: Sample>(
    parameters: &MeanShiftSegmenter,
    picture: &Picture,
    samples: &[T],
    lines: bool,
    context: &Context,
) -> Result<Divided<Vec<T>>> {
    let view = view(picture, samples)?;
    let start = Instant::now();
    let done: Segmentation<T> =
        context.watched("segmenting", |watch| parameters.segment(&view, watch))?;
    let seconds = start.elapsed().as_secs_f64();
    // Yellow, or white: opaque, full intensity in all but blue.
    let (full, none) = (T::nearest(T::FULL), T::nearest(0.0));
    let ink = match picture.channels {
        1 | 2 => [full; 4],
        _ => [full, full, none, full],
    };
    let lines = lines
        .then(|| done.draw_boundaries(&view, &ink[..picture.channels]))
        .transpose()?;
    Ok(Divided {
        mean: done.mean_picture(),
        lines,
        labels: done.labels().to_vec(),
        sizes: done.sizes().to_vec(),
        facts: Facts::of(done.filtered()),
        seconds,
    })
}

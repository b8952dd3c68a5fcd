//! `locality image segment`.

use std::time::Instant;

use locality::image::{Connectivity, EdgeWeights, MeanShiftSegmenter, Sample};
use serde_json::json;

use super::regions::{Drawn, Paths, RegionFlags};
use super::{Common, FLAGS, Facts, view};
use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::picture::{Picture, Samples};

/// Flags of `locality image segment`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image segment photo.png -o regions.png
  locality image segment photo.jpg -o regions.png --range 8 --min-region 300 --boundaries lines.png
  locality image segment scan.tiff -o regions.tiff --labels labels.npy
  locality image segment photo.png -o regions.png --edges --regions 30

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

    #[command(flatten)]
    regions: RegionFlags,

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

    /// As EDISON: pixels on edges count less, and regions with a strong edge between them are not joined
    #[arg(long)]
    edges: bool,

    /// With --edges: the window of gradients has twice as many rows and columns, and one
    #[arg(long, value_name = "PIXELS", default_value_t = 2, requires = "edges")]
    gradient_window: usize,

    /// With --edges: the gradient's share of the edge strength; the rest is the likeness to an ideal edge
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, requires = "edges")]
    mixture: f64,

    /// With --edges: regions are kept apart by a mean edge strength of at least this, from 0 to 1
    #[arg(
        long,
        value_name = "STRENGTH",
        default_value_t = 0.3,
        requires = "edges"
    )]
    edge_strength_threshold: f64,
}

impl Args {
    fn edge_weights(&self) -> Option<EdgeWeights> {
        self.edges.then(|| {
            EdgeWeights::default()
                .gradient_window_radius(self.gradient_window)
                .mixture(self.mixture)
                .edge_strength_threshold(self.edge_strength_threshold)
        })
    }
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
    let paths = args.regions.paths(&common.output)?;
    let stdout_taken = paths.take_stdout();
    context.json_needs_stdout(stdout_taken)?;
    let picture = common.read()?;
    paths.check(&picture)?;

    let parameters = MeanShiftSegmenter::with_filter(common.parameters(args.range))
        .min_region(args.min_region)
        .fusion(args.fusion)
        .connectivity(args.connectivity)
        .edges(args.edge_weights());
    let (drawn, done) = match &picture.samples {
        Samples::Eight(samples) => {
            let done = divide(args, &parameters, &picture, samples, &paths, context)?;
            (done.0.map(Samples::Eight), done.1)
        }
        Samples::Sixteen(samples) => {
            let done = divide(args, &parameters, &picture, samples, &paths, context)?;
            (done.0.map(Samples::Sixteen), done.1)
        }
    };
    paths.write(&picture, drawn)?;

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
        "edges": args.edges,
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

/// What the summary says.
struct Done {
    sizes: Vec<usize>,
    facts: Facts,
    seconds: f64,
}

fn divide<T: Sample>(
    args: &Args,
    parameters: &MeanShiftSegmenter,
    picture: &Picture,
    samples: &[T],
    paths: &Paths<'_>,
    context: &Context,
) -> Result<(Drawn<Vec<T>>, Done)> {
    let view = view(picture, samples)?;
    let start = Instant::now();
    let (facts, found) = context.watched("segmenting", |watch| {
        let done = parameters.segment(&view, watch);
        let done = done.map_err(|e| Error::from(e).in_flags(FLAGS))?;
        let facts = Facts::of(done.filtered());
        let found = done.into_partition();
        let merged = args.regions.merge(found, &view, args.connectivity, watch)?;
        Ok::<_, Error>((facts, merged))
    })?;
    let done = Done {
        sizes: found.sizes().to_vec(),
        facts,
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((Drawn::new(&found, &view, paths.with_lines())?, done))
}

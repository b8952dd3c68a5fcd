//! `locality image relabel`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use locality::Rows;
use locality::image::Sample;
use locality::labeling::{Compatibility, DenseCrf, Graph, Pairwise, balanced, compatibilities};
use serde_json::json;

use crate::commands::count;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::picture::{self, MAX_PIXELS, Picture, Samples};

/// More values than these in a picture of labels are shades rather than labels.
const MOST_LABELS: usize = 256;

/// Flags of `locality image relabel`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image relabel photo.png --labels noisy.png -o clean.png
  locality image relabel photo.jpg --labels scribbles.png -o full.png --unknown 0,0,0 --confidence 0.9
  locality image relabel photo.jpg --labels coarse.png -o fine.png --spatial 40 --range 8 --steps 10
  locality image relabel photo.png --labels noisy.png -o clean.png --like by-hand.png

LABELS is a picture of the same size in which every label has a value or a colour of its own; OUT has the same ones. Each pixel hears
every other: by distance within --smooth, and by distance and colour within --spatial and --range (a fully connected conditional
random field, Krähenbühl and Koltun 2011).")]
pub(crate) struct Args {
    /// The photo: PNG, JPEG, TIFF or WebP, 8 or 16 bit; - is standard input
    input: PathBuf,

    /// The labels: a picture of the same size, one value or colour for each label; not JPEG, which changes them
    #[arg(long, value_name = "LABELS")]
    labels: PathBuf,

    /// Where to write the cleaned labels: .png, .tiff or .webp; - is PNG on standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// How far pixels of like colour draw each other, in pixels
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 80.0,
        allow_negative_numbers = true
    )]
    spatial: f64,

    /// How like their colours must be, on a scale of 0 to 255
    #[arg(
        long,
        value_name = "COLOUR",
        default_value_t = 13.0,
        allow_negative_numbers = true
    )]
    range: f64,

    /// How much they draw each other
    #[arg(
        long,
        value_name = "W",
        default_value_t = 10.0,
        allow_negative_numbers = true
    )]
    weight: f64,

    /// How far pixels of any colour draw each other, in pixels
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 3.0,
        allow_negative_numbers = true
    )]
    smooth: f64,

    /// How much those do; 0 not at all [default: 3, or 1 with --like]
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    smooth_weight: Option<f64>,

    /// A picture that is labelled well, with the values of LABELS: learn from it which labels lie side by side and which never do, for pixels within
    /// --smooth, instead of drawing equal ones together
    #[arg(long, value_name = "PICTURE")]
    like: Option<PathBuf>,

    /// How likely a given label is right, above what chance gives, one part in as many as there are labels
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.7,
        allow_negative_numbers = true
    )]
    confidence: f64,

    /// The value or colour of pixels whose label is not known, such as 0 or 0,0,0; they get one
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    unknown: Option<Vec<u16>>,

    /// Steps of inference
    #[arg(long, value_name = "N", default_value_t = 5)]
    steps: usize,

    /// What the weight of a pair of pixels, at most 1, may be off by
    #[arg(
        long,
        value_name = "T",
        default_value_t = 0.01,
        allow_negative_numbers = true
    )]
    tolerance: f64,

    /// Refuse larger pictures before decoding them
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = picture::format_of(&args.output)?;
    if format == image::ImageFormat::Jpeg {
        return Err(Error::usage(
            "JPEG changes the values of labels; end the name of -o in .png, .tiff or .webp",
        ));
    }
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    if !(args.confidence > 0.0 && args.confidence < 1.0) {
        return Err(Error::usage(format!(
            "--confidence {} must be above 0 and below 1",
            args.confidence
        )));
    }
    let photo = Picture::read(&args.input, args.max_pixels)?;
    let given = Picture::read(&args.labels, args.max_pixels)?;
    given.check(format, &args.output)?;
    if (photo.height, photo.width) != (given.height, given.width) {
        return Err(Error::data(format!(
            "--labels {} has {} x {} pixels, but the photo has {} x {}; they must be the same pixels",
            args.labels.display(),
            given.width,
            given.height,
            photo.width,
            photo.height
        )));
    }
    let labels = Labels::of(&given, args.unknown.as_deref(), &args.labels)?;
    labels.check(args.confidence)?;
    let start = Instant::now();
    let clean = clean(args, &photo, &labels, context)?;
    let seconds = start.elapsed().as_secs_f64();
    let result = labels.draw(&given, &clean);
    output::write(&args.output, &result.encode(format, &args.output)?)?;

    let changed = labels.pixels.iter().zip(&clean);
    let changed = changed.filter(|(a, b)| **a != Some(**b)).count();
    let pixels = clean.len();
    let object = json!({
        "command": "image relabel",
        "input": args.input.display().to_string(),
        "labels": args.labels.display().to_string(),
        "output": args.output.display().to_string(),
        "width": photo.width,
        "height": photo.height,
        "classes": labels.values.len(),
        "changed": changed,
        "steps": args.steps,
        "seconds": seconds,
    });
    let words = format!(
        "{} x {} pixels, {}: {} changed ({:.1} %) in {seconds:.3} s\n",
        photo.width,
        photo.height,
        count(labels.values.len(), "label"),
        count(changed, "pixel"),
        100.0 * changed as f64 / pixels as f64,
    );
    context.summary(&words, &object, stdout_taken)
}

/// The labels of pixels, by number.
struct Labels {
    /// The samples of each label.
    values: Vec<Vec<u16>>,
    pixels: Vec<Option<usize>>,
}

impl Labels {
    fn of(picture: &Picture, unknown: Option<&[u16]>, path: &Path) -> Result<Self> {
        let samples: Vec<u16> = match &picture.samples {
            Samples::Eight(samples) => samples.iter().map(|&s| u16::from(s)).collect(),
            Samples::Sixteen(samples) => samples.clone(),
        };
        let mut numbers = BTreeMap::new();
        for pixel in samples.chunks_exact(picture.channels) {
            if Some(pixel) != unknown {
                numbers.insert(pixel, 0);
            }
            if numbers.len() > MOST_LABELS {
                return Err(Error::data(format!(
                    "--labels {} has more than {MOST_LABELS} values, too many to be labels; give every label one value, and keep it in a \
                     format that does not change values, such as PNG",
                    path.display()
                )));
            }
        }
        if numbers.len() < 2 {
            return Err(Error::data(format!(
                "--labels {} has {}; at least two are needed",
                path.display(),
                count(numbers.len(), "label")
            )));
        }
        numbers.values_mut().enumerate().for_each(|(i, n)| *n = i);
        let pixels = samples.chunks_exact(picture.channels);
        Ok(Self {
            pixels: pixels.map(|p| numbers.get(p).copied()).collect(),
            values: numbers.keys().map(|p| p.to_vec()).collect(),
        })
    }

    /// A given label must tell more than chance: at one part in k it says nothing, and below it speaks against itself.
    fn check(&self, confidence: f64) -> Result<()> {
        let k = self.values.len();
        if confidence * k as f64 <= 1.0 {
            return Err(Error::usage(format!(
                "--confidence {confidence} must be above 1/{k}, the chance of a guess among {k} labels; choose for instance 0.7"
            )));
        }
        Ok(())
    }

    /// Unary energies `[n, k]`.
    fn energies(&self, confidence: f64) -> Vec<f32> {
        let k = self.values.len();
        let (right, wrong) = (
            -confidence.ln(),
            -((1.0 - confidence) / (k as f64 - 1.0)).ln(),
        );
        let of = |label: &Option<usize>| {
            let label = *label;
            (0..k).map(move |c| match label {
                Some(l) if l == c => right as f32,
                Some(_) => wrong as f32,
                None => 0.0,
            })
        };
        self.pixels.iter().flat_map(of).collect()
    }

    /// What labels of neighbouring pixels cost, learned from a picture in the same values; other values are left out.
    fn learned(&self, like: &Picture, path: &Path, weight: f64) -> Result<Compatibility> {
        let samples: Vec<u16> = match &like.samples {
            Samples::Eight(samples) => samples.iter().map(|&s| u16::from(s)).collect(),
            Samples::Sixteen(samples) => samples.clone(),
        };
        let number = |pixel: &[u16]| self.values.iter().position(|own| own == pixel);
        let pixels: Vec<Option<usize>> = samples.chunks_exact(like.channels).map(number).collect();
        if !pixels.iter().any(Option::is_some) {
            return Err(Error::data(format!(
                "--like {} has none of the values of --labels; label it with the same values or colours",
                path.display()
            )));
        }
        let k = self.values.len();
        let graph = Graph::grid(&[like.height, like.width], true)?;
        let ratios = balanced(&compatibilities(&graph, &pixels, k, 1.0)?, k)?;
        Compatibility::learned(&ratios, weight)
            .map_err(|e| Error::from(e).in_flags(&[("weight=", "--smooth-weight ")]))
    }

    fn draw(&self, like: &Picture, labels: &[usize]) -> Picture {
        let samples = labels.iter().flat_map(|&l| self.values[l].iter().copied());
        like.with_samples(match &like.samples {
            Samples::Eight(_) => Samples::Eight(samples.map(|s| s as u8).collect()),
            Samples::Sixteen(_) => Samples::Sixteen(samples.collect()),
        })
    }
}

fn clean(args: &Args, photo: &Picture, labels: &Labels, context: &Context) -> Result<Vec<usize>> {
    let channels = photo.channels - usize::from(photo.has_alpha());
    let colors = match &photo.samples {
        Samples::Eight(samples) => colors(samples, photo.channels, channels),
        Samples::Sixteen(samples) => colors(samples, photo.channels, channels),
    };
    let shape = [photo.height, photo.width];
    let unary = labels.energies(args.confidence);
    let potts = Compatibility::Potts;
    let mut crf = DenseCrf::new()
        .tolerance(args.tolerance)
        .pairwise(Pairwise::bilateral(
            &shape,
            &[args.spatial; 2],
            Rows::new(&colors, labels.pixels.len(), channels)?,
            &vec![args.range; channels],
            potts(args.weight),
        )?);
    let weight = args
        .smooth_weight
        .unwrap_or(if args.like.is_some() { 1.0 } else { 3.0 });
    if weight != 0.0 {
        let smooth = match &args.like {
            Some(path) => labels.learned(&Picture::read(path, args.max_pixels)?, path, weight)?,
            None => potts(weight),
        };
        crf = crf.pairwise(Pairwise::gaussian(&shape, &[args.smooth; 2], smooth)?);
    }
    let unary = Rows::new(&unary, labels.pixels.len(), labels.values.len())?;
    let found = context.watched("relabelling", |watch| {
        crf.fit(unary, watch)?.inference(args.steps, watch)
    })?;
    Ok(found.labels())
}

/// Colours on a scale of 0 to 255, without opacity.
fn colors<T: Sample>(samples: &[T], channels: usize, colors: usize) -> Vec<f32> {
    let pixels = samples.chunks_exact(channels);
    let scaled = pixels.flat_map(|p| p[..colors].iter().map(|s| (s.to_f64() * T::SCALE) as f32));
    scaled.collect()
}

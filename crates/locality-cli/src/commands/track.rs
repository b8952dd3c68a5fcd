//! `locality track`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::ImageFormat;
use locality::Watch;
use locality::image::Sample;
use locality::image::track::{
    Criteria, HistogramColor, RotatedBox, TrackMethod, Tracked, Tracker, Tracking, Window,
};
use serde_json::json;

use super::count;
use super::image::view;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::picture::{MAX_PIXELS, Picture, Samples};

/// Flags of `locality track`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality track frames/*.png --box 120,80,60,40 -o track.csv
  locality track frames/*.png --box 120,80,60,40 -o track.csv --picture drawn
  locality track frames/*.png --box 120,80,60,40 --method mean-shift --color raw

The table has a row for each picture: the upright box, the box along the object's axes, and the likeness of the colours to those of
the first box, from 0 to 1.")]
pub(crate) struct Args {
    /// The pictures in their order, of one size: PNG, JPEG, TIFF or WebP
    #[arg(required = true, value_name = "FRAMES")]
    frames: Vec<PathBuf>,

    /// The object in the first picture: left column, upper row, width, height
    #[arg(long = "box", value_name = "X,Y,W,H", allow_hyphen_values = true, value_parser = window)]
    start: Window,

    /// Where to write the table (CSV); - is standard output
    #[arg(short, long, value_name = "TRACK.csv", default_value = "-")]
    output: PathBuf,

    /// Write each picture with the box drawn in to this folder, as PNG
    #[arg(long, value_name = "DIR")]
    picture: Option<PathBuf>,

    /// camshift (size and angle by moments) or mean-shift (the place of the most alike colours)
    #[arg(long, value_name = "METHOD", default_value = "camshift")]
    method: TrackMethod,

    /// The colours that are compared: hue, raw, luv or lab
    #[arg(long, value_name = "COLOUR", default_value = "hue")]
    color: HistogramColor,

    /// Bins on each axis of colour
    #[arg(long, value_name = "N", default_value_t = 16)]
    bins: usize,

    /// Colours that are common around the object count as much as others
    #[arg(long)]
    no_background: bool,

    /// Most steps in a picture
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_iter: usize,

    /// Refuse larger pictures before decoding them
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
}

/// What the library advises, in the tool's flags.
const FLAGS: [(&str, &str); 1] = [(
    "lower min_saturation and min_value or use other colours",
    "choose another --box, or compare by --color raw",
)];

fn window(text: &str) -> Result<Window, String> {
    let numbers: Option<Vec<i32>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, width, height]) => Ok(Window::new(x, y, width, height)),
        _ => Err("give four whole numbers, as 120,80,60,40".to_owned()),
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let names = args.picture.as_deref().map(|folder| names(args, folder));
    let names = names.transpose()?;
    let start = Instant::now();
    let rows = context.watched("tracking", |watch| {
        let mut follower = None;
        let mut rows = Vec::with_capacity(args.frames.len());
        for (i, path) in args.frames.iter().enumerate() {
            let picture = Picture::read(path, args.max_pixels)?;
            let found = match &picture.samples {
                Samples::Eight(samples) => step(args, &mut follower, &picture, samples, watch),
                Samples::Sixteen(samples) => step(args, &mut follower, &picture, samples, watch),
            };
            let found = found.map_err(|e| match e.in_flags(&FLAGS) {
                Error::Interrupted => Error::Interrupted,
                e => Error::data(format!("{}: {e}", path.display())),
            })?;
            if let Some(names) = &names {
                let drawn = draw(&picture, &found);
                output::write(&names[i], &drawn.encode(ImageFormat::Png, &names[i])?)?;
            }
            rows.push(found);
            watch.report(i + 1, args.frames.len());
        }
        Ok::<_, Error>(rows)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    output::write(&args.output, &table(args, &rows)?)?;
    let least = rows.iter().map(|r| r.confidence).fold(1.0, f64::min);
    let object = json!({
        "command": "track",
        "frames": rows.len(),
        "output": args.output.display().to_string(),
        "method": args.method.to_string(),
        "color": args.color.to_string(),
        "boxes": rows.iter().map(|r| [r.window.x, r.window.y, r.window.width, r.window.height]).collect::<Vec<_>>(),
        "confidence": rows.iter().map(|r| r.confidence).collect::<Vec<_>>(),
        "seconds": seconds,
    });
    let words = format!(
        "{} in {seconds:.3} s by {} on {}; the least confidence is {least:.2}\n",
        count(rows.len(), "picture"),
        args.method,
        args.color,
    );
    context.summary(&words, &object, stdout_taken)
}

/// One picture: the first is learned from.
fn step<T: Sample>(
    args: &Args,
    follower: &mut Option<Tracking>,
    picture: &Picture,
    samples: &[T],
    watch: &Watch<'_>,
) -> Result<Tracked> {
    let view = view(picture, samples)?;
    if let Some(follower) = follower {
        return Ok(follower.update(&view, watch)?);
    }
    let criteria = Criteria {
        max_iter: args.max_iter,
        epsilon: 1.0,
    };
    let tracker = Tracker::new()
        .method(args.method)
        .histogram(args.color, args.bins)
        .background(!args.no_background)
        .criteria(criteria);
    *follower = Some(tracker.start(&view, args.start, watch)?);
    let Window {
        x,
        y,
        width,
        height,
    } = args.start;
    let size = [f64::from(width), f64::from(height)];
    Ok(Tracked {
        window: args.start,
        rotated: RotatedBox {
            center: [f64::from(x) + 0.5 * size[0], f64::from(y) + 0.5 * size[1]],
            size,
            angle: 0.0,
        },
        confidence: 1.0,
    })
}

/// The files of the drawn pictures.
fn names(args: &Args, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Error::data(format!("cannot make the folder {}: {e}", folder.display())))?;
    let digits = args.frames.len().to_string().len().max(4);
    let name = |i: usize| folder.join(format!("{:0digits$}.png", i + 1));
    Ok((0..args.frames.len()).map(name).collect())
}

fn table(args: &Args, rows: &[Tracked]) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| Error::data(format!("cannot write the table: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "frame",
        "x",
        "y",
        "width",
        "height",
        "center_x",
        "center_y",
        "box_width",
        "box_height",
        "angle",
        "confidence",
    ];
    writer.write_record(header).map_err(|e| failed(&e))?;
    for (path, row) in args.frames.iter().zip(rows) {
        let (w, r) = (row.window, row.rotated);
        let mut record = vec![path.display().to_string()];
        record.extend([w.x, w.y, w.width, w.height].map(|n| n.to_string()));
        let [[x, y], [width, height]] = [r.center, r.size];
        record.extend([x, y, width, height, r.angle].map(|n| format!("{n:.2}")));
        record.push(format!("{:.4}", row.confidence));
        writer.write_record(&record).map_err(|e| failed(&e))?;
    }
    writer.into_inner().map_err(|e| failed(&e))
}

/// The picture with the box along the object's axes, two pixels wide, in yellow or white.
pub(crate) fn draw(picture: &Picture, found: &Tracked) -> Picture {
    let corners = found.rotated.corners();
    let samples = match &picture.samples {
        Samples::Eight(samples) => Samples::Eight(lines(picture, samples, &corners)),
        Samples::Sixteen(samples) => Samples::Sixteen(lines(picture, samples, &corners)),
    };
    picture.with_samples(samples)
}

fn lines<T: Sample>(picture: &Picture, samples: &[T], corners: &[[f64; 2]; 4]) -> Vec<T> {
    let (full, none) = (T::nearest(T::FULL), T::nearest(0.0));
    let ink = match picture.channels {
        1 | 2 => [full; 4],
        _ => [full, full, none, full],
    };
    let mut out = samples.to_vec();
    let mut dot = |x: f64, y: f64| {
        if x >= 0.0 && y >= 0.0 && x < picture.width as f64 && y < picture.height as f64 {
            let at = (y as usize * picture.width + x as usize) * picture.channels;
            out[at..at + picture.channels].copy_from_slice(&ink[..picture.channels]);
        }
    };
    for i in 0..4 {
        let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % 4]);
        let steps = (bx - ax).abs().max((by - ay).abs()).ceil().clamp(1.0, 1e6);
        for step in 0..=steps as usize {
            let share = step as f64 / steps;
            let (x, y) = (ax + share * (bx - ax), ay + share * (by - ay));
            for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                dot(x + dx, y + dy);
            }
        }
    }
    out
}

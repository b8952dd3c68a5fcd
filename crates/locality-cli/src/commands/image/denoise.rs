//! `locality image denoise`.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use locality::image::{DenoiseMethod, Denoiser, Sample, psnr, ssim};
use serde_json::{Value, json};

use super::view;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::{self, is_standard};
use crate::picture::{self, MAX_PIXELS, Picture, Samples};

/// Flags of `locality image denoise`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality image denoise photo.png -o clean.png
  locality image denoise scan.tiff -o clean.tiff --method nlm --sigma 12
  locality image denoise noisy.png -o clean.png --reference original.png
  locality image denoise bands.tiff -o clean.tiff --per-channel

The noise is taken to be white; the strength of JPEG's, or of a camera's after its own processing, is estimated too low: give --sigma.")]
pub(crate) struct Args {
    /// The picture: PNG, JPEG, TIFF or WebP, 8 or 16 bit; - is standard input
    input: PathBuf,

    /// Where to write the picture: .png, .jpg, .tiff or .webp; - is PNG on standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// auto, nlm (means of alike patches), nlm-linear (linear models of them), nl-bayes (Gaussian models of them, in two steps; what
    /// auto takes) or bilateral
    #[arg(long, value_name = "METHOD", default_value = "auto")]
    method: DenoiseMethod,

    /// Standard deviation of the noise on the scale of 0 to 255, or auto: estimated from the picture
    #[arg(
        long,
        value_name = "S|auto",
        default_value = "auto",
        allow_negative_numbers = true
    )]
    sigma: Sigma,

    /// Denoise each colour channel by itself, with a noise of its own where it is estimated [default: all together]
    #[arg(long)]
    per_channel: bool,

    /// The picture without noise: prints how near the input and the output come to it (PSNR and SSIM)
    #[arg(long, value_name = "PICTURE")]
    reference: Option<PathBuf>,

    /// Refuse larger pictures before decoding them
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
}

/// A number, or `auto`.
#[derive(Clone, Copy, Debug)]
struct Sigma(Option<f64>);

impl std::str::FromStr for Sigma {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "auto" {
            return Ok(Self(None));
        }
        match text.parse::<f64>() {
            Ok(sigma) if sigma >= 0.0 && sigma.is_finite() => Ok(Self(Some(sigma))),
            _ => Err("give a number, 0 or more, or auto".to_owned()),
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    let format = picture::format_of(&args.output)?;
    output::check(&[&args.output])?;
    let stdout_taken = is_standard(&args.output);
    context.json_needs_stdout(stdout_taken)?;
    let picture = Picture::read(&args.input, args.max_pixels)?;
    picture.check(format, &args.output)?;
    let reference = args.reference.as_ref();
    let reference = reference
        .map(|path| Picture::read(path, args.max_pixels))
        .transpose()?;

    if let Some(reference) = &reference {
        comparable(reference, &picture)?;
    }
    let denoiser = Denoiser::new()
        .method(args.method)
        .sigma(args.sigma.0)
        .per_channel(args.per_channel);
    let start = Instant::now();
    let (samples, facts) = match &picture.samples {
        Samples::Eight(samples) => {
            let (out, facts) = apply(&denoiser, &picture, samples, context)?;
            (Samples::Eight(out), facts)
        }
        Samples::Sixteen(samples) => {
            let (out, facts) = apply(&denoiser, &picture, samples, context)?;
            (Samples::Sixteen(out), facts)
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let result = picture.with_samples(samples);
    let quality = match &reference {
        Some(reference) => Some([
            compare(reference, &picture, context)?,
            compare(reference, &result, context)?,
        ]),
        None => None,
    };
    output::write(&args.output, &result.encode(format, &args.output)?)?;

    let input = if is_standard(&args.input) {
        "standard input".to_owned()
    } else {
        args.input.display().to_string()
    };
    let figures = |q: Option<[Quality; 2]>, i: usize| -> Value {
        q.map_or(
            Value::Null,
            |q| json!({"psnr": q[i].psnr, "ssim": q[i].ssim}),
        )
    };
    let object = json!({
        "command": "image denoise",
        "input": input,
        "output": args.output.display().to_string(),
        "width": picture.width,
        "height": picture.height,
        "channels": picture.channels,
        "bits": picture.bits(),
        "method": facts.method,
        "sigma": facts.sigma,
        "estimated": args.sigma.0.is_none(),
        "per_channel": args.per_channel,
        "before": figures(quality, 0),
        "after": figures(quality, 1),
        "seconds": seconds,
    });
    let estimated = if args.sigma.0.is_none() {
        ", estimated"
    } else {
        ""
    };
    let mut words = format!(
        "{} x {} pixels by {}, sigma {:.2}{estimated}: {seconds:.3} s\n",
        picture.width, picture.height, facts.method, facts.sigma,
    );
    if let Some([before, after]) = quality {
        let _ = writeln!(
            words,
            "PSNR {:.2} dB, before {:.2}; SSIM {:.4}, before {:.4}",
            after.psnr, before.psnr, after.ssim, before.ssim
        );
    }
    context.summary(&words, &object, stdout_taken)
}

/// What was done.
struct Facts {
    method: String,
    sigma: f64,
}

fn apply<T: Sample>(
    denoiser: &Denoiser,
    picture: &Picture,
    samples: &[T],
    context: &Context,
) -> Result<(Vec<T>, Facts)> {
    let view = view(picture, samples)?;
    let out = context.watched("denoising", |watch| denoiser.denoise(&view, watch))?;
    let facts = Facts {
        method: out.method().to_string(),
        sigma: out.sigma(),
    };
    Ok((out.into_samples(), facts))
}

/// How near a picture is to its reference.
#[derive(Clone, Copy)]
struct Quality {
    psnr: f64,
    ssim: f64,
}

/// Whether the two have the same size, channels and depth.
fn comparable(reference: &Picture, picture: &Picture) -> Result<()> {
    let size = |p: &Picture| (p.width, p.height);
    let differ = |own: String, others: String, remedy: &str| {
        Err(Error::data(format!(
            "--reference has {own} and the picture {others}; give a reference {remedy}"
        )))
    };
    if size(reference) != size(picture) {
        let words = |p: &Picture| format!("{} x {} pixels", p.width, p.height);
        return differ(words(reference), words(picture), "of the same size");
    }
    let words = |p: &Picture| {
        if p.channels < 3 {
            "one channel, grey,"
        } else {
            "three channels, red, green and blue"
        }
    };
    if words(reference) != words(picture) {
        let (own, others) = (words(reference).to_owned(), words(picture).to_owned());
        return differ(own, others, "with the same channels");
    }
    if reference.bits() != picture.bits() {
        return Err(other_depth(reference, picture));
    }
    Ok(())
}

fn compare(reference: &Picture, picture: &Picture, context: &Context) -> Result<Quality> {
    fn of<T: Sample>(
        (reference, a): (&Picture, &[T]),
        (picture, b): (&Picture, &[T]),
        context: &Context,
    ) -> Result<Quality> {
        let (a, b) = (view(reference, a)?, view(picture, b)?);
        Ok(Quality {
            psnr: psnr(&a, &b, None)?,
            ssim: context.watched("comparing", |watch| ssim(&a, &b, None, watch))?,
        })
    }
    match (&reference.samples, &picture.samples) {
        (Samples::Eight(a), Samples::Eight(b)) => of((reference, a), (picture, b), context),
        (Samples::Sixteen(a), Samples::Sixteen(b)) => of((reference, a), (picture, b), context),
        _ => Err(other_depth(reference, picture)),
    }
}

fn other_depth(reference: &Picture, picture: &Picture) -> Error {
    Error::data(format!(
        "--reference has {} bits a sample and the picture {}; give a reference of the same depth",
        reference.bits(),
        picture.bits()
    ))
}

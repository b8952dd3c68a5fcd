//! `locality image denoise`, `filter`, `segment`, `superpixels` and `relabel`.

mod denoise;
mod filter;
mod labels;
mod regions;
mod relabel;
mod segment;
mod superpixels;

use std::path::PathBuf;

use locality::image::{ColorSpace, Filtered, ImageKernel, ImageView, MeanShiftFilter, Sample};

use crate::context::Context;
use crate::error::Result;
use crate::output::is_standard;
use crate::picture::{MAX_PIXELS, Picture};

/// What to do with the picture.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Take the noise away from a picture: means and Gaussian models of alike patches, or a bilateral filter
    Denoise(denoise::Args),
    /// Smooth a picture and keep its edges: every pixel takes the colour of its mode
    Filter(filter::Args),
    /// Divide a picture into regions of like colour
    Segment(segment::Args),
    /// Divide a picture into superpixels by quick shift in position and colour
    Superpixels(superpixels::Args),
    /// Clean the labels of a picture's pixels: near pixels of like colour are to have one label
    Relabel(relabel::Args),
}

/// Flags that both commands share.
#[derive(clap::Args, Debug)]
struct Common {
    /// The picture: PNG, JPEG, TIFF or WebP, 8 or 16 bit; - is standard input
    input: PathBuf,

    /// Where to write the picture: .png, .jpg, .tiff or .webp; - is PNG on standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,

    /// Radius of the window in pixels
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 10.0,
        allow_negative_numbers = true,
        display_order = 0
    )]
    spatial: f64,

    /// Weights within the window: flat (a square), disk, epanechnikov or gaussian
    #[arg(long, value_name = "KERNEL", default_value = "flat")]
    kernel: ImageKernel,

    /// Where colours are compared: luv, lab, or raw samples of 0 to 255 (also called rgb, gray); auto is luv for colour, raw for
    /// grey
    #[arg(long, value_name = "SPACE", default_value = "auto")]
    color: ColorSpace,

    /// Most steps of a pixel
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_iter: usize,

    /// A pixel rests when its step is shorter than this share of the bandwidths
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.01,
        allow_negative_numbers = true
    )]
    tol: f64,

    /// Refuse larger pictures before decoding them
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
}

/// Runs one of them.
pub(crate) fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Denoise(args) => denoise::run(args, context),
        Command::Filter(args) => filter::run(args, context),
        Command::Segment(args) => segment::run(args, context),
        Command::Superpixels(args) => superpixels::run(args, context),
        Command::Relabel(args) => relabel::run(args, context),
    }
}

/// The library's parameters under the tool's names.
const FLAGS: &[(&str, &str)] = &[
    ("kernel_size", "--kernel-size"),
    ("max_dist", "--max-dist"),
    ("max_iter", "--max-iter"),
    ("sigma is", "--sigma is"),
    ("ratio is", "--ratio is"),
    ("spatial is", "--spatial is"),
    ("range is", "--range is"),
    ("tol is", "--tol is"),
    ("fusion is", "--fusion is"),
];

impl Common {
    fn parameters(&self, range: f64) -> MeanShiftFilter {
        MeanShiftFilter::new(self.spatial, range)
            .kernel(self.kernel)
            .color(self.color)
            .max_iter(self.max_iter)
            .tol(self.tol)
    }

    fn read(&self) -> Result<Picture> {
        Picture::read(&self.input, self.max_pixels)
    }

    fn input_name(&self) -> String {
        if is_standard(&self.input) {
            return "standard input".to_owned();
        }
        self.input.display().to_string()
    }
}

/// The core's view of a picture.
pub(super) fn view<'a, T: Sample>(picture: &Picture, samples: &'a [T]) -> Result<ImageView<'a, T>> {
    let view = ImageView::new(samples, picture.height, picture.width, picture.channels)?;
    Ok(if picture.has_alpha() {
        view.with_alpha()?
    } else {
        view
    })
}

/// What the summary says about a filtered picture.
struct Facts {
    color: String,
    steps: u64,
    unsettled: usize,
}

impl Facts {
    fn of<T: Sample>(filtered: &Filtered<T>) -> Self {
        Self {
            color: filtered.color_space().to_string(),
            steps: filtered.steps(),
            unsettled: filtered.unsettled(),
        }
    }
}

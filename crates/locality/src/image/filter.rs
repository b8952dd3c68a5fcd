//! Mean-shift filtering: every pixel takes the colour of its mode.

use std::fmt;
use std::str::FromStr;

use pulp::Arch;

use super::color::{ColorSpace, PIXELS_A_BLOCK, decode, encode};
use super::edges::{EdgeMaps, EdgeWeights};
use super::falloff::{Disk, Epanechnikov, Falloff, Gaussian, Square, Weighted};
use super::planes::Planes;
use super::regions::Grid;
use super::trajectory::{Block, Modes, Stop, Walk};
use super::view::{ImageView, Sample, check_bandwidth};
use crate::names;
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// How a pixel's weight falls off with its distance `dx` in the image and `dc` in colour, for the bandwidths
/// `hs` (spatial) and `hr` (range).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageKernel {
    /// 1 where both `|dx|` and `|dy|` are at most `hs` and `||dc|| <= hr`: a square window, as OpenCV's.
    #[default]
    Flat,
    /// 1 where `||dx|| <= hs` and `||dc|| <= hr`: a round window, as in Comaniciu and Meer.
    Disk,
    /// `(1 - ||dx||^2 / hs^2) (1 - ||dc||^2 / hr^2)` where both factors are positive.
    Epanechnikov,
    /// `exp(-||dx||^2 / 2 hs^2 - ||dc||^2 / 2 hr^2)`: the bandwidths are standard deviations. Cut to 0 beyond `3 hs`
    /// by row or column and beyond `3 hr` in colour.
    Gaussian,
}

impl fmt::Display for ImageKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flat => "flat",
            Self::Disk => "disk",
            Self::Epanechnikov => "epanechnikov",
            Self::Gaussian => "gaussian",
        })
    }
}

impl FromStr for ImageKernel {
    type Err = Error;

    /// `flat` (or `uniform`, `square`), `disk`, `epanechnikov`, `gaussian`.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "flat" | "uniform" | "square" => Ok(Self::Flat),
            "disk" | "disc" => Ok(Self::Disk),
            "epanechnikov" => Ok(Self::Epanechnikov),
            "gaussian" | "normal" => Ok(Self::Gaussian),
            _ => {
                let known = ["flat", "disk", "epanechnikov", "gaussian"];
                let known = known.into_iter();
                Err(Error::parse(names::unknown("image kernel", text, known)))
            }
        }
    }
}

/// Mean-shift filtering in the joint domain of position and colour (Comaniciu and Meer, *Mean shift: a robust
/// approach toward feature space analysis*, IEEE TPAMI 24(5), 2002).
///
/// Each pixel starts a trajectory at its own position and colour; a step goes to the local mean of the *original*
/// pixels under a product kernel of position and colour; the pixel takes the colour where its trajectory rests.
/// Regions become flat, edges stay sharp. There is no pyramid and no approximation.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, MeanShiftFilter};
/// // A noisy step edge in grey: 2 rows of 8 pixels.
/// let grey: [u8; 16] = [10, 14, 12, 11, 90, 94, 91, 93, 12, 13, 10, 14, 92, 90, 95, 91];
/// let image = ImageView::new(&grey, 2, 8, 1)?;
/// let filtered = MeanShiftFilter::new(8.0, 20.0).filter(&image, &Watch::default())?;
/// assert_eq!(filtered.samples()[..4], [12; 4]);
/// assert_eq!(filtered.samples()[4..8], [92; 4]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanShiftFilter {
    spatial: f64,
    range: f64,
    kernel: ImageKernel,
    color: ColorSpace,
    max_iter: usize,
    stop: Stop,
    depth: Option<f64>,
    edges: Option<EdgeWeights>,
}

impl MeanShiftFilter {
    /// A filter with bandwidths in pixels and in units of the colour space; [flat](ImageKernel::Flat), in the
    /// [automatic](ColorSpace::Auto) colour space, at most 100 steps, tolerance 0.01.
    pub fn new(spatial: f64, range: f64) -> Self {
        Self {
            spatial,
            range,
            kernel: ImageKernel::default(),
            color: ColorSpace::default(),
            max_iter: 100,
            stop: Stop::Settled(0.01),
            depth: None,
            edges: None,
        }
    }

    /// The bandwidth along the third axis of a [stack](ImageView::stack), in frames; without it, the spatial one. A round kernel's
    /// distance is `|dx|^2 / hs^2 + dt^2 / depth^2`; the flat window reaches `depth` frames both ways. Pictures leave it aside.
    #[must_use]
    pub fn depth(mut self, depth: impl Into<Option<f64>>) -> Self {
        self.depth = depth.into();
        self
    }

    /// With pixels on edges counting less in every mean: see [`EdgeWeights`].
    #[must_use]
    pub fn edges(mut self, edges: impl Into<Option<EdgeWeights>>) -> Self {
        self.edges = edges.into();
        self
    }

    pub(crate) fn edge_weights(&self) -> Option<&EdgeWeights> {
        self.edges.as_ref()
    }

    /// The bandwidth across frames that is in force.
    pub(crate) fn depth_in_force(&self) -> f64 {
        self.depth.unwrap_or(self.spatial)
    }

    /// With this kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: ImageKernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// With colours compared in this space.
    #[must_use]
    pub fn color(mut self, color: ColorSpace) -> Self {
        self.color = color;
        self
    }

    /// With at most this many steps a pixel (at least 1).
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// A trajectory rests when a step, in bandwidths, `sqrt(||dx||^2 / hs^2 + ||dc||^2 / hr^2)`, is at most `tol`
    /// (0: when it does not move at all).
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.stop = Stop::Settled(tol);
        self
    }

    /// OpenCV's arithmetic and default stop rule: each mean is rounded to whole pixels and whole levels, and a
    /// trajectory ends after 5 steps, where its position stays, or where `|dx| + |dy| + ||dc||^2 <= 1`.
    ///
    /// With [`ColorSpace::Raw`] and the flat kernel, on 8-bit colour images and whole bandwidths, the picture is then
    /// that of `cv2.pyrMeanShiftFiltering(maxLevel=0)`, bit for bit.
    #[must_use]
    pub fn like_opencv(mut self) -> Self {
        self.max_iter = 5;
        self.stop = Stop::Rounded(1.0);
        self
    }

    /// The spatial bandwidth in pixels.
    pub fn spatial(&self) -> f64 {
        self.spatial
    }

    /// The range bandwidth in units of the colour space.
    pub fn range(&self) -> f64 {
        self.range
    }

    /// Filters an image.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a bandwidth that is not a positive number, no steps or a bad
    /// tolerance; [`Shape`](crate::ErrorKind::Shape) for Luv or Lab without 3 colour channels;
    /// [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn filter<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Filtered<T>> {
        Ok(self.run(image, watch)?.filtered)
    }

    /// The filtered image and what it was made from.
    pub(crate) fn run<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Run<T>> {
        self.check()?;
        let space = self.color.resolve(image)?;
        let colors = encode(image, space, watch)?;
        let edges = self.edges.as_ref();
        let edges = edges.map(|edges| edges.maps(image, watch)).transpose()?;
        let counts = edges.as_ref().map(EdgeMaps::counts);
        let planes = Planes::new(&colors, image.grid(), image.colors(), counts.as_deref());
        let (hs, hr) = (self.spatial, self.range);
        let blocks = match self.kernel {
            ImageKernel::Flat => self.blocks(Square::new(hs, hr), &planes, image, space, watch),
            ImageKernel::Disk => self.blocks(Disk::new(hs, hr), &planes, image, space, watch),
            ImageKernel::Epanechnikov => {
                self.blocks(Epanechnikov::new(hs, hr), &planes, image, space, watch)
            }
            ImageKernel::Gaussian => {
                self.blocks(Gaussian::new(hs, hr), &planes, image, space, watch)
            }
        }?;
        let mut filtered = Filtered {
            samples: Vec::with_capacity(image.samples().len()),
            grid: image.grid(),
            channels: image.channels(),
            space,
            positions: Vec::with_capacity(image.pixels()),
            frames: Vec::new(),
            colors: Vec::with_capacity(colors.len()),
            steps: 0,
            unsettled: 0,
        };
        for (modes, samples) in blocks {
            filtered.samples.extend_from_slice(&samples);
            filtered.positions.extend_from_slice(&modes.positions);
            filtered.frames.extend_from_slice(&modes.frames);
            filtered.colors.extend_from_slice(&modes.colors);
            filtered.steps += modes.steps;
            filtered.unsettled += modes.unsettled;
        }
        Ok(Run {
            filtered,
            colors,
            edges,
        })
    }

    fn check(&self) -> Result<()> {
        check_bandwidth("spatial", self.spatial, "pixels")?;
        check_bandwidth("range", self.range, "units of the colour space")?;
        check_bandwidth("depth", self.depth_in_force(), "frames")?;
        if self.max_iter == 0 {
            return Err(Error::parameter("max_iter is 0; allow at least 1 step"));
        }
        match self.stop {
            Stop::Settled(tol) if !(tol >= 0.0 && tol.is_finite()) => Err(Error::parameter(
                format!("tol is {tol}; give a finite number of bandwidths, at least 0"),
            )),
            _ => Ok(()),
        }
    }

    fn blocks<T: Sample, F: Falloff>(
        &self,
        falloff: F,
        planes: &Planes,
        image: &ImageView<'_, T>,
        space: ColorSpace,
        watch: &Watch<'_>,
    ) -> Result<Vec<(Modes, Vec<T>)>> {
        if self.edges.is_some() {
            let falloff = Weighted(falloff);
            return match planes.channels {
                1 => self.blocks_of::<T, _, 1>(falloff, planes, image, space, watch),
                3 => self.blocks_of::<T, _, 3>(falloff, planes, image, space, watch),
                _ => self.blocks_of::<T, _, 0>(falloff, planes, image, space, watch),
            };
        }
        match planes.channels {
            1 => self.blocks_of::<T, F, 1>(falloff, planes, image, space, watch),
            3 => self.blocks_of::<T, F, 3>(falloff, planes, image, space, watch),
            4 => self.blocks_of::<T, F, 4>(falloff, planes, image, space, watch),
            _ => self.blocks_of::<T, F, 0>(falloff, planes, image, space, watch),
        }
    }

    fn blocks_of<T: Sample, F: Falloff, const C: usize>(
        &self,
        falloff: F,
        planes: &Planes,
        image: &ImageView<'_, T>,
        space: ColorSpace,
        watch: &Watch<'_>,
    ) -> Result<Vec<(Modes, Vec<T>)>> {
        let walk = Walk {
            spatial: self.spatial,
            depth: self.depth_in_force(),
            range: self.range,
            max_iter: self.max_iter,
            stop: self.stop,
        };
        // Short blocks share the work evenly; a result never depends on them.
        let block = PIXELS_A_BLOCK.min(image.pixels().div_ceil(64)).max(16);
        map_blocks(watch, image.pixels(), block, |pixels| {
            let modes = Arch::new().dispatch(Block::<F, C> {
                falloff,
                planes,
                pixels: pixels.clone(),
                walk,
                watch,
            })?;
            let mut samples = Vec::with_capacity(pixels.len() * image.channels());
            for (i, color) in pixels.zip(modes.colors.chunks_exact(planes.channels)) {
                let pixel = image.pixel(i);
                if image.is_transparent(i) {
                    samples.extend_from_slice(pixel);
                } else {
                    decode(space, color, &mut samples);
                    samples.extend_from_slice(&pixel[planes.channels..]);
                }
            }
            Ok((modes, samples))
        })
    }
}

/// A filtered image with the colours it started from and the edges that were found, if any.
pub(crate) struct Run<T> {
    pub(crate) filtered: Filtered<T>,
    pub(crate) colors: Vec<f32>,
    pub(crate) edges: Option<EdgeMaps>,
}

/// A filtered image and the mode of each pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered<T> {
    samples: Vec<T>,
    grid: Grid,
    channels: usize,
    space: ColorSpace,
    positions: Vec<[f32; 2]>,
    frames: Vec<f32>,
    colors: Vec<f32>,
    steps: u64,
    unsettled: usize,
}

impl<T: Sample> Filtered<T> {
    /// The filtered picture, laid out as the input: `[height, width, channels]`, after frames for a stack.
    pub fn samples(&self) -> &[T] {
        &self.samples
    }

    /// The filtered picture, taken out.
    pub fn into_samples(self) -> Vec<T> {
        self.samples
    }

    /// Number of frames; 1 for a picture.
    pub fn frames(&self) -> usize {
        self.grid.frames
    }

    /// Number of rows of each frame.
    pub fn height(&self) -> usize {
        self.grid.height
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.grid.width
    }

    /// Number of samples a pixel, alpha included.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The space of [`mode_colors`](Self::mode_colors).
    pub fn color_space(&self) -> ColorSpace {
        self.space
    }

    /// Where each pixel's trajectory rests: column and row, in pixels.
    pub fn mode_positions(&self) -> &[[f32; 2]] {
        &self.positions
    }

    /// The frame where each pixel's trajectory rests; empty for a picture.
    pub fn mode_frames(&self) -> &[f32] {
        &self.frames
    }

    /// The colour where each pixel's trajectory rests, `[pixels, colour channels]`, in the
    /// [colour space](Self::color_space); infinite for pixels of opacity 0.
    pub fn mode_colors(&self) -> &[f32] {
        &self.colors
    }

    /// Steps of all trajectories together.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Number of trajectories that still moved when `max_iter` steps were done.
    pub fn unsettled(&self) -> usize {
        self.unsettled
    }
}

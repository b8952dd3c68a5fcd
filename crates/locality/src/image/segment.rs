//! Mean-shift segmentation: filtering, fusion of pixels whose modes are close, merging of small regions.

use super::color::{ColorSpace, decode};
use super::filter::{Filtered, ImageKernel, MeanShiftFilter};
use super::regions::{Connectivity, fuse, merge_small};
use super::view::{ImageView, Sample};
use crate::{Error, Result, Watch};

/// Mean-shift segmentation (Comaniciu and Meer 2002, section 4.2).
///
/// 1. The image is [filtered](MeanShiftFilter).
/// 2. Neighbouring pixels whose modes are within `fusion` times both bandwidths of each other (rows, columns, colour)
///    belong to one region, and so on from pixel to pixel.
/// 3. Regions of fewer than `min_region` pixels are merged, the smallest first, into the adjacent region of the nearest
///    mean colour. An image smaller than `min_region` becomes one region.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, MeanShiftSegmenter};
/// let grey: [u8; 16] = [10, 14, 12, 11, 90, 94, 91, 93, 12, 13, 10, 14, 92, 90, 95, 91];
/// let image = ImageView::new(&grey, 2, 8, 1)?;
/// let found = MeanShiftSegmenter::new(4.0, 20.0).min_region(3).segment(&image, &Watch::default())?;
/// assert_eq!(found.n_regions(), 2);
/// assert_eq!(found.labels()[..8], [0, 0, 0, 0, 1, 1, 1, 1]);
/// assert_eq!(found.region_samples(), [12, 92]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanShiftSegmenter {
    filter: MeanShiftFilter,
    fusion: f64,
    min_region: usize,
    connectivity: Connectivity,
}

impl MeanShiftSegmenter {
    /// A segmenter with bandwidths in pixels and in units of the colour space, regions of at least 100 pixels, and the
    /// defaults of [`MeanShiftFilter::new`].
    pub fn new(spatial: f64, range: f64) -> Self {
        Self::with_filter(MeanShiftFilter::new(spatial, range))
    }

    /// A segmenter of this filter's modes.
    pub fn with_filter(filter: MeanShiftFilter) -> Self {
        Self {
            filter,
            fusion: 1.0,
            min_region: 100,
            connectivity: Connectivity::default(),
        }
    }

    /// With this kernel.
    #[must_use]
    pub fn kernel(mut self, kernel: ImageKernel) -> Self {
        self.filter = self.filter.kernel(kernel);
        self
    }

    /// With colours compared in this space.
    #[must_use]
    pub fn color(mut self, color: ColorSpace) -> Self {
        self.filter = self.filter.color(color);
        self
    }

    /// With regions of at least this many pixels (0 and 1: no merging).
    #[must_use]
    pub fn min_region(mut self, min_region: usize) -> Self {
        self.min_region = min_region;
        self
    }

    /// With modes fused up to this part of the bandwidths.
    #[must_use]
    pub fn fusion(mut self, fusion: f64) -> Self {
        self.fusion = fusion;
        self
    }

    /// With these pixels as neighbours, for fusion and for merging.
    #[must_use]
    pub fn connectivity(mut self, connectivity: Connectivity) -> Self {
        self.connectivity = connectivity;
        self
    }

    /// Segments an image.
    ///
    /// # Errors
    /// Those of [`MeanShiftFilter::filter`], and [`Parameter`](crate::ErrorKind::Parameter) for a fusion that is not a
    /// number of at least 0.
    pub fn segment<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Segmentation<T>> {
        if !(self.fusion >= 0.0 && self.fusion.is_finite()) {
            return Err(Error::parameter(format!(
                "fusion is {}; give a finite number of bandwidths, at least 0",
                self.fusion
            )));
        }
        let (filtered, colors) = self.filter.run(image, watch)?;
        let shape = (image.height(), image.width());
        let channels = image.colors();
        let (mut labels, mut regions) = {
            let positions = filtered.mode_positions();
            let modes = filtered.mode_colors();
            let near = (self.fusion * self.filter.spatial()) as f32;
            let close2 = (self.fusion * self.filter.range()).powi(2) as f32;
            fuse(shape.0, shape.1, self.connectivity, |a, b| {
                let ([ax, ay], [bx, by]) = (positions[a], positions[b]);
                if (ax - bx).abs() > near || (ay - by).abs() > near {
                    return false;
                }
                let a = &modes[a * channels..(a + 1) * channels];
                let b = &modes[b * channels..(b + 1) * channels];
                match (a[0].is_infinite(), b[0].is_infinite()) {
                    (true, true) => true,
                    (false, false) => {
                        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() <= close2
                    }
                    _ => false,
                }
            })
        };
        watch.check()?;
        if self.min_region > 1 {
            (labels, regions) = merge_small(
                &labels,
                regions,
                shape,
                self.connectivity,
                &colors,
                self.min_region,
            );
        }
        watch.check()?;
        Ok(Segmentation::new(labels, regions, filtered, &colors))
    }
}

/// The regions of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmentation<T> {
    labels: Vec<u32>,
    sizes: Vec<usize>,
    region_colors: Vec<f32>,
    region_samples: Vec<T>,
    filtered: Filtered<T>,
}

impl<T: Sample> Segmentation<T> {
    fn new(labels: Vec<u32>, regions: usize, filtered: Filtered<T>, colors: &[f32]) -> Self {
        let channels = colors.len() / labels.len();
        let mut sizes = vec![0_usize; regions];
        let mut opaque = vec![0_usize; regions];
        let mut sums = vec![0.0_f64; regions * channels];
        for (&label, color) in labels.iter().zip(colors.chunks_exact(channels)) {
            let label = label as usize;
            sizes[label] += 1;
            if color[0].is_finite() {
                opaque[label] += 1;
                for (sum, &c) in sums[label * channels..].iter_mut().zip(color) {
                    *sum += f64::from(c);
                }
            }
        }
        let region_colors: Vec<f32> = sums
            .iter()
            .enumerate()
            .map(|(i, sum)| (sum / opaque[i / channels].max(1) as f64) as f32)
            .collect();
        let mut region_samples = Vec::with_capacity(region_colors.len());
        for color in region_colors.chunks_exact(channels) {
            decode(filtered.color_space(), color, &mut region_samples);
        }
        Self {
            labels,
            sizes,
            region_colors,
            region_samples,
            filtered,
        }
    }

    /// The region of each pixel, row by row, numbered from 0 in scan order of their first pixels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Number of regions.
    pub fn n_regions(&self) -> usize {
        self.sizes.len()
    }

    /// Number of pixels of each region.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The mean of each region's original colours, `[regions, colour channels]`, in the filter's
    /// [colour space](Filtered::color_space). Pixels of opacity 0 do not count.
    pub fn region_colors(&self) -> &[f32] {
        &self.region_colors
    }

    /// The same means as samples (without alpha), `[regions, colour channels]`.
    pub fn region_samples(&self) -> &[T] {
        &self.region_samples
    }

    /// The filtered image and its modes.
    pub fn filtered(&self) -> &Filtered<T> {
        &self.filtered
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.filtered.height()
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.filtered.width()
    }

    /// The picture with each pixel in its region's mean colour, laid out as the input; alpha, and pixels of opacity 0,
    /// as in the input.
    pub fn mean_picture(&self) -> Vec<T> {
        let channels = self.region_samples.len() / self.sizes.len();
        let modes = self.filtered.mode_colors().chunks_exact(channels);
        let mut out = self.filtered.samples().to_vec();
        for ((pixel, &label), mode) in out
            .chunks_exact_mut(self.filtered.channels())
            .zip(&self.labels)
            .zip(modes)
        {
            if mode[0].is_finite() {
                let label = label as usize;
                pixel[..channels].copy_from_slice(
                    &self.region_samples[label * channels..(label + 1) * channels],
                );
            }
        }
        out
    }

    /// Which pixels lie on a boundary: their right or lower neighbour is in another region. Lines are one pixel wide.
    pub fn boundaries(&self) -> Vec<bool> {
        let (height, width) = (self.height(), self.width());
        (0..height * width)
            .map(|i| {
                let label = self.labels[i];
                (i % width + 1 < width && self.labels[i + 1] != label)
                    || (i / width + 1 < height && self.labels[i + width] != label)
            })
            .collect()
    }

    /// A picture with the boundaries drawn in one colour: `ink` has a sample for each channel of the picture, alpha
    /// included.
    ///
    /// ```
    /// # use locality::Watch;
    /// # use locality::image::{ImageView, MeanShiftSegmenter};
    /// let grey: [u8; 8] = [10, 12, 90, 91, 12, 11, 92, 90];
    /// let image = ImageView::new(&grey, 2, 4, 1)?;
    /// let found = MeanShiftSegmenter::new(4.0, 20.0).min_region(1).segment(&image, &Watch::default())?;
    /// assert_eq!(found.draw_boundaries(&image, &[255])?, [10, 255, 90, 91, 12, 255, 92, 90]);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where the picture is not of the size that was segmented, or `ink` not of the
    /// picture's channels.
    pub fn draw_boundaries(&self, picture: &ImageView<'_, T>, ink: &[T]) -> Result<Vec<T>> {
        if (picture.height(), picture.width()) != (self.height(), self.width()) {
            return Err(Error::shape(format!(
                "the picture has {} x {} pixels, but {} x {} were segmented; pass that image or one of its size",
                picture.height(),
                picture.width(),
                self.height(),
                self.width()
            )));
        }
        if ink.len() != picture.channels() {
            return Err(Error::shape(format!(
                "ink has {} samples, but the picture has {} channels; give one for each",
                ink.len(),
                picture.channels()
            )));
        }
        let mut out = picture.samples().to_vec();
        for (pixel, drawn) in out.chunks_exact_mut(ink.len()).zip(self.boundaries()) {
            if drawn {
                pixel.copy_from_slice(ink);
            }
        }
        Ok(out)
    }
}

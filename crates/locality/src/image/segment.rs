//! Mean-shift segmentation: filtering, fusion of pixels whose modes are close, merging of small regions.

use super::closure::Closure;
use super::color::ColorSpace;
use super::edges::EdgeWeights;
use super::filter::{Filtered, ImageKernel, MeanShiftFilter};
use super::partition::Partition;
use super::regions::{Connectivity, Grid, fuse, merge_small};
use super::view::{ImageView, Sample};
use crate::{Error, Result, Watch};

/// Neighbours whose modes are this near in colour, in bandwidths, are one plateau, which edges do not divide.
const PLATEAU: f64 = 0.1;

/// Mean-shift segmentation (Comaniciu and Meer 2002, section 4.2).
///
/// 1. The image is [filtered](MeanShiftFilter).
/// 2. Neighbouring pixels whose modes are within `fusion` times both bandwidths of each other (rows, columns, colour)
///    belong to one region, and so on from pixel to pixel.
/// 3. Regions of fewer than `min_region` pixels are merged, the smallest first, into the adjacent region of the nearest
///    mean colour. An image smaller than `min_region` becomes one region.
///
/// With [edges](Self::edges), as in EDISON, step 2 makes regions of neighbours whose modes are within a tenth of the range bandwidth; then
/// adjacent regions of mean modes within `fusion` times the range bandwidth are joined, and so on, where the mean edge strength
/// along their common boundary is below the threshold.
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

    /// With pixels on edges counting less, and regions kept apart by strong edges: see [`EdgeWeights`].
    #[must_use]
    pub fn edges(mut self, edges: impl Into<Option<EdgeWeights>>) -> Self {
        self.filter = self.filter.edges(edges);
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
        let run = self.filter.run(image, watch)?;
        let grid = image.grid();
        let (mut labels, mut regions) = match (&run.edges, self.filter.edge_weights()) {
            (Some(maps), Some(edges)) => {
                let (labels, regions) = self.fuse(&run.filtered, grid, PLATEAU, false);
                let reach = self.fusion * self.filter.range();
                let fusing = Closure {
                    grid,
                    connectivity: self.connectivity,
                    colors: run.filtered.mode_colors(),
                    reach,
                };
                fusing.run(labels, regions, maps.weight(), edges.threshold())
            }
            _ => self.fuse(&run.filtered, grid, self.fusion, true),
        };
        watch.check()?;
        if self.min_region > 1 {
            (labels, regions) = merge_small(
                &labels,
                regions,
                grid,
                self.connectivity,
                &run.colors,
                self.min_region,
            );
        }
        watch.check()?;
        let space = run.filtered.color_space();
        Ok(Segmentation {
            partition: Partition::of(labels, regions, image, space, &run.colors),
            filtered: run.filtered,
        })
    }

    /// Joins neighbours whose modes are within `share` times the range bandwidth, and those of position where they count.
    fn fuse<T: Sample>(
        &self,
        filtered: &Filtered<T>,
        grid: Grid,
        share: f64,
        placed: bool,
    ) -> (Vec<u32>, usize) {
        let (positions, frames) = (filtered.mode_positions(), filtered.mode_frames());
        let modes = filtered.mode_colors();
        let channels = modes.len() / positions.len();
        let near = (share * self.filter.spatial()) as f32;
        let deep = (share * self.filter.depth_in_force()) as f32;
        let close2 = (share * self.filter.range()).powi(2) as f32;
        fuse(grid, self.connectivity, |a, b| {
            let ([ax, ay], [bx, by]) = (positions[a], positions[b]);
            if placed && ((ax - bx).abs() > near || (ay - by).abs() > near) {
                return false;
            }
            if placed && !frames.is_empty() && (frames[a] - frames[b]).abs() > deep {
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
    }
}

/// The regions of an image and the filtered image they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmentation<T> {
    partition: Partition<T>,
    filtered: Filtered<T>,
}

impl<T: Sample> Segmentation<T> {
    /// The regions alone.
    pub fn partition(&self) -> &Partition<T> {
        &self.partition
    }

    /// The regions, taken out.
    pub fn into_partition(self) -> Partition<T> {
        self.partition
    }

    /// The region of each pixel, row by row, numbered from 0 in scan order of their first pixels.
    pub fn labels(&self) -> &[u32] {
        self.partition.labels()
    }

    /// Number of regions.
    pub fn n_regions(&self) -> usize {
        self.partition.n_regions()
    }

    /// Number of pixels of each region.
    pub fn sizes(&self) -> &[usize] {
        self.partition.sizes()
    }

    /// The mean of each region's original colours, `[regions, colour channels]`, in the filter's
    /// [colour space](Filtered::color_space). Pixels of opacity 0 do not count.
    pub fn region_colors(&self) -> &[f32] {
        self.partition.region_colors()
    }

    /// The mean of each region's samples (without alpha): see [`Partition::region_samples`].
    pub fn region_samples(&self) -> &[T] {
        self.partition.region_samples()
    }

    /// The filtered image and its modes.
    pub fn filtered(&self) -> &Filtered<T> {
        &self.filtered
    }

    /// Number of rows of each frame.
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
        let modes = self.filtered.mode_colors();
        let channels = modes.len() / self.labels().len();
        let base = self.filtered.samples().to_vec();
        self.partition
            .paint(base, |i| !modes[i * channels].is_finite())
    }

    /// Which pixels lie on a boundary: see [`Partition::boundaries`].
    pub fn boundaries(&self) -> Vec<bool> {
        self.partition.boundaries()
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
        self.partition.draw_boundaries(picture, ink)
    }
}

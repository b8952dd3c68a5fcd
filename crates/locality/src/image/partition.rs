//! Regions as labels of pixels, with what can be told of each region.

use super::color::{ColorSpace, encode};
use super::regions::{Connectivity, Grid, borders};
use super::view::{ImageView, Sample};
use crate::{Error, Result, Watch};

/// The regions of a picture (or of a stack of pictures): the label of each pixel, and the size and mean colour of each region.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition<T> {
    labels: Vec<u32>,
    sizes: Vec<usize>,
    region_colors: Vec<f32>,
    region_samples: Vec<T>,
    grid: Grid,
    space: ColorSpace,
}

impl<T: Sample> Partition<T> {
    /// The regions that any labels make, such as those of another method: one label a pixel, row by row. Colours are averaged
    /// in `color`. Regions are numbered anew, in the order of their labels.
    ///
    /// ```
    /// use locality::Watch;
    /// use locality::image::{ColorSpace, ImageView, Partition};
    /// let grey = [10_u8, 12, 90, 94];
    /// let image = ImageView::new(&grey, 1, 4, 1)?;
    /// let found = Partition::new(&image, &[7, 7, 2, 2], ColorSpace::Raw, &Watch::default())?;
    /// assert_eq!((found.labels(), found.region_samples()), (&[1, 1, 0, 0][..], &[92, 11][..]));
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where there is not one label a pixel, or for Luv or Lab of an image whose colour channels
    /// are not 3; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn new(
        image: &ImageView<'_, T>,
        labels: &[u32],
        color: ColorSpace,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        if labels.len() != image.pixels() {
            return Err(Error::shape(format!(
                "there are {} labels, but the image has {} pixels; give one for each",
                labels.len(),
                image.pixels()
            )));
        }
        let space = color.resolve(image)?;
        let colors = encode(image, space, watch)?;
        let mut known = labels.to_vec();
        known.sort_unstable();
        known.dedup();
        // Every label is among the known ones.
        let place = |l: &u32| known.binary_search(l).unwrap_or_default() as u32;
        let labels = labels.iter().map(place).collect();
        Ok(Self::of(labels, known.len(), image, space, &colors))
    }

    /// Of labels below `regions` of an image's pixels, with their colours `[pixels, channels]` in a resolved space, infinite where there is
    /// none.
    pub(crate) fn of(
        labels: Vec<u32>,
        regions: usize,
        image: &ImageView<'_, T>,
        space: ColorSpace,
        colors: &[f32],
    ) -> Self {
        let channels = colors.len() / labels.len();
        let mut sizes = vec![0_usize; regions];
        let mut opaque = vec![0_usize; regions];
        let mut sums = vec![0.0_f64; regions * channels];
        let mut samples = sums.clone();
        for (i, (&label, color)) in labels.iter().zip(colors.chunks_exact(channels)).enumerate() {
            let label = label as usize;
            sizes[label] += 1;
            if color[0].is_finite() {
                opaque[label] += 1;
                let both = sums[label * channels..].iter_mut().zip(color);
                both.for_each(|(sum, &c)| *sum += f64::from(c));
                let both = samples[label * channels..].iter_mut();
                let both = both.zip(&image.pixel(i)[..channels]);
                both.for_each(|(sum, s)| *sum += s.to_f64());
            }
        }
        let mean = |(i, sum): (usize, &f64)| sum / opaque[i / channels].max(1) as f64;
        let region_colors = sums.iter().enumerate().map(|s| mean(s) as f32).collect();
        let region_samples = samples.iter().enumerate();
        let region_samples = region_samples.map(|s| T::nearest(mean(s))).collect();
        Self {
            labels,
            sizes,
            region_colors,
            region_samples,
            grid: image.grid(),
            space,
        }
    }

    /// The region of each pixel, row by row.
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

    /// The mean of each region's colours, `[regions, colour channels]`, in the [colour space](Self::color_space). Pixels of
    /// opacity 0 do not count.
    pub fn region_colors(&self) -> &[f32] {
        &self.region_colors
    }

    /// The mean of each region's samples (without alpha), `[regions, colour channels]`, to the nearest of their type: what a screen shows
    /// of the region on the average, which is not quite the mean in another space.
    pub fn region_samples(&self) -> &[T] {
        &self.region_samples
    }

    /// The space of [`region_colors`](Self::region_colors).
    pub fn color_space(&self) -> ColorSpace {
        self.space
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

    /// The picture with each pixel in its region's mean colour; alpha, and pixels of opacity 0, as they are in it.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) for a picture of another size or of other colour channels.
    pub fn mean_picture(&self, picture: &ImageView<'_, T>) -> Result<Vec<T>> {
        self.check_size(picture)?;
        let channels = self.region_samples.len() / self.sizes.len();
        if picture.colors() != channels {
            return Err(Error::shape(format!(
                "the picture has {} colour channels, but the regions have {channels}; pass the picture that was segmented",
                picture.colors()
            )));
        }
        let base = picture.samples().to_vec();
        Ok(self.paint(base, |i| picture.is_transparent(i)))
    }

    /// Samples laid out as the picture, with the colours of the regions but for the pixels that are clear.
    pub(crate) fn paint(&self, mut base: Vec<T>, clear: impl Fn(usize) -> bool) -> Vec<T> {
        let colors = self.region_samples.len() / self.sizes.len();
        let channels = base.len() / self.labels.len();
        for (i, pixel) in base.chunks_exact_mut(channels).enumerate() {
            if !clear(i) {
                let label = self.labels[i] as usize;
                pixel[..colors].copy_from_slice(&self.region_samples[label * colors..][..colors]);
            }
        }
        base
    }

    /// Which regions touch, and how long their common boundary is: the number of pairs of neighbouring pixels of which one is in each. The
    /// smaller region's number comes first, and pairs are in ascending order.
    ///
    /// ```
    /// use locality::Watch;
    /// use locality::image::{ColorSpace, Connectivity, ImageView, Partition};
    /// let image = ImageView::new(&[0_u8; 6], 2, 3, 1)?;
    /// let found = Partition::new(&image, &[0, 0, 1, 2, 2, 1], ColorSpace::Raw, &Watch::default())?;
    /// assert_eq!(found.adjacency(Connectivity::Four), [([0, 1], 1), ([0, 2], 2), ([1, 2], 1)]);
    /// # Ok::<(), locality::Error>(())
    /// ```
    pub fn adjacency(&self, connectivity: Connectivity) -> Vec<([u32; 2], usize)> {
        borders(&self.labels, self.n_regions(), self.grid, connectivity)
            .iter()
            .zip(0..)
            .flat_map(|(list, a)| {
                let after = list.range(a + 1..);
                after.map(move |(&b, &length)| ([a, b], length as usize))
            })
            .collect()
    }

    /// Which pixels lie on a boundary: their right or lower neighbour is in another region. Lines are one pixel wide.
    pub fn boundaries(&self) -> Vec<bool> {
        let (height, width) = (self.grid.height, self.grid.width);
        (0..self.labels.len())
            .map(|i| {
                let label = self.labels[i];
                (i % width + 1 < width && self.labels[i + 1] != label)
                    || (i / width % height + 1 < height && self.labels[i + width] != label)
            })
            .collect()
    }

    /// A picture with the boundaries drawn in one colour: `ink` has a sample for each channel of the picture, alpha
    /// included.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) for a picture of another size, or an ink of another number of channels.
    pub fn draw_boundaries(&self, picture: &ImageView<'_, T>, ink: &[T]) -> Result<Vec<T>> {
        self.check_size(picture)?;
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

    fn check_size(&self, picture: &ImageView<'_, T>) -> Result<()> {
        let (grid, own) = (picture.grid(), self.grid);
        if grid.frames != own.frames {
            return Err(Error::shape(format!(
                "the picture has {} frames, but {} were segmented; pass that stack or one of its size",
                grid.frames, own.frames
            )));
        }
        if grid != own {
            return Err(Error::shape(format!(
                "the picture has {} x {} pixels, but {} x {} were segmented; pass that image or one of its size",
                grid.height, grid.width, own.height, own.width
            )));
        }
        Ok(())
    }
}

//! Colours laid out for the inner loop: each image row is a slab of one padded row a channel.

use super::regions::Grid;

/// Colour planes. Row `y` of a frame is a slab; in it channel `k` starts at `k * stride`, and the weights of pixels, where there are
/// any, come after the last channel.
#[derive(Debug)]
pub(crate) struct Planes {
    data: Vec<f32>,
    weighted: bool,
    pub(crate) grid: Grid,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) stride: usize,
}

impl Planes {
    /// The colour of pixels without one: outside every range, and finite, so that 0 times it is 0.
    pub(crate) const FAR: f32 = 1e18;
    /// Padding after each row, so that a whole vector can be read from any pixel.
    pub(crate) const PAD: usize = 16;

    /// From interleaved colours, `[frames * height * width, channels]`, and the weight of each pixel, if any.
    pub(crate) fn new(
        colors: &[f32],
        grid: Grid,
        channels: usize,
        weights: Option<&[f32]>,
    ) -> Self {
        let width = grid.width;
        let stride = (width + Self::PAD).next_multiple_of(16);
        let planes = channels + usize::from(weights.is_some());
        let mut data = vec![0.0; grid.frames * grid.height * planes * stride];
        for (y, (slab, row)) in data
            .chunks_exact_mut(planes * stride)
            .zip(colors.chunks_exact(width * channels))
            .enumerate()
        {
            for (k, plane) in slab.chunks_exact_mut(stride).enumerate().take(channels) {
                for (to, pixel) in plane.iter_mut().zip(row.chunks_exact(channels)) {
                    *to = pixel[k].min(Self::FAR);
                }
            }
            if let Some(weights) = weights {
                slab[channels * stride..][..width].copy_from_slice(&weights[y * width..][..width]);
            }
        }
        Self {
            data,
            weighted: weights.is_some(),
            grid,
            height: grid.height,
            width,
            channels,
            stride,
        }
    }

    /// The slab of a row of a frame.
    #[inline(always)]
    pub(crate) fn slab(&self, frame: usize, row: usize) -> &[f32] {
        let slab = (self.channels + usize::from(self.weighted)) * self.stride;
        &self.data[(frame * self.height + row) * slab..][..slab]
    }

    /// Copies the colour of one pixel.
    #[inline(always)]
    pub(crate) fn color(&self, x: usize, y: usize, frame: usize, out: &mut [f32]) {
        let slab = self.slab(frame, y);
        for (k, c) in out.iter_mut().enumerate() {
            *c = slab[k * self.stride + x];
        }
    }
}

//! Colours laid out for the inner loop: each image row is a slab of one padded row a channel.

/// Colour planes. Row `y` is `data[y * slab..][..slab]`; in it channel `k` starts at `k * stride`.
#[derive(Debug)]
pub(crate) struct Planes {
    data: Vec<f32>,
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

    /// From interleaved colours, `[height * width, channels]`.
    pub(crate) fn new(colors: &[f32], height: usize, width: usize, channels: usize) -> Self {
        let stride = (width + Self::PAD).next_multiple_of(16);
        let mut data = vec![0.0; height * channels * stride];
        for (slab, row) in data
            .chunks_exact_mut(channels * stride)
            .zip(colors.chunks_exact(width * channels))
        {
            for (k, plane) in slab.chunks_exact_mut(stride).enumerate() {
                for (to, pixel) in plane.iter_mut().zip(row.chunks_exact(channels)) {
                    *to = pixel[k].min(Self::FAR);
                }
            }
        }
        Self {
            data,
            height,
            width,
            channels,
            stride,
        }
    }

    /// The slab of a row.
    #[inline(always)]
    pub(crate) fn slab(&self, row: usize) -> &[f32] {
        let slab = self.channels * self.stride;
        &self.data[row * slab..(row + 1) * slab]
    }

    /// Copies the colour of one pixel.
    #[inline(always)]
    pub(crate) fn color(&self, x: usize, y: usize, out: &mut [f32]) {
        let start = y * self.channels * self.stride + x;
        for (k, c) in out.iter_mut().enumerate() {
            *c = self.data[start + k * self.stride];
        }
    }
}

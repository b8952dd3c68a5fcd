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
                    *to = pixel[k];
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

    /// The slabs of rows `first..first + rows`.
    #[inline(always)]
    pub(crate) fn slabs(&self, first: usize, rows: usize) -> std::slice::ChunksExact<'_, f32> {
        let slab = self.channels * self.stride;
        self.data[first * slab..(first + rows) * slab].chunks_exact(slab)
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

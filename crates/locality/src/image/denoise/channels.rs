//! Channels one by one.

use crate::image::view::{ImageView, Sample};
use crate::{Result, Watch};

/// A filter's result on each colour channel alone, put together; opacity goes with every channel.
pub(super) fn each<T: Sample>(
    image: &ImageView<'_, T>,
    watch: &Watch<'_>,
    mut filter: impl FnMut(&ImageView<'_, T>, &Watch<'_>) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    let (colors, channels) = (image.colors(), image.channels());
    let mut out = image.samples().to_vec();
    for k in 0..colors {
        let mut samples = Vec::with_capacity(image.pixels() * (1 + channels - colors));
        for pixel in image.samples().chunks_exact(channels) {
            samples.push(pixel[k]);
            samples.extend(&pixel[colors..]);
        }
        let (frames, height, width) = (image.frames(), image.height(), image.width());
        let own = 1 + channels - colors;
        let plane = ImageView::stack(&samples, frames, height, width, own)?;
        let plane = if image.has_alpha() {
            plane.with_alpha()?
        } else {
            plane
        };
        let report = |done: usize, all: usize| {
            watch.report(k * 1000 + done * 1000 / all.max(1), colors * 1000);
        };
        let found = filter(&plane, &watch.progress(&report))?;
        let pixels = out.chunks_exact_mut(channels);
        for (pixel, found) in pixels.zip(found.chunks_exact(own)) {
            pixel[k] = found[0];
        }
    }
    Ok(out)
}

//! Pictures of floats in any units.

use crate::Result;
use crate::image::view::{ImageView, Sample};

/// The sizes of samples that a filter is given lie below two to the power of this.
const BITS: i32 = 8;

/// The samples of a filter that is given a picture of about the range of 8 bits, and the factor from the picture's own units to those. A
/// power of two, so that pictures in other units come out the same, and squares neither vanish nor overflow in single precision.
/// Pictures of integers stay as they are.
pub(super) fn leveled<T: Sample, R>(
    image: &ImageView<'_, T>,
    filter: impl FnOnce(&ImageView<'_, T>, f64) -> Result<(Vec<T>, R)>,
) -> Result<(Vec<T>, R)> {
    let factor = factor(image);
    if factor == 1.0 {
        return filter(image, 1.0);
    }
    let (colors, channels) = (image.colors(), image.channels());
    let mut samples = image.samples().to_vec();
    for (i, pixel) in samples.chunks_exact_mut(channels).enumerate() {
        let hidden = image.is_transparent(i);
        for s in &mut pixel[..colors] {
            *s = T::nearest(if hidden { 0.0 } else { s.to_f64() * factor });
        }
    }
    let view = ImageView::stack(
        &samples,
        image.frames(),
        image.height(),
        image.width(),
        channels,
    )?;
    let view = if image.has_alpha() {
        view.with_alpha()?
    } else {
        view
    };
    let (mut out, more) = filter(&view, factor)?;
    for (i, pixel) in out.chunks_exact_mut(channels).enumerate() {
        if image.is_transparent(i) {
            pixel.copy_from_slice(image.pixel(i));
            continue;
        }
        for s in &mut pixel[..colors] {
            *s = T::nearest(s.to_f64() / factor);
        }
    }
    Ok((out, more))
}

fn factor<T: Sample>(image: &ImageView<'_, T>) -> f64 {
    if T::LEVELS > 0 {
        return 1.0;
    }
    let visible = (0..image.pixels()).filter(|i| !image.is_transparent(*i));
    let colors = visible.flat_map(|i| &image.pixel(i)[..image.colors()]);
    let largest = colors.map(|s| s.to_f64().abs()).fold(0.0, f64::max);
    // Smaller ones have no exponent of their own; their squares are nothing.
    if largest < f64::MIN_POSITIVE * f64::from(1 << BITS) {
        return 1.0;
    }
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    2.0_f64.powi((BITS - 1 - exponent).min(1000))
}

//! How near a picture is to its reference.

use crate::image::view::{ImageView, Sample};
use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// Side of the windows of SSIM.
const SIDE: usize = 7;

/// The peak signal-to-noise ratio in decibels, `10 log10(range^2 / mse)` over all colour samples; infinite for equal pictures.
///
/// `range` is the distance of black from white in the samples' own units; without it that of the type: 255, 65535 or 1.
///
/// ```
/// use locality::image::{ImageView, psnr};
/// let (a, b) = ([100_u8; 4], [105_u8; 4]);
/// let (a, b) = (ImageView::new(&a, 2, 2, 1)?, ImageView::new(&b, 2, 2, 1)?);
/// assert!((psnr(&a, &b, None)? - 34.1514).abs() < 1e-4);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// [`Shape`](crate::ErrorKind::Shape) where the pictures differ in size, [`Parameter`](crate::ErrorKind::Parameter) for a range that is
/// not positive.
pub fn psnr<T: Sample>(
    reference: &ImageView<'_, T>,
    picture: &ImageView<'_, T>,
    range: Option<f64>,
) -> Result<f64> {
    same_size(reference, picture)?;
    let range = range_or::<T>(range)?;
    let colors = reference.colors();
    let mut squares = 0.0;
    for i in 0..reference.pixels() {
        let pairs = reference.pixel(i).iter().zip(picture.pixel(i));
        squares += pairs
            .take(colors)
            .map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2))
            .sum::<f64>();
    }
    let mse = squares / (reference.pixels() * colors) as f64;
    Ok(10.0 * (range * range / mse).log10())
}

/// The structural similarity of two pictures (Wang, Bovik, Sheikh and Simoncelli, *Image quality assessment: from error visibility to
/// structural similarity*, IEEE TIP 13(4), 2004), with flat windows of 7 x 7 pixels within the picture, `K1 = 0.01`, `K2 = 0.03` and
/// covariances over `n - 1`, as scikit-image's `structural_similarity`; the mean over colour channels and frames.
///
/// `range` is as for [`psnr`].
///
/// # Errors
/// [`Shape`](crate::ErrorKind::Shape) where the pictures differ in size or have fewer than 7 rows or columns;
/// [`Parameter`](crate::ErrorKind::Parameter) for a range that is not positive; [`Interrupted`](crate::ErrorKind::Interrupted).
pub fn ssim<T: Sample>(
    reference: &ImageView<'_, T>,
    picture: &ImageView<'_, T>,
    range: Option<f64>,
    watch: &Watch<'_>,
) -> Result<f64> {
    let range = range_or::<T>(range)?;
    same_size(reference, picture)?;
    let (height, width) = (reference.height(), reference.width());
    if height < SIDE || width < SIDE {
        return Err(Error::shape(format!(
            "the picture has {height} x {width} pixels; structural similarity compares windows of {SIDE} x {SIDE}, so give a larger one"
        )));
    }
    let rows = height + 1 - SIDE;
    let sums = map_blocks(watch, reference.frames() * rows, 16, |block| {
        let mut sum = 0.0;
        for item in block {
            let top = item / rows * height + item % rows;
            for k in 0..reference.colors() {
                sum += windows(reference, picture, (top, k), range);
            }
        }
        Ok(sum)
    })?;
    let count = reference.frames() * rows * (width + 1 - SIDE) * reference.colors();
    Ok(sums.iter().sum::<f64>() / count as f64)
}

/// The similarities of all windows from a row on, summed.
fn windows<T: Sample>(
    a: &ImageView<'_, T>,
    b: &ImageView<'_, T>,
    (top, channel): (usize, usize),
    range: f64,
) -> f64 {
    let width = a.width();
    // Sums over the window's rows: a, b, a^2, b^2, a b.
    let mut columns = vec![[0.0; 5]; width];
    for y in top..top + SIDE {
        for (x, sums) in columns.iter_mut().enumerate() {
            let i = y * width + x;
            let (a, b) = (a.pixel(i)[channel].to_f64(), b.pixel(i)[channel].to_f64());
            for (s, v) in sums.iter_mut().zip([a, b, a * a, b * b, a * b]) {
                *s += v;
            }
        }
    }
    let n = (SIDE * SIDE) as f64;
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let similarity = |run: &[[f64; 5]]| {
        let mean = |k: usize| run.iter().map(|s| s[k]).sum::<f64>() / n;
        let (a, b) = (mean(0), mean(1));
        let part = n / (n - 1.0);
        let (va, vb, cov) = (
            part * (mean(2) - a * a),
            part * (mean(3) - b * b),
            part * (mean(4) - a * b),
        );
        (2.0 * a * b + c1) * (2.0 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    };
    columns.windows(SIDE).map(similarity).sum()
}

/// The range in force.
fn range_or<T: Sample>(range: Option<f64>) -> Result<f64> {
    let range = range.unwrap_or(T::FULL);
    check_range(range)?;
    Ok(range)
}

/// A distance of black from white.
pub(super) fn check_range(range: f64) -> Result<()> {
    // Its square is an ordinary number.
    if (1e-150..=1e150).contains(&range) {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "range is {range}; give the distance of black from white, a positive number (255 for 8 bits, 1 for floats from 0 to 1)"
    )))
}

fn same_size<T: Sample>(a: &ImageView<'_, T>, b: &ImageView<'_, T>) -> Result<()> {
    let size = |v: &ImageView<'_, T>| (v.frames(), v.height(), v.width(), v.colors());
    if size(a) == size(b) {
        return Ok(());
    }
    let text = |v: &ImageView<'_, T>| {
        let frames = if v.frames() > 1 {
            format!("{} x ", v.frames())
        } else {
            String::new()
        };
        format!(
            "{frames}{} x {} pixels of {} colours",
            v.height(),
            v.width(),
            v.colors()
        )
    };
    let alike = if a.grid() == b.grid() {
        "with as many colour channels"
    } else {
        "of the same size"
    };
    Err(Error::shape(format!(
        "the reference has {} and the picture {}; give two {alike}",
        text(a),
        text(b)
    )))
}

//! Gaussian smoothing of colours.

use crate::par::map_blocks;
use crate::{Result, Watch};

/// `[height, width, channels]` smoothed by a Gaussian with this standard deviation in pixels, cut off at four of them; beyond the
/// border the picture goes on as its mirror image, the border's pixels first.
pub(crate) fn gaussian(
    data: &[f64],
    (height, width, channels): (usize, usize, usize),
    sigma: f64,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let kernel = weights(sigma);
    let down = pass(data, (height, width * channels), &kernel, watch)?;
    let row = width * channels;
    let rows = map_blocks(&watch.quiet(), height, 16, |rows| {
        let mut out = Vec::with_capacity(rows.len() * row);
        for y in rows {
            let line = &down[y * row..][..row];
            out.extend(pass(line, (width, channels), &kernel, &watch.quiet())?);
        }
        Ok(out)
    })?;
    Ok(rows.concat())
}

/// `[length, inner]` smoothed likewise along the first of the two axes.
pub(crate) fn along(
    data: &[f64],
    shape: (usize, usize),
    sigma: f64,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    pass(data, shape, &weights(sigma), watch)
}

/// The Gaussian's weights from one end to the other, of sum 1.
fn weights(sigma: f64) -> Vec<f64> {
    let radius = (4.0 * sigma + 0.5) as usize;
    if radius == 0 {
        return vec![1.0];
    }
    let mut kernel: Vec<f64> = (0..=2 * radius)
        .map(|i| i as f64 - radius as f64)
        .map(|x| (-0.5 * x * x / (sigma * sigma)).exp())
        .collect();
    let total: f64 = kernel.iter().sum();
    for k in &mut kernel {
        *k /= total;
    }
    kernel
}

/// Convolves along the first of two axes.
fn pass(
    data: &[f64],
    (length, inner): (usize, usize),
    kernel: &[f64],
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let radius = (kernel.len() / 2).cast_signed();
    let lines = map_blocks(&watch.quiet(), length, 64, |range| {
        let mut out = vec![0.0; range.len() * inner];
        for (line, at) in out.chunks_exact_mut(inner).zip(range) {
            for (step, weight) in (-radius..=radius).zip(kernel) {
                let from = mirrored(at.cast_signed() + step, length);
                for (o, x) in line.iter_mut().zip(&data[from * inner..][..inner]) {
                    *o += weight * x;
                }
            }
        }
        Ok(out)
    })?;
    Ok(lines.concat())
}

/// A place outside `0..length` reflected into it, `(b a | a b c | c b)`.
pub(crate) fn mirrored(at: isize, length: usize) -> usize {
    let period = 2 * length.cast_signed();
    let at = at.rem_euclid(period);
    at.min(period - 1 - at).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_mirrors() {
        let found: Vec<usize> = (-4..8).map(|i| mirrored(i, 3)).collect();
        assert_eq!(found, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    }

    #[test]
    fn a_constant_stays_and_mass_is_kept() {
        let watch = Watch::default();
        let flat = gaussian(&[3.0; 5 * 4 * 2], (5, 4, 2), 1.3, &watch).unwrap();
        assert!(flat.iter().all(|x| (x - 3.0).abs() < 1e-12));
        let mut dot = vec![0.0; 9 * 11];
        dot[4 * 11 + 5] = 1.0;
        let spread = gaussian(&dot, (9, 11, 1), 0.9, &watch).unwrap();
        assert!((spread.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let ratio = spread[4 * 11 + 5] / spread[3 * 11 + 5];
        assert!((ratio - (0.5_f64 / 0.81).exp()).abs() < 1e-9, "{ratio}");
        assert!((spread[3 * 11 + 5] - spread[4 * 11 + 6]).abs() < 1e-15);
    }
}

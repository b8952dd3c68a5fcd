//! How good a sample is.

use crate::par::map_blocks;
use crate::{Error, Float, Metric, Nearest, Result, Rows, Watch};

/// Rows of a block.
const BLOCK: usize = 64;

/// The energy distance of two samples, `sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)` (Székely and Rizzo, *Energy statistics*, J. Stat. Plan.
/// Inference 143, 2013): 0 for equal samples, and in the limit only for equal laws. All pairs are taken.
///
/// ```
/// use locality::{Rows, Watch, denoise::energy_distance};
/// let (a, b) = ([0.0, 1.0], [0.0, 1.0]);
/// assert_eq!(energy_distance(Rows::column(&a), Rows::column(&b), &Watch::default())?, 0.0);
/// let far = [3.0, 4.0];
/// assert!(energy_distance(Rows::column(&a), Rows::column(&far), &Watch::default())? > 2.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// Samples without rows, of different columns, or with numbers that are not finite; an interruption.
pub fn energy_distance<T: Float>(a: Rows<'_, T>, b: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
    if a.rows() == 0 || b.rows() == 0 || a.columns() != b.columns() {
        return Err(Error::shape(format!(
            "the samples are {} x {} and {} x {}; give two with at least 1 row and the same columns",
            a.rows(),
            a.columns(),
            b.rows(),
            b.columns()
        )));
    }
    a.require_finite("the first sample")?;
    b.require_finite("the second sample")?;
    let across = mean_distance(a, b, watch)?;
    let within = mean_distance(a, a, &watch.quiet())? + mean_distance(b, b, &watch.quiet())?;
    Ok((2.0 * across - within).max(0.0).sqrt())
}

fn mean_distance<T: Float>(a: Rows<'_, T>, b: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
    let sums = map_blocks(watch, a.rows(), BLOCK, |block| {
        let mut sum = 0.0;
        for i in block {
            for y in b.iter() {
                let pairs = a.row(i).iter().zip(y);
                let squares: f64 = pairs.map(|(x, y)| (x.to_f64() - y.to_f64()).powi(2)).sum();
                sum += squares.sqrt();
            }
        }
        Ok(sum)
    })?;
    Ok(sums.iter().sum::<f64>() / (a.rows() as f64 * b.rows() as f64))
}

/// The Euclidean distance of each row from its nearest row of another sample.
///
/// # Errors
/// Samples without rows, of different columns, or with numbers that are not finite; an interruption.
pub fn nearest_distances<T: Float>(
    rows: Rows<'_, T>,
    among: Rows<'_, T>,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let nearest = Nearest::fit(among, &Metric::Euclidean)?;
    let found = nearest.k_nearest(rows, 1, watch)?;
    Ok(found.distances.iter().map(|d| d.to_f64()).collect())
}

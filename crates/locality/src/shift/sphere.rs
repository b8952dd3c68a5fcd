//! Directions: rows of length 1.

use super::paths::squared_distance;
use crate::{Error, Float, Result, Rows};

/// Each row divided by its length.
///
/// # Errors
/// A row of zeros, which has no direction.
pub(super) fn directions<T: Float>(rows: Rows<'_, T>, name: &str) -> Result<Vec<T>> {
    let mut out = Vec::with_capacity(rows.rows() * rows.columns());
    for (i, row) in rows.iter().enumerate() {
        let start = out.len();
        out.extend_from_slice(row);
        if !normalize(&mut out[start..]) {
            return Err(Error::parameter(format!(
                "{name} has a row without direction, row {i} (counted from 0): all its numbers are 0; leave it out, or choose \
                 metric=euclidean"
            )));
        }
    }
    Ok(out)
}

/// Divides a row by its length; false where that is 0.
pub(super) fn normalize<T: Float>(row: &mut [T]) -> bool {
    let widest = row.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
    if widest == 0.0 || !widest.is_finite() {
        return false;
    }
    // First by the largest number, whose square may leave the number type.
    let length = |row: &[T]| {
        row.iter()
            .map(|x| (x.to_f64() / widest).powi(2))
            .sum::<f64>()
    };
    let length = length(row).sqrt();
    for x in row {
        *x = T::from_f64(x.to_f64() / widest / length);
    }
    true
}

/// Puts each mean back on the sphere; where a mean is at its centre, the point stays.
pub(super) fn back<T: Float>(means: &mut [T], points: Rows<'_, T>) {
    for (mean, point) in means.chunks_exact_mut(points.columns()).zip(points.iter()) {
        // Rounding leaves a mean of opposite directions a direction of its own.
        let length = squared_distance(mean, &vec![T::ZERO; mean.len()]);
        if length <= 1e-12 || !normalize(mean) {
            mean.copy_from_slice(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_directions_however_long_they_are() {
        let x = [3.0, 4.0, 3e200, 4e200, -3e-300, 4e-300];
        let found = directions(Rows::new(&x, 3, 2).unwrap(), "rows").unwrap();
        for (a, b) in found.iter().zip([0.6, 0.8, 0.6, 0.8, -0.6, 0.8]) {
            assert!((a - b).abs() < 1e-15, "{found:?}");
        }
        let e = directions(Rows::new(&[1.0, 0.0, 0.0, 0.0], 2, 2).unwrap(), "rows").unwrap_err();
        assert!(e.to_string().contains("row 1"), "{e}");
    }

    #[test]
    fn a_mean_of_opposite_directions_leaves_the_point() {
        let points = [1.0, 0.0];
        let mut means = [1e-17, 0.0];
        back(&mut means, Rows::new(&points, 1, 2).unwrap());
        assert_eq!(means, points);
    }
}

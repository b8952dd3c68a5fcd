//! Tables in coordinates in which every direction has unit variance.

use crate::symmetric::dot;
use crate::{Result, Rows};

/// Means and standard deviations of columns. Those of constant columns are 0.
#[derive(Debug)]
pub(super) struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    pub(super) fn of(rows: Rows<'_, f64>) -> Self {
        let n = rows.rows() as f64;
        // About the first row, so that the mean of a constant column is its number to the last bit.
        let first = rows.row(0).to_vec();
        let mut off = vec![0.0; rows.columns()];
        for row in rows.iter() {
            for ((m, x), f) in off.iter_mut().zip(row).zip(&first) {
                *m += (x - f) / n;
            }
        }
        let mean: Vec<f64> = first.iter().zip(&off).map(|(f, m)| f + m).collect();
        // In units of the largest, whose squares are ordinary numbers whatever the columns' unit is.
        let mut most = vec![0.0_f64; rows.columns()];
        for row in rows.iter() {
            for ((most, x), (m, f)) in most.iter_mut().zip(row).zip(mean.iter().zip(&first)) {
                if x != f {
                    *most = most.max((x - m).abs()).max((f - m).abs());
                }
            }
        }
        let mut variance = vec![0.0; rows.columns()];
        for row in rows.iter() {
            for (a, x) in row.iter().enumerate() {
                if most[a] > 0.0 {
                    variance[a] += ((x - mean[a]) / most[a]).powi(2) / n;
                }
            }
        }
        let deviation = variance.iter().zip(&most);
        Self {
            deviation: deviation.map(|(v, most)| v.sqrt() * most).collect(),
            mean,
        }
    }

    /// A row about the mean in standard deviations, constant columns in their own unit.
    pub(super) fn apart<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let columns = self.mean.iter().zip(&self.deviation);
        row.iter()
            .zip(columns)
            .map(|(x, (m, s))| (x - m) / if *s > 0.0 { *s } else { 1.0 })
    }
}

/// The part of a direction's length that others do not explain below which it counts as rounding.
const FLAT: f64 = 1e-9;

/// A table in coordinates that have mean 0 and covariance 1: the orthogonal factor of its scaled columns. Columns that others determine, and
/// constant ones, have no coordinate of their own, and follow.
#[derive(Debug)]
pub(super) struct Whitened {
    pub(super) scale: Scale,
    /// The rows, scaled column by column, `[n, d]`.
    pub(super) scaled: Vec<f64>,
    /// The rows' coordinates, `[n, rank]`.
    pub(super) rows: Vec<f64>,
    pub(super) rank: usize,
    /// From coordinates to scaled columns, `[rank, d]`.
    back: Vec<f64>,
}

impl Whitened {
    /// By the modified Gram-Schmidt process, the longest column first.
    pub(super) fn of(table: Rows<'_, f64>) -> Self {
        let (n, d) = (table.rows(), table.columns());
        let scale = Scale::of(table);
        let scaled: Vec<f64> = table.iter().flat_map(|row| scale.apart(row)).collect();
        let mut columns: Vec<Vec<f64>> = (0..d)
            .map(|a| {
                let constant = scale.deviation[a] == 0.0;
                let column = scaled.iter().skip(a).step_by(d);
                column.map(|x| if constant { 0.0 } else { *x }).collect()
            })
            .collect();
        let unit = (n as f64).sqrt();
        let (mut found, mut back): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut used = vec![false; d];
        // Coordinates about the mean of n rows are at most n - 1.
        while found.len() < d.min(n.saturating_sub(1)) {
            let lengths = (0..d).filter(|a| !used[*a]);
            let lengths = lengths.map(|a| (dot(&columns[a], &columns[a]).sqrt(), a));
            let longest = lengths.max_by(|(x, a), (y, b)| x.total_cmp(y).then(b.cmp(a)));
            let Some((_, pivot)) = longest.filter(|(length, _)| *length > FLAT * unit) else {
                break;
            };
            used[pivot] = true;
            let mut direction = std::mem::take(&mut columns[pivot]);
            // Once more, against what rounding left of the others.
            for other in &found {
                let along = dot(&direction, other);
                subtract(&mut direction, other, along);
            }
            let length = dot(&direction, &direction).sqrt();
            for x in &mut direction {
                *x /= length;
            }
            let mut row = vec![0.0; d];
            row[pivot] = length / unit;
            for a in (0..d).filter(|a| !used[*a]) {
                let along = dot(&direction, &columns[a]);
                row[a] = along / unit;
                subtract(&mut columns[a], &direction, along);
            }
            // What earlier pivots left of a used column is rounding.
            back.extend(row);
            found.push(direction);
        }
        let rank = found.len();
        let mut rows = Vec::with_capacity(n * rank);
        for i in 0..n {
            rows.extend(found.iter().map(|q| unit * q[i]));
        }
        Self {
            scale,
            scaled,
            rows,
            rank,
            back,
        }
    }

    /// Writes the row of the table at some coordinates.
    pub(super) fn back(&self, coordinates: &[f64], out: &mut Vec<f64>) {
        let d = self.scale.mean.len();
        let mut scaled = vec![0.0; d];
        for (y, row) in coordinates.iter().zip(self.back.chunks_exact(d)) {
            for (z, b) in scaled.iter_mut().zip(row) {
                *z += y * b;
            }
        }
        let columns = self.scale.mean.iter().zip(&self.scale.deviation);
        out.extend(scaled.iter().zip(columns).map(|(z, (m, s))| z * s + m));
    }

    pub(super) fn coordinates(&self) -> Result<Rows<'_, f64>> {
        Rows::new(&self.rows, self.rows.len() / self.rank, self.rank)
    }
}

fn subtract(from: &mut [f64], what: &[f64], times: f64) {
    for (x, y) in from.iter_mut().zip(what) {
        *x -= times * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_uncorrelated_and_lead_back() {
        let (n, d) = (50, 5);
        let noise = locality_testing::normal(1, n, 3);
        let table: Vec<f64> = noise
            .chunks_exact(3)
            .flat_map(|r| {
                // The last but one follows from others, the last never changes.
                let second = 1e6 + r[0] + 1e-5 * r[1];
                [r[0], second, 100.0 * r[2], 2.0 * r[0] - r[2], 0.001]
            })
            .collect();
        let rows = Rows::new(&table, n, d).unwrap();
        let white = Whitened::of(rows);
        assert_eq!(white.rank, 3);
        for a in 0..3 {
            for b in 0..3 {
                let products = white.rows.chunks_exact(3).map(|r| r[a] * r[b]);
                let mean = products.sum::<f64>() / n as f64;
                assert!((mean - f64::from(u8::from(a == b))).abs() < 1e-12);
            }
        }
        let mut back = Vec::new();
        for row in white.rows.chunks_exact(3) {
            white.back(row, &mut back);
        }
        for (found, row) in back.chunks_exact(d).zip(rows.iter()) {
            for (f, x) in found.iter().zip(row) {
                assert!((f - x).abs() < 1e-14 * x.abs().max(100.0), "{f} {x}");
            }
            assert_eq!(found[4].to_bits(), 0.001_f64.to_bits());
        }
    }
}

//! Samples that were drawn, and how good they are.

use super::judge::{energy_distance, nearest_distances};
use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// Means and standard deviations of columns; constant ones are not scaled.
pub(super) struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    pub(super) fn of(rows: Rows<'_, f64>) -> Self {
        let n = rows.rows() as f64;
        let mut mean = vec![0.0; rows.columns()];
        for row in rows.iter() {
            for (m, x) in mean.iter_mut().zip(row) {
                *m += x / n;
            }
        }
        let mut variance = vec![0.0; rows.columns()];
        for row in rows.iter() {
            for ((v, x), m) in variance.iter_mut().zip(row).zip(&mean) {
                *v += (x - m).powi(2) / n;
            }
        }
        let deviation = variance.iter().zip(&mean).map(|(v, m)| {
            let constant = v.sqrt() <= 1e-14 * m.abs();
            if constant { 1.0 } else { v.sqrt() }
        });
        Self {
            deviation: deviation.map(|s| if s > 0.0 { s } else { 1.0 }).collect(),
            mean,
        }
    }

    pub(super) fn apart<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let columns = self.mean.iter().zip(&self.deviation);
        row.iter().zip(columns).map(|(x, (m, s))| (x - m) / s)
    }

    pub(super) fn back<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let columns = self.mean.iter().zip(&self.deviation);
        row.iter().zip(columns).map(|(x, (m, s))| x * s + m)
    }
}

/// Samples that were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    samples: Vec<f64>,
    columns: usize,
    smoothing: f64,
}

/// A sample is a copy where it is nearer to a row than this share of the rows' usual distance from one another.
const COPY: f64 = 0.1;

impl Generated {
    pub(super) fn new(samples: Vec<f64>, columns: usize, smoothing: f64) -> Self {
        Self {
            samples,
            columns,
            smoothing,
        }
    }

    /// The samples, `[count, d]`.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// The smoothing in force, in standard deviations of the columns.
    pub fn smoothing(&self) -> f64 {
        self.smoothing
    }

    /// The [energy distance](energy_distance) of the samples from a table, all columns scaled by the table's standard deviations.
    ///
    /// # Errors
    /// A table of other columns, or without rows; an interruption.
    pub fn energy_distance(&self, table: Rows<'_, f64>, watch: &Watch<'_>) -> Result<f64> {
        let (own, rows) = self.scaled(table)?;
        let d = self.columns;
        energy_distance(
            Rows::new(&own, own.len() / d, d)?,
            Rows::new(&rows, table.rows(), d)?,
            watch,
        )
    }

    /// The share of samples that are as good as copies of a row: nearer to it than a tenth of the median distance of the table's rows from
    /// their own nearest neighbours, all columns scaled by the table's standard deviations.
    ///
    /// # Errors
    /// A table of other columns, or of fewer than 2 rows; an interruption.
    pub fn copies(&self, table: Rows<'_, f64>, watch: &Watch<'_>) -> Result<f64> {
        if table.rows() < 2 {
            return Err(Error::shape(format!(
                "the table has {} rows; how near rows lie to one another takes at least 2",
                table.rows()
            )));
        }
        let (own, rows) = self.scaled(table)?;
        let d = self.columns;
        let rows = Rows::new(&rows, table.rows(), d)?;
        let nearest = Nearest::fit(rows, &Metric::Euclidean)?;
        let pairs = nearest.k_nearest(rows, 2, watch)?;
        let mut usual: Vec<f64> = pairs.distances.chunks_exact(2).map(|p| p[1]).collect();
        let middle = usual.len() / 2;
        let (_, usual, _) = usual.select_nth_unstable_by(middle, f64::total_cmp);
        let limit = COPY * *usual;
        let found = nearest_distances(Rows::new(&own, own.len() / d, d)?, rows, watch)?;
        let copies = found.iter().filter(|f| **f < limit || **f == 0.0).count();
        Ok(copies as f64 / found.len() as f64)
    }

    fn scaled(&self, table: Rows<'_, f64>) -> Result<(Vec<f64>, Vec<f64>)> {
        if table.columns() != self.columns || table.rows() == 0 {
            return Err(Error::shape(format!(
                "the table is {} x {} and the samples have {} columns; give a table of these columns",
                table.rows(),
                table.columns(),
                self.columns
            )));
        }
        let scale = Scale::of(table);
        let rows = self.samples.chunks_exact(self.columns);
        let own = rows.flat_map(|row| scale.apart(row)).collect();
        let rows = table.iter().flat_map(|row| scale.apart(row)).collect();
        Ok((own, rows))
    }
}

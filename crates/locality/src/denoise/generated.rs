//! Samples that were drawn, and how good they are.

use std::cmp::Ordering;

use super::judge::{energy_distance, nearest_distances};
use super::whitened::Scale;
use crate::random::Random;
use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// Samples that were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    samples: Vec<f64>,
    columns: usize,
    smoothing: f64,
    manifold: Option<usize>,
}

/// A sample is a copy where it is nearer to a row than this share of the rows' usual distance from one another.
const COPY: f64 = 0.1;

/// More rows than these are judged by as many of them: all pairs of many rows take for ever.
const JUDGED: usize = 5000;

/// All rows `[n, d]`, or one by chance of each of [`JUDGED`] stretches.
fn spread(rows: Vec<f64>, d: usize) -> Vec<f64> {
    let n = rows.len() / d;
    if n <= JUDGED {
        return rows;
    }
    let mut random = Random::new(0, n as u64);
    let chosen = (0..JUDGED).flat_map(|i| {
        let (first, end) = (i * n / JUDGED, (i + 1) * n / JUDGED);
        &rows[(first + random.below(end - first)) * d..][..d]
    });
    chosen.copied().collect()
}

impl Generated {
    pub(super) fn new(
        samples: Vec<f64>,
        columns: usize,
        smoothing: f64,
        manifold: Option<usize>,
    ) -> Self {
        Self {
            samples,
            columns,
            smoothing,
            manifold,
        }
    }

    /// The samples, `[count, d]`.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// The smoothing in force, in standard deviations of the rows nearby or, without [`manifold`](Self::manifold), of the table.
    pub fn smoothing(&self) -> f64 {
        self.smoothing
    }

    /// How many rows shaped the noise about each; `None` where all did.
    pub fn manifold(&self) -> Option<usize> {
        self.manifold
    }

    /// The [energy distance](energy_distance) of the samples from a table, all columns scaled by the table's standard deviations; of more than
    /// 5,000 rows of either, from so many that are spread over them.
    ///
    /// # Errors
    /// A table of other columns, or without rows; an interruption.
    pub fn energy_distance(&self, table: Rows<'_, f64>, watch: &Watch<'_>) -> Result<f64> {
        let (own, rows) = self.scaled(table)?;
        let d = self.columns;
        let (own, rows) = (spread(own, d), spread(rows, d));
        energy_distance(
            Rows::new(&own, own.len() / d, d)?,
            Rows::new(&rows, rows.len() / d, d)?,
            watch,
        )
    }

    /// The share of samples that are as good as copies of a row: nearer to it than a tenth of the median distance of the table's rows from
    /// the nearest others that are not the same, all columns scaled by the table's standard deviations.
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
        let mut order: Vec<&[f64]> = rows.iter().collect();
        order.sort_unstable_by(|a, b| {
            let pairs = a.iter().zip(*b).map(|(x, y)| x.total_cmp(y));
            pairs.fold(Ordering::Equal, Ordering::then)
        });
        order.dedup();
        let different = order.concat();
        let mut limit = 0.0;
        if order.len() > 1 {
            let different = Rows::new(&different, order.len(), d)?;
            let nearest = Nearest::fit(different, &Metric::Euclidean)?;
            let pairs = nearest.k_nearest(different, 2, watch)?;
            let mut usual: Vec<f64> = pairs.distances.chunks_exact(2).map(|p| p[1]).collect();
            let middle = usual.len() / 2;
            let (_, usual, _) = usual.select_nth_unstable_by(middle, f64::total_cmp);
            limit = COPY * *usual;
        }
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

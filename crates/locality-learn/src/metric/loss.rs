//! What a metric costs: how badly each sample is told by the others under it, with derivatives.

use locality_core::{
    Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch,
};

use super::start::Moments;
use crate::Goal;
use crate::columns::Columns;
use crate::goal::Values;

/// The loss of maps of some samples: parameters are the logarithms of one factor for each column, or a map's entries, `[rank, d]`, all for
/// columns in their own units, in which steps along each are alike.
pub(super) struct Loss<'a, 'w> {
    units: Columns,
    /// In these units, `[n, d]`.
    samples: Vec<f64>,
    values: Values<'a>,
    per_feature: bool,
    /// Without the sample itself.
    others: LocalMean,
    watch: Watch<'w>,
}

impl<'a, 'w> Loss<'a, 'w> {
    pub(super) fn new(
        samples: Rows<'_, f64>,
        goal: Goal<'a>,
        weights: Option<&'a [f64]>,
        per_feature: bool,
        watch: &Watch<'w>,
    ) -> Result<Self> {
        let values = Values::of(goal, samples.rows(), weights)?;
        let units = Columns::of("samples", samples)?;
        Ok(Self {
            samples: units.scale("samples", samples)?,
            units,
            values,
            per_feature,
            others: everywhere().neighborhood(Neighborhood::hollow()),
            watch: watch.quiet(),
        })
    }

    fn columns(&self) -> usize {
        self.units.deviations.len()
    }

    /// Whether classes are told.
    pub(super) fn classes(&self) -> bool {
        self.values.classes.is_some()
    }

    /// Parameters to begin from, each at every bandwidth.
    pub(super) fn starts(&self, rank: usize, bandwidths: &[f64]) -> Vec<Vec<f64>> {
        let d = self.columns();
        if self.per_feature {
            let all = bandwidths.iter();
            return all
                .map(|h| vec![-(h * (d as f64).sqrt()).ln(); d])
                .collect();
        }
        let values = &self.values;
        let classes = values.classes.is_some();
        let moments = Moments::new(&self.samples, d, &values.all, values.columns, classes);
        let maps = moments.maps(rank).into_iter();
        let scaled = |map: &[f64], h: &f64| -> Vec<f64> {
            map.iter().map(|a| a / (h * (rank as f64).sqrt())).collect()
        };
        maps.flat_map(|map| -> Vec<_> { bandwidths.iter().map(|h| scaled(&map, h)).collect() })
            .collect()
    }

    /// The parameters of a map of the columns as they were given.
    pub(super) fn parameters(&self, map: &[Vec<f64>]) -> Result<Vec<f64>> {
        let d = self.columns();
        if let Some(row) = map.iter().find(|row| row.len() != d) {
            return Err(Error::shape(format!(
                "start has a row of {} entries, but there are {d} columns; give one entry for each",
                row.len()
            )));
        }
        let entry = |r: usize, j: usize| map[r][j] * self.units.deviations[j];
        let all: Vec<f64> = if self.per_feature {
            let sound = map.len() == d
                && (0..d).all(|r| (0..d).all(|j| (map[r][j] > 0.0) == (j == r)))
                && map.iter().flatten().all(|a| *a >= 0.0);
            if !sound {
                return Err(Error::parameter(
                    "start must be a positive factor for each column, in a matrix with zeros beside its diagonal",
                ));
            }
            (0..d).map(|j| entry(j, j).ln()).collect()
        } else {
            let row = |r: usize| (0..d).map(move |j| entry(r, j));
            (0..map.len()).flat_map(row).collect()
        };
        if all.iter().all(|a| a.is_finite()) {
            return Ok(all);
        }
        Err(Error::not_finite(
            "start has NaN or infinite numbers, or too large ones",
        ))
    }

    /// The map of some parameters, for the columns as they were given.
    pub(super) fn map(&self, parameters: &[f64]) -> Vec<Vec<f64>> {
        let (d, deviations) = (self.columns(), &self.units.deviations);
        if self.per_feature {
            let row = |r: usize| {
                let mut row = vec![0.0; d];
                row[r] = parameters[r].exp() / deviations[r];
                row
            };
            return (0..d).map(row).collect();
        }
        let row = |row: &[f64]| row.iter().zip(deviations).map(|(a, s)| a / s).collect();
        parameters.chunks_exact(d).map(row).collect()
    }

    /// Rows `[n, d]`, mapped, and how many columns they have then.
    fn mapped(&self, rows: &[f64], parameters: &[f64]) -> (Vec<f64>, usize) {
        let d = self.columns();
        if self.per_feature {
            let factors: Vec<f64> = parameters.iter().map(|p| p.exp()).collect();
            let row = |x: &[f64]| -> Vec<f64> { x.iter().zip(&factors).map(product).collect() };
            return (rows.chunks_exact(d).flat_map(row).collect(), d);
        }
        let out = |x: &[f64]| -> Vec<f64> {
            let sum = |row: &[f64]| x.iter().zip(row).map(product).sum::<f64>();
            parameters.chunks_exact(d).map(sum).collect()
        };
        let mapped = rows.chunks_exact(d).flat_map(out).collect();
        (mapped, parameters.len() / d)
    }

    fn fit(&self, mean: &LocalMean, mapped: Rows<'_, f64>) -> Result<LocalMeanFit<f64>> {
        let values = Rows::new(&self.values.all, mapped.rows(), self.values.columns)?;
        mean.fit_watched(mapped, values, self.values.weights, &self.watch)
    }

    /// The loss alone.
    pub(super) fn value(&self, parameters: &[f64]) -> Result<f64> {
        let (mapped, rank) = self.mapped(&self.samples, parameters);
        let z = Rows::new(&mapped, mapped.len() / rank, rank)?;
        let found = self.fit(&self.others, z)?.at(z, &self.watch)?;
        Ok(self.values.loss(&found.means).0)
    }

    /// The loss and its derivatives.
    pub(super) fn at(&self, parameters: &[f64]) -> Result<(f64, Vec<f64>)> {
        let d = self.columns();
        let (mapped, rank) = self.mapped(&self.samples, parameters);
        let z = Rows::new(&mapped, mapped.len() / rank, rank)?;
        let fit = self.fit(&self.others, z)?;
        let found = fit.at(z, &self.watch)?;
        let (loss, flow) = self.values.loss(&found.means);
        let flow = Rows::new(&flow, z.rows(), self.values.columns)?;
        let back = fit.pull_back(z, z, &found, flow, None, &self.watch)?;
        let by_mapped = back.queries.iter().zip(&back.keys).map(|(q, k)| q + k);
        let by_mapped: Vec<f64> = by_mapped.collect();
        let mut slope = vec![0.0; parameters.len()];
        let rows = self.samples.chunks_exact(d).zip(z.iter());
        for ((x, z), by) in rows.zip(by_mapped.chunks_exact(rank)) {
            if self.per_feature {
                for ((s, z), b) in slope.iter_mut().zip(z).zip(by) {
                    *s += z * b;
                }
            } else {
                for (row, b) in slope.chunks_exact_mut(d).zip(by) {
                    row.iter_mut().zip(x).for_each(|(s, x)| *s += b * x);
                }
            }
        }
        Ok((loss, slope))
    }

    /// Samples that are not learned from, to look at on the way.
    pub(super) fn hold_out(
        &self,
        rows: Rows<'_, f64>,
        goal: Goal<'a>,
        weights: Option<&'a [f64]>,
    ) -> Result<HeldOut<'a>> {
        let (d, values) = (self.columns(), Values::of(goal, rows.rows(), weights)?);
        let alike = values.classes.is_some() == self.values.classes.is_some();
        if rows.rows() == 0
            || rows.columns() != d
            || values.columns != self.values.columns
            || !alike
        {
            return Err(Error::shape(format!(
                "what is held out has shape [{}, {}] and {} values for each row; give at least one row, with {d} columns and {} values as \
                 those that are learned from",
                rows.rows(),
                rows.columns(),
                values.columns,
                self.values.columns
            )));
        }
        let samples = self.units.scale("held-out samples", rows)?;
        Ok(HeldOut { samples, values })
    }

    /// The loss of held-out samples, told by those that are learned from.
    pub(super) fn elsewhere(&self, held: &HeldOut<'_>, parameters: &[f64]) -> Result<f64> {
        let (keys, rank) = self.mapped(&self.samples, parameters);
        let (queries, _) = self.mapped(&held.samples, parameters);
        let fit = self.fit(&everywhere(), Rows::new(&keys, keys.len() / rank, rank)?)?;
        let queries = Rows::new(&queries, queries.len() / rank, rank)?;
        let found = fit.at(queries, &self.watch)?;
        Ok(held.values.loss(&found.means).0)
    }
}

/// Samples in the units of those that are learned from.
pub(super) struct HeldOut<'a> {
    samples: Vec<f64>,
    values: Values<'a>,
}

fn everywhere() -> LocalMean {
    LocalMean::new(Kernel::gaussian(1.0)).on_empty(OnEmpty::Nearest)
}

fn product((a, b): (&f64, &f64)) -> f64 {
    a * b
}

//! Models that are read out of a local mean of lifted samples.

use super::model::{Localized, chosen};
use crate::{Error, LocalMeanFit, OnEmpty, Result, Rows, Watch};

/// A statistical model that is a local mean read another way: each sample is lifted to a row of numbers, and predictions are read out of
/// the local mean of these rows.
///
/// Whatever has sufficient statistics is of this kind: means and variances, normal distributions, discriminant analysis. The local means
/// come from the engine, so that nothing is slower than a local mean of as many columns. Columns come about their means, which keeps
/// products of them from losing digits.
pub trait LocalModel: Sync {
    /// Length of a lifted sample of so many columns and responses.
    fn lifted(&self, columns: usize, responses: usize) -> usize;
    /// Writes the lifted sample.
    fn lift(&self, x: &[f64], y: &[f64], out: &mut [f64]);
    /// Number of predictions at a target.
    fn outputs(&self, columns: usize, responses: usize) -> usize;
    /// Reads the predictions at a target out of the local mean of the lifted samples.
    fn read(&self, mean: &[f64], target: &[f64], out: &mut [f64]);
}

impl<M: LocalModel> Localized<M> {
    /// Keeps lifted samples `[n, d]` with responses `[n, p]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalMean::fit`](crate::LocalMean::fit); a column that is not there.
    pub fn fit_lifted(
        self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LiftedFit<M>> {
        let columns = self.model_columns(samples.columns())?;
        if responses.rows() != samples.rows() {
            return Err(Error::shape(format!(
                "responses has {} rows, but samples has {}; there must be one for each",
                responses.rows(),
                samples.rows()
            )));
        }
        let n = samples.rows();
        let middle = |c: &usize| samples.iter().map(|r| r[*c]).sum::<f64>() / n.max(1) as f64;
        let center: Vec<f64> = columns.iter().map(middle).collect();
        let mut x = chosen(samples, &columns);
        let d = columns.len();
        if d > 0 {
            for row in x.chunks_exact_mut(d) {
                row.iter_mut().zip(&center).for_each(|(x, c)| *x -= c);
            }
        }
        let x = Rows::new(&x, n, d)?;
        let length = self.model.lifted(d, responses.columns());
        let mut lifted = vec![0.0; n * length];
        for (i, out) in lifted.chunks_exact_mut(length.max(1)).enumerate() {
            self.model.lift(x.row(i), responses.row(i), out);
        }
        let lifted = Rows::new(&lifted, n, length)?;
        let means = self.means().on_empty(OnEmpty::Nearest);
        let means = means.fit_watched(samples, lifted, weights, watch)?;
        Ok(LiftedFit {
            outputs: self.model.outputs(d, responses.columns()),
            model: self.model,
            columns,
            center,
            means,
        })
    }
}

/// A model over lifted samples, read out of their local means.
#[derive(Clone, Debug)]
pub struct LiftedFit<M> {
    model: M,
    columns: Vec<usize>,
    center: Vec<f64>,
    means: LocalMeanFit<f64>,
    outputs: usize,
}

impl<M: LocalModel> LiftedFit<M> {
    /// The local means of the lifted samples.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        &self.means
    }

    /// Number of predictions at a target.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Effective numbers of samples at targets `[m, d]`, `(sum w)^2 / sum w^2`, `[m]`; 0 where none weighs.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn effective_samples(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        self.means.local_samples(targets, watch, |_, sample| {
            let total: f64 = sample.weights().iter().sum();
            let squares: f64 = sample.weights().iter().map(|w| w * w).sum();
            Ok(if squares > 0.0 {
                total * total / squares
            } else {
                0.0
            })
        })
    }

    /// Predictions at targets `[m, d]`, `[m, outputs]`; where no sample weighs, those of the nearest one alone.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, or an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let means = self.means.at(targets, watch)?.means;
        let length = means.len() / targets.rows().max(1);
        let mut out = vec![f64::NAN; targets.rows() * self.outputs];
        for (i, out) in out.chunks_exact_mut(self.outputs.max(1)).enumerate() {
            let row = targets.row(i);
            let place = self.columns.iter().zip(&self.center);
            let place: Vec<f64> = place.map(|(&c, center)| row[c] - center).collect();
            self.model.read(&means[i * length..][..length], &place, out);
        }
        Ok(out)
    }
}

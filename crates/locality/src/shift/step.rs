//! One step of mean shift for many points at once.

use super::kernels::flat_radius;
use super::sphere::{back, normalize};
use crate::{
    Error, Float, Kernel, LocalMean, LocalMeanFit, LocalMeans, OnEmpty, Result, Rows, Watch,
};

/// Where each point goes.
pub(super) struct Steps<T> {
    /// New places, `[m, d]`; not a number where no sample is near.
    pub(super) means: Vec<T>,
    /// How dense it is at the old places, `[m]`, in the [stepper's unit](Stepper::intensity); negative infinity where no
    /// sample is near.
    pub(super) levels: Vec<f64>,
}

/// Samples under a kernel, ready to move points.
#[derive(Clone, Debug)]
pub(super) struct Stepper<T> {
    means: LocalMeanFit<T>,
    flat: bool,
    sphere: bool,
}

impl<T: Float> Stepper<T> {
    pub(super) fn new(
        kernel: &Kernel,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        tolerance: f64,
        sphere: bool,
    ) -> Result<Self> {
        let mean = LocalMean::new(kernel.clone())
            .tolerance(tolerance)
            .on_empty(OnEmpty::Nan);
        let means = match weights {
            Some(weights) => mean.fit_weighted(samples, samples, weights),
            None => mean.fit(samples, samples),
        };
        Ok(Self {
            means: means.map_err(|e| e.context("mean shift"))?,
            flat: flat_radius(kernel).is_some() && weights.is_none(),
            sphere,
        })
    }

    /// Local means and log normalisers at points `[m, d]`.
    pub(super) fn means(&self, points: Rows<'_, T>, watch: &Watch<'_>) -> Result<LocalMeans<T>> {
        let mut out = self.means.at(points, watch)?;
        if self.sphere {
            back(&mut out.means, points);
        }
        Ok(out)
    }

    /// Goes `relaxation` times the way from a point to its mean.
    pub(super) fn advance(&self, point: &[T], mean: &mut [T], relaxation: f64) {
        if relaxation <= 1.0 {
            return;
        }
        for (m, p) in mean.iter_mut().zip(point) {
            let p = p.to_f64();
            *m = T::from_f64(p + relaxation * (m.to_f64() - p));
        }
        if self.sphere && !normalize(mean) {
            mean.copy_from_slice(point);
        }
    }

    /// Moves points `[m, d]` once.
    pub(super) fn step(&self, points: Rows<'_, T>, watch: &Watch<'_>) -> Result<Steps<T>> {
        let out = self.means(points, &watch.quiet())?;
        let levels = out.log_normalizer.iter().map(|l| {
            let level = l.to_f64();
            if self.flat && level.is_finite() {
                level.exp().round()
            } else {
                level
            }
        });
        let levels: Vec<f64> = levels.collect();
        let rows = out.means.chunks_exact(points.columns());
        for (row, level) in rows.zip(&levels) {
            if *level > f64::NEG_INFINITY && row.iter().any(|x| !x.is_finite()) {
                return Err(Error::not_finite(
                    "the sum of the samples around a point overflows the number type; rescale the columns",
                ));
            }
        }
        Ok(Steps {
            means: out.means,
            levels,
        })
    }

    /// Its logarithm.
    pub(super) fn log(&self, level: f64) -> f64 {
        if self.flat { level.ln() } else { level }
    }

    /// The sum of the weights that a level stands for.
    pub(super) fn intensity(&self, level: f64) -> f64 {
        if self.flat { level } else { level.exp() }
    }
}

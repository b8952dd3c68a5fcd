//! The posterior mean of a clean sample, its covariance, and the score.

use crate::patches::Patches;
use crate::{Error, Float, Kernel, LocalMean, LocalMeanFit, Neighborhood, Result, Rows, Watch};

/// The parameters of the best denoiser: the level of the noise, and how exactly it is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimalDenoiser {
    sigma: f64,
    smoothing: f64,
    tolerance: f64,
    nearest: Option<usize>,
    hollow: bool,
}

impl OptimalDenoiser {
    /// For white noise of this standard deviation in every column; exact to rounding.
    pub fn new(sigma: f64) -> Self {
        Self {
            sigma,
            smoothing: 0.0,
            tolerance: 0.0,
            nearest: None,
            hollow: false,
        }
    }

    /// Clean values are taken to be those of the sample with Gaussian noise of this standard deviation: those of its kernel density rather
    /// than the sample itself. 0, the default, is the sample: without noise to speak of, the denoiser then gives one of its rows.
    #[must_use]
    pub fn smoothing(mut self, smoothing: f64) -> Self {
        self.smoothing = smoothing;
        self
    }

    /// What the sum of the weights may be off by, relative and with proof (see [`LocalMean::tolerance`]); 0, the default, is exact.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// With the `k` nearest clean samples alone; all of them by default.
    #[must_use]
    pub fn nearest(mut self, k: impl Into<Option<usize>>) -> Self {
        self.nearest = k.into();
        self
    }

    /// Whether the noisy values are the samples themselves, in their order, and each is to be told by the others alone.
    #[must_use]
    pub fn hollow(mut self, hollow: bool) -> Self {
        self.hollow = hollow;
        self
    }

    /// Takes clean samples `[n, d]`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers; sigma that is no positive number; smoothing that is negative; a tolerance or number of
    /// neighbours out of range; an interruption.
    pub fn fit<T: Float>(
        &self,
        clean: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<OptimalDenoiserFit<T>> {
        self.fit_weighted(clean, None, watch)
    }

    /// The same with sample weights `[n]`, or without.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted<T: Float>(
        &self,
        clean: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<OptimalDenoiserFit<T>> {
        self.check()?;
        clean.require_finite("clean samples")?;
        if clean.rows() == 0 || clean.columns() == 0 {
            return Err(Error::empty(format!(
                "the clean samples are {} x {}; give at least 1 row and 1 column",
                clean.rows(),
                clean.columns()
            )));
        }
        let (n, d) = (clean.rows(), clean.columns());
        self.check_counts(n, weights)?;
        let center = center(clean);
        let centered: Vec<T> = clean
            .iter()
            .flat_map(|row| row.iter().zip(&center).map(|(x, c)| *x - *c))
            .collect();
        let mean = self.local_mean();
        let values = Rows::new(&centered, n, d)?;
        let total = weights.map_or(n as f64, |w| w.iter().map(|w| w.to_f64()).sum());
        Ok(OptimalDenoiserFit {
            parameters: self.clone(),
            means: mean.fit_watched(values, values, weights, watch)?,
            samples: clean.to_vec(),
            weights: weights.map(<[T]>::to_vec),
            center,
            total,
        })
    }

    /// The standard deviation of kernels: noise and smoothing together.
    pub(super) fn width(&self) -> f64 {
        self.sigma.hypot(self.smoothing)
    }

    /// The noise's share of the kernels' variance.
    pub(super) fn share(&self) -> f64 {
        (self.sigma / self.width()).powi(2)
    }

    /// What smoothing alone leaves uncertain in each column.
    pub(super) fn left_by_smoothing(&self) -> f64 {
        (self.sigma * self.smoothing / self.width()).powi(2)
    }

    pub(super) fn is_hollow(&self) -> bool {
        self.hollow
    }

    pub(super) fn nearest_count(&self) -> Option<usize> {
        self.nearest
    }

    fn local_mean(&self) -> LocalMean {
        let mut neighborhood = self
            .nearest
            .map_or_else(Neighborhood::all, Neighborhood::nearest);
        if self.hollow {
            neighborhood = neighborhood.and(Neighborhood::hollow());
        }
        LocalMean::new(Kernel::gaussian(self.width()))
            .neighborhood(neighborhood)
            .tolerance(self.tolerance)
    }

    /// Whether there are as many clean samples as are asked for.
    fn check_counts<T: Float>(&self, n: usize, weights: Option<&[T]>) -> Result<()> {
        let counting = weights.map_or(n, |w| w.iter().filter(|w| **w > T::ZERO).count());
        let others = n - usize::from(self.hollow);
        if self.hollow && counting == 1 {
            return Err(Error::empty(
                "hollow tells each clean sample by the others, but there is only 1; give at least 2, or let it count for itself",
            ));
        }
        if self.hollow && self.nearest.is_some() && counting < n {
            return Err(Error::parameter(format!(
                "{} of the clean samples have weight 0, and would count among the nearest of hollow; leave them out of both, or leave out nearest",
                n - counting
            )));
        }
        if let Some(k) = self.nearest.filter(|k| *k == 0 || *k > others) {
            return Err(Error::parameter(format!(
                "nearest is {k}; give a number of clean samples from 1 to {others}"
            )));
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if !(self.sigma > 0.0 && self.sigma.is_finite()) {
            return Err(Error::parameter(format!(
                "sigma is {}; give the noise's standard deviation, a positive number",
                self.sigma
            )));
        }
        if !(self.smoothing >= 0.0 && self.smoothing.is_finite()) {
            return Err(Error::parameter(format!(
                "smoothing is {}; give a standard deviation, 0 or more",
                self.smoothing
            )));
        }
        Ok(())
    }
}

/// The column means, about which everything is computed.
fn center<T: Float>(rows: Rows<'_, T>) -> Vec<T> {
    let mut sums = vec![0.0; rows.columns()];
    for row in rows.iter() {
        for (s, x) in sums.iter_mut().zip(row) {
            *s += x.to_f64() / rows.rows() as f64;
        }
    }
    sums.into_iter().map(T::from_f64).collect()
}

/// A denoiser with its clean samples.
#[derive(Clone, Debug)]
pub struct OptimalDenoiserFit<T> {
    parameters: OptimalDenoiser,
    means: LocalMeanFit<T>,
    pub(super) samples: Vec<T>,
    pub(super) weights: Option<Vec<T>>,
    center: Vec<T>,
    total: f64,
}

impl<T: Float> OptimalDenoiserFit<T> {
    /// The parameters.
    pub fn parameters(&self) -> &OptimalDenoiser {
        &self.parameters
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.center.len()
    }

    /// The expected clean values at noisy ones `[m, d]`, of the same shape.
    ///
    /// # Errors
    /// Another number of columns than the clean samples'; NaN or infinite numbers; an interruption.
    pub fn denoise(&self, noisy: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let moved = self.moved(noisy)?;
        let rows = self.rows(&moved)?;
        let found = self.means.at(rows, watch)?;
        let share = self.parameters.share();
        let keep = T::from_f64(1.0 - share);
        let share = T::from_f64(share);
        let mut out = found.means;
        for (out, y) in out.chunks_exact_mut(self.columns()).zip(rows.iter()) {
            for ((o, y), c) in out.iter_mut().zip(y).zip(&self.center) {
                *o = share * *o + keep * *y + *c;
            }
        }
        Ok(out)
    }

    /// A grid (series, picture, volume) without its noise, if the clean samples are patches: the patch about each place is denoised, and each
    /// value is the mean of what all patches say about it.
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise), and patches of another number of columns than the clean samples'.
    pub fn denoise_grid(&self, grid: &Patches, values: &[T], watch: &Watch<'_>) -> Result<Vec<T>> {
        let rows = grid.rows(values)?;
        let noisy = Rows::new(&rows, grid.places(), grid.columns())?;
        grid.average(&self.denoise(noisy, watch)?)
    }

    /// The gradient of the logarithm of the density of noisy values, `(m(y) - y) / sigma^2`, at `[m, d]`.
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise).
    pub fn score(&self, noisy: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let moved = self.moved(noisy)?;
        let rows = self.rows(&moved)?;
        let mut out = self.means.at(rows, watch)?.means;
        let factor = T::from_f64(self.parameters.width().powi(-2));
        for (o, y) in out.iter_mut().zip(&moved) {
            *o = (*o - *y) * factor;
        }
        Ok(out)
    }

    /// The logarithm of the density of noisy values at `[m, d]`: that of the clean samples with noise.
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise).
    pub fn log_density(&self, noisy: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let moved = self.moved(noisy)?;
        let found = self.means.at(self.rows(&moved)?, watch)?;
        let width = self.parameters.width();
        let mass = (2.0 * std::f64::consts::PI * width * width).ln() * self.columns() as f64 / 2.0;
        let mass = T::from_f64(mass + self.total.ln());
        Ok(found.log_normalizer.into_iter().map(|l| l - mass).collect())
    }

    /// What is left uncertain: the covariance of the clean value given a noisy one, `[m, d, d]`. By Tweedie's formula it is
    /// `sigma^2 (I + sigma^2 H)` for the Hessian `H` of the noisy log density, and `sigma^2` times the derivative of the denoiser.
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise).
    pub fn covariance(&self, noisy: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let d = self.columns();
        let pairs: Vec<(usize, usize)> =
            (0..d).flat_map(|a| (0..=a).map(move |b| (a, b))).collect();
        let found = self.moments(noisy, &pairs, watch)?;
        let mut out = vec![T::ZERO; noisy.rows() * d * d];
        for (out, found) in out
            .chunks_exact_mut(d * d)
            .zip(found.chunks_exact(pairs.len()))
        {
            for (&(a, b), v) in pairs.iter().zip(found) {
                out[a * d + b] = *v;
                out[b * d + a] = *v;
            }
        }
        Ok(out)
    }

    /// The variance of each column of the clean value given a noisy one, `[m, d]`: the diagonal of the [covariance](Self::covariance).
    ///
    /// # Errors
    /// As [`denoise`](Self::denoise).
    pub fn variance(&self, noisy: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        let pairs: Vec<(usize, usize)> = (0..self.columns()).map(|a| (a, a)).collect();
        self.moments(noisy, &pairs, watch)
    }

    pub(super) fn check(&self, noisy: Rows<'_, T>) -> Result<()> {
        if noisy.columns() != self.columns() {
            return Err(Error::shape(format!(
                "the noisy values have {} columns and the clean samples {}; give the same columns",
                noisy.columns(),
                self.columns()
            )));
        }
        if noisy.rows() > 0 {
            noisy.require_finite("noisy values")?;
        }
        Ok(())
    }

    /// Queries about the centre.
    fn moved(&self, noisy: Rows<'_, T>) -> Result<Vec<T>> {
        self.check(noisy)?;
        let moved = noisy
            .iter()
            .flat_map(|row| row.iter().zip(&self.center).map(|(x, c)| *x - *c));
        Ok(moved.collect())
    }

    fn rows<'a>(&self, data: &'a [T]) -> Result<Rows<'a, T>> {
        Rows::new(data, data.len() / self.columns(), self.columns())
    }
}

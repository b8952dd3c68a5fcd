//! What a fitted density knows.

use super::law::Law;
use super::parameters::KernelDensity;
use crate::par::map_blocks;
use crate::random::Random;
use crate::{
    Bandwidth, Error, Float, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows,
    Watch,
};

/// Draws of a block; each block has a stream of random numbers of its own.
const BLOCK: usize = 1024;
/// However large `atol` is, so much of the weight is kept.
const MOST_LEFT_OUT: f64 = 0.5;

/// A density made by [`KernelDensity`].
#[derive(Clone, Debug)]
pub struct KernelDensityFit<T> {
    parameters: KernelDensity,
    kernel: Kernel,
    law: Law,
    means: LocalMeanFit<T>,
    samples: Vec<T>,
    columns: usize,
    /// As given.
    pub(crate) weights: Option<Vec<T>>,
    /// Divided by the mass of each sample's own kernel.
    shares: Option<Vec<T>>,
    total: f64,
    /// Logarithm of the mass that `shares` leave.
    log_mass: f64,
}

impl<T: Float> KernelDensityFit<T> {
    pub(super) fn new(
        parameters: KernelDensity,
        kernel: Kernel,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let (n, d) = (samples.rows(), samples.columns());
        let law = Law::new(&kernel, d)?;
        let own = law
            .varies()
            .then(|| (0..n).map(|i| law.log_mass(i)).collect::<Vec<f64>>());
        let log_mass = match &own {
            Some(own) => own.iter().sum::<f64>() / n as f64,
            None => law.log_mass(0),
        };
        let weight = |i: usize| weights.map_or(1.0, |w| w[i].to_f64());
        let shares = match &own {
            Some(own) => {
                let each = own.iter().enumerate();
                Some(
                    each.map(|(i, own)| T::from_f64(weight(i) * (log_mass - own).exp()))
                        .collect(),
                )
            }
            None => weights.map(<[T]>::to_vec),
        };
        let least = own.as_ref().map_or(log_mass, |own| {
            own.iter().copied().fold(f64::INFINITY, f64::min)
        });
        let (rtol, atol) = parameters.tolerances();
        let highest = (law.log_peak() - least).exp();
        let tolerance = rtol.max((rtol + atol / highest).min(MOST_LEFT_OUT));
        let means = LocalMean::new(kernel.clone())
            .tolerance(tolerance)
            .on_empty(OnEmpty::Nan)
            .fit_watched(samples, Rows::new(&[], n, 0)?, shares.as_deref(), watch)?;
        Ok(Self {
            parameters,
            kernel,
            law,
            means,
            samples: samples.to_vec(),
            columns: d,
            weights: weights.map(<[T]>::to_vec),
            shares,
            total: (0..n).map(weight).sum(),
            log_mass,
        })
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &KernelDensity {
        &self.parameters
    }

    /// The kernel in force: every bandwidth is a number, one per column or one per sample.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The bandwidth in force, of the first part of the kernel.
    pub fn bandwidth(&self) -> &Bandwidth {
        self.kernel.atoms()[0].bandwidth_rule()
    }

    /// Number of samples, `n`.
    pub fn n_samples(&self) -> usize {
        self.samples.len() / self.columns
    }

    /// The samples `[n, d]`.
    pub fn samples(&self) -> Rows<'_, T> {
        self.view()
    }

    fn view(&self) -> Rows<'_, T> {
        Rows::new(&self.samples, self.n_samples(), self.columns).expect("samples are n x d")
    }

    /// Logarithm of the density at rows `[m, d]`, `[m]`; negative infinity where no kernel reaches. The density is per unit of the
    /// columns' volume.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, an interruption.
    pub fn log_density(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check(rows)?;
        let logs = self.means.at(rows, watch)?.log_normalizer;
        let constant = self.log_mass + self.total.ln();
        Ok(logs
            .into_iter()
            .map(|l| T::from_f64(l.to_f64() - constant))
            .collect())
    }

    /// The sum of the log densities of rows `[m, d]`: their log likelihood.
    ///
    /// # Errors
    /// As [`log_density`](Self::log_density).
    pub fn log_likelihood(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
        let logs = self.log_density(rows, watch)?;
        Ok(logs.iter().map(|l| l.to_f64()).sum())
    }

    /// Gradient of the log density at rows `[m, d]`, the score function, `[m, d]`; NaN where the density is 0. Where a kernel has a kink
    /// or an edge its derivative counts as 0. Under a Gaussian it is `(m(x) - x) / h^2`, the mean shift.
    ///
    /// # Errors
    /// As [`log_density`](Self::log_density), and derivatives beyond the number type's range.
    pub fn score_function(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check(rows)?;
        let m = rows.rows();
        let at = self.means.at(rows, &watch.quiet())?;
        let ones = vec![T::ONE; m];
        let nothing = Rows::new(&[], m, 0)?;
        let back = self
            .means
            .pull_back(rows, self.samples(), &at, nothing, Some(&ones), watch)?;
        let mut out = back.queries;
        for (i, log) in at.log_normalizer.iter().enumerate() {
            if *log == T::NEG_INFINITY {
                out[i * self.columns..][..self.columns].fill(T::NAN);
            }
        }
        Ok(out)
    }

    /// Logarithm of the density at each sample that all other samples make, `[n]`: leave-one-out. Bandwidths stay as they are.
    ///
    /// # Errors
    /// Fewer than two samples, an interruption.
    pub fn leave_one_out(&self, watch: &Watch<'_>) -> Result<Vec<T>> {
        let n = self.n_samples();
        if n < 2 {
            return Err(Error::parameter(
                "leave-one-out needs at least two samples, but there is 1",
            ));
        }
        let fit = LocalMean::new(self.kernel.clone())
            .neighborhood(Neighborhood::hollow())
            .tolerance(self.parameters.tolerances().0)
            .on_empty(OnEmpty::Nan)
            .fit_watched(
                self.samples(),
                Rows::new(&[], n, 0)?,
                self.shares.as_deref(),
                watch,
            )?;
        let logs = fit.at(self.samples(), watch)?.log_normalizer;
        let each = logs.into_iter().enumerate().map(|(i, log)| {
            let own = self.weights.as_ref().map_or(1.0, |w| w[i].to_f64());
            if log == T::NEG_INFINITY {
                return log;
            }
            let rest = (self.total - own).max(f64::MIN_POSITIVE);
            T::from_f64(log.to_f64() - self.log_mass - rest.ln())
        });
        Ok(each.collect())
    }

    /// Draws `m` sites, `[m, d]`, from the density. The same for the same seed on any number of threads.
    ///
    /// # Errors
    /// An interruption.
    pub fn sample(&self, m: usize, seed: u64, watch: &Watch<'_>) -> Result<Vec<T>> {
        let n = self.n_samples();
        let mut below = 0.0;
        let cumulative: Option<Vec<f64>> = self.weights.as_ref().map(|weights| {
            let each = weights.iter().map(|w| {
                below += w.to_f64();
                below
            });
            each.collect()
        });
        let blocks = map_blocks(watch, m, BLOCK, |range| {
            let mut random = Random::new(seed, (range.start / BLOCK) as u64);
            let mut out = Vec::with_capacity(range.len() * self.columns);
            let mut site = vec![0.0; self.columns];
            for _ in range {
                let key = match &cumulative {
                    None => random.below(n),
                    Some(cumulative) => {
                        let at = random.uniform() * below;
                        cumulative.partition_point(|c| *c <= at).min(n - 1)
                    }
                };
                let from = &self.samples[key * self.columns..][..self.columns];
                site.iter_mut().zip(from).for_each(|(s, x)| *s = x.to_f64());
                self.law.draw(&mut random, key, &mut site);
                let finite = |x: &f64| T::from_f64(*x).max(-T::MAX).min(T::MAX);
                out.extend(site.iter().map(finite));
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }

    fn check(&self, rows: Rows<'_, T>) -> Result<()> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "rows has {} columns, but samples has {}; they must be the same columns",
                rows.columns(),
                self.columns
            )));
        }
        if rows.rows() == 0 {
            return Ok(());
        }
        rows.require_finite("rows")
    }
}

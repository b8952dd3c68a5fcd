//! What a fitted Gaussian process knows: means, deviations, covariances and draws.

use super::likelihood::{Posterior, Prior};
use super::sparse::Sparse;
use crate::linear::{Factor, Matrix, Values, on_threads};
use crate::random::Random;
use crate::{Error, Kernel, Result, Rows, Watch};

/// Rows whose joint covariance is refused.
const MOST_JOINT: usize = 20_000;

#[derive(Clone, Debug)]
pub(super) enum Inner {
    Exact(Box<Posterior>),
    Sparse(Box<Sparse>),
}

/// A fitted Gaussian process.
#[derive(Clone, Debug)]
pub struct GaussianProcessFit {
    pub(super) prior: Prior,
    pub(super) inner: Inner,
    pub(super) scales: Vec<(f64, f64)>,
}

impl GaussianProcessFit {
    /// The kernel in force, without the amplitude.
    pub fn kernel(&self) -> &Kernel {
        &self.prior.kernel
    }

    /// The factor on the kernel; of the targets brought to variance 1, if they were.
    pub fn amplitude(&self) -> f64 {
        self.prior.amplitude
    }

    /// The variance of the noise, likewise.
    pub fn alpha(&self) -> f64 {
        self.prior.noise
    }

    /// The logarithm of the marginal likelihood of the targets, the sum over their columns.
    pub fn log_marginal_likelihood(&self) -> f64 {
        match &self.inner {
            Inner::Exact(posterior) => posterior.log_likelihood,
            Inner::Sparse(sparse) => sparse.log_likelihood,
        }
    }

    /// Its derivatives by the logarithms of the kernel's bandwidths (and coefficients of sums), of the amplitude and of the noise, in
    /// this order.
    ///
    /// # Errors
    /// A process with landmarks.
    pub fn log_marginal_likelihood_gradient(&self, watch: &Watch<'_>) -> Result<Vec<f64>> {
        match &self.inner {
            Inner::Exact(posterior) => {
                let x = posterior.values.samples();
                self.prior.gradient(x, posterior, watch)
            }
            Inner::Sparse(_) => Err(Error::unsupported(
                "the gradient of the likelihood is that of the exact process; fit without n_landmarks",
            )),
        }
    }

    /// The samples that are landmarks, counted from 0, where there are any.
    pub fn landmarks(&self) -> Option<&[usize]> {
        match &self.inner {
            Inner::Exact(_) => None,
            Inner::Sparse(sparse) => Some(&sparse.numbers),
        }
    }

    /// Coefficients of the mean `[n, p]`, or of the landmarks, row after row.
    pub fn coefficients(&self) -> Vec<f64> {
        self.parts().1.transposed().into_data()
    }

    fn parts(&self) -> (&Values, &Matrix) {
        match &self.inner {
            Inner::Exact(posterior) => (&posterior.values, &posterior.dual),
            Inner::Sparse(sparse) => (&sparse.centers.values, &sparse.dual),
        }
    }

    /// Means `[m, p]` at rows `[m, d]`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn predict(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let (values, dual) = self.parts();
        let mut out = values.times(rows, dual, watch)?;
        for row in out.chunks_exact_mut(self.scales.len()) {
            for (f, (mean, deviation)) in row.iter_mut().zip(&self.scales) {
                *f = mean + deviation * self.prior.amplitude * *f;
            }
        }
        Ok(out)
    }

    /// Means and standard deviations `[m, p]` at rows `[m, d]`: of the process, without the noise of a new target.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_std(
        &self,
        rows: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (values, _) = self.parts();
        let blocks = values.stream(rows, &watch.quiet(), |some, k| {
            let own = values.diagonal(some);
            let explained = self.explained(k, faer::Par::Seq);
            let variance = |i: usize| {
                let sum = |m: &Matrix| m.column(i).iter().map(|x| x * x).sum::<f64>();
                let lost = sum(&explained.0) - explained.1.as_ref().map_or(0.0, sum);
                (self.prior.amplitude * own[i] - lost).max(0.0)
            };
            Ok((0..some.rows()).map(variance).collect::<Vec<f64>>())
        })?;
        let each = blocks.iter().flatten();
        let std = each.flat_map(|v| self.scales.iter().map(move |s| s.1 * v.sqrt()));
        Ok((self.predict(rows, watch)?, std.collect()))
    }

    /// What takes from the prior covariance, and what gives back to it: matrices whose squares are these.
    fn explained(&self, mut k: Matrix, par: faer::Par) -> (Matrix, Option<Matrix>) {
        let a = self.prior.amplitude;
        match &self.inner {
            Inner::Exact(posterior) => {
                k.scale(a);
                posterior.factor.solve_lower(&mut k, par);
                (k, None)
            }
            Inner::Sparse(sparse) => {
                sparse.centers.factor.solve_lower(&mut k, par);
                k.scale(a.sqrt());
                let mut back = k.clone();
                sparse.inner.solve_lower(&mut back, par);
                (k, Some(back))
            }
        }
    }

    /// The covariance `[m, m]` of the process at rows `[m, d]`, of targets of variance 1 where they were brought to that; multiply by the
    /// square of the deviation of [`scales`](Self::scales).
    ///
    /// # Errors
    /// As [`predict`](Self::predict); more than 20,000 rows.
    pub fn covariance(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        Ok(self.joint(rows, watch)?.into_data())
    }

    fn joint(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Matrix> {
        if rows.rows() > MOST_JOINT {
            return Err(Error::unsupported(format!(
                "the joint covariance of {} rows is larger than that of the {MOST_JOINT} which are computed; ask for the standard deviations",
                rows.rows()
            )));
        }
        let (values, _) = self.parts();
        values.check(rows)?;
        if rows.rows() == 0 {
            return Matrix::zeros(0, 0);
        }
        let mut out = Values::new(values.kernel(), rows, watch)?.gram(watch)?;
        out.scale(self.prior.amplitude);
        let k = values.at(rows, &watch.quiet())?;
        on_threads(watch, |par| {
            let (taken, given) = self.explained(k, par);
            let lost = taken.transposed_times_on(&taken, par);
            let back = given.map(|g| g.transposed_times_on(&g, par));
            for (i, o) in out.data_mut().iter_mut().enumerate() {
                *o += back.as_ref().map_or(0.0, |b| b.data()[i]) - lost.data()[i];
            }
        });
        let diagonal: Vec<f64> = out.diagonal().iter().map(|x| x.max(0.0)).collect();
        out.mirror(&diagonal);
        Ok(out)
    }

    /// Mean and deviation that each target was brought from, `[p]`: 0 and 1 where it was not.
    pub fn scales(&self) -> &[(f64, f64)] {
        &self.scales
    }

    /// Draws of the process at rows `[m, d]`: `[draws, m, p]`, the same for the same seed.
    ///
    /// # Errors
    /// As [`covariance`](Self::covariance).
    pub fn sample(
        &self,
        rows: Rows<'_, f64>,
        draws: usize,
        seed: u64,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let (m, p) = (rows.rows(), self.scales.len());
        let mean = self.predict(rows, watch)?;
        let mut joint = self.joint(rows, watch)?;
        if m == 0 || draws == 0 {
            return Ok(Vec::new());
        }
        // Rows among the samples of a process without noise have no variance of their own.
        let largest = joint.diagonal().iter().fold(0.0, |a: f64, b| a.max(*b));
        let least = 1e-10 * self.prior.amplitude.max(largest);
        joint.add_diagonal(|_| least);
        let factor = Factor::new(
            || Ok(joint.clone()),
            &format!("kernel {}", self.prior.kernel),
            watch,
        )?;
        let mut random = Random::new(seed, 2);
        let normals = (0..m * p * draws).map(|_| random.normal()).collect();
        let normals = Matrix::new(normals, m, p * draws);
        let drawn = on_threads(watch, |par| factor.lower_times(&normals, par));
        let mut out = Vec::with_capacity(m * p * draws);
        for draw in 0..draws {
            for i in 0..m {
                for (q, (_, deviation)) in self.scales.iter().enumerate() {
                    out.push(mean[i * p + q] + deviation * drawn.at(i, draw * p + q));
                }
            }
        }
        Ok(out)
    }
}

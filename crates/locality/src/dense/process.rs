//! Gaussian process regression.

use super::ascent::climb;
use super::landmarks::{Landmarks, gather};
use super::likelihood::{Posterior, Prior, learned, multiplied};
use super::parts::{Data, has_own_width, positive, trials, usual_width, widened};
use super::sparse::Sparse;
use crate::linear::Values;
use crate::linear::{Factor, Matrix, on_threads};
use crate::random::Random;
use crate::{Error, Kernel, Result, Rows, Watch};

/// How far, as a factor, the likelihood is climbed from where it starts.
const REACH: f64 = 1e5;
/// Rows whose joint covariance is refused.
const MOST_JOINT: usize = 20_000;

/// How a process is approximated by landmarks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximation {
    /// Deterministic training conditional: noise is the same everywhere.
    Dtc,
    /// Fully independent training conditional: what landmarks do not explain counts as noise of each sample.
    #[default]
    Fitc,
}

impl std::str::FromStr for Approximation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "dtc" => Ok(Self::Dtc),
            "fitc" => Ok(Self::Fitc),
            other => Err(Error::parameter(format!(
                "approximation '{other}' is none of dtc, fitc"
            ))),
        }
    }
}

/// The parameters of Gaussian process regression: targets are a process of covariance `amplitude k(x, x')` and noise of variance `alpha`.
///
/// Numbers that are not given are those of the largest marginal likelihood.
///
/// ```
/// use locality::dense::GaussianProcess;
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 5.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
/// let watch = Watch::default();
/// let process = GaussianProcess::new("gaussian".parse()?).alpha(1e-4);
/// let fit = process.fit(Rows::column(&x), Rows::column(&y), &watch)?;
/// let (mean, std) = fit.predict_std(Rows::column(&[2.05, 30.0]), &watch)?;
/// assert!((mean[0] - 2.05_f64.sin()).abs() < 1e-2 && std[0] < 0.02);
/// assert!(std[1] > 0.3, "far from all samples nothing is known");
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: C. Rasmussen, C. Williams, *Gaussian processes for machine learning*, 2006; J. Quinonero-Candela, C. Rasmussen, *A unifying view
/// of sparse approximate Gaussian process regression*, JMLR 6 (2005).
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    kernel: Kernel,
    amplitude: Option<f64>,
    alpha: Option<f64>,
    learn_kernel: Option<bool>,
    normalize: bool,
    restarts: usize,
    seed: u64,
    landmarks: Option<Landmarks>,
    approximation: Approximation,
}

impl GaussianProcess {
    /// A process with this kernel, all of whose numbers are learned.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            amplitude: None,
            alpha: None,
            learn_kernel: None,
            normalize: false,
            restarts: 0,
            seed: 0,
            landmarks: None,
            approximation: Approximation::Fitc,
        }
    }

    /// The factor on the kernel.
    #[must_use]
    pub fn amplitude(mut self, amplitude: f64) -> Self {
        self.amplitude = Some(amplitude);
        self
    }

    /// The variance of the noise.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = Some(alpha);
        self
    }

    /// A bandwidth for all parts of the kernel that have a distance; the kernel's numbers are not learned then.
    ///
    /// # Errors
    /// A kernel without any distance, a bandwidth that is not positive and finite.
    pub fn bandwidth(mut self, h: f64) -> Result<Self> {
        self.kernel = widened(&self.kernel, h)?;
        self.learn_kernel = Some(false);
        Ok(self)
    }

    /// Whether bandwidths, and coefficients of sums, are learned, starting from those of the kernel: by default where it is given none.
    #[must_use]
    pub fn learn_kernel(mut self, learn: bool) -> Self {
        self.learn_kernel = Some(learn);
        self
    }

    /// Whether targets are brought to mean 0 and variance 1 first.
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// Further starts of the ascent, at random; none by default.
    #[must_use]
    pub fn restarts(mut self, restarts: usize) -> Self {
        self.restarts = restarts;
        self
    }

    /// The seed of restarts and of the choice of landmarks.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Landmarks instead of all samples; numbers are then learned from at most 1000 samples, evenly drawn.
    #[must_use]
    pub fn landmarks(mut self, landmarks: Option<Landmarks>) -> Self {
        self.landmarks = landmarks;
        self
    }

    /// What landmarks do; [`Approximation::Fitc`] by default.
    #[must_use]
    pub fn approximation(mut self, approximation: Approximation) -> Self {
        self.approximation = approximation;
        self
    }

    /// Fits to samples `[n, d]` with targets `[n, p]`, which share all numbers.
    ///
    /// # Errors
    /// Shapes that do not fit, NaN or infinite numbers, parameters out of range, a kernel that is not symmetric or not positive definite on
    /// these samples, more than 20,000 samples without landmarks.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        targets: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<GaussianProcessFit> {
        let data = Data::new(samples, targets, None)?;
        for (x, name) in [(self.amplitude, "amplitude"), (self.alpha, "alpha")] {
            match x {
                // Without noise the process runs through its samples.
                Some(0.0) if name == "alpha" && self.landmarks.is_none() => {}
                Some(x) => positive(x, name)?,
                None => {}
            }
        }
        let mut y = data.targets();
        let scales = if self.normalize {
            standardize(&mut y)
        } else {
            vec![(0.0, 1.0); y.columns()]
        };
        let prior = self.prior(samples, &y, watch)?;
        let inner = match &self.landmarks {
            None => Inner::Exact(Box::new(prior.posterior(samples, &y, watch)?)),
            Some(landmarks) => {
                let numbers = landmarks.choose(&prior.kernel, samples, self.seed, watch)?;
                let made = Sparse::new(&prior, samples, &y, numbers, self.approximation, watch)?;
                Inner::Sparse(Box::new(made))
            }
        };
        Ok(GaussianProcessFit {
            prior,
            inner,
            scales,
        })
    }

    /// The prior of the largest likelihood.
    fn prior(&self, x: Rows<'_, f64>, y: &Matrix, watch: &Watch<'_>) -> Result<Prior> {
        let given = has_own_width(&self.kernel);
        let learn = self.learn_kernel.unwrap_or(!given);
        let kernel = if learn && !given {
            // A kernel of scores alone has no width.
            widened(&self.kernel, usual_width(x, None)).unwrap_or_else(|_| self.kernel.clone())
        } else {
            self.kernel.clone()
        };
        let count = (y.rows() * y.columns()) as f64;
        let squares = y.data().iter().map(|y| y * y).sum::<f64>() / count;
        let squares = if squares > 0.0 { squares } else { 1.0 };
        let start = Prior {
            kernel,
            amplitude: self.amplitude.unwrap_or(squares),
            noise: self.alpha.unwrap_or(0.1 * squares),
        };
        let numbers = if learn {
            learned(&start.kernel)
        } else {
            Vec::new()
        };
        let free = numbers.len()
            + usize::from(self.amplitude.is_none())
            + usize::from(self.alpha.is_none());
        if free == 0 {
            return Ok(start);
        }
        let some = match self.landmarks {
            Some(_) => trials(x.rows()),
            None => (0..x.rows()).collect(),
        };
        let part = gather(x, &some);
        let part = Rows::new(&part, some.len(), x.columns())?;
        let columns = (0..y.columns()).flat_map(|p| some.iter().map(move |&i| (i, p)));
        let y = Matrix::new(
            columns.map(|(i, p)| y.at(i, p)).collect(),
            some.len(),
            y.columns(),
        );
        self.climbed(&start, &numbers, part, &y, watch)
    }

    fn climbed(
        &self,
        start: &Prior,
        numbers: &[usize],
        x: Rows<'_, f64>,
        y: &Matrix,
        watch: &Watch<'_>,
    ) -> Result<Prior> {
        let k = numbers.len();
        let mut used: Vec<usize> = (0..k).collect();
        let learned_count = learned(&start.kernel).len();
        let free = [self.amplitude.is_none(), self.alpha.is_none()];
        let at = |logs: &[f64]| -> Result<Prior> {
            let factors: Vec<f64> = logs.iter().map(|l| l.exp()).collect();
            let mut rest = factors[k..].iter();
            let mut next = |free: bool| {
                if free {
                    *rest.next().unwrap_or(&1.0)
                } else {
                    1.0
                }
            };
            Ok(Prior {
                kernel: multiplied(&start.kernel, numbers, &factors[..k])?,
                amplitude: start.amplitude * next(free[0]),
                noise: start.noise * next(free[1]),
            })
        };
        used.extend((0..2).filter(|&i| free[i]).map(|i| learned_count + i));
        let quiet = watch.quiet();
        let mut value = |logs: &[f64]| -> Result<Option<(f64, Vec<f64>)>> {
            let prior = at(logs)?;
            let posterior = match prior.posterior(x, y, &quiet) {
                Ok(posterior) => posterior,
                Err(e) if e.kind() == crate::ErrorKind::Interrupted => return Err(e),
                Err(e) if logs.iter().all(|l| *l == 0.0) => return Err(e),
                // Too wide for the noise: there is nothing here.
                Err(_) => return Ok(None),
            };
            let gradient = prior.gradient(x, &posterior, &quiet)?;
            let gradient = used.iter().map(|&i| gradient[i]).collect();
            Ok(Some((posterior.log_likelihood, gradient)))
        };
        let reach = REACH.ln();
        let bounds = vec![(-reach, reach); used.len()];
        let mut random = Random::new(self.seed, 1);
        let mut best: Option<(Vec<f64>, f64)> = None;
        for restart in 0..=self.restarts {
            let from: Vec<f64> = used
                .iter()
                .map(|_| {
                    if restart == 0 {
                        0.0
                    } else {
                        3.0 * (2.0 * random.uniform() - 1.0)
                    }
                })
                .collect();
            if let Some(found) = climb(&from, &bounds, &mut value)?
                && best.as_ref().is_none_or(|b| found.1 > b.1)
            {
                best = Some(found);
            }
            watch.report(restart + 1, self.restarts + 1);
        }
        match best {
            Some((logs, _)) => at(&logs),
            None => Ok(start.clone()),
        }
    }
}

/// Brings columns to mean 0 and variance 1; returns both, with 1 for the deviation of a constant.
fn standardize(y: &mut Matrix) -> Vec<(f64, f64)> {
    let n = y.rows() as f64;
    let each = (0..y.columns()).map(|p| {
        let column = y.column_mut(p);
        let mean = column.iter().sum::<f64>() / n;
        let deviation = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let deviation = if deviation > 1e-14 * mean.abs() {
            deviation
        } else {
            1.0
        };
        for x in column.iter_mut() {
            *x = (*x - mean) / deviation;
        }
        (mean, deviation)
    });
    each.collect()
}

#[derive(Clone, Debug)]
enum Inner {
    Exact(Box<Posterior>),
    Sparse(Box<Sparse>),
}

/// A fitted Gaussian process.
#[derive(Clone, Debug)]
pub struct GaussianProcessFit {
    prior: Prior,
    inner: Inner,
    scales: Vec<(f64, f64)>,
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

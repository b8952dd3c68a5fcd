//! Gaussian process regression.

use super::ascent::climb;
use super::landmarks::{Landmarks, gather};
use super::likelihood::{Prior, learned, multiplied};
use super::parts::{Data, has_own_width, positive, trials, usual_width, widened};
use super::predictive::{GaussianProcessFit, Inner};
use super::sparse::Sparse;
use crate::linear::Matrix;
use crate::random::Random;
use crate::{Error, Kernel, Result, Rows, Watch};

/// How far, as a factor, the likelihood is climbed from where it starts.
const REACH: f64 = 1e5;

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

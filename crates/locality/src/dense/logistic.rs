//! Kernel logistic regression.

use super::landmarks::{Centers, Landmarks};
use super::parts::{check_weights, positive, widened};
use super::softmax;
use crate::linear::Values;
use crate::linear::{Factor, Matrix, on_threads};
use crate::{Error, Kernel, Result, Rows, Watch};

/// The parameters of kernel logistic regression: functions `f_c(x) = b_c + sum_i beta_ic k(x, x_i)`, one for each class (for two classes,
/// one), that minimise `C sum_i w_i log-loss_i + sum_c |f_c|^2 / 2`, the norm being the kernel's own. This is the
/// logistic regression of scikit-learn on the kernel's features.
///
/// Two classes take Newton steps with a Cholesky factor each; more take quasi-Newton steps from a bound on all Hessians (Boehning 1992),
/// factored once.
///
/// ```
/// use locality::dense::KernelLogistic;
/// use locality::{Kernel, Rows, Watch};
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<usize> = x.iter().map(|x| usize::from((2.0..4.0).contains(x))).collect();
/// let watch = Watch::default();
/// let fit = KernelLogistic::new(Kernel::gaussian(0.5)).penalty(10.0).fit(Rows::column(&x), &y, 2, None, &watch)?;
/// let p = fit.probabilities(Rows::column(&[1.0, 3.0, 5.0]), &watch)?;
/// assert!(p[1] < 0.1 && p[3] > 0.9 && p[5] < 0.1);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: J. Zhu, T. Hastie, *Kernel logistic regression and the import vector machine*, JCGS 14 (2005); D. Boehning, *Multinomial
/// logistic regression algorithm*, Ann. Inst. Stat. Math. 44 (1992).
#[derive(Clone, Debug)]
pub struct KernelLogistic {
    kernel: Kernel,
    c: f64,
    width: Option<f64>,
    landmarks: Option<Landmarks>,
    seed: u64,
    tolerance: f64,
    most: usize,
}

impl KernelLogistic {
    /// Regression under a kernel, with `C = 1`.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            c: 1.0,
            width: None,
            landmarks: None,
            seed: 0,
            tolerance: 1e-8,
            most: 200,
        }
    }

    /// `C`, the factor on the losses: the inverse of a penalty.
    #[must_use]
    pub fn penalty(mut self, c: f64) -> Self {
        self.c = c;
        self
    }

    /// A bandwidth for all parts of the kernel that have a distance.
    #[must_use]
    pub fn bandwidth(mut self, h: f64) -> Self {
        self.width = Some(h);
        self
    }

    /// The samples over which sums run; all by default.
    #[must_use]
    pub fn landmarks(mut self, landmarks: Option<Landmarks>) -> Self {
        self.landmarks = landmarks;
        self
    }

    /// The seed of the choice of landmarks.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How far coefficients may be from what the probabilities imply, relative to `C`; 1e-8 by default.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The most steps; 200 by default.
    #[must_use]
    pub fn max_iter(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Fits to samples `[n, d]` of the classes `0..classes`, `[n]`, with sample weights `[n]` or none.
    ///
    /// # Errors
    /// Shapes that do not fit, NaN or infinite numbers, parameters out of range, fewer than two classes, a kernel that is not symmetric or not
    /// positive definite on these samples, more than 20,000 samples without landmarks.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        labels: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<KernelLogisticFit> {
        self.check(samples, labels, classes, weights)?;
        let kernel = match self.width {
            Some(h) => widened(&self.kernel, h)?,
            None => self.kernel.clone(),
        };
        let scales = (0..samples.rows()).map(|i| self.c * weights.map_or(1.0, |w| w[i]));
        let task = Task {
            labels,
            classes,
            scales: scales.collect(),
            tolerance: self.tolerance,
            most: self.most,
        };
        let numbers = match &self.landmarks {
            None => None,
            Some(landmarks) => Some(landmarks.choose(&kernel, samples, self.seed, watch)?),
        };
        match numbers {
            None if classes == 2 => task.dual(Values::new(&kernel, samples, watch)?, watch),
            None => {
                let all: Vec<usize> = (0..samples.rows()).collect();
                task.primal(
                    Centers::new(&kernel, samples, &all, watch)?,
                    samples,
                    None,
                    watch,
                )
            }
            Some(some) => {
                let centers = Centers::new(&kernel, samples, &some, watch)?;
                task.primal(centers, samples, Some(some), watch)
            }
        }
    }

    fn check(
        &self,
        samples: Rows<'_, f64>,
        labels: &[usize],
        classes: usize,
        weights: Option<&[f64]>,
    ) -> Result<()> {
        samples.require_finite("X")?;
        positive(self.c, "C")?;
        positive(self.tolerance, "tol")?;
        if self.most == 0 {
            return Err(Error::parameter(
                "max_iter=0 takes no step; give at least 1",
            ));
        }
        if labels.len() != samples.rows() {
            return Err(Error::shape(format!(
                "y has {} labels, but X has {} rows; they must be equally many",
                labels.len(),
                samples.rows()
            )));
        }
        if classes < 2 {
            return Err(Error::parameter(format!(
                "y has {classes} class; at least 2 classes are needed to tell apart"
            )));
        }
        if let Some(i) = labels.iter().position(|&l| l >= classes) {
            return Err(Error::parameter(format!(
                "label {} of sample {i} is none of the {classes} classes, which are counted from 0",
                labels[i]
            )));
        }
        weights.map_or(Ok(()), |w| check_weights(w, samples.rows()))
    }
}

/// What is to be minimised.
pub(super) struct Task<'a> {
    pub(super) labels: &'a [usize],
    pub(super) classes: usize,
    /// `C` times the sample weight.
    pub(super) scales: Vec<f64>,
    pub(super) tolerance: f64,
    pub(super) most: usize,
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

impl Task<'_> {
    /// The losses of two classes.
    fn loss(&self, f: &[f64]) -> f64 {
        let each = f.iter().zip(self.labels).zip(&self.scales);
        each.map(|((f, y), s)| s * softplus(if *y == 1 { -f } else { *f }))
            .sum()
    }

    /// Curvature, and what each sample pulls, of two classes.
    fn pull(&self, f: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let each = f.iter().zip(self.labels).zip(&self.scales);
        each.map(|((f, y), s)| {
            let (p, q) = (sigmoid(*f), sigmoid(-f));
            (s * (p * q).max(1e-300), s * if *y == 1 { q } else { -p })
        })
        .unzip()
    }

    /// What counts as no pull.
    pub(super) fn small(&self) -> f64 {
        self.tolerance * self.scales.iter().fold(0.0, |a: f64, s| a.max(*s))
    }

    /// Two classes over all samples: Newton steps in the dual, `(K + W^-1) beta + b = z`, with `sum beta = 0`.
    fn dual(&self, values: Values, watch: &Watch<'_>) -> Result<KernelLogisticFit> {
        let n = values.rows();
        let k = values.gram(watch)?;
        let name = format!("kernel {}", values.kernel());
        let (mut beta, mut b, mut f) = (vec![0.0; n], 0.0, vec![0.0; n]);
        let energy = |beta: &[f64], b: f64, f: &[f64]| {
            let norm: f64 = beta.iter().zip(f).map(|(a, f)| a * (f - b)).sum();
            self.loss(f) + 0.5 * norm
        };
        let mut now = energy(&beta, b, &f);
        let (mut steps, mut converged) = (0, false);
        while steps < self.most {
            let (w, r) = self.pull(&f);
            let off = beta.iter().zip(&r).map(|(a, r)| (a - r).abs());
            let off = off
                .fold(0.0, f64::max)
                .max(r.iter().sum::<f64>().abs() / n as f64);
            converged = off <= self.small();
            if converged {
                break;
            }
            steps += 1;
            let root: Vec<f64> = w.iter().map(|w| w.sqrt()).collect();
            let bent = || {
                let mut a = k.clone();
                for (j, by) in root.iter().enumerate() {
                    let column = a.column_mut(j).iter_mut().zip(&root);
                    column.for_each(|(x, r)| *x *= r * by);
                }
                a.add_diagonal(|_| 1.0);
                Ok(a)
            };
            let factor = Factor::new(bent, &name, watch)?;
            let turned =
                (0..n).map(|i| root[i] * f[i] + if root[i] > 0.0 { r[i] / root[i] } else { 0.0 });
            let both = turned.chain(root.iter().copied()).collect();
            let mut both = Matrix::new(both, n, 2);
            on_threads(watch, |par| factor.solve(&mut both, par));
            let sum =
                |c: usize| -> f64 { both.column(c).iter().zip(&root).map(|(x, r)| x * r).sum() };
            let to_b = sum(0) / sum(1);
            let (u, v) = (both.column(0), both.column(1));
            let to: Vec<f64> = (0..n).map(|i| root[i] * (u[i] - to_b * v[i])).collect();
            let product = Matrix::new(to, n, 1);
            let to_f = on_threads(watch, |par| k.symmetric_times(&product, par)).into_data();
            let to = product.into_data();
            // Half the way until the sum falls; at the end rounding alone is left.
            let mut share = 1.0;
            loop {
                let mix = |a: &[f64], z: &[f64]| -> Vec<f64> {
                    a.iter().zip(z).map(|(a, z)| a + share * (z - a)).collect()
                };
                let next_b = b + share * (to_b - b);
                let target: Vec<f64> = to_f.iter().map(|x| x + to_b).collect();
                let (next, next_f) = (mix(&beta, &to), mix(&f, &target));
                let after = energy(&next, next_b, &next_f);
                if after <= now + 1e-12 * now.abs() || share < 1e-6 {
                    (beta, b, f, now) = (next, next_b, next_f, after);
                    break;
                }
                share *= 0.5;
            }
        }
        Ok(KernelLogisticFit {
            values,
            coefficients: Matrix::new(beta, n, 1),
            intercepts: vec![b],
            landmarks: None,
            steps,
            converged,
        })
    }

    /// On features of centres, with a last feature of 1 for the intercept.
    fn primal(
        &self,
        centers: Centers,
        samples: Rows<'_, f64>,
        landmarks: Option<Vec<usize>>,
        watch: &Watch<'_>,
    ) -> Result<KernelLogisticFit> {
        let m = centers.values.rows();
        let mut features = Vec::with_capacity((m + 1) * samples.rows());
        centers.blocks(samples, watch, |_, z| {
            for i in 0..z.columns() {
                features.extend_from_slice(z.column(i));
                features.push(1.0);
            }
            Ok(())
        })?;
        let z = Matrix::new(features, m + 1, samples.rows());
        let (theta, steps, converged) = if self.classes == 2 {
            self.newton(&z, watch)?
        } else {
            softmax::minimize(self, &z, watch)?
        };
        let functions = theta.columns();
        let intercepts = (0..functions).map(|c| theta.at(m, c)).collect();
        let data = (0..functions)
            .flat_map(|c| theta.column(c)[..m].to_vec())
            .collect();
        let mut coefficients = Matrix::new(data, m, functions);
        on_threads(watch, |par| {
            centers.factor.solve_upper(&mut coefficients, par);
        });
        Ok(KernelLogisticFit {
            values: centers.values,
            coefficients,
            intercepts,
            landmarks,
            steps,
            converged,
        })
    }

    /// Two classes on features.
    fn newton(&self, z: &Matrix, watch: &Watch<'_>) -> Result<(Matrix, usize, bool)> {
        let m = z.rows();
        let mut theta = Matrix::zeros(m, 1)?;
        let energy = |theta: &Matrix, f: &[f64]| {
            let norm: f64 = theta.data()[..m - 1].iter().map(|x| x * x).sum();
            self.loss(f) + 0.5 * norm
        };
        let mut f = vec![0.0; z.columns()];
        let mut now = energy(&theta, &f);
        for step in 0..self.most {
            let (w, r) = self.pull(&f);
            let r = Matrix::new(r, z.columns(), 1);
            let mut g = on_threads(watch, |par| z.times(&r, par));
            for (g, t) in g.data_mut()[..m - 1].iter_mut().zip(theta.data()) {
                *g -= t;
            }
            if g.data().iter().all(|g| g.abs() <= self.small()) {
                return Ok((theta, step, true));
            }
            let square = curvature(z, &w, watch)?;
            let factor = Factor::new(|| Ok(square.clone()), &"the curvature of the losses", watch)?;
            on_threads(watch, |par| factor.solve(&mut g, par));
            let mut share = 1.0;
            loop {
                let moved = theta.data().iter().zip(g.data());
                let next = Matrix::new(moved.map(|(t, g)| t + share * g).collect(), m, 1);
                let next_f = on_threads(watch, |par| z.transposed_times_on(&next, par)).into_data();
                let after = energy(&next, &next_f);
                if after <= now + 1e-12 * now.abs() || share < 1e-6 {
                    (theta, f, now) = (next, next_f, after);
                    break;
                }
                share *= 0.5;
            }
        }
        Ok((theta, self.most, false))
    }
}

/// `z diag(w) z^T` plus 1 for all features but the last, in blocks of samples.
pub(super) fn curvature(z: &Matrix, w: &[f64], watch: &Watch<'_>) -> Result<Matrix> {
    const BLOCK: usize = 2048;
    let m = z.rows();
    let mut square = Matrix::zeros(m, m)?;
    for first in (0..z.columns()).step_by(BLOCK) {
        watch.check()?;
        let last = (first + BLOCK).min(z.columns());
        let mut part = Matrix::new(z.data()[first * m..last * m].to_vec(), m, last - first);
        for (i, w) in w[first..last].iter().enumerate() {
            let root = w.sqrt();
            part.column_mut(i).iter_mut().for_each(|x| *x *= root);
        }
        on_threads(watch, |par| square.add_square(&part, par));
    }
    let diagonal = square.diagonal();
    square.mirror(&diagonal);
    square.add_diagonal(|i| {
        if i + 1 < m {
            1.0
        } else {
            1e-12 * diagonal[m - 1].max(1e-12)
        }
    });
    Ok(square)
}

/// A fitted kernel logistic regression.
#[derive(Clone, Debug)]
pub struct KernelLogisticFit {
    values: Values,
    coefficients: Matrix,
    intercepts: Vec<f64>,
    landmarks: Option<Vec<usize>>,
    steps: usize,
    converged: bool,
}

impl KernelLogisticFit {
    /// The kernel in force.
    pub fn kernel(&self) -> &Kernel {
        self.values.kernel()
    }

    /// Number of functions: classes, or 1 for two of them.
    pub fn functions(&self) -> usize {
        self.intercepts.len()
    }

    /// Coefficients `[n, functions]`, or of the landmarks, row after row.
    pub fn coefficients(&self) -> Vec<f64> {
        self.coefficients.transposed().into_data()
    }

    /// Intercepts, `[functions]`.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The samples over which sums run, counted from 0, where there are landmarks.
    pub fn landmarks(&self) -> Option<&[usize]> {
        self.landmarks.as_deref()
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Whether the minimum was found to the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Values of the functions, `[m, functions]`, at rows `[m, d]`.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn decision(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let mut out = self.values.times(rows, &self.coefficients, watch)?;
        for row in out.chunks_exact_mut(self.intercepts.len()) {
            row.iter_mut()
                .zip(&self.intercepts)
                .for_each(|(f, b)| *f += b);
        }
        Ok(out)
    }

    /// Probabilities of the classes, `[m, classes]`, at rows `[m, d]`.
    ///
    /// # Errors
    /// As [`decision`](Self::decision).
    pub fn probabilities(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let f = self.decision(rows, watch)?;
        if self.intercepts.len() == 1 {
            return Ok(f.iter().flat_map(|f| [sigmoid(-f), sigmoid(*f)]).collect());
        }
        let mut out = f;
        for row in out.chunks_exact_mut(self.intercepts.len()) {
            softmax::normalize(row);
        }
        Ok(out)
    }
}

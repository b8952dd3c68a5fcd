//! Kernel ridge regression.

use super::landmarks::{Centers, Landmarks};
use super::parts::{
    Data, Places, TRIALS, WIDTH_TRIALS, golden, has_own_width, positive, usual_width, weigh,
    weighted, widened,
};
use crate::linear::Values;
use crate::linear::{Factor, Matrix, on_threads};
use crate::{Error, Kernel, Result, Rows, Watch};

/// The parameters of kernel ridge regression: `f(x) = sum_i c_i k(x, x_i)` that minimises
/// `sum_i w_i (y_i - f(x_i))^2 + alpha |f|^2`, the norm being the kernel's own.
///
/// With [landmarks](Self::landmarks) the sum runs over these alone (subset of regressors), in memory linear in the samples.
///
/// ```
/// use locality::dense::KernelRidge;
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 10.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
/// let watch = Watch::default();
/// let model = KernelRidge::new("gaussian".parse()?).bandwidth(1.0).alpha(1e-3);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// assert!((fit.predict(Rows::column(&[2.05]), &watch)?[0] - 2.05_f64.sin()).abs() < 1e-3);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: C. Saunders, A. Gammerman, V. Vovk, *Ridge regression learning algorithm in dual variables*, ICML 1998; leave-one-out by
/// G. Wahba, *Spline models for observational data*, 1990.
#[derive(Clone, Debug)]
pub struct KernelRidge {
    kernel: Kernel,
    alpha: Option<f64>,
    width: Width,
    landmarks: Option<Landmarks>,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Width {
    Own,
    Given(f64),
    Searched,
}

impl KernelRidge {
    /// Regression under a kernel, with `alpha = 1` and the kernel's own bandwidth.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            alpha: Some(1.0),
            width: Width::Own,
            landmarks: None,
            seed: 0,
        }
    }

    /// The penalty, not negative; in a Gaussian process with this kernel, the variance of the noise.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = Some(alpha);
        self
    }

    /// The penalty of least leave-one-out error, judged on at most 1000 samples, evenly drawn.
    #[must_use]
    pub fn alpha_auto(mut self) -> Self {
        self.alpha = None;
        self
    }

    /// A bandwidth for all parts of the kernel that have a distance.
    #[must_use]
    pub fn bandwidth(mut self, h: f64) -> Self {
        self.width = Width::Given(h);
        self
    }

    /// The bandwidth of least leave-one-out error, judged on at most 500 samples, evenly drawn; the kernel's own, if it has one.
    #[must_use]
    pub fn bandwidth_auto(mut self) -> Self {
        self.width = Width::Searched;
        self
    }

    /// The samples over which the sum runs; all by default.
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

    /// Fits to samples `[n, d]` with targets `[n, p]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// Shapes that do not fit, NaN or infinite numbers, parameters out of range, a kernel that is not symmetric or not positive definite on
    /// these samples, more than 20,000 samples without landmarks.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        targets: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<KernelRidgeFit> {
        let data = Data::new(samples, targets, weights)?;
        if let Some(alpha) = self.alpha
            && !(alpha.is_finite() && alpha >= 0.0)
        {
            return Err(Error::parameter(format!(
                "alpha={alpha} must be a finite number of at least 0"
            )));
        }
        let kernel = match self.width {
            Width::Given(h) => widened(&self.kernel, h)?,
            _ => self.kernel.clone(),
        };
        let open = matches!(self.width, Width::Searched)
            && !has_own_width(&kernel)
            && widened(&kernel, 1.0).is_ok();
        let (kernel, alpha) = match self.alpha {
            Some(alpha) if !open => (kernel, alpha),
            _ => self.searched(&kernel, open, &data, watch)?,
        };
        match &self.landmarks {
            None => exact(&kernel, alpha, &data, watch),
            Some(landmarks) => {
                let numbers = landmarks.choose(&kernel, samples, self.seed, watch)?;
                sparse(&kernel, alpha, &data, &numbers, watch)
            }
        }
    }

    /// The kernel and the penalty of least leave-one-out error.
    fn searched(
        &self,
        kernel: &Kernel,
        open: bool,
        data: &Data<'_>,
        watch: &Watch<'_>,
    ) -> Result<(Kernel, f64)> {
        let quiet = watch.quiet();
        let kernel = if open {
            let usual = usual_width(data.x, data.weights);
            let part = Places::new(data, WIDTH_TRIALS);
            let (log, _) = golden((-3.5, 3.0), 9, 0.1, |log| {
                let path = part.path(&widened(kernel, usual * log.exp())?, &quiet)?;
                // A fixed penalty of 0 is none where samples repeat.
                Ok(self
                    .alpha
                    .map_or_else(|| path.best().1, |a| path.loo(a.max(1e-10))))
            })?;
            widened(kernel, usual * log.exp())?
        } else {
            kernel.clone()
        };
        let alpha = match self.alpha {
            Some(alpha) => alpha,
            None => Places::new(data, TRIALS).path(&kernel, &quiet)?.best().0,
        };
        Ok((kernel, alpha))
    }
}

fn exact(
    kernel: &Kernel,
    alpha: f64,
    data: &Data<'_>,
    watch: &Watch<'_>,
) -> Result<KernelRidgeFit> {
    let values = Values::new(kernel, data.x, watch)?;
    let roots: Vec<f64> = (0..values.rows()).map(|i| data.weight(i).sqrt()).collect();
    let mut y = data.targets();
    weigh(&mut y, data, &roots);
    let penalised = || {
        let mut k = weighted(values.gram(watch)?, data, &roots);
        // A sample of weight 0 is a row of zeros, which any penalty keeps apart from the others.
        k.add_diagonal(|i| {
            if roots[i] == 0.0 {
                alpha.max(1.0)
            } else {
                alpha
            }
        });
        Ok(k)
    };
    let name = format!("kernel {kernel} with alpha={alpha}");
    let factor = Factor::new(penalised, &name, watch)?;
    on_threads(watch, |par| factor.solve(&mut y, par));
    for p in 0..y.columns() {
        y.column_mut(p)
            .iter_mut()
            .zip(&roots)
            .for_each(|(c, r)| *c *= r);
    }
    Ok(KernelRidgeFit {
        jitter: factor.jitter,
        values,
        coefficients: y,
        alpha,
        landmarks: None,
    })
}

/// Ridge regression on the landmarks' features `z`: `(sum w z z^T + alpha I) b = sum w z y`.
fn sparse(
    kernel: &Kernel,
    alpha: f64,
    data: &Data<'_>,
    numbers: &[usize],
    watch: &Watch<'_>,
) -> Result<KernelRidgeFit> {
    positive(alpha, "with landmarks, alpha")?;
    let centers = Centers::new(kernel, data.x, numbers, watch)?;
    let m = numbers.len();
    let mut square = Matrix::zeros(m, m)?;
    let mut product = Matrix::zeros(m, data.y.columns())?;
    centers.blocks(data.x, watch, |first, mut z| {
        let count = z.columns();
        let mut y = Matrix::of_rows(data.y.slice(first..first + count));
        for i in 0..count {
            let root = data.weight(first + i).sqrt();
            z.column_mut(i).iter_mut().for_each(|x| *x *= root);
            y.column_mut(i).iter_mut().for_each(|x| *x *= root);
        }
        let y = y.transposed();
        on_threads(watch, |par| {
            square.add_square(&z, par);
            let added = z.times(&y, par);
            let to = product.data_mut().iter_mut().zip(added.data());
            to.for_each(|(a, b)| *a += b);
        });
        Ok(())
    })?;
    let diagonal = square.diagonal();
    square.mirror(&diagonal);
    square.add_diagonal(|_| alpha);
    let solved = Factor::new(|| Ok(square.clone()), &format!("kernel {kernel}"), watch)?;
    on_threads(watch, |par| {
        solved.solve(&mut product, par);
        centers.factor.solve_upper(&mut product, par);
    });
    Ok(KernelRidgeFit {
        jitter: centers.factor.jitter,
        values: centers.values,
        coefficients: product,
        alpha,
        landmarks: Some(numbers.to_vec()),
    })
}

/// A fitted kernel ridge regression.
#[derive(Clone, Debug)]
pub struct KernelRidgeFit {
    values: Values,
    coefficients: Matrix,
    alpha: f64,
    jitter: f64,
    landmarks: Option<Vec<usize>>,
}

impl KernelRidgeFit {
    /// The kernel in force.
    pub fn kernel(&self) -> &Kernel {
        self.values.kernel()
    }

    /// The penalty in force.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// What was added to the diagonal of the kernel matrix for rounding's sake, at most 1e-8 of its mean; mostly 0.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The samples over which the sum runs, counted from 0, where there are landmarks.
    pub fn landmarks(&self) -> Option<&[usize]> {
        self.landmarks.as_deref()
    }

    /// Coefficients `[n, p]`, or of the landmarks, row after row.
    pub fn coefficients(&self) -> Vec<f64> {
        self.coefficients.transposed().into_data()
    }

    /// Values `[m, p]` at rows `[m, d]`. Memory does not grow with `m` beyond the answer.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn predict(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        self.values.times(rows, &self.coefficients, watch)
    }

    /// Values `[n, p]` at the samples `[n, d]` of the fit with their targets and weights, each predicted by the others: by the shortcut,
    /// which is exact (for a fit with landmarks, with these kept).
    ///
    /// # Errors
    /// As [`KernelRidge::fit`].
    pub fn loo(
        &self,
        samples: Rows<'_, f64>,
        targets: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let data = Data::new(samples, targets, weights)?;
        self.values.check(samples)?;
        let leverage = match &self.landmarks {
            None => self.leverages(&data, watch)?,
            Some(numbers) => self.sparse_leverages(&data, numbers, watch)?,
        };
        let mut out = self.predict(samples, watch)?;
        for (i, row) in out.chunks_exact_mut(targets.columns()).enumerate() {
            for (f, y) in row.iter_mut().zip(targets.row(i)) {
                *f = y - (y - *f) / (1.0 - leverage[i]);
            }
        }
        Ok(out)
    }

    /// What a target adds to the value at its own sample, `[n]`: `1 - alpha (A^-1)_ii`.
    fn leverages(&self, data: &Data<'_>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        if data.x.rows() != self.values.rows() {
            return Err(Error::shape(format!(
                "X has {} rows, but the model was fitted to {}; leave-one-out needs the samples of the fit",
                data.x.rows(),
                self.values.rows()
            )));
        }
        positive(self.alpha, "for leave-one-out, alpha")?;
        let roots: Vec<f64> = (0..data.x.rows()).map(|i| data.weight(i).sqrt()).collect();
        let penalised = || {
            let mut k = weighted(self.values.gram(watch)?, data, &roots);
            k.add_diagonal(|_| self.alpha);
            Ok(k)
        };
        let factor = Factor::new(penalised, &format!("kernel {}", self.kernel()), watch)?;
        let inverse = on_threads(watch, |par| factor.inverse_diagonal(par))?;
        Ok(inverse.iter().map(|x| 1.0 - self.alpha * x).collect())
    }

    fn sparse_leverages(
        &self,
        data: &Data<'_>,
        numbers: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let centers = Centers::new(self.kernel(), data.x, numbers, watch)?;
        let mut square = Matrix::zeros(numbers.len(), numbers.len())?;
        let scaled = |first: usize, mut z: Matrix| {
            for i in 0..z.columns() {
                let root = data.weight(first + i).sqrt();
                z.column_mut(i).iter_mut().for_each(|x| *x *= root);
            }
            z
        };
        centers.blocks(data.x, watch, |first, z| {
            let z = scaled(first, z);
            on_threads(watch, |par| square.add_square(&z, par));
            Ok(())
        })?;
        let diagonal = square.diagonal();
        square.mirror(&diagonal);
        square.add_diagonal(|_| self.alpha);
        let solved = Factor::new(
            || Ok(square.clone()),
            &format!("kernel {}", self.kernel()),
            watch,
        )?;
        let mut out = Vec::with_capacity(data.x.rows());
        centers.blocks(data.x, watch, |first, z| {
            let mut z = scaled(first, z);
            on_threads(watch, |par| solved.solve_lower(&mut z, par));
            out.extend((0..z.columns()).map(|i| z.column(i).iter().map(|x| x * x).sum::<f64>()));
            Ok(())
        })?;
        Ok(out)
    }
}

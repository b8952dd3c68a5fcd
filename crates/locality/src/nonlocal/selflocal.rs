//! Regression whose kernel also looks at its own output.

use crate::{
    Atom, Columns, Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows,
    Watch,
};

/// Self-local regression: a local mean of responses under a kernel of the context and, beside it, a Gaussian kernel of the current output,
/// iterated: `z_i <- sum_j K(x_i, x_j) G((z_i - z_j) / range) y_j / sum_j K(x_i, x_j) G((z_i - z_j) / range)` from `z = y`.
///
/// One iteration over positions is the bilateral filter (Tomasi and Manduchi 1998); without `range` it is kernel regression on the
/// context (Nadaraya 1964, Watson 1964). Jumps of the response stay sharp where a kernel of the context alone would blur them.
///
/// ```
/// use locality::{Kernel, Rows, Watch, nonlocal::SelfLocalRegression};
/// let x: Vec<f64> = (0..40).map(f64::from).collect();
/// let y: Vec<f64> = (0..40).map(|i| f64::from(i / 20) + 0.1 * f64::from(i % 2)).collect();
/// let model = SelfLocalRegression::new(Kernel::gaussian(3.0)).range(0.3);
/// let fit = model.fit(Rows::column(&x), &y, &Watch::default())?;
/// assert!((fit.outputs()[19] - 0.05).abs() < 0.02 && (fit.outputs()[20] - 1.05).abs() < 0.02);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SelfLocalRegression {
    kernel: Kernel,
    range: Option<f64>,
    iterations: usize,
    tolerance: f64,
}

impl SelfLocalRegression {
    /// With this kernel of the context, whose atoms without columns take all of them; no kernel of the output.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            range: None,
            iterations: 10,
            tolerance: 1e-6,
        }
    }

    /// With a Gaussian kernel of the output of this standard deviation.
    #[must_use]
    pub fn range(mut self, range: impl Into<Option<f64>>) -> Self {
        self.range = range.into();
        self
    }

    /// At most so many iterations.
    #[must_use]
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Iterations end where no output moves by more than this many times the range.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Fits contexts `[n, d]` and responses `[n]`.
    ///
    /// # Errors
    /// Shapes that do not fit, no samples, numbers that are not finite, a range that is no positive number, no iterations; what a local mean
    /// says of its kernel; an interruption.
    pub fn fit(
        &self,
        x: Rows<'_, f64>,
        y: &[f64],
        watch: &Watch<'_>,
    ) -> Result<SelfLocalRegressionFit> {
        self.fit_weighted(x, y, None, watch)
    }

    /// The same with sample weights `[n]`, or without.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted(
        &self,
        x: Rows<'_, f64>,
        y: &[f64],
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<SelfLocalRegressionFit> {
        self.check(x, y)?;
        let plain = Self::local_mean(self.kernel.clone());
        let plain = plain.fit_watched(x, Rows::column(y), weights, watch)?;
        let Some(range) = self.range else {
            let outputs = plain.at(x, watch)?.means;
            return Ok(SelfLocalRegressionFit {
                parameters: self.clone(),
                plain,
                joint: None,
                outputs,
                iterations: 1,
            });
        };
        let d = x.columns();
        let mut outputs = y.to_vec();
        let mut rounds = 0;
        loop {
            watch.check()?;
            watch.report(rounds, self.iterations);
            let keys = beside(x, &outputs);
            let keys = Rows::new(&keys, y.len(), d + 1)?;
            let joint = Self::local_mean(self.joint(range, d)?);
            let joint = joint.fit_watched(keys, Rows::column(y), weights, &watch.quiet())?;
            let next = joint.at(keys, &watch.quiet())?.means;
            let moved = outputs.iter().zip(&next).map(|(a, b)| (a - b).abs());
            let moved = moved.fold(0.0, f64::max);
            outputs = next;
            rounds += 1;
            if moved <= self.tolerance * range || rounds >= self.iterations {
                watch.report(self.iterations, self.iterations);
                let nearest = Self::local_mean(self.kernel.clone());
                let nearest = nearest.neighborhood(Neighborhood::nearest(1));
                let finals = Rows::column(&outputs);
                return Ok(SelfLocalRegressionFit {
                    parameters: self.clone(),
                    plain: nearest.fit_watched(x, finals, weights, &watch.quiet())?,
                    joint: Some(joint),
                    outputs,
                    iterations: rounds,
                });
            }
        }
    }

    fn check(&self, x: Rows<'_, f64>, y: &[f64]) -> Result<()> {
        if y.len() != x.rows() {
            return Err(Error::shape(format!(
                "y has {} numbers, but x has {} rows; give one response for each row",
                y.len(),
                x.rows()
            )));
        }
        if let Some(range) = self.range.filter(|r| !(*r > 0.0 && r.is_finite())) {
            return Err(Error::parameter(format!(
                "range is {range}; give a positive number in the units of the response"
            )));
        }
        if self.iterations == 0 {
            return Err(Error::parameter("iterations is 0; allow at least 1"));
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Error::parameter(format!(
                "tolerance is {}; give a share of the range, 0 or more",
                self.tolerance
            )));
        }
        Ok(())
    }

    fn local_mean(kernel: Kernel) -> LocalMean {
        LocalMean::new(kernel).on_empty(OnEmpty::Nearest)
    }

    /// The kernel of the context, on its columns, times that of the output, which is the column after them.
    fn joint(&self, range: f64, d: usize) -> Result<Kernel> {
        let context = self.kernel.try_map(&mut |atom: &Atom| {
            Ok(match atom.column_choice() {
                Columns::All => atom.clone().columns((0..d).collect::<Vec<usize>>()),
                _ => atom.clone(),
            })
        })?;
        let output =
            Kernel::gaussian(range).try_map(&mut |atom| Ok(atom.clone().columns(vec![d])))?;
        Ok(context * output)
    }
}

/// Rows with one more column.
fn beside(x: Rows<'_, f64>, column: &[f64]) -> Vec<f64> {
    let rows = x.iter().zip(column);
    rows.flat_map(|(row, z)| row.iter().copied().chain(std::iter::once(*z)))
        .collect()
}

/// A regression made by [`SelfLocalRegression`].
#[derive(Clone, Debug)]
pub struct SelfLocalRegressionFit {
    parameters: SelfLocalRegression,
    /// The mean under the kernel of the context alone; with a range the output of the sample that counts most under it.
    plain: LocalMeanFit<f64>,
    joint: Option<LocalMeanFit<f64>>,
    outputs: Vec<f64>,
    iterations: usize,
}

impl SelfLocalRegressionFit {
    /// The parameters.
    pub fn parameters(&self) -> &SelfLocalRegression {
        &self.parameters
    }

    /// The outputs at the samples, `[n]`.
    pub fn outputs(&self) -> &[f64] {
        &self.outputs
    }

    /// How many iterations there were.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Outputs at contexts `[m, d]`: from the output of the sample that counts most by its context (the first of equals), iterated among the
    /// samples' outputs. At the samples these are their own outputs, once they rest.
    ///
    /// # Errors
    /// Another number of columns; numbers that are not finite; an interruption.
    pub fn predict(&self, x: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let mut z = self.plain.at(x, watch)?.means;
        let (Some(joint), Some(range)) = (&self.joint, self.parameters.range) else {
            return Ok(z);
        };
        // Each rests by itself, so that none depends on what else is asked.
        let d = x.columns();
        let mut moving: Vec<usize> = (0..x.rows()).collect();
        for _ in 0..self.parameters.iterations {
            let beside = |&i: &usize| x.row(i).iter().copied().chain(std::iter::once(z[i]));
            let queries: Vec<f64> = moving.iter().flat_map(beside).collect();
            let queries = Rows::new(&queries, moving.len(), d + 1)?;
            let next = joint.at(queries, &watch.quiet())?.means;
            let mut left = Vec::new();
            for (&i, next) in moving.iter().zip(next) {
                if (z[i] - next).abs() > self.parameters.tolerance * range {
                    left.push(i);
                }
                z[i] = next;
            }
            moving = left;
            if moving.is_empty() {
                break;
            }
        }
        Ok(z)
    }
}

//! The log marginal likelihood of a Gaussian process and its gradient.

use crate::linear::Values;
use crate::linear::{Factor, Matrix, on_threads};
use crate::{Error, Kernel, Result, Rows, Watch, par};

/// Relative step of the differences by which kernels are derived by their numbers.
const STEP: f64 = 1e-3;
/// Columns of a block.
const BLOCK: usize = 32;

/// The numbers of a kernel that are learned: bandwidths, and coefficients of sums.
pub(super) fn learned(kernel: &Kernel) -> Vec<usize> {
    let named = kernel.parameters().into_iter().enumerate();
    let free = |name: &str| name == "coefficient" || name.contains(".h");
    named
        .filter(|(_, (name, _))| free(name))
        .map(|(i, _)| i)
        .collect()
}

/// The kernel with some of its numbers multiplied.
pub(super) fn multiplied(kernel: &Kernel, numbers: &[usize], by: &[f64]) -> Result<Kernel> {
    let mut values: Vec<f64> = kernel.parameters().into_iter().map(|p| p.1).collect();
    for (i, b) in numbers.iter().zip(by) {
        values[*i] *= b;
    }
    kernel.with_parameters(&values)
}

/// A Gaussian process prior with noise.
#[derive(Clone, Debug)]
pub(super) struct Prior {
    pub(super) kernel: Kernel,
    pub(super) amplitude: f64,
    pub(super) noise: f64,
}

/// The factored covariance of samples and what it makes of their targets.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    pub(super) values: Values,
    pub(super) factor: Factor,
    /// `A^-1 y`.
    pub(super) dual: Matrix,
    pub(super) log_likelihood: f64,
}

impl Prior {
    pub(super) fn posterior(
        &self,
        x: Rows<'_, f64>,
        y: &Matrix,
        watch: &Watch<'_>,
    ) -> Result<Posterior> {
        let values = Values::new(&self.kernel, x, watch)?;
        let covariance = || {
            let mut k = values.gram(watch)?;
            k.scale(self.amplitude);
            k.add_diagonal(|_| self.noise);
            Ok(k)
        };
        let name = format!("kernel {} with alpha={}", self.kernel, self.noise);
        let factor = Factor::new(covariance, &name, watch)?;
        let mut dual = y.clone();
        on_threads(watch, |par| factor.solve(&mut dual, par));
        let fit: f64 = y.data().iter().zip(dual.data()).map(|(a, b)| a * b).sum();
        let constant =
            factor.log_determinant() + x.rows() as f64 * (2.0 * std::f64::consts::PI).ln();
        Ok(Posterior {
            log_likelihood: -0.5 * (fit + y.columns() as f64 * constant),
            values,
            factor,
            dual,
        })
    }

    /// Derivatives by the logarithms of the learned numbers of the kernel, of the amplitude and of the noise.
    pub(super) fn gradient(
        &self,
        x: Rows<'_, f64>,
        posterior: &Posterior,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        // d/dK of the likelihood: (sum of dual dual^T - p A^-1) / 2.
        let mut by = on_threads(watch, |par| posterior.factor.inverse(par))?;
        let (n, dual) = (x.rows(), &posterior.dual);
        by.scale(-0.5 * dual.columns() as f64);
        for p in 0..dual.columns() {
            let d = dual.column(p);
            for (j, dj) in d.iter().enumerate() {
                let column = by.column_mut(j).iter_mut().zip(d);
                column.for_each(|(b, di)| *b += 0.5 * di * dj);
            }
        }
        let numbers = learned(&self.kernel);
        let steps = [-2.0, -1.0, 1.0, 2.0];
        let moved = |number: usize| -> Result<Vec<Values>> {
            let each = steps.iter().map(|s| {
                let kernel = multiplied(&self.kernel, &[number], &[(s * STEP).exp()])?;
                Values::new(&kernel, x, watch)
            });
            each.collect()
        };
        let quiet = watch.quiet();
        let inner = quiet.threads(1);
        let against = |values: &[&Values], factors: &[f64]| -> Result<f64> {
            let blocks = par::map_blocks(&quiet, n, BLOCK, |range| {
                let b = &by.data()[range.start * n..range.end * n];
                let mut sum = 0.0;
                for (values, factor) in values.iter().zip(factors) {
                    let k = values.at(x.slice(range.clone()), &inner)?;
                    sum += factor * k.data().iter().zip(b).map(|(k, b)| k * b).sum::<f64>();
                }
                Ok(sum)
            })?;
            Ok(blocks.iter().sum())
        };
        let mut out = Vec::with_capacity(numbers.len() + 2);
        for number in numbers {
            let values = moved(number)?;
            let values: Vec<&Values> = values.iter().collect();
            let unit = self.amplitude / (12.0 * STEP);
            out.push(against(&values, &[unit, -8.0 * unit, 8.0 * unit, -unit])?);
        }
        out.push(against(&[&posterior.values], &[self.amplitude])?);
        out.push(self.noise * by.diagonal().iter().sum::<f64>());
        if out.iter().any(|g| !g.is_finite()) {
            return Err(Error::not_finite(
                "the gradient of the log marginal likelihood is not finite; scale the columns",
            ));
        }
        Ok(out)
    }
}

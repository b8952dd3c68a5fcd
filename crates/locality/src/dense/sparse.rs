//! A Gaussian process by landmarks, in memory linear in the samples.

use super::landmarks::Centers;
use super::likelihood::Prior;
use super::process::Approximation;
use crate::linear::{Factor, Matrix, on_threads};
use crate::{Result, Rows, Watch};

/// What landmarks know of the samples.
#[derive(Clone, Debug)]
pub(super) struct Sparse {
    pub(super) centers: Centers,
    /// The factor of `I + sum z z^T / noise`.
    pub(super) inner: Factor,
    /// Coefficients of the kernel at the landmarks, without the amplitude.
    pub(super) dual: Matrix,
    pub(super) numbers: Vec<usize>,
    pub(super) log_likelihood: f64,
}

impl Sparse {
    /// With features `z = sqrt(amplitude) L^-1 k`, targets are `z^T b` plus noise, `b` standard normal.
    pub(super) fn new(
        prior: &Prior,
        x: Rows<'_, f64>,
        y: &Matrix,
        numbers: Vec<usize>,
        approximation: Approximation,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let centers = Centers::new(&prior.kernel, x, &numbers, watch)?;
        let (m, p) = (numbers.len(), y.columns());
        let mut square = Matrix::zeros(m, m)?;
        let mut product = Matrix::zeros(m, p)?;
        let (mut squares, mut logs) = (0.0, 0.0);
        #[allow(clippy::needless_range_loop)] // `i` counts columns, rows and kernels alike
        centers.blocks(x, watch, |first, mut z| {
            let count = z.columns();
            let own = centers.values.diagonal(x.slice(first..first + count));
            let mut targets = Matrix::zeros(count, p)?;
            for i in 0..count {
                let column = z.column_mut(i);
                let known: f64 = column.iter().map(|x| x * x).sum();
                let noise = match approximation {
                    Approximation::Dtc => prior.noise,
                    Approximation::Fitc => {
                        prior.noise + prior.amplitude * (own[i] - known).max(0.0)
                    }
                };
                let root = noise.sqrt();
                for x in column.iter_mut() {
                    *x *= prior.amplitude.sqrt() / root;
                }
                logs += noise.ln();
                for q in 0..p {
                    let target = y.at(first + i, q) / root;
                    squares += target * target;
                    targets.set(i, q, target);
                }
            }
            on_threads(watch, |par| {
                square.add_square(&z, par);
                let added = z.times(&targets, par);
                let to = product.data_mut().iter_mut().zip(added.data());
                to.for_each(|(a, b)| *a += b);
            });
            Ok(())
        })?;
        let diagonal = square.diagonal();
        square.mirror(&diagonal);
        square.add_diagonal(|_| 1.0);
        let inner = Factor::new(
            || Ok(square.clone()),
            &format!("kernel {}", prior.kernel),
            watch,
        )?;
        let mut dual = product;
        on_threads(watch, |par| inner.solve_lower(&mut dual, par));
        let explained: f64 = dual.data().iter().map(|x| x * x).sum();
        on_threads(watch, |par| {
            inner.solve_upper(&mut dual, par);
            centers.factor.solve_upper(&mut dual, par);
        });
        dual.scale(prior.amplitude.sqrt().recip());
        let n = x.rows() as f64;
        let constant = logs + inner.log_determinant() + n * (2.0 * std::f64::consts::PI).ln();
        Ok(Self {
            log_likelihood: -0.5 * (squares - explained + p as f64 * constant),
            centers,
            inner,
            dual,
            numbers,
        })
    }
}

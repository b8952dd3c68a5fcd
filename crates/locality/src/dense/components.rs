//! Kernel principal components.

use super::landmarks::{Centers, Landmarks};
use super::parts::positive;
use crate::linear::{Factor, Matrix, Values, eigen, falling, largest, on_threads, point};
use crate::{Error, Kernel, Result, Rows, Watch};

/// Eigenvalues below the largest by this are rounding.
const ROUNDING: f64 = 1e-10;

/// The parameters of kernel principal component analysis: the directions of largest variance in the kernel's own feature space.
///
/// ```
/// use locality::dense::KernelPca;
/// use locality::{Kernel, Rows, Watch};
/// let x = [0.0, 0.1, 0.2, 5.0, 5.1, 5.2];
/// let watch = Watch::default();
/// let fit = KernelPca::new(Kernel::gaussian(1.0)).components(1).fit(Rows::column(&x), &watch)?;
/// let z = fit.transform(Rows::column(&x), &watch)?;
/// assert!(z[0] * z[5] < 0.0, "the first component tells the two groups apart");
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: B. Schoelkopf, A. Smola, K.-R. Mueller, *Nonlinear component analysis as a kernel eigenvalue problem*, Neural Computation 10
/// (1998); the way back by G. Bakir, J. Weston, B. Schoelkopf, *Learning to find pre-images*, NIPS 2004.
#[derive(Clone, Debug)]
pub struct KernelPca {
    kernel: Kernel,
    components: Option<usize>,
    inverse: Option<f64>,
    landmarks: Option<Landmarks>,
    seed: u64,
}

impl KernelPca {
    /// All components of some variance.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            components: None,
            inverse: None,
            landmarks: None,
            seed: 0,
        }
    }

    /// At most so many components.
    #[must_use]
    pub fn components(mut self, components: usize) -> Self {
        self.components = Some(components);
        self
    }

    /// Learns the way back, by kernel ridge regression from components to columns with this penalty.
    #[must_use]
    pub fn inverse(mut self, alpha: f64) -> Self {
        self.inverse = Some(alpha);
        self
    }

    /// Components of the landmarks' features instead, in memory linear in the samples.
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

    /// Fits to samples `[n, d]`.
    ///
    /// # Errors
    /// NaN or infinite numbers, parameters out of range, a kernel that is not symmetric or not positive semidefinite on these samples.
    pub fn fit(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<KernelPcaFit> {
        samples.require_finite("X")?;
        if self.components == Some(0) {
            return Err(Error::parameter(
                "n_components=0 leaves nothing; give at least 1, or None for all",
            ));
        }
        if let Some(alpha) = self.inverse {
            positive(alpha, "the alpha of the inverse transform")?;
        }
        let mut fit = match &self.landmarks {
            None => self.exact(samples, watch)?,
            Some(landmarks) => {
                let numbers = landmarks.choose(&self.kernel, samples, self.seed, watch)?;
                self.sparse(samples, &numbers, watch)?
            }
        };
        if let Some(alpha) = self.inverse {
            fit.back = Some(fit.way_back(samples, alpha, watch)?);
        }
        Ok(fit)
    }

    fn exact(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<KernelPcaFit> {
        let values = Values::new(&self.kernel, samples, watch)?;
        let n = samples.rows();
        let mut k = values.gram(watch)?;
        let means: Vec<f64> = (0..n)
            .map(|j| k.column(j).iter().sum::<f64>() / n as f64)
            .collect();
        let mean = means.iter().sum::<f64>() / n as f64;
        for j in 0..n {
            let column = k.column_mut(j).iter_mut().zip(&means);
            // Added first, so that both triangles round alike.
            column.for_each(|(x, m)| *x = *x - (m + means[j]) + mean);
        }
        let trace: f64 = k.diagonal().iter().sum();
        let (found, mut u) = match self.components {
            Some(count) => largest(&k, count.min(n), watch)?,
            None => falling(eigen(&k, watch)?, n),
        };
        let kept = self.kept(&found, trace)?;
        let mut data = Vec::with_capacity(n * kept);
        let mut shift = Vec::with_capacity(kept);
        for (j, value) in found.iter().enumerate().take(kept) {
            point(u.column_mut(j));
            let root = value.sqrt().recip();
            let column = u.column(j).iter().map(|x| x * root);
            data.extend(column);
            // Centring of a row's kernel values, moved into the coefficients.
            let c = &data[j * n..];
            let total: f64 = c.iter().sum();
            let inner: f64 = c.iter().zip(&means).map(|(c, m)| c * m).sum();
            shift.push(inner - mean * total);
            let off = total / n as f64;
            data[j * n..].iter_mut().for_each(|c| *c -= off);
        }
        Ok(KernelPcaFit {
            values,
            coefficients: Matrix::new(data, n, kept),
            shift,
            eigenvalues: found[..kept].to_vec(),
            landmarks: None,
            back: None,
        })
    }

    fn sparse(
        &self,
        samples: Rows<'_, f64>,
        numbers: &[usize],
        watch: &Watch<'_>,
    ) -> Result<KernelPcaFit> {
        let centers = Centers::new(&self.kernel, samples, numbers, watch)?;
        let (n, m) = (samples.rows(), numbers.len());
        let mut square = Matrix::zeros(m, m)?;
        let mut sum = vec![0.0; m];
        centers.blocks(samples, watch, |_, z| {
            on_threads(watch, |par| square.add_square(&z, par));
            for i in 0..z.columns() {
                sum.iter_mut().zip(z.column(i)).for_each(|(s, x)| *s += x);
            }
            Ok(())
        })?;
        for j in 0..m {
            for i in j..m {
                let centred = square.at(i, j) - sum[i] * sum[j] / n as f64;
                square.set(i, j, centred);
            }
        }
        let diagonal = square.diagonal();
        square.mirror(&diagonal);
        let trace: f64 = diagonal.iter().sum();
        let (found, mut u) = falling(eigen(&square, watch)?, self.components.unwrap_or(m).min(m));
        let kept = self.kept(&found, trace)?;
        let mut shift = Vec::with_capacity(kept);
        for j in 0..kept {
            point(u.column_mut(j));
            let inner: f64 = u.column(j).iter().zip(&sum).map(|(u, s)| u * s).sum();
            shift.push(inner / n as f64);
        }
        let mut coefficients = Matrix::new(u.data()[..m * kept].to_vec(), m, kept);
        on_threads(watch, |par| {
            centers.factor.solve_upper(&mut coefficients, par);
        });
        Ok(KernelPcaFit {
            values: centers.values,
            coefficients,
            shift,
            eigenvalues: found[..kept].to_vec(),
            landmarks: Some(numbers.to_vec()),
            back: None,
        })
    }

    /// How many eigenvalues, falling, are components.
    fn kept(&self, found: &[f64], trace: f64) -> Result<usize> {
        let top = found.first().copied().unwrap_or(0.0);
        let least = found.last().copied().unwrap_or(0.0);
        if least < -1e-6 * top.max(trace.abs()) {
            return Err(Error::parameter(format!(
                "kernel {} is not positive semidefinite on these samples (eigenvalue {least:.3e}); choose one that is: gaussian, laplace, \
                 matern32, matern52, cauchy, softmax, polynomial with c of at least 0, sums and products of these",
                self.kernel
            )));
        }
        Ok(found
            .iter()
            .filter(|l| **l > ROUNDING * top && **l > 0.0)
            .count())
    }
}

/// Fitted kernel principal components.
#[derive(Clone, Debug)]
pub struct KernelPcaFit {
    values: Values,
    coefficients: Matrix,
    shift: Vec<f64>,
    eigenvalues: Vec<f64>,
    landmarks: Option<Vec<usize>>,
    back: Option<Back>,
}

/// Ridge regression from components to columns.
#[derive(Clone, Debug)]
struct Back {
    values: Values,
    coefficients: Matrix,
}

impl KernelPcaFit {
    /// Sums of squares of the components, falling: eigenvalues of the centred kernel matrix.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The samples that are landmarks, counted from 0, where there are any.
    pub fn landmarks(&self) -> Option<&[usize]> {
        self.landmarks.as_deref()
    }

    /// Coefficients `[n, c]`, or of the landmarks, row after row, and what is taken from the sums, `[c]`: all that [`transform`](Self::transform)
    /// needs.
    pub fn coefficients(&self) -> (Vec<f64>, &[f64]) {
        (self.coefficients.transposed().into_data(), &self.shift)
    }

    /// Components `[n, c]` and coefficients `[n, d]` of the way back, row after row, where it was learned.
    pub fn way_back_coefficients(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let back = self.back.as_ref()?;
        let rows = back.values.samples().to_vec();
        Some((rows, back.coefficients.transposed().into_data()))
    }

    /// Components `[m, c]` of rows `[m, d]`. Each component has a positive sign where it is largest among the samples' coefficients.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn transform(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let mut out = self.values.times(rows, &self.coefficients, watch)?;
        for row in out.chunks_exact_mut(self.shift.len().max(1)) {
            row.iter_mut().zip(&self.shift).for_each(|(z, s)| *z -= s);
        }
        Ok(out)
    }

    /// Columns `[m, d]` from components `[m, c]`.
    ///
    /// # Errors
    /// A fit that has not learned the way back, another number of components, NaN or infinite numbers.
    pub fn inverse_transform(
        &self,
        components: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let Some(back) = &self.back else {
            return Err(Error::unsupported(
                "the way back was not learned; fit with fit_inverse_transform=True",
            ));
        };
        back.values.times(components, &back.coefficients, watch)
    }

    fn way_back(&self, samples: Rows<'_, f64>, alpha: f64, watch: &Watch<'_>) -> Result<Back> {
        let all = |a: &&crate::Atom| *a.column_choice() == crate::Columns::All;
        if !self.values.kernel().atoms().iter().all(all) {
            return Err(Error::unsupported(format!(
                "kernel {} looks at chosen columns, which components do not have; leave out cols=, or fit_inverse_transform",
                self.values.kernel()
            )));
        }
        if self.shift.is_empty() {
            return Err(Error::unsupported(
                "all samples are alike, as one sample is, so that there is no component to come back from; leave out fit_inverse_transform",
            ));
        }
        let (from, to) = match &self.landmarks {
            None => (samples.to_vec(), samples.to_vec()),
            Some(some) => {
                let rows = super::landmarks::gather(samples, some);
                (rows.clone(), rows)
            }
        };
        let count = from.len() / samples.columns();
        let from = Rows::new(&from, count, samples.columns())?;
        let z = self.transform(from, &watch.quiet())?;
        let z = Rows::new(&z, count, self.shift.len())?;
        let values = Values::new(self.values.kernel(), z, watch)?;
        let penalised = || {
            let mut k = values.gram(watch)?;
            k.add_diagonal(|_| alpha);
            Ok(k)
        };
        let name = format!("kernel {}", self.values.kernel());
        let factor = Factor::new(penalised, &name, watch)?;
        let mut coefficients =
            Matrix::of_rows(Rows::new(&to, count, samples.columns())?).transposed();
        on_threads(watch, |par| factor.solve(&mut coefficients, par));
        Ok(Back {
            values,
            coefficients,
        })
    }
}

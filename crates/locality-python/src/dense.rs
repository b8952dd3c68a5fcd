//! Kernel methods that solve dense systems.

use locality::dense::{
    GaussianProcess, GaussianProcessFit, KernelLogistic, KernelPca, KernelRidge, Landmarks,
    Nystroem, scaled,
};
use locality::{Result, Rows, Watch};
use numpy::ndarray::{Array2, Array3};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of};
use crate::watch::watched;

type One<'py> = Bound<'py, PyArray1<f64>>;
type Two<'py> = Bound<'py, PyArray2<f64>>;

#[allow(clippy::needless_pass_by_value)]
fn shaped(e: numpy::ndarray::ShapeError) -> PyErr {
    PyTypeError::new_err(e.to_string())
}

pub(crate) fn two(py: Python<'_>, data: Vec<f64>, shape: (usize, usize)) -> PyResult<Two<'_>> {
    let made = Array2::from_shape_vec(shape, data).map_err(shaped)?;
    Ok(made.into_pyarray(py))
}

fn weights<'py>(given: Option<&Bound<'py, PyAny>>) -> PyResult<Option<PyReadonlyArray1<'py, f64>>> {
    given
        .map(|w| Ok::<_, PyErr>(w.cast::<PyArray1<f64>>()?.try_readonly()?))
        .transpose()
}

/// Landmarks from Python: a number, with or without a spread, or the samples themselves.
#[derive(FromPyObject)]
pub(crate) enum Chosen {
    Count(usize),
    These(Vec<usize>),
}

impl Chosen {
    fn landmarks(given: Option<Self>, spread: bool) -> Option<Landmarks> {
        Some(match given? {
            Self::Count(m) if spread => Landmarks::Spread(m),
            Self::Count(m) => Landmarks::Random(m),
            Self::These(some) => Landmarks::Given(some),
        })
    }
}

/// The kernel, with a usual bandwidth for the samples if it has none of its own.
#[pyfunction]
#[pyo3(signature = (kernel, samples, sample_weight=None))]
pub(crate) fn scaled_kernel(
    kernel: &Bound<'_, PyAny>,
    samples: &Bound<'_, PyAny>,
    sample_weight: Option<&Bound<'_, PyAny>>,
) -> PyResult<Kernel> {
    let w = weights(sample_weight)?;
    let w = w.as_ref().map(|w| w.as_slice()).transpose()?;
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let inner = scaled(&kernel_of(kernel)?, samples.rows()?, w).map_err(to_python)?;
    Ok(Kernel { inner })
}

/// Kernel, penalty, jitter, coefficients `[n, p]`, landmarks.
type Ridge<'py> = (Kernel, f64, f64, Two<'py>, Option<Vec<usize>>);

/// Kernel ridge regression; ``alpha=None`` is searched, and so is the bandwidth with ``search``.
#[pyfunction]
#[pyo3(signature = (samples, targets, kernel, alpha, search, landmarks=None, spread=false, seed=0, sample_weight=None, threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn kernel_ridge<'py>(
    samples: &Bound<'py, PyAny>,
    targets: &Bound<'py, PyAny>,
    kernel: &Bound<'py, PyAny>,
    alpha: Option<f64>,
    search: bool,
    landmarks: Option<Chosen>,
    spread: bool,
    seed: u64,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Ridge<'py>> {
    let py = samples.py();
    let mut model = KernelRidge::new(kernel_of(kernel)?)
        .landmarks(Chosen::landmarks(landmarks, spread))
        .seed(seed);
    model = match alpha {
        Some(alpha) => model.alpha(alpha),
        None => model.alpha_auto(),
    };
    if search {
        model = model.bandwidth_auto();
    }
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let targets = Matrix::<f64>::from_any(targets, "y")?;
    let (x, y) = (samples.rows()?, targets.rows()?);
    let w = weights(sample_weight)?;
    let w = w.as_ref().map(|w| w.as_slice()).transpose()?;
    let fit = watched(py, threads, None, |watch| model.fit(x, y, w, watch))?;
    let coefficients = fit.coefficients();
    let rows = coefficients.len() / y.columns().max(1);
    Ok((
        Kernel {
            inner: fit.kernel().clone(),
        },
        fit.alpha(),
        fit.jitter(),
        two(py, coefficients, (rows, y.columns()))?,
        fit.landmarks().map(<[usize]>::to_vec),
    ))
}

/// Each sample's value by all others, ``[n, p]``.
#[pyfunction]
#[pyo3(signature = (samples, targets, kernel, alpha, landmarks=None, sample_weight=None, threads=0))]
pub(crate) fn kernel_ridge_loo<'py>(
    samples: &Bound<'py, PyAny>,
    targets: &Bound<'py, PyAny>,
    kernel: &Bound<'py, PyAny>,
    alpha: f64,
    landmarks: Option<Vec<usize>>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Two<'py>> {
    let py = samples.py();
    let model = KernelRidge::new(kernel_of(kernel)?)
        .landmarks(landmarks.map(Landmarks::Given))
        .alpha(alpha);
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let targets = Matrix::<f64>::from_any(targets, "y")?;
    let (x, y) = (samples.rows()?, targets.rows()?);
    let w = weights(sample_weight)?;
    let w = w.as_ref().map(|w| w.as_slice()).transpose()?;
    let found = watched(py, threads, None, |watch| {
        model.fit(x, y, w, watch)?.loo(x, y, w, watch)
    })?;
    two(py, found, (x.rows(), y.columns()))
}

/// Coefficients `[n, functions]`, intercepts, landmarks, steps, convergence.
type Logistic<'py> = (Two<'py>, One<'py>, Option<Vec<usize>>, usize, bool);

/// Kernel logistic regression of the classes ``0..classes``.
#[pyfunction]
#[pyo3(signature = (samples, labels, classes, kernel, c, tolerance, most, landmarks=None, spread=false, seed=0, sample_weight=None, threads=0))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub(crate) fn kernel_logistic<'py>(
    samples: &Bound<'py, PyAny>,
    labels: Vec<usize>,
    classes: usize,
    kernel: &Bound<'py, PyAny>,
    c: f64,
    tolerance: f64,
    most: usize,
    landmarks: Option<Chosen>,
    spread: bool,
    seed: u64,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Logistic<'py>> {
    let py = samples.py();
    let model = KernelLogistic::new(kernel_of(kernel)?)
        .penalty(c)
        .tolerance(tolerance)
        .max_iter(most)
        .landmarks(Chosen::landmarks(landmarks, spread))
        .seed(seed);
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let x = samples.rows()?;
    let w = weights(sample_weight)?;
    let w = w.as_ref().map(|w| w.as_slice()).transpose()?;
    let fit = watched(py, threads, None, |watch| {
        model.fit(x, &labels, classes, w, watch)
    })?;
    let coefficients = fit.coefficients();
    let rows = coefficients.len() / fit.functions();
    Ok((
        two(py, coefficients, (rows, fit.functions()))?,
        fit.intercepts().to_vec().into_pyarray(py),
        fit.landmarks().map(<[usize]>::to_vec),
        fit.steps(),
        fit.converged(),
    ))
}

/// Eigenvalues, coefficients `[n, c]`, shift `[c]`, landmarks, and the components and coefficients of the way back.
type Components<'py> = (
    One<'py>,
    Two<'py>,
    One<'py>,
    Option<Vec<usize>>,
    Option<(Two<'py>, Two<'py>)>,
);

/// Kernel principal components; ``inverse`` is the penalty of the way back.
#[pyfunction]
#[pyo3(signature = (samples, kernel, components=None, inverse=None, landmarks=None, spread=false, seed=0, threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn kernel_pca<'py>(
    samples: &Bound<'py, PyAny>,
    kernel: &Bound<'py, PyAny>,
    components: Option<usize>,
    inverse: Option<f64>,
    landmarks: Option<Chosen>,
    spread: bool,
    seed: u64,
    threads: usize,
) -> PyResult<Components<'py>> {
    let py = samples.py();
    let mut model = KernelPca::new(kernel_of(kernel)?)
        .landmarks(Chosen::landmarks(landmarks, spread))
        .seed(seed);
    if let Some(components) = components {
        model = model.components(components);
    }
    if let Some(alpha) = inverse {
        model = model.inverse(alpha);
    }
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let x = samples.rows()?;
    let fit = watched(py, threads, None, |watch| model.fit(x, watch))?;
    let (coefficients, shift) = fit.coefficients();
    let c = shift.len();
    let centers = fit.landmarks().map_or(x.rows(), <[usize]>::len);
    let back = match fit.way_back_coefficients() {
        None => None,
        Some((z, to)) => Some((
            two(py, z, (centers, c))?,
            two(py, to, (centers, x.columns()))?,
        )),
    };
    Ok((
        fit.eigenvalues().to_vec().into_pyarray(py),
        two(py, coefficients, (centers, c))?,
        shift.to_vec().into_pyarray(py),
        fit.landmarks().map(<[usize]>::to_vec),
        back,
    ))
}

/// The inverse root of the landmarks' kernel matrix, and the landmarks.
#[pyfunction]
#[pyo3(signature = (samples, kernel, landmarks, spread=false, seed=0, threads=0))]
pub(crate) fn nystroem<'py>(
    samples: &Bound<'py, PyAny>,
    kernel: &Bound<'py, PyAny>,
    landmarks: Chosen,
    spread: bool,
    seed: u64,
    threads: usize,
) -> PyResult<(Two<'py>, Vec<usize>)> {
    let py = samples.py();
    let mut model = Nystroem::new(kernel_of(kernel)?).seed(seed);
    if let Some(landmarks) = Chosen::landmarks(Some(landmarks), spread) {
        model = model.landmarks(landmarks);
    }
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let x = samples.rows()?;
    let fit = watched(py, threads, None, |watch| model.fit(x, watch))?;
    let m = fit.landmarks().len();
    Ok((
        two(py, fit.normalization().to_vec(), (m, m))?,
        fit.landmarks().to_vec(),
    ))
}

/// Functions that are sums of kernels over centres.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct Expansion {
    inner: locality::dense::Expansion,
    functions: usize,
}

#[pymethods]
impl Expansion {
    #[new]
    fn new(
        centers: &Bound<'_, PyAny>,
        coefficients: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let centers = Matrix::<f64>::from_any(centers, "centers")?;
        let coefficients = Matrix::<f64>::from_any(coefficients, "coefficients")?;
        let (c, a) = (centers.rows()?, coefficients.rows()?);
        let watch = Watch::default();
        let inner = locality::dense::Expansion::new(&kernel_of(kernel)?, c, a, &watch);
        Ok(Self {
            inner: inner.map_err(to_python)?,
            functions: a.columns(),
        })
    }

    /// Values ``[m, p]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn at<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let rows = Matrix::<f64>::from_any(rows, "X")?;
        let x = rows.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.at(x, watch))?;
        two(py, found, (x.rows(), self.functions))
    }
}

/// A fitted Gaussian process.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct Process {
    inner: GaussianProcessFit,
    samples: usize,
}

impl Process {
    fn with<'py, R: Send>(
        rows: &Bound<'py, PyAny>,
        threads: usize,
        work: impl FnOnce(Rows<'_, f64>, &Watch<'_>) -> Result<R> + Send,
    ) -> PyResult<(R, usize, Python<'py>)> {
        let py = rows.py();
        let rows = Matrix::<f64>::from_any(rows, "X")?;
        let x = rows.rows()?;
        let found = watched(py, threads, None, |watch| work(x, watch))?;
        Ok((found, x.rows(), py))
    }
}

#[pymethods]
impl Process {
    #[new]
    #[pyo3(signature = (samples, targets, kernel, *, amplitude=None, alpha=None, learn=None, normalize=false, restarts=0, seed=0, landmarks=None, spread=false, approximation="fitc", threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        targets: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        amplitude: Option<f64>,
        alpha: Option<f64>,
        learn: Option<bool>,
        normalize: bool,
        restarts: usize,
        seed: u64,
        landmarks: Option<Chosen>,
        spread: bool,
        approximation: &str,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let mut model = GaussianProcess::new(kernel_of(kernel)?)
            .normalize(normalize)
            .restarts(restarts)
            .seed(seed)
            .landmarks(Chosen::landmarks(landmarks, spread))
            .approximation(approximation.parse().map_err(to_python)?);
        if let Some(amplitude) = amplitude {
            model = model.amplitude(amplitude);
        }
        if let Some(alpha) = alpha {
            model = model.alpha(alpha);
        }
        if let Some(learn) = learn {
            model = model.learn_kernel(learn);
        }
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let targets = Matrix::<f64>::from_any(targets, "y")?;
        let (x, y) = (samples.rows()?, targets.rows()?);
        let inner = watched(py, threads, None, |watch| model.fit(x, y, watch))?;
        Ok(Self {
            inner,
            samples: x.rows(),
        })
    }

    /// The kernel in force, without the amplitude.
    #[getter]
    fn kernel(&self) -> Kernel {
        Kernel {
            inner: self.inner.kernel().clone(),
        }
    }

    /// The factor on the kernel.
    #[getter]
    fn amplitude(&self) -> f64 {
        self.inner.amplitude()
    }

    /// The variance of the noise.
    #[getter]
    fn alpha(&self) -> f64 {
        self.inner.alpha()
    }

    /// The logarithm of the marginal likelihood.
    #[getter]
    fn log_marginal_likelihood(&self) -> f64 {
        self.inner.log_marginal_likelihood()
    }

    /// The samples that are landmarks, if there are any.
    #[getter]
    fn landmarks(&self) -> Option<Vec<usize>> {
        self.inner.landmarks().map(<[usize]>::to_vec)
    }

    /// Coefficients ``[n, p]``.
    #[getter]
    fn coefficients<'py>(&self, py: Python<'py>) -> PyResult<Two<'py>> {
        let rows = self.inner.landmarks().map_or(self.samples, <[usize]>::len);
        let data = self.inner.coefficients();
        let columns = data.len() / rows.max(1);
        two(py, data, (rows, columns))
    }

    /// Deviations that targets were divided by, ``[p]``.
    #[getter]
    fn deviations(&self) -> Vec<f64> {
        self.inner.scales().iter().map(|s| s.1).collect()
    }

    /// Derivatives of the likelihood by the logarithms of bandwidths, amplitude and noise.
    #[pyo3(signature = (threads=0))]
    fn gradient<'py>(&self, py: Python<'py>, threads: usize) -> PyResult<One<'py>> {
        let found = watched(py, threads, None, |watch| {
            self.inner.log_marginal_likelihood_gradient(watch)
        })?;
        Ok(found.into_pyarray(py))
    }

    /// Means ``[m, p]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let (found, m, py) = Self::with(rows, threads, |x, w| self.inner.predict(x, w))?;
        two(py, found, (m, self.inner.scales().len()))
    }

    /// Means and standard deviations ``[m, p]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict_std<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<(Two<'py>, Two<'py>)> {
        let (found, m, py) = Self::with(rows, threads, |x, w| self.inner.predict_std(x, w))?;
        let shape = (m, self.inner.scales().len());
        Ok((two(py, found.0, shape)?, two(py, found.1, shape)?))
    }

    /// The covariance ``[m, m]`` for targets of variance 1.
    #[pyo3(signature = (rows, threads=0))]
    fn covariance<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let (found, m, py) = Self::with(rows, threads, |x, w| self.inner.covariance(x, w))?;
        two(py, found, (m, m))
    }

    /// Draws ``[draws, m, p]``.
    #[pyo3(signature = (rows, draws, seed, threads=0))]
    fn sample<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        draws: usize,
        seed: u64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let (found, m, py) =
            Self::with(rows, threads, |x, w| self.inner.sample(x, draws, seed, w))?;
        let shape = (draws, m, self.inner.scales().len());
        let made = Array3::from_shape_vec(shape, found).map_err(shaped)?;
        Ok(made.into_pyarray(py))
    }
}

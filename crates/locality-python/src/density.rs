//! Kernel densities and the kernel classifier.

use locality::density::{self, BandwidthChoice, KernelClassifierFit, KernelDensityFit, Priors};
use locality::{Bandwidth, Float, Rows};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of, neighborhood_of};
use crate::nearest::positions;
use crate::watch::watched;

/// A fitted kernel density. Arrays have two dimensions and one number type, float32 or float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct KernelDensity {
    inner: Density,
}

enum Density {
    F32(KernelDensityFit<f32>),
    F64(KernelDensityFit<f64>),
}

/// A fitted kernel classifier.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct KernelClassifier {
    inner: Classifier,
}

enum Classifier {
    F32(KernelClassifierFit<f32>),
    F64(KernelClassifierFit<f64>),
}

/// Runs the same on either number type.
macro_rules! either {
    ($kind:ident, $inner:expr, $fit:ident => $do:expr) => {
        match $inner {
            $kind::F32($fit) => $do,
            $kind::F64($fit) => $do,
        }
    };
}

#[pymethods]
impl KernelDensity {
    #[new]
    #[pyo3(signature = (samples, kernel, bandwidth, sample_weight=None, rtol=0.0, atol=0.0, adaptive=0.0, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        bandwidth: &Bound<'_, PyAny>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        rtol: f64,
        atol: f64,
        adaptive: f64,
        threads: usize,
    ) -> PyResult<Self> {
        fn fit<T: Element + Float>(
            parameters: &density::KernelDensity,
            samples: &Bound<'_, PyArray2<T>>,
            weights: Option<&Bound<'_, PyAny>>,
            threads: usize,
        ) -> PyResult<KernelDensityFit<T>> {
            let data = Matrix::new(samples)?;
            let (rows, weights) = (data.rows()?, vector::<T>(weights)?);
            watched(samples.py(), threads, None, |watch| {
                parameters.fit_weighted(rows, weights.as_deref(), watch)
            })
        }
        let parameters = density::KernelDensity::new()
            .kernel(kernel_of(kernel)?)
            .bandwidth(choice(bandwidth)?)
            .rtol(rtol)
            .atol(atol)
            .adaptive(adaptive);
        let inner = two_kinds!(
            samples,
            "X",
            |x: f32| Density::F32(fit(&parameters, x, sample_weight, threads)?),
            |x: f64| Density::F64(fit(&parameters, x, sample_weight, threads)?)
        );
        Ok(Self { inner })
    }

    /// The kernel in force.
    fn kernel(&self) -> Kernel {
        either!(Density, &self.inner, fit => Kernel { inner: fit.kernel().clone() })
    }

    /// The bandwidth in force: one number, one per column or one per sample.
    fn bandwidth(&self) -> Vec<f64> {
        let bandwidth = either!(Density, &self.inner, fit => fit.bandwidth().clone());
        match bandwidth {
            Bandwidth::Fixed(h) => vec![h],
            Bandwidth::PerFeature(h) => h,
            Bandwidth::PerSite(h) => h.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Log densities ``[m]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn log_density<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn at<'py, T: Element + Float>(
            fit: &KernelDensityFit<T>,
            rows: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(rows, "X")?;
            let rows_view = data.rows()?;
            let found = watched(rows.py(), threads, None, |watch| {
                fit.log_density(rows_view, watch)
            })?;
            Ok(found.into_pyarray(rows.py()).into_any())
        }
        either!(Density, &self.inner, fit => at(fit, rows, threads))
    }

    /// Gradients of the log density ``[m, d]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn score_function<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn at<'py, T: Element + Float>(
            fit: &KernelDensityFit<T>,
            rows: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(rows, "X")?;
            let view: Rows<'_, T> = data.rows()?;
            let found = watched(rows.py(), threads, None, |watch| {
                fit.score_function(view, watch)
            })?;
            matrix(rows.py(), found, view.rows(), view.columns())
        }
        either!(Density, &self.inner, fit => at(fit, rows, threads))
    }

    /// Log densities ``[n]`` at the samples, each left out.
    #[pyo3(signature = (threads=0))]
    fn leave_one_out<'py>(&self, py: Python<'py>, threads: usize) -> PyResult<Bound<'py, PyAny>> {
        either!(Density, &self.inner, fit => {
            let found = watched(py, threads, None, |watch| fit.leave_one_out(watch))?;
            Ok(found.into_pyarray(py).into_any())
        })
    }

    /// ``m`` draws ``[m, d]``.
    #[pyo3(signature = (m, seed, threads=0))]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        m: usize,
        seed: u64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        either!(Density, &self.inner, fit => {
            let found = watched(py, threads, None, |watch| fit.sample(m, seed, watch))?;
            matrix(py, found, m, fit.samples().columns())
        })
    }
}

#[pymethods]
impl KernelClassifier {
    #[new]
    #[pyo3(signature = (samples, classes, n_classes, kernel, bandwidth, neighborhood=None, sample_weight=None, tolerance=0.0, on_empty="nearest", priors=None, threads=0))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // as the extension hands it over
    fn new(
        samples: &Bound<'_, PyAny>,
        classes: PyReadonlyArray1<'_, isize>,
        n_classes: usize,
        kernel: &Bound<'_, PyAny>,
        bandwidth: &Bound<'_, PyAny>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        tolerance: f64,
        on_empty: &str,
        priors: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        fn fit<T: Element + Float>(
            parameters: &density::KernelClassifier,
            samples: &Bound<'_, PyArray2<T>>,
            (classes, n_classes): (&[usize], usize),
            weights: Option<&Bound<'_, PyAny>>,
            threads: usize,
        ) -> PyResult<KernelClassifierFit<T>> {
            let data = Matrix::new(samples)?;
            let (rows, weights) = (data.rows()?, vector::<T>(weights)?);
            watched(samples.py(), threads, None, |watch| {
                parameters.fit_weighted(rows, classes, n_classes, weights.as_deref(), watch)
            })
        }
        let priors = match priors {
            None => Priors::Observed,
            Some(p) if p.extract::<String>().is_ok_and(|p| p == "uniform") => Priors::Uniform,
            Some(p) => Priors::Given(p.extract().map_err(|_| {
                PyTypeError::new_err(
                    "priors must be None, \"uniform\" or one number for each class",
                )
            })?),
        };
        let parameters = density::KernelClassifier::new()
            .kernel(kernel_of(kernel)?)
            .bandwidth(choice(bandwidth)?)
            .neighborhood(neighborhood_of(neighborhood)?)
            .tolerance(tolerance)
            .on_empty(on_empty.parse().map_err(to_python)?)
            .priors(priors);
        let classes: Vec<usize> = classes
            .as_array()
            .iter()
            .map(|c| c.cast_unsigned())
            .collect();
        let of = (&classes[..], n_classes);
        let inner = two_kinds!(
            samples,
            "X",
            |x: f32| Classifier::F32(fit(&parameters, x, of, sample_weight, threads)?),
            |x: f64| Classifier::F64(fit(&parameters, x, of, sample_weight, threads)?)
        );
        Ok(Self { inner })
    }

    /// The kernel in force.
    fn kernel(&self) -> Kernel {
        either!(Classifier, &self.inner, fit => Kernel { inner: fit.kernel().clone() })
    }

    /// Probabilities ``[m, k]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict_proba<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn at<'py, T: Element + Float>(
            fit: &KernelClassifierFit<T>,
            rows: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(rows, "X")?;
            let view: Rows<'_, T> = data.rows()?;
            let found = watched(rows.py(), threads, None, |watch| {
                fit.predict_proba(view, watch)
            })?;
            matrix(rows.py(), found, view.rows(), fit.n_classes())
        }
        either!(Classifier, &self.inner, fit => at(fit, rows, threads))
    }

    /// Most probable classes ``[m]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn at<'py, T: Element + Float>(
            fit: &KernelClassifierFit<T>,
            rows: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(rows, "X")?;
            let view: Rows<'_, T> = data.rows()?;
            let found = watched(rows.py(), threads, None, |watch| fit.predict(view, watch))?;
            Ok(positions(found).into_pyarray(rows.py()).into_any())
        }
        either!(Classifier, &self.inner, fit => at(fit, rows, threads))
    }
}

/// A number, a list of numbers or the name of a rule.
fn choice(bandwidth: &Bound<'_, PyAny>) -> PyResult<BandwidthChoice> {
    if let Ok(name) = bandwidth.extract::<String>() {
        return name.parse().map_err(to_python);
    }
    if let Ok(h) = bandwidth.extract::<f64>() {
        return Ok(h.into());
    }
    match bandwidth.extract::<Vec<f64>>() {
        Ok(h) => Ok(h.into()),
        Err(_) => Err(PyTypeError::new_err(
            "bandwidth must be a number, one number for each column, or the name of a rule",
        )),
    }
}

/// Sample weights of the samples' type.
pub(crate) fn vector<T: Element + Float>(
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Vec<T>>> {
    let Some(weights) = weights else {
        return Ok(None);
    };
    let array: PyReadonlyArray1<'_, T> = weights.extract().map_err(|_| {
        PyTypeError::new_err("sample_weight must be a one-dimensional array of the type of X")
    })?;
    Ok(Some(array.as_array().to_vec()))
}

/// Rows as an array.
fn matrix<T: Element + Float>(
    py: Python<'_>,
    data: Vec<T>,
    rows: usize,
    columns: usize,
) -> PyResult<Bound<'_, PyAny>> {
    let array = Array2::from_shape_vec((rows, columns), data)
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok(array.into_pyarray(py).into_any())
}

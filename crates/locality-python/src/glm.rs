//! Local generalized linear models.

use locality::local::{Family, LocalGlm, LocalGlmFit};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{kernel_of, neighborhood_of};
use crate::watch::watched;

/// Samples laid out for local generalized linear models. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalGlmModel {
    inner: LocalGlmFit,
}

type One<'py> = Bound<'py, PyArray1<f64>>;
/// Means, linear predictors, slopes, effective samples, convergence.
type Fits<'py> = (
    One<'py>,
    One<'py>,
    Bound<'py, PyArray2<f64>>,
    One<'py>,
    Bound<'py, PyArray1<bool>>,
);

fn family_of(name: &str, theta: f64) -> PyResult<Family> {
    match name {
        "binomial" => Ok(Family::Binomial),
        "poisson" => Ok(Family::Poisson),
        "gamma" => Ok(Family::Gamma),
        "negative_binomial" => Ok(Family::NegativeBinomial { theta }),
        other => Err(PyValueError::new_err(format!(
            "family '{other}' is none of binomial, poisson, gamma, negative_binomial"
        ))),
    }
}

#[pymethods]
impl LocalGlmModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, family, *, theta=1.0, penalty=1.0, columns=None, neighborhood=None, sample_weight=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        family: &str,
        theta: f64,
        penalty: f64,
        columns: Option<Vec<usize>>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let mut parameters = LocalGlm::new(kernel_of(kernel)?, family_of(family, theta)?)
            .penalty(penalty)
            .neighborhood(neighborhood_of(neighborhood)?);
        if let Some(columns) = columns {
            parameters = parameters.on(columns);
        }
        let py = samples.py();
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights: Option<PyReadonlyArray1<'_, f64>> = sample_weight
            .map(|w| Ok::<_, PyErr>(w.cast::<PyArray1<f64>>()?.try_readonly()?))
            .transpose()?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            parameters.fit(x, y, weights, watch)
        })?;
        Ok(Self { inner })
    }

    /// Means ``[m]``, linear predictors ``[m]``, slopes ``[m, d]``, effective samples ``[m]`` and convergence ``[m]`` at targets ``[m, d]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Fits<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let fits = watched(py, threads, progress, |watch| self.inner.at(rows, watch))?;
        let columns = fits.slopes().len() / rows.rows().max(1);
        let slopes = Array2::from_shape_vec((rows.rows(), columns), fits.slopes().to_vec())
            .map_err(|e| PyTypeError::new_err(e.to_string()))?;
        Ok((
            fits.means().to_vec().into_pyarray(py),
            fits.linear_predictors().to_vec().into_pyarray(py),
            slopes.into_pyarray(py),
            fits.effective_samples().to_vec().into_pyarray(py),
            fits.converged().to_vec().into_pyarray(py),
        ))
    }
}

/// The kernel with a bandwidth in all parts that have a distance.
#[pyfunction]
pub(crate) fn kernel_with_bandwidth(kernel: &Bound<'_, PyAny>, h: f64) -> PyResult<String> {
    let inner = locality::local::with_bandwidth(&kernel_of(kernel)?, h).map_err(to_python)?;
    Ok(inner.to_string())
}

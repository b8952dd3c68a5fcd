//! Local generalized linear models.

use locality::local::{Family, LocalGlmRegression, LocalGlmRegressionFit};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of, neighborhood_of};
use crate::watch::watched;

/// Local generalized linear models of one kernel, one for each response. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalGlmModel {
    inner: LocalGlmRegressionFit,
    p: usize,
}

type Two<'py> = Bound<'py, PyArray2<f64>>;

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

fn two(data: Vec<f64>, rows: usize, columns: usize) -> PyResult<Array2<f64>> {
    let found = Array2::from_shape_vec((rows, columns), data);
    found.map_err(|e| PyTypeError::new_err(e.to_string()))
}

#[pymethods]
impl LocalGlmModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, family, *, search="auto", bandwidth=None, scales=None, theta=1.0, penalty=1.0, neighborhood=None, sample_weight=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        family: &str,
        search: &str,
        bandwidth: Option<f64>,
        scales: Option<Vec<f64>>,
        theta: f64,
        penalty: f64,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let family = family_of(family, theta)?;
        let mut parameters = LocalGlmRegression::new(kernel_of(kernel)?, family)
            .search(search.parse().map_err(to_python)?)
            .penalty(penalty)
            .neighborhood(neighborhood_of(neighborhood)?);
        if let Some(h) = bandwidth {
            parameters = parameters.bandwidth(h).map_err(to_python)?;
        }
        if let Some(scales) = scales {
            parameters = parameters.scales(scales);
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
        Ok(Self {
            inner,
            p: y.columns(),
        })
    }

    /// The kernel in force.
    #[getter]
    fn kernel(&self) -> Kernel {
        Kernel {
            inner: self.inner.kernel().clone(),
        }
    }

    /// What each column is divided by, ``[d]``.
    #[getter]
    fn scales<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.scales().to_vec().into_pyarray(py)
    }

    /// Kernel and leave-one-out loss of the best of each family.
    #[getter]
    fn tried(&self) -> Vec<(String, f64)> {
        let tried = self.inner.tried().iter();
        tried.map(|t| (t.kernel.to_string(), t.score)).collect()
    }

    /// Means ``[m, p]`` at targets ``[m, d]``; of several classes their probabilities.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn means<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Two<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let means = watched(py, threads, progress, |watch| self.inner.means(rows, watch))?;
        Ok(two(means, rows.rows(), self.p)?.into_pyarray(py))
    }

    /// Slopes ``[m, d]`` of the first model's linear predictor at targets ``[m, d]``, by the columns as given.
    #[pyo3(signature = (targets, threads=0))]
    fn slopes<'py>(&self, targets: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let slopes = watched(py, threads, None, |watch| self.inner.slopes(rows, watch))?;
        Ok(two(slopes, rows.rows(), rows.columns())?.into_pyarray(py))
    }
}

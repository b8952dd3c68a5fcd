//! Local quantiles and local discriminant analysis.

use locality::local::{
    Discriminant, LiftedFit, LocalMode, LocalModeFit, LocalQuantile, LocalQuantileFit, Localized,
    Normal,
};
use numpy::ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{kernel_of, neighborhood_of};
use crate::watch::watched;

type Two<'py> = Bound<'py, PyArray2<f64>>;

fn two(data: Vec<f64>, rows: usize, columns: usize) -> PyResult<Array2<f64>> {
    let found = Array2::from_shape_vec((rows, columns), data);
    found.map_err(|e| PyTypeError::new_err(e.to_string()))
}

fn weights_of<'py>(
    weights: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<PyReadonlyArray1<'py, f64>>> {
    let read = |w: &Bound<'py, PyAny>| Ok(w.cast::<PyArray1<f64>>()?.try_readonly()?);
    weights.map(read).transpose()
}

/// Samples laid out for local quantiles. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalQuantileModel {
    inner: LocalQuantileFit,
    levels: usize,
}

#[pymethods]
impl LocalQuantileModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, levels, *, degree=0, neighborhood=None, sample_weight=None, guard=true, columns=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        levels: Vec<f64>,
        degree: usize,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        guard: bool,
        columns: Option<Vec<usize>>,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let count = levels.len();
        let mut parameters = LocalQuantile::new(kernel_of(kernel)?)
            .levels(levels)
            .degree(degree)
            .guard(guard)
            .neighborhood(neighborhood_of(neighborhood)?);
        if let Some(columns) = columns {
            parameters = parameters.on(columns);
        }
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights = weights_of(sample_weight)?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            parameters.fit(x, y, weights, watch)
        })?;
        Ok(Self {
            inner,
            levels: count,
        })
    }

    /// Quantiles ``[m, levels]`` at targets ``[m, d]``, and whether evidence was thin ``[m]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Two<'py>, Bound<'py, PyArray1<bool>>)> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let (found, thin) = watched(py, threads, progress, |watch| {
            self.inner.at_guarded(rows, watch)
        })?;
        let found = two(found, rows.rows(), self.levels)?.into_pyarray(py);
        Ok((found, Array1::from(thin).into_pyarray(py)))
    }
}

/// Samples laid out for local modes. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalModeModel {
    inner: LocalModeFit,
}

/// Modes and densities, target after target, and where each target's start.
type Modes<'py> = (
    Bound<'py, PyArray1<usize>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

#[pymethods]
impl LocalModeModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, *, response_bandwidth=None, neighborhood=None, sample_weight=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        response_bandwidth: Option<f64>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let mut parameters =
            LocalMode::new(kernel_of(kernel)?).neighborhood(neighborhood_of(neighborhood)?);
        if let Some(bandwidth) = response_bandwidth {
            parameters = parameters.response_bandwidth(bandwidth);
        }
        let py = samples.py();
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights = weights_of(sample_weight)?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            parameters.fit(x, y, weights, watch)
        })?;
        Ok(Self { inner })
    }

    /// The bandwidth of the responses.
    #[getter]
    fn response_bandwidth(&self) -> f64 {
        self.inner.response_bandwidth()
    }

    /// ``starts [m + 1]``, modes and densities at targets ``[m, d]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Modes<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, progress, |watch| self.inner.at(rows, watch))?;
        let mut starts = vec![0];
        for modes in &found {
            starts.push(starts[starts.len() - 1] + modes.len());
        }
        let all = found.concat();
        let responses: Vec<f64> = all.iter().map(|m| m.response).collect();
        let densities: Vec<f64> = all.iter().map(|m| m.density).collect();
        Ok((
            starts.into_pyarray(py),
            responses.into_pyarray(py),
            densities.into_pyarray(py),
        ))
    }
}

/// Samples lifted for local discriminant analysis. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalDiscriminantModel {
    inner: LiftedFit<Discriminant>,
}

#[pymethods]
impl LocalDiscriminantModel {
    #[new]
    #[pyo3(signature = (samples, indicators, kernel, method, *, shrinkage=0.0, neighborhood=None, sample_weight=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        indicators: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        method: &str,
        shrinkage: f64,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let method = method.parse().map_err(to_python)?;
        let model = Discriminant::new(method, shrinkage).map_err(to_python)?;
        let model =
            Localized::new(model, kernel_of(kernel)?).neighborhood(neighborhood_of(neighborhood)?);
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let indicators = Matrix::<f64>::from_any(indicators, "y")?;
        let (x, y) = (samples.rows()?, indicators.rows()?);
        let weights = weights_of(sample_weight)?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            model.fit_lifted(x, y, weights, watch)
        })?;
        Ok(Self { inner })
    }

    /// Probabilities ``[m, classes]`` at targets ``[m, d]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Two<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, progress, |watch| self.inner.at(rows, watch))?;
        Ok(two(found, rows.rows(), self.inner.outputs())?.into_pyarray(py))
    }
}

/// Samples lifted for local normal distributions. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalNormalModel {
    inner: LiftedFit<Normal>,
}

#[pymethods]
impl LocalNormalModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, *, neighborhood=None, sample_weight=None, threads=0))]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let model =
            Localized::new(Normal, kernel_of(kernel)?).neighborhood(neighborhood_of(neighborhood)?);
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights = weights_of(sample_weight)?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            model.fit_lifted(x, y, weights, watch)
        })?;
        Ok(Self { inner })
    }

    /// Means and lower triangles of covariances ``[m, outputs]`` at targets ``[m, d]``, and effective numbers of samples ``[m]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Two<'py>, Bound<'py, PyArray1<f64>>)> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let (found, effective) = watched(py, threads, progress, |watch| {
            Ok((
                self.inner.at(rows, watch)?,
                self.inner.effective_samples(rows, watch)?,
            ))
        })?;
        let found = two(found, rows.rows(), self.inner.outputs())?.into_pyarray(py);
        Ok((found, effective.into_pyarray(py)))
    }
}

//! Autoencoders, and kernels on learned features.

use locality_learn::{
    AdamW, Autoencoder, AutoencoderModel, Corruption, DeepKernel, DeepKernelModel, FitConfig, Goal,
    History,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::Matrix;
use crate::dense::two;
use crate::error::to_python;
use crate::watch::watched;

pub(crate) type One<'py> = Bound<'py, PyArray1<f64>>;
type Two<'py> = Bound<'py, PyArray2<f64>>;
/// Means and deviations of the columns ``[d]``, and the parameters.
type Numbers<'py> = (One<'py>, One<'py>, Bound<'py, PyArray1<f32>>);

/// An entry of a dictionary.
pub(crate) fn entry<'py, T>(all: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    let found = all.get_item(name)?;
    let found = found.ok_or_else(|| PyValueError::new_err(format!("'{name}' is missing")))?;
    found.extract::<T>()
}

/// How a network is trained, from a dictionary with everything in it.
pub(crate) fn fit_config(all: &Bound<'_, PyDict>) -> PyResult<FitConfig> {
    let plain = FitConfig::default();
    Ok(FitConfig {
        epochs: entry(all, "epochs")?,
        batch: entry(all, "batch")?,
        rate: entry(all, "rate")?,
        optimizer: AdamW {
            decay: entry(all, "decay")?,
            ..plain.optimizer
        },
        clip: plain.clip,
        validation: entry(all, "validation")?,
        patience: entry(all, "patience")?,
        seed: entry(all, "seed")?,
    })
}

/// Losses of the training rows, of the held-out rows, and the best epoch.
pub(crate) fn told<'py>(py: Python<'py>, history: &History) -> (One<'py>, One<'py>, usize) {
    (
        history.training.clone().into_pyarray(py),
        history.validation.clone().into_pyarray(py),
        history.best,
    )
}

fn config(
    codes: &[usize],
    hidden: &[usize],
    activation: &str,
    corruption: (&str, f64),
    training: &str,
) -> PyResult<Autoencoder> {
    let corruption = Corruption::named(corruption.0, corruption.1).map_err(to_python)?;
    Ok(Autoencoder::new(codes)
        .hidden(hidden)
        .activation(activation.parse().map_err(to_python)?)
        .corruption(corruption)
        .training(training.parse().map_err(to_python)?))
}

/// A fitted autoencoder. Parameters are float32, all else is float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct AutoencoderNet {
    inner: AutoencoderModel<f32>,
}

#[pymethods]
impl AutoencoderNet {
    /// Learns from rows ``[n, d]``.
    #[staticmethod]
    #[pyo3(signature = (samples, codes, hidden, activation, corruption, training, fit, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn fit(
        samples: &Bound<'_, PyAny>,
        codes: Vec<usize>,
        hidden: Vec<usize>,
        activation: &str,
        corruption: (String, f64),
        training: &str,
        fit: &Bound<'_, PyDict>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let corruption = (corruption.0.as_str(), corruption.1);
        let model = config(&codes, &hidden, activation, corruption, training)?;
        let model = model.fit_config(fit_config(fit)?);
        let data = Matrix::<f64>::from_any(samples, "X")?;
        let rows = data.rows()?;
        let inner = watched(samples.py(), threads, progress, |watch| {
            model.fit(rows, watch)
        })?;
        Ok(Self { inner })
    }

    /// From its numbers.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value)]
    fn of(
        codes: Vec<usize>,
        hidden: Vec<usize>,
        activation: &str,
        corruption: (String, f64),
        means: PyReadonlyArray1<'_, f64>,
        deviations: PyReadonlyArray1<'_, f64>,
        parameters: PyReadonlyArray1<'_, f32>,
    ) -> PyResult<Self> {
        let corruption = (corruption.0.as_str(), corruption.1);
        let model = config(&codes, &hidden, activation, corruption, "joint")?;
        let parameters = parameters.as_slice()?.to_vec();
        let (means, deviations) = (means.as_slice()?, deviations.as_slice()?);
        let inner = AutoencoderModel::from_numbers(&model, means, deviations, parameters);
        Ok(Self {
            inner: inner.map_err(to_python)?,
        })
    }

    /// What it is made of.
    fn numbers<'py>(&self, py: Python<'py>) -> Numbers<'py> {
        let (means, deviations) = self.inner.units();
        (
            means.to_vec().into_pyarray(py),
            deviations.to_vec().into_pyarray(py),
            self.inner.parameters().to_vec().into_pyarray(py),
        )
    }

    /// Of each stage of the training: losses of training rows, of held-out rows, and the best epoch.
    fn histories<'py>(&self, py: Python<'py>) -> Vec<(One<'py>, One<'py>, usize)> {
        let all = self.inner.histories().iter();
        all.map(|h| told(py, h)).collect()
    }

    /// Codes ``[m, k]`` of rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn encode<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |_| self.inner.encode(rows))?;
        let width = self.inner.config().codes().iter().sum();
        two(py, found, (rows.rows(), width))
    }

    /// Rows ``[m, d]`` from codes ``[m, k]``.
    #[pyo3(signature = (codes, levels=None, threads=0))]
    fn decode<'py>(
        &self,
        codes: &Bound<'py, PyAny>,
        levels: Option<usize>,
        threads: usize,
    ) -> PyResult<Two<'py>> {
        let py = codes.py();
        let data = Matrix::<f64>::from_any(codes, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |_| self.inner.decode(rows, levels))?;
        two(py, found, (rows.rows(), self.inner.units().0.len()))
    }

    /// What comes out ``[m, d]`` for rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn reconstruct<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |_| self.inner.reconstruct(rows))?;
        two(py, found, (rows.rows(), rows.columns()))
    }

    /// The mean squared error of the reconstruction, in variances of the columns.
    #[pyo3(signature = (rows, threads=0))]
    fn error(&self, rows: &Bound<'_, PyAny>, threads: usize) -> PyResult<f64> {
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let samples = data.rows()?;
        watched(rows.py(), threads, None, |_| self.inner.error(samples))
    }

    /// The denoising risk of the model and of the best denoiser.
    #[pyo3(signature = (rows, draws, seed, threads=0))]
    fn excess_risk(
        &self,
        rows: &Bound<'_, PyAny>,
        draws: usize,
        seed: u64,
        threads: usize,
    ) -> PyResult<(f64, f64)> {
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let samples = data.rows()?;
        let found = watched(rows.py(), threads, None, |watch| {
            self.inner.excess_risk(samples, draws, seed, watch)
        })?;
        Ok((found.model, found.optimum))
    }
}

/// Learned features.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct DeepKernelNet {
    inner: DeepKernelModel<f32>,
}

#[pymethods]
impl DeepKernelNet {
    /// Learns from rows ``[n, d]`` with responses ``[n, p]`` or with classes ``[n]`` of so many.
    #[staticmethod]
    #[pyo3(signature = (samples, responses, classes, class_count, hidden, dimension, activation, candidates, start, fit, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn fit(
        samples: &Bound<'_, PyAny>,
        responses: Option<&Bound<'_, PyAny>>,
        classes: Option<PyReadonlyArray1<'_, i64>>,
        class_count: usize,
        hidden: Vec<usize>,
        dimension: Option<usize>,
        activation: &str,
        candidates: usize,
        start: Option<PyReadonlyArray2<'_, f64>>,
        fit: &Bound<'_, PyDict>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut model = DeepKernel::new()
            .hidden(&hidden)
            .activation(activation.parse().map_err(to_python)?)
            .candidates(candidates)
            .fit_config(fit_config(fit)?);
        if let Some(dimension) = dimension {
            model = model.dimension(dimension);
        }
        if let Some(start) = start {
            let map = start.as_array();
            model = model.start(map.rows().into_iter().map(|r| r.to_vec()).collect());
        }
        let data = Matrix::<f64>::from_any(samples, "X")?;
        let rows = data.rows()?;
        let responses = match responses {
            Some(y) => Some(Matrix::<f64>::from_any(y, "y")?),
            None => None,
        };
        let labels = match &classes {
            Some(classes) => {
                let each = classes.as_slice()?.iter();
                let each = each.map(|c| {
                    usize::try_from(*c)
                        .map_err(|_| PyValueError::new_err(format!("class {c} is negative")))
                });
                Some(each.collect::<PyResult<Vec<usize>>>()?)
            }
            None => None,
        };
        let goal = match (&responses, &labels) {
            (Some(y), None) => Goal::Responses(y.rows()?),
            (None, Some(labels)) => Goal::Classes(labels, class_count),
            _ => {
                return Err(PyValueError::new_err(
                    "give responses or classes, one of them",
                ));
            }
        };
        let inner = watched(samples.py(), threads, progress, |watch| {
            model.fit(rows, goal, watch)
        })?;
        Ok(Self { inner })
    }

    /// From its numbers.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value)]
    fn of(
        hidden: Vec<usize>,
        dimension: usize,
        activation: &str,
        means: PyReadonlyArray1<'_, f64>,
        deviations: PyReadonlyArray1<'_, f64>,
        parameters: PyReadonlyArray1<'_, f32>,
    ) -> PyResult<Self> {
        let model = DeepKernel::new()
            .hidden(&hidden)
            .dimension(dimension)
            .activation(activation.parse().map_err(to_python)?);
        let parameters = parameters.as_slice()?.to_vec();
        let (means, deviations) = (means.as_slice()?, deviations.as_slice()?);
        let inner = DeepKernelModel::from_numbers(&model, means, deviations, parameters);
        Ok(Self {
            inner: inner.map_err(to_python)?,
        })
    }

    /// What it is made of.
    fn numbers<'py>(&self, py: Python<'py>) -> Numbers<'py> {
        let (means, deviations) = self.inner.units();
        (
            means.to_vec().into_pyarray(py),
            deviations.to_vec().into_pyarray(py),
            self.inner.parameters().to_vec().into_pyarray(py),
        )
    }

    /// Losses of training rows, of held-out rows, and the best epoch.
    fn history<'py>(&self, py: Python<'py>) -> (One<'py>, One<'py>, usize) {
        told(py, self.inner.history())
    }

    /// Features ``[m, k]`` of rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn transform<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |_| self.inner.transform(rows))?;
        two(py, found, (rows.rows(), self.inner.dimension()))
    }
}

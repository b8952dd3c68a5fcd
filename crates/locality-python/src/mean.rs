//! The local mean.

use locality::{Float, Gradients, LocalMean, LocalMeans, OnEmpty, Rows};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1, PyUntypedArray, prelude::*};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::bias::Biases;
use crate::error::to_python;
use crate::kernel::{kernel_of, neighborhood_of};
use crate::watch::watched;

/// Keys and values laid out for queries. All arrays have two dimensions and one number type, float32 or float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalMeanFit {
    inner: Fit,
    /// Columns of the values.
    columns: usize,
}

enum Fit {
    F32(locality::LocalMeanFit<f32>),
    F64(locality::LocalMeanFit<f64>),
}

/// Means `[m, p]`, log normalisers `[m]` and the number of pairs that were visited.
pub(crate) type Means<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, u64);

#[pymethods]
impl LocalMeanFit {
    #[new]
    #[pyo3(signature = (keys, values, kernel, neighborhood=None, sample_weight=None, tolerance=0.0, on_empty="error", threads=0, null_weight=0.0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        keys: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        tolerance: f64,
        on_empty: &str,
        threads: usize,
        null_weight: f64,
    ) -> PyResult<Self> {
        let on_empty: OnEmpty = on_empty.parse().map_err(to_python)?;
        let parameters = LocalMean::new(kernel_of(kernel)?)
            .neighborhood(neighborhood_of(neighborhood)?)
            .tolerance(tolerance)
            .on_empty(on_empty)
            .null_weight(null_weight);
        let inner = two_kinds!(
            keys,
            "keys",
            |k: f32| Fit::F32(fit(&parameters, k, values, sample_weight, threads)?),
            |k: f64| Fit::F64(fit(&parameters, k, values, sample_weight, threads)?)
        );
        let columns = values.cast::<PyUntypedArray>()?.shape()[1];
        Ok(Self { inner, columns })
    }

    /// Means ``[m, p]``, log normalisers ``[m]`` and the number of pairs visited, at queries ``[m, d]``.
    #[pyo3(signature = (queries, threads=0, progress=None, bias=None))]
    fn at<'py>(
        &self,
        queries: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
        bias: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Means<'py>> {
        match &self.inner {
            Fit::F32(fit) => at(fit, queries, bias, self.columns, threads, progress),
            Fit::F64(fit) => at(fit, queries, bias, self.columns, threads, progress),
        }
    }

    /// Weights ``[m, n]`` of all keys at queries ``[m, d]``.
    #[pyo3(signature = (queries, threads=0, progress=None, bias=None))]
    fn weights<'py>(
        &self,
        queries: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
        bias: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match &self.inner {
            Fit::F32(fit) => weights(fit, queries, bias, threads, progress),
            Fit::F64(fit) => weights(fit, queries, bias, threads, progress),
        }
    }

    /// Derivatives by queries, keys, values, sample weights, the kernel's numbers and the null weight, given those by the means ``[m, p]`` and by
    /// the log normalisers ``[m]``; ``means`` and ``logs`` are what ``at`` returned.
    #[pyo3(signature = (queries, keys, means, logs, by_means, by_logs=None, threads=0, progress=None, bias=None, to_bias=true))]
    #[allow(clippy::too_many_arguments)]
    fn pull_back<'py>(
        &self,
        queries: &Bound<'py, PyAny>,
        keys: &Bound<'py, PyAny>,
        means: &Bound<'py, PyAny>,
        logs: &Bound<'py, PyAny>,
        by_means: &Bound<'py, PyAny>,
        by_logs: Option<&Bound<'py, PyAny>>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
        bias: Option<&Bound<'py, PyAny>>,
        to_bias: bool,
    ) -> PyResult<Pulled<'py>> {
        let given = Given {
            queries,
            keys,
            means,
            logs,
            by_means,
            by_logs,
            bias,
            to_bias,
        };
        match &self.inner {
            Fit::F32(fit) => pull_back(fit, &given, threads, progress),
            Fit::F64(fit) => pull_back(fit, &given, threads, progress),
        }
    }
}

/// By queries, keys, values, sample weights, the kernel's numbers, the null weight and the biases, these in one row.
pub(crate) type Pulled<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Vec<f64>,
    f64,
    Bound<'py, PyAny>,
);

/// The arguments of a pull-back.
struct Given<'a, 'py> {
    queries: &'a Bound<'py, PyAny>,
    keys: &'a Bound<'py, PyAny>,
    means: &'a Bound<'py, PyAny>,
    logs: &'a Bound<'py, PyAny>,
    by_means: &'a Bound<'py, PyAny>,
    by_logs: Option<&'a Bound<'py, PyAny>>,
    bias: Option<&'a Bound<'py, PyAny>>,
    /// Whether derivatives by the biases are wanted.
    to_bias: bool,
}

fn pull_back<'py, T: Element + Float>(
    fit: &locality::LocalMeanFit<T>,
    given: &Given<'_, 'py>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Pulled<'py>> {
    let py = given.queries.py();
    let matrix = |x, name| Matrix::<T>::from_any(x, name);
    let (queries, keys) = (
        matrix(given.queries, "queries")?,
        matrix(given.keys, "keys")?,
    );
    let (means, by_means) = (
        matrix(given.means, "means")?,
        matrix(given.by_means, "by_means")?,
    );
    let vector = |x: &Bound<'py, PyAny>, name: &str| -> PyResult<Vec<T>> {
        let x: PyReadonlyArray1<'_, T> = x.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "{name} must be a one-dimensional array of the keys' type"
            ))
        })?;
        Ok(x.as_array().to_vec())
    };
    let logs = vector(given.logs, "logs")?;
    let by_logs = given.by_logs.map(|l| vector(l, "by_logs")).transpose()?;
    let (queries, keys, by_means) = (queries.rows()?, keys.rows()?, by_means.rows()?);
    let at = LocalMeans {
        means: means.rows()?.to_vec(),
        log_normalizer: logs,
        visited: 0,
    };
    let bias = given.bias.map(Biases::new).transpose()?;
    let bias = bias.as_ref().map(Biases::get).transpose()?;
    let to_bias = given.to_bias;
    let found = watched(py, threads, progress, |watch| {
        let by_logs = by_logs.as_deref();
        match bias {
            Some(bias) => {
                let mut fit = fit.biased(bias);
                if !to_bias {
                    fit = fit.constant();
                }
                fit.pull_back(queries, keys, &at, by_means, by_logs, watch)
            }
            None => fit.pull_back(queries, keys, &at, by_means, by_logs, watch),
        }
    })?;
    // Values are as many as keys, and as wide as what flows into the means.
    let shapes = [queries, keys, by_means];
    pulled(py, found, shapes)
}

/// Gradients as arrays, given the queries, the keys and anything as wide as the values.
pub(crate) fn pulled<'py, T: Element + Float>(
    py: Python<'py>,
    found: Gradients<T>,
    [queries, keys, values]: [Rows<'_, T>; 3],
) -> PyResult<Pulled<'py>> {
    let shaped = |x: Vec<T>, rows: usize, columns: usize| -> PyResult<Bound<'py, PyAny>> {
        let x = Array2::from_shape_vec((rows, columns), x)
            .map_err(|e| PyTypeError::new_err(e.to_string()))?;
        Ok(x.into_pyarray(py).into_any())
    };
    let (n, d, p) = (keys.rows(), keys.columns(), values.columns());
    Ok((
        shaped(found.queries, queries.rows(), d)?,
        shaped(found.keys, n, d)?,
        shaped(found.values, n, p)?,
        found.sample_weights.into_pyarray(py).into_any(),
        found.kernel,
        found.null_weight,
        found.bias.into_pyarray(py).into_any(),
    ))
}

fn fit<T: Element + Float>(
    parameters: &LocalMean,
    keys: &Bound<'_, PyArray2<T>>,
    values: &Bound<'_, PyAny>,
    sample_weight: Option<&Bound<'_, PyAny>>,
    threads: usize,
) -> PyResult<locality::LocalMeanFit<T>> {
    let (keys_data, values_data) = (Matrix::new(keys)?, Matrix::from_any(values, "values")?);
    let (k, v) = (keys_data.rows()?, values_data.rows()?);
    let weights: Option<PyReadonlyArray1<'_, T>> = match sample_weight {
        Some(w) => Some(w.extract().map_err(|_| {
            PyTypeError::new_err("sample_weight must be a one-dimensional array of the keys' type")
        })?),
        None => None,
    };
    let weights = match &weights {
        Some(w) => Some(w.as_slice()?),
        None => None,
    };
    watched(keys.py(), threads, None, |watch| {
        parameters.fit_watched(k, v, weights, watch)
    })
}

fn at<'py, T: Element + Float>(
    fit: &locality::LocalMeanFit<T>,
    queries: &Bound<'py, PyAny>,
    bias: Option<&Bound<'py, PyAny>>,
    columns: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Means<'py>> {
    let py = queries.py();
    let data = Matrix::<T>::from_any(queries, "queries")?;
    let q: Rows<'_, T> = data.rows()?;
    let bias = bias.map(Biases::new).transpose()?;
    let bias = bias.as_ref().map(Biases::get).transpose()?;
    let found = watched(py, threads, progress, |watch| match bias {
        Some(bias) => fit.biased(bias).at(q, watch),
        None => fit.at(q, watch),
    })?;
    means(py, found, (q.rows(), columns))
}

/// Local means as arrays.
pub(crate) fn means<T: Element + Float>(
    py: Python<'_>,
    found: LocalMeans<T>,
    shape: (usize, usize),
) -> PyResult<Means<'_>> {
    let means = Array2::from_shape_vec(shape, found.means)
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok((
        means.into_pyarray(py).into_any(),
        found.log_normalizer.into_pyarray(py).into_any(),
        found.visited,
    ))
}

fn weights<'py, T: Element + Float>(
    fit: &locality::LocalMeanFit<T>,
    queries: &Bound<'py, PyAny>,
    bias: Option<&Bound<'py, PyAny>>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = queries.py();
    let data = Matrix::<T>::from_any(queries, "queries")?;
    let q: Rows<'_, T> = data.rows()?;
    let bias = bias.map(Biases::new).transpose()?;
    let bias = bias.as_ref().map(Biases::get).transpose()?;
    let found = watched(py, threads, progress, |watch| match bias {
        Some(bias) => fit.biased(bias).weights(q, watch),
        None => fit.weights(q, watch),
    })?;
    let keys = found.len().checked_div(q.rows()).unwrap_or(0);
    let found = Array2::from_shape_vec((q.rows(), keys), found)
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok(found.into_pyarray(py).into_any())
}

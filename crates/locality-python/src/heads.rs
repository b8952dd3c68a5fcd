//! Many local means at once: batches and heads.

use locality::{Float, Gradients, Head, HeadFlow, LocalMean, LocalMeans, OnEmpty};
use numpy::{Element, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::bias::Biases;
use crate::error::to_python;
use crate::kernel::{kernel_of, neighborhood_of};
use crate::mean::{Means, Pulled, means, pulled};
use crate::watch::watched;

/// A local mean for many sets of queries, keys and values. All arrays have two dimensions and one number type.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalMeanHeads {
    parameters: LocalMean,
}

type Arrays<'py> = Vec<Bound<'py, PyAny>>;
/// Means `[m, p]` and log normalisers `[m]` that a forward pass found.
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

#[pymethods]
impl LocalMeanHeads {
    #[new]
    fn new(
        kernel: &Bound<'_, PyAny>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        tolerance: f64,
        on_empty: &str,
        null_weight: f64,
    ) -> PyResult<Self> {
        let on_empty: OnEmpty = on_empty.parse().map_err(to_python)?;
        let parameters = LocalMean::new(kernel_of(kernel)?)
            .neighborhood(neighborhood_of(neighborhood)?)
            .tolerance(tolerance)
            .on_empty(on_empty)
            .null_weight(null_weight);
        Ok(Self { parameters })
    }

    /// For each head, means ``[m, p]``, log normalisers ``[m]`` and the number of pairs visited.
    #[pyo3(signature = (queries, keys, values, sample_weight=None, threads=0, progress=None, bias=None))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn at<'py>(
        &self,
        py: Python<'py>,
        queries: Arrays<'py>,
        keys: Arrays<'py>,
        values: Arrays<'py>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
        bias: Option<Arrays<'py>>,
    ) -> PyResult<Vec<Means<'py>>> {
        let Some(first) = keys.first() else {
            return Ok(Vec::new());
        };
        let given = [&queries[..], &keys, &values];
        let run = Run {
            py,
            parameters: &self.parameters,
            given,
            bias: bias.as_deref(),
            sample_weight,
            threads,
            progress,
        };
        Ok(two_kinds!(
            first,
            "keys",
            |_k: f32| run.at::<f32>()?,
            |_k: f64| run.at::<f64>()?
        ))
    }

    /// For each head what `LocalMeanFit.pull_back` returns; `forward` is what `at` returned, without the numbers of pairs.
    #[pyo3(signature = (queries, keys, values, by_means, by_logs=None, forward=None, sample_weight=None, threads=0, progress=None, bias=None, to_bias=true))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn pull_back<'py>(
        &self,
        py: Python<'py>,
        queries: Arrays<'py>,
        keys: Arrays<'py>,
        values: Arrays<'py>,
        by_means: Arrays<'py>,
        by_logs: Option<Arrays<'py>>,
        forward: Option<Vec<Found<'py>>>,
        sample_weight: Option<&Bound<'py, PyAny>>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
        bias: Option<Arrays<'py>>,
        to_bias: bool,
    ) -> PyResult<Vec<Pulled<'py>>> {
        let Some(first) = keys.first() else {
            return Ok(Vec::new());
        };
        let given = [&queries[..], &keys, &values];
        let run = Run {
            py,
            parameters: &self.parameters,
            given,
            bias: bias.as_deref(),
            sample_weight,
            threads,
            progress,
        };
        let flow = (by_logs.as_deref(), forward.as_deref(), to_bias);
        Ok(two_kinds!(
            first,
            "keys",
            |_k: f32| run.pull_back::<f32>(&by_means, flow)?,
            |_k: f64| run.pull_back::<f64>(&by_means, flow)?
        ))
    }
}

/// Derivatives by the log normalisers, what a forward pass found, and whether derivatives by biases are wanted.
type Back<'a, 'py> = (
    Option<&'a [Bound<'py, PyAny>]>,
    Option<&'a [Found<'py>]>,
    bool,
);

/// What both calls are given.
struct Run<'a, 'py> {
    py: Python<'py>,
    parameters: &'a LocalMean,
    /// Queries, keys and values.
    given: [&'a [Bound<'py, PyAny>]; 3],
    bias: Option<&'a [Bound<'py, PyAny>]>,
    sample_weight: Option<&'a Bound<'py, PyAny>>,
    threads: usize,
    progress: Option<&'a Bound<'py, PyAny>>,
}

fn matrices<'py, T: Element + Float>(
    arrays: &[Bound<'py, PyAny>],
    name: &str,
) -> PyResult<Vec<Matrix<'py, T>>> {
    arrays.iter().map(|a| Matrix::from_any(a, name)).collect()
}

fn vector<T: Element + Float>(x: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<T>> {
    let x: PyReadonlyArray1<'_, T> = x.extract().map_err(|_| {
        PyTypeError::new_err(format!(
            "{name} must be a one-dimensional array of the keys' type"
        ))
    })?;
    Ok(x.as_array().to_vec())
}

/// Queries, keys and values of each head, and its biases where there are any.
struct Sets<'py, T: Element> {
    given: [Vec<Matrix<'py, T>>; 3],
    bias: Vec<Biases<'py, T>>,
}

impl<T: Element + Float> Sets<'_, T> {
    fn heads(&self) -> PyResult<Vec<Head<'_, T>>> {
        let [queries, keys, values] = &self.given;
        let sets = queries.iter().zip(keys).zip(values).enumerate();
        sets.map(|(i, ((q, k), v))| {
            Ok(Head {
                queries: q.rows()?,
                keys: k.rows()?,
                values: v.rows()?,
                bias: self.bias.get(i).map(Biases::get).transpose()?,
            })
        })
        .collect()
    }
}

impl<'py> Run<'_, 'py> {
    fn sets<T: Element + Float>(&self) -> PyResult<Sets<'py, T>> {
        let [queries, keys, values] = self.given;
        let bias = self.bias.unwrap_or_default();
        Ok(Sets {
            given: [
                matrices(queries, "queries")?,
                matrices(keys, "keys")?,
                matrices(values, "values")?,
            ],
            bias: bias.iter().map(Biases::new).collect::<PyResult<_>>()?,
        })
    }

    fn weights<T: Element + Float>(&self) -> PyResult<Option<Vec<T>>> {
        let weights = self.sample_weight;
        weights.map(|w| vector(w, "sample_weight")).transpose()
    }

    fn at<T: Element + Float>(self) -> PyResult<Vec<Means<'py>>> {
        let (sets, weights) = (self.sets::<T>()?, self.weights()?);
        let heads = sets.heads()?;
        let found = watched(self.py, self.threads, self.progress, |watch| {
            self.parameters.at_heads(&heads, weights.as_deref(), watch)
        })?;
        let shapes = heads.iter().map(|h| (h.queries.rows(), h.values.columns()));
        let found = found.into_iter().zip(shapes);
        found.map(|(f, shape)| means(self.py, f, shape)).collect()
    }

    fn pull_back<T: Element + Float>(
        self,
        by_means: &[Bound<'py, PyAny>],
        (by_logs, forward, to_bias): Back<'_, 'py>,
    ) -> PyResult<Vec<Pulled<'py>>> {
        let (sets, weights) = (self.sets::<T>()?, self.weights()?);
        let heads = sets.heads()?;
        let by_means = matrices::<T>(by_means, "by_means")?;
        let by_logs: Option<Vec<Vec<T>>> = by_logs
            .map(|all| all.iter().map(|l| vector(l, "by_logs")).collect())
            .transpose()?;
        let read = |(means, logs): &Found<'py>| -> PyResult<LocalMeans<T>> {
            Ok(LocalMeans {
                means: Matrix::<T>::from_any(means, "means")?.rows()?.to_vec(),
                log_normalizer: vector(logs, "logs")?,
                visited: 0,
            })
        };
        let forward: Option<Vec<_>> = forward
            .map(|all| all.iter().map(read).collect())
            .transpose()?;
        let flows = by_means.iter().enumerate().map(|(i, means)| {
            Ok(HeadFlow {
                at: forward.as_ref().and_then(|f| f.get(i)),
                means: means.rows()?,
                log_normalizer: by_logs.as_ref().and_then(|l| l.get(i)).map(Vec::as_slice),
                to_bias,
            })
        });
        let flows: Vec<_> = flows.collect::<PyResult<_>>()?;
        let found: Vec<Gradients<T>> = watched(self.py, self.threads, self.progress, |watch| {
            let weights = weights.as_deref();
            self.parameters
                .pull_back_heads(&heads, weights, &flows, watch)
        })?;
        let found = found.into_iter().zip(&heads);
        found
            .map(|(f, head)| pulled(self.py, f, [head.queries, head.keys, head.values]))
            .collect()
    }
}

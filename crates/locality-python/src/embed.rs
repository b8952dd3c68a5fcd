//! Embeddings.

use locality::embed::{self, LocallyLinearEmbedding, Solver};
use locality::outlier::LocalOutlierFactor;
use locality::{LinearMap, Metric, Rows, Watch};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::dense::two;
use crate::error::to_python;
use crate::kernel::kernel_of;
use crate::watch::watched;

type Two<'py> = Bound<'py, PyArray2<f64>>;

/// Coordinates `[n, c]`, reconstruction error, the piece of each sample, a warning.
type Embedded<'py> = (Two<'py>, f64, Bound<'py, PyArray1<usize>>, Option<String>);

/// Local linear embedding of samples ``[n, d]``.
#[pyfunction]
#[pyo3(signature = (samples, *, n_neighbors, n_components, method, reg, modified_tol, hessian_tol, tol, dense=false, kernel=None, pieces="centred", threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn locally_linear_embedding<'py>(
    samples: &Bound<'py, PyAny>,
    n_neighbors: usize,
    n_components: usize,
    method: &str,
    reg: f64,
    modified_tol: f64,
    hessian_tol: f64,
    tol: f64,
    dense: bool,
    kernel: Option<&Bound<'py, PyAny>>,
    pieces: &str,
    threads: usize,
) -> PyResult<Embedded<'py>> {
    let py = samples.py();
    let model = LocallyLinearEmbedding::new()
        .n_neighbors(n_neighbors)
        .n_components(n_components)
        .method(method.parse().map_err(to_python)?)
        .reg(reg)
        .modified_tol(modified_tol)
        .hessian_tol(hessian_tol)
        .tol(tol)
        .solver(if dense { Solver::Dense } else { Solver::Auto })
        .kernel(kernel.map(kernel_of).transpose()?)
        .pieces(pieces.parse().map_err(to_python)?);
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let fit = watched(py, threads, None, |watch| model.fit(rows, watch))?;
    Ok((
        two(py, fit.embedding().to_vec(), (rows.rows(), n_components))?,
        fit.reconstruction_error(),
        fit.pieces().to_vec().into_pyarray(py),
        fit.warning(),
    ))
}

/// Weights ``[m, k]`` that reconstruct queries ``[m, d]`` from their neighbours, by index ``[m, k]`` with weights of their own.
#[pyfunction]
#[pyo3(signature = (queries, samples, neighbors, own=None, reg=1e-3, threads=0))]
pub(crate) fn reconstruction_weights<'py>(
    queries: &Bound<'py, PyAny>,
    samples: &Bound<'py, PyAny>,
    neighbors: &Bound<'py, PyArray2<i64>>,
    own: Option<&Bound<'py, PyArray2<f64>>>,
    reg: f64,
    threads: usize,
) -> PyResult<Two<'py>> {
    let py = queries.py();
    let (queries, samples) = (
        Matrix::<f64>::from_any(queries, "queries")?,
        Matrix::<f64>::from_any(samples, "samples")?,
    );
    let (queries, samples): (Rows<'_, f64>, Rows<'_, f64>) = (queries.rows()?, samples.rows()?);
    // A negative index is no sample's, and too large a one is refused by name.
    let near = neighbors.try_readonly()?;
    let near: Vec<usize> = near
        .as_array()
        .iter()
        .map(|&j| usize::try_from(j).unwrap_or(usize::MAX))
        .collect();
    let own = own.map(PyArrayMethods::try_readonly).transpose()?;
    let own: Option<Vec<f64>> = own.map(|own| own.as_array().iter().copied().collect());
    let found = watched(py, threads, None, |watch: &Watch<'_>| {
        embed::reconstruction_weights(queries, samples, &near, own.as_deref(), reg, watch)
    })?;
    let k = near.len() / queries.rows().max(1);
    two(py, found, (queries.rows(), k))
}

/// How much each neighbour ``[m, k]`` may take part in the mixture that places queries ``[m, d]``, by the kernel and the pieces ``[n]`` of
/// samples ``[n, d]``.
#[pyfunction]
#[pyo3(signature = (queries, samples, neighbors, pieces, kernel=None, threads=0))]
pub(crate) fn mixture_shares<'py>(
    queries: &Bound<'py, PyAny>,
    samples: &Bound<'py, PyAny>,
    neighbors: &Bound<'py, PyArray2<i64>>,
    pieces: &Bound<'py, PyArray1<i64>>,
    kernel: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Two<'py>> {
    let py = queries.py();
    let kernel = kernel.map(kernel_of).transpose()?;
    let (queries, samples) = (
        Matrix::<f64>::from_any(queries, "queries")?,
        Matrix::<f64>::from_any(samples, "samples")?,
    );
    let (queries, samples): (Rows<'_, f64>, Rows<'_, f64>) = (queries.rows()?, samples.rows()?);
    // A negative number is none of a sample or a piece, and is refused as too large.
    let number = |j: &i64| usize::try_from(*j).unwrap_or(usize::MAX);
    let near = neighbors.try_readonly()?;
    let near: Vec<usize> = near.as_array().iter().map(number).collect();
    let pieces = pieces.try_readonly()?;
    let pieces: Vec<usize> = pieces.as_array().iter().map(number).collect();
    let found = watched(py, threads, None, |watch: &Watch<'_>| {
        embed::mixture_shares(kernel.as_ref(), samples, &pieces, queries, &near, watch)
    })?;
    let k = near.len() / queries.rows().max(1);
    two(py, found, (queries.rows(), k))
}

/// The local outlier factor of samples ``[n, d]``, ``[n]``, and of queries ``[m, d]`` where there are any; ``metric`` may be
/// ``precomputed``, and these then distances, ``[n, n]`` and ``[m, n]``.
#[pyfunction]
#[pyo3(signature = (samples, n_neighbors, metric, map=None, queries=None, threads=0))]
pub(crate) fn local_outlier_factor<'py>(
    samples: &Bound<'py, PyAny>,
    n_neighbors: usize,
    metric: &str,
    map: Option<Vec<Vec<f64>>>,
    queries: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let py = samples.py();
    let known = metric == "precomputed";
    let mut model = LocalOutlierFactor::new(n_neighbors);
    if !known {
        let map = map.map(LinearMap::new).transpose().map_err(to_python)?;
        model = model.metric(Metric::from_name(metric, map).map_err(to_python)?);
    }
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let queries = queries
        .map(|q| Matrix::<f64>::from_any(q, "X"))
        .transpose()?;
    let rows = samples.rows()?;
    let asked = queries.as_ref().map(Matrix::rows).transpose()?;
    let found = watched(py, threads, None, |watch| {
        let fit = if known {
            model.fit_distances(rows, watch)?
        } else {
            model.fit(rows, watch)?
        };
        match asked {
            None => Ok(fit.factors().to_vec()),
            Some(asked) if known => fit.at_distances(asked, watch),
            Some(asked) => fit.at(asked, watch),
        }
    })?;
    Ok(found.into_pyarray(py))
}

/// Trustworthiness of an embedding ``[n, c]`` of samples ``[n, d]``, or with ``continuity`` their continuity; ``metric`` may be
/// ``precomputed``, and samples then their distances ``[n, n]``.
#[pyfunction]
#[pyo3(signature = (samples, embedding, n_neighbors, threads=0, metric="euclidean", map=None, continuity=false))]
pub(crate) fn trustworthiness(
    samples: &Bound<'_, PyAny>,
    embedding: &Bound<'_, PyAny>,
    n_neighbors: usize,
    threads: usize,
    metric: &str,
    map: Option<Vec<Vec<f64>>>,
    continuity: bool,
) -> PyResult<f64> {
    let py = samples.py();
    let (samples, embedding) = (
        Matrix::<f64>::from_any(samples, "X")?,
        Matrix::<f64>::from_any(embedding, "X_embedded")?,
    );
    let (x, y) = (samples.rows()?, embedding.rows()?);
    if metric == "precomputed" {
        let score = if continuity {
            embed::continuity_of_distances
        } else {
            embed::trustworthiness_of_distances
        };
        return watched(py, threads, None, |watch| score(x, y, n_neighbors, watch));
    }
    let map = map.map(LinearMap::new).transpose().map_err(to_python)?;
    let metric = Metric::from_name(metric, map).map_err(to_python)?;
    let score = if continuity {
        embed::continuity_under
    } else {
        embed::trustworthiness_under
    };
    watched(py, threads, None, |watch| {
        score(x, &metric, y, n_neighbors, watch)
    })
}

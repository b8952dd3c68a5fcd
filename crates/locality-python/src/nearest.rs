//! Nearest neighbours.

use locality::{Float, LinearMap, Metric, Rows};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::watch::watched;

/// Keys laid out for exact nearest-neighbour search. Arrays have two dimensions and one number type, float32 or float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct Nearest {
    inner: Fit,
}

enum Fit {
    F32(locality::Nearest<f32>),
    F64(locality::Nearest<f64>),
}

/// Indices and distances, `[m, k]` each.
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);
/// Starts `[m + 1]`, indices and distances.
type Within<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

#[pymethods]
impl Nearest {
    #[new]
    #[pyo3(signature = (keys, metric="euclidean", map=None, threads=0))]
    fn new(
        keys: &Bound<'_, PyAny>,
        metric: &str,
        map: Option<Vec<Vec<f64>>>,
        threads: usize,
    ) -> PyResult<Self> {
        let map = map.map(LinearMap::new).transpose().map_err(to_python)?;
        let metric = Metric::from_name(metric, map).map_err(to_python)?;
        let inner = two_kinds!(
            keys,
            "keys",
            |k: f32| Fit::F32(fit(k, &metric, threads)?),
            |k: f64| Fit::F64(fit(k, &metric, threads)?)
        );
        Ok(Self { inner })
    }

    /// Indices and distances ``[m, k]`` of the ``k`` nearest keys of queries ``[m, d]``, nearest first.
    #[pyo3(signature = (queries, k, threads=0))]
    fn k_nearest<'py>(
        &self,
        queries: &Bound<'py, PyAny>,
        k: usize,
        threads: usize,
    ) -> PyResult<Found<'py>> {
        match &self.inner {
            Fit::F32(fit) => k_nearest(fit, queries, k, threads),
            Fit::F64(fit) => k_nearest(fit, queries, k, threads),
        }
    }

    /// Starts ``[m + 1]``, indices and distances of all keys within ``radius`` of queries ``[m, d]``.
    #[pyo3(signature = (queries, radius, threads=0))]
    fn within<'py>(
        &self,
        queries: &Bound<'py, PyAny>,
        radius: f64,
        threads: usize,
    ) -> PyResult<Within<'py>> {
        match &self.inner {
            Fit::F32(fit) => within(fit, queries, radius, threads),
            Fit::F64(fit) => within(fit, queries, radius, threads),
        }
    }
}

fn fit<T: Element + Float>(
    keys: &Bound<'_, PyArray2<T>>,
    metric: &Metric,
    threads: usize,
) -> PyResult<locality::Nearest<T>> {
    let data = Matrix::new(keys)?;
    let rows = data.rows()?;
    watched(keys.py(), threads, None, |_| {
        locality::Nearest::fit(rows, metric)
    })
}

fn k_nearest<'py, T: Element + Float>(
    fit: &locality::Nearest<T>,
    queries: &Bound<'py, PyAny>,
    k: usize,
    threads: usize,
) -> PyResult<Found<'py>> {
    let py = queries.py();
    let data = Matrix::<T>::from_any(queries, "queries")?;
    let q: Rows<'_, T> = data.rows()?;
    let found = watched(py, threads, None, |watch| fit.k_nearest(q, k, watch))?;
    let shaped = |e: numpy::ndarray::ShapeError| PyTypeError::new_err(e.to_string());
    let shape = (q.rows(), k);
    let indices = Array2::from_shape_vec(shape, positions(found.indices)).map_err(shaped)?;
    let distances = Array2::from_shape_vec(shape, found.distances).map_err(shaped)?;
    Ok((
        indices.into_pyarray(py).into_any(),
        distances.into_pyarray(py).into_any(),
    ))
}

fn within<'py, T: Element + Float>(
    fit: &locality::Nearest<T>,
    queries: &Bound<'py, PyAny>,
    radius: f64,
    threads: usize,
) -> PyResult<Within<'py>> {
    let py = queries.py();
    let data = Matrix::<T>::from_any(queries, "queries")?;
    let q: Rows<'_, T> = data.rows()?;
    let radius = T::from_f64(radius);
    let found = watched(py, threads, None, |watch| fit.within(q, radius, watch))?;
    Ok((
        positions(found.starts).into_pyarray(py).into_any(),
        positions(found.indices).into_pyarray(py).into_any(),
        found.distances.into_pyarray(py).into_any(),
    ))
}

/// Positions in numpy's own index type.
pub(crate) fn positions(indices: Vec<usize>) -> Vec<isize> {
    indices.into_iter().map(usize::cast_signed).collect()
}

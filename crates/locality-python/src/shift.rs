//! Mean-shift clustering.

use locality::shift::{self, MeanShift};
use locality::{Float, Rows};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::kernel::kernel_of;
use crate::watch::watched;

/// Centres `[k, d]`, labels `[n]`, number of iterations, bandwidth in force.
type Clusters<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, usize, f64);

/// Centres ``[k, d]``, labels ``[n]`` (-1: none), number of iterations and bandwidth of points ``[n, d]``.
#[pyfunction]
#[pyo3(signature = (points, *, bandwidth=None, kernel, seeds=None, bin_seeding=false, min_bin_freq=1, cluster_all=true, max_iter=300, threads=0, progress=None))]
#[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
pub(crate) fn mean_shift<'py>(
    points: &Bound<'py, PyAny>,
    bandwidth: Option<f64>,
    kernel: &Bound<'py, PyAny>,
    seeds: Option<&Bound<'py, PyAny>>,
    bin_seeding: bool,
    min_bin_freq: usize,
    cluster_all: bool,
    max_iter: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Clusters<'py>> {
    let parameters = MeanShift::new()
        .bandwidth(bandwidth)
        .kernel(kernel_of(kernel)?)
        .bin_seeding(bin_seeding)
        .min_bin_freq(min_bin_freq)
        .cluster_all(cluster_all)
        .max_iter(max_iter);
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| clusters(parameters, x, seeds, threads, progress)?,
        |x: f64| clusters(parameters, x, seeds, threads, progress)?
    ))
}

fn clusters<'py, T: Element + Float>(
    parameters: MeanShift,
    points: &Bound<'py, PyArray2<T>>,
    seeds: Option<&Bound<'py, PyAny>>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Clusters<'py>> {
    let py = points.py();
    let parameters = match seeds {
        Some(seeds) => parameters.seeds(Matrix::<T>::from_any(seeds, "seeds")?.rows()?),
        None => parameters,
    };
    let data = Matrix::new(points)?;
    let rows: Rows<'_, T> = data.rows()?;
    let fit = watched(py, threads, progress, |watch| parameters.fit(rows, watch))?;
    let centers = fit.cluster_centers();
    let shape = (centers.rows(), centers.columns());
    let centers = Array2::from_shape_vec(shape, centers.to_vec())
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok((
        centers.into_pyarray(py).into_any(),
        fit.labels().to_vec().into_pyarray(py).into_any(),
        fit.n_iter(),
        fit.bandwidth(),
    ))
}

/// The bandwidth that mean shift takes where none is given, from points ``[n, d]``.
#[pyfunction]
#[pyo3(signature = (points, quantile=0.3, n_samples=None, random_state=0, threads=0))]
pub(crate) fn estimate_bandwidth(
    points: &Bound<'_, PyAny>,
    quantile: f64,
    n_samples: Option<usize>,
    random_state: u32,
    threads: usize,
) -> PyResult<f64> {
    fn estimate<T: Element + Float>(
        points: &Bound<'_, PyArray2<T>>,
        quantile: f64,
        n_samples: Option<usize>,
        random_state: u32,
        threads: usize,
    ) -> PyResult<f64> {
        let data = Matrix::new(points)?;
        let rows = data.rows()?;
        watched(points.py(), threads, None, |watch| {
            shift::estimate_bandwidth(rows, quantile, n_samples, random_state, watch)
        })
    }
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| estimate(x, quantile, n_samples, random_state, threads)?,
        |x: f64| estimate(x, quantile, n_samples, random_state, threads)?
    ))
}

/// The seeds ``[s, d]`` of points ``[n, d]``: centres of bins of size ``bin_size`` that hold ``min_bin_freq`` points.
#[pyfunction]
#[pyo3(signature = (points, bin_size, min_bin_freq=1))]
pub(crate) fn bin_seeds<'py>(
    points: &Bound<'py, PyAny>,
    bin_size: f64,
    min_bin_freq: usize,
) -> PyResult<Bound<'py, PyAny>> {
    fn seeds<'py, T: Element + Float>(
        points: &Bound<'py, PyArray2<T>>,
        bin_size: f64,
        min_bin_freq: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = Matrix::new(points)?;
        let rows = data.rows()?;
        let found = shift::bin_seeds(rows, bin_size, min_bin_freq).map_err(to_python)?;
        let columns = rows.columns().max(1);
        let found = Array2::from_shape_vec((found.len() / columns, columns), found)
            .map_err(|e| PyTypeError::new_err(e.to_string()))?;
        Ok(found.into_pyarray(points.py()).into_any())
    }
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| seeds(x, bin_size, min_bin_freq)?,
        |x: f64| seeds(x, bin_size, min_bin_freq)?
    ))
}

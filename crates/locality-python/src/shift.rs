//! Mean-shift clustering.

use locality::shift::{self, Adaptive, MeanShift, StableBandwidth};
use locality::{Float, Metric, Rows, Watch};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::kernel::kernel_of;
use crate::modes::{diagram_of, merging_of, weights_of};
use crate::watch::watched;

/// Modes and clusters of points ``[n, d]``, as a dictionary; ``bandwidth`` may be ``"auto"``, a search for a stable one.
#[pyfunction]
#[pyo3(signature = (points, *, bandwidth=None, kernel, seeds=None, bin_seeding=false, min_bin_freq=1, cluster_all=true, max_iter=300, tol=1e-9, blurring=false, adaptive=0.0, over_relaxation=1.0, metric="euclidean", merging=None, n_neighbors=10, compression=None, random_state=0, sample_weight=None, threads=0, progress=None))]
#[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
pub(crate) fn mean_shift<'py>(
    points: &Bound<'py, PyAny>,
    bandwidth: Option<&Bound<'py, PyAny>>,
    kernel: &Bound<'py, PyAny>,
    seeds: Option<&Bound<'py, PyAny>>,
    bin_seeding: bool,
    min_bin_freq: usize,
    cluster_all: bool,
    max_iter: usize,
    tol: f64,
    blurring: bool,
    adaptive: f64,
    over_relaxation: f64,
    metric: &str,
    merging: Option<&Bound<'py, PyAny>>,
    n_neighbors: usize,
    compression: Option<f64>,
    random_state: u64,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut parameters = MeanShift::new()
        .kernel(kernel_of(kernel)?)
        .bin_seeding(bin_seeding)
        .min_bin_freq(min_bin_freq)
        .cluster_all(cluster_all)
        .max_iter(max_iter)
        .settle(tol)
        .blurring(blurring)
        .over_relaxation(over_relaxation)
        .metric(Metric::from_name(metric, None).map_err(to_python)?)
        .merging(merging_of(merging, None)?)
        .n_neighbors(n_neighbors)
        .compression(compression);
    // 0 is one bandwidth for all, of any kernel.
    if adaptive != 0.0 {
        parameters = parameters.adaptive(Adaptive::Pilot(adaptive));
    }
    parameters = match bandwidth {
        None => parameters,
        Some(word) if word.extract::<String>().is_ok_and(|w| w == "auto") => {
            parameters.stable_bandwidth(StableBandwidth::new().seed(random_state))
        }
        Some(h) => parameters.bandwidth(h.extract::<f64>()?),
    };
    let all = !bin_seeding && compression.is_none();
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| clusters(parameters, all, x, seeds, sample_weight, threads, progress)?,
        |x: f64| clusters(parameters, all, x, seeds, sample_weight, threads, progress)?
    ))
}

/// The mode that each point flows to, where all of weight were seeds; those without are followed now.
fn basins<T: Float>(
    fit: &shift::MeanShiftFit<T>,
    rows: Rows<'_, T>,
    weights: Option<&[T]>,
    watch: &Watch<'_>,
) -> locality::Result<Vec<i64>> {
    if fit.flows().len() == rows.rows() {
        return Ok(fit.flows().to_vec());
    }
    let weights = weights.unwrap_or_default();
    let without = rows.iter().zip(weights).filter(|(_, w)| **w == T::ZERO);
    let table: Vec<T> = without.flat_map(|(row, _)| row.iter().copied()).collect();
    let count = rows.rows() - fit.flows().len();
    let rest = fit.flow(Rows::new(&table, count, rows.columns())?, &watch.quiet())?;
    let (mut seeds, mut rest) = (fit.flows().iter(), rest.iter());
    let each = weights.iter().map(|w| {
        if *w == T::ZERO {
            rest.next()
        } else {
            seeds.next()
        }
    });
    Ok(each.map(|mode| mode.copied().unwrap_or(-1)).collect())
}

fn clusters<'py, T: Element + Float>(
    parameters: MeanShift,
    all: bool,
    points: &Bound<'py, PyArray2<T>>,
    seeds: Option<&Bound<'py, PyAny>>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = points.py();
    // Whether every point of weight is a seed.
    let all = all && seeds.is_none();
    let parameters = match seeds {
        Some(seeds) => parameters.seeds(Matrix::<T>::from_any(seeds, "seeds")?.rows()?),
        None => parameters,
    };
    let data = Matrix::new(points)?;
    let rows: Rows<'_, T> = data.rows()?;
    let weights = weights_of::<T>(sample_weight)?;
    let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
    let (fit, basins) = watched(py, threads, progress, |watch| {
        let fit = match weights {
            Some(weights) => parameters.fit_weighted(rows, weights, watch),
            None => parameters.fit(rows, watch),
        }?;
        let basins = if all {
            Some(basins(&fit, rows, weights, watch)?)
        } else {
            None
        };
        Ok((fit, basins))
    })?;
    let dict = PyDict::new(py);
    dict.set_item("cluster_centers_", matrix(py, fit.cluster_centers())?)?;
    dict.set_item("labels_", fit.labels().to_vec().into_pyarray(py))?;
    dict.set_item("n_iter_", fit.n_iter())?;
    dict.set_item("bandwidth_", fit.bandwidth())?;
    dict.set_item("intensities_", fit.intensities().to_vec().into_pyarray(py))?;
    dict.set_item("modes_", matrix(py, fit.modes())?)?;
    dict.set_item(
        "mode_labels_",
        fit.mode_clusters().to_vec().into_pyarray(py),
    )?;
    match basins {
        Some(basins) => dict.set_item("basins_", basins.into_pyarray(py))?,
        None => dict.set_item("basins_", py.None())?,
    }
    match fit.lifetimes() {
        Some(lives) => dict.set_item("diagram_", diagram_of(py, lives)?)?,
        None => dict.set_item("diagram_", py.None())?,
    }
    Ok(dict)
}

fn matrix<'py, T: Element + Float>(
    py: Python<'py>,
    rows: Rows<'_, T>,
) -> PyResult<Bound<'py, PyAny>> {
    let shape = (rows.rows(), rows.columns());
    let made = Array2::from_shape_vec(shape, rows.to_vec());
    let made = made.map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok(made.into_pyarray(py).into_any())
}

/// Points of any number as one weighted site in each occupied cell of a grid.
#[pyclass(module = "locality._core")]
pub(crate) struct BinnedSites {
    inner: Bins,
}

enum Bins {
    F32(shift::BinnedSites<f32>),
    F64(shift::BinnedSites<f64>),
}

#[pymethods]
impl BinnedSites {
    /// None yet, of ``columns`` columns, in cells of this width; of single precision where ``single``.
    #[new]
    #[pyo3(signature = (columns, width, single=false, directions=false))]
    fn new(columns: usize, width: f64, single: bool, directions: bool) -> PyResult<Self> {
        let inner = if single {
            let bins = shift::BinnedSites::new(columns, width).map_err(to_python)?;
            Bins::F32(bins.directions(directions))
        } else {
            let bins = shift::BinnedSites::new(columns, width).map_err(to_python)?;
            Bins::F64(bins.directions(directions))
        };
        Ok(Self { inner })
    }

    /// Adds points ``[m, d]`` with weights ``[m]``, or without.
    #[pyo3(signature = (points, sample_weight=None))]
    fn add(
        &mut self,
        points: &Bound<'_, PyAny>,
        sample_weight: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        match &mut self.inner {
            Bins::F32(bins) => add(bins, points, sample_weight),
            Bins::F64(bins) => add(bins, points, sample_weight),
        }
    }

    /// Sites ``[b, d]`` and their weights ``[b]``.
    fn sites<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        match &self.inner {
            Bins::F32(bins) => sites(py, bins),
            Bins::F64(bins) => sites(py, bins),
        }
    }

    /// No point is farther than this from its site.
    fn displacement(&self) -> f64 {
        match &self.inner {
            Bins::F32(bins) => bins.displacement(),
            Bins::F64(bins) => bins.displacement(),
        }
    }

    /// What it holds, for a copy: cells, weights, means, least and largest numbers, number of points.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match &self.inner {
            Bins::F32(bins) => parts(py, bins.parts()),
            Bins::F64(bins) => parts(py, bins.parts()),
        }
    }

    /// Takes up the parts of another one of the same columns, width and kind.
    fn resume(
        &mut self,
        cells: PyReadonlyArray1<'_, f64>,
        weight: PyReadonlyArray1<'_, f64>,
        mean: PyReadonlyArray1<'_, f64>,
        low: PyReadonlyArray1<'_, f64>,
        high: PyReadonlyArray1<'_, f64>,
        samples: usize,
    ) -> PyResult<()> {
        let list = |x: PyReadonlyArray1<'_, f64>| x.as_array().to_vec();
        let (cells, weight, mean) = (list(cells), list(weight), list(mean));
        let (low, high) = (list(low), list(high));
        let single = |x: &[f64]| -> Vec<f32> { x.iter().map(|&x| x as f32).collect() };
        match &mut self.inner {
            Bins::F32(bins) => {
                let parts = shift::BinnedParts {
                    cells,
                    weight,
                    mean,
                    low: single(&low),
                    high: single(&high),
                    samples,
                };
                *bins = bins.clone().resume(parts).map_err(to_python)?;
            }
            Bins::F64(bins) => {
                let parts = shift::BinnedParts {
                    cells,
                    weight,
                    mean,
                    low,
                    high,
                    samples,
                };
                *bins = bins.clone().resume(parts).map_err(to_python)?;
            }
        }
        Ok(())
    }

    /// Number of points that were added.
    fn n_samples(&self) -> usize {
        match &self.inner {
            Bins::F32(bins) => bins.n_samples(),
            Bins::F64(bins) => bins.n_samples(),
        }
    }
}

fn add<T: Element + Float>(
    bins: &mut shift::BinnedSites<T>,
    points: &Bound<'_, PyAny>,
    sample_weight: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let data = Matrix::<T>::from_any(points, "X")?;
    let weights = weights_of::<T>(sample_weight)?;
    let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
    bins.add(data.rows()?, weights).map_err(to_python)
}

fn parts<T: Element + Float>(
    py: Python<'_>,
    parts: shift::BinnedParts<T>,
) -> PyResult<Bound<'_, PyTuple>> {
    let list = |x: Vec<f64>| x.into_pyarray(py).into_any();
    let wide = |x: Vec<T>| list(x.iter().map(|x| x.to_f64()).collect());
    let samples = parts.samples.into_pyobject(py)?.into_any();
    PyTuple::new(
        py,
        [
            list(parts.cells),
            list(parts.weight),
            list(parts.mean),
            wide(parts.low),
            wide(parts.high),
            samples,
        ],
    )
}

fn sites<'py, T: Element + Float>(
    py: Python<'py>,
    bins: &shift::BinnedSites<T>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let sites = bins.sites();
    let rows = Rows::new(&sites, bins.len(), bins.columns()).map_err(to_python)?;
    Ok((
        matrix(py, rows)?,
        bins.weights().into_pyarray(py).into_any(),
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
        matrix(
            points.py(),
            Rows::new(&found, found.len() / columns, columns).map_err(to_python)?,
        )
    }
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| seeds(x, bin_size, min_bin_freq)?,
        |x: f64| seeds(x, bin_size, min_bin_freq)?
    ))
}

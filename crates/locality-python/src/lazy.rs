//! Lazy learning: samples with targets, and centres of classes.

// Arguments are taken as PyO3 hands them over.
#![allow(clippy::needless_pass_by_value)]

use locality::lazy::{self, Asking, Priors, Reach, Weights};
use locality::{Float, Kernel, LinearMap, Metric, Rows, Watch};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::nearest::positions;
use crate::watch::watched;

/// Samples with targets, searched, added and forgotten. Samples are float32 or float64, targets float64.
#[pyclass(module = "locality._core")]
pub(crate) struct NeighborMemory {
    inner: Fit,
}

enum Fit {
    F32(lazy::Memory<f32>),
    F64(lazy::Memory<f64>),
}

/// Runs the same code on the memory of either number type.
macro_rules! with {
    ($memory:expr, $m:ident => $run:expr) => {
        match $memory {
            Fit::F32($m) => $run,
            Fit::F64($m) => $run,
        }
    };
}

/// Starts `[m + 1]`, ids and distances.
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);
/// Numbers `[m, w]`, and the queries without neighbours.
type Read<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);
/// Samples, targets, ids, the next id.
type State<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    usize,
);

#[pymethods]
impl NeighborMemory {
    #[new]
    #[pyo3(signature = (samples, targets, metric="euclidean", map=None, ids=None, next_id=0, threads=0))]
    fn new(
        samples: &Bound<'_, PyAny>,
        targets: PyReadonlyArray2<'_, f64>,
        metric: &str,
        map: Option<Vec<Vec<f64>>>,
        ids: Option<Vec<usize>>,
        next_id: usize,
        threads: usize,
    ) -> PyResult<Self> {
        let map = map.map(LinearMap::new).transpose().map_err(to_python)?;
        let metric = Metric::from_name(metric, map).map_err(to_python)?;
        let known = ids.as_deref().map(|ids| (ids, next_id));
        let inner = two_kinds!(
            samples,
            "samples",
            |x: f32| Fit::F32(fit(x, &targets, &metric, known, threads)?),
            |x: f64| Fit::F64(fit(x, &targets, &metric, known, threads)?)
        );
        Ok(Self { inner })
    }

    /// Adds samples ``[m, d]`` with targets ``[m, p]``; returns the first of their ids.
    fn insert(
        &mut self,
        samples: &Bound<'_, PyAny>,
        targets: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<usize> {
        with!(&mut self.inner, m => insert(m, samples, &targets))
    }

    /// Forgets samples, by id.
    fn forget(&mut self, ids: Vec<usize>) -> PyResult<()> {
        with!(&mut self.inner, m => m.forget(&ids)).map_err(to_python)
    }

    /// Number of known samples.
    fn __len__(&self) -> usize {
        with!(&self.inner, m => m.index().len())
    }

    /// Samples ``[n, d]``, targets ``[n, p]``, ids ``[n]`` and the next id.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<State<'py>> {
        with!(&self.inner, m => state(m, py))
    }

    /// Starts, ids and distances of the ``k`` nearest or, where that is none, of all within ``radius``; without queries, of each sample among
    /// the others.
    #[pyo3(signature = (queries, k, radius, threads=0))]
    fn neighbors<'py>(
        &self,
        py: Python<'py>,
        queries: Option<&Bound<'py, PyAny>>,
        k: Option<usize>,
        radius: f64,
        threads: usize,
    ) -> PyResult<Found<'py>> {
        let reach = k.map_or(Reach::Within(radius), Reach::Nearest);
        with!(&self.inner, m => neighbors(m, py, queries, reach, threads))
    }

    /// Weighted means ``[m, p]`` of the neighbours' targets (NaN without neighbours), and the queries without neighbours.
    #[pyo3(signature = (queries, k, radius, weights, threads=0))]
    fn means<'py>(
        &self,
        py: Python<'py>,
        queries: Option<&Bound<'py, PyAny>>,
        k: Option<usize>,
        radius: f64,
        weights: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Read<'py>> {
        let reach = k.map_or(Reach::Within(radius), Reach::Nearest);
        let weights = rule(weights)?;
        with!(&self.inner, m => means(m, py, queries, reach, &weights, threads))
    }

    /// Shares ``[m, sum(classes)]`` of the classes (zeros without neighbours), and the queries without neighbours.
    #[pyo3(signature = (queries, k, radius, weights, classes, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn shares<'py>(
        &self,
        py: Python<'py>,
        queries: Option<&Bound<'py, PyAny>>,
        k: Option<usize>,
        radius: f64,
        weights: &Bound<'py, PyAny>,
        classes: Vec<usize>,
        threads: usize,
    ) -> PyResult<Read<'py>> {
        let reach = k.map_or(Reach::Within(radius), Reach::Nearest);
        let weights = rule(weights)?;
        with!(&self.inner, m => shares(m, py, queries, reach, &weights, &classes, threads))
    }

    /// As `means`, of neighbours by id with weights of one's own.
    fn means_of<'py>(
        &self,
        py: Python<'py>,
        starts: Vec<usize>,
        ids: Vec<usize>,
        weights: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Read<'py>> {
        let weights = weights.as_slice()?;
        let means = with!(&self.inner, m => m.means_of(&starts, &ids, weights));
        let means = means.map_err(to_python)?;
        table(py, means.values, means.empty, starts.len() - 1)
    }

    /// As `shares`, of neighbours by id with weights of one's own.
    fn shares_of<'py>(
        &self,
        py: Python<'py>,
        starts: Vec<usize>,
        ids: Vec<usize>,
        weights: PyReadonlyArray1<'py, f64>,
        classes: Vec<usize>,
    ) -> PyResult<Read<'py>> {
        let weights = weights.as_slice()?;
        let shares = with!(&self.inner, m => m.shares_of(&starts, &ids, weights, &classes));
        let shares = shares.map_err(to_python)?;
        table(py, shares.values, shares.empty, starts.len() - 1)
    }
}

/// ``"uniform"``, ``"distance"`` or a kernel of one profile, whose bandwidth is its ``h`` or the next neighbour's distance.
fn rule(weights: &Bound<'_, PyAny>) -> PyResult<Weights> {
    let text = match weights.cast::<PyString>() {
        Ok(text) => text.to_string(),
        Err(_) => weights.str()?.to_string(),
    };
    match text.as_str() {
        "uniform" => Ok(Weights::Uniform),
        "distance" => Ok(Weights::Distance),
        _ => {
            let kernel: Kernel = text
                .parse()
                .map_err(|e: locality::Error| to_python(e.context("weights")))?;
            Weights::from_kernel(&kernel).map_err(to_python)
        }
    }
}

fn fit<T: Element + Float>(
    samples: &Bound<'_, PyArray2<T>>,
    targets: &PyReadonlyArray2<'_, f64>,
    metric: &Metric,
    known: Option<(&[usize], usize)>,
    threads: usize,
) -> PyResult<lazy::Memory<T>> {
    let data = Matrix::new(samples)?;
    let rows = data.rows()?;
    let targets = target_rows(targets)?;
    watched(samples.py(), threads, None, |_| match known {
        Some((ids, next)) => lazy::Memory::restore(rows, targets, ids, next, metric),
        None => lazy::Memory::fit(rows, targets, metric),
    })
}

fn target_rows<'a>(targets: &'a PyReadonlyArray2<'_, f64>) -> PyResult<Rows<'a, f64>> {
    let shape = targets.as_array().dim();
    Rows::new(targets.as_slice()?, shape.0, shape.1).map_err(to_python)
}

fn insert<T: Element + Float>(
    memory: &mut lazy::Memory<T>,
    samples: &Bound<'_, PyAny>,
    targets: &PyReadonlyArray2<'_, f64>,
) -> PyResult<usize> {
    let data = Matrix::<T>::from_any(samples, "samples")?;
    let ids = memory.insert(data.rows()?, target_rows(targets)?);
    Ok(ids.map_err(to_python)?.start)
}

fn state<'py, T: Element + Float>(
    memory: &lazy::Memory<T>,
    py: Python<'py>,
) -> PyResult<State<'py>> {
    let index = memory.index();
    let shaped = |e: numpy::ndarray::ShapeError| PyTypeError::new_err(e.to_string());
    let samples = Array2::from_shape_vec((index.len(), index.columns()), index.samples());
    let targets = Array2::from_shape_vec((index.len(), memory.width()), memory.targets());
    Ok((
        samples.map_err(shaped)?.into_pyarray(py).into_any(),
        targets.map_err(shaped)?.into_pyarray(py).into_any(),
        positions(memory.ids()).into_pyarray(py).into_any(),
        index.next_id(),
    ))
}

/// Runs `work` for queries, or for the samples themselves.
fn asked<T: Element + Float, R: Send>(
    py: Python<'_>,
    queries: Option<&Bound<'_, PyAny>>,
    threads: usize,
    work: impl FnOnce(Asking<'_, T>, &Watch<'_>) -> locality::Result<R> + Send,
) -> PyResult<R> {
    let Some(queries) = queries else {
        return watched(py, threads, None, |watch| work(Asking::Samples, watch));
    };
    let data = Matrix::<T>::from_any(queries, "X")?;
    let rows: Rows<'_, T> = data.rows()?;
    watched(py, threads, None, |watch| {
        work(Asking::Queries(rows), watch)
    })
}

fn neighbors<'py, T: Element + Float>(
    memory: &lazy::Memory<T>,
    py: Python<'py>,
    queries: Option<&Bound<'py, PyAny>>,
    reach: Reach,
    threads: usize,
) -> PyResult<Found<'py>> {
    let found = asked(py, queries, threads, |asking, watch| {
        memory.neighbors(asking, reach, watch)
    })?;
    Ok((
        positions(found.starts).into_pyarray(py).into_any(),
        positions(found.indices).into_pyarray(py).into_any(),
        found.distances.into_pyarray(py).into_any(),
    ))
}

fn means<'py, T: Element + Float>(
    memory: &lazy::Memory<T>,
    py: Python<'py>,
    queries: Option<&Bound<'py, PyAny>>,
    reach: Reach,
    weights: &Weights,
    threads: usize,
) -> PyResult<Read<'py>> {
    let means = asked(py, queries, threads, |asking, watch| {
        memory.means(asking, reach, weights, watch)
    })?;
    let width = memory.width().max(1);
    let rows = means.values.len() / width;
    table(py, means.values, means.empty, rows)
}

fn shares<'py, T: Element + Float>(
    memory: &lazy::Memory<T>,
    py: Python<'py>,
    queries: Option<&Bound<'py, PyAny>>,
    reach: Reach,
    weights: &Weights,
    classes: &[usize],
    threads: usize,
) -> PyResult<Read<'py>> {
    let shares = asked(py, queries, threads, |asking, watch| {
        memory.shares(asking, reach, weights, classes, watch)
    })?;
    let width = classes.iter().sum::<usize>().max(1);
    let rows = shares.values.len() / width;
    table(py, shares.values, shares.empty, rows)
}

fn table(py: Python<'_>, values: Vec<f64>, empty: Vec<usize>, rows: usize) -> PyResult<Read<'_>> {
    let columns = values.len() / rows.max(1);
    let values = Array2::from_shape_vec((rows, columns), values)
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok((
        values.into_pyarray(py).into_any(),
        positions(empty).into_pyarray(py).into_any(),
    ))
}

/// Centres of classes.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct Centroids {
    inner: lazy::NearestCentroidFit,
}

#[pymethods]
impl Centroids {
    #[new]
    #[pyo3(signature = (samples, labels, metric="euclidean", shrink_threshold=None, priors=None, sample_weight=None))]
    fn new(
        samples: &Bound<'_, PyAny>,
        labels: Vec<i64>,
        metric: &str,
        shrink_threshold: Option<f64>,
        priors: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<Vec<f64>>,
    ) -> PyResult<Self> {
        let metric = Metric::from_name(metric, None).map_err(to_python)?;
        let priors = match priors {
            None => Priors::Uniform,
            Some(p) => match p.extract::<String>().as_deref() {
                Ok("uniform") => Priors::Uniform,
                Ok("empirical") => Priors::Empirical,
                Ok(other) => {
                    return Err(PyValueError::new_err(format!(
                        "priors={other:?} is not known; choose 'uniform' or 'empirical', or give one number for each class"
                    )));
                }
                Err(_) => Priors::Given(p.extract()?),
            },
        };
        let model = lazy::NearestCentroid::new()
            .metric(metric)
            .shrink_threshold(shrink_threshold)
            .priors(priors);
        let weights = sample_weight.as_deref();
        let fit = two_kinds!(
            samples,
            "X",
            |x: f32| model.fit_weighted(Matrix::new(x)?.rows()?, &labels, weights),
            |x: f64| model.fit_weighted(Matrix::new(x)?.rows()?, &labels, weights)
        );
        Ok(Self {
            inner: fit.map_err(to_python)?,
        })
    }

    /// What `parts` told, as a fit again; labels are 0 to k - 1.
    #[staticmethod]
    fn restore(
        metric: &str,
        centroids: Vec<Vec<f64>>,
        deviations: Vec<Vec<f64>>,
        spreads: Vec<f64>,
        priors: Vec<f64>,
    ) -> PyResult<Self> {
        let metric = Metric::from_name(metric, None).map_err(to_python)?;
        let classes = (0..centroids.len() as i64).collect();
        let (centroids, deviations) = (centroids.concat(), deviations.concat());
        lazy::NearestCentroidFit::restore(&metric, classes, centroids, deviations, spreads, priors)
            .map(|inner| Self { inner })
            .map_err(to_python)
    }

    /// Centres ``[k, d]``, deviations ``[k, d]``, spreads ``[d]`` and priors ``[k]``.
    #[allow(clippy::type_complexity)]
    fn parts(&self) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<f64>, Vec<f64>) {
        let fit = &self.inner;
        let d = fit.within_class_std_dev().len();
        let rows = |x: &[f64]| x.chunks(d).map(<[f64]>::to_vec).collect();
        (
            rows(fit.centroids()),
            rows(fit.deviations()),
            fit.within_class_std_dev().to_vec(),
            fit.priors().to_vec(),
        )
    }

    /// The label of each row.
    fn predict(&self, queries: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
        let labels = two_kinds!(
            queries,
            "X",
            |x: f32| self.inner.predict(Matrix::new(x)?.rows()?),
            |x: f64| self.inner.predict(Matrix::new(x)?.rows()?)
        );
        labels.map_err(to_python)
    }

    /// Discriminant scores ``[m, k]``, row after row.
    fn scores(&self, queries: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
        let scores = two_kinds!(
            queries,
            "X",
            |x: f32| self.inner.scores(Matrix::new(x)?.rows()?),
            |x: f64| self.inner.scores(Matrix::new(x)?.rows()?)
        );
        scores.map_err(to_python)
    }
}

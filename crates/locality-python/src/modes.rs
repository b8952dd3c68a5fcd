//! Quick shift, medoid shift and persistence.

use locality::shift::{
    Lifetime, MedoidShift, Merging, ModeTree, QuickShift, SampleClusters, Tomato,
};
use locality::{Float, Kernel, Metric, Watch};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::kernel::kernel_of;
use crate::nearest::positions;
use crate::watch::watched;

/// What all of them are told.
struct Asked {
    method: String,
    kernel: Kernel,
    bandwidth: Option<f64>,
    max_dist: Option<f64>,
    metric: Metric,
    merging: Merging,
    n_neighbors: usize,
}

/// What all of them find.
struct Answer<T> {
    clusters: SampleClusters<T>,
    tree: ModeTree,
    density: Vec<f64>,
    bandwidth: f64,
    parents: Vec<usize>,
    lengths: Vec<f64>,
    n_iter: usize,
}

impl<T> Answer<T> {
    fn new(clusters: SampleClusters<T>, tree: ModeTree, density: Vec<f64>, bandwidth: f64) -> Self {
        Self {
            clusters,
            tree,
            density,
            bandwidth,
            parents: Vec::new(),
            lengths: Vec::new(),
            n_iter: 0,
        }
    }
}

/// Clusters points ``[n, d]`` by ``quick-shift``, ``medoid-shift`` or ``tomato``: a dictionary.
#[pyfunction]
#[pyo3(signature = (points, method, *, kernel, bandwidth=None, max_dist=None, metric="euclidean", merging=None, n_clusters=None, n_neighbors=10, sample_weight=None, threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn cluster_modes<'py>(
    points: &Bound<'py, PyAny>,
    method: String,
    kernel: &Bound<'py, PyAny>,
    bandwidth: Option<f64>,
    max_dist: Option<f64>,
    metric: &str,
    merging: Option<&Bound<'py, PyAny>>,
    n_clusters: Option<usize>,
    n_neighbors: usize,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let asked = Asked {
        method,
        kernel: kernel_of(kernel)?,
        bandwidth,
        max_dist,
        metric: Metric::from_name(metric, None).map_err(to_python)?,
        merging: merging_of(merging, n_clusters)?,
        n_neighbors,
    };
    Ok(two_kinds!(
        points,
        "X",
        |x: f32| clusters(&asked, x, sample_weight, threads)?,
        |x: f64| clusters(&asked, x, sample_weight, threads)?
    ))
}

/// A persistence, ``"auto"`` or a number of clusters.
pub(crate) fn merging_of(
    merging: Option<&Bound<'_, PyAny>>,
    n_clusters: Option<usize>,
) -> PyResult<Merging> {
    if let Some(k) = n_clusters {
        return Ok(Merging::Clusters(k));
    }
    let Some(merging) = merging else {
        return Ok(Merging::Never);
    };
    if let Ok(text) = merging.extract::<String>() {
        return match text.as_str() {
            "auto" => Ok(Merging::Auto),
            other => Err(PyTypeError::new_err(format!(
                "min_persistence='{other}' is neither a number nor 'auto'"
            ))),
        };
    }
    Ok(Merging::Below(merging.extract()?))
}

/// Sample weights of the points' number type.
pub(crate) fn weights_of<'py, T: Element + Float>(
    sample_weight: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<PyReadonlyArray1<'py, T>>> {
    match sample_weight {
        Some(weights) => Ok(Some(weights.extract()?)),
        None => Ok(None),
    }
}

/// Birth and death of each mode, ``[modes, 2]``.
fn diagram<'py>(py: Python<'py>, tree: &ModeTree) -> PyResult<Bound<'py, PyArray2<f64>>> {
    diagram_of(py, tree.diagram())
}

/// Births and deaths.
pub(crate) fn diagram_of<'py>(
    py: Python<'py>,
    lives: &[Lifetime],
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let count = lives.len();
    let lives = lives.iter().flat_map(|l| [l.birth, l.death]);
    let lives = Array2::from_shape_vec((count, 2), lives.collect());
    let lives = lives.map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok(lives.into_pyarray(py))
}

fn clusters<'py, T: Element + Float>(
    asked: &Asked,
    points: &Bound<'py, PyArray2<T>>,
    sample_weight: Option<&Bound<'py, PyAny>>,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let py = points.py();
    let data = Matrix::new(points)?;
    let rows = data.rows()?;
    let weights = weights_of::<T>(sample_weight)?;
    let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
    let found = watched(py, threads, None, |watch| find(asked, rows, weights, watch))?;
    let dict = PyDict::new(py);
    let centers = found.clusters.cluster_centers();
    let shape = (centers.rows(), centers.columns());
    let centers = Array2::from_shape_vec(shape, centers.to_vec());
    let centers = centers.map_err(|e| PyTypeError::new_err(e.to_string()))?;
    let index = |list: &[usize]| positions(list.to_vec()).into_pyarray(py);
    dict.set_item("cluster_centers_", centers.into_pyarray(py))?;
    dict.set_item("labels_", found.clusters.labels().to_vec().into_pyarray(py))?;
    dict.set_item(
        "cluster_centers_indices_",
        index(found.clusters.center_indices()),
    )?;
    dict.set_item("bandwidth_", found.bandwidth)?;
    dict.set_item("log_density_", found.density.into_pyarray(py))?;
    dict.set_item("diagram_", diagram(py, &found.tree)?)?;
    dict.set_item("mode_indices_", index(found.tree.modes()))?;
    let basins: Vec<i64> = found.tree.basins().iter().map(|&b| i64::from(b)).collect();
    dict.set_item("basins_", basins.into_pyarray(py))?;
    if asked.method != "tomato" {
        dict.set_item("parents_", index(&found.parents))?;
    }
    match asked.method.as_str() {
        "quick-shift" => dict.set_item("distances_", found.lengths.into_pyarray(py))?,
        "medoid-shift" => dict.set_item("n_iter_", found.n_iter)?,
        _ => {}
    }
    let least = found.tree.threshold(asked.merging).map_err(to_python)?;
    dict.set_item("min_persistence_", least)?;
    Ok(dict)
}

fn find<T: Float>(
    asked: &Asked,
    rows: locality::Rows<'_, T>,
    weights: Option<&[T]>,
    watch: &Watch<'_>,
) -> locality::Result<Answer<T>> {
    // The three have these methods in common, but no type.
    macro_rules! fitted {
        ($model:expr) => {
            match weights {
                Some(w) => $model.fit_weighted(rows, w, watch)?,
                None => $model.fit(rows, watch)?,
            }
        };
    }
    macro_rules! answer {
        ($fit:expr, $($more:ident: $value:expr),*) => {
            Answer {
                $($more: $value,)*
                ..Answer::new(
                    $fit.clusters().clone(),
                    $fit.tree().clone(),
                    $fit.log_density().to_vec(),
                    $fit.bandwidth(),
                )
            }
        };
    }
    match asked.method.as_str() {
        "quick-shift" => {
            let shift = QuickShift::new()
                .kernel(asked.kernel.clone())
                .bandwidth(asked.bandwidth)
                .max_dist(asked.max_dist)
                .metric(asked.metric.clone())
                .merging(asked.merging)
                .n_neighbors(asked.n_neighbors);
            let fit = fitted!(shift);
            Ok(answer!(fit, parents: fit.parents().to_vec(), lengths: fit.link_lengths().to_vec()))
        }
        "medoid-shift" => {
            let shift = MedoidShift::new()
                .kernel(asked.kernel.clone())
                .bandwidth(asked.bandwidth)
                .metric(asked.metric.clone())
                .merging(asked.merging)
                .n_neighbors(asked.n_neighbors);
            let fit = fitted!(shift);
            Ok(answer!(fit, parents: fit.parents().to_vec(), n_iter: fit.n_iter()))
        }
        _ => {
            let tomato = Tomato::new()
                .kernel(asked.kernel.clone())
                .bandwidth(asked.bandwidth)
                .metric(asked.metric.clone())
                .merging(asked.merging)
                .n_neighbors(asked.n_neighbors);
            let fit = fitted!(tomato);
            Ok(answer!(fit,))
        }
    }
}

//! Metrics and mixtures of kernels that are learned.

use locality::Rows;
use locality_learn::{Goal, Guidance, MetricLearner, MixtureLearner};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::dense::two;
use crate::kernel::{Kernel, kernel_of};
use crate::watch::watched;

type One<'py> = Bound<'py, PyArray1<f64>>;

/// A map `[r, d]`, losses of the samples and of held-out ones at the start and after each round, the round that the map is of, and
/// whether the search came to rest.
type Learned<'py> = (Bound<'py, PyArray2<f64>>, One<'py>, One<'py>, usize, bool);

/// What is to be told of samples: classes by number, or else responses.
pub(crate) fn goal<'a>(
    responses: Option<&'a Matrix<'_, f64>>,
    classes: Option<&'a [usize]>,
    n_classes: usize,
) -> PyResult<Goal<'a>> {
    match (responses, classes) {
        (Some(responses), None) => Ok(Goal::Responses(responses.rows()?)),
        (None, Some(classes)) => Ok(Goal::Classes(classes, n_classes)),
        _ => Err(PyTypeError::new_err("give either responses or classes")),
    }
}

/// A metric learned from samples ``[n, d]`` and responses ``[n, p]``, or classes ``[n]`` numbered from 0: its map ``[r, d]``, the losses at the
/// start and after each round, those of held-out samples, the round that the map is of, and whether the search came to rest.
#[pyfunction]
#[pyo3(signature = (samples, responses=None, classes=None, n_classes=0, *, rank=None, per_feature=false, max_iter=200, tolerance=1e-6, start=None, sample_weight=None, held_out=None, held_responses=None, held_classes=None, held_weight=None, patience=10, threads=0, progress=None))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub(crate) fn learn_metric<'py>(
    samples: &Bound<'py, PyAny>,
    responses: Option<&Bound<'py, PyAny>>,
    classes: Option<Vec<usize>>,
    n_classes: usize,
    rank: Option<usize>,
    per_feature: bool,
    max_iter: usize,
    tolerance: f64,
    start: Option<&Bound<'py, PyAny>>,
    sample_weight: Option<Vec<f64>>,
    held_out: Option<&Bound<'py, PyAny>>,
    held_responses: Option<&Bound<'py, PyAny>>,
    held_classes: Option<Vec<usize>>,
    held_weight: Option<Vec<f64>>,
    patience: usize,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Learned<'py>> {
    let py = samples.py();
    let matrix = |x: Option<&Bound<'py, PyAny>>, name: &str| {
        x.map(|x| Matrix::<f64>::from_any(x, name)).transpose()
    };
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let (responses, start) = (matrix(responses, "y")?, matrix(start, "start")?);
    let (held, held_responses) = (matrix(held_out, "held_out")?, matrix(held_responses, "y")?);
    let mut learner = MetricLearner::new()
        .per_feature(per_feature)
        .max_iter(max_iter)
        .tolerance(tolerance);
    if let Some(rank) = rank {
        learner = learner.rank(rank);
    }
    let rows: Rows<'_, f64> = samples.rows()?;
    let told = goal(responses.as_ref(), classes.as_deref(), n_classes)?;
    let map: Option<Vec<Vec<f64>>> = match &start {
        Some(map) => Some(map.rows()?.iter().map(<[f64]>::to_vec).collect()),
        None => None,
    };
    let mut guidance = Guidance::new().patience(patience);
    if let Some(map) = &map {
        guidance = guidance.start(map);
    }
    if let Some(weights) = &sample_weight {
        guidance = guidance.weights(weights);
    }
    if let Some(weights) = &held_weight {
        guidance = guidance.held_weights(weights);
    }
    if let Some(held) = &held {
        let told = goal(held_responses.as_ref(), held_classes.as_deref(), n_classes)?;
        guidance = guidance.held_out(held.rows()?, told);
    }
    let found = watched(py, threads, progress, |watch| {
        learner.fit_guided(rows, told, &guidance, watch)
    })?;
    let shape = (found.map().len(), rows.columns());
    Ok((
        two(py, found.map().concat(), shape)?,
        found.losses().to_vec().into_pyarray(py),
        found.held_out_losses().to_vec().into_pyarray(py),
        found.round(),
        found.converged(),
    ))
}

/// The kernel, coefficients and shares of the kernels that were given, the losses at the start and after each round, those of each kernel alone, and
/// whether the search came to rest.
type Mixed<'py> = (Kernel, One<'py>, One<'py>, One<'py>, One<'py>, bool);

/// Weights of a sum of kernels learned from samples ``[n, d]`` and responses ``[n, p]``, or classes ``[n]`` numbered from 0.
#[pyfunction]
#[pyo3(signature = (samples, kernels, responses=None, classes=None, n_classes=0, *, sample_weight=None, max_iter=200, tolerance=1e-7, threads=0, progress=None))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub(crate) fn learn_mixture<'py>(
    samples: &Bound<'py, PyAny>,
    kernels: Vec<Bound<'py, PyAny>>,
    responses: Option<&Bound<'py, PyAny>>,
    classes: Option<Vec<usize>>,
    n_classes: usize,
    sample_weight: Option<Vec<f64>>,
    max_iter: usize,
    tolerance: f64,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Mixed<'py>> {
    let py = samples.py();
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let responses = responses
        .map(|y| Matrix::<f64>::from_any(y, "y"))
        .transpose()?;
    let kernels = kernels
        .iter()
        .map(kernel_of)
        .collect::<PyResult<Vec<_>>>()?;
    let learner = MixtureLearner::new(kernels)
        .max_iter(max_iter)
        .tolerance(tolerance);
    let rows: Rows<'_, f64> = samples.rows()?;
    let told = goal(responses.as_ref(), classes.as_deref(), n_classes)?;
    let found = watched(py, threads, progress, |watch| {
        learner.fit_weighted(rows, told, sample_weight.as_deref(), watch)
    })?;
    let array = |x: &[f64]| x.to_vec().into_pyarray(py);
    Ok((
        Kernel {
            inner: found.kernel().clone(),
        },
        array(found.weights()),
        array(found.shares()),
        array(found.losses()),
        array(found.alone()),
        found.converged(),
    ))
}

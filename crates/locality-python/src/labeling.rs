//! Labels by agreement: graphs, relaxation labeling, local modes, label propagation.

// Arguments are taken as PyO3 hands them over.
#![allow(clippy::needless_pass_by_value)]

use locality::labeling::{
    self, Affinity, Graph, LabelPropagation, LabelPropagationFit, Labeling, LocalModes,
    RelaxationLabeling, Scene, Step,
};
use locality::{Bandwidth, Error, Float, Profile, Rows, Watch};
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::hopfield::table;
use crate::kernel::kernel_of;
use crate::nearest::positions;
use crate::watch::watched;

/// Who hears of whom, and how much.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LabelGraph {
    inner: Graph,
}

/// The profile and the bandwidth of a kernel that is one atom.
fn profile_of(kernel: Option<&Bound<'_, PyAny>>) -> PyResult<Option<(Profile, f64)>> {
    let Some(kernel) = kernel else {
        return Ok(None);
    };
    let kernel = kernel_of(kernel)?;
    let found = match &kernel {
        locality::Kernel::Atom(atom) => match atom.bandwidth_rule() {
            Bandwidth::Default => Some((*atom.profile(), 1.0)),
            Bandwidth::Fixed(h) => Some((*atom.profile(), *h)),
            _ => None,
        },
        _ => None,
    };
    let refused = || {
        to_python(Error::parameter(format!(
            "a graph takes one profile with one bandwidth, not {kernel}; choose such as gaussian(h=0.5)"
        )))
    };
    found.map_or_else(|| Err(refused()), |f| Ok(Some(f)))
}

#[pymethods]
impl LabelGraph {
    /// The places of a grid and their 4 or 8 (6 or 26) neighbours.
    #[staticmethod]
    fn grid(shape: Vec<usize>, diagonal: bool) -> PyResult<Self> {
        let inner = Graph::grid(&shape, diagonal).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// The places of a grid, each hearing of the one a step away.
    #[staticmethod]
    fn stepped(shape: Vec<usize>, step: Vec<isize>) -> PyResult<Self> {
        let inner = Graph::stepped(&shape, &step).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// From edges: ``rows[e]`` hears of ``columns[e]`` with the weight ``weights[e]``.
    #[staticmethod]
    fn edges(n: usize, rows: Vec<usize>, columns: Vec<usize>, weights: Vec<f64>) -> PyResult<Self> {
        let pairs = rows.into_iter().zip(columns).zip(weights);
        let edges: Vec<_> = pairs.map(|((i, j), w)| (i, j, w)).collect();
        let inner = Graph::edges(n, &edges).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// The nearest other samples of each ``[n, d]``.
    #[staticmethod]
    #[pyo3(signature = (samples, k, kernel=None, threads=0))]
    fn nearest(
        samples: &Bound<'_, PyAny>,
        k: usize,
        kernel: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let profile = profile_of(kernel)?;
        let profile = profile.as_ref().map(|(p, h)| (p, *h));
        let inner = of_samples(samples, threads, |rows, watch| match rows {
            Either::F32(x) => Graph::nearest(x, k, profile, watch),
            Either::F64(x) => Graph::nearest(x, k, profile, watch),
        })?;
        Ok(Self { inner })
    }

    /// All other samples within a radius of each ``[n, d]``.
    #[staticmethod]
    #[pyo3(signature = (samples, radius, kernel=None, threads=0))]
    fn within(
        samples: &Bound<'_, PyAny>,
        radius: f64,
        kernel: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let profile = profile_of(kernel)?;
        let profile = profile.as_ref().map(|(p, h)| (p, *h));
        let inner = of_samples(samples, threads, |rows, watch| match rows {
            Either::F32(x) => Graph::within(x, radius, profile, watch),
            Either::F64(x) => Graph::within(x, radius, profile, watch),
        })?;
        Ok(Self { inner })
    }

    /// The mean of the graph and its transpose.
    fn symmetric(&self) -> Self {
        Self {
            inner: self.inner.symmetric(),
        }
    }

    /// The same edges the other way.
    fn transposed(&self) -> Self {
        Self {
            inner: self.inner.transposed(),
        }
    }

    /// Which objects hear of the known ones ``[n]``, be it by way of others.
    fn reached(&self, known: Vec<bool>) -> PyResult<Vec<bool>> {
        self.inner.reached(&known).map_err(to_python)
    }

    /// Where the neighbours of each object start, the neighbours, and their weights.
    #[allow(clippy::type_complexity)]
    fn state<'py>(
        &self,
        py: Python<'py>,
    ) -> (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>) {
        let (mut starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
        for i in 0..self.inner.len() {
            let row = self.inner.row(i);
            columns.extend(row.0.iter().map(|&j| j as usize));
            weights.extend_from_slice(row.1);
            starts.push(columns.len());
        }
        (
            positions(starts).into_pyarray(py).into_any(),
            positions(columns).into_pyarray(py).into_any(),
            weights.into_pyarray(py).into_any(),
        )
    }

    /// Number of objects.
    fn __len__(&self) -> usize {
        self.inner.len()
    }
}

/// Rows of either number type.
#[derive(Clone, Copy)]
enum Either<'a> {
    F32(Rows<'a, f32>),
    F64(Rows<'a, f64>),
}

fn of_samples<R: Send>(
    samples: &Bound<'_, PyAny>,
    threads: usize,
    work: impl Fn(Either<'_>, &Watch<'_>) -> locality::Result<R> + Send + Sync,
) -> PyResult<R> {
    let py = samples.py();
    Ok(two_kinds!(
        samples,
        "samples",
        |x: f32| {
            let data = Matrix::new(x)?;
            let rows = data.rows()?;
            watched(py, threads, None, |w| work(Either::F32(rows), w))?
        },
        |x: f64| {
            let data = Matrix::new(x)?;
            let rows = data.rows()?;
            watched(py, threads, None, |w| work(Either::F64(rows), w))?
        }
    ))
}

/// How labels are relaxed.
fn relaxation(product: bool, length: Option<f64>, max_iter: usize, tol: f64) -> RelaxationLabeling {
    let step = if product {
        Step::Product
    } else {
        Step::Gradient(length)
    };
    RelaxationLabeling::new(step).max_iter(max_iter).tol(tol)
}

/// Distributions ``[n, k]``, consistencies and whether settled.
type Relaxed<'py> = (Bound<'py, PyAny>, Vec<f64>, bool);

fn relaxed(py: Python<'_>, found: Labeling) -> PyResult<Relaxed<'_>> {
    let k = found.classes;
    let n = found.distributions.len() / k;
    let out = table(py, found.distributions, n, k)?;
    Ok((out, found.consistency, found.settled))
}

/// Distributions ``[n, k]``, consistencies and whether settled, by relaxation labeling from distributions ``[n, k]`` over graphs, each under its
/// compatibilities ``[k, k]``.
#[pyfunction]
#[pyo3(signature = (graphs, compatibilities, distributions, start, seeds, product, length, max_iter, tol, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn relaxation_labeling<'py>(
    graphs: Vec<PyRef<'py, LabelGraph>>,
    compatibilities: Vec<Bound<'py, PyAny>>,
    distributions: &Bound<'py, PyAny>,
    start: Option<&Bound<'py, PyAny>>,
    seeds: Option<Vec<f64>>,
    product: bool,
    length: Option<f64>,
    max_iter: usize,
    tol: f64,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Relaxed<'py>> {
    let py = distributions.py();
    let relaxation = relaxation(product, length, max_iter, tol);
    let whole = |x: &Bound<'py, PyAny>, name| -> PyResult<Vec<f64>> {
        let matrix = Matrix::<f64>::from_any(x, name)?;
        Ok(matrix.rows()?.to_vec())
    };
    let each = compatibilities.iter();
    let r: Vec<Vec<f64>> = each
        .map(|r| whole(r, "compatibility"))
        .collect::<PyResult<_>>()?;
    let first = whole(distributions, "distributions")?;
    let start = start.map(|s| whole(s, "start")).transpose()?;
    let graphs: Vec<&Graph> = graphs.iter().map(|g| &g.inner).collect();
    let kinds = graphs.iter().zip(&r);
    let mut scene = kinds.fold(Scene::new(&first), |scene, (g, r)| scene.edges(g, r));
    if let Some(start) = &start {
        scene = scene.start(start);
    }
    if let Some(seeds) = &seeds {
        scene = scene.seeds(seeds);
    }
    let found = watched(py, threads, progress, |watch| {
        relaxation.relax(&scene, watch)
    })?;
    relaxed(py, found)
}

/// The same from labels ``[n]``, of which those below 0 are unknown.
#[pyfunction]
#[pyo3(signature = (graph, compatibilities, labels, seed_strength, product, max_iter, tol, threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn relax_known<'py>(
    graph: &LabelGraph,
    compatibilities: &Bound<'py, PyAny>,
    labels: PyReadonlyArray1<'py, i64>,
    seed_strength: f64,
    product: bool,
    max_iter: usize,
    tol: f64,
    threads: usize,
) -> PyResult<Relaxed<'py>> {
    let py = compatibilities.py();
    let r = Matrix::<f64>::from_any(compatibilities, "compatibility")?;
    let (r, k) = (r.rows()?.to_vec(), r.rows()?.columns());
    let labels = known(labels.as_slice()?);
    let relaxation = relaxation(product, None, max_iter, tol);
    let found = watched(py, threads, None, |watch| {
        relaxation.run_known(&graph.inner, &r, &labels, k, seed_strength, watch)
    })?;
    relaxed(py, found)
}

/// Compatibilities ``[k, k]`` learnt from labels ``[n]``, of which those below 0 are unknown.
#[pyfunction]
#[pyo3(signature = (graph, labels, k, prior, agreement=0.0, balanced=false))]
pub(crate) fn label_compatibilities<'py>(
    py: Python<'py>,
    graph: &LabelGraph,
    labels: PyReadonlyArray1<'py, i64>,
    k: usize,
    prior: f64,
    agreement: f64,
    balanced: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let labels = known(labels.as_slice()?);
    let found = labeling::shrunk_compatibilities(&graph.inner, &labels, k, prior, agreement);
    let found = if balanced {
        found.and_then(|r| labeling::balanced(&r, k))
    } else {
        found
    };
    table(py, found.map_err(to_python)?, k, k)
}

/// Labels ``[n]``, agreements and whether settled, by iterated local modes.
#[pyfunction]
#[pyo3(signature = (graph, labels, evidence, max_iter, seed, threads=0, progress=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn local_modes<'py>(
    py: Python<'py>,
    graph: &LabelGraph,
    labels: Vec<usize>,
    evidence: Option<&Bound<'py, PyAny>>,
    max_iter: usize,
    seed: Option<u64>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Vec<f64>, bool)> {
    let modes = LocalModes::new().max_iter(max_iter).shuffle(seed);
    let evidence = evidence.map(|e| Matrix::<f64>::from_any(e, "evidence"));
    let evidence = evidence.transpose()?;
    let evidence = evidence.as_ref().map(Matrix::rows).transpose()?;
    let evidence = evidence.map(|rows| rows.to_vec());
    let found = watched(py, threads, progress, |watch| {
        modes.run(&graph.inner, &labels, evidence.as_deref(), watch)
    })?;
    let labels = positions(found.labels).into_pyarray(py).into_any();
    Ok((labels, found.agreement, found.settled))
}

/// Labels by number; below 0 is unknown.
fn known(labels: &[i64]) -> Vec<Option<usize>> {
    labels.iter().map(|&l| usize::try_from(l).ok()).collect()
}

/// Labels spread over samples.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LabelPropagationModel {
    inner: Fit,
    rounds: (usize, bool),
}

enum Fit {
    F32(LabelPropagationFit<f32>),
    F64(LabelPropagationFit<f64>),
}

/// How labels are spread: a kernel or a number of neighbours, and alpha.
fn spreader(
    kernel: Option<&Bound<'_, PyAny>>,
    n_neighbors: usize,
    alpha: Option<f64>,
) -> PyResult<LabelPropagation> {
    let affinity = match kernel {
        Some(kernel) => Affinity::Kernel(kernel_of(kernel)?),
        None => Affinity::Nearest { k: n_neighbors },
    };
    Ok(match alpha {
        Some(alpha) => LabelPropagation::spreading(affinity, alpha),
        None => LabelPropagation::propagation(affinity),
    })
}

#[pymethods]
impl LabelPropagationModel {
    /// Spreads labels ``[n]``, those below 0 unknown, over samples ``[n, d]``.
    #[new]
    #[pyo3(signature = (samples, labels, classes, kernel, n_neighbors, alpha, max_iter, tol, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        labels: PyReadonlyArray1<'_, i64>,
        classes: usize,
        kernel: Option<&Bound<'_, PyAny>>,
        n_neighbors: usize,
        alpha: Option<f64>,
        max_iter: usize,
        tol: f64,
        threads: usize,
    ) -> PyResult<Self> {
        fn fit<T: Element + Float>(
            model: &LabelPropagation,
            samples: &Bound<'_, PyArray2<T>>,
            labels: &[Option<usize>],
            classes: usize,
            threads: usize,
        ) -> PyResult<LabelPropagationFit<T>> {
            let data = Matrix::new(samples)?;
            let rows = data.rows()?;
            watched(samples.py(), threads, None, |w| {
                model.fit(rows, labels, classes, w)
            })
        }
        let model = spreader(kernel, n_neighbors, alpha)?
            .max_iter(max_iter)
            .tol(tol);
        let labels = known(labels.as_slice()?);
        Ok(two_kinds!(
            samples,
            "X",
            |x: f32| {
                let fit = fit(&model, x, &labels, classes, threads)?;
                Self {
                    rounds: (fit.n_iter(), fit.converged()),
                    inner: Fit::F32(fit),
                }
            },
            |x: f64| {
                let fit = fit(&model, x, &labels, classes, threads)?;
                Self {
                    rounds: (fit.n_iter(), fit.converged()),
                    inner: Fit::F64(fit),
                }
            }
        ))
    }

    /// Takes up samples ``[n, d]`` with distributions ``[n, k]`` that were found before.
    #[staticmethod]
    fn restore(
        samples: &Bound<'_, PyAny>,
        distributions: &Bound<'_, PyAny>,
        kernel: Option<&Bound<'_, PyAny>>,
        n_neighbors: usize,
        alpha: Option<f64>,
    ) -> PyResult<Self> {
        let model = spreader(kernel, n_neighbors, alpha)?;
        let q = Matrix::<f64>::from_any(distributions, "label_distributions_")?;
        let q = q.rows()?.to_vec();
        let inner = two_kinds!(
            samples,
            "X",
            |x: f32| Fit::F32(
                model
                    .restore(Matrix::new(x)?.rows()?, &q)
                    .map_err(to_python)?
            ),
            |x: f64| Fit::F64(
                model
                    .restore(Matrix::new(x)?.rows()?, &q)
                    .map_err(to_python)?
            )
        );
        Ok(Self {
            inner,
            rounds: (0, true),
        })
    }

    /// Number of rounds, and whether they came to rest.
    fn rounds(&self) -> (usize, bool) {
        self.rounds
    }

    /// The distribution of each sample, ``[n, k]``.
    fn distributions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (q, k) = match &self.inner {
            Fit::F32(fit) => (fit.distributions(), fit.classes()),
            Fit::F64(fit) => (fit.distributions(), fit.classes()),
        };
        table(py, q.to_vec(), q.len() / k.max(1), k)
    }

    /// The distribution at rows ``[m, d]``, ``[m, k]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict_proba<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn read<'py, T: Element + Float>(
            fit: &LabelPropagationFit<T>,
            rows: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(rows, "X")?;
            let view = data.rows()?;
            let found = watched(rows.py(), threads, None, |w| fit.predict_proba(view, w))?;
            table(rows.py(), found, view.rows(), fit.classes())
        }
        match &self.inner {
            Fit::F32(fit) => read(fit, rows, threads),
            Fit::F64(fit) => read(fit, rows, threads),
        }
    }
}

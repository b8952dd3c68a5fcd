//! Laplacian eigenmaps and diffusion maps.

use locality::embed::{
    Affinity, DiffusionMap, DiffusionMapFit, DiffusionMapParts, LaplacianEigenmaps,
    LaplacianEigenmapsFit, Pieces, Solver,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::dense::two;
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of};
use crate::watch::watched;

type Two<'py> = Bound<'py, PyArray2<f64>>;
type Labels<'py> = Bound<'py, PyArray1<usize>>;

/// Where rows start, columns and values of a sparse matrix.
type Rows<'py> = (Labels<'py>, Labels<'py>, Bound<'py, PyArray1<f64>>);

/// Coordinates `[n, c]`, eigenvalues `[pieces, c]`, the piece of each sample, the number of neighbours, a warning, the affinity.
type Mapped<'py> = (
    Two<'py>,
    Two<'py>,
    Labels<'py>,
    Option<usize>,
    Option<String>,
    Rows<'py>,
);

fn mapped<'py>(
    py: Python<'py>,
    fit: &LaplacianEigenmapsFit,
    n_components: usize,
) -> PyResult<Mapped<'py>> {
    let embedding = fit.embedding();
    let affinity = fit.affinity();
    Ok((
        two(py, embedding.to_vec(), (embedding.rows(), n_components))?,
        two(
            py,
            fit.eigenvalues().to_vec(),
            (fit.n_pieces(), n_components),
        )?,
        fit.pieces().to_vec().into_pyarray(py),
        fit.n_neighbors(),
        fit.warning(),
        (
            affinity.starts().to_vec().into_pyarray(py),
            affinity.columns().to_vec().into_pyarray(py),
            affinity.values().to_vec().into_pyarray(py),
        ),
    ))
}

fn solver(dense: bool) -> Solver {
    if dense { Solver::Dense } else { Solver::Auto }
}

/// Laplacian eigenmaps of samples ``[n, d]``, of the nearest or, ``everywhere``, of all pairs under a kernel.
#[pyfunction]
#[pyo3(signature = (samples, *, n_components, n_neighbors=None, kernel=None, everywhere=false, tol=1e-9, dense=false, pieces="apart", threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn laplacian_eigenmaps<'py>(
    samples: &Bound<'py, PyAny>,
    n_components: usize,
    n_neighbors: Option<usize>,
    kernel: Option<&Bound<'py, PyAny>>,
    everywhere: bool,
    tol: f64,
    dense: bool,
    pieces: &str,
    threads: usize,
) -> PyResult<Mapped<'py>> {
    let py = samples.py();
    let kernel = kernel.map(kernel_of).transpose()?;
    let model = LaplacianEigenmaps::new()
        .n_components(n_components)
        .n_neighbors(n_neighbors)
        .tol(tol)
        .solver(solver(dense))
        .pieces(pieces.parse::<Pieces>().map_err(to_python)?);
    let model = match kernel {
        Some(kernel) if everywhere => model.among_all(kernel),
        kernel => model.kernel(kernel),
    };
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let fit = watched(py, threads, None, |watch| model.fit(rows, watch))?;
    mapped(py, &fit, n_components)
}

/// Laplacian eigenmaps of known weights: where rows start, columns and values of a sparse matrix.
#[pyfunction]
#[pyo3(signature = (starts, columns, values, *, n_components, tol=1e-9, dense=false, pieces="apart", threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn laplacian_of_affinity<'py>(
    py: Python<'py>,
    starts: &Bound<'py, PyArray1<i64>>,
    columns: &Bound<'py, PyArray1<i64>>,
    values: &Bound<'py, PyArray1<f64>>,
    n_components: usize,
    tol: f64,
    dense: bool,
    pieces: &str,
    threads: usize,
) -> PyResult<Mapped<'py>> {
    // A negative number is no place's, and too large a one is refused.
    let places = |list: &Bound<'py, PyArray1<i64>>| -> PyResult<Vec<usize>> {
        let list = list.try_readonly()?;
        let place = |x: &i64| usize::try_from(*x).unwrap_or(usize::MAX);
        Ok(list.as_array().iter().map(place).collect())
    };
    let values = values.try_readonly()?.as_array().to_vec();
    let affinity = Affinity::new(places(starts)?, places(columns)?, values).map_err(to_python)?;
    let model = LaplacianEigenmaps::new()
        .n_components(n_components)
        .tol(tol)
        .solver(solver(dense))
        .pieces(pieces.parse::<Pieces>().map_err(to_python)?);
    let fit = watched(py, threads, None, |watch| {
        model.fit_affinity(&affinity, watch)
    })?;
    mapped(py, &fit, n_components)
}

/// A fitted diffusion map. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct DiffusionMapModel {
    inner: DiffusionMapFit,
    components: usize,
}

#[pymethods]
impl DiffusionMapModel {
    /// From the parts of a fit: samples ``[n, d]``, coordinates ``[n, c]``, eigenvalues ``[pieces, c]``, thinning and pieces ``[n]``.
    #[new]
    #[pyo3(signature = (samples, kernel, n_neighbors, embedding, eigenvalues, thinning, pieces, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        n_neighbors: Option<usize>,
        embedding: &Bound<'_, PyAny>,
        eigenvalues: &Bound<'_, PyAny>,
        thinning: &Bound<'_, PyArray1<f64>>,
        pieces: &Bound<'_, PyArray1<i64>>,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let rows = |any, name| -> PyResult<(Vec<f64>, usize)> {
            let matrix = Matrix::<f64>::from_any(any, name)?;
            let rows = matrix.rows()?;
            Ok((rows.to_vec(), rows.columns()))
        };
        let (data, columns) = rows(samples, "X")?;
        let (embedding, components) = rows(embedding, "embedding")?;
        // A negative piece is none, and too large a one is refused.
        let pieces = pieces.try_readonly()?;
        let pieces = pieces.as_array();
        let label = |l: &i64| usize::try_from(*l).unwrap_or(usize::MAX);
        let parts = DiffusionMapParts {
            kernel: kernel_of(kernel)?,
            n_neighbors,
            samples: data,
            embedding,
            eigenvalues: rows(eigenvalues, "eigenvalues")?.0,
            thinning: thinning.try_readonly()?.as_array().to_vec(),
            pieces: pieces.iter().map(label).collect(),
        };
        let inner = watched(py, threads, None, |watch| {
            DiffusionMapFit::from_parts(parts, columns, watch)
        })?;
        Ok(Self { inner, components })
    }

    /// The diffusion map of samples ``[n, d]``.
    #[staticmethod]
    #[pyo3(signature = (samples, kernel, *, n_components, n_neighbors=None, bandwidth=None, alpha=1.0, time=1.0, tol=1e-9, dense=false, pieces="apart", threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn fit(
        samples: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        n_components: usize,
        n_neighbors: Option<usize>,
        bandwidth: Option<f64>,
        alpha: f64,
        time: f64,
        tol: f64,
        dense: bool,
        pieces: &str,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let model = DiffusionMap::new()
            .n_components(n_components)
            .n_neighbors(n_neighbors)
            .kernel(kernel_of(kernel)?)
            .bandwidth(bandwidth)
            .alpha(alpha)
            .time(time)
            .tol(tol)
            .solver(solver(dense))
            .pieces(pieces.parse::<Pieces>().map_err(to_python)?);
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let rows = samples.rows()?;
        Ok(Self {
            inner: watched(py, threads, None, |watch| model.fit(rows, watch))?,
            components: n_components,
        })
    }

    /// Coordinates ``[m, c]`` of queries ``[m, d]``.
    #[pyo3(signature = (queries, threads=0))]
    fn transform<'py>(&self, queries: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = queries.py();
        let queries = Matrix::<f64>::from_any(queries, "X")?;
        let rows = queries.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.transform(rows, watch))?;
        two(py, found, (rows.rows(), self.components))
    }

    /// The kernel in force.
    #[getter]
    fn kernel(&self) -> Kernel {
        Kernel {
            inner: self.inner.kernel().clone(),
        }
    }

    /// Coordinates of the samples, ``[n, c]``.
    fn embedding<'py>(&self, py: Python<'py>) -> PyResult<Two<'py>> {
        let rows = self.inner.embedding();
        two(py, rows.to_vec(), (rows.rows(), rows.columns()))
    }

    /// Eigenvalues of the walk, ``[pieces, c]``.
    fn eigenvalues<'py>(&self, py: Python<'py>) -> PyResult<Two<'py>> {
        let shape = (self.inner.n_pieces(), self.components);
        two(py, self.inner.eigenvalues().to_vec(), shape)
    }

    /// Row sums of the kernel to the power of minus alpha, ``[n]``.
    fn thinning<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.parts().thinning.clone().into_pyarray(py)
    }

    /// The piece of each sample, ``[n]``.
    fn pieces<'py>(&self, py: Python<'py>) -> Labels<'py> {
        self.inner.pieces().to_vec().into_pyarray(py)
    }

    /// A sentence where there are several pieces.
    fn warning(&self) -> Option<String> {
        self.inner.warning()
    }
}

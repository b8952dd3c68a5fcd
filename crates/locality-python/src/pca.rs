//! Local principal components, intrinsic dimension, manifold blurring.

use locality::pca::{
    Components, DimensionMethod, IntrinsicDimension, LocalPca, LocalPcaFit, PcaFit,
};
use locality::shift::ManifoldBlurring;
use numpy::ndarray::Array3;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::dense::two;
use crate::kernel::{kernel_of, neighborhood_of};
use crate::watch::watched;

type One<'py> = Bound<'py, PyArray1<f64>>;
type Two<'py> = Bound<'py, PyArray2<f64>>;

/// Means `[m, d]`, components `[m, c, d]`, variances `[m, c]`, how many of them there are `[m]`, all variance `[m]`.
type Spaces<'py> = (
    Two<'py>,
    Bound<'py, PyArray3<f64>>,
    Two<'py>,
    Bound<'py, PyArray1<usize>>,
    One<'py>,
);

/// Samples laid out for local principal components. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalPcaModel {
    inner: LocalPcaFit,
    columns: usize,
}

/// Fits as arrays, padded with zeros.
fn spaces<'py>(py: Python<'py>, fits: &[PcaFit], d: usize) -> PyResult<Spaces<'py>> {
    let c = fits.iter().map(|f| f.variances().len()).max().unwrap_or(0);
    let m = fits.len();
    let mut components = vec![0.0; m * c * d];
    let mut variances = vec![0.0; m * c];
    for (i, fit) in fits.iter().enumerate() {
        let flat = fit.components().to_vec();
        components[i * c * d..][..flat.len()].copy_from_slice(&flat);
        variances[i * c..][..fit.variances().len()].copy_from_slice(fit.variances());
    }
    let components = Array3::from_shape_vec((m, c, d), components);
    let components = components.map_err(|e| PyValueError::new_err(e.to_string()))?;
    let counts: Vec<usize> = fits.iter().map(|f| f.variances().len()).collect();
    let totals: Vec<f64> = fits.iter().map(PcaFit::total_variance).collect();
    Ok((
        two(
            py,
            fits.iter().flat_map(|f| f.mean().to_vec()).collect(),
            (m, d),
        )?,
        components.into_pyarray(py),
        two(py, variances, (m, c))?,
        counts.into_pyarray(py),
        totals.into_pyarray(py),
    ))
}

#[pymethods]
impl LocalPcaModel {
    #[new]
    #[pyo3(signature = (samples, kernel=None, neighborhood=None, n_components=None, share=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        kernel: Option<&Bound<'_, PyAny>>,
        neighborhood: Option<&Bound<'_, PyAny>>,
        n_components: Option<usize>,
        share: Option<f64>,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let components = match (n_components, share) {
            (Some(c), _) => Components::Count(c),
            (None, Some(share)) => Components::Share(share),
            (None, None) => Components::All,
        };
        let region = neighborhood_of(neighborhood)?;
        let model = match kernel {
            Some(kernel) => LocalPca::new(kernel_of(kernel)?).neighborhood(region),
            None => LocalPca::flat(region),
        };
        let model = model.components(components);
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let rows = samples.rows()?;
        Ok(Self {
            inner: watched(py, threads, None, |watch| model.fit(rows, None, watch))?,
            columns: rows.columns(),
        })
    }

    /// The components of all samples, as `at` gives them for one target.
    fn whole<'py>(&self, py: Python<'py>) -> PyResult<Spaces<'py>> {
        spaces(py, std::slice::from_ref(self.inner.global()), self.columns)
    }

    /// Means, components, variances, their number and all variance around targets ``[m, d]``.
    #[pyo3(signature = (targets, threads=0))]
    fn at<'py>(&self, targets: &Bound<'py, PyAny>, threads: usize) -> PyResult<Spaces<'py>> {
        let py = targets.py();
        let targets = Matrix::<f64>::from_any(targets, "X")?;
        let rows = targets.rows()?;
        let fits = watched(py, threads, None, |watch| self.inner.at(rows, watch))?;
        spaces(py, &fits, self.columns)
    }

    /// Projections ``[m, d]`` of rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn project<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.project(rows, watch))?;
        two(py, found, (rows.rows(), self.columns))
    }

    /// Distances ``[m]`` of rows ``[m, d]`` from their projections.
    #[pyo3(signature = (rows, threads=0))]
    fn errors<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<One<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.errors(rows, watch))?;
        Ok(found.into_pyarray(py))
    }
}

/// The dimension of samples ``[n, d]``, and around each of them ``[n]``, or none of the latter.
#[pyfunction]
#[pyo3(signature = (samples, method, n_neighbors=20, threshold=0.95, threads=0))]
pub(crate) fn intrinsic_dimension<'py>(
    samples: &Bound<'py, PyAny>,
    method: &str,
    n_neighbors: usize,
    threshold: f64,
    threads: usize,
) -> PyResult<(f64, One<'py>)> {
    let py = samples.py();
    let method = match method {
        "mle" => DimensionMethod::MaximumLikelihood,
        "twonn" => DimensionMethod::TwoNn,
        "participation" => DimensionMethod::Participation,
        "pca" => DimensionMethod::Share(threshold),
        _ => {
            return Err(PyValueError::new_err(format!(
                "method='{method}' is none of mle, twonn, participation and pca"
            )));
        }
    };
    let model = IntrinsicDimension::new(method).n_neighbors(n_neighbors);
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let found = watched(py, threads, None, |watch| model.of(rows, watch))?;
    Ok((found.global, found.local.into_pyarray(py)))
}

/// Samples ``[n, d]`` after manifold blurring, and the root of the mean squared move in each round.
#[pyfunction]
#[pyo3(signature = (samples, n_components, *, n_neighbors=10, kernel=None, all_samples=false, max_iter=3, tol=0.0, threads=0))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn manifold_blurring<'py>(
    samples: &Bound<'py, PyAny>,
    n_components: usize,
    n_neighbors: usize,
    kernel: Option<&Bound<'py, PyAny>>,
    all_samples: bool,
    max_iter: usize,
    tol: f64,
    threads: usize,
) -> PyResult<(Two<'py>, One<'py>)> {
    let py = samples.py();
    let model = ManifoldBlurring::new(n_components)
        .n_neighbors(n_neighbors)
        .kernel(kernel.map(kernel_of).transpose()?)
        .all_samples(all_samples)
        .max_iter(max_iter)
        .tol(tol);
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let found = watched(py, threads, None, |watch| model.denoise(rows, watch))?;
    let points = two(py, found.points().to_vec(), (rows.rows(), rows.columns()))?;
    Ok((points, found.moves().to_vec().into_pyarray(py)))
}

//! Self-local regression, and series by their contexts.

use locality::Rows;
use locality::nonlocal::{SelfLocalRegression, SelfLocalRegressionFit, SeriesSmoother};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::density::vector;
use crate::kernel::kernel_of;
use crate::nearest::positions;
use crate::watch::watched;

/// A fitted self-local regression. Arrays are of float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct SelfLocalRegressor {
    inner: SelfLocalRegressionFit,
}

#[pymethods]
impl SelfLocalRegressor {
    #[new]
    #[pyo3(signature = (x, y, kernel, range, max_iter, tol, sample_weight=None, threads=0))]
    #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments)] // as the extension hands it over
    fn new(
        x: &Bound<'_, PyAny>,
        y: PyReadonlyArray1<'_, f64>,
        kernel: &Bound<'_, PyAny>,
        range: Option<f64>,
        max_iter: usize,
        tol: f64,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
    ) -> PyResult<Self> {
        let model = SelfLocalRegression::new(kernel_of(kernel)?)
            .range(range)
            .iterations(max_iter)
            .tolerance(tol);
        let data = Matrix::<f64>::from_any(x, "X")?;
        let rows: Rows<'_, f64> = data.rows()?;
        let responses = y.as_array().to_vec();
        let weights = vector::<f64>(sample_weight)?;
        let inner = watched(x.py(), threads, None, |watch| {
            model.fit_weighted(rows, &responses, weights.as_deref(), watch)
        })?;
        Ok(Self { inner })
    }

    /// The outputs at the samples, ``[n]``.
    fn outputs<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.inner.outputs().to_vec().into_pyarray(py).into_any()
    }

    /// How many iterations there were.
    fn iterations(&self) -> usize {
        self.inner.iterations()
    }

    /// Outputs ``[m]`` at rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn predict<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let at = data.rows()?;
        let found = watched(rows.py(), threads, None, |watch| {
            self.inner.predict(at, watch)
        })?;
        Ok(found.into_pyarray(rows.py()).into_any())
    }
}

/// A series of float64 smoothed: values, places that were filled, sigma and h.
#[pyfunction]
#[pyo3(signature = (series, radius, reach, sigma, h, gaps_only, threads=0, progress=None))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // as the extension hands it over
#[allow(clippy::type_complexity)]
pub(crate) fn smooth_series<'py>(
    py: Python<'py>,
    series: PyReadonlyArray1<'py, f64>,
    radius: usize,
    reach: Option<usize>,
    sigma: Option<f64>,
    h: Option<f64>,
    gaps_only: bool,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, f64, f64)> {
    let smoother = SeriesSmoother::new(radius)
        .reach(reach)
        .sigma(sigma)
        .h(h)
        .gaps_only(gaps_only);
    let values = series.as_array().to_vec();
    let out = watched(py, threads, progress, |watch| {
        smoother.smooth(&values, watch)
    })?;
    Ok((
        out.values().to_vec().into_pyarray(py).into_any(),
        positions(out.filled().to_vec()).into_pyarray(py).into_any(),
        out.sigma(),
        out.h(),
    ))
}

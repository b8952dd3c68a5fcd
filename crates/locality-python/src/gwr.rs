//! Geographically weighted regression.

use locality::Rows;
use locality::gwr::{Gwr, GwrFit, Mgwr, MgwrFit, Search, Summary, profile_named};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::Matrix;
use crate::error::to_python;
use crate::watch::watched;

type Numbers<'py> = Option<PyReadonlyArray1<'py, f64>>;

/// The parameters of a model of one bandwidth.
#[allow(clippy::too_many_arguments)]
fn parameters(
    family: &str,
    kernel: &str,
    adaptive: bool,
    metric: &str,
    bandwidth: Option<f64>,
    criterion: &str,
    range: (Option<f64>, Option<f64>),
    interval: Option<f64>,
    intercept: bool,
) -> PyResult<Gwr> {
    let profile = profile_named(kernel).map_err(to_python)?;
    Ok(Gwr::new()
        .family(family.parse().map_err(to_python)?)
        .profile(profile)
        .adaptive(adaptive)
        .distance(metric.parse().map_err(to_python)?)
        .bandwidth(bandwidth)
        .criterion(criterion.parse().map_err(to_python)?)
        .range(range.0, range.1)
        .search(interval.map_or(Search::Golden, Search::Interval))
        .intercept(intercept))
}

fn vector<'py>(x: &Bound<'py, PyAny>, name: &str) -> PyResult<PyReadonlyArray1<'py, f64>> {
    let array = x.cast::<PyArray1<f64>>().map_err(|_| {
        PyTypeError::new_err(format!(
            "{name} must be a one-dimensional numpy array of float64"
        ))
    })?;
    Ok(array.try_readonly()?)
}

fn exposures<'py>(exposure: Option<&Bound<'py, PyAny>>) -> PyResult<Numbers<'py>> {
    exposure.map(|e| vector(e, "exposure")).transpose()
}

/// A table of numbers, row after row.
fn put(out: &Bound<'_, PyDict>, name: &str, data: &[f64], columns: usize) -> PyResult<()> {
    let rows = data.len() / columns.max(1);
    let table = Array2::from_shape_vec((rows, columns), data.to_vec())
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    out.set_item(name, table.into_pyarray(out.py()))
}

fn put_vector(out: &Bound<'_, PyDict>, name: &str, data: &[f64]) -> PyResult<()> {
    out.set_item(name, data.to_vec().into_pyarray(out.py()))
}

fn put_summary(out: &Bound<'_, PyDict>, s: &Summary) -> PyResult<()> {
    let all = [
        ("tr_S", s.tr_s),
        ("tr_STS", s.tr_sts),
        ("rss", s.rss),
        ("sigma2", s.sigma2),
        ("scale", s.scale),
        ("deviance", s.deviance),
        ("null_deviance", s.null_deviance),
        ("r2", s.r2),
        ("adj_r2", s.adj_r2),
        ("aic", s.aic),
        ("aicc", s.aicc),
        ("bic", s.bic),
        ("cv", s.cv),
    ];
    all.into_iter()
        .try_for_each(|(name, value)| out.set_item(name, value))
}

/// A model of one bandwidth. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct GwrModel {
    inner: GwrFit,
}

#[pymethods]
impl GwrModel {
    #[new]
    #[pyo3(signature = (x, y, coords, exposure, *, family, kernel, adaptive, metric, bandwidth, criterion, range, interval, intercept, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        coords: &Bound<'_, PyAny>,
        exposure: Option<&Bound<'_, PyAny>>,
        family: &str,
        kernel: &str,
        adaptive: bool,
        metric: &str,
        bandwidth: Option<f64>,
        criterion: &str,
        range: (Option<f64>, Option<f64>),
        interval: Option<f64>,
        intercept: bool,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let model = parameters(
            family, kernel, adaptive, metric, bandwidth, criterion, range, interval, intercept,
        )?;
        let py = x.py();
        let (x, coords) = (
            Matrix::<f64>::from_any(x, "X")?,
            Matrix::<f64>::from_any(coords, "coords")?,
        );
        let (y, exposure) = (vector(y, "y")?, exposures(exposure)?);
        let (x, c, y) = (x.rows()?, coords.rows()?, y.as_slice()?);
        let e = exposure.as_ref().map(|e| e.as_slice()).transpose()?;
        let inner = watched(py, threads, progress, |watch| model.fit(x, y, c, e, watch))?;
        Ok(Self { inner })
    }

    /// Everything that was found, by name.
    fn results<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (out, fit) = (PyDict::new(py), &self.inner);
        let q = fit.coefficients().len() / fit.fitted().len();
        out.set_item("bandwidth", fit.bandwidth())?;
        out.set_item("tried", fit.tried().to_vec())?;
        put(&out, "params", fit.coefficients(), q)?;
        put(&out, "standard_errors", fit.standard_errors(), q)?;
        put_vector(&out, "fitted_values", fit.fitted())?;
        put_vector(&out, "leverage", fit.leverage())?;
        put_vector(&out, "local_r2", fit.local_r2())?;
        out.set_item("thin", fit.thin().to_vec().into_pyarray(py))?;
        put_summary(&out, fit.summary())?;
        Ok(out)
    }

    /// The model at new places, by name.
    #[pyo3(signature = (x, coords, exposure=None, threads=0))]
    fn at<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        coords: &Bound<'py, PyAny>,
        exposure: Option<&Bound<'py, PyAny>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = x.py();
        let q = self.inner.coefficients().len() / self.inner.fitted().len();
        let (x, coords) = (
            Matrix::<f64>::from_any(x, "X")?,
            Matrix::<f64>::from_any(coords, "coords")?,
        );
        let exposure = exposures(exposure)?;
        let (x, c): (Rows<'_, f64>, Rows<'_, f64>) = (x.rows()?, coords.rows()?);
        let e = exposure.as_ref().map(|e| e.as_slice()).transpose()?;
        let at = watched(py, threads, None, |watch| self.inner.at(x, c, e, watch))?;
        let out = PyDict::new(py);
        put_vector(&out, "values", &at.values)?;
        put_vector(&out, "linear", &at.linear)?;
        put_vector(&out, "linear_errors", &at.linear_errors)?;
        put(&out, "params", &at.coefficients, q)?;
        put(&out, "standard_errors", &at.standard_errors, q)?;
        out.set_item("thin", at.thin.into_pyarray(py))?;
        Ok(out)
    }

    /// Condition numbers ``[n]`` and variance inflation factors ``[n, d]`` of the weighted columns.
    #[pyo3(signature = (threads=0))]
    fn collinearity<'py>(&self, py: Python<'py>, threads: usize) -> PyResult<Bound<'py, PyDict>> {
        let found = watched(py, threads, None, |watch| self.inner.collinearity(watch))?;
        let out = PyDict::new(py);
        let d = found.inflation.len() / found.condition.len().max(1);
        put_vector(&out, "condition", &found.condition)?;
        put(&out, "inflation", &found.inflation, d)?;
        let q = found.proportions.len() / found.condition.len().max(1);
        put(&out, "proportions", &found.proportions, q)?;
        Ok(out)
    }

    /// The Monte-Carlo test of each coefficient's variation, ``[q]``.
    #[pyo3(signature = (rounds, seed, search, threads=0, progress=None))]
    fn stationarity<'py>(
        &self,
        py: Python<'py>,
        rounds: usize,
        seed: u64,
        search: bool,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let found = watched(py, threads, progress, |watch| {
            self.inner.stationarity(rounds, seed, search, watch)
        })?;
        Ok(found.into_pyarray(py))
    }
}

/// A model of a bandwidth for each column. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct MgwrModel {
    inner: MgwrFit,
}

#[pymethods]
impl MgwrModel {
    #[new]
    #[pyo3(signature = (x, y, coords, exposure, *, family, kernel, adaptive, metric, bandwidths, first, criterion, range, ranges, intercept, tolerance, rounds, rest, inference, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        coords: &Bound<'_, PyAny>,
        exposure: Option<&Bound<'_, PyAny>>,
        family: &str,
        kernel: &str,
        adaptive: bool,
        metric: &str,
        bandwidths: Option<Vec<f64>>,
        first: Option<f64>,
        criterion: &str,
        range: (Option<f64>, Option<f64>),
        ranges: Option<Vec<(Option<f64>, Option<f64>)>>,
        intercept: bool,
        tolerance: f64,
        rounds: usize,
        rest: usize,
        inference: bool,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let base = parameters(
            family, kernel, adaptive, metric, first, criterion, range, None, intercept,
        )?;
        let model = Mgwr::new(base)
            .bandwidths(bandwidths)
            .ranges(ranges)
            .tolerance(tolerance)
            .rounds(rounds)
            .rest(rest)
            .inference(inference);
        let py = x.py();
        let (x, coords) = (
            Matrix::<f64>::from_any(x, "X")?,
            Matrix::<f64>::from_any(coords, "coords")?,
        );
        let (y, exposure) = (vector(y, "y")?, exposures(exposure)?);
        let (x, c, y) = (x.rows()?, coords.rows()?, y.as_slice()?);
        let e = exposure.as_ref().map(|e| e.as_slice()).transpose()?;
        let inner = watched(py, threads, progress, |watch| model.fit(x, y, c, e, watch))?;
        Ok(Self { inner })
    }

    /// Everything that was found, by name.
    fn results<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (out, fit) = (PyDict::new(py), &self.inner);
        let q = fit.bandwidths().len();
        put_vector(&out, "bandwidths", fit.bandwidths())?;
        out.set_item("first_bandwidth", fit.first_bandwidth())?;
        put(&out, "history", &fit.history().concat(), q)?;
        put_vector(&out, "changes", fit.changes())?;
        out.set_item("converged", fit.converged())?;
        put(&out, "params", fit.coefficients(), q)?;
        put(&out, "standard_errors", fit.standard_errors(), q)?;
        put_vector(&out, "fitted_values", fit.fitted())?;
        put_vector(&out, "leverage", fit.leverage())?;
        put_vector(&out, "enp", fit.parameters_by_column())?;
        let each = fit.tried().iter().enumerate();
        let rows = each.flat_map(|(j, tried)| tried.iter().map(move |t| [j as f64, t.0, t.1]));
        put(&out, "tried", &rows.flatten().collect::<Vec<f64>>(), 3)?;
        put_summary(&out, fit.summary())?;
        Ok(out)
    }

    /// Condition numbers ``[n]`` and shares of variances ``[n, q]``, by name.
    #[pyo3(signature = (threads=0))]
    fn collinearity<'py>(&self, py: Python<'py>, threads: usize) -> PyResult<Bound<'py, PyDict>> {
        let found = watched(py, threads, None, |watch| self.inner.collinearity(watch))?;
        let out = PyDict::new(py);
        put_vector(&out, "condition", &found.condition)?;
        put(
            &out,
            "proportions",
            &found.proportions,
            self.inner.bandwidths().len(),
        )?;
        Ok(out)
    }

    /// Coefficients ``[m, q]`` and means ``[m]`` at new places, by name.
    #[pyo3(signature = (x, coords, exposure=None, threads=0))]
    fn at<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        coords: &Bound<'py, PyAny>,
        exposure: Option<&Bound<'py, PyAny>>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = x.py();
        let (x, coords) = (
            Matrix::<f64>::from_any(x, "X")?,
            Matrix::<f64>::from_any(coords, "coords")?,
        );
        let exposure = exposures(exposure)?;
        let (x, c): (Rows<'_, f64>, Rows<'_, f64>) = (x.rows()?, coords.rows()?);
        let e = exposure.as_ref().map(|e| e.as_slice()).transpose()?;
        let (params, values) = watched(py, threads, None, |watch| self.inner.at(x, c, e, watch))?;
        let out = PyDict::new(py);
        put(&out, "params", &params, self.inner.bandwidths().len())?;
        put_vector(&out, "values", &values)?;
        Ok(out)
    }

    /// Variances of coefficients ``[m, q]`` and of linear predictors ``[m]`` at new places, in units of the noise's.
    #[pyo3(signature = (x, coords, threads=0))]
    fn variances_at<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        coords: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = x.py();
        let (x, coords) = (
            Matrix::<f64>::from_any(x, "X")?,
            Matrix::<f64>::from_any(coords, "coords")?,
        );
        let (x, c): (Rows<'_, f64>, Rows<'_, f64>) = (x.rows()?, coords.rows()?);
        let (coefficients, linear) = watched(py, threads, None, |watch| {
            self.inner.variances_at(x, c, watch)
        })?;
        let out = PyDict::new(py);
        put(
            &out,
            "variances",
            &coefficients,
            self.inner.bandwidths().len(),
        )?;
        put_vector(&out, "linear", &linear)?;
        Ok(out)
    }
}

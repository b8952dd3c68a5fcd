//! Local polynomial regression.

use locality::local::{LocalRegression, LocalRegressionFit, Robust, Wanted};
use locality::{OnEmpty, Rows};
use numpy::ndarray::{Array1, Array2, Array3};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of, neighborhood_of};
use crate::watch::watched;

/// Samples laid out for local polynomials. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalRegressor {
    inner: LocalRegressionFit,
    p: usize,
}

type One<'py> = Bound<'py, PyArray1<f64>>;
type Two<'py> = Bound<'py, PyArray2<f64>>;
type Three<'py> = Bound<'py, PyArray3<f64>>;

#[allow(clippy::needless_pass_by_value)]
fn shaped(e: numpy::ndarray::ShapeError) -> PyErr {
    PyTypeError::new_err(e.to_string())
}

fn two(data: Vec<f64>, columns: usize) -> PyResult<Array2<f64>> {
    let rows = data.len() / columns.max(1);
    Array2::from_shape_vec((rows, columns), data).map_err(shaped)
}

#[pymethods]
impl LocalRegressor {
    #[new]
    #[pyo3(signature = (samples, responses, kernels, *, search="auto", criterion="loo", robust=None, robust_iterations=3, bandwidth=None, degrees=vec![1], standardize=None, scales=None, ridge=0.0, guard=true, neighborhood=None, on_empty="nearest", sample_weight=None, given_weight=None, columns=None, threads=0))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernels: Vec<Bound<'_, PyAny>>,
        search: &str,
        criterion: &str,
        robust: Option<&str>,
        robust_iterations: usize,
        bandwidth: Option<f64>,
        degrees: Vec<usize>,
        standardize: Option<bool>,
        scales: Option<Vec<f64>>,
        ridge: f64,
        guard: bool,
        neighborhood: Option<&Bound<'_, PyAny>>,
        on_empty: &str,
        sample_weight: Option<&Bound<'_, PyAny>>,
        given_weight: Option<Vec<f64>>,
        columns: Option<Vec<usize>>,
        threads: usize,
    ) -> PyResult<Self> {
        let on_empty: OnEmpty = on_empty.parse().map_err(to_python)?;
        let kernels: PyResult<Vec<_>> = kernels.iter().map(|k| kernel_of(k)).collect();
        let mut kernels = kernels?;
        if kernels.is_empty() {
            return Err(PyValueError::new_err(
                "kernel is an empty sequence; name at least one",
            ));
        }
        let robust = match robust {
            None => None,
            Some(loss) => Some(Robust {
                loss: loss.parse().map_err(to_python)?,
                iterations: robust_iterations,
            }),
        };
        let mut parameters = LocalRegression::new(kernels.remove(0))
            .or_kernels(kernels)
            .search(search.parse().map_err(to_python)?)
            .criterion(criterion.parse().map_err(to_python)?)
            .robust(robust)
            .degrees(degrees)
            .ridge(ridge)
            .guard(guard)
            .neighborhood(neighborhood_of(neighborhood)?)
            .on_empty(on_empty);
        if let Some(h) = bandwidth {
            parameters = parameters.bandwidth(h).map_err(to_python)?;
        }
        if let Some(standardize) = standardize {
            parameters = parameters.standardize(standardize);
        }
        if let Some(scales) = scales {
            parameters = parameters.scales(scales);
        }
        if let Some(columns) = columns {
            parameters = parameters.on(columns);
        }
        let py = samples.py();
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights: Option<PyReadonlyArray1<'_, f64>> = sample_weight
            .map(|w| Ok::<_, PyErr>(w.cast::<PyArray1<f64>>()?.try_readonly()?))
            .transpose()?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        let inner = watched(py, threads, None, |watch| {
            let fit = parameters.fit(x, y, weights, watch)?;
            match given_weight {
                None => Ok(fit),
                Some(given) => fit.with_given_weights(given),
            }
        })?;
        Ok(Self {
            inner,
            p: y.columns(),
        })
    }

    /// The kernel in force.
    #[getter]
    fn kernel(&self) -> Kernel {
        Kernel {
            inner: self.inner.kernel().clone(),
        }
    }

    /// The degree in force.
    #[getter]
    fn degree(&self) -> usize {
        self.inner.degree()
    }

    /// Sample weights times what residuals count for, ``[n]``.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Option<One<'py>> {
        let weights = self.inner.polynomial().weights();
        weights.map(|w| w.to_vec().into_pyarray(py))
    }

    /// Sample weights as given where those of a robust fit are others, ``[n]``.
    #[getter]
    fn given_weights<'py>(&self, py: Python<'py>) -> Option<One<'py>> {
        let given = self.inner.given_weights()?;
        let own = self.inner.polynomial().weights();
        (own != Some(given)).then(|| given.to_vec().into_pyarray(py))
    }

    /// What each column is divided by, ``[d]``.
    #[getter]
    fn scales<'py>(&self, py: Python<'py>) -> One<'py> {
        self.inner.scales().to_vec().into_pyarray(py)
    }

    /// Degree, kernel and leave-one-out error of the best of each family.
    #[getter]
    fn tried(&self) -> Vec<(usize, String, f64)> {
        let tried = self.inner.tried().iter();
        tried
            .map(|t| (t.degree, t.kernel.to_string(), t.score))
            .collect()
    }

    /// Values ``[m, p]``, slopes ``[m, p, q]``, variances ``[m, 1 + q]`` (or none), effective samples ``[m]`` and whether evidence was thin
    /// ``[m]`` at targets ``[m, d]``.
    #[pyo3(signature = (targets, variances=false, threads=0, progress=None))]
    #[allow(clippy::type_complexity)]
    fn at<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        variances: bool,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(
        Two<'py>,
        Three<'py>,
        Option<Two<'py>>,
        One<'py>,
        Bound<'py, PyArray1<bool>>,
    )> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows: Rows<'_, f64> = data.rows()?;
        let wanted = Wanted {
            variances,
            own: false,
        };
        let fits = watched(py, threads, progress, |watch| {
            self.inner.at_with(rows, wanted, watch)
        })?;
        let shape = (rows.rows(), fits.responses(), fits.features());
        let slopes = Array3::from_shape_vec(shape, fits.slopes().to_vec()).map_err(shaped)?;
        let spread = if variances {
            Some(two(fits.variances().to_vec(), 1 + fits.features())?.into_pyarray(py))
        } else {
            None
        };
        Ok((
            two(fits.values().to_vec(), self.p)?.into_pyarray(py),
            slopes.into_pyarray(py),
            spread,
            fits.effective_samples().to_vec().into_pyarray(py),
            Array1::from(fits.thin().to_vec()).into_pyarray(py),
        ))
    }

    /// Values, lower and upper ends ``[m, p]`` of intervals that hold a new response with a probability of ``level``, and whether evidence is
    /// thin there, ``[m]``.
    #[pyo3(signature = (targets, level, threads=0))]
    fn intervals<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        level: f64,
        threads: usize,
    ) -> PyResult<(Two<'py>, Two<'py>, Two<'py>, Bound<'py, PyArray1<bool>>)> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| {
            self.inner.intervals(rows, level, watch)
        })?;
        let made = |data| -> PyResult<Two<'py>> { Ok(two(data, self.p)?.into_pyarray(py)) };
        let thin = found.thin.into_pyarray(py);
        Ok((
            made(found.values)?,
            made(found.lower)?,
            made(found.upper)?,
            thin,
        ))
    }

    /// Fitted values and leave-one-out residuals ``[n, p]``, leverages ``[n]``, the traces of the hat matrix and of its square, and the variance
    /// ``[p]`` of a response of weight 1.
    #[pyo3(signature = (threads=0))]
    #[allow(clippy::type_complexity)]
    fn diagnostics<'py>(
        &self,
        py: Python<'py>,
        threads: usize,
    ) -> PyResult<(Two<'py>, Two<'py>, One<'py>, f64, f64, One<'py>)> {
        let inner = self.inner.polynomial();
        let found = watched(py, threads, None, |watch| inner.diagnostics(watch))?;
        Ok((
            two(found.fitted, self.p)?.into_pyarray(py),
            two(found.loo_residuals, self.p)?.into_pyarray(py),
            found.leverage.into_pyarray(py),
            found.dof,
            found.dof_squared,
            found.variance.into_pyarray(py),
        ))
    }

    /// Rows of the hat matrix ``[m, n]`` at targets ``[m, d]``; NaN in an empty region.
    #[pyo3(signature = (targets, threads=0))]
    fn hat_rows<'py>(&self, targets: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.hat_rows(rows, watch))?;
        let n = self.inner.polynomial().local_means().order().len();
        Ok(two(found, n)?.into_pyarray(py))
    }

    /// Indices and weights ``[m, k]`` of the samples that weigh most at targets ``[m, d]``; what is not there has the index -1.
    #[pyo3(signature = (targets, k, threads=0))]
    fn explain<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        k: usize,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray2<isize>>, Two<'py>)> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| {
            self.inner.explain(rows, k, watch)
        })?;
        let m = rows.rows();
        let place = |i: &Option<usize>| i.map_or(-1, usize::cast_signed);
        let indices = found.samples.iter().map(place).collect();
        let indices = Array2::from_shape_vec((m, k), indices).map_err(shaped)?;
        let weights = Array2::from_shape_vec((m, k), found.weights).map_err(shaped)?;
        Ok((indices.into_pyarray(py), weights.into_pyarray(py)))
    }
}

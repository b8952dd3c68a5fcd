//! LOWESS.

use locality::local::lowess::{self, Lowess, Missing};
use locality::{Error, Float};
use numpy::{Element, IntoPyArray, PyArray1, PyReadonlyArray1, prelude::*};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::to_python;
use crate::nearest::positions;
use crate::watch::watched;

/// A fitted curve. Arrays have one dimension and one number type, float32 or float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LowessFit {
    inner: Fit,
}

enum Fit {
    F32(lowess::LowessFit<f32>),
    F64(lowess::LowessFit<f64>),
}

/// Runs an expression on either fit.
macro_rules! either {
    ($self:ident, $fit:ident => $run:expr) => {
        match &$self.inner {
            Fit::F32($fit) => $run,
            Fit::F64($fit) => $run,
        }
    };
}

#[pymethods]
impl LowessFit {
    #[new]
    #[pyo3(signature = (x, y, *, frac, it, delta, degree, drop, errors, sample_weight=None, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        x: &Bound<'_, PyAny>,
        y: &Bound<'_, PyAny>,
        frac: f64,
        it: usize,
        delta: f64,
        degree: usize,
        drop: bool,
        errors: bool,
        sample_weight: Option<&Bound<'_, PyAny>>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let parameters = Lowess::new()
            .frac(frac)
            .robust_iterations(it)
            .delta(delta)
            .degree(degree)
            .missing(if drop { Missing::Drop } else { Missing::Error })
            .standard_errors(errors);
        let inner = if x.cast::<PyArray1<f32>>().is_ok() {
            Fit::F32(fit(&parameters, x, y, sample_weight, threads, progress)?)
        } else {
            Fit::F64(fit(&parameters, x, y, sample_weight, threads, progress)?)
        };
        Ok(Self { inner })
    }

    /// The curve at each row, ``[n]``.
    fn fitted<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        either!(self, f => f.fitted().to_vec().into_pyarray(py).into_any())
    }

    /// Response minus curve, ``[n]``.
    fn residuals<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        either!(self, f => f.residuals().into_pyarray(py).into_any())
    }

    /// The robustness weights of the last pass, ``[n]``.
    fn robustness_weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        either!(self, f => f.robustness_weights().into_pyarray(py).into_any())
    }

    /// Positions of the rows that took part, by ascending ``x``.
    fn order<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let order = either!(self, f => f.order().to_vec());
        positions(order).into_pyarray(py).into_any()
    }

    /// Standard errors of the fitted values, ``[n]``.
    fn standard_errors<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        either!(self, f => f.standard_errors().map(|e| e.into_pyarray(py).into_any()))
    }

    /// What each row counts in its own fitted value, ``[n]``.
    fn leverages<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        either!(self, f => f.leverages().map(|e| e.into_pyarray(py).into_any()))
    }

    /// Rows of a window.
    fn n_neighbors(&self) -> usize {
        either!(self, f => f.n_neighbors())
    }

    /// Residual scale, equivalent degrees of freedom, residual degrees of freedom.
    fn summary(&self) -> Option<(f64, f64, f64)> {
        either!(self, f => Some((f.residual_scale()?, f.equivalent_df()?, f.residual_df()?)))
    }

    /// The curve at new places ``[m]``, with standard errors where asked for.
    #[pyo3(signature = (x, errors=false, threads=0))]
    fn predict<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        errors: bool,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        either!(self, f => predict(f, x, errors, threads))
    }
}

fn fit<T: Element + Float>(
    parameters: &Lowess,
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
    sample_weight: Option<&Bound<'_, PyAny>>,
    threads: usize,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<lowess::LowessFit<T>> {
    let (x, y) = (Column::<T>::new(x, "x")?, Column::<T>::new(y, "y")?);
    let weights = sample_weight.map(|w| Column::<T>::new(w, "sample_weight"));
    let weights = weights.transpose()?;
    let (rows_x, rows_y) = (x.slice()?, y.slice()?);
    let rows_w = weights.as_ref().map(Column::slice).transpose()?;
    watched(x.py, threads, progress, |watch| match rows_w {
        Some(weights) => parameters.fit_weighted(rows_x, rows_y, weights, watch),
        None => parameters.fit(rows_x, rows_y, watch),
    })
}

fn predict<'py, T: Element + Float>(
    fit: &lowess::LowessFit<T>,
    x: &Bound<'py, PyAny>,
    errors: bool,
    threads: usize,
) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
    let x = Column::<T>::new(x, "x")?;
    let (py, rows) = (x.py, x.slice()?);
    if errors {
        let (values, errors) = watched(py, threads, None, |watch| {
            fit.predict_with_errors(rows, watch)
        })?;
        return Ok((
            values.into_pyarray(py).into_any(),
            Some(errors.into_pyarray(py).into_any()),
        ));
    }
    let values = watched(py, threads, None, |watch| fit.predict(rows, watch))?;
    Ok((values.into_pyarray(py).into_any(), None))
}

/// A 1-d array in one piece.
struct Column<'py, T: Element> {
    py: Python<'py>,
    array: PyReadonlyArray1<'py, T>,
    name: &'static str,
}

impl<'py, T: Element + Float> Column<'py, T> {
    fn new(x: &Bound<'py, PyAny>, name: &'static str) -> PyResult<Self> {
        let array = x.cast::<PyArray1<T>>().map_err(|_| {
            PyTypeError::new_err(format!(
                "{name} must be a one-dimensional numpy array of {}",
                T::NAME.replace('f', "float")
            ))
        })?;
        Ok(Self {
            py: x.py(),
            array: array.try_readonly()?,
            name,
        })
    }

    fn slice(&self) -> PyResult<&[T]> {
        if self.array.is_empty() {
            return Ok(&[]);
        }
        self.array.as_slice().map_err(|_| {
            to_python(Error::shape(format!(
                "{} must lie in memory in one piece; pass numpy.ascontiguousarray of it",
                self.name
            )))
        })
    }
}

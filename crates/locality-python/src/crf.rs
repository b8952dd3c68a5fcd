//! The fully connected conditional random field.

use locality::labeling::{self, Compatibility, MeanField, Pairwise, SumsBy};
use locality::{Float, Rows};
use numpy::{Element, PyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::hopfield::table;
use crate::watch::watched;

/// A pairwise term as Python gives it: the grid's shape or none, bandwidths, features `[n, c]` or none, their bandwidths, costs (a number,
/// `[1, k]` or `[k, k]`), normalization.
type Given<'py> = (
    Option<Vec<usize>>,
    Vec<f64>,
    Option<Bound<'py, PyAny>>,
    Vec<f64>,
    Bound<'py, PyAny>,
    String,
);

/// Unary energies and pairwise terms, ready for mean-field inference.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct DenseCrfField {
    inner: Fit,
}

enum Fit {
    F32(MeanField<f32>),
    F64(MeanField<f64>),
}

macro_rules! with {
    ($field:expr, $m:ident => $run:expr) => {
        match $field {
            Fit::F32($m) => $run,
            Fit::F64($m) => $run,
        }
    };
}

fn costs(given: &Bound<'_, PyAny>) -> PyResult<Compatibility> {
    if let Ok(weight) = given.extract::<f64>() {
        return Ok(Compatibility::Potts(weight));
    }
    let matrix = Matrix::<f64>::from_any(given, "compat")?;
    let rows = matrix.rows()?;
    Ok(if rows.rows() == 1 && rows.columns() != 1 {
        Compatibility::Diagonal(rows.to_vec())
    } else {
        Compatibility::Matrix(rows.to_vec())
    })
}

fn term<T: Element + Float>(given: &Given<'_>) -> PyResult<Pairwise<T>> {
    let (shape, bandwidths, features, ranges, compat, normalization) = given;
    let features = features
        .as_ref()
        .map(|f| Matrix::<T>::from_any(f, "features"));
    let features = features.transpose()?;
    let rows: Option<Rows<'_, T>> = features.as_ref().map(Matrix::rows).transpose()?;
    let compat = costs(compat)?;
    let made = match (shape, rows) {
        (Some(shape), Some(rows)) => Pairwise::bilateral(shape, bandwidths, rows, ranges, compat),
        (Some(shape), None) => Pairwise::gaussian(shape, bandwidths, compat),
        (None, Some(rows)) => Pairwise::features(rows, ranges, compat),
        (None, None) => return Err(PyTypeError::new_err("a term needs places or features")),
    };
    let normalization = normalization.parse().map_err(to_python)?;
    Ok(made.map_err(to_python)?.normalization(normalization))
}

fn fit<T: Element + Float>(
    unary: &Bound<'_, PyArray2<T>>,
    terms: &[Given<'_>],
    tolerance: f64,
    threads: usize,
) -> PyResult<MeanField<T>> {
    let mut crf = labeling::DenseCrf::new().tolerance(tolerance);
    for given in terms {
        crf = crf.pairwise(term(given)?);
    }
    let data = Matrix::new(unary)?;
    let rows = data.rows()?;
    watched(unary.py(), threads, None, |watch| crf.fit(rows, watch))
}

#[pymethods]
impl DenseCrfField {
    #[new]
    #[pyo3(signature = (unary, terms, tolerance, threads=0))]
    #[allow(clippy::needless_pass_by_value)]
    fn new(
        unary: &Bound<'_, PyAny>,
        terms: Vec<Given<'_>>,
        tolerance: f64,
        threads: usize,
    ) -> PyResult<Self> {
        let inner = two_kinds!(
            unary,
            "unary",
            |u: f32| Fit::F32(fit(u, &terms, tolerance, threads)?),
            |u: f64| Fit::F64(fit(u, &terms, tolerance, threads)?)
        );
        Ok(Self { inner })
    }

    /// How the sums of each term are made.
    fn sums_by(&self) -> Vec<&'static str> {
        let name = |by| match by {
            SumsBy::Axes => "axes",
            SumsBy::Splines => "splines",
            _ => "pairs",
        };
        with!(&self.inner, m => m.sums_by().into_iter().map(name).collect())
    }

    /// The distributions of the unary energies alone, ``[n, k]``.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        with!(&self.inner, m => table(py, m.start(), m.objects(), m.classes()))
    }

    /// One step from distributions ``[n, k]``.
    #[pyo3(signature = (distributions, threads=0))]
    fn step<'py>(
        &self,
        distributions: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn step<'py, T: Element + Float>(
            field: &MeanField<T>,
            q: &Bound<'py, PyAny>,
            threads: usize,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::<T>::from_any(q, "Q")?;
            let own = data.rows()?.to_vec();
            let next = watched(q.py(), threads, None, |watch| field.step(&own, watch))?;
            table(q.py(), next, field.objects(), field.classes())
        }
        with!(&self.inner, m => step(m, distributions, threads))
    }

    /// Distributions ``[n, k]`` after so many steps, and how much the last one moved them.
    #[pyo3(signature = (steps, threads=0, progress=None))]
    fn inference<'py>(
        &self,
        py: Python<'py>,
        steps: usize,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, f64)> {
        with!(&self.inner, m => {
            let found = watched(py, threads, progress, |watch| m.inference(steps, watch))?;
            Ok((table(py, found.distributions, m.objects(), m.classes())?, found.change))
        })
    }

    /// Negative entropy, unary and pairwise energy of distributions ``[n, k]``.
    #[pyo3(signature = (distributions, threads=0))]
    fn free_energy(
        &self,
        distributions: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<(f64, f64, f64)> {
        fn energy<T: Element + Float>(
            field: &MeanField<T>,
            q: &Bound<'_, PyAny>,
            threads: usize,
        ) -> PyResult<(f64, f64, f64)> {
            let data = Matrix::<T>::from_any(q, "Q")?;
            let own = data.rows()?.to_vec();
            let found = watched(q.py(), threads, None, |w| field.free_energy(&own, w))?;
            Ok((found.negative_entropy, found.unary, found.pairwise))
        }
        with!(&self.inner, m => energy(m, distributions, threads))
    }
}

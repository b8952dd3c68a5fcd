//! Kernels and neighbourhoods as Python objects, which are their text.

// Help texts for Python, where brackets around quotes are lists.
#![allow(clippy::doc_link_with_quotes)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::to_python;

/// A localization kernel: how much a key counts at a query.
///
/// Kernels multiply, add, scale and take powers; their text reads back.
///
/// Parameters
/// ----------
/// text : str or Kernel
///     For example ``"gaussian(h=0.3)"`` or ``"tricube(knn=30) * uniform(cols=group)"``; ``locality.kernels`` has one
///     function for each profile.
///
/// Examples
/// --------
/// >>> import locality as lc
/// >>> lc.Kernel("gaussian(h=0.3)") * lc.Kernel("uniform(cols=2)")
/// Kernel('gaussian(h=0.3) * uniform(cols=2)')
/// >>> 0.5 * lc.kernels.cauchy(h=1) + lc.kernels.laplace(h=2) ** 2
/// Kernel('0.5 * cauchy(h=1) + laplace(h=2)^2')
#[pyclass(frozen, module = "locality._core", subclass)]
pub(crate) struct Kernel {
    pub(crate) inner: locality::Kernel,
}

fn wrap(inner: locality::Kernel) -> PyResult<Kernel> {
    inner.check().map_err(to_python)?;
    Ok(Kernel { inner })
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[pymethods]
impl Kernel {
    #[new]
    fn new(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            inner: kernel_of(text)?,
        })
    }

    /// The same kernel with column names replaced by their positions in ``names``.
    ///
    /// Parameters
    /// ----------
    /// names : list of str
    ///     All columns of the keys, in order.
    ///
    /// Returns
    /// -------
    /// Kernel
    ///
    /// Examples
    /// --------
    /// >>> import locality as lc
    /// >>> lc.Kernel("gaussian(h=2) * uniform(cols=site)").with_columns(["x", "y", "site"])
    /// Kernel('gaussian(h=2, cols=[0, 1]) * uniform(cols=2)')
    #[allow(clippy::needless_pass_by_value)]
    fn with_columns(&self, names: Vec<String>) -> PyResult<Self> {
        let inner = self.inner.with_columns(&names).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// Every number of the kernel with its name, in the order of its text.
    ///
    /// Returns
    /// -------
    /// list of (str, float)
    ///     For each part its profile's parameters, its bandwidths, the entries of its map; before each part of a sum its
    ///     coefficient; after a power's base its exponent. What is left to a rule (``knn=``, no ``h``) is no parameter.
    ///
    /// Examples
    /// --------
    /// >>> import locality as lc
    /// >>> lc.Kernel("gaussian(h=2) * softmax(beta=3)").parameters()
    /// [('gaussian.h', 2.0), ('softmax.beta', 3.0)]
    fn parameters(&self) -> Vec<(String, f64)> {
        self.inner.parameters()
    }

    /// The same kernel with other numbers.
    ///
    /// Parameters
    /// ----------
    /// values : list of float
    ///     In the order of ``parameters()``.
    ///
    /// Returns
    /// -------
    /// Kernel
    ///
    /// Examples
    /// --------
    /// >>> import locality as lc
    /// >>> lc.Kernel("gaussian(h=2) * softmax(beta=3)").with_parameters([0.5, 4])
    /// Kernel('gaussian(h=0.5) * softmax(beta=4)')
    #[allow(clippy::needless_pass_by_value)]
    fn with_parameters(&self, values: Vec<f64>) -> PyResult<Self> {
        let inner = self.inner.with_parameters(&values).map_err(to_python)?;
        Ok(Self { inner })
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = PyString::new(py, &self.inner.to_string());
        Ok(format!("Kernel({})", text.repr()?))
    }

    fn __hash__(&self) -> u64 {
        hash(&self.inner.to_string())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|o| o.get().inner.to_string() == self.inner.to_string())
    }

    fn __getnewargs__(&self) -> (String,) {
        (self.inner.to_string(),)
    }

    fn __mul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(factor) = other.extract::<f64>() {
            return wrap(factor * self.inner.clone());
        }
        wrap(self.inner.clone() * kernel_of(other)?)
    }

    fn __rmul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(factor) = other.extract::<f64>() {
            return wrap(factor * self.inner.clone());
        }
        wrap(kernel_of(other)? * self.inner.clone())
    }

    fn __add__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        wrap(self.inner.clone() + kernel_of(other)?)
    }

    fn __radd__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        wrap(kernel_of(other)? + self.inner.clone())
    }

    fn __pow__(&self, power: f64, modulo: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        if modulo.is_some() {
            return Err(PyValueError::new_err("a kernel's power takes no modulus"));
        }
        wrap(self.inner.clone().power(power))
    }
}

/// A kernel from a `Kernel` or its text.
pub(crate) fn kernel_of(value: &Bound<'_, PyAny>) -> PyResult<locality::Kernel> {
    if let Ok(kernel) = value.cast::<Kernel>() {
        return Ok(kernel.get().inner.clone());
    }
    match value.cast::<PyString>() {
        Ok(text) => text.to_string().parse().map_err(to_python),
        Err(_) => Err(PyTypeError::new_err(format!(
            "kernel must be a Kernel or a text such as 'gaussian(h=0.3)', not {}",
            value.get_type().name()?
        ))),
    }
}

/// Which keys a query may see: all its conditions must hold.
///
/// Parameters
/// ----------
/// text : str or Neighborhood, default "all"
///     For example ``"nearest(k=10)"``, ``"radius(r=0.5)"``, ``"causal"`` or ``"nearest(k=10) & hollow"``.
///
/// Examples
/// --------
/// >>> import locality as lc
/// >>> lc.Neighborhood("nearest(k=10)") & "hollow"
/// Neighborhood('nearest(k=10) & hollow')
#[pyclass(frozen, module = "locality._core", subclass)]
pub(crate) struct Neighborhood {
    pub(crate) inner: locality::Neighborhood,
}

#[pymethods]
impl Neighborhood {
    #[new]
    #[pyo3(signature = (text=None))]
    fn new(text: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self {
            inner: neighborhood_of(text)?,
        })
    }

    /// The same neighbourhood with column names replaced by their positions in ``names``.
    ///
    /// Parameters
    /// ----------
    /// names : list of str
    ///     All columns of the keys, in order.
    ///
    /// Returns
    /// -------
    /// Neighborhood
    #[allow(clippy::needless_pass_by_value)]
    fn with_columns(&self, names: Vec<String>) -> PyResult<Self> {
        let inner = self.inner.with_columns(&names).map_err(to_python)?;
        Ok(Self { inner })
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = PyString::new(py, &self.inner.to_string());
        Ok(format!("Neighborhood({})", text.repr()?))
    }

    fn __hash__(&self) -> u64 {
        hash(&self.inner.to_string())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|o| o.get().inner.to_string() == self.inner.to_string())
    }

    fn __getnewargs__(&self) -> (String,) {
        (self.inner.to_string(),)
    }

    fn __and__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = self.inner.clone().and(neighborhood_of(Some(other))?);
        Ok(Self { inner })
    }

    fn __rand__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = neighborhood_of(Some(other))?.and(self.inner.clone());
        Ok(Self { inner })
    }
}

/// A neighbourhood from a `Neighborhood`, its text or nothing (every key).
pub(crate) fn neighborhood_of(
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<locality::Neighborhood> {
    let Some(value) = value else {
        return Ok(locality::Neighborhood::all());
    };
    if let Ok(neighborhood) = value.cast::<Neighborhood>() {
        return Ok(neighborhood.get().inner.clone());
    }
    match value.cast::<PyString>() {
        Ok(text) => text.to_string().parse().map_err(to_python),
        Err(_) => Err(PyTypeError::new_err(format!(
            "neighborhood must be a Neighborhood or a text such as 'nearest(k=10)', not {}",
            value.get_type().name()?
        ))),
    }
}

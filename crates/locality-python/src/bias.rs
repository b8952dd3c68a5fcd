//! Score biases from Python.

use locality::{Bias, Float};
use numpy::{Element, PyReadonlyArray1, PyUntypedArray, prelude::*};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::Matrix;

/// Biases as they were given: two dimensions are one for each pair or, in a single row, for each key; one is by relative position.
pub(crate) enum Biases<'py, T: Element> {
    Pairs(Matrix<'py, T>),
    Relative(PyReadonlyArray1<'py, T>),
}

impl<'py, T: Element + Float> Biases<'py, T> {
    pub(crate) fn new(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        if x.cast::<PyUntypedArray>()?.ndim() == 2 {
            return Ok(Self::Pairs(Matrix::from_any(x, "bias")?));
        }
        let table = x.extract().map_err(|_| {
            PyTypeError::new_err("bias must be an array of one or two dimensions of the keys' type")
        })?;
        Ok(Self::Relative(table))
    }

    pub(crate) fn get(&self) -> PyResult<Bias<'_, T>> {
        Ok(match self {
            Self::Pairs(rows) => match rows.rows()? {
                one if one.rows() == 1 => Bias::Keys(one.row(0)),
                rows => Bias::Pairs(rows),
            },
            Self::Relative(table) => Bias::Relative(table.as_slice()?),
        })
    }
}

//! Score biases from Python.

use locality::{Bias, Float};
use numpy::{Element, PyReadonlyArray1, PyUntypedArray, prelude::*};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::array::Matrix;

/// Biases as they were given: two dimensions are one for each pair or, in a single row, for each key; one is by relative position; a pair of these
/// is by relative position and for each key.
pub(crate) enum Biases<'py, T: Element> {
    Pairs(Matrix<'py, T>),
    Relative(PyReadonlyArray1<'py, T>),
    /// Relative ones and those of the keys.
    Both(PyReadonlyArray1<'py, T>, PyReadonlyArray1<'py, T>),
}

impl<'py, T: Element + Float> Biases<'py, T> {
    pub(crate) fn new(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        let row = |x: &Bound<'py, PyAny>| {
            x.extract().map_err(|_| {
                PyTypeError::new_err(
                    "bias must be an array of one or two dimensions of the keys' type",
                )
            })
        };
        if let Ok(both) = x.cast::<PyTuple>() {
            return Ok(Self::Both(
                row(&both.get_item(0)?)?,
                row(&both.get_item(1)?)?,
            ));
        }
        if x.cast::<PyUntypedArray>()?.ndim() == 2 {
            return Ok(Self::Pairs(Matrix::from_any(x, "bias")?));
        }
        Ok(Self::Relative(row(x)?))
    }

    pub(crate) fn get(&self) -> PyResult<Bias<'_, T>> {
        Ok(match self {
            Self::Pairs(rows) => match rows.rows()? {
                one if one.rows() == 1 => Bias::Keys(one.row(0)),
                rows => Bias::Pairs(rows),
            },
            Self::Relative(table) => Bias::Relative(table.as_slice()?),
            Self::Both(relative, keys) => Bias::RelativeAndKeys {
                relative: relative.as_slice()?,
                keys: keys.as_slice()?,
            },
        })
    }
}

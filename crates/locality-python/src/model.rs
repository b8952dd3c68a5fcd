//! Model files: their bytes, and what is in them.

use locality::model::{About, Array, ModelFile, Parameters};
use numpy::ndarray::{ArrayD, IxDyn};
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::to_python;

/// The bytes of a model file: a kind of model, its parameters and what it knows of its table as JSON objects, and arrays by name
/// (float64, float32 or int64).
#[pyfunction]
pub(crate) fn model_to_bytes<'py>(
    kind: &str,
    parameters: &str,
    about: &str,
    arrays: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let parameters = Parameters::from_json(parameters).map_err(to_python)?;
    let about = About::from_json(about).map_err(to_python)?;
    let mut file = ModelFile::new(kind, parameters).with_about(about);
    for (name, array) in arrays {
        let name: String = name.extract()?;
        file = file.with(&name, array_of(&name, &array)?);
    }
    let bytes = file.to_bytes().map_err(to_python)?;
    Ok(PyBytes::new(arrays.py(), &bytes))
}

/// Kind, parameters, what it knows of its table, names of its columns, and arrays of a model file.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn model_from_bytes<'py>(
    py: Python<'py>,
    data: &[u8],
) -> PyResult<(String, String, String, Vec<String>, Bound<'py, PyDict>)> {
    let file = ModelFile::from_bytes(data).map_err(to_python)?;
    let arrays = PyDict::new(py);
    for (name, array) in file.arrays() {
        let shape = IxDyn(array.shape());
        let wrong = |e: numpy::ndarray::ShapeError| PyTypeError::new_err(e.to_string());
        match array {
            Array::F64(_, x) => {
                let made = ArrayD::from_shape_vec(shape, x.clone()).map_err(wrong)?;
                arrays.set_item(name, made.into_pyarray(py))?;
            }
            Array::F32(_, x) => {
                let made = ArrayD::from_shape_vec(shape, x.clone()).map_err(wrong)?;
                arrays.set_item(name, made.into_pyarray(py))?;
            }
            Array::I64(_, x) => {
                let made = ArrayD::from_shape_vec(shape, x.clone()).map_err(wrong)?;
                arrays.set_item(name, made.into_pyarray(py))?;
            }
        }
    }
    Ok((
        file.kind().to_owned(),
        file.parameters().to_json(),
        file.about().to_json(),
        file.about().expanded(),
        arrays,
    ))
}

fn array_of(name: &str, array: &Bound<'_, PyAny>) -> PyResult<Array> {
    if let Ok(x) = array.cast::<PyArrayDyn<f64>>() {
        return Ok(Array::F64(x.shape().to_vec(), x.to_vec()?));
    }
    if let Ok(x) = array.cast::<PyArrayDyn<f32>>() {
        return Ok(Array::F32(x.shape().to_vec(), x.to_vec()?));
    }
    if let Ok(x) = array.cast::<PyArrayDyn<i64>>() {
        return Ok(Array::I64(x.shape().to_vec(), x.to_vec()?));
    }
    Err(PyTypeError::new_err(format!(
        "the array '{name}' must be of float64, float32 or int64"
    )))
}

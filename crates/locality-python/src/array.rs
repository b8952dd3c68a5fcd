//! Numpy arrays as row views, without copies where the layout allows.

use locality::{Float, Rows};
use numpy::{Element, PyArray2, PyArrayDyn, PyReadonlyArray2, PyReadonlyArrayDyn, prelude::*};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::to_python;

/// A matrix from Python: borrowed where rows are contiguous (in an array that is itself in one piece), else copied.
pub(crate) struct Matrix<'py, T: Element> {
    storage: Storage<'py, T>,
    rows: usize,
    columns: usize,
}

enum Storage<'py, T: Element> {
    Whole(PyReadonlyArray2<'py, T>),
    /// Rows a fixed way apart inside a larger array.
    Within {
        base: PyReadonlyArrayDyn<'py, T>,
        offset: usize,
        stride: usize,
    },
    Copied(Vec<T>),
}

/// Runs one of two branches by the number type of a 2-d array.
macro_rules! two_kinds {
    ($array:expr, $name:literal, |$a:ident: f32| $narrow:expr, |$b:ident: f64| $wide:expr) => {
        if let Ok($a) = $array.cast::<numpy::PyArray2<f32>>() {
            $narrow
        } else if let Ok($b) = $array.cast::<numpy::PyArray2<f64>>() {
            $wide
        } else {
            return Err(pyo3::exceptions::PyTypeError::new_err(concat!(
                $name,
                " must be a two-dimensional numpy array of float32 or float64"
            )));
        }
    };
}
pub(crate) use two_kinds;

impl<'py, T: Element + Float> Matrix<'py, T> {
    /// A view of a 2-d array of this number type; `name` is what the caller calls it.
    pub(crate) fn from_any(array: &Bound<'py, PyAny>, name: &str) -> PyResult<Self> {
        match array.cast::<PyArray2<T>>() {
            Ok(array) => Self::new(array),
            Err(_) => Err(PyTypeError::new_err(format!(
                "{name} must be a two-dimensional numpy array of {}",
                T::NAME.replace('f', "float")
            ))),
        }
    }

    /// A view of a 2-d array.
    pub(crate) fn new(array: &Bound<'py, PyArray2<T>>) -> PyResult<Self> {
        let &[rows, columns] = array.shape() else {
            return Err(PyTypeError::new_err("a two-dimensional array is needed"));
        };
        let storage = if array.is_c_contiguous() && array.is_aligned() {
            Storage::Whole(array.try_readonly()?)
        } else if let Some(within) = within(array)? {
            within
        } else {
            Storage::Copied(array.try_readonly()?.as_array().iter().copied().collect())
        };
        Ok(Self {
            storage,
            rows,
            columns,
        })
    }

    /// The rows.
    pub(crate) fn rows(&self) -> PyResult<Rows<'_, T>> {
        match &self.storage {
            Storage::Whole(array) => Rows::new(array.as_slice()?, self.rows, self.columns),
            Storage::Copied(data) => Rows::new(data, self.rows, self.columns),
            Storage::Within {
                base,
                offset,
                stride,
            } => {
                let data = base.as_slice()?.get(*offset..).unwrap_or_default();
                Rows::with_stride(data, self.rows, self.columns, *stride)
            }
        }
        .map_err(to_python)
    }
}

/// The part of the array's base that it shows, where that is rows a fixed way apart.
fn within<'py, T: Element>(array: &Bound<'py, PyArray2<T>>) -> PyResult<Option<Storage<'py, T>>> {
    let size = size_of::<T>();
    let (shape, strides) = (array.shape(), array.strides());
    let Ok(step) = usize::try_from(strides[0]) else {
        return Ok(None);
    };
    let inner = shape[1] == 1 || usize::try_from(strides[1]) == Ok(size);
    if !inner || shape[0] < 2 || step % size != 0 || step / size < shape[1] || !array.is_aligned() {
        return Ok(None);
    }
    let base = array.getattr("base")?;
    let Ok(base) = base.cast_into::<PyArrayDyn<T>>() else {
        return Ok(None);
    };
    // Addresses are compared as numbers; the base's own slice is what is read.
    let distance = (array.data() as usize).checked_sub(base.data() as usize);
    match distance {
        Some(distance) if base.is_contiguous() && base.is_aligned() && distance % size == 0 => {
            Ok(Some(Storage::Within {
                base: base.try_readonly()?,
                offset: distance / size,
                stride: step / size,
            }))
        }
        _ => Ok(None),
    }
}

/// Whether a 2-d array of float32 or float64 is read where it lies, without a copy.
#[pyfunction]
pub(crate) fn reads_in_place(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    fn borrowed<T: Element + Float>(array: &Bound<'_, PyArray2<T>>) -> PyResult<bool> {
        let matrix = Matrix::new(array)?;
        matrix.rows()?;
        Ok(!matches!(matrix.storage, Storage::Copied(_)))
    }
    Ok(two_kinds!(
        array,
        "array",
        |a: f32| borrowed(a)?,
        |a: f64| borrowed(a)?
    ))
}

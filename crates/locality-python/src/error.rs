//! The one place where the core's errors become Python's.

use locality::{Error, ErrorKind};
use pyo3::PyErr;
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};

/// The Python exception of an error, with the same sentence. What has the wrong type never gets here: it is a `TypeError`
/// of the conversion.
#[allow(clippy::needless_pass_by_value)] // so that it can be handed to `map_err`
pub(crate) fn to_python(error: Error) -> PyErr {
    let message = error.to_string();
    match error.kind() {
        ErrorKind::Interrupted => PyKeyboardInterrupt::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

//! The core's lists, from which the Python names and their help texts are made.

use locality::{MetricInfo, NeighborhoodInfo, ProfileInfo, Takes};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The profiles of kernels, one dictionary each.
///
/// Returns
/// -------
/// list of dict
///     Keys ``name``, ``aliases``, ``formula``, ``takes`` (``"distance"`` or ``"score"``), ``bounded``, ``parameters``
///     (a list of dictionaries ``name``, ``default``, ``min``, ``open``, ``summary``) and ``summary``.
#[pyfunction]
pub(crate) fn profiles(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    locality::profiles()
        .iter()
        .map(|p| profile(py, p))
        .collect()
}

fn profile<'py>(py: Python<'py>, info: &ProfileInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", info.name)?;
    dict.set_item("aliases", info.aliases)?;
    dict.set_item("formula", info.formula)?;
    dict.set_item(
        "takes",
        match info.takes {
            Takes::Distance => "distance",
            Takes::Score => "score",
        },
    )?;
    dict.set_item("bounded", info.bounded)?;
    let mut parameters = Vec::new();
    for p in info.parameters {
        let entry = PyDict::new(py);
        entry.set_item("name", p.name)?;
        entry.set_item("default", p.default)?;
        entry.set_item("min", p.min)?;
        entry.set_item("open", p.open)?;
        entry.set_item("summary", p.summary)?;
        parameters.push(entry);
    }
    dict.set_item("parameters", parameters)?;
    dict.set_item("summary", info.summary)?;
    Ok(dict)
}

/// The metrics, one dictionary each.
///
/// Returns
/// -------
/// list of dict
///     Keys ``name``, ``aliases``, ``formula`` and ``summary``.
#[pyfunction]
pub(crate) fn metrics(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    locality::metrics().iter().map(|m| metric(py, m)).collect()
}

fn metric<'py>(py: Python<'py>, info: &MetricInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", info.name)?;
    dict.set_item("aliases", info.aliases)?;
    dict.set_item("formula", info.formula)?;
    dict.set_item("summary", info.summary)?;
    Ok(dict)
}

/// The neighbourhoods, one dictionary each.
///
/// Returns
/// -------
/// list of dict
///     Keys ``name``, ``form`` and ``summary``.
#[pyfunction]
pub(crate) fn neighborhoods(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let all = locality::neighborhoods().iter();
    all.map(|n| neighborhood(py, n)).collect()
}

fn neighborhood<'py>(py: Python<'py>, info: &NeighborhoodInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", info.name)?;
    dict.set_item("form", info.form)?;
    dict.set_item("summary", info.summary)?;
    Ok(dict)
}

//! Charts.

use std::path::{Path, PathBuf};

use locality::Rows;

use crate::error::{Error, Result};

/// A scatter plot of a clustered table.
pub(crate) fn clusters(
    _columns: &[String],
    _rows: Rows<'_, f64>,
    _labels: &[i64],
    _centers: Option<Rows<'_, f64>>,
    _path: &Path,
) -> Result<()> {
    Err(Error::usage("plots are not there yet"))
}

/// One chart for each kernel; returns the files.
pub(crate) fn kernels(_dir: &Path) -> Result<Vec<PathBuf>> {
    Err(Error::usage("plots are not there yet"))
}

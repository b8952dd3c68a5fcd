//! The demo.

use std::path::Path;

use crate::context::Context;
use crate::error::{Error, Result};

/// Writes the demo into a folder.
pub(crate) fn run(_dir: &Path, _context: &Context) -> Result<()> {
    Err(Error::usage("the demo is not there yet"))
}

//! `locality demo`.

use std::path::PathBuf;

use crate::context::Context;
use crate::error::Result;

/// Flags of `locality demo`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality demo
  locality demo -o pages")]
pub(crate) struct Args {
    /// Folder for the pages and pictures
    #[arg(short, long, value_name = "DIR", default_value = "demo")]
    output: PathBuf,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<()> {
    crate::demo::run(&args.output, context)
}

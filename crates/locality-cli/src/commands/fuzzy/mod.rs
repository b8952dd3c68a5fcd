//! `locality fuzzy`: rules in words.

mod eval;
mod learn;
mod plot;

use std::path::Path;

use locality::fuzzy::{Format, FuzzySystem};

use crate::context::Context;
use crate::error::{Error, Result};

/// What to do with rules.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Evaluate rules at the rows of a table
    Eval(eval::Args),
    /// Learn rules from a table
    Learn(learn::Args),
    /// Draw the terms of a rule file, and an output over two inputs
    Plot(plot::Args),
}

pub(crate) fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Eval(args) => eval::run(args, context),
        Command::Learn(args) => learn::run(args, context),
        Command::Plot(args) => plot::run(args, context),
    }
}

/// Reads a rule file by its ending.
fn read(path: &Path) -> Result<FuzzySystem> {
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned());
    let format = Format::of_ending(&ending.unwrap_or_default()).map_err(|_| {
        Error::usage(format!(
            "{} must end in .toml, .fcl or .fis",
            path.display()
        ))
    })?;
    let bytes = std::fs::read(path).map_err(|e| Error::unreadable(&path.display(), &e))?;
    let text = String::from_utf8_lossy(&bytes);
    FuzzySystem::read(&text, format).map_err(|e| Error::data(e.to_string()).context(path.display()))
}

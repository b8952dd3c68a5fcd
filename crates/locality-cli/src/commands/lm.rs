//! `locality lm`.

mod attention;
mod begin;
mod curves;
mod generate;
mod train;

use std::path::Path;

use clap::Subcommand;
use locality_learn::Checkpoint;
use locality_learn::pretrained::language_model;

use crate::context::Context;
use crate::error::{Error, Result};

/// What to do with a language model.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a Transformer, or one whose layers weigh by any other kernel, on a text
    Train(Box<train::Args>),
    /// Write on from a prompt
    Generate(generate::Args),
    /// Draw which tokens look at which, head by head
    Attention(attention::Args),
    /// Draw the losses of several models into one picture
    Curves(curves::Args),
}

/// Runs it.
pub(crate) fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, context),
        Command::Generate(args) => generate::run(args, context),
        Command::Attention(args) => attention::run(args, context),
        Command::Curves(args) => curves::run(args, context),
    }
}

/// A model file, or the folder of a published model.
fn load(path: &Path) -> Result<Checkpoint> {
    if path.is_dir() {
        return language_model(path).map_err(|e| Error::data(e.to_string()));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::unreadable(&path.display(), &e))?;
    // Whatever is wrong with it lies in the file, not in the command line.
    Checkpoint::from_bytes(&bytes).map_err(|e| Error::data(format!("{}: {e}", path.display())))
}

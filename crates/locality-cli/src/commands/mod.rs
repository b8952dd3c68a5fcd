//! The commands, one file each.

mod demo;

use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::error::Result;

/// Any statistical model made local, on one fast primitive.
#[derive(Debug, Parser)]
#[command(name = "locality", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Threads to use; 0 takes every core. Results do not depend on it
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    threads: usize,

    /// No summary and no progress bar
    #[arg(short, long, global = true)]
    quiet: bool,

    /// The summary as one JSON object on standard output
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Show every method at work on a real photo and real tables
    Demo(demo::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let context = Context {
        threads: cli.threads,
        quiet: cli.quiet,
        json: cli.json,
    };
    match &cli.command {
        Command::Demo(args) => demo::run(args, &context),
    }
}

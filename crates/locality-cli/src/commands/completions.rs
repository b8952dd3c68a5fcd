//! `locality completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::error::Result;
use crate::output;

/// Flags of `locality completions`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  locality completions bash > ~/.local/share/bash-completion/completions/locality
  locality completions zsh > ~/.zfunc/_locality")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "locality",
        &mut script,
    );
    output::say(&String::from_utf8_lossy(&script))
}

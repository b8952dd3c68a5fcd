//! Running a program as a named step, with a clear word where it fails.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// Why a chore stopped.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A file operation that failed.
    pub(crate) fn file(what: &str, path: &Path, error: &std::io::Error) -> Self {
        Self(format!("cannot {what} {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One program to run; its output goes straight through.
pub(crate) struct Step {
    name: String,
    remedy: Option<String>,
    command: Command,
}

impl Step {
    pub(crate) fn new(name: &str, program: impl AsRef<std::ffi::OsStr>) -> Self {
        Self {
            name: name.to_owned(),
            remedy: None,
            command: Command::new(program),
        }
    }

    /// The cargo that runs this.
    pub(crate) fn cargo(name: &str, root: &Path) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        Self::new(name, cargo).current(root)
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn current(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What to do where the step fails.
    pub(crate) fn remedy(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    pub(crate) fn run(mut self) -> Result<(), Failure> {
        println!("== {}", self.name);
        let remedy = self.remedy.map_or(String::new(), |r| format!("; {r}"));
        let program = self.command.get_program().to_string_lossy().into_owned();
        match self.command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure(format!(
                "step `{}` failed ({status}){remedy}",
                self.name
            ))),
            Err(error) => Err(Failure(format!(
                "step `{}` cannot start {program}: {error}{remedy}",
                self.name
            ))),
        }
    }
}

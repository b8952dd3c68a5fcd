//! Mistakes in the command line that its parser sees and cannot explain: parts that a build lacks, outputs without their flag, signs.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::commands::Cli;

/// What a build without a feature lacks, and the feature.
const PARTS: [(&str, &str); 5] = [
    ("embed", "embed"),
    ("autoencode", "learn"),
    ("encode", "learn"),
    ("lm", "learn"),
    ("adaptive", "learn"),
];

/// Ends the process as the parser would, in a sentence of our own where it says more.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let args: Vec<String> = args
        .iter()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    if let Some(sentence) = explain(error, &args) {
        let _ = writeln!(std::io::stderr(), "error: {sentence}");
        return ExitCode::from(2);
    }
    // Help and the version are no errors.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn explain(error: &clap::Error, args: &[String]) -> Option<String> {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let feature = |part: &str| PARTS.iter().find(|(known, _)| *known == part).map(|p| p.1);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = said(ContextKind::InvalidSubcommand)?;
            let first = args.iter().find(|a| !a.starts_with('-'))?;
            let feature = feature(name).filter(|_| first == name)?;
            Some(format!(
                "this build has no `locality {name}`; build it with --features {feature}"
            ))
        }
        ErrorKind::InvalidValue => {
            let value = said(ContextKind::InvalidValue)?;
            let flag = said(ContextKind::InvalidArg)?;
            let feature = feature(value).filter(|_| flag.starts_with("--model"))?;
            Some(format!(
                "this build has no --model {value}; build it with --features {feature}"
            ))
        }
        ErrorKind::UnknownArgument => {
            let word = said(ContextKind::InvalidArg)?;
            let place = args.iter().position(|a| a == word)?;
            let before = place.checked_sub(1).map(|i| args[i].as_str());
            if word.parse::<f64>().is_ok() && word.starts_with('-') {
                let flag = before.filter(|b| b.starts_with("--"))?;
                return Some(format!("{flag} {word} must not be negative"));
            }
            let output = !word.starts_with('-') && has_output(args);
            output.then(|| {
                format!("'{word}' is one file too many; name what is to be written by -o, as in -o {word}")
            })
        }
        _ => None,
    }
}

/// Whether the command has a flag for its output.
fn has_output(args: &[String]) -> bool {
    let all = Cli::command();
    let mut command: &Command = &all;
    for arg in args {
        if let Some(own) = command.find_subcommand(arg) {
            command = own;
        }
    }
    command.get_arguments().any(|a| a.get_short() == Some('o'))
}

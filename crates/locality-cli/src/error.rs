//! The tool's one error: a sentence and an exit code.

use std::fmt;

use locality::ErrorKind;

/// `Result` with the tool's [`Error`].
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line asks for something that has no meaning: exit code 2.
    Usage(String),
    /// The data, a file or the machine does not allow it: exit code 1.
    Data(String),
    /// Ctrl-C: exit code 130.
    Interrupted,
    /// The reader of standard output has gone: a quiet end.
    BrokenPipe,
}

impl Error {
    /// An error of the command line.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    /// An error of the data or of a file.
    pub(crate) fn data(sentence: impl Into<String>) -> Self {
        Self::Data(sentence.into())
    }

    /// The same error with a few words in front.
    pub(crate) fn context(self, before: impl fmt::Display) -> Self {
        match self {
            Self::Usage(sentence) => Self::Usage(format!("{before}: {sentence}")),
            Self::Data(sentence) => Self::Data(format!("{before}: {sentence}")),
            other => other,
        }
    }

    /// The same error with the library's names of parameters turned into the tool's, `(library's, tool's)` one after the other.
    pub(crate) fn in_flags(self, names: &[(&str, &str)]) -> Self {
        let named = |sentence: String| {
            let each = names.iter();
            each.fold(sentence, |s, (from, to)| replace_words(&s, from, to))
        };
        match self {
            Self::Usage(sentence) => Self::Usage(named(sentence)),
            Self::Data(sentence) => Self::Data(named(sentence)),
            other => other,
        }
    }

    /// A file that cannot be opened or read.
    pub(crate) fn unreadable(name: &impl fmt::Display, error: &std::io::Error) -> Self {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => "; check its name and folder",
            std::io::ErrorKind::IsADirectory => "; name a file",
            std::io::ErrorKind::PermissionDenied => "; ask for the right to read it",
            _ => "",
        };
        Self::data(format!("cannot read {name}: {error}{remedy}"))
    }

    /// The same error with what to do about it behind.
    pub(crate) fn remedy(self, after: &str) -> Self {
        match self {
            Self::Usage(sentence) => Self::Usage(format!("{sentence}; {after}")),
            Self::Data(sentence) => Self::Data(format!("{sentence}; {after}")),
            other => other,
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Data(_) => 1,
            Self::Interrupted => 130,
            Self::BrokenPipe => 0,
        }
    }
}

impl From<locality::Error> for Error {
    fn from(error: locality::Error) -> Self {
        match error.kind() {
            ErrorKind::Parameter | ErrorKind::Parse | ErrorKind::Unsupported => {
                Self::Usage(error.to_string())
            }
            ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Data(error.to_string()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) | Self::Data(sentence) => f.write_str(sentence),
            Self::Interrupted => f.write_str("interrupted; nothing was written"),
            Self::BrokenPipe => f.write_str("standard output is closed"),
        }
    }
}

impl std::error::Error for Error {}

/// Replaces what begins a word; "h is" is no part of "reach is".
fn replace_words(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        out.push_str(&rest[..at]);
        let within = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let inside = out.chars().next_back().is_some_and(within);
        out.push_str(if inside { from } else { to });
        rest = &rest[at + from.len()..];
    }
    out + rest
}

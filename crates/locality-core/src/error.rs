//! The one error type of the workspace.

use std::fmt;

/// What went wrong, for programs that want to branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Lengths, rows or columns do not fit together.
    Shape,
    /// A NaN or an infinity where a finite number is needed.
    NotFinite,
    /// No samples, no queries or no columns.
    Empty,
    /// A parameter outside its range.
    Parameter,
    /// A kernel, neighbourhood or number that cannot be read from its text.
    Parse,
    /// A query whose local region holds no weight.
    EmptyRegion,
    /// A combination that has no meaning, or that this build does not do.
    Unsupported,
    /// The caller asked to stop.
    Interrupted,
}

/// An error: a [kind](ErrorKind) and one sentence that names the argument, the value and the remedy.
///
/// ```
/// use locality_core::{ErrorKind, Kernel};
/// let e = "gausian(h=1)".parse::<Kernel>().unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::Parse);
/// assert!(e.to_string().contains("gaussian"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind, with its sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error with a few words in front, for a caller who knows more.
    #[must_use]
    pub fn context(mut self, before: impl fmt::Display) -> Self {
        self.message = format!("{before}: {}", self.message);
        self
    }

    /// Lengths, rows or columns do not fit together.
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// A NaN or an infinity where a finite number is needed.
    pub fn not_finite(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFinite, message)
    }

    /// Nothing to work on.
    pub fn empty(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Empty, message)
    }

    /// A parameter outside its range.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parameter, message)
    }

    /// A text that cannot be read.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parse, message)
    }

    /// A query whose local region holds no weight.
    pub fn empty_region(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::EmptyRegion, message)
    }

    /// A combination that has no meaning here.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The caller asked to stop.
    pub fn interrupted() -> Self {
        Self::new(
            ErrorKind::Interrupted,
            "interrupted before the end; nothing was kept",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

//! The format that a path's ending means.

use std::path::Path;

use crate::error::{Error, Result};
use crate::output::is_standard;

/// The format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text with this byte between the fields.
    Delimited(u8),
    /// A NumPy array.
    Npy,
    /// Apache Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// What the ending means; no ending, and `-`, is CSV. A delimiter that is given makes it text.
    pub(crate) fn of(path: &Path, delimiter: Option<char>) -> Result<Self> {
        let delimiter = match delimiter {
            None => None,
            Some(c) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => Some(c as u8),
            Some(c) => {
                return Err(Error::usage(format!(
                    "--delimiter {c:?} must be one ASCII character other than a quote or a line end"
                )));
            }
        };
        let ending = match path.extension() {
            Some(ending) if !is_standard(path) => ending.to_string_lossy().to_ascii_lowercase(),
            _ => String::new(),
        };
        match ending.as_str() {
            "npy" => Ok(Self::Npy),
            #[cfg(feature = "parquet")]
            "parquet" | "pq" => Ok(Self::Parquet),
            #[cfg(not(feature = "parquet"))]
            "parquet" | "pq" => Err(Error::usage(format!(
                "{}: this build has no Parquet; build it with --features parquet, or use .csv, .tsv or .npy",
                path.display()
            ))),
            "" | "csv" => Ok(Self::Delimited(delimiter.unwrap_or(b','))),
            "tsv" | "tab" => Ok(Self::Delimited(delimiter.unwrap_or(b'\t'))),
            _ => match delimiter {
                Some(delimiter) => Ok(Self::Delimited(delimiter)),
                None => Err(Error::usage(format!(
                    "{}: the ending .{ending} is no known table; use .csv, .tsv or .npy, or say with --delimiter what \
                     separates the fields",
                    path.display()
                ))),
            },
        }
    }
}

//! Fuzzy systems as text: the format of its own, IEC 61131-7 FCL and MATLAB's `.fis`.

mod block;
mod fcl;
mod fis;
mod linear;
mod own;
mod toml;
mod write;

use super::FuzzySystem;
use crate::{Error, Result, names};

/// Files that are larger are no rules.
const LARGEST: usize = 64 << 20;

/// How a system is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The format of its own, a TOML document; see [`FuzzySystem::to_toml`].
    Toml,
    /// Fuzzy Control Language, IEC 61131-7; terms of jFuzzyLogic (`TRIAN`, `TRAPE`, `GAUSS`, `GBELL`, `SIGM`) too.
    Fcl,
    /// MATLAB's fuzzy inference system.
    Fis,
}

impl Format {
    /// The format of a file's ending: `toml`, `fcl` or `fis`.
    ///
    /// # Errors
    /// [`Parse`](crate::ErrorKind::Parse) for any other.
    pub fn of_ending(ending: &str) -> Result<Self> {
        match &*ending.to_lowercase() {
            "toml" => Ok(Self::Toml),
            "fcl" => Ok(Self::Fcl),
            "fis" => Ok(Self::Fis),
            _ => Err(Error::parse(names::unknown(
                "format of a fuzzy system",
                ending,
                ["toml", "fcl", "fis"].into_iter(),
            ))),
        }
    }
}

impl FuzzySystem {
    /// Reads a system from text.
    ///
    /// ```
    /// use locality::fuzzy::{Format, FuzzySystem};
    /// use locality::{Rows, Watch};
    /// let text = r#"
    /// name = "cooling"
    /// [[input]]
    /// name = "heat"
    /// range = [0, 40]
    /// [input.terms]
    /// low = "trapezoid(0, 0, 15, 25)"
    /// high = "trapezoid(15, 25, 40, 40)"
    /// [[output]]
    /// name = "fan"
    /// range = [0, 100]
    /// inference = "sugeno"
    /// [output.terms]
    /// slow = "20"
    /// fast = "50 + heat"
    /// [rules]
    /// text = '''
    /// IF heat IS low THEN fan IS slow
    /// IF heat IS high THEN fan IS fast
    /// '''
    /// "#;
    /// let system = FuzzySystem::read(text, Format::Toml)?;
    /// let fans = system.evaluate(Rows::column(&[10.0, 20.0, 30.0]), &Watch::default())?;
    /// assert_eq!(fans, [20.0, 45.0, 80.0]);
    /// assert_eq!(FuzzySystem::read(&system.to_toml(), Format::Toml)?, system);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Parse`](crate::ErrorKind::Parse) with line and column, and what [`FuzzySystem::new`] and [`FuzzySystem::add`] refuse.
    pub fn read(text: &str, format: Format) -> Result<Self> {
        if text.len() > LARGEST {
            return Err(Error::parse(format!(
                "the file has {} bytes; a fuzzy system has at most {LARGEST}",
                text.len()
            )));
        }
        let text = text.trim_start_matches('\u{feff}');
        match format {
            Format::Toml => own::read(text),
            Format::Fcl => fcl::read(text),
            Format::Fis => fis::read(text),
        }
    }
}

//! From text to codes and back.

use std::collections::BTreeSet;

use locality_core::{Error, Result};
use serde_json::{Value, json};

use crate::Bpe;

/// How text becomes codes.
///
/// ```
/// use locality_learn::Tokenizer;
/// let tokenizer = Tokenizer::chars("to be or not")?;
/// let codes = tokenizer.encode("not")?;
/// assert_eq!(tokenizer.decode(&codes)?, "not");
/// assert!(tokenizer.encode("cat").unwrap_err().to_string().contains("'c'"));
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tokenizer {
    /// Each of the 256 bytes of UTF-8 is a code: no text is unknown.
    Bytes,
    /// Each character that a text has is a code, in the order of Unicode.
    Chars(Vec<char>),
    /// Bytes, and merges of them that are common: no text is unknown.
    Bpe(Bpe),
}

impl Tokenizer {
    /// The characters of a text.
    ///
    /// # Errors
    /// An empty text.
    pub fn chars(text: &str) -> Result<Self> {
        let all: BTreeSet<char> = text.chars().collect();
        if all.is_empty() {
            return Err(Error::empty("text has no characters; give some"));
        }
        Ok(Self::Chars(all.into_iter().collect()))
    }

    /// How many codes there are.
    pub fn code_count(&self) -> usize {
        match self {
            Self::Bytes => 256,
            Self::Chars(all) => all.len(),
            Self::Bpe(bpe) => bpe.code_count(),
        }
    }

    /// The codes of a text.
    ///
    /// # Errors
    /// A character that is not among those known.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        match self {
            Self::Bytes => Ok(text.bytes().map(u32::from).collect()),
            Self::Chars(all) => {
                let code = |(i, c): (usize, char)| {
                    let found = all.binary_search(&c);
                    found.map(|code| code as u32).map_err(|_| {
                        Error::parameter(format!(
                            "the character {c:?} at position {i} (counted from 0) is not among the {} that the model knows; leave it \
                             out, or train on text that has it",
                            all.len()
                        ))
                    })
                };
                text.chars().enumerate().map(code).collect()
            }
            Self::Bpe(bpe) => Ok(bpe.encode(text)),
        }
    }

    /// The text of codes; bytes that are no UTF-8 become the replacement character.
    ///
    /// # Errors
    /// A code that is not there.
    pub fn decode(&self, codes: &[u32]) -> Result<String> {
        let unknown = |code: u32| {
            Error::parameter(format!(
                "there is no code {code}; the tokenizer has {}",
                self.code_count()
            ))
        };
        match self {
            Self::Bytes => {
                let byte = |&code: &u32| u8::try_from(code).map_err(|_| unknown(code));
                let bytes: Vec<u8> = codes.iter().map(byte).collect::<Result<_>>()?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Self::Chars(all) => {
                let one = |&code: &u32| {
                    let found = all.get(code as usize).copied();
                    found.ok_or_else(|| unknown(code))
                };
                codes.iter().map(one).collect()
            }
            Self::Bpe(bpe) => bpe.decode(codes),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Bytes => json!({"kind": "bytes"}),
            Self::Chars(all) => json!({"kind": "chars", "chars": all.iter().collect::<String>()}),
            Self::Bpe(bpe) => bpe.to_json(),
        }
    }

    pub(crate) fn from_json(all: &Value) -> Result<Self> {
        let chars = all.get("chars").and_then(Value::as_str);
        match (all.get("kind").and_then(Value::as_str), chars) {
            (Some("bytes"), _) => Ok(Self::Bytes),
            (Some("chars"), Some(chars)) => Self::chars(chars),
            (Some("bpe"), _) => Bpe::from_checkpoint(all).map(Self::Bpe),
            _ => Err(Error::parse(
                "the tokenizer is of none of the kinds bytes, chars and bpe; the file is damaged or of a later version",
            )),
        }
    }
}

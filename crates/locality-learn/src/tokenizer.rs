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
    /// Codes that someone else made, below a count: a text is whole numbers with white space between.
    Numbers(usize),
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

    /// The whole numbers of a text with white space between, from 0 to the largest there.
    ///
    /// # Errors
    /// No numbers, or one above 16,777,215.
    pub fn numbers(text: &str) -> Result<Self> {
        match numbers(text, MOST)?.into_iter().max() {
            Some(most) => Ok(Self::Numbers(most as usize + 1)),
            None => Err(Error::empty("text has no numbers; give some")),
        }
    }

    /// How many codes there are.
    pub fn code_count(&self) -> usize {
        match self {
            Self::Numbers(count) => *count,
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
            Self::Numbers(count) => numbers(text, *count),
        }
    }

    /// The codes of a text as it lies in a file.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); bytes that are no UTF-8 where characters are needed.
    pub fn encode_bytes(&self, text: &[u8]) -> Result<Vec<u32>> {
        if *self == Self::Bytes {
            return Ok(text.iter().map(|b| u32::from(*b)).collect());
        }
        let text = std::str::from_utf8(text).map_err(|e| {
            Error::parse(format!(
                "the text is not UTF-8 at byte {}; convert it, or take bytes as tokens",
                e.valid_up_to()
            ))
        })?;
        self.encode(text)
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
            Self::Numbers(count) => {
                let one = |&code: &u32| {
                    let known = (code as usize) < *count;
                    known.then(|| code.to_string()).ok_or_else(|| unknown(code))
                };
                let all = codes.iter().map(one).collect::<Result<Vec<_>>>()?;
                Ok(all.join(" "))
            }
        }
    }

    /// As the text of a file of its own, which [`from_text`](Self::from_text) reads.
    pub fn to_text(&self) -> String {
        self.to_json().to_string()
    }

    /// From the text of a file: one of [`to_text`](Self::to_text), or a published `tokenizer.json` of the byte-level BPE kind.
    ///
    /// # Errors
    /// No JSON, a tokenizer of another kind, and as [`Bpe::from_json`].
    pub fn from_text(text: &[u8]) -> Result<Self> {
        let all: Value = serde_json::from_slice(text)
            .map_err(|e| Error::parse(format!("it is no JSON ({e}); copy the file again")))?;
        if all.get("kind").is_some() {
            return Self::from_json(&all);
        }
        Bpe::from_json(text).map(Self::Bpe)
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Bytes => json!({"kind": "bytes"}),
            Self::Chars(all) => json!({"kind": "chars", "chars": all.iter().collect::<String>()}),
            Self::Bpe(bpe) => bpe.to_json(),
            Self::Numbers(count) => json!({"kind": "numbers", "count": count}),
        }
    }

    pub(crate) fn from_json(all: &Value) -> Result<Self> {
        let chars = all.get("chars").and_then(Value::as_str);
        match (all.get("kind").and_then(Value::as_str), chars) {
            (Some("bytes"), _) => Ok(Self::Bytes),
            (Some("chars"), Some(chars)) => Self::chars(chars),
            (Some("bpe"), _) => Bpe::from_checkpoint(all).map(Self::Bpe),
            (Some("numbers"), _) => {
                let count = all.get("count").and_then(Value::as_u64);
                let count = count.filter(|n| (1..=MOST as u64).contains(n));
                let count = count.ok_or_else(|| {
                    Error::parse("the tokenizer has no usable 'count'; the file is damaged")
                })?;
                Ok(Self::Numbers(count as usize))
            }
            _ => Err(Error::parse(
                "the tokenizer is of none of the kinds bytes, chars, bpe and numbers; the file is damaged or of a later version",
            )),
        }
    }
}

/// No code may be above this: one that is comes from a text of something else.
const MOST: usize = 1 << 24;

/// The numbers of a text, all below a count.
fn numbers(text: &str, count: usize) -> Result<Vec<u32>> {
    let one = |(i, word): (usize, &str)| {
        let found = word.parse::<u32>().ok().filter(|n| (*n as usize) < count);
        found.ok_or_else(|| {
            Error::parameter(format!(
                "the word {word:?} at position {i} (counted from 0) is no whole number from 0 to {}; leave it out",
                count - 1
            ))
        })
    };
    text.split_whitespace().enumerate().map(one).collect()
}

//! The tokenizer of BERT: words, cut into the longest pieces that a vocabulary has (Schuster and Nakajima 2012; Devlin et al. 2019).

use std::collections::HashMap;

use locality_core::{Error, Result};
use serde_json::Value;

use super::text::{Cleaning, words};
use crate::whole::{Piece, Whole, code_of, split, wholes};

/// A `WordPiece` tokenizer as `tokenizer.json` describes it: how texts are cleaned, its vocabulary, and what stands around a text.
///
/// ```
/// use locality_learn::pretrained::WordPiece;
/// let json = r###"{
///     "normalizer": {"type": "BertNormalizer", "lowercase": true},
///     "pre_tokenizer": {"type": "BertPreTokenizer"},
///     "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
///     "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab":
///         {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "near": 3, "##est": 4, "!": 5}}
/// }"###;
/// let tokenizer = WordPiece::from_json(json.as_bytes())?;
/// assert_eq!(tokenizer.encode("Nearest!", 512), [1, 3, 4, 5, 2]);
/// assert_eq!(tokenizer.encode("far near near", 4), [1, 0, 3, 2]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WordPiece {
    cleaning: Cleaning,
    /// Pieces that begin a word, and, without their mark, those that go on in one.
    begin: HashMap<Box<str>, u32>,
    go_on: HashMap<Box<str>, u32>,
    /// Bytes of the longest piece.
    longest: usize,
    unknown: u32,
    most_chars: usize,
    /// Texts that are codes as they stand: those to be found before cleaning, and those after.
    whole: [Vec<Whole>; 2],
    before: Vec<u32>,
    after: Vec<u32>,
    codes: usize,
}

impl WordPiece {
    /// From the bytes of a `tokenizer.json`.
    ///
    /// # Errors
    /// No JSON, a tokenizer of another kind, a special token without a code.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let all: Value = serde_json::from_slice(json)
            .map_err(|e| Error::parse(format!("it is no JSON ({e}); copy the file again")))?;
        let model = part(&all, "model").ok_or_else(|| damaged("model"))?;
        // Older files do not name the kind of the model, but only this one marks pieces inside words.
        let marked = model
            .get("continuing_subword_prefix")
            .and_then(Value::as_str);
        match model.get("type").and_then(Value::as_str) {
            Some("WordPiece") => {}
            None if marked.is_some() => {}
            kind => return Err(other("model", kind.unwrap_or("none"), "WordPiece")),
        }
        kind(&all, "pre_tokenizer", &["BertPreTokenizer"])?;
        let cleaning = match part(&all, "normalizer") {
            None => Cleaning::default(),
            Some(normalizer) => {
                kind(&all, "normalizer", &["BertNormalizer"])?;
                Cleaning::of(normalizer)
            }
        };
        let vocabulary = model.get("vocab").and_then(Value::as_object);
        let vocabulary = vocabulary.ok_or_else(|| damaged("model.vocab"))?;
        let mark = marked.unwrap_or("##");
        let (mut begin, mut go_on) = (HashMap::new(), HashMap::new());
        let (mut longest, mut codes) = (0, 0);
        for (piece, code) in vocabulary {
            let code = code_of(code).ok_or_else(|| damaged(&format!("model.vocab.{piece}")))?;
            if let Some(inner) = piece.strip_prefix(mark) {
                go_on.insert(inner.into(), code);
            }
            begin.insert(piece.as_str().into(), code);
            longest = longest.max(piece.len());
            codes = codes.max(code as usize + 1);
        }
        let unknown = model.get("unk_token").and_then(Value::as_str);
        let unknown = unknown.unwrap_or("[UNK]");
        let unknown = *begin.get(unknown).ok_or_else(|| {
            Error::parse(format!(
                "the vocabulary lacks '{unknown}', the code of unknown words; copy the file again"
            ))
        })?;
        let most_chars = model
            .get("max_input_chars_per_word")
            .and_then(Value::as_u64);
        let (before, after) = around(&all)?;
        let whole = wholes(&all, |text| cleaning.apply(text));
        let whole = whole.ok_or_else(|| damaged("added_tokens"))?;
        let others = before.iter().chain(&after).copied();
        let others = others.chain(whole.iter().flatten().map(|w| w.code));
        codes = others.fold(codes, |n, code| n.max(code as usize + 1));
        Ok(Self {
            cleaning,
            begin,
            go_on,
            longest,
            unknown,
            most_chars: most_chars.map_or(100, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            whole,
            before,
            after,
            codes,
        })
    }

    /// Every code is below this.
    pub fn code_count(&self) -> usize {
        self.codes
    }

    /// How many codes stand around every text.
    pub fn special_count(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// The text of a code, with the mark of pieces that go on in a word; none where there is no such code.
    pub fn token(&self, code: u32) -> Option<&str> {
        let pieces = self.begin.iter().filter(|(_, c)| **c == code);
        // Of several texts the first in order, so that no hash decides.
        let piece = pieces.map(|(text, _)| &**text).min();
        piece.or_else(|| {
            let whole = self.whole.iter().flatten().find(|w| w.code == code);
            whole.map(|w| w.text.as_str())
        })
    }

    /// The codes of a text with those around it: at most `longest`, of which a long text's end is cut off, not its specials.
    pub fn encode(&self, text: &str, longest: usize) -> Vec<u32> {
        let room = longest.saturating_sub(self.special_count());
        let mut out = self.before.clone();
        let full = out.len().saturating_add(room);
        split(text, &self.whole[0], &mut |piece| {
            match piece {
                Piece::Code(code) => out.push(code),
                Piece::Text(text) => {
                    let clean = self.cleaning.apply(text);
                    split(&clean, &self.whole[1], &mut |piece| {
                        match piece {
                            Piece::Code(code) => out.push(code),
                            Piece::Text(text) => {
                                for word in words(text) {
                                    self.word(word, &mut out);
                                    if out.len() >= full {
                                        break;
                                    }
                                }
                            }
                        }
                        out.len() < full
                    });
                }
            }
            // What would be cut off need not be looked up.
            out.len() < full
        });
        out.truncate(full);
        out.extend(&self.after);
        out
    }

    /// Appends the pieces of a word, the longest first; the unknown code where one is missing.
    fn word(&self, word: &str, out: &mut Vec<u32>) {
        let first = out.len();
        if word.chars().count() <= self.most_chars {
            let (mut rest, mut table) = (word, &self.begin);
            while !rest.is_empty() {
                let mut end = rest.floor_char_boundary(self.longest.min(rest.len()));
                let found = loop {
                    if end == 0 {
                        break None;
                    }
                    if let Some(code) = table.get(&rest[..end]) {
                        break Some(*code);
                    }
                    end = rest.floor_char_boundary(end - 1);
                };
                let Some(code) = found else { break };
                out.push(code);
                (rest, table) = (&rest[end..], &self.go_on);
            }
            if rest.is_empty() {
                return;
            }
        }
        out.truncate(first);
        out.push(self.unknown);
    }
}

/// The codes before and after a text.
fn around(all: &Value) -> Result<(Vec<u32>, Vec<u32>)> {
    let Some(post) = part(all, "post_processor") else {
        return Ok((Vec::new(), Vec::new()));
    };
    kind(
        all,
        "post_processor",
        &["TemplateProcessing", "BertProcessing"],
    )?;
    let Some(template) = post.get("single") else {
        let of = |name: &str| {
            let code = post.get(name).and_then(|pair| code_of(pair.get(1)?));
            code.ok_or_else(|| damaged(&format!("post_processor.{name}")))
        };
        return Ok((vec![of("cls")?], vec![of("sep")?]));
    };
    let bad = || damaged("post_processor.single");
    let (mut before, mut after, mut seen) = (Vec::new(), Vec::new(), false);
    for entry in template.as_array().ok_or_else(bad)? {
        if entry.get("Sequence").is_some() {
            if seen {
                return Err(bad());
            }
            seen = true;
            continue;
        }
        let name = entry
            .get("SpecialToken")
            .and_then(|s| s.get("id")?.as_str());
        let name = name.ok_or_else(bad)?;
        let codes = post
            .get("special_tokens")
            .and_then(|s| s.get(name)?.get("ids"));
        let codes = codes.and_then(Value::as_array).ok_or_else(bad)?;
        for code in codes {
            let to = if seen { &mut after } else { &mut before };
            to.push(code_of(code).ok_or_else(bad)?);
        }
    }
    if seen {
        Ok((before, after))
    } else {
        Err(bad())
    }
}

fn part<'a>(all: &'a Value, name: &str) -> Option<&'a Value> {
    all.get(name).filter(|v| !v.is_null())
}

fn damaged(name: &str) -> Error {
    Error::parse(format!(
        "its '{name}' is missing or damaged; copy the file again"
    ))
}

fn other(name: &str, kind: &str, known: &str) -> Error {
    Error::unsupported(format!(
        "its {name} is of the kind '{kind}', but only {known} is known here; take a model of the BERT kind"
    ))
}

/// Requires a part of one of these kinds.
fn kind(all: &Value, name: &str, known: &[&str]) -> Result<()> {
    let found = part(all, name).and_then(|p| p.get("type")?.as_str());
    match found {
        Some(found) if known.contains(&found) => Ok(()),
        found => Err(other(name, found.unwrap_or("none"), &known.join(" or "))),
    }
}

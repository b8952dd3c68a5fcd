//! Byte-pair encodings in files: those that are published, and our own in checkpoints.

use std::collections::{HashMap, HashSet};

use locality_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::Bpe;
use crate::whole::{Whole, code_of, wholes};

/// No vocabulary may be larger: one that is comes from a file that lies.
pub(super) const LARGEST: usize = 1 << 24;

/// Codes may have gaps, but not more than so many for each entry.
const SPREAD: usize = 4;

/// Texts that no merge makes: published vocabularies have from one to some hundreds. More of them are a sign of merges that were cut off.
const MOST_WHOLE: usize = 1000;

/// A vocabulary's codes by their texts.
pub(crate) type Codes = HashMap<String, u32>;

/// The character that stands for each byte in published files (Radford et al. 2019, `encoder.py`): itself where it prints, the others
/// from 256 on.
fn alphabet() -> impl Iterator<Item = char> {
    let prints = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 255;
    (0..=255_u8).map(move |b| {
        if prints(b) {
            return char::from(b);
        }
        next += 1;
        char::from_u32(next).unwrap_or_default()
    })
}

/// The byte of each of those characters.
fn letters() -> HashMap<char, u8> {
    alphabet().zip(0..=255).collect()
}

impl Bpe {
    /// From the bytes of a `tokenizer.json` whose model is a byte-level BPE under GPT-2's expression.
    ///
    /// # Errors
    /// No JSON, a tokenizer of another kind, a byte or merge without a code.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let all: Value = serde_json::from_slice(json)
            .map_err(|e| Error::parse(format!("it is no JSON ({e}); copy the file again")))?;
        let model = part(&all, "model").ok_or_else(|| damaged("model"))?;
        // Older files do not name the kind of the model, but only this one has merges.
        match model.get("type").and_then(Value::as_str) {
            Some("BPE") => {}
            None if model.get("merges").is_some() => {}
            kind => return Err(other("model", kind.unwrap_or("none"), "BPE")),
        }
        for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
            let mark = part(model, name).and_then(Value::as_str);
            if let Some(mark) = mark.filter(|mark| !mark.is_empty()) {
                return Err(other(&format!("model.{name}"), mark, "an empty one"));
            }
        }
        for name in ["byte_fallback", "ignore_merges"] {
            if flag(model, name) == Some(true) {
                return Err(other(&format!("model.{name}"), "true", "false"));
            }
        }
        if let Some(normalizer) = part(&all, "normalizer") {
            return Err(other("normalizer", kind(normalizer), "none"));
        }
        let byte_level = |name: &str| match part(&all, name) {
            Some(found) if kind(found) == "ByteLevel" => Ok(Some(found)),
            Some(found) => Err(other(name, kind(found), "ByteLevel")),
            None => Ok(None),
        };
        byte_level("post_processor")?;
        let pre = byte_level("pre_tokenizer")?;
        let pre = pre.ok_or_else(|| other("pre_tokenizer", "none", "ByteLevel"))?;
        for (name, usual) in [("use_regex", true), ("add_prefix_space", false)] {
            if flag(pre, name) == Some(!usual) {
                let (name, found) = (format!("pre_tokenizer.{name}"), !usual);
                return Err(other(&name, &found.to_string(), &usual.to_string()));
            }
        }
        let added = all.get("added_tokens").and_then(Value::as_array);
        for token in added.into_iter().flatten() {
            for name in ["lstrip", "rstrip"] {
                if flag(token, name) == Some(true) {
                    let name = format!("added token's {name}");
                    return Err(other(&name, "true", "false"));
                }
            }
        }
        let whole = wholes(&all, str::to_owned).ok_or_else(|| damaged("added_tokens"))?;
        let vocabulary = model.get("vocab").and_then(Value::as_object);
        let vocabulary = codes(vocabulary.ok_or_else(|| damaged("model.vocab"))?)?;
        let merges = model.get("merges").and_then(Value::as_array);
        let merges = merges.ok_or_else(|| damaged("model.merges"))?.iter();
        // As one text with a blank between, or as two.
        let pair = |merge: &'_ Value| -> Option<[String; 2]> {
            let text = |at: usize| Some(merge.get(at)?.as_str()?.to_owned());
            match merge.as_str() {
                Some(both) => two(both),
                None => Some([text(0)?, text(1)?]),
            }
        };
        let merges = merges.map(|m| pair(m).ok_or_else(|| damaged("model.merges")));
        let merges = merges.collect::<Result<Vec<_>>>()?;
        Self::of(&vocabulary, &merges, whole)
    }

    /// From the bytes of a `vocab.json` and of a `merges.txt`. What no merge makes and is no byte, such as `<|endoftext|>`, is a code as it
    /// stands in a text.
    ///
    /// # Errors
    /// No JSON, a line that is no merge, a byte or merge without a code, merges that lack most of the vocabulary or a text with the marks of
    /// bytes that do not print.
    pub fn from_vocabulary(vocabulary: &[u8], merges: &[u8]) -> Result<Self> {
        Self::from_parts(&vocabulary_of(vocabulary)?, &merges_of(merges)?)
    }

    /// The same from what the two files hold.
    pub(crate) fn from_parts(vocabulary: &Codes, merges: &[[String; 2]]) -> Result<Self> {
        let made: HashSet<String> = merges.iter().map(|pair| pair.concat()).collect();
        let bytes: HashSet<String> = alphabet().map(String::from).collect();
        let alone = |text: &&String| !(made.contains(*text) || bytes.contains(*text));
        let all = vocabulary.keys().filter(|t| !t.is_empty()).filter(alone);
        let all = all.map(|text| Whole {
            text: text.clone(),
            code: vocabulary[text],
            alone: false,
        });
        let mut all: Vec<Whole> = all.collect();
        all.sort_by_key(|w| w.code);
        // Blanks and line ends have letters from 256 on: who writes them is a piece of a word, and no text by itself.
        let letters = letters();
        let piece = |w: &&Whole| {
            let mut each = w.text.chars();
            each.clone().all(|c| letters.contains_key(&c)) && each.any(|c| c as u32 > 255)
        };
        let lost = all.iter().find(piece);
        if let Some(w) = lost.or_else(|| all.get(MOST_WHOLE)) {
            return Err(Error::parse(format!(
                "{} texts of the vocabulary, such as '{}' with the code {}, are made by none of the {} merges; merges.txt is cut off or of another \
                 tokenizer, copy it again",
                all.len(),
                w.text,
                w.code,
                merges.len()
            )));
        }
        Self::of(vocabulary, merges, [all, Vec::new()])
    }

    fn of(vocabulary: &Codes, merges: &[[String; 2]], whole: [Vec<Whole>; 2]) -> Result<Self> {
        let letters = letters();
        let added = whole.iter().flatten().map(|w| w.code);
        let codes = vocabulary.values().copied().chain(added);
        let entries = vocabulary.len() + whole.iter().map(Vec::len).sum::<usize>();
        let count = codes.max().map_or(0, |code| code as usize + 1);
        let most = LARGEST.min(SPREAD * entries);
        if count > most {
            return Err(Error::parse(format!(
                "the vocabulary has the code {}, but with {entries} entries none may be above {}; copy the file again",
                count - 1,
                most - 1
            )));
        }
        let mut tokens = vec![None; count];
        for (text, &code) in vocabulary {
            let bytes: Option<Vec<u8>> = text.chars().map(|c| letters.get(&c).copied()).collect();
            // What has other characters is no piece of a word, and stands for itself.
            let bytes = bytes.unwrap_or_else(|| text.as_bytes().to_vec());
            if tokens[code as usize].replace(bytes.into()).is_some() {
                return Err(Error::parse(format!(
                    "the vocabulary has the code {code} twice; copy the file again"
                )));
            }
        }
        let find = |text: &str| {
            vocabulary.get(text).copied().ok_or_else(|| {
                Error::parse(format!(
                    "the vocabulary lacks '{text}', which its bytes or merges need; the files belong to different tokenizers"
                ))
            })
        };
        let mut buffer = [0; 4];
        let bytes = alphabet().map(|c| find(c.encode_utf8(&mut buffer)));
        let bytes = bytes.collect::<Result<Vec<_>>>()?;
        let merges = merges.iter().map(|pair| {
            let [a, b] = pair;
            Ok([find(a)?, find(b)?, find(&pair.concat())?])
        });
        let merges = merges.collect::<Result<Vec<_>>>()?;
        let needed: HashSet<u32> = bytes
            .iter()
            .chain(merges.iter().flatten())
            .copied()
            .collect();
        for w in whole.iter().flatten() {
            let (at, own) = (&mut tokens[w.code as usize], w.text.as_bytes());
            // The vocabulary may list an added token itself, as its own text.
            let listed = vocabulary.get(&w.text) == Some(&w.code) && !needed.contains(&w.code);
            if let Some(other) = at.as_deref().filter(|other| *other != own && !listed) {
                return Err(Error::parse(format!(
                    "the added token '{}' has the code {}, which is that of '{}'; the files belong to different tokenizers",
                    w.text,
                    w.code,
                    String::from_utf8_lossy(other).escape_debug()
                )));
            }
            *at = Some(own.into());
        }
        Ok(Self::new(tokens, bytes, merges, whole))
    }

    /// What a checkpoint holds: every token in the published alphabet, merges as pairs of codes.
    pub(crate) fn to_json(&self) -> Value {
        let alphabet: Vec<char> = alphabet().collect();
        let mut tokens = vec![Value::Null; self.tokens.len()];
        for (token, to) in self.tokens.iter().zip(&mut tokens) {
            let letters = |bytes: &[u8]| bytes.iter().map(|b| alphabet[usize::from(*b)]).collect();
            *to = token
                .as_deref()
                .map_or(Value::Null, |b| Value::String(letters(b)));
        }
        let merges: Vec<[u32; 2]> = self.merges.iter().map(|&[a, b, _]| [a, b]).collect();
        let whole = self.whole.iter().zip([false, true]);
        let whole = whole.flat_map(|(all, late)| {
            all.iter().map(move |w| {
                json!({"content": w.text, "id": w.code, "single_word": w.alone, "normalized": late})
            })
        });
        let whole: Vec<Value> = whole.collect();
        json!({"kind": "bpe", "tokens": tokens, "merges": merges, "added_tokens": whole})
    }

    pub(crate) fn from_checkpoint(all: &Value) -> Result<Self> {
        let whole = wholes(all, str::to_owned).ok_or_else(|| damaged("added_tokens"))?;
        let added: HashSet<u32> = whole.iter().flatten().map(|w| w.code).collect();
        let tokens = all.get("tokens").and_then(Value::as_array);
        let tokens = tokens.ok_or_else(|| damaged("tokens"))?;
        let named = tokens.iter().zip(0..).filter(|(t, _)| !t.is_null());
        let named = named.map(|(t, code)| Some((t.as_str()?.to_owned(), code)));
        let named: Option<Vec<(String, u32)>> = named.collect();
        let named = named.ok_or_else(|| damaged("tokens"))?;
        // Where a whole text and a merge are spelled the same, the merge has the word.
        let (late, first): (Vec<_>, Vec<_>) = named
            .into_iter()
            .partition(|(_, code)| added.contains(code));
        let mut vocabulary: HashMap<String, u32> = first.into_iter().collect();
        for (text, code) in late {
            vocabulary.entry(text).or_insert(code);
        }
        let text = |code: &Value| {
            let code = code.as_u64().and_then(|c| usize::try_from(c).ok());
            Some(tokens.get(code?)?.as_str()?.to_owned())
        };
        let merges = all.get("merges").and_then(Value::as_array);
        let merges = merges.ok_or_else(|| damaged("merges"))?.iter();
        let merges = merges.map(|m| {
            let both = (m.get(0).and_then(text), m.get(1).and_then(text));
            let (Some(a), Some(b)) = both else {
                return Err(damaged("merges"));
            };
            Ok([a, b])
        });
        let merges = merges.collect::<Result<Vec<_>>>()?;
        Self::of(&vocabulary, &merges, whole)
    }
}

/// What a `vocab.json` holds.
pub(crate) fn vocabulary_of(bytes: &[u8]) -> Result<Codes> {
    let all: Map<String, Value> = serde_json::from_slice(bytes).map_err(|e| {
        Error::parse(format!(
            "the vocabulary is no JSON object ({e}); copy the file again"
        ))
    })?;
    codes(&all)
}

/// What a `merges.txt` holds.
pub(crate) fn merges_of(bytes: &[u8]) -> Result<Vec<[String; 2]>> {
    let merges = std::str::from_utf8(bytes)
        .map_err(|_| Error::parse("the merges are not UTF-8; copy the file again"))?;
    let lines = merges.lines().enumerate();
    // The first line may be a comment; a later one like it is a merge of signs.
    let lines =
        lines.filter(|(i, line)| !(line.is_empty() || (*i == 0 && line.starts_with("#version"))));
    let merges = lines.map(|(i, line)| {
        two(line).ok_or_else(|| {
            Error::parse(format!(
                "line {} of the merges, {line:?}, is not two tokens with a blank between; copy the file again",
                i + 1
            ))
        })
    });
    merges.collect()
}

/// A vocabulary's codes.
fn codes(all: &Map<String, Value>) -> Result<Codes> {
    let code = |(text, code): (&String, &Value)| {
        let code = code_of(code).ok_or_else(|| damaged(&format!("vocab.{text}")))?;
        Ok((text.clone(), code))
    };
    all.iter().map(code).collect()
}

/// The two tokens of a line.
fn two(line: &str) -> Option<[String; 2]> {
    let (a, b) = line.split_once(' ')?;
    let good = |t: &str| !t.is_empty() && !t.contains(' ');
    (good(a) && good(b)).then(|| [a.to_owned(), b.to_owned()])
}

fn part<'a>(all: &'a Value, name: &str) -> Option<&'a Value> {
    all.get(name).filter(|v| !v.is_null())
}

fn kind(all: &Value) -> &str {
    all.get("type").and_then(Value::as_str).unwrap_or("none")
}

fn flag(all: &Value, name: &str) -> Option<bool> {
    all.get(name).and_then(Value::as_bool)
}

fn damaged(name: &str) -> Error {
    Error::parse(format!(
        "its '{name}' is missing or damaged; copy the file again"
    ))
}

fn other(name: &str, found: &str, known: &str) -> Error {
    Error::unsupported(format!(
        "its {name} is '{found}', but only {known} is known here; take a model of the GPT-2 kind"
    ))
}

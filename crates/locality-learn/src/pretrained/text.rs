//! The cleaning that BERT's tokenizers do before they look words up.
//!
//! General categories are those of `unicode_categories`, on which the published tokenizers stand as well: with tables of another version
//! of Unicode some characters would fall out differently.

use serde_json::Value;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

/// What is done to a text, in this order.
// Each is a choice by itself.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cleaning {
    /// Control characters go, all white space becomes a blank.
    pub(super) clean: bool,
    /// Chinese characters become words of their own.
    pub(super) chinese: bool,
    /// Letters lose their accents.
    pub(super) strip: bool,
    pub(super) lower: bool,
}

impl Cleaning {
    /// From a `BertNormalizer`; accents go with capitals where it does not say.
    pub(super) fn of(all: &Value) -> Self {
        let flag = |name: &str| all.get(name).and_then(Value::as_bool);
        let lower = flag("lowercase").unwrap_or(true);
        Self {
            clean: flag("clean_text").unwrap_or(true),
            chinese: flag("handle_chinese_chars").unwrap_or(true),
            strip: flag("strip_accents").unwrap_or(lower),
            lower,
        }
    }

    pub(super) fn apply(self, text: &str) -> String {
        // Most texts have nothing else to change.
        if text.is_ascii() {
            let kept = text.chars().filter(|c| !self.clean || !is_dropped(*c));
            let one = |c: char| match c {
                '\t' | '\n' | '\r' if self.clean => ' ',
                _ if self.lower => c.to_ascii_lowercase(),
                _ => c,
            };
            return kept.map(one).collect();
        }
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if self.clean && is_dropped(c) {
                continue;
            }
            if self.chinese && is_chinese(c) {
                out.extend([' ', c, ' ']);
            } else {
                out.push(if self.clean && c.is_whitespace() {
                    ' '
                } else {
                    c
                });
            }
        }
        if self.strip {
            let parts = out.nfd().filter(|c| !c.is_mark_nonspacing());
            out = parts.collect();
        }
        if self.lower {
            // Letter by letter: a sigma at the end of a word is like any other.
            out = out.chars().flat_map(char::to_lowercase).collect();
        }
        out
    }
}

/// Characters without meaning: controls, formats, private ones, the replacement character.
fn is_dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        _ => c.is_other(),
    }
}

/// Unified ideographs. The sixth range begins 256 behind its block in the published tokenizers, and so here.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff
        | 0x20000..=0x2a6df
        | 0x2a700..=0x2b73f
        | 0x2b920..=0x2ceaf
        | 0x2b740..=0x2b81f
        | 0x2f800..=0x2fa1f)
}

/// Whether a character is a word by itself.
fn is_mark(c: char) -> bool {
    c.is_ascii_punctuation() || c.is_punctuation()
}

/// The words of a text: what is between white space, and each punctuation mark.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let stretches = text.split(char::is_whitespace);
    stretches.flat_map(|mut rest| {
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = if is_mark(first) {
                first.len_utf8()
            } else {
                rest.find(is_mark).unwrap_or(rest.len())
            };
            let (word, others) = rest.split_at(end);
            rest = others;
            Some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Cleaning, words};

    #[test]
    fn words_end_at_blanks_and_marks() {
        let found: Vec<&str> = words(" don't  stop.\u{2014}now! ").collect();
        assert_eq!(
            found,
            ["don", "'", "t", "stop", ".", "\u{2014}", "now", "!"]
        );
        assert_eq!(words(" \n").count(), 0);
    }

    #[test]
    fn plain_text_goes_the_same_way_as_any() {
        let all = Cleaning {
            clean: true,
            chinese: true,
            strip: true,
            lower: true,
        };
        let ascii: String = (0..128_u8).map(char::from).collect();
        // One letter more takes the long way.
        let long = all.apply(&format!("{ascii}\u{4e00}"));
        assert_eq!(all.apply(&ascii) + " \u{4e00} ", long);
    }
}

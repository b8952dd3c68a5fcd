//! The words that merges never cross.

use unicode_normalization::char::is_combining_mark;

/// What a character is to the published expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Number,
    Space,
    Other,
}

fn kind(c: char) -> Kind {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' => Kind::Letter,
            '0'..='9' => Kind::Number,
            '\t'..='\r' | ' ' => Kind::Space,
            _ => Kind::Other,
        };
    }
    if c.is_whitespace() {
        Kind::Space
    } else if c.is_numeric() {
        Kind::Number
    } else if c.is_alphabetic() && !is_combining_mark(c) && !is_circled(c) {
        Kind::Letter
    } else {
        Kind::Other
    }
}

/// Alphabetic symbols: with marks and numbers all that Unicode calls alphabetic, but no letter.
fn is_circled(c: char) -> bool {
    matches!(u32::from(c), 0x24b6..=0x24e9 | 0x1f130..=0x1f149 | 0x1f150..=0x1f169 | 0x1f170..=0x1f189)
}

const ENDINGS: [&str; 7] = ["s", "t", "re", "ve", "m", "ll", "d"];

/// The bytes of the first word of a text that has some: what GPT-2's expression finds (Radford et al. 2019, `encoder.py`),
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
fn first(text: &str) -> usize {
    if let Some(rest) = text.strip_prefix('\'') {
        let ending = ENDINGS.iter().find(|ending| rest.starts_with(**ending));
        if let Some(ending) = ending {
            return 1 + ending.len();
        }
    }
    let blank = usize::from(text.starts_with(' '));
    let body = &text[blank..];
    if let Some(own) = body.chars().next().map(kind).filter(|k| *k != Kind::Space) {
        return blank + body.find(|c| kind(c) != own).unwrap_or(body.len());
    }
    let Some(end) = text.find(|c| kind(c) != Kind::Space) else {
        return text.len();
    };
    // The last space belongs to the word behind it, unless it is alone and no blank.
    let last = text.floor_char_boundary(end - 1);
    if last == 0 { end } else { last }
}

/// The words of a text, one after another; together they are the text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (word, others) = rest.split_at(first(rest));
        rest = others;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use unicode_categories::UnicodeCategories;

    use super::{Kind, kind, words};

    #[test]
    fn words_are_those_of_the_expression() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("Hello world", &["Hello", " world"]),
            ("I'll don't'x", &["I", "'ll", " don", "'t", "'", "x"]),
            ("a  b\t\tc", &["a", " ", " b", "\t", "\t", "c"]),
            ("x \n ", &["x", " \n "]),
            ("42nd, (3.5)", &["42", "nd", ",", " (", "3", ".", "5", ")"]),
            ("!'s \u{a0}é", &["!'", "s", " ", "\u{a0}", "é"]),
            ("\u{a0}\u{a0}b", &["\u{a0}", "\u{a0}", "b"]),
            (" ½ ⅷ ٣", &[" ½", " ⅷ", " ٣"]),
        ];
        for (text, expected) in cases {
            let found: Vec<&str> = words(text).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn letters_and_numbers_are_those_of_unicode() {
        let (mut letters, mut others) = (0, Vec::new());
        for c in '\0'..=char::MAX {
            // The other table is of an older version of Unicode: what it does not know says nothing.
            if !(c.is_letter() || c.is_number() || c.is_mark() || c.is_symbol()) {
                continue;
            }
            letters += usize::from(c.is_letter());
            let same = (kind(c) == Kind::Letter) == c.is_letter();
            if !(same && (kind(c) == Kind::Number) == c.is_number()) {
                others.push(c);
            }
        }
        assert!(letters > 10_000, "{letters}");
        // Two letters have become marks since, and two marks letters.
        assert_eq!(others, ['\u{1885}', '\u{1886}', '\u{1cf2}', '\u{1cf3}']);
    }
}

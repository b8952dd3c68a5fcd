//! Texts that are codes as they stand, such as `[MASK]`: what tokenizers find before anything else.

use serde_json::Value;

/// A text that is a code as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) text: String,
    pub(crate) code: u32,
    /// Not inside a word.
    pub(crate) alone: bool,
}

/// What a text is made of.
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Code(u32),
}

/// Cuts the whole codes out of a text, the leftmost first and the longest of those; `take` says whether to go on.
pub(crate) fn split<'a>(text: &'a str, whole: &[Whole], take: &mut impl FnMut(Piece<'a>) -> bool) {
    let (mut from, mut at) = (0, 0);
    let begins = |c: char| whole.iter().any(|w| w.text.starts_with(c));
    while let Some(found) = text[at..].find(begins) {
        at += found;
        let here = whole.iter().filter(|w| text[at..].starts_with(&w.text));
        let Some(w) = here.max_by_key(|w| w.text.len()) else {
            at = text.ceil_char_boundary(at + 1);
            continue;
        };
        let end = at + w.text.len();
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if w.alone
            && (in_word(text[..at].chars().next_back()) || in_word(text[end..].chars().next()))
        {
            at = end;
            continue;
        }
        if !(take(Piece::Text(&text[from..at])) && take(Piece::Code(w.code))) {
            return;
        }
        (from, at) = (end, end);
    }
    take(Piece::Text(&text[from..]));
}

/// Those of the `added_tokens` of a `tokenizer.json`, to be found before and after cleaning; none where one is damaged.
pub(crate) fn wholes(all: &Value, clean: impl Fn(&str) -> String) -> Option<[Vec<Whole>; 2]> {
    let mut out = [Vec::new(), Vec::new()];
    let added = all.get("added_tokens").and_then(Value::as_array);
    for token in added.into_iter().flatten() {
        let text = token.get("content").and_then(Value::as_str)?;
        let code = token.get("id").and_then(code_of)?;
        let flag = |name: &str| token.get(name).and_then(Value::as_bool) == Some(true);
        let late = flag("normalized");
        let text = if late { clean(text) } else { text.to_owned() };
        if !text.is_empty() {
            out[usize::from(late)].push(Whole {
                text,
                code,
                alone: flag("single_word"),
            });
        }
    }
    Some(out)
}

/// A code of a file.
pub(crate) fn code_of(value: &Value) -> Option<u32> {
    // The last one is left out, so that a count of codes is a code as well.
    let code = value.as_u64().filter(|code| *code < u64::from(u32::MAX));
    code.map(|code| code as u32)
}

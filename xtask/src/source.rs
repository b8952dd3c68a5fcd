//! Just enough of Rust's grammar to find which modules a file uses: words and signs without comments, texts and tests.

/// A word, number or single sign, with its line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path that starts at `crate`, `self` or `super`, as its segments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UsedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether it stands in a `use` that passes names on (`pub use`).
    pub(crate) exported: bool,
    /// How many modules written inside the file it stands in.
    pub(crate) inside: usize,
}

/// Words and signs, without comments and texts.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut out, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let c = chars[i];
        let start = i;
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if c == '"' {
            i = end_of_text(&chars, i);
        } else if c == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && chars[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else if c.is_alphanumeric() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            if matches!(word.as_str(), "r" | "br" | "cr") && matches!(at(i), '"' | '#') {
                if let Some(end) = end_of_raw_text(&chars, i) {
                    i = end;
                }
            } else {
                out.push(Token { text: word, line });
            }
        } else {
            if !c.is_whitespace() {
                out.push(Token {
                    text: c.to_string(),
                    line,
                });
            }
            i += 1;
        }
        let end = i.min(chars.len());
        line += chars[start..end].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn end_of_text(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn end_of_raw_text(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    let mut i = start + hashes;
    if chars.get(i) != Some(&'"') {
        return None;
    }
    i += 1;
    while i < chars.len() {
        let closing =
            chars[i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
        i += 1;
        if closing {
            return Some(i + hashes);
        }
    }
    Some(i)
}

/// Drops every item that stands under `#[cfg(test)]`: a test may use any floor.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut out = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let here = &tokens[i..];
        if here.len() >= mark.len() && here.iter().zip(mark).all(|(t, m)| t.text == m) {
            i += mark.len();
            let mut depth = 0_usize;
            while i < tokens.len() {
                let text = tokens[i].text.as_str();
                i += 1;
                match text {
                    "{" | "(" | "[" => depth += 1,
                    "}" | ")" | "]" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 && matches!(text, "}" | ";") {
                    break;
                }
            }
        } else {
            out.push(tokens[i].clone());
            i += 1;
        }
    }
    out
}

/// Every path of a file that a `use` names or that starts at `crate`, `self` or `super`; groups are spread out.
pub(crate) fn paths(tokens: &[Token]) -> Vec<UsedPath> {
    let mut out = Vec::new();
    let (mut i, mut braces, mut modules) = (0, 0_usize, Vec::new());
    while i < tokens.len() {
        let text = tokens[i].text.as_str();
        let before = i.checked_sub(1).map_or("", |j| tokens[j].text.as_str());
        let first = out.len();
        match text {
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                modules.retain(|depth| *depth <= braces);
            }
            "mod" if tokens.get(i + 2).is_some_and(|t| t.text == "{") => modules.push(braces + 1),
            _ => {}
        }
        if text == "use" && tokens.get(i + 1).is_some_and(|t| t.text != "<") {
            i = tree(tokens, i + 1, &[], matches!(before, "pub" | ")"), &mut out);
        } else if matches!(text, "crate" | "self" | "super")
            && !matches!(before, ":" | ".")
            && is_path(tokens, i)
        {
            let mut segments = vec![text.to_owned()];
            let line = tokens[i].line;
            i += 1;
            while is_separator(tokens, i) && tokens.get(i + 2).is_some_and(is_word) {
                segments.push(tokens[i + 2].text.clone());
                i += 3;
            }
            out.push(UsedPath {
                segments,
                line,
                exported: false,
                inside: 0,
            });
        } else {
            i += 1;
        }
        for path in &mut out[first..] {
            path.inside = modules.len();
        }
    }
    out
}

fn is_word(token: &Token) -> bool {
    token
        .text
        .starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn is_separator(tokens: &[Token], i: usize) -> bool {
    [i, i + 1]
        .iter()
        .all(|j| tokens.get(*j).is_some_and(|t| t.text == ":"))
}

fn is_path(tokens: &[Token], i: usize) -> bool {
    is_separator(tokens, i + 1) && tokens.get(i + 3).is_some_and(is_word)
}

/// One tree of a `use`, from `i`; returns where it ends.
fn tree(
    tokens: &[Token],
    mut i: usize,
    before: &[String],
    exported: bool,
    out: &mut Vec<UsedPath>,
) -> usize {
    let mut segments = before.to_vec();
    while let Some(token) = tokens.get(i) {
        match token.text.as_str() {
            ":" => i += 1,
            "{" => {
                i += 1;
                while tokens.get(i).is_some_and(|t| t.text != "}") {
                    i = tree(tokens, i, &segments, exported, out);
                    if tokens.get(i).is_some_and(|t| t.text == ",") {
                        i += 1;
                    }
                }
                return i + 1;
            }
            // `as name` ends a path, and so do the signs after it.
            "as" => {
                i += 2;
                break;
            }
            "," | "}" | ";" => break,
            text => {
                segments.push(text.to_owned());
                i += 1;
            }
        }
    }
    if segments.len() > before.len() {
        out.push(UsedPath {
            segments,
            line: tokens.get(i.saturating_sub(1)).map_or(0, |t| t.line),
            exported,
            inside: 0,
        });
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        paths(&without_tests(&tokens(source)))
            .into_iter()
            .map(|p| format!("{}@{}", p.segments.join("::"), p.line))
            .collect()
    }

    #[test]
    fn groups_are_spread_and_lines_kept() {
        let source = "use std::fmt;\nuse crate::{Error, kernel::{self, Atom as A}};\nfn f() { crate::names::near(1) }";
        assert_eq!(
            found(source),
            [
                "std::fmt@1",
                "crate::Error@2",
                "crate::kernel::self@2",
                "crate::kernel::Atom@2",
                "crate::names::near@3"
            ]
        );
    }

    #[test]
    fn comments_texts_and_tests_do_not_count() {
        let source = r##"
            //! crate::a::B
            /* crate::c /* crate::d */ */
            const S: &str = "crate::e \" crate::f";
            const R: &str = r#"crate::g " "#;
            fn f<'a>(x: &'a str) -> char { '"' }
            #[cfg(test)]
            mod tests { use crate::h; fn g() { { } } }
            fn h() { super::i::j() }
        "##;
        assert_eq!(found(source), ["super::i::j@9"]);
    }

    #[test]
    fn modules_within_a_file_are_counted() {
        let all = paths(&tokens(
            "use super::a; mod m { fn f() {} mod n { use super::b; } use super::c; } fn g() { super::d::e() }",
        ));
        let inside: Vec<usize> = all.iter().map(|p| p.inside).collect();
        assert_eq!(inside, [0, 2, 1, 0]);
    }

    #[test]
    fn exports_are_marked() {
        let all = paths(&tokens("pub use a::B;\npub(crate) use c::D;\nuse e::F;"));
        let marks: Vec<bool> = all.iter().map(|p| p.exported).collect();
        assert_eq!(marks, [true, true, false]);
    }
}

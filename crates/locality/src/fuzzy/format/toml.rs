//! The part of TOML 1.0 that rules need: all of it but dates.

use crate::{Error, Result};

/// Deeper nesting than any file needs, which would exhaust the stack.
const DEEPEST: usize = 32;

/// A value and where it begins, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) value: Value,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Bool(bool),
    List(Vec<Spot>),
    Table(Table),
}

/// Keys and values, in the order of the file.
pub(super) type Table = Vec<(String, Spot)>;

impl Spot {
    /// An error at this place.
    pub(super) fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::parse(format!(
            "line {}, column {}: {what}",
            self.line, self.column
        ))
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Table> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        counted: (0, 1, 0),
    };
    let mut root = Table::new();
    let mut path: Vec<String> = Vec::new();
    loop {
        reader.blank_lines();
        if reader.done() {
            return Ok(root);
        }
        if reader.take("[[") {
            path = reader.keys()?;
            reader.expect("]]")?;
            let (line, column) = reader.mark();
            open(&mut root, &path, true, (line, column)).map_err(|why| reader.error(&why))?;
        } else if reader.take("[") {
            path = reader.keys()?;
            reader.expect("]")?;
            let place = reader.mark();
            open(&mut root, &path, false, place).map_err(|why| reader.error(&why))?;
        } else {
            let place = reader.mark();
            let keys = reader.keys()?;
            reader.expect("=")?;
            let value = reader.value()?;
            let mut full = path.clone();
            full.extend_from_slice(&keys[..keys.len() - 1]);
            let table = open(&mut root, &full, false, place).map_err(|why| reader.error(&why))?;
            insert(table, keys[keys.len() - 1].clone(), value).map_err(|why| reader.error(&why))?;
        }
        reader.line_end()?;
    }
}

fn insert(table: &mut Table, key: String, value: Spot) -> Result<(), String> {
    if table.iter().any(|(k, _)| *k == key) {
        return Err(format!("the key '{key}' is there twice; leave one out"));
    }
    table.push((key, value));
    Ok(())
}

/// The table of a path, made where need be; `new` adds one to the list there.
fn open<'a>(
    root: &'a mut Table,
    path: &[String],
    new: bool,
    (line, column): (usize, usize),
) -> Result<&'a mut Table, String> {
    if path.len() > DEEPEST {
        return Err(format!("tables nest deeper than {DEEPEST}; flatten them"));
    }
    let spot = |value| Spot {
        value,
        line,
        column,
    };
    let mut table = root;
    for (i, key) in path.iter().enumerate() {
        let adds = new && i + 1 == path.len();
        let at = table.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
            let value = if adds {
                Value::List(Vec::new())
            } else {
                Value::Table(Table::new())
            };
            table.push((key.clone(), spot(value)));
            table.len() - 1
        });
        let value = &mut table[at].1.value;
        if adds {
            let Value::List(list) = value else {
                return Err(format!("'{key}' is there already and is no list of tables"));
            };
            list.push(spot(Value::Table(Table::new())));
        }
        let inner = match value {
            Value::List(list) => list.last_mut().map(|last| &mut last.value),
            other => Some(other),
        };
        let Some(Value::Table(inner)) = inner else {
            return Err(format!("'{key}' is there already and is no table"));
        };
        table = inner;
    }
    Ok(table)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Up to where lines are counted, how many, and where the last begins.
    counted: (usize, usize, usize),
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn done(&self) -> bool {
        self.at == self.text.len()
    }

    /// Line and column here, counted from 1; the lines before are counted once.
    fn mark(&mut self) -> (usize, usize) {
        let (from, line, start) = self.counted;
        let new = &self.text[from..self.at];
        let line = line + new.matches('\n').count();
        let start = new.rfind('\n').map_or(start, |i| from + i + 1);
        self.counted = (self.at, line, start);
        (line, self.text[start..self.at].chars().count() + 1)
    }

    fn error(&self, what: &str) -> Error {
        let (line, column) = place(self.text, self.at);
        Error::parse(format!("line {line}, column {column}: {what}"))
    }

    fn expected(&self, what: &str) -> Error {
        let found: String = self
            .rest()
            .lines()
            .next()
            .unwrap_or("")
            .chars()
            .take(20)
            .collect();
        let found = if found.is_empty() {
            "the end of the line".to_owned()
        } else {
            format!("'{found}'")
        };
        self.error(&format!("expected {what}, but found {found}"))
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, what: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(what);
        self.at += if found { what.len() } else { 0 };
        found
    }

    fn expect(&mut self, what: &str) -> Result<()> {
        if self.take(what) {
            return Ok(());
        }
        Err(self.expected(&format!("'{what}'")))
    }

    fn comment(&mut self) {
        self.spaces();
        if self.rest().starts_with('#') {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn blank_lines(&mut self) {
        loop {
            self.comment();
            let rest = self.rest();
            let left = rest.trim_start_matches(['\n', '\r']).len();
            if left == rest.len() {
                return;
            }
            self.at += rest.len() - left;
        }
    }

    fn line_end(&mut self) -> Result<()> {
        self.comment();
        if self.done() || self.rest().starts_with(['\n', '\r']) {
            return Ok(());
        }
        Err(self.expected("the end of the line"))
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        let mut keys = vec![self.key()?];
        while self.take(".") {
            keys.push(self.key()?);
        }
        Ok(keys)
    }

    fn key(&mut self) -> Result<String> {
        self.spaces();
        if self.rest().starts_with(['"', '\'']) {
            return self.string();
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let rest = self.rest();
        let end = rest.find(|c| !bare(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected("a key"));
        }
        let key = rest[..end].to_owned();
        self.at += end;
        Ok(key)
    }

    fn value(&mut self) -> Result<Spot> {
        self.spaces();
        let (line, column) = self.mark();
        if self.depth == DEEPEST {
            return Err(self.error(&format!("values nest deeper than {DEEPEST}; flatten them")));
        }
        self.depth += 1;
        let value = match self.rest().chars().next() {
            Some('"' | '\'') => Value::Text(self.string()?),
            Some('[') => Value::List(self.list()?),
            Some('{') => Value::Table(self.inline()?),
            _ => self.plain()?,
        };
        self.depth -= 1;
        Ok(Spot {
            value,
            line,
            column,
        })
    }

    fn plain(&mut self) -> Result<Value> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || ",]}#".contains(c));
        let word = &rest[..end.unwrap_or(rest.len())];
        let value = match word {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => {
                let digits = word.replace('_', "");
                let number = digits.parse::<f64>().ok();
                // Rust reads "infinity" and "nan" in any case; a file does not say so.
                let wordy = digits
                    .trim_start_matches(['+', '-'])
                    .starts_with(|c: char| c.is_alphabetic());
                number
                    .filter(|_| !wordy || matches!(&*digits, "inf" | "+inf" | "-inf" | "nan"))
                    .map(Value::Number)
            }
        };
        let Some(value) = value else {
            return Err(self.expected("a text in quotes, a number, true, false, a list or a table"));
        };
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self) -> Result<Vec<Spot>> {
        self.expect("[")?;
        let mut items = Vec::new();
        loop {
            self.blank_lines();
            if self.take("]") {
                return Ok(items);
            }
            items.push(self.value()?);
            self.blank_lines();
            if !self.take(",") {
                self.blank_lines();
                self.expect("]")?;
                return Ok(items);
            }
        }
    }

    fn inline(&mut self) -> Result<Table> {
        self.expect("{")?;
        let mut table = Table::new();
        // A trailing comma and line ends do no harm.
        self.blank_lines();
        while !self.take("}") {
            let key = self.key()?;
            self.expect("=")?;
            let value = self.value()?;
            insert(&mut table, key, value).map_err(|why| self.error(&why))?;
            self.blank_lines();
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
            self.blank_lines();
        }
        Ok(table)
    }

    fn string(&mut self) -> Result<String> {
        for (mark, raw) in [("'''", true), ("\"\"\"", false)] {
            if self.rest().starts_with(mark) {
                self.at += 3;
                // A line end right behind the mark is no part of the text.
                for end in ["\r\n", "\n"] {
                    if self.rest().starts_with(end) {
                        self.at += end.len();
                        break;
                    }
                }
                return self.until(mark, raw);
            }
        }
        let mark = if self.rest().starts_with('"') {
            "\""
        } else {
            "'"
        };
        self.at += 1;
        self.until(mark, mark == "'")
    }

    /// The text up to a mark, with escapes undone.
    fn until(&mut self, mark: &str, raw: bool) -> Result<String> {
        let mut out = String::new();
        let begin = self.at;
        while !self.rest().starts_with(mark) {
            let Some(c) = self.rest().chars().next() else {
                self.at = begin;
                return Err(self.error(&format!("this text is not closed; add {mark}")));
            };
            if mark.len() == 1 && (c == '\n' || c == '\r') {
                return Err(self.error(&format!("this text is not closed; add {mark}")));
            }
            self.at += c.len_utf8();
            if c == '\\' && !raw {
                out.extend(self.escape()?);
            } else {
                out.push(c);
            }
        }
        self.at += mark.len();
        Ok(out)
    }

    fn escape(&mut self) -> Result<Option<char>> {
        let c = self.rest().chars().next();
        let plain = match c {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(c @ ('"' | '\\')) => c,
            Some('\n' | '\r') => {
                let rest = self.rest();
                self.at += rest.len() - rest.trim_start().len();
                return Ok(None);
            }
            Some(c @ ('u' | 'U')) => {
                let digits = if c == 'u' { 4 } else { 8 };
                let code = self.rest().get(1..=digits);
                let code = code.and_then(|d| u32::from_str_radix(d, 16).ok());
                let Some(c) = code.and_then(char::from_u32) else {
                    return Err(
                        self.error("this is no character; write \\u and four digits 0-9 a-f")
                    );
                };
                self.at += 1 + digits;
                return Ok(Some(c));
            }
            _ => return Err(self.error("unknown escape; write \\\\ for a backslash")),
        };
        self.at += 1;
        Ok(Some(plain))
    }
}

/// Line and column of a place, counted from 1.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (
        before.matches('\n').count() + 1,
        before[start..].chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::{Table, Value, parse};

    fn get<'a>(table: &'a Table, key: &str) -> &'a Value {
        &table.iter().find(|(k, _)| k == key).unwrap().1.value
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = "# remark\na = 1_000 # more\nb.c = -2.5e-1\n'd e' = \"x\\ty\\u00e9\\\"\"\nf = 'raw\\n'\n\
                    g = [1, # one\n 2,\n]\nh = { i = true, j = [\"k\"] }\n[l.m]\nn = '''\none\ntwo'''\n[[o]]\np=1\n[[o]]\np=2\n[o.q]\nr=3\n";
        let found = parse(text).unwrap();
        assert_eq!(*get(&found, "a"), Value::Number(1000.0));
        let Value::Table(b) = get(&found, "b") else {
            panic!()
        };
        assert_eq!(*get(b, "c"), Value::Number(-0.25));
        assert_eq!(*get(&found, "d e"), Value::Text("x\tyé\"".into()));
        assert_eq!(*get(&found, "f"), Value::Text("raw\\n".into()));
        let Value::List(g) = get(&found, "g") else {
            panic!()
        };
        assert_eq!((g.len(), g[1].line, g[1].column), (2, 7, 2));
        let Value::Table(l) = get(&found, "l") else {
            panic!()
        };
        let Value::Table(m) = get(l, "m") else {
            panic!()
        };
        assert_eq!(*get(m, "n"), Value::Text("one\ntwo".into()));
        let Value::List(o) = get(&found, "o") else {
            panic!()
        };
        let Value::Table(last) = &o[1].value else {
            panic!()
        };
        assert_eq!(*get(last, "p"), Value::Number(2.0));
        assert!(matches!(get(last, "q"), Value::Table(_)));
    }

    #[test]
    fn faults_have_a_line_and_a_column() {
        let cases = [
            ("a = 1\nb = = 2", "line 2, column 5: expected a text"),
            ("a = 1 2", "line 1, column 7: expected the end of the line"),
            ("a = \"x", "line 1"),
            ("a = '''x", "not closed"),
            ("a = 1\na = 2", "the key 'a' is there twice"),
            ("[a\nb=1", "line 1, column 3: expected ']'"),
            ("a = 1\n[a]\n", "is no table"),
            ("a = \"\\q\"", "unknown escape"),
            ("a = \"\\ud800\"", "no character"),
            ("= 1", "expected a key"),
            ("a = 1979-05-27", "expected a text"),
            ("a = nano", "expected a text"),
            ("a = [1", "expected ']'"),
        ];
        for (text, words) in cases {
            let e = parse(text).unwrap_err().to_string();
            assert!(e.contains(words), "{text:?}: {e}");
        }
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(
            parse(&deep)
                .unwrap_err()
                .to_string()
                .contains("nest deeper")
        );
        let deep = format!("[{}a]", "a.".repeat(1000));
        assert!(
            parse(&deep)
                .unwrap_err()
                .to_string()
                .contains("nest deeper")
        );
    }
}

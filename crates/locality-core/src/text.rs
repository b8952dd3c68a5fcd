//! The small language of kernels and neighbourhoods: names with arguments, numbers, lists and operators.

use crate::{Error, Result};

/// A value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Word(String),
    List(Vec<Value>),
}

/// `name(key=value, ..)`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<(String, Value)>,
}

/// Nesting that no kernel needs and that would exhaust the stack.
const DEEPEST: usize = 64;

/// A cursor over the text.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    pub(crate) fn error(&self, expected: &str) -> Error {
        let rest: String = self.text[self.at..].chars().take(20).collect();
        let found = if rest.is_empty() {
            "the end".to_string()
        } else {
            format!("'{rest}'")
        };
        Error::parse(format!(
            "cannot read '{}': expected {expected} at character {}, but found {found}",
            self.text.chars().take(120).collect::<String>(),
            self.text[..self.at].chars().count() + 1,
        ))
    }

    /// Skips space and looks at the next character.
    pub(crate) fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    /// Takes this character if it comes next.
    pub(crate) fn take(&mut self, c: char) -> bool {
        if self.peek() == Some(c) {
            self.at += c.len_utf8();
            return true;
        }
        false
    }

    pub(crate) fn expect(&mut self, c: char) -> Result<()> {
        if self.take(c) {
            return Ok(());
        }
        Err(self.error(&format!("'{c}'")))
    }

    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn nested<R>(&mut self, inner: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if self.depth == DEEPEST {
            return Err(self.error(&format!("at most {DEEPEST} nested brackets")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(crate) fn word(&mut self) -> Option<String> {
        let first = self.peek()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.at += end;
        Some(rest[..end].to_string())
    }

    pub(crate) fn number(&mut self) -> Result<Option<f64>> {
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        if !(first.is_ascii_digit() || matches!(first, '.' | '-' | '+')) {
            return Ok(None);
        }
        let rest = &self.text[self.at..];
        let mut end = 0;
        let mut before = ' ';
        for (i, c) in rest.char_indices() {
            let sign = matches!(c, '+' | '-') && (i == 0 || matches!(before, 'e' | 'E'));
            let word = c.is_ascii_alphanumeric() || c == '.';
            if !(sign || word) {
                break;
            }
            before = c;
            end = i + c.len_utf8();
        }
        let value = rest[..end].parse().map_err(|_| self.error("a number"))?;
        self.at += end;
        Ok(Some(value))
    }

    fn quoted(&mut self) -> Result<Option<String>> {
        if !self.take('"') {
            return Ok(None);
        }
        let mut out = String::new();
        let mut escaped = false;
        for (i, c) in self.text[self.at..].char_indices() {
            match c {
                _ if escaped => {
                    out.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += i + 1;
                    return Ok(Some(out));
                }
                c => out.push(c),
            }
        }
        Err(self.error("a closing quote"))
    }

    fn value(&mut self) -> Result<Value> {
        if self.take('[') {
            return self.nested(|c| {
                let mut items = Vec::new();
                while !c.take(']') {
                    if !items.is_empty() {
                        c.expect(',')?;
                    }
                    items.push(c.value()?);
                }
                Ok(Value::List(items))
            });
        }
        if let Some(text) = self.quoted()? {
            return Ok(Value::Word(text));
        }
        if let Some(number) = self.number()? {
            return Ok(Value::Number(number));
        }
        match self.word() {
            // `nan` and `inf` are numbers, to be refused by whoever reads the value.
            Some(w) => Ok(match w.to_lowercase().as_str() {
                "nan" | "inf" | "infinity" => Value::Number(w.parse().unwrap_or(f64::NAN)),
                _ => Value::Word(w),
            }),
            None => Err(self.error("a number, a name or a list")),
        }
    }

    /// `name`, `name()` or `name(key=value, ..)`
    pub(crate) fn call(&mut self) -> Result<Call> {
        let name = self.word().ok_or_else(|| self.error("a name"))?;
        let mut arguments: Vec<(String, Value)> = Vec::new();
        if self.take('(') {
            while !self.take(')') {
                if !arguments.is_empty() && !self.take(',') {
                    return Err(self.error("',' or ')'"));
                }
                let key = self
                    .word()
                    .ok_or_else(|| self.error("a parameter as in h=0.3"))?;
                self.expect('=')?;
                let value = self.value()?;
                if arguments.iter().any(|(k, _)| *k == key) {
                    return Err(Error::parse(format!(
                        "{name} has {key}= twice; give it once"
                    )));
                }
                arguments.push((key, value));
            }
        }
        Ok(Call { name, arguments })
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(x) => write!(f, "{x}"),
            Self::Word(word) => write!(f, "{word}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

impl Value {
    pub(crate) fn number(&self, key: &str) -> Result<f64> {
        match self {
            Self::Number(x) => Ok(*x),
            other => Err(Error::parse(format!("{key}={other} must be a number"))),
        }
    }

    pub(crate) fn count(&self, key: &str) -> Result<usize> {
        match self {
            Self::Number(x) if *x >= 0.0 && x.fract() == 0.0 && *x < 1e15 => Ok(*x as usize),
            other => Err(Error::parse(format!(
                "{key}={other} must be a whole number of at least 0"
            ))),
        }
    }

    /// A list, or one item as a list of one.
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    pub(crate) fn numbers(&self, key: &str) -> Result<Vec<f64>> {
        self.items().iter().map(|v| v.number(key)).collect()
    }
}

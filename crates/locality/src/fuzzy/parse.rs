//! The language of rules.

use super::hedge::Hedge;
use super::rule::{Antecedent, Consequent, Rule};
use super::variable::{Input, Output, find};
use crate::{Error, Result};

/// Deeper nesting than any rule needs, which would exhaust the stack.
const DEEPEST: usize = 64;
/// Longer than any rule needs to be.
const LONGEST: usize = 100_000;

/// A piece of a rule and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
struct Token<'a> {
    kind: Kind<'a>,
    at: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind<'a> {
    Word(&'a str),
    Quoted(&'a str),
    Sign(char),
}

/// Reads one rule; the text may end with a semicolon and begin with `RULE name:`.
pub(super) fn rule(text: &str, inputs: &[Input], outputs: &[Output]) -> Result<Rule> {
    if text.len() > LONGEST {
        return Err(Error::parse(format!(
            "a rule has {} characters; split it below {LONGEST}",
            text.len()
        )));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        depth: 0,
        inputs,
        outputs,
    };
    parser.rule()
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut out = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_whitespace() {
            continue;
        }
        if c == '"' {
            let Some((end, _)) = rest.find(|(_, c)| *c == '"') else {
                return Err(pointed(text, at, "this quote is not closed; add '\"'"));
            };
            let kind = Kind::Quoted(&text[at + 1..end]);
            out.push(Token { kind, at });
            continue;
        }
        if "(),;:".contains(c) {
            out.push(Token {
                kind: Kind::Sign(c),
                at,
            });
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((i, c)) = rest.peek().copied() {
            if c.is_whitespace() || "(),;:\"".contains(c) {
                break;
            }
            end = i + c.len_utf8();
            rest.next();
        }
        let kind = Kind::Word(&text[at..end]);
        out.push(Token { kind, at });
    }
    Ok(out)
}

/// The error with the rule and a caret below the place.
fn pointed(text: &str, at: usize, what: &str) -> Error {
    // The line of a long rule around the place.
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let line: String = text[start..]
        .lines()
        .next()
        .unwrap_or("")
        .replace('\t', " ");
    let column = before[start..].chars().count();
    let from = column.saturating_sub(60);
    let shown: String = line.chars().skip(from).take(100).collect();
    let caret = " ".repeat(column - from);
    Error::parse(format!(
        "cannot read the rule at column {}: {what}\n  {shown}\n  {caret}^",
        column + 1
    ))
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    inputs: &'a [Input],
    outputs: &'a [Output],
}

impl<'a> Parser<'a> {
    fn error(&self, what: &str) -> Error {
        let at = self.tokens.get(self.next).map_or(self.text.len(), |t| t.at);
        pointed(self.text, at, what)
    }

    /// The error of the token before.
    fn error_before(&self, what: &str) -> Error {
        let at = self.tokens[self.next - 1].at;
        pointed(self.text, at, what)
    }

    fn found(&self) -> String {
        match self.tokens.get(self.next).map(|t| &t.kind) {
            None => "the end".to_owned(),
            Some(Kind::Word(w)) => format!("'{w}'"),
            Some(Kind::Quoted(w)) => format!("\"{w}\""),
            Some(Kind::Sign(c)) => format!("'{c}'"),
        }
    }

    fn expected(&self, what: &str) -> Error {
        self.error(&format!("expected {what}, but found {}", self.found()))
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.next + ahead), Some(Token { kind: Kind::Word(w), .. })
            if w.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.next += usize::from(found);
        found
    }

    fn is_sign(&self, ahead: usize, sign: char) -> bool {
        matches!(self.tokens.get(self.next + ahead), Some(Token { kind: Kind::Sign(c), .. }) if *c == sign)
    }

    fn take_sign(&mut self, sign: char) -> bool {
        let found = self.is_sign(0, sign);
        self.next += usize::from(found);
        found
    }

    fn name(&mut self, what: &str) -> Result<&'a str> {
        match self.tokens.get(self.next).map(|t| t.kind.clone()) {
            Some(Kind::Word(w) | Kind::Quoted(w)) => {
                self.next += 1;
                Ok(w)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn is(&mut self) -> Result<()> {
        if self.take_word("is") || self.take_word("are") || self.take_word("=") {
            return Ok(());
        }
        Err(self.expected("IS"))
    }

    fn rule(&mut self) -> Result<Rule> {
        if self.take_word("rule") {
            if !self.is_sign(0, ':') {
                self.name("the rule's name")?;
            }
            if !self.take_sign(':') {
                return Err(self.expected("':'"));
            }
        }
        if !self.take_word("if") {
            return Err(self.expected("IF"));
        }
        let antecedent = self.any()?;
        if !self.take_word("then") {
            return Err(self.expected("AND, OR or THEN"));
        }
        let mut consequents = Vec::new();
        self.consequents(&mut consequents)?;
        // The second is simpful's word.
        let weight = if self.take_word("with") || self.take_word("weight") {
            self.weight()?
        } else {
            1.0
        };
        self.take_sign(';');
        if self.next < self.tokens.len() {
            return Err(self.expected("',', WITH or the end"));
        }
        Ok(Rule {
            antecedent,
            consequents,
            weight,
        })
    }

    fn weight(&mut self) -> Result<f64> {
        let word = self.name("a weight between 0 and 1")?;
        match word.parse::<f64>() {
            Ok(w) if (0.0..=1.0).contains(&w) => Ok(w),
            _ => Err(self.error_before(&format!(
                "the weight '{word}' must be a number between 0 and 1"
            ))),
        }
    }

    fn any(&mut self) -> Result<Antecedent> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Antecedent::Or))
    }

    fn all(&mut self) -> Result<Antecedent> {
        let mut parts = vec![self.unit()?];
        while self.take_word("and") {
            parts.push(self.unit()?);
        }
        Ok(one_or(parts, Antecedent::And))
    }

    fn unit(&mut self) -> Result<Antecedent> {
        self.deeper()?;
        // `NOT x IS a`, but an input may be called so: `not IS a`.
        if self.is_word(0, "not") && !self.is_word(1, "is") {
            self.next += 1;
            self.depth += 1;
            let part = self.unit()?;
            self.depth -= 1;
            return Ok(Antecedent::Not(Box::new(part)));
        }
        if self.take_sign('(') {
            self.depth += 1;
            let inner = self.any()?;
            self.depth -= 1;
            if !self.take_sign(')') {
                return Err(self.expected("AND, OR or ')'"));
            }
            return Ok(inner);
        }
        let name = self.name("an input, NOT or '('")?;
        let known = self.inputs.iter().map(|i| &*i.name);
        let input = find("input", name, &known).map_err(|e| self.error_before(&e.to_string()))?;
        self.is()?;
        let hedges = self.hedges();
        let variable = &self.inputs[input];
        // `any` alone needs no term.
        let bare = hedges.last() == Some(&Hedge::Any) && self.ends();
        let term = if bare && !variable.terms.is_empty() {
            0
        } else {
            self.term(&variable.terms.iter().map(|t| &*t.0), &variable.name)?
        };
        Ok(Antecedent::Is {
            input,
            hedges,
            term,
        })
    }

    /// Whether a condition ends here.
    fn ends(&self) -> bool {
        let word = ["and", "or", "then"].iter().any(|w| self.is_word(0, w));
        word || self.is_sign(0, ')') || self.next == self.tokens.len()
    }

    /// Words that are hedges and not themselves the term.
    fn hedges(&mut self) -> Vec<Hedge> {
        let mut hedges = Vec::new();
        while let Some(Token {
            kind: Kind::Word(w),
            ..
        }) = self.tokens.get(self.next)
        {
            let Some(hedge) = Hedge::word(w) else { break };
            hedges.push(hedge);
            self.next += 1;
        }
        hedges
    }

    fn term<'b>(
        &mut self,
        known: &(impl Iterator<Item = &'b str> + Clone),
        of: &str,
    ) -> Result<usize> {
        let name = self.name("a term")?;
        let what = format!("term of '{of}'");
        find(&what, name, known).map_err(|e| self.error_before(&e.to_string()))
    }

    /// Conclusions, any of which may stand in brackets.
    fn consequents(&mut self, out: &mut Vec<Consequent>) -> Result<()> {
        loop {
            if self.is_sign(0, '(') {
                self.deeper()?;
                self.next += 1;
                self.depth += 1;
                self.consequents(out)?;
                self.depth -= 1;
                if !self.take_sign(')') {
                    return Err(self.expected("',', AND or ')'"));
                }
            } else {
                out.push(self.consequent()?);
            }
            if !(self.take_sign(',') || self.take_word("and")) {
                return Ok(());
            }
        }
    }

    fn deeper(&self) -> Result<()> {
        if self.depth < DEEPEST {
            return Ok(());
        }
        Err(self.error(&format!(
            "brackets and NOT nest deeper than {DEEPEST}; split the rule"
        )))
    }

    fn consequent(&mut self) -> Result<Consequent> {
        let name = self.name("an output")?;
        let known = self.outputs.iter().map(|o| &*o.name);
        let output = find("output", name, &known).map_err(|e| self.error_before(&e.to_string()))?;
        self.is()?;
        let hedges = self.hedges();
        let variable = &self.outputs[output];
        let term = self.term(&variable.terms.iter().map(|t| &*t.0), &variable.name)?;
        Ok(Consequent {
            output,
            hedges,
            term,
        })
    }
}

fn one_or(
    mut parts: Vec<Antecedent>,
    many: impl FnOnce(Vec<Antecedent>) -> Antecedent,
) -> Antecedent {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        many(parts)
    }
}

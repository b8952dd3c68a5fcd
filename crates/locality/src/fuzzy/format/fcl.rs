//! Fuzzy Control Language, IEC 61131-7, with the terms of jFuzzyLogic.

use super::block::{Block, Term};
use super::toml::place;
use crate::fuzzy::membership::Membership;
use crate::fuzzy::{Defuzzifier, FuzzySystem, Input, Output, SNorm, Settings, Shape, TNorm};
use crate::{Error, Result, names};

/// A token and where it begins, in bytes.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
}

/// The file's blocks.
#[derive(Default)]
struct File<'a> {
    name: String,
    inputs: Vec<Block>,
    outputs: Vec<Block>,
    and: Vec<TNorm>,
    or: Vec<SNorm>,
    activation: Vec<TNorm>,
    aggregation: Vec<SNorm>,
    rules: Vec<Token<'a>>,
}

/// The text with remarks as spaces, so that places stay.
fn without_remarks(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (end, what) = if rest.starts_with("//") {
            (rest.find('\n'), "line")
        } else if rest.starts_with("(*") {
            (rest.find("*)").map(|i| i + 2), "*)")
        } else if rest.starts_with("/*") {
            (rest.find("*/").map(|i| i + 2), "*/")
        } else {
            let c = rest.chars().next().unwrap_or(' ');
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let end = match end {
            Some(end) => end,
            None if what == "line" => rest.len(),
            None => {
                let (line, column) = place(text, text.len() - rest.len());
                return Err(Error::parse(format!(
                    "line {line}, column {column}: this remark is not closed; add {what}"
                )));
            }
        };
        out.extend(
            rest[..end]
                .bytes()
                .map(|b| if b == b'\n' { '\n' } else { ' ' }),
        );
        rest = &rest[end..];
    }
    Ok(out)
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap_or(' ');
        let sign = "(),;:".contains(c);
        let length = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with(":=") || rest.starts_with("..") {
            2
        } else if sign {
            1
        } else {
            let stop = |(i, c): (usize, char)| {
                (c.is_whitespace() || "(),;:".contains(c) || rest[i..].starts_with(".."))
                    .then_some(i)
            };
            rest.char_indices().find_map(stop).unwrap_or(rest.len())
        };
        out.push(Token {
            text: &rest[..length],
            at,
        });
        at += length;
    }
    out
}

impl<'a> Reader<'a> {
    fn error_at(&self, at: usize, what: impl std::fmt::Display) -> Error {
        let (line, column) = place(self.text, at);
        Error::parse(format!("line {line}, column {column}: {what}"))
    }

    fn here(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |t| t.at)
    }

    fn expected(&self, what: &str) -> Error {
        let found = self
            .peek()
            .map_or("the end".to_owned(), |t| format!("'{t}'"));
        self.error_at(self.here(), format!("expected {what}, but found {found}"))
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).map(|t| t.text)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.expected(&format!("'{word}'")))
    }

    fn word(&mut self, what: &str) -> Result<&'a str> {
        match self.peek() {
            Some(t) if !"(),;:=".contains(t.chars().next().unwrap_or(' ')) => {
                self.next += 1;
                Ok(t)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn number(&mut self) -> Result<f64> {
        let at = self.here();
        let word = self.word("a number")?;
        match word.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(self.error_at(at, format!("'{word}' is no finite number"))),
        }
    }

    /// Everything up to the end of a block that holds nothing needed here.
    fn skip(&mut self, end: &str) -> Result<()> {
        while !self.take(end) {
            if self.peek().is_none() {
                return Err(self.expected(end));
            }
            self.next += 1;
        }
        Ok(())
    }

    fn file(&mut self) -> Result<File<'a>> {
        let mut file = File::default();
        if self.take("FUNCTION_BLOCK")
            && self
                .peek()
                .is_some_and(|t| !t.to_uppercase().starts_with("VAR"))
        {
            self.word("the block's name")?.clone_into(&mut file.name);
        }
        loop {
            let at = self.here();
            let Some(word) = self.peek() else {
                return Ok(file);
            };
            self.next += 1;
            match &*word.to_uppercase() {
                "VAR_INPUT" | "VAR_OUTPUT" | "VAR" => self.skip("END_VAR")?,
                "OPTION" => self.skip("END_OPTION")?,
                "FUZZIFY" => {
                    let block = self.block("END_FUZZIFY")?;
                    file.inputs.push(block);
                }
                "DEFUZZIFY" => {
                    let block = self.block("END_DEFUZZIFY")?;
                    file.outputs.push(block);
                }
                "RULEBLOCK" => self.rules(&mut file)?,
                "END_FUNCTION_BLOCK" => return self.end(file),
                _ => {
                    let known = [
                        "VAR_INPUT",
                        "VAR_OUTPUT",
                        "FUZZIFY",
                        "DEFUZZIFY",
                        "RULEBLOCK",
                        "END_FUNCTION_BLOCK",
                    ];
                    return Err(self.error_at(at, names::unknown("block", word, known.into_iter())));
                }
            }
        }
    }

    fn end(&self, file: File<'a>) -> Result<File<'a>> {
        match self.peek() {
            None => Ok(file),
            Some(_) => Err(self.expected("the end: one FUNCTION_BLOCK for each file")),
        }
    }

    fn block(&mut self, end: &str) -> Result<Block> {
        let mut block = Block {
            name: self.word("a variable")?.to_owned(),
            ..Block::default()
        };
        let mut method = None;
        while !self.take(end) {
            let at = self.here();
            let key = self.word(end)?;
            match &*key.to_uppercase() {
                "TERM" => {
                    let name = self.word("a term")?.to_owned();
                    self.expect(":=")?;
                    let term = self.term()?;
                    block.terms.push((name, term));
                }
                "RANGE" => block.range = Some(self.range()?),
                "METHOD" => {
                    self.expect(":")?;
                    method = Some((self.here(), self.peek().unwrap_or_default()));
                    block.method = Some(self.named()?);
                }
                "ACCU" => {
                    self.expect(":")?;
                    block.aggregation = Some(self.accumulation()?);
                }
                "DEFAULT" => {
                    self.expect(":=")?;
                    if !self.take("NC") {
                        block.default = Some(self.number()?);
                    }
                }
                _ => {
                    let known = ["TERM", "RANGE", "METHOD", "ACCU", "DEFAULT", end];
                    return Err(self.error_at(at, names::unknown("key", key, known.into_iter())));
                }
            }
            self.expect(";")?;
        }
        let set = |(_, term): &&(String, Term)| matches!(term, Term::Set(_));
        if let Some((at, word)) = method
            && end == "END_DEFUZZIFY"
            && block.method.is_some_and(Defuzzifier::is_weighted)
            && let Some((term, _)) = block.terms.iter().find(set)
        {
            return Err(self.error_at(
                at,
                format!(
                    "METHOD : {word} is for terms that are numbers, but '{term}' of '{}' is a set; give COG, COA, MM, LM or RM, or numbers",
                    block.name
                ),
            ));
        }
        Ok(block)
    }

    fn named<T: std::str::FromStr<Err = Error>>(&mut self) -> Result<T> {
        let at = self.here();
        let word = self.word("a method")?;
        word.parse().map_err(|e| self.error_at(at, e))
    }

    /// `: NAME;`
    fn method<T: std::str::FromStr<Err = Error>>(&mut self) -> Result<T> {
        self.expect(":")?;
        let found = self.named()?;
        self.expect(";")?;
        Ok(found)
    }

    fn accumulation(&mut self) -> Result<SNorm> {
        // A normalised sum has the centre of the plain one.
        if self.take("NSUM") {
            return Ok(SNorm::Sum);
        }
        self.named()
    }

    fn range(&mut self) -> Result<[f64; 2]> {
        self.expect(":=")?;
        self.expect("(")?;
        let low = self.number()?;
        self.expect("..")?;
        let high = self.number()?;
        self.expect(")")?;
        Ok([low, high])
    }

    fn term(&mut self) -> Result<Term> {
        let at = self.here();
        if self.peek() == Some("(") {
            let mut points = Vec::new();
            while self.take("(") {
                points.push(self.number()?);
                self.expect(",")?;
                points.push(self.number()?);
                self.expect(")")?;
                if self.peek() == Some(",") {
                    return Err(self.error_at(
                        self.here(),
                        "points stand one after the other in FCL, as in (0, 0) (5, 1); leave this comma out",
                    ));
                }
            }
            // A single point is a number.
            if points.len() == 2 {
                return Ok(Term::Number(points[0]));
            }
            let set = Membership::new(Shape::Linear, &points);
            return set.map(Term::Set).map_err(|e| self.error_at(at, e));
        }
        let word = self.word("points, a number or a shape")?;
        if let Ok(x) = word.parse::<f64>()
            && x.is_finite()
        {
            return Ok(Term::Number(x));
        }
        let mut p = Vec::new();
        while self.peek().is_some_and(|t| t != ";") {
            p.push(self.number()?);
        }
        let set = match (&*word.to_uppercase(), &p[..]) {
            ("TRIAN", _) => Membership::new(Shape::Triangle, &p),
            ("TRAPE", _) => Membership::new(Shape::Trapezoid, &p),
            ("GAUSS", _) => Membership::new(Shape::Gaussian, &p),
            ("GAUSS2", [m1, s1, m2, s2]) => {
                Membership::new(Shape::TwoSidedGaussian, &[*s1, *m1, *s2, *m2])
            }
            ("GBELL", _) => Membership::new(Shape::Bell, &p),
            ("SIGM", _) => Membership::new(Shape::Sigmoid, &p),
            ("DSIGM", _) => Membership::new(Shape::SigmoidDifference, &p),
            ("COSINE", [width, center]) => Membership::new(Shape::Cosine, &[*center, *width]),
            ("GAUSS2", p) => Err(counted(word, 4, p.len())),
            ("COSINE", p) => Err(counted(word, 2, p.len())),
            _ => {
                let known = [
                    "TRIAN", "TRAPE", "GAUSS", "GAUSS2", "GBELL", "SIGM", "DSIGM", "COSINE",
                ];
                return Err(self.error_at(at, names::unknown("shape", word, known.into_iter())));
            }
        };
        set.map(Term::Set).map_err(|e| self.error_at(at, e))
    }

    fn rules(&mut self, file: &mut File<'a>) -> Result<()> {
        self.word("the block's name")?;
        let (mut and, mut or) = (None, None);
        while !self.take("END_RULEBLOCK") {
            let at = self.here();
            let key = self.word("END_RULEBLOCK")?;
            match &*key.to_uppercase() {
                "AND" => and = Some(self.method::<TNorm>()?),
                "OR" => or = Some(self.method::<SNorm>()?),
                "ACT" => file.activation.push(self.method()?),
                "ACCU" => {
                    self.expect(":")?;
                    file.aggregation.push(self.accumulation()?);
                    self.expect(";")?;
                }
                "RULE" => {
                    self.skip(";")?;
                    let text = &self.text[at..self.tokens[self.next - 1].at];
                    file.rules.push(Token { text, at });
                }
                _ => {
                    let known = ["AND", "OR", "ACT", "ACCU", "RULE", "END_RULEBLOCK"];
                    return Err(self.error_at(at, names::unknown("key", key, known.into_iter())));
                }
            }
        }
        // Where one of them is given, the other follows by De Morgan's law.
        file.and.extend(and.or(or.and_then(SNorm::dual)));
        file.or.extend(or.or(and.map(TNorm::dual)));
        Ok(())
    }
}

/// What is wrong with a shape of another number of numbers.
fn counted(shape: &str, takes: usize, given: usize) -> Error {
    Error::parse(format!(
        "{shape} takes {takes} numbers, but {given} are given"
    ))
}

/// The one method of all rule blocks.
fn agreed<T: Copy + PartialEq>(
    key: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    usual: T,
) -> Result<T> {
    let first = *all.first().unwrap_or(&usual);
    match all.iter().find(|m| **m != first) {
        Some(other) => Err(Error::unsupported(format!(
            "the rule blocks differ in {key}, {} and {}; split the file",
            name(first),
            name(*other)
        ))),
        None => Ok(first),
    }
}

pub(super) fn read(text: &str) -> Result<FuzzySystem> {
    let clean = without_remarks(text)?;
    let mut reader = Reader {
        text: &clean,
        tokens: tokens(&clean),
        next: 0,
    };
    let file = reader.file()?;
    let usual = Settings::default();
    let settings = Settings {
        and: agreed("AND", &file.and, TNorm::name, usual.and)?,
        or: agreed("OR", &file.or, SNorm::name, usual.or)?,
        implication: agreed("ACT", &file.activation, TNorm::name, usual.implication)?,
        // A range that is guessed from the points of terms says nothing about what lies beyond it.
        clip: file.inputs.iter().all(|block| block.range.is_some()),
        ..usual
    };
    let accumulation = agreed("ACCU", &file.aggregation, SNorm::name, SNorm::Maximum)?;
    let inputs: Result<Vec<Input>> = file.inputs.into_iter().map(Block::into_input).collect();
    let outputs = file
        .outputs
        .into_iter()
        .map(|b| b.into_output(accumulation));
    let outputs: Result<Vec<Output>> = outputs.collect();
    let mut system = FuzzySystem::new(&file.name, settings, inputs?, outputs?)?;
    for rule in file.rules {
        system.add(rule.text).map_err(|e| {
            let (line, _) = place(&clean, rule.at);
            e.context(format!("line {line}"))
        })?;
    }
    Ok(system)
}

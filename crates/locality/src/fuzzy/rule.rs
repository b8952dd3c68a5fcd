//! Rules as trees.

use std::fmt::{self, Write};

use super::hedge::Hedge;
use super::system::FuzzySystem;
use super::variable::Conclusion;

/// The `IF` part of a rule. Numbers are places in the system's lists.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Antecedent {
    /// `input IS hedges term`.
    Is {
        /// Which input.
        input: usize,
        /// Hedges as written, from left to right.
        hedges: Vec<Hedge>,
        /// Which of its terms.
        term: usize,
    },
    /// All of these.
    And(Vec<Antecedent>),
    /// Any of these.
    Or(Vec<Antecedent>),
    /// Not this.
    Not(Box<Antecedent>),
}

/// One part of a rule's `THEN`.
#[derive(Clone, Debug, PartialEq)]
pub struct Consequent {
    /// Which output.
    pub output: usize,
    /// Hedges as written; only for fuzzy sets of Mamdani's inference.
    pub hedges: Vec<Hedge>,
    /// Which of its terms.
    pub term: usize,
}

/// A rule: `IF antecedent THEN consequents WITH weight`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// When it fires.
    pub antecedent: Antecedent,
    /// What it concludes.
    pub consequents: Vec<Consequent>,
    /// Factor on its firing, in `[0, 1]`.
    pub weight: f64,
}

/// A name as rules write it: in quotes where it is no plain word.
pub(super) fn quoted(name: &str) -> String {
    const WORDS: [&str; 9] = [
        "if", "is", "and", "or", "not", "then", "with", "are", "rule",
    ];
    let lower = name.to_lowercase();
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
        && !name.starts_with('.')
        && name.parse::<f64>().is_err()
        && !WORDS.contains(&&*lower)
        && Hedge::word(&lower).is_none();
    if plain {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

impl Antecedent {
    /// Calls `each` for every `input IS term`.
    pub(super) fn visit(&self, each: &mut impl FnMut(usize, &[Hedge], usize)) {
        match self {
            Self::Is {
                input,
                hedges,
                term,
            } => each(*input, hedges, *term),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.visit(each)),
            Self::Not(part) => part.visit(each),
        }
    }

    /// Whether it holds an `AND` or `OR` of nothing.
    pub(super) fn has_gap(&self) -> bool {
        match self {
            Self::Is { .. } => false,
            Self::And(parts) | Self::Or(parts) => {
                parts.is_empty() || parts.iter().any(Self::has_gap)
            }
            Self::Not(part) => part.has_gap(),
        }
    }

    fn write(&self, out: &mut String, system: &FuzzySystem, within: bool) {
        let (parts, word) = match self {
            Self::Is {
                input,
                hedges,
                term,
            } => {
                let variable = &system.inputs()[*input];
                let _ = write!(out, "{} IS ", quoted(&variable.name));
                for hedge in hedges {
                    let _ = write!(out, "{hedge} ");
                }
                out.push_str(&quoted(&variable.terms[*term].0));
                return;
            }
            Self::Not(part) => {
                out.push_str("NOT ");
                let bare = matches!(**part, Self::Is { .. } | Self::Not(_));
                part.write(out, system, !bare);
                return;
            }
            Self::And(parts) => (parts, " AND "),
            Self::Or(parts) => (parts, " OR "),
        };
        if within {
            out.push('(');
        }
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                out.push_str(word);
            }
            part.write(out, system, true);
        }
        if within {
            out.push(')');
        }
    }
}

impl Rule {
    /// The rule as text, which reads back: `IF service IS good THEN tip IS average`.
    ///
    /// # Panics
    /// Where the rule speaks of inputs, outputs or terms that the system lacks.
    pub fn text(&self, system: &FuzzySystem) -> String {
        self.written(system, |_| String::new())
    }

    /// The rule for the eye: [`text`](Self::text), and behind each conclusion that is a number or a sum over the inputs what it is, to four
    /// digits: `IF service IS good THEN tip IS usual (10 + 0.5 * food)`.
    ///
    /// # Panics
    /// Where the rule speaks of inputs, outputs or terms that the system lacks.
    pub fn told(&self, system: &FuzzySystem) -> String {
        self.written(system, |part| {
            match &system.outputs()[part.output].terms[part.term].1 {
                Conclusion::Set(_) => String::new(),
                Conclusion::Affine { constant, slopes } => {
                    let short = Conclusion::Affine {
                        constant: four_digits(*constant),
                        slopes: slopes.iter().copied().map(four_digits).collect(),
                    };
                    format!(" ({})", system.conclusion_text(&short))
                }
            }
        })
    }

    fn written(&self, system: &FuzzySystem, more: impl Fn(&Consequent) -> String) -> String {
        let mut out = String::from("IF ");
        self.antecedent.write(&mut out, system, false);
        out.push_str(" THEN ");
        for (i, part) in self.consequents.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            let output = &system.outputs()[part.output];
            let _ = write!(out, "{} IS ", quoted(&output.name));
            for hedge in &part.hedges {
                let _ = write!(out, "{hedge} ");
            }
            out.push_str(&quoted(&output.terms[part.term].0));
            out.push_str(&more(part));
        }
        if self.weight != 1.0 {
            let _ = write!(out, " WITH {}", self.weight);
        }
        out
    }
}

/// A number without the digits behind its fourth.
fn four_digits(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

impl fmt::Display for FuzzySystem {
    /// The rules as they read back, one on each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in self.rules() {
            writeln!(f, "{}", rule.text(self))?;
        }
        Ok(())
    }
}

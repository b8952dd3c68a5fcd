//! Inputs and outputs: named numbers and the words for them.

use super::Membership;
use super::defuzzify::Defuzzifier;
use super::norms::{SNorm, named};
use crate::{Error, Result, names};

/// An input: a number with a name, its usual range, and terms, which are fuzzy sets over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The name, by which rules speak of it.
    pub name: String,
    /// From where to where it usually goes.
    pub range: [f64; 2],
    /// Names and memberships of the terms.
    pub terms: Vec<(String, Membership)>,
}

impl Input {
    /// A number as the terms are given it: at the range's end, where it is beyond and that is asked for.
    pub(super) fn within(&self, x: f64, clip: bool) -> f64 {
        if clip {
            x.clamp(self.range[0], self.range[1])
        } else {
            x
        }
    }
}

/// What a rule concludes about an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// A fuzzy set over the output (Mamdani, Tsukamoto).
    Set(Membership),
    /// `constant + sum_j slopes[j] x[j]` (Takagi-Sugeno-Kang): no slopes at all is order 0, one for each input is order 1.
    Affine {
        /// The value where all inputs are 0.
        constant: f64,
        /// One for each input, or none.
        slopes: Vec<f64>,
    },
}

impl Conclusion {
    /// A number: a conclusion of order 0.
    pub fn constant(constant: f64) -> Self {
        let slopes = Vec::new();
        Self::Affine { constant, slopes }
    }
}

/// How the conclusions of the rules become a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inference {
    /// Fuzzy sets, cut by the rules' firing and joined, then defuzzified.
    ///
    /// Source: E. H. Mamdani and S. Assilian, *An experiment in linguistic synthesis with a fuzzy logic controller*, International
    /// Journal of Man-Machine Studies 7 (1975).
    Mamdani,
    /// Functions of the inputs, averaged under the rules' firing: a local mean over rules.
    ///
    /// Source: T. Takagi and M. Sugeno, *Fuzzy identification of systems and its applications to modeling and control*, IEEE
    /// Transactions on Systems, Man, and Cybernetics 15 (1985).
    Sugeno,
    /// Monotone fuzzy sets, each giving the number at which its degree is the rule's firing; these are averaged under the firing.
    ///
    /// Source: Y. Tsukamoto, *An approach to fuzzy reasoning method*, Advances in Fuzzy Set Theory and Applications (1979).
    Tsukamoto,
}

pub(super) const INFERENCES: &[(Inference, &[&str])] = &[
    (Inference::Mamdani, &["mamdani"]),
    (
        Inference::Sugeno,
        &["sugeno", "tsk", "takagi_sugeno", "takagi-sugeno"],
    ),
    (Inference::Tsukamoto, &["tsukamoto"]),
];

impl Inference {
    /// `mamdani`, `sugeno` or `tsukamoto`.
    pub fn name(self) -> &'static str {
        let found = INFERENCES.iter().find(|(i, _)| *i == self);
        found.map_or("", |(_, names)| names[0])
    }
}

impl std::str::FromStr for Inference {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("inference", name, INFERENCES)
    }
}

/// An output: a number with a name, and what rules may conclude about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name, by which rules speak of it.
    pub name: String,
    /// From where to where it goes. Sets are integrated over it; Takagi-Sugeno-Kang outputs may leave it.
    pub range: [f64; 2],
    /// Names and meanings of the terms, all of the kind that `inference` needs.
    pub terms: Vec<(String, Conclusion)>,
    /// How conclusions become a number.
    pub inference: Inference,
    /// The last step; of those, each inference takes its own.
    pub defuzzifier: Defuzzifier,
    /// Mamdani: how the sets of several rules are joined.
    pub aggregation: SNorm,
    /// The value where no rule fires; NaN where there is none.
    pub default: Option<f64>,
}

impl Output {
    /// An output of an inference with its usual defuzzifier (`centroid`, else `weighted_average`), joined by the maximum, without default.
    pub fn new(name: &str, range: [f64; 2], inference: Inference) -> Self {
        Self {
            name: name.to_owned(),
            range,
            terms: Vec::new(),
            inference,
            defuzzifier: match inference {
                Inference::Mamdani => Defuzzifier::Centroid,
                Inference::Sugeno | Inference::Tsukamoto => Defuzzifier::WeightedAverage,
            },
            aggregation: SNorm::Maximum,
            default: None,
        }
    }
}

/// The place of a name among others: as written, else in any case.
pub(super) fn find<'a>(
    what: &str,
    name: &str,
    known: &(impl Iterator<Item = &'a str> + Clone),
) -> Result<usize> {
    let exact = known.clone().position(|k| k == name);
    let folded = || {
        let lower = name.to_lowercase();
        known.clone().position(|k| k.to_lowercase() == lower)
    };
    exact.or_else(folded).ok_or_else(|| {
        if known.clone().count() > 50 {
            return Error::parse(format!("unknown {what} '{name}'; check its spelling"));
        }
        Error::parse(names::unknown(what, name, known.clone()))
    })
}

pub(super) fn check_range(name: &str, range: [f64; 2]) -> Result<()> {
    let [low, high] = range;
    if low.is_finite() && high.is_finite() && low < high && (high - low).is_finite() {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "the range [{low}, {high}] of '{name}' must be two finite numbers that rise"
    )))
}

/// Names that are there and differ.
pub(super) fn check_names<'a>(what: &str, all: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for name in all {
        if name.trim().is_empty() {
            return Err(Error::parameter(format!(
                "a {what} has no name; give it one"
            )));
        }
        if name.contains("'''") || name.chars().any(|c| c == '"' || c.is_control()) {
            return Err(Error::parameter(format!(
                "the {what} name {name:?} holds a quote or a control character; leave it out"
            )));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::parameter(format!(
                "there are two {what}s '{name}' (case does not count); rename one"
            )));
        }
    }
    Ok(())
}

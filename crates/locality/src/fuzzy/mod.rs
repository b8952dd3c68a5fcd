//! Fuzzy inference: rules in words, evaluated on whole tables.
//!
//! A [`FuzzySystem`] has [`Input`]s with terms, which are fuzzy sets ([`Membership`]), [`Output`]s, and rules such as
//! `IF service IS good AND NOT price IS very high THEN tip IS generous`. Each output has its own [`Inference`]: Mamdani's fuzzy sets,
//! the functions of Takagi, Sugeno and Kang, or Tsukamoto's monotone sets. With Gaussian terms, `AND` as product and conclusions of
//! order 0, a Takagi-Sugeno-Kang system is the local mean of its conclusions over its rules.

mod defuzzify;
mod explain;
mod format;
mod hedge;
mod infer;
#[cfg(test)]
mod language;
mod learn;
mod membership;
mod narrow;
mod norms;
mod parse;
mod plan;
mod rule;
mod shape;
mod system;
mod text;
mod variable;

pub use defuzzify::Defuzzifier;
pub use explain::{Degrees, Explanation, Fired};
pub use format::Format;
pub use hedge::Hedge;
pub use learn::{
    FuzzyCMeans, FuzzyCMeansFit, LearnedRules, RuleCount, RuleLearner, SubtractiveClustering,
};
pub use membership::Membership;
pub use norms::{SNorm, TNorm};
pub use rule::{Antecedent, Consequent, Rule};
pub use shape::{SHAPES, Shape, ShapeInfo};
pub use system::{FuzzySystem, Settings};
pub use variable::{Conclusion, Inference, Input, Output};

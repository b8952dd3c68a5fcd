//! Rules from data: clusters become rules, least squares their conclusions, and gradients move their terms.

mod anfis;
mod between;
mod cmeans;
mod learner;
mod modes;
mod named;
mod place;
mod search;
mod subtractive;
mod tsk;

pub use cmeans::{FuzzyCMeans, FuzzyCMeansFit};
pub use learner::{LearnedRules, RuleCount, RuleLearner};
pub use subtractive::SubtractiveClustering;

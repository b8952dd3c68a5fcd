//! What a `FUZZIFY` or `DEFUZZIFY` block of FCL says.

use crate::fuzzy::membership::Membership;
use crate::fuzzy::{Conclusion, Defuzzifier, Inference, Input, Output, SNorm, Shape};
use crate::{Error, Result};

/// A term: a set or a number.
pub(super) enum Term {
    Set(Membership),
    Number(f64),
}

/// A block on one variable.
#[derive(Default)]
pub(super) struct Block {
    pub(super) name: String,
    pub(super) terms: Vec<(String, Term)>,
    pub(super) range: Option<[f64; 2]>,
    pub(super) method: Option<Defuzzifier>,
    pub(super) aggregation: Option<SNorm>,
    pub(super) default: Option<f64>,
}

impl Block {
    /// The range given, or that of the points.
    fn range(&self) -> Result<[f64; 2]> {
        if let Some(range) = self.range {
            return Ok(range);
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (_, term) in &self.terms {
            let points: Vec<f64> = match term {
                Term::Number(x) => vec![*x],
                Term::Set(set) => match (set.shape(), set.parameters()) {
                    (Shape::Linear, p) => p.iter().step_by(2).copied().collect(),
                    (Shape::Triangle | Shape::Trapezoid, p) => p.to_vec(),
                    (Shape::Gaussian, p) => vec![p[0] - 4.0 * p[1], p[0] + 4.0 * p[1]],
                    (Shape::Cosine, p) => vec![p[0] - p[1], p[0] + p[1]],
                    // Where sigmoids are level, as jFuzzyLogic has it.
                    (Shape::Sigmoid | Shape::SigmoidDifference, p) => {
                        let flank = |f: &[f64]| [f[1] - 9.0 / f[0].abs(), f[1] + 9.0 / f[0].abs()];
                        p.chunks_exact(2).flat_map(flank).collect()
                    }
                    _ => {
                        return Err(Error::parse(format!(
                            "'{}' has no range that its terms tell; add RANGE := (low .. high)",
                            self.name
                        )));
                    }
                },
            };
            low = points.iter().fold(low, |a, b| a.min(*b));
            high = points.iter().fold(high, |a, b| a.max(*b));
        }
        if low < high {
            return Ok([low, high]);
        }
        Err(Error::parse(format!(
            "'{}' has no RANGE; add RANGE := (low .. high)",
            self.name
        )))
    }

    pub(super) fn into_input(self) -> Result<Input> {
        let range = self.range()?;
        let terms = self.terms.into_iter().map(|(name, term)| match term {
            Term::Set(set) => Ok((name, set)),
            Term::Number(x) => Ok((name, Membership::new(Shape::Singleton, &[x])?)),
        });
        let terms: Result<Vec<_>> = terms.collect();
        Ok(Input {
            name: self.name,
            range,
            terms: terms?,
        })
    }

    pub(super) fn into_output(self, accumulation: SNorm) -> Result<Output> {
        let numbers = self.terms.iter().all(|(_, t)| matches!(t, Term::Number(_)));
        let aggregation = self.aggregation.unwrap_or(accumulation);
        let (inference, defuzzifier) = match self.method {
            // The centre of singletons that add up is the mean of their places under the rules' firing.
            None | Some(Defuzzifier::Centroid | Defuzzifier::WeightedAverage)
                if numbers && aggregation == SNorm::Sum =>
            {
                (Inference::Sugeno, Defuzzifier::WeightedAverage)
            }
            None => (Inference::Mamdani, Defuzzifier::Centroid),
            Some(Defuzzifier::WeightedAverage) if numbers => {
                (Inference::Mamdani, Defuzzifier::Centroid)
            }
            Some(Defuzzifier::WeightedSum) if numbers => {
                (Inference::Sugeno, Defuzzifier::WeightedSum)
            }
            Some(method) => (Inference::Mamdani, method),
        };
        let range = match self.range() {
            // All numbers the same.
            Err(_) if numbers && self.range.is_none() => match self.terms.first() {
                Some((_, Term::Number(x))) => [x - 1.0, x + 1.0],
                _ => self.range()?,
            },
            other => other?,
        };
        let mut output = Output::new(&self.name, range, inference);
        output.defuzzifier = defuzzifier;
        if inference == Inference::Mamdani {
            output.aggregation = aggregation;
        }
        output.default = self.default;
        for (name, term) in self.terms {
            let conclusion = match term {
                Term::Set(set) => Conclusion::Set(set),
                Term::Number(x) if inference == Inference::Sugeno => Conclusion::constant(x),
                Term::Number(x) => Conclusion::Set(Membership::new(Shape::Singleton, &[x])?),
            };
            output.terms.push((name, conclusion));
        }
        Ok(output)
    }
}

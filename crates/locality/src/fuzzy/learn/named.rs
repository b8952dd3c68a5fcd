//! Learned rules in words.

use crate::Result;
use crate::fuzzy::rule::{Antecedent, Consequent, Rule};
use crate::fuzzy::{
    Conclusion, FuzzySystem, Inference, Input, Membership, Output, Settings, TNorm,
};

use super::tsk::Tsk;

/// Where a column begins and how far it reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) span: f64,
}

/// Names of the inputs and outputs.
pub(super) struct Names<'a> {
    pub(super) inputs: &'a [String],
    pub(super) outputs: &'a [String],
}

/// Words for `n` terms from the lowest on.
fn words(n: usize) -> Vec<String> {
    let known: &[&str] = match n {
        1 => &["usual"],
        2 => &["low", "high"],
        3 => &["low", "medium", "high"],
        4 => &["lowest", "low", "high", "highest"],
        5 => &["lowest", "low", "medium", "high", "highest"],
        _ => return (1..=n).map(|i| format!("level_{i}")).collect(),
    };
    known.iter().map(|w| (*w).to_owned()).collect()
}

/// The system of a model in the columns' own units.
pub(super) fn system(
    tsk: &Tsk,
    scales: &[Scale],
    ranges: &[[f64; 2]],
    names: &Names<'_>,
    htsk: bool,
) -> Result<FuzzySystem> {
    let (d, rules) = (tsk.d, tsk.rules());
    let mut inputs = Vec::new();
    // The term of each rule and input, if it asks for it.
    let mut terms = vec![vec![None; d]; rules];
    for (j, scale) in scales.iter().enumerate() {
        let at = |r: usize| (tsk.centers[r * d + j], tsk.sigmas[r * d + j]);
        let mut order: Vec<usize> = (0..rules).filter(|r| at(*r).1.is_finite()).collect();
        order.sort_by(|&a, &b| {
            let ((c, s), (e, t)) = (at(a), at(b));
            c.total_cmp(&e).then(s.total_cmp(&t)).then(a.cmp(&b))
        });
        // Rules that ask for the same ask for one term.
        let mut curves: Vec<(f64, f64)> = Vec::new();
        for &r in &order {
            if curves.last() != Some(&at(r)) {
                curves.push(at(r));
            }
            terms[r][j] = Some(curves.len() - 1);
        }
        let mut list = Vec::new();
        for (word, (center, sigma)) in words(curves.len()).into_iter().zip(curves) {
            let (center, sigma) = (scale.low + center * scale.span, sigma * scale.span);
            list.push((word, Membership::gaussian(center, sigma)?));
        }
        inputs.push(Input {
            name: names.inputs[j].clone(),
            range: [scale.low, scale.low + scale.span],
            terms: list,
        });
    }
    let outputs = names.outputs.iter().enumerate().map(|(o, name)| {
        let mut output = Output::new(name, ranges[o], Inference::Sugeno);
        for (r, (constant, slopes)) in tsk.lines[o].iter().enumerate() {
            let raw: Vec<f64> = slopes.iter().zip(scales).map(|(s, c)| s / c.span).collect();
            let shift: f64 = raw.iter().zip(scales).map(|(s, c)| s * c.low).sum();
            let conclusion = Conclusion::Affine {
                constant: constant - shift,
                slopes: raw,
            };
            output.terms.push((format!("value_{}", r + 1), conclusion));
        }
        output
    });
    let settings = Settings {
        and: TNorm::Product,
        clip: false,
        htsk,
        ..Settings::default()
    };
    let outputs: Vec<Output> = outputs.collect();
    let mut system = FuzzySystem::new("learned", settings, inputs, outputs)?;
    for (r, terms) in terms.iter().enumerate() {
        let asked = terms.iter().enumerate().filter_map(|(input, term)| {
            let hedges = Vec::new();
            term.map(|term| Antecedent::Is {
                input,
                hedges,
                term,
            })
        });
        let mut parts: Vec<Antecedent> = asked.collect();
        let consequents = (0..names.outputs.len()).map(|output| Consequent {
            output,
            hedges: Vec::new(),
            term: r,
        });
        system.add_rule(Rule {
            antecedent: if parts.len() == 1 {
                parts.remove(0)
            } else {
                Antecedent::And(parts)
            },
            consequents: consequents.collect(),
            weight: 1.0,
        })?;
    }
    Ok(system)
}

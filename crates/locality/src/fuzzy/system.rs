//! A fuzzy system: variables, rules and how they are put together.

use super::defuzzify::Defuzzifier;
use super::norms::{SNorm, TNorm};
use super::parse;
use super::plan::{self, Plan};
use super::rule::{Antecedent, Rule};
use super::variable::{Conclusion, Inference, Input, Output, check_names, check_range};
use crate::{Error, Float, Result, Rows, Watch};

/// More than any system needs; what claims more is no system.
const MOST: usize = 1_000_000;
/// Most points of an output's grid.
const FINEST: usize = 100_001;

/// What holds for all rules of a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `AND`; the minimum by default.
    pub and: TNorm,
    /// `OR`; the maximum by default.
    pub or: SNorm,
    /// Mamdani: how a rule's firing acts on its conclusion; the minimum by default.
    pub implication: TNorm,
    /// Mamdani: points of the grid over an output's range, 401 by default. Sets are straight between them; one that is narrower than four
    /// of its steps gets points of its own. Where all conclusions are singletons, no grid is needed.
    pub resolution: usize,
    /// Whether inputs beyond their range are taken at its end, as by default.
    pub clip: bool,
    /// Divide the logarithm of each rule's firing by the number of inputs, so that systems of many inputs stay alive. Needs `AND` as
    /// product, rules without `OR` and `NOT`, and weighted averages.
    ///
    /// Source: Y. Cui, D. Wu and Y. Xu, *Curse of dimensionality for TSK fuzzy neural networks: explanation and solutions* (2021).
    pub htsk: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            and: TNorm::Minimum,
            or: SNorm::Maximum,
            implication: TNorm::Minimum,
            resolution: 401,
            clip: true,
            htsk: false,
        }
    }
}

/// A fuzzy inference system.
///
/// ```
/// use locality::fuzzy::{Conclusion, FuzzySystem, Inference, Input, Output, Settings};
/// use locality::{Rows, Watch};
/// let heat = Input {
///     name: "heat".into(),
///     range: [0.0, 40.0],
///     terms: vec![
///         ("low".into(), "trapezoid(0, 0, 15, 25)".parse()?),
///         ("high".into(), "trapezoid(15, 25, 40, 40)".parse()?),
///     ],
/// };
/// let mut fan = Output::new("fan", [0.0, 100.0], Inference::Sugeno);
/// fan.terms.push(("slow".into(), Conclusion::constant(20.0)));
/// fan.terms.push(("fast".into(), Conclusion::constant(90.0)));
/// let mut system = FuzzySystem::new("cooling", Settings::default(), vec![heat], vec![fan])?;
/// system.add("IF heat IS low THEN fan IS slow")?;
/// system.add("IF heat IS high THEN fan IS fast")?;
/// let fans = system.evaluate(Rows::column(&[10.0, 20.0, 30.0]), &Watch::default())?;
/// assert_eq!(fans, [20.0, 55.0, 90.0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FuzzySystem {
    name: String,
    settings: Settings,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    rules: Vec<Rule>,
}

impl FuzzySystem {
    /// A system without rules.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter): no inputs or outputs, names that are missing or twice there, a range that does not
    /// rise, terms that do not suit their output's inference, settings that do not go together.
    pub fn new(
        name: &str,
        settings: Settings,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
    ) -> Result<Self> {
        let system = Self {
            name: name.to_owned(),
            settings,
            inputs,
            outputs,
            rules: Vec::new(),
        };
        system.check_settings()?;
        system.check_inputs()?;
        for output in &system.outputs {
            system.check_output(output)?;
        }
        Ok(system)
    }

    /// Adds a rule given as text: `IF a IS high AND (b IS low OR NOT c IS very high) THEN y IS big, z IS small WITH 0.8`. Names that are
    /// no plain words stand in double quotes; keywords and names may have any case.
    ///
    /// # Errors
    /// [`Parse`](crate::ErrorKind::Parse): what was expected, with a caret below its place and the nearest known name. Also what
    /// [`FuzzySystem::add_rule`] refuses.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let rule = parse::rule(text, &self.inputs, &self.outputs)?;
        self.add_rule(rule)
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter): inputs, outputs or terms that the system lacks, `AND` or `OR` of nothing, a weight outside
    /// `[0, 1]`, hedges on what is no fuzzy set of Mamdani's, and under `htsk` a rule with `OR`, `NOT` or a hedge that is no power.
    pub fn add_rule(&mut self, rule: Rule) -> Result<()> {
        self.check_rule(&rule)
            .map_err(|e| e.context(format!("rule {}", self.rules.len() + 1)))?;
        if self.rules.len() == MOST {
            return Err(Error::parameter(format!(
                "a system holds at most {MOST} rules; split it"
            )));
        }
        self.rules.push(rule);
        Ok(())
    }

    /// The same system with only those rules for which `keep` says so, by number.
    #[must_use]
    pub fn retain(mut self, keep: impl Fn(usize) -> bool) -> Self {
        let mut number = 0;
        self.rules.retain(|_| {
            number += 1;
            keep(number - 1)
        });
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its inputs: the columns of a table, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Its outputs.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Its rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Evaluates a table of inputs `[n, inputs]` and returns `[n, outputs]`, row after row. Where no rule about an output fires, that is
    /// its default, or NaN. It is computed in double precision.
    ///
    /// # Errors
    /// No rows, NaN or infinite numbers, another number of columns, a system without rules, or an interruption.
    pub fn evaluate<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check_rows(&rows)?;
        Plan::new(self).evaluate(rows, watch)
    }

    /// How much each rule fires for each row, `[n, rules]`, its weight included.
    ///
    /// # Errors
    /// As [`FuzzySystem::evaluate`].
    pub fn firing<T: Float>(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check_rows(&rows)?;
        Plan::new(self).firing(rows, watch)
    }

    pub(super) fn check_columns<T: Float>(&self, rows: &Rows<'_, T>) -> Result<()> {
        if rows.columns() != self.inputs.len() {
            let names: Vec<&str> = self.inputs.iter().map(|i| &*i.name).take(20).collect();
            return Err(Error::shape(format!(
                "the table has {} columns, but the system has {} inputs; give {} in this order",
                rows.columns(),
                self.inputs.len(),
                names.join(", ")
            )));
        }
        rows.require_finite("inputs")
    }

    pub(super) fn check_rows<T: Float>(&self, rows: &Rows<'_, T>) -> Result<()> {
        self.check_columns(rows)?;
        if self.rules.is_empty() {
            return Err(Error::empty(format!(
                "the fuzzy system '{}' has no rules; add some",
                self.name
            )));
        }
        Ok(())
    }

    fn check_settings(&self) -> Result<()> {
        let s = &self.settings;
        if !(2..=FINEST).contains(&s.resolution) {
            return Err(Error::parameter(format!(
                "resolution={} must lie between 2 and {FINEST}",
                s.resolution
            )));
        }
        if s.or == SNorm::Sum {
            return Err(Error::parameter(
                "OR as a plain sum leaves [0, 1]; take lukasiewicz, the sum that is bounded",
            ));
        }
        if s.htsk && s.and != TNorm::Product {
            return Err(Error::parameter(format!(
                "htsk divides the logarithm of a product, but AND is {}; set AND to product",
                s.and.name()
            )));
        }
        Ok(())
    }

    fn check_inputs(&self) -> Result<()> {
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Err(Error::parameter(format!(
                "the fuzzy system '{}' has {} inputs and {} outputs; give at least one of each",
                self.name,
                self.inputs.len(),
                self.outputs.len()
            )));
        }
        if self.inputs.len() > MOST || self.outputs.len() > MOST {
            return Err(Error::parameter(format!(
                "a system has at most {MOST} inputs and outputs; split it"
            )));
        }
        check_names("input", self.inputs.iter().map(|i| &*i.name))?;
        check_names("output", self.outputs.iter().map(|o| &*o.name))?;
        for input in &self.inputs {
            check_range(&input.name, input.range)?;
            check_names("term", input.terms.iter().map(|t| &*t.0))
                .map_err(|e| e.context(&input.name))?;
        }
        Ok(())
    }

    fn check_output(&self, output: &Output) -> Result<()> {
        let name = &output.name;
        check_range(name, output.range)?;
        check_names("term", output.terms.iter().map(|t| &*t.0)).map_err(|e| e.context(name))?;
        if let Some(x) = output.default
            && !x.is_finite()
        {
            return Err(Error::parameter(format!(
                "the default {x} of '{name}' must be a finite number; leave it out for NaN"
            )));
        }
        let weighted = output.inference != Inference::Mamdani;
        if output.defuzzifier.is_weighted() != weighted {
            return Err(Error::parameter(format!(
                "the defuzzifier {} of '{name}' does not go with {} inference; take {}",
                output.defuzzifier.name(),
                output.inference.name(),
                if weighted {
                    "weighted_average or weighted_sum"
                } else {
                    "centroid, bisector or one of the maximum"
                }
            )));
        }
        if self.settings.htsk
            && (output.inference != Inference::Sugeno
                || output.defuzzifier != Defuzzifier::WeightedAverage)
        {
            return Err(Error::parameter(format!(
                "htsk needs sugeno inference with weighted_average, but '{name}' has {} with {}",
                output.inference.name(),
                output.defuzzifier.name()
            )));
        }
        for (term, conclusion) in &output.terms {
            self.check_conclusion(output, term, conclusion)?;
        }
        Ok(())
    }

    fn check_conclusion(&self, output: &Output, term: &str, is: &Conclusion) -> Result<()> {
        let of = format!("term '{term}' of '{}'", output.name);
        match (is, output.inference) {
            (Conclusion::Set(set), Inference::Mamdani) => {
                // With a default that is the output, as in MATLAB.
                if output.default.is_some() || plan::reaches(set, output, &self.settings) {
                    return Ok(());
                }
                let [low, high] = output.range;
                Err(Error::parameter(format!(
                    "{of}, {set}, is 0 on all of the output's range [{low}, {high}], so that no number can come of it; move the term, or \
                     widen the range"
                )))
            }
            (Conclusion::Set(set), Inference::Tsukamoto) => {
                if set.inverse(0.5).is_some() {
                    return Ok(());
                }
                Err(Error::parameter(format!(
                    "{of}, {set}, is not monotone; tsukamoto inference needs s, z, sigmoid, a triangle with one upright side or a \
                     monotone linear"
                )))
            }
            (Conclusion::Affine { constant, slopes }, Inference::Sugeno) => {
                if !(slopes.is_empty() || slopes.len() == self.inputs.len()) {
                    return Err(Error::parameter(format!(
                        "{of} has {} slopes; give one for each of the {} inputs, or none",
                        slopes.len(),
                        self.inputs.len()
                    )));
                }
                if constant.is_finite() && slopes.iter().all(|s| s.is_finite()) {
                    return Ok(());
                }
                Err(Error::parameter(format!(
                    "{of} holds a number that is not finite; give finite ones"
                )))
            }
            (Conclusion::Set(_), Inference::Sugeno) => Err(Error::parameter(format!(
                "{of} is a fuzzy set; sugeno inference needs a number or a sum over inputs"
            ))),
            (Conclusion::Affine { .. }, inference) => Err(Error::parameter(format!(
                "{of} is a function; {} inference needs a fuzzy set",
                inference.name()
            ))),
        }
    }

    fn check_rule(&self, rule: &Rule) -> Result<()> {
        if !(0.0..=1.0).contains(&rule.weight) {
            return Err(Error::parameter(format!(
                "weight={} must lie between 0 and 1",
                rule.weight
            )));
        }
        if rule.consequents.is_empty() {
            return Err(Error::parameter("it concludes nothing; name an output"));
        }
        if rule.antecedent.has_gap() {
            return Err(Error::parameter(
                "it holds AND or OR of nothing; give at least one condition",
            ));
        }
        let mut fault = None;
        rule.antecedent.visit(&mut |input, hedges, term| {
            let known = self.inputs.get(input).map(|i| (&*i.name, i.terms.len()));
            if known.is_none_or(|(_, terms)| term >= terms) {
                fault = Some(unknown("input", input, term, known));
            } else if self.settings.htsk && hedges.iter().any(|h| h.power().is_none()) {
                fault = Some("htsk allows only hedges that are powers; leave 'not' out".to_owned());
            }
        });
        for part in &rule.consequents {
            match self.outputs.get(part.output) {
                Some(o) if part.term < o.terms.len() => {
                    if !part.hedges.is_empty() && o.inference != Inference::Mamdani {
                        let name = &o.name;
                        fault = Some(format!(
                            "'{name}' is concluded by {} inference, where hedges have no meaning",
                            o.inference.name()
                        ));
                    }
                }
                other => {
                    let known = other.map(|o| (&*o.name, o.terms.len()));
                    fault = Some(unknown("output", part.output, part.term, known));
                }
            }
        }
        if self.settings.htsk && conjunction(&rule.antecedent).is_none() {
            fault = Some("htsk needs rules without OR and NOT; rewrite it as several".to_owned());
        }
        fault.map_or(Ok(()), |why| Err(Error::parameter(why)))
    }
}

/// What is wrong with a term's number, or a variable's: a rule made of numbers. Words count from 1, as files of numbers do.
fn unknown(kind: &str, variable: usize, term: usize, known: Option<(&str, usize)>) -> String {
    let at = |place: usize| place.saturating_add(1);
    match known {
        Some((name, terms)) => format!(
            "{kind} '{name}' has {terms} terms, but the rule asks for number {}, counted from 1; correct the rule",
            at(term)
        ),
        None => format!(
            "there is no {kind} number {}, counted from 1; correct the rule",
            at(variable)
        ),
    }
}

/// One condition: an input, one of its terms, and a power.
pub(super) type Powered = (usize, usize, f64);

/// The conditions of a rule that is nothing but a conjunction of terms under powers.
pub(super) fn conjunction(antecedent: &Antecedent) -> Option<Vec<Powered>> {
    match antecedent {
        Antecedent::Is {
            input,
            hedges,
            term,
        } => {
            let powers: Option<Vec<f64>> = hedges.iter().map(|h| h.power()).collect();
            Some(vec![(*input, *term, powers?.iter().product())])
        }
        Antecedent::And(parts) => {
            let parts: Option<Vec<Vec<_>>> = parts.iter().map(conjunction).collect();
            Some(parts?.into_iter().flatten().collect())
        }
        Antecedent::Or(_) | Antecedent::Not(_) => None,
    }
}

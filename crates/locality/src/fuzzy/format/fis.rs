//! MATLAB's `.fis` files.

use crate::fuzzy::membership::Membership;
use crate::fuzzy::rule::{Antecedent, Consequent, Rule};
use crate::fuzzy::{
    Conclusion, Defuzzifier, FuzzySystem, Hedge, Inference, Input, Output, Settings, Shape,
};
use crate::{Error, Result, names};

/// A key and its value, with the line.
struct Entry<'a> {
    line: usize,
    key: &'a str,
    value: &'a str,
}

/// A section, or the rules as lines.
#[derive(Default)]
struct Section<'a> {
    entries: Vec<Entry<'a>>,
    lines: Vec<(usize, &'a str)>,
}

fn at(line: usize, what: impl std::fmt::Display) -> Error {
    Error::parse(format!("line {line}: {what}"))
}

impl<'a> Section<'a> {
    fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries
            .iter()
            .find(|e| e.key.eq_ignore_ascii_case(key))
    }

    fn word(&self, key: &str) -> Option<(usize, &'a str)> {
        self.get(key).map(|e| (e.line, e.value.trim_matches('\'')))
    }

    fn named<T: std::str::FromStr<Err = Error>>(&self, key: &str) -> Result<Option<T>> {
        let found = self.word(key).filter(|(_, word)| !word.is_empty());
        found
            .map(|(line, word)| word.parse().map_err(|e| at(line, e)))
            .transpose()
    }

    fn count(&self, key: &str) -> Result<Option<usize>> {
        let found = self.word(key);
        let number = |(line, word): (usize, &str)| {
            word.parse()
                .map_err(|_| at(line, format!("{key}={word} must be a whole number")))
        };
        found.map(number).transpose()
    }
}

/// A section's kind, its number and what it holds.
type Sections<'a> = Vec<(String, usize, Section<'a>)>;

fn sections(text: &str) -> Result<Sections<'_>> {
    let mut out: Sections<'_> = Vec::new();
    for (i, raw) in text.lines().enumerate() {
        let number = i + 1;
        let line = raw.trim();
        if line.is_empty() || line.starts_with('%') {
            continue;
        }
        if let Some(head) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let digits = head.trim_start_matches(|c: char| !c.is_ascii_digit());
            let kind = head[..head.len() - digits.len()].to_lowercase();
            let place = digits.parse().unwrap_or(0);
            out.push((kind, place, Section::default()));
            continue;
        }
        let Some((kind, _, section)) = out.last_mut() else {
            return Err(at(number, "a .fis file begins with [System]"));
        };
        if kind == "rules" {
            section.lines.push((number, line));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            let shown: String = line.chars().take(40).collect();
            return Err(at(
                number,
                format!("expected key=value, but found '{shown}'"),
            ));
        };
        section.entries.push(Entry {
            line: number,
            key: key.trim(),
            value: value.trim(),
        });
    }
    Ok(out)
}

pub(super) fn read(text: &str) -> Result<FuzzySystem> {
    let all = sections(text)?;
    let one = |kind: &str| all.iter().find(|(k, _, _)| k == kind).map(|(_, _, s)| s);
    let Some(head) = one("system") else {
        return Err(Error::parse("the .fis file has no [System]; add it"));
    };
    let numbered = |kind: &str| {
        let mut found: Vec<_> = all.iter().filter(|(k, _, _)| k == kind).collect();
        found.sort_by_key(|(_, place, _)| *place);
        found
            .into_iter()
            .map(|(_, _, section)| section)
            .collect::<Vec<_>>()
    };
    let sugeno = head
        .word("Type")
        .is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("sugeno"));
    let settings = Settings {
        and: head.named("AndMethod")?.unwrap_or(Settings::default().and),
        or: head.named("OrMethod")?.unwrap_or(Settings::default().or),
        implication: head
            .named("ImpMethod")?
            .unwrap_or(Settings::default().implication),
        // MATLAB warns of inputs beyond their ranges, and takes them as they are.
        clip: false,
        ..Settings::default()
    };
    let inputs: Result<Vec<Input>> = numbered("input").into_iter().map(input).collect();
    let inputs = inputs?;
    let outputs = numbered("output").into_iter();
    let outputs = outputs.map(|s| output(s, head, sugeno, inputs.len()));
    let outputs: Result<Vec<Output>> = outputs.collect();
    let outputs = outputs?;
    let rules = one("rules").map_or(&[][..], |s| &s.lines);
    for (key, found) in [
        ("NumInputs", inputs.len()),
        ("NumOutputs", outputs.len()),
        ("NumRules", rules.len()),
    ] {
        if let Some(told) = head.count(key)?
            && told != found
        {
            return Err(Error::parse(format!(
                "{key}={told}, but the file has {found}; correct one of the two"
            )));
        }
    }
    let name = head.word("Name").map_or("", |(_, name)| name);
    let mut system = FuzzySystem::new(name, settings, inputs, outputs)?;
    for (line, text) in rules {
        let rule = rule(&system, text).map_err(|e| e.context(format!("line {line}")))?;
        if rule.consequents.is_empty() {
            // It has 0 for every output, and says nothing.
            continue;
        }
        system
            .add_rule(rule)
            .map_err(|e| e.context(format!("line {line}")))?;
    }
    Ok(system)
}

fn name_and_range(section: &Section<'_>) -> Result<(String, [f64; 2])> {
    let line = section.entries.first().map_or(0, |e| e.line);
    let Some((_, name)) = section.word("Name") else {
        return Err(at(line, "this variable has no Name; add Name='..'"));
    };
    let Some(range) = section.get("Range") else {
        return Err(at(
            line,
            format!("'{name}' has no Range; add Range=[low high]"),
        ));
    };
    match numbers(range.value).map_err(|e| at(range.line, e))?[..] {
        [low, high] => Ok((name.to_owned(), [low, high])),
        _ => Err(at(range.line, "Range must be [low high]")),
    }
}

/// `[1 2 3]`, separated by spaces, commas or semicolons.
fn numbers(text: &str) -> Result<Vec<f64>> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let words = inner.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let number = |w: &str| {
        w.parse()
            .map_err(|_| Error::parse(format!("cannot read '{w}'; give a number")))
    };
    words.filter(|w| !w.is_empty()).map(number).collect()
}

/// Name, kind and numbers of a membership function.
type Function<'a> = (usize, &'a str, &'a str, Vec<f64>);

/// `MF1='poor':'gaussmf',[1.5 0]`
fn functions<'a>(section: &Section<'a>) -> Result<Vec<Function<'a>>> {
    let mut out = Vec::new();
    for entry in &section.entries {
        let number = entry
            .key
            .strip_prefix("MF")
            .or_else(|| entry.key.strip_prefix("mf"));
        let Some(number) = number.and_then(|n| n.parse::<usize>().ok()) else {
            continue;
        };
        let wrong = || at(entry.line, "expected MF1='name':'kind',[numbers]");
        let (name, rest) = entry.value.rsplit_once("':'").ok_or_else(wrong)?;
        let (kind, list) = rest.split_once('\'').ok_or_else(wrong)?;
        let list = list.trim_start_matches([',', ' ']);
        let list = numbers(list).map_err(|e| at(entry.line, e))?;
        out.push((
            number,
            entry.line,
            name.trim_start_matches('\''),
            kind,
            list,
        ));
    }
    out.sort_by_key(|f| f.0);
    if let Some((i, f)) = out.iter().enumerate().find(|(i, f)| f.0 != i + 1) {
        return Err(at(
            f.1,
            format!(
                "MF{} stands where MF{} should; number them from 1",
                f.0,
                i + 1
            ),
        ));
    }
    if let Some(told) = section.count("NumMFs")?
        && told != out.len()
    {
        let line = section.entries.first().map_or(0, |e| e.line);
        return Err(at(
            line,
            format!(
                "NumMFs={told}, but there are {}; correct one of the two",
                out.len()
            ),
        ));
    }
    Ok(out
        .into_iter()
        .map(|(_, line, name, kind, list)| (line, name, kind, list))
        .collect())
}

/// The functions of MATLAB's toolbox.
const FUNCTIONS: [&str; 13] = [
    "trimf", "trapmf", "gaussmf", "gauss2mf", "gbellmf", "sigmf", "dsigmf", "psigmf", "smf", "zmf",
    "pimf", "linsmf", "linzmf",
];

fn unknown(kind: &str, known: &[&str]) -> Error {
    Error::parse(names::unknown("membership", kind, known.iter().copied()))
}

fn membership(kind: &str, p: &[f64]) -> Result<Membership> {
    let kind = kind.to_lowercase();
    let cornered = matches!(Shape::named(&kind), Ok(Shape::Triangle | Shape::Trapezoid));
    if cornered && p.iter().any(|x| x.is_infinite()) {
        return shoulder(&kind, p);
    }
    // Where the corners of a curve cross, MATLAB has a step half way.
    let ramp = |a: f64, b: f64| {
        let middle = f64::midpoint(a, b);
        if a < b { [a, b] } else { [middle, middle] }
    };
    match (kind.as_str(), p) {
        ("gaussmf", [sigma, mean]) => Membership::gaussian(*mean, sigma.abs()),
        ("gauss2mf", [s1, c1, s2, c2]) => {
            Membership::new(Shape::TwoSidedGaussian, &[s1.abs(), *c1, s2.abs(), *c2])
        }
        ("smf", [a, b]) => Membership::new(Shape::S, &ramp(*a, *b)),
        ("zmf", [a, b]) => Membership::new(Shape::Z, &ramp(*a, *b)),
        ("pimf", [a, b, c, d]) => {
            let [[a, b], [c, d]] = [ramp(*a, *b), ramp(*c, *d)];
            Membership::new(Shape::Pi, &[a, b, c, d])
        }
        ("linsmf", [a, b]) => Membership::new(Shape::Linear, &[*a, 0.0, *b, 1.0]),
        ("linzmf", [a, b]) => Membership::new(Shape::Linear, &[*a, 1.0, *b, 0.0]),
        (kind, p) => match Shape::named(kind) {
            Ok(shape) => Membership::new(shape, p),
            // Those that are read above have two.
            Err(_) if FUNCTIONS.contains(&kind) => Err(Error::parse(format!(
                "{kind} takes 2 numbers, but {} are given",
                p.len()
            ))),
            // What is known in such a file has other names than ours.
            Err(_) => Err(unknown(kind, &FUNCTIONS)),
        },
    }
}

/// A triangle or trapezoid that never falls to one side, whose corners there are infinite, as straight lines.
fn shoulder(kind: &str, p: &[f64]) -> Result<Membership> {
    let corners = match *p {
        [a, b, c] => Some([a, b, b, c]),
        [a, b, c, d] => Some([a, b, c, d]),
        _ => None,
    };
    let wrong = || {
        Error::parse(format!(
            "cannot read '{kind}' with corners {p:?}; corners rise, from -Inf where the set is open to the left, to Inf to the right"
        ))
    };
    let [a, b, c, d] = corners.ok_or_else(wrong)?;
    let (left, right) = (a == f64::NEG_INFINITY, d == f64::INFINITY);
    match (left, right) {
        (true, true) => Membership::new(Shape::Linear, &[0.0, 1.0, 1.0, 1.0]),
        (true, false) if c.is_finite() && d.is_finite() => {
            Membership::new(Shape::Linear, &[c, 1.0, d, 0.0])
        }
        (false, true) if a.is_finite() && b.is_finite() => {
            Membership::new(Shape::Linear, &[a, 0.0, b, 1.0])
        }
        _ => Err(wrong()),
    }
}

fn input(section: &Section<'_>) -> Result<Input> {
    let (name, range) = name_and_range(section)?;
    let mut terms = Vec::new();
    for (line, term, kind, p) in functions(section)? {
        let set = membership(kind, &p).map_err(|e| at(line, e))?;
        terms.push((term.to_owned(), set));
    }
    Ok(Input { name, range, terms })
}

fn output(
    section: &Section<'_>,
    head: &Section<'_>,
    sugeno: bool,
    inputs: usize,
) -> Result<Output> {
    let (name, range) = name_and_range(section)?;
    let inference = if sugeno {
        Inference::Sugeno
    } else {
        Inference::Mamdani
    };
    let mut out = Output::new(&name, range, inference);
    if let Some(defuzzifier) = head.named::<Defuzzifier>("DefuzzMethod")? {
        if defuzzifier.is_weighted() != sugeno {
            let (line, word) = head.word("DefuzzMethod").unwrap_or_default();
            return Err(at(
                line,
                format!(
                    "DefuzzMethod='{word}' does not go with Type='{}'; give one of {}",
                    inference.name(),
                    if sugeno {
                        "wtaver and wtsum"
                    } else {
                        "centroid, bisector, mom, som and lom"
                    }
                ),
            ));
        }
        // MATLAB's smallest and largest are those of the smallest and largest magnitude.
        out.defuzzifier = match defuzzifier {
            Defuzzifier::SmallestOfMaximum if range[0] < 0.0 => {
                Defuzzifier::SmallestMagnitudeOfMaximum
            }
            Defuzzifier::LargestOfMaximum if range[0] < 0.0 => {
                Defuzzifier::LargestMagnitudeOfMaximum
            }
            other => other,
        };
    }
    if let Some(aggregation) = head.named("AggMethod")?
        && !sugeno
    {
        out.aggregation = aggregation;
    }
    // What MATLAB gives where no rule fires, for both types.
    out.default = Some(f64::midpoint(range[0], range[1]));
    for (line, term, kind, p) in functions(section)? {
        let conclusion = match (&*kind.to_lowercase(), sugeno) {
            ("constant", true) if p.len() == 1 => Conclusion::constant(p[0]),
            ("linear", true) if p.len() == inputs + 1 => Conclusion::Affine {
                constant: p[inputs],
                slopes: p[..inputs].to_vec(),
            },
            ("constant" | "linear", true) => {
                return Err(at(
                    line,
                    format!(
                        "'{term}' has {} numbers; constant takes 1, linear {}",
                        p.len(),
                        inputs + 1
                    ),
                ));
            }
            (kind, true) if Shape::named(kind).is_err() => {
                return Err(at(line, unknown(kind, &["constant", "linear"])));
            }
            _ => Conclusion::Set(membership(kind, &p).map_err(|e| at(line, e))?),
        };
        out.terms.push((term.to_owned(), conclusion));
    }
    Ok(out)
}

/// `1 -2, 1 (0.5) : 1`: a term of each input and output (0: none, below 0: not), weight, 1 for AND or 2 for OR.
fn rule(system: &FuzzySystem, text: &str) -> Result<Rule> {
    let wrong = || {
        let shown: String = text.chars().take(60).collect();
        Error::parse(format!(
            "cannot read the rule '{shown}'; expected inputs, outputs (weight) : 1 or 2"
        ))
    };
    let (terms, connection) = text.rsplit_once(':').ok_or_else(wrong)?;
    let (terms, weight) = terms.rsplit_once('(').ok_or_else(wrong)?;
    let weight = weight.trim().strip_suffix(')').ok_or_else(wrong)?;
    let weight: f64 = weight.trim().parse().map_err(|_| wrong())?;
    let (ins, outs) = terms.split_once(',').ok_or_else(wrong)?;
    let whole = |text: &str, count: usize| -> Result<Vec<i64>> {
        let all: Vec<&str> = text.split_whitespace().collect();
        if all.len() != count {
            return Err(wrong());
        }
        all.iter().map(|w| w.parse().map_err(|_| wrong())).collect()
    };
    let ins = whole(ins, system.inputs().len())?;
    let outs = whole(outs, system.outputs().len())?;
    // Counted from 1, the sign apart.
    let split = |t: i64| {
        let hedges = if t < 0 { vec![Hedge::Not] } else { Vec::new() };
        let term = usize::try_from(t.unsigned_abs() - 1).unwrap_or(usize::MAX);
        (hedges, term)
    };
    let used = |list: &[i64]| {
        let all: Vec<(usize, i64)> = list
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, t)| *t != 0)
            .collect();
        all
    };
    let mut parts: Vec<Antecedent> = used(&ins)
        .into_iter()
        .map(|(input, t)| {
            let (hedges, term) = split(t);
            Antecedent::Is {
                input,
                hedges,
                term,
            }
        })
        .collect();
    let antecedent = match (parts.len(), connection.trim()) {
        (0, _) => {
            return Err(Error::parse(
                "the rule has no condition; give at least one input's term",
            ));
        }
        (1, "1" | "2") => parts.remove(0),
        (_, "1") => Antecedent::And(parts),
        (_, "2") => Antecedent::Or(parts),
        _ => return Err(wrong()),
    };
    let consequents = used(&outs).into_iter().map(|(output, t)| {
        let (hedges, term) = split(t);
        Consequent {
            output,
            hedges,
            term,
        }
    });
    Ok(Rule {
        antecedent,
        consequents: consequents.collect(),
        weight,
    })
}

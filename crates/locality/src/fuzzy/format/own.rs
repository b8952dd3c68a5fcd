//! The format of its own: a TOML document.

use super::linear;
use super::toml::{self, Spot, Table, Value};
use crate::fuzzy::membership::Membership;
use crate::fuzzy::{Conclusion, FuzzySystem, Inference, Input, Output, Settings, Shape};
use crate::{Error, Result, names};

/// A table whose keys are asked for one by one, and of which none may be left over.
struct Keys<'a> {
    table: &'a Table,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    fn new(table: &'a Table) -> Self {
        let known = Vec::new();
        Self { table, known }
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spot> {
        self.known.push(key);
        self.table.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    fn text(&mut self, key: &'static str) -> Result<Option<(&'a Spot, &'a str)>> {
        self.get(key).map(|s| Ok((s, text(s, key)?))).transpose()
    }

    /// A value that is read from a name.
    fn named<T: std::str::FromStr<Err = Error>>(&mut self, key: &'static str) -> Result<Option<T>> {
        let Some((spot, name)) = self.text(key)? else {
            return Ok(None);
        };
        name.parse().map(Some).map_err(|e: Error| spot.error(e))
    }

    fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Spot {
                value: Value::Bool(b),
                ..
            }) => Ok(Some(*b)),
            Some(spot) => Err(spot.error(format!("{key} must be true or false"))),
        }
    }

    fn number(&mut self, key: &'static str) -> Result<Option<f64>> {
        self.get(key).map(|s| number(s, key)).transpose()
    }

    /// Refuses what was not asked for.
    fn end(self) -> Result<()> {
        for (key, spot) in self.table {
            if !self.known.contains(&&**key) {
                let known = self.known.iter().copied();
                return Err(spot.error(names::unknown("key", key, known)));
            }
        }
        Ok(())
    }
}

fn text<'a>(spot: &'a Spot, key: &str) -> Result<&'a str> {
    match &spot.value {
        Value::Text(text) => Ok(text),
        _ => Err(spot.error(format!("{key} must be a text in quotes"))),
    }
}

fn number(spot: &Spot, key: &str) -> Result<f64> {
    match spot.value {
        Value::Number(x) if x.is_finite() => Ok(x),
        _ => Err(spot.error(format!("{key} must be a finite number"))),
    }
}

fn table<'a>(spot: &'a Spot, key: &str) -> Result<&'a Table> {
    match &spot.value {
        Value::Table(table) => Ok(table),
        _ => Err(spot.error(format!("{key} must be a table"))),
    }
}

/// The tables of a list, or none.
fn tables<'a>(spot: Option<&'a Spot>, key: &str) -> Result<Vec<&'a Spot>> {
    match spot {
        None => Ok(Vec::new()),
        Some(Spot {
            value: Value::List(list),
            ..
        }) => Ok(list.iter().collect()),
        Some(spot) => Err(spot.error(format!("begin each {key} with [[{key}]]"))),
    }
}

pub(super) fn read(text: &str) -> Result<FuzzySystem> {
    let root = toml::parse(text)?;
    let mut keys = Keys::new(&root);
    let name = keys.text("name")?.map_or("", |(_, name)| name);
    let settings = settings(&mut keys)?;
    let inputs = tables(keys.get("input"), "input")?;
    let inputs: Result<Vec<Input>> = inputs.into_iter().map(input).collect();
    let inputs = inputs?;
    let outputs = tables(keys.get("output"), "output")?;
    let outputs: Result<Vec<Output>> = outputs.into_iter().map(|o| output(o, &inputs)).collect();
    let rules = keys.get("rules");
    keys.end()?;
    let mut system = FuzzySystem::new(name, settings, inputs, outputs?)?;
    if let Some(spot) = rules {
        let mut keys = Keys::new(table(spot, "rules")?);
        let found = keys.text("text")?;
        keys.end()?;
        if let Some((spot, rules)) = found {
            // The text of ''' begins on the next line.
            let written = text.lines().nth(spot.line - 1).unwrap_or("");
            let below =
                written.trim_end().ends_with("'''") || written.trim_end().ends_with("\"\"\"");
            add_lines(
                &mut system,
                rules,
                spot.line + usize::from(below && rules.contains('\n')),
            )?;
        }
    }
    Ok(system)
}

/// Adds the rules of a text, one on each line; `#` begins a remark.
pub(super) fn add_lines(system: &mut FuzzySystem, text: &str, first: usize) -> Result<()> {
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {}", first + i);
        system.add(line).map_err(|e| e.context(place))?;
    }
    Ok(())
}

fn settings(keys: &mut Keys<'_>) -> Result<Settings> {
    let usual = Settings::default();
    let resolution = match keys.number("resolution")? {
        None => usual.resolution,
        Some(x) if x >= 2.0 && x.fract() == 0.0 && x < 1e9 => x as usize,
        Some(x) => {
            return Err(Error::parameter(format!(
                "resolution={x} must be a whole number from 2 on"
            )));
        }
    };
    Ok(Settings {
        and: keys.named("and")?.unwrap_or(usual.and),
        or: keys.named("or")?.unwrap_or(usual.or),
        implication: keys.named("implication")?.unwrap_or(usual.implication),
        resolution,
        clip: keys.flag("clip")?.unwrap_or(usual.clip),
        htsk: keys.flag("htsk")?.unwrap_or(usual.htsk),
    })
}

fn name_and_range(spot: &Spot, keys: &mut Keys<'_>) -> Result<(String, [f64; 2])> {
    let Some((_, name)) = keys.text("name")? else {
        return Err(spot.error("the name is missing; add name = \"..\""));
    };
    let Some(range) = keys.get("range") else {
        return Err(spot.error(format!("'{name}' has no range; add range = [low, high]")));
    };
    let Value::List(ends) = &range.value else {
        return Err(range.error("range must be [low, high]"));
    };
    let [low, high] = &ends[..] else {
        return Err(range.error(format!(
            "range has {} numbers; give [low, high]",
            ends.len()
        )));
    };
    Ok((
        name.to_owned(),
        [number(low, "range")?, number(high, "range")?],
    ))
}

fn terms<'a>(keys: &mut Keys<'a>) -> Result<&'a [(String, Spot)]> {
    Ok(match keys.get("terms") {
        Some(spot) => table(spot, "terms")?,
        None => &[],
    })
}

/// A set: its text, or a bare number, which is a singleton.
fn set(spot: &Spot, name: &str) -> Result<Membership> {
    let set = match spot.value {
        Value::Number(x) => Membership::new(Shape::Singleton, &[x]),
        _ => text(spot, name)?.parse(),
    };
    set.map_err(|e| spot.error(e))
}

fn input(spot: &Spot) -> Result<Input> {
    let mut keys = Keys::new(table(spot, "input")?);
    let (name, range) = name_and_range(spot, &mut keys)?;
    let terms = terms(&mut keys)?
        .iter()
        .map(|(name, spot)| Ok((name.clone(), set(spot, name)?)));
    let terms: Result<Vec<_>> = terms.collect();
    keys.end()?;
    Ok(Input {
        name,
        range,
        terms: terms?,
    })
}

fn output(spot: &Spot, inputs: &[Input]) -> Result<Output> {
    let mut keys = Keys::new(table(spot, "output")?);
    let (name, range) = name_and_range(spot, &mut keys)?;
    let inference = keys.named("inference")?.unwrap_or(Inference::Mamdani);
    let mut output = Output::new(&name, range, inference);
    if let Some(defuzzifier) = keys.named("defuzzifier")? {
        output.defuzzifier = defuzzifier;
    }
    if let Some(aggregation) = keys.named("aggregation")? {
        output.aggregation = aggregation;
    }
    output.default = keys.number("default")?;
    for (name, spot) in terms(&mut keys)? {
        let conclusion = match (&spot.value, inference) {
            (Value::Number(x), Inference::Sugeno) => Conclusion::constant(*x),
            (_, Inference::Sugeno) => {
                let found = linear::read(text(spot, name)?, inputs);
                found.map_err(|e| spot.error(e))?
            }
            _ => Conclusion::Set(set(spot, name)?),
        };
        output.terms.push((name.clone(), conclusion));
    }
    keys.end()?;
    Ok(output)
}

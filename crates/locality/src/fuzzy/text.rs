//! Memberships as text.

use std::fmt;

use super::membership::{MOST_POINTS, Membership};
use super::shape::{SHAPES, Shape, ShapeInfo};
use crate::{Error, Result, names};

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.p.iter().map(ToString::to_string).collect();
        write!(f, "{}({})", self.shape.info().name, numbers.join(", "))
    }
}

/// The beginning of a text, for an error.
fn shown(text: &str) -> String {
    text.trim().chars().take(80).collect()
}

/// Numbers of a shape in its order, from `5, 1.5` or `sigma=1.5, mean=5`.
fn arguments(shape: Shape, text: &str) -> Result<Vec<f64>> {
    let info = shape.info();
    let mut found: Vec<Option<f64>> = Vec::new();
    let mut named = false;
    let parts = text.split(',').filter(|_| !text.trim().is_empty());
    for part in parts {
        if part.trim().is_empty() {
            return Err(Error::parse(format!(
                "a number is missing between commas in '{}'; give it, or leave a comma out",
                shown(text)
            )));
        }
        let (name, number) = match part.split_once('=') {
            Some((name, number)) => (Some(name.trim()), number.trim()),
            None => (None, part.trim()),
        };
        let x = number.parse::<f64>().map_err(|_| {
            Error::parse(format!(
                "cannot read '{}' in '{}'; give a number",
                shown(number),
                shown(text)
            ))
        })?;
        let at = match name {
            Some(name) => shape.place(name)?,
            None if named => {
                return Err(Error::parse(format!(
                    "{number} stands behind numbers with names in '{}'; say what it is",
                    shown(text)
                )));
            }
            None => found.len(),
        };
        named |= name.is_some();
        if at >= found.len() {
            found.resize(at + 1, None);
        }
        if found[at].replace(x).is_some() {
            return Err(Error::parse(format!(
                "{} is given twice in '{}'; leave one out",
                name.unwrap_or(number),
                shown(text)
            )));
        }
    }
    if let Some(missing) = found.iter().position(Option::is_none) {
        return Err(Error::parse(format!(
            "{} takes {}, but number {} of them is missing in '{}'",
            info.name,
            info.parameters.join(", "),
            missing + 1,
            shown(text)
        )));
    }
    Ok(found.into_iter().flatten().collect())
}

impl std::str::FromStr for Membership {
    type Err = Error;

    /// Reads `shape(numbers)`, where numbers may have their names: `gaussian(sigma=1.5, mean=5)`; a bare number is a singleton.
    fn from_str(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        if let Ok(x) = trimmed.parse::<f64>() {
            return Self::new(Shape::Singleton, &[x]);
        }
        let wrong = || {
            Error::parse(format!(
                "cannot read '{}'; write a shape with its numbers, as in triangle(0, 5, 10)",
                shown(text)
            ))
        };
        let (name, rest) = trimmed.split_once('(').ok_or_else(wrong)?;
        let inner = rest.strip_suffix(')').ok_or_else(wrong)?;
        let shape = Shape::named(name)?;
        Self::new(shape, &arguments(shape, inner)?)
    }
}

impl Shape {
    /// What is known of it.
    pub fn info(self) -> &'static ShapeInfo {
        let at = SHAPES.iter().position(|s| s.shape == self);
        &SHAPES[at.unwrap_or(0)]
    }

    /// Where a parameter stands.
    fn place(self, name: &str) -> Result<usize> {
        let info = self.info();
        if self == Self::Linear {
            let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<usize>().ok();
            let point = |k: usize| (1..=MOST_POINTS).contains(&k).then(|| 2 * (k - 1));
            let x = number("x").and_then(point);
            let place = x.or_else(|| number("degree").and_then(point).map(|at| at + 1));
            if let Some(at) = place {
                return Ok(at);
            }
        }
        let found = info.parameters.iter().position(|p| *p == name);
        found.ok_or_else(|| {
            let known = info.parameters.iter().copied();
            Error::parse(names::unknown(
                &format!("parameter of {}", info.name),
                name,
                known,
            ))
        })
    }

    /// The shape of this name or alias, those of `.fis` files included.
    ///
    /// # Errors
    /// [`Parse`](crate::ErrorKind::Parse) for an unknown name, with the nearest.
    pub fn named(name: &str) -> Result<Self> {
        let lower = name.trim().to_lowercase();
        let is = |s: &&ShapeInfo| s.name == lower || s.aliases.contains(&&*lower);
        SHAPES.iter().find(is).map(|s| s.shape).ok_or_else(|| {
            Error::parse(names::unknown(
                "membership",
                name,
                SHAPES.iter().map(|s| s.name),
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Membership, SHAPES, Shape};

    fn of(text: &str) -> Membership {
        text.parse().unwrap()
    }

    #[test]
    fn text_reads_back_and_faults_are_named() {
        for info in SHAPES {
            let m = info.example();
            assert_eq!(of(&m.to_string()), m);
        }
        let cases = [
            ("triangle(5, 0, 10)", "must rise"),
            ("gaussian(5, 0)", "sigma must be positive"),
            ("gaussian(5)", "takes mean, sigma, but 1 numbers"),
            ("gausian(5, 1)", "did you mean 'gaussian'"),
            ("gaussian(5, inf)", "finite"),
            ("gaussian 5", "triangle(0, 5, 10)"),
            ("linear(0, 0, 1, 2)", "between 0 and 1"),
            ("gaussian(5, x)", "cannot read 'x'"),
            (
                "gaussian(5,, 1)",
                "a number is missing between commas in '5,, 1'",
            ),
            ("triangle(, 0, 5, 10)", "a number is missing"),
            ("triangle(0, 5, 10,)", "a number is missing"),
            ("gaussian()", "but 0 numbers are given"),
            ("cosine(5, 0)", "width must be positive"),
            (
                "gaussian(mu=5, sigma=1)",
                "unknown parameter of gaussian 'mu'",
            ),
            ("gaussian(sigma=5, sigma=1)", "sigma is given twice"),
            ("gaussian(5, mean=1)", "mean is given twice"),
            (
                "gaussian(sigma=5)",
                "takes mean, sigma, but number 1 of them is missing",
            ),
            ("gaussian(mean=5, 1)", "1 stands behind numbers with names"),
            ("triangle(0, 5, d=7)", "unknown parameter of triangle 'd'"),
            (
                "linear(x1=0, degree1=0, x3=2, degree3=1)",
                "number 3 of them is missing",
            ),
            ("linear(x0=0)", "unknown parameter of linear 'x0'"),
            ("trapezoid(3, 1, 4, 5)", "each flank's corners must rise"),
        ];
        for (text, words) in cases {
            let e = text.parse::<Membership>().unwrap_err().to_string();
            assert!(e.contains(words), "{text}: {e}");
        }
    }

    #[test]
    fn parameters_may_have_their_names_in_any_order() {
        for info in SHAPES {
            let m = info.example();
            let mut parts: Vec<String> = Vec::new();
            for (i, x) in m.parameters().iter().enumerate() {
                let name = match info.shape {
                    Shape::Linear => format!("{}{}", ["x", "degree"][i % 2], i / 2 + 1),
                    _ => info.parameters[i].to_owned(),
                };
                parts.push(format!(" {name} = {x}"));
            }
            parts.reverse();
            assert_eq!(of(&format!("{}({})", info.name, parts.join(","))), m);
        }
        assert_eq!(of("triangle(1, c=9, b=2)"), of("triangle(1, 2, 9)"));
    }
}

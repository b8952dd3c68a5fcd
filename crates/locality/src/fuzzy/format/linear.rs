//! Sums over inputs, the conclusions of Takagi, Sugeno and Kang, as text.

use crate::fuzzy::variable::find;
use crate::fuzzy::{Conclusion, Input};
use crate::{Error, Result};

/// Deeper nesting than any sum needs, which would exhaust the stack.
const DEEPEST: usize = 64;

/// `constant + sum_j slopes[j] x[j]`; no slopes for a number.
struct Affine {
    constant: f64,
    slopes: Vec<f64>,
}

impl Affine {
    fn times(mut self, factor: f64) -> Self {
        self.constant *= factor;
        self.slopes.iter_mut().for_each(|s| *s *= factor);
        self
    }

    fn plus(mut self, other: &Self) -> Self {
        self.constant += other.constant;
        if self.slopes.is_empty() {
            self.slopes.clone_from(&other.slopes);
        } else {
            for (a, b) in self.slopes.iter_mut().zip(&other.slopes) {
                *a += b;
            }
        }
        self
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    inputs: &'a [Input],
}

/// Reads `3 + 0.5 * heat - ("a b" + 1) / 2`: whatever is linear in the inputs.
pub(super) fn read(text: &str, inputs: &[Input]) -> Result<Conclusion> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        inputs,
    };
    let Affine { constant, slopes } = reader.sum()?;
    match reader.peek() {
        None => Ok(Conclusion::Affine { constant, slopes }),
        Some(')') => Err(reader.wrong("a bracket closes that none opens")),
        Some(_) => Err(reader.wrong("a sign such as * is missing")),
    }
}

impl<'a> Reader<'a> {
    fn wrong(&self, why: &str) -> Error {
        let shown: String = self.text.chars().take(80).collect();
        Error::parse(format!(
            "cannot read '{shown}': {why}; write what is linear in the inputs, such as 3 + 0.5 * input - (input + 1) / 2"
        ))
    }

    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Result<Affine> {
        let mut sum = self.product()?;
        loop {
            let sign = match self.peek() {
                Some('+') => 1.0,
                Some('-') => -1.0,
                _ => return Ok(sum),
            };
            self.at += 1;
            sum = sum.plus(&self.product()?.times(sign));
        }
    }

    fn product(&mut self) -> Result<Affine> {
        let mut product = self.signed()?;
        loop {
            if self.take('*') {
                let with = self.signed()?;
                product = match (product.slopes.is_empty(), with.slopes.is_empty()) {
                    (_, true) => product.times(with.constant),
                    (true, false) => with.times(product.constant),
                    (false, false) => {
                        return Err(self.wrong("it multiplies inputs by one another"));
                    }
                };
            } else if self.take('/') {
                let by = self.signed()?;
                if !by.slopes.is_empty() {
                    return Err(self.wrong("it divides by an input"));
                }
                if by.constant == 0.0 {
                    return Err(self.wrong("it divides by 0"));
                }
                product.constant /= by.constant;
                product.slopes.iter_mut().for_each(|s| *s /= by.constant);
            } else {
                return Ok(product);
            }
        }
    }

    fn signed(&mut self) -> Result<Affine> {
        let mut sign = 1.0;
        loop {
            if self.take('-') {
                sign = -sign;
            } else if !self.take('+') {
                break;
            }
        }
        Ok(self.one()?.times(sign))
    }

    fn one(&mut self) -> Result<Affine> {
        if self.take('(') {
            if self.depth == DEEPEST {
                return Err(self.wrong(&format!("brackets nest deeper than {DEEPEST}")));
            }
            self.depth += 1;
            let inner = self.sum()?;
            self.depth -= 1;
            if !self.take(')') {
                return Err(self.wrong("its brackets do not close"));
            }
            return Ok(inner);
        }
        let name = if self.take('"') {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find('"') else {
                return Err(self.wrong("a quote is not closed"));
            };
            self.at += end + 1;
            &rest[..end]
        } else {
            let word = self.word();
            if word.is_empty() {
                return Err(self.wrong("a number or an input is missing"));
            }
            if word.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && let Ok(constant) = word.parse()
            {
                let slopes = Vec::new();
                return Ok(Affine { constant, slopes });
            }
            word
        };
        let known = self.inputs.iter().map(|i| &*i.name);
        let mut slopes = vec![0.0; self.inputs.len()];
        slopes[find("input", name, &known)?] = 1.0;
        let constant = 0.0;
        Ok(Affine { constant, slopes })
    }

    /// Up to the next sign; the sign of an exponent is none.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let mut before = ' ';
        let mut end = rest.len();
        for (i, c) in rest.char_indices() {
            let exponent = number && matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
            if "+-*/()\"".contains(c) && !exponent {
                end = i;
                break;
            }
            before = c;
        }
        self.at += end;
        rest[..end].trim_end()
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::fuzzy::{Conclusion, Input};

    fn inputs() -> Vec<Input> {
        let one = |name: &str| Input {
            name: name.to_owned(),
            range: [0.0, 1.0],
            terms: Vec::new(),
        };
        ["a", "b", "e", "wet - dry", "2nd", "inf"].map(one).into()
    }

    #[test]
    fn what_is_linear_is_read() {
        let cases: [(&str, f64, &[f64]); 14] = [
            ("3", 3.0, &[]),
            ("-1e-3 + 2.5E+1", 24.999, &[]),
            ("(1 + 3) / 8", 0.5, &[]),
            ("a", 0.0, &[1.0]),
            ("a*2", 0.0, &[2.0]),
            ("a / 2 - b", 0.0, &[0.5, -1.0]),
            ("(a+1)*2", 2.0, &[2.0]),
            ("-(a - 2 * (b + 1)) / 4", 0.5, &[-0.25, 0.5]),
            ("2 * 3 * a + a", 0.0, &[7.0]),
            ("1 - - A", 1.0, &[1.0]),
            ("2*e-1", -1.0, &[0.0, 0.0, 2.0]),
            ("0.5 * \"wet - dry\" + 1", 1.0, &[0.0, 0.0, 0.0, 0.5]),
            ("2nd + inf", 0.0, &[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
            ("a - a", 0.0, &[0.0]),
        ];
        for (text, constant, slopes) in cases {
            let Conclusion::Affine {
                constant: c,
                slopes: s,
            } = read(text, &inputs()).unwrap()
            else {
                panic!("{text}")
            };
            assert!((c - constant).abs() < 1e-12, "{text}: {c}");
            assert_eq!(s.is_empty(), slopes.is_empty(), "{text}");
            for (j, s) in s.iter().enumerate() {
                assert_eq!(*s, slopes.get(j).copied().unwrap_or(0.0), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_is_refused() {
        for (text, words) in [
            ("a * b", "multiplies inputs"),
            ("1 / a", "divides by an input"),
            ("a / (1 - 1)", "divides by 0"),
            ("a +", "a number or an input is missing"),
            ("* 2", "a number or an input is missing"),
            ("(a", "brackets do not close"),
            ("a)", "closes that none opens"),
            ("2 \"a\"", "a sign such as * is missing"),
            ("2 a", "unknown input '2 a'"),
            ("\"a", "a quote is not closed"),
            ("3 + c", "unknown input 'c'"),
            ("", "a number or an input is missing"),
        ] {
            let e = read(text, &inputs()).unwrap_err().to_string();
            assert!(e.contains(words), "{text}: {e}");
        }
        let deep = format!("{}a", "(".repeat(100_000));
        let e = read(&deep, &inputs()).unwrap_err().to_string();
        assert!(e.contains("nest deeper"), "{e}");
    }
}

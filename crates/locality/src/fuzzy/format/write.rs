//! A system as a TOML document.

use std::fmt::Write;

use crate::fuzzy::rule::quoted;
use crate::fuzzy::{Conclusion, FuzzySystem, Inference, SNorm};

impl FuzzySystem {
    /// The system as a document that [`FuzzySystem::read`] reads back, number for number. It is made to be read and edited by people.
    pub fn to_toml(&self) -> String {
        let s = self.settings();
        let mut out = String::new();
        let _ = writeln!(out, "name = {}", text(self.name()));
        let _ = writeln!(out, "and = \"{}\"\nor = \"{}\"", s.and.name(), s.or.name());
        let _ = writeln!(out, "implication = \"{}\"", s.implication.name());
        let _ = writeln!(out, "resolution = {}\nclip = {}", s.resolution, s.clip);
        if s.htsk {
            out.push_str("htsk = true\n");
        }
        for input in self.inputs() {
            let _ = writeln!(out, "\n[[input]]\nname = {}", text(&input.name));
            let _ = writeln!(out, "range = [{}, {}]", input.range[0], input.range[1]);
            out.push_str("[input.terms]\n");
            for (name, set) in &input.terms {
                let _ = writeln!(out, "{} = \"{set}\"", key(name));
            }
        }
        for output in self.outputs() {
            let _ = writeln!(out, "\n[[output]]\nname = {}", text(&output.name));
            let _ = writeln!(out, "range = [{}, {}]", output.range[0], output.range[1]);
            let _ = writeln!(out, "inference = \"{}\"", output.inference.name());
            let _ = writeln!(out, "defuzzifier = \"{}\"", output.defuzzifier.name());
            if output.inference == Inference::Mamdani || output.aggregation != SNorm::Maximum {
                let _ = writeln!(out, "aggregation = \"{}\"", output.aggregation.name());
            }
            if let Some(default) = output.default {
                let _ = writeln!(out, "default = {default}");
            }
            out.push_str("[output.terms]\n");
            for (name, conclusion) in &output.terms {
                let told = self.conclusion_text(conclusion);
                let number =
                    matches!(conclusion, Conclusion::Affine { slopes, .. } if slopes.is_empty());
                let told = if number { told } else { text(&told) };
                let _ = writeln!(out, "{} = {told}", key(name));
            }
        }
        out.push_str("\n[rules]\ntext = '''\n");
        let _ = write!(out, "{self}");
        out.push_str("'''\n");
        out
    }

    /// A conclusion as documents have it: `gaussian(5, 1.5)`, `20`, `50 + 2 * heat`.
    pub fn conclusion_text(&self, conclusion: &Conclusion) -> String {
        match conclusion {
            Conclusion::Set(set) => set.to_string(),
            Conclusion::Affine { constant, slopes } if slopes.is_empty() => format!("{constant}"),
            Conclusion::Affine { constant, slopes } => {
                let mut sum = format!("{constant}");
                for (slope, input) in slopes.iter().zip(self.inputs()) {
                    let sign = if *slope < 0.0 { '-' } else { '+' };
                    let _ = write!(sum, " {sign} {} * {}", slope.abs(), multiple(&input.name));
                }
                sum
            }
        }
    }
}

/// A name within a sum: signs and stars need quotes.
fn multiple(name: &str) -> String {
    quoted(name)
}

/// A text in quotes.
fn text(words: &str) -> String {
    let mut out = String::from("\"");
    for c in words.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    text(name)
}

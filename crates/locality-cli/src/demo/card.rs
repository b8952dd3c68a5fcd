//! What a method shows of itself.

use std::fmt::Write;

use serde_json::{Map, Value, json};

/// A picture of a card.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Its file.
    pub(super) file: String,
    /// What is seen.
    pub(super) caption: String,
    /// Wider than a photo beside others.
    pub(super) wide: bool,
}

/// One method: a plain explanation, figures, pictures, and the commands that make the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Card {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) figures: Vec<(String, Value)>,
    pub(super) pictures: Vec<Shown>,
    pub(super) commands: Vec<String>,
}

impl Card {
    pub(super) fn new(title: &str, text: &str) -> Self {
        Self {
            title: title.to_owned(),
            text: text.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn figure(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.figures.push((name.into(), value.into()));
    }

    pub(super) fn photo(&mut self, file: &str, caption: &str) {
        self.show(file, caption, false);
    }

    pub(super) fn chart(&mut self, file: &str, caption: &str) {
        self.show(file, caption, true);
    }

    fn show(&mut self, file: &str, caption: &str, wide: bool) {
        self.pictures.push(Shown {
            file: file.to_owned(),
            caption: caption.to_owned(),
            wide,
        });
    }

    /// A command, to be run in the demo's folder.
    pub(super) fn command(&mut self, command: impl Into<String>) {
        self.commands.push(command.into());
    }

    /// The figures for the terminal.
    pub(super) fn words(&self) -> String {
        let mut out = format!("{}\n", self.title);
        let wide = self.figures.iter().map(|f| f.0.chars().count()).max();
        let wide = wide.unwrap_or(0);
        for (name, value) in &self.figures {
            let _ = writeln!(out, "  {name:wide$}  {}", plain(value));
        }
        out.push('\n');
        out
    }

    /// The same as JSON.
    pub(super) fn object(&self) -> Value {
        let figures: Map<String, Value> = self.figures.iter().cloned().collect();
        let pictures: Vec<&str> = self.pictures.iter().map(|p| p.file.as_str()).collect();
        json!({"title": self.title, "figures": figures, "pictures": pictures, "commands": self.commands})
    }
}

/// A figure for the eye: four digits, and thousands apart.
pub(super) fn plain(value: &Value) -> String {
    if let Some(n) = value.as_u64() {
        let digits = n.to_string();
        let mut out = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
                out.push(',');
            }
            out.push(digit);
        }
        return out;
    }
    if let Some(x) = value.as_f64() {
        if x == 0.0 {
            return "0".to_owned();
        }
        let before = x.abs().log10().floor() as i32;
        if !(-4..6).contains(&before) {
            return format!("{x:.1e}");
        }
        let text = format!("{x:.*}", usize::try_from(3 - before).unwrap_or(0));
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let texts = [
            json!(7),
            json!(1234),
            json!(1_234_567),
            json!(0.886_49),
            json!(12.0),
            json!(3e-9),
            json!("s"),
        ];
        let plain: Vec<String> = texts.iter().map(plain).collect();
        assert_eq!(
            plain,
            ["7", "1234", "1,234,567", "0.8865", "12", "3.0e-9", "s"]
        );
    }
}

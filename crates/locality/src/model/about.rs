//! What a model knows of the table that it was made from.

use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The words of a column of text: each becomes a column of zeros and ones in the model, in this order.
    pub levels: Option<Vec<String>>,
}

/// A class's own name.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    /// A word.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// True or false.
    Flag(bool),
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(x) => f.write_str(x),
            Self::Integer(x) => write!(f, "{x}"),
            Self::Real(x) => write!(f, "{x}"),
            Self::Flag(x) => write!(f, "{x}"),
        }
    }
}

/// Names of columns and classes, and scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The columns by which the model predicts; empty where they have no names.
    pub features: Vec<Feature>,
    /// The column that it predicts.
    pub target: Option<String>,
    /// The names of the classes, in the order of their numbers.
    pub classes: Vec<Class>,
    /// Named figures, such as the leave-one-out error.
    pub scores: Vec<(String, f64)>,
    /// The columns that say where a row is, of a geographic model; empty where they have no names.
    pub places: Vec<String>,
    /// The column of exposures, of such a model of counts.
    pub exposure: Option<String>,
}

impl About {
    /// The About of a JSON object.
    ///
    /// # Errors
    /// A text that is no such object.
    pub fn from_json(text: &str) -> Result<Self> {
        let value = serde_json::from_str(text)
            .map_err(|e| Error::parse(format!("the text about a table is no JSON: {e}")))?;
        Self::read(&value)
    }

    /// The same as a JSON object.
    pub fn to_json(&self) -> String {
        self.write().to_string()
    }

    /// Names of the model's columns: those of texts are followed by the level.
    pub fn expanded(&self) -> Vec<String> {
        let of = |f: &Feature| match &f.levels {
            None => vec![f.name.clone()],
            Some(levels) => levels.iter().map(|l| format!("{}={l}", f.name)).collect(),
        };
        self.features.iter().flat_map(of).collect()
    }

    pub(super) fn write(&self) -> Value {
        let feature = |f: &Feature| match &f.levels {
            None => json!({"name": f.name}),
            Some(levels) => json!({"name": f.name, "levels": levels}),
        };
        let class = |c: &Class| match c {
            Class::Text(x) => json!(x),
            Class::Integer(x) => json!(x),
            Class::Real(x) => json!(x),
            Class::Flag(x) => json!(x),
        };
        let scores: Map<String, Value> = self
            .scores
            .iter()
            .map(|(k, v)| (k.clone(), json!(v)))
            .collect();
        let mut out = json!({
            "features": self.features.iter().map(feature).collect::<Vec<Value>>(),
            "target": self.target,
            "classes": self.classes.iter().map(class).collect::<Vec<Value>>(),
            "scores": scores,
        });
        // Only geographic models say where rows are.
        if !self.places.is_empty() {
            out["places"] = json!(self.places);
        }
        if let Some(exposure) = &self.exposure {
            out["exposure"] = json!(exposure);
        }
        out
    }

    pub(super) fn read(value: &Value) -> Result<Self> {
        Self::parse(value).ok_or_else(|| {
            Error::parse("what the file says about its table cannot be read; it is damaged, or of another program")
        })
    }

    fn parse(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let list = |name: &str| match object.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(list)) => Some(list.clone()),
            _ => None,
        };
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let word = |name: &str| match object.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(v) => text(v).map(Some),
        };
        let feature = |v: &Value| {
            Some(Feature {
                name: text(v.get("name")?)?,
                levels: match v.get("levels") {
                    None | Some(Value::Null) => None,
                    Some(levels) => {
                        Some(levels.as_array()?.iter().map(text).collect::<Option<_>>()?)
                    }
                },
            })
        };
        let class = |v: &Value| {
            Some(match v {
                Value::String(x) => Class::Text(x.clone()),
                Value::Bool(x) => Class::Flag(*x),
                Value::Number(x) => match x.as_i64() {
                    Some(i) => Class::Integer(i),
                    None => Class::Real(x.as_f64()?),
                },
                _ => return None,
            })
        };
        let scores = match object.get("scores") {
            None | Some(Value::Null) => Vec::new(),
            Some(scores) => {
                let each = scores.as_object()?.iter();
                // What is not finite has no number in JSON.
                each.map(|(k, v)| Some((k.clone(), v.as_f64().unwrap_or(f64::NAN))))
                    .collect::<Option<_>>()?
            }
        };
        Some(Self {
            features: list("features")?
                .iter()
                .map(feature)
                .collect::<Option<_>>()?,
            target: word("target")?,
            places: list("places")?.iter().map(text).collect::<Option<_>>()?,
            exposure: word("exposure")?,
            classes: list("classes")?.iter().map(class).collect::<Option<_>>()?,
            scores,
        })
    }
}

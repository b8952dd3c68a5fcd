//! Parameters of a model by name.

use serde_json::{Map, Value};

use crate::{Error, Kernel, Neighborhood, OnEmpty, Result};

/// Parameters by name: texts, numbers, flags and lists, as they stand in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(pub(super) Map<String, Value>);

impl Parameters {
    /// The parameters of a JSON object.
    ///
    /// # Errors
    /// A text that is no JSON object.
    pub fn from_json(text: &str) -> Result<Self> {
        let map = serde_json::from_str(text)
            .map_err(|e| Error::parse(format!("the parameters are no JSON object: {e}")))?;
        Ok(Self(map))
    }

    /// The same as a JSON object, names in order.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(super) fn put_kernel(&mut self, name: &str, kernel: &Kernel) -> Result<()> {
        let text = kernel.to_string();
        if text.parse::<Kernel>().ok().as_ref() != Some(kernel) {
            return Err(Error::unsupported(format!(
                "{name} {kernel} has no text that says all of it, so that it cannot be kept in a file; write it as text"
            )));
        }
        self.put(name, text);
        Ok(())
    }

    pub(super) fn put_neighborhood(&mut self, rule: &Neighborhood) -> Result<()> {
        let text = rule.to_string();
        if text.parse::<Neighborhood>().ok().as_ref() != Some(rule) {
            return Err(Error::unsupported(format!(
                "neighborhood {rule} has no text that says all of it (a mask is a function), so that it cannot be kept in a file"
            )));
        }
        self.put("neighborhood", text);
        Ok(())
    }

    pub(super) fn put_policy(&mut self, policy: OnEmpty) {
        let text = match policy {
            OnEmpty::Error => "error",
            OnEmpty::Nan => "nan",
            OnEmpty::Nearest => "nearest",
            OnEmpty::Global => "global",
        };
        self.put("on_empty", text);
    }

    fn get<T>(&self, name: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let Some(value) = self.0.get(name) else {
            return Err(Error::parse(format!(
                "the file has no parameter '{name}'; it is damaged, or of another program"
            )));
        };
        read(value).ok_or_else(|| {
            Error::parse(format!(
                "the file's parameter '{name}' is {value}, which is no {what}; it is damaged, or of another program"
            ))
        })
    }

    /// A text.
    ///
    /// # Errors
    /// None of this name, or no text.
    pub fn text(&self, name: &str) -> Result<&str> {
        // Not by `get`, which cannot lend.
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self
                .get(name, "text", |_| None::<()>)
                .expect_err("it is no text")),
        }
    }

    /// A number; infinite ones are written as texts.
    ///
    /// # Errors
    /// None of this name, or no number.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.get(name, "number", Value::as_f64)
    }

    /// A whole number from 0.
    ///
    /// # Errors
    /// None of this name, or no whole number.
    pub fn count(&self, name: &str) -> Result<usize> {
        self.get(name, "whole number", as_count)
    }

    /// A flag.
    ///
    /// # Errors
    /// None of this name, or no flag.
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.get(name, "flag", Value::as_bool)
    }

    /// Whether there is a parameter of this name that is not null.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|v| !v.is_null())
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// None of this name, or no such list.
    pub fn counts(&self, name: &str) -> Result<Vec<usize>> {
        self.get(name, "list of whole numbers", |v| {
            v.as_array()?.iter().map(as_count).collect()
        })
    }

    pub(super) fn list(&self, name: &str) -> Result<Vec<Value>> {
        self.get(name, "list", |v| v.as_array().cloned())
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// None of this name, or no such list.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        self.get(name, "list of numbers", |v| {
            v.as_array()?.iter().map(Value::as_f64).collect()
        })
    }

    /// A kernel.
    ///
    /// # Errors
    /// None of this name, or a text that is no kernel.
    pub fn kernel(&self, name: &str) -> Result<Kernel> {
        let text = self.text(name)?.parse::<Kernel>();
        text.map_err(|e| e.context(format!("the file's parameter '{name}'")))
    }

    /// The neighbourhood.
    ///
    /// # Errors
    /// None, or a text that is no neighbourhood.
    pub fn neighborhood(&self) -> Result<Neighborhood> {
        let text = self.text("neighborhood")?.parse::<Neighborhood>();
        text.map_err(|e| e.context("the file's parameter 'neighborhood'"))
    }

    /// What is answered in an empty region.
    ///
    /// # Errors
    /// None, or a text that is no policy.
    pub fn policy(&self) -> Result<OnEmpty> {
        let text = self.text("on_empty")?.parse::<OnEmpty>();
        text.map_err(|e| e.context("the file's parameter 'on_empty'"))
    }
}

fn as_count(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

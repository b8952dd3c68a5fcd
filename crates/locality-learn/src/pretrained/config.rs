//! What `config.json` says of a model.

use locality_core::{Error, Result};
use serde_json::Value;

use crate::layers::Activation;

/// No size may be larger: one that is comes from a file that lies.
const LARGEST: u64 = 1 << 24;

/// The object of a `config.json`, asked entry by entry.
pub(super) struct Config(Value);

impl Config {
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        match serde_json::from_slice(text) {
            Ok(all @ Value::Object(_)) => Ok(Self(all)),
            Ok(_) => Err(Error::parse(
                "it holds no JSON object; name the folder of a model",
            )),
            Err(e) => Err(Error::parse(format!(
                "it is no JSON ({e}); copy the file again"
            ))),
        }
    }

    fn entry(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    /// A size from 1 on.
    pub(super) fn size(&self, name: &str) -> Result<usize> {
        self.maybe_size(name)?
            .ok_or_else(|| Error::parse(format!("'{name}' is missing; the file must say it")))
    }

    /// The same where it need not be there.
    pub(super) fn maybe_size(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.entry(name) else {
            return Ok(None);
        };
        let found = value.as_u64().filter(|n| (1..=LARGEST).contains(n));
        found.map(|n| Some(n as usize)).ok_or_else(|| {
            Error::parse(format!(
                "'{name}' is {value}, but must be a whole number from 1 to {LARGEST}"
            ))
        })
    }

    /// A positive number; `default` where it is missing.
    pub(super) fn positive(&self, name: &str, default: f64) -> Result<f64> {
        let Some(value) = self.entry(name) else {
            return Ok(default);
        };
        let found = value.as_f64().filter(|x| *x > 0.0 && x.is_finite());
        found.ok_or_else(|| {
            Error::parse(format!("'{name}' is {value}, but must be a number above 0"))
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.entry(name).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.entry(name).and_then(Value::as_bool)
    }

    /// What is behind `prefix` in the names of the entries that are true.
    pub(super) fn flags(&self, prefix: &str) -> Vec<String> {
        let all = self.0.as_object().into_iter().flatten();
        let set = all.filter(|(_, value)| value.as_bool() == Some(true));
        set.filter_map(|(name, _)| name.strip_prefix(prefix).map(str::to_owned))
            .collect()
    }

    /// Requires an entry, where it is there, to be this text.
    pub(super) fn only(&self, name: &str, known: &str) -> Result<()> {
        match self.entry(name) {
            Some(value) if value.as_str() != Some(known) => Err(Error::unsupported(format!(
                "'{name}' is {value}, but only {known:?} is known here"
            ))),
            _ => Ok(()),
        }
    }

    /// The curve of the per-site maps by its published name.
    pub(super) fn activation(&self, name: &str, default: Activation) -> Result<Activation> {
        let Some(value) = self.entry(name) else {
            return Ok(default);
        };
        match value.as_str() {
            Some("gelu") => Ok(Activation::GeluErf),
            Some("gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::Gelu),
            Some("relu") => Ok(Activation::Relu),
            Some("silu" | "swish") => Ok(Activation::Silu),
            _ => Err(Error::unsupported(format!(
                "'{name}' is {value}, but only gelu, gelu_new, relu and silu are known here"
            ))),
        }
    }
}

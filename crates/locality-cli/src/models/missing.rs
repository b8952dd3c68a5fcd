//! What missing values become, and how a file says so: the entries that Python's estimators of tables keep.

use locality::model::{Array, Feature, ModelFile, Parameters};
use serde_json::{Value, json};

use super::Columns;
use super::columns::some_words;
use crate::error::{Error, Result};
use crate::table::Table;

/// What is done about cells that say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Missing {
    /// Refuse the table
    #[default]
    Error,
    /// Take the column's mean; of words, the share of each
    Mean,
    /// The same, and tell it in a column of its own, NAME=missing
    Indicator,
    /// Leave the row out
    Drop,
}

impl Missing {
    /// Whether something stands in for what is missing.
    pub(crate) fn fills(self) -> bool {
        matches!(self, Self::Mean | Self::Indicator)
    }

    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error | Self::Drop => "error",
            Self::Mean => "mean",
            Self::Indicator => "indicator",
        }
    }
}

/// What stands in for missing values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filling {
    policy: Missing,
    /// Whether words are numbers rather than columns of zeros and ones.
    codes: bool,
    /// The mean of each column of numbers, 0 for words.
    means: Vec<f64>,
    /// The share of each word, one column after the other.
    shares: Vec<f64>,
    /// Which columns lacked values in training.
    lacking: Vec<bool>,
}

impl Filling {
    pub(super) fn of(
        table: &Table,
        columns: &[usize],
        features: &[Feature],
        policy: Missing,
    ) -> Result<Self> {
        let mut out = Self {
            policy,
            ..Self::default()
        };
        if !policy.fills() {
            return Ok(out);
        }
        for (&column, feature) in columns.iter().zip(features) {
            let known = if let Some(levels) = &feature.levels {
                let words: Vec<String> = some_words(table, column).into_iter().flatten().collect();
                let count = |level| words.iter().filter(|w| *w == level).count() as f64;
                let share = |level| count(level) / words.len().max(1) as f64;
                out.shares.extend(levels.iter().map(share));
                out.means.push(0.0);
                words.len()
            } else {
                let mut known = table.numbers_with_gaps(&[column], "--features")?;
                known.retain(|x| !x.is_nan());
                let count = known.len().max(1) as f64;
                out.means.push(known.iter().sum::<f64>() / count);
                known.len()
            };
            out.lacking.push(known < table.rows());
        }
        Ok(out)
    }

    pub(crate) fn policy(&self) -> Missing {
        self.policy
    }

    pub(super) fn codes(&self) -> bool {
        self.codes
    }

    /// Whether a column of zeros and ones says where column `j` lacks values; missing words by number have a number of their own.
    pub(super) fn marks(&self, j: usize, feature: &Feature) -> bool {
        let own = self.codes && feature.levels.is_some();
        self.policy == Missing::Indicator && self.lacking[j] && !own
    }

    /// What a missing value of column `j` is, of words in the column of the word `at`.
    pub(super) fn instead(&self, j: usize, at: Option<usize>, features: &[Feature]) -> f64 {
        let levels = |f: &Feature| f.levels.as_ref().map_or(0, Vec::len);
        match at {
            // Beside a column that says so, no word is there.
            Some(_) if self.policy == Missing::Indicator => 0.0,
            Some(at) => self.shares[features[..j].iter().map(levels).sum::<usize>() + at],
            None if features[j].levels.is_some() => levels(&features[j]) as f64,
            None => self.means[j],
        }
    }
}

impl Columns {
    /// Those of a model in a file; `width` is how many columns it has.
    pub(crate) fn known(file: &ModelFile, width: usize) -> Result<Self> {
        let text = file.parameters().to_json();
        let table = serde_json::from_str::<Value>(&text).unwrap_or_default()["table"].take();
        let about = file.about();
        if table["found"].is_null() {
            let unnamed = |i| Feature {
                name: format!("c{i}"),
                levels: None,
            };
            let named = !about.features.is_empty();
            let features = if named {
                about.features.clone()
            } else {
                (0..width).map(unnamed).collect()
            };
            return Ok(Self::new(features, named, Filling::default()));
        }
        read(file, &table).ok_or_else(|| {
            Error::data("what the file says of missing values and words cannot be read; it is damaged, or of another program")
        })
    }

    /// The file with what it must know to fill in what is missing, as Python's estimators keep it.
    pub(crate) fn keep(&self, file: ModelFile) -> Result<ModelFile> {
        let filling = self.filling();
        if !filling.policy.fills() {
            return Ok(file);
        }
        let names: Vec<&String> = self.features().iter().map(|f| &f.name).collect();
        let levels: Vec<&Option<Vec<String>>> = self.features().iter().map(|f| &f.levels).collect();
        let mut given =
            json!({"categorical_features": "from_dtype", "missing": filling.policy.name()});
        if !file.kind().starts_with("neighbors") {
            given["categorical_similarity"] = json!("one-hot");
        }
        let found = json!({"categories": levels, "lacking": filling.lacking, "output": "one-hot"});
        let mut text: Value = serde_json::from_str(&file.parameters().to_json())
            .map_err(|e| Error::data(format!("the model's parameters cannot be kept: {e}")))?;
        text["table"] = json!({"given": given, "found": found, "names": names});
        let parameters = Parameters::from_json(&text.to_string())?;
        let file = file.with_parameters(parameters);
        Ok(file
            .with("table_fill", Array::list(&filling.means))
            .with("table_shares", Array::list(&filling.shares)))
    }
}

/// The columns of a file with an entry about its table; none where it makes no sense.
fn read(file: &ModelFile, table: &Value) -> Option<Columns> {
    let found = &table["found"];
    let words = |list: &Value| -> Option<Vec<String>> {
        let words = list.as_array()?.iter();
        words.map(|w| w.as_str().map(str::to_owned)).collect()
    };
    let levels = |v: &Value| match v {
        Value::Null => Some(None),
        list => {
            let list = words(list)?;
            list.is_sorted_by(|a, b| a < b).then_some(Some(list))
        }
    };
    let levels = found["categories"].as_array()?.iter().map(levels);
    let levels: Vec<Option<Vec<String>>> = levels.collect::<Option<_>>()?;
    let names = match &table["names"] {
        Value::Null => None,
        names => Some(words(names)?),
    };
    let named = names.is_some();
    let names = names.unwrap_or_else(|| (0..levels.len()).map(|i| format!("x{i}")).collect());
    let lacking = found["lacking"].as_array()?.iter().map(Value::as_bool);
    let list = |name: &str| match file.arrays().get(name)? {
        Array::F64(shape, list) if shape.len() == 1 => Some(list.clone()),
        _ => None,
    };
    let filling = Filling {
        policy: match table["given"]["missing"].as_str()? {
            "error" => Missing::Error,
            "mean" => Missing::Mean,
            "indicator" => Missing::Indicator,
            _ => return None,
        },
        codes: match found["output"].as_str()? {
            "one-hot" => false,
            "codes" => true,
            _ => return None,
        },
        means: list("table_fill")?,
        shares: list("table_shares")?,
        lacking: lacking.collect::<Option<_>>()?,
    };
    let sizes = [names.len(), filling.means.len(), filling.lacking.len()];
    let shares: usize = levels.iter().flatten().map(Vec::len).sum();
    if sizes != [levels.len(); 3] || shares != filling.shares.len() {
        return None;
    }
    let features = names.into_iter().zip(levels);
    let features = features.map(|(name, levels)| Feature { name, levels });
    Some(Columns::new(features.collect(), named, filling))
}

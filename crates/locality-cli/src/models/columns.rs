//! The columns by which a model predicts: numbers as they are, words as zeros and ones.

use locality::model::{About, Feature};

use crate::error::{Error, Result};
use crate::table::Table;

/// More words than these in a column are names of rows rather than kinds.
const MOST_LEVELS: usize = 100;

/// Features with what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    features: Vec<Feature>,
}

impl Columns {
    /// Those of a table.
    pub(crate) fn of(table: &Table, columns: &[usize]) -> Result<Self> {
        let feature = |&c: &usize| -> Result<Feature> {
            let name = table.names()[c].clone();
            if table.is_numeric(c) {
                return Ok(Feature { name, levels: None });
            }
            let mut levels = words(table, c)?;
            let known = levels.len();
            levels.sort_unstable();
            levels.dedup();
            if levels.len() > MOST_LEVELS || (levels.len() == known && known > 2) {
                return Err(Error::data(format!(
                    "{}: column '{name}' has {} different words in {known} rows, too many to be kinds; leave it out by naming the others \
                     with --features",
                    table.origin(),
                    levels.len()
                )));
            }
            Ok(Feature {
                name,
                levels: Some(levels),
            })
        };
        Ok(Self {
            features: columns.iter().map(feature).collect::<Result<_>>()?,
        })
    }

    /// Those of a model in a file.
    pub(crate) fn known(about: &About, width: usize) -> Self {
        let unnamed = |i| Feature {
            name: format!("c{i}"),
            levels: None,
        };
        Self {
            features: if about.features.is_empty() {
                (0..width).map(unnamed).collect()
            } else {
                about.features.clone()
            },
        }
    }

    /// As they stand in a file.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Names of the model's own columns.
    pub(crate) fn expanded(&self) -> Vec<String> {
        let about = About {
            features: self.features.clone(),
            ..About::default()
        };
        about.expanded()
    }

    /// Where they are in a table: by name, or by order where there are no names.
    pub(crate) fn find(&self, table: &Table, by_name: bool) -> Result<Vec<usize>> {
        let count = self.features.len();
        if !(by_name && table.is_named()) {
            if table.names().len() == count {
                return Ok((0..count).collect());
            }
            if !table.is_named() || !by_name {
                return Err(Error::data(format!(
                    "{} has {} columns and no names to go by, but the model was made of {count}; give it those, in the model's order",
                    table.origin(),
                    table.names().len()
                )));
            }
        }
        let missing = |f: &&Feature| !table.names().contains(&f.name);
        if let Some(feature) = self.features.iter().find(missing) {
            return Err(Error::data(format!(
                "{} has no column '{}', which the model was made of; its columns are {}",
                table.origin(),
                feature.name,
                table.names().join(", ")
            )));
        }
        let names: Vec<String> = self.features.iter().map(|f| f.name.clone()).collect();
        table.find(&names, "the model")
    }

    /// The model's numbers, row after row.
    pub(crate) fn encode(&self, table: &Table, places: &[usize]) -> Result<Vec<f64>> {
        let mut parts: Vec<(usize, Vec<f64>)> = Vec::with_capacity(places.len());
        for (feature, &c) in self.features.iter().zip(places) {
            let Some(levels) = &feature.levels else {
                parts.push((1, table.numbers(&[c], "--features")?));
                continue;
            };
            let mut part = vec![0.0; table.rows() * levels.len()];
            for (row, word) in words(table, c)?.iter().enumerate() {
                let Ok(level) = levels.binary_search(word) else {
                    return Err(Error::data(format!(
                        "{}, column '{}': the model does not know '{word}', only {}; correct it, or fit a model to rows that have it",
                        table.place(row),
                        feature.name,
                        levels.join(", ")
                    )));
                };
                part[row * levels.len() + level] = 1.0;
            }
            parts.push((levels.len(), part));
        }
        let mut out = Vec::new();
        for row in 0..table.rows() {
            for (width, part) in &parts {
                out.extend_from_slice(&part[row * width..][..*width]);
            }
        }
        Ok(out)
    }
}

/// The words of a column, none of them missing.
pub(super) fn words(table: &Table, column: usize) -> Result<Vec<String>> {
    let word = |row: usize| {
        let cell = table.cell(row, column);
        let word = String::from_utf8_lossy(cell.trim_ascii()).into_owned();
        if word.is_empty() {
            return Err(Error::data(format!(
                "{}, column '{}': the cell is empty; remove the row, or fill the value in",
                table.place(row),
                table.names()[column]
            )));
        }
        Ok(word)
    };
    (0..table.rows()).map(word).collect()
}

//! The columns by which a model predicts: numbers as they are, words as zeros and ones, and what is missing filled in.

use locality::model::Feature;

use super::missing::{Filling, Missing};
use crate::error::{Error, Result};
use crate::table::Table;

/// More words than these in a column are names of rows rather than kinds.
const MOST_LEVELS: usize = 100;

/// Features with what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    features: Vec<Feature>,
    /// Whether the names are the table's own.
    named: bool,
    filling: Filling,
}

impl Columns {
    /// Those of a table, and what its missing values become.
    pub(crate) fn of(table: &Table, columns: &[usize], missing: Missing) -> Result<Self> {
        let feature = |&c: &usize| -> Result<Feature> {
            let name = table.names()[c].clone();
            if table.is_numeric(c) {
                return Ok(Feature { name, levels: None });
            }
            let all = if missing.fills() {
                some_words(table, c)
            } else {
                words(table, c)?.into_iter().map(Some).collect()
            };
            let mut levels: Vec<String> = all.into_iter().flatten().collect();
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
        let features: Vec<Feature> = columns.iter().map(feature).collect::<Result<_>>()?;
        let filling = Filling::of(table, columns, &features, missing)?;
        Ok(Self {
            features,
            named: true,
            filling,
        })
    }

    /// Those of a model in a file.
    pub(super) fn new(features: Vec<Feature>, named: bool, filling: Filling) -> Self {
        Self {
            features,
            named,
            filling,
        }
    }

    /// As they stand in a table.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.features
    }

    /// As a file names them: with words, or, where something is filled in, the model's own columns.
    pub(crate) fn described(&self) -> Vec<Feature> {
        if !self.filling.policy().fills() {
            return self.features.clone();
        }
        let plain = |name| Feature { name, levels: None };
        self.expanded().into_iter().map(plain).collect()
    }

    /// What becomes of missing values.
    pub(crate) fn filling(&self) -> &Filling {
        &self.filling
    }

    /// The feature and, of words, the word of each of the model's own columns; `None` and `true` for what says that a value is missing.
    fn parts(&self) -> Vec<(usize, Option<&str>, bool)> {
        let (mut out, mut marks) = (Vec::new(), Vec::new());
        for (j, feature) in self.features.iter().enumerate() {
            match &feature.levels {
                Some(levels) if !self.filling.codes() => {
                    out.extend(levels.iter().map(|l| (j, Some(l.as_str()), false)));
                }
                _ => out.push((j, None, false)),
            }
            if self.filling.marks(j, feature) {
                let to = if self.filling.codes() {
                    &mut marks
                } else {
                    &mut out
                };
                to.push((j, None, true));
            }
        }
        out.extend(marks);
        out
    }

    /// Names of the model's own columns.
    pub(crate) fn expanded(&self) -> Vec<String> {
        let name = |(j, word, missing): (usize, Option<&str>, bool)| {
            let name = &self.features[j].name;
            match word {
                _ if missing => format!("{name}=missing"),
                Some(word) => format!("{name}={word}"),
                None => name.clone(),
            }
        };
        self.parts().into_iter().map(name).collect()
    }

    /// Where they are in a table: by name, or by order where there are no names.
    pub(crate) fn find(&self, table: &Table) -> Result<Vec<usize>> {
        let (count, by_name) = (self.features.len(), self.named);
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
        let parts = self.parts();
        let mut out = vec![0.0; table.rows() * parts.len()];
        for (j, (feature, &c)) in self.features.iter().zip(places).enumerate() {
            let own = |k: &usize| parts[*k].0 == j;
            let own: Vec<usize> = (0..parts.len()).filter(own).collect();
            let cells = match &feature.levels {
                None => self.numbers(table, c)?,
                Some(levels) => self.places(table, c, levels)?,
            };
            for (row, cell) in cells.into_iter().enumerate() {
                for &k in &own {
                    let (_, word, mark) = parts[k];
                    let at = word.map(|_| k - own[0]);
                    out[row * parts.len() + k] = match (cell, at) {
                        (cell, _) if mark => f64::from(u8::from(cell.is_none())),
                        (Some(level), Some(at)) => f64::from(u8::from(level == at as f64)),
                        (Some(number), None) => number,
                        (None, at) => self.filling.instead(j, at, &self.features),
                    };
                }
            }
        }
        Ok(out)
    }

    /// The numbers of a column, none where they are missing.
    fn numbers(&self, table: &Table, column: usize) -> Result<Vec<Option<f64>>> {
        let columns = [column];
        if !self.filling.policy().fills() {
            let known = table.numbers(&columns, "--features")?;
            return Ok(known.into_iter().map(Some).collect());
        }
        let found = table.numbers_with_gaps(&columns, "--features")?;
        Ok(found
            .into_iter()
            .map(|x| (!x.is_nan()).then_some(x))
            .collect())
    }

    /// The words of a column by number, none where they are missing.
    fn places(&self, table: &Table, column: usize, levels: &[String]) -> Result<Vec<Option<f64>>> {
        let all = if self.filling.policy().fills() {
            some_words(table, column)
        } else {
            words(table, column)?.into_iter().map(Some).collect()
        };
        let place = |word: String| {
            // Another word than all of them, as Python has it.
            levels
                .binary_search(&word)
                .map_or(-1.0, |level| level as f64)
        };
        Ok(all.into_iter().map(|word| word.map(place)).collect())
    }

    /// Words of a table that the model does not know: row, column and word.
    pub(crate) fn unknown(&self, table: &Table, places: &[usize]) -> Vec<(usize, String, String)> {
        let mut out = Vec::new();
        for (feature, &c) in self.features.iter().zip(places) {
            let Some(levels) = &feature.levels else {
                continue;
            };
            for (row, word) in some_words(table, c).into_iter().enumerate() {
                if let Some(word) = word.filter(|word| levels.binary_search(word).is_err()) {
                    out.push((row, feature.name.clone(), word));
                }
            }
        }
        out
    }
}

/// The words of a column, none where the cell is empty.
pub(super) fn some_words(table: &Table, column: usize) -> Vec<Option<String>> {
    let word = |row: usize| {
        let cell = table.cell(row, column);
        let word = String::from_utf8_lossy(cell.trim_ascii()).into_owned();
        (!word.is_empty()).then_some(word)
    };
    (0..table.rows()).map(word).collect()
}

/// The words of a column, none of them missing.
pub(super) fn words(table: &Table, column: usize) -> Result<Vec<String>> {
    let all = some_words(table, column).into_iter().enumerate();
    let known = all.map(|(row, word)| {
        word.ok_or_else(|| {
            Error::data(format!(
                "{}, column '{}': the cell is empty; remove the row, or fill the value in",
                table.place(row),
                table.names()[column]
            ))
        })
    });
    known.collect()
}

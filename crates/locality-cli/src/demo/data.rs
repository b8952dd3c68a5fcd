//! The bundled photos and tables. `data/README.md` says where they come from.

use std::fmt::Write;

use super::stage::Stage;
use crate::error::{Error, Result};
use crate::picture::{Picture, Samples, decode};

/// Where the commands of the cards find the data, within the demo's folder.
pub(super) const FOLDER: &str = "data";

/// A photo as 8-bit red, green and blue.
pub(super) struct Photo {
    /// The file that the commands read.
    pub(super) path: String,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) rgb: Vec<u8>,
    /// The colour profile, which goes along into every picture made of it.
    profile: Option<Vec<u8>>,
}

impl Photo {
    pub(super) fn astronaut(stage: &mut Stage<'_>) -> Result<Self> {
        let bytes = include_bytes!("../../../../data/astronaut.png");
        Self::decode(stage, "astronaut.png", bytes)
    }

    pub(super) fn coffee(stage: &mut Stage<'_>) -> Result<Self> {
        let bytes = include_bytes!("../../../../data/coffee.png");
        Self::decode(stage, "coffee.png", bytes)
    }

    fn decode(stage: &mut Stage<'_>, name: &str, bytes: &[u8]) -> Result<Self> {
        let path = format!("{FOLDER}/{name}");
        stage.put(&path, bytes);
        let picture = decode(bytes, name, u64::MAX)?;
        let (Samples::Eight(rgb), 3) = (picture.samples, picture.channels) else {
            return Err(Error::data(format!("the bundled {name} is not 8-bit RGB")));
        };
        Ok(Self {
            path,
            height: picture.height,
            width: picture.width,
            rgb,
            profile: picture.profile,
        })
    }

    /// A picture made of this one.
    pub(super) fn picture(&self, height: usize, width: usize, rgb: Vec<u8>) -> Picture {
        Picture {
            profile: self.profile.clone(),
            ..Picture::eight(height, width, 3, rgb)
        }
    }
}

/// Some columns of a table, and its column of words or numbers `target`.
pub(super) struct Table {
    /// The file that the commands read.
    pub(super) path: String,
    pub(super) names: Vec<String>,
    /// Row after row.
    pub(super) numbers: Vec<f64>,
    pub(super) target: Vec<String>,
}

impl Table {
    pub(super) fn iris(stage: &mut Stage<'_>) -> Result<Self> {
        let text = include_str!("../../../../data/iris.csv");
        Self::read(stage, "iris.csv", text)
    }

    pub(super) fn wine(stage: &mut Stage<'_>) -> Result<Self> {
        let text = include_str!("../../../../data/wine.csv");
        Self::read(stage, "wine.csv", text)
    }

    pub(super) fn diabetes(stage: &mut Stage<'_>) -> Result<Self> {
        let text = include_str!("../../../../data/diabetes.csv");
        Self::read(stage, "diabetes.csv", text)
    }

    pub(super) fn digits(stage: &mut Stage<'_>) -> Result<Self> {
        let text = include_str!("../../../../data/digits.csv");
        Self::read(stage, "digits.csv", text)
    }

    pub(super) fn georgia(stage: &mut Stage<'_>) -> Result<Self> {
        let text = include_str!("../../../../data/georgia.csv");
        Self::read(stage, "georgia.csv", text)
    }

    fn read(stage: &mut Stage<'_>, name: &str, text: &str) -> Result<Self> {
        let path = format!("{FOLDER}/{name}");
        stage.put(&path, text);
        let failed = || Error::data(format!("the bundled {name} cannot be read"));
        let mut lines = text.lines();
        let mut names: Vec<String> = lines
            .next()
            .ok_or_else(failed)?
            .split(',')
            .map(str::to_owned)
            .collect();
        names.pop();
        let (mut numbers, mut target) = (Vec::new(), Vec::new());
        for line in lines {
            let (row, last) = line.rsplit_once(',').ok_or_else(failed)?;
            for cell in row.split(',') {
                numbers.push(cell.parse().map_err(|_| failed())?);
            }
            target.push(last.to_owned());
        }
        Ok(Self {
            path,
            names,
            numbers,
            target,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.target.len()
    }

    /// The numbers of some columns, row after row.
    pub(super) fn columns(&self, wanted: &[&str]) -> Vec<f64> {
        let places: Vec<usize> = wanted
            .iter()
            .filter_map(|name| self.names.iter().position(|n| n == name))
            .collect();
        let rows = self.numbers.chunks(self.names.len());
        rows.flat_map(|row| places.iter().map(|c| row[*c]))
            .collect()
    }

    /// The words of the target in their order, and the number of each row's.
    pub(super) fn classes(&self) -> (Vec<String>, Vec<i64>) {
        let mut words: Vec<String> = Vec::new();
        let mut codes = Vec::with_capacity(self.rows());
        for word in &self.target {
            let known = words.iter().position(|w| w == word);
            codes.push(known.unwrap_or_else(|| {
                words.push(word.clone());
                words.len() - 1
            }) as i64);
        }
        (words, codes)
    }
}

/// Each column with mean 0 and standard deviation 1, as `--standardize` makes it; and means and deviations.
pub(super) fn standardized(numbers: &[f64], d: usize) -> (Vec<f64>, Vec<[f64; 2]>) {
    let n = (numbers.len() / d) as f64;
    let scales: Vec<[f64; 2]> = (0..d)
        .map(|c| {
            let column = || numbers.iter().skip(c).step_by(d);
            let first = numbers[c];
            let mean = first + column().map(|x| (x - first) / n).sum::<f64>();
            let variance = column().map(|x| (x - mean) * (x - mean) / n).sum::<f64>();
            [mean, variance.sqrt()]
        })
        .collect();
    let scaled = numbers
        .iter()
        .enumerate()
        .map(|(i, x)| (x - scales[i % d][0]) / scales[i % d][1])
        .collect();
    (scaled, scales)
}

/// A table of numbers as CSV.
pub(super) fn csv(names: &[&str], numbers: &[f64]) -> String {
    let mut out = format!("{}\n", names.join(","));
    for row in numbers.chunks(names.len()) {
        for (i, x) in row.iter().enumerate() {
            let _ = write!(out, "{}{x}", if i > 0 { "," } else { "" });
        }
        out.push('\n');
    }
    out
}

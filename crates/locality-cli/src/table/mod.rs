//! Tables in and out: CSV, TSV, NPY, and Parquet where it is built in.

mod codes;
mod delimited;
mod format;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod write;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

pub(crate) use codes::Codes;
pub(crate) use format::Format;
pub(crate) use npy::labels as npy_labels;

use crate::error::{Error, Result};
use crate::output::is_standard;
use delimited::Text;

/// How tables are read and written, for every command that takes one.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Table options")]
pub(crate) struct Options {
    /// The first row of a CSV or TSV file holds names, even if it looks like numbers
    #[arg(long, conflicts_with = "no_header")]
    header: bool,

    /// The first row holds data; columns are called c0, c1, .. [default: a header is a first row without a number]
    #[arg(long)]
    no_header: bool,

    /// What separates the fields of text tables, such as ';' [default: ',' for .csv and '-', tab for .tsv]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<char>,
}

impl Options {
    /// The delimiter that was given.
    pub(crate) fn delimiter(&self) -> Option<char> {
        self.delimiter
    }
}

/// The numbers or words of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    /// Double precision.
    Real(Vec<f64>),
    /// Single precision.
    Single(Vec<f32>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Text, which only Parquet has typed; elsewhere it is read from the cells.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Words(Vec<String>),
}

impl Column {
    /// One cell as text that reads back as the same number.
    fn text(&self, row: usize) -> Cow<'_, str> {
        match self {
            Self::Real(x) => number_text(x[row], |x| format!("{x}"), |x| format!("{x:e}")).into(),
            Self::Single(x) => number_text(
                f64::from(x[row]),
                |_| format!("{}", x[row]),
                |_| format!("{:e}", x[row]),
            )
            .into(),
            Self::Integer(x) => x[row].to_string().into(),
            Self::Words(x) => x[row].as_str().into(),
        }
    }

    /// Some of its rows.
    fn some(&self, rows: &[usize]) -> Self {
        match self {
            Self::Real(x) => Self::Real(rows.iter().map(|&r| x[r]).collect()),
            Self::Single(x) => Self::Single(rows.iter().map(|&r| x[r]).collect()),
            Self::Integer(x) => Self::Integer(rows.iter().map(|&r| x[r]).collect()),
            Self::Words(x) => Self::Words(rows.iter().map(|&r| x[r].clone()).collect()),
        }
    }

    /// One cell as a number.
    fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Real(x) => Some(x[row]),
            Self::Single(x) => Some(f64::from(x[row])),
            Self::Integer(x) => Some(x[row] as f64),
            Self::Words(x) => parse(x[row].as_bytes()),
        }
    }
}

/// Plain digits, or powers of ten where plain digits would be long.
fn number_text(x: f64, plain: impl Fn(f64) -> String, powers: impl Fn(f64) -> String) -> String {
    if x.is_finite() && x != 0.0 && !(1e-5..1e16).contains(&x.abs()) {
        powers(x)
    } else {
        plain(x)
    }
}

/// A table of rows and named columns.
#[derive(Debug)]
pub(crate) struct Table {
    /// What the file is called in messages.
    origin: String,
    names: Vec<String>,
    /// Whether the names are the file's own.
    named: bool,
    rows: usize,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// Delimited text, kept as it came.
    Text(Text),
    /// Typed columns.
    Columns(Vec<Column>),
}

impl Table {
    /// Reads a table; `-` is standard input, as CSV unless a delimiter is given.
    pub(crate) fn read(path: &Path, options: &Options) -> Result<Self> {
        let format = Format::of(path, options.delimiter)?;
        let origin = if is_standard(path) {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        let failed = |e: std::io::Error| Error::unreadable(&origin, &e);
        let mut bytes = Vec::new();
        if is_standard(path) {
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(failed)?;
        } else {
            let mut file = std::fs::File::open(path).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(Error::data(format!(
                    "cannot read {origin}: it is a directory; name a table"
                )));
            }
            file.read_to_end(&mut bytes).map_err(failed)?;
        }
        let header = match (options.header, options.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        match format {
            Format::Delimited(delimiter) => delimited::read(bytes, &origin, delimiter, header),
            Format::Npy => npy::read(&bytes, &origin),
            #[cfg(feature = "parquet")]
            Format::Parquet => parquet::read(bytes, &origin),
        }
    }

    /// A table of typed columns.
    fn typed(
        origin: &str,
        names: Option<Vec<String>>,
        columns: Vec<Column>,
        rows: usize,
    ) -> Result<Self> {
        if rows == 0 || columns.is_empty() {
            return Err(Error::data(format!(
                "{origin} has {rows} rows and {} columns; at least one of each is needed",
                columns.len()
            )));
        }
        let named = names.is_some();
        Ok(Self {
            origin: origin.to_owned(),
            names: names.unwrap_or_else(|| default_names(columns.len())),
            named,
            rows,
            body: Body::Columns(columns),
        })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The names of all columns: the header's, or c0, c1, ..
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the names are the file's own.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// What the file is called in messages.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of a cell.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Cow<'_, [u8]> {
        match &self.body {
            Body::Text(text) => text.cell(row, column).into(),
            Body::Columns(columns) => match columns[column].text(row) {
                Cow::Borrowed(text) => text.as_bytes().into(),
                Cow::Owned(text) => text.into_bytes().into(),
            },
        }
    }

    fn number(&self, row: usize, column: usize) -> Option<f64> {
        match &self.body {
            Body::Text(text) => parse(text.cell(row, column)),
            Body::Columns(columns) => columns[column].number(row),
        }
    }

    /// Whether a column holds numbers: more than half of its cells that are not missing do. A stray word in such a column is then
    /// a mistake to be named, not a reason to leave the column out unnoticed.
    pub(crate) fn is_numeric(&self, column: usize) -> bool {
        if let Body::Columns(columns) = &self.body {
            return !matches!(columns[column], Column::Words(_));
        }
        let (mut numbers, mut words) = (0_usize, 0_usize);
        for row in 0..self.rows {
            if self.number(row, column).is_some() {
                numbers += 1;
            } else if !is_missing(&self.cell(row, column)) {
                words += 1;
            }
        }
        numbers > words
    }

    /// Whether a cell says nothing: it is empty, or, in a column that is `numeric`, one of the marks of a missing number.
    pub(crate) fn is_gap(&self, row: usize, column: usize, numeric: bool) -> bool {
        let cell = self.cell(row, column);
        let nothing = cell.trim_ascii().is_empty();
        let missing = || is_missing(&cell) || self.number(row, column).is_some_and(f64::is_nan);
        nothing || (numeric && missing())
    }

    /// Whether a row of these columns lacks something.
    fn lacks(&self, row: usize, columns: &[(usize, bool)]) -> bool {
        columns
            .iter()
            .any(|&(c, numeric)| self.is_gap(row, c, numeric))
    }

    fn kinds(&self, columns: &[usize]) -> Vec<(usize, bool)> {
        columns.iter().map(|&c| (c, self.is_numeric(c))).collect()
    }

    /// Whether something is missing in these columns.
    pub(crate) fn has_gaps(&self, columns: &[usize]) -> bool {
        let columns = self.kinds(columns);
        (0..self.rows).any(|row| self.lacks(row, &columns))
    }

    /// Leaves out the rows in which something is missing in these columns.
    pub(crate) fn drop_gaps(&mut self, columns: &[usize]) -> Result<()> {
        let columns = self.kinds(columns);
        let whole = |row: &usize| !self.lacks(*row, &columns);
        let kept: Vec<usize> = (0..self.rows).filter(whole).collect();
        if kept.is_empty() {
            return Err(Error::data(format!(
                "{} has no row in which nothing is missing; fill values in, or choose --missing mean or indicator",
                self.origin
            )));
        }
        self.rows = kept.len();
        match &mut self.body {
            Body::Text(text) => text.keep(&kept),
            Body::Columns(all) => all
                .iter_mut()
                .for_each(|column| *column = column.some(&kept)),
        }
        Ok(())
    }

    /// Every column of numbers.
    pub(crate) fn numeric_columns(&self) -> Result<Vec<usize>> {
        let columns: Vec<usize> = (0..self.names.len())
            .filter(|&c| self.is_numeric(c))
            .collect();
        if columns.is_empty() {
            return Err(Error::data(format!(
                "{} has no column of numbers; its columns are {}, so check the decimal points, and what separates the fields \
                 (--delimiter)",
                self.origin,
                self.shown_names()
            )));
        }
        Ok(columns)
    }

    /// The columns of these names, or of these numbers counted from 0.
    pub(crate) fn find(&self, wanted: &[String], flag: &str) -> Result<Vec<usize>> {
        let mut found = Vec::with_capacity(wanted.len());
        for name in wanted {
            let column = self.find_one(name, flag)?;
            if found.contains(&column) {
                return Err(Error::usage(format!(
                    "{flag} names '{name}' twice; once is enough"
                )));
            }
            found.push(column);
        }
        Ok(found)
    }

    fn find_one(&self, name: &str, flag: &str) -> Result<usize> {
        let mut places = (0..self.names.len()).filter(|&c| self.names[c] == name);
        if let Some(column) = places.next() {
            if places.next().is_some() {
                return Err(Error::usage(format!(
                    "{flag}: {} has more than one column '{name}'; choose by number, counted from 0",
                    self.origin
                )));
            }
            return Ok(column);
        }
        if let Ok(column) = name.parse::<usize>()
            && column < self.names.len()
        {
            return Ok(column);
        }
        Err(Error::usage(format!(
            "{flag}: {} has no column '{name}'; {}",
            self.origin,
            self.suggestion(name)
        )))
    }

    /// The nearest name, or all of them.
    fn suggestion(&self, name: &str) -> String {
        let near = self
            .names
            .iter()
            .map(|n| (strsim::jaro_winkler(n, name), n))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match near {
            Some((likeness, near)) if likeness > 0.8 => format!("did you mean '{near}'?"),
            _ => format!("its columns are {}", self.shown_names()),
        }
    }

    fn shown_names(&self) -> String {
        let shown: Vec<&str> = self.names.iter().take(20).map(String::as_str).collect();
        let more = if self.names.len() > 20 { ", .." } else { "" };
        format!("{}{more}", shown.join(", "))
    }

    /// The numbers of some columns, which `flag` chose, row after row.
    pub(crate) fn numbers(&self, columns: &[usize], flag: &str) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(self.rows * columns.len());
        for row in 0..self.rows {
            for &column in columns {
                match self.number(row, column) {
                    Some(x) if x.is_finite() => out.push(x),
                    other => return Err(self.bad_cell(row, column, other.is_some(), flag)),
                }
            }
        }
        Ok(out)
    }

    /// The same where cells may be missing, which is NaN.
    pub(crate) fn numbers_with_gaps(&self, columns: &[usize], flag: &str) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(self.rows * columns.len());
        for row in 0..self.rows {
            for &column in columns {
                match self.number(row, column) {
                    Some(x) if !x.is_infinite() => out.push(x),
                    None if is_missing(&self.cell(row, column)) => out.push(f64::NAN),
                    other => return Err(self.bad_cell(row, column, other.is_some(), flag)),
                }
            }
        }
        Ok(out)
    }

    fn bad_cell(&self, row: usize, column: usize, is_number: bool, flag: &str) -> Error {
        let cell = self.cell(row, column);
        let cell = String::from_utf8_lossy(cell.trim_ascii());
        let place = format!("{}, {}", self.place(row), self.column_name(column));
        if is_number {
            return Error::data(format!(
                "{place}: {cell} is not finite; remove the row, or fill the value in"
            ));
        }
        if cell.is_empty() {
            return Error::data(format!(
                "{place}: the cell is empty; remove the row, or fill the value in"
            ));
        }
        if is_missing(cell.as_bytes()) {
            return Error::data(format!(
                "{place}: '{cell}' is a missing value; remove the row, or fill the value in"
            ));
        }
        let shown: String = cell.chars().take(40).collect();
        Error::data(format!(
            "{place}: '{shown}' is not a number; correct it, or choose another column with {flag}"
        ))
    }

    /// Where a row stands, for messages: the file and the line, counted from 1, or the row, counted from 0.
    pub(crate) fn place(&self, row: usize) -> String {
        match &self.body {
            Body::Text(text) => format!("{}, line {}", self.origin, text.line(row)),
            Body::Columns(_) => format!("{}, row {row} (counted from 0)", self.origin),
        }
    }

    fn column_name(&self, column: usize) -> String {
        format!("column '{}'", self.names[column])
    }
}

/// A cell as a number, blanks around it ignored.
fn parse(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell.trim_ascii()).ok()?.parse().ok()
}

/// What pandas and R write or read where a number is missing, beside the empty cell and NaN, which is a number to the parser.
const MISSING: [&[u8]; 10] = [
    b"NA", b"N/A", b"n/a", b"#N/A", b"<NA>", b"NULL", b"null", b"None", b"-NaN", b"-nan",
];

/// Whether a cell of a column of numbers says that there is none. In a column of words the same letters are a word as any other.
fn is_missing(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    cell.is_empty() || MISSING.contains(&cell)
}

/// The names of columns without names.
fn default_names(columns: usize) -> Vec<String> {
    (0..columns).map(|c| format!("c{c}")).collect()
}

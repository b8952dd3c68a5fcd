//! A table with more columns than it was read with.

use super::{Body, Column, Format, Table, is_missing, npy};
use crate::error::{Error, Result};

impl Table {
    /// The file's bytes: these rows with columns appended. Text that stays text of the same kind is kept byte for byte.
    pub(crate) fn encode(&self, extra: &[(String, Column)], format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Delimited(delimiter) => Ok(self.delimited(extra, delimiter)),
            Format::Npy => {
                let columns = self.typed_columns(extra, true)?;
                Ok(npy::columns(&columns, self.rows))
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let columns = self.typed_columns(extra, false)?;
                let names = self.names.iter().chain(extra.iter().map(|(name, _)| name));
                super::parquet::write(&names.map(String::as_str).collect::<Vec<_>>(), &columns)
            }
        }
    }

    /// A table of these columns alone.
    pub(crate) fn of_columns(columns: Vec<(String, Column)>, rows: usize) -> Result<Self> {
        let (names, columns) = columns.into_iter().unzip();
        Self::typed("the output", Some(names), columns, rows)
    }

    fn delimited(&self, extra: &[(String, Column)], delimiter: u8) -> Vec<u8> {
        let same = match &self.body {
            Body::Text(text) if text.delimiter == delimiter => Some(text),
            _ => None,
        };
        let line_end: &[u8] = match &self.body {
            Body::Text(text) if text.carriage_return => b"\r\n",
            _ => b"\n",
        };
        let mut out = Vec::new();
        // Text without a header stays without; other tables, which never have one, are given their names.
        if self.named || matches!(self.body, Body::Columns(_)) {
            match same.and_then(|text| text.raw_header()) {
                Some(raw) => out.extend_from_slice(raw),
                None => fields(&mut out, self.names.iter().map(String::as_bytes), delimiter),
            }
            for (name, _) in extra {
                out.push(delimiter);
                field(&mut out, name.as_bytes(), delimiter);
            }
            out.extend_from_slice(line_end);
        }
        for row in 0..self.rows {
            match same {
                Some(text) => out.extend_from_slice(text.raw(row)),
                None => {
                    for column in 0..self.names.len() {
                        if column > 0 {
                            out.push(delimiter);
                        }
                        field(&mut out, &self.cell(row, column), delimiter);
                    }
                }
            }
            for (_, column) in extra {
                out.push(delimiter);
                field(&mut out, column.text(row).as_bytes(), delimiter);
            }
            out.extend_from_slice(line_end);
        }
        out
    }

    /// All columns as numbers, or as words where `only_numbers` allows.
    fn typed_columns(&self, extra: &[(String, Column)], only_numbers: bool) -> Result<Vec<Column>> {
        let mut columns = Vec::with_capacity(self.names.len() + extra.len());
        for c in 0..self.names.len() {
            if let Body::Columns(own) = &self.body
                && !(only_numbers && matches!(own[c], Column::Words(_)))
            {
                columns.push(own[c].clone());
                continue;
            }
            let gaps = self.is_numeric(c);
            let cells = |r| match self.number(r, c) {
                None if gaps && is_missing(&self.cell(r, c)) => Some(f64::NAN),
                number => number,
            };
            if let Some(numbers) = (0..self.rows).map(cells).collect::<Option<Vec<f64>>>() {
                columns.push(Column::Real(numbers));
            } else if only_numbers {
                return Err(Error::data(format!(
                    "{} has text in its {}, which a .npy file cannot hold; write a .csv file",
                    self.origin,
                    self.column_name(c)
                )));
            } else {
                let word = |r| String::from_utf8_lossy(&self.cell(r, c)).into_owned();
                columns.push(Column::Words((0..self.rows).map(word).collect()));
            }
        }
        columns.extend(extra.iter().map(|(_, column)| column.clone()));
        Ok(columns)
    }
}

fn fields<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a [u8]>, delimiter: u8) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(delimiter);
        }
        field(out, cell, delimiter);
    }
}

/// One field, in quotes where it needs them.
fn field(out: &mut Vec<u8>, cell: &[u8], delimiter: u8) {
    let special = |b: &u8| *b == delimiter || matches!(b, b'"' | b'\n' | b'\r');
    if !cell.iter().any(special) {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for &b in cell {
        if b == b'"' {
            out.push(b'"');
        }
        out.push(b);
    }
    out.push(b'"');
}

//! CSV and TSV: fields for the work, and the lines as they came for the output.

use std::ops::Range;

use super::{Body, Table, default_names, parse};
use crate::error::{Error, Result};

/// A text table: every cell without its quotes, every row with them.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// What separates the fields.
    pub(super) delimiter: u8,
    /// Whether lines end in carriage return and line feed.
    pub(super) carriage_return: bool,
    header: Option<Range<usize>>,
    rows: Vec<(Range<usize>, u64)>,
    cells: Vec<u8>,
    ends: Vec<usize>,
    columns: usize,
}

impl Text {
    /// A cell without its quotes.
    pub(super) fn cell(&self, row: usize, column: usize) -> &[u8] {
        let i = row * self.columns + column;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.cells[start..self.ends[i]]
    }

    /// Keeps some rows.
    pub(super) fn keep(&mut self, rows: &[usize]) {
        let (mut cells, mut ends) = (Vec::new(), Vec::new());
        for &row in rows {
            for column in 0..self.columns {
                cells.extend_from_slice(self.cell(row, column));
                ends.push(cells.len());
            }
        }
        self.rows = rows.iter().map(|&row| self.rows[row].clone()).collect();
        (self.cells, self.ends) = (cells, ends);
    }

    /// A row as it came, without the line's end.
    pub(super) fn raw(&self, row: usize) -> &[u8] {
        &self.bytes[self.rows[row].0.clone()]
    }

    /// The header as it came, without the line's end.
    pub(super) fn raw_header(&self) -> Option<&[u8]> {
        self.header.clone().map(|range| &self.bytes[range])
    }

    /// The line on which a row starts, counted from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.rows[row].1
    }
}

/// Reads delimited text; `header` is `None` to find out.
pub(super) fn read(
    bytes: Vec<u8>,
    origin: &str,
    delimiter: u8,
    header: Option<bool>,
) -> Result<Table> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes.as_slice());
    let mut record = csv::ByteRecord::new();
    let (mut cells, mut ends, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut names = None;
    let mut columns = 0;
    loop {
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|e| Error::data(format!("cannot read {origin}: {e}")))?;
        if !more {
            break;
        }
        let position = record.position().map_or((0, 0), |p| (p.byte(), p.line()));
        let start = skip_line_ends(&bytes, position.0 as usize);
        let line = position.1 + count_lines(&bytes[position.0 as usize..start]);
        if starts.is_empty() {
            columns = record.len();
            if header.unwrap_or_else(|| record.iter().all(|cell| parse(cell).is_none())) {
                names = Some(header_names(&record));
                starts.push((start, line));
                continue;
            }
        }
        if record.len() != columns {
            return Err(ragged(
                origin,
                line,
                record.len(),
                columns,
                names.is_some(),
                delimiter,
            ));
        }
        for cell in &record {
            cells.extend_from_slice(cell);
            ends.push(cells.len());
        }
        starts.push((start, line));
    }
    if starts.is_empty() {
        return Err(Error::data(format!(
            "{origin} is empty; a table needs at least one row"
        )));
    }
    let mut rows: Vec<(Range<usize>, u64)> = Vec::with_capacity(starts.len());
    for (i, &(start, line)) in starts.iter().enumerate() {
        let end = starts.get(i + 1).map_or(bytes.len(), |next| next.0);
        let length = bytes[start..end]
            .iter()
            .rposition(|b| !matches!(b, b'\r' | b'\n'))
            .map_or(0, |last| last + 1);
        rows.push((start..start + length, line));
    }
    let header = names.is_some().then(|| rows.remove(0).0);
    if rows.is_empty() {
        return Err(Error::data(format!(
            "{origin} has a header but no rows; if its first row is data, say --no-header"
        )));
    }
    check_last(&bytes, &rows, origin, delimiter, columns)?;
    let first_line = bytes.iter().position(|b| *b == b'\n');
    let carriage_return = first_line.is_some_and(|i| i > 0 && bytes[i - 1] == b'\r');
    Ok(Table {
        origin: origin.to_owned(),
        named: names.is_some(),
        names: names.unwrap_or_else(|| default_names(columns)),
        rows: rows.len(),
        body: Body::Text(Text {
            bytes,
            delimiter,
            carriage_return,
            header,
            rows,
            cells,
            ends,
            columns,
        }),
    })
}

/// The names of a header; a blank one, as left by a row index, is called by its place.
fn header_names(record: &csv::ByteRecord) -> Vec<String> {
    record
        .iter()
        .enumerate()
        .map(|(i, cell)| {
            let name = String::from_utf8_lossy(cell.trim_ascii()).into_owned();
            if name.is_empty() {
                format!("c{i}")
            } else {
                name
            }
        })
        .collect()
}

fn skip_line_ends(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count()
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.split(|b| *b == b'\n').count() as u64 - 1
}

/// A quote that is never closed takes in the rest of the file, and would take in what is appended to it.
fn check_last(
    bytes: &[u8],
    rows: &[(Range<usize>, u64)],
    origin: &str,
    delimiter: u8,
    columns: usize,
) -> Result<()> {
    let Some((range, line)) = rows.last() else {
        return Ok(());
    };
    let mut longer = bytes[range.clone()].to_vec();
    longer.extend([delimiter, b'0']);
    let mut record = csv::ByteRecord::new();
    let read = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(longer.as_slice())
        .read_byte_record(&mut record);
    if read.is_ok() && record.len() == columns + 1 {
        return Ok(());
    }
    Err(Error::data(format!(
        "{origin}, line {line}: a quote is opened and never closed; close it, or double it if it belongs to the text"
    )))
}

fn ragged(
    origin: &str,
    line: u64,
    fields: usize,
    columns: usize,
    named: bool,
    delimiter: u8,
) -> Error {
    let first = if named { "the header" } else { "the first row" };
    let separator = match delimiter {
        b'\t' => "a tab".to_owned(),
        other => format!("'{}'", char::from(other)),
    };
    let s = if fields == 1 { "" } else { "s" };
    Error::data(format!(
        "{origin}, line {line} has {fields} field{s}, but {first} has {columns}; every row needs the same number, separated by \
         {separator}, with quotes around a field that contains one"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> (Table, Vec<String>) {
        let table = read(bytes.to_vec(), "t.csv", b',', None).unwrap();
        let Body::Text(text) = &table.body else {
            panic!("text is read as text");
        };
        let rows = (0..table.rows)
            .map(|r| String::from_utf8_lossy(text.raw(r)).into_owned())
            .collect();
        (table, rows)
    }

    #[test]
    fn rows_are_kept_as_they_came() {
        let (table, rows) = text(
            b"\xef\xbb\xbf\"a\", b ,c\r\n\r\n1 ,\"x,\"\"y\"\"\n z\",+3e0\r\n\r\n2,w,4\r\n\r\n",
        );
        assert_eq!(table.names, ["a", "b", "c"]);
        assert_eq!(rows, ["1 ,\"x,\"\"y\"\"\n z\",+3e0", "2,w,4"]);
        assert_eq!(&*table.cell(0, 0), b"1 ");
        assert_eq!(
            table.numbers(&[0, 2], "--columns").unwrap(),
            [1.0, 3.0, 2.0, 4.0]
        );
        assert_eq!(table.place(0), "t.csv, line 3");
        assert_eq!(table.place(1), "t.csv, line 6");
        assert!(table.is_numeric(2) && !table.is_numeric(1));
    }

    #[test]
    fn a_header_is_a_first_row_without_numbers() {
        assert!(text(b"a,b\n1,2\n").0.named);
        assert!(!text(b"1,2\n3,4").0.named);
        assert_eq!(text(b"5.1,setosa\n3,4").0.names, ["c0", "c1"]);
        assert_eq!(text(b",b\n1,2\n").0.names, ["c0", "b"]);
    }
}

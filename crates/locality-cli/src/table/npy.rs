//! NumPy's array file: one array of numbers, rows by columns.
//!
//! The format is described in NumPy's `numpy.lib.format`: a magic, a version, a length, a Python dictionary as text, then
//! the numbers.

use super::{Column, Table};
use crate::error::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array of one or two dimensions.
pub(super) fn read(bytes: &[u8], origin: &str) -> Result<Table> {
    let bad = |what: &str| Error::data(format!("cannot read {origin} as a .npy array: {what}"));
    let cut = || bad("it is cut off");
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| bad("it does not start as one; write it with numpy.save"))?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(cut)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width).ok_or_else(cut)?;
    let length = length.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| bad("its header is no text"))?;
    let descr = value(header, "descr").ok_or_else(|| bad("its header has no 'descr'"))?;
    let descr = descr.trim_matches(['\'', '"']);
    let fortran = value(header, "fortran_order").is_some_and(|v| v.starts_with("True"));
    let shape = value(header, "shape").ok_or_else(|| bad("its header has no 'shape'"))?;
    let shape: Vec<usize> = shape
        .split([',', ' '])
        .filter(|n| !n.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| bad("its shape is not made of numbers"))?;
    let (rows, columns) = match shape[..] {
        [rows] => (rows, 1),
        [rows, columns] => (rows, columns),
        _ => {
            return Err(bad(&format!(
                "it has {} dimensions; save it with 2, rows and columns",
                shape.len()
            )));
        }
    };
    let kind = Kind::of(descr).ok_or_else(|| {
        bad(&format!(
            "its type {descr} is none of the real numbers; save it as float64"
        ))
    })?;
    if rows == 0 || columns == 0 {
        return Table::typed(origin, None, Vec::new(), rows);
    }
    // Before anything is allocated: the numbers must be there.
    let need = rows
        .checked_mul(columns)
        .and_then(|n| n.checked_mul(kind.bytes));
    if need.is_none_or(|need| need > data.len()) {
        return Err(bad(&format!(
            "its {} bytes are too few for {rows} x {columns} numbers of type {descr}; it is cut off",
            data.len()
        )));
    }
    let at = |row: usize, column: usize| {
        let i = if fortran {
            column * rows + row
        } else {
            row * columns + column
        };
        &data[i * kind.bytes..][..kind.bytes]
    };
    let read = |column: usize| {
        let cells = (0..rows).map(|row| at(row, column));
        match (kind.letter, kind.bytes) {
            (b'f', 4) => Column::Single(cells.map(|b| kind.single(b)).collect()),
            (b'f', _) => Column::Real(cells.map(|b| f64::from_bits(kind.unsigned(b))).collect()),
            (b'u', 8) => Column::Real(cells.map(|b| kind.unsigned(b) as f64).collect()),
            (b'i', _) => Column::Integer(cells.map(|b| kind.signed(b)).collect()),
            _ => Column::Integer(cells.map(|b| kind.unsigned(b) as i64).collect()),
        }
    };
    Table::typed(origin, None, (0..columns).map(read).collect(), rows)
}

/// The text of one entry of the header's dictionary, up to the end of its value.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = ["'", "\""]
        .iter()
        .find_map(|q| Some(header.find(&format!("{q}{key}{q}"))? + key.len() + 2))?;
    let rest = header[at..].trim_start().strip_prefix(':')?.trim_start();
    match rest.strip_prefix('(') {
        Some(tuple) => tuple.split_once(')').map(|(inside, _)| inside),
        None => rest.split([',', '}']).next().map(str::trim_end),
    }
}

/// The type of the numbers.
#[derive(Clone, Copy)]
struct Kind {
    letter: u8,
    bytes: usize,
    big: bool,
}

impl Kind {
    fn of(descr: &str) -> Option<Self> {
        let (order, rest) = descr.split_at_checked(1)?;
        let (letter, bytes) = rest.split_at_checked(1)?;
        let (letter, bytes) = (letter.as_bytes()[0], bytes.parse().ok()?);
        let known = match letter {
            b'f' => matches!(bytes, 4 | 8),
            b'i' | b'u' => matches!(bytes, 1 | 2 | 4 | 8),
            b'b' => bytes == 1,
            _ => false,
        };
        (known && matches!(order, "<" | ">" | "|" | "=")).then_some(Self {
            letter,
            bytes,
            big: order == ">" || order == "=" && cfg!(target_endian = "big"),
        })
    }

    fn unsigned(self, bytes: &[u8]) -> u64 {
        let add = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if self.big {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        }
    }

    fn signed(self, bytes: &[u8]) -> i64 {
        let unused = 64 - 8 * bytes.len() as u32;
        (self.unsigned(bytes) << unused) as i64 >> unused
    }

    fn single(self, bytes: &[u8]) -> f32 {
        f32::from_bits(self.unsigned(bytes) as u32)
    }
}

/// An array file of little-endian numbers.
fn file(descr: &str, rows: usize, columns: usize, numbers: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // The numbers start at a multiple of 64 bytes.
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(numbers);
    out
}

/// Labels of pixels, `[height, width]`, as 32-bit unsigned numbers.
pub(crate) fn labels(labels: &[u32], height: usize, width: usize) -> Vec<u8> {
    file(
        "<u4",
        height,
        width,
        labels.iter().flat_map(|x| x.to_le_bytes()),
    )
}

/// Columns side by side: whole numbers where all are, single precision where all are, else double precision.
pub(super) fn columns(columns: &[Column], rows: usize) -> Vec<u8> {
    let cells = || (0..rows).flat_map(|r| columns.iter().map(move |c| (c, r)));
    let reals = || cells().map(|(c, r)| c.number(r).unwrap_or(f64::NAN));
    if columns.iter().all(|c| matches!(c, Column::Integer(_))) {
        let bytes = cells().flat_map(|(c, r)| match c {
            Column::Integer(x) => x[r].to_le_bytes(),
            _ => [0; 8],
        });
        file("<i8", rows, columns.len(), bytes)
    } else if columns.iter().all(|c| matches!(c, Column::Single(_))) {
        let bytes = reals().flat_map(|x| (x as f32).to_le_bytes());
        file("<f4", rows, columns.len(), bytes)
    } else {
        file(
            "<f8",
            rows,
            columns.len(),
            reals().flat_map(f64::to_le_bytes),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back() {
        let reals = [
            Column::Real(vec![1.5, -2.0]),
            Column::Real(vec![1e300, 0.1]),
        ];
        let table = read(&columns(&reals, 2), "a.npy").unwrap();
        assert_eq!(
            table.numbers(&[0, 1], "--columns").unwrap(),
            [1.5, 1e300, -2.0, 0.1]
        );
        let table = read(&labels(&[1, 2, u32::MAX], 1, 3), "a.npy").unwrap();
        assert_eq!(table.numbers(&[2], "--columns").unwrap(), [4_294_967_295.0]);
    }

    #[test]
    fn other_types_and_orders_are_read() {
        let big = file(">i2", 2, 2, [0xff, 0xfe, 0, 1, 0, 2, 0, 3].into_iter());
        let table = read(&big, "a.npy").unwrap();
        assert_eq!(
            table.numbers(&[0, 1], "--columns").unwrap(),
            [-2.0, 1.0, 2.0, 3.0]
        );
        let text = String::from_utf8_lossy(&file("|u1", 2, 2, [1, 2, 3, 4].into_iter()))
            .replace("False", "True ");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(text.bytes().skip_while(|b| *b != 1));
        let table = read(&bytes, "a.npy").unwrap();
        assert_eq!(
            table.numbers(&[0, 1], "--columns").unwrap(),
            [1.0, 3.0, 2.0, 4.0]
        );
    }

    #[test]
    fn damage_is_named() {
        let whole = columns(&[Column::Real(vec![1.0; 4])], 4);
        for length in [0, 5, 9, 40, whole.len() - 1] {
            let e = read(&whole[..length], "a.npy").unwrap_err();
            assert!(e.to_string().contains("a.npy"), "{e}");
        }
        let huge = file("<f8", usize::MAX, 2, [].into_iter());
        assert!(
            read(&huge, "a.npy")
                .unwrap_err()
                .to_string()
                .contains("too few")
        );
        let odd = file("<c16", 1, 1, [0; 16].into_iter());
        assert!(
            read(&odd, "a.npy")
                .unwrap_err()
                .to_string()
                .contains("<c16")
        );
    }
}

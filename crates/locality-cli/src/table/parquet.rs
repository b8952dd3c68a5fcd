//! Apache Parquet: columns of numbers and of text.

use std::fmt::Display;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::types::Type;

use super::{Column, Table};
use crate::error::{Error, Result};

/// Reads every column, which must be flat: numbers, truth values or text.
pub(super) fn read(bytes: Vec<u8>, origin: &str) -> Result<Table> {
    let bad = |what: &dyn Display| Error::data(format!("cannot read {origin} as Parquet: {what}"));
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(|e| bad(&e))?;
    let schema = reader.metadata().file_metadata().schema();
    let names: Vec<String> = schema
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    let mut cells: Vec<Vec<Field>> = vec![Vec::new(); names.len()];
    let mut rows = 0;
    for row in reader.get_row_iter(None).map_err(|e| bad(&e))? {
        let row = row.map_err(|e| bad(&e))?;
        for ((_, field), column) in row.get_column_iter().zip(&mut cells) {
            column.push(field.clone());
        }
        rows += 1;
    }
    let columns = names.iter().zip(cells).map(|(name, cells)| {
        column(cells).ok_or_else(|| {
            bad(&format!(
                "column '{name}' holds neither numbers nor text; leave it out of the file"
            ))
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Table::typed(origin, Some(names), columns, rows)
}

/// Cells of one type as a column; a missing number is NaN, a missing word is empty.
fn column(cells: Vec<Field>) -> Option<Column> {
    let is_word = |f: &Field| matches!(f, Field::Str(_) | Field::Bytes(_));
    if cells.iter().any(is_word) {
        let word = |f: Field| match f {
            Field::Str(word) => Some(word),
            Field::Bytes(bytes) => Some(String::from_utf8_lossy(bytes.data()).into_owned()),
            Field::Null => Some(String::new()),
            _ => None,
        };
        return cells
            .into_iter()
            .map(word)
            .collect::<Option<_>>()
            .map(Column::Words);
    }
    let integers: Option<Vec<i64>> = cells.iter().map(integer).collect();
    if let Some(integers) = integers {
        return Some(Column::Integer(integers));
    }
    let single = |f: &Field| match f {
        Field::Float(x) => Some(*x),
        Field::Null => Some(f32::NAN),
        _ => None,
    };
    if let Some(singles) = cells.iter().map(single).collect::<Option<_>>() {
        return Some(Column::Single(singles));
    }
    let real = |f: &Field| match f {
        Field::Double(x) => Some(*x),
        Field::Float(x) => Some(f64::from(*x)),
        Field::Null => Some(f64::NAN),
        Field::ULong(x) => Some(*x as f64),
        other => integer(other).map(|x| x as f64),
    };
    cells
        .iter()
        .map(real)
        .collect::<Option<_>>()
        .map(Column::Real)
}

fn integer(field: &Field) -> Option<i64> {
    Some(match field {
        Field::Bool(x) => i64::from(*x),
        Field::Byte(x) => i64::from(*x),
        Field::Short(x) => i64::from(*x),
        Field::Int(x) => i64::from(*x),
        Field::Long(x) => *x,
        Field::UByte(x) => i64::from(*x),
        Field::UShort(x) => i64::from(*x),
        Field::UInt(x) => i64::from(*x),
        Field::ULong(x) => i64::try_from(*x).ok()?,
        _ => return None,
    })
}

/// The bytes of a file with these columns.
pub(super) fn write(names: &[&str], columns: &[Column]) -> Result<Vec<u8>> {
    encode(names, columns).map_err(|e| Error::data(format!("cannot encode Parquet: {e}")))
}

fn encode(names: &[&str], columns: &[Column]) -> parquet::errors::Result<Vec<u8>> {
    let fields = names.iter().zip(columns).map(|(name, column)| {
        let (physical, logical) = match column {
            Column::Real(_) => (Physical::DOUBLE, None),
            Column::Single(_) => (Physical::FLOAT, None),
            Column::Integer(_) => (Physical::INT64, None),
            Column::Words(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    });
    let fields = fields.collect::<parquet::errors::Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut to) = group.next_column()? else {
            break;
        };
        match column {
            Column::Real(x) => to.typed::<DoubleType>().write_batch(x, None, None)?,
            Column::Single(x) => to.typed::<FloatType>().write_batch(x, None, None)?,
            Column::Integer(x) => to.typed::<Int64Type>().write_batch(x, None, None)?,
            Column::Words(x) => {
                let words: Vec<ByteArray> = x.iter().map(|w| w.as_str().into()).collect();
                to.typed::<ByteArrayType>()
                    .write_batch(&words, None, None)?
            }
        };
        to.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_back() {
        let columns = [
            Column::Real(vec![1.5, -0.1]),
            Column::Single(vec![0.5, 2.0]),
            Column::Integer(vec![-3, 4]),
            Column::Words(vec!["a".to_owned(), "b c".to_owned()]),
        ];
        let bytes = write(&["x", "y", "n", "w"], &columns).unwrap();
        let table = read(bytes, "t.parquet").unwrap();
        assert_eq!(table.names(), ["x", "y", "n", "w"]);
        let numbers = table.numbers(&[0, 1, 2], "--columns").unwrap();
        assert_eq!(numbers, [1.5, 0.5, -3.0, -0.1, 2.0, 4.0]);
        assert_eq!(&*table.cell(1, 3), b"b c");
        let cut = write(&["x"], &columns[..1]).unwrap();
        assert!(read(cut[..cut.len() - 1].to_vec(), "t.parquet").is_err());
    }
}

//! Words as numbers, so that kernels can ask whether two rows are of one group.

use std::collections::HashMap;

use super::Table;
use crate::error::Result;

/// Codes of the words in some columns of a table: 0, 1, 2, .. in order of appearance.
#[derive(Debug)]
pub(crate) struct Codes {
    columns: Vec<Option<HashMap<Vec<u8>, f64>>>,
}

impl Codes {
    /// Codes for those of the columns that are not numbers.
    pub(crate) fn new(table: &Table, columns: &[usize]) -> Self {
        let codes = |&column: &usize| {
            (!table.is_numeric(column)).then(|| {
                let mut codes = HashMap::new();
                for row in 0..table.rows() {
                    let next = codes.len() as f64;
                    let word = table.cell(row, column).trim_ascii().to_vec();
                    codes.entry(word).or_insert(next);
                }
                codes
            })
        };
        Self {
            columns: columns.iter().map(codes).collect(),
        }
    }

    /// The numbers of both tables, row after row, words by their codes. A word that only the queries know gets a code of its
    /// own.
    pub(crate) fn encode(
        mut self,
        keys: &Table,
        key_columns: &[usize],
        queries: &Table,
        query_columns: &[usize],
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let keys = self.numbers(keys, key_columns)?;
        let queries = self.numbers(queries, query_columns)?;
        Ok((keys, queries))
    }

    fn numbers(&mut self, table: &Table, columns: &[usize]) -> Result<Vec<f64>> {
        if self.columns.iter().all(Option::is_none) {
            return table.numbers(columns, "--columns");
        }
        let mut out = vec![0.0; table.rows() * columns.len()];
        for (i, (&column, codes)) in columns.iter().zip(&mut self.columns).enumerate() {
            let place = out.iter_mut().skip(i).step_by(columns.len());
            let Some(codes) = codes else {
                let numbers = table.numbers(&[column], "--columns")?;
                place.zip(numbers).for_each(|(to, x)| *to = x);
                continue;
            };
            for (row, to) in place.enumerate() {
                let next = codes.len() as f64;
                let word = table.cell(row, column).trim_ascii().to_vec();
                *to = *codes.entry(word).or_insert(next);
            }
        }
        Ok(out)
    }
}

//! The table of a code's vectors.

use std::ops::Range;

use locality_core::{Error, Result};

use crate::parameters::reach;
use crate::{Layout, Number, Start};

/// A vector for each of `codes` codes.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    codes: usize,
    width: usize,
    table: Range<usize>,
}

impl Embedding {
    /// Adds `name.weight` `[codes, width]`, normal with this deviation.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (codes, width): (usize, usize),
        deviation: f64,
    ) -> Self {
        let start = Start::Normal(deviation);
        let table = layout.add(format!("{name}.weight"), &[codes, width], start, true);
        Self {
            codes,
            width,
            table,
        }
    }

    /// Where the table lies.
    pub(crate) fn table(&self) -> Range<usize> {
        self.table.clone()
    }

    /// Requires a buffer that holds the table, as many rows as codes, and codes of the table.
    fn check<T>(&self, name: &str, buffer: &[T], codes: &[u32], rows: &[T]) -> Result<()> {
        reach(name, buffer, [&self.table])?;
        if codes.len().checked_mul(self.width) != Some(rows.len()) || self.width == 0 {
            return Err(Error::shape(format!(
                "the rows have {} numbers, but {} codes of {} columns need {}, and at least one column",
                rows.len(),
                codes.len(),
                self.width,
                codes.len().saturating_mul(self.width)
            )));
        }
        match codes.iter().position(|code| *code as usize >= self.codes) {
            Some(i) => Err(Error::parameter(format!(
                "code {} at position {i} (counted from 0) is beyond the {} codes of the table; encode the text with the \
                 model's own tokenizer",
                codes[i], self.codes
            ))),
            None => Ok(()),
        }
    }

    /// Adds the vector of each code to its row of `out` `[codes.len(), width]`.
    ///
    /// # Errors
    /// A code beyond the table, shapes that do not fit.
    pub fn add<T: Number>(&self, parameters: &[T], codes: &[u32], out: &mut [T]) -> Result<()> {
        self.check("parameters", parameters, codes, out)?;
        let table = &parameters[self.table.clone()];
        for (&code, row) in codes.iter().zip(out.chunks_exact_mut(self.width)) {
            let from = &table[code as usize * self.width..][..self.width];
            row.iter_mut().zip(from).for_each(|(r, f)| *r += *f);
        }
        Ok(())
    }

    /// Adds the flow of each row to the derivatives of its code's vector, row after row.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn pull_back<T: Number>(
        &self,
        codes: &[u32],
        flow: &[T],
        gradients: &mut [T],
    ) -> Result<()> {
        self.check("gradients", gradients, codes, flow)?;
        let table = &mut gradients[self.table.clone()];
        for (&code, row) in codes.iter().zip(flow.chunks_exact(self.width)) {
            let to = &mut table[code as usize * self.width..][..self.width];
            to.iter_mut().zip(row).for_each(|(t, f)| *t += *f);
        }
        Ok(())
    }
}

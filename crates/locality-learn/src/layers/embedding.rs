//! The table of a code's vectors.

use std::ops::Range;

use locality_core::{Error, Result};

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

    /// Adds the vector of each code to its row of `out` `[codes.len(), width]`.
    ///
    /// # Errors
    /// A code beyond the table.
    ///
    /// # Panics
    /// Where `out` is shorter than that.
    pub fn add<T: Number>(&self, parameters: &[T], codes: &[u32], out: &mut [T]) -> Result<()> {
        let table = &parameters[self.table.clone()];
        for (i, (&code, row)) in codes
            .iter()
            .zip(out.chunks_exact_mut(self.width))
            .enumerate()
        {
            let code = code as usize;
            if code >= self.codes {
                return Err(Error::parameter(format!(
                    "code {code} at position {i} (counted from 0) is beyond the {} codes of the table; encode the text with the \
                     model's own tokenizer",
                    self.codes
                )));
            }
            let from = &table[code * self.width..][..self.width];
            row.iter_mut().zip(from).for_each(|(r, f)| *r += *f);
        }
        Ok(())
    }

    /// Adds the flow of each row to the derivatives of its code's vector, row after row.
    pub fn pull_back<T: Number>(&self, codes: &[u32], flow: &[T], gradients: &mut [T]) {
        let table = &mut gradients[self.table.clone()];
        for (&code, row) in codes.iter().zip(flow.chunks_exact(self.width)) {
            let to = &mut table[code as usize * self.width..][..self.width];
            to.iter_mut().zip(row).for_each(|(t, f)| *t += *f);
        }
    }
}

//! A matrix laid out for products of tiles.

use std::ops::Range;

use crate::Float;
use crate::isa::Isa;
use crate::lanes::{Fold, PANEL, ROW};

/// A matrix in both layouts: panels for products with a row, rows for weighted sums.
pub(crate) struct Both<T> {
    pub(crate) columns: usize,
    panels: Vec<T>,
    rows: Vec<T>,
    stride: usize,
    all: Vec<usize>,
}

impl<T: Float> Both<T> {
    /// `get` writes a row, of `n`.
    pub(crate) fn new(n: usize, columns: usize, mut get: impl FnMut(usize, &mut [T])) -> Self {
        let padded = n.next_multiple_of(PANEL);
        let stride = columns.next_multiple_of(ROW);
        let mut rows = vec![T::ZERO; padded * stride];
        let mut panels = vec![T::ZERO; padded * columns];
        for i in 0..n {
            let row = &mut rows[i * stride..][..columns];
            get(i, row);
            let panel = &mut panels[i / PANEL * PANEL * columns..];
            for (c, x) in row.iter().enumerate() {
                panel[c * PANEL + i % PANEL] = *x;
            }
        }
        Self {
            columns,
            panels,
            rows,
            stride,
            all: (0..columns).collect(),
        }
    }

    pub(crate) fn row(&self, i: usize) -> &[T] {
        &self.rows[i * self.stride..][..self.columns]
    }

    /// Products, or squared distances, of a few rows of another matrix and the rows of a run of this one.
    #[inline(always)]
    pub(crate) fn tile<I: Isa, const G: usize>(
        &self,
        isa: I,
        fold: Fold,
        other: [&[T]; G],
        run: &Range<usize>,
        out: [&mut [T]; G],
    ) {
        if self.columns == 0 {
            for o in out {
                o.fill(T::ZERO);
            }
            return;
        }
        let panels = &self.panels[run.start * self.columns..run.end * self.columns];
        let stride = self.columns * PANEL;
        isa.tile(fold, other, &self.all, None, panels, stride, out);
    }

    /// Adds the rows of a run, weighted.
    #[inline(always)]
    pub(crate) fn weigh<I: Isa, const G: usize>(
        &self,
        isa: I,
        weights: [&[T]; G],
        run: &Range<usize>,
        out: [&mut [f64]; G],
    ) {
        if self.columns > 0 {
            let rows = &self.rows[run.start * self.stride..run.end * self.stride];
            isa.weigh_rows(weights, rows, self.stride, out);
        }
    }
}

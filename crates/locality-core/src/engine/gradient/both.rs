//! A matrix laid out for products of tiles.

use std::ops::Range;

use super::tile::{APART, ROOM};
use crate::Float;
use crate::aligned::Aligned;
use crate::isa::Isa;
use crate::lanes::{Fold, PANEL, ROW, Side, TILE, pack};

/// A matrix in both layouts: panels for products with a row, rows for weighted sums.
pub(crate) struct Both<T> {
    pub(crate) columns: usize,
    panels: Aligned<T>,
    rows: Aligned<T>,
    stride: usize,
    all: Vec<usize>,
    /// For each whole tile of rows, the numbers of each column side by side; where rows meet the panels of others.
    tiles: Vec<T>,
}

impl<T: Float> Both<T> {
    /// `get` writes a row, of `n`.
    pub(crate) fn new(n: usize, columns: usize, get: impl FnMut(usize, &mut [T])) -> Self {
        let mut new = Self::rows_only(n, columns, get);
        let mut panels = Aligned::zeros(n.next_multiple_of(PANEL) * columns);
        for i in 0..n {
            let panel = &mut panels[i / PANEL * PANEL * columns..];
            for (x, to) in new.row(i).iter().zip(panel.chunks_exact_mut(PANEL)) {
                to[i % PANEL] = *x;
            }
        }
        new.panels = panels;
        new
    }

    /// Without the layout for products: no [`tile`](Self::tile).
    pub(crate) fn rows_only(
        n: usize,
        columns: usize,
        mut get: impl FnMut(usize, &mut [T]),
    ) -> Self {
        let stride = columns.next_multiple_of(ROW);
        let mut rows = Aligned::zeros(n.next_multiple_of(PANEL) * stride);
        for (i, row) in rows.chunks_exact_mut(stride.max(1)).take(n).enumerate() {
            get(i, &mut row[..columns]);
        }
        Self {
            columns,
            panels: Aligned::zeros(0),
            rows,
            stride,
            all: (0..columns).collect(),
            tiles: Vec::new(),
        }
    }

    /// With the layout to meet the panels of others.
    pub(crate) fn tiled(n: usize, columns: usize, get: impl FnMut(usize, &mut [T])) -> Self {
        let mut new = Self::rows_only(n, columns, get);
        let mut tiles = Vec::with_capacity(n * columns);
        pack((0..n).map(|i| new.row(i)), &new.all, &mut tiles);
        new.tiles = tiles;
        new
    }

    /// `G` rows from `first` on.
    #[inline(always)]
    pub(crate) fn side<const G: usize>(&self, first: usize) -> Side<'_, T, G> {
        let tile = first.is_multiple_of(TILE).then(|| {
            let size = self.columns * TILE;
            self.tiles.get(first / TILE * size..)?.get(..size)
        });
        let packed = tile.flatten().and_then(Side::packed);
        packed.unwrap_or_else(|| Side::Rows(std::array::from_fn(|g| self.row(first + g))))
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
        other: Side<'_, T, G>,
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

    /// Adds the rows of a run, at most [`APART`], weighted.
    #[inline(always)]
    pub(crate) fn weigh<I: Isa, const G: usize>(
        &self,
        isa: I,
        weights: &[[T; APART]; G],
        run: &Range<usize>,
        out: [&mut [f64]; G],
    ) {
        if self.columns > 0 {
            let rows = &self.rows[run.start * self.stride..run.end * self.stride];
            // One address for all, and no check whether it is in range.
            isa.weigh(|i, g| weights[g][i.min(APART - 1)], rows, self.stride, out);
        }
    }

    /// Adds the rows of `run`, at most [`ROOM`], weighted for a few targets, whose weights lie side by side for each row.
    #[inline(always)]
    pub(crate) fn weigh_columns<I: Isa, const G: usize>(
        &self,
        isa: I,
        weights: &[[T; TILE]; ROOM],
        run: &Range<usize>,
        out: [&mut [f64]; G],
    ) {
        const { assert!(ROOM.is_power_of_two() && G <= TILE) }
        if self.columns > 0 {
            let rows = &self.rows[run.start * self.stride..run.end * self.stride];
            // No check whether it is in range: the loop would keep its sums in memory for that.
            isa.weigh(|i, g| weights[i % ROOM][g], rows, self.stride, out);
        }
    }
}

//! Positions that are functions, not parameters.

use crate::Number;

/// The sinusoidal table `[rows, width]` of Vaswani et al. (2017), section 3.5: sines in even columns, cosines in odd ones.
pub fn sinusoidal<T: Number>(first: usize, rows: usize, width: usize) -> Vec<T> {
    let at = |i: usize| {
        let (row, column) = (first + i / width, i % width);
        let exponent = (column / 2 * 2) as f64 / width as f64;
        let angle = row as f64 / 10_000_f64.powf(exponent);
        T::from_f64(if column % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        })
    };
    (0..rows * width).map(at).collect()
}

/// The slopes of `ALiBi` for so many heads (Press et al. 2022): `2^(-8 i / heads)` for head `i` of `1..=heads`.
pub fn alibi_slopes(heads: usize) -> Vec<f64> {
    let slope = |i: usize| (-8.0 * i as f64 / heads as f64).exp2();
    (1..=heads).map(slope).collect()
}

/// Rotary positions (Su et al. 2021): columns `j` and `j + width / 2` of a head turn by `position * 10000^(-2 j / width)`, so that
/// products of queries and keys depend on how far they are apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotary<T> {
    half: usize,
    /// Cosine and sine for each position and pair.
    table: Vec<(T, T)>,
}

impl<T: Number> Rotary<T> {
    /// Positions `first..first + rows` of heads of this (even) width.
    pub fn new(first: usize, rows: usize, width: usize) -> Self {
        let half = width / 2;
        let at = |i: usize| {
            let (row, pair) = (first + i / half, i % half);
            let angle = row as f64 * 10_000_f64.powf(-2.0 * pair as f64 / width as f64);
            (T::from_f64(angle.cos()), T::from_f64(angle.sin()))
        };
        Self {
            half,
            table: (0..rows * half).map(at).collect(),
        }
    }

    /// Turns a head's row at a place counted from the first, or turns it back: the transpose is the pull-back.
    ///
    /// # Panics
    /// Where there are not so many places, or the row is not of the heads' width.
    #[inline]
    pub fn turn(&self, place: usize, row: &mut [T], back: bool) {
        let (left, right) = row.split_at_mut(self.half);
        let table = &self.table[place * self.half..][..self.half];
        for ((x, y), &(cos, sin)) in left.iter_mut().zip(right).zip(table) {
            let sin = if back { -sin } else { sin };
            (*x, *y) = (*x * cos - *y * sin, *x * sin + *y * cos);
        }
    }
}

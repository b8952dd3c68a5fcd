//! Positions known by their bits.

use crate::{Float, Result, Rows};

/// Places of points, each once: a table from the bits of a row to its number.
#[derive(Clone, Debug)]
pub(super) struct Positions<T> {
    columns: usize,
    /// All rows, one after another.
    data: Vec<T>,
    /// Numbers of rows by hash, open addressing; the length is a power of two.
    slots: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl<T: Float> Positions<T> {
    pub(super) fn new(columns: usize, expected: usize) -> Self {
        Self {
            columns,
            data: Vec::with_capacity(expected * columns),
            slots: vec![FREE; (2 * expected).next_power_of_two().max(16)],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.data.len() / self.columns
    }

    /// All of them, `[len, columns]`.
    pub(super) fn rows(&self) -> Result<Rows<'_, T>> {
        Rows::new(&self.data, self.len(), self.columns)
    }

    pub(super) fn row(&self, i: u32) -> &[T] {
        &self.data[i as usize * self.columns..][..self.columns]
    }

    /// The number of this row, which is the next number where the row is new.
    pub(super) fn number(&mut self, row: &[T]) -> u32 {
        if 2 * self.len() >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(row) as usize & mask;
        loop {
            match self.slots[at] {
                FREE => break,
                i if same(self.row(i), row) => return i,
                _ => at = (at + 1) & mask,
            }
        }
        let new = self.len() as u32;
        self.slots[at] = new;
        self.data.extend_from_slice(row);
        new
    }

    fn grow(&mut self) {
        self.slots = vec![FREE; 2 * self.slots.len()];
        let mask = self.slots.len() - 1;
        for (i, row) in self.data.chunks_exact(self.columns).enumerate() {
            let mut at = hash(row) as usize & mask;
            while self.slots[at] != FREE {
                at = (at + 1) & mask;
            }
            self.slots[at] = i as u32;
        }
    }
}

fn bits<T: Float>(x: T) -> u64 {
    x.to_f64().to_bits()
}

fn same<T: Float>(a: &[T], b: &[T]) -> bool {
    a.iter().zip(b).all(|(a, b)| bits(*a) == bits(*b))
}

/// Multiplies and folds the bits of each number in.
fn hash<T: Float>(row: &[T]) -> u64 {
    let mut h = 0x9e37_79b9_7f4a_7c15_u64;
    for x in row {
        let wide = u128::from(h ^ bits(*x)) * 0xd6e8_feb8_6659_fd93;
        h = (wide >> 64) as u64 ^ wide as u64;
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_once() {
        let mut p = Positions::new(2, 1);
        for round in 0..2 {
            for i in 0..1000_u32 {
                let row = [f64::from(i), -f64::from(i % 7)];
                assert_eq!(p.number(&row), i, "round {round}");
                assert_eq!(p.row(i), row);
            }
        }
        assert_eq!(p.len(), 1000);
    }
}

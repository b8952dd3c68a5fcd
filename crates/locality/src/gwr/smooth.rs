//! One column's coefficient as a surface: what several bandwidths are fitted by in turn.

use super::space::{Around, BLOCK, Space};
use crate::{Result, Watch, par};

/// A column, what it is to explain, and how much each row counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    pub(super) x: &'a [f64],
    pub(super) target: &'a [f64],
    pub(super) weight: &'a [f64],
}

/// A coefficient at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficient {
    pub(super) value: f64,
    /// One over the weighted sum of squares of the column; 0 where it is 0 all around.
    pub(super) inverse: f64,
}

impl Column<'_> {
    /// The coefficient of least squares over what is around.
    pub(super) fn at(&self, around: &Around) -> Coefficient {
        let (mut squares, mut products) = (0.0, 0.0);
        for (&i, &w) in around.index.iter().zip(&around.weight) {
            let i = i as usize;
            let wx = w * self.weight[i] * self.x[i];
            squares += wx * self.x[i];
            products += wx * self.target[i];
        }
        let inverse = if squares > 0.0 { squares.recip() } else { 0.0 };
        Coefficient {
            value: products * inverse,
            inverse,
        }
    }

    /// The coefficient at each place, and what each row's own response adds to its own fitted value.
    pub(super) fn smooth(
        &self,
        space: &Space,
        bandwidth: f64,
        watch: &Watch<'_>,
    ) -> Result<Vec<(Coefficient, f64)>> {
        let blocks = par::map_blocks(watch, space.len(), BLOCK, |range| {
            let mut around = Around::default();
            let one = |i: usize| {
                space.around(space.point(i), bandwidth, &mut around)?;
                let found = self.at(&around);
                let own = around.weight_of(i) * self.weight[i] * self.x[i] * self.x[i];
                Ok((found, own * found.inverse))
            };
            range.map(one).collect::<Result<Vec<_>>>()
        })?;
        Ok(blocks.into_iter().flatten().collect())
    }
}

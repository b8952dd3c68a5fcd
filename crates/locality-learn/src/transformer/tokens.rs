//! The lowest floor of a Transformer: vectors of codes with their positions.

use locality_core::{Error, Result};

use super::config::{Positions, TransformerConfig};
use crate::layers::{Dropout, Embedding, Linear, sinusoidal};
use crate::{Layout, Number, Pass, Sets};

/// Tables of vectors, and the dropout of what comes out of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tokens {
    width: usize,
    context: usize,
    bounded: bool,
    sinusoidal: bool,
    embedding: Embedding,
    positions: Option<Embedding>,
    dropout: Dropout,
}

impl Tokens {
    /// Adds the tables, their names behind `prefix`; `number` tells the dropouts of a model apart.
    pub(super) fn new(
        layout: &mut Layout,
        prefix: &str,
        c: &TransformerConfig,
        number: u64,
    ) -> Result<Self> {
        let mut table = |name: &str, rows: usize| {
            let (name, sizes) = (format!("{prefix}{name}"), (rows, c.width));
            Embedding::new(layout, &name, sizes, c.deviation())
        };
        let embedding = table("embedding", c.codes);
        let positions = (c.positions == Positions::Learned).then(|| table("positions", c.context));
        Ok(Self {
            width: c.width,
            context: c.context,
            bounded: c.is_bounded(),
            sinusoidal: c.positions == Positions::Sinusoidal,
            embedding,
            positions,
            dropout: Dropout::new(c.dropout, number)?,
        })
    }

    /// The map to scores: by the same table, or one of its own, `scores`.
    pub(super) fn scores(&self, layout: &mut Layout, c: &TransformerConfig) -> Linear {
        if c.tied {
            return Linear::tied(self.embedding.table(), c.width, c.codes);
        }
        let sizes = (c.width, c.codes);
        Linear::new(layout, "scores", sizes, false, c.deviation())
    }

    /// Requires a code for each row, and no sequence beyond the context.
    pub(super) fn check(&self, codes: &[u32], sets: &Sets) -> Result<()> {
        if codes.len() != sets.rows() {
            return Err(Error::shape(format!(
                "there are {} codes, but the sets have {} rows; give one for each",
                codes.len(),
                sets.rows()
            )));
        }
        if sets.longest() > self.context && self.bounded {
            return Err(Error::parameter(format!(
                "a sequence of {} codes is longer than the model's context of {}; cut it",
                sets.longest(),
                self.context
            )));
        }
        Ok(())
    }

    /// Vectors of codes with their positions, the first standing at `first` of its set.
    pub(super) fn embed<T: Number>(
        &self,
        p: &[T],
        codes: &[u32],
        sets: &Sets,
        first: usize,
    ) -> Result<Vec<T>> {
        let width = self.width;
        let mut x = if self.sinusoidal {
            let table = sinusoidal(first, sets.longest(), width);
            let parts = sets.iter().map(|r| &table[..r.len() * width]);
            parts.collect::<Vec<_>>().concat()
        } else {
            vec![T::ZERO; codes.len() * width]
        };
        self.embedding.add(p, codes, &mut x)?;
        if let Some(positions) = &self.positions {
            positions.add(p, &places(sets, first), &mut x)?;
        }
        Ok(x)
    }

    /// Drops numbers of the vectors in training.
    pub(super) fn drop<T: Number>(&self, x: &mut [T], pass: &Pass<'_>) {
        self.dropout.apply(x, pass);
    }

    /// Adds the flow of the vectors to the derivatives of the tables.
    pub(super) fn pull_back<T: Number>(
        &self,
        codes: &[u32],
        flow: &mut [T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<()> {
        self.dropout.apply(flow, pass);
        self.embedding.pull_back(codes, flow, gradients)?;
        match &self.positions {
            Some(positions) => positions.pull_back(&places(pass.sets, 0), flow, gradients),
            None => Ok(()),
        }
    }
}

/// The place of each row in its set.
fn places(sets: &Sets, first: usize) -> Vec<u32> {
    let places = sets.iter().flat_map(|r| first..first + r.len());
    places.map(|place| place as u32).collect()
}

//! A local sample in chunks: columns in memory one after the other.

use std::ops::Range;

use locality_core::Float;

/// Runs shorter than this are copied together, so that chunks are of whole vectors.
const SHORT: usize = 32;

/// Some samples that lie one after the other.
pub(super) struct Chunk<'a, T> {
    pub(super) weights: &'a [T],
    pub(super) columns: Vec<&'a [T]>,
}

/// Runs of slots, a weight for each slot of them, and the table they are places in.
pub(super) struct Laid<'a, T, F> {
    pub(super) runs: &'a [Range<usize>],
    pub(super) weights: &'a [T],
    pub(super) count: usize,
    /// Most samples of a chunk.
    pub(super) size: usize,
    /// A part of a column.
    pub(super) column: F,
}

impl<'a, T: Float, F: Fn(usize, Range<usize>) -> &'a [T]> Laid<'a, T, F> {
    /// Weights and columns of a sample of short runs, one number after the other: `[1 + count][len]`.
    pub(super) fn copied(&self) -> Option<Vec<Vec<T>>> {
        if self.runs.iter().all(|run| run.len() >= SHORT) {
            return None;
        }
        let mut out = vec![Vec::with_capacity(self.weights.len()); 1 + self.count];
        let mut start = 0;
        for run in self.runs {
            out[0].extend_from_slice(&self.weights[start..start + run.len()]);
            for (c, to) in out[1..].iter_mut().enumerate() {
                to.extend_from_slice((self.column)(c, run.clone()));
            }
            start += run.len();
        }
        Some(out)
    }

    /// The chunks of which any sample weighs.
    pub(super) fn chunks(&self, copied: Option<&'a Vec<Vec<T>>>) -> Vec<Chunk<'a, T>> {
        let mut out = Vec::new();
        let mut push = |weights: &'a [T], column: &dyn Fn(usize) -> &'a [T]| {
            if weights.iter().any(|w| *w > T::ZERO) {
                out.push(Chunk {
                    weights,
                    columns: (0..self.count).map(column).collect(),
                });
            }
        };
        if let Some(all) = copied {
            let len = self.weights.len();
            for start in (0..len).step_by(self.size) {
                let range = start..(start + self.size).min(len);
                push(&all[0][range.clone()], &|c| &all[c + 1][range.clone()]);
            }
            return out;
        }
        let mut rest = self.weights;
        for run in self.runs {
            let (weights, after) = rest.split_at(run.len());
            rest = after;
            let mut start = run.start;
            for w in weights.chunks(self.size) {
                let slots = start..start + w.len();
                start = slots.end;
                push(w, &|c| (self.column)(c, slots.clone()));
            }
        }
        out
    }
}

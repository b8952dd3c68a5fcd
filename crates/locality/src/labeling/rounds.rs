//! Rounds of labels over a sparse graph: sums over neighbours, and what is made of them, row by row in one pass.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::graph::Graph;
use crate::isa::{Isa, Task, dispatch};
use crate::{Result, Watch, par};

/// Numbers that are worked on side by side; rows are padded to strips of them.
const STRIP: usize = 4;
/// Strips whose sums are kept in registers.
const MOST: usize = 4;
/// Rows of one piece of work; changes are summed up by such pieces, whatever the number of threads.
const ROWS: usize = 512;
/// Products of a round that are worth waking other threads for.
const MUCH: usize = 1 << 20;

type Strip = [f64; STRIP];

/// What becomes of the sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// This share of them, the rest from the known label.
    Share(f64),
    /// Their distribution; known labels stay.
    Clamp,
}

/// The state of one round and room for the next, `[n, strips]`.
pub(super) struct Rounds<'a> {
    graph: &'a Graph,
    labels: &'a [Option<usize>],
    rule: Rule,
    classes: usize,
    strips: usize,
    now: Vec<Strip>,
    next: Vec<Strip>,
}

impl<'a> Rounds<'a> {
    /// Starts from the known labels.
    pub(super) fn new(
        graph: &'a Graph,
        labels: &'a [Option<usize>],
        classes: usize,
        rule: Rule,
    ) -> Self {
        let strips = classes.div_ceil(STRIP);
        let mut now = vec![[0.0; STRIP]; labels.len() * strips];
        for (i, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                now[i * strips + label / STRIP][label % STRIP] = 1.0;
            }
        }
        Self {
            graph,
            labels,
            rule,
            classes,
            strips,
            next: now.clone(),
            now,
        }
    }

    /// One round; returns the sum of all changes.
    pub(super) fn step(&mut self, watch: &Watch<'_>) -> Result<f64> {
        let size = (ROWS * self.strips).max(1);
        let rows: Vec<_> = self.next.chunks_mut(size).map(Mutex::new).collect();
        let products = self.graph.edge_count() * self.strips * STRIP;
        let watch = if products < MUCH {
            watch.quiet().threads(1)
        } else {
            watch.quiet()
        };
        let changes = par::map_blocks(&watch, rows.len(), 1, |block| {
            let first = block.start * ROWS;
            let mut out = rows[block.start]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            Ok(dispatch(Round {
                graph: self.graph,
                labels: self.labels,
                rule: self.rule,
                strips: self.strips,
                now: &self.now,
                rows: first..(first + ROWS).min(self.labels.len()),
                out: &mut out,
            }))
        })?;
        drop(rows);
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(changes.iter().sum())
    }

    /// The state, `[n, classes]`.
    pub(super) fn state(&self) -> Vec<f64> {
        let rows = self.now.chunks_exact(self.strips.max(1));
        rows.flat_map(|row| row.as_flattened()[..self.classes].iter().copied())
            .collect()
    }
}

/// Some rows of a round.
struct Round<'a> {
    graph: &'a Graph,
    labels: &'a [Option<usize>],
    rule: Rule,
    strips: usize,
    now: &'a [Strip],
    rows: Range<usize>,
    out: &'a mut [Strip],
}

/// `S` strips, from `first` on, of the weighted sum of the neighbours' rows.
#[inline(always)]
fn sum<I: Isa, const S: usize>(
    isa: I,
    (columns, weights): (&[u32], &[f64]),
    (now, strips, first): (&[Strip], usize, usize),
    out: &mut [Strip],
) {
    let mut sums = [[0.0; STRIP]; S];
    for (j, w) in columns.iter().zip(weights) {
        let at = *j as usize * strips + first;
        // No other way out of the loop than its end, or the sums would be kept in memory.
        let row = now.get(at..at + S).and_then(|r| r.first_chunk::<S>());
        let row = row.unwrap_or(&[[0.0; STRIP]; S]);
        for (sums, row) in sums.iter_mut().zip(row) {
            for (s, x) in sums.iter_mut().zip(row) {
                *s = isa.fma(*w, *x, *s);
            }
        }
    }
    out[first..first + S].copy_from_slice(&sums);
}

impl Task for Round<'_> {
    type Out = f64;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        let strips = self.strips;
        if strips == 0 {
            return 0.0;
        }
        let mut changes = [0.0; STRIP];
        for (i, out) in self.rows.zip(self.out.chunks_exact_mut(strips)) {
            let label = self.labels[i];
            let known = label.filter(|_| matches!(self.rule, Rule::Clamp));
            if known.is_some() {
                // As it was.
                continue;
            }
            let (row, now) = (self.graph.row(i), self.now);
            let mut first = 0;
            while first < strips {
                let from = (now, strips, first);
                match strips - first {
                    1 => sum::<I, 1>(isa, row, from, out),
                    2 => sum::<I, 2>(isa, row, from, out),
                    3 => sum::<I, 3>(isa, row, from, out),
                    _ => sum::<I, MOST>(isa, row, from, out),
                }
                first += MOST;
            }
            match self.rule {
                Rule::Share(alpha) => {
                    for x in out.as_flattened_mut() {
                        *x *= alpha;
                    }
                    if let Some(label) = label {
                        out[label / STRIP][label % STRIP] += 1.0 - alpha;
                    }
                }
                Rule::Clamp => normalize(out),
            }
            let before = &now[i * strips..][..strips];
            for (a, b) in out.iter().zip(before) {
                for ((change, a), b) in changes.iter_mut().zip(a).zip(b) {
                    *change += (a - b).abs();
                }
            }
        }
        changes.iter().sum()
    }
}

/// Divides a row by its sum; a row of zeros stays.
#[inline(always)]
fn normalize(row: &mut [Strip]) {
    let mut sums = [0.0; STRIP];
    for strip in &*row {
        for (s, x) in sums.iter_mut().zip(strip) {
            *s += *x;
        }
    }
    let sum: f64 = sums.iter().sum();
    if sum != 0.0 {
        for x in row.as_flattened_mut() {
            *x /= sum;
        }
    }
}

//! Rounds of labels over a sparse graph: sums over neighbours, and what is made of them, row by row in one pass.

use std::array::from_fn;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::graph::Graph;
use crate::isa::{Isa, Task, dispatch};
use crate::{Result, Watch, par};

/// Numbers that are worked on side by side; rows are padded to strips of them.
const STRIP: usize = 4;
/// Rows of one piece of work; changes are summed up by such pieces, whatever the number of threads.
const ROWS: usize = 512;
/// Products of a round that are worth waking other threads for.
const MUCH: usize = 1 << 20;

/// On its own boundary: a load of it never takes two lines of the cache.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Strip([f64; STRIP]);

const NONE: Strip = Strip([0.0; STRIP]);

/// What becomes of the sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// This share of them, the rest from the known label.
    Share(f64),
    /// Their distribution; known labels stay.
    Clamp,
}

impl Rule {
    /// Whether an object with this label stays as it was.
    #[inline(always)]
    fn holds(self, label: Option<usize>) -> bool {
        matches!(self, Self::Clamp) && label.is_some()
    }
}

/// The state of one round and room for the next, `[n, strips]`.
pub(super) struct Rounds<'a> {
    graph: &'a Graph,
    labels: &'a [Option<usize>],
    rule: Rule,
    /// Weights that are all the same go with the division by the sum of a row.
    even: bool,
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
        let mut now = vec![NONE; labels.len() * strips];
        for (i, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                now[i * strips + label / STRIP].0[label % STRIP] = 1.0;
            }
        }
        Self {
            graph,
            labels,
            rule,
            even: matches!(rule, Rule::Clamp) && graph.is_even(),
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
                even: self.even,
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

    /// The state, `[n, classes]`, of objects that are the graph's in this order.
    pub(super) fn state(&self, order: &[usize]) -> Vec<f64> {
        let mut out = vec![0.0; order.len() * self.classes];
        let rows = self.now.chunks_exact(self.strips.max(1));
        for (row, &i) in rows.zip(order) {
            let own = &mut out[i * self.classes..][..self.classes];
            for (own, x) in own.iter_mut().zip(row.iter().flat_map(|s| &s.0)) {
                *own = *x;
            }
        }
        out
    }
}

/// Some rows of a round.
struct Round<'a> {
    graph: &'a Graph,
    labels: &'a [Option<usize>],
    rule: Rule,
    even: bool,
    strips: usize,
    now: &'a [Strip],
    rows: Range<usize>,
    out: &'a mut [Strip],
}

/// The sum of the neighbours' rows, weighted if they are not `EVEN`.
#[inline(always)]
fn sum<I: Isa, const S: usize, const EVEN: bool>(
    isa: I,
    (columns, weights): (&[u32], &[f64]),
    now: &[[Strip; S]],
) -> [Strip; S] {
    let mut sums = [NONE; S];
    // No other way out of the loops than their ends, or the sums would be kept in memory.
    let row = |j: u32| now.get(j as usize).unwrap_or(&[NONE; S]);
    if EVEN {
        for j in columns {
            let row = row(*j);
            sums = from_fn(|s| Strip(from_fn(|l| sums[s].0[l] + row[s].0[l])));
        }
        return sums;
    }
    for (j, w) in columns.iter().zip(weights) {
        let row = row(*j);
        sums = from_fn(|s| {
            let (sum, row) = (sums[s].0, row[s].0);
            Strip(from_fn(|l| isa.fma(*w, row[l], sum[l])))
        });
    }
    sums
}

impl Task for Round<'_> {
    type Out = f64;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        match self.strips {
            0 => 0.0,
            1 if self.even => self.short::<I, 1, true>(isa),
            1 => self.short::<I, 1, false>(isa),
            2 if self.even => self.short::<I, 2, true>(isa),
            2 => self.short::<I, 2, false>(isa),
            3 if self.even => self.short::<I, 3, true>(isa),
            3 => self.short::<I, 3, false>(isa),
            4 if self.even => self.short::<I, 4, true>(isa),
            4 => self.short::<I, 4, false>(isa),
            _ => self.long(isa),
        }
    }
}

impl Round<'_> {
    /// Rows that are kept in registers from their sums to their changes.
    #[inline(always)]
    fn short<I: Isa, const S: usize, const EVEN: bool>(self, isa: I) -> f64 {
        let mut changes = [0.0; STRIP];
        let out = self.out.as_chunks_mut::<S>().0;
        let now = self.now.as_chunks::<S>().0;
        let before = &now[self.rows.clone()];
        for ((i, out), before) in self.rows.clone().zip(out).zip(before) {
            if self.rule.holds(self.labels[i]) {
                continue;
            }
            let mut row = sum::<_, S, EVEN>(isa, self.graph.row(i), now);
            finish(self.rule, self.labels[i], &mut row);
            change(&row, before, &mut changes);
            *out = row;
        }
        changes.iter().sum()
    }

    /// Rows of any length.
    #[inline(always)]
    fn long<I: Isa>(self, isa: I) -> f64 {
        let (strips, now) = (self.strips, self.now);
        let mut changes = [0.0; STRIP];
        for (i, out) in self.rows.clone().zip(self.out.chunks_exact_mut(strips)) {
            if self.rule.holds(self.labels[i]) {
                continue;
            }
            out.fill(NONE);
            let (columns, weights) = self.graph.row(i);
            for (j, w) in columns.iter().zip(weights) {
                let row = &now[*j as usize * strips..][..strips];
                for (out, row) in out.iter_mut().zip(row) {
                    for (s, x) in out.0.iter_mut().zip(&row.0) {
                        *s = isa.fma(*w, *x, *s);
                    }
                }
            }
            finish(self.rule, self.labels[i], out);
            change(out, &now[i * strips..][..strips], &mut changes);
        }
        changes.iter().sum()
    }
}

#[inline(always)]
fn scale(row: &mut [Strip], factor: f64) {
    for strip in row {
        for x in &mut strip.0 {
            *x *= factor;
        }
    }
}

/// What the rule makes of sums.
#[inline(always)]
fn finish(rule: Rule, label: Option<usize>, row: &mut [Strip]) {
    match rule {
        Rule::Share(alpha) => {
            scale(row, alpha);
            if let Some(label) = label {
                // Not by its index: the row would be kept in memory.
                for (n, strip) in row.iter_mut().enumerate() {
                    for (c, x) in strip.0.iter_mut().enumerate() {
                        let own = n * STRIP + c == label;
                        *x += if own { 1.0 - alpha } else { 0.0 };
                    }
                }
            }
        }
        Rule::Clamp => normalize(row),
    }
}

/// Adds how much each number has changed.
#[inline(always)]
fn change(row: &[Strip], before: &[Strip], changes: &mut [f64; STRIP]) {
    for (a, b) in row.iter().zip(before) {
        for ((change, a), b) in changes.iter_mut().zip(&a.0).zip(&b.0) {
            *change += (a - b).abs();
        }
    }
}

/// Divides a row by its sum; a row of zeros stays.
#[inline(always)]
fn normalize(row: &mut [Strip]) {
    let mut sums = [0.0; STRIP];
    for strip in &*row {
        for (s, x) in sums.iter_mut().zip(&strip.0) {
            *s += *x;
        }
    }
    let sum: f64 = sums.iter().sum();
    let factor = if sum == 0.0 { 1.0 } else { 1.0 / sum };
    scale(row, factor);
}

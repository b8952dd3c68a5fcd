//! What queries see, key by key: the weights themselves, for models that are more than a mean.

use std::ops::Range;

use super::level::{Evaluate, Keys, RUN, Scratch};
use super::listed::Gathered;
use super::pair::{Weight, heavier};
use super::prepared::{Indices, Prepared, Query};
use super::search::SearchScratch;
use super::sites::LEAF;
use super::tree::{Node, Tree};
use crate::isa::{Isa, Task, compiled};
use crate::lanes::TILE;
use crate::{Float, Rows};

/// Weights below the largest by this factor, as a logarithm, and all of a node together, are left out: far below the rounding of a
/// double.
const NOTHING: f64 = 46.0;

/// The keys that one query sees, run after run, and what they weigh.
#[derive(Clone, Debug)]
pub(crate) struct Sample<T> {
    /// Slots.
    pub(crate) runs: Vec<Range<usize>>,
    /// A weight for each slot of the runs, one after the other, in units of the scale.
    pub(crate) weights: Vec<T>,
    /// Logarithm of the scale: of the largest weight, where weights have logarithms.
    pub(crate) log_scale: f64,
    /// Logarithms, where there are any; factors are among the weights then, or all of them are 1.
    logs: Vec<T>,
    top: T,
}

impl<T: Float> Sample<T> {
    fn new() -> Self {
        Self {
            runs: Vec::new(),
            weights: Vec::new(),
            log_scale: 0.0,
            logs: Vec::new(),
            top: T::NEG_INFINITY,
        }
    }

    /// Empties it, and keeps its memory: fresh pages cost more than what is written to them.
    fn clear(&mut self) {
        self.runs.clear();
        self.weights.clear();
        self.logs.clear();
        self.log_scale = 0.0;
        self.top = T::NEG_INFINITY;
    }

    fn push(&mut self, slots: Range<usize>) {
        match self.runs.last_mut() {
            Some(last) if last.end == slots.start => last.end = slots.end,
            _ => self.runs.push(slots),
        }
    }

    /// Weights out of logarithms and factors.
    #[inline(always)]
    fn finish<I: Isa>(&mut self, isa: I) {
        if self.logs.is_empty() {
            return;
        }
        if self.top == T::NEG_INFINITY {
            self.weights.clear();
            self.weights.resize(self.logs.len(), T::ZERO);
            return;
        }
        self.log_scale = self.top.to_f64();
        let top = self.top;
        for l in &mut self.logs {
            *l = isa.exp_below_one(*l - top);
        }
        if self.weights.is_empty() {
            std::mem::swap(&mut self.weights, &mut self.logs);
        } else {
            for (w, l) in self.weights.iter_mut().zip(&self.logs) {
                *w *= *l;
            }
        }
    }
}

/// Appends a run of keys to the samples of some queries, at most a [`TILE`]. `slots` are where the keys are in the whole layout.
#[inline(always)]
fn take<T: Float, I: Isa>(
    isa: I,
    keys: Keys<'_, T>,
    queries: &[&Query<'_, T>],
    scratch: &mut Scratch<T>,
    mask: impl Fn(&Query<'_, T>, &mut dyn FnMut(usize)),
    out: &mut [Sample<T>],
) {
    let Keys {
        bound, sites, len, ..
    } = keys;
    let start = keys.start;
    let levels = &mut scratch.levels[..queries.len()];
    isa.enter(Evaluate {
        bound,
        source: keys,
        queries,
        levels: &mut *levels,
    });
    for ((levels, query), out) in levels.iter_mut().zip(queries).zip(out) {
        let level = &mut levels[0];
        if let Some(weights) = &sites.weights {
            let weights = &weights[start..start + len];
            for (f, w) in level.factors(len).iter_mut().zip(weights) {
                *f *= *w;
            }
        }
        for i in sites.rows.max(start)..start + len {
            level.leave_out(i - start, len);
        }
        mask(query, &mut |i: usize| level.leave_out(i, len));
        if !level.has_log {
            out.weights.extend_from_slice(level.factors(len));
            continue;
        }
        let logs = &mut level.log[..len];
        if level.has_factor {
            let factors = &level.factor[..len];
            for (l, f) in logs.iter_mut().zip(factors) {
                *l = if *f > T::ZERO { *l } else { T::NEG_INFINITY };
            }
            out.weights.extend_from_slice(factors);
        }
        out.top = out.top.max(isa.largest(logs));
        out.logs.extend_from_slice(logs);
    }
}

/// All keys, run after run, for a few queries.
#[inline(always)]
fn dense<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    queries: &[Query<'_, T>],
    scratch: &mut Scratch<T>,
    out: &mut [Sample<T>],
) {
    for (queries, out) in queries.chunks(TILE).zip(out.chunks_mut(TILE)) {
        let mut start = 0;
        while start < p.sites.padded {
            let slots = start..(start + RUN).min(p.sites.padded);
            start = slots.end;
            let mut some = [&queries[0]; TILE];
            for (to, query) in some.iter_mut().zip(queries) {
                *to = query;
            }
            let some = &some[..queries.len()];
            // Company must not change what a query sees: a run is skipped where none sees it, else masked.
            if some.iter().all(|q| q.outside(p, slots.clone())) {
                continue;
            }
            for out in &mut *out {
                out.push(slots.clone());
            }
            let mask =
                |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, slots.clone(), drop);
            take(isa, p.keys(slots.clone()), some, scratch, mask, out);
        }
    }
}

/// The leaves that can weigh anything, nearest first.
#[inline(always)]
fn walk<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    scratch: &mut Scratch<T>,
    nodes: &mut Vec<(Node, Weight<T>)>,
    out: &mut Sample<T>,
) {
    let root = tree.root();
    let stack = &mut scratch.stack;
    let upper = tree.upper(&p.bound, stack, query.features, query.scales, 0);
    nodes.clear();
    nodes.push((root, upper));
    while let Some((node, upper)) = nodes.pop() {
        let keys = tree.weight[node.id].max(f64::MIN_POSITIVE);
        let most = upper.log_weight().to_f64() + keys.ln();
        if upper.factor <= T::ZERO || most < out.top.to_f64() - NOTHING {
            continue;
        }
        let slots = node.slots();
        if node.is_leaf() || slots.len() <= RUN && p.coarse {
            out.push(slots.clone());
            let masked = slots.clone();
            let mask =
                |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, masked.clone(), drop);
            let out = std::slice::from_mut(&mut *out);
            take(isa, p.keys(slots), &[query], scratch, mask, out);
            continue;
        }
        let (left, right) = node.children();
        let mut bound = |n: Node| {
            let stack = &mut scratch.stack;
            (
                n,
                tree.upper(&p.bound, stack, query.features, query.scales, n.id),
            )
        };
        let (a, b) = (bound(left), bound(right));
        nodes.extend(if heavier(b.1, a.1) { [a, b] } else { [b, a] });
    }
}

/// A list of keys.
#[inline(always)]
fn listed<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    query: &Query<'_, T>,
    slots: &[u32],
    gathered: &mut Gathered<T>,
    scratch: &mut Scratch<T>,
    out: &mut Sample<T>,
) {
    for part in slots.chunks(RUN) {
        gathered.fill(p, part);
        let Gathered { bound, sites } = gathered;
        let keys = Keys {
            bound,
            sites,
            expanded: None,
            start: 0,
            len: part.len().next_multiple_of(LEAF),
        };
        let before = [out.weights.len(), out.logs.len()];
        let to = std::slice::from_mut(&mut *out);
        take(isa, keys, &[query], scratch, |_, _| {}, to);
        // The padding of the gathered keys is nobody's.
        out.weights.truncate(before[0] + part.len());
        out.logs.truncate(before[1] + part.len());
        for &slot in part {
            out.push(slot as usize..slot as usize + 1);
        }
    }
}

compiled!(
    /// Draws of either number type.
    Draws,
    Draw
);

/// The samples of a block of queries, to be drawn under one instruction set.
pub(crate) struct Draw<'a, T> {
    pub(crate) p: &'a Prepared<T>,
    pub(crate) queries: Rows<'a, T>,
    pub(crate) indices: Indices<'a>,
    pub(crate) space: &'a mut Space<T>,
}

/// Memory for samples, one after the other.
pub(crate) struct Space<T> {
    scratch: Scratch<T>,
    search: SearchScratch<T>,
    gathered: Option<Gathered<T>>,
    nodes: Vec<(Node, Weight<T>)>,
    samples: Vec<Sample<T>>,
}

impl<T: Float> Space<T> {
    pub(crate) fn new(p: &Prepared<T>) -> Self {
        Self {
            scratch: Scratch::new(&p.bound),
            search: SearchScratch::new(),
            gathered: p.is_listed().then(|| Gathered::new(p)),
            nodes: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// The samples drawn last, as many as there were queries.
    pub(crate) fn samples(&self) -> &[Sample<T>] {
        &self.samples
    }
}

impl<T: Float> Draw<'_, T> {
    pub(crate) fn run(self) {
        T::run_compiled::<Draws<'_>>(self);
    }
}

impl<T: Float> Task for Draw<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self {
            p,
            queries,
            indices,
            space,
        } = self;
        let Space {
            scratch,
            search,
            gathered,
            nodes,
            samples,
        } = space;
        let laid = p.lay(isa, queries, indices, None, search);
        let queries_of = laid.queries(p, indices, None);
        samples.resize_with(queries.rows(), Sample::new);
        samples.iter_mut().for_each(Sample::clear);
        if let Some(gathered) = gathered {
            for ((query, row), out) in queries_of.iter().zip(queries.iter()).zip(&mut *samples) {
                let slots = p.list(isa, query, row, search);
                listed(isa, p, query, &slots, gathered, scratch, out);
            }
        } else if let Some(tree) = p.walked(false) {
            for (query, out) in queries_of.iter().zip(&mut *samples) {
                walk(isa, p, tree, query, scratch, nodes, out);
            }
        } else {
            dense(isa, p, &queries_of, scratch, samples);
        }
        for sample in samples {
            sample.finish(isa);
        }
    }
}

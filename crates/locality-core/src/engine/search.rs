//! Exact nearest-neighbour search on the same leaves, boxes and runs.

use super::bound::Bound;
use super::level::RUN;
use super::narrow::Narrow;
use super::raw::tile;
use super::scan::{Best, Products};
use super::sites::{LEAF, Sites};
use super::tree::{Node, Tree};
use crate::isa::{Isa, Task, compiled};

use crate::lanes::Side;
use crate::metric::Link;
use crate::{Columns, Float, Metric, Result, Rows, Watch};

/// Above this many features boxes hardly exclude anything.
pub(super) const MOST_TREE_FEATURES: usize = 16;
/// Above this many neighbours a sorted list is slower than selecting from what is within reach.
pub(crate) const MOST_SORTED: usize = 128;
/// Keys of which the nearest is looked at first: mostly none of them is near enough.
const FEW: usize = 16;
/// Trial queries that decide between tree and scan, and how many neighbours they ask for.
const TRIALS: usize = 16;
const TRIAL_NEIGHBORS: usize = 10;
/// A tree that shows more than this share of the keys is slower than a scan.
const MOST_VISITED: f64 = 0.15;

/// A found key: its raw number (negated for scores: smaller is nearer) and its index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found<T> {
    pub(crate) raw: T,
    pub(crate) index: u32,
}

impl<T: Float> Found<T> {
    pub(super) fn before(&self, other: &Self) -> bool {
        self.raw < other.raw || self.raw == other.raw && self.index < other.index
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let raw = self.raw.partial_cmp(&other.raw);
        raw.unwrap_or(std::cmp::Ordering::Equal)
            .then(self.index.cmp(&other.index))
    }
}

/// Keys laid out for searching under one metric.
#[derive(Clone, Debug)]
pub(crate) struct Searcher<T> {
    pub(crate) bound: Bound<T>,
    pub(super) sites: Sites<T>,
    pub(super) tree: Option<Tree<T>>,
    /// What a scan by products needs.
    pub(super) products: Option<Products<T>>,
    /// What a search for several queries needs.
    pub(super) narrow: Option<Narrow>,
}

/// Buffers of one thread.
pub(crate) struct SearchScratch<T> {
    /// Keys looked at so far.
    visited: usize,
    run: Vec<T>,
    nodes: Vec<(Node, T)>,
    pub(crate) found: Vec<Found<T>>,
}

impl<T: Float> SearchScratch<T> {
    pub(crate) fn new() -> Self {
        Self {
            visited: 0,
            run: vec![T::ZERO; RUN],
            nodes: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Keeps the `k` nearest of what was found, nearest first, ties by index.
    pub(crate) fn keep_nearest(&mut self, k: usize) {
        let found = &mut self.found;
        if k < found.len() {
            found.select_nth_unstable_by(k - 1, Found::order);
            found.truncate(k);
        }
        found.sort_unstable_by(Found::order);
    }
}

impl<T: Float> Searcher<T> {
    pub(crate) fn new(metric: &Metric, columns: &Columns, keys: Rows<'_, T>) -> Result<Self> {
        let bound = Bound::metric(metric, columns, keys)?;
        let with_tree = bound.features <= MOST_TREE_FEATURES && keys.rows() > 4 * LEAF;
        let none = Rows::with_stride(&[], keys.rows(), 0, 0)?;
        let sites = Sites::new(&bound, keys, none, None, with_tree)?;
        let tree = with_tree.then(|| Tree::new(&bound, &sites, false));
        Ok(Self {
            bound,
            sites,
            tree,
            products: None,
            narrow: None,
        })
    }

    /// Whether raw numbers of both mean the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (a, b) = (&self.bound.atoms[0], &other.bound.atoms[0]);
        a.link == b.link && a.combine == b.combine && a.features == b.features
    }

    pub(crate) fn features(&self, row: &[T]) -> Vec<T> {
        let mut out = vec![T::ZERO; self.bound.features];
        self.bound.map(row, &mut out);
        out
    }

    /// The distance (or score) that a raw number stands for.
    pub(crate) fn distance(&self, raw: T) -> T {
        let link = self.bound.atoms[0].link;
        link.distance(if link == Link::Score { -raw } else { raw })
    }

    /// The raw number of a distance (or score).
    pub(crate) fn raw(&self, distance: T) -> T {
        let two = T::from_f64(2.0);
        match self.bound.atoms[0].link {
            Link::Squared => distance * distance,
            Link::HalfSquared => distance * two,
            Link::Arc(radius) => {
                let half = (distance.to_f64() / radius / 2.0).min(std::f64::consts::FRAC_PI_2);
                T::from_f64((2.0 * half.sin()).powi(2))
            }
            Link::Score => -distance,
            Link::Plain | Link::CosineScore => distance,
        }
    }

    /// Lets go of a tree that excludes little: a scan of all keys for several queries at once is faster then. A few keys are the
    /// trial queries.
    pub(crate) fn choose(&mut self, keys: Rows<'_, T>) {
        let n = keys.rows();
        if self.tree.is_none() {
            self.products = Products::new(&self.bound.atoms[0], &self.sites);
            return;
        }
        let mut scratch = SearchScratch::new();
        for t in 0..TRIALS {
            let query = self.features(keys.row((2 * t + 1) * n / (2 * TRIALS)));
            let k = TRIAL_NEIGHBORS.min(n);
            self.nearest(crate::isa::Plain, &query, k, &|_| true, &mut scratch);
        }
        if scratch.visited as f64 > MOST_VISITED * (TRIALS * n) as f64 {
            self.tree = None;
            self.products = Products::new(&self.bound.atoms[0], &self.sites);
        }
        let tree = self.tree.as_ref();
        self.narrow = tree.and_then(|t| Narrow::new(&self.bound.atoms[0], &self.sites, t));
    }

    /// Leaves the `k` nearest allowed keys in `scratch.found`, nearest first, ties by index.
    #[inline(always)]
    pub(crate) fn nearest<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        k: usize,
        allowed: &impl Fn(usize) -> bool,
        scratch: &mut SearchScratch<T>,
    ) {
        scratch.found.clear();
        if k > MOST_SORTED {
            let name = |index: u32| allowed(index as usize).then_some(index);
            self.gather(isa, query, k, &name, scratch);
            scratch.keep_nearest(k);
            return;
        }
        let mut best = Best::new(k);
        std::mem::swap(&mut best.found, &mut scratch.found);
        let name = |index: u32| allowed(index as usize).then_some(index);
        self.improve(isa, query, &mut best, &name, scratch);
        scratch.found = best.found;
    }

    /// Takes those keys that have a name into the nearest so far.
    #[inline(always)]
    pub(crate) fn improve<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        best: &mut Best<T>,
        name: &impl Fn(u32) -> Option<u32>,
        scratch: &mut SearchScratch<T>,
    ) {
        let limit = best.worst;
        self.visit(isa, query, scratch, &mut Nearer { best, name }, limit);
    }

    /// Adds all keys that have a name and whose raw number is at most `limit` to `scratch.found`, in no particular order.
    #[inline(always)]
    pub(crate) fn collect_more<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        limit: T,
        name: &impl Fn(u32) -> Option<u32>,
        scratch: &mut SearchScratch<T>,
    ) {
        let mut found = std::mem::take(&mut scratch.found);
        let mut within = Within {
            found: &mut found,
            limit,
            name,
        };
        self.visit(isa, query, scratch, &mut within, limit);
        scratch.found = found;
    }

    /// Adds all keys that have a name and whose distance is at most `radius` (whose score is at least that) to `scratch.found`,
    /// in no particular order.
    #[inline(always)]
    pub(crate) fn within<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        radius: T,
        name: &impl Fn(u32) -> Option<u32>,
        scratch: &mut SearchScratch<T>,
    ) {
        // A distance turned back into a raw number is off by a few roundings: ask for a little more, then compare distances.
        let raw = self.raw(radius);
        let limit = raw + raw.abs() * T::from_f64(16.0 * T::EPSILON.to_f64());
        self.collect_more(isa, query, limit, name, scratch);
        let score = self.bound.atoms[0].link == Link::Score;
        scratch.found.retain(|f| {
            let d = self.distance(f.raw);
            if score { d >= radius } else { d <= radius }
        });
    }

    /// The keys of some slots: their raw numbers are shown to `eye` if one of them is at most the limit. Returns the new limit.
    #[inline(always)]
    fn show<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        slots: std::ops::Range<usize>,
        limit: T,
        buffer: &mut [T],
        eye: &mut impl See<T>,
    ) -> T {
        let atom = &self.bound.atoms[0];
        let buffer = &mut buffer[..slots.len()];
        let out = [&mut *buffer];
        tile(
            isa,
            atom,
            &self.sites,
            Side::Rows([query]),
            slots.start,
            out,
        );
        if atom.link == Link::Score {
            for x in buffer.iter_mut() {
                *x = -*x;
            }
        }
        if isa.smallest(buffer) > limit {
            return limit;
        }
        let real = slots.start..slots.end.min(self.sites.rows);
        eye.see(isa, &buffer[..real.len()], &self.sites.index[real])
    }

    /// Shows every run that may hold a raw number of at most the limit to `eye`.
    #[inline(always)]
    fn visit<I: Isa>(
        &self,
        isa: I,
        query: &[T],
        scratch: &mut SearchScratch<T>,
        eye: &mut impl See<T>,
        mut limit: T,
    ) {
        let atom = &self.bound.atoms[0];
        let SearchScratch {
            visited,
            run: buffer,
            nodes,
            ..
        } = scratch;
        let Some(tree) = &self.tree else {
            let mut start = 0;
            while start < self.sites.padded {
                let end = (start + RUN).min(self.sites.padded);
                limit = self.show(isa, query, start..end, limit, buffer, eye);
                start = end;
            }
            return;
        };
        nodes.clear();
        nodes.push((tree.root(), T::NEG_INFINITY));
        while let Some((node, raw)) = nodes.pop() {
            if raw > limit {
                continue;
            }
            if node.is_leaf() {
                *visited += LEAF;
                limit = self.show(isa, query, node.slots(), limit, buffer, eye);
                continue;
            }
            let (left, right) = node.children();
            let a = (left, tree.nearest_raw(atom, query, left.id));
            let b = (right, tree.nearest_raw(atom, query, right.id));
            if a.1 <= b.1 {
                nodes.extend([b, a]);
            } else {
                nodes.extend([a, b]);
            }
        }
    }
}

/// Who looks at raw numbers and their keys. Not a closure: that would not be inlined into the code compiled for the vector unit.
pub(super) trait See<T> {
    /// Returns the raw number above which nothing more need be shown.
    fn see<I: Isa>(&mut self, isa: I, run: &[T], index: &[u32]) -> T;
}

/// Takes what is nearer than the best so far.
pub(super) struct Nearer<'a, T, N> {
    pub(super) best: &'a mut Best<T>,
    pub(super) name: &'a N,
}

impl<T: Float, N: Fn(u32) -> Option<u32>> Nearer<'_, T, N> {
    #[inline(always)]
    fn offer(&mut self, raw: T, index: u32) {
        if raw <= self.best.worst
            && let Some(index) = (self.name)(index)
        {
            self.best.offer(Found { raw, index });
        }
    }
}

impl<T: Float, N: Fn(u32) -> Option<u32>> See<T> for Nearer<'_, T, N> {
    #[inline(always)]
    fn see<I: Isa>(&mut self, _: I, run: &[T], index: &[u32]) -> T {
        let (runs, rest) = run.as_chunks::<FEW>();
        let (indices, rest_index) = index.as_chunks::<FEW>();
        for (run, index) in runs.iter().zip(indices) {
            let worst = self.best.worst;
            let mut any = false;
            for raw in run {
                any |= *raw <= worst;
            }
            if !any {
                continue;
            }
            let mut near = 0_u32;
            for (i, raw) in run.iter().enumerate() {
                near |= u32::from(*raw <= worst) << i;
            }
            while near != 0 {
                let i = near.trailing_zeros() as usize % FEW;
                near &= near - 1;
                self.offer(run[i], index[i]);
            }
        }
        for (raw, index) in rest.iter().zip(rest_index) {
            self.offer(*raw, *index);
        }
        self.best.worst
    }
}

/// Takes everything up to a limit.
struct Within<'a, T, N> {
    found: &'a mut Vec<Found<T>>,
    limit: T,
    name: &'a N,
}

impl<T: Float, N: Fn(u32) -> Option<u32>> See<T> for Within<'_, T, N> {
    #[inline(always)]
    fn see<I: Isa>(&mut self, _: I, run: &[T], index: &[u32]) -> T {
        for (&raw, &index) in run.iter().zip(index) {
            if raw <= self.limit
                && let Some(index) = (self.name)(index)
            {
                self.found.push(Found { raw, index });
            }
        }
        self.limit
    }
}

/// Distances of all keys to their k-th nearest key, themselves counted.
pub(crate) fn kth_of_keys<T: Float>(
    metric: &Metric,
    columns: &Columns,
    keys: Rows<'_, T>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let searcher = Searcher::new(metric, columns, keys)?;
    let blocks = crate::par::map_blocks(&watch.quiet(), keys.rows(), 64, |range| {
        Ok(T::run_compiled::<KthBlocks<'_>>(KthBlock {
            searcher: &searcher,
            keys: keys.slice(range),
            k,
        }))
    })?;
    Ok(blocks.concat())
}

compiled!(KthBlocks, KthBlock);

struct KthBlock<'a, T> {
    searcher: &'a Searcher<T>,
    keys: Rows<'a, T>,
    k: usize,
}

impl<T: Float> Task for KthBlock<'_, T> {
    type Out = Vec<f64>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<f64> {
        let mut scratch = SearchScratch::new();
        let mut out = Vec::with_capacity(self.keys.rows());
        for row in self.keys.iter() {
            let query = self.searcher.features(row);
            self.searcher
                .nearest(isa, &query, self.k, &|_| true, &mut scratch);
            let last = scratch.found.last().map_or(T::INFINITY, |f| f.raw);
            out.push(self.searcher.distance(last).to_f64());
        }
        out
    }
}

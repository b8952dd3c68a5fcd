//! Exact nearest neighbours by the tree, for several queries at once that lie near one another: they see much the same leaves.
//!
//! Which keys of a leaf may be near enough is said by [single-precision numbers](super::narrow); these keys are looked at in the
//! number's own arithmetic, so that results are those of a search for one query.

use super::narrow::Narrow;
use super::raw::one;
use super::scan::Best;
use super::search::{Found, MOST_SORTED, MOST_TREE_FEATURES, SearchScratch, Searcher};
use super::sites::LEAF;
use super::tree::{Node, Tree};
use crate::isa::Isa;
use crate::lanes::{Fold, HALF, PANEL, Side, TILE};
use crate::{Float, float};

/// So many queries are searched together at the most: a leaf's, where the queries are the keys.
pub(crate) const GROUP: usize = LEAF;
/// Fewer are searched one by one.
const FEWEST: usize = 4;
/// Keys whose numbers are looked through at a time: mostly none of them is near enough.
const FEW: usize = 16;
/// How often the numbers of a query's first leaf are parted to find what the nearest of them do not exceed.
const HALVINGS: usize = 10;

/// Buffers of one thread.
pub(crate) struct Walk<T> {
    nodes: Vec<(Node, T)>,
    /// The queries in single precision about their middle, feature by feature.
    lanes: Vec<[f32; GROUP]>,
    runs: [[f32; LEAF]; TILE],
}

impl<T: Float> Walk<T> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            lanes: Vec::new(),
            runs: [[0.0; LEAF]; TILE],
        }
    }
}

impl<T: Float> Searcher<T> {
    /// Whether queries may be searched together.
    pub(crate) fn walks_together(&self, k: usize) -> bool {
        self.narrow.is_some() && k <= MOST_SORTED
    }

    /// The keys, by index, in the order of the leaves.
    pub(crate) fn leaf_order(&self) -> Vec<usize> {
        let order = self.sites.index[..self.sites.rows].iter();
        order.map(|i| *i as usize).collect()
    }

    /// An order of queries, given as features one after the other, in which neighbours lie near one another: that of the leaves of a
    /// tree of their own, or of the keys where these are the queries.
    pub(crate) fn near_order(&self, queries: &[T]) -> Vec<u32> {
        let f = self.bound.features;
        let m = queries.len() / f;
        let same = |(i, row): (usize, &[T])| {
            let slot = self.sites.slot[i] as usize;
            let own = |(c, x): (usize, &T)| self.sites.feature(c, slot, 1)[0] == *x;
            row.iter().enumerate().all(own)
        };
        if m == self.sites.rows && queries.chunks_exact(f).enumerate().all(same) {
            return self.sites.index.clone();
        }
        let mut index: Vec<u32> = (0..m as u32).collect();
        Tree::sort(&self.bound, queries, &mut index);
        index
    }

    /// Takes keys into the nearest so far of each of some queries, given as features one after the other; as
    /// [`improve`](Self::improve), for a group of queries at a time.
    #[inline(always)]
    pub(crate) fn improve_together<I: Isa>(
        &self,
        isa: I,
        queries: &[T],
        best: &mut [Best<T>],
        name: &impl Fn(u32) -> Option<u32>,
        walk: &mut Walk<T>,
        scratch: &mut SearchScratch<T>,
    ) {
        let f = self.bound.features;
        let groups = queries.chunks(GROUP * f).zip(best.chunks_mut(GROUP));
        for (queries, best) in groups {
            match (&self.tree, &self.narrow) {
                (Some(tree), Some(narrow)) if best.len() >= FEWEST => {
                    let rows: Vec<&[T]> = queries.chunks_exact(f).collect();
                    let group = Group::new(self, (tree, narrow), &rows, walk);
                    group.search(isa, best, name, walk);
                }
                _ => {
                    for (query, best) in queries.chunks_exact(f).zip(best) {
                        self.improve(isa, query, best, name, scratch);
                    }
                }
            }
        }
    }
}

/// Queries that are searched together.
struct Group<'a, T> {
    searcher: &'a Searcher<T>,
    tree: &'a Tree<T>,
    narrow: &'a Narrow,
    rows: &'a [&'a [T]],
    /// For each of the atom's features, the smallest and the largest among the queries.
    sides: Vec<[T; 2]>,
    middle: Vec<f64>,
    /// What distances about the middle are off by at the most, beside a share of themselves.
    slack: f32,
}

/// How near keys must be to each query.
struct Near<T> {
    worst: [T; GROUP],
    /// The distances of these raw numbers, rounded up.
    reach: [f32; GROUP],
    /// The largest number of a box, about the middle of the queries, that may hold such a key.
    limits: [f32; GROUP],
}

impl<'a, T: Float> Group<'a, T> {
    #[inline(always)]
    fn new(
        searcher: &'a Searcher<T>,
        (tree, narrow): (&'a Tree<T>, &'a Narrow),
        rows: &'a [&'a [T]],
        walk: &mut Walk<T>,
    ) -> Self {
        let features = &searcher.bound.atoms[0].features;
        let ends = |f: usize| {
            let start = [T::INFINITY, T::NEG_INFINITY];
            let ends = |[a, b]: [T; 2], q: &&[T]| [a.min(q[f]), b.max(q[f])];
            rows.iter().fold(start, ends)
        };
        let sides: Vec<[T; 2]> = features.iter().map(|f| ends(*f)).collect();
        let halves = sides.iter().map(|s| s.map(|x| 0.5 * x.to_f64()));
        let middle: Vec<f64> = halves.clone().map(|[a, b]| a + b).collect();
        let size = narrow.size(halves.map(|[a, b]| b - a));
        let group = Self {
            searcher,
            tree,
            narrow,
            rows,
            sides,
            middle,
            slack: Narrow::slack(size),
        };
        walk.lanes.clear();
        for (c, &f) in features.iter().enumerate() {
            let mut lane = [0.0; GROUP];
            for (lane, row) in lane.iter_mut().zip(rows) {
                *lane = group.about(c, row[f]);
            }
            walk.lanes.push(lane);
        }
        group
    }

    /// A number of the `c`-th feature about the middle of the queries.
    #[inline(always)]
    fn about(&self, c: usize, x: T) -> f32 {
        ((x.to_f64() - self.middle[c]) * self.narrow.factors[c]) as f32
    }

    #[inline(always)]
    fn search<I: Isa>(
        &self,
        isa: I,
        best: &mut [Best<T>],
        name: &impl Fn(u32) -> Option<u32>,
        walk: &mut Walk<T>,
    ) {
        let mut near = Near {
            worst: [T::NEG_INFINITY; GROUP],
            reach: [0.0; GROUP],
            limits: [f32::NEG_INFINITY; GROUP],
        };
        for (g, best) in best.iter().enumerate() {
            self.come_nearer(&mut near, g, best.worst);
        }
        let mut farthest = isa.largest(&near.worst);
        let mut nodes = std::mem::take(&mut walk.nodes);
        nodes.clear();
        nodes.push((self.tree.root(), T::NEG_INFINITY));
        while let Some((node, gap)) = nodes.pop() {
            if gap > farthest {
                continue;
            }
            if !node.is_leaf() {
                let (left, right) = node.children();
                let (a, b) = (self.gaps(left), self.gaps(right));
                if a <= b {
                    nodes.extend([(right, b[0]), (left, a[0])]);
                } else {
                    nodes.extend([(left, a[0]), (right, b[0])]);
                }
                continue;
            }
            let (wanted, count) = self.wanted(node, &near.limits, &walk.lanes);
            if count > 0 {
                let wanted = &wanted[..count];
                self.see(isa, node, wanted, (&mut near, best, name), &mut walk.runs);
                farthest = isa.largest(&near.worst);
            }
        }
        walk.nodes = nodes;
    }

    #[inline(always)]
    fn come_nearer(&self, near: &mut Near<T>, g: usize, worst: T) {
        near.worst[g] = worst;
        near.reach[g] = self.narrow.reach(worst);
        near.limits[g] = self.narrow.limit(self.slack, near.reach[g]);
    }

    /// The smallest raw number of the queries and a box, and that of their middle.
    #[inline(always)]
    fn gaps(&self, node: Node) -> [T; 2] {
        let boxes = self.tree.sides(node.id);
        let atom = &self.searcher.bound.atoms[0];
        let mut gaps = [T::ZERO; 2];
        for (c, (&f, [a, b])) in atom.features.iter().zip(&self.sides).enumerate() {
            let [low, high] = boxes[f];
            let middle = T::from_f64(self.middle[c]);
            let w = atom.feature_scale.as_ref().map_or(T::ONE, |s| s[c]);
            let near = [(low - *b).max(*a - high), (low - middle).max(middle - high)];
            for (gap, near) in gaps.iter_mut().zip(near) {
                let near = near.max(T::ZERO) * w;
                *gap = match self.narrow.fold {
                    Fold::Squared => *gap + near * near,
                    Fold::Largest => gap.max(near),
                    _ => *gap + near,
                };
            }
        }
        [gaps[0] * (T::ONE - self.tree.slack), gaps[1]]
    }

    /// The queries for which a leaf may hold a key that is near enough, and how many there are.
    #[inline(always)]
    fn wanted(
        &self,
        leaf: Node,
        limits: &[f32; GROUP],
        lanes: &[[f32; GROUP]],
    ) -> ([u8; GROUP], usize) {
        let gaps = match self.narrow.fold {
            Fold::Squared => self.lane_gaps(leaf, lanes, |sum, near| sum + near * near),
            Fold::Largest => self.lane_gaps(leaf, lanes, float::max),
            _ => self.lane_gaps(leaf, lanes, |sum, near| sum + near),
        };
        let mut wanted = [0; GROUP];
        let mut count = 0;
        for g in 0..GROUP {
            wanted[count % GROUP] = g as u8;
            count += usize::from(gaps[g] <= limits[g]);
        }
        (wanted, count)
    }

    /// The numbers of the queries and a leaf's box, about the middle of the queries.
    #[inline(always)]
    fn lane_gaps(
        &self,
        leaf: Node,
        lanes: &[[f32; GROUP]],
        add: impl Fn(f32, f32) -> f32,
    ) -> [f32; GROUP] {
        let boxes = self.tree.sides(leaf.id);
        let features = &self.searcher.bound.atoms[0].features;
        let mut gaps = [0.0_f32; GROUP];
        for (c, (&f, lane)) in features.iter().zip(lanes).enumerate() {
            let [low, high] = boxes[f].map(|x| self.about(c, x));
            for (gap, q) in gaps.iter_mut().zip(lane) {
                let near = float::max(float::max(low - q, q - high), 0.0);
                *gap = add(*gap, near);
            }
        }
        gaps
    }

    /// Shows a leaf to some of the queries.
    #[inline(always)]
    fn see<I: Isa>(
        &self,
        isa: I,
        leaf: Node,
        wanted: &[u8],
        (near, best, name): (&mut Near<T>, &mut [Best<T>], &impl Fn(u32) -> Option<u32>),
        runs: &mut [[f32; LEAF]; TILE],
    ) {
        let slack = self.narrow.slacks[leaf.first];
        for some in wanted.chunks(TILE) {
            if some.len() > HALF {
                self.distances(isa, leaf, some, runs);
            } else if let Some(runs) = runs.first_chunk_mut::<HALF>() {
                self.distances(isa, leaf, some, runs);
            }
            for (g, run) in some.iter().map(|g| *g as usize % GROUP).zip(&*runs) {
                let limit = if near.reach[g] == f32::INFINITY {
                    self.first_limit(leaf, run, best[g].k, name)
                } else {
                    self.narrow.limit(slack, near.reach[g])
                };
                if isa.smallest(run) <= limit {
                    let best = &mut best[g];
                    self.look_closer(isa, leaf, (run, limit), self.rows[g], best, name);
                    if best.worst < near.worst[g] {
                        self.come_nearer(near, g, best.worst);
                    }
                }
            }
        }
    }

    /// Fills runs with the numbers of some queries and a leaf, about its middle.
    #[inline(always)]
    fn distances<I: Isa, const G: usize>(
        &self,
        isa: I,
        leaf: Node,
        some: &[u8],
        runs: &mut [[f32; LEAF]; G],
    ) {
        let narrow = self.narrow;
        let mut packed = [[0.0; G]; MOST_TREE_FEATURES];
        let features = &self.searcher.bound.atoms[0].features;
        let rows: [&[T]; G] =
            std::array::from_fn(|g| self.rows[some[g.min(some.len() - 1)] as usize]);
        for (c, (&f, packed)) in features.iter().zip(&mut packed).enumerate() {
            let (middle, factor) = narrow.scale(leaf, c);
            for (packed, row) in packed.iter_mut().zip(rows) {
                *packed = ((row[f].to_f64() - middle) * factor) as f32;
            }
        }
        let out = runs.each_mut().map(|r| &mut r[..]);
        let side = Side::Packed(&packed[..features.len()]);
        let stride = features.len() * PANEL;
        let keys = narrow.keys(leaf);
        isa.tile(narrow.fold, side, &narrow.features, None, keys, stride, out);
    }

    /// What the `k` nearest keys of a leaf that have a name do not exceed, infinite where it has fewer.
    #[inline(always)]
    fn first_limit(
        &self,
        leaf: Node,
        run: &[f32; LEAF],
        k: usize,
        name: &impl Fn(u32) -> Option<u32>,
    ) -> f32 {
        let sites = &self.searcher.sites;
        let mut named = [f32::INFINITY; LEAF];
        let mut count = 0;
        for (raw, index) in run.iter().zip(&sites.index[leaf.filled(sites.rows)]) {
            named[count % LEAF] = *raw;
            count += usize::from(name(*index).is_some());
        }
        if k > count {
            return f32::INFINITY;
        }
        let slack = self.narrow.slacks[leaf.first];
        let kth = holds_smallest(&named, count, k);
        self.narrow.limit(slack, self.narrow.reach_of(slack, kth))
    }

    /// Offers those keys of a leaf to a query whose single-precision numbers are within a limit.
    #[inline(always)]
    fn look_closer<I: Isa>(
        &self,
        isa: I,
        leaf: Node,
        (run, limit): (&[f32; LEAF], f32),
        query: &[T],
        best: &mut Best<T>,
        name: &impl Fn(u32) -> Option<u32>,
    ) {
        let sites = &self.searcher.sites;
        let atom = &self.searcher.bound.atoms[0];
        let slots = leaf.filled(sites.rows);
        // Found, worked out and offered in loops of their own: those of the second do not wait for one another.
        let mut near = [0_u8; LEAF];
        let mut count = 0;
        for (n, run) in run.as_chunks::<FEW>().0.iter().enumerate() {
            let mut within = 0_u32;
            for (i, raw) in run.iter().enumerate() {
                within |= u32::from(*raw <= limit) << i;
            }
            while within != 0 {
                near[count % LEAF] = (n * FEW) as u8 + within.trailing_zeros() as u8;
                count += 1;
                within &= within - 1;
            }
        }
        let mut raws = [T::ZERO; LEAF];
        // The last leaf is filled up with copies, which are last.
        let near = near[..count].iter().map(|n| slots.start + *n as usize);
        let near = near.take_while(|slot| *slot < slots.end);
        for (raw, slot) in raws.iter_mut().zip(near.clone()) {
            *raw = one(isa, atom, sites, query, slot);
        }
        for (raw, slot) in raws.into_iter().zip(near) {
            if raw <= best.worst
                && let Some(index) = name(sites.index[slot])
            {
                best.offer(Found { raw, index });
            }
        }
    }
}

/// A number that at least `k` of the first `count` do not exceed, and not many more than that: the rest of the numbers is infinite, and none is
/// negative.
#[inline(always)]
fn holds_smallest(numbers: &[f32; LEAF], count: usize, k: usize) -> f32 {
    let given = &numbers[..count];
    let smallest = given.iter().fold(f32::INFINITY, |a, x| a.min(*x));
    if k == 1 {
        return smallest;
    }
    let largest = given.iter().fold(0.0, |a: f32, x| a.max(*x));
    // Their bits rise as the numbers do, and halve their orders of magnitude: there may be a clump among others that are far.
    let (mut low, mut high) = (smallest.to_bits(), largest.to_bits());
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2;
        let limit = f32::from_bits(middle);
        let within: u32 = numbers.iter().map(|x| u32::from(*x <= limit)).sum();
        if within as usize >= k {
            high = middle;
        } else {
            low = middle;
        }
    }
    f32::from_bits(high)
}

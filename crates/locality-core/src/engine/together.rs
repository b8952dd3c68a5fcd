//! Exact nearest neighbours by the tree, for several queries at once that lie near one another: they see much the same leaves, whose
//! keys are then read once for all of them.

use super::bound::BoundAtom;
use super::raw::tile;
use super::scan::Best;
use super::search::{MOST_SORTED, Nearer, SearchScratch, Searcher, See};
use super::sites::LEAF;
use super::tree::{Node, Tree};
use crate::Float;
use crate::isa::Isa;
use crate::lanes::{Side, TILE};
use crate::metric::{Combine, Link};

/// A number for each query, and some to spare: whole vectors.
pub(super) const LANES: usize = TILE.next_power_of_two();
/// So few queries look at a leaf one by one.
const ALONE: usize = 2;

/// Buffers of one thread.
pub(crate) struct Walk<T> {
    nodes: Vec<(Node, [T; LANES])>,
    /// The queries' features, feature by feature.
    lanes: Vec<[T; LANES]>,
    packed: Vec<[T; TILE]>,
    runs: [[T; LEAF]; TILE],
}

impl<T: Float> Walk<T> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            lanes: Vec::new(),
            packed: Vec::new(),
            runs: [[T::ZERO; LEAF]; TILE],
        }
    }
}

/// How many queries want what is bounded so.
#[inline(always)]
fn wanted<T: Float>(bounds: &[T; LANES], worst: &[T; LANES]) -> usize {
    let pairs = bounds.iter().zip(worst);
    LANES - pairs.map(|(b, w)| usize::from(b > w)).sum::<usize>()
}

impl<T: Float> Searcher<T> {
    /// Whether queries may be searched together.
    pub(crate) fn walks_together(&self, k: usize) -> bool {
        let atom = &self.bound.atoms[0];
        let combine = matches!(
            atom.combine,
            Combine::SquaredDifference | Combine::AbsoluteDifference | Combine::LargestDifference
        );
        self.tree.is_some() && k <= MOST_SORTED && combine && atom.link != Link::Score
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
    /// [`improve`](Self::improve), for a tile of queries at a time.
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
        let row = |i: usize| &queries[i * f..][..f];
        let (tiles, rest) = best.as_chunks_mut::<TILE>();
        let first = tiles.len() * TILE;
        for (t, best) in tiles.iter_mut().enumerate() {
            let rows = std::array::from_fn(|g| row(t * TILE + g));
            self.walk(isa, rows, best, name, walk, scratch);
        }
        for (i, best) in (first..).zip(rest) {
            self.improve(isa, row(i), best, name, scratch);
        }
    }

    #[inline(always)]
    fn walk<I: Isa>(
        &self,
        isa: I,
        rows: [&[T]; TILE],
        best: &mut [Best<T>; TILE],
        name: &impl Fn(u32) -> Option<u32>,
        walk: &mut Walk<T>,
        scratch: &mut SearchScratch<T>,
    ) {
        let (Some(tree), atom) = (&self.tree, &self.bound.atoms[0]) else {
            return;
        };
        let Walk {
            nodes,
            lanes,
            packed,
            runs,
        } = walk;
        lanes.clear();
        packed.clear();
        for &f in &atom.features {
            packed.push(rows.map(|row| row[f]));
            lanes.push(std::array::from_fn(|g| rows[g.min(TILE - 1)][f]));
        }
        // Nothing is near enough for a lane to spare.
        let mut worst = [T::NEG_INFINITY; LANES];
        for (worst, best) in worst.iter_mut().zip(&*best) {
            *worst = best.worst;
        }
        nodes.clear();
        nodes.push((tree.root(), [T::NEG_INFINITY; LANES]));
        while let Some((node, bounds)) = nodes.pop() {
            let count = wanted(&bounds, &worst);
            if count == 0 {
                continue;
            }
            if !node.is_leaf() {
                let (left, right) = node.children();
                let a = (left, tree.nearest_raws(atom, lanes, left.id));
                let b = (right, tree.nearest_raws(atom, lanes, right.id));
                let sum = |bounds: &[T; LANES]| bounds.iter().fold(T::ZERO, |a, b| a + *b);
                if sum(&a.1) <= sum(&b.1) {
                    nodes.extend([b, a]);
                } else {
                    nodes.extend([a, b]);
                }
                continue;
            }
            if count > ALONE {
                let out = runs.each_mut().map(|r| &mut r[..]);
                let start = node.slots().start;
                tile(isa, atom, &self.sites, Side::Packed(packed), start, out);
            }
            let real = node.filled(self.sites.rows);
            let index = &self.sites.index[real];
            for g in 0..TILE {
                if bounds[g] > worst[g] {
                    continue;
                }
                let mut nearer = Nearer {
                    best: &mut best[g],
                    name,
                };
                worst[g] = if count <= ALONE {
                    self.look(isa, rows[g], node.slots(), worst[g], scratch, &mut nearer)
                } else {
                    nearer.see(isa, &runs[g][..index.len()], index)
                };
            }
        }
    }
}

impl<T: Float> Tree<T> {
    /// For each query, what [`nearest_raw`](Self::nearest_raw) says of it and a node; `lanes` are the queries' numbers for each of
    /// the atom's features.
    #[inline(always)]
    fn nearest_raws(&self, atom: &BoundAtom<T>, lanes: &[[T; LANES]], node: usize) -> [T; LANES] {
        let boxes = self.sides(node);
        let mut sums = [T::ZERO; LANES];
        for (c, (&f, lane)) in atom.features.iter().zip(lanes).enumerate() {
            let [a, b] = boxes[f];
            let w = atom.feature_scale.as_ref().map_or(T::ONE, |s| s[c]);
            let mut near = [T::ZERO; LANES];
            for (near, q) in near.iter_mut().zip(lane) {
                *near = (a - *q).max(*q - b).max(T::ZERO) * w;
            }
            match atom.combine {
                Combine::SquaredDifference => {
                    for (sum, near) in sums.iter_mut().zip(near) {
                        *sum += near * near;
                    }
                }
                Combine::LargestDifference => {
                    for (sum, near) in sums.iter_mut().zip(near) {
                        *sum = sum.max(near);
                    }
                }
                _ => {
                    for (sum, near) in sums.iter_mut().zip(near) {
                        *sum += near;
                    }
                }
            }
        }
        let less = T::ONE - self.slack;
        sums.map(|sum| sum * less)
    }
}

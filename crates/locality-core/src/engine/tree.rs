//! The tree over the leaves: boxes of features, and what a node can weigh at the most.
//!
//! Leaves are consecutive ranges of [`LEAF`] slots; a node is a range of leaves, split in the middle, and nodes are numbered in
//! preorder, so the tree needs no pointers: the left child of node `i` over leaves `a..b` is `i + 1` over `a..m`, the right one
//! `i + 2 (m - a)` over `m..b`. Over keys in their own order it is the same tree, with larger boxes.

use std::ops::Range;

use super::bound::{Bound, BoundAtom, Scale, Width};
use super::pair::Weight;
use super::sites::{LEAF, Sites};
use super::split;
use super::units::{UNIT, Units, ends_of};
use crate::metric::{Combine, Link};
use crate::{Float, par};

/// Leaves that a thread works on at a time, at the least.
pub(super) const LEAVES_EACH: usize = 1024;

/// A node: its number and its leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Node {
    pub(crate) fn is_leaf(self) -> bool {
        self.leaves() == 1
    }

    /// Number of leaves.
    pub(crate) fn leaves(self) -> usize {
        self.last - self.first
    }

    /// Whether some of a unit is among the node's leaves.
    pub(crate) fn holds(self, unit: usize) -> bool {
        (self.first / UNIT..self.last.div_ceil(UNIT)).contains(&unit)
    }

    pub(crate) fn children(self) -> (Self, Self) {
        let middle = self.first + split::middle(self.leaves());
        let left = Self {
            id: self.id + 1,
            first: self.first,
            last: middle,
        };
        let right = Self {
            id: self.id + 2 * (middle - self.first),
            first: middle,
            last: self.last,
        };
        (left, right)
    }

    /// Appends the leaves below, from left to right.
    pub(crate) fn push_leaves(self, out: &mut Vec<Self>) {
        if self.is_leaf() {
            out.push(self);
            return;
        }
        let (left, right) = self.children();
        left.push_leaves(out);
        right.push_leaves(out);
    }

    /// The node's slots.
    pub(crate) fn slots(self) -> Range<usize> {
        self.first * LEAF..self.last * LEAF
    }

    /// Its slots that hold keys, where there are `rows` keys.
    pub(crate) fn filled(self, rows: usize) -> Range<usize> {
        self.first * LEAF..(self.last * LEAF).min(rows)
    }
}

/// Boxes, and sums over the keys of each node.
#[derive(Clone, Debug)]
pub(crate) struct Tree<T> {
    leaves: usize,
    features: usize,
    /// Relative allowance for rounding in bounds.
    pub(super) slack: T,
    /// Smallest and largest of each feature, side by side, node after node.
    boxes: Vec<[T; 2]>,
    /// Sum of the sample weights of each node.
    pub(crate) weight: Vec<f64>,
    /// Sum of the weighted values of each node, where whole nodes can share a weight.
    pub(crate) value_sums: Vec<f64>,
    /// For each atom with a bandwidth per key: the scales of the widest and the narrowest key of each node.
    scales: Vec<Option<Vec<Scales<T>>>>,
    pub(crate) units: Units<T>,
}

/// The scales of a node's keys lie between these two.
#[derive(Clone, Copy, Debug)]
struct Scales<T> {
    widest: Scale<T>,
    narrowest: Scale<T>,
}

impl<T: Float> Scales<T> {
    const NONE: Self = Self {
        widest: Scale {
            inverse: T::INFINITY,
            width: T::ZERO,
        },
        narrowest: Scale {
            inverse: T::ZERO,
            width: T::INFINITY,
        },
    };

    /// Those of the keys of two nodes.
    fn with(self, other: Self) -> Self {
        let (a, b) = (self.widest, other.widest);
        let (c, d) = (self.narrowest, other.narrowest);
        Self {
            widest: Scale {
                inverse: a.inverse.min(b.inverse),
                width: a.width.max(b.width),
            },
            narrowest: Scale {
                inverse: c.inverse.max(d.inverse),
                width: c.width.min(d.width),
            },
        }
    }
}

/// The smallest and largest raw number of a query and a box.
struct Span<T> {
    low: T,
    high: T,
}

impl<T: Float> Tree<T> {
    /// Sorts `index` so that each run of [`LEAF`] of them is a leaf of a balanced k-d tree on the features.
    pub(crate) fn sort(bound: &Bound<T>, features: &[T], index: &mut [u32]) {
        // Features are compared in units of bandwidths.
        let mut unit = vec![T::ZERO; bound.features];
        for atom in &bound.atoms {
            for (i, &f) in atom.features.iter().enumerate() {
                let u = match (&atom.feature_scale, &atom.width) {
                    (Some(scale), _) => scale[i],
                    (None, Width::Fixed(s)) => s.inverse,
                    _ => T::ONE,
                };
                unit[f] = unit[f].max(u);
            }
        }
        split::sort(features, &unit, index);
    }

    /// Boxes and sums over laid-out sites.
    pub(crate) fn new(bound: &Bound<T>, sites: &Sites<T>, with_sums: bool) -> Self {
        let leaves = sites.padded / LEAF;
        let nodes = 2 * leaves - 1;
        let f = bound.features;
        let sums = if with_sums { sites.values } else { 0 };
        let slack = T::EPSILON * T::from_f64(4.0 * (f + 4) as f64);
        let mut tree = Self {
            leaves,
            features: f,
            slack,
            units: Units::new(bound, sites, slack),
            boxes: vec![[T::INFINITY, T::NEG_INFINITY]; nodes * f],
            weight: vec![0.0; nodes],
            value_sums: vec![0.0; nodes * sums],
            scales: bound
                .atoms
                .iter()
                .map(|a| match a.width {
                    Width::Site { .. } => Some(vec![Scales::NONE; nodes]),
                    _ => None,
                })
                .collect(),
        };
        let boxes = par::map_items(leaves, LEAVES_EACH, |leaf| {
            let slots = leaf * LEAF..(leaf + 1) * LEAF;
            let ends = |f| ends_of(sites, f, slots.clone());
            (0..tree.features).map(ends).collect::<Vec<_>>()
        });
        tree.fill(bound, sites, &boxes, tree.root(), sums);
        tree
    }

    pub(crate) fn root(&self) -> Node {
        Node {
            id: 0,
            first: 0,
            last: self.leaves,
        }
    }

    /// Number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.weight.len()
    }

    /// The smallest and largest number of each feature in a node.
    #[inline(always)]
    pub(super) fn sides(&self, node: usize) -> &[[T; 2]] {
        &self.boxes[node * self.features..][..self.features]
    }

    /// The middle of a node's box, in an atom's scaled features.
    pub(crate) fn middle(&self, atom: &BoundAtom<T>, node: usize) -> impl Iterator<Item = f64> {
        let boxes = &self.boxes[node * self.features..][..self.features];
        let scaled = atom.features.iter().enumerate();
        scaled.map(|(i, &f)| 0.5 * (boxes[f][0].to_f64() + boxes[f][1].to_f64()) * atom.factor(i))
    }

    /// The raw numbers between a query and the keys of a node lie within these two.
    pub(crate) fn ends(&self, atom: &BoundAtom<T>, query: &[T], node: usize) -> [T; 2] {
        let span = self.span(atom, query, node);
        [span.low, span.high]
    }

    /// Fills a node and all below it, given the boxes of the leaves.
    fn fill(
        &mut self,
        bound: &Bound<T>,
        sites: &Sites<T>,
        leaves: &[Vec<[T; 2]>],
        node: Node,
        sums: usize,
    ) {
        let f = self.features;
        let at = node.id * f;
        if node.is_leaf() {
            let real = node.filled(sites.rows);
            self.boxes[at..at + f].copy_from_slice(&leaves[node.first]);
            let weight = |s: usize| sites.weights.as_ref().map_or(1.0, |w| w[s].to_f64());
            self.weight[node.id] = match &sites.weights {
                None => real.len() as f64,
                Some(_) => real.clone().map(weight).sum(),
            };
            for s in if sums > 0 { real.clone() } else { 0..0 } {
                let w = weight(s);
                let totals = &mut self.value_sums[node.id * sums..][..sums];
                for (total, v) in totals.iter_mut().zip(sites.values_at(s)) {
                    *total += w * v.to_f64();
                }
            }
            for (scales, atom) in self.scales.iter_mut().zip(&bound.atoms) {
                if let (Some(scales), Width::Site { inverse, width }) = (scales, &atom.width) {
                    for s in real.clone() {
                        let (inverse, width) = (inverse[s], width[s]);
                        let own = Scale { inverse, width };
                        scales[node.id] = scales[node.id].with(Scales {
                            widest: own,
                            narrowest: own,
                        });
                    }
                }
            }
            return;
        }
        let (left, right) = node.children();
        self.fill(bound, sites, leaves, left, sums);
        self.fill(bound, sites, leaves, right, sums);
        for child in [left.id, right.id] {
            for c in 0..f {
                let ([low, high], [a, b]) = (self.boxes[at + c], self.boxes[child * f + c]);
                self.boxes[at + c] = [low.min(a), high.max(b)];
            }
            self.weight[node.id] += self.weight[child];
            for j in 0..sums {
                self.value_sums[node.id * sums + j] += self.value_sums[child * sums + j];
            }
            for scales in self.scales.iter_mut().flatten() {
                scales[node.id] = scales[node.id].with(scales[child]);
            }
        }
    }

    /// The raw numbers that an atom can have between a query and a key of a node, widened by rounding.
    #[inline(always)]
    fn span(&self, atom: &BoundAtom<T>, query: &[T], node: usize) -> Span<T> {
        let boxes = &self.boxes[node * self.features..][..self.features];
        let (mut low, mut high) = (T::ZERO, T::ZERO);
        let mut size = T::ZERO;
        for (i, &f) in atom.features.iter().enumerate() {
            let (q, [a, b]) = (query[f], boxes[f]);
            let w = atom.feature_scale.as_ref().map_or(T::ONE, |s| s[i]);
            let near = (a - q).max(q - b).max(T::ZERO) * w;
            let far = (q - a).max(b - q) * w;
            match atom.combine {
                Combine::SquaredDifference => {
                    low += near * near;
                    high += far * far;
                }
                Combine::AbsoluteDifference => {
                    low += near;
                    high += far;
                }
                Combine::LargestDifference => {
                    low = low.max(near);
                    high = high.max(far);
                }
                Combine::Mismatch => {
                    low += if near > T::ZERO { w } else { T::ZERO };
                    high += if far > T::ZERO { w } else { T::ZERO };
                }
                Combine::Product => {
                    let (x, y) = (q * a, q * b);
                    low += x.min(y);
                    high += x.max(y);
                    size += x.abs().max(y.abs());
                }
                Combine::Difference => {
                    low += q - b;
                    high += q - a;
                }
            }
        }
        let eps = self.slack;
        match atom.combine {
            Combine::Product | Combine::Difference => {
                let slack = (size + low.abs().max(high.abs())) * eps;
                Span {
                    low: low - slack,
                    high: high + slack,
                }
            }
            _ => Span {
                low: low * (T::ONE - eps),
                high: high * (T::ONE + eps),
            },
        }
    }

    #[inline(always)]
    fn scales(
        &self,
        i: usize,
        atom: &BoundAtom<T>,
        node: usize,
        own: Option<Scale<T>>,
    ) -> Scales<T> {
        if let Some(scales) = &self.scales[i] {
            return scales[node];
        }
        let own = atom.scale_at(0, own);
        Scales {
            widest: own,
            narrowest: own,
        }
    }

    /// The largest weight that a key of the node can have.
    #[inline(always)]
    pub(crate) fn upper(
        &self,
        bound: &Bound<T>,
        stack: &mut Vec<Weight<T>>,
        query: &[T],
        scales: &[Option<Scale<T>>],
        node: usize,
    ) -> Weight<T> {
        bound.combine(stack, |i| {
            let atom = &bound.atoms[i];
            let best = match atom.link {
                Link::Score if atom.profile.is_falling() => self.span(atom, query, node).high,
                Link::Squared if atom.feature_scale.is_none() => {
                    self.near_squared(atom, query, node)
                }
                _ => self.span(atom, query, node).low,
            };
            atom.weight(best, self.scales(i, atom, node, scales[i]).widest)
        })
    }

    /// The smallest weight that a key of the node can have, for kernels that may be constant over it.
    pub(crate) fn lower(
        &self,
        bound: &Bound<T>,
        stack: &mut Vec<Weight<T>>,
        query: &[T],
        scales: &[Option<Scale<T>>],
        node: usize,
    ) -> Weight<T> {
        bound.combine(stack, |i| {
            let atom = &bound.atoms[i];
            let span = self.span(atom, query, node);
            let worst = match atom.link {
                Link::Score if atom.profile.is_falling() => span.low,
                _ => span.high,
            };
            atom.weight(worst, self.scales(i, atom, node, scales[i]).narrowest)
        })
    }

    /// The smallest squared distance of a query and a box, for the commonest atom.
    #[inline(always)]
    fn near_squared(&self, atom: &BoundAtom<T>, query: &[T], node: usize) -> T {
        let boxes = &self.boxes[node * self.features..][..self.features];
        let mut sum = T::ZERO;
        for &f in &atom.features {
            let (q, [a, b]) = (query[f], boxes[f]);
            let near = (a - q).max(q - b).max(T::ZERO);
            sum += near * near;
        }
        sum * (T::ONE - self.slack)
    }

    /// The smallest raw number (for scores, the smallest negated one) of a query and a node, for searches.
    #[inline(always)]
    pub(crate) fn nearest_raw(&self, atom: &BoundAtom<T>, query: &[T], node: usize) -> T {
        match atom.link {
            Link::Score => -self.span(atom, query, node).high,
            Link::Squared => self.near_squared(atom, query, node),
            _ => self.span(atom, query, node).low,
        }
    }
}

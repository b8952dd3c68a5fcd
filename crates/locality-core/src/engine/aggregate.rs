//! Nodes taken as a whole: a line in the raw number stands for the curve, and moments of the node give its sum over the keys.
//!
//! Over a node the raw number `r` (a squared distance, or a dot product) lies between two bounds, and the curve `f` is convex in
//! it. The gap between the chord and the curve is concave, so nowhere more than twice the gap `g` at the middle; the chord lowered
//! by `g` is off by at most `g` everywhere. The line `a + b r` sums to `a sum c + b sum c r`, and `sum c r` follows from the node's
//! moments: no key is looked at, and what that is off by is known.

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use super::pair::input;
use super::sites::Sites;
use super::tree::{LEAVES_EACH, Node, Tree};
use crate::isa::Standard;
use crate::metric::{Combine, Link};
use crate::profile::{Curve, CurveVisitor, Form};
use crate::{Float, Summary, par};

/// More moments than this cost as much as the keys of a leaf.
const MOST_MOMENTS: usize = 96;

/// Moments of each node, for the weight and for each column of values: the total, the sum of squared offsets from the middle of
/// the node's box, and the sum of each offset.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    /// Numbers of a node.
    stride: usize,
    /// Numbers of a column: two and the features.
    column: usize,
    sums: Vec<f64>,
    middles: Vec<f64>,
}

/// Logarithms below this are those of nothing; an exponential of them is slow to say so.
const LEAST_LOG: f64 = -745.0;
/// Logarithms so far apart are of weights of which one is less than a quarter of the other: their roots are apart by more than half of the
/// larger.
const APART: f64 = 1.4;

/// A node's line, in units of the summary's scale.
pub(crate) struct Line {
    intercept: f64,
    slope: f64,
    /// Bound on what it is off by, per sample weight.
    pub(crate) error: f64,
}

impl Moments {
    /// Whether the kernel is one curve, convex in what moments can sum up, at one bandwidth for all keys.
    pub(crate) fn fit<T: Float>(bound: &Bound<T>, values: usize) -> bool {
        let ([atom], [Op::Atom(0)]) = (&bound.atoms[..], &bound.program[..]) else {
            return false;
        };
        let summable = matches!(
            (atom.combine, atom.link),
            (Combine::SquaredDifference, Link::Squared) | (Combine::Product, Link::Score)
        );
        summable
            && atom.profile.is_convex()
            && !matches!(atom.width, Width::Site { .. })
            && (1 + values) * (2 + atom.features.len()) <= MOST_MOMENTS
    }

    pub(crate) fn new<T: Float>(bound: &Bound<T>, sites: &Sites<T>, tree: &Tree<T>) -> Self {
        let d = bound.atoms[0].features.len();
        let (column, nodes) = (2 + d, tree.nodes());
        let stride = (1 + sites.values) * column;
        let mut moments = Self {
            stride,
            column,
            sums: vec![0.0; nodes * stride],
            middles: vec![0.0; nodes * d],
        };
        for node in 0..nodes {
            let middle = tree.middle(&bound.atoms[0], node);
            for (m, x) in moments.middles[node * d..].iter_mut().zip(middle) {
                *m = x;
            }
        }
        let mut leaves = Vec::with_capacity(nodes.div_ceil(2));
        tree.root().push_leaves(&mut leaves);
        let of_leaves = par::map_items(leaves.len(), LEAVES_EACH, |i| {
            moments.of_leaf(&bound.atoms[0], sites, leaves[i])
        });
        moments.fill(&of_leaves, tree.root());
        moments
    }

    /// The moments of a leaf.
    fn of_leaf<T: Float>(&self, atom: &BoundAtom<T>, sites: &Sites<T>, leaf: Node) -> Vec<f64> {
        let d = self.column - 2;
        let middle = &self.middles[leaf.id * d..][..d];
        let mut sums = vec![0.0; self.stride];
        let mut offset = vec![0.0; d];
        for slot in leaf.filled(sites.rows) {
            for (i, (o, m)) in offset.iter_mut().zip(middle).enumerate() {
                let key = sites.feature(atom.features[i], slot, 1)[0].to_f64();
                *o = key * atom.factor(i) - m;
            }
            let square: f64 = offset.iter().map(|o| o * o).sum();
            let c = sites.weights.as_ref().map_or(1.0, |w| w[slot].to_f64());
            let values = sites.values_at(slot).map(|v| c * v.to_f64());
            let columns = sums.chunks_exact_mut(self.column);
            for (sums, v) in columns.zip(std::iter::once(c).chain(values)) {
                sums[0] += v;
                sums[1] += v * square;
                for (s, o) in sums[2..].iter_mut().zip(&offset) {
                    *s += v * o;
                }
            }
        }
        sums
    }

    /// Fills a node and all below it, given the moments of the leaves.
    fn fill(&mut self, leaves: &[Vec<f64>], node: Node) {
        let (d, stride) = (self.column - 2, self.stride);
        if node.is_leaf() {
            self.sums[node.id * stride..][..stride].copy_from_slice(&leaves[node.first]);
            return;
        }
        let (left, right) = node.children();
        for child in [left, right] {
            self.fill(leaves, child);
            // From the child's middle to this node's.
            let shift: Vec<f64> = (0..d)
                .map(|i| self.middles[child.id * d + i] - self.middles[node.id * d + i])
                .collect();
            let square: f64 = shift.iter().map(|s| s * s).sum();
            let (above, below) = self.sums.split_at_mut(child.id * stride);
            let into = above[node.id * stride..][..stride].chunks_exact_mut(self.column);
            for (into, from) in into.zip(below[..stride].chunks_exact(self.column)) {
                let along: f64 = shift.iter().zip(&from[2..]).map(|(s, x)| s * x).sum();
                into[0] += from[0];
                into[1] += from[1] + 2.0 * along + square * from[0];
                for ((i, f), s) in into[2..].iter_mut().zip(&from[2..]).zip(&shift) {
                    *i += f + s * from[0];
                }
            }
        }
    }

    /// Adds a node by its line, times a factor. `query` is in features.
    pub(crate) fn absorb<T: Float>(
        &self,
        atom: &BoundAtom<T>,
        query: &[T],
        node: usize,
        line: &Line,
        factor: f64,
        out: &mut Summary,
    ) {
        let d = self.column - 2;
        let middle = &self.middles[node * d..][..d];
        let at = |i: usize| query[atom.features[i]].to_f64() * atom.factor(i);
        let product = atom.combine == Combine::Product;
        // The raw number of a key is `constant + square * |offset|^2 + linear * offset`.
        let mut constant = 0.0;
        for (i, m) in middle.iter().enumerate() {
            constant += if product {
                at(i) * m
            } else {
                (at(i) - m) * (at(i) - m)
            };
        }
        let sums = &self.sums[node * self.stride..][..self.stride];
        let totals = std::iter::once(&mut out.weight).chain(&mut out.values);
        for (total, sums) in totals.zip(sums.chunks_exact(self.column)) {
            let mut raw = constant * sums[0];
            if product {
                for (i, s) in sums[2..].iter().enumerate() {
                    raw += at(i) * s;
                }
            } else {
                raw += sums[1];
                for (i, s) in sums[2..].iter().enumerate() {
                    raw -= 2.0 * (at(i) - middle[i]) * s;
                }
            }
            *total += factor * (line.intercept * sums[0] + line.slope * raw);
        }
    }
}

/// The line of a curve between two raw numbers, in units of `exp(log_scale)`; none where its error is surely above `most`.
pub(crate) fn line<T: Float>(
    atom: &BoundAtom<T>,
    scale: Scale<T>,
    [low, high]: [T; 2],
    log_scale: f64,
    most: f64,
) -> Option<Line> {
    atom.profile.visit(Draw {
        link: atom.link,
        inverse: scale.inverse.to_f64(),
        width: scale.width.to_f64(),
        ends: [low.to_f64(), high.to_f64()],
        log_scale,
        most,
    })
}

struct Draw {
    link: Link,
    inverse: f64,
    width: f64,
    ends: [f64; 2],
    log_scale: f64,
    most: f64,
}

impl CurveVisitor for Draw {
    type Out = Option<Line>;

    #[inline(always)]
    fn visit<C: Curve>(self, curve: C) -> Option<Line> {
        let curve = |raw: f64| {
            let u = input(self.link, C::INPUT, raw);
            let y = curve.at_width(Standard, u, self.inverse, self.width);
            match C::FORM {
                Form::Log => y - self.log_scale,
                Form::Weight => y,
            }
        };
        let weight = |y: f64| match C::FORM {
            Form::Log if y < LEAST_LOG => 0.0,
            Form::Log => y.exp(),
            Form::Weight => y,
        };
        let [low, high] = self.ends;
        let ends = [curve(low), curve(high)];
        let top = weight(ends[0].max(ends[1]));
        // The hint below from the larger end alone: the smaller one is less than a quarter of it.
        if C::FORM == Form::Log && (ends[0] - ends[1]).abs() > APART && 0.1 * 0.25 * top > self.most
        {
            return None;
        }
        let [a, b] = ends.map(|y| {
            if y == ends[0].max(ends[1]) {
                top
            } else {
                weight(y)
            }
        });
        // For a curve that bends about as an exponential does: a hint that saves the third value, not the proof.
        let root = a.max(b).sqrt() - a.min(b).sqrt();
        if 0.1 * root * root > self.most {
            return None;
        }
        let gap = 0.5 * (a + b) - weight(curve(0.5 * (low + high)));
        let rounding = 4.0 * f64::EPSILON * (1.0 + self.log_scale.abs());
        let error = gap.abs() + rounding * a.max(b);
        // Not a number where the curve overflows.
        if error > self.most || error.is_nan() {
            return None;
        }
        let slope = if high > low {
            (b - a) / (high - low)
        } else {
            0.0
        };
        Some(Line {
            intercept: a - slope * low - gap,
            slope,
            error,
        })
    }
}

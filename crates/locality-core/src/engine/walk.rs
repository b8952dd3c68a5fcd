//! The tree engine for kernels that are constant on a stretch: a nearest-first walk for each query, which skips what provably
//! cannot matter and takes in whole nodes at once.

use super::absorb::absorb;
use super::budget::Budget;
use super::level::{RUN, Scratch};
use super::pair::{Weight, heavier};
use super::prepared::{Prepared, Query};
use super::sites::LEAF;
use super::tree::{Node, Tree};
use crate::isa::Isa;
use crate::{Float, Summary};

/// Sums up what the query sees. The sum of the weights that were skipped is at most `tolerance` times the sum of the weights
/// that were kept. Returns the number of keys visited; a node taken in as a whole counts as a leaf.
///
/// The walk of a query depends on nothing but the query and the sites, so results are the same bits for any number of
/// threads and any company of queries.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    scratch: &mut Scratch<T>,
    nodes: &mut Vec<(Node, Weight<T>)>,
    out: &mut Summary,
) -> usize {
    out.clear();
    let mut visited = 0;
    let mut budget = Budget::new(p.tolerance, tree.weight[0]);
    let root = tree.root();
    let upper = tree.upper(
        &p.bound,
        &mut scratch.stack,
        query.features,
        query.scales,
        0,
    );
    nodes.clear();
    nodes.push((root, upper));
    while let Some((node, upper)) = nodes.pop() {
        if budget.may_skip(upper, tree.weight[node.id], out) {
            continue;
        }
        if whole(p, tree, query, scratch, node, out) {
            visited += LEAF;
            continue;
        }
        let slots = node.slots();
        if node.is_leaf() || slots.len() <= RUN && p.coarse {
            visited += slots.len();
            let masked = slots.clone();
            let mask =
                |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, masked.clone(), drop);
            let (query, out) = (std::slice::from_ref(query), std::slice::from_mut(out));
            absorb(isa, p.keys(slots), query, &[0], scratch, mask, out);
            continue;
        }
        let (left, right) = node.children();
        let mut bound = |n: Node| {
            if query.outside(p, n.slots()) {
                return None;
            }
            let stack = &mut scratch.stack;
            let w = tree.upper(&p.bound, stack, query.features, query.scales, n.id);
            (w.factor > T::ZERO).then_some((n, w))
        };
        match (bound(left), bound(right)) {
            (Some(a), Some(b)) => {
                // The heavier side is walked first: it is on top of the stack.
                if heavier(b.1, a.1) {
                    nodes.extend([a, b]);
                } else {
                    nodes.extend([b, a]);
                }
            }
            (a, b) => nodes.extend(a.into_iter().chain(b)),
        }
    }
    visited
}

/// Absorbs a node at once if all its keys have the same weight.
#[inline(always)]
fn whole<T: Float>(
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    scratch: &mut Scratch<T>,
    node: Node,
    out: &mut Summary,
) -> bool {
    let stack = &mut scratch.stack;
    let lower = tree.lower(&p.bound, stack, query.features, query.scales, node.id);
    if lower.factor != T::ONE || lower.log != T::ZERO {
        return false;
    }
    out.rescale(0.0);
    out.weight += tree.weight[node.id];
    let sums = &tree.value_sums[node.id * p.sites.values..];
    for (total, s) in out.values.iter_mut().zip(sums) {
        *total += s;
    }
    true
}

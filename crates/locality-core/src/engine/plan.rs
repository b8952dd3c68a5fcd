//! Which leaves each of a few queries needs, and then the leaves, each for all queries that need it.
//!
//! A query's plan is made from boxes alone, nearest first, and depends on nothing but the query and the sites. So does the order
//! in which it takes in its leaves: results are the same bits for any number of threads and any company of queries.

use std::ops::Range;

use super::absorb::absorb;
use super::aggregate::line;
use super::budget::Budget;
use super::level::Scratch;
use super::pair::{Weight, best, heavier};
use super::prepared::{Prepared, Query};
use super::sites::LEAF;
use super::tree::{Node, Tree};
use super::units::{GROUP, UNIT};
use crate::isa::Isa;
use crate::lanes::TILE;
use crate::{Float, Summary};

/// Queries whose needs are collected before the leaves are visited.
const COMPANY: usize = 32;

/// Buffers of one thread.
struct Planner<T> {
    nodes: Vec<(Node, Weight<T>)>,
    /// Units that may be needed, and what a key of theirs can weigh at the most.
    wanted: Vec<(usize, Weight<T>)>,
    /// A lower bound on the sum of the query's weights.
    least: Summary,
    /// One leaf, weighed to learn such a bound.
    probe: Summary,
    /// For each unit, the queries that need it.
    masks: Vec<u32>,
}

/// What of a group counts in the lower bound already.
#[derive(Clone, Copy)]
enum Counted {
    Nothing,
    Unit(usize),
    Group,
}

/// Sums up what each query sees. What the sum of the weights is off by, through nodes that are left out or taken as a whole, is at
/// most `tolerance` times that sum. Returns the number of keys visited; a node taken as a whole counts as a leaf.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    tree: &Tree<T>,
    queries: &[Query<'_, T>],
    scratch: &mut Scratch<T>,
    out: &mut [Summary],
) -> usize {
    let mut planner = Planner {
        nodes: Vec::new(),
        wanted: Vec::new(),
        least: Summary::empty(0),
        probe: Summary::empty(p.sites.values),
        masks: vec![0; (p.sites.padded / LEAF).div_ceil(UNIT)],
    };
    let mut visited = 0;
    for (queries, out) in queries.chunks(COMPANY).zip(out.chunks_mut(COMPANY)) {
        for (i, (query, out)) in queries.iter().zip(out.iter_mut()).enumerate() {
            out.clear();
            visited += plan(isa, p, tree, query, scratch, &mut planner, out);
            for (unit, _) in planner.wanted.drain(..) {
                planner.masks[unit] |= 1 << i;
            }
        }
        visited += visit(isa, p, queries, &mut planner.masks, scratch, out);
    }
    visited
}

/// Visits all units that some query needs, and clears the masks.
#[inline(always)]
fn visit<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    queries: &[Query<'_, T>],
    masks: &mut [u32],
    scratch: &mut Scratch<T>,
    out: &mut [Summary],
) -> usize {
    let mut visited = 0;
    for (unit, mask) in masks.iter_mut().enumerate() {
        let mut left = std::mem::take(mask);
        if left == 0 {
            continue;
        }
        let slots = unit_slots(p, unit);
        visited += slots.len() * left.count_ones() as usize;
        let drop = |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, slots.clone(), drop);
        let mut some = [0; COMPANY];
        let mut count = 0;
        while left != 0 {
            some[count] = left.trailing_zeros() as usize;
            count += 1;
            left &= left - 1;
        }
        for which in some[..count].chunks(TILE) {
            let keys = p.keys(slots.clone());
            absorb(isa, keys, queries, which, scratch, drop, out);
        }
    }
    visited
}

/// Finds the leaves that a query needs, and takes in nodes as a whole where that is good enough.
#[inline(always)]
fn plan<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    scratch: &mut Scratch<T>,
    planner: &mut Planner<T>,
    out: &mut Summary,
) -> usize {
    let Planner {
        nodes,
        wanted,
        least,
        probe,
        ..
    } = planner;
    let mut visited = 0;
    let mut budget = Budget::new(p.tolerance, tree.weight[0]);
    least.clear();
    let stack = &mut scratch.stack;
    let upper = tree.upper(&p.bound, stack, query.features, query.scales, 0);
    nodes.clear();
    nodes.push((tree.root(), upper));
    while let Some((node, upper)) = nodes.pop() {
        if budget.may_skip(upper, tree.weight[node.id], least) {
            continue;
        }
        if whole(p, tree, query, node, &mut budget, least, true, out) {
            visited += LEAF;
            continue;
        }
        if node.leaves() > GROUP * UNIT {
            let (left, right) = node.children();
            let mut bound = |n: Node| {
                let stack = &mut scratch.stack;
                let w = tree.upper(&p.bound, stack, query.features, query.scales, n.id);
                (n, w)
            };
            let (a, b) = (bound(left), bound(right));
            // The heavier side is looked at first: it is on top of the stack.
            nodes.extend(if heavier(b.1, a.1) { [a, b] } else { [b, a] });
            continue;
        }
        let first = node.first / UNIT;
        let units = node.leaves().div_ceil(UNIT);
        let group = tree.units.group(first);
        let mut upper = [Weight::NONE; GROUP];
        scratch.weights(isa, &p.bound, group, query, &mut upper);
        let upper = &upper[..units];
        let mut counted = Counted::Nothing;
        if least.weight <= 0.0 || !p.bounds_below {
            // A unit weighed in full: the best guess at where the weight is.
            let unit = first + best(upper);
            counted = Counted::Unit(unit);
            let slots = unit_slots(p, unit);
            visited += slots.len();
            probe.clear();
            let drop =
                |q: &Query<'_, T>, drop: &mut dyn FnMut(usize)| q.mask(p, slots.clone(), drop);
            let (query, out) = (std::slice::from_ref(query), std::slice::from_mut(probe));
            let keys = p.keys(slots.clone());
            absorb(isa, keys, query, &[0], scratch, drop, out);
            add(least, probe.log_scale, probe.weight);
        } else if counts(upper, least) {
            let keys = tree.units.weights(first, query.own_unit(p));
            let (log, weight) = scratch.sum(isa, &p.bound, group.least(), query, &keys[..units]);
            add(least, log, weight * (1.0 - 1e-4));
            counted = Counted::Group;
        }
        let before = wanted.len();
        for (i, w) in upper.iter().enumerate() {
            if !budget.may_skip(*w, tree.units.weight[first + i], least) {
                wanted.push((first + i, *w));
            }
        }
        if p.moments.is_some() && least.weight > 0.0 {
            visited += pieces(
                p,
                tree,
                query,
                (node, counted),
                wanted,
                before,
                &mut budget,
                least,
                out,
            );
        }
    }
    // By now more is known about the sum.
    wanted.retain(|(unit, w)| !budget.may_skip(*w, tree.units.weight[*unit], least));
    visited
}

/// Takes in parts of a group by lines, and takes them off the list of what is wanted, which is the group's from `before` on. The
/// part that matters least is tried first: where it does not go by a line, none will.
#[allow(clippy::too_many_arguments)]
fn pieces<T: Float>(
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    (group, counted): (Node, Counted),
    wanted: &mut Vec<(usize, Weight<T>)>,
    before: usize,
    budget: &mut Budget,
    least: &mut Summary,
    out: &mut Summary,
) -> usize {
    let weights: Vec<_> = wanted[before..].iter().map(|w| w.1).collect();
    if weights.is_empty() {
        return 0;
    }
    let lightest = (1..weights.len()).fold(0, |a, i| {
        if heavier(weights[a], weights[i]) {
            i
        } else {
            a
        }
    });
    let mut visited = 0;
    let mut take = |node: Node, wanted: &mut Vec<(usize, Weight<T>)>| {
        let new = match counted {
            Counted::Nothing => true,
            Counted::Unit(unit) => !node.holds(unit),
            Counted::Group => false,
        };
        let taken = whole(p, tree, query, node, budget, least, new, out);
        if taken {
            visited += LEAF;
            wanted.retain(|(unit, _)| !node.holds(*unit));
        }
        taken
    };
    let mut node = group;
    while node.leaves() > UNIT {
        let (left, right) = node.children();
        node = if left.holds(wanted[before + lightest].0) {
            left
        } else {
            right
        };
    }
    if take(node, wanted) {
        let mut nodes = vec![group];
        while let Some(node) = nodes.pop() {
            // A node with a part that is not wanted any more would count it twice.
            let units = node.leaves().div_ceil(UNIT);
            let here = wanted[before..]
                .iter()
                .filter(|(unit, _)| node.holds(*unit))
                .count();
            if here == 0 || here == units && take(node, wanted) || units == 1 {
                continue;
            }
            let (left, right) = node.children();
            nodes.extend([right, left]);
        }
    }
    visited
}

/// The slots of a unit.
#[inline(always)]
fn unit_slots<T: Float>(p: &Prepared<T>, unit: usize) -> Range<usize> {
    let start = unit * UNIT * LEAF;
    start..(start + UNIT * LEAF).min(p.sites.padded)
}

/// Whether what these units weigh at the least may count in a sum.
#[inline(always)]
fn counts<T: Float>(upper: &[Weight<T>], least: &Summary) -> bool {
    let logs = upper.iter().map(|w| w.log);
    let top = logs.fold(T::NEG_INFINITY, T::max);
    top.to_f64() > least.log_scale - 7.0
}

/// Adds to a sum of weights.
#[inline(always)]
fn add(least: &mut Summary, log: f64, factor: f64) {
    if factor <= 0.0 {
        return;
    }
    if log > least.log_scale {
        least.rescale(log);
    }
    let gap = log - least.log_scale;
    // Not worth an exponential.
    if gap > -12.0 {
        least.weight += factor * if gap == 0.0 { 1.0 } else { gap.exp() };
    }
}

/// Takes in a node by a line, if that is good enough. What it weighs counts in `least` where it is `new` there: a key that is counted
/// twice would make this no lower bound.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn whole<T: Float>(
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    node: Node,
    budget: &mut Budget,
    least: &mut Summary,
    new: bool,
    out: &mut Summary,
) -> bool {
    let Some(moments) = &p.moments else {
        return false;
    };
    if least.weight <= 0.0 || query.own_unit(p).is_some_and(|unit| node.holds(unit)) {
        return false;
    }
    budget.follow(least);
    let keys = tree.weight[node.id];
    let atom = &p.bound.atoms[0];
    let scale = atom.scale_at(0, query.scales[0]);
    let ends = tree.ends(atom, query.features, node.id);
    let Some(line) = line(atom, scale, ends, least.log_scale, budget.most(keys)) else {
        return false;
    };
    budget.spend(keys, line.error);
    out.rescale(least.log_scale);
    let before = out.weight;
    let factor = (least.log_scale - out.log_scale).exp();
    moments.absorb(atom, query.features, node.id, &line, factor, out);
    if new {
        let sure = out.weight - before - factor * line.error * keys;
        add(least, out.log_scale, sure);
    }
    true
}

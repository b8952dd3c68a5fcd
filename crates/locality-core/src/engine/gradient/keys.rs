//! The second pass: over runs of keys, for what belongs to them.

use std::ops::Range;

use super::flow::{Flow, Flows};
use super::partial::Partial;
use super::queries::matters;
use super::trace::Trace;
use crate::Float;
use crate::engine::bound::{Bound, Width};
use crate::engine::level::RUN;
use crate::engine::prepared::{Prepared, Query};
use crate::engine::sites::Sites;
use crate::engine::tree::{Node, Tree};
use crate::isa::{Isa, Task, compiled};
use crate::metric::Combine;

/// What belongs to the keys of a run.
pub(crate) struct KeySums {
    /// By features, values and bandwidths of the keys, feature after feature, [`RUN`] numbers each.
    columns: Vec<f64>,
    /// Number of features, of columns of values, and the atoms with a bandwidth for each key.
    features: usize,
    values: usize,
    widths: Vec<usize>,
    /// By sample weights.
    weights: Vec<f64>,
}

impl KeySums {
    pub(crate) fn new<T: Float>(p: &Prepared<T>) -> Self {
        let widths = site_widths(&p.bound);
        let (features, values) = (p.bound.features, p.sites.values);
        Self {
            columns: vec![0.0; (features + values + widths.len()) * RUN],
            features,
            values,
            widths,
            weights: vec![0.0; RUN],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.columns.fill(0.0);
        self.weights.fill(0.0);
    }

    /// Adds what one query passes back, after the trace's way back.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn add<T: Float, I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        sites: &Sites<T>,
        trace: &Trace<T>,
        partial: &mut Partial<T>,
        query: &Query<'_, T>,
        flow: &Flow<'_, T>,
        run: &Range<usize>,
    ) {
        let _ = isa;
        let len = run.len();
        let (features, rest) = self.columns.split_at_mut(self.features * RUN);
        let (values, widths) = rest.split_at_mut(self.values * RUN);
        for (atom, trace) in bound.atoms.iter().zip(&trace.atoms) {
            partial.start();
            for (c, &f) in atom.features.iter().enumerate() {
                let to = features[f * RUN..][..len].iter_mut();
                if atom.combine == Combine::Product {
                    let q = query.features[f];
                    for (to, b) in to.zip(&trace.back) {
                        *to += (*b * q).to_f64();
                    }
                    continue;
                }
                partial.fill(atom, trace, sites, query.features, c, run);
                for ((to, b), d) in to.zip(&trace.back).zip(&partial.by) {
                    *to -= (*b * *d).to_f64();
                }
            }
        }
        let share = &trace.share[..len];
        let weighted = &trace.weighted[..len];
        for (g, to) in flow.means.iter().zip(values.chunks_exact_mut(RUN)) {
            for (to, s) in to.iter_mut().zip(weighted) {
                *to += (*s * *g).to_f64();
            }
        }
        for (atom, to) in self.widths.iter().zip(widths.chunks_exact_mut(RUN)) {
            for (to, w) in to.iter_mut().zip(&trace.atoms[*atom].width[..len]) {
                *to += w.to_f64();
            }
        }
        for ((to, s), g) in self.weights.iter_mut().zip(share).zip(&trace.gain) {
            *to += (*s * *g).to_f64();
        }
    }

    /// The numbers of one key of the run: by features, values, bandwidths, sample weight.
    fn row(&self, i: usize) -> impl Iterator<Item = f64> + '_ {
        let columns = self.columns.chunks_exact(RUN).map(move |c| c[i]);
        columns.chain([self.weights[i]])
    }
}

/// Atoms with a bandwidth for each key.
pub(crate) fn site_widths<T>(bound: &Bound<T>) -> Vec<usize> {
    let atoms = bound.atoms.iter().enumerate();
    let site = atoms.filter(|(_, a)| matches!(a.width, Width::Site { .. }));
    site.map(|(i, _)| i).collect()
}

/// What belongs to some keys: a row of numbers each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sparse {
    pub(crate) keys: Vec<u32>,
    pub(crate) numbers: Vec<f64>,
}

impl Sparse {
    pub(crate) fn rows(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn push(&mut self, keys: impl Iterator<Item = u32>, sums: &KeySums) {
        for (i, key) in keys.enumerate() {
            self.keys.push(key);
            self.numbers.extend(sums.row(i));
        }
    }

    /// Multiplies the rows from this one on.
    pub(crate) fn scale_from(&mut self, row: usize, scale: f64) {
        if self.keys.is_empty() {
            return;
        }
        let width = self.numbers.len() / self.keys.len();
        for x in &mut self.numbers[row * width..] {
            *x *= scale;
        }
    }
}

compiled!(Passes, Pass);

/// A part of the keys, against all queries.
pub(crate) struct Pass<'a, T> {
    pub(crate) p: &'a Prepared<T>,
    pub(crate) queries: &'a [Query<'a, T>],
    pub(crate) correction: &'a [T],
    pub(crate) flows: &'a Flows<'a, T>,
    pub(crate) part: Part,
}

/// Some of the keys.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Run(Range<usize>),
    Node(Node),
}

/// The parts that the keys fall into; which they are does not depend on the threads.
pub(crate) fn parts<T: Float>(p: &Prepared<T>, biased: bool) -> Vec<Part> {
    let Some(tree) = p.walked(biased) else {
        let runs = (0..p.sites.padded).step_by(RUN);
        let end = |start: usize| (start + RUN).min(p.sites.padded);
        return runs.map(|start| Part::Run(start..end(start))).collect();
    };
    let mut nodes = vec![tree.root()];
    // Enough for any number of threads, few enough to share the way down.
    for _ in 0..7 {
        let halves = nodes.iter().flat_map(|n| {
            let (a, b) = n.children();
            if n.is_leaf() { vec![*n] } else { vec![a, b] }
        });
        nodes = halves.collect();
    }
    nodes.into_iter().map(Part::Node).collect()
}

impl<'a, T: Float> Pass<'a, T> {
    pub(crate) fn go(self) -> Sparse {
        T::run_compiled::<Passes<'a>>(self)
    }
}

impl<T: Float> Task for Pass<'_, T> {
    type Out = Sparse;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Sparse {
        let mut work = Work {
            p: self.p,
            queries: self.queries,
            correction: self.correction,
            flows: self.flows,
            trace: Trace::new(&self.p.bound),
            partial: Partial::new(),
            sums: KeySums::new(self.p),
            out: Sparse::default(),
        };
        match (self.part, &self.p.tree) {
            (Part::Run(run), _) => {
                let all: Vec<u32> = (0..self.queries.len() as u32).collect();
                work.run(isa, &all, &run);
            }
            (Part::Node(node), Some(tree)) => {
                // A way down with the queries that still matter, in their order.
                let all: Vec<u32> = (0..self.queries.len() as u32).collect();
                let mut nodes = vec![(node, all)];
                let mut stack = Vec::new();
                while let Some((node, list)) = nodes.pop() {
                    let list = work.filter(tree, node, &list, &mut stack);
                    if list.is_empty() {
                        continue;
                    }
                    if node.is_leaf() {
                        work.run(isa, &list, &node.slots());
                    } else {
                        let (left, right) = node.children();
                        nodes.push((right, list.clone()));
                        nodes.push((left, list));
                    }
                }
            }
            (Part::Node(_), None) => {}
        }
        work.out
    }
}

struct Work<'a, T> {
    p: &'a Prepared<T>,
    queries: &'a [Query<'a, T>],
    correction: &'a [T],
    flows: &'a Flows<'a, T>,
    trace: Trace<T>,
    partial: Partial<T>,
    sums: KeySums,
    out: Sparse,
}

impl<T: Float> Work<'_, T> {
    fn filter(
        &self,
        tree: &Tree<T>,
        node: Node,
        list: &[u32],
        stack: &mut Vec<crate::engine::pair::Weight<T>>,
    ) -> Vec<u32> {
        let keep = |i: &u32| {
            let i = *i as usize;
            let log = self.flows.at.1[i];
            self.correction[i] > T::ZERO
                && matters(self.p, tree, &self.queries[i], node, log, stack)
        };
        list.iter().copied().filter(keep).collect()
    }

    #[inline(always)]
    fn run<I: Isa>(&mut self, isa: I, list: &[u32], run: &Range<usize>) {
        let p = self.p;
        self.sums.clear();
        for &i in list {
            let i = i as usize;
            let query = &self.queries[i];
            if self.correction[i] <= T::ZERO || query.outside(p, run.clone()) {
                continue;
            }
            let Some(flow) = self.flows.of(i, self.correction[i]) else {
                continue;
            };
            let (trace, partial) = (&mut self.trace, &mut self.partial);
            trace.forward(isa, &p.bound, &p.sites, Some(p), query, &flow, run);
            trace.backward(isa, &p.bound, query, run, None);
            let sums = &mut self.sums;
            sums.add(isa, &p.bound, &p.sites, trace, partial, query, &flow, run);
        }
        let real = run.start..run.end.min(p.sites.rows);
        let keys = p.sites.index[real].iter().copied();
        self.out.push(keys, &self.sums);
    }
}

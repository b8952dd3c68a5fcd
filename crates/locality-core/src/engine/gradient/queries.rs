//! The first pass: over blocks of queries, for what belongs to them and to the kernel's numbers.

use std::ops::Range;

use super::by_bias::ByBias;
use super::flow::{Flow, Flows};
use super::keys::{KeySums, Sparse};
use super::partial::Partial;
use super::trace::{Totals, Trace};
use crate::engine::bound::Bound;
use crate::engine::level::RUN;
use crate::engine::listed::Gathered;
use crate::engine::pair::Weight;
use crate::engine::prepared::{Engine, Indices, Laid, Prepared, Query};
use crate::engine::search::SearchScratch;
use crate::engine::sites::{LEAF, Sites};
use crate::engine::tree::{Node, Tree};
use crate::isa::{Isa, Task, compiled};
use crate::{Bias, Float, Rows};

/// What the first pass yields for a block of queries.
pub(crate) struct Block<T> {
    pub(crate) laid: Laid<T>,
    /// By the features of the queries, `[m, features]`.
    pub(crate) features: Vec<f64>,
    /// By the logarithm of each bandwidth that is a query's own, `[m, widths]`.
    pub(crate) widths: Vec<f64>,
    /// For each query, what makes its shares sum up to one.
    pub(crate) correction: Vec<T>,
    pub(crate) totals: Totals,
    /// What belongs to the keys, where each query has a list of its own.
    pub(crate) sparse: Sparse,
    pub(crate) by_bias: ByBias<T>,
}

compiled!(Passes, Pass);

/// A block of queries, the first of which has index `first`.
pub(crate) struct Pass<'a, T> {
    pub(crate) p: &'a Prepared<T>,
    pub(crate) queries: Rows<'a, T>,
    pub(crate) first: usize,
    pub(crate) flows: &'a Flows<'a, T>,
    /// Of all queries.
    pub(crate) bias: Option<Bias<'a, T>>,
    /// Of these, the ones whose derivatives are wanted.
    pub(crate) learned: Option<Bias<'a, T>>,
}

impl<'a, T: Float> Pass<'a, T> {
    pub(crate) fn go(self) -> Block<T> {
        T::run_compiled::<Passes<'a>>(self)
    }
}

impl<T: Float> Task for Pass<'_, T> {
    type Out = Block<T>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Block<T> {
        let Self {
            p,
            queries,
            first,
            flows,
            bias,
            learned,
        } = self;
        let (m, f, widths) = (queries.rows(), p.bound.features, p.widths.len());
        let mut search = SearchScratch::new();
        let laid = p.lay(isa, queries, Indices::From(first), bias, &mut search);
        let mut features = vec![0.0; m * f];
        let mut own_widths = vec![0.0; m * widths];
        let mut correction = vec![T::ZERO; m];
        let mut totals = Totals::new(&p.bound);
        let mut sparse = Sparse::default();
        let mut by_bias = ByBias::new(learned, m, p.sites.rows);
        let mut one = One::new(p, learned.is_some());
        let mut runs = Vec::new();
        let mut listed = (p.engine == Engine::Listed).then(|| (Gathered::new(p), KeySums::new(p)));
        for (i, query) in laid
            .queries(p, Indices::From(first), bias)
            .iter()
            .enumerate()
        {
            let Some(flow) = flows.of(first + i, T::ONE) else {
                continue;
            };
            one.clear();
            let before = sparse.rows();
            if let Some((gathered, sums)) = &mut listed {
                let slots = p.list(isa, query, queries.row(i), &mut search);
                for part in slots.chunks(RUN) {
                    gathered.fill(p, part);
                    let run = 0..part.len().next_multiple_of(LEAF);
                    let Gathered { bound, sites } = &*gathered;
                    one.run(isa, bound, sites, None, query, &flow, &run);
                    sums.clear();
                    sums.add(
                        isa,
                        bound,
                        sites,
                        &one.trace,
                        &mut one.partial,
                        query,
                        &flow,
                        &run,
                    );
                    sparse.push(part.iter().map(|s| p.sites.index[*s as usize]), sums);
                }
            } else {
                seen(p, query, flow.log_normalizer, &mut one.stack, &mut runs);
                for run in &runs {
                    one.run(isa, &p.bound, &p.sites, Some(p), query, &flow, run);
                }
            }
            if one.share <= 0.0 {
                continue;
            }
            let scale = flows.share_of_keys(first + i) / one.share;
            correction[i] = T::from_f64(scale);
            sparse.scale_from(before, scale);
            for (to, x) in features[i * f..].iter_mut().zip(&one.features) {
                *to = x * scale;
            }
            for (to, (atom, ..)) in own_widths[i * widths..].iter_mut().zip(&p.widths) {
                *to = one.totals.width[*atom] * scale;
            }
            totals.add(&one.totals, scale);
            by_bias.put(i, 0, &one.by_bias, correction[i]);
        }
        Block {
            laid,
            features,
            widths: own_widths,
            correction,
            totals,
            sparse,
            by_bias,
        }
    }
}

/// Sums and buffers of one query.
struct One<T> {
    trace: Trace<T>,
    partial: Partial<T>,
    stack: Vec<Weight<T>>,
    /// Sum of the shares.
    share: f64,
    features: Vec<f64>,
    totals: Totals,
    /// By its bias with each key; empty where that is not wanted.
    by_bias: Vec<T>,
}

impl<T: Float> One<T> {
    fn new(p: &Prepared<T>, learned: bool) -> Self {
        Self {
            trace: Trace::new(&p.bound),
            partial: Partial::new(),
            stack: Vec::new(),
            share: 0.0,
            features: vec![0.0; p.bound.features],
            totals: Totals::new(&p.bound),
            by_bias: vec![T::ZERO; if learned { p.sites.rows } else { 0 }],
        }
    }

    fn clear(&mut self) {
        self.share = 0.0;
        self.features.fill(0.0);
        self.totals.clear();
        self.by_bias.fill(T::ZERO);
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn run<I: Isa>(
        &mut self,
        isa: I,
        bound: &Bound<T>,
        sites: &Sites<T>,
        mask: Option<&Prepared<T>>,
        query: &Query<'_, T>,
        flow: &Flow<'_, T>,
        run: &Range<usize>,
    ) {
        let len = run.len();
        self.trace
            .forward(isa, bound, sites, mask, query, flow, run);
        self.share += isa.sum(&self.trace.weighted[..len]);
        let totals = Some(&mut self.totals);
        self.trace.backward(isa, bound, query, run, totals);
        if !self.by_bias.is_empty() {
            let by = self.trace.by_log_weight(len);
            sites.put_by_key(run.clone(), by, &mut self.by_bias);
        }
        for (i, (atom, trace)) in bound.atoms.iter().zip(&self.trace.atoms).enumerate() {
            self.partial.start();
            for (c, &f) in atom.features.iter().enumerate() {
                self.partial
                    .fill(atom, trace, sites, query.features, c, run);
                let back = &trace.back[..len];
                self.features[f] += isa.dot(back, &self.partial.by[..len]);
                if atom.feature_scale.is_some() {
                    let partial = &mut self.partial;
                    partial.by_width(atom, sites, query.features, c, run);
                    self.totals.feature[i][c] -= isa.dot(back, &partial.by[..len]);
                }
            }
        }
    }
}

/// The runs that hold all but a negligible share of a query's weight.
#[inline(always)]
fn seen<T: Float>(
    p: &Prepared<T>,
    query: &Query<'_, T>,
    log_normalizer: T,
    stack: &mut Vec<Weight<T>>,
    runs: &mut Vec<Range<usize>>,
) {
    runs.clear();
    let Some(tree) = p.walked(query.bias.is_some()) else {
        let all = (0..p.sites.padded).step_by(RUN);
        let all = all.map(|start| start..(start + RUN).min(p.sites.padded));
        runs.extend(all.filter(|run| !query.outside(p, run.clone())));
        return;
    };
    let mut nodes = vec![tree.root()];
    while let Some(node) = nodes.pop() {
        if !matters(p, tree, query, node, log_normalizer, stack) {
            continue;
        }
        if node.is_leaf() {
            runs.push(node.slots());
        } else {
            let (left, right) = node.children();
            nodes.extend([right, left]);
        }
    }
}

/// Whether a node may hold a share of the query's weight that counts. What is left out of all nodes together is below the
/// tolerance.
#[inline(always)]
pub(crate) fn matters<T: Float>(
    p: &Prepared<T>,
    tree: &Tree<T>,
    query: &Query<'_, T>,
    node: Node,
    log_normalizer: T,
    stack: &mut Vec<Weight<T>>,
) -> bool {
    let upper = tree.upper(&p.bound, stack, query.features, query.scales, node.id);
    if upper.factor <= T::ZERO {
        return false;
    }
    let gap = upper.log_weight().to_f64() - log_normalizer.to_f64();
    let least = p.tolerance * LEAF as f64 / p.sites.padded as f64;
    gap.exp() * tree.weight[node.id].max(1.0) > least
}

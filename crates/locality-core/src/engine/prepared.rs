//! A kernel, its keys and its neighbourhood, laid out and ready for queries; and the choice of the engine.

use std::ops::Range;

use super::aggregate::Moments;
use super::bound::{Bound, Scale, Width, resolve, slack};
use super::expanded::{Around, Expanded};
use super::level::{Keys, Scratch};
use super::listed::{self, Gathered};
pub(crate) use super::query::{Indices, Query};
use super::search::{SearchScratch, Searcher};
use super::sites::{LEAF, Sites};
use super::tree::Tree;
use super::{dense, plan, reference, walk};
use crate::bias::RowBias;
use crate::isa::{Isa, Task, compiled};
use crate::lanes::{TILE, pack};
use crate::neighborhood::Filter;
use crate::{
    Bandwidth, Bias, Columns, Error, Float, Kernel, LinearMap, Metric, Neighborhood, Result, Rows,
    Summary, Watch,
};

/// Fewer keys than this are all looked at: the whole pass is shorter than building a tree.
const FEWEST_TREE_KEYS: usize = 4096;
/// Above this many features boxes hardly exclude anything.
const MOST_TREE_FEATURES: usize = 24;
/// Trial queries that decide between tree and tiles.
const TRIALS: usize = 16;

/// How the double loop is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Plain loops.
    Reference,
    /// Every run for every query.
    Dense,
    /// A walk of the tree for each query.
    Walk,
    /// A list of keys for each query.
    Listed,
}

/// The k nearest keys of each query.
#[derive(Clone, Debug)]
struct Lists<T> {
    k: usize,
    searcher: Searcher<T>,
    /// For mutual neighbours: the raw number of each key's own k-th neighbour.
    reach: Option<Vec<T>>,
}

/// Queries of a block that walks.
const BLOCK: usize = 32;
/// Fewer would not pay for their setting up.
const LEAST_BLOCK: usize = 8;

/// Everything that does not depend on the queries.
#[derive(Clone, Debug)]
pub(crate) struct Prepared<T> {
    pub(crate) bound: Bound<T>,
    pub(crate) sites: Sites<T>,
    pub(crate) filter: Filter,
    /// Largest share of weight that may be skipped; at least far below rounding.
    pub(crate) tolerance: f64,
    /// Whether nodes carry sums for kernels that are constant on them.
    pub(crate) sums_in_nodes: bool,
    /// Whether the walk may take several leaves at a time.
    pub(crate) coarse: bool,
    pub(crate) engine: Engine,
    pub(crate) tree: Option<Tree<T>>,
    /// Whether a box bounds the weights of its keys from below, too.
    pub(crate) bounds_below: bool,
    /// Where squared distances may be made of products.
    pub(crate) expanded: Option<Expanded<T>>,
    /// For nodes that may be taken as a whole.
    pub(crate) moments: Option<Moments>,
    lists: Option<Lists<T>>,
    /// Searches for the atoms whose bandwidth is a query's k-th distance.
    pub(crate) widths: Vec<(usize, usize, Searcher<T>)>,
}

impl<T: Float> Prepared<T> {
    /// Binds and lays out everything. `engine` is for tests; users never name one.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        kernel: &Kernel,
        neighborhood: &Neighborhood,
        tolerance: f64,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        weights: Option<&[T]>,
        engine: Option<Engine>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        neighborhood.check()?;
        for (name, columns) in neighborhood.columns() {
            resolve(columns, keys.columns(), name)?;
        }
        let kernel = neighborhood
            .as_kernels()?
            .into_iter()
            .fold(kernel.clone(), |k, n| k * n);
        let mut bound = Bound::new(&kernel, keys, watch)?;
        let filter = neighborhood.filter();
        let lists = match neighborhood.nearest_region() {
            None => None,
            Some((k, metric, columns, mutual)) => {
                let n = keys.rows();
                if k > n {
                    let name = if mutual { "mutual" } else { "nearest" };
                    return Err(Error::parameter(format!(
                        "{name}: k={k} neighbours are asked for, but there are {n} keys; ask for at most {n}"
                    )));
                }
                let searcher = Searcher::new(metric, columns, keys)?;
                let reach = if mutual {
                    // A key is the first of its own nearest, unless each is left out of its own mean.
                    let all = if filter.is_hollow() {
                        (k + 1).min(n)
                    } else {
                        k
                    };
                    let found = super::search::kth_of_keys(metric, columns, keys, all, watch)?;
                    // A distance back to its raw number, without losing the edge to rounding.
                    let slack = slack::<T>(searcher.bound.features);
                    let raw = found.iter().map(|&d| searcher.raw(T::from_f64(d * slack)));
                    Some(raw.collect())
                } else {
                    None
                };
                Some(Lists { k, searcher, reach })
            }
        };
        let mut widths = Vec::new();
        for (atom, k) in bound.query_widths() {
            let a = kernel.atoms()[atom];
            let searcher = Searcher::new(&a.metric_in_force(), &a.columns, keys)?;
            widths.push((atom, k, searcher));
        }
        let with_tree = match engine {
            Some(engine) => engine == Engine::Walk,
            None => {
                lists.is_none()
                    && !filter.is_sequential()
                    && keys.rows() >= FEWEST_TREE_KEYS
                    && bound.features <= MOST_TREE_FEATURES
                    && !Expanded::will_serve(&bound, keys)
            }
        };
        let spatial = with_tree && !filter.is_sequential();
        let sites = Sites::new(&bound, keys, values, weights, spatial)?;
        for atom in &mut bound.atoms {
            if let Width::Site { inverse, width } = &mut atom.width {
                for column in [inverse, width] {
                    let at = |s: usize| column[sites.index[s.min(sites.rows - 1)] as usize];
                    *column = (0..sites.padded).map(at).collect();
                }
            }
        }
        let sums_in_nodes =
            filter.is_empty() && bound.atoms.iter().all(|a| a.profile.has_plateau());
        let tree = with_tree.then(|| Tree::new(&bound, &sites, sums_in_nodes));
        let bounds_below = !filter.has_rule()
            && !filter.is_sequential()
            && !bound
                .atoms
                .iter()
                .any(|a| matches!(a.width, Width::Site { .. }));
        // An exact mean leaves no room for lines.
        let moments = match &tree {
            Some(tree)
                if tolerance > 0.0
                    && bounds_below
                    && !sums_in_nodes
                    && Moments::fit(&bound, sites.values) =>
            {
                Some(Moments::new(&bound, &sites, tree))
            }
            _ => None,
        };
        let mut prepared = Self {
            bound,
            sites,
            filter,
            // Of the sum that is found; as a share of the true one it is `tolerance`.
            tolerance: (tolerance / (1.0 + tolerance)).max(T::EPSILON.to_f64() / 16.0),
            sums_in_nodes,
            coarse: false,
            engine: match (&lists, &tree) {
                (Some(_), _) => Engine::Listed,
                (None, Some(_)) => Engine::Walk,
                (None, None) => Engine::Dense,
            },
            tree,
            bounds_below,
            expanded: None,
            moments,
            lists,
            widths,
        };
        match engine {
            Some(engine) if prepared.engine != Engine::Listed => prepared.engine = engine,
            None if prepared.engine == Engine::Walk => prepared.choose(keys),
            _ => {}
        }
        if prepared.engine == Engine::Dense {
            prepared.expanded = Expanded::new(&prepared.bound, &prepared.sites);
        }
        Ok(prepared)
    }

    /// Whether each query has a list of keys of its own.
    pub(crate) fn is_listed(&self) -> bool {
        self.engine == Engine::Listed
    }

    /// Queries of a block, of `m` for so many threads; results do not depend on it.
    pub(crate) fn block_of(&self, m: usize, threads: usize) -> usize {
        match self.engine {
            Engine::Dense => dense::block(self, m, threads),
            // Few queries are shared among the threads, too.
            _ => BLOCK.min(m.div_ceil(2 * threads.max(1))).max(LEAST_BLOCK),
        }
    }

    /// Decides between walk and tiles by a few trial queries, taken from the keys.
    fn choose(&mut self, keys: Rows<'_, T>) {
        let n = keys.rows();
        let mut visited = 0;
        for t in 0..TRIALS {
            let key = self.sites.index[(2 * t + 1) * n / (2 * TRIALS)] as usize;
            let trial = Block {
                p: self,
                queries: keys.slice(key..key + 1),
                indices: Indices::From(key),
                bias: None,
            };
            visited += T::run_compiled::<Blocks<'_>>(trial).1;
        }
        let share = visited as f64 / (TRIALS * n) as f64;
        if share > 0.3 {
            self.engine = Engine::Dense;
        }
        self.coarse = share > 0.02;
    }

    /// Sums up what each of the queries sees. Returns the summaries and the number of keys visited.
    pub(crate) fn block(
        &self,
        queries: Rows<'_, T>,
        indices: Indices<'_>,
        bias: Option<Bias<'_, T>>,
    ) -> (Vec<Summary>, usize) {
        T::run_compiled::<Blocks<'_>>(Block {
            p: self,
            queries,
            indices,
            bias,
        })
    }

    /// A run of keys.
    pub(crate) fn keys(&self, slots: Range<usize>) -> Keys<'_, T> {
        Keys {
            bound: &self.bound,
            sites: &self.sites,
            expanded: self.expanded.as_ref(),
            start: slots.start,
            len: slots.len(),
        }
    }

    /// The tree, where queries walk it: not with biases, of which its boxes know nothing.
    pub(crate) fn walked(&self, biased: bool) -> Option<&Tree<T>> {
        let walks = self.engine == Engine::Walk && !biased;
        self.tree.as_ref().filter(|_| walks)
    }

    /// An order in which neighbouring queries follow each other, so that they find the same keys in the cache; none where that
    /// would not matter.
    pub(crate) fn order(&self, queries: Rows<'_, T>) -> Option<Vec<u32>> {
        let m = queries.rows();
        if self.engine != Engine::Walk || m < FEWEST_TREE_KEYS || u32::try_from(m).is_err() {
            return None;
        }
        let f = self.bound.features;
        let mut features = vec![T::ZERO; m * f];
        for (row, out) in queries.iter().zip(features.chunks_exact_mut(f)) {
            self.bound.map(row, out);
        }
        let mut order: Vec<u32> = (0..m as u32).collect();
        Tree::sort(&self.bound, &features, &mut order);
        Some(order)
    }

    /// The key nearest to a query by `searcher`, among those that it may see and that have a positive sample weight.
    pub(crate) fn nearest_allowed(
        &self,
        searcher: &Searcher<T>,
        row: &[T],
        index: usize,
        weights: Option<&[T]>,
        bias: Option<RowBias<'_, T>>,
    ) -> Option<usize> {
        let mut scratch = SearchScratch::new();
        let query = searcher.features(row);
        let allowed = |key: usize| {
            self.filter.allows(index, key)
                && weights.is_none_or(|w| w[key] > T::ZERO)
                && bias.is_none_or(|b| b.at(key) > T::NEG_INFINITY)
        };
        searcher.nearest(crate::isa::Plain, &query, 1, &allowed, &mut scratch);
        scratch.found.first().map(|f| f.index as usize)
    }
}

compiled!(
    /// Blocks of either number type.
    Blocks,
    Block
);

/// A block of queries, to be run under one instruction set.
struct Block<'a, T> {
    p: &'a Prepared<T>,
    queries: Rows<'a, T>,
    indices: Indices<'a>,
    bias: Option<Bias<'a, T>>,
}

impl<T: Float> Task for Block<'_, T> {
    type Out = (Vec<Summary>, usize);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Out {
        let Self {
            p,
            queries,
            indices,
            bias,
        } = self;
        let m = queries.rows();
        let mut search = SearchScratch::new();
        let laid = p.lay(isa, queries, indices, bias, &mut search);
        let queries_of = laid.queries(p, indices, bias);
        let mut out = vec![Summary::empty(p.sites.values); m];
        let mut scratch = Scratch::new(&p.bound);
        let mut visited = m * p.sites.rows;
        match (p.engine, p.walked(bias.is_some())) {
            (Engine::Reference, _) => {
                for (query, out) in queries_of.iter().zip(&mut out) {
                    reference::sum(p, query, out);
                }
            }
            (Engine::Walk, Some(tree)) if !p.sums_in_nodes => {
                visited = plan::sum(isa, p, tree, &queries_of, &mut scratch, &mut out);
            }
            (Engine::Walk, Some(tree)) => {
                let mut nodes = Vec::new();
                visited = 0;
                for (query, out) in queries_of.iter().zip(&mut out) {
                    visited += walk::sum(isa, p, tree, query, &mut scratch, &mut nodes, out);
                }
            }
            (Engine::Listed, _) => {
                let mut gathered = Gathered::new(p);
                visited = 0;
                for ((query, row), out) in queries_of.iter().zip(queries.iter()).zip(&mut out) {
                    let slots = p.list(isa, query, row, &mut search);
                    visited += slots.len();
                    listed::sum(isa, p, query, &slots, &mut gathered, &mut scratch, out);
                }
            }
            _ => visited = dense::sum(isa, p, &queries_of, &mut scratch, &mut out),
        }
        (out, visited)
    }
}

/// A block of queries as the engine reads them.
#[derive(Clone, Debug)]
pub(crate) struct Laid<T> {
    pub(crate) features: Vec<T>,
    scales: Vec<Option<Scale<T>>>,
    /// For products: each query's numbers, and squared norm.
    doubles: Vec<T>,
    norms: Vec<Option<[T; 2]>>,
    /// For each whole tile of queries under a kernel of one part that looks at all keys: see [`Query::packed`].
    packed: Vec<T>,
    /// For each query and each bandwidth that is a distance to a k-th neighbour: that neighbour.
    pub(crate) neighbors: Vec<u32>,
}

impl<T: Float> Laid<T> {
    /// The queries, given their indices and the biases of all queries.
    pub(crate) fn queries<'a>(
        &'a self,
        p: &Prepared<T>,
        indices: Indices<'_>,
        bias: Option<Bias<'a, T>>,
    ) -> Vec<Query<'a, T>> {
        let (f, a) = (p.bound.features, p.bound.atoms.len());
        let columns = p.expanded.as_ref().map_or(0, Expanded::columns);
        let folded = p.bound.atoms[0].features.len().max(1) * TILE;
        let rows = self
            .features
            .chunks_exact(f)
            .zip(self.scales.chunks_exact(a));
        rows.enumerate()
            .map(|(i, (features, scales))| Query {
                index: indices.at(i),
                features,
                scales,
                around: self
                    .norms
                    .get(i)
                    .copied()
                    .flatten()
                    .map(|[norm, near]| Around {
                        double: &self.doubles[i * columns..][..columns],
                        norm,
                        near,
                    }),
                packed: self.packed.chunks_exact(folded).nth(i / TILE),
                bias: bias.map(|b| b.row(indices.at(i), p.sites.rows)),
            })
            .collect()
    }
}

impl<T: Float> Prepared<T> {
    /// Features of queries, and their own bandwidths: distances to neighbours among the keys that they may see.
    #[inline(always)]
    pub(crate) fn lay<I: Isa>(
        &self,
        isa: I,
        queries: Rows<'_, T>,
        indices: Indices<'_>,
        bias: Option<Bias<'_, T>>,
        search: &mut SearchScratch<T>,
    ) -> Laid<T> {
        let (m, f, a) = (queries.rows(), self.bound.features, self.bound.atoms.len());
        let mut laid = Laid {
            features: vec![T::ZERO; m * f],
            scales: vec![None; m * a],
            doubles: Vec::new(),
            norms: Vec::new(),
            packed: Vec::new(),
            neighbors: Vec::with_capacity(m * self.widths.len()),
        };
        if let Some(expanded) = &self.expanded {
            laid.doubles = vec![T::ZERO; m * expanded.columns()];
            laid.norms = vec![None; m];
        }
        for (i, row) in queries.iter().enumerate() {
            let features = &mut laid.features[i * f..][..f];
            self.bound.map(row, features);
            if let Some(expanded) = &self.expanded {
                let out = laid.doubles.chunks_exact_mut(expanded.columns()).nth(i);
                let place = |out| expanded.place(&self.bound.atoms[0], features, out);
                laid.norms[i] = out.and_then(place);
            }
            let index = indices.at(i);
            let bias = bias.map(|b| b.row(index, self.sites.rows));
            let lets_in = |key| bias.is_none_or(|b| b.at(key) > T::NEG_INFINITY);
            let allowed = |key| self.filter.allows(index, key) && lets_in(key);
            for (atom, k, searcher) in &self.widths {
                let query = searcher.features(row);
                searcher.nearest(isa, &query, *k, &allowed, search);
                let last = search.found.last();
                let h = searcher.distance(last.map_or(T::INFINITY, |f| f.raw));
                let own = &self.bound.atoms[*atom];
                laid.scales[i * a + atom] = Some(Scale::of_neighbor(
                    h.to_f64(),
                    own.features.len(),
                    own.profile.input(),
                ));
                laid.neighbors.push(last.map_or(0, |f| f.index));
            }
        }
        if let (Engine::Dense, [atom]) = (self.engine, &self.bound.atoms[..]) {
            let tiles = laid.features.chunks(f * TILE);
            for (t, rows) in tiles.enumerate() {
                let own = t * TILE..(t * TILE + TILE).min(m);
                match &self.expanded {
                    Some(expanded) if laid.norms[own.clone()].iter().all(Option::is_some) => {
                        let d = expanded.columns();
                        let rows = laid.doubles[own.start * d..own.end * d].chunks_exact(d);
                        pack(rows, expanded.features(), &mut laid.packed);
                    }
                    _ => pack(rows.chunks_exact(f), &atom.features, &mut laid.packed),
                }
            }
        }
        laid
    }

    /// The slots of the keys in a query's list, in index order.
    #[inline(always)]
    pub(crate) fn list<I: Isa>(
        &self,
        isa: I,
        query: &Query<'_, T>,
        row: &[T],
        search: &mut SearchScratch<T>,
    ) -> Vec<u32> {
        let Some(lists) = &self.lists else {
            return Vec::new();
        };
        let features = lists.searcher.features(row);
        let lets_in = |key: usize| query.bias.is_none_or(|b| b.at(key) > T::NEG_INFINITY);
        let allowed = |key: usize| query.sees(self, key) && lets_in(key);
        lists
            .searcher
            .nearest(isa, &features, lists.k, &allowed, search);
        let mut keys: Vec<u32> = search
            .found
            .iter()
            .filter(|f| match &lists.reach {
                Some(reach) => f.raw <= reach[f.index as usize],
                None => true,
            })
            .map(|f| f.index)
            .collect();
        keys.sort_unstable();
        keys.iter().map(|&k| self.sites.slot[k as usize]).collect()
    }
}

/// The searcher for the `nearest` policy of empty regions: the kernel's first distance, those that count unlike columns last; Euclidean on all
/// columns where it has none. Bandwidths of columns divide them.
pub(crate) fn policy_searcher<T: Float>(kernel: &Kernel, keys: Rows<'_, T>) -> Result<Searcher<T>> {
    let atoms = kernel.atoms();
    let distances = |hamming: bool| {
        let mut each = atoms.iter();
        each.find(|a| {
            let metric = a.metric_in_force();
            metric.is_distance() && (metric == Metric::Hamming) == hamming
        })
    };
    let Some(atom) = distances(false).or_else(|| distances(true)) else {
        return Searcher::new(&Metric::Euclidean, &Columns::All, keys);
    };
    let metric = match (atom.metric_in_force(), atom.bandwidth_in_force()) {
        (Metric::Euclidean, Bandwidth::PerFeature(h)) => {
            let mut rows = vec![vec![0.0; h.len()]; h.len()];
            for (i, h) in h.iter().enumerate() {
                rows[i][i] = 1.0 / h;
            }
            Metric::Mahalanobis(LinearMap::new(rows)?)
        }
        (metric, _) => metric,
    };
    Searcher::new(&metric, &atom.columns, keys)
}

const _: () = assert!(FEWEST_TREE_KEYS > LEAF);

//! From features back to columns, and both passes put together.

use super::by_bias::ByBias;
use super::dense::{self, Passed};
use super::flow::Flows;
use super::keys::{self, Sparse, site_widths};
use super::numbers::{Known, gather};
use super::queries;
use super::tile::OfQuery;
use super::trace::{Totals, link_slope};
use crate::engine::prepared::{Indices, Laid, Prepared};
use crate::engine::search::{SearchScratch, Searcher};
use crate::isa::Plain;
use crate::metric::Combine;
use crate::profile::Input;
use crate::{Bandwidth, Bias, Float, Kernel, Metric, Result, Rows, Watch, par};

/// Queries of a block.
const BLOCK: usize = 32;
/// Blocks whose lists of keys are held at once.
const HELD: usize = 256;

/// The pull-back, in double precision.
pub(crate) struct PulledBack<T> {
    /// `[m, d]`
    pub(crate) queries: Vec<f64>,
    /// `[n, d]`
    pub(crate) keys: Vec<f64>,
    /// `[n, p]`
    pub(crate) values: Vec<f64>,
    /// `[n]`
    pub(crate) sample_weights: Vec<f64>,
    /// In the order of [`Kernel::parameters`].
    pub(crate) kernel: Vec<f64>,
    /// In the shape of the bias; empty without one.
    pub(crate) bias: Vec<T>,
}

/// Sums by key: a row of numbers each, as [`Sparse`] has them.
struct ByKey {
    width: usize,
    numbers: Vec<f64>,
}

impl ByKey {
    fn add(&mut self, some: &Sparse) {
        let rows = some.numbers.chunks_exact(self.width);
        for (&key, row) in some.keys.iter().zip(rows) {
            let own = &mut self.numbers[key as usize * self.width..][..self.width];
            own.iter_mut().zip(row).for_each(|(a, b)| *a += b);
        }
    }

    fn row(&mut self, key: usize) -> &mut [f64] {
        &mut self.numbers[key * self.width..][..self.width]
    }
}

/// What the first pass yields for all queries.
struct First<T> {
    laid: Vec<Laid<T>>,
    features: Vec<f64>,
    widths: Vec<f64>,
    correction: Vec<T>,
    totals: Totals,
    bias: Vec<T>,
}

/// Pulls flows back through the local mean of `queries` over the prepared keys, of which `rows` `[n, d]` are the columns, and to the biases
/// where these are `learned`.
pub(crate) fn pull_back<T: Float>(
    p: &Prepared<T>,
    kernel: &Kernel,
    queries: Rows<'_, T>,
    rows: Rows<'_, T>,
    (bias, learned): (Option<Bias<'_, T>>, bool),
    flows: &Flows<'_, T>,
    watch: &Watch<'_>,
) -> Result<PulledBack<T>> {
    let biases = [bias, bias.filter(|_| learned)];
    let (n, d, f) = (p.sites.rows, rows.columns(), p.bound.features);
    let site = site_widths(&p.bound);
    let width = f + p.sites.values + site.len() + 1;
    let mut by_key = ByKey {
        width,
        numbers: vec![0.0; n * width],
    };
    let dense = if dense::suits(p, bias.is_some()) {
        dense_pass(p, queries, biases, flows, watch, &mut by_key)?
    } else {
        None
    };
    let mut first = if let Some(first) = dense {
        first
    } else {
        let first = first_pass(p, queries, biases, flows, watch, &mut by_key)?;
        second_pass(p, &first, bias, flows, watch, &mut by_key)?;
        first
    };
    query_neighbors(p, &mut first, &mut by_key);
    let atoms = kernel.atoms();
    let mut sites = Vec::new();
    for (w, &atom) in site.iter().enumerate() {
        let at = f + p.sites.values + w;
        let own: Vec<f64> = (0..n).map(|key| by_key.row(key)[at]).collect();
        if let Some(Bandwidth::SiteNearest(k)) = atoms.get(atom).map(|a| &a.bandwidth) {
            let atom_of = atoms[atom];
            let searcher = Searcher::new(&atom_of.metric_in_force(), &atom_of.columns, rows)?;
            key_neighbors(p, atom, &searcher, k + 1, rows, &own, &mut by_key);
        }
        sites.push((atom, own));
    }
    let mut maps: Vec<Vec<f64>> = atoms
        .iter()
        .map(|a| match &a.metric {
            Some(Metric::Mahalanobis(m)) => vec![0.0; m.rows().len() * m.inputs()],
            _ => Vec::new(),
        })
        .collect();
    let mut out = PulledBack {
        queries: vec![0.0; queries.rows() * d],
        keys: vec![0.0; n * d],
        values: Vec::with_capacity(n * p.sites.values),
        sample_weights: Vec::with_capacity(n),
        kernel: Vec::new(),
        bias: std::mem::take(&mut first.bias),
    };
    for (i, row) in queries.iter().enumerate() {
        let features = &first.features[i * f..][..f];
        let to = &mut out.queries[i * d..][..d];
        p.bound.pull(row, features, to, &mut maps);
    }
    for (i, row) in rows.iter().enumerate() {
        let own = by_key.row(i);
        p.bound
            .pull(row, &own[..f], &mut out.keys[i * d..][..d], &mut maps);
        out.values.extend(&own[f..f + p.sites.values]);
        out.sample_weights.push(own[width - 1]);
    }
    let known = Known {
        totals: &first.totals,
        maps: &maps,
        sites: &sites,
    };
    out.kernel = gather(&p.bound, kernel, &known);
    Ok(out)
}

fn first_pass<T: Float>(
    p: &Prepared<T>,
    queries: Rows<'_, T>,
    [bias, learned]: [Option<Bias<'_, T>>; 2],
    flows: &Flows<'_, T>,
    watch: &Watch<'_>,
    by_key: &mut ByKey,
) -> Result<First<T>> {
    let mut first = First {
        laid: Vec::new(),
        features: Vec::new(),
        widths: Vec::new(),
        correction: Vec::new(),
        totals: Totals::new(&p.bound),
        bias: Vec::new(),
    };
    let m = queries.rows();
    let mut by_bias = Vec::new();
    for start in (0..m).step_by(BLOCK * HELD) {
        let held = (m - start).min(BLOCK * HELD);
        let blocks = par::map_blocks(watch, held, BLOCK, |range| {
            let range = start + range.start..start + range.end;
            Ok(queries::Pass {
                p,
                first: range.start,
                queries: queries.slice(range),
                flows,
                bias,
                learned,
            }
            .go())
        })?;
        for block in blocks {
            first.laid.push(block.laid);
            first.features.extend(block.features);
            first.widths.extend(block.widths);
            first.correction.extend(block.correction);
            first.totals.add(&block.totals, 1.0);
            by_key.add(&block.sparse);
            by_bias.push(block.by_bias);
        }
    }
    first.bias = ByBias::join(by_bias, learned, m, p.sites.rows);
    Ok(first)
}

fn second_pass<T: Float>(
    p: &Prepared<T>,
    first: &First<T>,
    bias: Option<Bias<'_, T>>,
    flows: &Flows<'_, T>,
    watch: &Watch<'_>,
    by_key: &mut ByKey,
) -> Result<()> {
    if p.is_listed() {
        return Ok(());
    }
    let laid = first.laid.iter().enumerate();
    let all: Vec<_> = laid
        .flat_map(|(b, l)| l.queries(p, Indices::From(b * BLOCK), bias))
        .collect();
    let parts = keys::parts(p, bias.is_some());
    let found = par::map_blocks(watch, parts.len(), 1, |range| {
        Ok(keys::Pass {
            p,
            queries: &all,
            correction: &first.correction,
            flows,
            part: parts[range.start].clone(),
        }
        .go())
    })?;
    for some in &found {
        by_key.add(some);
    }
    Ok(())
}

/// One pass of products of tiles; none where these would cancel.
fn dense_pass<T: Float>(
    p: &Prepared<T>,
    queries: Rows<'_, T>,
    biases: [Option<Bias<'_, T>>; 2],
    flows: &Flows<'_, T>,
    watch: &Watch<'_>,
    by_key: &mut ByKey,
) -> Result<Option<First<T>>> {
    let laid = par::map_blocks(watch, queries.rows(), BLOCK, |range| {
        let mut search = SearchScratch::new();
        Ok(p.lay(
            Plain,
            queries.slice(range.clone()),
            Indices::From(range.start),
            biases[0],
            &mut search,
        ))
    })?;
    let mut features = Vec::with_capacity(queries.rows() * p.bound.features);
    for block in &laid {
        features.extend_from_slice(&block.features);
    }
    let blocks = laid.iter().enumerate();
    let scales = blocks.flat_map(|(b, l)| l.queries(p, Indices::From(b * BLOCK), None));
    let scales: Vec<_> = scales.map(|q| q.scales[0]).collect();
    if !dense::keeps_digits(p, flows, &features, &scales) {
        return Ok(None);
    }
    let mut sides = dense::Sides::new(p, flows, &features, &scales, biases);
    let squared = sides.atom.combine == Combine::SquaredDifference;
    let Passed {
        of_queries,
        of_keys,
        by_bias,
    } = sides.pass(flows, watch)?;
    let (f, own) = (p.bound.features, &p.bound.atoms[0].features);
    let mut first = First {
        laid,
        features: vec![0.0; queries.rows() * f],
        widths: Vec::new(),
        correction: Vec::new(),
        totals: Totals::new(&p.bound),
        bias: by_bias,
    };
    // By features from sums over the others: of squared differences, `2 (sum b) x - 2 sum b y`.
    let by_features = |to: &mut [f64], x: &[T], sums: &[f64], back: f64, scale: f64| {
        for ((&at, x), sum) in own.iter().zip(x).zip(sums) {
            to[at] += scale
                * if squared {
                    2.0 * (back * x.to_f64() - sum)
                } else {
                    *sum
                };
        }
    };
    for i in 0..queries.rows() {
        let (sums, rest) = of_queries.row(i).split_at(own.len());
        let of = |what: OfQuery| rest[what as usize];
        let correction = flows.correction(i, of(OfQuery::Share));
        let to = &mut first.features[i * f..][..f];
        let back = of(OfQuery::Back);
        by_features(to, sides.queries.row(i), sums, back, correction);
        if !p.widths.is_empty() {
            first.widths.push(of(OfQuery::Width) * correction);
        }
        first.totals.width[0] += of(OfQuery::Width) * correction;
        let by = rest[OfQuery::By as usize..].iter();
        let totals = first.totals.by[0].iter_mut();
        totals.zip(by).for_each(|(t, x)| *t += x * correction);
        first.correction.push(T::from_f64(correction));
    }
    let columns = p.sites.values;
    for key in 0..p.sites.rows {
        let to = by_key.row(key);
        let (sums, rest) = of_keys.row(key).split_at(own.len());
        let back = rest[columns + 1];
        by_features(to, sides.keys.row(key), sums, back, 1.0);
        to[f..f + columns].copy_from_slice(&rest[..columns]);
        to[f + columns] = rest[columns];
    }
    Ok(Some(first))
}

/// Passes the derivatives by bandwidths that are distances of queries to keys on to both.
fn query_neighbors<T: Float>(p: &Prepared<T>, first: &mut First<T>, by_key: &mut ByKey) {
    let (f, count) = (p.bound.features, p.widths.len());
    for (w, (atom, ..)) in p.widths.iter().enumerate() {
        for i in 0..first.correction.len() {
            let laid = &first.laid[i / BLOCK];
            let own = i % BLOCK;
            let query = &laid.features[own * f..][..f];
            let key = laid.neighbors[own * count + w] as usize;
            let to = &mut first.features[i * f..][..f];
            let by = first.widths[i * count + w];
            stretch(p, *atom, query, key, by, to, by_key.row(key));
        }
    }
}

/// The same for bandwidths that are distances of keys to keys, each key being the first of its `k` nearest.
fn key_neighbors<T: Float>(
    p: &Prepared<T>,
    atom: usize,
    searcher: &Searcher<T>,
    k: usize,
    rows: Rows<'_, T>,
    by: &[f64],
    by_key: &mut ByKey,
) {
    let mut scratch = SearchScratch::new();
    let f = p.bound.features;
    let mut features = vec![T::ZERO; f];
    let mut to = vec![0.0; f];
    for (i, row) in rows.iter().enumerate() {
        if by[i] == 0.0 {
            continue;
        }
        let query = searcher.features(row);
        searcher.nearest(Plain, &query, k, &|_| true, &mut scratch);
        let Some(last) = scratch.found.last() else {
            continue;
        };
        let key = last.index as usize;
        p.bound.map(row, &mut features);
        to.fill(0.0);
        stretch(p, atom, &features, key, by[i], &mut to, by_key.row(key));
        by_key.row(i)[..f]
            .iter_mut()
            .zip(&to)
            .for_each(|(a, b)| *a += b);
    }
}

/// Passes a derivative by the logarithm of the distance between features and a key on to both.
fn stretch<T: Float>(
    p: &Prepared<T>,
    atom: usize,
    query: &[T],
    key: usize,
    by: f64,
    to_query: &mut [f64],
    to_key: &mut [f64],
) {
    let atom = &p.bound.atoms[atom];
    let slot = p.sites.slot[key] as usize;
    let key = |f: usize| p.sites.feature(f, slot, 1)[0];
    let raw = atom.raw(query, key);
    let distance = atom.link.distance(raw).to_f64();
    if distance <= 0.0 || by == 0.0 {
        return;
    }
    let by_raw = by / distance * link_slope(atom.link, Input::Plain, raw).to_f64();
    for &f in &atom.features {
        let d = query[f].to_f64() - key(f).to_f64();
        let step = match atom.combine {
            Combine::SquaredDifference => 2.0 * d,
            Combine::AbsoluteDifference => signum(d),
            Combine::LargestDifference if (query[f] - key(f)).abs() == raw => signum(d),
            _ => 0.0,
        };
        to_query[f] += by_raw * step;
        to_key[f] -= by_raw * step;
        if atom.combine == Combine::LargestDifference && step != 0.0 {
            break;
        }
    }
}

fn signum(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

//! The front door of nearest-neighbour search: exact, with ties in index order.

use std::ops::Range;

use crate::engine::scan::Best;
use crate::engine::search::{Found, MOST_SORTED, SearchScratch, Searcher};
use crate::engine::together::{GROUP, Walk};
use crate::isa::{Isa, Task, compiled};
use crate::lanes::TILE;
use crate::{Columns, Error, Float, Metric, Result, Rows, Watch, par};

/// Keys ready to be searched.
///
/// ```
/// use locality_core::{Metric, Nearest, Rows, Watch};
/// let keys = [0.0, 1.0, 2.0, 10.0];
/// let fit = Nearest::fit(Rows::column(&keys), &Metric::Euclidean)?;
/// let found = fit.k_nearest(Rows::column(&[1.2]), 2, &Watch::default())?;
/// assert_eq!(found.indices, [1, 2]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Nearest<T> {
    searcher: Searcher<T>,
    keys: usize,
    columns: usize,
    /// Which keys are left out; empty where none is.
    left_out: Vec<bool>,
    n_left_out: usize,
}

/// The k nearest keys of each query.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors<T> {
    /// How many for each query.
    pub k: usize,
    /// Indices of the keys, `[m, k]`, nearest first.
    pub indices: Vec<usize>,
    /// Distances (scores for `dot`, largest first), `[m, k]`.
    pub distances: Vec<T>,
}

/// All keys within a radius of each query.
#[derive(Clone, Debug, PartialEq)]
pub struct WithinRadius<T> {
    /// Where each query's entries start, `[m + 1]`.
    pub starts: Vec<usize>,
    /// Indices of the keys, in index order for each query.
    pub indices: Vec<usize>,
    /// Distances.
    pub distances: Vec<T>,
}

/// Queries of a block; results do not depend on it.
const BLOCK: usize = 64;
/// The same where queries are searched together, a group of them at a time, and how many are worth being put in order for that.
const TOGETHER: usize = 4 * GROUP;
const FEWEST_TOGETHER: usize = 4 * TILE;
/// Queries that are sparser among the keys than one for so many lie too far apart for that.
const KEYS_EACH: usize = 2;
/// The same where all keys are looked at: so many share what is read of them, at the least and at the most.
const SCANS: [usize; 2] = [11 * TILE, 43 * TILE];

/// The largest coordinate.
fn magnitude<T: Float>(rows: Rows<'_, T>) -> f64 {
    let largest = |row: &[T]| row.iter().fold(T::ZERO, |a, x| a.max(x.abs()));
    rows.iter().map(largest).fold(T::ZERO, T::max).to_f64()
}

impl<T: Float> Nearest<T> {
    /// Lays out keys `[n, d]` for searching under a metric. For the inner product the nearest key has the largest score.
    ///
    /// # Errors
    /// No keys, NaN or infinite numbers, a metric that does not fit the columns; under the Euclidean metric, keys so small throughout
    /// that the number type cannot hold their squared distances.
    pub fn fit(keys: Rows<'_, T>, metric: &Metric) -> Result<Self> {
        keys.require_finite("keys")?;
        if *metric == Metric::Difference {
            return Err(Error::parameter(
                "metric=difference has no nearest key; choose manhattan for absolute differences",
            ));
        }
        let size = magnitude(keys);
        let least = (T::MIN_POSITIVE.to_f64() / T::EPSILON.to_f64()).sqrt();
        if *metric == Metric::Euclidean && size > 0.0 && size < least {
            return Err(Error::parameter(format!(
                "keys has no coordinate larger than {size:e}, whose square {} cannot hold; scale keys and queries up",
                T::NAME
            )));
        }
        let mut searcher = Searcher::new(metric, &Columns::All, keys)?;
        searcher.choose(keys);
        Ok(Self {
            searcher,
            keys: keys.rows(),
            columns: keys.columns(),
            left_out: Vec::new(),
            n_left_out: 0,
        })
    }

    /// Number of keys, those left out among them.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// The keys, by index, in an order in which near ones mostly follow one another: that of the leaves of the tree, or as they came where
    /// there is none. What works through neighbours in it finds most of what it reads in the cache.
    pub fn near_order(&self) -> Vec<usize> {
        self.searcher.leaf_order()
    }

    /// Number of keys that searches leave out.
    pub fn left_out(&self) -> usize {
        self.n_left_out
    }

    /// From now on, searches leave out these keys, by index; the others keep their indices. Nothing is laid out anew: a search
    /// still passes by what it leaves out.
    ///
    /// ```
    /// use locality_core::{Metric, Nearest, Rows, Watch};
    /// let keys = [0.0, 1.0, 2.0, 10.0];
    /// let mut fit = Nearest::fit(Rows::column(&keys), &Metric::Euclidean)?;
    /// fit.leave_out(&[1])?;
    /// let found = fit.k_nearest(Rows::column(&[1.2]), 2, &Watch::default())?;
    /// assert_eq!(found.indices, [2, 0]);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// An index that is no key's; nothing is changed then.
    pub fn leave_out(&mut self, indices: &[usize]) -> Result<()> {
        if let Some(index) = indices.iter().find(|i| **i >= self.keys) {
            return Err(Error::parameter(format!(
                "key {index} is to be left out, but there are only {} keys, counted from 0",
                self.keys
            )));
        }
        self.left_out.resize(self.keys, false);
        for &i in indices {
            self.n_left_out += usize::from(!self.left_out[i]);
            self.left_out[i] = true;
        }
        Ok(())
    }

    /// What a key is called where this part's keys start at `first`; nothing where it is left out.
    #[inline(always)]
    fn name(&self, first: u32, index: u32) -> Option<u32> {
        let out = self.left_out.get(index as usize);
        (!out.is_some_and(|out| *out)).then_some(first + index)
    }

    fn check(&self, queries: Rows<'_, T>) -> Result<()> {
        if queries.columns() != self.columns {
            return Err(Error::shape(format!(
                "queries has {} columns, but keys has {}; they must be the same columns",
                queries.columns(),
                self.columns
            )));
        }
        if queries.rows() == 0 {
            return Ok(());
        }
        queries.require_finite("queries")
    }

    /// The `k` nearest keys of queries `[m, d]`, nearest first, ties in index order.
    ///
    /// # Errors
    /// `k` of 0 or more than there are keys, queries that do not fit, an interruption.
    pub fn k_nearest(
        &self,
        queries: Rows<'_, T>,
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Neighbors<T>> {
        Self::k_nearest_among(std::slice::from_ref(self), queries, k, watch)
    }

    /// The `k` nearest keys among several parts, all of the same metric, as if their keys were one after the other: indices count
    /// through the parts.
    ///
    /// ```
    /// use locality_core::{Metric, Nearest, Rows, Watch};
    /// let fit = |keys: &[f64]| Nearest::fit(Rows::column(keys), &Metric::Euclidean);
    /// let parts = [fit(&[0.0, 1.0])?, fit(&[2.0, 10.0])?];
    /// let found = Nearest::k_nearest_among(&parts, Rows::column(&[1.2]), 2, &Watch::default())?;
    /// assert_eq!(found.indices, [1, 2]);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`k_nearest`](Self::k_nearest), and for parts that differ in columns or metric or have more than `u32::MAX` keys together.
    pub fn k_nearest_among(
        parts: &[Self],
        queries: Rows<'_, T>,
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Neighbors<T>> {
        let keys = parts.iter().map(|p| p.keys - p.n_left_out).sum();
        if k == 0 || k > keys {
            return Err(Error::parameter(format!(
                "k={k} neighbours are asked for, but there are {keys} keys; ask for 1 to {keys}"
            )));
        }
        check_parts(parts, queries)?;
        let few = FEWEST_TOGETHER.max(keys / KEYS_EACH);
        let together = (few..=u32::MAX as usize).contains(&queries.rows())
            && parts.iter().all(|p| p.searcher.walks_together(k));
        let order = match parts.first() {
            Some(part) if together => {
                let all: Vec<usize> = (0..queries.rows()).collect();
                let own = || features(&part.searcher, queries, &all);
                par::install(watch.thread_count(), || part.searcher.near_order(&own()))
            }
            _ => Vec::new(),
        };
        let block = if together {
            TOGETHER
        } else if parts.iter().any(|p| p.searcher.scans(k)) {
            let own = queries.rows().div_ceil(2 * watch.width());
            own.next_multiple_of(TILE).clamp(SCANS[0], SCANS[1])
        } else {
            BLOCK
        };
        let mut out = Neighbors {
            k,
            indices: Vec::new(),
            distances: Vec::new(),
        };
        let room = queries.rows().checked_mul(k).map(|all| {
            let indices = out.indices.try_reserve_exact(all);
            indices.and_then(|()| out.distances.try_reserve_exact(all))
        });
        if !matches!(room, Some(Ok(()))) {
            return Err(Error::unsupported(format!(
                "k={k} neighbours of {} queries do not fit into memory; ask for fewer queries at a time",
                queries.rows()
            )));
        }
        let blocks = par::map_blocks(watch, queries.rows(), block, |range| {
            Ok(T::run_compiled::<Searches<'_>>(Search {
                parts,
                queries,
                which: which(&order, range),
                together,
                take: Take::Nearest(k),
            }))
        })?;
        if together {
            out.indices.resize(queries.rows() * k, 0);
            out.distances.resize(queries.rows() * k, T::ZERO);
            for (block, order) in blocks.iter().zip(order.chunks(TOGETHER)) {
                let found = block.indices.chunks_exact(k);
                let found = found.zip(block.distances.chunks_exact(k));
                for (&i, (indices, distances)) in order.iter().zip(found) {
                    let to = i as usize * k..(i as usize + 1) * k;
                    out.indices[to.clone()].copy_from_slice(indices);
                    out.distances[to].copy_from_slice(distances);
                }
            }
        } else {
            for block in blocks {
                out.indices.extend(block.indices);
                out.distances.extend(block.distances);
            }
        }
        // Which of two keys at an infinite distance is nearer is not known.
        if let Some(at) = out
            .distances
            .iter()
            .position(|d| d.to_f64() == f64::INFINITY)
        {
            return Err(Error::parameter(format!(
                "query {} (counted from 0) and its neighbour {} are too far apart for {}; scale keys and queries down",
                at / k,
                at % k + 1,
                T::NAME
            )));
        }
        Ok(out)
    }

    /// All keys within `radius` of queries `[m, d]`, the edge included (for `dot`: of at least this score): exactly those whose
    /// distance, as it is reported, is at most the radius.
    ///
    /// # Errors
    /// A radius that is not finite or, for distances, negative or too large to be squared; queries that do not fit; an interruption.
    pub fn within(
        &self,
        queries: Rows<'_, T>,
        radius: T,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        Self::within_among(std::slice::from_ref(self), queries, radius, watch)
    }

    /// The same among several parts, all of the same metric; indices count through the parts.
    ///
    /// # Errors
    /// As [`within`](Self::within), and for parts that differ in columns or metric or have more than `u32::MAX` keys together.
    pub fn within_among(
        parts: &[Self],
        queries: Rows<'_, T>,
        radius: T,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        let score = parts
            .first()
            .is_some_and(|p| p.searcher.distance(T::ONE) == -T::ONE);
        if !radius.is_finite() || radius < T::ZERO && !score {
            return Err(Error::parameter(format!(
                "radius={radius} must be a finite number that is not negative"
            )));
        }
        if parts.iter().any(|p| !p.searcher.raw(radius).is_finite()) {
            return Err(Error::parameter(format!(
                "radius={:.3e} is beyond what {} can square; change the unit of the columns{}",
                radius.to_f64(),
                T::NAME,
                if T::NAME == "f32" { " or use f64" } else { "" }
            )));
        }
        check_parts(parts, queries)?;
        let blocks = par::map_blocks(watch, queries.rows(), BLOCK, |range| {
            Ok(T::run_compiled::<Searches<'_>>(Search {
                parts,
                queries,
                which: which(&[], range),
                together: false,
                take: Take::Within(radius),
            }))
        })?;
        let mut out = WithinRadius {
            starts: vec![0],
            indices: Vec::new(),
            distances: Vec::new(),
        };
        for block in blocks {
            let before = out.indices.len();
            out.starts
                .extend(block.starts[1..].iter().map(|s| before + s));
            out.indices.extend(block.indices);
            out.distances.extend(block.distances);
        }
        Ok(out)
    }
}

/// Parts that can be searched as one, and queries that fit them.
fn check_parts<T: Float>(parts: &[Nearest<T>], queries: Rows<'_, T>) -> Result<()> {
    let Some(first) = parts.first() else {
        return Ok(());
    };
    if parts.iter().any(|p| !p.searcher.is_like(&first.searcher)) {
        return Err(Error::parameter(
            "the parts differ in metric or columns; fit all of them alike to search them as one",
        ));
    }
    let keys: usize = parts.iter().map(|p| p.keys).sum();
    if u32::try_from(keys).is_err() {
        return Err(Error::unsupported(format!(
            "the parts have {keys} keys together, more than the {} that one search can number",
            u32::MAX
        )));
    }
    first.check(queries)
}

/// Which keys are wanted.
#[derive(Clone, Copy)]
enum Take<T> {
    /// So many nearest.
    Nearest(usize),
    /// All within this distance (for scores: of at least this).
    Within(T),
}

compiled!(Searches, Search);

/// A block of queries, by number.
struct Search<'a, T> {
    parts: &'a [Nearest<T>],
    queries: Rows<'a, T>,
    which: Vec<usize>,
    /// Whether they lie near one another.
    together: bool,
    take: Take<T>,
}

/// The queries of a range of places, where some order is given or is their own.
fn which(order: &[u32], range: Range<usize>) -> Vec<usize> {
    if order.is_empty() {
        return range.collect();
    }
    order[range].iter().map(|i| *i as usize).collect()
}

/// The features of some queries, one after the other.
fn features<T: Float>(searcher: &Searcher<T>, queries: Rows<'_, T>, which: &[usize]) -> Vec<T> {
    let f = searcher.bound.features;
    let mut out = vec![T::ZERO; which.len() * f];
    for (i, out) in which.iter().zip(out.chunks_exact_mut(f)) {
        searcher.bound.map(queries.row(*i), out);
    }
    out
}

impl<T: Float> Task for Search<'_, T> {
    type Out = WithinRadius<T>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> WithinRadius<T> {
        let mut out = WithinRadius {
            starts: vec![0],
            indices: Vec::new(),
            distances: Vec::new(),
        };
        match self.take {
            Take::Nearest(k) if k <= MOST_SORTED => {
                for best in self.sorted(isa, k) {
                    self.write(&best.found, &mut out);
                }
            }
            take => self.collected(isa, take, &mut out),
        }
        out
    }
}

impl<T: Float> Search<'_, T> {
    /// The nearest of each query, kept in order while they are found.
    #[inline(always)]
    fn sorted<I: Isa>(&self, isa: I, k: usize) -> Vec<Best<T>> {
        let mut best: Vec<Best<T>> = self.which.iter().map(|_| Best::new(k)).collect();
        let mut scratch = SearchScratch::new();
        let mut walk = Walk::new();
        let mut first = 0;
        for part in self.parts {
            let searcher = &part.searcher;
            let queries = features(searcher, self.queries, &self.which);
            let name = |index: u32| part.name(first, index);
            if searcher.scans(k) {
                searcher.scan(isa, &queries, &mut best, &name);
            } else if self.together {
                let (best, walk) = (&mut best[..], &mut walk);
                searcher.improve_together(isa, &queries, best, &name, walk, &mut scratch);
            } else {
                let queries = queries.chunks_exact(searcher.bound.features);
                for (query, best) in queries.zip(&mut best) {
                    searcher.improve(isa, query, best, &name, &mut scratch);
                }
            }
            first += part.keys as u32;
        }
        best
    }

    /// Everything within reach of each query first, and then the nearest where so many are wanted.
    #[inline(always)]
    fn collected<I: Isa>(&self, isa: I, take: Take<T>, out: &mut WithinRadius<T>) {
        let of_part = |p: &Nearest<T>| features(&p.searcher, self.queries, &self.which);
        let queries: Vec<Vec<T>> = self.parts.iter().map(of_part).collect();
        let mut scratch = SearchScratch::new();
        for i in 0..self.which.len() {
            scratch.found.clear();
            let mut first = 0;
            for (part, queries) in self.parts.iter().zip(&queries) {
                let searcher = &part.searcher;
                let f = searcher.bound.features;
                let query = &queries[i * f..][..f];
                let name = |index: u32| part.name(first, index);
                match take {
                    Take::Nearest(k) => {
                        let k = k.min(part.keys - part.n_left_out);
                        searcher.gather(isa, query, k, &name, &mut scratch);
                    }
                    Take::Within(radius) => {
                        searcher.within(isa, query, radius, &name, &mut scratch);
                    }
                }
                first += part.keys as u32;
            }
            match take {
                Take::Nearest(k) => scratch.keep_nearest(k),
                Take::Within(_) => scratch.found.sort_unstable_by_key(|f| f.index),
            }
            self.write(&scratch.found, out);
        }
    }

    #[inline(always)]
    fn write(&self, found: &[Found<T>], out: &mut WithinRadius<T>) {
        for f in found {
            out.indices.push(f.index as usize);
            out.distances.push(self.parts[0].searcher.distance(f.raw));
        }
        out.starts.push(out.indices.len());
    }
}

#[cfg(test)]
mod tests {
    use super::Nearest;
    use crate::{Metric, Rows, Watch};

    /// Squares that overflow, or vanish, would put neighbours in the order of their numbers.
    #[test]
    fn coordinates_that_cannot_be_squared_are_refused() {
        let fit = |keys: &[f64]| Nearest::fit(Rows::column(keys), &Metric::Euclidean);
        let text = fit(&[3e-170, 1e-170]).unwrap_err().to_string();
        assert!(text.contains("3e-170") && text.contains("up"), "{text}");
        let far = fit(&[1e200, 1e180, 1e160, 1.0]).unwrap();
        let near = |k: usize| far.k_nearest(Rows::column(&[2.0]), k, &Watch::default());
        assert_eq!(near(1).unwrap().indices, [3]);
        let text = near(2).unwrap_err().to_string();
        assert!(
            text.starts_with("query 0") && text.contains("neighbour 2"),
            "{text}"
        );
        assert!(fit(&[0.0, 0.0]).is_ok());
        // Nothing is squared there.
        let large = [1e200, 3e200];
        let fit = Nearest::fit(Rows::column(&large), &Metric::Manhattan).unwrap();
        let found = fit.k_nearest(Rows::column(&[2.9e200]), 1, &Watch::default());
        assert_eq!(found.unwrap().indices, [1]);
        // By products of many columns, too, beside queries that are near.
        for columns in [24, 40] {
            let keys: Vec<f64> = (0..90 * columns).map(|i| (i % 7) as f64).collect();
            let keys = Rows::new(&keys, 90, columns).unwrap();
            let mut queries = keys.slice(0..4).to_vec();
            let far = Nearest::fit(keys, &Metric::Euclidean).unwrap();
            queries[0] = 1e200;
            let queries = Rows::new(&queries, 4, columns).unwrap();
            let text = far.k_nearest(queries, 2, &Watch::default()).unwrap_err();
            assert!(text.to_string().starts_with("query 0"), "{text}");
            let near = far.k_nearest(queries.slice(1..4), 2, &Watch::default());
            assert_eq!(near.unwrap().indices.len(), 6);
        }
    }
}

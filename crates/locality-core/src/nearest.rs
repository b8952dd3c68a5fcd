//! The front door of nearest-neighbour search: exact, with ties in index order.

use crate::engine::search::{SearchScratch, Searcher};
use crate::isa::{Isa, Task, compiled};
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
/// The same where all keys are looked at: so many share what is read of them.
const SCAN_BLOCK: usize = 128;

impl<T: Float> Nearest<T> {
    /// Lays out keys `[n, d]` for searching under a metric. For the inner product the nearest key has the largest score.
    ///
    /// # Errors
    /// No keys, NaN or infinite numbers, a metric that does not fit the columns.
    pub fn fit(keys: Rows<'_, T>, metric: &Metric) -> Result<Self> {
        keys.require_finite("keys")?;
        if *metric == Metric::Difference {
            return Err(Error::parameter(
                "metric=difference has no nearest key; choose manhattan for absolute differences",
            ));
        }
        let mut searcher = Searcher::new(metric, &Columns::All, keys)?;
        searcher.choose(keys);
        Ok(Self {
            searcher,
            keys: keys.rows(),
            columns: keys.columns(),
        })
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
        if k == 0 || k > self.keys {
            return Err(Error::parameter(format!(
                "k={k} neighbours are asked for, but there are {} keys; ask for 1 to {}",
                self.keys, self.keys
            )));
        }
        self.check(queries)?;
        let block = if self.searcher.scans(k) {
            SCAN_BLOCK
        } else {
            BLOCK
        };
        let blocks = par::map_blocks(watch, queries.rows(), block, |range| {
            Ok(T::run_compiled::<Searches<'_>>(Search {
                nearest: self,
                queries: queries.slice(range),
                take: Take::Nearest(k),
            }))
        })?;
        let mut out = Neighbors {
            k,
            indices: Vec::with_capacity(queries.rows() * k),
            distances: Vec::with_capacity(queries.rows() * k),
        };
        for block in blocks {
            out.indices.extend(block.indices);
            out.distances.extend(block.distances);
        }
        Ok(out)
    }

    /// All keys within `radius` of queries `[m, d]`, the edge included (for `dot`: of at least this score): exactly those whose
    /// distance, as it is reported, is at most the radius.
    ///
    /// # Errors
    /// A radius that is not finite or, for distances, negative; queries that do not fit; an interruption.
    pub fn within(
        &self,
        queries: Rows<'_, T>,
        radius: T,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        let metric_is_score = self.searcher.distance(T::ONE) == -T::ONE;
        if !radius.is_finite() || radius < T::ZERO && !metric_is_score {
            return Err(Error::parameter(format!(
                "radius={radius} must be a finite number that is not negative"
            )));
        }
        self.check(queries)?;
        let blocks = par::map_blocks(watch, queries.rows(), BLOCK, |range| {
            Ok(T::run_compiled::<Searches<'_>>(Search {
                nearest: self,
                queries: queries.slice(range),
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

/// Which keys are wanted.
#[derive(Clone, Copy)]
enum Take<T> {
    /// So many nearest.
    Nearest(usize),
    /// All within this distance (for scores: of at least this).
    Within(T),
}

compiled!(Searches, Search);

/// A block of queries.
struct Search<'a, T> {
    nearest: &'a Nearest<T>,
    queries: Rows<'a, T>,
    take: Take<T>,
}

impl<T: Float> Task for Search<'_, T> {
    type Out = WithinRadius<T>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> WithinRadius<T> {
        let searcher = &self.nearest.searcher;
        let mut scratch = SearchScratch::new();
        let mut out = WithinRadius {
            starts: vec![0],
            indices: Vec::new(),
            distances: Vec::new(),
        };
        if let Take::Nearest(k) = self.take
            && searcher.scans(k)
        {
            let rows = self.queries.iter();
            let queries: Vec<T> = rows.flat_map(|row| searcher.features(row)).collect();
            for best in searcher.scan(isa, &queries, k) {
                for f in &best.found {
                    out.indices.push(f.index as usize);
                    out.distances.push(searcher.distance(f.raw));
                }
                out.starts.push(out.indices.len());
            }
            return out;
        }
        for row in self.queries.iter() {
            let query = searcher.features(row);
            match self.take {
                Take::Nearest(k) => searcher.nearest(isa, &query, k, &|_| true, &mut scratch),
                Take::Within(radius) => {
                    searcher.within(isa, &query, radius, &|_| true, &mut scratch);
                    scratch.found.sort_unstable_by_key(|f| f.index);
                }
            }
            for f in &scratch.found {
                out.indices.push(f.index as usize);
                out.distances.push(searcher.distance(f.raw));
            }
            out.starts.push(out.indices.len());
        }
        out
    }
}

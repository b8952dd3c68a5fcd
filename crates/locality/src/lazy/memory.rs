//! Samples with their targets, and what is read off at queries.

use std::ops::Range;

use super::index::{Asking, NeighborIndex, Reach, remove_rows};
use super::weights::Weights;
use crate::{Error, Float, Metric, Result, Rows, Watch, WithinRadius, par};

/// Queries whose neighbours are held at once, for `k` nearest and for a radius, which may find many.
const CHUNK: usize = 8192;
const RADIUS_CHUNK: usize = 256;
/// Queries of a block of reading; results do not depend on it.
const BLOCK: usize = 256;

/// Samples `[n, d]` with targets `[n, p]` in a [`NeighborIndex`]: what both regression and classification by neighbours are made on.
///
/// ```
/// use locality::{Metric, Rows, Watch, lazy::{Asking, Memory, Reach, Weights}};
/// let x = [0.0, 1.0, 3.0];
/// let memory = Memory::fit(Rows::column(&x), Rows::column(&[5.0, 6.0, 9.0]), &Metric::Euclidean)?;
/// let watch = Watch::default();
/// // Leaving one out.
/// let means = memory.means(Asking::Samples, Reach::Within(2.0), &Weights::Uniform, &watch)?;
/// assert_eq!(means.values, [6.0, 7.0, 6.0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Memory<T> {
    index: NeighborIndex<T>,
    /// By position in the index.
    targets: Vec<f64>,
    width: usize,
}

/// Means at queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// The weighted means of the targets, `[m, p]`; NaN where there is no neighbour of any weight.
    pub values: Vec<f64>,
    /// The queries where this is so, ascending.
    pub empty: Vec<usize>,
}

/// Shares of classes at queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// For each query, output after output, the share of the weight of each class, which sums to 1 over an output's classes; zeros
    /// where there is no neighbour of any weight.
    pub values: Vec<f64>,
    /// The queries where this is so, ascending.
    pub empty: Vec<usize>,
}

impl<T: Float> Memory<T> {
    /// Keeps samples `[n, d]` with targets `[n, p]`; `p` may be 0.
    ///
    /// # Errors
    /// As [`NeighborIndex::fit`]; targets that are not finite or not one row for each sample.
    pub fn fit(samples: Rows<'_, T>, targets: Rows<'_, f64>, metric: &Metric) -> Result<Self> {
        check_targets(samples, targets)?;
        Ok(Self {
            index: NeighborIndex::fit(samples, metric)?,
            targets: targets.to_vec(),
            width: targets.columns(),
        })
    }

    /// As [`NeighborIndex::restore`], with targets.
    ///
    /// # Errors
    /// As there, and as in [`fit`](Self::fit).
    pub fn restore(
        samples: Rows<'_, T>,
        targets: Rows<'_, f64>,
        ids: &[usize],
        next_id: usize,
        metric: &Metric,
    ) -> Result<Self> {
        check_targets(samples, targets)?;
        Ok(Self {
            index: NeighborIndex::restore(samples, ids, next_id, metric)?,
            targets: targets.to_vec(),
            width: targets.columns(),
        })
    }

    /// Adds samples `[m, d]` with targets `[m, p]` and tells their ids.
    ///
    /// # Errors
    /// As [`NeighborIndex::insert`]; targets as in [`fit`](Self::fit), or of another number of columns. Nothing is added then.
    pub fn insert(&mut self, samples: Rows<'_, T>, targets: Rows<'_, f64>) -> Result<Range<usize>> {
        check_targets(samples, targets)?;
        if targets.columns() != self.width {
            return Err(Error::shape(format!(
                "targets has {} columns, but those so far have {}; they must be the same columns",
                targets.columns(),
                self.width
            )));
        }
        let (ids, removed) = self.index.insert_moving(samples)?;
        remove_rows(&mut self.targets, self.width, &removed);
        for row in targets.iter() {
            self.targets.extend_from_slice(row);
        }
        Ok(ids)
    }

    /// Forgets samples, by id.
    ///
    /// # Errors
    /// As [`NeighborIndex::forget`].
    pub fn forget(&mut self, ids: &[usize]) -> Result<()> {
        let removed = self.index.forget_moving(ids)?;
        remove_rows(&mut self.targets, self.width, &removed);
        Ok(())
    }

    /// The samples.
    pub fn index(&self) -> &NeighborIndex<T> {
        &self.index
    }

    /// The ids of the known samples, ascending.
    pub fn ids(&self) -> Vec<usize> {
        self.index.ids()
    }

    /// Columns of targets, `p`.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The targets of the known samples `[n, p]`, in the order of their ids.
    pub fn targets(&self) -> Vec<f64> {
        let known = self.index.living();
        known.flat_map(|p| self.row(p).iter().copied()).collect()
    }

    /// Changes the targets of all but the `newest` samples.
    pub(super) fn map_targets(&mut self, newest: usize, change: impl Fn(usize, f64) -> f64) {
        let end = self.targets.len() - newest * self.width;
        for row in self.targets[..end].chunks_exact_mut(self.width.max(1)) {
            for (j, t) in row.iter_mut().enumerate() {
                *t = change(j, *t);
            }
        }
    }

    fn row(&self, position: usize) -> &[f64] {
        &self.targets[position * self.width..][..self.width]
    }

    /// The weighted mean of the neighbours' targets for each who asks.
    ///
    /// # Errors
    /// A reach that asks for too much or too little, weights that do not fit distances, queries that do not fit, an interruption.
    pub fn means(
        &self,
        asking: Asking<'_, T>,
        reach: Reach,
        weights: &Weights,
        watch: &Watch<'_>,
    ) -> Result<Means> {
        let (values, empty) = self.ask(asking, reach, weights, &self.mean(), watch)?;
        Ok(Means { values, empty })
    }

    /// The share of each class among the neighbours for each who asks, where targets are the numbers of classes, from 0; `classes` is how
    /// many each of the `p` outputs has.
    ///
    /// # Errors
    /// As [`means`](Self::means); targets that are no such numbers.
    pub fn shares(
        &self,
        asking: Asking<'_, T>,
        reach: Reach,
        weights: &Weights,
        classes: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Shares> {
        let (values, empty) = self.ask(asking, reach, weights, &self.share(classes)?, watch)?;
        Ok(Shares { values, empty })
    }

    /// The mean of the targets of samples given by id, with weights of one's own: query `i` has the entries
    /// `starts[i]..starts[i + 1]`.
    ///
    /// # Errors
    /// Lengths that do not fit together, weights that are not finite, unknown ids.
    pub fn means_of(&self, starts: &[usize], ids: &[usize], weights: &[f64]) -> Result<Means> {
        let (values, empty) = self.read_given(starts, ids, weights, &self.mean())?;
        Ok(Means { values, empty })
    }

    /// The same for shares of classes; see [`shares`](Self::shares).
    ///
    /// # Errors
    /// As [`means_of`](Self::means_of) and [`shares`](Self::shares).
    pub fn shares_of(
        &self,
        starts: &[usize],
        ids: &[usize],
        weights: &[f64],
        classes: &[usize],
    ) -> Result<Shares> {
        let (values, empty) = self.read_given(starts, ids, weights, &self.share(classes)?)?;
        Ok(Shares { values, empty })
    }

    fn mean(&self) -> Read<impl Add> {
        Read {
            width: self.width,
            blank: f64::NAN,
            add: |position: usize, w: f64, out: &mut [f64]| {
                for (o, t) in out.iter_mut().zip(self.row(position)) {
                    *o += w * t;
                }
                Ok(())
            },
        }
    }

    fn share<'a>(&'a self, classes: &'a [usize]) -> Result<Read<impl Add + 'a>> {
        if classes.len() != self.width {
            return Err(Error::shape(format!(
                "classes has {} entries, but there are {} columns of targets; give one for each",
                classes.len(),
                self.width
            )));
        }
        let firsts = classes.iter().scan(0, |sum, c| {
            *sum += c;
            Some(*sum - c)
        });
        let firsts: Vec<usize> = firsts.collect();
        Ok(Read {
            width: classes.iter().sum(),
            blank: 0.0,
            add: move |position: usize, w: f64, out: &mut [f64]| {
                let outputs = firsts.iter().zip(self.row(position)).zip(classes);
                for ((first, class), classes) in outputs {
                    if !is_class(*class, *classes) {
                        return Err(Error::parameter(format!(
                            "a target is {class}, but classes are numbered 0 to {}; number them so",
                            classes.saturating_sub(1)
                        )));
                    }
                    out[first + *class as usize] += w;
                }
                Ok(())
            },
        })
    }

    /// Searches and reads, so many queries at a time that their neighbours fit in memory.
    fn ask(
        &self,
        asking: Asking<'_, T>,
        reach: Reach,
        weights: &Weights,
        read: &Read<impl Add>,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<usize>)> {
        weights.check()?;
        let (own, selves): (Vec<T>, Option<Vec<usize>>) = match asking {
            Asking::Queries(_) => (Vec::new(), None),
            Asking::Samples => (self.index.samples(), Some(self.index.living().collect())),
        };
        let queries = match (asking, &selves) {
            (Asking::Queries(queries), _) => queries,
            (_, selves) => {
                let n = selves.as_ref().map_or(0, Vec::len);
                Rows::new(&own, n, self.index.columns())?
            }
        };
        if queries.columns() != self.index.columns() || queries.rows() == 0 {
            // For the sentence of the search.
            self.index.search(asking, reach, watch)?;
        }
        let others = self.index.len() - usize::from(selves.is_some()).min(self.index.len());
        let (chunk, more) = match reach {
            // One neighbour more, where there is one.
            Reach::Nearest(k) if weights.needs_next() && k < others => (CHUNK, Some(k)),
            Reach::Nearest(_) => (CHUNK, None),
            Reach::Within(_) => (RADIUS_CHUNK, None),
        };
        let taken = more.map_or(reach, |k| Reach::Nearest(k + 1));
        let quiet = watch.quiet();
        let (mut values, mut empty) = (Vec::new(), Vec::new());
        for start in (0..queries.rows()).step_by(chunk) {
            let range = start..(start + chunk).min(queries.rows());
            let rows = queries.slice(range.clone());
            let selves = selves.as_ref().map(|s| &s[range.clone()]);
            let found = self.index.search_block(rows, selves, taken, &quiet)?;
            let weigh = |entries: Range<usize>, out: &mut Vec<f64>| {
                let next = match (more, reach) {
                    (Some(_), _) => found.distances[entries.clone()].last().map(|d| d.to_f64()),
                    (None, Reach::Within(radius)) => Some(radius),
                    (None, Reach::Nearest(_)) => None,
                };
                let end = more.map_or(entries.end, |k| entries.start + k);
                weights.fill(&found.distances[entries.start..end], next, out);
            };
            let part = read.run(&found.starts, &found.indices, &weigh, &quiet)?;
            values.extend(part.0);
            empty.extend(part.1.iter().map(|i| start + i));
            watch.report(range.end, queries.rows());
        }
        Ok((values, empty))
    }

    fn read_given(
        &self,
        starts: &[usize],
        ids: &[usize],
        weights: &[f64],
        read: &Read<impl Add>,
    ) -> Result<(Vec<f64>, Vec<usize>)> {
        let fits = starts.is_sorted() && starts.last().is_some_and(|end| *end == ids.len());
        if !fits || ids.len() != weights.len() {
            return Err(Error::shape(format!(
                "{} starts, {} ids and {} weights do not fit together; starts must ascend to the number of ids, with one weight for \
                 each",
                starts.len(),
                ids.len(),
                weights.len()
            )));
        }
        if let Some(w) = weights.iter().find(|w| !w.is_finite()) {
            return Err(Error::not_finite(format!(
                "a neighbour has the weight {w}; weights must be finite numbers"
            )));
        }
        let positions = self.index.positions(ids)?;
        let weigh = |entries: Range<usize>, out: &mut Vec<f64>| {
            out.clear();
            out.extend_from_slice(&weights[entries]);
        };
        read.run(starts, &positions, &weigh, &Watch::default())
    }

    /// Neighbours by id: the `k` nearest or all within a radius of each who asks.
    ///
    /// # Errors
    /// As [`NeighborIndex::k_nearest`] and [`NeighborIndex::within`].
    pub fn neighbors(
        &self,
        asking: Asking<'_, T>,
        reach: Reach,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        match reach {
            Reach::Within(radius) => self.index.within(asking, radius, watch),
            Reach::Nearest(k) => {
                let found = self.index.k_nearest(asking, k, watch)?;
                Ok(WithinRadius {
                    starts: (0..=found.indices.len() / k).map(|i| i * k).collect(),
                    indices: found.indices,
                    distances: found.distances,
                })
            }
        }
    }
}

/// Adds a sample by position with its weight to a query's numbers.
trait Add: Fn(usize, f64, &mut [f64]) -> Result<()> + Sync {}
impl<F: Fn(usize, f64, &mut [f64]) -> Result<()> + Sync> Add for F {}

/// How neighbours are summed up.
struct Read<A> {
    /// Numbers for each query.
    width: usize,
    /// What they are where nothing has a weight.
    blank: f64,
    /// Adds a sample of a weight.
    add: A,
}

impl<A: Add> Read<A> {
    /// Sums up the neighbours of each query over the sum of their weights; says where that is 0.
    fn run(
        &self,
        starts: &[usize],
        positions: &[usize],
        weigh: &(impl Fn(Range<usize>, &mut Vec<f64>) + Sync),
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, Vec<usize>)> {
        let blocks = par::map_blocks(watch, starts.len() - 1, BLOCK, |range| {
            let mut values = vec![0.0; range.len() * self.width];
            let (mut empty, mut weights) = (Vec::new(), Vec::new());
            for (j, i) in range.enumerate() {
                let out = &mut values[j * self.width..][..self.width];
                weigh(starts[i]..starts[i + 1], &mut weights);
                let sum: f64 = weights.iter().sum();
                if sum == 0.0 {
                    out.fill(self.blank);
                    empty.push(i);
                    continue;
                }
                for (position, w) in positions[starts[i]..].iter().zip(&weights) {
                    (self.add)(*position, *w, out)?;
                }
                for o in out {
                    *o /= sum;
                }
            }
            Ok((values, empty))
        })?;
        let (mut values, mut empty) = (Vec::new(), Vec::new());
        for block in blocks {
            values.extend(block.0);
            empty.extend(block.1);
        }
        Ok((values, empty))
    }
}

fn is_class(target: f64, classes: usize) -> bool {
    target >= 0.0 && target < classes as f64 && target.fract() == 0.0
}

fn check_targets<T: Float>(samples: Rows<'_, T>, targets: Rows<'_, f64>) -> Result<()> {
    if targets.rows() != samples.rows() {
        return Err(Error::shape(format!(
            "targets has {} rows, but there are {} samples; give one row for each",
            targets.rows(),
            samples.rows()
        )));
    }
    if targets.rows() == 0 || targets.columns() == 0 {
        return Ok(());
    }
    targets.require_finite("targets")
}

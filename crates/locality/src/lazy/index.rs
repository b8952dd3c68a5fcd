//! Samples that can be searched while some are added and others forgotten.

use std::ops::Range;

use crate::{Error, Float, Metric, Nearest, Neighbors, Result, Rows, Watch, WithinRadius};

/// Parts of fewer rows than this are laid out anew with what is added next to them: that costs next to nothing.
const SMALL: usize = 256;

/// Which samples are neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// So many nearest ones.
    Nearest(usize),
    /// All within this distance, the edge included.
    Within(f64),
}

/// Who asks for neighbours.
#[derive(Clone, Copy, Debug)]
pub enum Asking<'a, T> {
    /// Queries `[m, d]`.
    Queries(Rows<'a, T>),
    /// The samples themselves, in the order of their ids; none is its own neighbour.
    Samples,
}

/// Samples laid out for exact nearest-neighbour search, to which some can be added and of which some can be forgotten.
///
/// The samples lie in a few parts, each at least twice as large as the next, so that one added sample is laid out anew
/// some `log2(n)` times in all (Bentley and Saxe 1980). Forgotten samples are passed by, until they are more than half of a part,
/// which is then laid out anew. Searches find what a fresh fit to the surviving samples would.
///
/// A sample's *id* is its number in the order of arrival, from 0. It never changes, and is not given again.
///
/// ```
/// use locality::{Metric, Rows, Watch, lazy::{Asking, NeighborIndex}};
/// let mut index = NeighborIndex::fit(Rows::column(&[0.0, 1.0, 2.0]), &Metric::Euclidean)?;
/// assert_eq!(index.insert(Rows::column(&[1.25]))?, 3..4);
/// index.forget(&[1])?;
/// let found = index.k_nearest(Asking::Queries(Rows::column(&[1.0])), 2, &Watch::default())?;
/// assert_eq!(found.indices, [3, 0]);
/// // Each sample's nearest other one.
/// let found = index.k_nearest(Asking::Samples, 1, &Watch::default())?;
/// assert_eq!(found.indices, [3, 3, 2]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NeighborIndex<T> {
    metric: Metric,
    columns: usize,
    /// In the order of arrival.
    parts: Vec<Nearest<T>>,
    /// Rows, ids and whether they are still known, by position; positions are in the order of arrival and close up when a
    /// part is laid out anew.
    rows: Vec<T>,
    ids: Vec<usize>,
    alive: Vec<bool>,
    n_alive: usize,
    next_id: usize,
}

impl<T: Float> NeighborIndex<T> {
    /// Lays out samples `[n, d]` for searching under a metric.
    ///
    /// # Errors
    /// No samples, NaN or infinite numbers, a metric that does not fit the columns or is no distance.
    pub fn fit(samples: Rows<'_, T>, metric: &Metric) -> Result<Self> {
        Self::with_ids(samples, (0..samples.rows()).collect(), metric)
    }

    /// The same for samples that have ids already, as [`ids`](Self::ids) and [`samples`](Self::samples) told them; the next one is
    /// `next_id`. This is how a saved index is restored.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), save that there may be no samples; ids that are not ascending, not below `next_id` or not one for each
    /// sample.
    pub fn restore(
        samples: Rows<'_, T>,
        ids: &[usize],
        next_id: usize,
        metric: &Metric,
    ) -> Result<Self> {
        if ids.len() != samples.rows() {
            return Err(Error::shape(format!(
                "there are {} ids for {} samples; give one for each",
                ids.len(),
                samples.rows()
            )));
        }
        if !ids.is_sorted_by(|a, b| a < b) || ids.last().is_some_and(|last| *last >= next_id) {
            return Err(Error::parameter(format!(
                "ids must ascend and stay below next_id={next_id}; pass them as they were told"
            )));
        }
        if ids.is_empty() {
            return Ok(Self {
                columns: samples.columns(),
                next_id,
                ..Self::empty(metric)
            });
        }
        let fit = Self::with_ids(samples, ids.to_vec(), metric)?;
        Ok(Self { next_id, ..fit })
    }

    fn empty(metric: &Metric) -> Self {
        Self {
            metric: metric.clone(),
            columns: 0,
            parts: Vec::new(),
            rows: Vec::new(),
            ids: Vec::new(),
            alive: Vec::new(),
            n_alive: 0,
            next_id: 0,
        }
    }

    fn with_ids(samples: Rows<'_, T>, ids: Vec<usize>, metric: &Metric) -> Result<Self> {
        samples.require_finite("samples")?;
        if !metric.is_distance() {
            return Err(Error::parameter(format!(
                "metric={} is no distance, and neighbours are what is near; choose euclidean or cosine",
                metric.info().name
            )));
        }
        let part = Nearest::fit(samples, metric)?;
        Ok(Self {
            columns: samples.columns(),
            parts: vec![part],
            rows: samples.to_vec(),
            alive: vec![true; ids.len()],
            n_alive: ids.len(),
            next_id: ids.last().map_or(0, |last| last + 1),
            ids,
            ..Self::empty(metric)
        })
    }

    /// Adds samples `[m, d]` and tells their ids.
    ///
    /// # Errors
    /// Other columns than before, NaN or infinite numbers, more samples than one index can hold. Nothing is added then.
    pub fn insert(&mut self, samples: Rows<'_, T>) -> Result<Range<usize>> {
        Ok(self.insert_moving(samples)?.0)
    }

    /// Forgets samples, by id.
    ///
    /// # Errors
    /// An id that is not known (any more), or is given twice. Nothing is forgotten then.
    pub fn forget(&mut self, ids: &[usize]) -> Result<()> {
        self.forget_moving(ids)?;
        Ok(())
    }

    /// As [`insert`](Self::insert); says which positions went away beforehand.
    pub(super) fn insert_moving(
        &mut self,
        samples: Rows<'_, T>,
    ) -> Result<(Range<usize>, Vec<usize>)> {
        let ids = self.next_id..self.next_id + samples.rows();
        if samples.rows() == 0 {
            return Ok((ids, Vec::new()));
        }
        self.check_columns(samples, "samples")?;
        samples.require_finite("samples")?;
        if u32::try_from(self.ids.len() + samples.rows()).is_err() {
            return Err(Error::unsupported(format!(
                "{} samples are more than the {} that one index can hold; forget some first",
                self.ids.len() + samples.rows(),
                u32::MAX
            )));
        }
        let removed = self.arrange(Some(samples))?;
        Ok((ids, removed))
    }

    /// As [`forget`](Self::forget); says which positions went away.
    pub(super) fn forget_moving(&mut self, ids: &[usize]) -> Result<Vec<usize>> {
        let mut positions = self.positions(ids)?;
        positions.sort_unstable();
        if let Some(twice) = positions.windows(2).find(|w| w[0] == w[1]) {
            return Err(Error::parameter(format!(
                "id {} is to be forgotten twice; give each id once",
                self.ids[twice[0]]
            )));
        }
        let (mut start, mut rest) = (0, &positions[..]);
        for part in &mut self.parts {
            let end = start + part.keys();
            let (own, others) = rest.split_at(rest.partition_point(|p| *p < end));
            let own: Vec<usize> = own.iter().map(|p| p - start).collect();
            if !own.is_empty() {
                part.leave_out(&own)?;
            }
            (start, rest) = (end, others);
        }
        for &p in &positions {
            self.alive[p] = false;
        }
        self.n_alive -= positions.len();
        self.arrange(None)
    }

    /// The positions of samples, by id.
    pub(super) fn positions(&self, ids: &[usize]) -> Result<Vec<usize>> {
        let position = |id: &usize| match self.ids.binary_search(id) {
            Ok(p) if self.alive[p] => Ok(p),
            _ if *id < self.next_id => Err(Error::parameter(format!(
                "the sample of id {id} has been forgotten already; leave it out"
            ))),
            _ => Err(Error::parameter(format!(
                "there is no sample of id {id}; ids so far are 0 to {}",
                self.next_id.saturating_sub(1)
            ))),
        };
        ids.iter().map(position).collect()
    }

    /// Takes in new samples, and lays those parts out anew that are half forgotten, or small beside the next one. Says which
    /// positions went away.
    fn arrange(&mut self, new: Option<Rows<'_, T>>) -> Result<Vec<usize>> {
        let groups = self.groups(new.map_or(0, |n| n.rows()));
        let mut removed = Vec::new();
        let mut start = 0;
        for group in &groups {
            let keys = self.parts[group.parts.clone()].iter().map(Nearest::keys);
            let end = start + keys.sum::<usize>();
            if group.anew {
                removed.extend((start..end).filter(|p| !self.alive[*p]));
            }
            start = end;
        }
        remove_rows(&mut self.rows, self.columns, &removed);
        remove_rows(&mut self.ids, 1, &removed);
        remove_rows(&mut self.alive, 1, &removed);
        for row in new.iter().flat_map(Rows::iter) {
            self.rows.extend_from_slice(row);
            self.ids.push(self.next_id);
            self.alive.push(true);
            self.next_id += 1;
            self.n_alive += 1;
        }
        let mut old = std::mem::take(&mut self.parts).into_iter();
        let mut start = 0;
        for group in groups {
            let kept: Vec<_> = old.by_ref().take(group.parts.len()).collect();
            if group.anew {
                let rows = &self.rows[start * self.columns..][..group.size * self.columns];
                let rows = Rows::new(rows, group.size, self.columns)?;
                if group.size > 0 {
                    self.parts.push(Nearest::fit(rows, &self.metric)?);
                }
            } else {
                self.parts.extend(kept);
            }
            start += group.size;
        }
        Ok(removed)
    }

    /// What becomes one part each, from the first to the last, where so many samples come in.
    fn groups(&self, new: usize) -> Vec<Group> {
        let n = self.parts.len();
        let mut current = Group {
            parts: n..n,
            size: new,
            anew: new > 0,
        };
        let mut groups = Vec::new();
        for (i, part) in self.parts.iter().enumerate().rev() {
            let living = part.keys() - part.left_out();
            let half_gone = 2 * part.left_out() > part.keys();
            let size = if half_gone { living } else { part.keys() };
            let joins = size < SMALL.max(2 * current.size);
            let nothing = current.size == 0;
            if joins && !nothing {
                // Whatever of the part to the right was not laid out anew so far is now.
                if !current.anew {
                    let own = &self.parts[current.parts.clone()];
                    current.size -= own.iter().map(Nearest::left_out).sum::<usize>();
                }
                current.size += living;
                current.anew = true;
                current.parts.start = i;
            } else {
                if !current.parts.is_empty() || !nothing {
                    groups.push(current);
                }
                current = Group {
                    parts: i..i + 1,
                    size,
                    anew: half_gone,
                };
            }
        }
        groups.push(current);
        groups.reverse();
        groups
    }

    fn check_columns(&self, rows: Rows<'_, T>, name: &str) -> Result<()> {
        if rows.columns() == self.columns {
            return Ok(());
        }
        Err(Error::shape(format!(
            "{name} has {} columns, but the samples so far have {}; they must be the same columns",
            rows.columns(),
            self.columns
        )))
    }

    /// Number of samples that are known.
    pub fn len(&self) -> usize {
        self.n_alive
    }

    /// Whether every sample has been forgotten.
    pub fn is_empty(&self) -> bool {
        self.n_alive == 0
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The metric.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// The id that the next sample gets.
    pub fn next_id(&self) -> usize {
        self.next_id
    }

    /// Number of parts that a search goes through.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The ids of the known samples, ascending.
    pub fn ids(&self) -> Vec<usize> {
        let known = self.living();
        known.map(|p| self.ids[p]).collect()
    }

    /// The known samples, one row after the other, in the order of their ids.
    pub fn samples(&self) -> Vec<T> {
        if self.n_alive == self.ids.len() {
            return self.rows.clone();
        }
        let known = self.living();
        known
            .flat_map(|p| {
                self.rows[p * self.columns..][..self.columns]
                    .iter()
                    .copied()
            })
            .collect()
    }

    /// The positions of the known samples.
    pub(super) fn living(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ids.len()).filter(|p| self.alive[*p])
    }

    /// The `k` nearest samples of each who asks, nearest first, ties by id; `indices` are ids.
    ///
    /// # Errors
    /// `k` of 0 or more than there are (other) samples, queries that do not fit, an interruption.
    pub fn k_nearest(
        &self,
        asking: Asking<'_, T>,
        k: usize,
        watch: &Watch<'_>,
    ) -> Result<Neighbors<T>> {
        let found = self.search(asking, Reach::Nearest(k), watch)?;
        Ok(Neighbors {
            k,
            indices: self.named(found.indices),
            distances: found.distances,
        })
    }

    /// All samples within a radius of each who asks, the edge included, in the order of their ids; `indices` are ids.
    ///
    /// # Errors
    /// A radius that is negative or not finite, queries that do not fit, an interruption.
    pub fn within(
        &self,
        asking: Asking<'_, T>,
        radius: f64,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        let mut found = self.search(asking, Reach::Within(radius), watch)?;
        found.indices = self.named(found.indices);
        Ok(found)
    }

    fn named(&self, mut positions: Vec<usize>) -> Vec<usize> {
        if self.next_id != self.ids.len() {
            for p in &mut positions {
                *p = self.ids[*p];
            }
        }
        positions
    }

    /// Neighbours by position.
    pub(super) fn search(
        &self,
        asking: Asking<'_, T>,
        reach: Reach,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        match asking {
            Asking::Queries(queries) => {
                self.check_columns(queries, "queries")?;
                self.search_block(queries, None, reach, watch)
            }
            Asking::Samples => {
                let selves: Vec<usize> = self.living().collect();
                let rows = self.samples();
                let queries = Rows::new(&rows, selves.len(), self.columns)?;
                self.search_block(queries, Some(&selves), reach, watch)
            }
        }
    }

    /// Neighbours of queries, which leave out themselves where they are samples; by position.
    pub(super) fn search_block(
        &self,
        queries: Rows<'_, T>,
        selves: Option<&[usize]>,
        reach: Reach,
        watch: &Watch<'_>,
    ) -> Result<WithinRadius<T>> {
        let others = self.n_alive - usize::from(selves.is_some()).min(self.n_alive);
        let found = match reach {
            Reach::Nearest(k) => {
                if k == 0 || k > others {
                    let which = if selves.is_some() { "other " } else { "" };
                    let remedy = match others {
                        0 => "add samples first".to_owned(),
                        _ => format!("ask for 1 to {others}"),
                    };
                    return Err(Error::parameter(format!(
                        "n_neighbors={k} neighbours are asked for, but there are {others} {which}samples; {remedy}"
                    )));
                }
                let k = k + usize::from(selves.is_some());
                let found = Nearest::k_nearest_among(&self.parts, queries, k, watch)?;
                WithinRadius {
                    starts: (0..=queries.rows()).map(|i| i * k).collect(),
                    indices: found.indices,
                    distances: found.distances,
                }
            }
            Reach::Within(radius) => {
                Nearest::within_among(&self.parts, queries, T::from_f64(radius), watch)?
            }
        };
        Ok(match selves {
            Some(selves) => without_selves(&found, selves, matches!(reach, Reach::Nearest(_))),
            None => found,
        })
    }
}

/// Parts that become one.
#[derive(Debug)]
struct Group {
    parts: Range<usize>,
    /// Positions in it afterwards.
    size: usize,
    anew: bool,
}

/// Takes each query itself out of what it found; where it is not there (as many others are at the same place) and one too many was
/// asked for, the last one.
fn without_selves<T: Float>(
    found: &WithinRadius<T>,
    selves: &[usize],
    one_too_many: bool,
) -> WithinRadius<T> {
    let mut out = WithinRadius {
        starts: vec![0],
        indices: Vec::with_capacity(found.indices.len()),
        distances: Vec::with_capacity(found.indices.len()),
    };
    for (own, range) in selves.iter().zip(found.starts.windows(2)) {
        let indices = &found.indices[range[0]..range[1]];
        let distances = &found.distances[range[0]..range[1]];
        let at = indices.iter().position(|p| p == own);
        let at = at.unwrap_or(indices.len() - usize::from(one_too_many));
        out.indices.extend_from_slice(&indices[..at]);
        out.distances.extend_from_slice(&distances[..at]);
        if let (Some(indices), Some(distances)) = (indices.get(at + 1..), distances.get(at + 1..)) {
            out.indices.extend_from_slice(indices);
            out.distances.extend_from_slice(distances);
        }
        out.starts.push(out.indices.len());
    }
    out
}

/// Takes rows out of a table, by number, ascending.
pub(super) fn remove_rows<V: Copy>(table: &mut Vec<V>, width: usize, removed: &[usize]) {
    let Some(first) = removed.first() else {
        return;
    };
    let mut to = first * width;
    for (i, row) in removed.iter().enumerate() {
        let from = (row + 1) * width;
        let end = removed.get(i + 1).map_or(table.len(), |next| next * width);
        table.copy_within(from..end, to);
        to += end - from;
    }
    table.truncate(to);
}

//! From ends to clusters: the densest ends are centres, and ends within a bandwidth of a centre belong to it.

use std::collections::HashMap;

use super::paths::{Ends, NOWHERE, squared_distance};
use crate::isa::{Isa, Task, dispatch};
use crate::par::map_blocks;
use crate::{Float, Metric, Nearest, Result, Rows, Watch};

/// Label of a point that belongs to no cluster.
pub(super) const ORPHAN: i64 = -1;

/// Up to so many centres are all looked at: a loop over them ends before a search has begun.
const FEW: usize = 24;

/// Rows that one task names.
const BLOCK: usize = 2048;

/// Cluster centres, densest first.
#[derive(Clone, Debug)]
pub(super) struct Centers<T> {
    /// Places, `[k, d]`.
    pub(super) places: Vec<T>,
    /// How dense it is at each, in the stepper's unit.
    pub(super) levels: Vec<f64>,
    columns: usize,
    nearest: Nearest<T>,
}

impl<T: Float> Centers<T> {
    /// Sorts the ends by level, then by coordinates, both descending, and drops every end within `bandwidth` of one that
    /// was kept before it. `None` where no seed ended anywhere.
    pub(super) fn new(ends: &Ends<T>, columns: usize, bandwidth: f64) -> Result<Option<Self>> {
        let mut order: Vec<u32> = (0..ends.places.len() as u32).collect();
        order.sort_by(|&a, &b| {
            let level = ends.levels[b as usize].total_cmp(&ends.levels[a as usize]);
            let pairs = ends.places.row(b).iter().zip(ends.places.row(a));
            pairs.fold(level, |order, (b, a)| {
                order.then_with(|| b.to_f64().total_cmp(&a.to_f64()))
            })
        });
        let mut kept = Kept::new(columns, bandwidth);
        let mut levels = Vec::new();
        for end in order {
            if kept.insert(ends.places.row(end)) {
                levels.push(ends.levels[end as usize]);
            }
        }
        if levels.is_empty() {
            return Ok(None);
        }
        let rows = Rows::new(&kept.places, levels.len(), columns)?;
        Ok(Some(Self {
            nearest: Nearest::fit(rows, &Metric::Euclidean)?,
            places: kept.places,
            levels,
            columns,
        }))
    }

    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn rows(&self) -> Rows<'_, T> {
        Rows::new(&self.places, self.len(), self.columns).expect("places are k x d")
    }

    /// The nearest centre of each row, `ORPHAN` beyond `reach`.
    pub(super) fn label(
        &self,
        rows: Rows<'_, T>,
        reach: Option<f64>,
        watch: &Watch<'_>,
    ) -> Result<Vec<i64>> {
        if self.len() <= FEW
            && let Some(labels) = self.label_by_all(rows, reach, watch)?
        {
            return Ok(labels);
        }
        let found = self.nearest.k_nearest(rows, 1, &watch.quiet())?;
        let pairs = found.indices.iter().zip(&found.distances);
        Ok(pairs
            .map(|(i, distance)| match reach {
                Some(reach) if distance.to_f64() > reach => ORPHAN,
                _ => *i as i64,
            })
            .collect())
    }

    /// The same with every centre looked at; `None` where a distance cannot be squared.
    fn label_by_all(
        &self,
        rows: Rows<'_, T>,
        reach: Option<f64>,
        watch: &Watch<'_>,
    ) -> Result<Option<Vec<i64>>> {
        let blocks = map_blocks(&watch.quiet(), rows.rows(), BLOCK, |range| {
            let (mut names, distances) = dispatch(NearestOf {
                centers: &self.places,
                rows: rows.slice(range),
            });
            for (name, distance) in names.iter_mut().zip(&distances) {
                if !distance.is_finite() {
                    return Ok(None);
                }
                if reach.is_some_and(|reach| distance.sqrt() > reach) {
                    *name = ORPHAN;
                }
            }
            Ok(Some(names))
        })?;
        Ok(blocks
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map(|b| b.concat()))
    }

    /// The cluster of each seed by its end. A seed that ran out of samples goes to the centre nearest to itself, or
    /// is an orphan, as is one whose end is beyond `reach` of every centre.
    pub(super) fn label_ends(
        &self,
        ends: &Ends<T>,
        seeds: Rows<'_, T>,
        reach: Option<f64>,
        watch: &Watch<'_>,
    ) -> Result<Vec<i64>> {
        let of_end = self.label(ends.places.rows()?, reach, watch)?;
        let mut labels = Vec::with_capacity(seeds.rows());
        for (seed, &end) in seeds.iter().zip(&ends.of_seed) {
            labels.push(match (end, reach) {
                (NOWHERE, Some(_)) => ORPHAN,
                (NOWHERE, None) => {
                    let seed = Rows::new(seed, 1, self.columns)?;
                    self.label(seed, None, watch)?[0]
                }
                (end, _) => of_end[end as usize],
            });
        }
        Ok(labels)
    }
}

/// The nearest of a few centres to each row of a block and its squared distance, as [`squared_distance`] has it: one centre after the
/// other, so that rows go side by side.
struct NearestOf<'a, T> {
    centers: &'a [T],
    rows: Rows<'a, T>,
}

impl<T: Float> Task for NearestOf<'_, T> {
    type Out = (Vec<i64>, Vec<f64>);

    #[inline(always)]
    fn run<I: Isa>(self, _: I) -> (Vec<i64>, Vec<f64>) {
        let (n, d) = (self.rows.rows(), self.rows.columns());
        let mut columns = vec![0.0; n * d];
        for (i, row) in self.rows.iter().enumerate() {
            for (c, x) in row.iter().enumerate() {
                columns[c * n + i] = x.to_f64();
            }
        }
        let (mut names, mut nearest) = (vec![ORPHAN; n], vec![f64::INFINITY; n]);
        let mut squares = vec![0.0; n];
        for (name, center) in (0..).zip(self.centers.chunks_exact(d)) {
            squares.fill(0.0);
            for (column, center) in columns.chunks_exact(n).zip(center) {
                let center = center.to_f64();
                for (s, x) in squares.iter_mut().zip(column) {
                    *s += (x - center) * (x - center);
                }
            }
            for ((s, least), own) in squares.iter().zip(&mut nearest).zip(&mut names) {
                let nearer = *s < *least;
                *own = if nearer { name } else { *own };
                *least = if nearer { *s } else { *least };
            }
        }
        (names, nearest)
    }
}

/// Places more than a bandwidth apart, by the cell of their first two coordinates.
struct Kept<T> {
    columns: usize,
    bandwidth: f64,
    places: Vec<T>,
    cells: HashMap<(i64, i64), Vec<u32>>,
}

impl<T: Float> Kept<T> {
    fn new(columns: usize, bandwidth: f64) -> Self {
        Self {
            columns,
            bandwidth,
            places: Vec::new(),
            cells: HashMap::new(),
        }
    }

    /// Keeps a place unless another one is within the bandwidth.
    fn insert(&mut self, place: &[T]) -> bool {
        // A little wider than the bandwidth, so that rounding never moves a neighbour two cells away.
        let width = self.bandwidth * (1.0 + 1e-6);
        let cell = |x: &T| (x.to_f64() / width).floor() as i64;
        let first = cell(&place[0]);
        let second = place.get(1).map_or(0, cell);
        let limit = self.bandwidth * self.bandwidth;
        for a in -1..=1 {
            for b in -1..=1 {
                let at = (first.saturating_add(a), second.saturating_add(b));
                let near = self.cells.get(&at).is_some_and(|kept| {
                    kept.iter().any(|&k| {
                        let other = &self.places[k as usize * self.columns..][..self.columns];
                        squared_distance(place, other) <= limit
                    })
                });
                if near {
                    return false;
                }
            }
        }
        let number = (self.places.len() / self.columns) as u32;
        self.cells.entry((first, second)).or_default().push(number);
        self.places.extend_from_slice(place);
        true
    }
}

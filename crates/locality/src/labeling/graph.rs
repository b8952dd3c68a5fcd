//! Sparse neighbourhood graphs.

use crate::{Error, Float, Metric, Nearest, Profile, Result, Rows, Takes, Watch, par};

/// Rows whose product is one thread's work.
const ROWS: usize = 1024;

/// Who hears of whom, and how much: object `i` hears of object `j` with the weight `w_ij`, not negative. Most weights are zero and are not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
}

impl Graph {
    /// From rows of neighbours, which rise, and weights.
    fn from_rows(rows: impl Iterator<Item = Vec<(u32, f64)>>) -> Self {
        let mut out = Self {
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
        };
        for row in rows {
            for (column, weight) in row {
                out.columns.push(column);
                out.weights.push(weight);
            }
            out.starts.push(out.columns.len());
        }
        out
    }

    /// From edges `(i, j, w)` among `n` objects: `i` hears of `j`. The weights of an edge that is given several times add up.
    ///
    /// # Errors
    /// An object that is not below `n`; a weight that is negative or not finite; more than `u32::MAX` objects.
    pub fn edges(n: usize, edges: &[(usize, usize, f64)]) -> Result<Self> {
        check_size(n)?;
        let mut starts = vec![0; n + 1];
        for (at, &(i, j, w)) in edges.iter().enumerate() {
            if i >= n || j >= n {
                return Err(Error::parameter(format!(
                    "edge {at} (counted from 0) joins {i} and {j}, but there are {n} objects, numbered from 0"
                )));
            }
            if !(w.is_finite() && w >= 0.0) {
                return Err(Error::parameter(format!(
                    "edge {at} (counted from 0) has the weight {w}; weights must be finite and not negative"
                )));
            }
            starts[i + 1] += 1;
        }
        Ok(Self::merged(starts, edges.iter().copied()))
    }

    /// From edges in any order, whose weights add up, and the number of edges of each object, one place later.
    fn merged(mut starts: Vec<usize>, edges: impl Iterator<Item = (usize, usize, f64)>) -> Self {
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let count = starts.last().copied().unwrap_or(0);
        let mut next = starts.clone();
        let mut all = vec![(0_u32, 0.0); count];
        for (i, j, w) in edges {
            all[next[i]] = (j as u32, w);
            next[i] += 1;
        }
        let mut out = Self {
            starts: Vec::with_capacity(starts.len()),
            columns: Vec::with_capacity(count),
            weights: Vec::with_capacity(count),
        };
        out.starts.push(0);
        for ends in starts.windows(2) {
            let row = &mut all[ends[0]..ends[1]];
            row.sort_by_key(|e| e.0);
            for same in row.chunk_by(|a, b| a.0 == b.0) {
                out.columns.push(same[0].0);
                out.weights.push(same.iter().map(|e| e.1).sum());
            }
            out.starts.push(out.columns.len());
        }
        out
    }

    /// Each object hears of as many: `indices` `[n, k]`, each row without repetitions, with weights `weigh(i, j)`. Objects are numbered anew, by
    /// their places in an `order`; those that one hears of stay in the order of their old numbers, and so do sums over them.
    pub(super) fn regular(
        k: usize,
        indices: &[usize],
        order: &[usize],
        weigh: impl Fn(usize, usize) -> f64 + Sync,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let n = order.len();
        check_size(n)?;
        let mut place = vec![0_u32; n];
        for (at, &i) in order.iter().enumerate() {
            place[i] = at as u32;
        }
        let blocks = par::map_blocks(&watch.quiet(), n, ROWS, |range| {
            let (mut columns, mut weights) = (Vec::new(), Vec::new());
            let mut row = vec![0; k];
            for &i in &order[range] {
                row.copy_from_slice(&indices[i * k..][..k]);
                row.sort_unstable();
                columns.extend(row.iter().map(|j| place[*j]));
                weights.extend(row.iter().map(|j| weigh(i, *j)));
            }
            Ok((columns, weights))
        })?;
        let (columns, weights): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        Ok(Self {
            starts: (0..=n).map(|i| i * k).collect(),
            columns: columns.concat(),
            weights: weights.concat(),
        })
    }

    /// From all weights `[n, n]`; zeros are left out.
    pub(super) fn dense(n: usize, weights: &[f64]) -> Result<Self> {
        check_size(n)?;
        let mut out = Self {
            starts: vec![0],
            columns: Vec::with_capacity(weights.len()),
            weights: Vec::with_capacity(weights.len()),
        };
        for row in weights.chunks_exact(n) {
            for (j, w) in row.iter().enumerate().filter(|(_, w)| **w != 0.0) {
                out.columns.push(j as u32);
                out.weights.push(*w);
            }
            out.starts.push(out.columns.len());
        }
        Ok(out)
    }

    /// The places of a grid, the last axis fastest (`[height, width]` for a picture, `[depth, height, width]` for a volume), each hearing of its
    /// neighbours along the axes with weight 1 (4 in a picture), or with `diagonal` of all that touch it (8).
    ///
    /// # Errors
    /// No axes, no places, or more than `u32::MAX`.
    pub fn grid(shape: &[usize], diagonal: bool) -> Result<Self> {
        Self::on_grid(shape, &steps(shape.len(), diagonal))
    }

    /// Places that hear of those the steps lead to, which are in the order of places.
    fn on_grid(shape: &[usize], steps: &[Vec<isize>]) -> Result<Self> {
        if shape.is_empty() {
            return Err(Error::empty("the shape has no axes; give at least one"));
        }
        let n = shape.iter().fold(1_usize, |n, &s| n.saturating_mul(s));
        check_size(n)?;
        let mut place = vec![0; shape.len()];
        let row = |i: usize| {
            let mut rest = i;
            for (at, size) in place.iter_mut().zip(shape).rev() {
                (*at, rest) = (rest % size, rest / size);
            }
            let neighbour = |step: &Vec<isize>| {
                let mut j = 0;
                for ((at, size), by) in place.iter().zip(shape).zip(step) {
                    let to = at.checked_add_signed(*by).filter(|to| to < size)?;
                    j = j * size + to;
                }
                Some((j as u32, 1.0))
            };
            steps.iter().filter_map(neighbour).collect()
        };
        Ok(Self::from_rows((0..n).map(row)))
    }

    /// The places of a grid, each hearing with weight 1 of the one place that lies a step away along the axes: of the next in its row by `[0, 1]`. One kind
    /// of edges, such as [`Scene::edges`](super::Scene::edges) takes beside others; not [`symmetric`](Self::symmetric).
    ///
    /// # Errors
    /// As [`grid`](Self::grid); a step of another number of axes, or of zeros.
    pub fn stepped(shape: &[usize], step: &[isize]) -> Result<Self> {
        if step.len() != shape.len() || step.iter().all(|by| *by == 0) {
            return Err(Error::parameter(format!(
                "step={step:?} leads to no other place of a grid of shape {shape:?}; give one number for each axis, not all of them 0"
            )));
        }
        Self::on_grid(shape, &[step.to_vec()])
    }

    /// The `k` nearest other samples of each `[n, d]`, with weight 1, or with the weight of a profile at the distance over the bandwidth `h`.
    /// Not symmetric; see [`symmetric`](Self::symmetric).
    ///
    /// # Errors
    /// `k` of 0, or not below the number of samples; samples that are not finite; a profile of a score; a bandwidth that is not positive;
    /// an interruption.
    pub fn nearest<T: Float>(
        samples: Rows<'_, T>,
        k: usize,
        profile: Option<(&Profile, f64)>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        samples.require_finite("samples")?;
        let n = samples.rows();
        check_size(n)?;
        if k == 0 || k >= n {
            return Err(Error::parameter(format!(
                "k={k} must be at least 1 and below the number of samples, {n}: a sample is no neighbour of its own"
            )));
        }
        check_profile(profile)?;
        let found = Nearest::fit(samples, &Metric::Euclidean)?.k_nearest(samples, k + 1, watch)?;
        let row = |i: usize| {
            let at = i * (k + 1)..(i + 1) * (k + 1);
            let pairs = found.indices[at.clone()].iter().zip(&found.distances[at]);
            // Among duplicates a sample may not be its own nearest: then the farthest goes.
            let others = pairs.filter(|(j, _)| **j != i).take(k);
            weighed(others.map(|(&j, d)| (j, d.to_f64())), profile)
        };
        Ok(Self::from_rows((0..n).map(row)))
    }

    /// All other samples within `radius` of each `[n, d]`, with weight 1, or with the weight of a profile at the distance over the bandwidth
    /// `h`: a kernel cut off at the radius, and the whole kernel where it ends at one bandwidth and the radius is `h`. Symmetric.
    ///
    /// # Errors
    /// A radius that is not positive and finite; samples that are not finite; a profile of a score; a bandwidth that is not positive; an
    /// interruption.
    pub fn within<T: Float>(
        samples: Rows<'_, T>,
        radius: f64,
        profile: Option<(&Profile, f64)>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        samples.require_finite("samples")?;
        check_size(samples.rows())?;
        check_profile(profile)?;
        if !(radius.is_finite() && radius > 0.0) {
            return Err(Error::parameter(format!(
                "the radius {radius} must be a positive finite number"
            )));
        }
        let nearest = Nearest::fit(samples, &Metric::Euclidean)?;
        let found = nearest.within(samples, T::from_f64(radius), watch)?;
        let row = |i: usize| {
            let at = found.starts[i]..found.starts[i + 1];
            let pairs = found.indices[at.clone()].iter().zip(&found.distances[at]);
            let others = pairs.filter(|(j, _)| **j != i);
            weighed(others.map(|(&j, d)| (j, d.to_f64())), profile)
        };
        Ok(Self::from_rows((0..samples.rows()).map(row)))
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of weights that are kept.
    pub(super) fn edge_count(&self) -> usize {
        self.columns.len()
    }

    /// Whether all weights are the same, and not 0.
    pub(super) fn is_even(&self) -> bool {
        let first = self.weights.first().copied().unwrap_or(0.0);
        first > 0.0 && self.weights.iter().all(|w| *w == first)
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The neighbours of object `i`, ascending, and their weights.
    ///
    /// # Panics
    /// Where `i` is not below [`len`](Self::len).
    pub fn row(&self, i: usize) -> (&[u32], &[f64]) {
        let range = self.starts[i]..self.starts[i + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }

    /// The mean of the graph and its transpose: `(w_ij + w_ji) / 2`.
    #[must_use]
    pub fn symmetric(&self) -> Self {
        let mut starts = vec![0; self.starts.len()];
        for i in 0..self.len() {
            let (columns, _) = self.row(i);
            starts[i + 1] += columns.len();
            for &j in columns {
                starts[j as usize + 1] += 1;
            }
        }
        let both = (0..self.len()).flat_map(|i| {
            let (columns, weights) = self.row(i);
            let pairs = columns.iter().zip(weights);
            pairs.flat_map(move |(&j, &w)| {
                let j = j as usize;
                [(i, j, 0.5 * w), (j, i, 0.5 * w)]
            })
        });
        Self::merged(starts, both)
    }

    /// The same edges the other way: `w_ji`.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut starts = vec![0; self.starts.len()];
        for &j in &self.columns {
            starts[j as usize + 1] += 1;
        }
        let turned = (0..self.len()).flat_map(|i| {
            let (columns, weights) = self.row(i);
            columns
                .iter()
                .zip(weights)
                .map(move |(&j, &w)| (j as usize, i, w))
        });
        Self::merged(starts, turned)
    }

    /// Which objects hear of some of the `known` ones `[n]`, be it by way of others; these themselves are among them. Weights of zero do not count.
    ///
    /// # Errors
    /// Another number of objects.
    pub fn reached(&self, known: &[bool]) -> Result<Vec<bool>> {
        if known.len() != self.len() {
            return Err(Error::shape(format!(
                "known has {} entries, but there are {} objects; give one for each",
                known.len(),
                self.len()
            )));
        }
        let told = self.transposed();
        let mut out = known.to_vec();
        let mut open: Vec<usize> = (0..self.len()).filter(|i| known[*i]).collect();
        while let Some(i) = open.pop() {
            let (listeners, weights) = told.row(i);
            for (&j, w) in listeners.iter().zip(weights) {
                if *w > 0.0 && !std::mem::replace(&mut out[j as usize], true) {
                    open.push(j as usize);
                }
            }
        }
        Ok(out)
    }

    /// The sum of the weights of an object.
    pub(super) fn sum(&self, i: usize) -> f64 {
        self.row(i).1.iter().sum()
    }

    /// The largest sum of the weights of an object.
    pub(super) fn largest_sum(&self) -> f64 {
        (0..self.len()).map(|i| self.sum(i)).fold(0.0, f64::max)
    }

    /// `sum_j w_ij x_j` for rows `x_j` of so many numbers.
    pub(super) fn times(&self, x: &[f64], columns: usize, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let blocks = par::map_blocks(&watch.quiet(), self.len(), ROWS, |range| {
            let mut out = vec![0.0; range.len() * columns];
            for (i, out) in range.zip(out.chunks_exact_mut(columns.max(1))) {
                let (neighbours, weights) = self.row(i);
                for (&j, w) in neighbours.iter().zip(weights) {
                    let row = &x[j as usize * columns..][..columns];
                    out.iter_mut().zip(row).for_each(|(o, x)| *o += w * x);
                }
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }
}

/// The steps to the neighbours of a place, in the order of places.
fn steps(axes: usize, diagonal: bool) -> Vec<Vec<isize>> {
    let mut all: Vec<Vec<isize>> = vec![Vec::new()];
    for _ in 0..axes {
        let mut longer = Vec::with_capacity(3 * all.len());
        for step in &all {
            longer.extend((-1..=1).map(|by| [&step[..], &[by]].concat()));
        }
        all = longer;
    }
    all.retain(|step| {
        let far = step.iter().filter(|by| **by != 0).count();
        far == 1 || diagonal && far > 1
    });
    all
}

/// Others and their distances as a row.
fn weighed(
    others: impl Iterator<Item = (usize, f64)>,
    profile: Option<(&Profile, f64)>,
) -> Vec<(u32, f64)> {
    let weight = |d: f64| profile.map_or(1.0, |(p, h)| p.weight(d / h));
    let mut row: Vec<(u32, f64)> = others.map(|(j, d)| (j as u32, weight(d))).collect();
    row.sort_by_key(|e| e.0);
    row
}

fn check_profile(profile: Option<(&Profile, f64)>) -> Result<()> {
    let Some((profile, h)) = profile else {
        return Ok(());
    };
    if profile.info().takes != Takes::Distance {
        return Err(Error::parameter(format!(
            "{} takes a score; choose a profile of the distance, such as gaussian",
            profile.info().name
        )));
    }
    if !(h.is_finite() && h > 0.0) {
        return Err(Error::parameter(format!(
            "the bandwidth h={h} must be a positive finite number"
        )));
    }
    Ok(())
}

fn check_size(n: usize) -> Result<()> {
    if n == 0 {
        return Err(Error::empty(
            "the graph has no objects; at least one is needed",
        ));
    }
    if n > u32::MAX as usize {
        return Err(Error::unsupported(format!(
            "{n} objects are more than a graph can number, {}; split them",
            u32::MAX
        )));
    }
    Ok(())
}

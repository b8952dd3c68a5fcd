//! The graph of nearest neighbours among the places where samples are.

use super::links::gather;
use super::positions::Positions;
use crate::par::map_blocks;
use crate::{Float, Metric, Nearest, Result, Rows, Watch};

/// Places looked up at once: bounds the memory of neighbour lists.
const CHUNK: usize = 1 << 15;

/// Each place and its nearest others. Copies of a sample are one place: as neighbours of one another they would fill their own lists, and
/// tables of whole numbers would fall apart.
pub(super) struct Graph {
    /// The first in the order of the samples at each sample's place, `[n]`.
    pub(super) speaker: Vec<u32>,
    /// Two speakers of which one is among the other's nearest, the smaller index first, ascending, each pair once.
    pub(super) edges: Vec<(u32, u32)>,
}

impl Graph {
    /// Of each place the `k` nearest others; from samples `[n, d]` and the place of each in an order.
    pub(super) fn new<T: Float>(
        samples: Rows<'_, T>,
        metric: &Metric,
        k: usize,
        rank: &[u32],
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let (of, mut first) = places(samples);
        for (i, &place) in (0..).zip(&of) {
            let known = &mut first[place as usize];
            if rank[i as usize] < rank[*known as usize] {
                *known = i;
            }
        }
        let edges = edges(samples, metric, k, &first, watch)?;
        Ok(Self {
            speaker: of.iter().map(|&place| first[place as usize]).collect(),
            edges,
        })
    }
}

/// Most parts of a graph that are joined.
const PARTS: usize = 512;

impl Graph {
    /// The edges, and more that join the parts of the graph, so that the way between any two clusters can be asked about: along a tree of
    /// least length among the densest samples of the parts, between these and between the nearest of each two parts. More parts than 512
    /// are left as they are.
    pub(super) fn joined<T: Float>(
        &self,
        samples: Rows<'_, T>,
        metric: &Metric,
        rank: &[u32],
        watch: &Watch<'_>,
    ) -> Result<Vec<(u32, u32)>> {
        let parts = self.parts(rank);
        let mut edges = self.edges.clone();
        if parts.len() < 2 || parts.len() > PARTS {
            return Ok(edges);
        }
        let d = samples.columns();
        let firsts: Vec<u32> = parts.iter().map(|part| part[0]).collect();
        let table = gather(samples, &firsts);
        let rows = Rows::new(&table, firsts.len(), d)?;
        let found = Nearest::fit(rows, metric)?.k_nearest(rows, firsts.len(), &watch.quiet())?;
        let n = firsts.len();
        let mut apart = vec![0.0; n * n];
        for (at, (&j, r)) in found.indices.iter().zip(&found.distances).enumerate() {
            apart[at / n * n + j] = r.to_f64();
        }
        let mut searches: Vec<Option<Nearest<T>>> = (0..n).map(|_| None).collect();
        for (a, b) in tree(&apart, n) {
            watch.check()?;
            let (large, small) = if parts[a].len() < parts[b].len() {
                (b, a)
            } else {
                (a, b)
            };
            if searches[large].is_none() {
                let table = gather(samples, &parts[large]);
                let rows = Rows::new(&table, parts[large].len(), d)?;
                searches[large] = Some(Nearest::fit(rows, metric)?);
            }
            let table = gather(samples, &parts[small]);
            let rows = Rows::new(&table, parts[small].len(), d)?;
            let Some(search) = &searches[large] else {
                continue;
            };
            let near = search.k_nearest(rows, 1, &watch.quiet())?;
            let nearest = (0..parts[small].len())
                .min_by(|&i, &j| {
                    let (i, j) = (near.distances[i].to_f64(), near.distances[j].to_f64());
                    i.total_cmp(&j)
                })
                .map(|i| (parts[small][i], parts[large][near.indices[i]]));
            for (i, j) in nearest.into_iter().chain([(firsts[a], firsts[b])]) {
                edges.push((i.min(j), i.max(j)));
            }
        }
        edges.sort_unstable();
        edges.dedup();
        Ok(edges)
    }

    /// The connected parts, each from its first sample in the order on.
    fn parts(&self, rank: &[u32]) -> Vec<Vec<u32>> {
        let mut speakers = self.speaker.clone();
        speakers.sort_unstable_by_key(|&i| rank[i as usize]);
        speakers.dedup();
        let mut sets: Vec<u32> = (0..self.speaker.len() as u32).collect();
        let root = |sets: &mut [u32], mut i: u32| {
            while sets[i as usize] != i {
                sets[i as usize] = sets[sets[i as usize] as usize];
                i = sets[i as usize];
            }
            i
        };
        for &(a, b) in &self.edges {
            let (a, b) = (root(&mut sets, a), root(&mut sets, b));
            sets[a.max(b) as usize] = a.min(b);
        }
        let mut number = vec![usize::MAX; self.speaker.len()];
        let mut parts: Vec<Vec<u32>> = Vec::new();
        for i in speakers {
            let own = &mut number[root(&mut sets, i) as usize];
            if *own == usize::MAX {
                *own = parts.len();
                parts.push(Vec::new());
            }
            parts[*own].push(i);
        }
        parts
    }
}

/// The pairs of a tree of least length, from all distances `[n, n]` (Prim).
fn tree(apart: &[f64], n: usize) -> Vec<(usize, usize)> {
    let mut nearest: Vec<(f64, usize)> = (0..n).map(|j| (apart[j], 0)).collect();
    let mut open: Vec<usize> = (1..n).collect();
    let mut pairs = Vec::with_capacity(n - 1);
    while let Some(at) = (0..open.len()).min_by(|&i, &j| {
        let (i, j) = (nearest[open[i]].0, nearest[open[j]].0);
        i.total_cmp(&j)
    }) {
        let next = open.swap_remove(at);
        pairs.push((nearest[next].1, next));
        for &j in &open {
            let r = apart[next * n + j];
            if r < nearest[j].0 {
                nearest[j] = (r, next);
            }
        }
    }
    pairs
}

/// The number of each sample's place, `[n]`, and the first sample at each place.
pub(super) fn places<T: Float>(samples: Rows<'_, T>) -> (Vec<u32>, Vec<u32>) {
    let mut known = Positions::new(samples.columns(), samples.rows());
    let mut row = vec![T::ZERO; samples.columns()];
    let mut of = Vec::with_capacity(samples.rows());
    let mut first = Vec::new();
    for (i, sample) in (0..).zip(samples.iter()) {
        for (to, x) in row.iter_mut().zip(sample) {
            // Adding 0 makes the two zeros one.
            *to = *x + T::ZERO;
        }
        let place = known.number(&row);
        if place as usize == first.len() {
            first.push(i);
        }
        of.push(place);
    }
    (of, first)
}

fn edges<T: Float>(
    samples: Rows<'_, T>,
    metric: &Metric,
    k: usize,
    which: &[u32],
    watch: &Watch<'_>,
) -> Result<Vec<(u32, u32)>> {
    let n = which.len();
    let k = k.min(n - 1);
    if k == 0 {
        return Ok(Vec::new());
    }
    let table = gather(samples, which);
    let rows = Rows::new(&table, n, samples.columns())?;
    let nearest = Nearest::fit(rows, metric)?;
    let quiet = watch.quiet();
    let blocks = map_blocks(watch, n, CHUNK, |range| {
        let found = nearest.k_nearest(rows.slice(range.clone()), k + 1, &quiet)?;
        let mut out = Vec::with_capacity(range.len() * k);
        for (i, list) in range.zip(found.indices.chunks_exact(k + 1)) {
            // Itself, or where many are at distance 0 the last.
            let own = list.iter().position(|&j| j == i).unwrap_or(k);
            let others = list.iter().enumerate().filter(|(at, _)| *at != own);
            out.extend(others.map(|(_, &j)| {
                let (a, b) = (which[i], which[j]);
                (a.min(b), a.max(b))
            }));
        }
        Ok(out)
    })?;
    let mut edges = blocks.concat();
    edges.sort_unstable();
    edges.dedup();
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_one_place() {
        let x = [0.0, 1.0, -0.0, 0.0, 2.0, 1.0, 0.0];
        let rank = [3, 1, 0, 4, 5, 2, 6];
        let rows = Rows::column(&x);
        let graph = Graph::new(rows, &Metric::Euclidean, 1, &rank, &Watch::default()).unwrap();
        assert_eq!(graph.speaker, [2, 1, 2, 2, 4, 1, 2]);
        assert_eq!(graph.edges, [(1, 2), (1, 4)]);
        let one = Rows::column(&[4.0; 5]);
        let graph = Graph::new(one, &Metric::Euclidean, 3, &rank, &Watch::default()).unwrap();
        assert!(graph.edges.is_empty());
    }
}

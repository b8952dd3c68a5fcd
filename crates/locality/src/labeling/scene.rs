//! What is relaxed: objects, who hears whom over edges of which kind, and how far labels are known.

use super::graph::Graph;
use crate::{Error, Result, Watch};

/// Objects with distributions over `k` labels that hear one another over edges of one or more kinds, for
/// [`RelaxationLabeling::relax`](super::RelaxationLabeling::relax).
///
/// The support of label `a` at object `i` is `q_i(a) = sum_kinds sum_j w_ij sum_b r(a, b) p_j(b)`, each kind with its own weights and compatibilities.
/// Where a direction matters (sky lies above ground), the edges one way are one kind and those the other way, with the matrix transposed, another:
///
/// ```
/// use locality::{Watch, labeling::{Graph, RelaxationLabeling, Scene, Step}};
/// // A column of three pixels, the topmost certain: ground (1) does not lie above sky (0).
/// let below = Graph::stepped(&[3, 1], &[1, 0])?;
/// let above = below.transposed();
/// let (r, turned) = ([1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0]);
/// let p = [0.0, 1.0, 0.5, 0.5, 0.6, 0.4];
/// let scene = Scene::new(&p).edges(&below, &r).edges(&above, &turned);
/// let found = RelaxationLabeling::new(Step::Product).relax(&scene, &Watch::default())?;
/// assert_eq!(found.labels(), [1, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    kinds: Vec<(&'a Graph, &'a [f64])>,
    first: &'a [f64],
    start: Option<&'a [f64]>,
    seeds: Option<&'a [f64]>,
}

impl<'a> Scene<'a> {
    /// Objects with these distributions `[n, k]`, which hear nothing yet.
    pub fn new(distributions: &'a [f64]) -> Self {
        Self {
            kinds: Vec::new(),
            first: distributions,
            start: None,
            seeds: None,
        }
    }

    /// Edges of one more kind, and the compatibilities `[k, k]` that are theirs: row `a`, column `b` says how well label `a` goes with a neighbour of
    /// label `b`.
    #[must_use]
    pub fn edges(mut self, graph: &'a Graph, compatibilities: &'a [f64]) -> Self {
        self.kinds.push((graph, compatibilities));
        self
    }

    /// How much each object `[n]` hears its own distribution beside its neighbours, as one more neighbour of this weight that goes with equal labels
    /// and never moves; 0 is no seed, and under infinity an object stays as it is.
    #[must_use]
    pub fn seeds(mut self, seeds: &'a [f64]) -> Self {
        self.seeds = Some(seeds);
        self
    }

    /// Where the rounds begin, `[n, k]`, instead of at the distributions; objects held fast stay at these all the same. Products never bring
    /// back a label whose probability is 0 at the start, however a soft seed draws.
    #[must_use]
    pub fn start(mut self, start: &'a [f64]) -> Self {
        self.start = Some(start);
        self
    }

    /// Number of objects.
    pub(super) fn len(&self) -> usize {
        self.kinds.first().map_or(0, |kind| kind.0.len())
    }

    /// Number of labels, once checked.
    pub(super) fn classes(&self) -> usize {
        self.first.len() / self.len().max(1)
    }

    /// Whether an object stays as it is.
    pub(super) fn held(&self, i: usize) -> bool {
        self.seed(i) == f64::INFINITY
    }

    fn seed(&self, i: usize) -> f64 {
        self.seeds.map_or(0.0, |s| s[i])
    }

    /// The distributions in which the rounds begin.
    pub(super) fn begin(&self) -> Vec<f64> {
        let mut p = self.start.unwrap_or(self.first).to_vec();
        let k = self.classes();
        for (i, row) in p.chunks_exact_mut(k).enumerate() {
            if self.held(i) {
                row.copy_from_slice(&self.first[i * k..(i + 1) * k]);
            }
        }
        p
    }

    /// What bounds the support of an object: sums of weights times sums of absolute compatibilities.
    pub(super) fn reach(&self) -> f64 {
        let k = self.classes();
        let kinds = self.kinds.iter();
        kinds
            .map(|(g, r)| g.largest_sum() * largest_row(r, k))
            .sum()
    }

    /// `q_i(a) = sum_kinds sum_j w_ij sum_b r(a, b) p_j(b) + s_i p0_i(a)` for finite seeds `s`, and the average of `p_i . (q_i + s_i p0_i)`.
    pub(super) fn support(&self, p: &[f64], watch: &Watch<'_>) -> Result<(Vec<f64>, f64)> {
        let k = self.classes();
        let mut out = vec![0.0; p.len()];
        for (graph, compatibilities) in &self.kinds {
            let heard = graph.times(p, k, watch)?;
            for (out, heard) in out.chunks_exact_mut(k).zip(heard.chunks_exact(k)) {
                for (out, r) in out.iter_mut().zip(compatibilities.chunks_exact(k)) {
                    *out += r.iter().zip(heard).map(|(r, x)| r * x).sum::<f64>();
                }
            }
        }
        let mut total = 0.0;
        for (i, out) in out.chunks_exact_mut(k).enumerate() {
            let seed = self.seed(i);
            for (a, out) in out.iter_mut().enumerate() {
                let at = i * k + a;
                let drawn = if seed.is_finite() {
                    seed * self.first[at]
                } else {
                    0.0
                };
                total += p[at] * (*out + 2.0 * drawn);
                *out += drawn;
            }
        }
        Ok((out, total / self.len() as f64))
    }

    /// Refuses what does not fit; `least` is the smallest compatibility allowed.
    pub(super) fn check(&self, least: f64) -> Result<()> {
        let Some((graph, _)) = self.kinds.first() else {
            return Err(Error::empty(
                "the scene has no edges; give at least one graph",
            ));
        };
        let n = graph.len();
        let k = self.first.len() / n;
        if k == 0 || self.first.len() != n * k {
            return Err(Error::shape(format!(
                "distributions has {} numbers, which is no table of {n} objects; give one row of probabilities for each",
                self.first.len()
            )));
        }
        for (kind, (graph, compatibilities)) in self.kinds.iter().enumerate() {
            if graph.len() != n {
                return Err(Error::shape(format!(
                    "graph {kind} (counted from 0) has {} objects, but graph 0 has {n}; all kinds of edges must join the same objects",
                    graph.len()
                )));
            }
            let which = if self.kinds.len() > 1 {
                format!(" of graph {kind}")
            } else {
                String::new()
            };
            check_compatibilities(compatibilities, k, least, &which)?;
        }
        check_rows(self.first, k, "distributions")?;
        if let Some(start) = self.start {
            if start.len() != self.first.len() {
                return Err(Error::shape(format!(
                    "start has {} numbers, but distributions has {}; give as many rows and columns",
                    start.len(),
                    self.first.len()
                )));
            }
            check_rows(start, k, "start")?;
        }
        self.seeds.map_or(Ok(()), |seeds| check_seeds(seeds, n))
    }
}

fn check_compatibilities(r: &[f64], k: usize, least: f64, which: &str) -> Result<()> {
    if r.len() != k * k {
        return Err(Error::shape(format!(
            "compatibilities{which} has {} numbers, but {k} labels need {k} rows of {k}",
            r.len()
        )));
    }
    match r.iter().position(|r| !(r.is_finite() && *r >= least)) {
        None => Ok(()),
        Some(at) => Err(Error::parameter(format!(
            "compatibilities{which} has {} in row {}, column {} (counted from 0); give finite numbers, not negative for products",
            r[at],
            at / k,
            at % k
        ))),
    }
}

fn check_rows(rows: &[f64], k: usize, name: &str) -> Result<()> {
    for (i, row) in rows.chunks_exact(k).enumerate() {
        let sum: f64 = row.iter().sum();
        if !(row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= 1e-6) {
            return Err(Error::parameter(format!(
                "row {i} of {name} (counted from 0) is {row:?}; probabilities must be numbers that are not negative and sum up to 1"
            )));
        }
    }
    Ok(())
}

fn check_seeds(seeds: &[f64], n: usize) -> Result<()> {
    if seeds.len() != n {
        return Err(Error::shape(format!(
            "seeds has {} entries, but there are {n} objects; give one for each",
            seeds.len()
        )));
    }
    match seeds.iter().position(|s| s.is_nan() || *s < 0.0) {
        None => Ok(()),
        Some(i) => Err(Error::parameter(format!(
            "seeds has {} at position {i} (counted from 0); a seed's strength is 0, positive, or infinite to hold it fast",
            seeds[i]
        ))),
    }
}

/// The largest sum of the absolute compatibilities of a label.
pub(super) fn largest_row(r: &[f64], k: usize) -> f64 {
    let sums = r
        .chunks_exact(k.max(1))
        .map(|row| row.iter().map(|x| x.abs()).sum::<f64>());
    sums.fold(0.0, f64::max)
}

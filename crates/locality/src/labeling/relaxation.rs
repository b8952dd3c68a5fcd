//! Relaxation labeling.

use super::graph::Graph;
use super::propagation::largest;
use crate::{Error, Result, Watch};

/// How distributions move towards what is supported.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// `p_i(a) q_i(a) / sum_b p_i(b) q_i(b)` (Rosenfeld, Hummel and Zucker 1976, in the form of Pelillo 1997). Needs compatibilities that are not
    /// negative. A label of probability 0 stays there.
    Product,
    /// `p_i + s q_i`, projected on the simplex (Hummel and Zucker 1983). `None` takes a step `s` so short that consistency cannot fall: one over
    /// the largest sum of weights times the largest sum of absolute compatibilities.
    Gradient(Option<f64>),
}

/// The parameters of relaxation labeling.
///
/// With symmetric weights and symmetric compatibilities (and, for [`Step::Product`], such that are not negative) the average local consistency
/// `sum_i p_i . q_i / n` never falls.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxationLabeling {
    step: Step,
    max_iter: usize,
    tol: f64,
}

/// What relaxation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Labeling {
    /// The distribution of each object, `[n, k]`.
    pub distributions: Vec<f64>,
    /// Number of labels, `k`.
    pub classes: usize,
    /// The average local consistency before the first round and after each; a seed of finite strength `s` adds `2 s p_i . p0_i` for its object, by which
    /// it never falls with seeds, either.
    pub consistency: Vec<f64>,
    /// Whether the last round moved no probability by more than the tolerance.
    pub settled: bool,
}

impl Labeling {
    /// The likeliest label of each object, `[n]`.
    pub fn labels(&self) -> Vec<usize> {
        self.distributions
            .chunks_exact(self.classes.max(1))
            .map(largest)
            .collect()
    }
}

impl RelaxationLabeling {
    /// At most 100 rounds, at rest within 1e-6.
    pub fn new(step: Step) -> Self {
        Self {
            step,
            max_iter: 100,
            tol: 1e-6,
        }
    }

    /// Most rounds.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Objects rest once no probability moves by more than this.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Relaxes distributions `[n, k]` over the objects of a graph under compatibilities `[k, k]`; row `a`, column `b` says how well label `a` goes
    /// with a neighbour of label `b`. `seeds` `[n]` says how much each object hears its own first distribution beside its neighbours, as
    /// one more neighbour of this weight that goes with equal labels and never moves; 0 is no seed, and under infinity an object stays as it is.
    ///
    /// # Errors
    /// Lengths that do not fit; rows that are no distributions (negative, not finite, or a sum off 1 by more than 1e-6); compatibilities that are
    /// not finite, or negative under [`Step::Product`]; seeds that are negative or NaN; a step or tolerance out of range; an interruption.
    pub fn run(
        &self,
        graph: &Graph,
        compatibilities: &[f64],
        distributions: &[f64],
        seeds: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Labeling> {
        let n = graph.len();
        let k = distributions.len() / n;
        self.check(graph, compatibilities, distributions, seeds)?;
        let step = self.length(graph, compatibilities, k);
        let field = Field {
            graph,
            compatibilities,
            first: distributions,
            seeds,
            k,
        };
        let mut p = distributions.to_vec();
        let (mut q, value) = field.support(&p, watch)?;
        let mut out = Labeling {
            distributions: Vec::new(),
            classes: k,
            consistency: vec![value],
            settled: false,
        };
        for round in 0..self.max_iter {
            watch.check()?;
            watch.report(round, self.max_iter);
            let mut moved = 0.0_f64;
            for (i, (p, q)) in p.chunks_exact_mut(k).zip(q.chunks_exact(k)).enumerate() {
                if field.seed(i) == f64::INFINITY {
                    continue;
                }
                let before = p.to_vec();
                if self.step == Step::Product {
                    multiply(p, q);
                } else {
                    p.iter_mut().zip(q).for_each(|(p, q)| *p += step * q);
                    project(p);
                }
                let off = p.iter().zip(&before).map(|(a, b)| (a - b).abs());
                moved = off.fold(moved, f64::max);
            }
            let (next, value) = field.support(&p, watch)?;
            q = next;
            out.consistency.push(value);
            out.settled = moved <= self.tol;
            if out.settled {
                break;
            }
        }
        out.distributions = p;
        Ok(out)
    }

    /// The length of a gradient step.
    fn length(&self, graph: &Graph, compatibilities: &[f64], k: usize) -> f64 {
        match self.step {
            Step::Gradient(Some(step)) => step,
            Step::Gradient(None) => {
                let reach = graph.largest_sum() * largest_row(compatibilities, k);
                if reach > 0.0 { reach.recip() } else { 1.0 }
            }
            Step::Product => 0.0,
        }
    }

    fn check(
        &self,
        graph: &Graph,
        compatibilities: &[f64],
        distributions: &[f64],
        seeds: Option<&[f64]>,
    ) -> Result<()> {
        let n = graph.len();
        let k = distributions.len() / n;
        if k == 0 || distributions.len() != n * k {
            return Err(Error::shape(format!(
                "distributions has {} numbers, which is no table of {n} objects; give one row of probabilities for each",
                distributions.len()
            )));
        }
        if compatibilities.len() != k * k {
            return Err(Error::shape(format!(
                "compatibilities has {} numbers, but {k} labels need {k} rows of {k}",
                compatibilities.len()
            )));
        }
        let least = if self.step == Step::Product {
            0.0
        } else {
            f64::MIN
        };
        if let Some(at) = compatibilities
            .iter()
            .position(|r| !(r.is_finite() && *r >= least))
        {
            return Err(Error::parameter(format!(
                "compatibilities has {} in row {}, column {} (counted from 0); give finite numbers, not negative for products",
                compatibilities[at],
                at / k,
                at % k
            )));
        }
        for (i, row) in distributions.chunks_exact(k).enumerate() {
            let sum: f64 = row.iter().sum();
            if !(row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= 1e-6) {
                return Err(Error::parameter(format!(
                    "row {i} of distributions (counted from 0) is {row:?}; probabilities must not be negative and sum up to 1"
                )));
            }
        }
        if let Some(seeds) = seeds {
            check_seeds(seeds, n)?;
        }
        if let Step::Gradient(Some(step)) = self.step
            && !(step.is_finite() && step > 0.0)
        {
            return Err(Error::parameter(format!(
                "the step {step} must be a positive finite number"
            )));
        }
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(Error::parameter(format!(
                "tol={} must not be negative",
                self.tol
            )));
        }
        Ok(())
    }
}

/// What objects hear.
struct Field<'a> {
    graph: &'a Graph,
    compatibilities: &'a [f64],
    first: &'a [f64],
    seeds: Option<&'a [f64]>,
    k: usize,
}

impl Field<'_> {
    fn seed(&self, i: usize) -> f64 {
        self.seeds.map_or(0.0, |s| s[i])
    }

    /// `q_i(a) = sum_j w_ij sum_b r(a, b) p_j(b) + s_i p0_i(a)` for finite seeds `s`, and the average of `p_i . (q_i + s_i p0_i)`.
    fn support(&self, p: &[f64], watch: &Watch<'_>) -> Result<(Vec<f64>, f64)> {
        let k = self.k;
        let heard = self.graph.times(p, k, watch)?;
        let mut out = vec![0.0; heard.len()];
        let mut total = 0.0;
        for (i, (out, heard)) in out
            .chunks_exact_mut(k)
            .zip(heard.chunks_exact(k))
            .enumerate()
        {
            let seed = self.seed(i);
            let own = i * k..(i + 1) * k;
            let rows = self.compatibilities.chunks_exact(k);
            for (a, (out, r)) in out.iter_mut().zip(rows).enumerate() {
                *out = r.iter().zip(heard).map(|(r, x)| r * x).sum();
                let drawn = if seed.is_finite() {
                    seed * self.first[own.start + a]
                } else {
                    0.0
                };
                total += p[own.start + a] * (*out + 2.0 * drawn);
                *out += drawn;
            }
        }
        Ok((out, total / self.graph.len() as f64))
    }
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

fn largest_row(r: &[f64], k: usize) -> f64 {
    let sums = r
        .chunks_exact(k)
        .map(|row| row.iter().map(|x| x.abs()).sum::<f64>());
    sums.fold(0.0, f64::max)
}

/// The product step; without any support the distribution stays.
fn multiply(p: &mut [f64], q: &[f64]) {
    let sum: f64 = p.iter().zip(q.iter()).map(|(p, q)| p * q).sum();
    if sum > 0.0 {
        p.iter_mut().zip(q).for_each(|(p, q)| *p *= q / sum);
        let total: f64 = p.iter().sum();
        for p in p {
            *p /= total;
        }
    }
}

/// The nearest distribution (Held, Wolfe and Crowder 1974).
fn project(p: &mut [f64]) {
    let mut sorted = p.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (count, x) in sorted.iter().enumerate() {
        sum += x;
        let next = (sum - 1.0) / (count + 1) as f64;
        if x - next > 0.0 {
            shift = next;
        }
    }
    for x in p {
        *x = (*x - shift).max(0.0);
    }
}

/// Compatibilities `[k, k]` learnt from the labels `[n]` of neighbours: how many times as often labels `a` and `b` meet across the edges as they would
/// by chance, `P(a, b) / (P(a) P(b))`, each meeting counted both ways and `prior` meetings of each pair added. Symmetric and not negative; 1 for labels
/// that do not care, which is also the value for a label that never occurs. Objects without a label are left out.
///
/// # Errors
/// Labels that are not one for each object or not below `k`; no labels `k`; a prior that is negative or not finite.
pub fn compatibilities(
    graph: &Graph,
    labels: &[Option<usize>],
    k: usize,
    prior: f64,
) -> Result<Vec<f64>> {
    if labels.len() != graph.len() || k == 0 {
        return Err(Error::shape(format!(
            "labels has {} entries of {k} kinds, but there are {} objects; give one for each, and at least one kind",
            labels.len(),
            graph.len()
        )));
    }
    if let Some(i) = labels.iter().position(|l| l.is_some_and(|l| l >= k)) {
        return Err(Error::parameter(format!(
            "the label at position {i} (counted from 0) is not below {k}; number labels from 0"
        )));
    }
    if !(prior.is_finite() && prior >= 0.0) {
        return Err(Error::parameter(format!(
            "prior={prior} must be a finite number that is not negative"
        )));
    }
    let mut met = vec![prior; k * k];
    for i in 0..graph.len() {
        let (neighbours, weights) = graph.row(i);
        for (&j, w) in neighbours.iter().zip(weights) {
            if let (Some(a), Some(b)) = (labels[i], labels[j as usize]) {
                met[a * k + b] += 0.5 * w;
                met[b * k + a] += 0.5 * w;
            }
        }
    }
    let total: f64 = met.iter().sum();
    let share: Vec<f64> = met
        .chunks_exact(k)
        .map(|row| row.iter().sum::<f64>())
        .collect();
    let each = met.iter().enumerate().map(|(at, m)| {
        let chance = share[at / k] * share[at % k];
        if chance > 0.0 {
            m * total / chance
        } else {
            1.0
        }
    });
    Ok(each.collect())
}

/// [`compatibilities`] that few labels cannot lead astray: mixed with Potts compatibilities, `k` for equal labels and 0 for others, in proportion to
/// what was seen. `m` edges between labelled objects count for `m / (m + agreement)`, the belief that equal labels go together for the rest.
///
/// # Errors
/// As [`compatibilities`], and an `agreement` that is negative or not finite.
pub fn shrunk_compatibilities(
    graph: &Graph,
    labels: &[Option<usize>],
    k: usize,
    prior: f64,
    agreement: f64,
) -> Result<Vec<f64>> {
    let mut out = compatibilities(graph, labels, k, prior)?;
    if !(agreement.is_finite() && agreement >= 0.0) {
        return Err(Error::parameter(format!(
            "agreement={agreement} must be a finite number that is not negative"
        )));
    }
    if agreement > 0.0 {
        // Each edge of a symmetric graph is there from both ends.
        let both = |i: &usize| {
            let heard = graph.row(*i).0.iter();
            let known = heard.filter(|&&j| labels[j as usize].is_some()).count();
            known as f64
        };
        let labelled = (0..graph.len()).filter(|i| labels[*i].is_some());
        let seen = 0.5 * labelled.map(|i| both(&i)).sum::<f64>();
        let share = seen / (seen + agreement);
        for (at, r) in out.iter_mut().enumerate() {
            let same = if at / k == at % k { k as f64 } else { 0.0 };
            *r = share * *r + (1.0 - share) * same;
        }
    }
    Ok(out)
}

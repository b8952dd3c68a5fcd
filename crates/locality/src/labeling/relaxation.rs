//! Relaxation labeling.

use super::graph::Graph;
use super::propagation::largest;
use super::scene::Scene;
use crate::{Error, Result, Watch};

/// How distributions move towards what is supported.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// `p_i(a) q_i(a) / sum_b p_i(b) q_i(b)` (Rosenfeld, Hummel and Zucker 1976, in the form of Pelillo 1997). Needs compatibilities that are not
    /// negative. A label of probability 0 stays there.
    Product,
    /// `p_i + s q_i`, projected on the simplex (Hummel and Zucker 1983). `None` takes a step `s` so short that consistency cannot fall where
    /// weights and compatibilities are symmetric: one over the largest sum of weights times the largest sum of absolute compatibilities.
    Gradient(Option<f64>),
}

/// The parameters of relaxation labeling.
///
/// With symmetric weights and symmetric compatibilities (and, for [`Step::Product`], such that are not negative) the average local consistency
/// `sum_i p_i . q_i / n` never falls. With edges of several kinds ([`Scene`]) it suffices that what `i` hears of `j` is what `j` hears of `i`:
/// `sum_kinds w_ij r(a, b) = sum_kinds w_ji r(b, a)`. On other graphs it may fall.
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
    /// it never falls with seeds, either, where it would not without.
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
        let scene = Scene::new(distributions).edges(graph, compatibilities);
        match seeds {
            Some(seeds) => self.relax(&scene.seeds(seeds), watch),
            None => self.relax(&scene, watch),
        }
    }

    /// Relaxes what may have edges of several kinds, or begin elsewhere than at the distributions that seeds hear.
    ///
    /// # Errors
    /// As [`run`](Self::run); no graph; graphs of different numbers of objects.
    pub fn relax(&self, scene: &Scene<'_>, watch: &Watch<'_>) -> Result<Labeling> {
        let product = self.step == Step::Product;
        scene.check(if product { 0.0 } else { f64::MIN })?;
        self.check()?;
        let (k, step) = (scene.classes(), self.length(scene));
        let mut p = scene.begin();
        let (mut q, value) = scene.support(&p, watch)?;
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
                if scene.held(i) {
                    continue;
                }
                let before = p.to_vec();
                if product {
                    multiply(p, q);
                } else {
                    p.iter_mut().zip(q).for_each(|(p, q)| *p += step * q);
                    project(p);
                }
                let off = p.iter().zip(&before).map(|(a, b)| (a - b).abs());
                moved = off.fold(moved, f64::max);
            }
            let (next, value) = scene.support(&p, watch)?;
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
    fn length(&self, scene: &Scene<'_>) -> f64 {
        match self.step {
            Step::Gradient(Some(step)) => step,
            Step::Gradient(None) => {
                let reach = scene.reach();
                if reach > 0.0 { reach.recip() } else { 1.0 }
            }
            Step::Product => 0.0,
        }
    }

    fn check(&self) -> Result<()> {
        if let Step::Gradient(Some(step)) = self.step
            && !(step.is_finite() && step > 0.0)
        {
            return Err(Error::parameter(format!(
                "the length {step} of a gradient step must be a positive finite number"
            )));
        }
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(Error::parameter(format!(
                "tol={} must be a number that is not negative",
                self.tol
            )));
        }
        Ok(())
    }
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

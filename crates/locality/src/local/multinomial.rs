//! Multinomial logistic regression of samples with weights: all classes in one model.

use super::evidence::Evidence;
use super::family::Family;
use super::model::{WeightedModel, WeightedSample};
use super::newton::solve;
use crate::{Error, Result};

/// Most steps.
const STEPS: usize = 50;
/// Most halvings of a step.
const HALVINGS: usize = 30;
/// The squared decrement, over the sum of the weights, at which it is done.
const TOLERANCE: f64 = 1e-14;

/// Multinomial logistic regression, for [`Localized`](super::Localized): coefficients minimise
/// `-sum_i w_i ln p_(y_i)(x_i) + penalty / 2 sum_k |b_k|^2` with `p_k(x)` proportional to `exp(a_k + b_k . x)`. Constants are not penalised. The
/// responses are `[n, k]`, the share of each class in each sample; predictions are probabilities, `[m, k]`.
///
/// One step takes a time of the order of `n k^2 d^2`, so that for dozens of classes and columns one model for each class against the rest
/// ([`LocalLogistic`](super::LocalLogistic)'s default) is much faster.
///
/// ```
/// use locality::local::{Localized, Multinomial};
/// use locality::{Kernel, Rows, Watch};
/// let x: Vec<f64> = (0..90).map(|i| f64::from(i) / 10.0).collect();
/// let class = |i: usize| [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]][i / 30];
/// let y: Vec<f64> = (0..90).flat_map(class).collect();
/// let model = Localized::new(Multinomial::new(0.1)?, Kernel::gaussian(0.7));
/// let fit = model.fit(Rows::column(&x), Rows::new(&y, 90, 3)?, None, &Watch::default())?;
/// let at = fit.at(Rows::column(&[1.0, 4.5, 8.0]), &Watch::default())?;
/// assert!(at.values()[0] > 0.9 && at.values()[5] > 0.9 && at.values()[7] > 0.9);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Source: D. Boehning, *Multinomial logistic regression algorithm*, Annals of the Institute of Statistical Mathematics 44 (1992); here by
/// Newton's method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multinomial {
    penalty: f64,
    guard: bool,
}

impl Multinomial {
    /// With a penalty on squared slopes, the inverse of scikit-learn's `C`.
    ///
    /// # Errors
    /// A penalty that is negative or not finite.
    pub fn new(penalty: f64) -> Result<Self> {
        if penalty >= 0.0 && penalty.is_finite() {
            Ok(Self {
                penalty,
                guard: true,
            })
        } else {
            Err(Error::parameter(format!(
                "penalty={penalty} must be finite and not negative"
            )))
        }
    }

    /// Whether slopes are shrunk where evidence is thin, as those of [`LocalGlm`](super::LocalGlm); they are by default.
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }
}

/// Coefficients of a [`Multinomial`] model.
#[derive(Clone, Debug)]
pub struct MultinomialFit {
    /// Constant and slopes of each class, `[k, 1 + d]`.
    pub coefficients: Vec<f64>,
    /// Whether the minimum was found.
    pub converged: bool,
    guarded: Option<Guarded>,
}

/// What a sample tells of targets.
#[derive(Clone, Debug)]
struct Guarded {
    /// About the sample's centre.
    evidence: Evidence,
    center: Vec<f64>,
}

/// A sample laid out for the steps, and what is kept between them.
struct Task<'a> {
    sample: WeightedSample<'a>,
    /// Of each class's constant and slopes, `[k, 1 + d]`.
    penalties: Vec<f64>,
    classes: usize,
    /// The constant and the columns about their means, `[s, 1 + d]`.
    z: Vec<f64>,
    total: f64,
}

/// The risk and its derivatives; the curvature is a lower triangle, row after row.
struct Risk {
    value: f64,
    slope: Vec<f64>,
    curvature: Vec<f64>,
}

impl Task<'_> {
    fn features(&self) -> usize {
        self.sample.x.columns() + 1
    }

    /// Probabilities of the classes and the negative log-likelihood of a sample.
    fn shares(&self, theta: &[f64], i: usize, out: &mut [f64]) -> f64 {
        let q = self.features();
        let z = &self.z[i * q..][..q];
        for (out, b) in out.iter_mut().zip(theta.chunks_exact(q)) {
            *out = b.iter().zip(z).map(|(b, z)| b * z).sum();
        }
        let y = self.sample.y.row(i);
        let linear: f64 = out.iter().zip(y).map(|(f, y)| f * y).sum();
        let all: f64 = y.iter().sum();
        all * normalize(out) - linear
    }

    fn value(&self, theta: &[f64]) -> f64 {
        let mut shares = vec![0.0; self.classes];
        let losses = self.sample.weights.iter().enumerate();
        let losses: f64 = losses
            .map(|(i, w)| w * self.shares(theta, i, &mut shares))
            .sum();
        let squares = theta.iter().zip(&self.penalties).map(|(b, p)| p * b * b);
        losses + 0.5 * squares.sum::<f64>()
    }

    fn risk(&self, theta: &[f64]) -> Risk {
        let (q, k) = (self.features(), self.classes);
        let size = q * k;
        let mut out = Risk {
            value: 0.0,
            slope: vec![0.0; size],
            curvature: vec![0.0; size * (size + 1) / 2],
        };
        // Products of features under the curvature of each pair of classes, `[k (k + 1) / 2, q (q + 1) / 2]`.
        let triangle = q * (q + 1) / 2;
        let mut pairs = vec![0.0; k * (k + 1) / 2 * triangle];
        let mut products = vec![0.0; triangle];
        let mut shares = vec![0.0; k];
        for (i, &w) in self.sample.weights.iter().enumerate() {
            out.value += w * self.shares(theta, i, &mut shares);
            let (z, y) = (&self.z[i * q..][..q], self.sample.y.row(i));
            let all: f64 = y.iter().sum();
            let mut at = 0;
            for a in 0..q {
                for b in 0..=a {
                    products[at] = z[a] * z[b];
                    at += 1;
                }
            }
            for (c, slope) in out.slope.chunks_exact_mut(q).enumerate() {
                let pull = w * (all * shares[c] - y[c]);
                slope.iter_mut().zip(z).for_each(|(s, z)| *s += pull * z);
            }
            let mut sums = pairs.chunks_exact_mut(triangle);
            for a in 0..k {
                for b in 0..=a {
                    let own = if a == b { shares[a] } else { 0.0 };
                    let weight = w * all * (own - shares[a] * shares[b]);
                    if let Some(sums) = sums.next() {
                        let each = sums.iter_mut().zip(&products);
                        each.for_each(|(s, p)| *s += weight * p);
                    }
                }
            }
        }
        for ((b, p), slope) in theta.iter().zip(&self.penalties).zip(&mut out.slope) {
            out.value += 0.5 * p * b * b;
            *slope += p * b;
        }
        self.place(&pairs, &mut out.curvature);
        out
    }

    /// Puts the products of each pair of classes where they belong, and adds the penalty.
    fn place(&self, pairs: &[f64], curvature: &mut [f64]) {
        let (q, triangle) = (self.features(), self.features() * (self.features() + 1) / 2);
        let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
        for a in 0..self.classes {
            for b in 0..=a {
                let from = &pairs[at(a, b) * triangle..][..triangle];
                for i in 0..q {
                    for j in 0..q {
                        if a != b || j <= i {
                            let value = from[at(i.max(j), i.min(j))];
                            curvature[at(a * q + i, b * q + j)] = value;
                        }
                    }
                }
            }
            for i in a * q..(a + 1) * q {
                curvature[at(i, i)] += self.penalties[i];
            }
        }
    }

    /// Newton's steps, halved until the risk falls.
    fn minimize(&self, mut theta: Vec<f64>) -> (Vec<f64>, bool) {
        for _ in 0..STEPS {
            let risk = self.risk(&theta);
            let step = solve(&risk.curvature, &risk.slope);
            let decrement: f64 = step.iter().zip(&risk.slope).map(|(s, g)| s * g).sum();
            let close = decrement <= TOLERANCE * self.total;
            let mut share = 1.0;
            let mut moved = None;
            for _ in 0..HALVINGS {
                let pairs = theta.iter().zip(&step);
                let next: Vec<f64> = pairs.map(|(t, s)| t - share * s).collect();
                let value = self.value(&next);
                if value <= risk.value - 1e-4 * share * decrement + 1e-14 * risk.value.abs() {
                    moved = Some(next);
                    break;
                }
                share *= 0.5;
            }
            match moved {
                Some(next) => theta = next,
                None => return (theta, close),
            }
            if close {
                return (theta, true);
            }
        }
        (theta, false)
    }
}

impl WeightedModel for Multinomial {
    type Fit = MultinomialFit;

    fn outputs(&self, _columns: usize, responses: usize) -> usize {
        responses
    }

    /// It has a guard of its own.
    fn coefficients(&self, _columns: usize) -> usize {
        0
    }

    fn fit(
        &self,
        sample: &WeightedSample<'_>,
        start: Option<&MultinomialFit>,
    ) -> Result<MultinomialFit> {
        let (d, k) = (sample.x.columns(), sample.y.columns());
        let total: f64 = sample.weights.iter().sum();
        let mut center = vec![0.0; d];
        for (x, w) in sample.x.iter().zip(sample.weights) {
            center
                .iter_mut()
                .zip(x)
                .for_each(|(c, x)| *c += w / total * x);
        }
        let mut z = Vec::with_capacity(sample.weights.len() * (d + 1));
        for x in sample.x.iter() {
            z.push(1.0);
            z.extend(x.iter().zip(&center).map(|(x, c)| x - c));
        }
        let evidence = if self.guard {
            Evidence::of_rows(d, z.chunks_exact(d + 1).map(|z| &z[1..]), sample.weights)
        } else {
            None
        };
        let task = Task {
            sample: *sample,
            penalties: self.penalties(sample, evidence.as_ref(), total),
            classes: k,
            z,
            total,
        };
        let scarce = evidence.as_ref().is_some_and(Evidence::is_scarce);
        let mut theta = match start {
            Some(fit) if !scarce => fit.coefficients.clone(),
            _ => vec![0.0; k * (d + 1)],
        };
        shift(&mut theta, &center, 1.0);
        let (mut coefficients, converged) = task.minimize(theta);
        shift(&mut coefficients, &center, -1.0);
        Ok(MultinomialFit {
            coefficients,
            converged,
            guarded: evidence.map(|evidence| Guarded { evidence, center }),
        })
    }

    fn predict(&self, fit: &MultinomialFit, target: &[f64], out: &mut [f64]) {
        let each = fit.coefficients.chunks_exact(target.len() + 1);
        // Where a target is far, from the sample's centre towards it as far as slopes are believed.
        let place: Vec<f64> = match &fit.guarded {
            None => target.to_vec(),
            Some(guarded) => {
                let off = guarded.off(target);
                let reach = guarded.evidence.reach_at(&off);
                let each = guarded.center.iter().zip(target);
                each.map(|(c, x)| if reach < 1.0 { c + reach * (x - c) } else { *x })
                    .collect()
            }
        };
        for (out, b) in out.iter_mut().zip(each) {
            *out = b[0] + b[1..].iter().zip(&place).map(|(b, x)| b * x).sum::<f64>();
        }
        normalize(out);
    }

    fn is_thin(&self, fit: &MultinomialFit, target: &[f64]) -> bool {
        let thin = |guarded: &Guarded| guarded.evidence.is_thin(&guarded.off(target));
        fit.guarded.as_ref().is_some_and(thin)
    }
}

impl Guarded {
    /// A target about the sample's centre.
    fn off(&self, target: &[f64]) -> Vec<f64> {
        target
            .iter()
            .zip(&self.center)
            .map(|(x, c)| x - c)
            .collect()
    }
}

impl Multinomial {
    /// The penalty of each coefficient, `[k, 1 + d]`.
    fn penalties(
        &self,
        sample: &WeightedSample<'_>,
        evidence: Option<&Evidence>,
        total: f64,
    ) -> Vec<f64> {
        let (d, k) = (sample.x.columns(), sample.y.columns());
        let mut shares = vec![0.0; k];
        for (y, w) in sample.y.iter().zip(sample.weights) {
            let each = shares.iter_mut().zip(y);
            each.for_each(|(share, y)| *share += w * y / total);
        }
        let mut out = Vec::with_capacity(k * (d + 1));
        for share in shares {
            let curvature = total * Family::Binomial.curvature(share);
            out.push(0.0);
            let extra = |c: usize| evidence.map_or(0.0, |e| e.penalty(c, curvature));
            out.extend((0..d).map(|c| self.penalty + extra(c)));
        }
        out
    }
}

/// Moves the constants to where columns are about another centre.
fn shift(theta: &mut [f64], center: &[f64], sign: f64) {
    for b in theta.chunks_exact_mut(center.len() + 1) {
        let moved: f64 = b[1..].iter().zip(center).map(|(b, c)| b * c).sum();
        b[0] += sign * moved;
    }
}

/// Exponentials over their sum; returns the logarithm of that sum.
fn normalize(f: &mut [f64]) -> f64 {
    let top = f.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    for f in f.iter_mut() {
        *f = (*f - top).exp();
    }
    let sum: f64 = f.iter().sum();
    for f in f.iter_mut() {
        *f /= sum;
    }
    top + sum.ln()
}

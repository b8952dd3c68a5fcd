//! Mean-field inference in the fully connected conditional random field.

use super::crf::{Normalization, Pairwise};
use super::gauss::{GaussianSums, SumsBy, map_rows};
use super::propagation::largest;
use crate::{Error, Float, Result, Rows, Watch};

/// The parameters of a fully connected conditional random field with Gaussian pairwise terms (Krähenbühl and Koltun 2011).
///
/// Labels `x` of `n` objects have the energy `sum_i u_i(x_i) + sum_(i<j) sum_t k_t(i, j) mu_t(x_i, x_j)`: every pair of objects meets in
/// every term `t`. Mean-field inference repeats
/// `q_i(a) <- exp(-u_i(a) - sum_t sum_j k_t(i, j) sum_b mu_t(a, b) q_j(b)) / Z_i` for all objects at once. That is relaxation labeling whose
/// support is a Gaussian local mean of the labels. An object hears itself, too, as in the authors' program.
///
/// A message is a sum over all objects, for all objects. It takes time linear in their number: along one axis after the other where a term
/// is of places only, and else through a grid of splines, with no pair's weight off by more than the
/// [tolerance](Self::tolerance).
///
/// ```
/// use locality::{Rows, Watch, labeling::{Compatibility, DenseCrf, Pairwise}};
/// // A row of five pixels, dark and bright; the one in the middle leans the wrong way.
/// let grey = [0.0, 2.0, 1.0, 90.0, 91.0];
/// let p = [0.9, 0.1, 0.8, 0.2, 0.4, 0.6, 0.2, 0.8, 0.1, 0.9];
/// let unary: Vec<f64> = p.iter().map(|p: &f64| -p.ln()).collect();
/// let field = DenseCrf::new()
///     .pairwise(Pairwise::bilateral(&[1, 5], &[3.0, 3.0], Rows::column(&grey), &[5.0], Compatibility::Potts(3.0))?)
///     .fit(Rows::new(&unary, 5, 2)?, &Watch::default())?;
/// assert_eq!(field.inference(5, &Watch::default())?.labels(), [0, 0, 0, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DenseCrf<T> {
    terms: Vec<Pairwise<T>>,
    tolerance: f64,
}

/// A field over given objects, ready for inference.
#[derive(Clone, Debug)]
pub struct MeanField<T> {
    unary: Vec<T>,
    classes: usize,
    terms: Vec<Term<T>>,
}

#[derive(Clone, Debug)]
struct Term<T> {
    sums: GaussianSums<T>,
    before: Option<Vec<T>>,
    after: Option<Vec<T>>,
    /// `[k, k]`
    costs: Vec<T>,
    diagonal: bool,
}

/// Distributions over labels that mean-field inference found.
#[derive(Clone, Debug, PartialEq)]
pub struct Marginals<T> {
    /// The distribution of each object, `[n, k]`.
    pub distributions: Vec<T>,
    /// Number of labels, `k`.
    pub classes: usize,
    /// How much the last step moved any probability; 0 without a step.
    pub change: f64,
}

/// The parts of the free energy of distributions `q`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreeEnergy {
    /// `sum_i sum_a q_i(a) ln q_i(a)`.
    pub negative_entropy: f64,
    /// `sum_i sum_a u_i(a) q_i(a)`.
    pub unary: f64,
    /// `sum_t sum_i sum_j k_t(i, j) sum_ab mu_t(a, b) q_i(a) q_j(b)`: each pair counts twice, and each object meets itself.
    pub pairwise: f64,
}

impl FreeEnergy {
    /// The divergence of Kullback and Leibler from the field to `q`, up to a constant that does not depend on `q`.
    pub fn divergence(&self) -> f64 {
        self.negative_entropy + self.unary + 0.5 * self.pairwise
    }
}

impl<T: Float> Marginals<T> {
    /// The likeliest label of each object, `[n]`.
    pub fn labels(&self) -> Vec<usize> {
        let rows = self.distributions.chunks_exact(self.classes.max(1));
        rows.map(largest).collect()
    }
}

impl<T: Float> Default for DenseCrf<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> DenseCrf<T> {
    /// No pairwise term; weights are within 0.01.
    pub fn new() -> Self {
        Self {
            terms: Vec::new(),
            tolerance: 0.01,
        }
    }

    /// One more pairwise term.
    #[must_use]
    pub fn pairwise(mut self, term: Pairwise<T>) -> Self {
        self.terms.push(term);
        self
    }

    /// What the weight `exp(..)` of a pair, at most 1, may be off by; 0.01 by default. 0 is exact to rounding; for terms that are not of places only
    /// it then takes all pairs.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Meets unary energies `[n, k]`, such as `-ln` of a classifier's probabilities.
    ///
    /// # Errors
    /// Energies that are none or not finite; terms of other objects; compatibilities of other labels or not finite; a tolerance below 0 or
    /// above 0.5; an interruption.
    pub fn fit(&self, unary: Rows<'_, T>, watch: &Watch<'_>) -> Result<MeanField<T>> {
        unary.require_finite("unary")?;
        if !(self.tolerance >= 0.0 && self.tolerance <= 0.5) {
            return Err(Error::parameter(format!(
                "tolerance={} must be from 0 to 0.5",
                self.tolerance
            )));
        }
        let (n, k) = (unary.rows(), unary.columns());
        let mut terms = Vec::with_capacity(self.terms.len());
        for (at, term) in self.terms.iter().enumerate() {
            if term.objects != n {
                return Err(Error::shape(format!(
                    "pairwise term {at} (counted from 0) is of {} objects, but unary has {n} rows; they must be equally many",
                    term.objects
                )));
            }
            watch.check()?;
            let costs = term.compatibility.matrix(k)?;
            let sums = term.sums(k, self.tolerance)?;
            terms.push(Term::new(
                sums,
                term.normalization,
                &costs,
                n,
                self.tolerance,
                watch,
            )?);
        }
        Ok(MeanField {
            unary: unary.to_vec(),
            classes: k,
            terms,
        })
    }
}

impl<T: Float> Term<T> {
    fn new(
        sums: GaussianSums<T>,
        normalization: Normalization,
        costs: &[f64],
        n: usize,
        tolerance: f64,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let k = costs.len().isqrt();
        let power = match normalization {
            Normalization::None => None,
            Normalization::Symmetric => Some(-0.5),
            Normalization::Before | Normalization::After => Some(-1.0),
        };
        let scale = match power {
            None => None,
            Some(power) => {
                let total = sums.sums(&vec![T::ONE; n], 1, watch)?;
                // An object's own weight is 1, up to the tolerance.
                let least = 1.0 - tolerance;
                let each = total.iter().map(|s| s.to_f64().max(least).powf(power));
                Some(each.map(T::from_f64).collect::<Vec<T>>())
            }
        };
        let before = matches!(
            normalization,
            Normalization::Before | Normalization::Symmetric
        );
        let after = matches!(
            normalization,
            Normalization::After | Normalization::Symmetric
        );
        Ok(Self {
            sums,
            before: scale.clone().filter(|_| before),
            after: scale.filter(|_| after),
            costs: costs.iter().map(|&c| T::from_f64(c)).collect(),
            diagonal: (0..k * k).all(|i| i / k == i % k || costs[i] == 0.0),
        })
    }

    /// `sum_j k(i, j) q_j`, normalized, `[n, k]`.
    fn filter(&self, q: &[T], k: usize, watch: &Watch<'_>) -> Result<Vec<T>> {
        let scaled: Vec<T>;
        let values = match &self.before {
            None => q,
            Some(before) => {
                let rows = q.chunks_exact(k).zip(before);
                let rows = rows.flat_map(|(row, s)| row.iter().map(move |x| *x * *s));
                scaled = rows.collect();
                &scaled
            }
        };
        let mut out = self.sums.sums(values, k, watch)?;
        if let Some(after) = &self.after {
            for (row, s) in out.chunks_exact_mut(k).zip(after) {
                for x in row {
                    *x *= *s;
                }
            }
        }
        Ok(out)
    }

    /// Adds `mu` times a filtered row to `out`.
    fn cost(&self, filtered: &[T], out: &mut [T]) {
        let k = out.len();
        for (a, out) in out.iter_mut().enumerate() {
            if self.diagonal {
                *out += self.costs[a * k + a] * filtered[a];
                continue;
            }
            for (c, f) in self.costs[a * k..(a + 1) * k].iter().zip(filtered) {
                *out += *c * *f;
            }
        }
    }
}

impl<T: Float> MeanField<T> {
    /// Number of objects.
    pub fn objects(&self) -> usize {
        self.unary.len() / self.classes
    }

    /// Number of labels.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How the sums of each term are made.
    pub fn sums_by(&self) -> Vec<SumsBy> {
        self.terms.iter().map(|t| t.sums.by()).collect()
    }

    /// The distributions of the unary energies alone, `[n, k]`: where inference starts.
    pub fn start(&self) -> Vec<T> {
        let mut q = self.unary.clone();
        q.chunks_exact_mut(self.classes).for_each(soften);
        q
    }

    /// One step of inference from distributions `[n, k]`.
    ///
    /// # Errors
    /// Another number of distributions, numbers that are not finite, an interruption.
    pub fn step(&self, q: &[T], watch: &Watch<'_>) -> Result<Vec<T>> {
        self.check(q)?;
        let k = self.classes;
        let filtered = self.filter(q, watch)?;
        map_rows(self.objects(), watch, |i, out: &mut Vec<T>| {
            let own = i * k..(i + 1) * k;
            let at = out.len();
            out.extend_from_slice(&self.unary[own.clone()]);
            for (term, filtered) in self.terms.iter().zip(&filtered) {
                term.cost(&filtered[own.clone()], &mut out[at..]);
            }
            soften(&mut out[at..]);
        })
    }

    /// So many steps from the start; fewer where distributions come to rest exactly.
    ///
    /// # Errors
    /// An interruption.
    pub fn inference(&self, steps: usize, watch: &Watch<'_>) -> Result<Marginals<T>> {
        let mut q = self.start();
        let mut change = 0.0;
        for step in 0..steps {
            watch.check()?;
            watch.report(step, steps);
            let next = self.step(&q, watch)?;
            let moved = next.iter().zip(&q).map(|(a, b)| (*a - *b).abs().to_f64());
            change = moved.fold(0.0, f64::max);
            q = next;
            if change == 0.0 {
                break;
            }
        }
        Ok(Marginals {
            distributions: q,
            classes: self.classes,
            change,
        })
    }

    /// The free energy of distributions `[n, k]`.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn free_energy(&self, q: &[T], watch: &Watch<'_>) -> Result<FreeEnergy> {
        self.check(q)?;
        let k = self.classes;
        let mut out = FreeEnergy {
            negative_entropy: 0.0,
            unary: 0.0,
            pairwise: 0.0,
        };
        for (q, u) in q.iter().zip(&self.unary) {
            let q = q.to_f64();
            if q > 0.0 {
                out.negative_entropy += q * q.ln();
            }
            out.unary += q * u.to_f64();
        }
        let mut cost = vec![T::ZERO; k];
        for (term, filtered) in self.terms.iter().zip(self.filter(q, watch)?) {
            for (q, filtered) in q.chunks_exact(k).zip(filtered.chunks_exact(k)) {
                cost.fill(T::ZERO);
                term.cost(filtered, &mut cost);
                let products = q.iter().zip(&cost).map(|(q, c)| q.to_f64() * c.to_f64());
                out.pairwise += products.sum::<f64>();
            }
        }
        Ok(out)
    }

    fn filter(&self, q: &[T], watch: &Watch<'_>) -> Result<Vec<Vec<T>>> {
        let each = self.terms.iter().map(|t| t.filter(q, self.classes, watch));
        each.collect()
    }

    fn check(&self, q: &[T]) -> Result<()> {
        if q.len() != self.unary.len() {
            return Err(Error::shape(format!(
                "the distributions have {} numbers, but {} objects of {} labels need {}",
                q.len(),
                self.objects(),
                self.classes,
                self.unary.len()
            )));
        }
        Rows::new(q, self.objects(), self.classes)?.require_finite("distributions")
    }
}

/// Energies as a distribution: `exp(-e) / Z`.
fn soften<T: Float>(energies: &mut [T]) {
    let least = energies.iter().fold(T::INFINITY, |a, b| b.min(a));
    let mut sum = T::ZERO;
    for e in energies.iter_mut() {
        *e = (least - *e).exp_std();
        sum += *e;
    }
    for e in energies {
        *e = *e / sum;
    }
}

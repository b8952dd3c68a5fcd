//! Newton's method for one local generalized linear model.

use std::ops::Range;

use locality_core::Float;
use locality_core::isa::{Gram, Isa, Task, gram_len};

use super::approach::{Approach, Singles};
use super::chunks::{Chunk, Laid};
use super::design::{CHUNK, Design};
use super::evidence::{Evidence, Guarded, Spread};
use super::link::Linked;
use super::moments::{Moments, at as place};
use super::positive::Positive;

/// Most steps.
const STEPS: usize = 50;
/// Most halvings of a step.
const HALVINGS: usize = 20;
/// A decrement of this times the root of the tolerance is the last: the constant of quadratic convergence is about the number of
/// coefficients, and a hundred at the most for single samples far out.
const NEAR: f64 = 0.1;
/// Curvatures are not below this: slopes are divided by them.
const LEAST: f64 = 1e-250;

/// Which coefficients minimise `sum_i w_i l(y_i, b_0 + x_i b) + penalty / 2 |b|^2`.
pub(super) struct Newton<'a> {
    pub(super) design: &'a Design,
    pub(super) family: Linked,
    pub(super) penalty: f64,
    /// Runs of slots, and a weight for each slot of them.
    pub(super) runs: &'a [Range<usize>],
    pub(super) weights: &'a [f64],
    /// The weights' unit.
    pub(super) unit: f64,
    /// Where to start, `[1 + d]`.
    pub(super) start: &'a [f64],
    /// The table in single precision, for a logistic model.
    pub(super) singles: Option<&'a Singles>,
    /// Squared decrement, over the sum of the weights, at which it is done.
    pub(super) tolerance: f64,
    /// The target's columns, where slopes are shrunk if evidence is thin there.
    pub(super) guard: Option<&'a [f64]>,
}

/// Coefficients, `[1 + d]`.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) coefficients: Vec<f64>,
    pub(super) converged: bool,
    /// Sum of the weights, and effective number of samples.
    pub(super) weight: f64,
    pub(super) effective: f64,
    /// Whether evidence was too thin for all of the slopes.
    pub(super) thin: bool,
}

/// The risk at some coefficients, and its derivatives.
struct Risk {
    value: f64,
    slope: Vec<f64>,
    /// Lower triangle, row after row.
    curvature: Vec<f64>,
}

/// Buffers of a chunk.
struct Buffers {
    eta: [f64; CHUNK],
    losses: [f64; CHUNK],
    /// Slopes over curvatures.
    steps: [f64; CHUNK],
    curvatures: [f64; CHUNK],
    sums: Vec<f64>,
}

impl Task for Newton<'_> {
    type Out = Found;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Found {
        let d = self.design.linear();
        let mut buffers = Buffers {
            eta: [0.0; CHUNK],
            losses: [0.0; CHUNK],
            steps: [0.0; CHUNK],
            curvatures: [0.0; CHUNK],
            sums: vec![0.0; gram_len(d, d + 1)],
        };
        let (mut weight, mut squares) = (0.0, 0.0);
        for w in self.weights.chunks(CHUNK) {
            weight += isa.sum(w);
            squares += isa.dot(w, w);
        }
        let effective = if squares > 0.0 {
            weight * weight / squares
        } else {
            0.0
        };
        weight *= self.unit;
        let mut found = Found {
            coefficients: self.start.to_vec(),
            converged: false,
            weight,
            effective,
            thin: true,
        };
        if weight <= 0.0 {
            return found;
        }
        let laid = Laid {
            runs: self.runs,
            weights: self.weights,
            count: d + 1,
            size: CHUNK,
            column: |c, slots| {
                if c < d {
                    self.design.column(c, slots)
                } else {
                    self.design.response(0, slots)
                }
            },
        };
        let copied = laid.copied();
        let chunks = laid.chunks(copied.as_ref());
        let guarded = self
            .guard
            .and_then(|target| self.guarded(isa, &chunks, target));
        let penalties = self.penalties(guarded.as_ref(), weight);
        if self.family.is_positive() {
            let model = Positive::new(self.family, &chunks, self.unit, &penalties);
            (found.coefficients, found.converged) = model.find();
            found.thin = guarded.is_some_and(|g| g.hold(self.family, &mut found.coefficients));
            return found;
        }
        let starts = self.starts(guarded.as_ref());
        if let Some(singles) = self.singles
            && starts[0] == self.start
        {
            let approach = Approach {
                singles,
                runs: self.runs,
                weights: self.weights,
                unit: self.unit,
                weight,
                chunks: &chunks,
                penalties: &penalties,
                start: self.start,
                tolerance: self.tolerance,
            };
            if let Some(coefficients) = approach.find(isa) {
                (found.coefficients, found.converged) = (coefficients, true);
            }
        }
        for start in starts {
            if found.converged {
                break;
            }
            (found.coefficients, found.converged) =
                self.descend(isa, &chunks, (start, weight), &penalties, &mut buffers);
        }
        found.thin = guarded.is_some_and(|g| g.hold(self.family, &mut found.coefficients));
        found
    }
}

pub(super) fn moved(at: &[f64], step: &[f64], share: f64) -> Vec<f64> {
    at.iter().zip(step).map(|(b, s)| b - share * s).collect()
}

impl Newton<'_> {
    /// Newton's steps under a sum of weights, halved until the risk falls: coefficients, and whether the minimum was found.
    #[inline(always)]
    fn descend<I: Isa>(
        &self,
        isa: I,
        chunks: &[Chunk<'_, f64>],
        (mut at, weight): (Vec<f64>, f64),
        penalties: &[f64],
        buffers: &mut Buffers,
    ) -> (Vec<f64>, bool) {
        let mut risk = self.risk(isa, chunks, &at, penalties, buffers);
        for _ in 0..STEPS {
            let step = solve(&risk.curvature, &risk.slope);
            let decrement: f64 = step.iter().zip(&risk.slope).map(|(a, b)| a * b).sum();
            if decrement <= self.tolerance * weight {
                return (moved(&at, &step, 1.0), true);
            }
            let mut share = 1.0;
            // Decrements are squared from step to step: the one after this would be below the tolerance.
            let newton = self.family.is_canonical();
            if newton && decrement <= NEAR * self.tolerance.sqrt() * weight {
                return (moved(&at, &step, share), true);
            }
            let mut halvings = 0;
            loop {
                let next = moved(&at, &step, share);
                let there = self.risk(isa, chunks, &next, penalties, buffers);
                // A decrease that can be seen beside rounding, or no increase where none can be.
                let slack = 1e-14 * risk.value.abs();
                if there.value <= risk.value - 1e-4 * share * decrement + slack {
                    (at, risk) = (next, there);
                    break;
                }
                halvings += 1;
                share *= 0.5;
                if halvings > HALVINGS {
                    return (at, false);
                }
            }
        }
        (at, false)
    }

    /// Where to start from, one after the other until a minimum is found: at the local mean first where there is little beside it.
    fn starts(&self, guarded: Option<&Guarded<'_>>) -> Vec<Vec<f64>> {
        let Some(guarded) = guarded else {
            return vec![self.start.to_vec()];
        };
        let mut mean = vec![0.0; self.start.len()];
        mean[0] = self.family.link(guarded.spread.mean);
        if guarded.evidence.is_scarce() {
            vec![mean]
        } else {
            vec![self.start.to_vec(), mean]
        }
    }

    /// The penalty of each coefficient, `[1 + d]`, beside a sum of weights.
    fn penalties(&self, guarded: Option<&Guarded<'_>>, weight: f64) -> Vec<f64> {
        let mut out = vec![self.penalty; self.design.linear() + 1];
        out[0] = 0.0;
        if let Some(guarded) = guarded {
            let curvature = weight * self.family.curvature(guarded.spread.mean);
            for (column, out) in out[1..].iter_mut().enumerate() {
                *out += guarded.evidence.penalty(column, curvature);
            }
        }
        out
    }

    /// What the sample tells of a target; none where it is empty.
    #[inline(always)]
    fn guarded<'t, I: Isa>(
        &self,
        isa: I,
        chunks: &[Chunk<'_, f64>],
        target: &'t [f64],
    ) -> Option<Guarded<'t>> {
        let d = self.design.linear();
        let mut sums = vec![0.0; gram_len(d, d + 1)];
        let mut shifts = target.to_vec();
        shifts.push(0.0);
        let mut squares = 0.0;
        let mut columns: Vec<&[f64]> = Vec::with_capacity(d + 1);
        for chunk in chunks {
            columns.clear();
            columns.extend(&chunk.columns[..=d]);
            squares += isa.dot(chunk.weights, chunk.weights);
            let gram = Gram {
                weights: chunk.weights,
                columns: &columns,
                shifts: &shifts,
                square: d,
            };
            isa.gram(gram, &mut sums);
        }
        let moments = Moments::of_sums(d, squares, sums);
        let evidence = Evidence::new(&moments)?;
        let mut spread = Spread {
            mean: moments.response(0).0 / moments.weight(),
            variance: 0.0,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        };
        for chunk in chunks {
            for (y, w) in chunk.columns[d].iter().zip(chunk.weights) {
                if *w > 0.0 {
                    let off = y - spread.mean;
                    spread.variance += w / moments.weight() * off * off;
                    (spread.low, spread.high) = (spread.low.min(*y), spread.high.max(*y));
                }
            }
        }
        Some(Guarded {
            target,
            evidence,
            spread,
        })
    }

    #[inline(always)]
    fn risk<I: Isa>(
        &self,
        isa: I,
        chunks: &[Chunk<'_, f64>],
        at: &[f64],
        penalties: &[f64],
        buffers: &mut Buffers,
    ) -> Risk {
        let d = self.design.linear();
        let triangle = place(d, d) + 1;
        buffers.sums.fill(0.0);
        let mut value = 0.0;
        for chunk in chunks {
            value += self.chunk(isa, at, chunk, buffers);
        }
        let unit = self.unit;
        for s in &mut buffers.sums {
            *s *= unit;
        }
        let (curvature, slope) = buffers.sums.split_at(triangle);
        let mut out = Risk {
            value: value * unit,
            slope: slope.to_vec(),
            curvature: curvature.to_vec(),
        };
        let each = at.iter().zip(penalties).zip(&mut out.slope).enumerate();
        for (i, ((b, penalty), slope)) in each.skip(1) {
            out.curvature[place(i, i)] += penalty;
            *slope += penalty * b;
            out.value += 0.5 * penalty * b * b;
        }
        if !out.value.is_finite() {
            out.value = f64::INFINITY;
        }
        out
    }

    /// Adds the sums of a chunk, and returns its weighted losses. Curvatures are the weights of the sums; slopes are those of a response
    /// of slopes over curvatures.
    #[inline(always)]
    fn chunk<I: Isa>(
        &self,
        isa: I,
        at: &[f64],
        chunk: &Chunk<'_, f64>,
        buffers: &mut Buffers,
    ) -> f64 {
        let d = self.design.linear();
        let w = chunk.weights;
        let len = w.len();
        let eta = &mut buffers.eta[..len];
        predictors(isa, at, &chunk.columns[..d], eta);
        let largest = self.family.largest();
        for eta in &mut *eta {
            *eta = eta.clamp(-largest, largest);
        }
        let losses = &mut buffers.losses[..len];
        let steps = &mut buffers.steps[..len];
        let curvatures = &mut buffers.curvatures[..len];
        let out = [&mut *losses, &mut *steps, &mut *curvatures];
        self.family.terms(isa, eta, chunk.columns[d], out);
        for ((s, c), w) in steps.iter_mut().zip(&mut *curvatures).zip(w) {
            let curvature = c.max(LEAST);
            *s /= curvature;
            *c = curvature * w;
        }
        let mut columns = chunk.columns.clone();
        columns[d] = steps;
        let gram = Gram {
            weights: curvatures,
            columns: &columns,
            shifts: &[],
            square: d,
        };
        isa.gram(gram, &mut buffers.sums);
        isa.dot(losses, w)
    }
}

/// The linear predictors of a chunk.
#[inline(always)]
pub(super) fn predictors<T: Float, I: Isa>(isa: I, at: &[T], columns: &[&[T]], eta: &mut [T]) {
    let len = eta.len();
    eta.fill(at[0]);
    let (fours, rest) = columns.as_chunks::<4>();
    let (of_fours, of_rest) = at[1..].as_chunks::<4>();
    for (four, b) in fours.iter().zip(of_fours) {
        let [x, y, z, w] = four.map(|x| &x[..len]);
        for i in 0..len {
            let first = isa.fma(b[1], y[i], isa.fma(b[0], x[i], eta[i]));
            eta[i] = isa.fma(b[3], w[i], isa.fma(b[2], z[i], first));
        }
    }
    for (x, b) in rest.iter().zip(of_rest) {
        for (eta, x) in eta.iter_mut().zip(*x) {
            *eta = isa.fma(*b, *x, *eta);
        }
    }
}

/// `L D L^T` of a lower triangle, row after row: `L` with the pivots `D` in place of its ones. Directions without any curvature have none.
pub(super) struct Factor {
    l: Vec<f64>,
    /// The least pivot over the diagonal number that it is what is left of.
    pub(super) least: f64,
}

impl Factor {
    pub(super) fn new(a: &[f64], n: usize) -> Self {
        let mut l = a.to_vec();
        let mut least = f64::INFINITY;
        for j in 0..n {
            let own = a[place(j, j)];
            for k in 0..j {
                l[place(j, j)] -= l[place(j, k)] * l[place(j, k)] * l[place(k, k)];
            }
            let pivot = l[place(j, j)];
            let sound = pivot > 1e-13 * own;
            least = least.min(if sound { pivot / own } else { 0.0 });
            l[place(j, j)] = if sound { pivot } else { 0.0 };
            for i in j + 1..n {
                let mut x = l[place(i, j)];
                for k in 0..j {
                    x -= l[place(i, k)] * l[place(j, k)] * l[place(k, k)];
                }
                l[place(i, j)] = if sound { x / pivot } else { 0.0 };
            }
        }
        Self { l, least }
    }

    /// `A^-1 b`; directions without any curvature are left alone.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (l, n) = (&self.l, b.len());
        let mut x = b.to_vec();
        for i in 0..n {
            for j in 0..i {
                x[i] -= l[place(i, j)] * x[j];
            }
        }
        for i in (0..n).rev() {
            let pivot = l[place(i, i)];
            x[i] = if pivot > 0.0 { x[i] / pivot } else { 0.0 };
            for j in i + 1..n {
                x[i] -= l[place(j, i)] * x[j];
            }
        }
        x
    }
}

/// `A^-1 b` by [`Factor`].
pub(super) fn solve(a: &[f64], b: &[f64]) -> Vec<f64> {
    Factor::new(a, b.len()).solve(b)
}

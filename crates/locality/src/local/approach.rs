//! The minimum of a local logistic model, approached in single precision and told in double.
//!
//! Curvatures are most of the work of Newton's method, and need not be exact: steps under inexact ones still rest where the slope vanishes.
//! So they are formed in single precision, the first from derivatives at the start that all targets share; what decides where it
//! rests, the last slopes, is in double precision. A direction whose curvature is lost in the rounding of the others would hide its
//! slope: where there is one, nothing is approached, and all is done in double precision.
//!
//! Source: J. E. Dennis, R. B. Schnabel, *Numerical methods for unconstrained optimization and nonlinear equations* (1983), 6 (the chord method).

use std::ops::Range;

use locality_core::Float;
use locality_core::isa::{Gram, Isa, Task, dispatch, gram_len};

use super::chunks::{Chunk, Laid};
use super::design::{CHUNK, Design};
use super::moments::at as place;
use super::newton::{Factor, moved, predictors};

/// Samples that are worked on at a time in single precision: sums are added up in double after each.
const LONG: usize = 4 * CHUNK;
/// Weights and curvatures below this are none: their products are beyond single precision.
const LEAST: f64 = 1e-30;
/// Weights that are none may be this share of all.
const MOST_LOST: f64 = 1e-3;
/// Pivots of curvatures are at least this share of what they are left of: a thousand times the rounding of sums.
const LEAST_PIVOT: f64 = 1e-4;
/// Curvatures are formed anew down to this decrement over the sum of the weights. Every step under the last of them then reduces the decrement
/// about as much.
const CURVED: f64 = 2e-3;
/// Most steps with curvatures, and with slopes alone.
const STEPS: usize = 8;
/// Steps must reduce the decrement at least so much.
const CONTRACTION: f64 = 0.1;
/// A decrement is foretold from the one before it and the contraction so far, with this to spare.
const SPARE: f64 = 10.0;

/// The table of a logistic model in single precision, with the derivatives of every sample's loss where targets start.
#[derive(Clone, Debug)]
pub(super) struct Singles {
    /// Columns, the response, curvatures and slopes at the start, `[d + 3][padded]`.
    columns: Vec<f32>,
    padded: usize,
    d: usize,
}

impl Singles {
    /// Of the first `n` slots of a design, for targets that start from coefficients `[1 + d]`.
    pub(super) fn new(design: &Design, n: usize, start: &[f64]) -> Self {
        let (d, padded) = (design.linear(), n.next_multiple_of(CHUNK));
        let mut columns = vec![0.0; (d + 3) * padded];
        for (c, to) in columns.chunks_exact_mut(padded).take(d + 1).enumerate() {
            let from = if c < d {
                design.column(c, 0..padded)
            } else {
                design.response(0, 0..padded)
            };
            to.iter_mut().zip(from).for_each(|(to, x)| *to = *x as f32);
        }
        let mut singles = Self { columns, padded, d };
        let start: Vec<f32> = start.iter().map(|b| *b as f32).collect();
        let ones = [1.0; CHUNK];
        let (mut curvatures, mut slopes) = (vec![0.0; padded], vec![0.0; padded]);
        let each = curvatures.chunks_exact_mut(CHUNK);
        for (i, (curvatures, slopes)) in each.zip(slopes.chunks_exact_mut(CHUNK)).enumerate() {
            let slots = i * CHUNK..(i + 1) * CHUNK;
            let columns: Vec<_> = (0..=d).map(|c| singles.column(c, slots.clone())).collect();
            dispatch(Terms {
                chunk: &Chunk {
                    weights: &ones,
                    columns,
                },
                d,
                at: &start,
                slopes,
                curvatures: Some(curvatures),
            });
        }
        singles.columns[(d + 1) * padded..][..padded].copy_from_slice(&curvatures);
        singles.columns[(d + 2) * padded..].copy_from_slice(&slopes);
        singles
    }

    fn column(&self, c: usize, slots: Range<usize>) -> &[f32] {
        &self.columns[c * self.padded..][slots]
    }
}

/// A target's problem, as [`Newton`](super::newton::Newton) has it.
pub(super) struct Approach<'a> {
    pub(super) singles: &'a Singles,
    pub(super) runs: &'a [Range<usize>],
    /// A weight for each slot of the runs, the largest about 1, and their unit.
    pub(super) weights: &'a [f64],
    pub(super) unit: f64,
    /// The sum of the weights times their unit.
    pub(super) weight: f64,
    pub(super) chunks: &'a [Chunk<'a, f64>],
    pub(super) penalties: &'a [f64],
    pub(super) start: &'a [f64],
    pub(super) tolerance: f64,
}

/// Sums over the samples, and what steps are made of.
struct Sums {
    /// As [`Gram`] has them for the columns alone: a lower triangle.
    curvature: Vec<f64>,
    slope: Vec<f64>,
}

impl Approach<'_> {
    /// The minimum; none where single precision does not lead there.
    #[inline(always)]
    pub(super) fn find<I: Isa>(&self, isa: I) -> Option<Vec<f64>> {
        let singles = self.singles;
        let d = singles.d;
        let single = |w: &f64| if *w < LEAST { 0.0 } else { *w as f32 };
        let weights: Vec<f32> = self.weights.iter().map(single).collect();
        let all = self.weight / self.unit;
        let kept = (isa.sum(&weights) - all).abs() <= MOST_LOST * all;
        if !kept {
            return None;
        }
        let laid = Laid {
            runs: self.runs,
            weights: &weights,
            count: d + 3,
            size: LONG,
            column: |c, slots| singles.column(c, slots),
        };
        let copied = laid.copied();
        let chunks = laid.chunks(copied.as_ref());
        let mut sums = Sums {
            curvature: vec![0.0; gram_len(d, d)],
            slope: vec![0.0; d + 1],
        };
        let mut at = self.start.to_vec();
        let mut before = f64::INFINITY;
        let mut steps = 0;
        let factor = loop {
            let known = steps == 0;
            isa.enter(Curved {
                chunks: &chunks,
                d,
                at: &narrow(&at),
                known,
                sums: &mut sums,
            });
            self.finish(&at, &mut sums, true);
            let factor = self.factor(&sums.curvature)?;
            let (step, decrement) = self.step(&factor, &sums.slope);
            if !(decrement >= 0.0 && decrement <= 0.5 * before) {
                return None;
            }
            at = moved(&at, &step, 1.0);
            (before, steps) = (decrement, steps + 1);
            if decrement <= CURVED {
                break factor;
            }
            if steps == STEPS {
                return None;
            }
        };
        isa.enter(Sloped {
            chunks: &chunks,
            d,
            at: &narrow(&at),
            slope: &mut sums.slope,
        });
        let mut contraction = 0.0_f64;
        for _ in 0..STEPS {
            self.finish(&at, &mut sums, false);
            let (step, decrement) = self.step(&factor, &sums.slope);
            if !(decrement >= 0.0 && decrement <= (CONTRACTION * before).max(self.tolerance)) {
                return None;
            }
            at = moved(&at, &step, 1.0);
            // The first of them is of single precision.
            let double = contraction > 0.0;
            contraction = contraction.max(decrement / before).max(f64::MIN_POSITIVE);
            if double && SPARE * contraction * decrement <= self.tolerance {
                return Some(at);
            }
            before = decrement;
            isa.enter(Sloped {
                chunks: self.chunks,
                d,
                at: &at,
                slope: &mut sums.slope,
            });
        }
        None
    }

    /// Sums in their unit and with the penalties.
    fn finish(&self, at: &[f64], sums: &mut Sums, curved: bool) {
        sums.slope.iter_mut().for_each(|s| *s *= self.unit);
        if curved {
            sums.curvature.iter_mut().for_each(|s| *s *= self.unit);
        }
        for (i, (b, penalty)) in at.iter().zip(self.penalties).enumerate().skip(1) {
            sums.slope[i] += penalty * b;
            if curved {
                sums.curvature[place(i, i)] += penalty;
            }
        }
    }

    /// The curvatures' factor; none where single precision cannot tell every direction's.
    fn factor(&self, curvature: &[f64]) -> Option<Factor> {
        let n = self.start.len();
        let large = |i| curvature[place(i, i)] > LEAST * self.unit;
        let factor = Factor::new(curvature, n);
        ((0..n).all(large) && factor.least > LEAST_PIVOT).then_some(factor)
    }

    /// Newton's step, and its decrement over the sum of the weights.
    fn step(&self, factor: &Factor, slope: &[f64]) -> (Vec<f64>, f64) {
        let step = factor.solve(slope);
        let decrement: f64 = step.iter().zip(slope).map(|(a, b)| a * b).sum();
        (step, decrement / self.weight)
    }
}

fn narrow(at: &[f64]) -> Vec<f32> {
    at.iter().map(|b| *b as f32).collect()
}

/// Sums of curvatures and slopes.
struct Curved<'a> {
    chunks: &'a [Chunk<'a, f32>],
    d: usize,
    at: &'a [f32],
    /// Whether the derivatives are the known ones, at the start.
    known: bool,
    sums: &'a mut Sums,
}

impl Task for Curved<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (d, sums) = (self.d, self.sums);
        sums.curvature.fill(0.0);
        sums.slope.fill(0.0);
        let (mut slopes, mut curvatures) = ([0.0; LONG], [0.0; LONG]);
        for chunk in self.chunks {
            let len = chunk.weights.len();
            let (slopes, curvatures) = (&mut slopes[..len], &mut curvatures[..len]);
            if self.known {
                multiply(chunk.weights, chunk.columns[d + 1], curvatures);
                multiply(chunk.weights, chunk.columns[d + 2], slopes);
            } else {
                Terms {
                    chunk,
                    d,
                    at: self.at,
                    slopes: &mut *slopes,
                    curvatures: Some(&mut *curvatures),
                }
                .run(isa);
            }
            let gram = Gram {
                weights: curvatures,
                columns: &chunk.columns[..d],
                shifts: &[],
                square: d,
            };
            isa.gram(gram, &mut sums.curvature);
            add(isa, slopes, &chunk.columns[..d], &mut sums.slope);
        }
    }
}

/// Sums of slopes.
struct Sloped<'a, T> {
    chunks: &'a [Chunk<'a, T>],
    d: usize,
    at: &'a [T],
    slope: &'a mut [f64],
}

impl<T: Float> Task for Sloped<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        self.slope.fill(0.0);
        let mut slopes = [T::ZERO; LONG];
        for chunk in self.chunks {
            let slopes = &mut slopes[..chunk.weights.len()];
            Terms {
                chunk,
                d: self.d,
                at: self.at,
                slopes: &mut *slopes,
                curvatures: None,
            }
            .run(isa);
            add(isa, slopes, &chunk.columns[..self.d], self.slope);
        }
    }
}

#[inline(always)]
fn multiply(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = a * b;
    }
}

/// Adds the sums of weighted slopes times the constant and each column.
#[inline(always)]
fn add<T: Float, I: Isa>(isa: I, slopes: &[T], columns: &[&[T]], out: &mut [f64]) {
    out[0] += isa.sum(slopes);
    for (out, column) in out[1..].iter_mut().zip(columns) {
        *out += isa.dot(slopes, column);
    }
}

/// Weighted derivatives of the losses of a chunk by the linear predictor.
struct Terms<'a, 'b, T> {
    chunk: &'a Chunk<'b, T>,
    d: usize,
    at: &'a [T],
    slopes: &'a mut [T],
    curvatures: Option<&'a mut [T]>,
}

impl<T: Float> Task for Terms<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (chunk, d) = (self.chunk, self.d);
        let (w, len) = (chunk.weights, chunk.weights.len());
        let mut eta = [T::ZERO; LONG];
        let eta = &mut eta[..len];
        predictors(isa, self.at, &chunk.columns[..d], eta);
        let y = &chunk.columns[d][..len];
        let slopes = &mut self.slopes[..len];
        // Of the smaller side, which does not overflow.
        let term = |eta: T| {
            let small = isa.exp(-eta.abs());
            let share = T::ONE / (T::ONE + small);
            let other = small * share;
            (if eta >= T::ZERO { share } else { other }, other * share)
        };
        match self.curvatures {
            Some(curvatures) => {
                let curvatures = &mut curvatures[..len];
                for i in 0..len {
                    let (mean, curvature) = term(eta[i]);
                    slopes[i] = (mean - y[i]) * w[i];
                    curvatures[i] = curvature * w[i];
                }
            }
            None => {
                for i in 0..len {
                    slopes[i] = (term(eta[i]).0 - y[i]) * w[i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

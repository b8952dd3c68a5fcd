//! Weighted moments of a local sample: sums of `w a b` over all pairs of a target's features and responses.

use super::design::{CHUNK, Design, Product};
use locality_core::LocalSample;
use locality_core::isa::{Isa, Task};

/// Sums over a local sample, about a target: features are of `x - target`.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    /// Sum of the weights, and of their squares.
    pub(super) weight: f64,
    pub(super) squares: f64,
    /// Sums of the weighted features, `[q]`.
    pub(super) features: Vec<f64>,
    /// Of pairs of them, lower triangle, row after row.
    pub(super) pairs: Vec<f64>,
    /// Of responses, `[p]`.
    pub(super) responses: Vec<f64>,
    /// Of features times responses, `[p][q]`.
    pub(super) products: Vec<f64>,
    /// The same as `weight`, `features` and `pairs` for squared weights over sample weights: what errors are made of.
    pub(super) second: Option<Second>,
}

/// Sums with squared weights.
#[derive(Clone, Debug)]
pub(super) struct Second {
    pub(super) weight: f64,
    pub(super) features: Vec<f64>,
    pub(super) pairs: Vec<f64>,
}

/// The moments of a sample.
pub(super) struct Sum<'a> {
    pub(super) design: &'a Design,
    pub(super) sample: LocalSample<'a, f64>,
    /// The target's model columns.
    pub(super) target: &'a [f64],
    pub(super) with_second: bool,
}

impl Task for Sum<'_> {
    type Out = Moments;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Moments {
        let p = self.design.responses();
        let q = self.design.features();
        let mut out = Moments {
            weight: 0.0,
            squares: 0.0,
            features: vec![0.0; q],
            pairs: vec![0.0; q * (q + 1) / 2],
            responses: vec![0.0; p],
            products: vec![0.0; p * q],
            second: self.with_second.then(|| Second {
                weight: 0.0,
                features: vec![0.0; q],
                pairs: vec![0.0; q * (q + 1) / 2],
            }),
        };
        let mut features = vec![[0.0; CHUNK]; q];
        let mut weighted = vec![[0.0; CHUNK]; q];
        let mut squared = [0.0; CHUNK];
        for (run, weights) in self.sample.iter() {
            let mut start = run.start;
            for w in weights.chunks(CHUNK) {
                let slots = start..start + w.len();
                start = slots.end;
                if w.iter().all(|w| *w == 0.0) {
                    continue;
                }
                self.features(slots.clone(), &mut features);
                out.weight += isa.sum(w);
                out.squares += isa.dot(w, w);
                let sums = (&mut out.features[..], &mut out.pairs[..]);
                pairs(isa, w, &features, &mut weighted, sums);
                for c in 0..p {
                    let y = self.design.response(c, slots.clone());
                    out.responses[c] += isa.dot(w, y);
                    for (f, to) in weighted.iter().zip(&mut out.products[c * q..][..q]) {
                        *to += isa.dot(&f[..w.len()], y);
                    }
                }
                if let Some(second) = &mut out.second {
                    let squared = &mut squared[..w.len()];
                    for (s, w) in squared.iter_mut().zip(w) {
                        *s = w * w;
                    }
                    if let Some(inverse) = self.design.inverse(slots) {
                        for (s, by) in squared.iter_mut().zip(inverse) {
                            *s *= by;
                        }
                    }
                    second.weight += isa.sum(squared);
                    let sums = (&mut second.features[..], &mut second.pairs[..]);
                    pairs(isa, squared, &features, &mut weighted, sums);
                }
            }
        }
        out
    }
}

impl Sum<'_> {
    /// The features of some slots.
    #[inline(always)]
    fn features(&self, slots: std::ops::Range<usize>, out: &mut [[f64; CHUNK]]) {
        let design = self.design;
        let len = slots.len();
        for (f, product) in design.products().iter().enumerate() {
            let (before, to) = out.split_at_mut(f);
            let to = &mut to[0][..len];
            match *product {
                Product::Column(c) => {
                    let (x, t) = (design.column(c, slots.clone()), self.target[c]);
                    for (to, x) in to.iter_mut().zip(x) {
                        *to = x - t;
                    }
                }
                Product::Of(a, b) => {
                    for ((to, a), b) in to.iter_mut().zip(&before[a]).zip(&before[b]) {
                        *to = a * b;
                    }
                }
            }
        }
    }
}

/// Adds sums of weighted features and of pairs of them.
#[inline(always)]
pub(super) fn pairs<I: Isa, F: AsRef<[f64]>>(
    isa: I,
    w: &[f64],
    features: &[F],
    weighted: &mut [[f64; CHUNK]],
    (sums, pairs): (&mut [f64], &mut [f64]),
) {
    let mut at = 0;
    for (a, sum) in sums.iter_mut().enumerate() {
        let own = &mut weighted[a][..w.len()];
        for ((to, f), w) in own.iter_mut().zip(features[a].as_ref()).zip(w) {
            *to = f * w;
        }
        *sum += isa.sum(own);
        for f in &features[..=a] {
            pairs[at] += isa.dot(own, &f.as_ref()[..w.len()]);
            at += 1;
        }
    }
}

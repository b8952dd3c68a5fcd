//! One target and a run of sources, between the products: weights, and the way back to raw numbers.

use std::ops::Range;

use super::dense::Sides;
use super::trace::{Scales, Sloped, link_back};
use crate::Float;
use crate::engine::bound::Scale;
use crate::engine::level::link;
use crate::isa::{Isa, Task};
use crate::profile::MOST_PARAMETERS;

/// Sources of a run: the buffers of a few targets stay in the first-level cache.
pub(crate) const RUN: usize = 256;

/// Buffers for one target and a run of sources.
pub(crate) struct Lane<T> {
    pub(crate) raw: Vec<T>,
    pub(crate) gain: Vec<T>,
    pub(crate) input: Vec<T>,
    /// The share; at last, derivative by the raw number.
    pub(crate) back: Vec<T>,
    pub(crate) share: Vec<T>,
    pub(crate) slope: Vec<T>,
    pub(crate) by: [Vec<T>; MOST_PARAMETERS],
}

impl<T: Float> Lane<T> {
    pub(crate) fn new() -> Self {
        let run = || vec![T::ZERO; RUN];
        Self {
            raw: run(),
            gain: run(),
            input: run(),
            back: run(),
            share: run(),
            slope: run(),
            by: std::array::from_fn(|_| run()),
        }
    }
}

/// From raw numbers and products of flows to shares and derivatives, for one target.
pub(crate) struct Weigh<'a, 's, T> {
    pub(crate) sides: &'a Sides<'s, T>,
    pub(crate) over_keys: bool,
    pub(crate) target: usize,
    pub(crate) run: &'a Range<usize>,
    pub(crate) seen: &'a Range<usize>,
    pub(crate) lane: &'a mut Lane<T>,
}

impl<T: Float> Task for Weigh<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self {
            sides,
            over_keys,
            target,
            run,
            seen,
            lane,
        } = self;
        let (atom, own, len) = (sides.atom, &sides.own, run.len());
        let wanted = atom.profile.input();
        let input = &mut lane.input[..len];
        input.copy_from_slice(&lane.raw[..len]);
        link(atom.link, wanted, input);
        let share = &mut lane.share[..len];
        atom.profile.visit(Sloped {
            isa,
            scales: if over_keys {
                Scales::Each(&own.inverse[run.clone()], &own.width[run.clone()])
            } else {
                Scales::One(Scale {
                    inverse: own.inverse[target],
                    width: own.width[target],
                })
            },
            input,
            log: share,
            slope: &mut lane.slope,
            by: &mut lane.by,
        });
        let gain = &mut lane.gain[..len];
        if over_keys {
            let logs = &own.log_normalizer[run.clone()];
            let corrections = &own.correction[run.clone()];
            for ((s, l), c) in share.iter_mut().zip(logs).zip(corrections) {
                *s = isa.exp(*s - *l) * *c;
            }
            for (g, level) in gain.iter_mut().zip(&own.level[run.clone()]) {
                *g += *level;
            }
        } else {
            let (log, correction) = (own.log_normalizer[target], own.correction[target]);
            for s in &mut *share {
                *s = isa.exp(*s - log) * correction;
            }
            let level = own.level[target];
            for g in &mut *gain {
                *g += level;
            }
        }
        let at = |source: usize| source.clamp(run.start, run.end) - run.start;
        share[..at(seen.start)].fill(T::ZERO);
        share[at(seen.end)..].fill(T::ZERO);
        if sides.p.filter.is_hollow() && run.contains(&target) {
            share[at(target)] = T::ZERO;
        }
        // From here on the gain is the derivative by the log-weight.
        for (g, s) in gain.iter_mut().zip(&*share) {
            *g *= *s;
        }
        let back = &mut lane.back[..len];
        for ((b, g), s) in back.iter_mut().zip(&*gain).zip(&lane.slope) {
            *b = *g * *s;
        }
        if !over_keys {
            let degree = T::from_f64(wanted.degree());
            for (u, b) in input.iter_mut().zip(&*back) {
                *u *= *b * degree;
            }
            let count = atom.profile.info().parameters.len();
            for by in &mut lane.by[..count] {
                for (b, g) in by.iter_mut().zip(&*gain) {
                    *b *= *g;
                }
            }
        }
        if over_keys {
            for (b, i) in back.iter_mut().zip(&own.inverse[run.clone()]) {
                *b *= *i;
            }
        } else {
            let inverse = own.inverse[target];
            for b in &mut *back {
                *b *= inverse;
            }
        }
        link_back(atom.link, wanted, &lane.raw, back);
    }
}

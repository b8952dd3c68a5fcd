//! One query and a run of keys, between the products: weights, and the way back to raw numbers.

use std::ops::Range;

use super::dense::Sides;
use super::tile::KEYS;
use super::trace::{Scales, Sloped, link_back};
use crate::Float;
use crate::aligned::Aligned;
use crate::bias::with_bias;
use crate::engine::level::link;
use crate::isa::{Isa, Task};
use crate::profile::MOST_PARAMETERS;

/// Buffers for one query and a run of keys.
pub(crate) struct Lane<T> {
    pub(crate) raw: Aligned<T>,
    /// By the share; at last, by the log-weight.
    pub(crate) gain: Aligned<T>,
    /// What the curve takes; at last, the derivative by the logarithm of the bandwidth.
    pub(crate) input: Aligned<T>,
    slope: Aligned<T>,
    pub(crate) by: [Aligned<T>; MOST_PARAMETERS],
}

impl<T: Float> Lane<T> {
    pub(crate) fn new() -> Self {
        let run = || Aligned::zeros(KEYS);
        Self {
            raw: run(),
            gain: run(),
            input: run(),
            slope: run(),
            by: std::array::from_fn(|_| run()),
        }
    }
}

/// From raw numbers and products of flows to shares and derivatives, for one query.
pub(crate) struct Weigh<'a, 's, T> {
    pub(crate) sides: &'a Sides<'s, T>,
    pub(crate) query: usize,
    pub(crate) run: &'a Range<usize>,
    pub(crate) seen: &'a Range<usize>,
    pub(crate) lane: &'a mut Lane<T>,
    pub(crate) share: &'a mut [T],
    /// By the raw numbers.
    pub(crate) back: &'a mut [T],
}

impl<T: Float> Task for Weigh<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Self {
            sides,
            query,
            run,
            seen,
            lane,
            share,
            back,
        } = self;
        let (atom, own, len) = (sides.atom, &sides.own, run.len());
        let wanted = atom.profile.input();
        let scale = own.scale[query];
        let input = &mut lane.input[..len];
        input.copy_from_slice(&lane.raw[..len]);
        link(atom.link, wanted, input);
        atom.profile.visit(Sloped {
            isa,
            scales: Scales::One(scale),
            input,
            log: &mut *share,
            slope: &mut lane.slope,
            by: &mut lane.by,
        });
        let (log, level) = (own.log_normalizer[query], own.level[query]);
        if let Some(bias) = sides.bias {
            for row in bias.row(query, sides.p.sites.rows).rows() {
                for (s, b) in share.iter_mut().zip(&row[run.start..]) {
                    *s = with_bias(*s, *b);
                }
            }
        }
        for s in share.iter_mut() {
            *s = isa.exp_below_one(*s - log);
        }
        if let Some(correction) = own.correction.get(query) {
            for s in share.iter_mut() {
                *s *= *correction;
            }
        }
        let at = |key: usize| key.clamp(run.start, run.end) - run.start;
        share[..at(seen.start)].fill(T::ZERO);
        share[at(seen.end)..].fill(T::ZERO);
        if sides.p.filter.is_hollow() && run.contains(&query) {
            share[at(query)] = T::ZERO;
        }
        let gain = &mut lane.gain[..len];
        for (g, s) in gain.iter_mut().zip(&*share) {
            *g = (*g + level) * *s;
        }
        let degree = T::from_f64(wanted.degree());
        let slopes = lane.slope[..len].iter().zip(input);
        for ((b, g), (s, u)) in back.iter_mut().zip(&*gain).zip(slopes) {
            // A key beyond what can be squared has no share, and passes nothing back.
            let by = if *g == T::ZERO { T::ZERO } else { *g * *s };
            *u = if by == T::ZERO {
                T::ZERO
            } else {
                *u * by * degree
            };
            *b = by * scale.inverse;
        }
        let count = atom.profile.info().parameters.len();
        for by in &mut lane.by[..count] {
            for (b, g) in by.iter_mut().zip(&*gain) {
                *b = if *g == T::ZERO { T::ZERO } else { *b * *g };
            }
        }
        link_back(atom.link, wanted, &lane.raw, back);
    }
}

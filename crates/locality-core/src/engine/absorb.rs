//! Weights of a run, and their absorption into summaries.

use std::ops::Range;

use super::bound::Bound;
use super::level::{Evaluate, Keys, Level, Scratch};
use super::prepared::Query;
use super::sites::{Sites, Values};
use crate::isa::Isa;
use crate::lanes::TILE;
use crate::{Float, Summary};

/// Absorbs the keys at `slots` (at most [`RUN`](super::level::RUN)) into the summaries of a few queries. `mask` may set
/// factors of a query to zero. What a query takes in does not depend on its company, to the bit.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(crate) fn absorb<T: Float, I: Isa, const G: usize>(
    isa: I,
    bound: &Bound<T>,
    sites: &Sites<T>,
    queries: [&Query<'_, T>; G],
    slots: Range<usize>,
    scratch: &mut Scratch<T>,
    mask: impl Fn(&Query<'_, T>, &mut dyn FnMut(usize)),
    mut out: [&mut Summary; G],
) {
    const { assert!(G <= TILE) }
    let Some(levels) = scratch.levels.first_chunk_mut::<G>() else {
        return;
    };
    let len = slots.len();
    isa.enter(Evaluate {
        bound,
        source: Keys {
            bound,
            sites,
            start: slots.start,
            len,
        },
        queries,
        levels: &mut *levels,
    });
    for ((levels, query), out) in levels.iter_mut().zip(queries).zip(&mut out) {
        let level = &mut levels[0];
        if let Some(weights) = &sites.weights {
            let weights = &weights[slots.clone()];
            for (f, w) in level.factors(len).iter_mut().zip(weights) {
                *f *= *w;
            }
        }
        if let Some(bias) = query.bias {
            sites.add_by_key(slots.clone(), bias, level.logs(len));
        }
        for i in sites.rows.max(slots.start)..slots.end {
            level.leave_out(i - slots.start, len);
        }
        mask(query, &mut |i: usize| level.leave_out(i, len));
        scale(isa, level, len, out);
    }
    let weights = levels.each_ref().map(|levels| {
        let level = &levels[0];
        if level.has_log {
            &level.log[..len]
        } else {
            &level.factor[..len]
        }
    });
    for (weights, out) in weights.iter().zip(&mut out) {
        out.weight += isa.sum(weights);
    }
    match &sites.value {
        Values::Columns(columns) => {
            for (weights, out) in weights.iter().zip(out) {
                let columns = columns.chunks_exact(sites.padded);
                for (total, column) in out.values.iter_mut().zip(columns) {
                    *total += isa.dot(weights, &column[slots.clone()]);
                }
            }
        }
        Values::Rows { data, stride } => {
            let rows = &data[slots.start * stride..slots.end * stride];
            isa.weigh_rows(weights, rows, *stride, out.map(|o| &mut o.values[..]));
        }
    }
}

/// Turns the logarithms of a level into weights in units of the summary's scale, which rises where it must. Weights without
/// logarithms have the scale 1.
#[inline(always)]
fn scale<T: Float, I: Isa>(isa: I, level: &mut Level<T>, len: usize, out: &mut Summary) {
    if !level.has_log {
        level.factors(len);
        out.rescale(0.0);
        return;
    }
    let logs = &mut level.log[..len];
    if level.has_factor {
        for (l, f) in logs.iter_mut().zip(&level.factor) {
            *l = if *f > T::ZERO { *l } else { T::NEG_INFINITY };
        }
    }
    let top = isa.largest(logs);
    if top == T::NEG_INFINITY {
        logs.fill(T::ZERO);
        return;
    }
    out.rescale(top.to_f64());
    let scale = T::from_f64(out.log_scale);
    // Pass after pass over a run in the cache: each loop is simple enough to become vector code as it stands.
    if level.has_factor {
        for (l, f) in logs.iter_mut().zip(&level.factor) {
            *l = *f * isa.exp(*l - scale);
        }
    } else {
        for l in logs.iter_mut() {
            *l = isa.exp(*l - scale);
        }
    }
}

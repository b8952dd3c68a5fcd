//! Weights of a run, and their absorption into summaries.

use std::ops::Range;

use super::level::{Evaluate, Keys, Level, RUN, Scratch};
use super::prepared::Query;
use super::sites::{Values, strips};
use crate::bias::RowBias;
use crate::isa::Isa;
use crate::lanes::{HALF, TILE};
use crate::{Float, Summary};

/// Absorbs a run of keys into the summaries of those of the queries that are numbered
/// in `which`, at most a [`TILE`]. `mask` may set factors of a query to zero. What a query takes in does not depend on its company,
/// to the bit.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(crate) fn absorb<T: Float, I: Isa>(
    isa: I,
    keys: Keys<'_, T>,
    queries: &[Query<'_, T>],
    which: &[usize],
    scratch: &mut Scratch<T>,
    mask: impl Fn(&Query<'_, T>, &mut dyn FnMut(usize)),
    out: &mut [Summary],
) {
    let Some(&first) = which.first() else {
        return;
    };
    let count = which.len();
    let mut some = [&queries[first]; TILE];
    for (query, &i) in some.iter_mut().zip(which) {
        *query = &queries[i];
    }
    let Scratch {
        levels, weights, ..
    } = scratch;
    let levels = &mut levels[..count];
    let weights = &mut weights.as_chunks_mut::<RUN>().0[..count];
    let Keys {
        bound, sites, len, ..
    } = keys;
    let slots = keys.start..keys.start + len;
    isa.enter(Evaluate {
        bound,
        source: keys,
        queries: &some[..count],
        levels: &mut *levels,
    });
    let each = levels.iter_mut().zip(&mut *weights);
    for (((levels, weights), query), &i) in each.zip(some).zip(which) {
        let level = &mut levels[0];
        if let Some(weights) = &sites.weights {
            let weights = &weights[slots.clone()];
            for (f, w) in level.factors(len).iter_mut().zip(weights) {
                *f *= *w;
            }
        }
        for row in query.bias.into_iter().flat_map(RowBias::rows) {
            sites.add_by_key(slots.clone(), row, level.logs(len));
        }
        for i in sites.rows.max(slots.start)..slots.end {
            level.leave_out(i - slots.start, len);
        }
        mask(query, &mut |i: usize| level.leave_out(i, len));
        let weights = &mut weights[..len];
        scale(isa, level, weights, &mut out[i]);
        out[i].weight += isa.sum(weights);
    }
    match &sites.value {
        Values::Columns(columns) => {
            for (weights, &i) in weights.iter().zip(which) {
                let columns = columns.chunks_exact(sites.padded);
                for (total, column) in out[i].values.iter_mut().zip(columns) {
                    *total += isa.dot(&weights[..len], &column[slots.clone()]);
                }
            }
        }
        Values::Strips { data, columns } => {
            let rows = (&data[..], *columns, slots);
            let (tiles, which) = which.as_chunks::<TILE>();
            let (tiles_weights, weights) = weights.as_chunks::<TILE>();
            for (tile, weights) in tiles.iter().zip(tiles_weights) {
                rows_of(isa, &rows, weights, *tile, out);
            }
            let (halves, which) = which.as_chunks::<HALF>();
            let (halves_weights, weights) = weights.as_chunks::<HALF>();
            for (half, weights) in halves.iter().zip(halves_weights) {
                rows_of(isa, &rows, weights, *half, out);
            }
            for (one, weights) in which.iter().zip(weights) {
                rows_of(isa, &rows, std::array::from_ref(weights), [*one], out);
            }
        }
    }
}

/// Adds weighted rows of values to the summaries numbered in `which`.
#[inline(always)]
fn rows_of<T: Float, I: Isa, const G: usize>(
    isa: I,
    (data, columns, slots): &(&[T], usize, Range<usize>),
    weights: &[[T; RUN]; G],
    which: [usize; G],
    out: &mut [Summary],
) {
    const { assert!(RUN.is_power_of_two()) }
    if let Ok(out) = out.get_disjoint_mut(which) {
        let mut out = out.map(|o| &mut o.values[..]);
        for (columns, rows) in strips(data, *columns, slots.clone()) {
            let stride = columns.len();
            let own = columns.start..columns.end.min(out[0].len());
            let out = out.each_mut().map(|o| &mut o[own.clone()]);
            // One address for all, and no check whether it is in range.
            isa.weigh(|i, g| weights[g][i % RUN], rows, stride, out);
        }
    }
}

/// Turns the logarithms of a level into weights in units of the summary's scale, which rises where it must. Weights without
/// logarithms have the scale 1.
#[inline(always)]
fn scale<T: Float, I: Isa>(isa: I, level: &mut Level<T>, weights: &mut [T], out: &mut Summary) {
    let len = weights.len();
    if !level.has_log {
        weights.copy_from_slice(level.factors(len));
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
        weights.fill(T::ZERO);
        return;
    }
    out.rescale(top.to_f64());
    let scale = T::from_f64(out.log_scale);
    // Pass after pass over a run in the cache: each loop is simple enough to become vector code as it stands.
    for (w, l) in weights.iter_mut().zip(&*logs) {
        *w = isa.exp_below_one(*l - scale);
    }
    if level.has_factor {
        for (w, f) in weights.iter_mut().zip(&level.factor) {
            *w *= *f;
        }
    }
}

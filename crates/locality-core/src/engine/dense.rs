//! The tiled engine: every key for every query, in runs that stay in the cache while a block of queries passes over them.

use super::level::{RUN, Scratch, absorb_run};
use super::prepared::{Prepared, Query};
use crate::isa::Isa;
use crate::{Float, Summary};

/// Sums up all keys for a block of queries. The order of the runs is fixed, so results are the same bits for any block.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    queries: &[Query<'_, T>],
    scratch: &mut Scratch<T>,
    out: &mut [Summary],
) {
    out.iter_mut().for_each(Summary::clear);
    let mut start = 0;
    while start < p.sites.padded {
        let slots = start..(start + RUN).min(p.sites.padded);
        for (query, out) in queries.iter().zip(out.iter_mut()) {
            if query.outside(p, slots.clone()) {
                continue;
            }
            let mask = |drop: &mut dyn FnMut(usize)| query.mask(p, slots.clone(), drop);
            absorb_run(
                isa,
                &p.bound,
                &p.sites,
                query,
                slots.clone(),
                scratch,
                mask,
                out,
            );
        }
        start = slots.end;
    }
}

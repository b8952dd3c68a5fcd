//! The listed engine: a short list of keys for each query, gathered and summed like any run.

use super::absorb::absorb;
use super::bound::{Bound, Width};
use super::level::{Keys, RUN, Scratch};
use super::prepared::{Prepared, Query};
use super::sites::{LEAF, Sites};
use crate::isa::Isa;
use crate::{Float, Summary};

/// Room for the gathered keys of one query.
pub(crate) struct Gathered<T> {
    pub(crate) bound: Bound<T>,
    pub(crate) sites: Sites<T>,
}

impl<T: Float> Gathered<T> {
    pub(crate) fn new(p: &Prepared<T>) -> Self {
        Self {
            bound: p.bound.clone(),
            sites: p.sites.scratch(p.bound.features, RUN),
        }
    }

    /// Copies the keys at `part`, at most [`RUN`] slots.
    pub(crate) fn fill(&mut self, p: &Prepared<T>, part: &[u32]) {
        let Self { bound, sites } = self;
        sites.gather(&p.sites, part);
        for (to, from) in bound.atoms.iter_mut().zip(&p.bound.atoms) {
            if let (
                Width::Site { inverse, width },
                Width::Site {
                    inverse: all_inverse,
                    width: all_width,
                },
            ) = (&mut to.width, &from.width)
            {
                inverse.clear();
                width.clear();
                // The padding keeps the last key's scale; its weight is masked out.
                let padded = part.len().next_multiple_of(LEAF);
                for i in 0..padded {
                    let slot = part[i.min(part.len() - 1)] as usize;
                    inverse.push(all_inverse[slot]);
                    width.push(all_width[slot]);
                }
            }
        }
    }
}

/// Sums up the keys at `slots`, in that order.
#[inline(always)]
pub(crate) fn sum<T: Float, I: Isa>(
    isa: I,
    p: &Prepared<T>,
    query: &Query<'_, T>,
    slots: &[u32],
    gathered: &mut Gathered<T>,
    scratch: &mut Scratch<T>,
    out: &mut Summary,
) {
    out.clear();
    for part in slots.chunks(RUN) {
        gathered.fill(p, part);
        let Gathered { bound, sites } = gathered;
        let keys = Keys {
            bound,
            sites,
            expanded: None,
            start: 0,
            len: part.len().next_multiple_of(LEAF),
        };
        let (query, out) = (std::slice::from_ref(query), std::slice::from_mut(out));
        absorb(isa, keys, query, &[0], scratch, |_, _| {}, out);
    }
}

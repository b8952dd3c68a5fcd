//! The reference engine: the definition, as plain loops. Never fast, never removed.

use super::prepared::{Prepared, Query};
use crate::{Float, Summary};

/// Sums up every key that the query may see.
pub(crate) fn sum<T: Float>(p: &Prepared<T>, query: &Query<'_, T>, out: &mut Summary) {
    let mut stack = Vec::new();
    let mut value = vec![0.0; p.sites.values];
    out.clear();
    for slot in 0..p.sites.rows {
        let index = p.sites.index[slot] as usize;
        if !query.sees(p, index) {
            continue;
        }
        let weight = p.bound.combine(&mut stack, |i| {
            let atom = &p.bound.atoms[i];
            let raw = atom.raw(query.features, |f| p.sites.feature(f, slot, 1)[0]);
            atom.weight(raw, atom.scale_at(slot, query.scales[i]))
        });
        let c = p.sites.weights.as_ref().map_or(1.0, |w| w[slot].to_f64());
        for (to, v) in value.iter_mut().zip(p.sites.values_at(slot)) {
            *to = v.to_f64();
        }
        out.absorb(weight.log_weight().to_f64() + c.ln(), &value);
    }
}

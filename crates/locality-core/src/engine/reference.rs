//! The reference engine: the definition, as plain loops. Never fast, never removed.

use super::pair::Weight;
use super::prepared::{Indices, Prepared, Query};
use super::search::SearchScratch;
use crate::isa::Plain;
use crate::{Bias, Float, Rows, Summary};

/// Logarithms of the weights of all keys, `[n]` in their own order, at one query; minus infinity for what it does not see.
pub(crate) fn log_weights<T: Float>(
    p: &Prepared<T>,
    query: Rows<'_, T>,
    index: usize,
    bias: Option<Bias<'_, T>>,
) -> Vec<f64> {
    let mut search = SearchScratch::new();
    let laid = p.lay(Plain, query, Indices::From(index), bias, &mut search);
    let query_of = laid.queries(p, Indices::From(index), bias)[0];
    let mut out = vec![f64::NEG_INFINITY; p.sites.rows];
    let slots = if p.is_listed() {
        p.list(Plain, &query_of, query.row(0), &mut search)
    } else {
        (0..p.sites.rows as u32).collect()
    };
    let mut stack = Vec::new();
    for slot in slots {
        let key = p.sites.index[slot as usize] as usize;
        if query_of.sees(p, key) {
            let own = log_weight(p, &query_of, slot as usize, &mut stack);
            out[key] = own + query_of.bias_with(key);
        }
    }
    out
}

/// The logarithm of a key's weight, sample weight included.
fn log_weight<T: Float>(
    p: &Prepared<T>,
    query: &Query<'_, T>,
    slot: usize,
    stack: &mut Vec<Weight<T>>,
) -> f64 {
    let weight = p.bound.combine(stack, |i| {
        let atom = &p.bound.atoms[i];
        let raw = atom.raw(query.features, |f| p.sites.feature(f, slot, 1)[0]);
        atom.weight(raw, atom.scale_at(slot, query.scales[i]))
    });
    let c = p.sites.weights.as_ref().map_or(1.0, |w| w[slot].to_f64());
    weight.log_weight().to_f64() + c.ln()
}

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
        let log = log_weight(p, query, slot, &mut stack) + query.bias_with(index);
        for (to, v) in value.iter_mut().zip(p.sites.values_at(slot)) {
            *to = v.to_f64();
        }
        out.absorb(log, &value);
    }
}

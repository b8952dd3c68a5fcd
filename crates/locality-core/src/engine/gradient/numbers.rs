//! From sums over pairs to the numbers of the kernel, in the order of [`Kernel::parameters`].

use super::trace::Totals;
use crate::engine::bound::Bound;
use crate::{Atom, Bandwidth, Kernel, Metric};

/// What the two passes know of the kernel's numbers.
pub(crate) struct Known<'a> {
    pub(crate) totals: &'a Totals,
    /// For each atom with a map: by its entries, row after row.
    pub(crate) maps: &'a [Vec<f64>],
    /// For each atom with a bandwidth for each key: by their logarithms, `[n]`.
    pub(crate) sites: &'a [(usize, Vec<f64>)],
}

/// Goes through a kernel as [`Bound`] compiles it.
struct Place {
    atom: usize,
    step: usize,
}

/// The derivatives by the kernel's numbers.
pub(crate) fn gather<T>(bound: &Bound<T>, kernel: &Kernel, known: &Known<'_>) -> Vec<f64> {
    debug_assert!(bound.program.len() == known.totals.step.len());
    let mut out = Vec::new();
    let mut place = Place { atom: 0, step: 0 };
    walk(kernel, known, &mut place, &mut out);
    out
}

fn walk(kernel: &Kernel, known: &Known<'_>, place: &mut Place, out: &mut Vec<f64>) {
    match kernel {
        Kernel::Atom(atom) => {
            numbers(atom, known, place.atom, out);
            place.atom += 1;
            place.step += 1;
        }
        Kernel::Product(parts) => {
            for (i, k) in parts.iter().enumerate() {
                walk(k, known, place, out);
                place.step += usize::from(i > 0);
            }
        }
        Kernel::Sum(parts) => {
            for (i, (a, k)) in parts.iter().enumerate() {
                let at = out.len();
                out.push(0.0);
                walk(k, known, place, out);
                out[at] = known.totals.step[place.step] / a;
                place.step += 1 + usize::from(i > 0);
            }
        }
        Kernel::Power(k, _) => {
            walk(k, known, place, out);
            out.push(known.totals.step[place.step]);
            place.step += 1;
        }
    }
}

fn numbers(atom: &Atom, known: &Known<'_>, i: usize, out: &mut Vec<f64>) {
    let totals = known.totals;
    let count = atom.profile.info().parameters.len();
    out.extend(&totals.by[i][..count]);
    match &atom.bandwidth {
        Bandwidth::Fixed(h) => out.push(totals.width[i] / h),
        Bandwidth::PerFeature(h) => {
            out.extend(totals.feature[i].iter().zip(h).map(|(t, h)| t / h));
        }
        Bandwidth::PerSite(h) => {
            let own = known.sites.iter().find(|s| s.0 == i);
            let own = own.map_or(&[][..], |s| &s.1);
            out.extend(own.iter().zip(h.iter()).map(|(t, h)| t / h));
        }
        _ => {}
    }
    if let Some(Metric::Mahalanobis(_)) = &atom.metric {
        out.extend(&known.maps[i]);
    }
}

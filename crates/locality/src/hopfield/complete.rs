//! Completion: recall from some known cells.

use std::collections::BTreeMap;

use super::memory::StoredPatterns;
use super::parts::merged;
use super::recall::{Recall, Way};
use crate::{Atom, Bandwidth, Columns, Error, Float, Kernel, Metric, Result, Rows, Watch};

impl<T: Float> StoredPatterns<T> {
    /// Recalls states `[m, d]` of which only the cells that are `known` `[m, d]` (row after row) mean anything; the others may be NaN.
    ///
    /// The first step weighs patterns by the known columns alone, and fills the others with the local mean. Further steps weigh by all
    /// columns. Known cells keep their value throughout; the others of a lost state are NaN. Distances and scores over the known columns are not scaled up to all columns.
    /// Traced energies begin with the filled state, after the first step.
    ///
    /// Under kernels of the inner product on all columns every row is answered from the patterns as they are laid out; under others,
    /// rows that know the same columns share a layout of the patterns.
    ///
    /// # Errors
    /// As [`recall`](Self::recall); `known` of another length; a row without known cells; a kernel that cannot be restricted to columns
    /// (a Mahalanobis or haversine metric, a sum).
    pub fn complete(
        &self,
        states: Rows<'_, T>,
        known: &[bool],
        watch: &Watch<'_>,
    ) -> Result<Recall<T>> {
        self.check_shape(states)?;
        let d = self.columns();
        if known.len() != states.rows() * d {
            return Err(Error::shape(format!(
                "known has {} entries, but {} states of {d} columns need {}",
                known.len(),
                states.rows(),
                states.rows() * d
            )));
        }
        let filled = self.filled(states, known)?;
        let mut way = Way::new(self, filled, Some(known));
        self.first_step(&mut way, known, watch)?;
        way.wake();
        way.go(watch)?;
        let mut out = way.end();
        for &i in &out.lost {
            let cells = out.states[i * d..][..d].iter_mut();
            let hidden = cells
                .zip(&known[i * d..][..d])
                .filter(|(_, known)| !**known);
            hidden.for_each(|(x, _)| *x = T::NAN);
        }
        Ok(out)
    }

    /// The states with zero in place of what is not known.
    fn filled(&self, states: Rows<'_, T>, known: &[bool]) -> Result<Vec<T>> {
        let d = self.columns();
        let mut out = Vec::with_capacity(known.len());
        for (i, (row, known)) in states.iter().zip(known.chunks_exact(d)).enumerate() {
            if !known.contains(&true) {
                return Err(Error::empty(format!(
                    "state {i} (counted from 0) has no known cell; give at least one"
                )));
            }
            for (j, (&x, &known)) in row.iter().zip(known).enumerate() {
                if known && !x.is_finite() {
                    return Err(Error::not_finite(format!(
                        "states has {x} in row {i}, column {j} (counted from 0), which is said to be known; mark it as unknown"
                    )));
                }
                out.push(if known { x } else { T::ZERO });
            }
        }
        Ok(out)
    }

    fn first_step(&self, way: &mut Way<'_, T>, known: &[bool], watch: &Watch<'_>) -> Result<()> {
        let (d, row) = (self.columns(), self.parts.row());
        let kernel = self.parameters.kernel();
        if is_inner_product(kernel) {
            // A zero in the query leaves a column out of the inner product.
            let all: Vec<usize> = (0..known.len() / d).collect();
            let states = way.states().to_vec();
            let rows = Rows::new(&states, all.len(), d)?;
            let means = merged(&self.parts.fits(), rows, row, &watch.quiet())?;
            way.take(&all, &means);
            return Ok(());
        }
        let mut groups: BTreeMap<&[bool], Vec<usize>> = BTreeMap::new();
        for (i, mask) in known.chunks_exact(d).enumerate() {
            groups.entry(mask).or_default().push(i);
        }
        for (mask, some) in groups {
            watch.check()?;
            let columns: Vec<usize> = (0..d).filter(|&j| mask[j]).collect();
            let restricted = restrict(kernel, &columns)?.ok_or_else(|| {
                Error::parameter(format!(
                    "state {} (counted from 0) knows no column that {kernel} looks at; give at least one of them",
                    some[0]
                ))
            })?;
            let fits = self.parts.under(&restricted, true, watch)?;
            let fits: Vec<_> = fits.iter().collect();
            let states = some.iter();
            let states: Vec<T> = states
                .flat_map(|&i| way.states()[i * d..][..d].to_vec())
                .collect();
            let rows = Rows::new(&states, some.len(), d)?;
            let means = merged(&fits, rows, row, &watch.quiet())?;
            way.take(&some, &means);
        }
        Ok(())
    }
}

/// Whether a kernel is of inner products of all columns alone.
pub(super) fn is_inner_product(kernel: &Kernel) -> bool {
    let atoms = kernel.atoms();
    let mut each = atoms.iter();
    each.all(|a| a.metric_in_force() == Metric::Dot && *a.column_choice() == Columns::All)
}

/// The kernel with each factor on the known ones of its columns alone; nothing where it looks at none of them.
fn restrict(kernel: &Kernel, known: &[usize]) -> Result<Option<Kernel>> {
    match kernel {
        Kernel::Atom(atom) => Ok(restrict_atom(atom, known)?.map(Kernel::Atom)),
        Kernel::Product(parts) => {
            let parts: Result<Vec<_>> = parts.iter().map(|k| restrict(k, known)).collect();
            let parts: Vec<Kernel> = parts?.into_iter().flatten().collect();
            Ok((!parts.is_empty()).then_some(Kernel::Product(parts)))
        }
        Kernel::Power(inner, p) => Ok(restrict(inner, known)?.map(|k| k.power(*p))),
        _ => Err(Error::unsupported(format!(
            "{kernel} cannot be restricted to the known columns; complete with a kernel that is no sum"
        ))),
    }
}

fn restrict_atom(atom: &Atom, known: &[usize]) -> Result<Option<Atom>> {
    let (metric, bandwidth) = (atom.metric_in_force(), atom.bandwidth_rule());
    let fixed = matches!(
        metric,
        Metric::Mahalanobis(_) | Metric::Haversine | Metric::HaversineKm
    );
    let rule = !matches!(
        bandwidth,
        Bandwidth::Default | Bandwidth::Fixed(_) | Bandwidth::PerFeature(_)
    );
    if fixed || rule {
        return Err(Error::unsupported(format!(
            "{atom} has no meaning on some of its columns; complete with a fixed bandwidth and a metric that is a sum over columns"
        )));
    }
    let own: Vec<(usize, usize)> = match atom.column_choice() {
        Columns::All => known.iter().map(|&j| (j, j)).collect(),
        Columns::Indices(columns) => {
            let each = columns.iter().copied().enumerate();
            each.filter(|(_, j)| known.contains(j)).collect()
        }
        _ => {
            return Err(Error::parameter(format!(
                "{atom} names its columns; give their positions to a memory"
            )));
        }
    };
    if own.is_empty() {
        return Ok(None);
    }
    let columns: Vec<usize> = own.iter().map(|(_, j)| *j).collect();
    let out = atom.clone().metric(metric).columns(columns);
    Ok(Some(match bandwidth {
        Bandwidth::PerFeature(h) => {
            let some = own.iter().filter_map(|(at, _)| h.get(*at).copied());
            out.bandwidth(some.collect::<Vec<f64>>())
        }
        _ => out,
    }))
}

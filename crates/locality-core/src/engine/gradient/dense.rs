//! The pull-back of kernels of one part over many columns, as products of tiles.
//!
//! Both passes are the same code with the sides swapped: a few targets against runs of sources. For the first, targets are
//! queries and sources keys; for the second, the other way round.

use std::ops::Range;

use super::both::Both;
use super::flow::Flows;
use super::trace::Totals;
use super::weigh::{Lane, RUN, Weigh};
use crate::engine::bound::{BoundAtom, Op, Scale, Width};
use crate::engine::prepared::{Engine, Prepared};
use crate::isa::{Isa, Task, compiled};
use crate::lanes::{Fold, PANEL, TILE};
use crate::metric::Combine;
use crate::profile::MOST_PARAMETERS;
use crate::{Float, Result, Watch, par};

/// Fewer features than this are worked on by direct differences.
const FEWEST_FEATURES: usize = 8;
/// Targets of a block.
const BLOCK: usize = 32;

/// Whether a kernel is of the kind that this file is for.
pub(crate) fn suits<T: Float>(p: &Prepared<T>) -> bool {
    let ([Op::Atom(0)], [atom]) = (&p.bound.program[..], &p.bound.atoms[..]) else {
        return false;
    };
    p.engine == Engine::Dense
        && p.sites.weights.is_none()
        && !p.filter.has_rule()
        && atom.feature_scale.is_none()
        && !matches!(atom.width, Width::Site { .. })
        && matches!(atom.combine, Combine::SquaredDifference | Combine::Product)
        && atom.features.len() >= FEWEST_FEATURES
}

/// What belongs to each query besides its rows, padded to whole panels.
pub(crate) struct Own<T> {
    /// Of an absent query so large that its shares vanish.
    pub(crate) log_normalizer: Vec<T>,
    pub(crate) level: Vec<T>,
    pub(crate) correction: Vec<T>,
    pub(crate) inverse: Vec<T>,
    pub(crate) width: Vec<T>,
    /// What the keys' shares sum up to.
    share_of_keys: Vec<f64>,
}

/// Both sides.
pub(crate) struct Sides<'a, T> {
    pub(crate) p: &'a Prepared<T>,
    pub(crate) atom: &'a BoundAtom<T>,
    queries: Both<T>,
    keys: Both<T>,
    /// By the means, of each query.
    flows: Both<T>,
    values: Both<T>,
    pub(crate) own: Own<T>,
    /// Number of queries.
    m: usize,
}

/// What one side gets.
pub(crate) struct Yield {
    /// `[targets, features]`
    pub(crate) features: Vec<f64>,
    /// `[targets, p]`, for keys.
    pub(crate) values: Vec<f64>,
    /// For queries the sums of shares, for keys the derivatives by sample weights.
    pub(crate) sums: Vec<f64>,
    /// For queries, by the logarithms of their bandwidths.
    pub(crate) widths: Vec<f64>,
    pub(crate) totals: Totals,
}

impl<'a, T: Float> Sides<'a, T> {
    /// `features` are those of the queries and `scales` their own bandwidths.
    pub(crate) fn new(
        p: &'a Prepared<T>,
        flows: &Flows<'_, T>,
        features: &[T],
        scales: &[Option<Scale<T>>],
    ) -> Self {
        let (m, n, f) = (scales.len(), p.sites.rows, p.bound.features);
        let atom = &p.bound.atoms[0];
        let columns = p.sites.values;
        let pick = |all: &[T], to: &mut [T]| {
            to.iter_mut()
                .zip(&atom.features)
                .for_each(|(t, &f)| *t = all[f]);
        };
        let mut of_key = vec![T::ZERO; f];
        // Distances are taken from the keys' middle: what is left of large numbers has more digits.
        let mut middle = vec![T::ZERO; atom.features.len()];
        if atom.combine == Combine::SquaredDifference {
            for (m, &f) in middle.iter_mut().zip(&atom.features) {
                let sum: f64 = (0..n).map(|s| p.sites.feature(f, s, 1)[0].to_f64()).sum();
                *m = T::from_f64(sum / n as f64);
            }
        }
        let center = |row: &mut [T]| row.iter_mut().zip(&middle).for_each(|(x, m)| *x -= *m);
        let queries = Both::new(m, atom.features.len(), |i, row| {
            pick(&features[i * f..][..f], row);
            center(row);
        });
        let keys = Both::new(n, atom.features.len(), |key, row| {
            let slot = p.sites.slot[key] as usize;
            for (f, x) in of_key.iter_mut().enumerate() {
                *x = p.sites.feature(f, slot, 1)[0];
            }
            pick(&of_key, row);
            center(row);
        });
        let values = Both::new(n, columns, |key, row| {
            let own = p.sites.values_at(p.sites.slot[key] as usize);
            row.iter_mut().zip(own).for_each(|(r, v)| *r = v);
        });
        let by_means = Both::new(m, columns, |i, row| row.copy_from_slice(flows.means.row(i)));
        let padded = m.next_multiple_of(PANEL);
        let mut own = Own {
            log_normalizer: vec![T::MAX; padded],
            level: vec![T::ZERO; padded],
            correction: vec![T::ONE; padded],
            inverse: vec![T::ONE; padded],
            width: vec![T::ONE; padded],
            share_of_keys: vec![1.0; padded],
        };
        for (i, scale) in scales.iter().enumerate() {
            let Scale { inverse, width } = atom.scale_at(0, *scale);
            (own.inverse[i], own.width[i]) = (inverse, width);
            if let Some(flow) = flows.of(i, T::ONE) {
                own.log_normalizer[i] = flow.log_normalizer;
                own.level[i] = flow.level;
                own.share_of_keys[i] = flows.share_of_keys(i);
            }
        }
        Self {
            p,
            atom,
            own,
            m,
            queries,
            keys,
            flows: by_means,
            values,
        }
    }

    /// Sets what makes the shares of each query sum up to one.
    pub(crate) fn correct(&mut self, correction: &[T]) {
        self.own.correction[..correction.len()].copy_from_slice(correction);
    }

    /// The pass over all targets.
    pub(crate) fn pass(&self, over_keys: bool, watch: &Watch<'_>) -> Result<Yield> {
        let f = self.atom.features.len();
        let (targets, columns) = if over_keys {
            (self.p.sites.rows, self.values.columns)
        } else {
            (self.m, 0)
        };
        let blocks = par::map_blocks(watch, targets, BLOCK, |range| {
            Ok(T::run_compiled::<Passes<'_>>(Pass {
                sides: self,
                over_keys,
                targets: range,
            }))
        })?;
        let mut all = Yield {
            features: Vec::with_capacity(targets * f),
            values: Vec::with_capacity(targets * columns),
            sums: Vec::with_capacity(targets),
            widths: Vec::with_capacity(targets),
            totals: Totals::new(&self.p.bound),
        };
        for block in blocks {
            all.features.extend(block.features);
            all.values.extend(block.values);
            all.sums.extend(block.sums);
            all.widths.extend(block.widths);
            all.totals.add(&block.totals, 1.0);
        }
        Ok(all)
    }

    /// The sources that a target has to do with.
    fn seen(&self, over_keys: bool, target: usize) -> Range<usize> {
        let (filter, n, m) = (&self.p.filter, self.p.sites.rows, self.m);
        if over_keys {
            filter.seers(target, m, n)
        } else {
            filter.range(target, n)
        }
    }
}

compiled!(Passes, Pass);

/// Some targets.
struct Pass<'a, T> {
    sides: &'a Sides<'a, T>,
    over_keys: bool,
    targets: Range<usize>,
}

impl<T: Float> Task for Pass<'_, T> {
    type Out = Yield;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Yield {
        let Self {
            sides,
            over_keys,
            targets,
        } = self;
        let f = sides.atom.features.len();
        let p = if over_keys { sides.values.columns } else { 0 };
        let len = targets.len();
        let mut out = Yield {
            features: vec![0.0; len * f],
            values: vec![0.0; len * p],
            sums: vec![0.0; len],
            widths: vec![0.0; len],
            totals: Totals::new(&sides.p.bound),
        };
        let mut lanes: [Lane<T>; TILE] = std::array::from_fn(|_| Lane::new());
        let mut done = 0;
        while done < len {
            let first = targets.start + done;
            let count = if len - done >= TILE { TILE } else { 1 };
            let mut part = Part {
                features: &mut out.features[done * f..(done + count) * f],
                values: &mut out.values[done * p..(done + count) * p],
                sums: &mut out.sums[done..done + count],
                widths: &mut out.widths[done..done + count],
                totals: &mut out.totals,
            };
            if count == TILE {
                few::<T, I, TILE>(isa, sides, over_keys, first, &mut lanes, &mut part);
            } else if let Some(lanes) = lanes.first_chunk_mut::<1>() {
                few::<T, I, 1>(isa, sides, over_keys, first, lanes, &mut part);
            }
            done += count;
        }
        out
    }
}

/// What a few targets get.
struct Part<'a> {
    features: &'a mut [f64],
    values: &'a mut [f64],
    sums: &'a mut [f64],
    widths: &'a mut [f64],
    totals: &'a mut Totals,
}

/// A slice in `G` equal parts.
#[inline(always)]
fn parts<const G: usize>(all: &mut [f64]) -> [&mut [f64]; G] {
    let each = all.len() / G;
    let mut rest = all;
    std::array::from_fn(|_| {
        let (own, next) = std::mem::take(&mut rest).split_at_mut(each);
        rest = next;
        own
    })
}

#[inline(always)]
fn few<T: Float, I: Isa, const G: usize>(
    isa: I,
    sides: &Sides<'_, T>,
    over_keys: bool,
    first: usize,
    lanes: &mut [Lane<T>; G],
    part: &mut Part<'_>,
) {
    let atom = sides.atom;
    let squared = atom.combine == Combine::SquaredDifference;
    let fold = if squared {
        Fold::Squared
    } else {
        Fold::Product
    };
    let (targets, target_flows, sources, source_flows) = if over_keys {
        (&sides.keys, &sides.values, &sides.queries, &sides.flows)
    } else {
        (&sides.queries, &sides.flows, &sides.keys, &sides.values)
    };
    let features: [&[T]; G] = std::array::from_fn(|g| targets.row(first + g));
    let flows: [&[T]; G] = std::array::from_fn(|g| target_flows.row(first + g));
    let seen: [Range<usize>; G] = std::array::from_fn(|g| sides.seen(over_keys, first + g));
    let start = seen.iter().map(|s| s.start).min().unwrap_or(0) / PANEL * PANEL;
    let end = seen.iter().map(|s| s.end).max().unwrap_or(0);
    let count = atom.profile.info().parameters.len();
    let mut back_sums = [0.0; G];
    let mut by_sums = [[0.0; MOST_PARAMETERS]; G];
    let mut at = start;
    while at < end {
        let run = at..(at + RUN).min(end.next_multiple_of(PANEL));
        let len = run.len();
        let raws = lanes.each_mut().map(|l| &mut l.raw[..len]);
        sources.tile(isa, fold, features, &run, raws);
        let gains = lanes.each_mut().map(|l| &mut l.gain[..len]);
        source_flows.tile(isa, Fold::Product, flows, &run, gains);
        for (g, lane) in lanes.iter_mut().enumerate() {
            let target = first + g;
            isa.enter(Weigh {
                sides,
                over_keys,
                target,
                run: &run,
                seen: &seen[g],
                lane,
            });
            if over_keys {
                part.sums[g] += isa.sum(&lane.gain[..len]);
                if squared {
                    back_sums[g] += isa.sum(&lane.back[..len]);
                }
                continue;
            }
            part.sums[g] += isa.sum(&lane.share[..len]);
            part.widths[g] += isa.sum(&lane.input[..len]);
            back_sums[g] += isa.sum(&lane.back[..len]);
            for (sum, by) in by_sums[g].iter_mut().zip(&lane.by[..count]) {
                *sum += isa.sum(&by[..len]);
            }
        }
        let backs = lanes.each_ref().map(|l| &l.back[..len]);
        sources.weigh(isa, backs, &run, parts::<G>(part.features));
        if over_keys {
            let shares = lanes.each_ref().map(|l| &l.share[..len]);
            source_flows.weigh(isa, shares, &run, parts::<G>(part.values));
        }
        at = run.end;
    }
    if !over_keys {
        for (g, by) in by_sums.iter().enumerate() {
            if part.sums[g] > 0.0 {
                let scale = sides.own.share_of_keys[first + g] / part.sums[g];
                part.totals.width[0] += part.widths[g] * scale;
                let totals = part.totals.by[0].iter_mut();
                totals.zip(by).for_each(|(t, x)| *t += x * scale);
            }
        }
    }
    if squared {
        for ((to, x), sum) in parts::<G>(part.features)
            .into_iter()
            .zip(features)
            .zip(back_sums)
        {
            for (to, x) in to.iter_mut().zip(x) {
                *to = 2.0 * (sum * x.to_f64() - *to);
            }
        }
    }
}

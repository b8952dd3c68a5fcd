//! The pull-back of kernels of one part over many columns, as products of tiles, in one pass.
//!
//! Blocks of the longer side are tasks; each goes over all blocks of the other, keeps what belongs to its own, and adds what
//! belongs to the others in its turn. So the order of every sum depends on the shapes alone, and no sum is kept twice.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::both::Both;
use super::by_bias::ByBias;
use super::flow::Flows;
use super::tile::{KEYS, OfQuery, QUERIES, Scratch, Sums, Tile};
use crate::engine::bound::{BoundAtom, Op, Scale, Width};
use crate::engine::prepared::{Engine, Prepared};
use crate::metric::{Combine, Link};
use crate::par::{Turns, map_in_turns};
use crate::profile::Input;
use crate::{Bias, Float, Result, Watch};

/// Fewer features than this are worked on by direct differences.
const FEWEST_FEATURES: usize = 8;
/// Whether a kernel is of the kind that this file is for.
pub(crate) fn suits<T: Float>(p: &Prepared<T>, biased: bool) -> bool {
    let ([Op::Atom(0)], [atom]) = (&p.bound.program[..], &p.bound.atoms[..]) else {
        return false;
    };
    matches!(p.engine, Engine::Dense | Engine::Walk)
        && p.walked(biased).is_none()
        && p.sites.weights.is_none()
        && !p.filter.has_rule()
        && atom.feature_scale.is_none()
        && !matches!(atom.width, Width::Site { .. })
        // The neighbour at the end of such a kernel has a weight whose digits products lose.
        && !(atom.profile.info().bounded && matches!(atom.width, Width::Query(_)))
        && matches!(atom.combine, Combine::SquaredDifference | Combine::Product)
        && atom.features.len() >= FEWEST_FEATURES
}

/// Relative rounding of shares above which they are corrected, and the one up to which their exponentials are meant for them.
const MOST_ROUNDING: f64 = 1e-5;
const MOST_EXCESS: f64 = 0.5;

/// The largest log normaliser, by size, of the queries that something flows back into: others have no shares.
fn largest_log<T: Float>(flows: &Flows<'_, T>) -> f64 {
    let queries = (0..flows.at.1.len()).filter_map(|i| flows.of(i, T::ONE));
    let logs = queries.map(|flow| flow.log_normalizer.to_f64().abs());
    logs.filter(|l| l.is_finite()).fold(0.0, f64::max)
}

/// Relative error that sums about the keys' middle may have for being larger than what is left of them.
const MOST_LOST: f64 = 1e-6;

/// Whether shares can be had in one pass, and derivatives by differences be taken from sums about the keys' middle, `x sum b - sum b y`: not where features lie so
/// many bandwidths from it that single precision would lose digits. `features` are those of the queries, `scales` their own.
pub(crate) fn keeps_digits<T: Float>(
    p: &Prepared<T>,
    flows: &Flows<'_, T>,
    features: &[T],
    scales: &[Option<Scale<T>>],
) -> bool {
    let atom = &p.bound.atoms[0];
    if largest_log(flows) * T::EPSILON.to_f64() > MOST_EXCESS {
        return false;
    }
    if atom.combine != Combine::SquaredDifference {
        return true;
    }
    let middle = middle(p);
    let mut farthest = 0.0_f64;
    for (&f, m) in atom.features.iter().zip(&middle) {
        let keys = (0..p.sites.rows).map(|s| p.sites.feature(f, s, 1)[0]);
        let queries = features.iter().skip(f).step_by(p.bound.features).copied();
        for x in keys.chain(queries) {
            farthest = farthest.max((x.to_f64() - m.to_f64()).abs());
        }
    }
    let bandwidth = |own: &Option<Scale<T>>| {
        let width = atom.scale_at(0, *own).width.to_f64();
        let h = match atom.profile.input() {
            Input::Squared => width.sqrt(),
            Input::Plain | Input::Score => width,
        };
        // As a difference of features.
        match atom.link {
            Link::HalfSquared => (2.0 * h).sqrt(),
            Link::Arc(radius) => h / radius,
            _ => h,
        }
    };
    let narrowest = scales.iter().map(bandwidth).fold(f64::INFINITY, f64::min);
    farthest * T::EPSILON.to_f64() <= MOST_LOST * narrowest
}

/// The middle of the keys, by the features of the only atom.
fn middle<T: Float>(p: &Prepared<T>) -> Vec<T> {
    let n = p.sites.rows;
    let mean = |f: &usize| {
        let sum: f64 = (0..n).map(|s| p.sites.feature(*f, s, 1)[0].to_f64()).sum();
        T::from_f64(sum / n as f64)
    };
    p.bound.atoms[0].features.iter().map(mean).collect()
}

/// What belongs to each query besides its rows.
pub(crate) struct Own<T> {
    /// Of an absent query so large that its shares vanish.
    pub(crate) log_normalizer: Vec<T>,
    pub(crate) level: Vec<T>,
    pub(crate) scale: Vec<Scale<T>>,
    /// Shares are multiplied by this, so that they sum up to what they should; nothing where they do.
    pub(crate) correction: Vec<T>,
}

/// Both sides.
pub(crate) struct Sides<'a, T> {
    pub(crate) p: &'a Prepared<T>,
    pub(crate) atom: &'a BoundAtom<T>,
    pub(crate) queries: Both<T>,
    pub(crate) keys: Both<T>,
    /// By the means, of each query.
    pub(crate) flows: Both<T>,
    pub(crate) values: Both<T>,
    pub(crate) own: Own<T>,
    pub(crate) bias: Option<Bias<'a, T>>,
    /// Of these, the ones whose derivatives are wanted.
    pub(crate) learned: Option<Bias<'a, T>>,
}

/// What one pass over both sides yields.
pub(crate) struct Passed<T> {
    pub(crate) of_queries: Sums,
    pub(crate) of_keys: Sums,
    /// In the shape of the bias.
    pub(crate) by_bias: Vec<T>,
}

impl<'a, T: Float> Sides<'a, T> {
    /// `features` are those of the queries and `scales` their own bandwidths.
    pub(crate) fn new(
        p: &'a Prepared<T>,
        flows: &Flows<'_, T>,
        features: &[T],
        scales: &[Option<Scale<T>>],
        [bias, learned]: [Option<Bias<'a, T>>; 2],
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
        let middle = match atom.combine {
            Combine::SquaredDifference => middle(p),
            _ => vec![T::ZERO; atom.features.len()],
        };
        let center = |row: &mut [T]| row.iter_mut().zip(&middle).for_each(|(x, m)| *x -= *m);
        let queries = Both::tiled(m, atom.features.len(), |i, row| {
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
        let by_means = Both::tiled(m, columns, |i, row| row.copy_from_slice(flows.means.row(i)));
        let mut own = Own {
            log_normalizer: vec![T::MAX; m],
            level: vec![T::ZERO; m],
            scale: Vec::with_capacity(m),
            correction: Vec::new(),
        };
        for (i, scale) in scales.iter().enumerate() {
            own.scale.push(atom.scale_at(0, *scale));
            if let Some(flow) = flows.of(i, T::ONE) {
                own.log_normalizer[i] = flow.log_normalizer;
                own.level[i] = flow.level;
            }
        }
        Self {
            p,
            atom,
            own,
            queries,
            keys,
            flows: by_means,
            values,
            bias,
            learned,
        }
    }

    /// Goes over all pairs. Where log normalisers are so large that their rounding shows in the shares, what these summed up to corrects
    /// them in a second pass: keys and biases get theirs from many queries, and no later factor would do for all.
    pub(crate) fn pass(&mut self, flows: &Flows<'_, T>, watch: &Watch<'_>) -> Result<Passed<T>> {
        let passed = self.pass_once(watch)?;
        if largest_log(flows) * T::EPSILON.to_f64() <= MOST_ROUNDING {
            return Ok(passed);
        }
        let share = |i| passed.of_queries.row(i)[self.keys.columns + OfQuery::Share as usize];
        let corrections = (0..self.own.level.len()).map(|i| flows.correction(i, share(i)));
        let corrections: Vec<f64> = corrections.collect();
        // Of no share there is none.
        let shows = |c: &f64| *c != 0.0 && (c - 1.0).abs() > MOST_ROUNDING;
        if !corrections.iter().any(shows) {
            return Ok(passed);
        }
        self.own.correction = corrections.into_iter().map(T::from_f64).collect();
        self.pass_once(watch)
    }

    fn pass_once(&self, watch: &Watch<'_>) -> Result<Passed<T>> {
        let (m, n) = (self.own.level.len(), self.p.sites.rows);
        let (of_queries, of_keys) = (m.div_ceil(QUERIES), n.div_ceil(KEYS));
        // Derivatives by biases are held by blocks of queries.
        let long = self.bias.is_some() || of_queries >= of_keys;
        let (tasks, things) = if long {
            (of_queries, of_keys)
        } else {
            (of_keys, of_queries)
        };
        // From the end: where each query sees the keys before it, the longest task comes first.
        let block = |size: usize, count: usize, at: usize, all: usize| {
            let start = (count - 1 - at) * size;
            start..(start + size).min(all)
        };
        let queries = |at| block(QUERIES, of_queries, at, m);
        let keys = |at| block(KEYS, of_keys, at, n);
        let none = |at: usize| {
            if long {
                Sums::of_keys(self, keys(at).len())
            } else {
                Sums::of_queries(self, queries(at).len())
            }
        };
        let turns = Turns::new((0..things).map(none));
        let spares: Mutex<Vec<Scratch<T>>> = Mutex::default();
        let done = map_in_turns(watch, tasks, &turns, |task| {
            let spare = spares.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut scratch = spare.unwrap_or_else(Scratch::new);
            let (mut own, mut by_bias) = if long {
                let count = queries(task).len();
                let own = Sums::of_queries(self, count);
                (own, ByBias::new(self.learned, count, n))
            } else {
                (Sums::of_keys(self, keys(task).len()), ByBias::None)
            };
            for thing in 0..things {
                watch.check()?;
                let (i, j) = if long { (task, thing) } else { (thing, task) };
                let (queries, keys) = (queries(i), keys(j));
                let seers = self.seers(&queries, &keys);
                // A turn lasts for the whole tile, whose sums then need no room of their own; the next task is a tile behind.
                turns.take(thing, task, |theirs| {
                    if seers.is_empty() {
                        return;
                    }
                    let (of_queries, of_keys) = if long {
                        (&mut own, theirs)
                    } else {
                        (theirs, &mut own)
                    };
                    let tile = Tile {
                        sides: self,
                        of_queries,
                        of_keys,
                        first: queries.start,
                        queries: seers,
                        keys,
                        scratch: &mut scratch,
                        by_bias: &mut by_bias,
                    };
                    tile.go();
                });
            }
            let mut spares = spares.lock().unwrap_or_else(PoisonError::into_inner);
            spares.push(scratch);
            Ok((own, by_bias))
        })?;
        let (done, by_bias): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let others: Vec<_> = turns.finish().collect();
        let (done, others) = (Sums::join(&done), Sums::join(&others));
        let (of_queries, of_keys) = if long { (done, others) } else { (others, done) };
        Ok(Passed {
            of_queries,
            of_keys,
            by_bias: ByBias::join(by_bias.into_iter().rev(), self.learned, m, n),
        })
    }

    /// The keys that a query has to do with.
    pub(crate) fn seen(&self, query: usize) -> Range<usize> {
        self.p.filter.range(query, self.p.sites.rows)
    }

    /// All but queries at either end that see none of the keys.
    fn seers(&self, queries: &Range<usize>, keys: &Range<usize>) -> Range<usize> {
        let sees = |i: &usize| {
            let seen = self.seen(*i);
            let bias = self.bias.map(|b| b.row(*i, self.p.sites.rows));
            seen.start < keys.end && keys.start < seen.end && bias.is_none_or(|b| b.lets_in(keys))
        };
        let start = queries.clone().find(sees).unwrap_or(queries.end);
        let last = queries.clone().rev().find(sees);
        start..last.map_or(start, |i| i + 1)
    }
}

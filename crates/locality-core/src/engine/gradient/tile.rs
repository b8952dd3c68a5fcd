//! Some queries against some keys: everything that either side gets from the other.

use std::ops::Range;

use super::by_bias::ByBias;
use super::dense::Sides;
use super::weigh::{Lane, Weigh};
use crate::Float;
use crate::aligned::Aligned;
use crate::isa::{Isa, Task, compiled};
use crate::lanes::{Fold, PANEL, TILE};
use crate::metric::Combine;
use crate::profile::MOST_PARAMETERS;

/// Most queries of a tile; sums over them are widened once.
pub(crate) const QUERIES: usize = 10 * TILE;
/// Most keys of a tile: what lies between the products stays in the second-level cache. Whole panels, and as many keys as share registers.
pub(crate) const KEYS: usize = 192;
/// Runs of keys lie this many numbers apart.
pub(crate) const APART: usize = 208;
/// Room for the weights of so many queries.
pub(crate) const ROOM: usize = QUERIES.next_power_of_two();
const _: () = assert!(KEYS.is_multiple_of(PANEL) && KEYS.is_multiple_of(TILE) && KEYS <= APART);

/// A row of sums for each of some queries or keys.
pub(crate) struct Sums {
    pub(crate) width: usize,
    pub(crate) data: Vec<f64>,
}

/// What a query gets after its features: sums of shares, of derivatives by the logarithm of its bandwidth, of those by the raw
/// numbers, and of those by the profile's numbers.
#[derive(Clone, Copy)]
pub(crate) enum OfQuery {
    Share,
    Width,
    Back,
    By,
}

impl Sums {
    fn zeros(width: usize, count: usize) -> Self {
        let data = vec![0.0; width * count];
        Self { width, data }
    }

    /// Features, then as [`OfQuery`] has it.
    pub(crate) fn of_queries<T: Float>(sides: &Sides<'_, T>, count: usize) -> Self {
        let rest = OfQuery::By as usize + MOST_PARAMETERS;
        Self::zeros(sides.keys.columns + rest, count)
    }

    /// Features, values, the sum of derivatives by the log-weights and of those by the raw numbers.
    pub(crate) fn of_keys<T: Float>(sides: &Sides<'_, T>, count: usize) -> Self {
        Self::zeros(sides.keys.columns + sides.values.columns + 2, count)
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.width..][..self.width]
    }

    /// Blocks put together that come last first.
    pub(crate) fn join(blocks: &[Self]) -> Self {
        let width = blocks.first().map_or(0, |b| b.width);
        let mut data = Vec::with_capacity(blocks.iter().map(|b| b.data.len()).sum());
        for block in blocks.iter().rev() {
            data.extend_from_slice(&block.data);
        }
        Self { width, data }
    }
}

/// Buffers of one thread.
pub(crate) struct Scratch<T> {
    /// Shares, a run of keys for each query.
    share: Aligned<T>,
    /// Derivatives by the raw numbers.
    back: Aligned<T>,
    lanes: [Lane<T>; TILE],
    /// For each key, the sum of derivatives by its log-weights.
    gains: Aligned<T>,
    backs: Aligned<T>,
    /// For a few keys, the weights of each query side by side: they are read more than once, and from afar.
    near: Box<[[T; TILE]; ROOM]>,
}

impl<T: Float> Scratch<T> {
    pub(crate) fn new() -> Self {
        Self {
            share: Aligned::zeros(QUERIES * APART),
            back: Aligned::zeros(QUERIES * APART),
            lanes: std::array::from_fn(|_| Lane::new()),
            gains: Aligned::zeros(KEYS),
            backs: Aligned::zeros(KEYS),
            near: Box::new([[T::ZERO; TILE]; ROOM]),
        }
    }
}

/// Some queries and some keys; what either gets is added to its sums.
pub(crate) struct Tile<'a, T> {
    pub(crate) sides: &'a Sides<'a, T>,
    pub(crate) of_queries: &'a mut Sums,
    pub(crate) of_keys: &'a mut Sums,
    /// The query that the sums begin with.
    pub(crate) first: usize,
    pub(crate) queries: Range<usize>,
    pub(crate) keys: Range<usize>,
    pub(crate) scratch: &'a mut Scratch<T>,
    pub(crate) by_bias: &'a mut ByBias<T>,
}

compiled!(Tiles, Tile);

impl<T: Float> Tile<'_, T> {
    /// Does the work with the widest instructions of this machine.
    pub(crate) fn go(self) {
        T::run_compiled::<Tiles<'_>>(self);
    }
}

impl<T: Float> Task for Tile<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let Scratch { gains, backs, .. } = &mut *self.scratch;
        gains.fill(T::ZERO);
        backs.fill(T::ZERO);
        let end = self.queries.end;
        let mut first = self.queries.start;
        while first + TILE <= end {
            self.weigh::<I, TILE>(isa, first);
            first += TILE;
        }
        for i in first..end {
            self.weigh::<I, 1>(isa, i);
        }
        self.sum_by_key(isa);
    }
}

/// The rows from `first` on, one slice each, as wide as `part`.
#[inline(always)]
fn rows<const G: usize>(all: &mut Sums, first: usize, part: Range<usize>) -> [&mut [f64]; G] {
    let width = all.width;
    let mut rest = &mut all.data[first * width..(first + G) * width];
    std::array::from_fn(|_| {
        let (own, next) = std::mem::take(&mut rest).split_at_mut(width);
        rest = next;
        &mut own[part.clone()]
    })
}

/// Runs of keys from `first` on, one for each query.
#[inline(always)]
fn runs<T, const G: usize>(all: &mut [T], first: usize, len: usize) -> [&mut [T]; G] {
    let mut rest = &mut all[first * APART..(first + G) * APART];
    std::array::from_fn(|_| {
        let (own, next) = std::mem::take(&mut rest).split_at_mut(APART);
        rest = next;
        &mut own[..len]
    })
}

/// Takes the weights of `G` keys from `key` on, for so many queries.
#[inline(always)]
fn gather<T: Float, const G: usize>(
    runs: &[T],
    key: usize,
    queries: usize,
    to: &mut [[T; TILE]; ROOM],
) {
    let runs = runs.chunks_exact(APART).take(queries);
    for (run, to) in runs.zip(to) {
        to[..G].copy_from_slice(&run[key..key + G]);
    }
}

impl<T: Float> Tile<'_, T> {
    /// The keys, padded to whole panels.
    fn padded(&self) -> Range<usize> {
        let end = self.keys.start + self.keys.len().next_multiple_of(PANEL);
        self.keys.start..end
    }

    /// Shares and derivatives of a few queries, and what these get from the keys.
    #[inline(always)]
    fn weigh<I: Isa, const G: usize>(&mut self, isa: I, first: usize) {
        let (sides, run) = (self.sides, self.padded());
        let (len, f) = (run.len(), sides.keys.columns);
        let queries = &mut *self.of_queries;
        let Scratch {
            share,
            back,
            lanes,
            gains,
            backs,
            ..
        } = &mut *self.scratch;
        let at = first - self.first;
        let mut shares = runs::<T, G>(share, at, len);
        let mut by_raw = runs::<T, G>(back, at, len);
        let seen: [Range<usize>; G] = std::array::from_fn(|g| sides.seen(first + g));
        let (real, keys) = (self.keys.clone(), sides.p.sites.rows);
        let dark = |g: usize| {
            let bias = sides.bias.map(|b| b.row(first + g, keys));
            seen[g].end <= run.start
                || seen[g].start >= run.end
                || bias.is_some_and(|b| !b.lets_in(&real))
        };
        let Some(lanes) = lanes.first_chunk_mut::<G>() else {
            return;
        };
        if (0..G).all(dark) {
            for run in shares.iter_mut().chain(&mut by_raw) {
                run.fill(T::ZERO);
            }
            return;
        }
        let fold = match sides.atom.combine {
            Combine::SquaredDifference => Fold::Squared,
            _ => Fold::Product,
        };
        let features = sides.queries.side(first);
        let raws = lanes.each_mut().map(|l| &mut l.raw[..len]);
        sides.keys.tile(isa, fold, features, &run, raws);
        let flows = sides.flows.side(first);
        let by_weight = lanes.each_mut().map(|l| &mut l.gain[..len]);
        sides
            .values
            .tile(isa, Fold::Product, flows, &run, by_weight);
        let count = sides.atom.profile.info().parameters.len();
        // Sums by the raw numbers move the distances' derivatives alone.
        let squared = fold == Fold::Squared;
        let sums = rows::<G>(queries, at, f..f + OfQuery::By as usize + count);
        for (g, sums) in sums.into_iter().enumerate() {
            let lane = &mut lanes[g];
            isa.enter(Weigh {
                sides,
                query: first + g,
                run: &run,
                seen: &seen[g],
                lane: &mut *lane,
                share: &mut *shares[g],
                back: &mut *by_raw[g],
            });
            let real = &lane.gain[..self.keys.len()];
            self.by_bias.put(at + g, self.keys.start, real, T::ONE);
            let add = |to: &mut [T], from: &[T]| {
                to.iter_mut().zip(from).for_each(|(a, b)| *a += *b);
            };
            add(&mut gains[..len], &lane.gain);
            sums[OfQuery::Share as usize] += isa.sum(&*shares[g]);
            sums[OfQuery::Width as usize] += isa.sum(&lane.input[..len]);
            if squared {
                add(&mut backs[..len], &*by_raw[g]);
                sums[OfQuery::Back as usize] += isa.sum(&*by_raw[g]);
            }
            for (sum, by) in sums[OfQuery::By as usize..].iter_mut().zip(&lane.by) {
                *sum += isa.sum(&by[..len]);
            }
        }
        let out = rows::<G>(queries, at, 0..f);
        if let Some(back) = back.as_chunks().0[at..].first_chunk() {
            sides.keys.weigh(isa, back, &run, out);
        }
    }

    /// What the keys get from the queries.
    #[inline(always)]
    fn sum_by_key<I: Isa>(&mut self, isa: I) {
        let (sides, len) = (self.sides, self.keys.len());
        let (f, p) = (sides.keys.columns, sides.values.columns);
        let keys = &mut *self.of_keys;
        let Scratch {
            share,
            back,
            gains,
            backs,
            near,
            ..
        } = &mut *self.scratch;
        let queries = &self.queries;
        let start = (queries.start - self.first) * APART;
        let (back, share) = (&back[start..], &share[start..]);
        let mut key = 0;
        while key + TILE <= len {
            gather::<T, TILE>(back, key, queries.len(), near);
            let out = rows::<TILE>(keys, key, 0..f);
            sides.queries.weigh_columns(isa, near, queries, out);
            gather::<T, TILE>(share, key, queries.len(), near);
            let out = rows::<TILE>(keys, key, f..f + p);
            sides.flows.weigh_columns(isa, near, queries, out);
            key += TILE;
        }
        for key in key..len {
            gather::<T, 1>(back, key, queries.len(), near);
            let out = rows::<1>(keys, key, 0..f);
            sides.queries.weigh_columns(isa, near, queries, out);
            gather::<T, 1>(share, key, queries.len(), near);
            let out = rows::<1>(keys, key, f..f + p);
            sides.flows.weigh_columns(isa, near, queries, out);
        }
        let rows = keys.data.chunks_exact_mut(keys.width);
        for ((row, gain), back) in rows.zip(&gains[..len]).zip(&*backs) {
            row[f + p] += gain.to_f64();
            row[f + p + 1] += back.to_f64();
        }
    }
}

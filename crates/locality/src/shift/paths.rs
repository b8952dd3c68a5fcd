//! Following points to where they rest, each stretch of the way once.
//!
//! A step is a function of the place alone. So the places and where each leads form a graph with one edge out of each, the
//! points of all seeds are followed through it in rounds, and a point that steps on a place that is known already needs no
//! further work: it shares the rest of the way.

use super::positions::Positions;
use super::settle::settle;
use super::step::Stepper;
use crate::{Float, Result, Rows, Watch};

/// Seeds followed at once: bounds the places kept.
const CHUNK: usize = 1 << 16;
/// Places kept from one chunk of seeds to the next.
const MOST_PLACES: usize = 1 << 22;

/// No place: no sample is near.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Not known, or longer than any limit.
const ENDLESS: u32 = u32::MAX;

/// When a point stops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A step of at most this length means rest.
    pub(super) rest: f64,
    /// Iterations completed at the most.
    pub(super) max_iter: usize,
    /// Width of the cells in which ways merge; 0 merges ways that meet bit for bit.
    pub(super) cell: f64,
    /// How far along its step a point goes that moves on: 1 for to the mean, less than 2.
    pub(super) relaxation: f64,
    /// Ends go on until a step is of at most this length; they stay where they are for 0.
    pub(super) fine: f64,
    /// Longest step of ends that go on.
    pub(super) stride: f64,
}

/// Where the seeds end.
pub(super) struct Ends<T> {
    /// The distinct ends, `[e, d]`.
    pub(super) places: Positions<T>,
    /// How dense it is at each, in the stepper's unit: over the region of the last step.
    pub(super) levels: Vec<f64>,
    /// Whether each is where a point rests, or only where its iterations ended.
    pub(super) rests: Vec<bool>,
    /// The end of each seed, [`NOWHERE`] where it ran out of samples.
    pub(super) of_seed: Vec<u32>,
    /// Most iterations completed by any seed.
    pub(super) n_iter: usize,
}

impl<T: Float> Ends<T> {
    pub(super) fn new(columns: usize, seeds: usize) -> Self {
        Self {
            places: Positions::new(columns, 64),
            levels: Vec::new(),
            rests: Vec::new(),
            of_seed: Vec::with_capacity(seeds),
            n_iter: 0,
        }
    }

    pub(super) fn push(&mut self, end: &[T], level: f64, rests: bool) {
        let number = self.places.number(end);
        self.levels.resize(self.places.len(), level);
        self.rests.resize(self.places.len(), false);
        self.levels[number as usize] = level;
        self.rests[number as usize] |= rests;
        self.of_seed.push(number);
    }
}

/// Squared distance, in double precision.
pub(super) fn squared_distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum()
}

/// Follows every seed to its end.
pub(super) fn follow<T: Float>(
    stepper: &Stepper<T>,
    seeds: Rows<'_, T>,
    limits: Limits,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
    let ends = follow_to_rest(stepper, seeds, limits, watch)?;
    if limits.fine > 0.0 && limits.fine < limits.rest {
        return settle(stepper, &ends, seeds.columns(), limits, watch);
    }
    Ok(ends)
}

fn follow_to_rest<T: Float>(
    stepper: &Stepper<T>,
    seeds: Rows<'_, T>,
    limits: Limits,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
    if limits.cell > 0.0 {
        return follow_merging(stepper, seeds, limits, watch);
    }
    let mut ends = Ends::new(seeds.columns(), seeds.rows());
    let mut graph = Graph::new(seeds.columns());
    let mut start = 0;
    while start < seeds.rows() {
        let end = (start + CHUNK).min(seeds.rows());
        let chunk = seeds.slice(start..end);
        let report = |moving: usize| watch.report(end - moving.min(end), seeds.rows());
        let whole = graph.explore(stepper, chunk, limits, watch, &report)?;
        for seed in chunk.iter() {
            graph.finish(seed, limits.max_iter, &mut ends);
        }
        // Ways that were cut short are of no use to seeds that come upon them earlier in their own.
        if !whole || graph.places.len() > MOST_PLACES {
            graph = Graph::new(seeds.columns());
        }
        start = end;
    }
    Ok(ends)
}

/// What is known of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    New,
    /// Its step is in the current or the next round.
    Asked,
    /// A step leads on from here.
    Moves,
    /// The step from here is so short that it is the last.
    Rests,
    /// No sample is near.
    Empty,
}

/// Places, and where each leads.
struct Graph<T> {
    places: Positions<T>,
    state: Vec<State>,
    /// The place after each.
    next: Vec<u32>,
    level: Vec<f64>,
    /// Iterations from each place to rest; `ENDLESS` where not known.
    remaining: Vec<u32>,
    /// The last place on the way, whose step is the last.
    last: Vec<u32>,
}

impl<T: Float> Graph<T> {
    fn new(columns: usize) -> Self {
        Self {
            places: Positions::new(columns, 1024),
            state: Vec::new(),
            next: Vec::new(),
            level: Vec::new(),
            remaining: Vec::new(),
            last: Vec::new(),
        }
    }

    fn place(&mut self, row: &[T]) -> u32 {
        let number = self.places.number(row);
        if self.places.len() > self.state.len() {
            self.state.push(State::New);
            self.next.push(NOWHERE);
            self.level.push(f64::NEG_INFINITY);
            self.remaining.push(ENDLESS);
            self.last.push(NOWHERE);
        }
        number
    }

    /// Takes the steps of all places that the seeds come by within the limits. False where ways are cut short.
    fn explore(
        &mut self,
        stepper: &Stepper<T>,
        seeds: Rows<'_, T>,
        limits: Limits,
        watch: &Watch<'_>,
        report: &dyn Fn(usize),
    ) -> Result<bool> {
        let d = seeds.columns();
        let mut front = Vec::with_capacity(seeds.rows());
        for seed in seeds.iter() {
            let place = self.place(seed);
            self.ask(place, &mut front);
        }
        let rest = limits.rest * limits.rest;
        let mut rows: Vec<T> = Vec::new();
        let mut round = 0;
        while !front.is_empty() && round <= limits.max_iter {
            watch.check()?;
            rows.clear();
            for &place in &front {
                rows.extend_from_slice(self.places.row(place));
            }
            let mut steps = stepper.step(Rows::new(&rows, front.len(), d)?, watch)?;
            let mut ahead = Vec::with_capacity(front.len());
            for (i, &place) in front.iter().enumerate() {
                let here = place as usize;
                self.level[here] = steps.levels[i];
                if steps.levels[i] == f64::NEG_INFINITY {
                    self.state[here] = State::Empty;
                    continue;
                }
                let mean = &mut steps.means[i * d..][..d];
                let point = &rows[i * d..][..d];
                if squared_distance(mean, point) <= rest {
                    self.state[here] = State::Rests;
                    self.next[here] = self.place(mean);
                } else {
                    self.state[here] = State::Moves;
                    stepper.advance(point, mean, limits.relaxation);
                    let next = self.place(mean);
                    self.next[here] = next;
                    self.ask(next, &mut ahead);
                }
            }
            front = ahead;
            round += 1;
            report(front.len());
        }
        Ok(front.is_empty())
    }

    fn ask(&mut self, place: u32, front: &mut Vec<u32>) {
        let state = &mut self.state[place as usize];
        if *state == State::New {
            *state = State::Asked;
            front.push(place);
        }
    }

    /// Adds a seed's end.
    fn finish(&mut self, seed: &[T], max_iter: usize, ends: &mut Ends<T>) {
        let place = self.place(seed);
        self.resolve(place);
        let here = place as usize;
        let (mut last, mut iterations) = (self.last[here], self.remaining[here] as usize);
        if self.remaining[here] == ENDLESS || iterations > max_iter {
            last = place;
            for _ in 0..max_iter {
                last = self.next[last as usize];
            }
            iterations = max_iter;
        }
        ends.n_iter = ends.n_iter.max(iterations);
        if self.state[last as usize] == State::Empty {
            ends.of_seed.push(NOWHERE);
        } else {
            let end = self.next[last as usize];
            let rests = self.state[last as usize] == State::Rests;
            ends.push(self.places.row(end), self.level[last as usize], rests);
        }
    }

    /// Works out how long the way from a place is, and its last place.
    fn resolve(&mut self, place: u32) {
        let mut way = Vec::new();
        let mut at = place;
        // A way longer than there are places goes in circles.
        while self.remaining[at as usize] == ENDLESS && way.len() <= self.places.len() {
            match self.state[at as usize] {
                State::Moves => {
                    way.push(at);
                    at = self.next[at as usize];
                }
                State::Rests | State::Empty => {
                    self.remaining[at as usize] = 0;
                    self.last[at as usize] = at;
                }
                State::New | State::Asked => return,
            }
        }
        let (mut length, last) = (self.remaining[at as usize], self.last[at as usize]);
        if length == ENDLESS {
            return;
        }
        for &place in way.iter().rev() {
            length += 1;
            self.remaining[place as usize] = length;
            self.last[place as usize] = last;
        }
    }
}

/// The same where ways merge as soon as they come into one cell.
fn follow_merging<T: Float>(
    stepper: &Stepper<T>,
    seeds: Rows<'_, T>,
    limits: Limits,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
    let (m, d) = (seeds.rows(), seeds.columns());
    // Whom each seed follows; itself while it leads.
    let mut leader: Vec<u32> = (0..m as u32).collect();
    let mut cells = Cells::new(d, limits.cell);
    let mut rows = Vec::with_capacity(m * d);
    let mut active: Vec<u32> = Vec::with_capacity(m);
    for (i, seed) in seeds.iter().enumerate() {
        if cells.enter(seed, i as u32, &mut leader) {
            active.push(i as u32);
            rows.extend_from_slice(seed);
        }
    }
    let mut found: Vec<Option<(Vec<T>, f64, bool)>> = vec![None; m];
    let rest = limits.rest * limits.rest;
    let mut n_iter = 0;
    let mut completed = 0;
    while !active.is_empty() {
        watch.check()?;
        let mut steps = stepper.step(Rows::new(&rows, active.len(), d)?, watch)?;
        n_iter = completed;
        let mut kept = 0;
        for i in 0..active.len() {
            let point = active[i];
            if steps.levels[i] == f64::NEG_INFINITY {
                continue;
            }
            let mean = &mut steps.means[i * d..][..d];
            let old = &rows[i * d..][..d];
            let rests = squared_distance(mean, old) <= rest;
            if rests || completed == limits.max_iter {
                found[point as usize] = Some((mean.to_vec(), steps.levels[i], rests));
                // Those who come later follow it here; it follows nobody any more.
                cells.claim(mean, point);
                continue;
            }
            stepper.advance(old, mean, limits.relaxation);
            if cells.enter(mean, point, &mut leader) {
                rows[kept * d..][..d].copy_from_slice(mean);
                active[kept] = point;
                kept += 1;
            }
        }
        active.truncate(kept);
        rows.truncate(kept * d);
        completed += 1;
        watch.report(m - kept, m);
    }
    let mut ends = Ends::new(d, m);
    ends.n_iter = n_iter;
    for i in 0..m as u32 {
        match &found[root(&mut leader, i) as usize] {
            Some((end, level, rests)) => ends.push(end, *level, *rests),
            None => ends.of_seed.push(NOWHERE),
        }
    }
    Ok(ends)
}

/// The leader of leaders, with the way to it shortened.
pub(super) fn root(leader: &mut [u32], mut i: u32) -> u32 {
    while leader[i as usize] != i {
        leader[i as usize] = leader[leader[i as usize] as usize];
        i = leader[i as usize];
    }
    i
}

/// Cells of a grid, and who came there last.
pub(super) struct Cells {
    width: f64,
    known: Positions<f64>,
    owner: Vec<u32>,
    cell: Vec<f64>,
}

impl Cells {
    pub(super) fn new(columns: usize, width: f64) -> Self {
        Self {
            width,
            known: Positions::new(columns, 1024),
            owner: Vec::new(),
            cell: vec![0.0; columns],
        }
    }

    /// The cell of a place, and whether it is new.
    fn cell<T: Float>(&mut self, place: &[T]) -> (usize, bool) {
        for (c, x) in self.cell.iter_mut().zip(place) {
            // Adding 0 makes the two zeros one.
            *c = (x.to_f64() / self.width).floor() + 0.0;
        }
        let number = self.known.number(&self.cell) as usize;
        (number, number == self.owner.len())
    }

    /// A leader comes to a place: it follows whoever was there before, else it leads on. Whether it leads.
    pub(super) fn enter<T: Float>(&mut self, place: &[T], point: u32, leader: &mut [u32]) -> bool {
        let (cell, new) = self.cell(place);
        if new {
            self.owner.push(point);
            return true;
        }
        let before = root(leader, self.owner[cell]);
        if before == point {
            self.owner[cell] = point;
            return true;
        }
        leader[point as usize] = before;
        false
    }

    /// A leader rests at a place.
    pub(super) fn claim<T: Float>(&mut self, place: &[T], point: u32) {
        let (_, new) = self.cell(place);
        if new {
            self.owner.push(point);
        }
    }
}

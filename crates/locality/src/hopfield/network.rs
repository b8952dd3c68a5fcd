//! Networks of units that are -1 or 1.

use std::ops::Range;

use super::couplings::Couplings;
use super::dense::Overlaps;
use crate::random::Random;
use crate::{Error, Float, Result, Rows, Watch, par};

/// How patterns become an energy. `x_k` are the stored patterns, `s` is a state of `d` units, `b` the bias.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Hebb's rule (Hopfield 1982): `W = sum_k x_k x_k^T / d` without its diagonal, energy `-s^T W s / 2 - b^T s`. Recalls about `0.138 d`
    /// random patterns.
    Hebbian,
    /// The projection on the span of the patterns, without its diagonal (Personnaz, Guyon and Dreyfus 1986): up to `d` linearly
    /// independent patterns are fixed points, however similar.
    PseudoInverse,
    /// Storkey's rule (1997), local and one pattern at a time as Hebb's, of a larger capacity.
    Storkey,
    /// Dense associative memory (Krotov and Hopfield 2016): energy `-(d / n) sum_k (x_k^T s / d)^n - b^T s`. Degree 2 is Hebb's rule;
    /// capacity grows as `d^(n - 1)`.
    Polynomial {
        /// `n`, at least 2.
        degree: u32,
    },
    /// The same where negative overlaps count as zero, so that minus a pattern is no pattern.
    Rectified {
        /// `n`, at least 2.
        degree: u32,
    },
    /// Exponential energy (Demircigil et al. 2017), as a logarithm: `-ln sum_k exp(x_k^T s) - b^T s`. Capacity grows exponentially with `d`.
    Exponential,
}

/// In which order units are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// One after the other, in an order that is drawn anew for each sweep: the energy never rises, and every state comes to rest. The order
    /// is the same for every state.
    Asynchronous {
        /// Seed of the orders.
        seed: u64,
    },
    /// All at once: faster, but the energy may rise, and a state may end in going to and fro between two states.
    Synchronous,
}

/// The parameters of a network of units that are -1 or 1.
///
/// ```
/// use locality::{Rows, Watch, hopfield::{HopfieldNetwork, Rule}};
/// let patterns = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
/// let watch = Watch::default();
/// let network = HopfieldNetwork::new(Rule::Hebbian).fit(Rows::new(&patterns, 2, 8)?, &watch)?;
/// let mut noisy = patterns[..8].to_vec();
/// noisy[5] = 1.0;
/// let found = network.recall(Rows::new(&noisy, 1, 8)?, &watch)?;
/// assert_eq!(found.states, patterns[..8]);
/// assert!(found.energies[0].is_sorted_by(|a, b| a >= b));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HopfieldNetwork {
    rule: Rule,
    update: Update,
    bias: Option<Vec<f64>>,
    max_sweeps: usize,
}

/// A network with the patterns it has learnt.
#[derive(Clone, Debug)]
pub struct HopfieldNetworkFit {
    parameters: HopfieldNetwork,
    units: usize,
    bias: Vec<f64>,
    memory: Memory,
    ids: Vec<usize>,
    next_id: usize,
}

#[derive(Clone, Debug)]
enum Memory {
    /// And the patterns `[n, d]`, from which some may be forgotten.
    Couplings(Couplings, Vec<i8>),
    Overlaps(Overlaps),
}

/// What a network recalled.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRecall<T> {
    /// Where each state ended, `[m, d]`, of -1 and 1.
    pub states: Vec<T>,
    /// Sweeps of each state, `[m]`, the last of which changed nothing where the state rests.
    pub sweeps: Vec<usize>,
    /// Whether each state rests, `[m]`; else the sweeps ran out, or it goes to and fro.
    pub settled: Vec<bool>,
    /// The energy of each state before its first sweep and after each.
    pub energies: Vec<Vec<f64>>,
}

/// One state on its way through a network.
pub(super) trait Dynamics {
    /// The state.
    fn state(&self) -> &[f64];
    /// By how much the energy falls where a unit is turned over; 0 where that is no more than rounding.
    fn gain(&self, unit: usize) -> f64;
    /// Turns a unit over.
    fn flip(&mut self, unit: usize);
    /// The energy of the state.
    fn energy(&self) -> f64;
}

/// Where one state ended.
struct End {
    state: Vec<f64>,
    sweeps: usize,
    settled: bool,
    energies: Vec<f64>,
}

impl HopfieldNetwork {
    /// A network of a rule: asynchronous updates of seed 0, no bias, at most 100 sweeps.
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            update: Update::Asynchronous { seed: 0 },
            bias: None,
            max_sweeps: 100,
        }
    }

    /// In which order units are looked at.
    #[must_use]
    pub fn update(mut self, update: Update) -> Self {
        self.update = update;
        self
    }

    /// What each unit is drawn to by itself, `[d]`: minus its threshold.
    #[must_use]
    pub fn bias(mut self, bias: impl Into<Option<Vec<f64>>>) -> Self {
        self.bias = bias.into();
        self
    }

    /// Most sweeps over all units, at least 1.
    #[must_use]
    pub fn max_sweeps(mut self, max_sweeps: usize) -> Self {
        self.max_sweeps = max_sweeps;
        self
    }

    /// Learns patterns `[n, d]` of -1 and 1, whose ids count up from 0. All networks keep the patterns, a byte for each unit; those with
    /// couplings take `d^2` numbers besides.
    ///
    /// # Errors
    /// No patterns; numbers other than -1 and 1, by row and column; a degree below 2; a bias of another length or not finite; more
    /// couplings than fit into memory; an interruption.
    pub fn fit<T: Float>(
        &self,
        patterns: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<HopfieldNetworkFit> {
        let d = patterns.columns();
        self.check(d)?;
        let memory = match self.rule {
            Rule::Hebbian | Rule::PseudoInverse | Rule::Storkey => {
                Memory::Couplings(Couplings::new(self.rule, d)?, Vec::new())
            }
            rule => Memory::Overlaps(Overlaps::new(rule, d)),
        };
        let mut out = HopfieldNetworkFit {
            parameters: self.clone(),
            units: d,
            bias: self.bias.clone().unwrap_or_else(|| vec![0.0; d]),
            memory,
            ids: Vec::new(),
            next_id: 0,
        };
        out.add(patterns, watch)?;
        Ok(out)
    }

    fn check(&self, d: usize) -> Result<()> {
        if let Rule::Polynomial { degree } | Rule::Rectified { degree } = self.rule
            && degree < 2
        {
            return Err(Error::parameter(format!(
                "degree={degree} must be at least 2: an energy linear in the overlaps recalls only the mean pattern"
            )));
        }
        if self.max_sweeps == 0 {
            return Err(Error::parameter(
                "max_sweeps=0 must be at least 1: a state that is never updated recalls nothing",
            ));
        }
        let Some(bias) = &self.bias else {
            return Ok(());
        };
        if bias.len() != d {
            return Err(Error::shape(format!(
                "bias has {} entries, but patterns have {d} columns; give one for each",
                bias.len()
            )));
        }
        match bias.iter().position(|b| !b.is_finite()) {
            Some(i) => Err(Error::not_finite(format!(
                "bias has {} at position {i} (counted from 0); give finite numbers",
                bias[i]
            ))),
            None => Ok(()),
        }
    }
}

impl HopfieldNetworkFit {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &HopfieldNetwork {
        &self.parameters
    }

    /// Number of units, `d`.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Number of patterns learnt and not forgotten.
    pub fn patterns(&self) -> usize {
        self.ids.len()
    }

    /// Ids of the patterns, `[n]`, ascending.
    pub fn ids(&self) -> &[usize] {
        &self.ids
    }

    /// The couplings `[d, d]`, symmetric with a zero diagonal; `None` for dense memories, which have none.
    pub fn couplings(&self) -> Option<Vec<f64>> {
        match &self.memory {
            Memory::Couplings(couplings, _) => Some(couplings.matrix()),
            Memory::Overlaps(_) => None,
        }
    }

    /// Learns more patterns `[m, d]`, whose ids it returns: the same as learning all at once, in this order.
    ///
    /// # Errors
    /// As [`HopfieldNetwork::fit`], and for other columns. Nothing is learnt then, but after an interruption the network must be made anew.
    pub fn add<T: Float>(
        &mut self,
        patterns: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<Range<usize>> {
        let signs = self.signs(patterns, "patterns", None)?;
        match &mut self.memory {
            Memory::Couplings(couplings, kept) => {
                couplings.learn(&signs, watch)?;
                kept.extend(signs.iter().map(|s| if *s > 0.0 { 1_i8 } else { -1 }));
            }
            Memory::Overlaps(overlaps) => overlaps.learn(&signs),
        }
        let ids = self.next_id..self.next_id + patterns.rows();
        self.ids.extend(ids.clone());
        self.next_id = ids.end;
        Ok(ids)
    }

    /// Forgets patterns, by id: as if they had never been learnt. Hebb's rule takes their products away again, and dense memories drop them;
    /// under Storkey's and the pseudo-inverse rule, where a pattern has left its mark on those after it, the couplings are learnt anew from
    /// the patterns that are kept.
    ///
    /// # Errors
    /// An id that is not stored, or given twice, or all ids: nothing is forgotten then. An interruption, after which the network must be made anew.
    pub fn forget(&mut self, ids: &[usize], watch: &Watch<'_>) -> Result<()> {
        let mut kept = vec![true; self.ids.len()];
        for id in ids {
            match self.ids.binary_search(id) {
                Ok(at) if kept[at] => kept[at] = false,
                _ => {
                    return Err(Error::parameter(format!(
                        "id {id} is not stored, or given twice; forget only ids that are stored"
                    )));
                }
            }
        }
        if !kept.contains(&true) {
            return Err(Error::empty(
                "no pattern would be left; fit a network to other patterns instead",
            ));
        }
        match &mut self.memory {
            Memory::Couplings(couplings, patterns) => {
                let rows = |wanted: bool| {
                    let rows = patterns.chunks_exact(self.units).zip(&kept);
                    rows.filter(move |(_, kept)| **kept == wanted)
                        .flat_map(|(row, _)| row.iter().copied())
                };
                let numbers =
                    |signs: Vec<i8>| -> Vec<f64> { signs.into_iter().map(f64::from).collect() };
                let (gone, left): (Vec<i8>, Vec<i8>) =
                    (rows(false).collect(), rows(true).collect());
                couplings.forget(&numbers(gone), &numbers(left.clone()), watch)?;
                *patterns = left;
            }
            Memory::Overlaps(overlaps) => overlaps.keep(&kept),
        }
        let mut each = kept.iter();
        self.ids.retain(|_| *each.next().unwrap_or(&true));
        Ok(())
    }

    /// Updates states `[m, d]` of -1 and 1 until they rest. A unit whose turning changes no energy stays as it is.
    ///
    /// # Errors
    /// No states; another number of columns; numbers other than -1 and 1; an interruption.
    pub fn recall<T: Float>(
        &self,
        states: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<NetworkRecall<T>> {
        let signs = self.signs(states, "states", None)?;
        self.go(&signs, None, watch)
    }

    /// Recalls states `[m, d]` of which only the units that are `known` `[m, d]` (row after row) mean anything; the others may be NaN. Known
    /// units keep their sign throughout; each of the others begins with the sign that the known ones alone draw it to, 1 where they do not,
    /// and is updated as in [`recall`](Self::recall).
    ///
    /// # Errors
    /// As [`recall`](Self::recall), for known units; `known` of another length; a state without known units.
    pub fn complete<T: Float>(
        &self,
        states: Rows<'_, T>,
        known: &[bool],
        watch: &Watch<'_>,
    ) -> Result<NetworkRecall<T>> {
        let d = self.units;
        self.check_shape(states, "states")?;
        if known.len() != states.rows() * d {
            return Err(Error::shape(format!(
                "known has {} entries, but {} states of {d} units need {}",
                known.len(),
                states.rows(),
                states.rows() * d
            )));
        }
        if let Some(i) = known.chunks_exact(d).position(|k| !k.contains(&true)) {
            return Err(Error::empty(format!(
                "state {i} (counted from 0) has no known unit; give at least one"
            )));
        }
        let mut signs = self.signs(states, "states", Some(known))?;
        for (state, known) in signs.chunks_exact_mut(d).zip(known.chunks_exact(d)) {
            let heard = state.iter().zip(known);
            let heard: Vec<f64> = heard.map(|(s, k)| if *k { *s } else { 0.0 }).collect();
            match &self.memory {
                Memory::Couplings(couplings, _) => couplings.fill(state, &heard, &self.bias),
                Memory::Overlaps(overlaps) => overlaps.fill(state, &heard, &self.bias),
            }
        }
        self.go(&signs, Some(known), watch)
    }

    /// Updates signs `[m, d]` until they rest, but for those that are held.
    fn go<T: Float>(
        &self,
        signs: &[f64],
        held: Option<&[bool]>,
        watch: &Watch<'_>,
    ) -> Result<NetworkRecall<T>> {
        let ends = par::map_blocks(watch, signs.len() / self.units, 1, |range| {
            let own = range.start * self.units..range.end * self.units;
            self.follow(&signs[own.clone()], held.map(|h| &h[own]), watch)
        })?;
        let mut out = NetworkRecall {
            states: Vec::with_capacity(signs.len()),
            sweeps: Vec::new(),
            settled: Vec::new(),
            energies: Vec::new(),
        };
        for end in ends {
            out.states.extend(end.state.iter().map(|&s| T::from_f64(s)));
            out.sweeps.push(end.sweeps);
            out.settled.push(end.settled);
            out.energies.push(end.energies);
        }
        Ok(out)
    }

    /// The energy of each state `[m, d]`.
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    pub fn energies<T: Float>(&self, states: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let signs = self.signs(states, "states", None)?;
        par::map_blocks(watch, states.rows(), 1, |range| {
            let state = &signs[range.start * self.units..][..self.units];
            Ok(self.start(state).energy())
        })
    }

    fn start<'a>(&'a self, state: &[f64]) -> Box<dyn Dynamics + 'a> {
        match &self.memory {
            Memory::Couplings(couplings, _) => Box::new(couplings.start(state, &self.bias)),
            Memory::Overlaps(overlaps) => Box::new(overlaps.start(state, &self.bias)),
        }
    }

    fn follow(&self, state: &[f64], held: Option<&[bool]>, watch: &Watch<'_>) -> Result<End> {
        let free = |unit: usize| held.is_none_or(|held| !held[unit]);
        let mut way = self.start(state);
        let mut end = End {
            state: Vec::new(),
            sweeps: 0,
            settled: false,
            energies: vec![way.energy()],
        };
        let mut before = way.state().to_vec();
        while !end.settled && end.sweeps < self.parameters.max_sweeps {
            watch.check()?;
            let last = way.state().to_vec();
            end.settled = match self.parameters.update {
                Update::Asynchronous { seed } => sweep(&mut *way, free, seed, end.sweeps),
                Update::Synchronous => all_at_once(&mut *way, free),
            };
            end.sweeps += 1;
            end.energies.push(way.energy());
            let to_and_fro = !end.settled && end.sweeps > 1 && way.state() == before;
            if to_and_fro {
                break;
            }
            before = last;
        }
        end.state = way.state().to_vec();
        Ok(end)
    }

    fn check_shape<T: Float>(&self, rows: Rows<'_, T>, name: &str) -> Result<()> {
        if rows.columns() == self.units {
            return Ok(());
        }
        Err(Error::shape(format!(
            "{name} has {} columns, but the network has {} units; they must be equally many",
            rows.columns(),
            self.units
        )))
    }

    /// Requires rows of -1 and 1, where they are known; 1 elsewhere.
    fn signs<T: Float>(
        &self,
        rows: Rows<'_, T>,
        name: &str,
        known: Option<&[bool]>,
    ) -> Result<Vec<f64>> {
        self.check_shape(rows, name)?;
        if known.is_none() {
            rows.require_finite(name)?;
        }
        let mut out = Vec::with_capacity(rows.rows() * self.units);
        for (i, row) in rows.iter().enumerate() {
            for (j, x) in row.iter().enumerate() {
                let x = x.to_f64();
                if known.is_some_and(|known| !known[out.len()]) {
                    out.push(1.0);
                } else if x.abs() == 1.0 {
                    out.push(x);
                } else {
                    return Err(Error::parameter(format!(
                        "{name} has {x} in row {i}, column {j} (counted from 0); units are -1 or 1: take 2 x - 1 of patterns of 0 and 1 (in Python, booleans count as -1 and 1), and sign(x - threshold) of other numbers"
                    )));
                }
            }
        }
        Ok(out)
    }
}

/// Looks at each unit once, in the order of a sweep; whether nothing changed.
fn sweep(way: &mut dyn Dynamics, free: impl Fn(usize) -> bool, seed: u64, number: usize) -> bool {
    let d = way.state().len();
    let mut random = Random::new(seed, number as u64);
    let mut order: Vec<usize> = (0..d).collect();
    for i in (1..d).rev() {
        order.swap(i, random.below(i + 1));
    }
    let mut rests = true;
    for unit in order {
        if free(unit) && way.gain(unit) > 0.0 {
            way.flip(unit);
            rests = false;
        }
    }
    rests
}

/// Turns all units over that would gain by themselves; whether nothing changed.
fn all_at_once(way: &mut dyn Dynamics, free: impl Fn(usize) -> bool) -> bool {
    let d = way.state().len();
    let turned: Vec<usize> = (0..d).filter(|&i| free(i) && way.gain(i) > 0.0).collect();
    for &unit in &turned {
        way.flip(unit);
    }
    turned.is_empty()
}

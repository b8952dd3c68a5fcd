//! Recall: states move until they rest.

use super::memory::StoredPatterns;
use super::parts::merged;
use crate::{Float, LocalMeans, Result, Rows, Watch};

/// What was recalled.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall<T> {
    /// Where each state ended, `[m, d]`.
    pub states: Vec<T>,
    /// The values there, `[m, p]`, with the weights of the last step: after one step, an attention read. NaN where no pattern has a weight.
    pub values: Vec<T>,
    /// Steps of each state, `[m]`.
    pub steps: Vec<usize>,
    /// Whether each state rests, `[m]`; the others would have moved on.
    pub settled: Vec<bool>,
    /// The states that no pattern has a weight at, ascending: they stay where they are.
    pub lost: Vec<usize>,
    /// With [`trace`](super::HopfieldMemory::trace): the energy of each state before its first step and after each; else empty. Also empty
    /// where the kernel has no energy.
    pub energies: Vec<Vec<f64>>,
}

/// States on their way.
pub(super) struct Way<'a, T> {
    stored: &'a StoredPatterns<T>,
    /// Cells that do not move, `[m, d]`.
    known: Option<&'a [bool]>,
    /// Those that still move.
    active: Vec<usize>,
    found: Recall<T>,
}

impl<T: Float> StoredPatterns<T> {
    /// Moves states `[m, d]` to the local mean of the patterns until they rest.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, no pattern left, scores beyond the number type, an interruption.
    pub fn recall(&self, states: Rows<'_, T>, watch: &Watch<'_>) -> Result<Recall<T>> {
        self.check(states)?;
        let mut way = Way::new(self, states.to_vec(), None);
        way.go(watch)?;
        Ok(way.end())
    }
}

impl<'a, T: Float> Way<'a, T> {
    pub(super) fn new(
        stored: &'a StoredPatterns<T>,
        states: Vec<T>,
        known: Option<&'a [bool]>,
    ) -> Self {
        let m = states.len() / stored.columns();
        Self {
            stored,
            known,
            active: (0..m).collect(),
            found: Recall {
                values: vec![T::NAN; m * stored.width()],
                states,
                steps: vec![0; m],
                settled: vec![false; m],
                lost: Vec::new(),
                energies: Vec::new(),
            },
        }
    }

    pub(super) fn states(&self) -> &[T] {
        &self.found.states
    }

    /// Steps until all states rest or have taken their number.
    pub(super) fn go(&mut self, watch: &Watch<'_>) -> Result<()> {
        let stored = self.stored;
        let (d, most) = (stored.columns(), stored.parameters.max_iter);
        let meter = if stored.parameters.trace {
            stored.meter(watch)?
        } else {
            None
        };
        let every: Vec<usize> = (0..self.found.steps.len()).collect();
        if let Some(meter) = &meter {
            let rows = Rows::new(&self.found.states, every.len(), d)?;
            let before = meter.energies(rows, watch)?;
            self.found.energies = before.into_iter().map(|e| vec![e]).collect();
        }
        let first = self.found.steps.iter().copied().max().unwrap_or(0);
        let fits = stored.parts.fits();
        for step in first..most {
            if self.active.is_empty() {
                break;
            }
            watch.report(step, most);
            let gathered = self.gather();
            let rows = Rows::new(&gathered, self.active.len(), d)?;
            let means = merged(&fits, rows, stored.parts.row(), &watch.quiet())?;
            let mut moving = self.active.clone();
            self.take(&moving, &means);
            moving.retain(|&i| self.found.steps[i] > step);
            if let Some(meter) = &meter {
                let gathered: Vec<T> = self.gather_of(&moving);
                let now = meter.energies(Rows::new(&gathered, moving.len(), d)?, watch)?;
                for (&i, e) in moving.iter().zip(now) {
                    self.found.energies[i].push(e);
                }
            }
        }
        watch.report(most, most);
        Ok(())
    }

    fn gather(&self) -> Vec<T> {
        self.gather_of(&self.active)
    }

    fn gather_of(&self, some: &[usize]) -> Vec<T> {
        let d = self.stored.columns();
        let rows = some.iter();
        rows.flat_map(|&i| &self.found.states[i * d..][..d])
            .copied()
            .collect()
    }

    /// Moves some states to their means, and drops those that rest or are lost from the active ones.
    pub(super) fn take(&mut self, some: &[usize], means: &LocalMeans<T>) {
        let (d, row) = (self.stored.columns(), self.stored.parts.row());
        let rest = self.stored.parameters.tol * self.stored.largest;
        for (at, &i) in some.iter().enumerate() {
            let mean = &means.means[at * row..][..row];
            if means.log_normalizer[at] == T::NEG_INFINITY {
                self.found.lost.push(i);
                self.found.settled[i] = true;
                continue;
            }
            let mut moved = 0.0_f64;
            for (j, &new) in mean[..d].iter().enumerate() {
                if self.known.is_some_and(|known| known[i * d + j]) {
                    continue;
                }
                let old = &mut self.found.states[i * d + j];
                moved = moved.max((new.to_f64() - old.to_f64()).abs());
                *old = new;
            }
            let p = row - d;
            self.found.values[i * p..][..p].copy_from_slice(&mean[d..]);
            self.found.steps[i] += 1;
            self.found.settled[i] = moved <= rest;
        }
        self.active.retain(|&i| !self.found.settled[i]);
    }

    /// Marks states as moving again, whatever their last step was.
    pub(super) fn wake(&mut self) {
        let lost: std::collections::HashSet<usize> = self.found.lost.iter().copied().collect();
        self.active = (0..self.found.steps.len())
            .filter(|i| !lost.contains(i))
            .collect();
        self.active
            .iter()
            .for_each(|&i| self.found.settled[i] = false);
    }

    pub(super) fn end(mut self) -> Recall<T> {
        self.found.lost.sort_unstable();
        for &i in &self.found.lost {
            self.found.settled[i] = false;
        }
        self.found
    }
}

//! The parameters of a memory of real patterns, and the patterns it stores.

use std::collections::HashSet;
use std::ops::Range;

use super::energy::Energy;
use super::parts::{Parts, merged};
use crate::{Error, Float, Kernel, Profile, Result, Rows, Watch};

/// Weights of the patterns behind states that are held at once.
const WEIGHTS: usize = 1 << 22;

/// The parameters of a memory of real patterns. A state `x` is recalled by moving it to the local mean of the stored patterns,
/// `x <- sum_i K(x, x_i) x_i / sum_i K(x, x_i)`, until it rests.
///
/// Under `softmax(beta=b)` this is the update of Ramsauer et al. (2021, eq. 3), `X softmax(b X^T x)`, which is attention. Patterns should have
/// about one length then, as those of -1 and 1 do: of others the longest win ([`StoredPatterns::outscored`]). Under a kernel of
/// the distance it is mean shift, and patterns need not have one length. Under a kernel that ends, such as
/// `epanechnikov(h=1)`, a pattern alone within one bandwidth is recalled exactly.
///
/// ```
/// use locality::{Rows, Watch, hopfield::HopfieldMemory};
/// let patterns = [1.0, 0.0, 0.0, 1.0];
/// let mut memory = HopfieldMemory::new("epanechnikov(h=0.7)".parse()?).store(Rows::new(&patterns, 2, 2)?)?;
/// let near = [0.8, 0.1];
/// assert_eq!(memory.recall(Rows::new(&near, 1, 2)?, &Watch::default())?.states, [1.0, 0.0]);
/// // Store one more, and forget it.
/// let ids = memory.add(Rows::new(&[5.0, 5.0], 1, 2)?)?;
/// memory.forget(&ids.collect::<Vec<_>>())?;
/// assert_eq!(memory.len(), 2);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HopfieldMemory {
    kernel: Kernel,
    pub(super) max_iter: usize,
    pub(super) tol: f64,
    pub(super) trace: bool,
    leave_out: f64,
}

impl Default for HopfieldMemory {
    fn default() -> Self {
        Self::new(softmax())
    }
}

fn softmax() -> Kernel {
    let profile = Profile::from_name("softmax", &[]).expect("softmax is in the list");
    Kernel::Atom(crate::Atom::new(profile))
}

impl HopfieldMemory {
    /// A memory under a kernel: at most 100 steps, at rest within a millionth of the patterns' largest number, no trace. The default kernel
    /// is `softmax(beta=1)`.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            max_iter: 100,
            tol: 1e-6,
            trace: false,
            leave_out: 0.0,
        }
    }

    /// Most steps of a state, at least 1. One step is one read of attention.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// A state rests once no column moves by more than this share of the largest absolute number stored; 0 asks that nothing moves.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Whether the [energies](StoredPatterns::energies) of each state on its way are kept; this takes a second read for each step.
    #[must_use]
    pub fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }

    /// What a step may leave out of the weights, with proof, as [`LocalMean::tolerance`](crate::LocalMean::tolerance); 0 by default.
    #[must_use]
    pub fn leave_out(mut self, share: f64) -> Self {
        self.leave_out = share;
        self
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Stores patterns `[n, d]`, each recalled as itself.
    ///
    /// # Errors
    /// No patterns; NaN or infinite numbers, by row and column; parameters out of range; a kernel that does not fit the columns.
    pub fn store<T: Float>(&self, patterns: Rows<'_, T>) -> Result<StoredPatterns<T>> {
        self.store_pairs(patterns, Rows::new(&[], patterns.rows(), 0)?)
    }

    /// Stores keys `[n, d]` with values `[n, p]` (hetero-association): a state moves among the keys, and the values come with it.
    ///
    /// # Errors
    /// As [`store`](Self::store); values that are not finite or not one row for each key.
    pub fn store_pairs<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
    ) -> Result<StoredPatterns<T>> {
        let mut out = self.empty(keys.columns(), values.columns())?;
        out.add_pairs(keys, values)?;
        Ok(out)
    }

    /// Stores keys `[n, d]` with values `[n, p]` under the ids that they had before, ascending, and `next_id` for the next one: a memory
    /// with forgotten patterns as it was. `parts` says how many of them lie in each [part](StoredPatterns::parts), so that every bit of what
    /// is recalled is as it was; empty for one part.
    ///
    /// # Errors
    /// As [`store_pairs`](Self::store_pairs); ids that are not one for each key, do not rise, or are not below `next_id`; parts that are
    /// empty or not of all keys.
    pub fn restore<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        ids: &[usize],
        next_id: usize,
        parts: &[usize],
    ) -> Result<StoredPatterns<T>> {
        let rising = ids.is_sorted_by(|a, b| a < b) && ids.last().is_none_or(|&id| id < next_id);
        if ids.len() != keys.rows() || !rising {
            return Err(Error::parameter(format!(
                "ids must be {} numbers that rise and are below next_id={next_id}; give those that the memory told",
                keys.rows()
            )));
        }
        let total = parts.iter().try_fold(0_usize, |sum, &n| sum.checked_add(n));
        if !parts.is_empty() && (parts.contains(&0) || total != Some(ids.len())) {
            return Err(Error::parameter(format!(
                "parts must be numbers above 0 that sum up to the {} patterns; give those that the memory told",
                ids.len()
            )));
        }
        let mut out = self.empty(keys.columns(), values.columns())?;
        let all = [ids.len()];
        let parts = match parts {
            [] if ids.is_empty() => &all[..0],
            [] => &all[..],
            parts => parts,
        };
        let mut from = 0;
        for &size in parts {
            let part = from..from + size;
            let (keys, values) = (keys.slice(part.clone()), values.slice(part.clone()));
            out.take_in(keys, values, ids[part].to_vec(), true)?;
            from += size;
        }
        out.next_id = next_id;
        Ok(out)
    }

    fn empty<T: Float>(&self, columns: usize, width: usize) -> Result<StoredPatterns<T>> {
        if self.max_iter == 0 {
            return Err(Error::parameter(
                "max_iter=0 must be at least 1: a state that takes no step recalls nothing",
            ));
        }
        if !(self.tol.is_finite() && self.tol >= 0.0) {
            return Err(Error::parameter(format!(
                "tol={} must be a finite number that is not negative",
                self.tol
            )));
        }
        Ok(StoredPatterns {
            parameters: self.clone(),
            energy: Energy::of(&self.kernel),
            parts: Parts::new(&self.kernel, self.leave_out, columns, width),
            next_id: 0,
            largest: 0.0,
        })
    }
}

/// The largest absolute number.
fn largest<T: Float>(rows: Rows<'_, T>) -> f64 {
    let absolute = rows.iter().flatten().map(|x| x.to_f64().abs());
    absolute.fold(0.0, f64::max)
}

/// The patterns a [`HopfieldMemory`] has stored, with their values if they have any. Every pattern has an id, counted up from 0.
#[derive(Clone, Debug)]
pub struct StoredPatterns<T> {
    pub(super) parameters: HopfieldMemory,
    energy: Option<Energy>,
    pub(super) parts: Parts<T>,
    next_id: usize,
    /// Largest absolute number of a stored pattern.
    pub(super) largest: f64,
}

impl<T: Float> StoredPatterns<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &HopfieldMemory {
        &self.parameters
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether all patterns have been forgotten.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns of a pattern, `d`.
    pub fn columns(&self) -> usize {
        self.parts.columns
    }

    /// Columns of a value, `p`; 0 where patterns have no values.
    pub fn width(&self) -> usize {
        self.parts.width
    }

    /// The id of the next pattern.
    pub fn next_id(&self) -> usize {
        self.next_id
    }

    /// The ids of the patterns, ascending.
    pub fn ids(&self) -> Vec<usize> {
        self.parts.ids()
    }

    /// How many patterns lie in each part that is laid out by itself, in the order of ids. Sums over parts differ in rounding from those
    /// over all, so this is part of what makes a memory come [back](HopfieldMemory::restore) bit by bit.
    pub fn parts(&self) -> Vec<usize> {
        self.parts.part_ids().map(<[usize]>::len).collect()
    }

    /// The patterns `[n, d]`, in the order of their ids.
    pub fn patterns(&self) -> Vec<T> {
        self.columns_of(0..self.columns())
    }

    /// Their values `[n, p]`.
    pub fn values(&self) -> Vec<T> {
        self.columns_of(self.columns()..self.parts.row())
    }

    fn columns_of(&self, range: Range<usize>) -> Vec<T> {
        let rows = self.parts.rows();
        let rows = rows.chunks_exact(self.parts.row());
        rows.flat_map(|r| r[range.clone()].to_vec()).collect()
    }

    /// Stores more patterns `[m, d]` and tells their ids. What is stored already is not laid out anew, but for a part no larger than twice
    /// what comes.
    ///
    /// # Errors
    /// As [`HopfieldMemory::store`], other columns, or a memory of pairs. Nothing is stored then.
    pub fn add(&mut self, patterns: Rows<'_, T>) -> Result<Range<usize>> {
        self.add_pairs(patterns, Rows::new(&[], patterns.rows(), 0)?)
    }

    /// Stores more keys `[m, d]` with values `[m, p]` and tells their ids.
    ///
    /// # Errors
    /// As [`HopfieldMemory::store_pairs`], or other columns. Nothing is stored then.
    pub fn add_pairs(&mut self, keys: Rows<'_, T>, values: Rows<'_, T>) -> Result<Range<usize>> {
        let Some(end) = self.next_id.checked_add(keys.rows()) else {
            return Err(Error::parameter(format!(
                "ids count on from {}, and {} more are none; store the patterns in a new memory",
                self.next_id,
                keys.rows()
            )));
        };
        let ids = self.next_id..end;
        self.take_in(keys, values, ids.clone().collect(), false)?;
        self.next_id = ids.end;
        Ok(ids)
    }

    /// Takes in keys with their values, in a part of their own or with smaller parts.
    fn take_in(
        &mut self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        ids: Vec<usize>,
        apart: bool,
    ) -> Result<()> {
        keys.require_finite("patterns")?;
        if (keys.columns(), values.columns()) != (self.columns(), self.width()) {
            return Err(Error::shape(format!(
                "patterns and values have {} and {} columns, but those stored have {} and {}; they must be the same columns",
                keys.columns(),
                values.columns(),
                self.columns(),
                self.width()
            )));
        }
        if values.rows() != keys.rows() {
            return Err(Error::shape(format!(
                "values has {} rows, but there are {} patterns; give one row for each",
                values.rows(),
                keys.rows()
            )));
        }
        if values.columns() > 0 {
            values.require_finite("values")?;
        }
        let mut rows = Vec::with_capacity(keys.rows() * self.parts.row());
        for (key, value) in keys.iter().zip(values.iter()) {
            rows.extend_from_slice(key);
            rows.extend_from_slice(value);
        }
        self.parts.push(ids, rows, apart, &Watch::default())?;
        self.largest = self.largest.max(largest(keys));
        Ok(())
    }

    /// Forgets patterns, by id: as if they had never been stored.
    ///
    /// # Errors
    /// An id that is not stored, or given twice. Nothing is forgotten then.
    pub fn forget(&mut self, ids: &[usize]) -> Result<()> {
        let known: HashSet<usize> = self.ids().into_iter().collect();
        let mut gone = HashSet::new();
        for &id in ids {
            if !known.contains(&id) || !gone.insert(id) {
                return Err(Error::parameter(format!(
                    "id {id} is not stored, or given twice; forget only ids that are stored"
                )));
            }
        }
        self.parts.remove(&gone, &Watch::default())?;
        self.largest = 0.0;
        if !self.is_empty() {
            let patterns = self.patterns();
            self.largest = largest(Rows::new(&patterns, self.len(), self.columns())?);
        }
        Ok(())
    }

    /// The energy of each state `[m, d]`, which no step raises; `None` where the kernel has none that is known. Positive infinity where no
    /// pattern has a weight.
    ///
    /// | kernel (one profile, on all columns) | energy |
    /// |---|---|
    /// | `softmax(beta=b)` of the inner product | `\|x\|^2 / 2 - L / b` |
    /// | `gaussian(h=h)` | `-h^2 L` |
    /// | `uniform`, `epanechnikov`, `biweight`, `triweight`, `(1 - u^2)^p` in general | `-(h^2 / 2) L` |
    /// | `student_t` of `nu > 1`, `rational_quadratic` of `alpha > 1` | `-h^2 L` |
    ///
    /// `L` is the log normaliser at the state; in the last two rows, under the kernel's shadow, `(1 - u^2)^(p + 1)` for `(1 - u^2)^p`
    /// (Cheng 1995; Hoover et al. 2025 for `uniform`).
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, an interruption.
    pub fn energies(&self, states: Rows<'_, T>, watch: &Watch<'_>) -> Result<Option<Vec<f64>>> {
        self.check(states)?;
        let Some(meter) = self.meter(watch)? else {
            return Ok(None);
        };
        meter.energies(states, watch).map(Some)
    }

    /// What measures energies, laid out once for many states.
    pub(super) fn meter(&self, watch: &Watch<'_>) -> Result<Option<Meter<'_, T>>> {
        let Some(energy) = &self.energy else {
            return Ok(None);
        };
        let kernel = match energy {
            Energy::Softmax { .. } => &self.parameters.kernel,
            Energy::Shadow { kernel, .. } => kernel,
        };
        let fits = self.parts.under(kernel, false, watch)?;
        Ok(Some(Meter { energy, fits }))
    }

    /// Over how many patterns the weight at each state `[m, d]` is spread: `1 / sum_i w_i^2`, 1 where one pattern has it all and `n` where
    /// all share it. A state at rest with more than one is metastable (Ramsauer et al. 2021): a mean of similar patterns.
    /// 0 where no pattern has a weight.
    ///
    /// # Errors
    /// As [`energies`](Self::energies).
    pub fn participation(&self, states: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        self.check(states)?;
        let log = |kernel: &Kernel| {
            let fits = self.parts.under(kernel, false, watch)?;
            let fits: Vec<_> = fits.iter().collect();
            Ok(merged(&fits, states, 0, watch)?.log_normalizer)
        };
        let once = log(&self.parameters.kernel)?;
        let squared = log(&self.parameters.kernel.clone().power(2.0))?;
        let shares = once.iter().zip(&squared).map(|(a, b)| {
            let (a, b) = (a.to_f64(), b.to_f64());
            if a == f64::NEG_INFINITY {
                0.0
            } else {
                (2.0 * a - b).exp().clamp(1.0, self.len() as f64)
            }
        });
        Ok(shares.collect())
    }

    /// The patterns that have at least this share of the weight at each state `[m, d]`, by id, heaviest first, with their shares.
    ///
    /// # Errors
    /// As [`energies`](Self::energies); a share that is not between 0 and 1.
    pub fn holders(
        &self,
        states: Rows<'_, T>,
        least: f64,
        watch: &Watch<'_>,
    ) -> Result<Vec<Vec<(usize, f64)>>> {
        self.check(states)?;
        if !(0.0..=1.0).contains(&least) {
            return Err(Error::parameter(format!(
                "least={least} must be a share of the weight, from 0 to 1"
            )));
        }
        let fits = self.parts.fits();
        let chunk = (WEIGHTS / self.len().max(1)).max(1);
        let mut out = Vec::with_capacity(states.rows());
        for start in (0..states.rows()).step_by(chunk) {
            watch.check()?;
            let some = states.slice(start..(start + chunk).min(states.rows()));
            let mut found = vec![Vec::new(); some.rows()];
            let whole = merged(&fits, some, self.parts.row(), watch)?.log_normalizer;
            for (fit, ids) in fits.iter().zip(self.parts.part_ids()) {
                let own = fit.at(some, watch)?.log_normalizer;
                let weights = fit.weights(some, watch)?;
                for (i, row) in weights.chunks_exact(ids.len()).enumerate() {
                    let share = (own[i].to_f64() - whole[i].to_f64()).exp();
                    let shares = ids.iter().zip(row).map(|(&id, w)| (id, share * w.to_f64()));
                    found[i].extend(shares.filter(|(_, w)| *w > 0.0 && *w >= least));
                }
            }
            for row in &mut found {
                row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            }
            out.extend(found);
        }
        Ok(out)
    }

    /// Requires states of the right columns.
    pub(super) fn check(&self, states: Rows<'_, T>) -> Result<()> {
        self.check_shape(states)?;
        if states.rows() > 0 {
            states.require_finite("states")?;
        }
        Ok(())
    }

    pub(super) fn check_shape(&self, states: Rows<'_, T>) -> Result<()> {
        if self.is_empty() {
            return Err(Error::empty(
                "the memory holds no pattern any more; store some first",
            ));
        }
        if states.columns() != self.columns() {
            return Err(Error::shape(format!(
                "states has {} columns, but patterns have {}; they must be the same columns",
                states.columns(),
                self.columns()
            )));
        }
        Ok(())
    }
}

/// Measures the energy of states.
pub(super) struct Meter<'a, T> {
    energy: &'a Energy,
    fits: Vec<crate::LocalMeanFit<T>>,
}

impl<T: Float> Meter<'_, T> {
    pub(super) fn energies(&self, states: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let fits: Vec<_> = self.fits.iter().collect();
        let logs = merged(&fits, states, 0, &watch.quiet())?.log_normalizer;
        let each = logs.iter().zip(states.iter()).map(|(log, state)| {
            let log = log.to_f64();
            match self.energy {
                Energy::Softmax { beta } => {
                    let square: f64 = state.iter().map(|x| x.to_f64() * x.to_f64()).sum();
                    0.5 * square - log / beta
                }
                Energy::Shadow { scale, .. } => -scale * log,
            }
        });
        Ok(each.collect())
    }
}

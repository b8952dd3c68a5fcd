//! How much the sum of a query's weights may be off by, and how much of that is spent.

use super::pair::Weight;
use crate::{Float, Summary};

/// What the sum of the weights may be off by, and a bound on what it is off by so far, in units of `exp(log_scale)`.
///
/// Half of the tolerance is shared out to the keys: each may be off by so much, and the sum of all stays within that half. The
/// other half goes to the first that need up to [`GREED`] times as much. A single pot would be emptied by the near nodes, and
/// all the far ones would have to be walked.
pub(crate) struct Budget {
    /// Half of the tolerance.
    half: f64,
    /// Sum of all sample weights.
    total: f64,
    log_scale: f64,
    /// What the greedy have spent.
    spent: f64,
    /// The weight kept when the next two were worked out.
    kept: f64,
    /// What a key may be off by, per sample weight, and its logarithm.
    fair: f64,
    log_fair: f64,
}

/// How many times its share a node may take.
const GREED: f64 = 64.0;
/// Its logarithm, or more.
const LOG_GREED: f64 = 4.159;

impl Budget {
    pub(crate) fn new(tolerance: f64, total: f64) -> Self {
        Self {
            half: 0.5 * tolerance,
            total,
            log_scale: f64::NEG_INFINITY,
            spent: 0.0,
            kept: 0.0,
            fair: 0.0,
            log_fair: f64::NEG_INFINITY,
        }
    }

    /// Follows what was kept.
    #[inline(always)]
    pub(crate) fn follow(&mut self, kept: &Summary) {
        if kept.log_scale > self.log_scale {
            self.spent *= (self.log_scale - kept.log_scale).exp();
            self.log_scale = kept.log_scale;
        }
        if kept.weight != self.kept {
            self.kept = kept.weight;
            self.fair = self.half * kept.weight / self.total;
            self.log_fair = self.fair.ln();
        }
    }

    /// The most that a key of a node of this total sample weight may be off by, per sample weight.
    #[inline(always)]
    pub(crate) fn most(&self, keys: f64) -> f64 {
        let left = (self.half * self.kept - self.spent) / keys;
        left.clamp(self.fair, GREED * self.fair)
    }

    /// Counts a node whose keys are off by at most `error` each, which is no more than [`most`](Self::most).
    #[inline(always)]
    pub(crate) fn spend(&mut self, keys: f64, error: f64) {
        if error > self.fair {
            self.spent += keys * error;
        }
    }

    /// Whether a node of this total sample weight may be left out; if so, it is counted.
    #[inline(always)]
    pub(crate) fn may_skip<T: Float>(
        &mut self,
        upper: Weight<T>,
        keys: f64,
        kept: &Summary,
    ) -> bool {
        if keys <= 0.0 || upper.factor <= T::ZERO {
            return true;
        }
        if kept.weight <= 0.0 {
            return false;
        }
        self.follow(kept);
        let gap = upper.log.to_f64() - self.log_scale;
        if upper.factor == T::ONE {
            if gap <= self.log_fair {
                return true;
            }
            if gap > self.log_fair + LOG_GREED {
                return false;
            }
        }
        let error = if gap == 0.0 { 1.0 } else { gap.exp() } * upper.factor.to_f64();
        let fits = error <= self.most(keys);
        if fits {
            self.spend(keys, error);
        }
        fits
    }
}

//! How many rules, how their terms move, and which of them are needed.

use super::anfis::{self, Stop};
use super::learner::{RuleLearner, shuffled};
use super::tsk::{Data, Solve, Tsk};
use crate::{Result, Watch};

/// Rows on which the number of rules is chosen.
const CHOOSING: usize = 2000;
const FOLDS: usize = 5;

impl RuleLearner {
    /// So many rules have conclusions that half of `n` rows can tell, and that are not too many to be solved for at once.
    pub(super) fn most(&self, n: usize, columns: usize) -> usize {
        let each = if self.order == 1 { columns + 1 } else { 1 };
        (n / (2 * each)).min(400 / each).max(1)
    }

    pub(super) fn choose(&self, all: &Data, divisor: f64, watch: &Watch<'_>) -> Result<(Tsk, f64)> {
        let mut order = shuffled(all.rows(), self.seed);
        order.truncate(CHOOSING);
        let data = all.subset(&order);
        let n = data.rows();
        let most = self.most(n, data.x.len());
        let counts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
            .into_iter()
            .filter(|c| *c <= most);
        let ridges = self.ridge.map_or(vec![1e-4, 1e-2, 0.3], |r| vec![r]);
        let mut best = (f64::INFINITY, 1, 1.0, ridges[0]);
        let folds = FOLDS.min(n);
        for count in counts {
            for width in [1.0, 2.5] {
                if count == 1 && width > 1.0 {
                    continue;
                }
                let mut tsk = self.clusters(&data, count, width, divisor, watch)?;
                let shares = tsk.shares(&data, watch)?;
                for &ridge in &ridges {
                    let how = Solve {
                        order: self.order,
                        ridge,
                        local: self.local,
                    };
                    let mut error = 0.0;
                    for fold in 0..folds {
                        watch.check()?;
                        let weights = data.w.iter().enumerate();
                        let weights = weights.map(|(i, w)| w * f64::from(i % folds != fold));
                        let weights: Vec<f64> = weights.collect();
                        tsk.conclude(&shares, &data, &weights, how, watch)?;
                        error += tsk.error(&shares, &data, |i| i % folds == fold);
                    }
                    // A more complicated model must earn its place.
                    if error < best.0 * 0.995 {
                        best = (error, count, width, ridge);
                    }
                }
            }
        }
        let (_, count, width, ridge) = best;
        Ok((self.clusters(all, count, width, divisor, watch)?, ridge))
    }

    /// Moves terms and prunes rules by what is held out; also says how many rules there were.
    pub(super) fn improve(
        &self,
        tsk: Tsk,
        data: &Data,
        how: Solve,
        watch: &Watch<'_>,
    ) -> Result<(Tsk, Vec<[f64; 2]>, usize)> {
        let rules = tsk.rules();
        let n = data.rows();
        let held = (self.validation * n as f64).round() as usize;
        if held < 5 || n - held < 5 || (self.epochs == 0 && self.prune < 0.0) || rules < 2 {
            return Ok((tsk, Vec::new(), rules));
        }
        let order = shuffled(n, self.seed ^ 0x5eed);
        let (check, train) = (data.subset(&order[..held]), data.subset(&order[held..]));
        let stop = Stop {
            epochs: self.epochs,
            patience: self.patience.max(1),
        };
        let (tsk, history) = anfis::tune(tsk, &train, &check, how, stop, watch)?;
        let tsk = self.pruned(tsk, &train, &check, how, watch)?;
        Ok((tsk, history, rules))
    }

    fn pruned(
        &self,
        mut tsk: Tsk,
        train: &Data,
        check: &Data,
        how: Solve,
        watch: &Watch<'_>,
    ) -> Result<Tsk> {
        let error = |tsk: &mut Tsk| -> Result<f64> {
            let shares = tsk.shares(train, watch)?;
            tsk.conclude(&shares, train, &train.w, how, watch)?;
            Ok(tsk.error(&tsk.shares(check, watch)?, check, |_| true))
        };
        let mut now = error(&mut tsk)?;
        while tsk.rules() > 1 && self.prune >= 0.0 {
            watch.check()?;
            let mut best: Option<(f64, Tsk)> = None;
            for r in 0..tsk.rules() {
                let mut fewer = tsk.without(r);
                let found = error(&mut fewer)?;
                if best.as_ref().is_none_or(|(e, _)| found < *e) {
                    best = Some((found, fewer));
                }
            }
            match best {
                Some((found, fewer)) if found <= now * (1.0 + self.prune) => {
                    (now, tsk) = (found.min(now), fewer);
                }
                _ => break,
            }
        }
        Ok(tsk)
    }
}

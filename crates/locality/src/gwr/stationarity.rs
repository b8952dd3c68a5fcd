//! Whether coefficients differ from place to place by more than chance.

use super::model::{GwrFit, Laid};
use super::place::Local;
use crate::{Error, Result, Watch};

/// `SplitMix64` (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The high part of the product: of 2^64 numbers, shares differ by less than n / 2^64.
        ((u128::from(z) * n as u128) >> 64) as usize
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for i in (1..order.len()).rev() {
            order.swap(i, self.below(i + 1));
        }
    }
}

impl GwrFit {
    /// Monte-Carlo test of each coefficient's variation, `[q]`: the share `(1 + c) / (1 + rounds)`, where in `c` rounds the coefficient
    /// differs more from place to place (by its standard deviation) after the places were dealt out anew. A small share says that it
    /// truly differs. With `search`, each round finds its own bandwidth as the model did; without, all keep the model's.
    ///
    /// Source: C. Brunsdon, A. S. Fotheringham, M. Charlton, *Geographically weighted regression: a method for exploring spatial
    /// nonstationarity*, Geographical Analysis 28 (1996).
    ///
    /// # Errors
    /// No rounds, or an interruption.
    pub fn stationarity(
        &self,
        rounds: usize,
        seed: u64,
        search: bool,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        if rounds == 0 {
            return Err(Error::parameter(
                "rounds=0 test nothing; ask for at least 1, usually 999",
            ));
        }
        let q = self.laid.table.q;
        let seen = deviations(self.coefficients(), q);
        let mut random = Random(seed);
        let mut order: Vec<usize> = (0..self.laid.table.len()).collect();
        let mut more = vec![0usize; q];
        for round in 0..rounds {
            watch.check()?;
            random.shuffle(&mut order);
            let laid = Laid {
                space: self.laid.space.permuted(&order)?,
                ..self.laid.clone()
            };
            let bandwidth = if search {
                self.parameters.choose(&laid, &watch.quiet())?.0
            } else {
                self.bandwidth
            };
            let rows = laid.each(bandwidth, &watch.quiet(), |_, work| {
                let local = Local::new(&laid.table, work, &laid.start, false);
                Ok((0..q)
                    .map(|j| local.coefficient(&laid.table, j))
                    .collect::<Vec<f64>>())
            })?;
            let found = deviations(&rows.concat(), q);
            for (more, (found, seen)) in more.iter_mut().zip(found.iter().zip(&seen)) {
                *more += usize::from(found > seen);
            }
            watch.report(round + 1, rounds);
        }
        let share = |c: &usize| (1 + c) as f64 / (1 + rounds) as f64;
        Ok(more.iter().map(share).collect())
    }
}

/// Standard deviations of columns `[n, q]`.
fn deviations(rows: &[f64], q: usize) -> Vec<f64> {
    let n = (rows.len() / q) as f64;
    let one = |j: usize| {
        let column = || rows.iter().skip(j).step_by(q);
        let mean = column().sum::<f64>() / n;
        (column().map(|b| (b - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    (0..q).map(one).collect()
}

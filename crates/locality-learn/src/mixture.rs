//! Mixtures of kernels: how much each of several counts, found by how well each sample is told by the others.

use locality_core::{
    Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch,
};

use crate::Goal;
use crate::goal::Values;
use crate::optimize::lbfgs;

/// A kernel whose share of all weights is below this is left out, where the loss allows it.
const LITTLE: f64 = 1e-3;
/// What leaving one out may cost, as a part of the loss.
const SPARED: f64 = 1e-6;

/// Learns weights, none of them negative, of a sum of kernels under which the local mean predicts each sample best from the others: narrow and
/// wide kernels side by side, or kernels of different columns and metrics (multiple kernel learning; Song 2026, arXiv 2605.20635, the adaptive
/// kernels).
///
/// Each kernel goes over all pairs once; from there a round costs as much as there are samples and kernels. The loss is never above that of the best
/// kernel alone.
///
/// ```
/// use locality_core::{Rows, Watch};
/// use locality_learn::{Goal, MixtureLearner};
/// // A wide trend with a narrow bump on it.
/// let x: Vec<f64> = (0..120).map(|i| f64::from(i) / 20.0).collect();
/// let y: Vec<f64> = x.iter().map(|x| x + (-50.0 * (x - 3.0).powi(2)).exp()).collect();
/// let kernels = ["gaussian(h=0.05)", "gaussian(h=0.5)", "laplace(h=2)"];
/// let kernels = kernels.iter().map(|k| k.parse()).collect::<Result<_, _>>()?;
/// let goal = Goal::Responses(Rows::column(&y));
/// let learned = MixtureLearner::new(kernels).fit(Rows::column(&x), goal, &Watch::default())?;
/// assert!(learned.weights().iter().all(|w| *w >= 0.0));
/// println!("{}", learned.kernel());
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureLearner {
    kernels: Vec<Kernel>,
    max_iter: usize,
    tolerance: f64,
}

/// A mixture that was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedMixture {
    kernel: Kernel,
    weights: Vec<f64>,
    shares: Vec<f64>,
    losses: Vec<f64>,
    alone: Vec<f64>,
    settled: bool,
}

impl MixtureLearner {
    /// Over these kernels, with at most 200 rounds.
    pub fn new(kernels: Vec<Kernel>) -> Self {
        Self {
            kernels,
            max_iter: 200,
            tolerance: 1e-7,
        }
    }

    /// Most rounds.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// The search ends where no derivative of the loss is above this.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Learns from samples `[n, d]` and what is to be told of them.
    ///
    /// # Errors
    /// No kernels, one that does not fit the columns or has a bandwidth for each sample, fewer than two samples, shapes that do not fit, NaN or infinite
    /// numbers, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<LearnedMixture> {
        self.fit_weighted(samples, goal, None, watch)
    }

    /// The same where samples count by their weights `[n]`, as neighbours and as what is to be told.
    ///
    /// # Errors
    /// As `fit`, and weights that are negative, not finite, all zero or not one for each sample.
    pub fn fit_weighted(
        &self,
        samples: Rows<'_, f64>,
        goal: Goal<'_>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LearnedMixture> {
        if self.kernels.is_empty() {
            return Err(Error::empty(
                "a mixture of no kernels; give at least one, such as gaussian(h=1)",
            ));
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(Error::parameter(format!(
                "tolerance={} must be a finite number of at least 0",
                self.tolerance
            )));
        }
        if samples.rows() < 2 {
            return Err(Error::empty(format!(
                "samples has {} rows; a mixture is learned from at least 2",
                samples.rows()
            )));
        }
        let task = Loss::new(&self.kernels, samples, goal, weights, watch)?;
        let count = self.kernels.len();
        let alone: Vec<f64> = (0..count).map(|m| task.value(&one(m, count))).collect();
        let first = (0..count).fold(0, |a, b| if alone[b] < alone[a] { b } else { a });
        // From equal shares, and from most of the share for the best kernel.
        let fair: Vec<f64> = task.scales();
        let mut led = fair.clone();
        led[first] += 3.0;
        let start = if task.value(&led) < task.value(&fair) {
            led
        } else {
            fair
        };
        let after = |round: usize, _: &[f64]| {
            watch.check()?;
            watch.report(round, self.max_iter);
            Ok(true)
        };
        let found = lbfgs(
            start,
            self.max_iter,
            self.tolerance,
            |p| Ok(task.at(p)),
            after,
        )?;
        let mut losses = found.losses;
        let mut logs = found.x;
        let mut loss = losses.last().copied().unwrap_or(f64::INFINITY);
        if alone[first] <= loss {
            logs = one(first, count);
            loss = alone[first];
            losses.push(loss);
        }
        // From the least on, what counts next to nothing.
        let mut order: Vec<usize> = (0..count).collect();
        let shares = task.shares(&logs);
        order.sort_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        for m in order {
            let kept = logs[m];
            if kept == f64::NEG_INFINITY || shares[m] >= LITTLE {
                continue;
            }
            logs[m] = f64::NEG_INFINITY;
            if task.value(&logs) > loss * (1.0 + SPARED) {
                logs[m] = kept;
            }
        }
        let top = logs.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        // Means do not know the scale of all: the largest is 1.
        let weights: Vec<f64> = logs.iter().map(|l| (l - top).exp()).collect();
        let parts = weights.iter().zip(&self.kernels);
        let parts: Vec<(f64, Kernel)> = parts
            .filter(|(w, _)| **w > 0.0)
            .map(|(w, k)| (*w, k.clone()))
            .collect();
        let kernel = match &parts[..] {
            [(_, kernel)] => kernel.clone(),
            _ => Kernel::Sum(parts),
        };
        Ok(LearnedMixture {
            kernel,
            shares: task.shares(&logs),
            weights,
            losses,
            alone,
            settled: found.settled,
        })
    }
}

impl LearnedMixture {
    /// The sum, for any local model; a kernel by itself where no other counts.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The coefficient of each kernel that was given, the largest 1; 0 for those that are left out.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The mean share of each kernel in the weights of a sample's neighbours, which does not depend on how high the kernels are. They sum up to 1.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// The loss at the start and after each round: as of [`Goal`].
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The loss of each kernel by itself.
    pub fn alone(&self) -> &[f64] {
        &self.alone
    }

    /// Whether the search came to rest before its rounds ran out.
    pub fn converged(&self) -> bool {
        self.settled
    }
}

/// Logarithms of the coefficients of one kernel by itself.
fn one(m: usize, count: usize) -> Vec<f64> {
    let log = |i: usize| if i == m { 0.0 } else { f64::NEG_INFINITY };
    (0..count).map(log).collect()
}

/// The loss by the logarithms of the coefficients.
struct Loss<'a> {
    values: Values<'a>,
    /// For each kernel means of the others `[n, p]` and the logarithms of their weights' sums `[n]`.
    parts: Vec<(Vec<f64>, Vec<f64>)>,
    /// What is told where no kernel reaches another sample.
    around: Vec<f64>,
}

impl<'a> Loss<'a> {
    fn new(
        kernels: &[Kernel],
        samples: Rows<'_, f64>,
        goal: Goal<'a>,
        weights: Option<&'a [f64]>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let n = samples.rows();
        let values = Values::of(goal, n, weights)?;
        let p = values.columns;
        let told = Rows::new(&values.all, n, p)?;
        let quiet = &watch.quiet();
        let part = |kernel: &Kernel| -> Result<(Vec<f64>, Vec<f64>)> {
            let mean = LocalMean::new(kernel.clone())
                .neighborhood(Neighborhood::hollow())
                .on_empty(OnEmpty::Nan);
            let fit: LocalMeanFit<f64> = mean.fit_watched(samples, told, weights, quiet)?;
            let found = fit.at(samples, quiet)?;
            Ok((found.means, found.log_normalizer))
        };
        let parts = kernels.iter().map(|kernel| {
            let name = |e: Error| e.context(format!("kernel {kernel}"));
            part(kernel).map_err(name)
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut around = vec![0.0; p];
        let total = weights.map_or(n as f64, |w| w.iter().sum());
        for (i, y) in told.iter().enumerate() {
            let share = weights.map_or(1.0, |w| w[i]) / total;
            around.iter_mut().zip(y).for_each(|(a, y)| *a += y * share);
        }
        Ok(Self {
            values,
            parts,
            around,
        })
    }

    /// Coefficients under which each kernel's weights have the same mean logarithm; 0 for one that reaches nothing.
    fn scales(&self) -> Vec<f64> {
        let scale = |(_, logs): &(Vec<f64>, Vec<f64>)| {
            let reached: Vec<f64> = logs.iter().copied().filter(|l| l.is_finite()).collect();
            if reached.is_empty() {
                0.0
            } else {
                -reached.iter().sum::<f64>() / reached.len() as f64
            }
        };
        self.parts.iter().map(scale).collect()
    }

    /// The share of each kernel in a sample's weights; none where all are 0.
    fn mix(&self, logs: &[f64], sample: usize, shares: &mut [f64]) -> bool {
        let own = self.parts.iter().zip(logs);
        let mut top = f64::NEG_INFINITY;
        for (s, ((_, sums), log)) in shares.iter_mut().zip(own) {
            *s = log + sums[sample];
            top = top.max(*s);
        }
        if top == f64::NEG_INFINITY {
            return false;
        }
        let mut sum = 0.0;
        for s in &mut *shares {
            *s = (*s - top).exp();
            sum += *s;
        }
        for s in shares {
            *s /= sum;
        }
        true
    }

    /// Means of the others, `[n, p]`.
    fn means(&self, logs: &[f64]) -> Vec<f64> {
        let p = self.values.columns;
        let n = self.values.all.len() / p;
        let mut shares = vec![0.0; logs.len()];
        let mut means = vec![0.0; n * p];
        for (i, mean) in means.chunks_exact_mut(p).enumerate() {
            if !self.mix(logs, i, &mut shares) {
                mean.copy_from_slice(&self.around);
                continue;
            }
            for ((own, _), s) in self.parts.iter().zip(&shares) {
                // A kernel that reaches nothing has no mean.
                if *s > 0.0 {
                    let own = &own[i * p..][..p];
                    mean.iter_mut().zip(own).for_each(|(m, y)| *m += s * y);
                }
            }
        }
        means
    }

    fn value(&self, logs: &[f64]) -> f64 {
        self.values.loss(&self.means(logs)).0
    }

    /// The loss and its derivatives: a mean moves by a kernel's share times how far that kernel's mean is from it.
    fn at(&self, logs: &[f64]) -> (f64, Vec<f64>) {
        let p = self.values.columns;
        let means = self.means(logs);
        let (loss, flow) = self.values.loss(&means);
        let (mut slope, mut shares) = (vec![0.0; logs.len()], vec![0.0; logs.len()]);
        let rows = means.chunks_exact(p).zip(flow.chunks_exact(p));
        for (i, (mean, flow)) in rows.enumerate() {
            if !self.mix(logs, i, &mut shares) {
                continue;
            }
            for ((slope, (own, _)), s) in slope.iter_mut().zip(&self.parts).zip(&shares) {
                if *s > 0.0 {
                    let own = own[i * p..][..p].iter();
                    let apart = own.zip(mean).zip(flow);
                    *slope += s * apart.map(|((y, m), f)| (y - m) * f).sum::<f64>();
                }
            }
        }
        (loss, slope)
    }

    /// Mean shares over the samples that some kernel reaches.
    fn shares(&self, logs: &[f64]) -> Vec<f64> {
        let n = self.values.all.len() / self.values.columns;
        let (mut all, mut own) = (vec![0.0; logs.len()], vec![0.0; logs.len()]);
        let mut count = 0.0;
        for i in 0..n {
            if self.mix(logs, i, &mut own) {
                all.iter_mut().zip(&own).for_each(|(a, o)| *a += o);
                count += 1.0;
            }
        }
        for a in &mut all {
            *a /= f64::max(count, 1.0);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernels(texts: &[&str]) -> Vec<Kernel> {
        texts.iter().map(|k| k.parse().unwrap()).collect()
    }

    fn table(n: usize) -> (Vec<f64>, Vec<f64>, Vec<usize>) {
        let x: Vec<f64> = (0..2 * n).map(|i| (i as f64 * 1.7).sin()).collect();
        let tell = |i: usize| (3.0 * x[2 * i]).cos() + 0.5 * x[2 * i + 1];
        let y: Vec<f64> = (0..n).map(tell).collect();
        let labels = y
            .iter()
            .map(|y| usize::from(*y > 0.2) + usize::from(*y > 0.9));
        let labels = labels.collect();
        (x, y, labels)
    }

    const ALL: [&str; 6] = [
        "gaussian(h=0.2)",
        "laplace(h=1)",
        // It reaches few others, and some not at all.
        "epanechnikov(h=0.1)",
        "cauchy(h=0.5, cols=1)",
        "softmax(beta=2)",
        "gaussian(h=0.3) * tricube(h=0.9, metric=manhattan)",
    ];

    #[test]
    fn derivatives_are_those_of_differences() {
        const STEP: f64 = 1e-6;
        let (x, y, labels) = table(40);
        let both: Vec<f64> = y.iter().flat_map(|y| [*y, y * y]).collect();
        let rows = Rows::new(&x, 40, 2).unwrap();
        for goal in [
            Goal::Responses(Rows::new(&both, 40, 2).unwrap()),
            Goal::Classes(&labels, 3),
        ] {
            for part in [&ALL[..], &ALL[2..3]] {
                let task = Loss::new(&kernels(part), rows, goal, None, &Watch::default()).unwrap();
                let mut logs: Vec<f64> = (0..part.len()).map(|m| (m as f64).sin()).collect();
                let (loss, slope) = task.at(&logs);
                assert!((loss - task.value(&logs)).abs() < 1e-15);
                assert!(
                    part.len() == 1 || slope.iter().all(|s| s.abs() > 1e-6),
                    "{slope:?}"
                );
                for m in 0..logs.len() {
                    let old = logs[m];
                    logs[m] = old + STEP;
                    let up = task.value(&logs);
                    logs[m] = old - STEP;
                    let down = task.value(&logs);
                    logs[m] = old;
                    let wanted = (up - down) / (2.0 * STEP);
                    assert!(
                        (slope[m] - wanted).abs() < 1e-8,
                        "{m}: {} {wanted}",
                        slope[m]
                    );
                }
            }
        }
    }
}

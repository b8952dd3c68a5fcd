//! Metrics that are learned: the kernel's own columns, found by how well each sample is told by the others.

mod loss;
mod start;

use locality_core::{Atom, Error, Kernel, LinearMap, Metric, Profile, Result, Rows, Watch};

use crate::Goal;
use crate::optimize::{Minimum, lbfgs};

use loss::Loss;

/// Learns a linear map of the columns under which a Gaussian local mean of bandwidth 1 predicts each sample best from the others.
///
/// Derivatives are the engine's own; a sample never sees itself. Each round looks at all pairs, in memory linear in the samples.
///
/// ```
/// use locality_core::{Rows, Watch};
/// use locality_learn::{Goal, MetricLearner};
/// // The first column says everything, the second nothing.
/// let x: Vec<f64> = (0..80).flat_map(|i| [f64::from(i % 10), f64::from(i * 7 % 11)]).collect();
/// let y: Vec<f64> = (0..80).map(|i| f64::from(i % 10)).collect();
/// let learned = MetricLearner::new()
///     .per_feature(true)
///     .fit(Rows::new(&x, 80, 2)?, Goal::Responses(Rows::column(&y)), &Watch::default())?;
/// let map = learned.map();
/// assert!(map[0][0] > 3.0 * map[1][1]);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricLearner {
    rank: Option<usize>,
    per_feature: bool,
    max_iter: usize,
    tolerance: f64,
}

/// Where learning begins, and when it ends.
///
/// The loss of the samples themselves falls as long as learning goes on; that of others rises again once the map fits what is chance in
/// the samples (early stopping, Prechelt 1998).
#[derive(Clone, Copy, Debug)]
pub struct Guidance<'a> {
    start: Option<&'a [Vec<f64>]>,
    weights: Option<&'a [f64]>,
    held_out: Option<(Rows<'a, f64>, Goal<'a>)>,
    held_weights: Option<&'a [f64]>,
    patience: usize,
}

impl Default for Guidance<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Guidance<'a> {
    /// None.
    pub fn new() -> Self {
        Self {
            start: None,
            weights: None,
            held_out: None,
            held_weights: None,
            patience: 10,
        }
    }

    /// The map to begin from, `[rank, d]`, as [`LearnedMetric::map`] returns it.
    #[must_use]
    pub fn start(mut self, map: &'a [Vec<f64>]) -> Self {
        self.start = Some(map);
        self
    }

    /// Samples that are not learned from, and what is to be told of them: the map that is kept is the one of the round that did best there.
    #[must_use]
    pub fn held_out(mut self, samples: Rows<'a, f64>, goal: Goal<'a>) -> Self {
        self.held_out = Some((samples, goal));
        self
    }

    /// How much each sample counts, `[n]`: as a neighbour of others, and as what is to be told.
    #[must_use]
    pub fn weights(mut self, weights: &'a [f64]) -> Self {
        self.weights = Some(weights);
        self
    }

    /// How much each held-out sample counts.
    #[must_use]
    pub fn held_weights(mut self, weights: &'a [f64]) -> Self {
        self.held_weights = Some(weights);
        self
    }

    /// After so many rounds in which held-out samples were told no better the search ends; 10 at first.
    #[must_use]
    pub fn patience(mut self, rounds: usize) -> Self {
        self.patience = rounds.max(1);
        self
    }
}

impl Default for MetricLearner {
    fn default() -> Self {
        Self::new()
    }
}

/// Bandwidths that the search begins from, in units of the columns' deviations.
const FIRST: [f64; 8] = [0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0];
/// Probabilities of classes have many maxima: so many bandwidths from the best on, each wider than the one before, are followed for so many
/// rounds, and of these so many to the end. Wide ones see which directions matter before each sample listens to its nearest neighbours alone.
const LEADS: usize = 4;
const SCOUTED: usize = 20;
const FINISHED: usize = 2;

impl MetricLearner {
    /// A map of as many rows as there are columns, at most 200 rounds.
    pub fn new() -> Self {
        Self {
            rank: None,
            per_feature: false,
            max_iter: 200,
            tolerance: 1e-6,
        }
    }

    /// The map has so many rows: fewer than columns make a picture of the samples, and less work.
    #[must_use]
    pub fn rank(mut self, rank: usize) -> Self {
        self.rank = Some(rank);
        self
    }

    /// One bandwidth for each column, instead of a map that mixes them.
    #[must_use]
    pub fn per_feature(mut self, per_feature: bool) -> Self {
        self.per_feature = per_feature;
        self
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

    /// Learns from samples `[n, d]`. Beginning from columns over their standard deviations, or for fewer rows than columns from principal
    /// directions or those that tell most, if they do better, at the bandwidth that does best, the loss never rises. For classes some wider
    /// bandwidths are begun from as well.
    ///
    /// # Errors
    /// Fewer than two samples, shapes that do not fit, NaN or infinite numbers, a rank out of range, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<LearnedMetric> {
        self.fit_guided(samples, goal, &Guidance::new(), watch)
    }

    /// The same from a map of one's own, or as long as it helps samples that are not learned from.
    ///
    /// # Errors
    /// As `fit`, and a start or held-out samples that do not fit.
    pub fn fit_guided(
        &self,
        samples: Rows<'_, f64>,
        goal: Goal<'_>,
        guidance: &Guidance<'_>,
        watch: &Watch<'_>,
    ) -> Result<LearnedMetric> {
        let d = samples.columns();
        self.check(samples.rows(), d)?;
        let task = Loss::new(samples, goal, guidance.weights, self.per_feature, watch)?;
        let held = guidance.held_out;
        let held = held.map(|(x, goal)| task.hold_out(x, goal, guidance.held_weights));
        let held = held.transpose()?;
        let start = if let Some(map) = guidance.start {
            self.given(&task, map)?
        } else {
            let starts = task.starts(self.rank.unwrap_or(d), &FIRST);
            let first = best(&task, &starts)?;
            // Held-out samples end a search long before its start decides.
            if held.is_none() && task.classes() {
                return self.best_of_several(&task, &starts, first, watch);
            }
            starts.into_iter().nth(first).unwrap_or_default()
        };
        let mut elsewhere: Vec<f64> = Vec::new();
        let mut kept = (0, start.clone());
        let mut ended = false;
        let after = |round: usize, x: &[f64]| {
            watch.check()?;
            watch.report(round, self.max_iter);
            let Some(held) = &held else {
                return Ok(true);
            };
            let loss = task.elsewhere(held, x)?;
            if elsewhere.get(kept.0).is_none_or(|least| loss < *least) {
                kept = (round, x.to_vec());
            }
            elsewhere.push(loss);
            ended = round - kept.0 >= guidance.patience;
            Ok(!ended)
        };
        let found = lbfgs(start, self.max_iter, self.tolerance, |p| task.at(p), after)?;
        let (round, x) = if held.is_some() {
            kept
        } else {
            (found.losses.len() - 1, found.x)
        };
        Ok(LearnedMetric {
            map: task.map(&x),
            losses: found.losses,
            held_out: elsewhere,
            round,
            settled: found.settled || ended,
        })
    }

    /// The best of several searches: from the best start, and from wider bandwidths of the same map.
    fn best_of_several(
        &self,
        task: &Loss<'_, '_>,
        starts: &[Vec<f64>],
        first: usize,
        watch: &Watch<'_>,
    ) -> Result<LearnedMetric> {
        let follow = |start: &usize, rounds: usize| {
            let after = |round: usize, _: &[f64]| {
                watch.check()?;
                watch.report(round, self.max_iter);
                Ok(true)
            };
            let from = starts[*start].clone();
            let found = lbfgs(from, rounds, self.tolerance, |p| task.at(p), after)?;
            Ok((*start, found))
        };
        let last = (first / FIRST.len() + 1) * FIRST.len();
        let leads: Vec<usize> = (first..last.min(starts.len())).take(LEADS).collect();
        let scouted = leads.iter().map(|s| follow(s, self.max_iter.min(SCOUTED)));
        let mut scouted = scouted.collect::<Result<Vec<_>>>()?;
        let least = |found: &Minimum| found.losses.last().copied().unwrap_or(f64::INFINITY);
        let outset = scouted[0].1.losses[0];
        // Stable, so that of equals the narrower stays ahead.
        scouted.sort_by(|(_, a), (_, b)| least(a).total_cmp(&least(b)));
        scouted.truncate(FINISHED);
        let mut best: Option<Minimum> = None;
        for (start, found) in scouted {
            let found = if found.settled || self.max_iter <= SCOUTED {
                found
            } else {
                follow(&start, self.max_iter)?.1
            };
            if best.as_ref().is_none_or(|b| least(&found) < least(b)) {
                best = Some(found);
            }
        }
        let Some(found) = best else {
            return Err(Error::parameter("there is no map to begin from"));
        };
        // What is told is the least loss so far: a wider start begins above the best.
        let losses = found.losses.iter().enumerate();
        let losses = losses.map(|(i, l)| if i == 0 { outset } else { l.min(outset) });
        Ok(LearnedMetric {
            map: task.map(&found.x),
            losses: losses.collect(),
            held_out: Vec::new(),
            round: found.losses.len() - 1,
            settled: found.settled,
        })
    }

    /// Parameters of a map to begin from.
    fn given(&self, task: &Loss<'_, '_>, map: &[Vec<f64>]) -> Result<Vec<f64>> {
        if map.is_empty() || self.rank.is_some_and(|rank| rank != map.len()) {
            return Err(Error::shape(format!(
                "start has {} rows, but the map that is learned has {}",
                map.len(),
                self.rank
                    .map_or("at least one".to_owned(), |r| r.to_string())
            )));
        }
        task.parameters(map)
    }

    fn check(&self, n: usize, d: usize) -> Result<()> {
        if n < 2 || d == 0 {
            return Err(Error::empty(format!(
                "samples has shape [{n}, {d}]; a metric is learned from at least 2 samples of at least 1 column"
            )));
        }
        if let Some(rank) = self.rank.filter(|r| *r == 0 || *r > d) {
            return Err(Error::parameter(format!(
                "rank={rank} must be from 1 to the number of columns, {d}"
            )));
        }
        if self.per_feature && self.rank.is_some_and(|r| r != d) {
            return Err(Error::parameter(
                "a rank is for maps that mix columns; leave it out, or per_feature",
            ));
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(Error::parameter(format!(
                "tolerance={} must be a finite number of at least 0",
                self.tolerance
            )));
        }
        Ok(())
    }
}

/// Which parameters have the least loss, the first of equals.
fn best(task: &Loss<'_, '_>, starts: &[Vec<f64>]) -> Result<usize> {
    let mut best: Option<(f64, usize)> = None;
    for (i, start) in starts.iter().enumerate() {
        let loss = task.value(start)?;
        if best.is_none_or(|(least, _)| loss < least || least.is_nan()) {
            best = Some((loss, i));
        }
    }
    Ok(best.map_or(0, |(_, i)| i))
}

/// Rows `[n, r]` of a map's outputs.
fn apply(map: &[Vec<f64>], rows: Rows<'_, f64>) -> Vec<f64> {
    let out = |x: &[f64], row: &[f64]| x.iter().zip(row).map(|(x, a)| x * a).sum::<f64>();
    rows.iter()
        .flat_map(|x| map.iter().map(move |row| out(x, row)))
        .collect()
}

/// A metric that was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedMetric {
    map: Vec<Vec<f64>>,
    losses: Vec<f64>,
    held_out: Vec<f64>,
    round: usize,
    settled: bool,
}

impl LearnedMetric {
    /// The map, `[rank, d]`: distances are those of mapped rows, in bandwidths.
    pub fn map(&self) -> &[Vec<f64>] {
        &self.map
    }

    /// The loss at the start and after each round; where wider bandwidths were begun from, the least so far.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The loss of held-out samples at the start and after each round; empty where none were.
    pub fn held_out_losses(&self) -> &[f64] {
        &self.held_out
    }

    /// The round that the map is of: the last, but where held-out samples were told better before.
    pub fn round(&self) -> usize {
        self.round
    }

    /// Whether the search came to rest, or held-out samples ended it, before its rounds ran out.
    pub fn converged(&self) -> bool {
        self.settled
    }

    /// Mapped rows, `[m, rank]`.
    ///
    /// # Errors
    /// Another number of columns than was learned from.
    pub fn transform(&self, rows: Rows<'_, f64>) -> Result<Vec<f64>> {
        let d = self.map.first().map_or(0, Vec::len);
        if rows.columns() != d {
            return Err(Error::shape(format!(
                "rows have {} columns, but the metric was learned from {d}",
                rows.columns()
            )));
        }
        Ok(apply(&self.map, rows))
    }

    /// The kernel that was learned, for any local model: a Gaussian of bandwidth 1 of distances under the map.
    ///
    /// # Errors
    /// None for a map that was learned.
    pub fn kernel(&self) -> Result<Kernel> {
        let metric = Metric::Mahalanobis(LinearMap::new(self.map.clone())?);
        let atom = Atom::new(Profile::from_name("gaussian", &[])?);
        Ok(atom.bandwidth(1.0).metric(metric).into())
    }
}

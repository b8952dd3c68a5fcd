//! Metrics that are learned: the kernel's own columns, found by how well each sample is told by the others.

use locality_core::{
    Atom, Error, Kernel, LinearMap, LocalMean, Metric, Neighborhood, OnEmpty, Profile, Result,
    Rows, Watch,
};

use crate::optimize::lbfgs;

/// What is to be told from the samples around.
#[derive(Clone, Copy, Debug)]
pub enum Goal<'a> {
    /// Responses, `[n, p]`: the squared errors of each sample's local mean of the others, as a share of the responses' variance (metric
    /// learning for kernel regression, Weinberger and Tesauro 2007, equation 2).
    Responses(Rows<'a, f64>),
    /// Classes, `[n]`, numbered from 0, and how many there are: one minus the mean probability of the right class among the others
    /// (neighbourhood components analysis, Goldberger, Roweis, Hinton and Salakhutdinov 2004, equation 4).
    Classes(&'a [usize], usize),
}

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

impl Default for MetricLearner {
    fn default() -> Self {
        Self::new()
    }
}

/// Bandwidths that the search begins from, in units of the columns' deviations.
const FIRST: [f64; 8] = [0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0];

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

    /// Learns from samples `[n, d]`. Beginning from columns over their standard deviations, at the bandwidth that does best, the loss never
    /// rises.
    ///
    /// # Errors
    /// Fewer than two samples, shapes that do not fit, NaN or infinite numbers, a rank out of range, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        goal: Goal<'_>,
        watch: &Watch<'_>,
    ) -> Result<LearnedMetric> {
        let (n, d) = (samples.rows(), samples.columns());
        self.check(n, d)?;
        let task = Loss::new(samples, goal, self.per_feature, watch)?;
        let deviations = deviations(samples)?;
        let rank = if self.per_feature {
            d
        } else {
            self.rank.unwrap_or(d)
        };
        // The rows of the first map are the columns that vary together most with what is to be told.
        let order = task.order(&deviations);
        let begin = |h: f64| -> Vec<f64> {
            let factor = |j: usize| 1.0 / (deviations[j] * h * (d as f64).sqrt());
            if self.per_feature {
                return (0..d).map(|j| factor(j).ln()).collect();
            }
            let mut map = vec![0.0; rank * d];
            for (r, &j) in order[..rank].iter().enumerate() {
                map[r * d + j] = factor(j);
            }
            map
        };
        let mut best: Option<(f64, Vec<f64>)> = None;
        for h in FIRST {
            let start = begin(h);
            let (loss, _) = task.at(&start)?;
            if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                best = Some((loss, start));
            }
        }
        let start = best.map_or_else(|| begin(1.0), |(_, start)| start);
        let told = |round: usize| {
            watch.check()?;
            watch.report(round, self.max_iter);
            Ok(())
        };
        let found = lbfgs(start, self.max_iter, self.tolerance, |p| task.at(p), told)?;
        Ok(LearnedMetric {
            map: task.map(&found.x, rank),
            losses: found.losses,
            settled: found.settled,
        })
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

/// The standard deviation of each column; 1 where it does not vary.
fn deviations(samples: Rows<'_, f64>) -> Result<Vec<f64>> {
    let n = samples.rows() as f64;
    let columns = 0..samples.columns();
    let all = columns.map(|j| {
        let mean = samples.iter().map(|x| x[j]).sum::<f64>() / n;
        let square = samples.iter().map(|x| (x[j] - mean).powi(2)).sum::<f64>() / n;
        if !square.is_finite() {
            return Err(Error::not_finite(format!(
                "samples: column {j} (counted from 0) has NaN or infinite numbers, or such large ones that their squares are; leave out \
                 these rows, or change the unit"
            )));
        }
        Ok(if square > 0.0 { square.sqrt() } else { 1.0 })
    });
    all.collect()
}

/// The loss of a map.
struct Loss<'a, 'w> {
    samples: Rows<'a, f64>,
    /// Responses, or 1 at each sample's class.
    values: Vec<f64>,
    columns: usize,
    /// The classes, where there are any.
    classes: Option<&'a [usize]>,
    /// What the loss is a share of.
    whole: f64,
    per_feature: bool,
    mean: LocalMean,
    watch: &'w Watch<'w>,
}

impl<'a, 'w> Loss<'a, 'w> {
    fn new(
        samples: Rows<'a, f64>,
        goal: Goal<'a>,
        per_feature: bool,
        watch: &'w Watch<'w>,
    ) -> Result<Self> {
        let n = samples.rows();
        let fits = |name: &str, rows: usize| {
            if rows == n {
                return Ok(());
            }
            Err(Error::shape(format!(
                "{name} has {rows} entries, but there are {n} samples; give one for each"
            )))
        };
        let (values, columns, classes, whole) = match goal {
            Goal::Responses(y) => {
                fits("responses", y.rows())?;
                let values = y.to_vec();
                let p = y.columns();
                let mut whole = 0.0;
                for c in 0..p {
                    let mean = y.iter().map(|y| y[c]).sum::<f64>() / n as f64;
                    whole += y.iter().map(|y| (y[c] - mean).powi(2)).sum::<f64>();
                }
                if !whole.is_finite() {
                    return Err(Error::not_finite(
                        "responses have NaN or infinite numbers; leave out these rows",
                    ));
                }
                (values, p, None, if whole > 0.0 { whole } else { 1.0 })
            }
            Goal::Classes(labels, count) => {
                fits("classes", labels.len())?;
                if let Some(i) = labels.iter().position(|c| *c >= count) {
                    return Err(Error::parameter(format!(
                        "classes has {} at position {i} (counted from 0), but there are {count}, numbered from 0",
                        labels[i]
                    )));
                }
                let mut values = vec![0.0; n * count];
                for (row, &c) in values.chunks_exact_mut(count).zip(labels) {
                    row[c] = 1.0;
                }
                (values, count, Some(labels), n as f64)
            }
        };
        let mean = LocalMean::new(Kernel::gaussian(1.0))
            .neighborhood(Neighborhood::hollow())
            .on_empty(OnEmpty::Nearest);
        Ok(Self {
            samples,
            values,
            columns,
            classes,
            whole,
            per_feature,
            mean,
            watch,
        })
    }

    /// Columns by how much of the values' variance a straight line in them tells, the most first.
    fn order(&self, deviations: &[f64]) -> Vec<usize> {
        let (n, d, p) = (self.samples.rows(), self.samples.columns(), self.columns);
        let middle = |c: usize| self.values.iter().skip(c).step_by(p).sum::<f64>() / n as f64;
        let middles: Vec<f64> = (0..p).map(middle).collect();
        let told = |j: usize| -> f64 {
            let mean = self.samples.iter().map(|x| x[j]).sum::<f64>() / n as f64;
            let mut sums = vec![0.0; p];
            for (x, y) in self.samples.iter().zip(self.values.chunks_exact(p)) {
                for ((s, y), m) in sums.iter_mut().zip(y).zip(&middles) {
                    *s += (x[j] - mean) / deviations[j] * (y - m);
                }
            }
            sums.iter().map(|s| s * s).sum()
        };
        let told: Vec<f64> = (0..d).map(told).collect();
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&a, &b| told[b].total_cmp(&told[a]).then(a.cmp(&b)));
        order
    }

    /// The map of some parameters: logarithms of factors, or its own entries.
    fn map(&self, parameters: &[f64], rank: usize) -> Vec<Vec<f64>> {
        let d = self.samples.columns();
        if self.per_feature {
            let row = |r: usize| {
                let mut row = vec![0.0; d];
                row[r] = parameters[r].exp();
                row
            };
            return (0..rank).map(row).collect();
        }
        parameters.chunks_exact(d).map(<[f64]>::to_vec).collect()
    }

    /// The loss and its derivatives.
    fn at(&self, parameters: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (n, d) = (self.samples.rows(), self.samples.columns());
        let rank = if self.per_feature {
            d
        } else {
            parameters.len() / d
        };
        let map = self.map(parameters, rank);
        let mapped = apply(&map, self.samples);
        let z = Rows::new(&mapped, n, rank)?;
        let values = Rows::new(&self.values, n, self.columns)?;
        let fit = self.mean.fit_watched(z, values, None, self.watch)?;
        let found = fit.at(z, self.watch)?;
        let mut flow = vec![0.0; found.means.len()];
        let mut loss = 0.0;
        if let Some(classes) = self.classes {
            for (i, &c) in classes.iter().enumerate() {
                let at = i * self.columns + c;
                loss += (1.0 - found.means[at]) / self.whole;
                flow[at] = -1.0 / self.whole;
            }
        } else {
            for ((f, m), y) in flow.iter_mut().zip(&found.means).zip(&self.values) {
                loss += (m - y).powi(2) / self.whole;
                *f = 2.0 * (m - y) / self.whole;
            }
        }
        let flow = Rows::new(&flow, n, self.columns)?;
        let back = fit.pull_back(z, z, &found, flow, None, self.watch)?;
        let by_mapped = back.queries.iter().zip(&back.keys).map(|(q, k)| q + k);
        let by_mapped: Vec<f64> = by_mapped.collect();
        let mut slope = vec![0.0; parameters.len()];
        for ((x, z), by) in self
            .samples
            .iter()
            .zip(z.iter())
            .zip(by_mapped.chunks_exact(rank))
        {
            if self.per_feature {
                for ((s, z), b) in slope.iter_mut().zip(z).zip(by) {
                    *s += z * b;
                }
            } else {
                for (row, b) in slope.chunks_exact_mut(d).zip(by) {
                    row.iter_mut().zip(x).for_each(|(s, x)| *s += b * x);
                }
            }
        }
        Ok((loss, slope))
    }
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
    settled: bool,
}

impl LearnedMetric {
    /// The map, `[rank, d]`: distances are those of mapped rows, in bandwidths.
    pub fn map(&self) -> &[Vec<f64>] {
        &self.map
    }

    /// The loss at the start and after each round.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Whether the search came to rest before its rounds ran out.
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

//! Label propagation and label spreading.

use super::graph::Graph;
use super::rounds::{Rounds, Rule};
use crate::{
    Error, Float, Kernel, LocalMean, Metric, Nearest, Neighborhood, OnEmpty, Result, Rows, Watch,
    par,
};

/// Most pairs of samples whose weights are kept from round to round: 200 MB, and 134 MB more while they are made.
const KEPT: usize = 1 << 24;

/// Who hears of whom.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Affinity {
    /// Every sample of every other, with the weight `exp(-gamma |x_i - x_j|^2)`: of up to 4,096 samples all weights are kept, of
    /// more none, and each round is a local mean.
    Rbf {
        /// Positive.
        gamma: f64,
    },
    /// The same under any kernel, which should be symmetric.
    Kernel(Kernel),
    /// Each of its `k` nearest samples, itself among them, with weight 1: memory and time grow with `n k`.
    Nearest {
        /// From 1 to the number of samples.
        k: usize,
    },
}

/// The parameters of label propagation (Zhu and Ghahramani 2002) and label spreading (Zhou et al. 2004), with the conventions and results of
/// scikit-learn's estimators of these names.
///
/// ```
/// use locality::{Rows, Watch, labeling::{Affinity, LabelPropagation}};
/// let x = [0.0, 0.2, 0.4, 5.0, 5.2, 5.4];
/// let known = [Some(0), None, None, None, None, Some(1)];
/// let fit = LabelPropagation::propagation(Affinity::Nearest { k: 3 })
///     .fit(Rows::column(&x), &known, 2, &Watch::default())?;
/// assert_eq!(fit.labels(), [0, 0, 0, 1, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LabelPropagation {
    affinity: Affinity,
    alpha: Option<f64>,
    max_iter: usize,
    tol: f64,
}

/// Labels spread over samples.
#[derive(Clone, Debug)]
pub struct LabelPropagationFit<T> {
    parameters: LabelPropagation,
    classes: usize,
    distributions: Vec<f64>,
    samples: Vec<T>,
    columns: usize,
    n_iter: usize,
    converged: bool,
}

/// `sum_j g_ij f_j`.
enum Operator {
    /// Over a graph whose objects are the samples in this order.
    Sparse(Graph, Vec<usize>),
    Dense(Dense),
}

/// The same over all pairs.
enum Dense {
    /// The local mean over all samples.
    Mean {
        queries: Vec<f64>,
        d: usize,
        kernel: Kernel,
    },
    /// The same over all others, times roots of degrees.
    Spread {
        queries: Vec<f64>,
        d: usize,
        kernel: Kernel,
        degrees: Vec<f64>,
    },
}

impl Affinity {
    /// The kernel; none for nearest samples.
    fn kernel(&self) -> Option<Kernel> {
        match self {
            Self::Rbf { gamma } => Some(Kernel::gaussian((0.5 / gamma).sqrt())),
            Self::Kernel(kernel) => Some(kernel.clone()),
            Self::Nearest { .. } => None,
        }
    }
}

impl LabelPropagation {
    /// Label propagation: known labels are held fast; at most 1,000 rounds, to 0.001.
    pub fn propagation(affinity: Affinity) -> Self {
        Self {
            affinity,
            alpha: None,
            max_iter: 1000,
            tol: 1e-3,
        }
    }

    /// Label spreading: a share `alpha` of each distribution comes from the neighbours, by the symmetric normalized graph, the rest from the
    /// label that was known; at most 30 rounds, to 0.001.
    pub fn spreading(affinity: Affinity, alpha: f64) -> Self {
        Self {
            affinity,
            alpha: Some(alpha),
            max_iter: 30,
            tol: 1e-3,
        }
    }

    /// Most rounds.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Rounds end once the sum of all changes of a round is below this.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Spreads labels `[n]`, each below `classes` or unknown, over samples `[n, d]`.
    ///
    /// # Errors
    /// No samples, or such that are not finite; labels that are not one for each sample or not below `classes`; `gamma`, `k`, `alpha` or `tol`
    /// out of range; an interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: &[Option<usize>],
        classes: usize,
        watch: &Watch<'_>,
    ) -> Result<LabelPropagationFit<T>> {
        self.check(samples, labels, classes)?;
        let (mut f, n_iter, converged) = match self.operator(samples, watch)? {
            Operator::Sparse(graph, order) => {
                let rule = self.alpha.map_or(Rule::Clamp, Rule::Share);
                let ordered: Vec<_> = order.iter().map(|i| labels[*i]).collect();
                let mut rounds = Rounds::new(&graph, &ordered, classes, rule);
                let mut all = || self.until_still(labels, watch, || rounds.step(watch));
                // Rounds are short: one of the pool's own threads goes from one to the next without being woken.
                let (n_iter, converged) = match watch.thread_count() {
                    1 => all(),
                    threads => par::install(threads, all),
                }?;
                (rounds.state(&order), n_iter, converged)
            }
            Operator::Dense(dense) => self.dense_rounds(&dense, labels, classes, watch)?,
        };
        normalize(&mut f, classes);
        Ok(LabelPropagationFit {
            parameters: self.clone(),
            classes,
            distributions: f,
            samples: samples.to_vec(),
            columns: samples.columns(),
            n_iter,
            converged,
        })
    }

    /// Rounds, each of which tells the sum of its changes, until that is below the tolerance; how many, and whether it came to that.
    fn until_still(
        &self,
        labels: &[Option<usize>],
        watch: &Watch<'_>,
        mut step: impl FnMut() -> Result<f64>,
    ) -> Result<(usize, bool)> {
        // Before the first round nothing was known.
        let mut change = labels.iter().flatten().count() as f64;
        for n_iter in 0..self.max_iter {
            if change < self.tol {
                return Ok((n_iter, true));
            }
            watch.check()?;
            watch.report(n_iter, self.max_iter);
            change = step()?;
        }
        Ok((self.max_iter, false))
    }

    fn dense_rounds(
        &self,
        dense: &Dense,
        labels: &[Option<usize>],
        classes: usize,
        watch: &Watch<'_>,
    ) -> Result<(Vec<f64>, usize, bool)> {
        let mut f = vec![0.0; labels.len() * classes];
        for (i, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                f[i * classes + label] = 1.0;
            }
        }
        let start = f.clone();
        let (n_iter, converged) = self.until_still(labels, watch, || {
            let mut next = dense.times(&f, classes, watch)?;
            if let Some(alpha) = self.alpha {
                for (f, s) in next.iter_mut().zip(&start) {
                    *f = alpha * *f + (1.0 - alpha) * s;
                }
            } else {
                normalize(&mut next, classes);
                for (i, _) in labels.iter().enumerate().filter(|(_, l)| l.is_some()) {
                    let own = i * classes..(i + 1) * classes;
                    next[own.clone()].copy_from_slice(&start[own]);
                }
            }
            let change = next.iter().zip(&f).map(|(a, b)| (a - b).abs()).sum();
            f = next;
            Ok(change)
        })?;
        Ok((f, n_iter, converged))
    }

    /// Takes up samples `[n, d]` with distributions `[n, classes]` that were found before, to predict from them.
    ///
    /// # Errors
    /// Samples that are none or not finite; distributions that are no table of `n` rows or not finite; parameters out of range.
    pub fn restore<T: Float>(
        &self,
        samples: Rows<'_, T>,
        distributions: &[f64],
    ) -> Result<LabelPropagationFit<T>> {
        let n = samples.rows();
        self.check(samples, &vec![None; n], 0)?;
        let classes = distributions.len() / n;
        Rows::new(distributions, n, classes)?.require_finite("distributions")?;
        Ok(LabelPropagationFit {
            parameters: self.clone(),
            classes,
            distributions: distributions.to_vec(),
            samples: samples.to_vec(),
            columns: samples.columns(),
            n_iter: 0,
            converged: true,
        })
    }

    fn check<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: &[Option<usize>],
        classes: usize,
    ) -> Result<()> {
        samples.require_finite("samples")?;
        if labels.len() != samples.rows() {
            return Err(Error::shape(format!(
                "labels has {} entries, but there are {} samples; give one for each, none where it is unknown",
                labels.len(),
                samples.rows()
            )));
        }
        if let Some(i) = labels.iter().position(|l| l.is_some_and(|l| l >= classes)) {
            return Err(Error::parameter(format!(
                "labels has {} at position {i} (counted from 0), but there are {classes} classes, numbered from 0",
                labels[i].unwrap_or(0)
            )));
        }
        match self.affinity {
            Affinity::Rbf { gamma } if !(gamma.is_finite() && gamma > 0.0) => Err(
                Error::parameter(format!("gamma={gamma} must be a positive finite number")),
            ),
            Affinity::Nearest { k } if k == 0 || k > samples.rows() => {
                Err(Error::parameter(format!(
                    "n_neighbors={k} must be from 1 to the number of samples, n_samples={}",
                    samples.rows()
                )))
            }
            _ => match self.alpha {
                Some(alpha) if !(alpha > 0.0 && alpha < 1.0) => Err(Error::parameter(format!(
                    "alpha={alpha} must be above 0 and below 1"
                ))),
                _ if self.tol.is_nan() || self.tol < 0.0 => Err(Error::parameter(format!(
                    "tol={} must not be negative",
                    self.tol
                ))),
                _ => Ok(()),
            },
        }
    }

    fn operator<T: Float>(&self, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<Operator> {
        let (n, d) = (samples.rows(), samples.columns());
        match &self.affinity {
            Affinity::Nearest { k } => {
                let k = *k;
                let near = Nearest::fit(samples, &Metric::Euclidean)?;
                let found = near.k_nearest(samples, k, watch)?;
                let order = near.near_order();
                if self.alpha.is_none() {
                    let even = |_, _| 1.0 / k as f64;
                    let graph = Graph::regular(k, &found.indices, &order, even, watch)?;
                    return Ok(Operator::Sparse(graph, order));
                }
                // In-degrees without oneself, as scipy's Laplacian counts them.
                let mut degrees = vec![0.0; n];
                for (i, row) in found.indices.chunks_exact(k).enumerate() {
                    for &j in row {
                        degrees[j] += f64::from(u8::from(i != j));
                    }
                }
                let root = |degree: f64| if degree > 0.0 { degree.sqrt() } else { 1.0 };
                let roots: Vec<f64> = degrees.into_iter().map(root).collect();
                let weigh = |i: usize, j: usize| {
                    if i == j {
                        0.0
                    } else {
                        1.0 / roots[i] / roots[j]
                    }
                };
                let graph = Graph::regular(k, &found.indices, &order, weigh, watch)?;
                Ok(Operator::Sparse(graph, order))
            }
            affinity => {
                let kernel = affinity.kernel().unwrap_or_else(|| Kernel::gaussian(1.0));
                let queries: Vec<f64> = samples.iter().flatten().map(|x| x.to_f64()).collect();
                let rows = Rows::new(&queries, n, d)?;
                let nothing = Rows::new(&[], n, 0)?;
                let kept = n <= KEPT / n;
                let everyone = || (0..n).collect();
                if self.alpha.is_none() {
                    if kept {
                        let mean = LocalMean::new(kernel).on_empty(OnEmpty::Nan);
                        let fit = mean.fit_watched(rows, nothing, None, watch)?;
                        let graph = Graph::dense(n, &fit.weights(rows, &watch.quiet())?)?;
                        return Ok(Operator::Sparse(graph, everyone()));
                    }
                    return Ok(Operator::Dense(Dense::Mean { queries, d, kernel }));
                }
                let fit = hollow(&kernel).fit_watched(rows, nothing, None, watch)?;
                let logs = fit.at(rows, &watch.quiet())?.log_normalizer;
                let degrees: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
                if kept {
                    let roots: Vec<f64> = degrees.iter().map(|d| d.sqrt()).collect();
                    let mut weights = fit.weights(rows, &watch.quiet())?;
                    for (row, own) in weights.chunks_exact_mut(n).zip(&roots) {
                        for (w, other) in row.iter_mut().zip(&roots).filter(|(w, _)| **w > 0.0) {
                            *w *= if *other > 0.0 { own / other } else { *own };
                        }
                    }
                    let graph = Graph::dense(n, &weights)?;
                    return Ok(Operator::Sparse(graph, everyone()));
                }
                Ok(Operator::Dense(Dense::Spread {
                    queries,
                    d,
                    kernel,
                    degrees,
                }))
            }
        }
    }
}

fn hollow(kernel: &Kernel) -> LocalMean {
    LocalMean::new(kernel.clone())
        .neighborhood(Neighborhood::hollow())
        .on_empty(OnEmpty::Nan)
}

impl Dense {
    fn times(&self, f: &[f64], classes: usize, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let watch = &watch.quiet();
        match self {
            Self::Mean { queries, d, kernel } => {
                let rows = Rows::new(queries, queries.len() / d, *d)?;
                let values = Rows::new(f, rows.rows(), classes)?;
                let mean = LocalMean::new(kernel.clone());
                let fit = mean.fit_watched(rows, values, None, watch)?;
                Ok(fit.at(rows, watch)?.means)
            }
            Self::Spread {
                queries,
                d,
                kernel,
                degrees,
            } => {
                let rows = Rows::new(queries, queries.len() / d, *d)?;
                let root = |i: usize| {
                    if degrees[i] > 0.0 {
                        degrees[i].sqrt()
                    } else {
                        1.0
                    }
                };
                let scaled = f.iter().enumerate().map(|(at, x)| x / root(at / classes));
                let scaled: Vec<f64> = scaled.collect();
                let values = Rows::new(&scaled, rows.rows(), classes)?;
                let fit = hollow(kernel).fit_watched(rows, values, None, watch)?;
                let means = fit.at(rows, watch)?.means;
                let each = means.iter().enumerate().map(|(at, m)| {
                    let degree = degrees[at / classes];
                    if degree > 0.0 { m * degree.sqrt() } else { 0.0 }
                });
                Ok(each.collect())
            }
        }
    }
}

/// Divides each row by its sum; rows of zeros stay.
fn normalize(f: &mut [f64], classes: usize) {
    for row in f.chunks_exact_mut(classes.max(1)) {
        let sum: f64 = row.iter().sum();
        if sum != 0.0 {
            for x in row {
                *x /= sum;
            }
        }
    }
}

/// The place of the largest number, the first of equals.
pub(super) fn largest<T: PartialOrd>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })
}

impl<T: Float> LabelPropagationFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &LabelPropagation {
        &self.parameters
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The distribution of each sample, `[n, classes]`; zeros where no label arrived.
    pub fn distributions(&self) -> &[f64] {
        &self.distributions
    }

    /// The likeliest label of each sample, `[n]`.
    pub fn labels(&self) -> Vec<usize> {
        self.distributions
            .chunks_exact(self.classes.max(1))
            .map(largest)
            .collect()
    }

    /// Number of rounds.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Whether the changes fell below the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// The distribution at new rows `[m, d]`: the mean of the samples' distributions under the same kernel, or over the `k` nearest.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn predict_proba(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let (n, c) = (self.samples.len() / self.columns, self.classes);
        let samples = Rows::new(&self.samples, n, self.columns)?;
        let mut out = match (&self.parameters.affinity, self.parameters.affinity.kernel()) {
            (_, Some(kernel)) => {
                let values: Vec<T> = self.distributions.iter().map(|&x| T::from_f64(x)).collect();
                let mean = LocalMean::new(kernel).on_empty(OnEmpty::Nearest);
                let fit = mean.fit_watched(samples, Rows::new(&values, n, c)?, None, watch)?;
                let means = fit.at(rows, watch)?.means;
                means.iter().map(|x| x.to_f64()).collect()
            }
            (Affinity::Nearest { k }, None) => {
                let near = Nearest::fit(samples, &Metric::Euclidean)?;
                let found = near.k_nearest(rows, *k, watch)?;
                let mut out = vec![0.0; rows.rows() * c];
                let each = out.chunks_exact_mut(c.max(1));
                for (out, near) in each.zip(found.indices.chunks_exact(*k)) {
                    for &j in near {
                        let own = &self.distributions[j * c..][..c];
                        out.iter_mut().zip(own).for_each(|(o, x)| *o += x);
                    }
                }
                out
            }
            _ => Vec::new(),
        };
        normalize(&mut out, c);
        Ok(out)
    }
}

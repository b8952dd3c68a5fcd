//! One centre for each class.

use crate::{Error, Float, Metric, Nearest, Result, Rows, Watch};

/// What is known of how frequent the classes are.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Priors {
    /// All alike: the nearest centre wins.
    #[default]
    Uniform,
    /// As among the samples, by weight.
    Empirical,
    /// These, in the order of the labels; they are divided by their sum.
    Given(Vec<f64>),
}

/// The parameters of nearest-centroid classification. Names, meaning and results are those of scikit-learn's estimator of the
/// same name, with its "nearest shrunken centroids" (Tibshirani et al. 2002); sample weights go beyond it.
///
/// ```
/// use locality::{Rows, lazy::NearestCentroid};
/// let x = [0.0, 0.25, 4.0, 4.5];
/// let fit = NearestCentroid::new().fit(Rows::column(&x), &[3, 3, 8, 8])?;
/// assert_eq!(fit.centroids(), [0.125, 4.25]);
/// assert_eq!(fit.predict(Rows::column(&[1.0, 3.0]))?, [3, 8]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NearestCentroid {
    metric: Metric,
    shrink_threshold: Option<f64>,
    priors: Priors,
}

/// Centres of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct NearestCentroidFit {
    metric: Metric,
    columns: usize,
    classes: Vec<i64>,
    priors: Vec<f64>,
    centroids: Vec<f64>,
    deviations: Vec<f64>,
    spreads: Vec<f64>,
}

impl Default for NearestCentroid {
    fn default() -> Self {
        Self::new()
    }
}

impl NearestCentroid {
    /// Means as centres, no shrinking, classes alike.
    pub fn new() -> Self {
        Self {
            metric: Metric::Euclidean,
            shrink_threshold: None,
            priors: Priors::default(),
        }
    }

    /// [`Euclidean`](Metric::Euclidean): centres are means; [`Manhattan`](Metric::Manhattan): they are medians.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// By how much the centres move to the overall centre in each column, in its standard errors; a column in which no centre is
    /// farther than this tells classes apart no more.
    #[must_use]
    pub fn shrink_threshold(mut self, threshold: impl Into<Option<f64>>) -> Self {
        self.shrink_threshold = threshold.into();
        self
    }

    /// How frequent the classes are.
    #[must_use]
    pub fn priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// The centres of samples `[n, d]` with labels `[n]`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers; fewer than two classes; samples that are all the same; a metric without centres; parameters out
    /// of range.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: &[i64],
    ) -> Result<NearestCentroidFit> {
        self.fit_weighted(samples, labels, None)
    }

    /// The same with sample weights `[n]`, not negative: a sample of weight 2 counts as two.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, not `n`, or 0 for a whole class.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: &[i64],
        weights: Option<&[f64]>,
    ) -> Result<NearestCentroidFit> {
        let weights = self.check(samples, labels, weights)?;
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(Error::parameter(format!(
                "labels has one class only, {}; at least two are needed to choose from",
                classes[0]
            )));
        }
        let d = samples.columns();
        let codes: Vec<usize> = labels
            .iter()
            .map(|l| classes.partition_point(|c| c < l))
            .collect();
        let totals = totals(&classes, &codes, &weights)?;
        let all: f64 = totals.iter().sum();
        let mut out = NearestCentroidFit {
            metric: self.metric.clone(),
            columns: d,
            priors: self.prior(&totals, all)?,
            centroids: centers(samples, &codes, &weights, classes.len(), &self.metric),
            deviations: Vec::new(),
            spreads: Vec::new(),
            classes,
        };
        out.compare(samples, &codes, &weights, &totals)?;
        if let Some(threshold) = self.shrink_threshold {
            out.shrink(samples, &weights, &totals, threshold);
        }
        Ok(out)
    }

    fn check<T: Float>(
        &self,
        samples: Rows<'_, T>,
        labels: &[i64],
        weights: Option<&[f64]>,
    ) -> Result<Vec<f64>> {
        samples.require_finite("samples")?;
        let n = samples.rows();
        if labels.len() != n {
            return Err(Error::shape(format!(
                "labels has {} entries, but there are {n} samples; give one for each",
                labels.len()
            )));
        }
        if !matches!(self.metric, Metric::Euclidean | Metric::Manhattan) {
            return Err(Error::unsupported(format!(
                "metric={} has no centres here; choose euclidean (means) or manhattan (medians)",
                self.metric.info().name
            )));
        }
        if let Some(t) = self.shrink_threshold
            && !(t.is_finite() && t > 0.0)
        {
            return Err(Error::parameter(format!(
                "shrink_threshold={t} must be a positive number; leave it out for no shrinking"
            )));
        }
        let Some(weights) = weights else {
            return Ok(vec![1.0; n]);
        };
        if weights.len() != n {
            return Err(Error::shape(format!(
                "sample_weight has {} entries, but there are {n} samples; give one for each",
                weights.len()
            )));
        }
        if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(Error::parameter(format!(
                "sample_weight has {} at {i}; weights must be finite and not negative",
                weights[i]
            )));
        }
        Ok(weights.to_vec())
    }

    fn prior(&self, totals: &[f64], all: f64) -> Result<Vec<f64>> {
        let k = totals.len();
        match &self.priors {
            Priors::Uniform => Ok(vec![1.0 / k as f64; k]),
            Priors::Empirical => Ok(totals.iter().map(|t| t / all).collect()),
            Priors::Given(p) => {
                let sum: f64 = p.iter().sum();
                if p.len() != k {
                    return Err(Error::shape(format!(
                        "priors has {} entries, but there are {k} classes; give one for each",
                        p.len()
                    )));
                }
                if p.iter().any(|p| !(p.is_finite() && *p >= 0.0)) || sum <= 0.0 {
                    return Err(Error::parameter(
                        "priors must be non-negative numbers that are not all 0",
                    ));
                }
                Ok(p.iter().map(|p| p / sum).collect())
            }
        }
    }
}

impl NearestCentroidFit {
    /// A fit from what one told, for example to restore a saved one: centres and deviations `[k, d]`, spreads `[d]`, priors `[k]`.
    ///
    /// # Errors
    /// No columns, or lengths that do not fit together.
    pub fn restore(
        metric: &Metric,
        classes: Vec<i64>,
        centroids: Vec<f64>,
        deviations: Vec<f64>,
        spreads: Vec<f64>,
        priors: Vec<f64>,
    ) -> Result<Self> {
        let (k, d) = (classes.len(), spreads.len());
        let fits = centroids.len() == k * d && deviations.len() == k * d && priors.len() == k;
        if k == 0 || d == 0 || !fits {
            return Err(Error::shape(format!(
                "centroids, deviations and priors do not fit {k} classes of {d} columns; pass them as they were told"
            )));
        }
        Ok(Self {
            metric: metric.clone(),
            columns: d,
            classes,
            priors,
            centroids,
            deviations,
            spreads,
        })
    }

    /// The labels, ascending, `[k]`.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// The centres `[k, d]`.
    pub fn centroids(&self) -> &[f64] {
        &self.centroids
    }

    /// How far each centre is from the overall one in each column, in standard errors, after shrinking, `[k, d]`.
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// The standard deviation within classes of each column, `[d]`.
    pub fn within_class_std_dev(&self) -> &[f64] {
        &self.spreads
    }

    /// The priors, `[k]`, which sum to 1.
    pub fn priors(&self) -> &[f64] {
        &self.priors
    }

    /// Fills in the spreads, and the deviations of the centres from the overall mean.
    fn compare<T: Float>(
        &mut self,
        samples: Rows<'_, T>,
        codes: &[usize],
        weights: &[f64],
        totals: &[f64],
    ) -> Result<()> {
        let d = self.columns;
        let all: f64 = totals.iter().sum();
        let mut spreads = vec![0.0; d];
        for ((row, code), w) in samples.iter().zip(codes).zip(weights) {
            for ((s, x), c) in spreads.iter_mut().zip(row).zip(&self.centroids[code * d..]) {
                *s += w * (x.to_f64() - c).powi(2);
            }
        }
        let freedom = all - totals.len() as f64;
        // One sample for each class has no spread: 0 / 0 is NaN, as it should be told.
        for s in &mut spreads {
            *s = (*s / freedom).sqrt();
        }
        let first = samples.row(0);
        if samples.iter().all(|row| row == first) {
            return Err(Error::parameter(
                "all samples are the same: all features have zero variance, so that no centre differs; give others",
            ));
        }
        self.spreads = spreads;
        let center = mean(samples, weights, all);
        let errors = self.errors(totals);
        let cells = self.centroids.iter().zip(&errors).enumerate();
        self.deviations = cells.map(|(i, (c, e))| (c - center[i % d]) / e).collect();
        Ok(())
    }

    /// The standard error of each centre's difference from the overall mean, with the median spread added to every column's.
    fn errors(&self, totals: &[f64]) -> Vec<f64> {
        let all: f64 = totals.iter().sum();
        let mut sorted: Vec<(f64, f64)> = self.spreads.iter().map(|s| (*s, 1.0)).collect();
        let middle = median(&mut sorted);
        let each = totals.iter().flat_map(|t| {
            let m = (1.0 / t - 1.0 / all).sqrt();
            self.spreads.iter().map(move |s| m * (s + middle))
        });
        each.collect()
    }

    fn shrink<T: Float>(
        &mut self,
        samples: Rows<'_, T>,
        weights: &[f64],
        totals: &[f64],
        threshold: f64,
    ) {
        let center = mean(samples, weights, totals.iter().sum());
        let errors = self.errors(totals);
        let cells = self.deviations.iter_mut().zip(&mut self.centroids);
        for (i, ((deviation, centroid), error)) in cells.zip(errors).enumerate() {
            let less = (deviation.abs() - threshold).max(0.0);
            *deviation = less.copysign(*deviation);
            *centroid = center[i % self.columns] + error * *deviation;
        }
    }

    /// The label of each row `[m, d]`: of the nearest centre (of several, the smallest label) where classes are alike, else
    /// of the largest [`scores`](Self::scores).
    ///
    /// # Errors
    /// Other columns; NaN or infinite numbers.
    pub fn predict<T: Float>(&self, queries: Rows<'_, T>) -> Result<Vec<i64>> {
        if self
            .priors
            .iter()
            .any(|p| (p - self.priors[0]).abs() > 1e-8)
        {
            let k = self.classes.len();
            let scores = self.scores(queries)?;
            let best = scores.chunks_exact(k).map(|row| {
                let better = |best: usize, c: usize| if row[c] > row[best] { c } else { best };
                self.classes[(1..k).fold(0, better)]
            });
            return Ok(best.collect());
        }
        let centers = Rows::new(&self.centroids, self.classes.len(), self.columns)?;
        let wide: Vec<f64> = queries.iter().flatten().map(|x| x.to_f64()).collect();
        let queries = Rows::new(&wide, queries.rows(), queries.columns())?;
        let found =
            Nearest::fit(centers, &self.metric)?.k_nearest(queries, 1, &Watch::default())?;
        Ok(found.indices.iter().map(|c| self.classes[*c]).collect())
    }

    /// The discriminant scores `[m, k]` of rows `[m, d]`: `-D^2 + 2 ln(prior)`, with the distance `D` in units of the spread within classes
    /// of each column (where that is 0, as it is).
    ///
    /// # Errors
    /// Other columns; NaN or infinite numbers.
    pub fn scores<T: Float>(&self, queries: Rows<'_, T>) -> Result<Vec<f64>> {
        if queries.columns() != self.columns {
            return Err(Error::shape(format!(
                "queries has {} columns, but the samples had {}; they must be the same columns",
                queries.columns(),
                self.columns
            )));
        }
        if queries.rows() > 0 {
            queries.require_finite("queries")?;
        }
        let mut out = Vec::with_capacity(queries.rows() * self.classes.len());
        for row in queries.iter() {
            let centers = self.centroids.chunks_exact(self.columns);
            for (center, prior) in centers.zip(&self.priors) {
                let apart = row.iter().zip(center).zip(&self.spreads);
                let apart = apart.map(|((x, c), s)| {
                    let unit = if *s == 0.0 { 1.0 } else { *s };
                    ((x.to_f64() - c) / unit).abs()
                });
                let squared = match self.metric {
                    Metric::Manhattan => apart.sum::<f64>().powi(2),
                    _ => apart.map(|a| a * a).sum(),
                };
                out.push(2.0 * prior.ln() - squared);
            }
        }
        Ok(out)
    }
}

/// The weight of each class.
fn totals(classes: &[i64], codes: &[usize], weights: &[f64]) -> Result<Vec<f64>> {
    let mut totals = vec![0.0; classes.len()];
    for (code, w) in codes.iter().zip(weights) {
        totals[*code] += w;
    }
    match totals.iter().position(|t| *t == 0.0) {
        Some(c) => Err(Error::parameter(format!(
            "sample_weight is 0 for all samples of class {}; leave these samples out",
            classes[c]
        ))),
        None => Ok(totals),
    }
}

fn mean<T: Float>(samples: Rows<'_, T>, weights: &[f64], all: f64) -> Vec<f64> {
    let mut out = vec![0.0; samples.columns()];
    for (row, w) in samples.iter().zip(weights) {
        for (o, x) in out.iter_mut().zip(row) {
            *o += w * x.to_f64();
        }
    }
    out.iter().map(|o| o / all).collect()
}

/// Means or medians of each class, `[k, d]`.
fn centers<T: Float>(
    samples: Rows<'_, T>,
    codes: &[usize],
    weights: &[f64],
    classes: usize,
    metric: &Metric,
) -> Vec<f64> {
    let mut out = Vec::with_capacity(classes * samples.columns());
    for class in 0..classes {
        let own = || (0..samples.rows()).filter(|i| codes[*i] == class);
        let total: f64 = own().map(|i| weights[i]).sum();
        for c in 0..samples.columns() {
            let cell = |i: usize| (samples.row(i)[c].to_f64(), weights[i]);
            out.push(if *metric == Metric::Manhattan {
                median(&mut own().map(cell).collect::<Vec<_>>())
            } else {
                own().map(cell).map(|(x, w)| w * x).sum::<f64>() / total
            });
        }
    }
    out
}

/// The weighted median: where exactly half of the weight is below, the middle between both sides. With whole weights it is the median
/// of so many repeated numbers.
fn median(pairs: &mut [(f64, f64)]) -> f64 {
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = pairs.iter().map(|p| p.1).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let mut weighty = pairs.iter().filter(|p| p.1 > 0.0).peekable();
    while let Some((x, w)) = weighty.next() {
        below += w;
        if below == half
            && let Some((next, _)) = weighty.peek()
        {
            return 0.5 * (x + next);
        }
        if below >= half {
            return *x;
        }
    }
    pairs.last().map_or(f64::NAN, |p| p.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weighted_median_is_that_of_repeated_numbers() {
        let m = |pairs: &[(f64, f64)]| median(&mut pairs.to_vec());
        assert_eq!(m(&[(3.0, 1.0), (1.0, 1.0)]), 2.0);
        assert_eq!(m(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)]), 2.0);
        assert_eq!(m(&[(3.0, 1.0), (1.0, 2.0)]), 1.0);
        assert_eq!(m(&[(3.0, 2.0), (9.0, 0.0), (1.0, 2.0)]), 2.0);
        assert_eq!(m(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]), 2.0);
    }
}

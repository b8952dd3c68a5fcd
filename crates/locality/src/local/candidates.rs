//! Candidates for the bandwidth of a local regression, compared by leave-one-out errors at places drawn from the table.

use super::diagnostics::Criterion;
use super::polynomial::LocalPolynomial;
use super::regression::{Choice, LocalRegression, Search};
use super::relevance::{Part, relevance};
use super::search::{Tried, best_widths};
use crate::{Bandwidth, Error, Kernel, Result, Rows, Watch};

/// Places at which candidates are compared, where there are more: drawn evenly from the table, so that repeated runs agree.
const TRIALS: usize = 1000;
/// Scales of columns are not learned from fewer samples than this.
pub(super) const LEAST: usize = 30;
/// Less of the responses' mean square than this is rounding.
const LEAST_GAIN: f64 = 1e-20;
/// K-th distances are tried where at least this share of the rows repeats no other.
const DISTINCT: f64 = 0.75;
/// What learned scales must lower the error to, at least.
pub(super) const WORTH: f64 = 0.98;

/// A table as it is searched.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) samples: Rows<'a, f64>,
    pub(super) responses: Rows<'a, f64>,
    pub(super) weights: Option<&'a [f64]>,
}

/// A table as it is given.
pub(super) struct Table<'a> {
    pub(super) samples: Rows<'a, f64>,
    pub(super) responses: Rows<'a, f64>,
    pub(super) weights: Option<&'a [f64]>,
    /// Weights as the samples came with, before residuals counted.
    pub(super) given: Option<&'a [f64]>,
}

impl<'a> Table<'a> {
    /// The same over divided columns, with the places at which candidates are compared.
    fn trials(&self, divided: &'a [f64], part: Part) -> Result<Trials<'a>> {
        self.trials_at(divided, part, TRIALS)
    }

    /// The same with at most so many places.
    pub(super) fn trials_at(
        &self,
        divided: &'a [f64],
        part: Part,
        most: usize,
    ) -> Result<Trials<'a>> {
        let samples = Rows::new(divided, self.samples.rows(), self.samples.columns())?;
        let same = |w: &[f64]| w.iter().all(|x| *x == w[0]);
        let distinct = places(samples, self.given).len() as f64;
        let rows_are_samples =
            self.given.is_none_or(same) && distinct >= DISTINCT * samples.rows() as f64;
        let mut places = places(samples, self.weights);
        part.keep(&mut places);
        Ok(Trials {
            rows_are_samples,
            data: Data {
                samples,
                responses: self.responses,
                weights: self.weights,
            },
            places: thinned(places, most),
        })
    }
}

impl Choice {
    /// The best score.
    pub(super) fn score(&self) -> f64 {
        let scores = self.tried.iter().map(|t| t.score);
        scores.fold(f64::INFINITY, f64::min)
    }
}

/// A table, and the places at which candidates are compared.
pub(super) struct Trials<'a> {
    pub(super) data: Data<'a>,
    /// Samples that share all their columns.
    pub(super) places: Vec<Vec<usize>>,
    pub(super) rows_are_samples: bool,
}

/// Samples that share all their columns, in the order of the first of each; without those of weight 0.
pub(super) fn places(samples: Rows<'_, f64>, weights: Option<&[f64]>) -> Vec<Vec<usize>> {
    let weighs = |i: &usize| weights.is_none_or(|w| w[*i] > 0.0);
    let mut order: Vec<usize> = (0..samples.rows()).filter(weighs).collect();
    let compare = |a: usize, b: usize| {
        let columns = samples.row(a).iter().zip(samples.row(b));
        let mut each = columns.map(|(x, y)| x.total_cmp(y));
        each.find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    order.sort_by(|&a, &b| compare(a, b));
    let same = order.chunk_by(|&a, &b| compare(a, b).is_eq());
    let mut places: Vec<Vec<usize>> = same.map(<[usize]>::to_vec).collect();
    places.sort_by_key(|place| place[0]);
    places
}

/// At most so many of them, drawn evenly.
pub(super) fn thinned(places: Vec<Vec<usize>>, most: usize) -> Vec<Vec<usize>> {
    let n = places.len();
    let count = n.min(most);
    let keep = |i: usize| (i * count) % n < count;
    let some = places.into_iter().enumerate().filter(|(i, _)| keep(*i));
    some.map(|(_, place)| place).collect()
}

impl LocalRegression {
    /// Scales under which the local mean predicts best.
    pub(super) fn learned(
        &self,
        table: &Table<'_>,
        scales: &[f64],
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let divided = divide(table.samples, scales);
        let trials = table.trials(&divided, part)?;
        let start = self.fixed(&self.kernel, 0, &trials, watch)?;
        let factors = relevance(&start.kernel, &self.neighborhood, trials.data, part, watch)?;
        let both = scales.iter().zip(factors);
        Ok(both.map(|(scale, factor)| scale / factor).collect())
    }

    /// Whether scales that one half of the samples has found predict the other half better than kernel and degree do so far.
    pub(super) fn learning_pays(
        &self,
        table: &Table<'_>,
        best: &Choice,
        watch: &Watch<'_>,
    ) -> Result<bool> {
        if places(table.samples, table.weights).len() < LEAST {
            return Ok(false);
        }
        let divided = divide(table.samples, &best.scales);
        let trials = table.trials(&divided, Part::Odd)?;
        let now = self.score(&best.kernel, best.degree, &trials, watch)?;
        let scales = self.learned(table, &best.scales, Part::Even, watch)?;
        let other = self.candidates(table, scales, Search::Auto, Part::Odd, watch)?;
        let (count, squares) =
            (table.responses.iter().flatten()).fold((0, 0.0), |(n, sum), y| (n + 1, sum + y * y));
        // Where nothing but rounding is left it tells nothing.
        let rounding = LEAST_GAIN * squares / f64::from(count.max(1));
        Ok(other.score() < WORTH * now && now - other.score() > rounding)
    }

    /// The best kernel and degree over columns divided by these scales.
    pub(super) fn candidates(
        &self,
        table: &Table<'_>,
        scales: Vec<f64>,
        search: Search,
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Choice> {
        let divided = divide(table.samples, &scales);
        let trials = table.trials(&divided, part)?;
        let mut tried: Vec<Tried> = Vec::new();
        let shapes = || std::iter::once(&self.kernel).chain(&self.others);
        let choices = self.degrees.len() * (1 + self.others.len());
        let pairs = shapes().flat_map(|kernel| self.degrees.iter().map(move |&d| (kernel, d)));
        for (kernel, degree) in pairs {
            match search {
                Search::Given if choices == 1 => {}
                Search::Given => {
                    let score = self.score(kernel, degree, &trials, watch)?;
                    tried.push(Tried {
                        degree,
                        kernel: kernel.clone(),
                        score,
                    });
                }
                Search::Fixed => tried.push(self.fixed(kernel, degree, &trials, watch)?),
                Search::Nearest => tried.push(self.nearest(kernel, degree, &trials, watch)?),
                Search::Auto | Search::PerColumn => {
                    tried.push(self.fixed(kernel, degree, &trials, watch)?);
                    if trials.rows_are_samples {
                        tried.push(self.nearest(kernel, degree, &trials, watch)?);
                    }
                }
            }
        }
        let best = tried.iter().min_by(|a, b| a.score.total_cmp(&b.score));
        let (kernel, degree) = match best {
            Some(best) => (best.kernel.clone(), best.degree),
            None => (self.kernel.clone(), self.degrees[0]),
        };
        Ok(Choice {
            scales,
            kernel,
            degree,
            tried,
        })
    }

    pub(super) fn polynomial(&self, kernel: &Kernel, degree: usize) -> LocalPolynomial {
        let model = LocalPolynomial::new(kernel.clone())
            .degree(degree)
            .ridge(self.ridge)
            .guard(self.guard)
            .neighborhood(self.neighborhood.clone())
            .on_empty(self.on_empty);
        match &self.columns {
            None => model,
            Some(columns) => model.on(columns.clone()),
        }
    }

    fn score(
        &self,
        kernel: &Kernel,
        degree: usize,
        trials: &Trials<'_>,
        watch: &Watch<'_>,
    ) -> Result<f64> {
        let (watch, data) = (watch.quiet(), trials.data);
        let model = self.polynomial(kernel, degree);
        if let Criterion::KFold(folds) = self.criterion {
            return folds_error(&model, trials, folds, &watch);
        }
        let fit = model.fit(data.samples, data.responses, data.weights, &watch)?;
        match self.criterion {
            Criterion::LeaveOneOut => fit.loo_error(&trials.places, &watch),
            other => fit.criterion_at(&trials.places, other, &watch),
        }
    }

    /// The fewest samples that a fit is made of.
    fn least_seen(&self, trials: &Trials<'_>) -> usize {
        let n = trials.data.samples.rows();
        let Criterion::KFold(folds) = self.criterion else {
            return n;
        };
        let folds = folds.clamp(1, trials.places.len().max(1));
        let held = (0..folds).map(|i| fold(trials, folds, i).count());
        (n - held.max().unwrap_or(0)).max(1)
    }

    /// The best of the kernels with one width everywhere.
    fn fixed(
        &self,
        shape: &Kernel,
        degree: usize,
        trials: &Trials<'_>,
        watch: &Watch<'_>,
    ) -> Result<Tried> {
        let d = trials.data.samples.columns() as f64;
        // From a few samples to nearly all of them, whatever the number of columns.
        let range = (0.03 * d.sqrt(), 8.0 * d.sqrt());
        let mut score = |kernel: &Kernel| self.score(kernel, degree, trials, watch);
        let (kernel, score) = best_widths(shape, range, 1e-2, &Bandwidth::Fixed, &mut score)?;
        Ok(Tried {
            degree,
            kernel,
            score,
        })
    }

    /// The best of the kernels whose width is a k-th distance.
    fn nearest(
        &self,
        shape: &Kernel,
        degree: usize,
        trials: &Trials<'_>,
        watch: &Watch<'_>,
    ) -> Result<Tried> {
        let n = self.least_seen(trials);
        let range = ((3 + degree).min(n) as f64, n as f64);
        let of = |k: f64| Bandwidth::QueryNearest((k.round() as usize).clamp(1, n));
        let mut score = |kernel: &Kernel| self.score(kernel, degree, trials, watch);
        let (kernel, score) = best_widths(shape, range, 2e-2, &of, &mut score)?;
        Ok(Tried {
            degree,
            kernel,
            score,
        })
    }
}

/// The folds of places, as far as there are enough.
fn fold<'a>(
    trials: &'a Trials<'_>,
    folds: usize,
    fold: usize,
) -> impl Iterator<Item = &'a usize> + 'a {
    trials.places.iter().skip(fold).step_by(folds).flatten()
}

/// Mean squared residual of the samples at some places, each predicted by the samples of the other folds.
fn folds_error(
    model: &LocalPolynomial,
    trials: &Trials<'_>,
    folds: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let Data {
        samples,
        responses,
        weights,
    } = trials.data;
    let (d, p) = (samples.columns(), responses.columns());
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let folds = folds.min(trials.places.len());
    if folds < 2 {
        return Ok(f64::INFINITY);
    }
    let (mut sum, mut total) = (0.0, 0.0);
    for fold in 0..folds {
        let held = || self::fold(trials, folds, fold);
        let mut kept = vec![true; samples.rows()];
        held().for_each(|&i| kept[i] = false);
        let rest: Vec<usize> = (0..kept.len()).filter(|i| kept[*i]).collect();
        let of = |rows: Rows<'_, f64>, which: &[usize]| -> Vec<f64> {
            let each = which.iter().flat_map(|&i| rows.row(i));
            each.copied().collect()
        };
        let (x, y) = (of(samples, &rest), of(responses, &rest));
        let w: Option<Vec<f64>> = weights.map(|w| rest.iter().map(|&i| w[i]).collect());
        let (x, y) = (Rows::new(&x, rest.len(), d)?, Rows::new(&y, rest.len(), p)?);
        let fit = model.fit(x, y, w.as_deref(), watch)?;
        let held: Vec<usize> = held().copied().collect();
        let targets = of(samples, &held);
        let fits = fit.at(Rows::new(&targets, held.len(), d)?, watch)?;
        for (&i, values) in held.iter().zip(fits.values().chunks_exact(p)) {
            let pairs = values.iter().zip(responses.row(i));
            let squares = pairs.map(|(v, y)| (y - v).powi(2)).sum::<f64>();
            sum += weight(i) * squares / p as f64;
            total += weight(i);
        }
    }
    Ok(if sum.is_nan() {
        f64::INFINITY
    } else {
        sum / total
    })
}

/// What columns are divided by at first: what is given, their deviations or 1.
pub(super) fn first_scales(
    given: Option<&[f64]>,
    samples: Rows<'_, f64>,
    weights: Option<&[f64]>,
    standardize: bool,
) -> Result<Vec<f64>> {
    let d = samples.columns();
    match given {
        Some(scales) if scales.len() != d || !scales.iter().all(|s| *s > 0.0 && s.is_finite()) => {
            Err(Error::parameter(format!(
                "scales must be {d} positive numbers, one for each column; it is {scales:?}"
            )))
        }
        Some(scales) => Ok(scales.to_vec()),
        None if standardize => Ok(deviations(samples, weights)),
        None => Ok(vec![1.0; d]),
    }
}

/// Standard deviations of the columns under the sample weights; 1 for a constant.
fn deviations(rows: Rows<'_, f64>, weights: Option<&[f64]>) -> Vec<f64> {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let total: f64 = (0..rows.rows()).map(weight).sum();
    let column = |c: usize| {
        let over = |f: &dyn Fn(f64) -> f64| {
            let each = rows.iter().enumerate().map(|(i, r)| weight(i) * f(r[c]));
            each.sum::<f64>() / total
        };
        let mean = over(&|x| x);
        let variance = over(&|x| (x - mean).powi(2));
        let large = rows.iter().fold(0.0, |a: f64, r| a.max(r[c].abs()));
        let varies = variance.is_finite() && variance.sqrt() > 1e-12 * large;
        if varies { variance.sqrt() } else { 1.0 }
    };
    (0..rows.columns()).map(column).collect()
}

pub(super) fn divide(rows: Rows<'_, f64>, scales: &[f64]) -> Vec<f64> {
    let row = |r: &[f64]| -> Vec<f64> { r.iter().zip(scales).map(|(x, s)| x / s).collect() };
    rows.iter().flat_map(row).collect()
}

/// The same of targets, which must have as many columns.
pub(crate) fn divided(targets: Rows<'_, f64>, scales: &[f64]) -> Result<Vec<f64>> {
    if targets.columns() != scales.len() {
        return Err(Error::shape(format!(
            "targets has {} columns, but samples had {}; they must be the same columns",
            targets.columns(),
            scales.len()
        )));
    }
    Ok(divide(targets, scales))
}

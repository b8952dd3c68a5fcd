//! The bandwidth of local generalized linear models, by leave-one-out likelihood: each sample is predicted by a model fitted around it
//! to the others.

use super::candidates::{Data, LEAST, Table, Trials, WORTH, divide, first_scales, places};
use super::family::Family;
use super::generalized::{Chosen, together};
use super::glm::{LocalGlm, LocalGlmFit};
use super::regression::{Choice, Search, with_bandwidth};
use super::relevance::{Part, relevance};
use super::search::{Tried, best_widths};
use crate::{Bandwidth, Error, Kernel, Metric, Nearest, Result, Rows, Watch};

/// Places at which candidates are compared, where there are more: for two classes, or one response.
const TRIALS: usize = 300;
/// For any number of classes, each of which has a model of its own at every place.
const LEAST_TRIALS: usize = 60;
/// Bandwidths closer than this, relative, are as good as each other.
const CLOSE: f64 = 0.1;

/// What models are fitted to: with several responses, classes of which one is true.
#[derive(Clone, Copy)]
pub(super) struct Likelihood<'a> {
    pub(super) chosen: &'a Chosen,
    pub(super) family: Family,
}

impl Likelihood<'_> {
    /// The scales and the kernel under which samples are likeliest.
    pub(super) fn choose(&self, table: &Table<'_>, watch: &Watch<'_>) -> Result<Choice> {
        check(table)?;
        self.family.check(table.responses)?;
        let chosen = self.chosen;
        let search = chosen.search.in_force(&chosen.kernel);
        let standardize = chosen.standardize.unwrap_or(search != Search::Given);
        let given = chosen.scales.as_deref();
        let scales = first_scales(given, table.samples, table.weights, standardize)?;
        let mut best = self.candidates(table, scales, search, Part::All, watch)?;
        let learn = table.samples.columns() > 1
            && match search {
                Search::PerColumn => true,
                Search::Auto => self.learning_pays(table, &best, watch)?,
                _ => false,
            };
        if learn {
            let scales = self.learned(table, &best, Part::All, watch)?;
            let mut learned = self.candidates(table, scales, Search::Auto, Part::All, watch)?;
            let mut tried = std::mem::take(&mut best.tried);
            let before = tried.iter().map(|t| t.score).fold(f64::INFINITY, f64::min);
            // Asked for, they are taken; else only where they predict better.
            let better = search == Search::PerColumn || learned.score() < before;
            tried.append(&mut learned.tried);
            if better {
                best = learned;
            }
            best.tried = tried;
        }
        Ok(best)
    }

    /// A model for each response; of two classes one, of the second.
    pub(super) fn models(
        &self,
        kernel: &Kernel,
        data: Data<'_>,
        watch: &Watch<'_>,
    ) -> Result<Vec<LocalGlmFit>> {
        let mut model = LocalGlm::new(kernel.clone(), self.family)
            .penalty(self.chosen.penalty)
            .link(self.chosen.link)
            .guard(self.chosen.guard)
            .neighborhood(self.chosen.neighborhood.clone());
        if let Some(columns) = &self.chosen.columns {
            model = model.on(columns.clone());
        }
        let p = data.responses.columns();
        let one = |c: usize| {
            let y: Vec<f64> = data.responses.iter().map(|r| r[c]).collect();
            model.fit(data.samples, Rows::column(&y), data.weights, watch)
        };
        (usize::from(p == 2)..p).map(one).collect()
    }

    /// Whether scales that one half of the samples has found predict the other half better.
    fn learning_pays(&self, table: &Table<'_>, best: &Choice, watch: &Watch<'_>) -> Result<bool> {
        if places(table.samples, table.weights).len() < LEAST {
            return Ok(false);
        }
        let divided = divide(table.samples, &best.scales);
        let trials = table.trials_at(&divided, Part::Odd, most(table))?;
        let now = self.score(&best.kernel, &trials, watch)?;
        let scales = self.learned(table, best, Part::Even, watch)?;
        let other = self.candidates(table, scales, Search::Auto, Part::Odd, watch)?;
        Ok(other.score() < WORTH * now)
    }

    /// Columns so scaled that the local mean predicts best.
    fn learned(
        &self,
        table: &Table<'_>,
        best: &Choice,
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let divided = divide(table.samples, &best.scales);
        let (n, d) = (table.samples.rows(), table.samples.columns());
        // The width of a local mean is smaller than that of a local line: half of it is a start.
        let start = with_bandwidth(&self.chosen.kernel, 0.5 * (d as f64).sqrt())?;
        let data = Data {
            samples: Rows::new(&divided, n, d)?,
            responses: table.responses,
            weights: table.weights,
        };
        let factors = relevance(&start, &self.chosen.neighborhood, data, part, watch)?;
        let scales = best.scales.iter().zip(factors);
        Ok(scales.map(|(scale, factor)| scale / factor).collect())
    }

    /// The best kernel over columns divided by these scales.
    fn candidates(
        &self,
        table: &Table<'_>,
        scales: Vec<f64>,
        search: Search,
        part: Part,
        watch: &Watch<'_>,
    ) -> Result<Choice> {
        let divided = divide(table.samples, &scales);
        let trials = table.trials_at(&divided, part, most(table))?;
        let (n, d) = (table.samples.rows(), table.samples.columns() as f64);
        let any = matches!(search, Search::Auto | Search::PerColumn);
        let mut tried = Vec::new();
        let mut search_in = |range: (f64, f64), bandwidth: &dyn Fn(f64) -> Bandwidth| {
            let mut score = |kernel: &Kernel| self.score(kernel, &trials, watch);
            let shape = &self.chosen.kernel;
            let (kernel, score) = best_widths(shape, range, CLOSE, bandwidth, &mut score)?;
            tried.push(Tried {
                degree: 1,
                kernel,
                score,
            });
            Ok::<_, Error>(())
        };
        if any || search == Search::Fixed {
            search_in((0.03 * d.sqrt(), 8.0 * d.sqrt()), &Bandwidth::Fixed)?;
        }
        if any && trials.rows_are_samples || search == Search::Nearest {
            let of = |k: f64| Bandwidth::QueryNearest((k.round() as usize).clamp(1, n));
            search_in((4.0_f64.min(n as f64), n as f64), &of)?;
        }
        let best = tried.iter().min_by(|a, b| a.score.total_cmp(&b.score));
        Ok(Choice {
            kernel: best.map_or_else(|| self.chosen.kernel.clone(), |b| b.kernel.clone()),
            degree: 1,
            scales,
            tried,
        })
    }

    /// Mean loss of the samples at some places, each predicted without the place.
    fn score(&self, kernel: &Kernel, trials: &Trials<'_>, watch: &Watch<'_>) -> Result<f64> {
        let watch = watch.quiet();
        let (data, places) = (trials.data, &trials.places);
        let first = |place: &Vec<usize>| data.samples.row(place[0]);
        let some: Vec<f64> = places.iter().flat_map(first).copied().collect();
        let targets = Rows::new(&some, places.len(), data.samples.columns())?;
        let mut each = Vec::new();
        let mut alone = vec![false; places.len()];
        for model in &self.models(kernel, data, &watch)? {
            let fits = model.at_without(targets, Some(places), &watch)?;
            each.push(fits.means().to_vec());
            alone
                .iter_mut()
                .zip(fits.alone())
                .for_each(|(a, b)| *a |= b);
        }
        let p = data.responses.columns();
        let mut means = together(&each, p);
        by_nearest(&mut means, &alone, places, data, &watch)?;
        let (mut sum, mut total) = (0.0, 0.0);
        for (place, means) in places.iter().zip(means.chunks_exact(p)) {
            for &i in place {
                let w = data.weights.map_or(1.0, |w| w[i]);
                let each = means.iter().zip(data.responses.row(i));
                let losses = each.map(|(m, y)| match p {
                    1 => self.family.loss(*m, *y),
                    _ => -y * m.max(1e-12).ln(),
                });
                sum += w * losses.sum::<f64>();
                total += w;
            }
        }
        Ok(if sum.is_nan() {
            f64::INFINITY
        } else {
            sum / total
        })
    }
}

/// Gives places that see no other sample the response of the nearest one elsewhere, as predictions do where nothing has weight.
fn by_nearest(
    means: &mut [f64],
    alone: &[bool],
    places: &[Vec<usize>],
    data: Data<'_>,
    watch: &Watch<'_>,
) -> Result<()> {
    if !alone.contains(&true) {
        return Ok(());
    }
    let near = Nearest::fit(data.samples, &Metric::Euclidean)?;
    let (n, p) = (data.samples.rows(), data.responses.columns());
    let each = means.chunks_exact_mut(p).zip(alone).zip(places);
    for ((mean, _), place) in each.filter(|((_, alone), _)| **alone) {
        let at = data.samples.slice(place[0]..place[0] + 1);
        let found = near.k_nearest(at, (place.len() + 1).min(n), watch)?;
        let other = found.indices.iter().find(|i| !place.contains(i));
        // All samples at one place tell nothing about others.
        match other {
            Some(&i) => mean.copy_from_slice(data.responses.row(i)),
            None => mean.fill(f64::NAN),
        }
    }
    Ok(())
}

/// How many places are looked at.
fn most(table: &Table<'_>) -> usize {
    let models = table.responses.columns().max(2);
    (2 * TRIALS / models).max(LEAST_TRIALS)
}

fn check(table: &Table<'_>) -> Result<()> {
    let (n, responses) = (table.samples.rows(), table.responses);
    if n == 0 {
        return Err(Error::empty("samples has no rows; give at least one"));
    }
    table.samples.require_finite("samples")?;
    if responses.rows() != n || responses.columns() == 0 {
        return Err(Error::shape(format!(
            "responses has shape [{}, {}], but there are {n} samples; give a row for each, of at least one column",
            responses.rows(),
            responses.columns()
        )));
    }
    match table.weights {
        Some(w) if w.len() != n => Err(Error::shape(format!(
            "sample_weight has {} numbers, but there are {n} samples; give one for each",
            w.len()
        ))),
        _ => Ok(()),
    }
}

//! A width for each column, by the gradient of the leave-one-out error of the local mean.

use super::candidates::{Data, places, thinned};
use crate::descent::{Until, descend};
use crate::{Kernel, LocalMean, Neighborhood, OnEmpty, Result, Rows, Watch};

/// Most samples that widths are learned from.
const MOST: usize = 1000;
/// Most steps.
const STEPS: usize = 40;
/// How unlikely it is that a column counts for more or less than the others: the variance of the logarithm, before any sample is seen.
const PRIOR: f64 = 1.0;
/// No column counts for more or less than this factor.
const LIMIT: f64 = 50.0;

/// Which places: all, or every other one, so that what the one half has found can be judged by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    All,
    Even,
    Odd,
}

impl Part {
    /// Keeps those places.
    pub(super) fn keep(self, places: &mut Vec<Vec<usize>>) {
        let mut number = 0;
        places.retain(|_| {
            number += 1;
            match self {
                Self::All => true,
                Self::Even => number % 2 == 1,
                Self::Odd => number % 2 == 0,
            }
        });
    }
}

/// What each column is multiplied by, `[d]`, so that the local mean under the kernel predicts each of some samples best from the
/// others: near 0 for a column that says nothing. At most a thousand samples of a part are looked at, drawn evenly. A normal prior on the
/// logarithms stands beside the risk, so that few samples do not tell columns apart by chance.
///
/// Source: the leave-one-out risk of G. S. Watson's regressor, descended as K. Q. Weinberger and G. Tesauro do in *Metric learning for kernel
/// regression* (AISTATS 2007), here for a diagonal metric.
pub(super) fn relevance(
    kernel: &Kernel,
    neighborhood: &Neighborhood,
    data: Data<'_>,
    part: Part,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let (d, p) = (data.samples.columns(), data.responses.columns());
    // A place counts once, with all the weight of its samples.
    let mut places = places(data.samples, data.weights);
    part.keep(&mut places);
    let places = thinned(places, MOST);
    let count = places.len();
    let weight = |i: usize| data.weights.map_or(1.0, |w| w[i]);
    let all = |place: &Vec<usize>| place.iter().map(|&i| weight(i)).sum::<f64>();
    let x: Vec<f64> = places
        .iter()
        .flat_map(|place| data.samples.row(place[0]))
        .copied()
        .collect();
    let mut y = Vec::with_capacity(count * p);
    for place in &places {
        let mean = |c: usize| {
            let sum: f64 = place
                .iter()
                .map(|&i| weight(i) * data.responses.row(i)[c])
                .sum();
            sum / all(place)
        };
        y.extend((0..p).map(mean));
    }
    let w: Vec<f64> = places.iter().map(all).collect();
    let total: f64 = w.iter().sum();
    let responses = Rows::new(&y, count, p)?;
    let means = LocalMean::new(kernel.clone())
        .neighborhood(neighborhood.clone().and(Neighborhood::hollow()))
        .on_empty(OnEmpty::Global);
    let watch = watch.quiet();
    let mut noise = None;
    let mut risk = |logs: &[f64]| {
        if logs.iter().any(|l| l.abs() > LIMIT.ln()) {
            return Ok((f64::INFINITY, vec![0.0; d]));
        }
        let factors: Vec<f64> = logs.iter().map(|l| l.exp()).collect();
        let scaled: Vec<f64> = x
            .chunks_exact(d)
            .flat_map(|row| row.iter().zip(&factors).map(|(x, f)| x * f))
            .collect();
        let sites = Rows::new(&scaled, count, d)?;
        let fit = means.fit_watched(sites, responses, Some(&w), &watch)?;
        let at = fit.at(sites, &watch)?;
        let mut risk = 0.0;
        let mut slopes = vec![0.0; count * p];
        for (i, slope) in slopes.iter_mut().enumerate() {
            let share = w[i / p] / (total * p as f64);
            let apart = at.means[i] - y[i];
            risk += share * apart * apart;
            *slope = 2.0 * share * apart;
        }
        let slopes = Rows::new(&slopes, count, p)?;
        let back = fit.pull_back(sites, sites, &at, slopes, None, &watch)?;
        let mut gradient = vec![0.0; d];
        for (i, x) in scaled.iter().enumerate() {
            gradient[i % d] += x * (back.queries[i] + back.keys[i]);
        }
        // What the prior weighs beside a risk of this size at the start.
        let noise = *noise.get_or_insert(risk / (PRIOR * count as f64));
        for (slope, log) in gradient.iter_mut().zip(logs) {
            risk += noise * log * log;
            *slope += 2.0 * noise * log;
        }
        Ok((risk, gradient))
    };
    let until = Until {
        steps: STEPS,
        tolerance: 1e-4,
        longest: 1.0,
    };
    let (logs, _) = descend(vec![0.0; d], until, &mut risk)?;
    Ok(logs.iter().map(|l| l.exp()).collect())
}

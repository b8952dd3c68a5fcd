//! Leave-one-out likelihood of a kernel, for the choice of its bandwidth.

use std::collections::HashMap;

use super::law::Law;
use crate::random::Random;
use crate::{Error, Float, Kernel, LocalMean, Mask, Neighborhood, OnEmpty, Result, Rows, Watch};

/// Most places that are predicted.
const MOST: usize = 2048;
/// What the sums may be off by: far less than what the choice depends on.
const TOLERANCE: f64 = 1e-5;

/// Samples of a positive weight by their place.
pub(super) struct Grouped {
    /// The first sample of each place.
    pub(super) firsts: Vec<usize>,
    /// The place of each sample.
    pub(super) places: Vec<Option<usize>>,
}

impl Grouped {
    pub(super) fn new<T: Float>(samples: Rows<'_, T>, weights: Option<&[T]>) -> Self {
        let mut known: HashMap<Box<[u64]>, usize> = HashMap::new();
        let mut firsts = Vec::new();
        let mut places = Vec::with_capacity(samples.rows());
        for (i, row) in samples.iter().enumerate() {
            if weights.is_some_and(|w| w[i] == T::ZERO) {
                places.push(None);
                continue;
            }
            // Adding 0 makes the two zeros one.
            let bits = row.iter().map(|x| (x.to_f64() + 0.0).to_bits()).collect();
            let at = *known.entry(bits).or_insert(firsts.len());
            if at == firsts.len() {
                firsts.push(i);
            }
            places.push(Some(at));
        }
        Self { firsts, places }
    }
}

/// The numbers below `n`, and how many of the first are predicted: `most` drawn at random, or all in order.
pub(super) fn shuffled(n: usize, most: usize) -> (Vec<usize>, usize) {
    let predicted = n.min(most);
    let mut order: Vec<usize> = (0..n).collect();
    if predicted < n {
        let mut random = Random::new(0, 0);
        for i in 0..predicted {
            order.swap(i, i + random.below(n - i));
        }
    }
    (order, predicted)
}

/// Places of samples, each once, those that are predicted first.
pub(super) struct Places<T> {
    sites: Vec<T>,
    weights: Vec<T>,
    columns: usize,
    predicted: usize,
}

impl<T: Float> Places<T> {
    /// Equal samples become one place with the sum of their weights: left out one by one they would predict each other, and
    /// the best bandwidth would be 0.
    pub(super) fn new(samples: Rows<'_, T>, weights: Option<&[T]>) -> Result<Self> {
        let grouped = Grouped::new(samples, weights);
        let firsts = &grouped.firsts;
        let mut sums = vec![0.0; firsts.len()];
        for (i, at) in grouped.places.iter().enumerate() {
            if let Some(at) = at {
                sums[*at] += weights.map_or(1.0, |w| w[i].to_f64());
            }
        }
        let n = firsts.len();
        if n < 2 {
            return Err(Error::parameter(
                "bandwidth=likelihood needs samples at two places at least; give bandwidth a number",
            ));
        }
        let (order, predicted) = shuffled(n, MOST);
        let columns = samples.columns();
        let mut sites = Vec::with_capacity(n * columns);
        for &i in &order {
            sites.extend_from_slice(samples.row(firsts[i]));
        }
        Ok(Self {
            sites,
            weights: order.iter().map(|&i| T::from_f64(sums[i])).collect(),
            columns,
            predicted,
        })
    }

    /// The mean log density of the places predicted, each by all others.
    pub(super) fn log_likelihood(&self, kernel: &Kernel, watch: &Watch<'_>) -> Result<f64> {
        let law = Law::new(kernel, self.columns)?;
        let n = self.weights.len();
        let keys = Rows::new(&self.sites, n, self.columns)?;
        let others = if self.predicted == n {
            Neighborhood::hollow()
        } else {
            Neighborhood::mask(Mask::new(|i, j| i != j))
        };
        let fit = LocalMean::new(kernel.clone())
            .neighborhood(others)
            .tolerance(TOLERANCE)
            .on_empty(OnEmpty::Nan)
            .fit_watched(keys, Rows::new(&[], n, 0)?, Some(&self.weights), watch)?;
        let at = fit.at(keys.slice(0..self.predicted), &watch.quiet())?;
        let total: f64 = self.weights.iter().map(|w| w.to_f64()).sum();
        let (mut sum, mut all) = (0.0, 0.0);
        for (log, weight) in at.log_normalizer.iter().zip(&self.weights) {
            let weight = weight.to_f64();
            let rest = (total - weight).max(f64::MIN_POSITIVE);
            sum += weight * (log.to_f64() - rest.ln());
            all += weight;
        }
        Ok(sum / all - law.log_mass(0))
    }
}

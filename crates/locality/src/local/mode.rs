//! Local modes: the most likely responses around a target.

use crate::{
    Error, Kernel, LocalMean, LocalMeanFit, LocalSample, Neighborhood, OnEmpty, Result, Rows, Watch,
};

/// Places where the density of a target's responses is first looked at, for each bandwidth of it.
const PER_BANDWIDTH: f64 = 16.0;
/// At most so many of them.
const MOST_PLACES: usize = 1 << 15;
/// A response farther than so many bandwidths does not count.
const REACH: f64 = 8.0;
/// Most steps of an ascent.
const STEPS: usize = 20_000;
/// An ascent rests where a step is below this share of a bandwidth.
const REST: f64 = 1e-9;
/// Ascents that rest within this share of a bandwidth found the same mode.
const SAME: f64 = 1e-3;
/// Most training rows whose likelihood chooses the responses' bandwidth.
const JUDGES: usize = 400;
/// Bandwidths that are tried, each this many times the next.
const TRIALS: usize = 24;
const RATIO: f64 = 1.25;

/// The parameters of local mode (modal) regression: at each target the responses `y` at which the conditional density
/// `f(y | x*) = sum_i c_i K(x*, x_i) G((y - y_i) / b) / (b sum_i c_i K(x*, x_i))` has a maximum, with a Gaussian `G`.
///
/// Where responses fall on several branches, a mean or median lies between them and modes lie on them.
///
/// ```
/// use locality::local::LocalMode;
/// use locality::{Rows, Watch};
/// let x = [0.0; 7];
/// let y = [1.0, 1.1, 0.9, 1.0, 5.0, 5.1, 4.9];
/// let model = LocalMode::new("boxcar(h=1)".parse()?).response_bandwidth(0.2);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())?;
/// let modes = &fit.at(Rows::column(&[0.0]), &Watch::default())?[0];
/// assert!((modes[0].response - 1.0).abs() < 1e-6 && (modes[1].response - 5.0).abs() < 1e-6);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: J. Einbeck, G. Tutz, *Modelling beyond regression functions: an application of multimodal regression to speed-flow data* (2006); Y.-C. Chen
/// et al., *Nonparametric modal regression* (2016); the bandwidth: P. Hall, J. Racine, Q. Li, *Cross-validation and the estimation of conditional
/// probability densities* (2004).
#[derive(Clone, Debug)]
pub struct LocalMode {
    kernel: Kernel,
    bandwidth: Option<f64>,
    neighborhood: Neighborhood,
}

/// A maximum of the density of the responses around a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Where it is.
    pub response: f64,
    /// The density there, per unit of the response.
    pub density: f64,
}

impl LocalMode {
    /// Modes under a kernel for the targets' surroundings, with a bandwidth for the responses that is found.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            bandwidth: None,
            neighborhood: Neighborhood::default(),
        }
    }

    /// The bandwidth `b` of the responses, in their units. By default the one under which the training responses are the most likely
    /// from the others (leave-one-out, by at most 400 of them).
    #[must_use]
    pub fn response_bandwidth(mut self, bandwidth: f64) -> Self {
        self.bandwidth = Some(bandwidth);
        self
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// Lays out samples `[n, d]` with responses `[n, 1]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalMean::fit`]; a bandwidth that is not positive, more than one response.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalModeFit> {
        if let Some(b) = self.bandwidth.filter(|b| !(*b > 0.0 && b.is_finite())) {
            return Err(Error::parameter(format!(
                "response_bandwidth={b} must be positive and finite, in units of the responses"
            )));
        }
        if responses.columns() != 1 {
            return Err(Error::shape(format!(
                "responses has {} columns; modes are of one",
                responses.columns()
            )));
        }
        let means = LocalMean::new(self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .on_empty(OnEmpty::Nearest)
            .fit_watched(samples, responses, weights, watch)?;
        let order = means.order();
        let mut fit = LocalModeFit {
            responses: order
                .iter()
                .map(|&i| responses.row(i as usize)[0])
                .collect(),
            bandwidth: 0.0,
            means,
        };
        fit.bandwidth = match self.bandwidth {
            Some(b) => b,
            None => fit.likeliest(samples, watch)?,
        };
        Ok(fit)
    }
}

/// Samples laid out for modes; made by [`LocalMode::fit`].
#[derive(Clone, Debug)]
pub struct LocalModeFit {
    means: LocalMeanFit<f64>,
    /// By slot.
    responses: Vec<f64>,
    bandwidth: f64,
}

impl LocalModeFit {
    /// The bandwidth of the responses, given or found.
    pub fn response_bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// The modes at each target of `[m, d]`, the densest first; of two that are equally dense the smaller response. Where no sample
    /// weighs, the nearest one's response.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, or an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<Vec<Mode>>> {
        let mut found = self.means.local_samples(targets, watch, |_, sample| {
            let near = Weighted::new(self.seen(sample, None));
            Ok(near.modes(self.bandwidth))
        })?;
        if found.iter().any(Vec::is_empty) {
            let nearest = self.means.at(targets, &watch.quiet())?.means;
            for (modes, response) in found.iter_mut().zip(nearest) {
                if modes.is_empty() {
                    let density = gauss(0.0) / self.bandwidth;
                    modes.push(Mode { response, density });
                }
            }
        }
        Ok(found)
    }

    /// Responses and weights of the samples that weigh, but for a slot's.
    fn seen(&self, sample: LocalSample<'_, f64>, without: Option<usize>) -> Vec<(f64, f64)> {
        let mut seen = Vec::new();
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                if *w > 0.0 && Some(slot) != without {
                    seen.push((self.responses[slot], *w));
                }
            }
        }
        seen
    }

    /// The bandwidth under which responses are the most likely from the others around them.
    fn likeliest(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<f64> {
        let n = samples.rows();
        let (low, high) = ends(self.responses.iter().copied());
        let spread = high - low;
        if spread <= 0.0 || n < 3 {
            return Ok(if spread > 0.0 { spread } else { 1.0 });
        }
        let judges = n.min(JUDGES);
        let slots: Vec<usize> = (0..judges)
            .map(|j| (2 * j + 1) * n / (2 * judges))
            .collect();
        let rows: Vec<f64> = slots
            .iter()
            .flat_map(|s| samples.row(self.means.order()[*s] as usize))
            .copied()
            .collect();
        let rows = Rows::new(&rows, judges, samples.columns())?;
        let bandwidths: Vec<f64> = (0..TRIALS)
            .map(|t| 0.5 * spread / RATIO.powi(t as i32))
            .collect();
        // A response that others make all but impossible must not decide alone.
        let floor = 1e-6 / spread;
        let scores = self.means.local_samples(rows, watch, |j, sample| {
            let near = self.seen(sample, Some(slots[j]));
            let own = self.responses[slots[j]];
            let score = |b: &f64| (density(&near, own, *b).unwrap_or(0.0) + floor).ln();
            Ok(bandwidths.iter().map(score).collect::<Vec<f64>>())
        })?;
        let mut best = (f64::NEG_INFINITY, spread);
        for (t, b) in bandwidths.iter().enumerate() {
            let total: f64 = scores.iter().map(|s| s[t]).sum();
            if total > best.0 {
                best = (total, *b);
            }
        }
        Ok(best.1)
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| {
        (a.min(y), b.max(y))
    })
}

fn gauss(u: f64) -> f64 {
    (-0.5 * u * u).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The density of weighted responses; none where nothing weighs.
fn density(near: &[(f64, f64)], at: f64, bandwidth: f64) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (y, w) in near {
        sum += w * gauss((at - y) / bandwidth);
        total += w;
    }
    (total > 0.0).then(|| sum / (total * bandwidth))
}

/// The responses around a target by size, with their weights.
struct Weighted(Vec<(f64, f64)>);

impl Weighted {
    fn new(mut near: Vec<(f64, f64)>) -> Self {
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self(near)
    }

    /// Those that count at a response.
    fn around(&self, at: f64, bandwidth: f64) -> &[(f64, f64)] {
        let reach = REACH * bandwidth;
        let first = self.0.partition_point(|(y, _)| *y < at - reach);
        let last = self.0.partition_point(|(y, _)| *y <= at + reach);
        &self.0[first..last]
    }

    /// All maxima, the densest first.
    fn modes(&self, bandwidth: f64) -> Vec<Mode> {
        let total: f64 = self.0.iter().map(|(_, w)| w).sum();
        let mut modes: Vec<Mode> = Vec::new();
        for start in self.starts(bandwidth) {
            let response = self.ascend(start, bandwidth);
            let known = |m: &Mode| (m.response - response).abs() <= SAME * bandwidth;
            if !modes.iter().any(known) {
                let near = self.around(response, bandwidth);
                let sum: f64 = near
                    .iter()
                    .map(|(y, w)| w * gauss((response - y) / bandwidth))
                    .sum();
                let density = sum / (total * bandwidth);
                modes.push(Mode { response, density });
            }
        }
        let key = |m: &Mode| (-m.density, m.response);
        modes.sort_by(|a, b| {
            let ((a, x), (b, y)) = (key(a), key(b));
            a.total_cmp(&b).then(x.total_cmp(&y))
        });
        modes
    }

    /// Places where the density on a grid is no less than beside: one below each maximum that is wider than the grid's step.
    fn starts(&self, bandwidth: f64) -> Vec<f64> {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else {
            return Vec::new();
        };
        let span = last.0 - first.0;
        let wanted = (PER_BANDWIDTH * span / bandwidth).ceil();
        if wanted >= MOST_PLACES as f64 {
            // So narrow a bandwidth leaves the responses apart: each is a place.
            return self.0.iter().map(|(y, _)| *y).collect();
        }
        let places = wanted as usize + 1;
        let step = span / (places - 1).max(1) as f64;
        let heights = self.heights(first.0, step, places, bandwidth);
        let peak = |i: &usize| {
            let beside = |j: Option<usize>| j.and_then(|j| heights.get(j)).copied().unwrap_or(0.0);
            heights[*i] > 0.0
                && heights[*i] >= beside(i.checked_sub(1))
                && heights[*i] >= beside(Some(i + 1))
        };
        (0..places)
            .filter(peak)
            .map(|i| first.0 + step * i as f64)
            .collect()
    }

    /// The density at the places, but for a factor, of responses that are shared out between the two places beside each.
    fn heights(&self, first: f64, step: f64, places: usize, bandwidth: f64) -> Vec<f64> {
        let mut bins = vec![0.0; places];
        for (y, w) in &self.0 {
            let at = if step > 0.0 { (y - first) / step } else { 0.0 };
            let bin = (at as usize).min(places - 1);
            let part = at - bin as f64;
            bins[bin] += w * (1.0 - part);
            if let Some(next) = bins.get_mut(bin + 1) {
                *next += w * part;
            }
        }
        let taps = if step > 0.0 {
            (REACH * bandwidth / step) as usize
        } else {
            0
        };
        let taps: Vec<f64> = (0..=taps)
            .map(|t| gauss(t as f64 * step / bandwidth))
            .collect();
        let height = |i: usize| {
            let from = i.saturating_sub(taps.len() - 1);
            let to = (i + taps.len()).min(places);
            (from..to).map(|j| bins[j] * taps[i.abs_diff(j)]).sum()
        };
        (0..places).map(height).collect()
    }

    /// Mean shift: the density never falls on the way.
    fn ascend(&self, start: f64, bandwidth: f64) -> f64 {
        let mut at = start;
        for _ in 0..STEPS {
            let (mut sum, mut total) = (0.0, 0.0);
            for (y, w) in self.around(at, bandwidth) {
                let u = (y - at) / bandwidth;
                let w = w * (-0.5 * u * u).exp();
                sum += w * (y - at);
                total += w;
            }
            if total <= 0.0 {
                break;
            }
            let step = sum / total;
            at += step;
            if step.abs() <= REST * bandwidth {
                break;
            }
        }
        at
    }
}

//! Series smoothed, and their gaps filled, by what happened in like contexts.

use super::contexts::Contexts;
use super::strength::noise;
use crate::{Error, Result, Watch};

/// The usual bandwidth in standard deviations of the noise. Over nine kinds of series (waves, seasons, steps, chaos, walks, beats), three
/// strengths of noise and radii of 3, 5 and 9, 0.6 has 2 to 4 % more error, and 1.0 between 0.5 % less and 2 % more.
const BANDWIDTH: f64 = 0.8;

/// Non-local means of a series: every value becomes the mean of all values of the series, weighted by how alike the windows about the
/// two are (Buades, Coll and Morel 2005, in one dimension; Tracey and Miller, *Nonlocal means denoising of ECG signals*, IEEE TBME 59(9),
/// 2012). A missing value is filled by the same mean: its window has a gap, and gaps are left out when windows are compared.
///
/// The weight of place `j` at place `i` is `exp(-max(0, d - 2 sigma^2) / h^2)` for the mean squared difference `d` of what both windows
/// know. Windows that share less than half of what the window at `i` knows are not compared. Long gaps are filled from their ends
/// inwards. Beyond the ends of the series nothing is known.
///
/// ```
/// use locality::{Watch, nonlocal::SeriesSmoother};
/// let mut wave: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.3).sin()).collect();
/// let true_value = wave[100];
/// wave[100] = f64::NAN;
/// let out = SeriesSmoother::new(5).smooth(&wave, &Watch::default())?;
/// assert!((out.values()[100] - true_value).abs() < 0.05);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesSmoother {
    radius: usize,
    reach: Option<usize>,
    h: Option<f64>,
    sigma: Option<f64>,
    gaps_only: bool,
}

impl SeriesSmoother {
    /// With windows of `radius` places on each side; the noise and the bandwidth estimated from the series.
    pub fn new(radius: usize) -> Self {
        Self {
            radius,
            reach: None,
            h: None,
            sigma: None,
            gaps_only: false,
        }
    }

    /// With places at most this far away; all of them by default.
    #[must_use]
    pub fn reach(mut self, reach: impl Into<Option<usize>>) -> Self {
        self.reach = reach.into();
        self
    }

    /// The bandwidth, in units of the series; by default 0.8 standard deviations of the noise, or where there is none a hundredth of
    /// that of the series.
    #[must_use]
    pub fn h(mut self, h: impl Into<Option<f64>>) -> Self {
        self.h = h.into();
        self
    }

    /// The standard deviation of the noise; by default the smaller of two medians over what they are for white noise: of how far values lie
    /// off the line between their neighbours, and off the value in the likest other context, so that a rough season is no noise.
    #[must_use]
    pub fn sigma(mut self, sigma: impl Into<Option<f64>>) -> Self {
        self.sigma = sigma.into();
        self
    }

    /// Whether values that are known stay as they are.
    #[must_use]
    pub fn gaps_only(mut self, gaps_only: bool) -> Self {
        self.gaps_only = gaps_only;
        self
    }

    /// Smooths a series `[n]`; NaN is a missing value.
    ///
    /// # Errors
    /// An empty series, infinite numbers, no value that is known; a bandwidth that is no positive number, a negative sigma, a radius or reach
    /// of 0; an interruption.
    pub fn smooth(&self, series: &[f64], watch: &Watch<'_>) -> Result<SmoothedSeries> {
        self.check(series)?;
        let factor = factor(series);
        if factor != 1.0 {
            // In units in which squares neither vanish nor overflow.
            let own = Self {
                h: self.h.map(|h| h * factor),
                sigma: self.sigma.map(|sigma| sigma * factor),
                ..*self
            };
            let scaled: Vec<f64> = series.iter().map(|x| x * factor).collect();
            return Ok(own.smoothed(&scaled, watch)?.times(1.0 / factor));
        }
        self.smoothed(series, watch)
    }

    fn smoothed(&self, series: &[f64], watch: &Watch<'_>) -> Result<SmoothedSeries> {
        let mut task = Contexts {
            radius: self.radius.min(series.len()),
            reach: self.reach.unwrap_or(series.len()),
            inverse: 1.0,
            noise: 0.0,
        };
        let sigma = match self.sigma {
            Some(sigma) => sigma,
            None => noise(series, &task, &watch.quiet())?,
        };
        let h = self.h.unwrap_or_else(|| {
            let floor = 0.01 * deviation(series);
            let h = (BANDWIDTH * sigma).max(floor);
            if h > 0.0 { h } else { 1.0 }
        });
        task.inverse = 1.0 / (h * h);
        task.noise = 2.0 * sigma * sigma;
        let missing: Vec<usize> = (0..series.len()).filter(|&i| series[i].is_nan()).collect();
        let mut values = if self.gaps_only {
            series.to_vec()
        } else {
            task.smoothed(series, watch)?
        };
        let mut filled = series.to_vec();
        let mut left = missing.clone();
        while !left.is_empty() {
            // Those that know most of their window, so that long gaps close from their ends.
            let most = left.iter().map(|&i| task.known(&filled, i)).max();
            let (now, later): (Vec<usize>, Vec<usize>) = left
                .iter()
                .partition(|&&i| Some(task.known(&filled, i)) == most);
            let means = task.filled(&filled, series, &now, &watch.quiet())?;
            for (&i, mean) in now.iter().zip(means) {
                filled[i] = mean.unwrap_or_else(|| nearest_known(series, i));
            }
            left = later;
        }
        for &i in &missing {
            values[i] = filled[i];
        }
        Ok(SmoothedSeries {
            values,
            filled: missing,
            sigma,
            h,
        })
    }

    fn check(&self, series: &[f64]) -> Result<()> {
        if series.iter().all(|x| x.is_nan()) {
            return Err(Error::empty(format!(
                "none of the series' {} values is known; give at least 1",
                series.len()
            )));
        }
        if let Some(i) = series.iter().position(|x| x.is_infinite()) {
            return Err(Error::not_finite(format!(
                "the series is {} at place {i}; replace it, by NaN if it is missing",
                series[i]
            )));
        }
        if self.radius == 0 || self.reach == Some(0) {
            let name = if self.radius == 0 { "radius" } else { "reach" };
            return Err(Error::parameter(format!(
                "{name} is 0; give at least 1 place"
            )));
        }
        if let Some(h) = self.h.filter(|h| !(*h > 0.0 && h.is_finite())) {
            return Err(Error::parameter(format!(
                "h is {h}; give a positive number in the units of the series"
            )));
        }
        if let Some(s) = self.sigma.filter(|s| !(*s >= 0.0 && s.is_finite())) {
            return Err(Error::parameter(format!(
                "sigma is {s}; give the standard deviation of the noise, 0 or more"
            )));
        }
        Ok(())
    }
}

/// The known value nearest to a place, the earlier of two.
fn nearest_known(series: &[f64], i: usize) -> f64 {
    let known = (0..series.len()).filter(|&j| !series[j].is_nan());
    let nearest = known.min_by_key(|&j| j.abs_diff(i));
    nearest.map_or(f64::NAN, |j| series[j])
}

/// A power of two that brings values which are too large or small for squares near 1; else 1.
fn factor(series: &[f64]) -> f64 {
    let known = series.iter().filter(|x| !x.is_nan());
    let largest = known.map(|x| x.abs()).fold(0.0, f64::max);
    if largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return 1.0;
    }
    2.0_f64.powi((-largest.log2()).round().clamp(-1000.0, 1000.0) as i32)
}

/// Of the values that are known.
fn deviation(series: &[f64]) -> f64 {
    let known: Vec<f64> = series.iter().copied().filter(|x| !x.is_nan()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let squares = known.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (squares / known.len() as f64).sqrt()
}

/// A smoothed series.
#[derive(Clone, Debug, PartialEq)]
pub struct SmoothedSeries {
    values: Vec<f64>,
    filled: Vec<usize>,
    sigma: f64,
    h: f64,
}

impl SmoothedSeries {
    /// In other units.
    fn times(mut self, factor: f64) -> Self {
        self.values.iter_mut().for_each(|x| *x *= factor);
        self.sigma *= factor;
        self.h *= factor;
        self
    }

    /// The values, `[n]`, none missing.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The places that were missing.
    pub fn filled(&self) -> &[usize] {
        &self.filled
    }

    /// The standard deviation of the noise that was given or estimated.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The bandwidth in force.
    pub fn h(&self) -> f64 {
        self.h
    }
}

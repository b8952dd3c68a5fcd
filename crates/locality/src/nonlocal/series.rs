//! Series smoothed, and their gaps filled, by what happened in like contexts.

use crate::par::map_blocks;
use crate::{Error, Result, Watch};

/// Places of a block.
const BLOCK: usize = 64;
/// The third quartile of the standard normal distribution.
const QUARTILE: f64 = 0.674_489_750_196_081_7;

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

    /// The bandwidth, in units of the series; by default 0.6 standard deviations of the noise, or where there is none a hundredth of
    /// that of the series.
    #[must_use]
    pub fn h(mut self, h: impl Into<Option<f64>>) -> Self {
        self.h = h.into();
        self
    }

    /// The standard deviation of the noise; by default the median size of second differences over what it is for white noise.
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
        let sigma = self.sigma.unwrap_or_else(|| noise(series));
        let h = self.h.unwrap_or_else(|| {
            let floor = 0.01 * deviation(series);
            let h = (0.6 * sigma).max(floor);
            if h > 0.0 { h } else { 1.0 }
        });
        let task = Contexts {
            radius: self.radius,
            reach: self.reach.unwrap_or(series.len()),
            inverse: 1.0 / (h * h),
            noise: 2.0 * sigma * sigma,
        };
        let missing: Vec<usize> = (0..series.len()).filter(|&i| series[i].is_nan()).collect();
        let known: Vec<usize> = (0..series.len()).filter(|&i| !series[i].is_nan()).collect();
        let mut values = series.to_vec();
        if !self.gaps_only {
            for (&i, v) in known.iter().zip(task.means(series, series, &known, watch)?) {
                values[i] = v.unwrap_or(series[i]);
            }
        }
        let mut filled = series.to_vec();
        let mut left = missing.clone();
        while !left.is_empty() {
            // Those that know most of their window, so that long gaps close from their ends.
            let most = left.iter().map(|&i| task.known(&filled, i)).max();
            let (now, later): (Vec<usize>, Vec<usize>) = left
                .iter()
                .partition(|&&i| Some(task.known(&filled, i)) == most);
            let means = task.means(&filled, series, &now, &watch.quiet())?;
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

/// How windows are compared.
struct Contexts {
    radius: usize,
    reach: usize,
    inverse: f64,
    noise: f64,
}

impl Contexts {
    /// The window about a place without the place itself, as offsets that lie in the series.
    fn window(&self, i: usize, n: usize) -> impl Iterator<Item = isize> + use<> {
        let back = self.radius.min(i).cast_signed();
        let ahead = self.radius.min(n - 1 - i).cast_signed();
        (-back..=ahead).filter(|q| *q != 0)
    }

    /// How many values of a window are known.
    fn known(&self, series: &[f64], i: usize) -> usize {
        let window = self.window(i, series.len());
        window
            .filter(|q| !series[i.wrapping_add_signed(*q)].is_nan())
            .count()
    }

    /// Means of `values` at places, by the contexts in `series`; `None` where no context is alike.
    fn means(
        &self,
        series: &[f64],
        values: &[f64],
        places: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Vec<Option<f64>>> {
        let blocks = map_blocks(watch, places.len(), BLOCK, |block| {
            Ok(block
                .map(|b| self.mean(series, values, places[b]))
                .collect::<Vec<_>>())
        })?;
        Ok(blocks.concat())
    }

    fn mean(&self, series: &[f64], values: &[f64], i: usize) -> Option<f64> {
        let n = series.len();
        let own: Vec<(isize, f64)> = self
            .window(i, n)
            .map(|q| (q, series[i.wrapping_add_signed(q)]))
            .filter(|(_, v)| !v.is_nan())
            .collect();
        if own.is_empty() {
            return None;
        }
        let distances = |j: usize| {
            let (mut sum, mut shared) = (0.0, 0_usize);
            for &(q, v) in &own {
                let other = j.checked_add_signed(q).and_then(|k| series.get(k));
                if let Some(o) = other.filter(|o| !o.is_nan()) {
                    sum += (v - o) * (v - o);
                    shared += 1;
                }
            }
            // The value itself is part of the context where both are known.
            if j != i && !series[i].is_nan() {
                sum += (series[i] - values[j]).powi(2);
                shared += 1;
            }
            (2 * shared >= own.len()).then(|| sum / shared.max(1) as f64)
        };
        let range =
            i.saturating_sub(self.reach)..(i.saturating_add(self.reach).saturating_add(1)).min(n);
        let found: Vec<(f64, f64)> = range
            .filter(|&j| !values[j].is_nan())
            .filter_map(|j| {
                Some((
                    (distances(j)? - self.noise).max(0.0) * self.inverse,
                    values[j],
                ))
            })
            .collect();
        // Relative to the likest context, so that a lonely place still has one.
        let least = found.iter().map(|f| f.0).fold(f64::INFINITY, f64::min);
        let (mut total, mut sum) = (0.0, 0.0);
        for (d, v) in &found {
            let w = (least - d).exp();
            total += w;
            sum += w * v;
        }
        (total > 0.0).then(|| sum / total)
    }
}

/// The known value nearest to a place, the earlier of two.
fn nearest_known(series: &[f64], i: usize) -> f64 {
    let known = (0..series.len()).filter(|&j| !series[j].is_nan());
    let nearest = known.min_by_key(|&j| j.abs_diff(i));
    nearest.map_or(f64::NAN, |j| series[j])
}

/// White noise's standard deviation from second differences; 0 where there are none.
fn noise(series: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = series
        .windows(3)
        .map(|w| (w[0] - 2.0 * w[1] + w[2]).abs())
        .filter(|d| !d.is_nan())
        .collect();
    if sizes.is_empty() {
        return 0.0;
    }
    let middle = sizes.len() / 2;
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    // 1 + 4 + 1 variances.
    *median / (QUARTILE * 6.0_f64.sqrt())
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

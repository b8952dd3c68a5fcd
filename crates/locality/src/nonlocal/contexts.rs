//! How alike the windows about two places of a series are.

use crate::par::map_blocks;
use crate::{Result, Watch};

/// Places that are compared with one at once.
const LANES: usize = 8;
/// Places of a block: at least so many, and so many windows, so that what neighbouring blocks do twice is little.
const BLOCK: usize = 256;
const WINDOWS: usize = 4;
/// Gaps of a block.
const GAPS: usize = 4;
/// `exp` of minus this is no more than rounding, whatever it is multiplied by.
const FAINT: f64 = 700.0;

/// How windows are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contexts {
    pub(super) radius: usize,
    pub(super) reach: usize,
    /// What squared differences are multiplied by.
    pub(super) inverse: f64,
    /// What is taken from them first.
    pub(super) noise: f64,
}

/// A series with places beyond its ends, which are unknown like its gaps: NaN.
#[derive(Debug)]
pub(super) struct Padded {
    data: Vec<f64>,
    pad: usize,
}

impl Padded {
    fn new(series: &[f64], pad: usize) -> Self {
        let mut data = vec![f64::NAN; pad];
        data.extend_from_slice(series);
        data.resize(series.len() + 2 * pad + LANES, f64::NAN);
        Self { data, pad }
    }

    /// From a place on, which may lie before the first by as much as the padding.
    fn from(&self, place: isize) -> &[f64] {
        &self.data[place.saturating_add_unsigned(self.pad).cast_unsigned()..]
    }
}

/// Sums of squared differences, and of how many there are.
#[derive(Clone, Copy)]
struct Sums {
    squares: [f64; LANES],
    known: [f64; LANES],
}

impl Sums {
    const NONE: Self = Self {
        squares: [0.0; LANES],
        known: [0.0; LANES],
    };

    /// Of one value and its counterparts.
    #[inline(always)]
    fn of(value: f64, others: &[f64]) -> Self {
        let mut out = Self::NONE;
        for (k, other) in others[..LANES].iter().enumerate() {
            let off = value - other;
            let known = !off.is_nan();
            out.squares[k] = if known { off * off } else { 0.0 };
            out.known[k] = if known { 1.0 } else { 0.0 };
        }
        out
    }

    #[inline(always)]
    fn add(&mut self, other: &Self) {
        for k in 0..LANES {
            self.squares[k] += other.squares[k];
            self.known[k] += other.known[k];
        }
    }
}

/// Means so far: weights, and weighted values.
#[derive(Clone, Copy, Default)]
struct Mean {
    total: f64,
    sum: f64,
}

impl Contexts {
    /// How many values of the window about a place are known, but for its own.
    pub(super) fn known(&self, series: &[f64], i: usize) -> usize {
        let window = i.saturating_sub(self.radius)..(i + self.radius + 1).min(series.len());
        window.filter(|&t| t != i && !series[t].is_nan()).count()
    }

    /// Padding for windows of any place and its counterparts.
    pub(super) fn padded(&self, series: &[f64]) -> Padded {
        Padded::new(series, self.radius + self.reach.min(series.len()) + LANES)
    }

    /// The mean at every place that is known; those whose window knows nothing more keep their values, and gaps stay.
    ///
    /// Windows at a fixed lag share their terms: each is the end of one stretch of `2 radius + 1` terms and the beginning of the next, two
    /// running sums (van Herk, *A fast algorithm for local minimum and maximum filters*, 1992). Nothing is ever subtracted, so that no
    /// value, however large, leaves a trace where it is not; and time does not grow with the radius.
    pub(super) fn smoothed(&self, series: &[f64], watch: &Watch<'_>) -> Result<Vec<f64>> {
        let n = series.len();
        let padded = self.padded(series);
        let block = BLOCK.max(WINDOWS * (2 * self.radius + 1));
        let blocks = map_blocks(watch, n, block, |block| {
            let needed: Vec<f64> = block
                .clone()
                .map(|i| self.known(series, i) as f64)
                .collect();
            // Each is as alike itself as can be.
            let own = |i| Mean {
                total: 1.0,
                sum: series[i],
            };
            let mut means: Vec<Mean> = block.clone().map(own).collect();
            let reach = self.reach.min(n - 1).cast_signed();
            let mut lag = -reach;
            while lag <= reach {
                watch.check()?;
                let lanes = ((reach - lag).cast_unsigned() + 1).min(LANES);
                self.lags(&padded, block.start, lag, lanes, &needed, &mut means);
                lag += LANES.cast_signed();
            }
            let places = block.clone().zip(means.iter().zip(&needed));
            let values = places.map(|(i, (mean, needed))| {
                let alone = series[i].is_nan() || *needed == 0.0;
                if alone {
                    series[i]
                } else {
                    mean.sum / mean.total
                }
            });
            Ok(values.collect::<Vec<f64>>())
        })?;
        Ok(blocks.concat())
    }

    /// Adds the values at some lags to the means of a block of places.
    fn lags(
        &self,
        series: &Padded,
        first: usize,
        lag: isize,
        lanes: usize,
        needed: &[f64],
        means: &mut [Mean],
    ) {
        let width = 2 * self.radius + 1;
        let start = first.cast_signed() - self.radius.cast_signed();
        let (own, others) = (series.from(start), series.from(start + lag));
        let term = |t: usize| Sums::of(own[t], &others[t..]);
        // The sums from each term of a stretch to its end.
        let mut ends: Vec<Sums> = (0..width).map(term).collect();
        let mut place = 0;
        loop {
            for t in (1..width).rev() {
                let (head, tail) = ends.split_at_mut(t);
                head[t - 1].add(&tail[0]);
            }
            let mut begun = Sums::NONE;
            for end in &mut ends {
                if place == means.len() {
                    return;
                }
                let mut sums = *end;
                sums.add(&begun);
                let center = place + self.radius;
                self.count(
                    own[center],
                    &others[center..][..lanes],
                    lag,
                    &sums,
                    needed[place],
                    &mut means[place],
                );
                let next = term(place + width);
                begun.add(&next);
                *end = next;
                place += 1;
            }
        }
    }

    /// Adds counterparts to a mean.
    #[inline(always)]
    fn count(
        &self,
        own: f64,
        others: &[f64],
        lag: isize,
        sums: &Sums,
        needed: f64,
        mean: &mut Mean,
    ) {
        if own.is_nan() || needed == 0.0 {
            return;
        }
        let mut exponents = [0.0; LANES];
        for (k, exponent) in exponents.iter_mut().enumerate() {
            let square = sums.squares[k] / sums.known[k].max(1.0);
            // The two places themselves are compared, too, but do not count for the half.
            let enough = 2.0 * (sums.known[k] - 1.0) >= needed;
            let off = (square - self.noise).max(0.0) * self.inverse;
            *exponent = if enough { off } else { f64::INFINITY };
        }
        for (k, other) in others.iter().enumerate() {
            if exponents[k] < FAINT && !other.is_nan() && lag + k.cast_signed() != 0 {
                let w = (-exponents[k]).exp();
                mean.total += w;
                mean.sum += w * other;
            }
        }
    }

    /// Means of `values` at gaps, by the contexts in `series`, in which some gaps may have been filled; `None` where no context is alike.
    pub(super) fn filled(
        &self,
        series: &[f64],
        values: &[f64],
        gaps: &[usize],
        watch: &Watch<'_>,
    ) -> Result<Vec<Option<f64>>> {
        let padded = self.padded(series);
        let blocks = map_blocks(watch, gaps.len(), GAPS, |block| {
            let means = block.map(|b| self.fill(&padded, series.len(), values, gaps[b]));
            Ok(means.collect::<Vec<_>>())
        })?;
        Ok(blocks.concat())
    }

    fn fill(&self, series: &Padded, n: usize, values: &[f64], i: usize) -> Option<f64> {
        let alike = self
            .alike(series, n, i)
            .filter(|(j, _)| !values[*j].is_nan());
        let found: Vec<(f64, f64)> = alike
            .map(|(j, square)| ((square - self.noise).max(0.0) * self.inverse, values[j]))
            .collect();
        // Relative to the likest context, so that a lonely place still has one.
        let least = found.iter().map(|f| f.0).fold(f64::INFINITY, f64::min);
        let mut mean = Mean::default();
        for (exponent, value) in found {
            let w = (least - exponent).exp();
            mean.total += w;
            mean.sum += w * value;
        }
        (mean.total > 0.0).then(|| mean.sum / mean.total)
    }

    /// The places whose windows know at least half of what the window about a place knows, and the mean squared differences of what both
    /// know, but for the two places themselves.
    pub(super) fn alike(
        &self,
        series: &Padded,
        n: usize,
        i: usize,
    ) -> impl Iterator<Item = (usize, f64)> + use<> {
        let range =
            i.saturating_sub(self.reach)..i.saturating_add(self.reach).saturating_add(1).min(n);
        let mut squares = vec![0.0; range.len()];
        let mut known = vec![0.0_f64; range.len()];
        let radius = self.radius.cast_signed();
        let mut needed = 0.0;
        for q in (-radius..=radius).filter(|q| *q != 0) {
            let value = series.from(i.cast_signed() + q)[0];
            if value.is_nan() {
                continue;
            }
            needed += 1.0;
            let others = &series.from(range.start.cast_signed() + q)[..range.len()];
            for ((s, k), other) in squares.iter_mut().zip(&mut known).zip(others) {
                let off = value - other;
                let both = !off.is_nan();
                *s += if both { off * off } else { 0.0 };
                *k += if both { 1.0 } else { 0.0 };
            }
        }
        let found = range.zip(squares.into_iter().zip(known));
        found
            .filter(move |(_, (_, k))| needed > 0.0 && 2.0 * *k >= needed)
            .map(|(j, (s, k))| (j, s / k.max(1.0)))
    }
}

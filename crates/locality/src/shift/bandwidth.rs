//! A bandwidth from the data: the mean distance to a quantile of the nearest samples.

use super::paths::squared_distance;
use crate::isa::{Isa, Task, dispatch};
use crate::named::Named;
use crate::par::map_blocks;
use crate::random::Random;
use crate::{Error, Float, Metric, Nearest, Result, Rows, Watch};

/// Samples of a block; results do not depend on it.
const BLOCK: usize = 16;

/// The mean, over the samples, of the distance to the `int(quantile * n)`-th nearest sample (at least the first), where each
/// sample is its own nearest: scikit-learn's rule of the same name. In quadratic time; `n_samples` takes a random part of
/// the samples, the same part as scikit-learn's for the same `random_state`.
///
/// May return 0, where most samples coincide.
///
/// ```
/// use locality::{Rows, Watch, shift::estimate_bandwidth};
/// let x = [1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 4.0, 7.0, 3.0, 5.0, 3.0, 6.0];
/// let h = estimate_bandwidth(Rows::new(&x, 6, 2)?, 0.5, None, 0, &Watch::default())?;
/// assert!((h - 1.619_129_440_353).abs() < 1e-11);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// No samples, NaN or infinite numbers, a quantile outside `[0, 1]`, `n_samples` of 0, an interruption.
pub fn estimate_bandwidth<T: Float>(
    samples: Rows<'_, T>,
    quantile: f64,
    n_samples: Option<usize>,
    random_state: u32,
    watch: &Watch<'_>,
) -> Result<f64> {
    samples.require_finite("samples")?;
    if !(0.0..=1.0).contains(&quantile) {
        return Err(Error::parameter(format!(
            "quantile={quantile} must be between 0 and 1"
        )));
    }
    let part: Vec<usize> = match n_samples {
        None => (0..samples.rows()).collect(),
        Some(0) => {
            return Err(Error::parameter(
                "n_samples=0 leaves no sample; it must be at least 1",
            ));
        }
        Some(m) => {
            let mut all = Twister::new(random_state).permutation(samples.rows());
            all.truncate(m);
            all
        }
    };
    let (n, d) = (part.len(), samples.columns());
    let unit = unit(samples);
    let mut columns = Vec::with_capacity(n * d);
    for c in 0..d {
        columns.extend(part.iter().map(|&i| samples.row(i)[c]));
    }
    divide(&mut columns, unit);
    let rank = ((n as f64 * quantile) as usize).max(1);
    let distances = map_blocks(watch, n, BLOCK, |range| {
        Ok(dispatch(Distances {
            columns: &columns,
            n,
            range,
            rank,
        }))
    })?;
    Ok(distances.iter().flatten().sum::<f64>() / n as f64 * unit)
}

/// What samples are divided by before their differences are squared: 1, or a power of two near the largest of them where squares would
/// leave the number type, which changes no digit.
fn unit<T: Float>(samples: Rows<'_, T>) -> f64 {
    let size = |row: &[T]| row.iter().fold(0.0, |a: f64, x| a.max(x.to_f64().abs()));
    let largest = samples.iter().map(size).fold(0.0, f64::max);
    let epsilon = T::EPSILON.to_f64();
    let least = T::MIN_POSITIVE.to_f64().sqrt() / epsilon;
    let most = T::MAX.to_f64().sqrt() * epsilon;
    if largest == 0.0 || (least..=most).contains(&largest) {
        1.0
    } else {
        largest.log2().floor().exp2()
    }
}

fn divide<T: Float>(numbers: &mut [T], unit: f64) {
    if unit != 1.0 {
        for x in numbers {
            *x = T::from_f64(x.to_f64() / unit);
        }
    }
}

/// [`estimate_bandwidth`] of all samples where one of weight 2 counts as two at the same place; without weights the same.
pub(super) fn estimate_weighted<T: Float>(
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    quantile: f64,
    watch: &Watch<'_>,
) -> Result<f64> {
    let Some(weights) = weights else {
        return estimate_bandwidth(samples, quantile, None, 0, watch);
    };
    super::sites::check_weights(weights, samples.rows())?;
    let unit = unit(samples);
    let mut own = samples.to_vec();
    divide(&mut own, unit);
    let samples = Rows::new(&own, samples.rows(), samples.columns())?;
    let weights: Vec<f64> = weights.iter().map(|w| w.to_f64()).collect();
    let total: f64 = weights.iter().sum();
    // Weights that are whole numbers sum to one, and their share of it is rounded down as a number of samples is.
    let rank = (total * quantile).floor().max(1.0).min(total);
    let sums = map_blocks(watch, samples.rows(), BLOCK, |range| {
        let mut sum = 0.0;
        let mut near: Vec<(f64, f64)> = Vec::with_capacity(weights.len());
        for i in range.filter(|&i| weights[i] > 0.0) {
            near.clear();
            let own = samples.row(i);
            let others = samples.iter().zip(&weights).filter(|(_, w)| **w > 0.0);
            near.extend(others.map(|(row, w)| (squared_distance(row, own), *w)));
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let mut counted = 0.0;
            let at = near.iter().find(|(_, w)| {
                counted += w;
                counted >= rank
            });
            let farthest = near.last().map_or(0.0, |n| n.0);
            sum += weights[i] * at.map_or(farthest, |n| n.0).sqrt();
        }
        Ok(sum)
    })?;
    Ok(if total > 0.0 {
        sums.iter().sum::<f64>() / total * unit
    } else {
        0.0
    })
}

/// The same under any metric.
pub(super) fn estimate_under<T: Float>(
    metric: &Metric,
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    quantile: f64,
    watch: &Watch<'_>,
) -> Result<f64> {
    if *metric == Metric::Euclidean {
        return estimate_weighted(samples, weights, quantile, watch);
    }
    let kept = super::links::weighty(&super::links::massless(weights, samples.rows()));
    let rows = super::links::gather(samples, &kept);
    let rows = Rows::new(&rows, kept.len(), samples.columns())?;
    let weight = |i: usize| weights.map_or(1.0, |w| w[kept[i] as usize].to_f64());
    let total: f64 = (0..kept.len()).map(weight).sum();
    let rank = (total * quantile).floor().max(1.0).min(total);
    let nearest = Nearest::fit(rows, metric)?;
    // Without weights the rank is a number of samples.
    let looks = weights.map_or(rank as usize, |_| kept.len()).max(1);
    let sums = map_blocks(watch, kept.len(), BLOCK, |range| {
        let found = nearest.k_nearest(rows.slice(range.clone()), looks, &watch.quiet())?;
        let lists = found.indices.chunks_exact(looks);
        let each = range.zip(lists.zip(found.distances.chunks_exact(looks)));
        let one = |(i, (list, distances)): (usize, (&[usize], &[T]))| {
            let mut counted = 0.0;
            let at = list.iter().position(|&j| {
                counted += weight(j);
                counted >= rank
            });
            weight(i) * distances[at.unwrap_or(looks - 1)].to_f64()
        };
        Ok(each.map(one).sum::<f64>())
    })?;
    Ok(sums.iter().sum::<f64>() / total)
}

/// The distance of each of some samples to its `k`-th nearest other, under a metric.
pub(super) fn reaches<T: Float>(
    metric: &Metric,
    samples: Rows<'_, T>,
    queries: &[u32],
    k: usize,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let rows = super::links::gather(samples, queries);
    let rows = Rows::new(&rows, queries.len(), samples.columns())?;
    let nearest = Nearest::fit(samples, metric).named("samples")?;
    // Each is the nearest of itself.
    let found = nearest.k_nearest(rows, k + 1, watch).named("samples")?;
    let last = found.distances.chunks_exact(k + 1);
    Ok(last.map(|d| d[k].to_f64()).collect())
}

/// Samples at different places, one of each.
pub(super) fn apart<T: Float>(samples: Rows<'_, T>) -> Vec<T> {
    super::links::gather(samples, &super::graph::places(samples).1)
}

/// The middle of some numbers; 0 of none.
pub(super) fn median(mut x: Vec<f64>) -> f64 {
    x.sort_unstable_by(f64::total_cmp);
    match x.len() {
        0 => 0.0,
        n => f64::midpoint(x[(n - 1) / 2], x[n / 2]),
    }
}

/// The mean, over at most `n_queries` random samples, of the distance to the `k`-th nearest other sample: a bandwidth whose cost
/// does not grow with the square of `n`, and which another part of the samples hardly changes.
///
/// May return 0, where most samples coincide; 0 for a single sample.
///
/// ```
/// use locality::{Rows, Watch, shift::neighbor_bandwidth};
/// let x = [0.0, 1.0, 2.0, 3.0];
/// let h: f64 = neighbor_bandwidth(Rows::column(&x), 2, 1000, 0, &Watch::default())?;
/// assert_eq!(h, (2.0 + 1.0 + 1.0 + 2.0) / 4.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// No samples, NaN or infinite numbers, `k` of 0 or of `n` and more, `n_queries` of 0, an interruption.
pub fn neighbor_bandwidth<T: Float>(
    samples: Rows<'_, T>,
    k: usize,
    n_queries: usize,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<f64> {
    samples.require_finite("samples")?;
    let n = samples.rows();
    if n == 1 {
        return Ok(0.0);
    }
    if k == 0 || k >= n {
        return Err(Error::parameter(format!(
            "k={k} must be from 1 to {}, the number of other samples",
            n - 1
        )));
    }
    if n_queries == 0 {
        return Err(Error::parameter(
            "n_queries=0 leaves no sample to measure at; it must be at least 1",
        ));
    }
    let queries = draw(n, n_queries, seed);
    let reaches = reaches(&Metric::Euclidean, samples, &queries, k, watch)?;
    Ok(reaches.iter().sum::<f64>() / reaches.len() as f64)
}

/// `m` different numbers below `n`, ascending; all of them where there are no more.
pub(super) fn draw(n: usize, m: usize, seed: u64) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n as u32).collect();
    if m >= n {
        return all;
    }
    let mut random = Random::new(seed, 0);
    for i in 0..m {
        let j = i + random.below(n - i);
        all.swap(i, j);
    }
    all.truncate(m);
    all.sort_unstable();
    all
}

/// The distance of each of some samples to its sample of a rank.
struct Distances<'a, T> {
    columns: &'a [T],
    n: usize,
    range: std::ops::Range<usize>,
    rank: usize,
}

impl<T: Float> Task for Distances<'_, T> {
    type Out = Vec<f64>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<f64> {
        let mut squared = vec![T::ZERO; self.n];
        let mut bits: Vec<u64> = Vec::with_capacity(self.n);
        let mut out = Vec::with_capacity(self.range.len());
        for i in self.range {
            squared.fill(T::ZERO);
            for column in self.columns.chunks_exact(self.n) {
                let q = column[i];
                for (s, x) in squared.iter_mut().zip(column) {
                    let d = q - *x;
                    *s = isa.fma(d, d, *s);
                }
            }
            // Numbers that are not negative are ordered as their bits are, which sort faster.
            bits.clear();
            bits.extend(squared.iter().map(|s| s.to_f64().to_bits()));
            let (_, ranked, _) = bits.select_nth_unstable(self.rank - 1);
            out.push(f64::from_bits(*ranked).sqrt());
        }
        out
    }
}

/// The Mersenne twister (Matsumoto and Nishimura 1998), 32 bits, seeded and used as NumPy's `RandomState` does, so that the
/// same seed draws the same samples.
struct Twister {
    state: [u32; 624],
    at: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for i in 1..624 {
            let before = state[i - 1];
            state[i] = (before ^ (before >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i as u32);
        }
        Self { state, at: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.at == 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A whole number in `0..=max`, by rejection.
    fn up_to(&mut self, max: usize) -> usize {
        let mask = (max + 1).next_power_of_two() - 1;
        loop {
            let value = if let Ok(mask) = u32::try_from(mask) {
                (self.next() & mask) as usize
            } else {
                let high = u64::from(self.next()) << 32;
                (high | u64::from(self.next())) as usize & mask
            };
            if value <= max {
                return value;
            }
        }
    }

    fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            let j = self.up_to(i);
            order.swap(i, j);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_do_not_see_the_unit() {
        let x = [1.0, 1.0, 2.0, 1.0, 1.0, 0.0, 4.0, 7.0, 3.0, 5.0, 3.0, 6.0];
        let weights = [1.0, 2.0, 1.0, 1.0, 0.0, 1.0];
        let watch = Watch::default();
        let of = |scale: f64| {
            let x = x.map(|x| x * scale);
            let rows = Rows::new(&x, 6, 2).unwrap();
            let plain = estimate_bandwidth(rows, 0.5, None, 0, &watch).unwrap();
            let weighted = estimate_weighted(rows, Some(&weights), 0.5, &watch).unwrap();
            [plain, weighted]
        };
        let single = |scale: f32| {
            let x = x.map(|x| x as f32 * scale);
            let rows = Rows::new(&x, 6, 2).unwrap();
            estimate_bandwidth(rows, 0.5, None, 0, &watch).unwrap()
        };
        let one = of(1.0);
        for power in [-1000, -600, 600, 1000] {
            let scale = f64::from(power).exp2();
            assert_eq!(of(scale), one.map(|h| h * scale), "2^{power}");
        }
        for power in [-100.0_f32, 100.0] {
            let scale = power.exp2();
            assert_eq!(single(scale), single(1.0) * f64::from(scale), "2^{power}");
        }
    }

    #[test]
    fn permutations_are_numpys() {
        let p = |seed, n| Twister::new(seed).permutation(n);
        assert_eq!(p(0, 10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
        assert_eq!(p(5, 7), [6, 2, 4, 1, 0, 5, 3]);
        assert_eq!(p(123, 1000)[..8], [131, 203, 50, 585, 138, 632, 328, 461]);
    }
}

//! The density whose Gaussian about each row has the shape of the rows nearby.
//!
//! The Gaussian about a row has the mean and covariance of the row, or, with a share `a = h^2 / (1 + h^2)`, of one of those nearby, by chances that
//! are symmetric ([`Exchange`]): rows change places, so that mean and covariance of the whole are the table's to rounding (manifold Parzen windows:
//! Vincent and Bengio, NIPS 15, 2003; keeping the table's covariance: Silverman, *Density Estimation*, 1986, section 6.4.1, here in every
//! neighbourhood).

use super::exchange::Exchange;
use super::law::LEFT_OUT;
use super::whitened::Whitened;
use crate::par::map_blocks;
use crate::random::Random;
use crate::symmetric::{dot, eigen};
use crate::{Metric, Nearest, Result, Rows, Watch};

/// Queries that share what is read of the Gaussians.
const BLOCK: usize = 32;
/// Gaussians whose setting up is one piece of work.
const SETUP: usize = 64;
/// Directions shorter than this share of a Gaussian's longest are rounding.
const FLAT: f64 = 1e-13;
/// Weights below `exp` of minus this, beside the largest, are below rounding, however many there are.
const FAINT: f64 = 60.0;

/// One Gaussian in so many may be narrower than usual ones.
const USUAL: usize = 10;

/// Gaussians in whitened coordinates, all of the same weight.
#[derive(Debug)]
pub(super) struct LocalLaw {
    rank: usize,
    /// `[n, rank]`.
    centers: Vec<f64>,
    /// Where the axes of each begin, `[n + 1]`.
    starts: Vec<usize>,
    /// Variances along the axes, the largest first.
    variances: Vec<f64>,
    /// Unit vectors, one a row.
    axes: Vec<f64>,
}

/// One Gaussian.
#[derive(Clone, Copy)]
struct Part<'a> {
    center: &'a [f64],
    variances: &'a [f64],
    axes: &'a [f64],
}

impl LocalLaw {
    /// Of `k` nearest rows beside the row itself, with noise of `h` of their standard deviations.
    pub(super) fn new(table: &Whitened, k: usize, h: f64, watch: &Watch<'_>) -> Result<Self> {
        let rank = table.rank;
        let n = table.rows.len() / rank;
        let count = k.saturating_add(1).min(n);
        let d = table.scaled.len() / n;
        let scaled = Rows::new(&table.scaled, n, d)?;
        let near = Nearest::fit(scaled, &Metric::Euclidean)?;
        let near = near.k_nearest(scaled, count, &watch.quiet())?;
        let share = h / h.hypot(1.0);
        let exchange = Exchange::new(&near.indices, &near.distances, count, share * share);
        let rows = &table.rows;
        let gaussian = |i: usize| -> (Vec<f64>, Vec<f64>) {
            let own = &rows[i * rank..][..rank];
            let (mut center, mut rest) = (own.to_vec(), 1.0);
            for &(j, chance) in exchange.of(i) {
                for ((c, y), x) in center.iter_mut().zip(&rows[j * rank..]).zip(own) {
                    *c += chance * (y - x);
                }
                rest -= chance;
            }
            // Its covariance is the sum of these rows' outer products.
            let mut offs = Vec::with_capacity((exchange.of(i).len() + 1) * rank);
            for &(j, chance) in exchange.of(i).iter().chain([&(i, rest)]) {
                let row = rows[j * rank..].iter().zip(&center);
                offs.extend(row.map(|(y, c)| chance.sqrt() * (y - c)));
            }
            (center, offs)
        };
        let parts = map_blocks(&watch.quiet(), n, SETUP, |block| {
            Ok(block
                .map(|i| {
                    let (center, offs) = gaussian(i);
                    let (variances, axes) = axes(&offs, rank);
                    (center, variances, axes)
                })
                .collect::<Vec<_>>())
        })?;
        let mut law = Self {
            rank,
            centers: Vec::with_capacity(n * rank),
            starts: vec![0],
            variances: Vec::new(),
            axes: Vec::new(),
        };
        for (center, variances, axes) in parts.into_iter().flatten() {
            law.centers.extend(center);
            law.variances.extend(variances);
            law.axes.extend(axes);
            law.starts.push(law.variances.len());
        }
        Ok(law)
    }

    fn part(&self, i: usize) -> Part<'_> {
        let (r, range) = (self.rank, self.starts[i]..self.starts[i + 1]);
        Part {
            center: &self.centers[i * r..][..r],
            axes: &self.axes[range.start * r..range.end * r],
            variances: &self.variances[range],
        }
    }

    /// Gaussians without any width.
    pub(super) fn atoms(&self) -> Vec<usize> {
        let all = 0..self.starts.len() - 1;
        all.filter(|i| self.part(*i).variances.is_empty()).collect()
    }

    pub(super) fn center(&self, i: usize) -> &[f64] {
        self.part(i).center
    }

    /// How wide most Gaussians are at least, along their longest axes; those of rows that are all the same do not count.
    pub(super) fn usual_width(&self) -> Option<f64> {
        let widest = (0..self.starts.len() - 1).filter_map(|i| self.part(i).variances.first());
        let mut widest: Vec<f64> = widest.copied().filter(|v| *v > 0.0).collect();
        if widest.is_empty() {
            return None;
        }
        let place = widest.len() / USUAL;
        let (_, found, _) = widest.select_nth_unstable_by(place, f64::total_cmp);
        Some(found.sqrt())
    }

    /// Draws a point.
    pub(super) fn draw(&self, random: &mut Random, out: &mut [f64]) {
        let part = self.part(random.below(self.starts.len() - 1));
        out.copy_from_slice(part.center);
        for (v, axis) in part.variances.iter().zip(part.axes.chunks_exact(self.rank)) {
            let along = v.sqrt() * random.normal();
            out.iter_mut().zip(axis).for_each(|(x, u)| *x += along * u);
        }
    }

    /// What is expected of a point of the law behind each noisy one `[m, rank]`. Gaussians are left out where their weights are
    /// together below `tolerance` of the sum, or below rounding; of those beyond the `nearest`, by their centres, where below `LEFT_OUT`.
    pub(super) fn denoise(
        &self,
        noisy: &[f64],
        sigma: f64,
        (tolerance, nearest): (f64, Option<usize>),
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let (r, n) = (self.rank, self.starts.len() - 1);
        let noise = sigma * sigma;
        // The logarithm of the height of each, and how fast it falls at least.
        let shapes: Vec<(f64, f64)> = (0..n)
            .map(|i| {
                let variances = self.part(i).variances;
                let along: f64 = variances.iter().map(|v| (v + noise).ln()).sum();
                let across = (r - variances.len()) as f64 * noise.ln();
                let widest = variances.first().map_or(0.0, |v| *v) + noise;
                (-0.5 * (along + across), 0.5 / widest)
            })
            .collect();
        let faint = if tolerance > 0.0 {
            (n as f64 / tolerance).ln().min(FAINT)
        } else {
            FAINT
        };
        let m = noisy.len() / r;
        let blocks = map_blocks(watch, m, BLOCK, |block| {
            let queries = &noisy[block.start * r..block.end * r];
            Ok(self.block(queries, noise, &shapes, (faint, nearest)))
        })?;
        Ok(blocks.concat())
    }

    fn block(
        &self,
        queries: &[f64],
        noise: f64,
        shapes: &[(f64, f64)],
        (faint, nearest): (f64, Option<usize>),
    ) -> Vec<f64> {
        let (r, n) = (self.rank, shapes.len());
        let count = queries.len() / r;
        let mut squares = vec![0.0; count * n];
        // From which one on, by distance, Gaussians lie beyond the nearest.
        let mut beyond = vec![(f64::INFINITY, n); count];
        let rest = match nearest {
            Some(k) if k < n => faint.min(((n - k) as f64 / LEFT_OUT).ln()),
            _ => faint,
        };
        let mut sums = Vec::with_capacity(count);
        let mut off = vec![0.0; r];
        let mut along = Vec::new();
        let pairs = squares.chunks_exact_mut(n).zip(&mut beyond);
        for (y, (squares, beyond)) in queries.chunks_exact(r).zip(pairs) {
            for (s, c) in squares.iter_mut().zip(self.centers.chunks_exact(r)) {
                *s = square(y, c);
            }
            if let Some(k) = nearest.filter(|k| *k < n) {
                let mut order: Vec<usize> = (0..n).collect();
                let by = |a: &usize, b: &usize| squares[*a].total_cmp(&squares[*b]).then(a.cmp(b));
                let (_, first, _) = order.select_nth_unstable_by(k, by);
                *beyond = (squares[*first], *first);
            }
            // The one that may count most, to compare others with.
            let bounds = squares
                .iter()
                .zip(shapes)
                .map(|(s, (top, fall))| top - fall * s);
            let best = bounds
                .enumerate()
                .max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)));
            let best = best.map_or(0, |(i, _)| i);
            let top = shapes[best].0;
            let log = self
                .part(best)
                .log(y, squares[best], noise, top, &mut off, &mut along);
            sums.push(Posterior::new(log, r));
        }
        // Gaussian by Gaussian, so that each is read once for all queries.
        for (i, (top, fall)) in shapes.iter().enumerate() {
            let part = self.part(i);
            for (q, (y, sum)) in queries.chunks_exact(r).zip(&mut sums).enumerate() {
                let square = squares[q * n + i];
                let faint = if (square, i) < beyond[q] { faint } else { rest };
                if top - fall * square < sum.most - faint {
                    continue;
                }
                let log = part.log(y, square, noise, *top, &mut off, &mut along);
                if log >= sum.most - faint {
                    sum.add(log, &part, noise, &along);
                }
            }
        }
        sums.into_iter().flat_map(Posterior::mean).collect()
    }
}

impl Part<'_> {
    /// The logarithm of its density with noise at `y`, but for a constant; leaves how far `y` is along each axis.
    fn log(
        &self,
        y: &[f64],
        square: f64,
        noise: f64,
        top: f64,
        off: &mut [f64],
        along: &mut Vec<f64>,
    ) -> f64 {
        for ((o, y), c) in off.iter_mut().zip(y).zip(self.center) {
            *o = y - c;
        }
        along.clear();
        let (mut within, mut weighted) = (0.0, 0.0);
        for (v, axis) in self.variances.iter().zip(self.axes.chunks_exact(off.len())) {
            let t = dot(off, axis);
            within += t * t;
            weighted += t * t / (v + noise);
            along.push(t);
        }
        let across = if self.variances.len() < off.len() {
            (square - within).max(0.0) / noise
        } else {
            0.0
        };
        top - 0.5 * (weighted + across)
    }
}

/// The posterior at one query, so far.
struct Posterior {
    most: f64,
    total: f64,
    sum: Vec<f64>,
}

impl Posterior {
    /// Nothing yet, relative to a weight that will come.
    fn new(most: f64, rank: usize) -> Self {
        Self {
            most,
            total: 0.0,
            sum: vec![0.0; rank],
        }
    }

    fn add(&mut self, log: f64, part: &Part<'_>, noise: f64, along: &[f64]) {
        if log > self.most {
            let shrink = (self.most - log).exp();
            self.total *= shrink;
            self.sum.iter_mut().for_each(|s| *s *= shrink);
            self.most = log;
        }
        let w = (log - self.most).exp();
        self.total += w;
        for (s, c) in self.sum.iter_mut().zip(part.center) {
            *s += w * c;
        }
        let axes = part.axes.chunks_exact(self.sum.len());
        for ((v, t), axis) in part.variances.iter().zip(along).zip(axes) {
            let by = w * t * v / (v + noise);
            for (s, u) in self.sum.iter_mut().zip(axis) {
                *s += by * u;
            }
        }
    }

    fn mean(self) -> impl Iterator<Item = f64> {
        let total = self.total;
        self.sum.into_iter().map(move |s| s / total)
    }
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x, y) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = x.remainder().iter().zip(y.remainder());
    let rest: f64 = rest.map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in x.zip(y) {
        for k in 0..8 {
            sums[k] += (x[k] - y[k]) * (x[k] - y[k]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Variances and axes of the sum of the outer products of rows `[count, rank]`.
fn axes(rows: &[f64], rank: usize) -> (Vec<f64>, Vec<f64>) {
    let count = rows.len() / rank;
    let (values, mut vectors);
    if rank <= count {
        let mut products = vec![0.0; rank * rank];
        for row in rows.chunks_exact(rank) {
            for (a, x) in row.iter().enumerate() {
                for (p, y) in products[a * rank..].iter_mut().zip(row) {
                    *p += x * y;
                }
            }
        }
        (values, vectors) = eigen(products, rank);
    } else {
        // There are fewer rows than columns: by their inner products.
        let row = |i: usize| &rows[i * rank..][..rank];
        let pairs = (0..count * count).map(|e| dot(row(e / count), row(e % count)));
        let (found, small) = eigen(pairs.collect(), count);
        vectors = vec![0.0; count * rank];
        for (axis, mix) in vectors
            .chunks_exact_mut(rank)
            .zip(small.chunks_exact(count))
        {
            for (i, m) in mix.iter().enumerate() {
                axis.iter_mut().zip(row(i)).for_each(|(u, x)| *u += m * x);
            }
            let length = dot(axis, axis).sqrt();
            for u in axis.iter_mut() {
                *u /= length;
            }
        }
        values = found;
    }
    let least = FLAT * values.first().map_or(0.0, |v| v.max(0.0));
    let kept = values.iter().take_while(|v| **v > least).count();
    vectors.truncate(kept * rank);
    (values[..kept].to_vec(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A noisy curve in five columns, one of which follows from two others.
    fn table(n: usize) -> Vec<f64> {
        let noise = locality_testing::normal(5, n, 4);
        let rows = noise.chunks_exact(4).flat_map(|r| {
            let t = 2.0 * r[0];
            let (x, y) = (t.sin() + 0.05 * r[1], t.cos() + 0.05 * r[2]);
            [x, 100.0 * y, x + y, 0.3 * r[3] + t, t]
        });
        rows.collect()
    }

    #[test]
    fn moments_are_the_tables() {
        for (k, h) in [(1, 0.7), (3, 1.0), (12, 1.0), (12, 0.2), (200, 5.0)] {
            let data = table(60);
            let white = Whitened::of(Rows::new(&data, 60, 5).unwrap());
            assert_eq!(white.rank, 4);
            let law = LocalLaw::new(&white, k, h, &Watch::default()).unwrap();
            let (mut mean, mut covariance) = (vec![0.0; 4], vec![0.0; 16]);
            for i in 0..60 {
                let part = law.part(i);
                for a in 0..4 {
                    mean[a] += part.center[a] / 60.0;
                    for b in 0..4 {
                        covariance[a * 4 + b] += part.center[a] * part.center[b] / 60.0;
                        for (v, u) in part.variances.iter().zip(part.axes.chunks_exact(4)) {
                            covariance[a * 4 + b] += v * u[a] * u[b] / 60.0;
                        }
                    }
                }
            }
            for a in 0..4 {
                assert!(mean[a].abs() < 1e-12);
                for b in 0..4 {
                    let expected = f64::from(u8::from(a == b));
                    assert!((covariance[a * 4 + b] - expected).abs() < 1e-10, "{k} {h}");
                }
            }
        }
    }

    /// Against dense inverses, by elimination.
    #[test]
    fn denoised_is_the_posterior_mean_of_dense_matrices() {
        let mut data = table(40);
        // Some rows are the same, and have no axes.
        for i in 1..5 {
            data.copy_within(..5, 5 * i);
        }
        let white = Whitened::of(Rows::new(&data, 40, 5).unwrap());
        let queries: Vec<f64> = locality_testing::normal(2, 40, 4);
        for (k, sigma) in [(2, 0.5), (2, 0.01), (9, 0.3), (9, 3.0)] {
            let law = LocalLaw::new(&white, k, 1.0, &Watch::default()).unwrap();
            let found = law.denoise(&queries, sigma, (0.0, None), &Watch::default());
            let found = found.unwrap();
            for (y, found) in queries.chunks_exact(4).zip(found.chunks_exact(4)) {
                let mut logs = Vec::new();
                let mut means = Vec::new();
                for i in 0..40 {
                    let part = law.part(i);
                    let mut s = [[0.0; 4]; 4];
                    for (v, u) in part.variances.iter().zip(part.axes.chunks_exact(4)) {
                        for a in 0..4 {
                            for b in 0..4 {
                                s[a][b] += v * u[a] * u[b];
                            }
                        }
                    }
                    let off: Vec<f64> = y.iter().zip(part.center).map(|(y, c)| y - c).collect();
                    let mut m = [[0.0; 5]; 4];
                    for a in 0..4 {
                        m[a][..4].copy_from_slice(&s[a]);
                        m[a][a] += sigma * sigma;
                        m[a][4] = off[a];
                    }
                    let mut determinant = 1.0;
                    for p in 0..4 {
                        determinant *= m[p][p];
                        for a in 0..4 {
                            let f = m[a][p] / m[p][p];
                            if a != p {
                                let pivot = m[p];
                                m[a].iter_mut().zip(pivot).for_each(|(x, y)| *x -= f * y);
                            }
                        }
                    }
                    let solved: Vec<f64> = (0..4).map(|a| m[a][4] / m[a][a]).collect();
                    let z: f64 = off.iter().zip(&solved).map(|(a, b)| a * b).sum();
                    logs.push(-0.5 * (z + f64::ln(determinant)));
                    means.push([0, 1, 2, 3].map(|a| {
                        part.center[a] + (0..4).map(|b| s[a][b] * solved[b]).sum::<f64>()
                    }));
                }
                let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logs.iter().map(|l| (l - most).exp()).sum();
                for a in 0..4 {
                    let sum: f64 = logs
                        .iter()
                        .zip(&means)
                        .map(|(l, m)| (l - most).exp() * m[a])
                        .sum();
                    assert!((found[a] - sum / total).abs() < 1e-8, "{k} {sigma}");
                }
            }
        }
    }
}

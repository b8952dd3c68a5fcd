//! Second moments of the posterior, summed about its mean.

use super::optimal::OptimalDenoiserFit;
use crate::par::map_blocks;
use crate::symmetric::dot;
use crate::{Error, Float, Result, Rows, Watch};

/// Queries of a block.
const BLOCK: usize = 16;

/// The clean samples column by column, and who may count.
struct Posterior<'a, T> {
    fit: &'a OptimalDenoiserFit<T>,
    /// `[d, n]`, as they were given.
    columns: Vec<f64>,
    /// Logarithms of the weights, `[n]`.
    logs: Vec<f64>,
}

impl<T: Float> OptimalDenoiserFit<T> {
    /// Posterior covariances of pairs of columns, `[m, pairs]`. Differences are taken between the numbers as they were given, in double
    /// precision, and products about each query's own mean: far clusters cost no digits.
    pub(super) fn moments(
        &self,
        noisy: Rows<'_, T>,
        pairs: &[(usize, usize)],
        watch: &Watch<'_>,
    ) -> Result<Vec<T>> {
        self.check(noisy)?;
        let (n, d) = (self.samples.len() / self.columns(), self.columns());
        if self.parameters().is_hollow() && noisy.rows() != n {
            return Err(Error::shape(format!(
                "hollow leaves out clean sample i at noisy value i, so it needs as many of both, but there are {n} and {}",
                noisy.rows()
            )));
        }
        let mut columns = Vec::with_capacity(n * d);
        for a in 0..d {
            let column = self.samples.iter().skip(a).step_by(d);
            columns.extend(column.map(|x| x.to_f64()));
        }
        let log = |w: &T| w.to_f64().ln();
        let posterior = Posterior {
            fit: self,
            columns,
            logs: match &self.weights {
                Some(w) => w.iter().map(log).collect(),
                None => vec![0.0; n],
            },
        };
        let blocks = map_blocks(watch, noisy.rows(), BLOCK, |block| {
            let mut out = Vec::with_capacity(block.len() * pairs.len());
            for q in block {
                posterior.at(q, noisy.row(q), pairs, &mut out);
            }
            Ok(out)
        })?;
        Ok(blocks.concat())
    }
}

impl<T: Float> Posterior<'_, T> {
    fn at(&self, q: usize, y: &[T], pairs: &[(usize, usize)], out: &mut Vec<T>) {
        let (n, d) = (self.logs.len(), y.len());
        let parameters = self.fit.parameters();
        let mut squares = vec![0.0; n];
        for (column, y) in self.columns.chunks_exact(n).zip(y) {
            let y = y.to_f64();
            for (s, x) in squares.iter_mut().zip(column) {
                *s += (x - y) * (x - y);
            }
        }
        let own = |i: &usize| parameters.is_hollow() && *i == q;
        let counts = |i: &usize| !own(i) && self.logs[*i] > f64::NEG_INFINITY;
        let mut some: Vec<usize> = (0..n).filter(counts).collect();
        if let Some(k) = parameters.nearest_count().filter(|k| *k < some.len()) {
            let by = |a: &usize, b: &usize| squares[*a].total_cmp(&squares[*b]).then(a.cmp(b));
            some.select_nth_unstable_by(k, by);
            some.truncate(k);
            some.sort_unstable();
        }
        let factor = 0.5 / parameters.width().powi(2);
        // Relative to the nearest first, where the differences of large squares lose nothing.
        let least = some
            .iter()
            .map(|i| squares[*i])
            .fold(f64::INFINITY, f64::min);
        let log = |i: usize| self.logs[i] - factor * (squares[i] - least);
        let most = some
            .iter()
            .map(|i| log(*i))
            .fold(f64::NEG_INFINITY, f64::max);
        let weighted = some.iter().map(|&i| (i, (log(i) - most).exp()));
        let weighted: Vec<(usize, f64)> = weighted.filter(|(_, w)| *w > 0.0).collect();
        let total: f64 = weighted.iter().map(|(_, w)| w).sum();
        // Their columns about the mean, side by side.
        let mut off = Vec::with_capacity(d * weighted.len());
        for column in self.columns.chunks_exact(n) {
            // About the first of them, so that the mean keeps its digits, too.
            let origin = weighted.first().map_or(0.0, |(i, _)| column[*i]);
            let sum: f64 = weighted
                .iter()
                .map(|(i, w)| w * (column[*i] - origin))
                .sum();
            let mean = sum / total;
            off.extend(weighted.iter().map(|(i, _)| column[*i] - origin - mean));
        }
        let count = weighted.len();
        let mut scaled = vec![0.0; count];
        let (own, share) = (parameters.left_by_smoothing(), parameters.share());
        let mut last = usize::MAX;
        for &(a, b) in pairs {
            if a != last {
                let column = &off[a * count..][..count];
                for ((s, x), (_, w)) in scaled.iter_mut().zip(column).zip(&weighted) {
                    *s = w * x / total;
                }
                last = a;
            }
            let spread = dot(&scaled, &off[b * count..][..count]);
            let alone = if a == b { own } else { 0.0 };
            out.push(T::from_f64(alone + share * share * spread));
        }
    }
}

//! Laws to draw samples from: a Gaussian about each row of a whitened table.

use super::local_law::LocalLaw;
use super::optimal::OptimalDenoiser;
use super::whitened::Whitened;
use crate::random::Random;
use crate::{Metric, Nearest, Result, Rows, Watch};

/// What all rows beyond the nearest may weigh, beside the row that weighs most, to be left out.
pub(super) const LEFT_OUT: f64 = 0.01;

/// A mixture of Gaussians of mean 0 and covariance 1.
#[derive(Debug)]
pub(super) enum Law {
    /// All Gaussians are the same, and round.
    Round {
        centers: Vec<f64>,
        rank: usize,
        deviation: f64,
    },
    /// Each has the shape of the rows nearby.
    Local(LocalLaw, usize),
}

impl Law {
    /// With noise of `h` standard deviations of the rows nearby, or of the table.
    pub(super) fn new(
        table: &Whitened,
        neighbors: Option<usize>,
        h: f64,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let rank = table.rank;
        if let Some(k) = neighbors {
            return Ok(Self::Local(LocalLaw::new(table, k, h, watch)?, rank));
        }
        // Silverman's shrinkage: the covariance stays 1.
        let keep = 1.0 / h.hypot(1.0);
        Ok(Self::Round {
            centers: table.rows.iter().map(|y| keep * y).collect(),
            rank,
            deviation: h * keep,
        })
    }

    pub(super) fn rank(&self) -> usize {
        match self {
            Self::Round { rank, .. } | Self::Local(_, rank) => *rank,
        }
    }

    /// What is expected of points of the law behind noisy ones. Rows beyond the `nearest` are left out where they hardly count: far from
    /// rows they are as likely as those, and what lies farther within would be missed.
    pub(super) fn denoised(
        &self,
        noisy: &[f64],
        sigma: f64,
        (tolerance, nearest): (f64, Option<usize>),
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        match self {
            Self::Local(law, _) => law.denoise(noisy, sigma, (tolerance, nearest), &watch.quiet()),
            Self::Round {
                centers,
                rank,
                deviation,
            } => {
                let centers = Rows::new(centers, centers.len() / rank, *rank)?;
                let denoiser = OptimalDenoiser::new(sigma)
                    .smoothing(*deviation)
                    .tolerance(tolerance);
                let all = denoiser.fit(centers, &watch.quiet())?;
                let queries = Rows::new(noisy, noisy.len() / rank, *rank)?;
                let Some(k) = nearest.filter(|k| *k < centers.rows()) else {
                    return all.denoise(queries, &watch.quiet());
                };
                let some = denoiser.nearest(k).fit(centers, &watch.quiet())?;
                let enough = self.enough((centers, queries), k, sigma, watch)?;
                let mut out = vec![0.0; noisy.len()];
                for (fit, which) in [(all, false), (some, true)] {
                    let chosen: Vec<usize> = (0..queries.rows())
                        .filter(|&i| enough[i] == which)
                        .collect();
                    if chosen.is_empty() {
                        continue;
                    }
                    let rows: Vec<f64> = chosen
                        .iter()
                        .flat_map(|&i| queries.row(i))
                        .copied()
                        .collect();
                    let found =
                        fit.denoise(Rows::new(&rows, chosen.len(), *rank)?, &watch.quiet())?;
                    for (i, found) in chosen.iter().zip(found.chunks_exact(*rank)) {
                        out[i * rank..][..*rank].copy_from_slice(found);
                    }
                }
                Ok(out)
            }
        }
    }

    /// For which queries the `k` nearest centres of round Gaussians are enough.
    fn enough(
        &self,
        (centers, queries): (Rows<'_, f64>, Rows<'_, f64>),
        k: usize,
        sigma: f64,
        watch: &Watch<'_>,
    ) -> Result<Vec<bool>> {
        let near = Nearest::fit(centers, &Metric::Euclidean)?;
        let near = near.k_nearest(queries, k, &watch.quiet())?;
        let rest = ((centers.rows() - k) as f64 / LEFT_OUT).ln();
        let least = rest * 2.0 * self.least_variance(sigma);
        let lists = near.distances.chunks_exact(k);
        let far = lists.map(|list| list[k - 1].powi(2) - list[0].powi(2) >= least);
        Ok(far.collect())
    }

    /// The variance of the narrowest Gaussians with noise.
    pub(super) fn least_variance(&self, sigma: f64) -> f64 {
        match self {
            Self::Round { deviation, .. } => sigma * sigma + deviation * deviation,
            Self::Local(..) => sigma * sigma,
        }
    }

    /// Rows that have nothing around them but copies.
    pub(super) fn atoms(&self) -> Vec<usize> {
        match self {
            Self::Round { .. } => Vec::new(),
            Self::Local(law, _) => law.atoms(),
        }
    }

    /// Where the Gaussian of a row is.
    pub(super) fn center(&self, i: usize) -> &[f64] {
        match self {
            Self::Round { centers, rank, .. } => &centers[i * rank..][..*rank],
            Self::Local(law, _) => law.center(i),
        }
    }

    /// How wide most of its Gaussians are at least.
    pub(super) fn usual_width(&self) -> Option<f64> {
        match self {
            Self::Round { deviation, .. } => Some(*deviation).filter(|d| *d > 0.0),
            Self::Local(law, _) => law.usual_width(),
        }
    }

    /// Points of the law, each from a stream of its own.
    pub(super) fn draws(&self, seed: u64, count: usize) -> Vec<f64> {
        let mut x = vec![0.0; count * self.rank()];
        for (i, out) in x.chunks_exact_mut(self.rank()).enumerate() {
            let mut random = Random::new(seed, i as u64);
            match self {
                Self::Local(law, _) => law.draw(&mut random, out),
                Self::Round {
                    centers,
                    rank,
                    deviation,
                } => {
                    let row = random.below(centers.len() / rank);
                    for (x, c) in out.iter_mut().zip(&centers[row * rank..]) {
                        *x = c + deviation * random.normal();
                    }
                }
            }
        }
        x
    }
}

//! Laws to draw samples from: a Gaussian about each row of a whitened table.

use super::local_law::LocalLaw;
use super::optimal::OptimalDenoiser;
use super::whitened::Whitened;
use crate::random::Random;
use crate::{Result, Rows, Watch};

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

    /// What is expected of points of the law behind noisy ones.
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
                let denoiser = OptimalDenoiser::new(sigma)
                    .smoothing(*deviation)
                    .tolerance(tolerance)
                    .nearest(nearest);
                let centers = Rows::new(centers, centers.len() / rank, *rank)?;
                let fit = denoiser.fit(centers, &watch.quiet())?;
                let noisy = Rows::new(noisy, noisy.len() / rank, *rank)?;
                fit.denoise(noisy, &watch.quiet())
            }
        }
    }

    /// The variance of the narrowest Gaussians with noise.
    pub(super) fn least_variance(&self, sigma: f64) -> f64 {
        match self {
            Self::Round { deviation, .. } => sigma * sigma + deviation * deviation,
            Self::Local(..) => sigma * sigma,
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

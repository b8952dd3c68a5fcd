//! Manifold blurring: mean shift without its part along the samples' own surface.

use crate::pca::{Components, LocalPca};
use crate::{Error, Kernel, LocalMean, Neighborhood, OnEmpty, Result, Rows, Watch};

/// Manifold blurring mean shift: takes noise off samples that lie near a curve or surface of few dimensions.
///
/// In each round every sample moves to the local mean of the samples around it, as in blurring mean shift, but for the part of the move that
/// lies along the plane of the principal components of its nearest samples; so that the surface neither shrinks nor breaks into clusters. Few
/// rounds are enough, and more begin to straighten what is bent. Without a kernel, samples move straight onto that plane (local tangent
/// projection, the paper's limit of wide kernels).
///
/// Source: W. Wang, M. Carreira-Perpinan, *Manifold blurring mean shift algorithms for manifold denoising*, CVPR (2010).
///
/// ```
/// use locality::{Kernel, Rows, Watch, shift::ManifoldBlurring};
/// // A line with samples off it to both sides.
/// let x: Vec<f64> = (0..60).flat_map(|i| [f64::from(i), if i % 2 == 0 { 0.5 } else { -0.5 }]).collect();
/// let found = ManifoldBlurring::new(1).n_neighbors(12).kernel("gaussian(h=3)".parse::<Kernel>()?)
///     .denoise(Rows::new(&x, 60, 2)?, &Watch::default())?;
/// let off = |x: &[f64]| x.chunks(2).map(|p| p[1].abs()).sum::<f64>() / 60.0;
/// assert!(off(&x) == 0.5 && off(&found.points().to_vec()) < 0.05);
/// // Along the line nothing moved, at its ends neither.
/// assert!(found.points().row(0)[0].abs() < 0.3);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ManifoldBlurring {
    dimension: usize,
    neighbors: usize,
    kernel: Option<Kernel>,
    everywhere: bool,
    rounds: usize,
    tol: f64,
}

impl ManifoldBlurring {
    /// For samples near a surface of so many dimensions; the ten nearest, no kernel, three rounds.
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            neighbors: 10,
            kernel: None,
            everywhere: false,
            rounds: 3,
            tol: 0.0,
        }
    }

    /// Number of nearest samples, itself counted, of which the plane is the principal components', and between which samples move (10).
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.neighbors = n_neighbors;
        self
    }

    /// How much the nearest count for the mean that a sample moves to: any kernel with a bandwidth. None by default: all alike.
    #[must_use]
    pub fn kernel(mut self, kernel: impl Into<Option<Kernel>>) -> Self {
        self.kernel = kernel.into();
        self
    }

    /// Whether the mean is over all samples that the kernel reaches (the paper's full graph) instead of over the nearest only.
    #[must_use]
    pub fn all_samples(mut self, all: bool) -> Self {
        self.everywhere = all;
        self
    }

    /// Number of rounds (3).
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.rounds = max_iter;
        self
    }

    /// The rounds end once the root of the mean squared move is at most this (0: never).
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    fn check(&self, samples: Rows<'_, f64>) -> Result<()> {
        samples.require_finite("X")?;
        let (n, d, l, k) = (
            samples.rows(),
            samples.columns(),
            self.dimension,
            self.neighbors,
        );
        if l >= d {
            return Err(Error::parameter(format!(
                "n_components={l} must be less than the number of columns of X, {d}: samples that fill their space have no noise to take off"
            )));
        }
        if k <= l || k > n {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be more than n_components = {l} and at most n_samples = {n}; the sample itself counts"
            )));
        }
        if self.everywhere && self.kernel.is_none() {
            return Err(Error::parameter(
                "without a kernel the mean over all samples is one point; give a kernel, or keep to the nearest",
            ));
        }
        if !(self.tol.is_finite() && self.tol >= 0.0) {
            return Err(Error::parameter(format!(
                "tol={} must be a finite number of at least 0",
                self.tol
            )));
        }
        Ok(())
    }

    /// Takes noise off samples `[n, d]`.
    ///
    /// # Errors
    /// Parameters out of their range for these samples, numbers that are not finite, an interruption.
    pub fn denoise(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Denoised> {
        self.check(samples)?;
        let (n, d) = (samples.rows(), samples.columns());
        let mut places = samples.to_vec();
        let mut moves = Vec::new();
        watch.report(0, self.rounds);
        for round in 0..self.rounds {
            let square = self.round(&mut places, n, d, &watch.quiet())?;
            moves.push((square / n as f64).sqrt());
            watch.report(round + 1, self.rounds);
            if moves[round] <= self.tol {
                break;
            }
        }
        Ok(Denoised {
            places,
            columns: d,
            moves,
        })
    }

    /// Moves all places once; the sum of the squares of the moves.
    fn round(&self, places: &mut [f64], n: usize, d: usize, watch: &Watch<'_>) -> Result<f64> {
        let rows = Rows::new(places, n, d)?;
        let planes = if self.dimension == 0 {
            None
        } else {
            let pca = LocalPca::nearest(self.neighbors);
            let pca = pca.components(Components::Count(self.dimension));
            Some(pca.fit(rows, None, watch)?.at(rows, watch)?)
        };
        let means = self.means(rows, planes.as_deref(), watch)?;
        let mut square = 0.0;
        for (i, place) in places.chunks_exact_mut(d).enumerate() {
            let mean = &means[i * d..][..d];
            if mean.iter().any(|m| m.is_nan()) {
                // A kernel without weight at its own place leaves a lone sample where it is.
                continue;
            }
            let mut step: Vec<f64> = mean.iter().zip(&*place).map(|(m, x)| m - x).collect();
            if let Some(planes) = &planes {
                planes[i].take_tangent(&mut step);
            }
            square += step.iter().map(|s| s * s).sum::<f64>();
            place.iter_mut().zip(&step).for_each(|(x, s)| *x += s);
        }
        Ok(square)
    }

    /// Where blurring mean shift would move the samples, `[n, d]`.
    fn means(
        &self,
        rows: Rows<'_, f64>,
        planes: Option<&[crate::pca::PcaFit]>,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let nearest = Neighborhood::nearest(self.neighbors);
        let Some(kernel) = &self.kernel else {
            if let Some(planes) = planes {
                return Ok(planes.iter().flat_map(|p| p.mean().to_vec()).collect());
            }
            let flat = LocalPca::nearest(self.neighbors).fit(rows, None, watch)?;
            let around = flat.at(rows, watch)?;
            return Ok(around.iter().flat_map(|p| p.mean().to_vec()).collect());
        };
        let region = if self.everywhere {
            Neighborhood::all()
        } else {
            nearest
        };
        let mean = LocalMean::new(kernel.clone())
            .neighborhood(region)
            .on_empty(OnEmpty::Nan);
        let fit = mean.fit_watched(rows, rows, None, watch)?;
        Ok(fit.at(rows, watch)?.means)
    }
}

/// Samples after their noise was taken off.
#[derive(Clone, Debug, PartialEq)]
pub struct Denoised {
    places: Vec<f64>,
    columns: usize,
    moves: Vec<f64>,
}

impl Denoised {
    /// The samples, `[n, d]`.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn points(&self) -> Rows<'_, f64> {
        let n = self.places.len() / self.columns;
        Rows::new(&self.places, n, self.columns).expect("made of such rows")
    }

    /// The root of the mean squared move in each round.
    pub fn moves(&self) -> &[f64] {
        &self.moves
    }
}

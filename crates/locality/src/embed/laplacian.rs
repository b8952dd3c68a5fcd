//! Laplacian eigenmaps.

use super::affinity::Affinity;
use super::graph::{self, Pairs, Sought};
use super::joint::{Pieces, joint};
use super::lle::point_pieces;
use super::parameters::{Solver, not_negative};
use crate::linear::Sparse;
use crate::{Error, Kernel, Result, Rows, Watch};

/// The least number of neighbours, the sample itself counted, where none is given.
const LEAST: usize = 6;

/// Laplacian eigenmaps: coordinates of few columns in which samples with much weight between them are near one another.
///
/// The coordinates are the eigenvectors of `I - D^-1/2 W D^-1/2` of the smallest eigenvalues but the first, divided by `D^1/2`: they minimise
/// `sum_ij W_ij |y_i - y_j|^2` among coordinates that are orthonormal under the weights `D`, the row sums of `W`, and to the constants.
/// Without a kernel, with `n_neighbors` or with [`rbf`](Self::rbf) they are those of scikit-learn's `SpectralEmbedding`.
///
/// Source: M. Belkin, P. Niyogi, *Laplacian eigenmaps for dimensionality reduction and data representation*, Neural Computation 15 (2003).
///
/// ```
/// use locality::{Rows, Watch, embed::LaplacianEigenmaps};
/// // A spiral: one coordinate unrolls it.
/// let x: Vec<f64> = (0..100)
///     .map(|i| 2.0 + 0.06 * f64::from(i))
///     .flat_map(|t| [t * t.cos(), t * t.sin()])
///     .collect();
/// let model = LaplacianEigenmaps::new().n_neighbors(7).n_components(1);
/// let fit = model.fit(Rows::new(&x, 100, 2)?, &Watch::default())?;
/// let y = fit.embedding().to_vec();
/// let rises = y[99] > y[0];
/// assert!(y.windows(2).all(|w| (w[1] > w[0]) == rises));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LaplacianEigenmaps {
    components: usize,
    neighbors: Option<usize>,
    kernel: Option<Kernel>,
    everywhere: bool,
    tol: f64,
    solver: Solver,
    pieces: Pieces,
}

impl Default for LaplacianEigenmaps {
    fn default() -> Self {
        Self {
            components: 2,
            neighbors: None,
            kernel: None,
            everywhere: false,
            tol: 1e-9,
            solver: Solver::Auto,
            pieces: Pieces::Apart,
        }
    }
}

impl LaplacianEigenmaps {
    /// Two components, and neighbours that weigh alike.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of coordinates (2).
    #[must_use]
    pub fn n_components(mut self, n_components: usize) -> Self {
        self.components = n_components;
        self
    }

    /// Number of nearest neighbours of each sample, itself counted, as in scikit-learn; a tenth of the samples, but at least 6, by default.
    /// Two samples weigh 1 where each is among the other's nearest, 1/2 where only one is.
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: impl Into<Option<usize>>) -> Self {
        self.neighbors = n_neighbors.into();
        self.everywhere = false;
        self
    }

    /// Neighbours weigh as much as this kernel says, the mean of both ways, instead of 1; the heat kernel of the paper is `gaussian`.
    #[must_use]
    pub fn kernel(mut self, kernel: impl Into<Option<Kernel>>) -> Self {
        self.kernel = kernel.into();
        self
    }

    /// All pairs of samples weigh as much as a kernel says.
    #[must_use]
    pub fn among_all(mut self, kernel: Kernel) -> Self {
        self.kernel = Some(kernel);
        self.everywhere = true;
        self
    }

    /// All pairs of samples weigh `exp(-gamma |x - y|^2)`, scikit-learn's affinity "rbf", whose `gamma` is one over the number of columns by
    /// default.
    ///
    /// # Errors
    /// A `gamma` that is not positive and finite.
    pub fn rbf(self, gamma: f64) -> Result<Self> {
        let h = (2.0 * gamma).sqrt().recip();
        if !(gamma > 0.0 && gamma.is_finite() && h.is_finite()) {
            return Err(Error::parameter(format!(
                "gamma={gamma} must be a positive finite number"
            )));
        }
        Ok(self.among_all(Kernel::gaussian(h)))
    }

    /// Residual at which an eigenvector counts as found (1e-9).
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// How eigenvectors are found (whatever is faster).
    #[must_use]
    pub fn solver(mut self, solver: Solver) -> Self {
        self.solver = solver;
        self
    }

    /// How the pieces of a graph that is not connected are laid (apart).
    #[must_use]
    pub fn pieces(mut self, pieces: Pieces) -> Self {
        self.pieces = pieces;
        self
    }

    /// The number of neighbours in force for so many samples.
    fn neighbors_of(&self, n: usize) -> Option<usize> {
        let tenth = (n / 10).max(LEAST).min(n);
        (!self.everywhere).then(|| self.neighbors.unwrap_or(tenth))
    }

    fn check(&self, samples: Rows<'_, f64>) -> Result<()> {
        samples.require_finite("X")?;
        let (n, c) = (samples.rows(), self.components);
        if let Some(k) = self.neighbors_of(n)
            && (k == 0 || k > n)
        {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be from 1 to n_samples = {n}; the sample itself counts"
            )));
        }
        check_components(c, n)?;
        not_negative("tol", self.tol)
    }

    /// Embeds samples `[n, d]`.
    ///
    /// Where the graph falls into pieces, [`pieces`](Self::pieces) says how they are laid, and [`LaplacianEigenmapsFit::warning`] that they
    /// are. Centred ones are each embedded on its share of the scale. Each coordinate's entry of the largest magnitude is positive.
    ///
    /// # Errors
    /// Parameters out of their range for these samples, numbers that are not finite, more weights than fit into memory, an interruption.
    pub fn fit(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LaplacianEigenmapsFit> {
        self.check(samples)?;
        let n = samples.rows();
        let neighbors = self.neighbors_of(n);
        let quiet = &watch.quiet();
        watch.report(0, 2);
        let pairs = match (&self.kernel, neighbors) {
            (Some(kernel), k) => Pairs::Kernel(kernel, k),
            (None, k) => Pairs::Nearest(k.unwrap_or(n)),
        };
        let mut weights = graph::weights(samples, pairs, quiet)?;
        if self.kernel.is_none() {
            // Each is the first of its own neighbours.
            weights = weights.map(|i, j, w| if i == j { 1.0 } else { w });
        }
        self.embed(weights, neighbors, watch)
    }

    /// Embeds samples of which only the weights between them are known, `affinity="precomputed"` of scikit-learn; where the two ways differ,
    /// their mean counts. The kernel and the number of neighbours are not read.
    ///
    /// ```
    /// use locality::{Rows, Watch, embed::{Affinity, LaplacianEigenmaps}};
    /// let ring = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0];
    /// let ring = Affinity::full(Rows::new(&ring, 4, 4)?)?;
    /// let fit = LaplacianEigenmaps::new().fit_affinity(&ring, &Watch::default())?;
    /// assert!(fit.eigenvalues().iter().all(|v| (v - 1.0).abs() < 1e-9));
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// Parameters out of their range for so many samples, an interruption.
    pub fn fit_affinity(
        &self,
        affinity: &Affinity,
        watch: &Watch<'_>,
    ) -> Result<LaplacianEigenmapsFit> {
        check_components(self.components, affinity.len())?;
        not_negative("tol", self.tol)?;
        watch.report(0, 2);
        let fit = self.embed(affinity.symmetric(), None, watch)?;
        Ok(LaplacianEigenmapsFit { given: true, ..fit })
    }

    /// From weights with their whole diagonal.
    fn embed(
        &self,
        weights: Sparse,
        neighbors: Option<usize>,
        watch: &Watch<'_>,
    ) -> Result<LaplacianEigenmapsFit> {
        let (n, c) = (weights.rows(), self.components);
        let quiet = &watch.quiet();
        let affinity = Affinity::of(&weights);
        // What a sample weighs with itself does not matter.
        let weights = weights.map(|i, j, w| if i == j { 0.0 } else { w });
        let (labels, count) = graph::connected(&weights);
        let degrees = weights.row_sums();
        watch.report(1, 2);
        let sought = Sought {
            labels: &labels,
            pieces: count,
            count: c,
            tolerance: self.tol,
            dense: self.solver == Solver::Dense,
        };
        let found = graph::leading(&weights, &degrees, sought, quiet)?;
        if count > 1 && self.pieces == Pieces::Apart {
            let all = joint(&found, &degrees, &labels, c);
            let total = degrees.iter().sum::<f64>();
            let scale = if total > 0.0 {
                total.sqrt().recip()
            } else {
                1.0
            };
            let mut embedding: Vec<f64> = all.vectors.iter().map(|x| scale * x).collect();
            point_pieces(&mut embedding, c, &vec![0; n], 1);
            watch.report(2, 2);
            return Ok(LaplacianEigenmapsFit {
                components: c,
                neighbors,
                embedding,
                eigenvalues: all.gaps.repeat(count),
                laid: self.pieces,
                given: false,
                pieces: labels,
                count,
                affinity,
            });
        }
        let mut embedding = found.vectors;
        let mut sizes = vec![0_usize; count];
        for &l in &labels {
            sizes[l] += 1;
        }
        for (i, row) in embedding.chunks_exact_mut(c).enumerate() {
            let share = sizes[labels[i]] as f64 / n as f64;
            if degrees[i] > 0.0 {
                for y in row.iter_mut() {
                    *y *= (share / degrees[i]).sqrt();
                }
            }
        }
        point_pieces(&mut embedding, c, &labels, count);
        watch.report(2, 2);
        Ok(LaplacianEigenmapsFit {
            components: c,
            neighbors,
            embedding,
            eigenvalues: found.gaps,
            laid: self.pieces,
            given: false,
            pieces: labels,
            count,
            affinity,
        })
    }
}

/// Refuses more coordinates than samples can have.
pub(super) fn check_components(c: usize, n: usize) -> Result<()> {
    if c >= 1 && c < n {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "n_components={c} must be at least 1 and less than n_samples = {n}"
    )))
}

/// Fitted Laplacian eigenmaps.
#[derive(Clone, Debug)]
pub struct LaplacianEigenmapsFit {
    components: usize,
    neighbors: Option<usize>,
    embedding: Vec<f64>,
    eigenvalues: Vec<f64>,
    laid: Pieces,
    given: bool,
    pieces: Vec<usize>,
    count: usize,
    affinity: Affinity,
}

impl LaplacianEigenmapsFit {
    /// How much each two samples weigh for one another, both ways alike.
    pub fn affinity(&self) -> &Affinity {
        &self.affinity
    }

    /// Coordinates of the samples, `[n, n_components]`, in the order of their eigenvalues.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn embedding(&self) -> Rows<'_, f64> {
        Rows::new(&self.embedding, self.pieces.len(), self.components).expect("made of such rows")
    }

    /// Eigenvalues of the normalised Laplacian, 0 to 2, `[pieces, n_components]`, rising in each piece; 1 where a piece has too few samples.
    /// Where pieces lie apart, those of the whole, the same in each row.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// Number of neighbours in force, the sample itself counted; none where all pairs weigh or the weights were given.
    pub fn n_neighbors(&self) -> Option<usize> {
        self.neighbors
    }

    /// The connected piece of the graph that each sample is in, numbered by their first samples.
    pub fn pieces(&self) -> &[usize] {
        &self.pieces
    }

    /// Number of pieces.
    pub fn n_pieces(&self) -> usize {
        self.count
    }

    /// A sentence where the graph is not connected.
    pub fn warning(&self) -> Option<String> {
        let ties = if self.given {
            super::Ties::Given
        } else {
            super::Ties::of(self.neighbors)
        };
        super::disconnected(&self.pieces, self.count, ties, self.laid)
    }
}

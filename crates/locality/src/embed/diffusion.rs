//! Diffusion maps.

use super::graph::{self, Pairs, Sought};
use super::joint::{Pieces, joint};
use super::laplacian::check_components;
use super::lle::point_pieces;
use super::parameters::{Solver, not_negative};
use super::scale::scaled;
use crate::{Error, Kernel, LocalMeanFit, Metric, Nearest, Profile, Result, Rows, Watch};

/// An eigenvalue below this carries no coordinate to new places.
const FADED: f64 = 1e-12;

/// Diffusion maps: coordinates in which distances are those between where random walks of `time` steps from two samples go.
///
/// A walk steps from sample `i` to `j` in proportion to `K_ij / (q_i q_j)^alpha`, `q` being the row sums of the kernel. With `alpha` = 1 the
/// coordinates do not depend on how densely the samples lie, with 0 they are those of the plain normalised graph. Coordinate `l` of a sample is
/// `lambda_l^time psi_l`, `psi_l` being the walk's right eigenvectors of variance 1 under the walk's stationary law.
///
/// Source: R. Coifman, S. Lafon, *Diffusion maps*, Applied and Computational Harmonic Analysis 21 (2006); new places by the extension of
/// Nystrom, as in Y. Bengio and others, *Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral clustering*, NIPS 16 (2003).
///
/// ```
/// use locality::{Rows, Watch, embed::DiffusionMap};
/// // A spiral: one coordinate unrolls it.
/// let x: Vec<f64> = (0..100)
///     .map(|i| 2.0 + 0.06 * f64::from(i))
///     .flat_map(|t| [t * t.cos(), t * t.sin()])
///     .collect();
/// let model = DiffusionMap::new().n_components(1).kernel("gaussian(h=0.5)".parse()?);
/// let fit = model.fit(Rows::new(&x, 100, 2)?, &Watch::default())?;
/// let y = fit.embedding().to_vec();
/// let rises = y[99] > y[0];
/// assert!(y.windows(2).all(|w| (w[1] > w[0]) == rises));
/// // A training sample stays where it is.
/// let again = fit.transform(Rows::new(&x[20..22], 1, 2)?, &Watch::default())?;
/// assert!((again[0] - y[10]).abs() < 1e-3);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DiffusionMap {
    components: usize,
    neighbors: Option<usize>,
    kernel: Kernel,
    bandwidth: Option<f64>,
    alpha: f64,
    time: f64,
    tol: f64,
    solver: Solver,
    pieces: Pieces,
}

impl Default for DiffusionMap {
    fn default() -> Self {
        let profile = Profile::from_name("gaussian", &[]).expect("gaussian is in the list");
        Self {
            components: 2,
            neighbors: Some(64),
            kernel: crate::Atom::new(profile).into(),
            bandwidth: None,
            alpha: 1.0,
            time: 1.0,
            tol: 1e-9,
            solver: Solver::Auto,
            pieces: Pieces::Apart,
        }
    }
}

impl DiffusionMap {
    /// Two components, a Gaussian kernel over the 64 nearest, its bandwidth by [`kernel_scale`](super::kernel_scale), `alpha` and time 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of coordinates (2).
    #[must_use]
    pub fn n_components(mut self, n_components: usize) -> Self {
        self.components = n_components;
        self
    }

    /// The kernel counts for so many nearest of each sample only, itself counted (64, or all samples where there are fewer); `None` for all.
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: impl Into<Option<usize>>) -> Self {
        self.neighbors = n_neighbors.into();
        self
    }

    /// How much samples weigh for one another, the mean of both ways (Gaussian).
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The bandwidth of the kernel's parts that have none; `None`, the default, finds it by [`kernel_scale`](super::kernel_scale).
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Option<f64>>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// How far the density of the samples is taken out (1), any number of at least 0: 0, the plain normalised graph; 0.5, a Fokker-Planck
    /// operator; 1, wholly.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Number of steps of the walk (1), which need not be whole. Eigenvalues below 0 count as 0.
    #[must_use]
    pub fn time(mut self, time: f64) -> Self {
        self.time = time;
        self
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

    fn check(&self, samples: Rows<'_, f64>) -> Result<()> {
        samples.require_finite("X")?;
        let n = samples.rows();
        if self.neighbors == Some(0) {
            return Err(Error::parameter(
                "n_neighbors=0 must be at least 1; the sample itself counts",
            ));
        }
        if let Some(h) = self.bandwidth
            && !(h > 0.0 && h.is_finite())
        {
            return Err(Error::parameter(format!(
                "bandwidth={h} must be a positive finite number"
            )));
        }
        check_components(self.components, n)?;
        not_negative("alpha", self.alpha)?;
        not_negative("time", self.time)?;
        not_negative("tol", self.tol)
    }

    /// Embeds samples `[n, d]`.
    ///
    /// Where the kernel leaves pieces without weight between them, [`pieces`](Self::pieces) says how they are laid, and
    /// [`DiffusionMapFit::warning`] that they are; centred ones have each a walk of their own. Each coordinate's entry of the largest magnitude is positive.
    ///
    /// # Errors
    /// Parameters out of their range for these samples, numbers that are not finite, more weights than fit into memory, an interruption.
    pub fn fit(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<DiffusionMapFit> {
        self.check(samples)?;
        let (n, c) = (samples.rows(), self.components);
        let neighbors = self.neighbors.map(|k| k.min(n));
        let quiet = &watch.quiet();
        watch.report(0, 2);
        let kernel = scaled(&self.kernel, self.bandwidth, samples, neighbors, quiet)?;
        let weights = graph::weights(samples, Pairs::Kernel(&kernel, neighbors), quiet)?;
        let (labels, count) = graph::connected(&weights);
        let thinning: Vec<f64> = weights
            .row_sums()
            .iter()
            .map(|q| if *q > 0.0 { q.powf(-self.alpha) } else { 0.0 })
            .collect();
        let walk = weights.map(|i, j, w| w * thinning[i] * thinning[j]);
        let degrees = walk.row_sums();
        watch.report(1, 2);
        let sought = Sought {
            labels: &labels,
            pieces: count,
            count: c,
            tolerance: self.tol,
            dense: self.solver == Solver::Dense,
        };
        let found = graph::leading(&walk, &degrees, sought, quiet)?;
        if count > 1 && self.pieces == Pieces::Apart {
            let all = joint(&found, &degrees, &labels, c);
            let one: Vec<f64> = all.gaps.iter().map(|gap| 1.0 - gap).collect();
            let mut embedding = all.vectors;
            for row in embedding.chunks_exact_mut(c) {
                for (y, lambda) in row.iter_mut().zip(&one) {
                    *y *= lambda.max(0.0).powf(self.time);
                }
            }
            point_pieces(&mut embedding, c, &vec![0; n], 1);
            watch.report(2, 2);
            return DiffusionMapFit::from_parts(
                DiffusionMapParts {
                    kernel,
                    n_neighbors: neighbors,
                    samples: samples.to_vec(),
                    embedding,
                    eigenvalues: one.repeat(count),
                    thinning,
                    pieces: labels,
                },
                samples.columns(),
                quiet,
            );
        }
        let eigenvalues: Vec<f64> = found.gaps.iter().map(|gap| 1.0 - gap).collect();
        let mut totals = vec![0.0; count];
        for (d, &l) in degrees.iter().zip(&labels) {
            totals[l] += d;
        }
        let mut embedding = found.vectors;
        for (i, row) in embedding.chunks_exact_mut(c).enumerate() {
            let l = labels[i];
            // One over the root of the stationary law.
            let scale = (totals[l] / degrees[i]).sqrt();
            for (y, lambda) in row.iter_mut().zip(&eigenvalues[l * c..]) {
                *y *= lambda.max(0.0).powf(self.time);
                if degrees[i] > 0.0 {
                    *y *= scale;
                }
            }
        }
        point_pieces(&mut embedding, c, &labels, count);
        watch.report(2, 2);
        DiffusionMapFit::from_parts(
            DiffusionMapParts {
                kernel,
                n_neighbors: neighbors,
                samples: samples.to_vec(),
                embedding,
                eigenvalues,
                thinning,
                pieces: labels,
            },
            samples.columns(),
            quiet,
        )
    }
}

/// What a fitted diffusion map consists of, to be kept and made again.
#[derive(Clone, Debug)]
pub struct DiffusionMapParts {
    /// The kernel in force.
    pub kernel: Kernel,
    /// Number of nearest samples that count, itself counted.
    pub n_neighbors: Option<usize>,
    /// `[n, d]`.
    pub samples: Vec<f64>,
    /// `[n, n_components]`.
    pub embedding: Vec<f64>,
    /// `[pieces, n_components]`.
    pub eigenvalues: Vec<f64>,
    /// Row sums of the kernel to the power of minus `alpha`, `[n]`.
    pub thinning: Vec<f64>,
    /// The piece of each sample, `[n]`.
    pub pieces: Vec<usize>,
}

/// A fitted diffusion map.
#[derive(Clone, Debug)]
pub struct DiffusionMapFit {
    parts: DiffusionMapParts,
    columns: usize,
    components: usize,
    count: usize,
    means: LocalMeanFit<f64>,
    search: Nearest<f64>,
}

impl DiffusionMapFit {
    /// A fit from its parts, of samples of so many columns.
    ///
    /// # Errors
    /// Parts that do not fit one another, numbers that are not finite.
    pub fn from_parts(parts: DiffusionMapParts, columns: usize, watch: &Watch<'_>) -> Result<Self> {
        let n = parts.pieces.len();
        let samples = Rows::new(&parts.samples, n, columns)?;
        samples.require_finite("X")?;
        let count = parts.pieces.iter().max().map_or(0, |l| l.saturating_add(1));
        let components = parts.embedding.len() / n;
        let fits = count <= n
            && components > 0
            && parts.embedding.len() == n * components
            && parts.eigenvalues.len() == count * components
            && parts.thinning.len() == n;
        if !fits {
            return Err(Error::shape(format!(
                "a diffusion map of {n} samples in {count} pieces has {} coordinates, {} eigenvalues and {} densities; give the parts of \
                 one fit",
                parts.embedding.len(),
                parts.eigenvalues.len(),
                parts.thinning.len()
            )));
        }
        let neighbors = parts.n_neighbors.map(|k| k.clamp(1, n));
        Ok(Self {
            means: graph::lay(samples, &parts.kernel, neighbors, watch)?,
            search: Nearest::fit(samples, &Metric::Euclidean)?,
            parts,
            columns,
            components,
            count,
        })
    }

    /// What it consists of.
    pub fn parts(&self) -> &DiffusionMapParts {
        &self.parts
    }

    /// The kernel in force, with its bandwidth.
    pub fn kernel(&self) -> &Kernel {
        &self.parts.kernel
    }

    /// Coordinates of the samples, `[n, n_components]`, in the order of their eigenvalues.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn embedding(&self) -> Rows<'_, f64> {
        let n = self.parts.pieces.len();
        Rows::new(&self.parts.embedding, n, self.components).expect("made of such rows")
    }

    /// Eigenvalues of the walk, at most 1, `[pieces, n_components]`, falling in each piece; 0 where a piece has too few samples. Where
    /// pieces lie apart, those of the whole, the same in each row.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.parts.eigenvalues
    }

    /// The connected piece that each sample is in, numbered by their first samples.
    pub fn pieces(&self) -> &[usize] {
        &self.parts.pieces
    }

    /// Number of pieces.
    pub fn n_pieces(&self) -> usize {
        self.count
    }

    /// Pieces that are laid apart have the eigenvalues of the whole, of which the first is 1.
    fn laid(&self) -> Pieces {
        let first = self.parts.eigenvalues.chunks_exact(self.components);
        if first.into_iter().all(|row| row[0] >= 1.0) {
            Pieces::Apart
        } else {
            Pieces::Centred
        }
    }

    /// A sentence where the kernel leaves pieces without weight between them.
    pub fn warning(&self) -> Option<String> {
        let ties = super::Ties::of(self.parts.n_neighbors);
        super::disconnected(&self.parts.pieces, self.count, ties, self.laid())
    }

    /// Coordinates of new places `[m, d]`: where a step of the walk leads from there, over the eigenvalue, `[m, n_components]`.
    ///
    /// A training sample keeps its place where the kernel is between all samples. Among the nearest only, the walk from a sample may also
    /// step to those that have it among their nearest, which a new place is not asked for. A place without any weight gets the coordinates
    /// of the nearest sample. Where there are pieces, a place is in that of the nearest sample.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn transform(&self, queries: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        if queries.columns() != self.columns {
            return Err(Error::shape(format!(
                "X has {} columns, but the model was fitted to {}; give the same columns",
                queries.columns(),
                self.columns
            )));
        }
        let c = self.components;
        let nearest = self.search.k_nearest(queries, 1, watch)?.indices;
        let rows = graph::kernel_rows(&self.means, queries, watch)?;
        let mut out = vec![0.0; queries.rows() * c];
        for ((to, (near, weights)), &first) in out.chunks_exact_mut(c).zip(rows).zip(&nearest) {
            let piece = self.parts.pieces[first];
            let mut total = 0.0;
            for (&j, w) in near.iter().zip(&weights) {
                if self.parts.pieces[j] == piece {
                    let w = w * self.parts.thinning[j];
                    total += w;
                    let from = &self.parts.embedding[j * c..][..c];
                    to.iter_mut().zip(from).for_each(|(t, f)| *t += w * f);
                }
            }
            if total > 0.0 {
                let lambdas = &self.parts.eigenvalues[piece * c..][..c];
                for (t, lambda) in to.iter_mut().zip(lambdas) {
                    *t = if *lambda > FADED {
                        *t / (total * lambda)
                    } else {
                        0.0
                    };
                }
            } else {
                to.copy_from_slice(&self.parts.embedding[first * c..][..c]);
            }
        }
        Ok(out)
    }
}

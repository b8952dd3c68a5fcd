//! Parameters of local linear embedding.

use super::joint::Pieces;
use crate::{Error, Kernel, Result, Rows};

/// What a neighbourhood asks of the coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// That the sample is the same mixture of its neighbours as before (Roweis and Saul 2000).
    #[default]
    Standard,
    /// The same of several mixtures, as many as the neighbourhood has flat directions (Zhang and Wang 2007).
    Modified,
    /// That coordinates have no curvature along the tangent plane (Donoho and Grimes 2003). The plane has as many dimensions as there are
    /// coordinates: with fewer than the samples' own, coordinates may bend freely across it, and many fit that are no good.
    Hessian,
    /// That coordinates are affine in those of the tangent plane (Zhang and Zha 2004).
    Ltsa,
}

impl std::str::FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "standard" => Ok(Self::Standard),
            "modified" => Ok(Self::Modified),
            "hessian" => Ok(Self::Hessian),
            "ltsa" => Ok(Self::Ltsa),
            _ => Err(Error::parse(format!(
                "method='{text}' is none of standard, modified, hessian and ltsa"
            ))),
        }
    }
}

/// How eigenvectors are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Solver {
    /// All eigenvalues for up to 200 samples, a sparse factor for more.
    #[default]
    Auto,
    /// All eigenvalues, for up to 20,000 samples.
    Dense,
}

/// Local linear embedding: coordinates of few columns in which every neighbourhood looks as it did.
///
/// ```
/// use locality::{Rows, Watch, embed::LocallyLinearEmbedding};
/// // A spiral: one coordinate unrolls it.
/// let x: Vec<f64> = (0..100)
///     .map(|i| 2.0 + 0.06 * f64::from(i))
///     .flat_map(|t| [t * t.cos(), t * t.sin()])
///     .collect();
/// let model = LocallyLinearEmbedding::new().n_neighbors(6).n_components(1);
/// let fit = model.fit(Rows::new(&x, 100, 2)?, &Watch::default())?;
/// let y = fit.embedding().to_vec();
/// let rises = y[99] > y[0];
/// assert!(y.windows(2).all(|w| (w[1] > w[0]) == rises));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_field_names)]
pub struct LocallyLinearEmbedding {
    pub(super) neighbors: usize,
    pub(super) components: usize,
    pub(super) method: Method,
    pub(super) reg: f64,
    pub(super) modified_tol: f64,
    pub(super) hessian_tol: f64,
    pub(super) tol: f64,
    pub(super) solver: Solver,
    pub(super) kernel: Option<Kernel>,
    pub(super) pieces: Pieces,
}

impl Default for LocallyLinearEmbedding {
    fn default() -> Self {
        Self {
            neighbors: 5,
            components: 2,
            method: Method::Standard,
            reg: 1e-3,
            modified_tol: 1e-12,
            hessian_tol: 1e-4,
            tol: 1e-9,
            solver: Solver::Auto,
            kernel: None,
            pieces: Pieces::Centred,
        }
    }
}

impl LocallyLinearEmbedding {
    /// The standard method with five neighbours and two components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of neighbours of each sample, itself not counted (5).
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.neighbors = n_neighbors;
        self
    }

    /// Number of coordinates (2), at most the number of columns.
    #[must_use]
    pub fn n_components(mut self, n_components: usize) -> Self {
        self.components = n_components;
        self
    }

    /// What a neighbourhood asks of the coordinates (the standard method).
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Penalty on the squares of reconstruction weights, over the sum of the neighbours' squared distances (1e-3). The standard method
    /// uses it, and every method's `transform`.
    #[must_use]
    pub fn reg(mut self, reg: f64) -> Self {
        self.reg = reg;
        self
    }

    /// Modified method: how small the constants' part in a neighbourhood's flat directions may be before it is left alone (1e-12).
    #[must_use]
    pub fn modified_tol(mut self, modified_tol: f64) -> Self {
        self.modified_tol = modified_tol;
        self
    }

    /// Hessian method: columns of a local Hessian whose sum is at least this are divided by it (1e-4).
    #[must_use]
    pub fn hessian_tol(mut self, hessian_tol: f64) -> Self {
        self.hessian_tol = hessian_tol;
        self
    }

    /// Residual at which an eigenvector counts as found, relative to the largest of the inverse (1e-9).
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

    /// Standard method: how much each neighbour may take part, a kernel between samples: the penalty on a neighbour's weight is divided by
    /// its kernel value over the largest of the neighbourhood, and a neighbour of value 0 takes no part. All neighbours alike by default.
    #[must_use]
    pub fn kernel(mut self, kernel: impl Into<Option<Kernel>>) -> Self {
        self.kernel = kernel.into();
        self
    }

    /// How the pieces of a graph that is not connected are laid (each by itself, around 0).
    #[must_use]
    pub fn pieces(mut self, pieces: Pieces) -> Self {
        self.pieces = pieces;
        self
    }

    pub(super) fn check(&self, samples: Rows<'_, f64>) -> Result<()> {
        samples.require_finite("X")?;
        let (n, d) = (samples.rows(), samples.columns());
        let (k, c) = (self.neighbors, self.components);
        if k == 0 || k >= n {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be at least 1 and less than n_samples = {n}; each sample needs that many others"
            )));
        }
        if c == 0 || c > d {
            return Err(Error::parameter(format!(
                "n_components={c} must be from 1 to the number of columns of X, {d}"
            )));
        }
        not_negative("reg", self.reg)?;
        not_negative("modified_tol", self.modified_tol)?;
        not_negative("hessian_tol", self.hessian_tol)?;
        not_negative("tol", self.tol)?;
        if self.kernel.is_some() && self.method != Method::Standard {
            return Err(Error::unsupported(
                "a kernel weighs the neighbours of the standard method only; leave out kernel, or choose method='standard'",
            ));
        }
        let least = match self.method {
            Method::Standard => 1,
            Method::Modified => c,
            Method::Ltsa => c + 1,
            Method::Hessian => c + c * (c + 1) / 2 + 1,
        };
        if k < least {
            return Err(Error::parameter(format!(
                "n_neighbors={k} is too few for method {:?} with n_components={c}; give at least {least}",
                self.method
            )));
        }
        Ok(())
    }
}

/// Refuses a number that is negative or not finite.
pub(super) fn not_negative(name: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "{name}={value} must be a finite number of at least 0"
    )))
}

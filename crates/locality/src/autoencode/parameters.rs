//! The parameters of lazy autoencoders.

use crate::local::{LocalPolynomial, LocalPolynomialFit, with_bandwidth};
use crate::{Bandwidth, Error, Kernel, Neighborhood, OnEmpty, Result, Rows, Watch};

/// A flat kernel so wide that every number is near.
const EVERYWHERE: f64 = 1e150;

/// How far a local model looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Width {
    /// For the decoder: so many neighbours as reconstruct best, anew in each round. For the encoder: two for each coefficient of a local
    /// line.
    #[default]
    Auto,
    /// So many nearest, by the tricube kernel.
    Neighbors(usize),
    /// The bandwidth of a Gaussian kernel: in units of the codes' deviations for the decoder, of the square root of the rows' total variance
    /// for the encoder.
    Bandwidth(f64),
    /// All alike: the decoder is a plane, with principal components as codes that of principal component analysis.
    All,
}

impl Width {
    /// Refuses what has no meaning for `n` samples; `side` is what it belongs to.
    pub(super) fn check(self, side: &str, n: usize) -> Result<()> {
        match self {
            Self::Neighbors(k) if k < 2 || k > n => Err(Error::parameter(format!(
                "{side} neighbours = {k} must be from 2 to n_samples = {n}; the sample itself counts"
            ))),
            Self::Bandwidth(h) if !(h > 0.0 && h.is_finite()) => Err(Error::parameter(format!(
                "{side} bandwidth = {h} must be a positive finite number"
            ))),
            _ => Ok(()),
        }
    }

    /// The kernel; automatic widths have none yet and are taken for all.
    pub(super) fn kernel(self) -> Result<Kernel> {
        match self {
            Self::Neighbors(k) => {
                with_bandwidth(&Kernel::radial("tricube", 1.0)?, Bandwidth::QueryNearest(k))
            }
            Self::Bandwidth(h) => Ok(Kernel::gaussian(h)),
            Self::Auto | Self::All => Kernel::radial("uniform", EVERYWHERE),
        }
    }
}

/// The parameters of a lazy autoencoder; see the [module](super).
#[derive(Clone, Debug, PartialEq)]
pub struct LazyAutoencoder {
    pub(super) components: usize,
    pub(super) degree: usize,
    pub(super) decoder: Width,
    pub(super) encoder: Width,
    pub(super) max_iter: usize,
    pub(super) tol: f64,
}

impl LazyAutoencoder {
    /// With codes of so many numbers; local lines, automatic widths, at most 50 rounds, tolerance 1e-3.
    pub fn new(components: usize) -> Self {
        Self {
            components,
            degree: 1,
            decoder: Width::Auto,
            encoder: Width::Auto,
            max_iter: 50,
            tol: 1e-3,
        }
    }

    /// Degree of the decoder's local polynomials (1): of degree 0 rows are local means of rows, and codes local means of codes or those of the
    /// nearest reconstruction.
    #[must_use]
    pub fn degree(mut self, degree: usize) -> Self {
        self.degree = degree;
        self
    }

    /// How far the decoder looks among codes (automatic).
    #[must_use]
    pub fn decoder(mut self, width: Width) -> Self {
        self.decoder = width;
        self
    }

    /// How far the encoder looks among reconstructions (automatic).
    #[must_use]
    pub fn encoder(mut self, width: Width) -> Self {
        self.encoder = width;
        self
    }

    /// Most rounds after the first, which is that of the initial codes (50).
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// It ends after three rounds in a row of which none lowered the loss by more than this share (1e-3).
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    pub(super) fn check(&self, samples: Rows<'_, f64>) -> Result<()> {
        samples.require_finite("X")?;
        let (n, d, k) = (samples.rows(), samples.columns(), self.components);
        if n < 2 {
            return Err(Error::parameter(format!(
                "n_samples = {n} must be at least 2: each row is reconstructed by the others"
            )));
        }
        if k == 0 || k > d {
            return Err(Error::parameter(format!(
                "n_components={k} must be at least 1 and at most n_features = {d}"
            )));
        }
        if self.degree > 1 {
            return Err(Error::parameter(format!(
                "degree={} must be 0, for local means, or 1, for local lines",
                self.degree
            )));
        }
        if !(self.tol >= 0.0 && self.tol.is_finite()) {
            return Err(Error::parameter(format!(
                "tol={} must be a finite number of at least 0",
                self.tol
            )));
        }
        self.decoder.check("the decoder's", n)?;
        self.encoder.check("the encoder's", n)
    }

    /// The encoder's width in force.
    pub(super) fn encoder_width(&self, n: usize) -> Width {
        match self.encoder {
            Width::Auto => Width::Neighbors((2 * (self.components + 1)).min(n)),
            width => width,
        }
    }

    /// The decoder's widths to choose from, falling in locality; a plane is not among them unless it was asked for.
    pub(super) fn ladder(&self, n: usize) -> Vec<Width> {
        if self.decoder != Width::Auto {
            return vec![self.decoder];
        }
        let first = (2 * (self.components + 1)).min(n);
        let doubled = std::iter::successors(Some(first), |m| Some(2 * m));
        // Close to all of them is as good as a plane, and dearer.
        doubled
            .take_while(|&m| m == first || m < n / 2)
            .map(Width::Neighbors)
            .collect()
    }

    /// The local model of rows `[n, d]` by codes `[n, k]`; `hollow`, row `i` has no part in what is decoded at query `i`.
    pub(super) fn local(
        &self,
        codes: Rows<'_, f64>,
        rows: Rows<'_, f64>,
        width: Width,
        hollow: bool,
        watch: &Watch<'_>,
    ) -> Result<LocalPolynomialFit> {
        let region = if hollow {
            Neighborhood::hollow()
        } else {
            Neighborhood::all()
        };
        // A guard would bend a plane where a code lies far out.
        LocalPolynomial::new(width.kernel()?)
            .degree(self.degree)
            .guard(width != Width::All)
            .neighborhood(region)
            .on_empty(OnEmpty::Nearest)
            .fit(codes, rows, None, watch)
    }
}

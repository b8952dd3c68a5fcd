//! Families of generalized linear models.

use locality_core::isa::Isa;

use crate::{Error, Result, Rows};

/// A distribution of the response, and the usual link between its mean and the linear predictor `eta`; others are a [`Link`](super::Link).
///
/// Source: J. A. Nelder, R. W. M. Wedderburn, *Generalized linear models*, JRSS A 135 (1972).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    /// Classes 0 and 1, or shares between them; `mean = 1 / (1 + exp(-eta))`.
    Binomial,
    /// Counts; `mean = exp(eta)`.
    Poisson,
    /// Positive numbers whose deviation grows as their mean; `mean = exp(eta)`.
    Gamma,
    /// Counts with a variance of `mean + mean^2 / theta`; `mean = exp(eta)`.
    NegativeBinomial {
        /// Size, positive.
        theta: f64,
    },
}

/// What one sample contributes: loss, and its first two derivatives by the linear predictor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) loss: f64,
    pub(super) slope: f64,
    pub(super) curvature: f64,
}

impl Family {
    /// What it is called: `binomial`, `poisson`, `gamma` or `negative_binomial`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binomial => "binomial",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::NegativeBinomial { .. } => "negative_binomial",
        }
    }

    /// Checks responses.
    pub(super) fn check(self, y: Rows<'_, f64>) -> Result<()> {
        if let Self::NegativeBinomial { theta } = self
            && !(theta > 0.0 && theta.is_finite())
        {
            return Err(Error::parameter(format!(
                "theta={theta} must be positive and finite"
            )));
        }
        let each = y.iter().enumerate();
        for (i, y) in each.flat_map(|(i, row)| row.iter().map(move |y| (i, *y))) {
            let (fits, wanted) = match self {
                Self::Binomial => ((0.0..=1.0).contains(&y), "0 to 1"),
                Self::Gamma => (y > 0.0, "positive"),
                _ => (y >= 0.0, "not negative"),
            };
            if !fits || !y.is_finite() {
                return Err(Error::parameter(format!(
                    "responses has {y} in row {i} (counted from 0); in this family they must be {wanted}"
                )));
            }
        }
        Ok(())
    }

    /// Whether the curvature of the loss does not depend on the response, so that scoring is Newton's method.
    pub(super) fn is_canonical(self) -> bool {
        matches!(self, Self::Binomial | Self::Poisson)
    }

    /// The mean at a linear predictor of the usual link.
    pub fn mean(self, eta: f64) -> f64 {
        match self {
            Self::Binomial => 1.0 / (1.0 + (-eta).exp()),
            _ => eta.exp(),
        }
    }

    /// Negative logarithm of the likelihood of a response under a mean, up to what depends on the response alone.
    pub(super) fn loss(self, mean: f64, y: f64) -> f64 {
        const LEAST: f64 = 1e-12;
        let m = mean.max(LEAST);
        match self {
            Self::Binomial => -y * m.ln() - (1.0 - y) * (1.0 - mean).max(LEAST).ln(),
            Self::Poisson => m - y * m.ln(),
            Self::Gamma => y / m + m.ln(),
            Self::NegativeBinomial { theta } => (y + theta) * (theta + m).ln() - y * m.ln(),
        }
    }

    /// The linear predictor of a mean, kept away from its limits.
    pub(super) fn link(self, mean: f64) -> f64 {
        match self {
            Self::Binomial => {
                let mean = mean.clamp(1e-6, 1.0 - 1e-6);
                (mean / (1.0 - mean)).ln()
            }
            _ => mean.max(1e-6).ln(),
        }
    }

    /// Curvature of the loss at a mean kept away from its limits, on the average over responses.
    pub(super) fn curvature(self, mean: f64) -> f64 {
        let positive = mean.max(f64::MIN_POSITIVE);
        match self {
            Self::Binomial => {
                let mean = mean.clamp(1e-6, 1.0 - 1e-6);
                mean * (1.0 - mean)
            }
            Self::Poisson => positive,
            Self::Gamma => 1.0,
            Self::NegativeBinomial { theta } => theta * positive / (theta + positive),
        }
    }

    /// The terms of a chunk; curvatures are positive.
    #[inline(always)]
    pub(super) fn terms<I: Isa>(self, isa: I, eta: &[f64], y: &[f64], out: [&mut [f64]; 3]) {
        // A loop for each family: one that chose inside would not be one of vectors.
        match self {
            Self::Binomial => each(eta, y, out, |eta, y| {
                // Of the smaller side, which does not overflow.
                let small = isa.exp(-eta.abs());
                let share = 1.0 / (1.0 + small);
                let mean = if eta >= 0.0 { share } else { small * share };
                Term {
                    loss: eta.max(0.0) + isa.ln(1.0 + small) - y * eta,
                    slope: mean - y,
                    curvature: small * share * share,
                }
            }),
            Self::Poisson => each(eta, y, out, |eta, y| {
                let mean = isa.exp(eta);
                Term {
                    loss: mean - y * eta,
                    slope: mean - y,
                    curvature: mean,
                }
            }),
            Self::Gamma => each(eta, y, out, |eta, y| {
                let share = y * isa.exp(-eta);
                Term {
                    loss: share + eta,
                    slope: 1.0 - share,
                    // What it is on the average: the exact one may vanish.
                    curvature: 1.0,
                }
            }),
            Self::NegativeBinomial { theta } => each(eta, y, out, |eta, y| {
                let mean = isa.exp(eta);
                let share = mean / (theta + mean);
                Term {
                    loss: (y + theta) * isa.ln(theta + mean) - y * eta,
                    slope: (y + theta) * share - y,
                    curvature: theta * share,
                }
            }),
        }
    }
}

#[inline(always)]
pub(super) fn each(eta: &[f64], y: &[f64], out: [&mut [f64]; 3], term: impl Fn(f64, f64) -> Term) {
    let [losses, slopes, curvatures] = out;
    let each = losses.iter_mut().zip(slopes).zip(curvatures);
    for (((loss, slope), curvature), (eta, y)) in each.zip(eta.iter().zip(y)) {
        let term = term(*eta, *y);
        *loss = term.loss;
        *slope = term.slope;
        *curvature = term.curvature;
    }
}

//! Distributions of the response.

use std::str::FromStr;

use crate::{Error, Result};

/// The distribution of the response, with its canonical link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// Real numbers of one variance; the mean is the linear predictor.
    #[default]
    Gaussian,
    /// Classes 0 and 1, or shares between them; `mean = 1 / (1 + exp(-eta))`.
    Binomial,
    /// Counts; `mean = exposure exp(eta)`.
    Poisson,
}

impl FromStr for Response {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "gaussian" => Ok(Self::Gaussian),
            "binomial" => Ok(Self::Binomial),
            "poisson" => Ok(Self::Poisson),
            other => Err(Error::parameter(format!(
                "family '{other}' is none of gaussian, binomial, poisson"
            ))),
        }
    }
}

/// Linear predictors are kept within these, where means are still told from 0 and 1.
const MOST: f64 = 30.0;
/// The same for logarithms of counts.
const MOST_LOG: f64 = 300.0;

impl Response {
    /// What it is called: `gaussian`, `binomial` or `poisson`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Binomial => "binomial",
            Self::Poisson => "poisson",
        }
    }

    /// The mean at a linear predictor.
    pub fn mean(self, eta: f64) -> f64 {
        match self {
            Self::Gaussian => eta,
            Self::Binomial => 1.0 / (1.0 + (-eta.clamp(-MOST, MOST)).exp()),
            Self::Poisson => eta.clamp(-MOST_LOG, MOST_LOG).exp(),
        }
    }

    /// The linear predictor of a mean, kept away from its limits.
    pub(super) fn link(self, mean: f64) -> f64 {
        match self {
            Self::Gaussian => mean,
            Self::Binomial => {
                let mean = mean.clamp(1e-6, 1.0 - 1e-6);
                (mean / (1.0 - mean)).ln()
            }
            Self::Poisson => mean.max(1e-6).ln(),
        }
    }

    /// The variance of a response of this mean, which is also the derivative of the mean by the linear predictor.
    pub(super) fn variance(self, mean: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Binomial => mean * (1.0 - mean),
            Self::Poisson => mean,
        }
    }

    /// What a response adds to the deviance.
    pub(super) fn deviance(self, y: f64, mean: f64) -> f64 {
        let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
        match self {
            Self::Gaussian => (y - mean) * (y - mean),
            Self::Binomial => 2.0 * (part(y, mean) + part(1.0 - y, 1.0 - mean)),
            Self::Poisson => 2.0 * (part(y, mean) - (y - mean)),
        }
    }

    /// Checks responses.
    pub(super) fn check(self, y: &[f64]) -> Result<()> {
        for (i, &y) in y.iter().enumerate() {
            let (fits, wanted) = match self {
                Self::Gaussian => (true, "finite"),
                Self::Binomial => ((0.0..=1.0).contains(&y), "0 to 1"),
                Self::Poisson => (y >= 0.0, "not negative"),
            };
            if !fits || !y.is_finite() {
                return Err(Error::parameter(format!(
                    "y has {y} in row {i} (counted from 0); in this family it must be {wanted}"
                )));
            }
        }
        Ok(())
    }
}

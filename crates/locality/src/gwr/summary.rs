//! How well a model fits its own table.

use std::str::FromStr;

use super::family::Response;
use super::table::Table;
use crate::{Error, Result};

/// What a bandwidth is chosen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Criterion {
    /// Akaike's criterion, corrected for small samples.
    #[default]
    Aicc,
    /// Akaike's criterion.
    Aic,
    /// The Bayesian criterion.
    Bic,
    /// Mean squared residual of each row without itself, by the shortcut `r / (1 - leverage)`.
    Cv,
}

impl std::fmt::Display for Criterion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Aicc => "AICc",
            Self::Aic => "AIC",
            Self::Bic => "BIC",
            Self::Cv => "CV",
        })
    }
}

impl FromStr for Criterion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "aicc" => Ok(Self::Aicc),
            "aic" => Ok(Self::Aic),
            "bic" => Ok(Self::Bic),
            "cv" => Ok(Self::Cv),
            _ => Err(Error::parameter(format!(
                "criterion '{text}' is none of aicc, aic, bic, cv"
            ))),
        }
    }
}

/// Figures of a fitted model. `S` is the hat matrix, from responses (or what stands in for them in the last step of a family with steps)
/// to fitted values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// `tr S`, the effective number of parameters.
    pub tr_s: f64,
    /// `tr S^T S`; NaN for several bandwidths.
    pub tr_sts: f64,
    /// Residual sum of squares.
    pub rss: f64,
    /// Residual variance, `RSS / (n - tr S)`.
    pub sigma2: f64,
    /// What variances are multiplied by: `sigma2`, or 1 for binomial and Poisson.
    pub scale: f64,
    /// Deviance of the fitted values; the residual sum of squares for Gaussian.
    pub deviance: f64,
    /// Deviance of the model of one mean.
    pub null_deviance: f64,
    /// `1 - deviance / null_deviance`: R2, or the share of the deviance that is explained.
    pub r2: f64,
    /// The same, adjusted for the number of parameters.
    pub adj_r2: f64,
    /// Akaike's criterion.
    pub aic: f64,
    /// The same, corrected for small samples.
    pub aicc: f64,
    /// The Bayesian criterion.
    pub bic: f64,
    /// Mean squared leave-one-out residual, by the shortcut.
    pub cv: f64,
}

impl Summary {
    pub(super) fn new(table: &Table, fitted: &[f64], own: &[f64], tr_sts: f64) -> Self {
        let n = table.len() as f64;
        let tr_s: f64 = own.iter().sum();
        let residuals = || table.y.iter().zip(fitted).map(|(y, m)| y - m);
        let rss: f64 = residuals().map(|r| r * r).sum();
        let each = table.y.iter().zip(fitted);
        let deviance: f64 = each.map(|(y, m)| table.family.deviance(*y, *m)).sum();
        let null_deviance = table.null_deviance();
        let sigma2 = rss / (n - tr_s);
        let gaussian = table.family == Response::Gaussian;
        let r2 = 1.0 - deviance / null_deviance;
        let alone = |(r, own): (f64, &f64)| {
            if *own < 1.0 {
                (r / (1.0 - own)).powi(2)
            } else {
                f64::INFINITY
            }
        };
        let (base, k) = if gaussian {
            likelihood(n, rss, tr_s)
        } else {
            (deviance, tr_s)
        };
        Self {
            tr_s,
            tr_sts,
            rss,
            sigma2,
            scale: if gaussian { sigma2 } else { 1.0 },
            deviance,
            null_deviance,
            r2,
            adj_r2: 1.0 - (1.0 - r2) * (n - 1.0) / (n - tr_s - 1.0),
            aic: base + 2.0 * k,
            aicc: corrected(n, base, k),
            bic: base + k * n.ln(),
            cv: residuals().zip(own).map(alone).sum::<f64>() / n,
        }
    }

    /// A criterion's value; smaller is better.
    pub fn criterion(&self, criterion: Criterion) -> f64 {
        match criterion {
            Criterion::Aicc => self.aicc,
            Criterion::Aic => self.aic,
            Criterion::Bic => self.bic,
            Criterion::Cv => self.cv,
        }
    }
}

/// Minus twice the logarithm of the likelihood, and the number of parameters, of which the variance is one.
fn likelihood(n: f64, rss: f64, tr_s: f64) -> (f64, f64) {
    let base = n * ((2.0 * std::f64::consts::PI * rss / n).ln() + 1.0);
    (base, tr_s + 1.0)
}

/// Akaike's criterion, corrected for small samples.
fn corrected(n: f64, base: f64, k: f64) -> f64 {
    let room = n - k - 1.0;
    if room <= 0.0 {
        return f64::INFINITY;
    }
    base + 2.0 * k + 2.0 * k * (k + 1.0) / room
}

/// A criterion of a model of (working) responses: from its weighted residual sum of squares, that of the leave-one-out residuals, and the
/// trace of its hat matrix. Working responses have a variance that is known, so that the sum of squares stands for the deviance.
pub(super) fn score(
    (criterion, family): (Criterion, Response),
    n: f64,
    rss: f64,
    tr_s: f64,
    alone: f64,
) -> f64 {
    let (base, k) = if family == Response::Gaussian {
        likelihood(n, rss, tr_s)
    } else {
        (rss, tr_s)
    };
    match criterion {
        Criterion::Aicc => corrected(n, base, k),
        Criterion::Aic => base + 2.0 * k,
        Criterion::Bic => base + k * n.ln(),
        Criterion::Cv => alone / n,
    }
}

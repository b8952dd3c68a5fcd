//! Prediction intervals by localized conformal calibration.
//!
//! At a target the interval is the prediction plus and minus a quantile of the absolute leave-one-out residuals around it, each counted by
//! its sample's weight there and over the deviation that it has for its leverage, times the deviation that a new response has at the target.
//! Outside the samples this grows as the uncertainty of the slopes does, and what the guard takes there from the polynomial's value is added:
//! the interval holds both. Which quantile is learned from the samples: the level is that at which a share of them asked for would have
//! been inside, each judged by the residuals of the others.
//!
//! The variance of a response is inverse to its sample weight, so residuals are counted in units of a response of weight 1, and all alike
//! under the kernel. What a robust fit makes of its residuals has no part in it: responses far off are as likely at new places.
//!
//! Source: L. Guan, *Localized conformal prediction*, Biometrika 110 (2023), with leave-one-out residuals in place of those of a set held
//! out.

use super::predict::Wanted;
use super::regression::LocalRegressionFit;
use crate::{Error, LocalMean, LocalMeanFit, LocalSample, Result, Rows, Watch};

/// What intervals are made of.
#[derive(Clone, Debug)]
pub(super) struct Conformity {
    /// Local means that count samples by the kernel alone; those of the fit where it has no weights.
    means: Option<LocalMeanFit<f64>>,
    /// Absolute leave-one-out residuals of each response over their deviations, `[p][n]`.
    residuals: Vec<Vec<f64>>,
    /// Shares of the weight around a sample whose residuals are smaller than its own, ascending, `[p][n]`.
    ranks: Vec<Vec<f64>>,
}

/// Predictions and intervals at `m` targets of `p` responses.
#[derive(Clone, Debug)]
pub struct Intervals {
    /// `[m, p]`
    pub values: Vec<f64>,
    /// `[m, p]`
    pub lower: Vec<f64>,
    /// `[m, p]`; infinite where no level short of all residuals is enough.
    pub upper: Vec<f64>,
    /// Whether evidence is too thin at a target, `[m]`; see [`LocalFits::thin`](super::LocalFits::thin).
    pub thin: Vec<bool>,
}

impl LocalRegressionFit {
    /// Intervals at targets `[m, d]` that hold a new response of weight 1 with a probability of `level`, on the average over targets like the
    /// samples.
    ///
    /// # Errors
    /// A level outside 0 to 1; as [`at`](Self::at).
    pub fn intervals(
        &self,
        targets: Rows<'_, f64>,
        level: f64,
        watch: &Watch<'_>,
    ) -> Result<Intervals> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::parameter(format!(
                "level={level} must be between 0 and 1, such as 0.9"
            )));
        }
        let conformity = if let Some(conformity) = self.conformity.get() {
            conformity
        } else {
            let made = self.calibrate(watch)?;
            self.conformity.get_or_init(|| made)
        };
        let wanted = Wanted {
            variances: true,
            own: false,
        };
        let fits = self.at_with(targets, wanted, watch)?;
        let values = fits.values().to_vec();
        let divided = self.divide(targets)?;
        let rows = Rows::new(&divided, targets.rows(), targets.columns())?;
        let own = self.polynomial().local_means();
        let means = conformity.means.as_ref().unwrap_or(own);
        let order = means.order();
        let p = conformity.residuals.len();
        let shares: Vec<f64> = conformity.ranks.iter().map(|r| share(r, level)).collect();
        let halves = means.local_samples(rows, watch, |i, sample| {
            // Not a number in an empty region, where there is no residual either.
            let variance = fits.plain_variances()[i];
            let deviation = (1.0 + variance).sqrt().max(1.0);
            let half = |c: usize| {
                let residuals = &conformity.residuals[c];
                let mut pairs = weighted(sample, order, residuals, None);
                quantile(&mut pairs, shares[c]) * deviation + fits.doubts()[i * p + c]
            };
            Ok((0..p).map(half).collect::<Vec<f64>>())
        })?;
        let halves: Vec<f64> = halves.into_iter().flatten().collect();
        let lower = values.iter().zip(&halves).map(|(v, h)| v - h).collect();
        let upper = values.iter().zip(&halves).map(|(v, h)| v + h).collect();
        Ok(Intervals {
            values,
            lower,
            upper,
            thin: fits.thin().to_vec(),
        })
    }

    fn calibrate(&self, watch: &Watch<'_>) -> Result<Conformity> {
        let inner = self.polynomial();
        let diagnostics = inner.diagnostics(watch)?;
        let samples = inner.samples()?;
        let n = samples.rows();
        let p = diagnostics.loo_residuals.len() / n.max(1);
        let given = self.given.as_deref().or(inner.weights());
        let weight = |i: usize| given.map_or(1.0, |w| w[i]);
        let of = |c: usize| -> Vec<f64> {
            let each = diagnostics.loo_residuals[c..].iter().step_by(p.max(1));
            let each = each.zip(&diagnostics.leverage).enumerate();
            each.map(|(i, (r, own))| studentized(*r, *own) * weight(i).sqrt())
                .collect()
        };
        let residuals: Vec<Vec<f64>> = (0..p).map(of).collect();
        let counted = given.map(|_| -> Result<LocalMeanFit<f64>> {
            let counts: Vec<f64> = (0..n)
                .map(|i| f64::from(u8::from(weight(i) > 0.0)))
                .collect();
            let parameters = inner.parameters();
            LocalMean::new(parameters.kernel.clone())
                .neighborhood(parameters.neighborhood.clone())
                .on_empty(parameters.on_empty)
                .fit_watched(
                    samples,
                    Rows::new(&inner.responses(), n, p)?,
                    Some(&counts),
                    watch,
                )
        });
        let counted = counted.transpose()?;
        let means = counted.as_ref().unwrap_or(inner.local_means());
        let order = means.order();
        let ranks = means.local_samples(samples, watch, |i, sample| {
            let rank = |c: usize| {
                let own = residuals[c][i];
                let pairs = weighted(sample, order, &residuals[c], Some(i));
                let total: f64 = pairs.iter().map(|p| p.1).sum();
                let below: f64 = pairs.iter().filter(|p| p.0 < own).map(|p| p.1).sum();
                // Nothing around it: as unusual as can be.
                if total > 0.0 { below / total } else { 1.0 }
            };
            Ok((0..p).map(rank).collect::<Vec<f64>>())
        })?;
        let sorted = |c: usize| {
            let weighing = ranks.iter().enumerate().filter(|(i, _)| weight(*i) > 0.0);
            let mut ranks: Vec<f64> = weighing.map(|(_, r)| r[c]).collect();
            ranks.sort_by(f64::total_cmp);
            ranks
        };
        Ok(Conformity {
            ranks: (0..p).map(sorted).collect(),
            residuals,
            means: counted,
        })
    }
}

/// The size of a leave-one-out residual over its deviation: without its own response the variance of a value is `own / (1 - own)`.
fn studentized(residual: f64, own: f64) -> f64 {
    let rest = (1.0 - own).clamp(0.0, 1.0);
    if rest > 0.0 {
        residual.abs() * rest.sqrt()
    } else {
        residual.abs()
    }
}

/// The share of the residuals around a target that must be inside so that `level` of the samples would have been.
fn share(ranks: &[f64], level: f64) -> f64 {
    let at = ((ranks.len() + 1) as f64 * level).ceil() as usize;
    ranks.get(at.max(1) - 1).copied().unwrap_or(f64::INFINITY)
}

/// Residuals and weights of a sample, all but one of them.
fn weighted(
    sample: LocalSample<'_, f64>,
    order: &[u32],
    residuals: &[f64],
    but: Option<usize>,
) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for (run, weights) in sample.iter() {
        for (&key, &w) in order[run.start.min(order.len())..].iter().zip(weights) {
            let key = key as usize;
            if w > 0.0 && Some(key) != but {
                out.push((residuals[key], w));
            }
        }
    }
    out
}

/// The smallest residual with more than a share of the weight at or below it, or the largest; infinite for a share above 1.
fn quantile(pairs: &mut [(f64, f64)], share: f64) -> f64 {
    if share > 1.0 || pairs.is_empty() {
        return f64::INFINITY;
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = pairs.iter().map(|p| p.1).sum();
    let mut sum = 0.0;
    for (residual, w) in pairs.iter() {
        sum += w;
        if sum > share * total {
            return *residual;
        }
    }
    pairs[pairs.len() - 1].0
}

#[cfg(test)]
mod tests {
    use super::{quantile, share};

    #[test]
    fn quantiles_count_weights() {
        let mut pairs = [(3.0, 1.0), (1.0, 2.0), (2.0, 1.0)];
        for (share, wanted) in [
            (0.0, 1.0),
            (0.49, 1.0),
            (0.5, 2.0),
            (0.74, 2.0),
            (0.75, 3.0),
            (1.0, 3.0),
        ] {
            assert_eq!(quantile(&mut pairs, share), wanted, "{share}");
        }
        assert!(quantile(&mut pairs, 2.0).is_infinite() && quantile(&mut [], 0.5).is_infinite());
        assert_eq!(share(&[0.1, 0.2, 0.3, 0.4], 0.6), 0.3);
        assert!(share(&[0.1, 0.2], 0.9).is_infinite());
    }
}

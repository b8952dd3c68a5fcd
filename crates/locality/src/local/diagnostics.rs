//! How well a local polynomial fits its own samples, and what it would predict without each of them.

use super::polynomial::LocalPolynomialFit;
use super::predict::Wanted;
use crate::{Error, Result, Rows, Watch};

/// What a bandwidth is chosen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Criterion {
    /// Mean squared leave-one-out residual, each over what its sample weight says of its variance.
    #[default]
    LeaveOneOut,
    /// Generalised cross-validation, `n RSS / (n - tr L)^2` (Craven and Wahba 1979).
    Gcv,
    /// The corrected criterion of Akaike, `ln(RSS / n) + 1 + 2 (tr L + 1) / (n - tr L - 2)` (Hurvich, Simonoff and Tsai 1998).
    Aicc,
    /// Mean squared residual of samples predicted by those of the other folds, of so many; a place's samples are in one fold, and places
    /// go to the folds in turn.
    KFold(usize),
}

impl std::str::FromStr for Criterion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "loo" => Ok(Self::LeaveOneOut),
            "gcv" => Ok(Self::Gcv),
            "aicc" => Ok(Self::Aicc),
            other => match other.strip_suffix("-fold").map(str::parse) {
                Some(Ok(folds)) if folds >= 2 => Ok(Self::KFold(folds)),
                _ => Err(Error::parameter(format!(
                    "criterion '{other}' is none of loo, gcv, aicc, or folds such as 5-fold"
                ))),
            },
        }
    }
}

/// The fit at the samples themselves. `L` is the hat matrix, which turns responses into fitted values.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// Fitted values, `[n, p]`.
    pub fitted: Vec<f64>,
    /// Diagonal of `L`, `[n]`.
    pub leverage: Vec<f64>,
    /// `y_i` minus the prediction at `x_i` without sample `i`, `[n, p]`: by the shortcut `(y_i - f_i) / (1 - L_ii)`, exact for fits that
    /// are not shrunk and whose widths are no distances to k-th samples, of which sample `i` is one (a hollow neighbourhood counts the others).
    /// Infinite where a sample alone makes its own value.
    pub loo_residuals: Vec<f64>,
    /// `tr L`, the effective number of parameters.
    pub dof: f64,
    /// `tr L^T L`, with rows over the sample weights.
    pub dof_squared: f64,
    /// Weighted residual sum of squares of each response, `[p]`.
    pub rss: Vec<f64>,
    /// Estimated variance of a response of weight 1, `RSS / (n - 2 tr L + tr L^T L)`, `[p]`.
    pub variance: Vec<f64>,
    /// Whether evidence was too thin at a sample, `[n]`.
    pub thin: Vec<bool>,
    /// Number of samples with a positive weight.
    n: f64,
    /// Weighted mean squared leave-one-out residual of each response.
    loo: Vec<f64>,
}

impl Diagnostics {
    /// A criterion's value, the mean over the responses; smaller is better. Folds need other fits: infinite here.
    pub fn criterion(&self, criterion: Criterion) -> f64 {
        let (n, dof) = (self.n, self.dof);
        let one = |(rss, loo): (&f64, &f64)| match criterion {
            Criterion::LeaveOneOut => *loo,
            Criterion::Gcv if dof < n => n * rss / ((n - dof) * (n - dof)),
            Criterion::Aicc if dof + 2.0 < n => {
                (rss / n).ln() + 1.0 + 2.0 * (dof + 1.0) / (n - dof - 2.0)
            }
            Criterion::Gcv | Criterion::Aicc | Criterion::KFold(_) => f64::INFINITY,
        };
        let all = self.rss.iter().zip(&self.loo).map(one);
        let mean = all.sum::<f64>() / self.rss.len() as f64;
        if mean.is_nan() { f64::INFINITY } else { mean }
    }
}

impl LocalPolynomialFit {
    /// Fits at every sample.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn diagnostics(&self, watch: &Watch<'_>) -> Result<Diagnostics> {
        let wanted = Wanted {
            variances: true,
            own: true,
        };
        self.diagnose(wanted, watch)
    }

    /// A criterion's value, in half the time of all [`diagnostics`](Self::diagnostics); infinite for [`Criterion::KFold`].
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn criterion(&self, criterion: Criterion, watch: &Watch<'_>) -> Result<f64> {
        let wanted = Wanted {
            variances: false,
            own: true,
        };
        Ok(self.diagnose(wanted, watch)?.criterion(criterion))
    }

    /// Weighted mean squared residual of the samples at some places, each predicted without all samples that share its columns, so that a
    /// sample of weight 2 is as good as the same one twice; the mean over the responses, infinite where a place is alone.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub(super) fn loo_error(&self, places: &[Vec<usize>], watch: &Watch<'_>) -> Result<f64> {
        let samples = self.samples()?;
        let first = |place: &Vec<usize>| samples.row(place[0]);
        let some: Vec<f64> = places.iter().flat_map(first).copied().collect();
        let targets = Rows::new(&some, places.len(), samples.columns())?;
        let wanted = Wanted {
            variances: false,
            own: true,
        };
        let fits = self.at_samples(targets, Some(places), wanted, watch)?;
        let p = fits.responses();
        let (mut sum, mut total) = (0.0, 0.0);
        for (k, place) in places.iter().enumerate() {
            let response = |i: usize, c: usize| {
                let slot = self.means.slots()[i] as usize;
                self.design.response(c, slot..slot + 1)[0]
            };
            let weight = |i: usize| self.weights.as_ref().map_or(1.0, |w| w[i]);
            let all: f64 = place.iter().map(|&i| weight(i)).sum();
            total += all;
            let own = fits.own()[k];
            for c in 0..p {
                let mean = place
                    .iter()
                    .map(|&i| weight(i) * response(i, c))
                    .sum::<f64>()
                    / all;
                // What is predicted there without the place: its mean is as far away as one sample's response would be.
                let there = mean - without(mean - fits.values()[k * p + c], own);
                let square = |&i: &usize| weight(i) * (response(i, c) - there).powi(2);
                sum += place.iter().map(square).sum::<f64>() / p as f64;
            }
        }
        Ok(if sum.is_nan() {
            f64::INFINITY
        } else {
            sum / total
        })
    }

    /// The value of [`Criterion::Gcv`] or [`Criterion::Aicc`], with means over the samples at some places in place of those over all.
    pub(super) fn criterion_at(
        &self,
        places: &[Vec<usize>],
        criterion: Criterion,
        watch: &Watch<'_>,
    ) -> Result<f64> {
        let samples = self.samples()?;
        let n = samples.rows() as f64;
        let each: Vec<Vec<usize>> = places.iter().flatten().map(|&i| vec![i]).collect();
        let some: Vec<f64> = each
            .iter()
            .flat_map(|one| samples.row(one[0]))
            .copied()
            .collect();
        let targets = Rows::new(&some, each.len(), samples.columns())?;
        let wanted = Wanted {
            variances: false,
            own: true,
        };
        let fits = self.at_samples(targets, Some(&each), wanted, watch)?;
        let (p, m) = (fits.responses(), each.len() as f64);
        let mut rss = vec![0.0; p];
        for (k, one) in each.iter().enumerate() {
            let weight = self.weights.as_ref().map_or(1.0, |w| w[one[0]]);
            let slot = self.means.slots()[one[0]] as usize;
            for (c, rss) in rss.iter_mut().enumerate() {
                let residual =
                    self.design.response(c, slot..slot + 1)[0] - fits.values()[k * p + c];
                *rss += weight * residual * residual * n / m;
            }
        }
        let out = Diagnostics {
            fitted: Vec::new(),
            leverage: Vec::new(),
            loo_residuals: Vec::new(),
            dof: fits.own().iter().sum::<f64>() * n / m,
            dof_squared: 0.0,
            loo: vec![0.0; p],
            rss,
            variance: Vec::new(),
            thin: Vec::new(),
            n,
        };
        Ok(out.criterion(criterion))
    }

    fn diagnose(&self, wanted: Wanted, watch: &Watch<'_>) -> Result<Diagnostics> {
        let samples = self.samples()?;
        let fits = self.at_with(samples, wanted, watch)?;
        let (n, p) = (samples.rows(), fits.responses());
        let mut out = Diagnostics {
            fitted: fits.values().to_vec(),
            leverage: fits.own().to_vec(),
            loo_residuals: vec![0.0; n * p],
            dof: 0.0,
            dof_squared: 0.0,
            rss: vec![0.0; p],
            variance: vec![f64::NAN; p],
            thin: fits.thin().to_vec(),
            n: 0.0,
            loo: vec![0.0; p],
        };
        let step = 1 + fits.features();
        for i in 0..n {
            let weight = self.weights.as_ref().map_or(1.0, |w| w[i]);
            let slot = self.means.slots()[i] as usize;
            let own = out.leverage[i];
            for c in 0..p {
                let residual = self.design.response(c, slot..slot + 1)[0] - out.fitted[i * p + c];
                let left = 1.0 - own;
                let without = if left > 1e-12 {
                    residual / left
                } else {
                    f64::INFINITY
                };
                out.loo_residuals[i * p + c] = without;
                if weight > 0.0 {
                    out.rss[c] += weight * residual * residual;
                    out.loo[c] += weight * without * without;
                }
            }
            if weight > 0.0 {
                out.n += 1.0;
                out.dof += own;
                if wanted.variances {
                    out.dof_squared += weight * fits.variances()[i * step];
                }
            }
        }
        let total = match &self.weights {
            None => out.n,
            Some(w) => w.iter().sum(),
        };
        for loo in &mut out.loo {
            *loo /= total;
        }
        if wanted.variances {
            let left = out.n - 2.0 * out.dof + out.dof_squared;
            for (variance, rss) in out.variance.iter_mut().zip(&out.rss) {
                *variance = if left > 0.0 { rss / left } else { f64::NAN };
            }
        }
        Ok(out)
    }
}

/// The residual of a sample that has no part in its own prediction.
fn without(residual: f64, own: f64) -> f64 {
    let left = 1.0 - own;
    if left > 1e-12 {
        residual / left
    } else {
        f64::INFINITY
    }
}

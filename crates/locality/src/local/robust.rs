//! Local regression in any number of columns that outliers do not bend: the bisquare or Huber's weights of the residuals, and the fit again.

use super::regression::{Choice, LocalRegression, LocalRegressionFit, Search};
use crate::{Error, Result, Rows, Watch};

/// What a residual counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// `(1 - (r / 6 s)^2)^2` within six times the median absolute residual `s`, 0 beyond.
    #[default]
    Bisquare,
    /// `1` within `1.345 s / 0.6745`, that over `|r|` beyond.
    Huber,
}

impl std::str::FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "bisquare" => Ok(Self::Bisquare),
            "huber" => Ok(Self::Huber),
            other => Err(Error::parameter(format!(
                "robust loss '{other}' is none of bisquare, huber"
            ))),
        }
    }
}

/// Iterations that give responses far from what is fitted less weight. With the bisquare, the tricube kernel and a `knn` this is
/// Cleveland's LOWESS, in any number of columns and for several responses, whose residuals count together.
///
/// ```
/// use locality::local::{LocalRegression, Robust};
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..40).map(f64::from).collect();
/// let mut y: Vec<f64> = x.iter().map(|x| 2.0 * x + x.sin() / 10.0).collect();
/// y[20] = 1000.0;
/// let model = LocalRegression::new("tricube(knn=12)".parse()?).robust(Robust::default());
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &Watch::default())?;
/// assert!((fit.at(Rows::column(&[20.0]), &Watch::default())?.values()[0] - 40.0).abs() < 0.3);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: W. S. Cleveland, *Robust locally weighted regression and smoothing scatterplots*, JASA 74 (1979); P. J. Huber, *Robust estimation of a
/// location parameter*, Annals of Mathematical Statistics 35 (1964).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Robust {
    /// What a residual counts for.
    pub loss: Loss,
    /// How often weights are made anew; 3 by default.
    pub iterations: usize,
}

impl Default for Robust {
    fn default() -> Self {
        Self {
            loss: Loss::Bisquare,
            iterations: 3,
        }
    }
}

type Data<'a> = (Rows<'a, f64>, Rows<'a, f64>, Option<&'a [f64]>);

impl LocalRegression {
    /// The fit under weights of its own residuals. A bandwidth that was searched is searched once more under the weights that the first
    /// choice ends with, since outliers would have made it too wide; then the iterations start again.
    pub(super) fn fit_robust(
        &self,
        robust: Robust,
        choice: Choice,
        data: Data<'_>,
        watch: &Watch<'_>,
    ) -> Result<LocalRegressionFit> {
        let (samples, responses, weights) = data;
        let mut choice = choice;
        if self.search.in_force(&self.kernel) != Search::Given && robust.iterations > 0 {
            let first = self.iterate(robust, &choice, data, watch)?;
            let under = first.polynomial().weights.as_deref();
            let tried = first.tried().to_vec();
            choice = self.choose(samples, responses, under, weights, watch)?;
            choice.tried.extend(tried);
        }
        if robust.iterations == 0 {
            return self.fit_chosen(choice, samples, responses, weights, watch);
        }
        self.iterate(robust, &choice, data, watch)
    }

    fn iterate(
        &self,
        robust: Robust,
        choice: &Choice,
        (samples, responses, weights): Data<'_>,
        watch: &Watch<'_>,
    ) -> Result<LocalRegressionFit> {
        let mut fit = self.fit_chosen(choice.clone(), samples, responses, weights, watch)?;
        for _ in 0..robust.iterations {
            watch.check()?;
            let sizes = sizes(&fit, samples, responses, weights, watch)?;
            let counts = robust.loss.counts(&sizes, weights);
            let under: Vec<f64> = match weights {
                None => counts,
                Some(w) => w.iter().zip(counts).map(|(w, c)| w * c).collect(),
            };
            fit = self.fit_chosen(choice.clone(), samples, responses, Some(&under), watch)?;
        }
        fit.given = Some(weights.map_or_else(|| vec![1.0; samples.rows()], <[f64]>::to_vec));
        Ok(fit)
    }
}

/// Sizes of the residuals, `[n]`: root mean squares over the responses, each in units of its own median. Residuals that are rounding noise
/// count as 0; where most of them are, all others are infinite.
fn sizes(
    fit: &LocalRegressionFit,
    samples: Rows<'_, f64>,
    responses: Rows<'_, f64>,
    weights: Option<&[f64]>,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let values = fit.at(samples, &watch.quiet())?;
    let p = responses.columns();
    let mut out = vec![0.0; responses.rows()];
    for c in 0..p {
        let fitted = values.values().iter().skip(c).step_by(p);
        let pairs = responses.iter().zip(fitted);
        let each: Vec<f64> = pairs.map(|(y, f)| (y[c] - f).abs()).collect();
        let largest = responses.iter().fold(0.0, |a: f64, y| a.max(y[c].abs()));
        let noise = 32.0 * f64::EPSILON * largest;
        let unit = median(weighing(&each, weights));
        for (out, r) in out.iter_mut().zip(each) {
            *out += if r <= noise {
                0.0
            } else if unit <= noise {
                f64::INFINITY
            } else {
                (r / unit).powi(2) / p as f64
            };
        }
    }
    Ok(out.into_iter().map(f64::sqrt).collect())
}

impl Loss {
    /// What each residual counts for, `[n]`.
    fn counts(self, sizes: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let scale = median(weighing(sizes, weights));
        let one = |r: &f64| {
            if *r == 0.0 {
                return 1.0;
            }
            let u = r / scale;
            match self {
                Self::Bisquare => {
                    let u = (u / 6.0).min(1.0);
                    (1.0 - u * u) * (1.0 - u * u)
                }
                Self::Huber => (1.345 / 0.6745 / u).min(1.0),
            }
        };
        sizes.iter().map(one).collect()
    }
}

/// Those of samples with a weight.
fn weighing(sizes: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
    let each = sizes.iter().enumerate();
    let some = each.filter(|(i, _)| weights.is_none_or(|w| w[*i] > 0.0));
    some.map(|(_, r)| *r).collect()
}

/// The median, of an even number the mean of both in the middle; 0 of nothing.
fn median(mut x: Vec<f64>) -> f64 {
    if x.is_empty() {
        return 0.0;
    }
    x.sort_by(f64::total_cmp);
    0.5 * (x[(x.len() - 1) / 2] + x[x.len() / 2])
}

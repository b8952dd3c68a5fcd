//! Discriminant analysis, local: classes told apart by normal distributions around each target.

use super::lifted::LocalModel;
use crate::{Error, Result};

/// Shares of classes below this are none.
const NOBODY: f64 = 1e-12;

/// What the normal distributions of the classes have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Covariance {
    /// One covariance for all classes: linear discriminant analysis.
    #[default]
    Shared,
    /// One for each class: quadratic discriminant analysis.
    PerClass,
    /// One variance for each class and column: naive Bayes.
    Diagonal,
}

impl std::str::FromStr for Covariance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lda" => Ok(Self::Shared),
            "qda" => Ok(Self::PerClass),
            "naive-bayes" => Ok(Self::Diagonal),
            other => Err(Error::parameter(format!(
                "method '{other}' is none of lda, qda, naive-bayes"
            ))),
        }
    }
}

/// Linear or quadratic discriminant analysis, or Gaussian naive Bayes, as a [`LocalModel`]: responses are class indicators `[n, classes]`,
/// predictions the probabilities of the classes under normal distributions with local shares, means and covariances.
///
/// ```
/// use locality::local::{Covariance, Discriminant, Localized};
/// use locality::{Kernel, Rows, Watch};
/// let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 10.0).collect();
/// let classes: Vec<f64> = x.iter().flat_map(|x| if *x < 2.0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
/// let (watch, model) = (Watch::default(), Discriminant::new(Covariance::Shared, 0.1)?);
/// let fit = Localized::new(model, Kernel::gaussian(1.0));
/// let fit = fit.fit_lifted(Rows::column(&x), Rows::new(&classes, 40, 2)?, None, &watch)?;
/// let shares = fit.at(Rows::column(&[0.5, 3.5]), &watch)?;
/// assert!(shares[0] > 0.9 && shares[3] > 0.9);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: R. A. Fisher, *The use of multiple measurements in taxonomic problems* (1936); I. Czogiel, K. Luebke, M. Zentgraf, C. Weihs,
/// *Localized linear discriminant analysis* (2007).
#[derive(Clone, Copy, Debug)]
pub struct Discriminant {
    covariance: Covariance,
    shrinkage: f64,
}

impl Discriminant {
    /// A kind of covariance, and the share of it, 0 to 1, that is replaced by a multiple of the identity of the trace that the shared
    /// covariance has.
    ///
    /// # Errors
    /// A shrinkage outside 0 to 1.
    pub fn new(covariance: Covariance, shrinkage: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&shrinkage) {
            return Err(Error::parameter(format!(
                "shrinkage={shrinkage} must be between 0 and 1"
            )));
        }
        Ok(Self {
            covariance,
            shrinkage,
        })
    }

    /// Numbers of a class: its share, its sums of columns and of their products.
    fn stride(self, d: usize) -> usize {
        match self.covariance {
            Covariance::Diagonal => 1 + 2 * d,
            _ => 1 + d + d * (d + 1) / 2,
        }
    }

    /// Adds a class's covariance, from its mean of products, to a lower triangle.
    fn add_spread(self, class: &[f64], mean: &[f64], out: &mut [f64]) {
        let d = mean.len();
        let products = &class[1 + d..];
        if self.covariance == Covariance::Diagonal {
            for j in 0..d {
                out[at(j, j)] += (products[j] - class[0] * mean[j] * mean[j]).max(0.0);
            }
            return;
        }
        for i in 0..d {
            for j in 0..=i {
                out[at(i, j)] += products[at(i, j)] - class[0] * mean[i] * mean[j];
            }
        }
    }

    /// Shrinks a covariance in place towards a variance; a direction of no extent gets a little of it.
    fn shrink(self, spread: &mut [f64], level: f64, d: usize) {
        for i in 0..d {
            for j in 0..=i {
                spread[at(i, j)] *= 1.0 - self.shrinkage;
            }
            spread[at(i, i)] += (self.shrinkage + 1e-9) * level;
        }
    }
}

fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

impl LocalModel for Discriminant {
    fn lifted(&self, columns: usize, responses: usize) -> usize {
        responses * self.stride(columns)
    }

    fn lift(&self, x: &[f64], y: &[f64], out: &mut [f64]) {
        let d = x.len();
        out.fill(0.0);
        for (share, out) in y.iter().zip(out.chunks_exact_mut(self.stride(d))) {
            if *share == 0.0 {
                continue;
            }
            out[0] = *share;
            for (o, x) in out[1..].iter_mut().zip(x) {
                *o = share * x;
            }
            let products = &mut out[1 + d..];
            for i in 0..d {
                if self.covariance == Covariance::Diagonal {
                    products[i] = share * x[i] * x[i];
                } else {
                    for j in 0..=i {
                        products[at(i, j)] = share * x[i] * x[j];
                    }
                }
            }
        }
    }

    fn outputs(&self, _columns: usize, responses: usize) -> usize {
        responses
    }

    fn read(&self, mean: &[f64], target: &[f64], out: &mut [f64]) {
        let d = target.len();
        let classes: Vec<&[f64]> = mean.chunks_exact(self.stride(d)).collect();
        let middle = |class: &[f64]| -> Vec<f64> {
            let sums = &class[1..=d];
            sums.iter().map(|s| s / class[0]).collect()
        };
        let size = d * (d + 1) / 2;
        let mut pooled = vec![0.0; size];
        for class in classes.iter().filter(|c| c[0] > NOBODY) {
            self.add_spread(class, &middle(class), &mut pooled);
        }
        let trace: f64 = (0..d).map(|j| pooled[at(j, j)].max(0.0)).sum();
        let level = trace / d.max(1) as f64;
        if self.covariance == Covariance::Shared {
            self.shrink(&mut pooled, level, d);
        } else {
            pooled.fill(0.0);
        }
        for (class, out) in classes.iter().zip(&mut *out) {
            if class[0] <= NOBODY {
                *out = f64::NEG_INFINITY;
                continue;
            }
            let center = middle(class);
            let mut spread = pooled.clone();
            if self.covariance != Covariance::Shared {
                self.add_spread(class, &center, &mut spread);
                for s in &mut spread {
                    *s /= class[0];
                }
                self.shrink(&mut spread, level, d);
            }
            let apart: Vec<f64> = target.iter().zip(&center).map(|(t, c)| t - c).collect();
            *out = class[0].ln() + log_normal(spread, apart);
        }
        // Probabilities out of logarithms.
        let top = out.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        for o in &mut *out {
            *o = (*o - top).exp();
        }
        let total: f64 = out.iter().sum();
        for o in out {
            *o /= total;
        }
    }
}

/// Logarithm of a normal density with a covariance, lower triangle, at some distance from its centre, up to a constant; columns of no extent at all
/// are left aside.
fn log_normal(mut spread: Vec<f64>, mut apart: Vec<f64>) -> f64 {
    let d = apart.len();
    let mut log = 0.0;
    for j in 0..d {
        let own = spread[at(j, j)];
        for k in 0..j {
            spread[at(j, j)] -= spread[at(j, k)] * spread[at(j, k)];
        }
        let pivot = spread[at(j, j)];
        if pivot <= 1e-14 * own || pivot <= 0.0 {
            // Nothing new in this direction.
            for i in j..d {
                spread[at(i, j)] = 0.0;
            }
            continue;
        }
        let root = pivot.sqrt();
        spread[at(j, j)] = root;
        for k in 0..j {
            apart[j] -= spread[at(j, k)] * apart[k];
        }
        apart[j] /= root;
        log -= root.ln() + 0.5 * apart[j] * apart[j];
        for i in j + 1..d {
            for k in 0..j {
                spread[at(i, j)] -= spread[at(i, k)] * spread[at(j, k)];
            }
            spread[at(i, j)] /= root;
        }
    }
    log
}

//! Local polynomial regression: parameters, and the fit that answers at targets.

use super::design::{Design, count};
use crate::{Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch};

/// More features than this would take longer than anybody waits, at each single target.
const MOST_FEATURES: usize = 1000;

/// The parameters of local polynomial regression: at each target a polynomial in `x - target` is fitted to the samples around it
/// by weighted least squares, `sum_i c_i K(x*, x_i) (y_i - P(x_i - x*))^2`, and its constant is the prediction.
///
/// Degree 0 is the local mean, degree 1 (the default) local linear regression. Kernel and polynomial may look at different columns
/// ([`on`](Self::on)): with a kernel on coordinates and a polynomial in covariates this is geographically weighted
/// regression.
///
/// Fits are guarded unless [`guard`](Self::guard) says otherwise. Where a target has fewer effective samples than twice the number of
/// coefficients, where columns hardly differ from combinations of others, or where the target is far outside its samples,
/// slopes are shrunk, those of higher degree first, so that the prediction turns smoothly into the local mean;
/// [`LocalFits::thin`](super::LocalFits::thin) says where.
///
/// ```
/// use locality::local::LocalPolynomial;
/// use locality::{Rows, Watch};
/// let x: Vec<f64> = (0..20).map(f64::from).collect();
/// let y: Vec<f64> = x.iter().map(|x| 3.0 - 0.5 * x).collect();
/// let watch = Watch::default();
/// let model = LocalPolynomial::new("tricube(knn=8)".parse()?);
/// let fit = model.fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// let at = fit.at(Rows::column(&[4.25, 12.0]), &watch)?;
/// // A line is found as it is, with its slope.
/// assert!((at.values()[0] - 0.875).abs() < 1e-12 && (at.slopes()[0] + 0.5).abs() < 1e-12);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// Sources: C. J. Stone, *Consistent nonparametric regression*, Annals of Statistics 5 (1977); W. S. Cleveland, S. J. Devlin,
/// *Locally weighted regression*, JASA 83 (1988); J. Fan, I. Gijbels, *Local polynomial modelling and its applications* (1996).
#[derive(Clone, Debug)]
pub struct LocalPolynomial {
    pub(crate) kernel: Kernel,
    pub(crate) neighborhood: Neighborhood,
    pub(crate) on_empty: OnEmpty,
    pub(crate) degree: usize,
    pub(crate) ridge: f64,
    pub(crate) guard: bool,
    pub(crate) columns: Option<Vec<usize>>,
}

impl LocalPolynomial {
    /// Local linear regression under a kernel.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            neighborhood: Neighborhood::default(),
            on_empty: OnEmpty::Error,
            degree: 1,
            ridge: 0.0,
            guard: true,
            columns: None,
        }
    }

    /// The degree of the polynomial; 1 by default.
    #[must_use]
    pub fn degree(mut self, degree: usize) -> Self {
        self.degree = degree;
        self
    }

    /// The penalty on the squared coefficients, in units in which each feature has unit variance under the weights and these sum up
    /// to one; 0 by default.
    #[must_use]
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.ridge = ridge;
        self
    }

    /// Whether slopes are shrunk where evidence is thin; they are by default. Without a guard only directions without any variance
    /// are left out.
    #[must_use]
    pub fn guard(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// The columns of the polynomial, counted from 0; all by default. The kernel names its own.
    #[must_use]
    pub fn on(mut self, columns: impl Into<Vec<usize>>) -> Self {
        self.columns = Some(columns.into());
        self
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// What to answer where no sample weighs; an error by default.
    #[must_use]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.on_empty = on_empty;
        self
    }

    /// The same with another kernel: what a search for a bandwidth tries.
    #[must_use]
    pub fn with_kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Lays out samples `[n, d]` with responses `[n, p]` and, optionally, sample weights `[n]`: the variance of a response is
    /// inverse to its weight.
    ///
    /// # Errors
    /// As [`LocalMean::fit`]; a column that is not there, a ridge that is negative or not finite, a degree with more
    /// than 1000 coefficients.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        responses: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalPolynomialFit> {
        let d = samples.columns();
        let columns = match &self.columns {
            None => (0..d).collect(),
            Some(columns) => columns.clone(),
        };
        if let Some(c) = columns.iter().find(|c| **c >= d) {
            return Err(Error::parameter(format!(
                "columns has {c}, but samples have the columns 0 to {}",
                d.saturating_sub(1)
            )));
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return Err(Error::parameter(format!(
                "ridge={} must be finite and not negative",
                self.ridge
            )));
        }
        if count(columns.len(), self.degree).is_none_or(|q| q > MOST_FEATURES) {
            return Err(Error::parameter(format!(
                "degree={} in {} columns has more than {MOST_FEATURES} coefficients; lower the degree or choose fewer columns",
                self.degree,
                columns.len()
            )));
        }
        let means = LocalMean::new(self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .on_empty(self.on_empty)
            .fit_watched(samples, responses, weights, watch)?;
        let column = |i: usize, c: usize| samples.row(i)[columns[c]];
        let response = |i: usize, c: usize| responses.row(i)[c];
        let shape = (columns.len(), responses.columns());
        let order = means.order();
        let design = Design::new(order, shape, self.degree, column, response, weights);
        Ok(LocalPolynomialFit {
            parameters: self.clone(),
            columns,
            means,
            design,
            weights: weights.map(<[f64]>::to_vec),
            samples: samples.to_vec(),
        })
    }

    pub(super) fn policy(&self) -> OnEmpty {
        self.on_empty
    }

    pub(super) fn rules(&self, design: &Design) -> super::solve::Rules {
        super::solve::Rules {
            linear: design.linear(),
            ridge: self.ridge,
            guard: self.guard,
        }
    }
}

/// Samples laid out for targets; made by [`LocalPolynomial::fit`].
#[derive(Clone, Debug)]
pub struct LocalPolynomialFit {
    pub(super) parameters: LocalPolynomial,
    /// Of the polynomial.
    pub(super) columns: Vec<usize>,
    pub(super) means: LocalMeanFit<f64>,
    pub(super) design: Design,
    pub(crate) weights: Option<Vec<f64>>,
    /// `[n, d]`
    pub(crate) samples: Vec<f64>,
}

impl LocalPolynomialFit {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &LocalPolynomial {
        &self.parameters
    }

    /// The local means under the same kernel: their weights are those of the samples behind a prediction.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        &self.means
    }

    /// Weights of the samples, `[n]`; of a robust fit, times what their residuals count for.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The samples, `[n, d]`.
    ///
    /// # Errors
    /// None in practice: they were checked when they came in.
    pub fn samples(&self) -> Result<Rows<'_, f64>> {
        let d = self.means.columns();
        Rows::new(&self.samples, self.samples.len() / d.max(1), d)
    }

    /// Number of responses, `p`.
    pub fn n_responses(&self) -> usize {
        self.design.responses()
    }

    /// The responses, `[n, p]`.
    pub(crate) fn responses(&self) -> Vec<f64> {
        let p = self.design.responses();
        let slots = self.means.slots().iter().map(|s| *s as usize);
        let row = |s: usize| (0..p).map(move |c| self.design.response(c, s..s + 1)[0]);
        slots.flat_map(row).collect()
    }
}

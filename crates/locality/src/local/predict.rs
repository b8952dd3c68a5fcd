//! Predictions of local polynomials at targets.

use locality_core::isa::dispatch;

use super::model::check_hollow;
use super::moments::Sum;
use super::polynomial::LocalPolynomialFit;
use super::solve::{Solution, THIN};
use crate::{LocalSample, OnEmpty, Result, Rows, Watch};

/// What is asked for besides values and slopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Variances of values and coefficients, in units of a response's variance: takes twice the time.
    pub variances: bool,
    /// Targets are the samples in their own order; asks for what each one's own response adds to its value.
    pub own: bool,
}

/// Local fits at `m` targets of `p` responses, with `q` features each.
#[derive(Clone, Debug, Default)]
pub struct LocalFits {
    p: usize,
    q: usize,
    values: Vec<f64>,
    slopes: Vec<f64>,
    variances: Vec<f64>,
    own: Vec<f64>,
    effective: Vec<f64>,
    shrinkage: Vec<f64>,
    thin: Vec<bool>,
    doubts: Vec<f64>,
    plain_variances: Vec<f64>,
}

impl LocalFits {
    /// Predictions, `[m, p]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of features: of the polynomial's terms without the constant.
    pub fn features(&self) -> usize {
        self.q
    }

    /// Number of responses.
    pub fn responses(&self) -> usize {
        self.p
    }

    /// Coefficients of the features of `x - target`, `[m, p, q]`: first the derivatives of the regression function by the columns,
    /// then those of the products by degree.
    pub fn slopes(&self) -> &[f64] {
        &self.slopes
    }

    /// Variances of the value and of each slope, `[m, 1 + q]`, in units of the variance of a response of weight 1; empty
    /// unless [wanted](Wanted::variances). The first of each row is the squared norm of the target's hat row.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The derivative of each sample's value by its own response, `[m]`, the diagonal of the hat matrix; empty unless
    /// [wanted](Wanted::own).
    pub fn own(&self) -> &[f64] {
        &self.own
    }

    /// Effective numbers of samples, `(sum w)^2 / sum w^2`, `[m]`; 0 in an empty region.
    pub fn effective_samples(&self) -> &[f64] {
        &self.effective
    }

    /// The largest share of a direction's slope that the guard took, `[m]`: 0 for a plain fit, 1 where a direction was given up. Collinear
    /// columns count as far as the target leaves the plane that they lie in.
    pub fn shrinkage(&self) -> &[f64] {
        &self.shrinkage
    }

    /// Whether evidence was too thin for all of the polynomial, `[m]`: [`shrinkage`](Self::shrinkage) above a tenth, or an empty
    /// region. At the ends of a well-sampled curve the guard takes a few hundredths at the most.
    pub fn thin(&self) -> &[bool] {
        &self.thin
    }

    /// How far each value is from what the polynomial says, where the guard does not believe it that far out, `[m, p]`.
    pub(super) fn doubts(&self) -> &[f64] {
        &self.doubts
    }

    /// Variances of what the polynomial says, `[m]`, in units of the variance of a response of weight 1; empty unless
    /// [wanted](Wanted::variances).
    pub(super) fn plain_variances(&self) -> &[f64] {
        &self.plain_variances
    }

    /// Slopes and their variances by features in other units.
    pub(super) fn rescale(&mut self, units: &[f64]) {
        if self.q == 0 {
            return;
        }
        for slopes in self.slopes.chunks_exact_mut(self.q) {
            for (s, unit) in slopes.iter_mut().zip(units) {
                *s /= unit;
            }
        }
        for row in self.variances.chunks_exact_mut(1 + self.q) {
            for (v, unit) in row[1..].iter_mut().zip(units) {
                *v /= unit * unit;
            }
        }
    }

    fn push(&mut self, one: One) {
        self.values.extend(one.values);
        self.slopes.extend(one.slopes);
        self.variances.extend(one.variances);
        self.own.extend(one.own);
        self.effective.push(one.effective);
        self.thin.push(one.shrinkage > THIN);
        self.shrinkage.push(one.shrinkage);
        self.doubts.extend(one.doubts);
        self.plain_variances.extend(one.plain_variance);
    }
}

/// The fit at one target.
struct One {
    values: Vec<f64>,
    slopes: Vec<f64>,
    variances: Vec<f64>,
    own: Option<f64>,
    effective: f64,
    shrinkage: f64,
    doubts: Vec<f64>,
    plain_variance: Option<f64>,
}

impl LocalPolynomialFit {
    /// Predictions and slopes at targets `[m, d]`.
    ///
    /// # Errors
    /// Targets with another number of columns or with NaN or infinite numbers, an empty region under [`OnEmpty::Error`], or an
    /// interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<LocalFits> {
        self.at_with(targets, Wanted::default(), watch)
    }

    /// The same with what else is wanted.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn at_with(
        &self,
        targets: Rows<'_, f64>,
        wanted: Wanted,
        watch: &Watch<'_>,
    ) -> Result<LocalFits> {
        self.at_samples(targets, None, wanted, watch)
    }

    /// The same where target `i` is where the samples `places[i]` are, or sample `i`.
    pub(super) fn at_samples(
        &self,
        targets: Rows<'_, f64>,
        places: Option<&[Vec<usize>]>,
        wanted: Wanted,
        watch: &Watch<'_>,
    ) -> Result<LocalFits> {
        if places.is_none() {
            let n = self.means.order().len();
            check_hollow(&self.parameters.neighborhood, targets.rows(), n)?;
        }
        let fits = self.means.local_samples(targets, watch, |i, sample| {
            let own = places.map_or(std::slice::from_ref(&i), |places| &places[i]);
            Ok(self.one(own, targets.row(i), sample, wanted))
        })?;
        let mut out = LocalFits {
            p: self.design.responses(),
            q: self.design.features(),
            ..LocalFits::default()
        };
        // The local mean's own policy answers for empty regions.
        let mut means = None;
        for (i, fit) in fits.into_iter().enumerate() {
            let mut fit = fit;
            if fit.effective == 0.0 && self.parameters.policy() != OnEmpty::Nan {
                let means = match &mut means {
                    Some(means) => means,
                    none => none.insert(self.means.at(targets, &watch.quiet())?.means),
                };
                fit.values = means[i * out.p..][..out.p].to_vec();
            }
            out.push(fit);
        }
        Ok(out)
    }

    fn one(
        &self,
        place: &[usize],
        target: &[f64],
        sample: LocalSample<'_, f64>,
        wanted: Wanted,
    ) -> One {
        let (p, q) = (self.design.responses(), self.design.features());
        let target: Vec<f64> = self.columns.iter().map(|&c| target[c]).collect();
        let moments = dispatch(Sum {
            design: &self.design,
            sample,
            target: &target,
            with_second: wanted.variances,
        });
        let rules = self.parameters.rules(&self.design);
        let width = if wanted.variances { 1 + q } else { 0 };
        let Some(solution) = Solution::new(&moments, rules) else {
            return One {
                values: vec![f64::NAN; p],
                slopes: vec![f64::NAN; p * q],
                variances: vec![f64::NAN; width],
                own: wanted.own.then_some(f64::NAN),
                effective: 0.0,
                shrinkage: 1.0,
                doubts: vec![0.0; p],
                plain_variance: wanted.variances.then_some(f64::NAN),
            };
        };
        let mut slopes = vec![0.0; p * q];
        let value = |c: usize| {
            let own = &mut slopes[c * q..][..q];
            solution.response(&moments, c, own)
        };
        let values: Vec<f64> = (0..p).map(value).collect();
        let doubts = (0..)
            .zip(&values)
            .map(|(c, value)| solution.doubt(&moments, c, *value));
        let doubts = doubts.collect();
        let mut variances = vec![0.0; width];
        if wanted.variances {
            solution.variances(&moments, &mut variances);
        }
        let own = wanted.own.then(|| {
            let slot = |&i: &usize| self.means.slots()[i] as usize;
            let weights = place.iter().map(|i| weight_at(sample, slot(i)));
            solution.own(weights.sum())
        });
        One {
            values,
            slopes,
            variances,
            own,
            effective: solution.effective,
            shrinkage: solution.taken(),
            doubts,
            plain_variance: wanted.variances.then(|| solution.plain_variance(&moments)),
        }
    }
}

/// The weight of a slot in a sample.
fn weight_at(sample: LocalSample<'_, f64>, slot: usize) -> f64 {
    let mut runs = sample.iter();
    let found = runs.find(|(run, _)| run.contains(&slot));
    found.map_or(0.0, |(run, weights)| weights[slot - run.start])
}

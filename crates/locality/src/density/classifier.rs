//! Classification by the local mean of the classes.

use super::bandwidth::{Aim, BandwidthChoice, Data, open_gaussian, resolve};
use super::likelihood::{Grouped, shuffled};
use super::parameters::check_samples;
use crate::{
    Error, Float, Kernel, LocalMean, LocalMeanFit, Mask, Neighborhood, OnEmpty, Region, Result,
    Rows, Watch,
};

/// Most samples that are predicted when a bandwidth is chosen.
const MOST: usize = 2048;
/// What the probabilities may be off by meanwhile.
const TOLERANCE: f64 = 1e-5;

/// How probable the classes are before a sample is seen.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Priors {
    /// As in the training samples, by weight.
    #[default]
    Observed,
    /// All alike.
    Uniform,
    /// These, one for each class; they are divided by their sum.
    Given(Vec<f64>),
}

/// The parameters of the kernel (Parzen) classifier: `P(class k | x)` is the share of class `k` among the weights that the samples have
/// at `x`, the Nadaraya-Watson mean of the class indicators. With [`Priors`] and a common bandwidth it is Bayes' rule on kernel
/// densities of the classes.
///
/// ```
/// use locality::{Rows, Watch, density::KernelClassifier};
/// let x = [0.0, 0.3, 0.4, 2.0, 2.2, 2.9];
/// let fit = KernelClassifier::new().bandwidth(0.5).fit(Rows::column(&x), &[0, 0, 0, 1, 1, 1], 2, &Watch::default())?;
/// let at = fit.predict_proba(Rows::column(&[0.2, 2.5]), &Watch::default())?;
/// assert!(at[0] > 0.99_f64 && at[3] > 0.99);
/// assert_eq!(fit.predict(Rows::column(&[0.2, 2.5]), &Watch::default())?, [0, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KernelClassifier {
    pub(crate) kernel: Kernel,
    pub(crate) bandwidth: BandwidthChoice,
    pub(crate) neighborhood: Neighborhood,
    pub(crate) on_empty: OnEmpty,
    pub(crate) tolerance: f64,
    pub(crate) priors: Priors,
}

/// A classifier made by [`KernelClassifier`].
#[derive(Clone, Debug)]
pub struct KernelClassifierFit<T> {
    parameters: KernelClassifier,
    kernel: Kernel,
    means: LocalMeanFit<T>,
    classes: usize,
    pub(crate) columns: usize,
    /// As given.
    pub(crate) samples: Vec<T>,
    pub(crate) known: Vec<usize>,
    pub(crate) weights: Option<Vec<T>>,
}

impl Default for KernelClassifier {
    fn default() -> Self {
        Self::new()
    }
}

impl KernelClassifier {
    /// A Gaussian, the bandwidth of the smallest leave-one-out log loss, observed priors, the nearest sample's class where no sample
    /// has weight.
    pub fn new() -> Self {
        Self {
            kernel: open_gaussian(),
            bandwidth: BandwidthChoice::Auto,
            neighborhood: Neighborhood::all(),
            on_empty: OnEmpty::Nearest,
            tolerance: 0.0,
            priors: Priors::Observed,
        }
    }

    /// Any kernel. Parts without a bandwidth take the model's, except `uniform(cols=..)`, which keeps the samples that agree there.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// The bandwidth of what has none in the kernel: a number, one per column, or a rule;
    /// [`Likelihood`](BandwidthChoice::Likelihood) and [`Auto`](BandwidthChoice::Auto) make the leave-one-out log loss smallest, each
    /// prediction being mixed with one part in `n` of the classes' shares, so that no single sample decides.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<BandwidthChoice>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// Which samples a query may see.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// What to predict where no sample has weight; the nearest sample's class by default. `Global` is the priors.
    #[must_use]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.on_empty = on_empty;
        self
    }

    /// What a probability may be off by, with proof; 0 (the default) is exact to rounding.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How probable the classes are beforehand.
    #[must_use]
    pub fn priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// Takes samples `[n, d]` and their classes `[n]`, numbered from 0 to `n_classes - 1`.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers; a class that is not below `n_classes`; priors that do not fit; parameters out of range;
    /// a bandwidth that cannot be chosen; an interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        classes: &[usize],
        n_classes: usize,
        watch: &Watch<'_>,
    ) -> Result<KernelClassifierFit<T>> {
        self.fit_weighted(samples, classes, n_classes, None, watch)
    }

    /// The same with sample weights `[n]`, or without.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for weights that are negative, not finite, all zero or not `n`.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        classes: &[usize],
        n_classes: usize,
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<KernelClassifierFit<T>> {
        Self::check(samples, classes, n_classes, sample_weights)?;
        let weights = self.weigh(classes, n_classes, sample_weights)?;
        let data = Data {
            samples,
            weights: sample_weights,
        };
        let mut rehearsal = None;
        // Samples that are all at one place weigh alike under every bandwidth, wherever they are looked at from.
        let one_place = samples.iter().all(|row| row == samples.row(0));
        let any = BandwidthChoice::Fixed(1.0);
        let bandwidth = match &self.bandwidth {
            BandwidthChoice::Auto if one_place => &any,
            choice => choice,
        };
        let kernel = resolve(
            &self.kernel,
            bandwidth,
            data,
            Aim::Classes,
            watch,
            |kernel| {
                if rehearsal.is_none() {
                    rehearsal = Some(Rehearsal::new(
                        self,
                        samples,
                        classes,
                        n_classes,
                        weights.as_deref(),
                    )?);
                }
                match &rehearsal {
                    Some(rehearsal) => rehearsal.log_likelihood(kernel, watch),
                    None => Ok(f64::NAN),
                }
            },
        )?;
        self.fit_found(kernel, samples, (classes, n_classes), sample_weights, watch)
    }

    fn check<T: Float>(
        samples: Rows<'_, T>,
        classes: &[usize],
        n_classes: usize,
        sample_weights: Option<&[T]>,
    ) -> Result<()> {
        check_samples(samples, sample_weights)?;
        let n = samples.rows();
        if classes.len() != n {
            return Err(Error::shape(format!(
                "classes has {} entries, but there are {n} samples; give one each",
                classes.len()
            )));
        }
        if let Some(i) = classes.iter().position(|c| *c >= n_classes) {
            return Err(Error::parameter(format!(
                "classes has {} at position {i} (counted from 0), but n_classes={n_classes}; number the classes from 0",
                classes[i]
            )));
        }
        Ok(())
    }

    /// The fit at a kernel that was found before, to classes and their number.
    pub(crate) fn fit_found<T: Float>(
        &self,
        kernel: Kernel,
        samples: Rows<'_, T>,
        (classes, n_classes): (&[usize], usize),
        sample_weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<KernelClassifierFit<T>> {
        Self::check(samples, classes, n_classes, sample_weights)?;
        let n = samples.rows();
        let weights = self.weigh(classes, n_classes, sample_weights)?;
        let mut indicators = vec![T::ZERO; n * n_classes];
        for (row, class) in indicators.chunks_exact_mut(n_classes).zip(classes) {
            row[*class] = T::ONE;
        }
        let values = Rows::new(&indicators, n, n_classes)?;
        let means = LocalMean::new(kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .tolerance(self.tolerance)
            .on_empty(self.on_empty)
            .fit_watched(samples, values, weights.as_deref(), watch)?;
        Ok(KernelClassifierFit {
            parameters: self.clone(),
            kernel,
            means,
            classes: n_classes,
            columns: samples.columns(),
            samples: samples.to_vec(),
            known: classes.to_vec(),
            weights: sample_weights.map(<[T]>::to_vec),
        })
    }

    /// Sample weights under which the classes have the wanted priors.
    fn weigh<T: Float>(
        &self,
        classes: &[usize],
        n_classes: usize,
        weights: Option<&[T]>,
    ) -> Result<Option<Vec<T>>> {
        let priors = match &self.priors {
            Priors::Observed => return Ok(weights.map(<[T]>::to_vec)),
            Priors::Uniform => vec![1.0; n_classes],
            Priors::Given(priors) => priors.clone(),
        };
        let sum: f64 = priors.iter().sum();
        if priors.len() != n_classes {
            return Err(Error::shape(format!(
                "priors has {} entries, but there are {n_classes} classes; give one each",
                priors.len()
            )));
        }
        if let Some(p) = priors.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
            return Err(Error::parameter(format!(
                "priors has {p}; probabilities must be finite and not negative"
            )));
        }
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(Error::parameter(
                "priors is zero everywhere; at least one class must be possible",
            ));
        }
        let weight = |i: usize| weights.map_or(1.0, |w| w[i].to_f64());
        let mut totals = vec![0.0; n_classes];
        for (i, class) in classes.iter().enumerate() {
            totals[*class] += weight(i);
        }
        if let Some(k) = (0..n_classes).find(|k| totals[*k] == 0.0 && priors[*k] > 0.0) {
            return Err(Error::parameter(format!(
                "class {k} has the prior {}, but no sample with a positive weight; give samples, or the prior 0",
                priors[k]
            )));
        }
        let n = classes.len() as f64;
        let each = classes.iter().enumerate().map(|(i, k)| {
            let share = if totals[*k] > 0.0 {
                weight(i) / totals[*k]
            } else {
                0.0
            };
            T::from_f64(share * priors[*k] / sum * n)
        });
        Ok(Some(each.collect()))
    }
}

/// Places of samples that predict one another, those that are predicted first. Equal samples are one place, so that weights are
/// repetitions.
struct Rehearsal<T> {
    sites: Vec<T>,
    /// Shares of the classes at each place.
    mixtures: Vec<T>,
    weights: Vec<T>,
    shares: Vec<f64>,
    columns: usize,
    predicted: usize,
    neighborhood: Neighborhood,
}

impl<T: Float> Rehearsal<T> {
    fn new(
        parameters: &KernelClassifier,
        samples: Rows<'_, T>,
        classes: &[usize],
        n_classes: usize,
        weights: Option<&[T]>,
    ) -> Result<Self> {
        let neighborhood = &parameters.neighborhood;
        let grouped = Grouped::new(samples, weights);
        let n = grouped.firsts.len();
        if n < 2 {
            return Err(Error::parameter(
                "bandwidth: leave-one-out needs two different samples at least, but there is 1 sample, or only its doubles; give bandwidth \
                 a number",
            ));
        }
        let by_index = |r: &Region| {
            matches!(
                r,
                Region::Causal { .. } | Region::Window { .. } | Region::Hollow | Region::Mask(_)
            )
        };
        if neighborhood.regions().iter().any(by_index) {
            return Err(Error::unsupported(format!(
                "bandwidth: no leave-one-out loss is known under the neighborhood {neighborhood}, which goes by the order of samples; give \
                 bandwidth a number"
            )));
        }
        let mut sums = vec![0.0; n * n_classes];
        for (i, at) in grouped.places.iter().enumerate() {
            if let Some(at) = at {
                sums[at * n_classes + classes[i]] += weights.map_or(1.0, |w| w[i].to_f64());
            }
        }
        let total: f64 = sums.iter().sum();
        let (order, predicted) = shuffled(n, MOST);
        let mut this = Self {
            sites: Vec::with_capacity(n * samples.columns()),
            mixtures: Vec::with_capacity(n * n_classes),
            weights: Vec::with_capacity(n),
            shares: vec![0.0; n_classes],
            columns: samples.columns(),
            predicted,
            neighborhood: neighborhood.clone(),
        };
        for place in order {
            let own = &sums[place * n_classes..][..n_classes];
            let weight: f64 = own.iter().sum();
            this.sites
                .extend_from_slice(samples.row(grouped.firsts[place]));
            this.weights.push(T::from_f64(weight));
            for (share, sum) in this.shares.iter_mut().zip(own) {
                this.mixtures.push(T::from_f64(sum / weight));
                *share += sum / total;
            }
        }
        Ok(this)
    }

    /// The mean log probability of the classes of the samples predicted, each by all others.
    fn log_likelihood(&self, kernel: &Kernel, watch: &Watch<'_>) -> Result<f64> {
        let (n, k) = (self.weights.len(), self.shares.len());
        let others = if self.predicted == n {
            Neighborhood::hollow()
        } else {
            Neighborhood::mask(Mask::new(|i, j| i != j))
        };
        let keys = Rows::new(&self.sites, n, self.columns)?;
        let fit = LocalMean::new(kernel.clone())
            .neighborhood(self.neighborhood.clone().and(others))
            .tolerance(TOLERANCE)
            .on_empty(OnEmpty::Nan)
            .fit_watched(
                keys,
                Rows::new(&self.mixtures, n, k)?,
                Some(&self.weights),
                watch,
            )?;
        let at = fit.at(keys.slice(0..self.predicted), &watch.quiet())?;
        let mix = 1.0 / n as f64;
        let (mut sum, mut all) = (0.0, 0.0);
        for (i, means) in at.means.chunks_exact(k).enumerate() {
            let own = self.mixtures[i * k..][..k].iter();
            for ((mean, own), share) in means.iter().zip(own).zip(&self.shares) {
                let weight = self.weights[i].to_f64() * own.to_f64();
                let p = mean.to_f64();
                let p = if p.is_nan() { *share } else { p };
                if weight > 0.0 {
                    sum += weight * (p + mix * (share - p)).ln();
                    all += weight;
                }
            }
        }
        Ok(sum / all)
    }
}

impl KernelClassifierFit<f64> {
    /// The local mean of the classes.
    pub fn local_means(&self) -> &LocalMeanFit<f64> {
        &self.means
    }
}

impl<T: Float> KernelClassifierFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &KernelClassifier {
        &self.parameters
    }

    /// The kernel in force, its bandwidths included.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Number of classes, `k`.
    pub fn n_classes(&self) -> usize {
        self.classes
    }

    /// Probabilities of the classes at rows `[m, d]`, `[m, k]`; each row sums up to 1.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers, an empty region under [`OnEmpty::Error`], an interruption.
    pub fn predict_proba(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        if rows.columns() != self.columns {
            return Err(Error::shape(format!(
                "rows has {} columns, but samples has {}; they must be the same columns",
                rows.columns(),
                self.columns
            )));
        }
        Ok(self.means.at(rows, watch)?.means)
    }

    /// The most probable class at each of the rows `[m, d]`, `[m]`; of equals the first.
    ///
    /// # Errors
    /// As [`predict_proba`](Self::predict_proba), and for rows without a probability under [`OnEmpty::Nan`].
    pub fn predict(&self, rows: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<usize>> {
        let all = self.predict_proba(rows, watch)?;
        let each = all.chunks_exact(self.classes).enumerate();
        each.map(|(i, p)| {
            if p[0].is_nan() {
                return Err(Error::empty_region(format!(
                    "row {i} (counted from 0) has no sample with a positive weight, and so no class; widen the bandwidth, or choose \
                     on_empty nearest or global"
                )));
            }
            let best = |best: usize, k: usize| if p[k] > p[best] { k } else { best };
            Ok((1..p.len()).fold(0, best))
        })
        .collect()
    }
}

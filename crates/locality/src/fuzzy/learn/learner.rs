//! Learning a whole system.

use super::between::keep_near;
use super::cmeans::weights_of;
use super::named::{self, Names, Scale};
use super::place::Start;
use super::tsk::{Data, Solve, Tsk, variance};
use crate::fuzzy::FuzzySystem;
use crate::random::Random;
use crate::{Error, Float, Result, Rows, Watch};

/// How many rules there are, and what they are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RuleCount {
    /// So many clusters of fuzzy c-means as predict best in five-fold cross-validation on at most 2000 rows.
    Auto,
    /// So many clusters of fuzzy c-means.
    CMeans(usize),
    /// The centres of [`SubtractiveClustering`](super::SubtractiveClustering) with this radius, in parts of each column's range, but no more
    /// rules than there are rows for twice their coefficients, nor more than 400 coefficients: the densest are taken.
    Subtractive(f64),
    /// The modes of the density under a Gaussian of this bandwidth, in parts of each column's range: mean shift. A rule is as wide as the part
    /// of that density that its cluster makes. Clusters of less than a hundredth of the rows are no rules, unless they are the largest; there are
    /// as many at most as of subtractive clustering, the largest.
    MeanShift(f64),
}

/// The parameters of learning Takagi-Sugeno-Kang rules with Gaussian terms from a table.
///
/// ```
/// use locality::{Rows, Watch, fuzzy::{RuleCount, RuleLearner}};
/// let x: Vec<f64> = (0..60).map(|i| 0.1 * f64::from(i)).collect();
/// let y: Vec<f64> = x.iter().map(|x| x.sin()).collect();
/// let learned = RuleLearner::new()
///     .rules(RuleCount::CMeans(5))
///     // Without noise there is nothing to smooth.
///     .ridge(1e-6)
///     .fit(Rows::column(&x), Rows::column(&y), &["x".into()], &["y".into()], &Watch::default())?;
/// let system = learned.system();
/// assert_eq!(system.evaluate(Rows::column(&x), &Watch::default())?.len(), 60);
/// assert!(learned.error() < 0.01);
/// assert!(system.to_string().starts_with("IF x IS "));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleLearner {
    pub(super) rules: RuleCount,
    pub(super) order: usize,
    pub(super) ridge: Option<f64>,
    pub(super) local: bool,
    htsk: Option<bool>,
    pub(super) epochs: usize,
    pub(super) patience: usize,
    pub(super) validation: f64,
    pub(super) prune: f64,
    pub(super) seed: u64,
}

/// A learned system.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedRules {
    system: FuzzySystem,
    history: Vec<[f64; 2]>,
    error: f64,
    ridge: f64,
    pruned: usize,
    beyond: usize,
}

/// Conditions that hold to this degree everywhere are left out.
const EVERYWHERE: f64 = 0.97;
/// Terms whose degrees differ by no more than the first of these are one term, or, where that costs too much, the next.
const ONE_CURVE: [f64; 3] = [0.1, 0.05, 0.02];
/// What that may cost: this share of the squared error, and this one of the targets' spread.
const DEARER: f64 = 0.01;
const UNSEEN: f64 = 1e-4;

impl Default for RuleLearner {
    fn default() -> Self {
        Self::new()
    }
}

impl RuleLearner {
    /// Rules by cross-validation, conclusions of order 1 by least squares on all rules at once, terms tuned by gradient for at most 20
    /// epochs with a fifth of the rows held out for early stopping.
    pub fn new() -> Self {
        Self {
            rules: RuleCount::Auto,
            order: 1,
            ridge: None,
            local: false,
            htsk: None,
            epochs: 20,
            patience: 3,
            validation: 0.2,
            prune: 0.005,
            seed: 0,
        }
    }

    /// How many rules.
    #[must_use]
    pub fn rules(mut self, rules: RuleCount) -> Self {
        self.rules = rules;
        self
    }

    /// 0 for conclusions that are numbers, 1 (the default) for sums over inputs.
    #[must_use]
    pub fn order(mut self, order: usize) -> Self {
        self.order = order;
        self
    }

    /// Penalty on a coefficient of a feature of unit variance, where a slope's feature has at least the variance of its input in the whole table
    /// times the mean square of the rule's share; `None` (the default) chooses among 0.0001, 0.01 and 0.3 with the rules, or
    /// takes 0.01 where their number is given. Where predictions between rows would leave the range of the targets by more than its length, which
    /// few rows and a small penalty may bring about, it is raised tenfold until they do not.
    #[must_use]
    pub fn ridge(mut self, ridge: impl Into<Option<f64>>) -> Self {
        self.ridge = ridge.into();
        self
    }

    /// Whether each rule's conclusion is fitted by itself under the rule's firing, which makes it a local model that can be read alone;
    /// by default all are fitted at once, which predicts better.
    ///
    /// Source: J. Yen, L. Wang and C. W. Gillespie, *Improving the interpretability of TSK fuzzy models by combining global learning and
    /// local learning*, IEEE Transactions on Fuzzy Systems 6 (1998).
    #[must_use]
    pub fn local(mut self, local: bool) -> Self {
        self.local = local;
        self
    }

    /// Whether the logarithm of firing is divided by the number of inputs; `None` (the default) does so for more than 5.
    #[must_use]
    pub fn htsk(mut self, htsk: impl Into<Option<bool>>) -> Self {
        self.htsk = htsk.into();
        self
    }

    /// Most epochs of moving the terms (five quasi-Newton steps each), and after how many without a lower validation error it ends; 0
    /// epochs leave the terms where the clusters are.
    #[must_use]
    pub fn epochs(mut self, epochs: usize, patience: usize) -> Self {
        (self.epochs, self.patience) = (epochs, patience);
        self
    }

    /// Share of the rows that is held out to stop early and to prune; 0.2 by default.
    #[must_use]
    pub fn validation(mut self, share: f64) -> Self {
        self.validation = share;
        self
    }

    /// Rules are left out, the least needed first, while the validation error rises by less than this share of it; 0.005 by default, and
    /// a negative number leaves all.
    #[must_use]
    pub fn prune(mut self, share: f64) -> Self {
        self.prune = share;
        self
    }

    /// Seed of clusters, folds and of what is held out.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Learns rules that tell targets `[n, p]` from samples `[n, d]`; inputs and outputs get these names.
    ///
    /// # Errors
    /// No samples or fewer than 2, NaN or infinite numbers, numbers of rows or names that do not fit, parameters outside their ranges, or an
    /// interruption.
    pub fn fit<T: Float>(
        &self,
        samples: Rows<'_, T>,
        targets: Rows<'_, T>,
        inputs: &[String],
        outputs: &[String],
        watch: &Watch<'_>,
    ) -> Result<LearnedRules> {
        self.fit_weighted(samples, targets, None, inputs, outputs, watch)
    }

    /// The same under sample weights `[n]`, with which clusters, conclusions and errors are found; rows of weight 0 are left out. A row of
    /// weight 2 counts as two where nothing is drawn: where rows are held out or split into folds, and under [`local`](Self::local), it is still
    /// one.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); weights of another number, that are negative or not finite, or all 0.
    pub fn fit_weighted<T: Float>(
        &self,
        samples: Rows<'_, T>,
        targets: Rows<'_, T>,
        sample_weights: Option<&[T]>,
        inputs: &[String],
        outputs: &[String],
        watch: &Watch<'_>,
    ) -> Result<LearnedRules> {
        self.check(&samples, &targets, inputs, outputs)?;
        let mut weights = weights_of(sample_weights, samples.rows())?;
        // Only their ratios count: neither sums nor squares of them shall be none or too many.
        let most = weights.iter().copied().fold(0.0, f64::max);
        for w in &mut weights {
            *w /= most;
        }
        let rows: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
        self.check_count(rows.len())?;
        let (data, scales) = scaled(samples, targets, &rows, &weights);
        if let Some(j) = scales.iter().position(|s| !s.span.is_finite()) {
            return Err(Error::not_finite(format!(
                "samples reach further in column {j} (counted from 0) than numbers do; scale it"
            )));
        }
        let htsk = self.htsk.unwrap_or(scales.len() > 5);
        let divisor = if htsk { scales.len() as f64 } else { 1.0 };
        let Start { tsk, ridge, beyond } = self.start(&data, divisor, watch)?;
        let how = Solve {
            order: self.order,
            ridge,
            local: self.local,
        };
        let (mut tsk, history, before) = self.improve(tsk, &data, how, watch)?;
        tsk.forget(&data, watch)?;
        tsk.simplify(EVERYWHERE);
        let left = conclude(&mut tsk, &data, how, watch)?;
        let bearable = (1.0 + DEARER) * left + UNSEEN * spread(&data);
        for apart in ONE_CURVE {
            let mut merged = tsk.clone();
            if merged.merge(apart) == 0 {
                break;
            }
            let with = conclude(&mut merged, &data, how, watch)?;
            if with <= bearable {
                tsk = merged;
                break;
            }
        }
        let how = keep_near(&mut tsk, &data, how, self.seed, watch)?;
        let ranges: Vec<[f64; 2]> = data.y.iter().map(|y| range(y)).collect();
        let names = Names { inputs, outputs };
        let system = named::system(&tsk, &scales, &ranges, &names, htsk)?;
        let raw: Vec<f64> = rows
            .iter()
            .flat_map(|&i| samples.row(i).iter().map(|x| x.to_f64()))
            .collect();
        let raw = Rows::new(&raw, rows.len(), scales.len())?;
        Ok(LearnedRules {
            pruned: before - tsk.rules(),
            error: error(&system, raw, &data, watch)?,
            system,
            history,
            ridge: how.ridge,
            beyond,
        })
    }

    fn check<T: Float>(
        &self,
        samples: &Rows<'_, T>,
        targets: &Rows<'_, T>,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<()> {
        samples.require_finite("samples")?;
        targets.require_finite("targets")?;
        if samples.rows() != targets.rows() || samples.rows() < 2 {
            return Err(Error::shape(format!(
                "there are {} samples and {} targets; give equally many, at least 2 (n_samples = {})",
                samples.rows(),
                targets.rows(),
                samples.rows()
            )));
        }
        if inputs.len() != samples.columns() || outputs.len() != targets.columns() {
            return Err(Error::shape(format!(
                "there are {} names for {} inputs and {} for {} outputs; give one for each",
                inputs.len(),
                samples.columns(),
                outputs.len(),
                targets.columns()
            )));
        }
        if self.order > 1 {
            return Err(Error::parameter(format!(
                "order={} must be 0 or 1",
                self.order
            )));
        }
        if let Some(ridge) = self.ridge
            && !(ridge >= 0.0 && ridge.is_finite())
        {
            return Err(Error::parameter(format!(
                "ridge={ridge} must not be negative"
            )));
        }
        if !(0.0..=0.9).contains(&self.validation) {
            return Err(Error::parameter(format!(
                "validation={} must lie between 0 and 0.9",
                self.validation
            )));
        }
        if self.prune.is_nan() {
            return Err(Error::parameter(
                "prune=NaN must be a number; 0.005 is usual",
            ));
        }
        Ok(())
    }

    /// What so many rows cannot tell.
    fn check_count(&self, rows: usize) -> Result<()> {
        if rows < 2 {
            return Err(Error::parameter(
                "sample_weights are above 0 for one row only; rules need at least 2",
            ));
        }
        match self.rules {
            RuleCount::CMeans(n) if n == 0 || n > rows => Err(Error::parameter(format!(
                "rules={n} must lie between 1 and the number of samples, n_samples = {rows}"
            ))),
            _ => Ok(()),
        }
    }
}

impl LearnedRules {
    /// The system.
    pub fn system(&self) -> &FuzzySystem {
        &self.system
    }

    /// Takes the system out.
    pub fn into_system(self) -> FuzzySystem {
        self.system
    }

    /// Mean squared errors, summed over targets, on training and held-out rows: at the start, then after each epoch.
    pub fn history(&self) -> &[[f64; 2]] {
        &self.history
    }

    /// Root mean squared error of [`system`](Self::system) on all rows.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// The penalty in force: the one given or chosen, or what it was raised to (see [`RuleLearner::ridge`]).
    pub fn ridge(&self) -> f64 {
        self.ridge
    }

    /// How many rules were left out as not needed, or since no row is where they rule.
    pub fn pruned(&self) -> usize {
        self.pruned
    }

    /// How many more clusters there were than the rows can tell rules.
    pub fn beyond(&self) -> usize {
        self.beyond
    }
}

/// Fits the conclusions to all rows; the sum of the squared errors that are left.
fn conclude(tsk: &mut Tsk, data: &Data, how: Solve, watch: &Watch<'_>) -> Result<f64> {
    let shares = tsk.shares(data, watch)?;
    tsk.conclude(&shares, data, &data.w, how, watch)?;
    Ok(tsk.error(&shares, data, |_| true))
}

/// The root mean squared error of a system at rows.
fn error(system: &FuzzySystem, rows: Rows<'_, f64>, data: &Data, watch: &Watch<'_>) -> Result<f64> {
    let found = system.evaluate(rows, &watch.quiet())?;
    let p = data.y.len();
    let squares = found.chunks_exact(p).enumerate().map(|(i, row)| {
        let off = row.iter().zip(&data.y).map(|(f, y)| (f - y[i]).powi(2));
        data.w[i] * off.sum::<f64>()
    });
    Ok((squares.sum::<f64>() / (data.weight() * p as f64)).sqrt())
}

/// The weighted sum of the squares of the targets about their means.
fn spread(data: &Data) -> f64 {
    let one = |y: &Vec<f64>| variance(&data.w, y).0 * data.weight();
    data.y.iter().map(one).sum()
}

/// The numbers below `n` in an order of the seed's.
pub(super) fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed, 1);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, random.below(i + 1));
    }
    order
}

/// From the least to the greatest number; some room around one alone.
pub(super) fn range(x: &[f64]) -> [f64; 2] {
    let low = x.iter().fold(f64::INFINITY, |a, b| a.min(*b));
    let high = x.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    if low < high {
        [low, high]
    } else {
        let room = low.abs().max(1.0);
        [low - room, high + room]
    }
}

/// Columns of some rows over their ranges, and those.
fn scaled<T: Float>(
    samples: Rows<'_, T>,
    targets: Rows<'_, T>,
    rows: &[usize],
    weights: &[f64],
) -> (Data, Vec<Scale>) {
    let column = |of: &Rows<'_, T>, j: usize| -> Vec<f64> {
        rows.iter().map(|&i| of.row(i)[j].to_f64()).collect()
    };
    let mut scales = Vec::new();
    let x = (0..samples.columns()).map(|j| {
        let mut x = column(&samples, j);
        let [low, high] = range(&x);
        let scale = Scale {
            low,
            span: high - low,
        };
        for v in &mut x {
            *v = (*v - low) / scale.span;
        }
        scales.push(scale);
        x
    });
    let x = x.collect();
    let y = (0..targets.columns())
        .map(|j| column(&targets, j))
        .collect();
    let w = rows.iter().map(|&i| weights[i]).collect();
    (Data { x, y, w }, scales)
}

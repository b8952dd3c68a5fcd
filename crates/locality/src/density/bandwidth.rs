//! Bandwidths: given, by rule, by plug-in, by likelihood.

use std::str::FromStr;

use super::isj::improved_sheather_jones;
use super::law::{canonical_ratio, columns_of};
use super::likelihood::Grouped;
use super::spread::{column, deviation, effective_count, robust_deviation, shares};
use crate::{
    Atom, Bandwidth, Columns, Error, Float, Kernel, Metric, Nearest, Profile, Result, Rows, Takes,
    Watch,
};

/// How the parts of a kernel that have no bandwidth of their own get one.
///
/// The rules (`scott`, `silverman`, `isj`) are made for a Gaussian; another profile takes as much more as it needs to smooth alike
/// (canonical bandwidths, Marron and Nolan 1988). Over several columns every column has its own bandwidth, in proportion to its
/// spread.
///
/// ```
/// use locality::density::BandwidthChoice;
/// assert_eq!("scott".parse::<BandwidthChoice>()?, BandwidthChoice::Scott);
/// assert_eq!(BandwidthChoice::from(0.5), BandwidthChoice::Fixed(0.5));
/// assert!("scot".parse::<BandwidthChoice>().unwrap_err().to_string().contains("did you mean 'scott'"));
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum BandwidthChoice {
    /// One positive number, in the metric's unit.
    Fixed(f64),
    /// One positive number per column.
    PerFeature(Vec<f64>),
    /// Scott's rule (1992): the column's standard deviation times `n^(-1 / (d + 4))`. With sample weights `n` is what they are
    /// worth, `(sum c)^2 / sum c^2`, as in SciPy.
    Scott,
    /// Silverman's rule (1986): the same times `(4 / (d + 2))^(1 / (d + 4))`. Both oversmooth what has several modes.
    Silverman,
    /// The improved Sheather-Jones plug-in of Botev, Grotowski and Kroese (2010), for one column: it presumes no shape.
    ImprovedSheatherJones,
    /// The largest leave-one-out likelihood (Duin 1976; for classes the smallest leave-one-out log loss), by a golden section over one
    /// common factor of the columns' spreads. Equal samples are left out together, and of more than 2048 places as many are drawn
    /// to be predicted from all others.
    Likelihood,
    /// [`ImprovedSheatherJones`](Self::ImprovedSheatherJones) where it is made for the kernel (a density of one column, a profile of
    /// finite variance), else [`Likelihood`](Self::Likelihood).
    #[default]
    Auto,
}

impl From<f64> for BandwidthChoice {
    fn from(h: f64) -> Self {
        Self::Fixed(h)
    }
}

impl From<Vec<f64>> for BandwidthChoice {
    fn from(h: Vec<f64>) -> Self {
        Self::PerFeature(h)
    }
}

impl FromStr for BandwidthChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "scott" => Self::Scott,
            "silverman" => Self::Silverman,
            "isj" | "improved_sheather_jones" => Self::ImprovedSheatherJones,
            "likelihood" | "cv" | "cv_ml" => Self::Likelihood,
            "auto" => Self::Auto,
            other => {
                let known = ["scott", "silverman", "isj", "likelihood", "auto"];
                let unknown =
                    crate::core::names::unknown("bandwidth rule", other, known.into_iter());
                return Err(Error::parse(unknown));
            }
        })
    }
}

impl BandwidthChoice {
    /// Its name, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Fixed(_) | Self::PerFeature(_) => "a number",
            Self::Scott => "scott",
            Self::Silverman => "silverman",
            Self::ImprovedSheatherJones => "isj",
            Self::Likelihood => "likelihood",
            Self::Auto => "auto",
        }
    }
}

/// A Gaussian that takes the model's bandwidth.
pub(super) fn open_gaussian() -> Kernel {
    let gaussian = Profile::from_name("gaussian", &[]).expect("the list of profiles has it");
    Kernel::Atom(Atom::new(gaussian))
}

/// Samples from which bandwidths are derived.
#[derive(Clone, Copy)]
pub(super) struct Data<'a, T> {
    pub(super) samples: Rows<'a, T>,
    pub(super) weights: Option<&'a [T]>,
}

/// What the bandwidth is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    Density,
    /// Plug-in rules are no help here, and columns that do not vary no harm.
    Classes,
}

/// The kernel with a number for every bandwidth that was left open; `objective` is what `likelihood` makes as large as possible.
pub(super) fn resolve<T: Float>(
    kernel: &Kernel,
    choice: &BandwidthChoice,
    data: Data<'_, T>,
    aim: Aim,
    watch: &Watch<'_>,
    objective: impl FnMut(&Kernel) -> Result<f64>,
) -> Result<Kernel> {
    let d = data.samples.columns();
    let kernel = sites_nearest(kernel, data.samples, watch)?;
    if !kernel.atoms().into_iter().any(is_open) {
        kernel.check()?;
        return Ok(kernel);
    }
    let filled = match choice {
        BandwidthChoice::Fixed(h) => fill(&kernel, |_, _| Ok(Bandwidth::Fixed(positive(*h)?)))?,
        BandwidthChoice::PerFeature(h) => {
            if h.len() != d {
                return Err(Error::shape(format!(
                    "bandwidth has {} numbers, but the samples have {d} columns; give one each, or one number for all",
                    h.len()
                )));
            }
            h.iter().try_for_each(|h| positive(*h).map(|_| ()))?;
            fill(&kernel, |atom, _| {
                let columns = columns_of(atom, d)?;
                Ok(some(columns.iter().map(|c| h[*c]).collect()))
            })?
        }
        BandwidthChoice::Scott | BandwidthChoice::Silverman => {
            let spreads = spreads(data, deviation)?;
            let shares = shares(data.samples.rows(), data.weights);
            let n = effective_count(&shares);
            let dimensions = d as f64;
            let n = match choice {
                BandwidthChoice::Silverman => n * (dimensions + 2.0) / 4.0,
                _ => n,
            };
            let factor = n.powf(-1.0 / (dimensions + 4.0));
            by_columns(&kernel, choice, d, factor, &spreads, true)?
        }
        BandwidthChoice::ImprovedSheatherJones => plug(&kernel, data)?,
        BandwidthChoice::Likelihood => by_search(&kernel, data, aim, watch, objective)?,
        BandwidthChoice::Auto => {
            let plugged = (d == 1 && aim == Aim::Density).then(|| plug(&kernel, data));
            match plugged {
                Some(Ok(kernel)) => kernel,
                _ => by_search(&kernel, data, aim, watch, objective)?,
            }
        }
    };
    filled.check()?;
    Ok(filled)
}

fn positive(h: f64) -> Result<f64> {
    if h.is_finite() && h > 0.0 {
        return Ok(h);
    }
    Err(Error::parameter(format!(
        "bandwidth={h} must be a positive finite number, or a rule: scott, silverman, isj, likelihood, auto"
    )))
}

/// One number where there is one column.
fn some(h: Vec<f64>) -> Bandwidth {
    match h[..] {
        [h] => Bandwidth::Fixed(h),
        _ => Bandwidth::PerFeature(h),
    }
}

/// Whether it takes the model's bandwidth: it has none of its own, and is neither a function of a score nor a comparison of named
/// columns for equality.
fn is_open(atom: &Atom) -> bool {
    let equality = matches!(atom.profile(), Profile::Uniform(_))
        && *atom.column_choice() != Columns::All
        && atom.metric_in_force() == Metric::Hamming;
    *atom.bandwidth_rule() == Bandwidth::Default
        && atom.profile().info().takes == Takes::Distance
        && !equality
}

/// Whether its metric is one over separate columns.
fn is_columnwise(atom: &Atom) -> bool {
    let metric = atom.clone().bandwidth(1.0).metric_in_force();
    matches!(
        metric,
        Metric::Euclidean | Metric::Manhattan | Metric::Chebyshev | Metric::Hamming
    )
}

/// The exponents of all atoms.
fn powers(kernel: &Kernel, power: f64, out: &mut Vec<f64>) {
    match kernel {
        Kernel::Product(parts) => parts.iter().for_each(|k| powers(k, power, out)),
        Kernel::Sum(parts) => parts.iter().for_each(|(_, k)| powers(k, power, out)),
        Kernel::Power(k, p) => powers(k, power * p, out),
        _ => out.push(power),
    }
}

/// The same kernel with bandwidths where there were none, given each atom and its exponent.
fn fill(kernel: &Kernel, mut width: impl FnMut(&Atom, f64) -> Result<Bandwidth>) -> Result<Kernel> {
    let mut exponents = Vec::new();
    powers(kernel, 1.0, &mut exponents);
    let mut exponents = exponents.into_iter();
    kernel.try_map(&mut |atom| {
        let power = exponents.next().unwrap_or(1.0);
        if !is_open(atom) {
            return Ok(atom.clone());
        }
        Ok(atom.clone().bandwidth(width(atom, power)?))
    })
}

/// The spread of every column.
fn spreads<T: Float>(
    data: Data<'_, T>,
    spread: impl Fn(&[f64], &[f64], usize) -> Result<f64>,
) -> Result<Vec<f64>> {
    let shares = shares(data.samples.rows(), data.weights);
    let columns = 0..data.samples.columns();
    columns
        .map(|c| spread(&column(data.samples, c), &shares, c))
        .collect()
}

/// Bandwidths in proportion to the spreads of the columns; `strict` about profiles that have no canonical bandwidth.
fn by_columns(
    kernel: &Kernel,
    choice: &BandwidthChoice,
    d: usize,
    factor: f64,
    spreads: &[f64],
    strict: bool,
) -> Result<Kernel> {
    fill(kernel, |atom, power| {
        if !is_columnwise(atom) {
            return Err(Error::unsupported(format!(
                "bandwidth={} is a rule for the columns, which metric={} mixes; give a number, or likelihood",
                choice.name(),
                atom.metric_in_force().info().name
            )));
        }
        let ratio = match canonical_ratio(&atom.clone().bandwidth(1.0), power, d) {
            Ok(ratio) => ratio,
            Err(error) if strict => {
                return Err(error.context(format!(
                    "bandwidth={} needs a kernel of finite variance",
                    choice.name()
                )));
            }
            Err(_) => 1.0,
        };
        let columns = columns_of(atom, d)?;
        let widths = columns.iter().map(|c| spreads[*c] * factor * ratio);
        Ok(some(widths.collect()))
    })
}

/// The plug-in bandwidth of one column, or Silverman's where there is no fixed point.
fn plug<T: Float>(kernel: &Kernel, data: Data<'_, T>) -> Result<Kernel> {
    let choice = BandwidthChoice::ImprovedSheatherJones;
    if data.samples.columns() != 1 {
        return Err(Error::unsupported(format!(
            "bandwidth=isj is made for one column, but the samples have {}; choose likelihood, scott or silverman",
            data.samples.columns()
        )));
    }
    let shares = shares(data.samples.rows(), data.weights);
    let n = effective_count(&shares);
    let x = column(data.samples, 0);
    let spread = robust_deviation(&x, &shares, 0)?;
    let weights = data.weights.map(|_| &shares[..]);
    let h =
        improved_sheather_jones(&x, weights, n).unwrap_or_else(|| spread * (0.75 * n).powf(-0.2));
    by_columns(kernel, &choice, 1, 1.0, &[h], true)
}

/// The common factor of all open bandwidths that makes the objective largest.
fn by_search<T: Float>(
    kernel: &Kernel,
    data: Data<'_, T>,
    aim: Aim,
    watch: &Watch<'_>,
    mut objective: impl FnMut(&Kernel) -> Result<f64>,
) -> Result<Kernel> {
    let (n, d) = (data.samples.rows(), data.samples.columns());
    let places = Grouped::new(data.samples, data.weights).firsts.len();
    let factor = (places as f64).powf(-1.0 / (d as f64 + 4.0));
    let columnwise = kernel
        .atoms()
        .into_iter()
        .filter(|a| is_open(a))
        .all(is_columnwise);
    let base = if columnwise {
        let spreads = spreads(data, |x, shares, c| match robust_deviation(x, shares, c) {
            Err(_) if aim == Aim::Classes && n > 1 => Ok(1.0),
            spread => spread,
        })?;
        by_columns(
            kernel,
            &BandwidthChoice::Likelihood,
            d,
            factor,
            &spreads,
            false,
        )?
    } else {
        fill(kernel, |atom, _| {
            let reach = typical_distance(&atom.clone().bandwidth(1.0), data.samples, watch)?;
            Ok(Bandwidth::Fixed(reach))
        })?
    };
    let scaled = |scale: f64| {
        let mut bases = base.atoms().into_iter();
        kernel.try_map(&mut |atom| {
            let with = bases.next().unwrap_or(atom);
            if atom == with {
                return Ok(atom.clone());
            }
            Ok(atom.clone().bandwidth(match with.bandwidth_rule() {
                Bandwidth::Fixed(h) => Bandwidth::Fixed(scale * h),
                Bandwidth::PerFeature(h) => {
                    Bandwidth::PerFeature(h.iter().map(|h| scale * h).collect())
                }
                other => other.clone(),
            }))
        })
    };
    let scale = super::search::best_scale(watch, |scale| objective(&scaled(scale)?))?;
    scaled(scale)
}

/// The median distance to the `sqrt(n)`-th nearest of up to a thousand samples.
fn typical_distance<T: Float>(atom: &Atom, samples: Rows<'_, T>, watch: &Watch<'_>) -> Result<f64> {
    let keys = gather(atom, samples)?;
    let columns = keys.len() / samples.rows();
    let rows = Rows::new(&keys, samples.rows(), columns)?;
    let few = rows.slice(0..rows.rows().min(1000));
    let k = (few.rows() as f64).sqrt().ceil() as usize + 1;
    let k = k.min(few.rows());
    let found = Nearest::fit(few, &atom.metric_in_force())?.k_nearest(few, k, &watch.quiet())?;
    let mut reach: Vec<f64> = found
        .distances
        .chunks_exact(k)
        .map(|f| f[k - 1].to_f64())
        .collect();
    reach.sort_unstable_by(f64::total_cmp);
    reach
        .into_iter()
        .skip(few.rows() / 2)
        .find(|r| *r > 0.0)
        .ok_or_else(|| {
            Error::parameter("bandwidth: all samples are at one place; give bandwidth a number")
        })
}

/// The columns of an atom as rows of their own.
fn gather<T: Float>(atom: &Atom, samples: Rows<'_, T>) -> Result<Vec<T>> {
    let columns = columns_of(atom, samples.columns())?;
    let rows = samples.iter();
    Ok(rows
        .flat_map(|row| columns.iter().map(|c| row[*c]))
        .collect())
}

/// Bandwidths by the distance to a k-th other key, as numbers.
fn sites_nearest<T: Float>(
    kernel: &Kernel,
    samples: Rows<'_, T>,
    watch: &Watch<'_>,
) -> Result<Kernel> {
    kernel.try_map(&mut |atom| {
        let Bandwidth::SiteNearest(k) = *atom.bandwidth_rule() else {
            return Ok(atom.clone());
        };
        let n = samples.rows();
        if k >= n {
            return Err(Error::parameter(format!(
                "site_knn={k} needs at least {} samples, but there are {n}",
                k + 1
            )));
        }
        let keys = gather(atom, samples)?;
        let rows = Rows::new(&keys, n, keys.len() / n)?;
        let nearest = Nearest::fit(rows, &atom.metric_in_force())?;
        // The nearest of each is itself, or its double.
        let found = nearest.k_nearest(rows, k + 1, &watch.quiet())?;
        let widths: Vec<f64> = found.distances.chunks_exact(k + 1).map(|f| f[k].to_f64()).collect();
        if let Some(i) = widths.iter().position(|h| *h == 0.0) {
            return Err(Error::parameter(format!(
                "site_knn={k} gives sample {i} (counted from 0) a bandwidth of 0, since it has {k} doubles; raise site_knn or merge \
                 equal samples into sample weights"
            )));
        }
        Ok(atom.clone().bandwidth(Bandwidth::PerSite(widths.into())))
    })
}

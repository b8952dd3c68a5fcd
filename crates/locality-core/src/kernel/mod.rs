//! Localization kernels: a profile of a metric at a bandwidth, and products, sums and powers of such.

mod bandwidth;
mod display;
mod parameters;
mod parse;

pub use bandwidth::Bandwidth;
pub(crate) use display::{columns_text, metric_text};
pub(crate) use parse::{columns_of, metric_of};

use crate::{Error, Metric, Profile, Result, Takes};

/// Which columns of a site an atom of a kernel looks at.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub enum Columns {
    /// All of them.
    #[default]
    All,
    /// These, counted from 0.
    Indices(Vec<usize>),
    /// These, by name, to be resolved by [`Kernel::with_columns`].
    Names(Vec<String>),
}

/// One profile of one metric at one bandwidth, on some columns.
///
/// ```
/// use locality_core::{Atom, Kernel, Metric, Profile};
/// let space = Atom::new(Profile::from_name("gaussian", &[])?).bandwidth(0.3).columns([0, 1]);
/// let group = Atom::new(Profile::from_name("uniform", &[])?).columns([2]);
/// let k = Kernel::from(space) * Kernel::from(group);
/// assert_eq!(k.to_string(), "gaussian(h=0.3, cols=[0, 1]) * uniform(cols=2)");
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    pub(crate) profile: Profile,
    pub(crate) metric: Option<Metric>,
    pub(crate) bandwidth: Bandwidth,
    pub(crate) columns: Columns,
}

impl Atom {
    /// A profile with the default metric, bandwidth 1, on all columns.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            metric: None,
            bandwidth: Bandwidth::Default,
            columns: Columns::All,
        }
    }

    /// With this bandwidth: a number, one per feature, or a rule. Checked when the kernel meets data.
    #[must_use]
    pub fn bandwidth(mut self, bandwidth: impl Into<Bandwidth>) -> Self {
        self.bandwidth = bandwidth.into();
        self
    }

    /// With this metric.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = Some(metric);
        self
    }

    /// On these columns, counted from 0.
    #[must_use]
    pub fn columns(mut self, columns: impl Into<Vec<usize>>) -> Self {
        self.columns = Columns::Indices(columns.into());
        self
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The bandwidth.
    pub fn bandwidth_rule(&self) -> &Bandwidth {
        &self.bandwidth
    }

    /// The columns that it looks at.
    pub fn column_choice(&self) -> &Columns {
        &self.columns
    }

    /// The metric in force: the one given, or the profile's own default (Euclidean for distances, the inner product for
    /// softmax, sigmoid and polynomial, the signed difference for `s` and `z`, equality for `uniform` without `h`).
    pub fn metric_in_force(&self) -> Metric {
        if let Some(metric) = &self.metric {
            return metric.clone();
        }
        match (self.profile, &self.bandwidth) {
            (Profile::Uniform(_), Bandwidth::Default) => Metric::Hamming,
            (Profile::SCurve(_) | Profile::ZCurve(_), _) => Metric::Difference,
            _ if self.profile.info().takes == Takes::Score => Metric::Dot,
            _ => Metric::Euclidean,
        }
    }

    /// The bandwidth in force: `uniform` without `h` compares for equality, everything else without `h` has bandwidth 1.
    pub(crate) fn bandwidth_in_force(&self) -> Bandwidth {
        match (&self.bandwidth, self.profile) {
            // No two different codes are within half a mismatch.
            (Bandwidth::Default, Profile::Uniform(_)) => Bandwidth::Fixed(match self.metric {
                None | Some(Metric::Hamming) => 0.5,
                _ => 1.0,
            }),
            (Bandwidth::Default, _) => Bandwidth::Fixed(1.0),
            (given, _) => given.clone(),
        }
    }

    /// Checks that profile, metric and bandwidth fit together.
    pub(crate) fn check(&self) -> Result<()> {
        let metric = self.metric_in_force();
        let info = self.profile.info();
        match info.takes {
            Takes::Distance if !metric.is_distance() => {
                return Err(Error::parameter(format!(
                    "{} takes a distance, but metric={} is a score; choose euclidean, manhattan, cosine or another distance",
                    info.name,
                    metric.info().name
                )));
            }
            Takes::Score if !metric.is_score() => {
                return Err(Error::parameter(format!(
                    "{} takes a score, but metric={} is a distance; choose dot, cosine or difference",
                    info.name,
                    metric.info().name
                )));
            }
            Takes::Score if self.bandwidth != Bandwidth::Default => {
                return Err(Error::parameter(format!(
                    "{} takes a score, which has no bandwidth; leave out h and set {}",
                    info.name,
                    info.parameters
                        .iter()
                        .map(|p| p.name)
                        .collect::<Vec<_>>()
                        .join(", ")
                )));
            }
            _ => {}
        }
        self.bandwidth.check(info.name, &metric)
    }
}

/// A localization kernel: how much a key counts at a query.
///
/// Its text form is the same in Rust, in Python and on the command line, and round-trips:
///
/// ```
/// use locality_core::Kernel;
/// let text = "gaussian(h=0.3) * uniform(cols=group)";
/// let kernel: Kernel = text.parse()?;
/// assert_eq!(kernel.to_string(), text);
/// let same = kernel.with_columns(&["x", "y", "group"])?;
/// assert_eq!(same.to_string(), "gaussian(h=0.3, cols=[0, 1]) * uniform(cols=2)");
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kernel {
    /// One profile of one metric.
    Atom(Atom),
    /// The product of kernels: log-weights add.
    Product(Vec<Kernel>),
    /// A sum with positive coefficients.
    Sum(Vec<(f64, Kernel)>),
    /// A kernel to a positive power: its temperature.
    Power(Box<Kernel>, f64),
}

impl From<Atom> for Kernel {
    fn from(atom: Atom) -> Self {
        Self::Atom(atom)
    }
}

impl Kernel {
    /// A kernel of this profile (name or alias) at bandwidth `h`, Euclidean, on all columns.
    ///
    /// ```
    /// use locality_core::Kernel;
    /// assert_eq!(Kernel::radial("gaussian", 0.3)?, "gaussian(h=0.3)".parse()?);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// An unknown profile, or a bandwidth that is not a positive number.
    pub fn radial(profile: &str, h: f64) -> Result<Self> {
        let atom = Atom::new(Profile::from_name(profile, &[])?).bandwidth(h);
        atom.check()?;
        Ok(Self::Atom(atom))
    }

    /// `exp(-||q - k||^2 / (2 h^2))`. A bandwidth that is not a positive number is reported when the kernel meets data.
    #[allow(clippy::missing_panics_doc)]
    pub fn gaussian(h: f64) -> Self {
        let profile = Profile::from_name("gaussian", &[]).expect("gaussian is in the list");
        Self::Atom(Atom::new(profile).bandwidth(h))
    }

    /// This kernel to a power: `K^p`.
    #[must_use]
    pub fn power(self, p: f64) -> Self {
        Self::Power(Box::new(self), p)
    }

    /// All atoms, from left to right.
    pub fn atoms(&self) -> Vec<&Atom> {
        match self {
            Self::Atom(atom) => vec![atom],
            Self::Product(parts) => parts.iter().flat_map(Self::atoms).collect(),
            Self::Sum(parts) => parts.iter().flat_map(|(_, k)| k.atoms()).collect(),
            Self::Power(k, _) => k.atoms(),
        }
    }

    /// The names of the columns that it looks at; none where some atom takes all columns, or counts them.
    pub fn column_names(&self) -> Option<Vec<&str>> {
        let mut all = Vec::new();
        for atom in self.atoms() {
            let Columns::Names(names) = &atom.columns else {
                return None;
            };
            all.extend(names.iter().map(String::as_str));
        }
        Some(all)
    }

    /// The same kernel with a change made to each atom.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map(&self, change: &mut impl FnMut(&Atom) -> Result<Atom>) -> Result<Self> {
        Ok(match self {
            Self::Atom(atom) => Self::Atom(change(atom)?),
            Self::Product(parts) => Self::Product(
                parts
                    .iter()
                    .map(|k| k.try_map(change))
                    .collect::<Result<_>>()?,
            ),
            Self::Sum(parts) => Self::Sum(
                parts
                    .iter()
                    .map(|(a, k)| Ok((*a, k.try_map(change)?)))
                    .collect::<Result<_>>()?,
            ),
            Self::Power(k, p) => Self::Power(Box::new(k.try_map(change)?), *p),
        })
    }

    /// Replaces column names by positions in `names`. An atom without `cols` in a kernel where others have named columns
    /// takes the columns that no other atom names.
    ///
    /// # Errors
    /// A name that is not there, with the nearest one that is.
    pub fn with_columns<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let find = |name: &String| {
            names
                .iter()
                .position(|n| n.as_ref() == name)
                .ok_or_else(|| {
                    Error::parse(crate::names::unknown(
                        "column",
                        name,
                        names.iter().map(AsRef::as_ref),
                    ))
                })
        };
        let mut named = Vec::new();
        for atom in self.atoms() {
            if let Columns::Names(list) = &atom.columns {
                for name in list {
                    named.push(find(name)?);
                }
            }
        }
        let rest: Vec<usize> = (0..names.len()).filter(|i| !named.contains(i)).collect();
        self.try_map(&mut |atom| {
            let mut atom = atom.clone();
            atom.columns = match &atom.columns {
                Columns::Names(list) => {
                    Columns::Indices(list.iter().map(find).collect::<Result<_>>()?)
                }
                Columns::All if !named.is_empty() => {
                    if rest.is_empty() {
                        return Err(Error::parse(format!(
                            "{atom} has no columns left: every column is named elsewhere in the kernel; add cols=.. to it"
                        )));
                    }
                    Columns::Indices(rest.clone())
                }
                other => other.clone(),
            };
            Ok(atom)
        })
    }

    /// Checks the kernel's own parameters: bandwidths, coefficients, powers, profile against metric.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Atom(atom) => atom.check(),
            Self::Product(parts) => parts.iter().try_for_each(Self::check),
            Self::Sum(parts) => parts.iter().try_for_each(|(a, k)| {
                if !(a.is_finite() && *a > 0.0) {
                    return Err(Error::parameter(format!(
                        "the coefficient {a} of {k} must be a positive number, since weights are not negative"
                    )));
                }
                k.check()
            }),
            Self::Power(k, p) => {
                if !(p.is_finite() && *p > 0.0) {
                    return Err(Error::parameter(format!(
                        "the power {p} of {k} must be a positive number"
                    )));
                }
                k.check()
            }
        }
    }
}

impl std::ops::Mul for Kernel {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut parts = Vec::new();
        for k in [self, other] {
            match k {
                Self::Product(p) => parts.extend(p),
                k => parts.push(k),
            }
        }
        Self::Product(parts)
    }
}

impl std::ops::Mul<Kernel> for f64 {
    type Output = Kernel;
    fn mul(self, kernel: Kernel) -> Kernel {
        match kernel {
            Kernel::Sum(parts) => {
                Kernel::Sum(parts.into_iter().map(|(a, k)| (self * a, k)).collect())
            }
            k => Kernel::Sum(vec![(self, k)]),
        }
    }
}

impl std::ops::Add for Kernel {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let mut parts = Vec::new();
        for k in [self, other] {
            match k {
                Self::Sum(p) => parts.extend(p),
                k => parts.push((1.0, k)),
            }
        }
        Self::Sum(parts)
    }
}

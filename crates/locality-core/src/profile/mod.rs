//! Profiles: how weight falls off with distance, or grows with a score.
//!
//! A profile is one `curve!` entry in one of the files beside this one, and one name in the list below; the exports, the tool's
//! `locality kernels`, the Python names, the law tests and the docs table derive from the list.

mod compact;
mod curve;
mod decaying;
mod membership;
mod score;
#[cfg(test)]
mod ulps;

pub(crate) use curve::{Curve, Form, Input, MOST_PARAMETERS};

use crate::{Error, Result};

/// What a profile is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A distance divided by the bandwidth, `u >= 0`.
    Distance,
    /// A score `s` (inner product, cosine, signed difference).
    Score,
}

/// One parameter of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterInfo {
    /// Name in the kernel's text.
    pub name: &'static str,
    /// Value where it is left out.
    pub default: f64,
    /// Smallest value (not included where `open`).
    pub min: f64,
    /// Whether the smallest value itself is refused.
    pub open: bool,
    /// What it does.
    pub summary: &'static str,
}

/// One entry of the list of profiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfileInfo {
    /// Canonical name.
    pub name: &'static str,
    /// Other accepted names.
    pub aliases: &'static [&'static str],
    /// The weight as a formula in `u` (distance over bandwidth) or `s` (score).
    pub formula: &'static str,
    /// What it is a function of.
    pub takes: Takes,
    /// Whether the weight is exactly 0 beyond one bandwidth.
    pub bounded: bool,
    /// Its own parameters, besides `h`, `knn`, `metric` and `cols`.
    pub parameters: &'static [ParameterInfo],
    /// One sentence on use.
    pub summary: &'static str,
}

macro_rules! profiles {
    ($($file:ident :: $curve:ident),* $(,)?) => {
        /// A profile with its parameters; see [`profiles`] for the list and [`Profile::from_name`] to make one.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Profile {
            $(
                #[doc = concat!("See the entry of the same name in [`profiles`].")]
                $curve($file::$curve),
            )*
        }

        /// The list of profiles.
        pub const PROFILES: &[ProfileInfo] = &[$(<$file::$curve as Curve>::INFO),*];

        impl Profile {
            fn build(position: usize, values: &[f64]) -> Self {
                let mut at = 0;
                $(
                    if position == at {
                        return Self::$curve($file::$curve::from_values(values));
                    }
                    at += 1;
                )*
                unreachable!("position {position} of {at} profiles")
            }

            /// The profile's entry in the list.
            pub fn info(&self) -> &'static ProfileInfo {
                match self {
                    $(Self::$curve(_) => const { &<$file::$curve as Curve>::INFO },)*
                }
            }

            /// Parameter values, in the order of the entry's parameters.
            pub fn values(&self) -> Vec<f64> {
                match self {
                    $(Self::$curve(c) => c.values(),)*
                }
            }

            pub(crate) fn input(&self) -> Input {
                match self {
                    $(Self::$curve(_) => <$file::$curve as Curve>::INPUT,)*
                }
            }

            pub(crate) fn form(&self) -> Form {
                match self {
                    $(Self::$curve(_) => <$file::$curve as Curve>::FORM,)*
                }
            }

            /// Runs a generic visitor with the concrete curve, so that its loop is compiled for that curve.
            #[inline(always)]
            pub(crate) fn visit<V: CurveVisitor>(&self, visitor: V) -> V::Out {
                match *self {
                    $(Self::$curve(c) => visitor.visit(c),)*
                }
            }
        }
    };
}

profiles! {
    decaying::Gaussian,
    decaying::Laplace,
    compact::Epanechnikov,
    compact::Biweight,
    compact::Triweight,
    compact::Tricube,
    compact::Triangular,
    compact::Uniform,
    compact::Cosine,
    decaying::Cauchy,
    decaying::RationalQuadratic,
    decaying::StudentT,
    decaying::Matern32,
    decaying::Matern52,
    score::Softmax,
    score::Softcap,
    score::Sigmoid,
    score::Polynomial,
    membership::Bell,
    membership::Trapezoid,
    membership::SCurve,
    membership::ZCurve,
}

/// Code that is generic over the concrete curve.
pub(crate) trait CurveVisitor {
    type Out;
    fn visit<C: Curve>(self, curve: C) -> Self::Out;
}

/// The logarithm of the weight at a distance or a score.
struct LogWeight(f64);

impl CurveVisitor for LogWeight {
    type Out = f64;
    fn visit<C: Curve>(self, curve: C) -> f64 {
        let x = match C::INPUT {
            Input::Squared => self.0 * self.0,
            Input::Plain | Input::Score => self.0,
        };
        let y = curve.at(crate::isa::Standard, x);
        match C::FORM {
            Form::Log => y,
            Form::Weight => y.ln(),
        }
    }
}

/// The list of profiles.
///
/// ```
/// let names: Vec<_> = locality_core::profiles().iter().map(|p| p.name).collect();
/// assert!(names.contains(&"epanechnikov"));
/// ```
pub fn profiles() -> &'static [ProfileInfo] {
    PROFILES
}

impl Profile {
    /// A profile by name or alias, with some of its parameters; the others take their defaults.
    ///
    /// ```
    /// use locality_core::Profile;
    /// let p = Profile::from_name("student_t", &[("nu", 5.0)])?;
    /// assert_eq!(p.info().name, "student_t");
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// An unknown name (with the nearest known one), an unknown parameter or a value outside its range.
    pub fn from_name(name: &str, parameters: &[(&str, f64)]) -> Result<Self> {
        let position = PROFILES
            .iter()
            .position(|p| p.name == name || p.aliases.contains(&name))
            .ok_or_else(|| {
                Error::parse(crate::names::unknown(
                    "kernel",
                    name,
                    PROFILES.iter().map(|p| p.name),
                ))
            })?;
        let info = &PROFILES[position];
        let mut values: Vec<f64> = info.parameters.iter().map(|p| p.default).collect();
        for &(key, value) in parameters {
            let Some(at) = info.parameters.iter().position(|p| p.name == key) else {
                let known: &[&str] = if Self::build(position, &values).input() == Input::Score {
                    &["metric", "map", "cols"]
                } else {
                    &["h", "site_h", "knn", "site_knn", "metric", "map", "cols"]
                };
                let own = info.parameters.iter().map(|p| p.name);
                return Err(Error::parse(crate::names::unknown(
                    &format!("parameter of {}", info.name),
                    key,
                    own.chain(known.iter().copied()),
                )));
            };
            let p = &info.parameters[at];
            if !value.is_finite() || value < p.min || (p.open && value == p.min) {
                return Err(Error::parameter(format!(
                    "{}: {key}={value} must be a finite number {} {}",
                    info.name,
                    if p.open {
                        "greater than"
                    } else {
                        "of at least"
                    },
                    p.min
                )));
            }
            values[at] = value;
        }
        let profile = Self::build(position, &values);
        profile.check()?;
        Ok(profile)
    }

    /// Conditions between parameters.
    fn check(&self) -> Result<()> {
        let v = self.values();
        let ordered = match self {
            Self::SCurve(_) | Self::ZCurve(_) => v[0] < v[1],
            Self::Trapezoid(_) => v[0] < 1.0,
            _ => true,
        };
        if ordered {
            return Ok(());
        }
        Err(Error::parameter(match self {
            Self::Trapezoid(_) => format!("trapezoid: core={} must be below 1", v[0]),
            _ => format!("{}: a={} must be below b={}", self.info().name, v[0], v[1]),
        }))
    }

    /// The logarithm of the weight at `x`, which is a distance over the bandwidth (not negative) or a score; negative infinity where
    /// there is no weight. It serves formulas about a profile, such as its integral; data are weighed by the engines.
    ///
    /// ```
    /// let gaussian = locality_core::Profile::from_name("gaussian", &[])?;
    /// assert_eq!(gaussian.log_weight(2.0), -2.0);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    pub fn log_weight(&self, x: f64) -> f64 {
        self.visit(LogWeight(x))
    }

    /// Whether a greater distance, or a smaller score, never weighs more.
    pub(crate) fn is_falling(&self) -> bool {
        !matches!(self, Self::ZCurve(_))
    }

    /// The weight at `u >= 0` bandwidths from the query; for a profile of a score, at the score `u`.
    ///
    /// ```
    /// use locality_core::Profile;
    /// let p = Profile::from_name("triangular", &[])?;
    /// assert_eq!(p.weight(0.25), 0.75);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    pub fn weight(&self, u: f64) -> f64 {
        self.visit(At(u))
    }

    /// Whether the weight is a convex function of `u^2` (of `s`, for scores), so that a chord bounds it.
    pub(crate) fn is_convex(&self) -> bool {
        match self {
            Self::Polynomial(_) => self.values()[0] >= 1.0,
            Self::Gaussian(_)
            | Self::Laplace(_)
            | Self::Epanechnikov(_)
            | Self::Biweight(_)
            | Self::Triweight(_)
            | Self::Triangular(_)
            | Self::Cosine(_)
            | Self::Cauchy(_)
            | Self::RationalQuadratic(_)
            | Self::StudentT(_)
            | Self::Matern32(_)
            | Self::Matern52(_)
            | Self::Softmax(_) => true,
            _ => false,
        }
    }

    /// Whether this is a curve of the squared distance, never zero, and the slope of its logarithm is nowhere above 1: a small
    /// error of the one is a small error of the other.
    pub(crate) fn is_smooth(&self) -> bool {
        match self {
            Self::Gaussian(_) | Self::Cauchy(_) | Self::RationalQuadratic(_) => true,
            Self::StudentT(t) => t.values()[0] >= 1.0,
            _ => false,
        }
    }

    /// Whether the weight is constant on a stretch, so that whole nodes of the tree may share one weight.
    pub(crate) fn has_plateau(&self) -> bool {
        matches!(self, Self::Uniform(_))
    }
}

/// The weight at one place.
struct At(f64);

impl CurveVisitor for At {
    type Out = f64;

    fn visit<C: Curve>(self, curve: C) -> f64 {
        let u = if C::INPUT == Input::Squared {
            self.0 * self.0
        } else {
            self.0
        };
        let y = curve.at(crate::isa::Standard, u);
        if C::FORM == Form::Log { y.exp() } else { y }
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, CurveVisitor, Form, Input, PROFILES, Profile};
    use crate::isa::Standard;

    struct At(f64);
    impl CurveVisitor for At {
        type Out = f64;
        fn visit<C: Curve>(self, curve: C) -> f64 {
            let u = match C::INPUT {
                Input::Plain => self.0.sqrt(),
                _ => self.0,
            };
            let y = curve.at(Standard, u);
            if C::FORM == Form::Log { y.exp() } else { y }
        }
    }

    #[test]
    fn chords_of_profiles_said_to_be_convex_lie_above_them() {
        let mut convex = 0;
        for info in PROFILES {
            let profile = Profile::from_name(info.name, &[]).unwrap();
            if !profile.is_convex() {
                continue;
            }
            convex += 1;
            let from = if info.takes == super::Takes::Score {
                -3.0
            } else {
                0.0
            };
            let y: Vec<f64> = (0..3000)
                .map(|i| profile.visit(At(from + 0.002 * f64::from(i))))
                .collect();
            for w in y.windows(3) {
                let bend = w[0] - 2.0 * w[1] + w[2];
                assert!(
                    bend >= -1e-14 * w[0].abs().max(w[2].abs()),
                    "{}: {bend}",
                    info.name
                );
            }
        }
        assert_eq!(convex, 14);
    }
}

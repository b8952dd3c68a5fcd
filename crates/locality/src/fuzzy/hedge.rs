//! Hedges: words that sharpen, blur or turn round a fuzzy set.

use std::fmt;

use super::norms::named;
use crate::{Error, Result};

/// A hedge before a term: `IF speed IS very high`. Several apply from the right: `not very high` is 1 - high^2.
///
/// Source: L. A. Zadeh, *A fuzzy-set-theoretic interpretation of linguistic hedges*, Journal of Cybernetics 2 (1972).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hedge {
    /// `1 - m`.
    Not,
    /// `m^2`.
    Very,
    /// `m^3`.
    Extremely,
    /// `m^1.25`.
    Plus,
    /// `m^0.75`.
    Minus,
    /// `m^(1/2)`.
    Somewhat,
    /// `m^(1/3)`.
    Slightly,
    /// `2 m^2` up to one half, `1 - 2 (1 - m)^2` above it.
    Indeed,
    /// 1, whatever the degree.
    Any,
}

pub(super) const HEDGES: &[(Hedge, &[&str])] = &[
    (Hedge::Not, &["not"]),
    (Hedge::Very, &["very"]),
    (Hedge::Extremely, &["extremely"]),
    (Hedge::Plus, &["plus"]),
    (Hedge::Minus, &["minus"]),
    (Hedge::Somewhat, &["somewhat", "more_or_less"]),
    (Hedge::Slightly, &["slightly"]),
    (Hedge::Indeed, &["indeed", "intensified"]),
    (Hedge::Any, &["any"]),
];

impl Hedge {
    /// The word.
    pub fn name(self) -> &'static str {
        let found = HEDGES.iter().find(|(h, _)| *h == self);
        found.map_or("", |(_, names)| names[0])
    }

    /// The degree under the hedge.
    ///
    /// ```
    /// use locality::fuzzy::Hedge;
    /// assert_eq!(Hedge::Very.of(0.5), 0.25);
    /// ```
    pub fn of(self, m: f64) -> f64 {
        match self {
            Self::Not => 1.0 - m,
            Self::Very => m * m,
            Self::Extremely => m * m * m,
            Self::Somewhat => m.sqrt(),
            Self::Slightly => m.cbrt(),
            Self::Plus | Self::Minus => m.powf(self.power().unwrap_or(1.0)),
            Self::Indeed if m <= 0.5 => 2.0 * m * m,
            Self::Indeed => 1.0 - 2.0 * (1.0 - m) * (1.0 - m),
            Self::Any => 1.0,
        }
    }

    /// The exponent, where the hedge is a power.
    pub(super) fn power(self) -> Option<f64> {
        match self {
            Self::Very => Some(2.0),
            Self::Extremely => Some(3.0),
            Self::Plus => Some(1.25),
            Self::Minus => Some(0.75),
            Self::Somewhat => Some(0.5),
            Self::Slightly => Some(1.0 / 3.0),
            Self::Not | Self::Indeed | Self::Any => None,
        }
    }

    /// The hedge of a word, if it is one.
    pub(super) fn word(name: &str) -> Option<Self> {
        named("hedge", name, HEDGES).ok()
    }
}

impl std::str::FromStr for Hedge {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("hedge", name, HEDGES)
    }
}

impl fmt::Display for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{HEDGES, Hedge};

    #[test]
    fn powers_say_what_the_hedge_does() {
        for (hedge, names) in HEDGES {
            assert_eq!(names[0].parse::<Hedge>().unwrap(), *hedge);
            if let Some(power) = hedge.power() {
                assert!(
                    (hedge.of(0.3) - 0.3_f64.powf(power)).abs() < 1e-15,
                    "{hedge}"
                );
            }
            for end in [0.0, 1.0] {
                let kept = !matches!(hedge, Hedge::Not | Hedge::Any);
                assert!(!kept || hedge.of(end) == end, "{hedge}");
            }
        }
        assert_eq!(Hedge::Not.of(0.25), 0.75);
        assert_eq!(Hedge::Indeed.of(0.75), 0.875);
        assert_eq!(Hedge::Any.of(0.0), 1.0);
    }
}

//! Conjunctions and disjunctions of degrees of truth.

use crate::isa::{Isa, Task, dispatch};
use crate::{Error, Result, names};

/// A t-norm: the truth of "a and b" from two degrees in `[0, 1]`; also the implication of Mamdani's rules.
///
/// Source: E. P. Klement, R. Mesiar and E. Pap, *Triangular Norms* (2000), chapter 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TNorm {
    /// `min(a, b)` (Zadeh, Mamdani).
    Minimum,
    /// `a b`.
    Product,
    /// `max(0, a + b - 1)`, the bounded difference.
    Lukasiewicz,
    /// `b` where `a = 1`, `a` where `b = 1`, else 0.
    Drastic,
    /// `a b / (a + b - a b)`, 0 where both are 0.
    Hamacher,
    /// `a b / (2 - (a + b - a b))`.
    Einstein,
    /// `min(a, b)` where `a + b > 1`, else 0.
    NilpotentMinimum,
}

/// An s-norm: the truth of "a or b"; also how the conclusions of rules add up.
///
/// Each is the dual `1 - T(1 - a, 1 - b)` of the [`TNorm`] of its kind, [`SNorm::Sum`] excepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SNorm {
    /// `max(a, b)`.
    Maximum,
    /// `a + b - a b`.
    ProbabilisticSum,
    /// `min(1, a + b)`, the bounded sum.
    Lukasiewicz,
    /// `b` where `a = 0`, `a` where `b = 0`, else 1.
    Drastic,
    /// `(a + b - 2 a b) / (1 - a b)`, 1 where both are 1.
    Hamacher,
    /// `(a + b) / (1 + a b)`.
    Einstein,
    /// `max(a, b)` where `a + b < 1`, else 1.
    NilpotentMaximum,
    /// `a + b`, not bounded: only for adding up conclusions.
    Sum,
}

/// The two lists go together: each has its dual at the same place.
pub(super) const T_NORMS: &[(TNorm, &[&str])] = &[
    (TNorm::Minimum, &["min", "minimum"]),
    (TNorm::Product, &["product", "prod", "algebraic_product"]),
    (
        TNorm::Lukasiewicz,
        &["lukasiewicz", "bounded_difference", "bdif"],
    ),
    (TNorm::Drastic, &["drastic", "drastic_product", "dprod"]),
    (TNorm::Hamacher, &["hamacher", "hamacher_product", "hprod"]),
    (TNorm::Einstein, &["einstein", "einstein_product", "eprod"]),
    (
        TNorm::NilpotentMinimum,
        &["nilpotent", "nilpotent_minimum", "nipmin"],
    ),
];

pub(super) const S_NORMS: &[(SNorm, &[&str])] = &[
    (SNorm::Maximum, &["max", "maximum"]),
    (
        SNorm::ProbabilisticSum,
        &[
            "probabilistic_sum",
            "probor",
            "asum",
            "algebraic_sum",
            "probabilistic",
        ],
    ),
    (SNorm::Lukasiewicz, &["lukasiewicz", "bounded_sum", "bsum"]),
    (SNorm::Drastic, &["drastic", "drastic_sum", "dsum"]),
    (SNorm::Hamacher, &["hamacher", "hamacher_sum", "hsum"]),
    (SNorm::Einstein, &["einstein", "einstein_sum", "esum"]),
    (
        SNorm::NilpotentMaximum,
        &["nilpotent", "nilpotent_maximum", "nipmax"],
    ),
    (SNorm::Sum, &["sum"]),
];

/// The entry of a list by any of its names, in any case.
pub(super) fn named<T: Copy>(what: &str, name: &str, list: &[(T, &[&str])]) -> Result<T> {
    let lower = name.trim().to_lowercase();
    let found = list.iter().find(|(_, names)| names.contains(&&*lower));
    found.map(|(value, _)| *value).ok_or_else(|| {
        let known = list.iter().map(|(_, names)| names[0]);
        Error::parse(names::unknown(what, name, known))
    })
}

fn name_of<T: PartialEq>(value: &T, list: &[(T, &'static [&'static str])]) -> &'static str {
    let found = list.iter().find(|(v, _)| v == value);
    found.map_or("", |(_, names)| names[0])
}

macro_rules! loops {
    ($into:ident, $with:ident, |$a:ident, $b:ident| $value:expr) => {
        for (into, with) in $into.iter_mut().zip($with) {
            let ($a, $b) = (*into, *with);
            *into = $value;
        }
    };
}

/// Folds one run of degrees into another.
struct Fold<'a, N> {
    norm: N,
    into: &'a mut [f64],
    with: &'a [f64],
}

impl Task for Fold<'_, TNorm> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { norm, into, with } = self;
        match norm {
            TNorm::Minimum => loops!(into, with, |a, b| if a < b { a } else { b }),
            TNorm::Product => loops!(into, with, |a, b| a * b),
            TNorm::Lukasiewicz => loops!(into, with, |a, b| {
                let c = a + b - 1.0;
                if c > 0.0 { c } else { 0.0 }
            }),
            TNorm::Drastic => loops!(into, with, |a, b| {
                if a >= 1.0 {
                    b
                } else if b >= 1.0 {
                    a
                } else {
                    0.0
                }
            }),
            TNorm::Hamacher => loops!(into, with, |a, b| {
                let under = a + b - a * b;
                if under > 0.0 { a * b / under } else { 0.0 }
            }),
            TNorm::Einstein => loops!(into, with, |a, b| a * b / (2.0 - (a + b - a * b))),
            TNorm::NilpotentMinimum => loops!(into, with, |a, b| {
                let least = if a < b { a } else { b };
                if a + b > 1.0 { least } else { 0.0 }
            }),
        }
    }
}

impl Task for Fold<'_, SNorm> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Self { norm, into, with } = self;
        match norm {
            SNorm::Maximum => loops!(into, with, |a, b| if a > b { a } else { b }),
            SNorm::ProbabilisticSum => loops!(into, with, |a, b| a + b - a * b),
            SNorm::Lukasiewicz => loops!(into, with, |a, b| {
                let c = a + b;
                if c < 1.0 { c } else { 1.0 }
            }),
            SNorm::Drastic => loops!(into, with, |a, b| {
                if a <= 0.0 {
                    b
                } else if b <= 0.0 {
                    a
                } else {
                    1.0
                }
            }),
            SNorm::Hamacher => loops!(into, with, |a, b| {
                let under = 1.0 - a * b;
                if under > 0.0 {
                    (a + b - 2.0 * a * b) / under
                } else {
                    1.0
                }
            }),
            SNorm::Einstein => loops!(into, with, |a, b| (a + b) / (1.0 + a * b)),
            SNorm::NilpotentMaximum => loops!(into, with, |a, b| {
                let most = if a > b { a } else { b };
                if a + b < 1.0 { most } else { 1.0 }
            }),
            SNorm::Sum => loops!(into, with, |a, b| a + b),
        }
    }
}

impl TNorm {
    /// The s-norm `1 - T(1 - a, 1 - b)`, by De Morgan's law.
    ///
    /// ```
    /// use locality::fuzzy::{SNorm, TNorm};
    /// assert_eq!(TNorm::Product.dual(), SNorm::ProbabilisticSum);
    /// ```
    pub fn dual(self) -> SNorm {
        beside(&self, T_NORMS, S_NORMS).unwrap_or(SNorm::Maximum)
    }

    /// The name: `min`, `product`, `lukasiewicz`, `drastic`, `hamacher`, `einstein` or `nilpotent`.
    pub fn name(self) -> &'static str {
        name_of(&self, T_NORMS)
    }

    /// `T(a, b)` of two degrees in `[0, 1]`.
    ///
    /// ```
    /// use locality::fuzzy::TNorm;
    /// assert_eq!(TNorm::Lukasiewicz.of(0.75, 0.5), 0.25);
    /// ```
    pub fn of(self, a: f64, b: f64) -> f64 {
        let mut into = [a];
        self.fold(&mut into, &[b]);
        into[0]
    }

    /// `into[i] <- T(into[i], with[i])`.
    pub(super) fn fold(self, into: &mut [f64], with: &[f64]) {
        let norm = self;
        dispatch(Fold { norm, into, with });
    }
}

/// The entry of another list at a value's place.
fn beside<T: PartialEq, U: Copy>(
    value: &T,
    list: &[(T, &[&str])],
    other: &[(U, &[&str])],
) -> Option<U> {
    let at = list.iter().position(|(v, _)| v == value);
    at.and_then(|at| other.get(at)).map(|(u, _)| *u)
}

impl SNorm {
    /// The t-norm `1 - S(1 - a, 1 - b)`, by De Morgan's law; a plain sum has none.
    pub fn dual(self) -> Option<TNorm> {
        beside(&self, S_NORMS, T_NORMS)
    }

    /// The name: `max`, `probabilistic_sum`, `lukasiewicz`, `drastic`, `hamacher`, `einstein`, `nilpotent` or `sum`.
    pub fn name(self) -> &'static str {
        name_of(&self, S_NORMS)
    }

    /// `S(a, b)` of two degrees in `[0, 1]`.
    ///
    /// ```
    /// use locality::fuzzy::SNorm;
    /// assert_eq!(SNorm::ProbabilisticSum.of(0.5, 0.5), 0.75);
    /// ```
    pub fn of(self, a: f64, b: f64) -> f64 {
        let mut into = [a];
        self.fold(&mut into, &[b]);
        into[0]
    }

    /// `into[i] <- S(into[i], with[i])`.
    pub(super) fn fold(self, into: &mut [f64], with: &[f64]) {
        let norm = self;
        dispatch(Fold { norm, into, with });
    }
}

impl std::str::FromStr for TNorm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("t-norm", name, T_NORMS)
    }
}

impl std::str::FromStr for SNorm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("s-norm", name, S_NORMS)
    }
}

#[cfg(test)]
pub(super) fn all_norms() -> (Vec<TNorm>, Vec<SNorm>) {
    let t = T_NORMS.iter().map(|(t, _)| *t).collect();
    (t, S_NORMS.iter().map(|(s, _)| *s).collect())
}

#[cfg(test)]
mod tests {
    use super::{SNorm, TNorm, all_norms};

    const GRID: [f64; 7] = [0.0, 0.125, 0.25, 0.5, 0.625, 0.875, 1.0];

    #[test]
    fn the_axioms_hold() {
        let (t, s) = all_norms();
        for a in GRID {
            for b in GRID {
                for t in &t {
                    assert!((t.of(a, 1.0) - a).abs() < 1e-15, "{t:?} {a}");
                    assert_eq!(t.of(a, b), t.of(b, a), "{t:?}");
                    assert!(t.of(a, b) <= a.min(b) + 1e-15, "{t:?} {a} {b}");
                    for c in GRID {
                        let (left, right) = (t.of(t.of(a, b), c), t.of(a, t.of(b, c)));
                        assert!((left - right).abs() < 1e-12, "{t:?} {a} {b} {c}");
                        assert!(b > c || t.of(a, b) <= t.of(a, c) + 1e-15, "{t:?}");
                    }
                }
                for s in s.iter().filter(|s| **s != SNorm::Sum) {
                    assert!((s.of(a, 0.0) - a).abs() < 1e-15, "{s:?} {a}");
                    assert!(s.of(a, b) >= a.max(b) - 1e-15 && s.of(a, b) <= 1.0, "{s:?}");
                }
            }
        }
    }

    #[test]
    fn each_s_norm_is_the_dual_of_its_t_norm() {
        let (t, s) = all_norms();
        assert_eq!(SNorm::Sum.dual(), None);
        for (t, s) in t.into_iter().zip(s) {
            assert_eq!((t.dual(), s.dual()), (s, Some(t)));
            for a in GRID {
                for b in GRID {
                    let dual = 1.0 - t.of(1.0 - a, 1.0 - b);
                    assert!((s.of(a, b) - dual).abs() < 1e-12, "{s:?} {t:?} {a} {b}");
                }
            }
        }
    }

    #[test]
    fn names_read_back() {
        let (t, s) = all_norms();
        for t in t {
            assert_eq!(t.name().parse::<TNorm>().unwrap(), t);
        }
        for s in s {
            assert_eq!(s.name().parse::<SNorm>().unwrap(), s);
        }
        let e = "prodct".parse::<TNorm>().unwrap_err().to_string();
        assert!(e.contains("did you mean 'product'"), "{e}");
    }
}

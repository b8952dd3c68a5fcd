//! Links between the mean of a response and the linear predictor.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::str::FromStr;

use locality_core::isa::Isa;

use super::evidence::Spread;
use super::family::{Family, Term, each};
use crate::{Error, Result};

/// Largest linear predictor of a link with an exponential: no mean overflows.
const LARGEST: f64 = 500.0;

/// What of the mean is linear in the columns.
///
/// Source: P. `McCullagh`, J. A. Nelder, *Generalized linear models* (1989), section 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The mean itself: counts and positive numbers.
    Identity,
    /// Its logarithm: counts and positive numbers, whose link it is by default.
    Log,
    /// One over it: positive numbers.
    Inverse,
    /// The logarithm of its odds: shares, whose link it is by default.
    Logit,
    /// The quantile of the normal distribution: shares.
    Probit,
}

impl Link {
    /// What it is called: `identity`, `log`, `inverse`, `logit` or `probit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Log => "log",
            Self::Inverse => "inverse",
            Self::Logit => "logit",
            Self::Probit => "probit",
        }
    }
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [
            Self::Identity,
            Self::Log,
            Self::Inverse,
            Self::Logit,
            Self::Probit,
        ];
        all.into_iter().find(|l| l.name() == text).ok_or_else(|| {
            Error::parameter(format!(
                "link '{text}' is none of identity, log, inverse, logit, probit"
            ))
        })
    }
}

impl Family {
    /// The link that it has by default.
    pub fn usual_link(self) -> Link {
        match self {
            Self::Binomial => Link::Logit,
            _ => Link::Log,
        }
    }

    /// The links that it may have, the usual one first.
    fn links(self) -> &'static [Link] {
        match self {
            Self::Binomial => &[Link::Logit, Link::Probit],
            Self::Gamma => &[Link::Log, Link::Inverse, Link::Identity],
            _ => &[Link::Log, Link::Identity],
        }
    }
}

/// A family with a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Linked {
    pub(super) family: Family,
    pub(super) link: Link,
}

impl From<Family> for Linked {
    fn from(family: Family) -> Self {
        let link = family.usual_link();
        Self { family, link }
    }
}

impl Linked {
    /// With a link of one's own, if there is any.
    pub(super) fn new(family: Family, link: Option<Link>) -> Result<Self> {
        let link = link.unwrap_or_else(|| family.usual_link());
        if family.links().contains(&link) {
            return Ok(Self { family, link });
        }
        let names: Vec<&str> = family.links().iter().map(|l| l.name()).collect();
        Err(Error::parameter(format!(
            "link '{}' does not keep the means of the family {} in their range; choose one of {}",
            link.name(),
            family.name(),
            names.join(", ")
        )))
    }

    fn is_usual(self) -> bool {
        self.link == self.family.usual_link()
    }

    /// Whether the curvature of the loss does not depend on the response, so that scoring is Newton's method.
    pub(super) fn is_canonical(self) -> bool {
        self.is_usual() && self.family.is_canonical()
    }

    /// Whether it is logistic regression.
    pub(super) fn is_logistic(self) -> bool {
        self.family == Family::Binomial && self.is_usual()
    }

    /// The largest linear predictor.
    pub(super) fn largest(self) -> f64 {
        match self.link {
            Link::Identity | Link::Inverse => f64::MAX,
            _ => LARGEST,
        }
    }

    /// The mean at a linear predictor; where a line leaves the means that there are, outside its samples, the last of them.
    pub(super) fn mean(self, eta: f64) -> f64 {
        match self.link {
            Link::Identity => eta.max(0.0),
            Link::Inverse => 1.0 / eta.max(0.0),
            Link::Probit => {
                let tail = 0.5 * scaled_tail(eta.abs() * FRAC_1_SQRT_2) * (-0.5 * eta * eta).exp();
                if eta > 0.0 { 1.0 - tail } else { tail }
            }
            _ => self.family.mean(eta),
        }
    }

    /// The linear predictor of a mean, kept away from its limits.
    pub(super) fn link(self, mean: f64) -> f64 {
        match self.link {
            Link::Identity => mean.max(1e-12),
            Link::Inverse => 1.0 / mean.max(f64::MIN_POSITIVE),
            Link::Probit => probit(mean.clamp(1e-6, 1.0 - 1e-6), self),
            _ => self.family.link(mean),
        }
    }

    /// Curvature of the loss at a mean kept away from its limits, on the average over responses.
    pub(super) fn curvature(self, mean: f64) -> f64 {
        let usual = self.family.curvature(mean);
        if self.is_usual() {
            return usual;
        }
        let positive = mean.max(1e-12);
        match self.link {
            // Of the logarithm's: by the derivative of the one predictor by the other.
            Link::Identity => usual / (positive * positive),
            Link::Inverse => usual * positive * positive,
            _ => {
                let eta = self.link(mean);
                let density = (-0.5 * eta * eta).exp() / (2.0 * PI).sqrt();
                density * density / usual
            }
        }
    }

    /// Between what linear predictors may be, so that means are not far outside the responses; shares cannot be.
    pub(super) fn bounds(self, spread: Spread) -> (f64, f64) {
        if self.family == Family::Binomial {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        let (lower, upper) = spread.bounds();
        // Means are not negative, and positive where responses are.
        let lower = lower.max(0.5 * spread.low).max(0.0);
        let log = |mean: f64| {
            if mean > 0.0 {
                mean.ln()
            } else {
                f64::NEG_INFINITY
            }
        };
        match self.link {
            Link::Identity => (lower, upper),
            Link::Inverse => (1.0 / upper, 1.0 / lower),
            // Where all responses are 0 the predictor goes down without end.
            _ if upper <= 0.0 => (f64::NEG_INFINITY, f64::INFINITY),
            _ => (log(lower), log(upper)),
        }
    }

    /// Whether predictors themselves must be positive, as means are.
    pub(super) fn is_positive(self) -> bool {
        matches!(self.link, Link::Identity | Link::Inverse)
    }

    /// The terms of a chunk; curvatures are positive. Of links whose predictors may be any number.
    #[inline(always)]
    pub(super) fn terms<I: Isa>(self, isa: I, eta: &[f64], y: &[f64], out: [&mut [f64]; 3]) {
        if self.link == Link::Probit {
            each(eta, y, out, probit_term);
        } else {
            self.family.terms(isa, eta, y, out);
        }
    }

    /// The term of a positive predictor with the curvature of its convex part, and the whole curvature.
    pub(super) fn positive_term(self, eta: f64, y: f64) -> (Term, f64) {
        if self.link == Link::Inverse {
            let curvature = 1.0 / (eta * eta);
            let term = Term {
                loss: y * eta - eta.ln(),
                slope: y - 1.0 / eta,
                curvature,
            };
            return (term, curvature);
        }
        let off = eta - y;
        match self.family {
            Family::Gamma => {
                let term = Term {
                    loss: y / eta + eta.ln(),
                    slope: off / (eta * eta),
                    curvature: 2.0 * y / (eta * eta * eta),
                };
                (term, term.curvature - 1.0 / (eta * eta))
            }
            Family::NegativeBinomial { theta } => {
                let sum = theta + eta;
                let term = Term {
                    loss: (y + theta) * sum.ln() - y * eta.ln(),
                    slope: theta * off / (eta * sum),
                    curvature: y / (eta * eta),
                };
                (term, term.curvature - (y + theta) / (sum * sum))
            }
            _ => {
                let term = Term {
                    loss: eta - y * eta.ln(),
                    slope: off / eta,
                    curvature: y / (eta * eta),
                };
                (term, term.curvature)
            }
        }
    }
}

fn probit_term(eta: f64, y: f64) -> Term {
    // Of the side in the tail, and of the other.
    let scaled = scaled_tail(eta.abs() * FRAC_1_SQRT_2);
    let density = (-0.5 * eta * eta).exp();
    let tail = 0.5 * scaled * density;
    let steep = (2.0 / PI).sqrt() / scaled;
    let flat = density / (2.0 * PI).sqrt() / (1.0 - tail);
    let in_tail = (0.5 * scaled).ln() - 0.5 * eta * eta;
    let share = if eta > 0.0 { 1.0 - y } else { y };
    let slope = (1.0 - share) * flat - share * steep;
    Term {
        loss: -share * in_tail - (1.0 - share) * (-tail).ln_1p(),
        slope: if eta > 0.0 { -slope } else { slope },
        curvature: steep * flat,
    }
}

/// The quantile of the normal distribution, by Newton's method from the logistic one's.
fn probit(share: f64, linked: Linked) -> f64 {
    let mut eta = (share / (1.0 - share)).ln() / 1.702;
    for _ in 0..60 {
        let density = (-0.5 * eta * eta).exp() / (2.0 * PI).sqrt();
        let step = ((linked.mean(eta) - share) / density).clamp(-0.5, 0.5);
        eta -= step;
        if step.abs() < 1e-14 {
            break;
        }
    }
    eta
}

/// `exp(x^2) erfc(x)` for `x >= 0`: a series of positive terms near 0, a continued fraction beyond.
///
/// Source: M. Abramowitz, I. A. Stegun, *Handbook of mathematical functions* (1964), 7.1.6 and 7.1.14.
fn scaled_tail(x: f64) -> f64 {
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..120 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        return (x * x).exp() - 2.0 / PI.sqrt() * sum;
    }
    let mut below = x;
    for n in (1..=80).rev() {
        below = x + 0.5 * f64::from(n) / below;
    }
    1.0 / (PI.sqrt() * below)
}

#[cfg(test)]
mod tests {
    use super::{Family, Link, Linked, Spread, Term, probit_term, scaled_tail};

    #[test]
    fn the_tail_of_the_normal_distribution() {
        // Known figures of the complementary error function.
        for (x, wanted) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (2.0, 4.677_734_981_047_266e-3),
            (3.0, 2.209_049_699_858_544e-5),
            (5.0, 1.537_459_794_428_035e-12),
        ] {
            let found = scaled_tail(x) * f64::exp(-x * x);
            assert!((found / wanted - 1.0).abs() < 1e-11, "{x}: {found}");
        }
    }

    #[test]
    fn links_are_inverse_to_means_and_slopes_those_of_losses() {
        for (family, link, etas) in [
            (Family::Binomial, Link::Probit, [-2.0, 0.3, 1.5]),
            (Family::Poisson, Link::Identity, [0.2, 1.0, 7.0]),
            (Family::Gamma, Link::Inverse, [0.2, 1.0, 7.0]),
            (Family::Gamma, Link::Identity, [0.2, 1.0, 7.0]),
            (
                Family::NegativeBinomial { theta: 2.0 },
                Link::Identity,
                [0.2, 1.0, 7.0],
            ),
        ] {
            let linked = Linked::new(family, Some(link)).unwrap();
            for eta in etas {
                let mean = linked.mean(eta);
                assert!((linked.link(mean) - eta).abs() < 1e-9, "{link:?}");
                let term = |eta: f64, y: f64| match link {
                    Link::Probit => (probit_term(eta, y), probit_term(eta, y).curvature),
                    _ => linked.positive_term(eta, y),
                };
                for y in [0.0, 0.4, 1.0] {
                    let by = |of: fn(&Term) -> f64| {
                        (of(&term(eta + 1e-5, y).0) - of(&term(eta - 1e-5, y).0)) / 2e-5
                    };
                    let (found, curvature) = term(eta, y);
                    let close = |a: f64, b: f64| (a - b).abs() < 1e-6 * (1.0 + b.abs());
                    assert!(close(found.slope, by(|t| t.loss)), "{link:?}");
                    if linked.is_positive() {
                        assert!(close(curvature, by(|t| t.slope)), "{link:?}");
                        assert!(found.curvature >= curvature && found.curvature >= 0.0);
                    }
                }
                // At the mean itself the average curvature is the exact one's.
                let off = term(eta, mean).1 / linked.curvature(mean) - 1.0;
                assert!(off.abs() < 1e-8, "{link:?} {eta}: {off}");
            }
        }
        assert!(Linked::new(Family::Poisson, Some(Link::Probit)).is_err());
    }

    #[test]
    fn bounds_are_those_of_means() {
        let spread = Spread {
            mean: 4.0,
            variance: 1.0,
            low: 2.0,
            high: 6.0,
        };
        let bounds = |link| {
            Linked::new(Family::Gamma, Some(link))
                .unwrap()
                .bounds(spread)
        };
        assert_eq!(bounds(Link::Identity), (1.0, 8.0));
        assert_eq!(bounds(Link::Inverse), (0.125, 1.0));
        assert_eq!(bounds(Link::Log), (0.0, 8.0_f64.ln()));
    }
}

//! A monotone profile against the surface of spheres: masses, moments and quantiles of the distance.
//!
//! The mass of a kernel `k(|x|)` is `integral S(r) k(r) dr`, where `S(r)` is the surface of the sphere of radius `r`. With
//! `r = e^s` the integrand has one hump in `s`, whatever the profile and the dimension, and is cut into panels of 16 Gauss-Legendre
//! nodes. Logarithms are kept throughout: no dimension overflows.

use std::f64::consts::{PI, TAU};
use std::sync::LazyLock;

use crate::{Error, Profile, Result, Takes};

/// Where distances are measured, in bandwidths.
#[derive(Clone, Copy, Debug)]
pub(super) enum Space {
    /// `R^d` under a norm.
    Flat {
        dimensions: usize,
        /// Logarithm of the volume of the unit ball.
        log_ball: f64,
    },
    /// The surface of a sphere of this radius.
    Sphere { radius: f64 },
}

impl Space {
    /// `R^d` under the Euclidean norm: `pi^(d/2) / Gamma(d/2 + 1)`.
    pub(super) fn euclidean(d: usize) -> Self {
        // V(d) = V(d - 2) 2 pi / d.
        let start = if d.is_multiple_of(2) { 0.0 } else { 2_f64.ln() };
        let steps = (1..=d).rev().step_by(2).filter(|k| *k > 1);
        let log_ball = start + steps.map(|k| (TAU / k as f64).ln()).sum::<f64>();
        Self::Flat {
            dimensions: d,
            log_ball,
        }
    }

    /// Under the sum of absolute values: `2^d / d!`.
    pub(super) fn manhattan(d: usize) -> Self {
        let log_ball = (1..=d).map(|k| (2.0 / k as f64).ln()).sum();
        Self::Flat {
            dimensions: d,
            log_ball,
        }
    }

    /// Under the largest absolute value: `2^d`.
    pub(super) fn chebyshev(d: usize) -> Self {
        Self::Flat {
            dimensions: d,
            log_ball: d as f64 * 2_f64.ln(),
        }
    }

    /// Dimension of the space.
    pub(super) fn dimensions(&self) -> usize {
        match self {
            Self::Flat { dimensions, .. } => *dimensions,
            Self::Sphere { .. } => 2,
        }
    }

    /// Logarithm of `S(r) r`, the measure by `s = ln r`.
    fn log_measure(&self, s: f64) -> f64 {
        match self {
            Self::Flat {
                dimensions,
                log_ball,
            } => {
                let d = *dimensions as f64;
                log_ball + d.ln() + d * s
            }
            Self::Sphere { radius } => {
                let r = s.exp();
                (TAU * radius * (r / radius).sin().max(0.0)).ln() + s
            }
        }
    }
}

/// Beyond `e^EDGE` bandwidths a profile is its power tail, to rounding.
const EDGE: f64 = 60.0;
/// What is `e^-DEPTH` of the largest integrand is left out.
const DEPTH: f64 = 48.0;
/// A tail must fall off faster than `r^-d` by at least this power to have a mass that sampling can reach.
const LEAST_EXCESS: f64 = 0.05;

/// Refuses a profile of a score.
pub(super) fn require_distance(profile: &Profile) -> Result<()> {
    let info = profile.info();
    if info.takes == Takes::Distance {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{} is a function of a score, not of a distance, and has no density; choose gaussian, epanechnikov or another profile of a \
         distance",
        info.name
    )))
}

/// The distribution of the distance from a key under `profile^power`, at bandwidth 1.
#[derive(Clone, Debug)]
pub(super) struct Radial {
    profile: Profile,
    power: f64,
    moment: f64,
    space: Space,
    /// Ends of the panels.
    edges: Vec<f64>,
    /// Mass up to each end, in units of `e^top`.
    cumulative: Vec<f64>,
    top: f64,
    /// How fast the mass beyond the last panel falls off, and how much it is.
    tail: Option<(f64, f64)>,
}

impl Radial {
    pub(super) fn new(profile: Profile, power: f64, space: Space) -> Result<Self> {
        Self::with_moment(profile, power, space, 0.0)
    }

    /// The same with another factor `r^moment`.
    fn with_moment(profile: Profile, power: f64, space: Space, moment: f64) -> Result<Self> {
        let info = profile.info();
        let mut end = if info.bounded { 0.0 } else { EDGE };
        if let Space::Sphere { radius } = space {
            end = end.min((PI * radius).ln());
        }
        let mut this = Self {
            profile,
            power,
            moment,
            space,
            edges: Vec::new(),
            cumulative: vec![0.0],
            top: 0.0,
            tail: None,
        };
        let excess = this.excess();
        if excess < LEAST_EXCESS && !info.bounded && matches!(space, Space::Flat { .. }) {
            return Err(Error::unsupported(format!(
                "{} falls off as u^-{:.3}, too slowly for a finite integral over {} dimensions; choose gaussian or another profile \
                 of lighter tail",
                if power == 1.0 {
                    info.name.to_owned()
                } else {
                    format!("{}^{power}", info.name)
                },
                this.fall(),
                space.dimensions()
            )));
        }
        this.cut(end);
        this.integrate();
        if end == EDGE {
            let mass = (this.log_integrand(EDGE) - this.top).exp() / excess;
            if mass > 0.0 {
                this.tail = Some((excess, mass));
            }
        }
        Ok(this)
    }

    /// The power with which the weight falls off far away; infinite where it falls faster than any power.
    fn fall(&self) -> f64 {
        let (a, b) = (1e50, 1e55);
        let (at_a, at_b) = (self.profile.log_weight(a), self.profile.log_weight(b));
        if at_a == f64::NEG_INFINITY || at_b < -1e6 {
            return f64::INFINITY;
        }
        (at_a - at_b) * self.power / (b / a).ln()
    }

    /// By which power the integrand falls off in `r`.
    fn excess(&self) -> f64 {
        self.fall() - self.space.dimensions() as f64 - self.moment
    }

    fn log_integrand(&self, s: f64) -> f64 {
        let weight = self.power * self.profile.log_weight(s.exp());
        self.space.log_measure(s) + self.moment * s + weight
    }

    /// Lays panels over the hump.
    fn cut(&mut self, end: f64) {
        // A hump is about 1 / sqrt(2 d) wide.
        let width = (0.5 / (self.space.dimensions() as f64).sqrt()).min(0.125);
        let low = end.min(0.0) - DEPTH - 2.0;
        let mut edges: Vec<f64> = ((low / width).floor() as i64..(end / width).ceil() as i64)
            .map(|i| i as f64 * width)
            .filter(|s| *s < end)
            .collect();
        edges.push(end);
        if let Profile::Trapezoid(_) = self.profile {
            let kink = self.profile.values()[0].ln();
            if kink > edges[0] && kink < end {
                edges.push(kink);
                edges.sort_by(f64::total_cmp);
            }
        }
        let middle = |w: &[f64]| self.log_integrand(0.5 * (w[0] + w[1]));
        let heights: Vec<f64> = edges.windows(2).map(middle).collect();
        self.top = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let high = |h: &f64| *h > self.top - DEPTH;
        let first = heights.iter().position(high).unwrap_or(0).saturating_sub(1);
        let last = heights.iter().rposition(high).unwrap_or(heights.len() - 1);
        self.edges = edges[first..(last + 3).min(edges.len())].to_vec();
        if end == EDGE && self.fall().is_finite() {
            // The tail begins where the panels end.
            self.edges = edges[first..].to_vec();
        }
    }

    fn integrate(&mut self) {
        let mut total = 0.0;
        let ends: Vec<f64> = self.edges.clone();
        for w in ends.windows(2) {
            total += self.part(w[0], w[1]);
            self.cumulative.push(total);
        }
    }

    /// The mass between two distances, in units of `e^top`.
    fn part(&self, from: f64, to: f64) -> f64 {
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        let at = |(x, w): &(f64, f64)| w * (self.log_integrand(middle + half * x) - self.top).exp();
        half * NODES.iter().map(at).sum::<f64>()
    }

    /// Logarithm of the integral of the weight over the space.
    pub(super) fn log_mass(&self) -> f64 {
        self.top + self.total().ln()
    }

    fn total(&self) -> f64 {
        self.cumulative[self.cumulative.len() - 1] + self.tail.map_or(0.0, |t| t.1)
    }

    /// The distance within which a share `0 < p < 1` of the mass lies.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let target = p * self.total();
        let panel = self.cumulative.partition_point(|c| *c < target).max(1);
        if panel == self.cumulative.len() {
            let end = self.edges[self.edges.len() - 1];
            let (excess, mass) = self.tail.unwrap_or((1.0, 1.0));
            let left = ((self.total() - target) / mass).clamp(f64::MIN_POSITIVE, 1.0);
            return if self.tail.is_some() {
                (end - left.ln() / excess).exp()
            } else {
                end.exp()
            };
        }
        let from = self.edges[panel - 1];
        let (mut low, mut high) = (from, self.edges[panel]);
        let target = target - self.cumulative[panel - 1];
        let mut s = 0.5 * (low + high);
        // Newton's steps, within a bracket.
        for _ in 0..60 {
            let error = self.part(from, s) - target;
            if error > 0.0 {
                high = s;
            } else {
                low = s;
            }
            let slope = (self.log_integrand(s) - self.top).exp();
            let step = s - error / slope;
            let next = if step > low && step < high {
                step
            } else {
                0.5 * (low + high)
            };
            if (next - s).abs() < 1e-14 * (1.0 + s.abs()) {
                break;
            }
            s = next;
        }
        s.exp()
    }

    /// Logarithm of the canonical bandwidth `(R(K) / m2(K)^2)^(1 / (d + 4))` (Marron and Nolan 1988), where `R` is the integral of the
    /// square of the density and `m2` its variance along one coordinate, given `E[x_j^2] / E[r^2]` of the directions. At
    /// bandwidths in its ratio two kernels smooth alike.
    pub(super) fn log_canonical(&self, direction: f64) -> Result<f64> {
        let d = self.space.dimensions() as f64;
        let square = Self::with_moment(self.profile, 2.0 * self.power, self.space, 0.0)?;
        let second = Self::with_moment(self.profile, self.power, self.space, 2.0)?;
        let roughness = square.log_mass() - 2.0 * self.log_mass();
        let variance = second.log_mass() - self.log_mass() + direction.ln();
        Ok((roughness - 2.0 * variance) / (d + 4.0))
    }
}

/// The Gauss-Legendre nodes and weights on `[-1, 1]`.
static NODES: LazyLock<[(f64, f64); 16]> = LazyLock::new(|| {
    let n = 16.0;
    std::array::from_fn(|i| {
        let mut x = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 0..16 {
                let k = f64::from(k);
                (p, before) = (((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0), p);
            }
            slope = n * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
});

#[cfg(test)]
mod tests {
    use super::{Radial, Space};
    use crate::{PROFILES, Profile, Takes};
    use std::f64::consts::{PI, TAU};

    fn radial(text: &str, parameters: &[(&str, f64)], space: Space) -> Radial {
        Radial::new(Profile::from_name(text, parameters).unwrap(), 1.0, space).unwrap()
    }

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} {b}");
    }

    /// `ln Gamma(d / 2)`.
    fn log_gamma_half(d: usize) -> f64 {
        let start = if d.is_multiple_of(2) {
            0.0
        } else {
            0.5 * PI.ln()
        };
        let first = if d.is_multiple_of(2) { 2 } else { 1 };
        start
            + (first..d)
                .step_by(2)
                .map(|k| (k as f64 / 2.0).ln())
                .sum::<f64>()
    }

    #[test]
    fn balls_are_those_of_the_books() {
        let log_ball = |s: Space| match s {
            Space::Flat { log_ball, .. } => log_ball,
            Space::Sphere { .. } => unreachable!(),
        };
        for (d, v) in [
            (1, 2.0),
            (2, PI),
            (3, 4.0 / 3.0 * PI),
            (4, PI * PI / 2.0),
            (5, 8.0 * PI * PI / 15.0),
        ] {
            close(log_ball(Space::euclidean(d)).exp(), v, 1e-14);
        }
        close(log_ball(Space::manhattan(3)).exp(), 8.0 / 6.0, 1e-14);
        close(log_ball(Space::chebyshev(3)).exp(), 8.0, 1e-14);
    }

    #[test]
    fn masses_are_the_closed_forms() {
        for d in [1, 2, 3, 5, 8, 33, 200] {
            let space = Space::euclidean(d);
            let n = d as f64;
            let Space::Flat { log_ball, .. } = space else {
                unreachable!()
            };
            let log_sphere = log_ball + n.ln();
            close(
                radial("gaussian", &[], space).log_mass(),
                0.5 * n * TAU.ln(),
                1e-13,
            );
            close(radial("uniform", &[], space).log_mass(), log_ball, 1e-13);
            close(
                radial("epanechnikov", &[], space).log_mass(),
                log_ball + (2.0 / (n + 2.0)).ln(),
                1e-13,
            );
            close(
                radial("triangular", &[], space).log_mass(),
                log_ball - (n + 1.0).ln(),
                1e-13,
            );
            let factorial: f64 = (1..d).map(|k| (k as f64).ln()).sum();
            close(
                radial("laplace", &[], space).log_mass(),
                log_sphere + factorial,
                1e-13,
            );
            // Student's t of nu + 1 = d + 3: half the beta function of d / 2 and 3 / 2.
            let nu = n + 2.0;
            let beta = log_gamma_half(d) + log_gamma_half(3) - log_gamma_half(d + 3);
            let expected = log_sphere + 0.5 * n * nu.ln() + beta - 2_f64.ln();
            close(
                radial("student_t", &[("nu", nu)], space).log_mass(),
                expected,
                1e-12,
            );
        }
        let core = 0.5;
        let expected = (1.0 + core * core + core) / 3.0 * PI;
        close(
            radial("trapezoid", &[], Space::euclidean(2))
                .log_mass()
                .exp(),
            expected,
            1e-13,
        );
        close(
            radial("cauchy", &[], Space::euclidean(1)).log_mass().exp(),
            PI,
            1e-13,
        );
        // A tail that is hardly integrable.
        let slow = radial("student_t", &[("nu", 0.1)], Space::euclidean(1));
        let by_hand: f64 = 2.0 * 0.1_f64.sqrt() * half_beta(0.55);
        close(slow.log_mass().exp(), by_hand, 1e-9);
    }

    /// `integral_0^inf (1 + t^2)^-g dt` by a change to `t = sinh^3`-like coordinates, coarse but independent.
    fn half_beta(g: f64) -> f64 {
        let n = 4_000_000;
        let step = 400.0 / f64::from(n);
        let at = |i: i32| {
            let x = (f64::from(i) + 0.5) * step;
            // t = sinh x: the integrand is cosh^(1 - 2 g) x.
            ((1.0 - 2.0 * g) * (x + (0.5 * (1.0 + (-2.0 * x).exp())).ln())).exp()
        };
        (0..n).map(at).sum::<f64>() * step
    }

    #[test]
    fn a_sphere_is_flat_when_small_and_whole_when_large() {
        let small = radial("gaussian", &[], Space::Sphere { radius: 1e5 });
        close(small.log_mass().exp(), TAU, 1e-9);
        let flat = radial("uniform", &[], Space::Sphere { radius: 0.1 });
        close(flat.log_mass().exp(), 4.0 * PI * 0.01, 1e-13);
    }

    #[test]
    fn quantiles_invert_the_mass() {
        for info in PROFILES.iter().filter(|p| p.takes == Takes::Distance) {
            let profile = Profile::from_name(info.name, &[]).unwrap();
            for d in [1, 2, 5] {
                let Ok(radial) = Radial::new(profile, 1.0, Space::euclidean(d)) else {
                    assert!(
                        ["cauchy", "rational_quadratic", "student_t", "bell"].contains(&info.name)
                    );
                    continue;
                };
                let mut before = 0.0;
                for i in 1..200 {
                    let p = f64::from(i) / 200.0;
                    let r = radial.quantile(p);
                    assert!(r > before, "{}", info.name);
                    before = r;
                    let s = r.ln();
                    let panel = radial
                        .edges
                        .partition_point(|e| *e < s)
                        .clamp(1, radial.edges.len() - 1);
                    let within = radial.part(radial.edges[panel - 1], s);
                    close(
                        (radial.cumulative[panel - 1] + within) / radial.total(),
                        p,
                        1e-12,
                    );
                }
            }
        }
    }

    #[test]
    fn canonical_bandwidths_are_those_of_the_books() {
        // Marron and Nolan 1988, table 1, at unit support, one dimension.
        for (name, expected) in [
            ("gaussian", (1.0 / (4.0 * PI)).powf(0.1)),
            ("uniform", (9.0_f64 / 2.0).powf(0.2)),
            ("epanechnikov", 15_f64.powf(0.2)),
            ("biweight", 35_f64.powf(0.2)),
            ("triweight", (9450.0_f64 / 143.0).powf(0.2)),
        ] {
            let found = radial(name, &[], Space::euclidean(1))
                .log_canonical(1.0)
                .unwrap();
            close(found.exp(), expected, 1e-12);
        }
    }
}

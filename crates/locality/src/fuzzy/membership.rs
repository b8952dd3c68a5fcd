//! Membership functions of fuzzy sets over one variable.

use super::shape::Shape;
use crate::isa::{Isa, Task, dispatch};
use crate::{Error, Result};

/// A membership function: the degree in `[0, 1]` to which a number belongs to a fuzzy set.
///
/// Its text is its name in files: `gaussian(5, 1.5)`, `triangle(0, 5, 10)`; [`SHAPES`](super::SHAPES) lists every shape with its formula.
///
/// ```
/// use locality::fuzzy::Membership;
/// let warm: Membership = "triangle(15, 20, 25)".parse()?;
/// assert_eq!(warm.at(17.5), 0.5);
/// assert_eq!(warm.to_string(), "triangle(15, 20, 25)");
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    pub(super) shape: Shape,
    pub(super) p: Vec<f64>,
}

/// More points of a piecewise linear membership than any file needs.
pub(super) const MOST_POINTS: usize = 10_000;

impl Membership {
    /// A membership of a shape and its parameters, in the order of its [`ShapeInfo`](super::ShapeInfo).
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter): another number of parameters, NaN or infinity, a width that is not positive, corners
    /// that do not rise.
    pub fn new(shape: Shape, parameters: &[f64]) -> Result<Self> {
        let info = shape.info();
        let made = Self {
            shape,
            p: parameters.to_vec(),
        };
        let wrong = |why: String| Err(Error::parameter(format!("{made}: {why}")));
        let count = match shape {
            Shape::Linear => parameters.len() >= 4 && parameters.len().is_multiple_of(2),
            _ => parameters.len() == info.parameters.len(),
        };
        if !count {
            return wrong(format!(
                "{} takes {}, but {} numbers are given",
                info.name,
                info.parameters.join(", "),
                parameters.len()
            ));
        }
        if parameters.len() > 2 * MOST_POINTS {
            return Err(Error::parameter(format!(
                "a piecewise linear membership has {} points; give at most {MOST_POINTS}",
                parameters.len() / 2
            )));
        }
        if let Some(x) = parameters.iter().find(|x| !x.is_finite()) {
            return wrong(format!("parameter {x} must be a finite number"));
        }
        match made.fault() {
            Some(why) => wrong(why.to_owned()),
            None => Ok(made),
        }
    }

    /// What is wrong with finite parameters of the right number.
    fn fault(&self) -> Option<&'static str> {
        let p = &self.p;
        let rising = |p: &[f64]| p.windows(2).all(|w| w[0] <= w[1]);
        match self.shape {
            Shape::Triangle | Shape::S | Shape::Z => {
                (!rising(p)).then_some("the corners must rise from left to right")
            }
            Shape::Trapezoid | Shape::Pi => (!rising(&p[..2]) || !rising(&p[2..]))
                .then_some("each flank's corners must rise from left to right"),
            Shape::Gaussian => (p[1] <= 0.0).then_some("sigma must be positive"),
            Shape::TwoSidedGaussian => {
                if p[0] <= 0.0 || p[2] <= 0.0 {
                    return Some("sigma1 and sigma2 must be positive");
                }
                None
            }
            Shape::Bell => {
                if p[0] == 0.0 {
                    return Some("the width must not be 0");
                }
                (p[1] == 0.0).then_some("the slope must not be 0")
            }
            Shape::Sigmoid => (p[0] == 0.0).then_some("the slope must not be 0"),
            Shape::Cosine => (p[1] <= 0.0).then_some("the width must be positive"),
            Shape::SigmoidDifference | Shape::SigmoidProduct | Shape::Singleton => None,
            Shape::Linear => {
                let x: Vec<f64> = p.iter().step_by(2).copied().collect();
                if !rising(&x) {
                    return Some("the points must go from left to right");
                }
                let degrees = p.iter().skip(1).step_by(2);
                let outside = degrees.into_iter().any(|y| !(0.0..=1.0).contains(y));
                outside.then_some("degrees must lie between 0 and 1")
            }
        }
    }

    /// A Gaussian, `exp(-(x - mean)^2 / (2 sigma^2))`.
    ///
    /// # Errors
    /// As [`Membership::new`].
    pub fn gaussian(mean: f64, sigma: f64) -> Result<Self> {
        Self::new(Shape::Gaussian, &[mean, sigma])
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its parameters, in the order of the shape's list.
    pub fn parameters(&self) -> &[f64] {
        &self.p
    }

    /// The degree of a number; NaN for NaN.
    pub fn at(&self, x: f64) -> f64 {
        let mut out = [0.0];
        self.fill(&[x], &mut out);
        out[0]
    }

    /// The degrees of a run of numbers.
    pub(super) fn fill(&self, x: &[f64], out: &mut [f64]) {
        let log = false;
        dispatch(Fill {
            of: self,
            x,
            out,
            log,
        });
    }

    /// Logarithms of the degrees, which do not underflow where the shape is Gaussian.
    pub(super) fn fill_log(&self, x: &[f64], out: &mut [f64]) {
        let log = true;
        dispatch(Fill {
            of: self,
            x,
            out,
            log,
        });
    }

    /// Where a monotone membership has this degree; `None` where the shape is not monotone.
    pub(super) fn inverse(&self, degree: f64) -> Option<f64> {
        let p = &self.p;
        let spline = |w: f64, a: f64, b: f64| {
            if w < 0.5 {
                a + (b - a) * (0.5 * w).sqrt()
            } else {
                b - (b - a) * (0.5 * (1.0 - w)).sqrt()
            }
        };
        match self.shape {
            Shape::Sigmoid => Some(p[1] + (degree / (1.0 - degree)).ln() / p[0]),
            Shape::S => Some(spline(degree, p[0], p[1])),
            Shape::Z => Some(spline(1.0 - degree, p[0], p[1])),
            Shape::Triangle if p[1] == p[2] => Some(p[0] + degree * (p[1] - p[0])),
            Shape::Triangle if p[0] == p[1] => Some(p[2] - degree * (p[2] - p[1])),
            Shape::Linear => along(p, degree),
            _ => None,
        }
    }
}

/// The place of a degree on a monotone line through points; its first where several have it.
fn along(p: &[f64], degree: f64) -> Option<f64> {
    let points: Vec<[f64; 2]> = p.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    let up = last[1] >= first[1];
    let steps = || points.windows(2);
    if steps().any(|w| {
        if up {
            w[1][1] < w[0][1]
        } else {
            w[1][1] > w[0][1]
        }
    }) || first[1] == last[1]
    {
        return None;
    }
    let reached = |y: f64| if up { y >= degree } else { y <= degree };
    if reached(first[1]) {
        return Some(first[0]);
    }
    let found = steps().find(|w| reached(w[1][1]));
    Some(found.map_or(last[0], |w| {
        w[0][0] + (w[1][0] - w[0][0]) * (degree - w[0][1]) / (w[1][1] - w[0][1])
    }))
}

/// `-(off / sigma)^2 / 2`. The square of `sigma` by itself may be below any number.
#[inline(always)]
fn half_square(off: f64, sigma: f64) -> f64 {
    let share = off / sigma;
    -0.5 * share * share
}

/// From 0 at `a` to 1 at `b`; a step where these are one.
#[inline(always)]
fn rise(x: f64, a: f64, b: f64) -> f64 {
    if b > a {
        ((x - a) / (b - a)).clamp(0.0, 1.0)
    } else if x >= a {
        1.0
    } else {
        0.0
    }
}

/// From 1 at `a` to 0 at `b`; 1 up to there where these are one.
#[inline(always)]
fn fall(x: f64, a: f64, b: f64) -> f64 {
    if b > a {
        ((b - x) / (b - a)).clamp(0.0, 1.0)
    } else if x <= a {
        1.0
    } else {
        0.0
    }
}

/// The quadratic spline of the ramp `t` in `[0, 1]`.
#[inline(always)]
fn spline(t: f64) -> f64 {
    if t < 0.5 {
        2.0 * t * t
    } else {
        1.0 - 2.0 * (1.0 - t) * (1.0 - t)
    }
}

#[inline(always)]
fn sigmoid<I: Isa>(isa: I, x: f64, slope: f64, center: f64) -> f64 {
    let z = slope * (x - center);
    let e = isa.exp(-z.abs());
    (if z > 0.0 { 1.0 } else { e }) / (1.0 + e)
}

fn line(p: &[f64], x: f64) -> f64 {
    let last = p.len() - 2;
    if x <= p[0] {
        return p[1];
    }
    if x >= p[last] {
        return p[last + 1];
    }
    // The first point beyond x; there is one, and one before it.
    let (mut low, mut high) = (0, last / 2);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if p[2 * middle] <= x {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (a, b) = (2 * low, 2 * high);
    p[a + 1] + (p[b + 1] - p[a + 1]) * (x - p[a]) / (p[b] - p[a])
}

/// Fills a run with degrees or their logarithms.
struct Fill<'a> {
    of: &'a Membership,
    x: &'a [f64],
    out: &'a mut [f64],
    log: bool,
}

macro_rules! each {
    ($task:ident, |$x:ident| $value:expr) => {
        for (o, x) in $task.out.iter_mut().zip($task.x) {
            let $x = *x;
            *o = $value;
        }
    };
}

impl Task for Fill<'_> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let p = &self.of.p[..];
        if self.log && self.of.shape == Shape::Gaussian {
            let (mean, sigma) = (p[0], p[1]);
            each!(self, |x| half_square(x - mean, sigma));
            return;
        }
        match self.of.shape {
            Shape::Triangle => each!(self, |x| rise(x, p[0], p[1]).min(fall(x, p[1], p[2]))),
            Shape::Trapezoid => each!(self, |x| rise(x, p[0], p[1]).min(fall(x, p[2], p[3]))),
            Shape::Gaussian => {
                let (mean, sigma) = (p[0], p[1]);
                each!(self, |x| isa.exp_below_one(half_square(x - mean, sigma)));
            }
            Shape::TwoSidedGaussian => {
                let (left, right) = (p[0], p[2]);
                each!(self, |x| {
                    let (below, above) = ((p[1] - x).max(0.0), (x - p[3]).max(0.0));
                    isa.exp_below_one(half_square(below, left) + half_square(above, right))
                });
            }
            Shape::Bell => each!(self, |x| {
                1.0 / (1.0 + ((x - p[2]) / p[0]).abs().powf(2.0 * p[1]))
            }),
            Shape::Sigmoid => each!(self, |x| sigmoid(isa, x, p[0], p[1])),
            Shape::SigmoidDifference => each!(self, |x| {
                (sigmoid(isa, x, p[0], p[1]) - sigmoid(isa, x, p[2], p[3])).abs()
            }),
            Shape::SigmoidProduct => each!(self, |x| {
                sigmoid(isa, x, p[0], p[1]) * sigmoid(isa, x, p[2], p[3])
            }),
            Shape::S => each!(self, |x| spline(rise(x, p[0], p[1]))),
            Shape::Z => each!(self, |x| spline(fall(x, p[0], p[1]))),
            Shape::Pi => each!(self, |x| {
                spline(rise(x, p[0], p[1])) * spline(fall(x, p[2], p[3]))
            }),
            Shape::Cosine => each!(self, |x| {
                let share = ((x - p[0]) / p[1]).abs().min(1.0);
                0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }),
            Shape::Singleton => each!(self, |x| if x == p[0] { 1.0 } else { 0.0 }),
            Shape::Linear => each!(self, |x| line(p, x)),
        }
        if self.log {
            for o in self.out {
                *o = o.ln();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Membership, Shape};
    use crate::fuzzy::SHAPES;

    fn of(text: &str) -> Membership {
        text.parse().unwrap()
    }

    #[test]
    fn degrees_are_those_of_the_formulas() {
        let cases = [
            ("triangle(0, 5, 10)", 2.5, 0.5),
            ("triangle(0, 0, 10)", 0.0, 1.0),
            ("triangle(0, 0, 10)", -0.1, 0.0),
            ("trapezoid(0, 2, 4, 8)", 7.0, 0.25),
            ("gaussian(5, 2)", 7.0, (-0.5_f64).exp()),
            ("two_sided_gaussian(1, 3, 2, 5)", 2.0, (-0.5_f64).exp()),
            ("two_sided_gaussian(1, 3, 2, 5)", 4.0, 1.0),
            ("two_sided_gaussian(1, 3, 2, 5)", 7.0, (-0.5_f64).exp()),
            ("bell(2, 4, 6)", 8.0, 0.5),
            ("sigmoid(2, 4)", 4.0, 0.5),
            ("sigmoid(2, 4)", 5.0, 1.0 / (1.0 + (-2.0_f64).exp())),
            ("s(1, 8)", 4.5, 0.5),
            ("s(0, 4)", 1.0, 0.125),
            ("z(3, 7)", 4.0, 0.875),
            ("pi(1, 4, 5, 10)", 4.5, 1.0),
            ("pi(0, 4, 5, 9)", 1.0, 0.125),
            ("cosine(5, 2)", 5.0, 1.0),
            ("cosine(5, 2)", 4.0, 0.5),
            ("cosine(5, 3)", 6.0, 0.75),
            ("cosine(5, 2)", 7.5, 0.0),
            ("singleton(3)", 3.0, 1.0),
            ("linear(0, 0, 2, 1, 4, 0.5)", 3.0, 0.75),
            ("linear(0, 0, 2, 1, 4, 0.5)", 9.0, 0.5),
        ];
        for (text, x, y) in cases {
            assert!(
                (of(text).at(x) - y).abs() < 1e-14,
                "{text} at {x}: {}",
                of(text).at(x)
            );
        }
    }

    #[test]
    fn logarithms_agree_and_do_not_underflow() {
        for info in SHAPES {
            let m = info.example();
            for i in 0..40 {
                let x = 0.25 * f64::from(i);
                let mut log = [0.0];
                m.fill_log(&[x], &mut log);
                assert!((log[0].exp() - m.at(x)).abs() < 1e-13, "{m} at {x}");
                assert!((0.0..=1.0).contains(&m.at(x)), "{m} at {x}");
            }
        }
        let mut log = [0.0];
        of("gaussian(0, 1)").fill_log(&[100.0], &mut log);
        assert_eq!(log[0], -5000.0);
        // The square of the width is below any number.
        for text in [
            "gaussian(5, 1e-200)",
            "two_sided_gaussian(1e-200, 5, 1e-200, 5)",
        ] {
            assert_eq!((of(text).at(5.0), of(text).at(5.1)), (1.0, 0.0), "{text}");
        }
        of("gaussian(5, 1e-200)").fill_log(&[5.0], &mut log);
        assert_eq!(log[0], 0.0);
    }

    #[test]
    fn flanks_may_cross() {
        // MATLAB's: the product of the two curves, the lesser of two lines.
        let (s, z) = (of("s(0, 6)"), of("z(4, 10)"));
        let (left, right) = (of("gaussian(6, 2)"), of("gaussian(4, 1)"));
        for i in 0..=100 {
            let x = 0.1 * f64::from(i);
            assert_eq!(of("pi(0, 6, 4, 10)").at(x), s.at(x) * z.at(x));
            let want =
                if x < 6.0 { left.at(x) } else { 1.0 } * if x > 4.0 { right.at(x) } else { 1.0 };
            assert!((of("two_sided_gaussian(2, 6, 1, 4)").at(x) - want).abs() < 1e-15);
            let lines = (x / 6.0).min((10.0 - x) / 6.0);
            assert!((of("trapezoid(0, 6, 4, 10)").at(x) - lines).abs() < 1e-15);
            let bell = 1.0 / (1.0 + ((x - 5.0) / 2.0).abs().powf(-4.0));
            assert!((of("bell(2, -2, 5)").at(x) - bell).abs() < 1e-15, "{x}");
        }
        assert_eq!([of("z(5, 5)").at(5.0), of("s(5, 5)").at(5.0)], [1.0, 1.0]);
    }

    #[test]
    fn a_monotone_membership_has_an_inverse() {
        for text in [
            "sigmoid(-2, 4)",
            "s(1, 8)",
            "z(3, 7)",
            "triangle(1, 5, 5)",
            "triangle(1, 1, 5)",
            "linear(0, 1, 2, 0.5, 9, 0)",
        ] {
            let m = of(text);
            for degree in [0.05, 0.3, 0.5, 0.77] {
                let x = m.inverse(degree).unwrap();
                assert!((m.at(x) - degree).abs() < 1e-12, "{text} {degree} {x}");
            }
        }
        assert!(of("gaussian(0, 1)").inverse(0.5).is_none());
        assert!(of("linear(0, 0, 1, 1, 2, 0)").inverse(0.5).is_none());
        assert_eq!(Shape::named("gbellmf").unwrap(), Shape::Bell);
    }
}

//! The curves between linear maps.

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Error, Result};

use crate::Number;
use crate::pass::fill;

/// A curve applied to every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activation {
    /// `x Phi(x)`, with the normal distribution function (Hendrycks and Gimpel 2016); that of BERT.
    GeluErf,
    /// The same with Phi by a hyperbolic tangent; that of GPT-2.
    #[default]
    Gelu,
    /// `x / (1 + exp(-x))`, `SiLU` or swish.
    Silu,
    /// `max(x, 0)`
    Relu,
}

/// Every activation with its name.
pub const ACTIVATIONS: [(&str, Activation); 4] = [
    ("gelu", Activation::Gelu),
    ("gelu_erf", Activation::GeluErf),
    ("silu", Activation::Silu),
    ("relu", Activation::Relu),
];

impl std::str::FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = ACTIVATIONS.iter().find(|(name, _)| *name == text);
        found.map(|(_, a)| *a).ok_or_else(|| {
            let names: Vec<&str> = ACTIVATIONS.iter().map(|(name, _)| *name).collect();
            Error::parse(format!(
                "there is no activation '{text}'; choose {}",
                names.join(", ")
            ))
        })
    }
}

impl Activation {
    /// Its name.
    pub fn name(self) -> &'static str {
        let found = ACTIVATIONS.iter().find(|(_, a)| *a == self);
        found.map_or("gelu", |(name, _)| name)
    }

    /// The curve at every number of `input`.
    pub(crate) fn forward<T: Number>(self, input: &[T]) -> Vec<T> {
        let mut out = vec![T::ZERO; input.len()];
        fill(&mut out, RUN, |first, out| {
            let input = &input[first * RUN..][..out.len()];
            dispatch(Curve {
                activation: self,
                input,
                out,
            });
        });
        out
    }

    /// Multiplies `flow` by the slope at every number of `input`.
    pub(crate) fn pull_back<T: Number>(self, input: &[T], flow: &mut [T]) {
        fill(flow, RUN, |first, flow| {
            let input = &input[first * RUN..][..flow.len()];
            dispatch(Slope {
                activation: self,
                input,
                flow,
            });
        });
    }
}

/// Numbers of a run; blocks hold whole ones.
const RUN: usize = 128;

/// `sqrt(8 / pi)` and `sqrt(8 / pi) * 0.044715`: twice the argument of the hyperbolic tangent.
const GELU: (f64, f64) = (1.595_769_121_605_731, 0.071_354_816_272_600_25);

/// `1 / sqrt(2 pi)`
const DENSITY: f64 = 0.398_942_280_401_432_7;

/// `1 / (1 + exp(-x))`
#[inline(always)]
pub(crate) fn logistic<T: Number, I: Isa>(isa: I, x: T) -> T {
    T::ONE / (T::ONE + isa.exp(-x))
}

struct Curve<'a, T> {
    activation: Activation,
    input: &'a [T],
    out: &'a mut [T],
}

impl<T: Number> Task for Curve<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let pairs = self.out.iter_mut().zip(self.input);
        match self.activation {
            Activation::Gelu => {
                let (a, b) = (T::from_f64(GELU.0), T::from_f64(GELU.1));
                for (y, &x) in pairs {
                    *y = x * logistic(isa, x * isa.fma(b, x * x, a));
                }
            }
            Activation::Silu => pairs.for_each(|(y, &x)| *y = x * logistic(isa, x)),
            Activation::Relu => pairs.for_each(|(y, &x)| *y = x.max(T::ZERO)),
            Activation::GeluErf if size_of::<T>() == 4 => {
                for (y, &x) in pairs {
                    let (u, tail) = (x.abs(), tail(isa, x));
                    *y = x.max(T::ZERO) - u * tail;
                }
            }
            Activation::GeluErf => {
                pairs.for_each(|(y, &x)| *y = T::from_f64(x.to_f64() * normal(x.to_f64())));
            }
        }
    }
}

struct Slope<'a, T> {
    activation: Activation,
    input: &'a [T],
    flow: &'a mut [T],
}

impl<T: Number> Task for Slope<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let pairs = self.flow.iter_mut().zip(self.input);
        match self.activation {
            Activation::Gelu => {
                let (a, b) = (T::from_f64(GELU.0), T::from_f64(GELU.1));
                let b3 = b * T::from_f64(3.0);
                for (f, &x) in pairs {
                    let square = x * x;
                    let s = logistic(isa, x * isa.fma(b, square, a));
                    let inner = x * isa.fma(b3, square, a);
                    *f *= isa.fma(s * (T::ONE - s), inner, s);
                }
            }
            Activation::Silu => {
                for (f, &x) in pairs {
                    let s = logistic(isa, x);
                    *f *= isa.fma(s * (T::ONE - s), x, s);
                }
            }
            Activation::Relu => {
                for (f, &x) in pairs {
                    *f = if x > T::ZERO { *f } else { T::ZERO };
                }
            }
            Activation::GeluErf if size_of::<T>() == 4 => {
                for (f, &x) in pairs {
                    let tail = tail(isa, x);
                    let below = if x > T::ZERO { T::ONE - tail } else { tail };
                    let density = isa.exp_below_one(x * x * T::from_f64(-0.5));
                    *f *= isa.fma(x * T::from_f64(DENSITY), density, below);
                }
            }
            Activation::GeluErf => {
                for (f, &x) in pairs {
                    let x = x.to_f64();
                    let density = (-0.5 * x * x).exp() * DENSITY;
                    *f *= T::from_f64(normal(x) + x * density);
                }
            }
        }
    }
}

/// `Phi(-|x|)` in single precision: `exp(-x^2 / 2) t P(t)` with `t = 1 / (1 + 0.35 |x|)`. The polynomial is a fit to SciPy's `erfcx`, least
/// squares weighed until its greatest relative error, 3.2e-8, was least. The exact function goes one number at a time.
#[inline(always)]
fn tail<T: Number, I: Isa>(isa: I, x: T) -> T {
    const P: [f64; 9] = [
        0.139_621_406_793_594_36,
        0.139_861_747_622_489_93,
        0.119_833_707_809_448_24,
        0.105_504_773_557_186_13,
        -0.023_102_395_236_492_157,
        0.159_163_594_245_910_64,
        -0.255_705_207_586_288_45,
        0.143_967_404_961_586,
        -0.029_145_063_832_402_33,
    ];
    let t = T::ONE / isa.fma(x.abs(), T::from_f64(0.35), T::ONE);
    let mut p = T::from_f64(P[8]);
    for a in P[..8].iter().rev() {
        p = isa.fma(p, t, T::from_f64(*a));
    }
    p * t * isa.exp_below_one(x * x * T::from_f64(-0.5))
}

/// The normal distribution function.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::{Activation, normal};

    #[test]
    fn the_single_precision_gelu_is_the_exact_one() {
        let x: Vec<f32> = (-140_000..=140_000).map(|i| i as f32 * 1e-4).collect();
        for (x, y) in x.iter().zip(Activation::GeluErf.forward(&x)) {
            let exact = f64::from(*x) * normal(f64::from(*x));
            // A rounding of the result, and of products no larger than 0.17.
            let bound = 2e-7 * f64::from(x.abs()).clamp(1.0, 1.0 + exact.abs());
            assert!((f64::from(y) - exact).abs() <= bound, "{x}: {y}, {exact}");
        }
        let mut slopes = vec![1.0; x.len()];
        Activation::GeluErf.pull_back(&x, &mut slopes);
        let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let mut exact = vec![1.0; x.len()];
        Activation::GeluErf.pull_back(&wide, &mut exact);
        for (found, exact) in slopes.iter().zip(exact) {
            assert!((f64::from(*found) - exact).abs() < 1e-6, "{found}, {exact}");
        }
        let odd = [f32::NAN, f32::INFINITY, f32::MIN, f32::MAX, 0.0];
        let found = Activation::GeluErf.forward(&odd);
        assert!(found[0].is_nan());
        assert_eq!(found[2..], [0.0, f32::MAX, 0.0]);
    }
}

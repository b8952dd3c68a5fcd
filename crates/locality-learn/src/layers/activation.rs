//! The curves between linear maps.

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Error, Result};

use crate::Number;
use crate::pass::fill;

/// A curve applied to every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activation {
    /// `x Phi(x)`, with the normal distribution function (Hendrycks and Gimpel 2016); that of BERT. Slow: its error function is
    /// the exact one.
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
            Activation::GeluErf => {
                for (f, &x) in pairs {
                    let x = x.to_f64();
                    let density = (-0.5 * x * x).exp() * 0.398_942_280_401_432_7;
                    *f *= T::from_f64(normal(x) + x * density);
                }
            }
        }
    }
}

/// The normal distribution function.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

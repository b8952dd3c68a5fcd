//! The trait behind every profile, and the macro that writes one down.

use super::ProfileInfo;
use crate::Float;
use crate::isa::Isa;

/// Which number a curve is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// `u^2`
    Squared,
    /// `u`
    Plain,
    /// `s`
    Score,
}

impl Input {
    /// The derivative of its logarithm by that of the bandwidth.
    pub(crate) fn degree(self) -> f64 {
        match self {
            Self::Squared => -2.0,
            Self::Plain => -1.0,
            Self::Score => 0.0,
        }
    }
}

/// What a curve returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The logarithm of the weight: nothing underflows.
    Log,
    /// The weight itself, in `[0, 1]`.
    Weight,
}

/// No profile has more parameters.
pub(crate) const MOST_PARAMETERS: usize = 3;

/// One profile: a branch-free function of `u^2`, `u` or `s`.
pub(crate) trait Curve: Copy + Send + Sync + 'static {
    const INFO: ProfileInfo;
    const INPUT: Input;
    const FORM: Form;

    /// The weight, or its logarithm, at `u` in the curve's own input.
    fn at<T: Float, I: Isa>(self, isa: I, u: T) -> T;

    /// The derivative of [`at`](Self::at) by `u`; 0 at kinks and edges.
    fn slope<T: Float, I: Isa>(self, isa: I, u: T) -> T;

    /// The derivatives of [`at`](Self::at) by the curve's parameters, in the entry's order.
    fn by<T: Float, I: Isa>(self, isa: I, u: T) -> [T; MOST_PARAMETERS];

    /// The same at `u / width`, given `inverse = 1 / width`. The flat kernel compares with the width itself, so that a key at
    /// exactly one bandwidth is inside.
    #[inline(always)]
    fn at_width<T: Float, I: Isa>(self, isa: I, u: T, inverse: T, _width: T) -> T {
        self.at(isa, u * inverse)
    }
}

/// Declares a curve: its entry in the list, its parameters and its formula.
macro_rules! curve {
    (
        $(#[$doc:meta])*
        $name:ident { $($p:ident = $default:literal in $bound:tt $min:literal: $about:literal),* }
        $text:literal $aliases:tt $takes:ident $bounded:literal
        $formula:literal
        $summary:literal
        $input:ident -> $form:ident
        |$self:ident, $isa:ident, $u:ident| $body:expr;
        slope $slope:expr;
        by $by:expr
        $(; edge |$s:ident, $w:ident| $edge:expr)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $(
                #[doc = $about]
                pub(super) $p: f64,
            )*
        }

        #[allow(dead_code, clippy::unused_self)]
        impl $name {
            pub(super) fn from_values(values: &[f64]) -> Self {
                let mut values = values.iter().copied();
                let _ = &mut values;
                Self { $($p: values.next().unwrap_or($default)),* }
            }

            pub(super) fn values(&self) -> Vec<f64> {
                vec![$(self.$p),*]
            }
        }

        impl $crate::profile::Curve for $name {
            const INFO: $crate::profile::ProfileInfo = $crate::profile::ProfileInfo {
                name: $text,
                aliases: &$aliases,
                formula: $formula,
                takes: $crate::profile::Takes::$takes,
                bounded: $bounded,
                parameters: &[$($crate::profile::ParameterInfo {
                    name: stringify!($p),
                    default: $default,
                    min: $min,
                    open: curve!(@open $bound),
                    summary: $about,
                }),*],
                summary: $summary,
            };
            const INPUT: $crate::profile::Input = $crate::profile::Input::$input;
            const FORM: $crate::profile::Form = $crate::profile::Form::$form;

            #[inline(always)]
            fn at<T: $crate::Float, I: $crate::isa::Isa>($self, $isa: I, $u: T) -> T {
                let _ = $isa;
                $body
            }

            #[inline(always)]
            fn slope<T: $crate::Float, I: $crate::isa::Isa>($self, $isa: I, $u: T) -> T {
                let _ = ($isa, $u);
                $slope
            }

            #[inline(always)]
            fn by<T: $crate::Float, I: $crate::isa::Isa>(
                $self,
                $isa: I,
                $u: T,
            ) -> [T; $crate::profile::MOST_PARAMETERS] {
                let _ = ($isa, $u);
                $crate::profile::curve::filled($by)
            }

            $(
                #[inline(always)]
                fn at_width<T: $crate::Float, I: $crate::isa::Isa>(self, _: I, $s: T, _: T, $w: T) -> T {
                    $edge
                }
            )?
        }
    };
    (@open over) => { true };
    (@open from) => { false };
}
pub(crate) use curve;

/// Some numbers, and zeros.
#[inline(always)]
pub(super) fn filled<T: Float, const N: usize>(some: [T; N]) -> [T; MOST_PARAMETERS] {
    let mut all = [T::ZERO; MOST_PARAMETERS];
    all[..N].copy_from_slice(&some);
    all
}

/// A constant in the working precision.
#[inline(always)]
pub(super) fn c<T: Float>(x: f64) -> T {
    T::from_f64(x)
}

/// `ln(1 + x)` for `x >= 0`, with the digits that `1 + x` rounds away; an overflow to infinity counts as the largest number.
#[inline(always)]
pub(super) fn ln_1p<T: Float, I: Isa>(isa: I, x: T) -> T {
    let x = x.min(T::MAX);
    let y = T::ONE + x;
    isa.ln(y) + (x - (y - T::ONE)) / y
}

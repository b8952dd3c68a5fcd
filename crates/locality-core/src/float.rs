//! The two number types, and the branch-free functions that the compiler turns into vector code.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::isa::{Compiled, Isa};
use crate::lanes::Lanes;

/// The larger of two numbers, in one instruction: the standard library's looks at NaN besides.
#[inline(always)]
pub(crate) fn max(a: f32, b: f32) -> f32 {
    Float::max(a, b)
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`. Sealed: the engine's accuracy is stated for these two.
pub trait Float:
    sealed::Sealed
    + Lanes
    + Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Negative infinity, the log-weight of a key outside the local region.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// Distance from 1 to the next number.
    const EPSILON: Self;
    /// Smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// Largest finite number.
    const MAX: Self;
    /// `exp(x)` is flushed to 0 for `x` below this (the smallest normal number's logarithm, rounded up).
    const EXP_FLOOR: Self;
    /// The type's name.
    const NAME: &'static str;

    /// Nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// Exact conversion.
    fn to_f64(self) -> f64;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    /// Whether this is NaN.
    fn is_nan(self) -> bool;
    /// Absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// Square root, correctly rounded.
    #[must_use]
    fn sqrt(self) -> Self;
    /// The larger of two numbers (`other` where `self` is NaN).
    #[must_use]
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers (`other` where `self` is NaN).
    #[must_use]
    fn min(self, other: Self) -> Self;
    /// The standard library's exponential.
    #[must_use]
    fn exp_std(self) -> Self;
    /// The standard library's natural logarithm.
    #[must_use]
    fn ln_std(self) -> Self;
    /// Arc sine.
    #[must_use]
    fn asin(self) -> Self;
    /// `self * a + b` in one rounding (slow where the machine has no such instruction).
    #[must_use]
    fn fused(self, a: Self, b: Self) -> Self;
    /// Runs work compiled for this type.
    fn run_compiled<C: Compiled>(task: C::In<Self>) -> C::Out<Self>;
    /// Branch-free exponential, within 2 ulp; 0 below [`EXP_FLOOR`](Self::EXP_FLOOR).
    #[must_use]
    fn exp_vector<I: Isa>(self, isa: I) -> Self;
    /// The same for a number that is not above 1, negative infinity included.
    #[must_use]
    fn exp_below_one<I: Isa>(self, isa: I) -> Self {
        self.exp_vector(isa)
    }
    /// Branch-free natural logarithm of a positive normal number, within 2 ulp.
    #[must_use]
    fn ln_vector<I: Isa>(self, isa: I) -> Self;
}

macro_rules! common {
    ($t:ident) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const INFINITY: Self = $t::INFINITY;
        const NEG_INFINITY: Self = $t::NEG_INFINITY;
        const NAN: Self = $t::NAN;
        const EPSILON: Self = $t::EPSILON;
        const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
        const MAX: Self = $t::MAX;
        const NAME: &'static str = stringify!($t);

        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            x as $t
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self as f64
        }
        #[inline(always)]
        fn is_finite(self) -> bool {
            $t::is_finite(self)
        }
        #[inline(always)]
        fn is_nan(self) -> bool {
            $t::is_nan(self)
        }
        #[inline(always)]
        fn abs(self) -> Self {
            $t::abs(self)
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $t::sqrt(self)
        }
        // Comparison and choice, which is one vector instruction; the standard `max` is several.
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            if self > other { self } else { other }
        }
        #[inline(always)]
        fn min(self, other: Self) -> Self {
            if self < other { self } else { other }
        }
        #[inline(always)]
        fn exp_std(self) -> Self {
            $t::exp(self)
        }
        #[inline(always)]
        fn ln_std(self) -> Self {
            $t::ln(self)
        }
        #[inline(always)]
        fn asin(self) -> Self {
            $t::asin(self)
        }
        #[inline(always)]
        fn fused(self, a: Self, b: Self) -> Self {
            $t::mul_add(self, a, b)
        }
    };
}

/// `coefficients[0] + x (coefficients[1] + x (...))`.
#[inline(always)]
fn horner<T: Float, I: Isa, const N: usize>(isa: I, x: T, coefficients: [T; N]) -> T {
    let mut p = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        p = isa.fma(p, x, coefficients[i]);
    }
    p
}

/// `exp(r)` for `|r| <= ln(2) / 2`, within 3.1e-9 of it: by Remez' exchange, with the first two coefficients held.
const EXP: [f32; 7] = [
    1.0,
    1.0,
    0.499_999_93,
    0.166_665_21,
    0.041_668_39,
    0.008_368_717,
    0.001_381_459_9,
];

impl Float for f32 {
    common!(f32);

    #[inline(always)]
    fn run_compiled<C: Compiled>(task: C::In<Self>) -> C::Out<Self> {
        C::single(task)
    }

    // A little above the logarithm of the smallest normal number, so that no rounding leads below that number.
    const EXP_FLOOR: Self = -87.336_5;

    #[inline(always)]
    // Not `clamp`, which may panic and is no vector code.
    #[allow(clippy::manual_clamp)]
    fn exp_vector<I: Isa>(self, isa: I) -> Self {
        // Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let x = self.min(88.0).max(Self::EXP_FLOOR);
        let t = isa.fma(x, std::f32::consts::LOG2_E, ROUND);
        let n = t - ROUND;
        let r = isa.fma(n, -0.693_145_75, x);
        let r = isa.fma(n, -1.428_606_8e-6, r);
        let p = horner(isa, r, EXP);
        let scale = f32::from_bits((t.to_bits() << 23).wrapping_add(127 << 23));
        if self < Self::EXP_FLOOR {
            0.0
        } else {
            p * scale
        }
    }

    #[inline(always)]
    fn exp_below_one<I: Isa>(self, isa: I) -> Self {
        const ROUND: f32 = 12_582_912.0;
        let t = isa.fma(self, std::f32::consts::LOG2_E, ROUND);
        let n = t - ROUND;
        let r = isa.fma(n, -0.693_145_75, self);
        let r = isa.fma(n, -1.428_606_8e-6, r);
        let p = horner(isa, r, EXP);
        // Times two to the n, by the exponent itself.
        let scaled = f32::from_bits(p.to_bits().wrapping_add(t.to_bits() << 23));
        if self < Self::EXP_FLOOR { 0.0 } else { scaled }
    }

    #[inline(always)]
    fn ln_vector<I: Isa>(self, isa: I) -> Self {
        const OFFSET: u32 = 0x3f80_0000 - 0x3f35_04f3;
        let i = self.to_bits().wrapping_add(OFFSET);
        let e = ((i >> 23) as i32 - 127) as f32;
        let m = f32::from_bits((i & 0x007f_ffff) + 0x3f35_04f3);
        let f = m - 1.0;
        let s = f / (m + 1.0);
        let z = s * s;
        // ln m = 2 atanh s = f - s (f - 2 z (1/3 + z/5 + ..)), which keeps the last bits near m = 1.
        let w = z * horner(
            isa,
            z,
            [0.666_666_7, 0.4, 0.285_714_3, 0.222_222_22, 0.181_818_18],
        );
        let tail = isa.fma(-s, f - w, e * 1.428_606_8e-6_f32);
        isa.fma(e, 0.693_145_75, f + tail)
    }
}

impl Float for f64 {
    common!(f64);

    #[inline(always)]
    fn run_compiled<C: Compiled>(task: C::In<Self>) -> C::Out<Self> {
        C::double(task)
    }

    const EXP_FLOOR: Self = -708.396_418_532_264;

    #[inline(always)]
    // Not `clamp`, which may panic and is no vector code.
    #[allow(clippy::manual_clamp)]
    fn exp_vector<I: Isa>(self, isa: I) -> Self {
        const ROUND: f64 = 6_755_399_441_055_744.0;
        let x = self.min(709.0).max(Self::EXP_FLOOR);
        let t = isa.fma(x, std::f64::consts::LOG2_E, ROUND);
        let n = t - ROUND;
        let r = isa.fma(n, -6.931_471_803_691_238e-1, x);
        let r = isa.fma(n, -1.908_214_929_270_587_7e-10, r);
        // Taylor to r^13: the rest is below 5e-18 for |r| <= ln(2)/2.
        let p = horner(
            isa,
            r,
            [
                1.0,
                1.0,
                1.0 / 2.0,
                1.0 / 6.0,
                1.0 / 24.0,
                1.0 / 120.0,
                1.0 / 720.0,
                1.0 / 5_040.0,
                1.0 / 40_320.0,
                1.0 / 362_880.0,
                1.0 / 3_628_800.0,
                1.0 / 39_916_800.0,
                1.0 / 479_001_600.0,
                1.0 / 6_227_020_800.0,
            ],
        );
        let scale = f64::from_bits((t.to_bits() << 52).wrapping_add(1023 << 52));
        if self < Self::EXP_FLOOR {
            0.0
        } else {
            p * scale
        }
    }

    #[inline(always)]
    fn ln_vector<I: Isa>(self, isa: I) -> Self {
        const OFFSET: u64 = 0x3ff0_0000_0000_0000 - 0x3fe6_a09e_667f_3bcd;
        let i = self.to_bits().wrapping_add(OFFSET);
        let e = ((i >> 52) as i32 - 1023) as f64;
        let m = f64::from_bits((i & 0x000f_ffff_ffff_ffff) + 0x3fe6_a09e_667f_3bcd);
        let f = m - 1.0;
        let s = f / (m + 1.0);
        let z = s * s;
        let w = z * horner(
            isa,
            z,
            [
                2.0 / 3.0,
                2.0 / 5.0,
                2.0 / 7.0,
                2.0 / 9.0,
                2.0 / 11.0,
                2.0 / 13.0,
                2.0 / 15.0,
                2.0 / 17.0,
                2.0 / 19.0,
                2.0 / 21.0,
                2.0 / 23.0,
            ],
        );
        let tail = isa.fma(-s, f - w, e * 1.908_214_929_270_587_7e-10);
        isa.fma(e, 6.931_471_803_691_238e-1, f + tail)
    }
}

#[cfg(test)]
mod tests;

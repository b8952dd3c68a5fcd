//! Profiles that grow with a score.

use super::curve::{c, curve, ln_1p};

curve! {
    /// Softmax (exponential) of a score.
    Softmax { beta = 1.0 in from 0.0: "inverse temperature; 1/sqrt(d) in scaled dot-product attention" }
    "softmax" ["exp_dot", "attention"] Score false
    "exp(beta s)"
    "Attention and modern Hopfield reads; by default on the inner product."
    Score -> Log
    |self, isa, u| u * c(self.beta);
    slope c(self.beta);
    by [u]
}

curve! {
    /// Softmax of a score that is capped smoothly (logit soft-capping; Gemma 2 2024, section 2).
    Softcap {
        beta = 1.0 in from 0.0: "inverse temperature; 1/sqrt(d) in scaled dot-product attention",
        cap = 50.0 in over 0.0: "bound of the logarithm; the larger, the nearer to softmax"
    }
    "softcap" ["softcap_attention"] Score false
    "exp(cap tanh(beta s / cap))"
    "Attention whose scores stay within a bound: no single key can take all of the weight."
    Score -> Log
    |self, isa, u| {
        let (plain, cap) = (u * c(self.beta), c::<T>(largest(self.cap)));
        let x = u * c(self.beta / largest(self.cap));
        // One rounding at the end of each: the product of `tanh` and the cap would add its own to those of `tanh`.
        let near = isa.fma(plain, excess(isa, x), plain);
        let e = isa.exp(x.abs() * c(-2.0));
        let far = isa.fma(-cap, (e + e) / (T::ONE + e), cap);
        let far = if x < T::ZERO { -far } else { far };
        if x.abs() > T::ONE { far } else { near }
    };
    slope bend(isa, u * c(self.beta / largest(self.cap))) * c(self.beta);
    by {
        let x = u * c(self.beta / largest(self.cap));
        let t = tanh(isa, x);
        // tanh(x) - x + x tanh(x)^2, the first two in one.
        let near = x * isa.fma(t, t, excess(isa, x));
        let bend = bend(isa, x);
        [u * bend, if x.abs() > T::ONE { t - x * bend } else { near }]
    }
}

curve! {
    /// Logistic function of a score.
    Sigmoid { gamma = 1.0 in from 0.0: "slope", c = 0.0 in from -1e300: "offset" }
    "sigmoid" ["logistic"] Score false
    "1 / (1 + exp(-(gamma s + c)))"
    "A soft step; tanh(x) = 2 sigmoid(2x) - 1 is the other form in use."
    Score -> Log
    |self, isa, u| {
        let x = isa.fma(u, c(self.gamma), c(self.c));
        x.min(T::ZERO) - ln_1p(isa, isa.exp(-x.abs()))
    };
    slope complement(isa, isa.fma(u, c(self.gamma), c(self.c))) * c(self.gamma);
    by {
        let rest = complement(isa, isa.fma(u, c(self.gamma), c(self.c)));
        [u * rest, rest]
    }
}

curve! {
    /// Polynomial of a score; a negative base counts as zero, since weights are not negative.
    Polynomial {
        degree = 3.0 in over 0.0: "exponent",
        gamma = 1.0 in over 0.0: "slope",
        c = 1.0 in from -1e300: "offset"
    }
    "polynomial" ["poly"] Score false
    "max(0, gamma s + c)^degree"
    "The polynomial kernel of kernel ridge regression and dense associative memories."
    Score -> Log
    |self, isa, u| {
        let (gamma, offset) = (c::<T>(self.gamma), c::<T>(self.c));
        let x = isa.fma(u, gamma, offset);
        // What the sum rounded away, which the exponent would multiply.
        let product = u * gamma;
        let part = x - product;
        let rest = (product - (x - part)) + (offset - part) + isa.fma(u, gamma, -product);
        let tiny = T::MIN_POSITIVE;
        let safe = x.max(tiny);
        let rest = if x < T::MAX { rest / safe } else { T::ZERO };
        let degree = c::<T>(self.degree);
        if x > tiny { isa.fma(isa.ln(safe), degree, rest * degree) } else { T::NEG_INFINITY }
    };
    slope inverse(isa.fma(u, c(self.gamma), c(self.c))) * c(self.degree * self.gamma);
    by {
        let x = isa.fma(u, c(self.gamma), c(self.c));
        let tiny = T::MIN_POSITIVE;
        let log = if x > tiny { isa.ln(x.max(tiny)) } else { T::ZERO };
        let factor = inverse(x) * c(self.degree);
        [log, u * factor, factor]
    }
}

/// A cap that single precision holds, too.
#[inline(always)]
fn largest(cap: f64) -> f64 {
    cap.min(1e30)
}

/// Hyperbolic tangent: by exponentials, up to 1 by [`excess`], which cancels no digits.
#[inline(always)]
fn tanh<T: crate::Float, I: crate::isa::Isa>(isa: I, x: T) -> T {
    let e = isa.exp(x.abs() * c(-2.0));
    let far = (T::ONE - e) / (T::ONE + e);
    let far = if x < T::ZERO { -far } else { far };
    if x.abs() > T::ONE {
        far
    } else {
        isa.fma(x, excess(isa, x), x)
    }
}

/// `tanh(x) / x - 1` up to 1, beyond it the value there: the ninth convergent of Lambert's continued fraction (3e-17 off at 1).
#[inline(always)]
fn excess<T: crate::Float, I: crate::isa::Isa>(isa: I, x: T) -> T {
    let y = (x * x).min(T::ONE);
    let over = isa.fma(y, c(44.0), c(12_870.0));
    let over = isa.fma(isa.fma(over, y, c(810_810.0)), y, c(11_486_475.0));
    let under = isa.fma(y, c(45.0), c(13_860.0));
    let under = isa.fma(isa.fma(under, y, c(945_945.0)), y, c(16_216_200.0));
    -(y * over) / isa.fma(under, y, c(34_459_425.0))
}

/// The derivative of the hyperbolic tangent.
#[inline(always)]
fn bend<T: crate::Float, I: crate::isa::Isa>(isa: I, x: T) -> T {
    let e = isa.exp(x.abs() * c(-2.0));
    let sum = T::ONE + e;
    c::<T>(4.0) * e / (sum * sum)
}

/// The logistic function of `-x`.
#[inline(always)]
fn complement<T: crate::Float, I: crate::isa::Isa>(isa: I, x: T) -> T {
    let e = isa.exp(-x.abs());
    (if x > T::ZERO { e } else { T::ONE }) / (T::ONE + e)
}

/// `1 / x` where the polynomial's logarithm is finite, else 0.
#[inline(always)]
fn inverse<T: crate::Float>(x: T) -> T {
    let tiny = T::MIN_POSITIVE;
    if x > tiny {
        T::ONE / x.max(tiny)
    } else {
        T::ZERO
    }
}

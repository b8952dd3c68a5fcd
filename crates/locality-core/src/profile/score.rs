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
        let x = isa.fma(u, c(self.gamma), c(self.c));
        let tiny = T::MIN_POSITIVE;
        if x > tiny { isa.ln(x.max(tiny)) * c(self.degree) } else { T::NEG_INFINITY }
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

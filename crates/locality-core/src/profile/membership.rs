//! Membership curves of fuzzy sets.

use super::curve::{c, curve, ln_1p};

curve! {
    /// Generalised bell.
    Bell { b = 2.0 in over 0.0: "steepness of the shoulders" }
    "bell" ["generalized_bell", "gbell"] Distance false
    "1 / (1 + u^(2 b))"
    "A flat top with soft shoulders; weight 1/2 at one bandwidth."
    Squared -> Log
    |self, isa, u| {
        let x = isa.ln(u.max(T::MIN_POSITIVE).min(T::MAX)) * c(self.b);
        let log = -(x.max(T::ZERO) + ln_1p(isa, isa.exp(-x.abs())));
        if u > T::ZERO { log } else { T::ZERO }
    };
    slope {
        let x = isa.ln(u.max(T::MIN_POSITIVE).min(T::MAX)) * c(self.b);
        let slope = rise(isa, x) / u.max(T::MIN_POSITIVE) * c(-self.b);
        if u > T::ZERO { slope } else { T::ZERO }
    };
    by {
        let log = isa.ln(u.max(T::MIN_POSITIVE).min(T::MAX));
        let by = -log * rise(isa, log * c(self.b));
        [if u > T::ZERO { by } else { T::ZERO }]
    }
}

curve! {
    /// Trapezoid.
    Trapezoid { core = 0.5 in from 0.0: "part of the bandwidth with full weight, below 1" }
    "trapezoid" ["trap"] Distance true
    "1 where u <= core, then linear down to 0 at u = 1"
    "A flat top with linear shoulders."
    Plain -> Weight
    |self, isa, u| ((T::ONE - u) * c(1.0 / (1.0 - self.core))).min(T::ONE).max(T::ZERO);
    slope {
        let sloping = u > c(self.core) && u < T::ONE;
        if sloping { c(-1.0 / (1.0 - self.core)) } else { T::ZERO }
    };
    by {
        let sloping = u > c(self.core) && u < T::ONE;
        [if sloping { (T::ONE - u) * c((1.0 - self.core).powi(-2)) } else { T::ZERO }]
    }
}

/// The spline from 0 at `x <= 0` to 1 at `x >= 1`.
#[inline(always)]
fn spline<T: crate::Float>(x: T) -> T {
    let x = x.max(T::ZERO).min(T::ONE);
    let y = T::ONE - x;
    if x < c(0.5) {
        c::<T>(2.0) * x * x
    } else {
        T::ONE - c::<T>(2.0) * y * y
    }
}

/// Its derivative.
#[inline(always)]
fn spline_slope<T: crate::Float>(x: T) -> T {
    c::<T>(4.0) * x.min(T::ONE - x).max(T::ZERO)
}

/// The logistic function of `x`.
#[inline(always)]
fn rise<T: crate::Float, I: crate::isa::Isa>(isa: I, x: T) -> T {
    let e = isa.exp(-x.abs());
    (if x > T::ZERO { T::ONE } else { e }) / (T::ONE + e)
}

curve! {
    /// S curve: rising.
    SCurve { a = 0.0 in from -1e300: "score at which it leaves 0", b = 1.0 in from -1e300: "score at which it reaches 1" }
    "s" ["s_curve"] Score false
    "0 below a, 1 above b, a smooth spline between"
    "A one-sided membership; by default on the signed difference q - k."
    Score -> Weight
    |self, isa, u| spline((u - c(self.a)) * c(1.0 / (self.b - self.a)));
    slope {
        let inverse = 1.0 / (self.b - self.a);
        spline_slope((u - c(self.a)) * c(inverse)) * c(inverse)
    };
    by {
        let inverse = 1.0 / (self.b - self.a);
        let slope = spline_slope((u - c(self.a)) * c(inverse)) * c(inverse * inverse);
        [(u - c(self.b)) * slope, (c::<T>(self.a) - u) * slope]
    }
}

curve! {
    /// Z curve: falling.
    ZCurve { a = 0.0 in from -1e300: "score at which it leaves 1", b = 1.0 in from -1e300: "score at which it reaches 0" }
    "z" ["z_curve"] Score false
    "1 below a, 0 above b, a smooth spline between"
    "A one-sided membership; by default on the signed difference q - k."
    Score -> Weight
    |self, isa, u| spline((c::<T>(self.b) - u) * c(1.0 / (self.b - self.a)));
    slope {
        let inverse = 1.0 / (self.b - self.a);
        spline_slope((c::<T>(self.b) - u) * c(inverse)) * c(-inverse)
    };
    by {
        let inverse = 1.0 / (self.b - self.a);
        let slope = spline_slope((c::<T>(self.b) - u) * c(inverse)) * c(inverse * inverse);
        [(c::<T>(self.b) - u) * slope, (u - c(self.a)) * slope]
    }
}

//! Profiles of bounded support: exactly zero beyond one bandwidth, so that far sites cost nothing.

use super::curve::{c, curve};

curve! {
    /// Epanechnikov, of least asymptotic variance.
    Epanechnikov {}
    "epanechnikov" ["epan", "parabolic"] Distance true
    "max(0, 1 - u^2)"
    "The most efficient density kernel; mean shift with the flat kernel climbs its density."
    Squared -> Weight
    |self, isa, u| (T::ONE - u).max(T::ZERO);
    slope if u < T::ONE { -T::ONE } else { T::ZERO };
    by []
}

curve! {
    /// Biweight, also called bisquare or quartic.
    Biweight {}
    "biweight" ["bisquare", "quartic"] Distance true
    "max(0, 1 - u^2)^2"
    "Smooth and bounded: the usual kernel of geographically weighted regression and robust weights."
    Squared -> Weight
    |self, isa, u| {
        let a = (T::ONE - u).max(T::ZERO);
        a * a
    };
    slope (T::ONE - u).max(T::ZERO) * c(-2.0);
    by []
}

curve! {
    /// Triweight.
    Triweight {}
    "triweight" [] Distance true
    "max(0, 1 - u^2)^3"
    "Twice differentiable and bounded."
    Squared -> Weight
    |self, isa, u| {
        let a = (T::ONE - u).max(T::ZERO);
        a * a * a
    };
    slope {
        let a = (T::ONE - u).max(T::ZERO);
        a * a * c(-3.0)
    };
    by []
}

curve! {
    /// Tricube (Cleveland 1979).
    Tricube {}
    "tricube" ["tri_cube"] Distance true
    "max(0, 1 - u^3)^3"
    "The kernel of LOESS and LOWESS, there with knn=."
    Plain -> Weight
    |self, isa, u| {
        let a = (T::ONE - u * u * u).max(T::ZERO);
        a * a * a
    };
    slope {
        let a = (T::ONE - u * u * u).max(T::ZERO) * u;
        a * a * c(-9.0)
    };
    by []
}

curve! {
    /// Triangular.
    Triangular {}
    "triangular" ["linear", "tent", "bartlett"] Distance true
    "max(0, 1 - u)"
    "A tent: linear interpolation weights in one dimension, a triangle membership in fuzzy sets."
    Plain -> Weight
    |self, isa, u| (T::ONE - u).max(T::ZERO);
    slope if u < T::ONE { -T::ONE } else { T::ZERO };
    by []
}

curve! {
    /// Uniform, also called flat or boxcar; the edge belongs to it.
    Uniform {}
    "uniform" ["flat", "boxcar", "rectangular", "tophat"] Distance true
    "1 where u <= 1, else 0"
    "Plain averages of a neighbourhood; without h it keeps the sites whose columns are equal."
    Squared -> Weight
    |self, isa, u| if u <= T::ONE { T::ONE } else { T::ZERO };
    slope T::ZERO;
    by [];
    edge |s, w| if s <= w { T::ONE } else { T::ZERO }
}

curve! {
    /// Cosine arch.
    Cosine {}
    "cosine" ["cos"] Distance true
    "cos(pi u / 2) where u < 1, else 0"
    "A smooth arch, close to Epanechnikov."
    Plain -> Weight
    |self, isa, u| {
        // The sine of the complement has exact digits at the edge, where the weight vanishes.
        sine(isa, (T::ONE - u).max(T::ZERO) * c(std::f64::consts::FRAC_PI_2))
    };
    slope {
        let half_pi = c(std::f64::consts::FRAC_PI_2);
        if u < T::ONE { sine(isa, u * half_pi) * -half_pi } else { T::ZERO }
    };
    by []
}

/// The sine, by its series, on a quarter of the circle.
#[inline(always)]
fn sine<T: crate::Float, I: crate::isa::Isa>(isa: I, y: T) -> T {
    let z = y * y;
    let mut p: T = c(-1.0 / 121_645_100_408_832_000.0);
    for a in [
        1.0 / 355_687_428_096_000.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5_040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
        1.0,
    ] {
        p = isa.fma(p, z, c(a));
    }
    p * y
}

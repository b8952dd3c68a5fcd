//! Profiles that fall off but never reach zero.

use super::curve::{c, curve, ln_1p};

curve! {
    /// Gaussian.
    Gaussian {}
    "gaussian" ["normal", "rbf", "squared_exponential"] Distance false
    "exp(-u^2 / 2)"
    "The smooth default: local means, density, mean shift, the optimal denoiser."
    Squared -> Log
    |self, isa, u| u * c(-0.5);
    slope c(-0.5);
    by []
}

curve! {
    /// Laplace.
    Laplace {}
    "laplace" ["exponential", "laplacian", "matern12"] Distance false
    "exp(-u)"
    "A sharp peak with a long tail; with metric=manhattan the product Laplace kernel."
    Plain -> Log
    |self, isa, u| -u;
    slope -T::ONE;
    by []
}

curve! {
    /// Cauchy.
    Cauchy {}
    "cauchy" ["lorentz", "inverse_quadratic"] Distance false
    "1 / (1 + u^2)"
    "Heavy tail: far sites keep a say."
    Squared -> Weight
    |self, isa, u| T::ONE / (T::ONE + u);
    slope {
        let w = T::ONE / (T::ONE + u);
        -w * w
    };
    by []
}

curve! {
    /// Rational quadratic (Rasmussen and Williams 2006, eq. 4.19).
    RationalQuadratic { alpha = 1.0 in over 0.0: "mixing of length scales; infinity is Gaussian" }
    "rational_quadratic" ["rq"] Distance false
    "(1 + u^2 / (2 alpha))^-alpha"
    "A mixture of Gaussians of many bandwidths."
    Squared -> Log
    |self, isa, u| ln_1p(isa, u * c(0.5 / self.alpha)) * c(-self.alpha);
    slope c::<T>(-0.5) / (T::ONE + u * c(0.5 / self.alpha));
    by {
        let x = u * c(0.5 / self.alpha);
        [x / (T::ONE + x) - ln_1p(isa, x)]
    }
}

curve! {
    /// Student's t.
    StudentT { nu = 1.0 in over 0.0: "degrees of freedom; 1 is Cauchy, infinity is Gaussian" }
    "student_t" ["t", "student"] Distance false
    "(1 + u^2 / nu)^(-(nu + 1) / 2)"
    "Heavy tail with an index; the similarity of t-SNE at nu=1."
    Squared -> Log
    |self, isa, u| ln_1p(isa, u * c(1.0 / self.nu)) * c(-0.5 * (self.nu + 1.0));
    slope c::<T>(-0.5 * (self.nu + 1.0) / self.nu) / (T::ONE + u * c(1.0 / self.nu));
    by {
        let x = u * c(1.0 / self.nu);
        [x / (T::ONE + x) * c(0.5 * (self.nu + 1.0) / self.nu) - ln_1p(isa, x) * c(0.5)]
    }
}

curve! {
    /// Matern with smoothness 3/2 (Rasmussen and Williams 2006, eq. 4.17).
    Matern32 {}
    "matern32" ["matern_3_2"] Distance false
    "(1 + sqrt(3) u) exp(-sqrt(3) u)"
    "Between Laplace and Gaussian: once differentiable."
    Plain -> Log
    |self, isa, u| {
        let a = u * c(1.732_050_807_568_877_2);
        ln_1p(isa, a) - a
    };
    slope {
        let a = u * c(1.732_050_807_568_877_2);
        a / (T::ONE + a) * c(-1.732_050_807_568_877_2)
    };
    by []
}

curve! {
    /// Matern with smoothness 5/2 (Rasmussen and Williams 2006, eq. 4.17).
    Matern52 {}
    "matern52" ["matern_5_2"] Distance false
    "(1 + sqrt(5) u + 5 u^2 / 3) exp(-sqrt(5) u)"
    "Between Laplace and Gaussian: twice differentiable."
    Plain -> Log
    |self, isa, u| {
        let root = c::<T>(2.236_067_977_499_79);
        let a = u * root;
        let x = (a * isa.fma(a, c(1.0 / 3.0), T::ONE)).min(T::MAX);
        let y = T::ONE + x;
        // The two terms nearly cancel where both are about 3: there an eighth of the polynomial keeps the logarithm's roundings small.
        let far = a > c(1.5);
        let eighth = if far { c(0.125) } else { T::ONE };
        let three = if far { c(3.0 * std::f64::consts::LN_2) } else { T::ZERO };
        (isa.ln(y * eighth) + (x - (y - T::ONE)) / y) + isa.fma(-u, root, three)
    };
    slope {
        let a = u * c(2.236_067_977_499_79);
        let p = isa.fma(a, isa.fma(a, c(1.0 / 3.0), T::ONE), T::ONE);
        a * (T::ONE + a) / p * c(-2.236_067_977_499_79 / 3.0)
    };
    by []
}

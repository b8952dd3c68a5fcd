//! The list of membership shapes.

use super::Membership;

/// The shape of a membership function; [`SHAPES`] has names, parameters and formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // each is in the list below
pub enum Shape {
    Triangle,
    Trapezoid,
    Gaussian,
    TwoSidedGaussian,
    Bell,
    Sigmoid,
    SigmoidDifference,
    SigmoidProduct,
    S,
    Z,
    Pi,
    Cosine,
    Singleton,
    Linear,
}

/// What is known of a shape.
#[derive(Clone, Copy, Debug)]
pub struct ShapeInfo {
    /// The shape.
    pub shape: Shape,
    /// Its name in texts and files.
    pub name: &'static str,
    /// Other names, those of MATLAB among them.
    pub aliases: &'static [&'static str],
    /// Its parameters, in order.
    pub parameters: &'static [&'static str],
    /// The degree of `x`.
    pub formula: &'static str,
    /// Parameters of an example on `[0, 10]`.
    example: &'static [f64],
}

impl ShapeInfo {
    /// An example on `[0, 10]`.
    pub fn example(&self) -> Membership {
        Membership {
            shape: self.shape,
            p: self.example.to_vec(),
        }
    }
}

/// Every shape of a membership function. The order of parameters is that of MATLAB's toolbox, except for `gaussian`, which says its mean
/// first.
pub const SHAPES: &[ShapeInfo] = &[
    ShapeInfo {
        shape: Shape::Triangle,
        name: "triangle",
        aliases: &["trimf", "triangular"],
        parameters: &["a", "b", "c"],
        formula: "min((x - a) / (b - a), (c - x) / (c - b)), not below 0",
        example: &[2.0, 5.0, 9.0],
    },
    ShapeInfo {
        shape: Shape::Trapezoid,
        name: "trapezoid",
        aliases: &["trapmf", "trapezoidal"],
        parameters: &["a", "b", "c", "d"],
        formula: "min((x - a) / (b - a), 1, (d - x) / (d - c)), not below 0",
        example: &[1.0, 3.0, 5.0, 9.0],
    },
    ShapeInfo {
        shape: Shape::Gaussian,
        name: "gaussian",
        aliases: &["gauss"],
        parameters: &["mean", "sigma"],
        formula: "exp(-(x - mean)^2 / (2 sigma^2))",
        example: &[5.0, 1.5],
    },
    ShapeInfo {
        shape: Shape::TwoSidedGaussian,
        name: "two_sided_gaussian",
        aliases: &["gauss2mf", "gaussian2"],
        parameters: &["sigma1", "mean1", "sigma2", "mean2"],
        formula: "a Gaussian left of mean1 times one right of mean2, each 1 on its other side",
        example: &[1.0, 3.0, 2.0, 5.0],
    },
    ShapeInfo {
        shape: Shape::Bell,
        name: "bell",
        aliases: &["gbellmf", "generalized_bell", "gbell"],
        parameters: &["width", "slope", "center"],
        formula: "1 / (1 + |(x - center) / width|^(2 slope))",
        example: &[2.0, 4.0, 6.0],
    },
    ShapeInfo {
        shape: Shape::Sigmoid,
        name: "sigmoid",
        aliases: &["sigmf"],
        parameters: &["slope", "center"],
        formula: "1 / (1 + exp(-slope (x - center)))",
        example: &[2.0, 4.0],
    },
    ShapeInfo {
        shape: Shape::SigmoidDifference,
        name: "sigmoid_difference",
        aliases: &["dsigmf"],
        parameters: &["slope1", "center1", "slope2", "center2"],
        formula: "|sigmoid(slope1, center1) - sigmoid(slope2, center2)|",
        example: &[5.0, 2.0, 5.0, 7.0],
    },
    ShapeInfo {
        shape: Shape::SigmoidProduct,
        name: "sigmoid_product",
        aliases: &["psigmf"],
        parameters: &["slope1", "center1", "slope2", "center2"],
        formula: "sigmoid(slope1, center1) sigmoid(slope2, center2)",
        example: &[2.0, 3.0, -5.0, 8.0],
    },
    ShapeInfo {
        shape: Shape::S,
        name: "s",
        aliases: &["smf", "s_curve"],
        parameters: &["a", "b"],
        formula: "0 below a, 1 above b, a quadratic spline between",
        example: &[1.0, 8.0],
    },
    ShapeInfo {
        shape: Shape::Z,
        name: "z",
        aliases: &["zmf", "z_curve"],
        parameters: &["a", "b"],
        formula: "1 below a, 0 above b, a quadratic spline between",
        example: &[3.0, 7.0],
    },
    ShapeInfo {
        shape: Shape::Pi,
        name: "pi",
        aliases: &["pimf", "pi_curve"],
        parameters: &["a", "b", "c", "d"],
        formula: "s(a, b) z(c, d)",
        example: &[1.0, 4.0, 5.0, 10.0],
    },
    ShapeInfo {
        shape: Shape::Cosine,
        name: "cosine",
        aliases: &["raised_cosine"],
        parameters: &["center", "width"],
        formula: "(1 + cos(pi (x - center) / width)) / 2 up to the width from the center, else 0",
        example: &[5.0, 3.0],
    },
    ShapeInfo {
        shape: Shape::Singleton,
        name: "singleton",
        aliases: &["discrete"],
        parameters: &["x"],
        formula: "1 at x, else 0",
        example: &[5.0],
    },
    ShapeInfo {
        shape: Shape::Linear,
        name: "linear",
        aliases: &["piecewise_linear", "piecewise"],
        parameters: &["x1", "degree1", "x2", "degree2", ".."],
        formula: "straight lines between points, constant beyond the ends",
        example: &[1.0, 0.0, 3.0, 1.0, 5.0, 0.5, 9.0, 0.0],
    },
];

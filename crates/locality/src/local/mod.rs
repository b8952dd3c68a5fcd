//! The localization trick: a model that minimises a kernel-weighted risk at each target,
//! `J(x*, theta) = sum_i c_i K(x*, x_i) l(x_i, y_i; theta)`, and predicts with its own `theta(x*)` there.
//!
//! [`LocalPolynomial`] makes polynomial regression local: of degree 0 it is the local mean (Nadaraya-Watson), of degree 1 local linear
//! regression. [`LocalRegression`] finds the bandwidth, too. [`LocalGlm`] does the same for responses that are classes, counts or positive
//! numbers ([`LocalGlmRegression`] and [`LocalLogistic`] find its bandwidth), [`LocalQuantile`] for quantiles, [`LocalMode`] for
//! the most likely responses, and [`lowess`] smooths scatterplots robustly.
//!
//! [`Localized`] makes any other model local: one that is fitted to weighted samples ([`WeightedModel`]), or one that is read out of a local
//! mean ([`LocalModel`]), as [`Discriminant`] and [`Normal`] are.

mod approach;
mod candidates;
mod chunks;
mod design;
mod diagnostics;
mod discriminant;
mod evidence;
mod explain;
mod family;
mod generalized;
mod glm;
mod glm_search;
mod hat;
mod interval;
mod least;
mod lifted;
mod link;
pub mod lowess;
mod mode;
mod model;
mod moments;
mod multinomial;
mod newton;
mod polynomial;
mod positive;
mod predict;
mod quantile;
mod quantile_line;
mod regression;
mod relevance;
mod robust;
mod search;
mod simplex;
mod solve;
mod spread;

pub(crate) use candidates::divided;
pub use diagnostics::{Criterion, Diagnostics};
pub use discriminant::{Covariance, Discriminant};
pub use explain::Explanation;
pub use family::Family;
pub(crate) use generalized::Chosen;
pub use generalized::{LocalGlmRegression, LocalGlmRegressionFit, LocalLogistic, LocalLogisticFit};
pub use glm::{GlmFits, LocalGlm, LocalGlmFit};
pub use interval::Intervals;
pub(crate) use least::least_squares;
pub use lifted::{LiftedFit, LocalModel};
pub use link::Link;
pub use mode::{LocalMode, LocalModeFit, Mode};
pub use model::{Localized, LocalizedFit, LocalizedValues, WeightedModel, WeightedSample};
pub use multinomial::{Multinomial, MultinomialFit};
pub use polynomial::{LocalPolynomial, LocalPolynomialFit};
pub use predict::{LocalFits, Wanted};
pub use quantile::{LocalQuantile, LocalQuantileFit};
pub(crate) use regression::Choice;
pub use regression::{LocalRegression, LocalRegressionFit, Search, with_bandwidth};
pub use robust::{Loss, Robust};
pub use search::Tried;
pub use spread::Normal;

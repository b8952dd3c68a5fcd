//! The variance of a fit and its equivalent degrees of freedom.

use super::data::Data;
use super::direct::Local;
use super::plan::{Stop, spread};

/// Of the fitted values `L y`, the weights in force taken as given: a row of weight `v` has variance `sigma^2 / v`.
#[derive(Clone, Debug)]
pub(super) struct Errors {
    /// Standard deviation of a row of weight 1, sigma.
    pub(super) scale: f64,
    /// The trace of L.
    pub(super) equivalent_df: f64,
    /// Expectation of the weighted sum of squared residuals in units of `sigma^2`.
    pub(super) residual_df: f64,
    /// Diagonal of L, sorted rows.
    pub(super) leverage: Vec<f64>,
    /// Standard errors of the fitted values, sorted rows.
    pub(super) of_fitted: Vec<f64>,
}

impl Errors {
    pub(super) fn new(data: &Data, stops: &[Stop], locals: &[Local], fitted: &[f64]) -> Self {
        let (x, v) = (&data.x, &data.weight);
        // An interpolated value's deviation is at most the interpolated deviations.
        let deviation = spread(
            x,
            stops,
            |s| locals[s].norm.sqrt(),
            |_, [a, b], share| {
                share * locals[b].norm.sqrt() + (1.0 - share) * locals[a].norm.sqrt()
            },
        );
        let mut leverage = spread(
            x,
            stops,
            |s| locals[s].g[0],
            |row, [a, b], share| {
                let of = |s: usize| locals[s].share(1.0, x[row] - x[stops[s].row]);
                share * of(b) + (1.0 - share) * of(a)
            },
        );
        let (mut equivalent_df, mut residual_df, mut squares) = (0.0, 0.0, 0.0);
        for i in 0..data.len() {
            if v[i] > 0.0 {
                leverage[i] *= v[i];
                equivalent_df += leverage[i];
                residual_df += 1.0 - 2.0 * leverage[i] + v[i] * deviation[i] * deviation[i];
                squares += v[i] * (data.y[i] - fitted[i]) * (data.y[i] - fitted[i]);
            } else {
                leverage[i] = 0.0;
            }
        }
        // A curve through all rows leaves no residual to judge by.
        let known = residual_df > 1e-9 * data.len() as f64;
        let scale = if known {
            (squares / residual_df).sqrt()
        } else {
            f64::NAN
        };
        Self {
            scale,
            equivalent_df,
            residual_df,
            leverage,
            of_fitted: deviation.iter().map(|d| scale * d).collect(),
        }
    }
}

//! The parameters of LOWESS.

use crate::{Error, Float, Result, Watch};

use super::fit::{LowessFit, fit};

/// What becomes of a row whose `x` or `y` is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It is an error.
    #[default]
    Error,
    /// It takes no part; its fitted value and its residual are NaN and its robustness weight is 0.
    Drop,
}

/// Parameters of [LOWESS](self::super). The names and defaults are those of statsmodels' `lowess`; `degree`, sample weights and standard errors
/// go beyond it.
///
/// ```
/// use locality::{Watch, local::lowess::Lowess};
/// let x = [0.0_f64, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let y = [0.1_f64, 0.9, 2.1, 2.9, 4.1, 4.9];
/// let fit = Lowess::new().frac(0.8).robust_iterations(0).fit(&x, &y, &Watch::default())?;
/// assert!((fit.fitted()[2] - 2.0).abs() < 0.1);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lowess {
    pub(super) frac: f64,
    pub(super) robust_iterations: usize,
    pub(super) delta: f64,
    pub(super) degree: usize,
    pub(super) missing: Missing,
    pub(super) standard_errors: bool,
}

impl Default for Lowess {
    fn default() -> Self {
        Self::new()
    }
}

impl Lowess {
    /// The defaults: two thirds of the rows in a window, three robust iterations, a fit at every row, lines.
    pub fn new() -> Self {
        Self {
            frac: 2.0 / 3.0,
            robust_iterations: 3,
            delta: 0.0,
            degree: 1,
            missing: Missing::Error,
            standard_errors: false,
        }
    }

    /// Share of the rows in a window, 0 to 1; a window has at least two rows.
    #[must_use]
    pub fn frac(mut self, frac: f64) -> Self {
        self.frac = frac;
        self
    }

    /// How often the residuals' bisquare weights are taken in and the fit repeated; 0 is plain local regression.
    #[must_use]
    pub fn robust_iterations(mut self, robust_iterations: usize) -> Self {
        self.robust_iterations = robust_iterations;
        self
    }

    /// Rows within this distance (in units of `x`) of the last fit are interpolated between it and the next, which is at the last row
    /// within that distance. 0 (the default) fits at every row. Not used by [`LowessFit::predict`].
    #[must_use]
    pub fn delta(mut self, delta: f64) -> Self {
        self.delta = delta;
        self
    }

    /// Degree of the local polynomial: 0, 1 (the default) or 2.
    #[must_use]
    pub fn degree(mut self, degree: usize) -> Self {
        self.degree = degree;
        self
    }

    /// What becomes of rows with NaN or infinite numbers; an error by default.
    #[must_use]
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// Whether to work out [`LowessFit::standard_errors`] and what belongs to them.
    #[must_use]
    pub fn standard_errors(mut self, standard_errors: bool) -> Self {
        self.standard_errors = standard_errors;
        self
    }

    /// Fits responses `y [n]` on a predictor `x [n]` in any order.
    ///
    /// # Errors
    /// Different lengths, no complete row, NaN or infinite numbers (unless [dropped](Missing::Drop)), a parameter outside its range,
    /// an interruption.
    pub fn fit<T: Float>(&self, x: &[T], y: &[T], watch: &Watch<'_>) -> Result<LowessFit<T>> {
        fit(self, x, y, None, watch)
    }

    /// The same with a sample weight for each row, which multiplies the row's tricube weight. A row of weight 0 still counts as one of
    /// a window's `k`, gets a fitted value, and bears on no other row's.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); negative, NaN or infinite weights, or none that is positive.
    pub fn fit_weighted<T: Float>(
        &self,
        x: &[T],
        y: &[T],
        weights: &[T],
        watch: &Watch<'_>,
    ) -> Result<LowessFit<T>> {
        fit(self, x, y, Some(weights), watch)
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.frac) {
            return Err(Error::parameter(format!(
                "frac={} must be between 0 and 1: it is the share of the rows in a window",
                self.frac
            )));
        }
        if !(self.delta.is_finite() && self.delta >= 0.0) {
            return Err(Error::parameter(format!(
                "delta={} must be a finite distance that is not negative; 0 fits at every row",
                self.delta
            )));
        }
        if self.degree > 2 {
            return Err(Error::parameter(format!(
                "degree={} must be 0, 1 or 2",
                self.degree
            )));
        }
        Ok(())
    }

    /// Rows of a window among `n`.
    pub(super) fn neighbors(&self, n: usize) -> usize {
        ((self.frac * n as f64 + 1e-10) as usize).max(2).min(n)
    }
}

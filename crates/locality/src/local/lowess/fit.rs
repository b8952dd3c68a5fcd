//! Fitting, and what a fit knows.

use super::data::Data;
use super::direct::Local;
use super::errors::Errors;
use super::grouped::{Ask, locals};
use super::moments::Places;
use super::parameters::Lowess;
use super::plan::{spread, stops, windows};
use crate::{Error, Float, Result, Watch};

/// A curve fitted by [`Lowess`].
#[derive(Clone, Debug)]
pub struct LowessFit<T> {
    parameters: Lowess,
    data: Data,
    places: Places,
    k: usize,
    rows: usize,
    /// Sorted rows.
    sorted: Vec<f64>,
    fitted: Vec<T>,
    errors: Option<Errors>,
}

pub(super) fn fit<T: Float>(
    parameters: &Lowess,
    x: &[T],
    y: &[T],
    weights: Option<&[T]>,
    watch: &Watch<'_>,
) -> Result<LowessFit<T>> {
    parameters.check()?;
    let mut data = Data::new(x, y, weights, parameters.missing)?;
    let k = parameters.neighbors(data.len());
    let stops = stops(&data.x, parameters.delta);
    let targets = windows(&data.x, k, stops.iter().map(|s| data.x[s.row]));
    let places = Places::new(&data.x);
    let rounds = parameters.robust_iterations.saturating_add(1);
    let mut errors = None;
    let mut sorted = Vec::new();
    for round in 1..=rounds {
        let last = round == rounds;
        let ask = Ask {
            k,
            degree: parameters.degree,
            norms: last && parameters.standard_errors,
            at_rows: true,
        };
        let found = locals(&data, &places, &targets, ask, &watch.quiet())?;
        let value = |s: usize| found[s].value;
        sorted = spread(&data.x, &stops, value, |_, [low, high], share| {
            share * value(high) + (1.0 - share) * value(low)
        });
        watch.report(round, rounds);
        if ask.norms {
            errors = Some(Errors::new(&data, &stops, &found, &sorted));
        }
        if !last {
            data.reweigh(&sorted);
        }
    }
    let mut made = LowessFit {
        parameters: parameters.clone(),
        places,
        k,
        rows: x.len(),
        fitted: Vec::new(),
        sorted,
        errors,
        data,
    };
    made.fitted = made.unsort(&made.sorted, f64::NAN);
    Ok(made)
}

impl<T: Float> LowessFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &Lowess {
        &self.parameters
    }

    /// The curve at each row, `[n]`, in the rows' order; NaN at dropped rows.
    pub fn fitted(&self) -> &[T] {
        &self.fitted
    }

    /// Response minus fitted value, `[n]`; NaN at dropped rows.
    pub fn residuals(&self) -> Vec<T> {
        let each = self.data.y.iter().zip(&self.sorted);
        self.unsort(&each.map(|(y, f)| y - f).collect::<Vec<_>>(), f64::NAN)
    }

    /// The robustness weights that the last pass used, `[n]`: 1 without robust iterations, 0 at dropped rows.
    pub fn robustness_weights(&self) -> Vec<T> {
        self.unsort(&self.data.robust, 0.0)
    }

    /// The rows that took part, by ascending `x`: their positions among the rows given.
    pub fn order(&self) -> &[usize] {
        &self.data.order
    }

    /// Rows of a window.
    pub fn n_neighbors(&self) -> usize {
        self.k
    }

    /// Standard errors of the fitted values, `[n]`; none unless [asked for](Lowess::standard_errors). NaN at dropped rows, where no
    /// residual is left to judge by, and where every row has lost its weight.
    ///
    /// The weights in force `v` (sample times robustness weight) are taken as given, and a row's variance as `sigma^2 / v`. Then the fitted
    /// value `sum_i p_i y_i` has variance `sigma^2 sum_i p_i^2 / v_i`. Under a positive [`delta`](Lowess::delta) a row between two fits
    /// gets the interpolated standard error, an upper bound of its own.
    pub fn standard_errors(&self) -> Option<Vec<T>> {
        let errors = self.errors.as_ref()?;
        Some(self.unsort(&errors.of_fitted, f64::NAN))
    }

    /// How much each row counts in its own fitted value, `[n]`, the diagonal of the smoother's matrix; none unless standard errors were
    /// asked for. 0 at dropped rows.
    pub fn leverages(&self) -> Option<Vec<T>> {
        let errors = self.errors.as_ref()?;
        Some(self.unsort(&errors.leverage, 0.0))
    }

    /// The estimate of sigma, the standard deviation of a row of weight 1: the weighted sum of squared residuals over
    /// [`residual_df`](Self::residual_df), square root. None unless standard errors were asked for.
    pub fn residual_scale(&self) -> Option<f64> {
        self.errors.as_ref().map(|e| e.scale)
    }

    /// The equivalent number of parameters, the trace of the smoother's matrix `L`. None unless standard errors were asked for.
    pub fn equivalent_df(&self) -> Option<f64> {
        self.errors.as_ref().map(|e| e.equivalent_df)
    }

    /// The residual degrees of freedom, `tr (I - L)(I - L)^T` where all weights are 1 (Cleveland and Devlin 1988, delta 1). None unless
    /// standard errors were asked for.
    pub fn residual_df(&self) -> Option<f64> {
        self.errors.as_ref().map(|e| e.residual_df)
    }

    /// The curve at new places `[m]` in any order: a fit at each with the weights of the last pass, whatever
    /// [`delta`](Lowess::delta) is. NaN where fewer than two rows of the window have weight.
    ///
    /// # Errors
    /// NaN or infinite numbers, an interruption.
    pub fn predict(&self, x: &[T], watch: &Watch<'_>) -> Result<Vec<T>> {
        Ok(self.at(x, false, watch)?.0)
    }

    /// The same with standard errors.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); a fit without [standard errors](Lowess::standard_errors).
    pub fn predict_with_errors(&self, x: &[T], watch: &Watch<'_>) -> Result<(Vec<T>, Vec<T>)> {
        if self.errors.is_none() {
            return Err(Error::unsupported(
                "this fit was made without standard errors; ask for them with standard_errors(true) before fitting",
            ));
        }
        self.at(x, true, watch)
    }

    fn at(&self, x: &[T], norms: bool, watch: &Watch<'_>) -> Result<(Vec<T>, Vec<T>)> {
        if let Some(i) = x.iter().position(|x| !x.is_finite()) {
            return Err(Error::not_finite(format!(
                "the places of prediction have {} in row {i} (counted from 0); remove NaN and infinite values first",
                x[i]
            )));
        }
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|&a, &b| x[a].to_f64().total_cmp(&x[b].to_f64()));
        let sorted = order.iter().map(|&i| x[i].to_f64() + 0.0);
        let targets = windows(&self.data.x, self.k, sorted);
        let ask = Ask {
            k: self.k,
            degree: self.parameters.degree,
            norms,
            at_rows: false,
        };
        let found = locals(&self.data, &self.places, &targets, ask, watch)?;
        let scale = self.errors.as_ref().map_or(f64::NAN, |e| e.scale);
        let scatter = |value: &dyn Fn(&Local) -> f64| {
            let mut out = vec![T::NAN; x.len()];
            for (&i, local) in order.iter().zip(&found) {
                out[i] = T::from_f64(value(local));
            }
            out
        };
        let errors = if norms {
            scatter(&|l| scale * l.norm.sqrt())
        } else {
            Vec::new()
        };
        Ok((scatter(&|l| l.value), errors))
    }

    /// Numbers of sorted rows in the order in which the rows were given.
    fn unsort(&self, sorted: &[f64], missing: f64) -> Vec<T> {
        let mut out = vec![T::from_f64(missing); self.rows];
        for (&i, x) in self.data.order.iter().zip(sorted) {
            out[i] = T::from_f64(*x);
        }
        out
    }
}

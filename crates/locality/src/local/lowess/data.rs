//! The rows of a fit, sorted by `x`, in double precision.

use std::ops::Range;

use crate::{Error, Float, Result};

use super::parameters::Missing;

/// Rows from which the size of the responses is taken.
const SAMPLE: usize = 1024;

/// A run of rows: predictor (ascending), response, and weight in force (sample weight times robustness weight).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows1<'a> {
    pub(super) x: &'a [f64],
    pub(super) y: &'a [f64],
    pub(super) v: &'a [f64],
}

impl Rows1<'_> {
    #[inline(always)]
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        Self {
            x: &self.x[range.clone()],
            y: &self.y[range.clone()],
            v: &self.v[range],
        }
    }
}

/// The kept rows, sorted by `x`, ties in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Sample weights; the largest is 1.
    pub(super) sample: Vec<f64>,
    /// Robustness weights.
    pub(super) robust: Vec<f64>,
    /// Their product.
    pub(super) weight: Vec<f64>,
    /// Where each row was in the caller's order.
    pub(super) order: Vec<usize>,
    /// The median of `|y|`, of a sample where rows are many.
    pub(super) scale: f64,
}

impl Data {
    pub(super) fn new<T: Float>(
        x: &[T],
        y: &[T],
        weights: Option<&[T]>,
        missing: Missing,
    ) -> Result<Self> {
        if x.len() != y.len() {
            return Err(Error::shape(format!(
                "y has {} numbers, but x has {}; give one response for each",
                y.len(),
                x.len()
            )));
        }
        let mut order = Vec::with_capacity(x.len());
        for (i, (a, b)) in x.iter().zip(y).enumerate() {
            if a.is_finite() && b.is_finite() {
                order.push(i);
            } else if missing == Missing::Error {
                let (name, value) = if a.is_finite() { ("y", b) } else { ("x", a) };
                return Err(Error::not_finite(format!(
                    "{name} has {value} in row {i} (counted from 0); remove such rows, or let missing rows be dropped"
                )));
            }
        }
        if order.is_empty() {
            return Err(Error::empty(format!(
                "x and y have {} rows, none of them complete; at least one is needed",
                x.len()
            )));
        }
        let sorted = order.windows(2).all(|w| x[w[0]] <= x[w[1]]);
        if !sorted {
            // No NaN is left, so the order is total; the sort is stable.
            order.sort_by(|&a, &b| x[a].to_f64().total_cmp(&x[b].to_f64()));
        }
        let pick = |from: &[T]| -> Vec<f64> { order.iter().map(|&i| from[i].to_f64()).collect() };
        // Adding 0 makes the two zeros one.
        let sample = match weights {
            None => vec![1.0; order.len()],
            Some(weights) => sample_weights(weights, x.len(), &order)?,
        };
        let x: Vec<f64> = pick(x).iter().map(|x| x + 0.0).collect();
        let y = pick(y);
        if !(x[x.len() - 1] - x[0]).is_finite() {
            return Err(Error::not_finite(format!(
                "x goes from {:e} to {:e}, a range beyond double precision; scale it down",
                x[0],
                x[x.len() - 1]
            )));
        }
        let sample_of = y.iter().step_by(y.len().div_ceil(SAMPLE));
        let scale = median(&mut sample_of.map(|y| y.abs()).collect::<Vec<_>>());
        Ok(Self {
            robust: vec![1.0; order.len()],
            weight: sample.clone(),
            x,
            y,
            sample,
            order,
            scale,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.x.len()
    }

    pub(super) fn rows(&self) -> Rows1<'_> {
        Rows1 {
            x: &self.x,
            y: &self.y,
            v: &self.weight,
        }
    }

    /// The rows whose `x` is this one.
    pub(super) fn ties(&self, at: f64) -> Range<usize> {
        let low = self.x.partition_point(|x| *x < at);
        low..low + self.x[low..].partition_point(|x| *x <= at)
    }

    /// New robustness weights: the bisquare of the residuals in units of six times their median. Residuals that are rounding
    /// noise count as 0; where most of them do, the rows that do not lie on the curve lose all weight.
    pub(super) fn reweigh(&mut self, fitted: &[f64]) {
        let size = |i: usize| (self.y[i] - fitted[i]).abs();
        let known = (0..self.len()).filter(|&i| self.sample[i] > 0.0);
        let middle = median(&mut known.map(size).collect::<Vec<_>>());
        let noise = 32.0 * f64::EPSILON * self.scale;
        let robust = (0..self.len()).map(|i| {
            if middle <= noise {
                return f64::from(size(i) <= noise);
            }
            let u = (size(i) / (6.0 * middle)).min(1.0);
            (1.0 - u * u) * (1.0 - u * u)
        });
        self.robust = robust.collect();
        let both = self.sample.iter().zip(&self.robust);
        self.weight = both.map(|(c, r)| c * r).collect();
    }
}

/// Sample weights of the kept rows, in their order, in units of the largest.
fn sample_weights<T: Float>(weights: &[T], rows: usize, order: &[usize]) -> Result<Vec<f64>> {
    if weights.len() != rows {
        return Err(Error::shape(format!(
            "sample weights has {} numbers, but x has {rows}; give one for each row",
            weights.len()
        )));
    }
    if let Some(i) = weights
        .iter()
        .position(|w| !(w.is_finite() && *w >= T::ZERO))
    {
        return Err(Error::parameter(format!(
            "sample weights has {} in row {i} (counted from 0); weights must be finite and not negative",
            weights[i]
        )));
    }
    let kept: Vec<f64> = order.iter().map(|&i| weights[i].to_f64()).collect();
    let largest = kept.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Error::parameter(
            "sample weights are 0 in every complete row; at least one must be positive",
        ));
    }
    Ok(kept.iter().map(|w| w / largest).collect())
}

/// The median, of two middle ones their mean. 0 for none.
fn median(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        0.5 * lower + 0.5 * upper
    } else {
        upper
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}

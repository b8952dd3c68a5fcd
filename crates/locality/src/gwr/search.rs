//! The bandwidth of the smallest score.

use super::summary::Criterion;
use crate::{Error, Result};

/// How a bandwidth is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Search {
    /// Golden sections of the range, until neighbouring scores agree.
    #[default]
    Golden,
    /// Every so many from the smallest to the largest.
    Interval(f64),
}

/// A range that is searched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Whether only whole numbers are asked for.
    pub(super) whole: bool,
    pub(super) search: Search,
}

/// The smaller part of a golden section, to as many digits as is usual in this field.
const GOLDEN: f64 = 0.38197;
/// Scores that differ less are the same.
const TOLERANCE: f64 = 1e-6;
/// Most sections.
const MOST: usize = 200;

/// What was tried, in order, with scores.
pub(super) type Tried = Vec<(f64, f64)>;

/// The best bandwidth of a range.
pub(super) fn best(
    range: Range,
    criterion: Criterion,
    score: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<(f64, Tried)> {
    let mut tried = Tried::new();
    let mut at = |b: f64| -> Result<f64> {
        if let Some((_, s)) = tried.iter().find(|(t, _)| *t == b) {
            return Ok(*s);
        }
        let s = score(b)?;
        let s = if s.is_nan() { f64::INFINITY } else { s };
        tried.push((b, s));
        Ok(s)
    };
    let found = match range.search {
        Search::Golden => golden(range, &mut at)?,
        Search::Interval(step) => interval(range, step, &mut at)?,
    };
    if !tried.iter().any(|t| t.1 < f64::INFINITY) {
        return Err(Error::parameter(format!(
            "no bandwidth from {} to {} has a finite {criterion}; give more rows, fewer columns or a bandwidth",
            range.low, range.high
        )));
    }
    Ok((found, tried))
}

fn golden(range: Range, score: &mut dyn FnMut(f64) -> Result<f64>) -> Result<f64> {
    let (mut a, mut c) = (range.low, range.high);
    let mut b = a + GOLDEN * (c - a);
    let mut d = c - GOLDEN * (c - a);
    let mut found = b;
    for _ in 0..MOST {
        if range.whole {
            (b, d) = (b.round_ties_even(), d.round_ties_even());
        }
        let (at_b, at_d) = (score(b)?, score(d)?);
        // Where neither can be told, a wider one can.
        if at_b <= at_d && at_b < f64::INFINITY {
            found = b;
            c = d;
            d = b;
            b = a + GOLDEN * (c - a);
        } else {
            found = d;
            a = b;
            b = d;
            d = c - GOLDEN * (c - a);
        }
        if (at_b - at_d).abs() <= TOLERANCE || (c - a) <= 1e-12 * c {
            break;
        }
    }
    Ok(found)
}

fn interval(range: Range, step: f64, score: &mut dyn FnMut(f64) -> Result<f64>) -> Result<f64> {
    if !(step > 0.0 && step.is_finite()) || range.whole && step.fract() != 0.0 {
        return Err(Error::parameter(format!(
            "interval={step} must be positive and, for numbers of places, whole"
        )));
    }
    let mut found = (range.low, score(range.low)?);
    let mut i = 1.0;
    loop {
        let b = (range.low + i * step).min(range.high);
        let s = score(b)?;
        if s < found.1 {
            found = (b, s);
        }
        if b >= range.high {
            return Ok(found.0);
        }
        i += 1.0;
    }
}

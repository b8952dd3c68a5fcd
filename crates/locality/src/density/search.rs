//! The best of a family of scales, by few evaluations.

use crate::{Error, Result, Watch};

/// Scales tried first.
const FIRST: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
/// Each way, the scale is doubled or halved at most so often.
const MOST: usize = 24;
/// The golden section stops when the scale is known to this ratio.
const RATIO: f64 = 0.01;

/// The scale of the largest `objective`: five scales a factor of 2 apart, more of them while the best is the outermost, then a
/// golden section between the neighbours of the best, on a logarithmic scale. What is not a number counts as the worst.
pub(super) fn best_scale(
    watch: &Watch<'_>,
    mut objective: impl FnMut(f64) -> Result<f64>,
) -> Result<f64> {
    let mut value = |log: f64| {
        watch.check()?;
        let y = objective(log.exp())?;
        Ok::<f64, Error>(if y.is_nan() { f64::NEG_INFINITY } else { y })
    };
    let step = 2_f64.ln();
    let mut tried = Vec::new();
    for scale in FIRST {
        tried.push((scale.ln(), value(scale.ln())?));
    }
    let best = |tried: &[(f64, f64)]| {
        // Where nothing makes a difference, the scale stays 1.
        let first = tried.iter().position(|t| t.0 == 0.0).unwrap_or(0);
        let all = tried.iter().enumerate();
        all.fold(
            first,
            |best, (i, t)| if t.1 > tried[best].1 { i } else { best },
        )
    };
    for _ in 0..2 * MOST {
        let at = best(&tried);
        // Where nothing has a likelihood yet, only wider kernels can help.
        if tried[at].1 == f64::NEG_INFINITY || at + 1 == tried.len() {
            let next = tried[tried.len() - 1].0 + step;
            tried.push((next, value(next)?));
        } else if at == 0 {
            let next = tried[0].0 - step;
            tried.insert(0, (next, value(next)?));
        } else {
            break;
        }
    }
    let at = best(&tried);
    if tried[at].1 == f64::NEG_INFINITY {
        return Err(Error::parameter(
            "no bandwidth within reach gives every sample a likelihood from the others; remove far outliers, or give bandwidth a number",
        ));
    }
    let (mut a, mut b) = (
        tried[at.saturating_sub(1)].0,
        tried[(at + 1).min(tried.len() - 1)].0,
    );
    let golden = 0.5 * (5_f64.sqrt() - 1.0);
    let (mut c, mut d) = (b - golden * (b - a), a + golden * (b - a));
    let (mut at_c, mut at_d) = (value(c)?, value(d)?);
    while b - a > RATIO {
        if at_c > at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - golden * (b - a);
            at_c = value(c)?;
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + golden * (b - a);
            at_d = value(d)?;
        }
    }
    Ok((0.5 * (a + b)).exp())
}

#[cfg(test)]
mod tests {
    use super::best_scale;
    use crate::{ErrorKind, Watch};

    #[test]
    fn the_top_is_found_wherever_it_is() {
        for top in [1e-4, 0.3, 1.0, 7.0, 5e3] {
            let hump = |s: f64| Ok(-(s / top).ln().powi(2));
            let found = best_scale(&Watch::default(), hump).unwrap();
            assert!((found / top).ln().abs() < 0.006, "{found} {top}");
        }
        let flat = best_scale(&Watch::default(), |_| Ok(0.25)).unwrap();
        assert!(flat > 0.5 && flat < 2.0, "{flat}");
        let cliff = |s: f64| Ok(if s < 300.0 { f64::NEG_INFINITY } else { -s });
        let found = best_scale(&Watch::default(), cliff).unwrap();
        assert!((found / 300.0).ln().abs() < 0.02, "{found}");
        let none = best_scale(&Watch::default(), |_| Ok(f64::NAN)).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::Parameter);
    }
}

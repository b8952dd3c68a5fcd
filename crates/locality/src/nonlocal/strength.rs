//! How strong the noise of a series is.

use super::contexts::Contexts;
use crate::par::map_blocks;
use crate::{Result, Watch};

/// The third quartile of the standard normal distribution.
const QUARTILE: f64 = 0.674_489_750_196_081_7;
/// Places whose likest contexts are looked for, fewer where windows are wide.
const PLACES: usize = 1024;
const FEWEST: usize = 128;
const COMPARED: usize = 20_000;

/// White noise's standard deviation: the smaller of what curvature and what like contexts say, both of which take something of the series
/// itself for noise; 0 where neither says anything.
pub(super) fn noise(series: &[f64], contexts: &Contexts, watch: &Watch<'_>) -> Result<f64> {
    let bends = of_bends(series);
    let contexts = of_contexts(series, contexts, watch)?;
    Ok(match (bends, contexts) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b).unwrap_or(0.0),
    })
}

/// From how far known values lie off the line between the known ones before and after.
fn of_bends(series: &[f64]) -> Option<f64> {
    let known: Vec<(f64, f64)> = series
        .iter()
        .enumerate()
        .filter(|(_, x)| !x.is_nan())
        .map(|(t, x)| (t as f64, *x))
        .collect();
    let off = |w: &[(f64, f64)]| {
        let share = (w[2].0 - w[1].0) / (w[2].0 - w[0].0);
        let line = share * w[0].1 + (1.0 - share) * w[2].1;
        // Of what noise of variance 1 makes it.
        let scale = 1.0 + share * share + (1.0 - share) * (1.0 - share);
        (w[1].1 - line).abs() / scale.sqrt()
    };
    median(known.windows(3).map(off).collect()).map(|m| m / QUARTILE)
}

/// From how far known values lie off those in the likest context. Contexts are compared without these values and do not overlap, so that
/// noise that is alike by chance is no reason for a small difference.
fn of_contexts(series: &[f64], contexts: &Contexts, watch: &Watch<'_>) -> Result<Option<f64>> {
    let width = 2 * contexts.radius + 1;
    let known: Vec<usize> = (0..series.len()).filter(|&i| !series[i].is_nan()).collect();
    let wanted = (COMPARED / width).clamp(FEWEST, PLACES).min(known.len());
    let padded = contexts.padded(series);
    let blocks = map_blocks(watch, wanted, 1, |b| {
        watch.check()?;
        let i = known[b.start * known.len() / wanted];
        let alike = contexts.alike(&padded, series.len(), i);
        let others = alike.filter(|(j, _)| j.abs_diff(i) >= width && !series[*j].is_nan());
        let likest = others.min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        Ok(likest.map(|(j, _)| (series[i] - series[j]).abs()))
    })?;
    let sizes: Vec<f64> = blocks.into_iter().flatten().collect();
    // Fewer say little.
    let enough = sizes.len() >= FEWEST.min(known.len() / 2).max(1);
    let median = if enough { median(sizes) } else { None };
    Ok(median.map(|m| m / (QUARTILE * 2.0_f64.sqrt())))
}

fn median(mut sizes: Vec<f64>) -> Option<f64> {
    let middle = sizes.len() / 2;
    if sizes.is_empty() {
        return None;
    }
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

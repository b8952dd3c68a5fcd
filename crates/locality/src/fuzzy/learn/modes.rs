//! Rules at the modes of a density.

use super::learner::shuffled;
use crate::{Error, Kernel, LocalMean, Result, Rows, Watch};

/// Clusters of a smaller share of the rows are no rules.
const LEAST: f64 = 0.01;
/// From so many rows the density is climbed: of a cluster that may become a rule, none is among them once in twenty thousand times.
const SEEDS: usize = 1000;
const ROUNDS: usize = 300;
/// A row rests once it moves by less than this share of the bandwidth.
const REST: f64 = 1e-3;

/// Centres `[r, d]` and widths `[r, d]` of rules.
pub(super) type Places = (Vec<f64>, Vec<f64>);

/// The modes of the density of rows `[n, d]` under a Gaussian, the largest cluster first, and how wide the part of the density is that
/// each one's cluster makes: the variance of its rows around the mode and that of the Gaussian add up.
///
/// Source: K. Fukunaga and L. Hostetler, *The estimation of the gradient of a density function*, IEEE Trans. Information Theory 21 (1975):
/// a row that moves to its local mean again and again climbs to a mode.
pub(super) fn modes(
    rows: Rows<'_, f64>,
    weights: &[f64],
    bandwidth: f64,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<Places> {
    if !(bandwidth > 0.0 && bandwidth.is_finite()) {
        return Err(Error::parameter(format!(
            "bandwidth={bandwidth} must be a positive finite number, in parts of each column's range"
        )));
    }
    let d = rows.columns();
    let ends = climb(rows, weights, bandwidth, seed, watch)?;
    // The ends come in the order of the seeds, which is no order of the rows.
    let mut centers: Vec<f64> = Vec::new();
    for end in ends.chunks_exact(d) {
        if nearest(&centers, end).is_none_or(|(_, off)| off > bandwidth * bandwidth) {
            centers.extend_from_slice(end);
        }
    }
    let count = centers.len() / d;
    let mut sizes = vec![0.0; count];
    let mut squares = vec![0.0; count * d];
    for (row, weight) in rows.iter().zip(weights) {
        let cluster = nearest(&centers, row).map_or(0, |(at, _)| at);
        sizes[cluster] += weight;
        let center = &centers[cluster * d..][..d];
        let sums = squares[cluster * d..][..d].iter_mut();
        for ((sum, x), c) in sums.zip(row).zip(center) {
            *sum += weight * (x - c) * (x - c);
        }
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
    let least = (LEAST * weights.iter().sum::<f64>()).min(sizes[order[0]]);
    let mut found = (Vec::new(), Vec::new());
    for c in order
        .into_iter()
        .take_while(|&c| sizes[c] > 0.0 && sizes[c] >= least)
    {
        found.0.extend_from_slice(&centers[c * d..][..d]);
        let own = squares[c * d..][..d].iter();
        let variances = own.map(|s| s / sizes[c] + bandwidth * bandwidth);
        found.1.extend(variances.map(f64::sqrt));
    }
    Ok(found)
}

/// Where some rows end, `[s, d]`.
fn climb(
    rows: Rows<'_, f64>,
    weights: &[f64],
    bandwidth: f64,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let (d, quiet) = (rows.columns(), watch.quiet());
    let mean = LocalMean::new(Kernel::gaussian(bandwidth));
    let fit = mean.fit_watched(rows, rows, Some(weights), &quiet)?;
    let mut chosen = shuffled(rows.rows(), seed);
    chosen.truncate(SEEDS);
    let mut ends: Vec<f64> = chosen.iter().flat_map(|&i| rows.row(i)).copied().collect();
    let mut moving: Vec<usize> = (0..chosen.len()).collect();
    for round in 0..ROUNDS {
        watch.check()?;
        watch.report(round, ROUNDS);
        let from = moving.iter().flat_map(|&s| &ends[s * d..][..d]);
        let from: Vec<f64> = from.copied().collect();
        let to = fit.at(Rows::new(&from, moving.len(), d)?, &quiet)?.means;
        let steps = from.chunks_exact(d).zip(to.chunks_exact(d));
        let far: Vec<bool> = steps
            .map(|(a, b)| square(a, b) > (REST * bandwidth).powi(2))
            .collect();
        for (s, place) in moving.iter().zip(to.chunks_exact(d)) {
            ends[s * d..][..d].copy_from_slice(place);
        }
        let mut still = far.iter();
        moving.retain(|_| *still.next().unwrap_or(&false));
        if moving.is_empty() {
            break;
        }
    }
    Ok(ends)
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The nearest centre, and the square of its distance.
fn nearest(centers: &[f64], place: &[f64]) -> Option<(usize, f64)> {
    let all = centers.chunks_exact(place.len());
    let all = all.map(|c| square(c, place)).enumerate();
    all.min_by(|a, b| a.1.total_cmp(&b.1))
}

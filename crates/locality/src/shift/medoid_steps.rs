//! The step of medoid shift: the sample with the least weighted sum of squared distances.

use std::collections::HashMap;

use super::links::{gather, weighty};
use super::paths::squared_distance;
use super::sphere::normalize;
use crate::par::map_blocks;
use crate::{Error, Float, Kernel, LocalMean, Metric, Nearest, OnEmpty, Result, Rows, Watch};

/// Room for rounding in the radius that candidates are sought in.
const SLACK: f64 = 1.0 + 1e-6;
/// Samples whose sums are one piece of work.
const BLOCK: usize = 8;

/// Where each sample goes: to itself where its own sum is as small as any, or where no sample is near. From the kernel in force and the
/// metric, samples `[n, d]`, their weights, local means `[n, d]`, log densities, and which samples have no weight: those are no medoids.
pub(super) fn medoids<T: Float>(
    (kernel, metric): (&Kernel, &Metric),
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    means: &[T],
    (levels, massless): (&[f64], &[bool]),
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let (n, d) = (samples.rows(), samples.columns());
    let how = (levels, massless);
    match metric {
        Metric::Euclidean => nearest_to(samples, means, how, watch),
        Metric::Mahalanobis(map) => {
            // Squares are sums in the map's outputs, and the mean of these is the map of the mean.
            if map.inputs() != d {
                return Err(Error::shape(format!(
                    "the map of metric=mahalanobis takes {} columns, but samples has {d}; give it a column for each",
                    map.inputs()
                )));
            }
            let mapped = |rows: &[T]| -> Vec<T> {
                let one = |row: &[T]| {
                    let dot = |line: &Vec<f64>| {
                        let pairs = line.iter().zip(row);
                        T::from_f64(pairs.map(|(a, x)| a * x.to_f64()).sum())
                    };
                    map.rows().iter().map(dot).collect::<Vec<T>>()
                };
                rows.chunks_exact(d).flat_map(one).collect()
            };
            let (points, means) = (mapped(&samples.to_vec()), mapped(means));
            let points = Rows::new(&points, n, map.rows().len())?;
            nearest_to(points, &means, how, watch)
        }
        Metric::Cosine => {
            // A row of zeros is a direction of its own.
            let mut points = vec![T::ZERO; n * (d + 1)];
            for (to, row) in points.chunks_exact_mut(d + 1).zip(samples.iter()) {
                to[..d].copy_from_slice(row);
                if !normalize(&mut to[..d]) {
                    to[d] = T::ONE;
                }
            }
            let points = Rows::new(&points, n, d + 1)?;
            let mean = LocalMean::new(kernel.clone()).on_empty(OnEmpty::Nan);
            let fit = mean.fit_watched(samples, points, weights, watch)?;
            let means = fit.at(samples, &watch.quiet())?.means;
            nearest_to(points, &means, how, watch)
        }
        _ => by_sums((kernel, metric), samples, (weights, massless), watch),
    }
}

/// Samples at one place go where the first of them with a weight goes, and one that rests there is that first one.
pub(super) fn together<T: Float>(samples: Rows<'_, T>, massless: &[bool], next: &mut [usize]) {
    let mut first: HashMap<Vec<u64>, usize> = HashMap::new();
    // Zeros have two signs.
    let place = |i: usize| -> Vec<u64> {
        let bits = samples.row(i).iter();
        bits.map(|x| (x.to_f64() + 0.0).to_bits()).collect()
    };
    for i in weighty(massless) {
        first.entry(place(i as usize)).or_insert(i as usize);
    }
    let of = |i: usize| first.get(&place(i)).copied().unwrap_or(i);
    let firsts: Vec<usize> = (0..next.len()).map(of).collect();
    let ways: Vec<usize> = next.iter().map(|&to| firsts[to]).collect();
    for (to, first) in next.iter_mut().zip(firsts) {
        *to = ways[first];
    }
}

/// The sample nearest to each mean; itself where it is as near as any. Where no sample is near, itself, or the nearest with a weight.
fn nearest_to<T: Float>(
    samples: Rows<'_, T>,
    means: &[T],
    (levels, massless): (&[f64], &[bool]),
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let (n, d) = (samples.rows(), samples.columns());
    let mut next: Vec<usize> = (0..n).collect();
    let near = |i: usize| levels[i] > f64::NEG_INFINITY;
    let moving: Vec<usize> = (0..n).filter(|&i| near(i) || massless[i]).collect();
    let queries: Vec<T> = moving
        .iter()
        .flat_map(|&i| {
            if near(i) {
                &means[i * d..][..d]
            } else {
                samples.row(i)
            }
        })
        .copied()
        .collect();
    let which = weighty(massless);
    let rows = gather(samples, &which);
    let nearest = Nearest::fit(Rows::new(&rows, which.len(), d)?, &Metric::Euclidean)?;
    let found = nearest.k_nearest(Rows::new(&queries, moving.len(), d)?, 1, &watch.quiet())?;
    for (q, &i) in moving.iter().enumerate() {
        let mean = &queries[q * d..][..d];
        let to = which[found.indices[q]] as usize;
        let distance = |j: usize| squared_distance(samples.row(j), mean);
        if massless[i] || distance(to) < distance(i) {
            next[i] = to;
        }
    }
    Ok(next)
}

/// The sample of the least sum, by the sums themselves.
///
/// Roots of such sums are norms of the vector of the weighted distances, so that a sample `j` has at least the root of the sum of weights
/// times its distance from `i`, less the root of `i`'s own sum: one farther than twice the root of `i`'s mean square cannot do better. Where
/// `i` has no weight and is no medoid, the same holds with the root of the least mean square of those near it in the place of the second.
fn by_sums<T: Float>(
    (kernel, metric): (&Kernel, &Metric),
    samples: Rows<'_, T>,
    (weights, massless): (Option<&[T]>, &[bool]),
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let (n, d) = (samples.rows(), samples.columns());
    let quiet = watch.quiet();
    let nothing = Rows::new(&[], n, 0)?;
    let fit = LocalMean::new(kernel.clone()).fit_watched(samples, nothing, weights, &quiet)?;
    let order = fit.order();
    let around: Vec<(Vec<u32>, Vec<f64>)> = fit.local_samples(samples, &quiet, |_, sample| {
        let mut near: Vec<(u32, f64)> = Vec::new();
        for (slots, weights) in sample.iter() {
            for (slot, w) in slots.zip(weights) {
                if *w > T::ZERO {
                    near.push((order[slot], w.to_f64()));
                }
            }
        }
        // In an order that the layout of the keys does not change.
        near.sort_unstable_by_key(|(j, _)| *j);
        Ok(near.into_iter().unzip())
    })?;
    let which = weighty(massless);
    let carrying = gather(samples, &which);
    let all = Nearest::fit(Rows::new(&carrying, which.len(), d)?, metric)?;
    let blocks = map_blocks(watch, n, BLOCK, |range| {
        let one = |i: usize| {
            let (near, weights) = &around[i];
            if near.is_empty() {
                let own = samples.slice(i..i + 1);
                return if massless[i] {
                    Ok(which[all.k_nearest(own, 1, &quiet)?.indices[0]] as usize)
                } else {
                    Ok(i)
                };
            }
            let rows = gather(samples, near);
            let local = Nearest::fit(Rows::new(&rows, near.len(), d)?, metric)?;
            let sums = |of: Rows<'_, T>| -> Result<Vec<f64>> {
                let apart = local.k_nearest(of, near.len(), &quiet)?;
                let rows = apart.indices.chunks_exact(near.len());
                let sum = |(indices, distances): (&[usize], &[T])| {
                    let pairs = indices.iter().zip(distances);
                    pairs.map(|(&j, r)| weights[j] * r.to_f64().powi(2)).sum()
                };
                Ok(rows
                    .zip(apart.distances.chunks_exact(near.len()))
                    .map(sum)
                    .collect())
            };
            let own = sums(samples.slice(i..i + 1))?[0];
            let total: f64 = weights.iter().sum();
            let least = if massless[i] {
                let sums = sums(Rows::new(&rows, near.len(), d)?)?;
                sums.into_iter().fold(f64::INFINITY, f64::min)
            } else {
                own
            };
            let radius = ((own / total).sqrt() + (least / total).sqrt()) * SLACK;
            let radius = T::from_f64(radius);
            let among = all.within(samples.slice(i..i + 1), radius, &quiet)?.indices;
            let among: Vec<u32> = among.into_iter().map(|j| which[j]).collect();
            let rows = gather(samples, &among);
            let found = sums(Rows::new(&rows, among.len(), d)?)?;
            let mut best = if massless[i] {
                (f64::INFINITY, i)
            } else {
                (own, i)
            };
            for (&j, sum) in among.iter().zip(found) {
                if sum < best.0 {
                    best = (sum, j as usize);
                }
            }
            Ok(best.1)
        };
        range.map(one).collect::<Result<Vec<usize>>>()
    })?;
    Ok(blocks.concat())
}

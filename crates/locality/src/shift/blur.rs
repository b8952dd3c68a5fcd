//! Blurring mean shift: the samples themselves move, all at once.

use std::collections::HashSet;

use super::adaptive::Motion;
use super::paths::{Ends, Limits, NOWHERE, squared_distance};
use super::step::Stepper;
use crate::{Float, Metric, Nearest, Result, Rows, Watch};

/// Places that are looked at together.
const SOME: usize = 64;

/// How samples are blurred.
#[derive(Clone, Copy)]
pub(super) struct Blur {
    /// Of the local means.
    pub(super) tolerance: f64,
    pub(super) sphere: bool,
    /// Samples nearer than this belong together.
    pub(super) bandwidth: f64,
    pub(super) limits: Limits,
}

/// Moves the samples until none of them moves any more, or until each has met all that are within a bandwidth: from then on only clusters as
/// a whole would move, slowly, into one another (Carreira-Perpinan 2006, section 3).
pub(super) fn blur<T: Float>(
    motion: &Motion<T>,
    samples: Rows<'_, T>,
    how: Blur,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
    let Blur {
        tolerance,
        sphere,
        bandwidth,
        limits,
    } = how;
    let (n, d) = (samples.rows(), samples.columns());
    let mut places = samples.to_vec();
    let mut completed = 0;
    let rest = limits.rest * limits.rest;
    let levels = loop {
        watch.check()?;
        let rows = Rows::new(&places, n, d)?;
        let weights = motion.weights.as_deref();
        let stepper = Stepper::new(&motion.kernel, rows, weights, tolerance, sphere)?;
        let steps = stepper.step(rows, watch)?;
        let mut moving = 0;
        for (i, level) in steps.levels.iter().enumerate() {
            let mean = &steps.means[i * d..][..d];
            let place = &mut places[i * d..][..d];
            // Under a kernel without weight at its own place a lone sample stays.
            if *level > f64::NEG_INFINITY {
                moving += usize::from(squared_distance(mean, place) > rest);
                place.copy_from_slice(mean);
            }
        }
        watch.report(n - moving, n);
        let over = moving == 0 || completed == limits.max_iter;
        if over || met(&places, d, limits.rest, bandwidth, watch)? {
            break steps.levels;
        }
        completed += 1;
    };
    let mut ends = Ends::new(d, n);
    ends.n_iter = completed;
    let weights = motion.weights.as_deref();
    for (i, (place, level)) in places.chunks_exact(d).zip(levels).enumerate() {
        // What has no weight is no sample, and makes no cluster.
        if weights.is_some_and(|w| w[i] == T::ZERO) {
            ends.of_seed.push(NOWHERE);
        } else {
            ends.push(place, level, true);
        }
    }
    Ok(ends)
}

/// Whether all places that are within `reach` of one another lie within a few times `rest`.
fn met<T: Float>(places: &[T], d: usize, rest: f64, reach: f64, watch: &Watch<'_>) -> Result<bool> {
    if rest <= 0.0 {
        return Ok(false);
    }
    // One place of each cell, in the order of the samples.
    let mut cells = HashSet::new();
    let mut some: Vec<T> = Vec::new();
    for place in places.chunks_exact(d) {
        let cell: Vec<i64> = place
            .iter()
            .map(|x| (x.to_f64() / rest).floor() as i64)
            .collect();
        if cells.insert(cell) {
            some.extend(place);
        }
    }
    let near = 2.0 * rest * (d as f64).sqrt();
    let count = some.len() / d;
    let some = Rows::new(&some, count, d)?;
    let search = Nearest::fit(some, &Metric::Euclidean)?;
    for start in (0..count).step_by(SOME) {
        watch.check()?;
        let few = some.slice(start..(start + SOME).min(count));
        let found = search.within(few, T::from_f64(reach), &watch.quiet())?;
        if found.distances.iter().any(|x| x.to_f64() > near) {
            return Ok(false);
        }
    }
    Ok(true)
}

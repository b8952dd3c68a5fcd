//! Blurring mean shift: the samples themselves move, all at once.

use super::adaptive::Motion;
use super::paths::{Ends, Limits, squared_distance};
use super::step::Stepper;
use crate::{Float, Result, Rows, Watch};

/// Moves the samples until none of them moves any more.
pub(super) fn blur<T: Float>(
    motion: &Motion<T>,
    samples: Rows<'_, T>,
    tolerance: f64,
    sphere: bool,
    limits: Limits,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
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
        if moving == 0 || completed == limits.max_iter {
            break steps.levels;
        }
        completed += 1;
    };
    let mut ends = Ends::new(d, n);
    ends.n_iter = completed;
    for (place, level) in places.chunks_exact(d).zip(levels) {
        ends.push(place, level);
    }
    Ok(ends)
}

//! Ends of ways, followed on to their modes.
//!
//! Where the density is nearly flat, steps are short far from any mode, and a way that ends at a short step ends there. The few ends go on
//! until their steps are far shorter, or too short for the number type.

use super::paths::{Cells, Ends, Limits, NOWHERE, root, squared_distance};
use super::step::Stepper;
use crate::{Float, Result, Rows, Watch};

/// Rounds at the most: a plateau whose shortest step is `s` bandwidths takes some `1 / sqrt(s)` plain ones.
const ROUNDS: usize = 2000;
/// Steps of so many roundings of the largest number of a place are none.
const ROUNDINGS: f64 = 16.0;

/// A point that goes on.
struct Going<T> {
    number: u32,
    /// Its last step.
    step: Vec<T>,
    /// How many times the way to the mean it goes.
    factor: f64,
}

/// The same ends where they come to rest for good; those that had no rest stay where they are.
pub(super) fn settle<T: Float>(
    stepper: &Stepper<T>,
    ends: &Ends<T>,
    d: usize,
    limits: Limits,
    watch: &Watch<'_>,
) -> Result<Ends<T>> {
    let count = ends.places.len();
    let mut found: Vec<(Vec<T>, f64)> = (0..count as u32)
        .map(|i| (ends.places.row(i).to_vec(), ends.levels[i as usize]))
        .collect();
    let mut leader: Vec<u32> = (0..count as u32).collect();
    let mut cells = Cells::new(d, limits.cell);
    let (mut going, mut rows) = (Vec::new(), Vec::new());
    for i in (0..count as u32).filter(|i| ends.rests[*i as usize]) {
        if limits.cell <= 0.0 || cells.enter(ends.places.row(i), i, &mut leader) {
            going.push(Going {
                number: i,
                step: vec![T::ZERO; d],
                factor: 1.0,
            });
            rows.extend_from_slice(ends.places.row(i));
        }
    }
    for _ in 0..ROUNDS {
        if going.is_empty() {
            break;
        }
        watch.check()?;
        let mut steps = stepper.step(Rows::new(&rows, going.len(), d)?, watch)?;
        let mut next = Vec::with_capacity(rows.len());
        let mut i = 0;
        going.retain_mut(|point| {
            let (old, level) = (&rows[i * d..][..d], steps.levels[i]);
            let mean = &mut steps.means[i * d..][..d];
            i += 1;
            if level == f64::NEG_INFINITY {
                return false;
            }
            found[point.number as usize] = (mean.to_vec(), level);
            let length = squared_distance(mean, old).sqrt();
            if length <= limits.fine.max(rounding(old)) {
                if limits.cell > 0.0 {
                    cells.claim(mean, point.number);
                }
                return false;
            }
            let factor = point.lengthen(old, mean, limits.stride / length);
            stepper.advance(old, mean, factor);
            if limits.cell > 0.0 && !cells.enter(mean, point.number, &mut leader) {
                return false;
            }
            next.extend_from_slice(mean);
            true
        });
        rows = next;
    }
    Ok(renewed(ends, d, &found, &mut leader))
}

/// Ends at other places.
fn renewed<T: Float>(
    ends: &Ends<T>,
    d: usize,
    found: &[(Vec<T>, f64)],
    leader: &mut [u32],
) -> Ends<T> {
    let mut out = Ends::new(d, ends.of_seed.len());
    out.n_iter = ends.n_iter;
    for &end in &ends.of_seed {
        if end == NOWHERE {
            out.of_seed.push(NOWHERE);
        } else {
            let (place, level) = &found[root(leader, end) as usize];
            out.push(place, *level, ends.rests[end as usize]);
        }
    }
    out
}

/// A step below this is one of rounding.
fn rounding<T: Float>(place: &[T]) -> f64 {
    let widest = place.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
    ROUNDINGS * T::EPSILON.to_f64() * widest
}

impl<T: Float> Going<T> {
    /// How many times the way to its mean the point goes: twice as many as the last time while it goes the same way, up to a limit, and
    /// once where it has gone too far.
    fn lengthen(&mut self, old: &[T], mean: &[T], most: f64) -> f64 {
        let mut along = 0.0;
        for ((step, m), x) in self.step.iter_mut().zip(mean).zip(old) {
            let now = *m - *x;
            along += now.to_f64() * step.to_f64();
            *step = now;
        }
        self.factor = if along > 0.0 {
            (2.0 * self.factor).min(most).max(1.0)
        } else {
            1.0
        };
        self.factor
    }
}

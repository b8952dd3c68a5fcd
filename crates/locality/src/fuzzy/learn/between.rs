//! What rules say between rows: few rows tell the conclusions of rules only where they lie, and a small penalty leaves those far off.

use super::learner::range;
use super::tsk::{Data, Solve, Tsk};
use crate::random::Random;
use crate::{Result, Watch};

/// Places between two rows each.
const PLACES: usize = 2048;
/// Predictions may leave the targets' range by so many of it.
const BEYOND: f64 = 1.0;
/// Penalties are raised by this, from the second at least, while they are below the third, under which conclusions are as good as equal.
const RAISE: f64 = 10.0;
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e6;

/// Raises the penalty until predictions between rows stay near the range of the targets, and fits the conclusions under it.
pub(super) fn keep_near(
    tsk: &mut Tsk,
    data: &Data,
    how: Solve,
    seed: u64,
    watch: &Watch<'_>,
) -> Result<Solve> {
    let places = places(data, seed);
    let there = tsk.shares(&places, watch)?;
    let ranges: Vec<[f64; 2]> = data.y.iter().map(|y| range(y)).collect();
    let strays = |tsk: &Tsk| {
        let predicted = tsk.predict(&there, &places);
        predicted.iter().zip(&ranges).any(|(p, [low, high])| {
            let room = BEYOND * (high - low);
            p.iter().any(|p| !(low - room..=high + room).contains(p))
        })
    };
    let shares = tsk.shares(data, watch)?;
    let mut how = how;
    while strays(tsk) && how.ridge < MOST {
        how.ridge = (RAISE * how.ridge).max(LEAST);
        tsk.conclude(&shares, data, &data.w, how, watch)?;
    }
    Ok(how)
}

/// Places on the lines between two rows, drawn by the seed.
fn places(data: &Data, seed: u64) -> Data {
    let mut random = Random::new(seed, 2);
    let mut x = vec![Vec::with_capacity(PLACES); data.x.len()];
    for _ in 0..PLACES {
        let [a, b] = [(); 2].map(|()| random.below(data.rows()));
        let part = random.uniform();
        for (to, x) in x.iter_mut().zip(&data.x) {
            to.push(x[a] + part * (x[b] - x[a]));
        }
    }
    Data {
        x,
        y: vec![Vec::new(); data.y.len()],
        w: vec![1.0; PLACES],
    }
}

//! Weighted least squares over whole columns, by the moments and the guarded solver of local models.

use locality_core::isa::{Gram, Isa, Task, dispatch, gram_len};

use super::design::CHUNK;
use super::moments::{Moments, at};
use super::solve::{Rules, Solution};
use crate::{Result, Watch, par};

/// Rows of one thread's work.
const BLOCK: usize = 16 * CHUNK;

/// A constant, and the slopes of the columns.
pub(crate) type Line = (f64, Vec<f64>);

/// Least squares of each response on a constant and columns, all `[n]`, under weights `[n]`. `ridge` penalises the coefficient of a column of
/// unit variance, or of the variance in `floors` where a column has less; with `guard`, directions for which there is little evidence are shrunk as those of a local model. `None` where all
/// weights are 0.
pub(crate) fn least_squares(
    weights: &[f64],
    columns: &[Vec<f64>],
    responses: &[Vec<f64>],
    floors: &[f64],
    (ridge, guard): (f64, bool),
    watch: &Watch<'_>,
) -> Result<Option<Vec<Line>>> {
    let (q, p) = (columns.len(), responses.len());
    let blocks = par::map_blocks(&watch.quiet(), weights.len(), BLOCK, |range| {
        let mut sums = vec![0.0; gram_len(q, q + p)];
        let mut squares = 0.0;
        for start in range.clone().step_by(CHUNK) {
            let part = start..(start + CHUNK).min(range.end);
            let columns: Vec<&[f64]> = columns
                .iter()
                .chain(responses)
                .map(|c| &c[part.clone()])
                .collect();
            squares += dispatch(Sums {
                weights: &weights[part.clone()],
                columns: &columns,
                shifts: &vec![0.0; q + p],
                square: q,
                out: &mut sums,
            });
        }
        Ok((squares, sums))
    })?;
    let mut sums = vec![0.0; gram_len(q, q + p)];
    let mut squares = 0.0;
    for (square, block) in blocks {
        squares += square;
        for (sum, x) in sums.iter_mut().zip(block) {
            *sum += x;
        }
    }
    let weight = sums[0];
    for (k, floor) in floors.iter().enumerate().filter(|_| weight > 0.0) {
        let mean = sums[at(k + 1, 0)] / weight;
        let short = floor - (sums[at(k + 1, k + 1)] / weight - mean * mean);
        // The penalty in units of the column's own variance misses this much of it.
        sums[at(k + 1, k + 1)] += weight * ridge * short.max(0.0);
    }
    let moments = Moments::of_sums(q, squares, sums);
    let rules = Rules {
        linear: q,
        ridge,
        guard,
    };
    let Some(solution) = Solution::new(&moments, rules) else {
        return Ok(None);
    };
    let line = |c: usize| {
        let mut slopes = vec![0.0; q];
        let constant = solution.response(&moments, c, &mut slopes);
        (constant, slopes)
    };
    Ok(Some((0..p).map(line).collect()))
}

struct Sums<'a> {
    weights: &'a [f64],
    columns: &'a [&'a [f64]],
    shifts: &'a [f64],
    square: usize,
    out: &'a mut [f64],
}

impl Task for Sums<'_> {
    type Out = f64;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f64 {
        let gram = Gram {
            weights: self.weights,
            columns: self.columns,
            shifts: self.shifts,
            square: self.square,
        };
        isa.gram(gram, self.out);
        isa.dot(self.weights, self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, least_squares};
    use crate::Watch;

    #[test]
    fn a_plane_is_found_and_weights_count() {
        let n = 2 * BLOCK + 17;
        let a: Vec<f64> = (0..n).map(|i| (0.37 * i as f64).sin()).collect();
        let b: Vec<f64> = (0..n).map(|i| (0.11 * i as f64).cos()).collect();
        let mut y: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 3.0 + 2.0 * a - b).collect();
        let mut weights = vec![1.0; n];
        // What has no weight does not count.
        y[5] = 1e6;
        weights[5] = 0.0;
        let columns = [a, b];
        let watch = Watch::default();
        let found = least_squares(&weights, &columns, &[y], &[], (0.0, false), &watch);
        let (constant, slopes) = &found.unwrap().unwrap()[0];
        assert!((constant - 3.0).abs() < 1e-9, "{constant}");
        assert!((slopes[0] - 2.0).abs() < 1e-9 && (slopes[1] + 1.0).abs() < 1e-9);
    }
}

//! Steps from much noise to none.

use std::ops::Range;

use super::law::Law;
use crate::random::Random;
use crate::{Result, Watch};

/// How long one of Langevin's steps is, in variances of the narrowest Gaussian.
const STEP: f64 = 0.2;
/// What is left of the first step's noise where it is known how far along the score the point is: `sqrt(1 - STEP / 4)`.
const FIRST: f64 = 0.974_679_434_480_896_4;

/// Noise of the first level about the origin, with the law's own variance.
pub(super) fn start(rank: usize, sigma: f64, seed: u64, count: usize) -> Vec<f64> {
    let deviation = sigma.hypot(1.0);
    let mut x = vec![0.0; count * rank];
    for (i, row) in x.chunks_exact_mut(rank).enumerate() {
        let mut random = Random::new(seed, i as u64);
        row.fill_with(|| deviation * random.normal());
    }
    x
}

/// One step of Heun's method for `dx / dsigma = (x - m(x)) / sigma`; to no noise at all, of Euler's, which ends at `m(x)`.
///
/// It is taken in `u = x / sqrt(1 + sigma^2)`: a Gaussian of the law's own moments does not move there, so that steps are in error by what is
/// not Gaussian only.
pub(super) fn flow(
    law: &Law,
    x: &mut [f64],
    (sigma, next): (f64, f64),
    how: (f64, Option<usize>),
    watch: &Watch<'_>,
) -> Result<()> {
    let clean = law.denoised(x, sigma, how, watch)?;
    if next == 0.0 {
        x.copy_from_slice(&clean);
        return Ok(());
    }
    let slope = |x: f64, clean: f64, sigma: f64| -> f64 {
        let variance = 1.0 + sigma * sigma;
        ((x - clean) / sigma - x * sigma / variance) / variance.sqrt()
    };
    let (unit, after) = (sigma.hypot(1.0), next.hypot(1.0));
    let step = next - sigma;
    let first = x.iter().zip(&clean).map(|(x, c)| slope(*x, *c, sigma));
    let first: Vec<f64> = first.collect();
    let euler = x.iter().zip(&first);
    let euler: Vec<f64> = euler.map(|(x, s)| after * (x / unit + step * s)).collect();
    let clean = law.denoised(&euler, next, how, watch)?;
    let second = euler.iter().zip(&clean).map(|(x, c)| slope(*x, *c, next));
    for ((x, a), b) in x.iter_mut().zip(&first).zip(second) {
        *x = after * (*x / unit + step * f64::midpoint(*a, b));
    }
    Ok(())
}

/// Langevin's steps at a level of noise. The score is taken half a step's noise ahead, where the point is put at the end, too (Leimkuhler and
/// Matthews, *Rational construction of stochastic numerical methods for molecular sampling*, 2013; the form is Vilmart's): Gaussians of any
/// width then keep their variance, where plain steps widen the narrow ones.
pub(super) fn langevin(
    law: &Law,
    x: &mut [f64],
    sigma: f64,
    (turns, seed): (Range<usize>, u64),
    how: (f64, Option<usize>),
    watch: &Watch<'_>,
) -> Result<()> {
    let variance = STEP * law.least_variance(sigma);
    let (pull, spread) = (0.5 * variance / (sigma * sigma), variance.sqrt());
    let noise = |turn: usize| -> Vec<f64> {
        let mut noise = vec![0.0; x.len()];
        for (i, row) in noise.chunks_exact_mut(law.rank()).enumerate() {
            // A stream for each sample and step, apart from those of the start.
            let mut random = Random::new(seed ^ ((1 + turn as u64) << 32), i as u64);
            row.fill_with(|| spread * random.normal());
        }
        noise
    };
    let ahead = |x: &[f64], noise: &[f64]| -> Vec<f64> {
        x.iter().zip(noise).map(|(x, e)| x + 0.5 * e).collect()
    };
    let mut rest = x.to_vec();
    let last = turns.end - 1;
    for turn in turns.start..last {
        watch.check()?;
        let noise = noise(turn);
        // The first point is ahead already, of where the noise that goes with it says.
        let first = turn == turns.start;
        let at = if first {
            x.to_vec()
        } else {
            ahead(&rest, &noise)
        };
        let clean = law.denoised(&at, sigma, how, watch)?;
        let moves = at.iter().zip(&clean).zip(&noise);
        for (x, ((y, c), e)) in rest.iter_mut().zip(moves) {
            let to = pull * (c - y);
            *x += if first {
                0.5 * (to + FIRST * e)
            } else {
                to + e
            };
        }
    }
    let end = ahead(&rest, &noise(last));
    x.copy_from_slice(&end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::whitened::Whitened;
    use super::*;
    use crate::Rows;

    /// Three clumps on a line in two columns.
    fn table() -> Vec<f64> {
        let noise = locality_testing::normal(3, 60, 2);
        let rows = noise.chunks_exact(2).enumerate().flat_map(|(i, r)| {
            let place = [0.0, 4.0, 10.0][i % 3];
            [place + 0.5 * r[0], 2.0 * place + 0.4 * r[1]]
        });
        rows.collect()
    }

    fn laws() -> Vec<Law> {
        let table = table();
        let white = Whitened::of(Rows::new(&table, 60, 2).unwrap());
        let new = |neighbors, h| Law::new(&white, neighbors, h, &Watch::default()).unwrap();
        vec![new(None, 0.3), new(Some(6), 1.0)]
    }

    const NOISE: (f64, f64) = (20.0, 0.05);

    fn levels(steps: usize) -> Vec<f64> {
        let (a, b) = (NOISE.0.ln(), NOISE.1.ln());
        (0..=steps)
            .map(|i| (a + i as f64 / steps as f64 * (b - a)).exp())
            .collect()
    }

    /// Where the flow leads, by these steps.
    fn ends(law: &Law, start: &[f64], steps: usize) -> Vec<f64> {
        let mut x = start.to_vec();
        let levels = levels(steps);
        for (i, sigma) in levels.iter().enumerate() {
            let next = levels.get(i + 1).copied().unwrap_or(0.0);
            flow(law, &mut x, (*sigma, next), (0.0, None), &Watch::default()).unwrap();
        }
        x
    }

    /// The same by the classical Runge-Kutta method of order four in the logarithm of the noise, `dx / dln sigma = x - m(x)`.
    fn reference(law: &Law, start: &[f64], steps: usize) -> Vec<f64> {
        let slope = |x: &[f64], log: f64| -> Vec<f64> {
            let clean = law.denoised(x, log.exp(), (0.0, None), &Watch::default());
            x.iter().zip(clean.unwrap()).map(|(x, c)| x - c).collect()
        };
        let moved = |x: &[f64], k: &[f64], by: f64| -> Vec<f64> {
            x.iter().zip(k).map(|(x, k)| x + by * k).collect()
        };
        let mut x = start.to_vec();
        let levels = levels(steps);
        for pair in levels.windows(2) {
            let (a, h) = (pair[0].ln(), (pair[1] / pair[0]).ln());
            let k1 = slope(&x, a);
            let k2 = slope(&moved(&x, &k1, h / 2.0), a + h / 2.0);
            let k3 = slope(&moved(&x, &k2, h / 2.0), a + h / 2.0);
            let k4 = slope(&moved(&x, &k3, h), a + h);
            for (e, x) in x.iter_mut().enumerate() {
                *x += h / 6.0 * (k1[e] + 2.0 * k2[e] + 2.0 * k3[e] + k4[e]);
            }
        }
        law.denoised(&x, NOISE.1, (0.0, None), &Watch::default())
            .unwrap()
    }

    fn apart(a: &[f64], b: &[f64]) -> f64 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>() / a.len() as f64).sqrt()
    }

    /// Half the step is a quarter of the error, and the end is that of the equation.
    #[test]
    fn the_flow_is_of_second_order() {
        for law in laws() {
            let start = start(2, NOISE.0, 5, 60);
            let exact = reference(&law, &start, 600);
            assert!(apart(&exact, &reference(&law, &start, 300)) < 1e-5);
            let errors: Vec<f64> = [50, 100, 200, 400]
                .map(|steps| apart(&ends(&law, &start, steps), &exact))
                .to_vec();
            assert!(errors[3] < 2e-3, "{errors:?}");
            for pair in errors[1..].windows(2) {
                let ratio = pair[0] / pair[1];
                assert!((3.0..5.5).contains(&ratio), "{errors:?}");
            }
        }
    }

    /// One step to half the noise moves points of the law of much noise to points of the law of less: their moments are what they must be.
    #[test]
    fn levels_have_their_variances() {
        for law in laws() {
            let mut x = start(2, NOISE.0, 8, 4000);
            let levels = levels(100);
            for pair in levels.windows(2).take_while(|pair| pair[1] > 0.5) {
                let how = (0.0, None);
                flow(&law, &mut x, (pair[0], pair[1]), how, &Watch::default()).unwrap();
            }
            let last = *levels.iter().rfind(|level| **level > 0.5).unwrap();
            let variance = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
            let expected = 1.0 + last * last;
            assert!(
                (variance / expected - 1.0).abs() < 0.05,
                "{variance} {expected}"
            );
        }
    }

    /// Langevin's steps leave a law what it is: a Gaussian for any number of steps, a mixture nearly.
    #[test]
    fn langevin_keeps_the_law() {
        let sigma = 0.4;
        for law in laws() {
            let mut x = law.draws(2, 3000);
            let mut random = Random::new(77, 0);
            for x in &mut x {
                *x += sigma * random.normal();
            }
            let moments = |x: &[f64]| -> [f64; 4] {
                let mean = |f: &dyn Fn(&[f64]) -> f64| {
                    x.chunks_exact(2).map(f).sum::<f64>() / (x.len() / 2) as f64
                };
                [
                    mean(&|r| r[0] * r[0]),
                    mean(&|r| r[1] * r[1]),
                    mean(&|r| r[0].powi(3)),
                    mean(&|r| f64::from(u8::from(r[0] > 0.3))),
                ]
            };
            let before = moments(&x);
            let how = (0.0, None);
            langevin(&law, &mut x, sigma, (0..61, 1), how, &Watch::default()).unwrap();
            for (a, b) in before.iter().zip(moments(&x)) {
                assert!((a - b).abs() < 0.06, "{before:?} {:?}", moments(&x));
            }
        }
    }
}

//! The hybrid of ANFIS: for given terms the conclusions are least squares; terms move along the gradient of what is left.

use super::tsk::{Data, Solve, Tsk};
use crate::descent::{Until, descend};
use crate::{Error, Result, Watch, par};

/// Rows of a block.
const BLOCK: usize = 512;
/// Steps between two looks at the validation error.
const STEPS: usize = 5;
/// Widths of terms, in parts of a column's range.
const NARROWEST: f64 = 0.02;
const WIDEST: f64 = 20.0;

/// Mean squared errors on training and validation rows.
pub(super) type History = Vec<[f64; 2]>;

/// When it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// At most so many looks at the validation error.
    pub(super) epochs: usize,
    /// After so many without a lower one.
    pub(super) patience: usize,
}

/// Moves centres and widths, and returns the model of least validation error with the errors on the way.
///
/// Source: J.-S. R. Jang, *ANFIS: adaptive-network-based fuzzy inference system*, IEEE Transactions on Systems, Man, and Cybernetics 23
/// (1993); all rows at once, by quasi-Newton steps.
pub(super) fn tune(
    start: Tsk,
    train: &Data,
    check: &Data,
    how: Solve,
    stop: Stop,
    watch: &Watch<'_>,
) -> Result<(Tsk, History)> {
    let errors = |tsk: &mut Tsk| -> Result<[f64; 2]> {
        let shares = tsk.shares(train, watch)?;
        tsk.conclude(&shares, train, &train.w, how, watch)?;
        let own = tsk.error(&shares, train, |_| true) / train.weight();
        let shares = tsk.shares(check, watch)?;
        Ok([own, tsk.error(&shares, check, |_| true) / check.weight()])
    };
    let mut best = start;
    let mut history = vec![errors(&mut best)?];
    let mut at = best.clone();
    let mut least = history[0][1];
    let mut waited = 0;
    for epoch in 0..stop.epochs {
        watch.check()?;
        watch.report(epoch, stop.epochs);
        let until = Until {
            steps: STEPS,
            tolerance: 1e-7,
            longest: 0.3,
        };
        let mut f = |theta: &[f64]| slope(&at, theta, train, how, watch);
        let (theta, _) = descend(pack(&at), until, &mut f)?;
        at = unpack(&at, &theta);
        let now = errors(&mut at)?;
        if !now.iter().all(|e| e.is_finite()) {
            return Err(Error::not_finite(
                "the training error is not finite; scale the targets or raise ridge",
            ));
        }
        let last = history[history.len() - 1][0];
        history.push(now);
        if now[1] < least {
            (best, least, waited) = (at.clone(), now[1], 0);
        } else {
            waited += 1;
        }
        if waited >= stop.patience || last - now[0] <= 1e-9 * last {
            break;
        }
    }
    Ok((best, history))
}

/// Centres, and logarithms of the widths.
fn pack(tsk: &Tsk) -> Vec<f64> {
    let widths = tsk.sigmas.iter().map(|s| s.ln());
    tsk.centers.iter().copied().chain(widths).collect()
}

fn unpack(tsk: &Tsk, theta: &[f64]) -> Tsk {
    let (centers, widths) = theta.split_at(tsk.centers.len());
    let mut out = tsk.clone();
    out.centers.copy_from_slice(centers);
    for (s, w) in out.sigmas.iter_mut().zip(widths) {
        if s.is_finite() {
            *s = w.exp().clamp(NARROWEST, WIDEST);
        }
    }
    out
}

/// The mean squared error at some terms under their best conclusions, and its gradient: conclusions at their best do not change it.
fn slope(
    tsk: &Tsk,
    theta: &[f64],
    data: &Data,
    how: Solve,
    watch: &Watch<'_>,
) -> Result<(f64, Vec<f64>)> {
    let mut tsk = unpack(tsk, theta);
    let shares = tsk.shares(data, watch)?;
    tsk.conclude(&shares, data, &data.w, how, watch)?;
    let (n, d, rules, total) = (data.rows(), tsk.d, tsk.rules(), data.weight());
    let half = rules * d;
    let blocks = par::map_blocks(&watch.quiet(), n, BLOCK, |range| {
        let mut gradient = vec![0.0; 2 * half];
        let mut error = 0.0;
        let mut says = vec![0.0; rules];
        let mut pull = vec![0.0; rules];
        for i in range {
            let weight = data.w[i];
            pull.fill(0.0);
            for (o, y) in data.y.iter().enumerate() {
                for (r, says) in says.iter_mut().enumerate() {
                    *says = tsk.says(o, r, data, i);
                }
                let p: f64 = says.iter().zip(&shares).map(|(s, w)| s * w[i]).sum();
                let off = p - y[i];
                error += weight * off * off;
                for ((pull, share), says) in pull.iter_mut().zip(&shares).zip(&says) {
                    *pull += 2.0 * weight * off * share[i] * (says - p);
                }
            }
            for (r, pull) in pull.iter().enumerate() {
                for (j, column) in data.x.iter().enumerate() {
                    let at = r * d + j;
                    let s = tsk.sigmas[at];
                    let away = column[i] - tsk.centers[at];
                    let by = pull * away / (s * s * tsk.divisor);
                    gradient[at] += by;
                    gradient[half + at] += by * away;
                }
            }
        }
        Ok((error, gradient))
    })?;
    let mut error = 0.0;
    let mut gradient = vec![0.0; 2 * half];
    for (e, block) in blocks {
        error += e;
        for (g, b) in gradient.iter_mut().zip(block) {
            *g += b;
        }
    }
    for g in &mut gradient {
        *g /= total;
    }
    Ok((error / total, gradient))
}

#[cfg(test)]
mod tests {
    use super::{Data, Solve, Tsk, pack, slope};
    use crate::Watch;

    #[test]
    fn the_gradient_is_that_of_differences() {
        let n = 60;
        let x: Vec<Vec<f64>> = (1..3)
            .map(|j| (0..n).map(|i| ((i * j * 37) % 61) as f64 / 61.0).collect())
            .collect();
        let y = (0..n).map(|i| (6.0 * x[0][i]).sin() + x[1][i] * x[0][i]);
        let data = Data {
            y: vec![y.collect()],
            x,
            w: (0..n).map(|i| 0.5 + (i % 4) as f64).collect(),
        };
        let tsk = Tsk {
            d: 2,
            divisor: 2.0,
            centers: vec![0.2, 0.3, 0.7, 0.6, 0.4, 0.9],
            sigmas: vec![0.2, 0.3, 0.25, 0.4, 0.3, 0.2],
            lines: Vec::new(),
        };
        for order in [0, 1] {
            let how = Solve {
                order,
                ridge: 0.0,
                local: false,
            };
            let watch = Watch::default();
            let of = |theta: &[f64]| slope(&tsk, theta, &data, how, &watch).unwrap();
            let theta = pack(&tsk);
            let (_, gradient) = of(&theta);
            for k in 0..theta.len() {
                let mut moved = theta.clone();
                moved[k] += 1e-5;
                let above = of(&moved).0;
                moved[k] -= 2e-5;
                let difference = (above - of(&moved).0) / 2e-5;
                let off = (difference - gradient[k]).abs();
                assert!(
                    off < 1e-5 * (1.0 + difference.abs()),
                    "{order} {k}: {difference} {}",
                    gradient[k]
                );
            }
        }
    }
}

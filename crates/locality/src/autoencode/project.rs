//! Codes of rows: where they begin among reconstructions, and their walk along the decoder's local lines.

use crate::linear::cholesky_solve;
use crate::local::LocalPolynomialFit;
use crate::{LocalMean, LocalMeanFit, Metric, Nearest, OnEmpty, Result, Rows, Watch, par};

use super::parameters::Width;

/// Rows of one thread's work.
const BLOCK: usize = 64;
/// Added to each squared slope, in proportion: where local lines hardly turn with the code, steps stay finite.
const DAMPING: f64 = 1e-3;
/// No step is longer, in deviations of the codes.
const LONGEST: f64 = 100.0;

/// The local model of codes by reconstructions.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    means: LocalMeanFit<f64>,
    near: Nearest<f64>,
    codes: Vec<f64>,
    columns: usize,
}

impl Encoder {
    /// Over reconstructions `[n, d]` of codes `[n, k]`.
    pub(super) fn new(
        reconstructions: Rows<'_, f64>,
        codes: Rows<'_, f64>,
        width: Width,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let means = LocalMean::new(width.kernel()?).on_empty(OnEmpty::Nearest);
        Ok(Self {
            means: means.fit_watched(reconstructions, codes, None, watch)?,
            near: Nearest::fit(reconstructions, &Metric::Euclidean)?,
            codes: codes.to_vec(),
            columns: codes.columns(),
        })
    }

    /// The codes of rows `[m, d]` under a decoder, `[m, k]`, after so many steps.
    pub(super) fn codes(
        &self,
        rows: Rows<'_, f64>,
        decoder: &LocalPolynomialFit,
        steps: usize,
        watch: &Watch<'_>,
    ) -> Result<Vec<f64>> {
        let mut walk = Walk::new(rows, decoder, self.means.at(rows, watch)?.means, watch)?;
        // Between two sheets the mean of codes is on neither; the nearest reconstruction is on one.
        let near = self.near.k_nearest(rows, 1, watch)?.indices;
        let k = self.columns;
        let near = near.iter().flat_map(|&i| &self.codes[i * k..][..k]);
        let near: Vec<f64> = near.copied().collect();
        walk.try_codes(&near, watch)?;
        if decoder.parameters().degree > 0 {
            for _ in 0..steps {
                walk.step(watch)?;
            }
        }
        Ok(walk.codes)
    }
}

/// Rows on their way to where the decoder comes nearest to them; each goes by itself.
struct Walk<'a> {
    rows: Rows<'a, f64>,
    decoder: &'a LocalPolynomialFit,
    /// `[m, k]`
    codes: Vec<f64>,
    at: Judged,
}

/// Squared distances of rows from what is decoded, `[m]`, and the steps from there, `[m, k]`.
#[derive(Default)]
struct Judged {
    errors: Vec<f64>,
    steps: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(
        rows: Rows<'a, f64>,
        decoder: &'a LocalPolynomialFit,
        codes: Vec<f64>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let at = judge(rows, decoder, &codes, watch)?;
        Ok(Self {
            rows,
            decoder,
            codes,
            at,
        })
    }

    fn columns(&self) -> usize {
        self.codes.len() / self.rows.rows().max(1)
    }

    /// Takes other codes where they are better; says where.
    fn try_codes(&mut self, codes: &[f64], watch: &Watch<'_>) -> Result<Vec<bool>> {
        let other = judge(self.rows, self.decoder, codes, watch)?;
        let k = self.columns();
        let mut better = Vec::with_capacity(self.rows.rows());
        for (i, error) in other.errors.iter().enumerate() {
            better.push(*error < self.at.errors[i]);
            if better[i] {
                let own = i * k..(i + 1) * k;
                self.at.errors[i] = *error;
                self.codes[own.clone()].copy_from_slice(&codes[own.clone()]);
                self.at.steps[own.clone()].copy_from_slice(&other.steps[own]);
            }
        }
        Ok(better)
    }

    /// One Gauss-Newton step; where it leads further away, half as long a one is next.
    fn step(&mut self, watch: &Watch<'_>) -> Result<()> {
        let k = self.columns();
        let pairs = self.codes.iter().zip(&self.at.steps);
        let codes: Vec<f64> = pairs.map(|(z, s)| z + s).collect();
        let better = self.try_codes(&codes, watch)?;
        for (steps, better) in self.at.steps.chunks_exact_mut(k).zip(better) {
            if !better {
                for s in &mut *steps {
                    *s *= 0.5;
                }
            }
        }
        Ok(())
    }
}

fn judge(
    rows: Rows<'_, f64>,
    decoder: &LocalPolynomialFit,
    codes: &[f64],
    watch: &Watch<'_>,
) -> Result<Judged> {
    let m = rows.rows();
    let k = codes.len() / m.max(1);
    let fits = decoder.at(Rows::new(codes, m, k)?, watch)?;
    let (p, q) = (fits.responses(), fits.features());
    let blocks = par::map_blocks(watch, m, BLOCK, |range| {
        let mut out = Judged {
            errors: Vec::with_capacity(range.len()),
            steps: vec![0.0; range.len() * k],
        };
        for (i, step) in range.zip(out.steps.chunks_exact_mut(k)) {
            let pairs = rows.row(i).iter().zip(&fits.values()[i * p..][..p]);
            let residual: Vec<f64> = pairs.map(|(x, v)| x - v).collect();
            out.errors.push(residual.iter().map(|r| r * r).sum());
            if q > 0 {
                newton(&residual, &fits.slopes()[i * p * q..][..p * q], step);
            }
        }
        Ok(out)
    })?;
    let mut all = Judged::default();
    for block in blocks {
        all.errors.extend(block.errors);
        all.steps.extend(block.steps);
    }
    Ok(all)
}

/// The step `[k]` of least squares for a residual `[p]` by slopes `[p, k]`; none where slopes say nothing.
fn newton(residual: &[f64], slopes: &[f64], step: &mut [f64]) {
    let k = step.len();
    let mut squares = vec![0.0; k * k];
    for (r, slope) in residual.iter().zip(slopes.chunks_exact(k)) {
        for (i, a) in slope.iter().enumerate() {
            step[i] += r * a;
            let row = squares[i * k..=i * k + i].iter_mut();
            row.zip(slope).for_each(|(s, b)| *s += a * b);
        }
    }
    for i in 0..k {
        squares[i * k + i] *= 1.0 + DAMPING;
    }
    if !cholesky_solve(&mut squares, step) {
        step.fill(0.0);
    }
    let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
    if length > LONGEST {
        for s in &mut *step {
            *s *= LONGEST / length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::newton;

    #[test]
    fn a_step_solves_least_squares() {
        // Slopes (1, 0), (0, 2), (0, 0): the residual (3, 4, 5) is 3 and 2 steps away, but for the damping.
        let mut step = [0.0; 2];
        newton(&[3.0, 4.0, 5.0], &[1.0, 0.0, 0.0, 2.0, 0.0, 0.0], &mut step);
        assert!((step[0] - 3.0 / 1.001).abs() < 1e-12 && (step[1] - 2.0 / 1.001).abs() < 1e-12);
    }

    #[test]
    fn without_slopes_there_is_no_step() {
        for slope in [0.0, f64::NAN] {
            let mut step = [0.0; 2];
            newton(&[3.0, 4.0], &[slope; 4], &mut step);
            assert_eq!(step, [0.0; 2]);
        }
    }
}

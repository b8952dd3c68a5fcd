//! The rounds: codes judged, and codes found anew.

use crate::linear::Symmetric;
use crate::local::{WeightedModel, WeightedSample};
use crate::pca::{Components, Pca, PcaFit};
use crate::{Error, Result, Rows, Watch};

use super::model::{Frame, LazyAutoencoderFit};
use super::parameters::{LazyAutoencoder, Width};
use super::project::Encoder;

/// Rounds without progress after which it ends.
const PATIENCE: usize = 3;
/// Steps along the decoder's lines in each round.
const STEPS: usize = 2;
/// A loss that is nothing but rounding.
const EXACT: f64 = 1e-24;
/// Directions of codes with less than this share of the largest variance are not widened to unit variance: they are rounding.
const FLAT: f64 = 1e-12;

/// Codes with what is decoded from them.
#[derive(Clone)]
struct Round {
    codes: Vec<f64>,
    /// The place of the decoder's width on the ladder.
    at: usize,
    loss: f64,
    /// `[n, d]`, each without its own row.
    decoded: Vec<f64>,
}

impl LazyAutoencoder {
    /// Finds codes for samples `[n, d]`, from principal components or initial codes `[n, k]` on.
    ///
    /// The first round judges the initial codes, and no loss that is kept is above its. Where it begins with principal components, under local
    /// lines of automatic width, its decoder may be a plane, so that its loss is at most that of a regression on principal components with each
    /// row left out. Progress is reported in rounds. Memory is that of `n d k` numbers.
    ///
    /// # Errors
    /// Parameters out of their range for these samples, fewer than two samples, samples that are all alike, initial codes of another shape,
    /// numbers that are not finite, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        initial: Option<Rows<'_, f64>>,
        watch: &Watch<'_>,
    ) -> Result<LazyAutoencoderFit> {
        self.check(samples)?;
        let (n, d, k) = (samples.rows(), samples.columns(), self.components);
        let frame = Frame::of(samples)?;
        let data = frame.enter(samples);
        let rows = Rows::new(&data, n, d)?;
        let pca = components(rows, k)?;
        let mut codes = match initial {
            Some(given) => self.given(given, n)?,
            None => scores(&pca, rows, k),
        };
        whiten(&mut codes, k)?;
        let rounds = Rounds {
            parameters: self,
            rows,
            ladder: self.ladder(n),
            plane: (self.decoder == Width::Auto).then(|| left_over(&pca)),
        };
        let quiet = watch.quiet();
        watch.report(0, self.max_iter);
        let mut round = rounds.first(&codes, &quiet)?;
        let mut best = rounds.or_plane(&round, &quiet)?;
        let mut losses = vec![best.loss];
        // A plane's codes are the same again in the next round: a curve is looked for from the best that is local.
        let (mut mark, mut stale) = (round.loss, 0);
        while losses.len() <= self.max_iter && stale < PATIENCE && best.loss > EXACT {
            let codes = rounds.new_codes(&round, &quiet)?;
            round = rounds.next(&codes, round.at, &quiet)?;
            losses.push(round.loss);
            if round.loss < mark * (1.0 - self.tol) {
                (mark, stale) = (round.loss, 0);
            } else {
                stale += 1;
            }
            if round.loss < best.loss {
                best = round.clone();
            }
            watch.report(losses.len() - 1, self.max_iter);
        }
        let converged = stale >= PATIENCE || best.loss <= EXACT;
        let width = rounds.width(best.at);
        let parts = (best.codes, width, Some(best.decoded));
        LazyAutoencoderFit::build(self.clone(), frame, &data, parts, &quiet)
            .map(|fit| fit.after(losses, converged))
    }

    /// Takes codes `[n, k]` for samples `[n, d]` as they are, without a round or a change: how a fit comes back from what was kept of it. The
    /// decoder needs a width that is not automatic, that of [`LazyAutoencoderFit::width`].
    ///
    /// # Errors
    /// As [`fit`](Self::fit); an automatic width of the decoder.
    pub fn with_codes(
        &self,
        samples: Rows<'_, f64>,
        codes: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<LazyAutoencoderFit> {
        self.check(samples)?;
        if self.decoder == Width::Auto {
            return Err(Error::parameter(
                "the decoder's width is automatic; codes that are taken as they are need the width that they were found with",
            ));
        }
        let codes = self.given(codes, samples.rows())?;
        let frame = Frame::of(samples)?;
        let data = frame.enter(samples);
        let parts = (codes, self.decoder, None);
        LazyAutoencoderFit::build(self.clone(), frame, &data, parts, watch)
    }

    fn given(&self, codes: Rows<'_, f64>, n: usize) -> Result<Vec<f64>> {
        let k = self.components;
        if codes.rows() != n || codes.columns() != k {
            return Err(Error::shape(format!(
                "codes has {} rows of {} columns, but there are {n} samples and n_components={k}; give one row of {k} for each",
                codes.rows(),
                codes.columns()
            )));
        }
        codes.require_finite("codes")?;
        if codes.iter().all(|row| row == codes.row(0)) {
            return Err(Error::parameter(
                "codes has only rows that are alike, which tell no sample from another; give codes that differ",
            ));
        }
        Ok(codes.to_vec())
    }
}

/// What does not change from round to round.
struct Rounds<'a> {
    parameters: &'a LazyAutoencoder,
    rows: Rows<'a, f64>,
    ladder: Vec<Width>,
    /// The loss of principal component analysis, where a plane may be the decoder.
    plane: Option<f64>,
}

impl Rounds<'_> {
    /// The width of a rung; beyond the last one is the plane.
    fn width(&self, at: usize) -> Width {
        self.ladder.get(at).copied().unwrap_or(Width::All)
    }

    /// The first round: up the ladder, until it got worse twice.
    fn first(&self, codes: &[f64], watch: &Watch<'_>) -> Result<Round> {
        let mut best = self.judge(codes.to_vec(), 0, watch)?;
        let mut risen = 0;
        for at in 1..self.ladder.len() {
            let other = self.judge(codes.to_vec(), at, watch)?;
            if other.loss < best.loss {
                (best, risen) = (other, 0);
            } else {
                risen += 1;
            }
            if risen == 2 {
                break;
            }
        }
        Ok(best)
    }

    /// The round, or its codes under a plane where principal components are better than it, and the plane is.
    fn or_plane(&self, round: &Round, watch: &Watch<'_>) -> Result<Round> {
        if self.plane.is_some_and(|plane| round.loss > plane) {
            let plane = self.judge(round.codes.clone(), self.ladder.len(), watch)?;
            if plane.loss < round.loss {
                return Ok(plane);
            }
        }
        Ok(round.clone())
    }

    /// A later round: the width of the last one, or of the rungs beside it.
    fn next(&self, codes: &[f64], at: usize, watch: &Watch<'_>) -> Result<Round> {
        let beside = at.saturating_sub(1)..=(at + 1).min(self.ladder.len() - 1);
        let mut best = self.judge(codes.to_vec(), at, watch)?;
        for other in beside.filter(|other| *other != at) {
            let other = self.judge(codes.to_vec(), other, watch)?;
            if other.loss < best.loss {
                best = other;
            }
        }
        Ok(best)
    }

    fn judge(&self, codes: Vec<f64>, at: usize, watch: &Watch<'_>) -> Result<Round> {
        let k = self.parameters.components;
        let places = Rows::new(&codes, self.rows.rows(), k)?;
        let decoder = self
            .parameters
            .local(places, self.rows, self.width(at), true, watch)?;
        let decoded = decoder.at(places, watch)?.values().to_vec();
        Ok(Round {
            loss: loss(self.rows, &decoded),
            codes,
            at,
            decoded,
        })
    }

    /// The next codes, whitened.
    fn new_codes(&self, round: &Round, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let (n, d) = (self.rows.rows(), self.rows.columns());
        let k = self.parameters.components;
        let codes = Rows::new(&round.codes, n, k)?;
        let decoded = Rows::new(&round.decoded, n, d)?;
        let encoder = Encoder::new(decoded, codes, self.parameters.encoder_width(n), watch)?;
        let width = self.width(round.at);
        let decoder = self
            .parameters
            .local(codes, self.rows, width, true, watch)?;
        let mut found = encoder.codes(self.rows, &decoder, STEPS, watch)?;
        whiten(&mut found, k)?;
        Ok(found)
    }
}

/// The mean squared distance of rows of unit total variance from what is decoded.
pub(super) fn loss(rows: Rows<'_, f64>, decoded: &[f64]) -> f64 {
    let decoded = decoded.chunks_exact(rows.columns());
    let squares = rows.iter().zip(decoded).map(|(x, v)| -> f64 {
        let off = x.iter().zip(v).map(|(x, v)| (x - v) * (x - v));
        off.sum()
    });
    squares.sum::<f64>() / rows.rows() as f64
}

fn components(rows: Rows<'_, f64>, k: usize) -> Result<PcaFit> {
    let sample = WeightedSample {
        x: rows,
        y: Rows::new(&[], rows.rows(), 0)?,
        weights: &vec![1.0; rows.rows()],
    };
    Pca::new(Components::Count(k)).fit(&sample, None)
}

/// The share of the variance that the components leave.
fn left_over(pca: &PcaFit) -> f64 {
    let left: f64 = pca.spectrum().iter().skip(pca.variances().len()).sum();
    left / pca.total_variance()
}

/// Places along the components, `[n, k]`; 0 along those that the rows do not have.
fn scores(pca: &PcaFit, rows: Rows<'_, f64>, k: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows.rows() * k];
    for (x, code) in rows.iter().zip(out.chunks_exact_mut(k)) {
        for (z, component) in code.iter_mut().zip(pca.components().iter()) {
            let offsets = x.iter().zip(pca.mean()).map(|(x, m)| x - m);
            *z = offsets.zip(component).map(|(x, c)| x * c).sum();
        }
    }
    out
}

/// Moves and stretches codes `[n, k]` to mean 0 and unit covariance, without turning them.
fn whiten(codes: &mut [f64], k: usize) -> Result<()> {
    let n = codes.len() / k;
    let mut mean = vec![0.0; k];
    for code in codes.chunks_exact(k) {
        mean.iter_mut().zip(code).for_each(|(m, z)| *m += z);
    }
    for m in &mut mean {
        *m /= n as f64;
    }
    let mut covariance = vec![0.0; k * k];
    for code in codes.chunks_exact_mut(k) {
        code.iter_mut().zip(&mean).for_each(|(z, m)| *z -= m);
        for (i, a) in code.iter().enumerate() {
            let row = covariance[i * k..=i * k + i].iter_mut();
            row.zip(&*code).for_each(|(c, b)| *c += a * b / n as f64);
        }
    }
    let mut eigen = Symmetric::new(k);
    eigen.decompose(|i, j| covariance[i * k + j])?;
    if eigen.value(0) <= 0.0 {
        return Ok(());
    }
    let mut root = vec![0.0; k * k];
    for r in 0..k {
        let scale = eigen.value(r).max(FLAT * eigen.value(0)).sqrt().recip();
        for (i, a) in eigen.vector(r).enumerate() {
            let row = root[i * k..][..k].iter_mut();
            row.zip(eigen.vector(r))
                .for_each(|(s, b)| *s += scale * a * b);
        }
    }
    let mut turned = vec![0.0; k];
    for code in codes.chunks_exact_mut(k) {
        for (t, row) in turned.iter_mut().zip(root.chunks_exact(k)) {
            *t = row.iter().zip(&*code).map(|(s, z)| s * z).sum();
        }
        code.copy_from_slice(&turned);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::whiten;

    #[test]
    fn whitened_codes_have_unit_covariance() {
        let mut codes: Vec<f64> = (0..60)
            .flat_map(|i| {
                let t = f64::from(i);
                [1e3 + 50.0 * (0.7 * t).sin(), (0.3 * t).cos() + 0.01 * t]
            })
            .collect();
        whiten(&mut codes, 2).unwrap();
        let mean = |f: &dyn Fn(&[f64]) -> f64| codes.chunks(2).map(f).sum::<f64>() / 60.0;
        assert!(mean(&|z| z[0]).abs() < 1e-10 && mean(&|z| z[1]).abs() < 1e-10);
        for (i, j, wanted) in [(0, 0, 1.0), (0, 1, 0.0), (1, 1, 1.0)] {
            assert!((mean(&|z| z[i] * z[j]) - wanted).abs() < 1e-10);
        }
    }

    #[test]
    fn what_is_flat_stays_so() {
        let mut codes: Vec<f64> = (0..10).flat_map(|i| [f64::from(i), 0.0]).collect();
        whiten(&mut codes, 2).unwrap();
        assert!(codes.chunks(2).all(|z| z[1].abs() < 1e-9));
        let mut none = [3.0; 6];
        whiten(&mut none, 2).unwrap();
        assert_eq!(none, [0.0; 6]);
    }
}

//! A fitted lazy autoencoder.

use crate::local::LocalPolynomialFit;
use crate::{Error, Result, Rows, Watch};

use super::fit::loss;
use super::parameters::{LazyAutoencoder, Width};
use super::project::Encoder;

/// Steps along the decoder's lines for new rows.
const STEPS: usize = 8;
/// New rows of which slopes are held at once.
const BLOCK: usize = 1024;

/// The units in which rows have mean 0 and a total variance of 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    mean: Vec<f64>,
    unit: f64,
}

impl Frame {
    pub(super) fn of(samples: Rows<'_, f64>) -> Result<Self> {
        let n = samples.rows() as f64;
        // From the first row on, so that far-off places lose no digits.
        let first = samples.row(0);
        let mut mean = vec![0.0; samples.columns()];
        for x in samples.iter() {
            for (m, (x, f)) in mean.iter_mut().zip(x.iter().zip(first)) {
                *m += (x - f) / n;
            }
        }
        mean.iter_mut().zip(first).for_each(|(m, f)| *m += f);
        let square = |x: &[f64]| -> f64 {
            let off = x.iter().zip(&mean).map(|(x, m)| (x - m) * (x - m));
            off.sum()
        };
        let unit = (samples.iter().map(square).sum::<f64>() / n).sqrt();
        if !unit.is_finite() {
            return Err(Error::not_finite(
                "the variance of X is too large for its numbers; scale the columns down",
            ));
        }
        if samples.iter().all(|x| x == first) || unit < f64::MIN_POSITIVE {
            return Err(Error::parameter(
                "the rows of X are all alike, so that there is nothing to encode; give rows that differ",
            ));
        }
        Ok(Self { mean, unit })
    }

    pub(super) fn enter(&self, rows: Rows<'_, f64>) -> Vec<f64> {
        let one = |x: &[f64]| {
            let off = x.iter().zip(&self.mean).map(|(x, m)| (x - m) / self.unit);
            off.collect::<Vec<f64>>()
        };
        rows.iter().flat_map(one).collect()
    }

    fn leave(&self, mut rows: Vec<f64>) -> Vec<f64> {
        for row in rows.chunks_exact_mut(self.mean.len()) {
            for (x, m) in row.iter_mut().zip(&self.mean) {
                *x = x.mul_add(self.unit, *m);
            }
        }
        rows
    }
}

/// A fitted [`LazyAutoencoder`].
#[derive(Clone, Debug)]
pub struct LazyAutoencoderFit {
    parameters: LazyAutoencoder,
    frame: Frame,
    decoder: LocalPolynomialFit,
    encoder: Encoder,
    width: Width,
    codes: Vec<f64>,
    /// `[n, d]` in the frame, each without its own row.
    decoded: Vec<f64>,
    loss: f64,
    losses: Vec<f64>,
    converged: bool,
}

impl LazyAutoencoderFit {
    /// From rows in the frame, codes, the decoder's width and, where they are known, the codes' reconstructions.
    pub(super) fn build(
        parameters: LazyAutoencoder,
        frame: Frame,
        data: &[f64],
        (codes, width, decoded): (Vec<f64>, Width, Option<Vec<f64>>),
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let d = frame.mean.len();
        let rows = Rows::new(data, data.len() / d, d)?;
        let places = Rows::new(&codes, rows.rows(), parameters.components)?;
        let decoded = match decoded {
            Some(decoded) => decoded,
            None => parameters
                .local(places, rows, width, true, watch)?
                .at(places, watch)?
                .values()
                .to_vec(),
        };
        let reconstructions = Rows::new(&decoded, rows.rows(), d)?;
        let encoder_width = parameters.encoder_width(rows.rows());
        let loss = loss(rows, &decoded);
        Ok(Self {
            decoder: parameters.local(places, rows, width, false, watch)?,
            encoder: Encoder::new(reconstructions, places, encoder_width, watch)?,
            parameters,
            frame,
            width,
            codes,
            decoded,
            loss,
            losses: vec![loss],
            converged: false,
        })
    }

    pub(super) fn after(self, losses: Vec<f64>, converged: bool) -> Self {
        Self {
            losses,
            converged,
            ..self
        }
    }

    /// The parameters it was made with.
    pub fn parameters(&self) -> &LazyAutoencoder {
        &self.parameters
    }

    /// The codes of the samples, `[n, k]`: of mean 0 and unit covariance, but for directions in which they do not differ.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn codes(&self) -> Rows<'_, f64> {
        let k = self.parameters.components;
        Rows::new(&self.codes, self.codes.len() / k, k).expect("made of such rows")
    }

    /// The samples as decoded from their codes, `[n, d]`, each without its own row.
    pub fn reconstructions(&self) -> Vec<f64> {
        self.frame.leave(self.decoded.clone())
    }

    /// The mean squared distance of samples from their [reconstructions](Self::reconstructions), as a share of their total variance: the
    /// smallest of [`losses`](Self::losses).
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The loss of each round, the first of which is that of the initial codes.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Number of rounds that were judged, the first included.
    pub fn rounds(&self) -> usize {
        self.losses.len()
    }

    /// Whether the loss stopped falling, or was 0, before the last round that was allowed.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// The decoder's width that was chosen.
    pub fn width(&self) -> Width {
        self.width
    }

    /// Number of columns of the samples.
    pub fn columns(&self) -> usize {
        self.frame.mean.len()
    }

    /// Codes `[m, k]` of rows `[m, d]`: where the decoder comes nearest to each, as far as eight steps lead. Of a sample it is close to its own
    /// code, but not the same, as the decoder has now seen it.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn encode(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        check_rows(rows, "X", self.columns())?;
        in_blocks(rows, watch, |part, quiet| {
            let data = self.frame.enter(part);
            let part = Rows::new(&data, part.rows(), part.columns())?;
            self.encoder.codes(part, &self.decoder, STEPS, quiet)
        })
    }

    /// Rows `[m, d]` of codes `[m, k]`.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn decode(&self, codes: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        check_rows(codes, "codes", self.parameters.components)?;
        let found = in_blocks(codes, watch, |part, quiet| {
            Ok(self.decoder.at(part, quiet)?.values().to_vec())
        })?;
        Ok(self.frame.leave(found))
    }

    /// Rows `[m, d]` as decoded from their codes.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn reconstruct(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let codes = self.encode(rows, watch)?;
        let codes = Rows::new(&codes, rows.rows(), self.parameters.components)?;
        self.decode(codes, &watch.quiet())
    }
}

fn check_rows(rows: Rows<'_, f64>, name: &str, columns: usize) -> Result<()> {
    if rows.columns() != columns {
        return Err(Error::shape(format!(
            "{name} has {} columns, but the fit has {columns}; they must be the same columns",
            rows.columns()
        )));
    }
    if rows.rows() == 0 {
        return Ok(());
    }
    rows.require_finite(name)
}

/// Works through rows in blocks, so that only the slopes of one are held.
fn in_blocks(
    rows: Rows<'_, f64>,
    watch: &Watch<'_>,
    work: impl Fn(Rows<'_, f64>, &Watch<'_>) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let mut out = Vec::new();
    for start in (0..rows.rows()).step_by(BLOCK) {
        let end = (start + BLOCK).min(rows.rows());
        out.extend(work(rows.slice(start..end), &watch.quiet())?);
        watch.report(end, rows.rows());
    }
    Ok(out)
}

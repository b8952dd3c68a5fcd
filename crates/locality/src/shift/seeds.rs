//! Seeds from the occupied bins of a grid.

use super::positions::Positions;
use crate::isa::{Isa, Task, dispatch};
use crate::{Error, Float, Result, Rows};

/// Samples whose bins are worked out at once.
const BLOCK: usize = 1024;

/// Centres `[s, d]`, row after row, of the bins of a grid of width `bin_size` that hold at least `min_bin_freq` samples, in the order in
/// which the samples meet them; the samples themselves where every sample has a bin of its own. As scikit-learn's
/// `get_bin_seeds`: a number exactly between two bins goes to the even one.
///
/// ```
/// use locality::{Rows, shift::bin_seeds};
/// let x = [0.1, 0.2, 1.5, 2.4, 9.0];
/// assert_eq!(bin_seeds(Rows::column(&x), 1.0, 1)?, [0.0, 2.0, 9.0]);
/// assert_eq!(bin_seeds(Rows::column(&x), 1.0, 2)?, [0.0, 2.0]);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// No samples, NaN or infinite numbers, a bin size that is not positive, or so fine that a bin's number exceeds the number
/// type.
pub fn bin_seeds<T: Float>(
    samples: Rows<'_, T>,
    bin_size: f64,
    min_bin_freq: usize,
) -> Result<Vec<T>> {
    bin_seeds_weighted(samples, None, bin_size, min_bin_freq)
}

/// The same where a sample counts as its weight says.
pub(super) fn bin_seeds_weighted<T: Float>(
    samples: Rows<'_, T>,
    weights: Option<&[T]>,
    bin_size: f64,
    min_bin_freq: usize,
) -> Result<Vec<T>> {
    samples.require_finite("samples")?;
    if !(bin_size.is_finite() && bin_size > 0.0) {
        return Err(Error::parameter(format!(
            "bin_size={bin_size} must be a positive finite number"
        )));
    }
    let (n, d) = (samples.rows(), samples.columns());
    let mut bins = Positions::new(d, 1024);
    let mut counts: Vec<f64> = Vec::new();
    let mut some = vec![0.0; BLOCK * d];
    for start in (0..n).step_by(BLOCK) {
        let rows = samples.slice(start..(start + BLOCK).min(n));
        let some = &mut some[..rows.rows() * d];
        dispatch(Bins {
            rows,
            bin_size,
            out: some,
        });
        for (i, bin) in (start..).zip(some.chunks_exact(d)) {
            if let Some(c) = bin
                .iter()
                .position(|b| !T::from_f64(b * bin_size).is_finite())
            {
                return Err(Error::parameter(format!(
                    "bin_size={bin_size} is too small for {} in row {i}; rescale the columns or leave out bin_seeding",
                    samples.row(i)[c]
                )));
            }
            let number = bins.number(bin) as usize;
            counts.resize(bins.len(), 0.0);
            counts[number] += weights.map_or(1.0, |w| w[i].to_f64());
        }
    }
    let least = min_bin_freq as f64;
    let kept = counts.iter().filter(|&&c| c >= least).count();
    if kept == n {
        return Ok(samples.to_vec());
    }
    let seeds = bins.rows()?;
    let seeds = seeds.iter().zip(&counts).filter(|(_, c)| **c >= least);
    Ok(seeds
        .flat_map(|(bin, _)| bin.iter().map(|b| T::from_f64(b * bin_size)))
        .collect())
}

/// The bin of each number, `[rows, d]`.
struct Bins<'a, T> {
    rows: Rows<'a, T>,
    bin_size: f64,
    out: &'a mut [f64],
}

impl<T: Float> Task for Bins<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let d = self.rows.columns();
        for (bins, row) in self.out.chunks_exact_mut(d).zip(self.rows.iter()) {
            for (b, x) in bins.iter_mut().zip(row) {
                *b = x.to_f64();
            }
        }
        for b in self.out {
            // Adding 0 makes the two zeros one.
            *b = (*b / self.bin_size).round_ties_even() + 0.0;
        }
    }
}

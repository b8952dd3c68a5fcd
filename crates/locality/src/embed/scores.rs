//! How well an embedding keeps neighbourhoods.

use super::near;
use crate::{Error, Result, Rows, Watch, par};

/// Rows whose ranks are one piece of work.
const BLOCK: usize = 16;

/// How far the neighbours in the embedding `[n, c]` can be trusted to be neighbours among the samples `[n, d]`: 1 where all `k` nearest
/// are, less for each intruder, by its rank.
///
/// Source: J. Venna, S. Kaski, *Neighborhood preservation in nonlinear projection methods*, ICANN (2001).
///
/// ```
/// use locality::{Rows, Watch, embed::trustworthiness};
/// let x = [0.0, 1.0, 2.1, 3.3, 4.6, 6.0];
/// let score = trustworthiness(Rows::column(&x), Rows::column(&x), 2, &Watch::default())?;
/// assert_eq!(score, 1.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// Different numbers of rows, `k` of 0 or at least half the rows, numbers that are not finite, an interruption.
pub fn trustworthiness(
    samples: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let n = samples.rows();
    samples.require_finite("X")?;
    embedding.require_finite("X_embedded")?;
    if embedding.rows() != n {
        return Err(Error::shape(format!(
            "X has {n} rows, but X_embedded has {}; give the same rows in the same order",
            embedding.rows()
        )));
    }
    if k == 0 || 2 * k >= n {
        return Err(Error::parameter(format!(
            "n_neighbors={k} must be at least 1 and less than n_samples / 2 = {}",
            n as f64 / 2.0
        )));
    }
    let (_, found) = near::others(embedding, k, &watch.quiet())?;
    let sums = par::map_blocks(watch, n, BLOCK, |range| {
        let mut far = vec![0.0; n];
        let one = |i: usize| {
            for (to, row) in far.iter_mut().zip(samples.iter()) {
                let pairs = row.iter().zip(samples.row(i));
                *to = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            }
            found[i * k..][..k]
                .iter()
                .map(|&j| intrusion(&far, i, j, k))
                .sum::<u64>()
        };
        Ok(range.map(one).sum::<u64>())
    })?;
    let (n, k) = (n as f64, k as f64);
    let sum = sums.iter().sum::<u64>() as f64;
    Ok(1.0 - sum * (2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))))
}

/// By how much the rank of `j` among the others, by these distances from `i`, is beyond `k`; ties go to the lower index.
fn intrusion(far: &[f64], i: usize, j: usize, k: usize) -> u64 {
    let nearer = far
        .iter()
        .enumerate()
        .filter(|&(l, d)| l != i && l != j && (*d < far[j] || *d == far[j] && l < j));
    (nearer.count() as u64 + 1).saturating_sub(k as u64)
}

/// How well neighbours among the samples are still neighbours in the embedding: [`trustworthiness`] with the two changed about.
///
/// # Errors
/// As [`trustworthiness`].
pub fn continuity(
    samples: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    samples.require_finite("X")?;
    embedding.require_finite("X_embedded")?;
    trustworthiness(embedding, samples, k, watch)
}

//! Each sample's neighbours among the others.

use crate::named::Named;
use crate::{Metric, Nearest, Result, Rows, Watch};

/// The `k` nearest others of each sample, `[n, k]`, nearest first, ties in index order; and the search they came from.
pub(super) fn others(
    samples: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<(Nearest<f64>, Vec<usize>)> {
    let search = Nearest::fit(samples, &Metric::Euclidean).named("X")?;
    let found = others_by(&search, samples, k, watch)?;
    Ok((search, found))
}

/// The same by a search among these samples.
pub(super) fn others_by(
    search: &Nearest<f64>,
    samples: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<Vec<usize>> {
    let found = search.k_nearest(samples, k + 1, watch).named("X")?;
    let mut out = Vec::with_capacity(samples.rows() * k);
    for (i, near) in found.indices.chunks_exact(k + 1).enumerate() {
        // A sample with many duplicates may not be among its own nearest.
        out.extend(near.iter().copied().filter(|j| *j != i).take(k));
    }
    Ok(out)
}

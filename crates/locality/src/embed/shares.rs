//! How much each neighbour may take part in a mixture.

use crate::{Error, Kernel, LocalMean, Result, Rows, Watch};

/// How much each of the `k` neighbours of queries may take part in the mixture that places them, `[m, k]`: its kernel value over the
/// largest of the neighbourhood, and 0 beyond the piece of the graph that the one of the largest value is in. Where no neighbour has any,
/// the nearest alone takes part. Neighbours `[m, k]` are the nearest first.
///
/// # Errors
/// Neighbours that are not as many for each query, or no samples; a kernel that does not fit the samples; an interruption.
pub fn mixture_shares(
    kernel: Option<&Kernel>,
    samples: Rows<'_, f64>,
    pieces: &[usize],
    queries: Rows<'_, f64>,
    neighbors: &[usize],
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let (m, n) = (queries.rows(), samples.rows());
    let k = neighbors.len().checked_div(m).unwrap_or(0);
    if k * m != neighbors.len() || pieces.len() != n || neighbors.iter().any(|j| *j >= n) {
        return Err(Error::shape(format!(
            "there are {} neighbours of {m} queries and pieces of {} samples, but {n} samples; give as many neighbours for each query, all \
             of them samples, and one piece for each sample",
            neighbors.len(),
            pieces.len()
        )));
    }
    if k == 0 {
        return Ok(Vec::new());
    }
    let mut shares = match kernel {
        Some(kernel) => kernel_shares(kernel, k, samples, queries, neighbors, watch)?,
        None => vec![1.0; neighbors.len()],
    };
    for (own, near) in shares.chunks_exact_mut(k).zip(neighbors.chunks_exact(k)) {
        let largest = own.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            own[0] = 1.0;
            continue;
        }
        let first = own.iter().position(|w| *w >= largest).unwrap_or(0);
        for (w, &j) in own.iter_mut().zip(near) {
            if pieces[j] != pieces[near[first]] {
                *w = 0.0;
            }
        }
    }
    Ok(shares)
}

/// Kernel values of the neighbours of queries, `[m, k]`, which are among their `region` nearest samples, over the largest of each
/// neighbourhood; zeros where all are 0.
pub(super) fn kernel_shares(
    kernel: &Kernel,
    region: usize,
    samples: Rows<'_, f64>,
    queries: Rows<'_, f64>,
    neighbors: &[usize],
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    let k = neighbors.len() / queries.rows().max(1);
    let none = Rows::new(&[], samples.rows(), 0)?;
    let nearest = format!("nearest(k={region})").parse()?;
    let fit = LocalMean::new(kernel.clone())
        .neighborhood(nearest)
        .fit_watched(samples, none, None, watch)?;
    let order = fit.order();
    let rows = fit.local_samples(queries, watch, |i, sample| {
        let near = &neighbors[i * k..][..k];
        let mut row = vec![0.0; k];
        for (slots, weights) in sample.iter() {
            for (slot, w) in slots.zip(weights) {
                let key = order.get(slot).map(|key| *key as usize);
                if let Some(at) = key.and_then(|key| near.iter().position(|j| *j == key)) {
                    row[at] = *w;
                }
            }
        }
        let largest = row.iter().fold(0.0, |a: f64, w| a.max(*w));
        if largest > 0.0 {
            for w in &mut row {
                *w /= largest;
            }
        }
        Ok(row)
    })?;
    Ok(rows.concat())
}

//! Reconstruction weights: how neighbours are mixed to give a sample.

use super::parameters::not_negative;
use crate::linear::cholesky_solve;
use crate::{Error, Result, Rows, Watch, par};

/// Samples whose weights are one piece of work.
const BLOCK: usize = 64;

/// The weights that reconstruct each query from its neighbours, `[m, k]`: the minimum of `|x - sum_j w_j x_j|^2 + r sum_j w_j^2 / c_j` among
/// weights that sum to one, `r` being `reg` times the sum of the squared distances, and `c_j` the neighbour's own weight (1 unless given).
///
/// They do not change when all samples are rotated, moved or scaled. Source: L. Saul, S. Roweis, *Think globally, fit locally*, JMLR 4
/// (2003), section 3.
///
/// ```
/// use locality::{Rows, Watch, embed::reconstruction_weights};
/// let samples = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
/// let w = reconstruction_weights(
///     Rows::new(&[0.2, 0.3], 1, 2)?, Rows::new(&samples, 3, 2)?, &[0, 1, 2], None, 1e-9, &Watch::default(),
/// )?;
/// assert!((w[0] - 0.5).abs() < 1e-6 && (w[1] - 0.2).abs() < 1e-6 && (w[2] - 0.3).abs() < 1e-6);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// Numbers that are not finite, columns that differ, indices that are no samples', a `reg` that is negative.
pub fn reconstruction_weights(
    queries: Rows<'_, f64>,
    samples: Rows<'_, f64>,
    neighbors: &[usize],
    own: Option<&[f64]>,
    reg: f64,
    watch: &Watch<'_>,
) -> Result<Vec<f64>> {
    not_negative("reg", reg)?;
    let (m, n) = (queries.rows(), samples.rows());
    if m == 0 {
        return Ok(Vec::new());
    }
    queries.require_finite("queries")?;
    samples.require_finite("samples")?;
    let k = neighbors.len() / m;
    if queries.columns() != samples.columns() || k * m != neighbors.len() {
        return Err(Error::shape(format!(
            "queries has {m} rows of {} columns, samples has {} columns and neighbors has {} indices; give the same columns, and as many \
             indices for each query",
            queries.columns(),
            samples.columns(),
            neighbors.len()
        )));
    }
    if let Some(index) = neighbors.iter().find(|i| **i >= n) {
        return Err(Error::parameter(format!(
            "neighbors names sample {index}, but there are only {n}, counted from 0"
        )));
    }
    if own.is_some_and(|own| own.len() != neighbors.len()) {
        return Err(Error::shape(
            "there must be one weight for each neighbour; give as many as neighbors has indices",
        ));
    }
    if own.is_some_and(|own| !own.iter().all(|c| c.is_finite() && *c >= 0.0)) {
        return Err(Error::parameter(
            "a neighbour's weight is negative or not finite; give finite weights of at least 0",
        ));
    }
    let blocks = par::map_blocks(&watch.quiet(), m, BLOCK, |range| {
        let mut out = Vec::with_capacity(range.len() * k);
        let mut work = Reconstruction::new(k, samples.columns());
        for i in range {
            let own = own.map(|own| &own[i * k..][..k]);
            let near = &neighbors[i * k..][..k];
            out.extend_from_slice(work.weights(queries.row(i), samples, near, own, reg));
        }
        Ok(out)
    })?;
    Ok(blocks.concat())
}

/// Room for one local system.
pub(super) struct Reconstruction {
    offsets: Vec<f64>,
    gram: Vec<f64>,
    weights: Vec<f64>,
}

impl Reconstruction {
    pub(super) fn new(k: usize, d: usize) -> Self {
        Self {
            offsets: vec![0.0; k * d],
            gram: vec![0.0; k * k],
            weights: vec![0.0; k],
        }
    }

    /// Weights of the neighbours of `x`, `[k]`.
    pub(super) fn weights(
        &mut self,
        x: &[f64],
        samples: Rows<'_, f64>,
        near: &[usize],
        own: Option<&[f64]>,
        reg: f64,
    ) -> &[f64] {
        let (k, d) = (near.len(), x.len());
        for (to, &j) in self.offsets.chunks_exact_mut(d).zip(near) {
            for (to, (a, b)) in to.iter_mut().zip(samples.row(j).iter().zip(x)) {
                *to = a - b;
            }
        }
        let mut trace = 0.0;
        for i in 0..k {
            let a = &self.offsets[i * d..][..d];
            for j in 0..=i {
                let b = &self.offsets[j * d..][..d];
                self.gram[i * k + j] = a.iter().zip(b).map(|(x, y)| x * y).sum();
            }
            trace += self.gram[i * k + i];
        }
        let ridge = if trace > 0.0 {
            reg * trace
        } else {
            reg.max(1e-300)
        };
        // With c_j the penalty's inverse weights, w = C^1/2 v and the system keeps its scale however small a c_j is.
        for i in 0..k {
            let a = own.map_or(1.0, |own| own[i].sqrt());
            for j in 0..=i {
                let b = own.map_or(1.0, |own| own[j].sqrt());
                self.gram[i * k + j] *= a * b;
            }
            self.gram[i * k + i] += ridge;
            self.weights[i] = a;
        }
        let solved = cholesky_solve(&mut self.gram, &mut self.weights);
        if let Some(own) = own {
            let pairs = self.weights.iter_mut().zip(own);
            pairs.for_each(|(w, c)| *w *= c.sqrt());
        }
        let sum: f64 = self.weights.iter().sum();
        if solved && sum.is_finite() && sum != 0.0 {
            self.weights.iter_mut().for_each(|w| *w /= sum);
        } else {
            // Nothing tells the neighbours apart.
            let all: f64 = own.map_or(k as f64, |own| own.iter().sum());
            for (j, w) in self.weights.iter_mut().enumerate() {
                *w = if all > 0.0 {
                    own.map_or(1.0, |own| own[j]) / all
                } else {
                    1.0 / k as f64
                };
            }
        }
        &self.weights
    }
}

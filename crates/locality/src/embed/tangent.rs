//! What neighbourhoods ask for under the modified, Hessian and tangent-space methods.

use super::parameters::LocallyLinearEmbedding;
use super::patches::Patch;
use crate::linear::{Singular, orthonormal};
use crate::{Result, Rows, Watch, par};

/// Neighbourhoods that are one piece of work.
const BLOCK: usize = 64;
/// The ridge of the modified method's weights, over the sum of the eigenvalues, as in the paper.
const RIDGE: f64 = 1e-3;
/// Squares of singular values below this share of the largest are none.
const FLAT: f64 = 1e-20;

/// The offsets of the neighbours from a place, row after row.
fn offsets(samples: Rows<'_, f64>, near: &[usize], from: &[f64], out: &mut [f64]) {
    let d = from.len();
    for (to, &j) in out.chunks_exact_mut(d).zip(near) {
        for (to, (a, b)) in to.iter_mut().zip(samples.row(j).iter().zip(from)) {
            *to = a - b;
        }
    }
}

fn mean(samples: Rows<'_, f64>, near: &[usize], out: &mut [f64]) {
    // From the first neighbour on, so that far-off places lose no digits.
    let first = samples.row(near[0]);
    out.fill(0.0);
    for &j in near {
        for (m, (x, f)) in out.iter_mut().zip(samples.row(j).iter().zip(first)) {
            *m += (x - f) / near.len() as f64;
        }
    }
    out.iter_mut().zip(first).for_each(|(m, f)| *m += f);
}

fn numbers(near: &[usize]) -> Vec<u32> {
    near.iter().map(|&j| j as u32).collect()
}

/// Projections onto what the tangent coordinates leave of the neighbours' (Zhang and Zha 2004).
pub(super) fn ltsa(
    model: &LocallyLinearEmbedding,
    samples: Rows<'_, f64>,
    neighbors: &[usize],
    watch: &Watch<'_>,
) -> Result<Vec<Patch>> {
    let components = model.components;
    centred(samples, neighbors, model.neighbors, watch, |near, svd| {
        let k = near.len();
        let mut factor = vec![(k as f64).sqrt().recip(); k];
        for r in 0..components {
            // Directions in which the neighbours do not differ are arbitrary, and not even orthogonal to the constant.
            if svd
                .squares
                .get(r)
                .is_some_and(|s| *s > FLAT * svd.squares[0])
            {
                factor.extend(svd.vector(r));
            } else {
                factor.resize(factor.len() + k, 0.0);
            }
        }
        Patch {
            indices: numbers(near),
            identity: k,
            factor,
            signs: vec![-1.0; components + 1],
        }
    })
}

/// Sums of squares of the local Hessians (Donoho and Grimes 2003).
pub(super) fn hessian(
    model: &LocallyLinearEmbedding,
    samples: Rows<'_, f64>,
    neighbors: &[usize],
    watch: &Watch<'_>,
) -> Result<Vec<Patch>> {
    let (c, tolerance) = (model.components, model.hessian_tol);
    let products = c * (c + 1) / 2;
    centred(samples, neighbors, model.neighbors, watch, |near, svd| {
        let k = near.len();
        let mut columns = vec![1.0; k];
        (0..c).for_each(|r| columns.extend(svd.vector(r)));
        for i in 0..c {
            for j in i..c {
                columns.extend(svd.vector(i).zip(svd.vector(j)).map(|(a, b)| a * b));
            }
        }
        orthonormal(&mut columns, k);
        let mut factor = columns.split_off((1 + c) * k);
        for column in factor.chunks_exact_mut(k) {
            let sum: f64 = column.iter().sum();
            if sum.abs() >= tolerance {
                for x in column.iter_mut() {
                    *x /= sum;
                }
            }
        }
        Patch {
            indices: numbers(near),
            identity: 0,
            factor,
            signs: vec![1.0; products],
        }
    })
}

/// A patch for each neighbourhood, from the singular vectors of its offsets from its mean.
fn centred(
    samples: Rows<'_, f64>,
    neighbors: &[usize],
    k: usize,
    watch: &Watch<'_>,
    patch: impl Fn(&[usize], &Singular) -> Patch + Sync,
) -> Result<Vec<Patch>> {
    let d = samples.columns();
    let blocks = par::map_blocks(&watch.quiet(), samples.rows(), BLOCK, |range| {
        let (mut svd, mut room) = (Singular::new(k, d), vec![0.0; k * d]);
        let mut center = vec![0.0; d];
        let one = |i: usize| {
            let near = &neighbors[i * k..][..k];
            mean(samples, near, &mut center);
            offsets(samples, near, &center, &mut room);
            svd.decompose(&room)?;
            Ok(patch(near, &svd))
        };
        range.map(one).collect::<Result<Vec<_>>>()
    })?;
    Ok(blocks.into_iter().flatten().collect())
}

/// What a neighbourhood's offsets from its sample say.
struct Spectrum {
    /// Left singular vectors, `[min(k, d), k]`, of falling singular values.
    vectors: Vec<f64>,
    squares: Vec<f64>,
    /// Weights that reconstruct the sample, with a ridge.
    weights: Vec<f64>,
}

/// Several weight vectors for each sample (Zhang and Wang 2007).
///
/// The paper's `V - 2 V h h^T + (1 - alpha) w 1^T` enters the form only through its product with itself, which is
/// `P - u u^T + g g^T`: `P` projects onto the directions of small singular values, `u` is the unit vector of `P 1`, and
/// `g = u + (1 - alpha) sqrt(s) w`. So no basis of the null space is needed.
pub(super) fn modified(
    model: &LocallyLinearEmbedding,
    samples: Rows<'_, f64>,
    neighbors: &[usize],
    watch: &Watch<'_>,
) -> Result<Vec<Patch>> {
    let (k, d, c) = (model.neighbors, samples.columns(), model.components);
    let few = k.min(d);
    let spectra = par::map_blocks(&watch.quiet(), samples.rows(), BLOCK, |range| {
        let (mut svd, mut room) = (Singular::new(k, d), vec![0.0; k * d]);
        let one = |i: usize| {
            offsets(samples, &neighbors[i * k..][..k], samples.row(i), &mut room);
            svd.decompose(&room)?;
            Ok(spectrum(&svd, k))
        };
        range.map(one).collect::<Result<Vec<_>>>()
    })?;
    let spectra: Vec<Spectrum> = spectra.into_iter().flatten().collect();
    let ratio = |s: &Spectrum| {
        let (large, small) = s.squares.split_at(c.min(few));
        small.iter().sum::<f64>() / large.iter().sum::<f64>()
    };
    let eta = median(spectra.iter().map(ratio).filter(|r| !r.is_nan()).collect());
    let tolerance = model.modified_tol;
    let blocks = par::map_blocks(&watch.quiet(), samples.rows(), BLOCK, |range| {
        let one = |i: usize| {
            let spectrum = &spectra[i];
            let s = null_size(&spectrum.squares, eta) + k - few;
            spectrum.patch(i, &neighbors[i * k..][..k], s, tolerance)
        };
        Ok(range.map(one).collect::<Vec<_>>())
    })?;
    Ok(blocks.into_iter().flatten().collect())
}

fn spectrum(svd: &Singular, k: usize) -> Spectrum {
    let squares = svd.squares.clone();
    let total: f64 = squares.iter().sum();
    let ridge = if total > 0.0 { RIDGE * total } else { 1.0 };
    // (C + ridge I)^-1 1 from the singular vectors alone: what they leave of 1 is divided by the ridge.
    let mut weights = vec![1.0 / ridge; k];
    let mut vectors = Vec::with_capacity(k * squares.len());
    for (r, square) in squares.iter().enumerate() {
        let along: f64 = svd.vector(r).sum();
        let scale = along * ((square + ridge).recip() - ridge.recip());
        weights
            .iter_mut()
            .zip(svd.vector(r))
            .for_each(|(w, v)| *w += scale * v);
        vectors.extend(svd.vector(r));
    }
    let sum: f64 = weights.iter().sum();
    for w in &mut weights {
        *w /= sum;
    }
    Spectrum {
        vectors,
        squares,
        weights,
    }
}

/// How many of the smallest values sum to less than `eta` of the others' sum.
fn null_size(squares: &[f64], eta: f64) -> usize {
    let sums = squares.iter().scan(0.0, |sum, x| {
        *sum += x;
        Some(*sum)
    });
    let sums: Vec<f64> = sums.collect();
    let Some((total, before)) = sums.split_last() else {
        return 0;
    };
    before
        .iter()
        .filter(|kept| total / *kept - 1.0 < eta)
        .count()
}

fn median(mut x: Vec<f64>) -> f64 {
    let n = x.len();
    if n == 0 {
        return 0.0;
    }
    x.sort_unstable_by(f64::total_cmp);
    0.5 * (x[(n - 1) / 2] + x[n / 2])
}

impl Spectrum {
    fn patch(&self, i: usize, near: &[usize], s: usize, tolerance: f64) -> Patch {
        let k = near.len();
        let large = k - s;
        // The sample itself comes first, and takes part in the last sum only.
        let mut factor = Vec::with_capacity((large + 2) * (k + 1));
        let mut u = vec![1.0; k];
        for vector in self.vectors.chunks_exact(k).take(large) {
            let along: f64 = vector.iter().sum();
            u.iter_mut().zip(vector).for_each(|(u, v)| *u -= along * v);
            factor.push(0.0);
            factor.extend_from_slice(vector);
        }
        let length = u.iter().map(|x| x * x).sum::<f64>().sqrt();
        let root = (s as f64).sqrt();
        let alpha = if s > 0 { length / root } else { 0.0 };
        let scale = if alpha > tolerance {
            length.recip()
        } else {
            0.0
        };
        for x in &mut u {
            *x *= scale;
        }
        let mut signs = vec![-1.0; large];
        factor.push(0.0);
        factor.extend_from_slice(&u);
        signs.push(-1.0);
        factor.push(-root);
        let last = u.iter().zip(&self.weights);
        factor.extend(last.map(|(u, w)| u + (1.0 - alpha) * root * w));
        signs.push(1.0);
        let mut indices = vec![i as u32];
        indices.extend(numbers(near));
        Patch {
            indices,
            identity: k,
            factor,
            signs,
        }
    }
}

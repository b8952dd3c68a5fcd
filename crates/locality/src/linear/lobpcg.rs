//! The smallest eigenvalues of a large sparse matrix from products alone: LOBPCG (Knyazev 2001) with the diagonal as preconditioner, for
//! matrices whose factors do not fit into memory.

use super::krylov::{orthonormal, random};
use super::matrix::{Matrix, eigen, on_threads};
use super::sparse::{Bottom, Search, Sparse, without};
use crate::{Result, Watch};

/// Columns beyond those that are asked for.
const SPARE: usize = 8;
/// Most rounds.
const ROUNDS: usize = 1000;

/// The smallest eigenvalues but that of the known vector; nothing where they do not converge.
///
/// Residuals are relative to the largest number of the diagonal: there is no inverse to compare with.
pub(super) fn bottom(a: &Sparse, search: Search<'_>, watch: &Watch<'_>) -> Result<Option<Bottom>> {
    let (n, block) = (a.rows(), search.count + SPARE);
    if n < 8 * block {
        return Ok(None);
    }
    let diagonal = a.diagonal();
    let scale = diagonal.iter().fold(0.0, |m: f64, d| m.max(*d));
    let inner = watch.threads(1).quiet();
    let mut x = random(n, block);
    without(search.known, &mut x);
    x = orthonormal(&x);
    let mut previous: Option<Matrix> = None;
    for _ in 0..ROUNDS {
        watch.check()?;
        let ax = a.times(&x, watch)?;
        let values: Vec<f64> = (0..block).map(|j| dot(x.column(j), ax.column(j))).collect();
        let mut residual = ax;
        for (j, value) in values.iter().enumerate() {
            let column = residual.column_mut(j);
            let pairs = column.iter_mut().zip(x.column(j));
            pairs.for_each(|(r, v)| *r -= value * v);
        }
        let size = |j: usize| dot(residual.column(j), residual.column(j)).sqrt();
        let worst = (0..search.count).map(size).fold(0.0, f64::max);
        if worst <= search.tolerance * scale {
            let vectors = x.data()[..n * search.count].to_vec();
            return Ok(Some(Bottom {
                values: values[..search.count].iter().map(|v| v.max(0.0)).collect(),
                vectors: Matrix::new(vectors, n, search.count),
            }));
        }
        for j in 0..block {
            let column = residual.column_mut(j).iter_mut().zip(&diagonal);
            column.for_each(|(r, d)| *r /= d.max(1e-12 * scale));
        }
        without(search.known, &mut residual);
        let mut all = x.data().to_vec();
        all.extend_from_slice(residual.data());
        let mut width = 2 * block;
        if let Some(previous) = &previous {
            all.extend_from_slice(previous.data());
            width += block;
        }
        let mut basis = orthonormal(&Matrix::new(all, n, width));
        without(search.known, &mut basis);
        let image = a.times(&basis, watch)?;
        let (next, step) = on_threads(watch, |threads| {
            let mut small = basis.transposed_times_on(&image, threads);
            let diagonal = small.diagonal();
            small.mirror(&diagonal);
            let (_, turn) = eigen(&small, &inner)?;
            let turn = Matrix::new(turn.data()[..width * block].to_vec(), width, block);
            // The step without what lies along the current vectors, which are the first of the basis.
            let mut ahead = turn.clone();
            for j in 0..block {
                ahead.column_mut(j)[..block].fill(0.0);
            }
            Ok((basis.times(&turn, threads), basis.times(&ahead, threads)))
        })?;
        previous = Some(step);
        x = next;
    }
    Ok(None)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

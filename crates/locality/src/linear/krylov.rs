//! The largest eigenvalues of a large symmetric matrix: Rayleigh and Ritz on a block Krylov space.

use faer::linalg::solvers::Qr;

use super::matrix::{Matrix, eigen, on_threads};
use crate::random::Random;
use crate::{Result, Watch, par};

/// Below this size, all eigenvalues are computed.
const SMALL: usize = 400;
/// Residuals relative to the largest eigenvalue at which an eigenvector counts as found.
const TOLERANCE: f64 = 1e-12;

/// The `count` largest eigenvalues, falling, with their vectors.
///
/// Blocks of more than `count` vectors find eigenvalues that are equal to one another, too. The start is always the same.
pub(crate) fn largest(a: &Matrix, count: usize, watch: &Watch<'_>) -> Result<(Vec<f64>, Matrix)> {
    let n = a.rows();
    if n > SMALL && 12 * (count + 4) < n {
        let found = on_threads(watch, |threads| {
            let start = random(n, count + 4);
            let times = |x: &Matrix| Ok(a.symmetric_times(x, threads));
            dominant(&start, count, n / 3, TOLERANCE, threads, watch, times)
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Ok(falling(eigen(a, watch)?, count))
}

/// Columns of random numbers, always the same.
pub(crate) fn random(rows: usize, columns: usize) -> Matrix {
    let mut random = Random::new(0, 3);
    let start = (0..rows * columns).map(|_| random.normal()).collect();
    Matrix::new(start, rows, columns)
}

/// The `count` largest eigenvalues, falling, of the symmetric operator `times`, with their vectors, from the Krylov space of the columns of
/// `start`. Nothing where it takes more than `most` vectors to bring all residuals below `tolerance` of the largest eigenvalue.
pub(crate) fn dominant(
    start: &Matrix,
    count: usize,
    most: usize,
    tolerance: f64,
    threads: faer::Par,
    watch: &Watch<'_>,
    times: impl Fn(&Matrix) -> Result<Matrix>,
) -> Result<Option<(Vec<f64>, Matrix)>> {
    let (n, block) = (start.rows(), start.columns());
    let mut last = orthonormal(start);
    let mut basis = last.clone();
    let mut image = times(&last)?;
    let inner = watch.threads(1).quiet();
    loop {
        watch.check()?;
        let size = basis.columns();
        let mut small = basis.transposed_times_on(&image, threads);
        let diagonal = small.diagonal();
        small.mirror(&diagonal);
        let (values, turn) = falling(eigen(&small, &inner)?, count);
        let vectors = basis.times(&turn, threads);
        let images = image.times(&turn, threads);
        let residual = |j: usize| {
            let each = images.column(j).iter().zip(vectors.column(j));
            each.map(|(i, v)| (i - values[j] * v).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let worst = (0..count).map(residual).fold(0.0, f64::max);
        if worst <= tolerance * values[0].abs() {
            return Ok(Some((values, vectors)));
        }
        if size + block > most {
            return Ok(None);
        }
        let mut next = Matrix::new(image.data()[(size - block) * n..].to_vec(), n, block);
        for _ in 0..2 {
            let along = basis.transposed_times_on(&next, threads);
            let taken = basis.times(&along, threads);
            let to = next.data_mut().iter_mut().zip(taken.data());
            to.for_each(|(x, t)| *x -= t);
            next = orthonormal(&next);
        }
        last = next;
        basis = joined(basis, &last);
        image = joined(image, &times(&last)?);
    }
}

fn joined(a: Matrix, b: &Matrix) -> Matrix {
    let (rows, columns) = (a.rows(), a.columns() + b.columns());
    let mut data = a.into_data();
    data.extend_from_slice(b.data());
    Matrix::new(data, rows, columns)
}

/// An orthonormal basis of the columns.
pub(super) fn orthonormal(a: &Matrix) -> Matrix {
    // On one thread: with more, the last bits would depend on how many.
    let q = par::install(1, || Qr::new(a.view()).compute_thin_Q());
    let (rows, columns) = (a.rows(), a.columns());
    let data = (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j)));
    Matrix::new(data.map(|(i, j)| q[(i, j)]).collect(), rows, columns)
}

/// The largest eigenvalues, falling, with their vectors.
pub(crate) fn falling((values, u): (Vec<f64>, Matrix), count: usize) -> (Vec<f64>, Matrix) {
    let n = values.len();
    let data = (0..count)
        .flat_map(|j| u.column(n - 1 - j).to_vec())
        .collect();
    let values = values.iter().rev().take(count).copied().collect();
    (values, Matrix::new(data, u.rows(), count))
}

/// Turns a vector so that its largest entry is positive.
pub(crate) fn point(u: &mut [f64]) {
    let top = u.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
    // The first of those that are equally large to rounding.
    let first = u.iter().find(|x| x.abs() > top * (1.0 - 1e-9));
    if first.is_some_and(|x| *x < 0.0) {
        for x in u.iter_mut() {
            *x = -*x;
        }
    }
}

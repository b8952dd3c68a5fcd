//! Eigenvectors of small symmetric matrices, where there is no feature `dense`.

/// Eigenvalues, largest first, and eigenvectors, one a row, of a symmetric matrix `[q, q]`, by Jacobi's cyclic rotations (Golub and Van Loan,
/// *Matrix Computations*, section 8.5).
pub(crate) fn eigen(mut a: Vec<f64>, q: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v = vec![0.0; q * q];
    for i in 0..q {
        v[i * q + i] = 1.0;
    }
    let size: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..40 {
        let off: f64 = (0..q)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * q + j].powi(2))
            .sum();
        if off <= 1e-34 * size {
            break;
        }
        for i in 0..q {
            for j in i + 1..q {
                rotate(&mut a, &mut v, q, (i, j));
            }
        }
    }
    let mut order: Vec<usize> = (0..q).collect();
    order.sort_by(|&i, &j| a[j * q + j].total_cmp(&a[i * q + i]));
    let values = order.iter().map(|&i| a[i * q + i]).collect();
    let vectors = order.iter().flat_map(|&i| v[i * q..][..q].to_vec());
    (values, vectors.collect())
}

/// Makes the entry of a pair zero.
fn rotate(a: &mut [f64], v: &mut [f64], q: usize, (i, j): (usize, usize)) {
    let entry = a[i * q + j];
    if entry == 0.0 {
        return;
    }
    let theta = (a[j * q + j] - a[i * q + i]) / (2.0 * entry);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for k in 0..q {
        let (x, y) = (a[k * q + i], a[k * q + j]);
        a[k * q + i] = c * x - s * y;
        a[k * q + j] = s * x + c * y;
    }
    for k in 0..q {
        let (x, y) = (a[i * q + k], a[j * q + k]);
        a[i * q + k] = c * x - s * y;
        a[j * q + k] = s * x + c * y;
        let (x, y) = (v[i * q + k], v[j * q + k]);
        v[i * q + k] = c * x - s * y;
        v[j * q + k] = s * x + c * y;
    }
}

/// An inner product, several sums at a time, for vectors.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x, y) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = x.remainder().iter().zip(y.remainder());
    let rest: f64 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in x.zip(y) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::eigen;

    #[test]
    fn vectors_are_those_of_the_matrix() {
        for q in [1, 2, 5, 11] {
            let x = locality_testing::normal(q as u64, q, q);
            let a: Vec<f64> = (0..q * q).map(|e| x[e] + x[(e % q) * q + e / q]).collect();
            let (values, vectors) = eigen(a.clone(), q);
            assert!(values.is_sorted_by(|x, y| x >= y));
            for (l, u) in values.iter().zip(vectors.chunks_exact(q)) {
                assert!((u.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-13);
                for i in 0..q {
                    let image: f64 = (0..q).map(|j| a[i * q + j] * u[j]).sum();
                    assert!((image - l * u[i]).abs() < 1e-13 * q as f64);
                }
            }
        }
    }
}

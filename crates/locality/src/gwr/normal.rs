//! Small normal equations.

/// A pivot of the matrix of unit diagonal below this is rounding: the column is a combination of those before it.
const ROUNDING: f64 = 1e-12;

/// The place of an entry in a packed lower triangle.
pub(super) fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// `sum a x x^T` (packed lower triangle) and `sum r x` over some rows.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    pub(super) q: usize,
    pub(super) pairs: Vec<f64>,
    pub(super) right: Vec<f64>,
}

impl Normal {
    pub(super) fn new(q: usize) -> Self {
        Self {
            q,
            pairs: vec![0.0; q * (q + 1) / 2],
            right: vec![0.0; q],
        }
    }

    /// Sums over the rows `index` of `x`, `[n, q]`, with a pair of weights for each.
    pub(super) fn sum(&mut self, x: &[f64], index: &[u32], weights: &[(f64, f64)]) {
        self.pairs.fill(0.0);
        self.right.fill(0.0);
        match self.q {
            1 => self.sum_of::<1>(x, index, weights),
            2 => self.sum_of::<2>(x, index, weights),
            3 => self.sum_of::<3>(x, index, weights),
            4 => self.sum_of::<4>(x, index, weights),
            5 => self.sum_of::<5>(x, index, weights),
            6 => self.sum_of::<6>(x, index, weights),
            7 => self.sum_of::<7>(x, index, weights),
            8 => self.sum_of::<8>(x, index, weights),
            _ => self.sum_any(x, index, weights),
        }
    }

    /// The same with a number of columns that the compiler knows.
    fn sum_of<const Q: usize>(&mut self, x: &[f64], index: &[u32], weights: &[(f64, f64)]) {
        let (rows, _) = x.as_chunks::<Q>();
        let mut pairs = [[0.0; Q]; Q];
        let mut right = [0.0; Q];
        for (&i, &(a, r)) in index.iter().zip(weights) {
            let row = &rows[i as usize];
            for (j, xj) in row.iter().enumerate() {
                let ax = a * xj;
                for (sum, xk) in pairs[j].iter_mut().zip(&row[..=j]) {
                    *sum += ax * xk;
                }
                right[j] += r * xj;
            }
        }
        for (j, sums) in pairs.iter().enumerate() {
            self.pairs[at(j, 0)..][..=j].copy_from_slice(&sums[..=j]);
        }
        self.right.copy_from_slice(&right);
    }

    fn sum_any(&mut self, x: &[f64], index: &[u32], weights: &[(f64, f64)]) {
        let q = self.q;
        for (&i, &(a, r)) in index.iter().zip(weights) {
            let row = &x[i as usize * q..][..q];
            for (j, xj) in row.iter().enumerate() {
                let ax = a * xj;
                for (sum, xk) in self.pairs[at(j, 0)..].iter_mut().zip(&row[..=j]) {
                    *sum += ax * xk;
                }
                self.right[j] += r * xj;
            }
        }
    }

    /// `v^T M v` of the packed matrix.
    pub(super) fn form(&self, v: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..self.q {
            for j in 0..i {
                sum += 2.0 * v[i] * v[j] * self.pairs[at(i, j)];
            }
            sum += v[i] * v[i] * self.pairs[at(i, i)];
        }
        sum
    }
}

/// `L D L^T` of a matrix, in which a column that is a combination of the ones before it has no part.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    q: usize,
    /// `L` below the diagonal, pivots on it; 0 where a column is left out.
    l: Vec<f64>,
    /// One over the root of the diagonal.
    unit: Vec<f64>,
}

impl Factor {
    pub(super) fn new(m: &Normal) -> Self {
        let q = m.q;
        let root = |i: usize| m.pairs[at(i, i)].sqrt();
        let unit: Vec<f64> = (0..q)
            .map(|i| if root(i) > 0.0 { root(i).recip() } else { 0.0 })
            .collect();
        let mut l = vec![0.0; m.pairs.len()];
        for i in 0..q {
            for j in 0..=i {
                let mut sum = m.pairs[at(i, j)] * unit[i] * unit[j];
                for k in 0..j {
                    sum -= l[at(i, k)] * l[at(j, k)] * l[at(k, k)];
                }
                l[at(i, j)] = if i == j {
                    if sum > ROUNDING { sum } else { 0.0 }
                } else if l[at(j, j)] > 0.0 {
                    sum / l[at(j, j)]
                } else {
                    0.0
                };
            }
        }
        Self { q, l, unit }
    }

    /// Whether a column has a part.
    pub(super) fn has(&self, column: usize) -> bool {
        self.l[at(column, column)] > 0.0
    }

    /// Whether all have.
    pub(super) fn whole(&self) -> bool {
        (0..self.q).all(|i| self.has(i))
    }

    /// `M^-1 b`, with 0 for columns without a part.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (q, l) = (self.q, &self.l);
        let mut v: Vec<f64> = b.iter().zip(&self.unit).map(|(b, u)| b * u).collect();
        for i in 0..q {
            if !self.has(i) {
                v[i] = 0.0;
                continue;
            }
            for j in 0..i {
                v[i] -= l[at(i, j)] * v[j];
            }
        }
        for i in (0..q).rev() {
            if !self.has(i) {
                continue;
            }
            v[i] /= l[at(i, i)];
            for j in i + 1..q {
                v[i] -= l[at(j, i)] * v[j];
            }
        }
        v.iter_mut().zip(&self.unit).for_each(|(v, u)| *v *= u);
        v
    }
}

#[cfg(test)]
mod tests {
    use super::{Factor, Normal};

    #[test]
    fn a_system_is_solved_and_a_repeated_column_left_out() {
        for q in [3, 9] {
            let n = 20;
            let cell = |i: usize, j: usize| ((i * 7 + j * j * 3 + i * j) as f64 * 0.37).sin();
            let mut x: Vec<f64> = (0..n)
                .flat_map(|i| (0..q).map(move |j| cell(i, j)))
                .collect();
            let index: Vec<u32> = (0..n as u32).collect();
            let truth: Vec<f64> = (0..q).map(|j| j as f64 - 1.5).collect();
            let weights = |x: &[f64]| -> Vec<(f64, f64)> {
                let y = |i: usize| (0..q).map(|j| x[i * q + j] * truth[j]).sum::<f64>();
                (0..n)
                    .map(|i| (0.5 + i as f64, (0.5 + i as f64) * y(i)))
                    .collect()
            };
            let mut m = Normal::new(q);
            m.sum(&x, &index, &weights(&x));
            let found = Factor::new(&m).solve(&m.right);
            for (a, b) in found.iter().zip(&truth) {
                assert!((a - b).abs() < 1e-9, "{found:?}");
            }
            for i in 0..n {
                x[i * q + 2] = 2.0 * x[i * q + 1];
            }
            m.sum(&x, &index, &weights(&x));
            let factor = Factor::new(&m);
            assert!(!factor.has(2) && factor.has(1) && !factor.whole());
            let found = factor.solve(&m.right);
            assert!((found[1] - (truth[1] + 2.0 * truth[2])).abs() < 1e-8 && found[2] == 0.0);
        }
    }
}

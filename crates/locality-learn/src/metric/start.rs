//! Where the search for a metric begins: maps whose rows are columns, principal directions, or the directions that tell most.

use crate::random::Stream;

/// Rounds after which directions are good enough to begin from.
const ROUNDS: usize = 50;
/// What is added to the columns' unit variances, so that more columns than samples can be solved for.
const RIDGE: f64 = 1e-3;
/// No direction is taken to leave less than this share of its variance within classes.
const WITHIN: f64 = 1e-3;
/// Of what tells nothing by a straight line, rows that are needed beyond those that do begin this small.
const BESIDE: f64 = 0.3;
/// More columns than these begin as they are: solving for directions would take longer than the search.
const MOST: usize = 1024;

/// Standardised columns `[n, d]` and what is to be told `[n, p]`, as moments.
pub(super) struct Moments {
    d: usize,
    p: usize,
    /// Covariances of the columns, `[d, d]`, but where there are too many.
    columns: Option<Vec<f64>>,
    /// Covariances of columns with values, `[d, p]`, so scaled that their squares are shares of variance.
    across: Vec<f64>,
}

impl Moments {
    /// Of values that say classes by ones, or of responses.
    pub(super) fn new(x: &[f64], d: usize, values: &[f64], p: usize, classes: bool) -> Self {
        let n = (x.len() / d) as f64;
        let mean = |c: usize| values.iter().skip(c).step_by(p).sum::<f64>() / n;
        let means: Vec<f64> = (0..p).map(mean).collect();
        let scale = |c: usize| {
            let column = values.iter().skip(c).step_by(p);
            let square = if classes {
                means[c]
            } else {
                p as f64 * column.map(|y| (y - means[c]).powi(2)).sum::<f64>() / n
            };
            if square > 0.0 {
                1.0 / square.sqrt()
            } else {
                0.0
            }
        };
        let scales: Vec<f64> = (0..p).map(scale).collect();
        let mut across = vec![0.0; d * p];
        for (x, y) in x.chunks_exact(d).zip(values.chunks_exact(p)) {
            for (row, x) in across.chunks_exact_mut(p).zip(x) {
                for (((a, y), mean), scale) in row.iter_mut().zip(y).zip(&means).zip(&scales) {
                    *a += x * (y - mean) * scale / n;
                }
            }
        }
        let columns = (d <= MOST).then(|| {
            let mut all = vec![0.0; d * d];
            for x in x.chunks_exact(d) {
                for (row, a) in all.chunks_exact_mut(d).zip(x) {
                    row.iter_mut().zip(x).for_each(|(s, b)| *s += a * b / n);
                }
            }
            all
        });
        Self {
            d,
            p,
            columns,
            across,
        }
    }

    /// Maps of so many rows, of which each has a variance of about one.
    pub(super) fn maps(&self, rank: usize) -> Vec<Vec<f64>> {
        let mut maps = vec![self.most_telling_columns(rank)];
        if rank < self.d
            && let Some(columns) = &self.columns
        {
            let principal = self.principal(columns, rank);
            maps.extend(self.discriminant(columns, &principal, rank));
            maps.push(principal);
        }
        maps
    }

    /// The columns that vary together most with what is to be told.
    fn most_telling_columns(&self, rank: usize) -> Vec<f64> {
        let told = |row: &[f64]| row.iter().map(|a| a * a).sum::<f64>();
        let told: Vec<f64> = self.across.chunks_exact(self.p).map(told).collect();
        let mut order: Vec<usize> = (0..self.d).collect();
        order.sort_by(|&a, &b| told[b].total_cmp(&told[a]).then(a.cmp(&b)));
        let mut map = vec![0.0; rank * self.d];
        for (row, j) in map.chunks_exact_mut(self.d).zip(order) {
            row[j] = 1.0;
        }
        map
    }

    /// The principal directions, as far apart in variance as they are.
    fn principal(&self, columns: &[f64], rank: usize) -> Vec<f64> {
        let (mut map, variances) = leading(columns, self.d, rank);
        let mean = variances.iter().sum::<f64>() / rank as f64;
        let scale = if mean > 0.0 { 1.0 / mean.sqrt() } else { 1.0 };
        for a in &mut map {
            *a *= scale;
        }
        map
    }

    /// The directions along which values differ most for their variance (Fisher's discriminants; of one response, the straight line), in
    /// units of what values do not tell of them.
    fn discriminant(&self, columns: &[f64], principal: &[f64], rank: usize) -> Option<Vec<f64>> {
        let (d, p) = (self.d, self.p);
        let solved = solve(columns, d, &self.across, p)?;
        let mut between = vec![0.0; p * p];
        for (a, b) in self.across.chunks_exact(p).zip(solved.chunks_exact(p)) {
            for (row, a) in between.chunks_exact_mut(p).zip(a) {
                row.iter_mut().zip(b).for_each(|(s, b)| *s += a * b);
            }
        }
        let (mixtures, shares) = leading(&between, p, rank.min(p));
        let mut map: Vec<f64> = principal.iter().map(|a| BESIDE * a).collect();
        let rows = map.chunks_exact_mut(d);
        for ((row, mixture), share) in rows.zip(mixtures.chunks_exact(p)).zip(shares) {
            if share <= RIDGE {
                break;
            }
            let scale = 1.0 / (share * (1.0 - share).max(WITHIN)).sqrt();
            for (a, solved) in row.iter_mut().zip(solved.chunks_exact(p)) {
                *a = scale * dot(solved, mixture);
            }
        }
        Some(map)
    }
}

/// Unit eigenvectors `[count, size]` of the largest eigenvalues of a symmetric matrix without negative ones, and these, by orthogonal
/// iteration (Golub and Van Loan 2013, section 8.2.4).
fn leading(matrix: &[f64], size: usize, count: usize) -> (Vec<f64>, Vec<f64>) {
    let stream = Stream::new(0, 0);
    let mut vectors: Vec<f64> = (0..(count * size) as u64)
        .map(|i| stream.normal(i))
        .collect();
    orthonormal(&mut vectors, size);
    let apply = |v: &[f64]| -> Vec<f64> {
        let rows =
            |v: &[f64]| -> Vec<f64> { matrix.chunks_exact(size).map(|row| dot(row, v)).collect() };
        v.chunks_exact(size).flat_map(rows).collect()
    };
    for _ in 0..ROUNDS {
        vectors = apply(&vectors);
        orthonormal(&mut vectors, size);
    }
    let moved = apply(&vectors);
    let values = vectors.chunks_exact(size).zip(moved.chunks_exact(size));
    let values = values.map(|(v, m)| dot(v, m)).collect();
    (vectors, values)
}

/// Rows made orthogonal to those before, of length one, or of none where nothing is left of them.
fn orthonormal(rows: &mut [f64], size: usize) {
    for r in 0..rows.len() / size {
        let (before, row) = rows.split_at_mut(r * size);
        let row = &mut row[..size];
        let whole = dot(row, row).sqrt();
        // Once more, for what rounding left.
        for _ in 0..2 {
            for other in before.chunks_exact(size) {
                let share = dot(row, other);
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= share * b);
            }
        }
        let left = dot(row, row).sqrt();
        let scale = if left > 1e-10 * whole {
            1.0 / left
        } else {
            0.0
        };
        for a in &mut *row {
            *a *= scale;
        }
    }
}

/// Columns `b`, `[d, p]`, of which the matrix `[d, d]` with a ridge makes those given; `None` where rounding leaves no such.
fn solve(matrix: &[f64], d: usize, given: &[f64], p: usize) -> Option<Vec<f64>> {
    let mut lower = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let (a, b) = (&lower[i * d..][..j], &lower[j * d..][..j]);
            let rest = matrix[i * d + j] - dot(a, b);
            lower[i * d + j] = if i > j {
                rest / lower[j * d + j]
            } else if rest + RIDGE > 0.0 {
                (rest + RIDGE).sqrt()
            } else {
                return None;
            };
        }
    }
    let mut b = given.to_vec();
    let take = |b: &mut [f64], i: usize, j: usize, share: f64| {
        for c in 0..p {
            b[i * p + c] -= share * b[j * p + c];
        }
    };
    let divide = |b: &mut [f64], i: usize| {
        let row = b[i * p..][..p].iter_mut();
        row.for_each(|b| *b /= lower[i * d + i]);
    };
    for i in 0..d {
        for j in 0..i {
            take(&mut b, i, j, lower[i * d + j]);
        }
        divide(&mut b, i);
    }
    for i in (0..d).rev() {
        for j in i + 1..d {
            take(&mut b, i, j, lower[j * d + i]);
        }
        divide(&mut b, i);
    }
    b.iter().all(|b| b.is_finite()).then_some(b)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::{RIDGE, leading, solve};

    #[test]
    fn directions_are_eigenvectors() {
        // Eigenvalues 4, 2 and 0, along (1, 1, 0), (1, -1, 0) and (0, 0, 1).
        let matrix = [3.0, 1.0, 0.0, 1.0, 3.0, 0.0, 0.0, 0.0, 0.0];
        let (vectors, values) = leading(&matrix, 3, 3);
        for (value, expected) in values.iter().zip([4.0, 2.0, 0.0]) {
            assert!((value - expected).abs() < 1e-9, "{values:?}");
        }
        assert!((vectors[0] - vectors[1]).abs() < 1e-9 && (vectors[3] + vectors[4]).abs() < 1e-9);
    }

    #[test]
    fn what_is_solved_gives_back_what_was_given() {
        let matrix = [4.0, 1.0, 0.5, 1.0, 3.0, 0.2, 0.5, 0.2, 2.0];
        let given = [1.0, 0.0, -2.0, 1.0, 0.3, 5.0];
        let b = solve(&matrix, 3, &given, 2).unwrap();
        for i in 0..3 {
            for c in 0..2 {
                let sum = (0..3)
                    .map(|j| matrix[i * 3 + j] * b[j * 2 + c])
                    .sum::<f64>();
                let sum = sum + RIDGE * b[i * 2 + c];
                assert!((sum - given[i * 2 + c]).abs() < 1e-12);
            }
        }
        assert!(solve(&[-1.0], 1, &[1.0], 1).is_none());
    }
}

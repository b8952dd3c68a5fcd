//! The exact minimum of a weighted check loss of a linear model: a linear program, solved by moving from vertex to vertex.
//!
//! Source: I. Barrodale, F. D. K. Roberts, *An improved algorithm for discrete l1 linear approximation*, SIAM Journal on Numerical Analysis 10
//! (1973); R. Koenker, V. d'Orey, *Computing regression quantiles*, Applied Statistics 36 (1987).

/// What is smaller than this share of the largest is no pivot.
const PIVOT: f64 = 1e-9;
/// Responses are told apart by this share of their range, so that no two vertices are the same.
const APART: f64 = 1e-11;

/// Minimises `sum_i w_i r(y_i - z_i b)` with `r(u) = u (level - [u < 0])`.
pub(super) struct CheckLoss<'a> {
    /// Rows of features, `[s][q]`, the first a constant.
    pub(super) rows: &'a [f64],
    pub(super) q: usize,
    pub(super) y: &'a [f64],
    /// Positive.
    pub(super) weights: &'a [f64],
    pub(super) level: f64,
}

/// A vertex: samples that are met exactly, and all rows as sums of theirs.
struct Vertex {
    basis: Vec<usize>,
    in_basis: Vec<bool>,
    /// `[s][q]`
    table: Vec<f64>,
    residuals: Vec<f64>,
}

impl CheckLoss<'_> {
    /// The value at a row of features of a model that minimises the loss, from a model with these residuals; `None` where rows are not
    /// independent, so that there is no vertex.
    pub(super) fn value(&self, at: &[f64], residuals: &[f64]) -> Option<f64> {
        let mut vertex = self.nearest(residuals)?;
        for _ in 0..200 + 50 * self.q {
            let Some((leaving, sign, slope)) = self.steepest(&vertex) else {
                break;
            };
            let Some((entering, length)) = self.lowest(&vertex, leaving, sign, slope) else {
                break;
            };
            vertex.exchange(leaving, entering, sign * length);
        }
        let rows: Vec<f64> = vertex
            .basis
            .iter()
            .flat_map(|&i| self.row(i))
            .copied()
            .collect();
        let shares = solve_transposed(&rows, at)?;
        let each = vertex.basis.iter().zip(&shares);
        Some(each.map(|(&i, share)| share * self.y[i]).sum())
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.q..][..self.q]
    }

    /// A vertex at samples with small residuals.
    fn nearest(&self, residuals: &[f64]) -> Option<Vertex> {
        let (q, n) = (self.q, self.y.len());
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| residuals[a].abs().total_cmp(&residuals[b].abs()));
        // Rows that are independent of those before them, by elimination.
        let mut kept: Vec<(usize, Vec<f64>)> = Vec::with_capacity(q);
        let mut basis = Vec::with_capacity(q);
        for i in order {
            let mut row = self.row(i).to_vec();
            let largest = row.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
            for (column, other) in &kept {
                let by = row[*column];
                row.iter_mut().zip(other).for_each(|(x, o)| *x -= by * o);
                row[*column] = 0.0;
            }
            let column = (0..q).fold(0, |a, b| if row[b].abs() > row[a].abs() { b } else { a });
            let pivot = row[column];
            // Much smaller pivots than those of any vertex would make its equations unsound.
            if pivot.abs() > 1e-6 * largest.max(1.0) {
                for x in &mut row {
                    *x /= pivot;
                }
                kept.push((column, row));
                basis.push(i);
                if basis.len() == q {
                    break;
                }
            }
        }
        if basis.len() < q {
            return None;
        }
        Some(self.at_basis(basis))
    }

    fn at_basis(&self, basis: Vec<usize>) -> Vertex {
        let (q, n) = (self.q, self.y.len());
        let mut vertex = Vertex {
            in_basis: vec![false; n],
            table: self.rows.to_vec(),
            residuals: self.apart(),
            basis: vec![usize::MAX; q],
        };
        // Each row enters at the feature in which it is the largest of those that are left.
        for i in basis {
            let row = &vertex.table[i * q..][..q];
            let free = (0..q).filter(|&j| vertex.basis[j] == usize::MAX);
            let j = free.max_by(|&a, &b| row[a].abs().total_cmp(&row[b].abs()));
            let j = j.unwrap_or(0);
            let moved = -vertex.residuals[i] / vertex.table[i * q + j];
            vertex.exchange(j, i, moved);
        }
        vertex
    }

    /// Responses about one of them, which moves the constant alone, told apart.
    fn apart(&self) -> Vec<f64> {
        let origin = self.y[0];
        let size = self
            .y
            .iter()
            .fold(0.0, |a: f64, y| a.max((y - origin).abs()));
        let number = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract() - 0.5;
        let each = self.y.iter().enumerate();
        each.map(|(i, y)| (y - origin) + APART * size * number(i))
            .collect()
    }

    fn slope_of(&self, r: f64) -> f64 {
        self.level - f64::from(u8::from(r < 0.0))
    }

    /// The sample of the basis whose residual it pays most to change, which way, and by how much the loss falls; `None` at the minimum.
    fn steepest(&self, vertex: &Vertex) -> Option<(usize, f64, f64)> {
        let q = self.q;
        let (mut slopes, mut sizes) = (vec![0.0; q], vec![0.0; q]);
        for (i, row) in vertex.table.chunks_exact(q).enumerate() {
            if !vertex.in_basis[i] {
                let pull = self.weights[i] * self.slope_of(vertex.residuals[i]);
                for ((slope, size), x) in slopes.iter_mut().zip(&mut sizes).zip(row) {
                    *slope += pull * x;
                    *size += (pull * x).abs();
                }
            }
        }
        let mut best: Option<(usize, f64, f64)> = None;
        for j in 0..q {
            let own = self.weights[vertex.basis[j]];
            let up = slopes[j] + own * self.level;
            let down = own * (1.0 - self.level) - slopes[j];
            let (sign, slope) = if up < down { (1.0, up) } else { (-1.0, down) };
            let rounding = 1e-13 * (sizes[j] + own);
            if slope < -rounding && best.is_none_or(|b| slope < b.2) {
                best = Some((j, sign, slope));
            }
        }
        best
    }

    /// The sample that is met where the loss is the lowest along an edge, and how far that is.
    fn lowest(
        &self,
        vertex: &Vertex,
        leaving: usize,
        sign: f64,
        slope: f64,
    ) -> Option<(usize, f64)> {
        let q = self.q;
        let column = |i: usize| vertex.table[i * q + leaving];
        let largest = (0..self.y.len()).fold(0.0, |a: f64, i| a.max(column(i).abs()));
        let mut met: Vec<(f64, usize)> = Vec::new();
        for i in (0..self.y.len()).filter(|i| !vertex.in_basis[*i]) {
            let by = sign * column(i);
            let length = -vertex.residuals[i] / by;
            if by.abs() > PIVOT * largest && length > 0.0 {
                met.push((length, i));
            }
        }
        met.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut slope = slope;
        for (length, i) in met {
            slope += self.weights[i] * column(i).abs();
            if slope >= 0.0 {
                return Some((i, length));
            }
        }
        None
    }
}

impl Vertex {
    /// Changes the residual of one sample of the basis by some length, until another is met, which takes its place.
    fn exchange(&mut self, leaving: usize, entering: usize, length: f64) {
        let q = self.basis.len();
        let pivot: Vec<f64> = self.table[entering * q..][..q].to_vec();
        for (row, r) in self.table.chunks_exact_mut(q).zip(&mut self.residuals) {
            let own = row[leaving];
            *r += length * own;
            let by = own / pivot[leaving];
            for (x, p) in row.iter_mut().zip(&pivot) {
                *x -= by * p;
            }
            row[leaving] = by;
        }
        let left = std::mem::replace(&mut self.basis[leaving], entering);
        if let Some(left) = self.in_basis.get_mut(left) {
            *left = false;
        }
        self.in_basis[entering] = true;
        self.residuals[entering] = 0.0;
    }
}

/// `x` with `x A = b`, for `A` `[q][q]`, by elimination with pivots of whole columns.
fn solve_transposed(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let q = b.len();
    // The transposed system, with its right side.
    let mut rows: Vec<Vec<f64>> = (0..q)
        .map(|j| (0..q).map(|i| a[i * q + j]).chain([b[j]]).collect())
        .collect();
    for j in 0..q {
        let best = (j..q).max_by(|&s, &t| rows[s][j].abs().total_cmp(&rows[t][j].abs()))?;
        rows.swap(j, best);
        let pivot = rows[j][j];
        if pivot == 0.0 || !pivot.is_finite() {
            return None;
        }
        let top = rows[j].clone();
        for row in &mut rows[j + 1..] {
            let by = row[j] / pivot;
            row[j..]
                .iter_mut()
                .zip(&top[j..])
                .for_each(|(x, t)| *x -= by * t);
        }
    }
    let mut x = vec![0.0; q];
    for j in (0..q).rev() {
        let known: f64 = (j + 1..q).map(|k| rows[j][k] * x[k]).sum();
        x[j] = (rows[j][q] - known) / rows[j][j];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::{CheckLoss, solve_transposed};

    #[test]
    fn equations_of_columns_are_solved() {
        let x = solve_transposed(&[0.0, 2.0, 1.0, 3.0], &[2.0, 10.0]).unwrap();
        assert_eq!(x, [2.0, 2.0]);
        assert!(solve_transposed(&[1.0, 1.0, 1.0, 1.0], &[1.0, 2.0]).is_none());
    }

    #[test]
    fn a_constant_is_the_weighted_quantile() {
        let y = [4.0, 1.0, 9.0, 2.0, 2.0];
        let weights = [1.0, 2.0, 0.5, 1.0, 1.0];
        // Sums of weights in order: 2, 4, 5, 5.5.
        for (level, wanted) in [(0.3, 1.0), (0.5, 2.0), (0.8, 4.0), (0.95, 9.0)] {
            let loss = CheckLoss {
                rows: &[1.0; 5],
                q: 1,
                y: &y,
                weights: &weights,
                level,
            };
            assert_eq!(loss.value(&[1.0], &y), Some(wanted), "{level}");
        }
    }

    #[test]
    fn every_start_ends_at_the_same_line() {
        // Squares of numbers at their places, and some twice.
        let x: Vec<f64> = (0..24).map(|i| f64::from(i / 2)).collect();
        let y: Vec<f64> = x.iter().map(|x| x * x).collect();
        let rows: Vec<f64> = x.iter().flat_map(|x| [1.0, *x]).collect();
        let loss = CheckLoss {
            rows: &rows,
            q: 2,
            y: &y,
            weights: &[1.0; 24],
            level: 0.37,
        };
        let found: Vec<f64> = (0..24)
            .map(|from| {
                let residuals: Vec<f64> = (0..24).map(|i| f64::from((i + from) % 24)).collect();
                loss.value(&[1.0, 3.3], &residuals).unwrap()
            })
            .collect();
        assert!(
            found.iter().all(|f| (f - found[0]).abs() < 1e-9),
            "{found:?}"
        );
    }
}

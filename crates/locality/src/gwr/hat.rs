//! The hat matrices of several bandwidths, a few columns at a time.

use super::model::Laid;
use super::normal::{Factor, Normal};
use super::space::{Around, BLOCK, Space};
use crate::{Result, Watch, par};

/// Numbers that are held at once.
const BUDGET: usize = 1 << 24;

/// What is kept of the hat matrices `R_j`, which turn (working) responses into each column's part of the linear predictor.
#[derive(Clone, Debug)]
pub(super) struct Hat {
    /// `tr R_j`, `[q]`.
    pub(super) traces: Vec<f64>,
    /// Diagonal of their sum, `[n]`.
    pub(super) own: Vec<f64>,
    /// Variances of coefficients in units of the response's, `[n, q]`.
    pub(super) variances: Vec<f64>,
}

impl Hat {
    /// Without inference.
    pub(super) fn unknown(n: usize, q: usize) -> Self {
        Self {
            traces: vec![f64::NAN; q],
            own: vec![f64::NAN; n],
            variances: vec![f64::NAN; n * q],
        }
    }
}

/// Calls `visit` for every point `[m, dims]`, with what is around it.
pub(super) fn at_points<R: Send>(
    space: &Space,
    points: &[f64],
    bandwidth: f64,
    watch: &Watch<'_>,
    visit: impl Fn(usize, &Around) -> R + Sync,
) -> Result<Vec<R>> {
    let dims = space.dims();
    let blocks = par::map_blocks(watch, points.len() / dims, BLOCK, |range| {
        let mut around = Around::default();
        let one = |i: usize| {
            space.around(&points[i * dims..][..dims], bandwidth, &mut around)?;
            Ok(visit(i, &around))
        };
        range.map(one).collect::<Result<Vec<R>>>()
    })?;
    Ok(blocks.into_iter().flatten().collect())
}

/// New places, and what is found there.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    /// As they are compared, `[m, dims]`.
    pub(super) points: Vec<f64>,
    /// Their columns, `[m, q]`.
    pub(super) x: Vec<f64>,
    /// Variances of coefficients in units of the response's, `[m, q]`.
    pub(super) variances: Vec<f64>,
    /// Variances of linear predictors, `[m]`.
    pub(super) linear: Vec<f64>,
}

/// Follows the rounds of back-fitting (bandwidths of each) with unit vectors as responses, from the model of one bandwidth; `weight` are
/// those of the last round. Memory is bounded: as many unit vectors at once as fit. With new places, their variances are found on the way:
/// the last round's smooths are taken there as well.
pub(super) fn trace(
    laid: &Laid,
    first: f64,
    history: &[Vec<f64>],
    weight: &[f64],
    mut elsewhere: Option<&mut Elsewhere>,
    watch: &Watch<'_>,
) -> Result<Hat> {
    let (n, q) = (laid.table.len(), laid.table.q);
    let more = elsewhere.as_ref().map_or(0, |e| 2 * e.linear.len());
    let size = (BUDGET / (n * (q + 2) + more)).clamp(8, n.max(8));
    let mut out = Hat {
        traces: vec![0.0; q],
        own: vec![0.0; n],
        variances: vec![0.0; n * q],
    };
    let columns: Vec<Vec<f64>> = (0..q)
        .map(|j| (0..n).map(|i| laid.table.kept(i)[j]).collect())
        .collect();
    for from in (0..n).step_by(size) {
        watch.check()?;
        let chunk = Chunk {
            laid,
            columns: &columns,
            weight,
            from,
            size: size.min(n - from),
        };
        let there = elsewhere.as_deref_mut();
        chunk.follow((first, history), &mut out, there, &watch.quiet())?;
        watch.report(from + chunk.size, n);
    }
    Ok(out)
}

/// Unit vectors `from..from + size`.
struct Chunk<'a> {
    laid: &'a Laid,
    columns: &'a [Vec<f64>],
    weight: &'a [f64],
    from: usize,
    size: usize,
}

impl Chunk<'_> {
    fn follow(
        &self,
        (first, history): (f64, &[Vec<f64>]),
        out: &mut Hat,
        mut elsewhere: Option<&mut Elsewhere>,
        watch: &Watch<'_>,
    ) -> Result<()> {
        let (n, q, size) = (self.laid.table.len(), self.columns.len(), self.size);
        let space = &self.laid.space;
        let points: Vec<f64> = (0..n).flat_map(|i| space.point(i)).copied().collect();
        // Rows of the hat matrix of linear predictors at new places.
        let m = elsewhere.as_ref().map_or(0, |e| e.linear.len());
        let mut linear = vec![0.0; m * size];
        let mut parts = self.start(first, watch)?;
        let mut left = vec![0.0; n * size];
        for c in 0..size {
            left[(self.from + c) * size + c] = 1.0;
        }
        for part in &parts {
            left.iter_mut().zip(part).for_each(|(l, p)| *l -= p);
        }
        for (r, bandwidths) in history.iter().enumerate() {
            for j in 0..q {
                left.iter_mut().zip(&parts[j]).for_each(|(l, p)| *l += p);
                let rows = self.smooth(j, (&points, bandwidths[j]), &left, watch)?;
                if r + 1 == history.len()
                    && let Some(there) = elsewhere.as_deref_mut()
                {
                    let rows = self.smooth(j, (&there.points, bandwidths[j]), &left, watch)?;
                    for (i, row) in rows.iter().enumerate() {
                        there.variances[i * q + j] += self.variance(row);
                        let x = there.x[i * q + j];
                        let sums = &mut linear[i * size..][..size];
                        sums.iter_mut().zip(row).for_each(|(s, b)| *s += x * b);
                    }
                }
                for (i, row) in rows.iter().enumerate() {
                    let x = self.columns[j][i];
                    let part = &mut parts[j][i * size..][..size];
                    part.iter_mut().zip(row).for_each(|(p, b)| *p = x * b);
                    if r + 1 == history.len() {
                        out.variances[i * q + j] += self.variance(row);
                    }
                }
                left.iter_mut().zip(&parts[j]).for_each(|(l, p)| *l -= p);
            }
        }
        if let Some(there) = elsewhere {
            for (sums, variance) in linear.chunks_exact(size).zip(&mut there.linear) {
                *variance += self.variance(sums);
            }
        }
        for c in 0..size {
            for (j, part) in parts.iter().enumerate() {
                let own = part[(self.from + c) * size + c];
                out.traces[j] += own;
                out.own[self.from + c] += own;
            }
        }
        Ok(())
    }

    /// The variance of what is this linear function of the unit vectors' responses.
    fn variance(&self, row: &[f64]) -> f64 {
        let units = &self.weight[self.from..];
        row.iter().zip(units).map(|(b, w)| b * b / w).sum()
    }

    /// The parts of the model of one bandwidth, `[q][n, size]`.
    fn start(&self, first: f64, watch: &Watch<'_>) -> Result<Vec<Vec<f64>>> {
        let table = &self.laid.table;
        let (n, q, size) = (table.len(), table.q, self.size);
        let space = &self.laid.space;
        let points: Vec<f64> = (0..n).flat_map(|i| space.point(i)).copied().collect();
        let rows = at_points(space, &points, first, watch, |i, around| {
            let each = around.index.iter().zip(&around.weight);
            let pairs: Vec<(f64, f64)> = each
                .map(|(l, w)| (w * self.weight[*l as usize], 0.0))
                .collect();
            let mut normal = Normal::new(q);
            normal.sum(&table.x, &around.index, &pairs);
            let factor = Factor::new(&normal);
            let mut out = vec![0.0; q * size];
            for (&l, (w, _)) in around.index.iter().zip(&pairs) {
                let l = l as usize;
                if (self.from..self.from + size).contains(&l) {
                    let lever = factor.solve(table.kept(l));
                    for j in 0..q {
                        out[j * size + l - self.from] = table.kept(i)[j] * lever[j] * w;
                    }
                }
            }
            out
        })?;
        let part = |j: usize| {
            rows.iter()
                .flat_map(|r| &r[j * size..][..size])
                .copied()
                .collect()
        };
        Ok((0..q).map(part).collect())
    }

    /// Coefficients of column `j` at each of some points for each of the responses `[n, size]`.
    fn smooth(
        &self,
        j: usize,
        (points, bandwidth): (&[f64], f64),
        left: &[f64],
        watch: &Watch<'_>,
    ) -> Result<Vec<Vec<f64>>> {
        let (x, size) = (&self.columns[j], self.size);
        at_points(&self.laid.space, points, bandwidth, watch, |_, around| {
            let mut squares = 0.0;
            let mut out = vec![0.0; size];
            for (&l, &w) in around.index.iter().zip(&around.weight) {
                let l = l as usize;
                let wx = w * self.weight[l] * x[l];
                squares += wx * x[l];
                let row = &left[l * size..][..size];
                out.iter_mut().zip(row).for_each(|(o, r)| *o += wx * r);
            }
            let inverse = if squares > 0.0 { squares.recip() } else { 0.0 };
            for o in &mut out {
                *o *= inverse;
            }
            out
        })
    }
}

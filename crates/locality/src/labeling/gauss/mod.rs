//! Gaussian sums: `sum_j exp(-|x_i - x_j|^2 / 2) v_j` at every object, for features `x` in bandwidths.

mod lattice;
mod planes;
mod spline;

use crate::{Float, Kernel, LocalMean, Result, Rows, Watch, par};
use lattice::{LAY_OUT, Lattice, Plan};
use planes::{Axis, blur};

/// Features in bandwidths, laid out for sums of any values.
#[derive(Clone, Debug)]
pub(super) struct GaussianSums<T>(Way<T>);

#[derive(Clone, Debug)]
enum Way<T> {
    /// The places of a grid: sums along one axis after the other.
    Grid(Vec<Axis<T>>),
    /// Few features: a grid of splines.
    Lattice(Lattice<T>),
    /// Any features, by the local mean. Exact: what that may leave out is a share of a row's sum of weights, which may be far more than the
    /// tolerance allows a single pair.
    Pairs { features: Vec<T>, columns: usize },
}

/// How sums are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SumsBy {
    /// Along one axis of a grid after the other.
    Axes,
    /// Through a grid of splines in the space of features.
    Splines,
    /// Over all pairs, by the local mean.
    Pairs,
}

impl<T: Float> GaussianSums<T> {
    /// The places of a grid of this shape, under a bandwidth for each axis. Weights below a hundredth of the tolerance are left out, or
    /// without a tolerance those that change no digit.
    pub(super) fn grid(shape: &[usize], bandwidths: &[f64], tolerance: f64) -> Self {
        let least = if tolerance > 0.0 {
            0.01 * tolerance
        } else {
            1e-3 * T::EPSILON.to_f64()
        };
        let axes = shape.iter().zip(bandwidths).map(|(&nodes, h)| {
            let tap = |j: usize| (-0.5 * (j as f64 / h).powi(2)).exp();
            let taps = (0..nodes).map(tap).take_while(|w| *w >= least);
            Axis {
                nodes,
                taps: taps.map(T::from_f64).collect(),
            }
        });
        Self(Way::Grid(axes.collect()))
    }

    /// Rows `[n, d]` of features in bandwidths, for sums of about so many columns of values: through a grid of splines where that is less
    /// work than all pairs.
    pub(super) fn rows(features: Rows<'_, T>, width: usize, tolerance: f64) -> Self {
        let pairs = pairs(features.rows(), features.columns(), width);
        let plan = (tolerance > 0.0 && pairs > LAY_OUT).then(|| Plan::new(features, tolerance));
        Self(match plan.flatten() {
            Some(plan) if plan.cost(width) < pairs => Way::Lattice(Lattice::new(features, &plan)),
            _ => Way::Pairs {
                features: features.to_vec(),
                columns: features.columns(),
            },
        })
    }

    /// How sums are made.
    pub(super) fn by(&self) -> SumsBy {
        match &self.0 {
            Way::Grid(_) => SumsBy::Axes,
            Way::Lattice(_) => SumsBy::Splines,
            Way::Pairs { .. } => SumsBy::Pairs,
        }
    }

    /// The sums `[n, width]` of values `[n, width]`.
    pub(super) fn sums(&self, values: &[T], width: usize, watch: &Watch<'_>) -> Result<Vec<T>> {
        match &self.0 {
            Way::Grid(axes) => {
                let size = values.len() / axes[0].nodes;
                let planes: Vec<Vec<T>> = values.chunks_exact(size).map(<[T]>::to_vec).collect();
                Ok(blur(&planes, axes, width, watch)?.concat())
            }
            Way::Lattice(lattice) => lattice.sums(values, width, watch),
            Way::Pairs { features, columns } => {
                let rows = Rows::new(features, features.len() / columns, *columns)?;
                let values = Rows::new(values, rows.rows(), width)?;
                let mean = LocalMean::new(Kernel::gaussian(1.0));
                let watch = &watch.quiet();
                let found = mean
                    .fit_watched(rows, values, None, watch)?
                    .at(rows, watch)?;
                let mut out = found.means;
                for (row, log) in out.chunks_exact_mut(width).zip(&found.log_normalizer) {
                    let sum = log.exp_std();
                    for x in row {
                        *x *= sum;
                    }
                }
                Ok(out)
            }
        }
    }
}

/// What all pairs of `n` rows of `d` columns cost, for values of so many columns: an exponential, a distance and the sums.
fn pairs(n: usize, d: usize, width: usize) -> f64 {
    (n as f64).powi(2) * (14.0 + 0.75 * d as f64 + width as f64)
}

/// Turns columns so that they lie along the axes of widest spread, roughly: distances stay, and a box around the rows is smaller. The axes
/// are orthonormal whether the iteration has come to rest or not.
pub(super) fn turn<T: Float>(rows: &mut [T], columns: usize, from: usize) {
    const ROUNDS: usize = 12;
    let d = columns - from;
    if d < 2 || rows.is_empty() {
        return;
    }
    let n = (rows.len() / columns) as f64;
    let mut mean = vec![0.0; d];
    for row in rows.chunks_exact(columns) {
        for (m, x) in mean.iter_mut().zip(&row[from..]) {
            *m += x.to_f64() / n;
        }
    }
    let mut spread = vec![0.0; d * d];
    for row in rows.chunks_exact(columns) {
        for a in 0..d {
            let x = row[from + a].to_f64() - mean[a];
            for b in 0..d {
                spread[a * d + b] += x * (row[from + b].to_f64() - mean[b]) / n;
            }
        }
    }
    let mut axes: Vec<Vec<f64>> = (0..d)
        .map(|a| (0..d).map(|b| f64::from(u8::from(a == b))).collect())
        .collect();
    for _ in 0..ROUNDS {
        let turned = axes.iter().map(|axis| {
            let row = |a: usize| spread[a * d..(a + 1) * d].iter().zip(axis);
            (0..d).map(|a| row(a).map(|(s, x)| s * x).sum()).collect()
        });
        let Some(next) = orthonormal(turned.collect()) else {
            break;
        };
        axes = next;
    }
    let mut out = vec![0.0; d];
    for row in rows.chunks_exact_mut(columns) {
        for (o, axis) in out.iter_mut().zip(&axes) {
            let products = axis.iter().zip(&row[from..]).map(|(a, x)| a * x.to_f64());
            *o = products.sum();
        }
        for (x, o) in row[from..].iter_mut().zip(&out) {
            *x = T::from_f64(*o);
        }
    }
}

/// Gram and Schmidt's, each direction cleaned twice; none where the directions are not independent.
fn orthonormal(mut axes: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    for a in 0..axes.len() {
        let (done, rest) = axes.split_at_mut(a);
        let own = &mut rest[0];
        let before = length(own);
        for _ in 0..2 {
            for other in &*done {
                let along: f64 = own.iter().zip(other).map(|(x, y)| x * y).sum();
                own.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let left = length(own);
        if left.is_nan() || left <= 1e-9 * before {
            return None;
        }
        for x in own {
            *x /= left;
        }
    }
    Some(axes)
}

/// Works on rows of so many numbers in blocks, in place of a loop.
pub(super) fn map_rows<T: Float>(
    rows: usize,
    watch: &Watch<'_>,
    work: impl Fn(usize, &mut Vec<T>) + Sync,
) -> Result<Vec<T>> {
    const ROWS: usize = 2048;
    let blocks = par::map_blocks(&watch.quiet(), rows, ROWS, |range| {
        let mut out = Vec::new();
        range.for_each(|i| work(i, &mut out));
        Ok(out)
    })?;
    Ok(blocks.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use locality_testing::{Rng, normal};

    fn plain(rows: Rows<'_, f64>, values: &[f64], width: usize) -> Vec<f64> {
        let mut out = vec![0.0; values.len()];
        for i in 0..rows.rows() {
            for j in 0..rows.rows() {
                let off = rows.row(i).iter().zip(rows.row(j));
                let squared: f64 = off.map(|(a, b)| (a - b).powi(2)).sum();
                let weight = (-0.5 * squared).exp();
                for c in 0..width {
                    out[i * width + c] += weight * values[j * width + c];
                }
            }
        }
        out
    }

    fn splines(rows: Rows<'_, f64>, tolerance: f64) -> GaussianSums<f64> {
        let plan = Plan::new(rows, tolerance).unwrap();
        GaussianSums(Way::Lattice(Lattice::new(rows, &plan)))
    }

    #[test]
    fn the_cheaper_way_is_taken() {
        // A tolerance that costs more than all pairs takes all pairs, which are exact as well; many rows take splines at any.
        let by = |n: usize, d: usize, width: usize, tolerance: f64| {
            let x: Vec<f32> = normal(3, n, d).iter().map(|x| 4.0 * *x as f32).collect();
            GaussianSums::rows(Rows::new(&x, n, d).unwrap(), width, tolerance).by()
        };
        assert_eq!(by(500, 1, 2, 0.1), SumsBy::Pairs);
        assert_eq!(by(20_000, 2, 2, 1e-2), SumsBy::Splines);
        assert_eq!(by(20_000, 2, 2, 1e-6), SumsBy::Splines);
        assert_eq!(by(4_000, 5, 21, 1e-2), SumsBy::Pairs);
        assert_eq!(by(4_000, 5, 21, 1e-3), SumsBy::Pairs);
        assert_eq!(by(60_000, 3, 21, 1e-3), SumsBy::Splines);
        assert_eq!(by(20_000, 9, 2, 1e-1), SumsBy::Pairs);
    }

    #[test]
    fn every_way_is_within_its_tolerance_of_all_pairs() {
        let mut rng = Rng::new(5);
        for (d, n) in [(1, 300), (2, 700), (3, 1500), (4, 2500), (5, 4000)] {
            let mut x = normal(d as u64, n, d);
            // A column that is the same everywhere.
            if d == 4 {
                x.chunks_exact_mut(d).for_each(|row| row[1] = 3.0);
            }
            let rows = Rows::new(&x, n, d).unwrap();
            for width in [1, 8, 11] {
                let values: Vec<f64> = (0..n * width).map(|_| rng.uniform()).collect();
                let want = plain(rows, &values, width);
                let totals: Vec<f64> = (0..width)
                    .map(|c| values.iter().skip(c).step_by(width).sum())
                    .collect();
                // Grids of many axes are large where they are close.
                let closest = [1e-5, 1e-5, 1e-5, 1e-3, 1e-2][d - 1];
                for tolerance in [1e-2, 1e-3, 1e-5, 0.0] {
                    // Whether or not that is less work; what is closer still, by the way that is.
                    let sums = if tolerance < closest {
                        GaussianSums::rows(rows, width, tolerance)
                    } else {
                        splines(rows, tolerance)
                    };
                    if tolerance == 0.0 || tolerance >= closest {
                        assert_eq!(sums.by() == SumsBy::Pairs, tolerance == 0.0);
                    }
                    let own = sums.sums(&values, width, &Watch::default()).unwrap();
                    for (at, (own, want)) in own.iter().zip(&want).enumerate() {
                        // The worst case is all errors of one sign.
                        let most = tolerance * totals[at % width] + 1e-10;
                        assert!((own - want).abs() <= most, "{d} columns: {own}, {want}");
                    }
                    let threads = Watch::default().threads(3);
                    assert_eq!(sums.sums(&values, width, &threads).unwrap(), own);
                }
            }
        }
    }

    #[test]
    fn all_pairs_leave_out_no_pair_beside_a_crowd() {
        // A few rows 2.2 bandwidths from a crowd: together they are less than a hundredth of its sums of weights, but each is a weight of
        // 0.09. Another crowd lies so far off that the local mean takes a tree, and there are more columns than a grid has axes.
        let (n, d) = (5000, 9);
        let mut x: Vec<f64> = normal(8, n, d).iter().map(|x| 0.02 * x).collect();
        for (i, row) in x.chunks_exact_mut(d).enumerate() {
            row[0] += if i < 2500 { 500.0 } else { 0.0 };
            row[1] += if i >= n - 30 { 2.2 } else { 0.0 };
        }
        let rows = Rows::new(&x, n, d).unwrap();
        let mut values = vec![0.0; n];
        values[n - 1] = 1.0;
        let sums = GaussianSums::rows(rows, 1, 1e-2);
        assert_eq!(sums.by(), SumsBy::Pairs);
        let own = sums.sums(&values, 1, &Watch::default()).unwrap();
        let last = rows.row(n - 1);
        for (own, row) in own.iter().zip(rows.iter()) {
            let squared: f64 = row.iter().zip(last).map(|(a, b)| (a - b).powi(2)).sum();
            let want = (-0.5 * squared).exp();
            assert!((own - want).abs() <= 1e-2, "{own} {want}");
        }
    }

    #[test]
    fn one_far_row_takes_all_pairs() {
        // What a file says where it has no value; a grid of that extent has more nodes than any integer counts.
        for far in [9.97e36, 1e19, 1e150] {
            let n = 2100;
            let mut x = normal(9, n, 1);
            x[0] = far;
            let rows = Rows::new(&x, n, 1).unwrap();
            assert!(Plan::new(rows, 1e-2).is_none());
            let sums = GaussianSums::rows(rows, 1, 1e-2);
            assert_eq!(sums.by(), SumsBy::Pairs);
            let values = vec![1.0; n];
            let own = sums.sums(&values, 1, &Watch::default()).unwrap();
            let want = plain(rows, &values, 1);
            for (own, want) in own.iter().zip(&want) {
                assert!((own - want).abs() <= 1e-9 * want, "{own} {want}");
            }
            if far > f64::from(f32::MAX) {
                continue;
            }
            // In single precision squares are beyond all numbers.
            let x: Vec<f32> = x.iter().map(|x| *x as f32).collect();
            let sums = GaussianSums::rows(Rows::new(&x, n, 1).unwrap(), 1, 1e-2);
            let own = sums.sums(&vec![1.0; n], 1, &Watch::default()).unwrap();
            for (own, want) in own.iter().zip(&want) {
                assert!(
                    (f64::from(*own) - want).abs() <= 1e-4 * want,
                    "{own} {want}"
                );
            }
        }
    }

    #[test]
    fn one_pair_is_as_far_off_as_said_and_no_farther() {
        for tolerance in [1e-1, 1e-2, 1e-4] {
            let mut worst = 0.0_f64;
            for seed in 0..40 {
                // A pair among rows that have no value.
                let x: Vec<f64> = normal(seed, 4000, 2).iter().map(|x| 0.8 * x).collect();
                let rows = Rows::new(&x, 4000, 2).unwrap();
                let mut values = vec![0.0; 4000];
                values[0] = 1.0;
                let sums = splines(rows, tolerance);
                let own = sums.sums(&values, 1, &Watch::default()).unwrap();
                for (own, want) in own.iter().zip(plain(rows, &values, 1)) {
                    worst = worst.max((own - want).abs());
                }
            }
            assert!(worst <= tolerance && worst >= 0.05 * tolerance, "{worst}");
        }
    }

    #[test]
    fn grids_are_all_pairs_of_places() {
        let (shape, h) = ([3, 7, 5], [0.7, 2.0, 1.3]);
        let n = 3 * 7 * 5;
        let places: Vec<f64> = (0..n)
            .flat_map(|i| {
                [
                    (i / 35) as f64 / 0.7,
                    (i / 5 % 7) as f64 / 2.0,
                    (i % 5) as f64 / 1.3,
                ]
            })
            .collect();
        let values: Vec<f64> = (0..2 * n).map(|i| (i as f64).sin()).collect();
        let want = plain(Rows::new(&places, n, 3).unwrap(), &values, 2);
        for (tolerance, off) in [(0.0, 1e-12), (1e-3, 1e-3)] {
            let sums = GaussianSums::grid(&shape, &h, tolerance);
            let own: Vec<f64> = sums.sums(&values, 2, &Watch::default()).unwrap();
            for (own, want) in own.iter().zip(&want) {
                assert!((own - want).abs() <= off, "{own} {want}");
            }
        }
    }

    #[test]
    fn turning_keeps_distances_and_shrinks_the_box() {
        let n = 200;
        let shared = normal(1, n, 1);
        let own = normal(2, n, 3);
        let x: Vec<f64> = (0..n * 4)
            .map(|i| {
                if i % 4 == 0 {
                    7.0
                } else {
                    3.0 * shared[i / 4] + 0.1 * own[i / 4 * 3 + i % 4 - 1]
                }
            })
            .collect();
        let mut turned = x.clone();
        turn(&mut turned, 4, 1);
        let apart = |x: &[f64], i: usize, j: usize| -> f64 {
            (0..4).map(|c| (x[i * 4 + c] - x[j * 4 + c]).powi(2)).sum()
        };
        for i in 0..n - 1 {
            assert!((apart(&x, i, i + 1) - apart(&turned, i, i + 1)).abs() < 1e-9);
            assert_eq!(x[i * 4].to_bits(), turned[i * 4].to_bits());
        }
        let extent = |c: usize| {
            let column = turned.iter().skip(c).step_by(4);
            let (low, high) = column.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
            high - low
        };
        assert!(extent(2) < 1.0 && extent(3) < 1.0 && extent(1) > 10.0);
    }
}

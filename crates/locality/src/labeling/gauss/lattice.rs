//! Gaussian sums through a grid of splines in the space of features.

use super::planes::{Axis, blur, family};
use super::spline::{ORDERS, Spline};
use crate::isa::{Compiled, Isa, Task, dispatch};
use crate::{Float, Result, Rows, Watch, par};

/// Most features.
const FEATURES: usize = 8;
/// Most numbers of a grid; more labels go through it one part after the other.
const NUMBERS: usize = 1 << 27;
/// Numbers of a vector.
const LANES: usize = 8;
/// Rows that are read back as one thread's work.
const BLOCK: usize = 512;

/// Rows `[n, d]` laid out on a grid of splines: `sum_j exp(-|x_i - x_j|^2 / 2) v_j` for any values.
///
/// Values are spread to the nodes around their rows, summed up along each axis, and read back at the rows. Each axis is off by at most its share
/// of the tolerance, so no weight of a pair is off by more than the tolerance.
#[derive(Clone, Debug)]
pub(super) struct Lattice<T> {
    axes: Vec<Axis<T>>,
    /// Nodes a row touches along each axis.
    orders: Vec<usize>,
    /// Rows sorted by their first node.
    rows: Vec<u32>,
    /// Where the rows of each plane start.
    starts: Vec<usize>,
    /// The first node of each sorted row within its plane.
    bases: Vec<u32>,
    /// Weights of the nodes, axis after axis, for each sorted row.
    weights: Vec<T>,
    /// Steps from a row's first node to the starts of its runs along the last axis.
    steps: Vec<u32>,
}

/// What a number costs that is spread to a node or read back from one, and what one costs that is summed up along an axis, where a fused
/// multiplication and addition within all pairs costs 1. Measured in single precision with 2 to 21 labels on pictures of 1,350 to 33,900
/// pixels: spreading and reading wait for memory.
const TOUCH: f64 = 13.0;
const ALONG: f64 = 4.4;
/// What planning and sorting cost, for each of the few sums that a field is asked for.
pub(super) const LAY_OUT: f64 = 6e7;

/// A grid for some rows: the splines of its axes, and what it costs.
pub(super) struct Plan {
    /// Spline, nodes and column of each axis, that of most nodes first.
    axes: Vec<(Spline, usize, usize)>,
    /// The ends of all columns.
    ends: Vec<(f64, f64)>,
    /// What one column of values costs.
    cost: f64,
}

impl Plan {
    /// The cheapest grid for rows `[n, d]` in bandwidths; none for too many features, or where none that is close enough fits into memory.
    pub(super) fn new<T: Float>(features: Rows<'_, T>, tolerance: f64) -> Option<Self> {
        let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); features.columns()];
        for row in features.iter() {
            for (end, x) in ends.iter_mut().zip(row) {
                *end = (end.0.min(x.to_f64()), end.1.max(x.to_f64()));
            }
        }
        // A column that is the same everywhere counts for nothing.
        let mut columns: Vec<usize> = (0..ends.len()).filter(|&c| ends[c].1 > ends[c].0).collect();
        if columns.is_empty() {
            columns.push(0);
        }
        if columns.len() > FEATURES {
            return None;
        }
        let extents: Vec<f64> = columns.iter().map(|&c| ends[c].1 - ends[c].0).collect();
        let (splines, cost) = cheapest(features.rows(), &extents, tolerance)?;
        let all = splines.into_iter().zip(&extents).zip(columns);
        let mut axes: Vec<(Spline, usize, usize)> = all
            .map(|((spline, extent), column)| {
                // What was chosen has no more than `NUMBERS`.
                let nodes = spline.nodes(*extent) as usize;
                (spline, nodes, column)
            })
            .collect();
        // The axis of most nodes counts planes: those are what threads share.
        axes.sort_by_key(|a| std::cmp::Reverse(a.1));
        Some(Self { axes, ends, cost })
    }

    /// What sums of so many columns cost.
    pub(super) fn cost(&self, width: usize) -> f64 {
        LAY_OUT + self.cost * width.next_multiple_of(LANES) as f64
    }
}

/// The cheapest splines for `n` rows of these extents, and what a column of values costs.
fn cheapest(n: usize, extents: &[f64], tolerance: f64) -> Option<(Vec<Spline>, f64)> {
    // (1 + e)^d - 1 <= tolerance
    let share = (tolerance.ln_1p() / extents.len() as f64).exp_m1();
    let choices: Vec<Spline> = ORDERS.filter_map(|p| Spline::within(p, share)).collect();
    let mut best: Option<(f64, usize)> = None;
    let combinations = choices.len().checked_pow(extents.len() as u32)?;
    let digit = |code: usize, axis: usize| code / choices.len().pow(axis as u32) % choices.len();
    for code in 0..combinations {
        let (mut touched, mut nodes, mut taps) = (1.0, 1.0, 0.0);
        for (axis, extent) in extents.iter().enumerate() {
            let spline = &choices[digit(code, axis)];
            let count = spline.nodes(*extent);
            touched *= spline.order as f64;
            nodes *= count;
            taps += ((2 * spline.taps.len() - 1) as f64).min(count);
        }
        let cost = TOUCH * 2.0 * n as f64 * touched + ALONG * nodes * taps;
        if nodes * (LANES as f64) <= NUMBERS as f64 && best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, code));
        }
    }
    let (cost, code) = best?;
    let splines = (0..extents.len()).map(|axis| choices[digit(code, axis)].clone());
    Some((splines.collect(), cost))
}

impl<T: Float> Lattice<T> {
    /// Lays rows out on the grid that was planned for them.
    pub(super) fn new(features: Rows<'_, T>, plan: &Plan) -> Self {
        Self::lay_out(features, &plan.axes, &plan.ends)
    }

    /// Sorts the rows: axes are splines, numbers of nodes and columns.
    fn lay_out(
        features: Rows<'_, T>,
        axes: &[(Spline, usize, usize)],
        ends: &[(f64, f64)],
    ) -> Self {
        let n = features.rows();
        let orders: Vec<usize> = axes.iter().map(|a| a.0.order).collect();
        let per_row: usize = orders.iter().sum();
        let mut firsts: Vec<(u32, u32, u32)> = Vec::with_capacity(n);
        let mut weights = Vec::with_capacity(n * per_row);
        let mut own = vec![0.0; per_row];
        for (i, row) in features.iter().enumerate() {
            let (mut plane, mut base, mut at) = (0, 0, 0);
            for (axis, (spline, nodes, column)) in axes.iter().enumerate() {
                let x = row[*column].to_f64() - ends[*column].0;
                let first = spline.place(x, &mut own[at..at + spline.order]);
                at += spline.order;
                if axis == 0 {
                    plane = first;
                } else {
                    base = base * nodes + first;
                }
            }
            firsts.push((plane as u32, base as u32, i as u32));
            weights.extend(own.iter().map(|&w| T::from_f64(w)));
        }
        firsts.sort_unstable();
        let mut starts = vec![0; axes[0].1 + 1];
        for first in &firsts {
            starts[first.0 as usize + 1] += 1;
        }
        for plane in 0..axes[0].1 {
            starts[plane + 1] += starts[plane];
        }
        let sorted = firsts.iter().flat_map(|f| {
            let own = f.2 as usize * per_row;
            &weights[own..own + per_row]
        });
        Self {
            weights: sorted.copied().collect(),
            rows: firsts.iter().map(|f| f.2).collect(),
            bases: firsts.iter().map(|f| f.1).collect(),
            starts,
            steps: steps(axes),
            axes: axes
                .iter()
                .map(|(spline, nodes, _)| Axis {
                    nodes: *nodes,
                    taps: spline.taps.iter().map(|&b| T::from_f64(b)).collect(),
                })
                .collect(),
            orders,
        }
    }

    /// Nodes of a plane.
    fn plane(&self) -> usize {
        self.axes[1..].iter().map(|a| a.nodes).product()
    }

    /// `sum_j k(x_i, x_j) v_j` for values `[n, width]`.
    pub(super) fn sums(&self, values: &[T], width: usize, watch: &Watch<'_>) -> Result<Vec<T>> {
        let nodes = self.plane() * self.axes[0].nodes;
        let part = (NUMBERS / nodes / LANES).max(1) * LANES;
        let mut out = vec![T::ZERO; values.len()];
        for from in (0..width).step_by(part) {
            let columns = from..width.min(from + part);
            watch.check()?;
            self.sums_of(values, width, columns, &mut out, watch)?;
        }
        Ok(out)
    }

    /// The same for some columns.
    fn sums_of(
        &self,
        values: &[T],
        width: usize,
        columns: std::ops::Range<usize>,
        out: &mut [T],
        watch: &Watch<'_>,
    ) -> Result<()> {
        let padded = columns.len().next_multiple_of(LANES);
        let mut sorted = vec![T::ZERO; self.rows.len() * padded];
        for (to, &i) in sorted.chunks_exact_mut(padded).zip(&self.rows) {
            let own = &values[i as usize * width..][columns.clone()];
            to[..own.len()].copy_from_slice(own);
        }
        let quiet = watch.quiet();
        let planes = par::map_blocks(&quiet, self.axes[0].nodes, 1, |range| {
            Ok(T::run_compiled::<Spreads<'_>>(Spread {
                lattice: self,
                values: &sorted,
                width: padded,
                plane: range.start,
            }))
        })?;
        let planes = blur(&planes, &self.axes, padded, watch)?;
        let blocks = par::map_blocks(&quiet, self.rows.len(), BLOCK, |range| {
            Ok(T::run_compiled::<Reads<'_>>(Read {
                lattice: self,
                planes: &planes,
                width: padded,
                rows: range,
            }))
        })?;
        let rows = blocks.iter().flat_map(|b| b.chunks_exact(padded));
        for (row, &i) in rows.zip(&self.rows) {
            let own = &mut out[i as usize * width..][columns.clone()];
            own.copy_from_slice(&row[..columns.len()]);
        }
        Ok(())
    }

    /// The plane of a sorted row's first node.
    #[inline(always)]
    fn plane_of(&self, row: usize) -> usize {
        self.starts.partition_point(|&s| s <= row) - 1
    }

    /// The weights of a row's runs along the last axis, from those of the axes between the first and the last, times `by`.
    #[inline(always)]
    fn outer(&self, own: &[T], by: T, out: &mut Vec<T>) {
        out.clear();
        out.push(by);
        let mut at = self.orders[0];
        for &order in &self.orders[1..self.orders.len().max(2) - 1] {
            let axis = &own[at..at + order];
            let before = out.len();
            out.resize(before * order, T::ZERO);
            for i in (0..before).rev() {
                let w = out[i];
                for (k, v) in axis.iter().enumerate() {
                    out[i * order + k] = w * *v;
                }
            }
            at += order;
        }
    }
}

/// Steps from a row's first node to the starts of its runs, in the order of [`Lattice::outer`].
fn steps(axes: &[(Spline, usize, usize)]) -> Vec<u32> {
    let mut out = vec![0_u32];
    for axis in 1..axes.len().max(2) - 1 {
        let size: usize = axes[axis + 1..].iter().map(|a| a.1).product();
        let own = 0..axes[axis].0.order;
        out = out
            .iter()
            .flat_map(|s| own.clone().map(move |k| s + (k * size) as u32))
            .collect();
    }
    out
}

/// The values of all rows that touch a plane, on its nodes.
struct Spread<'a, T> {
    lattice: &'a Lattice<T>,
    values: &'a [T],
    width: usize,
    plane: usize,
}

/// The sums at some sorted rows.
struct Read<'a, T> {
    lattice: &'a Lattice<T>,
    planes: &'a [Vec<T>],
    width: usize,
    rows: std::ops::Range<usize>,
}

family!(Spreads, Spread);
family!(Reads, Read);

impl<T: Float> Task for Spread<'_, T> {
    type Out = Vec<T>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<T> {
        let (lattice, width) = (self.lattice, self.width);
        let per_row: usize = lattice.orders.iter().sum();
        let mut out = vec![T::ZERO; lattice.plane() * width];
        let mut outer = Vec::new();
        let one = [T::ONE];
        for step in 0..lattice.orders[0].min(self.plane + 1) {
            let from = self.plane - step;
            for row in lattice.starts[from]..lattice.starts[from + 1] {
                let own = &lattice.weights[row * per_row..][..per_row];
                let value = &self.values[row * width..][..width];
                let last = if lattice.orders.len() > 1 {
                    &own[per_row - lattice.orders[lattice.orders.len() - 1]..]
                } else {
                    &one[..]
                };
                lattice.outer(own, own[step], &mut outer);
                for (w, s) in outer.iter().zip(&lattice.steps) {
                    let at = (lattice.bases[row] + s) as usize * width;
                    let run = &mut out[at..at + last.len() * width];
                    for (node, v) in run.chunks_exact_mut(width).zip(last) {
                        let w = *w * *v;
                        let lanes = node.chunks_exact_mut(LANES);
                        for (o, x) in lanes.zip(value.chunks_exact(LANES)) {
                            for l in 0..LANES {
                                o[l] = isa.fma(w, x[l], o[l]);
                            }
                        }
                    }
                }
            }
        }
        out
    }
}

impl<T: Float> Task for Read<'_, T> {
    type Out = Vec<T>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<T> {
        let (lattice, width) = (self.lattice, self.width);
        let per_row: usize = lattice.orders.iter().sum();
        let mut out = vec![T::ZERO; self.rows.len() * width];
        let mut outer = Vec::new();
        let one = [T::ONE];
        for (row, out) in self.rows.clone().zip(out.chunks_exact_mut(width)) {
            let own = &lattice.weights[row * per_row..][..per_row];
            let last = if lattice.orders.len() > 1 {
                &own[per_row - lattice.orders[lattice.orders.len() - 1]..]
            } else {
                &one[..]
            };
            let first = lattice.plane_of(row);
            let base = lattice.bases[row];
            for (step, by) in own[..lattice.orders[0]].iter().enumerate() {
                let plane = &self.planes[first + step][..];
                lattice.outer(own, *by, &mut outer);
                for (c, o) in out.chunks_exact_mut(LANES).enumerate() {
                    let mut sum = [T::ZERO; LANES];
                    for (w, s) in outer.iter().zip(&lattice.steps) {
                        let at = (base + s) as usize * width;
                        let run = &plane[at..at + last.len() * width];
                        for (node, v) in run.chunks_exact(width).zip(last) {
                            let w = *w * *v;
                            let x = &node[c * LANES..][..LANES];
                            for l in 0..LANES {
                                sum[l] = isa.fma(w, x[l], sum[l]);
                            }
                        }
                    }
                    for l in 0..LANES {
                        o[l] += sum[l];
                    }
                }
            }
        }
        out
    }
}

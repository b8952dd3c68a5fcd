//! What the kernel methods share: samples with targets, and searches by leave-one-out.

use crate::linear::Values;
use crate::linear::{Matrix, eigen};
use crate::{Error, Kernel, Metric, Result, Rows, Watch};

/// Samples on which a penalty or a process is judged, at most: the work is cubic.
pub(super) const TRIALS: usize = 1000;
/// Samples on which bandwidths are judged, at most: there are some twenty candidates.
pub(super) const WIDTH_TRIALS: usize = 500;

/// Samples, targets and sample weights, checked.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) x: Rows<'a, f64>,
    pub(super) y: Rows<'a, f64>,
    pub(super) weights: Option<&'a [f64]>,
}

impl<'a> Data<'a> {
    pub(super) fn new(
        x: Rows<'a, f64>,
        y: Rows<'a, f64>,
        weights: Option<&'a [f64]>,
    ) -> Result<Self> {
        x.require_finite("X")?;
        if y.rows() != x.rows() {
            return Err(Error::shape(format!(
                "y has {} rows, but X has {}; they must be equally many",
                y.rows(),
                x.rows()
            )));
        }
        y.require_finite("y")?;
        if let Some(w) = weights {
            check_weights(w, x.rows())?;
        }
        Ok(Self { x, y, weights })
    }

    pub(super) fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[i])
    }

    /// Targets `[n, p]` as columns.
    pub(super) fn targets(&self) -> Matrix {
        Matrix::of_rows(self.y).transposed()
    }
}

/// One weight for each sample, not negative, not all zero.
pub(super) fn check_weights(w: &[f64], n: usize) -> Result<()> {
    if w.len() != n {
        return Err(Error::shape(format!(
            "sample_weight has {} numbers, but there are {n} samples; give one for each",
            w.len()
        )));
    }
    if let Some(i) = w.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(Error::parameter(format!(
            "sample_weight[{i}]={} must be a finite number of at least 0",
            w[i]
        )));
    }
    if w.iter().all(|w| *w == 0.0) {
        return Err(Error::parameter(
            "sample weights are all zero; at least one must be positive",
        ));
    }
    Ok(())
}

/// A number that must be above 0.
pub(super) fn positive(x: f64, name: &str) -> Result<()> {
    if x.is_finite() && x > 0.0 {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "{name}={x} must be a positive finite number"
    )))
}

/// At most [`TRIALS`] rows, evenly drawn.
pub(super) fn trials(n: usize) -> Vec<usize> {
    let count = n.min(TRIALS);
    (0..count).map(|i| i * n / count).collect()
}

/// Half the root mean squared distance between samples.
pub(super) fn usual_width(x: Rows<'_, f64>, weights: Option<&[f64]>) -> f64 {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let n: f64 = (0..x.rows()).map(weight).sum();
    let mean_of = |f: &dyn Fn(&[f64]) -> f64| {
        let each = x.iter().enumerate().map(|(i, r)| weight(i) * f(r));
        each.sum::<f64>() / n
    };
    let spread = |c: usize| {
        let mean = mean_of(&|r| r[c]);
        mean_of(&|r| (r[c] - mean).powi(2))
    };
    let total: f64 = (0..x.columns()).map(spread).sum();
    if total > 0.0 && total.is_finite() {
        (0.5 * total).sqrt()
    } else {
        1.0
    }
}

/// Samples that share all columns as one, of the sum of their weights and the mean of their targets, and of these at most so many, evenly
/// drawn: left out together, and a weight of two is the sample twice. What targets differ by in one place is the same for all candidates.
pub(super) struct Places {
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    shape: (usize, usize, usize),
}

impl Places {
    pub(super) fn new(data: &Data<'_>, most: usize) -> Self {
        let compare = |a: usize, b: usize| {
            let columns = data.x.row(a).iter().zip(data.x.row(b));
            let mut each = columns.map(|(x, y)| x.total_cmp(y));
            each.find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        };
        let weighs = |i: &usize| data.weight(*i) > 0.0;
        let mut order: Vec<usize> = (0..data.x.rows()).filter(weighs).collect();
        order.sort_by(|&a, &b| compare(a, b));
        let all: Vec<&[usize]> = order.chunk_by(|&a, &b| compare(a, b).is_eq()).collect();
        let count = all.len().min(most);
        let p = data.y.columns();
        let (mut x, mut y, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for place in (0..count).map(|i| all[i * all.len() / count]) {
            let total: f64 = place.iter().map(|&i| data.weight(i)).sum();
            x.extend_from_slice(data.x.row(place[0]));
            weights.push(total);
            for q in 0..p {
                let sum: f64 = place
                    .iter()
                    .map(|&i| data.weight(i) * data.y.row(i)[q])
                    .sum();
                y.push(sum / total);
            }
        }
        Self {
            x,
            y,
            weights,
            shape: (count, data.x.columns(), p),
        }
    }

    pub(super) fn path(&self, kernel: &Kernel, watch: &Watch<'_>) -> Result<Path> {
        let (n, d, p) = self.shape;
        let data = Data {
            x: Rows::new(&self.x, n, d)?,
            y: Rows::new(&self.y, n, p)?,
            weights: Some(&self.weights),
        };
        Path::new(&Values::new(kernel, data.x, watch)?, &data, watch)
    }
}

/// The kernel with a usual bandwidth, where it has none of its own: `sqrt(v / 2)` for a sum `v` of the variances of all columns. For a
/// Gaussian it is the `gamma="scale"` of scikit-learn's support vector machines. A kernel without any distance stays as it is.
///
/// # Errors
/// Samples that are empty or not finite, weights that are negative, all 0 or not one for each.
pub fn scaled(kernel: &Kernel, samples: Rows<'_, f64>, weights: Option<&[f64]>) -> Result<Kernel> {
    samples.require_finite("X")?;
    if let Some(w) = weights {
        check_weights(w, samples.rows())?;
    }
    if has_own_width(kernel) {
        return Ok(kernel.clone());
    }
    Ok(widened(kernel, usual_width(samples, weights)).unwrap_or_else(|_| kernel.clone()))
}

/// Whether some part of the kernel is given a bandwidth.
pub(super) fn has_own_width(kernel: &Kernel) -> bool {
    let own = |a: &&crate::Atom| *a.bandwidth_rule() != crate::Bandwidth::Default;
    kernel.atoms().iter().any(own)
}

/// The kernel with another bandwidth in all its parts that have a distance.
pub(super) fn widened(kernel: &Kernel, h: f64) -> Result<Kernel> {
    positive(h, "bandwidth")?;
    let mut changed = false;
    let made = kernel.try_map(&mut |atom| {
        let metric = atom.metric_in_force();
        let has_width = metric.is_distance()
            && !(metric.is_score() && is_score(atom))
            && metric != Metric::Hamming;
        changed |= has_width;
        Ok(if has_width {
            atom.clone().bandwidth(h)
        } else {
            atom.clone()
        })
    })?;
    if !changed {
        return Err(Error::parameter(format!(
            "kernel {kernel} has no distance whose bandwidth could be set; leave bandwidth out"
        )));
    }
    made.check()?;
    Ok(made)
}

fn is_score(atom: &crate::Atom) -> bool {
    atom.profile().info().takes == crate::Takes::Score
}

/// The ridge problem in the kernel's eigenvectors, where each penalty costs little.
pub(super) struct Path {
    values: Vec<f64>,
    /// Squared entries of the eigenvectors are needed row by row, so that a column here is a sample.
    vectors: Matrix,
    /// Targets in eigenvectors, `[n, p]`.
    turned: Matrix,
    roots: Vec<f64>,
}

impl Path {
    /// `K` of the samples with the roots of their weights on both sides.
    pub(super) fn new(values: &Values, data: &Data<'_>, watch: &Watch<'_>) -> Result<Self> {
        let roots: Vec<f64> = (0..values.rows()).map(|i| data.weight(i).sqrt()).collect();
        let k = weighted(values.gram(watch)?, data, &roots);
        let mut y = data.targets();
        weigh(&mut y, data, &roots);
        let (found, u) = eigen(&k, watch)?;
        let turned = u.transposed_times(&y);
        Ok(Self {
            values: found,
            vectors: u.transposed(),
            turned,
            roots,
        })
    }

    /// Weighted mean squared error of each sample predicted by the others, over all targets.
    pub(super) fn loo(&self, alpha: f64) -> f64 {
        let inverse: Vec<f64> = self
            .values
            .iter()
            .map(|l| 1.0 / (l.max(0.0) + alpha))
            .collect();
        let mut total = 0.0;
        for (i, root) in self.roots.iter().enumerate() {
            let u = self.vectors.column(i);
            let own: f64 = u.iter().zip(&inverse).map(|(u, d)| u * u * d).sum();
            for p in 0..self.turned.columns() {
                let each = u.iter().zip(&inverse).zip(self.turned.column(p));
                let dual: f64 = each.map(|((u, d), y)| u * d * y).sum();
                if *root > 0.0 {
                    total += (dual / own).powi(2);
                }
            }
        }
        if total.is_finite() {
            total
        } else {
            f64::INFINITY
        }
    }

    /// The penalty of least leave-one-out error.
    pub(super) fn best(&self) -> (f64, f64) {
        let mean = self.values.iter().sum::<f64>() / self.values.len() as f64;
        let unit = if mean > 0.0 { mean } else { 1.0 };
        let (log, score) = golden((1e-8_f64.ln(), 1e3_f64.ln()), 24, 1e-2, |l| {
            Ok::<_, Error>(self.loo(unit * l.exp()))
        })
        .unwrap_or((0.0, f64::INFINITY));
        (unit * log.exp(), score)
    }
}

/// `S K S` with the roots of the weights.
pub(super) fn weighted(mut k: Matrix, data: &Data<'_>, roots: &[f64]) -> Matrix {
    if data.weights.is_some() {
        for (j, by) in roots.iter().enumerate() {
            let column = k.column_mut(j).iter_mut().zip(roots);
            column.for_each(|(x, r)| *x *= by * r);
        }
    }
    k
}

/// `S y` likewise.
pub(super) fn weigh(y: &mut Matrix, data: &Data<'_>, roots: &[f64]) {
    if data.weights.is_some() {
        for p in 0..y.columns() {
            let column = y.column_mut(p).iter_mut().zip(roots);
            column.for_each(|(x, r)| *x *= r);
        }
    }
}

/// A minimum between two ends: the best of a grid, then sections about it.
pub(super) fn golden(
    (low, high): (f64, f64),
    grid: usize,
    tolerance: f64,
    mut value: impl FnMut(f64) -> Result<f64>,
) -> Result<(f64, f64)> {
    let step = (high - low) / (grid - 1) as f64;
    let mut best = (low, f64::INFINITY);
    for i in 0..grid {
        let x = low + step * i as f64;
        let y = value(x)?;
        if y < best.1 {
            best = (x, y);
        }
    }
    let (mut a, mut b) = ((best.0 - step).max(low), (best.0 + step).min(high));
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut left, mut right) = (b - golden * (b - a), a + golden * (b - a));
    let (mut at_left, mut at_right) = (value(left)?, value(right)?);
    loop {
        for (x, y) in [(left, at_left), (right, at_right)] {
            if y < best.1 {
                best = (x, y);
            }
        }
        if b - a <= tolerance {
            break;
        }
        if at_left <= at_right {
            (b, right, at_right) = (right, left, at_left);
            left = b - golden * (b - a);
            at_left = value(left)?;
        } else {
            (a, left, at_left) = (left, right, at_right);
            right = a + golden * (b - a);
            at_right = value(right)?;
        }
    }
    Ok(best)
}

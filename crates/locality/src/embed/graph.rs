//! Weights between samples, and the leading eigenvectors of a walk along them.

use super::near;
use super::patches::pieces;
use crate::linear::{Search, Sparse};
use crate::{Error, Kernel, LocalMean, LocalMeanFit, Neighborhood, Result, Rows, Watch};

/// Rows that tell beforehand how many weights there will be.
const PROBES: usize = 32;
/// More weights than this are not kept: 3.2 GB.
const MOST: f64 = 1e8;

/// Which samples have a weight between them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pairs<'a> {
    /// Those of which one is among the `k` nearest of the other, itself counted: 1, or half of it where only one is.
    Nearest(usize),
    /// The kernel's, half the sum of both ways, of all, or of the `k` nearest.
    Kernel(&'a Kernel, Option<usize>),
}

/// A row of a sparse matrix.
type Row = (Vec<usize>, Vec<f64>);

/// Keys under a kernel.
pub(super) fn lay(
    samples: Rows<'_, f64>,
    kernel: &Kernel,
    neighbors: Option<usize>,
    watch: &Watch<'_>,
) -> Result<LocalMeanFit<f64>> {
    let region = neighbors.map_or_else(Neighborhood::all, Neighborhood::nearest);
    LocalMean::new(kernel.clone())
        .neighborhood(region)
        .fit_watched(samples, Rows::new(&[], samples.rows(), 0)?, None, watch)
}

/// Kernel values at queries, in the order of the keys.
pub(super) fn kernel_rows(
    fit: &LocalMeanFit<f64>,
    queries: Rows<'_, f64>,
    watch: &Watch<'_>,
) -> Result<Vec<Row>> {
    let order = fit.order();
    fit.local_samples(queries, watch, |i, sample| {
        let unit = sample.log_scale().exp();
        let mut row: Vec<(usize, f64)> = Vec::new();
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                if *w > 0.0 {
                    row.push((order[slot] as usize, w * unit));
                }
            }
        }
        if row.iter().any(|(_, w)| !w.is_finite()) {
            return Err(Error::not_finite(format!(
                "kernel {} is not finite at row {i} of X (counted from 0); scale the columns",
                fit.parameters().kernel()
            )));
        }
        row.sort_unstable_by_key(|(j, _)| *j);
        Ok(row.into_iter().unzip())
    })
}

/// The symmetric matrix of weights; every diagonal entry is there, those of `Nearest` being 0.
pub(super) fn weights(
    samples: Rows<'_, f64>,
    pairs: Pairs<'_>,
    watch: &Watch<'_>,
) -> Result<Sparse> {
    let n = samples.rows();
    let mut rows = match pairs {
        Pairs::Nearest(k) => {
            let found = match k {
                0 | 1 => Vec::new(),
                _ => near::others(samples, k - 1, watch)?.1,
            };
            let row = |i: usize| {
                let mut columns = found[i * (k - 1)..][..k - 1].to_vec();
                columns.sort_unstable();
                let values = vec![1.0; columns.len()];
                (columns, values)
            };
            (0..n).map(row).collect()
        }
        Pairs::Kernel(kernel, k) => {
            let fit = lay(samples, kernel, k, watch)?;
            room(&fit, samples)?;
            kernel_rows(&fit, samples, watch)?
        }
    };
    for (i, (columns, values)) in rows.iter_mut().enumerate() {
        if let Err(at) = columns.binary_search(&i) {
            columns.insert(at, i);
            values.insert(at, 0.0);
        }
    }
    Ok(Sparse::averaged(&rows))
}

/// Refuses what would not fit into memory.
fn room(fit: &LocalMeanFit<f64>, samples: Rows<'_, f64>) -> Result<()> {
    let n = samples.rows();
    let step = (n / PROBES).max(1);
    let some: Vec<f64> = (0..n)
        .step_by(step)
        .flat_map(|i| samples.row(i).to_vec())
        .collect();
    let some = Rows::new(&some, n.div_ceil(step), samples.columns())?;
    let count: usize = kernel_rows(fit, some, &Watch::default())?
        .iter()
        .map(|(columns, _)| columns.len())
        .sum();
    let total = count as f64 / some.rows() as f64 * n as f64;
    if total > MOST {
        return Err(Error::unsupported(format!(
            "{n} samples have about {total:.0} weights between them, more than the {MOST:.0} that are kept; set n_neighbors, say to 50, \
             or choose a kernel that ends, as epanechnikov"
        )));
    }
    Ok(())
}

/// The pieces that samples with weights between them make up, and how many there are.
pub(super) fn connected(weights: &Sparse) -> (Vec<usize>, usize) {
    let group = |i: usize| {
        let (columns, values) = weights.row(i);
        let tied = columns.iter().zip(values).filter(|(_, w)| **w > 0.0);
        let mut group = vec![i as u32];
        group.extend(tied.map(|(&j, _)| j as u32));
        group
    };
    pieces(weights.rows(), (0..weights.rows()).map(group))
}

/// Eigenvectors of the symmetric form of a walk along weights.
#[derive(Clone, Debug)]
pub(super) struct Leading {
    /// Of length one in each piece, `[n, c]`; 0 where a piece has too few samples.
    pub(super) vectors: Vec<f64>,
    /// 1 less the eigenvalue, `[pieces, c]`, rising.
    pub(super) gaps: Vec<f64>,
}

/// How they are sought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    pub(super) labels: &'a [usize],
    pub(super) pieces: usize,
    pub(super) count: usize,
    pub(super) tolerance: f64,
    pub(super) dense: bool,
}

/// The leading eigenvectors of `D^-1/2 W D^-1/2` but for the first, which is the root of the degrees, for each piece by itself.
pub(super) fn leading(
    weights: &Sparse,
    degrees: &[f64],
    sought: Sought<'_>,
    watch: &Watch<'_>,
) -> Result<Leading> {
    let (n, c) = (weights.rows(), sought.count);
    let roots: Vec<f64> = degrees.iter().map(|d| d.sqrt()).collect();
    let laplacian = weights.clone().map(|i, j, w| {
        let scale = roots[i] * roots[j];
        let walk = if scale > 0.0 { w / scale } else { 0.0 };
        f64::from(u8::from(i == j)) - walk
    });
    let mut out = Leading {
        vectors: vec![0.0; n * c],
        gaps: vec![1.0; sought.pieces * c],
    };
    let mut members = vec![Vec::new(); sought.pieces];
    for (i, &label) in sought.labels.iter().enumerate() {
        members[label].push(i);
    }
    for (piece, members) in members.iter().enumerate() {
        if members.len() < 2 {
            continue;
        }
        let part;
        let matrix = if sought.pieces == 1 {
            &laplacian
        } else {
            part = laplacian.part(members);
            &part
        };
        let total: f64 = members.iter().map(|&i| degrees[i]).sum();
        let known: Vec<f64> = members.iter().map(|&i| roots[i] / total.sqrt()).collect();
        let search = Search {
            known: &known,
            count: c,
            tolerance: sought.tolerance.max(1e-14),
            dense: sought.dense,
        };
        let found = matrix.bottom_below(2.0, search, watch)?;
        for (j, gap) in found.values.iter().enumerate() {
            out.gaps[piece * c + j] = *gap;
            for (&i, x) in members.iter().zip(found.vectors.column(j)) {
                out.vectors[i * c + j] = *x;
            }
        }
    }
    Ok(out)
}

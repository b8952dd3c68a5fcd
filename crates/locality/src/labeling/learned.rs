//! Compatibilities learnt from labels.

use super::graph::Graph;
use crate::{Error, Result};

/// Most rounds in which compatibilities are balanced; some dozens where factors exist.
const ROUNDS: usize = 10_000;

/// Compatibilities `[k, k]` learnt from the labels `[n]` of neighbours: how many times as often labels `a` and `b` meet across the edges as they would
/// by chance, `P(a, b) / (P(a) P(b))`, each meeting counted both ways and `prior` meetings of each pair added. Symmetric and not negative; 1 for labels
/// that do not care, which is also the value for a label that never occurs. Objects without a label are left out.
///
/// # Errors
/// Labels that are not one for each object or not below `k`; no labels `k`; a prior that is negative or not finite.
pub fn compatibilities(
    graph: &Graph,
    labels: &[Option<usize>],
    k: usize,
    prior: f64,
) -> Result<Vec<f64>> {
    check_labels(labels, graph.len(), k)?;
    if !(prior.is_finite() && prior >= 0.0) {
        return Err(Error::parameter(format!(
            "prior={prior} must be a finite number that is not negative"
        )));
    }
    let mut met = vec![prior; k * k];
    for i in 0..graph.len() {
        let (neighbours, weights) = graph.row(i);
        for (&j, w) in neighbours.iter().zip(weights) {
            if let (Some(a), Some(b)) = (labels[i], labels[j as usize]) {
                met[a * k + b] += 0.5 * w;
                met[b * k + a] += 0.5 * w;
            }
        }
    }
    let total: f64 = met.iter().sum();
    let share: Vec<f64> = met
        .chunks_exact(k)
        .map(|row| row.iter().sum::<f64>())
        .collect();
    let each = met.iter().enumerate().map(|(at, m)| {
        let chance = share[at / k] * share[at % k];
        if chance > 0.0 {
            m * total / chance
        } else {
            1.0
        }
    });
    Ok(each.collect())
}

/// [`compatibilities`] that few labels cannot lead astray: mixed with Potts compatibilities, `k` for equal labels and 0 for others, in proportion to
/// what was seen. `m` edges between labelled objects count for `m / (m + agreement)`, the belief that equal labels go together for the rest.
///
/// # Errors
/// As [`compatibilities`], and an `agreement` that is negative or not finite.
pub fn shrunk_compatibilities(
    graph: &Graph,
    labels: &[Option<usize>],
    k: usize,
    prior: f64,
    agreement: f64,
) -> Result<Vec<f64>> {
    let mut out = compatibilities(graph, labels, k, prior)?;
    if !(agreement.is_finite() && agreement >= 0.0) {
        return Err(Error::parameter(format!(
            "agreement={agreement} must be a finite number that is not negative"
        )));
    }
    if agreement > 0.0 {
        // Each edge of a symmetric graph is there from both ends.
        let both = |i: &usize| {
            let heard = graph.row(*i).0.iter();
            let known = heard.filter(|&&j| labels[j as usize].is_some()).count();
            known as f64
        };
        let labelled = (0..graph.len()).filter(|i| labels[*i].is_some());
        let seen = 0.5 * labelled.map(|i| both(&i)).sum::<f64>();
        let share = seen / (seen + agreement);
        for (at, r) in out.iter_mut().enumerate() {
            let same = if at / k == at % k { k as f64 } else { 0.0 };
            *r = share * *r + (1.0 - share) * same;
        }
    }
    Ok(out)
}

/// The same compatibilities `[k, k]`, symmetric and not negative, between labels that are equally common: scaled by one factor for each label
/// (`d_a r(a, b) d_b`) so that each row sums up to `k`. Ratios such as [`compatibilities`] have larger rows for rarer labels, which by this alone
/// would gain in every round from distributions that do not favour any label; after this, none does. A label that goes with none is 1 with all.
///
/// Where no such factors exist (two labels of which one goes with neither itself nor a third), rows come near `k`.
///
/// # Errors
/// Another number than `k * k`; entries that are negative, not finite or not symmetric.
///
/// # References
/// R. Sinkhorn, P. Knopp, *Concerning nonnegative matrices and doubly stochastic matrices*, Pacific J. Mathematics 21 (1967).
pub fn balanced(compatibilities: &[f64], k: usize) -> Result<Vec<f64>> {
    let r = compatibilities;
    if k == 0 || r.len() != k * k {
        return Err(Error::shape(format!(
            "compatibilities has {} numbers, but {k} labels need {k} rows of {k}",
            r.len()
        )));
    }
    let turned = |at: usize| r[at % k * k + at / k];
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    if let Some(at) = (0..k * k).find(|&at| {
        let x = r[at];
        !(x.is_finite() && x >= 0.0 && close(x, turned(at)))
    }) {
        return Err(Error::parameter(format!(
            "compatibilities has {} in row {}, column {} (counted from 0) and {} across; give finite numbers, not negative and symmetric",
            r[at],
            at / k,
            at % k,
            turned(at)
        )));
    }
    let alone: Vec<bool> = r
        .chunks_exact(k)
        .map(|row| row.iter().all(|x| *x == 0.0))
        .collect();
    let others = k - alone.iter().filter(|a| **a).count();
    let mut factor = vec![1.0; k];
    for _ in 0..ROUNDS {
        let sums: Vec<f64> = r
            .chunks_exact(k)
            .map(|row| row.iter().zip(&factor).map(|(r, d)| r * d).sum())
            .collect();
        let mut off = 0.0_f64;
        for ((d, s), _) in factor.iter_mut().zip(&sums).zip(&alone).filter(|at| !at.1) {
            off = off.max((*d * s - 1.0).abs());
            // The geometric mean with the plain iteration, which would swing between two ends.
            *d = (*d / s).sqrt();
        }
        if off <= 1e-13 {
            break;
        }
    }
    let scaled = r.iter().enumerate().map(|(at, r)| {
        if alone[at / k] || alone[at % k] {
            1.0
        } else {
            others as f64 * (factor[at / k] * factor[at % k]) * r
        }
    });
    Ok(scaled.collect())
}

/// Labels that are one for each object and below `k`, where they are known.
pub(super) fn check_labels(labels: &[Option<usize>], n: usize, k: usize) -> Result<()> {
    if labels.len() != n || k == 0 {
        return Err(Error::shape(format!(
            "labels has {} entries of {k} kinds, but there are {} objects; give one for each, and at least one kind",
            labels.len(),
            n
        )));
    }
    if let Some(i) = labels.iter().position(|l| l.is_some_and(|l| l >= k)) {
        return Err(Error::parameter(format!(
            "the label at position {i} (counted from 0) is not below {k}; number labels from 0"
        )));
    }
    Ok(())
}

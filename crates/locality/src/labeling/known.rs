//! Relaxation of labels of which some are known.

use super::graph::Graph;
use super::relaxation::{Labeling, RelaxationLabeling};
use super::scene::{Scene, largest_row};
use crate::{Error, Result, Watch};

/// A distribution whose probabilities differ from one over the number of labels by no more tells of no label.
const FLAT: f64 = 1e-12;

impl RelaxationLabeling {
    /// Relaxes labels `[n]` below `k`, some of which are unknown, over the objects of a graph under compatibilities `[k, k]`.
    ///
    /// Unknown labels begin with `1 / k` each, so that none has a lead by being commoner among the known ones: products would square it in every
    /// round. Where no known label arrives ([`Graph::reached`]), or all arrive alike, the distribution at the end is the shares of the known labels.
    ///
    /// A known label adds `seed_strength` to the support of its class; infinity holds it fast. A finite one begins between certainty and `1 / k`, by
    /// its strength beside what its neighbours can add, and so can be outvoted.
    ///
    /// # Errors
    /// As [`run`](Self::run); labels that are not one for each object, not below `k`, or nowhere known; a strength that is not positive.
    pub fn run_known(
        &self,
        graph: &Graph,
        compatibilities: &[f64],
        labels: &[Option<usize>],
        k: usize,
        seed_strength: f64,
        watch: &Watch<'_>,
    ) -> Result<Labeling> {
        let share = shares(labels, graph.len(), k)?;
        if seed_strength.is_nan() || seed_strength <= 0.0 {
            return Err(Error::parameter(format!(
                "seed_strength={seed_strength} must be positive, or infinite to hold known labels fast"
            )));
        }
        let even = 1.0 / k as f64;
        let most = largest_row(compatibilities, k);
        let mut first = vec![even; labels.len() * k];
        let mut start = first.clone();
        let mut seeds = vec![0.0; labels.len()];
        for (i, label) in labels.iter().enumerate() {
            let Some(label) = label else { continue };
            seeds[i] = seed_strength;
            let certain = if seed_strength.is_finite() {
                seed_strength / (seed_strength + graph.sum(i) * most)
            } else {
                1.0
            };
            let own = i * k..(i + 1) * k;
            first[own.clone()].fill(0.0);
            first[own.start + label] = 1.0;
            start[own.clone()].fill((1.0 - certain) * even);
            start[own.start + label] += certain;
        }
        let scene = Scene::new(&first)
            .edges(graph, compatibilities)
            .start(&start)
            .seeds(&seeds);
        let mut found = self.relax(&scene, watch)?;
        let known: Vec<bool> = labels.iter().map(Option::is_some).collect();
        let reached = graph.reached(&known)?;
        for (row, reached) in found.distributions.chunks_exact_mut(k).zip(reached) {
            if !reached || row.iter().all(|p| (p - even).abs() <= FLAT) {
                row.copy_from_slice(&share);
            }
        }
        Ok(found)
    }
}

/// The shares of the known labels.
fn shares(labels: &[Option<usize>], n: usize, k: usize) -> Result<Vec<f64>> {
    super::learned::check_labels(labels, n, k)?;
    let mut count = vec![0_usize; k];
    labels.iter().flatten().for_each(|l| count[*l] += 1);
    let all: usize = count.iter().sum();
    if all == 0 {
        return Err(Error::empty(
            "no label is known; at least one object needs a label",
        ));
    }
    Ok(count.iter().map(|c| *c as f64 / all as f64).collect())
}

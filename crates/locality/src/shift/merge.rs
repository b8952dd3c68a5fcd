//! Clusters of mean shift joined across their saddles.

use super::graph::Graph;
use super::ground::{Ground, Way};
use super::links::ranked;
use super::modes::{Lifetime, Merging, ModeTree};
use crate::{Float, Metric, Result, Rows, Watch};

/// The cluster of each mode, and the tree.
pub(super) struct Joined {
    pub(super) cluster_of: Vec<i64>,
    pub(super) tree: Option<ModeTree>,
    /// Of each mode.
    pub(super) lifetimes: Option<Vec<Lifetime>>,
}

impl Joined {
    /// Every mode a cluster.
    pub(super) fn not(modes: usize) -> Self {
        Self {
            cluster_of: (0..modes as i64).collect(),
            tree: None,
            lifetimes: None,
        }
    }

    /// From samples, the mode that each flows to, log densities at the modes, and at and between samples: clusters are numbered as their
    /// first mode.
    pub(super) fn new<T: Float>(
        (merging, n_neighbors): (Merging, usize),
        samples: Rows<'_, T>,
        (mode, peaks): (&[i64], &[f64]),
        (density, ground, way): (&[f64], &dyn Ground, Way),
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let (order, rank) = ranked(density);
        let none = u32::MAX;
        let mut densest = vec![none; peaks.len()];
        for &i in &order {
            let own = &mut densest[mode[i as usize] as usize];
            if *own == none {
                *own = i;
            }
        }
        let roots: Vec<u32> = mode.iter().map(|&m| densest[m as usize]).collect();
        let quiet = watch.quiet();
        let graph = Graph::new(samples, &Metric::Euclidean, n_neighbors, &rank, &quiet)?;
        let edges = way.joined(&graph, samples, &Metric::Euclidean, &rank, &quiet)?;
        // A mode is born at its own density: no sample need be there.
        let mut births = density.to_vec();
        for (&i, &peak) in densest.iter().zip(peaks).filter(|(i, _)| **i != none) {
            let birth = &mut births[i as usize];
            *birth = birth.max(peak);
        }
        let levels = (density, births.as_slice());
        let tree = ModeTree::with_births(levels, &roots, (&order, &rank), &edges, ground)?;
        let (labels, _) = tree.cut(merging)?;
        let lifetimes = densest.iter().zip(peaks).map(|(&i, &birth)| match i {
            i if i == none => Lifetime {
                birth,
                death: f64::NEG_INFINITY,
            },
            i => tree.diagram()[tree.basins()[i as usize] as usize],
        });
        let lifetimes = Some(lifetimes.collect());
        let mut number = vec![-1; peaks.len()];
        let mut found = 0;
        let mut next = |known: &mut i64| {
            if *known < 0 {
                *known = found;
                found += 1;
            }
            *known
        };
        // A mode that no sample flows to stays by itself.
        let each = densest.iter().map(|&i| match i {
            i if i == none => next(&mut -1),
            i => next(&mut number[labels[i as usize] as usize]),
        });
        Ok(Self {
            cluster_of: each.collect(),
            tree: Some(tree),
            lifetimes,
        })
    }
}

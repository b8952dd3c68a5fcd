//! Iterated local modes.

use super::graph::Graph;
use crate::random::Random;
use crate::{Error, Result, Watch};

/// The parameters of iterated local modes: objects take, one after the other, the label that most of their neighbours have, by weight,
/// until all rest.
///
/// With evidence for labels these are the iterated conditional modes of a Potts field (Besag 1986); with a label of its own for each
/// object to begin with, they cluster a graph (Raghavan, Albert and Kumara 2007). An object keeps its label unless another has more
/// support, so under symmetric weights the agreement rises with every change, and all come to rest.
///
/// ```
/// use locality::{Watch, labeling::{Graph, LocalModes}};
/// let graph = Graph::grid(&[1, 6], false)?;
/// let found = LocalModes::new().run(&graph, &[4, 4, 7, 4, 1, 1], None, &Watch::default())?;
/// assert_eq!(found.labels, [4, 4, 4, 4, 1, 1]);
/// assert_eq!(found.clusters(), [0, 0, 0, 0, 1, 1]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LocalModes {
    max_iter: usize,
    order: Option<u64>,
}

/// What iterated local modes found.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// The label of each object, `[n]`.
    pub labels: Vec<usize>,
    /// The agreement before the first round and after each: `sum_ij w_ij [l_i = l_j] / 2 + sum_i e_i(l_i)`.
    pub agreement: Vec<f64>,
    /// Whether no label changed in the last round.
    pub settled: bool,
}

impl Modes {
    /// The labels numbered from 0 as they first occur, `[n]`.
    pub fn clusters(&self) -> Vec<usize> {
        let mut numbers = std::collections::HashMap::new();
        let number = |label: &usize| {
            let next = numbers.len();
            *numbers.entry(*label).or_insert(next)
        };
        self.labels.iter().map(number).collect()
    }
}

impl Default for LocalModes {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalModes {
    /// At most 100 rounds, in the order of objects.
    pub fn new() -> Self {
        Self {
            max_iter: 100,
            order: None,
        }
    }

    /// Most rounds.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// With a seed, each round goes through the objects in another order, drawn at random: clusters then do not run along the numbers of
    /// objects.
    #[must_use]
    pub fn shuffle(mut self, seed: Option<u64>) -> Self {
        self.order = seed;
        self
    }

    /// Moves the labels `[n]` of the objects of a graph. `evidence` `[n, k]` is added to the support of each of the labels `0..k`: weights
    /// that an object has for labels by itself, such as log-probabilities.
    ///
    /// # Errors
    /// Labels that are not one for each object, or not below `k` under evidence; evidence that is no table of `n` rows or not finite; an
    /// interruption.
    pub fn run(
        &self,
        graph: &Graph,
        labels: &[usize],
        evidence: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<Modes> {
        let n = graph.len();
        let k = check(n, labels, evidence)?;
        let mut votes = Votes {
            graph,
            evidence,
            classes: k,
            numbers: numbers(labels),
            weights: Vec::new(),
            seen: Vec::new(),
        };
        votes.weights = vec![0.0; votes.numbers.len().max(k)];
        let mut own: Vec<usize> = match evidence {
            Some(_) => labels.to_vec(),
            None => labels
                .iter()
                .map(|l| votes.numbers.partition_point(|known| known < l))
                .collect(),
        };
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut out = Modes {
            labels: Vec::new(),
            agreement: vec![votes.agreement(&own)],
            settled: false,
        };
        for round in 0..self.max_iter {
            watch.check()?;
            watch.report(round, self.max_iter);
            if let Some(seed) = self.order {
                let mut random = Random::new(seed, round as u64);
                for i in (1..n).rev() {
                    order.swap(i, random.below(i + 1));
                }
            }
            let mut changes = 0;
            for &i in &order {
                let best = votes.best(i as usize, &own);
                changes += usize::from(best != own[i as usize]);
                own[i as usize] = best;
            }
            out.agreement.push(votes.agreement(&own));
            out.settled = changes == 0;
            if out.settled {
                break;
            }
        }
        out.labels = match evidence {
            Some(_) => own,
            None => own.iter().map(|&l| votes.numbers[l]).collect(),
        };
        Ok(out)
    }
}

/// Support of labels at an object.
struct Votes<'a> {
    graph: &'a Graph,
    evidence: Option<&'a [f64]>,
    classes: usize,
    /// The labels that occur, ascending.
    numbers: Vec<usize>,
    weights: Vec<f64>,
    seen: Vec<usize>,
}

impl Votes<'_> {
    /// The label of most support: its own where that is among the best, else the lowest.
    fn best(&mut self, i: usize, labels: &[usize]) -> usize {
        let (neighbours, weights) = self.graph.row(i);
        self.seen.clear();
        if let Some(evidence) = self.evidence {
            let own = &evidence[i * self.classes..(i + 1) * self.classes];
            self.weights.copy_from_slice(own);
            self.seen.extend(0..self.classes);
        }
        for (&j, w) in neighbours.iter().zip(weights) {
            // An edge to oneself says nothing.
            if j as usize == i || *w == 0.0 {
                continue;
            }
            let label = labels[j as usize];
            if self.evidence.is_none() && self.weights[label] == 0.0 {
                self.seen.push(label);
            }
            self.weights[label] += w;
        }
        let mut best = labels[i];
        for &label in &self.seen {
            let (own, most) = (self.weights[label], self.weights[best]);
            if own > most || own == most && best != labels[i] && label < best {
                best = label;
            }
        }
        self.seen.iter().for_each(|&l| self.weights[l] = 0.0);
        best
    }

    fn agreement(&self, labels: &[usize]) -> f64 {
        let of = |i: usize| {
            let (neighbours, weights) = self.graph.row(i);
            let alike = neighbours.iter().zip(weights);
            let alike =
                alike.filter(|(j, _)| labels[**j as usize] == labels[i] && **j as usize != i);
            let own = self
                .evidence
                .map_or(0.0, |e| e[i * self.classes + labels[i]]);
            0.5 * alike.map(|(_, w)| w).sum::<f64>() + own
        };
        (0..labels.len()).map(of).sum()
    }
}

/// The labels that occur, ascending.
fn numbers(labels: &[usize]) -> Vec<usize> {
    let mut out = labels.to_vec();
    out.sort_unstable();
    out.dedup();
    out
}

/// The number of labels with evidence; 0 without.
fn check(n: usize, labels: &[usize], evidence: Option<&[f64]>) -> Result<usize> {
    if labels.len() != n {
        return Err(Error::shape(format!(
            "labels has {} entries, but there are {n} objects; give one for each",
            labels.len()
        )));
    }
    let Some(evidence) = evidence else {
        return Ok(0);
    };
    let k = evidence.len() / n;
    if k == 0 || evidence.len() != n * k {
        return Err(Error::shape(format!(
            "evidence has {} numbers, which is no table of {n} objects; give one row for each",
            evidence.len()
        )));
    }
    if let Some(at) = evidence.iter().position(|e| !e.is_finite()) {
        return Err(Error::not_finite(format!(
            "evidence has {} in row {}, column {} (counted from 0); give finite numbers",
            evidence[at],
            at / k,
            at % k
        )));
    }
    if let Some(i) = labels.iter().position(|l| *l >= k) {
        return Err(Error::parameter(format!(
            "labels has {} at position {i} (counted from 0), but evidence has {k} columns; number labels from 0",
            labels[i]
        )));
    }
    Ok(k)
}

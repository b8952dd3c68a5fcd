//! Modes and the saddles between them: which are merged, by how far they rise above the saddle to a higher one.

use std::collections::{HashMap, HashSet};

use super::graph::Graph;
use super::ground::{Ends, Ground};
use super::links::{NONE, number, roots};
use crate::{Error, Float, Metric, Result, Rows, Watch};

/// Edges between two basins along which the density is asked for: those that promise the highest saddle.
const PASSES: usize = 16;

/// Without a persistence that is asked for, so few samples are no cluster of their own where there is a saddle to another.
const SPECK: usize = 2;

/// Which modes are clusters of their own, and which join a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Merging {
    /// Every mode is a cluster.
    #[default]
    Never,
    /// Modes of less than this persistence join the higher mode beyond their saddle. Persistence is the logarithm of a mode's
    /// density over its saddle's: `ln 2` asks for a peak of twice the saddle.
    Below(f64),
    /// The same, with the persistence in the middle of the [largest gap](ModeTree::gap); one or two samples join across any saddle.
    Auto,
    /// The least persistent modes join until so many clusters are left (or no more are connected).
    Clusters(usize),
}

/// When a mode appears and disappears, as the level of density falls: log densities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    /// The log density at the mode.
    pub birth: f64,
    /// The log density of the highest saddle to a higher mode; negative infinity where there is none.
    pub death: f64,
}

impl Lifetime {
    /// `birth - death`.
    pub fn persistence(&self) -> f64 {
        self.birth - self.death
    }
}

/// The modes of a density on a graph of samples, their basins, and the saddles between the basins (Chazal, Guibas, Oudot and
/// Skraba 2013, *Persistence-based clustering in Riemannian manifolds*, J. ACM 60).
#[derive(Clone, Debug)]
pub struct ModeTree {
    basins: Vec<u32>,
    modes: Vec<usize>,
    lifetimes: Vec<Lifetime>,
    /// Highest saddle between two basins, highest first.
    saddles: Vec<(f64, u32, u32)>,
    lowest: f64,
    /// Samples of each mode where it meets a denser one, with those of modes that it has taken up by then.
    sizes: Vec<usize>,
    alone: Vec<usize>,
}

impl ModeTree {
    /// From log densities `[n]`, the root of each sample, the samples in descending order, pairs of neighbours, and the density between
    /// them.
    pub(super) fn new(
        density: &[f64],
        roots: &[u32],
        (order, rank): (&[u32], &[u32]),
        edges: &[(u32, u32)],
        ground: &dyn Ground,
    ) -> Result<Self> {
        Self::with_births((density, density), roots, (order, rank), edges, ground)
    }

    /// The same where the mode of a root is as dense as `births`, `[n]`, says at the root: at least as dense as that sample.
    pub(super) fn with_births(
        (density, births): (&[f64], &[f64]),
        roots: &[u32],
        (order, rank): (&[u32], &[u32]),
        edges: &[(u32, u32)],
        ground: &dyn Ground,
    ) -> Result<Self> {
        let (mut basins, mut modes) = number(roots, order);
        by_birth(&mut basins, &mut modes, births);
        let saddles = saddles(&basins, rank, edges, ground)?;
        let birth: Vec<f64> = modes.iter().map(|&m| births[m]).collect();
        let mut lifetimes: Vec<Lifetime> = birth
            .iter()
            .map(|&birth| Lifetime {
                birth,
                death: f64::NEG_INFINITY,
            })
            .collect();
        let mut sets: Vec<u32> = (0..modes.len() as u32).collect();
        let mut alone = vec![0_usize; modes.len()];
        for &b in &basins {
            alone[b as usize] += 1;
        }
        let mut sizes = alone.clone();
        for &(height, a, b) in &saddles {
            let (a, b) = (find(&mut sets, a), find(&mut sets, b));
            if a != b {
                // Modes are numbered from the densest down, so that the elder has the smaller number.
                let (elder, younger) = (a.min(b), a.max(b));
                let life = &mut lifetimes[younger as usize];
                life.death = height.min(life.birth);
                sets[younger as usize] = elder;
                sizes[elder as usize] += sizes[younger as usize];
            }
        }
        Ok(Self {
            sizes,
            alone,
            basins,
            modes,
            lifetimes,
            saddles,
            lowest: density.iter().copied().fold(f64::INFINITY, f64::min),
        })
    }

    /// Number of modes before any is merged.
    pub fn n_modes(&self) -> usize {
        self.modes.len()
    }

    /// The sample at each mode (of mean shift, whose modes lie between samples, the densest sample that flows there), densest mode first.
    pub fn modes(&self) -> &[usize] {
        &self.modes
    }

    /// The mode in whose basin each sample lies, `[n]`.
    pub fn basins(&self) -> &[u32] {
        &self.basins
    }

    /// The persistence diagram: birth and death of each mode, densest first.
    pub fn diagram(&self) -> &[Lifetime] {
        &self.lifetimes
    }

    /// The persistence in the largest gap between the modes' persistences: where they fall by the largest factor, each taken 0.1 larger, so
    /// that saddles within ten percent of their mode are all the same. The densest mode, which never dies, counts with the whole range
    /// of log densities. Modes of one or two samples do not count; nor do those beyond a saddle that is lower than every sample, which are above
    /// the gap in any case. Infinite where there is one mode only.
    pub fn gap(&self) -> f64 {
        const FLOOR: f64 = 0.1;
        let range = self.lifetimes[0].birth - self.lowest;
        let (mut among, mut least) = (Vec::new(), f64::INFINITY);
        for (life, _) in self
            .lifetimes
            .iter()
            .zip(&self.sizes)
            .filter(|(_, n)| **n > SPECK)
        {
            let persistence = life.persistence();
            if life.death >= self.lowest {
                among.push(persistence);
            } else if persistence.is_finite() {
                least = least.min(persistence);
            }
        }
        among.sort_by(|a, b| b.total_cmp(a));
        let Some(&largest) = among.first() else {
            return least;
        };
        let mut before = largest.max(range);
        let mut best = (0.0, 0.0);
        // All of them, or none.
        among.push(0.0);
        for p in among {
            let fall = (before + FLOOR) / (p + FLOOR);
            if fall > best.0 {
                best = (fall, p + (before - p) / 2.0);
            }
            before = p;
        }
        best.1.min(least)
    }

    /// Finite persistences, largest first.
    fn sorted_persistence(&self) -> Vec<f64> {
        let mut finite: Vec<f64> = self
            .lifetimes
            .iter()
            .map(Lifetime::persistence)
            .filter(|p| p.is_finite())
            .collect();
        finite.sort_by(|a, b| b.total_cmp(a));
        finite
    }

    /// The least persistence of a mode that is kept.
    ///
    /// # Errors
    /// A persistence that is negative or NaN; 0 clusters.
    pub fn threshold(&self, merging: Merging) -> Result<f64> {
        match merging {
            Merging::Never => Ok(0.0),
            Merging::Below(p) if p >= 0.0 => Ok(p),
            Merging::Below(p) => Err(Error::parameter(format!(
                "min_persistence={p} must be at least 0, in units of log density"
            ))),
            Merging::Auto => Ok(self.gap()),
            Merging::Clusters(0) => Err(Error::parameter(
                "n_clusters=0 leaves no cluster; ask for 1 or more",
            )),
            Merging::Clusters(k) => {
                let finite = self.sorted_persistence();
                let lasting = self.n_modes() - finite.len();
                let kept = k.saturating_sub(lasting);
                Ok(match finite.get(kept) {
                    // Just above the first that goes; the smallest kept where both are equal.
                    Some(gone) => gone.next_up(),
                    None => 0.0,
                })
            }
        }
    }

    /// Labels `[n]` and the sample at each cluster's mode, densest first, where modes below a persistence are merged.
    ///
    /// # Errors
    /// As [`threshold`](Self::threshold).
    pub fn cut(&self, merging: Merging) -> Result<(Vec<i64>, Vec<usize>)> {
        let least = self.threshold(merging)?;
        let mut sets: Vec<u32> = (0..self.modes.len() as u32).collect();
        let mut sizes = self.alone.clone();
        for &(height, a, b) in &self.saddles {
            let (a, b) = (find(&mut sets, a), find(&mut sets, b));
            let (elder, younger) = (a.min(b), a.max(b));
            let birth = self.lifetimes[younger as usize].birth;
            let speck = merging == Merging::Auto && sizes[younger as usize] <= SPECK;
            if a != b && (speck || birth - height.min(birth) < least) {
                sets[younger as usize] = elder;
                sizes[elder as usize] += sizes[younger as usize];
            }
        }
        let mut label = vec![0; sets.len()];
        let mut kept = Vec::new();
        for m in 0..sets.len() as u32 {
            let root = find(&mut sets, m);
            if root == m {
                label[m as usize] = kept.len() as i64;
                kept.push(self.modes[m as usize]);
            } else {
                label[m as usize] = label[root as usize];
            }
        }
        let labels = self.basins.iter().map(|&b| label[b as usize]).collect();
        Ok((labels, kept))
    }
}

/// Numbers basins anew, from the densest mode down; in the order they have where births are those of samples in order.
fn by_birth(basins: &mut [u32], modes: &mut Vec<usize>, births: &[f64]) {
    let mut order: Vec<u32> = (0..modes.len() as u32).collect();
    let birth = |m: u32| births[modes[m as usize]];
    order.sort_by(|&a, &b| birth(b).total_cmp(&birth(a)));
    let mut number = vec![0; order.len()];
    for (new, &old) in (0..).zip(&order) {
        number[old as usize] = new;
    }
    for basin in basins {
        *basin = number[*basin as usize];
    }
    *modes = order.iter().map(|&m| modes[m as usize]).collect();
}

/// The set of a mode, with the way to it shortened.
fn find(sets: &mut [u32], mut i: u32) -> u32 {
    while sets[i as usize] != i {
        sets[i as usize] = sets[sets[i as usize] as usize];
        i = sets[i as usize];
    }
    i
}

/// A guess at the least density of an edge.
type Guess = (f64, (u32, u32));

/// The highest saddle between each two basins that touch in the graph, highest first; of equally high ones the first in the order.
fn saddles(
    basins: &[u32],
    rank: &[u32],
    edges: &[(u32, u32)],
    ground: &dyn Ground,
) -> Result<Vec<(f64, u32, u32)>> {
    let pair = |(i, j): (u32, u32)| {
        let (a, b) = (basins[i as usize], basins[j as usize]);
        (a.min(b), a.max(b))
    };
    // The later of the two in the order is the lower one.
    let place = |(i, j): (u32, u32)| {
        let (p, q) = (rank[i as usize], rank[j as usize]);
        (p.max(q), p.min(q))
    };
    let mut crossing: HashMap<(u32, u32), Vec<Guess>> = HashMap::new();
    for &edge in edges {
        let (a, b) = pair(edge);
        if a != b {
            let list = crossing.entry((a, b)).or_default();
            list.push((ground.guess(edge), edge));
        }
    }
    let mut asked = Vec::new();
    for list in crossing.values_mut() {
        list.sort_unstable_by(|x, y| y.0.total_cmp(&x.0).then(place(x.1).cmp(&place(y.1))));
        asked.extend(list.iter().take(PASSES).map(|(_, edge)| *edge));
    }
    // In an order of their own: that of a map differs from run to run.
    asked.sort_unstable();
    let heights = ground.least(&asked)?;
    let mut all: Vec<_> = heights.into_iter().zip(asked).collect();
    all.retain(|(height, _)| *height > f64::NEG_INFINITY);
    all.sort_unstable_by(|x, y| {
        let by_place = || (place(x.1), pair(x.1)).cmp(&(place(y.1), pair(y.1)));
        y.0.total_cmp(&x.0).then_with(by_place)
    });
    let mut seen = HashSet::new();
    all.retain(|(_, edge)| seen.insert(pair(*edge)));
    Ok(all
        .into_iter()
        .map(|(height, edge)| {
            let (a, b) = pair(edge);
            (height, a, b)
        })
        .collect())
}

/// The modes of log densities `[n]` given at samples `[n, d]`, on the graph of each sample's `n_neighbors` nearest others: each
/// sample climbs to the densest of its neighbours. This is `ToMATo` (Chazal et al. 2013) for a density of any origin.
///
/// ```
/// use locality::shift::{Merging, mode_tree};
/// use locality::{Metric, Rows, Watch};
/// let x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let log_density = [0.0, 2.0, 1.0, 1.5, 1.25, 3.0, 0.0];
/// let tree = mode_tree(Rows::column(&x), &log_density, 2, &Metric::Euclidean, &Watch::default())?;
/// let lives: Vec<f64> = tree.diagram().iter().map(|l| l.persistence()).collect();
/// assert_eq!(lives, [f64::INFINITY, 1.0, 0.25]);
/// assert_eq!(tree.cut(Merging::Below(0.7))?.0, [1, 1, 1, 0, 0, 0, 0]);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// No samples, NaN or infinite numbers, densities that are not `n` or NaN, `n_neighbors` of 0, an interruption.
pub fn mode_tree<T: Float>(
    samples: Rows<'_, T>,
    log_density: &[f64],
    n_neighbors: usize,
    metric: &Metric,
    watch: &Watch<'_>,
) -> Result<ModeTree> {
    samples.require_finite("samples")?;
    if log_density.len() != samples.rows() {
        return Err(Error::shape(format!(
            "log_density has {} entries, but there are {} samples; give one each",
            log_density.len(),
            samples.rows()
        )));
    }
    if let Some(i) = log_density.iter().position(|x| x.is_nan()) {
        return Err(Error::not_finite(format!(
            "log_density is NaN at position {i} (counted from 0); give the logarithm of each sample's density"
        )));
    }
    check_neighbors(n_neighbors)?;
    let (order, rank) = super::links::ranked(log_density);
    let graph = Graph::new(samples, metric, n_neighbors, &rank, watch)?;
    let roots = climb(&graph.speaker, &graph.edges, &order, &rank);
    let how = (order.as_slice(), rank.as_slice());
    ModeTree::new(log_density, &roots, how, &graph.edges, &Ends(log_density))
}

pub(super) fn check_neighbors(k: usize) -> Result<()> {
    if k == 0 {
        return Err(Error::parameter(
            "n_neighbors=0 leaves every sample alone; give 1 or more",
        ));
    }
    Ok(())
}

/// The root of each sample where each is linked to the densest of its neighbours, and copies to the one that speaks for them.
pub(super) fn climb(
    speaker: &[u32],
    edges: &[(u32, u32)],
    order: &[u32],
    rank: &[u32],
) -> Vec<u32> {
    let n = order.len();
    let mut to: Vec<u32> = speaker.to_vec();
    // Neighbours are neighbours both ways.
    for &(i, j) in edges {
        for (a, b) in [(i, j), (j, i)] {
            if rank[b as usize] < rank[to[a as usize] as usize] {
                to[a as usize] = b;
            }
        }
    }
    let links = super::links::Links {
        length: vec![0.0; n],
        to: to
            .into_iter()
            .enumerate()
            .map(|(i, t)| if t == i as u32 { NONE } else { t })
            .collect(),
    };
    roots(&links, order, f64::INFINITY, &[])
}

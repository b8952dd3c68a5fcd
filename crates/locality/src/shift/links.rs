//! Samples linked to samples, and the trees that the links make.

use crate::{Float, Metric, Nearest, Neighbors, Result, Rows, Watch};

/// Samples looked up at once: bounds the memory of neighbour lists.
const CHUNK: usize = 1 << 15;
/// How many neighbours are looked at before what is left is searched by halves.
const FIRST_LOOKS: [usize; 3] = [8, 32, 128];

/// No sample: the densest of all is linked to none.
pub(super) const NONE: u32 = u32::MAX;

/// What each sample is linked to, and how far away that is.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// The sample linked to, [`NONE`] for none.
    pub(super) to: Vec<u32>,
    /// The distance to it; infinite for none.
    pub(super) length: Vec<f64>,
}

/// Samples from the densest down, those of equal density in index order, and the place of each in that order.
pub(super) fn ranked(density: &[f64]) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<u32> = (0..density.len() as u32).collect();
    order.sort_by(|&a, &b| density[b as usize].total_cmp(&density[a as usize]));
    let mut rank = vec![0; order.len()];
    for (r, &i) in order.iter().enumerate() {
        rank[i as usize] = r as u32;
    }
    (order, rank)
}

/// Which samples have no weight: they are no samples, but get a label.
pub(super) fn massless<T: Float>(weights: Option<&[T]>, n: usize) -> Vec<bool> {
    weights.map_or_else(
        || vec![false; n],
        |w| w.iter().map(|w| *w == T::ZERO).collect(),
    )
}

/// Those that have one.
pub(super) fn weighty(massless: &[bool]) -> Vec<u32> {
    (0..)
        .zip(massless)
        .filter(|(_, m)| !**m)
        .map(|(i, _)| i)
        .collect()
}

/// Densities for a ranking in which samples without weight come last.
pub(super) fn heard(density: &[f64], massless: &[bool]) -> Vec<f64> {
    let one = |(density, massless): (&f64, &bool)| {
        if *massless {
            f64::NEG_INFINITY
        } else {
            *density
        }
    };
    density.iter().zip(massless).map(one).collect()
}

/// Links each sample to the nearest one before it in the order; the earliest of equally near ones.
pub(super) fn nearest_before<T: Float>(
    samples: Rows<'_, T>,
    metric: &Metric,
    order: &[u32],
    rank: &[u32],
    watch: &Watch<'_>,
) -> Result<Links> {
    let n = samples.rows();
    let mut links = Links {
        to: vec![NONE; n],
        length: vec![f64::INFINITY; n],
    };
    let nearest = Nearest::fit(samples, metric)?;
    let mut open: Vec<u32> = order.iter().skip(1).copied().collect();
    for k in FIRST_LOOKS {
        if k >= n && n > FIRST_LOOKS[0] {
            break;
        }
        open = look(&nearest, samples, k.min(n), rank, &open, &mut links, watch)?;
        watch.report(n - open.len(), n);
    }
    by_halves(samples, metric, order, rank, &open, &mut links, watch)?;
    Ok(links)
}

/// Looks at the `k` nearest of the open samples; returns those that it does not settle.
fn look<T: Float>(
    nearest: &Nearest<T>,
    samples: Rows<'_, T>,
    k: usize,
    rank: &[u32],
    open: &[u32],
    links: &mut Links,
    watch: &Watch<'_>,
) -> Result<Vec<u32>> {
    let mut left = Vec::new();
    for chunk in open.chunks(CHUNK) {
        let rows = gather(samples, chunk);
        let rows = Rows::new(&rows, chunk.len(), samples.columns())?;
        let found = nearest.k_nearest(rows, k, &watch.quiet())?;
        for (q, &i) in chunk.iter().enumerate() {
            match first_before(&found, q, rank, rank[i as usize], k == samples.rows()) {
                Some((to, length)) => {
                    links.to[i as usize] = to;
                    links.length[i as usize] = length;
                }
                None => left.push(i),
            }
        }
    }
    Ok(left)
}

/// The nearest of a list that comes before `own` in the order; nothing where one beyond the list may be as near.
fn first_before<T: Float>(
    found: &Neighbors<T>,
    query: usize,
    rank: &[u32],
    own: u32,
    whole: bool,
) -> Option<(u32, f64)> {
    let range = query * found.k..(query + 1) * found.k;
    let pairs = || {
        found.indices[range.clone()]
            .iter()
            .zip(&found.distances[range.clone()])
    };
    let (_, distance) = pairs().find(|(i, _)| rank[**i] < own)?;
    if !whole && found.distances[range.end - 1] <= *distance {
        return None;
    }
    let equal = pairs().filter(|(i, d)| **d == *distance && rank[**i] < own);
    let best = equal.min_by_key(|(i, _)| rank[**i])?;
    Some((*best.0 as u32, distance.to_f64()))
}

/// Rows of some samples, one after the other.
pub(super) fn gather<T: Float>(samples: Rows<'_, T>, which: &[u32]) -> Vec<T> {
    let mut rows = Vec::with_capacity(which.len() * samples.columns());
    for &i in which {
        rows.extend_from_slice(samples.row(i as usize));
    }
    rows
}

/// Settles the open samples: of every stretch of the order, the later half is searched for in the earlier one, so that each
/// sample meets every one before it exactly once.
fn by_halves<T: Float>(
    samples: Rows<'_, T>,
    metric: &Metric,
    order: &[u32],
    rank: &[u32],
    open: &[u32],
    links: &mut Links,
    watch: &Watch<'_>,
) -> Result<()> {
    let mut open: Vec<u32> = open.iter().map(|&i| rank[i as usize]).collect();
    open.sort_unstable();
    let d = samples.columns();
    let mut stretches = vec![(0, order.len())];
    while let Some((from, to)) = stretches.pop() {
        watch.check()?;
        let middle = from + (to - from) / 2;
        let at = |r: usize| open.partition_point(|&o| (o as usize) < r);
        if to - from < 2 || at(from) == at(to) {
            continue;
        }
        stretches.push((from, middle));
        stretches.push((middle, to));
        let asking = &open[at(middle)..at(to)];
        if asking.is_empty() {
            continue;
        }
        let keys = gather(samples, &order[from..middle]);
        let nearest = Nearest::fit(Rows::new(&keys, middle - from, d)?, metric)?;
        let asking: Vec<u32> = asking.iter().map(|&r| order[r as usize]).collect();
        let rows = gather(samples, &asking);
        let found = nearest.k_nearest(Rows::new(&rows, asking.len(), d)?, 1, &watch.quiet())?;
        for (q, &i) in asking.iter().enumerate() {
            let (key, length) = (found.indices[q], found.distances[q].to_f64());
            let candidate = order[from + key];
            let (known, best) = (&mut links.to[i as usize], &mut links.length[i as usize]);
            let earlier = *known != NONE && rank[candidate as usize] < rank[*known as usize];
            if length < *best || (length <= *best && earlier) {
                (*known, *best) = (candidate, length);
            }
        }
    }
    Ok(())
}

/// The root of each sample where links longer than `longest` are cut, but for those of samples without weight. Links must lead to earlier
/// samples of the order.
pub(super) fn roots(links: &Links, order: &[u32], longest: f64, massless: &[bool]) -> Vec<u32> {
    let mut roots = vec![NONE; order.len()];
    for &i in order {
        let i = i as usize;
        roots[i] = if links.to[i] == NONE || (links.length[i] > longest && !massless[i]) {
            i as u32
        } else {
            roots[links.to[i] as usize]
        };
    }
    roots
}

/// Basins numbered from the densest root down: the number of each sample's, and the roots.
pub(super) fn number(roots: &[u32], order: &[u32]) -> (Vec<u32>, Vec<usize>) {
    let mut of_root = vec![NONE; roots.len()];
    let mut modes = Vec::new();
    for &i in order {
        if roots[i as usize] == i {
            of_root[i as usize] = modes.len() as u32;
            modes.push(i as usize);
        }
    }
    let basins = roots.iter().map(|&r| of_root[r as usize]).collect();
    (basins, modes)
}

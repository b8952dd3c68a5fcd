//! How well an embedding keeps neighbourhoods.

use super::near;
use crate::{Error, Metric, Nearest, Result, Rows, Watch, par};

/// Rows whose ranks are one piece of work.
const BLOCK: usize = 16;

/// How far the neighbours in the embedding `[n, c]` can be trusted to be neighbours among the samples `[n, d]`: 1 where all `k` nearest
/// are, less for each intruder, by its rank.
///
/// Source: J. Venna, S. Kaski, *Neighborhood preservation in nonlinear projection methods*, ICANN (2001).
///
/// ```
/// use locality::{Rows, Watch, embed::trustworthiness};
/// let x = [0.0, 1.0, 2.1, 3.3, 4.6, 6.0];
/// let score = trustworthiness(Rows::column(&x), Rows::column(&x), 2, &Watch::default())?;
/// assert_eq!(score, 1.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// Different numbers of rows, `k` of 0 or at least half the rows, numbers that are not finite, an interruption.
pub fn trustworthiness(
    samples: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    samples.require_finite("X")?;
    let embedding = Space::euclidean("X_embedded", embedding)?;
    score(&Space::Plain(samples), &embedding, k, watch)
}

/// [`trustworthiness`] where samples are compared under another metric; the embedding's distances are Euclidean.
///
/// ```
/// use locality::{Metric, Rows, Watch, embed::trustworthiness_under};
/// let (x, y) = ([0.0, 0.0, 1.0, 1.0, 2.0, 0.1, 3.3, 1.0, 4.6, 0.0, 6.0, 0.3], [0.0, 2.0, 2.2, 4.2, 4.7, 6.4]);
/// let x = Rows::new(&x, 6, 2)?;
/// let score = trustworthiness_under(x, &Metric::Manhattan, Rows::column(&y), 2, &Watch::default())?;
/// assert!((score - 14.0 / 15.0).abs() < 1e-12);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// As [`trustworthiness`], and for a metric that is none or does not fit the columns.
pub fn trustworthiness_under(
    samples: Rows<'_, f64>,
    metric: &Metric,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let samples = Space::under("X", samples, metric)?;
    score(
        &samples,
        &Space::euclidean("X_embedded", embedding)?,
        k,
        watch,
    )
}

/// [`trustworthiness`] from the distances between samples, `[n, n]`, each row those from one sample.
///
/// # Errors
/// As [`trustworthiness`], and for distances that are not square or are negative.
pub fn trustworthiness_of_distances(
    distances: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let samples = Space::distances(distances)?;
    score(
        &samples,
        &Space::euclidean("X_embedded", embedding)?,
        k,
        watch,
    )
}

/// Rows between which there is a distance.
enum Space<'a> {
    /// Euclidean.
    Plain(Rows<'a, f64>),
    /// Of another metric, laid out for search.
    Metric(Rows<'a, f64>, Box<Nearest<f64>>),
    /// Known distances.
    Distances(Rows<'a, f64>),
}

impl<'a> Space<'a> {
    fn euclidean(name: &str, rows: Rows<'a, f64>) -> Result<Self> {
        rows.require_finite(name)?;
        Ok(Self::Plain(rows))
    }

    fn under(name: &str, rows: Rows<'a, f64>, metric: &Metric) -> Result<Self> {
        if *metric == Metric::Euclidean {
            return Self::euclidean(name, rows);
        }
        rows.require_finite(name)?;
        if !metric.is_distance() {
            return Err(Error::unsupported(format!(
                "metric={} is no distance; choose euclidean or another distance",
                metric.info().name
            )));
        }
        Ok(Self::Metric(rows, Box::new(Nearest::fit(rows, metric)?)))
    }

    fn distances(rows: Rows<'a, f64>) -> Result<Self> {
        let (n, m) = (rows.rows(), rows.columns());
        if n != m {
            return Err(Error::shape(format!(
                "X holds distances, metric='precomputed', but has {n} rows of {m} columns; give one of each for every sample"
            )));
        }
        rows.require_finite("X")?;
        if let Some(x) = rows.iter().flatten().find(|x| **x < 0.0) {
            return Err(Error::parameter(format!(
                "X has the distance {x}, which is negative; give distances of at least 0"
            )));
        }
        Ok(Self::Distances(rows))
    }

    fn rows(&self) -> usize {
        match self {
            Self::Plain(rows) | Self::Metric(rows, _) | Self::Distances(rows) => rows.rows(),
        }
    }

    /// The `k` nearest others of each row, `[n, k]`, ties in index order.
    fn near(&self, k: usize, watch: &Watch<'_>) -> Result<Vec<usize>> {
        match self {
            Self::Plain(rows) => Ok(near::others(*rows, k, watch)?.1),
            Self::Metric(rows, search) => near::others_by(search, *rows, k, watch),
            Self::Distances(rows) => {
                let blocks = par::map_blocks(watch, rows.rows(), BLOCK, |range| {
                    let one = |i: usize| {
                        let far = rows.row(i);
                        let mut others: Vec<usize> = (0..far.len()).filter(|&j| j != i).collect();
                        others.sort_unstable_by(|&a, &b| far[a].total_cmp(&far[b]).then(a.cmp(&b)));
                        others.truncate(k);
                        others
                    };
                    Ok(range.flat_map(one).collect::<Vec<usize>>())
                })?;
                Ok(blocks.concat())
            }
        }
    }

    /// What rises with the distance from row `i` to each row, `[n]`.
    fn away(&self, i: usize, far: &mut Vec<f64>) -> Result<()> {
        far.clear();
        match self {
            Self::Plain(rows) => {
                let own = rows.row(i);
                let square = |row: &[f64]| {
                    let pairs = row.iter().zip(own);
                    pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
                };
                far.extend(rows.iter().map(square));
            }
            Self::Metric(rows, search) => {
                let own = rows.slice(i..i + 1);
                let all = search.k_nearest(own, rows.rows(), &Watch::default())?;
                far.resize(rows.rows(), 0.0);
                for (&j, d) in all.indices.iter().zip(all.distances) {
                    far[j] = d;
                }
            }
            Self::Distances(rows) => far.extend_from_slice(rows.row(i)),
        }
        Ok(())
    }
}

/// How far neighbours in the second space are neighbours in the first.
fn score(first: &Space<'_>, second: &Space<'_>, k: usize, watch: &Watch<'_>) -> Result<f64> {
    let n = first.rows();
    if second.rows() != n {
        return Err(Error::shape(format!(
            "X has {n} rows, but X_embedded has {}; give the same rows in the same order",
            second.rows()
        )));
    }
    if k == 0 || 2 * k >= n {
        return Err(Error::parameter(format!(
            "n_neighbors={k} must be at least 1 and less than n_samples / 2 = {}",
            n as f64 / 2.0
        )));
    }
    let found = second.near(k, &watch.quiet())?;
    let sums = par::map_blocks(watch, n, BLOCK, |range| {
        let mut far = Vec::with_capacity(n);
        let mut sum = 0;
        for i in range {
            first.away(i, &mut far)?;
            let near = &found[i * k..][..k];
            sum += near.iter().map(|&j| intrusion(&far, i, j, k)).sum::<u64>();
        }
        Ok(sum)
    })?;
    let (n, k) = (n as f64, k as f64);
    let sum = sums.iter().sum::<u64>() as f64;
    Ok(1.0 - sum * (2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0))))
}

/// By how much the rank of `j` among the others, by these distances from `i`, is beyond `k`; ties go to the lower index.
fn intrusion(far: &[f64], i: usize, j: usize, k: usize) -> u64 {
    let nearer = far
        .iter()
        .enumerate()
        .filter(|&(l, d)| l != i && l != j && (*d < far[j] || *d == far[j] && l < j));
    (nearer.count() as u64 + 1).saturating_sub(k as u64)
}

/// How well neighbours among the samples are still neighbours in the embedding: [`trustworthiness`] with the two changed about.
///
/// # Errors
/// As [`trustworthiness`].
pub fn continuity(
    samples: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let samples = Space::euclidean("X", samples)?;
    score(
        &Space::euclidean("X_embedded", embedding)?,
        &samples,
        k,
        watch,
    )
}

/// [`continuity`] where samples are compared under another metric; the embedding's distances are Euclidean.
///
/// # Errors
/// As [`trustworthiness_under`].
pub fn continuity_under(
    samples: Rows<'_, f64>,
    metric: &Metric,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let samples = Space::under("X", samples, metric)?;
    score(
        &Space::euclidean("X_embedded", embedding)?,
        &samples,
        k,
        watch,
    )
}

/// [`continuity`] from the distances between samples, `[n, n]`.
///
/// # Errors
/// As [`trustworthiness_of_distances`].
pub fn continuity_of_distances(
    distances: Rows<'_, f64>,
    embedding: Rows<'_, f64>,
    k: usize,
    watch: &Watch<'_>,
) -> Result<f64> {
    let samples = Space::distances(distances)?;
    score(
        &Space::euclidean("X_embedded", embedding)?,
        &samples,
        k,
        watch,
    )
}

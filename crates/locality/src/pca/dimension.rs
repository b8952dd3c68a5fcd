//! How many dimensions samples have.

use super::local::LocalPca;
use crate::named::Named;
use crate::{Error, Metric, Nearest, Result, Rows, Watch};

/// The share of the largest ratios that [`DimensionMethod::TwoNn`] leaves out, as in the paper.
const DISCARDED: f64 = 0.1;

/// How a dimension is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DimensionMethod {
    /// Maximum likelihood of the distances to the nearest neighbours (Levina and Bickel 2004); over all samples, one over the mean of the
    /// inverses (MacKay and Ghahramani 2005).
    MaximumLikelihood,
    /// The slope of `-log(1 - F)` by the logarithm of the ratio of the two nearest distances, the largest tenth left out (Facco and others
    /// 2017). It has no value for single samples.
    TwoNn,
    /// The participation ratio of the variances of neighbourhoods, `(sum v)^2 / sum v^2`; over all samples, the mean.
    Participation,
    /// The fewest principal components of neighbourhoods that have this share of the variance; over all samples, the mean.
    Share(f64),
}

/// The intrinsic dimension of samples.
///
/// ```
/// use locality::{Rows, Watch, pca::{DimensionMethod, IntrinsicDimension}};
/// // A spiral in the plane, at places without a pattern, has one dimension.
/// let x: Vec<f64> = (0..400).map(|i| 1.0 + f64::from(i * i % 1009) / 168.0).flat_map(|t| [t * t.cos(), t * t.sin()]).collect();
/// let method = DimensionMethod::MaximumLikelihood;
/// let found = IntrinsicDimension::new(method).n_neighbors(10).of(Rows::new(&x, 400, 2)?, &Watch::default())?;
/// assert!((found.global - 1.0).abs() < 0.2);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntrinsicDimension {
    method: DimensionMethod,
    neighbors: usize,
}

/// Estimated dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimensions {
    /// Of all samples.
    pub global: f64,
    /// Of the neighbourhood of each, `[n]`; not a number where its neighbours do not say, empty for [`DimensionMethod::TwoNn`].
    pub local: Vec<f64>,
}

impl IntrinsicDimension {
    /// A method, with neighbourhoods of 20.
    pub fn new(method: DimensionMethod) -> Self {
        Self {
            method,
            neighbors: 20,
        }
    }

    /// Number of neighbours of each sample, itself not counted (20); without effect for [`DimensionMethod::TwoNn`].
    #[must_use]
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.neighbors = n_neighbors;
        self
    }

    /// The dimension of samples `[n, d]`.
    ///
    /// # Errors
    /// Too few samples for so many neighbours, a share outside 0 to 1, samples whose neighbours are all equally far, numbers that are not
    /// finite, an interruption.
    pub fn of(&self, samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Dimensions> {
        samples.require_finite("X")?;
        let (n, k) = (samples.rows(), self.neighbors);
        let two = self.method == DimensionMethod::TwoNn;
        if !two && (k < 2 || k >= n) {
            return Err(Error::parameter(format!(
                "n_neighbors={k} must be at least 2 and less than n_samples = {n}; each sample needs that many others"
            )));
        }
        match self.method {
            DimensionMethod::MaximumLikelihood => likelihood(samples, k, watch),
            DimensionMethod::TwoNn => two_nearest(samples, watch),
            DimensionMethod::Participation => {
                let one = |around: &super::PcaFit| around.participation();
                components(samples, k, one, watch)
            }
            DimensionMethod::Share(share) => {
                super::Components::Share(share)
                    .check(samples.columns())
                    .map_err(|_| {
                        Error::parameter(format!("threshold={share} must be above 0 and at most 1"))
                    })?;
                components(
                    samples,
                    k,
                    |around| around.components_for(share) as f64,
                    watch,
                )
            }
        }
    }
}

/// The distances to the `k` nearest others, `[n, k]`.
fn reaches(samples: Rows<'_, f64>, k: usize, watch: &Watch<'_>) -> Result<Vec<f64>> {
    let search = Nearest::fit(samples, &Metric::Euclidean).named("X")?;
    let found = search.k_nearest(samples, k + 1, watch).named("X")?;
    let mut out = Vec::with_capacity(samples.rows() * k);
    for i in 0..samples.rows() {
        let row = i * (k + 1)..(i + 1) * (k + 1);
        let pairs = found.indices[row.clone()].iter().zip(&found.distances[row]);
        // A sample with many duplicates may not be among its own nearest.
        out.extend(pairs.filter(|(j, _)| **j != i).map(|(_, d)| *d).take(k));
    }
    Ok(out)
}

/// Sums of `log(T_k / T_j)`, and of how many neighbours; duplicates say nothing.
fn logarithms(row: &[f64]) -> (f64, usize) {
    let Some((last, others)) = row.split_last() else {
        return (0.0, 0);
    };
    let apart = others.iter().filter(|d| **d > 0.0);
    (apart.clone().map(|d| (last / d).ln()).sum(), apart.count())
}

fn likelihood(samples: Rows<'_, f64>, k: usize, watch: &Watch<'_>) -> Result<Dimensions> {
    let reaches = reaches(samples, k, watch)?;
    let each: Vec<(f64, usize)> = reaches.chunks_exact(k).map(logarithms).collect();
    let count: usize = each.iter().map(|(_, count)| count).sum();
    let sum: f64 = each.iter().map(|(sum, _)| sum).sum();
    if count == 0 || sum <= 0.0 {
        return Err(equally_far());
    }
    let one = |&(sum, count): &(f64, usize)| {
        // Neighbours that are all equally far tell nothing.
        if count > 0 && sum > 0.0 {
            count as f64 / sum
        } else {
            f64::NAN
        }
    };
    Ok(Dimensions {
        global: count as f64 / sum,
        local: each.iter().map(one).collect(),
    })
}

fn equally_far() -> Error {
    Error::parameter(
        "the neighbours of each sample of X are all equally far, which tells no dimension; raise n_neighbors, or choose method \
         'participation'",
    )
}

fn two_nearest(samples: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Dimensions> {
    let n = samples.rows();
    if n < 3 {
        return Err(Error::parameter(format!(
            "n_samples = {n} must be at least 3: each sample needs two others"
        )));
    }
    let reaches = reaches(samples, 2, watch)?;
    let ratios = reaches.chunks_exact(2).filter(|row| row[0] > 0.0);
    let mut ratios: Vec<f64> = ratios.map(|row| (row[1] / row[0]).ln()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let n = ratios.len() as f64;
    let kept = (n * (1.0 - DISCARDED)).floor() as usize;
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, x) in ratios.iter().take(kept).enumerate() {
        let y = -(-(i as f64 + 1.0) / n).ln_1p();
        xy += x * y;
        xx += x * x;
    }
    if xx <= 0.0 {
        let told = ratios.iter().filter(|x| **x > 0.0).count();
        return Err(Error::parameter(format!(
            "the nearest other of {} of the {} samples of X is a copy or no nearer than the second nearest, as in tables of copies and of whole \
             numbers, which tells method 'twonn' no dimension; leave copies out, or choose method 'mle' with many neighbours, such as \
             n_neighbors=60",
            samples.rows() - told,
            samples.rows()
        )));
    }
    Ok(Dimensions {
        global: xy / xx,
        local: Vec::new(),
    })
}

/// The mean of a reading of the principal components of each neighbourhood.
fn components(
    samples: Rows<'_, f64>,
    k: usize,
    read: impl Fn(&super::PcaFit) -> f64,
    watch: &Watch<'_>,
) -> Result<Dimensions> {
    let fit = LocalPca::nearest(k + 1).fit(samples, None, &watch.quiet())?;
    let local: Vec<f64> = fit.at(samples, watch)?.iter().map(read).collect();
    Ok(Dimensions {
        global: local.iter().sum::<f64>() / local.len() as f64,
        local,
    })
}

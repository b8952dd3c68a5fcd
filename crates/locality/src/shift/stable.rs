//! A bandwidth whose clusters do not depend on which samples were drawn.

use super::agreement::adjusted_rand;
use super::bandwidth::{apart, draw, estimate_bandwidth, median, reaches};
use super::links::gather;
use super::parameters::MeanShift;
use super::sites::check_weights;
use crate::random::Random;
use crate::{Error, Float, Metric, Result, Rows, Watch};

/// A plateau needs this agreement between the clusters of two subsamples.
const AGREES: f64 = 0.85;
/// A cluster counts that holds this share of the probes.
const LEAST_SHARE: f64 = 0.02;
/// A plateau ends at so many times the bandwidth that it begins with; or at this much more where there are more specks beside its clusters
/// than clusters: among many of them a number of clusters stays the same by chance.
const LONG: f64 = 1.25;
const SHORT: f64 = 1.1;

/// The parameters of a search for a stable bandwidth: samples are drawn again and again, each draw is clustered at every bandwidth of a
/// geometric grid, and the clusters are compared by where they put the same probes. The bandwidth is the middle of the longest range in
/// which the number of clusters stays the same, two or more, and the draws agree; where there is none, the smallest bandwidth from
/// which on no draw has a second cluster (or, where single samples always remain, none that counts).
///
/// The longest range of an unchanged number of clusters is the rule of Fukunaga (1990, *Introduction to statistical pattern recognition*,
/// page 541), taken up by Comaniciu and Meer (2002); agreement of subsamples is that of Ben-Hur, Elisseeff and Guyon (2002, *A stability
/// based method for discovering structure in clustered data*). Agreement is the mean [adjusted Rand index](super::adjusted_rand) of
/// successive draws and must be 0.85, or so with that at the next bandwidths of the same number of clusters; clusters of less than 2% of the
/// probes are not counted. A range ends at 1.1 times the bandwidth that it begins with, or later, or, where there are more clusters that are
/// not counted than such that are, at 1.25 times: shorter ones come and go with the draws.
///
/// ```
/// use locality::{Rows, Watch, shift::{MeanShift, StableBandwidth}};
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i % 2) * 10.0 + f64::from(i * 7 % 100) / 100.0).collect();
/// let found = StableBandwidth::new().find(&MeanShift::new(), Rows::column(&x), &Watch::default())?;
/// assert_eq!(found.clusters(), 2);
/// assert!(found.bandwidth() > 0.5 && found.bandwidth() < 10.0);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StableBandwidth {
    draws: usize,
    draw_size: usize,
    grid: usize,
    seed: u64,
}

impl Default for StableBandwidth {
    fn default() -> Self {
        Self::new()
    }
}

impl StableBandwidth {
    /// The defaults: 8 draws of at most 500 samples, 32 bandwidths, seed 0.
    pub fn new() -> Self {
        Self {
            draws: 8,
            draw_size: 500,
            grid: 32,
            seed: 0,
        }
    }

    /// Number of draws, at least 2.
    #[must_use]
    pub fn draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// Most samples of a draw, without replacement where they have no weights, and most probes; of fewer samples four fifths are drawn. At least 5.
    #[must_use]
    pub fn draw_size(mut self, size: usize) -> Self {
        self.draw_size = size;
        self
    }

    /// Number of bandwidths of the grid, at least 4. It goes from the mean distance to the third neighbour, of places, to the mean distance
    /// to the farthest probe; where few samples are far from all others, at most twice the medians of such distances count, the farthest
    /// twentieth left out.
    #[must_use]
    pub fn grid(mut self, bandwidths: usize) -> Self {
        self.grid = bandwidths;
        self
    }

    /// Of the draws.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Searches for the bandwidth of mean shift on samples `[n, d]`. The bandwidth of `shift` is not read; its seeds, bins and
    /// compression are left out.
    ///
    /// # Errors
    /// No samples; NaN or infinite numbers; parameters out of range; samples all at one place; as [`MeanShift::fit`]; an interruption.
    pub fn find<T: Float>(
        &self,
        shift: &MeanShift,
        samples: Rows<'_, T>,
        watch: &Watch<'_>,
    ) -> Result<StableBandwidths> {
        self.run(shift, samples, None, watch)
    }

    /// The same with sample weights `[n]`: a sample is drawn, and is a probe, as often as its share of the weights says. Without weight it never
    /// is; with a share above one over the size of a draw it may be so several times.
    ///
    /// # Errors
    /// As [`find`](Self::find), and for weights that are negative, not finite, all zero or not `n`.
    pub fn find_weighted<T: Float>(
        &self,
        shift: &MeanShift,
        samples: Rows<'_, T>,
        sample_weights: &[T],
        watch: &Watch<'_>,
    ) -> Result<StableBandwidths> {
        self.run(shift, samples, Some(sample_weights), watch)
    }

    pub(super) fn run<T: Float>(
        &self,
        shift: &MeanShift,
        samples: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<StableBandwidths> {
        self.check()?;
        samples.require_finite("samples")?;
        let d = samples.columns();
        let lots = Lots::new(samples.rows(), weights)?;
        let n = lots.count();
        let table = |rows: &[u32]| gather(samples, rows);
        let probes = table(&lots.draw(self.draw_size.min(n), self.seed));
        let probes = Rows::new(&probes, probes.len() / d, d)?;
        let size = if n > self.draw_size {
            self.draw_size
        } else {
            (n * 4 / 5).max(1)
        };
        let draws: Vec<Vec<T>> = (1..=self.draws as u64)
            .map(|k| table(&lots.draw(size, self.seed.wrapping_add(k << 32))))
            .collect();
        // Of the places alone: one sample with nearly all the weight is no spread.
        let places = table(&lots.any(self.draw_size.min(n), self.seed));
        let bandwidths = self.bandwidths(Rows::new(&places, places.len() / d, d)?, watch)?;
        let shift = shift.plain();
        let mut tried = Vec::with_capacity(bandwidths.len());
        for (i, &h) in bandwidths.iter().enumerate() {
            watch.check()?;
            let model = shift.clone().bandwidth(h);
            let mut labels = Vec::with_capacity(draws.len());
            for draw in &draws {
                let fit = model.fit(Rows::new(draw, size, d)?, &watch.quiet())?;
                labels.push(fit.predict(probes, &watch.quiet())?);
            }
            tried.push(Tried::new(h, &labels));
            watch.report(i + 1, bandwidths.len());
        }
        Ok(StableBandwidths::new(tried))
    }

    fn check(&self) -> Result<()> {
        let least = [
            ("draws", self.draws, 2),
            ("draw_size", self.draw_size, 5),
            ("grid", self.grid, 4),
        ];
        match least.iter().find(|(_, x, least)| x < least) {
            Some((name, x, least)) => Err(Error::parameter(format!(
                "{name}={x} must be at least {least}"
            ))),
            None => Ok(()),
        }
    }

    fn bandwidths<T: Float>(&self, probes: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let quiet = watch.quiet();
        let farthest = estimate_bandwidth(probes, 1.0, None, 0, &quiet)?;
        if farthest <= 0.0 {
            return Err(Error::parameter(format!(
                "no bandwidth is stable for {} samples at one place; give bandwidth a positive number",
                probes.rows()
            )));
        }
        let d = probes.columns();
        let all: Vec<u32> = (0..probes.rows() as u32).collect();
        let most = (probes.rows() - 1) * 19 / 20;
        let most = reaches(&Metric::Euclidean, probes, &all, most.max(1), &quiet)?;
        // Copies have no distance; and neither may one sample far from all others make a mean.
        let table = apart(probes);
        let places = Rows::new(&table, table.len() / d, d)?;
        let all: Vec<u32> = (0..places.rows() as u32).collect();
        let third = 3.min(places.rows() - 1);
        let near = reaches(&Metric::Euclidean, places, &all, third, &quiet)?;
        let mean = near.iter().sum::<f64>() / near.len() as f64;
        let near = mean.min(2.0 * median(near));
        let typical = 2.0 * median(most);
        // Where most samples are copies of one, it says nothing.
        let high = if typical > near {
            farthest.min(typical)
        } else {
            farthest
        };
        let low = near.clamp(high * 1e-6, high * 0.5);
        let step = (high / low).ln() / (self.grid - 1) as f64;
        Ok((0..self.grid)
            .map(|i| low * (step * i as f64).exp())
            .collect())
    }
}

/// Which samples may be drawn, and how often.
enum Lots {
    /// Each of so many once.
    Alike(usize),
    /// Samples with weight, and their weights.
    Weighted(Vec<(u32, f64)>),
}

impl Lots {
    fn new<T: Float>(n: usize, weights: Option<&[T]>) -> Result<Self> {
        let Some(weights) = weights else {
            return Ok(Self::Alike(n));
        };
        check_weights(weights, n)?;
        // Their unit says nothing, and must not overflow in sums.
        let largest = weights.iter().fold(0.0, |a: f64, w| a.max(w.to_f64()));
        let kept = (0..).zip(weights);
        let kept = kept.map(|(i, w)| {
            (
                i,
                if largest > 0.0 {
                    w.to_f64() / largest
                } else {
                    0.0
                },
            )
        });
        let kept: Vec<(u32, f64)> = kept.filter(|(_, w)| *w > 0.0).collect();
        if kept.is_empty() {
            return Err(Error::parameter(
                "sample_weights are all 0, which leaves no sample; give some of them a positive number",
            ));
        }
        // Equal weights say nothing.
        let alike = kept.len() == n && kept.iter().all(|(_, w)| *w == kept[0].1);
        Ok(if alike {
            Self::Alike(n)
        } else {
            Self::Weighted(kept)
        })
    }

    fn count(&self) -> usize {
        match self {
            Self::Alike(n) => *n,
            Self::Weighted(kept) => kept.len(),
        }
    }

    /// So many of those that may be drawn at all, each once, ascending.
    fn any(&self, size: usize, seed: u64) -> Vec<u32> {
        let all = draw(self.count(), size, seed);
        match self {
            Self::Alike(_) => all,
            Self::Weighted(kept) => all.into_iter().map(|i| kept[i as usize].0).collect(),
        }
    }

    /// So many samples, ascending. Weighted ones are laid end to end in random order, each as long as its weight, and taken at equal steps:
    /// as often as the share of the weight says, up to one.
    fn draw(&self, size: usize, seed: u64) -> Vec<u32> {
        let kept = match self {
            Self::Alike(n) => return draw(*n, size, seed),
            Self::Weighted(kept) => kept,
        };
        let mut random = Random::new(seed, 0);
        let mut order: Vec<(u32, f64)> = kept.clone();
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i + 1));
        }
        let step = order.iter().map(|(_, w)| w).sum::<f64>() / size as f64;
        let mut next = random.uniform() * step;
        let mut end = 0.0;
        let mut out = Vec::with_capacity(size);
        for (i, w) in &order {
            end += w;
            while next < end && out.len() < size {
                out.push(*i);
                next += step;
            }
        }
        // Rounding may leave the last step beyond the end.
        if let Some((last, _)) = order.last() {
            out.resize(size, *last);
        }
        out.sort_unstable();
        out
    }
}

/// One bandwidth of the grid, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The bandwidth.
    pub bandwidth: f64,
    /// The median, over the draws, of the number of clusters of at least 2% of the probes.
    pub clusters: usize,
    /// The median of the number of all clusters that hold any probe.
    pub all_clusters: usize,
    /// The mean adjusted Rand index of successive draws.
    pub stability: f64,
}

impl Tried {
    fn new(bandwidth: f64, labels: &[Vec<i64>]) -> Self {
        let middle = |least: f64| {
            let mut counts: Vec<usize> = labels.iter().map(|l| count(l, least)).collect();
            counts.sort_unstable();
            counts[counts.len() / 2]
        };
        let pairs = (0..labels.len()).map(|i| {
            let next = (i + 1) % labels.len();
            adjusted_rand(&labels[i], &labels[next])
        });
        Self {
            bandwidth,
            clusters: middle(LEAST_SHARE),
            all_clusters: middle(0.0),
            stability: pairs.sum::<f64>() / labels.len() as f64,
        }
    }

    /// Whether no draw has a second cluster.
    fn is_one(&self) -> bool {
        self.all_clusters <= 1 && self.stability >= 1.0
    }
}

/// How many clusters hold a share of the probes.
fn count(labels: &[i64], share: f64) -> usize {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let least = (share * labels.len() as f64).max(1.0);
    let groups = sorted.chunk_by(|a, b| a == b);
    groups.filter(|g| g.len() as f64 >= least).count()
}

/// What a search for a [`StableBandwidth`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct StableBandwidths {
    tried: Vec<Tried>,
    plateau: (usize, usize),
}

impl StableBandwidths {
    fn new(tried: Vec<Tried>) -> Self {
        let plateau = longest(&tried).unwrap_or_else(|| {
            let after = |i: Option<usize>| i.map_or(0, |i| i + 1);
            let none = after(tried.iter().rposition(|t| !t.is_one()));
            let few = after(tried.iter().rposition(|t| t.clusters > 1));
            let first = if none < tried.len() { none } else { few };
            let first = first.min(tried.len() - 1);
            (first, first)
        });
        Self { tried, plateau }
    }

    /// The bandwidth: the geometric middle of the plateau.
    pub fn bandwidth(&self) -> f64 {
        let (a, b) = self.plateau;
        (self.tried[a].bandwidth * self.tried[b].bandwidth).sqrt()
    }

    /// The number of clusters on the plateau.
    pub fn clusters(&self) -> usize {
        self.tried[self.plateau.0].clusters
    }

    /// The first and the last bandwidth of the plateau.
    pub fn plateau(&self) -> (f64, f64) {
        let (a, b) = self.plateau;
        (self.tried[a].bandwidth, self.tried[b].bandwidth)
    }

    /// All bandwidths of the grid, ascending.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }
}

/// Whether the draws agree on two clusters or more, at a bandwidth or on the whole around it.
fn agree(tried: &[Tried], i: usize) -> bool {
    let own = &tried[i];
    let around = &tried[i.saturating_sub(1)..(i + 2).min(tried.len())];
    let alike = || around.iter().filter(|t| t.clusters == own.clusters);
    let mean = alike().map(|t| t.stability).sum::<f64>() / alike().count() as f64;
    own.clusters > 1 && own.stability.max(mean) >= AGREES
}

/// Whether a run is so long that it is none by chance.
fn lasts(run: &[Tried]) -> bool {
    let few = run.iter().all(|t| t.all_clusters <= 2 * t.clusters);
    let least = if few { SHORT } else { LONG };
    run.len() > 1 && run[run.len() - 1].bandwidth >= run[0].bandwidth * least * (1.0 - 1e-9)
}

/// The longest run of one number of clusters on which the draws agree, of those that last; of equally long ones the more stable.
fn longest(tried: &[Tried]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, f64, (usize, usize))> = None;
    let mut start = 0;
    while start < tried.len() {
        let same = |&i: &usize| agree(tried, i) && tried[i].clusters == tried[start].clusters;
        let length = (start..tried.len()).take_while(same).count();
        let stability = tried[start..start + length]
            .iter()
            .map(|t| t.stability)
            .sum();
        let better = best.is_none_or(|(l, s, _)| length > l || (length == l && stability > s));
        if better && lasts(&tried[start..start + length]) {
            best = Some((length, stability, (start, start + length - 1)));
        }
        start += length.max(1);
    }
    best.map(|(_, _, run)| run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clusters: &[usize], stability: &[f64]) -> Vec<Tried> {
        let pairs = clusters.iter().zip(stability).zip(0..);
        pairs
            .map(|((&clusters, &stability), i)| Tried {
                bandwidth: f64::from(1 << i),
                clusters,
                all_clusters: clusters,
                stability,
            })
            .collect()
    }

    #[test]
    fn the_longest_run_that_agrees_is_taken() {
        let tried = row(
            &[9, 4, 4, 3, 3, 3, 3, 1, 1],
            &[0.2, 0.9, 0.9, 0.5, 0.9, 1.0, 0.9, 1.0, 1.0],
        );
        let found = StableBandwidths::new(tried);
        assert_eq!(found.plateau(), (16.0, 64.0));
        assert_eq!((found.bandwidth(), found.clusters()), (32.0, 3));
        // Of equal length: the more stable.
        let tried = row(&[4, 4, 2, 2, 1], &[0.9, 0.9, 0.95, 0.9, 1.0]);
        assert_eq!(StableBandwidths::new(tried).clusters(), 2);
    }

    #[test]
    fn without_a_run_there_is_one_cluster() {
        let tried = row(&[9, 4, 2, 1, 1], &[0.2, 0.5, 0.9, 1.0, 1.0]);
        let found = StableBandwidths::new(tried);
        assert_eq!((found.bandwidth(), found.clusters()), (8.0, 1));
    }

    #[test]
    fn short_runs_are_chance() {
        let near = |last: f64, all_clusters: usize| {
            let mut tried = row(&[5, 2, 2, 1, 1], &[0.2, 0.9, 0.9, 0.9, 1.0]);
            for (t, h) in tried.iter_mut().zip([0.9, 1.0, last, 1.4, 1.5]) {
                t.bandwidth = h;
            }
            tried[1].all_clusters = all_clusters;
            StableBandwidths::new(tried)
        };
        assert_eq!(near(1.12, 2).clusters(), 2);
        assert_eq!(near(1.12, 5).clusters(), 1);
        assert_eq!(near(1.26, 5).clusters(), 2);
        assert_eq!(near(1.08, 2).clusters(), 1);
        // One cluster is where no draw has another.
        assert_eq!(near(1.08, 2).bandwidth(), 1.5);
    }

    #[test]
    fn samples_are_drawn_by_their_weights() {
        // Alike: as without weights; nearly alike, no sample twice; each of twice the weight twice as often; none without.
        let alike = Lots::new(50, Some(&[0.5_f64; 50])).unwrap();
        assert_eq!(alike.draw(40, 3), draw(50, 40, 3));
        let nearly: Vec<f64> = (0..50).map(|i| 1.0 + 1e-9 * f64::from(i)).collect();
        let nearly = Lots::new(50, Some(&nearly)).unwrap().draw(40, 3);
        assert!(nearly.len() == 40 && nearly.windows(2).all(|w| w[0] < w[1]));
        let weights: Vec<f64> = (0..60).map(|i| f64::from(i % 3)).collect();
        let lots = Lots::new(60, Some(&weights)).unwrap();
        assert_eq!(lots.count(), 40);
        for seed in 0..20 {
            let drawn = lots.draw(30, seed);
            let heavy = drawn.iter().filter(|i| *i % 3 == 2).count();
            assert!(drawn.iter().all(|i| i % 3 > 0));
            assert!((15..=25).contains(&heavy), "{heavy}");
        }
        // Each step of the whole is one of the heavy sample.
        let one = Lots::new(3, Some(&[1.0, 8.0, 1.0])).unwrap().draw(10, 1);
        assert_eq!(one.iter().filter(|i| **i == 1).count(), 8);
        assert!(Lots::new(2, Some(&[0.0_f64, 0.0])).is_err());
    }

    #[test]
    fn a_heavy_sample_is_no_reason_to_fail() {
        let x: Vec<f64> = (0..60)
            .map(|i| f64::from(i % 30) * 0.01 + f64::from(i / 30) * 5.0)
            .collect();
        let rows = Rows::column(&x);
        let mut heavy = vec![1.0; 60];
        heavy[0] = 1e6;
        let shift = MeanShift::new();
        let watch = Watch::default();
        let find = |w: &[f64]| StableBandwidth::new().find_weighted(&shift, rows, w, &watch);
        assert!(find(&heavy).is_ok());
        // The unit of the weights says nothing, even where their sum overflows.
        let some: Vec<f64> = (0..60).map(|i| 1.0 + f64::from(i % 3)).collect();
        let large: Vec<f64> = some.iter().map(|w| w * 4e307).collect();
        let (a, b) = (find(&some).unwrap(), find(&large).unwrap());
        assert_eq!(a.bandwidth(), b.bandwidth());
    }

    #[test]
    fn small_clusters_are_not_counted() {
        let mut labels = vec![0; 60];
        labels.extend([1; 60]);
        labels.extend([2, 3, 4]);
        assert_eq!(count(&labels, LEAST_SHARE), 2);
        assert_eq!(count(&labels, 0.0), 5);
    }
}

//! Fusion of adjacent regions of like modes where no strong edge runs between them.

use std::collections::BTreeMap;

use super::regions::{Connectivity, Grid, Sets};

/// Rounds after which regions are taken as they are.
const ROUNDS: usize = 10;

/// The transitive closure of "adjacent, of modes within reach, and without a strong edge between" (Christoudias, Georgescu and
/// Meer 2002, section 3).
pub(crate) struct Closure<'a> {
    pub(crate) grid: Grid,
    pub(crate) connectivity: Connectivity,
    /// The mode of each pixel, `[pixels, channels]`.
    pub(crate) colors: &'a [f32],
    /// The longest distance of two regions' mean modes.
    pub(crate) reach: f64,
}

impl Closure<'_> {
    /// The joined labels, for the edge strength of each pixel; until nothing changes.
    pub(crate) fn run(
        &self,
        mut labels: Vec<u32>,
        mut regions: usize,
        edges: &[f32],
        threshold: f64,
    ) -> (Vec<u32>, usize) {
        for _ in 0..ROUNDS {
            let (joined, count) = self.round(&labels, regions, edges, threshold);
            for label in &mut labels {
                *label = joined[*label as usize];
            }
            if count == regions {
                break;
            }
            regions = count;
        }
        (labels, regions)
    }

    fn round(
        &self,
        labels: &[u32],
        regions: usize,
        edges: &[f32],
        threshold: f64,
    ) -> (Vec<u32>, usize) {
        let means = self.means(labels, regions);
        let channels = means.len() / regions;
        // Sums of edge strengths and numbers of pairs, by the boundary's regions.
        let mut boundaries: BTreeMap<(u32, u32), (f64, u32)> = BTreeMap::new();
        self.grid.pairs(self.connectivity, |a, b| {
            let (x, y) = (labels[a], labels[b]);
            if x != y {
                let at = boundaries.entry((x.min(y), x.max(y))).or_default();
                at.0 += 0.5 * (f64::from(edges[a]) + f64::from(edges[b]));
                at.1 += 1;
            }
        });
        let mut sets = Sets::new(regions);
        for ((a, b), (strength, pairs)) in boundaries {
            let mean = |r: u32| &means[r as usize * channels..][..channels];
            let d2: f64 = mean(a)
                .iter()
                .zip(mean(b))
                .map(|(x, y)| (x - y) * (x - y))
                .sum();
            if d2.sqrt() <= self.reach && strength / f64::from(pairs) < threshold {
                sets.join(a, b);
            }
        }
        sets.labels()
    }

    /// The mean mode of each region; not a number for those without colour, which are near none.
    fn means(&self, labels: &[u32], regions: usize) -> Vec<f64> {
        let channels = self.colors.len() / labels.len();
        let mut sums = vec![0.0; regions * channels];
        let mut sizes = vec![0_usize; regions];
        for (&label, color) in labels.iter().zip(self.colors.chunks_exact(channels)) {
            let label = label as usize;
            sizes[label] += 1;
            for (sum, &c) in sums[label * channels..].iter_mut().zip(color) {
                *sum += f64::from(c);
            }
        }
        for (sums, size) in sums.chunks_exact_mut(channels).zip(sizes) {
            for s in sums.iter_mut() {
                *s /= size as f64;
            }
        }
        sums
    }
}

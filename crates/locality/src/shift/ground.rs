//! How dense it is on the way between two samples: what is between two clusters is no sample.

use super::graph::Graph;
use super::sphere::normalize;
use crate::{Bandwidth, Float, Kernel, Metric, Result, Rows, Takes, Watch};

/// Points of an edge, in each of its least bandwidths.
const POINTS: f64 = 4.0;
/// Most points of an edge: by the number of neighbours, which a ball around a sample with a long edge holds no more of.
const MOST: usize = 63;
/// Points of an edge whose length in bandwidths is not known.
const USUAL: usize = 15;
/// Fewest points of all edges that are too many.
const LEAST_BUDGET: usize = 1 << 17;
/// How many are evaluated at once: bounds their memory.
const CHUNK: usize = 1 << 16;
/// A fall by more than this in log density is one to nothing: weights of this size leave the number type.
const NOTHING: f64 = 700.0;

/// The log density on the way between two samples.
pub(super) trait Ground {
    /// A guess at the least of an edge, which costs nothing.
    fn guess(&self, edge: (u32, u32)) -> f64;
    /// The least along each edge, its ends counted.
    fn least(&self, edges: &[(u32, u32)]) -> Result<Vec<f64>>;
}

/// Log densities that are known at samples only.
pub(super) struct Ends<'a>(pub(super) &'a [f64]);

impl Ground for Ends<'_> {
    fn guess(&self, (a, b): (u32, u32)) -> f64 {
        self.0[a as usize].min(self.0[b as usize])
    }

    fn least(&self, edges: &[(u32, u32)]) -> Result<Vec<f64>> {
        Ok(edges.iter().map(|&e| self.guess(e)).collect())
    }
}

/// A way from one sample to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// The straight line.
    Straight,
    /// The arc of a great circle between directions.
    Sphere,
    /// The same between latitudes and longitudes, of so many radians to a unit.
    Globe(f64),
    /// None: categories have nothing in between.
    Nowhere,
}

impl Way {
    /// Between samples that are so compared, under a kernel.
    pub(super) fn of(metric: &Metric, kernel: &Kernel) -> Self {
        let categories = kernel
            .atoms()
            .iter()
            .any(|a| a.metric_in_force() == Metric::Hamming);
        match metric {
            _ if categories => Self::Nowhere,
            Metric::Hamming => Self::Nowhere,
            Metric::Haversine => Self::Globe(1.0),
            Metric::HaversineKm => Self::Globe(1.0_f64.to_radians()),
            _ => Self::Straight,
        }
    }

    /// The edges of a graph, and where there is a way those that join its parts.
    pub(super) fn joined<T: Float>(
        self,
        graph: &Graph,
        samples: Rows<'_, T>,
        metric: &Metric,
        rank: &[u32],
        watch: &Watch<'_>,
    ) -> Result<Vec<(u32, u32)>> {
        if self == Self::Nowhere {
            return Ok(graph.edges.clone());
        }
        graph.joined(samples, metric, rank, watch)
    }

    /// The point at a share `t` of the way.
    fn at<T: Float>(self, (a, b): (&[T], &[T]), t: f64, to: &mut Vec<T>) {
        let start = to.len();
        if let Self::Globe(unit) = self {
            let (a, b) = (on_globe(a, unit), on_globe(b, unit));
            let mut p = [0.0; 3];
            for ((p, a), b) in p.iter_mut().zip(a).zip(b) {
                *p = (1.0 - t) * a + t * b;
            }
            let latitude = p[2].atan2(p[0].hypot(p[1]));
            let longitude = p[1].atan2(p[0]);
            to.extend([latitude, longitude].map(|x| T::from_f64(x / unit)));
            return;
        }
        let between = |(a, b): (&T, &T)| T::from_f64((1.0 - t) * a.to_f64() + t * b.to_f64());
        to.extend(a.iter().zip(b).map(between));
        if self == Self::Sphere && !normalize(&mut to[start..]) {
            to.truncate(start);
            to.extend_from_slice(a);
        }
    }
}

/// A latitude and a longitude as a direction.
fn on_globe<T: Float>(place: &[T], unit: f64) -> [f64; 3] {
    let (latitude, longitude) = (place[0].to_f64() * unit, place[1].to_f64() * unit);
    let around = latitude.cos();
    [
        around * longitude.cos(),
        around * longitude.sin(),
        latitude.sin(),
    ]
}

/// The smallest bandwidth of a kernel of Euclidean distances; nothing where it has none in the samples' own units.
pub(super) fn least_width(kernel: &Kernel) -> Option<f64> {
    let least = |h: &[f64]| h.iter().copied().fold(f64::INFINITY, f64::min);
    let mut width = f64::INFINITY;
    for atom in kernel.atoms() {
        if atom.profile().info().takes != Takes::Distance
            || atom.metric_in_force() != Metric::Euclidean
        {
            return None;
        }
        width = width.min(match atom.bandwidth_rule() {
            Bandwidth::Fixed(h) => *h,
            Bandwidth::PerFeature(h) => least(h),
            Bandwidth::PerSite(h) => least(h),
            _ => return None,
        });
    }
    (width.is_finite() && width > 0.0).then_some(width)
}

/// Log densities that can be asked for anywhere.
pub(super) struct Between<'a, T> {
    pub(super) samples: Rows<'a, T>,
    /// At the samples; negative infinity for those without weight.
    pub(super) density: &'a [f64],
    /// The [`least_width`].
    pub(super) width: Option<f64>,
    pub(super) way: Way,
    /// Log densities at points.
    pub(super) at: &'a dyn Fn(Rows<'_, T>) -> Result<Vec<f64>>,
    pub(super) watch: &'a Watch<'a>,
}

impl<T: Float> Between<'_, T> {
    /// The length of an edge in bandwidths.
    pub(super) fn length(&self, (a, b): (u32, u32)) -> Option<f64> {
        let width = self.width?;
        let pairs = self.samples.row(a as usize).iter();
        let pairs = pairs.zip(self.samples.row(b as usize));
        let squares = pairs.map(|(a, b)| ((a.to_f64() - b.to_f64()) / width).powi(2));
        Some(squares.sum::<f64>().sqrt())
    }

    /// How many points an edge gets.
    fn points(&self, edge: (u32, u32)) -> usize {
        if self.way == Way::Nowhere || Ends(self.density).guess(edge) == f64::NEG_INFINITY {
            return 0;
        }
        self.length(edge).map_or(USUAL, |length| {
            ((POINTS * length).min(MOST as f64 + 1.0).ceil() as usize).saturating_sub(1)
        })
    }
}

impl<T: Float> Ground for Between<'_, T> {
    fn guess(&self, edge: (u32, u32)) -> f64 {
        let ends = Ends(self.density).guess(edge);
        // What two Gaussians have between them.
        self.length(edge).map_or(ends, |l| ends - l * l / 8.0)
    }

    fn least(&self, edges: &[(u32, u32)]) -> Result<Vec<f64>> {
        let ends: Vec<f64> = edges.iter().map(|&e| Ends(self.density).guess(e)).collect();
        let mut least = ends.clone();
        let mut counts: Vec<usize> = edges.iter().map(|&e| self.points(e)).collect();
        let total: usize = counts.iter().sum();
        let budget = (8 * self.samples.rows()).max(LEAST_BUDGET);
        if total > budget {
            let share = budget as f64 / total as f64;
            for count in &mut counts {
                *count = (*count as f64 * share).ceil() as usize;
            }
        }
        let (mut points, mut owners): (Vec<T>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut flush = |points: &mut Vec<T>, owners: &mut Vec<usize>| -> Result<()> {
            if owners.is_empty() {
                return Ok(());
            }
            self.watch.check()?;
            let rows = Rows::new(points, owners.len(), self.samples.columns())?;
            for (&owner, log) in owners.iter().zip((self.at)(rows)?) {
                least[owner] = least[owner].min(log);
            }
            points.clear();
            owners.clear();
            Ok(())
        };
        for (owner, (&(a, b), &count)) in edges.iter().zip(&counts).enumerate() {
            let ends = (self.samples.row(a as usize), self.samples.row(b as usize));
            for p in 1..=count {
                let t = p as f64 / (count + 1) as f64;
                self.way.at(ends, t, &mut points);
                owners.push(owner);
            }
            if owners.len() >= CHUNK {
                flush(&mut points, &mut owners)?;
            }
        }
        flush(&mut points, &mut owners)?;
        for (least, ends) in least.iter_mut().zip(ends) {
            if ends - *least > NOTHING {
                *least = f64::NEG_INFINITY;
            }
        }
        Ok(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halfway(way: Way, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut to = Vec::new();
        way.at((a, b), 0.5, &mut to);
        to
    }

    #[test]
    fn ways_go_where_distances_are_measured() {
        assert_eq!(halfway(Way::Straight, &[0.0, 2.0], &[4.0, 0.0]), [2.0, 1.0]);
        let root = 0.5_f64.sqrt();
        let arc = halfway(Way::Sphere, &[1.0, 0.0], &[0.0, 1.0]);
        assert!(arc.iter().all(|x| (x - root).abs() < 1e-15), "{arc:?}");
        // Across the date line, not around the globe.
        let way = Way::of(&Metric::HaversineKm, &Kernel::gaussian(1.0));
        let there = halfway(way, &[10.0, 179.0], &[10.0, -179.0]);
        assert!((there[1].abs() - 180.0).abs() < 1e-9, "{there:?}");
        assert!((there[0] - 10.0).abs() < 0.01, "{there:?}");
        let categories = Way::of(&Metric::Hamming, &Kernel::gaussian(1.0));
        assert_eq!(categories, Way::Nowhere);
    }

    #[test]
    fn edges_get_points_by_their_length_and_no_more_than_there_is_time_for() {
        let x: Vec<f64> = (0..5).map(|i| f64::from(i * i * i * 10)).collect();
        let asked = std::cell::Cell::new(0);
        let at = |rows: Rows<'_, f64>| -> Result<Vec<f64>> {
            asked.set(asked.get() + rows.rows());
            Ok(rows.iter().map(|r| -r[0]).collect())
        };
        let density = [0.0, -10.0, -80.0, -270.0, f64::NEG_INFINITY];
        let watch = Watch::default();
        let ground = Between {
            samples: Rows::column(&x),
            density: &density,
            width: Some(10.0),
            way: Way::Straight,
            at: &at,
            watch: &watch,
        };
        assert_eq!(ground.points((0, 1)), 3);
        assert_eq!(ground.points((1, 2)), 27);
        assert_eq!(ground.points((2, 3)), 63);
        assert_eq!(ground.points((3, 4)), 0);
        let least = ground.least(&[(0, 1), (0, 3), (3, 4)]).unwrap();
        assert_eq!(least, [-10.0, -270.0, f64::NEG_INFINITY]);
        assert_eq!(asked.get(), 3 + 63);
        asked.set(0);
        ground.least(&vec![(0, 3); 100_000]).unwrap();
        assert!(asked.get() <= 2 * LEAST_BUDGET, "{}", asked.get());
    }
}

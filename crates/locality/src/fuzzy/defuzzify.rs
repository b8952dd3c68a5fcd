//! From a fuzzy set over an output to one number.

use super::norms::named;
use crate::isa::{Isa, Task, dispatch};
use crate::{Error, Result};

/// The last step of an inference.
///
/// Source: W. Van Leekwijck and E. E. Kerre, *Defuzzification: criteria and classification*, Fuzzy Sets and Systems 108 (1999).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defuzzifier {
    /// The centre of the area below the set.
    Centroid,
    /// Where the area is halved.
    Bisector,
    /// The mean of the places of the highest degree.
    MeanOfMaximum,
    /// The smallest place of the highest degree.
    SmallestOfMaximum,
    /// The largest place of the highest degree.
    LargestOfMaximum,
    /// The place of the highest degree that is nearest to 0: MATLAB's `som`.
    SmallestMagnitudeOfMaximum,
    /// The place of the highest degree that is farthest from 0: MATLAB's `lom`.
    LargestMagnitudeOfMaximum,
    /// Takagi-Sugeno-Kang and Tsukamoto: the mean of the conclusions under the rules' firing.
    WeightedAverage,
    /// Takagi-Sugeno-Kang and Tsukamoto: their sum under the rules' firing.
    WeightedSum,
}

pub(super) const DEFUZZIFIERS: &[(Defuzzifier, &[&str])] = &[
    (Defuzzifier::Centroid, &["centroid", "cog"]),
    (Defuzzifier::Bisector, &["bisector", "coa"]),
    (
        Defuzzifier::MeanOfMaximum,
        &["mean_of_maximum", "mom", "mm"],
    ),
    (
        Defuzzifier::SmallestOfMaximum,
        &["smallest_of_maximum", "som", "lm"],
    ),
    (
        Defuzzifier::LargestOfMaximum,
        &["largest_of_maximum", "lom", "rm"],
    ),
    (
        Defuzzifier::SmallestMagnitudeOfMaximum,
        &["smallest_magnitude_of_maximum"],
    ),
    (
        Defuzzifier::LargestMagnitudeOfMaximum,
        &["largest_magnitude_of_maximum"],
    ),
    (
        Defuzzifier::WeightedAverage,
        &["weighted_average", "wtaver", "cogs"],
    ),
    (Defuzzifier::WeightedSum, &["weighted_sum", "wtsum"]),
];

impl Defuzzifier {
    /// The name: `centroid`, `bisector`, `mean_of_maximum`, `smallest_of_maximum`, `largest_of_maximum`, `smallest_magnitude_of_maximum`,
    /// `largest_magnitude_of_maximum`, `weighted_average` or `weighted_sum`.
    pub fn name(self) -> &'static str {
        let found = DEFUZZIFIERS.iter().find(|(d, _)| *d == self);
        found.map_or("", |(_, names)| names[0])
    }

    /// Whether it takes numbers with weights instead of a set.
    pub(super) fn is_weighted(self) -> bool {
        matches!(self, Self::WeightedAverage | Self::WeightedSum)
    }
}

impl std::str::FromStr for Defuzzifier {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("defuzzifier", name, DEFUZZIFIERS)
    }
}

/// How the points of a grid lie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spacing {
    /// One step apart.
    Even,
    /// Closer where sets are narrow.
    Uneven,
    /// Places of sets without width, which count by their degrees alone.
    Spots,
}

/// Points over an output's range, with the weights of integrals: between them a set is a straight line, which is integrated exactly.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    low: f64,
    step: f64,
    spacing: Spacing,
    places: Vec<f64>,
    /// Distances from `low`, in steps.
    units: Vec<f64>,
    /// `integral y = step sum_k area[k] y[k]`.
    area: Vec<f64>,
    /// `integral (x - low) y = step^2 sum_k moment[k] y[k]`.
    moment: Vec<f64>,
}

/// The sums of a set over its grid.
struct Sums<'a>(&'a Grid, &'a [f64]);

impl Task for Sums<'_> {
    type Out = (f64, f64);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> (f64, f64) {
        (
            isa.dot(&self.0.area, self.1),
            isa.dot(&self.0.moment, self.1),
        )
    }
}

impl Grid {
    /// Points one step apart, and more places within the range where `more` has any.
    pub(super) fn new(
        [low, high]: [f64; 2],
        points: usize,
        more: impl FnOnce(f64) -> Vec<f64>,
    ) -> Self {
        let cells = points - 1;
        let step = (high - low) / cells as f64;
        let mut places: Vec<f64> = (0..points).map(|k| low + k as f64 * step).collect();
        let more = more(step);
        let (spacing, units) = if more.is_empty() {
            (Spacing::Even, (0..points).map(|k| k as f64).collect())
        } else {
            places.extend(more);
            places.sort_by(f64::total_cmp);
            places.dedup();
            let units = places.iter().map(|x| (x - low) / step);
            (Spacing::Uneven, units.collect::<Vec<f64>>())
        };
        let mut area = vec![0.0; places.len()];
        let mut moment = vec![0.0; places.len()];
        for (k, w) in units.windows(2).enumerate() {
            let (left, width) = (w[0], w[1] - w[0]);
            for (end, third) in [(0, width / 6.0), (1, width / 3.0)] {
                area[k + end] += 0.5 * width;
                moment[k + end] += width * (0.5 * left + third);
            }
        }
        Self {
            low,
            step,
            spacing,
            places,
            units,
            area,
            moment,
        }
    }

    /// Places of sets without width: the centroid is the mean of the places under their degrees.
    pub(super) fn spots([low, high]: [f64; 2], spots: &[f64]) -> Self {
        let mut places: Vec<f64> = spots.iter().map(|x| x.clamp(low, high)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let units: Vec<f64> = places.iter().map(|x| x - low).collect();
        Self {
            low,
            step: 1.0,
            spacing: Spacing::Spots,
            area: vec![1.0; places.len()],
            moment: units.clone(),
            places,
            units,
        }
    }

    pub(super) fn places(&self) -> &[f64] {
        &self.places
    }

    /// The point that stands for a place: of those one step apart, where there are such.
    pub(super) fn nearest(&self, x: f64) -> usize {
        let last = self.places[self.places.len() - 1];
        let x = x.clamp(self.low, last);
        let x = match self.spacing {
            Spacing::Uneven => self.low + ((x - self.low) / self.step).round() * self.step,
            _ => x,
        };
        let above = self.places.partition_point(|p| *p < x).min(self.len() - 1);
        let below = above.saturating_sub(1);
        let away = |k: usize| (self.places[k] - x).abs();
        if away(below) <= away(above) {
            below
        } else {
            above
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The number of a set, or `None` where it is empty.
    pub(super) fn defuzzify(&self, by: Defuzzifier, set: &[f64]) -> Option<f64> {
        let (area, moment) = dispatch(Sums(self, set));
        if area <= 0.0 || area.is_nan() {
            return None;
        }
        match by {
            Defuzzifier::Centroid | Defuzzifier::WeightedAverage | Defuzzifier::WeightedSum => {
                Some(self.low + self.step * moment / area)
            }
            Defuzzifier::Bisector => Some(self.bisector(0.5 * area, set)),
            _ => Some(self.maximum(by, set)),
        }
    }

    /// The place of the highest degree, or the mean of several.
    pub(super) fn maximum(&self, by: Defuzzifier, set: &[f64]) -> f64 {
        let most = set.iter().fold(0.0, |a: f64, b| a.max(*b));
        let near = |y: &f64| *y >= most * (1.0 - 1e-12);
        let first = set.iter().position(near).unwrap_or(0);
        let last = set.iter().rposition(near).unwrap_or(0);
        match by {
            Defuzzifier::SmallestOfMaximum => self.places[first],
            Defuzzifier::LargestOfMaximum => self.places[last],
            Defuzzifier::SmallestMagnitudeOfMaximum | Defuzzifier::LargestMagnitudeOfMaximum => {
                let nearest = by == Defuzzifier::SmallestMagnitudeOfMaximum;
                let highest = set.iter().zip(&self.places).filter(|(y, _)| near(y));
                let better = |x: f64, best: f64| {
                    let (x, best) = (x.abs(), best.abs());
                    if nearest { x < best } else { x > best }
                };
                let of = |best: f64, (_, x): (&f64, &f64)| if better(*x, best) { *x } else { best };
                highest.fold(self.places[first], of)
            }
            _ => {
                // Points that lie closer must not count for more.
                let mut sum = 0.0;
                let mut width = 0.0;
                if self.spacing == Spacing::Uneven {
                    let cells = set.windows(2).zip(self.units.windows(2));
                    for (_, u) in cells.filter(|(w, _)| near(&w[0]) && near(&w[1])) {
                        width += u[1] - u[0];
                        sum += 0.5 * (u[1] - u[0]) * (u[0] + u[1]);
                    }
                }
                if width == 0.0 {
                    let units = set.iter().zip(&self.units).filter(|(y, _)| near(y));
                    (sum, width) = units.fold((0.0, 0.0), |(s, n), (_, u)| (s + u, n + 1.0));
                }
                self.low + self.step * sum / width
            }
        }
    }

    /// Where the area in steps reaches `half`.
    fn bisector(&self, half: f64, set: &[f64]) -> f64 {
        let mut sum = 0.0;
        if self.spacing == Spacing::Spots {
            let reached = |y: &f64| {
                sum += y;
                sum >= half
            };
            return self.places[set.iter().position(reached).unwrap_or(set.len() - 1)];
        }
        for (w, u) in set.windows(2).zip(self.units.windows(2)) {
            let width = u[1] - u[0];
            let cell = 0.5 * width * (w[0] + w[1]);
            if sum + cell < half {
                sum += cell;
                continue;
            }
            if width <= 0.0 {
                return self.low + self.step * u[0];
            }
            // w0 t + (w1 - w0) t^2 / 2 = need, in the form that does not cancel.
            let (need, slope) = ((half - sum) / width, w[1] - w[0]);
            let root = (w[0] * w[0] + 2.0 * slope * need).max(0.0).sqrt();
            let t = if w[0] + root > 0.0 {
                2.0 * need / (w[0] + root)
            } else {
                0.0
            };
            return self.low + self.step * (u[0] + width * t.clamp(0.0, 1.0));
        }
        self.places[set.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::{Defuzzifier, Grid};

    #[test]
    fn a_triangle_and_a_plateau_have_their_known_numbers() {
        // (0, 0) to (2, 1) to (8, 1) to (10, 0) on eleven points: exact, since its corners are points.
        let grid = Grid::new([0.0, 10.0], 11, |_| Vec::new());
        let set: Vec<f64> = (0..11)
            .map(|k| {
                (f64::from(k) / 2.0)
                    .min(1.0)
                    .min((10.0 - f64::from(k)) / 2.0)
            })
            .collect();
        let of = |by| grid.defuzzify(by, &set).unwrap();
        assert!((of(Defuzzifier::Centroid) - 5.0).abs() < 1e-14);
        assert!((of(Defuzzifier::Bisector) - 5.0).abs() < 1e-14);
        assert_eq!(of(Defuzzifier::MeanOfMaximum), 5.0);
        assert_eq!(of(Defuzzifier::SmallestOfMaximum), 2.0);
        assert_eq!(of(Defuzzifier::LargestOfMaximum), 8.0);
        for (low, nearest, farthest) in [(-20.0, -12.0, -18.0), (-4.0, 0.0, 4.0), (-6.0, 0.0, -4.0)]
        {
            let grid = Grid::new([low, low + 10.0], 11, |_| Vec::new());
            let of = |by| grid.defuzzify(by, &set).unwrap();
            assert_eq!(of(Defuzzifier::SmallestMagnitudeOfMaximum), nearest);
            assert_eq!(of(Defuzzifier::LargestMagnitudeOfMaximum), farthest);
        }
        // A right triangle: its centroid is at two thirds, its bisector at 1 / sqrt(2).
        let ramp: Vec<f64> = (0..11).map(|k| f64::from(k) / 10.0).collect();
        let of = |by| grid.defuzzify(by, &ramp).unwrap();
        assert!((of(Defuzzifier::Centroid) - 20.0 / 3.0).abs() < 1e-13);
        assert!((of(Defuzzifier::Bisector) - 50.0_f64.sqrt()).abs() < 1e-13);
        assert!(grid.defuzzify(Defuzzifier::Centroid, &[0.0; 11]).is_none());
        assert_eq!("cog".parse::<Defuzzifier>().unwrap(), Defuzzifier::Centroid);
    }

    #[test]
    fn a_grid_may_be_uneven_or_of_spots() {
        // (2, 0) to (3, 1) to (3.5, 1) to (5, 0), on points that are its corners and many more where it rises.
        let more = |_| {
            (0..=50)
                .map(|i| 2.0 + 0.02 * f64::from(i))
                .chain([3.5])
                .collect()
        };
        let grid = Grid::new([0.0, 10.0], 11, more);
        let y = |x: f64| (x - 2.0).min(1.0).min((5.0 - x) / 1.5).max(0.0);
        let set: Vec<f64> = grid.places().iter().map(|x| y(*x)).collect();
        let of = |by| grid.defuzzify(by, &set).unwrap();
        let (area, moment) = (
            0.5 + 0.5 + 0.75,
            0.5 * (2.0 + 2.0 / 3.0) + 0.5 * 3.25 + 0.75 * 4.0,
        );
        assert!((of(Defuzzifier::Centroid) - moment / area).abs() < 1e-13);
        assert!((of(Defuzzifier::Bisector) - 3.375).abs() < 1e-13);
        assert!((of(Defuzzifier::MeanOfMaximum) - 3.25).abs() < 1e-13);
        assert_eq!(of(Defuzzifier::SmallestOfMaximum), 3.0);
        assert_eq!(of(Defuzzifier::LargestOfMaximum), 3.5);
        let grid = Grid::spots([0.0, 10.0], &[7.3, 1.1, 7.3]);
        let of = |by| grid.defuzzify(by, &[0.25, 0.75]).unwrap();
        assert!((of(Defuzzifier::Centroid) - (0.25 * 1.1 + 0.75 * 7.3)).abs() < 1e-14);
        assert_eq!(of(Defuzzifier::Bisector), 7.3);
        assert_eq!(of(Defuzzifier::MeanOfMaximum), 7.3);
        assert_eq!((grid.nearest(1.0), grid.nearest(6.0)), (0, 1));
    }
}

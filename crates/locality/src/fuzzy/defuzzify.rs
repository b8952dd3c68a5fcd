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
    /// Takagi-Sugeno-Kang and Tsukamoto: the mean of the conclusions under the rules' firing.
    WeightedAverage,
    /// Takagi-Sugeno-Kang and Tsukamoto: their sum under the rules' firing.
    WeightedSum,
}

const DEFUZZIFIERS: &[(Defuzzifier, &[&str])] = &[
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
        Defuzzifier::WeightedAverage,
        &["weighted_average", "wtaver", "cogs"],
    ),
    (Defuzzifier::WeightedSum, &["weighted_sum", "wtsum"]),
];

impl Defuzzifier {
    /// The name: `centroid`, `bisector`, `mean_of_maximum`, `smallest_of_maximum`, `largest_of_maximum`, `weighted_average` or
    /// `weighted_sum`.
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

/// A grid over an output's range, with the weights of integrals: between its points a set is a straight line, which is integrated
/// exactly.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    low: f64,
    step: f64,
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
    pub(super) fn new([low, high]: [f64; 2], points: usize) -> Self {
        let cells = points - 1;
        let mut area = vec![0.0; points];
        let mut moment = vec![0.0; points];
        for k in 0..cells {
            let left = k as f64;
            for (end, third) in [(0, 1.0 / 6.0), (1, 1.0 / 3.0)] {
                area[k + end] += 0.5;
                moment[k + end] += 0.5 * left + third;
            }
        }
        Self {
            low,
            step: (high - low) / cells as f64,
            area,
            moment,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.area.len()
    }

    pub(super) fn at(&self, k: usize) -> f64 {
        self.low + k as f64 * self.step
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

    fn maximum(&self, by: Defuzzifier, set: &[f64]) -> f64 {
        let most = set.iter().fold(0.0, |a: f64, b| a.max(*b));
        let near = |y: &f64| *y >= most * (1.0 - 1e-12);
        let first = set.iter().position(near).unwrap_or(0);
        let last = set.iter().rposition(near).unwrap_or(0);
        match by {
            Defuzzifier::SmallestOfMaximum => self.at(first),
            Defuzzifier::LargestOfMaximum => self.at(last),
            _ => {
                let places = set.iter().enumerate().filter(|(_, y)| near(y));
                let (sum, count) =
                    places.fold((0.0, 0.0), |(s, n), (k, _)| (s + k as f64, n + 1.0));
                self.low + self.step * sum / count
            }
        }
    }

    /// Where the area in steps reaches `half`.
    fn bisector(&self, half: f64, set: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (k, w) in set.windows(2).enumerate() {
            let cell = 0.5 * (w[0] + w[1]);
            if sum + cell < half {
                sum += cell;
                continue;
            }
            // w0 t + (w1 - w0) t^2 / 2 = need, in the form that does not cancel.
            let (need, slope) = (half - sum, w[1] - w[0]);
            let root = (w[0] * w[0] + 2.0 * slope * need).max(0.0).sqrt();
            let t = if w[0] + root > 0.0 {
                2.0 * need / (w[0] + root)
            } else {
                0.0
            };
            return self.low + self.step * (k as f64 + t.clamp(0.0, 1.0));
        }
        self.at(set.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Defuzzifier, Grid};

    #[test]
    fn a_triangle_and_a_plateau_have_their_known_numbers() {
        // (0, 0) to (2, 1) to (8, 1) to (10, 0) on eleven points: exact, since its corners are points.
        let grid = Grid::new([0.0, 10.0], 11);
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
        // A right triangle: its centroid is at two thirds, its bisector at 1 / sqrt(2).
        let ramp: Vec<f64> = (0..11).map(|k| f64::from(k) / 10.0).collect();
        let of = |by| grid.defuzzify(by, &ramp).unwrap();
        assert!((of(Defuzzifier::Centroid) - 20.0 / 3.0).abs() < 1e-13);
        assert!((of(Defuzzifier::Bisector) - 50.0_f64.sqrt()).abs() < 1e-13);
        assert!(grid.defuzzify(Defuzzifier::Centroid, &[0.0; 11]).is_none());
        assert_eq!("cog".parse::<Defuzzifier>().unwrap(), Defuzzifier::Centroid);
    }
}

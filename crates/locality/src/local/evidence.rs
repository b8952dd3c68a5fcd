//! What a local sample tells of how much of a model can be believed at a target: the guard of models that are not least squares.

use super::link::Linked;
use super::moments::Moments;
use super::solve::{Rules, Solution, THIN, scarcity};

/// Penalty of a slope, in units in which its column has unit variance and a sample the curvature of the local mean: classes that a plane
/// separates have finite coefficients.
const LEAST: f64 = 1e-7;
/// Predictions are not further than so many deviations of the responses from their mean.
const DEVIATIONS: f64 = 4.0;
/// Nor further outside the responses than this share of their range.
const MARGIN: f64 = 0.5;

/// How a local sample's responses lie, under its weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Of those that weigh.
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Spread {
    /// Between what a prediction may be.
    pub(super) fn bounds(self) -> (f64, f64) {
        self.bounds_about(self.mean)
    }

    /// The same for another middle, inside the responses.
    pub(super) fn bounds_about(self, middle: f64) -> (f64, f64) {
        let deviations = DEVIATIONS * self.variance.sqrt();
        let margin = MARGIN * (self.high - self.low);
        let lower = (middle - deviations).max(self.low - margin);
        let upper = (middle + deviations).min(self.high + margin);
        (lower, upper)
    }
}

/// Where a sample's columns lie, and how much evidence there is of slopes.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    solution: Solution,
    /// Penalty of slopes for which there are few effective samples.
    scarce: f64,
}

impl Evidence {
    /// Of moments about any place; `None` for an empty region.
    pub(super) fn new(moments: &Moments) -> Option<Self> {
        let rules = Rules {
            linear: moments.features(),
            ridge: 0.0,
            guard: true,
        };
        let solution = Solution::new(moments, rules)?;
        Some(Self {
            scarce: scarcity(solution.effective, moments.features() + 1),
            solution,
        })
    }

    /// Of rows `[s][d]` about any place under weights.
    pub(super) fn of_rows<'a>(
        d: usize,
        rows: impl Iterator<Item = &'a [f64]>,
        weights: &[f64],
    ) -> Option<Self> {
        let mut sums = vec![0.0; (d + 1) * (d + 2) / 2];
        let mut squares = 0.0;
        for (row, w) in rows.zip(weights) {
            squares += w * w;
            let one = |i: usize| if i == 0 { 1.0 } else { row[i - 1] };
            let mut at = 0;
            for i in 0..=d {
                for j in 0..=i {
                    sums[at] += w * one(i) * one(j);
                    at += 1;
                }
            }
        }
        Self::new(&Moments::of_sums(d, squares, sums))
    }

    /// Whether there are too few effective samples for the slopes.
    pub(super) fn is_scarce(&self) -> bool {
        self.scarce > 0.0
    }

    /// Whether evidence is too thin at a target, about the place of the moments.
    pub(super) fn is_thin(&self, target: &[f64]) -> bool {
        self.is_scarce() || self.reach_at(target) < 1.0 || self.solution.lacking(target) > THIN
    }

    /// Means of the columns about the place of the moments.
    pub(super) fn center(&self) -> &[f64] {
        self.solution.means()
    }

    /// What the slope of a column is penalised by, beside a sum of losses whose curvature at the local mean is `curvature`.
    pub(super) fn penalty(&self, column: usize, curvature: f64) -> f64 {
        (self.scarce + LEAST) * curvature * self.solution.variance(column)
    }

    /// Share of the slopes that is believed at a target, about the place of the moments.
    pub(super) fn reach_at(&self, target: &[f64]) -> f64 {
        self.solution.reach_at(target)
    }

    /// Share of a model of so many coefficients that is believed at the target the moments are about.
    pub(super) fn share(&self, coefficients: usize) -> f64 {
        let origin = vec![0.0; self.solution.means().len()];
        let scarce = scarcity(self.solution.effective, coefficients);
        self.reach_at(&origin) * (1.0 - self.solution.lacking(&origin)) / (1.0 + scarce)
    }

    /// Shares of a line and of what a polynomial adds to it that are believed at the target the moments are about.
    pub(super) fn shares(&self, features: usize) -> (f64, f64) {
        let origin = vec![0.0; self.solution.means().len()];
        let line = self.reach_at(&origin) / (1.0 + self.scarce);
        let more = scarcity(self.solution.effective, features + 1);
        (line, line / (1.0 + more))
    }
}

/// The evidence of a sample at a guarded target.
pub(super) struct Guarded<'a> {
    pub(super) target: &'a [f64],
    /// About the target.
    pub(super) evidence: Evidence,
    pub(super) spread: Spread,
}

impl Guarded<'_> {
    /// Shrinks the slopes of coefficients about the sample's centre where the target is far from it, and where it would be predicted
    /// far outside the responses. Returns whether evidence is too thin for all of the slopes.
    pub(super) fn hold(&self, family: Linked, coefficients: &mut [f64]) -> bool {
        let middle = self.evidence.center();
        let (first, slopes) = coefficients.split_at_mut(1);
        let along = |to: &[f64]| slopes.iter().zip(to).map(|(b, x)| b * x).sum::<f64>();
        // Predictors at the target and at the sample's centre.
        let here = first[0] + along(self.target);
        let center = here + along(middle);
        let origin = vec![0.0; slopes.len()];
        let mut share = self.evidence.reach_at(&origin);
        let reached = center + share * (here - center);
        let (lower, upper) = family.bounds(self.spread);
        let held = reached.max(lower).min(upper);
        let thin = self.evidence.is_thin(&origin) || (held - reached).abs() > 1e-9;
        if held != reached {
            let ratio = (held - center) / (here - center);
            share = if ratio.is_finite() {
                ratio.clamp(0.0, 1.0)
            } else {
                0.0
            };
        }
        if share < 1.0 || held != here {
            for b in &mut *slopes {
                *b *= share;
            }
            let along: f64 = slopes.iter().zip(self.target).map(|(b, x)| b * x).sum();
            first[0] = held - along;
        }
        thin
    }
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Spread};

    #[test]
    fn bounds_are_near_the_responses() {
        let spread = Spread {
            mean: 1.0,
            variance: 4.0,
            low: 0.0,
            high: 100.0,
        };
        assert_eq!(spread.bounds(), (-7.0, 9.0));
        let narrow = Spread {
            variance: 1e6,
            ..spread
        };
        assert_eq!(narrow.bounds(), (-50.0, 150.0));
    }

    #[test]
    fn few_samples_and_far_targets_are_thin() {
        let rows: Vec<[f64; 1]> = (0..9).map(|i| [f64::from(i)]).collect();
        let all = || rows.iter().map(|r| &r[..]);
        let plain = Evidence::of_rows(1, all(), &[1.0; 9]).unwrap();
        assert!(!plain.is_scarce() && !plain.is_thin(&[8.0]) && plain.is_thin(&[80.0]));
        assert!((plain.center()[0] - 4.0).abs() < 1e-12);
        assert_eq!(plain.reach_at(&[8.0]), 1.0);
        // 76 from the centre in deviations of the square root of 20 / 3, of which 8 squared are believed.
        let wanted = 8.0 / (76.0 * 76.0 * 3.0 / 20.0);
        assert!((plain.reach_at(&[80.0]) - wanted).abs() < 1e-6 * wanted);
        let few = Evidence::of_rows(1, all().take(3), &[1.0; 3]).unwrap();
        assert!(few.is_scarce() && few.is_thin(&[1.0]));
        assert!(few.penalty(0, 1.0) > 1e-3 && plain.penalty(0, 1.0) < 1e-6);
        assert!(Evidence::of_rows(1, all(), &[0.0; 9]).is_none());
    }
}

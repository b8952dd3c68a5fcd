//! The small system of one target: penalised least squares on centred features, guarded where evidence is thin.

use super::moments::{Moments, at};

/// A pivot of the correlation matrix below this is no evidence of a direction of its own.
const PIVOT: f64 = 1e-7;
/// Without a guard only what is nothing but rounding is left out.
const ROUNDING: f64 = 1e-13;
/// Penalty where the effective samples are half way between too few and enough.
const STRENGTH: f64 = 0.1;

/// Leverage that is believed, as a share of the effective samples, and how much more than an edge's that is at the most.
const SHARE: f64 = 0.1;
const WIDER: f64 = 4.0;

/// Evidence is called thin where the guard takes more than this share of a slope.
pub(super) const THIN: f64 = 0.1;

/// How a target's system is solved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Number of linear features; those of a higher degree follow.
    pub(super) linear: usize,
    /// Penalty on each coefficient of a feature of unit variance.
    pub(super) ridge: f64,
    pub(super) guard: bool,
}

/// A solved system.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// Weighted means of the features, `[q]`.
    mean: Vec<f64>,
    /// One over the weighted deviations of the features; 0 for a constant.
    inverse: Vec<f64>,
    /// `L` of `L D L^T`, lower triangle with the pivots on the diagonal.
    factor: Vec<f64>,
    /// Share of the slopes that is believed at the target.
    reach: f64,
    /// `A^-1` times the standardised means of the features.
    lever: Vec<f64>,
    /// Squared distance of the target from the sample's centre, in the sample's own spread.
    leverage: f64,
    weight: f64,
    /// Effective number of samples, `(sum w)^2 / sum w^2`.
    pub(super) effective: f64,
    /// The largest share of a direction's slope that the penalty of few samples takes.
    scarce: f64,
    /// Directions that are collinear with those before.
    raised: Vec<usize>,
}

impl Solution {
    /// `None` for an empty region.
    pub(super) fn new(m: &Moments, rules: Rules) -> Option<Self> {
        let weight = m.weight();
        if weight <= 0.0 {
            return None;
        }
        let q = m.features();
        let mean: Vec<f64> = (0..q).map(|j| m.feature(j) / weight).collect();
        let effective = weight * weight / m.squares;
        let inverse: Vec<f64> = (0..q)
            .map(|j| {
                let raw = m.pair(j, j) / weight;
                let variance = raw - mean[j] * mean[j];
                // What is left of a difference of nearly equal numbers is rounding.
                let constant = variance <= 1e-14 * raw;
                if constant {
                    0.0
                } else {
                    variance.sqrt().recip()
                }
            })
            .collect();
        let mut factor = vec![0.0; q * (q + 1) / 2];
        let mut penalties = vec![0.0; q];
        for i in 0..q {
            for j in 0..=i {
                let covariance = m.pair(i, j) / weight - mean[i] * mean[j];
                factor[at(i, j)] = covariance * inverse[i] * inverse[j];
            }
            let count = if i < rules.linear { rules.linear } else { q };
            let scarce = if rules.guard {
                scarcity(effective, count + 1)
            } else {
                0.0
            };
            penalties[i] = scarce;
            // A constant has no part in anything.
            factor[at(i, i)] = 1.0 + rules.ridge + scarce;
        }
        let raised = decompose(&mut factor, q, rules.guard);
        // Pivots are variances beside the directions before, and the penalty a part of them.
        let taken = |(j, penalty): (usize, &f64)| penalty / factor[at(j, j)];
        let sound = penalties.iter().enumerate().filter(|p| *p.1 > 0.0);
        let scarce = sound.map(taken).fold(0.0, f64::max);
        let mut solution = Self {
            mean,
            inverse,
            factor,
            reach: 1.0,
            lever: Vec::new(),
            leverage: 0.0,
            weight,
            effective,
            scarce,
            raised,
        };
        (solution.lever, solution.leverage) = solution.levers(&vec![0.0; q]);
        if rules.guard {
            solution.reach = far(solution.leverage, q, effective);
        }
        Some(solution)
    }

    /// The largest share of a direction's slope that the guard takes, of directions in which the place of the moments lies away from the
    /// sample's centre; 1 where it lies where there is no evidence at all. Nothing is missing where columns are collinear in the same way there.
    pub(super) fn taken(&self) -> f64 {
        let origin = vec![0.0; self.mean.len()];
        self.scarce.max(1.0 - self.reach).max(self.lacking(&origin))
    }

    /// How far a place lies in directions that are collinear in the sample, as the squared distance in the spread that they are given; at
    /// most 1.
    pub(super) fn lacking(&self, place: &[f64]) -> f64 {
        if self.raised.is_empty() {
            return 0.0;
        }
        let mut along = self.standardized(place);
        self.forward(&mut along);
        let each = self.raised.iter().map(|&j| {
            let spread = self.factor[at(j, j)].max(ROUNDING);
            (along[j] * along[j] / spread).min(1.0)
        });
        each.fold(0.0, f64::max)
    }

    /// The sample's centre from a place, in deviations of each feature.
    fn standardized(&self, place: &[f64]) -> Vec<f64> {
        let each = self.mean.iter().zip(place).zip(&self.inverse);
        each.map(|((m, x), inverse)| (m - x) * inverse).collect()
    }

    /// `A^-1` times the standardised difference of the sample's centre from a place, and the place's squared distance from that centre in the
    /// sample's own spread.
    fn levers(&self, place: &[f64]) -> (Vec<f64>, f64) {
        let center = self.standardized(place);
        let mut lever = center.clone();
        self.solve(&mut lever);
        let leverage = dot(&lever, &center);
        (lever, leverage)
    }

    /// Share of the slopes that is believed at a place, about that of the moments.
    pub(super) fn reach_at(&self, place: &[f64]) -> f64 {
        far(self.levers(place).1, place.len(), self.effective)
    }

    /// Weighted means of the features, `[q]`, about the place of the moments.
    pub(super) fn means(&self) -> &[f64] {
        &self.mean
    }

    /// Weighted variance of a feature; 0 for a constant.
    pub(super) fn variance(&self, feature: usize) -> f64 {
        let inverse = self.inverse[feature];
        if inverse > 0.0 {
            1.0 / (inverse * inverse)
        } else {
            0.0
        }
    }

    /// `x <- L^-1 x`.
    fn forward(&self, x: &mut [f64]) {
        for i in 0..x.len() {
            for j in 0..i {
                x[i] -= self.factor[at(i, j)] * x[j];
            }
        }
    }

    /// `x <- A^-1 x`.
    fn solve(&self, x: &mut [f64]) {
        self.forward(x);
        let (q, l) = (x.len(), &self.factor);
        for i in (0..q).rev() {
            let pivot = l[at(i, i)];
            x[i] = if pivot > 0.0 { x[i] / pivot } else { 0.0 };
            for j in i + 1..q {
                x[i] -= l[at(j, i)] * x[j];
            }
        }
    }

    /// The value at the target of a response, and the coefficients of the features there, `[q]`.
    pub(super) fn response(&self, m: &Moments, number: usize, slopes: &mut [f64]) -> f64 {
        let (sum, products) = m.response(number);
        let mean = sum / self.weight;
        for (j, s) in slopes.iter_mut().enumerate() {
            *s = (products[j] / self.weight - self.mean[j] * mean) * self.inverse[j];
        }
        self.solve(slopes);
        for (s, inverse) in slopes.iter_mut().zip(&self.inverse) {
            *s *= inverse * self.reach;
        }
        mean - dot(slopes, &self.mean)
    }

    /// How far a value at the target is from what the slopes say without regard to how far out that is.
    pub(super) fn doubt(&self, m: &Moments, number: usize, value: f64) -> f64 {
        if self.reach >= 1.0 {
            return 0.0;
        }
        let mean = m.response(number).0 / self.weight;
        let doubt = (value - mean).abs() * (1.0 / self.reach - 1.0);
        if doubt.is_nan() { f64::INFINITY } else { doubt }
    }

    /// What a response at the target itself, of this weight, adds to the value there.
    pub(super) fn own(&self, weight: f64) -> f64 {
        weight / self.weight * (1.0 + self.reach * self.leverage)
    }

    /// What a response adds to the value at the target: its weight times a constant plus the product of these slopes with its features.
    pub(super) fn hat(&self) -> (f64, Vec<f64>) {
        let each = self.lever.iter().zip(&self.inverse);
        let slope = |(lever, inverse): (&f64, &f64)| -self.reach * lever * inverse / self.weight;
        let constant = (1.0 + self.reach * self.leverage) / self.weight;
        (constant, each.map(slope).collect())
    }

    /// What turns a sample's responses into the value at the target, as coefficients of one and of the features, if so much of the slopes is
    /// believed.
    fn row(&self, reach: f64) -> Vec<f64> {
        let slopes = self.lever.iter().zip(&self.inverse);
        let slopes = slopes.map(|(lever, inverse)| -reach * lever * inverse);
        std::iter::once(1.0 + reach * self.leverage)
            .chain(slopes)
            .collect()
    }

    /// The variance of the value at the target, if all of the slopes is believed.
    pub(super) fn plain_variance(&self, m: &Moments) -> f64 {
        let row = self.row(1.0);
        let variance = m.second().map(|second| form(second, &row));
        variance.unwrap_or(f64::NAN) / (self.weight * self.weight)
    }

    /// Squared norms of the rows that turn responses into the value and into each slope, over sample weights: variances in units of a
    /// response's.
    pub(super) fn variances(&self, m: &Moments, out: &mut [f64]) {
        let Some(second) = m.second() else { return };
        let q = self.mean.len();
        let square = self.weight * self.weight;
        let mut row = self.row(self.reach);
        out[0] = form(second, &row) / square;
        let mut unit = vec![0.0; q];
        for k in 0..q {
            unit.fill(0.0);
            unit[k] = 1.0;
            self.solve(&mut unit);
            let scale = self.inverse[k] * self.reach;
            row[0] = 0.0;
            for j in 0..q {
                row[j + 1] = scale * unit[j] * self.inverse[j];
                row[0] -= row[j + 1] * self.mean[j];
            }
            out[k + 1] = form(second, &row) / square;
        }
    }
}

/// The quadratic form of a row over a lower triangle.
fn form(triangle: &[f64], row: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (i, a) in row.iter().enumerate() {
        for (j, b) in row[..i].iter().enumerate() {
            sum += 2.0 * a * b * triangle[at(i, j)];
        }
        sum += a * a * triangle[at(i, i)];
    }
    sum.max(0.0)
}

/// Share of slopes that is believed at a target further out than an edge or corner of a sample is, where they would be drawn out for ever.
/// Many samples know their slopes well: for them it is the variance of the value there that has a limit, a [tenth](SHARE) of a response's, up to
/// [four times](WIDER) as far out.
fn far(leverage: f64, q: usize, effective: f64) -> f64 {
    let edge = 4.0 * (q + 1) as f64;
    let limit = (SHARE * effective).clamp(edge, WIDER * edge);
    if leverage > limit {
        limit / leverage
    } else {
        1.0
    }
}

/// Penalty of coefficients for which there are few effective samples: none from twice as many as coefficients on, without limit towards
/// as many as these.
pub(super) fn scarcity(effective: f64, count: usize) -> f64 {
    let count = count as f64;
    let enough = ((effective - count) / count).clamp(1e-9, 1.0);
    STRENGTH * (1.0 - enough) * (1.0 - enough) / enough
}

/// `L D L^T` in place. Pivots that are too small are raised, which penalises their direction. Returns which were.
fn decompose(a: &mut [f64], q: usize, guard: bool) -> Vec<usize> {
    let mut raised = Vec::new();
    for j in 0..q {
        let mut pivot = a[at(j, j)];
        for k in 0..j {
            pivot -= a[at(j, k)] * a[at(j, k)] * a[at(k, k)];
        }
        if guard && pivot < PIVOT {
            let lack = PIVOT - pivot;
            pivot = pivot.max(0.0) + lack * lack / PIVOT;
            raised.push(j);
        } else if pivot < ROUNDING {
            pivot = 0.0;
            raised.push(j);
        }
        a[at(j, j)] = pivot;
        for i in j + 1..q {
            let mut x = a[at(i, j)];
            for k in 0..j {
                x -= a[at(i, k)] * a[at(j, k)] * a[at(k, k)];
            }
            a[at(i, j)] = if pivot > 0.0 { x / pivot } else { 0.0 };
        }
    }
    raised
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::{Moments, Rules, Solution, scarcity};

    #[test]
    fn what_the_guard_takes_is_told() {
        let solved = |effective: f64, variance: f64| {
            let sums = vec![1.0, 0.0, variance];
            let rules = Rules {
                linear: 1,
                ridge: 0.0,
                guard: true,
            };
            Solution::new(&Moments::of_sums(1, 1.0 / effective, sums), rules)
                .unwrap()
                .taken()
        };
        assert_eq!(solved(4.0, 2.0), 0.0);
        // Half way between two samples and four.
        assert!((solved(3.0, 2.0) - 0.05 / 1.05).abs() < 1e-12);
        assert!(solved(2.0, 2.0) > 0.999);
        // A constant beside a line is no direction.
        assert_eq!(solved(3.0, 0.0), solved(3.0, 2.0));
    }

    #[test]
    fn the_penalty_of_scarce_samples_ends_smoothly() {
        assert!(scarcity(6.0, 3) == 0.0 && scarcity(100.0, 3) == 0.0);
        assert!(scarcity(5.9, 3) < 1e-3 && scarcity(5.9, 3) > 0.0);
        assert!(scarcity(3.0, 3) > 1e7 && scarcity(1.0, 3) > 1e7);
    }
}

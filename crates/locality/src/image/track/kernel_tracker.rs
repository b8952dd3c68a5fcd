//! The place where the colours under a kernel are most like a model's.

use super::histogram::{Ellipse, likeness};
use super::window::Criteria;

/// The colours to look for.
pub(super) struct Model<'a> {
    /// The object's histogram.
    pub(super) object: &'a [f64],
    /// What each colour counts in a candidate's histogram.
    pub(super) factors: &'a [f64],
}

impl Model<'_> {
    /// How like the model's the colours in an ellipse are.
    pub(super) fn likeness(&self, bins: &[u32], sides: (i32, i32), at: Ellipse) -> f64 {
        likeness(&at.histogram(bins, sides, self.factors), self.object)
    }

    /// Moves an ellipse to a local maximum of the likeness: each step goes to the mean of the pixels in it, weighed with
    /// `sqrt(q / p)` of their colours in the model and in the ellipse (Comaniciu, Ramesh and Meer 2003, equations 10 and 13).
    pub(super) fn climb(
        &self,
        bins: &[u32],
        sides: (i32, i32),
        mut at: Ellipse,
        criteria: Criteria,
    ) -> Ellipse {
        for _ in 0..criteria.max_iter {
            let candidate = at.histogram(bins, sides, self.factors);
            let (mut weight, mut x, mut y) = (0.0, 0.0, 0.0);
            at.pixels(sides, |i, px, py, _| {
                let bin = bins[i] as usize;
                if let Some(&p) = candidate.get(bin)
                    && p > 0.0
                {
                    let w = self.factors[bin] * (self.object[bin] / p).sqrt();
                    weight += w;
                    x += w * px;
                    y += w * py;
                }
            });
            if weight <= 0.0 {
                break;
            }
            let to = [x / weight, y / weight];
            let step = (to[0] - at.center[0]).hypot(to[1] - at.center[1]);
            at.center = to;
            if step < criteria.epsilon {
                break;
            }
        }
        at
    }

    /// Climbs at this size, a tenth smaller and a tenth greater, and takes a part of the way to the size of the greatest likeness
    /// (ibid., section 5.3).
    pub(super) fn climb_scales(
        &self,
        bins: &[u32],
        sides: (i32, i32),
        at: Ellipse,
        criteria: Criteria,
        rate: f64,
    ) -> (Ellipse, f64) {
        let mut best: Option<(Ellipse, f64, f64)> = None;
        for scale in [1.0, 0.9, 1.1] {
            let half = at.half.map(|h| (h * scale).max(1.0));
            let found = self.climb(bins, sides, Ellipse { half, ..at }, criteria);
            let like = self.likeness(bins, sides, found);
            if best.is_none_or(|best| like > best.1) {
                best = Some((found, like, scale));
            }
            if rate <= 0.0 {
                break;
            }
        }
        let Some((found, like, scale)) = best else {
            return (at, 0.0);
        };
        let longest = f64::from(sides.0.max(sides.1));
        let half = at
            .half
            .map(|h| (h * (1.0 + rate * (scale - 1.0))).clamp(1.0, longest));
        (Ellipse { half, ..found }, like)
    }
}

//! The place where the colours under a kernel are most like a model's.

use super::histogram::{Ellipse, likeness};
use super::window::Criteria;

/// The colours to look for.
pub(super) struct Model<'a> {
    /// The object's histogram.
    pub(super) object: &'a [f64],
    /// What each colour counts in a candidate's histogram.
    pub(super) factors: &'a [f64],
    /// Between what a pixel of the object counts on average and what one around it does, where these are known to differ.
    pub(super) level: Option<f64>,
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

    /// How well an ellipse of this size encloses the object. The likeness alone cannot tell: colours that count nothing may be within, and a
    /// part of an object of one colour is like the whole. So where colours around are known it is the sum over the pixels of what each
    /// counts above the level, which is largest at the object's edge.
    fn enclosed(&self, bins: &[u32], sides: (i32, i32), at: Ellipse, like: f64) -> f64 {
        let Some(level) = self.level else { return like };
        let mut sum = 0.0;
        at.pixels(sides, |i, _, _, _| {
            sum += self.factors.get(bins[i] as usize).unwrap_or(&0.0) - level;
        });
        sum
    }

    /// Climbs at this size, a tenth smaller and a tenth greater, and takes a part of the way to the size that encloses the object best
    /// (as ibid., section 5.3, but for the measure).
    pub(super) fn climb_scales(
        &self,
        bins: &[u32],
        sides: (i32, i32),
        at: Ellipse,
        criteria: Criteria,
        rate: f64,
    ) -> (Ellipse, f64) {
        let mut best: Option<(Ellipse, [f64; 2], f64)> = None;
        for scale in [1.0, 0.9, 1.1] {
            let half = at.half.map(|h| (h * scale).max(1.0));
            let found = self.climb(bins, sides, Ellipse { half, ..at }, criteria);
            let like = self.likeness(bins, sides, found);
            let score = self.enclosed(bins, sides, found, like);
            if best.is_none_or(|best| score > best.1[0]) {
                best = Some((found, [score, like], scale));
            }
            if rate <= 0.0 {
                break;
            }
        }
        let Some((found, [_, like], scale)) = best else {
            return (at, 0.0);
        };
        let longest = f64::from(sides.0.max(sides.1));
        let half = at
            .half
            .map(|h| (h * (1.0 + rate * (scale - 1.0))).clamp(1.0, longest));
        (Ellipse { half, ..found }, like)
    }
}

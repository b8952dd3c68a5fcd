//! Whether patterns are of one length, as inner products need.

use super::complete::is_inner_product;
use super::memory::StoredPatterns;
use crate::Float;

/// Of what `outscored` judges: patterns, long ones they are held against, and what rounding of single precision may be.
const JUDGED: usize = 2048;
const LONGEST: usize = 16;
const ROUNDING: f64 = 1e-5;

impl<T: Float> StoredPatterns<T> {
    /// What share of the patterns another one outscores even at their own place, under a kernel of the inner product on all columns; 0 under any
    /// other. Where lengths differ, the longest patterns score highest almost everywhere, and nearly every state goes to one of them: a memory of
    /// such patterns needs a kernel of the distance, such as `gaussian(h=1)`, or patterns of one length. Judged on at most 2048 patterns,
    /// evenly spread, against the 16 longest. Keys of attention, which is one read, may have any lengths.
    pub fn outscored(&self) -> f64 {
        if self.is_empty() || !is_inner_product(self.parameters.kernel()) {
            return 0.0;
        }
        let dot = |a: &[T], b: &[T]| -> f64 {
            let each = a.iter().zip(b);
            each.map(|(a, b)| a.to_f64() * b.to_f64()).sum()
        };
        let patterns: Vec<&[T]> = self.parts.patterns().collect();
        let squares: Vec<f64> = patterns.iter().map(|x| dot(x, x)).collect();
        let mut order: Vec<usize> = (0..patterns.len()).collect();
        let most = LONGEST.min(order.len());
        let longer = |a: &usize, b: &usize| squares[*b].total_cmp(&squares[*a]);
        order.select_nth_unstable_by(most - 1, longer);
        let step = patterns.len().div_ceil(JUDGED);
        let judged = (0..patterns.len()).step_by(step);
        let count = judged.clone().count();
        let beaten = judged.filter(|&i| {
            let own = squares[i] * (1.0 + ROUNDING);
            order[..most]
                .iter()
                .any(|&j| dot(patterns[i], patterns[j]) > own)
        });
        beaten.count() as f64 / count as f64
    }
}

//! How well two clusterings agree.

use std::collections::BTreeMap;

/// The adjusted Rand index (Hubert and Arabie 1985, equation 5) of two labellings of the same rows: 1 where they are the same up
/// to names, 0 on average where they have nothing to do with each other. Rows beyond the shorter list are left out.
///
/// ```
/// use locality::shift::adjusted_rand;
/// assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[5, 5, 3, 3]), 1.0);
/// ```
pub fn adjusted_rand(a: &[i64], b: &[i64]) -> f64 {
    let mut both = BTreeMap::<(i64, i64), u64>::new();
    let mut left = BTreeMap::<i64, u64>::new();
    let mut right = BTreeMap::<i64, u64>::new();
    for (x, y) in a.iter().zip(b) {
        *both.entry((*x, *y)).or_default() += 1;
        *left.entry(*x).or_default() += 1;
        *right.entry(*y).or_default() += 1;
    }
    let pairs = |n: u64| n as f64 * n.saturating_sub(1) as f64 / 2.0;
    let sum = |counts: &BTreeMap<i64, u64>| counts.values().map(|n| pairs(*n)).sum::<f64>();
    let (left, right) = (sum(&left), sum(&right));
    let together: f64 = both.values().map(|n| pairs(*n)).sum();
    let all = pairs(a.len().min(b.len()) as u64);
    if all == 0.0 {
        return 1.0;
    }
    let expected = left * right / all;
    let most = f64::midpoint(left, right);
    if most == expected {
        return 1.0;
    }
    (together - expected) / (most - expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_that_of_the_paper() {
        assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[5, 5, 3, 3]), 1.0);
        // From scikit-learn's documentation of adjusted_rand_score.
        let index = adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]);
        assert!((index - 0.571_428_571).abs() < 1e-8, "{index}");
        assert_eq!(adjusted_rand(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
    }
}

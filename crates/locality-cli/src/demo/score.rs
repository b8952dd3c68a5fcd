//! Sizes of clusters.

use std::collections::BTreeMap;

/// The sizes of clusters, in the order of their numbers.
pub(super) fn sizes(labels: &[i64]) -> Vec<usize> {
    let mut counts = BTreeMap::<i64, usize>::new();
    for label in labels {
        *counts.entry(*label).or_default() += 1;
    }
    counts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_order_of_the_numbers() {
        assert_eq!(sizes(&[1, 0, 1, -1]), [1, 1, 2]);
    }
}

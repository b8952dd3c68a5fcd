//! The chances with which a row counts as one of those nearby.

/// Links that a row takes from rows which are not among its own nearest, for each of its own: the nearest ones. Rows that are near
/// to very many others would be set up for ever.
const TAKEN: usize = 3;

/// For each row the others that it counts as, and with what chance: symmetric, so that rows that change places leave the table what it is.
///
/// Rows are linked where one is among the nearest of the other, by `w = min(1, r / d)^2`, `d` being their distance and `r` the smaller of the
/// two reaches of their nearest rows: one far off does not pull at those that it has to call near. The chance is `share w / max(W, W')`, `W`
/// being the sum of a row's links and 1 for itself (Hastings, *Monte Carlo sampling methods using Markov chains and their applications*, 1970).
#[derive(Debug)]
pub(super) struct Exchange {
    starts: Vec<usize>,
    others: Vec<(usize, f64)>,
}

impl Exchange {
    /// Of the `count` nearest rows of each, itself among them unless others are the same, and their distances.
    pub(super) fn new(near: &[usize], distances: &[f64], count: usize, share: f64) -> Self {
        let n = near.len() / count;
        let own = |i: usize| {
            let list = near[i * count..][..count].iter().copied();
            list.zip(distances[i * count..][..count].iter().copied())
                .filter(move |(j, _)| *j != i)
        };
        let reach: Vec<f64> = distances
            .chunks_exact(count)
            .map(|d| d[count - 1])
            .collect();
        let link = |i: usize, j: usize, d: f64| -> f64 {
            let ratio = reach[i].min(reach[j]) / d;
            // Not so for equal rows, which are 0 / 0 apart.
            if ratio < 1.0 { ratio * ratio } else { 1.0 }
        };
        let mut taken: Vec<Vec<(f64, usize)>> = vec![Vec::new(); n];
        let mut links: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
        for (i, list) in links.iter_mut().enumerate() {
            for (j, d) in own(i) {
                if near[j * count..][..count].contains(&i) {
                    list.push((j, link(i, j, d)));
                } else {
                    taken[j].push((d, i));
                }
            }
        }
        for (j, list) in taken.iter_mut().enumerate() {
            list.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for &(d, i) in list.iter().take(TAKEN * count) {
                let w = link(i, j, d);
                links[i].push((j, w));
                links[j].push((i, w));
            }
        }
        for list in &mut links {
            list.sort_unstable_by_key(|(j, _)| *j);
        }
        let sums: Vec<f64> = links
            .iter()
            .map(|list| list.iter().fold(1.0, |sum, (_, w)| sum + w))
            .collect();
        let mut out = Self {
            starts: vec![0],
            others: Vec::new(),
        };
        for (i, list) in links.into_iter().enumerate() {
            let chances = list.into_iter();
            out.others
                .extend(chances.map(|(j, w)| (j, share * w / sums[i].max(sums[j]))));
            out.starts.push(out.others.len());
        }
        out
    }

    /// The others that a row counts as, and their chances.
    pub(super) fn of(&self, i: usize) -> &[(usize, f64)] {
        &self.others[self.starts[i]..self.starts[i + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, Nearest, Rows, Watch};

    #[test]
    fn chances_are_symmetric_and_leave_some_for_the_row() {
        // A hub, equal rows and one far off.
        let mut data = locality_testing::normal(3, 80, 3);
        for x in &mut data[..60] {
            *x *= 0.01;
        }
        data.copy_within(30..33, 33);
        data[237..].fill(1e6);
        let rows = Rows::new(&data, 80, 3).unwrap();
        let found = Nearest::fit(rows, &Metric::Euclidean).unwrap();
        let found = found.k_nearest(rows, 6, &Watch::default()).unwrap();
        let exchange = Exchange::new(&found.indices, &found.distances, 6, 0.5);
        for i in 0..80 {
            let mut sum = 0.0;
            for &(j, p) in exchange.of(i) {
                assert_ne!(i, j);
                let back: Vec<_> = exchange.of(j).iter().filter(|(k, _)| *k == i).collect();
                assert_eq!(back.len(), 1);
                assert_eq!(back[0].1, p);
                sum += p;
            }
            assert!(sum < 0.5 && (sum > 0.05 || i == 79), "{i} {sum}");
        }
        assert_eq!(exchange.of(79).len(), 5);
        assert!(exchange.of(79).iter().all(|(_, p)| *p < 1e-9));
    }
}

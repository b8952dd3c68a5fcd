//! Groups of samples that mix among themselves only.

/// The sizes of the closed classes of a directed graph: the strongly connected sets that no edge leaves, the largest first. Each row's
/// edges are as many as `k`; those that do not count have a share of 0.
///
/// Weights that reconstruct samples from such a set are satisfied by a constant on it, so that the form of the standard method has a null
/// vector for each.
pub(super) fn closed_classes(k: usize, neighbors: &[usize], shares: Option<&[f64]>) -> Vec<usize> {
    let n = neighbors.len() / k.max(1);
    let counts = |e: usize| shares.is_none_or(|s| s[e] > 0.0);
    let mut search = Tarjan {
        index: vec![UNSEEN; n],
        low: vec![0; n],
        open: vec![false; n],
        stack: Vec::new(),
        class: vec![UNSEEN; n],
        sizes: Vec::new(),
    };
    for start in 0..n {
        if search.index[start] == UNSEEN {
            search.from(start, k, neighbors, &counts);
        }
    }
    let mut closed = vec![true; search.sizes.len()];
    for (e, &j) in neighbors.iter().enumerate() {
        let (a, b) = (search.class[e / k], search.class[j]);
        if a != b && counts(e) {
            closed[a] = false;
        }
    }
    let sizes = search
        .sizes
        .iter()
        .zip(closed)
        .filter(|(_, closed)| *closed);
    let mut sizes: Vec<usize> = sizes.map(|(size, _)| *size).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

const UNSEEN: usize = usize::MAX;

/// Strongly connected sets (Tarjan 1972), without recursion.
struct Tarjan {
    index: Vec<usize>,
    low: Vec<usize>,
    open: Vec<bool>,
    stack: Vec<usize>,
    class: Vec<usize>,
    sizes: Vec<usize>,
}

impl Tarjan {
    fn enter(&mut self, i: usize, seen: &mut usize) {
        self.index[i] = *seen;
        self.low[i] = *seen;
        *seen += 1;
        self.stack.push(i);
        self.open[i] = true;
    }

    fn from(
        &mut self,
        start: usize,
        k: usize,
        neighbors: &[usize],
        counts: &dyn Fn(usize) -> bool,
    ) {
        // Indices only need to rise along one search: earlier sets are closed by then.
        let mut seen = 0;
        let mut way = vec![(start, 0)];
        self.enter(start, &mut seen);
        while let Some((i, at)) = way.last_mut() {
            let i = *i;
            if *at < k {
                let e = i * k + *at;
                *at += 1;
                let j = neighbors[e];
                if !counts(e) {
                    continue;
                }
                if self.index[j] == UNSEEN {
                    self.enter(j, &mut seen);
                    way.push((j, 0));
                } else if self.open[j] {
                    self.low[i] = self.low[i].min(self.index[j]);
                }
                continue;
            }
            way.pop();
            if let Some((before, _)) = way.last() {
                self.low[*before] = self.low[*before].min(self.low[i]);
            }
            if self.low[i] == self.index[i] {
                self.close(i);
            }
        }
    }

    /// Takes a set off the stack.
    fn close(&mut self, root: usize) {
        let number = self.sizes.len();
        let mut size = 0;
        while let Some(j) = self.stack.pop() {
            self.open[j] = false;
            self.class[j] = number;
            size += 1;
            if j == root {
                break;
            }
        }
        self.sizes.push(size);
    }
}

#[cfg(test)]
mod tests {
    use super::closed_classes;

    #[test]
    fn classes_are_those_that_no_edge_leaves() {
        // 0 and 1 have one another, 3 and 4, too; 2 leads to both.
        let edges = [1, 1, 0, 0, 0, 3, 4, 4, 3, 3];
        assert_eq!(closed_classes(2, &edges, None), [2, 2]);
        // Without weight on the edge to 3 the pair of 3 and 4 is still closed; with one from it to 0 no longer.
        let edges = [1, 1, 0, 0, 0, 3, 4, 4, 3, 0];
        assert_eq!(closed_classes(2, &edges, None), [2]);
        let shares = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        assert_eq!(closed_classes(2, &edges, Some(&shares)), [2, 2]);
        // A ring is one class, however long.
        let n = 100_000;
        let ring: Vec<usize> = (0..n).map(|i| (i + 1) % n).collect();
        assert_eq!(closed_classes(1, &ring, None), [n]);
    }
}

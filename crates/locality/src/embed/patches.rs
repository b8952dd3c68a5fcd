//! The quadratic form of an embedding as a sum of small parts: what each sample and its neighbours ask for.

use crate::linear::Sparse;
use crate::{Result, Watch, par};

/// Rows of the matrix that are put together at once.
const BLOCK: usize = 512;

/// One part: the sum of squares of `identity` of its samples, plus signed squares of weighted sums.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    /// The samples, all different.
    pub(super) indices: Vec<u32>,
    /// Of how many samples, counted from the last, the squares are added.
    pub(super) identity: usize,
    /// Weights of the sums, `[r, m]`.
    pub(super) factor: Vec<f64>,
    /// 1 or -1 for each sum.
    pub(super) signs: Vec<f64>,
}

/// The matrix of the sum of the parts of `n` samples, in any order of which each row's sum is the same for any number of threads.
pub(super) fn assemble(n: usize, patches: &[Patch], watch: &Watch<'_>) -> Result<Sparse> {
    let owners = owners(n, patches);
    let blocks = par::map_blocks(&watch.quiet(), n, BLOCK, |range| {
        let mut sums = vec![0.0; n];
        let mut seen = vec![false; n];
        let rows = range.map(|i| {
            let mut columns: Vec<usize> = Vec::new();
            for &(p, at) in owners.of(i) {
                let patch = &patches[p as usize];
                let (m, at) = (patch.indices.len(), at as usize);
                for &j in &patch.indices {
                    if !seen[j as usize] {
                        seen[j as usize] = true;
                        columns.push(j as usize);
                    }
                }
                if at >= m - patch.identity {
                    sums[i] += 1.0;
                }
                for (sum, sign) in patch.factor.chunks_exact(m).zip(&patch.signs) {
                    let scale = sign * sum[at];
                    for (&j, w) in patch.indices.iter().zip(sum) {
                        sums[j as usize] += scale * w;
                    }
                }
            }
            // A sample in no patch has a row of its own all the same.
            if columns.is_empty() {
                columns.push(i);
            }
            columns.sort_unstable();
            let values = columns.iter().map(|&j| {
                seen[j] = false;
                std::mem::take(&mut sums[j])
            });
            let values = values.collect();
            (columns, values)
        });
        Ok(rows.collect::<Vec<_>>())
    })?;
    Ok(Sparse::new(blocks.into_iter().flatten().collect()))
}

/// In which patches, and at which places in them, each sample is.
struct Owners {
    starts: Vec<usize>,
    places: Vec<(u32, u32)>,
}

impl Owners {
    fn of(&self, i: usize) -> &[(u32, u32)] {
        &self.places[self.starts[i]..self.starts[i + 1]]
    }
}

fn owners(n: usize, patches: &[Patch]) -> Owners {
    let mut starts = vec![0; n + 1];
    for patch in patches {
        for &i in &patch.indices {
            starts[i as usize + 1] += 1;
        }
    }
    for i in 0..n {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut places = vec![(0, 0); starts[n]];
    for (p, patch) in patches.iter().enumerate() {
        for (at, &i) in patch.indices.iter().enumerate() {
            places[next[i as usize]] = (p as u32, at as u32);
            next[i as usize] += 1;
        }
    }
    Owners { starts, places }
}

/// The first of the samples that a sample is known to be connected with.
fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

/// The connected piece of each sample, numbered by their first samples: two samples of one patch are connected.
pub(super) fn pieces(
    n: usize,
    groups: impl Iterator<Item = impl AsRef<[u32]>>,
) -> (Vec<usize>, usize) {
    let mut parent: Vec<usize> = (0..n).collect();
    for group in groups {
        for pair in group.as_ref().windows(2) {
            let a = root(&mut parent, pair[0] as usize);
            let b = root(&mut parent, pair[1] as usize);
            let (low, high) = (a.min(b), a.max(b));
            parent[high] = low;
        }
    }
    let mut numbers = vec![usize::MAX; n];
    let mut count = 0;
    let labels = (0..n).map(|i| {
        let r = root(&mut parent, i);
        if numbers[r] == usize::MAX {
            numbers[r] = count;
            count += 1;
        }
        numbers[r]
    });
    let labels = labels.collect();
    (labels, count)
}

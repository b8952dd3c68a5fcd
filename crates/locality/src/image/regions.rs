//! Regions of pixels: fusion of neighbours and merging of small regions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Which pixels are neighbours. In a stack of pictures, those of the next and the last picture count likewise: 6 or 26 neighbours
/// in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Connectivity {
    /// Left, right, above and below.
    Four,
    /// Those and the diagonal ones.
    #[default]
    Eight,
}

impl Connectivity {
    /// The neighbours of a pixel that come after it in scan order, as steps of frames, rows and columns.
    fn ahead(self, frames: usize) -> Vec<[isize; 3]> {
        let flat: &[[isize; 3]] = match self {
            Self::Four => &[[0, 0, 1], [0, 1, 0]],
            Self::Eight => &[[0, 0, 1], [0, 1, 0], [0, 1, 1], [0, 1, -1]],
        };
        let mut steps = flat.to_vec();
        if frames > 1 {
            match self {
                Self::Four => steps.push([1, 0, 0]),
                Self::Eight => steps.extend((0..9).map(|i| [1, i / 3 - 1, i % 3 - 1])),
            }
        }
        steps
    }
}

/// The sizes of a picture or of a stack of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) frames: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Grid {
    /// Number of pixels.
    pub(crate) fn pixels(self) -> usize {
        self.frames * self.height * self.width
    }

    /// Calls `visit(pixel, neighbour)` once for each pair of neighbours, in scan order.
    pub(crate) fn pairs(self, connectivity: Connectivity, mut visit: impl FnMut(usize, usize)) {
        let steps = connectivity.ahead(self.frames);
        let inside = |at: usize, step: isize, size: usize| {
            at.checked_add_signed(step).filter(|&to| to < size)
        };
        let mut i = 0;
        for t in 0..self.frames {
            for y in 0..self.height {
                for x in 0..self.width {
                    for &[dt, dy, dx] in &steps {
                        if let Some(t) = inside(t, dt, self.frames)
                            && let Some(y) = inside(y, dy, self.height)
                            && let Some(x) = inside(x, dx, self.width)
                        {
                            visit(i, (t * self.height + y) * self.width + x);
                        }
                    }
                    i += 1;
                }
            }
        }
    }
}

/// The neighbours of each of so many regions, and for each the number of pairs of neighbouring pixels across the common boundary.
pub(crate) fn borders(
    labels: &[u32],
    regions: usize,
    grid: Grid,
    connectivity: Connectivity,
) -> Vec<BTreeMap<u32, u32>> {
    let mut borders = vec![BTreeMap::new(); regions];
    grid.pairs(connectivity, |a, b| {
        let (a, b) = (labels[a], labels[b]);
        if a != b {
            *borders[a as usize].entry(b).or_default() += 1;
            *borders[b as usize].entry(a).or_default() += 1;
        }
    });
    borders
}

/// Disjoint sets whose representative is the smallest member.
pub(crate) struct Sets(Vec<u32>);

impl Sets {
    pub(crate) fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    pub(crate) fn find(&mut self, i: u32) -> u32 {
        let mut i = i;
        while self.0[i as usize] != i {
            let above = self.0[self.0[i as usize] as usize];
            self.0[i as usize] = above;
            i = above;
        }
        i
    }

    /// Joins two sets and returns their representative.
    pub(crate) fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
        a.min(b)
    }

    /// Numbers the sets in the order of their first members.
    pub(crate) fn labels(mut self) -> (Vec<u32>, usize) {
        let mut next = 0;
        let mut labels = vec![0; self.0.len()];
        for i in 0..self.0.len() {
            let root = self.find(i as u32) as usize;
            labels[i] = if root == i {
                next += 1;
                next - 1
            } else {
                labels[root]
            };
        }
        (labels, next as usize)
    }
}

/// Labels of the connected sets of pixels under "neighbours that `alike` says belong together", in scan order.
pub(crate) fn fuse(
    grid: Grid,
    connectivity: Connectivity,
    alike: impl Fn(usize, usize) -> bool,
) -> (Vec<u32>, usize) {
    let mut sets = Sets::new(grid.pixels());
    grid.pairs(connectivity, |a, b| {
        if alike(a, b) {
            sets.join(a as u32, b as u32);
        }
    });
    sets.labels()
}

/// Regions with their sizes, sums of colours and neighbours.
struct Regions {
    sets: Sets,
    size: Vec<usize>,
    /// `[regions, channels]`
    sum: Vec<f64>,
    channels: usize,
    neighbors: Vec<Vec<u32>>,
}

impl Regions {
    fn new(
        labels: &[u32],
        regions: usize,
        grid: Grid,
        connectivity: Connectivity,
        colors: &[f32],
    ) -> Self {
        let channels = colors.len() / labels.len();
        let mut size = vec![0; regions];
        let mut sum = vec![0.0; regions * channels];
        for (&label, color) in labels.iter().zip(colors.chunks_exact(channels)) {
            let label = label as usize;
            size[label] += 1;
            for (sum, &c) in sum[label * channels..].iter_mut().zip(color) {
                *sum += f64::from(c);
            }
        }
        let mut neighbors = vec![Vec::new(); regions];
        grid.pairs(connectivity, |a, b| {
            let (a, b) = (labels[a], labels[b]);
            if a != b {
                // Most repeats are next to each other.
                if neighbors[a as usize].last() != Some(&b) {
                    neighbors[a as usize].push(b);
                }
                if neighbors[b as usize].last() != Some(&a) {
                    neighbors[b as usize].push(a);
                }
            }
        });
        Self {
            sets: Sets::new(regions),
            size,
            sum,
            channels,
            neighbors,
        }
    }

    /// Squared distance of the mean colours of two regions; infinite from or to a region without colour.
    fn distance2(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (a as usize, b as usize);
        let mean = |r: usize, k: usize| self.sum[r * self.channels + k] / self.size[r] as f64;
        let d2: f64 = (0..self.channels)
            .map(|k| mean(a, k) - mean(b, k))
            .map(|d| d * d)
            .sum();
        if d2.is_nan() { f64::INFINITY } else { d2 }
    }

    /// The neighbour nearest in colour, the first of equals.
    fn nearest(&mut self, region: u32) -> Option<u32> {
        let mut list = std::mem::take(&mut self.neighbors[region as usize]);
        for r in &mut list {
            *r = self.sets.find(*r);
        }
        list.sort_unstable();
        list.dedup();
        list.retain(|&r| r != region);
        let nearest = list
            .iter()
            .map(|&r| (self.distance2(region, r), r))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, r)| r);
        self.neighbors[region as usize] = list;
        nearest
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let root = self.sets.join(a, b);
        let (to, from) = (root as usize, (a ^ b ^ root) as usize);
        self.size[to] += self.size[from];
        for k in 0..self.channels {
            self.sum[to * self.channels + k] += self.sum[from * self.channels + k];
        }
        let mut short = std::mem::take(&mut self.neighbors[from]);
        let long = &mut self.neighbors[to];
        if long.len() < short.len() {
            std::mem::swap(long, &mut short);
        }
        long.append(&mut short);
        root
    }
}

/// Merges regions of fewer than `min_region` pixels, the smallest first, into the neighbour nearest in mean colour,
/// until none is left (or one region is); relabels in scan order.
pub(crate) fn merge_small(
    labels: &[u32],
    regions: usize,
    grid: Grid,
    connectivity: Connectivity,
    colors: &[f32],
    min_region: usize,
) -> (Vec<u32>, usize) {
    let mut all = Regions::new(labels, regions, grid, connectivity, colors);
    let mut small: BinaryHeap<Reverse<(usize, u32)>> = (0..regions as u32)
        .map(|r| Reverse((all.size[r as usize], r)))
        .filter(|r| r.0.0 < min_region)
        .collect();
    while let Some(Reverse((size, region))) = small.pop() {
        // An entry is out of date once its region has grown or is part of another.
        if all.sets.find(region) != region || all.size[region as usize] != size {
            continue;
        }
        if let Some(other) = all.nearest(region) {
            let root = all.join(region, other);
            let size = all.size[root as usize];
            if size < min_region {
                small.push(Reverse((size, root)));
            }
        }
    }
    // A region's number is the scan order of its first pixel, so the smallest member keeps that order.
    let (merged, count) = all.sets.labels();
    (labels.iter().map(|&l| merged[l as usize]).collect(), count)
}

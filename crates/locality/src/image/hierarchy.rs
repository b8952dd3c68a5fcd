//! Hierarchies of regions: neighbours merged, the cheapest first, into a tree that is cut anywhere.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt;
use std::str::FromStr;

use super::color::{ColorSpace, encode};
use super::regions::{Connectivity, Sets, borders};
use super::view::{ImageView, Sample};
use crate::names;
use crate::{Error, Result, Watch};

/// What it costs to merge two adjacent regions of `a` and `b` pixels whose mean colours are `d` apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MergeCost {
    /// `d^2 a b / (a + b)`, by how much the squared error of the mean colours grows (Ward 1963). Small regions go first.
    #[default]
    Ward,
    /// Ward's cost by the number of pairs of pixels on the common boundary: the scale at which the piecewise constant functional of
    /// Mumford and Shah prefers one region to two (Koepfler, Lopez and Morel 1994, SIAM J. Numer. Anal. 31). Long boundaries go first.
    MumfordShah,
    /// `d` alone.
    Color,
}

impl MergeCost {
    const NAMES: [(Self, &'static str); 3] = [
        (Self::Ward, "ward"),
        (Self::MumfordShah, "mumford-shah"),
        (Self::Color, "color"),
    ];
}

impl fmt::Display for MergeCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMES.iter().find(|known| known.0 == *self);
        f.write_str(known.map_or("ward", |known| known.1))
    }
}

impl FromStr for MergeCost {
    type Err = Error;

    /// `ward`, `mumford-shah`, `color`.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        let known = Self::NAMES.iter().find(|known| known.1 == name);
        known.map(|known| known.0).ok_or_else(|| {
            let known = Self::NAMES.iter().map(|known| known.1);
            Error::parse(names::unknown("merge cost", text, known))
        })
    }
}

/// Hierarchical segmentation: the adjacency graph of regions, whose two cheapest neighbours are merged again and again until one
/// region is left.
///
/// ```
/// use locality::Watch;
/// use locality::image::{ColorSpace, ImageView, RegionMerging};
/// let grey = [10_u8, 14, 90, 98, 30];
/// let image = ImageView::new(&grey, 1, 5, 1)?;
/// let tree = RegionMerging::new().tree(&image, &[0, 1, 2, 3, 4], &Watch::default())?;
/// assert_eq!(tree.cut_regions(3)?, [0, 0, 1, 1, 2]);
/// assert_eq!(tree.cut_height(10.0)?, [0, 0, 1, 2, 3]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegionMerging {
    cost: MergeCost,
    color: Option<ColorSpace>,
    connectivity: Connectivity,
}

impl RegionMerging {
    /// Ward's cost in [`ColorSpace::Lab`] for three colour channels, raw for others; 8 neighbours.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this cost.
    #[must_use]
    pub fn cost(mut self, cost: MergeCost) -> Self {
        self.cost = cost;
        self
    }

    /// With colours compared in this space.
    #[must_use]
    pub fn color(mut self, color: ColorSpace) -> Self {
        self.color = Some(color);
        self
    }

    /// With these pixels as neighbours.
    #[must_use]
    pub fn connectivity(mut self, connectivity: Connectivity) -> Self {
        self.connectivity = connectivity;
        self
    }

    /// The tree over the regions of `labels`, one a pixel, from 0 without gaps, as from [`Partition`](super::Partition). Pixels of
    /// opacity 0 have no colour; regions of such pixels alone are merged with coloured ones last.
    ///
    /// # Errors
    /// [`Shape`](crate::ErrorKind::Shape) where there is not one label a pixel, where a number below the greatest label is missing, or
    /// for Luv or Lab of an image whose colour channels are not 3; [`Interrupted`](crate::ErrorKind::Interrupted).
    pub fn tree<T: Sample>(
        &self,
        image: &ImageView<'_, T>,
        labels: &[u32],
        watch: &Watch<'_>,
    ) -> Result<RegionTree> {
        let leaves = check_labels(labels, image.pixels())?;
        let space = match self.color {
            Some(color) => color.resolve(image)?,
            None if image.colors() == 3 => ColorSpace::Lab,
            None => ColorSpace::Raw,
        };
        let colors = encode(image, space, watch)?;
        let mut graph = Graph::new(labels, leaves, &colors, self.cost);
        graph.borders = borders(labels, leaves, image.grid(), self.connectivity);
        Ok(RegionTree {
            merges: graph.merge_all(watch)?,
            labels: labels.to_vec(),
            leaves,
        })
    }
}

/// The number of labels.
fn check_labels(labels: &[u32], pixels: usize) -> Result<usize> {
    if labels.len() != pixels {
        return Err(Error::shape(format!(
            "there are {} labels, but the image has {pixels} pixels; give one for each",
            labels.len()
        )));
    }
    let greatest = labels.iter().copied().max().unwrap_or(0) as usize;
    let mut seen = vec![false; (greatest + 1).min(pixels)];
    for &label in labels {
        if let Some(seen) = seen.get_mut(label as usize) {
            *seen = true;
        }
    }
    match seen.iter().position(|seen| !seen) {
        None if greatest < pixels => Ok(greatest + 1),
        missing => Err(Error::shape(format!(
            "the greatest label is {greatest}, but no pixel has label {}; number regions from 0 without gaps, as Partition::new does",
            missing.unwrap_or(pixels)
        ))),
    }
}

/// One merge of a [`RegionTree`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merge {
    /// The two regions: leaves are numbered as their labels, merge `i` makes region `leaves + i`.
    pub regions: [usize; 2],
    /// The cost of this merge, or of one below it if that was greater.
    pub height: f64,
    /// Pixels of the merged region.
    pub size: usize,
}

/// The tree of merges over the regions of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionTree {
    merges: Vec<Merge>,
    labels: Vec<u32>,
    leaves: usize,
}

impl RegionTree {
    /// Number of regions that the tree starts from.
    pub fn n_leaves(&self) -> usize {
        self.leaves
    }

    /// The merges in their order, `leaves - 1` of them.
    pub fn merges(&self) -> &[Merge] {
        &self.merges
    }

    /// The labels of pixels where `regions` regions are left; numbered in the order of the regions that the tree starts from.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for 0 regions or more than the tree starts from.
    pub fn cut_regions(&self, regions: usize) -> Result<Vec<u32>> {
        if regions == 0 || regions > self.leaves {
            return Err(Error::parameter(format!(
                "regions is {regions}; the tree can be cut at 1 to {} regions",
                self.leaves
            )));
        }
        let done = self.leaves - regions;
        Ok(self.cut(|i, _| i < done))
    }

    /// The labels of pixels after all merges up to this height.
    ///
    /// # Errors
    /// [`Parameter`](crate::ErrorKind::Parameter) for a height that is not a number of at least 0.
    pub fn cut_height(&self, height: f64) -> Result<Vec<u32>> {
        if height.is_nan() || height < 0.0 {
            return Err(Error::parameter(format!(
                "height is {height}; give a number of at least 0"
            )));
        }
        Ok(self.cut(|_, merge| merge.height <= height))
    }

    fn cut(&self, take: impl Fn(usize, &Merge) -> bool) -> Vec<u32> {
        let mut sets = Sets::new(self.leaves);
        // A leaf of each region.
        let mut leaf: Vec<u32> = (0..self.leaves as u32).collect();
        for (i, merge) in self.merges.iter().enumerate() {
            let [a, b] = merge.regions.map(|r| leaf[r]);
            leaf.push(a);
            if take(i, merge) {
                sets.join(a, b);
            }
        }
        let (joined, _) = sets.labels();
        self.labels.iter().map(|&l| joined[l as usize]).collect()
    }
}

/// Regions, dead and alive, with the lengths of their borders.
struct Graph {
    cost: MergeCost,
    channels: usize,
    size: Vec<usize>,
    /// Pixels with a colour.
    colored: Vec<usize>,
    /// `[regions, channels]`
    sum: Vec<f64>,
    height: Vec<f64>,
    borders: Vec<BTreeMap<u32, u32>>,
    alive: Vec<bool>,
}

impl Graph {
    fn new(labels: &[u32], leaves: usize, colors: &[f32], cost: MergeCost) -> Self {
        let channels = colors.len() / labels.len();
        let mut graph = Self {
            cost,
            channels,
            size: vec![0; leaves],
            colored: vec![0; leaves],
            sum: vec![0.0; leaves * channels],
            height: vec![0.0; leaves],
            borders: vec![BTreeMap::new(); leaves],
            alive: vec![true; leaves],
        };
        for (&label, color) in labels.iter().zip(colors.chunks_exact(channels)) {
            let label = label as usize;
            graph.size[label] += 1;
            if color[0].is_finite() {
                graph.colored[label] += 1;
                for (sum, &c) in graph.sum[label * channels..].iter_mut().zip(color) {
                    *sum += f64::from(c);
                }
            }
        }
        graph
    }

    /// The cost of a merge; infinite between colour and none.
    fn price(&self, a: usize, b: usize, border: u32) -> f64 {
        let (na, nb) = (self.colored[a] as f64, self.colored[b] as f64);
        match (self.colored[a], self.colored[b]) {
            (0, 0) => return 0.0,
            (0, _) | (_, 0) => return f64::INFINITY,
            _ => {}
        }
        let d2: f64 = (0..self.channels)
            .map(|k| self.sum[a * self.channels + k] / na - self.sum[b * self.channels + k] / nb)
            .map(|d| d * d)
            .sum();
        let ward = d2 * na * nb / (na + nb);
        match self.cost {
            MergeCost::Ward => ward,
            MergeCost::MumfordShah => ward / f64::from(border),
            MergeCost::Color => d2.sqrt(),
        }
    }

    fn merge_all(&mut self, watch: &Watch<'_>) -> Result<Vec<Merge>> {
        let leaves = self.size.len();
        // Costs are not negative, so their bits are in their order.
        let mut heap: BinaryHeap<Reverse<(u64, u32, u32)>> = BinaryHeap::new();
        for a in 0..leaves {
            for (&b, &border) in self.borders[a].range(a as u32..) {
                let price = self.price(a, b as usize, border);
                heap.push(Reverse((price.to_bits(), a as u32, b)));
            }
        }
        let mut merges = Vec::with_capacity(leaves - 1);
        while let Some(Reverse((price, a, b))) = heap.pop() {
            let (a, b) = (a as usize, b as usize);
            if !self.alive[a] || !self.alive[b] {
                continue;
            }
            watch.check()?;
            let made = self.join(a, b, f64::from_bits(price));
            for (&other, &border) in &self.borders[made] {
                let price = self.price(other as usize, made, border);
                heap.push(Reverse((price.to_bits(), other, made as u32)));
            }
            merges.push(Merge {
                regions: [a, b],
                height: self.height[made],
                size: self.size[made],
            });
            watch.report(merges.len(), leaves - 1);
        }
        Ok(merges)
    }

    /// The number of the region made of two.
    fn join(&mut self, a: usize, b: usize, price: f64) -> usize {
        let made = self.size.len();
        self.size.push(self.size[a] + self.size[b]);
        self.colored.push(self.colored[a] + self.colored[b]);
        for k in 0..self.channels {
            let sum = self.sum[a * self.channels + k] + self.sum[b * self.channels + k];
            self.sum.push(sum);
        }
        self.height
            .push(price.max(self.height[a]).max(self.height[b]));
        (self.alive[a], self.alive[b]) = (false, false);
        self.alive.push(true);
        let (mut more, mut fewer) = (
            std::mem::take(&mut self.borders[a]),
            std::mem::take(&mut self.borders[b]),
        );
        if more.len() < fewer.len() {
            std::mem::swap(&mut more, &mut fewer);
        }
        for (other, border) in fewer {
            *more.entry(other).or_default() += border;
        }
        more.remove(&(a as u32));
        more.remove(&(b as u32));
        for (&other, &border) in &more {
            let borders = &mut self.borders[other as usize];
            borders.remove(&(a as u32));
            borders.remove(&(b as u32));
            borders.insert(made as u32, border);
        }
        self.borders.push(more);
        made
    }
}

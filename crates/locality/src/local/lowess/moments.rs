//! Moments of blocks of rows, about centres of their own, and a tree of them.

use crate::isa::{Isa, Task, dispatch};
use crate::par::map_blocks;
use crate::{Result, Watch};

use super::data::Rows1;

/// How many numbers go side by side.
pub(super) const WIDE: usize = 8;
/// Rows of a leaf.
pub(super) const LEAF: usize = 32;
/// Nodes that one thread makes at a time.
const BLOCK: usize = 256;

/// One number for each of the targets (or nodes) that are worked on side by side.
pub(super) type Wide = [f64; WIDE];

/// The middle of a run of rows and its distance from the ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) center: f64,
    pub(super) reach: f64,
}

impl Place {
    /// Of a run of sorted numbers.
    pub(super) fn of(x: &[f64]) -> Self {
        let (Some(first), Some(last)) = (x.first(), x.last()) else {
            return Self::default();
        };
        let center = 0.5 * first + 0.5 * last;
        Self {
            center,
            reach: (center - first).max(last - center),
        }
    }
}

/// Sums over a run of rows, with `z = (x - center) / reach` in `[-1, 1]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments<const P: usize, const Q: usize> {
    /// `sum v z^p`
    pub(super) weight: [f64; P],
    /// `sum v y z^q`
    pub(super) value: [f64; Q],
    /// `sum |v y|`
    pub(super) size: f64,
    /// The largest `v`.
    pub(super) top: f64,
}

impl<const P: usize, const Q: usize> Default for Moments<P, Q> {
    fn default() -> Self {
        Self {
            weight: [0.0; P],
            value: [0.0; Q],
            size: 0.0,
            top: 0.0,
        }
    }
}

impl<const P: usize, const Q: usize> Moments<P, Q> {
    /// Adds rows one by one.
    #[inline(always)]
    pub(super) fn absorb<I: Isa>(&mut self, isa: I, place: Place, rows: Rows1<'_>) {
        let mut weight = [[0.0; WIDE]; P];
        let mut value = [[0.0; WIDE]; Q];
        let mut size = [0.0; WIDE];
        for at in (0..rows.x.len()).step_by(WIDE) {
            let rows = rows.slice(at..(at + WIDE).min(rows.x.len()));
            let (mut z, mut v, mut y) = ([0.0; WIDE], [0.0; WIDE], [0.0; WIDE]);
            for l in 0..rows.x.len() {
                z[l] = rows.x[l] - place.center;
                v[l] = rows.v[l];
                y[l] = rows.v[l] * rows.y[l];
                self.top = self.top.max(v[l]);
            }
            if place.reach > 0.0 {
                z = z.map(|z| z / place.reach);
            }
            for l in 0..WIDE {
                size[l] += y[l].abs();
            }
            add_powers(isa, &mut weight, v, z);
            add_powers(isa, &mut value, y, z);
        }
        for (sum, lanes) in self.weight.iter_mut().zip(weight) {
            *sum += lanes.iter().sum::<f64>();
        }
        for (sum, lanes) in self.value.iter_mut().zip(value) {
            *sum += lanes.iter().sum::<f64>();
        }
        self.size += size.iter().sum::<f64>();
    }

    /// Adds up to [`WIDE`] sets of moments of runs inside this one's.
    #[inline(always)]
    pub(super) fn merge<I: Isa>(&mut self, isa: I, place: Place, parts: &[(Place, &Self)]) {
        let mut weight = [[0.0; WIDE]; P];
        let mut value = [[0.0; WIDE]; Q];
        let (mut a, mut b) = ([0.0; WIDE], [0.0; WIDE]);
        for (l, (from, part)) in parts.iter().enumerate().take(WIDE) {
            for (lanes, m) in weight.iter_mut().zip(part.weight) {
                lanes[l] = m;
            }
            for (lanes, m) in value.iter_mut().zip(part.value) {
                lanes[l] = m;
            }
            if place.reach > 0.0 {
                a[l] = from.reach / place.reach;
                b[l] = (from.center - place.center) / place.reach;
            }
            self.size += part.size;
            self.top = self.top.max(part.top);
        }
        shift(isa, &mut weight, &a, &b);
        shift(isa, &mut value, &a, &b);
        for (sum, lanes) in self.weight.iter_mut().zip(weight) {
            *sum += lanes.iter().sum::<f64>();
        }
        for (sum, lanes) in self.value.iter_mut().zip(value) {
            *sum += lanes.iter().sum::<f64>();
        }
    }
}

/// `sums[p] += v z^p`
#[inline(always)]
fn add_powers<I: Isa, const P: usize>(_: I, sums: &mut [Wide; P], v: Wide, z: Wide) {
    let mut power = v;
    for sum in sums {
        for l in 0..WIDE {
            sum[l] += power[l];
            power[l] *= z[l];
        }
    }
}

/// Moments of `z` become those of `a z + b`. The binomial theorem by repeated addition, as in Pascal's triangle: with
/// `|a| + |b| <= 1` nothing grows on the way.
#[inline(always)]
pub(super) fn shift<I: Isa, const P: usize>(isa: I, m: &mut [Wide; P], a: &Wide, b: &Wide) {
    let mut power = *a;
    for m in m.iter_mut().skip(1) {
        for l in 0..WIDE {
            m[l] *= power[l];
            power[l] *= a[l];
        }
    }
    for k in 1..P {
        for i in (k..P).rev() {
            let below = m[i - 1];
            for l in 0..WIDE {
                m[i][l] = isa.fma(b[l], below[l], m[i][l]);
            }
        }
    }
}

/// Where the nodes of every level lie, leaves first.
#[derive(Clone, Debug)]
pub(super) struct Places(Vec<Vec<Place>>);

impl Places {
    /// Of sorted numbers.
    pub(super) fn new(x: &[f64]) -> Self {
        let mut levels = Vec::new();
        let mut size = LEAF;
        loop {
            let level: Vec<Place> = x.chunks(size).map(Place::of).collect();
            let last = level.len() <= 1;
            levels.push(level);
            if last {
                return Self(levels);
            }
            size *= 2;
        }
    }
}

/// A binary tree of moments over sorted rows.
pub(super) struct Tree<'a, const P: usize, const Q: usize> {
    places: &'a Places,
    levels: Vec<Vec<Moments<P, Q>>>,
    rows: Rows1<'a>,
}

impl<'a, const P: usize, const Q: usize> Tree<'a, P, Q> {
    pub(super) fn new(places: &'a Places, rows: Rows1<'a>, watch: &Watch<'_>) -> Result<Self> {
        let mut levels: Vec<Vec<Moments<P, Q>>> = Vec::with_capacity(places.0.len());
        for level in 0..places.0.len() {
            let parts = map_blocks(watch, places.0[level].len(), BLOCK, |range| {
                Ok(dispatch(Nodes {
                    places: &places.0[level][range.clone()],
                    from: range.start,
                    below: match level.checked_sub(1) {
                        Some(below) => Below::Nodes(&places.0[below], &levels[below]),
                        None => Below::Rows(rows),
                    },
                }))
            })?;
            levels.push(parts.concat());
        }
        Ok(Self {
            places,
            levels,
            rows,
        })
    }

    /// The moments of the rows `from..to`, and their place.
    #[inline(always)]
    pub(super) fn of<I: Isa>(&self, isa: I, from: usize, to: usize) -> (Place, Moments<P, Q>) {
        let place = Place::of(&self.rows.x[from..to]);
        let mut sum = Moments::default();
        let (mut low, mut high) = (from.div_ceil(LEAF), to / LEAF);
        if low >= high {
            sum.absorb(isa, place, self.rows.slice(from..to));
            return (place, sum);
        }
        sum.absorb(isa, place, self.rows.slice(from..low * LEAF));
        sum.absorb(isa, place, self.rows.slice(high * LEAF..to));
        // Of each level at most two nodes are needed, those that their parent does not cover.
        let mut parts = Vec::with_capacity(2 * self.levels.len());
        for (places, nodes) in self.places.0.iter().zip(&self.levels) {
            if low >= high {
                break;
            }
            if low % 2 == 1 {
                parts.push((places[low], &nodes[low]));
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                parts.push((places[high], &nodes[high]));
            }
            low /= 2;
            high /= 2;
        }
        for parts in parts.chunks(WIDE) {
            sum.merge(isa, place, parts);
        }
        (place, sum)
    }
}

/// What the nodes of a level are made of.
enum Below<'a, const P: usize, const Q: usize> {
    Rows(Rows1<'a>),
    Nodes(&'a [Place], &'a [Moments<P, Q>]),
}

/// Some nodes of a level, from number `from` on.
struct Nodes<'a, const P: usize, const Q: usize> {
    places: &'a [Place],
    from: usize,
    below: Below<'a, P, Q>,
}

impl<const P: usize, const Q: usize> Task for Nodes<'_, P, Q> {
    type Out = Vec<Moments<P, Q>>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Out {
        let mut nodes = vec![Moments::default(); self.places.len()];
        for (i, (node, &place)) in nodes.iter_mut().zip(self.places).enumerate() {
            let i = self.from + i;
            match &self.below {
                Below::Rows(rows) => {
                    let end = ((i + 1) * LEAF).min(rows.x.len());
                    node.absorb(isa, place, rows.slice(i * LEAF..end));
                }
                Below::Nodes(places, nodes) => {
                    let end = (2 * i + 2).min(nodes.len());
                    let mut parts = [(Place::default(), &nodes[2 * i]); 2];
                    for (part, j) in parts.iter_mut().zip(2 * i..end) {
                        *part = (places[j], &nodes[j]);
                    }
                    node.merge(isa, place, &parts[..end - 2 * i]);
                }
            }
        }
        nodes
    }
}

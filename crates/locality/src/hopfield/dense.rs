//! Dense associative memories: energies of the overlaps with the patterns, each a whole number from `-d` to `d`.

use super::network::{Dynamics, Rule};

/// Patterns of -1 and 1, unit after unit, and the energy of an overlap.
#[derive(Clone, Debug)]
pub(super) struct Overlaps {
    units: usize,
    /// `[d, n]`
    signs: Vec<i8>,
    patterns: usize,
    shape: Shape,
}

/// What an overlap adds to minus the energy.
#[derive(Clone, Debug)]
enum Shape {
    /// One number for each overlap from `-d`.
    Table(Vec<f64>),
    /// `exp(-k)`, `k` from 0, of an overlap so far below the largest, under a logarithm.
    Exponential(Vec<f64>),
}

/// `exp` of less than this is zero.
const LEAST: usize = 746;

impl Overlaps {
    pub(super) fn new(rule: Rule, units: usize) -> Self {
        let d = units as f64;
        let power = |degree: u32, rectified: bool| {
            let of = |z: f64| {
                let z = if rectified { z.max(0.0) } else { z };
                d / f64::from(degree) * (z / d).powf(f64::from(degree))
            };
            Shape::Table((0..=2 * units).map(|i| of(i as f64 - d)).collect())
        };
        Self {
            units,
            signs: Vec::new(),
            patterns: 0,
            shape: match rule {
                Rule::Polynomial { degree } => power(degree, false),
                Rule::Rectified { degree } => power(degree, true),
                _ => Shape::Exponential((0..LEAST).map(|k| (-(k as f64)).exp()).collect()),
            },
        }
    }

    /// Keeps patterns `[m, d]` of -1 and 1.
    pub(super) fn learn(&mut self, patterns: &[f64]) {
        let (d, old) = (self.units, self.patterns);
        let more = patterns.len() / d;
        let mut signs = Vec::with_capacity(self.signs.len() + patterns.len());
        for unit in 0..d {
            signs.extend_from_slice(&self.signs[unit * old..][..old]);
            let column = patterns.iter().skip(unit).step_by(d);
            signs.extend(column.map(|&x| if x > 0.0 { 1_i8 } else { -1 }));
        }
        self.signs = signs;
        self.patterns = old + more;
    }

    /// Leaves only the patterns that are to be kept, `[n]`.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        let each = self.signs.iter().zip(kept.iter().cycle());
        self.signs = each.filter(|(_, kept)| **kept).map(|(x, _)| *x).collect();
        self.patterns = kept.iter().filter(|kept| **kept).count();
    }

    /// The better of both signs of each unit that is not known, 0 in `heard`, the others alone being counted; 1 where both are as good.
    pub(super) fn fill(&self, state: &mut [f64], heard: &[f64], bias: &[f64]) {
        let overlaps = self.overlaps(heard);
        for unit in (0..self.units).filter(|&i| heard[i] == 0.0) {
            let with = |sign: i32| {
                let signs = self.unit(unit).iter();
                let each = overlaps.iter().zip(signs);
                self.depth_of(each.map(move |(o, &x)| o + sign * i32::from(x)))
            };
            let ((up_top, up, up_size), (down_top, down, down_size)) = (with(1), with(-1));
            let gain = f64::from(down_top - up_top) + (down - up) - 2.0 * bias[unit];
            let rounding = ROUNDING * (up_size + down_size + bias[unit].abs());
            state[unit] = if gain > rounding { -1.0 } else { 1.0 };
        }
    }

    /// The overlap of each pattern with a state of -1, 0 and 1.
    fn overlaps(&self, state: &[f64]) -> Vec<i32> {
        let mut overlaps = vec![0; self.patterns];
        for (unit, s) in state.iter().enumerate().filter(|(_, s)| **s != 0.0) {
            let s = if *s > 0.0 { 1 } else { -1 };
            let signs = self.unit(unit);
            overlaps
                .iter_mut()
                .zip(signs)
                .for_each(|(o, &x)| *o += s * i32::from(x));
        }
        overlaps
    }

    /// Minus the energy without the bias: a whole number, and a sum of terms with the sum of their sizes.
    fn depth_of(&self, overlaps: impl Iterator<Item = i32> + Clone) -> (i32, f64, f64) {
        match &self.shape {
            Shape::Table(table) => {
                let at = |o: i32| table[(o + self.units as i32) as usize];
                let add = |(sum, size): (f64, f64), x: f64| (sum + x, size + x.abs());
                let (sum, size) = overlaps.map(at).fold((0.0, 0.0), add);
                (0, sum, size)
            }
            Shape::Exponential(table) => {
                let top = overlaps.clone().max().unwrap_or(0);
                let below = |o: i32| table.get((top - o) as usize).copied().unwrap_or(0.0);
                let log = overlaps.map(below).sum::<f64>().ln();
                (top, log, 1.0 + log)
            }
        }
    }

    fn unit(&self, unit: usize) -> &[i8] {
        &self.signs[unit * self.patterns..][..self.patterns]
    }

    /// A state with its overlaps.
    pub(super) fn start<'a>(&'a self, state: &[f64], bias: &'a [f64]) -> Overlapping<'a> {
        let overlaps = self.overlaps(state);
        let depth = self.depth_of(overlaps.iter().copied());
        Overlapping {
            memory: self,
            bias,
            state: state.to_vec(),
            overlaps,
            depth,
        }
    }
}

/// A state and its overlap with each pattern.
pub(super) struct Overlapping<'a> {
    memory: &'a Overlaps,
    bias: &'a [f64],
    state: Vec<f64>,
    overlaps: Vec<i32>,
    /// Of these overlaps.
    depth: (i32, f64, f64),
}

/// What is no more than this share of the sums behind it is rounding.
const ROUNDING: f64 = 1e-13;

impl Overlapping<'_> {
    /// The overlaps with a unit turned over.
    fn turned(&self, unit: usize) -> impl Iterator<Item = i32> + Clone {
        let twice = if self.state[unit] > 0.0 { 2 } else { -2 };
        let signs = self.memory.unit(unit);
        let each = self.overlaps.iter().zip(signs);
        each.map(move |(o, &x)| o - twice * i32::from(x))
    }
}

impl Dynamics for Overlapping<'_> {
    fn state(&self) -> &[f64] {
        &self.state
    }

    fn gain(&self, unit: usize) -> f64 {
        let (top, now, size) = self.depth;
        let (turned_top, turned, turned_size) = self.memory.depth_of(self.turned(unit));
        let bias = 2.0 * self.state[unit] * self.bias[unit];
        let gain = f64::from(turned_top - top) + (turned - now) - bias;
        if gain.abs() <= ROUNDING * (size + turned_size + bias.abs()) {
            return 0.0;
        }
        gain
    }

    fn flip(&mut self, unit: usize) {
        self.overlaps = self.turned(unit).collect();
        self.depth = self.memory.depth_of(self.overlaps.iter().copied());
        self.state[unit] = -self.state[unit];
    }

    fn energy(&self) -> f64 {
        let bias: f64 = self.state.iter().zip(self.bias).map(|(s, b)| s * b).sum();
        let (top, sum, _) = self.depth;
        -f64::from(top) - sum - bias
    }
}

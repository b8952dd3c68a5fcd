//! Keys once more in single precision, each leaf about its own middle: what is far enough is seen there, twice as many to a vector as in
//! double precision. Such numbers are off by a known number of roundings.

use super::bound::BoundAtom;
use super::raw::fold_of;
use super::sites::{LEAF, Sites};
use super::tree::{Node, Tree};
use crate::lanes::{Fold, PANEL};
use crate::{Float, par};

/// Half the distance from 1 to the next single-precision number: what one rounding may change.
const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;

/// The leaves' keys.
#[derive(Clone, Debug)]
pub(crate) struct Narrow {
    pub(super) fold: Fold,
    /// Of the atom's features, counted from 0.
    pub(super) features: Vec<usize>,
    /// For each leaf and panel, for each of these, [`PANEL`] numbers.
    keys: Vec<f32>,
    /// For each leaf, the middle of its box.
    middles: Vec<f64>,
    /// For each leaf, what its distances are off by at the most, beside a share of themselves.
    pub(super) slacks: Vec<f32>,
    /// By what differences are multiplied.
    pub(super) factors: Vec<f64>,
    /// By what distances are: squares then neither overflow nor vanish.
    unit: f64,
    /// By what raw numbers are widened for the roundings of their sums.
    wider: f32,
}

impl Narrow {
    /// Nothing where raw numbers are not made of differences, or these are not finite.
    pub(super) fn new<T: Float>(
        atom: &BoundAtom<T>,
        sites: &Sites<T>,
        tree: &Tree<T>,
    ) -> Option<Self> {
        let fold = fold_of(atom.combine).filter(|f| *f != Fold::Product)?;
        let count = atom.features.len();
        let sides = |node: usize| atom.features.iter().map(move |f| tree.sides(node)[*f]);
        let half = |[a, b]: [T; 2], factor: f64| (0.5 * b.to_f64() - 0.5 * a.to_f64()) * factor;
        let own = |c: usize| atom.factor(c);
        let largest = sides(0).enumerate().map(|(c, side)| half(side, own(c)));
        let largest = largest.fold(0.0, f64::max);
        if !largest.is_finite() {
            return None;
        }
        let unit = if largest > 0.0 {
            (-largest.log2().floor()).clamp(-1000.0, 1000.0).exp2()
        } else {
            1.0
        };
        let mut leaves = Vec::new();
        tree.root().push_leaves(&mut leaves);
        let mut out = Self {
            fold,
            features: (0..count).collect(),
            keys: vec![0.0; leaves.len() * LEAF * count],
            middles: Vec::with_capacity(leaves.len() * count),
            slacks: Vec::with_capacity(leaves.len()),
            factors: (0..count).map(|c| own(c) * unit).collect(),
            unit,
            wider: (1.0 + (2.0 * (count + 8) as f64 + 16.0) * ROUNDING) as f32,
        };
        for leaf in &leaves {
            let halves = sides(leaf.id).map(|s| s.map(|x| 0.5 * x.to_f64()));
            out.middles.extend(halves.clone().map(|[a, b]| a + b));
            let size = out.size(halves.map(|[a, b]| b - a));
            out.slacks.push(Self::slack(size));
        }
        let (middles, factors) = (&out.middles, &out.factors);
        par::fill_chunks(&mut out.keys, LEAF * count, |leaf, keys| {
            let slots = (leaf * LEAF..).step_by(PANEL);
            for (slot, panel) in slots.zip(keys.chunks_exact_mut(count * PANEL)) {
                for (c, to) in panel.chunks_exact_mut(PANEL).enumerate() {
                    let (middle, factor) = (middles[leaf * count + c], factors[c]);
                    let from = sites.feature(atom.features[c], slot, PANEL);
                    for (to, x) in to.iter_mut().zip(from) {
                        *to = ((x.to_f64() - middle) * factor) as f32;
                    }
                }
            }
        });
        Some(out)
    }

    /// How far the corners of a box are from its middle, given half its sides.
    #[inline(always)]
    pub(super) fn size(&self, halves: impl Iterator<Item = f64>) -> f64 {
        let sizes = halves
            .zip(&self.factors)
            .map(|(half, factor)| half * factor);
        match self.fold {
            Fold::Squared => sizes.map(|s| s * s).sum::<f64>().sqrt(),
            Fold::Largest => sizes.fold(0.0, f64::max),
            _ => sizes.sum(),
        }
    }

    /// What distances in a box of this size are off by at the most, beside a share of themselves: a number in it by 4 roundings of its size,
    /// another by as many of that and their distance. Twice over, since a middle is not quite in the middle.
    #[inline(always)]
    pub(super) fn slack(size: f64) -> f32 {
        (20.0 * ROUNDING * size) as f32 + f32::MIN_POSITIVE
    }

    /// A leaf's keys, panel by panel.
    #[inline(always)]
    pub(super) fn keys(&self, leaf: Node) -> &[f32] {
        let each = LEAF * self.features.len();
        &self.keys[leaf.first * each..][..each]
    }

    /// By how much less, and how many times, the `c`-th feature of a leaf is written.
    #[inline(always)]
    pub(super) fn scale(&self, leaf: Node, c: usize) -> (f64, f64) {
        let middle = self.middles[leaf.first * self.features.len() + c];
        (middle, self.factors[c])
    }

    /// How far keys are at the most whose raw numbers do not exceed this one, with a share for roundings.
    #[inline(always)]
    pub(super) fn reach<T: Float>(&self, raw: T) -> f32 {
        if raw == T::INFINITY {
            return f32::INFINITY;
        }
        let raw = raw.to_f64() * (1.0 + (self.features.len() + 8) as f64 * T::EPSILON.to_f64());
        let r = if self.fold == Fold::Squared {
            raw.sqrt()
        } else {
            raw
        };
        (r * self.unit * (1.0 + 12.0 * ROUNDING)) as f32
    }

    /// What the single-precision numbers, off by `slack`, of keys within reach do not exceed.
    #[inline(always)]
    pub(super) fn limit(&self, slack: f32, reach: f32) -> f32 {
        let r = reach + slack;
        let raw = if self.fold == Fold::Squared { r * r } else { r };
        raw * self.wider + f32::MIN_POSITIVE
    }

    /// How far keys are at the most whose single-precision numbers do not exceed this one.
    #[inline(always)]
    pub(super) fn reach_of(&self, slack: f32, raw: f32) -> f32 {
        let raw = (raw + f32::MIN_POSITIVE) * self.wider;
        let r = if self.fold == Fold::Squared {
            raw.sqrt()
        } else {
            raw
        };
        (r + slack) * (1.0 + 16.0 * ROUNDING as f32)
    }
}

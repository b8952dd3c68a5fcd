//! The order of a balanced k-d tree's leaves.

use std::cmp::Ordering;

use super::sites::LEAF;
use super::units::UNIT;
use crate::{Float, par};

/// Points with their features beside them, as what is split again and again had better lie together.
trait Point<T>: Copy + Send {
    fn feature(&self, all: &[T], features: usize, c: usize) -> T;
    fn index(&self) -> u32;
}

/// A point of few features, which it has with it.
#[derive(Clone, Copy)]
struct Small<T, const F: usize> {
    features: [T; F],
    index: u32,
}

impl<T: Float, const F: usize> Point<T> for Small<T, F> {
    #[inline(always)]
    fn feature(&self, _: &[T], _: usize, c: usize) -> T {
        self.features[c]
    }

    #[inline(always)]
    fn index(&self) -> u32 {
        self.index
    }
}

impl<T: Float> Point<T> for u32 {
    #[inline(always)]
    fn feature(&self, all: &[T], features: usize, c: usize) -> T {
        all[*self as usize * features + c]
    }

    #[inline(always)]
    fn index(&self) -> u32 {
        *self
    }
}

/// Sorts `index` so that each run of [`LEAF`] of them is a leaf of a balanced k-d tree on the features `[n, units]`, which
/// are compared in these units.
pub(crate) fn sort<T: Float>(features: &[T], unit: &[T], index: &mut [u32]) {
    match unit.len() {
        1 => small::<T, 1>(features, unit, index),
        2 => small::<T, 2>(features, unit, index),
        3 => small::<T, 3>(features, unit, index),
        4 => small::<T, 4>(features, unit, index),
        5..=8 => small::<T, 8>(features, unit, index),
        _ => split(features, unit, index),
    }
}

fn small<T: Float, const F: usize>(features: &[T], unit: &[T], index: &mut [u32]) {
    let f = unit.len();
    let point = |&i: &u32| {
        let mut own = [T::ZERO; F];
        own[..f].copy_from_slice(&features[i as usize * f..][..f]);
        Small {
            features: own,
            index: i,
        }
    };
    let mut points: Vec<_> = index.iter().map(point).collect();
    split(features, unit, &mut points);
    for (i, p) in index.iter_mut().zip(&points) {
        *i = p.index;
    }
}

/// Where so many leaves are split: in the middle, between units.
pub(crate) fn middle(leaves: usize) -> usize {
    if leaves > UNIT {
        (leaves / 2).next_multiple_of(UNIT)
    } else {
        leaves / 2
    }
}

/// Splits at a whole number of leaves near the middle of the widest feature, and again in both halves.
fn split<T: Float, P: Point<T>>(all: &[T], unit: &[T], points: &mut [P]) {
    let leaves = points.len().div_ceil(LEAF);
    if leaves <= 1 {
        return;
    }
    let f = unit.len();
    let mut widest = (T::NEG_INFINITY, 0);
    for (c, unit) in unit.iter().enumerate() {
        let (mut low, mut high) = (T::INFINITY, T::NEG_INFINITY);
        for p in &*points {
            let x = p.feature(all, f, c);
            low = low.min(x);
            high = high.max(x);
        }
        let width = (high - low) * *unit;
        if width > widest.0 {
            widest = (width, c);
        }
    }
    let middle = middle(leaves) * LEAF;
    let key = |p: &P| p.feature(all, f, widest.1);
    // Ties by index: the layout depends on the data alone.
    points.select_nth_unstable_by(middle, |a, b| {
        let order = key(a).partial_cmp(&key(b));
        let order = order.unwrap_or(Ordering::Equal);
        order.then_with(|| a.index().cmp(&b.index()))
    });
    let (left, right) = points.split_at_mut(middle);
    if leaves > 64 {
        par::join(|| split(all, unit, left), || split(all, unit, right));
    } else {
        split(all, unit, left);
        split(all, unit, right);
    }
}

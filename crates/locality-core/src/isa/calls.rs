//! The widest loops as functions of their own: inlined into each of their callers, they would make functions so large that the
//! compiler takes minutes for them.

use pulp::{NullaryFnOnce, Simd};

use crate::Float;
use crate::lanes::gram::Gram;
use crate::lanes::{Fold, Side};

/// A call of `Lanes::tile_vector`.
pub(super) struct Tile<'a, S, T, const G: usize> {
    pub(super) simd: S,
    pub(super) fold: Fold,
    pub(super) queries: Side<'a, T, G>,
    pub(super) features: &'a [usize],
    pub(super) factors: Option<&'a [T]>,
    pub(super) keys: &'a [T],
    pub(super) stride: usize,
    pub(super) out: [&'a mut [T]; G],
}

impl<S: Simd, T: Float, const G: usize> NullaryFnOnce for Tile<'_, S, T, G> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        T::tile_vector(
            self.simd,
            self.fold,
            self.queries,
            self.features,
            self.factors,
            self.keys,
            self.stride,
            self.out,
        );
    }
}

/// A call of `Lanes::expand_vector`.
pub(super) struct Expand<'a, S, T, const G: usize> {
    pub(super) simd: S,
    pub(super) queries: Side<'a, T, G>,
    pub(super) norms: ([T; G], &'a [T]),
    pub(super) features: &'a [usize],
    pub(super) keys: &'a [T],
    pub(super) stride: usize,
    pub(super) out: [&'a mut [T]; G],
}

impl<S: Simd, T: Float, const G: usize> NullaryFnOnce for Expand<'_, S, T, G> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        T::expand_vector(
            self.simd,
            self.queries,
            self.norms,
            self.features,
            self.keys,
            self.stride,
            self.out,
        );
    }
}

/// A call of `Lanes::weigh_vector`.
pub(super) struct Weigh<'a, S, F, T, const G: usize> {
    pub(super) simd: S,
    pub(super) weight: F,
    pub(super) rows: &'a [T],
    pub(super) stride: usize,
    pub(super) out: [&'a mut [f64]; G],
}

impl<S, F, T, const G: usize> NullaryFnOnce for Weigh<'_, S, F, T, G>
where
    S: Simd,
    F: Fn(usize, usize) -> T + Copy,
    T: Float,
{
    type Output = ();
    #[inline(always)]
    fn call(self) {
        T::weigh_vector(self.simd, self.weight, self.rows, self.stride, self.out);
    }
}

/// A call of `Lanes::gram_vector`.
pub(super) struct Sums<'a, S, T> {
    pub(super) simd: S,
    pub(super) gram: Gram<'a, T>,
    pub(super) out: &'a mut [f64],
}

impl<S: Simd, T: Float> NullaryFnOnce for Sums<'_, S, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        T::gram_vector(self.simd, self.gram, self.out);
    }
}

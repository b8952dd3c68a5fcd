//! A few leaves make a unit; the boxes of units lie side by side, so that what several of them can weigh is worked out at once.

use std::ops::Range;

use super::bound::{Bound, BoundAtom, Op, Scale, Width};
use super::level::{Scales, Source};
use super::query::Query;
use super::sites::{LEAF, Sites};
use crate::isa::Isa;
use crate::lanes::PANEL;
use crate::metric::{Combine, Link};
use crate::{Float, par};

/// Leaves of a unit: what is absorbed together.
pub(crate) const UNIT: usize = 4;
/// Units of a group: what is bounded together.
pub(crate) const GROUP: usize = 16;
/// Units that a thread works on at a time, at the least.
const UNITS_EACH: usize = 256;

/// For each unit what the tree holds for each node, feature after feature and atom after atom.
#[derive(Clone, Debug)]
pub(crate) struct Units<T> {
    /// Units and padding: a group may start at the last one.
    stride: usize,
    /// Relative allowance for rounding in bounds.
    slack: T,
    low: Vec<T>,
    high: Vec<T>,
    /// Sum of the sample weights of each unit.
    pub(crate) weight: Vec<f64>,
    /// For each atom with a bandwidth per key: the scale of the widest key, inverse and width.
    widest: Vec<Option<[Vec<T>; 2]>>,
    /// Where the mean distance of a unit's keys bounds their mean weight.
    centroids: Option<Centroids<T>>,
}

/// Of one atom of squared distances, the weighted means of its features, unit after unit within each feature; how far they are
/// from the true means, and the mean squared distance from them.
#[derive(Clone, Debug)]
struct Centroids<T> {
    mean: Vec<T>,
    off: Vec<T>,
    scatter: Vec<T>,
}

impl<T: Float> Centroids<T> {
    fn new(
        atom: &BoundAtom<T>,
        sites: &Sites<T>,
        stride: usize,
        keys: &(dyn Fn(usize) -> Range<usize> + Sync),
    ) -> Self {
        let d = atom.features.len();
        let mut out = Self {
            mean: vec![T::ZERO; d * stride],
            off: vec![T::ZERO; stride],
            scatter: vec![T::ZERO; stride],
        };
        let all: Vec<(Vec<T>, T, T)> = par::map_items(stride, UNITS_EACH, |unit| {
            let total = sum_of(sites, None, keys(unit), |_| 1.0);
            let mut means = Vec::with_capacity(d);
            let (mut off, mut scatter) = (0.0, 0.0);
            for (i, &f) in atom.features.iter().enumerate() {
                let sum = sum_of(sites, Some(f), keys(unit), |x| x);
                // Where nothing weighs, any place will do.
                let mean = if total > 0.0 { sum / total } else { 0.0 };
                let rounded = T::from_f64(mean);
                means.push(rounded);
                let (middle, scale) = (rounded.to_f64(), atom.factor(i));
                let squares = sum_of(sites, Some(f), keys(unit), |x| {
                    let far = (x - middle) * scale;
                    far * far
                });
                scatter += if total > 0.0 { squares / total } else { 0.0 };
                off += ((mean - middle) * scale).powi(2) + 1e-30 * mean * mean;
            }
            (means, T::from_f64(off.sqrt()), T::from_f64(scatter))
        });
        for (unit, (means, off, scatter)) in all.into_iter().enumerate() {
            for (i, mean) in means.into_iter().enumerate() {
                out.mean[i * stride + unit] = mean;
            }
            (out.off[unit], out.scatter[unit]) = (off, scatter);
        }
        out
    }
}

/// The sum of a function of a feature over some keys, by their sample weights; a lane of a panel has a sum of its own.
#[inline(always)]
fn sum_of<T: Float>(
    sites: &Sites<T>,
    feature: Option<usize>,
    keys: Range<usize>,
    of: impl Fn(f64) -> f64,
) -> f64 {
    let mut sums = [0.0; PANEL];
    for start in keys.clone().step_by(PANEL) {
        let len = PANEL.min(keys.end - start);
        let mut x = [0.0; PANEL];
        if let Some(f) = feature {
            let from = sites.feature(f, start, len);
            x.iter_mut().zip(from).for_each(|(x, f)| *x = f.to_f64());
        }
        let lanes = sums[..len].iter_mut().zip(&x);
        match &sites.weights {
            None => lanes.for_each(|(s, x)| *s += of(*x)),
            Some(w) => {
                let lanes = lanes.zip(&w[start..]);
                lanes.for_each(|((s, x), w)| *s += w.to_f64() * of(*x));
            }
        }
    }
    sums.iter().sum()
}

/// The smallest and the largest of a feature of some keys; zero of none.
pub(super) fn ends_of<T: Float>(sites: &Sites<T>, feature: usize, keys: Range<usize>) -> [T; 2] {
    if keys.is_empty() {
        return [T::ZERO; 2];
    }
    let (mut low, mut high) = ([T::INFINITY; PANEL], [T::NEG_INFINITY; PANEL]);
    for start in keys.clone().step_by(PANEL) {
        let from = sites.feature(feature, start, PANEL.min(keys.end - start));
        for ((low, high), x) in low.iter_mut().zip(&mut high).zip(from) {
            (*low, *high) = (low.min(*x), high.max(*x));
        }
    }
    let low = low.into_iter().fold(T::INFINITY, T::min);
    [low, high.into_iter().fold(T::NEG_INFINITY, T::max)]
}

/// What a unit stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// The best key that its box could hold.
    Best,
    /// The worst.
    Worst,
    /// A key at the mean squared distance: a convex curve is at most its keys' mean weight there.
    Mean,
}

impl<T: Float> Units<T> {
    pub(crate) fn new(bound: &Bound<T>, sites: &Sites<T>, slack: T) -> Self {
        let units = (sites.padded / LEAF).div_ceil(UNIT);
        let stride = units + GROUP;
        let keys = |unit: usize| {
            let unit = unit.min(units - 1);
            unit * UNIT * LEAF..((unit + 1) * UNIT * LEAF).min(sites.rows)
        };
        // Of each unit the best of something, in the sense of `better`.
        let best = |of: &dyn Fn(usize) -> T, better: fn(T, T) -> T| -> Vec<T> {
            let of_unit = |unit| keys(unit).map(of).reduce(better);
            (0..stride)
                .map(|unit| of_unit(unit).unwrap_or(T::ZERO))
                .collect()
        };
        let ends: Vec<[T; 2]> = par::map_items(bound.features * stride, UNITS_EACH, |i| {
            ends_of(sites, i / stride, keys(i % stride))
        });
        Self {
            stride,
            slack,
            low: ends.iter().map(|e| e[0]).collect(),
            high: ends.iter().map(|e| e[1]).collect(),
            weight: (0..units)
                .map(|unit| sum_of(sites, None, keys(unit), |_| 1.0))
                .collect(),
            widest: bound
                .atoms
                .iter()
                .map(|atom| match &atom.width {
                    Width::Site { inverse, width } => {
                        Some([best(&|s| inverse[s], T::min), best(&|s| width[s], T::max)])
                    }
                    _ => None,
                })
                .collect(),
            centroids: match (&bound.atoms[..], &bound.program[..]) {
                ([atom], [Op::Atom(0)])
                    if atom.combine == Combine::SquaredDifference
                        && atom.link == Link::Squared
                        && atom.profile.is_convex() =>
                {
                    Some(Centroids::new(atom, sites, stride, &keys))
                }
                _ => None,
            },
        }
    }

    /// The sample weights of the group from a unit on; none for one that must not count.
    #[inline(always)]
    pub(crate) fn weights(&self, first: usize, but: Option<usize>) -> [T; GROUP] {
        std::array::from_fn(|i| match self.weight.get(first + i) {
            Some(w) if but != Some(first + i) => T::from_f64(*w),
            _ => T::ZERO,
        })
    }

    /// The group of units from one on.
    pub(crate) fn group(&self, first: usize) -> Group<'_, T> {
        Group {
            units: self,
            first,
            case: Case::Best,
        }
    }
}

/// [`GROUP`] units, as something to be weighed.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a, T> {
    units: &'a Units<T>,
    first: usize,
    case: Case,
}

impl<T: Float> Group<'_, T> {
    /// The same group, as what its units weigh at the least, by the sample weight. Not for atoms of a bandwidth per key.
    pub(crate) fn least(self) -> Self {
        let case = match self.units.centroids {
            Some(_) => Case::Mean,
            None => Case::Worst,
        };
        Self { case, ..self }
    }

    /// Squared distances from the query to keys at the mean distance.
    #[inline(always)]
    fn mean(&self, centroids: &Centroids<T>, atom: &BoundAtom<T>, query: &[T], out: &mut [T]) {
        let mut sum = [T::ZERO; GROUP];
        for (i, &f) in atom.features.iter().enumerate() {
            let w = atom.feature_scale.as_ref().map_or(T::ONE, |s| s[i]);
            let mean = &centroids.mean[i * self.units.stride + self.first..];
            for (s, m) in sum.iter_mut().zip(mean) {
                let x = (query[f] - *m) * w;
                *s += x * x;
            }
        }
        let (off, scatter) = (
            &centroids.off[self.first..],
            &centroids.scatter[self.first..],
        );
        let more = T::ONE + self.units.slack;
        for (((out, s), off), scatter) in out.iter_mut().zip(sum).zip(off).zip(scatter) {
            *out = (s + *scatter + (s.sqrt() * *off + *off * *off) * T::from_f64(2.0)) * more;
        }
    }

    /// Smallest and largest of a feature.
    #[inline(always)]
    fn feature(&self, f: usize) -> (&[T; GROUP], &[T; GROUP]) {
        let at = f * self.units.stride + self.first;
        let [low, high] = [&self.units.low, &self.units.high].map(|x| x[at..].first_chunk());
        low.zip(high).expect("the last group is padded")
    }
}

impl<T: Float> Source<T> for Group<'_, T> {
    fn len(&self) -> usize {
        GROUP
    }

    #[inline(always)]
    fn raws<I: Isa>(
        &self,
        _: I,
        atom: &BoundAtom<T>,
        queries: &[&Query<'_, T>],
        out: &mut [&mut [T]],
    ) {
        let worst = self.case == Case::Worst;
        // A score grows with what is better, unless the profile rises; a distance falls.
        let largest = (atom.link == Link::Score && atom.profile.is_falling()) != worst;
        for (query, out) in queries.iter().zip(out) {
            let query = query.features;
            if let (Case::Mean, Some(centroids)) = (self.case, &self.units.centroids) {
                self.mean(centroids, atom, query, out);
                continue;
            }
            let mut sum = [T::ZERO; GROUP];
            let mut size = [T::ZERO; GROUP];
            for (i, &f) in atom.features.iter().enumerate() {
                let q = query[f];
                let w = atom.feature_scale.as_ref().map_or(T::ONE, |s| s[i]);
                let (low, high) = self.feature(f);
                let near = |j: usize| {
                    let gap = if worst {
                        (q - low[j]).max(high[j] - q)
                    } else {
                        (low[j] - q).max(q - high[j])
                    };
                    gap.max(T::ZERO) * w
                };
                match atom.combine {
                    Combine::SquaredDifference => {
                        for (j, s) in sum.iter_mut().enumerate() {
                            let x = near(j);
                            *s += x * x;
                        }
                    }
                    Combine::AbsoluteDifference => {
                        for (j, s) in sum.iter_mut().enumerate() {
                            *s += near(j);
                        }
                    }
                    Combine::LargestDifference => {
                        for (j, s) in sum.iter_mut().enumerate() {
                            *s = s.max(near(j));
                        }
                    }
                    Combine::Mismatch => {
                        for (j, s) in sum.iter_mut().enumerate() {
                            *s += if near(j) > T::ZERO { w } else { T::ZERO };
                        }
                    }
                    Combine::Product | Combine::Difference => {
                        let product = atom.combine == Combine::Product;
                        for (j, s) in sum.iter_mut().enumerate() {
                            let (x, y) = if product {
                                (q * low[j], q * high[j])
                            } else {
                                (q - high[j], q - low[j])
                            };
                            *s += if largest { x.max(y) } else { x.min(y) };
                            size[j] += x.abs().max(y.abs());
                        }
                    }
                }
            }
            let eps = self.units.slack;
            let signed = matches!(atom.combine, Combine::Product | Combine::Difference);
            for ((out, s), size) in out.iter_mut().zip(sum).zip(size) {
                *out = match (signed, largest) {
                    (false, false) => s * (T::ONE - eps),
                    (false, true) => s * (T::ONE + eps),
                    (true, true) => s + (size + s.abs()) * eps,
                    (true, false) => s - (size + s.abs()) * eps,
                };
            }
        }
    }

    #[inline(always)]
    fn scales(&self, number: usize, atom: &BoundAtom<T>, own: Option<Scale<T>>) -> Scales<'_, T> {
        match &self.units.widest[number] {
            Some([inverse, width]) => Scales::Each(&inverse[self.first..], &width[self.first..]),
            None => Scales::One(atom.scale_at(0, own)),
        }
    }
}

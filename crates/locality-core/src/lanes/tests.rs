//! Vector loops against plain ones.

use super::{Fold, PANEL, ROW, Side, TILE, pack};
use crate::Float;
use crate::isa::{Gram, Isa, Plain, Task, dispatch_each, gram_len};

/// Numbers without a pattern, in -1 to 1.
fn numbers<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        T::from_f64((state >> 40) as f64 / f64::from(1 << 23) - 1.0)
    };
    (0..n).map(|_| next()).collect()
}

struct Tiles<'a, T> {
    fold: Fold,
    queries: &'a [Vec<T>; TILE],
    features: &'a [usize],
    factors: Option<&'a [T]>,
    keys: &'a [T],
    stride: usize,
    together: bool,
}

impl<T: Float> Task for Tiles<'_, T> {
    type Out = Vec<Vec<T>>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<Vec<T>> {
        let Self {
            fold,
            queries,
            features,
            factors,
            keys,
            stride,
            together,
        } = self;
        let mut out = [(); TILE].map(|()| vec![T::NAN; keys.len() / stride * PANEL]);
        let queries = queries.each_ref().map(|q| &q[..]);
        if together {
            let out = out.each_mut().map(|o| &mut o[..]);
            let mut packed = Vec::new();
            pack(queries.into_iter(), features, &mut packed);
            let side = Side::Packed(packed.as_chunks().0);
            isa.tile(fold, side, features, factors, keys, stride, out);
        } else {
            for (query, out) in queries.into_iter().zip(&mut out) {
                let side = Side::Rows([query]);
                isa.tile(fold, side, features, factors, keys, stride, [out]);
            }
        }
        out.into()
    }
}

fn tiles_are_plain_loops<T: Float>() {
    for (d, reversed) in [(1, false), (3, true), (7, false), (20, true), (300, false)] {
        let stride = d * PANEL;
        let keys: Vec<T> = numbers(4 * stride, 1);
        let queries = std::array::from_fn(|g| numbers::<T>(d, 2 + g as u64));
        let factors: Vec<T> = numbers::<T>(d, 9).iter().map(|f| f.abs()).collect();
        // In order, but for the first: those that lie together are copied together.
        let mut features: Vec<usize> = (d / 3..d).collect();
        if reversed {
            features.reverse();
        }
        for fold in [Fold::Squared, Fold::Product, Fold::Absolute, Fold::Largest] {
            for factors in [None, Some(&factors[..])] {
                let task = |together| Tiles {
                    fold,
                    queries: &queries,
                    features: &features,
                    factors,
                    keys: &keys,
                    stride,
                    together,
                };
                let plain = task(true).run(Plain);
                let together = dispatch_each(|| task(true));
                assert_eq!(
                    together,
                    dispatch_each(|| task(false)),
                    "company changes bits"
                );
                for vector in together {
                    for (a, b) in plain.concat().iter().zip(vector.concat()) {
                        let apart = (*a - b).abs().to_f64();
                        assert!(
                            apart <= 4.0 * d as f64 * T::EPSILON.to_f64(),
                            "{fold:?} {a} {b}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn tiles_of_any_metric_are_plain_loops() {
    tiles_are_plain_loops::<f32>();
    tiles_are_plain_loops::<f64>();
}

struct Expand<'a, T> {
    queries: &'a [Vec<T>; TILE],
    own: [T; TILE],
    norms: &'a [T],
    keys: &'a [T],
    together: bool,
}

impl<T: Float> Task for Expand<'_, T> {
    type Out = Vec<Vec<T>>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<Vec<T>> {
        let d = self.queries[0].len();
        let features: Vec<usize> = (0..d).collect();
        let mut out = [(); TILE].map(|()| vec![T::NAN; self.norms.len()]);
        let queries = self.queries.each_ref().map(|q| &q[..]);
        let stride = d * PANEL;
        if self.together {
            let out = out.each_mut().map(|o| &mut o[..]);
            let norms = (self.own, self.norms);
            let queries = Side::Rows(queries);
            isa.expand(queries, norms, &features, self.keys, stride, out);
        } else {
            for ((query, own), out) in queries.into_iter().zip(self.own).zip(&mut out) {
                let norms = ([own], self.norms);
                let query = Side::Rows([query]);
                isa.expand(query, norms, &features, self.keys, stride, [out]);
            }
        }
        out.into()
    }
}

fn expansions_are_plain_loops<T: Float>() {
    for d in [1, 7, 20, 128, 129, 300] {
        let keys: Vec<T> = numbers(4 * d * PANEL, 1);
        let norms: Vec<T> = numbers(4 * PANEL, 2);
        let queries = std::array::from_fn(|g| numbers::<T>(d, 3 + g as u64));
        let own = numbers::<T>(TILE, 4).try_into().unwrap();
        let task = |together| Expand {
            queries: &queries,
            own,
            norms: &norms,
            keys: &keys,
            together,
        };
        let together = dispatch_each(|| task(true));
        assert_eq!(
            together,
            dispatch_each(|| task(false)),
            "company changes bits"
        );
        let plain = task(true).run(Plain);
        assert!(plain.concat().iter().any(|x| *x > T::ZERO));
        for vector in together {
            for (a, b) in plain.concat().iter().zip(vector.concat()) {
                assert!(b >= T::ZERO, "{b}");
                let apart = (*a - b).abs().to_f64();
                assert!(apart <= 4.0 * d as f64 * T::EPSILON.to_f64(), "{a} {b}");
            }
        }
    }
}

#[test]
fn distances_from_products_are_plain_loops() {
    expansions_are_plain_loops::<f32>();
    expansions_are_plain_loops::<f64>();
}

struct Weigh<'a, T> {
    weights: &'a [Vec<T>; TILE],
    rows: &'a [T],
    stride: usize,
    columns: usize,
    how: How,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Together,
    OneByOne,
    /// With the weights of all targets side by side.
    ByColumn,
}

impl<T: Float> Task for Weigh<'_, T> {
    type Out = Vec<Vec<f64>>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<Vec<f64>> {
        let mut out = [(); TILE].map(|()| vec![1.0; self.columns]);
        let weights = self.weights.each_ref().map(|w| &w[..]);
        match self.how {
            How::Together => {
                let out = out.each_mut().map(|o| &mut o[..]);
                isa.weigh(|i, g| weights[g][i], self.rows, self.stride, out);
            }
            How::OneByOne => {
                for (weights, out) in weights.into_iter().zip(&mut out) {
                    isa.weigh(|i, _| weights[i], self.rows, self.stride, [out]);
                }
            }
            How::ByColumn => {
                let step = TILE + 3;
                let mut columns = vec![T::NAN; weights[0].len() * step];
                for (i, row) in columns.chunks_exact_mut(step).enumerate() {
                    for (x, w) in row.iter_mut().zip(weights) {
                        *x = w[i];
                    }
                }
                let out = out.each_mut().map(|o| &mut o[..]);
                let weight = |i: usize, g: usize| columns[i * step + g];
                isa.weigh(weight, self.rows, self.stride, out);
            }
        }
        out.into()
    }
}

fn weighted_rows_are_plain_sums<T: Float>() {
    for (len, columns) in [(1, 8), (64, 10), (320, 16), (512, 70), (64, 130)] {
        let stride = usize::next_multiple_of(columns, ROW);
        let rows: Vec<T> = numbers(len * stride, 3);
        let weights = std::array::from_fn(|g| numbers::<T>(len, 4 + g as u64));
        let task = |how| Weigh {
            weights: &weights,
            rows: &rows,
            stride,
            columns,
            how,
        };
        let together = dispatch_each(|| task(How::Together));
        for how in [How::OneByOne, How::ByColumn] {
            assert_eq!(
                together,
                dispatch_each(|| task(how)),
                "company changes bits"
            );
        }
        for how in [How::Together, How::ByColumn] {
            let plain = task(how).run(Plain);
            for vector in &together {
                for (a, b) in plain.concat().iter().zip(vector.concat()) {
                    assert!(
                        (a - b).abs() <= 16.0 * T::EPSILON.to_f64() * (len as f64).sqrt(),
                        "{a} {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_of_values_are_summed_as_by_hand() {
    weighted_rows_are_plain_sums::<f32>();
    weighted_rows_are_plain_sums::<f64>();
}

struct Grams<'a, T>(Gram<'a, T>);

impl<T: Float> Task for Grams<'_, T> {
    type Out = Vec<f64>;
    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Vec<f64> {
        let mut out = vec![1.0; gram_len(self.0.square, self.0.columns.len())];
        isa.gram(self.0, &mut out);
        out
    }
}

fn weighted_products_are_plain_sums<T: Float>() {
    for len in [1, 7, 64, 250] {
        let weights: Vec<T> = numbers::<T>(len, 1).iter().map(|w| w.abs()).collect();
        for (square, more, shifted) in [
            (0, 1, true),
            (1, 0, true),
            (1, 1, false),
            (3, 2, true),
            (4, 1, false),
            (5, 0, true),
            (5, 0, false),
            (4, 4, true),
            (10, 3, true),
            (10, 3, false),
        ] {
            let columns: Vec<Vec<T>> = (0..square + more)
                .map(|c| numbers(len + c % 2, 2 + c as u64))
                .collect();
            let columns: Vec<&[T]> = columns.iter().map(|c| &c[..]).collect();
            let shifts: Vec<T> = numbers(square + more, 99);
            let gram = Gram {
                weights: &weights,
                columns: &columns,
                shifts: if shifted { &shifts } else { &[] },
                square,
            };
            let by_hand = |a: &dyn Fn(usize) -> f64, b: &dyn Fn(usize) -> f64| -> f64 {
                (0..len).map(|i| weights[i].to_f64() * a(i) * b(i)).sum()
            };
            let column = |c: usize| {
                let shift = if shifted { shifts[c].to_f64() } else { 0.0 };
                move |i: usize| gram.columns[c][i].to_f64() - shift
            };
            let mut wanted = vec![by_hand(&|_| 1.0, &|_| 1.0)];
            for a in 0..square + more {
                wanted.push(by_hand(&column(a), &|_| 1.0));
                wanted.extend((0..square.min(a + 1)).map(|b| by_hand(&column(a), &column(b))));
            }
            let mut all = dispatch_each(|| Grams(gram));
            all.push(Grams(gram).run(Plain));
            for found in all {
                assert_eq!(found.len(), wanted.len());
                for (a, b) in found.iter().zip(&wanted) {
                    let limit = 16.0 * len as f64 * T::EPSILON.to_f64();
                    assert!(
                        (a - 1.0 - b).abs() < limit,
                        "{square} {more} {len}: {a} {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn weighted_products_of_columns_are_plain_sums() {
    weighted_products_are_plain_sums::<f32>();
    weighted_products_are_plain_sums::<f64>();
}

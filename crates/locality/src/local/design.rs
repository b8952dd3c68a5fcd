//! The tables of a local model, laid out in the order of a fit's slots.

use std::ops::Range;

/// Slots that are worked on at a time; sums of a chunk are kept apart, so that results do not depend on what lies beside it.
pub(super) const CHUNK: usize = 256;

/// A feature: a column about the target, or a product of two features that come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    Column(usize),
    Of(usize, usize),
}

/// Columns and responses in the order of a fit's slots, and which features are made of the columns.
#[derive(Clone, Debug)]
pub(super) struct Design {
    /// Column after column, `[d][padded]`.
    columns: Vec<f64>,
    /// `[p][padded]`
    responses: Vec<f64>,
    /// One over the sample weights, where there are any; 0 for a weight of 0.
    inverse: Option<Vec<f64>>,
    padded: usize,
    d: usize,
    linear: usize,
    p: usize,
    products: Vec<Product>,
}

impl Design {
    /// `column(i, c)` and `response(i, c)` read the tables of the keys; `order` is the key at each slot.
    pub(super) fn new(
        order: &[u32],
        (d, p): (usize, usize),
        degree: usize,
        column: impl Fn(usize, usize) -> f64,
        response: impl Fn(usize, usize) -> f64,
        weights: Option<&[f64]>,
    ) -> Self {
        let padded = order.len().next_multiple_of(CHUNK);
        let lay = |count: usize, get: &dyn Fn(usize, usize) -> f64| {
            let mut out = vec![0.0; count * padded];
            for (c, to) in out.chunks_exact_mut(padded).enumerate() {
                for (to, &key) in to.iter_mut().zip(order) {
                    *to = get(key as usize, c);
                }
            }
            out
        };
        let inverse = weights.map(|w| lay(1, &|i, _| if w[i] > 0.0 { 1.0 / w[i] } else { 0.0 }));
        let products = products(d, degree);
        Self {
            columns: lay(d, &column),
            responses: lay(p, &response),
            inverse,
            padded,
            d,
            linear: d.min(products.len()),
            p,
            products,
        }
    }

    /// The features: those that are a column alone come first.
    pub(super) fn products(&self) -> &[Product] {
        &self.products
    }

    /// The unit of each feature, given those of the columns.
    pub(super) fn units(&self, columns: &[f64]) -> Vec<f64> {
        let mut units: Vec<f64> = Vec::with_capacity(self.products.len());
        for product in &self.products {
            units.push(match *product {
                Product::Column(c) => columns[c],
                Product::Of(a, b) => units[a] * units[b],
            });
        }
        units
    }

    /// Number of columns that features are made of.
    pub(super) fn columns(&self) -> usize {
        self.d
    }

    /// Whether every feature is a column, and every column a feature.
    pub(super) fn is_linear(&self) -> bool {
        self.linear == self.d && self.products.len() == self.d
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.products.len()
    }

    /// How many of them are a column alone.
    pub(super) fn linear(&self) -> usize {
        self.linear
    }

    /// Number of responses.
    pub(super) fn responses(&self) -> usize {
        self.p
    }

    #[inline(always)]
    pub(super) fn column(&self, c: usize, slots: Range<usize>) -> &[f64] {
        &self.columns[c * self.padded..][slots]
    }

    #[inline(always)]
    pub(super) fn response(&self, c: usize, slots: Range<usize>) -> &[f64] {
        &self.responses[c * self.padded..][slots]
    }

    /// One over the sample weights.
    #[inline(always)]
    pub(super) fn inverse(&self, slots: Range<usize>) -> Option<&[f64]> {
        self.inverse.as_ref().map(|i| &i[slots])
    }
}

/// Number of features of a polynomial of a degree in `d` columns, without the constant: `binomial(d + degree, degree) - 1`.
pub(super) fn count(d: usize, degree: usize) -> Option<usize> {
    let mut all = 1_usize;
    for k in 1..=degree {
        all = all.checked_mul(d + k)? / k;
    }
    Some(all - 1)
}

/// All products of at most `degree` of `d` columns, by degree.
fn products(d: usize, degree: usize) -> Vec<Product> {
    if degree == 0 {
        return Vec::new();
    }
    let mut out: Vec<Product> = (0..d).map(Product::Column).collect();
    // The last column in each product: a longer one goes on from there, so that none comes twice.
    let mut last: Vec<usize> = (0..d).collect();
    let mut from = 0;
    for _ in 1..degree {
        let end = out.len();
        for i in from..end {
            for c in last[i]..d {
                out.push(Product::Of(i, c));
                last.push(c);
            }
        }
        from = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Product, count, products};

    #[test]
    fn products_come_by_degree_and_once() {
        use Product::{Column, Of};
        assert!(products(2, 0).is_empty());
        assert_eq!(products(2, 1), [Column(0), Column(1)]);
        let two = [Column(0), Column(1), Of(0, 0), Of(0, 1), Of(1, 1)];
        assert_eq!(products(2, 2), two);
        for (d, degree) in [(1, 5), (2, 4), (3, 3), (7, 2), (9, 1), (4, 0)] {
            assert_eq!(count(d, degree), Some(products(d, degree).len()));
        }
        assert_eq!(count(usize::MAX / 2, 3), None);
    }
}

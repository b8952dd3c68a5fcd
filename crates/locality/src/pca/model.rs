//! Principal components of weighted samples.

use crate::linear::{Symmetric, orthonormal, point};
use crate::local::{WeightedModel, WeightedSample};
use crate::{Error, Result, Rows};

/// Variances below this share of the largest are rounding, where they come from the columns' products.
const ROUNDING: f64 = 1e-15;
/// The same where they come from the samples' products, of which the components are divided by the roots.
const ROUNDING_PRODUCTS: f64 = 1e-13;

/// How many components are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Components {
    /// All directions in which the samples differ.
    #[default]
    All,
    /// So many, or fewer where samples differ in fewer directions.
    Count(usize),
    /// The fewest whose variances are together at least this share of the whole, above 0 and at most 1.
    Share(f64),
}

impl Components {
    /// Refuses counts and shares that have no meaning for so many columns.
    pub(crate) fn check(self, columns: usize) -> Result<()> {
        match self {
            Self::Count(c) if c > columns => Err(Error::parameter(format!(
                "n_components={c} must be at most the number of columns of X, {columns}"
            ))),
            Self::Share(s) if !(s > 0.0 && s <= 1.0) => Err(Error::parameter(format!(
                "n_components={s} must be above 0 and at most 1 as a share of the variance"
            ))),
            _ => Ok(()),
        }
    }

    /// How many of these variances, which fall, are kept.
    fn kept(self, variances: &[f64]) -> usize {
        match self {
            Self::All => variances.len(),
            Self::Count(c) => c.min(variances.len()),
            Self::Share(share) => {
                let whole: f64 = variances.iter().sum();
                let mut sum = 0.0;
                let enough = variances.iter().position(|v| {
                    sum += v;
                    sum >= share * whole * (1.0 - 1e-12)
                });
                enough.map_or(variances.len(), |at| at + 1)
            }
        }
    }
}

/// Principal component analysis of weighted samples, a [`WeightedModel`]: its predictions are projections onto the components' plane.
///
/// With equal weights it is scikit-learn's `PCA`. Variances are divided by `sum w - sum w^2 / sum w`, which is `n - 1` for equal weights of 1
/// and leaves them unbiased for any. The smaller of the two matrices of products, of columns or of samples, is decomposed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pca {
    components: Components,
}

impl Pca {
    /// With so many components.
    pub fn new(components: Components) -> Self {
        Self { components }
    }
}

/// Principal components of weighted samples.
#[derive(Clone, Debug, PartialEq)]
pub struct PcaFit {
    mean: Vec<f64>,
    components: Vec<f64>,
    variances: Vec<f64>,
    rank: usize,
    kept: usize,
}

impl PcaFit {
    /// The weighted mean, `[d]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Unit vectors in rows, `[c, d]`, largest variance first; in each the entry of the largest magnitude is positive.
    ///
    /// # Panics
    /// Never: the numbers were made as such rows.
    pub fn components(&self) -> Rows<'_, f64> {
        Rows::new(&self.components, self.kept, self.mean.len()).expect("made of such rows")
    }

    /// The variance along each component that is kept, `[c]`.
    pub fn variances(&self) -> &[f64] {
        &self.variances[..self.kept]
    }

    /// The variances along all directions in which the samples differ, falling, `[rank]`.
    pub fn spectrum(&self) -> &[f64] {
        &self.variances[..self.rank]
    }

    /// The sum of all variances.
    pub fn total_variance(&self) -> f64 {
        self.spectrum().iter().sum()
    }

    /// The participation ratio of the variances, `(sum v)^2 / sum v^2`: how many directions they are spread over; 0 where there are none.
    pub fn participation(&self) -> f64 {
        // As shares of the largest: squares of variances leave the number type where those of the samples do not.
        let largest = self.spectrum().first().copied().unwrap_or(0.0);
        if largest <= 0.0 {
            return 0.0;
        }
        let shares = || self.spectrum().iter().map(|v| v / largest);
        shares().sum::<f64>().powi(2) / shares().map(|v| v * v).sum::<f64>()
    }

    /// The fewest components whose variances are together at least this share of the whole.
    pub fn components_for(&self, share: f64) -> usize {
        Components::Share(share).kept(self.spectrum())
    }

    /// Writes the nearest point of the plane through the mean, `[d]`.
    pub fn project(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.mean);
        for component in self.components().iter() {
            let offsets = x.iter().zip(&self.mean);
            let along: f64 = offsets.zip(component).map(|((x, m), c)| (x - m) * c).sum();
            out.iter_mut()
                .zip(component)
                .for_each(|(o, c)| *o += along * c);
        }
    }

    /// Takes the part along the components out of a vector `[d]`.
    pub fn take_tangent(&self, vector: &mut [f64]) {
        for component in self.components().iter() {
            let along: f64 = vector.iter().zip(component).map(|(v, c)| v * c).sum();
            vector
                .iter_mut()
                .zip(component)
                .for_each(|(v, c)| *v -= along * c);
        }
    }
}

/// Offsets from the weighted mean, times the roots of the weights, `[s, d]`, and the mean.
fn offsets(sample: &WeightedSample<'_>, total: f64) -> (Vec<f64>, Vec<f64>) {
    let d = sample.x.columns();
    // From the first sample on, so that far-off places lose no digits.
    let first = sample.x.row(0);
    let mut mean = vec![0.0; d];
    for (x, w) in sample.x.iter().zip(sample.weights) {
        for (m, (x, f)) in mean.iter_mut().zip(x.iter().zip(first)) {
            *m += w / total * (x - f);
        }
    }
    mean.iter_mut().zip(first).for_each(|(m, f)| *m += f);
    let mut out = Vec::with_capacity(sample.x.rows() * d);
    for (x, w) in sample.x.iter().zip(sample.weights) {
        let root = w.sqrt();
        out.extend(x.iter().zip(&mean).map(|(x, m)| root * (x - m)));
    }
    (out, mean)
}

/// What offsets are divided by before they are multiplied: 1, or a power of two near the largest of them where products would leave the
/// number type, which changes no digit.
fn unit(offsets: &[f64]) -> f64 {
    let largest = offsets.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
    if largest == 0.0 || (1e-100..=1e100).contains(&largest) {
        1.0
    } else {
        largest.log2().floor().exp2()
    }
}

/// Components in rows and sums of squares along them, falling, from the products of the columns.
fn by_columns(offsets: &[f64], d: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut products = vec![0.0; d * d];
    for row in offsets.chunks_exact(d) {
        for (i, a) in row.iter().enumerate() {
            let to = products[i * d..=i * d + i].iter_mut();
            to.zip(row).for_each(|(p, b)| *p += a * b);
        }
    }
    let mut eigen = Symmetric::new(d);
    eigen.decompose(|i, j| products[i * d + j])?;
    let large = |r: &usize| eigen.value(*r) > ROUNDING * eigen.value(0);
    let ranks: Vec<usize> = (0..d).take_while(large).collect();
    let squares = ranks.iter().map(|&r| eigen.value(r)).collect();
    let components = ranks.iter().flat_map(|&r| eigen.vector(r)).collect();
    Ok((components, squares))
}

/// The same from the products of the samples, which are fewer.
fn by_samples(offsets: &[f64], s: usize, d: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut eigen = Symmetric::new(s);
    eigen.decompose(|i, j| {
        let (a, b) = (&offsets[i * d..][..d], &offsets[j * d..][..d]);
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    })?;
    let large = |r: &usize| eigen.value(*r) > ROUNDING_PRODUCTS * eigen.value(0);
    let ranks: Vec<usize> = (0..s).take_while(large).collect();
    let mut components = vec![0.0; ranks.len() * d];
    for (&r, to) in ranks.iter().zip(components.chunks_exact_mut(d)) {
        for (u, row) in eigen.vector(r).zip(offsets.chunks_exact(d)) {
            to.iter_mut().zip(row).for_each(|(t, x)| *t += u * x);
        }
    }
    orthonormal(&mut components, d);
    Ok((components, ranks.iter().map(|&r| eigen.value(r)).collect()))
}

impl WeightedModel for Pca {
    type Fit = PcaFit;

    fn outputs(&self, columns: usize, _responses: usize) -> usize {
        columns
    }

    /// A projection has a mean of its own.
    fn coefficients(&self, _columns: usize) -> usize {
        0
    }

    fn fit(&self, sample: &WeightedSample<'_>, _start: Option<&PcaFit>) -> Result<PcaFit> {
        let (s, d) = (sample.x.rows(), sample.x.columns());
        self.components.check(d)?;
        let total: f64 = sample.weights.iter().sum();
        if s == 0 || d == 0 || total <= 0.0 {
            return Err(Error::empty(format!(
                "principal components of {s} samples of {d} columns with weights that sum to {total}; at least one of each is needed"
            )));
        }
        let (mut offsets, mean) = offsets(sample, total);
        let unit = unit(&offsets);
        if unit != 1.0 {
            for x in &mut offsets {
                *x /= unit;
            }
        }
        let (mut components, squares) = if d <= s {
            by_columns(&offsets, d)?
        } else {
            by_samples(&offsets, s, d)?
        };
        let free = total - sample.weights.iter().map(|w| w * w).sum::<f64>() / total;
        let variance = |square: &f64| {
            if free > f64::EPSILON * total {
                square / free * unit * unit
            } else {
                0.0
            }
        };
        let variances: Vec<f64> = squares.iter().map(variance).collect();
        let kept = self.components.kept(&variances);
        components.truncate(kept * d);
        components.chunks_exact_mut(d).for_each(point);
        Ok(PcaFit {
            mean,
            components,
            rank: variances.len(),
            variances,
            kept,
        })
    }

    fn predict(&self, fit: &PcaFit, target: &[f64], out: &mut [f64]) {
        fit.project(target, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(x: &[f64], d: usize, weights: &[f64], components: Components) -> PcaFit {
        let n = weights.len();
        let sample = WeightedSample {
            x: Rows::new(x, n, d).unwrap(),
            y: Rows::new(&[], n, 0).unwrap(),
            weights,
        };
        Pca::new(components).fit(&sample, None).unwrap()
    }

    /// Five samples of three columns, and the same beside columns of zeros, which takes the other way.
    #[test]
    fn both_ways_find_the_same() {
        let x = [
            1.0, 2.0, 0.5, -1.0, 0.3, 2.0, 0.7, -0.4, 1.0, 3.0, 1.0, -1.0, 0.2, 0.1, 0.0,
        ];
        let w = [1.0, 0.5, 2.0, 1.5, 1.0];
        let narrow = fit(&x, 3, &w, Components::All);
        let padded: Vec<f64> = x
            .chunks(3)
            .flat_map(|r| r.iter().copied().chain([7.0; 6]))
            .collect();
        let wide = fit(&padded, 9, &w, Components::All);
        assert_eq!((narrow.spectrum().len(), wide.spectrum().len()), (3, 3));
        for (a, b) in narrow.spectrum().iter().zip(wide.spectrum()) {
            assert!((a - b).abs() < 1e-12 * a, "{a} {b}");
        }
        for (a, b) in narrow.components().iter().zip(wide.components().iter()) {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 1e-10, "{a} {b}");
            }
            assert!(b[3..].iter().all(|x| x.abs() < 1e-10));
        }
    }

    #[test]
    fn directions_do_not_see_the_unit() {
        let x = [
            1.0, 2.0, 0.5, -1.0, 0.3, 2.0, 0.7, -0.4, 1.0, 3.0, 1.0, -1.0, 0.2, 0.1, 0.0,
        ];
        let w = [1.0, 0.5, 2.0, 1.5, 1.0];
        let one = fit(&x, 3, &w, Components::All);
        for power in [-1000, -500, 480] {
            let scale = f64::from(power).exp2();
            let scaled = x.map(|x| x * scale);
            let found = fit(&scaled, 3, &w, Components::All);
            assert_eq!(found.components, one.components, "2^{power}");
            let variances: Vec<f64> = one.variances.iter().map(|v| v * scale * scale).collect();
            assert_eq!(found.variances, variances, "2^{power}");
        }
    }

    #[test]
    fn a_weight_of_two_has_the_directions_of_two_samples() {
        let twice = [0.0, 0.0, 2.0, 1.0, 2.0, 1.0, 1.0, 3.0];
        let once = [0.0, 0.0, 2.0, 1.0, 1.0, 3.0];
        let a = fit(&twice, 2, &[1.0; 4], Components::All);
        let b = fit(&once, 2, &[1.0, 2.0, 1.0], Components::All);
        assert_eq!(a.mean(), b.mean());
        for (a, b) in a.components.iter().zip(&b.components) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn shares_and_ranks() {
        // Variances 8 and 2 along the axes.
        let x = [4.0, 0.0, -4.0, 0.0, 0.0, 2.0, 0.0, -2.0];
        let of = |c| fit(&x, 2, &[1.0; 4], c).variances().len();
        assert_eq!(of(Components::Share(0.79)), 1);
        assert_eq!(of(Components::Share(0.81)), 2);
        assert_eq!(of(Components::Share(1.0)), 2);
        let all = fit(&x, 2, &[1.0; 4], Components::Count(1));
        assert!((all.participation() - 100.0 / 68.0).abs() < 1e-12);
        assert_eq!(all.components_for(0.9), 2);
        let mut out = [0.0; 2];
        all.project(&[3.0, 5.0], &mut out);
        assert!((out[0] - 3.0).abs() < 1e-12 && out[1].abs() < 1e-12);
        // Samples that are all alike have no direction.
        let none = fit(&[1.0; 6], 2, &[1.0; 3], Components::All);
        assert_eq!((none.spectrum().len(), none.participation()), (0, 0.0));
    }
}

//! Rows of the hat matrix: what each response adds to a prediction.

use locality_core::isa::dispatch;

use super::design::Product;
use super::model::check_hollow;
use super::moments::Sum;
use super::polynomial::LocalPolynomialFit;
use super::solve::Solution;
use crate::{LocalSample, Result, Rows, Watch};

impl LocalPolynomialFit {
    /// Rows of the hat matrix at targets `[m, d]`, `[m, n]`: a prediction is the product of its row with the responses, of guarded fits, too.
    /// A row of NaN in an empty region. Meant for chosen targets: all samples' rows are `n` by `n` numbers.
    ///
    /// ```
    /// use locality::local::LocalPolynomial;
    /// use locality::{Rows, Watch};
    /// let (x, y) = ([0.0, 1.0, 2.0, 4.0], [1.0, 3.0, 2.0, 5.0]);
    /// let watch = Watch::default();
    /// let fit = LocalPolynomial::new("gaussian(h=2)".parse()?).fit(Rows::column(&x), Rows::column(&y), None, &watch)?;
    /// let at = Rows::column(&[1.5]);
    /// let row = fit.hat_rows(at, &watch)?;
    /// let product: f64 = row.iter().zip(&y).map(|(l, y)| l * y).sum();
    /// assert!((product - fit.at(at, &watch)?.values()[0]).abs() < 1e-12);
    /// # Ok::<(), locality::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`at`](Self::at), but an empty region is none.
    ///
    /// Source: J. Fan, I. Gijbels, *Local polynomial modelling and its applications* (1996), section 3.2.
    pub fn hat_rows(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let n = self.means.order().len();
        check_hollow(&self.parameters.neighborhood, targets.rows(), n)?;
        let rows = self.means.local_samples(targets, watch, |i, sample| {
            Ok(self.hat_row(targets.row(i), sample, n))
        })?;
        Ok(rows.concat())
    }

    fn hat_row(&self, target: &[f64], sample: LocalSample<'_, f64>, n: usize) -> Vec<f64> {
        let target: Vec<f64> = self.columns.iter().map(|&c| target[c]).collect();
        let moments = dispatch(Sum {
            design: &self.design,
            sample,
            target: &target,
            with_second: false,
        });
        let Some(solution) = Solution::new(&moments, self.parameters.rules(&self.design)) else {
            return vec![f64::NAN; n];
        };
        let (constant, slopes) = solution.hat();
        let order = self.means.order();
        let mut features = vec![0.0; slopes.len()];
        let mut out = vec![0.0; n];
        for (run, weights) in sample.iter() {
            for (slot, w) in run.zip(weights) {
                if *w == 0.0 {
                    continue;
                }
                for (f, product) in self.design.products().iter().enumerate() {
                    features[f] = match *product {
                        Product::Column(c) => self.design.column(c, slot..slot + 1)[0] - target[c],
                        Product::Of(a, b) => features[a] * features[b],
                    };
                }
                let along: f64 = slopes.iter().zip(&features).map(|(b, f)| b * f).sum();
                out[order[slot] as usize] = w * (constant + along);
            }
        }
        out
    }
}

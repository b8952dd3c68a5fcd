//! Means, variances and covariances of the responses, local.

use super::lifted::LocalModel;

/// The normal distribution of the responses at a target, as a [`LocalModel`]: predictions are the `p` local means, then the lower triangle,
/// row after row, of the local covariance; with one response, mean and variance.
///
/// Responses should come about their overall means: squares of large numbers lose digits.
///
/// ```
/// use locality::local::{Localized, Normal};
/// use locality::{Rows, Watch};
/// let (x, y) = ([0.0, 0.0, 5.0, 5.0], [1.0, 3.0, -1.0, -1.0]);
/// let watch = Watch::default();
/// let fit = Localized::new(Normal, "boxcar(h=1)".parse()?);
/// let fit = fit.fit_lifted(Rows::column(&x), Rows::column(&y), None, &watch)?;
/// assert_eq!(fit.at(Rows::column(&[0.0, 5.0]), &watch)?, [2.0, 1.0, -1.0, 0.0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Normal;

impl LocalModel for Normal {
    fn lifted(&self, columns: usize, responses: usize) -> usize {
        self.outputs(columns, responses)
    }

    fn lift(&self, _x: &[f64], y: &[f64], out: &mut [f64]) {
        let (means, products) = out.split_at_mut(y.len());
        means.copy_from_slice(y);
        let pairs = (0..y.len()).flat_map(|i| (0..=i).map(move |j| (i, j)));
        for (o, (i, j)) in products.iter_mut().zip(pairs) {
            *o = y[i] * y[j];
        }
    }

    fn outputs(&self, _columns: usize, responses: usize) -> usize {
        responses + responses * (responses + 1) / 2
    }

    fn read(&self, mean: &[f64], _target: &[f64], out: &mut [f64]) {
        // `l` numbers are `p` means and a triangle of `p`.
        let p = (((8 * mean.len() + 9) as f64).sqrt() as usize - 3) / 2;
        out.copy_from_slice(mean);
        let pairs = (0..p).flat_map(|i| (0..=i).map(move |j| (i, j)));
        for (o, (i, j)) in out[p..].iter_mut().zip(pairs) {
            *o -= mean[i] * mean[j];
            if i == j {
                *o = o.max(0.0);
            }
        }
    }
}

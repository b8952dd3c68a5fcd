//! A local mean whose weights are shifted by a bias for each pair.

use crate::{Bias, Float, Gradients, LocalMeanFit, LocalMeans, Result, Rows, Watch};

/// A [`LocalMeanFit`] with a [`Bias`]: what [`LocalMeanFit::biased`] returns. Its methods are those of the fit, for as many queries
/// as the bias has.
#[derive(Clone, Copy, Debug)]
pub struct Biased<'a, T> {
    fit: &'a LocalMeanFit<T>,
    bias: Bias<'a, T>,
    constant: bool,
}

impl<T: Float> LocalMeanFit<T> {
    /// The local mean with the weights `c_i K(q, k_i) exp(b_i)`, `b_i` being the bias of query and key. Every pair is looked at: a
    /// bias says nothing about where the weights are small.
    ///
    /// ```
    /// use locality_core::{Bias, Kernel, LocalMean, Rows, Watch};
    /// let (x, y) = ([0.0, 1.0, 2.0], [0.0, 1.0, 4.0]);
    /// let fit = LocalMean::new(Kernel::gaussian(1.0)).fit(Rows::column(&x), Rows::column(&y))?;
    /// // Nothing but the key at the query's own place.
    /// let own = [-f64::INFINITY, -f64::INFINITY, 0.0, -f64::INFINITY, -f64::INFINITY];
    /// let at = fit.biased(Bias::Relative(&own)).at(Rows::column(&x), &Watch::default())?;
    /// assert_eq!(at.means, y);
    /// # Ok::<(), locality_core::Error>(())
    /// ```
    pub fn biased<'a>(&'a self, bias: Bias<'a, T>) -> Biased<'a, T> {
        Biased {
            fit: self,
            bias,
            constant: false,
        }
    }
}

impl<T: Float> Biased<'_, T> {
    /// The same, but that nothing is pulled back to the biases: a mask, a fixed position bias. For each pair derivatives are as many
    /// numbers as the bias has.
    #[must_use]
    pub fn constant(mut self) -> Self {
        self.constant = true;
        self
    }

    /// As [`LocalMeanFit::at`].
    ///
    /// # Errors
    /// As there, and for a bias of another shape, or with NaN or positive infinity.
    pub fn at(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<LocalMeans<T>> {
        self.fit.at_with(queries, Some(self.bias), watch)
    }

    /// As [`LocalMeanFit::weights`].
    ///
    /// # Errors
    /// As there, and for a bias of another shape, or with NaN or positive infinity.
    pub fn weights(&self, queries: Rows<'_, T>, watch: &Watch<'_>) -> Result<Vec<T>> {
        self.fit.weights_with(queries, Some(self.bias), watch)
    }

    /// As [`LocalMeanFit::pull_back`], and to the biases, too; `at` is what [`at`](Self::at) returned.
    ///
    /// # Errors
    /// As there, and for a bias of another shape, or with NaN or positive infinity.
    pub fn pull_back(
        &self,
        queries: Rows<'_, T>,
        keys: Rows<'_, T>,
        at: &LocalMeans<T>,
        means: Rows<'_, T>,
        log_normalizer: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<Gradients<T>> {
        let bias = (Some(self.bias), !self.constant);
        let fit = self.fit;
        fit.pull_back_with(queries, keys, bias, at, means, log_normalizer, watch)
    }
}

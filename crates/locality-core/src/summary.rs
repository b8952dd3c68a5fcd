//! The mergeable summary of a weighted set of keys.

/// What a local mean needs to know of a set of weighted keys: the largest log-weight, the sum of the weights and the sum of
/// the weighted values, both scaled by it. Summaries of parts merge into the summary of the whole, in any order, so
/// that one definition serves a leaf of a tree, a thread, a batch and a machine.
///
/// ```
/// use locality_core::Summary;
/// let mut a = Summary::empty(1);
/// a.absorb(-1000.0, &[1.0]);
/// let mut b = Summary::empty(1);
/// b.absorb(-1000.0 + 3_f64.ln(), &[5.0]);
/// a.merge(&b);
/// let mut mean = [0.0];
/// let log_normalizer = a.finish(&mut mean).unwrap();
/// assert!((mean[0] - 4.0_f64).abs() < 1e-12);
/// assert!((log_normalizer - (-1000.0 + 4_f64.ln())).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub(crate) log_scale: f64,
    pub(crate) weight: f64,
    pub(crate) values: Vec<f64>,
}

impl Summary {
    /// The summary of nothing, for values of `columns` columns.
    pub fn empty(columns: usize) -> Self {
        Self {
            log_scale: f64::NEG_INFINITY,
            weight: 0.0,
            values: vec![0.0; columns],
        }
    }

    /// Makes this the summary of nothing again.
    pub(crate) fn clear(&mut self) {
        self.log_scale = f64::NEG_INFINITY;
        self.weight = 0.0;
        self.values.fill(0.0);
    }

    /// Takes in one key with its log-weight (`ln` of sample weight times kernel) and its value, `[columns]`.
    ///
    /// # Panics
    /// Where `value` has another length.
    pub fn absorb(&mut self, log_weight: f64, value: &[f64]) {
        assert_eq!(value.len(), self.values.len(), "length of value");
        if log_weight == f64::NEG_INFINITY {
            return;
        }
        self.rescale(log_weight);
        let w = (log_weight - self.log_scale).exp();
        self.weight += w;
        for (sum, v) in self.values.iter_mut().zip(value) {
            *sum += w * v;
        }
    }

    /// Takes in another summary.
    ///
    /// # Panics
    /// Where `other` is of values with another number of columns.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(other.values.len(), self.values.len(), "number of columns");
        if other.weight == 0.0 {
            return;
        }
        self.rescale(other.log_scale);
        let w = (other.log_scale - self.log_scale).exp();
        self.weight += w * other.weight;
        for (sum, v) in self.values.iter_mut().zip(&other.values) {
            *sum += w * v;
        }
    }

    /// Raises the scale to at least `log`.
    #[inline]
    pub(crate) fn rescale(&mut self, log: f64) {
        if log > self.log_scale {
            let w = (self.log_scale - log).exp();
            self.weight *= w;
            for sum in &mut self.values {
                *sum *= w;
            }
            self.log_scale = log;
        }
    }

    /// Whether no key with a positive weight was taken in.
    pub fn is_empty(&self) -> bool {
        self.weight <= 0.0
    }

    /// Writes the mean, `[columns]`, and returns the log normaliser, the logarithm of the sum of the weights; `None`,
    /// with nothing written, for an empty summary.
    ///
    /// # Panics
    /// Where `mean` has another length.
    pub fn finish(&self, mean: &mut [f64]) -> Option<f64> {
        assert_eq!(mean.len(), self.values.len(), "length of mean");
        if self.is_empty() {
            return None;
        }
        for (m, v) in mean.iter_mut().zip(&self.values) {
            *m = v / self.weight;
        }
        Some(self.log_scale + self.weight.ln())
    }
}

//! The local mean as a model in a file.

use super::file::rows;
use super::{Array, ModelFile, Parameters, Persist};
use crate::{
    Error, Float, Kernel, LocalMean, LocalMeanFit, Neighborhood, OnEmpty, Result, Rows, Watch,
};

/// The parameters of a [`LocalMean`] that can be kept in a file.
///
/// ```
/// use locality::model::{LocalMeanModel, LocalMeanModelFit, ModelFile, Persist};
/// use locality::{Rows, Watch};
/// let keys = [0.0, 1.0, 2.0, 3.0];
/// let values = [0.0, 1.0, 4.0, 9.0];
/// let watch = Watch::default();
/// let model = LocalMeanModel::new("epanechnikov(h=1.25)".parse()?);
/// let fit = model.fit(Rows::column(&keys), Rows::column(&values), None, &watch)?;
/// let bytes = fit.pack()?.to_bytes()?;
/// let again = LocalMeanModelFit::<f64>::unpack(&ModelFile::from_bytes(&bytes)?, &watch)?;
/// assert_eq!(again.means().at(Rows::column(&[1.5]), &watch)?.means, [2.5]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LocalMeanModel {
    kernel: Kernel,
    neighborhood: Neighborhood,
    tolerance: f64,
    on_empty: OnEmpty,
    null_weight: f64,
}

/// Keys and values with their local mean; made by [`LocalMeanModel::fit`].
#[derive(Clone, Debug)]
pub struct LocalMeanModelFit<T> {
    parameters: LocalMeanModel,
    keys: Vec<T>,
    columns: usize,
    values: Vec<T>,
    width: usize,
    weights: Option<Vec<T>>,
    means: LocalMeanFit<T>,
}

impl LocalMeanModel {
    /// As [`LocalMean::new`].
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            neighborhood: Neighborhood::all(),
            tolerance: 0.0,
            on_empty: OnEmpty::Error,
            null_weight: 0.0,
        }
    }

    /// As [`LocalMean::neighborhood`].
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// As [`LocalMean::tolerance`].
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// As [`LocalMean::on_empty`].
    #[must_use]
    pub fn on_empty(mut self, on_empty: OnEmpty) -> Self {
        self.on_empty = on_empty;
        self
    }

    /// As [`LocalMean::null_weight`].
    #[must_use]
    pub fn null_weight(mut self, null_weight: f64) -> Self {
        self.null_weight = null_weight;
        self
    }

    /// Lays out keys `[n, d]` with values `[n, p]` and, optionally, sample weights `[n]`.
    ///
    /// # Errors
    /// As [`LocalMean::fit_watched`].
    pub fn fit<T: Float>(
        &self,
        keys: Rows<'_, T>,
        values: Rows<'_, T>,
        weights: Option<&[T]>,
        watch: &Watch<'_>,
    ) -> Result<LocalMeanModelFit<T>> {
        let means = LocalMean::new(self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .tolerance(self.tolerance)
            .on_empty(self.on_empty)
            .null_weight(self.null_weight)
            .fit_watched(keys, values, weights, watch)?;
        Ok(LocalMeanModelFit {
            parameters: self.clone(),
            keys: keys.to_vec(),
            columns: keys.columns(),
            values: values.to_vec(),
            width: values.columns(),
            weights: weights.map(<[T]>::to_vec),
            means,
        })
    }
}

impl<T: Float> LocalMeanModelFit<T> {
    /// The parameters it was made with.
    pub fn parameters(&self) -> &LocalMeanModel {
        &self.parameters
    }

    /// The local mean.
    pub fn means(&self) -> &LocalMeanFit<T> {
        &self.means
    }
}

impl<T: Float> Persist for LocalMeanModelFit<T> {
    const KIND: &'static str = "local_mean";

    fn pack(&self) -> Result<ModelFile> {
        let own = &self.parameters;
        let mut p = Parameters::default();
        p.put_kernel("kernel", &own.kernel)?;
        p.put_neighborhood(&own.neighborhood)?;
        p.put_policy(own.on_empty);
        p.put("tolerance", own.tolerance);
        p.put("null_weight", own.null_weight);
        if self.width == 0 {
            return Err(Error::empty(
                "values has no columns; a local mean without values is not kept in a file",
            ));
        }
        Ok(ModelFile::new(Self::KIND, p)
            .with("samples", Array::matrix(&self.keys, self.columns))
            .with("responses", Array::matrix(&self.values, self.width))
            .with_some("weights", self.weights.as_deref()))
    }

    fn unpack(file: &ModelFile, watch: &Watch<'_>) -> Result<Self> {
        file.expect(Self::KIND)?;
        let p = file.parameters();
        let model = LocalMeanModel::new(p.kernel("kernel")?)
            .neighborhood(p.neighborhood()?)
            .on_empty(p.policy()?)
            .tolerance(p.number("tolerance")?)
            .null_weight(p.number("null_weight")?);
        let (x, d) = file.matrix::<T>("samples")?;
        let (y, m) = file.matrix::<T>("responses")?;
        let weights = file.optional::<T>("weights")?;
        model.fit(rows(&x, d)?, rows(&y, m)?, weights.as_deref(), watch)
    }
}

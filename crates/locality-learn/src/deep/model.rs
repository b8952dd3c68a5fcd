//! Features that were learned.

use locality_core::{Error, Result, Rows};

use super::{DeepKernel, Features};
use crate::columns::Columns;
use crate::fit::History;
use crate::pass::padded;
use crate::{Layer, Layout, Number, Pass};

/// Learned features; see [`DeepKernel`]. The kernel that goes with them is a Gaussian of bandwidth 1.
#[derive(Clone, Debug, PartialEq)]
pub struct DeepKernelModel<T> {
    pub(super) columns: Columns,
    pub(super) features: Features,
    pub(super) layout: Layout,
    pub(super) parameters: Vec<T>,
    pub(super) history: History,
}

impl<T: Number> DeepKernelModel<T> {
    /// From its numbers: means and deviations of the columns `[d]` and the parameters in the order of the layout. Of `config` the sizes are
    /// taken; the number of features must be given there.
    ///
    /// # Errors
    /// Sizes that do not fit one another, numbers that are not finite.
    pub fn from_numbers(
        config: &DeepKernel,
        means: &[f64],
        deviations: &[f64],
        parameters: Vec<T>,
    ) -> Result<Self> {
        let columns = Columns::from_numbers(means, deviations)?;
        let (layout, features) = config.network(columns.len())?;
        layout.check(&parameters)?;
        if parameters.iter().any(|x| !x.is_finite()) {
            return Err(Error::not_finite(
                "parameters have NaN or infinite numbers; the model is damaged",
            ));
        }
        Ok(Self {
            columns,
            features,
            layout,
            parameters,
            history: History::default(),
        })
    }

    /// Features `[m, dimension]` of rows `[m, d]`.
    ///
    /// # Errors
    /// Another number of columns than was learned from; NaN or infinite numbers.
    pub fn transform(&self, rows: Rows<'_, f64>) -> Result<Vec<f64>> {
        let mut input: Vec<T> = self.columns.scale("rows", rows)?;
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        let sets = padded(&mut input, self.columns.len())?;
        let (mut out, _) = self
            .features
            .forward(&self.parameters, &input, &Pass::new(&sets))?;
        out.truncate(rows.rows() * self.dimension());
        Ok(out.iter().map(|x| x.to_f64()).collect())
    }

    /// Number of features.
    pub fn dimension(&self) -> usize {
        Layer::<T>::outputs(&self.features)
    }

    /// Losses of the training.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Where the parameters lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The parameters.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// Means and deviations of the columns.
    pub fn units(&self) -> (&[f64], &[f64]) {
        (&self.columns.means, &self.columns.deviations)
    }
}

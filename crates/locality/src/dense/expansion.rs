//! Sums of kernels: what fitted models come down to, and what is kept of them.

use crate::linear::Matrix;
use crate::linear::Values;
use crate::{Error, Kernel, Result, Rows, Watch};

/// Functions `f(x) = sum_i c_i k(x, x_i)` over some centres.
///
/// ```
/// use locality::dense::Expansion;
/// use locality::{Kernel, Rows, Watch};
/// let watch = Watch::default();
/// let sum = Expansion::new(&Kernel::gaussian(1.0), Rows::column(&[0.0, 2.0]), Rows::column(&[1.0, -1.0]), &watch)?;
/// assert_eq!(sum.at(Rows::column(&[1.0]), &watch)?, [0.0]);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expansion {
    values: Values,
    coefficients: Matrix,
}

impl Expansion {
    /// From centres `[n, d]` and coefficients `[n, p]`.
    ///
    /// # Errors
    /// Shapes that do not fit, NaN or infinite numbers, a kernel that is not symmetric or whose numbers are out of range.
    pub fn new(
        kernel: &Kernel,
        centers: Rows<'_, f64>,
        coefficients: Rows<'_, f64>,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        centers.require_finite("centers")?;
        if coefficients.rows() != centers.rows() {
            return Err(Error::shape(format!(
                "coefficients has {} rows, but there are {} centres; give one row for each",
                coefficients.rows(),
                centers.rows()
            )));
        }
        Ok(Self {
            values: Values::new(kernel, centers, watch)?,
            coefficients: Matrix::of_rows(coefficients).transposed(),
        })
    }

    /// Values `[m, p]` at rows `[m, d]`; memory does not grow with `m` beyond these.
    ///
    /// # Errors
    /// Another number of columns, NaN or infinite numbers.
    pub fn at(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        self.values.times(rows, &self.coefficients, watch)
    }
}

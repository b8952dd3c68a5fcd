//! Principal components around each target.

use super::model::{Components, Pca, PcaFit};
use crate::local::{Localized, LocalizedFit};
use crate::{Error, Kernel, Neighborhood, Result, Rows, Watch};

/// Principal component analysis of the samples around each target.
///
/// ```
/// use locality::{Rows, Watch, pca::{Components, LocalPca}};
/// // A circle: around each of its points the tangent is at a right angle to the radius.
/// let x: Vec<f64> = (0..200).flat_map(|i| { let (s, c) = (0.0314_f64 * f64::from(i)).sin_cos(); [c, s] }).collect();
/// let fit = LocalPca::nearest(9).components(Components::Count(1)).fit(Rows::new(&x, 200, 2)?, None, &Watch::default())?;
/// let around = fit.at(Rows::new(&[1.1, 0.0, 0.0, 0.9], 2, 2)?, &Watch::default())?;
/// assert!(around[0].components().row(0)[1] > 0.99 && around[1].components().row(0)[0] > 0.99);
/// # Ok::<(), locality::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalPca {
    kernel: Kernel,
    neighborhood: Neighborhood,
    components: Components,
    least_samples: f64,
}

impl LocalPca {
    /// Samples count as a kernel says.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            neighborhood: Neighborhood::all(),
            components: Components::All,
            least_samples: 2.0,
        }
    }

    /// The `k` nearest samples count alike; where a target is a sample, it is one of them.
    ///
    /// # Panics
    /// Never: the kernel is in the list.
    pub fn nearest(k: usize) -> Self {
        Self::flat(Neighborhood::nearest(k))
    }

    /// The samples of a neighbourhood count alike.
    ///
    /// # Panics
    /// Never: the kernel is in the list.
    pub fn flat(neighborhood: Neighborhood) -> Self {
        let flat = Kernel::radial("uniform", 1e150).expect("uniform is in the list");
        Self::new(flat).neighborhood(neighborhood)
    }

    /// Which samples a target may see at all; every one by default.
    #[must_use]
    pub fn neighborhood(mut self, neighborhood: Neighborhood) -> Self {
        self.neighborhood = neighborhood;
        self
    }

    /// How many components are kept (all).
    #[must_use]
    pub fn components(mut self, components: Components) -> Self {
        self.components = components;
        self
    }

    /// Effective number of samples, `(sum w)^2 / sum w^2`, below which the components of all samples answer (2).
    #[must_use]
    pub fn least_samples(mut self, least: f64) -> Self {
        self.least_samples = least;
        self
    }

    /// Lays out samples `[n, d]` with, optionally, weights of their own `[n]`.
    ///
    /// # Errors
    /// Numbers that are not finite, or whose distances cannot be squared; weights that are negative or all 0, more components than columns, a
    /// kernel or neighbourhood that does not fit the samples, an interruption.
    pub fn fit(
        &self,
        samples: Rows<'_, f64>,
        weights: Option<&[f64]>,
        watch: &Watch<'_>,
    ) -> Result<LocalPcaFit> {
        samples.require_finite("X")?;
        check_width(samples)?;
        self.components.check(samples.columns())?;
        if self.components == Components::Count(0) {
            return Err(Error::parameter(
                "n_components=0 leaves no direction; give at least 1",
            ));
        }
        let none = Rows::new(&[], samples.rows(), 0)?;
        let local = Localized::new(Pca::new(self.components), self.kernel.clone())
            .neighborhood(self.neighborhood.clone())
            .least_samples(self.least_samples);
        Ok(LocalPcaFit {
            inner: local.fit(samples, none, weights, watch)?,
        })
    }
}

/// Refuses samples among which no neighbour can be told, since squared distances are 0 or infinite.
fn check_width(samples: Rows<'_, f64>) -> Result<()> {
    let width = |c: usize| {
        let column = || samples.iter().map(|row| row[c]);
        let low = column().fold(f64::INFINITY, f64::min);
        column().fold(f64::NEG_INFINITY, f64::max) - low
    };
    let widest = (0..samples.columns()).map(width).fold(0.0, f64::max);
    if widest == 0.0 || (NARROWEST..=WIDEST).contains(&widest) {
        return Ok(());
    }
    let (what, power) = if widest < NARROWEST {
        ("multiply", -widest.log10().floor())
    } else {
        ("divide", widest.min(f64::MAX).log10().floor())
    };
    Err(Error::not_finite(format!(
        "X is {widest:.1e} wide in its widest column, whose square f64 cannot hold; {what} its columns by 1e{power}"
    )))
}

/// Widths of samples whose squares, and the reciprocals of these, are ordinary numbers.
const NARROWEST: f64 = 1e-145;
const WIDEST: f64 = 1e150;

/// Samples laid out for local principal components.
#[derive(Clone, Debug)]
pub struct LocalPcaFit {
    inner: LocalizedFit<Pca>,
}

impl LocalPcaFit {
    /// The components of all samples.
    pub fn global(&self) -> &PcaFit {
        self.inner.global()
    }

    /// The components around targets `[m, d]`; those of all samples where too few weigh.
    ///
    /// # Errors
    /// Another number of columns, numbers that are not finite, an interruption.
    pub fn at(&self, targets: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<PcaFit>> {
        let found = self.inner.fits(targets, watch)?.into_iter();
        Ok(found
            .map(|fit| fit.unwrap_or_else(|| self.global().clone()))
            .collect())
    }

    /// Rows `[m, d]` projected onto the plane of the components around them, `mean + P (x - mean)`: what is off the plane is taken as noise.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn project(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        Ok(self.inner.at(rows, watch)?.values().to_vec())
    }

    /// How far each of the rows `[m, d]` is from its [projection](Self::project), `[m]`: large for outliers.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn errors(&self, rows: Rows<'_, f64>, watch: &Watch<'_>) -> Result<Vec<f64>> {
        let near = self.project(rows, watch)?;
        let distance = |(row, near): (&[f64], &[f64])| {
            let squares = row.iter().zip(near).map(|(x, p)| (x - p) * (x - p));
            squares.sum::<f64>().sqrt()
        };
        let pairs = rows.iter().zip(near.chunks_exact(rows.columns().max(1)));
        Ok(pairs.map(distance).collect())
    }
}

//! Lazy autoencoders.

use locality::autoencode::{LazyAutoencoder, LazyAutoencoderFit, Width};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::dense::two;
use crate::watch::watched;

type Two<'py> = Bound<'py, PyArray2<f64>>;

/// A number of neighbours, a bandwidth, or neither.
type Reach = (Option<usize>, Option<f64>);

fn width((neighbors, bandwidth): Reach, none: Width) -> Width {
    match (neighbors, bandwidth) {
        (Some(k), _) => Width::Neighbors(k),
        (None, Some(h)) => Width::Bandwidth(h),
        (None, None) => none,
    }
}

/// A fitted lazy autoencoder. All arrays are float64; a reach is a number of neighbours, a bandwidth, or neither.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LazyAutoencoderModel {
    inner: LazyAutoencoderFit,
}

#[pymethods]
impl LazyAutoencoderModel {
    /// From samples ``[n, d]`` and codes ``[n, k]`` as they are; a decoder without a reach is a plane.
    #[new]
    #[pyo3(signature = (samples, codes, *, n_components, degree, decoder, encoder, threads=0))]
    fn new(
        samples: &Bound<'_, PyAny>,
        codes: &Bound<'_, PyAny>,
        n_components: usize,
        degree: usize,
        decoder: Reach,
        encoder: Reach,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let model = LazyAutoencoder::new(n_components)
            .degree(degree)
            .decoder(width(decoder, Width::All))
            .encoder(width(encoder, Width::Auto));
        let (samples, codes) = (
            Matrix::<f64>::from_any(samples, "X")?,
            Matrix::<f64>::from_any(codes, "codes")?,
        );
        let (rows, codes) = (samples.rows()?, codes.rows()?);
        let inner = watched(py, threads, None, |watch| {
            model.with_codes(rows, codes, watch)
        })?;
        Ok(Self { inner })
    }

    /// Finds codes of samples ``[n, d]``, from principal components or from ``init`` ``[n, k]`` on.
    #[staticmethod]
    #[pyo3(signature = (samples, init=None, *, n_components, degree, decoder, encoder, max_iter, tol, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn fit(
        samples: &Bound<'_, PyAny>,
        init: Option<&Bound<'_, PyAny>>,
        n_components: usize,
        degree: usize,
        decoder: Reach,
        encoder: Reach,
        max_iter: usize,
        tol: f64,
        threads: usize,
    ) -> PyResult<Self> {
        let py = samples.py();
        let model = LazyAutoencoder::new(n_components)
            .degree(degree)
            .decoder(width(decoder, Width::Auto))
            .encoder(width(encoder, Width::Auto))
            .max_iter(max_iter)
            .tol(tol);
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let rows = samples.rows()?;
        let init = init
            .map(|codes| Matrix::<f64>::from_any(codes, "init"))
            .transpose()?;
        let codes = init.as_ref().map(Matrix::rows).transpose()?;
        let inner = watched(py, threads, None, |watch| model.fit(rows, codes, watch))?;
        Ok(Self { inner })
    }

    /// Codes ``[m, k]`` of rows ``[m, d]``.
    #[pyo3(signature = (rows, threads=0))]
    fn encode<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.encode(rows, watch))?;
        two(py, found, (rows.rows(), self.inner.codes().columns()))
    }

    /// Rows ``[m, d]`` of codes ``[m, k]``.
    #[pyo3(signature = (codes, threads=0))]
    fn decode<'py>(&self, codes: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = codes.py();
        let data = Matrix::<f64>::from_any(codes, "codes")?;
        let codes = data.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.decode(codes, watch))?;
        two(py, found, (codes.rows(), self.inner.columns()))
    }

    /// Rows ``[m, d]`` as decoded from their codes.
    #[pyo3(signature = (rows, threads=0))]
    fn reconstruct<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |watch| {
            self.inner.reconstruct(rows, watch)
        })?;
        two(py, found, (rows.rows(), self.inner.columns()))
    }

    /// Codes of the samples, ``[n, k]``.
    fn codes<'py>(&self, py: Python<'py>) -> PyResult<Two<'py>> {
        let rows = self.inner.codes();
        two(py, rows.to_vec(), (rows.rows(), rows.columns()))
    }

    /// The samples as decoded, each without its own row, ``[n, d]``.
    fn reconstructions<'py>(&self, py: Python<'py>) -> PyResult<Two<'py>> {
        let shape = (self.inner.codes().rows(), self.inner.columns());
        two(py, self.inner.reconstructions(), shape)
    }

    /// The loss of each round.
    fn losses<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.losses().to_vec().into_pyarray(py)
    }

    /// The smallest loss.
    #[getter]
    fn loss(&self) -> f64 {
        self.inner.loss()
    }

    /// Whether the loss stopped falling.
    #[getter]
    fn converged(&self) -> bool {
        self.inner.converged()
    }

    /// The decoder's reach in force; neither is a plane.
    #[getter]
    fn decoder(&self) -> Reach {
        match self.inner.width() {
            Width::Neighbors(k) => (Some(k), None),
            Width::Bandwidth(h) => (None, Some(h)),
            Width::Auto | Width::All => (None, None),
        }
    }
}

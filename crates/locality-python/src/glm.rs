//! Local generalized linear models.

use locality::local::{
    Family, Link, LocalGlmRegression, LocalGlmRegressionFit, LocalLogistic, LocalLogisticFit,
};
use numpy::ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::error::to_python;
use crate::kernel::{Kernel, kernel_of, neighborhood_of};
use crate::watch::watched;

/// Local generalized linear models of one kernel: one response, or several classes. All arrays are float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LocalGlmModel {
    inner: Inner,
}

enum Inner {
    One(Box<LocalGlmRegressionFit>),
    Classes(Box<LocalLogisticFit>),
}

type Two<'py> = Bound<'py, PyArray2<f64>>;

fn family_of(name: &str, theta: f64) -> PyResult<Family> {
    match name {
        "binomial" => Ok(Family::Binomial),
        "poisson" => Ok(Family::Poisson),
        "gamma" => Ok(Family::Gamma),
        "negative_binomial" => Ok(Family::NegativeBinomial { theta }),
        other => Err(PyValueError::new_err(format!(
            "family '{other}' is none of binomial, poisson, gamma, negative_binomial"
        ))),
    }
}

fn two(data: Vec<f64>, rows: usize, columns: usize) -> PyResult<Array2<f64>> {
    let found = Array2::from_shape_vec((rows, columns), data);
    found.map_err(|e| PyTypeError::new_err(e.to_string()))
}

#[pymethods]
impl LocalGlmModel {
    #[new]
    #[pyo3(signature = (samples, responses, kernel, family, *, search="auto", bandwidth=None, scales=None, theta=1.0, penalty=1.0, neighborhood=None, sample_weight=None, classes=None, multinomial=false, guard=true, columns=None, link=None, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        samples: &Bound<'_, PyAny>,
        responses: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        family: &str,
        search: &str,
        bandwidth: Option<f64>,
        scales: Option<Vec<f64>>,
        theta: f64,
        penalty: f64,
        neighborhood: Option<&Bound<'_, PyAny>>,
        sample_weight: Option<&Bound<'_, PyAny>>,
        classes: Option<usize>,
        multinomial: bool,
        guard: bool,
        columns: Option<Vec<usize>>,
        link: Option<&str>,
        threads: usize,
    ) -> PyResult<Self> {
        let family = family_of(family, theta)?;
        let link: Option<Link> = link.map(|l| l.parse().map_err(to_python)).transpose()?;
        let (kernel, neighborhood) = (kernel_of(kernel)?, neighborhood_of(neighborhood)?);
        let search = search.parse().map_err(to_python)?;
        let py = samples.py();
        let samples = Matrix::<f64>::from_any(samples, "X")?;
        let responses = Matrix::<f64>::from_any(responses, "y")?;
        let (x, y) = (samples.rows()?, responses.rows()?);
        let weights: Option<PyReadonlyArray1<'_, f64>> = sample_weight
            .map(|w| Ok::<_, PyErr>(w.cast::<PyArray1<f64>>()?.try_readonly()?))
            .transpose()?;
        let weights = weights.as_ref().map(|w| w.as_slice()).transpose()?;
        macro_rules! fitted {
            ($model:expr, $y:expr $(, $more:expr)*) => {{
                let mut model = $model.search(search).penalty(penalty).guard(guard).link(link).neighborhood(neighborhood);
                if let Some(columns) = columns {
                    model = model.on(columns);
                }
                if let Some(h) = bandwidth {
                    model = model.bandwidth(h).map_err(to_python)?;
                }
                if let Some(scales) = scales {
                    model = model.scales(scales);
                }
                watched(py, threads, None, |watch| model.fit(x, $y $(, $more)*, weights, watch))?
            }};
        }
        let inner = match classes {
            None => {
                let fit = fitted!(LocalGlmRegression::new(kernel, family), y);
                Inner::One(Box::new(fit))
            }
            Some(k) => {
                let codes: Vec<usize> = y.iter().map(|row| row[0] as usize).collect();
                Inner::Classes(Box::new(fitted!(
                    LocalLogistic::new(kernel).multinomial(multinomial),
                    &codes,
                    k
                )))
            }
        };
        Ok(Self { inner })
    }

    /// The kernel in force.
    #[getter]
    fn kernel(&self) -> Kernel {
        Kernel {
            inner: match &self.inner {
                Inner::One(fit) => fit.kernel().clone(),
                Inner::Classes(fit) => fit.kernel().clone(),
            },
        }
    }

    /// What each column is divided by, ``[d]``.
    #[getter]
    fn scales<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let scales = match &self.inner {
            Inner::One(fit) => fit.scales(),
            Inner::Classes(fit) => fit.scales(),
        };
        scales.to_vec().into_pyarray(py)
    }

    /// Kernel and leave-one-out loss of the best of each family.
    #[getter]
    fn tried(&self) -> Vec<(String, f64)> {
        let tried = match &self.inner {
            Inner::One(fit) => fit.tried(),
            Inner::Classes(fit) => fit.tried(),
        };
        let tried = tried.iter();
        tried.map(|t| (t.kernel.to_string(), t.score)).collect()
    }

    /// Means ``[m, 1]`` at targets ``[m, d]``, or the probabilities of the classes, ``[m, classes]``, and whether evidence was thin ``[m]``.
    #[pyo3(signature = (targets, threads=0, progress=None))]
    fn means<'py>(
        &self,
        targets: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Two<'py>, Bound<'py, PyArray1<bool>>)> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let (means, thin, p) = watched(py, threads, progress, |watch| match &self.inner {
            Inner::One(fit) => {
                let found = fit.at(rows, watch)?;
                Ok((found.means().to_vec(), found.thin().to_vec(), 1))
            }
            Inner::Classes(fit) => {
                let (shares, thin) = fit.predict_guarded(rows, watch)?;
                Ok((shares, thin, fit.n_classes()))
            }
        })?;
        let means = two(means, rows.rows(), p)?.into_pyarray(py);
        Ok((means, Array1::from(thin).into_pyarray(py)))
    }

    /// Slopes ``[m, columns]`` of the linear predictor at targets ``[m, d]``, by the columns as given; of more than two classes
    /// ``[m, classes * columns]``.
    #[pyo3(signature = (targets, threads=0))]
    fn slopes<'py>(&self, targets: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = targets.py();
        let data = Matrix::<f64>::from_any(targets, "X")?;
        let rows = data.rows()?;
        let slopes = watched(py, threads, None, |watch| match &self.inner {
            Inner::One(fit) => Ok(fit.at(rows, watch)?.slopes().to_vec()),
            Inner::Classes(fit) => fit.slopes(rows, watch),
        })?;
        let columns = slopes.len() / rows.rows().max(1);
        Ok(two(slopes, rows.rows(), columns)?.into_pyarray(py))
    }
}

/// The kernel with a bandwidth in all parts that have a distance.
#[pyfunction]
pub(crate) fn kernel_with_bandwidth(kernel: &Bound<'_, PyAny>, h: f64) -> PyResult<String> {
    let inner = locality::local::with_bandwidth(&kernel_of(kernel)?, h).map_err(to_python)?;
    Ok(inner.to_string())
}

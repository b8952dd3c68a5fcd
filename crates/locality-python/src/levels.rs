//! Hierarchical local models of rows in sets.

use locality_learn::{Activation, HierarchicalFit, HierarchicalLearner, LayerConfig, Places, Sets};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::Matrix;
use crate::dense::two;
use crate::error::to_python;
use crate::learn::goal;
use crate::networks::{One, entry, fit_config, told};
use crate::watch::watched;

/// Means and deviations of the columns ``[d]`` and of the responses ``[p]``, and the parameters.
type Numbers<'py> = (
    (One<'py>, One<'py>),
    Option<(One<'py>, One<'py>)>,
    Bound<'py, PyArray1<f32>>,
);

/// The curve of a per-site map by name; "swiglu" is the gated one.
pub(crate) fn activation(name: &str) -> PyResult<Option<Activation>> {
    match name {
        "swiglu" => Ok(None),
        name => Ok(Some(name.parse().map_err(to_python)?)),
    }
}

/// Layers from a dictionary with everything in it; each has a kernel of its own.
fn layers(all: &Bound<'_, PyDict>) -> PyResult<Vec<LayerConfig>> {
    let kernels: Vec<String> = entry(all, "kernels")?;
    let (width, heads) = (entry(all, "width")?, entry(all, "heads")?);
    let places: Places = entry::<String>(all, "positions")?
        .parse()
        .map_err(to_python)?;
    let curve = activation(&entry::<String>(all, "activation")?)?;
    let (wide, last) = entry(all, "deviations")?;
    let (causal, window) = (entry(all, "causal")?, entry(all, "window")?);
    let (hidden, dropout) = (entry(all, "hidden")?, entry(all, "dropout")?);
    let one = |kernel: String| {
        let layer = LayerConfig::new(width, heads)
            .and_then(|layer| layer.kernel(&kernel))
            .map_err(to_python)?;
        Ok(layer
            .causal(causal)
            .window(window)
            .places(places)
            .hidden(hidden)
            .activation(curve)
            .dropout(dropout)
            .deviations(wide, last))
    };
    kernels.into_iter().map(one).collect()
}

/// A hierarchical local model that was learned. Parameters are float32, all else is float64.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct HierarchicalNet {
    inner: HierarchicalFit<f32>,
}

#[pymethods]
impl HierarchicalNet {
    /// Learns from rows ``[n, d]`` in sets of these lengths with responses ``[n, p]`` or with classes ``[n]`` of so many.
    #[staticmethod]
    #[pyo3(signature = (samples, lengths, responses, classes, class_count, layers, training, fit, threads=0, progress=None))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn fit(
        samples: &Bound<'_, PyAny>,
        lengths: Vec<usize>,
        responses: Option<&Bound<'_, PyAny>>,
        classes: Option<Vec<usize>>,
        class_count: usize,
        layers: &Bound<'_, PyDict>,
        training: &str,
        fit: &Bound<'_, PyDict>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let learner = HierarchicalLearner::new(self::layers(layers)?)
            .levels(training.parse().map_err(to_python)?)
            .fit_config(fit_config(fit)?);
        let sets = Sets::of(&lengths).map_err(to_python)?;
        let data = Matrix::<f64>::from_any(samples, "X")?;
        let rows = data.rows()?;
        let responses = match responses {
            Some(y) => Some(Matrix::<f64>::from_any(y, "y")?),
            None => None,
        };
        let goal = goal(responses.as_ref(), classes.as_deref(), class_count)?;
        let inner = watched(samples.py(), threads, progress, |watch| {
            learner.fit(rows, &sets, goal, watch)
        })?;
        Ok(Self { inner })
    }

    /// From its numbers: units of columns, units of responses or else how many classes, and the parameters.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value)]
    fn of(
        layers: &Bound<'_, PyDict>,
        units: (PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, f64>),
        responses: Option<(PyReadonlyArray1<'_, f64>, PyReadonlyArray1<'_, f64>)>,
        class_count: usize,
        parameters: PyReadonlyArray1<'_, f32>,
    ) -> PyResult<Self> {
        let learner = HierarchicalLearner::new(self::layers(layers)?);
        let columns = (units.0.as_slice()?, units.1.as_slice()?);
        let told = match &responses {
            Some((means, deviations)) => Ok((means.as_slice()?, deviations.as_slice()?)),
            None => Err(class_count),
        };
        let parameters = parameters.as_slice()?.to_vec();
        let inner = HierarchicalFit::from_numbers(&learner, columns, told, parameters);
        Ok(Self {
            inner: inner.map_err(to_python)?,
        })
    }

    /// What it is made of.
    fn numbers<'py>(&self, py: Python<'py>) -> Numbers<'py> {
        let array = |x: &[f64]| x.to_vec().into_pyarray(py);
        let (means, deviations) = self.inner.units();
        (
            (array(means), array(deviations)),
            self.inner
                .response_units()
                .map(|(m, s)| (array(m), array(s))),
            self.inner.parameters().to_vec().into_pyarray(py),
        )
    }

    /// Of each stage of the training: losses of training sets, of held-out sets, and the best epoch.
    fn histories<'py>(&self, py: Python<'py>) -> Vec<(One<'py>, One<'py>, usize)> {
        let all = self.inner.histories().iter();
        all.map(|h| told(py, h)).collect()
    }

    /// The loss that each stage reached.
    fn losses<'py>(&self, py: Python<'py>) -> One<'py> {
        self.inner.losses().into_pyarray(py)
    }

    /// Responses ``[m, p]`` of rows ``[m, d]`` in sets of these lengths, or probabilities ``[m, classes]``.
    #[pyo3(signature = (rows, lengths, threads=0))]
    #[allow(clippy::needless_pass_by_value)]
    fn predict<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        lengths: Vec<usize>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let py = rows.py();
        let sets = Sets::of(&lengths).map_err(to_python)?;
        let data = Matrix::<f64>::from_any(rows, "X")?;
        let rows = data.rows()?;
        let found = watched(py, threads, None, |_| self.inner.predict(rows, &sets))?;
        two(py, found, (rows.rows(), self.inner.outputs()))
    }
}

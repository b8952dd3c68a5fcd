//! Hopfield networks.

// Arguments are taken as PyO3 hands them over.
#![allow(clippy::needless_pass_by_value)]

use locality::hopfield::{self, Rule, StoredPatterns, Update};
use locality::{Error, Float, Rows};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::array::{Matrix, two_kinds};
use crate::error::to_python;
use crate::kernel::kernel_of;
use crate::watch::watched;

/// Patterns with or without values, recalled, added and forgotten.
#[pyclass(module = "locality._core")]
pub(crate) struct HopfieldMemory {
    inner: Fit,
}

enum Fit {
    F32(StoredPatterns<f32>),
    F64(StoredPatterns<f64>),
}

/// Runs the same code on the memory of either number type.
macro_rules! with {
    ($memory:expr, $m:ident => $run:expr) => {
        match $memory {
            Fit::F32($m) => $run,
            Fit::F64($m) => $run,
        }
    };
}

/// States `[m, d]`, values `[m, p]`, steps, whether settled, lost, energies.
type Recalled<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Vec<usize>,
    Vec<bool>,
    Vec<usize>,
    Vec<Vec<f64>>,
);
/// Patterns, values, ids, the next id, sizes of parts.
type State<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Vec<usize>,
    usize,
    Vec<usize>,
);
/// Ids, the next id, sizes of parts.
type Known<'a> = (&'a [usize], usize, &'a [usize]);

#[pymethods]
impl HopfieldMemory {
    #[new]
    #[pyo3(signature = (patterns, values, kernel, max_iter=100, tol=1e-6, trace=false, ids=None, next_id=0, parts=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        patterns: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        kernel: &Bound<'_, PyAny>,
        max_iter: usize,
        tol: f64,
        trace: bool,
        ids: Option<Vec<usize>>,
        next_id: usize,
        parts: Option<Vec<usize>>,
    ) -> PyResult<Self> {
        let memory = hopfield::HopfieldMemory::new(kernel_of(kernel)?)
            .max_iter(max_iter)
            .tol(tol)
            .trace(trace);
        let parts = parts.unwrap_or_default();
        let known = ids.as_deref().map(|ids| (ids, next_id, &*parts));
        let inner = two_kinds!(
            patterns,
            "patterns",
            |x: f32| Fit::F32(store(&memory, x, values, known)?),
            |x: f64| Fit::F64(store(&memory, x, values, known)?)
        );
        Ok(Self { inner })
    }

    /// Stores more patterns ``[m, d]`` with values ``[m, p]``; returns their ids.
    fn add(
        &mut self,
        patterns: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<usize>> {
        with!(&mut self.inner, m => add(m, patterns, values))
    }

    /// Forgets patterns, by id.
    fn forget(&mut self, ids: Vec<usize>) -> PyResult<()> {
        with!(&mut self.inner, m => m.forget(&ids)).map_err(to_python)
    }

    /// Number of patterns.
    fn __len__(&self) -> usize {
        with!(&self.inner, m => m.len())
    }

    /// What share of the patterns another one outscores at their own place.
    fn outscored(&self, py: Python<'_>) -> f64 {
        py.detach(|| with!(&self.inner, m => m.outscored()))
    }

    /// Patterns ``[n, d]``, values ``[n, p]``, ids ``[n]``, the next id, and how many patterns lie in each part.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<State<'py>> {
        with!(&self.inner, m => {
            let (n, d, p) = (m.len(), m.columns(), m.width());
            Ok((table(py, m.patterns(), n, d)?, table(py, m.values(), n, p)?, m.ids(), m.next_id(), m.parts()))
        })
    }

    /// States, values, steps, whether settled, lost and energies from states ``[m, d]``; ``known`` ``[m, d]`` says which cells are.
    #[pyo3(signature = (states, known=None, threads=0, progress=None))]
    fn recall<'py>(
        &self,
        states: &Bound<'py, PyAny>,
        known: Option<PyReadonlyArray2<'py, bool>>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Recalled<'py>> {
        with!(&self.inner, m => recall(m, states, known.as_ref(), threads, progress))
    }

    /// Energies ``[m]`` of states ``[m, d]``, or none.
    #[pyo3(signature = (states, threads=0))]
    fn energies(&self, states: &Bound<'_, PyAny>, threads: usize) -> PyResult<Option<Vec<f64>>> {
        with!(&self.inner, m => read(m, states, threads, locality::hopfield::StoredPatterns::energies))
    }

    /// Over how many patterns the weight at states ``[m, d]`` is spread, ``[m]``.
    #[pyo3(signature = (states, threads=0))]
    fn participation(&self, states: &Bound<'_, PyAny>, threads: usize) -> PyResult<Vec<f64>> {
        with!(&self.inner, m => read(m, states, threads, locality::hopfield::StoredPatterns::participation))
    }

    /// For each state ``[m, d]``, ids and shares of the patterns that have at least this share of the weight.
    #[pyo3(signature = (states, least, threads=0))]
    fn holders(
        &self,
        states: &Bound<'_, PyAny>,
        least: f64,
        threads: usize,
    ) -> PyResult<Vec<Vec<(usize, f64)>>> {
        with!(&self.inner, m => read(m, states, threads, |m, rows, watch| m.holders(rows, least, watch)))
    }
}

/// A table of numpy's.
pub(crate) fn table<T: Element>(
    py: Python<'_>,
    data: Vec<T>,
    rows: usize,
    columns: usize,
) -> PyResult<Bound<'_, PyAny>> {
    let array = Array2::from_shape_vec((rows, columns), data)
        .map_err(|e| PyTypeError::new_err(e.to_string()))?;
    Ok(array.into_pyarray(py).into_any())
}

fn store<T: Element + Float>(
    memory: &hopfield::HopfieldMemory,
    patterns: &Bound<'_, PyArray2<T>>,
    values: &Bound<'_, PyAny>,
    known: Option<Known<'_>>,
) -> PyResult<StoredPatterns<T>> {
    let (x, y) = (
        Matrix::new(patterns)?,
        Matrix::<T>::from_any(values, "values")?,
    );
    let (keys, values) = (x.rows()?, y.rows()?);
    let stored = match known {
        Some((ids, next, parts)) => memory.restore(keys, values, ids, next, parts),
        None => memory.store_pairs(keys, values),
    };
    stored.map_err(to_python)
}

fn add<T: Element + Float>(
    memory: &mut StoredPatterns<T>,
    patterns: &Bound<'_, PyAny>,
    values: &Bound<'_, PyAny>,
) -> PyResult<Vec<usize>> {
    let x = Matrix::<T>::from_any(patterns, "patterns")?;
    let y = Matrix::<T>::from_any(values, "values")?;
    let ids = memory.add_pairs(x.rows()?, y.rows()?);
    Ok(ids.map_err(to_python)?.collect())
}

fn recall<'py, T: Element + Float>(
    memory: &StoredPatterns<T>,
    states: &Bound<'py, PyAny>,
    known: Option<&PyReadonlyArray2<'py, bool>>,
    threads: usize,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Recalled<'py>> {
    let py = states.py();
    let data = Matrix::<T>::from_any(states, "states")?;
    let rows = data.rows()?;
    let known = known.map(|k| k.as_slice()).transpose()?;
    let found = watched(py, threads, progress, |watch| match known {
        Some(known) => memory.complete(rows, known, watch),
        None => memory.recall(rows, watch),
    })?;
    Ok((
        table(py, found.states, rows.rows(), memory.columns())?,
        table(py, found.values, rows.rows(), memory.width())?,
        found.steps,
        found.settled,
        found.lost,
        found.energies,
    ))
}

fn read<T: Element + Float, R: Send>(
    memory: &StoredPatterns<T>,
    states: &Bound<'_, PyAny>,
    threads: usize,
    ask: impl FnOnce(&StoredPatterns<T>, Rows<'_, T>, &locality::Watch<'_>) -> locality::Result<R>
    + Send,
) -> PyResult<R> {
    let data = Matrix::<T>::from_any(states, "states")?;
    let rows = data.rows()?;
    watched(states.py(), threads, None, |watch| ask(memory, rows, watch))
}

/// A network of -1 and 1.
#[pyclass(module = "locality._core")]
pub(crate) struct HopfieldNetwork {
    inner: hopfield::HopfieldNetworkFit,
}

fn rule(name: &str, degree: u32) -> PyResult<Rule> {
    Ok(match name {
        "hebbian" => Rule::Hebbian,
        "pseudo_inverse" => Rule::PseudoInverse,
        "storkey" => Rule::Storkey,
        "polynomial" => Rule::Polynomial { degree },
        "rectified" => Rule::Rectified { degree },
        "exponential" => Rule::Exponential,
        other => {
            return Err(to_python(Error::parameter(format!(
                "rule={other:?} is none of hebbian, pseudo_inverse, storkey, polynomial, rectified and exponential"
            ))));
        }
    })
}

#[pymethods]
impl HopfieldNetwork {
    #[new]
    #[pyo3(signature = (patterns, rule="hebbian", degree=3, bias=None, seed=None, max_sweeps=100, threads=0))]
    fn new(
        patterns: PyReadonlyArray2<'_, f64>,
        rule: &str,
        degree: u32,
        bias: Option<Vec<f64>>,
        seed: Option<u64>,
        max_sweeps: usize,
        threads: usize,
    ) -> PyResult<Self> {
        let update = match seed {
            Some(seed) => Update::Asynchronous { seed },
            None => Update::Synchronous,
        };
        let network = hopfield::HopfieldNetwork::new(self::rule(rule, degree)?)
            .update(update)
            .bias(bias)
            .max_sweeps(max_sweeps);
        let data = Matrix::new(patterns.as_any().cast::<PyArray2<f64>>()?)?;
        let rows = data.rows()?;
        let inner = watched(patterns.py(), threads, None, |w| network.fit(rows, w))?;
        Ok(Self { inner })
    }

    /// Learns more patterns ``[m, d]``; returns their ids.
    #[pyo3(signature = (patterns, threads=0))]
    fn add(&mut self, patterns: &Bound<'_, PyAny>, threads: usize) -> PyResult<Vec<usize>> {
        let data = Matrix::<f64>::from_any(patterns, "patterns")?;
        let rows = data.rows()?;
        let inner = &mut self.inner;
        let ids = watched(patterns.py(), threads, None, |watch| inner.add(rows, watch))?;
        Ok(ids.collect())
    }

    /// Forgets patterns, by id.
    #[pyo3(signature = (ids, threads=0))]
    fn forget(&mut self, py: Python<'_>, ids: Vec<usize>, threads: usize) -> PyResult<()> {
        let inner = &mut self.inner;
        watched(py, threads, None, |watch| inner.forget(&ids, watch))
    }

    /// Ids of the patterns, ascending.
    fn ids(&self) -> Vec<usize> {
        self.inner.ids().to_vec()
    }

    /// Couplings ``[d, d]``, or none.
    fn couplings<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let d = self.inner.units();
        let couplings = self.inner.couplings();
        couplings.map(|w| table(py, w, d, d)).transpose()
    }

    /// States ``[m, d]``, sweeps, whether settled and energies from states ``[m, d]``; ``known`` ``[m, d]`` says which units are.
    #[pyo3(signature = (states, known=None, threads=0, progress=None))]
    #[allow(clippy::type_complexity)]
    fn recall<'py>(
        &self,
        states: &Bound<'py, PyAny>,
        known: Option<PyReadonlyArray2<'py, bool>>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<usize>, Vec<bool>, Vec<Vec<f64>>)> {
        let py = states.py();
        let data = Matrix::<f64>::from_any(states, "states")?;
        let rows = data.rows()?;
        let known = known.as_ref().map(|k| k.as_slice()).transpose()?;
        let found = watched(py, threads, progress, |watch| match known {
            Some(known) => self.inner.complete(rows, known, watch),
            None => self.inner.recall(rows, watch),
        })?;
        let states = table(py, found.states, rows.rows(), self.inner.units())?;
        Ok((states, found.sweeps, found.settled, found.energies))
    }

    /// Energies ``[m]`` of states ``[m, d]``.
    #[pyo3(signature = (states, threads=0))]
    fn energies(&self, states: &Bound<'_, PyAny>, threads: usize) -> PyResult<Vec<f64>> {
        let data = Matrix::<f64>::from_any(states, "states")?;
        let rows = data.rows()?;
        watched(states.py(), threads, None, |w| self.inner.energies(rows, w))
    }
}

/// Rows with missing cells, from which others are filled.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct HopfieldImputer {
    inner: hopfield::HopfieldImputerFit,
}

#[pymethods]
impl HopfieldImputer {
    #[new]
    #[pyo3(signature = (table, bandwidth=None, max_iter=1, seed=0, standardize=true, threads=0))]
    fn new(
        table: &Bound<'_, PyAny>,
        bandwidth: Option<f64>,
        max_iter: usize,
        seed: u64,
        standardize: bool,
        threads: usize,
    ) -> PyResult<Self> {
        fn fit<T: Element + Float>(
            imputer: &hopfield::HopfieldImputer,
            table: &Bound<'_, PyArray2<T>>,
            threads: usize,
        ) -> PyResult<hopfield::HopfieldImputerFit> {
            let data = Matrix::new(table)?;
            let rows = data.rows()?;
            watched(table.py(), threads, None, |watch| imputer.fit(rows, watch))
        }
        let imputer = hopfield::HopfieldImputer::new()
            .bandwidth(bandwidth)
            .max_iter(max_iter)
            .seed(seed)
            .standardize(standardize);
        let inner = two_kinds!(table, "X", |x: f32| fit(&imputer, x, threads)?, |x: f64| {
            fit(&imputer, x, threads)?
        });
        Ok(Self { inner })
    }

    /// The bandwidth in force, in standard deviations of a column.
    fn bandwidth(&self) -> f64 {
        self.inner.bandwidth()
    }

    /// Rows ``[m, d]`` with their missing cells filled.
    #[pyo3(signature = (table, threads=0, progress=None))]
    fn transform<'py>(
        &self,
        table: &Bound<'py, PyAny>,
        threads: usize,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        fn fill<'py, T: Element + Float>(
            fit: &hopfield::HopfieldImputerFit,
            rows: &Bound<'py, PyArray2<T>>,
            threads: usize,
            progress: Option<&Bound<'py, PyAny>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let data = Matrix::new(rows)?;
            let view = data.rows()?;
            let filled = watched(rows.py(), threads, progress, |w| fit.transform(view, w))?;
            self::table(rows.py(), filled, view.rows(), view.columns())
        }
        Ok(two_kinds!(
            table,
            "X",
            |x: f32| fill(&self.inner, x, threads, progress)?,
            |x: f64| fill(&self.inner, x, threads, progress)?
        ))
    }
}

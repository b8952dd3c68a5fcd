//! Fuzzy systems, their learning, and fuzzy c-means.

use locality::fuzzy::{self, Format, RuleCount, RuleLearner};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::Matrix;
use crate::dense::two;
use crate::error::to_python;
use crate::watch::watched;

type Two<'py> = Bound<'py, PyArray2<f64>>;

/// A fuzzy system of inputs, outputs and rules.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct FuzzyRules {
    inner: fuzzy::FuzzySystem,
}

#[pymethods]
impl FuzzyRules {
    /// Reads a text of a format: toml, fcl or fis.
    #[new]
    fn new(text: &str, format: &str) -> PyResult<Self> {
        let format = Format::of_ending(format).map_err(to_python)?;
        let inner = fuzzy::FuzzySystem::read(text, format).map_err(to_python)?;
        Ok(Self { inner })
    }

    fn __getnewargs__(&self) -> (String, &'static str) {
        (self.inner.to_toml(), "toml")
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let other = other.cast::<Self>();
        other.is_ok_and(|o| o.get().inner == self.inner)
    }

    /// The same with one more rule.
    fn with_rule(&self, rule: &str) -> PyResult<Self> {
        let mut inner = self.inner.clone();
        inner.add(rule).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// The document.
    fn to_toml(&self) -> String {
        self.inner.to_toml()
    }

    /// Its name.
    fn name(&self) -> String {
        self.inner.name().to_owned()
    }

    /// The rules' texts.
    fn rules(&self) -> Vec<String> {
        let rules = self.inner.rules().iter();
        rules.map(|r| r.text(&self.inner)).collect()
    }

    /// Name, range, and names and texts of the terms of each input.
    #[allow(clippy::type_complexity)]
    fn inputs(&self) -> Vec<(String, [f64; 2], Vec<(String, String)>)> {
        let one = |i: &fuzzy::Input| {
            let terms = i.terms.iter().map(|(n, m)| (n.clone(), m.to_string()));
            (i.name.clone(), i.range, terms.collect())
        };
        self.inner.inputs().iter().map(one).collect()
    }

    /// Name, range, and names and texts of the terms of each output.
    #[allow(clippy::type_complexity)]
    fn outputs(&self) -> Vec<(String, [f64; 2], Vec<(String, String)>)> {
        let one = |o: &fuzzy::Output| {
            let text = |c| self.inner.conclusion_text(c);
            let terms = o.terms.iter().map(|(n, c)| (n.clone(), text(c)));
            (o.name.clone(), o.range, terms.collect())
        };
        self.inner.outputs().iter().map(one).collect()
    }

    /// Degrees ``[n, terms]`` of rows ``[n, inputs]`` in the terms of the inputs, one input after the other.
    #[pyo3(signature = (rows, threads=0))]
    fn memberships<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let rows = Matrix::<f64>::from_any(rows, "X")?;
        let rows = rows.rows()?;
        let found = watched(py, threads, None, |watch| {
            self.inner.memberships(rows, watch)
        })?;
        let terms = self.inner.inputs().iter().map(|i| i.terms.len()).sum();
        two(py, found, (rows.rows(), terms))
    }

    /// Outputs ``[n, outputs]`` of rows ``[n, inputs]``.
    #[pyo3(signature = (rows, threads=0))]
    fn evaluate<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let rows = Matrix::<f64>::from_any(rows, "X")?;
        let rows = rows.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.evaluate(rows, watch))?;
        two(py, found, (rows.rows(), self.inner.outputs().len()))
    }

    /// Firing ``[n, rules]`` of rows ``[n, inputs]``.
    #[pyo3(signature = (rows, threads=0))]
    fn firing<'py>(&self, rows: &Bound<'py, PyAny>, threads: usize) -> PyResult<Two<'py>> {
        let py = rows.py();
        let rows = Matrix::<f64>::from_any(rows, "X")?;
        let rows = rows.rows()?;
        let found = watched(py, threads, None, |watch| self.inner.firing(rows, watch))?;
        two(py, found, (rows.rows(), self.inner.rules().len()))
    }

    /// Values ``[points, points]`` of an output over two inputs.
    #[pyo3(signature = (over, output, points, at=None, threads=0))]
    #[allow(clippy::needless_pass_by_value)]
    fn surface<'py>(
        &self,
        py: Python<'py>,
        over: [usize; 2],
        output: usize,
        points: usize,
        at: Option<Vec<f64>>,
        threads: usize,
    ) -> PyResult<Two<'py>> {
        let found = watched(py, threads, None, |watch| {
            self.inner
                .surface(over, output, points, at.as_deref(), watch)
        })?;
        two(py, found, (points, points))
    }

    /// Why a row gives what it gives: a dictionary, and a text.
    #[allow(clippy::needless_pass_by_value)]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        row: Vec<f64>,
    ) -> PyResult<(Bound<'py, PyDict>, String)> {
        let why = self.inner.explain(&row).map_err(to_python)?;
        let out = PyDict::new(py);
        let fired = why.fired.iter().map(|f| {
            let one = PyDict::new(py);
            // As words count.
            one.set_item("rule", f.rule + 1)?;
            one.set_item("degree", f.degree)?;
            one.set_item("share", f.share)?;
            one.set_item("text", &f.text)?;
            Ok(one)
        });
        let fired: PyResult<Vec<_>> = fired.collect();
        out.set_item("fired", fired?)?;
        let outputs = PyDict::new(py);
        for (name, value) in &why.outputs {
            outputs.set_item(name, value)?;
        }
        out.set_item("outputs", outputs)?;
        let inputs = PyDict::new(py);
        for (name, _, terms) in &why.inputs {
            let degrees = PyDict::new(py);
            for (term, degree) in terms {
                degrees.set_item(term, degree)?;
            }
            inputs.set_item(name, degrees)?;
        }
        out.set_item("inputs", inputs)?;
        Ok((out, why.to_string()))
    }
}

/// Rules, errors on training and held-out rows by epoch, root mean squared error, penalty, rules pruned, clusters that became no rules.
type Learned = (FuzzyRules, Vec<[f64; 2]>, f64, f64, usize, usize);

/// Learns rules from samples ``[n, d]`` and targets ``[n, p]``; ``rules`` is a number of c-means clusters, ``radius`` that of subtractive
/// clustering, ``bandwidth`` that of mean shift, and none of them leaves it to cross-validation.
#[pyfunction]
#[pyo3(signature = (samples, targets, inputs, outputs, *, sample_weight=None, rules=None, radius=None, bandwidth=None, order=1, ridge=None, local=false, htsk=None, epochs=20, patience=3, validation=0.2, prune=0.005, seed=0, threads=0))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub(crate) fn learn_rules(
    samples: &Bound<'_, PyAny>,
    targets: &Bound<'_, PyAny>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    sample_weight: Option<Vec<f64>>,
    rules: Option<usize>,
    radius: Option<f64>,
    bandwidth: Option<f64>,
    order: usize,
    ridge: Option<f64>,
    local: bool,
    htsk: Option<bool>,
    epochs: usize,
    patience: usize,
    validation: f64,
    prune: f64,
    seed: u64,
    threads: usize,
) -> PyResult<Learned> {
    let py = samples.py();
    let count = match (rules, radius, bandwidth) {
        (Some(n), ..) => RuleCount::CMeans(n),
        (None, Some(radius), _) => RuleCount::Subtractive(radius),
        (None, None, Some(bandwidth)) => RuleCount::MeanShift(bandwidth),
        (None, None, None) => RuleCount::Auto,
    };
    let model = RuleLearner::new()
        .rules(count)
        .order(order)
        .ridge(ridge)
        .local(local)
        .htsk(htsk)
        .epochs(epochs, patience)
        .validation(validation)
        .prune(prune)
        .seed(seed);
    let (samples, targets) = (
        Matrix::<f64>::from_any(samples, "X")?,
        Matrix::<f64>::from_any(targets, "y")?,
    );
    let (samples, targets) = (samples.rows()?, targets.rows()?);
    let found = watched(py, threads, None, |watch| {
        let weights = sample_weight.as_deref();
        model.fit_weighted(samples, targets, weights, &inputs, &outputs, watch)
    })?;
    let (history, error) = (found.history().to_vec(), found.error());
    let (ridge, pruned, beyond) = (found.ridge(), found.pruned(), found.beyond());
    let inner = found.into_system();
    Ok((FuzzyRules { inner }, history, error, ridge, pruned, beyond))
}

/// Centres ``[k, d]``, memberships ``[n, k]``, objective, partition coefficient, iterations, whether it came to rest.
type Clusters<'py> = (Two<'py>, Two<'py>, f64, f64, usize, bool);

/// Fuzzy c-means of samples ``[n, d]``.
#[pyfunction]
#[pyo3(signature = (samples, n_clusters, *, m=2.0, max_iter=300, tol=1e-6, seed=0, threads=0))]
pub(crate) fn fuzzy_c_means<'py>(
    samples: &Bound<'py, PyAny>,
    n_clusters: usize,
    m: f64,
    max_iter: usize,
    tol: f64,
    seed: u64,
    threads: usize,
) -> PyResult<Clusters<'py>> {
    let py = samples.py();
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let model = fuzzy::FuzzyCMeans::new(n_clusters)
        .fuzziness(m)
        .max_iter(max_iter)
        .tol(tol)
        .seed(seed);
    let fit = watched(py, threads, None, |watch| model.fit(rows, watch))?;
    Ok((
        two(py, fit.centers().to_vec(), (n_clusters, rows.columns()))?,
        two(py, fit.memberships().to_vec(), (rows.rows(), n_clusters))?,
        fit.objective(),
        fit.partition_coefficient(),
        fit.iterations(),
        fit.converged(),
    ))
}

/// Memberships ``[m, k]`` of rows ``[m, d]`` in clusters around centres ``[k, d]``.
#[pyfunction]
#[pyo3(signature = (rows, centers, m, threads=0))]
pub(crate) fn fuzzy_memberships<'py>(
    rows: &Bound<'py, PyAny>,
    centers: &Bound<'py, PyAny>,
    m: f64,
    threads: usize,
) -> PyResult<Two<'py>> {
    let py = rows.py();
    let (rows, centers) = (
        Matrix::<f64>::from_any(rows, "X")?,
        Matrix::<f64>::from_any(centers, "centers")?,
    );
    let (rows, centers) = (rows.rows()?, centers.rows()?);
    let fit = fuzzy::FuzzyCMeansFit::of_centers(centers, m).map_err(to_python)?;
    let found = watched(py, threads, None, |watch| fit.at(rows, watch))?;
    two(py, found, (rows.rows(), centers.rows()))
}

/// The samples of ``[n, d]`` that are centres of subtractive clustering, by number.
#[pyfunction]
#[pyo3(signature = (samples, radius, *, squash=1.25, accept=0.5, reject=0.15, threads=0))]
pub(crate) fn subtractive_clustering<'py>(
    samples: &Bound<'py, PyAny>,
    radius: f64,
    squash: f64,
    accept: f64,
    reject: f64,
    threads: usize,
) -> PyResult<Bound<'py, PyArray1<usize>>> {
    let py = samples.py();
    let samples = Matrix::<f64>::from_any(samples, "X")?;
    let rows = samples.rows()?;
    let model = fuzzy::SubtractiveClustering::new(radius)
        .squash(squash)
        .thresholds(accept, reject);
    let found = watched(py, threads, None, |watch| model.fit(rows, watch))?;
    Ok(found.into_pyarray(py))
}

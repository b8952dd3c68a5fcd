//! From one sequence to another.

use locality_learn::{EncoderDecoder, History, Pair, Positions, Sampler, TransformerConfig};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_python;
use crate::levels::activation;
use crate::networks::{One, entry, fit_config, told};
use crate::watch::watched;

/// The untrained model of a dictionary with everything in it.
fn fresh(all: &Bound<'_, PyDict>, seed: u64) -> PyResult<EncoderDecoder<f32>> {
    let kernel: String = entry(all, "kernel")?;
    let positions: Positions = entry::<String>(all, "positions")?
        .parse()
        .map_err(to_python)?;
    let curve = activation(&entry::<String>(all, "activation")?)?;
    let (layers, heads, width) = (
        entry(all, "layers")?,
        entry(all, "heads")?,
        entry(all, "width")?,
    );
    let (hidden, dropout) = (entry(all, "hidden")?, entry(all, "dropout")?);
    let sized = |config: TransformerConfig| {
        config
            .layers(layers)
            .heads(heads)
            .width(width)
            .hidden(hidden)
            .kernel(&kernel)
            .positions(positions)
            .activation(curve)
            .dropout(dropout)
    };
    let (source, target) = (entry(all, "source_codes")?, entry(all, "target_codes")?);
    let (long, short) = (entry(all, "source_context")?, entry(all, "target_context")?);
    let encoder = sized(TransformerConfig::encoder(source, long));
    let decoder = sized(TransformerConfig::decoder(target, short));
    EncoderDecoder::new(&encoder, &decoder, entry(all, "ends")?, seed).map_err(to_python)
}

fn pairs(sources: Vec<Vec<u32>>, targets: Vec<Vec<u32>>) -> PyResult<Vec<Pair>> {
    if sources.len() != targets.len() {
        return Err(PyValueError::new_err(format!(
            "there are {} sources, but {} targets; give one for each",
            sources.len(),
            targets.len()
        )));
    }
    let both = sources.into_iter().zip(targets);
    Ok(both
        .map(|(source, target)| Pair { source, target })
        .collect())
}

/// An encoder and a decoder over codes, in float32.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct EncoderDecoderNet {
    inner: EncoderDecoder<f32>,
    history: History,
}

#[pymethods]
impl EncoderDecoderNet {
    /// Learns from sources and targets, codes each.
    #[staticmethod]
    #[pyo3(signature = (sources, targets, config, fit, threads=0, progress=None))]
    fn fit(
        py: Python<'_>,
        sources: Vec<Vec<u32>>,
        targets: Vec<Vec<u32>>,
        config: &Bound<'_, PyDict>,
        fit: &Bound<'_, PyDict>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let how = fit_config(fit)?;
        let (mut inner, pairs) = (fresh(config, how.seed)?, pairs(sources, targets)?);
        let (inner, history) = watched(py, threads, progress, move |watch| {
            let history = inner.fit(&pairs, &how, watch)?;
            Ok((inner, history))
        })?;
        Ok(Self { inner, history })
    }

    /// From its numbers.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value)]
    fn of(config: &Bound<'_, PyDict>, parameters: PyReadonlyArray1<'_, f32>) -> PyResult<Self> {
        let made = fresh(config, 0)?.with_parameters(parameters.as_slice()?.to_vec());
        Ok(Self {
            inner: made.map_err(to_python)?,
            history: History::default(),
        })
    }

    /// Its parameters.
    fn numbers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.inner.parameters.clone().into_pyarray(py)
    }

    /// Losses of training pairs, of held-out pairs, and the best epoch.
    fn history<'py>(&self, py: Python<'py>) -> (One<'py>, One<'py>, usize) {
        told(py, &self.history)
    }

    /// The mean cross entropy of a target's code.
    #[pyo3(signature = (sources, targets, threads=0))]
    fn loss(
        &self,
        py: Python<'_>,
        sources: Vec<Vec<u32>>,
        targets: Vec<Vec<u32>>,
        threads: usize,
    ) -> PyResult<f64> {
        let pairs = pairs(sources, targets)?;
        watched(py, threads, None, |_| self.inner.loss(&pairs))
    }

    /// Answers to sources, of up to `count` codes; one of `stops` is an answer's last.
    #[pyo3(signature = (sources, count, temperature, top_k, top_p, seed, stops, threads=0))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn answers(
        &self,
        py: Python<'_>,
        sources: Vec<Vec<u32>>,
        count: usize,
        temperature: f64,
        top_k: Option<usize>,
        top_p: Option<f64>,
        seed: u64,
        stops: Vec<u32>,
        threads: usize,
    ) -> PyResult<Vec<Vec<u32>>> {
        let sampler = Sampler {
            temperature,
            top_k,
            top_p,
            seed,
        };
        watched(py, threads, None, |watch| {
            let (sources, stops) = (&sources[..], &stops[..]);
            self.inner
                .answers_until(sources, count, stops, sampler, watch)
        })
    }
}

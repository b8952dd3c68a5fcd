//! Language models and their tokenizers.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locality_learn::pretrained::language_model;
use locality_learn::{
    AdamW, Bpe, Checkpoint, NormKind, Positions, Sampler, Schedule, TextTraining, Tokenizer,
    TrainConfig, Trainer, Transformer, TransformerConfig,
};
use numpy::{IntoPyArray, PyArray1, PyArray4, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::to_python;
use crate::levels::activation;
use crate::networks::{One, entry};
use crate::watch::watched;

/// From text to codes and back.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct TextTokenizer {
    inner: Tokenizer,
}

#[pymethods]
impl TextTokenizer {
    /// One of a kind, "char", "byte", "bpe" or "number", for a text; `codes` is for "bpe".
    #[staticmethod]
    fn of(py: Python<'_>, kind: &str, text: &str, codes: usize) -> PyResult<Self> {
        let made = py.detach(|| match kind {
            "char" => Ok(Tokenizer::chars(text)),
            "byte" => Ok(Ok(Tokenizer::Bytes)),
            "bpe" => Ok(Bpe::learn(text, codes).map(Tokenizer::Bpe)),
            "number" => Ok(Tokenizer::numbers(text)),
            other => Err(PyValueError::new_err(format!(
                "tokenizer={other:?} must be 'char', 'byte', 'bpe' or 'number'"
            ))),
        });
        let inner = made?.map_err(to_python)?;
        Ok(Self { inner })
    }

    /// From the bytes of a file.
    #[staticmethod]
    fn parse(text: &[u8]) -> PyResult<Self> {
        let inner = Tokenizer::from_text(text).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// From the bytes of a `vocab.json` and of a `merges.txt`.
    #[staticmethod]
    fn vocabulary(vocabulary: &[u8], merges: &[u8]) -> PyResult<Self> {
        let bpe = Bpe::from_vocabulary(vocabulary, merges).map_err(to_python)?;
        Ok(Self {
            inner: Tokenizer::Bpe(bpe),
        })
    }

    fn text(&self) -> String {
        self.inner.to_text()
    }

    fn kind(&self) -> &'static str {
        match self.inner {
            Tokenizer::Bytes => "byte",
            Tokenizer::Chars(_) => "char",
            Tokenizer::Numbers(_) => "number",
            _ => "bpe",
        }
    }

    fn count(&self) -> usize {
        self.inner.code_count()
    }

    fn encode<'py>(&self, py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let codes = py.detach(|| self.inner.encode_bytes(text));
        Ok(codes.map_err(to_python)?.into_pyarray(py))
    }

    #[allow(clippy::needless_pass_by_value)]
    fn decode(&self, codes: Vec<u32>) -> PyResult<String> {
        self.inner.decode(&codes).map_err(to_python)
    }
}

/// A model in training, or one from a file.
enum State {
    Training(TextTraining),
    Done(Checkpoint),
}

impl State {
    fn model(&self) -> &Transformer<f32> {
        match self {
            Self::Training(training) => training.model(),
            Self::Done(checkpoint) => &checkpoint.model,
        }
    }

    fn tokenizer(&self) -> &Tokenizer {
        match self {
            Self::Training(training) => training.tokenizer(),
            Self::Done(checkpoint) => &checkpoint.tokenizer,
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        match self {
            Self::Training(training) => training.checkpoint(),
            Self::Done(checkpoint) => checkpoint.clone(),
        }
    }

    fn training(&mut self) -> locality::Result<&mut TextTraining> {
        match self {
            Self::Training(training) => Ok(training),
            Self::Done(_) => Err(locality::Error::parameter(
                "the model is not in training; call fit, or resume with its text",
            )),
        }
    }
}

fn model_config(all: &Bound<'_, PyDict>, codes: usize) -> PyResult<TransformerConfig> {
    let positions: Positions = entry::<String>(all, "positions")?
        .parse()
        .map_err(to_python)?;
    let norm: NormKind = entry::<String>(all, "norm")?.parse().map_err(to_python)?;
    let mut config = TransformerConfig::decoder(codes, entry(all, "context")?)
        .layers(entry(all, "layers")?)
        .heads(entry(all, "heads")?)
        .width(entry(all, "width")?)
        .kernel(&entry::<String>(all, "kernel")?)
        .window(entry(all, "window")?)
        .positions(positions)
        .activation(activation(&entry::<String>(all, "activation")?)?)
        .norm(norm)
        .norm_first(entry(all, "norm_first")?)
        .bias(entry(all, "bias")?)
        .tied(entry(all, "tied")?)
        .dropout(entry(all, "dropout")?);
    if let Some(groups) = entry::<Option<usize>>(all, "groups")? {
        config = config.groups(groups);
    }
    if let Some(hidden) = entry::<Option<usize>>(all, "hidden")? {
        config = config.hidden(hidden);
    }
    Ok(config)
}

fn train_config(all: &Bound<'_, PyDict>) -> PyResult<TrainConfig> {
    let (first, last) = (entry(all, "first")?, entry(all, "last")?);
    let schedule = Schedule::cosine(first, last, entry(all, "warmup")?, entry(all, "steps")?);
    Ok(TrainConfig {
        batch: entry(all, "batch")?,
        accumulate: entry(all, "accumulate")?,
        schedule: schedule.map_err(to_python)?,
        optimizer: AdamW {
            decay: entry(all, "decay")?,
            ..AdamW::default()
        },
        clip: entry(all, "clip")?,
        seed: entry(all, "seed")?,
    })
}

/// A language model, in float32.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct LanguageNet {
    state: Mutex<State>,
}

impl LanguageNet {
    fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }

    /// A step that broke off has changed nothing, so that the state stays good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was written after a prompt: the whole text, the new codes, and whether a stop text ended it.
type Written<'py> = (String, Bound<'py, PyArray1<u32>>, bool);

#[pymethods]
impl LanguageNet {
    /// A model at its start, to be trained on a text.
    #[staticmethod]
    fn begin(
        py: Python<'_>,
        text: &[u8],
        tokenizer: &TextTokenizer,
        config: &Bound<'_, PyDict>,
        training: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let config = model_config(config, tokenizer.inner.code_count())?;
        let how = train_config(training)?;
        let made = py.detach(|| {
            let trainer = Trainer::new(config.build(how.seed)?, how)?;
            TextTraining::new(trainer, tokenizer.inner.clone(), text)
        });
        Ok(Self::new(State::Training(made.map_err(to_python)?)))
    }

    /// A file, or the folder of a published model.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value)]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let made = py.detach(|| {
            if path.is_dir() {
                return language_model(&path);
            }
            Checkpoint::load(&path)
        });
        Ok(Self::new(State::Done(made.map_err(to_python)?)))
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let made = Checkpoint::from_bytes(bytes).map_err(to_python)?;
        Ok(Self::new(State::Done(made)))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.state().checkpoint().to_bytes());
        Ok(PyBytes::new(py, &bytes.map_err(to_python)?))
    }

    #[allow(clippy::needless_pass_by_value)]
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.state().checkpoint().save(&path))
            .map_err(to_python)
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let make = slf.get_type().getattr("from_bytes")?;
        Ok((make, (slf.get().to_bytes(slf.py())?,)))
    }

    /// Goes on with training where the model came from a file.
    fn resume(&self, py: Python<'_>, text: &[u8]) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.state();
            let training = TextTraining::resume(state.checkpoint(), text)?;
            *state = State::Training(training);
            Ok(())
        })
        .map_err(to_python)
    }

    /// Trains up to a step.
    #[pyo3(signature = (until, threads=0, progress=None))]
    fn run(
        &self,
        py: Python<'_>,
        until: u64,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        watched(py, threads, progress, |watch| {
            loop {
                watch.check()?;
                // Let go between steps, so that the caller can look at the model.
                let mut state = self.state();
                let training = state.training()?;
                let (done, goal) = (training.trainer().steps(), training.goal());
                if done >= until.min(goal) {
                    return Ok(());
                }
                training.step()?;
                watch.report(done as usize + 1, goal as usize);
            }
        })
    }

    /// Takes the loss on held-out codes.
    #[pyo3(signature = (threads=0))]
    fn look(&self, py: Python<'_>, threads: usize) -> PyResult<f64> {
        watched(py, threads, None, |watch| {
            Ok(self.state().training()?.look(watch)?.validation)
        })
    }

    /// Steps that were taken and are to be taken.
    fn steps(&self) -> (u64, u64) {
        match &*self.state() {
            State::Training(t) => (t.trainer().steps(), t.goal()),
            State::Done(checkpoint) => {
                let training = checkpoint.training.as_ref();
                training.map_or((0, 0), |(config, state)| {
                    (state.step, config.schedule.steps())
                })
            }
        }
    }

    /// Steps, losses in training and on held-out codes, look by look.
    fn history<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<u64>>, One<'py>, One<'py>) {
        let looks = match &*self.state() {
            State::Training(training) => training.history().to_vec(),
            State::Done(checkpoint) => TextTraining::history_of(checkpoint).unwrap_or_default(),
        };
        let losses = |of: fn(&locality_learn::Look) -> f64| {
            looks.iter().map(of).collect::<Vec<_>>().into_pyarray(py)
        };
        let steps: Vec<u64> = looks.iter().map(|h| h.step).collect();
        (
            steps.into_pyarray(py),
            losses(|h| h.training),
            losses(|h| h.validation),
        )
    }

    /// Its sizes as JSON, and numbers of its training where it has some.
    fn config<'py>(&self, py: Python<'py>) -> PyResult<(String, Option<Bound<'py, PyDict>>)> {
        let state = self.state();
        let training = match &*state {
            State::Training(t) => Some(*t.trainer().config()),
            State::Done(checkpoint) => checkpoint.training.as_ref().map(|t| t.0),
        };
        let training = training.map(|how| {
            let all = PyDict::new(py);
            let (first, last, warmup, steps) = how.schedule.numbers();
            all.set_item("first", first)?;
            all.set_item("last", last)?;
            all.set_item("warmup", warmup)?;
            all.set_item("steps", steps)?;
            all.set_item("batch", how.batch)?;
            all.set_item("accumulate", how.accumulate)?;
            all.set_item("decay", how.optimizer.decay)?;
            all.set_item("clip", how.clip)?;
            all.set_item("seed", how.seed)?;
            PyResult::Ok(all)
        });
        Ok((state.model().config().to_text(), training.transpose()?))
    }

    fn tokenizer(&self) -> TextTokenizer {
        let inner = self.state().tokenizer().clone();
        TextTokenizer { inner }
    }

    /// How many numbers it has.
    fn size(&self) -> usize {
        self.state().model().layout().len()
    }

    /// The mean cross entropy of codes.
    #[pyo3(signature = (codes, threads=0, progress=None))]
    #[allow(clippy::needless_pass_by_value)]
    fn loss(
        &self,
        py: Python<'_>,
        codes: Vec<u32>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<f64> {
        watched(py, threads, progress, |watch| {
            self.state().model().text_loss(&codes, watch)
        })
    }

    /// Writes on from a prompt; `how` is temperature, top-k, top-p and seed.
    #[pyo3(signature = (prompt, count, how, stops, threads=0, progress=None))]
    #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments)]
    fn write<'py>(
        &self,
        py: Python<'py>,
        prompt: &str,
        count: usize,
        how: (f64, Option<usize>, Option<f64>, u64),
        stops: Vec<String>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Written<'py>> {
        let (temperature, top_k, top_p, seed) = how;
        let sampler = Sampler {
            temperature,
            top_k,
            top_p,
            seed,
        };
        let written = watched(py, threads, progress, |watch| {
            let state = self.state();
            let (model, tokenizer) = (state.model(), state.tokenizer());
            model.write(tokenizer, prompt, count, sampler, &stops, watch)
        })?;
        let codes = written.codes.into_pyarray(py);
        Ok((written.text, codes, written.stopped))
    }

    /// The weights ``[layers, heads, n, n]`` of chosen layers and heads; of all where none are named.
    #[pyo3(signature = (codes, layers, heads, threads=0))]
    #[allow(clippy::needless_pass_by_value)]
    fn attention<'py>(
        &self,
        py: Python<'py>,
        codes: Vec<u32>,
        layers: Vec<usize>,
        heads: Vec<usize>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray4<f32>>> {
        let (maps, all) = watched(py, threads, None, |_| {
            let state = self.state();
            let (all_layers, all_heads, _) = state.model().config().sizes();
            let maps = state.model().attention_maps(&codes, &layers, &heads)?;
            Ok((maps, (all_layers, all_heads)))
        })?;
        four(py, maps, (&layers, &heads), all, codes.len())
    }
}

/// Maps as an array; where no layers or heads are named, it has all.
pub(crate) fn four<'py>(
    py: Python<'py>,
    maps: Vec<f32>,
    (layers, heads): (&[usize], &[usize]),
    all: (usize, usize),
    n: usize,
) -> PyResult<Bound<'py, PyArray4<f32>>> {
    let or = |named: &[usize], all: usize| {
        if named.is_empty() { all } else { named.len() }
    };
    let shape = [or(layers, all.0), or(heads, all.1), n, n];
    maps.into_pyarray(py).reshape(shape)
}

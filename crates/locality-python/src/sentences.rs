//! Published encoders of sentences.

use std::path::PathBuf;

use locality_learn::pretrained::{Encoder, Pooling};
use numpy::{IntoPyArray, PyArray2, PyArray4, PyArrayMethods};
use pyo3::prelude::*;

use crate::error::to_python;
use crate::language::four;
use crate::watch::watched;

/// A published encoder of sentences, in float32.
#[pyclass(frozen, module = "locality._core")]
pub(crate) struct SentenceNet {
    inner: Encoder<f32>,
}

/// Texts between two looks at signals.
const AT_ONCE: usize = 64;

#[pymethods]
impl SentenceNet {
    /// Reads a folder; what is not given is the model's.
    #[staticmethod]
    #[pyo3(signature = (path, pooling=None, normalize=None, max_length=None))]
    #[allow(clippy::needless_pass_by_value)]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        pooling: Option<&str>,
        normalize: Option<bool>,
        max_length: Option<usize>,
    ) -> PyResult<Self> {
        let made = py.detach(|| Encoder::<f32>::load(&path));
        let mut inner = made.map_err(to_python)?;
        inner = match pooling {
            Some("mean") => inner.pooling(Pooling::Mean),
            Some("cls") => inner.pooling(Pooling::Cls),
            _ => inner,
        };
        if let Some(normalize) = normalize {
            inner = inner.normalize(normalize);
        }
        if let Some(longest) = max_length {
            inner = inner.max_length(longest).map_err(to_python)?;
        }
        Ok(Self { inner })
    }

    /// Numbers of a vector, the greatest number of tokens, layers and heads.
    fn sizes(&self) -> (usize, usize, usize, usize) {
        let (layers, heads) = self.inner.sizes();
        (self.inner.width(), self.inner.longest(), layers, heads)
    }

    /// The vectors ``[n, width]`` of texts.
    #[pyo3(signature = (texts, threads=0, progress=None))]
    #[allow(clippy::needless_pass_by_value)]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let rows = watched(py, threads, progress, |watch| {
            let mut rows = Vec::with_capacity(texts.len() * self.inner.width());
            for some in texts.chunks(AT_ONCE) {
                watch.check()?;
                rows.extend(self.inner.encode(some)?);
                watch.report(rows.len() / self.inner.width(), texts.len());
            }
            Ok(rows)
        })?;
        let shape = [texts.len(), self.inner.width()];
        rows.into_pyarray(py).reshape(shape)
    }

    /// The vectors of each text's tokens, ``[tokens, width]``.
    #[pyo3(signature = (texts, threads=0, progress=None))]
    #[allow(clippy::needless_pass_by_value)]
    fn tokens<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
        threads: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let width = self.inner.width();
        let all = watched(py, threads, progress, |watch| {
            let mut all = Vec::with_capacity(texts.len());
            for some in texts.chunks(AT_ONCE) {
                watch.check()?;
                let (rows, sets) = self.inner.tokens(some)?;
                let own = sets.iter();
                all.extend(own.map(|r| rows[r.start * width..r.end * width].to_vec()));
                watch.report(all.len(), texts.len());
            }
            Ok(all)
        })?;
        let each = all.into_iter();
        each.map(|rows| {
            let shape = [rows.len() / width, width];
            rows.into_pyarray(py).reshape(shape)
        })
        .collect()
    }

    /// The texts of a text's tokens, special ones included.
    fn pieces(&self, text: &str) -> Vec<String> {
        let tokenizer = self.inner.tokenizer();
        let codes = tokenizer.encode(text, self.inner.longest());
        let piece = |code: u32| tokenizer.token(code).unwrap_or_default().to_owned();
        codes.into_iter().map(piece).collect()
    }

    /// The weights ``[layers, heads, n, n]`` of chosen layers and heads; of all where none are named.
    #[pyo3(signature = (text, layers, heads, threads=0))]
    #[allow(clippy::needless_pass_by_value)]
    fn attention<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        layers: Vec<usize>,
        heads: Vec<usize>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray4<f32>>> {
        let (maps, codes) = watched(py, threads, None, |_| {
            self.inner.attention(text, &layers, &heads)
        })?;
        let all = self.inner.sizes();
        four(py, maps, (&layers, &heads), all, codes.len())
    }
}

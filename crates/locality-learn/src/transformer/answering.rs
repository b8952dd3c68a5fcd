//! Answers of an encoder and decoder, code by code.

use locality_core::{Error, Result, Watch};
use rayon::prelude::*;

use super::EncoderDecoder;
use super::generate::Sampler;
use crate::decoder_layer::DecoderCache;
use crate::heads::Source;
use crate::{Number, Pass, Sets};

impl<T: Number> EncoderDecoder<T> {
    /// Answers to several sources, of up to `count` codes each, the `i`-th drawn from the sampler's seed plus `i`.
    ///
    /// # Errors
    /// As [`answer`](Self::answer), with the source's number; an interruption.
    pub fn answers(
        &self,
        sources: &[Vec<u32>],
        count: usize,
        sampler: Sampler,
        watch: &Watch<'_>,
    ) -> Result<Vec<Vec<u32>>> {
        self.answers_until(sources, count, &[], sampler, watch)
    }

    /// The same, where one of `stops` ends an answer, too, and is its last code.
    ///
    /// # Errors
    /// As [`answers`](Self::answers).
    pub fn answers_until(
        &self,
        sources: &[Vec<u32>],
        count: usize,
        stops: &[u32],
        sampler: Sampler,
        watch: &Watch<'_>,
    ) -> Result<Vec<Vec<u32>>> {
        let one = |(i, source): (usize, &Vec<u32>)| {
            watch.check()?;
            let own = Sampler {
                seed: sampler.seed.wrapping_add(i as u64),
                ..sampler
            };
            let answer = self.answer(source, count, own);
            let codes = answer.and_then(|answer| {
                let mut out = Vec::new();
                for code in answer {
                    watch.check()?;
                    out.push(code?);
                    if out.last().is_some_and(|code| stops.contains(code)) {
                        break;
                    }
                }
                Ok(out)
            });
            codes.map_err(|e| e.context(format!("source {i} (counted from 0)")))
        };
        let all: Vec<_> = sources.par_iter().enumerate().map(one).collect();
        all.into_iter().collect()
    }

    /// Begins an answer to a source, of up to `count` codes.
    ///
    /// # Errors
    /// An empty source, numbers out of their range, and as [`encode`](Self::encode).
    pub fn answer(
        &self,
        source: &[u32],
        count: usize,
        sampler: Sampler,
    ) -> Result<Answering<'_, T>> {
        sampler.check()?;
        let sets = Sets::equal(1, source.len())?;
        let rows = self.encode(source, &sets)?;
        let source = Source {
            rows: &rows,
            sets: &sets,
        };
        let caches = self
            .layers
            .iter()
            .map(|l| l.cache(&self.parameters, source));
        let caches = caches.collect::<Result<Vec<_>>>()?;
        // A context that has an end ends the answer, too.
        let room = if self.decoder.is_bounded() {
            self.decoder.context
        } else {
            usize::MAX
        };
        Ok(Answering {
            model: self,
            sampler,
            sets,
            caches,
            passed: 0,
            next: self.begin,
            left: count.min(room),
        })
    }
}

/// The codes of an answer, one after another, without those that begin and end it; what [`EncoderDecoder::answer`] returns.
#[derive(Debug)]
pub struct Answering<'a, T> {
    model: &'a EncoderDecoder<T>,
    sampler: Sampler,
    sets: Sets,
    caches: Vec<DecoderCache<T>>,
    passed: usize,
    next: u32,
    left: usize,
}

impl<T: Number> Answering<'_, T> {
    /// The scores `[codes]` after one further code of the answer: those of the whole at once, to rounding.
    ///
    /// # Errors
    /// A code beyond the table, an answer longer than the context.
    pub fn extend(&mut self, code: u32) -> Result<Vec<T>> {
        let model = self.model;
        if self.passed >= model.decoder.context && model.decoder.is_bounded() {
            return Err(Error::parameter(format!(
                "the answer fills the decoder's context of {}; end it, or build the model with a longer one",
                model.decoder.context
            )));
        }
        let one = Sets::equal(1, 1)?;
        let (p, pass) = (&model.parameters[..], Pass::new(&one));
        let mut x = model.tokens[1].embed(p, &[code], &one, self.passed)?;
        for (layer, cache) in model.layers.iter().zip(&mut self.caches) {
            x = layer.extend(p, &x, cache, &self.sets, &pass)?;
        }
        self.passed += 1;
        Ok(model.scores.apply(p, &model.normed(&x, &pass)?))
    }

    /// All that are left.
    ///
    /// # Errors
    /// As [`extend`](Self::extend).
    pub fn codes(self) -> Result<Vec<u32>> {
        self.collect()
    }
}

impl<T: Number> Iterator for Answering<'_, T> {
    type Item = Result<u32>;

    fn next(&mut self) -> Option<Result<u32>> {
        self.left = self.left.checked_sub(1)?;
        let scores = self.extend(self.next);
        let code = scores.and_then(|s| self.sampler.draw(&s, self.passed as u64));
        match code {
            Ok(code) if code == self.model.end => {
                self.left = 0;
                None
            }
            Ok(code) => {
                self.next = code;
                Some(Ok(code))
            }
            Err(e) => {
                self.left = 0;
                Some(Err(e))
            }
        }
    }
}

//! Text from a language model, code by code.

use locality_core::{Error, Result};

use super::{Positions, Transformer};
use crate::heads::HeadsCache;
use crate::random::Stream;
use crate::{Number, Pass, Sets};

/// Keys and values of the codes so far, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache<T> {
    layers: Vec<HeadsCache<T>>,
    passed: usize,
}

impl<T> Cache<T> {
    /// Codes that have passed.
    pub fn len(&self) -> usize {
        self.passed
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.passed == 0
    }
}

/// How the next code is drawn from its scores.
///
/// ```
/// use locality_learn::Sampler;
/// let greedy = Sampler { temperature: 0.0, ..Sampler::default() };
/// assert_eq!(greedy.draw(&[0.0_f32, 2.0, 1.0], 0)?, 1);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Scores are divided by it; 0 takes the code of the highest score.
    pub temperature: f64,
    /// Only so many codes of the highest scores.
    pub top_k: Option<usize>,
    /// Only the most probable codes that together have this probability (Holtzman et al. 2020).
    pub top_p: Option<f64>,
    /// Where chance begins: the same seed draws the same codes.
    pub seed: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            seed: 1,
        }
    }
}

impl Sampler {
    /// Checks its numbers.
    ///
    /// # Errors
    /// Numbers out of their range.
    pub fn check(&self) -> Result<()> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(Error::parameter(format!(
                "temperature={} must be a finite number of at least 0",
                self.temperature
            )));
        }
        if self.top_k == Some(0) {
            return Err(Error::parameter(
                "top_k=0 leaves no code; give at least 1, or leave it out",
            ));
        }
        if let Some(p) = self.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return Err(Error::parameter(format!(
                "top_p={p} must be above 0 and at most 1"
            )));
        }
        Ok(())
    }

    /// The code drawn at a place of the sequence.
    ///
    /// # Errors
    /// Numbers out of their range, scores that are none or not finite.
    pub fn draw<T: Number>(&self, scores: &[T], place: u64) -> Result<u32> {
        self.check()?;
        if scores.is_empty() || scores.iter().any(|s| !s.is_finite()) {
            return Err(Error::not_finite(
                "scores are none or not finite; the model has not been trained well",
            ));
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Ties by code, so that the order is one.
        order.sort_by(|&a, &b| scores[b].to_f64().total_cmp(&scores[a].to_f64()));
        if self.temperature == 0.0 {
            return Ok(order[0] as u32);
        }
        order.truncate(self.top_k.unwrap_or(order.len()));
        let top = scores[order[0]].to_f64();
        let weight = |&i: &usize| ((scores[i].to_f64() - top) / self.temperature).exp();
        let mut weights: Vec<f64> = order.iter().map(weight).collect();
        if let Some(p) = self.top_p {
            let total: f64 = weights.iter().sum();
            let mut sum = 0.0;
            let reached = weights.iter().position(|w| {
                sum += w;
                sum >= p * total
            });
            weights.truncate(reached.map_or(weights.len(), |i| i + 1));
        }
        let mut left = Stream::new(self.seed, 4).uniform(place) * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        Ok(order[drawn.unwrap_or(weights.len() - 1)] as u32)
    }
}

/// The codes that follow a prompt, one after another; what [`Transformer::generate`] returns. It ends after the wanted number, after
/// the stop code, or with an error.
#[derive(Debug)]
pub struct Generate<'a, T> {
    model: &'a Transformer<T>,
    sampler: Sampler,
    stop: Option<u32>,
    cache: Cache<T>,
    /// Every code, the prompt's first.
    codes: Vec<u32>,
    /// How many of them have not passed.
    fresh: usize,
    left: usize,
}

impl<T: Number> Transformer<T> {
    /// An empty cache.
    ///
    /// # Errors
    /// A model that is not causal.
    pub fn cache(&self) -> Result<Cache<T>> {
        Ok(Cache {
            layers: self.stack.cache()?,
            passed: 0,
        })
    }

    /// The scores `[codes]` after some further codes of one sequence: those of the whole sequence at once, to rounding.
    ///
    /// # Errors
    /// No codes, codes beyond the table, a cache that is full.
    pub fn extend(&self, codes: &[u32], cache: &mut Cache<T>) -> Result<Vec<T>> {
        let sets = Sets::equal(1, codes.len())?;
        let after = cache.passed + codes.len();
        if after > self.config.context && self.config.is_bounded() {
            return Err(Error::parameter(format!(
                "{after} codes are more than the model's context of {}; begin a new cache with the last ones",
                self.config.context
            )));
        }
        self.layout.check(&self.parameters)?;
        let (p, pass) = (&self.parameters[..], Pass::new(&sets));
        let x = self.tokens.embed(p, codes, &sets, cache.passed)?;
        let x = self.stack.extend(p, &x, &mut cache.layers, &pass)?;
        cache.passed = after;
        let last = &x[x.len() - self.config.width..];
        Ok(self.scores.apply(p, last))
    }

    /// Draws up to `count` codes after a prompt, and no more after `stop`. Where the context is full, the older half is forgotten;
    /// under `ALiBi` it has no end.
    ///
    /// # Errors
    /// No prompt, a model that is not causal, numbers out of their range.
    pub fn generate(
        &self,
        prompt: &[u32],
        count: usize,
        sampler: Sampler,
        stop: Option<u32>,
    ) -> Result<Generate<'_, T>> {
        sampler.check()?;
        if prompt.is_empty() {
            return Err(Error::empty(
                "prompt has no codes; give at least one to begin with",
            ));
        }
        Ok(Generate {
            model: self,
            sampler,
            stop,
            cache: self.cache()?,
            codes: prompt.to_vec(),
            fresh: prompt.len(),
            left: count,
        })
    }
}

impl<T: Number> Generate<'_, T> {
    fn draw(&mut self) -> Result<u32> {
        let config = &self.model.config;
        let endless = config.positions == Positions::Alibi;
        if !endless && self.cache.len() + self.fresh > config.context {
            // Half of it anew costs little, as it is done once in half a context.
            self.cache = self.model.cache()?;
            self.fresh = (config.context / 2 + 1)
                .min(config.context)
                .min(self.codes.len());
        }
        let new = &self.codes[self.codes.len() - self.fresh..];
        let scores = self.model.extend(new, &mut self.cache)?;
        let code = self.sampler.draw(&scores, self.codes.len() as u64)?;
        self.codes.push(code);
        self.fresh = 1;
        Ok(code)
    }
}

impl<T: Number> Iterator for Generate<'_, T> {
    type Item = Result<u32>;

    fn next(&mut self) -> Option<Result<u32>> {
        self.left = self.left.checked_sub(1)?;
        let code = self.draw();
        if code.is_err() || code.as_ref().ok() == self.stop.as_ref() {
            self.left = 0;
        }
        Some(code)
    }
}

//! Texts that a language model writes and judges.

use locality_core::{Error, Result, Watch};

use crate::{Number, Sampler, Sets, Tokenizer, Transformer};

/// What a model wrote after a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The codes after those of the prompt.
    pub codes: Vec<u32>,
    /// The prompt and what was written; a stop text is the last of it.
    pub text: String,
    /// Whether a stop text ended it.
    pub stopped: bool,
}

impl<T: Number> Transformer<T> {
    /// Writes up to `count` codes after a prompt, and no more once one of `stops` is in what was written; what follows that in the same
    /// code is left out.
    ///
    /// # Errors
    /// A prompt without codes, or with characters that are not known; an empty stop text; an interruption; and as
    /// [`generate`](Self::generate).
    pub fn write(
        &self,
        tokenizer: &Tokenizer,
        prompt: &str,
        count: usize,
        sampler: Sampler,
        stops: &[String],
        watch: &Watch<'_>,
    ) -> Result<Written> {
        if stops.iter().any(String::is_empty) {
            return Err(Error::parameter(
                "stop has an empty text, which is everywhere; leave it out",
            ));
        }
        let longest = stops.iter().map(String::len).max().unwrap_or(0);
        let mut all = tokenizer.encode(prompt)?;
        let from = all.len();
        let codes = self.generate(&all.clone(), count, sampler, None)?;
        for (done, code) in codes.enumerate() {
            watch.check()?;
            all.push(code?);
            watch.report(done + 1, count);
            if stops.is_empty() {
                continue;
            }
            // Each code is at least a byte, and a character at most four: a stop text that has just ended is in these.
            let recent = all.len().saturating_sub(longest + 3).max(from);
            if first_end(&tokenizer.decode(&all[recent..])?, stops).is_some() {
                let whole = tokenizer.decode(&all)?;
                let before = tokenizer.decode(&all[..from])?.len();
                // Bytes of one character may lie on both sides of the prompt's end.
                let before = whole.floor_char_boundary(before.min(whole.len()));
                let end = first_end(&whole[before..], stops).map_or(whole.len(), |n| before + n);
                return Ok(Written {
                    codes: all.split_off(from),
                    text: whole[..end].to_owned(),
                    stopped: true,
                });
            }
        }
        let text = tokenizer.decode(&all)?;
        Ok(Written {
            codes: all.split_off(from),
            text,
            stopped: false,
        })
    }
}

/// Where the first of some texts to end in another one ends there.
fn first_end(text: &str, stops: &[String]) -> Option<usize> {
    let ends = stops
        .iter()
        .filter_map(|stop| text.find(stop.as_str()).map(|at| at + stop.len()));
    ends.min()
}

/// Numbers of scores that are held at once, unless one sequence has more.
const AT_ONCE: usize = 1 << 23;

impl<T: Number> Transformer<T> {
    /// The mean cross entropy of the codes of a text after the first, in nats, over sequences that follow one another and each see no more than
    /// the context.
    ///
    /// # Errors
    /// Fewer than two codes, codes beyond the table, a model that is not causal, an interruption.
    pub fn text_loss(&self, codes: &[u32], watch: &Watch<'_>) -> Result<f64> {
        if !self.config().causal {
            return Err(Error::unsupported(
                "a model that sees later codes predicts none; ask one of TransformerConfig::decoder",
            ));
        }
        let Some(all) = codes.len().checked_sub(1).filter(|n| *n > 0) else {
            return Err(Error::empty(format!(
                "the text has {} tokens, but a loss takes two: one to begin with and one to tell",
                codes.len()
            )));
        };
        let context = self.config().context();
        let piece = (AT_ONCE / self.config().code_count() / context).max(1) * context;
        let mut sum = 0.0;
        for first in (0..all).step_by(piece) {
            watch.check()?;
            let last = (first + piece).min(all);
            let lengths: Vec<usize> = (first..last)
                .step_by(context)
                .map(|at| context.min(last - at))
                .collect();
            let (seen, told) = (&codes[first..last], &codes[first + 1..=last]);
            sum += self.loss(seen, told, &Sets::of(&lengths)?)? * (last - first) as f64;
            watch.report(last, all);
        }
        Ok(sum / all as f64)
    }
}

//! Sentences to vectors.

use std::path::Path;

use locality_core::{Error, Result};
use rayon::prelude::*;

use super::bert::{Bert, Parts};
use super::config::Config;
use super::folder::{Recipe, read, recipe, tensors};
use super::weights::Weights;
use super::word_piece::WordPiece;
use crate::{Layer, Layout, Number, Pass, Sets};

/// How the vectors of a sentence's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pooling {
    /// Their mean.
    #[default]
    Mean,
    /// That of the first one, `[CLS]`.
    Cls,
}

/// Rows that go through the layers together, unless one sentence has more.
const BATCH: usize = 2048;

/// A sentence encoder of the BERT kind (Devlin et al. 2019; Reimers and Gurevych 2019) whose layers are
/// [local layers](crate::LocalLayer) under the softmax kernel: post-norm, with biases.
///
/// ```no_run
/// use locality_learn::pretrained::Encoder;
/// let encoder = Encoder::<f32>::load("all-MiniLM-L6-v2")?;
/// let vectors = encoder.encode(&["A man is eating food.", "Someone eats."])?;
/// assert_eq!(vectors.len(), 2 * encoder.width());
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Encoder<T> {
    sizes: Bert,
    parts: Parts,
    layout: Layout,
    tokenizer: WordPiece,
    recipe: Recipe,
    /// Every parameter, as [`layout`](Self::layout) says.
    pub parameters: Vec<T>,
}

impl<T: Number> Encoder<T> {
    /// Reads a folder of `config.json`, `model.safetensors` (or `model.onnx`, here or in a folder `onnx`) and `tokenizer.json`. Pooling, unit length and the greatest length are those
    /// of `sentence-transformers`' files where these are there, else the mean, unit length, and all positions that the model has.
    ///
    /// # Errors
    /// A file that is missing or damaged, a model or tokenizer of another kind, a tensor that is missing or of another shape.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let [config, tokenizer] = ["config.json", "tokenizer.json"].map(|name| folder.join(name));
        let text = read(&config)?;
        let paths = [config, tensors(folder)?, tokenizer];
        let named = |at: usize| {
            let path = paths[at].display();
            move |e: Error| e.context(path)
        };
        let recipe = recipe(folder)?;
        let config = Config::parse(&text).map_err(named(0))?;
        let sizes = Bert::of(&config).map_err(named(0))?;
        let tokenizer = WordPiece::from_json(&read(&paths[2])?).map_err(named(2))?;
        let bytes = read(&paths[1])?;
        let (parts, layout, parameters) = fill(&sizes, &bytes).map_err(named(1))?;
        Self {
            sizes,
            parts,
            layout,
            tokenizer,
            recipe,
            parameters,
        }
        .checked()
    }

    /// The same from the bytes of the three files (tensors in either format), without those of `sentence-transformers`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_bytes(config: &[u8], weights: &[u8], tokenizer: &[u8]) -> Result<Self> {
        let named = |name: &'static str| move |e: Error| e.context(name);
        let config = Config::parse(config).map_err(named("the configuration"))?;
        let sizes = Bert::of(&config).map_err(named("the configuration"))?;
        let tokenizer = WordPiece::from_json(tokenizer).map_err(named("the tokenizer"))?;
        let (parts, layout, parameters) = fill(&sizes, weights).map_err(named("the weights"))?;
        Self {
            sizes,
            parts,
            layout,
            tokenizer,
            recipe: Recipe::default(),
            parameters,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        let (codes, all) = (self.tokenizer.code_count(), self.sizes.codes);
        if codes > all {
            return Err(Error::parse(format!(
                "the tokenizer has codes up to {}, but the model only {all}; the two belong to different models",
                codes - 1
            )));
        }
        let longest = self.longest();
        self.max_length(longest)
    }

    /// How tokens become one vector.
    #[must_use]
    pub fn pooling(mut self, pooling: Pooling) -> Self {
        self.recipe.pooling = pooling;
        self
    }

    /// Whether the vectors of sentences are made of unit length.
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.recipe.normalize = normalize;
        self
    }

    /// The greatest number of tokens of a sentence, with the special ones; the end of longer ones is left out.
    ///
    /// # Errors
    /// More than the model has positions for, or not more than the special ones.
    pub fn max_length(mut self, longest: usize) -> Result<Self> {
        let (least, most) = (self.tokenizer.special_count() + 1, self.sizes.context);
        if !(least..=most).contains(&longest) {
            return Err(Error::parameter(format!(
                "max_length={longest} must be at least {least} and at most {most}, the model's positions"
            )));
        }
        self.recipe.longest = Some(longest);
        Ok(self)
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.sizes.width
    }

    /// The greatest number of tokens of a sentence.
    pub fn longest(&self) -> usize {
        let all = self.sizes.context;
        self.recipe.longest.unwrap_or(all).min(all)
    }

    /// How it makes tokens.
    pub fn tokenizer(&self) -> &WordPiece {
        &self.tokenizer
    }

    /// Names and places of its parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The vectors `[texts, width]` of sentences.
    ///
    /// # Errors
    /// Parameters that have been changed out of their range.
    pub fn encode<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<T>> {
        let width = self.width();
        let mut out = Vec::with_capacity(texts.len() * width);
        for (codes, sets) in self.batches(texts)? {
            let rows = self.vectors(&codes, &sets)?;
            for range in sets.iter() {
                let own = &rows[range.start * width..range.end * width];
                let from = out.len();
                out.extend_from_slice(&own[..width]);
                let vector = &mut out[from..];
                if self.recipe.pooling == Pooling::Mean {
                    mean(own, vector);
                }
                if self.recipe.normalize {
                    unit(vector);
                }
            }
        }
        Ok(out)
    }

    /// The vectors `[tokens, width]` of every token in its sentence, special ones included, with the tokens of each.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); no texts.
    pub fn tokens<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<(Vec<T>, Sets)> {
        let (mut out, mut lengths) = (Vec::new(), Vec::new());
        for (codes, sets) in self.batches(texts)? {
            out.extend(self.vectors(&codes, &sets)?);
            lengths.extend(sets.iter().map(|r| r.len()));
        }
        Ok((out, Sets::of(&lengths)?))
    }

    /// The vectors `[rows, width]` of codes, each in the context of its set.
    ///
    /// # Errors
    /// Codes beyond the table, as many as the sets do not have, sets longer than the model has positions.
    pub fn vectors(&self, codes: &[u32], sets: &Sets) -> Result<Vec<T>> {
        if codes.len() != sets.rows() || sets.longest() > self.sizes.context {
            return Err(Error::shape(format!(
                "there are {} codes for {} rows in sets of up to {}; give one for each, and at most {} in a set",
                codes.len(),
                sets.rows(),
                sets.longest(),
                self.sizes.context
            )));
        }
        let (p, pass) = (&self.parameters[..], Pass::new(sets));
        let x = self.lowest(codes, &pass)?;
        self.parts.stack.predict(p, &x, &pass)
    }

    /// What goes into the first layer.
    fn lowest(&self, codes: &[u32], pass: &Pass<'_>) -> Result<Vec<T>> {
        self.layout.check(&self.parameters)?;
        let p = &self.parameters[..];
        let mut x = vec![T::ZERO; codes.len() * self.width()];
        self.parts.words.add(p, codes, &mut x)?;
        let places: Vec<u32> = pass.sets.iter().flat_map(|r| 0..r.len() as u32).collect();
        self.parts.positions.add(p, &places, &mut x)?;
        // A single sentence is all of the first type.
        self.parts.types.add(p, &vec![0; codes.len()], &mut x)?;
        self.parts.norm.predict(p, &x, pass)
    }

    /// The weights `[layers, heads, n, n]` by which some heads of some layers attend to the tokens of one text, special ones included, and the codes `[n]`
    /// of these: row `i` is what token `i` sees. All layers and heads where none are named.
    ///
    /// # Errors
    /// A layer or head that is not there.
    pub fn attention(
        &self,
        text: &str,
        layers: &[usize],
        heads: &[usize],
    ) -> Result<(Vec<T>, Vec<u32>)> {
        let codes = self.tokenizer.encode(text, self.longest());
        let sets = Sets::equal(1, codes.len())?;
        let pass = Pass::new(&sets);
        let x = self.lowest(&codes, &pass)?;
        let maps = self
            .parts
            .stack
            .weights(&self.parameters, &x, (layers, heads), &pass)?;
        Ok((maps, codes))
    }

    /// Numbers of layers and of heads in each.
    pub fn sizes(&self) -> (usize, usize) {
        self.sizes.depth()
    }

    /// The codes of texts, in ragged sets of about [`BATCH`] rows together.
    fn batches<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<(Vec<u32>, Sets)>> {
        let longest = self.longest();
        let each = texts.par_iter().with_max_len(64);
        let each = each.map(|text| self.tokenizer.encode(text.as_ref(), longest));
        let (mut out, mut codes, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for own in each.collect::<Vec<_>>() {
            if !lengths.is_empty() && codes.len() + own.len() > BATCH {
                out.push((std::mem::take(&mut codes), Sets::of(&lengths)?));
                lengths.clear();
            }
            lengths.push(own.len());
            codes.extend(own);
        }
        if !lengths.is_empty() {
            out.push((codes, Sets::of(&lengths)?));
        }
        Ok(out)
    }
}

/// The model of these sizes with the parameters of a file.
fn fill<T: Number>(sizes: &Bert, bytes: &[u8]) -> Result<(Parts, Layout, Vec<T>)> {
    let known = "embeddings.word_embeddings.weight";
    let weights = Weights::new(bytes, known, &["", "bert."])?;
    weights.require(sizes.numbers())?;
    let mut layout = Layout::default();
    let parts = sizes.build(&mut layout)?;
    let parameters = weights.parameters(&layout, |view| sizes.parts(view))?;
    Ok((parts, layout, parameters))
}

/// The mean of rows.
fn mean<T: Number>(rows: &[T], out: &mut [T]) {
    let width = out.len();
    for row in rows[width..].chunks_exact(width) {
        out.iter_mut().zip(row).for_each(|(o, x)| *o += *x);
    }
    let share = T::from_f64(width as f64 / rows.len() as f64);
    for o in out.iter_mut() {
        *o *= share;
    }
}

/// Makes a vector of unit length; zero stays.
fn unit<T: Number>(x: &mut [T]) {
    let length = x
        .iter()
        .map(|x| x.to_f64() * x.to_f64())
        .sum::<f64>()
        .sqrt();
    let share = T::from_f64(1.0 / length.max(1e-12));
    for x in x.iter_mut() {
        *x *= share;
    }
}

//! The Transformer: tokens, positions, a stack of local layers, and scores.

mod answering;
mod config;
mod generate;
mod pairs;
mod tokens;

pub use answering::Answering;
pub use config::{Positions, TransformerConfig};
pub use generate::{Cache, Generate, Sampler};
pub use pairs::{EncoderDecoder, Pair};

use locality_core::Result;

use crate::hierarchy::{HierarchicalModel, HierarchyKept};
use crate::layers::{Linear, cross_entropy};
use crate::{Chance, Layer, Layout, Number, Pass, Sets};
use tokens::Tokens;

/// A Transformer (Vaswani et al. 2017) built only from [local layers](crate::LocalLayer): with causal layers a language model
/// (Radford et al. 2019), else an encoder. [`TransformerConfig`] makes it; its parameters are in one buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer<T> {
    config: TransformerConfig,
    layout: Layout,
    tokens: Tokens,
    stack: HierarchicalModel,
    scores: Linear,
    /// Every parameter, as [`layout`](Self::layout) says.
    pub parameters: Vec<T>,
}

impl<T: Number> Transformer<T> {
    /// Made of parts whose parameters are in place.
    fn new(config: TransformerConfig, seed: Option<u64>) -> Result<Self> {
        config.check()?;
        let c = &config;
        let mut layout = Layout::default();
        let tokens = Tokens::new(&mut layout, "", c, 0)?;
        let stack = HierarchicalModel::new(&mut layout, "layers", &c.layer_configs()?)?;
        let scores = tokens.scores(&mut layout, c);
        let parameters = match seed {
            Some(seed) => {
                layout.reserve::<T>(1)?;
                layout.initialize(seed)
            }
            None => Vec::new(),
        };
        Ok(Self {
            config,
            layout,
            tokens,
            stack,
            scores,
            parameters,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// Names and places of its parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn layout_and_parameters(&mut self) -> (&Layout, &mut [T]) {
        (&self.layout, &mut self.parameters)
    }

    fn check(&self, codes: &[u32], sets: &Sets) -> Result<()> {
        self.tokens.check(codes, sets)?;
        self.layout.check(&self.parameters)
    }

    /// The vectors `[rows, width]` of every code in its context: what an encoder is for.
    ///
    /// # Errors
    /// Codes beyond the table, as many codes as the sets do not have, sequences longer than the context.
    pub fn encode(&self, codes: &[u32], sets: &Sets) -> Result<Vec<T>> {
        self.check(codes, sets)?;
        let x = self.tokens.embed(&self.parameters, codes, sets, 0)?;
        self.stack.predict(&self.parameters, &x, &Pass::new(sets))
    }

    /// The scores `[rows, codes]` (logits) of every code; of the next one, for a language model.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn scores(&self, codes: &[u32], sets: &Sets) -> Result<Vec<T>> {
        let x = self.encode(codes, sets)?;
        Ok(self.scores.apply(&self.parameters, &x))
    }

    /// The mean cross entropy of `targets`, one for each code, in nats.
    ///
    /// # Errors
    /// As [`encode`](Self::encode) and [`cross_entropy`].
    pub fn loss(&self, codes: &[u32], targets: &[u32], sets: &Sets) -> Result<f64> {
        let scores = self.scores(codes, sets)?;
        Ok(cross_entropy(&scores, targets, self.config.codes)?.0)
    }

    /// The same in training, with dropout where the configuration has some and `chance` is given; derivatives by the parameters are added to
    /// `gradients`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn pull_back(
        &self,
        codes: &[u32],
        targets: &[u32],
        sets: &Sets,
        chance: Option<Chance>,
        gradients: &mut [T],
    ) -> Result<f64> {
        self.check(codes, sets)?;
        self.layout.check(gradients)?;
        let pass = &Pass { sets, chance };
        let p = &self.parameters[..];
        // Forward.
        let mut x = self.tokens.embed(&self.parameters, codes, sets, 0)?;
        self.tokens.drop(&mut x, pass);
        let (top, kept): (Vec<T>, HierarchyKept<T>) = self.stack.forward(p, &x, pass)?;
        let scores = self.scores.apply(p, &top);
        let (loss, flow) = cross_entropy(&scores, targets, self.config.codes)?;
        // And back.
        let flow = self
            .scores
            .pull_back(p, &top, &(), &flow, gradients, pass)?;
        let mut flow = self.stack.pull_back(p, &x, &kept, &flow, gradients, pass)?;
        self.tokens.pull_back(codes, &mut flow, gradients, pass)?;
        Ok(loss)
    }

    /// The weights `[n, n]` by which a head of a layer attends to the codes of one sequence, for a picture: row `i` is what code `i` sees.
    ///
    /// # Errors
    /// A layer or head that is not there, and as [`encode`](Self::encode).
    pub fn attention(&self, codes: &[u32], layer: usize, head: usize) -> Result<Vec<T>> {
        self.attention_maps(codes, &[layer], &[head])
    }

    /// The same of some heads of some layers, `[layers, heads, n, n]`; of all where none are named.
    ///
    /// # Errors
    /// As [`attention`](Self::attention).
    pub fn attention_maps(
        &self,
        codes: &[u32],
        layers: &[usize],
        heads: &[usize],
    ) -> Result<Vec<T>> {
        let sets = Sets::equal(1, codes.len())?;
        self.check(codes, &sets)?;
        let (p, pass) = (&self.parameters[..], Pass::new(&sets));
        let x = self.tokens.embed(p, codes, &sets, 0)?;
        self.stack.weights(p, &x, (layers, heads), &pass)
    }
}

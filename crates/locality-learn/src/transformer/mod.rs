//! The Transformer: tokens, positions, a stack of local layers, and scores.

mod config;
mod generate;

pub use config::{Positions, TransformerConfig};
pub use generate::{Cache, Generate, Sampler};

use locality_core::{Error, Result};

use crate::hierarchy::{HierarchicalModel, HierarchyKept};
use crate::layers::{Dropout, Embedding, Linear, cross_entropy, sinusoidal};
use crate::{Chance, Layer, Layout, Number, Pass, Sets};

/// A Transformer (Vaswani et al. 2017) built only from [local layers](crate::LocalLayer): with causal layers a language model
/// (Radford et al. 2019), else an encoder. [`TransformerConfig`] makes it; its parameters are in one buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer<T> {
    config: TransformerConfig,
    layout: Layout,
    embedding: Embedding,
    positions: Option<Embedding>,
    dropout: Dropout,
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
        let deviation = c.deviation();
        let embedding = Embedding::new(&mut layout, "embedding", (c.codes, c.width), deviation);
        let positions = (c.positions == Positions::Learned)
            .then(|| Embedding::new(&mut layout, "positions", (c.context, c.width), deviation));
        let stack = HierarchicalModel::new(&mut layout, "layers", &c.layer_configs()?)?;
        let scores = if c.tied {
            Linear::tied(embedding.table(), c.width, c.codes)
        } else {
            Linear::new(&mut layout, "scores", (c.width, c.codes), false, deviation)
        };
        let dropout = Dropout::new(c.dropout, 0)?;
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
            embedding,
            positions,
            dropout,
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
        if codes.len() != sets.rows() {
            return Err(Error::shape(format!(
                "there are {} codes, but the sets have {} rows; give one for each",
                codes.len(),
                sets.rows()
            )));
        }
        if sets.longest() > self.config.context && self.config.is_bounded() {
            return Err(Error::parameter(format!(
                "a sequence of {} codes is longer than the model's context of {}; cut it",
                sets.longest(),
                self.config.context
            )));
        }
        self.layout.check(&self.parameters)
    }

    /// Vectors of codes with their positions, the first standing at `first` of its set.
    fn embed(&self, codes: &[u32], sets: &Sets, first: usize) -> Result<Vec<T>> {
        let width = self.config.width;
        let mut x = match self.config.positions {
            Positions::Sinusoidal => {
                let table = sinusoidal(first, sets.longest(), width);
                let parts = sets.iter().map(|r| &table[..r.len() * width]);
                parts.collect::<Vec<_>>().concat()
            }
            _ => vec![T::ZERO; codes.len() * width],
        };
        self.embedding.add(&self.parameters, codes, &mut x)?;
        if let Some(positions) = &self.positions {
            let places = places(sets, first);
            positions.add(&self.parameters, &places, &mut x)?;
        }
        Ok(x)
    }

    /// The vectors `[rows, width]` of every code in its context: what an encoder is for.
    ///
    /// # Errors
    /// Codes beyond the table, as many codes as the sets do not have, sequences longer than the context.
    pub fn encode(&self, codes: &[u32], sets: &Sets) -> Result<Vec<T>> {
        self.check(codes, sets)?;
        let x = self.embed(codes, sets, 0)?;
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
        let mut x = self.embed(codes, sets, 0)?;
        self.dropout.apply(&mut x, pass);
        let (top, kept): (Vec<T>, HierarchyKept<T>) = self.stack.forward(p, &x, pass)?;
        let scores = self.scores.apply(p, &top);
        let (loss, flow) = cross_entropy(&scores, targets, self.config.codes)?;
        // And back.
        let flow = self
            .scores
            .pull_back(p, &top, &(), &flow, gradients, pass)?;
        let mut flow = self.stack.pull_back(p, &x, &kept, &flow, gradients, pass)?;
        self.dropout.apply(&mut flow, pass);
        self.embedding.pull_back(codes, &flow, gradients);
        if let Some(positions) = &self.positions {
            positions.pull_back(&places(sets, 0), &flow, gradients);
        }
        Ok(loss)
    }

    /// The weights `[n, n]` by which a head of a layer attends to the codes of one sequence, for a picture: row `i` is what code `i` sees.
    ///
    /// # Errors
    /// A layer or head that is not there, and as [`encode`](Self::encode).
    pub fn attention(&self, codes: &[u32], layer: usize, head: usize) -> Result<Vec<T>> {
        let Some(own) = self.stack.layers().get(layer) else {
            return Err(Error::parameter(format!(
                "layer={layer} (counted from 0) must be below {}",
                self.config.layers
            )));
        };
        let sets = Sets::equal(1, codes.len())?;
        self.check(codes, &sets)?;
        let (p, pass) = (&self.parameters[..], Pass::new(&sets));
        let x = self.embed(codes, &sets, 0)?;
        let x = self.stack.below(p, &x, layer, &pass)?;
        let seen = own.seen_by_heads(p, &x, &pass)?;
        own.heads().weights(p, &seen, &pass, 0, head)
    }
}

/// The place of each row in its set.
fn places(sets: &Sets, first: usize) -> Vec<u32> {
    let places = sets.iter().flat_map(|r| first..first + r.len());
    places.map(|place| place as u32).collect()
}

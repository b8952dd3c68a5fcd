//! The sizes of a BERT (Devlin et al. 2019), and where its tensors go.

use locality_core::{Error, Result};

use super::config::Config;
use super::weights::Part;
use crate::layers::{Activation, Embedding, Norm, NormKind};
use crate::{HierarchicalModel, LayerConfig, Layout};

/// Nor may there be more layers.
const MOST_LAYERS: usize = 4096;

/// The sizes as `config.json` has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bert {
    pub(super) codes: usize,
    pub(super) context: usize,
    types: usize,
    pub(super) width: usize,
    layers: usize,
    heads: usize,
    hidden: usize,
    activation: Activation,
    epsilon: f64,
}

/// The layers that [`Bert::build`] makes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts {
    pub(super) words: Embedding,
    pub(super) positions: Embedding,
    pub(super) types: Embedding,
    pub(super) norm: Norm,
    pub(super) stack: HierarchicalModel,
}

impl Bert {
    pub(super) fn of(config: &Config) -> Result<Self> {
        config.only("model_type", "bert")?;
        config.only("position_embedding_type", "absolute")?;
        let bert = Self {
            codes: config.size("vocab_size")?,
            context: config.size("max_position_embeddings")?,
            types: config.size("type_vocab_size")?,
            width: config.size("hidden_size")?,
            layers: config.size("num_hidden_layers")?,
            heads: config.size("num_attention_heads")?,
            hidden: config.size("intermediate_size")?,
            activation: config.activation("hidden_act", Activation::GeluErf)?,
            epsilon: config.positive("layer_norm_eps", 1e-12)?,
        };
        if bert.layers > MOST_LAYERS {
            return Err(Error::parse(format!(
                "'num_hidden_layers' is {}, but must be at most {MOST_LAYERS}",
                bert.layers
            )));
        }
        if !bert.width.is_multiple_of(bert.heads) {
            return Err(Error::parse(format!(
                "'num_attention_heads' is {}, but must divide 'hidden_size', which is {}",
                bert.heads, bert.width
            )));
        }
        Ok(bert)
    }

    /// Numbers of layers and heads.
    pub(super) fn depth(&self) -> (usize, usize) {
        (self.layers, self.heads)
    }

    /// How many numbers its matrices have.
    pub(super) fn numbers(&self) -> u128 {
        let [w, h] = [self.width, self.hidden].map(|n| n as u128);
        let tables = (self.codes + self.context + self.types) as u128 * w;
        tables + self.layers as u128 * (4 * w * w + 2 * w * h)
    }

    /// Adds its parameters: three tables, the norm of their sum, and a stack of post-norm layers.
    pub(super) fn build(&self, layout: &mut Layout) -> Result<Parts> {
        let w = self.width;
        let table = |layout: &mut Layout, name: &str, rows: usize| {
            Embedding::new(layout, name, (rows, w), 0.02)
        };
        let words = table(layout, "words", self.codes);
        let positions = table(layout, "positions", self.context);
        let types = table(layout, "types", self.types);
        let norm = Norm::new(layout, "norm", w, NormKind::Layer, true).epsilon(self.epsilon);
        let layer = LayerConfig::new(w, self.heads)?
            .hidden(self.hidden)
            .activation(Some(self.activation))
            .norm_first(false)
            .epsilon(self.epsilon);
        let stack = HierarchicalModel::new(layout, "layers", &vec![layer; self.layers])?;
        Ok(Parts {
            words,
            positions,
            types,
            norm,
            stack,
        })
    }

    /// The published tensors of a view.
    pub(super) fn parts(&self, view: &str) -> Vec<Part> {
        let (w, h) = (self.width, self.hidden);
        let embedding =
            |name: &str, shape: &[usize]| vec![Part::new(format!("embeddings.{name}"), shape)];
        match view {
            "words.weight" => return embedding("word_embeddings.weight", &[self.codes, w]),
            "positions.weight" => {
                return embedding("position_embeddings.weight", &[self.context, w]);
            }
            "types.weight" => return embedding("token_type_embeddings.weight", &[self.types, w]),
            "norm.gain" => return embedding("LayerNorm.weight", &[w]),
            "norm.shift" => return embedding("LayerNorm.bias", &[w]),
            _ => {}
        }
        let place = view.strip_prefix("layers.").and_then(|v| v.split_once('.'));
        let Some((layer, part)) = place else {
            return Vec::new();
        };
        let one =
            |name: &str, shape: &[usize]| Part::new(format!("encoder.layer.{layer}.{name}"), shape);
        // Queries, keys and values of all heads are one map here.
        let three = |what: &str, shape: &[usize]| {
            let each = ["query", "key", "value"];
            let each = each.map(|name| one(&format!("attention.self.{name}.{what}"), shape));
            each.into()
        };
        match part {
            "heads.project.weight" => three("weight", &[w, w]),
            "heads.project.bias" => three("bias", &[w]),
            "heads.combine.weight" => vec![one("attention.output.dense.weight", &[w, w])],
            "heads.combine.bias" => vec![one("attention.output.dense.bias", &[w])],
            "norm_heads.gain" => vec![one("attention.output.LayerNorm.weight", &[w])],
            "norm_heads.shift" => vec![one("attention.output.LayerNorm.bias", &[w])],
            "map.expand.weight" => vec![one("intermediate.dense.weight", &[h, w])],
            "map.expand.bias" => vec![one("intermediate.dense.bias", &[h])],
            "map.contract.weight" => vec![one("output.dense.weight", &[w, h])],
            "map.contract.bias" => vec![one("output.dense.bias", &[w])],
            "norm_map.gain" => vec![one("output.LayerNorm.weight", &[w])],
            "norm_map.shift" => vec![one("output.LayerNorm.bias", &[w])],
            _ => Vec::new(),
        }
    }
}

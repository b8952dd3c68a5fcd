//! The sizes of a Transformer.

use locality_core::{Error, Result};
use serde_json::{Value, json};

use super::Transformer;
use crate::Number;
use crate::heads::Places;
use crate::layers::{Activation, NormKind};
use crate::local_layer::LayerConfig;

/// How a Transformer knows positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Positions {
    /// Not at all.
    Unknown,
    /// A learned vector for each, added to the codes'.
    #[default]
    Learned,
    /// Sines and cosines, added to the codes' vectors (Vaswani et al. 2017).
    Sinusoidal,
    /// Queries and keys turn (Su et al. 2021).
    Rotary,
    /// Far keys weigh less (Press et al. 2022).
    Alibi,
}

const POSITIONS: [(&str, Positions); 5] = [
    ("unknown", Positions::Unknown),
    ("learned", Positions::Learned),
    ("sinusoidal", Positions::Sinusoidal),
    ("rotary", Positions::Rotary),
    ("alibi", Positions::Alibi),
];

impl std::str::FromStr for Positions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = POSITIONS.iter().find(|(name, _)| *name == text);
        found.map(|(_, p)| *p).ok_or_else(|| {
            Error::parse(format!(
                "there are no positions '{text}'; choose learned, sinusoidal, rotary, alibi or unknown"
            ))
        })
    }
}

impl Positions {
    /// Its name.
    pub fn name(self) -> &'static str {
        let found = POSITIONS.iter().find(|(_, p)| *p == self);
        found.map_or("learned", |(name, _)| name)
    }
}

/// The sizes of a [`Transformer`], checked by [`build`](Self::build).
///
/// ```
/// use locality_learn::{Positions, TransformerConfig};
/// let model = TransformerConfig::decoder(65, 32)
///     .layers(2)
///     .heads(4)
///     .width(32)
///     .kernel("gaussian")
///     .positions(Positions::Rotary)
///     .build::<f32>(1)?;
/// assert_eq!(model.layout().len(), model.parameters.len());
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
// Each is a choice by itself.
#[allow(clippy::struct_excessive_bools)]
pub struct TransformerConfig {
    pub(crate) codes: usize,
    pub(crate) context: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    groups: Option<usize>,
    pub(crate) width: usize,
    hidden: Option<usize>,
    kernel: String,
    pub(crate) causal: bool,
    window: Option<usize>,
    pub(crate) positions: Positions,
    activation: Option<Activation>,
    norm: NormKind,
    norm_first: bool,
    bias: bool,
    pub(crate) tied: bool,
    pub(crate) dropout: f64,
}

/// No size may be larger: a model beyond it is a mistake, or a file that lies.
const LARGEST: usize = 1 << 24;
/// Nor may there be more layers.
const MOST_LAYERS: usize = 4096;

impl TransformerConfig {
    /// A language model over so many codes that sees `context` of them at once: 4 layers of 4 heads and 128 columns, softmax kernel,
    /// learned positions, pre-norm, GELU, no biases, tied embedding, no dropout.
    pub fn decoder(codes: usize, context: usize) -> Self {
        Self {
            codes,
            context,
            layers: 4,
            heads: 4,
            groups: None,
            width: 128,
            hidden: None,
            kernel: "softmax".to_owned(),
            causal: true,
            window: None,
            positions: Positions::Learned,
            activation: Some(Activation::default()),
            norm: NormKind::Layer,
            norm_first: true,
            bias: false,
            tied: true,
            dropout: 0.0,
        }
    }

    /// The same sizes where every code sees all others.
    pub fn encoder(codes: usize, context: usize) -> Self {
        Self {
            causal: false,
            bias: true,
            ..Self::decoder(codes, context)
        }
    }

    /// Number of layers.
    #[must_use]
    pub fn layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Number of heads, which must divide the width.
    #[must_use]
    pub fn heads(mut self, heads: usize) -> Self {
        self.heads = heads;
        self
    }

    /// Number of key and value heads, which must divide the heads; as many as these by default.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = Some(groups);
        self
    }

    /// Columns of a code's vector.
    #[must_use]
    pub fn width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Columns inside the per-site maps; 4 times the width by default.
    #[must_use]
    pub fn hidden(mut self, hidden: usize) -> Self {
        self.hidden = Some(hidden);
        self
    }

    /// The kernel of every layer, as [`attention_kernel`](crate::attention_kernel) reads it.
    #[must_use]
    pub fn kernel(mut self, kernel: &str) -> Self {
        kernel.clone_into(&mut self.kernel);
        self
    }

    /// How far a code sees, itself included; all by default.
    #[must_use]
    pub fn window(mut self, window: Option<usize>) -> Self {
        self.window = window;
        self
    }

    /// How it knows positions.
    #[must_use]
    pub fn positions(mut self, positions: Positions) -> Self {
        self.positions = positions;
        self
    }

    /// The curve of the per-site maps; none is `SwiGLU`.
    #[must_use]
    pub fn activation(mut self, activation: Option<Activation>) -> Self {
        self.activation = activation;
        self
    }

    /// What norms divide by.
    #[must_use]
    pub fn norm(mut self, norm: NormKind) -> Self {
        self.norm = norm;
        self
    }

    /// Pre-norm or post-norm.
    #[must_use]
    pub fn norm_first(mut self, first: bool) -> Self {
        self.norm_first = first;
        self
    }

    /// Whether linear maps and norms have biases and shifts.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Whether scores are products with the codes' own vectors.
    #[must_use]
    pub fn tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// Probability of dropout in training.
    #[must_use]
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// How many codes there are.
    pub fn code_count(&self) -> usize {
        self.codes
    }

    /// How many codes it sees at once.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Numbers of layers and heads, and the width.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.layers, self.heads, self.width)
    }

    /// The kernel of its layers as given.
    pub fn kernel_text(&self) -> &str {
        &self.kernel
    }

    /// Makes the model, its parameters drawn from a seed.
    ///
    /// # Errors
    /// Sizes of zero or beyond reason, heads that do not divide the width, a kernel that is none, a dropout outside `[0, 1)`.
    pub fn build<T: Number>(&self, seed: u64) -> Result<Transformer<T>> {
        Transformer::new(self.clone(), Some(seed))
    }

    /// The model without its parameters, for those that a file holds.
    pub(crate) fn frame<T: Number>(&self) -> Result<Transformer<T>> {
        Transformer::new(self.clone(), None)
    }

    pub(super) fn check(&self) -> Result<()> {
        let hidden = self.hidden.unwrap_or(1);
        let sizes = [
            ("codes", self.codes),
            ("context", self.context),
            ("layers", self.layers),
            ("heads", self.heads),
            ("width", self.width),
            ("hidden", hidden),
        ];
        for (name, size) in sizes {
            let most = if name == "layers" {
                MOST_LAYERS
            } else {
                LARGEST
            };
            if size == 0 || size > most {
                return Err(Error::parameter(format!(
                    "{name}={size} must be at least 1 and at most {most}"
                )));
            }
        }
        // Sizes that are each within reason may still not be together.
        let (w, h) = (
            self.width as u128,
            self.hidden.unwrap_or(4 * self.width) as u128,
        );
        let all = (self.codes + self.context) as u128 * 2 * w
            + self.layers as u128 * (6 * w * w + 3 * w * h);
        if all > (isize::MAX as u128) / 64 {
            return Err(Error::parameter(format!(
                "a model of width={}, layers={} and codes={} has more parameters than any memory; make it smaller",
                self.width, self.layers, self.codes
            )));
        }
        Ok(())
    }

    /// A number of parameters that a model of these sizes has at the least.
    pub(crate) fn fewest(&self) -> u128 {
        let (w, h) = (self.width as u128, self.hidden.unwrap_or(1) as u128);
        let layer = (w * w).saturating_add(w * h);
        (self.codes as u128 * w).saturating_add((self.layers as u128).saturating_mul(layer))
    }

    /// Columns inside the per-site maps.
    pub(crate) fn hidden_size(&self) -> usize {
        self.hidden.unwrap_or(4 * self.width)
    }

    /// Whether no sequence may be longer than the context.
    pub(super) fn is_bounded(&self) -> bool {
        self.positions == Positions::Learned
    }

    /// Deviation of the first weights (Radford et al. 2019).
    #[allow(clippy::unused_self)]
    pub(super) fn deviation(&self) -> f64 {
        0.02
    }

    /// Every layer; what is added to the residual begins smaller the more layers there are (Radford et al. 2019).
    pub(super) fn layer_configs(&self) -> Result<Vec<LayerConfig>> {
        let places = match self.positions {
            Positions::Rotary => Places::Rotary,
            Positions::Alibi => Places::Alibi,
            _ => Places::Unknown,
        };
        let last = self.deviation() / (2.0 * self.layers as f64).sqrt();
        let layer = LayerConfig::new(self.width, self.heads)?
            .kernel(&self.kernel)?
            .groups(self.groups.unwrap_or(self.heads))
            .causal(self.causal)
            .window(self.window)
            .places(places)
            .bias(self.bias)
            .hidden(self.hidden.unwrap_or(4 * self.width))
            .activation(self.activation)
            .norm(self.norm)
            .norm_first(self.norm_first)
            .dropout(self.dropout)
            .deviations(self.deviation(), last);
        Ok(vec![layer; self.layers])
    }

    /// All of it as a JSON object: what files hold.
    pub fn to_text(&self) -> String {
        self.to_json().to_string()
    }

    /// As JSON, for a file.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "codes": self.codes,
            "context": self.context,
            "layers": self.layers,
            "heads": self.heads,
            "groups": self.groups,
            "width": self.width,
            "hidden": self.hidden,
            "kernel": self.kernel,
            "causal": self.causal,
            "window": self.window,
            "positions": self.positions.name(),
            "activation": self.activation.map(Activation::name),
            "norm": match self.norm { NormKind::Layer => "layer", NormKind::Rms => "rms" },
            "norm_first": self.norm_first,
            "bias": self.bias,
            "tied": self.tied,
            "dropout": self.dropout,
        })
    }

    /// From JSON.
    pub(crate) fn from_json(all: &Value) -> Result<Self> {
        let wrong = |name: &str| {
            Error::parse(format!(
                "the model's configuration has no usable '{name}'; the file is damaged or of another program"
            ))
        };
        let size = |name: &str| {
            let found = all.get(name).and_then(Value::as_u64);
            found
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| wrong(name))
        };
        let maybe = |name: &str| match all.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => size(name).map(Some),
        };
        let flag = |name: &str| {
            let found = all.get(name).and_then(Value::as_bool);
            found.ok_or_else(|| wrong(name))
        };
        let text = |name: &str| {
            let found = all.get(name).and_then(Value::as_str);
            found.ok_or_else(|| wrong(name))
        };
        let activation = match all.get("activation") {
            None | Some(Value::Null) => None,
            Some(_) => Some(text("activation")?.parse()?),
        };
        let dropout = all.get("dropout").and_then(Value::as_f64);
        Ok(Self {
            codes: size("codes")?,
            context: size("context")?,
            layers: size("layers")?,
            heads: size("heads")?,
            groups: maybe("groups")?,
            width: size("width")?,
            hidden: maybe("hidden")?,
            kernel: text("kernel")?.to_owned(),
            causal: flag("causal")?,
            window: maybe("window")?,
            positions: text("positions")?.parse()?,
            activation,
            norm: text("norm")?.parse()?,
            norm_first: flag("norm_first")?,
            bias: flag("bias")?,
            tied: flag("tied")?,
            dropout: dropout.ok_or_else(|| wrong("dropout"))?,
        })
    }
}

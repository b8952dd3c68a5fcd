//! One layer of a hierarchical local model.

use locality_core::{Error, Kernel, Result};

use crate::half::{Half, HalfKept};
use crate::heads::{HeadsCache, HeadsConfig, HeadsKept, LocalHeads, Places, attention_kernel};
use crate::layers::{Activation, Dropout, EPSILON, Norm, NormKind, SiteMap, SiteMapKept};
use crate::{Layer, Layout, Number, Pass};

/// The parameters of a [`LocalLayer`].
///
/// ```
/// use locality_learn::{LayerConfig, Places};
/// let config = LayerConfig::new(32, 4)?.kernel("gaussian")?.causal(true).places(Places::Alibi);
/// assert_eq!(config.kernel_in_force().to_string(), "gaussian(h=1.681792830507429)");
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LayerConfig {
    heads: HeadsConfig,
    hidden: usize,
    activation: Option<Activation>,
    norm: NormKind,
    norm_first: bool,
    epsilon: f64,
    dropout: f64,
}

impl LayerConfig {
    /// A pre-norm layer of `width` columns and so many heads: softmax kernel, no positions, GELU between 4 `width` columns, biases,
    /// no dropout.
    ///
    /// # Errors
    /// A width of zero, or one that the heads do not divide.
    pub fn new(width: usize, heads: usize) -> Result<Self> {
        if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
            return Err(Error::parameter(format!(
                "heads={heads} must divide width={width}, and both must be at least 1"
            )));
        }
        let head_width = width / heads;
        Ok(Self {
            heads: HeadsConfig {
                width,
                heads,
                groups: heads,
                head_width,
                kernel: attention_kernel("softmax", head_width)?,
                causal: false,
                window: None,
                places: Places::Unknown,
                bias: true,
                deviations: (0.02, 0.02),
            },
            hidden: 4 * width,
            activation: Some(Activation::default()),
            norm: NormKind::default(),
            norm_first: true,
            epsilon: EPSILON,
            dropout: 0.0,
        })
    }

    /// The kernel by name or text, as [`attention_kernel`] reads it.
    ///
    /// # Errors
    /// A text that is no kernel.
    pub fn kernel(mut self, text: &str) -> Result<Self> {
        self.heads.kernel = attention_kernel(text, self.heads.head_width)?;
        Ok(self)
    }

    /// The kernel as it is used.
    pub fn kernel_in_force(&self) -> &Kernel {
        &self.heads.kernel
    }

    /// Whether a site sees only itself and those before it.
    #[must_use]
    pub fn causal(mut self, causal: bool) -> Self {
        self.heads.causal = causal;
        self
    }

    /// How far a site sees, itself included.
    #[must_use]
    pub fn window(mut self, window: Option<usize>) -> Self {
        self.heads.window = window;
        self
    }

    /// How heads know positions.
    #[must_use]
    pub fn places(mut self, places: Places) -> Self {
        self.heads.places = places;
        self
    }

    /// Number of key and value heads, which must divide the heads.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.heads.groups = groups;
        self
    }

    /// Whether linear maps and norms have biases and shifts.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.heads.bias = bias;
        self
    }

    /// Columns inside the per-site map.
    #[must_use]
    pub fn hidden(mut self, hidden: usize) -> Self {
        self.hidden = hidden;
        self
    }

    /// The curve of the per-site map; none is the gated one, `SwiGLU`.
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

    /// Whether each half is normalised before it (pre-norm) or the sum after it (post-norm).
    #[must_use]
    pub fn norm_first(mut self, first: bool) -> Self {
        self.norm_first = first;
        self
    }

    /// What norms add to the variance; 1e-5 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Probability of dropout of each half's output in training.
    #[must_use]
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Standard deviations of the first weights: of all maps, and of the last one of each half.
    #[must_use]
    pub fn deviations(mut self, all: f64, last: f64) -> Self {
        self.heads.deviations = (all, last);
        self
    }

    /// With last maps of zero: a pre-norm layer that changes nothing until it is trained.
    pub(crate) fn still(mut self) -> Self {
        self.heads.deviations.1 = 0.0;
        self
    }

    /// Columns of input and output.
    pub fn width(&self) -> usize {
        self.heads.width
    }

    /// Adds a norm as the layer has them.
    fn make_norm(&self, layout: &mut Layout, name: &str) -> Norm {
        let (width, shift) = (self.heads.width, self.heads.bias);
        Norm::new(layout, name, width, self.norm, shift).epsilon(self.epsilon)
    }

    /// Requires what is checked nowhere else.
    pub(crate) fn check(&self) -> Result<()> {
        if self.hidden == 0 {
            return Err(Error::parameter(
                "hidden=0 leaves the per-site map no columns; give at least 1",
            ));
        }
        Ok(())
    }

    /// Adds what is around a branch.
    pub(crate) fn half(&self, layout: &mut Layout, name: &str, number: u64) -> Result<Half> {
        Ok(Half {
            norm_first: self.norm_first,
            dropout: Dropout::new(self.dropout, number)?,
            norm: self.make_norm(layout, name),
        })
    }

    /// Adds the per-site map.
    pub(crate) fn site_map(&self, layout: &mut Layout, name: &str) -> SiteMap {
        SiteMap::new(
            layout,
            name,
            (self.heads.width, self.hidden),
            self.activation,
            self.heads.bias,
            self.heads.deviations,
        )
    }

    /// Whether norms come first, so that a layer whose last maps are zero changes nothing.
    pub(crate) fn is_norm_first(&self) -> bool {
        self.norm_first
    }

    /// What its heads are made of.
    pub(crate) fn heads_config(&self) -> &HeadsConfig {
        &self.heads
    }

    /// Adds the norm at the end of a stack, where the layer has its own first.
    pub(crate) fn last_norm(&self, layout: &mut Layout, name: &str) -> Option<Norm> {
        self.norm_first.then(|| self.make_norm(layout, name))
    }
}

/// A local mean in several heads and a map of each site by itself, both added to what came in:
/// pre-norm `y = x + heads(norm(x)); z = y + map(norm(y))`, post-norm `y = norm(x + heads(x)); z = norm(y + map(y))`.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalLayer {
    halves: [Half; 2],
    heads: LocalHeads,
    site_map: SiteMap,
}

/// What a [`LocalLayer`] keeps.
#[derive(Clone, Debug)]
pub struct LayerKept<T> {
    heads: (HalfKept<T>, HeadsKept<T>),
    /// What came out of the first half.
    middle: Vec<T>,
    site_map: (HalfKept<T>, SiteMapKept<T>),
}

impl LocalLayer {
    /// Adds the layer's parameters below `name`; `number` tells the dropouts of the layers apart.
    ///
    /// # Errors
    /// As [`LocalHeads::new`]; a probability of dropout outside `[0, 1)`; no hidden columns.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        config: &LayerConfig,
        number: usize,
    ) -> Result<Self> {
        config.check()?;
        let number = 2 * number as u64;
        let first = config.half(layout, &format!("{name}.norm_heads"), number + 1)?;
        let heads = LocalHeads::new(layout, &format!("{name}.heads"), config.heads.clone())?;
        let second = config.half(layout, &format!("{name}.norm_map"), number + 2)?;
        let site_map = config.site_map(layout, &format!("{name}.map"));
        Ok(Self {
            halves: [first, second],
            heads,
            site_map,
        })
    }

    /// Its heads.
    pub fn heads(&self) -> &LocalHeads {
        &self.heads
    }

    /// What its heads are given at `input`.
    pub(crate) fn seen_by_heads<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        self.halves[0].seen(parameters, input, pass)
    }

    /// The outputs of further sites of one sequence; see [`LocalHeads::extend`].
    ///
    /// # Errors
    /// As [`forward`](Layer::forward).
    pub fn extend<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        cache: &mut HeadsCache<T>,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        self.around(parameters, input, pass, |x| {
            self.heads.extend(parameters, x, cache)
        })
    }

    /// The layer about its heads, whatever way these take; nothing is kept.
    fn around<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        pass: &Pass<'_>,
        heads: impl FnOnce(&[T]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let [first, second] = &self.halves;
        let middle = first.predict(p, input, pass, heads)?;
        second.predict(p, &middle, pass, |x| self.site_map.predict(p, x, pass))
    }
}

impl<T: Number> Layer<T> for LocalLayer {
    type Kept = LayerKept<T>;

    fn inputs(&self) -> usize {
        Layer::<T>::inputs(&self.heads)
    }

    fn outputs(&self) -> usize {
        Layer::<T>::outputs(&self.heads)
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, LayerKept<T>)> {
        let p = parameters;
        let [first, second] = &self.halves;
        let (middle, heads) = first.forward(p, input, pass, |x| self.heads.forward(p, x, pass))?;
        let (out, site_map) =
            second.forward(p, &middle, pass, |x| self.site_map.forward(p, x, pass))?;
        let kept = LayerKept {
            heads,
            middle,
            site_map,
        };
        Ok((out, kept))
    }

    fn predict(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        let heads = |x: &[T]| self.heads.predict(parameters, x, pass);
        self.around(parameters, input, pass, heads)
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &LayerKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let (p, middle) = (parameters, &kept.middle);
        let [first, second] = &self.halves;
        let (half, map) = &kept.site_map;
        let flow = second.pull_back(p, middle, half, flow, gradients, pass, |x, flow, g| {
            self.site_map.pull_back(p, x, map, flow, g, pass)
        })?;
        let (half, heads) = &kept.heads;
        first.pull_back(p, input, half, &flow, gradients, pass, |x, flow, g| {
            self.heads.pull_back(p, x, heads, flow, g, pass)
        })
    }
}

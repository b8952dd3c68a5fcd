//! One layer of a hierarchical local model.

use locality_core::{Error, Kernel, Result};

use crate::heads::{HeadsCache, HeadsConfig, HeadsKept, LocalHeads, Places, attention_kernel};
use crate::layers::{Activation, Dropout, EPSILON, Norm, NormKind, SiteMap, SiteMapKept, add};
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

    /// Columns of input and output.
    pub fn width(&self) -> usize {
        self.heads.width
    }

    /// Adds a norm as the layer has them.
    fn make_norm(&self, layout: &mut Layout, name: &str) -> Norm {
        let (width, shift) = (self.heads.width, self.heads.bias);
        Norm::new(layout, name, width, self.norm, shift).epsilon(self.epsilon)
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
    norm_first: bool,
    norms: [Norm; 2],
    heads: LocalHeads,
    site_map: SiteMap,
    dropouts: [Dropout; 2],
}

/// What a [`LocalLayer`] keeps.
#[derive(Clone, Debug)]
pub struct LayerKept<T> {
    heads: HeadsKept<T>,
    site_map: SiteMapKept<T>,
    /// Rows and what the two norms keep of them.
    norms: [Vec<T>; 2],
    /// Pre-norm: normalised input, sum of the first half, normalised sum. Post-norm: first sum, its norm, second sum.
    rows: [Vec<T>; 3],
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
        let (width, bias) = (config.heads.width, config.heads.bias);
        if config.hidden == 0 {
            return Err(Error::parameter(
                "hidden=0 leaves the per-site map no columns; give at least 1",
            ));
        }
        let number = 2 * number as u64;
        let dropouts = [
            Dropout::new(config.dropout, number + 1)?,
            Dropout::new(config.dropout, number + 2)?,
        ];
        let first = config.make_norm(layout, &format!("{name}.norm_heads"));
        let heads = LocalHeads::new(layout, &format!("{name}.heads"), config.heads.clone())?;
        let second = config.make_norm(layout, &format!("{name}.norm_map"));
        let site_map = SiteMap::new(
            layout,
            &format!("{name}.map"),
            (width, config.hidden),
            config.activation,
            bias,
            config.heads.deviations,
        );
        Ok(Self {
            norm_first: config.norm_first,
            norms: [first, second],
            heads,
            site_map,
            dropouts,
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
        if self.norm_first {
            return Ok(self.norms[0].forward(parameters, input, pass)?.0);
        }
        Ok(input.to_vec())
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

    /// The layer about its heads, whatever way these take; nothing is kept, nothing dropped.
    fn around<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        pass: &Pass<'_>,
        heads: impl FnOnce(&[T]) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let [first, second] = &self.norms;
        if self.norm_first {
            let (seen, _) = first.forward(p, input, pass)?;
            let mut sum = heads(&seen)?;
            add(&mut sum, input);
            let (seen, _) = second.forward(p, &sum, pass)?;
            let (mut out, _) = self.site_map.forward(p, &seen, pass)?;
            add(&mut out, &sum);
            return Ok(out);
        }
        let mut sum = heads(input)?;
        add(&mut sum, input);
        let (middle, _) = first.forward(p, &sum, pass)?;
        let (mut out, _) = self.site_map.forward(p, &middle, pass)?;
        add(&mut out, &middle);
        Ok(second.forward(p, &out, pass)?.0)
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
        let ([first, second], [drop_heads, drop_map]) = (&self.norms, &self.dropouts);
        if self.norm_first {
            let (seen, kept_first) = first.forward(p, input, pass)?;
            let (mut sum, heads) = self.heads.forward(p, &seen, pass)?;
            drop_heads.apply(&mut sum, pass);
            add(&mut sum, input);
            let (mapped, kept_second) = second.forward(p, &sum, pass)?;
            let (mut out, site_map) = self.site_map.forward(p, &mapped, pass)?;
            drop_map.apply(&mut out, pass);
            add(&mut out, &sum);
            let kept = LayerKept {
                heads,
                site_map,
                norms: [kept_first, kept_second],
                rows: [seen, sum, mapped],
            };
            return Ok((out, kept));
        }
        let (mut sum, heads) = self.heads.forward(p, input, pass)?;
        drop_heads.apply(&mut sum, pass);
        add(&mut sum, input);
        let (middle, kept_first) = first.forward(p, &sum, pass)?;
        let (mut total, site_map) = self.site_map.forward(p, &middle, pass)?;
        drop_map.apply(&mut total, pass);
        add(&mut total, &middle);
        let (out, kept_second) = second.forward(p, &total, pass)?;
        let kept = LayerKept {
            heads,
            site_map,
            norms: [kept_first, kept_second],
            rows: [sum, middle, total],
        };
        Ok((out, kept))
    }

    fn predict(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        if pass.chance.is_some() {
            return Ok(self.forward(parameters, input, pass)?.0);
        }
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
        let (p, g) = (parameters, gradients);
        let ([first, second], [drop_heads, drop_map]) = (&self.norms, &self.dropouts);
        let [a, b, c] = &kept.rows;
        let [kept_first, kept_second] = &kept.norms;
        if self.norm_first {
            let (seen, sum, mapped) = (a, b, c);
            let mut dropped = flow.to_vec();
            drop_map.apply(&mut dropped, pass);
            let back = self
                .site_map
                .pull_back(p, mapped, &kept.site_map, &dropped, g, pass)?;
            let mut by_sum = second.pull_back(p, sum, kept_second, &back, g, pass)?;
            add(&mut by_sum, flow);
            dropped.copy_from_slice(&by_sum);
            drop_heads.apply(&mut dropped, pass);
            let back = self
                .heads
                .pull_back(p, seen, &kept.heads, &dropped, g, pass)?;
            let mut out = first.pull_back(p, input, kept_first, &back, g, pass)?;
            add(&mut out, &by_sum);
            return Ok(out);
        }
        let (sum, middle, total) = (a, b, c);
        let by_total = second.pull_back(p, total, kept_second, flow, g, pass)?;
        let mut dropped = by_total.clone();
        drop_map.apply(&mut dropped, pass);
        let mut by_middle =
            self.site_map
                .pull_back(p, middle, &kept.site_map, &dropped, g, pass)?;
        add(&mut by_middle, &by_total);
        let by_sum = first.pull_back(p, sum, kept_first, &by_middle, g, pass)?;
        dropped.copy_from_slice(&by_sum);
        drop_heads.apply(&mut dropped, pass);
        let mut out = self
            .heads
            .pull_back(p, input, &kept.heads, &dropped, g, pass)?;
        add(&mut out, &by_sum);
        Ok(out)
    }
}

//! Stacks of local layers.

use locality_core::{Error, Result};

use crate::heads::HeadsCache;
use crate::layers::Norm;
use crate::local_layer::{LayerConfig, LayerKept, LocalLayer};
use crate::{Layer, Layout, Number, Pass};

/// A hierarchical local model: layer over layer, each a local mean over the one below with a kernel of its own (Song 2026, arXiv
/// 2605.20635, the hierarchical models), and a norm at the end where the layers are pre-norm.
///
/// ```
/// use locality_learn::{HierarchicalModel, Layer, LayerConfig, Layout, Pass, Sets};
/// let mut layout = Layout::default();
/// let layers = [
///     LayerConfig::new(8, 2)?.kernel("gaussian")?.window(Some(3)),
///     LayerConfig::new(8, 2)?,
/// ];
/// let model = HierarchicalModel::new(&mut layout, "layers", &layers)?;
/// let parameters = layout.initialize::<f64>(1);
/// let sets = Sets::of(&[5, 2])?;
/// let (out, _) = model.forward(&parameters, &[0.5; 7 * 8], &Pass::new(&sets))?;
/// assert_eq!(out.len(), 7 * 8);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HierarchicalModel {
    width: usize,
    layers: Vec<LocalLayer>,
    last: Option<Norm>,
}

/// What a [`HierarchicalModel`] keeps: of each layer its input and what it keeps itself.
#[derive(Clone, Debug)]
pub struct HierarchyKept<T> {
    layers: Vec<(Vec<T>, LayerKept<T>)>,
    last: Option<(Vec<T>, Vec<T>)>,
}

impl HierarchicalModel {
    /// Adds the parameters of the layers as `name.0`, `name.1`, .., and those of the last norm as `name.norm`.
    ///
    /// # Errors
    /// No layers, layers of different widths, and as [`LocalLayer::new`].
    pub fn new(layout: &mut Layout, name: &str, layers: &[LayerConfig]) -> Result<Self> {
        let Some(first) = layers.first() else {
            return Err(Error::empty("a model of no layers; give at least one"));
        };
        let width = first.width();
        if let Some(i) = layers.iter().position(|l| l.width() != width) {
            return Err(Error::shape(format!(
                "layer {i} (counted from 0) has width {}, but the first has {width}; residuals need the same",
                layers[i].width()
            )));
        }
        let made = layers.iter().enumerate();
        let made = made.map(|(i, c)| LocalLayer::new(layout, &format!("{name}.{i}"), c, i));
        let made = made.collect::<Result<Vec<_>>>()?;
        let last = layers[layers.len() - 1].last_norm(layout, &format!("{name}.norm"));
        Ok(Self {
            width,
            layers: made,
            last,
        })
    }

    /// The layers, from the lowest up.
    pub fn layers(&self) -> &[LocalLayer] {
        &self.layers
    }

    /// What comes out of the first `count` layers.
    pub(crate) fn below<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        count: usize,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        pass.check("input", input, self.width)?;
        let mut x = input.to_vec();
        for layer in &self.layers[..count] {
            x = layer.predict(parameters, &x, pass)?;
        }
        Ok(x)
    }

    /// Forward from what comes out of the first `from` layers; the way back then ends there.
    pub(crate) fn forward_from<T: Number>(
        &self,
        from: usize,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, HierarchyKept<T>)> {
        let mut x = input.to_vec();
        let mut layers = Vec::with_capacity(self.layers.len() - from);
        for layer in &self.layers[from..] {
            let (out, kept) = layer.forward(parameters, &x, pass)?;
            layers.push((std::mem::replace(&mut x, out), kept));
        }
        let Some(norm) = &self.last else {
            return Ok((x, HierarchyKept { layers, last: None }));
        };
        let (out, kept) = norm.forward(parameters, &x, pass)?;
        let last = Some((x, kept));
        Ok((out, HierarchyKept { layers, last }))
    }

    /// The weights `[layers, heads, n, n]` by which some heads of some layers attend to the sites of one set: row `i` is what site `i` sees. All
    /// layers and heads where none are named.
    ///
    /// # Errors
    /// A layer or head that is not there, and as [`forward`](Layer::forward).
    pub fn weights<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        (layers, heads): (&[usize], &[usize]),
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        pass.check("input", input, self.width)?;
        if let Some(layer) = layers.iter().find(|l| **l >= self.layers.len()) {
            return Err(Error::parameter(format!(
                "layer={layer} (counted from 0) must be below {}",
                self.layers.len()
            )));
        }
        let every: Vec<usize> = (0..self.layers.len()).collect();
        let layers = if layers.is_empty() { &every } else { layers };
        let top = layers.iter().max().map_or(0, |l| l + 1);
        let (mut x, mut found) = (input.to_vec(), vec![Vec::new(); top]);
        for (i, layer) in self.layers[..top].iter().enumerate() {
            if layers.contains(&i) {
                let seen = layer.seen_by_heads(parameters, &x, pass)?;
                let own: Vec<usize> = (0..layer.heads().config().heads).collect();
                let heads = if heads.is_empty() { &own } else { heads };
                found[i] = layer
                    .heads()
                    .weights_of(parameters, &seen, pass, 0, heads)?;
            }
            if i + 1 < top {
                x = layer.predict(parameters, &x, pass)?;
            }
        }
        Ok(layers.iter().flat_map(|l| found[*l].clone()).collect())
    }

    /// An empty cache for each layer.
    ///
    /// # Errors
    /// Layers that are not causal.
    pub fn cache<T: Number>(&self) -> Result<Vec<HeadsCache<T>>> {
        self.layers.iter().map(|l| l.heads().cache()).collect()
    }

    /// The outputs of further sites of one sequence; see [`LocalHeads::extend`](crate::LocalHeads::extend).
    ///
    /// # Errors
    /// As [`forward`](Layer::forward).
    pub fn extend<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        caches: &mut [HeadsCache<T>],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        pass.check("input", input, self.width)?;
        if caches.len() != self.layers.len() {
            return Err(Error::shape(format!(
                "there are {} caches, but {} layers; pass what HierarchicalModel::cache returned",
                caches.len(),
                self.layers.len()
            )));
        }
        let mut x = input.to_vec();
        for (layer, cache) in self.layers.iter().zip(caches) {
            x = layer.extend(parameters, &x, cache, pass)?;
        }
        if let Some(norm) = &self.last {
            x = norm.forward(parameters, &x, pass)?.0;
        }
        Ok(x)
    }
}

impl<T: Number> Layer<T> for HierarchicalModel {
    type Kept = HierarchyKept<T>;

    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs(&self) -> usize {
        self.width
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, HierarchyKept<T>)> {
        self.forward_from(0, parameters, input, pass)
    }

    fn predict(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        let x = self.below(parameters, input, self.layers.len(), pass)?;
        match &self.last {
            Some(norm) => norm.predict(parameters, &x, pass),
            None => Ok(x),
        }
    }

    fn pull_back(
        &self,
        parameters: &[T],
        _: &[T],
        kept: &HierarchyKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let mut flow = match (&self.last, &kept.last) {
            (Some(norm), Some((x, kept))) => {
                norm.pull_back(parameters, x, kept, flow, gradients, pass)?
            }
            _ => flow.to_vec(),
        };
        // From the top down as far as the way up began.
        let layers = self.layers.iter().rev().zip(kept.layers.iter().rev());
        for (layer, (x, kept)) in layers {
            flow = layer.pull_back(parameters, x, kept, &flow, gradients, pass)?;
        }
        Ok(flow)
    }
}

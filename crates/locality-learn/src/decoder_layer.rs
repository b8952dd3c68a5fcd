//! One layer of a hierarchical local model that looks at another one.

use locality_core::Result;

use crate::half::{Half, HalfKept};
use crate::heads::{CrossHeads, CrossKept, HeadsCache, HeadsKept, LocalHeads, Places, Source};
use crate::layers::{SiteMap, SiteMapKept};
use crate::local_layer::LayerConfig;
use crate::{Layer, Layout, Number, Pass};

/// A [local layer](crate::LocalLayer) with a third part between its two: a local mean over a [`Source`] under the same kernel, as in the decoder of
/// Vaswani et al. (2017). Each part has its norm and residual: pre-norm `y = x + part(norm(x))`, post-norm `y = norm(x + part(x))`.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderLayer {
    halves: [Half; 3],
    heads: LocalHeads,
    cross: CrossHeads,
    site_map: SiteMap,
}

/// What a [`DecoderLayer`] keeps.
#[derive(Clone, Debug)]
pub struct DecoderKept<T> {
    heads: (HalfKept<T>, HeadsKept<T>),
    cross: (HalfKept<T>, CrossKept<T>),
    site_map: (HalfKept<T>, SiteMapKept<T>),
    /// What came out of the first part, and of the second.
    between: [Vec<T>; 2],
}

/// What a [`DecoderLayer`] remembers of its sequence and of its source.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderCache<T> {
    heads: HeadsCache<T>,
    keyed: Vec<T>,
}

impl DecoderLayer {
    /// Adds the layer's parameters below `name`; a source has `columns` columns, `number` tells the dropouts of the layers apart. Rules of who
    /// sees whom, and positions, are those of the layer's own sequence.
    ///
    /// # Errors
    /// As [`LocalLayer::new`](crate::LocalLayer::new) and [`CrossHeads::new`].
    pub fn new(
        layout: &mut Layout,
        name: &str,
        config: &LayerConfig,
        columns: usize,
        number: usize,
    ) -> Result<Self> {
        config.check()?;
        let number = 3 * number as u64;
        let first = config.half(layout, &format!("{name}.norm_heads"), number + 1)?;
        let heads = config.heads_config().clone();
        let across = crate::HeadsConfig {
            causal: false,
            window: None,
            places: Places::Unknown,
            ..heads.clone()
        };
        let heads = LocalHeads::new(layout, &format!("{name}.heads"), heads)?;
        let second = config.half(layout, &format!("{name}.norm_cross"), number + 2)?;
        let cross = CrossHeads::new(layout, &format!("{name}.cross"), across, columns)?;
        let third = config.half(layout, &format!("{name}.norm_map"), number + 3)?;
        Ok(Self {
            halves: [first, second, third],
            heads,
            cross,
            site_map: config.site_map(layout, &format!("{name}.map")),
        })
    }

    /// From rows `[rows, width]` and their source to the output, with what the way back needs.
    ///
    /// # Errors
    /// As [`LocalLayer`](crate::LocalLayer) and [`CrossHeads::forward`].
    pub fn forward<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        source: Source<'_, T>,
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, DecoderKept<T>)> {
        let [first, second, third] = &self.halves;
        let (a, heads) = first.forward(p, input, pass, |x| self.heads.forward(p, x, pass))?;
        let (b, cross) = second.forward(p, &a, pass, |x| self.cross.forward(p, x, source, pass))?;
        let (out, site_map) = third.forward(p, &b, pass, |x| self.site_map.forward(p, x, pass))?;
        let kept = DecoderKept {
            heads,
            cross,
            site_map,
            between: [a, b],
        };
        Ok((out, kept))
    }

    /// The output alone.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        source: Source<'_, T>,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let [first, second, third] = &self.halves;
        let x = first.predict(p, input, pass, |x| self.heads.predict(p, x, pass))?;
        let x = second.predict(p, &x, pass, |x| self.cross.predict(p, x, source, pass))?;
        third.predict(p, &x, pass, |x| self.site_map.predict(p, x, pass))
    }

    /// From the flow by the output to that by the rows, which is returned, and to that by the source, which is added to `by_source`; derivatives by
    /// the parameters are added to `gradients`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    #[allow(clippy::too_many_arguments)]
    pub fn pull_back<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        source: Source<'_, T>,
        kept: &DecoderKept<T>,
        flow: &[T],
        gradients: &mut [T],
        by_source: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let [first, second, third] = &self.halves;
        let ([a, b], g) = (&kept.between, gradients);
        let (half, map) = &kept.site_map;
        let flow = third.pull_back(p, b, half, flow, g, pass, |x, flow, g| {
            self.site_map.pull_back(p, x, map, flow, g, pass)
        })?;
        let (half, cross) = &kept.cross;
        let flow = second.pull_back(p, a, half, &flow, g, pass, |x, flow, g| {
            self.cross
                .pull_back(p, x, source, cross, flow, g, by_source, pass)
        })?;
        let (half, heads) = &kept.heads;
        first.pull_back(p, input, half, &flow, g, pass, |x, flow, g| {
            self.heads.pull_back(p, x, heads, flow, g, pass)
        })
    }

    /// What it remembers before the first site of a sequence that looks at a source of one set.
    ///
    /// # Errors
    /// A layer that is not causal, a source that does not fit.
    pub fn cache<T: Number>(&self, p: &[T], source: Source<'_, T>) -> Result<DecoderCache<T>> {
        Ok(DecoderCache {
            heads: self.heads.cache()?,
            keyed: self.cross.keyed(p, source)?,
        })
    }

    /// The outputs of further sites of one sequence; see [`LocalHeads::extend`].
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn extend<T: Number>(
        &self,
        p: &[T],
        input: &[T],
        cache: &mut DecoderCache<T>,
        others: &crate::Sets,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let [first, second, third] = &self.halves;
        let own = &mut cache.heads;
        let x = first.predict(p, input, pass, |x| self.heads.extend(p, x, own))?;
        let keyed = &cache.keyed;
        let x = second.predict(p, &x, pass, |x| self.cross.look(p, x, keyed, others, pass))?;
        third.predict(p, &x, pass, |x| self.site_map.predict(p, x, pass))
    }
}

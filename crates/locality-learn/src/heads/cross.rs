//! Heads that look at other sets than their own: what an encoder made of a source.

use locality_core::{Error, Head, HeadFlow, LocalMean, LocalMeans, Result, Rows, Watch};

use super::{HeadsConfig, Places, by_sets};
use crate::layers::Linear;
use crate::{Layer, Layout, Number, Pass, Sets};

/// Rows that others look at, set by set: the first set of those who look sees the first of these.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a, T> {
    /// `[sets.rows(), columns]`
    pub rows: &'a [T],
    /// How they form sets, as many as those who look.
    pub sets: &'a Sets,
}

/// Attention across (Vaswani et al. 2017, section 3.2.3) under any kernel: queries come from the rows of the layer, keys and values from those of a
/// [`Source`]. Every row sees its whole source.
///
/// ```
/// use locality_learn::{CrossHeads, HeadsConfig, Layout, Pass, Places, Sets, Source, attention_kernel};
/// let config = HeadsConfig {
///     width: 8,
///     heads: 2,
///     groups: 2,
///     head_width: 4,
///     kernel: attention_kernel("gaussian", 4)?,
///     causal: false,
///     window: None,
///     places: Places::Unknown,
///     bias: true,
///     deviations: (0.3, 0.3),
/// };
/// let mut layout = Layout::default();
/// let heads = CrossHeads::new(&mut layout, "cross", config, 6)?;
/// let parameters = layout.initialize::<f64>(1);
/// let (own, others) = (Sets::of(&[3, 1])?, Sets::of(&[2, 5])?);
/// let source = Source { rows: &[0.5; 7 * 6], sets: &others };
/// let out = heads.predict(&parameters, &[0.1; 4 * 8], source, &Pass::new(&own))?;
/// assert_eq!(out.len(), 4 * 8);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CrossHeads {
    config: HeadsConfig,
    mean: LocalMean,
    queries: Linear,
    /// Keys of all groups, then their values.
    keyed: Linear,
    combine: Linear,
}

/// What [`CrossHeads`] keep.
#[derive(Clone, Debug)]
pub struct CrossKept<T> {
    queries: Vec<T>,
    keyed: Vec<T>,
    found: Vec<LocalMeans<T>>,
    means: Vec<T>,
}

impl CrossHeads {
    /// Adds `name.queries`, `name.keyed`, whose outputs are the keys of all groups and then their values, and `name.combine`. A source has `columns`
    /// columns.
    ///
    /// # Errors
    /// As [`LocalHeads::new`](super::LocalHeads::new); rules of who sees whom, or positions, which say nothing between two sets; a source of no columns.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        config: HeadsConfig,
        columns: usize,
    ) -> Result<Self> {
        config.check()?;
        let c = &config;
        if c.causal || c.window.is_some() || c.places != Places::Unknown {
            return Err(Error::unsupported(
                "places of one set say nothing about those of another; leave out causal, window and places",
            ));
        }
        if columns == 0 {
            return Err(Error::parameter(
                "a source of 0 columns says nothing; give at least 1",
            ));
        }
        let (own, shared) = (c.heads * c.head_width, 2 * c.groups * c.head_width);
        let (d, e) = c.deviations;
        let add = |layout: &mut Layout, part: &str, sizes, deviation| {
            Linear::new(layout, &format!("{name}.{part}"), sizes, c.bias, deviation)
        };
        Ok(Self {
            mean: c.mean(),
            queries: add(layout, "queries", (c.width, own), d),
            keyed: add(layout, "keyed", (columns, shared), d),
            combine: add(layout, "combine", (own, c.width), e),
            config,
        })
    }

    /// Keys and values of a source, which stay while a sequence that looks at it grows.
    ///
    /// # Errors
    /// Rows that do not fit.
    pub fn keyed<T: Number>(&self, parameters: &[T], source: Source<'_, T>) -> Result<Vec<T>> {
        let pass = Pass::new(source.sets);
        self.keyed.predict(parameters, source.rows, &pass)
    }

    /// Every head of every set.
    fn heads<'a, T: Number>(
        &self,
        queries: &'a [T],
        keyed: &'a [T],
        own: &Sets,
        others: &Sets,
    ) -> Result<Vec<Head<'a, T>>> {
        if own.count() != others.count() {
            return Err(Error::shape(format!(
                "there are {} sets, but {} sources; give one for each",
                own.count(),
                others.count()
            )));
        }
        let c = &self.config;
        let (width, stride, shared) = (c.head_width, self.stride(), self.shared());
        let mut out = Vec::with_capacity(own.count() * c.heads);
        for (own, others) in own.iter().zip(others.iter()) {
            let queries = &queries[own.start * stride..own.end * stride];
            let keyed = &keyed[others.start * shared..others.end * shared];
            for head in 0..c.heads {
                let (key, value) = self.place(head);
                let part = |at: usize| Rows::with_stride(&keyed[at..], others.len(), width, shared);
                let queries =
                    Rows::with_stride(&queries[head * width..], own.len(), width, stride)?;
                out.push(Head {
                    queries,
                    keys: part(key)?,
                    values: part(value)?,
                    bias: None,
                });
            }
        }
        Ok(out)
    }

    /// Where the keys and values of a head lie in a row of both.
    fn place(&self, head: usize) -> (usize, usize) {
        let c = &self.config;
        let group = head / (c.heads / c.groups);
        (group * c.head_width, (c.groups + group) * c.head_width)
    }

    fn stride(&self) -> usize {
        self.config.heads * self.config.head_width
    }

    fn shared(&self) -> usize {
        2 * self.config.groups * self.config.head_width
    }

    /// The output `[rows, width]` for rows `[rows, width]`, with what the way back needs.
    ///
    /// # Errors
    /// Shapes that do not fit, as many sources as there are not sets, numbers that have left the type's range.
    pub fn forward<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        source: Source<'_, T>,
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, CrossKept<T>)> {
        let keyed = self.keyed(parameters, source)?;
        let (out, [queries, means], found) =
            self.mix(parameters, input, &keyed, source.sets, pass)?;
        let kept = CrossKept {
            queries,
            keyed,
            found,
            means,
        };
        Ok((out, kept))
    }

    /// The output alone.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        source: Source<'_, T>,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        Ok(self.forward(parameters, input, source, pass)?.0)
    }

    /// The output alone from what [`keyed`](Self::keyed) made of a source.
    pub(crate) fn look<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        keyed: &[T],
        others: &Sets,
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        Ok(self.mix(parameters, input, keyed, others, pass)?.0)
    }

    /// The output, the queries and means of all heads, and what each head found.
    #[allow(clippy::type_complexity)]
    fn mix<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        keyed: &[T],
        others: &Sets,
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, [Vec<T>; 2], Vec<LocalMeans<T>>)> {
        let queries = self.queries.predict(parameters, input, pass)?;
        let heads = self.heads(&queries, keyed, pass.sets, others)?;
        let found = self.mean.at_heads(&heads, None, &Watch::default())?;
        let (count, width) = (self.config.heads, self.config.head_width);
        let mut means = vec![T::ZERO; queries.len()];
        by_sets(&mut means, self.stride(), pass.sets, |set, rows| {
            for (head, found) in found[set * count..][..count].iter().enumerate() {
                let to = rows.chunks_exact_mut(count * width);
                for (to, from) in to.zip(found.means.chunks_exact(width)) {
                    to[head * width..][..width].copy_from_slice(from);
                }
            }
        });
        let out = self.combine.predict(parameters, &means, pass)?;
        Ok((out, [queries, means], found))
    }

    /// From the flow by the output to that by the rows, which is returned, and to that by the source, which is added to `by_source`; derivatives by
    /// the parameters are added to `gradients`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    #[allow(clippy::too_many_arguments)]
    pub fn pull_back<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        source: Source<'_, T>,
        kept: &CrossKept<T>,
        flow: &[T],
        gradients: &mut [T],
        by_source: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let others = Pass::new(source.sets);
        others.check("by_source", by_source, self.keyed_inputs::<T>())?;
        let (count, width, stride) = (self.config.heads, self.config.head_width, self.stride());
        let flow = self
            .combine
            .pull_back(parameters, &kept.means, &(), flow, gradients, pass)?;
        let heads = self.heads(&kept.queries, &kept.keyed, pass.sets, source.sets)?;
        let mut flows = Vec::with_capacity(heads.len());
        for (set, range) in pass.sets.iter().enumerate() {
            let rows = &flow[range.start * stride..range.end * stride];
            for head in 0..count {
                let means = Rows::with_stride(&rows[head * width..], range.len(), width, stride)?;
                flows.push(HeadFlow {
                    at: Some(&kept.found[set * count + head]),
                    means,
                    log_normalizer: None,
                    to_bias: false,
                });
            }
        }
        let watch = Watch::default();
        let back = self.mean.pull_back_heads(&heads, None, &flows, &watch)?;
        // Heads of a group share its keys and values, so their derivatives add up.
        let add = |rows: &mut [T], stride: usize, at: usize, part: &[T]| {
            let to = rows.chunks_exact_mut(stride);
            for (to, from) in to.zip(part.chunks_exact(width)) {
                let to = &mut to[at..][..width];
                to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
            }
        };
        let mut by_queries = vec![T::ZERO; kept.queries.len()];
        by_sets(&mut by_queries, stride, pass.sets, |set, rows| {
            for (head, back) in back[set * count..][..count].iter().enumerate() {
                add(rows, stride, head * width, &back.queries);
            }
        });
        let (shared, mut by_keyed) = (self.shared(), vec![T::ZERO; kept.keyed.len()]);
        by_sets(&mut by_keyed, shared, source.sets, |set, rows| {
            for (head, back) in back[set * count..][..count].iter().enumerate() {
                let (key, value) = self.place(head);
                add(rows, shared, key, &back.keys);
                add(rows, shared, value, &back.values);
            }
        });
        let back =
            self.keyed
                .pull_back(parameters, source.rows, &(), &by_keyed, gradients, &others)?;
        crate::layers::add(by_source, &back);
        self.queries
            .pull_back(parameters, input, &(), &by_queries, gradients, pass)
    }

    fn keyed_inputs<T: Number>(&self) -> usize {
        Layer::<T>::inputs(&self.keyed)
    }
}

//! Several local means side by side, over learned queries, keys and values: attention under any kernel.

mod cache;
mod config;
mod cross;
mod fused;

use locality_core::{Bias, Error, Head, HeadFlow, LocalMean, LocalMeans, Result, Rows, Watch};
use rayon::prelude::*;

pub use cache::HeadsCache;
pub use config::{HeadsConfig, Places, attention_kernel};
pub use cross::{CrossHeads, CrossKept, Source};
use fused::Fused;

use crate::layers::{Linear, Rotary, alibi_slopes};
use crate::{Layer, Layout, Number, Pass, Sets};

/// Attention: a linear map to queries, keys and values, the local mean of each head on the engine's own forward and pull-back,
/// and a linear map of all heads' means (Vaswani et al. 2017; theory of hierarchical local models in Song 2026, arXiv 2605.20635).
#[derive(Clone, Debug, PartialEq)]
pub struct LocalHeads {
    config: HeadsConfig,
    mean: LocalMean,
    fused: Option<Fused>,
    slopes: Vec<f64>,
    project: Linear,
    combine: Linear,
}

/// What [`LocalHeads`] keep: queries, keys and values, and what each head found.
#[derive(Clone, Debug)]
pub struct HeadsKept<T> {
    projected: Vec<T>,
    found: Found<T>,
    means: Vec<T>,
}

/// Means and normalisers of each head, or the weights of each set.
#[derive(Clone, Debug)]
enum Found<T> {
    Engine(Vec<LocalMeans<T>>),
    Fused(Vec<Vec<T>>),
}

/// Where the parts of a head lie in a projected row.
#[derive(Clone, Copy)]
struct Place {
    query: usize,
    key: usize,
    value: usize,
}

impl LocalHeads {
    /// Adds `name.project`, whose outputs are the queries of all heads, then their keys, then their values, and `name.combine`.
    ///
    /// # Errors
    /// Sizes of zero, heads that do not divide into groups, an odd width under rotary positions, a kernel that is none.
    pub fn new(layout: &mut Layout, name: &str, config: HeadsConfig) -> Result<Self> {
        config.check()?;
        let c = &config;
        let (all, last) = (
            (c.heads + 2 * c.groups) * c.head_width,
            c.heads * c.head_width,
        );
        let (project, combine) = (format!("{name}.project"), format!("{name}.combine"));
        let (d, e) = c.deviations;
        let project = Linear::new(layout, &project, (c.width, all), c.bias, d);
        let combine = Linear::new(layout, &combine, (last, c.width), c.bias, e);
        let mean = c.mean().neighborhood(c.neighborhood());
        let slopes = match c.places {
            Places::Alibi => alibi_slopes(c.heads),
            _ => Vec::new(),
        };
        Ok(Self {
            fused: Fused::of(&config.kernel),
            config,
            mean,
            slopes,
            project,
            combine,
        })
    }

    /// Its parameters.
    pub fn config(&self) -> &HeadsConfig {
        &self.config
    }

    /// Columns of a projected row.
    fn columns(&self) -> usize {
        (self.config.heads + 2 * self.config.groups) * self.config.head_width
    }

    fn place(&self, head: usize) -> Place {
        let c = &self.config;
        let group = head / (c.heads / c.groups);
        Place {
            query: head * c.head_width,
            key: (c.heads + group) * c.head_width,
            value: (c.heads + c.groups + group) * c.head_width,
        }
    }

    /// The biases of each head for sets of up to `longest` sites: entry `o + longest - 1` is for a key `o` places behind.
    fn biases<T: Number>(&self, longest: usize) -> Vec<Vec<T>> {
        let table = |slope: &f64| {
            let offsets = 0..2 * longest - 1;
            let entry = |e: usize| T::from_f64(-slope * (e as f64 - (longest - 1) as f64).abs());
            offsets.map(entry).collect()
        };
        self.slopes.iter().map(table).collect()
    }

    /// Every head of every set, set after set.
    fn heads<'a, T: Number>(
        &self,
        projected: &'a [T],
        biases: &'a [Vec<T>],
        sets: &Sets,
    ) -> Result<Vec<Head<'a, T>>> {
        let (width, stride) = (self.config.head_width, self.columns());
        let mut out = Vec::with_capacity(sets.count() * self.config.heads);
        for range in sets.iter() {
            let n = range.len();
            let rows = &projected[range.start * stride..range.end * stride];
            let part = |at: usize| Rows::with_stride(&rows[at..], n, width, stride);
            for head in 0..self.config.heads {
                let place = self.place(head);
                let bias = biases.get(head).map(|table| {
                    let spare = (table.len() + 1 - 2 * n) / 2;
                    Bias::Relative(&table[spare..][..2 * n - 1])
                });
                out.push(Head {
                    queries: part(place.query)?,
                    keys: part(place.key)?,
                    values: part(place.value)?,
                    bias,
                });
            }
        }
        Ok(out)
    }

    /// Turns the queries and keys of projected rows.
    fn turn<T: Number>(&self, projected: &mut [T], sets: &Sets, back: bool) {
        if self.config.places != Places::Rotary {
            return;
        }
        let (width, stride) = (self.config.head_width, self.columns());
        let rotary = Rotary::new(0, sets.longest(), width);
        let turned = (self.config.heads + self.config.groups) * width;
        by_sets(projected, stride, sets, |_, rows| {
            for (place, row) in rows.chunks_exact_mut(stride).enumerate() {
                for part in row[..turned].chunks_exact_mut(width) {
                    rotary.turn(place, part, back);
                }
            }
        });
    }

    /// The weights `[n, n]` by which a head of a set attends: row `i` is what site `i` sees, summing up to one.
    ///
    /// # Errors
    /// A set or head that is not there, shapes that do not fit.
    pub fn weights<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
        set: usize,
        head: usize,
    ) -> Result<Vec<T>> {
        self.weights_of(parameters, input, pass, set, &[head])
    }

    /// The same of several heads, `[heads, n, n]`.
    ///
    /// # Errors
    /// As [`weights`](Self::weights).
    pub fn weights_of<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
        set: usize,
        heads: &[usize],
    ) -> Result<Vec<T>> {
        let wrong = heads.iter().find(|head| **head >= self.config.heads);
        if set >= pass.sets.count() || wrong.is_some() {
            return Err(Error::parameter(format!(
                "set={set} and head={} (counted from 0) must be below {} and {}",
                wrong.or(heads.first()).unwrap_or(&0),
                pass.sets.count(),
                self.config.heads
            )));
        }
        let (mut projected, ()) = self.project.forward(parameters, input, pass)?;
        self.turn(&mut projected, pass.sets, false);
        let biases = self.biases(pass.sets.longest());
        let all = self.heads(&projected, &biases, pass.sets)?;
        let watch = Watch::default();
        let n = pass.sets.range(set).len();
        let mut out = Vec::with_capacity(heads.len() * n * n);
        for head in heads {
            let own = all[set * self.config.heads + head];
            let fit = self.mean.fit(own.keys, own.values)?;
            out.extend(match own.bias {
                Some(bias) => fit.biased(bias).weights(own.queries, &watch)?,
                None => fit.weights(own.queries, &watch)?,
            });
        }
        Ok(out)
    }

    /// Forward; without `keep` the weights of a set are let go with it.
    fn run<T: Number>(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
        keep: bool,
    ) -> Result<(Vec<T>, HeadsKept<T>)> {
        let (mut projected, ()) = self.project.forward(parameters, input, pass)?;
        self.turn(&mut projected, pass.sets, false);
        let biases = self.biases(pass.sets.longest());
        let (count, width) = (self.config.heads, self.config.head_width);
        let mut means = vec![T::ZERO; pass.sets.rows() * count * width];
        let found = match self.fused {
            Some(fused) if Fused::suits(pass.sets) => {
                let (sets, projected) = (pass.sets, &projected[..]);
                let all = fused::forward(self, fused, projected, &biases, sets, &mut means, keep);
                if means.iter().any(|m| !m.is_finite()) {
                    return Err(Error::not_finite(format!(
                        "scores of attention have left the range of {}; lower the learning rate or clip gradients",
                        T::NAME
                    )));
                }
                Found::Fused(all)
            }
            _ => {
                let heads = self.heads(&projected, &biases, pass.sets)?;
                let found = self.mean.at_heads(&heads, None, &Watch::default())?;
                by_sets(&mut means, count * width, pass.sets, |set, rows| {
                    for (head, found) in found[set * count..][..count].iter().enumerate() {
                        let to = rows.chunks_exact_mut(count * width);
                        for (to, from) in to.zip(found.means.chunks_exact(width)) {
                            to[head * width..][..width].copy_from_slice(from);
                        }
                    }
                });
                Found::Engine(found)
            }
        };
        let (out, ()) = self.combine.forward(parameters, &means, pass)?;
        let kept = HeadsKept {
            projected,
            found,
            means,
        };
        Ok((out, kept))
    }

    /// The heads' way back through the engine: from the flow by the means to that by the projected rows.
    fn pull_heads<T: Number>(
        &self,
        projected: &[T],
        biases: &[Vec<T>],
        found: &[LocalMeans<T>],
        flow: &[T],
        out: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<()> {
        let heads = self.heads(projected, biases, pass.sets)?;
        let (count, width) = (self.config.heads, self.config.head_width);
        let mut flows = Vec::with_capacity(heads.len());
        for (set, range) in pass.sets.iter().enumerate() {
            let rows = &flow[range.start * count * width..range.end * count * width];
            for head in 0..count {
                let by_means =
                    Rows::with_stride(&rows[head * width..], range.len(), width, count * width)?;
                flows.push(HeadFlow {
                    at: Some(&found[set * count + head]),
                    means: by_means,
                    log_normalizer: None,
                    // Those by position are fixed.
                    to_bias: false,
                });
            }
        }
        let watch = Watch::default();
        let back = self.mean.pull_back_heads(&heads, None, &flows, &watch)?;
        let stride = self.columns();
        by_sets(out, stride, pass.sets, |set, rows| {
            for (head, back) in back[set * count..][..count].iter().enumerate() {
                let place = self.place(head);
                let parts = [
                    (place.query, &back.queries),
                    (place.key, &back.keys),
                    (place.value, &back.values),
                ];
                for (at, part) in parts {
                    let to = rows.chunks_exact_mut(stride);
                    for (to, from) in to.zip(part.chunks_exact(width)) {
                        // Heads of a group share its keys and values, so their derivatives add up.
                        let to = &mut to[at..][..width];
                        to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
                    }
                }
            }
        });
        Ok(())
    }
}

/// Works on the rows of each set side by side.
fn by_sets<T: Send>(
    out: &mut [T],
    columns: usize,
    sets: &Sets,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let parts = split(out, columns, sets).into_par_iter().enumerate();
    parts
        .with_max_len(1)
        .for_each(|(set, rows)| work(set, rows));
}

/// The rows of each set.
fn split<'a, T>(out: &'a mut [T], columns: usize, sets: &Sets) -> Vec<&'a mut [T]> {
    let mut rest = out;
    let mut parts = Vec::with_capacity(sets.count());
    for range in sets.iter() {
        let (own, others) = rest.split_at_mut(range.len() * columns);
        parts.push(own);
        rest = others;
    }
    parts
}

impl<T: Number> Layer<T> for LocalHeads {
    type Kept = HeadsKept<T>;

    fn inputs(&self) -> usize {
        self.config.width
    }

    fn outputs(&self) -> usize {
        self.config.width
    }

    fn forward(
        &self,
        parameters: &[T],
        input: &[T],
        pass: &Pass<'_>,
    ) -> Result<(Vec<T>, HeadsKept<T>)> {
        self.run(parameters, input, pass, true)
    }

    fn predict(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        Ok(self.run(parameters, input, pass, false)?.0)
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &HeadsKept<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        let means = &kept.means;
        let flow = self
            .combine
            .pull_back(parameters, means, &(), flow, gradients, pass)?;
        let biases = self.biases(pass.sets.longest());
        let mut by_projected = vec![T::ZERO; kept.projected.len()];
        match (&kept.found, self.fused) {
            (Found::Fused(weights), Some(fused)) => {
                let (projected, out) = (&kept.projected, &mut by_projected);
                fused::pull_back(
                    self, fused, projected, &biases, pass.sets, weights, &flow, out,
                );
            }
            (Found::Engine(found), _) => {
                self.pull_heads(
                    &kept.projected,
                    &biases,
                    found,
                    &flow,
                    &mut by_projected,
                    pass,
                )?;
            }
            (Found::Fused(_), None) => {
                return Err(Error::parameter(
                    "what was kept is that of other heads; pass what forward returned",
                ));
            }
        }
        self.turn(&mut by_projected, pass.sets, true);
        self.project
            .pull_back(parameters, input, &(), &by_projected, gradients, pass)
    }
}

//! Short sets under the two commonest kernels: every score of a head at once.
//!
//! The engine never keeps a matrix of weights, lays out keys for any kernel, and widens its sums; sets of some dozens of sites
//! pay more for that than for their arithmetic. Here a head's scores are one product, kept for the way back. A Gaussian is the
//! softmax of products with a bias of `-||k||^2 / (2 h^2)` for each key, as what belongs to the query alone cancels.

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Bandwidth, Columns, Kernel, Metric};
use rayon::prelude::*;

use super::{HeadsConfig, LocalHeads, Place};
use crate::number::{Matrix, Scratch, multiply_here};
use crate::{Number, Sets};

/// Longer sets go by the engine: their weights would fill memory.
const LONGEST: usize = 512;

/// What the score of a product is multiplied by, and whether keys have the bias of a Gaussian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fused {
    scale: f64,
    gaussian: bool,
}

impl Fused {
    /// Of a kernel that is one of the two.
    pub(super) fn of(kernel: &Kernel) -> Option<Self> {
        let Kernel::Atom(atom) = kernel else {
            return None;
        };
        if *atom.column_choice() != Columns::All {
            return None;
        }
        match (
            atom.profile().info().name,
            atom.metric_in_force(),
            atom.bandwidth_rule(),
        ) {
            ("softmax", Metric::Dot, _) => Some(Self {
                scale: atom.profile().values()[0],
                gaussian: false,
            }),
            ("gaussian", Metric::Euclidean, Bandwidth::Fixed(h)) => Some(Self {
                scale: 1.0 / (h * h),
                gaussian: true,
            }),
            _ => None,
        }
    }

    /// Whether sets are short enough.
    pub(super) fn suits(sets: &Sets) -> bool {
        sets.longest() <= LONGEST
    }
}

/// One set on its way.
struct One<'a, T> {
    heads: &'a LocalHeads,
    fused: Fused,
    biases: &'a [Vec<T>],
    /// `[n, columns]`
    projected: &'a [T],
    n: usize,
}

impl<'a, T: Number> One<'a, T> {
    fn part(&self, at: usize) -> Matrix<'a, T> {
        let (width, stride) = (self.heads.config.head_width, self.heads.columns());
        Matrix::with_stride(&self.projected[at..], self.n, width, stride)
    }

    /// `-||k||^2 / (2 h^2)` of each key of a Gaussian.
    fn by_key(&self, place: Place) -> Option<Vec<T>> {
        let half = T::from_f64(-0.5 * self.fused.scale);
        let width = self.heads.config.head_width;
        let rows = self.projected.chunks_exact(self.heads.columns());
        let norm = |row: &[T]| row[place.key..][..width].iter().map(|x| *x * *x).sum::<T>();
        self.fused
            .gaussian
            .then(|| rows.map(|row| norm(row) * half).collect())
    }

    /// The weights `[heads, n, n]`, and the means `[n, heads * width]`.
    fn forward(&self, means: &mut [T]) -> Vec<T> {
        let (config, n) = (&self.heads.config, self.n);
        let (count, width) = (config.heads, config.head_width);
        let mut scratch = Scratch::default();
        let mut weights = vec![T::ZERO; count * n * n];
        for (head, weights) in weights.chunks_exact_mut(n * n).enumerate() {
            let place = self.heads.place(head);
            let (queries, keys) = (self.part(place.query), self.part(place.key).transposed());
            multiply_here(weights, n, queries, keys, &mut scratch);
            let by_key = self.by_key(place);
            dispatch(Soften {
                config,
                n,
                scale: T::from_f64(self.fused.scale),
                by_key: by_key.as_deref(),
                by_offset: self.biases.get(head).map(Vec::as_slice),
                scores: weights,
            });
            let weights = Matrix::new(weights, n, n);
            let out = &mut means[head * width..];
            multiply_here(
                out,
                count * width,
                weights,
                self.part(place.value),
                &mut scratch,
            );
        }
        weights
    }

    /// From the flow `[n, heads * width]` to that by the projected rows.
    fn pull_back(&self, weights: &[T], flow: &[T], out: &mut [T]) {
        let (config, n) = (&self.heads.config, self.n);
        let (count, width, stride) = (config.heads, config.head_width, self.heads.columns());
        let scale = T::from_f64(self.fused.scale);
        let mut scratch = Scratch::default();
        let mut back = vec![T::ZERO; n * n];
        let mut part = vec![T::ZERO; n * width];
        let mut add = |at: usize, part: &[T]| {
            let rows = out.chunks_exact_mut(stride).zip(part.chunks_exact(width));
            for (to, from) in rows {
                // Heads of a group share its keys and values, so their derivatives add up.
                let to = &mut to[at..][..width];
                to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
            }
        };
        for (head, weights) in weights.chunks_exact(n * n).enumerate() {
            let place = self.heads.place(head);
            let flow = Matrix::with_stride(&flow[head * width..], n, width, count * width);
            let shares = Matrix::new(weights, n, n);
            multiply_here(&mut part, width, shares.transposed(), flow, &mut scratch);
            add(place.value, &part);
            let values = self.part(place.value).transposed();
            multiply_here(&mut back, n, flow, values, &mut scratch);
            dispatch(Harden {
                n,
                scale,
                weights,
                back: &mut back,
            });
            let by_scores = Matrix::new(&back, n, n);
            let keys = self.part(place.key);
            multiply_here(&mut part, width, by_scores, keys, &mut scratch);
            add(place.query, &part);
            let turned = by_scores.transposed();
            multiply_here(
                &mut part,
                width,
                turned,
                self.part(place.query),
                &mut scratch,
            );
            if self.fused.gaussian {
                // The bias of the key is in every score of its column.
                let mut columns = vec![T::ZERO; n];
                for row in back.chunks_exact(n) {
                    columns.iter_mut().zip(row).for_each(|(c, b)| *c += *b);
                }
                let rows = self.projected.chunks_exact(stride).zip(&columns);
                for (part, (row, sum)) in part.chunks_exact_mut(width).zip(rows) {
                    let key = &row[place.key..][..width];
                    part.iter_mut().zip(key).for_each(|(p, k)| *p -= *sum * *k);
                }
            }
            add(place.key, &part);
        }
    }
}

/// From scores to weights, row by row.
struct Soften<'a, T> {
    config: &'a HeadsConfig,
    n: usize,
    scale: T,
    by_key: Option<&'a [T]>,
    by_offset: Option<&'a [T]>,
    scores: &'a mut [T],
}

impl<T: Number> Task for Soften<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let (n, scale) = (self.n, self.scale);
        let reach = self.config.window.unwrap_or(n);
        for (i, row) in self.scores.chunks_exact_mut(n).enumerate() {
            let first = (i + 1).saturating_sub(reach);
            let end = if self.config.causal {
                i + 1
            } else {
                n.min(i.saturating_add(reach))
            };
            row[..first].fill(T::ZERO);
            row[end..].fill(T::ZERO);
            let seen = &mut row[first..end];
            for s in &mut *seen {
                *s *= scale;
            }
            if let Some(by_key) = self.by_key {
                seen.iter_mut()
                    .zip(&by_key[first..end])
                    .for_each(|(s, b)| *s += *b);
            }
            if let Some(table) = self.by_offset {
                let own = &table[(table.len() - 1) / 2 + first - i..];
                seen.iter_mut().zip(own).for_each(|(s, b)| *s += *b);
            }
            let top = isa.largest(seen);
            for s in &mut *seen {
                *s = isa.exp_below_one(*s - top);
            }
            let share = T::from_f64(1.0 / isa.sum(seen));
            for s in &mut *seen {
                *s *= share;
            }
        }
    }
}

/// From derivatives by the weights to those by the products, row by row.
struct Harden<'a, T> {
    n: usize,
    scale: T,
    weights: &'a [T],
    back: &'a mut [T],
}

impl<T: Number> Task for Harden<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let rows = self.weights.chunks_exact(self.n);
        for (back, weights) in self.back.chunks_exact_mut(self.n).zip(rows) {
            let level = T::from_f64(isa.dot(back, weights));
            for (b, w) in back.iter_mut().zip(weights) {
                *b = (*b - level) * *w * self.scale;
            }
        }
    }
}

/// Every set on its way forward: writes the means `[rows, heads * width]`, returns the weights of each set where these are to be kept.
pub(super) fn forward<T: Number>(
    heads: &LocalHeads,
    fused: Fused,
    projected: &[T],
    biases: &[Vec<T>],
    sets: &Sets,
    means: &mut [T],
    keep: bool,
) -> Vec<Vec<T>> {
    let columns = heads.config.heads * heads.config.head_width;
    let parts = super::split(means, columns, sets)
        .into_par_iter()
        .enumerate();
    let parts = parts.with_max_len(1).map(|(set, means)| {
        let weights = one(heads, fused, projected, biases, sets, set).forward(means);
        if keep { weights } else { Vec::new() }
    });
    parts.collect()
}

/// And back: writes the derivatives by the projected rows.
#[allow(clippy::too_many_arguments)]
pub(super) fn pull_back<T: Number>(
    heads: &LocalHeads,
    fused: Fused,
    projected: &[T],
    biases: &[Vec<T>],
    sets: &Sets,
    weights: &[Vec<T>],
    flow: &[T],
    out: &mut [T],
) {
    let columns = heads.config.heads * heads.config.head_width;
    super::by_sets(out, heads.columns(), sets, |set, out| {
        let range = sets.range(set);
        let flow = &flow[range.start * columns..range.end * columns];
        one(heads, fused, projected, biases, sets, set).pull_back(&weights[set], flow, out);
    });
}

fn one<'a, T: Number>(
    heads: &'a LocalHeads,
    fused: Fused,
    projected: &'a [T],
    biases: &'a [Vec<T>],
    sets: &Sets,
    set: usize,
) -> One<'a, T> {
    let (range, stride) = (sets.range(set), heads.columns());
    One {
        heads,
        fused,
        biases,
        projected: &projected[range.start * stride..range.end * stride],
        n: range.len(),
    }
}

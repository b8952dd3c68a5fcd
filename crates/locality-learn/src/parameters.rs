//! The numbers that are learned: one flat buffer with named views.

use std::ops::Range;

use locality_core::{Error, Result};

use crate::Number;
use crate::random::Stream;

/// How a view begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
    /// Normal around zero with this standard deviation.
    Normal(f64),
}

/// A named part of the buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name, such as `layers.0.heads.values.weight`.
    pub name: String,
    /// Its shape, row after row.
    pub shape: Vec<usize>,
    /// Where it lies.
    pub range: Range<usize>,
    /// How it begins.
    pub start: Start,
    /// Whether weight decay holds for it: for matrices, not for gains and shifts.
    pub decays: bool,
}

/// Where everything lies in the buffer. Layers add their views as they are made and keep the ranges.
///
/// ```
/// use locality_learn::{Layout, Start};
/// let mut layout = Layout::default();
/// let weight = layout.add("map.weight", &[3, 2], Start::Normal(0.02), true);
/// assert_eq!((weight, layout.len()), (0..6, 6));
/// let values = layout.initialize::<f32>(7);
/// assert_eq!(layout.view("map.weight", &values)?.len(), 6);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    views: Vec<View>,
    length: usize,
}

impl Layout {
    /// Adds a view behind the others and says where it lies.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        start: Start,
        decays: bool,
    ) -> Range<usize> {
        let size: usize = shape.iter().product();
        let range = self.length..self.length + size;
        self.length = range.end;
        self.views.push(View {
            name: name.into(),
            shape: shape.to_vec(),
            range: range.clone(),
            start,
            decays,
        });
        range
    }

    /// Every view, in the order of the buffer.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The same buffer with the views of a part of it alone, for an optimiser that leaves the rest.
    pub(crate) fn only(&self, part: &Range<usize>) -> Self {
        let inside = |v: &&View| part.start <= v.range.start && v.range.end <= part.end;
        Self {
            views: self.views.iter().filter(inside).cloned().collect(),
            length: self.length,
        }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing to learn.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Requires memory for so many buffers.
    ///
    /// # Errors
    /// More numbers than can be had.
    pub(crate) fn reserve<T: Number>(&self, buffers: usize) -> Result<()> {
        let all = self.length.saturating_mul(buffers);
        Vec::<T>::new().try_reserve_exact(all).map_err(|_| {
            Error::unsupported(format!(
                "a model of {} parameters does not fit into memory; make it smaller",
                self.length
            ))
        })
    }

    /// The buffer as it begins: a function of the seed, the names and the shapes, not of what else is in the layout.
    pub fn initialize<T: Number>(&self, seed: u64) -> Vec<T> {
        let mut out = vec![T::ZERO; self.length];
        for view in &self.views {
            let to = &mut out[view.range.clone()];
            match view.start {
                Start::Zeros => {}
                Start::Ones => to.fill(T::ONE),
                Start::Normal(deviation) => {
                    let name = view.name.bytes();
                    let stream = name.fold(Stream::new(seed, 1), |s, b| s.fork(u64::from(b)));
                    for (i, x) in to.iter_mut().enumerate() {
                        *x = T::from_f64(deviation * stream.normal(i as u64));
                    }
                }
            }
        }
        out
    }

    /// The numbers of a view.
    ///
    /// # Errors
    /// A name that is not there, or a buffer of another length.
    pub fn view<'a, T>(&self, name: &str, values: &'a [T]) -> Result<&'a [T]> {
        self.check(values)?;
        let found = self.views.iter().find(|v| v.name == name);
        let view = found.ok_or_else(|| {
            Error::parameter(format!(
                "there is no parameter '{name}'; their names are in Layout::views"
            ))
        })?;
        Ok(&values[view.range.clone()])
    }

    /// Where the first view whose name begins so lies, or the end.
    pub(crate) fn from(&self, prefix: &str) -> usize {
        let found = self.views.iter().find(|v| v.name.starts_with(prefix));
        found.map_or(self.length, |v| v.range.start)
    }

    /// Copies the views that another layout has in the same shape.
    pub(crate) fn carry<T: Copy>(&self, values: &mut [T], other: &Self, from: &[T]) {
        for view in &other.views {
            let same = |v: &&View| v.name == view.name && v.shape == view.shape;
            if let Some(to) = self.views.iter().find(same) {
                values[to.range.clone()].copy_from_slice(&from[view.range.clone()]);
            }
        }
    }

    /// Requires a buffer of this layout.
    pub(crate) fn check<T>(&self, values: &[T]) -> Result<()> {
        if values.len() == self.length {
            return Ok(());
        }
        Err(Error::shape(format!(
            "the buffer has {} numbers, but the layout {}; pass one that Layout::initialize made",
            values.len(),
            self.length
        )))
    }
}

/// Requires a buffer that reaches as far as the views of a layer, which does not know the whole layout.
pub(crate) fn reach<'a, T>(
    name: &str,
    buffer: &[T],
    views: impl IntoIterator<Item = &'a Range<usize>>,
) -> Result<()> {
    let end = views.into_iter().map(|v| v.end).max().unwrap_or(0);
    if buffer.len() >= end {
        return Ok(());
    }
    Err(Error::shape(format!(
        "{name} has {} numbers, but a layer's own lie up to {end}; pass a buffer of the layout that it was made in",
        buffer.len()
    )))
}

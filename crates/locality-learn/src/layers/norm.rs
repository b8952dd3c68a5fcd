//! Normalisation of each row.

use std::ops::Range;

use locality_core::isa::{Isa, Task, dispatch};
use locality_core::{Error, Result};
use rayon::prelude::*;

use crate::parameters::reach;
use crate::pass::{BLOCK, fill};
use crate::{Layer, Layout, Number, Pass, Start};

/// What a row is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NormKind {
    /// Mean to zero and variance to one (Ba et al. 2016).
    #[default]
    Layer,
    /// Mean square to one (Zhang and Sennrich 2019).
    Rms,
}

impl std::str::FromStr for NormKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "layer" => Ok(Self::Layer),
            "rms" => Ok(Self::Rms),
            _ => Err(Error::parse(format!(
                "there is no norm '{text}'; choose layer or rms"
            ))),
        }
    }
}

/// Added to the variance, so that a constant row stays finite.
pub(crate) const EPSILON: f64 = 1e-5;

/// `gain * normalised row + shift`, over `width` columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    kind: NormKind,
    width: usize,
    gain: Range<usize>,
    shift: Option<Range<usize>>,
    epsilon: f64,
}

impl Norm {
    /// Adds `name.gain` and, where wanted, `name.shift`.
    pub fn new(layout: &mut Layout, name: &str, width: usize, kind: NormKind, shift: bool) -> Self {
        let gain = layout.add(format!("{name}.gain"), &[width], Start::Ones, false);
        let shift =
            shift.then(|| layout.add(format!("{name}.shift"), &[width], Start::Zeros, false));
        Self {
            kind,
            width,
            gain,
            shift,
            epsilon: EPSILON,
        }
    }

    /// With another number than 1e-5 added to the variance.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Requires columns to work on, and a buffer that holds gain and shift.
    fn check<T>(&self, name: &str, buffer: &[T]) -> Result<()> {
        if self.width == 0 {
            return Err(Error::shape(
                "a norm of 0 columns has nothing to do; give at least 1",
            ));
        }
        reach(name, buffer, self.shift.iter().chain([&self.gain]))
    }

    /// Normalises rows; writes mean and inverse deviation of each.
    fn run<T: Number>(&self, parameters: &[T], input: &[T], kept: &mut [T]) -> Vec<T> {
        let width = self.width;
        let mut out = vec![T::ZERO; input.len()];
        let blocks = out.par_chunks_mut(BLOCK * width);
        let blocks = blocks.zip(kept.par_chunks_mut(BLOCK * 2)).enumerate();
        blocks.with_max_len(1).for_each(|(b, (out, kept))| {
            dispatch(Forward {
                kind: self.kind,
                epsilon: self.epsilon,
                gain: &parameters[self.gain.clone()],
                shift: self.shift.clone().map(|s| &parameters[s]),
                input: &input[b * BLOCK * width..][..out.len()],
                kept,
                out,
            });
        });
        out
    }
}

struct Forward<'a, T> {
    kind: NormKind,
    epsilon: f64,
    gain: &'a [T],
    shift: Option<&'a [T]>,
    input: &'a [T],
    kept: &'a mut [T],
    out: &'a mut [T],
}

impl<T: Number> Task for Forward<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let width = self.gain.len();
        let rows = self.input.chunks_exact(width);
        let outs = self.out.chunks_exact_mut(width);
        let kept = self.kept.chunks_exact_mut(2);
        for ((x, y), kept) in rows.zip(outs).zip(kept) {
            let mean = match self.kind {
                NormKind::Layer => T::from_f64(isa.sum(x) / width as f64),
                NormKind::Rms => T::ZERO,
            };
            for (y, x) in y.iter_mut().zip(x) {
                *y = *x - mean;
            }
            let variance = isa.dot(y, y) / width as f64;
            let inverse = T::from_f64(1.0 / (variance + self.epsilon).sqrt());
            for (y, g) in y.iter_mut().zip(self.gain) {
                *y = *y * inverse * *g;
            }
            if let Some(shift) = self.shift {
                y.iter_mut().zip(shift).for_each(|(y, s)| *y += *s);
            }
            kept[0] = mean;
            kept[1] = inverse;
        }
    }
}

/// One block of rows on the way back; sums over its rows are kept by themselves.
struct Back<'a, T> {
    kind: NormKind,
    gain: &'a [T],
    input: &'a [T],
    kept: &'a [T],
    flow: &'a [T],
    out: &'a mut [T],
    /// By gain, then by shift.
    sums: &'a mut [T],
}

impl<T: Number> Task for Back<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let width = self.gain.len();
        let share = 1.0 / width as f64;
        let mut unit = vec![T::ZERO; width];
        let (by_gain, by_shift) = self.sums.split_at_mut(width);
        let rows = self.input.chunks_exact(width);
        let flows = self.flow.chunks_exact(width);
        let outs = self.out.chunks_exact_mut(width);
        let kept = self.kept.chunks_exact(2);
        for (((x, f), d), kept) in rows.zip(flows).zip(outs).zip(kept) {
            let (mean, inverse) = (kept[0], kept[1]);
            for (u, x) in unit.iter_mut().zip(x) {
                *u = (*x - mean) * inverse;
            }
            for ((g, u), f) in by_gain.iter_mut().zip(&unit).zip(f) {
                *g = isa.fma(*u, *f, *g);
            }
            by_shift.iter_mut().zip(f).for_each(|(s, f)| *s += *f);
            for ((d, f), g) in d.iter_mut().zip(f).zip(self.gain) {
                *d = *f * *g;
            }
            let level = match self.kind {
                NormKind::Layer => T::from_f64(isa.sum(d) * share),
                NormKind::Rms => T::ZERO,
            };
            let lean = T::from_f64(isa.dot(d, &unit) * share);
            for (d, u) in d.iter_mut().zip(&unit) {
                *d = (*d - level - *u * lean) * inverse;
            }
        }
    }
}

impl<T: Number> Layer<T> for Norm {
    /// Mean and inverse deviation of each row, `[rows, 2]`.
    type Kept = Vec<T>;

    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs(&self) -> usize {
        self.width
    }

    fn forward(&self, parameters: &[T], input: &[T], pass: &Pass<'_>) -> Result<(Vec<T>, Vec<T>)> {
        self.check("parameters", parameters)?;
        pass.check("input", input, self.width)?;
        let mut kept = vec![T::ZERO; pass.sets.rows() * 2];
        let out = self.run(parameters, input, &mut kept);
        Ok((out, kept))
    }

    fn pull_back(
        &self,
        parameters: &[T],
        input: &[T],
        kept: &Vec<T>,
        flow: &[T],
        gradients: &mut [T],
        pass: &Pass<'_>,
    ) -> Result<Vec<T>> {
        self.check("parameters", parameters)?;
        self.check("gradients", gradients)?;
        pass.check("input", input, self.width)?;
        pass.check("flow", flow, self.width)?;
        if kept.len() != 2 * pass.sets.rows() {
            return Err(Error::shape(format!(
                "what was kept is of {} rows, but there are {}; pass what forward returned",
                kept.len() / 2,
                pass.sets.rows()
            )));
        }
        let width = self.width;
        let mut out = vec![T::ZERO; input.len()];
        let mut sums = vec![T::ZERO; pass.sets.rows().div_ceil(BLOCK) * 2 * width];
        let blocks = out.par_chunks_mut(BLOCK * width);
        let blocks = blocks.zip(sums.par_chunks_mut(2 * width)).enumerate();
        blocks.with_max_len(1).for_each(|(b, (out, sums))| {
            let start = b * BLOCK;
            let rows = out.len() / width;
            dispatch(Back {
                kind: self.kind,
                gain: &parameters[self.gain.clone()],
                input: &input[start * width..][..out.len()],
                kept: &kept[start * 2..][..rows * 2],
                flow: &flow[start * width..][..out.len()],
                out,
                sums,
            });
        });
        for part in sums.chunks_exact(2 * width) {
            let (by_gain, by_shift) = part.split_at(width);
            let add = |to: &mut [T], from: &[T]| {
                to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
            };
            add(&mut gradients[self.gain.clone()], by_gain);
            if let Some(shift) = &self.shift {
                add(&mut gradients[shift.clone()], by_shift);
            }
        }
        Ok(out)
    }
}

/// Adds one buffer to another, block by block.
pub(crate) fn add<T: Number>(to: &mut [T], from: &[T]) {
    fill(to, 64, |first, block| {
        let from = &from[first * 64..][..block.len()];
        block.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
    });
}
